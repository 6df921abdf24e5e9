#include "harness/tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int tables_find_model(const char *name, const struct model **out, struct message *message) {
    char known[256] = "";
    for (size_t i = 0; models[i]; i++) {
        if (strcmp(models[i]->name, name) == 0) {
            *out = models[i];
            return 0;
        }
        size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "", models[i]->name);
    }
    return message_fail(message, -EINVAL, "unknown model \"%s\": there are %s", name, known);
}

int tables_find_workload(const char *name, const struct workload **out, struct message *message) {
    char known[256] = "";
    for (size_t i = 0; workloads[i]; i++) {
        if (strcmp(workloads[i]->name, name) == 0) {
            *out = workloads[i];
            return 0;
        }
        size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "", workloads[i]->name);
    }
    return message_fail(message, -EINVAL, "unknown workload \"%s\": there are %s", name, known);
}

const struct parameter *tables_find_parameter(const struct parameter *table, const char *name) {
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

const struct parameter *tables_find_model_parameter(const struct model *const *table, size_t count,
                                                    const char *name) {
    for (size_t i = 0; i < count; i++) {
        const struct parameter *found = tables_find_parameter(table[i]->parameters, name);
        if (found)
            return found;
    }
    return NULL;
}
