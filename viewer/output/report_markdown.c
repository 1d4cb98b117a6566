/* The Markdown form of report: for a comment on a change, or a job's summary.
 *
 * Invariant: a text from a trace cannot leave its cell.  Called by
 * cmd_report.c.
 */
#include <stdlib.h>

#include "output/inert.h"
#include "output/markdown.h"
#include "output/report.h"
#include "output/units.h"

static void loops(FILE *file, const struct model *m) {
  units_buf busy, turns, p99, max, late;
  fputs("\n| loop | busy | turns | p99 | longest | late timers |\n"
        "|---|--:|--:|--:|--:|--:|\n",
        file);
  for (size_t i = 0; i < m->n_loops; i++) {
    const struct model_loop *l = &m->loops[i];
    fputs("| ", file);
    markdown_text(file, l->name);
    fprintf(file, " | %s | %s | %s | %s | %s |\n",
            units_share(busy, l->busy_ns, l->busy_ns + l->poll_ns),
            units_count(turns, l->turns),
            units_ns(p99, model_histogram_percentile(&l->turn, 99)),
            units_ns(max, l->turn.max_ns),
            l->is_unseen ? "not seen" : units_count(late, l->timers_late));
  }
}

static void stalls(FILE *file, const struct model *m, size_t top) {
  const struct model_stall **sorted = report_worst(m);
  units_buf took, at;
  char text[1300];
  if (!sorted) {
    fputs("\nNo stall of 50 ms or more.\n", file);
    return;
  }
  fputs("\n| took | at | loop | in | callback |\n|--:|--:|---|---|---|\n",
        file);
  for (size_t i = 0; i < m->n_stalls && i < top; i++) {
    fprintf(file, "| %s | %s | ", units_ns(took, sorted[i]->duration_ns),
            units_at(at, sorted[i]->begin_ns));
    markdown_text(file, m->loops[sorted[i]->loop].name);
    fputs(" | ", file);
    markdown_text(file, report_spent(m, sorted[i], text, sizeof text));
    fputs(" | ", file);
    markdown_text(file, report_what(m, sorted[i], text, sizeof text));
    fputs(" |\n", file);
  }
  if (m->n_stalls > top)
    fprintf(file, "\n... and %zu more.\n", m->n_stalls - top);
  free(sorted);
}

static void sites(FILE *file, const struct model *m,
                  const struct report_how *how, bool is_call) {
  units_buf total, count, p99, max;
  char text[1300];
  size_t n;
  const struct model_site **rows = report_sites(m, is_call, how, &n);
  for (size_t i = 0; i < n; i++) {
    const struct model_site *s = rows[i];
    if (i == 0)
      fprintf(file,
              "\n| %s | in | total | count | p99 | longest |\n"
              "|---|---|--:|--:|--:|--:|\n",
              is_call ? "blocking call" : "callback");
    fputs("| ", file);
    markdown_text(file, is_call
                            ? model_callee_name(m, s->kind, text, sizeof text)
                            : lt_task_kind_name(s->kind));
    fputs(" | ", file);
    markdown_text(file, report_made_in(m, s, text, sizeof text));
    fprintf(file, " | %s | %s | %s | %s |\n", units_ns(total, s->total_ns),
            units_count(count, s->count),
            units_ns(p99, model_histogram_percentile(s->time, 99)),
            units_ns(max, s->max_ns));
  }
  free(rows);
}

void report_markdown(FILE *file, const struct model *m,
                     const struct report_how *how) {
  char text[4200];
  units_buf length, events;
  fputs("### ", file);
  markdown_text(file, inert(how->path, text, sizeof text));
  fprintf(file, "\n\n%s, %s events, ", units_ns(length, model_length_ns(m)),
          units_count(events, m->info->n_events));
  markdown_text(file, report_health(m->info, text, sizeof text));
  fputs("\n", file);
  loops(file, m);
  stalls(file, m, how->top);
  report_by(file, TABLE_MARKDOWN, m, how);
  if (how->group == REPORT_BY_SITE) {
    sites(file, m, how, false);
    sites(file, m, how, true);
  }
  report_more(file, TABLE_MARKDOWN, m, how);
}
