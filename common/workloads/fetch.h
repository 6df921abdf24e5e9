/* What a fetch is made of, for whatever runs it: the workload over the seam, and the bare floors.
 */
#ifndef TVA_WORKLOADS_FETCH_H
#define TVA_WORKLOADS_FETCH_H

#include "http/client.h"
#include "workloads/arrivals.h"
#include "workloads/workload.h"

#define FETCH_TARGET_BYTES 96

struct fetch_params {
    struct workload_params common;
    struct arrivals_params arrivals;
    int64_t requests;
    int64_t is_kept_alive;
    int64_t delay_ns;
    int64_t size_bytes;
    char *urls; /* joined by '|'; empty: our origin */
    int64_t request_timeout_ns;
    int64_t work; /* rounds of the hash after each response */
    int64_t touch_bytes;
};

/* What is asked for, and where. Request i is made by task i % tasks, and goes to URL i % URLs. */
struct fetch_requests {
    const struct fetch_params *params;
    struct http_url **urls; /* resolved */
    uint64_t url_count;
    size_t target_bytes_max;         /* of any request */
    size_t buffer_bytes;             /* to read a response with */
    char target[FETCH_TARGET_BYTES]; /* of our origin, but for the seed's digits */
    size_t seed_offset;              /* of these */
};

/* Takes the URLs apart and resolves them; `origin_url` is that of our origin, or NULL. The caller
   destroys it, also after an error. Returns 0, or a negative errno with a line in message. */
int fetch_requests_init(struct fetch_requests *requests, const struct fetch_params *params,
                        const char *origin_url, char message[WORKLOAD_MESSAGE_BYTES]);
void fetch_requests_destroy(struct fetch_requests *requests);

/* Where request `operation` goes to, and what it asks for there, which may be in `own_target`: that
   is the task's own, and began as a copy of requests->target. */
const struct http_url *fetch_url(const struct fetch_requests *requests, uint64_t operation);
const char *fetch_target(const struct fetch_requests *requests, uint64_t operation,
                         char own_target[FETCH_TARGET_BYTES]);

/* The error and the value of request `operation`, which ended with `err` and with this response.
   Computing the value is the request's work. */
int fetch_error(int err, const struct http_response *response);
uint64_t fetch_value(const struct fetch_params *params, uint64_t operation,
                     const struct http_response *response);

#endif
