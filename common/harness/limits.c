#include "harness/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define NO_LIMIT INT64_MAX

/* A limit and how many tasks it leaves room for. */
struct limit {
    const char *name;
    int64_t value; /* NO_LIMIT: there is none */
    int64_t room;
};

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

/* What can make a pthread impossible (EAGAIN) or memory short (ENOMEM). A thread's stack and its
   guard page are two mappings, and glibc reports a failed mapping of a stack as EAGAIN too. */
static size_t find_task_limits(struct limit *out) {
    int64_t others = thread_count();
    int64_t pids = cgroup_pids_max(), pid_max = read_number("/proc/sys/kernel/pid_max");
    int64_t threads = read_number("/proc/sys/kernel/threads-max");
    int64_t own = geteuid() == 0 ? NO_LIMIT : process_limit(); /* the superuser is not counted */
    int64_t maps = read_number("/proc/sys/vm/max_map_count");
    size_t count = 0;
    out[count++] = (struct limit){"pids.max", pids, pids};
    out[count++] = (struct limit){"kernel.pid_max", pid_max, pid_max - others};
    out[count++] = (struct limit){"kernel.threads-max", threads, threads - others};
    out[count++] = (struct limit){"RLIMIT_NPROC", own, own};
    out[count++] = (struct limit){"vm.max_map_count", maps, maps / 2};
    return count;
}

static size_t find_memory_limits(struct limit *out) {
    int64_t cgroup = cgroup_memory_max(), memory = memory_bytes();
    size_t count = 0;
    out[count++] = (struct limit){"memory.max", cgroup, NO_LIMIT - 1};
    out[count++] = (struct limit){"memory", memory, NO_LIMIT - 1};
    return count;
}

static size_t find_candidates(int error, struct limit *out) {
    switch (error) {
    case -EMFILE:
        out[0] = (struct limit){"RLIMIT_NOFILE", descriptor_limit(), NO_LIMIT - 1};
        return 1;
    case -ENFILE:
        out[0] = (struct limit){"fs.file-max", read_number("/proc/sys/fs/file-max"), NO_LIMIT - 1};
        return 1;
    case -EADDRNOTAVAIL:
        out[0] = (struct limit){"net.ipv4.ip_local_port_range", port_count(), NO_LIMIT - 1};
        return 1;
    case -EAGAIN:
    case -ENOMEM: {
        size_t count = find_task_limits(out);
        return count + find_memory_limits(out + count);
    }
    case -ENOBUFS:
        return find_memory_limits(out);
    default:
        return 0;
    }
}

json_t *limits_explain(int error, int64_t reached) {
    struct limit candidates[8];
    size_t count = find_candidates(error, candidates);
    const struct limit *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct limit *limit = &candidates[i];
        /* Others come and go, and a process has mappings of its own: two per cent of room. */
        if (limit->value == NO_LIMIT || limit->room < reached - reached / 50)
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

static void add_limit(json_t *object, const char *name, int64_t value) {
    json_object_set_new(object, name, value == NO_LIMIT ? json_null() : json_integer(value));
}

json_t *limits_json(void) {
    json_t *object = json_object();
    add_limit(object, "pids.max", cgroup_pids_max());
    add_limit(object, "kernel.pid_max", read_number("/proc/sys/kernel/pid_max"));
    add_limit(object, "kernel.threads-max", read_number("/proc/sys/kernel/threads-max"));
    add_limit(object, "RLIMIT_NPROC", process_limit());
    add_limit(object, "vm.max_map_count", read_number("/proc/sys/vm/max_map_count"));
    add_limit(object, "RLIMIT_NOFILE", descriptor_limit());
    add_limit(object, "fs.file-max", read_number("/proc/sys/fs/file-max"));
    add_limit(object, "net.ipv4.ip_local_port_range", port_count());
    add_limit(object, "memory.max", cgroup_memory_max());
    add_limit(object, "memory", memory_bytes());
    return object;
}
