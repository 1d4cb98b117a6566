/* A trace that is not whole says so before anything else, once: what was read,
 * what was not, what is missing in it, what stayed open.
 *
 * Invariant: the lines are made when the model is complete.  Called by app.c,
 * view_overview.c and view_file.c. */
#include <stdlib.h>
#include <string.h>

#include "output/inert.h"
#include "output/units.h"
#include "tui/app.h"

#define INDENT 9 /* of what is said, behind the name of the thing */

static void put_lost(struct app *app, FILE *file) {
  const struct model *m = app->model;
  units_buf n, from, to;
  for (unsigned i = 0; i < LT_LOST_LIMIT; i++)
    if (m->lost[i].n)
      fprintf(file, "Lost     %s events from %s to %s: %s (drawn as ▒).\n",
              units_count(n, m->lost[i].n), units_at(from, m->lost[i].first_ns),
              units_at(to, m->lost[i].last_ns), lt_lost_text(i));
}

static void put_lines(struct app *app, FILE *file) {
  const struct model *m = app->model;
  const lt_info *info = m->info;
  char text[200];
  units_buf a, b;
  bool is_cut = info->problem == LT_TRUNCATED, is_read = info->problem == LT_OK;
  fprintf(file, "%s\n",
          is_cut    ? "Recording stopped without closing the file: it is still "
                      "being written, or cut."
          : is_read ? "The file is whole, but not all that happened is in it."
                    : "Some blocks cannot be read; all others are shown.");
  fprintf(file, "Read     %s events in %u blocks, up to %s.\n",
          units_count(a, info->n_events), info->n_chunks,
          units_at(b, m->end_ns));
  if (is_cut && info->problem_at < info->size_bytes)
    fprintf(file, "Dropped  the last %s, from byte %llu on: no whole epoch.\n",
            units_bytes(a, info->size_bytes - info->problem_at),
            (unsigned long long)info->problem_at);
  if (!is_cut && !is_read) {
    inert(info->problem_text && *info->problem_text
              ? info->problem_text
              : lt_status_text(info->problem),
          text, sizeof text);
    fprintf(file, "Damaged  from byte %llu of %llu: %s.\n",
            (unsigned long long)info->problem_at,
            (unsigned long long)info->size_bytes, text);
  }
  put_lost(app, file);
  fprintf(file,
          "Open     %s tasks never ended, %s callbacks have no end or no "
          "begin; drawn with ▶.\n",
          units_count(a, m->n_tasks_live), units_count(b, m->n_unmeasured));
  fputs(is_read ? "\nCounts around what is lost are lower bounds; all else is "
                  "as it was."
                : "\nEvery screen works on the part that was read.",
        file);
  if (is_cut)
    fputs(" looptrace recover makes a closed copy.", file);
  fputc('\n', file);
}

void problem_make(struct app *app) {
  size_t size;
  free(app->problem);
  app->problem = NULL;
  FILE *file = app->shows_problem ? open_memstream(&app->problem, &size) : NULL;
  if (!file)
    return;
  put_lines(app, file);
  if (fclose(file) != 0) {
    free(app->problem);
    app->problem = NULL;
  }
}

/* Long lines go on below, behind the name of the thing.  grid NULL: they are
 * counted only.  Returns: rows. */
static int draw_lines(struct grid *grid, struct rect r, const char *text) {
  int y = 0;
  while (text && *text) {
    size_t n = strcspn(text, "\n");
    const char *next = text + n + (text[n] == '\n');
    bool has_name = n > INDENT && !strncmp(text + INDENT - 2, "  ", 2);
    int indent = 0;
    do {
      char row[300];
      size_t used = text_fitting(text, n, r.w - indent);
      snprintf(row, sizeof row, "%.*s", (int)used, text);
      if (grid && y < r.h)
        grid_text_max(grid, r.x + indent, r.y + y, r.w - indent, ROLE_TEXT,
                      row);
      for (text += used, n -= used; n && *text == ' '; n--)
        text++;
      indent = has_name ? INDENT : 0;
      y++;
    } while (n);
    text = next;
  }
  return y;
}

void problem_draw(struct app *app, const struct layout *layout) {
  struct rect box = layout->body;
  struct grid *g = &app->grid;
  lt_status problem = app->model->info->problem;
  int n = 2 + draw_lines(NULL, (struct rect){.w = box.w - 4}, app->problem);
  box.h = box.h < n ? box.h : n;
  const char *title = problem == LT_TRUNCATED ? "This trace has no end mark"
                      : problem == LT_OK ? "Events are missing from this trace"
                                         : "A part of this trace is damaged";
  struct rect r = grid_box(g, box, title);
  draw_lines(g, (struct rect){r.x + 1, r.y, r.w - 2, r.h}, app->problem);
  const char *note = "Enter goes on · I tells of the file · looptrace check "
                     "cannot pass it, unless --allow-incomplete";
  if (text_width(note) > layout->w - 2)
    note = "Enter goes on · I tells of the file";
  grid_clip(g, layout->message);
  grid_text_max(g, 1, layout->message.y, layout->w - 2, ROLE_STRONG, note);
}
