/* Read from a trace file.
 *
 * Invariant: nothing is read outside [0, size); a payload is given out only
 * when its CRC is right and it inflates to exactly the size that was announced,
 * into a buffer of that size.  Called by scan.c, and by all that need a
 * payload. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* SEEK_DATA */
#endif
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "read/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

/* What deflate may add to bytes that cannot be made smaller, and more. */
#define STORED_SLACK 65536u

lt_status lti_source_open(struct lti_source *s, const char *path) {
  /* NONBLOCK: to open a FIFO must not wait for a writer. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return errno == ENOENT || errno == ENOTDIR ? LT_NOT_FOUND : LT_IO;
  return lti_source_take(s, fd);
}

lt_status lti_source_take(struct lti_source *s, int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) {
    int error = errno;
    close(fd);
    errno = error;
    return LT_IO;
  }
  if (!S_ISREG(st.st_mode)) {
    close(fd);
    return LT_NOT_A_TRACE;
  }
  memset(s, 0, sizeof *s);
  s->fd = fd;
  s->size = (uint64_t)st.st_size;
  return LT_OK;
}

void lti_source_share(struct lti_source *second,
                      const struct lti_source *first) {
  memset(second, 0, sizeof *second);
  second->fd = first->fd;
  second->size = first->size;
}

void lti_source_drop(struct lti_source *s) {
  if (s->has_inflater)
    inflateEnd(&s->inflater);
#ifdef HAVE_LIBDEFLATE
  libdeflate_free_decompressor(s->fast_inflater);
#endif
  free(s->stored);
  free(s->raw);
}

void lti_source_close(struct lti_source *s) {
  lti_source_drop(s);
  close(s->fd);
}

static lt_status read_fully(int fd, uint64_t at, uint8_t *bytes, size_t n) {
  while (n) {
    ssize_t got = pread(fd, bytes, n, (off_t)at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      if (got == 0)
        errno = 0;
      return LT_IO;
    }
    bytes += got;
    at += (uint64_t)got;
    n -= (size_t)got;
  }
  return LT_OK;
}

lt_status lti_source_read(struct lti_source *s, uint64_t at, void *bytes,
                          size_t n) {
  if (at > s->size || n > s->size - at) {
    errno = 0;
    return LT_IO;
  }
  if (n > LTI_WINDOW_BYTES)
    return read_fully(s->fd, at, bytes, n);
  if (at < s->window_at || at - s->window_at > s->window_bytes ||
      n > s->window_bytes - (at - s->window_at)) {
    uint64_t left = s->size - at;
    uint32_t want = n > LTI_AHEAD_BYTES ? (uint32_t)n : LTI_AHEAD_BYTES;
    want = left < want ? (uint32_t)left : want;
    s->window_bytes = 0;
    lt_status status = read_fully(s->fd, at, s->window, want);
    if (status != LT_OK)
      return status;
    s->window_at = at;
    s->window_bytes = want;
  }
  memcpy(bytes, s->window + (at - s->window_at), n);
  return LT_OK;
}

const char *lti_payload_refused(const struct lti_block_header *h) {
  uint32_t limit =
      h->type == LTI_BLOCK_INDEX ? LTI_INDEX_PAYLOAD_MAX : LTI_PAYLOAD_MAX;
  if (h->raw_bytes > limit || h->stored_bytes > limit + STORED_SLACK)
    return "payload is larger than the format allows";
  if (h->flags & ~LTI_BLOCK_ZLIB)
    return "payload is coded in an unknown way";
  return NULL;
}

/* Make room; what was in the buffer is gone. */
static bool reserve(uint8_t **buffer, size_t *capacity, size_t need) {
  if (need <= *capacity)
    return true;
  free(*buffer);
  *buffer = malloc(need);
  *capacity = *buffer ? need : 0;
  return *buffer != NULL;
}

#ifdef HAVE_LIBDEFLATE
/* The same format, twice as fast.
 * Returns: END where zlib has to do it. */
static lt_status inflate_fast(struct lti_source *s,
                              const struct lti_block_header *h) {
  size_t taken;
  if (!s->fast_inflater)
    s->fast_inflater = libdeflate_alloc_decompressor();
  if (!s->fast_inflater)
    return LT_END;
  enum libdeflate_result result = libdeflate_zlib_decompress_ex(
      s->fast_inflater, s->stored, h->stored_bytes, s->raw, h->raw_bytes,
      &taken, NULL);
  return result == LIBDEFLATE_SUCCESS && taken == h->stored_bytes ? LT_OK
                                                                  : LT_END;
}
#endif

/* Inflate stored into raw, which must be filled exactly. */
static lt_status inflate_exactly(struct lti_source *s,
                                 const struct lti_block_header *h,
                                 const char **wrong) {
#ifdef HAVE_LIBDEFLATE
  if (inflate_fast(s, h) == LT_OK) /* else zlib says what is wrong */
    return LT_OK;
#endif
  z_stream *z = &s->inflater;
  if (!s->has_inflater && inflateInit(z) != Z_OK)
    return LT_NOMEM;
  s->has_inflater = true;
  if (inflateReset(z) != Z_OK)
    return LT_NOMEM;
  z->next_in = s->stored;
  z->avail_in = h->stored_bytes;
  z->next_out = s->raw;
  z->avail_out = h->raw_bytes;
  int result = inflate(z, Z_FINISH);
  if (result == Z_MEM_ERROR)
    return LT_NOMEM;
  if (result != Z_STREAM_END) {
    *wrong = "payload cannot be inflated to the size that its header says";
    return LT_CORRUPT;
  }
  if (z->avail_in || z->avail_out) {
    *wrong = "inflated payload has another size than its header says";
    return LT_CORRUPT;
  }
  return LT_OK;
}

lt_status lti_source_payload(struct lti_source *s,
                             const struct lti_block *block,
                             const uint8_t **payload, const char **wrong) {
  const struct lti_block_header *h = &block->head;
  *wrong = lti_payload_refused(h);
  if (*wrong)
    return LT_CORRUPT;
  if (!reserve(&s->stored, &s->stored_capacity,
               (size_t)h->stored_bytes + LTI_PAYLOAD_SLACK))
    return LT_NOMEM;
  lt_status status = lti_source_read(s, block->at + h->header_bytes, s->stored,
                                     h->stored_bytes);
  if (status != LT_OK)
    return status;
  if (lti_crc32(s->stored, h->stored_bytes) != h->payload_crc) {
    *wrong = "payload CRC is wrong";
    return LT_CORRUPT;
  }
  if (!(h->flags & LTI_BLOCK_ZLIB)) {
    memset(s->stored + h->stored_bytes, 0, LTI_PAYLOAD_SLACK);
    *payload = s->stored;
    return LT_OK;
  }
  if (!reserve(&s->raw, &s->raw_capacity,
               (size_t)h->raw_bytes + LTI_PAYLOAD_SLACK))
    return LT_NOMEM;
  memset(s->raw + h->raw_bytes, 0, LTI_PAYLOAD_SLACK);
  status = inflate_exactly(s, h, wrong);
  if (status == LT_OK)
    *payload = s->raw;
  return status;
}

lt_status lti_source_check(struct lti_source *s, const struct lti_block *block,
                           const char **wrong) {
  const struct lti_block_header *h = &block->head;
  uint64_t at = block->at + h->header_bytes;
  uLong crc = crc32(0, NULL, 0);
  uint8_t bytes[LTI_WINDOW_BYTES];
  for (uint32_t left = h->stored_bytes; left;) {
    uint32_t n = left < sizeof bytes ? left : (uint32_t)sizeof bytes;
    lt_status status = lti_source_read(s, at, bytes, n);
    if (status != LT_OK)
      return status;
    crc = crc32(crc, bytes, n);
    at += n;
    left -= n;
  }
  if ((uint32_t)crc == h->payload_crc)
    return LT_OK;
  *wrong = "payload CRC is wrong";
  return LT_CORRUPT;
}

uint64_t lti_source_data(struct lti_source *s, uint64_t at) {
  off_t data = lseek(s->fd, (off_t)at, SEEK_DATA);
  if (data < 0)
    return errno == ENXIO ? s->size : at;
  return (uint64_t)data;
}
