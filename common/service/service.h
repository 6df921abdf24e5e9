/* The own side of a process that runs beside a trial: origin, clients, load, ticker. It prints one
   line when it is up, goes on until SIGTERM or SIGINT, and prints what it counted. (Its parent's
   side is harness/companion.h.) */
#ifndef TVA_SERVICE_SERVICE_H
#define TVA_SERVICE_SERVICE_H

#include <jansson.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

struct event;
struct event_base;

/* For one that has connections: SIGPIPE is ignored, and descriptors are as many as may be had. */
void service_prepare(void);

/* A base whose timers are precise and count from now, never from when its loop last woke. The
   caller frees it. Returns NULL when memory or descriptors are out. */
struct event_base *service_create_base(void);

/* What ends the base's dispatch when the process is told to stop. Returns 0 or -ENOMEM; the caller
   destroys it in either case, before the base. */
struct service_stop {
    struct event *interrupt;
    struct event *terminate;
};
int service_stop_create(struct service_stop *out, struct event_base *base);
void service_stop_destroy(struct service_stop *stop);

/* For one without a base: blocks the signals that stop it, for sigwait(). Threads inherit that. */
void service_block_stop(sigset_t *out);

/* Write a line at once; service_tell takes the object over, NULL where memory was out. Return 0, or
   a negative errno if it cannot be written; -ENOMEM. */
int service_print(FILE *output, const char *line);
int service_tell(FILE *output, json_t *told);

/* CPU time of the process so far, all threads together. */
int64_t service_cpu_ns(void);

#endif
