/* Stacks of one size, taken by the tasks of one loop, each with room for the task's record at its
   upper end, so that what a small task touches lies together. A stack that is given back is taken
   again before any other: it is touched already, and a page fault costs more than all else about a
   task.
 */
#ifndef TVA_ASYNC_STACK_H
#define TVA_ASYNC_STACK_H

#include <stdbool.h>
#include <stddef.h>

struct stack_pool;

/* Begins the record above each stack. The fields are the module's. */
struct stack {
    struct stack_pool *pool;
    struct stack *next_free;
};

struct stack_pool_options {
    size_t bytes;
    size_t record_bytes;
    bool has_small_pages; /* huge pages are not asked for */
};

/* A pool of stacks of at least `bytes` with records of `record_bytes`. From 16 KiB each stack
   has a guard page below it, as long as the kernel's limit on maps (vm.max_map_count) leaves half
   of it to others; all others are checked when they are given back. The caller destroys *out.
   Returns 0 or -ENOMEM. */
int stack_pool_create(struct stack_pool **out, const struct stack_pool_options *options);

/* Unmaps all stacks, taken or not. */
void stack_pool_destroy(struct stack_pool *pool);

/* Returns the record of a stack, or NULL when memory is out. The record is zero at first; of one
   that was given back, all but the fields below is as it was. */
struct stack *stack_take(struct stack_pool *pool);
void stack_give(struct stack *stack);

/* The same for any thread but the one that takes from the pool. */
void stack_give_from_afar(struct stack *stack);

/* Calls function(stack) for each stack that was ever taken. */
void stack_pool_visit(const struct stack_pool *pool, void (*function)(struct stack *stack));

/* The lower end of the stack. Its upper end is the record. */
void *stack_begin(const struct stack *stack);
size_t stack_bytes(const struct stack *stack);

/* Whether the lowest bytes of a stack were never written. Always true with a guard page: there an
   overflow faults. */
bool stack_is_intact(const struct stack *stack);

/* The stack at the highest address that is not intact, or NULL: one that overflows breaks those
   below it. Touches no record, since those may be broken too. */
struct stack *stack_pool_find_broken(const struct stack_pool *pool);

/* Of all stacks of the pool. The most bytes used so far are counted down to the lowest word that is
   not zero; counting takes time for each stack and is for after the run. */
size_t stack_pool_stack_bytes(const struct stack_pool *pool);
size_t stack_pool_used_peak_bytes(const struct stack_pool *pool);

#endif
