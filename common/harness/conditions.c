#include "harness/conditions.h"

#include "harness/cpus.h"
#include "harness/load.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define OWNER "conditions"

const struct parameter conditions_parameters[] = {
    {"cpus", PARAMETER_TEXT, offsetof(struct conditions, cpus), "", 0, 0, "LIST",
     "pin each trial to these cores, 0, 0-1, first or rest; none: all"},
    {"origin-cpus", PARAMETER_TEXT, offsetof(struct conditions, origin_cpus), "", 0, 0, "LIST",
     "pin the origin, or clients, to these cores; none: all"},
    {"load", PARAMETER_COUNT, offsetof(struct conditions, load), "0", 0, LOAD_THREADS_MAX, "COUNT",
     "threads that compute beside each trial, as background load"},
    {"arenas", PARAMETER_COUNT, offsetof(struct conditions, arenas), "auto", 1, 1024, "COUNT",
     "malloc's arenas at most (M_ARENA_MAX); auto: as many as libc likes"},
    {0},
};

/* Checks a list of cores and makes it the canonical one, NULL for none. */
static int settle_cpus(char **list, const char *prefix, struct message *message) {
    cpu_set_t set;
    bool is_none = !*list || !**list;
    int err = is_none ? 0 : cpus_parse(*list, &set, message);
    if (err)
        return prefix ? message_prefix(message, err, "%s", prefix) : err;
    free(*list);
    *list = is_none ? NULL : cpus_print(&set);
    return is_none || *list ? 0 : message_fail(message, -ENOMEM, "out of memory");
}

/* Checks and prints conditions whose parameters are set, and hands them over or destroys them. */
static int finish(struct conditions *out, struct conditions *conditions, struct message *message) {
    int err = settle_cpus(&conditions->cpus, NULL, message);
    if (!err)
        err = settle_cpus(&conditions->origin_cpus, "origin-cpus", message);
    char *printed = err ? NULL : parameters_print(OWNER, conditions_parameters, conditions);
    if (printed)
        conditions->text = strdup(printed + strlen(OWNER ":"));
    free(printed);
    if (!err && !conditions->text)
        err = message_fail(message, -ENOMEM, "out of memory");
    if (err)
        conditions_destroy(conditions);
    else
        *out = *conditions;
    return err;
}

int conditions_build(struct conditions *out, const struct setting *settings, size_t count,
                     struct message *message) {
    struct conditions built = {0};
    if (parameters_set_defaults(conditions_parameters, &built) < 0)
        return message_fail(message, -ENOMEM, "out of memory");
    int err = settings_apply(conditions_parameters, &built, settings, count, message);
    if (!err)
        return finish(out, &built, message);
    conditions_destroy(&built);
    return err;
}

int conditions_parse(struct conditions *out, const char *text, struct message *message) {
    char what[PARAMETER_MESSAGE_BYTES] = "out of memory";
    struct conditions parsed = {0};
    int err = parameters_parse(conditions_parameters, &parsed, text, what);
    return err ? message_fail(message, err, "%s", what) : finish(out, &parsed, message);
}

int conditions_apply(const struct conditions *conditions, struct message *message) {
    if (conditions->arenas && !mallopt(M_ARENA_MAX, (int)conditions->arenas))
        return message_fail(message, -EINVAL, "arenas: malloc does not take a limit of %lld",
                            (long long)conditions->arenas);
    return cpus_pin(conditions->cpus, message);
}

void conditions_destroy(struct conditions *conditions) {
    parameters_destroy(conditions_parameters, conditions);
    free(conditions->text);
    *conditions = (struct conditions){0};
}
