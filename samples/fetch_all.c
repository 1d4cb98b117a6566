/* fetch_all: three URLs at once, with a client that waits in the loop.
 *
 *   looptrace record -o fetch_all.lt -- samples/fetch_all
 *   looptrace check fetch_all.lt
 *
 * libcurl's multi interface says which sockets it waits for; uv_poll and
 * uv_timer do that, and a future makes an await of it.  Gathered, three fetches
 * take as long as the slowest one, and the heart beats on. */
#include "fetch.h"

/* --- libcurl on libuv ----------------------------------------------------- */

static CURLM *multi;
static uv_timer_t timer;

struct socket_poll {
  uv_poll_t handle; /* first */
  curl_socket_t socket;
};

static void complete(void) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(multi, &left))) {
    lt_future *done = NULL;
    CURLcode code = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &done);
    if (message->msg == CURLMSG_DONE)
      lt_future_set(done, code == CURLE_OK ? 0 : UV_EIO);
  }
}

static void socket_ready(uv_poll_t *handle, int status, int events) {
  int running, flags = status < 0 ? CURL_CSELECT_ERR : 0;
  flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
  flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
  curl_multi_socket_action(multi, ((struct socket_poll *)handle)->socket, flags,
                           &running);
  complete();
}

static void time_passed(uv_timer_t *handle) {
  int running;
  (void)handle;
  curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
  complete();
}

static void poll_closed(uv_handle_t *handle) {
  free(handle);
}

/* libcurl: what a socket is to be watched for. */
static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *user,
                        void *known) {
  struct socket_poll *poll = known;
  (void)easy;
  (void)user;
  if (what == CURL_POLL_REMOVE) {
    if (poll)
      uv_close((uv_handle_t *)&poll->handle, poll_closed);
    curl_multi_assign(multi, socket, NULL);
    return 0;
  }
  if (!poll) {
    poll = calloc(1, sizeof *poll);
    if (!poll || uv_poll_init_socket(lt_loop(), &poll->handle, socket) < 0) {
      free(poll);
      return -1;
    }
    poll->socket = socket;
    curl_multi_assign(multi, socket, poll);
  }
  int events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
               (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  return uv_poll_start(&poll->handle, events, socket_ready);
}

/* libcurl: when it wants to be called at the latest. */
static int set_timer(CURLM *unused, long ms, void *user) {
  (void)unused;
  (void)user;
  if (ms < 0)
    return uv_timer_stop(&timer);
  return uv_timer_start(&timer, time_passed, (uint64_t)ms, 0);
}

/* Wait for a transfer, as for anything else. */
static int64_t perform(CURL *easy) {
  lt_future done;
  lt_future_init(&done, 0);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &done);
  if (curl_multi_add_handle(multi, easy) != CURLM_OK)
    return UV_ENOMEM;
  int64_t status = lt_future_await(&done);
  curl_multi_remove_handle(multi, easy); /* cancelled: it ends here */
  return status;
}

/* --- The lesson ----------------------------------------------------------- */

static int64_t fetch(void *ms) {
  CURL *easy = fetch_new(*(unsigned *)ms);
  if (!easy)
    return UV_ENOMEM;
  int64_t status = perform(easy);
  curl_easy_cleanup(easy);
  return status;
}

static int64_t fetch_three(void) {
  unsigned ms[3];
  lt_task *three[3];
  fetch_times(ms);
  uint64_t began = clock_ms(CLOCK_MONOTONIC);
  for (int i = 0; i < 3; i++)
    three[i] = lt_spawn_named("fetch", fetch, &ms[i]);
  int64_t status = lt_gather(three, 3, NULL);
  if (status == 0)
    fetch_say(ms, began);
  return status;
}

static int64_t start(void *unused) {
  (void)unused;
  int64_t status = delay_server_start(&server);
  if (status < 0)
    return status;
  uv_timer_init(lt_loop(), &timer);
  multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
  lt_task *heart = lt_spawn_named("heartbeat", heartbeat, NULL);
  status = fetch_three();
  lt_cancel(heart);
  lt_await(heart);
  curl_multi_cleanup(multi);
  lt_close((uv_handle_t *)&timer);
  delay_server_stop(&server);
  return status;
}

int main(int argc, char **argv) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  int status = sample_run(argc, argv, start);
  curl_global_cleanup();
  return status;
}
