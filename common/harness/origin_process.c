#include "harness/origin_process.h"

#include "harness/companion.h"

#include <string.h>

int origin_process_start(struct origin_process *out, const char *cpus, struct message *message) {
    char *arguments[] = {"tva", "origin", cpus ? "--cpus" : NULL, (char *)cpus, NULL};
    struct origin_process origin = {0};
    int err = companion_start(&origin.process, arguments, origin.url, sizeof origin.url);
    if (err)
        return message_fail(message, err, "the origin did not start: %s", strerror(-err));
    *out = origin;
    return 0;
}

struct origin_counts origin_process_stop(struct origin_process *origin) {
    struct origin_counts counts = {0};
    if (!origin->process.pid)
        return counts;
    json_t *told = companion_stop(&origin->process);
    json_int_t requests, bytes, cpu_ns;
    if (told && json_unpack(told, "{s:I, s:I, s:I}", "requests", &requests, "bytes", &bytes,
                            "cpu_ns", &cpu_ns) == 0)
        counts = (struct origin_counts){true, requests, bytes, cpu_ns};
    json_decref(told);
    return counts;
}
