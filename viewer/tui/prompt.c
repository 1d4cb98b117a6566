/* The line that is typed at the bottom: search, filter, command, mark.
 *
 * Invariant: what is typed changes nothing until Enter; the preview only
 * counts. Called by app.c. */
#include <string.h>

#include "base/duration.h"
#include "tui/app.h"
#include "tui/view/format.h"

static const char *const commands[] = {"goto", "zoom", "screen", "filter",
                                       "search", "note", "compare", "set",
                                       "quit", NULL};

void prompt_open(struct app *app, char kind) {
  struct prompt *p = &app->prompt;
  p->kind = kind;
  p->text[0] = '\0';
  p->at_history = p->n_history;
  if (kind == '&') /* to change it, or to empty it */
    snprintf(p->text, sizeof p->text, "%s", app->filter.text);
}

static void remember(struct prompt *p) {
  if (!p->text[0] ||
      (p->n_history && !strcmp(p->history[p->n_history - 1], p->text)))
    return;
  if (p->n_history == PROMPT_HISTORY) {
    memmove(p->history, p->history + 1, sizeof p->history - sizeof *p->history);
    p->n_history--;
  }
  memcpy(p->history[p->n_history++], p->text, sizeof p->text);
}

/* Completion */

/* Of "set NAME VALUE": the n-th name or value that the word begins. */
static const char *option_candidate(const char *name, const char *word,
                                    size_t n, char *buf) {
  char option[16];
  const char *found;
  snprintf(option, sizeof option, "%.*s", (int)strcspn(name, " "), name);
  for (size_t i = 0;; i++) {
    found = !strchr(name, ' ') ? options_name(i) : options_value(option, i, buf);
    if (!found || (!strncmp(found, word, strlen(word)) && n-- == 0))
      return found;
  }
}

/* The n-th candidate for the word that begins at `word`; NULL for no more. */
static const char *candidate(const struct app *app, const char *word, size_t n,
                             char *buf, size_t size) {
  const struct model *m = app->model;
  word += *word == '-';
  const char *colon = strchr(word, ':');
  if (app->prompt.kind == ':' && word == app->prompt.text) {
    for (size_t i = 0; commands[i]; i++)
      if (!strncmp(commands[i], word, strlen(word)) && n-- == 0)
        return commands[i];
    return NULL;
  }
  if (app->prompt.kind == ':')
    return !strncmp(app->prompt.text, "set ", 4)
               ? option_candidate(app->prompt.text + 4, word, n, buf)
               : NULL;
  if (!colon) {
    const char *key = filter_key_name(word, strlen(word), n);
    if (key)
      snprintf(buf, size, "%s%s", key, strcmp(key, "dur") ? ":" : ">");
    return key ? buf : NULL;
  }
  size_t key_n = (size_t)(colon - word) + 1;
  const char *value = colon + 1, *comma;
  while ((comma = strchr(value, ',')))
    value = comma + 1;
  size_t head = (size_t)(value - word);
  for (size_t i = 0; i < 256; i++) {
    char name[128] = "";
    if (!strncmp(word, "kind:", key_n) && i < 64)
      snprintf(name, sizeof name, "%s",
               i && !strcmp(lt_task_kind_name((unsigned)i), "unknown")
                   ? ""
                   : lt_task_kind_name((unsigned)i));
    else if (!strncmp(word, "loop:", key_n) && i < m->n_loops)
      snprintf(name, sizeof name, "%s", m->loops[i].name);
    else if (!strncmp(word, "site:", key_n) && i < m->n_sites)
      model_site_short(m, m->sites[i].site, name, sizeof name);
    else if (!strncmp(word, "rule:", key_n) && i < 4)
      snprintf(
          name, sizeof name, "%s",
          ((const char *[]){"stall", "long-turn", "gap", "blocking-call"})[i]);
    if (*name && !strncmp(name, value, strlen(value)) && n-- == 0) {
      snprintf(buf, size, "%.*s%s", (int)head, word, name);
      return buf;
    }
  }
  return NULL;
}

static char *last_word(char *text) {
  char *blank = strrchr(text, ' ');
  return blank ? blank + 1 : text;
}

/* As far as all candidates agree; where that is no step on, the first one. */
static void complete(struct app *app) {
  struct prompt *p = &app->prompt;
  char first[FILTER_TEXT_MAX], other[FILTER_TEXT_MAX];
  char *word = last_word(p->text);
  const char *found = candidate(app, word, 0, first, sizeof first);
  if (!found)
    return;
  if (found != first)
    snprintf(first, sizeof first, "%s", found);
  size_t same = strlen(first), typed = strlen(word) - (*word == '-');
  for (size_t i = 1; (found = candidate(app, word, i, other, sizeof other));
       i++) {
    size_t k = 0;
    while (k < same && found[k] == first[k])
      k++;
    same = k;
  }
  if (same <= typed)
    same = strlen(first);
  size_t room = sizeof p->text - (size_t)(word - p->text) - 2;
  word += *word == '-';
  snprintf(word, room, "%.*s", (int)same, first);
}

/* Taking it */

bool prompt_moment(const char *text, size_t n, int64_t *ns) {
  char copy[40];
  uint64_t value;
  if (n >= sizeof copy)
    return false;
  snprintf(copy, sizeof copy, "%.*s", (int)n, text);
  if (duration_parse(copy, &value) != LT_OK || value > INT64_MAX / 2)
    return false;
  *ns = (int64_t)value;
  return true;
}

static void go_to(struct app *app, int64_t at) {
  app->came_from_ns = app->cursor_ns;
  app->cursor_ns = at < app->model->end_ns ? at : app->model->end_ns - 1;
  if (app->cursor_ns < 0)
    app->cursor_ns = 0;
  struct lanes *lanes = &app->lanes;
  int64_t length = lanes->to - lanes->from;
  if (app->cursor_ns < lanes->from || app->cursor_ns >= lanes->to)
    lanes_set_window(app, app->cursor_ns - length / 2,
                     app->cursor_ns + length / 2);
  app_go(app, SCREEN_LANES);
}

bool prompt_range(const char *text, int64_t *from_ns, int64_t *to_ns) {
  const char *dots = strstr(text, "..");
  int64_t from, to;
  if (!dots || !prompt_moment(text, (size_t)(dots - text), &from) ||
      !prompt_moment(dots + 2, strlen(dots + 2), &to) || to <= from)
    return false;
  *from_ns = from;
  *to_ns = to;
  return true;
}

static void zoom_to(struct app *app, const char *range) {
  int64_t from, to;
  if (!prompt_range(range, &from, &to)) {
    app_say(app, "zoom takes a stretch of time, such as 1.2s..1.4s");
    return;
  }
  lanes_push_history(app);
  lanes_set_window(app, from, to);
  if (app->cursor_ns < from || app->cursor_ns >= to)
    app->cursor_ns = app->lanes.from;
  app_go(app, SCREEN_LANES);
}

static void set_filter(struct app *app, const char *text) {
  char error[200] = "";
  bool ok = filter_parse(&app->filter, text, error, sizeof error);
  hits_apply(app);
  if (!ok)
    app_say(app, "%s", error);
}

void prompt_drop_filter(struct app *app) {
  set_filter(app, "");
}

void prompt_search(struct app *app, const char *text) {
  char error[200] = "";
  if (!filter_parse(&app->search, text, error, sizeof error))
    app_say(app, "%s", error);
  else if (app->search.n)
    hits_go(app, true);
}

static void compare_with(struct app *app, const char *path) {
  lt_status status = *path ? compare_open(app, path) : LT_INVALID;
  if (status != LT_OK)
    app_say(app, "compare takes an older trace: %s",
            *path ? lt_status_text(status) : "a file");
  else
    app_key(app, U'6');
}

static void set_option(struct app *app, char *text) {
  char *value = text + strcspn(text, " =");
  if (*value)
    *value++ = '\0';
  value += strspn(value, " =");
  const char *problem = options_set(&app->options, text, value);
  keymap_wasd(options_is(&app->options, OPTION_WASD, "yes"));
  if (problem)
    app_say(app, "set: %s", problem);
  else
    app_say(app, "%s = %s; ~/.config/looptrace/config keeps it", text, value);
}

/* Returns: false for the command to quit. */
static bool command(struct app *app, char *text) {
  char *argument = text + strcspn(text, " ");
  if (*argument)
    *argument++ = '\0';
  argument += strspn(argument, " ");
  int64_t at;
  if (!strcmp(text, "quit") || !strcmp(text, "q"))
    return false;
  if (!strcmp(text, "goto") && prompt_moment(argument, strlen(argument), &at))
    go_to(app, at);
  else if (!strcmp(text, "goto"))
    app_say(app, "goto takes " DURATION_FORMS);
  else if (!strcmp(text, "zoom"))
    zoom_to(app, argument);
  else if (!strcmp(text, "filter"))
    set_filter(app, argument);
  else if (!strcmp(text, "note"))
    notes_add(app, argument);
  else if (!strcmp(text, "set"))
    set_option(app, argument);
  else if (!strcmp(text, "compare"))
    compare_with(app, argument);
  else if (!strcmp(text, "search"))
    prompt_search(app, argument);
  else if (!strcmp(text, "screen")) {
    for (char32_t i = 0; i < SCREEN_COUNT; i++)
      if (app_views[i]->is_tab && i != SCREEN_REPLAY &&
          !strcmp(app_views[i]->name, argument))
        return app_key(app, U'1' + i);
    app_say(app,
            "screens are overview, lanes, stalls, sites, tasks and compare");
  } else if (*text)
    app_say(app, "there is no command %s; Tab lists them", text);
  return true;
}

static bool accept(struct app *app) {
  struct prompt *p = &app->prompt;
  char kind = p->kind, text[FILTER_TEXT_MAX];
  memcpy(text, p->text, sizeof text);
  remember(p);
  p->kind = 0;
  if (kind == '&')
    set_filter(app, text);
  else if (kind == '/' && !*text && app->search.n)
    hits_go(app, true);
  else if (kind == '/')
    prompt_search(app, text);
  else if (kind == 'x')
    action_suppress(app, text);
  else if (kind == ':')
    return command(app, text);
  return true;
}

/* '' and '] and '[ are moments, too. */
static bool go_elsewhere(struct app *app, char32_t key) {
  const struct note *note =
      key == U']' || key == U'[' ? notes_next(app, key == U']') : NULL;
  if (key == U'\'' && app->came_from_ns >= 0)
    go_to(app, app->came_from_ns);
  else if (note)
    go_to(app, note->at_ns);
  else
    return false;
  return true;
}

static bool mark(struct app *app, char32_t key) {
  bool sets = app->prompt.kind == 'm';
  format_buf at;
  app->prompt.kind = 0;
  if (!sets && go_elsewhere(app, key))
    return true;
  if (!sets && (key == U']' || key == U'[')) {
    app_say(app, "no note %s this moment; :note TEXT makes one",
            key == U']' ? "after" : "before");
    return true;
  }
  if (key < U'a' || key > U'z') {
    app_say(app, "a mark is a letter from a to z");
    return true;
  }
  int64_t *moment = &app->marks[key - U'a'];
  if (sets) {
    *moment = app->cursor_ns;
    notes_keep_mark(app, (char)key);
    app_say(app, "mark %c is at %s", (char)key,
            format_moment(at, *moment, 100000));
  } else if (*moment < 0) {
    app_say(app, "mark %c is not set; m%c sets it", (char)key, (char)key);
  } else {
    go_to(app, *moment);
  }
  return true;
}

static void recall(struct prompt *p, bool older) {
  if (older ? p->at_history == 0 : p->at_history >= p->n_history)
    return;
  p->at_history = older ? p->at_history - 1 : p->at_history + 1;
  if (p->at_history == p->n_history)
    p->text[0] = '\0';
  else
    memcpy(p->text, p->history[p->at_history], sizeof p->text);
}

bool prompt_key(struct app *app, char32_t key) {
  struct prompt *p = &app->prompt;
  size_t n = strlen(p->text);
  if (key == TK_ESCAPE || key == 3) {
    p->kind = 0;
    return true;
  }
  if (p->kind == 'm' || p->kind == '\'')
    return mark(app, key);
  switch (key) {
  case TK_ENTER:
    return accept(app);
  case TK_TAB:
    complete(app);
    return true;
  case TK_UP:
  case TK_DOWN:
    recall(p, key == TK_UP);
    return true;
  case TK_BACKSPACE:
    if (n == 0)
      p->kind = 0;
    while (n > 0 && ((unsigned char)p->text[--n] & 0xc0) == 0x80)
      ;
    p->text[n] = '\0';
    return true;
  case 'U' - '@':
    p->text[0] = '\0';
    return true;
  default:
    if (key >= 0x20 && key < KEY_FIRST_ && char_width(key) > 0 &&
        n + 5 < sizeof p->text)
      p->text[n + utf8_put(key, p->text + n)] = '\0';
    return true;
  }
}

/* Drawing */

static void draw_candidates(struct app *app, struct rect r) {
  char word[FILTER_TEXT_MAX], buf[FILTER_TEXT_MAX], copy[FILTER_TEXT_MAX];
  memcpy(copy, app->prompt.text, sizeof copy);
  snprintf(word, sizeof word, "%s", last_word(copy));
  bool is_command = app->prompt.kind == ':' && !strchr(app->prompt.text, ' ');
  const char *found;
  int x = grid_text(&app->grid, 1, r.y, ROLE_KEY, "Tab ");
  if (app->prompt.kind == ':' && !is_command &&
      strncmp(app->prompt.text, "set ", 4) != 0) {
    grid_text_max(&app->grid, x, r.y, r.w - x - 1, ROLE_DIM,
                  "note TEXT · goto 31.2s · zoom 1.2s..1.4s · screen lanes · "
                  "compare FILE");
    return;
  }
  const char *begin = is_command ? app->prompt.text : word;
  for (size_t i = 0; x < r.w - 8 && i < 40 &&
                     (found = candidate(app, begin, i, buf, sizeof buf));
       i++)
    x = grid_text_max(&app->grid, x, r.y, r.w - x - 1, ROLE_DIM, found) + 2;
}

static void draw_preview(struct app *app, struct rect r) {
  const struct preview *p = hits_preview(app);
  char text[80];
  if (!p)
    return;
  if (p->error[0]) {
    grid_right(&app->grid, r.w - 1, r.y, ROLE_ERROR, p->error);
    return;
  }
  bool is_all = p->n_seen == p->of.n;
  snprintf(text, sizeof text, "%zu of %zu%s", p->found, p->n_seen,
           is_all ? "" : " so far");
  grid_right(&app->grid, r.w - 1, r.y,
             p->found ? ROLE_OK
             : is_all ? ROLE_WARN
                      : ROLE_DIM,
             text);
}

void prompt_draw(struct app *app, const struct layout *layout) {
  struct prompt *p = &app->prompt;
  struct rect r = layout->message;
  const char *name = p->kind == '/'   ? "search"
                     : p->kind == '&' ? "filter"
                     : p->kind == 'm' ? "mark: a letter"
                     : p->kind == ':' ? "command"
                     : p->kind == 'x'
                         ? "reason to accept it"
                         : "go to mark: a letter, ' where you were, ] [ a note";
  if (p->kind == '/' || p->kind == '&')
    prompt_draw_language(app, layout);
  grid_clip(&app->grid, r);
  grid_field(&app->grid, 0, r.y, r.w, ROLE_TEXT, "");
  int x = grid_text(&app->grid, 1, r.y, ROLE_DIM, name);
  x = grid_text(&app->grid, x, r.y, ROLE_DIM, " › ");
  x = grid_text_max(&app->grid, x, r.y, r.w - x - 24, ROLE_STRONG, p->text);
  grid_put(&app->grid, x, r.y, ROLE_CURSOR, U'█');
  if (p->kind == '/' || p->kind == '&')
    draw_preview(app, r);
  grid_clip(&app->grid, layout->keys);
  if (p->kind == 'm' || p->kind == '\'' || p->kind == 'x')
    grid_text(&app->grid, 1, layout->keys.y, ROLE_DIM,
              p->kind == 'x'
                  ? "Enter writes a line for check into .looptrace-suppress, "
                    "Esc cancels"
                  : "Esc cancels");
  else
    draw_candidates(app, layout->keys);
}
