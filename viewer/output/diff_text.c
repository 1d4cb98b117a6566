/* The text and Markdown forms of diff: one row a site, the verdict at its end.
 *
 * Invariant: every text that comes from a trace or a path is inert.  Called by
 * cmd_diff.c. */
#include "output/diff.h"

#include <string.h>

#include "output/inert.h"
#include "output/markdown.h"
#include "output/units.h"

static const char *unit_text(enum diff_unit unit) {
  return unit == DIFF_PER_1000     ? "per 1000 callbacks"
         : unit == DIFF_PER_SECOND ? "per second"
                                   : "in all";
}

typedef char cell[48];

static const char *verdict(cell buf, const struct diff_row *r) {
  if (r->verdict == DIFF_SLOWER || r->verdict == DIFF_FASTER)
    snprintf(buf, sizeof(cell), "x%.2f %s%s", r->ratio,
             diff_verdict_name(r->verdict), r->is_tail ? " at p99" : "");
  else
    snprintf(buf, sizeof(cell), "%s", diff_verdict_name(r->verdict));
  return buf;
}

static const char *count(cell buf, const struct diff_side *side) {
  snprintf(buf, sizeof(cell), side->count_per < 10 ? "%.1f" : "%.0f",
           side->count_per);
  return buf;
}

static const char *at(units_buf buf, const struct diff_side *side, double p) {
  if (side->count == 0)
    snprintf(buf, sizeof(units_buf), "-");
  else
    units_ns(buf, model_histogram_percentile(&side->time, p));
  return buf;
}

static void row(FILE *file, const struct diff_row *r) {
  cell a, b, word;
  units_buf p50a, p50b, p99a, p99b;
  fprintf(file, "  %7s %7s %9s %9s %9s %9s  %-18s %s%s%s\n", count(a, &r->a),
          count(b, &r->b), at(p50a, &r->a, 50), at(p50b, &r->b, 50),
          at(p99a, &r->a, 99), at(p99b, &r->b, 99), verdict(word, r), r->kind,
          r->is_call ? " in " : " ", r->name);
}

static void heading(FILE *file, const char *letter, const struct model *m,
                    const char *path) {
  char name[4200];
  units_buf length, callbacks;
  fprintf(file, "%s  %s: %s, %s callbacks%s\n", letter,
          inert(path, name, sizeof name), units_ns(length, model_length_ns(m)),
          units_count(callbacks, m->n_slices),
          m->info->complete && m->n_lost == 0 ? "" : ", incomplete");
}

static const struct model_loop *same_loop(const struct model *m,
                                          const char *name) {
  for (size_t i = 0; i < m->n_loops; i++)
    if (strcmp(m->loops[i].name, name) == 0)
      return &m->loops[i];
  return NULL;
}

static void loops(FILE *file, const struct diff_page *page) {
  units_buf sa, sb, pa, pb, ma, mb, ba, bb;
  for (size_t i = 0; i < page->b->n_loops; i++) {
    const struct model_loop *b = &page->b->loops[i];
    const struct model_loop *a = same_loop(page->a, b->name);
    if (!a)
      continue;
    fprintf(file,
            "loop %s: busy %s -> %s, p99 turn %s -> %s, longest %s -> %s, "
            "blocked %s -> %s\n",
            b->name, units_share(sa, a->busy_ns, a->busy_ns + a->poll_ns),
            units_share(sb, b->busy_ns, b->busy_ns + b->poll_ns),
            units_ns(pa, model_histogram_percentile(&a->turn, 99)),
            units_ns(pb, model_histogram_percentile(&b->turn, 99)),
            units_ns(ma, a->turn.max_ns), units_ns(mb, b->turn.max_ns),
            units_ns(ba, a->blocked_ns), units_ns(bb, b->blocked_ns));
  }
}

static void last_line(FILE *file, const struct diff_page *page) {
  size_t n = page->diff->n_regressions;
  if (n)
    fprintf(file,
            "REGRESSION  %zu of %zu places got slower or are new stalls\n", n,
            page->diff->n_rows);
  else
    fprintf(file, "ok  none of %zu places got slower by %.0f %%\n",
            page->diff->n_rows, page->options->threshold * 100);
}

void diff_text(FILE *file, const struct diff_page *page) {
  heading(file, "A", page->a, page->a_path);
  heading(file, "B", page->b, page->b_path);
  fprintf(file, "\nTime of a callback or call; count %s\n",
          unit_text(page->options->unit));
  fprintf(file, "  %7s %7s %9s %9s %9s %9s  %-18s %s\n", "count A", "B",
          "p50 A", "B", "p99 A", "B", "verdict", "what");
  size_t n = page->diff->n_rows;
  for (size_t i = 0; i < n && i < page->top; i++)
    row(file, &page->diff->rows[i]);
  if (n > page->top)
    fprintf(file, "  ... and %zu more; --top shows them\n", n - page->top);
  putc('\n', file);
  loops(file, page);
  last_line(file, page);
}

void diff_markdown(FILE *file, const struct diff_page *page) {
  cell a, b, word;
  units_buf p50a, p50b, p99a, p99b;
  char name[4200];
  fputs("### looptrace diff\n\nA ", file);
  markdown_text(file, inert(page->a_path, name, sizeof name));
  fputs(", B ", file);
  markdown_text(file, inert(page->b_path, name, sizeof name));
  fprintf(file,
          "; count %s\n\n| what | verdict | count A | B | p50 A | B | p99 A | "
          "B |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
          unit_text(page->options->unit));
  for (size_t i = 0; i < page->diff->n_rows && i < page->top; i++) {
    const struct diff_row *r = &page->diff->rows[i];
    fputs("| ", file);
    markdown_text(file, r->kind);
    fputs(r->is_call ? " in " : " ", file);
    markdown_text(file, r->name);
    fprintf(file, " | %s%s%s | %s | %s | %s | %s | %s | %s |\n",
            r->is_regression ? "**" : "", verdict(word, r),
            r->is_regression ? "**" : "", count(a, &r->a), count(b, &r->b),
            at(p50a, &r->a, 50), at(p50b, &r->b, 50), at(p99a, &r->a, 99),
            at(p99b, &r->b, 99));
  }
  putc('\n', file);
  last_line(file, page);
}
