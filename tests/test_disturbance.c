/* What disturbed a trial: the kernel's figures read from files of the test's own, the differences,
   the rules; and the fixed work that tells drift. */
#include "measure/disturbance.h"

#include "clock.h"
#include "measure/kernel_text.h"
#include "measure/spin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 512

static char folder[] = "/tmp/tva-test-disturbance-XXXXXX";

/* Writes a file below the folder, and the folders above it. */
static void put(const char *path, const char *text) {
    char whole[PATH_BYTES];
    int length = snprintf(whole, sizeof whole, "%s%s", folder, path);
    assert_true(length > 0 && (size_t)length < sizeof whole);
    for (char *slash = strchr(whole + strlen(folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int read_from_folder(void **state) {
    (void)state;
    kernel_text_set_root(folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    char command[PATH_BYTES];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct disturbance_subject on_core_1(void) {
    struct disturbance_subject subject = {0};
    CPU_ZERO(&subject.cores);
    CPU_SET(1, &subject.cores);
    return subject;
}

static struct machine_reading read_core_1(void) {
    struct disturbance_subject subject = on_core_1();
    struct machine_reading reading;
    disturbance_read(&reading, &subject);
    return reading;
}

static void what_the_machine_does_not_tell_is_unknown_and_disturbs_nothing(void **state) {
    (void)state;
    kernel_text_set_root("/nowhere");
    struct machine_reading before = read_core_1(), after = read_core_1();
    struct disturbance_subject subject = on_core_1();
    struct disturbance d;
    disturbance_between(&d, &subject, &before, &after);
    assert_int_equal(d.steal_ns, -1);
    assert_int_equal(d.cpu_pressure_ns, -1);
    assert_int_equal(d.io_pressure_ns, -1);
    assert_int_equal(d.memory_pressure_ns, -1);
    assert_int_equal(d.run_queue_wait_ns, -1);
    assert_int_equal(d.throttled_ns, -1);
    assert_int_equal(d.others_cpu_ns, -1);
    assert_int_equal(d.frequency_min_hz, -1);
    assert_true(d.load_1min < 0);
    struct disturbance_control none = {-1, -1, false};
    assert_int_equal(disturbance_judge(&d, &none), 0);
}

static void steal_and_run_queue_wait_are_of_the_trials_cores_and_idle_of_all(void **state) {
    (void)state;
    put("/proc/stat", "cpu  9 9 9 9 9 9 9 9 0 0\n"
                      "cpu0 1 2 3 100 10 6 7 5 0 0\n"
                      "cpu1 1 2 3 200 20 6 7 8 0 0\n"
                      "intr 77 0 0\nctxt 5\n");
    put("/proc/schedstat", "version 17\ntimestamp 4295\n"
                           "cpu0 0 0 0 0 0 0 11 22 33\ndomain0 PKG 3 0 0\n"
                           "cpu1 0 0 0 0 0 0 44 5500 66\ndomain0 PKG 3 0 0\n");
    struct machine_reading reading = read_core_1();
    int64_t tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK);
    assert_int_equal(reading.machine_cores, 2);
    assert_int_equal(reading.idle_ns, (100 + 10 + 5 + 200 + 20 + 8) * tick_ns);
    assert_int_equal(reading.steal_ns, 8 * tick_ns);
    assert_int_equal(reading.run_queue_wait_ns, 5500);
}

static void a_run_queue_wait_that_the_buffer_cut_off_is_unknown(void **state) {
    (void)state;
    put("/proc/schedstat", "cpu0 0 0 0 0 0 0 11 22 33\ncpu1 0 0 0 0 0 0 44 5500 6");
    assert_int_equal(read_core_1().run_queue_wait_ns, -1);
    put("/proc/schedstat", "cpu0 0 0 0 0 0 0 11 22 33\n");
    assert_int_equal(read_core_1().run_queue_wait_ns, -1);
}

static void pressure_and_load_are_read_in_their_units(void **state) {
    (void)state;
    put("/proc/pressure/cpu", "some avg10=1.50 avg60=0.10 avg300=0.00 total=123\n"
                              "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
    put("/proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=45\n");
    put("/proc/pressure/memory", "nonsense\n");
    put("/proc/loadavg", "0.75 0.26 0.16 2/94 3554\n");
    struct machine_reading reading = read_core_1();
    assert_int_equal(reading.cpu_pressure_ns, 123000);
    assert_int_equal(reading.io_pressure_ns, 45000);
    assert_int_equal(reading.memory_pressure_ns, -1);
    assert_true(reading.load_1min == 0.75);
}

static void the_frequency_is_the_least_of_the_trials_cores(void **state) {
    (void)state;
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "800000\n");
    put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "3000000\n");
    put("/sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq", "2000000\n");
    assert_true(read_core_1().frequency_min_hz == INT64_C(3000000000));
    struct disturbance_subject subject = on_core_1();
    CPU_SET(2, &subject.cores);
    struct machine_reading reading;
    disturbance_read(&reading, &subject);
    assert_true(reading.frequency_min_hz == INT64_C(2000000000));
}

static void a_quota_of_any_cgroup_above_counts_in_either_version(void **state) {
    (void)state;
    put("/proc/self/cgroup", "0::/user/session\n");
    put("/sys/fs/cgroup/cpu.stat", "usage_usec 9\n");
    assert_int_equal(read_core_1().throttled_ns, -1);
    put("/sys/fs/cgroup/user/cpu.stat", "nr_throttled 1\nthrottled_usec 30\n");
    put("/sys/fs/cgroup/user/session/cpu.stat", "nr_throttled 1\nthrottled_usec 4\n");
    assert_int_equal(read_core_1().throttled_ns, 34000);
    put("/proc/self/cgroup", "5:cpu,cpuacct:/pod\n4:memory:/user\n");
    put("/sys/fs/cgroup/cpu/cpu.stat", "nr_throttled 0\nthrottled_time 0\n");
    put("/sys/fs/cgroup/cpu/pod/cpu.stat", "nr_throttled 2\nthrottled_time 1234\n");
    assert_int_equal(read_core_1().throttled_ns, 1234);
}

static void others_have_used_what_was_neither_idle_nor_the_trials_own(void **state) {
    (void)state;
    struct disturbance_subject subject = on_core_1();
    struct machine_reading before = {.machine_cores = 2, .idle_ns = 0, .own_cpu_ns = 1000};
    struct machine_reading after = {.time_ns = NS_PER_S,
                                    .machine_cores = 2,
                                    .idle_ns = NS_PER_S,
                                    .own_cpu_ns = 1000 + 3 * NS_PER_S / 5};
    struct disturbance d;
    disturbance_between(&d, &subject, &before, &after);
    assert_int_equal(d.others_cpu_ns, 2 * NS_PER_S / 5);
    after.idle_ns = 2 * NS_PER_S; /* idle is told in ticks, so it may seem to be too much */
    disturbance_between(&d, &subject, &before, &after);
    assert_int_equal(d.others_cpu_ns, 0);
    after.own_cpu_ns = -1;
    disturbance_between(&d, &subject, &before, &after);
    assert_int_equal(d.others_cpu_ns, -1);
}

static void use_cpu(int64_t ns) {
    int64_t begin_ns = clock_now_ns();
    while (clock_now_ns() - begin_ns < ns)
        spin_work(1000);
}

static void the_cpu_time_of_a_process_of_the_trial_is_its_own(void **state) {
    (void)state;
    int ready[2], end[2];
    char byte = 0;
    assert_int_equal(pipe(ready) | pipe(end), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(end[1]);
        use_cpu(50 * NS_PER_MS);
        if (write(ready[1], "r", 1) == 1 && read(end[0], &byte, 1) == 0)
            _exit(0);
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct disturbance_subject subject = on_core_1();
    struct machine_reading without, with;
    disturbance_read(&without, &subject);
    subject.own[2] = pid;
    disturbance_read(&with, &subject);
    assert_in_range(with.own_cpu_ns - without.own_cpu_ns, NS_PER_MS, NS_PER_S);
    close(end[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    disturbance_read(&with, &subject);
    assert_int_equal(with.own_cpu_ns, -1);
    close(ready[0]);
    close(ready[1]);
    close(end[0]);
}

/* A second on two cores of two, in which nothing happened. */
static struct disturbance quiet(void) {
    return (struct disturbance){.wall_ns = NS_PER_S, .trial_cores = 2, .machine_cores = 2};
}

static unsigned judge(const struct disturbance *d) {
    struct disturbance_control none = {-1, -1, false};
    return disturbance_judge(d, &none);
}

static void steal_disturbs_above_2_percent_and_two_ticks(void **state) {
    (void)state;
    struct disturbance d = quiet();
    d.steal_ns = 40 * NS_PER_MS;
    assert_int_equal(judge(&d), 0);
    d.steal_ns++;
    assert_int_equal(judge(&d), DISTURBED_STEAL);
    d.wall_ns = NS_PER_S / 100;
    d.steal_ns = 2 * NS_PER_S / sysconf(_SC_CLK_TCK);
    assert_int_equal(judge(&d), 0);
}

static void others_disturb_above_an_eighth_of_the_machine(void **state) {
    (void)state;
    struct disturbance d = quiet();
    d.others_cpu_ns = NS_PER_S / 4;
    assert_int_equal(judge(&d), 0);
    d.others_cpu_ns++;
    assert_int_equal(judge(&d), DISTURBED_OTHERS);
    d.machine_cores = 4;
    assert_int_equal(judge(&d), 0);
}

static void any_throttling_disturbs(void **state) {
    (void)state;
    struct disturbance d = quiet();
    d.throttled_ns = 1;
    assert_int_equal(judge(&d), DISTURBED_THROTTLED);
}

static void pressure_that_the_trial_may_have_made_disturbs_nothing(void **state) {
    (void)state;
    struct disturbance d = quiet();
    d.cpu_pressure_ns = d.io_pressure_ns = d.memory_pressure_ns = d.run_queue_wait_ns = NS_PER_S;
    d.load_1min = 100;
    assert_int_equal(judge(&d), 0);
}

static void a_control_disturbs_above_the_trials_threshold(void **state) {
    (void)state;
    struct disturbance d = quiet();
    struct disturbance_control control = {1000, 1000, false};
    assert_int_equal(disturbance_judge(&d, &control), 0);
    control.lateness_max_ns++;
    assert_int_equal(disturbance_judge(&d, &control), DISTURBED_CONTROL);
}

static void reasons_are_named_in_order(void **state) {
    (void)state;
    unsigned reasons = DISTURBED_CONTROL | DISTURBED_STEAL;
    assert_string_equal(disturbance_next_reason(&reasons), "steal");
    assert_string_equal(disturbance_next_reason(&reasons), "control");
    assert_null(disturbance_next_reason(&reasons));
    reasons = DISTURBED_THROTTLED | DISTURBED_OTHERS;
    assert_string_equal(disturbance_next_reason(&reasons), "throttled");
    assert_string_equal(disturbance_next_reason(&reasons), "others");
}

static void this_machine_tells_how_idle_it_was(void **state) {
    (void)state;
    kernel_text_set_root("");
    struct disturbance_subject subject = {0};
    struct machine_reading before, after;
    struct disturbance d;
    assert_int_equal(sched_getaffinity(0, sizeof subject.cores, &subject.cores), 0);
    disturbance_read(&before, &subject);
    use_cpu(200 * NS_PER_MS);
    disturbance_read(&after, &subject);
    disturbance_between(&d, &subject, &before, &after);
    assert_in_range(d.wall_ns, 200 * NS_PER_MS, 20 * NS_PER_S);
    assert_true(d.machine_cores >= d.trial_cores);
    assert_true(d.steal_ns >= 0 && d.load_1min >= 0);
    assert_in_range(d.others_cpu_ns, 0, d.wall_ns * d.machine_cores);
}

static void the_fixed_work_is_the_same_every_time(void **state) {
    (void)state;
    assert_true(spin_work(1) == UINT64_C(0x9e3779bd8ef1b1de));
    assert_true(spin_work(1000) == UINT64_C(0x7eb7977a70255df7));
}

static void the_control_spin_leaves_the_thread_on_all_its_cores(void **state) {
    (void)state;
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_in_range(spin_measure_ns(), NS_PER_MS, 20 * NS_PER_S);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

#define FROM_FOLDER(test) cmocka_unit_test_setup(test, read_from_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        FROM_FOLDER(what_the_machine_does_not_tell_is_unknown_and_disturbs_nothing),
        FROM_FOLDER(steal_and_run_queue_wait_are_of_the_trials_cores_and_idle_of_all),
        FROM_FOLDER(a_run_queue_wait_that_the_buffer_cut_off_is_unknown),
        FROM_FOLDER(pressure_and_load_are_read_in_their_units),
        FROM_FOLDER(the_frequency_is_the_least_of_the_trials_cores),
        FROM_FOLDER(a_quota_of_any_cgroup_above_counts_in_either_version),
        FROM_FOLDER(others_have_used_what_was_neither_idle_nor_the_trials_own),
        FROM_FOLDER(the_cpu_time_of_a_process_of_the_trial_is_its_own),
        FROM_FOLDER(steal_disturbs_above_2_percent_and_two_ticks),
        FROM_FOLDER(others_disturb_above_an_eighth_of_the_machine),
        FROM_FOLDER(any_throttling_disturbs),
        FROM_FOLDER(pressure_that_the_trial_may_have_made_disturbs_nothing),
        FROM_FOLDER(a_control_disturbs_above_the_trials_threshold),
        FROM_FOLDER(reasons_are_named_in_order),
        FROM_FOLDER(this_machine_tells_how_idle_it_was),
        FROM_FOLDER(the_fixed_work_is_the_same_every_time),
        FROM_FOLDER(the_control_spin_leaves_the_thread_on_all_its_cores),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
