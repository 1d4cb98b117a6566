/* Where the file of a process goes.
 *
 * Invariant: the name that the user gave is the command's alone; no name that
 * is taken is used, and nothing of a process's own name can leave the folder.
 * Called when a process turned its first loop. */
#include "drain/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 99999999u

/* A name that is one in any shell: what else is in there becomes '_'. */
static void make_safe(char *to, const char *comm) {
  static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  size_t i;
  for (i = 0; i < 16 && comm[i]; i++)
    to[i] = strchr(good, comm[i]) ? comm[i] : '_';
  if (i == 0)
    to[i++] = '_';
  if (to[0] == '.' || to[0] == '-')
    to[0] = '_';
  to[i] = 0;
}

/* x.lt for the command, x.COMM-PID.lt for others; a second image of one pid, or
 * a file that is there already, gets a number. */
static char *choose_path(const struct lti_recording *r,
                         const struct lti_recorded *p, unsigned attempt) {
  size_t stem = strlen(r->path);
  size_t size = stem + 64;
  char comm[17];
  char *path = malloc(size);
  if (!path)
    return NULL;
  if (p->pid == r->command_pid && !r->path_is_taken) {
    memcpy(path, r->path, stem + 1);
    return path;
  }
  make_safe(comm, p->comm);
  if (stem > 3 && strcmp(r->path + stem - 3, ".lt") == 0)
    stem -= 3;
  int at =
      snprintf(path, size, "%.*s.%s-%d", (int)stem, r->path, comm, (int)p->pid);
  if (attempt)
    at += snprintf(path + at, size - (size_t)at, "-%u", attempt + 1);
  snprintf(path + at, size - (size_t)at, ".lt");
  return path;
}

bool lti_place_create(struct lti_recording *r, struct lti_recorded *p,
                      int *fd) {
  bool is_command = p->pid == r->command_pid && !r->path_is_taken;
  for (unsigned attempt = 0;; attempt++) {
    char *path = choose_path(r, p, attempt);
    if (!path)
      return lti_recorded_fail(p, ENOMEM, "create");
    lt_status status =
        lti_writer_create_file(path, r->overwrite && attempt == 0, fd);
    int error = errno;
    if (status == LT_OK) {
      p->path = path;
      r->path_is_taken |= is_command;
      return true;
    }
    free(path);
    if (status != LT_EXISTS || is_command || attempt == 99)
      return lti_recorded_fail(p, error, "create");
  }
}

/* The name stays the process's own when another image of it comes; only one
 * that the user gave may replace files. */
static bool choose_stem(struct lti_recording *r, struct lti_recorded *p) {
  if (!p->stem && (p->stem = choose_path(r, p, 0)) != NULL) {
    p->stem_is_given = p->pid == r->command_pid && !r->path_is_taken;
    r->path_is_taken |= p->stem_is_given;
  }
  return p->stem != NULL;
}

int lti_place_next(struct lti_recording *r, struct lti_recorded *p, int *fd) {
  if (!choose_stem(r, p))
    return ENOMEM;
  size_t stem = strlen(p->stem);
  char *numbered = malloc(stem + 16);
  if (!numbered)
    return ENOMEM;
  memcpy(numbered, p->stem, stem + 1);
  if (stem > 3 && strcmp(numbered + stem - 3, ".lt") == 0)
    stem -= 3;
  lt_status status = LT_EXISTS;
  errno = EEXIST;
  while (status == LT_EXISTS && p->snapshot_number < NUMBER_MAX) {
    snprintf(numbered + stem, 16, ".%u.lt", ++p->snapshot_number);
    status =
        lti_writer_create_file(numbered, r->overwrite && p->stem_is_given, fd);
  }
  if (status == LT_OK) {
    p->path = numbered;
    return 0;
  }
  int error = errno;
  free(numbered);
  return error;
}
