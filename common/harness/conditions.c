#include "harness/conditions.h"

#include "harness/cpus.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "conditions:"
#define LOAD_MAX 1024

const struct parameter conditions_parameters[] = {
    {"cpus", PARAMETER_TEXT, offsetof(struct conditions, cpus), "", 0, 0, "LIST",
     "pin each trial to these cores, such as 0 or 0-1; none: all"},
    {"origin-cpus", PARAMETER_TEXT, offsetof(struct conditions, origin_cpus), "", 0, 0, "LIST",
     "pin the origin to these cores; none: all"},
    {"load", PARAMETER_COUNT, offsetof(struct conditions, load), "0", 0, LOAD_MAX, "COUNT",
     "threads that compute beside each trial, as background load"},
    {"arenas", PARAMETER_COUNT, offsetof(struct conditions, arenas), "auto", 0, 1024, "COUNT",
     "malloc's arenas at most (M_ARENA_MAX); auto: as many as libc likes"},
    {0},
};

int conditions_create(struct conditions *out) {
    *out = (struct conditions){0};
    return parameters_set_defaults(conditions_parameters, out);
}

void conditions_destroy(struct conditions *conditions) {
    parameters_destroy(conditions_parameters, conditions);
    *conditions = (struct conditions){0};
}

/* A list of cores is checked here, where its parameter's name is known. */
static int check_cpus(const char *name, const char *list, struct message *message) {
    if (!list || !*list)
        return 0;
    int err = cpus_parse(list, NULL, message);
    return err && strcmp(name, "cpus") != 0 ? message_prefix(message, err, "%s", name) : err;
}

int conditions_set(struct conditions *conditions, const char *name, const char *text,
                   struct message *message) {
    char what[PARAMETER_MESSAGE_BYTES];
    int err = parameters_set(conditions_parameters, conditions, name, text, false, what);
    if (err)
        return message_fail(message, err, "%s", what);
    if (strcmp(name, "cpus") == 0)
        return check_cpus(name, conditions->cpus, message);
    return strcmp(name, "origin-cpus") == 0 ? check_cpus(name, conditions->origin_cpus, message)
                                            : 0;
}

char *conditions_print(const struct conditions *conditions) {
    return parameters_print("conditions", conditions_parameters, conditions);
}

int conditions_parse(struct conditions *out, const char *text, struct message *message) {
    char what[PARAMETER_MESSAGE_BYTES];
    if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
        return message_fail(message, -EINVAL, "conditions begin with \"" PREFIX "\": \"%s\"", text);
    int err = parameters_parse(conditions_parameters, out, text + strlen(PREFIX), what);
    return err ? message_fail(message, err, "%s", what) : 0;
}

int conditions_apply(const struct conditions *conditions, struct message *message) {
    if (conditions->arenas && !mallopt(M_ARENA_MAX, (int)conditions->arenas))
        return message_fail(message, -EINVAL, "arenas: malloc does not take a limit of %lld",
                            (long long)conditions->arenas);
    return cpus_pin(conditions->cpus, message);
}
