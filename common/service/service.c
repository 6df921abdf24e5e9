#include "service/service.h"

#include "clock.h"
#include "descriptors.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>

void service_prepare(void) {
    signal(SIGPIPE, SIG_IGN);
    descriptors_raise();
}

struct event_base *service_create_base(void) {
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void on_stop(evutil_socket_t signal_number, short events, void *base) {
    (void)signal_number;
    (void)events;
    event_base_loopbreak(base);
}

int service_stop_create(struct service_stop *out, struct event_base *base) {
    out->interrupt = evsignal_new(base, SIGINT, on_stop, base);
    out->terminate = evsignal_new(base, SIGTERM, on_stop, base);
    if (!out->interrupt || !out->terminate)
        return -ENOMEM;
    return evsignal_add(out->interrupt, NULL) || evsignal_add(out->terminate, NULL) ? -ENOMEM : 0;
}

void service_stop_destroy(struct service_stop *stop) {
    if (stop->interrupt)
        event_free(stop->interrupt);
    if (stop->terminate)
        event_free(stop->terminate);
}

void service_block_stop(sigset_t *out) {
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    pthread_sigmask(SIG_BLOCK, out, NULL);
}

int service_print(FILE *output, const char *line) {
    return fprintf(output, "%s\n", line) < 0 || fflush(output) ? -errno : 0;
}

int service_tell(FILE *output, json_t *told) {
    char *line = told ? json_dumps(told, JSON_COMPACT) : NULL;
    int err = line ? service_print(output, line) : -ENOMEM;
    free(line);
    json_decref(told);
    return err;
}

int64_t service_cpu_ns(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}
