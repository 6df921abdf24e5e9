#include "harness/load_process.h"

#include "harness/companion.h"

#include <stdio.h>
#include <string.h>

#define FIRST_LINE_BYTES 64

int load_process_start(struct load_process *out, int64_t threads, struct message *message) {
    char line[FIRST_LINE_BYTES], option[FIRST_LINE_BYTES];
    snprintf(option, sizeof option, "--threads=%lld", (long long)threads);
    char *arguments[] = {"tva", "load", option, NULL};
    int err = companion_start(&out->process, arguments, line, sizeof line);
    return err ? message_fail(message, err, "the load did not start: %s", strerror(-err)) : 0;
}

void load_process_stop(struct load_process *load) {
    if (load->process.pid)
        json_decref(companion_stop(&load->process));
}
