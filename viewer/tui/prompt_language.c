/* The words of search and filter in a box above the line that is typed, with
 * values of this trace.
 *
 * Invariant: it covers a part of the screen and changes nothing.  Called by
 * prompt.c. */
#include <string.h>

#include "tui/app.h"

#define KEY_W 7
#define MEANING_W 26

static const struct row {
  const char *key, *meaning, *values; /* NULL: those of the trace */
} rows[] = {
    {"dur", "how long", "dur>10ms  dur:5ms..50ms"},
    {"kind", "of callback, or a call", NULL},
    {"loop", "name of a loop", NULL},
    {"site", "function or file", NULL},
    {"task", "number or name", "task:#12  task:GET*"},
    {"rule", "of check", "stall long-turn gap blocking-call"},
    {"/re/", "an expression on any name", "/on_(read|write)/"},
    {"-", "drops what matches", "-kind:timer   a,b either   blank both"},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* A value once.  Returns: whether there was room. */
static bool put_value(struct app *app, int *x, int y, int end, char *said,
                      size_t size, const char *value) {
  char quoted[140];
  snprintf(quoted, sizeof quoted, " %s ", value);
  if (!*value || strstr(said, quoted))
    return true;
  if (strlen(said) + strlen(quoted) >= size || *x + text_width(value) > end)
    return false;
  strcat(said, quoted);
  *x = grid_text(&app->grid, *x, y, ROLE_RUN, value) + 1;
  return true;
}

/* Those that took most go first; names that would not be seen are not asked
 * for, as that may read files of code. */
static void draw_values(struct app *app, const char *key, int x, int y,
                        int end) {
  const struct model *m = app->model;
  char said[600] = " ", name[128];
  bool fits = true, is_site = !strcmp(key, "site");
  if (!strcmp(key, "loop")) {
    for (size_t i = 0; i < m->n_loops && fits; i++)
      fits = put_value(app, &x, y, end, said, sizeof said, m->loops[i].name);
    return;
  }
  for (size_t i = 0; i < m->n_sites && i < 256 && fits; i++) {
    const struct model_site *s = &m->sites[i];
    if (is_site)
      model_site_short(m, s->site, name, sizeof name);
    else if (s->is_call)
      model_callee_name(m, s->kind, name, sizeof name);
    else
      snprintf(name, sizeof name, "%s", lt_task_kind_name(s->kind));
    fits = put_value(app, &x, y, end, said, sizeof said, name);
  }
}

/* The key that is being typed. */
static bool is_typed(const struct app *app, const char *key) {
  const char *text = app->prompt.text, *blank = strrchr(text, ' ');
  const char *word = blank ? blank + 1 : text;
  if (*word == '-' && strcmp(key, "-") != 0)
    word++;
  size_t n = strcspn(word, ":<>=");
  return *word && (*word == '/' ? *key == '/' : !strncmp(key, word, n));
}

static void draw_recent(struct app *app, int x, int y, int end) {
  const struct prompt *p = &app->prompt;
  x = grid_text(&app->grid, x, y, ROLE_DIM, "recent ");
  for (size_t i = p->n_history; i-- > 0 && x < end - 4;)
    x = grid_text_max(&app->grid, x, y, end - x, ROLE_TEXT, p->history[i]) + 2;
}

void prompt_draw_language(struct app *app, const struct layout *layout) {
  struct rect box = layout->body;
  bool has_recent = app->prompt.n_history > 0;
  int h = N_ROWS + 2 + has_recent;
  if (box.h < h + 4) /* what is searched must be seen, too */
    return;
  box.y += box.h - h;
  box.h = h;
  grid_clip(&app->grid, box);
  for (int y = box.y; y < box.y + h; y++)
    grid_field(&app->grid, box.x, y, box.w, ROLE_TEXT, "");
  struct rect r = grid_box(&app->grid, box,
                           app->prompt.kind == '/'
                               ? "Search: Tab completes, Enter goes there"
                               : "Filter: Tab completes, Enter keeps it");
  int end = r.x + r.w - 1, x = r.x + 1 + KEY_W + MEANING_W;
  for (int i = 0; i < N_ROWS; i++) {
    const struct row *row = &rows[i];
    int y = r.y + i;
    bool is_now = is_typed(app, row->key);
    if (is_now)
      grid_put(&app->grid, r.x, y, ROLE_KEY, U'>');
    grid_text(&app->grid, r.x + 1, y, is_now ? ROLE_STRONG : ROLE_KEY,
              row->key);
    grid_text_max(&app->grid, r.x + 1 + KEY_W, y, MEANING_W - 1, ROLE_TEXT,
                  row->meaning);
    if (row->values)
      grid_text_max(&app->grid, x, y, end - x, ROLE_DIM, row->values);
    else
      draw_values(app, row->key, x, y, end);
  }
  if (has_recent)
    draw_recent(app, r.x + 1, r.y + N_ROWS, end);
}
