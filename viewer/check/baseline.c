/* Baselines, as JSON that is reviewed in git: sorted, a finding each.
 *
 * Invariant: a file that is not understood is an error, never an empty
 * baseline; a write that fails leaves the old file.  Called by run.c. */
#include "check/baseline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/options.h"
#include "command.h"
#include "output/inert.h"

#define SCHEMA "looptrace.baseline/1"

static int complain(const char *path, const char *problem) {
  char name[4200], text[300];
  fprintf(stderr, CHECK_WHO ": --baseline %s: %s\n",
          inert(path, name, sizeof name), inert(problem, text, sizeof text));
  return EXIT_USAGE;
}

static bool is_good(const json_t *root) {
  const char *schema = json_string_value(json_object_get(root, "schema"));
  json_t *findings = json_object_get(root, "findings");
  const char *key;
  json_t *value;
  if (!schema || strcmp(schema, SCHEMA) != 0 || !json_is_object(findings))
    return false;
  json_object_foreach(findings, key, value) {
    if (json_integer_value(json_object_get(value, "count")) < 1)
      return false;
  }
  return true;
}

static bool is_trace(const char *path) {
  lt_reader *reader;
  if (lt_reader_open(path, &reader) != LT_OK)
    return false;
  lt_reader_close(reader);
  return true;
}

int baseline_read(const char *path, bool is_update, struct baseline *b) {
  *b = (struct baseline){.path = path, .is_update = is_update};
  if (!path)
    return EXIT_OK;
  b->is_trace = is_trace(path);
  if (is_update && b->is_trace)
    return complain(path, "this is a trace; --update-baseline would write "
                          "over it");
  if (is_update || b->is_trace) {
    b->findings = json_pack("{}"); /* json_object is our own writer's */
    return b->findings ? EXIT_OK : complain(path, "out of memory");
  }
  FILE *file = fopen(path, "re");
  if (!file && errno == ENOENT)
    return complain(path, "there is no such file; make it with "
                          "--update-baseline");
  if (!file)
    return complain(path, strerror(errno));
  json_error_t error;
  json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
  fclose(file);
  if (!root) {
    char problem[300];
    snprintf(problem, sizeof problem, "line %d: %.200s", error.line,
             error.text);
    return complain(path, problem);
  }
  if (is_good(root))
    b->findings = json_incref(json_object_get(root, "findings"));
  json_decref(root);
  return b->findings ? EXIT_OK : complain(path, "this is no " SCHEMA);
}

void baseline_free(struct baseline *b) {
  json_decref(b->findings);
  b->findings = NULL;
}

uint64_t baseline_count(const struct baseline *b, uint64_t fingerprint) {
  char key[20];
  snprintf(key, sizeof key, "%016" PRIx64, fingerprint);
  json_int_t n = json_integer_value(
      json_object_get(json_object_get(b->findings, key), "count"));
  return n > 0 ? (uint64_t)n : 0;
}

void baseline_add(struct baseline *b, const struct model *m,
                  const struct finding *f) {
  char key[20], name[600];
  snprintf(key, sizeof key, "%016" PRIx64, f->fingerprint);
  uint64_t before = baseline_count(b, f->fingerprint);
  json_t *row = json_pack("{s:I,s:s,s:s,s:s}", "count",
                          (json_int_t)(before > f->count ? before : f->count),
                          "rule", f->rule, "loop", finding_loop(m, f), "place",
                          model_site_short(m, f->site, name, sizeof name));
  if (row)
    json_object_set_new(b->findings, key, row);
}

bool baseline_write(const struct baseline *b) {
  char temporary[4200];
  json_t *root =
      json_pack("{s:s,s:O}", "schema", SCHEMA, "findings", b->findings);
  if (!root || snprintf(temporary, sizeof temporary, "%s.new", b->path) >=
                   (int)sizeof temporary) {
    json_decref(root);
    complain(b->path, "its name is too long");
    return false;
  }
  FILE *file = fopen(temporary, "we");
  bool is_written =
      file && json_dumpf(root, file, JSON_INDENT(2) | JSON_SORT_KEYS) == 0 &&
      putc('\n', file) == '\n';
  if (file && fclose(file) != 0)
    is_written = false;
  json_decref(root);
  if (is_written && rename(temporary, b->path) == 0)
    return true;
  complain(b->path, strerror(errno));
  if (file)
    unlink(temporary);
  return false;
}
