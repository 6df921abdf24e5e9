/* Memory and usage: read from files that the test brings along, and, where a kernel is needed, from
   this machine. */
#include "measure/memory.h"
#include "measure/usage.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define STATUS                                                                                     \
    "Name:\ttva\nGroups:\t0 4 20\nNStgid:\t7\nVmPeak:\t  999999 kB\nVmHWM:\t    2048 kB\n"         \
    "VmRSS:\t    1536 kB\nRssAnon:\t    100 kB\nVmPTE:\t      44 kB\nThreads:\t3\n"
#define ROLLUP "00400000-7ffd000 ---p 00000000 00:00 0 [rollup]\nRss:    4000 kB\nPss:    3000 kB\n"
#define MEMINFO                                                                                    \
    "MemTotal:   4096000 kB\nSlab:          81920 kB\nSReclaimable:   40000 kB\n"                  \
    "SUnreclaim:     41920 kB\nKernelStack:    2128 kB\n"
#define MEMORY_STAT                                                                                \
    "anon 1000\nfile 2000\nkernel 300000\nkernel_stack 163840\npagetables 8192\n"                  \
    "slab_reclaimable 1\nslab_unreclaimable 2\nslab 77824\n"

/* A machine's files, below a folder of the test's own. */
static char root[] = "/tmp/tva-test-memory-XXXXXX";

static void make_folders(char *path) {
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

static void put(const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    make_folders(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void get(const char *name, char text[64]) {
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, 63, file)] = '\0';
    fclose(file);
}

static bool is_there(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    return access(path, F_OK) == 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int create_root(void **state) {
    (void)state;
    strcpy(root + strlen(root) - 6, "XXXXXX");
    if (!mkdtemp(root))
        return -1;
    memory_set_root(root);
    return 0;
}

static int destroy_root(void **state) {
    (void)state;
    memory_set_root("");
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void a_process_is_read_from_its_status(void **state) {
    (void)state;
    struct process_memory memory;
    put("/proc/7/status", STATUS);
    assert_int_equal(memory_read_process(7, &memory), 0);
    assert_int_equal(memory.rss_bytes, 1536 * 1024);
    assert_int_equal(memory.rss_peak_bytes, 2048 * 1024);
    assert_int_equal(memory.page_tables_bytes, 44 * 1024);
}

static void a_long_list_of_groups_hides_nothing(void **state) {
    (void)state;
    char status[12000] = "Groups:\t";
    for (int group = 10000; group < 11000; group++)
        sprintf(status + strlen(status), "%d ", group);
    strcat(status, "\n" STATUS);
    struct process_memory memory;
    put("/proc/7/status", status);
    assert_int_equal(memory_read_process(7, &memory), 0);
    assert_int_equal(memory.page_tables_bytes, 44 * 1024);
}

static void a_line_that_is_missing_gives_no_figure(void **state) {
    (void)state;
    struct process_memory memory;
    put("/proc/7/status", "Name:\ttva\nVmRSS:\t1 kB\nVmPTE:\tmany\n");
    assert_int_equal(memory_read_process(7, &memory), 0);
    assert_int_equal(memory.rss_bytes, 1024);
    assert_int_equal(memory.rss_peak_bytes, -1);
    assert_int_equal(memory.page_tables_bytes, -1);
}

static void a_process_that_is_gone_gives_no_figure(void **state) {
    (void)state;
    struct process_memory memory;
    assert_int_equal(memory_read_process(7, &memory), -ENOENT);
    assert_int_equal(memory.rss_bytes, -1);
    assert_int_equal(memory.rss_peak_bytes, -1);
    assert_int_equal(memory.page_tables_bytes, -1);
}

static void assert_rss_on_kernel(const char *release, int64_t rss_kib, int64_t rss_peak_kib) {
    struct process_memory memory;
    put("/proc/7/status", STATUS);
    put("/proc/7/smaps_rollup", ROLLUP);
    put("/proc/sys/kernel/osrelease", release);
    assert_int_equal(memory_read_process(7, &memory), 0);
    assert_int_equal(memory.rss_bytes, rss_kib * 1024);
    assert_int_equal(memory.rss_peak_bytes, rss_peak_kib * 1024);
}

static void resident_pages_are_summed_where_the_kernel_counts_them_loosely(void **state) {
    (void)state;
    assert_rss_on_kernel("5.10.0-28-amd64\n", 4000, 4000);
    assert_rss_on_kernel("6.1.0-18-amd64\n", 4000, 4000);
    assert_rss_on_kernel("6.16.3\n", 4000, 4000);
    assert_rss_on_kernel("6.17.0-rc1\n", 1536, 2048);
    assert_rss_on_kernel("7.0.0\n", 1536, 2048);
    assert_rss_on_kernel("unknown\n", 1536, 2048);
}

static void a_kernel_without_the_sum_gives_its_loose_count(void **state) {
    (void)state;
    struct process_memory memory;
    put("/proc/7/status", STATUS);
    put("/proc/sys/kernel/osrelease", "4.9.0\n");
    assert_int_equal(memory_read_process(7, &memory), 0);
    assert_int_equal(memory.rss_bytes, 1536 * 1024);
}

static void without_a_cgroup_the_kernels_memory_is_the_machines(void **state) {
    (void)state;
    const struct memory_cgroup none = {.is_open = false};
    put("/proc/meminfo", MEMINFO);
    struct kernel_memory memory = memory_read_kernel(&none);
    assert_string_equal(memory_source_name(memory.source), "meminfo");
    assert_int_equal(memory.kernel_stack_bytes, 2128 * 1024);
    assert_int_equal(memory.slab_bytes, 81920 * 1024);
}

static void without_any_file_there_is_no_figure_of_the_kernels_memory(void **state) {
    (void)state;
    const struct memory_cgroup none = {.is_open = false};
    struct kernel_memory memory = memory_read_kernel(&none);
    assert_null(memory_source_name(memory.source));
    assert_int_equal(memory.kernel_stack_bytes, -1);
    assert_int_equal(memory.slab_bytes, -1);
}

/* A cgroup as the kernel would show it, whose children have the controllers in `handed_down`. */
static void put_cgroup(const char *path, const char *handed_down, const char *stat) {
    char name[512];
    snprintf(name, sizeof name, "%s/cgroup.controllers", path);
    put(name, "cpu memory pids\n");
    snprintf(name, sizeof name, "%s/cgroup.subtree_control", path);
    put(name, handed_down);
    if (!stat)
        return;
    snprintf(name, sizeof name, "%s/memory.stat", path);
    put(name, stat);
}

static void a_cgroup_is_made_beside_our_own_where_the_parent_hands_memory_down(void **state) {
    (void)state;
    struct memory_cgroup cgroup;
    put("/proc/self/cgroup", "0::/user.slice/app.slice/shell.scope\n");
    put_cgroup("/sys/fs/cgroup", "cpu memory pids\n", MEMORY_STAT);
    put_cgroup("/sys/fs/cgroup/user.slice/app.slice", "memory pids\n", MEMORY_STAT);
    put_cgroup("/sys/fs/cgroup/user.slice/app.slice/shell.scope", "\n", MEMORY_STAT);
    assert_int_equal(memory_cgroup_create(&cgroup, "tva-1"), 0);
    assert_true(cgroup.is_open);
    assert_true(is_there("/sys/fs/cgroup/user.slice/app.slice/tva-1"));
    assert_int_equal(memory_cgroup_destroy(&cgroup), 0);
    assert_false(cgroup.is_open);
    assert_false(is_there("/sys/fs/cgroup/user.slice/app.slice/tva-1"));
}

static void a_cgroup_is_made_below_the_root_where_that_is_our_own(void **state) {
    (void)state;
    struct memory_cgroup cgroup;
    put("/proc/self/cgroup", "0::/\n");
    put_cgroup("/sys/fs/cgroup", "memory\n", MEMORY_STAT);
    assert_int_equal(memory_cgroup_create(&cgroup, "tva-1"), 0);
    assert_true(is_there("/sys/fs/cgroup/tva-1"));
    assert_int_equal(memory_cgroup_destroy(&cgroup), 0);
}

static void a_cgroup_takes_a_process_and_tells_its_kernel_memory(void **state) {
    (void)state;
    struct memory_cgroup cgroup;
    char procs[64];
    put("/proc/self/cgroup", "0::/\n");
    put_cgroup("/sys/fs/cgroup", "memory\n", MEMORY_STAT);
    assert_int_equal(memory_cgroup_create(&cgroup, "tva-1"), 0);
    put("/sys/fs/cgroup/tva-1/cgroup.procs", "");
    put("/sys/fs/cgroup/tva-1/memory.stat", MEMORY_STAT);
    assert_int_equal(memory_cgroup_add(&cgroup, 4711), 0);
    get("/sys/fs/cgroup/tva-1/cgroup.procs", procs);
    assert_string_equal(procs, "4711");
    struct kernel_memory memory = memory_read_kernel(&cgroup);
    assert_string_equal(memory_source_name(memory.source), "cgroup");
    assert_int_equal(memory.kernel_stack_bytes, 163840);
    assert_int_equal(memory.slab_bytes, 77824);
}

static void assert_no_cgroup(void) {
    struct memory_cgroup cgroup;
    assert_int_equal(memory_cgroup_create(&cgroup, "tva-1"), -ENOTSUP);
    assert_false(cgroup.is_open);
    assert_int_equal(memory_cgroup_add(&cgroup, 4711), 0);
    assert_int_equal(memory_cgroup_destroy(&cgroup), 0);
}

static void no_cgroup_is_made_where_none_is_mounted(void **state) {
    (void)state;
    assert_no_cgroup();
    put("/proc/self/cgroup", "0::/\n");
    assert_no_cgroup();
}

static void no_cgroup_is_made_where_memory_belongs_to_version_1(void **state) {
    (void)state;
    put("/proc/self/cgroup", "4:memory:/session\n0::/\n");
    put("/sys/fs/cgroup/memory/session/memory.stat", "cache 0\nrss 8192\n");
    put("/sys/fs/cgroup/unified/cgroup.controllers", "\n");
    put("/sys/fs/cgroup/unified/cgroup.subtree_control", "\n");
    assert_no_cgroup();
    assert_false(is_there("/sys/fs/cgroup/unified/tva-1"));
}

static void no_cgroup_is_made_where_nobody_hands_memory_down(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/session\n");
    put_cgroup("/sys/fs/cgroup", "cpu\n", MEMORY_STAT);
    put_cgroup("/sys/fs/cgroup/session", "\n", NULL);
    assert_no_cgroup();
}

static void no_cgroup_is_made_where_stacks_and_slab_are_not_told(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/\n");
    put_cgroup("/sys/fs/cgroup", "memory\n", "anon 1000\n");
    assert_no_cgroup();
    assert_false(is_there("/sys/fs/cgroup/tva-1"));
}

static void no_cgroup_is_made_outside_of_our_namespace(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/../other\n");
    put_cgroup("/sys/fs/cgroup", "memory\n", MEMORY_STAT);
    assert_no_cgroup();
}

static void this_process_grows_by_what_it_touches(void **state) {
    (void)state;
    enum { BYTES = 32 << 20 };
    struct process_memory before, after;
    assert_int_equal(memory_read_process(0, &before), 0);
    /* Populated by the kernel: a sanitizer would touch memory of its own for each of our stores. */
    void *pages = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(memory_read_process(getpid(), &after), 0);
    munmap(pages, BYTES);
    assert_in_range(after.rss_bytes - before.rss_bytes, BYTES - (1 << 20), BYTES + (1 << 20));
    assert_true(after.rss_peak_bytes >= after.rss_bytes);
    assert_true(after.page_tables_bytes > 0);
}

static void this_machine_tells_its_kernel_memory(void **state) {
    (void)state;
    const struct memory_cgroup none = {.is_open = false};
    struct kernel_memory memory = memory_read_kernel(&none);
    assert_true(memory.kernel_stack_bytes > 0);
    assert_true(memory.slab_bytes > 0);
}

static void usage_is_converted_to_nanoseconds_and_counts(void **state) {
    (void)state;
    const struct rusage rusage = {.ru_utime = {.tv_sec = 1, .tv_usec = 500000},
                                  .ru_stime = {.tv_sec = 0, .tv_usec = 7},
                                  .ru_nvcsw = 11,
                                  .ru_nivcsw = 12,
                                  .ru_minflt = 13,
                                  .ru_majflt = 14};
    const struct usage before = {.cpu_user_ns = 500000000, .faults_minor = 3};
    struct usage usage = usage_of(&rusage);
    assert_int_equal(usage.cpu_user_ns, 1500000000);
    assert_int_equal(usage.cpu_system_ns, 7000);
    assert_int_equal(usage.switches_voluntary, 11);
    assert_int_equal(usage.switches_involuntary, 12);
    assert_int_equal(usage.faults_minor, 13);
    assert_int_equal(usage.faults_major, 14);
    usage = usage_between(&before, &usage);
    assert_int_equal(usage.cpu_user_ns, 1000000000);
    assert_int_equal(usage.cpu_system_ns, 7000);
    assert_int_equal(usage.faults_minor, 10);
}

static void usage_counts_the_pages_that_this_process_faults_in(void **state) {
    (void)state;
    enum { PAGES = 256 };
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *pages =
        mmap(NULL, PAGES * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    madvise(pages, PAGES * page_bytes, MADV_NOHUGEPAGE);
    struct usage before = usage_now();
    for (size_t page = 0; page < PAGES; page++)
        pages[page * page_bytes] = 1;
    struct usage after = usage_now();
    munmap(pages, PAGES * page_bytes);
    assert_true(usage_between(&before, &after).faults_minor >= PAGES);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, create_root, destroy_root)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ROOT(a_process_is_read_from_its_status),
        WITH_ROOT(a_long_list_of_groups_hides_nothing),
        WITH_ROOT(a_line_that_is_missing_gives_no_figure),
        WITH_ROOT(a_process_that_is_gone_gives_no_figure),
        WITH_ROOT(resident_pages_are_summed_where_the_kernel_counts_them_loosely),
        WITH_ROOT(a_kernel_without_the_sum_gives_its_loose_count),
        WITH_ROOT(without_a_cgroup_the_kernels_memory_is_the_machines),
        WITH_ROOT(without_any_file_there_is_no_figure_of_the_kernels_memory),
        WITH_ROOT(a_cgroup_is_made_beside_our_own_where_the_parent_hands_memory_down),
        WITH_ROOT(a_cgroup_is_made_below_the_root_where_that_is_our_own),
        WITH_ROOT(a_cgroup_takes_a_process_and_tells_its_kernel_memory),
        WITH_ROOT(no_cgroup_is_made_where_none_is_mounted),
        WITH_ROOT(no_cgroup_is_made_where_memory_belongs_to_version_1),
        WITH_ROOT(no_cgroup_is_made_where_nobody_hands_memory_down),
        WITH_ROOT(no_cgroup_is_made_where_stacks_and_slab_are_not_told),
        WITH_ROOT(no_cgroup_is_made_outside_of_our_namespace),
        cmocka_unit_test(this_process_grows_by_what_it_touches),
        cmocka_unit_test(this_machine_tells_its_kernel_memory),
        cmocka_unit_test(usage_is_converted_to_nanoseconds_and_counts),
        cmocka_unit_test(usage_counts_the_pages_that_this_process_faults_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
