/* What tasks share: mutex, condition, and all of common/sync/, each in every model. */
#include "support.h"

#include "sync/completions.h"
#include "sync/flag.h"
#include "sync/future.h"
#include "sync/generator.h"
#include "sync/queue.h"
#include "sync/scope.h"
#include "sync/semaphore.h"
#include "sync/signal_watch.h"

#include <pthread.h>
#include <signal.h>

#define USERS 6
#define TURNS 300

static int64_t soon(void) {
    return task_deadline(3 * NS_PER_MS);
}

/* Not atomic: the mutex alone keeps the two steps together. */
struct shared {
    struct task_mutex *mutex;
    struct task_condition *condition;
    struct semaphore *semaphore;
    int count;
    bool is_inside;
    atomic_int inside, inside_max;
};

static int add_in_two_steps(void *arg) {
    struct shared *shared = arg;
    for (int i = 0; i < TURNS; i++) {
        EXPECT(task_mutex_lock(shared->mutex, TASK_NO_DEADLINE), 0);
        EXPECT(shared->is_inside, false);
        shared->is_inside = true;
        int count = shared->count;
        task_yield();
        shared->count = count + 1;
        shared->is_inside = false;
        EXPECT(task_mutex_unlock(shared->mutex), 0);
    }
    return 0;
}

static int gather_users(task_function *function, void *arg) {
    struct task *users[USERS];
    for (int i = 0; i < USERS; i++)
        EXPECT(task_spawn(&users[i], "user", function, arg), 0);
    return task_gather(users, USERS, NULL);
}

static int share_a_mutex(void *arg) {
    (void)arg;
    struct shared shared = {0};
    EXPECT(task_mutex_create(&shared.mutex), 0);
    EXPECT(gather_users(add_in_two_steps, &shared), 0);
    EXPECT(shared.count, USERS * TURNS);
    task_mutex_destroy(shared.mutex);
    return 0;
}

static void one_task_at_a_time_holds_a_mutex(void **state) {
    (void)state;
    in_every_model(share_a_mutex, NULL);
    assert_int_equal(run_in(&model_pool, 2, share_a_mutex, NULL), 0);
}

static int lock_soon(void *arg) {
    int64_t begin_ns = clock_now_ns();
    int err = task_mutex_lock(arg, task_deadline(3 * NS_PER_MS));
    EXPECT(clock_now_ns() - begin_ns >= 3 * NS_PER_MS, true);
    return err;
}

static int lock_and_unlock(void *arg) {
    int err = task_mutex_lock(arg, TASK_NO_DEADLINE);
    if (!err)
        err = task_mutex_unlock(arg);
    return err;
}

static int lock_late(void *arg) {
    (void)arg;
    struct task_mutex *mutex;
    struct task *task;
    int result = 0;
    EXPECT(task_mutex_create(&mutex), 0);
    EXPECT(task_mutex_lock(mutex, TASK_NO_DEADLINE), 0);
    EXPECT(task_spawn(&task, "late", lock_soon, mutex), 0);
    EXPECT(task_await(task, &result), 0);
    EXPECT(result, -ETIMEDOUT);
    EXPECT(task_mutex_unlock(mutex), 0);
    EXPECT(task_spawn(&task, "in time", lock_and_unlock, mutex), 0);
    EXPECT(task_await(task, &result), 0);
    EXPECT(result, 0);
    task_mutex_destroy(mutex);
    return 0;
}

static void a_mutex_that_is_held_times_out(void **state) {
    (void)state;
    in_every_model(lock_late, NULL);
}

/* A cancellation is told by the next wait, not by the lock that must be had. */
static int lock_finally(void *arg) {
    struct shared *shared = arg;
    atomic_fetch_add(&shared->inside, 1);
    task_mutex_lock_finally(shared->mutex);
    shared->count++;
    EXPECT(task_mutex_unlock(shared->mutex), 0);
    return task_yield();
}

static int cancel_a_final_lock(void *arg) {
    (void)arg;
    struct shared shared = {0};
    struct task *task;
    int result = 0;
    EXPECT(task_mutex_create(&shared.mutex), 0);
    EXPECT(task_mutex_lock(shared.mutex, TASK_NO_DEADLINE), 0);
    EXPECT(task_spawn(&task, "final", lock_finally, &shared), 0);
    YIELD_UNTIL(atomic_load(&shared.inside));
    task_sleep(NS_PER_MS);
    EXPECT(task_cancel(task), true);
    task_sleep(NS_PER_MS);
    EXPECT(task_is_done(task), false);
    EXPECT(task_mutex_unlock(shared.mutex), 0);
    EXPECT(task_await(task, &result), 0);
    EXPECT(result, -ECANCELED);
    EXPECT(shared.count, 1);
    task_mutex_destroy(shared.mutex);
    return 0;
}

static void a_final_lock_is_had_whatever_happens(void **state) {
    (void)state;
    in_every_model(cancel_a_final_lock, NULL);
}

static int await_turn(void *arg) {
    struct shared *shared = arg;
    int err = 0;
    EXPECT(task_mutex_lock(shared->mutex, TASK_NO_DEADLINE), 0);
    atomic_fetch_add(&shared->inside, 1);
    while (!shared->count && !err)
        err = task_condition_wait(shared->condition, shared->mutex, TASK_NO_DEADLINE);
    if (!err)
        shared->count--;
    atomic_fetch_sub(&shared->inside, 1);
    EXPECT(task_mutex_unlock(shared->mutex), 0);
    return err;
}

static int notify_in_portions(void *arg) {
    (void)arg;
    struct shared shared = {0};
    struct task *users[USERS];
    EXPECT(task_mutex_create(&shared.mutex), 0);
    EXPECT(task_condition_create(&shared.condition), 0);
    for (int i = 0; i < USERS; i++)
        EXPECT(task_spawn(&users[i], "user", await_turn, &shared), 0);
    YIELD_UNTIL(atomic_load(&shared.inside) == USERS);
    for (int left = USERS; left > 0; left -= 2) {
        EXPECT(task_mutex_lock(shared.mutex, TASK_NO_DEADLINE), 0);
        shared.count += 2;
        task_condition_notify(shared.condition, 2);
        EXPECT(task_mutex_unlock(shared.mutex), 0);
        YIELD_UNTIL(atomic_load(&shared.inside) == left - 2);
    }
    EXPECT(task_gather(users, USERS, NULL), 0);
    EXPECT(shared.count, 0);
    task_condition_destroy(shared.condition);
    task_mutex_destroy(shared.mutex);
    return 0;
}

static void a_condition_wakes_as_many_as_are_notified(void **state) {
    (void)state;
    in_every_model(notify_in_portions, NULL);
}

static int wait_unnotified(void *arg) {
    (void)arg;
    struct task_mutex *mutex;
    struct task_condition *condition;
    EXPECT(task_mutex_create(&mutex), 0);
    EXPECT(task_condition_create(&condition), 0);
    EXPECT(task_mutex_lock(mutex, TASK_NO_DEADLINE), 0);
    EXPECT(task_condition_wait(condition, mutex, soon()), -ETIMEDOUT);
    EXPECT(task_mutex_unlock(mutex), 0); /* held again */
    task_condition_destroy(condition);
    task_mutex_destroy(mutex);
    return 0;
}

static void a_condition_that_is_not_notified_times_out(void **state) {
    (void)state;
    in_every_model(wait_unnotified, NULL);
}

static int pass_semaphore(void *arg) {
    struct shared *shared = arg;
    for (int i = 0; i < 50; i++) {
        EXPECT(semaphore_acquire(shared->semaphore, TASK_NO_DEADLINE), 0);
        int inside = atomic_fetch_add(&shared->inside, 1) + 1;
        int max = atomic_load(&shared->inside_max);
        while (inside > max && !atomic_compare_exchange_weak(&shared->inside_max, &max, inside))
            continue;
        task_yield();
        atomic_fetch_sub(&shared->inside, 1);
        semaphore_release(shared->semaphore);
    }
    return 0;
}

static int share_a_semaphore(void *arg) {
    (void)arg;
    struct shared shared = {0};
    EXPECT(semaphore_create(&shared.semaphore, 2), 0);
    EXPECT(gather_users(pass_semaphore, &shared), 0);
    EXPECT(shared.inside_max <= 2, true);
    EXPECT(shared.inside_max >= 1, true);
    EXPECT(semaphore_acquire(shared.semaphore, soon()), 0);
    EXPECT(semaphore_acquire(shared.semaphore, soon()), 0);
    EXPECT(semaphore_acquire(shared.semaphore, soon()), -ETIMEDOUT);
    semaphore_destroy(shared.semaphore);
    return 0;
}

static void never_more_pass_a_semaphore_than_it_has_permits(void **state) {
    (void)state;
    in_every_model(share_a_semaphore, NULL);
}

static int await_flag(void *arg) {
    return flag_await(arg, TASK_NO_DEADLINE);
}

static int set_a_flag(void *arg) {
    (void)arg;
    struct flag *flag;
    struct task *users[USERS];
    EXPECT(flag_create(&flag), 0);
    EXPECT(flag_is_set(flag), false);
    EXPECT(flag_await(flag, soon()), -ETIMEDOUT);
    for (int i = 0; i < USERS; i++)
        EXPECT(task_spawn(&users[i], "user", await_flag, flag), 0);
    task_sleep(NS_PER_MS);
    flag_set(flag);
    EXPECT(task_gather(users, USERS, NULL), 0);
    EXPECT(flag_is_set(flag), true);
    EXPECT(flag_await(flag, TASK_NO_DEADLINE), 0);
    flag_clear(flag);
    EXPECT(flag_await(flag, soon()), -ETIMEDOUT);
    flag_destroy(flag);
    return 0;
}

static void a_flag_lets_all_through_while_it_is_set(void **state) {
    (void)state;
    in_every_model(set_a_flag, NULL);
}

static int await_future(void *arg) {
    void *value = NULL;
    int err = future_await(arg, TASK_NO_DEADLINE, &value);
    return err ? err : *(int *)value;
}

static int settle_by(struct future *future, int value) {
    static int number;
    number = value;
    return value < 0 ? future_fail(future, value) : future_set(future, &number);
}

static int settle_a_future(void *arg) {
    int value = *(int *)arg;
    struct future *future;
    struct task *users[USERS];
    int results[USERS];
    void *stored = NULL;
    EXPECT(future_create(&future), 0);
    EXPECT(future_is_done(future), false);
    EXPECT(future_await(future, soon(), &stored), -ETIMEDOUT);
    for (int i = 0; i < USERS; i++)
        EXPECT(task_spawn(&users[i], "user", await_future, future), 0);
    EXPECT(settle_by(future, value), 0);
    EXPECT(future_set(future, NULL), -EALREADY);
    EXPECT(future_fail(future, -EIO), -EALREADY);
    EXPECT(task_gather(users, USERS, results), value < 0 ? value : 0);
    for (int i = 0; i < USERS; i++)
        EXPECT(results[i], value);
    EXPECT(future_is_done(future), true);
    EXPECT(future_await(future, TASK_NO_DEADLINE, &stored), value < 0 ? value : 0);
    future_destroy(future);
    return 0;
}

static void a_future_is_settled_once_for_all_that_await_it(void **state) {
    (void)state;
    in_every_model(settle_a_future, &(int){42});
    in_every_model(settle_a_future, &(int){-EPROTO});
}

#define ITEMS 1000

struct line {
    struct queue *queue;
    atomic_int items[ITEMS]; /* how often each has been taken */
    atomic_int put, done;
};

static int put_items(void *arg) {
    struct line *line = arg;
    for (int i = 0; i < ITEMS; i++) {
        EXPECT(queue_put(line->queue, &line->items[i], TASK_NO_DEADLINE), 0);
        atomic_fetch_add(&line->put, 1);
    }
    return 0;
}

/* One producer and one consumer: the order is that of the items, and the bound is kept. */
static int pass_items_in_order(void *arg) {
    (void)arg;
    static struct line line;
    struct task *producer;
    void *item;
    line = (struct line){0};
    EXPECT(queue_create(&line.queue, 3), 0);
    EXPECT(task_spawn(&producer, "producer", put_items, &line), 0);
    for (int i = 0; i < ITEMS; i++) {
        EXPECT(queue_get(line.queue, TASK_NO_DEADLINE, &item), 0);
        EXPECT((atomic_int *)item - line.items, i);
        EXPECT(atomic_load(&line.put) <= i + 1 + 3, true);
        EXPECT(queue_task_done(line.queue), 0);
    }
    EXPECT(task_await(producer, NULL), 0);
    EXPECT(queue_task_done(line.queue), -EINVAL);
    EXPECT(queue_join(line.queue, TASK_NO_DEADLINE), 0);
    EXPECT(queue_get(line.queue, soon(), &item), -ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        EXPECT(queue_put(line.queue, NULL, soon()), 0);
    EXPECT(queue_put(line.queue, NULL, soon()), -ETIMEDOUT);
    EXPECT(queue_join(line.queue, soon()), -ETIMEDOUT);
    queue_destroy(line.queue);
    return 0;
}

static void a_queue_keeps_its_order_and_its_bound(void **state) {
    (void)state;
    in_every_model(pass_items_in_order, NULL);
    assert_int_equal(run_in(&model_pool, 2, pass_items_in_order, NULL), 0);
}

static int consume(void *arg) {
    struct line *line = arg;
    void *item;
    int err;
    while (!(err = queue_get(line->queue, TASK_NO_DEADLINE, &item))) {
        if (atomic_fetch_add((atomic_int *)item, 1) == 1)
            task_yield();
        atomic_fetch_add(&line->done, 1);
        EXPECT(queue_task_done(line->queue), 0);
    }
    return err;
}

/* asyncio's own example: join the queue, then cancel those that wait for more. */
static int join_a_queue(void *arg) {
    (void)arg;
    static struct line line;
    struct task *producers[2], *consumers[3];
    int results[3];
    line = (struct line){0};
    EXPECT(queue_create(&line.queue, 4), 0);
    for (int i = 0; i < 3; i++)
        EXPECT(task_spawn(&consumers[i], "consumer", consume, &line), 0);
    for (int i = 0; i < 2; i++)
        EXPECT(task_spawn(&producers[i], "producer", put_items, &line), 0);
    EXPECT(task_gather(producers, 2, NULL), 0);
    EXPECT(queue_join(line.queue, TASK_NO_DEADLINE), 0);
    EXPECT(line.done, 2 * ITEMS);
    for (int i = 0; i < ITEMS; i++)
        EXPECT(line.items[i], 2);
    for (int i = 0; i < 3; i++)
        EXPECT(task_cancel(consumers[i]), true);
    EXPECT(task_gather(consumers, 3, results), -ECANCELED);
    for (int i = 0; i < 3; i++)
        EXPECT(results[i], -ECANCELED);
    queue_destroy(line.queue);
    return 0;
}

static void a_queue_is_joined_when_all_items_are_done_with(void **state) {
    (void)state;
    in_every_model(join_a_queue, NULL);
}

/* Sleeps longer by its number, and returns that. */
static int sleep_number(void *arg) {
    int number = *(int *)arg;
    int err = task_sleep(number * 4 * NS_PER_MS);
    return err ? err : number;
}

static int numbers[] = {3, 1, 4, 0, 2};
#define NUMBERS 5

/* Each is freed as soon as it has come out. */
static int complete_all(void *arg) {
    (void)arg;
    struct task *tasks[NUMBERS], *task;
    struct completions *completions;
    int sum = 0;
    for (int i = 0; i < NUMBERS; i++)
        EXPECT(task_spawn(&tasks[i], "number", sleep_number, &numbers[i]), 0);
    EXPECT(completions_create(&completions, tasks, NUMBERS), 0);
    for (int i = 0; i < NUMBERS; i++) {
        int number;
        EXPECT(completions_next(completions, TASK_NO_DEADLINE, &task), 0);
        EXPECT(task_is_done(task), true);
        EXPECT(task_await(task, &number), 0);
        sum += number;
    }
    EXPECT(sum, 10);
    EXPECT(completions_next(completions, TASK_NO_DEADLINE, &task), -ENOENT);
    completions_destroy(completions);
    return 0;
}

static void completions_give_each_task_once(void **state) {
    (void)state;
    in_every_model(complete_all, NULL);
    for (int64_t workers = 1; workers <= 4; workers++)
        assert_int_equal(run_in(&model_pool, workers, complete_all, NULL), 0);
}

struct gate {
    struct flag *flag;
    int number;
};

static int pass_gate(void *arg) {
    struct gate *gate = arg;
    EXPECT(flag_await(gate->flag, TASK_NO_DEADLINE), 0);
    return gate->number;
}

/* The gates are opened in an order of ours, one after the other. */
static int complete_in_order(void *arg) {
    (void)arg;
    struct task *tasks[NUMBERS], *task;
    struct gate gates[NUMBERS];
    struct completions *completions;
    int result;
    for (int i = 0; i < NUMBERS; i++) {
        gates[i].number = i;
        EXPECT(flag_create(&gates[i].flag), 0);
        EXPECT(task_spawn(&tasks[i], "gate", pass_gate, &gates[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        flag_set(gates[numbers[i]].flag);
        YIELD_UNTIL(task_is_done(tasks[numbers[i]]));
    }
    EXPECT(completions_create(&completions, tasks, NUMBERS), 0);
    for (int i = 2; i < NUMBERS; i++)
        flag_set(gates[numbers[i]].flag);
    for (int i = 0; i < NUMBERS; i++) {
        EXPECT(completions_next(completions, TASK_NO_DEADLINE, &task), 0);
        EXPECT(task_await(task, &result), 0);
        EXPECT(i >= 2 || result == 1 || result == 3, true);
        EXPECT(i < 2 || (result != 1 && result != 3), true);
    }
    completions_destroy(completions);
    for (int i = 0; i < NUMBERS; i++)
        flag_destroy(gates[i].flag);
    return 0;
}

static void what_ended_first_comes_out_first(void **state) {
    (void)state;
    in_every_model(complete_in_order, NULL);
}

static int sleep_to_end(void *arg) {
    (void)arg;
    return task_sleep(LONG_NS);
}

/* With a timeout, and destroyed with tasks that have not come out, which are awaited otherwise. */
static int leave_early(void *arg) {
    (void)arg;
    struct task *tasks[3], *task;
    struct completions *completions;
    struct gate gate = {.number = 7};
    int results[2];
    EXPECT(flag_create(&gate.flag), 0);
    EXPECT(task_spawn(&tasks[0], "sleeper", sleep_to_end, NULL), 0);
    EXPECT(task_spawn(&tasks[1], "gate", pass_gate, &gate), 0);
    EXPECT(task_spawn(&tasks[2], "sleeper", sleep_to_end, NULL), 0);
    task_sleep(NS_PER_MS);
    EXPECT(completions_create(&completions, tasks, 3), 0);
    EXPECT(completions_next(completions, soon(), &task), -ETIMEDOUT);
    flag_set(gate.flag);
    EXPECT(completions_next(completions, TASK_NO_DEADLINE, &task), 0);
    EXPECT(task == tasks[1], true);
    EXPECT(task_await(task, &results[0]), 0);
    completions_destroy(completions);
    EXPECT(task_cancel(tasks[0]), true);
    EXPECT(task_cancel(tasks[2]), true);
    EXPECT(task_gather((struct task *[]){tasks[0], tasks[2]}, 2, results), -ECANCELED);
    flag_destroy(gate.flag);
    return 0;
}

static void completions_may_be_left_early(void **state) {
    (void)state;
    in_every_model(leave_early, NULL);
}

static atomic_int scope_alive;

static int live_in_scope(void *arg) {
    int64_t duration_ns = *(int64_t *)arg;
    atomic_fetch_add(&scope_alive, 1);
    int err = task_sleep(duration_ns < 0 ? NS_PER_MS : duration_ns);
    task_sleep(NS_PER_MS);
    atomic_fetch_sub(&scope_alive, 1);
    return err ? err : duration_ns < 0 ? (int)duration_ns : 0;
}

static int run_scope(int64_t *durations_ns, int count) {
    struct scope *scope;
    EXPECT(scope_create(&scope), 0);
    for (int i = 0; i < count; i++)
        EXPECT(scope_spawn(scope, "member", live_in_scope, &durations_ns[i]), 0);
    int err = scope_await(scope);
    EXPECT(atomic_load(&scope_alive), 0);
    scope_destroy(scope);
    return err;
}

/* The failing task comes first: a pool may run it inside the await. */
static int fail_in_scope(void *arg) {
    (void)arg;
    int64_t all_well[] = {0, NS_PER_MS, NS_PER_MS, 0, 0, 0, 0, 0, 0, 0};
    int64_t one_fails[] = {-EIO, LONG_NS, LONG_NS, 0};
    struct scope *scope;
    int64_t long_ns = LONG_NS;
    EXPECT(run_scope(all_well, 10), 0);
    EXPECT(run_scope(one_fails, 4), -EIO);
    EXPECT(scope_create(&scope), 0);
    EXPECT(scope_await(scope), 0);
    for (int i = 0; i < 3; i++)
        EXPECT(scope_spawn(scope, "left", live_in_scope, &long_ns), 0);
    task_sleep(NS_PER_MS);
    scope_destroy(scope); /* without an await */
    EXPECT(atomic_load(&scope_alive), 0);
    return 0;
}

static void nothing_outlives_a_scope_and_a_failure_ends_it(void **state) {
    (void)state;
    in_every_model(fail_in_scope, NULL);
    assert_int_equal(run_in(&model_pool, 1, fail_in_scope, NULL), 0);
}

struct counting {
    int values[10];
    int end;   /* what the body returns after the last */
    int given; /* values that were asked for */
    bool is_closed;
};

static int count_to_ten(struct generator *generator, void *arg) {
    struct counting *counting = arg;
    int err = 0;
    for (int i = 0; i < 10 && !err; i++) {
        task_yield();
        counting->given++;
        err = generator_yield(generator, &counting->values[i]);
    }
    EXPECT(task_sleep(NS_PER_US), 0); /* its cleanup may wait */
    counting->is_closed = true;
    return err ? err : counting->end;
}

static int generate_all(void *arg) {
    struct counting counting = {.end = *(int *)arg};
    struct generator *generator;
    void *value;
    EXPECT(generator_create(&generator, "counting", count_to_ten, &counting), 0);
    for (int i = 0; i < 10; i++) {
        EXPECT(generator_next(generator, &value), 1);
        EXPECT((int *)value - counting.values, i);
        EXPECT(counting.given, i + 1);
    }
    EXPECT(generator_next(generator, &value), counting.end);
    EXPECT(generator_next(generator, &value), counting.end);
    EXPECT(generator_close(generator), counting.end);
    EXPECT(counting.is_closed, true);
    return 0;
}

static void a_generator_yields_its_values_then_its_end(void **state) {
    (void)state;
    in_every_model(generate_all, &(int){0});
    in_every_model(generate_all, &(int){-EIO});
}

static int close_early(void *arg) {
    (void)arg;
    for (int taken = 0; taken < 4; taken++) {
        struct counting counting = {.end = -EIO};
        struct generator *generator;
        void *value;
        EXPECT(generator_create(&generator, "counting", count_to_ten, &counting), 0);
        for (int i = 0; i < taken; i++)
            EXPECT(generator_next(generator, &value), 1);
        EXPECT(generator_close(generator), 0);
        EXPECT(counting.is_closed, taken > 0);
        EXPECT(counting.given, taken);
    }
    return 0;
}

static void a_generator_that_is_closed_early_cleans_up(void **state) {
    (void)state;
    in_every_model(close_early, NULL);
}

/* A cancellation of the consumer that comes to the close is told by the wait after it. */
static int close_when_cancelled(void *arg) {
    (void)arg;
    struct counting counting = {.end = 0};
    struct generator *generator;
    void *value;
    EXPECT(generator_create(&generator, "counting", count_to_ten, &counting), 0);
    EXPECT(generator_next(generator, &value), 1);
    EXPECT(task_cancel(task_self()), true);
    EXPECT(generator_close(generator), 0);
    EXPECT(counting.is_closed, true);
    EXPECT(task_yield(), -ECANCELED);
    return 0;
}

static void closing_a_generator_loses_no_cancellation(void **state) {
    (void)state;
    in_every_model(close_when_cancelled, NULL);
}

static int raise_soon(void *arg) {
    task_sleep(NS_PER_MS);
    raise(*(int *)arg);
    return 0;
}

static int await_signals(void *arg) {
    (void)arg;
    struct signal_watch *watch, *second;
    struct task *task;
    int number = 0, signals[] = {SIGUSR1, SIGUSR2};
    EXPECT(signal_watch_create(&watch, signals, 2), 0);
    EXPECT(signal_watch_create(&second, signals, 2), -EBUSY);
    EXPECT(signal_watch_await(watch, task_deadline(5 * NS_PER_MS), &number), -ETIMEDOUT);
    raise(SIGUSR2);
    EXPECT(signal_watch_await(watch, TASK_NO_DEADLINE, &number), 0);
    EXPECT(number, SIGUSR2);
    EXPECT(task_spawn(&task, "raiser", raise_soon, &signals[0]), 0);
    EXPECT(signal_watch_await(watch, TASK_NO_DEADLINE, &number), 0);
    EXPECT(number, SIGUSR1);
    EXPECT(task_await(task, NULL), 0);
    signal_watch_destroy(watch);
    struct sigaction action;
    EXPECT(sigaction(SIGUSR1, NULL, &action), 0);
    EXPECT(action.sa_handler == SIG_DFL, true);
    return 0;
}

static void a_signal_is_told_to_the_task_that_awaits_it(void **state) {
    (void)state;
    in_every_model(await_signals, NULL);
}

static int square(void *arg) {
    int *number = arg;
    return *number * *number;
}

/* Calls that end at once: the result must not be lost between two threads. */
static int offload_squares(void *arg) {
    (void)arg;
    for (int i = 0; i < 2000; i++) {
        int result = -1;
        EXPECT(task_offload(square, &i, &result), 0);
        EXPECT(result, i * i);
    }
    int failing = 0;
    EXPECT(task_offload(square, &failing, NULL), 0);
    return 0;
}

static void an_offloaded_call_gives_its_result(void **state) {
    (void)state;
    in_every_model(offload_squares, NULL);
}

struct meeting {
    pthread_barrier_t barrier;
    atomic_int inside, inside_max, ticks;
    atomic_bool is_over;
};

static int meet(void *arg) {
    struct meeting *meeting = arg;
    pthread_barrier_wait(&meeting->barrier);
    return 0;
}

static int offload_meet(void *arg) {
    return task_offload(meet, arg, NULL);
}

/* As many helpers as there may be work at once, also when one was idle at first. */
static int meet_in_helpers(void *arg) {
    (void)arg;
    struct meeting meeting = {.inside = 0};
    struct task *tasks[4];
    int zero = 0;
    for (int round = 0; round < 20; round++) {
        pthread_barrier_init(&meeting.barrier, NULL, 4);
        EXPECT(task_offload(square, &zero, NULL), 0);
        for (int i = 0; i < 4; i++)
            EXPECT(task_spawn(&tasks[i], "guest", offload_meet, &meeting), 0);
        EXPECT(task_gather(tasks, 4, NULL), 0);
        pthread_barrier_destroy(&meeting.barrier);
    }
    return 0;
}

static void offloaded_calls_run_at_once(void **state) {
    (void)state;
    in_every_model(meet_in_helpers, NULL);
}

static int block_for_long(void *arg) {
    struct meeting *meeting = arg;
    int inside = atomic_fetch_add(&meeting->inside, 1) + 1;
    int max = atomic_load(&meeting->inside_max);
    while (inside > max && !atomic_compare_exchange_weak(&meeting->inside_max, &max, inside))
        continue;
    nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    atomic_fetch_sub(&meeting->inside, 1);
    return 0;
}

static int offload_block(void *arg) {
    return task_offload(block_for_long, arg, NULL);
}

static int tick(void *arg) {
    struct meeting *meeting = arg;
    while (!atomic_load(&meeting->is_over)) {
        EXPECT(task_sleep(NS_PER_MS), 0);
        atomic_fetch_add(&meeting->ticks, 1);
    }
    return 0;
}

/* Of 60 ms and more in helpers, some ticks must have been had, however slow the machine. */
static int tick_meanwhile(void *arg) {
    (void)arg;
    struct meeting meeting = {.inside = 0};
    struct task *ticker, *tasks[6];
    EXPECT(task_spawn(&ticker, "ticker", tick, &meeting), 0);
    for (int i = 0; i < 6; i++)
        EXPECT(task_spawn(&tasks[i], "blocker", offload_block, &meeting), 0);
    EXPECT(task_gather(tasks, 6, NULL), 0);
    atomic_store(&meeting.is_over, true);
    EXPECT(task_await(ticker, NULL), 0);
    EXPECT(atomic_load(&meeting.ticks) >= 5, true);
    return meeting.inside_max;
}

static void helpers_are_bounded_and_hold_up_nobody(void **state) {
    (void)state;
    struct model_options options = {.helpers = 2, .task_stack_bytes = 16 * 1024};
    struct model_report report;
    assert_int_equal(run_with(&model_async, &options, &report, tick_meanwhile, NULL), 2);
}

/* Many short waits at once, on everything: none may be taken for a deadlock. */
struct traffic {
    struct task_mutex *mutex;
    struct queue *there, *back;
    struct semaphore *semaphore;
    int count;
};

static int answer(void *arg) {
    struct traffic *traffic = arg;
    void *item;
    for (int i = 0; i < TURNS; i++) {
        EXPECT(queue_get(traffic->there, TASK_NO_DEADLINE, &item), 0);
        EXPECT(queue_put(traffic->back, item, TASK_NO_DEADLINE), 0);
    }
    return 0;
}

static int ask(void *arg) {
    struct traffic *traffic = arg;
    void *item = NULL;
    for (int i = 0; i < TURNS; i++) {
        EXPECT(queue_put(traffic->there, traffic, TASK_NO_DEADLINE), 0);
        EXPECT(queue_get(traffic->back, i % 3 ? TASK_NO_DEADLINE : task_deadline(LONG_NS), &item),
               0);
        EXPECT(semaphore_acquire(traffic->semaphore, TASK_NO_DEADLINE), 0);
        EXPECT(task_mutex_lock(traffic->mutex, TASK_NO_DEADLINE), 0);
        traffic->count++;
        EXPECT(task_mutex_unlock(traffic->mutex), 0);
        semaphore_release(traffic->semaphore);
    }
    return 0;
}

#define PAIRS 8

static int drive_traffic(void *arg) {
    (void)arg;
    struct traffic traffic = {.count = 0};
    struct task *tasks[2 * PAIRS];
    EXPECT(task_mutex_create(&traffic.mutex), 0);
    EXPECT(queue_create(&traffic.there, 1), 0);
    EXPECT(queue_create(&traffic.back, 1), 0);
    EXPECT(semaphore_create(&traffic.semaphore, 1), 0);
    for (int i = 0; i < 2 * PAIRS; i++)
        EXPECT(task_spawn(&tasks[i], "driver", i % 2 ? ask : answer, &traffic), 0);
    EXPECT(task_gather(tasks, 2 * PAIRS, NULL), 0);
    EXPECT(traffic.count, PAIRS * TURNS);
    semaphore_destroy(traffic.semaphore);
    queue_destroy(traffic.there);
    queue_destroy(traffic.back);
    task_mutex_destroy(traffic.mutex);
    return 0;
}

static void short_waits_are_not_taken_for_a_deadlock(void **state) {
    (void)state;
    for (int round = 0; round < 5; round++)
        for (size_t m = 0; m < MODELS; m++)
            assert_int_equal(run_in(models[m], 2 * PAIRS + 1, drive_traffic, NULL), 0);
}

static int put_number(void *arg) {
    struct line *line = arg;
    EXPECT(queue_put(line->queue, line, TASK_NO_DEADLINE), 0);
    return 0;
}

/* Each task ends before the next begins, while main waits for something else than their ends. */
static int feed_by_one_worker(void *arg) {
    (void)arg;
    struct line line = {0};
    struct task *tasks[100];
    void *item;
    EXPECT(queue_create(&line.queue, 200), 0);
    for (int i = 0; i < 100; i++)
        EXPECT(task_spawn(&tasks[i], "feeder", put_number, &line), 0);
    for (int i = 0; i < 100; i++)
        EXPECT(queue_get(line.queue, TASK_NO_DEADLINE, &item), 0);
    EXPECT(task_gather(tasks, 100, NULL), 0);
    queue_destroy(line.queue);
    return 0;
}

static void a_worker_between_two_tasks_is_not_a_deadlock(void **state) {
    (void)state;
    for (int round = 0; round < 50; round++)
        assert_int_equal(run_in(&model_pool, 2, feed_by_one_worker, NULL), 0);
}

/* An argument is a pattern of the tests to run. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_task_at_a_time_holds_a_mutex),
        cmocka_unit_test(a_mutex_that_is_held_times_out),
        cmocka_unit_test(a_final_lock_is_had_whatever_happens),
        cmocka_unit_test(a_condition_wakes_as_many_as_are_notified),
        cmocka_unit_test(a_condition_that_is_not_notified_times_out),
        cmocka_unit_test(never_more_pass_a_semaphore_than_it_has_permits),
        cmocka_unit_test(a_flag_lets_all_through_while_it_is_set),
        cmocka_unit_test(a_future_is_settled_once_for_all_that_await_it),
        cmocka_unit_test(a_queue_keeps_its_order_and_its_bound),
        cmocka_unit_test(a_queue_is_joined_when_all_items_are_done_with),
        cmocka_unit_test(completions_give_each_task_once),
        cmocka_unit_test(what_ended_first_comes_out_first),
        cmocka_unit_test(completions_may_be_left_early),
        cmocka_unit_test(nothing_outlives_a_scope_and_a_failure_ends_it),
        cmocka_unit_test(a_generator_yields_its_values_then_its_end),
        cmocka_unit_test(a_generator_that_is_closed_early_cleans_up),
        cmocka_unit_test(closing_a_generator_loses_no_cancellation),
        cmocka_unit_test(a_signal_is_told_to_the_task_that_awaits_it),
        cmocka_unit_test(an_offloaded_call_gives_its_result),
        cmocka_unit_test(offloaded_calls_run_at_once),
        cmocka_unit_test(helpers_are_bounded_and_hold_up_nobody),
        cmocka_unit_test(short_waits_are_not_taken_for_a_deadlock),
        cmocka_unit_test(a_worker_between_two_tasks_is_not_a_deadlock),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
