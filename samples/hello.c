/* hello: a libuv program that records itself, and tells of tasks of its own.
 *
 *   samples/hello                          writes hello-PID.lt here
 *   looptrace record -- samples/hello      the recorder writes the file instead
 *
 * Its loop, timer callbacks and pool jobs are recorded because the program is
 * linked with liblooptrace before libuv; nothing below is needed for that but
 * lt_trace_start().  The calls of lt_task_* add what libuv cannot know: that
 * the timer, the pool job and the callback after it are steps of one piece of
 * work. */
#include <stdint.h>
#include <stdio.h>

#include <uv.h>

#include <looptrace/trace.h>

enum { GREETINGS = 5, EVERY_MS = 40 };

struct greeting {
  uv_work_t work; /* first, so that the request is the greeting */
  uint64_t task;
  int number;
  char text[32];
};

static struct greeting greetings[GREETINGS];

/* In the thread pool: here it may take its time. */
static void compose(uv_work_t *work) {
  struct greeting *g = (struct greeting *)work;
  uv_sleep(10);
  snprintf(g->text, sizeof g->text, "hello, number %d", g->number);
}

/* Back on the loop: the second and last step of the task. */
static void deliver(uv_work_t *work, int status) {
  struct greeting *g = (struct greeting *)work;
  lt_task_resume(g->task);
  puts(g->text);
  lt_mark("delivered", (uint64_t)g->number);
  lt_task_done(g->task, status);
}

/* On the loop: a new task, which at once waits for the pool. */
static void begin_greeting(uv_timer_t *timer) {
  int *count = timer->data;
  struct greeting *g = &greetings[*count];
  g->number = ++*count;
  g->task = lt_task_spawn("greeting", (uintptr_t)begin_greeting);
  lt_counter("greetings", *count);

  lt_task_resume(g->task);
  uv_queue_work(timer->loop, &g->work, compose, deliver);
  lt_task_await(g->task, 0);

  if (*count == GREETINGS)
    uv_close((uv_handle_t *)timer, NULL);
}

int main(void) {
  lt_status status = lt_trace_start(NULL);
  if (status != LT_OK) /* then it simply is not traced */
    fprintf(stderr, "hello: no trace: %s\n", lt_status_text(status));

  int count = 0;
  uv_timer_t timer;
  uv_loop_t *loop = uv_default_loop();
  uv_timer_init(loop, &timer);
  timer.data = &count;
  uv_timer_start(&timer, begin_greeting, EVERY_MS, EVERY_MS);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop) != 0; /* the recording ends by itself */
}
