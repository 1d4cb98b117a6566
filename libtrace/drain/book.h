/* The book of a process: every definition of its trace, kept so that each
 * generation can tell them again, and new ones as bytes on their way to the
 * file.
 *
 * Before the file exists (no sink) definitions are only kept.  Whatever comes
 * from the traced program is bounded here: a program that defines without end
 * loses names, not the recorder's memory. */
#ifndef LTI_BOOK_H
#define LTI_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drain/drain.h"
#include "drain/hash.h"

struct lti_string {
  uint64_t id;
  uint32_t size;
  char *text; /* owned, NUL-terminated */
};

struct lti_module {
  uint64_t start, end;
  char *path; /* owned */
  uint8_t build_id[32];
  uint8_t build_id_bytes; /* 0 where unknown */
  bool build_id_asked;
};

struct lti_site {
  uint64_t address, offset, function_offset;
  uint64_t function, file; /* strings, 0 where unknown */
  uint64_t key;            /* in site_ids */
  uint32_t module;         /* 0 unknown */
  uint32_t line;
  bool is_call; /* the address is one that a traced call returns to, and may yet
                   become the place of a jump */
};

/* Frames: twice the id of a site, plus 1 where it is a guess. */
struct lti_stack {
  uint32_t n;
  uint32_t *frames; /* owned */
};

struct lti_thread_entry {
  int32_t tid;
  bool is_main;
  char name[16];
};

struct lti_loop_entry {
  uint32_t id, thread;
  uint64_t name;
};

/* Takes definitions to the file: whole ones, at most LTI_PAYLOAD_MAX bytes. */
typedef void lti_book_sink(void *context, const uint8_t *bytes, size_t size,
                           uint32_t n);

#define LTI_SITE_CACHE 256u

struct lti_book {
  lti_book_sink *sink; /* NULL until there is a file */
  void *sink_context;
  uint8_t *fresh; /* definitions not yet given to the sink */
  size_t fresh_bytes;
  uint32_t fresh_n;

  int32_t pid;
  bool is_live; /* /proc/PID may be asked */
  char comm[16], uv_version[16];
  const char *recorder; /* borrowed */
  uint64_t min_block_ns;

  struct lti_string *strings;
  size_t n_strings, strings_capacity, strings_bytes;
  uint64_t own_strings;          /* ids given out by the book itself */
  struct lti_hash string_ids;    /* id -> index */
  struct lti_hash string_hashes; /* of own ones -> index */

  struct lti_module *modules;
  size_t n_modules, modules_capacity;
  struct lti_site *sites;
  size_t n_sites, sites_capacity;
  struct lti_hash site_ids; /* key -> id */
  struct {
    uint64_t key;
    uint32_t id; /* 0: an empty row */
  } site_cache[LTI_SITE_CACHE]; /* of site_ids, by the address's low bits */
  size_t n_named;           /* sites that the namer was asked about */
  uint64_t maps_read_ns;    /* when /proc/PID/maps was last read */

  struct lti_stack *stacks;
  size_t n_stacks, stacks_capacity, stacks_frames;
  struct lti_hash stack_hashes; /* of the frames -> id */

  struct lti_thread_entry *threads;
  size_t n_threads, threads_capacity;
  struct lti_loop_entry *loops;
  size_t n_loops, loops_capacity;
  struct lti_hash loop_ids; /* id -> index */
  uint64_t task_kinds;      /* bit k: kind k was defined */
  uint64_t callees[4];      /* bit: that callee was defined */
  char **notes;
  size_t n_notes;
};

/* An empty book, all zero but for what init sets. */
void lti_book_init(struct lti_book *book, int32_t pid, const char *recorder,
                   uint64_t min_block_ns);
void lti_book_fini(struct lti_book *book);

/* From the traced program: a string with the program's own id.
 * Returns of lti_book_string_id(): the file's id for the program's; 0 for an id
 * that makes no sense. */
void lti_book_string(struct lti_book *book, uint64_t program_id,
                     const char *text, size_t size);
uint64_t lti_book_string_id(uint64_t program_id);

/* The same for the text of an event, which may also be one of the recorder's
 * own (LTI_BOOK_OWN | id). */
#define LTI_BOOK_OWN (UINT64_C(1) << 63)
uint64_t lti_book_text_id(const struct lti_book *book, uint64_t text);

/* A string of the recorder's; the same text gives the same id.  0: no room. */
uint64_t lti_book_own_string(struct lti_book *book, const char *text);

/* A module of the program; one that is known already is passed over. */
void lti_book_module(struct lti_book *book, uint64_t start, uint64_t end,
                     const char *path, size_t path_bytes);

/* A thread; its index is that of the call, from 0. */
uint32_t lti_book_thread(struct lti_book *book, int32_t tid, bool is_main,
                         const char *name);

/* The name that a loop was given; NULL for none, or one that is not known yet.
 * Raw; borrowed until the book changes. */
const char *lti_book_loop_name(const struct lti_book *book, uint32_t id);
/* A string by the file's id; NULL for none.  Raw, as above. */
const char *lti_book_text(const struct lti_book *book, uint64_t id);

/* A loop is turned by a thread, or gets a name (0: keeps the one it has). */
void lti_book_loop(struct lti_book *book, uint32_t id, uint32_t thread,
                   uint64_t name);

/* A kind of task, or a blocking call, is about to be used in an event.
 * lti_book_callee() returns its id in the file. */
void lti_book_task_kind(struct lti_book *book, unsigned kind);
unsigned lti_book_callee(struct lti_book *book, unsigned callee);

/* A sentence for people; the same one twice is kept once. */
void lti_book_note(struct lti_book *book, const char *text, size_t size);

/* stacks.c: the id of a stack of code addresses, innermost first; the same one
 * gives the same id.  Frames beyond the format's limit are left out.
 * 0: empty, or too many different ones. */
struct lti_stack_frame {
  uint64_t address;
  bool is_guessed;
};
uint32_t lti_book_stack(struct lti_book *book,
                        const struct lti_stack_frame *frames, size_t n);

/* stacks.c: a blocking call by its name, as a callee of the file; 0: no room. */
unsigned lti_book_callee_named(struct lti_book *book, const char *name);

/* stacks.c: put the definition of a stack into the fresh ones; free them all.
 */
void lti_book_put_stack(struct lti_book *book, uint32_t id);
void lti_book_fini_stacks(struct lti_book *book);

/* Definitions that the book does not keep: bytes of a body. */
void lti_book_put(struct lti_book *book, unsigned type, const void *body,
                  size_t size);

/* Give everything fresh to the sink. */
void lti_book_flush(struct lti_book *book);

/* Tell everything again, for a new generation; what was fresh is part of it. */
void lti_book_retell(struct lti_book *book);

/* sites.c: the id of the site at an address, 0 for address 0.  The first time
 * it is looked up in the modules, and where none covers it in /proc/PID/maps.
 *
 * key: the address; with LTI_SITE_CALL one that a traced call returns to.  Its
 *      site is another than that of the same address in a stack, since the call
 *      may turn out to have been a jump, made elsewhere. */
#define LTI_SITE_CALL (UINT64_C(1) << 63)
uint32_t lti_book_site(struct lti_book *book, uint64_t key);

/* The same, fast where the key was asked for lately. */
static inline uint32_t lti_book_site_again(struct lti_book *book,
                                           uint64_t key) {
  size_t row = (key ^ key >> 8) % LTI_SITE_CACHE;
  if (book->site_cache[row].key == key && book->site_cache[row].id)
    return book->site_cache[row].id;
  uint32_t id = lti_book_site(book, key);
  book->site_cache[row].key = key;
  book->site_cache[row].id = id;
  return id;
}

/* sites.c: put the definition of a site or a module into the fresh ones. */
void lti_book_put_site(struct lti_book *book, uint32_t id);
void lti_book_put_module(struct lti_book *book, uint32_t id);

/* sites.c: ask for names and build-ids until a deadline (CLOCK_MONOTONIC ns).
 * Returns: true when nothing is left to ask. */
bool lti_book_name(struct lti_book *book, const struct lti_namer *namer,
                   void *context, uint64_t deadline_ns);

/* Room for one more element. */
bool lti_book_room(void **array, size_t n, size_t *capacity, size_t size);

#endif
