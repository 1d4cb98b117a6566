/* Look-up in the table of keys, and the notation of key scripts.
 *
 * Called by app.c (keys, hints), view_help.c and cmd_view.c (--keys). */
#include "tui/keymap.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tui/term/grid.h"

const struct keymap_row keymap_rows[] = {
#define KEYMAP_ROW(name, keys, where, hint, help, known)                       \
  {ACTION_##name, #name, keys, where, hint, help, known},
    KEYMAP(KEYMAP_ROW)
#undef KEYMAP_ROW
};
const size_t keymap_n_rows = sizeof keymap_rows / sizeof *keymap_rows;

static const struct key_name {
  char32_t key;
  const char *script, *shown;
} key_names[] = {
#define KEY_NAME(name, script, shown) {TK_##name, script, shown},
    KEY_NAME_MAP(KEY_NAME)
#undef KEY_NAME
        {TK_TAB, "Tab", "Tab"},
    {TK_ENTER, "Enter", "Enter"},
    {TK_ENTER, "CR", "Enter"},
    {TK_ESCAPE, "Esc", "Esc"},
    {TK_SPACE, "Space", "Space"},
    {U'<', "lt", "<"},
};

/* A name without its angle brackets. */
static bool name_parse(const char *name, size_t n, struct key_press *press) {
  if (n == 3 && name[0] == 'C' && name[1] == '-' && name[2] >= 'a' &&
      name[2] <= 'z') {
    press->key = (char32_t)(name[2] - 'a' + 1);
    return true;
  }
  int used = 0;
  if (sscanf(name, "Resize:%4dx%4d%n", &press->w, &press->h, &used) == 2 &&
      (size_t)used == n && press->w > 0 && press->h > 0) {
    press->key = TK_RESIZE;
    return true;
  }
  if (sscanf(name, "Tick:%6d%n", &press->w, &used) == 1 && (size_t)used == n &&
      press->w > 0) {
    press->key = TK_TICK;
    return true;
  }
  const char *colon = memchr(name, ':', n);
  size_t word = colon ? (size_t)(colon - name) : n;
  for (size_t i = 0; i < sizeof key_names / sizeof *key_names; i++)
    if (strlen(key_names[i].script) == word &&
        !memcmp(key_names[i].script, name, word) &&
        key_is_mouse(key_names[i].key) == (colon != NULL) &&
        key_names[i].key != TK_RESIZE && key_names[i].key != TK_TICK) {
      press->key = key_names[i].key;
      return !colon ||
             (sscanf(colon, ":%4d,%4d%n", &press->w, &press->h, &used) == 2 &&
              word + (size_t)used == n && press->w >= 0 && press->h >= 0);
    }
  return false;
}

const char *key_script(const struct key_press *press,
                       char buf[KEY_SCRIPT_SIZE]) {
  const char *name = NULL;
  for (size_t i = 0; i < sizeof key_names / sizeof *key_names && !name; i++)
    if (key_names[i].key == press->key)
      name = key_names[i].script;
  if (press->key == TK_RESIZE)
    snprintf(buf, KEY_SCRIPT_SIZE, "<Resize:%dx%d>", press->w, press->h);
  else if (press->key == TK_TICK)
    snprintf(buf, KEY_SCRIPT_SIZE, "<Tick:%d>", press->w);
  else if (key_is_mouse(press->key))
    snprintf(buf, KEY_SCRIPT_SIZE, "<%s:%d,%d>", name, press->w, press->h);
  else if (name)
    snprintf(buf, KEY_SCRIPT_SIZE, "<%s>", name);
  else if (press->key > 0 && press->key <= 26)
    snprintf(buf, KEY_SCRIPT_SIZE, "<C-%c>", (char)(press->key + 'a' - 1));
  else
    buf[utf8_put(press->key, buf)] = '\0';
  return buf;
}

bool key_parse(const char **text, struct key_press *press) {
  *press = (struct key_press){0};
  const char *p = *text;
  if (*p != '<') {
    press->key = utf8_next(text);
    return true;
  }
  const char *end = strchr(p, '>');
  if (!end || !name_parse(p + 1, (size_t)(end - p - 1), press))
    return false;
  *text = end + 1;
  return true;
}

/* By row; empty: as in the table. */
#define KEYS_MAX 48
static char own_keys[sizeof keymap_rows / sizeof *keymap_rows][KEYS_MAX];

static const char *keys_of(const struct keymap_row *row) {
  const char *own = own_keys[row - keymap_rows];
  return *own ? own : row->keys;
}

static bool is_name(const char *name, const char *row) {
  for (; *name && *row; name++, row++)
    if (toupper((unsigned char)*name) != *row && !(*name == '-' && *row == '_'))
      return false;
  return !*name && !*row;
}

bool keymap_set(const char *name, const char *keys) {
  struct key_press press;
  size_t n = 0;
  for (const char *p = keys; *p; n += *p != ' ')
    if (*p == ' ')
      p++;
    else if (!key_parse(&p, &press))
      return false;
  if (n == 0 || strlen(keys) >= KEYS_MAX)
    return false;
  for (size_t i = 0; i < keymap_n_rows; i++)
    if (is_name(name, keymap_rows[i].name)) {
      snprintf(own_keys[i], KEYS_MAX, "%s", keys);
      return true;
    }
  return false;
}

static bool no_wasd;

void keymap_wasd(bool on) {
  no_wasd = !on;
}

static bool has_key(const struct keymap_row *row, char32_t key) {
  struct key_press press;
  for (const char *p = keys_of(row); *p;)
    if (*p == ' ')
      p++;
    else if (!key_parse(&p, &press))
      return false;
    else if (press.key == key)
      return !(no_wasd && (row->where & AT_LANES) && key < 128 &&
               strchr("wasd", (int)key) &&
               !own_keys[row - keymap_rows][0]);
  return false;
}

/* Keys that somebody chose go before those of the table. */
enum action keymap_find(char32_t key, unsigned where) {
  for (int own = 1; own >= 0; own--)
    for (size_t i = 0; i < keymap_n_rows; i++)
      if ((own_keys[i][0] != '\0') == own && (keymap_rows[i].where & where) &&
          has_key(&keymap_rows[i], key))
        return keymap_rows[i].action;
  return ACTION_NONE;
}

const char *keymap_hint(const struct keymap_row *row, char *buf, size_t size) {
  char keys[64];
  if (!row->hint || !own_keys[row - keymap_rows][0])
    return row->hint;
  const char *word = strrchr(row->hint, ' ');
  snprintf(buf, size, "%s%s", keymap_shown(row, keys, sizeof keys),
           word ? word : "");
  return buf;
}

static const char *key_shown(char32_t key, char buf[8]) {
  for (size_t i = 0; i < sizeof key_names / sizeof *key_names; i++)
    if (key_names[i].key == key)
      return key_names[i].shown;
  if (key < 32)
    snprintf(buf, 8, "^%c", (char)(key + 'A' - 1));
  else
    buf[utf8_put(key, buf)] = '\0';
  return buf;
}

const char *keymap_shown(const struct keymap_row *row, char *buf, size_t size) {
  size_t used = 0;
  buf[0] = '\0';
  for (const char *p = keys_of(row); *p && used < size;) {
    struct key_press press;
    char one[8];
    if (*p == ' ')
      p++;
    else if (!key_parse(&p, &press))
      break;
    else
      used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
                               key_shown(press.key, one));
  }
  return buf;
}
