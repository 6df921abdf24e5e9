#include "bare/chain.h"

#include <errno.h>
#include <stdlib.h>

#include "async/bare/base.h"

/* One task. */
struct chain {
    struct event timer;
    const struct bare_chain *floor;
    uint64_t number;
    uint64_t part; /* that is waiting */
};

static char *result_of(const struct chain *chain) {
    return chain_result(chain->floor->params, chain->floor->results, chain->number);
}

static void end_chain(const struct chain *chain, int err) {
    struct recorder *recorder = chain->floor->recorder;
    operation_end(recorder, chain->number, err, chain_value(result_of(chain)));
    recorder_task_end(recorder);
}

static void begin_part(struct chain *chain, uint64_t part) {
    int64_t wait_ns = chain_part_wait_ns(chain->floor->params, chain->number, part);
    chain->part = part;
    int err = base_wait(&chain->timer, wait_ns, NULL);
    if (err)
        end_chain(chain, err);
}

static void on_awake(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct chain *chain = arg;
    chain_derive_result(result_of(chain), chain->number, chain->part);
    if (chain->part < (uint64_t)chain->floor->params->parts)
        begin_part(chain, chain->part + 1);
    else
        end_chain(chain, 0);
}

static void run_chains(const struct bare_chain *floor, struct event_base *base,
                       struct chain *chains) {
    uint64_t tasks = (uint64_t)floor->params->common.tasks;
    for (uint64_t i = 0; i < tasks; i++) {
        struct chain *chain = &chains[i];
        chain->floor = floor;
        chain->number = i;
        evtimer_assign(&chain->timer, base, on_awake, chain);
        recorder_task_begin(floor->recorder);
        operation_begin(floor->recorder, i);
        begin_part(chain, 1);
    }
    recorder_all_spawned(floor->recorder, tasks, 0);
    event_base_dispatch(base);
}

static int chain_main(void *state) {
    const struct bare_chain *floor = state;
    struct event_base *base = base_create(true);
    struct chain *chains = malloc((size_t)floor->params->common.tasks * sizeof *chains);
    int err = base && chains ? 0 : -ENOMEM;
    if (err)
        recorder_all_spawned(floor->recorder, 0, err);
    else
        run_chains(floor, base, chains);
    free(chains);
    if (base)
        event_base_free(base);
    return err;
}

const struct bare_body bare_callbacks_chain = {.workload = "chain",
                                               .prepare = bare_chain_prepare,
                                               .main = chain_main,
                                               .destroy = bare_chain_destroy};
