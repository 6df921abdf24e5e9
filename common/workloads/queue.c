/* Producers and consumers over one bounded queue. A batch of items is put by one producer, and as
   many are taken, of whichever batches, by one consumer. */
#include "workloads/workload.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/queue.h"
#include "workloads/busy.h"
#include "workloads/fan_out.h"
#include "workloads/random.h"

/* Of all batches together, so that their memory stays within a few GiB. */
#define ITEMS_MAX 100000000

struct queue_params {
    struct workload_params common;
    int64_t producers;
    int64_t consumers;
    int64_t capacity;
    int64_t items;
    int64_t batches;
};

struct item {
    uint64_t producer;
    uint64_t payload;
};

struct queue_state {
    const struct queue_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
    struct queue *queue;
    struct item *items;         /* of all batches */
    const struct item **newest; /* for each consumer, for each producer: taken last */
    _Atomic uint64_t taken_sum; /* of the payloads of all items taken */
    _Atomic uint64_t in_order;  /* items taken behind all that their producer put before */
};

/* Batch b is put by producer b % producers in operation b; consumer b % consumers takes as many
   items in operation batches + b. */
static uint64_t queue_operations(const void *params) {
    return 2 * (uint64_t)((const struct queue_params *)params)->batches;
}

static uint64_t payload(const struct queue_params *params, uint64_t item) {
    return random_at((uint64_t)params->common.seed, item);
}

static uint64_t sum_payloads(const struct queue_params *params, uint64_t begin, uint64_t end) {
    uint64_t sum = 0;
    for (uint64_t item = begin; item < end; item++)
        sum += payload(params, item);
    return sum;
}

static int put_batch(const struct queue_state *s, uint64_t batch, uint64_t *sum) {
    struct item *item = &s->items[batch * (uint64_t)s->params->items];
    int err = 0;
    for (int64_t i = 0; i < s->params->items && !err; i++, item++) {
        *sum += item->payload;
        err = queue_put(s->queue, item, TASK_NO_DEADLINE);
    }
    return err;
}

/* The value of a producer's operation is the sum of what it put. */
static int produce(const struct queue_state *s, uint64_t producer) {
    int err = 0;
    for (uint64_t batch = producer; batch < (uint64_t)s->params->batches && !err;
         batch += (uint64_t)s->params->producers) {
        uint64_t sum = 0;
        operation_begin(s->recorder, batch);
        err = put_batch(s, batch, &sum);
        operation_end(s->recorder, batch, err, sum);
    }
    return err;
}

/* Items that one consumer takes of one producer come in the order in which they lie. */
static int take_batch(const struct queue_state *s, const struct item **newest, uint64_t *in_order,
                      uint64_t *sum) {
    int err = 0;
    for (int64_t i = 0; i < s->params->items && !err; i++) {
        void *taken;
        err = queue_get(s->queue, TASK_NO_DEADLINE, &taken);
        if (err)
            break;
        const struct item *item = taken;
        *in_order += item > newest[item->producer];
        newest[item->producer] = item;
        *sum += item->payload;
    }
    return err;
}

/* The value of a consumer's operation is how many of its items came in order. */
static int consume(struct queue_state *s, uint64_t consumer) {
    const struct item **newest = &s->newest[consumer * (uint64_t)s->params->producers];
    uint64_t batches = (uint64_t)s->params->batches;
    int err = 0;
    for (uint64_t batch = consumer; batch < batches && !err;
         batch += (uint64_t)s->params->consumers) {
        uint64_t in_order = 0, sum = 0;
        operation_begin(s->recorder, batches + batch);
        err = take_batch(s, newest, &in_order, &sum);
        operation_end(s->recorder, batches + batch, err, in_order);
        atomic_fetch_add(&s->in_order, in_order);
        atomic_fetch_add(&s->taken_sum, sum);
    }
    return err;
}

static int queue_task(void *state, uint64_t number) {
    struct queue_state *s = state;
    uint64_t producers = (uint64_t)s->params->producers;
    return number < producers ? produce(s, number) : consume(s, number - producers);
}

static int queue_main(void *state) {
    struct queue_state *s = state;
    int err = queue_create(&s->queue, (size_t)s->params->capacity);
    if (err)
        return err;
    err = fan_out_run_together(s->fan_out);
    queue_destroy(s->queue);
    return err;
}

static int64_t queue_tasks(const void *params) {
    const struct queue_params *p = params;
    return p->producers + p->consumers;
}

/* The value of the last operation is, instead, what all that was taken comes to, which is right
   only if each item was taken once. */
static void queue_settle(void *state) {
    struct queue_state *s = state;
    uint64_t value = atomic_load(&s->taken_sum) + atomic_load(&s->in_order);
    operation_set_value(s->recorder, queue_operations(s->params) - 1, value);
}

static int64_t queue_units(const void *params) {
    return ((const struct queue_params *)params)->items;
}

static bool queue_is_right(const void *params, uint64_t operation, uint64_t value) {
    const struct queue_params *p = params;
    uint64_t batches = (uint64_t)p->batches, items = (uint64_t)p->items;
    if (operation + 1 == queue_operations(p))
        return value == sum_payloads(p, 0, batches * items) + batches * items;
    if (operation >= batches)
        return value == items;
    return value == sum_payloads(p, operation * items, (operation + 1) * items);
}

static void queue_workload_destroy(void *state) {
    struct queue_state *s = state;
    fan_out_destroy(s->fan_out);
    free(s->newest);
    free(s->items);
    free(s);
}

static void fill_items(struct queue_state *s) {
    const struct queue_params *p = s->params;
    for (uint64_t i = 0; i < (uint64_t)(p->batches * p->items); i++)
        s->items[i] = (struct item){.producer = i / (uint64_t)p->items % (uint64_t)p->producers,
                                    .payload = payload(p, i)};
}

static int queue_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct queue_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    const struct queue_params *p = s->params;
    size_t pairs = (size_t)(p->producers * p->consumers);
    s->items = malloc((size_t)(p->batches * p->items) * sizeof *s->items);
    s->newest = malloc(pairs * sizeof *s->newest);
    int err = s->items && s->newest ? fan_out_create(&s->fan_out, (uint64_t)queue_tasks(p), "queue",
                                                     queue_task, s, s->recorder)
                                    : -ENOMEM;
    if (err) {
        queue_workload_destroy(s);
        return err;
    }
    fill_items(s);
    memset(s->newest, 0, pairs * sizeof *s->newest);
    *state = s;
    return 0;
}

static int queue_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct queue_params *p = params;
    if (p->items <= ITEMS_MAX / p->batches)
        return 0;
    snprintf(message, WORKLOAD_MESSAGE_BYTES,
             "items=%lld by batches=%lld is more than the %d items that there may be",
             (long long)p->items, (long long)p->batches, ITEMS_MAX);
    return -EINVAL;
}

static const struct parameter queue_parameters[] = {
    {"producers", PARAMETER_COUNT, offsetof(struct queue_params, producers), "4", 1, 10000, "COUNT",
     "tasks that put"},
    {"consumers", PARAMETER_COUNT, offsetof(struct queue_params, consumers), "4", 1, 10000, "COUNT",
     "tasks that take; a pool needs a worker for each and for each producer"},
    {"capacity", PARAMETER_COUNT, offsetof(struct queue_params, capacity), "64", 1, 10000000,
     "COUNT", "items that the queue has room for"},
    {"items", PARAMETER_COUNT, offsetof(struct queue_params, items), "1000", 1, 100000000, "COUNT",
     "items put, or taken, in each operation"},
    {"batches", PARAMETER_COUNT, offsetof(struct queue_params, batches), "100", 1, 10000000,
     "COUNT", "times so many items pass through the queue, shared out among the tasks"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_queue = {
    .name = "queue",
    .summary = "producers and consumers over a bounded queue: items a second",
    .operation = "one batch of items put, or one taken",
    .parameters = queue_parameters,
    .params_bytes = sizeof(struct queue_params),
    .unit = "one item put or taken",
    .units = queue_units,
    .tasks = queue_tasks,
    .task_stack_bytes = 768,
    .check = queue_check,
    .operations = queue_operations,
    .wait_ns = busy_wait_ns,
    .is_right = queue_is_right,
    .ideal_ns = busy_ideal_ns,
    .prepare = queue_prepare,
    .main = queue_main,
    .destroy = queue_workload_destroy,
    .settle = queue_settle,
};
