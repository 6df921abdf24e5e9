#include "harness/ticker_process.h"

#include "harness/companion.h"

#define FIRST_LINE_BYTES 256

int ticker_process_start(struct ticker_process *out, const char *cpus) {
    char line[FIRST_LINE_BYTES];
    char *arguments[] = {"tva", "ticker", cpus ? "--cpus" : NULL, (char *)cpus, NULL};
    int err = companion_start(&out->process, arguments, line, sizeof line);
    if (!err)
        out->told = json_loads(line, 0, NULL);
    return err;
}

struct control_ticks ticker_process_stop(struct ticker_process *ticker) {
    struct control_ticks ticks = {0};
    if (!ticker->process.pid)
        return ticks;
    ticks.lateness = companion_stop(&ticker->process);
    ticks.priority = json_incref(json_object_get(ticker->told, "priority"));
    json_decref(ticker->told);
    ticker->told = NULL;
    return ticks;
}

void control_ticks_destroy(struct control_ticks *ticks) {
    json_decref(ticks->lateness);
    json_decref(ticks->priority);
    *ticks = (struct control_ticks){0};
}
