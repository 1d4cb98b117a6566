/* What is known about tasks at a moment of the replay: how many live, which
 * run, which could run, which timers are late; of all loops or of one.
 *
 * Invariant: a function of the window and the cursor; where the window does not
 * reach back to the beginning, tasks that had no event in it are not counted,
 * and is_whole says so.  Called by view_replay.c. */
#include "tui/app.h"

static size_t covering(const struct track *t, int64_t at_ns, int64_t *first) {
  size_t n = 0;
  for (size_t i = track_first(t, at_ns); i < t->n; i++) {
    const struct model_span *s = &t->spans[i];
    if (s->begin_ns > at_ns && t->key.what == LT_RESUME)
      break;
    if (s->begin_ns > at_ns || s->end_ns <= at_ns)
      continue;
    if (s->begin_ns < *first)
      *first = s->begin_ns;
    n++;
  }
  return n;
}

void replay_moment(struct app *app, size_t loop, struct moment *moment) {
  const struct window *w = app->lanes.near;
  const struct model *m = app->model;
  size_t at = replay_position(app);
  int64_t oldest = INT64_MAX, any = INT64_MAX;
  *moment = (struct moment){.is_whole = w && w->from == 0};
  for (size_t i = 0; w && !w->is_in_bins && i < w->n_tracks; i++) {
    const struct track *t = w->tracks[i];
    if (loop < m->n_loops && (t->key.loop != m->loops[loop].id ||
                              t->key.thread != m->loops[loop].thread))
      continue;
    if (t->key.what == LT_RESUME)
      moment->n_running += covering(t, app->cursor_ns, &any);
    else if (t->key.what == WINDOW_WAIT)
      moment->n_ready += covering(t, app->cursor_ns, &any);
    else if (t->key.what == WINDOW_LATE)
      moment->n_late += covering(t, app->cursor_ns, &oldest);
    else if (t->key.what == WINDOW_QUEUED)
      moment->n_queued += covering(t, app->cursor_ns, &any);
  }
  if (moment->n_late)
    moment->worst_late_ns = app->cursor_ns - oldest;
  if (w && !w->is_in_bins && at > 0)
    moment->n_live = w->live[at - 1];
}
