#include "harness/cpus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool read_list(const char *text, cpu_set_t *set) {
    CPU_ZERO(set);
    bool is_list = read_range(&text, set);
    while (is_list && *text == ',') {
        text++;
        is_list = read_range(&text, set);
    }
    return is_list && !*text;
}

/* Splits the allowed cores: the first of them, or the others. */
static int choose(const char *word, const cpu_set_t *allowed, cpu_set_t *set,
                  struct message *message) {
    size_t first = 0;
    while (!CPU_ISSET(first, allowed))
        first++;
    if (strcmp(word, "first") == 0) {
        CPU_ZERO(set);
        CPU_SET(first, set);
        return 0;
    }
    *set = *allowed;
    CPU_CLR(first, set);
    return CPU_COUNT(set) > 0 ? 0
                              : message_fail(message, -EINVAL,
                                             "cpus: \"rest\" is empty: only core %zu may be used "
                                             "here",
                                             first);
}

static int check_allowed(const char *text, const cpu_set_t *set, const cpu_set_t *allowed,
                         struct message *message) {
    for (size_t core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, set) && !CPU_ISSET(core, allowed))
            return message_fail(message, -EINVAL,
                                "cpus: core %zu of \"%s\" may not be used here: see nproc and "
                                "taskset -p $$",
                                core, text);
    return 0;
}

int cpus_parse(const char *text, cpu_set_t *out, struct message *message) {
    cpu_set_t set, allowed;
    int err;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return message_fail(message, -errno, "cpus: cannot read which cores may be used");
    if (strcmp(text, "first") == 0 || strcmp(text, "rest") == 0)
        err = choose(text, &allowed, &set, message);
    else if (read_list(text, &set))
        err = check_allowed(text, &set, &allowed, message);
    else
        err = message_fail(message, -EINVAL,
                           "cpus: \"%s\" is no list of cores: try 0, 0-1, 0,2-3, first or rest",
                           text);
    if (!err && out)
        *out = set;
    return err;
}

char *cpus_print(const cpu_set_t *set) {
    char *text = NULL;
    size_t text_bytes;
    FILE *stream = open_memstream(&text, &text_bytes);
    if (!stream)
        return NULL;
    const char *separator = "";
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, set))
            continue;
        size_t last = core;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
            last++;
        fprintf(stream, last > core ? "%s%zu-%zu" : "%s%zu", separator, core, last);
        separator = ",";
        core = last;
    }
    bool is_whole = !ferror(stream);
    if (fclose(stream) == 0 && is_whole)
        return text;
    free(text);
    return NULL;
}

int cpus_pin(const char *text, struct message *message) {
    cpu_set_t set;
    int err = text ? cpus_parse(text, &set, message) : 0;
    if (!err && text && sched_setaffinity(0, sizeof set, &set) < 0)
        err = message_fail(message, -errno, "cpus: cannot be pinned to %s: %s", text,
                           strerror(errno));
    return err;
}
