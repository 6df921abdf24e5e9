/* What a request asks the origin for, in the manner of httpbin:

     /bytes/N        a body of N bytes
     /delay/SECONDS  nothing but the delay: an empty body
     /chunked/N      a body of N bytes, sent in several chunks
     /status/CODE    that status, with an empty body
     /close/N        announces N bytes, sends half of them and closes

   and with each, where its path does not say it already, the query's seed=S (of the body), bytes=N
   and delay=SECONDS. SECONDS may have a fraction: 0.05. */
#ifndef TVA_ORIGIN_ROUTE_H
#define TVA_ORIGIN_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#define ROUTE_MESSAGE_BYTES 512

/* The longest delay, in nanoseconds. */
#define ROUTE_DELAY_MAX_NS (INT64_C(3600) * 1000000000)

struct route {
    int status;       /* 200..599 */
    int64_t delay_ns; /* before the reply begins */
    int64_t bytes;    /* of the body */
    uint64_t seed;    /* of the body */
    bool is_chunked;
    bool is_cut; /* half of the body is not sent */
};

/* Reads a request's target. Returns 0; -ENOENT if there is no such endpoint, -EINVAL if a value is
   not right, both with a text for the client in message, which ends in a newline. */
int route_parse(const char *target, struct route *out, char message[ROUTE_MESSAGE_BYTES]);

#endif
