/* The clients of one trial (clients.h) as a child process, and what they counted. */
#ifndef TVA_HARNESS_CLIENTS_PROCESS_H
#define TVA_HARNESS_CLIENTS_PROCESS_H

#include "harness/message.h"
#include "harness/process.h"

#include <jansson.h>

struct clients_process {
    struct process process; /* pid 0: none */
    char port[16];          /* at which they take the order */
};

/* Starts the clients, pinned to the cores of a list (cpus.h) unless that is NULL, and waits until
   they tell their port. The caller ends them by
   clients_process_stop(). Returns 0 or a negative errno with a line in message. */
int clients_process_start(struct clients_process *out, const char *cpus, struct message *message);

/* Ends the clients and returns what they counted, as the row's `clients`, which the caller owns;
   NULL if there were none or they told nothing. */
json_t *clients_process_stop(struct clients_process *clients);

#endif
