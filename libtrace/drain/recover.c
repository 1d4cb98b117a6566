/* Recovery of a file that was cut.
 *
 * Invariant: the new file is the old one up to the end of a whole EPOCH block
 * and the DEFS behind it, byte for byte, an index, and an END block.  Called by
 * `looptrace recover`; the file is hostile: sizes are checked against it before
 * they are used. */
#include "drain/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <looptrace/reader.h>

#include "drain/flight.h"
#include "drain/writer.h"
#include "format/block.h"
#include "format/bytes.h"

#define COPY_BYTES (256u << 10)

struct walk {
  int fd;
  uint64_t size, at;
  uint64_t blocks_at;
  uint64_t good_end; /* behind the last whole epoch, and the DEFS behind it */
  bool is_behind;    /* nothing but DEFS came since */
  bool is_damaged;   /* something before good_end is */
  bool has_junk;     /* something since the last epoch is */
  uint32_t next_number;
  int64_t watermark_ns;
  uint64_t events, lost;             /* of whole epochs */
  uint64_t epoch_events, epoch_lost; /* since the last */
  bool ended;
  uint64_t reason, status, untracked; /* of END */
  struct lti_index_bytes index;
  uint8_t buffer[COPY_BYTES];
};

static bool read_at(struct walk *w, uint64_t at, void *bytes, size_t n) {
  uint8_t *to = bytes;
  while (n > 0) {
    ssize_t got = pread(w->fd, to, n, (off_t)at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    to += got;
    at += (uint64_t)got;
    n -= (size_t)got;
  }
  return true;
}

static bool payload_is_whole(struct walk *w, uint64_t at,
                             const struct lti_block_header *head) {
  uLong crc = crc32(0, NULL, 0);
  uint64_t left = head->stored_bytes;
  while (left > 0) {
    size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
    if (!read_at(w, at, w->buffer, n))
      return false;
    crc = crc32_z(crc, w->buffer, n);
    at += n;
    left -= n;
  }
  return (uint32_t)crc == head->payload_crc;
}

/* A block at w->at whose header is valid and which the file holds in full. */
static bool block_here(struct walk *w, struct lti_block_header *head) {
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  return w->size - w->at >= sizeof bytes &&
         read_at(w, w->at, bytes, sizeof bytes) &&
         lti_block_header_get(bytes, head) == LT_OK &&
         w->size - w->at >= (uint64_t)head->header_bytes + head->stored_bytes;
}

/* The next place where a header might begin; false at the end. */
static bool find_next(struct walk *w) {
  for (w->at++; w->size - w->at >= LTI_BLOCK_HEADER_BYTES;) {
    uint64_t left = w->size - w->at;
    size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
    if (!read_at(w, w->at, w->buffer, n))
      return false;
    const uint8_t *p = memchr(w->buffer, 'L', n); /* of the magic "LTb" */
    if (p) {
      w->at += (uint64_t)(p - w->buffer);
      return w->size - w->at >= LTI_BLOCK_HEADER_BYTES;
    }
    w->at += n;
  }
  return false;
}

/* What the end mark says; false where it is none of a recorder's. */
static bool take_end(struct walk *w, const struct lti_block_header *head) {
  uint8_t payload[256];
  if (head->flags || head->stored_bytes > sizeof payload ||
      !read_at(w, w->at + head->header_bytes, payload, head->stored_bytes))
    return !head->flags;
  struct lti_in in = lti_in_of(payload, head->stored_bytes);
  w->reason = lti_in_varint(&in);
  w->status = lti_in_varint(&in);
  (void)lti_in_varint(&in); /* counted again */
  (void)lti_in_varint(&in);
  w->untracked = lti_in_varint(&in);
  w->watermark_ns = head->last_ns;
  return true;
}

static void take_block(struct walk *w, const struct lti_block_header *head,
                       bool is_whole) {
  uint64_t end = w->at + head->header_bytes + head->stored_bytes;
  w->ended = false;
  w->has_junk |= !is_whole;
  if (head->type == LTI_BLOCK_EVENTS && is_whole) {
    w->epoch_events += head->count;
    w->epoch_lost += head->lost;
  } else if (head->type == LTI_BLOCK_EPOCH && is_whole) {
    w->good_end = end;
    w->is_behind = true;
    w->is_damaged |= w->has_junk;
    w->next_number = head->number + 1;
    w->watermark_ns = head->last_ns;
    w->events += w->epoch_events;
    w->lost += w->epoch_lost;
    w->epoch_events = w->epoch_lost = 0;
  } else if (head->type == LTI_BLOCK_DEFS && is_whole && w->is_behind) {
    w->good_end = end;
    w->next_number = head->number + 1;
    w->at = end;
    return;
  } else if (head->type == LTI_BLOCK_END && is_whole) {
    w->ended = end == w->size && take_end(w, head);
  }
  if (head->type != LTI_BLOCK_EPOCH)
    w->is_behind = false;
  w->at = end;
}

static void walk_blocks(struct walk *w) {
  struct lti_block_header head;
  while (w->size > w->at) {
    if (block_here(w, &head))
      take_block(w, &head,
                 payload_is_whole(w, w->at + head.header_bytes, &head));
    else {
      w->has_junk = true;
      w->is_behind = false;
      if (!find_next(w))
        return;
    }
  }
}

static lt_status begin_walk(struct walk *w, const char *from) {
  uint8_t bytes[LTI_FILE_HEADER_BYTES];
  struct lti_file_header header;
  struct stat st;
  w->fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (w->fd < 0)
    return errno == ENOENT ? LT_NOT_FOUND : LT_IO;
  if (fstat(w->fd, &st) != 0)
    return LT_IO;
  if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof bytes)
    return LT_NOT_A_TRACE;
  w->size = (uint64_t)st.st_size;
  if (!read_at(w, 0, bytes, sizeof bytes))
    return LT_IO;
  lt_status status = lti_file_header_get(bytes, &header);
  w->at = w->blocks_at = header.header_bytes;
  return status;
}

static bool copy_and_end(struct walk *w, int to, uint64_t *size) {
  struct lti_tail tail = {.fd = to,
                          .write = write,
                          .at = w->good_end,
                          .number = w->next_number,
                          .time_ns = w->watermark_ns,
                          .reason = w->ended ? w->reason : LT_END_RECOVERED,
                          .status = (uint32_t)w->status,
                          .n_events = w->events,
                          .n_lost = w->lost,
                          .untracked = w->untracked};
  int error = 0;
  for (uint64_t at = 0; at < w->good_end && !error;) {
    uint64_t left = w->good_end - at;
    size_t n = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
    if (!read_at(w, at, w->buffer, n))
      return false;
    error = lti_tail_write(to, write, w->buffer, n);
    at += n;
  }
  if (!error)
    error = lti_tail_put(&tail, &w->index);
  *size = tail.at;
  errno = error;
  return !error;
}

static lt_status write_copy(struct walk *w, const char *path, bool overwrite,
                            uint64_t *size) {
  int to;
  lt_status status = lti_writer_create_file(path, overwrite, &to);
  if (status != LT_OK)
    return status;
  bool done = copy_and_end(w, to, size);
  int error = errno;
  if (close(to) != 0 && done) {
    error = errno;
    done = false;
  }
  if (!done)
    unlink(path);
  errno = error;
  return done ? LT_OK : LT_IO;
}

/* The copy with its index; none where the trace is damaged. */
static lt_status write_indexed(struct walk *w, const char *to, bool overwrite,
                               lti_make_index *make_index,
                               struct lti_recovered *recovered) {
  recovered->has_index =
      !w->is_damaged &&
      make_index(w->fd, w->blocks_at, w->good_end, w->watermark_ns, NULL, NULL,
                 &w->index);
  lt_status status = write_copy(w, to, overwrite, &recovered->size_bytes);
  int error = errno;
  lti_index_bytes_free(&w->index);
  errno = error;
  return status;
}

lt_status lti_recover_file(const char *from, const char *to, bool overwrite,
                           bool is_indexed, lti_make_index *make_index,
                           struct lti_recovered *recovered) {
  struct walk *w = calloc(1, sizeof *w);
  if (!w)
    return LT_NOMEM;
  lt_status status = begin_walk(w, from);
  if (status == LT_OK)
    walk_blocks(w);
  bool was_whole = w->ended && !is_indexed;
  if (status == LT_OK && !was_whole)
    status = w->good_end
                 ? write_indexed(w, to, overwrite, make_index, recovered)
                 : LT_CORRUPT;
  if (status == LT_OK) {
    recovered->was_whole = was_whole;
    recovered->n_events = w->events;
    recovered->cut_bytes = w->ended ? 0 : w->size - w->good_end;
  }
  int error = errno;
  if (w->fd >= 0)
    close(w->fd);
  free(w);
  errno = error;
  return status;
}

lt_status lti_recover_window(int fd, const char *to, bool overwrite,
                             lt_end_reason reason, lti_make_index *make_index,
                             struct lti_recovered *recovered) {
  struct lti_window *window;
  struct lti_snapshot told;
  struct lti_snapshot_end end = {.reason = reason, .make_index = make_index};
  int out;
  lt_status status = lti_window_open(fd, &window);
  if (status != LT_OK)
    return status;
  status = lti_window_begin(window) == lti_window_end(window)
               ? LT_END
               : lti_writer_create_file(to, overwrite, &out);
  if (status == LT_OK) {
    int error = lti_flight_write(window, out, &end, &told);
    if (close(out) != 0 && !error)
      error = errno;
    if (error)
      unlink(to);
    else
      *recovered = (struct lti_recovered){.n_events = told.n_events,
                                          .size_bytes = told.size_bytes};
    errno = error;
    status = error ? LT_IO : LT_OK;
  }
  lti_window_free(window);
  return status;
}
