/* looptrace info: what is in a trace, and is it whole.
 *
 * Invariant: shows what the reader knows; events are read only with --verify,
 * and of a file without an index those that tell of losses.  Called by main.c.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "newest.h"
#include "option.h"
#include "output/inert.h"
#include "output/json.h"
#include "output/open.h"
#include "output/place.h"
#include "output/report.h"
#include "output/units.h"
#include "pager.h"

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
  const char *path;
  lt_reader *reader;
  const lt_info *info;
  bool is_json, has_verify, is_verbose;
  lt_status verified;
  uint64_t lost[LT_LOST_LIMIT]; /* by cause */
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
      v->has_verify = true;
      break;
    case 'v':
      v->is_verbose = true;
      break;
    default:
      return option_exit(c);
    }
  v->path = newest_or_named(WHO, argc, argv,
                            "one trace at a time: looptrace info FILE%s");
  return v->path ? -1 : EXIT_USAGE;
}

static void print_time(const lt_info *info, char *buf, size_t size) {
  time_t seconds = (time_t)(info->start_unix_ns / 1000000000);
  struct tm tm;
  if (!localtime_r(&seconds, &tm) ||
      !strftime(buf, size, "%Y-%m-%d %H:%M:%S %z", &tm))
    snprintf(buf, size, "unknown");
}

static void print_modules(const struct info_view *v) {
  char path[4200], id[128];
  printf("modules    %" PRIu32 "%s\n", v->info->n_modules,
         v->is_verbose || v->info->n_modules == 0 ? "" : " (-v lists them)");
  for (uint32_t i = 1; i <= v->info->n_modules && v->is_verbose; i++) {
    const lt_module_def *m = lt_reader_module(v->reader, i);
    if (m)
      printf("           %s  %s\n", inert(m->path, path, sizeof path),
             m->build_id && *m->build_id ? inert(m->build_id, id, sizeof id)
                                         : "no build-id");
  }
}

static void print_threads(const struct info_view *v) {
  char name[64];
  uint32_t shown = v->is_verbose ? v->info->n_threads : 8;
  printf("threads    %" PRIu32 "\n", v->info->n_threads);
  for (uint32_t i = 0; i < v->info->n_threads && i < shown; i++) {
    const lt_thread_def *t = lt_reader_thread(v->reader, i);
    if (t)
      printf("           %d %s%s\n", (int)t->tid,
             inert(t->name, name, sizeof name), t->is_main ? " (main)" : "");
  }
  if (v->info->n_threads > shown)
    printf("           and %" PRIu32 " more: -v lists them\n",
           v->info->n_threads - shown);
}

static void print_loops(const struct info_view *v) {
  char name[64];
  printf("loops      %" PRIu32 "\n", v->info->n_loops);
  for (uint32_t id = 0, seen = 0;
       seen < v->info->n_loops && id <= v->info->n_loops + 64; id++) {
    const lt_loop_def *l = lt_reader_loop(v->reader, id);
    if (!l)
      continue;
    seen++;
    const lt_thread_def *t = lt_reader_thread(v->reader, l->thread);
    const char *raw = l->name && *l->name ? l->name
                      : t && t->is_main   ? "main"
                      : t                 ? t->name
                                          : "";
    printf("           %" PRIu32 " %s\n", id, inert(raw, name, sizeof name));
  }
}

static void print_lost(const struct info_view *v) {
  units_buf count;
  printf("lost       %s\n", units_count(count, v->info->n_lost));
  for (unsigned i = 0; i < LT_LOST_LIMIT; i++)
    if (v->lost[i])
      printf("           %s: %s\n", units_count(count, v->lost[i]),
             lt_lost_text(i));
}

static void print_notes(const struct info_view *v) {
  const lt_info *info = v->info;
  char text[1024];
  units_buf count, least;
  if (info->n_short_calls)
    printf("note       %s blocking calls shorter than %s are counted only\n",
           units_count(count, info->n_short_calls),
           units_ns(least, (int64_t)info->min_block_ns));
  if (info->untracked)
    printf("note       %s callbacks could not be followed\n",
           units_count(count, info->untracked));
  for (uint32_t i = 0; i < info->n_notes; i++)
    printf("note       %s\n",
           inert(lt_reader_note(v->reader, i), text, sizeof text));
}

static bool is_libuv(const char *path) {
  const char *slash = strrchr(path, '/');
  return strncmp(slash ? slash + 1 : path, "libuv.so", 8) == 0;
}

/* Which libuv was hooked: none, one, or several in one process. */
static void print_coverage(const struct info_view *v) {
  const lt_info *info = v->info;
  char text[600];
  unsigned n = 0;
  for (uint32_t i = 1; i <= info->n_modules; i++) {
    const lt_module_def *m = lt_reader_module(v->reader, i);
    bool is_new = m && is_libuv(m->path);
    for (uint32_t j = 1; is_new && j < i; j++) {
      const lt_module_def *other = lt_reader_module(v->reader, j);
      is_new = !other || strcmp(m->path, other->path) != 0;
    }
    if (is_new)
      printf("%s%s\n", n++ ? "           " : "coverage   ",
             inert(m->path, text, sizeof text));
  }
  bool has_version = info->uv_version && *info->uv_version;
  if (n == 0 && !has_version)
    puts("coverage   no libuv was loaded as a library: no callbacks are seen");
  else if (!has_version)
    puts("           no call of it was seen: no callbacks are seen");
  else if (n > 1)
    puts("           several copies of libuv: calls that the dynamic linker "
         "binds go to the\n           first, others are not seen");
}

static void print_text(const struct info_view *v) {
  const lt_info *info = v->info;
  char text[4200];
  units_buf a, b;
  printf("file       %s, %s, format version %" PRIu32 "\n",
         inert(v->path, text, sizeof text), units_bytes(a, info->size_bytes),
         info->version);
  printf("health     %s%s\n", report_health(info, text, sizeof text),
         info->by_index && !v->has_verify
             ? ", as its index says (--verify reads every block)"
             : "");
  if (v->has_verify)
    printf("verify     %s\n", v->verified == LT_OK
                                  ? "every block and event is whole"
                                  : lt_status_text(v->verified));
  printf("process    %s, pid %d%s%s\n", inert(info->comm, text, 64),
         (int)info->pid,
         info->uv_version && *info->uv_version ? ", libuv " : "",
         inert(info->uv_version, text + 64, 64));
  print_time(info, text, sizeof text);
  printf("recorded   %s, for %s, by %s\n", text, units_ns(a, info->end_ns),
         inert(info->recorder, text + 100, 200));
  printf("end        %s\n", report_end(info, text, sizeof text));
  printf("events     %s", units_count(a, info->n_events));
  if (info->n_events)
    printf(", %.1f bytes each in the file",
           (double)info->size_bytes / (double)info->n_events);
  printf("\nblocks     %" PRIu32 " of events, %" PRIu32 " epochs, %" PRIu32
         " generations\n",
         info->n_chunks, info->n_epochs, info->n_generations);
  print_lost(v);
  print_loops(v);
  print_threads(v);
  printf("names      %s sites, %s strings\n", units_count(a, info->n_sites),
         units_count(b, info->n_strings));
  print_modules(v);
  print_coverage(v);
  print_notes(v);
}

static void json_lists(struct json *json, const struct info_view *v) {
  const lt_info *info = v->info;
  json_object(json, "lost_by_cause");
  for (unsigned i = 0; i < LT_LOST_LIMIT; i++)
    if (v->lost[i])
      json_uint(json, lt_lost_text(i), v->lost[i]);
  json_object_end(json);
  json_array(json, "threads");
  for (uint32_t i = 0; i < info->n_threads; i++) {
    const lt_thread_def *t = lt_reader_thread(v->reader, i);
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
    const lt_module_def *m = lt_reader_module(v->reader, i);
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
    json_text(json, NULL, lt_reader_note(v->reader, i));
  json_array_end(json);
}

static void print_json(const struct info_view *v) {
  const lt_info *info = v->info;
  char text[512];
  struct json json;
  json_init(&json, stdout);
  json_object(&json, NULL);
  json_text(&json, "schema", "looptrace.info/1");
  trace_json(&json, "trace", v->path, info);
  json_text(&json, "health", report_health(info, text, sizeof text));
  if (v->has_verify)
    json_bool(&json, "verified", v->verified == LT_OK);
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
  lt_status status = lt_reader_open(v.path, &v.reader);
  if (status == LT_OK) {
    v.info = lt_reader_info(v.reader);
    status = lt_reader_losses(v.reader, v.lost);
  }
  if (status != LT_OK) {
    open_complain(WHO, v.path, status, errno);
    lt_reader_close(v.reader);
    return EXIT_UNREADABLE;
  }
  if (v.has_verify)
    v.verified = lt_reader_verify(v.reader);
  pager_begin();
  if (v.is_json)
    print_json(&v);
  else
    print_text(&v);
  code = v.verified == LT_OK ? EXIT_OK : EXIT_UNREADABLE;
  lt_reader_close(v.reader);
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
