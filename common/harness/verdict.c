#include "harness/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What the look at all operations found; the first of each kind stands for the others. */
struct findings {
    uint64_t wrong; /* a value that is not the oracle's, or a wait cut short */
    struct message first_wrong;
    uint64_t failed;
    struct message first_failed;
    int limit; /* the first error that is a limit, which first_failed then tells of; 0: none */
};

bool verdict_is_limit(int error) {
    static const int limits[] = {EMFILE, ENFILE, EADDRNOTAVAIL, ENOMEM, EAGAIN, ENOBUFS};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (error == -limits[i])
            return true;
    return false;
}

static const char *error_name(const struct workload *workload, int error) {
    const char *own = workload->error_name ? workload->error_name(error) : NULL;
    const char *known = own ? own : strerrorname_np(-error);
    return known ? known : "UNKNOWN";
}

static void count_error(json_t *errors, const char *name) {
    json_int_t count = json_integer_value(json_object_get(errors, name));
    json_object_set_new(errors, name, json_integer(count + 1));
}

static void look_at_failed(const struct spec *spec, uint64_t operation, int error, json_t *errors,
                           struct findings *findings) {
    const char *name = error_name(spec->workload, error);
    bool is_first_limit = !findings->limit && verdict_is_limit(error);
    count_error(errors, name);
    if (findings->failed++ == 0 || is_first_limit)
        message_fail(&findings->first_failed, 0, "%s: operation %llu: %s", spec->workload->name,
                     (unsigned long long)operation, name);
    if (is_first_limit)
        findings->limit = error;
}

/* What is recorded of each operation that ended without an error. */
struct sinks {
    struct histogram *latency;
    struct histogram *overshoot;
    struct histogram *intended;
    const void *state;
    int64_t start_ns;
};

static void record_times(const struct spec *spec, uint64_t operation,
                         const struct operation_record *record, const struct sinks *sinks) {
    const struct workload *workload = spec->workload;
    int64_t took_ns = record->end_ns - record->begin_ns;
    if (sinks->overshoot)
        histogram_record(sinks->overshoot, took_ns - workload->wait_ns(spec->params, operation));
    if (workload->is_timed && !workload->is_timed(spec->params, operation))
        return;
    histogram_record(sinks->latency, took_ns);
    if (sinks->intended)
        histogram_record(sinks->intended, record->end_ns - sinks->start_ns -
                                              workload->due_ns(sinks->state, operation));
}

static void look_at_ended(const struct spec *spec, uint64_t operation,
                          const struct operation_record *record, struct findings *findings) {
    const struct workload *workload = spec->workload;
    int64_t took_ns = record->end_ns - record->begin_ns;
    int64_t wait_ns = workload->wait_ns(spec->params, operation);
    bool is_right = workload->is_right(spec->params, operation, record->value);
    if (is_right && took_ns >= wait_ns)
        return;
    if (findings->wrong++ > 0)
        return;
    if (is_right)
        message_fail(&findings->first_wrong, 0,
                     "%s: operation %llu took %lld ns and contains waits of %lld ns",
                     workload->name, (unsigned long long)operation, (long long)took_ns,
                     (long long)wait_ns);
    else
        message_fail(&findings->first_wrong, 0,
                     "%s: operation %llu: its value %llu is not what the oracle computes",
                     workload->name, (unsigned long long)operation,
                     (unsigned long long)record->value);
}

static void judge(struct verdict *v, const char *status, const struct message *reason) {
    v->status = status;
    v->reason = *reason;
}

/* The gravest first: a wrong value must never hide behind a limit. */
static void conclude(struct verdict *v, const struct recorder *recorder,
                     const struct findings *findings, int run_error, int main_result) {
    struct message reason;
    int stopped = run_error ? run_error : recorder->spawn_error;
    uint64_t ended = v->summary.ended + v->summary.failed;
    if (findings->wrong) {
        judge(v, "wrong", &findings->first_wrong);
    } else if (stopped) {
        message_fail(&reason, 0, "%s after %llu tasks: %s",
                     run_error ? "the model could not be set up"
                               : "no further task could be spawned",
                     (unsigned long long)recorder->spawned, strerror(-stopped));
        judge(v, verdict_is_limit(stopped) ? "limited" : "failed", &reason);
        v->limit_cause = verdict_is_limit(stopped) ? stopped : 0;
    } else if (findings->failed) {
        judge(v, findings->limit ? "limited" : "failed", &findings->first_failed);
        v->limit_cause = findings->limit;
    } else if (main_result < 0) {
        message_fail(&reason, 0, "main returned %d: %s", main_result, strerror(-main_result));
        judge(v, "failed", &reason);
    } else if (ended != recorder->operations) {
        message_fail(&reason, 0, "%llu of %llu operations ended", (unsigned long long)ended,
                     (unsigned long long)recorder->operations);
        judge(v, "wrong", &reason);
    } else {
        v->status = "ok";
        v->is_verified = true;
    }
}

/* Victims that tick are due at known times as well, but have a figure of their own, by phases. */
static bool is_open_loop(const struct spec *spec, const struct recorder *recorder) {
    return recorder->start_ns && spec->workload->due_ns && !spec->workload->blocking;
}

void verdict_reach(struct verdict *out, const struct spec *spec, const void *state,
                   const struct recorder *recorder, int run_error, int main_result,
                   struct histogram *latency, struct histogram *overshoot) {
    struct verdict verdict = {.errors = json_object()};
    struct findings findings = {0};
    if (is_open_loop(spec, recorder))
        histogram_create(&verdict.intended);
    const struct sinks sinks = {.latency = latency,
                                .overshoot = overshoot,
                                .intended = verdict.intended,
                                .state = state,
                                .start_ns = recorder->start_ns};
    recorder_summarise(recorder, &verdict.summary);
    for (uint64_t i = 0; i < recorder->operations; i++) {
        const struct operation_record *record = &recorder->records[i];
        if (record->end_ns && record->error)
            look_at_failed(spec, i, record->error, verdict.errors, &findings);
        if (!record->end_ns || record->error)
            continue;
        record_times(spec, i, record, &sinks);
        look_at_ended(spec, i, record, &findings);
    }
    conclude(&verdict, recorder, &findings, run_error, main_result);
    *out = verdict;
}

void verdict_destroy(struct verdict *verdict) {
    histogram_destroy(verdict->intended);
    json_decref(verdict->errors);
    *verdict = (struct verdict){0};
}
