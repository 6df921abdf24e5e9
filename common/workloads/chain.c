/* N chains side by side, each of several parts in sequence: part k waits, then returns
   "result9-2 derived from result9-1", which it cannot make without what part k-1 returned. */
#include "workloads/chain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/checksum.h"
#include "workloads/arrivals.h"
#include "workloads/fan_out.h"
#include "workloads/floor_check.h"
#include "workloads/random.h"
#include "workloads/touch.h"

#define TASK_STACK_BYTES 384

/* Room that one part takes in the result: "result" + chain + "-" + part + " derived from ". */
#define CHAIN_PART_BYTES 48

struct chain_state {
    const struct chain_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
    struct arrivals arrivals;
    char *results; /* of all chains */
};

static size_t result_bytes(const struct chain_params *params) {
    return (size_t)params->parts * CHAIN_PART_BYTES;
}

int chain_results_create(char **out, const struct chain_params *params) {
    size_t bytes = (size_t)params->common.tasks * result_bytes(params);
    char *results = malloc(bytes);
    if (!results)
        return -ENOMEM;
    memset(results, 0, bytes); /* touched here, so that the run takes no page fault */
    *out = results;
    return 0;
}

char *chain_result(const struct chain_params *params, char *results, uint64_t chain) {
    return results + chain * result_bytes(params);
}

int64_t chain_part_wait_ns(const struct chain_params *params, uint64_t chain, uint64_t part) {
    uint64_t number = chain * (uint64_t)params->parts + part - 1;
    return random_up_to(random_at((uint64_t)params->common.seed, number), params->max_wait_ns);
}

static char *append_number(char *end, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (count)
        *end++ = digits[--count];
    *end = '\0';
    return end;
}

/* Written without printf, which would need more stack than all the rest of a task. */
void chain_derive_result(char *result, uint64_t chain, uint64_t part) {
    char name[CHAIN_PART_BYTES];
    char *end = append_number(stpcpy(name, "result"), chain);
    *end++ = '-';
    end = append_number(end, part);
    if (part > 1)
        end = stpcpy(end, " derived from ");
    size_t name_bytes = (size_t)(end - name);
    memmove(result + name_bytes, result, strlen(result) + 1);
    memcpy(result, name, name_bytes);
}

uint64_t chain_value(const char *result) {
    return checksum_add(CHECKSUM_OF_NOTHING, result, strlen(result));
}

static int chain_part(const struct chain_state *s, uint64_t chain, uint64_t part, char *result) {
    int err = task_sleep(chain_part_wait_ns(s->params, chain, part));
    if (!err)
        chain_derive_result(result, chain, part);
    return err;
}

static int chain_task(void *state, uint64_t chain) {
    const struct chain_state *s = state;
    char *result = chain_result(s->params, s->results, chain);
    if (s->params->touch_bytes)
        touch_stack(s->params->touch_bytes);
    int err = arrivals_await(&s->arrivals, chain);
    operation_begin(s->recorder, chain);
    for (uint64_t part = 1; part <= (uint64_t)s->params->parts && !err; part++)
        err = chain_part(s, chain, part, result);
    operation_end(s->recorder, chain, err, chain_value(result));
    return 0;
}

static uint64_t chain_operations(const void *params) {
    const struct chain_params *p = params;
    return (uint64_t)p->common.tasks;
}

static int64_t chain_wait_ns(const void *params, uint64_t chain) {
    const struct chain_params *p = params;
    int64_t total_ns = 0;
    for (uint64_t part = 1; part <= (uint64_t)p->parts; part++)
        total_ns += chain_part_wait_ns(p, chain, part);
    return total_ns;
}

/* The oracle writes the sentence forwards, with printf, unlike the tasks. */
static bool chain_is_right(const void *params, uint64_t chain, uint64_t value) {
    const struct chain_params *p = params;
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *stream = open_memstream(&text, &text_bytes);
    if (!stream)
        return false;
    for (uint64_t part = (uint64_t)p->parts; part >= 1; part--)
        fprintf(stream, "result%llu-%llu%s", (unsigned long long)chain, (unsigned long long)part,
                part > 1 ? " derived from " : "");
    bool is_right = fclose(stream) == 0 && value == chain_value(text);
    free(text);
    return is_right;
}

static int64_t chain_due_ns(const void *state, uint64_t chain) {
    return ((const struct chain_state *)state)->arrivals.due_ns[chain];
}

static int64_t chain_ideal_ns(const void *params) {
    const struct chain_params *p = params;
    uint64_t chains = chain_operations(p);
    int64_t longest_ns = 0;
    for (uint64_t chain = 0; chain < chains; chain++) {
        int64_t total_ns = chain_wait_ns(p, chain);
        if (total_ns > longest_ns)
            longest_ns = total_ns;
    }
    if (!p->arrivals.rate)
        return longest_ns;
    return arrivals_ideal_ns(&p->arrivals, &p->common, chains, chain_wait_ns(p, chains - 1),
                             longest_ns);
}

static size_t chain_stack_bytes(const void *params) {
    return TASK_STACK_BYTES + (size_t)((const struct chain_params *)params)->touch_bytes;
}

static int chain_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    return arrivals_check(&((const struct chain_params *)params)->arrivals, message);
}

static int chain_check_floor(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct chain_params *p = params;
    return floor_check(&p->arrivals, p->touch_bytes, message);
}

static void chain_destroy(void *state) {
    struct chain_state *s = state;
    if (!s)
        return;
    fan_out_destroy(s->fan_out);
    arrivals_destroy(&s->arrivals);
    free(s->results);
    free(s);
}

static int chain_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    (void)message;
    struct chain_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    int err = chain_results_create(&s->results, s->params);
    if (!err)
        err = arrivals_init(&s->arrivals, &s->params->arrivals, s->params->common.seed,
                            chain_operations(s->params));
    if (!err)
        err = fan_out_create(&s->fan_out, chain_operations(s->params), "chain", chain_task, s,
                             s->recorder);
    if (err) {
        chain_destroy(s);
        return err;
    }
    *state = s;
    return 0;
}

static int chain_main(void *state) {
    struct chain_state *s = state;
    arrivals_start(&s->arrivals, s->recorder, s->params->common.tasks);
    return fan_out_run(s->fan_out);
}

static const struct parameter chain_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("100"),
    {"parts", PARAMETER_COUNT, offsetof(struct chain_params, parts), "2", 1, 100, "COUNT",
     "parts of each chain, one after the other"},
    {"max-wait", PARAMETER_DURATION, offsetof(struct chain_params, max_wait_ns), "100ms", 0,
     3600 * INT64_C(1000000000), "DURATION", "each part waits a seeded 0..max-wait"},
    ARRIVALS_PARAMETERS(struct chain_params),
    TOUCH_PARAMETER(struct chain_params),
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_chain = {
    .name = "chain",
    .summary = "chains of dependent parts: sequential within, concurrent side by side",
    .operation = "one chain",
    .parameters = chain_parameters,
    .params_bytes = sizeof(struct chain_params),
    .task_stack_bytes = TASK_STACK_BYTES,
    .stack_bytes = chain_stack_bytes,
    .check = chain_check,
    .check_floor = chain_check_floor,
    .operations = chain_operations,
    .wait_ns = chain_wait_ns,
    .is_right = chain_is_right,
    .ideal_ns = chain_ideal_ns,
    .due_ns = chain_due_ns,
    .prepare = chain_prepare,
    .main = chain_main,
    .destroy = chain_destroy,
};
