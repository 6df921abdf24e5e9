/* Cancellation and timeouts: the contracts of task.h on ending what waits, each in every model. */
#include "support.h"

#include "sync/completions.h"
#include "sync/flag.h"
#include "sync/future.h"
#include "sync/generator.h"
#include "sync/queue.h"
#include "sync/scope.h"
#include "sync/semaphore.h"
#include "sync/signal_watch.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>

#define CHILDREN 3

/* What a patient may wait for, none of which ever comes. Static, since what is detached may outlive
   main. */
static struct world {
    atomic_bool is_inside;    /* the patient waits, or is about to */
    atomic_int children_here; /* children that have begun */
    atomic_int children_ended;
    bool has_cleaned_up;
    struct task_mutex *held; /* by main */
    struct task_mutex *mutex;
    struct task_condition *condition;
    struct queue *empty, *full;
    struct semaphore *exhausted;
    struct flag *flag;
    struct future *future;
    struct stream *silent, *silent_peer;
    struct stream *stuffed, *stuffed_peer;
    struct listener *lonely;    /* to which nobody connects */
    struct sockaddr_in crowded; /* where nobody accepts, and the backlog is full */
    int crowd[4];
    sem_t call_may_end;
    atomic_bool call_has_begun, call_has_ended;
} world;

static void go_in(void) {
    atomic_store(&world.is_inside, true);
}

/* Its cleanup waits, too. */
static int child_main(void *arg) {
    (void)arg;
    atomic_fetch_add(&world.children_here, 1);
    int err = task_sleep(LONG_NS);
    EXPECT(err, -ECANCELED);
    EXPECT(task_sleep(NS_PER_MS), 0);
    atomic_fetch_add(&world.children_ended, 1);
    return err;
}

/* They have begun, so that none can end without its cleanup. */
static void spawn_children(struct task **children, int count) {
    for (int i = 0; i < count; i++)
        EXPECT(task_spawn(&children[i], "child", child_main, NULL), 0);
    YIELD_UNTIL(atomic_load(&world.children_here) == count);
    go_in();
}

static int in_sleep(void) {
    go_in();
    return task_sleep(LONG_NS);
}

static int in_yields(void) {
    int err;
    go_in();
    do
        err = task_yield();
    while (!err);
    return err;
}

static int in_await(void) {
    struct task *child;
    int result = 17;
    spawn_children(&child, 1);
    int err = task_await(child, &result);
    EXPECT(atomic_load(&world.children_ended), 1);
    EXPECT(result, 17);
    return err;
}

static int in_await_until(void) {
    struct task *child;
    spawn_children(&child, 1);
    int err = task_await_until(child, task_deadline(LONG_NS), NULL);
    EXPECT(atomic_load(&world.children_ended), 1);
    return err;
}

/* The child does not hear of it, and its handle is still ours. */
static int in_await_shielded(void) {
    struct task *child;
    int result = 0;
    spawn_children(&child, 1);
    int err = task_await_shielded(child, NULL);
    EXPECT(task_is_done(child), false);
    EXPECT(task_cancel(child), true);
    EXPECT(task_await(child, &result), 0);
    EXPECT(result, -ECANCELED);
    return err;
}

static int in_gather(void) {
    struct task *children[CHILDREN];
    int results[CHILDREN] = {0};
    spawn_children(children, CHILDREN);
    int err = task_gather(children, CHILDREN, results);
    EXPECT(atomic_load(&world.children_ended), CHILDREN);
    for (int i = 0; i < CHILDREN; i++)
        EXPECT(results[i], -ECANCELED);
    return err;
}

/* Only a child's error lets the others go on. */
static int in_gather_until_error(void) {
    struct task *children[CHILDREN];
    spawn_children(children, CHILDREN);
    int err = task_gather_until_error(children, CHILDREN, NULL);
    EXPECT(atomic_load(&world.children_ended), CHILDREN);
    return err;
}

static void end_children(struct task **children) {
    int result;
    for (int i = 0; i < CHILDREN; i++) {
        EXPECT(task_cancel(children[i]), true);
        EXPECT(task_await(children[i], &result), 0);
        EXPECT(result, -ECANCELED);
    }
}

static int in_wait_any(void) {
    struct task *children[CHILDREN];
    size_t index = 99;
    spawn_children(children, CHILDREN);
    int err = task_wait_any(children, CHILDREN, TASK_NO_DEADLINE, &index);
    EXPECT(index, 99);
    end_children(children);
    return err;
}

static int in_completions(void) {
    struct task *children[CHILDREN], *ended;
    struct completions *completions;
    spawn_children(children, CHILDREN);
    EXPECT(completions_create(&completions, children, CHILDREN), 0);
    int err = completions_next(completions, TASK_NO_DEADLINE, &ended);
    completions_destroy(completions);
    end_children(children);
    return err;
}

static int in_scope(void) {
    struct scope *scope;
    EXPECT(scope_create(&scope), 0);
    for (int i = 0; i < CHILDREN; i++)
        EXPECT(scope_spawn(scope, "child", child_main, NULL), 0);
    YIELD_UNTIL(atomic_load(&world.children_here) == CHILDREN);
    go_in();
    int err = scope_await(scope);
    EXPECT(atomic_load(&world.children_ended), CHILDREN);
    scope_destroy(scope);
    return err;
}

static int generate_nothing(struct generator *generator, void *arg) {
    (void)generator;
    go_in();
    return child_main(arg);
}

static int in_generator(void) {
    struct generator *generator;
    void *value;
    EXPECT(generator_create(&generator, "generator", generate_nothing, NULL), 0);
    int err = generator_next(generator, &value);
    EXPECT(generator_close(generator), 0);
    EXPECT(atomic_load(&world.children_ended), 1);
    return err;
}

static int in_mutex(void) {
    go_in();
    return task_mutex_lock(world.held, TASK_NO_DEADLINE);
}

/* The mutex is held again afterwards, whatever the result. */
static int in_condition(void) {
    EXPECT(task_mutex_lock(world.mutex, TASK_NO_DEADLINE), 0);
    go_in();
    int err = task_condition_wait(world.condition, world.mutex, TASK_NO_DEADLINE);
    EXPECT(task_mutex_unlock(world.mutex), 0);
    return err;
}

static int in_queue_put(void) {
    go_in();
    return queue_put(world.full, &world, TASK_NO_DEADLINE);
}

static int in_queue_get(void) {
    void *item;
    go_in();
    return queue_get(world.empty, TASK_NO_DEADLINE, &item);
}

static int in_queue_join(void) {
    go_in();
    return queue_join(world.full, TASK_NO_DEADLINE);
}

static int in_semaphore(void) {
    go_in();
    return semaphore_acquire(world.exhausted, TASK_NO_DEADLINE);
}

static int in_flag(void) {
    go_in();
    return flag_await(world.flag, TASK_NO_DEADLINE);
}

static int in_future(void) {
    void *value;
    go_in();
    return future_await(world.future, TASK_NO_DEADLINE, &value);
}

static int in_read(void) {
    char byte;
    go_in();
    return (int)stream_read(world.silent, &byte, 1, TASK_NO_DEADLINE);
}

static int in_write(void) {
    static const char zeros[4096];
    int err;
    go_in();
    do
        err = stream_write(world.stuffed, zeros, sizeof zeros, TASK_NO_DEADLINE);
    while (!err);
    return err;
}

static int in_accept(void) {
    struct stream *stream;
    go_in();
    return listener_accept(world.lonely, TASK_NO_DEADLINE, &stream);
}

static int in_connect(void) {
    struct stream *stream;
    go_in();
    return stream_connect(&stream, (struct sockaddr *)&world.crowded, sizeof world.crowded,
                          TASK_NO_DEADLINE);
}

static int in_signal_watch(void) {
    struct signal_watch *watch;
    int number;
    EXPECT(signal_watch_create(&watch, &(int){SIGUSR1}, 1), 0);
    go_in();
    int err = signal_watch_await(watch, TASK_NO_DEADLINE, &number);
    signal_watch_destroy(watch);
    return err;
}

static const struct patient {
    const char *name;
    int (*wait)(void);
} patients[] = {
    {"sleep", in_sleep},
    {"yields", in_yields},
    {"await", in_await},
    {"await_until", in_await_until},
    {"await_shielded", in_await_shielded},
    {"gather", in_gather},
    {"gather_until_error", in_gather_until_error},
    {"wait_any", in_wait_any},
    {"completions", in_completions},
    {"scope", in_scope},
    {"generator", in_generator},
    {"mutex", in_mutex},
    {"condition", in_condition},
    {"queue_put", in_queue_put},
    {"queue_get", in_queue_get},
    {"queue_join", in_queue_join},
    {"semaphore", in_semaphore},
    {"flag", in_flag},
    {"future", in_future},
    {"read", in_read},
    {"write", in_write},
    {"accept", in_accept},
    {"connect", in_connect},
    {"signal_watch", in_signal_watch},
};
#define PATIENTS (sizeof patients / sizeof *patients)

/* What follows a cancelled wait waits itself, and is let. */
static int patient_main(void *arg) {
    const struct patient *patient = arg;
    int err = patient->wait();
    EXPECT(task_sleep(NS_PER_MS), 0);
    EXPECT(task_yield(), 0);
    world.has_cleaned_up = true;
    return err;
}

static const struct sockaddr_in loopback = {.sin_family = AF_INET,
                                            .sin_addr.s_addr = 0x0100007f}; /* network order */

static void open_pair(struct stream **left, struct stream **right) {
    int fds[2];
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    EXPECT(stream_open(left, fds[0]), 0);
    EXPECT(stream_open(right, fds[1]), 0);
}

/* A listening socket whose backlog is full: the kernel drops what else would connect. */
static void open_crowded(void) {
    socklen_t length = sizeof world.crowded;
    world.crowded = loopback;
    world.crowd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(bind(world.crowd[0], (struct sockaddr *)&world.crowded, length), 0);
    EXPECT(listen(world.crowd[0], 0), 0);
    EXPECT(getsockname(world.crowd[0], (struct sockaddr *)&world.crowded, &length), 0);
    for (int i = 1; i < 4; i++) {
        world.crowd[i] =
            socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (i > 1 ? SOCK_NONBLOCK : 0), 0);
        int err = connect(world.crowd[i], (struct sockaddr *)&world.crowded, length) ? errno : 0;
        EXPECT(err == 0 || err == EINPROGRESS, true);
    }
}

static void open_world(void) {
    memset(&world, 0, sizeof world);
    EXPECT(task_mutex_create(&world.held), 0);
    EXPECT(task_mutex_lock(world.held, TASK_NO_DEADLINE), 0);
    EXPECT(task_mutex_create(&world.mutex), 0);
    EXPECT(task_condition_create(&world.condition), 0);
    EXPECT(queue_create(&world.empty, 1), 0);
    EXPECT(queue_create(&world.full, 1), 0);
    EXPECT(queue_put(world.full, NULL, TASK_NO_DEADLINE), 0);
    EXPECT(semaphore_create(&world.exhausted, 0), 0);
    EXPECT(flag_create(&world.flag), 0);
    EXPECT(future_create(&world.future), 0);
    open_pair(&world.silent, &world.silent_peer);
    open_pair(&world.stuffed, &world.stuffed_peer);
    EXPECT(listener_open(&world.lonely, (const struct sockaddr *)&loopback, sizeof loopback, 8), 0);
    open_crowded();
    sem_init(&world.call_may_end, 0, 0);
}

/* Nothing was taken, and all can be used and destroyed. */
static void close_world(void) {
    void *item = &world;
    EXPECT(task_mutex_unlock(world.held), 0);
    EXPECT(task_mutex_lock(world.held, task_deadline(0)), 0);
    EXPECT(task_mutex_unlock(world.held), 0);
    EXPECT(queue_get(world.empty, task_deadline(NS_PER_MS), &item), -ETIMEDOUT);
    EXPECT(queue_get(world.full, TASK_NO_DEADLINE, &item), 0);
    EXPECT(item == NULL, true);
    task_mutex_destroy(world.held);
    task_mutex_destroy(world.mutex);
    task_condition_destroy(world.condition);
    queue_destroy(world.empty);
    queue_destroy(world.full);
    semaphore_destroy(world.exhausted);
    flag_destroy(world.flag);
    future_destroy(world.future);
    stream_close(world.silent);
    stream_close(world.silent_peer);
    stream_close(world.stuffed);
    stream_close(world.stuffed_peer);
    listener_close(world.lonely);
    for (int i = 0; i < 4; i++)
        close(world.crowd[i]);
    sem_destroy(&world.call_may_end);
}

/* With `pause_ns` the patient very likely waits already; without, it may be just about to. */
static void cancel_patient(const struct patient *patient, int64_t pause_ns) {
    struct task *task;
    int result = 0;
    open_world();
    EXPECT(task_spawn(&task, patient->name, patient_main, (void *)patient), 0);
    YIELD_UNTIL(atomic_load(&world.is_inside));
    EXPECT(task_sleep(pause_ns), 0);
    EXPECT(task_is_done(task), false);
    EXPECT(task_cancel(task), true);
    EXPECT(task_await(task, &result), 0);
    expect_equal(__FILE__, __LINE__, patient->name, result, -ECANCELED);
    EXPECT(world.has_cleaned_up, true);
    close_world();
}

static int cancel_patients(void *arg) {
    (void)arg;
    for (size_t i = 0; i < PATIENTS; i++) {
        cancel_patient(&patients[i], 2 * NS_PER_MS);
        for (int round = 0; round < 5; round++)
            cancel_patient(&patients[i], 0);
    }
    return 0;
}

static void every_wait_ends_when_its_task_is_cancelled(void **state) {
    (void)state;
    in_every_model(cancel_patients, NULL);
}

/* With two workers, of which one is main's, what the patient awaits runs inside it. */
static int await_inside(void *arg) {
    int count = *(int *)arg;
    struct task *children[CHILDREN];
    for (int i = 0; i < count; i++)
        EXPECT(task_spawn(&children[i], "child", child_main, NULL), 0);
    int err =
        count == 1 ? task_await(children[0], NULL) : task_gather(children, (size_t)count, NULL);
    EXPECT(task_sleep(NS_PER_MS), 0);
    world.has_cleaned_up = true;
    return err;
}

static int cancel_what_runs_inside(void *arg) {
    struct task *task;
    int result;
    memset(&world, 0, sizeof world);
    EXPECT(task_spawn(&task, "patient", await_inside, arg), 0);
    YIELD_UNTIL(atomic_load(&world.children_here));
    EXPECT(task_cancel(task), true);
    EXPECT(task_await(task, &result), 0);
    EXPECT(atomic_load(&world.children_ended), atomic_load(&world.children_here));
    EXPECT(world.has_cleaned_up, true);
    return result;
}

static void a_pool_cancels_also_what_runs_inside_its_waiter(void **state) {
    (void)state;
    for (int count = 1; count <= CHILDREN; count += CHILDREN - 1)
        assert_int_equal(run_in(&model_pool, 2, cancel_what_runs_inside, &count), -ECANCELED);
}

static int note_run(void *arg) {
    *(atomic_bool *)arg = true;
    int err = task_sleep(LONG_NS);
    return err;
}

static int cancel_before_start(void *arg) {
    struct task *task;
    int result = 0;
    EXPECT(task_spawn(&task, "unborn", note_run, arg), 0);
    EXPECT(task_cancel(task), true);
    EXPECT(task_await(task, &result), 0);
    EXPECT(result, -ECANCELED);
    return 0;
}

static void a_task_cancelled_before_it_starts_ends_with_that(void **state) {
    (void)state;
    atomic_bool has_run = false;
    for (int i = 0; i < 50; i++)
        for (size_t m = 0; m < MODELS; m++)
            assert_int_equal(run_in(models[m], WORKERS, cancel_before_start, &has_run), 0);
    has_run = false;
    run_in(&model_async, 0, cancel_before_start, &has_run);
    run_in(&model_pool, 1, cancel_before_start, &has_run);
    assert_false(has_run);
}

static int cancel_oneself(void *arg) {
    (void)arg;
    EXPECT(task_cancel(task_self()), true);
    EXPECT(task_cancel(task_self()), true);
    EXPECT(task_yield(), -ECANCELED);
    EXPECT(task_yield(), 0);
    EXPECT(task_cancel(task_self()), true);
    EXPECT(task_sleep(LONG_NS), -ECANCELED);
    EXPECT(task_sleep(NS_PER_US), 0);
    return 0;
}

static void a_cancellation_is_told_once_and_by_the_next_wait(void **state) {
    (void)state;
    in_every_model(cancel_oneself, NULL);
}

static int end_when_told(void *arg) {
    (void)arg;
    atomic_fetch_add(&world.children_here, 1);
    int err = task_sleep(LONG_NS);
    atomic_fetch_add(&world.children_ended, 1);
    return err;
}

/* One that frees itself at its end, which it may reach before the cancellation has returned. */
static int cancel_the_detached(void *arg) {
    (void)arg;
    struct task *task;
    for (int i = 1; i <= 300; i++) {
        EXPECT(task_spawn(&task, "detached", end_when_told, NULL), 0);
        YIELD_UNTIL(atomic_load(&world.children_here) == i);
        task_detach(task);
        EXPECT(task_cancel(task), true);
    }
    YIELD_UNTIL(atomic_load(&world.children_ended) == 300);
    return 0;
}

static void a_detached_task_may_be_cancelled(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        memset(&world, 0, sizeof world);
        assert_int_equal(run_in(models[i], WORKERS, cancel_the_detached, NULL), 0);
    }
}

static int return_seven(void *arg) {
    (void)arg;
    return 7;
}

static int cancel_the_ended(void *arg) {
    (void)arg;
    struct task *task;
    int result = 0;
    EXPECT(task_spawn(&task, "ended", return_seven, NULL), 0);
    YIELD_UNTIL(task_is_done(task));
    EXPECT(task_cancel(task), false);
    EXPECT(task_await(task, &result), 0);
    EXPECT(result, 7);
    return 0;
}

static void an_ended_task_cannot_be_cancelled(void **state) {
    (void)state;
    in_every_model(cancel_the_ended, NULL);
}

static int swallow(void *arg) {
    atomic_int *told = arg;
    atomic_store(told, 0);
    while (atomic_load(told) < 3)
        if (task_sleep(LONG_NS) == -ECANCELED)
            atomic_fetch_add(told, 1);
    EXPECT(task_sleep(NS_PER_MS), 0);
    return 7;
}

static int cancel_three_times(void *arg) {
    (void)arg;
    struct task *task;
    atomic_int told = -1; /* until it has begun: one that has not would never do */
    int result = 0;
    EXPECT(task_spawn(&task, "deaf", swallow, &told), 0);
    for (int i = 0; i < 3; i++) {
        YIELD_UNTIL(atomic_load(&told) == i);
        task_sleep(NS_PER_MS); /* most often it waits by then */
        EXPECT(task_cancel(task), true);
    }
    EXPECT(task_await(task, &result), 0);
    EXPECT(told, 3);
    return result;
}

static int swallow_begun(void *arg) {
    (void)arg;
    EXPECT(cancel_three_times(NULL), 7);
    return 0;
}

static void a_task_may_go_on_after_a_cancellation(void **state) {
    (void)state;
    in_every_model(swallow_begun, NULL);
}

/* Each awaits the next, the last one sleeps. */
static int chain_main(void *arg) {
    int depth = *(int *)arg;
    if (depth == 0)
        return child_main(NULL);
    int next = depth - 1;
    struct task *task;
    EXPECT(task_spawn(&task, "link", chain_main, &next), 0);
    int err = task_await(task, NULL);
    atomic_fetch_add(&world.children_ended, 1);
    return err;
}

static int cancel_a_chain(void *arg) {
    (void)arg;
    struct task *task;
    int depth = 20, result;
    memset(&world, 0, sizeof world);
    EXPECT(task_spawn(&task, "chain", chain_main, &depth), 0);
    YIELD_UNTIL(atomic_load(&world.children_here));
    EXPECT(task_cancel(task), true);
    EXPECT(task_await(task, &result), 0);
    EXPECT(result, -ECANCELED);
    EXPECT(world.children_ended, depth + 1);
    return 0;
}

static void a_cancellation_reaches_the_end_of_a_chain_of_awaits(void **state) {
    (void)state;
    in_every_model(cancel_a_chain, NULL);
    assert_int_equal(run_in(&model_pool, 2, cancel_a_chain, NULL), 0);
}

/* The task has ended, cleanup and all, when the timeout is told. */
static int time_out(void *arg) {
    (void)arg;
    struct task *task;
    int result = 17;
    memset(&world, 0, sizeof world);
    EXPECT(task_spawn(&task, "slow", child_main, NULL), 0);
    YIELD_UNTIL(atomic_load(&world.children_here));
    EXPECT(task_await_until(task, task_deadline(5 * NS_PER_MS), &result), -ETIMEDOUT);
    EXPECT(world.children_ended, 1);
    EXPECT(result, 17);
    EXPECT(task_yield(), 0);
    return 0;
}

static void a_timeout_cancels_the_task_and_awaits_its_end(void **state) {
    (void)state;
    in_every_model(time_out, NULL);
}

static int await_in_time(void *arg) {
    (void)arg;
    struct task *task;
    int result = 0;
    EXPECT(task_spawn(&task, "quick", return_seven, NULL), 0);
    EXPECT(task_await_until(task, task_deadline(LONG_NS), &result), 0);
    EXPECT(result, 7);
    EXPECT(task_spawn(&task, "ended", return_seven, NULL), 0);
    YIELD_UNTIL(task_is_done(task));
    EXPECT(task_await_until(task, 0, &result), 0);
    return 0;
}

static void a_task_that_ends_in_time_is_not_cancelled(void **state) {
    (void)state;
    in_every_model(await_in_time, NULL);
}

static int sleep_long(void *arg) {
    (void)arg;
    return task_sleep(10 * NS_PER_S);
}

/* The deadline counts from the first, whether the task has begun or not. */
static int time_out_at_once(void *arg) {
    (void)arg;
    struct task *task;
    int64_t begin_ns = clock_now_ns();
    EXPECT(task_spawn(&task, "slow", sleep_long, NULL), 0);
    EXPECT(task_await_until(task, task_deadline(5 * NS_PER_MS), NULL), -ETIMEDOUT);
    EXPECT(clock_now_ns() - begin_ns < 8 * NS_PER_S, true);
    return 0;
}

static void a_timeout_holds_for_a_task_that_has_not_begun(void **state) {
    (void)state;
    in_every_model(time_out_at_once, NULL);
}

static int wait_call(void *arg) {
    struct world *w = arg;
    atomic_store(&w->call_has_begun, true);
    while (sem_wait(&w->call_may_end))
        continue;
    atomic_store(&w->call_has_ended, true);
    return 7;
}

static int offload_wait(void *arg) {
    int result = 17;
    int err = task_offload(wait_call, arg, &result);
    EXPECT(err ? 17 : 7, result);
    EXPECT(atomic_load(&world.call_has_ended), atomic_load(&world.call_has_begun));
    return err;
}

static int cancel_begun_call(void *arg) {
    (void)arg;
    struct task *task;
    int result = 0;
    memset(&world, 0, sizeof world);
    sem_init(&world.call_may_end, 0, 0);
    EXPECT(task_spawn(&task, "caller", offload_wait, &world), 0);
    YIELD_UNTIL(atomic_load(&world.call_has_begun));
    EXPECT(task_cancel(task), true);
    EXPECT(task_sleep(NS_PER_MS), 0);
    EXPECT(task_is_done(task), false);
    sem_post(&world.call_may_end);
    EXPECT(task_await(task, &result), 0);
    EXPECT(result, -ECANCELED);
    EXPECT(world.call_has_ended, true);
    return 0;
}

static void an_offloaded_call_that_has_begun_is_waited_for(void **state) {
    (void)state;
    in_every_model(cancel_begun_call, NULL);
}

static int offload_when_cancelled(void *arg) {
    (void)arg;
    memset(&world, 0, sizeof world);
    sem_init(&world.call_may_end, 0, 1000);
    for (int i = 0; i < 200; i++) {
        EXPECT(task_cancel(task_self()), true);
        EXPECT(task_offload(wait_call, &world, NULL), -ECANCELED);
    }
    EXPECT(world.call_has_begun, false);
    return 0;
}

static void a_cancelled_task_makes_no_offloaded_call(void **state) {
    (void)state;
    in_every_model(offload_when_cancelled, NULL);
}

static int note_call(void *arg) {
    atomic_store((atomic_bool *)arg, true);
    return 0;
}

static int offload_note(void *arg) {
    return task_offload(note_call, arg, NULL);
}

/* The one helper is busy with another call. */
static int cancel_call_in_line(void *arg) {
    (void)arg;
    struct task *first, *second;
    atomic_bool is_made = false;
    int result = 0;
    memset(&world, 0, sizeof world);
    sem_init(&world.call_may_end, 0, 0);
    EXPECT(task_spawn(&first, "first", offload_wait, &world), 0);
    YIELD_UNTIL(atomic_load(&world.call_has_begun));
    EXPECT(task_spawn(&second, "second", offload_note, &is_made), 0);
    EXPECT(task_sleep(NS_PER_MS), 0);
    EXPECT(task_cancel(second), true);
    EXPECT(task_await(second, &result), 0);
    EXPECT(result, -ECANCELED);
    sem_post(&world.call_may_end);
    EXPECT(task_await(first, NULL), 0);
    EXPECT(is_made, false);
    return 0;
}

static void an_offloaded_call_cancelled_while_in_line_is_not_made(void **state) {
    (void)state;
    struct model_options options = {.helpers = 1, .task_stack_bytes = 16 * 1024};
    struct model_report report;
    assert_int_equal(run_with(&model_async, &options, &report, cancel_call_in_line, NULL), 0);
}

#define CROWD (IS_INSTRUMENTED ? 2000 : 100000)
#define THREADS (IS_INSTRUMENTED ? 200 : 500)

static int sleep_till_cancelled(void *arg) {
    atomic_fetch_add((atomic_int *)arg, 1);
    return task_sleep(LONG_NS);
}

static int cancel_a_crowd(void *arg) {
    int count = *(int *)arg;
    atomic_int asleep = 0;
    struct task **tasks = malloc((size_t)count * sizeof *tasks);
    int *results = malloc((size_t)count * sizeof *results);
    for (int i = 0; i < count; i++)
        EXPECT(task_spawn(&tasks[i], "sleeper", sleep_till_cancelled, &asleep), 0);
    YIELD_UNTIL(atomic_load(&asleep) == count);
    int64_t begin_ns = clock_now_ns();
    for (int i = 0; i < count; i++)
        EXPECT(task_cancel(tasks[i]), true);
    EXPECT(task_gather(tasks, (size_t)count, results), -ECANCELED);
    int64_t each_ns = (clock_now_ns() - begin_ns) / count;
    for (int i = 0; i < count; i++)
        EXPECT(results[i], -ECANCELED);
    free(tasks);
    free(results);
    return (int)each_ns;
}

static void a_hundred_thousand_sleeping_coroutines_are_cancelled(void **state) {
    (void)state;
    struct model_options options = {.helpers = 1, .task_stack_bytes = 1024};
    struct model_report report;
    int each_ns = run_with(&model_async, &options, &report, cancel_a_crowd, &(int){CROWD});
    print_message("           %d tasks, %d ns a cancellation and its gather\n", CROWD, each_ns);
    if (!IS_INSTRUMENTED)
        assert_in_range(each_ns, 0, 20000);
}

static void a_crowd_of_sleeping_threads_is_cancelled(void **state) {
    (void)state;
    int each_ns = run_in(&model_threads, 0, cancel_a_crowd, &(int){THREADS});
    print_message("           %d threads, %d ns a cancellation and its gather\n", THREADS, each_ns);
}

/* An argument is a pattern of the tests to run. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wait_ends_when_its_task_is_cancelled),
        cmocka_unit_test(a_pool_cancels_also_what_runs_inside_its_waiter),
        cmocka_unit_test(a_task_cancelled_before_it_starts_ends_with_that),
        cmocka_unit_test(a_cancellation_is_told_once_and_by_the_next_wait),
        cmocka_unit_test(a_detached_task_may_be_cancelled),
        cmocka_unit_test(an_ended_task_cannot_be_cancelled),
        cmocka_unit_test(a_task_may_go_on_after_a_cancellation),
        cmocka_unit_test(a_cancellation_reaches_the_end_of_a_chain_of_awaits),
        cmocka_unit_test(a_timeout_cancels_the_task_and_awaits_its_end),
        cmocka_unit_test(a_task_that_ends_in_time_is_not_cancelled),
        cmocka_unit_test(a_timeout_holds_for_a_task_that_has_not_begun),
        cmocka_unit_test(an_offloaded_call_that_has_begun_is_waited_for),
        cmocka_unit_test(a_cancelled_task_makes_no_offloaded_call),
        cmocka_unit_test(an_offloaded_call_cancelled_while_in_line_is_not_made),
        cmocka_unit_test(a_hundred_thousand_sleeping_coroutines_are_cancelled),
        cmocka_unit_test(a_crowd_of_sleeping_threads_is_cancelled),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
