/* Printing the tree of live tasks.
 *
 * A task that waits is resumed only to take its own stack down (lti_probe_task),
 * so no unwinder of another stack is needed.  Called by programs. */
#include "config.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "task/context.h"
#include "task/trace.h"

void lti_probe_take(struct lti_probe *probe) {
  probe->n = backtrace(probe->frames, LTI_PROBE_FRAMES);
}

struct list {
  struct lti_tcb **tasks; /* by parent, then by age */
  size_t n, room;
  int fd;
  struct lti_sched *sched;
};

static void print(int fd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void print(int fd, const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  size_t size = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n
                                                    : sizeof line - 1;
  ssize_t wrote = write(fd, line, size);
  (void)wrote;
}

static void print_address(int fd, int indent, const char *word, void *at) {
  Dl_info info;
  if (!dladdr(at, &info) || !info.dli_fname) {
    print(fd, "%*s%s %p\n", indent, "", word, at);
    return;
  }
  const char *slash = strrchr(info.dli_fname, '/');
  const char *module = slash ? slash + 1 : info.dli_fname;
  if (info.dli_sname)
    print(fd, "%*s%s %s+0x%zx (%s)\n", indent, "", word, info.dli_sname,
          (size_t)((char *)at - (char *)info.dli_saddr), module);
  else
    print(fd, "%*s%s %s+0x%zx\n", indent, "", word, module,
          (size_t)((char *)at - (char *)info.dli_fbase));
}

#if defined(LTI_CONTEXT_ASM)
void lti_context_entry(void);
static bool is_entry(void *at) {
  size_t offset = (uintptr_t)at - (uintptr_t)lti_context_entry;
  return offset <= 32;
}
#else
static bool is_entry(void *at) {
  (void)at;
  return false;
}
#endif

/* The stack between the wait and the task's function: neither our own frames, nor
 * the loop's behind the entry. */
static void print_stack(const struct list *list, int indent,
                        struct lti_tcb *task) {
  struct lti_probe probe = {.n = 0};
  Dl_info own = {0}, frame;
  if (!task->has_begun)
    return;
  if (task == list->sched->running)
    lti_probe_take(&probe);
  else
    lti_probe_task(list->sched, task, &probe);
  (void)dladdr(__extension__(void *) lti_probe_take, &own);
  int i = 0, end = 0;
  while (end < probe.n && !is_entry(probe.frames[end]))
    end++;
  while (i < end && i < 6 && dladdr(probe.frames[i], &frame) &&
         frame.dli_fbase == own.dli_fbase)
    i++;
  if (i == 6 || i == end) /* linked statically: all frames are in one module */
    i = i == end ? 0 : 4;
  for (; i < end - 1; i++) /* the last is our own, which called the function */
    print_address(list->fd, indent, "at", probe.frames[i]);
}

static const char *what_it_does(const struct list *list,
                                const struct lti_tcb *task) {
  if (task == list->sched->running)
    return "runs";
  if (task->state == LTI_READY)
    return task->has_begun ? "is ready" : "is ready to begin";
  return lt_wait_text(task->wait->why);
}

static void print_task(const struct list *list, int indent,
                       struct lti_tcb *task) {
  char name[32], other[32];
  uint64_t now = uv_now(list->sched->loop);
  const struct lti_tcb *until = task->wait ? task->wait->until : NULL;
  print(list->fd, "%*s#%llu %s %s%s%s%s, for %llu ms%s\n", indent, "",
        (unsigned long long)task->serial,
        lti_task_name(task, name, sizeof name), what_it_does(list, task),
        until ? " \"" : "",
        until ? lti_task_name(until, other, sizeof other) : "",
        until ? "\"" : "",
        (unsigned long long)(now > task->since_ms ? now - task->since_ms : 0),
        task->pending ? ", cancelled" : "");
  print_stack(list, indent + 4, task);
  print_address(list->fd, indent + 4, "spawned at", task->spawner);
}

static size_t first_child(const struct list *list, uint64_t serial) {
  size_t low = 0, high = list->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (list->tasks[middle]->parent_serial < serial)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void print_tree(const struct list *list, int indent, uint64_t serial) {
  for (size_t i = first_child(list, serial);
       i < list->n && list->tasks[i]->parent_serial == serial; i++) {
    print_task(list, indent, list->tasks[i]);
    if (indent < 64) /* deeper ones stand on the same column */
      indent += 2;
    print_tree(list, indent, list->tasks[i]->serial);
    indent -= 2;
  }
}

static void collect(struct lti_tcb *task, void *data) {
  struct list *list = data;
  if (task->state != LTI_DONE && list->n < list->room)
    list->tasks[list->n++] = task;
}

static int by_parent(const void *a, const void *b) {
  const struct lti_tcb *x = *(struct lti_tcb *const *)a;
  const struct lti_tcb *y = *(struct lti_tcb *const *)b;
  if (x->parent_serial != y->parent_serial)
    return x->parent_serial < y->parent_serial ? -1 : 1;
  return x->serial < y->serial ? -1 : x->serial > y->serial;
}

void lt_dump_tasks(int fd) {
  struct lti_sched *s = lti_sched;
  if (!s) {
    print(fd, "no tasks: this thread has no loop\n");
    return;
  }
  struct list list = {.room = s->live, .fd = fd, .sched = s};
  list.tasks = malloc((list.room + 1) * sizeof(struct lti_tcb *));
  if (!list.tasks) {
    print(fd, "%zu tasks; no memory to list them\n", s->live);
    return;
  }
  print(fd, "%zu %s\n", s->live, s->live == 1 ? "task" : "tasks");
  lti_tasks_each(s, collect, &list);
  qsort(list.tasks, list.n, sizeof *list.tasks, by_parent);
  /* Those whose parent is gone are roots, too: told by looking it up. */
  for (size_t i = 0; i < list.n; i++) {
    struct lti_tcb *t = list.tasks[i];
    bool has_parent = t->parent_serial && t->parent->serial == t->parent_serial &&
                      t->parent->state != LTI_DONE &&
                      t->parent->state != LTI_FREE;
    if (!has_parent) {
      print_task(&list, 0, t);
      print_tree(&list, 2, t->serial);
    }
  }
  free(list.tasks);
}
