/* Index and end mark behind blocks that stand in a file already.
 *
 * Invariant: each write is of whole blocks; END says where the index is, or 0.
 * Called by snapshots and by recovery; a trace that is written as it comes has
 * its own (trace.c). */
#include "drain/tail.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "format/block.h"
#include "format/bytes.h"

int lti_tail_write(int fd, ssize_t (*write_bytes)(int, const void *, size_t),
                   const void *bytes, size_t size) {
  const uint8_t *at = bytes;
  while (size) {
    ssize_t n = write_bytes(fd, at, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n < 0 ? errno : EIO;
    at += n;
    size -= (size_t)n;
  }
  return 0;
}

static int put_block(struct lti_tail *t, struct lti_block_header *h,
                     const uint8_t *payload) {
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  h->number = t->number++;
  h->first_ns = h->last_ns = t->time_ns;
  h->payload_crc = lti_crc32(payload, h->stored_bytes);
  lti_block_header_put(bytes, h);
  int error = lti_tail_write(t->fd, t->write, bytes, sizeof bytes);
  if (!error)
    error = lti_tail_write(t->fd, t->write, payload, h->stored_bytes);
  t->at += sizeof bytes + h->stored_bytes;
  return error;
}

/* Compressed, where there is memory for that and it is smaller. */
static int put_section(struct lti_tail *t, uint32_t section,
                       const uint8_t *bytes, size_t size) {
  uLongf packed_size = compressBound(size);
  uint8_t *packed = malloc(packed_size);
  bool is_packed =
      packed &&
      compress2(packed, &packed_size, bytes, size, Z_BEST_SPEED) == Z_OK &&
      packed_size < size;
  struct lti_block_header h = {.type = LTI_BLOCK_INDEX,
                               .flags = is_packed ? LTI_BLOCK_ZLIB : 0,
                               .stored_bytes =
                                   (uint32_t)(is_packed ? packed_size : size),
                               .raw_bytes = (uint32_t)size,
                               .index = section};
  int error = put_block(t, &h, is_packed ? packed : bytes);
  free(packed);
  return error;
}

static int put_end(struct lti_tail *t, uint64_t index_at) {
  uint8_t payload[64];
  struct lti_out out = lti_out_of(payload, sizeof payload);
  const uint64_t numbers[] = {t->reason, t->status,    t->n_events,
                              t->n_lost, t->untracked, index_at};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    lti_out_varint(&out, numbers[i]);
  uint32_t size = (uint32_t)(out.at - payload);
  struct lti_block_header h = {
      .type = LTI_BLOCK_END, .stored_bytes = size, .raw_bytes = size};
  return put_block(t, &h, payload);
}

int lti_tail_put(struct lti_tail *t, const struct lti_index_bytes *index) {
  uint64_t begin = t->at;
  for (uint32_t i = 0; i < LTI_INDEX_SECTIONS; i++) {
    if (!index->bytes[i] || index->size[i] > LTI_INDEX_PAYLOAD_MAX)
      continue;
    int error = put_section(t, i, index->bytes[i], index->size[i]);
    if (error)
      return error;
  }
  return put_end(t, t->at > begin ? begin : 0);
}
