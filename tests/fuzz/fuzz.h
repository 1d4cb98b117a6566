/* What the fuzzers share. */
#ifndef LT_FUZZ_H
#define LT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What libFuzzer calls, and what it has for us. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static inline void must(bool is_true, const char *what) {
  if (is_true)
    return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

/* A file in memory, one for all inputs.  path: how to open it again. */
static inline int scratch_file(const char **path) {
  static int fd = -1;
  static char name[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  }
  must(fd >= 0, "memfd_create");
  *path = name;
  return fd;
}

static inline void write_at(int fd, uint64_t at, const void *bytes, size_t n) {
  must(pwrite(fd, bytes, n, (off_t)at) == (ssize_t)n, "pwrite");
}

#endif
