/* The viewer's loop: keys, signals, time, and work in slices between them.
 *
 * Invariant: no callback of the loop takes longer than some milliseconds, but
 * where an editor or a shell has the terminal; a key that comes is handled
 * before the next slice of work.  Called by cmd_view.c. */
#include "config.h"

#include "tui/term/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include "tui/term/screen.h"

/* Frames a second while something moves: 20, fewer over a slow line. */
enum { FRAME_MS = 50, FRAME_SSH_MS = 125, LOOK_MS = 250 };
#define EVENTS_A_SLICE 5000 /* one to three milliseconds */
#define KEYS_NS 8000000 /* so long keys are taken before a frame is drawn */
#define FIRST_FRAME_MS 20
#define LONG_BYTES 1000000 /* it will not be whole by then */

static const int signals[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGINT,
                              SIGTERM,  SIGHUP};
enum { N_SIGNALS = sizeof signals / sizeof *signals };

struct terminal {
  struct app *app;
  struct terminal_options *options;
  uv_loop_t loop;
  uv_poll_t input;
  uv_signal_t signals[N_SIGNALS];
  uv_timer_t frames;
  uv_idle_t slices;
  int input_fd;
  uint64_t frame_ms, ticked_ms; /* of the timer; 0: it rests */
  bool is_read;
  int ended_by;
};

static struct screen_look look_of(const struct app *app) {
  static const enum screen_color colors[] = {
      SCREEN_COLOR_AUTO, SCREEN_COLOR_ALWAYS, SCREEN_COLOR_NEVER,
      SCREEN_COLOR_8,    SCREEN_COLOR_8,      SCREEN_COLOR_ALWAYS};
  const struct options *o = &app->options;
  return (struct screen_look){
      .color = colors[o->value[OPTION_COLOR]],
      .ascii = options_is(o, OPTION_ASCII, "yes"),
      .has_mouse = options_is(o, OPTION_MOUSE, "yes"),
      .background = (enum background)o->value[OPTION_BACKGROUND],
  };
}

void terminal_serve(struct app *app) {
  struct screen_look look = look_of(app);
  screen_set_look(&look);
  if (app->clipboard[0])
    screen_copy(app->clipboard);
  app->clipboard[0] = '\0';
  if (app->edit.path[0] && !screen_edit(app->edit.path, app->edit.line))
    app_say(app, "the editor could not be run; is EDITOR set?");
  app->edit.path[0] = '\0';
  if (app->wants_suspend)
    screen_suspend();
  if (app->wants_redraw)
    screen_forget();
  app->wants_suspend = app->wants_redraw = false;
}

static void leave(struct terminal *t, int signal_number) {
  t->ended_by = signal_number;
  uv_stop(&t->loop);
}

/* Time and work go on only while there is any. */

static void on_frame(uv_timer_t *timer);
static void on_slice(uv_idle_t *slices);

static void plan(struct terminal *t) {
  uint64_t frame = getenv("SSH_CONNECTION") ? FRAME_SSH_MS : FRAME_MS;
  bool works = app_has_work(t->app);
  uint64_t wanted = works || app_is_moving(t->app) ? frame
                    : follow_goes_on(t->app)       ? LOOK_MS
                                                   : 0;
  if (works)
    uv_idle_start(&t->slices, on_slice);
  else
    uv_idle_stop(&t->slices);
  if (wanted == t->frame_ms)
    return;
  t->frame_ms = wanted;
  t->ticked_ms = uv_now(&t->loop);
  if (wanted)
    uv_timer_start(&t->frames, on_frame, wanted, wanted);
  else
    uv_timer_stop(&t->frames);
}

static void draw(struct terminal *t) {
  int w, h;
  if (!t->is_read && !t->app->is_loading) {
    t->is_read = true;
    if (!t->options->is_read(t->app, t->options->context)) {
      leave(t, 0);
      return;
    }
  }
  terminal_serve(t->app);
  screen_size(&w, &h);
  if (w != t->app->w || h != t->app->h)
    app_resize(t->app, w, h);
  app_draw(t->app);
  screen_show(&t->app->grid);
  plan(t);
}

static void on_frame(uv_timer_t *timer) {
  struct terminal *t = timer->data;
  uint64_t now = uv_now(&t->loop);
  app_tick(t->app, (int64_t)(now - t->ticked_ms) * 1000000);
  t->ticked_ms = now;
  draw(t);
}

static void on_slice(uv_idle_t *slices) {
  struct terminal *t = slices->data;
  if (!app_work(t->app, EVENTS_A_SLICE))
    draw(t); /* it is done: what was being computed is there */
}

/* Returns: false when the viewer is left. */
static bool take(struct terminal *t, const struct key_press *press) {
  if (press->key == TK_HANGUP) {
    leave(t, SIGHUP);
    return false;
  }
  if (press->key == TK_LOOK) {
    screen_forget();
    return true;
  }
  screen_log(press);
  t->app->now_ns = (int64_t)uv_hrtime();
  if (!app_press(t->app, press)) {
    leave(t, 0);
    return false;
  }
  terminal_serve(t->app);
  return true;
}

static void on_input(uv_poll_t *input, int status, int events) {
  struct terminal *t = input->data;
  uint64_t begun = uv_hrtime();
  struct key_press press;
  (void)events;
  if (status < 0) {
    leave(t, SIGHUP);
    return;
  }
  do {
    screen_read(&press);
    if (press.key == TK_NONE)
      break;
    if (!take(t, &press))
      return;
  } while (uv_hrtime() - begun < KEYS_NS);
  draw(t);
}

static void on_signal(uv_signal_t *handle, int number) {
  struct terminal *t = handle->data;
  struct key_press resize = {.key = TK_RESIZE};
  switch (number) {
  case SIGWINCH:
    screen_take_size();
    screen_size(&resize.w, &resize.h);
    screen_log(&resize);
    break;
  case SIGTSTP:
    screen_suspend();
    break;
  case SIGCONT:
    screen_resume();
    break;
  default:
    leave(t, number);
    return;
  }
  draw(t);
}

/* libuv makes what it polls non-blocking, and that would be the shell's
 * standard input, too: so it polls a descriptor that is ready when that is. */
static int begin_input(struct terminal *t) {
  struct epoll_event event = {.events = EPOLLIN};
  t->input_fd = epoll_create1(EPOLL_CLOEXEC);
  if (t->input_fd < 0 ||
      epoll_ctl(t->input_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0 ||
      uv_poll_init(&t->loop, &t->input, t->input_fd) != 0)
    return -1;
  t->input.data = t;
  return uv_poll_start(&t->input, UV_READABLE, on_input);
}

static int begin(struct terminal *t) {
  uv_timer_init(&t->loop, &t->frames);
  uv_idle_init(&t->loop, &t->slices);
  t->frames.data = t->slices.data = t;
  for (size_t i = 0; i < N_SIGNALS; i++) {
    uv_signal_init(&t->loop, &t->signals[i]);
    t->signals[i].data = t;
    if (uv_signal_start(&t->signals[i], on_signal, signals[i]) != 0)
      return -1;
  }
  return begin_input(t);
}

static void close_handle(uv_handle_t *handle, void *context) {
  (void)context;
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

static void end(struct terminal *t) {
  uv_walk(&t->loop, close_handle, NULL);
  while (uv_run(&t->loop, UV_RUN_DEFAULT) != 0)
    ;
  uv_loop_close(&t->loop);
  if (t->input_fd >= 0)
    close(t->input_fd);
}

/* A short trace is whole in the first picture. */
static void read_at_first(struct app *app) {
  uint64_t begun = uv_hrtime();
  if (app->model->info->size_bytes >= LONG_BYTES)
    return;
  while (uv_hrtime() - begun < FIRST_FRAME_MS * UINT64_C(1000000) &&
         app_work(app, EVENTS_A_SLICE))
    ;
}

int terminal_run(struct app *app, struct terminal_options *options) {
  struct terminal t = {.app = app, .options = options, .input_fd = -1};
  struct screen_look look = look_of(app);
  options->problem = screen_open(&look, app->path ? app->path : app->file);
  if (options->problem)
    return -1;
  if (uv_loop_init(&t.loop) != 0) {
    screen_close();
    options->problem = "there is no memory, or no descriptor left";
    return -1;
  }
  bool ok = begin(&t) == 0;
  if (ok) {
    screen_take_size(); /* until now nobody heard of another one */
    read_at_first(app);
    draw(&t);
    uv_run(&t.loop, UV_RUN_DEFAULT);
  } else {
    options->problem = "its input cannot be waited for";
  }
  screen_close();
  end(&t);
  if (!ok)
    return -1;
  return t.ended_by && t.ended_by != SIGINT ? 128 + t.ended_by : 0;
}
