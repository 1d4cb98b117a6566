/* Merge the threads of one epoch.
 *
 * Invariant: a heap holds one entry for each thread that has events left, the
 * time of which is that of its next event, or, where its next block is not yet
 * decoded, a time before that.  A thread has at most one block decoded, so
 * memory is at most the events of one epoch.  Called by reader.c. */
#include "read/merge.h"

#include <stdlib.h>
#include <string.h>

#include "read/decode.h"

static bool is_before(const struct lti_waiting *a,
                      const struct lti_waiting *b) {
  return a->time_ns != b->time_ns ? a->time_ns < b->time_ns
                                  : a->thread < b->thread;
}

static void sift_down(struct lti_merge *m, uint32_t i) {
  struct lti_waiting moved = m->heap[i];
  for (;;) {
    uint32_t child = 2 * i + 1;
    if (child >= m->n_heap)
      break;
    if (child + 1 < m->n_heap &&
        is_before(&m->heap[child + 1], &m->heap[child]))
      child++;
    if (!is_before(&m->heap[child], &moved))
      break;
    m->heap[i] = m->heap[child];
    i = child;
  }
  m->heap[i] = moved;
}

/* Keep a buffer for later, or free the smallest there is. */
static void give_back(struct lti_merge *m, struct lti_stream *s) {
  struct lti_record *records = s->records;
  uint32_t capacity = s->capacity;
  s->records = NULL;
  s->capacity = s->n = s->i = 0;
  for (int i = 0; records && i < LTI_SPARE_BUFFERS; i++)
    if (m->spare_capacity[i] < capacity) {
      struct lti_record *other = m->spare[i];
      uint32_t other_capacity = m->spare_capacity[i];
      m->spare[i] = records;
      m->spare_capacity[i] = capacity;
      records = other;
      capacity = other_capacity;
    }
  free(records);
}

/* A buffer for n events. */
static bool take_buffer(struct lti_merge *m, struct lti_stream *s, uint32_t n) {
  if (s->capacity >= n)
    return true;
  give_back(m, s);
  for (int i = 0; i < LTI_SPARE_BUFFERS; i++)
    if (m->spare_capacity[i] >= n) {
      s->records = m->spare[i];
      s->capacity = m->spare_capacity[i];
      m->spare[i] = NULL;
      m->spare_capacity[i] = 0;
      return true;
    }
  s->records = malloc(n * sizeof *s->records);
  s->capacity = s->records ? n : 0;
  return s->records != NULL;
}

static bool reserve(struct lti_merge *m, uint32_t n) {
  if (n <= m->capacity)
    return true;
  struct lti_stream *streams = realloc(m->streams, n * sizeof *streams);
  if (!streams)
    return false;
  m->streams = streams;
  struct lti_waiting *heap = realloc(m->heap, n * sizeof *heap);
  if (!heap)
    return false;
  m->heap = heap;
  m->capacity = n;
  return true;
}

static uint32_t count_threads(const struct lti_epoch *epoch) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < epoch->n_blocks; i++)
    n += !i || epoch->blocks[i].head.index != epoch->blocks[i - 1].head.index;
  return n;
}

lt_status lti_merge_begin(struct lti_merge *m, const struct lti_epoch *epoch) {
  lti_merge_stop(m);
  if (!reserve(m, count_threads(epoch)))
    return LT_NOMEM;
  m->epoch = epoch;
  for (uint32_t i = 0; i < epoch->n_blocks;) {
    const struct lti_block_header *h = &epoch->blocks[i].head;
    struct lti_stream s = {
        .next = i, .thread = h->index, .floor_ns = epoch->begin.floor_ns};
    while (i < epoch->n_blocks && epoch->blocks[i].head.index == s.thread)
      i++;
    s.end = i;
    m->heap[m->n_streams] =
        (struct lti_waiting){h->first_ns, s.thread, m->n_streams};
    m->streams[m->n_streams++] = s;
  }
  m->n_heap = m->n_streams;
  for (uint32_t i = m->n_heap / 2; i-- > 0;)
    sift_down(m, i);
  return LT_OK;
}

/* What stands in the place of a damaged block. */
static void one_lost(struct lti_stream *s, const struct lti_block_header *h) {
  int64_t at = h->last_ns > s->floor_ns ? h->last_ns : s->floor_ns;
  s->records[0] = (struct lti_record){
      .clock = (uint64_t)at,
      .head = LTI_HEAD(LT_LOST, LT_LOST_DAMAGED, 0),
      .a = h->count,
      .b = (uint64_t)(h->last_ns - h->first_ns),
  };
  s->n = 1;
}

/* Decode the next block of a stream; in its place, if need be, one LOST. */
static lt_status decode_next(struct lti_merge *m,
                             const struct lti_merge_owner *owner,
                             struct lti_stream *s) {
  const struct lti_block *block = &m->epoch->blocks[s->next];
  const uint8_t *payload;
  const char *wrong = NULL;
  lt_status status = LT_OK;
  if (!take_buffer(m, s, block->head.count))
    return LT_NOMEM;
  s->n = s->i = 0;
  if (block->head.first_ns < s->floor_ns)
    wrong = "events of a thread are not in order";
  else
    status = lti_source_payload(owner->source, block, &payload, &wrong);
  if (status != LT_OK && status != LT_CORRUPT)
    return status;
  if (!wrong)
    wrong = lti_events_decode(&block->head, payload, s->records, &s->n,
                              &m->brackets);
  if (wrong) {
    owner->damaged(owner->context, block, wrong);
    one_lost(s, &block->head);
  }
  if (block->head.last_ns > s->floor_ns)
    s->floor_ns = block->head.last_ns;
  s->next++;
  return LT_OK;
}

/* Let the stream on top of the heap have an event, or take it out. */
static lt_status fill_top(struct lti_merge *m,
                          const struct lti_merge_owner *owner) {
  struct lti_waiting *top = &m->heap[0];
  struct lti_stream *s = &m->streams[top->stream];
  if (s->i == s->n) {
    if (s->next == s->end) {
      give_back(m, s);
      *top = m->heap[--m->n_heap];
      return LT_OK;
    }
    lt_status status = decode_next(m, owner, s);
    if (status != LT_OK)
      return status;
  }
  if (s->i < s->n) /* else all its events were of unknown kinds */
    top->time_ns = (int64_t)s->records[s->i].clock;
  return LT_OK;
}

/* How far the top may go before another thread's turn comes. */
static int64_t limit_of(const struct lti_merge *m) {
  if (m->n_heap < 2)
    return INT64_MAX;
  const struct lti_waiting *next = &m->heap[1];
  if (m->n_heap > 2 && is_before(&m->heap[2], next))
    next = &m->heap[2];
  return m->heap[0].thread < next->thread ? next->time_ns : next->time_ns - 1;
}

lt_status lti_merge_next(struct lti_merge *m,
                         const struct lti_merge_owner *owner,
                         const struct lti_record *taken, struct lti_run *run) {
  if (taken && m->n_heap) {
    struct lti_stream *s = &m->streams[m->heap[0].stream];
    s->i = (uint32_t)(taken - s->records);
    if (s->i < s->n)
      m->heap[0].time_ns = (int64_t)s->records[s->i].clock;
    else if (s->next < s->end)
      m->heap[0].time_ns = m->epoch->blocks[s->next].head.first_ns;
    sift_down(m, 0);
  }
  while (m->n_heap) {
    struct lti_stream *s = &m->streams[m->heap[0].stream];
    int64_t before = m->heap[0].time_ns;
    bool is_ready = s->i < s->n && (int64_t)s->records[s->i].clock == before;
    if (is_ready) {
      run->at = s->records + s->i;
      run->end = s->records + s->n;
      run->limit_ns = limit_of(m);
      run->thread = s->thread;
      return LT_OK;
    }
    lt_status status = fill_top(m, owner);
    if (status != LT_OK)
      return status;
    if (m->n_heap)
      sift_down(m, 0);
  }
  return LT_END;
}

void lti_merge_stop(struct lti_merge *m) {
  for (uint32_t i = 0; i < m->n_streams; i++)
    give_back(m, &m->streams[i]);
  m->n_streams = m->n_heap = 0;
  m->epoch = NULL;
}

void lti_merge_free(struct lti_merge *m) {
  lti_merge_stop(m);
  for (int i = 0; i < LTI_SPARE_BUFFERS; i++)
    free(m->spare[i]);
  free(m->streams);
  free(m->heap);
}
