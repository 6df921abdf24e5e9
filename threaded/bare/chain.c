#include "workloads/chain.h"

#include <errno.h>
#include <stdlib.h>

#include "threaded/bare/crowd.h"

struct chain_floor {
    const struct chain_params *params;
    struct recorder *recorder;
    char *results;
};

static void chain_destroy(void *state) {
    struct chain_floor *floor = state;
    free(floor->results);
    free(floor);
}

static int chain_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct chain_floor *floor = malloc(sizeof *floor);
    if (!floor)
        return -ENOMEM;
    *floor = (struct chain_floor){.params = input->params, .recorder = input->recorder};
    int err = chain_results_create(&floor->results, floor->params);
    if (err)
        free(floor);
    else
        *state = floor;
    return err;
}

static void chain_body(void *state, uint64_t chain) {
    const struct chain_floor *floor = state;
    const struct chain_params *p = floor->params;
    char *result = chain_result(p, floor->results, chain);
    operation_begin(floor->recorder, chain);
    for (uint64_t part = 1; part <= (uint64_t)p->parts; part++) {
        crowd_sleep(chain_part_wait_ns(p, chain, part));
        chain_derive_result(result, chain, part);
    }
    operation_end(floor->recorder, chain, 0, chain_value(result));
}

static int chain_main(void *state) {
    const struct chain_floor *floor = state;
    return crowd_run(floor->recorder, (uint64_t)floor->params->common.tasks, chain_body, state);
}

const struct bare_body bare_threads_chain = {
    .workload = "chain", .prepare = chain_prepare, .main = chain_main, .destroy = chain_destroy};
