/* The text form of check: each finding with its place, cause, cost, path and
 * help; then what was checked; the verdict last.
 *
 * Invariant: every text that comes from a trace or a path is inert; at most
 * FULL_MAX findings are told in full.  Called by cmd_check.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/advice.h"
#include "output/check.h"
#include "output/excerpt.h"
#include "output/inert.h"
#include "output/say.h"
#include "output/say_trouble.h"
#include "output/units.h"

#define FULL_MAX 10
#define TABLE_MAX 20

struct text {
  FILE *file;
  const struct model *model;
  const struct budget *budget;
  const char *baseline; /* NULL: there is none */
  bool has_color;
};

enum style { PLAIN, BOLD, RED, YELLOW, GREEN, BLUE };

static void styled(const struct text *t, enum style style, const char *word) {
  static const char *const codes[] = {"0", "1", "1;31", "1;33", "1;32", "1;34"};
  if (t->has_color)
    fprintf(t->file, "\033[%sm%s\033[0m", codes[style], word);
  else
    fputs(word, t->file);
}

static enum style level_style(enum finding_level level) {
  return level == LEVEL_ERROR ? RED : level == LEVEL_WARNING ? YELLOW : BLUE;
}

/* The sentence that says what happened. */
static void headline(const struct text *t, const struct finding *f) {
  char rule[64], text[1600];
  snprintf(rule, sizeof rule, "%s[%s]", finding_level_name(f->level), f->rule);
  styled(t, level_style(f->level), rule);
  fprintf(t->file, ": %s%s\n", say_headline(t->model, f, text, sizeof text),
          f->state == FINDING_KNOWN ? " (known)" : "");
}

static void carets(const struct text *t, const struct finding *f,
                   const char *source) {
  char callee[128];
  units_buf took;
  size_t indent = strspn(source, " "), length = strlen(source + indent);
  fprintf(t->file, "%6s| %*s", "", (int)indent, "");
  char marks[101];
  if (length > sizeof marks - 1)
    length = sizeof marks - 1;
  memset(marks, '^', length);
  marks[length] = '\0';
  styled(t, level_style(f->level), marks);
  if (f->callee)
    fprintf(t->file, " %s of it in `%s`", units_ns(took, f->callee_ns),
            model_callee_name(t->model, f->callee, callee, sizeof callee));
  putc('\n', t->file);
}

/* --> file:line in function, and the line itself where the file is there. */
static void place(const struct text *t, const struct finding *f) {
  char name[600], path[4200], source[700];
  const lt_site_def *def = model_site(t->model, f->site);
  if (!def)
    return;
  model_site_short(t->model, f->site, name, sizeof name);
  if (!def->file || !*def->file) {
    fprintf(t->file, "   --> %s\n", name);
    return;
  }
  inert(excerpt_path(def->file), path, sizeof path);
  fprintf(t->file, "   --> %s:%u in %s\n", path, def->line, name);
  if (!excerpt_line(def->file, def->line, source, sizeof source) || !*source)
    return;
  fprintf(t->file, "%6s|\n%5u | %s\n", "", def->line, source);
  carets(t, f, source);
  fprintf(t->file, "%6s|\n", "");
}

static void label(const struct text *t, const char *word) {
  fputs("    = ", t->file);
  styled(t, BOLD, word);
  fputs(": ", t->file);
}

static void when(const struct text *t, const struct finding *f) {
  char text[1600];
  label(t, "at");
  fprintf(t->file, "%s\n", say_when(t->model, f, text, sizeof text));
}

/* more: of the same part, NULL or inert. */
static bool part(const struct text *t, bool is_first, const char *word,
                 int64_t ns, int64_t whole, const char *more) {
  units_buf took, share;
  if (ns <= 0 || (ns < 100000 && ns < whole / 100))
    return is_first;
  fprintf(t->file, "%s%s %s (%s%s%s)", is_first ? "" : ", ", word,
          units_ns(took, ns), units_share(share, ns, whole), more ? "; " : "",
          more ? more : "");
  return false;
}

/* "at least 182 ms of it in `write`"; NULL where that is not known. */
static const char *in_callee(const struct text *t, const struct finding *f,
                             char *buf, size_t size) {
  char callee[128];
  units_buf took;
  int64_t ns = finding_callee_cpu(f->stall);
  if (ns <= 0)
    return NULL;
  snprintf(buf, size, "at least %s of it in `%s`", units_ns(took, ns),
           model_callee_name(t->model, f->callee, callee, sizeof callee));
  return buf;
}

static void cause(const struct text *t, const struct finding *f) {
  const struct model_stall *s = f->stall;
  char callee[128], blocked[160], inside[200];
  if (!s)
    return;
  label(t, "cause");
  if (f->callee)
    snprintf(blocked, sizeof blocked,
             f->callee_ns >= s->cause.blocked - s->cause.blocked / 10
                 ? "blocked in `%s`"
                 : "blocked (longest in `%s`)",
             model_callee_name(t->model, f->callee, callee, sizeof callee));
  else
    snprintf(blocked, sizeof blocked, "waiting, off the CPU");
  int64_t whole = s->duration_ns;
  bool first = true;
  struct {
    const char *word;
    int64_t ns;
    const char *more;
  } parts[] = {{blocked, s->cause.blocked, NULL},
               {"computation", s->cause.cpu,
                in_callee(t, f, inside, sizeof inside)},
               {"page faults", s->cause.paging, NULL},
               {"ready, but no CPU was free", s->cause.starved, NULL},
               {"stopped by a signal", s->cause.suspended, NULL},
               {"unknown", s->cause.unknown, NULL}};
  for (int i = 0; i < 6; i++) /* the largest first */
    for (int j = i + 1; j < 6; j++)
      if (parts[j].ns > parts[i].ns) {
        __typeof__(parts[0]) swap = parts[i];
        parts[i] = parts[j];
        parts[j] = swap;
      }
  for (int i = 0; i < 6; i++)
    first = part(t, first, parts[i].word, parts[i].ns, whole,
                 parts[i].more);
  fputs(first ? "unknown\n" : "\n", t->file);
}

static void calls(const struct text *t, const struct finding *f) {
  char callee[128], on[320];
  units_buf took, count;
  const struct model_stall *s = f->stall;
  if (!s || s->n_calls == 0)
    return;
  label(t, "calls");
  size_t n = s->n_calls < 4 ? s->n_calls : 4;
  for (size_t i = 0; i < n; i++) {
    model_callee_name(t->model, s->calls[i].callee, callee, sizeof callee);
    model_call_on(t->model, &s->calls[i], on, sizeof on);
    fprintf(t->file, "%s%s %s%s%s%s", i ? ", " : "", callee,
            units_ns(took, s->calls[i].duration_ns), *on ? " on " : "", on,
            s->calls[i].unfinished   ? " (had not come back)"
            : s->calls[i].is_sampled ? " (seen from outside)"
                                     : "");
  }
  if (s->n_calls_all > n)
    fprintf(t->file, " and %s shorter ones; %s in all of them",
            units_count(count, s->n_calls_all - n),
            units_ns(took, s->calls_ns));
  if (s->n_others)
    fprintf(t->file, ", %s of that in %s of further functions",
            units_ns(took, s->others_ns), units_count(count, s->n_others));
  putc('\n', t->file);
}

/* Innermost first. */
static void stack_lines(const struct text *t, const char *word,
                        uint32_t stack) {
  struct model_stack_line lines[MODEL_STACK_LINES];
  char text[700];
  size_t n = model_stack_lines(t->model, stack, lines, MODEL_STACK_LINES);
  if (n == 0)
    return;
  label(t, word);
  for (size_t i = 0; i < n; i++)
    fprintf(t->file, "%*s%s\n", i ? 13 : 0, "",
            model_stack_text(t->model, &lines[i], text, sizeof text));
}

/* Where the thread was seen, and the one that held the lock it waited for, or
 * that was to end. */
static void stacks(const struct text *t, const struct finding *f) {
  const struct model_stall *s = f->stall;
  if (!s)
    return;
  stack_lines(t, "stack", s->stack);
  for (size_t i = 0; i < s->n_calls && i < 4; i++)
    if (s->calls[i].holder_stack) {
      stack_lines(t, model_waits_for_thread(s->calls[i].callee,
                                            s->calls[i].ref)
                         ? "thread"
                         : "holder",
                  s->calls[i].holder_stack);
      return;
    }
}

static void evidence(const struct text *t, const struct finding *f) {
  char text[700];
  if (!f->trouble || !*say_trouble_evidence(t->model, f, text, sizeof text))
    return;
  label(t, "seen");
  fprintf(t->file, "%s\n", text);
}

/* Who waited behind it, the longest first. */
static void victims(const struct text *t, const struct finding *f) {
  const struct model_stall *s = f->stall;
  char name[300];
  units_buf took, count;
  if (!s || s->n_victims == 0)
    return;
  label(t, "held");
  size_t n = s->n_victims < 3 ? s->n_victims : 3;
  for (size_t i = 0; i < n; i++)
    fprintf(t->file, "%s%s %s %s", i ? ", " : "",
            lt_task_kind_name(s->victims[i].kind),
            model_site_short(t->model, s->victims[i].site, name, sizeof name),
            units_ns(took, s->victims[i].delay_ns));
  if (s->n_victims_all > n)
    fprintf(t->file, " and %s more", units_count(count, s->n_victims_all - n));
  putc('\n', t->file);
}

static void cost(const struct text *t, const struct finding *f) {
  char text[256];
  if (!*say_cost(f, text, sizeof text))
    return;
  label(t, "cost");
  fprintf(t->file, "%s\n", text);
}

static void path(const struct text *t, const struct finding *f) {
  const struct model_stall *s = f->stall;
  char name[300], text[200];
  if (!s || s->n_ancestors == 0)
    return;
  label(t, "path");
  fputs(t->model->loops[f->loop].name, t->file);
  for (size_t i = s->n_ancestors; i-- > 0;) {
    const struct model_ancestor *a = &s->ancestors[i];
    fprintf(t->file, " -> #%" PRIu64 " %s", a->task,
            lt_task_kind_name(a->kind));
    if (a->label && *a->label)
      fprintf(t->file, " \"%s\"", inert(a->label, text, sizeof text));
    if (a->site)
      fprintf(t->file, " %s",
              model_site_short(t->model, a->site, name, sizeof name));
    if (a->spawn_site)
      fprintf(t->file, " from %s",
              model_site_name(t->model, a->spawn_site, name, sizeof name));
    if (a->await_site)
      fprintf(t->file, ", awaited at %s",
              model_site_name(t->model, a->await_site, name, sizeof name));
    if (a->awaiter &&
        (i + 1 == s->n_ancestors || s->ancestors[i + 1].task != a->awaiter))
      fprintf(t->file, "%s by #%" PRIu64, a->await_site ? "" : ", awaited",
              a->awaiter);
    if (a->is_awaiting)
      fputs(", which waits for", t->file);
  }
  putc('\n', t->file);
}

static void seen(const struct text *t, const struct finding *f) {
  units_buf took, count;
  char name[4200];
  bool is_new = t->baseline && f->state == FINDING_NEW;
  if (f->count < 2 && !is_new)
    return;
  label(t, "seen");
  if (f->count < 2) {
    fputs("once", t->file);
  } else {
    fprintf(t->file, "%s times in this trace (", units_count(count, f->count));
    for (size_t i = 0; i < f->n_durations; i++)
      fprintf(t->file, "%s%s", i ? ", " : "", units_ns(took, f->durations[i]));
    fputs(f->count > f->n_durations ? ", ...)" : ")", t->file);
  }
  if (is_new)
    fprintf(t->file, "; new against the baseline %s",
            inert(t->baseline, name, sizeof name));
  putc('\n', t->file);
}

static void help(const struct text *t, const struct finding *f) {
  char text[256];
  if (f->level == LEVEL_NOTE)
    return;
  label(t, "help");
  fprintf(t->file, "%s\n", say_help(t->model, f, text, sizeof text));
}

static void notes(const struct text *t, const struct finding *f,
                  const struct checked *trace, bool is_first) {
  const struct model_stall *s = f->stall;
  units_buf own, unknown;
  char name[4200];
  if (s && f->level == LEVEL_NOTE) {
    label(t, "note");
    fprintf(t->file, "only %s is the program's own%s%s; not held against it\n",
            units_ns(own, model_attributable(&s->cause)),
            f->is_undecided ? ", what is unknown may be, too: " : "",
            f->is_undecided ? units_ns(unknown, s->cause.unknown) : "");
  }
  if (s && s->is_unseen) {
    label(t, "note");
    fputs("it is not libuv's loop, or libuv is linked statically: which "
          "callback it was is not seen\n",
          t->file);
  }
  const char *names = s && is_first ? advice_names(t->model, s->stack) : NULL;
  if (names) {
    label(t, "note");
    fprintf(t->file, "names %s\n", names);
  }
  label(t, "note");
  fprintf(t->file, "look at it: looptrace view --at %.3fs ",
          (double)(f->begin_ns / 1000000) / 1e3);
  inert_word(t->file, inert(trace->path, name, sizeof name));
  if (is_first)
    fprintf(t->file, "; why: looptrace explain %s", f->rule);
  fputs("\n\n", t->file);
}

/* Is none before it of the same rule? */
static bool is_first_of_rule(const struct judgement *j,
                             const struct finding *f) {
  for (const struct finding *at = j->findings; at < f; at++)
    if (!at->limit && strcmp(at->rule, f->rule) == 0)
      return false;
  return true;
}

static void full(const struct text *t, const struct finding *f,
                 const struct checked *trace) {
  headline(t, f);
  if (f->limit) {
    help(t, f);
    putc('\n', t->file);
    return;
  }
  place(t, f);
  when(t, f);
  cause(t, f);
  calls(t, f);
  stacks(t, f);
  evidence(t, f);
  cost(t, f);
  victims(t, f);
  path(t, f);
  seen(t, f);
  help(t, f);
  notes(t, f, trace, is_first_of_rule(&trace->judgement, f));
}

/* What is beyond the first ten. */
static void table(const struct text *t, const struct judgement *j, size_t n) {
  units_buf at, took, count;
  char name[600];
  if (n <= FULL_MAX)
    return;
  fprintf(t->file, "and %s more:\n", units_count(count, n - FULL_MAX));
  for (size_t i = FULL_MAX; i < n && i < FULL_MAX + TABLE_MAX; i++) {
    const struct finding *f = &j->findings[i];
    fprintf(t->file, "  %-7s  %10s  %9s  %3sx  %s\n",
            finding_level_name(f->level), units_at(at, f->begin_ns),
            units_ns(took, f->duration_ns), units_count(count, f->count),
            model_site_name(t->model, f->site, name, sizeof name));
  }
  if (n > FULL_MAX + TABLE_MAX)
    fprintf(t->file, "  ... and %s more: -v tells all\n",
            units_count(count, n - FULL_MAX - TABLE_MAX));
  putc('\n', t->file);
}

static void summary(const struct text *t, const struct checked *trace) {
  const struct judgement *j = &trace->judgement;
  const struct model *m = trace->model;
  units_buf length, count, warmup;
  char name[4200];
  /* At a line's begin "::" is a command for GitHub. */
  fprintf(t->file, "%s%s: %s, %s events, %s.  ",
          *trace->path == ':' ? "./" : "",
          inert(trace->path, name, sizeof name),
          units_ns(length, model_length_ns(m)),
          units_count(count, m->info->n_events),
          m->info->complete                ? "complete"
          : m->info->problem == LT_CORRUPT ? "damaged"
                                           : "incomplete");
  fprintf(t->file, "%" PRIu64 " error%s, %" PRIu64 " warning%s", j->n_errors,
          j->n_errors == 1 ? "" : "s", j->n_warnings,
          j->n_warnings == 1 ? "" : "s");
  if (j->n_notes)
    fprintf(t->file, ", %" PRIu64 " note%s", j->n_notes,
            j->n_notes == 1 ? "" : "s");
  putc('\n', t->file);
  if (j->n_warmup)
    fprintf(t->file, "%s in the first %s (warm-up) left out\n",
            units_count(count, j->n_warmup),
            units_ns(warmup, t->budget->warmup_ns));
  if (j->n_muted || j->n_known)
    fprintf(t->file, "%" PRIu64 " muted, %" PRIu64 " known\n", j->n_muted,
            j->n_known);
  for (size_t i = 0; i < j->n_reasons; i++)
    fprintf(t->file, "note: %s\n", j->reasons[i]);
  for (size_t i = 0; i < m->n_loops; i++)
    if (*say_stops(&m->loops[i], name, sizeof name))
      fprintf(t->file, "note: %s\n", name);
}

/* Budgets on sums, which the verdict's line does not tell. */
static void limits(const struct text *t, const struct checked *trace) {
  const struct judgement *j = &trace->judgement;
  char text[120], measured[160];
  for (size_t i = 0; i < j->n_limits; i++) {
    const struct limit_result *r = &j->limits[i];
    if (r->limit.kind == LIMIT_STALL_MAX &&
        r->limit.value == t->budget->max_stall_ns)
      continue;
    const char *word = r->verdict == VERDICT_PASS   ? "ok"
                       : r->verdict == VERDICT_FAIL ? "broken"
                                                    : "no verdict";
    fputs("  ", t->file);
    styled(t,
           r->verdict == VERDICT_PASS   ? GREEN
           : r->verdict == VERDICT_FAIL ? RED
                                        : YELLOW,
           word);
    fprintf(t->file, "%*s%s%s%s  %s: %s%s\n", 12 - (int)strlen(word), "",
            r->loop < t->model->n_loops ? "`" : "the trace",
            r->loop < t->model->n_loops ? t->model->loops[r->loop].name : "",
            r->loop < t->model->n_loops ? "`" : "",
            say_limit(&r->limit, text, sizeof text),
            say_result(r, measured, sizeof measured),
            r->is_excused ? " (muted or known)" : "");
  }
}

static void verdict_word(const struct text *t, enum verdict verdict) {
  if (verdict == VERDICT_PASS)
    styled(t, GREEN, "PASS");
  else if (verdict == VERDICT_FAIL)
    styled(t, RED, "FAIL");
  else
    styled(t, YELLOW, "INCONCLUSIVE");
}

static void verdict(const struct text *t, const struct checked *trace) {
  const struct judgement *j = &trace->judgement;
  const struct model *m = trace->model;
  units_buf longest, own, budget, turn, share;
  verdict_word(t, j->verdict);
  /* Allowed, muted and known ones do not, told or not. */
  fprintf(t->file, j->longest_is_bound ? "  no stall over %s that counts"
                                       : "  longest stall %s",
          units_ns(longest, j->longest_ns));
  if (j->longest_own_ns < j->longest_ns - j->longest_ns / 20)
    fprintf(t->file, ", at most %s of one the program's own",
            units_ns(own, j->longest_own_ns));
  fprintf(t->file, " (budget %s)", units_ns(budget, t->budget->max_stall_ns));
  for (size_t i = 0, told = 0; i < m->n_loops && told < 4; i++) {
    const struct model_loop *l = &m->loops[i];
    if (l->turns == 0) /* it waits all the time */
      continue;
    told++;
    fprintf(t->file, ", `%s` p99 turn %s, busy %s", l->name,
            units_ns(turn, model_histogram_percentile(&l->turn, 99)),
            units_share(share, l->busy_ns, l->busy_ns + l->poll_ns));
  }
  putc('\n', t->file);
}

enum verdict check_verdict(const struct check_result *result) {
  bool is_open = result->n_traces == 0;
  for (size_t i = 0; i < result->n_traces; i++) {
    const struct checked *t = &result->traces[i];
    if (t->model && t->judgement.verdict == VERDICT_FAIL)
      return VERDICT_FAIL;
    is_open |= !t->model || t->judgement.verdict == VERDICT_INCONCLUSIVE;
  }
  return is_open ? VERDICT_INCONCLUSIVE : VERDICT_PASS;
}

const char *checked_problem(const struct checked *trace, char *buf,
                            size_t size) {
  if (trace->status == LT_IO && trace->error)
    snprintf(buf, size, "%s", strerror(trace->error));
  else
    snprintf(buf, size, "%s", lt_status_text(trace->status));
  return buf;
}

void check_text(FILE *file, const struct check_result *result,
                const struct checked *trace, bool has_color, bool is_quiet) {
  const struct judgement *j = &trace->judgement;
  struct text t = {.file = file,
                   .model = trace->model,
                   .budget = result->budget,
                   .baseline = result->baseline,
                   .has_color = has_color};
  if (is_quiet && j->verdict == VERDICT_PASS)
    return;
  size_t n = 0;
  while (n < j->n_findings && check_is_told(result, &j->findings[n]))
    n++; /* those that are not come last */
  if (!is_quiet) {
    for (size_t i = 0; i < n && (i < FULL_MAX || result->is_verbose); i++)
      full(&t, &j->findings[i], trace);
    if (!result->is_verbose)
      table(&t, j, n);
    summary(&t, trace);
    limits(&t, trace);
  }
  verdict(&t, trace);
}

void check_text_all(FILE *file, const struct check_result *result,
                    bool has_color) {
  struct text t = {.file = file, .has_color = has_color};
  enum verdict all = check_verdict(result);
  size_t n = 0;
  for (size_t i = 0; i < result->n_traces; i++) {
    const struct checked *one = &result->traces[i];
    n += (one->model ? one->judgement.verdict : VERDICT_INCONCLUSIVE) == all;
  }
  verdict_word(&t, all);
  fprintf(file, "  in all: %zu of %zu traces\n", n, result->n_traces);
}
