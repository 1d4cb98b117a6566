/* Bytes of a trace: little-endian numbers, varints and zigzag, bounds-checked.
 *
 * A cursor never passes its end: what does not fit sets a flag (bad, full) that
 * stays, and reads give 0 from then on, so that callers check once, at the end.
 * Used by the writer (drain/) and the reader (read/). */
#ifndef LTI_BYTES_H
#define LTI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LTI_VARINT_MAX 10 /* bytes */

static inline uint16_t lti_get_u16(const uint8_t *p) {
  return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t lti_get_u32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
         (uint32_t)p[3] << 24;
}

static inline uint64_t lti_get_u64(const uint8_t *p) {
  return (uint64_t)lti_get_u32(p) | (uint64_t)lti_get_u32(p + 4) << 32;
}

static inline void lti_put_u16(uint8_t *p, uint16_t v) {
  p[0] = (uint8_t)v;
  p[1] = (uint8_t)(v >> 8);
}

static inline void lti_put_u32(uint8_t *p, uint32_t v) {
  lti_put_u16(p, (uint16_t)v);
  lti_put_u16(p + 2, (uint16_t)(v >> 16));
}

static inline void lti_put_u64(uint8_t *p, uint64_t v) {
  lti_put_u32(p, (uint32_t)v);
  lti_put_u32(p + 4, (uint32_t)(v >> 32));
}

/* Signed numbers near 0 become unsigned ones near 0. */
static inline uint64_t lti_zigzag(uint64_t n) {
  return n << 1 ^ (0 - (n >> 63));
}

static inline uint64_t lti_unzigzag(uint64_t n) {
  return n >> 1 ^ (0 - (n & 1));
}

/* Put a varint where LTI_VARINT_MAX bytes are known to be free.
 * Returns: the byte behind it. */
static inline uint8_t *lti_put_varint(uint8_t *p, uint64_t v) {
  while (v >= 0x80) {
    *p++ = (uint8_t)(v | 0x80);
    v >>= 7;
  }
  *p++ = (uint8_t)v;
  return p;
}

/* Reading: from at up to end. */
struct lti_in {
  const uint8_t *at;
  const uint8_t *end;
  bool bad; /* something was asked for that is not there */
};

static inline struct lti_in lti_in_of(const void *bytes, size_t size) {
  const uint8_t *p = (const uint8_t *)bytes;
  struct lti_in in = {p, size ? p + size : p, false};
  return in;
}

static inline size_t lti_in_left(const struct lti_in *in) {
  return (size_t)(in->end - in->at);
}

static inline uint8_t lti_in_u8(struct lti_in *in) {
  if (in->at == in->end) {
    in->bad = true;
    return 0;
  }
  return *in->at++;
}

/* A varint of more than 10 bytes, or more than 64 bits, is bad. */
static inline uint64_t lti_in_varint(struct lti_in *in) {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70 && in->at < in->end; shift += 7) {
    uint8_t byte = *in->at++;
    if (shift == 63 && byte > 1)
      break;
    v |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80)
      return v;
  }
  in->bad = true;
  in->at = in->end;
  return 0;
}

static inline int64_t lti_in_zigzag(struct lti_in *in) {
  return (int64_t)lti_unzigzag(lti_in_varint(in));
}

/* n bytes, borrowed; NULL (and bad) where there are fewer. */
static inline const uint8_t *lti_in_bytes(struct lti_in *in, uint64_t n) {
  if (n > lti_in_left(in)) {
    in->bad = true;
    in->at = in->end;
    return NULL;
  }
  const uint8_t *p = in->at;
  in->at += n;
  return p;
}

/* A cursor over the next n bytes, which are passed over. */
static inline struct lti_in lti_in_part(struct lti_in *in, uint64_t n) {
  const uint8_t *p = lti_in_bytes(in, n);
  struct lti_in part = lti_in_of(p ? p : in->end, p ? (size_t)n : 0);
  part.bad = !p;
  return part;
}

/* Writing: from at up to end. */
struct lti_out {
  uint8_t *at;
  uint8_t *end;
  bool full; /* something did not fit */
};

static inline struct lti_out lti_out_of(void *bytes, size_t size) {
  uint8_t *p = (uint8_t *)bytes;
  struct lti_out out = {p, p + size, false};
  return out;
}

static inline void lti_out_bytes(struct lti_out *out, const void *bytes,
                                 size_t n) {
  if (n > (size_t)(out->end - out->at)) {
    out->full = true;
    return;
  }
  if (n)
    memcpy(out->at, bytes, n);
  out->at += n;
}

static inline void lti_out_u8(struct lti_out *out, uint8_t v) {
  lti_out_bytes(out, &v, 1);
}

static inline void lti_out_varint(struct lti_out *out, uint64_t v) {
  uint8_t bytes[LTI_VARINT_MAX];
  lti_out_bytes(out, bytes, (size_t)(lti_put_varint(bytes, v) - bytes));
}

static inline void lti_out_zigzag(struct lti_out *out, int64_t v) {
  lti_out_varint(out, lti_zigzag((uint64_t)v));
}

/* A size, and as many bytes. */
static inline void lti_out_sized(struct lti_out *out, const void *bytes,
                                 size_t n) {
  lti_out_varint(out, n);
  lti_out_bytes(out, bytes, n);
}

#endif
