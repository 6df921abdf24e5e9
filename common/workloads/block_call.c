#include "workloads/block_call.h"

#include "clock.h"
#include "workloads/random.h"
#include "workloads/scratch.h"
#include "workloads/slow_resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Hashes between two looks at the clock: some microseconds, against a quarter for the look. */
#define SPIN_HASHES 1000

/* What an fsync has to write, at changing places of the file. */
#define FSYNC_BYTES 16384
#define FSYNC_PLACES 64

/* The lock of one caller, and the thread that holds it when asked to. */
struct lock_holder {
    pthread_mutex_t mutex;
    sem_t asked;
    sem_t held;
    int64_t hold_ns;
    atomic_bool is_stopping;
    pthread_t thread;
    bool is_running;
};

struct block_call {
    struct block_call_options options;
    _Atomic uint64_t hash; /* of all spinning, so that it is not optimised away */
    struct slow_resolver *resolver;
    struct lock_holder *holders; /* one a caller */
    struct scratch scratch;
    int *files; /* one a caller; -1: not open */
};

const char *const block_kind_names[] = {
    [BLOCK_SLEEP] = "sleep", [BLOCK_SPIN] = "spin", [BLOCK_GETADDRINFO] = "getaddrinfo",
    [BLOCK_FSYNC] = "fsync", [BLOCK_LOCK] = "lock", NULL,
};

size_t block_call_stack_bytes(enum block_kind kind) {
    return kind == BLOCK_GETADDRINFO ? (size_t)32 << 10 : 1024;
}

static int sleep_for(int64_t duration_ns) {
    struct timespec until = clock_timespec(clock_now_ns() + duration_ns);
    int err;
    do
        err = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    while (err == EINTR);
    return -err;
}

static int64_t thread_cpu_ns(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}

static int spin(struct block_call *call, uint64_t number) {
    int64_t until_ns = thread_cpu_ns() + call->options.duration_ns;
    uint64_t hash = number;
    do
        for (int i = 0; i < SPIN_HASHES; i++)
            hash = random_mix(hash);
    while (thread_cpu_ns() < until_ns);
    atomic_fetch_xor_explicit(&call->hash, hash, memory_order_relaxed);
    return 0;
}

static int sync_file(int file, uint64_t number) {
    char data[512];
    memset(data, (int)(number & 0xff), sizeof data);
    off_t place = (off_t)(number % FSYNC_PLACES) * FSYNC_BYTES;
    for (off_t at = place; at < place + FSYNC_BYTES; at += (off_t)sizeof data)
        if (pwrite(file, data, sizeof data, at) != (ssize_t)sizeof data)
            return errno ? -errno : -EIO;
    while (fsync(file) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* A pthread semaphore's wait ends early when the thread gets a signal. */
static void await(sem_t *semaphore) {
    while (sem_wait(semaphore) < 0 && errno == EINTR)
        continue;
}

static int lock_held(struct lock_holder *holder) {
    sem_post(&holder->asked);
    await(&holder->held);
    int err = pthread_mutex_lock(&holder->mutex);
    if (!err)
        err = pthread_mutex_unlock(&holder->mutex);
    return -err;
}

static void *hold_when_asked(void *arg) {
    struct lock_holder *holder = arg;
    for (;;) {
        await(&holder->asked);
        if (atomic_load(&holder->is_stopping))
            return NULL;
        pthread_mutex_lock(&holder->mutex);
        sem_post(&holder->held);
        sleep_for(holder->hold_ns);
        pthread_mutex_unlock(&holder->mutex);
    }
}

int block_call_make(struct block_call *call, uint64_t caller, uint64_t number) {
    switch (call->options.kind) {
    case BLOCK_SLEEP:
        return sleep_for(call->options.duration_ns);
    case BLOCK_SPIN:
        return spin(call, number);
    case BLOCK_GETADDRINFO:
        return slow_resolver_look_up(call->resolver, number);
    case BLOCK_FSYNC:
        return sync_file(call->files[caller], number);
    case BLOCK_LOCK:
        return lock_held(&call->holders[caller]);
    }
    return -EINVAL;
}

static int create_holders(struct block_call *call) {
    call->holders = calloc(call->options.callers, sizeof *call->holders);
    if (!call->holders)
        return -ENOMEM;
    int err = 0;
    for (uint64_t i = 0; i < call->options.callers && !err; i++) {
        struct lock_holder *holder = &call->holders[i];
        holder->hold_ns = call->options.duration_ns;
        pthread_mutex_init(&holder->mutex, NULL);
        sem_init(&holder->asked, 0, 0);
        sem_init(&holder->held, 0, 0);
        err = pthread_create(&holder->thread, NULL, hold_when_asked, holder);
        holder->is_running = !err;
    }
    return -err;
}

static void destroy_holders(struct block_call *call) {
    for (uint64_t i = 0; call->holders && i < call->options.callers; i++) {
        struct lock_holder *holder = &call->holders[i];
        if (!holder->is_running)
            break;
        atomic_store(&holder->is_stopping, true);
        sem_post(&holder->asked);
        pthread_join(holder->thread, NULL);
        sem_destroy(&holder->held);
        sem_destroy(&holder->asked);
        pthread_mutex_destroy(&holder->mutex);
    }
    free(call->holders);
}

static int create_files(struct block_call *call, char *message, size_t message_bytes) {
    uint64_t callers = call->options.callers;
    call->files = malloc((callers + 1) * sizeof *call->files);
    if (!call->files)
        return -ENOMEM;
    for (uint64_t i = 0; i < callers; i++)
        call->files[i] = -1;
    int err = scratch_create(&call->scratch);
    for (uint64_t i = 0; i < callers && !err; i++) {
        char name[24];
        snprintf(name, sizeof name, "%llu", (unsigned long long)i);
        call->files[i] = openat(call->scratch.fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        err = call->files[i] < 0 ? -errno : 0;
    }
    if (err)
        snprintf(message, message_bytes, "no file to fsync could be made (try another TMPDIR): %s",
                 strerror(-err));
    return err;
}

static void destroy_files(struct block_call *call) {
    for (uint64_t i = 0; call->files && i < call->options.callers; i++)
        if (call->files[i] >= 0)
            close(call->files[i]);
    free(call->files);
    scratch_destroy(&call->scratch);
}

static int create_needs(struct block_call *call, char *message, size_t message_bytes) {
    const struct block_call_options *options = &call->options;
    switch (options->kind) {
    case BLOCK_GETADDRINFO:
        return slow_resolver_create(&call->resolver, options->duration_ns, options->callers + 1,
                                    message, message_bytes);
    case BLOCK_FSYNC:
        return create_files(call, message, message_bytes);
    case BLOCK_LOCK:
        return create_holders(call);
    default:
        return 0;
    }
}

int block_call_create(struct block_call **out, const struct block_call_options *options,
                      char *message, size_t message_bytes) {
    struct block_call *call = calloc(1, sizeof *call);
    if (!call)
        return -ENOMEM;
    call->options = *options;
    int err = create_needs(call, message, message_bytes);
    if (err)
        block_call_destroy(call);
    else
        *out = call;
    return err;
}

void block_call_destroy(struct block_call *call) {
    if (!call)
        return;
    slow_resolver_destroy(call->resolver);
    destroy_holders(call);
    destroy_files(call);
    free(call);
}
