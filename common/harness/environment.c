#include "harness/environment.h"

#include "harness/build_info.h"
#include "harness/json_difference.h"
#include "harness/limits.h"
#include "harness/revision.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <event2/event.h>
#include <gnu/libc-version.h>
#include <http_parser.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define BUILD_ID_BYTES_MAX 32
#define TOLERANCE_PERCENT 1

/* The first line of a file, or null. */
static json_t *line_json(const char *path) {
    char line[512];
    FILE *file = fopen(path, "re");
    if (!file)
        return json_null();
    bool has_line = fgets(line, sizeof line, file);
    fclose(file);
    if (!has_line)
        return json_null();
    line[strcspn(line, "\n")] = '\0';
    return json_string(line);
}

/* What follows "key<blanks>:<blanks>" on the first such line of a file, or null. */
static json_t *field_json(const char *path, const char *key) {
    char line[512];
    FILE *file = fopen(path, "re");
    json_t *found = NULL;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        found = json_string(colon + 1 + strspn(colon + 1, " \t"));
    }
    if (file)
        fclose(file);
    return found ? found : json_null();
}

/* What the kernel does against each known fault of the processor: it slows system calls. */
static json_t *mitigations_json(void) {
    static const char root[] = "/sys/devices/system/cpu/vulnerabilities";
    json_t *object = json_object();
    struct dirent **entries;
    int count = scandir(root, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", root, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            json_object_set_new(object, entries[i]->d_name, line_json(path));
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return object;
}

static json_t *cpu_json(void) {
    return json_pack("{s:o, s:I, s:o, s:o, s:o}", "model",
                     field_json("/proc/cpuinfo", "model name"), "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "allowed",
                     field_json("/proc/self/status", "Cpus_allowed_list"), "governor",
                     line_json("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
                     "mitigations", mitigations_json());
}

static json_t *libraries_json(void) {
    char parser[32];
    unsigned long version = http_parser_version();
    snprintf(parser, sizeof parser, "%lu.%lu.%lu", version >> 16 & 0xff, version >> 8 & 0xff,
             version & 0xff);
    return json_pack("{s:s, s:s, s:s, s:s}", "libevent", event_get_version(), "jansson",
                     jansson_version_str(), "glibc", gnu_get_libc_version(), "http_parser", parser);
}

/* The build id among the notes of a segment, which the linker makes of all that it linked. */
static json_t *find_build_id(const unsigned char *notes, size_t size) {
    ElfW(Nhdr) note;
    for (size_t at = 0; at + sizeof note <= size;) {
        memcpy(&note, notes + at, sizeof note);
        const unsigned char *name = notes + at + sizeof note;
        size_t name_bytes = (note.n_namesz + 3u) & ~3u, id_bytes = (note.n_descsz + 3u) & ~3u;
        at += sizeof note + name_bytes + id_bytes;
        if (at > size || note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof ELF_NOTE_GNU ||
            memcmp(name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) != 0)
            continue;
        char text[2 * BUILD_ID_BYTES_MAX + 1] = "";
        for (size_t i = 0; i < note.n_descsz && i < BUILD_ID_BYTES_MAX; i++)
            sprintf(text + 2 * i, "%02x", name[name_bytes + i]);
        return json_string(text);
    }
    return NULL;
}

/* Of the executable, which is the first object. */
static int take_build_id(struct dl_phdr_info *object, size_t size, void *json) {
    (void)size;
    for (size_t i = 0; i < object->dlpi_phnum && !*(json_t **)json; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE)
            *(json_t **)json = find_build_id(
                (const unsigned char *)(object->dlpi_addr + segment->p_vaddr), segment->p_memsz);
    }
    return 1;
}

static json_t *build_id_json(void) {
    json_t *id = NULL;
    dl_iterate_phdr(take_build_id, &id);
    return id ? id : json_null();
}

static json_t *build_json(void) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "version", BUILD_VERSION, "revision",
                     BUILD_REVISION, "compiler", BUILD_COMPILER, "flags", BUILD_FLAGS, "type",
                     BUILD_TYPE, "id", build_id_json());
}

static json_t *time_json(void) {
    time_t now = time(NULL);
    struct tm utc;
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return json_string(text);
}

/* Ticks that the hypervisor gave to others, summed over the cores since boot. */
static json_t *steal_json(void) {
    long long steal;
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return json_null();
    int fields = fscanf(file, "cpu %*d %*d %*d %*d %*d %*d %*d %lld", &steal);
    fclose(file);
    return fields == 1 ? json_integer(steal) : json_null();
}

static json_t *load_json(void) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "time", time_json(), "average",
                     line_json("/proc/loadavg"), "steal_ticks", steal_json(), "pressure_cpu",
                     line_json("/proc/pressure/cpu"), "pressure_memory",
                     line_json("/proc/pressure/memory"), "pressure_io",
                     line_json("/proc/pressure/io"));
}

/* Version 2 alone, version 1, or both side by side. */
static const char *cgroup_version(void) {
    if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
        return "2";
    if (access("/sys/fs/cgroup/unified/cgroup.controllers", F_OK) == 0)
        return "1 and 2";
    return access("/sys/fs/cgroup", F_OK) == 0 ? "1" : NULL;
}

json_t *environment_json(void) {
    struct utsname system;
    struct sysinfo memory;
    if (uname(&system) < 0 || sysinfo(&memory) < 0)
        return NULL;
    return json_pack(
        "{s:i, s:o, s:o, s:s, s:s, s:o, s:I, s:o, s:s?, s:o, s:i, s:o, s:o, s:o, s:n, s:o, s:[]}",
        "schema", 1, "time", time_json(), "build", build_json(), "kernel", system.release,
        "architecture", system.machine, "cpu", cpu_json(), "memory_bytes",
        (json_int_t)(memory.totalram * memory.mem_unit), "transparent_hugepages",
        line_json("/sys/kernel/mm/transparent_hugepage/enabled"), "cgroup", cgroup_version(),
        "clocksource",
        line_json("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "timer_slack_ns", prctl(PR_GET_TIMERSLACK), "limits", limits_json(), "libraries",
        libraries_json(), "load_before", load_json(), "load_after", "boot_id",
        line_json("/proc/sys/kernel/random/boot_id"), "resumed");
}

/* A copy without what may differ between two parts of a run. */
static json_t *lasting(const json_t *environment) {
    static const char *const passing[] = {"time", "load_before", "load_after", "boot_id",
                                          "resumed"};
    json_t *copy = json_copy((json_t *)environment);
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        json_object_del(copy, passing[i]);
    return copy;
}

int environment_compare(const json_t *was, const json_t *is, struct message *message) {
    char text[JSON_DIFFERENCE_BYTES];
    json_t *was_lasting = lasting(was), *is_lasting = lasting(is);
    int err = 0;
    if (!was_lasting || !is_lasting)
        err = message_fail(message, -ENOMEM, "out of memory");
    else if (json_difference(was_lasting, is_lasting, TOLERANCE_PERCENT, text))
        err = message_fail(message, -EINVAL, "%s", text);
    json_decref(was_lasting);
    json_decref(is_lasting);
    return err;
}

void environment_resume(json_t *was, const json_t *is) {
    json_t *resumed = json_object_get(was, "resumed");
    json_array_append_new(resumed, json_pack("{s:O, s:O}", "time", json_object_get(is, "time"),
                                             "boot_id", json_object_get(is, "boot_id")));
    json_object_set_new(was, "load_after", json_null());
}

void environment_finish(json_t *environment) {
    json_object_set_new(environment, "load_after", load_json());
}
