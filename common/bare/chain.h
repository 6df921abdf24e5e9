/* What the floors of chain have in common: all but how a part waits. */
#ifndef TVA_BARE_CHAIN_H
#define TVA_BARE_CHAIN_H

#include "workloads/chain.h"

struct bare_chain {
    const struct chain_params *params;
    struct recorder *recorder;
    char *results; /* of all chains */
};

/* The two of a struct bare_body whose state is a struct bare_chain. */
int bare_chain_prepare(const struct workload_input *input, void **state,
                       char message[WORKLOAD_MESSAGE_BYTES]);
void bare_chain_destroy(void *state);

#endif
