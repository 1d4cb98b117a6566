/* Suppressions: reading the file.
 *
 * Invariant: every line that is no comment is understood whole, or is an error:
 * a typo must not look like a suppression that is never used.  Called by run.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "check/options.h"
#include "check/rule.h"
#include "check/suppress.h"
#include "command.h"
#include "output/inert.h"

#define DEFAULT_PATH ".looptrace-suppress"

static int complain(const char *path, unsigned line, const char *problem,
                    const char *word) {
  char name[4200], text[300];
  fprintf(stderr, CHECK_WHO ": %s:%u: ", inert(path, name, sizeof name), line);
  fprintf(stderr, problem, inert(word, text, sizeof text));
  putc('\n', stderr);
  return EXIT_USAGE;
}

static char *trim(char *text) {
  text += strspn(text, " \t");
  for (size_t n = strlen(text); n && strchr(" \t\r\n", text[n - 1]); n--)
    text[n - 1] = '\0';
  return text;
}

/* Today, or the day that LOOPTRACE_NOW names. */
static void today(char day[11]) {
  const char *fixed = getenv("LOOPTRACE_NOW");
  time_t now = time(NULL);
  struct tm tm;
  if (fixed && strlen(fixed) >= 10)
    snprintf(day, 11, "%.10s", fixed);
  else if (gmtime_r(&now, &tm))
    strftime(day, 11, "%Y-%m-%d", &tm);
}

static bool is_day(const char *text) {
  static const char form[] = "dddd-dd-dd";
  if (strlen(text) != sizeof form - 1)
    return false;
  for (size_t i = 0; form[i]; i++)
    if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
      return false;
  int month = atoi(text + 5), day = atoi(text + 8);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool read_time(const char *text, int64_t *ns) {
  uint64_t value;
  if (duration_parse(text, &value) != LT_OK || value == 0 ||
      value > INT64_MAX / 4)
    return false;
  *ns = (int64_t)value;
  return true;
}

/* key=value.  Returns: false where it is none that is known. */
static bool set_key(struct suppression *s, const char *word) {
  char now[11] = "";
  if (strncmp(word, "max=", 4) == 0)
    return read_time(word + 4, &s->max_ns);
  if (strncmp(word, "before=", 7) == 0)
    return read_time(word + 7, &s->before_ns);
  if (strncmp(word, "loop=", 5) == 0) {
    s->loop = word + 5;
    return *s->loop;
  }
  if (strncmp(word, "until=", 6) != 0 || !is_day(word + 6))
    return false;
  memcpy(s->until, word + 6, sizeof s->until);
  today(now);
  s->is_expired = strcmp(now, s->until) > 0;
  return true;
}

/* "FRAME < CALLER ... key=value": frames may hold no blank, so that the first
 * word with "=" behind them begins the keys. */
static int set_frames(const char *path, struct suppression *s, char *text) {
  char *rest = NULL, *word = strtok_r(text, " \t", &rest);
  bool has_frame = false, has_keys = false;
  for (; word; word = strtok_r(NULL, " \t", &rest)) {
    if (strcmp(word, "<") == 0) {
      if (!has_frame || has_keys)
        return complain(path, s->line, "a frame is missing before `<`%s", "");
      has_frame = false;
    } else if (has_frame) {
      has_keys = true;
      if (!set_key(s, word))
        return complain(path, s->line,
                        "`%s`: after the frames come max=TIME, before=TIME, "
                        "loop=NAME and until=YYYY-MM-DD",
                        word);
    } else {
      if (s->n_frames == SUPPRESS_FRAMES_MAX)
        return complain(path, s->line, "there are too many frames: `%s`", word);
      s->frames[s->n_frames++] = word;
      has_frame = true;
    }
  }
  if (!has_frame && !has_keys)
    return complain(path, s->line, "a frame is missing%s", "");
  return EXIT_OK;
}

static int read_line(const char *path, struct suppression *s) {
  char *reason = strchr(s->text, '#');
  char *colon = strchr(s->text, ':');
  if (!colon || (reason && colon > reason))
    return complain(path, s->line,
                    "`%s`: what is expected is RULE : FRAME < "
                    "CALLER  # reason",
                    trim(s->text));
  if (!reason || !*trim(reason + 1))
    return complain(path, s->line,
                    "it says no reason: put `# why` at the end of the line%s",
                    "");
  *reason = *colon = '\0';
  s->reason = trim(reason + 1);
  s->rule = trim(s->text);
  if (!rule_find(s->rule)) {
    const struct rule *near = rule_near(s->rule);
    char problem[120];
    snprintf(problem, sizeof problem,
             near ? "there is no rule `%%s`; did you mean `%s`?"
                  : "there is no rule `%%s`; looptrace explain lists them%s",
             near ? near->name : "");
    return complain(path, s->line, problem, s->rule);
  }
  return set_frames(path, s, colon + 1);
}

static int read_all(FILE *file, struct suppressions *all) {
  char *text = NULL;
  size_t size = 0;
  unsigned line = 0;
  int code = EXIT_OK;
  while (code == EXIT_OK && getline(&text, &size, file) >= 0) {
    line++;
    if (!*trim(text) || *trim(text) == '#')
      continue;
    struct suppression *more =
        realloc(all->all, (all->n + 1) * sizeof *all->all);
    if (!more) {
      code = complain(all->path, line, "out of memory%s", "");
      break;
    }
    all->all = more;
    struct suppression *s = &all->all[all->n++];
    *s = (struct suppression){.line = line, .text = strdup(text)};
    code = s->text ? read_line(all->path, s)
                   : complain(all->path, line, "out of memory%s", "");
  }
  if (code == EXIT_OK && ferror(file))
    code = complain(all->path, line + 1, "it cannot be read%s", "");
  free(text);
  return code;
}

int suppressions_read(const char *path, struct suppressions *all) {
  *all = (struct suppressions){.path = NULL};
  if (path ? strcmp(path, "none") == 0 : access(DEFAULT_PATH, F_OK) != 0)
    return EXIT_OK;
  all->path = path ? path : DEFAULT_PATH;
  FILE *file = fopen(all->path, "re");
  if (!file) {
    char name[4200];
    fprintf(stderr, CHECK_WHO ": --suppressions %s: %s\n",
            inert(all->path, name, sizeof name), strerror(errno));
    return EXIT_USAGE;
  }
  int code = read_all(file, all);
  fclose(file);
  return code;
}

void suppressions_free(struct suppressions *all) {
  for (size_t i = 0; i < all->n; i++)
    free(all->all[i].text);
  free(all->all);
  *all = (struct suppressions){.path = NULL};
}
