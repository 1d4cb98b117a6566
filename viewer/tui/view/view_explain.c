/* K: what a rule of check means, as `looptrace explain` says it.
 *
 * Called by app.c. */
#include <string.h>

#include "check/rule.h"
#include "tui/app.h"

struct page {
  struct app *app;
  struct rect body;
  size_t skip, n; /* lines above the first that is shown; lines so far */
};

static void put(struct page *p, enum role role, int indent, const char *text,
                size_t length) {
  char line[200];
  size_t at = p->n++;
  if (at < p->skip || at - p->skip >= (size_t)p->body.h)
    return;
  snprintf(line, sizeof line, "%.*s", (int)length, text);
  grid_text_max(&p->app->grid, 2 + indent, p->body.y + (int)(at - p->skip),
                p->body.w - 4 - indent, role, line);
}

/* The word RULE stands for the rule's name. */
static void put_named(struct page *p, const char *text, size_t n) {
  char line[200];
  size_t used = 0;
  for (size_t i = 0; i < n && used + 40 < sizeof line; i++)
    if (n - i >= 4 && !strncmp(text + i, "RULE", 4)) {
      used += (size_t)snprintf(line + used, sizeof line - used, "%s",
                               p->app->explain.rule);
      i += 3;
    } else {
      line[used++] = text[i];
    }
  put(p, ROLE_TEXT, 2, line, used);
}

static void paragraph(struct page *p, const char *title, const char *text) {
  put(p, ROLE_TEXT, 0, "", 0);
  put(p, ROLE_STRONG, 0, title, strlen(title));
  while (*text) {
    size_t n = strcspn(text, "\n");
    put_named(p, text, n);
    text += n + (text[n] == '\n');
  }
}

/* Returns: how many lines it has. */
static size_t draw_rule(struct app *app, struct rect body,
                        const struct rule *rule) {
  struct page p = {.app = app, .body = body, .skip = app->explain.row};
  put(&p, ROLE_STRONG, 0, rule->summary, strlen(rule->summary));
  paragraph(&p, "What it means", rule->means);
  paragraph(&p, "How it is measured", rule->measured);
  paragraph(&p, "What to do", rule->fix);
  paragraph(&p, "Or to accept it", rule->silence);
  return p.n;
}

static void draw(struct app *app, const struct layout *layout) {
  const struct rule *rule = rule_find(app->explain.rule);
  char title[80];
  if (!rule)
    return;
  snprintf(title, sizeof title, "rule %s", rule->name);
  grid_rule(&app->grid, layout->rule, title);
  grid_clip(&app->grid, layout->body);
  size_t n = draw_rule(app, layout->body, rule);
  if (n > (size_t)layout->body.h)
    app_note(app, layout, "j and k scroll");
}

static bool key(struct app *app, enum action action) {
  struct layout layout;
  const struct rule *rule = rule_find(app->explain.rule);
  app_layout(app, &layout);
  struct rect nowhere = {0};
  size_t n = rule ? draw_rule(app, nowhere, rule) : 0;
  size_t h = layout.body.h > 0 ? (size_t)layout.body.h : 1;
  return app_move(action, n > h ? n - h + 1 : 1, layout.body.h,
                  &app->explain.row);
}

const struct view view_explain = {"rule", AT_EXPLAIN, false, draw, key};
