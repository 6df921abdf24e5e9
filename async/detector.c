#include "async/detector.h"

#include "async/loop.h"
#include "async/offences.h"
#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOKS_WITHIN_LIMIT 8
#define LOOK_INTERVAL_MIN_NS (500 * NS_PER_US) /* more often would cost more than it may */
#define TURNS_TIMED_ONE_IN 32                  /* of those whose time the loop does not read */
#define PATIENCE_NS (2 * NS_PER_S)             /* until one that does not let go is told of */

/* Values of let_go_ns that are no time. */
enum { NOT_ASKED = 0, ASKED = -1 };

/* What the loop does at a moment. All of it changes with every switch, at no cost to the loop: it
   has these counts for itself, and within a turn they are not repeated. */
struct position {
    uint64_t turn;
    unsigned switches_left;
    const struct task *task; /* NULL: none runs */
};

struct detector {
    struct loop *loop;
    int64_t limit_ns;
    int64_t look_interval_ns;
    pthread_t watchdog;
    pthread_mutex_t mutex; /* guards is_stopping */
    pthread_cond_t is_told_to_stop;
    bool is_stopping;

    /* Written by the loop's thread, read by the watchdog. */
    _Atomic pid_t thread_id;
    _Atomic uint64_t turn;
    _Atomic int64_t noted_ns;  /* no task ran then */
    _Atomic int64_t let_go_ns; /* ASKED by the watchdog; then by the loop, when the turn ended */

    /* The watchdog's own. */
    struct position position; /* when it last looked */
    int64_t looked_ns;
    int64_t began_ns; /* of the position, no later than this */
    bool is_late;     /* the task has passed the limit; `offence` is under way */
    bool is_told;     /* that it goes on */
    struct offence offence;
    struct offences offences;
    struct unwinder *unwinder;
    struct snapshot snapshot;
};

void detector_take_thread(struct detector *detector) {
    atomic_store(&detector->thread_id, gettid());
}

void detector_note_time(struct detector *detector, int64_t now_ns) {
    atomic_store_explicit(&detector->noted_ns, now_ns, memory_order_relaxed);
}

void detector_end_turn(struct detector *detector) {
    uint64_t turn = atomic_load_explicit(&detector->turn, memory_order_relaxed) + 1;
    atomic_store_explicit(&detector->turn, turn, memory_order_relaxed);
    bool is_asked = atomic_load_explicit(&detector->let_go_ns, memory_order_relaxed) == ASKED;
    if (!is_asked && turn % TURNS_TIMED_ONE_IN)
        return;
    int64_t now_ns = clock_now_ns();
    detector_note_time(detector, now_ns);
    int64_t asked = ASKED;
    if (is_asked)
        atomic_compare_exchange_strong(&detector->let_go_ns, &asked, now_ns);
}

static struct position read_position(const struct detector *d) {
    return (struct position){
        .turn = atomic_load_explicit(&d->turn, memory_order_acquire),
        .switches_left = __atomic_load_n(&d->loop->switches_left, __ATOMIC_ACQUIRE),
        .task = __atomic_load_n(&d->loop->current, __ATOMIC_ACQUIRE),
    };
}

/* The task may have got the loop's last switches taken away. */
static bool is_still(const struct position *before, const struct position *now) {
    return now->task && now->task == before->task && now->turn == before->turn &&
           (now->switches_left == before->switches_left || !now->switches_left);
}

static bool holds_still(const struct detector *d) {
    struct position now = read_position(d);
    return is_still(&d->position, &now);
}

/* Ends the turn when the task lets go, whoever is ready then, so that the time of it is known. The
   loop may just take a switch itself: then the turn ends a little later. */
static void shorten_turn(struct detector *d) {
    unsigned left = d->position.switches_left;
    __atomic_compare_exchange_n(&d->loop->switches_left, &left, 0, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

/* The name is its owner's only until the task ends: what was copied counts if it still runs. */
static bool copy_task(const struct detector *d, struct task *copy, char name[OFFENCE_NAME_BYTES]) {
    memset(copy, 0, sizeof *copy);
    memset(name, 0, OFFENCE_NAME_BYTES);
    if (snapshot_copy(copy, (uintptr_t)d->position.task, sizeof *copy) == sizeof *copy)
        snapshot_copy(name, (uintptr_t)copy->name, OFFENCE_NAME_BYTES - 1);
    return holds_still(d);
}

static void find_place(struct detector *d, uint64_t outermost) {
    int err = snapshot_take(&d->snapshot, d->thread_id);
    if (!holds_still(d))
        err = -ESRCH;
    d->offence.place_error = err;
    d->offence.place.count = d->offence.place.own = 0;
    if (!err)
        unwinder_walk(d->unwinder, &d->snapshot, outermost, &d->offence.place);
}

static void begin_offence(struct detector *d) {
    struct task copy;
    atomic_store(&d->let_go_ns, ASKED);
    shorten_turn(d);
    if (!copy_task(d, &copy, d->offence.task_name)) {
        atomic_store(&d->let_go_ns, NOT_ASKED);
        return;
    }
    d->is_late = true;
    d->is_told = false;
    find_place(d, (uint64_t)(uintptr_t)copy.function);
}

static void end_offence(struct detector *d, int64_t let_go_ns) {
    atomic_store(&d->let_go_ns, NOT_ASKED);
    d->is_late = false;
    d->offence.held_ns = let_go_ns - d->began_ns;
    offences_add(&d->offences, &d->offence);
}

static void follow_offence(struct detector *d, int64_t now_ns) {
    bool has_let_go = !holds_still(d);
    int64_t let_go_ns = atomic_load(&d->let_go_ns);
    if (let_go_ns != ASKED) {
        end_offence(d, let_go_ns);
    } else if (has_let_go) { /* in the moment it was asked for the time of it */
        end_offence(d, now_ns);
    } else if (!d->is_told && now_ns - d->began_ns > PATIENCE_NS) {
        d->is_told = true;
        d->offence.held_ns = now_ns - d->began_ns;
        offences_tell_unfinished(&d->offences, &d->offence);
    }
}

static void follow_loop(struct detector *d, int64_t now_ns) {
    struct position now = read_position(d);
    if (!is_still(&d->position, &now)) {
        int64_t noted_ns = atomic_load_explicit(&d->noted_ns, memory_order_relaxed);
        d->began_ns = noted_ns > d->looked_ns ? noted_ns : d->looked_ns;
        d->position = now;
    } else if (now_ns - d->began_ns >= d->limit_ns) {
        begin_offence(d);
    }
}

/* Returns when to look again: at the limit, if that comes first. */
static int64_t look(struct detector *d) {
    int64_t now_ns = clock_now_ns();
    if (d->is_late)
        follow_offence(d, now_ns);
    if (!d->is_late)
        follow_loop(d, now_ns);
    d->looked_ns = now_ns;
    int64_t next_ns = now_ns + d->look_interval_ns;
    int64_t limit_ns = d->began_ns + d->limit_ns;
    return d->position.task && limit_ns > now_ns && limit_ns < next_ns ? limit_ns : next_ns;
}

static void *watchdog_main(void *arg) {
    struct detector *d = arg;
    pthread_mutex_lock(&d->mutex);
    while (!d->is_stopping) {
        pthread_mutex_unlock(&d->mutex);
        struct timespec next = clock_timespec(look(d));
        pthread_mutex_lock(&d->mutex);
        if (!d->is_stopping)
            pthread_cond_timedwait(&d->is_told_to_stop, &d->mutex, &next);
    }
    pthread_mutex_unlock(&d->mutex);
    if (d->is_late)
        follow_offence(d, clock_now_ns());
    unwinder_destroy(d->unwinder);
    return NULL;
}

/* Signals are the program's affair; and none may come to the tracer, which shares its memory. */
static int start_watchdog(struct detector *d) {
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    int err = pthread_create(&d->watchdog, NULL, watchdog_main, d);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return -err;
}

static void init_waiting(struct detector *d) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&d->is_told_to_stop, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&d->mutex, NULL);
}

static void free_detector(struct detector *d) {
    pthread_mutex_destroy(&d->mutex);
    pthread_cond_destroy(&d->is_told_to_stop);
    free(d);
}

int detector_create(struct detector **out, struct loop *l, int64_t limit_ns) {
    struct detector *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->loop = l;
    d->limit_ns = limit_ns;
    d->look_interval_ns = limit_ns / LOOKS_WITHIN_LIMIT;
    if (d->look_interval_ns < LOOK_INTERVAL_MIN_NS)
        d->look_interval_ns = LOOK_INTERVAL_MIN_NS;
    offences_init(&d->offences, l->number, l->loops);
    d->looked_ns = clock_now_ns();
    atomic_init(&d->noted_ns, d->looked_ns);
    snapshot_allow();
    init_waiting(d);
    int err = unwinder_create(&d->unwinder);
    if (!err) {
        err = start_watchdog(d);
        if (err)
            unwinder_destroy(d->unwinder);
    }
    if (err)
        free_detector(d);
    else
        *out = d;
    return err;
}

void detector_destroy(struct detector *detector) {
    if (!detector)
        return;
    pthread_mutex_lock(&detector->mutex);
    detector->is_stopping = true;
    pthread_mutex_unlock(&detector->mutex);
    pthread_cond_signal(&detector->is_told_to_stop);
    pthread_join(detector->watchdog, NULL);
    offences_summarise(&detector->offences);
    free_detector(detector);
}
