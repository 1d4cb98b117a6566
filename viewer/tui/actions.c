/* What a key does with the thing that is selected: its task, its source, its
 * rule, a suppression of it, a command that comes back to it.
 *
 * Invariant: nothing is written to a file before the reason for it was typed.
 * Called by app.c and prompt.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/suppress.h"
#include "model/finding.h"
#include "output/excerpt.h"
#include "output/inert.h"
#include "tui/app.h"
#include "tui/view/stall.h"

#define SUPPRESS_FILE ".looptrace-suppress"

static bool is_in_lanes(const struct app *app) {
  return app_screen(app) == SCREEN_LANES || app_screen(app) == SCREEN_REPLAY;
}

/* In the lanes: what is under the cursor; NULL for nothing. */
static const struct model_span *chosen_span(struct app *app) {
  struct lane lanes[LANES_MAX];
  size_t n = is_in_lanes(app) ? lanes_list(app, lanes) : 0;
  return n ? lanes_under_cursor(app, &lanes[lanes_current(app, lanes, n)])
           : NULL;
}

/* The stall that is selected, in the lanes the one under the cursor; NULL for
 * none. */
static const struct model_stall *chosen_stall(struct app *app) {
  const struct model *m = app->model;
  if (is_in_lanes(app)) {
    const struct model_span *s = chosen_span(app);
    return s && s->what != LT_POOL_BEGIN
               ? stall_find(m, app->longest_ns, s->thread, s->begin_ns,
                            s->end_ns)
               : NULL;
  }
  return app->stall != NO_STALL ? &m->stalls[app->stall] : NULL;
}

void app_open_tasks(struct app *app, uint64_t id) {
  struct tasks_pane *pane = &app->tasks;
  tasks_open(pane, app->path);
  if (id)
    pane->selected = id;
  else if (!pane->selected && app->stall != NO_STALL)
    pane->selected = app->model->stalls[app->stall].task;
  if (app->stack[0] != SCREEN_TASKS)
    app_go(app, SCREEN_TASKS);
}

void action_task(struct app *app) {
  const struct model_span *s = chosen_span(app);
  uint64_t id = is_in_lanes(app)         ? s ? s->task : 0
                : app->stall != NO_STALL ? app->model->stalls[app->stall].task
                                         : 0;
  if (id)
    app_open_tasks(app, id);
  else
    app_say(app, "there is no task here");
}

/* The place of the selected thing in the source; 0 for none. */
static uint32_t chosen_site(struct app *app) {
  const struct model_span *span = chosen_span(app);
  const struct model_stall *stall = chosen_stall(app);
  const struct census_task *task;
  const struct compare *c = &app->compare;
  char name[256];
  switch (app_screen(app)) {
  case SCREEN_SITES:
    return app->n_site_order
               ? app->model->sites[app->site_order[app->site]].site
               : 0;
  case SCREEN_TASKS:
    task = tasks_find(&app->tasks, app->tasks.selected);
    return task ? task->site : 0;
  case SCREEN_COMPARE:
    for (size_t i = 0; i < app->model->n_sites && c->row < c->n_order; i++)
      if (!strcmp(c->diff.rows[c->order[c->row]].name,
                  model_site_short(app->model, app->model->sites[i].site, name,
                                   sizeof name)))
        return app->model->sites[i].site;
    return 0;
  default:
    return stall && !(span && span->what == LT_CALL)
               ? finding_place(app->model, stall)
           : span ? span->site
                  : 0;
  }
}

/* O */

void action_edit(struct app *app) {
  const lt_site_def *def = model_site(app->model, chosen_site(app));
  if (!def || !def->file || !*def->file || !def->line) {
    app_say(app, "the line of it is not known");
    return;
  }
  char name[200];
  inert(excerpt_path(def->file), name, sizeof name);
  if (access(def->file, R_OK) != 0) {
    app_say(app, "%s is not here", name);
    return;
  }
  snprintf(app->edit.path, sizeof app->edit.path, "%s%s",
           *def->file == '/' ? "" : "./", def->file);
  app->edit.line = def->line;
  app_say(app, "edited: %s:%u", name, def->line);
}

/* K */

void action_explain(struct app *app) {
  const struct model_span *span = chosen_span(app);
  const struct model_stall *stall = chosen_stall(app);
  const struct compare *c = &app->compare;
  bool is_call = span && span->what == LT_CALL && !stall;
  if (app_screen(app) == SCREEN_SITES && app->n_site_order)
    is_call = app->model->sites[app->site_order[app->site]].is_call;
  if (app_screen(app) == SCREEN_COMPARE && c->row < c->n_order)
    is_call = c->diff.rows[c->order[c->row]].is_call;
  app->explain.rule = is_call ? "blocking-call"
                      : stall ? finding_rule(stall)
                              : "stall";
  app->explain.row = 0;
  app_go(app, SCREEN_EXPLAIN);
}

/* x */

/* The line that would mute a stall, without its reason; to be freed.  NULL
 * without memory, "" where no line can name it. */
static char *suppression_of(const struct app *app,
                            const struct model_stall *stall) {
  const struct budget budget = {.max_stall_ns = MODEL_ERROR_NS};
  struct finding f = finding_of_stall(app->model, &budget, stall);
  char *line = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&line, &size);
  if (!file)
    return NULL;
  bool is_line = suppress_print(file, app->model, &f);
  if (fclose(file) != 0) {
    free(line);
    return NULL;
  }
  char *end = is_line ? strrchr(line, '#') : line;
  if (end)
    *end = '\0';
  return line;
}

void action_mute(struct app *app) {
  if (!chosen_stall(app))
    app_say(app, "there is no stall here to suppress");
  else
    prompt_open(app, 'x');
}

void action_suppress(struct app *app, const char *reason) {
  const struct model_stall *stall = chosen_stall(app);
  char *line = stall ? suppression_of(app, stall) : NULL;
  char all[1200], shown[160];
  if (!*reason || !line || !*line) {
    app_say(app, "%s",
            !*reason ? "nothing written: a suppression needs its reason"
            : line   ? "nothing written: its place is not known, so that no "
                       "line can name it"
                     : lt_status_text(LT_NOMEM));
    free(line);
    return;
  }
  int n = snprintf(all, sizeof all, "%s# %s\n", line, reason);
  int fd = open(SUPPRESS_FILE, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  ssize_t written =
      fd < 0 || n >= (int)sizeof all ? -1 : write(fd, all, (size_t)n);
  int error = errno;
  if (fd >= 0 && close(fd) != 0)
    written = -1;
  if (written == n)
    muted_read(app);
  if (written != n)
    app_say(app, SUPPRESS_FILE " cannot be written: %s", strerror(error));
  else
    app_say(app, "check will pass it, from " SUPPRESS_FILE ": %s",
            inert(line, shown, sizeof shown));
  free(line);
}

/* y */

static void put_time(FILE *file, int64_t ns) {
  fprintf(file, "%lld.%09llds", (long long)(ns / 1000000000),
          (long long)(ns % 1000000000));
}

/* What is selected, in the words of --select. */
static void put_select(FILE *file, struct app *app, enum screen_id screen) {
  const struct model *m = app->model;
  char word[200] = "", name[160];
  const struct model_stall *s =
      app->stall != NO_STALL ? &m->stalls[app->stall] : NULL;
  if (screen == SCREEN_TASKS && app->tasks.selected)
    snprintf(word, sizeof word, "#%llu",
             (unsigned long long)app->tasks.selected);
  else if (screen == SCREEN_SITES && app->n_site_order)
    snprintf(word, sizeof word, "%s",
             model_site_short(m, m->sites[app->site_order[app->site]].site,
                              name, sizeof name));
  else if ((screen == SCREEN_STALLS || screen == SCREEN_DETAIL) && s &&
           s->loop < m->n_loops)
    snprintf(word, sizeof word, "%s/%llu", m->loops[s->loop].name,
             (unsigned long long)s->turn);
  if (!*word)
    return;
  fputs(" --select ", file);
  inert_word(file, word);
}

void action_copy(struct app *app) {
  enum screen_id screen = app_screen(app);
  char path[600];
  if (screen != SCREEN_DETAIL &&
      (screen == SCREEN_REPLAY || !app_views[screen]->is_tab))
    screen = SCREEN_LANES;
  FILE *file = fmemopen(app->clipboard, sizeof app->clipboard - 1, "w");
  if (!file) {
    app_say(app, "%s", lt_status_text(LT_NOMEM));
    return;
  }
  fprintf(file, "looptrace view --screen %s --at ", app_views[screen]->name);
  put_time(file, app->cursor_ns);
  if (screen == SCREEN_LANES) {
    fputs(" --range ", file);
    put_time(file, app->lanes.from);
    fputs("..", file);
    put_time(file, app->lanes.to);
  }
  put_select(file, app, screen);
  if (app->filter.n) {
    fputs(" --filter ", file);
    inert_word(file, app->filter.text);
  }
  putc(' ', file);
  inert_word(file, inert(app->path ? app->path : app->file, path, sizeof path));
  long used = ftell(file);
  fclose(file);
  app->clipboard[used > 0 && (size_t)used < sizeof app->clipboard ? used : 0] =
      '\0';
  app_say(app, "copied: %s", app->clipboard);
}

/* What --select says.  Returns: false where there is no such thing. */

static bool select_turn(struct app *app, const char *word, const char *slash) {
  const struct model *m = app->model;
  char *end;
  unsigned long long turn = strtoull(slash + 1, &end, 10);
  size_t n = (size_t)(slash - word);
  if (end == slash + 1 || *end)
    return false;
  for (size_t i = 0; i < m->n_stalls; i++) {
    const struct model_stall *s = &m->stalls[app->worst[i]];
    const char *name = s->loop < m->n_loops ? m->loops[s->loop].name : "";
    if (s->turn == turn && strlen(name) == n && !memcmp(name, word, n)) {
      app_select_stall(app, app->worst[i]);
      return true;
    }
  }
  return false;
}

bool action_select(struct app *app, const char *word) {
  const char *slash = strrchr(word, '/');
  char name[160], *end;
  if (*word == '#') {
    unsigned long long id = strtoull(word + 1, &end, 10);
    if (end == word + 1 || *end)
      return false;
    app_open_tasks(app, id);
    return true;
  }
  if (slash && select_turn(app, word, slash))
    return true;
  for (size_t i = 0; i < app->n_site_order; i++)
    if (!strcmp(word,
                model_site_short(app->model,
                                 app->model->sites[app->site_order[i]].site,
                                 name, sizeof name))) {
      app->site = i;
      return true;
    }
  return false;
}
