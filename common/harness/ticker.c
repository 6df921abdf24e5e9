#include "harness/ticker.h"

#include "clock.h"
#include "harness/cpus.h"
#include "harness/distribution.h"
#include "service/service.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* One core's. */
struct tick_thread {
    struct ticker *ticker;
    pthread_t thread;
    struct histogram *lateness;
    const char *priority; /* set before it is ready */
};

struct ticker {
    int64_t tick_ns;
    sem_t ready;             /* posted by each thread before its first tick is due */
    atomic_llong stopped_ns; /* 0: not yet */
    struct tick_thread *threads;
    size_t count;   /* of cores */
    size_t started; /* of those, with a thread */
};

/* The best that may be had of the calling thread's; returns its name. */
static const char *raise_priority(void) {
    struct sched_param realtime = {.sched_priority = 1};
    prctl(PR_SET_TIMERSLACK, 1);
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &realtime) == 0)
        return "realtime";
    return setpriority(PRIO_PROCESS, 0, -20) == 0 ? "nice" : "none"; /* of a thread, on Linux */
}

/* A tick that could not begin in time is made late, and so are those behind it. */
static void *tick(void *arg) {
    struct tick_thread *own = arg;
    struct ticker *ticker = own->ticker;
    own->priority = raise_priority();
    int64_t begin_ns = clock_now_ns();
    sem_post(&ticker->ready);
    for (int64_t due_ns = begin_ns + ticker->tick_ns;; due_ns += ticker->tick_ns) {
        struct timespec due = clock_timespec(due_ns);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
            continue;
        int64_t stopped_ns = atomic_load(&ticker->stopped_ns);
        if (stopped_ns && due_ns > stopped_ns)
            return NULL;
        histogram_record(own->lateness, clock_now_ns() - due_ns);
    }
}

static int start_thread(struct ticker *ticker, struct tick_thread *own, size_t core) {
    cpu_set_t set;
    pthread_attr_t attributes;
    *own = (struct tick_thread){.ticker = ticker};
    int err = histogram_create(&own->lateness);
    if (err)
        return err;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    err = -pthread_create(&own->thread, &attributes, tick, own);
    pthread_attr_destroy(&attributes);
    if (err)
        histogram_destroy(own->lateness);
    return err;
}

static int start(struct ticker *ticker, const cpu_set_t *cores) {
    int err = 0;
    ticker->count = (size_t)CPU_COUNT(cores);
    ticker->threads = calloc(ticker->count, sizeof *ticker->threads);
    if (!ticker->threads)
        return -ENOMEM;
    for (size_t core = 0; ticker->started < ticker->count && !err; core++) {
        if (!CPU_ISSET(core, cores))
            continue;
        err = start_thread(ticker, &ticker->threads[ticker->started], core);
        ticker->started += !err;
    }
    for (size_t i = 0; i < ticker->started; i++)
        while (sem_wait(&ticker->ready) < 0)
            continue;
    return err;
}

/* Waits for the threads and merges what they counted into the first one's. */
static void join(struct ticker *ticker) {
    for (size_t i = 0; i < ticker->started; i++) {
        pthread_join(ticker->threads[i].thread, NULL);
        if (i > 0)
            histogram_merge(ticker->threads[0].lateness, ticker->threads[i].lateness);
    }
}

static int print(FILE *output, json_t *json, struct message *message) {
    return service_tell(output, json) == 0
               ? 0
               : message_fail(message, -EIO, "ticker: standard output is closed");
}

static int run(struct ticker *ticker, const cpu_set_t *cores, const sigset_t *signals, FILE *output,
               struct message *message) {
    int received;
    int err = start(ticker, cores);
    if (err)
        message_fail(message, err, "ticker: a core could not be given a thread: %s",
                     strerror(-err));
    else
        err = print(output,
                    json_pack("{s:I, s:I, s:s}", "tick_ns", (json_int_t)ticker->tick_ns, "cores",
                              (json_int_t)ticker->count, "priority", ticker->threads[0].priority),
                    message);
    if (!err)
        sigwait(signals, &received);
    atomic_store(&ticker->stopped_ns, clock_now_ns());
    join(ticker);
    return err ? err : print(output, distribution_json(ticker->threads[0].lateness), message);
}

static void destroy(struct ticker *ticker) {
    for (size_t i = 0; i < ticker->started; i++)
        histogram_destroy(ticker->threads[i].lateness);
    free(ticker->threads);
    sem_destroy(&ticker->ready);
}

int ticker_run(const struct ticker_options *options, struct message *message) {
    struct ticker ticker = {.tick_ns = options->tick_ns};
    cpu_set_t cores;
    sigset_t signals;
    if (!options->cpus && sched_getaffinity(0, sizeof cores, &cores) < 0)
        return message_fail(message, -errno, "cpus: cannot read which cores may be used");
    int err = options->cpus ? cpus_parse(options->cpus, &cores, message) : 0;
    if (err)
        return err;
    service_block_stop(&signals);
    sem_init(&ticker.ready, 0, 0);
    err = run(&ticker, &cores, &signals, options->output, message);
    destroy(&ticker);
    return err;
}
