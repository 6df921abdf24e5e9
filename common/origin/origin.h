/* The origin: the HTTP server that fetch talks to, in a process of its own (`tva origin`), on one
   libevent loop. What it serves stands in origin/route.h. No reply begins before its delay is over.
   It answers GET and HEAD, keeps connections as HTTP/1.1 does, and counts what it serves. */
#ifndef TVA_ORIGIN_ORIGIN_H
#define TVA_ORIGIN_ORIGIN_H

#include <stdio.h>

#define ORIGIN_MESSAGE_BYTES 512

struct origin_options {
    const char *listen; /* "ADDRESS:PORT"; NULL: "127.0.0.1:0" */
    FILE *output;       /* for the two lines below; it stays the caller's */
};

/* Serves until SIGINT or SIGTERM. Prints, flushed, "http://ADDRESS:PORT" as soon as it listens, and
   at the end {"requests":..,"bytes":..,"cpu_ns":..}: requests that came, bytes of bodies that went
   out, CPU time of the process in between. Takes the whole process: its signals, SIGPIPE among
   them, and its limit of open files, which is raised as far as it may be.
   Returns 0; -EINVAL if `listen` is not an address; what listening and writing the output
   report, -EPIPE if nobody reads it; -ENOMEM; each with one line in message. */
int origin_run(const struct origin_options *options, char message[ORIGIN_MESSAGE_BYTES]);

#endif
