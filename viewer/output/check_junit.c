/* The JUnit form of check: a suite a trace, a case a budget line and loop.
 *
 * Invariant: lines that are kept are cases too, so that a trend can be seen; no
 * element is used but those that all readers know.  What a finding tells at
 * length is made inert once.  Called by cmd_check.c. */
#include <string.h>

#include "output/check.h"
#include "output/say.h"
#include "output/xml.h"

struct counts {
  unsigned tests, failures, errors, skipped;
};

static bool is_of(const struct finding *f, const struct limit_result *r) {
  if (f->loop != r->loop)
    return false;
  if (r->limit.kind == LIMIT_STALL_MAX)
    return f->stall || f->blocking;
  if (r->limit.kind == LIMIT_BLOCKING_COUNT)
    return f->caller != NULL;
  if (f->trouble)
    return (r->limit.kind == LIMIT_TIMER_LATE &&
            (f->trouble->kind == MODEL_LATE_TIMER ||
             f->trouble->kind == MODEL_STARVED_TIMER)) ||
           (r->limit.kind == LIMIT_POOL_QUEUE &&
            f->trouble->kind == MODEL_POOL_SATURATED);
  return f->limit == r;
}

/* An error that breaks no budget line. */
static bool is_alone(const struct finding *f) {
  return f->trouble && f->trouble->kind == MODEL_AWAIT_CYCLE &&
         f->state == FINDING_NEW && f->level == LEVEL_ERROR;
}

static void count(const struct checked *t, struct counts *c) {
  const struct judgement *j = &t->judgement;
  if (!t->model) {
    c->tests++;
    c->errors++;
    return;
  }
  for (size_t i = 0; i < j->n_limits; i++) {
    c->tests++;
    c->failures += j->limits[i].verdict == VERDICT_FAIL;
  }
  for (size_t i = 0; i < j->n_findings; i++) {
    bool is_new = j->findings[i].state == FINDING_NEW;
    bool is_failure = is_alone(&j->findings[i]);
    c->tests += !is_new || is_failure;
    c->skipped += !is_new;
    c->failures += is_failure;
  }
  c->tests++; /* is the trace one that can be judged? */
  c->errors += j->verdict == VERDICT_INCONCLUSIVE;
}

static void suite_begin(FILE *file, const char *name, const struct counts *c) {
  fputs("  <testsuite name=\"looptrace check ", file);
  xml_text(file, name);
  fprintf(file,
          "\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\">\n",
          c->tests, c->failures, c->errors, c->skipped);
}

static void line(FILE *file, const char *word, const char *text) {
  if (!*text)
    return;
  fprintf(file, "%s%s", word, *word ? ": " : "");
  xml_inert(file, text);
  putc('\n', file);
}

static void told(FILE *file, const struct model *m, const struct finding *f) {
  char text[1600], path[4200], place[4300];
  unsigned number;
  line(file, "", say_headline(m, f, text, sizeof text));
  if (say_source(m, f, path, sizeof path, &number)) {
    snprintf(place, sizeof place, "%s:%u", path, number);
    line(file, "  place", place);
  }
  if (!f->limit)
    line(file, "  at", say_when(m, f, text, sizeof text));
  line(file, "  cost", say_cost(f, text, sizeof text));
  line(file, "  help", say_help(m, f, text, sizeof text));
}

/* The attribute of a text that is inert already. */
static void attribute(FILE *file, const char *name, const char *text) {
  fprintf(file, " %s=\"", name);
  xml_inert(file, text);
  putc('"', file);
}

static void failure(FILE *file, const struct checked *t,
                    const struct limit_result *r) {
  const struct judgement *j = &t->judgement;
  char text[1600];
  bool is_first = true;
  for (size_t i = 0; i < j->n_findings; i++) {
    const struct finding *f = &j->findings[i];
    if (f->state != FINDING_NEW || f->level != LEVEL_ERROR || !is_of(f, r))
      continue;
    if (is_first) {
      fputs("      <failure", file);
      attribute(file, "message", say_headline(t->model, f, text, sizeof text));
      xml_attribute(file, "type", f->rule);
      putc('>', file);
    }
    is_first = false;
    told(file, t->model, f);
  }
  fputs(is_first ? "      <failure type=\"budget\"/>\n" : "</failure>\n", file);
}

static void limit_case(FILE *file, const struct checked *t,
                       const struct limit_result *r) {
  const struct model *m = t->model;
  char name[200], text[120];
  bool is_time = limit_is_time(r->limit.kind);
  snprintf(name, sizeof name, "loop.%s",
           r->loop < m->n_loops ? m->loops[r->loop].name : "all");
  fputs("    <testcase", file);
  attribute(file, "classname", r->loop < m->n_loops ? name : "trace");
  xml_attribute(file, "name", say_limit(&r->limit, text, sizeof text));
  fprintf(file, " time=\"%.6f\">\n", is_time ? (double)r->measured / 1e9 : 0.0);
  if (r->verdict == VERDICT_FAIL)
    failure(file, t, r);
  say_measure(&r->limit, r->measured, text, sizeof text);
  fputs("      <system-out>measured ", file);
  xml_text(file, text);
  fputs("</system-out>\n    </testcase>\n", file);
}

static void skipped_case(FILE *file, const struct model *m,
                         const struct finding *f) {
  char text[1600], name[200];
  snprintf(name, sizeof name, "loop.%s", finding_loop(m, f));
  fputs("    <testcase", file);
  attribute(file, "classname", name);
  attribute(file, "name", say_headline(m, f, text, sizeof text));
  fputs(" time=\"0\">\n      <skipped", file);
  xml_attribute(file, "message",
                f->state == FINDING_KNOWN ? "in the baseline"
                : f->why                  ? f->why
                                          : "muted");
  fputs("/>\n    </testcase>\n", file);
}

static void lone_case(FILE *file, const struct model *m,
                      const struct finding *f) {
  char text[1600];
  fputs("    <testcase classname=\"trace\"", file);
  xml_attribute(file, "name", f->rule);
  fputs(" time=\"0\">\n      <failure", file);
  attribute(file, "message", say_headline(m, f, text, sizeof text));
  xml_attribute(file, "type", f->rule);
  putc('>', file);
  told(file, m, f);
  fputs("</failure>\n    </testcase>\n", file);
}

static void suite(FILE *file, const struct checked *t) {
  const struct judgement *j = &t->judgement;
  struct counts c = {0};
  char text[256];
  count(t, &c);
  suite_begin(file, t->path, &c);
  for (size_t i = 0; t->model && i < j->n_limits; i++)
    limit_case(file, t, &j->limits[i]);
  for (size_t i = 0; t->model && i < j->n_findings; i++)
    if (j->findings[i].state != FINDING_NEW)
      skipped_case(file, t->model, &j->findings[i]);
    else if (is_alone(&j->findings[i]))
      lone_case(file, t->model, &j->findings[i]);
  fputs("    <testcase classname=\"trace\" name=\"complete enough for a "
        "verdict\" time=\"0\">\n",
        file);
  if (!t->model || j->verdict == VERDICT_INCONCLUSIVE) {
    fputs("      <error", file);
    xml_attribute(file, "type", t->model ? "inconclusive" : "unreadable");
    xml_attribute(file, "message",
                  !t->model      ? checked_problem(t, text, sizeof text)
                  : j->n_reasons ? j->reasons[0]
                                 : "no verdict");
    putc('>', file);
    for (size_t i = 0; t->model && i < j->n_reasons; i++)
      line(file, "", j->reasons[i]);
    fputs("</error>\n", file);
  }
  fputs("    </testcase>\n  </testsuite>\n", file);
}

void check_junit(FILE *file, const struct check_result *result) {
  struct counts all = {0};
  for (size_t i = 0; i < result->n_traces; i++)
    count(&result->traces[i], &all);
  bool is_empty = result->n_traces == 0;
  fprintf(file,
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<testsuites name=\"looptrace check\" tests=\"%u\" failures=\"%u\" "
          "errors=\"%u\" skipped=\"%u\">\n",
          all.tests + is_empty, all.failures, all.errors + is_empty,
          all.skipped);
  for (size_t i = 0; i < result->n_traces; i++)
    suite(file, &result->traces[i]);
  if (is_empty) {
    struct counts c = {.tests = 1, .errors = 1};
    suite_begin(file, "", &c);
    fputs("    <testcase classname=\"trace\" name=\"there is a trace\" "
          "time=\"0\">\n      <error type=\"inconclusive\"",
          file);
    xml_attribute(file, "message",
                  result->no_trace ? result->no_trace
                                   : "there is no trace to judge");
    fputs("/>\n    </testcase>\n  </testsuite>\n", file);
  }
  fputs("</testsuites>\n", file);
}
