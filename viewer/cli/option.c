/* Options of commands, by getopt_long and one table.
 *
 * Invariant: a word that is no option is named, with the nearest one; nothing
 * is printed by getopt itself.  Called by cmd_*.c. */
#include "cli/option.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/manual.h"
#include "cli/near.h"
#include "command.h"
#include "config.h"
#include "output/inert.h"

#define ROWS_MAX 64
enum { OPT_NO_PAGER = 1024, OPT_COLOR, OPT_QUIET, OPT_VERSION, OPT_HELP };

struct option_common option_common;

const struct option_row option_common_rows[] = {
    {OPT_COLOR, "color", "WHEN", "auto always never",
     "auto (default), always or never; auto minds NO_COLOR"},
    {OPT_NO_PAGER, "no-pager", NULL, NULL,
     "do not show what is long with $PAGER, on a terminal"},
    {'q', "quiet", NULL, NULL, "no progress and no remarks"},
    {'h', "help", NULL, NULL, "what the command does, and its options"},
    {OPT_VERSION, "version", NULL, NULL, "which looptrace this is"},
    {0}};

static struct {
  const struct command *command;
  struct option rows[ROWS_MAX + 1];
  size_t n;
  char letters[2 * ROWS_MAX + 3];
} now;

static const struct option_row *row_of(const struct option_row *rows,
                                       const char *name) {
  for (; rows && rows->name; rows++)
    if (rows->id && strcmp(rows->name, name) == 0)
      return rows;
  return NULL;
}

static bool has_letter(int letter) {
  return strchr(now.letters, letter) != NULL;
}

static void add(const struct option_row *row, int id) {
  if (now.n == ROWS_MAX)
    return;
  now.rows[now.n++] = (struct option){
      row->name, row->value ? required_argument : no_argument, NULL, id};
  if (row->id < 256 && !has_letter(row->id))
    snprintf(now.letters + strlen(now.letters), 3, "%c%s", row->id,
             row->value ? ":" : "");
}

/* The common ones get ids of their own, so that a command's -q stays its. */
static int common_id(const struct option_row *row) {
  return row->id == 'q' ? OPT_QUIET : row->id == 'h' ? OPT_HELP : row->id;
}

void option_begin(const struct command *command, char **argv) {
  static char who[64];
  now.command = command;
  now.n = 0;
  snprintf(now.letters, sizeof now.letters,
           "%s:", command->runs_command ? "+" : "");
  for (const struct option_row *r = command->options; r && r->name; r++)
    if (r->id)
      add(r, r->id);
  for (const struct option_row *r = option_common_rows; r->name; r++)
    if (!row_of(command->options, r->name))
      add(r, common_id(r));
  now.rows[now.n] = (struct option){0};
  snprintf(who, sizeof who, "looptrace %s", command->name);
  argv[0] = who;
  optind = 0; /* glibc: start anew */
  opterr = 0;
}

static void nearest(const struct option_row *rows, const char *word,
                    size_t *least, const struct option_row **found) {
  for (; rows && rows->name; rows++) {
    size_t n = rows->id ? near_edits(word, rows->name) : *least;
    if (n < *least && n < strlen(rows->name) - 1) {
      *least = n;
      *found = rows;
    }
  }
}

const struct option_row *option_near(const struct command *command,
                                     const char *word) {
  size_t least = 3; /* more edits than two are another word */
  const struct option_row *found = NULL;
  nearest(command->options, word, &least, &found);
  nearest(option_common_rows, word, &least, &found);
  return found;
}

static int complain(const char *format, const char *word, const char *more) {
  char text[300];
  fprintf(stderr, "looptrace %s: ", now.command->name);
  fprintf(stderr, format, inert(word, text, sizeof text), more);
  fprintf(stderr, "\nTry 'looptrace %s --help'.\n", now.command->name);
  return OPTION_BAD;
}

/* "--max" may be two or more. */
static size_t begin_with(const char *word, size_t size, char *list,
                         size_t list_size) {
  size_t n = 0, used = 0;
  *list = '\0';
  for (size_t i = 0; i < now.n; i++) {
    if (strncmp(now.rows[i].name, word, size) != 0)
      continue;
    if (used < list_size)
      used += (size_t)snprintf(list + used, list_size - used, "%s--%s",
                               n ? ", " : "", now.rows[i].name);
    n++;
  }
  return n;
}

static int unknown(const char *word) {
  char name[64], list[400], near[100] = "";
  size_t size = strcspn(word + 2, "=");
  snprintf(name, sizeof name, "%.*s", (int)(size < 60 ? size : 60), word + 2);
  if (begin_with(word + 2, size, list, sizeof list) > 1)
    return complain("`%s` may be each of %s", word, list);
  const struct option_row *row = option_near(now.command, name);
  if (row)
    snprintf(near, sizeof near, "; did you mean `--%s`?", row->name);
  return complain("there is no option `%s`%s", word, near);
}

/* What getopt could not make sense of. */
static int bad(int argc, char **argv, int c) {
  char letter[8] = {'-', (char)optopt, '\0'};
  const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
  if (c == ':')
    return complain("`%s` needs a value%s", optopt < 128 ? letter : word, "");
  if (optopt == 0 && strncmp(word, "--", 2) == 0)
    return unknown(word);
  if (optopt >= 128 || has_letter(optopt))
    return complain("`%s` takes no value%s", word, "");
  return complain("there is no option `%s`%s", letter, "");
}

static int set_color(void) {
  if (strcmp(optarg, "auto") && strcmp(optarg, "always") &&
      strcmp(optarg, "never"))
    return complain("--color `%s`: auto, always or never%s", optarg, "");
  option_common.color = optarg;
  return 0;
}

int option_next(int argc, char **argv) {
  int c;
  while ((c = getopt_long(argc, argv, now.letters, now.rows, NULL)) != -1) {
    bool is_own_q = row_of(now.command->options, "quiet") != NULL;
    if (c == 'h' || c == OPT_HELP) {
      manual_help(stdout, now.command);
      return OPTION_HELP;
    } else if (c == OPT_VERSION) {
      puts(PACKAGE_STRING);
      return OPTION_HELP;
    } else if (c == OPT_NO_PAGER) {
      option_common.has_no_pager = true;
    } else if (c == OPT_QUIET || (c == 'q' && !is_own_q)) {
      option_common.is_quiet = true;
    } else if (c == OPT_COLOR) {
      if (set_color() == OPTION_BAD)
        return OPTION_BAD;
    } else {
      return c == '?' || c == ':' ? bad(argc, argv, c) : c;
    }
  }
  return OPTION_END;
}

int option_exit(int result) {
  return result == OPTION_HELP ? EXIT_OK : EXIT_USAGE;
}
