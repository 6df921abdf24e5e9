#include "bare/chain.h"

#include <errno.h>
#include <stdlib.h>

int bare_chain_prepare(const struct workload_input *input, void **state,
                       char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct bare_chain *floor = malloc(sizeof *floor);
    if (!floor)
        return -ENOMEM;
    *floor = (struct bare_chain){.params = input->params, .recorder = input->recorder};
    int err = chain_results_create(&floor->results, floor->params);
    if (err)
        free(floor);
    else
        *state = floor;
    return err;
}

void bare_chain_destroy(void *state) {
    struct bare_chain *floor = state;
    free(floor->results);
    free(floor);
}
