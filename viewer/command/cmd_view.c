/* looptrace view: look at a trace in the terminal, or write out what the viewer
 * would show.
 *
 * Invariant: the terminal is taken last and given back first, so that every
 * message stands on a whole screen. Called by main.c. */
#include "config.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "cli/manual.h"
#include "cli/newest.h"
#include "cli/option.h"
#include "cli/settings.h"
#include "command.h"
#include "output/inert.h"
#include "output/open.h"
#include "tui/app.h"
#include "tui/term/terminal.h"

#define WHO "looptrace view"

enum {
  OPT_KEYS = 256,
  OPT_SIZE,
  OPT_DUMP,
  OPT_ATTR,
  OPT_AT,
  OPT_SCREEN,
  OPT_COLOR,
  OPT_RANGE,
  OPT_CONFIG,
  OPT_SELECT,
  OPT_FILTER,
  OPT_ASCII,
  OPT_MOUSE,
  OPT_BACKGROUND,
  OPT_REPLAY,
  OPT_SPEED
};

static const struct option_row option_rows[] = {
    {OPT_SCREEN, "screen", "NAME",
     "overview lanes stalls sites tasks detail compare",
     "begin with overview, lanes, stalls, sites, tasks, detail or compare "
     "(that is where two files begin)"},
    {OPT_AT, "at", "TIME", NULL,
     "begin at a moment, such as 31.286s, in the lanes"},
    {OPT_RANGE, "range", "A..B", NULL,
     "show this stretch of time in the lanes: 1.2s..1.4s"},
    {OPT_SELECT, "select", "THING", NULL,
     "a stall as LOOP/TURN (main/68), a task ('#12'), or a function "
     "(on_timer); the key y copies all these"},
    {OPT_FILTER, "filter", "WORDS", NULL,
     "list only what matches; the key & tells the words"},
    {'f', "follow", NULL, NULL,
     "go on reading a file that is still being written"},
    {OPT_REPLAY, "replay", NULL, NULL,
     "play it, from --at or from the beginning"},
    {OPT_SPEED, "speed", "N", NULL,
     "of the replay: 1 as it happened, 0.25 four times slower; else what fits "
     "what is in sight"},
    {'i', "idle-time-limit", "TIME", NULL,
     "in the replay, skip stretches in which all loops wait for longer than "
     "this, such as 50ms"},
    {OPT_COLOR, "color", "WHEN", "auto always never 8 16 256",
     "auto, always, never, 8, 16 or 256; auto minds NO_COLOR"},
    {OPT_BACKGROUND, "background", "HOW", "auto dark light",
     "auto, dark or light; auto asks the terminal"},
    {OPT_MOUSE, "mouse", NULL, NULL,
     "wheel, click and drag; the key M does the same"},
    {OPT_ASCII, "ascii", NULL, NULL,
     "no symbols beyond ASCII; automatic where the locale is not UTF-8"},
    {OPT_CONFIG, "config", "FILE", OFFER_FILES,
     "keys and colours, instead of ~/.config/looptrace/config; none: none"},
    {OPT_KEYS, "keys", "SCRIPT", NULL,
     "press these keys first: jj<Enter>, with names such as <Enter> <Esc> "
     "<Tab> <Up> <C-d> <lt>"},
    {OPT_DUMP, "dump-screen", NULL, NULL,
     "need no terminal: press the keys, print the screen"},
    {OPT_ATTR, "dump-attr", NULL, NULL,
     "the same, but a letter for the role of each cell; with both, the "
     "screen comes first"},
    {OPT_SIZE, "size", "WxH", NULL,
     "of the screen that is printed (100x30). In SCRIPT, <Dump> prints it in "
     "between, <Resize:80x24> changes it, <Tick:50> lets 50 ms pass for what "
     "plays, <Click:9,3> <WheelUp:9,3> and so on are the mouse's"},
    {0}};

struct view_options {
  const char *path, *base, *keys; /* base: what it is compared with, or NULL */
  const char *select, *filter, *config;
  int64_t from_ns, to_ns; /* -1: not given */
  int64_t at_ns;          /* -1: not given */
  enum screen_id screen;
  bool has_screen;
  struct options options; /* of the settings, then of the command line */
  struct {
    const char *name, *value;
  } said[8]; /* on the command line */
  size_t n_said;
  bool dumps_text, dumps_roles, follows, replays;
  double speed;          /* 0: not given */
  int64_t idle_limit_ns; /* the same */
  int w, h;
  bool has_size;
};

static void tell_keys(struct manual *m) {
  char keys[64];
  manual_heading(m, "Keys");
  m->column = 20;
  for (size_t i = 0; i < keymap_n_rows; i++) {
    keymap_shown(&keymap_rows[i], keys, sizeof keys);
    manual_item(m, keys, keymap_rows[i].help);
  }
}

/* Options */

static bool parse_size(const char *text, struct view_options *o) {
  int used = 0;
  return sscanf(text, "%4dx%4d%n", &o->w, &o->h, &used) == 2 &&
         text[used] == '\0' && o->w > 0 && o->h > 0;
}

static bool parse_screen(const char *text, struct view_options *o) {
  for (int i = 0; i < SCREEN_COUNT; i++)
    if ((app_views[i]->is_tab || i == SCREEN_DETAIL) && i != SCREEN_REPLAY &&
        !strcmp(app_views[i]->name, text)) {
      o->screen = (enum screen_id)i;
      o->has_screen = true;
      return true;
    }
  return false;
}

/* An option that a file of settings may hold, too: what is said here counts. */
static int take_said(const char *name, const char *value,
                     struct view_options *o) {
  struct options tried = {0};
  const char *problem = options_set(&tried, name, value);
  if (problem)
    return open_usage(WHO, "--%s", problem);
  if (o->n_said < sizeof o->said / sizeof *o->said) {
    o->said[o->n_said].name = name;
    o->said[o->n_said++].value = value;
  }
  return -1;
}

static int take_filter(const char *text, struct view_options *o) {
  static struct filter filter; /* large */
  char error[200] = "";
  o->filter = text;
  bool ok = filter_parse(&filter, text, error, sizeof error);
  filter_free(&filter);
  return ok ? -1 : open_usage(WHO, "--filter: %s", error);
}

static bool parse_speed(const char *text, double *speed) {
  char *end;
  *speed = strtod(text, &end);
  return end != text && *end == '\0' && *speed >= REPLAY_SPEED_MIN &&
         *speed <= REPLAY_SPEED_MAX;
}

static int check_keys(const char *keys) {
  struct key_press press;
  for (const char *p = keys; p && *p;)
    if (!key_parse(&p, &press))
      return open_usage(WHO, "there is no such key: %s", p);
  return -1;
}

/* Returns: an exit code, or -1 to go on. */
static int take_option(int c, struct view_options *o) {
  switch (c) {
  case OPT_KEYS:
    o->keys = optarg;
    return check_keys(optarg);
  case OPT_DUMP:
    o->dumps_text = true;
    return -1;
  case OPT_ATTR:
    o->dumps_roles = true;
    return -1;
  case OPT_ASCII:
    return take_said("ascii", "yes", o);
  case OPT_MOUSE:
    return take_said("mouse", "yes", o);
  case OPT_BACKGROUND:
    return take_said("background", optarg, o);
  case OPT_SIZE:
    o->has_size = true;
    return parse_size(optarg, o)
               ? -1
               : open_usage(WHO, "'%s' is no size such as 100x30", optarg);
  case OPT_AT:
    return prompt_moment(optarg, strlen(optarg), &o->at_ns)
               ? -1
               : open_usage(WHO, "'%s' is no time; it takes " DURATION_FORMS,
                            optarg);
  case OPT_SCREEN:
    return parse_screen(optarg, o)
               ? -1
               : open_usage(WHO,
                            "'%s' is no screen; there are overview, lanes, "
                            "stalls, sites, tasks, detail and compare",
                            optarg);
  case OPT_RANGE:
    return prompt_range(optarg, &o->from_ns, &o->to_ns)
               ? -1
               : open_usage(WHO,
                            "'%s' is no stretch of time such as 1.2s..1.4s",
                            optarg);
  case OPT_REPLAY:
    o->replays = true;
    return -1;
  case OPT_SPEED:
    return parse_speed(optarg, &o->speed)
               ? -1
               : open_usage(WHO, "'%s' is no speed from 0.0001 to 1000",
                            optarg);
  case 'i':
    return prompt_moment(optarg, strlen(optarg), &o->idle_limit_ns) &&
                   o->idle_limit_ns > 0
               ? -1
               : open_usage(WHO,
                            "--idle-time-limit: '%s' is no time such as 50ms",
                            optarg);
  case OPT_CONFIG:
    o->config = optarg;
    return -1;
  case OPT_SELECT:
    o->select = optarg;
    return -1;
  case OPT_FILTER:
    return take_filter(optarg, o);
  case OPT_COLOR:
    return take_said("color", optarg, o);
  case 'f':
    o->follows = true;
    return -1;
  default:
    return option_exit(c);
  }
}

static int parse(int argc, char **argv, struct view_options *o) {
  int c, code;
  option_begin(&cmd_view, argv);
  while ((c = option_next(argc, argv)) != OPTION_END)
    if ((code = take_option(c, o)) >= 0)
      return code;
  int n = argc - optind;
  if (n != 2 &&
      !(o->path = newest_or_named(
            WHO, argc, argv, "which trace? looptrace view FILE, or OLD NEW%s")))
    return EXIT_USAGE;
  if (o->has_size && !o->dumps_text && !o->dumps_roles)
    return open_usage(WHO, "--size goes with --dump-screen or --dump-attr%s",
                      "");
  if (n == 2) {
    o->path = argv[argc - 1];
    o->base = argv[optind];
    o->screen = o->has_screen ? o->screen : SCREEN_COMPARE;
    o->has_screen = true;
  }
  return -1;
}

/* A dump is the same for everybody, unless a file is named. */
static int take_settings(struct view_options *o) {
  bool is_dump = o->dumps_text || o->dumps_roles;
  int code = o->config || !is_dump ? settings_read(WHO, o->config, &o->options)
                                   : EXIT_OK;
  if (code != EXIT_OK)
    return code;
  for (size_t i = 0; i < o->n_said; i++)
    options_set(&o->options, o->said[i].name, o->said[i].value);
  if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
    options_set(&o->options, "ascii", "yes");
  keymap_wasd(options_is(&o->options, OPTION_WASD, "yes"));
  return -1;
}

/* What needs a terminal says so before a long file is read. */
static int check_terminal(const struct view_options *o) {
  if (o->dumps_text || o->dumps_roles)
    return -1;
  const char *missing = !isatty(STDOUT_FILENO)  ? "output"
                        : !isatty(STDIN_FILENO) ? "input"
                                                : NULL;
  if (!missing)
    return -1;
  char path[4200];
  fprintf(stderr,
          WHO ": standard %s is not a terminal\n"
              "For a text report: looptrace report %s\n",
          missing, inert(o->path, path, sizeof path));
  return EXIT_USAGE;
}

/* Opening looks at the headers only; the rest is read while something can be
 * seen. */
static int begin_trace(const struct view_options *o, struct model **model) {
  errno = 0;
  lt_status status = model_begin(o->path, NULL, model);
  int error = errno;
  if (status == LT_OK)
    return -1;
  open_complain(WHO, o->path, status, error);
  return EXIT_UNREADABLE;
}

/* The trace that it is compared with. */
static int begin_base(struct app *app, const char *path) {
  errno = 0;
  lt_status status = compare_open(app, path);
  if (status == LT_OK)
    return -1;
  open_complain(WHO, path, status, errno);
  return EXIT_UNREADABLE;
}

/* Without a terminal */

/* Screens are set apart by a form feed. */
static void dump(struct app *app, const struct view_options *o, int *n) {
  while (app_work(app, UINT64_MAX)) /* a dump shows what is so in the end */
    ;
  app_draw(app);
  if ((*n)++)
    fputs("\f\n", stdout);
  if (o->dumps_text)
    grid_dump_text(&app->grid, options_is(&app->options, OPTION_ASCII, "yes"),
                   stdout);
  if (o->dumps_text && o->dumps_roles)
    fputs("\f\n", stdout);
  if (o->dumps_roles)
    grid_dump_roles(&app->grid, stdout);
}

/* Press the keys of a script.  Returns: false when they ended the viewer. */
static bool press_script(struct app *app, const struct view_options *o,
                         int *n_dumps) {
  struct key_press press;
  for (const char *p = o->keys; p && *p && key_parse(&p, &press);) {
    if (n_dumps && key_is_mouse(press.key))
      app_draw(app); /* what is under the mouse is what was drawn */
    if (press.key == TK_DUMP && n_dumps)
      dump(app, o, n_dumps);
    else if (press.key == TK_TICK)
      app_tick(app, press.w * INT64_C(1000000));
    else if (press.key == TK_RESIZE && press.w)
      app_resize(app, press.w, press.h);
    else if (!app_press(app, &press))
      return false;
    if (!n_dumps)
      terminal_serve(app);
    while (n_dumps && app_work(app, UINT64_MAX)) /* keys find what they mean */
      ;
  }
  return true;
}

/* A moment and a thing can be gone to when the trace has been read. */
static void go_to(struct app *app, struct view_options *o) {
  char error[200];
  if (o->filter && filter_parse(&app->filter, o->filter, error, sizeof error))
    hits_apply(app);
  if (o->at_ns >= 0 || o->from_ns >= 0) /* what was going on then? */
    app_begin(app, o->has_screen ? o->screen : SCREEN_LANES,
              o->at_ns >= 0 ? o->at_ns : o->from_ns);
  if (o->from_ns >= 0)
    lanes_set_window(app, o->from_ns, o->to_ns);
  if (!o->select)
    return;
  int64_t cursor_ns = app->cursor_ns;
  if (!action_select(app, o->select))
    app_say(app, "--select: there is no such thing in this trace");
  else if (!o->has_screen && *o->select != '#')
    app_go(app, strchr(o->select, '/') ? SCREEN_DETAIL : SCREEN_SITES);
  if (o->at_ns >= 0)
    app->cursor_ns = cursor_ns;
}

static void begin_at(struct app *app, struct view_options *o) {
  go_to(app, o);
  app->replay.asked_speed = o->speed;
  app->replay.idle_limit_ns = o->idle_limit_ns;
  if (o->replays)
    replay_begin(app);
}

static int run_headless(struct app *app, struct view_options *o) {
  int n_dumps = 0;
  while (app_work(app, UINT64_MAX))
    ;
  if (app->load_problem != LT_OK) {
    open_complain(WHO, o->path, app->load_problem, 0);
    return EXIT_UNREADABLE;
  }
  begin_at(app, o);
  while (app_work(app, UINT64_MAX)) /* what is played is there */
    ;
  if (press_script(app, o, &n_dumps) && n_dumps == 0)
    dump(app, o, &n_dumps);
  return EXIT_OK;
}

/* With a terminal */

/* What was asked for can be gone to once all is known. */
static bool begin_visit(struct app *app, void *context) {
  begin_at(app, context);
  return press_script(app, context, NULL);
}

/* Buffers of an epoch come and go while one looks: each goes back to the system,
 * instead of leaving a hole in the heap.  glibc would soon take them from there:
 * it learns from what is freed. */
#define LARGE_BYTES (256 << 10)

static int run_terminal(struct app *app, struct view_options *o) {
  mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
  struct terminal_options options = {.is_read = begin_visit, .context = o};
  int code = terminal_run(app, &options);
  if (!options.problem)
    return code;
  char path[4200];
  fprintf(stderr, WHO ": %s\nFor a text report: looptrace report %s\n",
          options.problem, inert(o->path, path, sizeof path));
  return EXIT_USAGE;
}

static int run_view(int argc, char **argv) {
  struct view_options o = {.w = 100, .h = 30, .at_ns = -1, .from_ns = -1};
  struct model *model = NULL;
  struct app app;
  char name[NAME_MAX + 1];
  int code = parse(argc, argv, &o);
  if (code < 0)
    code = take_settings(&o);
  if (code < 0)
    code = check_terminal(&o);
  if (code < 0)
    code = begin_trace(&o, &model);
  if (code >= 0)
    return code;
  char target[PATH_MAX]; /* a recorder's open file has a name elsewhere */
  const char *shown = o.path;
  ssize_t n = strncmp(o.path, "/proc/", 6)
                  ? -1
                  : readlink(o.path, target, sizeof target - 1);
  if (n > 0) {
    target[n] = '\0';
    shown = target;
  }
  const char *slash = strrchr(shown, '/');
  inert(slash && slash[1] ? slash + 1 : shown, name, sizeof name);
  if (!app_init(&app, model, name, o.w, o.h)) {
    open_complain(WHO, o.path, LT_NOMEM, 0);
    model_close(model);
    return EXIT_UNREADABLE;
  }
  app.path = o.path;
  app.options = o.options;
  app.is_loading = true;
  if (lt_reader_summary(model->reader, &app.summary) != LT_OK)
    app.summary = NULL; /* computed then */
  notes_read(&app);
  muted_read(&app);
  app.follow.is_on = o.follows;
  app_begin(&app, o.screen, -1);
  if (o.base)
    code = begin_base(&app, o.base);
  if (code < 0)
    code = o.dumps_text || o.dumps_roles ? run_headless(&app, &o)
                                         : run_terminal(&app, &o);
  model = app.model; /* another one where the file has grown */
  app_fini(&app);
  model_close(model);
  return code;
}

const struct command cmd_view = {
    .name = "view",
    .summary = "terminal viewer",
    .options = option_rows,
    .usage = "[options] [FILE]\n"
             "[options] OLD NEW",
    .about = "Look at a trace in the terminal.",
    .status = "0; 2 wrong usage, or no terminal; 3 the file cannot be read.",
    .examples = "looptrace view app.lt",
    .operands = OFFER_TRACES,
    .chapters = tell_keys,
    .run = run_view,
};
