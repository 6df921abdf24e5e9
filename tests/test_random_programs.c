/* Thousands of random programs, each made from a seed, run in every model and by a serial
   reference.

   A program is a tree of routines, each a short list of instructions, that spawn, await, cancel,
   time out, lock, pass values and offload, nested at random. It is made so that what it computes
   does not depend on scheduling: every model must give what the reference gives. In a chaotic
   program routines are cancelled wherever they are; there the result is open, but still nobody is
   in a lock with another, no permit is lost, only -ECANCELED is told, and all that began has ended.

   test_random_programs                 a number of programs, or as many as 20 seconds allow
   test_random_programs --count=N       the first N
   test_random_programs SEED [MODEL]    one, as printed by a failure */
#include "support.h"

#include "sync/completions.h"
#include "sync/flag.h"
#include "sync/future.h"
#include "sync/generator.h"
#include "sync/queue.h"
#include "sync/scope.h"
#include "sync/semaphore.h"

#include <signal.h>

#define ROUTINES_MAX 24
#define CODE_MAX 10
#define CHILDREN_MAX 10 /* not awaited yet, of one routine */
#define LOCKS 3
#define PERMITS 2

/* Wide programs have tasks that wait for one another otherwise than by awaiting: a pool must have a
   worker for each of them. */
#define WIDE_ROUTINES_MAX 10
#define WIDE_WORKERS 64

enum operation {
    ADD,
    YIELD,
    SLEEP,
    SPAWN,
    AWAIT,
    AWAIT_UNTIL,
    AWAIT_SHIELDED,
    GATHER,
    GATHER_UNTIL_ERROR,
    WAIT_FIRST,
    COMPLETE,
    CANCEL, /* a child, wherever it is: only in chaos */
    DETACH,
    SCOPE,
    LOCK,
    LOCK_TWO,
    LOCK_BRIEFLY,
    ACQUIRE,
    OFFLOAD,
    CANCEL_STUCK,
    CANCEL_SELF,
    GET_NOTHING,
    FIRST_WIDE,
    TIME_OUT_STUCK = FIRST_WIDE,
    PIPE,
    FUTURE,
    GENERATE,
    FAIL_SCOPE,
    CANCEL_ENDED,
    OPERATIONS,
};

struct instruction {
    enum operation operation;
    int a, b; /* small numbers, or the routine to spawn */
};

struct program {
    uint64_t random;
    bool is_wide, is_chaotic;
    int routines;
    struct routine {
        struct program *program;
        struct instruction code[CODE_MAX];
        int length;
        atomic_int runs;
    } routine[ROUTINES_MAX];

    /* What a run shares. */
    struct task_mutex *lock[LOCKS], *never; /* the last is held by main throughout */
    struct semaphore *semaphore;
    struct queue *nothing;
    struct flag *unset;
    bool is_inside[LOCKS];
    int counter[LOCKS];
    atomic_int passing;
    atomic_int begun, ended;
};

/* The calling routine: its value so far, and its children in the order of their spawning. */
struct activation {
    struct program *program;
    int value;
    int children;
    struct task *task[CHILDREN_MAX];
    int child[CHILDREN_MAX]; /* which routine it runs */
};

static uint64_t current_seed;

static void mix(int *value, int with) {
    *value = (int)(((unsigned)*value * 31 + (unsigned)with) & 0x3fffff);
}

/* Making programs. */

/* splitmix64 */
static uint64_t draw(struct program *program) {
    uint64_t z = program->random += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static int draw_below(struct program *program, int bound) {
    return (int)(draw(program) % (uint64_t)bound);
}

static bool is_awaiting(enum operation operation) {
    return operation >= AWAIT && operation <= AWAIT_SHIELDED;
}

static bool is_gathering(enum operation operation) {
    return operation == GATHER || operation == GATHER_UNTIL_ERROR || operation == COMPLETE;
}

static enum operation draw_operation(struct program *program, int children) {
    for (;;) {
        enum operation operation =
            (enum operation)draw_below(program, program->is_wide ? OPERATIONS : FIRST_WIDE);
        if (draw_below(program, 4) == 0)
            operation = SPAWN;
        bool takes_child = is_awaiting(operation) || is_gathering(operation) ||
                           operation == WAIT_FIRST || operation == CANCEL;
        if (takes_child && !children)
            continue;
        if (operation == CANCEL && !program->is_chaotic)
            continue;
        if (operation == GATHER_UNTIL_ERROR && program->is_chaotic)
            continue; /* what it leaves would outlive what it uses */
        return operation;
    }
}

static int make_routine(struct program *program, int depth);

/* Returns whether there was room for a further routine. */
static bool make_child(struct program *program, int depth, struct instruction *instruction) {
    int limit = program->is_wide ? WIDE_ROUTINES_MAX : ROUTINES_MAX;
    if (depth == 0 || program->routines == limit)
        return false;
    instruction->a = make_routine(program, depth - 1);
    return true;
}

static int make_routine(struct program *program, int depth) {
    int number = program->routines++, children = 0;
    struct routine *routine = &program->routine[number];
    int length = 2 + draw_below(program, CODE_MAX - 1);
    routine->program = program;
    for (int i = 0; i < length; i++) {
        struct instruction *instruction = &routine->code[i];
        *instruction = (struct instruction){.operation = draw_operation(program, children),
                                            .a = draw_below(program, 1000),
                                            .b = draw_below(program, 1000)};
        bool is_parent = instruction->operation == SPAWN || instruction->operation == SCOPE;
        if (is_parent && !make_child(program, depth, instruction))
            instruction->operation = ADD;
        children += instruction->operation == SPAWN;
        children -= is_awaiting(instruction->operation);
        if (is_gathering(instruction->operation))
            children = 0;
    }
    routine->length = length;
    return number;
}

static void make_program(struct program *program, uint64_t seed) {
    memset(program, 0, sizeof *program);
    program->random = seed;
    program->is_wide = draw_below(program, 2);
    program->is_chaotic = draw_below(program, 3) == 0;
    make_routine(program, 4);
}

/* The reference: one thing after the other. */

static int sum_pipe(const struct instruction *instruction) {
    int items = 1 + instruction->a % 20, sum = 0;
    for (int i = 0; i < 2 * items; i++)
        sum += i + instruction->b;
    return sum;
}

static int sum_generated(const struct instruction *instruction) {
    int sum = 0;
    for (int i = 0; i < instruction->a % 8; i++)
        sum += i * instruction->b;
    return sum;
}

static int refer_to(struct program *program, int number);

/* Awaits the first `count` children. */
static void refer_to_children(struct activation *self, int count, bool is_summed) {
    int sum = 0;
    for (int i = 0; i < count; i++) {
        int result = refer_to(self->program, self->child[i]);
        sum += result;
        if (!is_summed)
            mix(&self->value, result);
    }
    if (is_summed)
        mix(&self->value, sum & 0x3fffff);
    self->children -= count;
    memmove(self->child, self->child + count, (size_t)self->children * sizeof *self->child);
}

static void refer_to_instruction(struct activation *self, const struct instruction *instruction) {
    struct program *program = self->program;
    switch (instruction->operation) {
    case ADD:
        mix(&self->value, instruction->a);
        break;
    case SPAWN:
        self->child[self->children++] = instruction->a;
        break;
    case AWAIT:
    case AWAIT_UNTIL:
    case AWAIT_SHIELDED:
        refer_to_children(self, 1, false);
        break;
    case GATHER:
    case GATHER_UNTIL_ERROR:
        refer_to_children(self, self->children, false);
        break;
    case COMPLETE:
        refer_to_children(self, self->children, true);
        break;
    case SCOPE:
        refer_to(program, instruction->a);
        break;
    case LOCK:
        program->counter[instruction->a % LOCKS] += instruction->b;
        break;
    case LOCK_TWO:
        for (int i = 0; i < 2; i++)
            program->counter[instruction->a % 2 + i] += instruction->b;
        break;
    case OFFLOAD:
        mix(&self->value, instruction->a * instruction->a);
        break;
    case PIPE:
        mix(&self->value, sum_pipe(instruction));
        break;
    case FUTURE:
        mix(&self->value, instruction->a);
        break;
    case GENERATE:
        mix(&self->value, sum_generated(instruction));
        break;
    default:
        break;
    }
}

static int refer_to(struct program *program, int number) {
    struct activation self = {.program = program};
    const struct routine *routine = &program->routine[number];
    for (int i = 0; i < routine->length; i++)
        refer_to_instruction(&self, &routine->code[i]);
    refer_to_children(&self, self.children, false);
    return self.value;
}

/* The run. An instruction returns 0 or, in a chaotic program, -ECANCELED: then the routine ends
   what it has begun. */

static int allow(const struct program *program, int err) {
    if (err != -ECANCELED || !program->is_chaotic)
        EXPECT(err, 0);
    return err;
}

static int routine_main(void *arg);

static int spawn_child(struct activation *self, int number) {
    EXPECT(task_spawn(&self->task[self->children], "routine", routine_main,
                      &self->program->routine[number]),
           0);
    self->child[self->children++] = number;
    return 0;
}

static void forget_children(struct activation *self, int count) {
    self->children -= count;
    memmove(self->task, self->task + count, (size_t)self->children * sizeof *self->task);
}

static int take_result(struct activation *self, int result) {
    if (result >= 0)
        mix(&self->value, result);
    else
        allow(self->program, result);
    return 0;
}

static int await_child(struct activation *self, enum operation operation) {
    int result = 0, err;
    struct task *task = self->task[0];
    if (operation == AWAIT_SHIELDED)
        err = task_await_shielded(task, &result);
    else if (operation == AWAIT_UNTIL)
        err = task_await_until(task, task_deadline(LONG_NS), &result);
    else
        err = task_await(task, &result);
    if (operation != AWAIT_SHIELDED || !err)
        forget_children(self, 1);
    if (err)
        return allow(self->program, err);
    return take_result(self, result);
}

static int gather_children(struct activation *self, enum operation operation) {
    int results[CHILDREN_MAX], count = self->children;
    int err = operation == GATHER_UNTIL_ERROR
                  ? task_gather_until_error(self->task, (size_t)count, results)
                  : task_gather(self->task, (size_t)count, results);
    forget_children(self, count);
    if (err)
        return allow(self->program, err);
    for (int i = 0; i < count; i++)
        take_result(self, results[i]);
    return 0;
}

static void remove_child(struct activation *self, const struct task *task) {
    for (int i = 0; i < self->children; i++)
        if (self->task[i] == task)
            self->task[i--] = self->task[--self->children];
}

static int complete_children(struct activation *self) {
    struct completions *completions;
    struct task *task;
    int sum = 0, result, err;
    EXPECT(completions_create(&completions, self->task, (size_t)self->children), 0);
    while (!(err = completions_next(completions, TASK_NO_DEADLINE, &task))) {
        remove_child(self, task);
        err = task_await(task, &result);
        if (err)
            break;
        sum += result < 0 ? allow(self->program, result) : result;
    }
    completions_destroy(completions);
    if (err != -ENOENT)
        return allow(self->program, err);
    EXPECT(self->children, 0);
    mix(&self->value, sum & 0x3fffff);
    return 0;
}

static int wait_any_child(struct activation *self) {
    size_t index = CHILDREN_MAX;
    int err = task_wait_any(self->task, (size_t)self->children, TASK_NO_DEADLINE, &index);
    if (err)
        return allow(self->program, err);
    EXPECT(index < (size_t)self->children, true);
    EXPECT(task_is_done(self->task[index]), true);
    return 0;
}

/* In the lock: reads, gives way, and writes. */
static int count_inside(struct program *program, int lock, int add) {
    EXPECT(program->is_inside[lock], false);
    program->is_inside[lock] = true;
    int counter = program->counter[lock];
    int err = task_yield();
    program->counter[lock] = counter + add;
    program->is_inside[lock] = false;
    return allow(program, err);
}

static int lock_and_count(struct program *program, int lock, int add) {
    int err = task_mutex_lock(program->lock[lock], TASK_NO_DEADLINE);
    if (err)
        return allow(program, err);
    err = count_inside(program, lock, add);
    EXPECT(task_mutex_unlock(program->lock[lock]), 0);
    return err;
}

/* Always in the order of the locks, so that nobody waits in a ring. */
static int lock_two(struct program *program, const struct instruction *instruction) {
    int first = instruction->a % 2;
    int err = task_mutex_lock(program->lock[first], TASK_NO_DEADLINE);
    if (err)
        return allow(program, err);
    err = lock_and_count(program, first + 1, instruction->b);
    if (!err)
        err = count_inside(program, first, instruction->b);
    EXPECT(task_mutex_unlock(program->lock[first]), 0);
    return err;
}

static int lock_briefly(struct program *program, const struct instruction *instruction) {
    int lock = instruction->a % LOCKS;
    int err = task_mutex_lock(program->lock[lock], task_deadline(instruction->b * NS_PER_US / 10));
    if (err == -ETIMEDOUT)
        return 0;
    if (err)
        return allow(program, err);
    err = count_inside(program, lock, 0);
    EXPECT(task_mutex_unlock(program->lock[lock]), 0);
    return err;
}

static int acquire(struct program *program) {
    int err = semaphore_acquire(program->semaphore, TASK_NO_DEADLINE);
    if (err)
        return allow(program, err);
    EXPECT(atomic_fetch_add(&program->passing, 1) < PERMITS, true);
    err = task_yield();
    atomic_fetch_sub(&program->passing, 1);
    semaphore_release(program->semaphore);
    return allow(program, err);
}

static int square(void *arg) {
    int number = *(int *)arg;
    return number * number;
}

static int offload_square(struct activation *self, int number) {
    int result = -1;
    int err = task_offload(square, &number, &result);
    if (err)
        return allow(self->program, err);
    mix(&self->value, result);
    return 0;
}

/* What never ends of itself, in one of several ways. */
struct stuck {
    struct program *program;
    int way;
};

static int stick(void *arg);

static int gather_stuck(struct program *program) {
    struct stuck stuck[2] = {{program, 0}, {program, 2}};
    struct task *tasks[2];
    for (int i = 0; i < 2; i++)
        EXPECT(task_spawn(&tasks[i], "stuck", stick, &stuck[i]), 0);
    return task_gather(tasks, 2, NULL);
}

static int wait_for_ever(const struct stuck *stuck) {
    struct program *program = stuck->program;
    void *item;
    switch (stuck->way % 6) {
    case 0:
        return task_sleep(LONG_NS);
    case 1:
        return task_mutex_lock(program->never, TASK_NO_DEADLINE);
    case 2:
        return queue_get(program->nothing, TASK_NO_DEADLINE, &item);
    case 3:
        return flag_await(program->unset, task_deadline(LONG_NS));
    case 4:
        while (!task_yield())
            continue;
        return -ECANCELED;
    default:
        return gather_stuck(program);
    }
}

static int stick(void *arg) {
    const struct stuck *stuck = arg;
    struct program *program = stuck->program;
    atomic_fetch_add(&program->begun, 1);
    int err = wait_for_ever(stuck);
    EXPECT(err, -ECANCELED);
    atomic_fetch_add(&program->ended, 1);
    return err;
}

static int cancel_stuck(struct program *program, const struct instruction *instruction) {
    struct stuck stuck = {program, instruction->a};
    struct task *task;
    int result = 0;
    EXPECT(task_spawn(&task, "stuck", stick, &stuck), 0);
    int err = instruction->b % 3 ? task_sleep(instruction->b % 3 * 20 * NS_PER_US) : 0;
    EXPECT(task_cancel(task), true);
    int await_err = task_await(task, &result);
    if (!await_err)
        EXPECT(result, -ECANCELED);
    return allow(program, err ? err : await_err);
}

static int time_out_stuck(struct program *program, const struct instruction *instruction) {
    struct stuck stuck = {program, instruction->a};
    struct task *task;
    EXPECT(task_spawn(&task, "stuck", stick, &stuck), 0);
    int err = task_await_until(task, task_deadline(instruction->b * NS_PER_US), NULL);
    return err == -ETIMEDOUT ? 0 : allow(program, err ? err : -EPROTO);
}

/* Another may have cancelled it, too: the two are told as one, or one after the other. */
static int cancel_self(struct program *program) {
    EXPECT(task_cancel(task_self()), true);
    EXPECT(task_yield(), -ECANCELED);
    return allow(program, task_yield());
}

static int get_nothing(struct program *program) {
    void *item;
    int err = queue_get(program->nothing, task_deadline(10 * NS_PER_US), &item);
    return err == -ETIMEDOUT ? 0 : allow(program, err ? err : -EPROTO);
}

static int linger(void *arg) {
    struct program *program = arg;
    atomic_fetch_add(&program->begun, 1);
    for (int i = 0; i < 3 && !task_yield(); i++)
        continue;
    atomic_fetch_add(&program->ended, 1);
    return 0;
}

static int detach_child(struct program *program) {
    struct task *task;
    EXPECT(task_spawn(&task, "detached", linger, program), 0);
    task_detach(task);
    return 0;
}

static int run_scope(struct program *program, int number) {
    struct scope *scope;
    EXPECT(scope_create(&scope), 0);
    EXPECT(scope_spawn(scope, "member", routine_main, &program->routine[number]), 0);
    EXPECT(scope_spawn(scope, "detached", linger, program), 0);
    int err = scope_await(scope);
    scope_destroy(scope);
    return err > 0 ? 0 : allow(program, err);
}

static int end_badly(void *arg) {
    (void)arg;
    int err = task_yield();
    return err ? err : -EIO;
}

static int fail_scope(struct program *program, const struct instruction *instruction) {
    struct stuck stuck = {program, instruction->a};
    struct scope *scope;
    EXPECT(scope_create(&scope), 0);
    EXPECT(scope_spawn(scope, "stuck", stick, &stuck), 0);
    EXPECT(scope_spawn(scope, "failing", end_badly, NULL), 0);
    int err = scope_await(scope);
    scope_destroy(scope);
    return err == -EIO ? 0 : allow(program, err ? err : -EPROTO);
}

/* Two producers and two consumers of as many items. */
struct pipe_end {
    struct program *program;
    struct queue *queue;
    int items;
    atomic_int *sum;
    int first; /* of what a producer puts; a consumer has none: -1 */
};

static int pass_items(void *arg) {
    struct pipe_end *end = arg;
    void *item;
    int err = 0;
    for (int i = 0; i < end->items && !err; i++) {
        if (end->first < 0) {
            err = queue_get(end->queue, TASK_NO_DEADLINE, &item);
            if (!err)
                atomic_fetch_add(end->sum, (int)(intptr_t)item);
        } else {
            item = (void *)(intptr_t)(end->first + i);
            err = queue_put(end->queue, item, TASK_NO_DEADLINE);
        }
    }
    return allow(end->program, err);
}

static int run_pipe(struct activation *self, const struct instruction *instruction) {
    struct pipe_end ends[4];
    struct task *tasks[4];
    struct queue *queue;
    atomic_int sum = 0;
    int items = 1 + instruction->a % 20;
    EXPECT(queue_create(&queue, (size_t)(1 + instruction->b % 3)), 0);
    for (int i = 0; i < 4; i++) {
        int first = i < 2 ? i * items + instruction->b : -1;
        ends[i] = (struct pipe_end){self->program, queue, items, &sum, first};
        EXPECT(task_spawn(&tasks[i], "pipe end", pass_items, &ends[i]), 0);
    }
    int err = task_gather(tasks, 4, NULL);
    queue_destroy(queue);
    if (!err)
        mix(&self->value, sum);
    return allow(self->program, err);
}

static int set_future(void *arg) {
    static int value;
    int err = task_yield();
    future_set(arg, &value);
    return err;
}

static int await_future(struct activation *self, int value) {
    struct future *future;
    struct task *task;
    void *stored = NULL;
    EXPECT(future_create(&future), 0);
    EXPECT(task_spawn(&task, "setter", set_future, future), 0);
    int err = future_await(future, TASK_NO_DEADLINE, &stored);
    int await_err = task_await(task, NULL);
    future_destroy(future);
    if (!err) {
        EXPECT(stored != NULL, true);
        mix(&self->value, value);
    }
    return allow(self->program, err ? err : await_err);
}

static int generate(struct generator *generator, void *arg) {
    const struct instruction *instruction = arg;
    int err = 0;
    for (int i = 0; !err; i++)
        err = generator_yield(generator, (void *)(intptr_t)(i * instruction->b));
    return err;
}

static int sum_generator(struct activation *self, const struct instruction *instruction) {
    struct generator *generator;
    void *value;
    int sum = 0, given = 1;
    EXPECT(generator_create(&generator, "generator", generate, (void *)instruction), 0);
    for (int i = 0; i < instruction->a % 8 && given == 1; i++) {
        given = generator_next(generator, &value);
        if (given == 1)
            sum += (int)(intptr_t)value;
    }
    EXPECT(generator_close(generator), 0);
    if (given != 1)
        return allow(self->program, given);
    mix(&self->value, sum);
    return 0;
}

static int cancel_ended(struct program *program) {
    struct task *task;
    EXPECT(task_spawn(&task, "ending", linger, program), 0);
    YIELD_UNTIL(task_is_done(task));
    EXPECT(task_cancel(task), false);
    return allow(program, task_await(task, NULL));
}

static int run_instruction(struct activation *self, const struct instruction *instruction) {
    struct program *program = self->program;
    switch (instruction->operation) {
    case ADD:
        mix(&self->value, instruction->a);
        return 0;
    case YIELD:
        return allow(program, task_yield());
    case SLEEP:
        return allow(program, task_sleep(instruction->a % 100 * NS_PER_US));
    case SPAWN:
        return spawn_child(self, instruction->a);
    case AWAIT:
    case AWAIT_UNTIL:
    case AWAIT_SHIELDED:
        return await_child(self, instruction->operation);
    case GATHER:
    case GATHER_UNTIL_ERROR:
        return gather_children(self, instruction->operation);
    case WAIT_FIRST:
        return wait_any_child(self);
    case COMPLETE:
        return complete_children(self);
    case CANCEL:
        task_cancel(self->task[instruction->a % self->children]);
        return 0;
    case DETACH:
        return detach_child(program);
    case SCOPE:
        return run_scope(program, instruction->a);
    case LOCK:
        return lock_and_count(program, instruction->a % LOCKS, instruction->b);
    case LOCK_TWO:
        return lock_two(program, instruction);
    case LOCK_BRIEFLY:
        return lock_briefly(program, instruction);
    case ACQUIRE:
        return acquire(program);
    case OFFLOAD:
        return offload_square(self, instruction->a);
    case CANCEL_STUCK:
        return cancel_stuck(program, instruction);
    case CANCEL_SELF:
        return cancel_self(program);
    case GET_NOTHING:
        return get_nothing(program);
    case TIME_OUT_STUCK:
        return time_out_stuck(program, instruction);
    case PIPE:
        return run_pipe(self, instruction);
    case FUTURE:
        return await_future(self, instruction->a);
    case GENERATE:
        return sum_generator(self, instruction);
    case FAIL_SCOPE:
        return fail_scope(program, instruction);
    case CANCEL_ENDED:
        return cancel_ended(program);
    case OPERATIONS:
        break;
    }
    return -EPROTO;
}

/* What a cancelled routine has spawned ends with it. */
static void end_children(struct activation *self) {
    for (int i = 0; i < self->children; i++)
        task_cancel(self->task[i]);
    for (int i = 0; i < self->children; i++)
        allow(self->program, task_await(self->task[i], NULL));
}

static int routine_main(void *arg) {
    struct routine *routine = arg;
    struct activation self = {.program = routine->program};
    int err = 0;
    EXPECT(atomic_fetch_add(&routine->runs, 1), 0);
    atomic_fetch_add(&self.program->begun, 1);
    for (int i = 0; i < routine->length && !err; i++)
        err = run_instruction(&self, &routine->code[i]);
    if (!err)
        err = gather_children(&self, GATHER);
    end_children(&self);
    atomic_fetch_add(&self.program->ended, 1);
    return err ? err : self.value;
}

static void create_shared(struct program *program) {
    for (int i = 0; i < LOCKS; i++)
        EXPECT(task_mutex_create(&program->lock[i]), 0);
    EXPECT(task_mutex_create(&program->never), 0);
    EXPECT(task_mutex_lock(program->never, TASK_NO_DEADLINE), 0);
    EXPECT(semaphore_create(&program->semaphore, PERMITS), 0);
    EXPECT(queue_create(&program->nothing, 1), 0);
    EXPECT(flag_create(&program->unset), 0);
}

/* No lock is held and no permit is lost. */
static void destroy_shared(struct program *program) {
    EXPECT(task_mutex_unlock(program->never), 0);
    for (int i = 0; i < PERMITS; i++)
        EXPECT(semaphore_acquire(program->semaphore, task_deadline(0)), 0);
    for (int i = 0; i < LOCKS; i++) {
        EXPECT(task_mutex_lock(program->lock[i], task_deadline(0)), 0);
        EXPECT(task_mutex_unlock(program->lock[i]), 0);
        task_mutex_destroy(program->lock[i]);
    }
    task_mutex_destroy(program->never);
    semaphore_destroy(program->semaphore);
    queue_destroy(program->nothing);
    flag_destroy(program->unset);
}

static int program_main(void *arg) {
    struct program *program = arg;
    create_shared(program);
    int value = routine_main(&program->routine[0]);
    destroy_shared(program);
    return value;
}

/* Each normal routine has run exactly once. */
static void compare(struct program *program, int value) {
    static struct program reference;
    EXPECT(atomic_load(&program->begun), atomic_load(&program->ended));
    if (program->is_chaotic)
        return;
    make_program(&reference, current_seed);
    EXPECT(value, refer_to(&reference, 0));
    for (int i = 0; i < LOCKS; i++)
        EXPECT(program->counter[i], reference.counter[i]);
    for (int i = 0; i < program->routines; i++)
        EXPECT(atomic_load(&program->routine[i].runs), 1);
}

static void run_program(uint64_t seed, const struct model *model) {
    static struct program program;
    current_seed = seed;
    alarm(60);
    make_program(&program, seed);
    int64_t workers = program.is_wide ? WIDE_WORKERS : 1 + (int64_t)(seed % 3);
    int value = run_in(model, workers, program_main, &program);
    running = model;
    compare(&program, value);
    running = NULL;
}

/* On the abort of a failed check, or when a program takes a minute. */
static void tell_seed(int number) {
    report_line("%s: replay: test_random_programs %llu %s",
                number == SIGALRM ? "a program does not end" : "a program failed",
                (unsigned long long)current_seed, running ? running->name : "");
    signal(SIGABRT, SIG_DFL);
    abort();
}

static uint64_t first_seed, seeds;
static int64_t limit_ns;
static const char *only_model;

static void random_programs_give_the_same_in_every_model(void **state) {
    (void)state;
    int64_t begin_ns = clock_now_ns();
    uint64_t done = 0;
    for (; done < seeds && clock_now_ns() - begin_ns < limit_ns; done++)
        for (size_t i = 0; i < MODELS; i++)
            if (!only_model || strcmp(models[i]->name, only_model) == 0)
                run_program(first_seed + done, models[i]);
    alarm(0);
    print_message("           %llu programs from seed %llu\n", (unsigned long long)done,
                  (unsigned long long)first_seed);
}

static void read_arguments(int argc, char **argv) {
    first_seed = 1;
    seeds = 3000;
    limit_ns = 15 * NS_PER_S;
    if (argc < 2)
        return;
    limit_ns = INT64_MAX;
    if (strncmp(argv[1], "--count=", 8) == 0) {
        seeds = strtoull(argv[1] + 8, NULL, 10);
        return;
    }
    first_seed = strtoull(argv[1], NULL, 10);
    seeds = 1;
    only_model = argc > 2 ? argv[2] : NULL;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_give_the_same_in_every_model),
    };
    struct sigaction action = {.sa_handler = tell_seed, .sa_flags = SA_ONSTACK};
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    read_arguments(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
