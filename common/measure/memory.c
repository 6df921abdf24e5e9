#include "measure/memory.h"

#include "measure/kernel_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files read here have some 1500 bytes; the list of groups in a status may add as much. */
#define FILE_BYTES 16384
#define PATH_BYTES 640

static const char *root = "";

void memory_set_root(const char *new_root) {
    root = new_root;
}

__attribute__((format(printf, 2, 3))) static int make_path(char path[PATH_BYTES],
                                                           const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(path, PATH_BYTES, format, args);
    va_end(args);
    return length < 0 || length >= PATH_BYTES ? -ENAMETOOLONG : 0;
}

static int read_text(const char *path, char text[FILE_BYTES]) {
    return kernel_text_read_path(text, FILE_BYTES, path);
}

/* Writes into an existing file. Returns 0 or a negative errno. */
static int write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return err;
}

/* The number after `key` times `unit`; -1 if there is none. */
static int64_t find_bytes(const char *text, const char *key, int64_t unit) {
    const char *value = kernel_text_find(text, key);
    if (!value)
        return -1;
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    bool is_number = end != value && !errno && number >= 0 && number <= INT64_MAX / unit;
    return is_number ? number * unit : -1;
}

/* Whether the kernel counts resident pages exactly in VmRSS; of a kernel that cannot be told
   apart, yes. */
static bool is_rss_exact(char text[FILE_BYTES]) {
    char path[PATH_BYTES];
    unsigned major, minor;
    if (make_path(path, "%s/proc/sys/kernel/osrelease", root) || read_text(path, text) ||
        sscanf(text, "%u.%u", &major, &minor) != 2)
        return true;
    return major > 6 || (major == 6 && minor >= 17);
}

/* /proc/PID/NAME */
static int read_process_text(pid_t pid, const char *name, char text[FILE_BYTES]) {
    char path[PATH_BYTES];
    int err = pid ? make_path(path, "%s/proc/%d/%s", root, (int)pid, name)
                  : make_path(path, "%s/proc/self/%s", root, name);
    return err ? err : read_text(path, text);
}

int memory_read_process(pid_t pid, struct process_memory *out) {
    char text[FILE_BYTES];
    *out = (struct process_memory){-1, -1, -1};
    int err = read_process_text(pid, "status", text);
    if (err)
        return err;
    out->rss_bytes = find_bytes(text, "VmRSS:", 1024);
    out->rss_peak_bytes = find_bytes(text, "VmHWM:", 1024);
    out->page_tables_bytes = find_bytes(text, "VmPTE:", 1024);
    if (out->rss_bytes < 0 || is_rss_exact(text))
        return 0;
    if (!read_process_text(pid, "smaps_rollup", text) && kernel_text_find(text, "Rss:"))
        out->rss_bytes = find_bytes(text, "Rss:", 1024);
    if (out->rss_peak_bytes >= 0 && out->rss_peak_bytes < out->rss_bytes)
        out->rss_peak_bytes = out->rss_bytes;
    return 0;
}

static struct kernel_memory kernel_memory_of(const char *text, enum kernel_memory_source source) {
    bool is_cgroup = source == KERNEL_MEMORY_CGROUP;
    int64_t unit = is_cgroup ? 1 : 1024;
    struct kernel_memory memory = {
        .source = source,
        .kernel_stack_bytes = find_bytes(text, is_cgroup ? "kernel_stack " : "KernelStack:", unit),
        .slab_bytes = find_bytes(text, is_cgroup ? "slab " : "Slab:", unit),
    };
    if (memory.kernel_stack_bytes < 0 && memory.slab_bytes < 0)
        memory.source = KERNEL_MEMORY_NONE;
    return memory;
}

struct kernel_memory memory_read_kernel(const struct memory_cgroup *cgroup) {
    char path[PATH_BYTES];
    char text[FILE_BYTES];
    int err = cgroup->is_open ? make_path(path, "%s/memory.stat", cgroup->path)
                              : make_path(path, "%s/proc/meminfo", root);
    if (err || read_text(path, text))
        return (struct kernel_memory){KERNEL_MEMORY_NONE, -1, -1};
    return kernel_memory_of(text, cgroup->is_open ? KERNEL_MEMORY_CGROUP : KERNEL_MEMORY_MEMINFO);
}

/* Where cgroup v2 is mounted: on its own, or beside v1. */
static int find_hierarchy(char mount[PATH_BYTES]) {
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    char controllers[PATH_BYTES];
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        int err = make_path(mount, "%s%s", root, mounts[i]);
        if (!err)
            err = make_path(controllers, "%s%s/cgroup.controllers", root, mounts[i]);
        if (err)
            return err;
        if (access(controllers, F_OK) == 0)
            return 0;
    }
    return -ENOTSUP;
}

/* The calling process's own cgroup below the hierarchy's mount: "" for its root, "/a/b". */
static int find_own_cgroup(char own[PATH_BYTES]) {
    char text[FILE_BYTES];
    int err = read_process_text(0, "cgroup", text);
    if (err)
        return err == -ENOENT ? -ENOTSUP : err;
    const char *line = kernel_text_find(text, "0::");
    if (!line || strncmp(line, "/..", 3) == 0) /* outside of what this namespace may see */
        return -ENOTSUP;
    size_t length = strcspn(line, "\n");
    if (length == 1)
        length = 0;
    return make_path(own, "%.*s", (int)length, line);
}

/* Whether the children of cgroup `parent` have their memory accounted, kernel stacks and slab told
   apart. Returns 0, -ENOTSUP, or why that could not be read. */
static int check_accounting(const char *parent) {
    char path[PATH_BYTES];
    char text[FILE_BYTES];
    int err = make_path(path, "%s/cgroup.subtree_control", parent);
    if (!err)
        err = read_text(path, text);
    if (err)
        return err;
    if (!strstr(text, "memory"))
        return -ENOTSUP;
    err = make_path(path, "%s/memory.stat", parent);
    if (!err)
        err = read_text(path, text);
    if (err)
        return err;
    return kernel_text_find(text, "kernel_stack ") && kernel_text_find(text, "slab ") ? 0
                                                                                      : -ENOTSUP;
}

static int create_child(struct memory_cgroup *out, const char *parent, const char *name) {
    int err = check_accounting(parent);
    if (err)
        return err == -ENOENT ? -ENOTSUP : err;
    int length = snprintf(out->path, sizeof out->path, "%s/%s", parent, name);
    if (length < 0 || (size_t)length >= sizeof out->path)
        return -ENAMETOOLONG;
    if (mkdir(out->path, 0755) < 0)
        return errno == EACCES || errno == EPERM || errno == EROFS ? -ENOTSUP : -errno;
    out->is_open = true;
    return 0;
}

int memory_cgroup_create(struct memory_cgroup *out, const char *name) {
    *out = (struct memory_cgroup){.is_open = false};
    char mount[PATH_BYTES];
    char own[PATH_BYTES];
    char parent[PATH_BYTES];
    int err = find_hierarchy(mount);
    if (!err)
        err = find_own_cgroup(own);
    if (!err)
        err = make_path(parent, "%s%s", mount, own);
    if (err)
        return err;
    err = create_child(out, parent, name);
    /* A cgroup that has processes cannot hand controllers to its children, but for the root. Where
       the parent is delegated to us, as a user's session is by systemd, a sibling has them. */
    if (err == -ENOTSUP && *own) {
        *strrchr(parent, '/') = '\0';
        err = create_child(out, parent, name);
    }
    return err;
}

int memory_cgroup_add(const struct memory_cgroup *cgroup, pid_t pid) {
    if (!cgroup->is_open)
        return 0;
    char path[PATH_BYTES];
    char number[16];
    int err = make_path(path, "%s/cgroup.procs", cgroup->path);
    snprintf(number, sizeof number, "%d", (int)pid);
    return err ? err : write_text(path, number);
}

int memory_cgroup_destroy(struct memory_cgroup *cgroup) {
    if (!cgroup->is_open)
        return 0;
    if (rmdir(cgroup->path) < 0 && errno != ENOENT)
        return -errno;
    cgroup->is_open = false;
    return 0;
}

const char *memory_source_name(enum kernel_memory_source source) {
    switch (source) {
    case KERNEL_MEMORY_CGROUP:
        return "cgroup";
    case KERNEL_MEMORY_MEMINFO:
        return "meminfo";
    case KERNEL_MEMORY_NONE:
        break;
    }
    return NULL;
}
