#include "harness/row.h"

#include "harness/distribution.h"
#include "harness/limits.h"
#include "harness/verdict.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

/* Adds keys, a list ended by NULL, whose figures are not known yet, and returns the object. */
static __attribute__((sentinel)) json_t *add_unknown(json_t *object, ...) {
    va_list keys;
    va_start(keys, object);
    for (const char *key = va_arg(keys, const char *); key; key = va_arg(keys, const char *))
        set(object, key, json_null());
    va_end(keys);
    return object;
}

/* All keys in their order. */
static json_t *empty_row(const char *run, int64_t round, int64_t attempt, const struct cell *cell) {
    const struct workload_params *common = spec_common(&cell->spec);
    json_t *row = json_pack(
        "{s:i, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s?, s:s, s:I}", "schema", 1, "run", run,
        "round", (json_int_t)round, "cell", (json_int_t)cell->index, "attempt", (json_int_t)attempt,
        "workload", cell->spec.workload->name, "model", cell->model_spec.model->name, "spec",
        cell->spec.text, "model_spec", cell->model_spec.text, "cpus", cell->conditions.cpus,
        "conditions", cell->conditions.text, "seed", (json_int_t)common->seed);
    if (!row)
        return NULL;
    add_unknown(row, "status", "reason", NULL);
    set(row, "tasks", json_integer(spec_tasks(&cell->spec)));
    add_unknown(row, "operations", NULL);
    set(row, "errors", json_object());
    set(row, "verified", json_false());
    add_unknown(row, "peak_in_flight", "wall_ns", NULL);
    set(row, "ideal_ns", json_integer(cell->ideal_ns));
    add_unknown(row, "spawn_ns", "run_ns", "join_ns", "cpu_user_ns", "cpu_system_ns", "latency_ns",
                "intended_latency_ns", "overshoot_ns", NULL);
    set(row, "memory",
        add_unknown(json_object(), "rss_base_bytes", "rss_plateau_bytes", "rss_peak_bytes",
                    "page_tables_bytes", "kernel_stack_bytes", "slab_bytes", "kernel_source",
                    "whole_plateau_bytes", NULL));
    set(row, "stack", add_unknown(json_object(), "size_bytes", "used_peak_bytes", NULL));
    set(row, "switches", add_unknown(json_object(), "voluntary", "involuntary", NULL));
    set(row, "faults", add_unknown(json_object(), "minor", "major", NULL));
    add_unknown(row, "limit", "origin", "clients", NULL);
    set(row, "process",
        add_unknown(json_object(), "wall_ns", "cpu_user_ns", "cpu_system_ns", NULL));
    set(row, "unit", json_string(cell->spec.workload->unit));
    if (!cell->spec.workload->unit)
        set(row, "unit", json_null());
    set(row, "units_per_operation", json_integer(spec_units(&cell->spec)));
    set(row, "figures", json_object());
    add_unknown(row, "loop_occupancy", "blocking", NULL);
    set(row, "disturbed", json_array());
    set(row, "disturbance",
        add_unknown(json_object(), "steal_ns", "cpu_pressure_ns", "io_pressure_ns",
                    "memory_pressure_ns", "run_queue_wait_ns", "throttled_ns", "others_cpu_ns",
                    "load_1min", "frequency_min_hz", NULL));
    add_unknown(row, "timeline", NULL);
    return row;
}

/* Copies the trial's own figures to the row's keys of the same name, one level deep. */
static void copy_known(json_t *row, json_t *result) {
    const char *key;
    json_t *value;
    json_object_foreach(result, key, value) {
        json_t *own = json_object_get(row, key);
        if (strcmp(key, "memory") == 0 && json_is_object(own))
            json_object_update_existing(own, value);
        else if (own)
            json_object_set(row, key, value);
    }
}

static void set_status(json_t *row, const char *status, const char *reason) {
    set(row, "status", json_string(status));
    set(row, "reason", json_string(reason));
}

/* The machine's limits stop a trial's process, or one beside it, as they stop a task. */
static void set_not_started(json_t *row, const struct trial_outcome *outcome) {
    int error = outcome->start_error;
    json_t *limit = verdict_is_limit(error) ? limits_explain(error, 0) : NULL;
    set_status(row, limit ? "limited" : "failed", outcome->reason.text);
    if (limit)
        set(row, "limit", limit);
}

/* Of a trial without a result. */
static void set_end(json_t *row, const struct trial_outcome *outcome) {
    if (outcome->end == TRIAL_NOT_STARTED)
        set_not_started(row, outcome);
    else
        set_status(row, outcome->end == TRIAL_TIMED_OUT ? "timeout" : "crashed",
                   outcome->reason.text);
}

/* Sets what was added since the base, if both are known. It is signed: on a machine that others use
   too, meminfo can also have shrunk. */
static bool added(json_t *memory, const char *key, int64_t base, int64_t plateau, int64_t *out) {
    if (base < 0 || plateau < 0)
        return false;
    *out = plateau - base;
    set(memory, key, json_integer(*out));
    return true;
}

/* The plateau counts only if no task had ended when the reading was done. The kernel's figures are
   what was added since the base. */
static void add_memory(json_t *row, const struct trial_outcome *outcome, int64_t first_ended_ns) {
    json_t *memory = json_object_get(row, "memory");
    const struct memory_reading *base = &outcome->base, *plateau = &outcome->plateau;
    if (!base->ended_ns)
        return;
    set(memory, "rss_base_bytes", figure_json(base->process.rss_bytes));
    if (!plateau->ended_ns || (first_ended_ns && plateau->ended_ns >= first_ended_ns))
        return;
    int64_t rss = plateau->process.rss_bytes;
    set(memory, "rss_plateau_bytes", figure_json(rss));
    if (rss < 0 || plateau->process.page_tables_bytes < 0 || base->process.page_tables_bytes < 0)
        return;
    int64_t tables = plateau->process.page_tables_bytes - base->process.page_tables_bytes;
    set(memory, "page_tables_bytes", json_integer(tables));
    const char *source = memory_source_name(plateau->kernel.source);
    if (!source || plateau->kernel.source != base->kernel.source)
        return;
    set(memory, "kernel_source", json_string(source));
    int64_t stacks, slab;
    bool has_stacks = added(memory, "kernel_stack_bytes", base->kernel.kernel_stack_bytes,
                            plateau->kernel.kernel_stack_bytes, &stacks);
    bool has_slab =
        added(memory, "slab_bytes", base->kernel.slab_bytes, plateau->kernel.slab_bytes, &slab);
    if (has_stacks && has_slab)
        set(memory, "whole_plateau_bytes", json_integer(rss + tables + stacks + slab));
}

static void add_process(json_t *row, const struct process_end *end) {
    json_t *process = json_object_get(row, "process");
    set(process, "wall_ns", json_integer(end->wall_ns));
    set(process, "cpu_user_ns", json_integer(end->usage.cpu_user_ns));
    set(process, "cpu_system_ns", json_integer(end->usage.cpu_system_ns));
}

/* Whether it was the lateness of the quiet part, not the length of a tick, that left nothing to be
   told of the calls. */
static bool is_quiet_uneven(const json_t *blocking) {
    json_int_t quiet_max_ns =
        json_integer_value(json_object_get(json_object_get(blocking, "quiet_lateness_ns"), "max"));
    return json_is_null(json_object_get(blocking, "victims_delayed")) &&
           quiet_max_ns >= json_integer_value(json_object_get(blocking, "threshold_ns"));
}

/* The control's lateness goes to where the victims' is. One without priority cannot tell the
   machine from the trial, so nothing is concluded from it. */
static struct disturbance_control add_control(json_t *row, const struct control_ticks *ticks) {
    struct disturbance_control control = {-1, -1, false};
    json_t *blocking = json_object_get(row, "blocking");
    if (!json_is_object(blocking))
        return control;
    set(blocking, "control_lateness_ns",
        ticks->lateness ? json_incref(ticks->lateness) : json_null());
    set(blocking, "control_priority", ticks->priority ? json_incref(ticks->priority) : json_null());
    control.is_quiet_uneven = is_quiet_uneven(blocking);
    const json_t *max = json_object_get(ticks->lateness, "max");
    const char *priority = json_string_value(ticks->priority);
    if (!json_is_integer(max) || !priority || strcmp(priority, "none") == 0)
        return control;
    control.lateness_max_ns = json_integer_value(max);
    control.threshold_ns = json_integer_value(json_object_get(blocking, "threshold_ns"));
    return control;
}

static void add_disturbance(json_t *row, const struct trial_outcome *outcome) {
    const struct disturbance *d = &outcome->disturbance;
    struct disturbance_control control = add_control(row, &outcome->control);
    if (!outcome->has_disturbance)
        return;
    json_t *object = json_object_get(row, "disturbance");
    set(object, "steal_ns", figure_json(d->steal_ns));
    set(object, "cpu_pressure_ns", figure_json(d->cpu_pressure_ns));
    set(object, "io_pressure_ns", figure_json(d->io_pressure_ns));
    set(object, "memory_pressure_ns", figure_json(d->memory_pressure_ns));
    set(object, "run_queue_wait_ns", figure_json(d->run_queue_wait_ns));
    set(object, "throttled_ns", figure_json(d->throttled_ns));
    set(object, "others_cpu_ns", figure_json(d->others_cpu_ns));
    set(object, "load_1min", d->load_1min < 0 ? json_null() : json_real(d->load_1min));
    set(object, "frequency_min_hz", figure_json(d->frequency_min_hz));
    json_t *names = json_object_get(row, "disturbed");
    unsigned reasons = disturbance_judge(d, &control);
    for (const char *name; (name = disturbance_next_reason(&reasons));)
        json_array_append_new(names, json_string(name));
}

static int64_t attempted(const json_t *row) {
    int64_t count = json_integer_value(json_object_get(row, "operations"));
    const char *cause;
    json_t *errors;
    json_object_foreach(json_object_get(row, "errors"), cause, errors) count +=
        json_integer_value(errors);
    return count;
}

/* The origin is a witness from outside: what it served must be what the trial says it asked for. */
static void add_origin(json_t *row, const struct cell *cell, const struct trial_outcome *outcome) {
    const struct workload *workload = cell->spec.workload;
    if (!workload->needs_origin || !workload->needs_origin(cell->spec.params))
        return;
    const struct origin_counts *counts = &outcome->origin;
    if (counts->has_counts)
        set(row, "origin",
            json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)counts->requests, "bytes",
                      (json_int_t)counts->bytes, "cpu_ns", (json_int_t)counts->cpu_ns));
    if (outcome->end != TRIAL_ENDED || (counts->has_counts && counts->requests == attempted(row)))
        return;
    set(row, "verified", json_false());
    if (strcmp(row_status(row), "ok") != 0)
        return;
    struct message reason;
    message_fail(&reason, 0, "the origin counted %lld requests for %lld operations",
                 counts->has_counts ? (long long)counts->requests : -1, (long long)attempted(row));
    set_status(row, "wrong", counts->has_counts ? reason.text : "the origin told no counts");
}

/* So are clients: they must have got as many answers as the trial says it gave, none of them wrong.
 */
static void add_clients(json_t *row, const struct cell *cell, const struct trial_outcome *outcome) {
    const struct workload *workload = cell->spec.workload;
    if (!workload->needs_clients || !workload->needs_clients(cell->spec.params))
        return;
    json_int_t requests = -1, wrong = 0, failed = 0;
    if (outcome->clients)
        set(row, "clients", json_incref(outcome->clients));
    json_unpack(outcome->clients, "{s:I, s:I, s:I}", "requests", &requests, "wrong", &wrong,
                "failed", &failed);
    bool agrees = requests == attempted(row) && !wrong && !failed;
    if (outcome->end != TRIAL_ENDED || agrees)
        return;
    set(row, "verified", json_false());
    if (strcmp(row_status(row), "ok") != 0)
        return;
    struct message reason;
    message_fail(&reason, 0,
                 "the clients counted %lld answers, %lld wrong ones and %lld lost connections for "
                 "%lld operations",
                 (long long)requests, (long long)wrong, (long long)failed,
                 (long long)attempted(row));
    set_status(row, "wrong", outcome->clients ? reason.text : "the clients told no counts");
}

json_t *row_create(const char *run, int64_t round, int64_t attempt, const struct cell *cell,
                   const struct trial_outcome *outcome) {
    json_t *row = empty_row(run, round, attempt, cell);
    if (!row)
        return NULL;
    int64_t first_ended_ns = 0;
    if (outcome->end == TRIAL_ENDED) {
        copy_known(row, outcome->result);
        first_ended_ns = json_integer_value(json_object_get(outcome->result, "first_ended_ns"));
    } else {
        set_end(row, outcome);
    }
    add_memory(row, outcome, first_ended_ns);
    if (outcome->has_process)
        add_process(row, &outcome->process);
    add_origin(row, cell, outcome);
    add_clients(row, cell, outcome);
    add_disturbance(row, outcome);
    return row;
}

const char *row_status(const json_t *row) {
    const char *status = json_string_value(json_object_get(row, "status"));
    return status ? status : "failed";
}

bool row_is_disturbed(const json_t *row) {
    return json_array_size(json_object_get(row, "disturbed")) > 0;
}

bool row_status_is_good(const char *status) {
    return strcmp(status, "ok") == 0 || strcmp(status, "limited") == 0;
}
