#include "harness/table.h"

#include "harness/row.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 64
#define MISSING "-"

/* A figure of the table: where in a row it is, and how it is written. */
typedef void format_function(double value, char out[TEXT_BYTES]);

static void format_ns(double ns, char out[TEXT_BYTES]) {
    if (ns < 1e3)
        snprintf(out, TEXT_BYTES, "%.0f ns", ns);
    else if (ns < 1e6)
        snprintf(out, TEXT_BYTES, "%.1f us", ns / 1e3);
    else if (ns < 1e9)
        snprintf(out, TEXT_BYTES, "%.2f ms", ns / 1e6);
    else
        snprintf(out, TEXT_BYTES, "%.3f s", ns / 1e9);
}

static void format_bytes(double bytes, char out[TEXT_BYTES]) {
    if (bytes < 1024)
        snprintf(out, TEXT_BYTES, "%.0f B", bytes);
    else if (bytes < 1024 * 1024)
        snprintf(out, TEXT_BYTES, "%.1f KiB", bytes / 1024);
    else
        snprintf(out, TEXT_BYTES, "%.1f MiB", bytes / (1024 * 1024));
}

static void format_count(double count, char out[TEXT_BYTES]) {
    snprintf(out, TEXT_BYTES, "%.0f", count);
}

/* The number at "key" or "key.key" of a row; negative if there is none. */
static double number_at(const json_t *row, const char *path) {
    const char *dot = strchr(path, '.');
    const json_t *value;
    if (dot) {
        value = json_object_getn(row, path, (size_t)(dot - path));
        value = json_object_get(value, dot + 1);
    } else {
        value = json_object_get(row, path);
    }
    return json_is_number(value) ? json_number_value(value) : -1;
}

static double cpu_per_operation(const json_t *row) {
    double operations = number_at(row, "operations");
    double cpu_ns = number_at(row, "cpu_user_ns") + number_at(row, "cpu_system_ns");
    return operations > 0 && cpu_ns >= 0 ? cpu_ns / operations : -1;
}

static double figure_of(const json_t *row, const char *path) {
    return strcmp(path, "cpu_per_operation") == 0 ? cpu_per_operation(row) : number_at(row, path);
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The rows of one cell. */
struct group {
    const json_t **rows;
    size_t count;
    size_t good; /* of those, ok or limited: they are first */
};

/* Median, least and greatest of a figure over the rows that have it. Returns how many those are. */
static size_t summarise(const struct group *group, const char *path, double *median, double *min,
                        double *max) {
    double *values = calloc(group->count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; values && i < group->good; i++) {
        double value = figure_of(group->rows[i], path);
        if (value >= 0)
            values[count++] = value;
    }
    if (count > 0) {
        qsort(values, count, sizeof *values, compare);
        *median = (values[(count - 1) / 2] + values[count / 2]) / 2;
        *min = values[0];
        *max = values[count - 1];
    }
    free(values);
    return count;
}

static void median_text(const struct group *group, const char *path, format_function *format,
                        char out[TEXT_BYTES]) {
    double median, min, max;
    if (summarise(group, path, &median, &min, &max) > 0)
        format(median, out);
    else
        strcpy(out, MISSING);
}

/* "100.2 ms", or with several rounds "100.2 ms [100.1 ms .. 101.0 ms]". */
static void wall_text(const struct group *group, char out[3 * TEXT_BYTES]) {
    double median, min, max;
    char middle[TEXT_BYTES] = MISSING, least[TEXT_BYTES], greatest[TEXT_BYTES];
    size_t count = summarise(group, "wall_ns", &median, &min, &max);
    if (count > 0)
        format_ns(median, middle);
    if (count < 2) {
        strcpy(out, middle);
        return;
    }
    format_ns(min, least);
    format_ns(max, greatest);
    snprintf(out, 3 * TEXT_BYTES, "%.60s [%.60s .. %.60s]", middle, least, greatest);
}

/* "ok", or "ok 3/5" when rounds of a cell ended differently; nothing ended, nothing said. */
static void status_text(const struct group *group, char out[TEXT_BYTES]) {
    const char *worst = MISSING;
    size_t ok = 0;
    for (size_t i = 0; i < group->count; i++) {
        const char *status = row_status(group->rows[i]);
        if (strcmp(status, "ok") == 0)
            ok++;
        if (i == 0 || strcmp(status, "ok") != 0)
            worst = status;
    }
    if (ok == 0 || ok == group->count)
        snprintf(out, TEXT_BYTES, "%s", worst);
    else
        snprintf(out, TEXT_BYTES, "%s, ok %zu/%zu", worst, ok, group->count);
}

static void print_cell(FILE *stream, const struct cell *cell, const struct group *group) {
    static const struct {
        const char *path;
        format_function *format;
        int width;
    } columns[] = {
        {"cpu_per_operation", format_ns, 10},        {"latency_ns.p50", format_ns, 10},
        {"latency_ns.p99", format_ns, 10},           {"overshoot_ns.p99", format_ns, 13},
        {"memory.rss_peak_bytes", format_bytes, 10}, {"peak_in_flight", format_count, 9},
    };
    char status[TEXT_BYTES], wall[3 * TEXT_BYTES], text[TEXT_BYTES];
    status_text(group, status);
    wall_text(group, wall);
    fprintf(stream, "%-12s %-8s", cell->model_spec.model->name, status);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        median_text(group, columns[i].path, columns[i].format, text);
        fprintf(stream, " %*s", columns[i].width, text);
    }
    fprintf(stream, "  %s\n", wall);
}

static bool is_of(const struct cell *cell, const json_t *row) {
    const char *spec = json_string_value(json_object_get(row, "model_spec"));
    return spec && strcmp(spec, cell->model_spec.text) == 0;
}

/* Collects a cell's rows, the good ones first. */
static void collect(struct group *group, const struct cell *cell, const json_t *rows) {
    size_t i;
    json_t *row;
    group->count = group->good = 0;
    for (int pass = 0; pass < 2; pass++) {
        json_array_foreach((json_t *)rows, i, row) {
            if (is_of(cell, row) && row_status_is_good(row_status(row)) == (pass == 0))
                group->rows[group->count++] = row;
        }
        if (pass == 0)
            group->good = group->count;
    }
}

/* Why a trial was not ok, once for each trial. */
static void print_reasons(FILE *stream, const json_t *rows) {
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)rows, i, row) {
        const char *reason = json_string_value(json_object_get(row, "reason"));
        const json_t *limit = json_object_get(row, "limit");
        if (!reason)
            continue;
        fprintf(stream, "%s, round %lld, %s: %s", json_string_value(json_object_get(row, "model")),
                (long long)json_integer_value(json_object_get(row, "round")), row_status(row),
                reason);
        if (json_is_object(limit))
            fprintf(stream, " (%s is %lld)", json_string_value(json_object_get(limit, "name")),
                    (long long)json_integer_value(json_object_get(limit, "value")));
        fputc('\n', stream);
    }
}

void table_print(FILE *stream, const struct plan *plan, const json_t *rows) {
    const struct cell *first = &plan->cells[0];
    char ideal[TEXT_BYTES];
    struct group group = {.rows = calloc(json_array_size(rows) + 1, sizeof *group.rows)};
    if (!group.rows)
        return;
    format_ns((double)first->ideal_ns, ideal);
    fprintf(stream, "%s\ntasks %lld, ideal wall time %s, rounds %lld; medians over the rounds\n\n",
            first->spec.text, (long long)spec_tasks(&first->spec), ideal, (long long)plan->rounds);
    fprintf(stream, "%-12s %-8s %10s %10s %10s %13s %10s %9s  %s\n", "model", "status", "CPU/op",
            "latency", "latency", "overshoot", "RSS", "in flight",
            plan->rounds > 1 ? "wall [min .. max]" : "wall");
    fprintf(stream, "%-12s %-8s %10s %10s %10s %13s %10s %9s\n", "", "", "", "p50", "p99", "p99",
            "peak", "peak");
    for (size_t i = 0; i < plan->cell_count; i++) {
        collect(&group, &plan->cells[i], rows);
        print_cell(stream, &plan->cells[i], &group);
    }
    print_reasons(stream, rows);
    free(group.rows);
}
