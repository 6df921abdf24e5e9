#include "harness/doctor.h"

#include "harness/examination.h"
#include "harness/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#define FINDINGS_MAX 16

/* What the plans ask for: standard has 10,000 tasks, each a thread in one of its models, and as
   many connections; the room beyond is for plan full. */
#define TASKS_WANTED 30000
#define CONNECTIONS_WANTED 12000

static const char *limit_unit(const struct limit *limit) {
    switch (limit->kind) {
    case LIMIT_OF_THREADS:
        return "threads";
    case LIMIT_OF_MEMORY:
        return "bytes";
    case LIMIT_OF_DESCRIPTORS:
        return "descriptors of a process";
    case LIMIT_OF_FILES:
        return "open files";
    default:
        return "connections to one address";
    }
}

static bool is_limit_good(const struct limit *limit) {
    if (limit->value == LIMITS_NONE || limit->kind == LIMIT_OF_MEMORY)
        return true;
    return limit->room >= (limit->kind == LIMIT_OF_THREADS ? TASKS_WANTED : CONNECTIONS_WANTED);
}

/* What raises a limit. */
static const char *limit_advice(const struct limit *limit) {
    static const struct {
        const char *name;
        const char *advice;
    } known[] = {
        {"pids.max", "raise pids.max of the cgroup: systemd-run -p TasksMax=infinity, docker run "
                     "--pids-limit=-1"},
        {"kernel.pid_max", "sudo sysctl kernel.pid_max=4194304"},
        {"kernel.threads-max", "sudo sysctl kernel.threads-max=1000000"},
        {"RLIMIT_NPROC", "ulimit -u unlimited, or nproc in /etc/security/limits.conf"},
        {"vm.max_map_count", "sudo sysctl vm.max_map_count=1000000"},
        {"RLIMIT_NOFILE", "ulimit -Hn 100000, or nofile in /etc/security/limits.conf"},
        {"fs.file-max", "sudo sysctl fs.file-max=1000000"},
        {"net.ipv4.ip_local_port_range", "sudo sysctl net.ipv4.ip_local_port_range='1024 65535'"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, limit->name) == 0)
            return known[i].advice;
    return NULL;
}

static json_t *number_json(int64_t value) {
    return value == LIMITS_NONE ? json_null() : json_integer(value);
}

static json_t *limit_json(const struct limit *limit) {
    bool is_good = is_limit_good(limit), has_room = limit->kind != LIMIT_OF_MEMORY;
    return json_pack("{s:s, s:o, s:s, s:o, s:b, s:s?}", "name", limit->name, "value",
                     number_json(limit->value), "unit", limit_unit(limit), "room",
                     has_room ? number_json(limit->value == LIMITS_NONE ? LIMITS_NONE : limit->room)
                              : json_null(),
                     "is_good", is_good, "advice", is_good ? NULL : limit_advice(limit));
}

static json_t *finding_json(const struct finding *finding) {
    return json_pack("{s:s, s:o, s:s, s:b, s:s?}", "name", finding->name, "value",
                     finding->has_text   ? json_string(finding->text)
                     : finding->is_known ? json_real(finding->value)
                                         : json_null(),
                     "unit", finding->unit, "is_good", finding->is_good, "advice",
                     finding->is_good ? NULL : finding->advice);
}

static json_t *report_json(const struct limit *limits, size_t limit_count,
                           const struct finding *findings, size_t finding_count) {
    json_t *limit_array = json_array(), *noise = json_array();
    for (size_t i = 0; i < limit_count; i++)
        json_array_append_new(limit_array, limit_json(&limits[i]));
    for (size_t i = 0; i < finding_count; i++)
        json_array_append_new(noise, finding_json(&findings[i]));
    return json_pack("{s:o, s:o}", "limits", limit_array, "noise", noise);
}

static void print_advice(FILE *out, bool is_good, const char *advice) {
    if (!is_good && advice)
        fprintf(out, "      try: %s\n", advice);
}

static void print_limit(FILE *out, const struct limit *limit) {
    bool is_good = is_limit_good(limit);
    fprintf(out, "  %s %-30s ", is_good ? "  " : "!!", limit->name);
    if (limit->value == LIMITS_NONE)
        fprintf(out, "%14s\n", "no limit");
    else if (limit->kind == LIMIT_OF_MEMORY)
        fprintf(out, "%10.1f GiB\n", (double)limit->value / (double)(1 << 30));
    else if (limit->room == LIMITS_NONE)
        fprintf(out, "%14" PRId64 "   does not count for the superuser\n", limit->value);
    else
        fprintf(out, "%14" PRId64 "   room for %" PRId64 " %s\n", limit->value, limit->room,
                limit_unit(limit));
    print_advice(out, is_good, limit_advice(limit));
}

static void print_finding(FILE *out, const struct finding *finding) {
    fprintf(out, "  %s %-44s ", finding->is_good ? "  " : "!!", finding->name);
    if (finding->has_text)
        fprintf(out, "%s\n", finding->text);
    else if (finding->is_known)
        fprintf(out, "%.4g %s\n", finding->value, finding->unit);
    else
        fprintf(out, "not to be had here\n");
    print_advice(out, finding->is_good, finding->advice);
}

static void print(FILE *out, const struct limit *limits, size_t limit_count,
                  const struct finding *findings, size_t finding_count) {
    fprintf(out, "Limits, and what they leave room for (!!: less than the plans ask for)\n");
    for (size_t i = 0; i < limit_count; i++)
        print_limit(out, &limits[i]);
    fprintf(out, "\nNoise, as measured just now (!!: it will show in the figures)\n");
    for (size_t i = 0; i < finding_count; i++)
        print_finding(out, &findings[i]);
}

int doctor_run(FILE *out, bool is_json) {
    struct limit limits[LIMITS_COUNT];
    struct finding findings[FINDINGS_MAX];
    size_t limit_count = limits_survey(limits);
    size_t finding_count = examine_noise(findings, FINDINGS_MAX);
    if (!is_json) {
        print(out, limits, limit_count, findings, finding_count);
        return 0;
    }
    json_t *report = report_json(limits, limit_count, findings, finding_count);
    int err = !report || json_dumpf(report, out, JSON_INDENT(1)) < 0 ? -ENOMEM : 0;
    if (!err)
        fputc('\n', out);
    json_decref(report);
    return err;
}
