#include "harness/table_columns.h"

#include <string.h>

void table_format_ns(double ns, char out[TABLE_TEXT_BYTES]) {
    if (ns < 100)
        snprintf(out, TABLE_TEXT_BYTES, "%.1f ns", ns);
    else if (ns < 1e3)
        snprintf(out, TABLE_TEXT_BYTES, "%.0f ns", ns);
    else if (ns < 1e6)
        snprintf(out, TABLE_TEXT_BYTES, "%.1f us", ns / 1e3);
    else if (ns < 1e9)
        snprintf(out, TABLE_TEXT_BYTES, "%.2f ms", ns / 1e6);
    else
        snprintf(out, TABLE_TEXT_BYTES, "%.3f s", ns / 1e9);
}

static void format_bytes(double bytes, char out[TABLE_TEXT_BYTES]) {
    if (bytes < 1024)
        snprintf(out, TABLE_TEXT_BYTES, "%.0f B", bytes);
    else if (bytes < 1024 * 1024)
        snprintf(out, TABLE_TEXT_BYTES, "%.1f KiB", bytes / 1024);
    else
        snprintf(out, TABLE_TEXT_BYTES, "%.1f MiB", bytes / (1024 * 1024));
}

static void format_count(double count, char out[TABLE_TEXT_BYTES]) {
    snprintf(out, TABLE_TEXT_BYTES, "%.0f", count);
}

static void format_share(double share, char out[TABLE_TEXT_BYTES]) {
    snprintf(out, TABLE_TEXT_BYTES, "%.1f %%", 100 * share);
}

static double number_at(const json_t *row, const char *path) {
    const json_t *value = row;
    for (size_t length; *path; path += length + (path[length] == '.')) {
        length = strcspn(path, ".");
        value = json_object_getn(value, path, length);
    }
    return json_is_number(value) ? json_number_value(value) : -1;
}

static double cpu_per_operation(const json_t *row) {
    double operations = number_at(row, "operations");
    double user_ns = number_at(row, "cpu_user_ns"), system_ns = number_at(row, "cpu_system_ns");
    return operations > 0 && user_ns >= 0 && system_ns >= 0 ? (user_ns + system_ns) / operations
                                                            : -1;
}

double table_column_value(const struct table_column *column, const json_t *row) {
    double value = column->compute ? column->compute(row) : number_at(row, column->path);
    return value < 0 ? -1 : value / column->divisor;
}

static struct table_column *add(struct table_columns *out, const char *above, const char *below,
                                const char *path, table_format_function *format) {
    if (out->count == TABLE_COLUMNS_MAX)
        return &out->all[TABLE_COLUMNS_MAX - 1];
    struct table_column *column = &out->all[out->count++];
    *column = (struct table_column){.divisor = 1, .format = format};
    snprintf(column->head[0], sizeof column->head[0], "%.15s", above);
    snprintf(column->head[1], sizeof column->head[1], "%.15s", below);
    snprintf(column->path, sizeof column->path, "%s", path);
    return column;
}

static void add_cpu(struct table_columns *out, const struct spec *spec) {
    bool has_unit = spec->workload->unit != NULL;
    struct table_column *column =
        add(out, "CPU", has_unit ? "per unit" : "per op", "", table_format_ns);
    column->compute = cpu_per_operation;
    column->divisor = (double)spec_units(spec);
}

static bool is_open_loop(const json_t *rows) {
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)rows, i, row) {
        if (json_is_object(json_object_get(row, "intended_latency_ns")))
            return true;
    }
    return false;
}

static void add_latency(struct table_columns *out, const struct spec *spec, const json_t *rows) {
    const struct workload *workload = spec->workload;
    const char *head = workload->unit ? "per unit" : "latency";
    double units = (double)spec_units(spec);
    add(out, head, "p50", "latency_ns.p50", table_format_ns)->divisor = units;
    add(out, head, "p99", "latency_ns.p99", table_format_ns)->divisor = units;
    if (is_open_loop(rows)) {
        add(out, "from due", "p50", "intended_latency_ns.p50", table_format_ns);
        add(out, "from due", "p99", "intended_latency_ns.p99", table_format_ns);
    }
    if (workload->is_sleep)
        add(out, "overshoot", "p99", "overshoot_ns.p99", table_format_ns);
    if (workload->needs_clients && workload->needs_clients(spec->params)) {
        add(out, "clients'", "p50", "clients.latency_ns.p50", table_format_ns);
        add(out, "clients'", "p99", "clients.latency_ns.p99", table_format_ns);
    }
}

static void add_lateness(struct table_columns *out, const struct spec *spec) {
    struct workload_blocking shape;
    char all[16];
    spec->workload->blocking(spec->params, &shape);
    snprintf(all, sizeof all, "of %llu", (unsigned long long)shape.victims);
    add(out, "delayed", all, "blocking.victims_delayed", format_count);
    add(out, "late", "p50", "blocking.lateness_ns.p50", table_format_ns);
    add(out, "late", "p99", "blocking.lateness_ns.p99", table_format_ns);
    add(out, "late", "max", "blocking.lateness_ns.max", table_format_ns);
    add(out, "control", "max", "blocking.control_lateness_ns.max", table_format_ns);
    add(out, "stolen", "share", "blocking.stolen_ns_per_blocked_s", format_share)->divisor = 1e9;
}

static bool ends_in(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* "lost_updates_count" becomes "lost" above "updates". */
static void add_figure(struct table_columns *out, const char *key) {
    table_format_function *format = ends_in(key, "_ns")      ? table_format_ns
                                    : ends_in(key, "_bytes") ? format_bytes
                                                             : format_count;
    char name[TABLE_TEXT_BYTES], path[TABLE_TEXT_BYTES];
    snprintf(name, sizeof name, "%.*s", (int)(strrchr(key, '_') - key), key);
    snprintf(path, sizeof path, "figures.%s", key);
    char *below = strrchr(name, '_');
    if (below)
        *below++ = '\0';
    add(out, name, below ? below : "", path, format);
}

static void add_figures(struct table_columns *out, const json_t *rows) {
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(json_array_get(rows, 0), "figures"), key, value) {
        add_figure(out, key);
    }
}

void table_columns_choose(struct table_columns *out, const struct spec *spec, const json_t *rows) {
    out->count = 0;
    if (spec->workload->blocking) {
        add_lateness(out, spec);
    } else {
        add_latency(out, spec, rows);
        add_figures(out, rows);
    }
    add_cpu(out, spec);
    add(out, "RSS", "peak", "memory.rss_peak_bytes", format_bytes);
    add(out, "in flight", "peak", "peak_in_flight", format_count);
}

void table_columns_explain(FILE *stream, const struct spec *spec, const json_t *rows) {
    const struct workload *workload = spec->workload;
    if (workload->blocking)
        fputs("delayed: victims that were late while a call blocked; late: from when a tick was "
              "due to when it began,\nbeside the calls; control: the same of a ticker outside of "
              "the process; stolen: share of the time blocked\nin which the mean victim stood "
              "still; a call that was not longer than a tick tells nothing (-)\n",
              stream);
    else if (workload->unit)
        fprintf(stream, "unit: %s; an operation is %s, of %lld units\n", workload->unit,
                workload->operation, (long long)spec_units(spec));
    else
        fprintf(stream, "op: %s\n", workload->operation);
    if (workload->is_sleep)
        fputs("overshoot: what it took beyond the time asked for\n", stream);
    if (is_open_loop(rows))
        fputs("latency: from when it began; from due: from when it was due, so that waiting for a "
              "free task counts\n",
              stream);
    if (!workload->blocking)
        fputs("-: not known; a percentile needs ten operations beyond it\n", stream);
}
