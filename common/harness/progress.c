#include "harness/progress.h"

#include "clock.h"
#include "harness/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A process, its preparation and its verification. */
#define OVERHEAD_NS (50 * NS_PER_MS)

/* What is known of a cell. */
struct cell_progress {
    int64_t done;
    int64_t took_ns; /* all of those together */
    int64_t expected_ns;
};

struct progress {
    const struct plan *plan;
    FILE *stream;
    bool is_terminal;
    int64_t trials;
    int64_t trials_done;
    struct cell_progress *cells;
};

/* How long a trial of this cell is thought to take before one was run: its waits, as often as the
   model must queue them, and what starting a process takes; at most what it may take. */
static int64_t expected_ns(const struct plan *plan, const struct cell *cell) {
    int64_t tasks = spec_tasks(&cell->spec);
    int64_t at_once = cell->model_spec.model->in_flight_max(&cell->model_spec.options, tasks);
    int64_t turns = (tasks + at_once - 1) / at_once;
    if (cell->ideal_ns >= plan->timeout_ns / turns)
        return plan->timeout_ns;
    return cell->ideal_ns * turns + OVERHEAD_NS;
}

int progress_create(struct progress **out, const struct plan *plan, FILE *stream) {
    struct progress *progress = calloc(1, sizeof *progress);
    struct cell_progress *cells = calloc(plan->cell_count, sizeof *cells);
    if (!progress || !cells) {
        free(cells);
        free(progress);
        return -ENOMEM;
    }
    for (size_t i = 0; i < plan->cell_count; i++)
        cells[i].expected_ns = expected_ns(plan, &plan->cells[i]);
    *progress = (struct progress){.plan = plan,
                                  .stream = stream,
                                  .is_terminal = isatty(fileno(stream)),
                                  .trials = plan_trial_count(plan),
                                  .cells = cells};
    *out = progress;
    return 0;
}

static int64_t left_ns(const struct progress *progress) {
    int64_t left = 0;
    for (size_t i = 0; i < progress->plan->cell_count; i++) {
        const struct cell_progress *cell = &progress->cells[i];
        int64_t each = cell->done ? cell->took_ns / cell->done : cell->expected_ns;
        left += each * (plan_cell_rounds(progress->plan, &progress->plan->cells[i]) - cell->done);
    }
    return left;
}

/* A line that wraps cannot be cleared by a return to its begin. */
static int terminal_columns(FILE *stream) {
    struct winsize size;
    bool is_known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return is_known ? size.ws_col : 80;
}

void progress_begin(struct progress *progress, const struct cell *cell, int64_t round) {
    if (!progress->is_terminal)
        return;
    int64_t left_s = (left_ns(progress) + NS_PER_S - 1) / NS_PER_S;
    char line[512];
    snprintf(line, sizeof line, "%lld/%lld  round %lld  %lld:%02lld left  %s %s",
             (long long)progress->trials_done + 1, (long long)progress->trials, (long long)round,
             (long long)left_s / 60, (long long)left_s % 60, cell->model_spec.model->name,
             cell->spec.text);
    fprintf(progress->stream, "\r\033[K%.*s", terminal_columns(progress->stream) - 1, line);
    fflush(progress->stream);
}

/* "", or why a trial was disturbed and what follows from it: ": disturbed (steal), repeated". */
static void disturbed_text(const json_t *row, bool is_repeated, char *text, size_t size) {
    const json_t *reasons = json_object_get(row, "disturbed");
    size_t count = json_array_size(reasons);
    int length = snprintf(text, size, "%s", count ? ": disturbed (" : "");
    for (size_t i = 0; i < count && (size_t)length < size; i++)
        length += snprintf(text + length, size - (size_t)length, "%s%s", i ? ", " : "",
                           json_string_value(json_array_get(reasons, i)));
    if (count && (size_t)length < size)
        snprintf(text + length, size - (size_t)length, "%s", is_repeated ? "), repeated" : ")");
}

void progress_count(struct progress *progress, const struct cell *cell, int64_t took_ns) {
    struct cell_progress *known = &progress->cells[cell->index];
    known->done++;
    known->took_ns += took_ns;
    progress->trials_done++;
}

void progress_go_on(struct progress *progress) {
    fprintf(progress->stream, "%lld of %lld trials are there, %s\n",
            (long long)progress->trials_done, (long long)progress->trials,
            progress->trials_done < progress->trials ? "going on" : "nothing is missing");
}

void progress_end(struct progress *progress, const struct cell *cell, int64_t round,
                  const json_t *row, bool is_repeated) {
    const json_t *process = json_object_get(row, "process");
    int64_t took_ns = json_integer_value(json_object_get(process, "wall_ns"));
    if (!is_repeated)
        progress_count(progress, cell, took_ns);
    const char *status = row_status(row);
    bool is_ok = strcmp(status, "ok") == 0;
    if (progress->is_terminal && is_ok && !is_repeated)
        return;
    const char *reason = json_string_value(json_object_get(row, "reason"));
    char disturbed[128];
    disturbed_text(row, is_repeated, disturbed, sizeof disturbed);
    fprintf(progress->stream, "%s%lld/%lld  round %lld  %.2f s  %s  %s %s%s%s%s\n",
            progress->is_terminal ? "\r\033[K" : "", (long long)progress->trials_done + is_repeated,
            (long long)progress->trials, (long long)round, (double)took_ns / 1e9, status,
            cell->model_spec.model->name, cell->spec.text, reason ? ": " : "", reason ? reason : "",
            disturbed);
}

void progress_destroy(struct progress *progress) {
    if (!progress)
        return;
    if (progress->is_terminal)
        fputs("\r\033[K", progress->stream);
    free(progress->cells);
    free(progress);
}
