/* Append numbers and names to a file without printf: for exports, which write a
 * line for each event.
 *
 * A writer belongs to one thread.  What it was given is in the file only after
 * writer_flush(); errors are the file's (ferror()) from then on. */
#ifndef LTV_WRITER_H
#define LTV_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WRITER_SIZE 16384

struct writer {
  FILE *file;
  size_t used;
  char bytes[WRITER_SIZE];
};

/* Begin; nothing is written yet.  file: borrowed until the last flush. */
void writer_init(struct writer *w, FILE *file);
/* Hand what there is to the file. */
void writer_flush(struct writer *w);

/* Append as it is.  n: any. */
void writer_long(struct writer *w, const char *bytes, size_t n);
static inline void writer_bytes(struct writer *w, const char *bytes, size_t n) {
  if (n > WRITER_SIZE - w->used) {
    writer_long(w, bytes, n);
    return;
  }
  memcpy(w->bytes + w->used, bytes, n);
  w->used += n;
}
static inline void writer_text(struct writer *w, const char *text) {
  writer_bytes(w, text, strlen(text));
}
static inline void writer_char(struct writer *w, char c) {
  if (w->used == WRITER_SIZE)
    writer_flush(w);
  w->bytes[w->used++] = c;
}

/* A whole number, in decimal; in hex, without a prefix. */
void writer_uint(struct writer *w, uint64_t n);
void writer_int(struct writer *w, int64_t n);
void writer_hex(struct writer *w, uint64_t n);
/* Nanoseconds as microseconds, with three decimals. */
void writer_us(struct writer *w, int64_t ns);

/* In quotes, as JSON and as CSV have them.  text: inert already. */
void writer_json(struct writer *w, const char *text);
void writer_csv(struct writer *w, const char *text);

#endif
