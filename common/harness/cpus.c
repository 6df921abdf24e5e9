#include "harness/cpus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Reads one number at *text and moves on. */
static bool read_core(const char **text, long *core) {
    if (**text < '0' || **text > '9')
        return false;
    char *end;
    errno = 0;
    *core = strtol(*text, &end, 10);
    *text = end;
    return errno == 0 && *core < CPU_SETSIZE;
}

/* Reads "2" or "2-5" at *text and moves on. */
static bool read_range(const char **text, cpu_set_t *set) {
    long first, last;
    if (!read_core(text, &first))
        return false;
    last = first;
    if (**text == '-') {
        ++*text;
        if (!read_core(text, &last) || last < first)
            return false;
    }
    for (long core = first; core <= last; core++)
        CPU_SET((size_t)core, set);
    return true;
}

int cpus_parse(const char *text, cpu_set_t *out, struct message *message) {
    cpu_set_t set, allowed;
    CPU_ZERO(&set);
    const char *rest = text;
    bool is_list = read_range(&rest, &set);
    while (is_list && *rest == ',') {
        rest++;
        is_list = read_range(&rest, &set);
    }
    if (!is_list || *rest)
        return message_fail(message, -EINVAL,
                            "cpus: \"%s\" is no list of cores: try 0, 0-1 or 0,2-3", text);
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return message_fail(message, -errno, "cpus: cannot read which cores may be used");
    for (size_t core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &set) && !CPU_ISSET(core, &allowed))
            return message_fail(message, -EINVAL,
                                "cpus: core %zu of \"%s\" may not be used here: see nproc and "
                                "taskset -p $$",
                                core, text);
    if (out)
        *out = set;
    return 0;
}
