/* looptrace top: the viewer on a program that is being recorded now.
 *
 * Invariant: nothing is sent to the program or its recorder; the trace is read
 * as any other file.  Called by main.c. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/manual.h"
#include "command.h"
#include "command/live.h"
#include "output/inert.h"
#include "output/open.h"

#define WHO "looptrace top"

#define FOUND_MAX 64
struct found {
  pid_t pid;
  char path[64];         /* to be opened */
  char target[PATH_MAX]; /* the file that this is */
};

static void read_name(pid_t pid, char *buf, size_t size) {
  char path[64], raw[64] = "?";
  snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
  FILE *file = fopen(path, "re");
  if (file && fgets(raw, sizeof raw, file))
    raw[strcspn(raw, "\n")] = '\0';
  if (file)
    fclose(file);
  inert(raw, buf, size);
}

static bool look_at(pid_t pid, struct found *found) {
  found->pid = pid;
  if (live_trace(pid, found->path, sizeof found->path) != LIVE_FOUND)
    return false;
  ssize_t n = readlink(found->path, found->target, sizeof found->target - 1);
  if (n <= 0)
    return false;
  found->target[n] = '\0';
  return true;
}

/* One entry for each trace.  Of the processes that belong to one the last is
 * named: the program comes after its recorder. */
static size_t find_all(struct found *all) {
  size_t n = 0;
  DIR *folder = opendir("/proc");
  static struct found one;
  for (struct dirent *e; folder && (e = readdir(folder));) {
    if (!isdigit((unsigned char)e->d_name[0]) ||
        !look_at((pid_t)atoi(e->d_name), &one))
      continue;
    size_t i = 0;
    while (i < n && strcmp(all[i].target, one.target) != 0)
      i++;
    if (i == FOUND_MAX)
      continue;
    all[i] = one;
    n += i == n;
  }
  if (folder)
    closedir(folder);
  return n;
}

/* Returns: an exit code, or -1 with path set. */
static int find_one(char *path, size_t size) {
  struct found *all = calloc(FOUND_MAX, sizeof *all);
  size_t n = all ? find_all(all) : 0;
  int code = -1;
  char name[64], target[200];
  if (n == 0) {
    fputs(WHO ": nothing is being recorded; begin with\n"
              "looptrace record -o x.lt -- COMMAND\n",
          stderr);
    code = EXIT_UNREADABLE;
  } else if (n > 1) {
    fputs(WHO ": which one? Give a PID:\n", stderr);
    for (size_t i = 0; i < n; i++) {
      read_name(all[i].pid, name, sizeof name);
      fprintf(stderr, "%8d  %-16s %s\n", (int)all[i].pid, name,
              inert(all[i].target, target, sizeof target));
    }
    code = EXIT_USAGE;
  } else {
    snprintf(path, size, "%s", all[0].path);
  }
  free(all);
  return code;
}

static int find_pid(const char *word, char *path, size_t size) {
  char *end;
  errno = 0;
  long pid = strtol(word, &end, 10);
  if (*end || errno || pid <= 0 || pid > INT_MAX)
    return open_usage(WHO, "'%s' is no PID", word);
  const char *why;
  switch (live_trace((pid_t)pid, path, size)) {
  case LIVE_FOUND:
    return -1;
  case LIVE_GONE:
    why = "does not exist";
    break;
  case LIVE_DENIED:
    why = "belongs to somebody else: ask as that user or root";
    break;
  default:
    why = "is not being recorded, or nothing of it has been written yet";
  }
  fprintf(stderr, WHO ": process %ld %s\n", pid, why);
  return EXIT_UNREADABLE;
}

/* Where the PID stands: first or last; 0 where there is none.  A number may
 * be an option's, too. */
static int pid_at(int argc, char **argv) {
  static const char *const flags[] = {"--dump-screen", "--dump-attr", "--ascii",
                                      "-f", "--follow"};
  if (argc > 1 && isdigit((unsigned char)argv[1][0]))
    return 1;
  if (argc < 3 || !isdigit((unsigned char)argv[argc - 1][0]))
    return 0;
  if (argv[argc - 2][0] != '-' || strchr(argv[argc - 2], '='))
    return argc - 1;
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (strcmp(argv[argc - 2], flags[i]) == 0)
      return argc - 1;
  return 0;
}

static int run_top(int argc, char **argv) {
  char path[64], follow[] = "--follow";
  if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
    manual_help(stdout, &cmd_top);
    return EXIT_OK;
  }
  int at = pid_at(argc, argv), n = 0;
  int code =
      at ? find_pid(argv[at], path, sizeof path) : find_one(path, sizeof path);
  if (code >= 0)
    return code;
  char **words = calloc((size_t)argc + 3, sizeof *words);
  if (!words) {
    open_complain(WHO, path, LT_NOMEM, 0);
    return EXIT_UNREADABLE;
  }
  for (int i = 0; i < argc; i++)
    if (i == 0 || i != at)
      words[n++] = argv[i];
  words[n++] = follow;
  words[n++] = path;
  code = cmd_view.run(n, words);
  free(words);
  return code;
}

const struct command cmd_top = {
    .name = "top",
    .summary = "watch a program that is being recorded",
    .usage = "[options of view] [PID]",
    .about =
        "Watch a program that is being recorded: how busy its loops are, its "
        "newest stalls, everything that the viewer shows.",
    .operands_help =
        "PID is the program's; without it, the one recording that there is. "
        "The "
        "keys are those of view; = holds the picture and lets it go on, q "
        "quits: the recording goes on.",
    .status =
        "as view; 3 too where nothing is being recorded, 2 where it is not "
        "clear which.",
    .examples = "looptrace record -o x.lt -- ./server & looptrace top",
    .run = run_top,
};
