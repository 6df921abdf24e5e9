#include "harness/plan.h"

#include "clock.h"
#include "workloads/random.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int plan_create(struct plan *out, const char *name) {
    *out = (struct plan){.name = strdup(name),
                         .seed = 1,
                         .rounds = 1,
                         .timeout_ns = 60 * NS_PER_S,
                         .repeats = PLAN_REPEATS_DEFAULT,
                         .witness_ns = 30 * NS_PER_S};
    return out->name ? 0 : -ENOMEM;
}

static void destroy_cell(struct cell *cell) {
    spec_destroy(&cell->spec);
    model_spec_destroy(&cell->model_spec);
    conditions_destroy(&cell->conditions);
}

/* hyperfine starts trials itself, with nothing of ours beside them. */
static int check_witness(const struct cell *cell, struct message *message) {
    const struct conditions *conditions = &cell->conditions;
    if (!cell->has_witness || (!conditions->load && !conditions->origin_cpus))
        return 0;
    return message_fail(message, -EINVAL,
                        "witness: hyperfine can time no trial under %s: leave that out, or the "
                        "witness",
                        conditions->load ? "load" : "origin-cpus");
}

static int build_cell(struct cell *cell, const struct workload *workload, const struct model *model,
                      const struct setting *settings, size_t count,
                      const struct cell_options *options, struct message *message) {
    *cell = (struct cell){.rounds = options->rounds,
                          .has_witness = options->has_witness,
                          .has_timeline = options->has_timeline};
    struct bare_body body;
    int err = spec_find_body(&body, workload, model, message);
    if (!err)
        err = spec_build(&cell->spec, workload, settings, count, message);
    if (!err)
        err = model_spec_build(&cell->model_spec, model, settings, count, message);
    if (!err)
        err = spec_check_model(&cell->spec, &cell->model_spec, message);
    if (!err)
        err = conditions_build(&cell->conditions, settings, count, message);
    if (!err)
        err = check_witness(cell, message);
    if (!err)
        cell->ideal_ns = workload->ideal_ns(cell->spec.params);
    else
        destroy_cell(cell);
    return err;
}

int plan_add(struct plan *plan, const struct workload *workload, const struct model *model,
             const struct setting *settings, size_t count, const struct cell_options *options,
             struct message *message) {
    if (plan->cell_count >= PLAN_CELLS_MAX)
        return message_fail(message, -EINVAL, "more than %d cells: split the plan", PLAN_CELLS_MAX);
    struct cell *cells = realloc(plan->cells, (plan->cell_count + 1) * sizeof *cells);
    if (!cells)
        return message_fail(message, -ENOMEM, "out of memory");
    plan->cells = cells;
    struct cell *cell = &cells[plan->cell_count];
    int err = build_cell(cell, workload, model, settings, count, options, message);
    if (!err)
        cell->index = plan->cell_count++;
    return err;
}

static bool cell_matches(const struct cell *cell, const regex_t *regex) {
    char *text = NULL;
    if (asprintf(&text, "%s %s", cell->model_spec.model->name, cell->spec.text) < 0)
        return false;
    bool matches = regexec(regex, text, 0, NULL, 0) == 0;
    free(text);
    return matches;
}

int plan_select(struct plan *plan, const char *expression, struct message *message) {
    regex_t regex;
    int code = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);
    if (code) {
        char what[128];
        regerror(code, &regex, what, sizeof what);
        return message_fail(message, -EINVAL, "--only: \"%s\": %s", expression, what);
    }
    size_t kept = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        if (cell_matches(&plan->cells[i], &regex)) {
            plan->cells[kept] = plan->cells[i];
            plan->cells[kept].index = kept;
            kept++;
        } else {
            destroy_cell(&plan->cells[i]);
        }
    }
    regfree(&regex);
    size_t had = plan->cell_count;
    plan->cell_count = kept;
    if (kept == 0)
        return message_fail(message, -EINVAL,
                            "--only: \"%s\" matches none of the %zu cells of plan %s, whose texts "
                            "are like \"async sleep:tasks=...\"",
                            expression, had, plan->name);
    return 0;
}

int plan_check(const struct plan *plan, struct message *message) {
    if (plan->cell_count == 0)
        return message_fail(message, -EINVAL, "plan %s: it has no cells", plan->name);
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->ideal_ns >= plan->timeout_ns)
            return message_fail(message, -EINVAL,
                                "%s: its waits alone take %.3g s, and a trial is killed after "
                                "%.3g s: shorten them or raise the timeout",
                                cell->spec.text, (double)cell->ideal_ns / 1e9,
                                (double)plan->timeout_ns / 1e9);
    }
    return 0;
}

int64_t plan_cell_rounds(const struct plan *plan, const struct cell *cell) {
    return cell->rounds && cell->rounds < plan->rounds ? cell->rounds : plan->rounds;
}

int64_t plan_trial_count(const struct plan *plan) {
    int64_t count = 0;
    for (size_t i = 0; i < plan->cell_count; i++)
        count += plan_cell_rounds(plan, &plan->cells[i]);
    return count;
}

/* Fisher and Yates, the random numbers being a function of seed, round and position. */
size_t plan_order(const struct plan *plan, int64_t round, size_t *order) {
    size_t count = 0;
    for (size_t i = 0; i < plan->cell_count; i++)
        if (round <= plan_cell_rounds(plan, &plan->cells[i]))
            order[count++] = i;
    uint64_t round_seed = random_at(plan->seed, (uint64_t)round);
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)random_up_to(random_at(round_seed, i), (int64_t)i - 1);
        size_t swapped = order[i - 1];
        order[i - 1] = order[other];
        order[other] = swapped;
    }
    return count;
}

void plan_destroy(struct plan *plan) {
    for (size_t i = 0; i < plan->cell_count; i++)
        destroy_cell(&plan->cells[i]);
    free(plan->cells);
    free(plan->name);
    *plan = (struct plan){0};
}
