/* Words and rows about one stall.  Called by the views; computes no meaning of
 * its own: levels and culprits are those of `check` with its default budget. */
#include "tui/view/stall.h"

#include <stdlib.h>
#include <string.h>

#include "model/finding.h"
#include "output/excerpt.h"
#include "tui/view/format.h"

#define STACK_ROWS 64

bool stall_is_undecided(const struct model_stall *stall) {
  int64_t own = model_attributable(&stall->cause);
  return own <= MODEL_ERROR_NS && own + stall->cause.unknown > MODEL_ERROR_NS;
}

enum stall_level stall_level(const struct model_stall *stall) {
  int64_t own = model_attributable(&stall->cause);
  if (model_is_aside(stall))
    return own > MODEL_ERROR_NS ? STALL_WARN : STALL_NOTE;
  if (own > MODEL_ERROR_NS)
    return STALL_ERROR;
  return own > MODEL_WARN_NS || stall_is_undecided(stall) ? STALL_WARN
                                                          : STALL_NOTE;
}

enum role stall_role(const struct model_stall *stall) {
  static const enum role roles[] = {ROLE_DIM, ROLE_WARN, ROLE_ERROR};
  return roles[stall_level(stall)];
}

char32_t stall_mark(const struct model_stall *stall) {
  return U"·⚠✖"[stall_level(stall)];
}

void stall_parts(const struct model_stall *stall,
                 struct cause_part parts[CAUSE_PARTS]) {
  const struct model_cause *cause = &stall->cause;
  struct cause_part all[CAUSE_PARTS] = {
      {"computing", cause->cpu, ROLE_RUN},
      {"blocked", cause->blocked, ROLE_BLOCK},
      {"paging", cause->paging, ROLE_BLOCK},
      {"waiting for a CPU", cause->starved, ROLE_WAIT},
      {"suspended", cause->suspended, ROLE_WAIT},
      {"not known", cause->unknown, ROLE_WAIT},
  };
  for (size_t i = 1; i < CAUSE_PARTS; i++) {
    struct cause_part part = all[i];
    size_t j = i;
    for (; j > 0 && all[j - 1].ns < part.ns; j--)
      all[j] = all[j - 1];
    all[j] = part;
  }
  memcpy(parts, all, sizeof all);
}

const char *stall_part_name(const struct model *model,
                            const struct model_stall *stall,
                            const struct cause_part *part, char *buf,
                            size_t size) {
  int64_t inside = part->role == ROLE_RUN ? finding_callee_cpu(stall) : 0;
  char callee[64];
  if (inside > 0 && inside >= part->ns / 2)
    snprintf(buf, size, "%s in %s", part->name,
             model_callee_name(model, finding_callee(stall, NULL, NULL), callee,
                               sizeof callee));
  else
    snprintf(buf, size, "%s", part->name);
  return buf;
}

const char *stall_culprit(const struct model *model,
                          const struct model_stall *stall, bool with_object,
                          char *buf, size_t size) {
  const struct model_call *call;
  struct cause_part parts[CAUSE_PARTS];
  unsigned callee = finding_callee(stall, &call, NULL);
  if (callee) {
    char name[64], on[320];
    model_callee_name(model, callee, name, sizeof name);
    model_call_on(model, call, on, sizeof on);
    if (!with_object)
      *on = '\0';
    snprintf(buf, size, "%s%s%s", name, *on ? " " : "", on);
    return buf;
  }
  stall_parts(stall, parts);
  snprintf(buf, size, "%s",
           !stall->has_usage           ? "cause not known"
           : parts[0].role == ROLE_RUN ? "computation"
                                       : parts[0].name);
  return buf;
}

const char *stall_where(const struct model *model,
                        const struct model_stall *stall, char *buf,
                        size_t size) {
  uint32_t site = finding_place(model, stall);
  if (!site) {
    snprintf(buf, size, "%s",
             stall->kind == MODEL_STALL_GAP ? "between runs" : "");
    return buf;
  }
  return model_site_name(model, site, buf, size);
}

const char *stall_callback(const struct model *model,
                           const struct model_stall *stall, char *buf,
                           size_t size) {
  char name[96];
  if (stall->kind == MODEL_STALL_GAP)
    snprintf(buf, size, "%s",
             stall->is_regular ? "between two runs" : "the loop was not run");
  else if (stall->kind == MODEL_STALL_TURN && stall->is_unseen)
    snprintf(buf, size, "a turn, callbacks not seen");
  else if (stall->kind == MODEL_STALL_TURN)
    snprintf(buf, size, "a turn of %llu callbacks",
             (unsigned long long)stall->n_callbacks);
  else if (stall->site)
    snprintf(buf, size, "%s %s", lt_task_kind_name(stall->slice_kind),
             model_site_short(model, stall->site, name, sizeof name));
  else
    snprintf(buf, size, "%s", lt_task_kind_name(stall->slice_kind));
  return buf;
}

const char *stall_inside(const struct model *model,
                         const struct model_stall *stall, char *buf,
                         size_t size) {
  uint32_t place = finding_place_inside(model, stall);
  return place ? model_site_name(model, place, buf, size)
               : stall_callback(model, stall, buf, size);
}

const char *stall_victims(const struct model_stall *stall, char *buf,
                          size_t size) {
  format_buf late, waited, timers;
  if (!stall->n_waited && !stall->n_late) {
    snprintf(buf, size, "%s",
             stall->is_unseen ? "not known: this loop's callbacks are not seen"
                              : "nobody was seen to wait");
    return buf;
  }
  int used = 0;
  if (stall->n_waited)
    used = snprintf(buf, size, "%s callback%s",
                    format_count(waited, stall->n_waited),
                    stall->n_waited == 1 ? "" : "s");
  if (stall->n_late)
    snprintf(buf + used, size - (size_t)used, "%s%s timer%s (worst +%s)",
             stall->n_waited ? ", " : "", format_count(timers, stall->n_late),
             stall->n_late == 1 ? "" : "s",
             format_duration(late, stall->worst_late_ns));
  return buf;
}

const struct model_stall *stall_find(const struct model *model,
                                     int64_t longest_ns, uint32_t thread,
                                     int64_t begin_ns, int64_t end_ns) {
  const struct model_stall *found = NULL;
  size_t low = 0, high = model->n_stalls; /* to the first that begins after */
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (model->stalls[middle].begin_ns < end_ns)
      low = middle + 1;
    else
      high = middle;
  }
  while (low-- > 0) {
    const struct model_stall *s = &model->stalls[low];
    if (s->begin_ns < begin_ns - longest_ns)
      break; /* none so far back lasted until here */
    if (s->thread != thread || s->begin_ns + s->duration_ns <= begin_ns)
      continue;
    if (!found || s->duration_ns > found->duration_ns)
      found = s;
  }
  return found;
}

void bar_draw(struct grid *grid, int x, int y, int w, enum role role,
              int64_t part, int64_t whole) {
  if (whole <= 0 || part <= 0 || w <= 0)
    return;
  double share = (double)part / (double)whole;
  int eighths = (int)((share > 1 ? 1 : share) * w * 8 + 0.5);
  for (; eighths >= 8; eighths -= 8)
    grid_put(grid, x++, y, role, U'█');
  if (eighths > 0)
    grid_put(grid, x, y, role, U" ▏▎▍▌▋▊▉"[eighths]);
}

int stall_draw_calls(struct grid *grid, struct rect rect,
                     const struct model *model,
                     const struct model_stall *stall) {
  int y = rect.y, right = rect.x + rect.w;
  for (size_t i = 0; i < stall->n_calls && y < rect.y + rect.h; i++, y++) {
    const struct model_call *call = &stall->calls[i];
    char name[64], on[320], both[440], site[128];
    format_buf duration, share;
    grid_right(grid, rect.x + 8, y, ROLE_BLOCK,
               format_duration(duration, call->duration_ns));
    grid_right(grid, rect.x + 13, y, ROLE_TEXT,
               format_share(share, call->duration_ns, stall->duration_ns));
    model_callee_name(model, call->callee, name, sizeof name);
    model_call_on(model, call, on, sizeof on);
    snprintf(both, sizeof both, "%s%s%s%s", name, *on ? " " : "", on,
             call->unfinished ? " ▶ never came back" : "");
    int x = rect.x + 15, wide = (right - x) / 2, column = x + wide / 2;
    x = grid_text_max(grid, x, y, wide, ROLE_BLOCK, both) + 2;
    x = x < column ? column : x;
    if (call->site)
      grid_text_max(grid, x, y, right - x, ROLE_TEXT,
                    model_site_name(model, call->site, site, sizeof site));
  }
  return y - rect.y;
}

/* "why  90% blocked 371ms · 7% computing 29ms" */
static void draw_why(struct grid *grid, struct rect rect, int y,
                     const struct model *model,
                     const struct model_stall *stall) {
  struct cause_part parts[CAUSE_PARTS];
  stall_parts(stall, parts);
  int x = grid_text(grid, rect.x + 1, y, ROLE_DIM, "why   ");
  if (!stall->has_usage) {
    grid_text_max(grid, x, y, rect.x + rect.w - x, ROLE_TEXT,
                  "not known: CPU time was not recorded around it");
    return;
  }
  for (size_t i = 0; i < CAUSE_PARTS; i++) {
    if (parts[i].ns * 100 < stall->duration_ns && i > 0)
      continue;
    format_buf share, duration;
    char text[150], name[96];
    snprintf(text, sizeof text, "%s%s %s %s", i ? " · " : "",
             format_share(share, parts[i].ns, stall->duration_ns),
             stall_part_name(model, stall, &parts[i], name, sizeof name),
             format_duration(duration, parts[i].ns));
    if (x + text_width(text) > rect.x + rect.w)
      break;
    x = grid_text(grid, x, y, parts[i].role, text);
  }
}

/* "since  ◀ timer on_tick  ◀ work ...": newest first. */
static void draw_path(struct grid *grid, struct rect rect, int y,
                      const struct model *model,
                      const struct model_stall *stall) {
  int x = grid_text(grid, rect.x + 1, y, ROLE_DIM, "since"), end;
  for (size_t i = 0; i < stall->n_ancestors; i++) {
    const struct model_ancestor *a = &stall->ancestors[i];
    char text[200], name[128];
    snprintf(text, sizeof text, " ◀ %s %s", lt_task_kind_name(a->kind),
             a->label  ? a->label
             : a->site ? model_site_short(model, a->site, name, sizeof name)
                       : "");
    end = x + text_width(text);
    if (end > rect.x + rect.w - 2 && i > 0) {
      grid_text(grid, x, y, ROLE_DIM, " …");
      return;
    }
    x = grid_text_max(grid, x, y, rect.x + rect.w - x, ROLE_TEXT, text);
  }
}

int stall_draw_source(struct grid *grid, struct rect rect,
                      const struct model *model,
                      const struct model_stall *stall) {
  const lt_site_def *def = model_site(model, finding_place(model, stall));
  unsigned n = 1;
  char line[400];
  int y = rect.y;
  if (!def || !def->file || !*def->file || !def->line)
    return 0;
  if (def->line > (unsigned)rect.h / 2)
    n = def->line - (unsigned)rect.h / 2;
  for (; y < rect.y + rect.h; n++, y++) {
    bool here = n == def->line;
    if (!excerpt_line(def->file, n, line, sizeof line))
      break;
    if (here)
      grid_put(grid, rect.x + 1, y, ROLE_ERROR, U'►');
    grid_print(grid, rect.x + 3, y, ROLE_DIM, "%5u │", n);
    grid_text_max(grid, rect.x + 11, y, rect.w - 12,
                  here ? ROLE_STRONG : ROLE_TEXT, line);
  }
  return y - rect.y;
}

void stall_draw_victims(struct grid *grid, struct rect rect,
                        const struct model *model,
                        const struct model_stall *stall) {
  char text[200], name[160];
  format_buf b;
  for (int i = 0; i < (int)stall->n_victims && i < rect.h; i++) {
    const struct model_victim *v = &stall->victims[i];
    grid_right(grid, rect.x + 8, rect.y + i, ROLE_WARN,
               format_duration(b, v->delay_ns));
    snprintf(text, sizeof text, "since %s  %s %s",
             format_moment(b, v->since_ns, 1000000),
             lt_task_kind_name(v->kind),
             model_site_short(model, v->site, name, sizeof name));
    grid_text_max(grid, rect.x + 10, rect.y + i, rect.w - 11, ROLE_TEXT, text);
  }
}

int stall_draw_stack(struct grid *grid, struct rect rect,
                     const struct model *model, uint32_t stack,
                     bool has_all_frames) {
  struct model_stack_line lines[STACK_ROWS];
  char text[600];
  size_t room = rect.h < 0           ? 0
                : rect.h > STACK_ROWS ? STACK_ROWS
                                      : (size_t)rect.h;
  size_t n = has_all_frames ? model_stack_frames(model, stack, lines, room)
                            : model_stack_lines(model, stack, lines, room);
  for (size_t i = 0; i < n; i++)
    grid_text_max(grid, rect.x, rect.y + (int)i, rect.w,
                  lines[i].site && !model_is_runtime(model, lines[i].site)
                      ? ROLE_TEXT
                      : ROLE_DIM,
                  model_stack_text(model, &lines[i], text, sizeof text));
  return (int)n;
}

/* Where it was seen to be. */
static void draw_seen(struct grid *grid, struct rect rect,
                      const struct model *model,
                      const struct model_stall *stall, bool has_all_frames) {
  if (!stall->stack || rect.h < 3)
    return;
  grid_text(grid, rect.x + 1, rect.y, ROLE_DIM, "seen in");
  stall_draw_stack(
      grid, (struct rect){rect.x + 3, rect.y + 1, rect.w - 4, rect.h - 1},
      model, stall->stack, has_all_frames);
}

/* The source, or where it was seen if that is not here or is asked for.
 * Returns: whether the source is there. */
static bool draw_place(struct grid *grid, struct rect rect,
                       const struct model *model,
                       const struct model_stall *stall, bool has_all_frames) {
  if (rect.h < 3)
    return false;
  if (!has_all_frames && stall_draw_source(grid, rect, model, stall))
    return true;
  draw_seen(grid, rect, model, stall, has_all_frames);
  return false;
}

/* Wide ones have that beside, and not below. */
void stall_draw_summary(struct grid *grid, struct rect rect,
                        const struct model *model,
                        const struct model_stall *stall, bool has_all_frames) {
  bool is_wide = rect.w >= 150, has_source = false;
  grid_clip(grid, rect);
  int y = rect.y, end = rect.y + rect.h;
  if (is_wide) {
    int half = rect.w / 2;
    has_source = draw_place(grid, (struct rect){rect.x + half, y, half, rect.h},
                            model, stall, has_all_frames);
    rect.w = half - 2;
  }
  draw_why(grid, rect, y++, model, stall);
  /* Calls take what the victims and the ancestry leave, but one at least. */
  int calls = end - y - 1 - (stall->n_ancestors > 0);
  calls = calls < 1 ? 1 : calls;
  if (y < end && stall->n_calls)
    y += stall_draw_calls(grid, (struct rect){rect.x, y, rect.w, calls}, model,
                          stall);
  if (y < end) {
    char text[120];
    int x = grid_text(grid, rect.x + 1, y, ROLE_DIM, "held  ");
    grid_text_max(grid, x, y, rect.x + rect.w - x, ROLE_TEXT,
                  stall_victims(stall, text, sizeof text));
    y++;
  }
  if (y < end && stall->n_ancestors)
    draw_path(grid, rect, y++, model, stall);
  struct rect rest = {rect.x, y + 1, rect.w, end - y - 1};
  if (!is_wide) {
    draw_place(grid, rest, model, stall, has_all_frames);
    return;
  }
  stall_draw_victims(grid, rest, model, stall);
  rest.y += (int)stall->n_victims + (stall->n_victims > 0);
  rest.h = end - rest.y;
  if (has_source)
    draw_seen(grid, rest, model, stall, false);
}
