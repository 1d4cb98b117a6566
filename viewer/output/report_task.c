/* What `report` says of tasks: one task's critical path, and of all of them
 * which waits could have been one, and what is alive at the end.
 *
 * Invariant: every text that comes from a trace is inert.  Called by
 * cmd_report.c and the forms of report. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/inert.h"
#include "output/place.h"
#include "output/report.h"
#include "output/units.h"

/* "#12 GET /export", or with its function where it has no label. */
static const char *name_of(const struct model *m, uint64_t id, uint64_t label,
                           uint32_t kind, uint32_t site, char *buf,
                           size_t size) {
  char text[300];
  const char *said = label ? lt_reader_string(m->reader, label) : NULL;
  if (said && *said)
    snprintf(buf, size, "#%" PRIu64 " %s", id, inert(said, text, sizeof text));
  else
    snprintf(buf, size, "#%" PRIu64 " %s %s", id, lt_task_kind_name(kind),
             model_site_short(m, site, text, sizeof text));
  return buf;
}

static const char *step_name(const struct model *m, const struct path_step *s,
                             char *buf, size_t size) {
  return name_of(m, s->task, s->label, s->kind, s->site, buf, size);
}

static void heading(FILE *file, const struct model *m, const struct path *p) {
  char text[600], site[600], made[600];
  units_buf from, to, took;
  const char *label = p->label ? lt_reader_string(m->reader, p->label) : NULL;
  fprintf(file, "Task #%" PRIu64, p->task);
  if (label && *label)
    fprintf(file, " %s:", inert(label, text, sizeof text));
  fprintf(file, " %s %s", lt_task_kind_name(p->kind),
          model_site_name(m, p->site, site, sizeof site));
  if (p->spawn_site)
    fprintf(file, ", made in %s",
            model_site_name(m, p->spawn_site, made, sizeof made));
  fprintf(file, "\n%s from %s to %s%s", units_ns(took, p->end_ns - p->spawn_ns),
          units_at(from, p->spawn_ns), units_at(to, p->end_ns),
          p->is_spawned ? "" : "; its begin is not in the trace");
  if (p->is_done)
    fprintf(file, ", done with status %" PRId64 "\n", p->status);
  else
    fputs(", not done when the trace ends\n", file);
}

static void totals(FILE *file, const struct path *p) {
  units_buf took, share;
  int64_t whole = p->end_ns - p->spawn_ns;
  fputs("\nWhere its time went\n", file);
  for (int i = 0; i < PATH_STATES; i++)
    if (p->total_ns[i])
      fprintf(file, "  %-22s %10s  %5s\n", path_state_text((enum path_state)i),
              units_ns(took, p->total_ns[i]),
              units_share(share, p->total_ns[i], whole));
}

/* Everything that it waited behind while it was ready, most first. */
struct behind {
  uint32_t kind, site;
  uint64_t n;
  int64_t ns;
};

static int most_first(const void *a, const void *b) {
  const struct behind *x = a, *y = b;
  if (x->ns != y->ns)
    return x->ns < y->ns ? 1 : -1;
  return (x->site > y->site) - (x->site < y->site);
}

static size_t collect(const struct path *p, struct behind *all, size_t max) {
  size_t n = 0;
  for (size_t i = 0; i < p->n_steps; i++) {
    const struct path_step *s = &p->steps[i];
    size_t k = 0;
    if (s->state != PATH_READY || s->behind_ns == 0)
      continue;
    while (k < n &&
           (all[k].site != s->behind_site || all[k].kind != s->behind_kind))
      k++;
    if (k == max)
      continue;
    if (k == n)
      all[n++] =
          (struct behind){.kind = s->behind_kind, .site = s->behind_site};
    all[k].n++;
    all[k].ns += s->behind_ns;
  }
  qsort(all, n, sizeof *all, most_first);
  return n;
}

static void waited_behind(FILE *file, const struct model *m,
                          const struct path *p, size_t top) {
  struct behind all[256];
  char name[600];
  units_buf took, count;
  size_t n = collect(p, all, 256);
  if (n == 0)
    return;
  fputs("\nReady, behind\n", file);
  for (size_t i = 0; i < n && i < top; i++)
    fprintf(file, "  %10s  %6sx  %s %s\n", units_ns(took, all[i].ns),
            units_count(count, all[i].n), lt_task_kind_name(all[i].kind),
            model_site_name(m, all[i].site, name, sizeof name));
}

static void one_step(FILE *file, const struct model *m,
                     const struct path_step *s) {
  char name[600], other[600];
  units_buf at, took, part;
  fprintf(file, "  %11s %10s  %-22s %*s%s", units_at(at, s->begin_ns),
          units_ns(took, s->end_ns - s->begin_ns), path_state_text(s->state),
          (int)(s->depth < 8 ? s->depth : 8), "",
          step_name(m, s, name, sizeof name));
  if (s->state == PATH_RUN && s->blocked_ns)
    fprintf(file, ", %s in blocking calls", units_ns(part, s->blocked_ns));
  if (s->state == PATH_READY && s->behind_ns)
    fprintf(file, ", %s behind #%" PRIu64 " %s", units_ns(part, s->behind_ns),
            s->behind, model_site_name(m, s->behind_site, other, sizeof other));
  if (s->state == PATH_WAIT)
    fprintf(file, ", for #%" PRIu64 " %s", s->behind,
            model_site_short(m, s->behind_site, other, sizeof other));
  putc('\n', file);
}

static int longest_first(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return (*x < *y) - (*x > *y);
}

/* So that at most top steps are as long. */
static int64_t least_of(const struct path *p, size_t top) {
  int64_t *all = calloc(p->n_steps ? p->n_steps : 1, sizeof *all);
  int64_t least = 0;
  if (!all || p->n_steps <= top) {
    free(all);
    return 0;
  }
  for (size_t i = 0; i < p->n_steps; i++)
    all[i] = p->steps[i].end_ns - p->steps[i].begin_ns;
  qsort(all, p->n_steps, sizeof *all, longest_first);
  least = all[top] + 1;
  free(all);
  return least;
}

void report_task_text(FILE *file, const struct model *m, const struct path *p,
                      size_t top) {
  int64_t least = least_of(p, top), rest = 0;
  uint64_t n_rest = 0;
  units_buf took, count;
  heading(file, m, p);
  totals(file, p);
  waited_behind(file, m, p, top);
  fprintf(file,
          "\nCritical path: what it did, or what it waited for\n"
          "  %11s %10s\n",
          "at", "took");
  for (size_t i = 0; i < p->n_steps; i++) {
    int64_t ns = p->steps[i].end_ns - p->steps[i].begin_ns;
    if (ns >= least) {
      one_step(file, m, &p->steps[i]);
    } else {
      n_rest++;
      rest += ns;
    }
  }
  if (n_rest)
    fprintf(file, "  and %s shorter steps, %s in all (--top N shows more)\n",
            units_count(count, n_rest), units_ns(took, rest));
  if (p->n_dropped)
    fprintf(file,
            "  %s steps were too many to keep: others are longer for "
            "it\n",
            units_count(count, p->n_dropped));
}

static void step_json(struct json *json, const struct model *m,
                      const struct path_step *s) {
  json_object(json, NULL);
  json_text(json, "state", path_state_word(s->state));
  json_int(json, "start_ns", s->begin_ns);
  json_int(json, "duration_ns", s->end_ns - s->begin_ns);
  json_uint(json, "task", s->task);
  json_uint(json, "depth", s->depth);
  json_text(json, "kind", lt_task_kind_name(s->kind));
  json_text(json, "label",
            s->label ? lt_reader_string(m->reader, s->label) : NULL);
  place_json(json, "site", m, s->site);
  json_int(json, "blocked_ns", s->blocked_ns);
  if (s->behind) {
    json_object(json, "behind");
    json_uint(json, "task", s->behind);
    json_text(json, "kind", lt_task_kind_name(s->behind_kind));
    place_json(json, "site", m, s->behind_site);
    json_int(json, "duration_ns", s->behind_ns);
    json_object_end(json);
  }
  json_object_end(json);
}

void report_task_json(FILE *file, const struct model *m, const struct path *p,
                      const char *path) {
  struct json json;
  json_init(&json, file);
  json_object(&json, NULL);
  json_text(&json, "schema", "looptrace.task/1");
  trace_json(&json, "trace", path, m->info);
  json_uint(&json, "task", p->task);
  json_text(&json, "kind", lt_task_kind_name(p->kind));
  json_text(&json, "label",
            p->label ? lt_reader_string(m->reader, p->label) : NULL);
  place_json(&json, "site", m, p->site);
  place_json(&json, "made_at", m, p->spawn_site);
  json_int(&json, "start_ns", p->spawn_ns);
  json_int(&json, "duration_ns", p->end_ns - p->spawn_ns);
  json_bool(&json, "begin_seen", p->is_spawned);
  json_bool(&json, "done", p->is_done);
  json_int(&json, "status", p->status);
  json_object(&json, "total_ns");
  for (int i = 0; i < PATH_STATES; i++)
    json_int(&json, path_state_word((enum path_state)i), p->total_ns[i]);
  json_object_end(&json);
  json_array(&json, "steps");
  for (size_t i = 0; i < p->n_steps; i++)
    step_json(&json, m, &p->steps[i]);
  json_array_end(&json);
  json_uint(&json, "dropped", p->n_dropped);
  json_object_end(&json);
}

/* All tasks */

void report_tasks_json(struct json *json, const struct model *m, size_t top) {
  json_array(json, "gatherable");
  for (size_t i = 0; i < m->n_gathers && i < top; i++) {
    const struct model_gather *g = &m->gathers[i];
    json_object(json, NULL);
    place_json(json, "site", m, g->site);
    json_uint(json, "times", g->times);
    json_int(json, "saved_ns", g->saved_ns);
    json_uint(json, "task", g->task);
    json_int(json, "start_ns", g->begin_ns);
    json_int(json, "duration_ns", g->end_ns - g->begin_ns);
    json_uint(json, "awaited", g->n);
    json_int(json, "most_saved_ns", g->worst_saved_ns);
    json_array(json, "made_at");
    for (size_t k = 0; k < g->n_sites; k++)
      place_json(json, NULL, m, g->sites[k]);
    json_array_end(json);
    json_object_end(json);
  }
  json_array_end(json);
  json_array(json, "alive");
  for (size_t i = 0; i < m->n_lives && i < top && m->lives[i].alive; i++) {
    const struct model_live *l = &m->lives[i];
    json_object(json, NULL);
    json_text(json, "kind", lt_task_kind_name(l->kind));
    place_json(json, "site", m, l->site);
    place_json(json, "made_at", m, l->spawn_site);
    json_uint(json, "alive", l->alive);
    json_uint(json, "made", l->made);
    json_int(json, "oldest_ns", l->oldest_ns);
    json_object_end(json);
  }
  json_array_end(json);
}
