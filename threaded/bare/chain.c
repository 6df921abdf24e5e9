#include "bare/chain.h"

#include <errno.h>
#include <stdlib.h>

#include "threaded/bare/crowd.h"

static void chain_body(void *state, uint64_t chain) {
    const struct bare_chain *floor = state;
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
    const struct bare_chain *floor = state;
    return crowd_run(floor->recorder, (uint64_t)floor->params->common.tasks, chain_body, state);
}

const struct bare_body bare_threads_chain = {.workload = "chain",
                                             .prepare = bare_chain_prepare,
                                             .main = chain_main,
                                             .destroy = bare_chain_destroy};
