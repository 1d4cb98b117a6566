/* Finding the trace of a program that runs, through /proc.
 *
 * Invariant: only reads; a file is taken for the trace only when its header
 * names the process.  Called by cmd_tasks.c. */
#include "config.h"

#include "command/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <looptrace/reader.h>

#include "base/arena.h"

enum { GENERATIONS = 32 }; /* of ancestors that are asked */

/* A field of /proc/PID/status as text.  Returns: false when it is not there. */
static bool status_field(pid_t pid, const char *name, char *value,
                         size_t size) {
  char path[64], line[256];
  size_t length = strlen(name);
  bool is_found = false;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *file = fopen(path, "re");
  while (file && !is_found && fgets(line, sizeof line, file))
    if (strncmp(line, name, length) == 0 && line[length] == ':') {
      snprintf(value, size, "%s", line + length + 1);
      is_found = true;
    }
  if (file)
    fclose(file);
  return is_found;
}

static pid_t parent_of(pid_t pid) {
  char value[64];
  return status_field(pid, "PPid", value, sizeof value)
             ? (pid_t)strtol(value, NULL, 10)
             : 0;
}

static bool is_trace_of(const char *path, pid_t pid) {
  struct stat st;
  lt_reader *reader;
  if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
      lt_reader_open(path, &reader) != LT_OK)
    return false;
  bool is = lt_reader_info(reader)->pid == pid;
  lt_reader_close(reader);
  return is;
}

/* Among the files that owner has open. */
static bool find_among(pid_t owner, pid_t pid, char *path, size_t size) {
  char folder[64];
  bool is_found = false;
  snprintf(folder, sizeof folder, "/proc/%d/fd", (int)owner);
  DIR *open_files = opendir(folder);
  struct dirent *entry;
  while (open_files && !is_found && (entry = readdir(open_files))) {
    if (entry->d_name[0] == '.' || strlen(entry->d_name) > 12)
      continue;
    char at[96];
    snprintf(at, sizeof at, "%s/%.12s", folder, entry->d_name);
    is_found = is_trace_of(at, pid);
    if (is_found)
      snprintf(path, size, "%s", at);
  }
  if (open_files)
    closedir(open_files);
  return is_found;
}

/* Who drains the shared memory that the environment of a process names: also of
 * one that has left its recorder's family.  0: nobody. */
static pid_t drain_of(pid_t pid) {
  static const char name[] = LTI_ARENA_ENV "=";
  char path[64], *word = NULL;
  size_t room = 0;
  pid_t drain = 0;
  snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
  FILE *file = fopen(path, "re");
  while (file && !drain && getdelim(&word, &room, 0, file) > 0) {
    struct lti_arena head;
    if (strncmp(word, name, sizeof name - 1) != 0)
      continue;
    int fd = open(word + sizeof name - 1,
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
      break;
    if (pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head &&
        head.magic == LTI_ARENA_MAGIC)
      drain = head.drain_pid;
    close(fd);
  }
  free(word);
  if (file)
    fclose(file);
  return drain;
}

enum live live_trace(pid_t pid, char *path, size_t size) {
  char folder[64];
  snprintf(folder, sizeof folder, "/proc/%d/fd", (int)pid);
  if (pid <= 0 || access(folder, F_OK) != 0)
    return LIVE_GONE;
  if (access(folder, R_OK | X_OK) != 0)
    return LIVE_DENIED;
  pid_t owner = pid;
  for (int i = 0; owner > 1 && i < GENERATIONS; i++) {
    if (find_among(owner, pid, path, size))
      return LIVE_FOUND;
    owner = parent_of(owner);
  }
  owner = drain_of(pid);
  if (owner > 0 && find_among(owner, pid, path, size))
    return LIVE_FOUND;
  return LIVE_UNTRACED;
}

static bool has_library(pid_t pid) {
  char path[64], *line = NULL;
  size_t room = 0;
  bool has = false;
  snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
  FILE *file = fopen(path, "re");
  while (file && !has && getline(&line, &room, file) > 0)
    has = strstr(line, "/liblooptrace.so") != NULL;
  free(line);
  if (file)
    fclose(file);
  return has;
}

bool live_catches(pid_t pid, int signum) {
  char value[64];
  return signum > 0 && has_library(pid) &&
         status_field(pid, "SigCgt", value, sizeof value) &&
         (strtoull(value, NULL, 16) >> (signum - 1) & 1) != 0;
}
