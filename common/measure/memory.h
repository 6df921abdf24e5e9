/* How much memory a process takes, the kernel's share included. A file is opened, read and closed,
   without an allocation, in some tens of microseconds: it happens in another process, while the
   tasks of a trial sleep. All figures are bytes; one that could not be had is -1. */
#ifndef TVA_MEASURE_MEMORY_H
#define TVA_MEASURE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process, as its /proc/PID/status tells it.

   Before Linux 6.2 each thread keeps up to 64 pages to itself before VmRSS counts them, so that it
   misses nearly all of what waiting threads have; from then to 6.16 each core keeps 32 or more. On
   these kernels rss_bytes is the sum over the page tables that /proc/PID/smaps_rollup gives, which
   is exact but takes 8 ms for 1 GiB, and holds off mmap and munmap in the process meanwhile. */
struct process_memory {
    int64_t rss_bytes;      /* VmRSS: resident now */
    int64_t rss_peak_bytes; /* VmHWM: the most that was resident since exec; at least rss_bytes */
    int64_t page_tables_bytes; /* VmPTE */
};

/* Where figures of kernel memory come from. */
enum kernel_memory_source {
    KERNEL_MEMORY_NONE,    /* not to be had */
    KERNEL_MEMORY_CGROUP,  /* the trial's own cgroup: nobody else is counted */
    KERNEL_MEMORY_MEMINFO, /* the whole machine: only a difference over idle means something */
};

struct kernel_memory {
    enum kernel_memory_source source;
    int64_t kernel_stack_bytes;
    int64_t slab_bytes;
};

/* A cgroup (version 2) of a trial's own. is_open is false where none could be had: then reads give
   the figures of the whole machine, so that the struct is to be used the same way in both cases. */
struct memory_cgroup {
    bool is_open;
    char path[512];
};

/* Reads the memory of process `pid`; 0 is the calling process. A process without memory of its own,
   a zombie, has all figures -1. Returns 0, or a negative errno with all figures -1: -ENOENT or
   -ESRCH if there is no such process. */
int memory_read_process(pid_t pid, struct process_memory *out);

/* Creates a cgroup called `name` as a child of the calling process's own, with memory accounted to
   it. The caller destroys it. Returns 0; -ENOTSUP where there is no cgroup v2, where its memory
   controller is not delegated to the caller, or where it does not account kernel stacks and slab;
   another negative errno. On an error *out is a struct that is not open. */
int memory_cgroup_create(struct memory_cgroup *out, const char *name);

/* Moves process `pid` into the cgroup: what it takes from now on is accounted there. Does nothing
   where the cgroup is not open. Returns 0 or a negative errno. */
int memory_cgroup_add(const struct memory_cgroup *cgroup, pid_t pid);

/* Reads the kernel's memory of the cgroup, or of the whole machine where it is not open. */
struct kernel_memory memory_read_kernel(const struct memory_cgroup *cgroup);

/* Removes the cgroup, whose processes must have ended. Does nothing where it is not open. Returns 0
   or a negative errno: -EBUSY if a process is left in it. */
int memory_cgroup_destroy(struct memory_cgroup *cgroup);

/* As results/README.md spells it: "cgroup", "meminfo", or NULL for none. */
const char *memory_source_name(enum kernel_memory_source source);

/* From here on, the functions above take every path from below `root` instead of from "/". For
   tests, which bring a machine's files with them. `root` must live as long. */
void memory_set_root(const char *root);

#endif
