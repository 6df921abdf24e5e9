#include "async/helpers.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct helpers {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t is_work;
    struct job *first, *last; /* not begun */
    size_t waiting;           /* how many these are */
    struct job *done;
    size_t idle; /* threads; one that has been woken for a job counts until it takes it */
    size_t started;
    size_t count;
    bool is_stopping;
    int descriptor;
    pthread_t threads[];
};

int helpers_create(struct helpers **out, size_t count) {
    struct helpers *helpers = calloc(1, sizeof *helpers + count * sizeof(pthread_t));
    if (!helpers)
        return -ENOMEM;
    helpers->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (helpers->descriptor < 0) {
        int err = -errno;
        free(helpers);
        return err;
    }
    helpers->count = count;
    pthread_mutex_init(&helpers->mutex, NULL);
    pthread_cond_init(&helpers->is_work, NULL);
    *out = helpers;
    return 0;
}

void helpers_destroy(struct helpers *helpers) {
    if (!helpers)
        return;
    pthread_mutex_lock(&helpers->mutex);
    helpers->is_stopping = true;
    pthread_mutex_unlock(&helpers->mutex);
    pthread_cond_broadcast(&helpers->is_work);
    for (size_t i = 0; i < helpers->started; i++)
        pthread_join(helpers->threads[i], NULL);
    pthread_cond_destroy(&helpers->is_work);
    pthread_mutex_destroy(&helpers->mutex);
    close(helpers->descriptor);
    free(helpers);
}

int helpers_descriptor(const struct helpers *helpers) {
    return helpers->descriptor;
}

static struct job *take_first(struct helpers *helpers) {
    struct job *job = helpers->first;
    if (job) {
        helpers->first = job->next;
        helpers->waiting--;
    }
    return job;
}

static void put_done(struct helpers *helpers, struct job *job) {
    job->next = helpers->done;
    helpers->done = job;
    (void)!write(helpers->descriptor, &(uint64_t){1}, sizeof(uint64_t));
}

static void *helper_main(void *arg) {
    struct helpers *helpers = arg;
    pthread_mutex_lock(&helpers->mutex);
    while (!helpers->is_stopping) {
        struct job *job = take_first(helpers);
        if (!job) {
            helpers->idle++;
            pthread_cond_wait(&helpers->is_work, &helpers->mutex);
            helpers->idle--;
            continue;
        }
        pthread_mutex_unlock(&helpers->mutex);
        job->result = job->function(job->arg);
        void (*on_done)(struct job * job) = job->on_done;
        if (on_done)
            on_done(job);
        pthread_mutex_lock(&helpers->mutex);
        if (!on_done)
            put_done(helpers, job);
    }
    pthread_mutex_unlock(&helpers->mutex);
    return NULL;
}

/* Called with the mutex held. One thread is enough for the job to be made some time. */
static int start_helper(struct helpers *helpers) {
    int err = pthread_create(&helpers->threads[helpers->started], NULL, helper_main, helpers);
    if (!err)
        helpers->started++;
    return helpers->started ? 0 : -err;
}

int helpers_submit(struct helpers *helpers, struct job *job) {
    int err = 0;
    pthread_mutex_lock(&helpers->mutex);
    if (helpers->idle <= helpers->waiting && helpers->started < helpers->count)
        err = start_helper(helpers);
    if (!err) {
        job->next = NULL;
        *(helpers->first ? &helpers->last->next : &helpers->first) = job;
        helpers->last = job;
        helpers->waiting++;
    }
    pthread_mutex_unlock(&helpers->mutex);
    pthread_cond_signal(&helpers->is_work);
    return err;
}

bool helpers_withdraw(struct helpers *helpers, struct job *job) {
    pthread_mutex_lock(&helpers->mutex);
    struct job *previous = NULL, *at = helpers->first;
    while (at && at != job) {
        previous = at;
        at = at->next;
    }
    if (at) {
        *(previous ? &previous->next : &helpers->first) = job->next;
        if (helpers->last == job)
            helpers->last = previous;
        helpers->waiting--;
    }
    pthread_mutex_unlock(&helpers->mutex);
    return at;
}

struct job *helpers_take_done(struct helpers *helpers) {
    uint64_t count;
    (void)!read(helpers->descriptor, &count, sizeof count);
    pthread_mutex_lock(&helpers->mutex);
    struct job *done = helpers->done;
    helpers->done = NULL;
    pthread_mutex_unlock(&helpers->mutex);
    return done;
}
