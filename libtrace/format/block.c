/* Encode and decode the two headers of the format.
 *
 * Invariant: get accepts what put makes, and nothing in which any of the 64
 * bytes was changed.  Called by the writer for each block, and by the reader
 * for whatever it finds. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "format/block.h"

#include <string.h>
#include <zlib.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#include "format/bytes.h"

static const uint8_t file_magic[8] = {0x89, 0x4c, 0x54, 0x52,
                                      0x43, 0x0d, 0x0a, 0x1a};
static const uint8_t block_magic[4] = {0x4c, 0x54, 0x62, 0x01};

uint32_t lti_crc32(const void *bytes, size_t size) {
#ifdef HAVE_LIBDEFLATE
  return libdeflate_crc32(0, bytes, size);
#else
  return (uint32_t)crc32_z(0, bytes, size);
#endif
}

void lti_file_header_put(uint8_t *p, const struct lti_file_header *h) {
  memset(p, 0, LTI_FILE_HEADER_BYTES);
  memcpy(p, file_magic, sizeof file_magic);
  lti_put_u16(p + 8, LTI_FORMAT_VERSION);
  lti_put_u16(p + 10, LTI_FILE_HEADER_BYTES);
  lti_put_u32(p + 12, h->required);
  lti_put_u32(p + 16, h->optional);
  lti_put_u32(p + 20, h->pid);
  lti_put_u64(p + 24, (uint64_t)h->start_ns);
  lti_put_u64(p + 32, (uint64_t)h->start_unix_ns);
  memcpy(p + 40, h->id, sizeof h->id);
  lti_put_u32(p + 60, lti_crc32(p, 60));
}

lt_status lti_file_header_get(const uint8_t *p, struct lti_file_header *h) {
  if (memcmp(p, file_magic, sizeof file_magic) != 0)
    return LT_NOT_A_TRACE;
  if (lti_get_u32(p + 60) != lti_crc32(p, 60))
    return LT_CORRUPT;
  if (lti_get_u16(p + 8) != LTI_FORMAT_VERSION || lti_get_u32(p + 12) != 0)
    return LT_VERSION;
  if (lti_get_u16(p + 10) < LTI_FILE_HEADER_BYTES)
    return LT_CORRUPT;
  h->version = lti_get_u16(p + 8);
  h->header_bytes = lti_get_u16(p + 10);
  h->required = lti_get_u32(p + 12);
  h->optional = lti_get_u32(p + 16);
  h->pid = lti_get_u32(p + 20);
  h->start_ns = (int64_t)lti_get_u64(p + 24);
  h->start_unix_ns = (int64_t)lti_get_u64(p + 32);
  memcpy(h->id, p + 40, sizeof h->id);
  return LT_OK;
}

void lti_block_header_put(uint8_t *p, const struct lti_block_header *h) {
  memset(p, 0, LTI_BLOCK_HEADER_BYTES);
  memcpy(p, block_magic, sizeof block_magic);
  p[4] = h->type;
  p[5] = h->flags;
  lti_put_u16(p + 6, LTI_BLOCK_HEADER_BYTES);
  lti_put_u32(p + 8, h->stored_bytes);
  lti_put_u32(p + 12, h->raw_bytes);
  lti_put_u32(p + 16, h->number);
  lti_put_u32(p + 20, h->index);
  lti_put_u64(p + 24, (uint64_t)h->first_ns);
  lti_put_u64(p + 32, (uint64_t)h->last_ns);
  lti_put_u64(p + 40, h->kinds);
  lti_put_u32(p + 48, h->count);
  lti_put_u32(p + 52, h->lost);
  lti_put_u32(p + 56, h->payload_crc);
  lti_put_u32(p + 60, lti_crc32(p, 60));
}

lt_status lti_block_header_get(const uint8_t *p, struct lti_block_header *h) {
  if (memcmp(p, block_magic, sizeof block_magic) != 0 ||
      lti_get_u32(p + 60) != lti_crc32(p, 60) ||
      lti_get_u16(p + 6) < LTI_BLOCK_HEADER_BYTES)
    return LT_CORRUPT;
  if (!(p[5] & LTI_BLOCK_ZLIB) && lti_get_u32(p + 8) != lti_get_u32(p + 12))
    return LT_CORRUPT;
  h->type = p[4];
  h->flags = p[5];
  h->header_bytes = lti_get_u16(p + 6);
  h->stored_bytes = lti_get_u32(p + 8);
  h->raw_bytes = lti_get_u32(p + 12);
  h->number = lti_get_u32(p + 16);
  h->index = lti_get_u32(p + 20);
  h->first_ns = (int64_t)lti_get_u64(p + 24);
  h->last_ns = (int64_t)lti_get_u64(p + 32);
  h->kinds = lti_get_u64(p + 40);
  h->count = lti_get_u32(p + 48);
  h->lost = lti_get_u32(p + 52);
  h->payload_crc = lti_get_u32(p + 56);
  return LT_OK;
}
