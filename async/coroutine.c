#include "async/coroutine.h"

#include <stdint.h>
#include <string.h>

#if COROUTINE_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if COROUTINE_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if COROUTINE_VALGRIND
#include <valgrind/valgrind.h>
#endif

#if COROUTINE_ASSEMBLY
/* switch.S */
void coroutine_switch_stacks(void **save_stack_pointer, void *stack_pointer);
void coroutine_start(void);

#if defined(__x86_64__)
enum { SAVED_R13 = 2, SAVED_R12 = 3, SAVED_ADDRESS = 6, SAVED_WORDS = 7 };
#define SAVED_ENTRY SAVED_R12
#define SAVED_ARG SAVED_R13
#else
enum { SAVED_X19 = 0, SAVED_X20 = 1, SAVED_ADDRESS = 11, SAVED_WORDS = 20 };
#define SAVED_ENTRY SAVED_X19
#define SAVED_ARG SAVED_X20
#endif

/* Lays the stack out as if coroutine_start had called the switch. */
static void init_stack(struct coroutine *coroutine, void *stack, size_t stack_bytes,
                       void (*entry)(void *arg), void *arg) {
    void **words = (void **)((char *)stack + stack_bytes) - SAVED_WORDS;
    memset(words, 0, SAVED_WORDS * sizeof *words);
    words[SAVED_ENTRY] = (void *)(uintptr_t)entry;
    words[SAVED_ARG] = arg;
    words[SAVED_ADDRESS] = (void *)(uintptr_t)coroutine_start;
    coroutine->stack_pointer = words;
}

static void switch_stacks(struct coroutine *from, struct coroutine *to) {
    coroutine_switch_stacks(&from->stack_pointer, to->stack_pointer);
}
#else
/* makecontext() passes ints, so the pointer travels in two. */
static void context_main(unsigned high, unsigned low) {
    struct coroutine *coroutine = (struct coroutine *)((uintptr_t)high << 32 | (uintptr_t)low);
    coroutine->context_entry(coroutine->context_arg);
}

static void init_stack(struct coroutine *coroutine, void *stack, size_t stack_bytes,
                       void (*entry)(void *arg), void *arg) {
    uint64_t address = (uintptr_t)coroutine;
    getcontext(&coroutine->context);
    coroutine->context_entry = entry;
    coroutine->context_arg = arg;
    coroutine->context.uc_stack.ss_sp = stack;
    coroutine->context.uc_stack.ss_size = stack_bytes;
    coroutine->context.uc_link = NULL;
    makecontext(&coroutine->context, (void (*)(void))(uintptr_t)context_main, 2,
                (unsigned)(address >> 32), (unsigned)address);
}

static void switch_stacks(struct coroutine *from, struct coroutine *to) {
    swapcontext(&from->context, &to->context);
}
#endif

#if COROUTINE_ASAN
/* Where a new coroutine comes in: the switch to it has to be finished first. */
static void sanitized_entry(void *arg) {
    struct coroutine *coroutine = arg;
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
    coroutine->entry(coroutine->arg);
}
#endif

void coroutine_init_thread(struct coroutine *thread) {
    memset(thread, 0, sizeof *thread);
#if COROUTINE_ASAN
    pthread_attr_t attributes;
    void *stack;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &stack, &thread->stack_bytes);
    pthread_attr_destroy(&attributes);
    thread->stack = stack;
#endif
#if COROUTINE_TSAN
    thread->fiber = __tsan_get_current_fiber();
#endif
}

void coroutine_init(struct coroutine *coroutine, void *stack, size_t stack_bytes,
                    void (*entry)(void *arg), void *arg) {
#if COROUTINE_ASAN
    /* A coroutine that was left for good keeps its frames' red zones. */
    __asan_unpoison_memory_region(stack, stack_bytes);
    coroutine->entry = entry;
    coroutine->arg = arg;
    coroutine->fake_stack = NULL;
    coroutine->stack = stack;
    coroutine->stack_bytes = stack_bytes;
    init_stack(coroutine, stack, stack_bytes, sanitized_entry, coroutine);
#else
    init_stack(coroutine, stack, stack_bytes, entry, arg);
#endif
#if COROUTINE_TSAN
    coroutine->fiber = __tsan_create_fiber(0);
#endif
#if COROUTINE_VALGRIND
    coroutine->valgrind_stack = VALGRIND_STACK_REGISTER(stack, (char *)stack + stack_bytes);
#endif
}

/* The sanitizers are told of the switch before it, and, where a coroutine goes on, after it. */
void coroutine_switch(struct coroutine *from, struct coroutine *to) {
#if COROUTINE_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_bytes);
#endif
#if COROUTINE_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    switch_stacks(from, to);
#if COROUTINE_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

void coroutine_exit(struct coroutine *from, struct coroutine *to) {
#if COROUTINE_ASAN
    __sanitizer_start_switch_fiber(NULL, to->stack, to->stack_bytes);
#endif
#if COROUTINE_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    switch_stacks(from, to);
    __builtin_unreachable();
}

void coroutine_destroy(struct coroutine *coroutine) {
    (void)coroutine;
#if COROUTINE_TSAN
    __tsan_destroy_fiber(coroutine->fiber);
#endif
#if COROUTINE_VALGRIND
    VALGRIND_STACK_DEREGISTER(coroutine->valgrind_stack);
#endif
}
