/* A text parameter whose value is one of a few words, such as --by=yield|semaphore|pipe. */
#ifndef TVA_WORKLOADS_CHOICE_H
#define TVA_WORKLOADS_CHOICE_H

#include "workloads/workload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Which of the words, ended by NULL, the text is, counted from 0; -1: none. */
static inline int choice_index(const char *const *words, const char *text) {
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -1;
}

/* Returns 0, or -EINVAL with a line in message if the text is none of the words. */
static inline int choice_check(const char *parameter, const char *const *words, const char *text,
                               char message[WORKLOAD_MESSAGE_BYTES]) {
    if (choice_index(words, text) >= 0)
        return 0;
    int length =
        snprintf(message, WORKLOAD_MESSAGE_BYTES, "%s: '%.60s' is not one of", parameter, text);
    for (int i = 0; words[i]; i++)
        length += snprintf(message + length, WORKLOAD_MESSAGE_BYTES - (size_t)length, "%s %.30s",
                           i ? "," : "", words[i]);
    return -EINVAL;
}

#endif
