/* A stack machine of 32 words.
 *
 * Invariant: it never goes back, so it ends; the stack's bounds hold whatever
 * the file says.  Called by unwind.c. */
#include "watch/expression.h"

#include <dwarf.h>

#define DEPTH 32

struct machine {
  uint64_t stack[DEPTH];
  int n;
  bool bad;
};

static void push(struct machine *m, uint64_t value) {
  if (m->n == DEPTH)
    m->bad = true;
  else
    m->stack[m->n++] = value;
}

static uint64_t pop(struct machine *m) {
  if (m->n == 0) {
    m->bad = true;
    return 0;
  }
  return m->stack[--m->n];
}

static void push_register(struct machine *m, const struct registers *r,
                          uint64_t reg, uint64_t offset) {
  if (reg >= REG_COUNT) { /* the return address counts as the pc */
    m->bad = true;
    return;
  }
#if defined(__x86_64__)
  if (reg == 16) {
    push(m, r->pc + offset);
    return;
  }
#endif
  m->bad |= !(r->known >> reg & 1);
  push(m, r->value[reg] + offset);
}

static void deref(struct machine *m, struct memory *memory, size_t n) {
  uint64_t value = 0;
  if (n > 8 || !memory_read(memory, pop(m), &value, n))
    m->bad = true;
  push(m, value);
}

static void pick(struct machine *m, uint64_t depth) {
  if (depth >= (uint64_t)m->n)
    m->bad = true;
  else
    push(m, m->stack[m->n - 1 - (int)depth]);
}

/* Two operands.  Returns: false for an operation that is none of these. */
static bool binary(struct machine *m, unsigned atom) {
  uint64_t b = m->n > 0 ? m->stack[m->n - 1] : 0;
  uint64_t a = m->n > 1 ? m->stack[m->n - 2] : 0, value;
  switch (atom) {
  case DW_OP_plus: value = a + b; break;
  case DW_OP_minus: value = a - b; break;
  case DW_OP_and: value = a & b; break;
  case DW_OP_or: value = a | b; break;
  case DW_OP_xor: value = a ^ b; break;
  case DW_OP_mul: value = a * b; break;
  case DW_OP_shl: value = b < 64 ? a << b : 0; break;
  case DW_OP_shr: value = b < 64 ? a >> b : 0; break;
  case DW_OP_eq: value = a == b; break;
  case DW_OP_ne: value = a != b; break;
  case DW_OP_ge: value = (int64_t)a >= (int64_t)b; break;
  case DW_OP_gt: value = (int64_t)a > (int64_t)b; break;
  case DW_OP_le: value = (int64_t)a <= (int64_t)b; break;
  case DW_OP_lt: value = (int64_t)a < (int64_t)b; break;
  default: return false;
  }
  (void)pop(m);
  (void)pop(m);
  push(m, value);
  return true;
}

static void operate(struct machine *m, const Dwarf_Op *op,
                    const struct registers *r, struct memory *memory,
                    const uint64_t *cfa) {
  unsigned atom = op->atom;
  if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) {
    push_register(m, r, atom - DW_OP_breg0, op->number);
  } else if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) {
    push(m, atom - DW_OP_lit0);
  } else if (!binary(m, atom)) {
    switch (atom) {
    case DW_OP_bregx: push_register(m, r, op->number, op->number2); break;
    case DW_OP_addr:
    case DW_OP_const1u:
    case DW_OP_const1s:
    case DW_OP_const2u:
    case DW_OP_const2s:
    case DW_OP_const4u:
    case DW_OP_const4s:
    case DW_OP_const8u:
    case DW_OP_const8s:
    case DW_OP_constu:
    case DW_OP_consts: push(m, op->number); break;
    case DW_OP_plus_uconst: push(m, pop(m) + op->number); break;
    case DW_OP_deref: deref(m, memory, 8); break;
    case DW_OP_deref_size: deref(m, memory, op->number); break;
    case DW_OP_dup: pick(m, 0); break;
    case DW_OP_over: pick(m, 1); break;
    case DW_OP_pick: pick(m, op->number); break;
    case DW_OP_drop: (void)pop(m); break;
    case DW_OP_neg: push(m, 0 - pop(m)); break;
    case DW_OP_not: push(m, ~pop(m)); break;
    case DW_OP_nop: break;
    case DW_OP_call_frame_cfa:
      m->bad |= !cfa;
      push(m, cfa ? *cfa : 0);
      break;
    default: m->bad = true; break;
    }
  }
}

bool expression_eval(const Dwarf_Op *ops, size_t n, const struct registers *r,
                     struct memory *memory, const uint64_t *cfa,
                     struct place *place) {
  struct machine m = {.n = 0};
  struct place at = {0};
  if (n == 1 && ops->atom >= DW_OP_reg0 && ops->atom <= DW_OP_reg31) {
    *place = (struct place){ops->atom - DW_OP_reg0, true, false};
    return true;
  }
  if (n == 1 && ops->atom == DW_OP_regx) {
    *place = (struct place){ops->number, true, false};
    return true;
  }
  for (size_t i = 0; i < n && !m.bad; i++) {
    if (ops[i].atom == DW_OP_stack_value)
      at.is_value = true;
    else
      operate(&m, &ops[i], r, memory, cfa);
  }
  at.value = pop(&m);
  if (m.bad)
    return false;
  *place = at;
  return true;
}
