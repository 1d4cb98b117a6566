/* The arena: the memory that the traced program writes and the drain reads.
 *
 * One arena serves one recording.  `looptrace record` makes it as a file on
 * tmpfs and maps it; every traced process maps the same file.  A program that
 * is linked with liblooptrace and records by itself makes an anonymous one, and
 * the drain is a thread.  Nothing in here is a pointer: offsets and indices
 * only, because each process maps it elsewhere.
 *
 *   +--------------+-----------------+-----------------+---------+---------+
 *   | lti_arena    | lti_proc [n]    | lti_thread [n]  | small   | large   |
 *   | (one page)   | process slots   | thread slots    | rings[n]| rings[m]|
 *   +--------------+-----------------+-----------------+---------+---------+
 *
 * The file is sparse.  A thread slot i owns small ring i.  Slots and large
 * rings are claimed only below threads_committed and large_committed, which the
 * drain raises after posix_fallocate succeeded: touching a hole on a full tmpfs
 * would be a SIGBUS in somebody else's program.
 *
 * Each field says who writes it.  "host" is the traced program; "owner" the one
 * thread that owns the slot; "drain" the recorder.  What comes from the host is
 * hostile input for the drain: indices and lengths are checked before use. */
#ifndef LTI_ARENA_H
#define LTI_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <looptrace/event.h>

#define LTI_ARENA_MAGIC UINT64_C(0x31616e657261746c) /* "ltarena1" */
#define LTI_ARENA_VERSION 7u

/* The environment variable through which a child finds the arena's file. */
#define LTI_ARENA_ENV "LOOPTRACE_ARENA"

#define LTI_LINE 64
#define LTI_NO_RING UINT32_MAX

/* One event in a ring.  See event.h for what the fields mean. */
struct lti_record {
  uint64_t clock; /* TSC or CLOCK_MONOTONIC ns: lti_arena.clock_is_tsc */
  uint64_t head;  /* kind, x, ref: see the LTI_HEAD macros */
  uint64_t a;
  uint64_t b;
};
_Static_assert(sizeof(struct lti_record) == 32, "two records a cache line");

#define LTI_REF_MAX ((UINT64_C(1) << 40) - 1)
#define LTI_HEAD(kind, x, ref)                                                 \
  ((uint64_t)(uint8_t)(kind) | (uint64_t)(uint16_t)(x) << 8 |                  \
   (uint64_t)(ref) << 24)
#define LTI_HEAD_KIND(h) ((unsigned)((h)&0xff))
#define LTI_HEAD_X(h) ((unsigned)((h) >> 8 & 0xffff))
#define LTI_HEAD_REF(h) ((h) >> 24)

/* Kinds that exist in rings only: texts and facts on their way to a definition.
 * The record is followed by x bytes in (x + 31) / 32 more records, published
 * together with it.  x is at most LTI_DATA_MAX. */
enum {
  LTI_DATA_STRING = 200, /* a: the host's id of the string; bytes: the text */
  LTI_DATA_MODULE = 201, /* a: start, b: end address; bytes: path */
  LTI_DATA_NOTE = 202    /* bytes: a sentence for `info`: what is not seen */
};
#define LTI_DATA_MAX 4096u

enum lti_mode { LTI_MODE_DROP, LTI_MODE_LOSSLESS, LTI_MODE_FLIGHT };

/* Life of a slot.  FREE -> CLAIMED by the host (CAS); -> ENDED by the host or,
 * when the process is dead, by the drain; -> FREE by the drain once drained. */
enum lti_slot_state {
  LTI_SLOT_FREE,
  LTI_SLOT_CLAIMED,
  LTI_SLOT_ENDED,
  LTI_SLOT_CLAIMING /* the host fills it in; nobody else touches it */
};

struct lti_arena {
  uint64_t magic;        /* drain, last of all at creation */
  uint32_t version;      /* drain, once */
  uint32_t clock_is_tsc; /* drain, once */
  uint64_t size_bytes;   /* drain, once: of the whole mapping */
  uint32_t n_procs;      /* drain, once: slots of each sort */
  uint32_t n_threads;
  uint32_t n_large;
  uint32_t small_records; /* drain, once: capacity, a power of two */
  uint32_t large_records;
  int32_t drain_pid;    /* drain, once */
  uint32_t mode;        /* drain, once: lti_mode */
  uint32_t follow;      /* drain, once: 1 when children are recorded too */
  uint64_t procs_at;    /* drain, once: offsets from the arena's start */
  uint64_t threads_at;
  uint64_t small_at;
  uint64_t large_at;
  uint64_t no_fd_names;   /* drain, once: 1 when descriptors are numbers only */
  uint64_t min_block_ns;  /* drain, once: shorter calls are only counted */
  uint64_t usage_age_ns;  /* drain, once: 5 ms, see lti_usage_emit() */
  uint64_t ticks_per_ms;  /* drain, once: of the clock, within 1 % */
  uint64_t made_clock;    /* drain, once: the clock when the arena was made */
  uint64_t made_ns;       /* drain, once: CLOCK_MONOTONIC at that moment */

  _Alignas(LTI_LINE) _Atomic uint32_t enabled; /* drain: 0 while switched off */
  _Atomic uint32_t threads_committed;          /* drain, grows */
  _Atomic uint32_t large_committed;            /* drain, grows */
  _Atomic uint32_t n_attached;                 /* host: constructors that ran */
  _Atomic uint32_t n_past; /* host: processes whose libuv went past the hooks */
  _Atomic uint64_t large_used; /* bit i: large ring i; host sets, drain clears */
  _Alignas(LTI_LINE) _Atomic uint64_t heartbeat_ns; /* drain: CLOCK_MONOTONIC */
  _Atomic uint32_t closed; /* drain: 1 when it will never drain again */
  _Atomic uint32_t asleep; /* drain: 1 while it may be woken; host: 0 (nap.h) */
};

struct lti_proc {
  _Alignas(LTI_LINE) _Atomic uint32_t state; /* lti_slot_state */
  int32_t pid;                               /* host, before CLAIMED is seen */
  uint64_t start_ticks; /* host: field 22 of /proc/PID/stat; 0 unknown */
  uint64_t start_clock; /* host: in the record's clock */
  char comm[16];        /* host: NUL-terminated */
  char uv_version[16];  /* host: libuv's, "" where there is none */
  /* Whether it records, and the how manieth time: a thread that meets another
   * number than it knows tells anew where it is.  0 while switched off, by the
   * program itself (paused) or for all (arena.enabled).  Host and drain. */
  _Atomic uint32_t enabled;
  _Atomic uint32_t times_on;
  _Atomic uint32_t paused; /* host: 1 between lt_trace_pause() and _resume() */
  _Atomic uint32_t snapshots; /* host: how many were asked for */
  _Atomic uint32_t loops;    /* host: loops turned so far, also the next id */
  _Atomic uint32_t strings;  /* host: string ids given out */
  _Alignas(LTI_LINE) _Atomic uint64_t next_task; /* host: next free block */
  _Atomic uint64_t no_ring;    /* host: events of threads that got no slot */
  _Atomic uint64_t untracked;  /* host: callbacks left alone for want of memory */

  /* Written by the drain, for recovery after it died: how many events and
   * losses it took out of the arena, how many of them stand in whole epochs of
   * the file, how far no_ring was taken; and the clock up to which all is in
   * whole epochs, raised before the last of them is whole. */
  _Alignas(LTI_LINE) _Atomic uint64_t taken;
  _Atomic uint64_t filed;
  _Atomic uint64_t told_no_ring;
  _Atomic uint64_t filed_clock;
};

/* What a thread is doing now, for the watchdog and for a trace cut by death. */
enum lti_doing {
  LTI_DOING_NOTHING, /* not inside a loop */
  LTI_DOING_RUN,     /* in the loop, or in a callback */
  LTI_DOING_POLL,    /* in the kernel's poll */
  LTI_DOING_BETWEEN, /* between two runs of a loop that is turned regularly */
  LTI_DOING_MAYBE,   /* in a turn, if it is known to turn a loop one day */
};

#define LTI_BACK 8u
#define LTI_EARLY 8u

/* head, tail and the loss counters go on counting when a slot is used again by
 * another thread: the drain, which frees slots, remembers where each began. */
struct lti_thread {
  /* Written by the owner, for every event. */
  _Alignas(LTI_LINE) _Atomic uint64_t head; /* records published, release */

  /* Written by the owner, seldom. */
  _Alignas(LTI_LINE) _Atomic uint32_t state; /* lti_slot_state */
  uint32_t proc;                             /* index of its process slot */
  int32_t tid;
  uint32_t is_main;
  char name[16];
  _Atomic uint32_t large;     /* large ring in use or LTI_NO_RING, release */
  _Atomic uint64_t large_from; /* first record that is in the large ring */

  /* Losses, per cause: counted by the owner; the clock of the newest and, after
   * each look of the drain, of the oldest not yet reported. */
  _Alignas(LTI_LINE) _Atomic uint64_t lost[8]; /* by lt_lost */
  _Atomic uint64_t lost_first;                 /* clock; owner sets when 0 */
  _Atomic uint64_t lost_last;                  /* clock */
  _Atomic uint64_t calls_short; /* blocking calls below min_block_ns */

  /* What it is doing, for others to read: relaxed stores of the owner. */
  _Alignas(LTI_LINE) _Atomic uint32_t doing; /* lti_doing */
  _Atomic uint32_t loop;                     /* id of the loop it turns */
  _Atomic uint64_t since;  /* clock: last time the loop left the poll */
  _Atomic uint64_t task;   /* running task, 0 for none */
  _Atomic uint64_t task_since; /* clock: when its slice began */
  _Atomic uint64_t call;   /* LTI_HEAD(CALL, callee, ref), 0 for none */
  _Atomic uint64_t call_since;
  _Atomic uint64_t call_site;
  _Atomic uint64_t frame[3]; /* pc, sp, frame pointer of the caller */
  _Atomic uint32_t holder;   /* tid: has the lock it waits for; 0 unknown */

  /* The longest turns of a loop that is not known to be one yet, in the order
   * of time: the owner's only (hook/trial.c), here since its own memory is
   * scarce. */
  struct {
    uint64_t begin, end; /* clock */
  } early[LTI_EARLY];

  /* Written by the drain. */
  _Alignas(LTI_LINE) _Atomic uint64_t tail; /* records consumed, release */
  _Atomic uint64_t told[8]; /* how much of lost[] was taken */
  _Atomic uint64_t back[LTI_BACK]; /* places up to tail where a record begins:
                                      from there can be read again what the
                                      owner has not written over */
};

/* An event that says: whatever is open on this thread ended, unseen, before
 * this. In rings only: the drain closes what it knows to be open. */
#define LTI_ALL_ENDED LTI_HEAD(LT_LOOP_END, 0, 0)

static inline struct lti_proc *lti_arena_proc(struct lti_arena *a, uint32_t i) {
  return (struct lti_proc *)((char *)a + a->procs_at) + i;
}

static inline struct lti_thread *lti_arena_thread(struct lti_arena *a,
                                                  uint32_t i) {
  return (struct lti_thread *)((char *)a + a->threads_at) + i;
}

static inline struct lti_record *lti_arena_small(struct lti_arena *a,
                                                 uint32_t i) {
  return (struct lti_record *)((char *)a + a->small_at) +
         (size_t)i * a->small_records;
}

static inline struct lti_record *lti_arena_large(struct lti_arena *a,
                                                 uint32_t i) {
  return (struct lti_record *)((char *)a + a->large_at) +
         (size_t)i * a->large_records;
}

/* How an arena is to be made.  0 takes the default. */
struct lti_arena_options {
  uint32_t n_procs;       /* 128 */
  uint32_t n_threads;     /* 1024 */
  uint32_t n_large;       /* 64, which is the most */
  uint32_t small_records; /* 512: 16 KiB */
  uint32_t large_records; /* 131072: 4 MiB */
  uint32_t mode;
  uint32_t no_follow;
  uint32_t is_off;        /* recording is switched on later */
  uint32_t no_fd_names;
  uint64_t min_block_ns;  /* 50 us */
};

/* The capacity of a ring of at least so many bytes, within what is allowed; 0
 * for 0. */
uint32_t lti_arena_records(uint64_t bytes);

/* Make an arena on a file, or in anonymous memory.
 *
 * fd: an empty file on tmpfs, or -1 for anonymous memory (fully committed as it
 *     is touched).  Not kept.
 * Returns: the mapping, owned, to be given to lti_arena_unmap(); NULL with
 * errno set, ENOSPC when the tmpfs has no room for the first slots. */
struct lti_arena *lti_arena_create(int fd,
                                   const struct lti_arena_options *options);

/* Would lti_arena_grow() commit more? */
bool lti_arena_is_short(struct lti_arena *arena);

/* Commit more slots when fewer than a quarter of the committed are free.
 *
 * fd: as at creation.  Threads: the drain's only.  Failure is not an error: the
 * program then gets no more rings and counts what it could not record. */
void lti_arena_grow(struct lti_arena *arena, int fd);

/* Map an existing arena and check that its numbers make sense.
 * Returns: the mapping, owned; NULL with errno set (EPROTO: not an arena). */
struct lti_arena *lti_arena_map(int fd);

/* Put private memory, all zero, in its place, so that pointers into it stay good
 * and what is written there is nobody's business.
 * Returns: was it done? */
bool lti_arena_hide(struct lti_arena *arena);

/* Unmap; NULL is a no-op. */
void lti_arena_unmap(struct lti_arena *arena);

#endif
