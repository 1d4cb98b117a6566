/* What the events say about tasks at a moment of the replay: how many live,
 * which run, which could run, which timers are late.
 *
 * Invariant: computed anew from the events at hand, from the oldest to the
 * cursor; where these do not reach back to the beginning, counts are lower
 * bounds and is_whole says so.  Called by view_replay.c. */
#include <stdlib.h>

#include "tui/app.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct known {
  uint64_t id;
  int64_t due_ns; /* -1: waits for no time */
  bool is_ready;
  uint32_t n_running; /* slices of it that are open */
  UT_hash_handle hh;
};

static struct known *get(struct known **all, uint64_t id) {
  struct known *k;
  HASH_FIND(hh, *all, &id, sizeof id, k);
  if (k || id == 0)
    return k;
  k = calloc(1, sizeof *k);
  if (!k)
    return NULL;
  k->id = id;
  k->due_ns = -1;
  HASH_ADD(hh, *all, id, sizeof k->id, k);
  if (!k->hh.tbl) {
    free(k);
    return NULL;
  }
  return k;
}

static void take(struct known **all, const lt_event *e) {
  struct known *k;
  if (e->kind == LT_DONE) {
    HASH_FIND(hh, *all, &e->ref, sizeof e->ref, k);
    if (k) {
      HASH_DEL(*all, k);
      free(k);
    }
    return;
  }
  if (e->kind != LT_SPAWN && e->kind != LT_ARM && e->kind != LT_READY &&
      e->kind != LT_RESUME && e->kind != LT_AWAIT && e->kind != LT_POOL_END)
    return;
  k = get(all, e->ref);
  if (!k)
    return;
  switch (e->kind) {
  case LT_ARM:
    k->due_ns =
        e->b && e->b < INT64_MAX / 2 ? e->time_ns + (int64_t)(e->b - 1) : -1;
    break;
  case LT_READY:
  case LT_POOL_END:
    k->is_ready = true;
    break;
  case LT_RESUME:
    k->is_ready = false;
    k->due_ns = -1;
    k->n_running++;
    break;
  case LT_AWAIT:
    k->n_running -= k->n_running > 0;
    break;
  default:
    break;
  }
}

void replay_moment(struct app *app, struct moment *moment) {
  const struct replay *r = &app->replay;
  struct known *all = NULL, *k, *next;
  size_t n = replay_position(app);
  *moment = (struct moment){.is_whole = r->from == 0};
  for (size_t i = 0; i < n; i++)
    take(&all, &r->events[i]);
  HASH_ITER(hh, all, k, next) {
    int64_t late_ns = k->due_ns >= 0 ? app->cursor_ns - k->due_ns : -1;
    moment->n_live++;
    moment->n_running += k->n_running > 0;
    if (late_ns >= 1000000 && !k->n_running) {
      moment->n_late++;
      if (moment->worst_late_ns < late_ns)
        moment->worst_late_ns = late_ns;
    }
    moment->n_ready += !k->n_running && (k->is_ready || late_ns >= 0);
    HASH_DEL(all, k);
    free(k);
  }
}
