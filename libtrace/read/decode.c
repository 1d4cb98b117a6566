/* Decode an EVENTS block: doc/format.md, "Events".
 *
 * Some hundred events at a time, column by column: a loop over one column has
 * nothing to decide, and all that it touches is in the nearest cache.  What
 * depends on the order of the events (times, brackets, the codec OPEN) comes
 * last, event by event.
 *
 * Invariant: each column is read through a cursor of its own, which cannot
 * leave it; what is wrong anywhere sets a flag that is looked at once, at the
 * end, so that the loops over the events have no error paths.  Called by
 * merge.c for each block, and by opens.c and rebuild.c. */
#include "read/decode.h"

#include <string.h>

#include "base/arena.h"
#include "format/bytes.h"
#include "format/columns.h"

enum { REF, X, A, B, N_COLUMNS };

#define SLICE 256 /* events */

struct column {
  struct lti_in in;
  struct lti_column state;
  uint8_t codec; /* NONE too where the column cannot be understood */
};

struct plan {
  struct lti_in times;
  struct column columns[N_COLUMNS];
  uint64_t sizes[N_COLUMNS]; /* in bytes */
  uint64_t times_bytes;
  uint64_t left; /* events of this kind still to come */
};

struct decoder {
  const struct lti_block_header *head;
  struct lti_in in;
  uint8_t n_kinds;
  uint8_t kinds[LT_KIND_LIMIT];     /* in the order of the block */
  uint8_t open[LT_KIND_LIMIT];      /* bit c: column c is coded as OPEN */
  bool is_ordered[LT_KIND_LIMIT];   /* that, or it acts on the brackets */
  struct plan plans[LT_KIND_LIMIT]; /* by kind */
  uint64_t known;                   /* kinds that this library knows */
  uint64_t seen;                    /* kinds that came */
  uint64_t beyond;                  /* not 0: something is out of range */
  int64_t time;                     /* of the last event */
  uint64_t left_ns;                 /* from then to the last of the block */
  struct lti_brackets *brackets;
};

const char *lti_events_refused(const struct lti_block_header *h) {
  /* Brackets, table of kinds, and for each event a kind and five numbers. */
  const uint64_t fixed = 10 + LTI_BRACKETS_MAX * 50 + 10 + LT_KIND_LIMIT * 63;
  if (h->count < 1 || h->count > LTI_BLOCK_EVENTS_MAX)
    return "number of events is out of range";
  if (lti_block_is_dense(h->count, h->stored_bytes))
    return "more events than so few bytes may hold";
  if (h->first_ns > h->last_ns || h->first_ns < -LTI_TIME_MAX ||
      h->last_ns > LTI_TIME_MAX)
    return "times are out of range";
  if (h->raw_bytes > fixed + (uint64_t)h->count * (1 + 5 * LTI_VARINT_MAX))
    return "payload is larger than its events can be";
  return lti_payload_refused(h);
}

static const char *read_opens(const struct lti_block_header *h,
                              struct lti_in *in, struct lti_brackets *open) {
  open->n = 0;
  uint64_t n = lti_in_varint(in);
  if (n > LTI_BRACKETS_MAX)
    return "too many brackets are open";
  for (uint64_t i = 0; i < n; i++) {
    uint64_t kind = lti_in_varint(in), x = lti_in_varint(in);
    uint64_t ref = lti_in_varint(in), a = lti_in_varint(in);
    uint64_t ago = lti_in_varint(in);
    if (in->bad)
      return "payload ends in the open brackets";
    if (kind >= LT_KIND_LIMIT || x > UINT16_MAX || ref > LTI_REF_MAX ||
        ago > (uint64_t)LTI_TIME_MAX)
      return "an open bracket is out of range";
    struct lti_bracket b = {h->first_ns - (int64_t)ago, ref, a, (uint16_t)x,
                            (uint8_t)kind};
    lti_brackets_push(open, &b);
  }
  return in->bad ? "payload ends in the open brackets" : NULL;
}

const char *lti_events_opens(const struct lti_block_header *h,
                             const uint8_t *payload,
                             struct lti_brackets *open) {
  struct lti_in in = lti_in_of(payload, h->raw_bytes);
  return read_opens(h, &in, open);
}

/* One row of the table of kinds. */
static const char *read_kind(struct decoder *d) {
  uint8_t kind = lti_in_u8(&d->in);
  uint8_t low = lti_in_u8(&d->in), high = lti_in_u8(&d->in);
  if (kind >= LT_KIND_LIMIT || (d->n_kinds && kind <= d->kinds[d->n_kinds - 1]))
    return "kinds are not in ascending order";
  struct plan *p = &d->plans[kind];
  uint8_t codecs[N_COLUMNS] = {low & 15, low >> 4, high & 15, high >> 4};
  if (lt_kind_lookup(kind))
    d->known |= UINT64_C(1) << kind;
  d->open[kind] = 0;
  p->left = lti_in_varint(&d->in);
  p->times_bytes = lti_in_varint(&d->in);
  for (int c = 0; c < N_COLUMNS; c++) {
    p->sizes[c] = codecs[c] ? lti_in_varint(&d->in) : 0;
    p->columns[c].codec = codecs[c] <= LT_CODEC_TEXT ? codecs[c] : 0;
    p->columns[c].state.previous = 0;
    if (p->columns[c].codec == LT_CODEC_OPEN)
      d->open[kind] |= (uint8_t)(1u << c);
  }
  d->is_ordered[kind] = d->open[kind] || lti_bracket_acts(kind);
  d->kinds[d->n_kinds++] = kind;
  return d->in.bad ? "payload ends in the table of kinds" : NULL;
}

/* Find the columns; column: that of kinds. */
static const char *read_plan(struct decoder *d, struct lti_in *column) {
  uint64_t n_kinds = lti_in_varint(&d->in), n = 0;
  if (d->in.bad || n_kinds > LT_KIND_LIMIT)
    return "too many kinds";
  d->n_kinds = 0;
  memset(d->plans, 0, sizeof d->plans);
  for (uint64_t i = 0; i < n_kinds; i++) {
    const char *wrong = read_kind(d);
    if (wrong)
      return wrong;
    uint64_t count = d->plans[d->kinds[i]].left;
    if (count > d->head->count)
      return "the events of the kinds do not add up";
    n += count;
  }
  if (n != d->head->count)
    return "the events of the kinds do not add up";
  *column = lti_in_part(&d->in, n);
  for (uint8_t i = 0; i < d->n_kinds; i++) {
    struct plan *p = &d->plans[d->kinds[i]];
    p->times = lti_in_part(&d->in, p->times_bytes);
    for (int c = 0; c < N_COLUMNS; c++)
      p->columns[c].in = lti_in_part(&d->in, p->sizes[c]);
  }
  if (d->in.bad || lti_in_left(&d->in))
    return "the columns do not add up to the payload";
  return NULL;
}

/* A varint of up to 8 bytes without a branch on its length, which nobody could
 * predict.  Reads 8 bytes whatever its length: LTI_PAYLOAD_SLACK. */
static inline uint64_t number(struct lti_in *in) {
  uint64_t w = lti_get_u64(in->at);
  uint64_t stops = ~w & UINT64_C(0x8080808080808080);
  if (!stops)
    return lti_in_varint(in);
  size_t n = (size_t)__builtin_ctzll(stops) / 8 + 1;
  if (n > lti_in_left(in))
    return lti_in_varint(in);
  in->at += n;
  w &= (stops ^ (stops - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7f);
  /* Close the gaps: 7 of 8 bits, 14 of 16, 28 of 32. */
  w = (w & UINT64_C(0x007f007f007f007f)) |
      (w & UINT64_C(0x7f007f007f007f00)) >> 1;
  w = (w & UINT64_C(0x00003fff00003fff)) |
      (w & UINT64_C(0x3fff00003fff0000)) >> 2;
  return (w & UINT64_C(0x0fffffff)) | (w & UINT64_C(0x0fffffff00000000)) >> 4;
}

/* The next n numbers of a column.  Those of one byte, the most, come eight at a
 * time. */
static void numbers(struct lti_in *column, uint64_t *out, uint32_t n) {
  struct lti_in in = *column;
  uint32_t i = 0;
  while (i < n) {
    uint64_t w = lti_get_u64(in.at);
    if (w & UINT64_C(0x8080808080808080) || n - i < 8 || lti_in_left(&in) < 8) {
      out[i++] = number(&in);
      continue;
    }
    for (unsigned k = 0; k < 8; k++)
      out[i + k] = w >> 8 * k & 0xff;
    i += 8;
    in.at += 8;
  }
  *column = in;
}

/* The next n values of a column, but for what OPEN means. */
static void values(struct column *c, uint64_t *out, uint32_t n) {
  numbers(&c->in, out, n);
  if (c->codec != LT_CODEC_DELTA && c->codec != LT_CODEC_TASK)
    return;
  struct lti_column state = c->state;
  for (uint32_t i = 0; i < n; i++)
    out[i] = lti_column_decode(&state, LT_CODEC_DELTA, out[i], 0);
  c->state = state;
}

/* Give n events of a kind, which stand at where and are 0, all but their times'
 * sums and what is coded as OPEN. */
static void decode_kind(struct decoder *d, unsigned kind, uint32_t n,
                        const uint16_t *where, lt_event *events) {
  struct plan *p = &d->plans[kind];
  uint64_t out[SLICE], bits = 0;
  numbers(&p->times, out, n);
  for (uint32_t i = 0; i < n; i++)
    events[where[i]].time_ns = (int64_t)out[i];
  for (unsigned c = 0; c < N_COLUMNS; c++) {
    if (p->columns[c].codec == LT_CODEC_NONE || d->open[kind] >> c & 1)
      continue;
    values(&p->columns[c], out, n);
    switch (c) {
    case REF:
      for (uint32_t i = 0; i < n; i++) {
        events[where[i]].ref = out[i];
        bits |= out[i] >> 40;
      }
      break;
    case X:
      for (uint32_t i = 0; i < n; i++) {
        events[where[i]].x = (uint16_t)out[i];
        bits |= out[i] >> 16;
      }
      break;
    case A:
      for (uint32_t i = 0; i < n; i++)
        events[where[i]].a = out[i];
      break;
    default:
      for (uint32_t i = 0; i < n; i++)
        events[where[i]].b = out[i];
      break;
    }
  }
  d->beyond |= bits;
}

/* The value of a column that is coded as OPEN. */
static inline uint64_t open_value(struct decoder *d, struct column *c) {
  uint64_t stored = number(&c->in);
  uint64_t task = stored ? 0 : lti_brackets_task(d->brackets);
  return lti_column_decode(&c->state, LT_CODEC_OPEN, stored, task);
}

/* What is coded as OPEN: nearly always the task, of an event that ends a slice.
 */
static inline void decode_open(struct decoder *d, unsigned kind, lt_event *e) {
  struct column *columns = d->plans[kind].columns;
  unsigned open = d->open[kind];
  if (open >> REF & 1) {
    e->ref = open_value(d, &columns[REF]);
    d->beyond |= e->ref >> 40;
  }
  if (open <= 1u << REF)
    return;
  if (open >> X & 1) {
    uint64_t x = open_value(d, &columns[X]);
    e->x = (uint16_t)x;
    d->beyond |= x >> 16;
  }
  if (open >> A & 1)
    e->a = open_value(d, &columns[A]);
  if (open >> B & 1)
    e->b = open_value(d, &columns[B]);
}

/* Sort n events by kind.
 *
 * where:   the places of the events, by kind in the order of the block.
 * count:   how many there are of each kind.
 * Returns: false where one is of a kind that has no columns (left). */
static bool sort_kinds(struct decoder *d, const uint8_t *kinds, uint32_t n,
                       uint16_t *where, uint16_t *count) {
  uint16_t next[LT_KIND_LIMIT], at = 0;
  memset(count, 0, LT_KIND_LIMIT * sizeof *count);
  for (uint32_t i = 0; i < n; i++) {
    d->beyond |= kinds[i] >> 6;
    count[kinds[i] & (LT_KIND_LIMIT - 1)]++;
  }
  for (uint8_t i = 0; i < d->n_kinds; i++) {
    unsigned kind = d->kinds[i];
    struct plan *p = &d->plans[kind];
    if (count[kind] > p->left)
      return false;
    p->left -= count[kind];
    next[kind] = at;
    at = (uint16_t)(at + count[kind]);
  }
  if (at != n)
    return false;
  for (uint32_t i = 0; i < n; i++)
    where[next[kinds[i] & (LT_KIND_LIMIT - 1)]++] = (uint16_t)i;
  return true;
}

/* The next n events, at most SLICE.
 * Returns: as above. */
static bool decode_slice(struct decoder *d, const uint8_t *kinds, uint32_t n,
                         lt_event *events) {
  uint16_t where[SLICE], count[LT_KIND_LIMIT];
  const uint16_t *at = where;
  if (!sort_kinds(d, kinds, n, where, count))
    return false;
  memset(events, 0, n * sizeof *events);
  for (uint8_t i = 0; i < d->n_kinds; i++) {
    unsigned kind = d->kinds[i];
    if (!count[kind])
      continue;
    decode_kind(d, kind, count[kind], at, events);
    at += count[kind];
    d->seen |= UINT64_C(1) << kind;
  }
  const uint32_t thread = d->head->index;
  int64_t time = d->time;
  uint64_t left_ns = d->left_ns, late = 0;
  for (uint32_t i = 0; i < n; i++) {
    lt_event *e = &events[i];
    uint64_t delta = (uint64_t)e->time_ns;
    unsigned kind = kinds[i] & (LT_KIND_LIMIT - 1);
    late |= delta > left_ns;
    left_ns -= delta;
    time = (int64_t)((uint64_t)time + delta);
    e->time_ns = time;
    e->thread = thread;
    e->kind = (uint8_t)kind;
    if (!d->is_ordered[kind])
      continue;
    decode_open(d, kind, e);
    lti_brackets_apply(d->brackets, time, kind, e->x, e->ref, e->a);
  }
  d->time = time;
  d->left_ns = left_ns;
  d->beyond |= late;
  return true;
}

/* Is every column used up, no more and no less? */
static const char *check_end(const struct decoder *d) {
  for (uint8_t i = 0; i < d->n_kinds; i++) {
    const struct plan *p = &d->plans[d->kinds[i]];
    bool bad = p->left || p->times.bad || lti_in_left(&p->times);
    for (int c = 0; c < N_COLUMNS; c++)
      if (p->columns[c].codec)
        bad |= p->columns[c].in.bad || lti_in_left(&p->columns[c].in);
    if (bad)
      return "a column has more or fewer values than there are events";
  }
  if (d->seen != d->head->kinds)
    return "the kinds in the header are not those in the payload";
  return NULL;
}

uint32_t lti_events_keep(lt_event *events, uint32_t n, uint64_t kinds) {
  lt_event *to = events;
  for (uint32_t i = 0; i < n; i++) {
    *to = events[i];
    to += (kinds >> events[i].kind & 1) ||
          (events[i].kind == LT_LOST && events[i].x == LT_LOST_DAMAGED);
  }
  return (uint32_t)(to - events);
}

const char *lti_events_decode(const struct lti_block_header *h,
                              const uint8_t *payload, lt_event *events,
                              uint32_t *n, struct lti_brackets *open) {
  struct decoder d = {.head = h,
                      .in = lti_in_of(payload, h->raw_bytes),
                      .time = h->first_ns,
                      .left_ns = (uint64_t)(h->last_ns - h->first_ns),
                      .brackets = open};
  struct lti_in kinds;
  const char *wrong = read_opens(h, &d.in, open);
  if (!wrong)
    wrong = read_plan(&d, &kinds);
  if (wrong)
    return wrong;
  for (uint32_t i = 0; i < h->count; i += SLICE) {
    uint32_t left = h->count - i;
    if (!decode_slice(&d, kinds.at + i, left < SLICE ? left : SLICE,
                      events + i))
      return "an event is of a kind that is not in the table";
  }
  if (d.beyond)
    return "an event is out of range";
  wrong = check_end(&d);
  if (!wrong)
    *n = (d.seen & ~d.known) ? lti_events_keep(events, h->count, d.known)
                             : h->count;
  return wrong;
}
