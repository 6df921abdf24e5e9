#include "harness/arguments.h"

#include "harness/build_info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *argp_program_version = "tva " BUILD_VERSION;

bool arguments_is_help(const char *argument) {
    static const char *const known[] = {"--help", "-?", "--usage", "--version", "-V"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(argument, known[i]) == 0)
            return true;
    return false;
}

static bool is_end(const struct argp_option *option) {
    return !option->key && !option->name && !option->doc && !option->group;
}

/* The option that "--name" or "--name=value" asks for, or NULL. */
static const struct argp_option *find_option(const struct argp_option *options,
                                             const char *argument) {
    size_t length = strcspn(argument + 2, "=");
    for (; options && !is_end(options); options++)
        if (options->name && strlen(options->name) == length &&
            memcmp(options->name, argument + 2, length) == 0)
            return options;
    return NULL;
}

static int fail_unknown(const struct argp *argp, const char *command, const char *argument,
                        struct message *message) {
    char known[512] = "";
    for (const struct argp_option *o = argp->options; o && !is_end(o); o++) {
        size_t length = strlen(known);
        if (o->name && !(o->flags & OPTION_HIDDEN))
            snprintf(known + length, sizeof known - length, "%s--%s", length ? ", " : "", o->name);
    }
    return message_fail(message, -EINVAL, "unknown option %.*s: %s takes %s",
                        (int)strcspn(argument, "="), argument, command, *known ? known : "none");
}

/* Looks at argv[*at] and moves on to the next argument. */
static int check_argument(const struct argp *argp, int argc, char **argv, int *at,
                          struct message *message) {
    const char *argument = argv[(*at)++];
    if (argument[0] != '-' || arguments_is_help(argument))
        return 0;
    const struct argp_option *option =
        strncmp(argument, "--", 2) == 0 ? find_option(argp->options, argument) : NULL;
    if (!option)
        return fail_unknown(argp, argv[0], argument, message);
    bool has_value = strchr(argument, '=');
    if (!option->arg && has_value)
        return message_fail(message, -EINVAL, "--%s takes no value", option->name);
    if (option->arg && !has_value && (*at)++ >= argc)
        return message_fail(message, -EINVAL, "--%s needs a value: --%s=%s", option->name,
                            option->name, option->arg);
    return 0;
}

int arguments_parse(const struct argp *argp, int argc, char **argv, void *input,
                    struct message *message) {
    for (int at = 1; at < argc;) {
        int err = check_argument(argp, argc, argv, &at, message);
        if (err)
            return err;
    }
    return -argp_parse(argp, argc, argv, ARGP_IN_ORDER, NULL, input);
}
