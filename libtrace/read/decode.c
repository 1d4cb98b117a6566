/* Decode an EVENTS block: doc/format.md, "Events".
 *
 * Invariant: each column is read through a cursor of its own, which cannot
 * leave it; what is wrong anywhere sets a flag that is looked at once, at the
 * end, so that the loop over the events has no error paths.  Called by merge.c
 * for each block, and by opens.c. */
#include "read/decode.h"

#include <string.h>

#include "format/bytes.h"
#include "format/columns.h"

enum { REF, X, A, B, N_COLUMNS };

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
  bool is_known;
};

struct decoder {
  const struct lti_block_header *head;
  struct lti_in in;
  uint8_t n_kinds;
  uint8_t kinds[LT_KIND_LIMIT];     /* in the order of the block */
  struct plan plans[LT_KIND_LIMIT]; /* by kind */
};

const char *lti_events_refused(const struct lti_block_header *h) {
  /* Brackets, table of kinds, and for each event a kind and five numbers. */
  const uint64_t fixed = 10 + LTI_BRACKETS_MAX * 50 + 10 + LT_KIND_LIMIT * 63;
  if (h->count < 1 || h->count > LTI_BLOCK_EVENTS_MAX)
    return "number of events is out of range";
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
  p->is_known = lt_kind_lookup(kind) != NULL;
  p->left = lti_in_varint(&d->in);
  p->times_bytes = lti_in_varint(&d->in);
  for (int c = 0; c < N_COLUMNS; c++) {
    p->sizes[c] = codecs[c] ? lti_in_varint(&d->in) : 0;
    p->columns[c].codec = codecs[c] <= LT_CODEC_TEXT ? codecs[c] : 0;
    p->columns[c].state.previous = 0;
  }
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

static inline uint64_t value(struct column *c,
                             const struct lti_brackets *open) {
  if (c->codec == LT_CODEC_NONE)
    return 0;
  uint64_t stored = number(&c->in);
  uint64_t task =
      c->codec == LT_CODEC_OPEN && !stored ? lti_brackets_task(open) : 0;
  return lti_column_decode(&c->state, c->codec, stored, task);
}

/* Is every column used up, no more and no less?  kinds: those that came. */
static const char *check_end(const struct decoder *d, uint64_t kinds) {
  for (uint8_t i = 0; i < d->n_kinds; i++) {
    const struct plan *p = &d->plans[d->kinds[i]];
    bool bad = p->left || p->times.bad || lti_in_left(&p->times);
    for (int c = 0; c < N_COLUMNS; c++)
      if (p->columns[c].codec)
        bad |= p->columns[c].in.bad || lti_in_left(&p->columns[c].in);
    if (bad)
      return "a column has more or fewer values than there are events";
  }
  if (kinds != d->head->kinds)
    return "the kinds in the header are not those in the payload";
  return NULL;
}

const char *lti_events_decode(const struct lti_block_header *h,
                              const uint8_t *payload,
                              struct lti_record *records, uint32_t *n,
                              struct lti_brackets *open) {
  struct decoder d = {.head = h, .in = lti_in_of(payload, h->raw_bytes)};
  struct lti_in kinds;
  const char *wrong = read_opens(h, &d.in, open);
  if (!wrong)
    wrong = read_plan(&d, &kinds);
  if (wrong)
    return wrong;
  struct lti_record *out = records;
  int64_t time = h->first_ns;
  uint64_t left_ns = (uint64_t)(h->last_ns - h->first_ns);
  uint64_t seen = 0, beyond = 0;
  for (const uint8_t *k = kinds.at; k < kinds.end; k++) {
    unsigned kind = *k & (LT_KIND_LIMIT - 1);
    struct plan *p = &d.plans[kind];
    beyond |= *k >> 6;
    if (p->left-- == 0) /* nor would it have columns */
      return "an event is of a kind that is not in the table";
    uint64_t delta = number(&p->times);
    beyond |= delta > left_ns;
    left_ns -= delta;
    time = (int64_t)((uint64_t)time + delta);
    uint64_t ref = value(&p->columns[REF], open);
    uint64_t x = value(&p->columns[X], open);
    out->a = value(&p->columns[A], open);
    out->b = value(&p->columns[B], open);
    beyond |= ref >> 40 | x >> 16;
    out->clock = (uint64_t)time;
    out->head = LTI_HEAD(kind, x, ref);
    lti_brackets_apply(open, time, kind, (uint16_t)x, ref, out->a);
    seen |= UINT64_C(1) << kind;
    out += p->is_known;
  }
  if (beyond)
    return "an event is out of range";
  *n = (uint32_t)(out - records);
  return check_end(&d, seen);
}
