/* The context switch, for x86-64 and AArch64.
 *
 * What a context saves lies at its stack pointer: the registers that a callee
 * keeps, and the address to go on at.  The
 * unwind tables are true at every instruction, for debuggers and our own stacks:
 * both contexts have the same layout, so the rules hold while the stack pointer
 * changes.  lti_context_entry is the outermost frame of a task; its rules lead to
 * the context that the scheduler saved when it resumed tasks.  It is marked as a
 * signal frame: only there do debuggers accept that the caller's frame lies
 * anywhere.
 *
 * Calls and returns are predicted by a stack that knows of no switches.  So there
 * are none here: callers jump in (context.h), saying where they go on, both leave
 * by an indirect jump, and a task's function is begun by a jump. */

#if defined(__x86_64__)

#if defined(__CET__) && (__CET__ & 1)
#define LANDING endbr64
#define JUMP notrack jmp
#else
#define LANDING
#define JUMP jmp
#endif

/* 8 r12, 16 r13, 24 r14, 32 r15, 40 rbx, 48 rbp,
 * 56 address to go on at, 64 the caller's red zone */
  .text
  .globl lti_switch
  .hidden lti_switch
  .type lti_switch, @function
  .p2align 4
/* rdi: where to save, rsi: what to load, rdx: where the caller goes on */
lti_switch:
  .cfi_startproc
  .cfi_def_cfa %rsp, 0
  .cfi_register %rip, %rdx
  LANDING
  leaq -192(%rsp), %rsp
  .cfi_adjust_cfa_offset 192
  movq %rdx, 56(%rsp)
  .cfi_rel_offset %rip, 56
  movq %rbp, 48(%rsp)
  .cfi_rel_offset %rbp, 48
  movq %rbx, 40(%rsp)
  .cfi_rel_offset %rbx, 40
  movq %r15, 32(%rsp)
  .cfi_rel_offset %r15, 32
  movq %r14, 24(%rsp)
  .cfi_rel_offset %r14, 24
  movq %r13, 16(%rsp)
  .cfi_rel_offset %r13, 16
  movq %r12, 8(%rsp)
  .cfi_rel_offset %r12, 8
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  movq 8(%rsp), %r12
  movq 16(%rsp), %r13
  movq 24(%rsp), %r14
  movq 32(%rsp), %r15
  movq 40(%rsp), %rbx
  movq 48(%rsp), %rbp
  movq 56(%rsp), %rdx
  .cfi_restore %r12
  .cfi_restore %r13
  .cfi_restore %r14
  .cfi_restore %r15
  .cfi_restore %rbx
  .cfi_restore %rbp
  .cfi_register %rip, %rdx
  leaq 192(%rsp), %rsp
  .cfi_adjust_cfa_offset -192
  JUMP *%rdx
  .cfi_endproc
  .size lti_switch, . - lti_switch

/* rbx: where the resumer's context is saved, r12: argument, r13: entry */
  .globl lti_context_entry
  .hidden lti_context_entry
  .type lti_context_entry, @function
  .p2align 4
  nop
lti_context_entry:
  .cfi_startproc
  .cfi_signal_frame
  /* CFA = *rbx + 192 */
  .cfi_escape 0x0f, 6, 0x73, 0x00, 0x06, 0x23, 0xc0, 0x01
  .cfi_offset %rip, -136
  .cfi_offset %rbp, -144
  .cfi_offset %rbx, -152
  .cfi_offset %r15, -160
  .cfi_offset %r14, -168
  .cfi_offset %r13, -176
  .cfi_offset %r12, -184
  LANDING
  movq %r12, %rdi
  leaq 1f(%rip), %rax
  pushq %rax
  jmp *%r13
1:
  ud2
  .cfi_endproc
  .size lti_context_entry, . - lti_context_entry

#elif defined(__aarch64__)

/* 0 x19 ... 72 x28, 80 x29, 88 x30 (address to go on at), 96 d8 ... 152 d15,
 * 160 unused */
  .text
  .globl lti_switch
  .hidden lti_switch
  .type lti_switch, %function
  .p2align 4
lti_switch:
  .cfi_startproc
  sub sp, sp, #176
  .cfi_adjust_cfa_offset 176
  stp x19, x20, [sp]
  .cfi_rel_offset x19, 0
  .cfi_rel_offset x20, 8
  stp x21, x22, [sp, #16]
  .cfi_rel_offset x21, 16
  .cfi_rel_offset x22, 24
  stp x23, x24, [sp, #32]
  .cfi_rel_offset x23, 32
  .cfi_rel_offset x24, 40
  stp x25, x26, [sp, #48]
  .cfi_rel_offset x25, 48
  .cfi_rel_offset x26, 56
  stp x27, x28, [sp, #64]
  .cfi_rel_offset x27, 64
  .cfi_rel_offset x28, 72
  stp x29, x30, [sp, #80]
  .cfi_rel_offset x29, 80
  .cfi_rel_offset x30, 88
  stp d8, d9, [sp, #96]
  .cfi_rel_offset 72, 96
  .cfi_rel_offset 73, 104
  stp d10, d11, [sp, #112]
  .cfi_rel_offset 74, 112
  .cfi_rel_offset 75, 120
  stp d12, d13, [sp, #128]
  .cfi_rel_offset 76, 128
  .cfi_rel_offset 77, 136
  stp d14, d15, [sp, #144]
  .cfi_rel_offset 78, 144
  .cfi_rel_offset 79, 152
  mov x10, sp
  str x10, [x0]
  mov sp, x1
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x19, x20, [sp]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  .cfi_restore x19
  .cfi_restore x20
  .cfi_restore x21
  .cfi_restore x22
  .cfi_restore x23
  .cfi_restore x24
  .cfi_restore x25
  .cfi_restore x26
  .cfi_restore x27
  .cfi_restore x28
  .cfi_restore x29
  .cfi_restore x30
  .cfi_restore 72
  .cfi_restore 73
  .cfi_restore 74
  .cfi_restore 75
  .cfi_restore 76
  .cfi_restore 77
  .cfi_restore 78
  .cfi_restore 79
  add sp, sp, #176
  .cfi_adjust_cfa_offset -176
  br x30
  .cfi_endproc
  .size lti_switch, . - lti_switch

/* x19: where the resumer's context is saved, x20: argument, x21: entry */
  .globl lti_context_entry
  .hidden lti_context_entry
  .type lti_context_entry, %function
  .p2align 4
  nop
lti_context_entry:
  .cfi_startproc
  .cfi_signal_frame
  /* CFA = *x19 + 176 */
  .cfi_escape 0x0f, 6, 0x83, 0x00, 0x06, 0x23, 0xb0, 0x01
  .cfi_offset x19, -176
  .cfi_offset x20, -168
  .cfi_offset x21, -160
  .cfi_offset x22, -152
  .cfi_offset x23, -144
  .cfi_offset x24, -136
  .cfi_offset x25, -128
  .cfi_offset x26, -120
  .cfi_offset x27, -112
  .cfi_offset x28, -104
  .cfi_offset x29, -96
  .cfi_offset x30, -88
  .cfi_offset 72, -80
  .cfi_offset 73, -72
  .cfi_offset 74, -64
  .cfi_offset 75, -56
  .cfi_offset 76, -48
  .cfi_offset 77, -40
  .cfi_offset 78, -32
  .cfi_offset 79, -24
  mov x0, x20
  adr x30, 1f
  br x21
1:
  brk #1
  .cfi_endproc
  .size lti_context_entry, . - lti_context_entry

#endif

#if defined(__linux__)
  .section .note.GNU-stack, "", %progbits
#if defined(__x86_64__) && defined(__CET__) && (__CET__ & 1)
  /* Indirect branch tracking: yes.  Shadow stacks: no. */
  .section .note.gnu.property, "a"
  .p2align 3
  .long 4, 16, 5
  .asciz "GNU"
  .long 0xc0000002, 4, 1, 0
#endif
#endif
