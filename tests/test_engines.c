/* The contracts of task.h, each in every model. */
#include "support.h"

#include "sync/flag.h"
#include "sync/queue.h"

#include <netinet/in.h>
#include <pthread.h>

static void every_model_returns(task_function *main_function, int expected) {
    for (size_t i = 0; i < MODELS; i++) {
        print_message("           in %s\n", models[i]->name);
        assert_int_equal(run_in(models[i], WORKERS, main_function, NULL), expected);
    }
}

static int run_with_stack(int64_t stack_bytes, task_function *main_function,
                          struct model_report *report) {
    struct model_options options = {
        .helpers = 1, .stack_bytes = stack_bytes, .task_stack_bytes = 16 * 1024};
    return run_with(&model_async, &options, report, main_function, NULL);
}

static int return_seven(void *arg) {
    (void)arg;
    return 7;
}

static void run_returns_what_main_returned(void **state) {
    (void)state;
    every_model_returns(return_seven, 7);
}

static int return_arg(void *arg) {
    return *(int *)arg;
}

static int await_one(void *arg) {
    (void)arg;
    struct task *task;
    int value = 42, result = 0;
    EXPECT(task_spawn(&task, "one", return_arg, &value), 0);
    EXPECT(task_await(task, &result), 0);
    return result;
}

static void await_gives_what_the_task_returned(void **state) {
    (void)state;
    every_model_returns(await_one, 42);
}

#define GATHERED 300

static int gather_many(void *arg) {
    (void)arg;
    static int values[GATHERED];
    static int results[GATHERED];
    struct task *tasks[GATHERED];
    for (int i = 0; i < GATHERED; i++) {
        values[i] = i == 200 || i == 250 ? -i : i;
        EXPECT(task_spawn(&tasks[i], "many", return_arg, &values[i]), 0);
    }
    int first_error = task_gather(tasks, GATHERED, results);
    for (int i = 0; i < GATHERED; i++)
        EXPECT(results[i], values[i]);
    return first_error;
}

static void gather_gives_results_in_order_and_the_first_error(void **state) {
    (void)state;
    every_model_returns(gather_many, -200);
}

static int sleep_some(void *arg) {
    int64_t duration_ns = *(int64_t *)arg;
    int64_t begin_ns = clock_now_ns();
    task_sleep(duration_ns);
    return clock_now_ns() - begin_ns >= duration_ns ? 0 : -1;
}

#define SLEEPERS 200

static int sleep_many(void *arg) {
    (void)arg;
    static int64_t durations_ns[SLEEPERS];
    struct task *tasks[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++) {
        durations_ns[i] = (i * 7919) % 20 * NS_PER_MS + i;
        EXPECT(task_spawn(&tasks[i], "sleeper", sleep_some, &durations_ns[i]), 0);
    }
    return task_gather(tasks, SLEEPERS, NULL);
}

static void no_sleep_ends_early(void **state) {
    (void)state;
    every_model_returns(sleep_many, 0);
}

static int sleep_side_by_side(void *arg) {
    (void)arg;
    static int64_t duration_ns = 200 * NS_PER_MS;
    struct task *tasks[3];
    int64_t begin_ns = clock_now_ns();
    for (int i = 0; i < 3; i++)
        task_spawn(&tasks[i], "sleeper", sleep_some, &duration_ns);
    task_gather(tasks, 3, NULL);
    return clock_now_ns() - begin_ns < 2 * duration_ns ? 0 : -1;
}

static void sleeps_overlap(void **state) {
    (void)state;
    every_model_returns(sleep_side_by_side, 0);
}

/* Each task spawns and awaits one of the next depth. */
static int nest(void *arg) {
    int depth = *(int *)arg;
    if (depth == 0)
        return 0;
    int next = depth - 1, result = 0;
    struct task *task;
    EXPECT(task_spawn(&task, "nested", nest, &next), 0);
    task_await(task, &result);
    return result + 1;
}

static int nest_twenty(void *arg) {
    (void)arg;
    return nest(&(int){20});
}

static void nested_awaits_end_with_one_worker_too(void **state) {
    (void)state;
    every_model_returns(nest_twenty, 20);
    assert_int_equal(run_in(&model_pool, 1, nest_twenty, NULL), 20);
}

static int yield_and_count(void *arg) {
    atomic_int *turns = arg;
    for (int i = 0; i < 1000; i++) {
        atomic_fetch_add(turns, 1);
        task_yield();
    }
    return 0;
}

static int yield_in_turns(void *arg) {
    (void)arg;
    atomic_int turns = 0;
    struct task *tasks[3];
    for (int i = 0; i < 3; i++)
        task_spawn(&tasks[i], "yielder", yield_and_count, &turns);
    task_gather(tasks, 3, NULL);
    return turns;
}

static void yield_comes_back(void **state) {
    (void)state;
    every_model_returns(yield_in_turns, 3000);
}

static char order[16];
static size_t order_length;

static int write_letters(void *arg) {
    for (int i = 0; i < 3; i++) {
        order[order_length++] = *(const char *)arg;
        task_yield();
    }
    return 0;
}

static int write_in_turns(void *arg) {
    (void)arg;
    struct task *tasks[2];
    order_length = 0;
    task_spawn(&tasks[0], "a", write_letters, "a");
    task_spawn(&tasks[1], "b", write_letters, "b");
    task_gather(tasks, 2, NULL);
    order[order_length] = '\0';
    return 0;
}

static void coroutines_that_yield_take_turns(void **state) {
    (void)state;
    run_in(&model_async, 0, write_in_turns, NULL);
    assert_string_equal(order, "ababab");
}

static int self_is_own(void *arg) {
    struct task **self = arg;
    *self = task_self();
    task_sleep(NS_PER_MS);
    return *self == task_self() ? 0 : -1;
}

static int compare_selves(void *arg) {
    (void)arg;
    struct task *tasks[4], *selves[4];
    for (int i = 0; i < 4; i++)
        task_spawn(&tasks[i], "self", self_is_own, &selves[i]);
    struct task *main_self = task_self();
    for (int i = 0; i < 4; i++)
        EXPECT(tasks[i] != main_self, true);
    return task_gather(tasks, 4, NULL);
}

static void each_task_knows_itself(void **state) {
    (void)state;
    every_model_returns(compare_selves, 0);
}

/* A listening socket on loopback, at a port of the kernel's choice. */
static int listen_somewhere(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof *address;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)address, length), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

/* Echoes one connection until the peer has closed it. */
static void *echo(void *arg) {
    int fd = accept(*(int *)arg, NULL, NULL);
    char buffer[4096];
    ssize_t count;
    while ((count = read(fd, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0; done < count;)
            done += write(fd, buffer + done, (size_t)(count - done));
    close(fd);
    return NULL;
}

static int talk_to_echo(void *arg) {
    struct stream *stream;
    char buffer[8];
    size_t received = 0;
    int err = stream_connect(&stream, arg, sizeof(struct sockaddr_in), task_deadline(5 * NS_PER_S));
    EXPECT(err, 0);
    EXPECT(stream_write(stream, "xxxx", 4, TASK_NO_DEADLINE), 0);
    while (received < 4) {
        ptrdiff_t count = stream_read(stream, buffer + received, sizeof buffer - received,
                                      task_deadline(5 * NS_PER_S));
        EXPECT(count > 0, true);
        received += (size_t)count;
    }
    EXPECT(memcmp(buffer, "xxxx", 4), 0);
    int64_t begin_ns = clock_now_ns();
    EXPECT(stream_read(stream, buffer, 8, task_deadline(30 * NS_PER_MS)), -ETIMEDOUT);
    EXPECT(clock_now_ns() - begin_ns >= 30 * NS_PER_MS, true);
    stream_close(stream);
    return 0;
}

static void a_stream_carries_bytes_and_keeps_deadlines(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        struct sockaddr_in address;
        int fd = listen_somewhere(&address);
        pthread_t thread;
        pthread_create(&thread, NULL, echo, &fd);
        assert_int_equal(run_in(models[i], WORKERS, talk_to_echo, &address), 0);
        pthread_join(thread, NULL);
        close(fd);
    }
}

static int connect_to(void *arg) {
    struct stream *stream;
    return stream_connect(&stream, arg, sizeof(struct sockaddr_in), task_deadline(5 * NS_PER_S));
}

static void a_closed_port_refuses(void **state) {
    (void)state;
    struct sockaddr_in address;
    close(listen_somewhere(&address));
    for (size_t i = 0; i < MODELS; i++)
        assert_int_equal(run_in(models[i], WORKERS, connect_to, &address), -ECONNREFUSED);
}

/* Shielding, the first of several, and giving up handles. */

static int end_at(void *arg) {
    struct flag *flag = arg;
    int err = flag_await(flag, TASK_NO_DEADLINE);
    return err ? err : 7;
}

static int shield_main(void *arg) {
    struct task *task = arg;
    return task_await_shielded(task, NULL);
}

/* The waiter is cancelled, the task it waits for goes on to its own end. */
static int shield(void *arg) {
    (void)arg;
    struct flag *flag;
    struct task *shielded, *waiter;
    int result = 0;
    EXPECT(flag_create(&flag), 0);
    EXPECT(task_spawn(&shielded, "shielded", end_at, flag), 0);
    EXPECT(task_spawn(&waiter, "waiter", shield_main, shielded), 0);
    task_sleep(2 * NS_PER_MS);
    EXPECT(task_cancel(waiter), true);
    EXPECT(task_await(waiter, &result), 0);
    EXPECT(result, -ECANCELED);
    EXPECT(task_is_done(shielded), false);
    flag_set(flag);
    EXPECT(task_await_shielded(shielded, &result), 0);
    EXPECT(result, 7);
    flag_destroy(flag);
    return 0;
}

static void a_shielded_task_outlives_its_waiter_s_cancellation(void **state) {
    (void)state;
    every_model_returns(shield, 0);
}

static atomic_int left_over;

static int go_on(void *arg) {
    int err = task_sleep(*(int64_t *)arg);
    atomic_fetch_add(&left_over, 1);
    return err;
}

static int end_badly(void *arg) {
    (void)arg;
    task_sleep(NS_PER_MS);
    return -EIO;
}

/* The others are neither cancelled nor awaited. */
static int gather_until_error(void *arg) {
    (void)arg;
    static int64_t duration_ns = 20 * NS_PER_MS;
    struct task *tasks[4];
    int value = 5, results[4] = {0};
    left_over = 0;
    EXPECT(task_spawn(&tasks[0], "other", go_on, &duration_ns), 0);
    EXPECT(task_spawn(&tasks[1], "failing", end_badly, NULL), 0);
    EXPECT(task_spawn(&tasks[2], "other", go_on, &duration_ns), 0);
    EXPECT(task_spawn(&tasks[3], "value", return_arg, &value), 0);
    EXPECT(task_gather_until_error(tasks, 4, results), -EIO);
    EXPECT(results[3], 0);
    YIELD_UNTIL(atomic_load(&left_over) == 2);
    for (int i = 0; i < 4; i++)
        EXPECT(task_spawn(&tasks[i], "value", return_arg, &value), 0);
    EXPECT(task_gather_until_error(tasks, 4, results), 0);
    for (int i = 0; i < 4; i++)
        EXPECT(results[i], 5);
    EXPECT(task_gather_until_error(NULL, 0, NULL), 0);
    EXPECT(task_gather(NULL, 0, NULL), 0);
    return 0;
}

static void gather_until_error_leaves_the_others_to_go_on(void **state) {
    (void)state;
    every_model_returns(gather_until_error, 0);
}

static int wait_for_any(void *arg) {
    (void)arg;
    struct flag *flags[3];
    struct task *tasks[3];
    int results[3];
    size_t index = 99;
    for (int i = 0; i < 3; i++) {
        EXPECT(flag_create(&flags[i]), 0);
        EXPECT(task_spawn(&tasks[i], "one of three", end_at, flags[i]), 0);
    }
    EXPECT(task_wait_any(tasks, 3, task_deadline(3 * NS_PER_MS), &index), -ETIMEDOUT);
    EXPECT(index, 99);
    flag_set(flags[2]);
    EXPECT(task_wait_any(tasks, 3, TASK_NO_DEADLINE, &index), 0);
    EXPECT(index, 2);
    flag_set(flags[1]);
    YIELD_UNTIL(task_is_done(tasks[1]));
    EXPECT(task_wait_any(tasks, 3, 0, &index), 0);
    EXPECT(index, 1);
    flag_set(flags[0]);
    EXPECT(task_gather(tasks, 3, results), 0);
    for (int i = 0; i < 3; i++) {
        EXPECT(results[i], 7);
        flag_destroy(flags[i]);
    }
    return 0;
}

static void wait_any_gives_the_first_that_ended_and_keeps_all_handles(void **state) {
    (void)state;
    every_model_returns(wait_for_any, 0);
}

static int end_quickly(void *arg) {
    atomic_fetch_add((atomic_int *)arg, 1);
    return 0;
}

#define DETACHED 1000

/* Before, while and after it runs. */
static int detach_many(void *arg) {
    (void)arg;
    struct task *task;
    left_over = 0;
    for (int i = 0; i < DETACHED; i++) {
        EXPECT(task_spawn(&task, "detached", end_quickly, &left_over), 0);
        if (i % 3 == 0)
            task_yield();
        if (i % 50 == 0)
            YIELD_UNTIL(task_is_done(task));
        task_detach(task);
    }
    YIELD_UNTIL(atomic_load(&left_over) == DETACHED);
    return 0;
}

static void a_detached_task_runs_to_its_end_and_frees_itself(void **state) {
    (void)state;
    for (int round = 0; round < 5; round++)
        every_model_returns(detach_many, 0);
}

/* The end of main: what is left is cancelled, its cleanup runs, and what nobody owned up to is
   named. Each scenario in a process of its own, whose standard error is read. */

static void in_every_child(void (*scenario)(const struct model *model), const char *const *texts,
                           const char *unexpected) {
    static struct told told;
    for (size_t i = 0; i < MODELS; i++) {
        print_message("           in %s\n", models[i]->name);
        in_child(scenario, models[i], &told);
        for (size_t t = 0; texts[t]; t++)
            assert_told(&told, texts[t]);
        if (unexpected)
            assert_null(strstr(told.text, unexpected));
    }
}

/* Those of what main leaves that have begun: one that has not never does. */
static atomic_int under_way;

static int clean_up_late(void *arg) {
    (void)arg;
    atomic_fetch_add(&under_way, 1);
    EXPECT(task_sleep(LONG_NS), -ECANCELED);
    EXPECT(task_sleep(NS_PER_MS), 0);
    atomic_fetch_add(&left_over, 1);
    return 0;
}

static int leave_tasks(void *arg) {
    (void)arg;
    struct task *task;
    left_over = under_way = 0;
    EXPECT(task_spawn(&task, "ended alone", return_seven, NULL), 0);
    EXPECT(task_spawn(&task, "under way", clean_up_late, NULL), 0);
    EXPECT(task_spawn(&task, "given up", clean_up_late, NULL), 0);
    task_detach(task);
    YIELD_UNTIL(atomic_load(&under_way) == 2);
    return 7;
}

static void end_with_tasks_left(const struct model *model) {
    left_over = 0;
    EXPECT(run_in(model, WORKERS, leave_tasks, NULL), 7);
    EXPECT(left_over, 2);
}

static void what_main_leaves_is_cancelled_and_what_is_unowned_named(void **state) {
    (void)state;
    in_every_child(end_with_tasks_left, (const char *[]){"'ended alone'", "'under way'", NULL},
                   "given up");
}

/* What main leaves may go on, spawn and wait, after it was cancelled. */
static int go_on_after_all(void *arg) {
    (void)arg;
    struct task *task;
    int result = 0, value = 5;
    atomic_fetch_add(&under_way, 1);
    EXPECT(task_sleep(LONG_NS), -ECANCELED);
    EXPECT(task_spawn(&task, "late", return_arg, &value), 0);
    EXPECT(task_await(task, &result), 0);
    EXPECT(result, -ECANCELED); /* what is spawned after main's end never begins */
    atomic_fetch_add(&left_over, 1);
    return 0;
}

static int leave_a_spawner(void *arg) {
    (void)arg;
    struct task *task;
    left_over = under_way = 0;
    EXPECT(task_spawn(&task, "spawner", go_on_after_all, NULL), 0);
    task_detach(task);
    YIELD_UNTIL(atomic_load(&under_way) == 1);
    return 0;
}

static void cleanup_after_main_may_spawn_and_await(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        assert_int_equal(run_in(models[i], WORKERS, leave_a_spawner, NULL), 0);
        assert_int_equal(left_over, 1);
    }
}

/* Misuse: reported by name, and an error to whoever does it. */

static int await_itself(void *arg) {
    (void)arg;
    int result;
    EXPECT(task_await(task_self(), &result), -EDEADLK);
    return 0;
}

/* Of two that await it one is refused, at once. */
static int await_what_another_awaits(struct flag *flag) {
    struct task *shared, *waiters[2];
    int results[2];
    size_t refused = 99;
    EXPECT(task_spawn(&shared, "shared", end_at, flag), 0);
    for (int i = 0; i < 2; i++)
        EXPECT(task_spawn(&waiters[i], "waiter", shield_main, shared), 0);
    EXPECT(task_wait_any(waiters, 2, TASK_NO_DEADLINE, &refused), 0);
    flag_set(flag);
    EXPECT(task_gather(waiters, 2, results), -EBUSY);
    EXPECT(results[refused], -EBUSY);
    EXPECT(results[!refused], 0);
    return 0;
}

static int unlock_another_s(void *arg) {
    struct task_mutex *mutex = arg;
    EXPECT(task_mutex_unlock(mutex), -EPERM);
    return 0;
}

static int misuse_all(void *arg) {
    (void)arg;
    struct task *task;
    struct task_mutex *mutex;
    struct task_condition *condition;
    struct flag *flag;
    EXPECT(task_spawn(&task, "narcissus", await_itself, NULL), 0);
    EXPECT(task_await(task, NULL), 0);
    EXPECT(flag_create(&flag), 0);
    EXPECT(await_what_another_awaits(flag), 0);
    flag_destroy(flag);
    EXPECT(task_mutex_create(&mutex), 0);
    EXPECT(task_condition_create(&condition), 0);
    EXPECT(task_mutex_unlock(mutex), -EPERM);
    EXPECT(task_condition_wait(condition, mutex, task_deadline(0)), -EPERM);
    EXPECT(task_mutex_lock(mutex, TASK_NO_DEADLINE), 0);
    EXPECT(task_spawn(&task, "burglar", unlock_another_s, mutex), 0);
    EXPECT(task_await(task, NULL), 0);
    EXPECT(task_mutex_unlock(mutex), 0);
    task_condition_destroy(condition);
    task_mutex_destroy(mutex);
    return 0;
}

static void misuse(const struct model *model) {
    EXPECT(run_in(model, WORKERS, misuse_all, NULL), 0);
}

static void misuse_is_reported_by_name_and_refused(void **state) {
    (void)state;
    in_every_child(misuse, (const char *[]){"'narcissus'", "'shared'", "'burglar'", NULL},
                   "deadlock");
}

/* Deadlocks: reported with who waits for what, told to those that wait, and the run ends. */

#define RING 3

static struct ring {
    struct task *tasks[RING];
    struct flag *is_closed, *is_over;
    atomic_int told;
} ring;

/* Goes on after it has been told, so that nobody's wait ends because another's did. */
static int await_next(void *arg) {
    EXPECT(flag_await(ring.is_closed, TASK_NO_DEADLINE), 0);
    int err = task_await_shielded(*(struct task **)arg, NULL);
    atomic_fetch_add(&ring.told, 1);
    while (flag_await(ring.is_over, TASK_NO_DEADLINE))
        continue;
    return err;
}

static int await_in_a_ring(void *arg) {
    (void)arg;
    static const char *const names[RING] = {"rock", "paper", "scissors"};
    struct task_mutex *mutex;
    int results[RING];
    EXPECT(task_mutex_create(&mutex), 0);
    EXPECT(task_mutex_lock(mutex, TASK_NO_DEADLINE), 0);
    EXPECT(flag_create(&ring.is_closed), 0);
    EXPECT(flag_create(&ring.is_over), 0);
    for (int i = 0; i < RING; i++)
        EXPECT(task_spawn(&ring.tasks[i], names[i], await_next, &ring.tasks[(i + 1) % RING]), 0);
    flag_set(ring.is_closed);
    EXPECT(task_mutex_lock(mutex, TASK_NO_DEADLINE), -EDEADLK); /* which main itself holds */
    YIELD_UNTIL(atomic_load(&ring.told) == RING);
    flag_set(ring.is_over);
    for (int i = 0; i < RING; i++) {
        EXPECT(task_await(ring.tasks[i], &results[i]), 0);
        EXPECT(results[i], -EDEADLK);
    }
    flag_destroy(ring.is_closed);
    flag_destroy(ring.is_over);
    task_mutex_destroy(mutex);
    return 0;
}

static void deadlock_by_a_ring(const struct model *model) {
    EXPECT(run_in(model, WORKERS, await_in_a_ring, NULL), 0);
}

static int lock_and_end(void *arg) {
    return task_mutex_lock(arg, TASK_NO_DEADLINE);
}

static int await_the_dead_s_lock(void *arg) {
    (void)arg;
    struct task_mutex *mutex;
    struct task *task;
    int result = 0;
    EXPECT(task_mutex_create(&mutex), 0);
    EXPECT(task_spawn(&task, "holder", lock_and_end, mutex), 0);
    EXPECT(task_await(task, NULL), 0);
    EXPECT(task_spawn(&task, "heir", lock_and_end, mutex), 0);
    while (task_await_shielded(task, &result))
        task_yield();
    EXPECT(result, -EDEADLK);
    task_mutex_destroy(mutex);
    return 0;
}

static void deadlock_by_a_mutex(const struct model *model) {
    EXPECT(run_in(model, WORKERS, await_the_dead_s_lock, NULL), 0);
}

static int get_from_nobody(void *arg) {
    void *item;
    return queue_get(arg, TASK_NO_DEADLINE, &item);
}

static int get_what_nobody_puts(void *arg) {
    (void)arg;
    struct queue *queue;
    struct task *tasks[2];
    int results[2];
    EXPECT(queue_create(&queue, 1), 0);
    EXPECT(task_spawn(&tasks[0], "hungry", get_from_nobody, queue), 0);
    EXPECT(task_spawn(&tasks[1], "thirsty", get_from_nobody, queue), 0);
    for (int i = 0; i < 2; i++) {
        while (task_await_shielded(tasks[i], &results[i]))
            task_yield();
        EXPECT(results[i], -EDEADLK);
    }
    queue_destroy(queue);
    return 0;
}

static void deadlock_by_a_queue(const struct model *model) {
    EXPECT(run_in(model, WORKERS, get_what_nobody_puts, NULL), 0);
}

static int wait_on_queue_twice(void *arg) {
    atomic_fetch_add(&under_way, 1);
    EXPECT(get_from_nobody(arg), -ECANCELED);
    EXPECT(get_from_nobody(arg), -EDEADLK);
    atomic_fetch_add(&left_over, 1);
    return 0;
}

static int leave_a_stubborn_task(void *arg) {
    (void)arg;
    static struct queue *queue;
    struct task *task;
    left_over = under_way = 0;
    EXPECT(queue_create(&queue, 1), 0);
    EXPECT(task_spawn(&task, "stubborn", wait_on_queue_twice, queue), 0);
    task_detach(task);
    YIELD_UNTIL(atomic_load(&under_way) == 1);
    return 0;
}

static void deadlock_of_what_main_left(const struct model *model) {
    left_over = 0;
    EXPECT(run_in(model, WORKERS, leave_a_stubborn_task, NULL), 0);
    EXPECT(left_over, 1);
}

static void a_ring_of_awaits_is_a_deadlock(void **state) {
    (void)state;
    in_every_child(
        deadlock_by_a_ring,
        (const char *[]){"deadlock", "'rock' waits for", "'paper' waits", "'scissors' waits", NULL},
        NULL);
}

static void a_mutex_held_by_an_ended_task_is_a_deadlock(void **state) {
    (void)state;
    in_every_child(deadlock_by_a_mutex,
                   (const char *[]){"deadlock", "'heir' waits for a mutex", NULL}, NULL);
}

static void a_queue_to_which_nobody_puts_is_a_deadlock(void **state) {
    (void)state;
    in_every_child(deadlock_by_a_queue,
                   (const char *[]){"deadlock", "'hungry' waits for", "'thirsty' waits for", NULL},
                   NULL);
}

static void a_deadlock_after_main_s_end_is_told_too(void **state) {
    (void)state;
    in_every_child(deadlock_of_what_main_left,
                   (const char *[]){"deadlock", "'stubborn' waits for", NULL}, NULL);
}

/* The two workers wait for what the queued task would do. */
static int starve(void *arg) {
    (void)arg;
    struct queue *queue;
    struct task *first, *second;
    int result = 0;
    void *item;
    EXPECT(queue_create(&queue, 1), 0);
    EXPECT(task_spawn(&first, "hungry", get_from_nobody, queue), 0);
    task_sleep(5 * NS_PER_MS);
    EXPECT(task_spawn(&second, "queued", return_seven, NULL), 0);
    EXPECT(queue_get(queue, TASK_NO_DEADLINE, &item), -EDEADLK);
    EXPECT(task_await(first, &result), 0);
    EXPECT(result, -EDEADLK);
    EXPECT(task_await(second, &result), 0);
    EXPECT(result, 7);
    queue_destroy(queue);
    return 0;
}

static void starve_in_pool(const struct model *model) {
    EXPECT(run_in(model, 2, starve, NULL), 0);
}

static void a_pool_all_of_whose_workers_wait_is_a_deadlock(void **state) {
    (void)state;
    static struct told told;
    in_child(starve_in_pool, &model_pool, &told);
    assert_told(&told, "deadlock");
    assert_told(&told, "'hungry' waits for");
    assert_told(&told, "'main' waits for");
}

/* Large. */

static int return_index(void *arg) {
    return (int)(intptr_t)arg;
}

static int gather_crowd(void *arg) {
    size_t count = *(size_t *)arg;
    struct task **tasks = calloc(count, sizeof *tasks);
    int *results = calloc(count, sizeof *results);
    for (size_t i = 0; i < count; i++)
        EXPECT(task_spawn(&tasks[i], "of a crowd", return_index, (void *)(intptr_t)i), 0);
    EXPECT(task_gather(tasks, count, results), 0);
    for (size_t i = 0; i < count; i++)
        EXPECT(results[i], i);
    free(tasks);
    free(results);
    return 0;
}

static void a_hundred_thousand_coroutines_are_gathered(void **state) {
    (void)state;
    struct model_options options = {.helpers = 1, .task_stack_bytes = 1024};
    struct model_report report;
    size_t count = IS_INSTRUMENTED ? 2000 : 100000;
    assert_int_equal(run_with(&model_async, &options, &report, gather_crowd, &count), 0);
}

static atomic_int arrived;

/* All are alive at once. */
static int arrive_and_wait(void *arg) {
    atomic_fetch_add(&arrived, 1);
    return flag_await(arg, TASK_NO_DEADLINE);
}

static int gather_threads(void *arg) {
    static struct task *tasks[10000];
    int count = *(int *)arg, spawned = 0, err = 0;
    struct flag *flag;
    arrived = 0;
    EXPECT(flag_create(&flag), 0);
    while (spawned < count && !(err = task_spawn(&tasks[spawned], "thread", arrive_and_wait, flag)))
        spawned++;
    YIELD_UNTIL(atomic_load(&arrived) == spawned);
    flag_set(flag);
    EXPECT(task_gather(tasks, (size_t)spawned, NULL), 0);
    EXPECT(err == 0 || err == -EAGAIN || err == -ENOMEM, true);
    flag_destroy(flag);
    return spawned;
}

static void ten_thousand_threads_are_gathered(void **state) {
    (void)state;
    int count = IS_INSTRUMENTED ? 200 : 10000;
    int spawned = run_in(&model_threads, 0, gather_threads, &count);
    if (spawned < count) {
        print_message("           this machine allows only %d threads\n", spawned);
        skip();
    }
}

/* Uses `bytes` of stack for certain. */
static __attribute__((noinline)) int use_stack(size_t bytes) {
    volatile char frame[1024];
    memset((char *)frame, 1, sizeof frame);
    if (bytes > sizeof frame)
        return use_stack(bytes - sizeof frame) + frame[0];
    task_yield();
    return frame[17];
}

static int use_bytes(void *arg) {
    return use_stack(*(size_t *)arg) > 0 ? 0 : -1;
}

static int spawn_user_of(size_t bytes) {
    struct task *task;
    int result;
    EXPECT(task_spawn(&task, "glutton", use_bytes, &bytes), 0);
    task_await(task, &result);
    return result;
}

static int use_twenty_kib(void *arg) {
    (void)arg;
    return spawn_user_of(20 * 1024);
}

static void the_most_stack_used_is_reported(void **state) {
    (void)state;
    struct model_report report;
    run_with_stack(1 << 20, use_twenty_kib, &report);
    assert_true(report.stack_bytes >= 1 << 20);
    assert_true(report.stack_used_peak_bytes >= 20 * 1024);
    if (!IS_SANITIZED)
        assert_true(report.stack_used_peak_bytes < 40 * 1024);
}

/* Runs main with a small stack in a process of its own and returns its standard error. */
static void overflow_in_child(size_t stack_bytes, char *output, size_t size) {
    int fds[2];
    int status;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        struct model_options options = {.stack_bytes = (int64_t)stack_bytes, .helpers = 1};
        int result;
        model_run(&model_async, &options, use_twenty_kib, NULL, &result);
        _exit(0);
    }
    close(fds[1]);
    size_t length = 0;
    ssize_t count;
    while ((count = read(fds[0], output + length, size - 1 - length)) > 0)
        length += (size_t)count;
    output[length] = '\0';
    close(fds[0]);
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
}

static void an_overflow_is_reported_by_the_task_s_name(void **state) {
    (void)state;
    char output[4096];
    if (IS_SANITIZED)
        skip(); /* the sanitizer itself reports, and its frames do not fit the small stack */
    overflow_in_child(16 * 1024, output, sizeof output); /* with a guard page, and without */
    assert_non_null(strstr(output, "task 'glutton' overflowed its stack"));
    overflow_in_child(1024, output, sizeof output);
    assert_non_null(strstr(output, "task 'glutton' overflowed its stack"));
}

/* An argument is a pattern of the tests to run. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_returns_what_main_returned),
        cmocka_unit_test(await_gives_what_the_task_returned),
        cmocka_unit_test(gather_gives_results_in_order_and_the_first_error),
        cmocka_unit_test(no_sleep_ends_early),
        cmocka_unit_test(sleeps_overlap),
        cmocka_unit_test(nested_awaits_end_with_one_worker_too),
        cmocka_unit_test(yield_comes_back),
        cmocka_unit_test(coroutines_that_yield_take_turns),
        cmocka_unit_test(each_task_knows_itself),
        cmocka_unit_test(a_stream_carries_bytes_and_keeps_deadlines),
        cmocka_unit_test(a_closed_port_refuses),
        cmocka_unit_test(a_shielded_task_outlives_its_waiter_s_cancellation),
        cmocka_unit_test(gather_until_error_leaves_the_others_to_go_on),
        cmocka_unit_test(wait_any_gives_the_first_that_ended_and_keeps_all_handles),
        cmocka_unit_test(a_detached_task_runs_to_its_end_and_frees_itself),
        cmocka_unit_test(what_main_leaves_is_cancelled_and_what_is_unowned_named),
        cmocka_unit_test(cleanup_after_main_may_spawn_and_await),
        cmocka_unit_test(misuse_is_reported_by_name_and_refused),
        cmocka_unit_test(a_ring_of_awaits_is_a_deadlock),
        cmocka_unit_test(a_mutex_held_by_an_ended_task_is_a_deadlock),
        cmocka_unit_test(a_queue_to_which_nobody_puts_is_a_deadlock),
        cmocka_unit_test(a_deadlock_after_main_s_end_is_told_too),
        cmocka_unit_test(a_pool_all_of_whose_workers_wait_is_a_deadlock),
        cmocka_unit_test(a_hundred_thousand_coroutines_are_gathered),
        cmocka_unit_test(ten_thousand_threads_are_gathered),
        cmocka_unit_test(the_most_stack_used_is_reported),
        cmocka_unit_test(an_overflow_is_reported_by_the_task_s_name),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
