#include "harness/examination.h"

#include "clock.h"
#include "measure/kernel_text.h"
#include "measure/spin.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SLEEPS 200
#define SLEEP_NS NS_PER_MS
#define SPINS 200
#define SPIN_TIMES 1000000 /* some milliseconds of work */
#define CLOCK_READS 100000

static int compare(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Of `count` sorted values the one that `share` of them do not exceed. */
static int64_t quantile(const int64_t *values, size_t count, double share) {
    return values[(size_t)(share * (double)(count - 1))];
}

static struct finding number(const char *name, double value, const char *unit, bool is_good,
                             const char *advice) {
    return (struct finding){.name = name,
                            .unit = unit,
                            .advice = advice,
                            .value = value,
                            .is_known = true,
                            .is_good = is_good};
}

static struct finding unknown(const char *name) {
    return (struct finding){.name = name, .unit = "", .is_good = true};
}

static struct finding text(const char *name, const char *path, const char *good,
                           const char *advice) {
    struct finding finding = {.name = name, .unit = "", .advice = advice};
    finding.has_text = kernel_text_read(finding.text, sizeof finding.text, "%s", path) == 0;
    finding.text[strcspn(finding.text, "\n")] = '\0';
    finding.is_good = !finding.has_text || strstr(good, finding.text) != NULL;
    return finding;
}

/* The floor of every sleep, in any model: nothing can wake earlier. */
static size_t examine_sleep(struct finding *out) {
    static int64_t late_ns[SLEEPS];
    prctl(PR_SET_TIMERSLACK, 1);
    for (size_t i = 0; i < SLEEPS; i++) {
        int64_t due_ns = clock_now_ns() + SLEEP_NS;
        struct timespec due = clock_timespec(due_ns);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL))
            continue;
        late_ns[i] = clock_now_ns() - due_ns;
    }
    qsort(late_ns, SLEEPS, sizeof *late_ns, compare);
    double median = (double)quantile(late_ns, SLEEPS, 0.5), worst = (double)late_ns[SLEEPS - 1];
    out[0] = number("a lone sleep of 1 ms ends late by, median", median / 1e3, "us", median < 2e5,
                    "a virtual machine with a coarse timer: look for its high-resolution timers");
    out[1] = number("the same, the latest of 200", worst / 1e3, "us", worst < 5e6,
                    "something else runs on these cores: stop it, or pin trials by --cpus");
    return 2;
}

/* The same work again and again: what differs is the machine's doing. */
static size_t examine_spin(struct finding *out) {
    static int64_t took_ns[SPINS];
    volatile uint64_t sink; /* asked for, so that the compiler cannot leave the work out */
    for (size_t i = 0; i < SPINS; i++) {
        int64_t from_ns = clock_now_ns();
        sink = spin_work(SPIN_TIMES);
        took_ns[i] = clock_now_ns() - from_ns;
    }
    (void)sink;
    qsort(took_ns, SPINS, sizeof *took_ns, compare);
    double spread = (double)quantile(took_ns, SPINS, 0.9) / (double)took_ns[0];
    out[0] =
        number("the same work takes, 90th percentile by fastest", spread, "times", spread < 1.1,
               "others share the cores, or the frequency changes: stop other programs, use "
               "the governor \"performance\"; more rounds make up for the rest");
    return 1;
}

static size_t examine_clock(struct finding *out) {
    int64_t from_ns = clock_now_ns(), last_ns = from_ns;
    for (size_t i = 0; i < CLOCK_READS; i++)
        last_ns = clock_now_ns();
    double each = (double)(last_ns - from_ns) / CLOCK_READS;
    out[0] = number("reading the clock takes", each, "ns", each < 200,
                    "the kernel's clock source is slow: see /sys/devices/system/clocksource");
    out[1] =
        text("clock source", "/sys/devices/system/clocksource/clocksource0/current_clocksource",
             "tsc kvm-clock arch_sys_counter hyperv_clocksource_tsc_page", "boot with tsc");
    return 2;
}

/* Clock ticks since boot that the hypervisor gave to other machines, of all; -1: not known. */
static double steal_share(void) {
    long long v[8];
    char line[512];
    if (kernel_text_read(line, sizeof line, "/proc/stat"))
        return -1;
    int fields = sscanf(line, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &v[0], &v[1], &v[2],
                        &v[3], &v[4], &v[5], &v[6], &v[7]);
    long long busy = v[0] + v[1] + v[2] + v[5] + v[6] + v[7];
    return fields == 8 && busy > 0 ? (double)v[7] / (double)busy : -1;
}

static size_t examine_others(struct finding *out) {
    double steal = steal_share(), load = -1;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    static const char steal_name[] = "stolen by the hypervisor, of the busy time since boot";
    out[0] = steal < 0 ? unknown(steal_name)
                       : number(steal_name, 100 * steal, "%", steal < 0.02,
                                "the machine is shared with others: use more rounds, or another "
                                "machine for figures to be quoted");
    bool has_load = getloadavg(&load, 1) == 1;
    static const char load_name[] = "load of the last minute, by core";
    out[1] = has_load ? number(load_name, load / (double)cores, "", load < 0.3 * (double)cores,
                               "stop what runs besides: top -o %CPU shows it")
                      : unknown(load_name);
    out[2] = number("cores", (double)cores, "", cores > 1,
                    "with one core threads cannot run side by side: their figures are of one core");
    return 3;
}

static size_t examine_settings(struct finding *out) {
    out[0] = text("frequency governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                  "performance", "sudo cpupower frequency-set -g performance");
    if (!out[0].has_text)
        out[0] = unknown("frequency governor");
    out[1] =
        text("huge pages", "/sys/kernel/mm/transparent_hugepage/enabled",
             "[always] madvise never always [madvise] never",
             "with [never] a million coroutines need more memory and time: echo madvise | sudo "
             "tee /sys/kernel/mm/transparent_hugepage/enabled");
    return 2;
}

size_t examine_noise(struct finding *out, size_t room) {
    static size_t (*const parts[])(struct finding * out) = {
        examine_sleep, examine_spin, examine_clock, examine_others, examine_settings};
    size_t count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && count + 3 <= room; i++)
        count += parts[i](out + count);
    return count;
}
