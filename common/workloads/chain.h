/* What a chain is made of, for whatever runs it: the workload over the seam, and the bare floors.
 */
#ifndef TVA_WORKLOADS_CHAIN_H
#define TVA_WORKLOADS_CHAIN_H

#include "workloads/arrivals.h"
#include "workloads/workload.h"

struct chain_params {
    struct workload_params common;
    struct arrivals_params arrivals;
    int64_t parts;
    int64_t max_wait_ns;
    int64_t touch_bytes;
};

/* The results of all chains: room for each, empty at first. The caller frees *out. Returns 0 or
   -ENOMEM. */
int chain_results_create(char **out, const struct chain_params *params);

/* The result of one chain among them. */
char *chain_result(const struct chain_params *params, char *results, uint64_t chain);

/* How long part `part`, counted from 1, of a chain waits. */
int64_t chain_part_wait_ns(const struct chain_params *params, uint64_t chain, uint64_t part);

/* Puts the name of a part's result before what the part before it returned, in place. */
void chain_derive_result(char *result, uint64_t chain, uint64_t part);

/* The value of a chain, from its whole result. */
uint64_t chain_value(const char *result);

#endif
