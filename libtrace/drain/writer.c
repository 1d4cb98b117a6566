/* The writer: blocks into a buffer, the buffer into a file.
 *
 * Invariant: bytes reach the file in order and whole blocks at a time but for
 * the last write that failed; after an error nothing more is written.  Called
 * by the recorder for each trace file; never by the traced program's own
 * threads. */
#include "drain/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BUFFER_BYTES (256u << 10)

struct lti_writer {
  int fd; /* -1: flight */
  dev_t dev;
  ino_t ino;
  struct lti_flight *flight;
  int error;
  ssize_t (*write)(int, const void *, size_t);
  uint32_t n_blocks;
  uint64_t written;
  size_t used;
  uint8_t buffer[BUFFER_BYTES];
  uint8_t *packed; /* of a payload; grows as needed */
  size_t packed_capacity;
  z_stream zlib;
};

/* On some file systems a signal may come in between. */
static int open_new(const char *path) {
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd;
  do
    fd = open(path, flags, 0600);
  while (fd < 0 && errno == EINTR);
  return fd;
}

lt_status lti_writer_create_file(const char *path, bool overwrite, int *fd) {
  int made = open_new(path);
  if (made < 0 && errno == EEXIST && overwrite) {
    struct stat st;
    /* Never a device, a pipe, or what a link points to. */
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
      errno = EEXIST;
    else if (unlink(path) == 0)
      made = open_new(path);
  }
  if (made >= 0 && fchmod(made, 0600) != 0) { /* a umask may take even that */
    int error = errno;
    close(made);
    unlink(path);
    errno = error;
    made = -1;
  }
  if (made < 0)
    return errno == EEXIST ? LT_EXISTS : LT_IO;
  *fd = made;
  return LT_OK;
}

struct lti_writer *
lti_writer_new(int fd, ssize_t (*write_bytes)(int, const void *, size_t)) {
  struct lti_writer *w = calloc(1, sizeof *w);
  if (!w)
    return NULL;
  if (deflateInit(&w->zlib, Z_BEST_SPEED) != Z_OK) {
    free(w);
    return NULL;
  }
  struct stat st = {0};
  if (fd >= 0)
    (void)fstat(fd, &st);
  w->dev = st.st_dev;
  w->ino = st.st_ino;
  w->fd = fd;
  w->write = write_bytes;
  return w;
}

struct lti_writer *lti_writer_new_flight(uint64_t bytes, uint64_t ns,
                                         const char *path) {
  struct lti_writer *w = lti_writer_new(-1, NULL);
  if (w && !(w->flight = lti_flight_new(bytes, ns, path))) {
    lti_writer_free(w);
    return NULL;
  }
  return w;
}

const struct lti_flight *lti_writer_flight(const struct lti_writer *w) {
  return w->flight;
}

/* Inside a program that closes whatever is open, the number may be its own
 * file's by now: then it is no more ours to write to, or to close. */
static void look_whose(struct lti_writer *w) {
  struct stat st;
  if (w->fd < 0 ||
      (fstat(w->fd, &st) == 0 && st.st_dev == w->dev && st.st_ino == w->ino))
    return;
  w->fd = -1;
  if (!w->error)
    w->error = EBADF;
}

/* Some file systems tell only here what they could not write.  Interrupted, the
 * descriptor is closed all the same. */
int lti_writer_close(struct lti_writer *w) {
  look_whose(w);
  if (w->fd >= 0 && close(w->fd) != 0 && errno != EINTR && !w->error)
    w->error = errno;
  w->fd = -1;
  return w->error;
}

void lti_writer_free(struct lti_writer *w) {
  if (!w)
    return;
  deflateEnd(&w->zlib);
  (void)lti_writer_close(w);
  lti_flight_free(w->flight);
  free(w->packed);
  free(w);
}

static void write_all(struct lti_writer *w, const uint8_t *bytes, size_t size) {
  if (size)
    look_whose(w);
  while (size > 0 && !w->error) {
    ssize_t n = w->write(w->fd, bytes, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      w->error = n < 0 ? errno : EIO;
      return;
    }
    bytes += n;
    size -= (size_t)n;
    w->written += (uint64_t)n;
  }
}

bool lti_writer_flush(struct lti_writer *w) {
  write_all(w, w->buffer, w->used);
  w->used = 0;
  return !w->error;
}

static void append(struct lti_writer *w, const void *bytes, size_t size) {
  if (size > BUFFER_BYTES - w->used)
    (void)lti_writer_flush(w);
  if (size > BUFFER_BYTES) {
    write_all(w, bytes, size);
    return;
  }
  if (size)
    memcpy(w->buffer + w->used, bytes, size);
  w->used += size;
}

void lti_writer_header(struct lti_writer *w,
                       const struct lti_file_header *header) {
  uint8_t bytes[LTI_FILE_HEADER_BYTES];
  lti_file_header_put(bytes, header);
  if (w->flight)
    lti_flight_header(w->flight, bytes);
  else
    append(w, bytes, sizeof bytes);
}

/* A whole block, to where it belongs. */
static void append_block(struct lti_writer *w, const uint8_t *header,
                         const void *payload, size_t size) {
  if (!w->flight) {
    append(w, header, LTI_BLOCK_HEADER_BYTES);
    append(w, payload, size);
  } else if (!w->error && !lti_flight_keep(w->flight, header, payload, size)) {
    w->error = ENOMEM;
  } else {
    w->written += LTI_BLOCK_HEADER_BYTES + size;
  }
}

/* Compress into packed; 0 where that is not smaller, or there is no memory. */
static size_t pack(struct lti_writer *w, const void *payload, size_t size) {
  if (size < 64)
    return 0;
  if (w->packed_capacity < size) {
    uint8_t *more = realloc(w->packed, size);
    if (!more)
      return 0;
    w->packed = more;
    w->packed_capacity = size;
  }
  deflateReset(&w->zlib);
  w->zlib.next_in = (Bytef *)(uintptr_t)payload;
  w->zlib.avail_in = (uInt)size;
  w->zlib.next_out = w->packed;
  w->zlib.avail_out = (uInt)size;
  return deflate(&w->zlib, Z_FINISH) == Z_STREAM_END ? w->zlib.total_out : 0;
}

void lti_writer_block(struct lti_writer *w,
                      const struct lti_block_header *header,
                      const void *payload, size_t size) {
  struct lti_block_header h = *header;
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  size_t packed = pack(w, payload, size);
  h.raw_bytes = (uint32_t)size;
  h.flags = packed ? LTI_BLOCK_ZLIB : 0;
  if (packed) {
    payload = w->packed;
    size = packed;
  }
  h.stored_bytes = (uint32_t)size;
  h.payload_crc = lti_crc32(payload, size);
  h.number = w->n_blocks++;
  lti_block_header_put(bytes, &h);
  append_block(w, bytes, payload, size);
}

void lti_writer_raw(struct lti_writer *w, const void *block, size_t size) {
  w->n_blocks++;
  append_block(w, block, (const uint8_t *)block + LTI_BLOCK_HEADER_BYTES,
               size - LTI_BLOCK_HEADER_BYTES);
}

uint32_t lti_writer_number(const struct lti_writer *w) {
  return w->n_blocks;
}

uint64_t lti_writer_size(const struct lti_writer *w) {
  return w->written + (w->error ? 0 : w->used);
}

int lti_writer_error(const struct lti_writer *w) {
  return w->error;
}
