/* The set of live tasks.
 *
 * Invariant: ids maps exactly the places whose id is not 0; free_places lists
 * the others below n.  Called by the recorder as it translates events. */
#include "drain/tasks.h"

#include <stdlib.h>

#include "drain/book.h"

#define TASKS_MAX (1u << 18)

void lti_tasks_spawn(struct lti_tasks *t, const struct lti_task *task) {
  uint32_t place;
  if (!task->id || lti_hash_get(&t->ids, task->id))
    return;
  if (t->n_free) {
    place = t->free_places[--t->n_free];
  } else {
    if (t->n >= TASKS_MAX || !lti_book_room((void **)&t->places, t->n,
                                            &t->capacity, sizeof *t->places))
      return;
    place = (uint32_t)t->n++;
  }
  t->places[place] = *task;
  if (!lti_hash_put(&t->ids, task->id, place))
    t->places[place].id = 0; /* the place is wasted, nothing else */
}

void lti_tasks_label(struct lti_tasks *t, uint64_t id, uint64_t label) {
  const uint32_t *place = lti_hash_get(&t->ids, id);
  if (place)
    t->places[*place].label = label;
}

static void forget(struct lti_tasks *t, uint64_t id, uint32_t place) {
  lti_hash_remove(&t->ids, id);
  t->places[place].id = 0;
  if (lti_book_room((void **)&t->free_places, t->n_free, &t->free_capacity,
                    sizeof *t->free_places))
    t->free_places[t->n_free++] = place;
}

void lti_tasks_done(struct lti_tasks *t, uint64_t id) {
  const uint32_t *place = lti_hash_get(&t->ids, id);
  if (place)
    forget(t, id, *place);
  else if (t->n_ended_early < TASKS_MAX &&
           lti_book_room((void **)&t->ended_early, t->n_ended_early,
                         &t->ended_early_capacity, sizeof *t->ended_early))
    t->ended_early[t->n_ended_early++] = id;
}

void lti_tasks_settle(struct lti_tasks *t) {
  for (size_t i = 0; i < t->n_ended_early; i++) {
    const uint32_t *place = lti_hash_get(&t->ids, t->ended_early[i]);
    if (place)
      forget(t, t->ended_early[i], *place);
  }
  t->n_ended_early = 0;
}

void lti_tasks_fini(struct lti_tasks *t) {
  free(t->places);
  free(t->free_places);
  free(t->ended_early);
  lti_hash_clear(&t->ids);
  *t = (struct lti_tasks){0};
}
