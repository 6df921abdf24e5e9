/* What tests of one workload share: its parameters from text, and a run in a model, after which its
   records can be looked at. Include it after support.h. */
#ifndef TVA_TESTS_WORKLOAD_RUN_H
#define TVA_TESTS_WORKLOAD_RUN_H

#include "measure/recorder.h"
#include "workloads/workload.h"

struct workload_run {
    const struct workload *workload;
    void *params;
    struct recorder *recorder;
    void *state;
};

/* `text` as after "workload:" in a spec. The caller ends it by workload_run_end(). */
static inline void workload_run_begin(struct workload_run *run, const struct workload *workload,
                                      const char *text, int clients_port) {
    char message[WORKLOAD_MESSAGE_BYTES] = "";
    *run = (struct workload_run){.workload = workload, .params = calloc(1, workload->params_bytes)};
    assert_int_equal(parameters_parse(workload->parameters, run->params, text, message), 0);
    assert_int_equal(workload->check(run->params, message), 0);
    struct recorder_options options = {
        .operations = workload->operations(run->params), .plateau_tasks = 1, .plateau_fd = -1};
    assert_int_equal(recorder_create(&run->recorder, &options), 0);
    struct workload_input input = {
        .params = run->params, .recorder = run->recorder, .clients_port = clients_port};
    assert_int_equal(workload->prepare(&input, &run->state, message), 0);
}

/* Returns what main did. */
static inline int workload_run_in(struct workload_run *run, const struct model *model) {
    print_message("           in %s\n", model->name);
    int result = run_in(model, WORKERS, run->workload->main, run->state);
    if (run->workload->settle)
        run->workload->settle(run->state);
    return result;
}

/* How many operations ended with the value that the oracle computes. */
static inline uint64_t workload_run_right(const struct workload_run *run) {
    uint64_t right = 0;
    for (uint64_t i = 0; i < run->recorder->operations; i++) {
        const struct operation_record *record = &run->recorder->records[i];
        right += record->end_ns && !record->error &&
                 run->workload->is_right(run->params, i, record->value);
    }
    return right;
}

static inline void workload_run_end(struct workload_run *run) {
    run->workload->destroy(run->state);
    recorder_destroy(run->recorder);
    parameters_destroy(run->workload->parameters, run->params);
    free(run->params);
}

static inline int workload_check_text(const struct workload *workload, const char *text,
                                      char message[WORKLOAD_MESSAGE_BYTES]) {
    void *params = calloc(1, workload->params_bytes);
    assert_int_equal(parameters_parse(workload->parameters, params, text, message), 0);
    int err = workload->check(params, message);
    parameters_destroy(workload->parameters, params);
    free(params);
    return err;
}

#endif
