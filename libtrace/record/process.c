/* Attach a process to an arena, give it a slot, and notice a fork.
 *
 * Invariant: nothing of the arena is touched while *lti_process.alive is 0, which
 * it is in a forked child until the child looks for, or turns, a loop of its own. */
#include "record/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/emit.h"

#define ROOMY_FDS 256 /* of a table of descriptors: 64 are there anyway */

static const _Atomic uint32_t never_enabled;
static volatile uint32_t never_alive[2]; /* and the lock beside it */

struct lti_process lti_process __attribute__((visibility("hidden"))) = {
    .enabled = &never_enabled,
    .alive = never_alive,
};

static _Atomic int claim_lock; /* 0 open, 1 one thread claims, or detaches */

/* Of a recording that is over: in the next one these numbers go on, so that
 * what threads and tables still know of it is told apart. */
static uint64_t former_task = 1;
static uint32_t former_times;

/* Threads that begin together wait for the one that claims, some milliseconds at
 * most: their first event may be the beginning of a loop. */
enum { CLAIM_PATIENCE = 10000 };

/* Our own system calls do not pass through the wrappers for the host's. */
static ssize_t read_file(const char *path, char *buf, size_t size) {
  if (lti_process.is_confined)
    return -1;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t n = syscall(SYS_read, fd, buf, size);
  (void)syscall(SYS_close, fd);
  return n;
}

/* Field 22 of /proc/self/stat; behind the last ')' since names may hold any. */
static uint64_t start_ticks(void) {
  char buf[1024];
  ssize_t n = read_file("/proc/self/stat", buf, sizeof buf - 1);
  if (n <= 0)
    return 0;
  buf[n] = 0;
  char *at = strrchr(buf, ')');
  for (int field = 2; at && field < 22; field++)
    at = strchr(at + 1, ' ');
  return at ? strtoull(at + 1, NULL, 10) : 0;
}

static struct lti_proc *claim_free(struct lti_arena *arena, uint32_t *index) {
  for (uint32_t i = 0; i < arena->n_procs; i++) {
    struct lti_proc *proc = lti_arena_proc(arena, i);
    uint32_t state = LTI_SLOT_FREE;
    if (atomic_compare_exchange_strong(&proc->state, &state,
                                       LTI_SLOT_CLAIMING)) {
      *index = i;
      return proc;
    }
  }
  return NULL;
}

/* What the program was called when it began: a main thread that took another
 * name since (node's is MainThread) has that beside it. */
static char first_comm[16];

static void fill(struct lti_proc *proc, uint64_t first_task, bool is_forked) {
  proc->pid = getpid();
  proc->start_ticks = start_ticks();
  proc->start_clock = lti_now();
  memset(proc->comm, 0, sizeof proc->comm);
  memset(proc->uv_version, 0, sizeof proc->uv_version);
  /* Of a child, the main thread's name; this may be another thread. */
  if (!is_forked && *first_comm)
    memcpy(proc->comm, first_comm, sizeof first_comm);
  else if (read_file("/proc/self/comm", proc->comm, sizeof proc->comm - 1) > 0)
    proc->comm[strcspn(proc->comm, "\n")] = 0;
  else
    (void)prctl(PR_GET_NAME, proc->comm);
  atomic_store(&proc->loops, 0);
  atomic_store(&proc->strings, 0);
  atomic_store(&proc->next_task, first_task);
  atomic_store(&proc->no_ring, 0);
  atomic_store(&proc->untracked, 0);
  atomic_store(&proc->taken, 0);
  atomic_store(&proc->filed, 0);
  atomic_store(&proc->told_no_ring, 0);
}

static bool claim(struct lti_arena *arena, uint64_t first_task,
                  bool is_forked) {
  uint32_t index;
  struct lti_proc *proc = arena ? claim_free(arena, &index) : NULL;
  if (!proc)
    return false;
  fill(proc, first_task, is_forked);
  lti_process.proc_index = index;
  bool on = atomic_load(&arena->enabled) != 0;
  atomic_store(&proc->paused, 0);
  atomic_store(&proc->snapshots, 0);
  atomic_store(&proc->times_on, former_times + on);
  atomic_store(&proc->enabled, on ? former_times + 1 : 0);
  /* Partner: the drain's acquire load of state. */
  atomic_store_explicit(&proc->state, LTI_SLOT_CLAIMED, memory_order_release);
  __atomic_store_n(&lti_process.proc, proc, __ATOMIC_RELEASE);
  atomic_store(&lti_process.enabled, &proc->enabled);
  atomic_fetch_add(&proc->no_ring, atomic_exchange(&lti_process.early_lost, 0));
  return true;
}

static bool lock_claims(void) {
  for (int i = 0; i < CLAIM_PATIENCE; i++) {
    int open = 0;
    if (atomic_compare_exchange_strong(&claim_lock, &open, 1))
      return true;
    (void)sched_yield();
  }
  return false;
}

static bool claim_once(void) {
  if (__atomic_load_n(&lti_process.proc, __ATOMIC_ACQUIRE))
    return true;
  if (lti_self.claiming)
    return false; /* a handler in the middle of it: that event is lost */
  if (!lock_claims())
    return false;
  lti_self.claiming = 1;
  bool done = lti_process.proc || claim(lti_process.arena, former_task, false);
  lti_self.claiming = 0;
  atomic_store(&claim_lock, 0);
  return done;
}

bool lti_process_claim(void) {
  if (__atomic_load_n(&lti_process.proc, __ATOMIC_ACQUIRE))
    return true;
  return !lti_process.is_confined && claim_once(); /* it takes system calls */
}

/* The same pid may have been another traced program before exec. */
static void end_former_image(struct lti_arena *arena) {
  int32_t pid = getpid();
  for (uint32_t i = 0; i < arena->n_procs; i++) {
    struct lti_proc *proc = lti_arena_proc(arena, i);
    uint32_t state = LTI_SLOT_CLAIMED;
    if (atomic_load_explicit(&proc->state, memory_order_acquire) == state &&
        proc->pid == pid)
      atomic_compare_exchange_strong(&proc->state, &state, LTI_SLOT_ENDED);
  }
}

/* What a forked child does not inherit; once a process, and kept. */
static volatile uint32_t *map_wiped(size_t page) {
  size_t size = page + LTI_FRONT_BYTES;
  if (lti_process.front) {
    if (madvise(lti_process.front, LTI_FRONT_BYTES, MADV_DONTNEED) != 0)
      return NULL;
    return (volatile uint32_t *)(void *)((char *)lti_process.front - page);
  }
  char *wiped = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (wiped == MAP_FAILED)
    return NULL;
  if (madvise(wiped, size, MADV_WIPEONFORK) != 0) {
    munmap(wiped, size); /* Linux before 4.14: no safe way to go on */
    return NULL;
  }
  lti_process.front = wiped + page;
  return (volatile uint32_t *)(void *)wiped;
}

bool lti_process_attach_to(struct lti_arena *arena) {
  volatile uint32_t *alive = map_wiped((size_t)sysconf(_SC_PAGESIZE));
  if (!alive)
    return false;
  end_former_image(arena);
  lti_process.arena = arena;
  lti_process.clock_is_tsc = (int)arena->clock_is_tsc;
  lti_process.ns_per_tick = 1e6 / (double)arena->ticks_per_ms;
  lti_process.ticks_min_block =
      (uint64_t)((double)arena->min_block_ns / lti_process.ns_per_tick);
  lti_process.ticks_usage =
      (uint64_t)((double)arena->usage_age_ns / lti_process.ns_per_tick);
  atomic_fetch_add(&arena->n_attached, 1);
  lti_process.alive = alive;
  if (!former_times)
    atomic_store(&lti_process.enabled, &arena->enabled);
  *alive = 1;
  return !former_times || claim_once(); /* threads see the number only */
}

/* Without following children, only what the recorder itself started, whatever
 * programs it becomes. */
static bool is_wanted(const struct lti_arena *arena) {
  return arena->follow || getppid() == arena->drain_pid;
}

/* A table of descriptors that has to grow while there are threads makes who opens
 * one wait for tens of ms.  Ours, now and then, shall not be the one too many:
 * the table has room from the start. */
static void make_room(int fd) {
  long high = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, ROOMY_FDS - 1);
  if (high >= 0)
    (void)syscall(SYS_close, (int)high);
}

bool lti_process_attach(void) {
  int saved = errno;
  bool attached = false;
  const char *path = secure_getenv(LTI_ARENA_ENV);
  if (path && path[0] == '/' && !lti_process.arena) {
    (void)prctl(PR_GET_NAME, first_comm);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path,
                          O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
      struct lti_arena *arena = lti_arena_map(fd);
      make_room(fd);
      (void)syscall(SYS_close, fd);
      attached = arena && !atomic_load(&arena->closed) && is_wanted(arena) &&
                 lti_process_attach_to(arena);
      if (arena && !attached)
        lti_arena_unmap(arena);
    }
  }
  errno = saved;
  return attached;
}

struct lti_thread lti_nobodys;

/* A handler forked in the middle of an event, and the child may come back into
 * that, with our parent's ring at hand: it is not recorded. */
static void hide_parents(void) {
  struct lti_arena *arena = lti_process.arena;
  int saved = errno;
  if (arena && !lti_process.is_confined && lti_arena_hide(arena))
    lti_process.arena = NULL; /* never asked again */
  errno = saved;
}

void lti_thread_forked(void) {
  struct lti_self *self = &lti_self;
  if (self->busy) {
    hide_parents();
  } else {
    self->head = self->limit = 0;
    self->slot = self->slot ? &lti_nobodys : NULL; /* it is our parent's */
  }
  struct lti_arena *arena = lti_process.arena;
  self->task_next = self->task_end = 0;
  self->busy = self->refused = self->in_call = 0;
  self->task = 0;
  self->claiming = 0;
  self->on = arena && atomic_load(&arena->enabled) ? 1 : LTI_ON_NONE;
  self->told = 0; /* nothing of its parent is told */
}

static void revive(struct lti_arena *arena) {
  /* Ids that this child inherited in its tables stay apart from new ones. */
  uint64_t first_task =
      lti_process.proc ? atomic_load(&lti_process.proc->next_task) : 1;
  lti_thread_forked(); /* here, if fork's handlers did not run */
  atomic_store(&claim_lock, 0);
  if (!lti_process.arena)
    return;
  lti_self.slot = NULL;
  if (!arena->follow || atomic_load(&arena->closed) || !arena->drain_pid) {
    lti_process.arena = NULL; /* never asked again */
  } else if (claim(arena, first_task, true)) {
    uint32_t times = lti_times_on();
    lti_self.on = times ? times : LTI_ON_NONE;
    __atomic_store_n(lti_process.alive, 1, __ATOMIC_RELEASE);
  }
}

/* Several threads of a child may begin their loops at once: one makes the
 * process's slot, the others wait for that.  The lock is wiped by a fork. */
void lti_process_revive_slow(void) {
  int saved = errno;
  if (lti_process.is_confined) /* it takes system calls */
    return;
  volatile uint32_t *alive = lti_process.alive, *lock = alive + 1;
  for (int i = 0; i < CLAIM_PATIENCE && !*alive && lti_process.arena; i++) {
    uint32_t open = 0;
    if (__atomic_compare_exchange_n(lock, &open, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED)) {
      struct lti_arena *arena = lti_process.arena;
      if (!*alive && arena)
        revive(arena);
      __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
      break;
    }
    (void)sched_yield();
  }
  errno = saved;
}

/* Another thread may end the recording at any moment; what is found stays
 * mapped. */
struct place {
  struct lti_arena *arena;
  struct lti_proc *proc;
};

static bool find_place(struct place *at) {
  if (!*lti_process.alive || !lti_process_claim())
    return false;
  *at = (struct place){__atomic_load_n(&lti_process.arena, __ATOMIC_RELAXED),
                       __atomic_load_n(&lti_process.proc, __ATOMIC_ACQUIRE)};
  return at->arena && at->proc;
}

bool lti_process_switch(bool on) {
  struct place at;
  if (!find_place(&at))
    return false;
  atomic_store(&at.proc->paused, !on);
  if (!on)
    atomic_store(&at.proc->enabled, 0);
  else if (atomic_load(&at.arena->enabled) && !atomic_load(&at.proc->enabled))
    atomic_store(&at.proc->enabled,
                 atomic_fetch_add(&at.proc->times_on, 1) + 1);
  lti_drain_wake(); /* what is open is closed at once */
  return true;
}

bool lti_process_ask_snapshot(void) {
  struct place at;
  if (!find_place(&at))
    return false;
  atomic_fetch_add(&at.proc->snapshots, 1);
  lti_drain_wake();
  return true;
}

/* Nobody claims meanwhile, which would be for a recording that is over. */
void lti_process_detach(void) {
  bool is_locked = lock_claims();
  struct lti_proc *proc = lti_process.proc;
  atomic_store(&lti_process.enabled, &never_enabled);
  if (proc && *lti_process.alive) {
    former_task = atomic_load(&proc->next_task);
    former_times = atomic_load(&proc->times_on);
    atomic_store_explicit(&proc->state, LTI_SLOT_ENDED, memory_order_release);
  }
  lti_process.proc = NULL;
  lti_process.arena = NULL;
  lti_process.alive = never_alive;
  if (is_locked)
    atomic_store(&claim_lock, 0);
}
