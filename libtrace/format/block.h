/* The headers of a trace file and of its blocks: doc/format.md, "The file".
 * Used by the writer (drain/) and the reader (read/). */
#ifndef LTI_BLOCK_H
#define LTI_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/status.h>

#define LTI_FORMAT_VERSION 1u
#define LTI_FILE_HEADER_BYTES 64u
#define LTI_BLOCK_HEADER_BYTES 64u

/* Limits that a reader enforces and a writer keeps. */
#define LTI_PAYLOAD_MAX (1u << 20)        /* inflated */
#define LTI_INDEX_PAYLOAD_MAX (16u << 20) /* inflated, of INDEX */
#define LTI_BLOCK_EVENTS_MAX 65536u
#define LTI_EPOCH_EVENTS_MAX 1048576u
#define LTI_EVENTS_PER_BYTE 32u /* of an EVENTS block with its header */

enum lti_block_type {
  LTI_BLOCK_GENERATION = 1,
  LTI_BLOCK_DEFS = 2,
  LTI_BLOCK_EVENTS = 3,
  LTI_BLOCK_EPOCH = 4,
  LTI_BLOCK_INDEX = 5,
  LTI_BLOCK_END = 6
};

#define LTI_BLOCK_ZLIB 1u /* flag: the payload is one zlib stream */

struct lti_file_header {
  uint16_t version;
  uint16_t header_bytes; /* where the blocks begin */
  uint32_t required;     /* features */
  uint32_t optional;     /* features */
  uint32_t pid;
  int64_t start_ns; /* CLOCK_MONOTONIC */
  int64_t start_unix_ns;
  uint8_t id[16];
};

struct lti_block_header {
  uint8_t type; /* lti_block_type, or one from the future */
  uint8_t flags;
  uint16_t header_bytes; /* where the payload begins */
  uint32_t stored_bytes; /* of the payload */
  uint32_t raw_bytes;    /* of the payload when inflated */
  uint32_t number;       /* of the block in the file */
  uint32_t index;        /* EVENTS: thread; GENERATION: its number */
  int64_t first_ns;
  int64_t last_ns;
  uint64_t kinds; /* EVENTS: bit k where kind k is inside */
  uint32_t count; /* of events, definitions or blocks */
  uint32_t lost;  /* EVENTS: events missing, saturating */
  uint32_t payload_crc;
};

/* Encode.  bytes: 64 of them.  version and header_bytes are filled in. */
void lti_file_header_put(uint8_t *bytes, const struct lti_file_header *header);
void lti_block_header_put(uint8_t *bytes,
                          const struct lti_block_header *header);

/* Decode and check magic and CRC.
 *
 * bytes:  64 of them.
 * Errors: NOT_A_TRACE (no such magic), VERSION (a version or required feature
 *         that this library does not know), CORRUPT. */
LT_WARN_UNUSED lt_status lti_file_header_get(const uint8_t *bytes,
                                             struct lti_file_header *header);

/* Decode and check magic, CRC, the header's own size (at least 64), and that
 * the sizes agree where nothing is compressed.  Limits are the caller's, who
 * knows which types it reads.
 *
 * bytes:  64 of them.
 * Errors: CORRUPT. */
LT_WARN_UNUSED lt_status lti_block_header_get(const uint8_t *bytes,
                                              struct lti_block_header *header);

/* Has an EVENTS block more events than its bytes may hold?  A reader's work is
 * bounded by the size of the file so. */
static inline bool lti_block_is_dense(uint32_t n_events, size_t stored_bytes) {
  return n_events > LTI_EVENTS_PER_BYTE * (LTI_BLOCK_HEADER_BYTES +
                                           (uint64_t)stored_bytes);
}

/* The CRC of the format: zlib's, over any bytes. */
uint32_t lti_crc32(const void *bytes, size_t size);

#endif
