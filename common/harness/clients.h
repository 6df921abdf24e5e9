/* The clients of a trial that is a server, in a process of their own (`tva clients`), on one
   libevent loop: what they do stands in workloads/echo.h. */
#ifndef TVA_HARNESS_CLIENTS_H
#define TVA_HARNESS_CLIENTS_H

#include "harness/message.h"

#include <stdio.h>

/* Serves one trial, until SIGINT or SIGTERM. Prints, flushed, the port of 127.0.0.1 at which it
   takes the order, and at the end {"connections":..,"requests":..,"wrong":..,"failed":..,
   "cpu_ns":..,"latency_ns":{..}}: connections that were open; requests that were answered with what
   was sent, and those with something else; connections that were lost; CPU time of the process;
   from sending a request to the last byte of its answer, of the active connections. Takes the whole
   process, as origin_run() does. Returns 0 or a negative errno with a line in message. */
int clients_run(FILE *output, struct message *message);

#endif
