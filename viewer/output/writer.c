/* Append numbers and names to a file without printf.
 *
 * Invariant: used <= WRITER_SIZE, and what the file has, followed by the bytes
 * in use, is what was given.  Called by export_*.c, for each event. */
#include "output/writer.h"

void writer_init(struct writer *w, FILE *file) {
  w->file = file;
  w->used = 0;
}

void writer_flush(struct writer *w) {
  fwrite(w->bytes, 1, w->used, w->file);
  w->used = 0;
}

void writer_long(struct writer *w, const char *bytes, size_t n) {
  writer_flush(w);
  if (n > WRITER_SIZE) {
    fwrite(bytes, 1, n, w->file);
    return;
  }
  memcpy(w->bytes, bytes, n);
  w->used = n;
}

/* Write its digits before end, two for each division.  Returns: the first. */
static char *digits(char *end, uint64_t n) {
  static const char pairs[] = "0001020304050607080910111213141516171819"
                              "2021222324252627282930313233343536373839"
                              "4041424344454647484950515253545556575859"
                              "6061626364656667686970717273747576777879"
                              "8081828384858687888990919293949596979899";
  for (; n >= 100; n /= 100)
    memcpy(end -= 2, pairs + n % 100 * 2, 2);
  if (n >= 10)
    memcpy(end -= 2, pairs + n * 2, 2);
  else
    *--end = (char)('0' + n);
  return end;
}

static uint64_t magnitude(int64_t n) {
  return n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
}

void writer_uint(struct writer *w, uint64_t n) {
  char text[20], *end = text + sizeof text, *start = digits(end, n);
  writer_bytes(w, start, (size_t)(end - start));
}

void writer_int(struct writer *w, int64_t n) {
  char text[20], *end = text + sizeof text;
  char *start = digits(end, magnitude(n));
  if (n < 0)
    *--start = '-';
  writer_bytes(w, start, (size_t)(end - start));
}

void writer_hex(struct writer *w, uint64_t n) {
  char text[16], *end = text + sizeof text, *start = end;
  do
    *--start = "0123456789abcdef"[n & 15];
  while (n >>= 4);
  writer_bytes(w, start, (size_t)(end - start));
}

void writer_us(struct writer *w, int64_t ns) {
  char text[24], *end = text + sizeof text, *point = end - 4;
  uint64_t n = magnitude(ns);
  unsigned part = (unsigned)(n % 1000);
  point[0] = '.';
  point[1] = (char)('0' + part / 100);
  point[2] = (char)('0' + part / 10 % 10);
  point[3] = (char)('0' + part % 10);
  char *start = digits(point, n / 1000);
  if (ns < 0)
    *--start = '-';
  writer_bytes(w, start, (size_t)(end - start));
}

/* Each character takes two bytes at most. */
static void quote(struct writer *w, const char *text, char first, char second,
                  char escape) {
  writer_char(w, '"');
  while (*text) {
    if (WRITER_SIZE - w->used < 2)
      writer_flush(w);
    char *to = w->bytes + w->used, *last = w->bytes + WRITER_SIZE - 2;
    for (; *text && to <= last; text++) {
      if (*text == first || *text == second)
        *to++ = escape;
      *to++ = *text;
    }
    w->used = (size_t)(to - w->bytes);
  }
  writer_char(w, '"');
}

void writer_json(struct writer *w, const char *text) {
  quote(w, text, '"', '\\', '\\');
}

void writer_csv(struct writer *w, const char *text) {
  quote(w, text, '"', '"', '"');
}
