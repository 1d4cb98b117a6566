/* A ring of bytes, in memory or in a file that outlives us.
 *
 * Invariant: in the file, begin is raised before what it leaves behind is given
 * back, and end only behind bytes that are there: whenever the process dies,
 * what lies between is what was put.  A page of the file is touched only once
 * the system has given it to us: on a full tmpfs it would be a SIGBUS in
 * somebody's program.  Called by the flight recorder. */
#include "drain/window.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x31776f646e69776c) /* "lwindow1" */
#define HEAD_BYTES 4096u
#define CHUNK_BYTES (UINT64_C(256) << 10) /* asked for, and given back, at once */
#define CAPACITY_MAX (UINT64_C(1) << 46)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* The first page. */
struct head {
  uint64_t magic;
  uint64_t capacity; /* of the bytes behind this page */
  uint8_t header[LTI_FILE_HEADER_BYTES];
  _Atomic uint64_t begin, end; /* of what is published */
};
_Static_assert(sizeof(struct head) <= HEAD_BYTES, "one page");

struct lti_window {
  struct head *head;
  uint8_t *bytes;
  uint64_t capacity; /* a multiple of CHUNK_BYTES */
  uint64_t begin, end;
  uint64_t given; /* the system gave the memory up to here */
  char *path;     /* NULL: no file, or none of ours to remove */
};

static void *map(int fd, uint64_t capacity) {
  int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
  void *at = mmap(NULL, HEAD_BYTES + capacity, PROT_READ | PROT_WRITE, flags,
                  fd, 0);
  return at == MAP_FAILED ? NULL : at;
}

/* The file, mapped, as long as it may become and with its first page. */
static void *map_file(const char *path, uint64_t capacity) {
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd = open(path, flags, 0600);
  if (fd < 0)
    return NULL;
  void *at = NULL;
  struct statvfs fs;
  int error = fchmod(fd, 0600) != 0 || /* a umask may take even that */
                      ftruncate(fd, (off_t)(HEAD_BYTES + capacity)) != 0 ||
                      fstatvfs(fd, &fs) != 0
                  ? errno
              : (uint64_t)fs.f_bavail * fs.f_frsize < capacity
                  ? ENOSPC
                  : posix_fallocate(fd, 0, HEAD_BYTES);
  if (!error && !(at = map(fd, capacity)))
    error = errno;
  close(fd);
  if (!at)
    unlink(path);
  errno = error;
  return at;
}

struct lti_window *lti_window_new(const char *path, uint64_t capacity) {
  struct lti_window *w = capacity <= CAPACITY_MAX ? calloc(1, sizeof *w) : NULL;
  if (!w) {
    errno = ENOMEM;
    return NULL;
  }
  capacity = (capacity + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES;
  w->capacity = capacity;
  if (path && !(w->path = strdup(path)))
    goto fail;
  w->head = path ? map_file(path, capacity) : map(-1, capacity);
  if (!w->head)
    goto fail;
  w->bytes = (uint8_t *)w->head + HEAD_BYTES;
  w->head->capacity = capacity;
  w->head->magic = MAGIC;
  return w;

fail:
  free(w->path);
  free(w);
  return NULL;
}

lt_status lti_window_open(int fd, struct lti_window **window) {
  struct stat st;
  struct lti_window *w;
  if (fstat(fd, &st) != 0)
    return LT_IO;
  if (!S_ISREG(st.st_mode) || st.st_size <= HEAD_BYTES)
    return LT_NOT_A_TRACE;
  if (!(w = calloc(1, sizeof *w)))
    return LT_NOMEM;
  w->capacity = (uint64_t)st.st_size - HEAD_BYTES;
  w->head = map(fd, w->capacity);
  if (!w->head) {
    free(w);
    return LT_IO;
  }
  w->bytes = (uint8_t *)w->head + HEAD_BYTES;
  w->begin = atomic_load_explicit(&w->head->begin, memory_order_acquire);
  w->end = atomic_load_explicit(&w->head->end, memory_order_acquire);
  if (w->end < w->begin) /* the rest was forgotten before it was whole */
    w->end = w->begin;
  if (w->head->magic == MAGIC && w->head->capacity == w->capacity &&
      w->end - w->begin <= w->capacity) {
    *window = w;
    return LT_OK;
  }
  lti_window_free(w);
  return LT_NOT_A_TRACE;
}

void lti_window_free(struct lti_window *w) {
  if (!w)
    return;
  munmap(w->head, HEAD_BYTES + w->capacity);
  if (w->path)
    unlink(w->path);
  free(w->path);
  free(w);
}

void lti_window_set_header(struct lti_window *w,
                           const uint8_t bytes[LTI_FILE_HEADER_BYTES]) {
  memcpy(w->head->header, bytes, sizeof w->head->header);
}

void lti_window_header(const struct lti_window *w,
                       uint8_t bytes[LTI_FILE_HEADER_BYTES]) {
  memcpy(bytes, w->head->header, sizeof w->head->header);
}

uint64_t lti_window_begin(const struct lti_window *w) {
  return w->begin;
}

uint64_t lti_window_end(const struct lti_window *w) {
  return w->end;
}

/* Kernels before 5.14 give pages of a file through a descriptor only. */
static bool allocate(const struct lti_window *w, uint64_t offset) {
  int fd = open(w->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return false;
  int error =
      posix_fallocate(fd, (off_t)(HEAD_BYTES + offset), (off_t)CHUNK_BYTES);
  close(fd);
  return !error;
}

static bool get_chunk(const struct lti_window *w, uint64_t place) {
  uint64_t offset = place % w->capacity;
  if (!w->path || madvise(w->bytes + offset, CHUNK_BYTES,
                          MADV_POPULATE_WRITE) == 0)
    return true;
  return errno == EINVAL && allocate(w, offset);
}

bool lti_window_reserve(struct lti_window *w, uint64_t size) {
  uint64_t kept_from = w->begin / CHUNK_BYTES * CHUNK_BYTES;
  if (size > w->capacity || w->end + size - kept_from > w->capacity)
    return false;
  for (; w->given < w->end + size; w->given += CHUNK_BYTES)
    if (!get_chunk(w, w->given))
      return false;
  return true;
}

void lti_window_put(struct lti_window *w, const void *bytes, size_t size) {
  const uint8_t *from = bytes;
  while (size) {
    uint64_t offset = w->end % w->capacity;
    size_t n = size < w->capacity - offset ? size : w->capacity - offset;
    memcpy(w->bytes + offset, from, n);
    from += n;
    size -= n;
    w->end += n;
  }
}

void lti_window_forget(struct lti_window *w, uint64_t until) {
  uint64_t from = w->begin / CHUNK_BYTES * CHUNK_BYTES;
  w->begin = until;
  atomic_store_explicit(&w->head->begin, until, memory_order_release);
  for (; from + CHUNK_BYTES <= until; from += CHUNK_BYTES)
    (void)madvise(w->bytes + from % w->capacity, CHUNK_BYTES,
                  w->path ? MADV_REMOVE : MADV_DONTNEED);
}

void lti_window_publish(struct lti_window *w) {
  atomic_store_explicit(&w->head->end, w->end, memory_order_release);
}

size_t lti_window_at(const struct lti_window *w, uint64_t place, size_t n,
                     const uint8_t **bytes) {
  uint64_t offset = place % w->capacity;
  *bytes = w->bytes + offset;
  return n < w->capacity - offset ? n : (size_t)(w->capacity - offset);
}
