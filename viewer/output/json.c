/* Write JSON as it comes.
 *
 * Invariant: what is written is a valid document whatever texts are given,
 * since every text is made inert first: no control byte, no broken UTF-8 is
 * left to escape.  Called by the JSON forms of check, report and info. */
#include "output/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/inert.h"

void json_init(struct json *json, FILE *file) {
  *json = (struct json){.file = file};
}

/* Everything before a value: comma, line, key. */
static void lead(struct json *json, const char *key) {
  if (json->has_member[json->depth])
    putc(',', json->file);
  json->has_member[json->depth] = true;
  if (json->depth)
    fprintf(json->file, "\n%*s", (int)json->depth * 2, "");
  if (key)
    fprintf(json->file, "\"%s\": ", key);
}

static void open_bracket(struct json *json, const char *key, char bracket) {
  assert(json->depth + 1 < JSON_DEPTH_MAX);
  lead(json, key);
  putc(bracket, json->file);
  json->has_member[++json->depth] = false;
}

static void close_bracket(struct json *json, char bracket) {
  assert(json->depth > 0);
  bool is_empty = !json->has_member[json->depth--];
  if (!is_empty)
    fprintf(json->file, "\n%*s", (int)json->depth * 2, "");
  putc(bracket, json->file);
  if (json->depth == 0)
    putc('\n', json->file);
}

void json_object(struct json *json, const char *key) {
  open_bracket(json, key, '{');
}

void json_object_end(struct json *json) {
  close_bracket(json, '}');
}

void json_array(struct json *json, const char *key) {
  open_bracket(json, key, '[');
}

void json_array_end(struct json *json) {
  close_bracket(json, ']');
}

void json_quote_inert(FILE *file, const char *text) {
  putc('"', file);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      putc('\\', file);
    putc(*text, file);
  }
  putc('"', file);
}

void json_quote(FILE *file, const char *text) {
  char small[256];
  size_t size = strlen(text) * 4 + 8; /* \xHH is the longest */
  char *buf = size <= sizeof small ? small : malloc(size);
  if (!buf) {
    buf = small;
    size = sizeof small;
  }
  json_quote_inert(file, inert(text, buf, size));
  if (buf != small)
    free(buf);
}

void json_text(struct json *json, const char *key, const char *text) {
  if (!text) {
    json_null(json, key);
    return;
  }
  lead(json, key);
  json_quote(json->file, text);
}

void json_inert(struct json *json, const char *key, const char *text) {
  lead(json, key);
  json_quote_inert(json->file, text);
}

void json_lines(struct json *json, const char *key, const char *text) {
  lead(json, key);
  putc('"', json->file);
  for (; *text; text++)
    if (*text == '\n') {
      fputs("\\n", json->file);
    } else {
      if (*text == '"' || *text == '\\')
        putc('\\', json->file);
      putc(*text, json->file);
    }
  putc('"', json->file);
}

void json_int(struct json *json, const char *key, int64_t n) {
  lead(json, key);
  fprintf(json->file, "%" PRId64, n);
}

void json_uint(struct json *json, const char *key, uint64_t n) {
  lead(json, key);
  fprintf(json->file, "%" PRIu64, n);
}

void json_bool(struct json *json, const char *key, bool b) {
  lead(json, key);
  fputs(b ? "true" : "false", json->file);
}

void json_null(struct json *json, const char *key) {
  lead(json, key);
  fputs("null", json->file);
}

void json_ratio(struct json *json, const char *key, double x) {
  lead(json, key);
  fprintf(json->file, "%.4f", isfinite(x) ? x : 0.0);
}
