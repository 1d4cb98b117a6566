/* The `?` view: the table of keys as it is. */
#include "tui/app.h"

static const char *place_names(unsigned where, char *buf, size_t size) {
  size_t used = 0;
  if (where == AT_ALL || where == AT_TABS || where == AT_ANY)
    return "everywhere";
  buf[0] = '\0';
  for (int i = 0; i < SCREEN_COUNT && used < size; i++)
    if (where & app_views[i]->where)
      used += (size_t)snprintf(buf + used, size - used, "%s%s",
                               used ? ", " : "", app_views[i]->name);
  return buf;
}

static void draw(struct app *app, const struct layout *layout) {
  struct rect body = layout->body;
  grid_rule(&app->grid, layout->rule,
            "keys · scroll with j and k · q goes back");
  grid_clip(&app->grid, body);
  size_t first = app->help_row;
  if (keymap_n_rows > (size_t)body.h && first > keymap_n_rows - (size_t)body.h)
    first = keymap_n_rows - (size_t)body.h;
  if (keymap_n_rows <= (size_t)body.h)
    first = 0;
  bool wide = body.w >= 90;
  for (int i = 0; i < body.h && first + (size_t)i < keymap_n_rows; i++) {
    const struct keymap_row *row = &keymap_rows[first + (size_t)i];
    char keys[64], places[80];
    int y = body.y + i;
    grid_text_max(&app->grid, 2, y, 16, ROLE_KEY,
                  keymap_shown(row, keys, sizeof keys));
    grid_text_max(&app->grid, 20, y, wide ? 46 : body.w - 21, ROLE_TEXT,
                  row->help);
    if (!wide)
      continue;
    grid_text_max(&app->grid, 68, y, body.w >= 130 ? 48 : body.w - 69, ROLE_DIM,
                  place_names(row->where, places, sizeof places));
    if (body.w >= 130)
      grid_text_max(&app->grid, 118, y, body.w - 119, ROLE_DIM, row->known);
  }
}

static bool key(struct app *app, enum action action) {
  struct layout layout;
  app_layout(app, &layout);
  return app_move(action, keymap_n_rows, layout.body.h, &app->help_row);
}

const struct view view_help = {"help", AT_HELP, false, draw, key};
