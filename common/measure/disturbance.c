#include "measure/disturbance.h"

#include "clock.h"
#include "measure/kernel_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The lines of 500 cores in /proc/stat; one core of /proc/schedstat is as long with its domains. */
#define FILE_BYTES (64 * 1024)
#define PATH_BYTES 2048

/* The fields of a core's line in /proc/stat and in /proc/schedstat, counted from 0. */
#define STAT_FIELDS 8
#define STAT_IDLE 3
#define STAT_IOWAIT 4
#define STAT_STEAL 7
#define SCHEDSTAT_FIELDS 9
#define SCHEDSTAT_RUN_DELAY 7

static int64_t clock_tick_ns(void) {
    return NS_PER_S / sysconf(_SC_CLK_TCK);
}

/* Reads "cpuN f0 f1 ...", the line of one core. */
static bool read_core(const char *line, size_t *core, long long *fields, size_t count) {
    char *end;
    if (strncmp(line, "cpu", 3) != 0 || line[3] < '0' || line[3] > '9')
        return false;
    *core = strtoul(line + 3, &end, 10);
    for (size_t i = 0; i < count; i++) {
        const char *begin = end;
        fields[i] = strtoll(begin, &end, 10);
        if (end == begin)
            return false;
    }
    return true;
}

static const char *next_line(const char *line) {
    const char *end = strchr(line, '\n');
    return end ? end + 1 : NULL;
}

/* The kernel counts a core's idle time as time, but its busy time here in whole clock ticks at
   which it happened to be busy; so what is busy is what is not idle. */
static void read_stat(struct machine_reading *out, const cpu_set_t *cores, char *text) {
    if (kernel_text_read(text, FILE_BYTES, "/proc/stat"))
        return;
    int64_t tick_ns = clock_tick_ns(), idle_ns = 0, steal_ns = 0, count = 0;
    for (const char *line = text; line; line = next_line(line)) {
        size_t core;
        long long fields[STAT_FIELDS];
        if (!read_core(line, &core, fields, STAT_FIELDS))
            continue;
        count++;
        idle_ns += (fields[STAT_IDLE] + fields[STAT_IOWAIT] + fields[STAT_STEAL]) * tick_ns;
        if (core < CPU_SETSIZE && CPU_ISSET(core, cores))
            steal_ns += fields[STAT_STEAL] * tick_ns;
    }
    if (count == 0)
        return;
    out->machine_cores = count;
    out->idle_ns = idle_ns;
    out->steal_ns = steal_ns;
}

/* Of whole cores, not of the trial's threads: a thread's own figure is gone with it, which would
   spare the models whose threads end. */
static void read_schedstat(struct machine_reading *out, const cpu_set_t *cores, char *text) {
    if (kernel_text_read(text, FILE_BYTES, "/proc/schedstat"))
        return;
    int64_t wait_ns = 0;
    int found = 0;
    for (const char *line = text; line; line = next_line(line)) {
        size_t core;
        long long fields[SCHEDSTAT_FIELDS];
        if (!next_line(line) || !read_core(line, &core, fields, SCHEDSTAT_FIELDS) ||
            core >= CPU_SETSIZE || !CPU_ISSET(core, cores))
            continue;
        found++;
        wait_ns += fields[SCHEDSTAT_RUN_DELAY];
    }
    if (found == CPU_COUNT(cores)) /* with many cores the file may be longer than the buffer */
        out->run_queue_wait_ns = wait_ns;
}

static int64_t read_pressure(const char *resource, char *text) {
    long long total_us;
    if (kernel_text_read(text, FILE_BYTES, "/proc/pressure/%s", resource) ||
        sscanf(text, "some avg10=%*f avg60=%*f avg300=%*f total=%lld", &total_us) != 1)
        return -1;
    return total_us * NS_PER_US;
}

/* How long groups of processes were kept from running by their quota: version 2, or version 1. */
static bool find_throttled(const char *text, int64_t *ns) {
    const char *value = kernel_text_find(text, "throttled_usec ");
    int64_t unit_ns = value ? NS_PER_US : 1;
    if (!value)
        value = kernel_text_find(text, "throttled_time ");
    if (value)
        *ns = strtoll(value, NULL, 10) * unit_ns;
    return value;
}

/* Adds up a cgroup below a mount and all those above it, since a quota can stand at any of them. */
static void add_throttled(const char *mount, const char *cgroup, char *text, int64_t *sum_ns) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(cgroup, "\n"), cgroup);
    if (strcmp(path, "/") == 0)
        *path = '\0';
    for (;;) {
        int64_t ns;
        if (kernel_text_read(text, FILE_BYTES, "%s%s/cpu.stat", mount, path) == 0 &&
            find_throttled(text, &ns))
            *sum_ns = ns + (*sum_ns < 0 ? 0 : *sum_ns);
        char *slash = strrchr(path, '/');
        if (!slash)
            return;
        *slash = '\0';
    }
}

static int64_t read_throttled(char *text) {
    char own[PATH_BYTES];
    int64_t sum_ns = -1;
    if (kernel_text_read(own, sizeof own, "/proc/self/cgroup"))
        return -1;
    for (const char *line = own; line; line = next_line(line)) {
        const char *controllers = strchr(line, ':');
        const char *cgroup = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!cgroup || strncmp(cgroup, ":/..", 4) == 0) /* outside of what we may see */
            continue;
        if (strncmp(controllers, "::", 2) == 0)
            add_throttled("/sys/fs/cgroup", cgroup + 1, text, &sum_ns);
        else if (strncmp(controllers, ":cpu:", 5) == 0 || strncmp(controllers, ":cpu,", 5) == 0)
            add_throttled("/sys/fs/cgroup/cpu", cgroup + 1, text, &sum_ns);
    }
    return sum_ns;
}

static int64_t read_frequency(const cpu_set_t *cores, char *text) {
    int64_t least_hz = -1;
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, cores) ||
            kernel_text_read(text, FILE_BYTES,
                             "/sys/devices/system/cpu/cpu%zu/cpufreq/scaling_cur_freq", core))
            continue;
        int64_t hz = strtoll(text, NULL, 10) * 1000;
        if (hz > 0 && (least_hz < 0 || hz < least_hz))
            least_hz = hz;
    }
    return least_hz;
}

static double read_load(char *text) {
    double load;
    return kernel_text_read(text, FILE_BYTES, "/proc/loadavg") || sscanf(text, "%lf", &load) != 1
               ? -1
               : load;
}

/* Of all its threads, those that have ended included; -1 if it is gone. */
static int64_t process_cpu_ns(pid_t pid) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used) < 0)
        return -1;
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}

static int64_t own_cpu_ns(const struct disturbance_subject *subject) {
    int64_t sum_ns = process_cpu_ns(0);
    for (size_t i = 0; i < DISTURBANCE_OWN_MAX; i++) {
        int64_t ns = subject->own[i] ? process_cpu_ns(subject->own[i]) : 0;
        if (ns < 0)
            return -1;
        sum_ns += ns;
    }
    return sum_ns;
}

void disturbance_read(struct machine_reading *out, const struct disturbance_subject *subject) {
    *out = (struct machine_reading){.machine_cores = -1,
                                    .idle_ns = -1,
                                    .own_cpu_ns = -1,
                                    .steal_ns = -1,
                                    .run_queue_wait_ns = -1,
                                    .cpu_pressure_ns = -1,
                                    .io_pressure_ns = -1,
                                    .memory_pressure_ns = -1,
                                    .throttled_ns = -1,
                                    .frequency_min_hz = -1,
                                    .load_1min = -1};
    char *text = malloc(FILE_BYTES);
    out->time_ns = clock_now_ns();
    if (!text)
        return;
    read_stat(out, &subject->cores, text);
    out->own_cpu_ns = own_cpu_ns(subject);
    read_schedstat(out, &subject->cores, text);
    out->cpu_pressure_ns = read_pressure("cpu", text);
    out->io_pressure_ns = read_pressure("io", text);
    out->memory_pressure_ns = read_pressure("memory", text);
    out->throttled_ns = read_throttled(text);
    out->frequency_min_hz = read_frequency(&subject->cores, text);
    out->load_1min = read_load(text);
    free(text);
}

static int64_t grown(int64_t before, int64_t after) {
    if (before < 0 || after < 0)
        return -1;
    return after > before ? after - before : 0;
}

static int64_t lesser(int64_t a, int64_t b) {
    return a >= 0 && (b < 0 || a < b) ? a : b;
}

static int64_t others_cpu(const struct machine_reading *before,
                          const struct machine_reading *after) {
    int64_t idle_ns = grown(before->idle_ns, after->idle_ns);
    int64_t own_ns = grown(before->own_cpu_ns, after->own_cpu_ns);
    if (idle_ns < 0 || own_ns < 0 || before->machine_cores != after->machine_cores)
        return -1;
    int64_t whole_ns = (after->time_ns - before->time_ns) * after->machine_cores;
    int64_t others_ns = whole_ns - idle_ns - own_ns;
    return others_ns > 0 ? others_ns : 0;
}

void disturbance_between(struct disturbance *out, const struct disturbance_subject *subject,
                         const struct machine_reading *before,
                         const struct machine_reading *after) {
    *out = (struct disturbance){
        .wall_ns = after->time_ns - before->time_ns,
        .trial_cores = CPU_COUNT(&subject->cores),
        .machine_cores = after->machine_cores,
        .steal_ns = grown(before->steal_ns, after->steal_ns),
        .cpu_pressure_ns = grown(before->cpu_pressure_ns, after->cpu_pressure_ns),
        .io_pressure_ns = grown(before->io_pressure_ns, after->io_pressure_ns),
        .memory_pressure_ns = grown(before->memory_pressure_ns, after->memory_pressure_ns),
        .run_queue_wait_ns = grown(before->run_queue_wait_ns, after->run_queue_wait_ns),
        .throttled_ns = grown(before->throttled_ns, after->throttled_ns),
        .others_cpu_ns = others_cpu(before, after),
        .frequency_min_hz = lesser(before->frequency_min_hz, after->frequency_min_hz),
        .load_1min = before->load_1min};
}

/* A share of what the cores could have computed meanwhile. It must also be some clock ticks, the
   unit that the kernel tells these times in: each core's figure is wrong by up to one. */
static bool exceeds(int64_t ns, double share, int64_t wall_ns, int64_t cores, int64_t ticks) {
    return ns >= 0 && ns > ticks * clock_tick_ns() &&
           (double)ns > share * (double)wall_ns * (double)cores;
}

/* A cloud's neighbours take less than this in passing; more of it changes what is measured by as
   much as the difference that a run is to see. */
#define STEAL_SHARE_MAX 0.02

/* A quarter of one core of two. An idle machine's own services stay below a quarter of it. */
#define OTHERS_SHARE_MAX 0.125

/* Pressure and run-queue wait are recorded and no rule: a trial of more threads than cores makes
   them itself. */
unsigned disturbance_judge(const struct disturbance *d, const struct disturbance_control *control) {
    unsigned reasons = 0;
    if (exceeds(d->steal_ns, STEAL_SHARE_MAX, d->wall_ns, d->trial_cores, d->trial_cores))
        reasons |= DISTURBED_STEAL;
    if (d->throttled_ns > 0)
        reasons |= DISTURBED_THROTTLED;
    if (exceeds(d->others_cpu_ns, OTHERS_SHARE_MAX, d->wall_ns, d->machine_cores, d->machine_cores))
        reasons |= DISTURBED_OTHERS;
    if (control->lateness_max_ns > control->threshold_ns && control->threshold_ns >= 0)
        reasons |= DISTURBED_CONTROL;
    if (control->is_quiet_uneven)
        reasons |= DISTURBED_QUIET;
    return reasons;
}

const char *disturbance_next_reason(unsigned *reasons) {
    static const char *const names[] = {"steal", "throttled", "others", "control", "quiet"};
    if (!*reasons)
        return NULL;
    unsigned lowest = (unsigned)__builtin_ctz(*reasons);
    *reasons &= *reasons - 1;
    return names[lowest];
}
