/* Merge the threads of one epoch.
 *
 * Invariant: a tournament tree has a leaf for each thread, in their order, with
 * the time of its next event, or, where its next block is not yet decoded, a
 * time before that; each node above has the earlier of the two below it, the
 * left one of equals.  A thread has at most one block decoded, so memory is at
 * most the events of one epoch.  Called by reader.c. */
#include "read/merge.h"

#include <stdlib.h>
#include <string.h>

#include "read/ahead.h"
#include "read/decode.h"

#define NONE UINT32_MAX
#define NO_MORE INT64_MAX
/* So many of one thread are given out where they are, not copied. */
#define WHERE_THEY_ARE 32
/* Room for as many is kept from epoch to epoch. */
#define SPARE_EVENTS 262144u

/* Let a stream have its turn at a time: play its games again.  Member by member,
 * because a struct that was stored in parts is slow to load as a whole; and
 * without branches, because nobody can predict who wins. */
static void replay(struct lti_merge *m, uint32_t stream, int64_t time_ns) {
  struct lti_turn *t = m->turns;
  uint32_t i = m->n_leaves + stream;
  t[i].time_ns = time_ns;
  for (; i > 1; i /= 2) {
    int64_t other_ns = t[i ^ 1].time_ns;
    bool wins = other_ns - (i & 1) < time_ns; /* the left one of equals */
    time_ns ^= (time_ns ^ other_ns) & -(int64_t)wins;
    stream ^= (stream ^ t[i ^ 1].stream) & -(uint32_t)wins;
    t[i / 2].time_ns = time_ns;
    t[i / 2].stream = stream;
  }
}

/* How far a stream, which is the winner, may go before another's turn comes. */
static int64_t limit_of(const struct lti_merge *m, uint32_t stream) {
  int64_t limit = NO_MORE - 1;
  for (uint32_t i = m->n_leaves + stream; i > 1; i /= 2) {
    int64_t other = m->turns[i ^ 1].time_ns - (i & 1);
    limit = other < limit ? other : limit;
  }
  return limit;
}

static void give_back(struct lti_merge *m, struct lti_stream *s) {
  lti_spares_put(&m->spares, &s->buffer, SPARE_EVENTS);
  s->n = s->i = 0;
}

/* Room for n streams, and for twice as many turns as the next power of two. */
static bool reserve(struct lti_merge *m, uint32_t n) {
  m->n_leaves = 1;
  while (m->n_leaves < n)
    m->n_leaves *= 2;
  if (n <= m->capacity)
    return true;
  struct lti_stream *streams = realloc(m->streams, n * sizeof *streams);
  if (!streams)
    return false;
  m->streams = streams;
  struct lti_turn *turns =
      realloc(m->turns, 2 * (size_t)m->n_leaves * sizeof *turns);
  if (!turns)
    return false;
  m->turns = turns;
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
    uint32_t at = m->n_streams++;
    m->turns[m->n_leaves + at] = (struct lti_turn){h->first_ns, at};
    m->streams[at] =
        (struct lti_stream){.next = i, .floor_ns = epoch->begin.floor_ns};
    while (i < epoch->n_blocks && epoch->blocks[i].head.index == h->index)
      i++;
    m->streams[at].end = i;
  }
  for (uint32_t i = m->n_streams; i < m->n_leaves; i++)
    m->turns[m->n_leaves + i] = (struct lti_turn){NO_MORE, i};
  for (uint32_t i = m->n_leaves - 1; i; i--)
    m->turns[i] = m->turns[2 * i + (m->turns[2 * i + 1].time_ns <
                                    m->turns[2 * i].time_ns)];
  return LT_OK;
}

/* What stands in the place of a damaged block. */
static void one_lost(struct lti_stream *s, const struct lti_block_header *h) {
  int64_t at = h->last_ns > s->floor_ns ? h->last_ns : s->floor_ns;
  s->buffer.events[0] = (lt_event){
      .time_ns = at,
      .a = h->count,
      .b = (uint64_t)(h->last_ns - h->first_ns),
      .thread = h->index,
      .x = LT_LOST_DAMAGED,
      .kind = LT_LOST,
  };
  s->n = 1;
}

/* Read and decode a block; in its place, if need be, one LOST. */
static lt_status decode_block(struct lti_merge *m,
                              const struct lti_merge_owner *owner,
                              struct lti_stream *s,
                              const struct lti_block *block,
                              const char *wrong) {
  const uint8_t *payload;
  lt_status status = LT_OK;
  if (!lti_buffer_reserve(&s->buffer, block->head.count))
    return LT_NOMEM;
  if (!wrong)
    status = lti_source_payload(owner->source, block, &payload, &wrong);
  if (status != LT_OK && status != LT_CORRUPT)
    return status;
  if (!wrong)
    wrong = lti_events_decode(&block->head, payload, s->buffer.events, &s->n,
                              &m->brackets);
  if (wrong) {
    owner->damaged(owner->context, block, wrong);
    one_lost(s, &block->head);
  } else if (owner->kinds != UINT64_MAX) {
    s->n = lti_events_keep(s->buffer.events, s->n, owner->kinds);
  }
  return LT_OK;
}

/* Let a stream have its next block. */
static lt_status decode_next(struct lti_merge *m,
                             const struct lti_merge_owner *owner,
                             struct lti_stream *s) {
  const struct lti_block *block = &m->epoch->blocks[s->next];
  const char *wrong = NULL;
  s->n = s->i = 0;
  if (!s->buffer.events)
    s->buffer = lti_spares_take(&m->spares);
  if (block->head.first_ns < s->floor_ns)
    wrong = "events of a thread are not in order";
  if (wrong || !owner->ahead ||
      !lti_ahead_take(owner->ahead, m->epoch->begin.at, block, &s->buffer,
                      &s->n)) {
    lt_status status = decode_block(m, owner, s, block, wrong);
    if (status != LT_OK)
      return status;
  }
  if (block->head.last_ns > s->floor_ns)
    s->floor_ns = block->head.last_ns;
  s->next++;
  return LT_OK;
}

/* When it is the turn of a stream whose events were all taken. */
static int64_t turn_of_next(const struct lti_merge *m,
                            const struct lti_stream *s) {
  return s->next < s->end ? m->epoch->blocks[s->next].head.first_ns : NO_MORE;
}

/* A stream's events were taken, or decoded: when is its turn? */
static inline void set_turn(struct lti_merge *m, uint32_t stream) {
  const struct lti_stream *s = &m->streams[stream];
  replay(m, stream, s->i < s->n ? s->buffer.events[s->i].time_ns : turn_of_next(m, s));
}

/* Copy what comes next in the order of time, until the batch is full or a thread
 * is alone for long.
 * n: how many there are in it. */
static lt_status fill_batch(struct lti_merge *m,
                            const struct lti_merge_owner *owner, size_t *n) {
  lt_event *out = m->batch, *const full = m->batch + LTI_BATCH_EVENTS;
  lt_status status = LT_OK;
  while (out < full && m->turns[1].time_ns != NO_MORE) {
    uint32_t winner = m->turns[1].stream;
    struct lti_stream *s = &m->streams[winner];
    if (s->i == s->n) {
      status = decode_next(m, owner, s);
      if (status != LT_OK)
        break;
      set_turn(m, winner);
      continue;
    }
    int64_t limit_ns = limit_of(m, winner);
    const lt_event *at = s->buffer.events + s->i, *const end = s->buffer.events + s->n;
    if (end - at >= WHERE_THEY_ARE && end[-1].time_ns <= limit_ns)
      break;
    do
      *out++ = *at++;
    while (at < end && at->time_ns <= limit_ns && out < full);
    s->i = (uint32_t)(at - s->buffer.events);
    set_turn(m, winner);
    if (at == end && s->next == s->end)
      give_back(m, s);
  }
  *n = (size_t)(out - m->batch);
  return status;
}

lt_status lti_merge_next(struct lti_merge *m,
                         const struct lti_merge_owner *owner,
                         const lt_event **events, size_t *n) {
  if (m->given != NONE && m->streams[m->given].next == m->streams[m->given].end)
    give_back(m, &m->streams[m->given]);
  m->given = NONE;
  size_t copied = 0;
  lt_status status = fill_batch(m, owner, &copied);
  if (copied) {
    *events = m->batch;
    *n = copied;
    return LT_OK; /* an error comes again */
  }
  if (status != LT_OK)
    return status;
  if (m->turns[1].time_ns == NO_MORE)
    return LT_END;
  m->given = m->turns[1].stream;
  struct lti_stream *s = &m->streams[m->given];
  *events = s->buffer.events + s->i;
  *n = s->n - s->i;
  s->i = s->n;
  set_turn(m, m->given);
  return LT_OK;
}

void lti_merge_stop(struct lti_merge *m) {
  for (uint32_t i = 0; i < m->n_streams; i++)
    give_back(m, &m->streams[i]);
  m->n_streams = 0;
  m->given = NONE;
  m->epoch = NULL;
}

void lti_merge_free(struct lti_merge *m) {
  lti_merge_stop(m);
  lti_spares_free(&m->spares);
  free(m->streams);
  free(m->turns);
}
