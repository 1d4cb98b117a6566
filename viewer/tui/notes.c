/* The sidecar file: a line for each note, "1.103s text", and for each mark,
 * "'a 1.103s".  It is only ever added to, so that two viewers of one trace lose
 * nothing; of several lines for a mark the last one counts.
 *
 * Invariant: there is no file before somebody typed a note.  Called by
 * prompt.c, cmd_view.c and the views. */
#include "tui/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/app.h"

static bool notes_path(const struct app *app, char *buf, size_t size) {
  return app->path && snprintf(buf, size, "%s.notes", app->path) < (int)size;
}

static bool insert(struct notes *notes, int64_t at_ns, const char *text) {
  if (notes->n >= NOTES_MAX)
    return false;
  struct note *all = realloc(notes->all, (notes->n + 1) * sizeof *all);
  if (!all)
    return false;
  size_t i = notes->n++;
  for (; i > 0 && all[i - 1].at_ns > at_ns; i--)
    all[i] = all[i - 1];
  all[i].at_ns = at_ns;
  snprintf(all[i].text, sizeof all[i].text, "%s", text);
  notes->all = all;
  return true;
}

/* What is no line of ours is passed over: it is a file for people. */
static void take_line(struct app *app, char *line) {
  int64_t at;
  line[strcspn(line, "\r\n")] = '\0';
  bool is_mark = line[0] == '\'' && line[1] >= 'a' && line[1] <= 'z';
  char *moment = is_mark ? line + 2 + strspn(line + 2, " ") : line;
  size_t n = strcspn(moment, " ");
  if (!prompt_moment(moment, n, &at))
    return;
  if (is_mark)
    app->marks[line[1] - 'a'] = at;
  else
    insert(&app->notes, at, moment + n + strspn(moment + n, " "));
}

void notes_read(struct app *app) {
  char path[4200], line[400];
  FILE *file = notes_path(app, path, sizeof path) ? fopen(path, "re") : NULL;
  if (!file)
    return;
  while (fgets(line, sizeof line, file))
    take_line(app, line);
  fclose(file);
}

void notes_free(struct notes *notes) {
  free(notes->all);
  *notes = (struct notes){0};
}

/* Returns: 0, or errno. */
static int append(const struct app *app, const char *line, int flags) {
  char path[4200];
  if (!notes_path(app, path, sizeof path))
    return ENOENT;
  size_t n = strlen(line);
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0600);
  if (fd < 0)
    return errno;
  ssize_t written = write(fd, line, n);
  int error = written == (ssize_t)n ? 0 : written < 0 ? errno : ENOSPC;
  if (close(fd) != 0 && !error)
    error = errno;
  return error;
}

static int put_line(const struct app *app, const char *before, int64_t at_ns,
                    const char *after, int flags) {
  char line[NOTE_TEXT_MAX + 64];
  snprintf(line, sizeof line, "%s%lld.%09llds%s\n", before,
           (long long)(at_ns / 1000000000), (long long)(at_ns % 1000000000),
           after);
  return append(app, line, flags);
}

void notes_add(struct app *app, const char *text) {
  char after[NOTE_TEXT_MAX + 2];
  if (!*text) {
    app_say(app, "note takes a text; '] and '[ go through the notes");
    return;
  }
  if (app->notes.n >= NOTES_MAX) {
    app_say(app, "there are %d notes already", NOTES_MAX);
    return;
  }
  snprintf(after, sizeof after, " %s", text);
  int error = put_line(app, "", app->cursor_ns, after, O_CREAT);
  if (error) {
    app_say(app, "the note cannot be kept beside the trace: %s",
            strerror(error));
    return;
  }
  insert(&app->notes, app->cursor_ns, text);
  app_say(app, "noted, in %s.notes", app->file);
}

void notes_keep_mark(struct app *app, char letter) {
  char before[] = {'\'', letter, ' ', '\0'};
  put_line(app, before, app->marks[letter - 'a'], "", 0);
}

const struct note *notes_near(const struct app *app, int64_t at_ns,
                              int64_t slack_ns) {
  const struct note *found = NULL;
  for (size_t i = 0; i < app->notes.n; i++) {
    int64_t off = app->notes.all[i].at_ns - at_ns;
    off = off < 0 ? -off : off;
    if (off <= slack_ns) {
      found = &app->notes.all[i];
      slack_ns = off;
    }
  }
  return found;
}

const struct note *notes_next(const struct app *app, int is_forward) {
  const struct note *found = NULL;
  for (size_t i = 0; i < app->notes.n; i++) {
    const struct note *note = &app->notes.all[i];
    if (is_forward ? note->at_ns > app->cursor_ns && !found
                   : note->at_ns < app->cursor_ns)
      found = note;
  }
  return found;
}
