#include "async/multi/engine.h"

#include <errno.h>

/* Bits of a task's mail. */
enum {
    MAIL_START = 1,
    MAIL_WAKE = 2,
    MAIL_CANCEL = 4,
    MAIL_CLOSED = 8, /* nothing more is delivered */
};

struct task_watch multi_watch_ended, multi_watch_detached, multi_watch_freed;

bool multi_is_done(const struct task *task) {
    return atomic_load(&multi_task_of(task)->watch) == &multi_watch_ended;
}

/* Whoever finds no mail puts the entry in; until that is delivered the task cannot end. */
static void post(struct multi_task *task, unsigned bit) {
    if (!atomic_fetch_or(&task->mail, bit))
        inbox_put(task->home, &task->entry);
}

/* At home. A task that runs or is ready has had its wait ended otherwise. */
static void wake(struct loop *l, struct multi_task *task) {
    if (task->task.state == TASK_WAITING)
        loop_wake(l, &task->task, 0);
    else
        task->is_woken = true;
}

void multi_wake(struct task *t) {
    struct multi_task *task = multi_task_of(t);
    if (task->home == loop)
        wake(loop, task);
    else
        post(task, MAIL_WAKE);
}

void multi_await_wake(const char *what) {
    struct multi_task *self = multi_task_of(loop->current);
    if (!self->is_woken)
        loop_wait_finally(loop, what);
    self->is_woken = false;
}

void multi_accept_wake(const char *what, int err) {
    multi_await_wake(what);
    if (err == -ECANCELED)
        loop->current->is_cancelled = true;
}

/* At home. */
static void cancel(struct loop *l, struct task *task) {
    if (task->state == TASK_WAITING && !task->is_final)
        loop_wake(l, task, -ECANCELED);
    else
        task->is_cancelled = true;
}

/* Whether it has ended is known for certain at its home only; elsewhere it may just be ending. */
bool multi_cancel(struct task *task) {
    if (multi_is_done(task))
        return false;
    if (multi_task_of(task)->home == loop)
        cancel(loop, task);
    else
        post(multi_task_of(task), MAIL_CANCEL);
    return true;
}

static int fail_to_start(void *arg) {
    (void)arg;
    return -ENOMEM;
}

static void start(struct loop *l, struct task *task) {
    if (!timers_have_room(&l->timers, l->tasks + 1) && timers_reserve(&l->timers, l->tasks + 1))
        task->function = fail_to_start;
    loop_enter(l, task);
}

static void deliver_mail(struct loop *l, struct inbox_entry *entry) {
    struct multi_task *task =
        (struct multi_task *)((char *)entry - offsetof(struct multi_task, entry));
    unsigned mail = atomic_fetch_and(&task->mail, MAIL_CLOSED);
    if (mail & MAIL_START)
        start(l, &task->task);
    if (mail & MAIL_WAKE)
        wake(l, task);
    if (mail & MAIL_CLOSED)
        loop_wake(l, &task->task, 0);
    else if (mail & MAIL_CANCEL)
        cancel(l, &task->task);
}

static void close_mail(struct multi_task *self) {
    if (atomic_fetch_or(&self->mail, MAIL_CLOSED))
        loop_wait_finally(loop, "its mail");
}

/* By a thread that may be any. */
static void free_task(struct multi_task *task) {
    task->task.state = TASK_FREED;
    atomic_store(&task->watch, &multi_watch_freed);
    coroutine_destroy(&task->task.coroutine);
    if (task->spawned_by == loop)
        stack_give(&task->task.stack);
    else
        stack_give_from_afar(&task->task.stack);
}

/* On the thread's stack: from the exchange on the task is its owner's, to be freed at any time,
   stack and all, unless it is detached. */
static void end(void *arg) {
    struct multi_task *task = arg;
    struct loop *l = loop;
    loop_remove(l, &task->task);
    l->tasks--;
    if (&task->task == l->main_task)
        group_finish(l->peer->group);
    struct task_watch *watch = atomic_exchange(&task->watch, &multi_watch_ended);
    if (watch == &multi_watch_detached)
        free_task(task);
    else if (watch)
        multi_watch_tell(watch, &task->task);
}

static void task_main(void *arg) {
    struct multi_task *self = arg;
    loop_run_function(loop);
    close_mail(self);
    self->task.state = TASK_ENDED;
    loop_exit_task_by(loop, end, self);
}

struct multi_task *multi_task_create(struct loop *home, struct loop *spawned_by,
                                     struct stack_pool *stacks, const char *name,
                                     task_function *function, void *arg) {
    struct multi_task *task = (struct multi_task *)stack_take(stacks);
    if (!task)
        return NULL;
    async_task_init(&task->task, name, function, arg, task_main);
    if (!task->home) { /* a new record; others may look at an old one's home */
        task->home = home;
        task->spawned_by = spawned_by;
        task->entry.deliver = deliver_mail;
    }
    task->is_woken = false;
    atomic_store_explicit(&task->watch, NULL, memory_order_relaxed);
    atomic_store_explicit(&task->mail, 0, memory_order_relaxed);
    return task;
}

static int spawn_here(struct task **out, const char *name, task_function *function, void *arg) {
    struct multi_task *task =
        loop_make_timer_room(loop)
            ? NULL
            : multi_task_create(loop, loop, loop->stacks, name, function, arg);
    if (!task)
        return -ENOMEM;
    loop_enter(loop, &task->task);
    *out = &task->task;
    return 0;
}

static int spawn_there(struct task **out, struct peer *peer, const char *name,
                       task_function *function, void *arg) {
    struct multi_task *task =
        multi_task_create(peer->loop, loop, peer->dealt_stacks, name, function, arg);
    if (!task)
        return -ENOMEM;
    *out = &task->task;
    post(task, MAIL_START);
    return 0;
}

int multi_spawn(struct task **out, const char *name, task_function *function, void *arg) {
    if (loop->current != loop->main_task)
        return spawn_here(out, name, function, arg);
    struct group *group = loop->peer->group;
    struct peer *peer = &group->peers[group->next];
    group->next = (group->next + 1) % group->count;
    if (peer->loop == loop)
        return spawn_here(out, name, function, arg);
    return spawn_there(out, peer, name, function, arg);
}

void multi_detach(struct task *t) {
    struct multi_task *task = multi_task_of(t);
    struct task_watch *none = NULL;
    if (!atomic_compare_exchange_strong(&task->watch, &none, &multi_watch_detached))
        free_task(task);
}

int multi_reap(struct task *task) {
    int result = task->result;
    free_task(multi_task_of(task));
    return result;
}

struct call {
    struct inbox_entry entry;
    void (*function)(void *arg);
    void *arg;
    struct task *caller;
};

static void deliver_call(struct loop *l, struct inbox_entry *entry) {
    (void)l;
    struct call *call = (struct call *)entry;
    call->function(call->arg);
    multi_wake(call->caller);
}

void multi_call(struct loop *at, void (*function)(void *arg), void *arg) {
    struct call call = {
        .entry.deliver = deliver_call, .function = function, .arg = arg, .caller = loop->current};
    inbox_put(at, &call.entry);
    loop_wait_finally(loop, "another loop");
}
