#include "async/multi/engine.h"
#include "async/overflow.h"
#include "report.h"

#include <errno.h>

/* When is a run over, and when is it a deadlock? When nothing is left that could make a task go on:
   no task is ready, no wait has a deadline or is for something outside, no inbox holds anything. Of
   its own loop each thread knows that when it goes to sleep, all but the inbox, which it marks as
   parked in the same step in which it sees it empty. Then it takes itself out of the count of
   active loops. Who ends a park, by an entry or by itself, counts the loop again before it does. So
   a loop's part in the count is 0 only from after it has parked until before anything else happens
   to it, and never less; and whoever puts an entry into a parked loop's inbox runs on a loop that
   is active, or counts as such (one whose task waits for something outside: a helper, or a
   descriptor). When a loop that parks brings the count to 0, then all are parked at that moment,
   with empty inboxes, and none can be woken but by a descriptor or a timer that nobody waits for
   any more. One that is woken so waits at the gate, and touches nothing before. */

static void pass_gate(struct group *group) {
    pthread_mutex_lock(&group->gate);
    pthread_mutex_unlock(&group->gate);
}

static size_t count_tasks(const struct group *group) {
    size_t tasks = 0;
    for (size_t i = 0; i < group->count; i++)
        tasks += group->peers[i].loop->tasks;
    return tasks;
}

/* Ends the waits of all loops before any of them goes on and changes things. */
static bool break_deadlock(struct group *group, size_t tasks) {
    bool is_any = false;
    report_line("async: deadlock: all %zu tasks wait and nothing can wake them", tasks);
    for (size_t i = 0; i < group->count; i++)
        is_any |= loop_break_waits(group->peers[i].loop);
    return is_any;
}

/* With the gate held, and all loops parked but the caller's, which is the only active one. */
static void settle(struct group *group, struct loop *l) {
    size_t tasks = count_tasks(group);
    if (!tasks || !break_deadlock(group, tasks)) {
        group->is_over = true;
        group->err = tasks ? -EDEADLK : 0;
    }
    for (size_t i = 0; i < group->count; i++)
        if (group->peers[i].loop != l)
            inbox_put(group->peers[i].loop, &group->peers[i].go_on);
}

/* If all loops are still parked, the caller's stops to be and settles it for all. */
static bool settle_if_all_parked(struct loop *l) {
    struct group *group = l->peer->group;
    size_t none = 0;
    pthread_mutex_lock(&group->gate);
    bool is_all = atomic_compare_exchange_strong(&group->active, &none, 1);
    if (is_all) {
        atomic_store(&l->peer->inbox, NULL);
        settle(group, l);
    }
    pthread_mutex_unlock(&group->gate);
    return is_all;
}

static void sleep_parked(struct loop *l) {
    struct group *group = l->peer->group;
    if (!inbox_fall_asleep(l, true))
        return;
    if (atomic_fetch_sub(&group->active, 1) == 1 && settle_if_all_parked(l))
        return;
    loop_wait_for_events(l);
    inbox_wake_up(l);
    pass_gate(group);
}

static void sleep_awaiting(struct loop *l) {
    if (!inbox_fall_asleep(l, false))
        return;
    loop_wait_for_events(l);
    inbox_wake_up(l);
}

/* The inbox comes before the turn, which ends with a look at the timers: what is cancelled leaves a
   timer that is not to be slept for. */
static void run_loop(struct loop *l) {
    struct loop *outer = loop_take_thread(l);
    while (!l->peer->group->is_over) {
        inbox_deliver(l);
        if (loop_run_turn(l))
            continue;
        if (loop_is_stuck(l))
            sleep_parked(l);
        else
            sleep_awaiting(l);
    }
    loop = outer;
}

static void *loop_main(void *arg) {
    struct loop *l = arg;
    int err = overflow_watch_thread();
    pass_gate(l->peer->group); /* all threads are started, or the run is over */
    run_loop(l);
    if (!err)
        overflow_unwatch_thread();
    return NULL;
}

int group_run(struct group *group, struct task *main_task) {
    size_t started = 1;
    atomic_store(&group->active, group->count);
    pthread_mutex_lock(&group->gate);
    while (started < group->count && !group->err) {
        struct peer *peer = &group->peers[started];
        group->err = -pthread_create(&peer->thread, NULL, loop_main, peer->loop);
        started += !group->err;
    }
    group->is_over = group->err != 0;
    pthread_mutex_unlock(&group->gate);
    group->peers[0].loop->main_task = main_task;
    run_loop(group->peers[0].loop);
    while (started-- > 1)
        pthread_join(group->peers[started].thread, NULL);
    return group->err;
}

void group_finish(struct group *group) {
    for (size_t i = 0; i < group->count; i++) {
        struct loop *l = group->peers[i].loop;
        if (l == loop)
            loop_finish(l, multi_cancel);
        else
            inbox_put(l, &group->peers[i].finish);
    }
}
