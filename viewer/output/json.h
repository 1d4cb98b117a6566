/* Write JSON as it comes, without building it first. */
#ifndef LTV_JSON_H
#define LTV_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 16

struct json {
  FILE *file;
  unsigned depth;
  bool has_member[JSON_DEPTH_MAX]; /* a comma is due */
};

/* Begin; nothing is written yet. */
void json_init(struct json *json, FILE *file);

/* Begin and end an object or an array.  key: NULL inside an array and at the
 * top; else the member's name, plain ASCII of our own. */
void json_object(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array(struct json *json, const char *key);
void json_array_end(struct json *json);

/* Write a text quoted, where a document is not written with the functions
 * below: made inert, any length; and one that is inert already. */
void json_quote(FILE *file, const char *text);
void json_quote_inert(FILE *file, const char *text);

/* One value.  text: made inert (output/inert.h) and quoted, of any length; NULL
 * gives null. */
void json_text(struct json *json, const char *key, const char *text);
/* The same of a text that is inert already, and of lines of our own. */
void json_inert(struct json *json, const char *key, const char *text);
void json_lines(struct json *json, const char *key, const char *text);
void json_int(struct json *json, const char *key, int64_t n);
void json_uint(struct json *json, const char *key, uint64_t n);
void json_bool(struct json *json, const char *key, bool b);
void json_null(struct json *json, const char *key);

/* A share or ratio with four decimals. */
void json_ratio(struct json *json, const char *key, double x);

#endif
