/* Decode blocks ahead of a reader, in a thread of its own.
 *
 * It is a cache and no more: the thread walks over the headers from where it was
 * started, puts those of each epoch in the order in which merge will ask, and
 * decodes one block after the other.  What it cannot decode it leaves out, and
 * at the first header that is not good it ends: the reader does everything that
 * it does not find here itself, so that events, errors and their order are the
 * same with and without this thread.
 *
 * The reader may be the loop of a program that somebody looks at, and this
 * thread may have no processor: so it is waited for a moment only, and then the
 * reader goes on alone until the thread has caught up.
 *
 * Invariant: the ring holds blocks in the order of their keys, all of them behind
 * the last one that the reader asked for or equal to it, but for a first one that
 * was given up while it was being decoded; only the thread appends, only the
 * reader takes.  A slot that is not ready belongs to the thread, but for
 * its key and block, which do not change.  Everything else that both touch is
 * under the lock.  Called by merge.c and reader.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "read/ahead.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "read/decode.h"

/* So long the reader waits for a block that is being decoded: several times what
 * that takes. */
#define PATIENCE_NS 2000000

/* When merge asks for a block. */
struct key {
  uint64_t epoch_at;
  int64_t first_ns;
  uint32_t thread;
  uint64_t at;
};

struct slot {
  struct key key;
  struct lti_block block;
  struct lti_buffer buffer;
  uint32_t n;
  bool is_ready, is_good;
};

struct lti_ahead {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t has_room;  /* for the thread */
  pthread_cond_t has_block; /* for the reader, which waits for the first slot */

  /* Under the lock: */
  struct slot ring[LTI_AHEAD_BLOCKS];
  uint32_t first, n_slots;
  uint64_t n_events; /* in them */
  struct lti_spares spares;
  struct key asked;  /* what the reader asked for last */
  bool is_stopped;

  /* The thread's own: */
  struct lti_source source;
  struct lti_brackets brackets;
  uint64_t at, end;
  struct lti_block *blocks; /* of the epoch */
  uint32_t n_blocks, capacity;
};

bool lti_ahead_pays(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
}

static bool is_before(const struct key *a, const struct key *b) {
  if (a->epoch_at != b->epoch_at)
    return a->epoch_at < b->epoch_at;
  if (a->first_ns != b->first_ns)
    return a->first_ns < b->first_ns;
  return a->thread != b->thread ? a->thread < b->thread : a->at < b->at;
}

static struct key key_of(uint64_t epoch_at, const struct lti_block *block) {
  return (struct key){epoch_at, block->head.first_ns, block->head.index,
                      block->at};
}

static int by_key(const void *one, const void *other) {
  const struct key a = key_of(0, one), b = key_of(0, other);
  return is_before(&a, &b) ? -1 : is_before(&b, &a);
}

/* Read the next header.  Returns: false where there is none that is good. */
static bool next_block(struct lti_ahead *a, struct lti_block *block) {
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  if (a->at >= a->end || a->end - a->at < sizeof bytes ||
      lti_source_read(&a->source, a->at, bytes, sizeof bytes) != LT_OK ||
      lti_block_header_get(bytes, &block->head) != LT_OK)
    return false;
  uint64_t size = (uint64_t)block->head.header_bytes + block->head.stored_bytes;
  if (size > a->end - a->at)
    return false;
  block->at = a->at;
  a->at += size;
  return true;
}

/* Read the headers of the next epoch.  Returns: false at the end. */
static bool next_epoch(struct lti_ahead *a) {
  struct lti_block block;
  a->n_blocks = 0;
  while (next_block(a, &block)) {
    if (block.head.type == LTI_BLOCK_EPOCH) {
      if (a->n_blocks)
        qsort(a->blocks, a->n_blocks, sizeof *a->blocks, by_key);
      return true;
    }
    if (block.head.type != LTI_BLOCK_EVENTS ||
        block.head.count < LTI_AHEAD_LEAST || lti_events_refused(&block.head))
      continue;
    if (a->n_blocks == a->capacity) {
      uint32_t n = a->capacity ? a->capacity * 2 : 64;
      struct lti_block *blocks =
          n > LTI_EPOCH_BLOCKS_MAX ? NULL
                                   : realloc(a->blocks, n * sizeof *blocks);
      if (!blocks)
        return false;
      a->blocks = blocks;
      a->capacity = n;
    }
    a->blocks[a->n_blocks++] = block;
  }
  return false;
}

/* Wait for room, and reserve a slot for a block.
 * Returns: NULL where the reader was faster, or wants no more. */
static struct slot *reserve(struct lti_ahead *a, const struct key *key,
                            const struct lti_block *block) {
  struct slot *slot = NULL;
  pthread_mutex_lock(&a->lock);
  while (!a->is_stopped && a->n_slots &&
         (a->n_slots == LTI_AHEAD_BLOCKS ||
          a->n_events + block->head.count > LTI_AHEAD_EVENTS))
    pthread_cond_wait(&a->has_room, &a->lock);
  if (!a->is_stopped && is_before(&a->asked, key)) {
    slot = &a->ring[(a->first + a->n_slots++) % LTI_AHEAD_BLOCKS];
    slot->key = *key;
    slot->block = *block;
    slot->is_ready = false;
    slot->buffer = lti_spares_take(&a->spares);
    a->n_events += block->head.count;
  }
  pthread_mutex_unlock(&a->lock);
  return slot;
}

static bool decode(struct lti_ahead *a, struct slot *slot) {
  const struct lti_block *block = &slot->block;
  const uint8_t *payload;
  const char *wrong;
  return lti_buffer_reserve(&slot->buffer, block->head.count) &&
         lti_source_payload(&a->source, block, &payload, &wrong) == LT_OK &&
         !lti_events_decode(&block->head, payload, slot->buffer.events,
                            &slot->n, &a->brackets);
}

static void *run(void *context) {
  struct lti_ahead *a = context;
  bool is_stopped = false;
  while (!is_stopped) {
    uint64_t epoch_at = a->at;
    if (!next_epoch(a))
      break;
    for (uint32_t i = 0; i < a->n_blocks && !is_stopped; i++) {
      struct key key = key_of(epoch_at, &a->blocks[i]);
      struct slot *slot = reserve(a, &key, &a->blocks[i]);
      bool is_good = slot && decode(a, slot);
      pthread_mutex_lock(&a->lock);
      if (slot) {
        slot->is_good = is_good;
        slot->is_ready = true;
        pthread_cond_signal(&a->has_block);
      }
      is_stopped = a->is_stopped;
      pthread_mutex_unlock(&a->lock);
    }
  }
  return NULL;
}

static void free_all(struct lti_ahead *a) {
  for (uint32_t i = 0; i < LTI_AHEAD_BLOCKS; i++)
    free(a->ring[i].buffer.events);
  lti_spares_free(&a->spares);
  lti_source_drop(&a->source);
  free(a->blocks);
  pthread_mutex_destroy(&a->lock);
  pthread_cond_destroy(&a->has_room);
  pthread_cond_destroy(&a->has_block);
  free(a);
}

static struct lti_ahead *make(const struct lti_source *source,
                              const struct lti_cursor *from, uint64_t end) {
  struct lti_ahead *a = calloc(1, sizeof *a);
  pthread_condattr_t monotonic;
  if (!a)
    return NULL;
  lti_source_share(&a->source, source);
  a->at = from->at;
  a->end = end;
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->has_room, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&a->has_block, &monotonic);
  pthread_condattr_destroy(&monotonic);
  return a;
}

struct lti_ahead *lti_ahead_start(const struct lti_source *source,
                                  const struct lti_cursor *from, uint64_t end) {
  struct lti_ahead *a = make(source, from, end);
  sigset_t all, before;
  if (!a)
    return NULL;
  /* The program's signals are for its own threads. */
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int failed = pthread_create(&a->thread, NULL, run, a);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!failed)
    return a;
  free_all(a);
  return NULL;
}

void lti_ahead_stop(struct lti_ahead *a) {
  if (!a)
    return;
  pthread_mutex_lock(&a->lock);
  a->is_stopped = true;
  pthread_cond_signal(&a->has_room);
  pthread_mutex_unlock(&a->lock);
  pthread_join(a->thread, NULL);
  free_all(a);
}

/* The first slot is not needed any more. */
static void drop_first(struct lti_ahead *a) {
  lti_spares_put(&a->spares, &a->ring[a->first].buffer, LTI_AHEAD_EVENTS);
  a->n_events -= a->ring[a->first].block.head.count;
  a->first = (a->first + 1) % LTI_AHEAD_BLOCKS;
  a->n_slots--;
}

/* Wait for the block that was asked for, as long as that pays.  One before it
 * was given up: then the thread is behind, and waiting would keep it so.
 * Returns: whether the thread is done with it. */
static bool wait_for(struct lti_ahead *a, const struct slot *slot) {
  struct timespec until;
  if (slot->is_ready || is_before(&slot->key, &a->asked))
    return slot->is_ready;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += PATIENCE_NS;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  while (!slot->is_ready &&
         pthread_cond_timedwait(&a->has_block, &a->lock, &until) == 0)
    ;
  return slot->is_ready;
}

bool lti_ahead_take(struct lti_ahead *a, uint64_t epoch_at,
                    const struct lti_block *block, struct lti_buffer *buffer,
                    uint32_t *n) {
  bool is_taken = false;
  pthread_mutex_lock(&a->lock);
  a->asked = key_of(epoch_at, block);
  while (a->n_slots && !is_before(&a->asked, &a->ring[a->first].key)) {
    struct slot *slot = &a->ring[a->first];
    if (!wait_for(a, slot))
      break;
    if (slot->is_good && slot->block.at == block->at &&
        memcmp(&slot->block.head, &block->head, sizeof block->head) == 0) {
      struct lti_buffer mine = *buffer;
      *buffer = slot->buffer;
      *n = slot->n;
      slot->buffer = mine;
      is_taken = true;
    }
    drop_first(a);
  }
  /* Not for each: it would do little until the next one. */
  if (a->n_slots <= LTI_AHEAD_BLOCKS / 2 || a->n_events < LTI_AHEAD_EVENTS / 2)
    pthread_cond_signal(&a->has_room);
  pthread_mutex_unlock(&a->lock);
  return is_taken;
}
