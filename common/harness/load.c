#include "harness/load.h"

#include "measure/spin.h"
#include "service/service.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Between two looks at whether to stop: some 0.2 ms. */
#define SPIN_TIMES 100000

static atomic_bool is_stopped;

static void *compute(void *arg) {
    volatile uint64_t last; /* asked for, so that the compiler cannot leave the work out */
    while (!atomic_load(&is_stopped))
        last = spin_work(SPIN_TIMES);
    (void)last;
    return arg;
}

static int print(FILE *output, const char *key, int64_t value, struct message *message) {
    return service_tell(output, json_pack("{s:I}", key, (json_int_t)value)) == 0
               ? 0
               : message_fail(message, -EIO, "load: standard output is closed");
}

/* Starts as many as can be; the count goes to *started. */
static int start(pthread_t *threads, int64_t count, int64_t *started, struct message *message) {
    for (*started = 0; *started < count; ++*started) {
        int err = -pthread_create(&threads[*started], NULL, compute, NULL);
        if (err)
            return message_fail(message, err, "load: thread %lld of %lld: %s",
                                (long long)*started + 1, (long long)count, strerror(-err));
    }
    return 0;
}

int load_run(const struct load_options *options, struct message *message) {
    pthread_t threads[LOAD_THREADS_MAX];
    int64_t started;
    sigset_t signals;
    int received;
    service_block_stop(&signals);
    int err = start(threads, options->threads, &started, message);
    if (!err)
        err = print(options->output, "threads", options->threads, message);
    if (!err)
        sigwait(&signals, &received);
    atomic_store(&is_stopped, true);
    for (int64_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return err ? err : print(options->output, "cpu_ns", service_cpu_ns(), message);
}
