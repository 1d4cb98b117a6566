/* Callbacks that are left in unusual ways: by uv_run inside them, by longjmp
 * out of uv_run and within it, and by the unwinding of pthread_exit (as a C++
 * exception does).  Prints what happened. */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

static uv_loop_t *loop;
static jmp_buf back, within;

static void closed(uv_handle_t *handle) {
  printf("closed %s\n", uv_handle_type_name(handle->type));
}

/* Nested: the inner run also ends the timer that it was called from. */
static void nest(uv_timer_t *timer) {
  static int depth;
  static uv_timer_t inner[12];
  uv_timer_t *mine = &inner[depth];
  printf("nest %d\n", depth);
  if (++depth < 12) {
    uv_timer_init(loop, mine);
    uv_timer_start(mine, nest, 0, 0);
    while (mine->data == NULL)
      uv_run(loop, UV_RUN_ONCE);
  }
  timer->data = timer;
  uv_close((uv_handle_t *)timer, closed);
}

static void nested(void) {
  static uv_timer_t timer;
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, nest, 0, 0);
  printf("nested %d\n", uv_run(loop, UV_RUN_DEFAULT));
}

static void jump(uv_timer_t *timer) {
  printf("jump\n");
  uv_close((uv_handle_t *)timer, closed);
  longjmp(back, 1);
}

static void jumped(void) {
  for (volatile int i = 0; i < 3; i++) {
    uv_timer_t *timer = malloc(sizeof *timer);
    uv_timer_init(loop, timer);
    uv_timer_start(timer, jump, 0, 0);
    if (setjmp(back) == 0)
      uv_run(loop, UV_RUN_DEFAULT);
    else
      printf("landed\n");
  }
  printf("after the jumps %d\n", uv_run(loop, UV_RUN_DEFAULT));
}

static void jump_within(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, closed);
  longjmp(within, 1);
}

static uv_loop_t other;

static void catcher(uv_timer_t *timer) {
  static uv_timer_t inner;
  uv_loop_init(&other);
  uv_timer_init(&other, &inner);
  uv_timer_start(&inner, jump_within, 0, 0);
  if (setjmp(within) == 0)
    uv_run(&other, UV_RUN_ONCE);
  else
    printf("caught in the outer callback\n");
  uv_close((uv_handle_t *)timer, closed);
}

static void later(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, closed);
}

/* The outer loop must be seen to poll after it. */
static void jumped_within(void) {
  static uv_timer_t timer, last;
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, catcher, 0, 0);
  uv_timer_init(loop, &last);
  uv_timer_start(&last, later, 20, 0);
  printf("within %d\n", uv_run(loop, UV_RUN_DEFAULT));
  printf("the other %d", uv_run(&other, UV_RUN_DEFAULT));
  printf(" %d\n", uv_loop_close(&other));
}

static void leave_thread(uv_idle_t *idle) {
  uv_idle_stop(idle);
  printf("thread leaves\n");
  pthread_exit(NULL);
}

static void cleanup(void *own) {
  printf("unwound\n");
  (void)own;
}

static void *thread_main(void *unused) {
  static uv_loop_t own;
  static uv_idle_t idle;
  (void)unused;
  uv_loop_init(&own);
  uv_idle_init(&own, &idle);
  uv_idle_start(&idle, leave_thread);
  pthread_cleanup_push(cleanup, &own);
  uv_run(&own, UV_RUN_DEFAULT);
  pthread_cleanup_pop(0);
  return NULL;
}

int main(void) {
  pthread_t thread;
  loop = uv_default_loop();
  nested();
  jumped();
  jumped_within();
  pthread_create(&thread, NULL, thread_main, NULL);
  pthread_join(thread, NULL);
  return 0;
}
