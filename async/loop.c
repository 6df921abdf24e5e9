#include "async/loop.h"

#include "async/detector.h"
#include "clock.h"
#include "report.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Timers and descriptors are looked at between turns, so that a crowd of ready tasks, or some that
   compute and yield, delay them by about this much, not by the whole crowd. A turn is counted in
   switches, and in yields apart from them, since reading the clock costs as much as several; how
   many fit is found by trying. Tasks that wait soon must not make room for yields that take long.
 */
#define TURN_NS (20 * NS_PER_US)
#define TURN_SWITCHES_MIN 8 /* of the first turn after a wait */
#define TURN_SWITCHES_MAX 1024

_Thread_local struct loop *loop;

/* It only ends libevent's wait; what is due is found by the loop. */
static void on_timer(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct loop *l = arg;
    l->armed_ns = INT64_MAX;
}

static struct event_base *create_base(void) {
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

/* A timerfd of the loop's own waits to the nanosecond. libevent's precise timer has one too, but
   sets it before every wait, where ours is set when the earliest deadline changes. Edge-triggered,
   so that neither it nor the eventfd need be read. Returns 0 or a negative errno. */
static int create_timer(struct loop *l, bool is_coarse) {
    if (is_coarse) {
        l->timer_event = evtimer_new(l->base, on_timer, l);
        return l->timer_event ? 0 : -ENOMEM;
    }
    l->timer_descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->timer_descriptor < 0)
        return -errno;
    l->timer_event =
        event_new(l->base, l->timer_descriptor, EV_READ | EV_PERSIST | EV_ET, on_timer, l);
    return l->timer_event && event_add(l->timer_event, NULL) == 0 ? 0 : -ENOMEM;
}

static int create_events(struct loop *l, const struct loop_options *options) {
    errno = 0;
    l->base = create_base();
    if (!l->base)
        return errno ? -errno : -ENOMEM;
    int err = create_timer(l, options->has_coarse_timer);
    if (err)
        return err;
    l->told_event =
        event_new(l->base, options->descriptor, EV_READ | EV_PERSIST | EV_ET, options->on_told, l);
    return l->told_event && event_add(l->told_event, NULL) == 0 ? 0 : -ENOMEM;
}

int loop_create(struct loop **out, const struct loop_options *options) {
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    l->stacks = options->stacks;
    l->helpers = options->helpers;
    l->timer_descriptor = -1;
    l->loops = 1;
    l->armed_ns = INT64_MAX;
    l->turn_switches = TURN_SWITCHES_MIN;
    l->turn_yields = 1;
    timers_init(&l->timers);
    int err = create_events(l, options);
    if (err)
        loop_destroy(l);
    else
        *out = l;
    return err;
}

void loop_make_ready(struct loop *l, struct task *task) {
    task->next = NULL;
    if (l->first_ready)
        l->last_ready->next = task;
    else
        l->first_ready = task;
    l->last_ready = task;
}

static struct task *take_ready(struct loop *l) {
    struct task *task = l->first_ready;
    if (task)
        l->first_ready = task->next;
    return task;
}

/* Of what the detector looks at from its thread: the current task, and the switches, which it may
   take away. They are plain words all the same, since relaxed atomics made a yield 8 % slower. */
#if COROUTINE_TSAN
#define SEEN_BY_DETECTOR __attribute__((no_sanitize_thread))
#else
#define SEEN_BY_DETECTOR
#endif

/* Where to go from a task that waits: straight to the next ready task, or, if there is none or the
   turn is over, to the thread. */
SEEN_BY_DETECTOR static struct coroutine *next_coroutine(struct loop *l) {
    unsigned left = l->switches_left; /* read once: it may become 0 meanwhile */
    l->current = left ? take_ready(l) : NULL;
    if (!l->current)
        return &l->thread;
    l->switches_left = left - 1;
    return &l->current->coroutine;
}

/* Whether there is anything to look at between turns. Other loops may put something in at any time.
 */
static bool has_to_look(const struct loop *l) {
    return l->waits_outside || l->peer || timers_next_ns(&l->timers) != INT64_MAX;
}

SEEN_BY_DETECTOR static void begin_turn(struct loop *l) {
    bool is_cut = has_to_look(l);
    l->switches_left = is_cut ? l->turn_switches : TURN_SWITCHES_MAX;
    l->yields_left = is_cut ? l->turn_yields : TURN_SWITCHES_MAX;
}

static void leave_current(struct loop *l) {
    struct task *self = l->current;
    struct coroutine *next = next_coroutine(l);
    if (next != &self->coroutine) /* a task that yields alone is its own successor */
        coroutine_switch(&self->coroutine, next);
}

static void suspend(struct loop *l, const char *what, bool is_final) {
    struct task *self = l->current;
    if (l->yields_left > l->turn_yields) /* from here on there is something to look at */
        l->yields_left = l->turn_yields;
    self->state = TASK_WAITING;
    self->waiting_for = what;
    self->is_final = is_final;
    leave_current(l);
}

int loop_wait(struct loop *l, const char *what, int64_t deadline) {
    struct task *self = l->current;
    int err = async_take_cancellation(self);
    if (err)
        return err;
    if (deadline != TASK_NO_DEADLINE)
        timers_add(&l->timers, &self->timer, deadline);
    suspend(l, what, false);
    return self->wake_error;
}

void loop_wait_finally(struct loop *l, const char *what) {
    suspend(l, what, true);
}

SEEN_BY_DETECTOR static void cut_turn(struct loop *l) {
    l->switches_left = 0;
}

int loop_yield(struct loop *l) {
    int err = async_take_cancellation(l->current);
    if (err)
        return err;
    loop_make_ready(l, l->current);
    if (--l->yields_left == 0)
        cut_turn(l);
    leave_current(l);
    return 0;
}

void loop_wake(struct loop *l, struct task *task, int wake_error) {
    if (task->timer.ticket)
        timers_remove(&l->timers, &task->timer);
    task->state = TASK_READY;
    task->wake_error = wake_error;
    loop_make_ready(l, task);
}

void loop_call(struct loop *l, void (*function)(void *arg), void *arg) {
    l->call = function;
    l->call_arg = arg;
    coroutine_switch(&l->current->coroutine, &l->thread);
}

void loop_finish(struct loop *l, bool (*cancel)(struct task *task)) {
    l->is_finishing = true;
    for (struct task *task = l->newest; task; task = task->older)
        cancel(task);
}

void loop_exit_task(struct loop *l) {
    struct task *self = l->current;
    l->tasks--;
    if (self == l->main_task)
        loop_finish(l, async_cancel);
    if (self->is_detached) {
        self->next = l->detached_ended;
        l->detached_ended = self;
    }
    coroutine_exit(&self->coroutine, next_coroutine(l));
}

SEEN_BY_DETECTOR void loop_exit_task_by(struct loop *l, void (*function)(void *arg), void *arg) {
    struct task *self = l->current;
    l->call = function;
    l->call_arg = arg;
    l->current = NULL;
    coroutine_exit(&self->coroutine, &l->thread);
}

/* Not by the task itself, whose stack it is. */
static void free_detached(struct loop *l) {
    while (l->detached_ended) {
        struct task *task = l->detached_ended;
        l->detached_ended = task->next;
        async_task_destroy(l, task);
    }
}

/* Runs ready tasks until there is none or the turn is over. Tasks switch among themselves; it comes
   back here for what a task wants done on this stack, too. */
static void run_ready(struct loop *l) {
    begin_turn(l);
    struct coroutine *next = next_coroutine(l);
    while (next != &l->thread) {
        coroutine_switch(&l->thread, next);
        next = &l->thread;
        if (l->call) {
            void (*call)(void *arg) = l->call;
            l->call = NULL;
            call(l->call_arg);
            next = l->current ? &l->current->coroutine : next_coroutine(l);
        }
    }
}

/* As many as fit, from how long a turn took that had `count` of them. */
static unsigned fit(unsigned count, int64_t took_ns) {
    if (took_ns > TURN_NS)
        return count > 1 ? count / 2 : 1;
    return count < TURN_SWITCHES_MAX && 2 * took_ns <= TURN_NS ? 2 * count : count;
}

/* Fits the next turn to how long this one took, if it was cut and began when the last one ended. */
static void fit_turn(struct loop *l, int64_t now_ns) {
    int64_t took_ns = now_ns - l->turn_began_ns;
    if (!l->first_ready)
        l->turn_switches = TURN_SWITCHES_MIN;
    else if (l->turn_began_ns && l->yields_left == 0)
        l->turn_yields = fit(l->turn_yields, took_ns);
    else if (l->turn_began_ns)
        l->turn_switches = fit(l->turn_switches, took_ns);
    l->turn_began_ns = l->first_ready ? now_ns : 0;
}

static void wake_due(struct loop *l, int64_t now_ns) {
    struct timer *timer;
    while ((timer = timers_take_due(&l->timers, now_ns))) {
        struct task *task = (struct task *)((char *)timer - offsetof(struct task, timer));
        loop_wake(l, task, -ETIMEDOUT);
    }
}

static void end_turn(struct loop *l) {
    if (!has_to_look(l))
        return;
    int64_t now_ns = clock_now_ns();
    if (l->detector)
        detector_note_time(l->detector, now_ns);
    fit_turn(l, now_ns);
    wake_due(l, now_ns);
}

/* In microseconds, rounded up, so as not to wake and find nothing due. */
static void arm_coarse_timer(struct loop *l, int64_t next_ns) {
    int64_t after_ns = next_ns - clock_now_ns();
    int64_t after_us = after_ns > 0 ? (after_ns + NS_PER_US - 1) / NS_PER_US : 0;
    struct timeval after = {.tv_sec = after_us / 1000000, .tv_usec = after_us % 1000000};
    event_add(l->timer_event, &after);
}

/* A timer that ends the wait too early is left as it is: most waits for a descriptor end before
   their deadline, and each would move it. */
static void arm_timer(struct loop *l) {
    int64_t next_ns = timers_next_ns(&l->timers);
    if (l->armed_ns <= next_ns)
        return;
    struct itimerspec at = {.it_value = clock_timespec(next_ns)};
    if (l->timer_descriptor < 0)
        arm_coarse_timer(l, next_ns);
    else
        timerfd_settime(l->timer_descriptor, TFD_TIMER_ABSTIME, &at, NULL);
    l->armed_ns = next_ns;
}

static inline bool run_turn(struct loop *l) {
    run_ready(l);
    if (l->detector)
        detector_end_turn(l->detector);
    free_detached(l);
    end_turn(l);
    if (!l->first_ready)
        return false;
    if (l->waits_outside)
        event_base_loop(l->base, EVLOOP_NONBLOCK);
    return true;
}

bool loop_run_turn(struct loop *l) {
    return run_turn(l);
}

void loop_wait_for_events(struct loop *l) {
    arm_timer(l);
    int64_t from_ns = clock_now_ns();
    event_base_loop(l->base, EVLOOP_ONCE);
    int64_t now_ns = clock_now_ns();
    l->idle_ns += now_ns - from_ns;
    if (l->detector)
        detector_note_time(l->detector, now_ns);
}

bool loop_is_stuck(const struct loop *l) {
    return !l->waits_outside && timers_next_ns(&l->timers) == INT64_MAX;
}

bool loop_break_waits(struct loop *l) {
    bool is_any = false;
    for (struct task *task = l->newest; task; task = task->older) {
        if (task->state != TASK_WAITING)
            continue;
        report_line("async: task '%s' waits for %s", task->name, task->waiting_for);
        if (task->is_final)
            continue;
        loop_wake(l, task, -EDEADLK);
        is_any = true;
    }
    return is_any;
}

static int break_deadlock(struct loop *l) {
    report_line("async: deadlock: all %zu tasks wait and nothing can wake them", l->tasks);
    return loop_break_waits(l) ? 0 : -EDEADLK;
}

void loop_free_unowned(struct loop *l) {
    while (l->newest) {
        struct task *task = l->newest;
        if (task != l->main_task)
            report_line("async: task '%s' was neither awaited nor detached", task->name);
        async_task_destroy(l, task);
    }
}

struct loop *loop_take_thread(struct loop *l) {
    struct loop *outer = loop;
    loop = l;
    coroutine_init_thread(&l->thread);
    if (l->detector)
        detector_take_thread(l->detector);
    return outer;
}

int loop_run(struct loop *l, struct task *main_task) {
    struct loop *outer = loop_take_thread(l);
    l->main_task = main_task;
    int err = 0;
    while (l->tasks && !err) {
        if (run_turn(l) || !l->tasks)
            continue;
        if (loop_is_stuck(l))
            err = break_deadlock(l);
        else
            loop_wait_for_events(l);
    }
    loop = outer;
    return err;
}

void loop_destroy(struct loop *l) {
    detector_destroy(l->detector);
    if (l->told_event)
        event_free(l->told_event);
    if (l->timer_event)
        event_free(l->timer_event);
    if (l->timer_descriptor >= 0)
        close(l->timer_descriptor);
    if (l->base)
        event_base_free(l->base);
    timers_destroy(&l->timers);
    free(l);
}
