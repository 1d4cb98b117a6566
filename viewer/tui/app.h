/* The viewer: its state, its screens, and what a key does to them.
 *
 * All of it works without a terminal: app_key() and app_draw() are the whole
 * program; cmd_view.c joins them to a screen or a dump. */
#ifndef LTV_TUI_APP_H
#define LTV_TUI_APP_H

#include "check/suppress.h"
#include "model/model.h"
#include "model/recent.h"
#include "model/window.h"
#include "tui/compare.h"
#include "tui/hits.h"
#include "tui/keymap.h"
#include "tui/layout.h"
#include "tui/notes.h"
#include "tui/options.h"
#include "tui/tasks.h"
#include "tui/term/grid.h"

enum screen_id {
  SCREEN_OVERVIEW,
  SCREEN_LANES,
  SCREEN_STALLS,
  SCREEN_SITES,
  SCREEN_TASKS,
  SCREEN_COMPARE,
  SCREEN_DETAIL,
  SCREEN_HELP,
  SCREEN_REPLAY, /* the lanes, played */
  SCREEN_EXPLAIN,
  SCREEN_FILE,
  SCREEN_COUNT
};

struct app;

/* A screen is a small vtable. */
struct view {
  const char *name; /* as in --screen and in the tabs */
  unsigned where;   /* its AT_ bit */
  bool is_tab;
  /* Draw the rule and the body; the message row too where there is something
   * to say. */
  void (*draw)(struct app *app, const struct layout *layout);
  /* Returns: false where the action means nothing here. */
  bool (*key)(struct app *app, enum action action);
};
extern const struct view view_overview, view_lanes, view_stalls, view_sites,
    view_tasks, view_compare, view_detail, view_help, view_replay, view_explain,
    view_file;
extern const struct view *const app_views[SCREEN_COUNT];

#define NO_STALL ((size_t)-1)

enum stall_sort { SORT_DURATION, SORT_OWN, SORT_HELD, SORT_TIME, SORT_COUNT };
enum site_sort { SITE_TOTAL, SITE_SELF, SITE_MAX, SITE_COUNT, SITE_SORT_COUNT };

/* Which lane: what it shows, of which thread. */
enum lane_what {
  LANE_TURN, /* of a loop; its other lanes fold into it */
  LANE_CALLBACK,
  LANE_CALLS, /* what callbacks had called, as it was seen from outside */
  LANE_SEEN, /* from outside, while it did not come back */
  LANE_BLOCKING,
  LANE_READY,  /* how many wait for the loop */
  LANE_LATE,   /* how late what was due is */
  LANE_POOL,   /* jobs that wait for a worker; the workers fold into it */
  LANE_WORKER, /* of the pool */
  LANE_TASKS,
  LANE_TASK,
  LANE_HANDLES, /* how many are open */
  LANE_HANDLE,
  LANE_FD, /* calls that waited for a descriptor */
  LANE_WHAT_COUNT
};
struct lane {
  enum lane_what what;
  uint32_t thread;
  uint32_t depth; /* of callbacks that run inside callbacks */
  size_t loop;    /* index into model.loops; of other lanes: 0 */
  uint64_t id;    /* task, handle, or descriptor plus 1; else 0 */
};

/* A task, handle or descriptor with a lane of its own: what it did, as spans of
 * LT_SPAWN (a moment), LT_READY, LT_RESUME, LT_AWAIT, LT_CALL. */
struct lane_life {
  struct lane lane;
  struct track track;
  uint32_t kind, site;
  uint64_t label;            /* a string, 0 none */
  int64_t begin_ns, end_ns;  /* -1, INT64_MAX: not seen */
  int64_t active_ns, at_ns;  /* running in all; since when as it is */
  enum { LIFE_NONE, LIFE_READY, LIFE_RUNS, LIFE_AWAITS } state;
  uint64_t awaits; /* the task that it waits for */
};

/* Which groups of lanes are shown. */
enum lane_set { SET_ALL, SET_LOOPS, SET_LOOPS_TASKS, SET_LOOPS_POOL, SET_COUNT };

/* What goes on when the window has been read; a key ends it. */
enum lanes_then {
  THEN_NOTHING,
  THEN_PLAY, /* but this */
  THEN_STEP,
  THEN_STEP_BACK,
  THEN_NEXT_HIT,
  THEN_PREV_HIT
};

#define LANES_MAX 512
#define LANES_HISTORY 16
#define LANES_PINNED 16
#define LANES_TASKS 8
#define LANES_HANDLES 16
struct lanes {
  int64_t from, to; /* the window */
  struct {
    int64_t from, to;
  } history[LANES_HISTORY];
  size_t n_history;
  struct lane current;
  bool *folded; /* by loop */
  bool is_pool_folded, are_tasks_folded, are_handles_open;
  struct lane pinned[LANES_PINNED];
  size_t n_pinned;
  bool hides_empty;
  enum lane_set set;
  uint32_t *max_depth; /* by loop: deepest callback seen so far */
  unsigned *has; /* by loop: a bit for each enum lane_what that was met; those
                    that were not have no lane */
  uint32_t pool[64];
  size_t n_pool;
  const lt_summary *summary; /* of the index: what is there before it is read;
                                NULL: none */
  bool has_summary; /* it was asked for */
  /* What was read: around the window, and the whole of a long trace in bins. */
  struct window *near, *whole;
  lt_reader *readers[2]; /* theirs; NULL where they have none */
  bool are_open[2];      /* that is settled */
  lt_status problem;
  /* Tasks, handles and descriptors of `near`, for a task in focus. */
  uint64_t focus; /* a task's id, 0 none */
  const struct window *lives_of;
  uint64_t lives_focus;
  int64_t lives_from, lives_to; /* they are of this window */
  struct lane_life *lives;
  size_t n_lives, n_tasks, n_handles; /* shown; seen in all */
  struct life_seen *seen; /* every task and descriptor in it */
  size_t n_scanned;       /* events of it */
  struct track open; /* how many handles are: a span each */
  /* A step along a lane that goes on in the window that is being read. */
  int steps_left;
  bool steps_forward;
  enum lanes_then then;
  struct lanes_hunt { /* for a hit, in the spans of `near` */
    size_t track, span;
    const struct model_span *found;
  } hunt;
  /* Where one came from along edges. */
  struct lane_place {
    struct lane lane;
    int64_t cursor_ns, from, to;
    uint64_t focus;
  } trail[LANES_HISTORY];
  size_t n_trail;
};

enum replay_unit { STEP_EVENT, STEP_TURN, STEP_STALL, STEP_UNIT_COUNT };
struct replay {
  bool is_playing, repeats, skips_idle;
  double speed; /* of the trace's time to the watcher's */
  double asked_speed;    /* to begin with; 0: what the window suggests */
  int64_t idle_limit_ns; /* longer idle stretches are skipped; 0: as fits */
  enum replay_unit unit;
  int64_t a_ns, b_ns; /* -1: not set */
  int zooms_left;     /* while it begins */
};

/* A line that is typed at the bottom. */
#define PROMPT_HISTORY 20
struct prompt {
  char kind; /* 0: none; '/' search, '&' filter, ':' command, 'm' or '\'' the
                name of a mark, 'x' the reason of a suppression */
  char text[FILTER_TEXT_MAX];
  char history[PROMPT_HISTORY][FILTER_TEXT_MAX]; /* of all kinds; newest last */
  size_t n_history, at_history;
};

/* A trace that is still being written. */
struct follow {
  bool is_on, is_held;
  struct model *next; /* owned: what is read anew; NULL: nothing */
  int64_t size, begun_ns, rest_until_ns;
  struct recent *recent;      /* owned: of the model that is shown, or NULL */
  struct recent *next_recent; /* owned: of the one that is being read */
  double bytes_per_s;         /* that the file grows by; 0: not known */
};

/* What can be clicked, as it was drawn last. */
enum hot_what { HOT_TAB, HOT_MAP, HOT_LANE, HOT_ROW, HOT_WORST, HOT_LOOP };
struct hot {
  enum hot_what what;
  struct rect rect;
  size_t index;
};
struct mouse {
  struct hot hot[400];
  size_t n_hot;
  int x, y; /* of the last click */
  int64_t clicked_ns;
  bool was_click, is_dragging; /* in the minimap */
};

/* Functions in use that have no name, by the module that they are in. */
#define NAMELESS_MAX 64
struct nameless {
  struct nameless_module {
    uint32_t module, n, n_nameless; /* id; functions */
  } modules[NAMELESS_MAX];
  size_t n;
  bool *seen;             /* by site; NULL: not begun, or done */
  size_t at, at_in_stack; /* of the model's sites, then of its stalls */
  bool is_done;
};

struct app {
  struct options options;
  int64_t now_ns; /* of the watcher's clock, for double clicks */
  struct mouse mouse;
  struct model *model; /* borrowed; exchanged, and then closed, in follow.c */
  bool is_loading;     /* the model is not complete yet */
  const lt_summary *summary; /* of the index, to be shown meanwhile, or NULL */
  lt_status load_problem;
  struct follow follow;
  const char *file; /* the trace's name to show; borrowed */
  int w, h;
  struct grid grid;
  enum screen_id stack[8];
  size_t depth; /* screens on the stack; 0: the viewer ends */
  int64_t cursor_ns;
  size_t stall;       /* index into model.stalls, or NO_STALL */
  size_t loop;        /* index into model.loops */
  bool in_loops;      /* Overview: the loops have the focus, not the stalls */
  bool shows_frames;  /* of stacks all, not only the program's */
  bool shows_problem; /* Overview: first say what is wrong with the file */
  char *problem;      /* owned: that, line by line; NULL: nothing is */
  int64_t longest_ns; /* stall */
  size_t *worst;      /* stalls by duration */
  size_t *order;      /* stalls as the list shows them */
  size_t n_order;     /* that the filter leaves */
  enum stall_sort stall_sort;
  bool stall_inverted;
  bool groups_stalls;     /* one row for each place: its longest */
  uint32_t *same_place;   /* of each stall: how many its row stands for */
  struct suppressions suppressions;
  bool *muted; /* by stall; see muted.c */
  size_t n_muted;
  bool shows_muted, has_bad_suppressions;
  size_t *site_order;
  size_t n_site_order;
  size_t site; /* row */
  enum site_sort site_sort;
  bool site_inverted;
  size_t help_row;
  struct lanes lanes;
  struct replay replay;
  struct tasks_pane tasks;
  struct compare compare;
  struct filter filter, search;
  struct prompt prompt;
  struct sift sift;
  struct seek seek;
  struct preview preview;
  int64_t marks[26];    /* by letter; -1: not set */
  int64_t came_from_ns; /* before the last jump; -1: none */
  struct notes notes;
  const char *path; /* to read the trace a second time; NULL: not possible */
  char message[160];
  struct {
    const char *rule; /* that is explained */
    size_t row;
  } explain;
  struct nameless nameless;
  struct {
    char *text; /* owned: what is said of the file; NULL until it is asked */
    size_t row;
  } details;
  struct {
    char path[4100]; /* to be opened in an editor, or "" */
    unsigned line;
  } edit;
  char clipboard[1400]; /* to be copied by who owns the terminal, or "" */
  bool wants_redraw, wants_suspend; /* for who owns the terminal */
};

/* Begin.  file: what to call the trace.  Returns: false without memory. */
bool app_init(struct app *app, struct model *model, const char *file, int w,
              int h);
void app_fini(struct app *app);
/* Show another model from now on, or one that is complete now; what was chosen
 * stays chosen.  Returns: false without memory, then nothing has changed. */
bool app_set_model(struct app *app, struct model *model);
/* Begin with a screen, and at a moment (-1: where nothing is chosen). */
void app_begin(struct app *app, enum screen_id screen, int64_t at_ns);
/* The terminal has another size now. */
void app_resize(struct app *app, int w, int h);
/* Draw everything into app->grid. */
void app_draw(struct app *app);
/* Returns: false when the viewer is to end. */
bool app_key(struct app *app, char32_t key);
/* The same of a key or of what the mouse did. */
bool app_press(struct app *app, const struct key_press *press);

/* For views: */
void app_go(struct app *app, enum screen_id screen);
enum screen_id app_screen(const struct app *app);
void app_select_stall(struct app *app, size_t stall);
__attribute__((format(printf, 2, 3))) void app_say(struct app *app,
                                                   const char *format, ...);
/* The row above the keys: where one is in a list. */
__attribute__((format(printf, 3, 4))) void
app_note(struct app *app, const struct layout *layout, const char *format, ...);
/* Select the next (or previous) stall in time after the cursor.  false: none.
 */
bool app_step_stall(struct app *app, bool forward);
void app_layout(const struct app *app, struct layout *layout);
/* A row moved by an action (DOWN, PAGE_UP, FIRST...): the new row of n.
 * Returns: false for any other action. */
bool app_move(enum action action, size_t n, int page, size_t *row);

/* While drawing: this can be clicked. */
void app_hot(struct app *app, enum hot_what what, struct rect rect,
             size_t index);
/* The filter leaves nothing of a list. */
void app_draw_none(struct app *app, const struct layout *layout);
/* All orders anew, without a filter. */
void app_sort(struct app *app);
void stalls_sort(struct app *app);
void sites_sort(struct app *app);

/* Screen 5; what it shows is read when it is first asked for.  id 0: the task
 * that was chosen, at first that of the chosen stall. */
void app_open_tasks(struct app *app, uint64_t id);

/* actions.c: keys that do something with what is selected. */
void action_task(struct app *app);
void action_copy(struct app *app);
void action_explain(struct app *app);
void action_edit(struct app *app);
void action_mute(struct app *app);
/* Write the suppression of the selected stall. */
void action_suppress(struct app *app, const char *reason);
/* Select "LOOP/TURN" (a stall), "#12" (a task) or a function.  false: there is
 * none. */
bool action_select(struct app *app, const char *word);

/* muted.c */
/* Read .looptrace-suppress. */
void muted_read(struct app *app);
/* The model is another one. */
void muted_apply(struct app *app);
bool muted_is(const struct app *app, size_t stall);
void muted_fini(struct app *app);

/* nameless.c: looked for in the background, as it may read files of code. */
void nameless_begin(struct app *app); /* the model is another one */
bool nameless_has_work(const struct app *app);
void nameless_work(struct app *app);
/* Modules of which half of the functions in use, or more, have no name. */
size_t nameless_modules(const struct app *app);
bool nameless_is(const struct nameless_module *module);
void nameless_fini(struct app *app);

/* problem.c: what is wrong with the file; made where shows_problem says so. */
void problem_make(struct app *app);
void problem_draw(struct app *app, const struct layout *layout);

/* view_file.c: how many bytes of a line fit into so many columns: whole words,
 * where there is one that fits. */
size_t text_fitting(const char *text, size_t n, int columns);
/* I. */
void file_open_details(struct app *app);

/* prompt.c: the line at the bottom. */
void prompt_open(struct app *app, char kind);
void prompt_drop_filter(struct app *app);
/* As if it had been typed behind a slash. */
void prompt_search(struct app *app, const char *text);
/* The first n letters as a moment; "A..B" as two. */
bool prompt_moment(const char *text, size_t n, int64_t *ns);
bool prompt_range(const char *text, int64_t *from_ns, int64_t *to_ns);
/* Returns: false when the viewer is to end. */
bool prompt_key(struct app *app, char32_t key);
void prompt_draw(struct app *app, const struct layout *layout);
/* prompt_language.c: the words of search and filter. */
void prompt_draw_language(struct app *app, const struct layout *layout);

/* summary.c: what the index of a trace tells before it is read. */
size_t summary_loops(const lt_summary *summary);
/* Rows of the minimap, from y on. */
void summary_draw_map(struct app *app, const struct layout *layout, int x,
                      int w);
/* The worst stalls, by how long they took: why is not known yet. */
void summary_draw_stalls(struct app *app, struct rect rect);

/* minimap.c */
void minimap_draw(struct app *app, const struct layout *layout);
/* Times under (or over) columns x .. x+w that stand for from..to. */
void axis_draw(struct grid *grid, int x, int y, int w, int64_t from,
               int64_t to);
/* A mark on an axis; a label that it would hit goes. */
void axis_mark(struct grid *grid, int x, int y, char32_t ch);
/* Notes and marks of from..to. */
void axis_notes(struct app *app, int x, int y, int w, int64_t from, int64_t to);
/* The column of a moment; may lie outside 0..w-1. */
int axis_column(int64_t ns, int64_t from, int64_t to, int w);

/* lanes.c: the window, and what is read for it. */
bool lanes_has_work(const struct app *app);
/* Read on, at most so many events. */
void lanes_work(struct app *app, uint64_t n_events);
/* What is around the window has not been read yet. */
bool lanes_are_reading(const struct app *app);
/* More events than can be known one by one. */
bool lanes_are_too_many(const struct app *app);
/* How much of it has been read, 0 to 1. */
double lanes_progress(const struct app *app);
/* Spans are known one by one in the whole window. */
bool lanes_are_single(const struct app *app);
/* Let go of what was read. */
void lanes_close(struct lanes *lanes);
void lanes_set_window(struct app *app, int64_t from, int64_t to);
void lanes_push_history(struct app *app);
/* The window around a stall, unless it is well in sight already. */
void lanes_show_stall(struct app *app, size_t stall);

/* lanes_list.c: which lanes there are. */
size_t lanes_list(struct app *app, struct lane lanes[LANES_MAX]);
size_t lanes_current(struct app *app, const struct lane *lanes, size_t n);
bool lane_is_same(const struct lane *a, const struct lane *b);
/* The lanes that fold into this one do, or no longer.  Returns: where it folds
 * itself into another one, that. */
void lanes_fold(struct app *app, const struct lane *lane);
void lanes_fold_all(struct app *app, bool folds);
/* Returns: whether it is pinned now. */
bool lanes_pin(struct app *app, const struct lane *lane);
bool lanes_is_pinned(const struct lanes *lanes, const struct lane *lane);
const char *lanes_set_name(enum lane_set set);
/* "callback", "w0 fs", "#12 render"... as in the list; is_whole: so that it is
 * understood alone. */
const char *lane_name(struct app *app, const struct lane *lane, bool is_whole,
                      char *buf, size_t size);
/* Spans of a lane in a window; NULL for none. */
struct track *lane_track(struct app *app, const struct window *window,
                         const struct lane *lane);

/* lanes_lives.c: lanes of tasks, handles and descriptors. */
/* Look at the events that came since. */
void lives_scan(struct app *app);
/* Choose whose lanes there are, and make them. */
void lives_make(struct app *app);
bool lives_are_old(const struct lanes *lanes);
void lives_free(struct lanes *lanes);
/* The window is read anew: also what was scanned goes. */
void lives_forget(struct lanes *lanes);
struct lane_life *lives_find(struct lanes *lanes, const struct lane *lane);

/* lanes_find.c: spans, and how one leads to another. */
/* All spans of loops and pool that are known one by one; of a thread, or of
 * all (LT_ALL_THREADS). */
void lanes_each_span(const struct app *app, uint32_t thread,
                     bool (*each)(void *context, const struct model_span *span),
                     void *context);
/* A loop's own; also what its thread did while no loop ran there. */
bool lanes_is_of(const struct model_loop *loop, const struct model_span *span);
/* What is under the cursor.  NULL: nothing. */
const struct model_span *lanes_under_cursor(struct app *app,
                                            const struct lane *lane);
/* Neither its end nor, in a window of a long trace, whether it has one. */
static inline bool span_is_unended(const struct model_span *span) {
  return span->end_ns == INT64_MAX;
}
/* Go to a span: its lane, its begin. */
void lanes_select(struct app *app, const struct model_span *span);
/* To the next (or previous) event of a lane; goes on while windows next to it
 * are read, and says so where there is none near. */
void lanes_step(struct app *app, bool forward);
/* The events that are missing at a moment of a lane's thread; NULL: none. */
const struct window_loss *lanes_loss(struct app *app, const struct lane *lane,
                                     int64_t at_ns);
/* A slice of the thread that runs at a moment, the innermost; NULL: none. */
const struct model_span *lanes_slice_at(struct app *app, uint32_t thread,
                                        int64_t at_ns);
/* What led to a span: how, and the event that did. */
struct lane_cause {
  const char *how;      /* "spawned by", "woken by", ...; NULL: not known */
  const lt_event *event; /* borrowed from the window */
  uint64_t task;        /* that did it, 0 unknown */
  uint32_t kind, site;  /* of it, where known */
};
/* Who woke it; where that is not known, who made it. */
struct lane_cause lanes_cause(struct app *app, const struct model_span *span,
                              bool only_spawn);
/* The task that awaits a span's task, or that it awaits. */
struct lane_cause lanes_awaits(struct app *app, const struct model_span *span);
/* Go where a cause is, and remember where from.  false: there is none. */
bool lanes_follow(struct app *app, const struct lane_cause *cause);
bool lanes_go_back(struct app *app);

/* Time passed for the watcher.  Returns: whether there is something new to
 * draw. */
bool app_tick(struct app *app, int64_t elapsed_ns);
/* Whether time means something now: something plays. */
bool app_is_moving(const struct app *app);

/* Work in the background, such as reading the tasks: at most so many events.
 * Returns: whether there is more to do. */
bool app_work(struct app *app, uint64_t n_events);
bool app_has_work(const struct app *app);

/* follow.c: go on reading. */
bool follow_work(struct app *app, uint64_t n_events);
/* Look whether the file has grown.  Returns: whether to draw anew. */
bool follow_look(struct app *app);
/* The file is followed, and not at its end: held, or going on. */
bool follow_is_live(const struct app *app);
bool follow_goes_on(const struct app *app);
/* How old the newest event is; -1 where that cannot be said. */
int64_t follow_lag_ns(const struct app *app);
void follow_fini(struct app *app);

/* findings.c: a box of the Overview. */
void findings_draw(struct app *app, struct rect rect);

/* view_follow.c: what the Overview is of a live picture. */
void follow_rule(struct app *app, char *buf, size_t size);
void follow_draw_loops(struct app *app, struct rect rect);
void follow_draw_kinds(struct app *app, struct rect rect);

/* replay.c: what plays, and how far it is. */
#define REPLAY_SPEED_MIN 0.0001
#define REPLAY_SPEED_MAX 1000
void replay_begin(struct app *app);
/* Go on with that: zoom in until single things can be seen, then play. */
void replay_settle(struct app *app);
/* The events around the cursor, in the order of time; NULL where they are not
 * at hand. */
const lt_event *replay_events(const struct app *app, size_t *n);
/* How many of the events at hand had happened at the cursor. */
size_t replay_position(const struct app *app);
void replay_seek(struct app *app, int64_t at_ns);
bool replay_tick(struct app *app, int64_t elapsed_ns);
bool replay_step(struct app *app, bool forward);
/* What a thread was doing at the cursor: its innermost slice, call, poll or
 * pool job; NULL for nothing. */
const struct model_span *replay_now(struct app *app, uint32_t thread);
/* The same of a loop (an index): another one may run inside its callback. */
const struct model_span *replay_loop_now(struct app *app, size_t loop);

/* replay_moment.c: what is known about tasks at the cursor; of a loop (an
 * index), or of all (REPLAY_ALL). */
#define REPLAY_ALL ((size_t)-1)
struct moment {
  bool is_whole; /* all is known since the beginning; else live is "at least" */
  size_t n_live, n_running, n_ready, n_late;
  size_t n_queued; /* jobs that wait for a worker; of all loops only */
  int64_t worst_late_ns;
};
void replay_moment(struct app *app, size_t loop, struct moment *moment);

/* replay_past.c */
void replay_draw_past(struct app *app, struct rect rect);

/* task_path.c: the path that tasks_shows_path() says is to be shown. */
void task_path_draw(struct app *app, struct rect rect);

/* lanes_draw.c: the lanes alone, as they were until a moment (INT64_MAX: all
 * of them). */
/* Columns of the names: more where there is room. */
static inline int lanes_label_w(int w) {
  return w >= 130 ? 26 : 16;
}
void lanes_draw(struct app *app, struct rect axis, struct rect rows,
                int64_t until_ns);

/* lanes_detail.c */
void lanes_draw_under_cursor(struct app *app, const struct lane *lane,
                             const struct layout_lanes *areas);

#endif
