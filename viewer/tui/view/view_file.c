/* I: what is known of the file, as `looptrace info` says it, and which modules
 * lack symbols.
 *
 * The trace is opened once more: the model's own reader is in use.  Called by
 * app.c. */
#include <stdlib.h>
#include <string.h>

#include "output/inert.h"
#include "output/info.h"
#include "tui/app.h"

#define INDENT 11 /* of what is said, behind the name of the thing */

/* Which modules lack names, and what to install. */
static void put_nameless(struct app *app, FILE *file) {
  const struct nameless *n = &app->nameless;
  const char *title = "symbols    ";
  char path[4200], id[128];
  if (!n->is_done)
    fprintf(file, "%sbeing looked for: press I again\n", title);
  for (size_t i = 0; n->is_done && i < n->n; i++) {
    const struct nameless_module *module = &n->modules[i];
    const lt_module_def *def = model_module(app->model, module->module);
    if (!module->n_nameless || !def)
      continue;
    inert(def->path, path, sizeof path);
    inert(def->build_id, id, sizeof id);
    fprintf(file,
            "%s%u of %u functions in use have no name in %s, build-id %s\n",
            title, module->n_nameless, module->n, path, *id ? id : "unknown");
    title = "           ";
  }
  if (*title == ' ')
    fprintf(file,
            "%sTo have their names, install the debug symbols "
            "(/usr/lib/debug/.build-id/; on Debian find-dbgsym-packages FILE "
            "names the package) or use a build that is not stripped; then "
            "record again.\n",
            title);
}

/* What was said at the beginning, again. */
static void put_problem(struct app *app, FILE *file) {
  const char *title = "problem    ";
  for (const char *line = app->problem; line && *line;) {
    size_t n = strcspn(line, "\n");
    if (n)
      fprintf(file, "%s%.*s\n", title, (int)n, line);
    title = "           ";
    line += n + (line[n] == '\n');
  }
}

/* Returns: owned; NULL where it cannot be had. */
static char *make_text(struct app *app) {
  struct info_said said = {.path = app->file};
  char *text = NULL;
  size_t size = 0;
  if (!app->path || lt_reader_open(app->path, &said.reader) != LT_OK)
    return NULL;
  said.info = lt_reader_info(said.reader);
  FILE *file =
      info_read_losses(&said) == LT_OK ? open_memstream(&text, &size) : NULL;
  if (file) {
    put_problem(app, file);
    info_text(file, &said);
    put_nameless(app, file);
    if (fclose(file) != 0) {
      free(text);
      text = NULL;
    }
  }
  lt_reader_close(said.reader);
  return text;
}

void file_open_details(struct app *app) {
  free(app->details.text);
  app->details.row = 0;
  app->details.text = make_text(app);
  if (app->details.text)
    app_go(app, SCREEN_FILE);
  else
    app_say(app, "the file cannot be read once more");
}

size_t text_fitting(const char *text, size_t n, int columns) {
  size_t word = 0;
  const char *p = text;
  for (int x = 0; p < text + n;) {
    const char *before = p;
    int w = char_width(utf8_next(&p));
    x += w > 0 ? w : 0;
    if (x > columns)
      return word ? word : before > text ? (size_t)(before - text) : 1;
    if (*before == ' ' && before > text)
      word = (size_t)(before - text);
  }
  return n;
}

static void put_row(struct app *app, struct rect body, size_t row,
                    const char *text, size_t n, bool has_name) {
  char part[600];
  size_t first = app->details.row;
  if (row < first || row - first >= (size_t)body.h)
    return;
  int y = body.y + (int)(row - first);
  if (has_name) {
    snprintf(part, sizeof part, "%.*s", INDENT, text);
    grid_text(&app->grid, 2, y, ROLE_DIM, part);
    text += INDENT;
    n -= INDENT;
  }
  snprintf(part, sizeof part, "%.*s", (int)n, text);
  grid_text_max(&app->grid, 2 + INDENT, y, body.w - 4 - INDENT, ROLE_TEXT,
                part);
}

/* Long lines go on below.  Returns: how many rows there are. */
static size_t draw_text(struct app *app, struct rect body, int w) {
  size_t rows = 0;
  for (const char *line = app->details.text; line && *line;) {
    size_t n = strcspn(line, "\n");
    const char *next = line + n + (line[n] == '\n');
    bool has_name = n >= INDENT;
    while (n) {
      size_t name = has_name ? INDENT : 0;
      size_t used = name + text_fitting(line + name, n - name, w - 4 - INDENT);
      put_row(app, body, rows++, line, used, has_name);
      has_name = false;
      line += used;
      n -= used;
      while (n && *line == ' ') {
        line++;
        n--;
      }
    }
    line = next;
  }
  return rows;
}

static void draw(struct app *app, const struct layout *layout) {
  grid_rule(&app->grid, layout->rule, "as looptrace info says it");
  grid_clip(&app->grid, layout->body);
  size_t n = draw_text(app, layout->body, layout->w);
  if (n > (size_t)layout->body.h)
    app_note(app, layout, "j and k scroll");
}

static bool key(struct app *app, enum action action) {
  struct layout layout;
  struct rect nowhere = {0};
  app_layout(app, &layout);
  size_t n = draw_text(app, nowhere, layout.w);
  size_t h = layout.body.h > 0 ? (size_t)layout.body.h : 1;
  return app_move(action, n > h ? n - h + 1 : 1, layout.body.h,
                  &app->details.row);
}

const struct view view_file = {"file", AT_FILE, false, draw, key};
