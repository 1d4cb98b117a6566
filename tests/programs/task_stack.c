/* Tasks that are looked at from outside, for test_task_stacks.py.
 *
 *   task_stack nap|abort
 *
 * "holder", spawned by a function that has returned long since, holds its
 * thread or ends the process, three calls deep; "waiter" waits, two calls deep.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <looptrace/task.h>

#ifdef __clang__
#define NAMED __attribute__((noinline))
#else
#define NAMED __attribute__((noinline, noclone))
#endif

static const char *how;
static volatile int sink;

static NAMED void planted_inner(void) {
  if (strcmp(how, "abort") == 0)
    abort();
  usleep(300000);
  sink++;
}

static NAMED void planted_outer(void) {
  planted_inner();
  sink++;
}

static int64_t planted_task(void *unused) {
  (void)unused;
  lt_sleep(20);
  planted_outer();
  return sink > 0 ? 0 : 1;
}

static NAMED int64_t planted_wait(void) {
  int64_t status = lt_sleep(100000);
  sink++;
  return status;
}

static int64_t planted_waiter(void *unused) {
  (void)unused;
  int64_t status = planted_wait();
  sink++;
  return status;
}

static NAMED void planted_spawner(lt_task **tasks) {
  tasks[0] = lt_spawn_named("holder", planted_task, NULL);
  tasks[1] = lt_spawn_named("waiter", planted_waiter, NULL);
  sink++;
}

static int64_t start(void *unused) {
  lt_task *tasks[2];
  (void)unused;
  planted_spawner(tasks);
  int64_t status = lt_await(tasks[0]);
  lt_cancel(tasks[1]);
  lt_await(tasks[1]);
  return status;
}

int main(int argc, char **argv) {
  how = argc > 1 ? argv[1] : "nap";
  return lt_run(start, NULL) < 0;
}
