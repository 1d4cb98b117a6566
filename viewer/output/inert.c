/* Make text harmless: what is not plain printable UTF-8 becomes \xHH.
 *
 * Invariant: the result is valid UTF-8 without a single control character and
 * never longer than its buffer.  Called for every text that comes from a trace,
 * a path or an argument, by all outputs. */
#include "output/inert.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Decode one character.  Returns: its length, 0 when it is not UTF-8. */
static size_t decode(const unsigned char *s, uint32_t *code) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t n = s[0] < 0x80             ? 1
             : (s[0] & 0xe0) == 0xc0 ? 2
             : (s[0] & 0xf0) == 0xe0 ? 3
             : (s[0] & 0xf8) == 0xf0 ? 4
                                     : 0;
  if (n <= 1) {
    *code = s[0];
    return n;
  }
  uint32_t c = s[0] & (0x7fu >> n);
  for (size_t i = 1; i < n; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0;
    c = c << 6 | (s[i] & 0x3f);
  }
  if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
    return 0;
  *code = c;
  return n;
}

static bool is_plain(uint32_t c) {
  static const struct {
    uint32_t from, to;
  } bad[] = {{0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},
             {0x61c, 0x61c},   {0x115f, 0x1160},   {0x180e, 0x180e},
             {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
             {0x3164, 0x3164}, {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},
             {0xfeff, 0xfeff}, {0xfff0, 0xfffb},   {0xe0000, 0xe0fff},
             {0xe000, 0xf8ff}, {0xf0000, 0x10ffff}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (c >= bad[i].from && c <= bad[i].to)
      return false;
  return (c & 0xfffe) != 0xfffe && c != '\\';
}

static const char *make_inert(const char *text, char *buf, size_t size,
                              bool doubles_backslash) {
  size_t used = 0, keep = 0; /* keep: where "..." still fits */
  const unsigned char *s = (const unsigned char *)(text ? text : "");
  const unsigned char *start = s;
  while (*s) {
    char piece[20];
    uint32_t code = 0;
    size_t n = decode(s, &code), length = n;
    /* "##[error]" is a command for GitHub, wherever it stands in a line. */
    bool is_command =
        s[0] == '[' && s > start + 1 && s[-1] == '#' && s[-2] == '#';
    if (n > 0 && is_plain(code) && !is_command) {
      memcpy(piece, s, n);
    } else if (*s == '\\' && !doubles_backslash) {
      *piece = '\\';
    } else if (*s == '\\') {
      memcpy(piece, "\\\\", length = 2);
    } else {
      n = n ? n : 1;
      length = 0;
      for (size_t i = 0; i < n; i++)
        length += (size_t)snprintf(piece + length, 5, "\\x%02x", s[i]);
    }
    if (used + length + 1 > size) {
      memcpy(buf + keep, "...", 4);
      return buf;
    }
    memcpy(buf + used, piece, length);
    used += length;
    s += n;
    if (used + 4 <= size)
      keep = used;
  }
  buf[used] = '\0';
  return buf;
}

const char *inert(const char *text, char *buf, size_t size) {
  return make_inert(text, buf, size, true);
}

const char *inert_source(const char *text, char *buf, size_t size) {
  return make_inert(text, buf, size, false);
}

void inert_word(FILE *file, const char *word) {
  size_t n = strlen(word);
  if (n && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_./:@%+=,-") == n) {
    fputs(word, file);
    return;
  }
  putc('\'', file);
  for (; *word; word++)
    if (*word == '\'')
      fputs("'\\''", file);
    else
      putc(*word, file);
  putc('\'', file);
}
