/* The curses backend.  One terminal, so the state is static.
 *
 * Invariant: nothing here waits for a key: who waits is the loop of
 * viewer/tui/term/terminal.c, which asks for what has arrived.  What a terminal reports
 * by itself is taken out from between the keys, so that a late answer is never
 * a key.  Called by cmd_view.c and terminal.c. */
#include "config.h"

#define NCURSES_WIDECHAR 1
#include "tui/term/screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <term.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tui/term/crash.h"
#include "tui/term/report.h"

/* Beyond those that curses gives. */
enum { KEY_OF_MOUSE = KEY_MAX + 1, KEY_OF_COLOR };

#define MOUSE_ON "\033[?1002h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1002l"
#define ASK_BACKGROUND "\033]11;?\033\\"
#define ANSWER_NS INT64_C(1000000000) /* one that is later is no answer */

static struct {
  bool open, forget;
  SCREEN *terminal;
  struct screen_look look;
  enum background background; /* what is known of it */
  int64_t asked_ns;           /* 0: it was not, or has answered */
  struct report report;
  chtype attrs[ROLE_COUNT];
  short pairs[ROLE_COUNT];
  struct termios modes;
  char restore[128]; /* what gives the terminal back */
  size_t n_restore;
} screen;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Of those that understand more than their terminfo says. */
static bool is_modern(void) {
  static const char *const kinds[] = {"xterm",  "tmux", "screen", "rxvt",
                                      "foot", "alacritty", "st-"};
  const char *term = getenv("TERM");
  for (size_t i = 0; term && i < sizeof kinds / sizeof *kinds; i++)
    if (!strncmp(term, kinds[i], strlen(kinds[i])))
      return true;
  return false;
}

/* To the terminal, before or after what curses sends, as that does: not through
 * stdout, which would take a moment at which the terminal has no room, or is
 * gone, for output that is missing. */
static void send_bytes(const char *bytes, size_t n) {
  while (n > 0) {
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    ssize_t sent = write(STDOUT_FILENO, bytes, n);
    if (sent > 0) {
      bytes += sent;
      n -= (size_t)sent;
    } else if (sent < 0 && errno == EAGAIN) {
      poll(&output, 1, -1);
    } else if (sent == 0 || errno != EINTR) {
      return;
    }
  }
}

static void send(const char *text) {
  send_bytes(text, strlen(text));
}

static void append_restore(const char *bytes) {
  size_t n = bytes ? strlen(bytes) : 0;
  if (screen.n_restore + n > sizeof screen.restore)
    return;
  memcpy(screen.restore + screen.n_restore, bytes ? bytes : "", n);
  screen.n_restore += n;
}

static void make_restore(void) {
  static const char *const names[] = {"sgr0", "cnorm", "rmkx", "rmcup"};
  screen.n_restore = 0;
  if (screen.look.has_mouse)
    append_restore(MOUSE_OFF);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *s = tigetstr((char *)(uintptr_t)names[i]);
    append_restore(s == (char *)-1 ? NULL : s);
  }
}

static bool wants_color(void) {
  enum screen_color color = screen.look.color;
  const char *no_color = getenv("NO_COLOR");
  if (color == SCREEN_COLOR_NEVER)
    return false;
  if (color == SCREEN_COLOR_AUTO && no_color && *no_color)
    return false;
  return has_colors();
}

/* How many colours are used: 0, 8 or 256. */
static int n_colors(void) {
  static bool is_started;
  enum screen_color color = screen.look.color;
  int n = COLORS;
  if (!wants_color())
    return 0;
  if (!is_started && start_color() != OK)
    return 0;
  is_started = true;
  use_default_colors();
  n = COLORS;
  return n < 256 || color == SCREEN_COLOR_8 || color == SCREEN_COLOR_16 ? 8
                                                                        : 256;
}

static void make_styles(void) {
  int n = n_colors();
  enum background background = screen.look.background != BACKGROUND_AUTO
                                   ? screen.look.background
                                   : screen.background;
  for (int i = 0; i < ROLE_COUNT; i++) {
    const struct role_style *style = &role_styles[i];
    short wanted = n == 256 ? role_color((enum role)i, background) : style->c8;
    chtype attrs = 0;
    if (style->look & LOOK_BOLD)
      attrs |= A_BOLD;
    if ((style->look & LOOK_DIM) && n < 256)
      attrs |= A_DIM;
    if (style->look & LOOK_REVERSE)
      attrs |= A_REVERSE;
    if (style->look & LOOK_UNDERLINE)
      attrs |= A_UNDERLINE;
    screen.attrs[i] = attrs;
    screen.pairs[i] = 0;
    if (n && wanted >= 0 && init_pair((short)(i + 1), wanted, -1) == OK)
      screen.pairs[i] = (short)(i + 1);
  }
}

/* The answer is read between the keys, whenever it comes. */
static void ask_background(void) {
  if (screen.look.background != BACKGROUND_AUTO || screen.background ||
      screen.asked_ns || n_colors() < 256 || !is_modern() ||
      !strncmp(getenv("TERM"), "screen", 6)) /* which passes nothing on */
    return;
  screen.asked_ns = now_ns();
  send(ASK_BACKGROUND);
}

static void set_mouse(bool on) {
  if (is_modern())
    send(on ? MOUSE_ON : MOUSE_OFF);
}

const char *screen_open(const struct screen_look *look, const char *file) {
  int error = 0;
  if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
    return "the terminal type (TERM) is not known";
  const char *cup = tigetstr((char *)(uintptr_t)"cup");
  bool has_cup = cup && cup != (char *)-1;
  del_curterm(cur_term); /* newterm() makes its own */
  if (!has_cup)
    return "this type of terminal (TERM) cannot place text";
  crash_catch("", 0, file); /* it keeps the modes as they are now */
  screen.terminal = newterm(NULL, stdout, stdin);
  if (!screen.terminal) {
    crash_release();
    return "the terminal cannot be set up";
  }
  screen.open = true;
  screen.look = *look;
  make_restore();
  crash_set_restore(screen.restore, screen.n_restore);
  set_escdelay(25);
  cbreak();
  noecho();
  nonl();
  curs_set(0);
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  leaveok(stdscr, TRUE);
  define_key("\033[<", KEY_OF_MOUSE);
  define_key("\033]11;", KEY_OF_COLOR);
  make_styles();
  if (look->has_mouse)
    set_mouse(true);
  ask_background();
  return NULL;
}

void screen_close(void) {
  if (!screen.open)
    return;
  screen.open = false;
  if (screen.look.has_mouse)
    set_mouse(false);
  endwin();
  if (screen.asked_ns && now_ns() - screen.asked_ns < ANSWER_NS)
    tcflush(STDIN_FILENO, TCIFLUSH); /* an answer that the shell would read */
  delscreen(screen.terminal);
  crash_release();
}

void screen_set_look(const struct screen_look *look) {
  struct screen_look was = screen.look;
  bool had_mouse = was.has_mouse;
  if (!screen.open ||
      (was.color == look->color && was.ascii == look->ascii &&
       had_mouse == look->has_mouse && was.background == look->background))
    return;
  screen.look = *look;
  if (had_mouse != look->has_mouse)
    set_mouse(look->has_mouse);
  make_restore();
  crash_set_restore(screen.restore, screen.n_restore);
  ask_background();
  make_styles();
  screen_forget();
}

void screen_size(int *w, int *h) {
  getmaxyx(stdscr, *h, *w);
}

void screen_take_size(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
      size.ws_col > 0)
    resizeterm(size.ws_row, size.ws_col);
}

static void show_cell(const struct cell *cell, int x, int y) {
  wchar_t text[3] = {(wchar_t)cell->ch, (wchar_t)cell->mark, 0};
  if (screen.look.ascii) {
    text[0] = cell->ch ? (wchar_t)glyph_ascii(cell->ch) : L'?';
    text[1] = 0;
  } else if (cell->ch == 0) {
    return; /* the wide character on the left covers it */
  }
  cchar_t out;
  attr_t attrs = screen.attrs[cell->role];
  short pair = screen.pairs[cell->role];
  if (cell->selected) { /* one even bar, whatever the colours in it */
    attrs = (attrs & A_BOLD) | A_REVERSE;
    pair = 0;
  }
  if (setcchar(&out, text, attrs, pair, NULL) == OK)
    mvadd_wch(y, x, &out);
}

void screen_show(const struct grid *grid) {
  for (int y = 0; y < grid->h; y++)
    for (int x = 0; x < grid->w; x++)
      show_cell(&grid->cells[y * grid->w + x], x, y);
  if (screen.forget)
    clearok(curscr, TRUE);
  screen.forget = false;
  refresh();
}

void screen_forget(void) {
  screen.forget = true;
}

/* The editor's command may have arguments, so a shell reads it; the file's name
 * comes from a trace and is never read by one. */
static void exec_editor(const char *path, unsigned line) {
  const char *editor = getenv("VISUAL");
  char command[600], place[24];
  if (!editor || !*editor)
    editor = getenv("EDITOR");
  if (!editor || !*editor)
    editor = "vi";
  snprintf(command, sizeof command, "exec %s \"$@\"", editor);
  snprintf(place, sizeof place, "+%u", line);
  execl("/bin/sh", "sh", "-c", command, "editor", place, path, (char *)NULL);
  _exit(127);
}

/* Programs that make a terminal non-blocking, and leave it so, are common. */
static void set_flags(int flags) {
  if (flags >= 0 && fcntl(STDOUT_FILENO, F_GETFL) != flags)
    fcntl(STDOUT_FILENO, F_SETFL, flags);
}

bool screen_edit(const char *path, unsigned line) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
  int status = -1, flags = fcntl(STDOUT_FILENO, F_GETFL);
  if (!screen.open)
    return false;
  if (screen.look.has_mouse)
    set_mouse(false);
  def_prog_mode();
  endwin();
  sigaction(SIGINT, &ignore, &old); /* ^C is for the editor */
  pid_t pid = fork();
  if (pid == 0) {
    sigaction(SIGINT, &old, NULL); /* a handler ends at exec */
    exec_editor(path, line);
  }
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  sigaction(SIGINT, &old, NULL);
  set_flags(flags);
  screen_resume();
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 126;
}

/* Nothing is between the two: a stop at another moment finds the terminal
 * either taken or given back. */
void screen_suspend(void) {
  struct sigaction stop = {.sa_handler = SIG_DFL}, old;
  if (screen.look.has_mouse)
    set_mouse(false);
  def_prog_mode();
  endwin();
  sigaction(SIGTSTP, &stop, &old);
  raise(SIGTSTP);
  sigaction(SIGTSTP, &old, NULL);
  screen_resume();
}

void screen_resume(void) {
  reset_prog_mode();
  if (screen.look.has_mouse)
    set_mouse(true);
  screen_take_size();
  screen_forget();
}

void screen_copy(const char *text) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *p = (const unsigned char *)text;
  size_t left = strlen(text), n = 0;
  char *out = malloc((left + 2) / 3 * 4 + 1);
  if (!is_modern() || !out) { /* others may print it */
    free(out);
    return;
  }
  for (; left > 0; p += 3, left -= left < 3 ? left : 3) {
    unsigned bits = (unsigned)p[0] << 16 |
                    (left > 1 ? (unsigned)p[1] << 8 : 0) |
                    (left > 2 ? p[2] : 0);
    out[n++] = digits[bits >> 18];
    out[n++] = digits[bits >> 12 & 63];
    out[n++] = left > 1 ? digits[bits >> 6 & 63] : '=';
    out[n++] = left > 2 ? digits[bits & 63] : '=';
  }
  send("\033]52;c;");
  send_bytes(out, n);
  send("\033\\");
  free(out);
}

static char32_t translate(wint_t key) {
  static const struct {
    wint_t from;
    char32_t to;
  } keys[] = {
      {KEY_UP, TK_UP},
      {KEY_DOWN, TK_DOWN},
      {KEY_LEFT, TK_LEFT},
      {KEY_RIGHT, TK_RIGHT},
      {KEY_SLEFT, TK_SHIFT_LEFT},
      {KEY_SRIGHT, TK_SHIFT_RIGHT},
      {KEY_PPAGE, TK_PAGE_UP},
      {KEY_NPAGE, TK_PAGE_DOWN},
      {KEY_HOME, TK_HOME},
      {KEY_END, TK_END},
      {KEY_BTAB, TK_BACK_TAB},
      {KEY_F(1), TK_F1},
      {KEY_F(2), TK_F2},
      {KEY_BACKSPACE, TK_BACKSPACE},
      {KEY_ENTER, TK_ENTER},
  };
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (keys[i].from == key)
      return keys[i].to;
  return 0;
}

/* Without this the loop would spin: input is ready, and there is none. */
static bool is_gone(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) > 0 &&
         (input.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* A part of a report.  Returns: whether press is a key now. */
static bool take_report(char32_t ch, struct key_press *press) {
  struct report *r = &screen.report;
  enum report_kind kind = r->kind;
  enum report_result result = report_feed(r, ch);
  if (result == REPORT_GOES_ON)
    return false;
  r->kind = REPORT_NONE;
  if (result == REPORT_DROPPED)
    return false;
  if (kind == REPORT_MOUSE)
    return screen.look.has_mouse && report_mouse(r, press);
  screen.asked_ns = 0;
  enum background background = report_background(r);
  if (background == BACKGROUND_AUTO || background == screen.background)
    return false;
  screen.background = background;
  make_styles();
  press->key = TK_LOOK;
  return true;
}

static char32_t plain(wint_t key) {
  return key == L'\n'              ? TK_ENTER
         : key == 0x7f || key == 8 ? TK_BACKSPACE
                                   : (char32_t)key;
}

void screen_read(struct key_press *press) {
  wint_t key;
  int kind;
  *press = (struct key_press){.key = TK_NONE};
  while ((kind = get_wch(&key)) != ERR) {
    if (kind == KEY_CODE_YES && (key == KEY_OF_MOUSE || key == KEY_OF_COLOR)) {
      report_begin(&screen.report,
                   key == KEY_OF_MOUSE ? REPORT_MOUSE : REPORT_COLOR);
      continue;
    }
    if (kind == OK && screen.report.kind) {
      if (take_report((char32_t)key, press))
        return;
      continue;
    }
    screen.report.kind = REPORT_NONE;
    press->key = kind == OK ? plain(key) : translate(key);
    if (press->key)
      return;
    press->key = TK_NONE;
  }
  if (is_gone())
    press->key = TK_HANGUP;
}

void screen_log(const struct key_press *press) {
  char text[KEY_SCRIPT_SIZE];
  crash_log(key_script(press, text));
}
