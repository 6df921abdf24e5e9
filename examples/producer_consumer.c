/* Producers and consumers over a queue that holds two items: a producer that is ahead waits until
   there is room. The queue is joined when all items are done with; consumers, which would wait for
   more, are cancelled.

     async def producer(queue, items):
         for item in items:
             await queue.put(item)

     async def consumer(queue):
         while True:
             item = await queue.get()
             await asyncio.sleep(1)
             queue.task_done()

     async def main():
         queue = asyncio.Queue(maxsize=2)
         consumers = [asyncio.create_task(consumer(queue)) for _ in range(3)]
         await asyncio.gather(producer(queue, range(1, 7)), producer(queue, range(7, 13)))
         await queue.join()
         for task in consumers:
             task.cancel()
         await asyncio.gather(*consumers, return_exceptions=True) */
#include "program.h"

#include "sync/queue.h"

#include <errno.h>

#define CAPACITY 2
#define PRODUCERS 2
#define CONSUMERS 3
#define ITEMS_EACH 6

struct producer {
    int number;
    struct queue *queue;
    int items[ITEMS_EACH]; /* the queue holds pointers to these */
    int produced;
};

struct consumer {
    int number;
    struct queue *queue;
    int consumed;
    int sum;
};

static int produce(void *arg) {
    struct producer *producer = arg;
    for (int i = 0; i < ITEMS_EACH; i++) {
        program_print("producer %d: item %d", producer->number, producer->items[i]);
        int err = queue_put(producer->queue, &producer->items[i], TASK_NO_DEADLINE);
        if (err)
            return err;
        producer->produced++;
    }
    program_print("producer %d: done", producer->number);
    return 0;
}

static int consume_one(struct consumer *consumer) {
    void *item;
    int err = queue_get(consumer->queue, TASK_NO_DEADLINE, &item);
    if (err)
        return err;
    err = task_sleep(program_seconds(1));
    if (err)
        return err;
    consumer->consumed++;
    consumer->sum += *(int *)item;
    program_print("consumer %d: item %d done", consumer->number, *(int *)item);
    return queue_task_done(consumer->queue);
}

static int consume(void *arg) {
    struct consumer *consumer = arg;
    int err;
    while (!(err = consume_one(consumer)))
        continue;
    if (err == -ECANCELED)
        program_print("consumer %d: cancelled", consumer->number);
    return err;
}

/* Returns when every item has been put and is done with. */
static int produce_all(struct producer producers[PRODUCERS], struct queue *queue) {
    struct program_call calls[PRODUCERS];
    struct task *tasks[PRODUCERS];
    for (int p = 0; p < PRODUCERS; p++) {
        producers[p] = (struct producer){.number = p + 1, .queue = queue};
        for (int i = 0; i < ITEMS_EACH; i++)
            producers[p].items[i] = p * ITEMS_EACH + i + 1;
        calls[p] = (struct program_call){"producer", produce, &producers[p]};
    }
    int err = program_spawn_all(tasks, calls, PRODUCERS);
    if (!err)
        err = task_gather(tasks, PRODUCERS, NULL);
    return err ? err : queue_join(queue, TASK_NO_DEADLINE);
}

static int stop_all(struct task *const *consumers) {
    for (size_t i = 0; i < CONSUMERS; i++)
        task_cancel(consumers[i]);
    int err = task_gather(consumers, CONSUMERS, NULL);
    return err == -ECANCELED ? 0 : err; /* which is what they were asked for */
}

/* The items belong to the producers, which therefore stay until the consumers have ended. */
static int run(struct queue *queue, struct consumer consumers[CONSUMERS]) {
    struct producer producers[PRODUCERS];
    struct program_call calls[CONSUMERS];
    struct task *tasks[CONSUMERS];
    for (int c = 0; c < CONSUMERS; c++) {
        consumers[c] = (struct consumer){.number = c + 1, .queue = queue};
        calls[c] = (struct program_call){"consumer", consume, &consumers[c]};
    }
    int err = program_spawn_all(tasks, calls, CONSUMERS);
    if (err)
        return err;
    err = produce_all(producers, queue);
    int stop_err = stop_all(tasks);
    if (err || stop_err)
        return err ? err : stop_err;
    int produced = 0;
    for (int p = 0; p < PRODUCERS; p++)
        produced += producers[p].produced;
    program_print("produced: %d", produced);
    return 0;
}

static int producer_consumer(void *unused) {
    (void)unused;
    struct queue *queue;
    struct consumer consumers[CONSUMERS];
    int consumed = 0, sum = 0;
    int err = queue_create(&queue, CAPACITY);
    if (err)
        return err;
    err = run(queue, consumers);
    queue_destroy(queue);
    for (int c = 0; c < CONSUMERS && !err; c++) {
        consumed += consumers[c].consumed;
        sum += consumers[c].sum;
    }
    if (!err)
        program_print("consumed: %d, sum: %d", consumed, sum);
    return err;
}

int main(int argc, char **argv) {
    const struct program program = {
        .summary = "Two producers, three consumers (1 s an item) and a queue that holds two."};
    program_start(&program, argc, argv, NULL);
    return program_run(producer_consumer, NULL);
}
