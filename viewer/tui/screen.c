/* The curses backend.  One terminal, so the state is static.
 *
 * Invariant: signals that end or resize the viewer are blocked except while it
 * waits for a key, so none falls between a check and the wait. The crash
 * handler uses only async-signal-safe calls: the strings that restore the
 * terminal are made beforehand. Called by cmd_view.c and app.c. */
#include "config.h"

#define NCURSES_WIDECHAR 1
#include "tui/screen.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "tui/keymap.h"

static struct {
  bool open, ascii, forget;
  SCREEN *terminal;
  chtype attrs[ROLE_COUNT];
  short pairs[ROLE_COUNT];
  sigset_t blocked, while_waiting, mask_before;
  struct sigaction old_actions[3];
} screen;

static volatile sig_atomic_t end_signal;
static struct termios saved_termios;
static bool have_termios;
static char restore_bytes[128];
static size_t restore_size;

static const int end_signals[3] = {SIGINT, SIGTERM, SIGHUP};
static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void on_end(int signal_number) {
  end_signal = signal_number;
}

/* SA_RESETHAND: raising it again ends the process as it would have. */
static void on_crash(int signal_number) {
  ssize_t written = write(STDOUT_FILENO, restore_bytes, restore_size);
  (void)written;
  if (have_termios)
    tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
  raise(signal_number);
}

static void append_capability(const char *name) {
  const char *s = tigetstr((char *)name);
  if (!s || s == (char *)-1)
    return;
  size_t n = strlen(s);
  if (restore_size + n <= sizeof restore_bytes) {
    memcpy(restore_bytes + restore_size, s, n);
    restore_size += n;
  }
}

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_end};
  sigemptyset(&action.sa_mask);
  sigemptyset(&screen.blocked);
  for (size_t i = 0; i < 3; i++) {
    sigaction(end_signals[i], &action, &screen.old_actions[i]);
    sigaddset(&screen.blocked, end_signals[i]);
  }
  sigaddset(&screen.blocked, SIGWINCH);
  sigprocmask(SIG_BLOCK, &screen.blocked, &screen.mask_before);
  screen.while_waiting = screen.mask_before;
  for (size_t i = 0; i < 3; i++)
    sigdelset(&screen.while_waiting, end_signals[i]);
  sigdelset(&screen.while_waiting, SIGWINCH);
  action.sa_handler = on_crash;
  action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
  for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
    sigaction(crash_signals[i], &action, NULL);
}

static bool wants_color(enum screen_color color) {
  const char *no_color = getenv("NO_COLOR");
  if (color == SCREEN_COLOR_NEVER)
    return false;
  if (color == SCREEN_COLOR_AUTO && no_color && *no_color)
    return false;
  return has_colors();
}

static void make_styles(enum screen_color color) {
  bool colored = wants_color(color) && start_color() == OK;
  if (colored)
    use_default_colors();
  for (int i = 0; i < ROLE_COUNT; i++) {
    const struct role_style *style = &role_styles[i];
    short wanted = COLORS >= 256 ? style->c256 : style->c8;
    chtype attrs = 0;
    if (style->look & LOOK_BOLD)
      attrs |= A_BOLD;
    if ((style->look & LOOK_DIM) && !(colored && COLORS >= 256))
      attrs |= A_DIM;
    if (style->look & LOOK_REVERSE)
      attrs |= A_REVERSE;
    if (style->look & LOOK_UNDERLINE)
      attrs |= A_UNDERLINE;
    screen.attrs[i] = attrs;
    screen.pairs[i] = 0;
    if (colored && wanted >= 0 && init_pair((short)(i + 1), wanted, -1) == OK)
      screen.pairs[i] = (short)(i + 1);
  }
}

const char *screen_open(enum screen_color color, bool ascii) {
  int error = 0;
  if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
    return "the terminal type (TERM) is not known";
  const char *cup = tigetstr((char *)"cup");
  bool has_cup = cup && cup != (char *)-1;
  del_curterm(cur_term); /* newterm() makes its own */
  if (!has_cup)
    return "this type of terminal (TERM) cannot place text";
  have_termios = tcgetattr(STDIN_FILENO, &saved_termios) == 0;
  screen.terminal = newterm(NULL, stdout, stdin);
  if (!screen.terminal)
    return "the terminal cannot be set up";
  screen.open = true;
  screen.ascii = ascii;
  append_capability("sgr0");
  append_capability("cnorm");
  append_capability("rmkx");
  append_capability("rmcup");
  set_escdelay(25);
  cbreak();
  noecho();
  nonl();
  curs_set(0);
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  leaveok(stdscr, TRUE);
  make_styles(color);
  catch_signals();
  return NULL;
}

void screen_close(void) {
  if (!screen.open)
    return;
  screen.open = false;
  endwin();
  delscreen(screen.terminal);
  for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
    signal(crash_signals[i], SIG_DFL);
  for (size_t i = 0; i < 3; i++)
    sigaction(end_signals[i], &screen.old_actions[i], NULL);
  sigprocmask(SIG_UNBLOCK, &screen.blocked, NULL);
}

/* What the kernel says: curses' own idea changes only when it hands out
 * KEY_RESIZE, and then follows. */
void screen_size(int *w, int *h) {
  getmaxyx(stdscr, *h, *w);
}

static void show_cell(const struct cell *cell, int x, int y) {
  wchar_t text[3] = {(wchar_t)cell->ch, (wchar_t)cell->mark, 0};
  if (screen.ascii) {
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

bool screen_edit(const char *path, unsigned line) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
  int status = -1;
  if (!screen.open)
    return false;
  def_prog_mode();
  endwin();
  sigaction(SIGINT, &ignore, &old); /* ^C is for the editor */
  pid_t pid = fork();
  if (pid == 0) {
    sigaction(SIGINT, &screen.old_actions[0], NULL);
    sigprocmask(SIG_SETMASK, &screen.mask_before, NULL);
    exec_editor(path, line);
  }
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  sigaction(SIGINT, &old, NULL);
  reset_prog_mode();
  screen_forget();
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 126;
}

void screen_suspend(void) {
  raise(SIGTSTP); /* curses' handler leaves and comes back */
  screen_forget();
}

void screen_copy(const char *text) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *term = getenv("TERM");
  const unsigned char *p = (const unsigned char *)text;
  size_t left = strlen(text);
  if (!term || (strncmp(term, "xterm", 5) && strncmp(term, "tmux", 4) &&
                strncmp(term, "screen", 6)))
    return; /* others may print it */
  fputs("\033]52;c;", stdout);
  for (; left > 0; p += 3, left -= left < 3 ? left : 3) {
    unsigned bits = (unsigned)p[0] << 16 |
                    (left > 1 ? (unsigned)p[1] << 8 : 0) |
                    (left > 2 ? p[2] : 0);
    putchar(digits[bits >> 18]);
    putchar(digits[bits >> 12 & 63]);
    putchar(left > 1 ? digits[bits >> 6 & 63] : '=');
    putchar(left > 2 ? digits[bits & 63] : '=');
  }
  fputs("\033\\", stdout);
  fflush(stdout);
}

int screen_signal(void) {
  return end_signal;
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
      {KEY_BACKSPACE, TK_BACKSPACE},
      {KEY_RESIZE, TK_RESIZE},
      {KEY_ENTER, TK_ENTER},
  };
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (keys[i].from == key)
      return keys[i].to;
  return 0;
}

char32_t screen_key(int timeout_ms) {
  const struct timespec timeout = {timeout_ms / 1000,
                                   timeout_ms % 1000 * 1000000L};
  for (;;) {
    wint_t key;
    int kind = get_wch(&key);
    char32_t translated = kind == KEY_CODE_YES ? translate(key) : 0;
    if (kind == OK)
      return key == L'\n'              ? TK_ENTER
             : key == 0x7f || key == 8 ? TK_BACKSPACE
                                       : (char32_t)key;
    if (translated)
      return translated;
    if (end_signal)
      return TK_NONE;
    if (kind == KEY_CODE_YES)
      continue;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready = ppoll(&input, 1, timeout_ms < 0 ? NULL : &timeout,
                      &screen.while_waiting);
    if (ready == 0)
      return TK_TICK;
    /* The terminal is gone: without this the loop would spin. */
    if (ready > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL))) {
      end_signal = SIGHUP;
      return TK_NONE;
    }
  }
}
