/* The text form of report: tables, the most important column first.
 *
 * Invariant: every text that comes from a trace or a path is inert.  Called by
 * cmd_report.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "output/inert.h"
#include "output/report.h"
#include "output/say.h"
#include "output/units.h"

static void heading(FILE *file, const struct model *m, const char *path) {
  char name[4200], comm[64], health[512];
  units_buf length, events;
  fprintf(file, "%s: %s, pid %d, %s, %s events, %s\n",
          inert(path, name, sizeof name),
          inert(m->info->comm, comm, sizeof comm), (int)m->info->pid,
          units_ns(length, model_length_ns(m)),
          units_count(events, m->info->n_events),
          report_health(m->info, health, sizeof health));
}

/* Of the column of loops: names of threads with a descriptor behind them need
 * more than usual. */
static int loop_width(const struct model *m, size_t least) {
  size_t width = least;
  for (size_t i = 0; i < m->n_loops; i++)
    if (strlen(m->loops[i].name) > width)
      width = strlen(m->loops[i].name);
  return width < 32 ? (int)width : 32;
}

static void loops(FILE *file, const struct model *m) {
  units_buf turns, busy, p50, p99, max, late, worst;
  int width = loop_width(m, 16);
  fprintf(file, "\nLoops\n  %-*s %6s %10s %9s %9s %9s  %s\n", width, "loop", "busy",
          "turns", "p50", "p99", "longest", "late timers");
  for (size_t i = 0; i < m->n_loops; i++) {
    const struct model_loop *l = &m->loops[i];
    fprintf(file, "  %-*s %6s %10s %9s %9s %9s  %s", width, l->name,
            units_share(busy, l->busy_ns, l->busy_ns + l->poll_ns),
            units_count(turns, l->turns),
            units_ns(p50, model_histogram_percentile(&l->turn, 50)),
            units_ns(p99, model_histogram_percentile(&l->turn, 99)),
            units_ns(max, l->turn.max_ns),
            l->is_unseen ? "not seen" : units_count(late, l->timers_late));
    if (l->timers_late)
      fprintf(file, " (+%s)", units_ns(worst, l->worst_late_ns));
    putc('\n', file);
  }
  if (m->n_loops == 0)
    fputs("  none ran\n", file);
}

static int longest_first(const void *a, const void *b) {
  const struct model_stall *const *x = a, *const *y = b;
  int64_t p = (*x)->duration_ns, q = (*y)->duration_ns;
  if (p != q)
    return p < q ? 1 : -1;
  return (*x > *y) - (*x < *y);
}

const struct model_stall **report_worst(const struct model *m) {
  const struct model_stall **sorted =
      m->n_stalls ? calloc(m->n_stalls, sizeof(*sorted)) : NULL;
  for (size_t i = 0; sorted && i < m->n_stalls; i++)
    sorted[i] = &m->stalls[i];
  if (sorted)
    qsort(sorted, m->n_stalls, sizeof(*sorted), longest_first);
  return sorted;
}

const char *report_spent(const struct model *m, const struct model_stall *s,
                         char *buf, size_t size) {
  unsigned call = finding_callee(s, NULL, NULL);
  const char *word = model_cause_word(&s->cause);
  if (call)
    return model_callee_name(m, call, buf, size);
  snprintf(buf, size, "%s", strcmp(word, "cpu") == 0 ? "computation" : word);
  return buf;
}

const char *report_what(const struct model *m, const struct model_stall *s,
                        char *buf, size_t size) {
  char name[600], inside[600], place[610] = "";
  uint32_t site = finding_place_inside(m, s);
  const char *open = s->unfinished ? " (did not end)" : "";
  if (site)
    snprintf(place, sizeof place, ", in %s",
             model_site_name(m, site, inside, sizeof inside));
  if (s->kind == MODEL_STALL_SLICE)
    snprintf(buf, size, "%s %s%s%s", lt_task_kind_name(s->slice_kind),
             model_site_name(m, s->site, name, sizeof name), place, open);
  else if (s->kind == MODEL_STALL_TURN && s->is_unseen)
    snprintf(buf, size, "a turn%s%s", site ? place : ", callbacks not seen",
             open);
  else if (s->kind == MODEL_STALL_TURN)
    snprintf(buf, size, "%" PRIu64 " callback%s in one turn%s%s",
             s->n_callbacks, s->n_callbacks == 1 ? "" : "s", place, open);
  else
    snprintf(buf, size, "between two runs of the loop%s%s", place, open);
  return buf;
}

const char *report_made_in(const struct model *m, const struct model_site *row,
                           char *buf, size_t size) {
  char name[600], longest[600];
  uint32_t place =
      row->is_call
          ? finding_place_of_call(m, row->kind, row->site, row->max_ns)
          : 0;
  snprintf(buf, size, "%s%s%s",
           model_site_name(m, row->site, name, sizeof name),
           place ? ", longest in " : "",
           place ? model_site_name(m, place, longest, sizeof longest) : "");
  return buf;
}

static void one_stall(FILE *file, const struct model *m,
                      const struct model_stall *s) {
  units_buf at, took;
  char what[1300], spent[128];
  fprintf(file, "  %9s %11s  %-*s %-14s %s\n", units_ns(took, s->duration_ns),
          units_at(at, s->begin_ns), loop_width(m, 10), m->loops[s->loop].name,
          report_spent(m, s, spent, sizeof spent),
          report_what(m, s, what, sizeof what));
}

static void stalls(FILE *file, const struct model *m, size_t top) {
  units_buf count;
  fprintf(file, "\nWorst stalls, of %s of 50 ms or more\n",
          units_count(count, m->n_stalls));
  const struct model_stall **sorted = report_worst(m);
  if (!sorted)
    return;
  fprintf(file, "  %9s %11s  %-*s %-14s %s\n", "took", "at",
          loop_width(m, 10), "loop", "in", "callback");
  for (size_t i = 0; i < m->n_stalls && i < top; i++)
    one_stall(file, m, sorted[i]);
  free(sorted);
}

static void sites(FILE *file, const struct model *m,
                  const struct report_how *how, bool is_call) {
  units_buf total, self, max, p99, count;
  char name[1300], callee[128];
  size_t n;
  const struct model_site **rows = report_sites(m, is_call, how, &n);
  fprintf(file, "\n%s by %s\n  %9s %9s %9s %9s %9s  %-14s %s\n",
          is_call ? "Blocking calls" : "Callbacks",
          report_sort_words(how->sort), "total", "self", "count", "p99",
          "longest", is_call ? "call" : "kind",
          is_call ? "made in" : "function");
  for (size_t i = 0; i < n; i++) {
    const struct model_site *s = rows[i];
    fprintf(file, "  %9s %9s %9s %9s %9s  %-14s %s\n",
            units_ns(total, s->total_ns), units_ns(self, s->self_ns),
            units_count(count, s->count),
            units_ns(p99, model_histogram_percentile(s->time, 99)),
            units_ns(max, s->max_ns),
            is_call ? model_callee_name(m, s->kind, callee, sizeof callee)
                    : lt_task_kind_name(s->kind),
            report_made_in(m, s, name, sizeof name));
  }
  if (n == 0)
    fputs("  none\n", file);
  free(rows);
}

static void pool(FILE *file, const struct model *m) {
  const struct model_pool *p = &m->pool;
  units_buf count, p50, p99, max, share;
  const struct {
    const char *name;
    const struct model_histogram *time;
  } rows[] = {{"waited for a worker", &p->queue},
              {"worked on", &p->service},
              {"waited for the loop", &p->result}};
  if (p->jobs == 0)
    return;
  fprintf(file,
          "\nThread pool: %s jobs on %u workers, all busy %s of the time\n"
          "  %-20s %9s %9s %9s\n",
          units_count(count, p->jobs), p->workers,
          units_share(share, p->saturated_ns, model_length_ns(m)), "", "p50",
          "p99", "longest");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    fprintf(file, "  %-20s %9s %9s %9s\n", rows[i].name,
            units_ns(p50, model_histogram_percentile(rows[i].time, 50)),
            units_ns(p99, model_histogram_percentile(rows[i].time, 99)),
            units_ns(max, rows[i].time->max_ns));
}

static void notes(FILE *file, const struct model *m) {
  const lt_info *info = m->info;
  units_buf count, least;
  char text[1024];
  fputs("\nNotes\n", file);
  fprintf(file, "  lost events: %s\n", units_count(count, m->n_lost));
  if (info->n_short_calls)
    fprintf(file, "  %s blocking calls shorter than %s are counted only\n",
            units_count(count, info->n_short_calls),
            units_ns(least, (int64_t)info->min_block_ns));
  if (info->untracked)
    fprintf(file, "  %s callbacks could not be followed: there was no "
                  "memory to note them\n",
            units_count(count, info->untracked));
  if (m->n_unmeasured)
    fprintf(file,
            "  %s callbacks are not measured: their begin or end is missing\n",
            units_count(count, m->n_unmeasured));
  for (size_t i = 0; i < m->n_loops; i++)
    if (*say_stops(&m->loops[i], text, sizeof text))
      fprintf(file, "  %s\n", text);
  for (uint32_t i = 0; i < info->n_notes; i++)
    fprintf(file, "  %s\n",
            inert(lt_reader_note(m->reader, i), text, sizeof text));
}

void report_text(FILE *file, const struct model *m,
                 const struct report_how *how) {
  heading(file, m, how->path);
  loops(file, m);
  stalls(file, m, how->top);
  report_by(file, TABLE_TEXT, m, how);
  if (how->group == REPORT_BY_SITE) {
    sites(file, m, how, false);
    sites(file, m, how, true);
  }
  pool(file, m);
  report_more(file, TABLE_TEXT, m, how);
  notes(file, m);
}
