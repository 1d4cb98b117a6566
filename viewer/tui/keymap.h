/* Every key of the viewer, in one table.
 *
 * The table makes the look-up, the `?` view, the row of hints and the parser of
 * key scripts; a key that is not here does nothing. */
#ifndef LTV_TUI_KEYMAP_H
#define LTV_TUI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <uchar.h>

/* Keys that are not characters: beyond Unicode. Name as in scripts, as shown.
 */
#define KEY_NAME_MAP(X)                                                        \
  X(UP, "Up", "↑")                                                             \
  X(DOWN, "Down", "↓")                                                         \
  X(LEFT, "Left", "←")                                                         \
  X(RIGHT, "Right", "→")                                                       \
  X(SHIFT_LEFT, "S-Left", "S-←")                                               \
  X(SHIFT_RIGHT, "S-Right", "S-→")                                             \
  X(PAGE_UP, "PageUp", "PgUp")                                                 \
  X(PAGE_DOWN, "PageDown", "PgDn")                                             \
  X(HOME, "Home", "Home")                                                      \
  X(END, "End", "End")                                                         \
  X(BACK_TAB, "S-Tab", "S-Tab")                                                \
  X(F1, "F1", "F1")                                                            \
  X(BACKSPACE, "BS", "BkSp")                                                   \
  X(CLICK, "Click", "")   /* the left button went down, at a cell */            \
  X(DRAG, "Drag", "")     /* moved, while it is down */                        \
  X(RELEASE, "Release", "")                                                    \
  X(WHEEL_UP, "WheelUp", "")                                                   \
  X(WHEEL_DOWN, "WheelDown", "")                                               \
  X(CTRL_WHEEL_UP, "C-WheelUp", "")                                            \
  X(CTRL_WHEEL_DOWN, "C-WheelDown", "")                                        \
  X(F2, "F2", "F2")                                                            \
  X(TICK, "Tick", "")     /* time passed: replay goes on, work is done */      \
  X(RESIZE, "Resize", "") /* the terminal changed its size */                  \
  X(DUMP, "Dump", "")     /* in scripts: write out the screen */               \
  X(HANGUP, "Hangup", "") /* the terminal is gone */                           \
  X(LOOK, "Look", "")     /* its colours are other ones now */                 \
  X(NONE, "None", "")     /* no key has arrived */

enum key {
  KEY_FIRST_ = 0x110000,
#define KEY_ENUM(name, script, shown) TK_##name,
  KEY_NAME_MAP(KEY_ENUM)
#undef KEY_ENUM
      TK_TAB = '\t',
  TK_ENTER = '\r',
  TK_ESCAPE = 27,
  TK_SPACE = ' '
};

/* Where a key means something. */
enum {
  AT_OVERVIEW = 1,
  AT_LANES = 2,
  AT_STALLS = 4,
  AT_SITES = 8,
  AT_DETAIL = 16,
  AT_HELP = 32,
  AT_REPLAY = 64,
  AT_TASKS = 128,
  AT_COMPARE = 256,
  AT_EXPLAIN = 512,
  AT_FILE = 1024,
  AT_TABS = AT_OVERVIEW | AT_LANES | AT_STALLS | AT_SITES | AT_TASKS |
            AT_COMPARE | AT_DETAIL,
  AT_LISTS = AT_STALLS | AT_SITES | AT_TASKS | AT_COMPARE,
  AT_ALL = AT_TABS | AT_HELP | AT_EXPLAIN | AT_FILE,
  AT_ANY = AT_ALL | AT_REPLAY,
  AT_MOMENT = AT_OVERVIEW | AT_LANES | AT_STALLS | AT_DETAIL /* is chosen */
};

/* action, keys, where, hint (NULL: none; hints in this order), help, who knows
 * it from where */
#define KEYMAP(X)                                                              \
  X(PLAY, "<Space>", AT_REPLAY, "Space play", "pause, or play on", "mpv")      \
  X(STEP, ".", AT_REPLAY, ". , step", "the next event, turn or stall", "mpv")  \
  X(STEP_BACK, ",", AT_REPLAY, NULL, "the previous event, turn or stall",      \
    "mpv")                                                                     \
  X(STEP_UNIT, "u", AT_REPLAY, "u unit", "step by event, turn or stall", "")   \
  X(SLOWER, "[", AT_REPLAY, "[ ] speed", "replay 10% slower", "mpv")           \
  X(FASTER, "]", AT_REPLAY, NULL, "replay 10% faster", "mpv")                  \
  X(HALF_SPEED, "{", AT_REPLAY, "{ } half, twice", "half the speed", "mpv")    \
  X(TWICE_SPEED, "}", AT_REPLAY, NULL, "twice the speed", "mpv")               \
  X(REAL_SPEED, "<BS>", AT_REPLAY, NULL, "as fast as it happened", "mpv")      \
  X(EARLIER, "h <Left>", AT_REPLAY, "h l skip", "a tenth of the screen back",  \
    "mpv")                                                                     \
  X(LATER, "l <Right>", AT_REPLAY, NULL, "a tenth of the screen on", "mpv")    \
  X(MARK_A, "a", AT_REPLAY, "a b A-B", "A: the part to repeat begins here",    \
    "mpv")                                                                     \
  X(MARK_B, "b", AT_REPLAY, NULL, "B: the part to repeat ends here", "mpv")    \
  X(REPEAT, "L", AT_REPLAY, "L repeat", "repeat A to B, or no longer", "mpv")  \
  X(SKIP_IDLE, "i", AT_REPLAY, "i idle", "skip idle stretches, or not",        \
    "asciinema -i")                                                            \
  X(DOWN, "j <Down>", AT_ANY, "j k move", "next row, lane or stall", "vim")    \
  X(UP, "k <Up>", AT_ANY, NULL, "previous row, lane or stall", "vim")          \
  X(LEFT, "h <Left> a", AT_LANES, "h l pan", "earlier; the window follows",    \
    "vim, Perfetto")                                                           \
  X(RIGHT, "l <Right> d", AT_LANES, NULL, "later; the window follows",         \
    "vim, Perfetto")                                                           \
  X(HOLD, "=", AT_TABS & ~AT_LANES, NULL, "hold a file that grows; go on",     \
    "lnav")                                                                    \
  X(ZOOM_IN, "+ = w", AT_LANES | AT_REPLAY, "+ - zoom",                        \
    "zoom in at the cursor", "speedscope, Perfetto")                           \
  X(ZOOM_OUT, "- s", AT_LANES | AT_REPLAY, NULL, "zoom out",                   \
    "speedscope, Perfetto")                                                    \
  X(ZOOM_ALL, "0", AT_LANES, "0 all", "show the whole trace", "speedscope")    \
  X(ZOOM_FIT, "z", AT_LANES, "z fit", "zoom to what is under the cursor",      \
    "lnav, Perfetto F")                                                        \
  X(ZOOM_BACK, "Z", AT_LANES, NULL, "go back to the previous zoom", "lnav")    \
  X(NEXT_EVENT, ".", AT_LANES, ". , event", "next event on the lane",          \
    "Perfetto, mpv")                                                           \
  X(PREV_EVENT, ",", AT_LANES, NULL, "previous event on the lane",             \
    "Perfetto, mpv")                                                           \
  X(ENTER, "<Enter>", AT_MOMENT | AT_LISTS, "Enter open",                      \
    "open what is selected", "tig")                                            \
  X(NEXT_STALL, "e", AT_MOMENT | AT_REPLAY, "e E stall", "next stall in time", \
    "lnav")                                                                    \
  X(PREV_STALL, "E", AT_MOMENT | AT_REPLAY, NULL, "previous stall in time",    \
    "lnav")                                                                    \
  X(TO_LANES, "t",                                                             \
    AT_OVERVIEW | AT_LISTS | AT_DETAIL, "t lanes",                             \
    "show the same moment in the lanes", "")                                   \
  X(TO_TASK, "T", AT_MOMENT | AT_REPLAY, "T task",                             \
    "the task under the cursor, or of the stall", "")                          \
  X(PARENT, "u", AT_TASKS, "u parent", "the task that made it", "")            \
  X(PATH, "p", AT_TASKS, "p path", "the task's critical path, or not", "")     \
  X(FOLD, "o", AT_LANES | AT_REPLAY, "o fold",                                 \
    "fold or unfold the lanes of a loop or a group", "perf, uftrace")        \
  X(CAUSE, "r", AT_LANES, "r cause", "go to what woke it, or made it", "")     \
  X(PIN, "p", AT_LANES | AT_REPLAY, "p pin", "keep the lane on top, or not",   \
    "Perfetto")                                                                \
  X(LANE_SET, "v", AT_LANES | AT_REPLAY, "v lanes",                            \
    "all lanes, loops, with tasks, with the pool", "Trace Compass")            \
  X(HIDE_EMPTY, "H", AT_LANES | AT_REPLAY, NULL,                               \
    "hide lanes with nothing in sight, or not", "Trace Compass")               \
  X(FOLD_ALL, "c", AT_LANES | AT_REPLAY, NULL, "fold all lanes", "perf")       \
  X(UNFOLD_ALL, "C", AT_LANES | AT_REPLAY, NULL, "unfold all lanes", "perf")   \
  X(REPLAY, "<Space>", AT_MOMENT, "Space replay", "play from here", "mpv")     \
  X(NEXT_PANE, "<Tab> <S-Tab>", AT_OVERVIEW, "Tab pane", "the other pane",     \
    "tig")                                                                     \
  X(UNIT, "u", AT_COMPARE, "u unit", "per 1000 callbacks, per second, in all", \
    "")                                                                        \
  X(GROUP, "s", AT_STALLS, "s group", "one row for each place, or not", "")     \
  X(MUTED, "H", AT_STALLS, NULL, "show what is suppressed, or not", "")         \
  X(FRAMES, "R", AT_STALLS | AT_DETAIL | AT_LANES, NULL,                       \
    "all frames of stacks, or the program's", "")                              \
  X(SORT_NEXT, ">", AT_LISTS, "< > sort", "sort by the next column", "htop")   \
  X(SORT_PREV, "<lt>", AT_LISTS, NULL, "sort by the previous column", "htop")  \
  X(INVERT, "i", AT_LISTS, "i invert", "turn the order around", "htop")        \
  X(PAGE_DOWN, "<PageDown> <C-d> <S-Right>", AT_ALL, NULL,                     \
    "half a page on (lanes: half a window)", "less, lnav")                     \
  X(PAGE_UP, "<PageUp> <C-u> <S-Left>", AT_ALL, NULL,                          \
    "half a page back (lanes: half a window)", "less, lnav")                   \
  X(FIRST, "g <Home>", AT_ANY, NULL, "go to the start", "less, vim")           \
  X(LAST, "G <End>", AT_ANY, NULL, "go to the end", "less, vim")               \
  X(SEARCH, "/", AT_TABS, "/ search", "search; n and N go on", "less")         \
  X(NEXT_HIT, "n", AT_TABS, NULL, "next hit of the search", "less")            \
  X(PREV_HIT, "N", AT_TABS, NULL, "previous hit of the search", "less")        \
  X(FILTER, "&", AT_TABS, "& filter", "list only what matches", "less")        \
  X(COMMAND, ":", AT_TABS, NULL, "note TEXT, goto TIME, zoom A..B, ...",       \
    "vim")                                                                     \
  X(SET_MARK, "m", AT_TABS, NULL, "mark this moment with a letter", "less")    \
  X(GO_MARK, "'", AT_TABS, NULL, "to a mark; ' back; ] [ notes", "less")       \
  X(GO_OVERVIEW, "1", AT_ANY, "1-6 screen", "Overview", "btop")                \
  X(GO_LANES, "2", AT_ANY, NULL, "Lanes", "btop")                              \
  X(GO_STALLS, "3", AT_ANY, NULL, "Stalls", "btop")                            \
  X(GO_SITES, "4", AT_ANY, NULL, "Sites", "btop")                              \
  X(GO_TASKS, "5", AT_ANY, NULL, "Tasks", "btop")                              \
  X(GO_COMPARE, "6", AT_ANY, NULL, "Compare with another trace", "btop")       \
  X(COPY, "y", AT_TABS, NULL, "copy the command that comes back here", "vim")  \
  X(EDIT, "O", AT_TABS, "O edit", "open $EDITOR at its line of source",        \
    "uftrace")                                                                 \
  X(EXPLAIN, "K", AT_TABS, "K explain", "explain the rule", "vim")             \
  X(MUTE, "x", AT_MOMENT, "x suppress",                                        \
    "have check pass the stall: asks for the reason", "")                      \
  X(FILE, "I", AT_ANY, NULL,                                                   \
    "the file: what was lost, what has no names", "")                          \
  X(FOLLOW, "F", AT_TABS, NULL, "follow a file that grows; hold", "less")      \
  X(HELP, "? <F1>", AT_TABS | AT_REPLAY, NULL, "this list", "everywhere")      \
  X(BACK, "q <Esc>", AT_ANY, NULL, "back; on the first screen: quit",          \
    "tig, less")                                                               \
  X(QUIT, "Q <C-c>", AT_ANY, NULL, "quit at once", "tig")                      \
  X(MOUSE, "M <F2>", AT_TABS | AT_REPLAY, NULL, "the mouse, or none",          \
    "lnav F2")                                                                 \
  X(REDRAW, "<C-l>", AT_ANY, NULL, "draw the screen anew", "Unix")             \
  X(SUSPEND, "<C-z>", AT_ANY, NULL, "suspend; fg comes back", "Unix")

enum action {
  ACTION_NONE,
#define ACTION_ENUM(name, keys, where, hint, help, known) ACTION_##name,
  KEYMAP(ACTION_ENUM)
#undef ACTION_ENUM
};

struct keymap_row {
  enum action action;
  const char *name; /* as in a file of settings, but for case and "-" */
  const char *keys; /* names as in scripts, separated by blanks */
  unsigned where;
  const char *hint, *help, *known;
};
extern const struct keymap_row keymap_rows[];
extern const size_t keymap_n_rows;

/* Give an action other keys than those of the table.  Returns: false where
 * there is no such action or key. */
bool keymap_set(const char *name, const char *keys);
/* Whether w a s d mean something in the lanes. */
void keymap_wasd(bool on);
/* The hint of a row with the keys that it has now, into buf; NULL for none. */
const char *keymap_hint(const struct keymap_row *row, char *buf, size_t size);

/* The action of a key in a place (one AT_ bit); ACTION_NONE for none. */
enum action keymap_find(char32_t key, unsigned where);

/* Read one key of a script and advance: a character, or a name such as <Enter>,
 * <C-d>, <lt> for "<".  <Resize:WxH> gives TK_RESIZE and the size,
 * <Tick:MS> TK_TICK and the time in w, <Click:X,Y> (and the other mouse keys)
 * a cell, from 0 on.
 *
 * Returns: false at a name that does not exist; text then stays at it. */
struct key_press {
  char32_t key;
  int w, h; /* with TK_RESIZE; TK_TICK: w; mouse: the column and the row */
};
bool key_parse(const char **text, struct key_press *press);
/* The same key in the notation of scripts.  Returns: buf. */
#define KEY_SCRIPT_SIZE 40
const char *key_script(const struct key_press *press,
                       char buf[KEY_SCRIPT_SIZE]);
static inline bool key_is_mouse(char32_t key) {
  return key >= TK_CLICK && key <= TK_CTRL_WHEEL_DOWN;
}

/* The keys of a row as a person reads them ("h ← a"), into buf.  Returns: buf.
 */
const char *keymap_shown(const struct keymap_row *row, char *buf, size_t size);

#endif
