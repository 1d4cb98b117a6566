/* Many at once: thousands of handles and requests that come and go at odd
 * addresses, four threads that wake the loop all the time, and a signal handler
 * that does so in the middle of everything.  Prints only what is certain. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <uv.h>

enum { TIMERS = 4000, WORKS = 2000, SENDERS = 4 };

static uv_loop_t *loop;
static uv_async_t asyncs[SENDERS], from_handler;
static volatile sig_atomic_t handler_runs;
static int stopping; /* atomic */
static long woken, fired, worked, jobs, closed;

static void free_closed(uv_handle_t *handle) {
  closed++;
  memset(handle, 0x55, sizeof(uv_timer_t));
  free(handle);
}

static void count_closed(uv_handle_t *handle) {
  (void)handle;
  closed++;
}

static void wake(uv_async_t *async) {
  (void)async;
  woken++;
}

static void new_timer(int i);

static void fire(uv_timer_t *timer) {
  fired++;
  uv_close((uv_handle_t *)timer, free_closed);
  if (fired < TIMERS)
    new_timer((int)fired);
}

/* Sizes differ so that addresses do. */
static void new_timer(int i) {
  uv_timer_t *timer = malloc(sizeof *timer + (size_t)(i % 7) * 48);
  uv_timer_init(loop, timer);
  uv_timer_start(timer, fire, (uint64_t)(i % 5), 0);
}

static void work(uv_work_t *req) {
  (void)req;
  __atomic_fetch_add(&jobs, 1, __ATOMIC_RELAXED);
}

static void end_all(void) {
  __atomic_store_n(&stopping, 1, __ATOMIC_RELAXED);
}

static void after(uv_work_t *req, int status) {
  (void)status;
  free(req);
  if (++worked == WORKS)
    end_all();
}

static void send_on_and_on(void *async) {
  while (!__atomic_load_n(&stopping, __ATOMIC_RELAXED)) {
    uv_async_send(async);
    uv_sleep(0);
  }
}

static void on_signal(int signum) {
  (void)signum;
  handler_runs = handler_runs + 1;
  uv_async_send(&from_handler);
}

static void storm(int on) {
  struct itimerval every = {{0, on ? 100 : 0}, {0, on ? 100 : 0}};
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &every, NULL);
}

/* Ends when all work is done and all timers have fired. */
static void look(uv_check_t *check) {
  if (fired < 2 * TIMERS - 1 || !__atomic_load_n(&stopping, __ATOMIC_RELAXED))
    return;
  uv_close((uv_handle_t *)check, count_closed);
  uv_close((uv_handle_t *)&from_handler, count_closed);
  for (int i = 0; i < SENDERS; i++)
    uv_close((uv_handle_t *)&asyncs[i], count_closed);
  storm(0);
}

static void tick(uv_timer_t *timer) {
  if (closed >= 2 * TIMERS)
    uv_close((uv_handle_t *)timer, NULL);
}

int main(void) {
  uv_thread_t threads[SENDERS];
  uv_check_t check;
  uv_timer_t ticker;
  loop = uv_default_loop();
  uv_async_init(loop, &from_handler, wake);
  for (int i = 0; i < SENDERS; i++)
    uv_async_init(loop, &asyncs[i], wake);
  storm(1);
  for (int i = 0; i < TIMERS; i++)
    new_timer(i);
  for (int i = 0; i < WORKS; i++)
    uv_queue_work(loop, calloc(1, sizeof(uv_work_t)), work, after);
  uv_check_init(loop, &check);
  uv_check_start(&check, look);
  uv_timer_init(loop, &ticker);
  uv_timer_start(&ticker, tick, 1, 1);
  for (int i = 0; i < SENDERS; i++)
    uv_thread_create(&threads[i], send_on_and_on, &asyncs[i]);
  uv_run(loop, UV_RUN_DEFAULT);
  for (int i = 0; i < SENDERS; i++)
    uv_thread_join(&threads[i]);
  printf("fired %ld, worked %ld of %ld, woken %d, handler %d\n", fired, worked,
         jobs, woken > 0, handler_runs > 0);
  printf("closed %ld, loop %d\n", closed, uv_loop_close(loop));
  return 0;
}
