/* The summary in a file's index: doc/format.md, "Summary".
 *
 * Invariant: what is given out has been checked in full: bins add up to their
 * lane, stalls are in order and none is longer than the lane's longest turn.
 * One that contradicts itself is as good as none.  Called by the viewer for its
 * first picture. */
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "read/state.h"

struct lti_summary_read {
  lt_summary summary;
  lt_lane *lanes;
  lt_lane_bin *bins;
  lt_lane_stall *stalls;
  size_t n_stalls;
};

void lti_summary_read_free(struct lti_summary_read *s) {
  if (!s)
    return;
  free(s->lanes);
  free(s->bins);
  free(s->stalls);
  free(s);
}

/* A number up to a limit; bad where it is larger. */
static uint64_t number(struct lti_in *in, uint64_t limit) {
  uint64_t n = lti_in_varint(in);
  in->bad |= n > limit;
  return in->bad ? 0 : n;
}

#define NS_MAX (UINT64_C(1) << 61)

static lt_lane_stall read_stall(struct lti_in *in) {
  lt_lane_stall s = {.begin_ns = lti_in_zigzag(in)};
  s.duration_ns = (int64_t)number(in, NS_MAX);
  s.unfinished = number(in, 1) != 0;
  s.slice_ns = (int64_t)number(in, (uint64_t)s.duration_ns);
  s.task = number(in, (UINT64_C(1) << 40) - 1);
  s.slice_kind = (uint32_t)number(in, UINT16_MAX);
  s.site = (uint32_t)number(in, UINT32_MAX);
  return s;
}

/* Longest first; of equal ones the earlier. */
static bool is_after(const lt_lane_stall *s, const lt_lane_stall *previous) {
  return s->duration_ns != previous->duration_ns
             ? s->duration_ns < previous->duration_ns
             : s->begin_ns > previous->begin_ns;
}

static void read_stalls(struct lti_summary_read *s, lt_lane *lane,
                        struct lti_in *in) {
  lane->n_stalls_all = number(in, lane->count);
  lane->n_stalls = (uint32_t)number(in, LTI_SUMMARY_STALLS);
  lane->stalls = s->stalls + s->n_stalls;
  bool is_long = lane->longest_ns >= s->summary.warn_ns;
  if (lane->n_stalls > lane->n_stalls_all ||
      (lane->n_stalls > 0) != (is_long && !lane->is_pool) ||
      (lane->n_stalls_all > lane->n_stalls &&
       lane->n_stalls < LTI_SUMMARY_STALLS))
    in->bad = true;
  for (uint32_t i = 0; i < lane->n_stalls && !in->bad; i++) {
    lt_lane_stall *to = &s->stalls[s->n_stalls++];
    *to = read_stall(in);
    if (i == 0 ? to->duration_ns != lane->longest_ns : !is_after(to, to - 1))
      in->bad = true;
    if (to->duration_ns < s->summary.warn_ns)
      in->bad = true;
  }
}

static void read_bins(const struct lti_summary_read *s, const lt_lane *lane,
                      lt_lane_bin *bins, struct lti_in *in) {
  const lt_summary *sum = &s->summary;
  uint64_t n = number(in, sum->n_bins), at = 0;
  int64_t busy = 0, longest = 0;
  uint64_t count = 0;
  for (; n && !in->bad; n--) {
    at += number(in, sum->n_bins);
    if (at >= sum->n_bins) {
      in->bad = true;
      return;
    }
    lt_lane_bin *bin = &bins[at++];
    bin->busy_ns = (int64_t)number(in, (uint64_t)sum->bin_ns);
    bin->longest_ns = (int64_t)number(in, NS_MAX);
    bin->count = (uint32_t)number(in, UINT32_MAX);
    busy += bin->busy_ns;
    count += bin->count;
    longest = bin->longest_ns > longest ? bin->longest_ns : longest;
  }
  /* What was before time 0 is in the lane's sum only. */
  if (busy > lane->busy_ns || count != lane->count ||
      longest != lane->longest_ns)
    in->bad = true;
}

static void raise_levels(const lt_summary *sum, lt_lane *lane,
                         lt_lane_bin *bins) {
  lane->level[0] = bins;
  uint32_t n = sum->n_bins;
  for (uint32_t k = 1; k < sum->n_levels; k++, n /= 2) {
    for (uint32_t i = 0; i < n / 2; i++) {
      const lt_lane_bin *a = &bins[2 * i], *b = a + 1;
      bins[n + i] = (lt_lane_bin){a->busy_ns + b->busy_ns,
                                  a->longest_ns > b->longest_ns ? a->longest_ns
                                                                : b->longest_ns,
                                  a->count + b->count};
    }
    bins += n;
    lane->level[k] = bins;
  }
}

static void read_lane(struct lti_summary_read *s, uint32_t i,
                      struct lti_in *in) {
  lt_lane *lane = &s->lanes[i];
  lt_lane_bin *bins = s->bins + (size_t)i * 2 * s->summary.n_bins;
  lane->is_pool = number(in, 1) != 0;
  lane->loop = (uint32_t)number(in, lane->is_pool ? 0 : UINT16_MAX);
  lane->thread = (uint32_t)number(in, UINT32_MAX);
  lane->busy_ns = (int64_t)number(in, NS_MAX);
  lane->longest_ns = (int64_t)number(in, (uint64_t)lane->busy_ns);
  lane->count = number(in, UINT64_MAX);
  read_bins(s, lane, bins, in);
  if (!in->bad)
    read_stalls(s, lane, in);
  if (!in->bad)
    raise_levels(&s->summary, lane, bins);
}

/* What stands in front of the lanes; the room for them. */
static bool read_head(struct lti_summary_read *s, struct lti_in *in) {
  lt_summary *sum = &s->summary;
  uint64_t shift = number(in, LTI_SUMMARY_SHIFT_MAX);
  sum->bin_ns = INT64_C(1) << shift;
  sum->n_bins = (uint32_t)number(in, LTI_SUMMARY_BINS);
  sum->warn_ns = (int64_t)number(in, NS_MAX);
  sum->n_lanes_left_out = (uint32_t)number(in, UINT32_MAX);
  sum->n_lanes = (uint32_t)number(in, LTI_SUMMARY_LANES);
  if (in->bad || !sum->n_bins || (sum->n_bins & (sum->n_bins - 1)))
    return false;
  sum->n_levels = 1 + (uint32_t)__builtin_ctz(sum->n_bins);
  size_t n = sum->n_lanes ? sum->n_lanes : 1;
  s->lanes = calloc(n, sizeof *s->lanes);
  s->bins = calloc(n * 2 * sum->n_bins, sizeof *s->bins);
  s->stalls = calloc(n * LTI_SUMMARY_STALLS, sizeof *s->stalls);
  sum->lanes = s->lanes;
  return true;
}

/* Errors: NOT_FOUND where it contradicts itself, NOMEM. */
static lt_status read_summary(struct lti_summary_read *s,
                              const struct lti_block *block,
                              const uint8_t *payload) {
  struct lti_in in = lti_in_of(payload, block->head.raw_bytes);
  if (!read_head(s, &in))
    return LT_NOT_FOUND;
  if (!s->lanes || !s->bins || !s->stalls)
    return LT_NOMEM;
  for (uint32_t i = 0; i < s->summary.n_lanes && !in.bad; i++)
    read_lane(s, i, &in);
  return in.bad ? LT_NOT_FOUND : LT_OK;
}

lt_status lt_reader_summary(lt_reader *r, const lt_summary **summary) {
  const struct lti_block *block = &r->sections[LTI_INDEX_SUMMARY];
  const uint8_t *payload;
  const char *wrong;
  if (!r->summary) {
    if (!block->at)
      return LT_NOT_FOUND;
    lt_status status = lti_source_payload(&r->source, block, &payload, &wrong);
    struct lti_summary_read *made = NULL;
    if (status == LT_OK) {
      made = calloc(1, sizeof *made);
      status = made ? read_summary(made, block, payload) : LT_NOMEM;
    }
    if (status != LT_OK) {
      lti_summary_read_free(made);
      return status == LT_CORRUPT ? LT_NOT_FOUND : status;
    }
    r->summary = made;
  }
  *summary = &r->summary->summary;
  return LT_OK;
}
