/* The switch between two stacks, for the processors of the System V ABI (x86-64) and AAPCS64
   (AArch64):

       void coroutine_switch_stacks(void **save_stack_pointer, void *stack_pointer);
       void coroutine_start(void);     where a new stack begins: calls entry(arg)

   Saved is what a callee must preserve and nothing else; the floating-point control words, which
   nothing here changes, are the thread's. The switch leaves by an indirect jump: a return would
   be predicted to go back to the caller on the old stack, and always wrong. */
#include "async/coroutine.h"

#if COROUTINE_ASSEMBLY
        .text
        .globl  coroutine_switch_stacks
        .type   coroutine_switch_stacks, %function
        .globl  coroutine_start
        .type   coroutine_start, %function
        .p2align 4

#if defined(__x86_64__)
coroutine_switch_stacks:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        popq    %rcx
        jmp     *%rcx
        .size   coroutine_switch_stacks, . - coroutine_switch_stacks

/* coroutine_init() left entry in r12 and arg in r13. The unwinder is told that there is no caller. */
coroutine_start:
        .cfi_startproc
        .cfi_undefined rip
        movq    %r13, %rdi
        call    *%r12
        ud2
        .cfi_endproc
        .size   coroutine_start, . - coroutine_start

#elif defined(__aarch64__)
coroutine_switch_stacks:
        sub     sp, sp, #160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        br      x30
        .size   coroutine_switch_stacks, . - coroutine_switch_stacks

/* coroutine_init() left entry in x19 and arg in x20. */
coroutine_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     x0, x20
        blr     x19
        brk     #1
        .cfi_endproc
        .size   coroutine_start, . - coroutine_start
#endif
#endif
        .section .note.GNU-stack, "", %progbits
