/* Who writes Python, JavaScript, Lua, Ruby or Perl is not helped by the names of
 * C: what the interpreter, or its event library, has for the same.
 *
 * Invariant: an interpreter is known by a file that it alone maps; where none
 * is, the advice is that of libuv.  Called by output/ and the viewer. */
#include "model/advice.h"

#include <string.h>

#define MODULES_MAX 2048 /* looked through; a recorder writes half of that */
#define FRAMES_MAX 128

/* What calls are for, as far as the answer differs. */
enum purpose {
  ANY, /* what C is told goes for all */
  SLEEPING,
  FILES,
  SOCKETS,
  NAMES,
  PROCESSES,
  LOCKS,
  INNER_LOOPS,
  OTHERS,
  N_PURPOSES
};

struct language {
  const char *program; /* "python": a module of this name, or "python3.11";
                          NULL: none */
  const char *library; /* or whose path has this in it; NULL: none */
  const char *use[N_PURPOSES]; /* NULL: as in C */
  const char *compute;
  const char *frame; /* of the interpreter, where its program's function has no
                        name; NULL: none */
  const char *names; /* how they come into the trace */
};

/* Where a process is of several, the first counts. */
static const struct language languages[] = {
    {NULL,
     "/gevent/",
     {[SLEEPING] = "gevent.sleep",
      [FILES] = "gevent.get_hub().threadpool.apply",
      [SOCKETS] = "gevent.socket, or gevent.monkey.patch_all() before all "
                  "other imports",
      [NAMES] = "gevent.socket.getaddrinfo",
      [PROCESSES] = "gevent.subprocess",
      [LOCKS] = "gevent.lock or gevent.event; or another thread held the GIL",
      [OTHERS] = "gevent.get_hub().threadpool.apply"},
     "do it in pieces with gevent.sleep(0) between, or in another process",
     "_PyEval_EvalFrameDefault",
     "of Python's functions: python3 -X perf, from 3.12 on"},
    {"python",
     "/uvloop/loop.",
     {[SLEEPING] = "await asyncio.sleep",
      [FILES] = "asyncio.to_thread, or loop.run_in_executor",
      [SOCKETS] = "asyncio's streams, or loop.sock_recv and its like",
      [NAMES] = "loop.getaddrinfo, which runs in the thread pool",
      [PROCESSES] = "asyncio.create_subprocess_exec",
      [LOCKS] =
          "asyncio.Lock or asyncio.Event between tasks, asyncio.to_thread "
          "for other waits; or another thread held the GIL",
      [OTHERS] = "asyncio.to_thread, or loop.run_in_executor"},
     "do it in pieces with await asyncio.sleep(0) between, or in another "
     "process: loop.run_in_executor with a ProcessPoolExecutor",
     "_PyEval_EvalFrameDefault",
     "of Python's functions: python3 -X perf, from 3.12 on; before, asyncio "
     "itself logs which callback was slow, with PYTHONASYNCIODEBUG=1"},
    {"node",
     NULL,
     {[SLEEPING] = "setTimeout",
      [FILES] = "fs.promises, not a call whose name ends in Sync",
      [SOCKETS] = "net and its events",
      [NAMES] = "dns.promises.lookup",
      [PROCESSES] = "child_process.spawn, not a call whose name ends in Sync",
      [LOCKS] = "messages to worker_threads, not Atomics.wait",
      [INNER_LOOPS] = "child_process.spawn, not a call whose name ends in Sync",
      [OTHERS] = "worker_threads"},
     "do it in pieces with setImmediate between, or in worker_threads",
     "Builtins_InterpreterEntryTrampoline",
     "of JavaScript's functions: node --perf-basic-prof "
     "--interpreted-frames-native-stack"},
    {"nvim",
     NULL,
     {[SLEEPING] = "vim.defer_fn, or a timer of vim.uv",
      [FILES] = "the same call of vim.uv with a callback",
      [SOCKETS] = "vim.uv.new_tcp or vim.uv.new_pipe",
      [NAMES] = "vim.uv.getaddrinfo with a callback",
      [PROCESSES] = "vim.system with a callback, not its wait()",
      [LOCKS] = "vim.uv.new_async",
      [OTHERS] = "vim.uv.new_work"},
     "do it in pieces with vim.schedule between, or in the thread pool: "
     "vim.uv.new_work"},
    {"luv.so",
     NULL,
     {[SLEEPING] = "uv.new_timer",
      [FILES] = "the same call of luv with a callback",
      [SOCKETS] = "uv.new_tcp or uv.new_pipe",
      [NAMES] = "uv.getaddrinfo with a callback",
      [PROCESSES] = "uv.spawn with a callback",
      [LOCKS] = "uv.new_async",
      [OTHERS] = "uv.new_work"},
     "do it in pieces, one a turn, or in the thread pool: uv.new_work"},
    {"rubyeventmachine.so",
     NULL,
     {[SLEEPING] = "EM.add_timer",
      [FILES] = "EM.defer",
      [SOCKETS] = "EM.connect or EM.watch; in the place of sleep, EM.add_timer",
      [NAMES] = "EM::DNS::Resolver.resolve",
      [PROCESSES] = "EM.popen",
      [LOCKS] = "EM::Queue or EM::Channel; or another thread held the GVL",
      [OTHERS] = "EM.defer"},
     "do it in pieces with EM.next_tick between, or in another process"},
    {"EV.so",
     NULL,
     {[SLEEPING] = "EV::timer",
      [FILES] = "IO::AIO",
      [SOCKETS] = "EV::io; in the place of a select that sleeps, EV::timer",
      [NAMES] = "AnyEvent::DNS",
      [PROCESSES] = "EV::child",
      [LOCKS] = "EV::async",
      [OTHERS] = "IO::AIO, or another process"},
     "do it in pieces with AnyEvent::postpone between, or in another process"},
};

#define N_LANGUAGES (sizeof languages / sizeof *languages)

static bool is_of(const struct language *l, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  size_t size = l->program ? strlen(l->program) : 0;
  bool is_program = size && strncmp(name, l->program, size) == 0 &&
                    !name[size + strspn(name + size, "0123456789.")];
  return is_program || (l->library && strstr(path, l->library));
}

static const struct language *language_of(const struct model *m) {
  uint32_t n = m->info->n_modules;
  size_t found = N_LANGUAGES;
  for (uint32_t i = 1; i <= n && i <= MODULES_MAX; i++) {
    const lt_module_def *module = lt_reader_module(m->reader, i);
    for (size_t k = 0; module && module->path && k < found; k++)
      if (is_of(&languages[k], module->path))
        found = k;
  }
  return found < N_LANGUAGES ? &languages[found] : NULL;
}

static enum purpose purpose_of(unsigned callee) {
  switch (callee) {
  case LT_CALLEE_sleep:
  case LT_CALLEE_usleep:
  case LT_CALLEE_nanosleep:
  case LT_CALLEE_clock_nanosleep:
  case LT_CALLEE_uv_sleep:
    return SLEEPING;
  case LT_CALLEE_connect:
  case LT_CALLEE_accept:
  case LT_CALLEE_send:
  case LT_CALLEE_sendto:
  case LT_CALLEE_sendmsg:
  case LT_CALLEE_recv:
  case LT_CALLEE_recvfrom:
  case LT_CALLEE_recvmsg:
  case LT_CALLEE_poll:
  case LT_CALLEE_ppoll:
  case LT_CALLEE_select:
  case LT_CALLEE_pselect:
    return SOCKETS;
  case LT_CALLEE_getaddrinfo:
  case LT_CALLEE_getnameinfo:
  case LT_CALLEE_gethostbyname:
  case LT_CALLEE_uv_getaddrinfo:
  case LT_CALLEE_uv_getnameinfo:
    return NAMES;
  case LT_CALLEE_waitpid:
  case LT_CALLEE_wait:
  case LT_CALLEE_wait4:
  case LT_CALLEE_waitid:
  case LT_CALLEE_system:
  case LT_CALLEE_popen:
  case LT_CALLEE_pclose:
    return PROCESSES;
  case LT_CALLEE_pthread_mutex_lock:
  case LT_CALLEE_pthread_mutex_timedlock:
  case LT_CALLEE_pthread_mutex_clocklock:
  case LT_CALLEE_pthread_cond_wait:
  case LT_CALLEE_pthread_cond_timedwait:
  case LT_CALLEE_pthread_cond_clockwait:
  case LT_CALLEE_pthread_rwlock_rdlock:
  case LT_CALLEE_pthread_rwlock_wrlock:
  case LT_CALLEE_sem_wait:
  case LT_CALLEE_sem_timedwait:
  case LT_CALLEE_pthread_barrier_wait:
  case LT_CALLEE_futex:
    return LOCKS;
  case LT_CALLEE_pthread_join:
  case LT_CALLEE_flock:
  case LT_CALLEE_fcntl:
  case LT_CALLEE_lockf:
  case LT_CALLEE_sync:
  case LT_CALLEE_dlopen:
  case LT_CALLEE_syslog:
  case LT_CALLEE_getpwnam:
  case LT_CALLEE_getgrnam:
  case LT_CALLEE_getpwuid:
  case LT_CALLEE_getgrgid:
  case LT_CALLEE_uv_random:
    return OTHERS;
  case LT_CALLEE_uv_run:
  case LT_CALLEE_epoll_wait: /* of a loop inside: node's, for execSync */
  case LT_CALLEE_epoll_pwait:
    return INNER_LOOPS;
  case LT_CALLEE_uv_spawn:
  case LT_CALLEE_looptrace_wait:
    return ANY;
  default: /* reading and writing, and all of uv_fs_* */
    return lt_callee_advice(callee) ? FILES : ANY;
  }
}

const char *advice_call(const struct model *m, unsigned callee,
                        const struct model_call *call) {
  if (call && call->is_self)
    return "a recursive lock, or unlock it before: this thread has it";
  const struct language *l = language_of(m);
  enum purpose purpose = purpose_of(callee);
  const char *own = l ? l->use[purpose] : NULL;
  if (l && !own && purpose == INNER_LOOPS)
    own = l->use[OTHERS];
  return own ? own : lt_callee_advice(callee);
}

const char *advice_names(const struct model *m, uint32_t stack) {
  struct model_stack_line lines[FRAMES_MAX];
  const struct language *l = language_of(m);
  size_t n = l && l->frame && stack
                 ? model_stack_frames(m, stack, lines, FRAMES_MAX)
                 : 0;
  for (size_t i = 0; i < n; i++) {
    const lt_site_def *site = lt_reader_site(m->reader, lines[i].site);
    if (site && site->function && strcmp(site->function, l->frame) == 0)
      return l->names;
  }
  return NULL;
}

const char *advice_compute(const struct model *m) {
  const struct language *l = language_of(m);
  return l ? l->compute : NULL;
}
