/* database: a query that blocks and one that waits, against a real Redis.
 *
 *   looptrace record -o database.lt -- samples/database
 *   looptrace check database.lt
 *
 * Starts a redis-server of its own, on a socket in a temporary folder, and ends
 * it. The query takes a while in the server (BLPOP on a list that stays empty).
 * Asked with hiredis' synchronous interface it holds the loop; with the
 * asynchronous one it is a future that a task awaits, and the heart beats on.
 */
#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <unistd.h>

#include "work.h"

static char folder[] = "/tmp/looptrace-redis-XXXXXX", path[64];

/* --- The server ----------------------------------------------------------- */

static int64_t serve(void *unused) {
  const char *args[] = {"redis-server", "--port", "0",    "--unixsocket",
                        path,           "--save", "",     "--appendonly",
                        "no",           "--dir",  folder, "--daemonize",
                        "no",           NULL};
  uv_stdio_container_t stdio[3] = {
      {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
  uv_process_options_t options = {.file = "redis-server",
                                  .args = (char **)(uintptr_t)args,
                                  .stdio = stdio,
                                  .stdio_count = 3};
  (void)unused;
  return lt_process_run(&options); /* cancelled: SIGTERM, and its end */
}

static int64_t server_is_up(lt_task *server) {
  for (int i = 0; i < 1000 && !lt_is_done(server); i++) {
    lt_stream *probe;
    if (lt_pipe_connect(path, &probe) == 0) {
      lt_stream_close(probe);
      return 0;
    }
    lt_sleep(10);
  }
  return UV_ECONNREFUSED;
}

static void say_query(char *query, size_t size) {
  double seconds = (double)scaled_ms(600) / 1000;
  snprintf(query, size, "BLPOP nothing %.2f", seconds);
}

/* --- The query that blocks ------------------------------------------------ */

static int64_t ask_blocking(void *unused) {
  char query[64];
  redisContext *redis = redisConnectUnix(path);
  (void)unused;
  if (!redis || redis->err) {
    redisFree(redis);
    return UV_EIO;
  }
  say_query(query, sizeof query);
  lt_sleep(scaled_ms(100));
  redisReply *reply = redisCommand(redis, query); /* blocks */
  int64_t status = reply && reply->type == REDIS_REPLY_NIL ? 0 : UV_EIO;
  if (reply)
    freeReplyObject(reply);
  redisFree(redis);
  return status;
}

/* --- The query that waits ------------------------------------------------- */

static void answered(redisAsyncContext *redis, void *reply, void *done) {
  const redisReply *nil = reply; /* freed by hiredis; NULL: disconnected */
  (void)redis;
  lt_future_set(done, nil && nil->type == REDIS_REPLY_NIL ? 0 : UV_EIO);
}

static int64_t ask_waiting(void *unused) {
  char query[64];
  lt_future done;
  redisAsyncContext *redis = redisAsyncConnectUnix(path);
  (void)unused;
  if (!redis || redis->err || redisLibuvAttach(redis, lt_loop()) != REDIS_OK) {
    if (redis)
      redisAsyncFree(redis);
    return UV_EIO;
  }
  say_query(query, sizeof query);
  lt_sleep(scaled_ms(100));
  lt_future_init(&done, 0);
  int64_t status = UV_EIO;
  if (redisAsyncCommand(redis, answered, &done, query) == REDIS_OK)
    status = lt_future_await(&done);
  redisAsyncFree(redis); /* calls answered() if it still waits */
  return status;
}

/* --- Both ----------------------------------------------------------------- */

static int64_t ask_both(void) {
  lt_task *heart = lt_spawn_named("heartbeat", heartbeat, NULL);
  int64_t status = lt_await(lt_spawn_named("waiting", ask_waiting, NULL));
  printf("asked without blocking: %s\n",
         status == 0 ? "answered" : lt_strerror(status));
  if (status == 0)
    status = lt_await(lt_spawn_named("blocking", ask_blocking, NULL));
  printf("asked while blocking: %s\n",
         status == 0 ? "answered" : lt_strerror(status));
  lt_sleep(scaled_ms(100)); /* the heart beats again */
  lt_cancel(heart);
  lt_await(heart);
  return status;
}

static int64_t start(void *unused) {
  (void)unused;
  if (!mkdtemp(folder))
    return uv_translate_sys_error(errno);
  snprintf(path, sizeof path, "%s/redis", folder);
  lt_task *server = lt_spawn_named("server", serve, NULL);
  int64_t status = server_is_up(server);
  if (status == 0)
    status = ask_both();
  else
    fputs("is redis-server installed?\n", stderr);
  lt_cancel(server);
  lt_await(server);
  unlink(path);
  rmdir(folder);
  return status;
}

int main(int argc, char **argv) {
  return sample_run(argc, argv, start);
}
