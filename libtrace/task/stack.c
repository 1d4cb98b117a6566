/* The pool of stacks.  Invariant: a free stack's list link lies at its upper
 * end, in the page that any task touches first, so that taking one costs no
 * page. Called by task.c; lti_stack_guarded_by() by the fault handler. */
#include "config.h"

#include "task/stack.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MAP_STACK
#define MAP_STACK 0
#endif

#define CANARY UINT64_C(0x6b636174736e6f6c)

struct lti_stack_free {
  struct lti_stack_free *next;
  char *stack;
  bool has_canary;
};
/* The upper end: this link, and then the canary of the stack above. */
enum { CANARY_WORDS = 4, CANARY_BYTES = 8 * CANARY_WORDS };
_Static_assert(sizeof(struct lti_stack_free) + CANARY_BYTES <= LTI_STACK_OURS,
               "room");

/* At the start of the mapping's first page. */
struct lti_stack_slab {
  struct lti_stack_slab *next;
  size_t bytes; /* of the mapping */
  size_t step;  /* from one stack to the next */
  size_t gap;   /* a page below each for its guard, or 0 */
  char *first;  /* the first gap */
  size_t n;     /* stacks cut so far */
  size_t room;
  int stack_class;
};

static size_t mappings_limit(void) {
  unsigned long limit = 65530;
  FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
  if (file) {
    if (fscanf(file, "%lu", &limit) != 1)
      limit = 65530;
    fclose(file);
  }
  return limit;
}

void lti_stacks_init(struct lti_stacks *stacks, size_t hot_max) {
  memset(stacks, 0, sizeof *stacks);
  stacks->hot_max = hot_max;
  stacks->page = (size_t)sysconf(_SC_PAGESIZE);
  /* Two mappings a guard; half of all for us, the rest is the program's. */
  stacks->guarded_max = mappings_limit() / 4;
}

void lti_stacks_fini(struct lti_stacks *stacks) {
  while (stacks->slabs) {
    struct lti_stack_slab *slab = stacks->slabs;
    stacks->slabs = slab->next;
    munmap(slab, slab->bytes);
  }
}

int lti_stack_class(size_t bytes) {
  for (int c = 0; c < LTI_STACK_CLASSES; c++)
    if (bytes <= (size_t)1 << (LTI_STACK_SHIFT + c))
      return c;
  return -1;
}

static struct lti_stack_slab *new_slab(struct lti_stacks *stacks,
                                       int stack_class) {
  size_t size = (size_t)1 << (LTI_STACK_SHIFT + stack_class);
  size_t room = size < 1u << 20 ? (4u << 20) / size : 4;
  bool can_guard =
      !stacks->no_markers || stacks->guarded + room <= stacks->guarded_max;
  size_t gap = can_guard ? stacks->page : 0;
  size_t step = size + gap;
  size_t bytes = stacks->page + room * step;
  struct lti_stack_slab *slab =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (slab == MAP_FAILED)
    return NULL;
#ifdef MADV_NOHUGEPAGE
  /* A huge page under a stack of which one page is used. */
  (void)madvise(slab, bytes, MADV_NOHUGEPAGE);
#endif
  slab->bytes = bytes;
  slab->step = step;
  slab->gap = gap;
  slab->first = (char *)slab + stacks->page;
  slab->room = room;
  slab->stack_class = stack_class;
  slab->next = stacks->slabs;
  stacks->slabs = slab;
  return slab;
}

/* In the gap below a stack.  Returns: false where there is none. */
static bool set_guard(struct lti_stacks *stacks, char *guard) {
  if (!stacks->no_markers) {
    if (madvise(guard, stacks->page, MADV_GUARD_INSTALL) == 0)
      return true;
    stacks->no_markers = true;
  }
  if (stacks->guarded >= stacks->guarded_max ||
      mprotect(guard, stacks->page, PROT_NONE) != 0)
    return false;
  stacks->guarded++;
  return true;
}

static void set_canary(char *stack) {
  for (int i = 1; i <= CANARY_WORDS; i++)
    ((uint64_t *)stack)[-i] = CANARY;
}

static char *cut_stack(struct lti_stacks *stacks, int stack_class,
                       bool *has_canary) {
  struct lti_stack_slab *slab = stacks->slabs;
  while (slab && (slab->stack_class != stack_class || slab->n == slab->room))
    slab = slab->n == slab->room && slab->stack_class == stack_class
               ? NULL /* older ones of this class are full, too */
               : slab->next;
  if (!slab)
    slab = new_slab(stacks, stack_class);
  if (!slab)
    return NULL;
  char *guard = slab->first + slab->n++ * slab->step;
  char *stack = guard + slab->gap;
  *has_canary = !slab->gap || !set_guard(stacks, guard);
  if (*has_canary)
    set_canary(stack);
  return stack;
}

char *lti_stack_take(struct lti_stacks *stacks, int stack_class, size_t *bytes,
                     bool *has_canary) {
  struct lti_stack_free *link = stacks->of[stack_class].hot;
  *bytes = (size_t)1 << (LTI_STACK_SHIFT + stack_class);
  if (__builtin_expect(link != NULL, 1)) {
    stacks->of[stack_class].hot = link->next;
    stacks->of[stack_class].n_hot--;
    *has_canary = link->has_canary;
    return link->stack;
  }
  link = stacks->of[stack_class].cold;
  if (link) {
    stacks->of[stack_class].cold = link->next;
    *has_canary = link->has_canary;
    return link->stack;
  }
  return cut_stack(stacks, stack_class, has_canary);
}

/* A cold stack keeps the page with the link and with its neighbour's canary. */
void lti_stack_give(struct lti_stacks *stacks, int stack_class, char *stack,
                    bool has_canary) {
  size_t size = (size_t)1 << (LTI_STACK_SHIFT + stack_class);
  struct lti_stack_free *link =
      (struct lti_stack_free *)(stack + size - CANARY_BYTES - sizeof *link);
  struct lti_stack_free **list = &stacks->of[stack_class].hot;
  if (__builtin_expect(stacks->of[stack_class].n_hot < stacks->hot_max, 1)) {
    stacks->of[stack_class].n_hot++;
  } else {
    (void)madvise(stack, size - stacks->page, MADV_DONTNEED);
    list = &stacks->of[stack_class].cold;
  }
  link->stack = stack;
  link->has_canary = has_canary;
  link->next = *list;
  *list = link;
}

/* Several words: frames have holes that nobody writes to. */
bool lti_stack_is_sound(const char *stack) {
  const uint64_t *end = (const uint64_t *)stack;
  bool is_sound = true;
  for (int i = 1; i <= CANARY_WORDS; i++)
    is_sound &= end[-i] == CANARY;
  return is_sound;
}

char *lti_stack_guarded_by(const struct lti_stacks *stacks,
                           const void *address) {
  const char *at = address;
  for (const struct lti_stack_slab *slab = stacks->slabs; slab;
       slab = slab->next) {
    if (!slab->gap || at < slab->first ||
        at >= slab->first + slab->n * slab->step)
      continue;
    size_t i = (size_t)(at - slab->first) / slab->step;
    char *guard = slab->first + i * slab->step;
    return at < guard + stacks->page ? guard + stacks->page : NULL;
  }
  return NULL;
}
