/* The viewer without a terminal: the cell buffer, the arithmetic of the screen,
 * the table of keys, and what keys do. */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_tui.h"
#include "trace_text.h"
#include "tui/app.h"
#include "tui/view/format.h"
#include "tui/view/stall.h"

#define MS INT64_C(1000000)

static void use_utf8(void) {
  ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

/* The text of a row, blanks at its end left out. */
static const char *row_text(struct grid *g, int y) {
  static char text[4096];
  size_t n = 0, end = 0;
  for (int x = 0; x < g->w; x++) {
    struct cell *cell = grid_at(g, x, y);
    if (cell->ch)
      n += utf8_put(cell->ch, text + n);
    if (cell->mark)
      n += utf8_put(cell->mark, text + n);
    if (cell->ch != U' ')
      end = n;
  }
  text[end] = '\0';
  return text;
}

/* Filter */

START_TEST(words_of_a_filter_all_match) {
  static const struct {
    const char *text;
    bool fits;
  } rows[] = {
      {"", true},
      {"dur>10ms", true},
      {"dur>30ms", false},
      {"dur<10ms", false},
      {"dur:5ms..50ms", true},
      {"dur:..5ms", false},
      {"dur:5ms..", true},
      {"kind:timer", true},
      {"kind:fs,timer", true},
      {"kind:fs", false},
      {"-kind:fs", true},
      {"-kind:timer", false},
      {"loop:main kind:timer", true},
      {"loop:main kind:read", false},
      {"site:on_*", true},
      {"site:tick", true},
      {"site:shop.c:63", true},
      {"site:tick*", false},
      {"task:#12", true},
      {"task:12", true},
      {"#12", true},
      {"task:#13", false},
      {"rule:stall", true},
      {"rule:late", false},
      {"/^on_t.*63/", true},
      {"/nope|never/", false},
      {"-/a b/ tick", true},
      {"/k .shop/ tick", true},
      {"/p.c:63", true},
      {"/shop.c/x", false},
      {"/shop/.c", false},
      {"TICK", true},
      {"tick -heartbeat", true},
      {"heartbeat", false},
  };
  const struct filter_thing thing = {.duration_ns = 20 * MS,
                                     .task = 12,
                                     .kind = "timer",
                                     .loop = "main",
                                     .site = "on_tick (shop.c:63)",
                                     .rule = "stall"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct filter f = {0};
    char error[200] = "";
    ck_assert_msg(filter_parse(&f, rows[i].text, error, sizeof error), "%s: %s",
                  rows[i].text, error);
    ck_assert_msg(filter_match(&f, &thing) == rows[i].fits, "%s", rows[i].text);
    filter_free(&f);
  }
}
END_TEST

START_TEST(a_filter_that_is_not_understood_says_why_and_matches_all) {
  static const char *const texts[] = {"dur>fast",
                                      "dur:10ms",
                                      "dur>",
                                      "kind>timer",
                                      "/(/",
                                      "-/[/",
                                      "a b c d e f g h i j k l m n o p q"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct filter f = {0};
    char error[200] = "";
    ck_assert(!filter_parse(&f, texts[i], error, sizeof error));
    ck_assert_str_ne(error, "");
    ck_assert(filter_match(&f, &(struct filter_thing){0}));
    filter_free(&f);
  }
}
END_TEST

/* Grid */

START_TEST(text_outside_the_clip_is_dropped) {
  struct grid g;
  use_utf8();
  ck_assert(grid_init(&g, 10, 3));
  grid_clip(&g, (struct rect){2, 1, 4, 1});
  grid_text(&g, 0, 1, ROLE_TEXT, "0123456789");
  grid_text(&g, 0, 0, ROLE_TEXT, "0123456789");
  grid_text(&g, -3, 2, ROLE_TEXT, "0123456789");
  ck_assert_str_eq(row_text(&g, 0), "");
  ck_assert_str_eq(row_text(&g, 1), "  2345");
  ck_assert_str_eq(row_text(&g, 2), "");
  grid_fini(&g);
}
END_TEST

START_TEST(a_clip_larger_than_the_grid_is_cut_to_it) {
  struct grid g;
  ck_assert(grid_init(&g, 4, 2));
  grid_clip(&g, (struct rect){-5, -5, 100, 100});
  grid_text(&g, 0, 1, ROLE_TEXT, "abcdefgh");
  ck_assert_str_eq(row_text(&g, 1), "abcd");
  grid_clip(&g, (struct rect){8, 0, 4, 1});
  grid_text(&g, 0, 0, ROLE_TEXT, "abcd");
  ck_assert_str_eq(row_text(&g, 0), "");
  grid_fini(&g);
}
END_TEST

START_TEST(control_and_hidden_characters_become_visible) {
  struct grid g;
  use_utf8();
  ck_assert(grid_init(&g, 40, 1));
  grid_text(&g, 0, 0, ROLE_TEXT,
            "a\x1b[2J\x07\x7f\xc2\x9b" /* C1 CSI */
            "b\xe2\x80\xae"            /* override */
            "c\xff\xc0\xaf\xed\xa0\x80z");
  ck_assert_str_eq(row_text(&g, 0), "a�[2J���b�c������z");
  grid_put(&g, 0, 0, ROLE_TEXT, U'\n');
  ck_assert_uint_eq(grid_at(&g, 0, 0)->ch, 0xfffd);
  grid_fini(&g);
}
END_TEST

START_TEST(a_wide_character_takes_two_cells_or_none) {
  struct grid g;
  use_utf8();
  ck_assert(grid_init(&g, 5, 2));
  ck_assert_int_eq(grid_text(&g, 0, 0, ROLE_TEXT, "時計x"), 5);
  ck_assert_uint_eq(grid_at(&g, 1, 0)->ch, 0);
  ck_assert_str_eq(row_text(&g, 0), "時計x");
  grid_text(&g, 0, 1, ROLE_TEXT, "abc時計"); /* the second has one cell */
  ck_assert_str_eq(row_text(&g, 1), "abc時");
  grid_put(&g, 1, 0, ROLE_TEXT, U'|'); /* on the right half of the first */
  ck_assert_str_eq(row_text(&g, 0), " |計x");
  grid_put(&g, 2, 0, ROLE_TEXT, U'|'); /* on the left half of the second */
  ck_assert_str_eq(row_text(&g, 0), " || x");
  grid_fini(&g);
}
END_TEST

START_TEST(a_combining_character_stays_on_its_letter) {
  struct grid g;
  use_utf8();
  ck_assert(grid_init(&g, 5, 1));
  ck_assert_int_eq(grid_text(&g, 0, 0, ROLE_TEXT, "e\xcc\x81x"), 2);
  ck_assert_uint_eq(grid_at(&g, 0, 0)->mark, 0x301);
  ck_assert_str_eq(row_text(&g, 0), "e\xcc\x81x");
  grid_put(&g, 0, 0, ROLE_TEXT, U'o');
  ck_assert_str_eq(row_text(&g, 0), "ox");
  grid_fini(&g);
}
END_TEST

START_TEST(what_does_not_fit_ends_with_an_ellipsis) {
  struct grid g;
  use_utf8();
  ck_assert(grid_init(&g, 20, 1));
  ck_assert_int_eq(grid_text_max(&g, 0, 0, 6, ROLE_TEXT, "abcdef"), 6);
  ck_assert_str_eq(row_text(&g, 0), "abcdef");
  ck_assert_int_eq(grid_text_max(&g, 0, 0, 5, ROLE_TEXT, "abcdef"), 5);
  ck_assert_str_eq(row_text(&g, 0), "abcd…f");
  ck_assert_int_eq(grid_text_max(&g, 10, 0, 4, ROLE_TEXT, "時計時計"), 13);
  ck_assert_int_eq(grid_text_max(&g, 15, 0, 0, ROLE_TEXT, "abc"), 15);
  grid_fini(&g);
}
END_TEST

START_TEST(names_keep_their_ends_apart) {
  struct grid g;
  use_utf8();
  ck_assert(grid_init(&g, 20, 1));
  ck_assert_int_eq(grid_name(&g, 0, 0, 8, ROLE_TEXT, "pool-net"), 8);
  ck_assert_str_eq(row_text(&g, 0), "pool-net");
  ck_assert_int_eq(grid_name(&g, 0, 0, 8, ROLE_TEXT, "isc-net-0003"), 8);
  ck_assert_str_eq(row_text(&g, 0), "isc-…003");
  ck_assert_int_eq(grid_name(&g, 0, 0, 8, ROLE_TEXT, "isc-net-0000"), 8);
  ck_assert_str_eq(row_text(&g, 0), "isc-…000");
  ck_assert_int_eq(grid_name(&g, 0, 0, 8, ROLE_TEXT, "時計時計時計"), 7);
  ck_assert_int_eq(grid_name(&g, 0, 0, 2, ROLE_TEXT, "main"), 2);
  ck_assert_int_eq(grid_name(&g, 5, 0, 0, ROLE_TEXT, "main"), 5);
  grid_fini(&g);
}
END_TEST

START_TEST(every_symbol_has_one_ascii_character) {
  for (char32_t ch = 0; ch < 0x3000; ch++) {
    char ascii = glyph_ascii(ch);
    ck_assert(ascii >= 0x20 && ascii < 0x7f);
    if (glyph_is_known(ch) && ch != 0xfffd) {
      ck_assert_int_ne(ascii, '?');
      ck_assert_int_eq(char_width(ch), 1);
    }
  }
  ck_assert(glyph_is_known(U'░') && glyph_is_known(U'°'));
}
END_TEST

START_TEST(roles_have_letters_of_their_own) {
  for (int i = 0; i < ROLE_COUNT; i++)
    for (int j = 0; j < i; j++)
      ck_assert_int_ne(role_styles[i].letter, role_styles[j].letter);
}
END_TEST

/* Layout */

static bool overlap(struct rect a, struct rect b) {
  return a.w > 0 && a.h > 0 && b.w > 0 && b.h > 0 && a.x < b.x + b.w &&
         b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/* Inside one, and none on another. */
static void check_rects(struct rect in, const struct rect *r, size_t n) {
  for (size_t i = 0; i < n; i++) {
    ck_assert(r[i].w >= 0 && r[i].h >= 0);
    if (r[i].w == 0 || r[i].h == 0)
      continue;
    ck_assert(r[i].x >= in.x && r[i].y >= in.y);
    ck_assert(r[i].x + r[i].w <= in.x + in.w);
    ck_assert(r[i].y + r[i].h <= in.y + in.h);
    for (size_t j = 0; j < i; j++)
      ck_assert(!overlap(r[i], r[j]));
  }
}

static void check_layouts(int w, int h, size_t loops) {
  struct layout f;
  layout_frame(w, h, loops, &f);
  ck_assert_int_eq(f.too_small, w < 60 || h < 16);
  if (f.too_small)
    return;
  const struct rect frame[] = {f.title, f.tabs,    f.minimap, f.rule,
                               f.body,  f.message, f.keys};
  check_rects((struct rect){0, 0, w, h}, frame, 7);
  ck_assert_int_eq(f.keys.y, h - 1);
  ck_assert_int_ge(f.body.h, 8);
  struct layout_overview o;
  layout_overview(&f, loops, &o);
  check_rects(f.body,
              (struct rect[]){o.loops, o.worst, o.histogram, o.findings}, 4);
  ck_assert(o.loops.h >= 3 && o.worst.h >= 3);
  for (size_t n = 0; n < 100; n = n * 3 + 1) {
    struct layout_lanes l;
    layout_lanes(&f, n, &l);
    check_rects(f.body, (struct rect[]){l.axis, l.rows, l.rule, l.detail}, 4);
    ck_assert_int_ge(l.rows.h, n < 3 ? 0 : 3);
  }
  for (size_t n = 1; n < 100; n *= 3) {
    struct layout_list list;
    layout_list(&f, n, &list);
    check_rects(f.body,
                (struct rect[]){list.head, list.rows, list.rule, list.detail},
                4);
    ck_assert_int_ge(list.rows.h, 3);
  }
  struct layout_detail d;
  layout_detail(&f, &d);
  check_rects(f.body, (struct rect[]){d.ancestry, d.causes, d.source, d.text},
              4);
  ck_assert_int_ge(d.causes.h, 5);
}

START_TEST(panes_never_overlap_at_any_size) {
  for (int w = 1; w <= 200; w++)
    for (int h = 1; h <= 80; h++)
      check_layouts(w, h, (size_t)(w * 7 + h) % 9);
}
END_TEST

START_TEST(scrolling_keeps_the_selection_in_sight) {
  for (size_t n = 0; n < 40; n++)
    for (int height = 1; height < 30; height++)
      for (size_t at = 0; at < n; at++) {
        size_t first = layout_scroll(at, n, height);
        ck_assert(first <= at && at < first + (size_t)height);
        ck_assert(n <= (size_t)height ? first == 0
                                      : first + (size_t)height <= n);
      }
}
END_TEST

/* Keys */

START_TEST(no_key_means_two_things_in_one_place) {
  for (size_t i = 0; i < keymap_n_rows; i++) {
    struct key_press press;
    for (const char *p = keymap_rows[i].keys; *p;) {
      if (*p == ' ') {
        p++;
        continue;
      }
      ck_assert_msg(key_parse(&p, &press), "%s", p);
      for (unsigned where = 1; where <= AT_HELP; where <<= 1)
        if (keymap_rows[i].where & where)
          ck_assert_msg(keymap_find(press.key, where) == keymap_rows[i].action,
                        "%s at %u", keymap_rows[i].keys, where);
    }
    ck_assert(*keymap_rows[i].help);
  }
}
END_TEST

START_TEST(a_script_is_characters_and_names) {
  static const char32_t want[] = {
      U'3',  U'j', U'é', TK_ENTER,   TK_ESCAPE, TK_TAB,   4,
      TK_UP, U'<', U'>', TK_PAGE_UP, TK_F1,     TK_SPACE, TK_DUMP};
  const char *p = "3jé<Enter><Esc><Tab><C-d><Up><lt>><PageUp><F1><Space><Dump>";
  struct key_press press;
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    ck_assert(key_parse(&p, &press));
    ck_assert_uint_eq(press.key, want[i]);
  }
  ck_assert_str_eq(p, "");
  p = "<Resize:80x24>q";
  ck_assert(key_parse(&p, &press));
  ck_assert_uint_eq(press.key, TK_RESIZE);
  ck_assert(press.w == 80 && press.h == 24);
  ck_assert_str_eq(p, "q");
}
END_TEST

START_TEST(an_unknown_name_stops_the_script_there) {
  static const char *const wrong[] = {
      "<Nope>",       "<",          "<Enter",
      "<>",           "<C-1>",      "<C-dd>",
      "<->",          "<enter>",    "<Resize>",
      "<Resize:0x5>", "<Resize:5>", "<Resize:5x5x5>"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct key_press press;
    const char *p = wrong[i];
    ck_assert_msg(!key_parse(&p, &press), "%s", wrong[i]);
    ck_assert_ptr_eq(p, wrong[i]);
  }
}
END_TEST

START_TEST(a_key_does_nothing_where_it_is_not_known) {
  ck_assert_int_eq(keymap_find(U'+', AT_LANES), ACTION_ZOOM_IN);
  ck_assert_int_eq(keymap_find(U'+', AT_STALLS), ACTION_NONE);
  ck_assert_int_eq(keymap_find(0x1F600, AT_LANES), ACTION_NONE);
  ck_assert_int_eq(keymap_find(TK_NONE, AT_LANES), ACTION_NONE);
}
END_TEST

/* Numbers */

START_TEST(numbers_are_short_and_have_units) {
  static const struct {
    int64_t ns;
    const char *text;
  } durations[] = {{0, "0"},
                   {840, "840ns"},
                   {1200, "1.2µs"},
                   {412000, "412µs"},
                   {999499, "999µs"},
                   {999500, "1.0ms"},
                   {9949999, "9.9ms"},
                   {412 * MS, "412ms"},
                   {999499999, "999ms"},
                   {999500000, "1.00s"},
                   {1234 * MS, "1.23s"},
                   {31200 * MS, "31.2s"},
                   {64200 * MS, "1m04s"},
                   {3599600 * MS, "1h00m"},
                   {7500000 * MS, "2h05m"},
                   {-1, "?"}};
  format_buf b;
  for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
    ck_assert_str_eq(format_duration(b, durations[i].ns), durations[i].text);
  for (int64_t ns = 1; ns < INT64_MAX / 16; ns = ns * 11 / 10 + 1)
    if (ns < 100 * INT64_C(3600000000000))
      ck_assert_int_le(text_width(format_duration(b, ns)), 6);
  ck_assert_str_eq(format_moment(b, 31286 * MS, MS), "31.286s");
  ck_assert_str_eq(format_moment(b, 64286 * MS, MS), "1m04.286s");
  ck_assert_str_eq(format_moment(b, 120000 * MS, 60000 * MS), "2m00s");
  ck_assert_str_eq(format_count(b, 9604), "9604");
  ck_assert_str_eq(format_count(b, 48211), "48.2k");
  ck_assert_str_eq(format_count(b, 999999), "1.0M");
  ck_assert_str_eq(format_count(b, UINT64_MAX), "18.4E");
  ck_assert_str_eq(format_share(b, 1, 1000), "<1%");
  ck_assert_str_eq(format_share(b, 0, 0), "0%");
}
END_TEST

/* The whole, over a small trace */

static const char three_stalls[] = "0    loop+\n"
                                   "0    spawn task=1 kind=2 site=1 from=9\n"
                                   "1    usage cpu=1 delay=0 vsw=0\n"
                                   "1    poll\n"
                                   "10   wake\n"
                                   "10   resume task=1 kind=2 site=1\n"
                                   "310  call callee=5 ms=300 site=2\n"
                                   "310  await task=1\n"
                                   "311  usage cpu=2 delay=0 vsw=2\n"
                                   "311  poll\n"
                                   "400  wake\n"
                                   "400  usage cpu=2 delay=0 vsw=3\n"
                                   "400  resume task=1 kind=2 site=1\n"
                                   "480  await task=1\n"
                                   "480  usage cpu=82 delay=0 vsw=3\n"
                                   "480  poll\n"
                                   "600  wake\n"
                                   "600  resume task=1 kind=2 site=3\n"
                                   "720  call callee=15 ms=119 site=3\n"
                                   "720  await task=1\n"
                                   "720  usage cpu=83 delay=0 vsw=5\n"
                                   "720  poll\n"
                                   "990  wake\n"
                                   "991  loop-\n";

static struct model *model;
static struct app app;

static void begin(void) {
  use_utf8();
  model = model_of_text(three_stalls, 1000, NULL);
  ck_assert_uint_eq(model->n_stalls, 3);
  ck_assert(app_init(&app, model, "x.lt", 100, 30));
  /* Spans come from files; this trace has none, so they stand here. */
  static const struct model_span spans[] = {
      {.begin_ns = 1 * MS, .end_ns = 10 * MS, .what = LT_POLL_BEGIN, .loop = 1},
      {0, 1 * MS, .what = MODEL_TURN, .loop = 1},
      {10 * MS, 991 * MS, .what = MODEL_TURN, .loop = 1},
      {10 * MS, 310 * MS, .what = LT_CALL, .kind = 5, .loop = 1},
      {10 * MS, 310 * MS, .what = LT_RESUME, .kind = 2, .loop = 1},
      {600 * MS, INT64_MAX, .what = LT_RESUME, .kind = 2, .loop = 1},
  };
  struct window *w = calloc(1, sizeof *w);
  ck_assert_ptr_nonnull(w);
  *w = (struct window){.from = 0,
                       .to = model->end_ns + 1,
                       .at_ns = model->end_ns + 1,
                       .is_done = true,
                       .model = model};
  for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
    window_add(w, spans[i].what, 1, 0, &spans[i]);
  app.lanes.near = w;
}

static void end(void) {
  app_fini(&app);
  model_close(model);
}

/* Press a script; false when it ended the viewer. */
static bool press(const char *script) {
  struct key_press key;
  bool goes_on = true;
  while (*script && goes_on) {
    ck_assert_msg(key_parse(&script, &key), "%s", script);
    if (key.key == TK_RESIZE)
      app_resize(&app, key.w, key.h);
    else
      goes_on = app_key(&app, key.key);
    app_draw(&app);
  }
  return goes_on;
}

static bool shows(const char *text) {
  for (int y = 0; y < app.h; y++)
    if (strstr(row_text(&app.grid, y), text))
      return true;
  return false;
}

START_TEST(q_goes_back_and_then_ends) {
  ck_assert(press("3<Enter>"));
  ck_assert_int_eq(app_screen(&app), SCREEN_DETAIL);
  ck_assert(press("q"));
  ck_assert_int_eq(app_screen(&app), SCREEN_STALLS);
  ck_assert(press("<Esc>"));
  ck_assert_int_eq(app_screen(&app), SCREEN_OVERVIEW);
  ck_assert(!press("q"));
}
END_TEST

START_TEST(big_q_ends_from_anywhere) {
  ck_assert(!press("3<Enter>t?Q"));
}
END_TEST

START_TEST(e_visits_every_stall_in_the_order_of_time) {
  ck_assert(press("3e"));
  ck_assert_uint_eq(app.stall, 0);
  ck_assert(press("e"));
  ck_assert_uint_eq(app.stall, 1);
  ck_assert(press("eE"));
  ck_assert_uint_eq(app.stall, 1);
  ck_assert(press("eee"));
  ck_assert_uint_eq(app.stall, 2);
  ck_assert(shows("no stall after this moment"));
}
END_TEST

START_TEST(the_cursor_is_shared_by_all_screens) {
  ck_assert(press("3j")); /* by duration: 300, 120, 80 */
  ck_assert_uint_eq(app.stall, 2);
  ck_assert_int_eq(app.cursor_ns, 600 * MS);
  ck_assert(press("t"));
  ck_assert_int_eq(app_screen(&app), SCREEN_LANES);
  ck_assert(app.lanes.from <= 600 * MS && app.lanes.to >= 720 * MS);
  ck_assert(press("q"));
  ck_assert_uint_eq(app.stall, 2);
}
END_TEST

START_TEST(sorting_keeps_the_selection) {
  ck_assert(press("3j"));
  for (int i = 0; i < 5; i++) {
    ck_assert(press(">"));
    ck_assert_uint_eq(app.stall, 2);
  }
  ck_assert(press("<lt>iG"));
  ck_assert(shows("▲"));
}
END_TEST

START_TEST(zoom_goes_in_and_back_to_the_same_window) {
  ck_assert(press("2e"));
  int64_t from = app.lanes.from, to = app.lanes.to;
  ck_assert(press("0"));
  ck_assert(app.lanes.from == 0 && app.lanes.to == model->end_ns);
  ck_assert(press("Z"));
  ck_assert(app.lanes.from == from && app.lanes.to == to);
  ck_assert(press("+-"));
  ck_assert(app.lanes.to - app.lanes.from == to - from);
  for (int i = 0; i < 60; i++)
    ck_assert(press("+"));
  ck_assert_int_ge(app.lanes.to - app.lanes.from, 100);
  for (int i = 0; i < 60; i++)
    ck_assert(press("-"));
  ck_assert(app.lanes.from == 0 && app.lanes.to == model->end_ns);
}
END_TEST

START_TEST(the_window_follows_the_cursor_and_stays_in_the_trace) {
  ck_assert(press("2++++"));
  for (int i = 0; i < 300; i++) {
    ck_assert(press(i < 150 ? "l<C-d>" : "h<C-u>"));
    ck_assert(app.cursor_ns >= 0 && app.cursor_ns < model->end_ns);
    ck_assert(app.lanes.from >= 0 && app.lanes.to <= model->end_ns);
    ck_assert(app.cursor_ns >= app.lanes.from && app.cursor_ns <= app.lanes.to);
  }
}
END_TEST

START_TEST(a_slice_that_never_ended_is_open_to_the_right) {
  ck_assert(press("2G"));
  ck_assert(shows("▶"));
  ck_assert(press("j"));
  ck_assert(shows("never ended"));
}
END_TEST

/* State after a script must not depend on the sizes on the way. */
START_TEST(resizing_changes_nothing_but_the_picture) {
  static const char *const scripts[] = {
      "3j<Resize:200x60><Resize:1x1><Resize:70x20>t++<Resize:10x2>l<Enter>"
      "<Resize:100x30>",
      "3jt++l<Enter>"};
  char *pictures[2];
  for (int i = 0; i < 2; i++) {
    size_t n;
    FILE *file = open_memstream(&pictures[i], &n);
    if (i)
      begin();
    ck_assert(press(scripts[i]));
    app_draw(&app);
    grid_dump_text(&app.grid, false, file);
    grid_dump_roles(&app.grid, file);
    fclose(file);
    if (!i)
      end();
  }
  ck_assert_str_eq(pictures[0], pictures[1]);
  free(pictures[0]);
  free(pictures[1]);
}
END_TEST

static const char *const visits[] = {"1",        "2", "2ez", "3",
                                     "3<Enter>", "4", "?"};

/* What the index says, before any event was read. */
START_TEST(a_trace_that_is_read_shows_its_summary) {
  lt_lane_bin bins[2][4] = {{{.busy_ns = 1 * MS, .longest_ns = 1 * MS},
                             {.busy_ns = 100 * MS, .longest_ns = 150 * MS},
                             {.busy_ns = 50 * MS, .longest_ns = 150 * MS},
                             {.busy_ns = 2 * MS, .longest_ns = 2 * MS}}};
  lt_lane_stall stalls[] = {{.begin_ns = 100 * MS, .duration_ns = 150 * MS},
                            {.begin_ns = 20 * MS, .duration_ns = 60 * MS}};
  lt_lane lanes[] = {
      {.loop = 1, .level = {bins[0]}, .n_stalls = 2, .stalls = stalls},
      {.is_pool = true, .level = {bins[1]}}};
  lt_summary summary = {.bin_ns = 100 * MS,
                        .n_bins = 4,
                        .n_levels = 1,
                        .n_lanes = 2,
                        .lanes = lanes};
  int64_t end_ns = app.model->end_ns;
  app.is_loading = true;
  app.summary = &summary;
  app.model->end_ns = 400 * MS;
  app_resize(&app, 100, 30);
  app_draw(&app);
  ck_assert(shows("Longest turns"));
  ck_assert(shows("150ms"));
  ck_assert(shows("0.020s"));
  ck_assert_ptr_nonnull(strstr(row_text(&app.grid, 2), "‼"));
  ck_assert_ptr_nonnull(strstr(row_text(&app.grid, 3), "█"));
  ck_assert_int_eq(grid_at(&app.grid, 9 + 85 / 4 + 2, 3)->role, ROLE_ERROR);
  for (int w = 1; w < 140; w += 13)
    for (int h = 1; h < 60; h += 7) {
      app_resize(&app, w, h);
      app_draw(&app);
    }
  app.model->end_ns = end_ns;
  app.is_loading = false;
  app.summary = NULL;
}
END_TEST

START_TEST(every_screen_can_be_drawn_at_every_size) {
  ck_assert(press(visits[_i]));
  for (int w = 1; w <= 200; w += w < 56 ? 11 : w < 84 ? 1 : 9)
    for (int h = 1; h <= 80; h += h < 12 ? 5 : h < 31 ? 1 : 9) {
      app_resize(&app, w, h);
      app_draw(&app);
      bool small = w < 60 || h < 16;
      if (w >= 48)
        ck_assert(shows("looptrace needs 60x16") == small);
      /* How to leave is always on the last row. */
      if (!small)
        ck_assert(strstr(row_text(&app.grid, h - 1), "q back") ||
                  strstr(row_text(&app.grid, h - 1), "q quit"));
    }
}
END_TEST

START_TEST(random_keys_never_break_anything) {
  unsigned seed = 4711 + (unsigned)_i;
  char folder[] = "/tmp/looptrace-keys.XXXXXX"; /* x writes where one stands */
  ck_assert_ptr_nonnull(mkdtemp(folder));
  ck_assert_int_eq(chdir(folder), 0);
  for (int i = 0; i < 2500; i++) {
    seed = seed * 1103515245 + 12345;
    unsigned n = seed >> 16;
    size_t row = n % keymap_n_rows;
    const char *p = keymap_rows[row].keys;
    struct key_press key;
    ck_assert(key_parse(&p, &key));
    if (n % 17 == 0)
      app_resize(&app, (int)(n >> 5) % 190 + 1, (int)(n >> 7) % 70 + 1);
    app_key(&app, key.key);
    if (app.depth == 0) { /* q: start again */
      app.stack[0] = SCREEN_OVERVIEW;
      app.depth = 1;
    }
    if (!app.lanes.near || app.lanes.near->n_tracks == 0)
      ck_abort_msg("the lanes were read again");
    app_draw(&app);
  }
  (void)unlink(".looptrace-suppress");
  ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(the_help_lists_every_key) {
  ck_assert(press("?<Resize:120x120>"));
  for (size_t i = 0; i < keymap_n_rows; i++)
    ck_assert_msg(shows(keymap_rows[i].help), "%s", keymap_rows[i].help);
}
END_TEST

START_TEST(levels_are_those_of_check) {
  struct model_stall s = {.duration_ns = 300 * MS,
                          .cause = {.cpu = 60 * MS, .starved = 240 * MS}};
  ck_assert_int_eq(stall_level(&s), STALL_WARN);
  s.cause = (struct model_cause){.cpu = 101 * MS, .starved = 199 * MS};
  ck_assert_int_eq(stall_level(&s), STALL_ERROR);
  s.cause = (struct model_cause){.starved = 300 * MS};
  ck_assert_int_eq(stall_level(&s), STALL_NOTE);
  s.cause = (struct model_cause){.unknown = 300 * MS};
  ck_assert(stall_is_undecided(&s));
  s.cause = (struct model_cause){.blocked = 300 * MS};
  ck_assert(!stall_is_undecided(&s));
  s.kind = MODEL_STALL_GAP;
  ck_assert_int_eq(stall_level(&s), STALL_WARN);
}
END_TEST

static Suite *suite(void) {
  Suite *s = suite_create("tui");
  TCase *parts = tcase_create("parts"), *whole = tcase_create("whole");
  tcase_set_timeout(parts, 60);
  tcase_add_test(parts, words_of_a_filter_all_match);
  tcase_add_test(parts,
                 a_filter_that_is_not_understood_says_why_and_matches_all);
  tcase_add_test(parts, text_outside_the_clip_is_dropped);
  tcase_add_test(parts, a_clip_larger_than_the_grid_is_cut_to_it);
  tcase_add_test(parts, control_and_hidden_characters_become_visible);
  tcase_add_test(parts, a_wide_character_takes_two_cells_or_none);
  tcase_add_test(parts, a_combining_character_stays_on_its_letter);
  tcase_add_test(parts, what_does_not_fit_ends_with_an_ellipsis);
  tcase_add_test(parts, names_keep_their_ends_apart);
  tcase_add_test(parts, every_symbol_has_one_ascii_character);
  tcase_add_test(parts, roles_have_letters_of_their_own);
  tcase_add_test(parts, panes_never_overlap_at_any_size);
  tcase_add_test(parts, scrolling_keeps_the_selection_in_sight);
  tcase_add_test(parts, no_key_means_two_things_in_one_place);
  tcase_add_test(parts, a_script_is_characters_and_names);
  tcase_add_test(parts, an_unknown_name_stops_the_script_there);
  tcase_add_test(parts, a_key_does_nothing_where_it_is_not_known);
  tcase_add_test(parts, numbers_are_short_and_have_units);
  tcase_add_test(parts, levels_are_those_of_check);
  tcase_add_checked_fixture(whole, begin, end);
  tcase_set_timeout(whole, 120);
  tcase_add_test(whole, q_goes_back_and_then_ends);
  tcase_add_test(whole, big_q_ends_from_anywhere);
  tcase_add_test(whole, e_visits_every_stall_in_the_order_of_time);
  tcase_add_test(whole, the_cursor_is_shared_by_all_screens);
  tcase_add_test(whole, sorting_keeps_the_selection);
  tcase_add_test(whole, zoom_goes_in_and_back_to_the_same_window);
  tcase_add_test(whole, the_window_follows_the_cursor_and_stays_in_the_trace);
  tcase_add_test(whole, a_slice_that_never_ended_is_open_to_the_right);
  tcase_add_test(whole, resizing_changes_nothing_but_the_picture);
  tcase_add_loop_test(whole, every_screen_can_be_drawn_at_every_size, 0,
                      sizeof visits / sizeof *visits);
  tcase_add_loop_test(whole, random_keys_never_break_anything, 0, 3);
  tcase_add_test(whole, the_help_lists_every_key);
  tcase_add_test(whole, a_trace_that_is_read_shows_its_summary);
  suite_add_tcase(s, parts);
  suite_add_tcase(s, whole);
  suite_add_tcase(s, slices_case());
  return s;
}

int main(void) {
  SRunner *runner = srunner_create(suite());
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
