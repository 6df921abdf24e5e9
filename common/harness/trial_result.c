#include "harness/trial_result.h"

#include "harness/blocking_result.h"
#include "harness/distribution.h"
#include "harness/limits.h"

static json_t *timeline_json(const struct timeline *timeline) {
    if (!timeline)
        return json_null();
    json_t *spans = json_array();
    size_t count;
    const struct timeline_span *span = timeline_spans(timeline, &count);
    for (; count > 0; count--, span++)
        json_array_append_new(spans, json_pack("[I, s, I, I]", (json_int_t)span->task,
                                               span->is_wait ? "wait" : "run",
                                               (json_int_t)span->from_ns, (json_int_t)span->to_ns));
    return spans;
}

/* How many tasks there were when a limit was met: those spawned if spawning met it, else those that
   were under way at once. */
static int64_t tasks_reached(const struct recorder *recorder) {
    return (int64_t)(recorder->spawn_error ? recorder->spawned : recorder->in_flight_peak);
}

static json_t *limit_json(const struct verdict *verdict, const struct recorder *recorder) {
    json_t *limit =
        verdict->limit_cause ? limits_explain(verdict->limit_cause, tasks_reached(recorder)) : NULL;
    return limit ? limit : json_null();
}

static void add_times(json_t *object, const struct trial_result *result) {
    const struct phases *phases = &result->phases;
    json_object_set_new(object, "wall_ns", json_integer(phases->wall_ns));
    json_object_set_new(object, "spawn_ns", json_integer(phases->spawn_ns));
    json_object_set_new(object, "run_ns", json_integer(phases->run_ns));
    json_object_set_new(object, "join_ns", json_integer(phases->join_ns));
    json_object_set_new(object, "latency_ns", distribution_json(result->latency));
    json_object_set_new(object, "intended_latency_ns",
                        distribution_json(result->verdict->intended));
    json_object_set_new(object, "overshoot_ns", distribution_json(result->overshoot));
    json_object_set_new(object, "timeline", timeline_json(result->timeline));
}

static json_t *figures_json(const struct trial_result *result) {
    const struct workload *workload = result->spec->workload;
    struct workload_figure figures[WORKLOAD_FIGURES_MAX];
    size_t count = workload->figures ? workload->figures(result->state, figures) : 0;
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(object, figures[i].name, json_integer(figures[i].value));
    return object;
}

/* Of a model that runs on loops: the share of the wall time in which they did not wait. */
static json_t *occupancy_json(const struct trial_result *result) {
    int64_t idle_ns = result->report.idle_ns;
    if (idle_ns < 0 || result->phases.wall_ns <= 0)
        return json_null();
    return json_real(1 - (double)idle_ns / (double)result->phases.wall_ns);
}

static void add_findings(json_t *object, const struct trial_result *result) {
    json_t *blocking = blocking_result_json(result->spec, result->state, result->recorder,
                                            result->timeline != NULL);
    json_object_set_new(object, "figures", figures_json(result));
    json_object_set_new(object, "loop_occupancy", occupancy_json(result));
    json_object_set_new(object, "blocking", blocking ? blocking : json_null());
}

static void add_usage(json_t *object, const struct usage *used) {
    json_object_set_new(object, "cpu_user_ns", json_integer(used->cpu_user_ns));
    json_object_set_new(object, "cpu_system_ns", json_integer(used->cpu_system_ns));
    json_object_set_new(object, "switches",
                        json_pack("{s:I, s:I}", "voluntary", (json_int_t)used->switches_voluntary,
                                  "involuntary", (json_int_t)used->switches_involuntary));
    json_object_set_new(object, "faults",
                        json_pack("{s:I, s:I}", "minor", (json_int_t)used->faults_minor, "major",
                                  (json_int_t)used->faults_major));
}

static void add_memory(json_t *object, const struct trial_result *result) {
    const struct model_report *report = &result->report;
    json_object_set_new(
        object, "memory",
        json_pack("{s:o}", "rss_peak_bytes", figure_json(result->memory.rss_peak_bytes)));
    json_object_set_new(object, "stack",
                        json_pack("{s:o, s:o}", "size_bytes", figure_json(report->stack_bytes),
                                  "used_peak_bytes", figure_json(report->stack_used_peak_bytes)));
}

/* A workload whose tasks are too many and too short to be counted has no such figure. */
static json_t *peak_json(const struct recorder *recorder) {
    return figure_json(recorder->in_flight_peak ? (int64_t)recorder->in_flight_peak : -1);
}

json_t *trial_result_json(const struct trial_result *result) {
    const struct verdict *verdict = result->verdict;
    const struct recorder *recorder = result->recorder;
    const char *reason = verdict->reason.text;
    json_t *object =
        json_pack("{s:s, s:s?, s:I, s:O, s:b, s:o, s:o, s:I}", "status", verdict->status, "reason",
                  *reason ? reason : NULL, "operations", (json_int_t)verdict->summary.ended,
                  "errors", verdict->errors, "verified", verdict->is_verified, "peak_in_flight",
                  peak_json(recorder), "limit", limit_json(verdict, recorder), "first_ended_ns",
                  (json_int_t)recorder->first_ended_ns);
    if (!object)
        return NULL;
    add_times(object, result);
    add_findings(object, result);
    add_usage(object, &result->used);
    add_memory(object, result);
    return object;
}

json_t *trial_result_unprepared_json(int error, const struct message *reason) {
    json_t *limit = verdict_is_limit(error) ? limits_explain(error, 0) : NULL;
    return json_pack("{s:s, s:s, s:o}", "status", limit ? "limited" : "failed", "reason",
                     reason->text, "limit", limit ? limit : json_null());
}
