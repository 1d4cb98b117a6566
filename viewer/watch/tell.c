/* The line of `record --verbose`.
 *
 * Invariant: names come from the program and are made inert.  Called once for
 * each time that a thread is found stuck. */
#include "watch/tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drain/book.h"
#include "output/inert.h"
#include "output/units.h"

/* Ours, or the system's: not what the program's author wrote. */
static bool is_runtime(const char *path, bool *is_ours) {
  static const char *const names[] = {"libc.so",  "libc-",  "libpthread",
                                      "libuv.so", "libuv-",
                                      "ld-linux", "[vdso]"};
  const char *slash = strrchr(path, '/');
  const char *base = slash ? slash + 1 : path;
  *is_ours = strncmp(base, "liblooptrace", 12) == 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strncmp(base, names[i], strlen(names[i])) == 0)
      return true;
  return *is_ours;
}

/* The callback: the program's last frame inside one of ours; of a loop whose
 * callbacks are not seen, its first. */
static const struct lti_stack_frame *find_callback(const struct lti_seen *seen,
                                                   struct code *code,
                                                   bool *is_callback) {
  const struct lti_stack_frame *first = NULL, *last = NULL;
  for (size_t i = 0; i < seen->n_frames; i++) {
    const struct lti_stack_frame *f = &seen->frames[i];
    const struct code_mapping *m = code_find(code, f->address - 1);
    bool is_ours = false;
    bool is_system = m && is_runtime(m->path, &is_ours);
    *is_callback = last && is_ours;
    if (*is_callback)
      return last;
    if (!is_system)
      last = f;
    if (!first)
      first = last;
  }
  return first;
}

static void put_safe(const char *text) {
  char buf[512];
  fputs(inert(text, buf, sizeof buf), stderr);
}

static void put_place(struct tell *t, struct code *code, int32_t pid,
                      const char *what, uint64_t address) {
  uint64_t offset;
  struct lti_name name = {0};
  const char *path = code_offset(t->files, code, address, &offset);
  if (!path)
    return;
  fprintf(stderr, ", %s ", what);
  const char *slash = strrchr(path, '/');
  if (aside_site(t->names, pid, path, offset, &name) && name.function) {
    put_safe(name.function);
  } else {
    put_safe(slash ? slash + 1 : path);
    fprintf(stderr, "+0x%" PRIx64, offset);
  }
}

/* As model_call_on() says it: whose lock it is, where that is known. */
static void put_futex(const struct tell_who *who, const struct lti_seen *seen) {
  uint64_t ref = seen->holder ? seen->lock : seen->on & LTI_REF_MAX;
  fprintf(stderr, " on %s 0x..%" PRIx64, seen->holder ? "lock" : "address",
          ref);
  if (!seen->holder)
    return;
  fputs(", held by ", stderr);
  put_safe(who->waits_for_itself ? "this very thread: it waits for itself"
                                 : seen->holder);
}

static void put_state(const struct tell_who *who, const struct lti_seen *seen) {
  if (seen->call) {
    fprintf(stderr, "in %s", seen->call);
    if (strcmp(seen->call, "futex") == 0 && seen->on)
      put_futex(who, seen);
    else if (strncmp(seen->call, "wait", 4) == 0 && seen->on)
      fprintf(stderr, " on pid %" PRIu64, seen->on - 1);
    else if (seen->on)
      fprintf(stderr, " on fd %" PRIu64, seen->on - 1);
  } else {
    fputs(seen->state == 'R'                         ? "running"
          : seen->state == 'T' || seen->state == 't' ? "stopped"
          : seen->state == 'D'                       ? "waiting for a page"
                                                     : "waiting",
          stderr);
  }
}

void tell_stuck(struct tell *t, const struct tell_who *who,
                const struct lti_seen *seen, struct code *code) {
  units_buf age;
  fputs(who->loop ? "looptrace: loop " : "looptrace: a thread", stderr);
  put_safe(who->loop ? who->loop : "");
  fputs(" of ", stderr);
  put_safe(who->comm);
  fprintf(stderr, " (pid %d) %shas not come back for %s: ", (int)who->pid,
          who->loop ? "" : "that looked at its descriptors ",
          units_ns(age, (int64_t)who->age_ns));
  put_state(who, seen);
  bool is_callback = false;
  const struct lti_stack_frame *frame = find_callback(seen, code, &is_callback);
  if (frame)
    put_place(t, code, who->pid,
              is_callback  ? "callback"
              : seen->call ? "called by"
                           : "in",
              frame->address);
  fputc('\n', stderr);
}
