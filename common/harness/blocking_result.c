#include "harness/blocking_result.h"

#include "harness/distribution.h"
#include "measure/lateness.h"

#include <stdlib.h>

/* The picture of one block shows so many victims, and half of the block's length before and after
   it, but some ticks at least. */
#define TRACE_VICTIMS 10
#define TRACE_TICKS_AROUND 8

struct blocking {
    struct workload_blocking shape;
    const struct recorder *recorder;
    struct lateness_input input;
    int64_t *due_ns;
    int64_t *began_ns;
    struct histogram *quiet;
    struct histogram *blocked;
    struct histogram *calls;
    struct lateness lateness;
};

static int prepare(struct blocking *b, const struct workload *workload, const void *state) {
    uint64_t count = b->shape.victims * b->shape.ticks;
    b->due_ns = malloc(count * sizeof *b->due_ns);
    b->began_ns = malloc(count * sizeof *b->began_ns);
    if (!b->due_ns || !b->began_ns || histogram_create(&b->quiet) ||
        histogram_create(&b->blocked) || histogram_create(&b->calls))
        return -1;
    for (uint64_t i = 0; i < count; i++) {
        b->due_ns[i] = b->recorder->start_ns + workload->due_ns(state, i);
        b->began_ns[i] = b->recorder->records[i].begin_ns;
    }
    b->input = (struct lateness_input){.victims = b->shape.victims,
                                       .ticks = b->shape.ticks,
                                       .tick_ns = b->shape.tick_ns,
                                       .quiet_until_ns = b->recorder->start_ns + b->shape.quiet_ns,
                                       .due_ns = b->due_ns,
                                       .began_ns = b->began_ns,
                                       .blocks = b->recorder->blocks,
                                       .block_count = b->recorder->block_count};
    return 0;
}

static void destroy(struct blocking *b) {
    histogram_destroy(b->calls);
    histogram_destroy(b->blocked);
    histogram_destroy(b->quiet);
    free(b->began_ns);
    free(b->due_ns);
}

static const struct block_record *first_block(const struct recorder *recorder) {
    const struct block_record *chosen = NULL;
    for (uint64_t i = 0; i < recorder->block_count; i++) {
        const struct block_record *block = &recorder->blocks[i];
        if (block->end_ns && (!chosen || block->begin_ns < chosen->begin_ns))
            chosen = block;
    }
    return chosen;
}

static json_t *trace_blocks(const struct recorder *recorder, int64_t from_ns, int64_t to_ns) {
    json_t *blocks = json_array();
    for (uint64_t i = 0; i < recorder->block_count; i++) {
        const struct block_record *block = &recorder->blocks[i];
        if (block->end_ns > from_ns && block->begin_ns < to_ns)
            json_array_append_new(blocks,
                                  json_pack("[I, I]", (json_int_t)(block->begin_ns - from_ns),
                                            (json_int_t)(block->end_ns - from_ns)));
    }
    return blocks;
}

static json_t *trace_ticks(const struct blocking *b, int64_t from_ns, int64_t to_ns) {
    json_t *ticks = json_array();
    uint64_t victims = b->shape.victims < TRACE_VICTIMS ? b->shape.victims : TRACE_VICTIMS;
    for (uint64_t i = 0; i < victims * b->shape.ticks; i++) {
        if (b->due_ns[i] < from_ns || b->due_ns[i] >= to_ns || !b->began_ns[i])
            continue;
        json_array_append_new(ticks, json_pack("[I, I, I]", (json_int_t)(i / b->shape.ticks),
                                               (json_int_t)(b->due_ns[i] - from_ns),
                                               (json_int_t)(b->began_ns[i] - from_ns)));
    }
    return ticks;
}

static json_t *trace_json(const struct blocking *b) {
    const struct block_record *block = first_block(b->recorder);
    if (!block)
        return json_null();
    int64_t around_ns = (block->end_ns - block->begin_ns) / 2;
    if (around_ns < TRACE_TICKS_AROUND * b->shape.tick_ns)
        around_ns = TRACE_TICKS_AROUND * b->shape.tick_ns;
    int64_t from_ns = block->begin_ns - around_ns, to_ns = block->end_ns + around_ns;
    return json_pack("{s:o, s:o}", "blocks", trace_blocks(b->recorder, from_ns, to_ns), "ticks",
                     trace_ticks(b, from_ns, to_ns));
}

/* How late the blocking calls themselves began: for want of a helper, for instance. */
static void count_calls(struct blocking *b) {
    int64_t first_ns = b->recorder->start_ns + b->shape.quiet_ns;
    for (uint64_t i = 0; i < b->recorder->block_count; i++) {
        int64_t due_ns = first_ns + (int64_t)(i % b->shape.calls) * b->shape.every_ns;
        if (b->recorder->blocks[i].begin_ns)
            histogram_record(b->calls, b->recorder->blocks[i].begin_ns - due_ns);
    }
}

static json_t *object(const struct blocking *b, bool has_trace) {
    const struct lateness *l = &b->lateness;
    return json_pack(
        "{s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:n, s:o, s:o, s:o, s:o, s:o}", "victims",
        (json_int_t)b->shape.victims, "victims_delayed", figure_json(l->victims_delayed),
        "threshold_ns", (json_int_t)l->threshold_ns, "ticks_due", (json_int_t)l->ticks_due,
        "ticks_missed", (json_int_t)l->ticks_missed, "lateness_ns", distribution_json(b->blocked),
        "quiet_lateness_ns", distribution_json(b->quiet), "control_lateness_ns", "call_lateness_ns",
        distribution_json(b->calls), "blocked_ns", figure_json(l->blocked_ns),
        "stolen_ns_per_blocked_s", figure_json(l->stolen_ns_per_blocked_s), "recovery_ns",
        figure_json(l->recovery_ns), "trace", has_trace ? trace_json(b) : json_null());
}

json_t *blocking_result_json(const struct spec *spec, const void *state,
                             const struct recorder *recorder, bool has_trace) {
    if (!spec->workload->blocking || !recorder->start_ns)
        return json_null();
    struct blocking b = {.recorder = recorder};
    spec->workload->blocking(spec->params, &b.shape);
    json_t *json = NULL;
    if (prepare(&b, spec->workload, state) == 0) {
        lateness_measure(&b.input, b.quiet, b.blocked, &b.lateness);
        count_calls(&b);
        json = object(&b, has_trace);
    }
    destroy(&b);
    return json;
}
