/* The unwinder.
 *
 * Invariant: each frame's stack pointer is above that of the frame before, so
 * it ends; nothing is written to the process and nothing stops it.  Called by
 * watch.c for a thread that is blocked, or with the registers and the stack that
 * perf copied. */
#include "watch/unwind.h"

#include <stdlib.h>
#include <string.h>

#include "watch/expression.h"

#define SCAN_BYTES 16384u  /* of stack that is looked through for a frame */
#define FRAME_MOST 1048576u /* bytes between two frame pointers */
#define FUNCTION_MOST 262144u/* bytes of a function's code */
#define PROLOGUE_MOST 16u   /* bytes before its frame pointer is set */

struct unwinder {
  struct code_files *files;
  struct code *code;
  struct memory *memory;
  struct registers now;
  const struct anchor *anchor; /* NULL once it is behind us */
  uint64_t begin; /* of the row for pc, 0 unknown: a function's last one, but
                   * for its end, begins after push and mov */
  bool is_exact;  /* pc is not where a call returns to */
};

enum step { STEP_OK, STEP_END, STEP_STUCK };

static bool is_known(const struct registers *r, unsigned reg) {
  return r->known >> reg & 1;
}

/* What a register was in the caller. */
static void restore(struct unwinder *u, Dwarf_Frame *frame, unsigned reg,
                    uint64_t cfa, struct registers *out) {
  Dwarf_Op room[3], *ops;
  size_t n;
  struct place at;
  if (dwarf_frame_register(frame, (int)reg, room, &ops, &n))
    return;
  if (n == 0) { /* the same still, or undefined */
    if (!ops && is_known(&u->now, reg))
      registers_set(out, reg, u->now.value[reg]);
    return;
  }
  if (!expression_eval(ops, n, &u->now, u->memory, &cfa, &at))
    return;
  if (at.is_register) {
    if (at.value < REG_COUNT && is_known(&u->now, (unsigned)at.value))
      registers_set(out, reg, u->now.value[at.value]);
  } else if (at.is_value) {
    registers_set(out, reg, at.value);
  } else {
    uint64_t value;
    if (memory_word(u->memory, at.value, &value))
      registers_set(out, reg, value);
  }
}

/* By a row of the tables that covers pc. */
static enum step step_row(struct unwinder *u, Dwarf_Frame *frame) {
  Dwarf_Op *ops, room[3];
  size_t n;
  bool is_signal = false;
  struct place at;
  struct registers out = {0};
  int ra = dwarf_frame_info(frame, NULL, NULL, &is_signal);
  if (ra < 0 || ra >= REG_COUNT || dwarf_frame_cfa(frame, &ops, &n) || n == 0 ||
      !expression_eval(ops, n, &u->now, u->memory, NULL, &at))
    return STEP_STUCK;
  uint64_t cfa = at.value;
  for (unsigned reg = 0; reg < REG_COUNT; reg++)
    restore(u, frame, reg, cfa, &out);
  if (!is_known(&out, (unsigned)ra)) {
    bool is_last = !dwarf_frame_register(frame, ra, room, &ops, &n) && n == 0 &&
                   ops == room;
    return is_last ? STEP_END : STEP_STUCK;
  }
  registers_set(&out, REG_SP_, cfa);
  if (cfa <= u->now.value[REG_SP_] && !is_signal)
    return STEP_STUCK;
  out.pc = out.value[ra];
  out.known &= ~(UINT64_C(1) << ra);
  u->now = out;
  u->is_exact = is_signal;
  return out.pc ? STEP_OK : STEP_END;
}

static enum step step_cfi(struct unwinder *u) {
  uint64_t at;
  Dwarf_Addr begin = 0, end = 0;
  Dwarf_Frame *frame;
  bool is_signal;
  uint64_t pc = u->now.pc - !u->is_exact;
  Dwarf_CFI *cfi = code_cfi(u->files, u->code, pc, &at);
  u->begin = 0;
  if (!cfi || dwarf_cfi_addrframe(cfi, at, &frame))
    return STEP_STUCK;
  if (dwarf_frame_info(frame, &begin, &end, &is_signal) >= 0)
    u->begin = pc - (at - begin);
  enum step step = step_row(u, frame);
  free(frame);
  return step;
}

/* Where a jump through a table of addresses leads, as calls of other modules'
 * functions and of some of the own one's go. */
static uint64_t behind_stub(struct unwinder *u, uint64_t target) {
#if defined(__x86_64__)
  uint8_t b[11];
  uint64_t where;
  int32_t distance;
  if (!memory_read(u->memory, target, b, sizeof b))
    return target;
  size_t n = memcmp(b, "\xf3\x0f\x1e\xfa", 4) == 0 ? 4 : 0; /* endbr64 */
  n += b[n] == 0xf2;                                         /* bnd */
  if (b[n] != 0xff || b[n + 1] != 0x25)
    return target;
  memcpy(&distance, b + n + 2, 4);
  return memory_word(u->memory, target + n + 6 + (uint64_t)(int64_t)distance,
                     &where)
             ? where
             : target;
#else
  (void)u;
  return target;
#endif
}

/* The call instruction before a return address, as far as it can be told.
 * target: of a direct one, else 0. */
static bool is_after_call(struct unwinder *u, uint64_t pc, uint64_t *target) {
  uint8_t b[8];
  *target = 0;
  if (!code_find(u->code, pc - 1) ||
      !memory_read(u->memory, pc - 8, b, sizeof b))
    return false;
#if defined(__aarch64__)
  uint32_t word;
  memcpy(&word, b + 4, 4);
  return word >> 26 == 0x25 || (word & 0xfffffc1fu) == 0xd63f0000u;
#else
  if (b[3] == 0xe8) {
    int32_t distance;
    memcpy(&distance, b + 4, 4);
    *target = behind_stub(u, pc + (uint64_t)(int64_t)distance);
    return true;
  }
  for (int n = 2; n <= 7; n++) /* call through a register or memory */
    if (b[8 - n] == 0xff && (b[9 - n] >> 3 & 7) == 2) {
      int mode = b[9 - n] >> 6, base = b[9 - n] & 7;
      int size = 2 + (mode != 3 && base == 4) +
                 (mode == 1   ? 1
                  : mode == 2 || (mode == 0 && base == 5) ? 4
                                                          : 0);
      if (size == n)
        return true;
    }
  return false;
#endif
}

/* May a call have led to the function at pc?  What earlier calls left on the
 * stack mostly has not: return addresses from quite other calls. */
static bool may_lead_here(const struct unwinder *u, uint64_t target) {
  return target == 0 || u->now.pc - target < FUNCTION_MOST;
}

/* Are the words at a slot a saved frame pointer and a return address?  certain:
 * behind a call of this very function, not through a pointer. */
static bool is_frame(struct unwinder *u, uint64_t slot, bool certain) {
  uint64_t saved, pc, target;
  if (!memory_word(u->memory, slot, &saved) ||
      !memory_word(u->memory, slot + 8, &pc) || saved <= slot ||
      saved - slot > FRAME_MOST || saved % 8 || !is_after_call(u, pc, &target))
    return false;
  return certain ? target && u->begin - target <= PROLOGUE_MOST
                 : may_lead_here(u, target);
}

static bool find_fp_of(struct unwinder *u, bool certain, uint64_t *fp) {
  uint64_t sp = u->now.value[REG_SP_];
  for (uint64_t slot = (sp + 7) & ~UINT64_C(7); slot < sp + SCAN_BYTES;
       slot += 8) {
    uint64_t word;
    if (!memory_word(u->memory, slot, &word))
      break;
    if (word > slot && word - slot <= FRAME_MOST &&
        is_frame(u, slot, certain)) {
      *fp = slot;
      return true;
    }
  }
  return false;
}

/* The frame pointer of the function at pc, from the words above sp: the first
 * whose caller calls this function; else the first that may have, since what
 * earlier calls left in the function's own frame may be such. */
static bool find_fp(struct unwinder *u, uint64_t *fp) {
  return find_fp_of(u, true, fp) || find_fp_of(u, false, fp);
}

/* To the caller along the chain of frame pointers. */
static bool step_chain(struct unwinder *u, uint64_t fp) {
  uint64_t saved, pc, target;
  if (fp < u->now.value[REG_SP_] || fp % 8 ||
      fp - u->now.value[REG_SP_] > FRAME_MOST ||
      !memory_word(u->memory, fp, &saved) ||
      !memory_word(u->memory, fp + 8, &pc) || !is_after_call(u, pc, &target))
    return false;
  struct registers out = {.pc = pc};
  registers_set(&out, REG_SP_, fp + 16);
  registers_set(&out, REG_FP_, saved);
  u->now = out;
  return true;
}

/* To the first return address above sp that may be the function's. */
static bool step_scan(struct unwinder *u) {
  uint64_t sp = u->now.value[REG_SP_], pc, target;
  for (uint64_t slot = (sp + 7) & ~UINT64_C(7); slot < sp + SCAN_BYTES;
       slot += 8) {
    if (!memory_word(u->memory, slot, &pc))
      return false;
    if (pc < 4096 || !is_after_call(u, pc, &target) ||
        !may_lead_here(u, target))
      continue;
    struct registers out = {.pc = pc};
    uint64_t saved;
    registers_set(&out, REG_SP_, slot + 8);
    if (memory_word(u->memory, slot - 8, &saved) && saved > slot &&
        saved - slot < FRAME_MOST && saved % 8 == 0)
      registers_set(&out, REG_FP_, saved);
    u->now = out;
    return true;
  }
  return false;
}

static bool to_anchor(struct unwinder *u) {
  const struct anchor *a = u->anchor;
  if (!a || a->sp <= u->now.value[REG_SP_])
    return false;
  struct registers out = {.pc = a->pc};
  registers_set(&out, REG_SP_, a->sp);
  registers_set(&out, REG_FP_, a->fp);
  u->now = out;
  u->anchor = NULL;
  u->is_exact = false;
  return true;
}

/* When the tables do not help.  Returns: false at the end. */
static bool step_without(struct unwinder *u, bool *is_guessed) {
  uint64_t fp, at;
  bool has_row = u->begin != 0;
  *is_guessed = false;
  if (to_anchor(u))
    return true;
  u->is_exact = false;
  if (has_row && !is_known(&u->now, REG_FP_)) {
    *is_guessed = true;
    if (find_fp(u, &fp)) { /* now the tables may do */
      registers_set(&u->now, REG_FP_, fp);
      return step_cfi(u) == STEP_OK || step_chain(u, fp);
    }
    return step_scan(u);
  }
  if (!has_row && is_known(&u->now, REG_FP_) &&
      step_chain(u, u->now.value[REG_FP_]))
    return true;
  *is_guessed = true;
  /* Outside all code it is no frame at all. */
  return (code_find(u->code, u->now.pc) || code_cfi(u->files, u->code,
                                                    u->now.pc, &at)) &&
         step_scan(u);
}

size_t unwind(struct code_files *files, struct code *code,
              struct memory *memory, const struct registers *from,
              const struct anchor *anchor, struct lti_stack_frame *frames) {
  struct unwinder u = {.files = files,
                       .code = code,
                       .memory = memory,
                       .now = *from,
                       .anchor = anchor && anchor->pc ? anchor : NULL,
                       .is_exact = true};
  size_t n = 0, guesses = 0, last_guess = 0;
  bool is_guessed = false, is_whole = false;
  while (n < UNWIND_MAX && is_known(&u.now, REG_SP_)) {
    frames[n++] = (struct lti_stack_frame){u.now.pc, guesses > 0};
    if (u.anchor && u.now.value[REG_SP_] >= u.anchor->sp)
      u.anchor = NULL;
    uint64_t sp = u.now.value[REG_SP_];
    enum step step = step_cfi(&u);
    is_whole = step == STEP_END;
    if (step == STEP_END)
      break;
    if (step == STEP_OK)
      continue;
    if (!step_without(&u, &is_guessed) || u.now.value[REG_SP_] <= sp)
      break;
    if (is_guessed) {
      guesses++;
      last_guess = n;
    }
  }
  /* A wrong turn hardly leads to the stack's very end: only the frame that was
   * looked for stays in doubt. */
  for (size_t i = 0; is_whole && guesses == 1 && i < n; i++)
    frames[i].is_guessed = i == last_guess;
  return n;
}
