/* A coroutine: a function with a stack of its own that can be left and entered again. Knows no loop
   and no task. One thread at a time may use a coroutine. */
#ifndef TVA_ASYNC_COROUTINE_H
#define TVA_ASYNC_COROUTINE_H

/* Chosen where there is assembly for the processor (switch.S); elsewhere, and for the tests of the
   fallback (-DTVA_UCONTEXT), ucontext, which makes a system call each way. */
#if !defined(TVA_UCONTEXT) && (defined(__x86_64__) || defined(__aarch64__))
#define COROUTINE_ASSEMBLY 1
#else
#define COROUTINE_ASSEMBLY 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define COROUTINE_ASAN 1
#else
#define COROUTINE_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define COROUTINE_TSAN 1
#else
#define COROUTINE_TSAN 0
#endif

/* Set by the build (TVA_VALGRIND), since telling valgrind costs some instructions a task. */
#ifndef COROUTINE_VALGRIND
#define COROUTINE_VALGRIND 0
#endif

#ifndef __ASSEMBLER__
#include <stddef.h>
#if !COROUTINE_ASSEMBLY
#include <ucontext.h>
#endif

/* Where a coroutine, or the thread that runs coroutines, was left. The fields are the module's. */
struct coroutine {
#if COROUTINE_ASSEMBLY
    void *stack_pointer;
#else
    ucontext_t context;
    void (*context_entry)(void *arg);
    void *context_arg;
#endif
#if COROUTINE_ASAN
    void (*entry)(void *arg);
    void *arg;
    void *fake_stack;
    const void *stack;
    size_t stack_bytes;
#endif
#if COROUTINE_TSAN
    void *fiber;
#endif
#if COROUTINE_VALGRIND
    unsigned valgrind_stack;
#endif
};

/* Makes *thread stand for the calling thread, so that it can be left for a coroutine. */
void coroutine_init_thread(struct coroutine *thread);

/* Makes a coroutine that will run entry(arg) on the stack given, from its first switch. `entry`
   must not return: it ends by coroutine_exit(). The stack is the caller's, must be aligned to 16
   bytes at its upper end, and must outlive the coroutine. */
void coroutine_init(struct coroutine *coroutine, void *stack, size_t stack_bytes,
                    void (*entry)(void *arg), void *arg);

/* Leaves `from`, which is running, for `to`; returns when somebody switches back to `from`. */
void coroutine_switch(struct coroutine *from, struct coroutine *to);

/* Leaves `from` for good. Its stack may be reused by whoever runs next. */
_Noreturn void coroutine_exit(struct coroutine *from, struct coroutine *to);

/* Frees what a sanitizer keeps for a coroutine that has exited; on other builds does nothing. */
void coroutine_destroy(struct coroutine *coroutine);

#endif
#endif
