/* looptrace info: what is in a trace, and is it whole.
 *
 * Invariant: shows what the reader knows; events are read only with --verify,
 * and of a file without an index those that tell of losses.  Called by main.c.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "cli/newest.h"
#include "cli/option.h"
#include "cli/pager.h"
#include "command.h"
#include "output/info.h"
#include "output/json.h"
#include "output/open.h"
#include "output/place.h"
#include "output/report.h"

#define WHO "looptrace info"

enum { OPT_JSON = 256, OPT_VERIFY };

static const struct option_row option_rows[] = {
    {OPT_JSON, "json", NULL, NULL, "one JSON object, schema looptrace.info/1"},
    {OPT_VERIFY, "verify", NULL, NULL,
     "check every block and event; exit 3 when one is damaged or the end is "
     "missing"},
    {'v', "verbose", NULL, NULL,
     "all modules with their build-ids, all threads"},
    {0}};

struct info_view {
  struct info_said said;
  bool is_json;
};

static int parse(int argc, char **argv, struct info_view *v) {
  int c;
  option_begin(&cmd_info, argv);
  while ((c = option_next(argc, argv)) != OPTION_END)
    switch (c) {
    case OPT_JSON:
      v->is_json = true;
      break;
    case OPT_VERIFY:
      v->said.has_verify = true;
      break;
    case 'v':
      v->said.is_verbose = true;
      break;
    default:
      return option_exit(c);
    }
  v->said.path = newest_or_named(WHO, argc, argv,
                                 "one trace at a time: looptrace info FILE%s");
  return v->said.path ? -1 : EXIT_USAGE;
}

static void json_lists(struct json *json, const struct info_view *v) {
  const lt_info *info = v->said.info;
  json_object(json, "lost_by_cause");
  for (unsigned i = 0; i < LT_LOST_LIMIT; i++)
    if (v->said.lost[i].n)
      json_uint(json, lt_lost_text(i), v->said.lost[i].n);
  json_object_end(json);
  json_array(json, "threads");
  for (uint32_t i = 0; i < info->n_threads; i++) {
    const lt_thread_def *t = lt_reader_thread(v->said.reader, i);
    if (!t)
      continue;
    json_object(json, NULL);
    json_int(json, "tid", t->tid);
    json_text(json, "name", t->name);
    json_bool(json, "is_main", t->is_main);
    json_object_end(json);
  }
  json_array_end(json);
  json_array(json, "modules");
  for (uint32_t i = 1; i <= info->n_modules; i++) {
    const lt_module_def *m = lt_reader_module(v->said.reader, i);
    if (!m)
      continue;
    json_object(json, NULL);
    json_text(json, "path", m->path);
    json_text(json, "build_id", m->build_id);
    json_object_end(json);
  }
  json_array_end(json);
  json_array(json, "notes");
  for (uint32_t i = 0; i < info->n_notes; i++)
    json_text(json, NULL, lt_reader_note(v->said.reader, i));
  json_array_end(json);
}

static void print_json(const struct info_view *v) {
  const lt_info *info = v->said.info;
  char text[512];
  struct json json;
  json_init(&json, stdout);
  json_object(&json, NULL);
  json_text(&json, "schema", "looptrace.info/1");
  trace_json(&json, "trace", v->said.path, info);
  json_text(&json, "health", report_health(info, text, sizeof text));
  if (v->said.has_verify)
    json_bool(&json, "verified", v->said.verified == LT_OK);
  json_bool(&json, "by_index", info->by_index);
  json_text(&json, "end", report_end(info, text, sizeof text));
  json_int(&json, "end_status", info->end_status);
  json_uint(&json, "version", info->version);
  json_int(&json, "start_unix_ns", info->start_unix_ns);
  json_text(&json, "uv_version", info->uv_version);
  json_text(&json, "recorder", info->recorder);
  json_uint(&json, "size_bytes", info->size_bytes);
  json_uint(&json, "short_calls", info->n_short_calls);
  json_uint(&json, "min_block_ns", info->min_block_ns);
  json_uint(&json, "untracked", info->untracked);
  json_uint(&json, "loops", info->n_loops);
  json_uint(&json, "sites", info->n_sites);
  json_uint(&json, "strings", info->n_strings);
  json_uint(&json, "chunks", info->n_chunks);
  json_uint(&json, "epochs", info->n_epochs);
  json_uint(&json, "generations", info->n_generations);
  json_lists(&json, v);
  json_object_end(&json);
}

static int run_info(int argc, char **argv) {
  struct info_view v = {0};
  int code = parse(argc, argv, &v);
  if (code >= 0)
    return code;
  errno = 0;
  lt_status status = lt_reader_open(v.said.path, &v.said.reader);
  if (status == LT_OK) {
    v.said.info = lt_reader_info(v.said.reader);
    status = info_read_losses(&v.said);
  }
  if (status != LT_OK) {
    open_complain(WHO, v.said.path, status, errno);
    lt_reader_close(v.said.reader);
    return EXIT_UNREADABLE;
  }
  if (v.said.has_verify)
    v.said.verified = lt_reader_verify(v.said.reader);
  pager_begin();
  if (v.is_json)
    print_json(&v);
  else
    info_text(stdout, &v.said);
  code = v.said.verified == LT_OK ? EXIT_OK : EXIT_UNREADABLE;
  lt_reader_close(v.said.reader);
  return code;
}

const struct command cmd_info = {
    .name = "info",
    .summary = "what is in this file, is it whole",
    .options = option_rows,
    .usage = "[options] [FILE]",
    .about = "Tell what is in a trace, and whether it is whole.",
    .status = "0; 2 wrong usage; 3 the file cannot be read, or --verify found "
              "that it "
              "is not whole.",
    .examples = "looptrace info --verify app.lt",
    .operands = OFFER_TRACES,
    .run = run_info,
};
