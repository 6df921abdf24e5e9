#include "harness/limits.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define NO_LIMIT LIMITS_NONE

/* The number that a file begins with; NO_LIMIT if it says "max" or is not there. */
static int64_t read_number(const char *path) {
    FILE *file = fopen(path, "re");
    long long number;
    if (!file)
        return NO_LIMIT;
    int fields = fscanf(file, "%lld", &number);
    fclose(file);
    return fields == 1 ? number : NO_LIMIT;
}

/* The path of the process's own cgroup in a hierarchy: of version 1, the one with `controller`; of
   version 2, where controller is "". Empty if there is none. */
static void find_cgroup(const char *controller, char path[256]) {
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[512], names[128];
    path[0] = '\0';
    while (file && !path[0] && fgets(line, sizeof line, file)) {
        char found[256];
        names[0] = '\0';
        if (sscanf(line, "%*d:%127[^:]:%255[^\n]", names, found) != 2 &&
            sscanf(line, "%*d::%255[^\n]", found) != 1)
            continue;
        if (strcmp(names, controller) == 0)
            memcpy(path, found, sizeof found);
    }
    if (file)
        fclose(file);
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The tightest value of a cgroup file from the process's own cgroup up to the root, which in a
   container can be limited too. */
static int64_t read_cgroup(const char *mount, const char *controller, const char *name) {
    char path[256], file[640];
    int64_t tightest = NO_LIMIT;
    find_cgroup(controller, path);
    for (;;) {
        snprintf(file, sizeof file, "%s%s/%s", mount, path, name);
        tightest = smaller(tightest, read_number(file));
        char *slash = strrchr(path, '/');
        if (!slash)
            return tightest;
        *slash = '\0';
    }
}

static int64_t cgroup_pids_max(void) {
    return smaller(read_cgroup("/sys/fs/cgroup", "", "pids.max"),
                   read_cgroup("/sys/fs/cgroup/pids", "pids", "pids.max"));
}

/* Version 1 says "none" as the greatest number of pages there can be. */
static int64_t cgroup_memory_max(void) {
    int64_t value =
        smaller(read_cgroup("/sys/fs/cgroup", "", "memory.max"),
                read_cgroup("/sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes"));
    return value > INT64_MAX / 2 ? NO_LIMIT : value;
}

static int64_t descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max == RLIM_INFINITY)
        return NO_LIMIT;
    return (int64_t)limit.rlim_max; /* a trial and its origin raise theirs as far as that */
}

static int64_t process_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NPROC, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return NO_LIMIT;
    return (int64_t)limit.rlim_cur;
}

static int64_t memory_bytes(void) {
    struct sysinfo info;
    return sysinfo(&info) < 0 ? NO_LIMIT : (int64_t)(info.totalram * info.mem_unit);
}

static int64_t port_count(void) {
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    long first, last;
    if (!file)
        return NO_LIMIT;
    int fields = fscanf(file, "%ld %ld", &first, &last);
    fclose(file);
    return fields == 2 ? last - first + 1 : NO_LIMIT;
}

/* Threads that run on the machine now. */
static int64_t thread_count(void) {
    FILE *file = fopen("/proc/loadavg", "re");
    long long count = 0;
    if (!file)
        return 0;
    int fields = fscanf(file, "%*f %*f %*f %*d/%lld", &count);
    fclose(file);
    return fields == 1 ? count : 0;
}

/* A thread's stack and its guard page are two mappings, and glibc reports a failed mapping of a
   stack as EAGAIN too. The superuser is not counted by RLIMIT_NPROC. */
size_t limits_survey(struct limit out[LIMITS_COUNT]) {
    int64_t others = thread_count();
    int64_t pids = cgroup_pids_max(), pid_max = read_number("/proc/sys/kernel/pid_max");
    int64_t threads = read_number("/proc/sys/kernel/threads-max");
    int64_t own = process_limit(), maps = read_number("/proc/sys/vm/max_map_count");
    int64_t descriptors = descriptor_limit(), files = read_number("/proc/sys/fs/file-max");
    int64_t ports = port_count();
    const struct limit limits[] = {
        {"pids.max", LIMIT_OF_THREADS, pids, pids},
        {"kernel.pid_max", LIMIT_OF_THREADS, pid_max, pid_max - others},
        {"kernel.threads-max", LIMIT_OF_THREADS, threads, threads - others},
        {"RLIMIT_NPROC", LIMIT_OF_THREADS, own, geteuid() == 0 ? NO_LIMIT : own},
        {"vm.max_map_count", LIMIT_OF_THREADS, maps, maps / 2},
        {"RLIMIT_NOFILE", LIMIT_OF_DESCRIPTORS, descriptors, descriptors},
        {"fs.file-max", LIMIT_OF_FILES, files, files},
        {"net.ipv4.ip_local_port_range", LIMIT_OF_PORTS, ports, ports},
        {"memory.max", LIMIT_OF_MEMORY, cgroup_memory_max(), NO_LIMIT - 1},
        {"memory", LIMIT_OF_MEMORY, memory_bytes(), NO_LIMIT - 1},
    };
    _Static_assert(sizeof limits / sizeof *limits == LIMITS_COUNT, "one entry each");
    memcpy(out, limits, sizeof limits);
    return LIMITS_COUNT;
}

/* Which limits can be behind an error. */
static unsigned kinds_of(int error) {
    switch (error) {
    case -EMFILE:
        return LIMIT_OF_DESCRIPTORS;
    case -ENFILE:
        return LIMIT_OF_FILES;
    case -EADDRNOTAVAIL:
        return LIMIT_OF_PORTS;
    case -EAGAIN:
    case -ENOMEM:
        return LIMIT_OF_THREADS | LIMIT_OF_MEMORY;
    case -ENOBUFS:
        return LIMIT_OF_MEMORY;
    default:
        return 0;
    }
}

/* Whether a limit can have stopped `reached` tasks. Others come and go, and a process has mappings
   of its own: two per cent of room. Tasks do not each take one of what is not counted by threads.
 */
static bool can_explain(const struct limit *limit, unsigned kinds, int64_t reached) {
    if (!(limit->kind & kinds) || limit->value == NO_LIMIT)
        return false;
    return limit->kind != LIMIT_OF_THREADS || limit->room >= reached - reached / 50;
}

json_t *limits_explain(int error, int64_t reached) {
    struct limit limits[LIMITS_COUNT];
    size_t count = limits_survey(limits);
    const struct limit *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct limit *limit = &limits[i];
        if (!can_explain(limit, kinds_of(error), reached))
            continue;
        if (!best || limit->room < best->room ||
            (limit->room == best->room && limit->value < best->value))
            best = limit;
    }
    if (!best)
        return NULL;
    return json_pack("{s:s, s:I, s:I}", "name", best->name, "value", (json_int_t)best->value,
                     "reached", (json_int_t)reached);
}

json_t *limits_json(void) {
    struct limit limits[LIMITS_COUNT];
    size_t count = limits_survey(limits);
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(object, limits[i].name,
                            limits[i].value == NO_LIMIT ? json_null()
                                                        : json_integer(limits[i].value));
    return object;
}
