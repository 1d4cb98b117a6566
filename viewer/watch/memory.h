/* The memory of a traced process, read from outside without stopping it. */
#ifndef LTV_WATCH_MEMORY_H
#define LTV_WATCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_STACK_BYTES 65536u

/* A process, and a piece of a stack that was taken at one moment. */
struct memory {
  int32_t pid;
  int error; /* errno of the first read that was refused, 0 for none */
  uint64_t at;
  size_t size;
  uint8_t bytes[MEMORY_STACK_BYTES];
};

/* Begin with a process and no piece. */
void memory_init(struct memory *memory, int32_t pid);

/* Take what lies above a stack pointer, as far as it is there. */
void memory_take_stack(struct memory *memory, uint64_t sp);

/* Read n bytes: from the piece, else from the live process.
 * Returns: false where there is nothing to read. */
bool memory_read(struct memory *memory, uint64_t address, void *to, size_t n);

static inline bool memory_word(struct memory *memory, uint64_t address,
                               uint64_t *word) {
  return memory_read(memory, address, word, sizeof *word);
}

#endif
