#include "async/stack.h"

#include "async/coroutine.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if COROUTINE_VALGRIND
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(begin, bytes)
#endif

#define SLAB_BYTES_FIRST ((size_t)64 << 10)
#define SLAB_BYTES_MAX ((size_t)32 << 20)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define GUARDED_FROM_BYTES ((size_t)16 << 10)
#define STACK_ALIGNMENT ((size_t)16)
#define CANARY_WORDS 2

/* One mapping of many slots. A slot is, from below: guard page if any, stack, record. */
struct slab {
    struct slab *older;
    char *slots;
    size_t bytes;
    size_t slots_used; /* ever; taken in order from below */
    size_t slot_count;
};

struct stack_pool {
    size_t stack_bytes;
    size_t record_bytes;
    size_t guard_bytes; /* 0, or a page that is given up below each stack */
    size_t slot_bytes;
    size_t guards, guards_max; /* it has; may be in the process */
    size_t next_slab_bytes;
    bool has_small_pages;
    struct stack *free;
    struct slab *newest;
    _Atomic(struct stack *) given_from_afar; /* come among the free when there are no others */
};

static size_t round_up(size_t bytes, size_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

static size_t page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Of all pools, since the limit is the process's. */
static atomic_size_t guards_of_process;

/* Each guard page makes two maps of one. */
static size_t guards_allowed(void) {
    size_t maps = 65530; /* the kernel's default, where it does not say */
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    if (file) {
        if (fscanf(file, "%zu", &maps) != 1)
            maps = 65530;
        fclose(file);
    }
    return maps / 4;
}

int stack_pool_create(struct stack_pool **out, const struct stack_pool_options *options) {
    size_t bytes = options->bytes, record_bytes = options->record_bytes;
    struct stack_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return -ENOMEM;
    pool->has_small_pages = options->has_small_pages;
    pool->next_slab_bytes = SLAB_BYTES_FIRST;
    pool->stack_bytes = round_up(bytes, STACK_ALIGNMENT);
    pool->record_bytes = round_up(record_bytes, STACK_ALIGNMENT);
    pool->slot_bytes = pool->stack_bytes + pool->record_bytes;
    if (bytes >= GUARDED_FROM_BYTES) {
        size_t taken_bytes = pool->record_bytes + STACK_ALIGNMENT; /* with has_guard() behind it */
        pool->guard_bytes = page_bytes();
        pool->guards_max = guards_allowed();
        pool->slot_bytes =
            round_up(pool->stack_bytes + taken_bytes, page_bytes()) + pool->guard_bytes;
        pool->stack_bytes = pool->slot_bytes - pool->guard_bytes - taken_bytes;
    }
    *out = pool;
    return 0;
}

void stack_pool_destroy(struct stack_pool *pool) {
    if (!pool)
        return;
    while (pool->newest) {
        struct slab *slab = pool->newest;
        pool->newest = slab->older;
        munmap(slab->slots, slab->bytes);
        free(slab);
    }
    atomic_fetch_sub(&guards_of_process, pool->guards);
    free(pool);
}

/* Maps `bytes` at a multiple of the huge page, by mapping more and cutting off both ends. */
static char *map_aligned(size_t bytes) {
    size_t mapped_bytes = bytes + HUGE_PAGE_BYTES;
    char *mapped = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    char *aligned = (char *)round_up((uintptr_t)mapped, HUGE_PAGE_BYTES);
    if (aligned > mapped)
        munmap(mapped, (size_t)(aligned - mapped));
    munmap(aligned + bytes, (size_t)(mapped + mapped_bytes - (aligned + bytes)));
    return aligned;
}

/* Small stacks in a large slab are all used, so one fault for a huge page replaces hundreds; large
   stacks are mostly not used, and a huge page would make the unused part cost memory. */
static char *map_slab(const struct stack_pool *pool, size_t bytes) {
    char *slots = map_aligned(bytes);
    bool is_dense = !pool->guard_bytes && !pool->has_small_pages && bytes % HUGE_PAGE_BYTES == 0;
    if (slots)
        madvise(slots, bytes, is_dense ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return slots;
}

static int add_slab(struct stack_pool *pool) {
    struct slab *slab = calloc(1, sizeof *slab);
    if (!slab)
        return -ENOMEM;
    slab->bytes = pool->next_slab_bytes;
    if (slab->bytes < pool->slot_bytes)
        slab->bytes = round_up(pool->slot_bytes, page_bytes());
    slab->slots = map_slab(pool, slab->bytes);
    if (!slab->slots) {
        free(slab);
        return -ENOMEM;
    }
    slab->slot_count = slab->bytes / pool->slot_bytes;
    slab->older = pool->newest;
    pool->newest = slab;
    if (pool->next_slab_bytes < SLAB_BYTES_MAX)
        pool->next_slab_bytes *= 2;
    return 0;
}

static struct stack *slab_stack(const struct stack_pool *pool, const struct slab *slab, size_t i) {
    return (struct stack *)(void *)(slab->slots + i * pool->slot_bytes + pool->guard_bytes +
                                    pool->stack_bytes);
}

/* Whether the page below the stack faults, which is not so for all of a guarded pool. It stands
   behind the record, so that small stacks, which have no guards, need not pay for it. */
static bool *has_guard(const struct stack *stack) {
    return (bool *)(uintptr_t)stack + stack->pool->record_bytes;
}

static struct stack *take_fresh(struct stack_pool *pool) {
    struct slab *slab = pool->newest;
    struct stack *stack = slab_stack(pool, slab, slab->slots_used++);
    stack->pool = pool;
    if (pool->guard_bytes && atomic_load(&guards_of_process) < pool->guards_max) {
        atomic_fetch_add(&guards_of_process, 1);
        pool->guards++;
        *has_guard(stack) =
            !mprotect((char *)stack_begin(stack) - pool->guard_bytes, pool->guard_bytes, PROT_NONE);
    }
    return stack;
}

static struct stack *take_free(struct stack_pool *pool) {
    struct stack *stack = pool->free;
    if (stack)
        pool->free = stack->next_free;
    return stack;
}

/* Apart, since its locals would make taking a free one save registers. */
static __attribute__((noinline)) struct stack *take_other(struct stack_pool *pool) {
    if (atomic_load_explicit(&pool->given_from_afar, memory_order_relaxed)) {
        pool->free = atomic_exchange(&pool->given_from_afar, NULL);
        return take_free(pool);
    }
    if (!pool->newest || pool->newest->slots_used == pool->newest->slot_count)
        if (add_slab(pool))
            return NULL;
    return take_fresh(pool);
}

struct stack *stack_take(struct stack_pool *pool) {
    struct stack *stack = take_free(pool);
    return stack ? stack : take_other(pool);
}

void stack_give(struct stack *stack) {
    stack->next_free = stack->pool->free;
    stack->pool->free = stack;
}

/* Whoever takes them takes them all, so none comes back while it is being put before another. */
void stack_give_from_afar(struct stack *stack) {
    struct stack_pool *pool = stack->pool;
    stack->next_free = atomic_load_explicit(&pool->given_from_afar, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&pool->given_from_afar, &stack->next_free, stack))
        continue;
}

void stack_pool_visit(const struct stack_pool *pool, void (*function)(struct stack *stack)) {
    for (const struct slab *slab = pool->newest; slab; slab = slab->older)
        for (size_t i = 0; i < slab->slots_used; i++)
            function(slab_stack(pool, slab, i));
}

void *stack_begin(const struct stack *stack) {
    return (char *)stack - stack->pool->stack_bytes;
}

size_t stack_bytes(const struct stack *stack) {
    return stack->pool->stack_bytes;
}

static bool is_canary_intact(const uintptr_t *lowest) {
    VALGRIND_MAKE_MEM_DEFINED(lowest, CANARY_WORDS * sizeof *lowest);
    for (size_t i = 0; i < CANARY_WORDS; i++)
        if (lowest[i])
            return false;
    return true;
}

bool stack_is_intact(const struct stack *stack) {
    return (stack->pool->guard_bytes && *has_guard(stack)) || is_canary_intact(stack_begin(stack));
}

struct stack *stack_pool_find_broken(const struct stack_pool *pool) {
    if (pool->guard_bytes)
        return NULL;
    for (const struct slab *slab = pool->newest; slab; slab = slab->older)
        for (size_t i = slab->slots_used; i-- > 0;) {
            struct stack *stack = slab_stack(pool, slab, i);
            if (!is_canary_intact((uintptr_t *)(void *)((char *)stack - pool->stack_bytes)))
                return stack;
        }
    return NULL;
}

size_t stack_pool_stack_bytes(const struct stack_pool *pool) {
    return pool->stack_bytes;
}

/* Where the pages below were never touched there is nothing to look at, and looking would map them.
   mincore() tells for private memory which pages are there. */
static uintptr_t *first_resident(uintptr_t *begin, uintptr_t *end) {
    size_t page = page_bytes();
    unsigned char is_resident;
    char *at = (char *)round_up((uintptr_t)begin, page);
    if ((char *)end - (char *)begin < (ptrdiff_t)(2 * page))
        return begin;
    while (at < (char *)end && !mincore(at, 1, &is_resident) && !(is_resident & 1))
        at += page;
    return at < (char *)end ? (uintptr_t *)at : end;
}

size_t stack_pool_used_peak_bytes(const struct stack_pool *pool) {
    size_t peak_bytes = 0;
    for (const struct slab *slab = pool->newest; slab; slab = slab->older)
        for (size_t i = 0; i < slab->slots_used; i++) {
            struct stack *stack = slab_stack(pool, slab, i);
            uintptr_t *end = (uintptr_t *)((char *)stack - peak_bytes);
            uintptr_t *word = first_resident(stack_begin(stack), end);
            VALGRIND_MAKE_MEM_DEFINED(word, (size_t)((char *)end - (char *)word));
            while (word < end && !*word)
                word++;
            if (word < end)
                peak_bytes = (size_t)((char *)stack - (char *)word);
        }
    return peak_bytes;
}
