/* Victims tick at known times while blockers make blocking calls, as a library does that was not
   written for an event loop: what one such call does to everybody else. A blocker makes its calls
   where it stands, hands them to helper threads, or, if they compute, gives way now and then. */
#include "workloads/workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "workloads/arrivals.h"
#include "workloads/block_call.h"
#include "workloads/choice.h"
#include "workloads/fan_out.h"
#include "workloads/random.h"

#define US_NS INT64_C(1000)
#define MS_NS INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)

#define CALLS_MAX 10000000

#define TASK_STACK_BYTES 1024

enum remedy {
    REMEDY_DIRECT,
    REMEDY_OFFLOAD,
    REMEDY_YIELD,
};

static const char *const remedy_names[] = {"direct", "offload", "yield", NULL};

struct blocking_params {
    struct workload_params common; /* of which `tasks` is not used */
    int64_t victims;
    int64_t tick_ns;
    int64_t blockers;
    int64_t block_ns;
    int64_t every_ns;
    int64_t quiet_ns;
    int64_t for_ns;
    char *kind;
    char *remedy;
    int64_t slice_ns;
};

/* One call of one blocker, in the form that can be offloaded. */
struct blocking_call {
    struct blocking_state *state;
    uint64_t blocker;
    uint64_t number; /* of all calls; as the recorder counts them */
};

struct blocking_state {
    const struct blocking_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
    struct block_call *call;
    int64_t start_ns;
    uint64_t *calls_made; /* by each blocker */
};

static enum block_kind kind_of(const struct blocking_params *p) {
    return (enum block_kind)choice_index(block_kind_names, p->kind);
}

static enum remedy remedy_of(const struct blocking_params *p) {
    return (enum remedy)choice_index(remedy_names, p->remedy);
}

static uint64_t ticks_each(const struct blocking_params *p) {
    return (uint64_t)((p->quiet_ns + p->for_ns) / p->tick_ns);
}

/* Of one blocker: one at the end of the quiet part, and one whenever `every` has passed, as long as
   the victims tick. */
static uint64_t calls_each(const struct blocking_params *p) {
    return (uint64_t)((p->for_ns + p->every_ns - 1) / p->every_ns);
}

/* What is computed in one go: all of a block, or a slice of it. */
static int64_t piece_ns(const struct blocking_params *p) {
    bool is_sliced = remedy_of(p) == REMEDY_YIELD && p->slice_ns < p->block_ns;
    return is_sliced ? p->slice_ns : p->block_ns;
}

static uint64_t tick_value(const struct blocking_params *p, uint64_t victim, uint64_t tick) {
    return random_at(random_at((uint64_t)p->common.seed, victim), tick);
}

static int64_t blocking_tasks(const void *params) {
    const struct blocking_params *p = params;
    return p->victims + p->blockers;
}

/* Victims are spread over the tick, so that they are never all due at once. */
static int64_t due_of(const struct blocking_params *p, uint64_t victim, uint64_t tick) {
    return (int64_t)tick * p->tick_ns + (int64_t)victim * p->tick_ns / p->victims;
}

static int64_t blocking_due_ns(const void *state, uint64_t operation) {
    const struct blocking_params *p = ((const struct blocking_state *)state)->params;
    return due_of(p, operation / ticks_each(p), operation % ticks_each(p));
}

/* A victim that is late makes all its ticks nevertheless. */
static int victim_task(const struct blocking_state *s, uint64_t victim) {
    const struct blocking_params *p = s->params;
    uint64_t ticks = ticks_each(p);
    int err = 0;
    for (uint64_t tick = 0; tick < ticks && !err; tick++) {
        err = task_sleep_until(s->start_ns + due_of(p, victim, tick));
        operation_begin(s->recorder, victim * ticks + tick);
        operation_end(s->recorder, victim * ticks + tick, err, tick_value(p, victim, tick));
    }
    return err;
}

/* With remedy=yield others run between two slices; the last slice may be longer than it need be. */
static int make_slices(const struct blocking_call *call) {
    const struct blocking_state *s = call->state;
    int64_t slices = (s->params->block_ns + piece_ns(s->params) - 1) / piece_ns(s->params);
    int err = block_call_make(s->call, call->blocker, call->number);
    for (int64_t i = 1; i < slices && !err; i++) {
        err = task_yield();
        if (!err)
            err = block_call_make(s->call, call->blocker, call->number);
    }
    return err;
}

/* Runs in the blocker's own thread, or in a helper, from where nobody can yield: all is one slice
   there. What the recorder is told of is the call as its caller sees it, yields included. */
static int make_call(void *arg) {
    const struct blocking_call *call = arg;
    struct blocking_state *s = call->state;
    recorder_block_begin(s->recorder, call->number);
    int err = make_slices(call);
    recorder_block_end(s->recorder, call->number, err);
    if (!err)
        s->calls_made[call->blocker]++;
    return err;
}

static int block(struct blocking_call *call) {
    if (remedy_of(call->state->params) != REMEDY_OFFLOAD)
        return make_call(call);
    int result = 0;
    int err = task_offload(make_call, call, &result);
    return err ? err : result;
}

/* A call that failed ends the blocker, and its error is main's. */
static int blocker_task(struct blocking_state *s, uint64_t blocker) {
    const struct blocking_params *p = s->params;
    uint64_t calls = calls_each(p);
    int64_t first_ns = s->start_ns + p->quiet_ns;
    int err = 0;
    for (uint64_t i = 0; i < calls && !err; i++) {
        struct blocking_call call = {.state = s, .blocker = blocker, .number = blocker * calls + i};
        err = task_sleep_until(first_ns + (int64_t)i * p->every_ns);
        if (!err)
            err = block(&call);
    }
    return err;
}

/* Blockers come first: a pool whose workers they all take is to be seen starving, whatever the
   order in which it runs what waits. */
static int blocking_task(void *state, uint64_t number) {
    struct blocking_state *s = state;
    uint64_t blockers = (uint64_t)s->params->blockers;
    return number < blockers ? blocker_task(s, number) : victim_task(s, number - blockers);
}

static void blocking_shape(const void *params, struct workload_blocking *out) {
    const struct blocking_params *p = params;
    *out = (struct workload_blocking){
        .victims = (uint64_t)p->victims,
        .ticks = ticks_each(p),
        .tick_ns = p->tick_ns,
        .quiet_ns = p->quiet_ns,
        .blocks = (uint64_t)p->blockers * calls_each(p),
        .calls = p->blockers > 0 ? calls_each(p) : 0,
        .every_ns = p->every_ns,
    };
}

static uint64_t blocking_operations(const void *params) {
    const struct blocking_params *p = params;
    return (uint64_t)p->victims * ticks_each(p);
}

/* A tick waits for its time before it begins, and for nothing after. */
static int64_t blocking_wait_ns(const void *params, uint64_t operation) {
    (void)params;
    (void)operation;
    return 0;
}

static bool blocking_is_right(const void *params, uint64_t operation, uint64_t value) {
    const struct blocking_params *p = params;
    return value == tick_value(p, operation / ticks_each(p), operation % ticks_each(p));
}

/* A call is made on the task's own stack, and a coroutine's has no room to grow. */
static size_t blocking_stack_bytes(const void *params) {
    const struct blocking_params *p = params;
    bool is_own = remedy_of(p) != REMEDY_OFFLOAD && p->blockers > 0;
    return TASK_STACK_BYTES + (is_own ? block_call_stack_bytes(kind_of(p)) : 0);
}

/* When the last block can have ended. Blocks that are longer than the time between them queue. */
static int64_t blocks_end_ns(const struct blocking_params *p) {
    if (p->blockers == 0 || kind_of(p) == BLOCK_FSYNC)
        return 0;
    int64_t apart_ns = p->every_ns > p->block_ns ? p->every_ns : p->block_ns;
    return p->quiet_ns + ((int64_t)calls_each(p) - 1) * apart_ns + p->block_ns;
}

static int64_t blocking_ideal_ns(const void *params) {
    const struct blocking_params *p = params;
    int64_t last_due_ns = due_of(p, (uint64_t)p->victims - 1, ticks_each(p) - 1);
    int64_t blocks_ns = blocks_end_ns(p);
    return arrivals_lead_ns(blocking_tasks(p)) +
           (last_due_ns > blocks_ns ? last_due_ns : blocks_ns);
}

static int refuse(char message[WORKLOAD_MESSAGE_BYTES], const char *what) {
    snprintf(message, WORKLOAD_MESSAGE_BYTES, "%s", what);
    return -EINVAL;
}

static int blocking_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct blocking_params *p = params;
    int err = choice_check("kind", block_kind_names, p->kind, message);
    if (!err)
        err = choice_check("remedy", remedy_names, p->remedy, message);
    if (err)
        return err;
    if (remedy_of(p) == REMEDY_YIELD && kind_of(p) != BLOCK_SPIN)
        return refuse(message, "remedy: only what computes can yield, a call into the system "
                               "cannot (try --kind=spin or --remedy=offload)");
    if (p->for_ns < p->tick_ns)
        return refuse(message, "for is shorter than tick: no tick would be due beside a block "
                               "(try a longer --for or a shorter --tick)");
    struct workload_blocking shape;
    blocking_shape(p, &shape);
    if (shape.blocks > CALLS_MAX)
        return refuse(message, "these parameters make more than 10M blocking calls "
                               "(try fewer --blockers or a longer --every)");
    return 0;
}

static void blocking_destroy(void *state) {
    struct blocking_state *s = state;
    if (!s)
        return;
    fan_out_destroy(s->fan_out);
    block_call_destroy(s->call);
    free(s->calls_made);
    free(s);
}

static int prepare_call(struct blocking_state *s, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct blocking_params *p = s->params;
    struct block_call_options options = {
        .kind = kind_of(p), .duration_ns = piece_ns(p), .callers = (uint64_t)p->blockers};
    s->calls_made = calloc((size_t)p->blockers + 1, sizeof *s->calls_made);
    if (!s->calls_made)
        return -ENOMEM;
    return block_call_create(&s->call, &options, message, WORKLOAD_MESSAGE_BYTES);
}

static int blocking_prepare(const struct workload_input *input, void **state,
                            char message[WORKLOAD_MESSAGE_BYTES]) {
    struct blocking_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    int err = prepare_call(s, message);
    if (!err)
        err = fan_out_create(&s->fan_out, (uint64_t)blocking_tasks(s->params), "victim",
                             blocking_task, s, s->recorder);
    if (err) {
        blocking_destroy(s);
        return err;
    }
    fan_out_name_first(s->fan_out, (uint64_t)s->params->blockers, "blocker");
    *state = s;
    return 0;
}

static int blocking_main(void *state) {
    struct blocking_state *s = state;
    s->start_ns = recorder_start(s->recorder, arrivals_lead_ns(blocking_tasks(s->params)));
    return fan_out_run(s->fan_out);
}

static size_t blocking_figures(const void *state, struct workload_figure *out) {
    const struct blocking_state *s = state;
    *out = (struct workload_figure){.name = "blocking_calls_count"};
    for (int64_t i = 0; i < s->params->blockers; i++)
        out->value += (int64_t)s->calls_made[i];
    return 1;
}

#define PARAMETER(name, kind, field, ...)                                                          \
    { name, PARAMETER_##kind, offsetof(struct blocking_params, field), __VA_ARGS__ }

static const struct parameter blocking_parameters[] = {
    PARAMETER("victims", COUNT, victims, "100", 1, 1000000, "COUNT", "tasks that tick"),
    PARAMETER("tick", DURATION, tick_ns, "5ms", 10 * US_NS, 10 * SECOND_NS, "DURATION",
              "time between two ticks of a victim"),
    PARAMETER("blockers", COUNT, blockers, "1", 0, 10000, "COUNT",
              "tasks that make blocking calls; 0: nobody does"),
    PARAMETER("block", DURATION, block_ns, "10ms", 100 * US_NS, 60 * SECOND_NS, "DURATION",
              "how long a call blocks; an fsync takes what the disk takes"),
    PARAMETER("every", DURATION, every_ns, "500ms", MS_NS, 3600 * SECOND_NS, "DURATION",
              "time between the begins of two calls of a blocker"),
    PARAMETER("quiet", DURATION, quiet_ns, "1s", 0, 3600 * SECOND_NS, "DURATION",
              "at first the victims tick and nobody blocks: the control"),
    PARAMETER("for", DURATION, for_ns, "2s", MS_NS, 3600 * SECOND_NS, "DURATION",
              "how long the victims tick beside the blockers"),
    PARAMETER("kind", TEXT, kind, "sleep", 0, 0, "KIND",
              "what blocks: sleep, spin, getaddrinfo, fsync or lock"),
    PARAMETER("remedy", TEXT, remedy, "direct", 0, 0, "REMEDY",
              "what is done about it: direct (nothing), offload, or, of a spin, yield"),
    PARAMETER("slice", DURATION, slice_ns, "1ms", 100 * US_NS, 60 * SECOND_NS, "DURATION",
              "with remedy=yield: computed between two yields"),
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_blocking = {
    .name = "blocking",
    .summary = "tasks that tick beside tasks that block: what a blocking call does to the others",
    .operation = "one tick",
    .parameters = blocking_parameters,
    .params_bytes = sizeof(struct blocking_params),
    .tasks = blocking_tasks,
    .task_stack_bytes = TASK_STACK_BYTES,
    .stack_bytes = blocking_stack_bytes,
    .blocking = blocking_shape,
    .check = blocking_check,
    .operations = blocking_operations,
    .wait_ns = blocking_wait_ns,
    .is_right = blocking_is_right,
    .ideal_ns = blocking_ideal_ns,
    .due_ns = blocking_due_ns,
    .prepare = blocking_prepare,
    .main = blocking_main,
    .destroy = blocking_destroy,
    .figures = blocking_figures,
};
