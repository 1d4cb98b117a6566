/* The HTML form of report: one page without scripts, with the whole trace drawn
 * as SVG: a row for each loop, how busy it was, and its stalls.
 *
 * Invariant: a page is complete by itself, nothing is loaded; every text is
 * inert and escaped; a column of the drawing shows the worst of what it covers,
 * never a mean.  Called by cmd_report.c. */
#include <inttypes.h>
#include <stdlib.h>

#include "output/inert.h"
#include "output/report.h"
#include "output/units.h"
#include "output/xml.h"

#define COLUMNS 512 /* of the drawing; MODEL_BINS is a multiple */
#define WIDTH 1024
#define ROW 64
#define LOOPS_MAX 32

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
    "'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<style>\n"
    ":root{color-scheme:light dark;--back:#fff;--text:#1b1b1b;--dim:#666;"
    "--line:#ddd;--busy:#2f7fb5;--warn:#b26a00;--bad:#c2410c;--ok:#1a7f46}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#15181c;--text:#e6e6e6;"
    "--dim:#9aa0a6;--line:#333a42;--busy:#5fafd7;--warn:#d7af5f;--bad:#ff7a45;"
    "--ok:#4fbf85}}\n"
    "body{background:var(--back);color:var(--text);margin:2rem auto;"
    "max-width:70rem;padding:0 1rem;font:15px/1.45 system-ui,sans-serif}\n"
    "h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}\n"
    "p{margin:.3rem 0;color:var(--dim)}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px "
    "solid var(--line);vertical-align:top;overflow-wrap:anywhere}\n"
    "th{color:var(--dim);font-weight:normal}\n"
    "td.n,th.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}\n"
    "td.t{font-family:ui-monospace,monospace;font-size:13px}\n"
    ".bad{color:var(--bad)}.warn{color:var(--warn)}.ok{color:var(--ok)}\n"
    "svg{shape-rendering:crispEdges;width:100%;height:auto;display:block}\n"
    "svg text{fill:var(--dim);font:12px system-ui,sans-serif}\n"
    "svg .busy{fill:var(--busy)}svg .over{fill:var(--bad)}\n"
    "svg .near{fill:var(--warn)}svg line{stroke:var(--line)}\n"
    "</style>\n";

static void cell(FILE *file, const char *class, const char *text) {
  fprintf(file, "<td class=\"%s\">", class);
  xml_inert(file, text);
  fputs("</td>", file);
}

static void number(FILE *file, const char *text) {
  cell(file, "n", text);
}

static const char *level(int64_t ns) {
  return ns >= MODEL_ERROR_NS ? "n bad" : ns >= MODEL_WARN_NS ? "n warn" : "n";
}

/* One loop's row: how busy, and above it what took too long. */
static void draw_loop(FILE *file, const struct model_loop *l, int top) {
  enum { PER = MODEL_BINS / COLUMNS, STEP = WIDTH / COLUMNS, HEIGHT = 40 };
  fprintf(file, "<text x=\"0\" y=\"%d\">", top + 11);
  xml_inert(file, l->name);
  fputs("</text>\n", file);
  for (int i = 0; i < COLUMNS; i++) {
    double busy = 0;
    int64_t longest = 0;
    for (int k = i * PER; k < (i + 1) * PER; k++) {
      busy = l->busy[k] > (float)busy ? (double)l->busy[k] : busy;
      longest = l->longest[k] > longest ? l->longest[k] : longest;
    }
    const char *class = longest >= MODEL_ERROR_NS  ? "over"
                        : longest >= MODEL_WARN_NS ? "near"
                                                   : "busy";
    double height = busy * HEIGHT;
    if (busy > 0 && height < 1)
      height = 1;
    if (height > 0)
      fprintf(file,
              "<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"%d\" "
              "height=\"%.1f\"/>\n",
              class, i * STEP, top + ROW - 6 - height, STEP, height);
  }
  fprintf(file, "<line x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n", WIDTH,
          top + ROW - 6, top + ROW - 6);
}

static void timeline(FILE *file, const struct model *m) {
  size_t n = m->n_loops < LOOPS_MAX ? m->n_loops : LOOPS_MAX;
  int height = (int)n * ROW + 18;
  units_buf at;
  fprintf(file,
          "<h2>The whole trace</h2>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" "
          "aria-label=\"how busy each loop was over time\">\n",
          WIDTH, height);
  for (size_t i = 0; i < n; i++)
    draw_loop(file, &m->loops[i], (int)i * ROW);
  for (int i = 0; i <= 4; i++)
    fprintf(file, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
            WIDTH * i / 4, height - 4,
            i == 0   ? "start"
            : i == 4 ? "end"
                     : "middle",
            units_at(at, m->end_ns / 4 * i));
  fputs("</svg>\n<p>Height: how busy; <span class=\"warn\">a callback or turn "
        "of 50 ms</span>, <span class=\"bad\">of 100 ms or more</span>.</p>\n",
        file);
}

static void loops(FILE *file, const struct model *m) {
  units_buf u;
  fputs("<h2>Loops</h2>\n<table><tr><th>loop</th><th class=\"n\">busy</th>"
        "<th class=\"n\">turns</th><th class=\"n\">p50</th><th "
        "class=\"n\">p99</th><th class=\"n\">longest</th><th class=\"n\">late "
        "timers</th></tr>\n",
        file);
  for (size_t i = 0; i < m->n_loops; i++) {
    const struct model_loop *l = &m->loops[i];
    fputs("<tr>", file);
    cell(file, "t", l->name);
    number(file, units_share(u, l->busy_ns, l->busy_ns + l->poll_ns));
    number(file, units_count(u, l->turns));
    number(file, units_ns(u, model_histogram_percentile(&l->turn, 50)));
    number(file, units_ns(u, model_histogram_percentile(&l->turn, 99)));
    cell(file, level(l->turn.max_ns), units_ns(u, l->turn.max_ns));
    number(file, l->is_unseen ? "not seen" : units_count(u, l->timers_late));
    fputs("</tr>\n", file);
  }
  fputs("</table>\n", file);
}

static void stalls(FILE *file, const struct model *m, size_t top) {
  const struct model_stall **sorted = report_worst(m);
  units_buf u;
  char text[1300];
  fputs("<h2>Worst stalls</h2>\n", file);
  if (!sorted) {
    fputs("<p class=\"ok\">None of 50 ms or more.</p>\n", file);
    return;
  }
  fputs("<table><tr><th class=\"n\">took</th><th class=\"n\">at</th><th>loop"
        "</th><th>in</th><th>callback</th></tr>\n",
        file);
  for (size_t i = 0; i < m->n_stalls && i < top; i++) {
    const struct model_stall *s = sorted[i];
    fputs("<tr>", file);
    cell(file, level(s->duration_ns), units_ns(u, s->duration_ns));
    number(file, units_at(u, s->begin_ns));
    cell(file, "t", m->loops[s->loop].name);
    cell(file, "t", report_spent(m, s, text, sizeof text));
    cell(file, "t", report_what(m, s, text, sizeof text));
    fputs("</tr>\n", file);
  }
  fputs("</table>\n", file);
  if (m->n_stalls > top)
    fprintf(file, "<p>... and %zu more</p>\n", m->n_stalls - top);
  free(sorted);
}

static void sites(FILE *file, const struct model *m,
                  const struct report_how *how, bool is_call) {
  units_buf u;
  char text[1300];
  size_t n;
  const struct model_site **rows = report_sites(m, is_call, how, &n);
  fprintf(
      file,
      "<h2>%s by %s</h2>\n<table><tr><th class=\"n\">total</th><th class=\"n\">"
      "self</th><th class=\"n\">count</th><th class=\"n\">p99</th><th "
      "class=\"n\">longest</th><th>%s</th><th>%s</th></tr>\n",
      is_call ? "Blocking calls" : "Callbacks", report_sort_words(how->sort),
      is_call ? "call" : "kind", is_call ? "made in" : "function");
  for (size_t i = 0; i < n; i++) {
    const struct model_site *s = rows[i];
    fputs("<tr>", file);
    number(file, units_ns(u, s->total_ns));
    number(file, units_ns(u, s->self_ns));
    number(file, units_count(u, s->count));
    number(file, units_ns(u, model_histogram_percentile(s->time, 99)));
    cell(file, level(s->max_ns), units_ns(u, s->max_ns));
    cell(file, "t",
         is_call ? model_callee_name(m, s->kind, text, sizeof text)
                 : lt_task_kind_name(s->kind));
    cell(file, "t", report_made_in(m, s, text, sizeof text));
    fputs("</tr>\n", file);
  }
  free(rows);
  fputs(n ? "</table>\n" : "</table>\n<p>none</p>\n", file);
}

static void heading(FILE *file, const struct model *m, const char *path) {
  char text[4200];
  units_buf length, events;
  fputs(head, file);
  fputs("<title>", file);
  xml_inert(file, inert(path, text, sizeof text));
  fputs("</title>\n</head>\n<body>\n<h1>", file);
  xml_inert(file, text);
  fputs("</h1>\n<p>", file);
  xml_inert(file, inert(m->info->comm, text, sizeof text));
  fprintf(file, ", pid %d, %s, %s events, <span class=\"%s\">",
          (int)m->info->pid, units_ns(length, model_length_ns(m)),
          units_count(events, m->info->n_events),
          m->info->complete && m->n_lost == 0 ? "ok" : "bad");
  xml_inert(file, report_health(m->info, text, sizeof text));
  if (m->n_lost)
    fprintf(file, ", %s events lost", units_count(events, m->n_lost));
  fputs("</span></p>\n", file);
}

void report_html(FILE *file, const struct model *m,
                 const struct report_how *how) {
  heading(file, m, how->path);
  timeline(file, m);
  loops(file, m);
  stalls(file, m, how->top);
  report_by(file, TABLE_HTML, m, how);
  if (how->group == REPORT_BY_SITE) {
    sites(file, m, how, false);
    sites(file, m, how, true);
  }
  report_more(file, TABLE_HTML, m, how);
  fputs("</body>\n</html>\n", file);
}
