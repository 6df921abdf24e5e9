#include "harness/table.h"

#include "harness/row.h"
#include "harness/table_columns.h"

#include <stdlib.h>
#include <string.h>

#define MISSING "-"
#define MODEL_WIDTH 15
#define STATUS_WIDTH 8
#define FIGURE_WIDTH 10

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
static size_t summarise(const struct group *group, const struct table_column *column,
                        double *median, double *min, double *max) {
    double *values = calloc(group->count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; values && i < group->good; i++) {
        double value = table_column_value(column, group->rows[i]);
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

static void print_median(FILE *stream, const struct group *group,
                         const struct table_column *column) {
    double median, min, max;
    char text[TABLE_TEXT_BYTES] = MISSING;
    if (summarise(group, column, &median, &min, &max) > 0)
        column->format(median, text);
    fprintf(stream, " %*s", FIGURE_WIDTH, text);
}

/* "100.2 ms", or with several rounds "100.2 ms [100.1 ms .. 101.0 ms]". */
static void wall_text(const struct group *group, char out[3 * TABLE_TEXT_BYTES]) {
    const struct table_column wall = {.path = "wall_ns", .divisor = 1};
    double median, min, max;
    char middle[TABLE_TEXT_BYTES] = MISSING, least[TABLE_TEXT_BYTES], greatest[TABLE_TEXT_BYTES];
    size_t count = summarise(group, &wall, &median, &min, &max);
    if (count > 0)
        table_format_ns(median, middle);
    if (count < 2) {
        strcpy(out, middle);
        return;
    }
    table_format_ns(min, least);
    table_format_ns(max, greatest);
    snprintf(out, 3 * TABLE_TEXT_BYTES, "%.60s [%.60s .. %.60s]", middle, least, greatest);
}

/* "ok", or "ok 3/5" when rounds of a cell ended differently; nothing ended, nothing said. */
static void status_text(const struct group *group, char out[TABLE_TEXT_BYTES]) {
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
        snprintf(out, TABLE_TEXT_BYTES, "%s", worst);
    else
        snprintf(out, TABLE_TEXT_BYTES, "%s, ok %zu/%zu", worst, ok, group->count);
}

static void print_cell(FILE *stream, const struct cell *cell, const struct group *group,
                       const struct table_columns *columns) {
    char status[TABLE_TEXT_BYTES], wall[3 * TABLE_TEXT_BYTES];
    status_text(group, status);
    wall_text(group, wall);
    fprintf(stream, "%-*s %-*s", MODEL_WIDTH, cell->model_spec.model->name, STATUS_WIDTH, status);
    for (size_t i = 0; i < columns->count; i++)
        print_median(stream, group, &columns->all[i]);
    fprintf(stream, "  %s\n", wall);
}

static void print_heads(FILE *stream, const struct plan *plan,
                        const struct table_columns *columns) {
    for (int line = 0; line < 2; line++) {
        fprintf(stream, "%-*s %-*s", MODEL_WIDTH, line ? "" : "model", STATUS_WIDTH,
                line ? "" : "status");
        for (size_t i = 0; i < columns->count; i++)
            fprintf(stream, " %*s", FIGURE_WIDTH, columns->all[i].head[line]);
        if (line == 0)
            fputs(plan->rounds > 1 ? "  wall [min .. max]" : "  wall", stream);
        fputc('\n', stream);
    }
}

/* The spec, and what is the same in all lines. */
static void print_title(FILE *stream, const struct plan *plan) {
    const struct cell *first = &plan->cells[0];
    char ideal[TABLE_TEXT_BYTES];
    table_format_ns((double)first->ideal_ns, ideal);
    fprintf(stream, "%s\ntasks %lld, rounds %lld%s", first->spec.text,
            (long long)spec_tasks(&first->spec), (long long)plan->rounds,
            plan->rounds > 1 ? " (medians over them)" : "");
    if (first->ideal_ns)
        fprintf(stream, ", ideal wall time %s: the waits alone", ideal);
    fputs("\n\n", stream);
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

static void print_notes(FILE *stream, const struct plan *plan, const json_t *rows) {
    const struct spec *spec = &plan->cells[0].spec;
    fputc('\n', stream);
    table_columns_explain(stream, spec, rows);
    print_reasons(stream, rows);
}

void table_print(FILE *stream, const struct plan *plan, const json_t *rows) {
    struct group group = {.rows = calloc(json_array_size(rows) + 1, sizeof *group.rows)};
    struct table_columns columns;
    if (!group.rows)
        return;
    table_columns_choose(&columns, &plan->cells[0].spec, rows);
    print_title(stream, plan);
    print_heads(stream, plan, &columns);
    for (size_t i = 0; i < plan->cell_count; i++) {
        collect(&group, &plan->cells[i], rows);
        print_cell(stream, &plan->cells[i], &group, &columns);
    }
    print_notes(stream, plan, rows);
    free(group.rows);
}
