/* N tasks share out a number of HTTP requests and fetch them, each task one after the other over a
   connection of its own, from our origin, which answers after a delay, or from any other server. */
#include "workloads/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/body.h"
#include "http/url.h"
#include "workloads/arrivals.h"
#include "workloads/fan_out.h"
#include "workloads/floor_check.h"
#include "workloads/random.h"
#include "workloads/touch.h"
#include "workloads/work.h"

#define SECOND_NS INT64_C(1000000000)

#define TASK_STACK_BYTES 896

/* The error of a response with a status of 400 and above is -(FETCH_ERROR_HTTP + status); no errno
   reaches that high. */
#define FETCH_ERROR_HTTP 10000
#define HTTP_STATUS_MAX 999

/* Digits of the seed at the end of a target: as many for all, so that all requests are as long. */
#define SEED_DIGITS 20

/* What one task has to itself. */
struct fetch_client {
    struct http_connection *connection;
    char target[FETCH_TARGET_BYTES];
};

struct fetch_state {
    const struct fetch_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
    struct arrivals arrivals;
    struct fetch_requests requests;
    struct fetch_client *clients; /* one a task */
};

static bool fetch_needs_origin(const void *params) {
    const struct fetch_params *p = params;
    return !p->urls || !*p->urls;
}

static uint64_t body_seed(const struct fetch_params *p, uint64_t operation) {
    return random_at((uint64_t)p->common.seed, operation);
}

static uint64_t work_value(const struct fetch_params *p, uint64_t operation) {
    return p->work ? work_hash(body_seed(p, operation), p->work) : 0;
}

/* Of a server that is not ours nobody knows the body: its status stands for it, and that the
   response was complete. What the work came to is mixed in so that it can be taken out again. */
uint64_t fetch_value(const struct fetch_params *params, uint64_t operation,
                     const struct http_response *response) {
    uint64_t status = (uint64_t)response->status;
    uint64_t work = work_value(params, operation);
    if (!fetch_needs_origin(params))
        return work ^ status;
    return work ^ random_at(response->body_checksum ^ random_mix(response->body_bytes), status);
}

static bool fetch_is_right(const void *params, uint64_t operation, uint64_t value) {
    const struct fetch_params *p = params;
    if (!fetch_needs_origin(p)) {
        uint64_t status = value ^ work_value(p, operation);
        return status >= 200 && status < 400;
    }
    uint64_t size_bytes = (uint64_t)p->size_bytes;
    struct http_response expected = {
        .status = 200,
        .body_bytes = size_bytes,
        .body_checksum = body_checksum(body_seed(p, operation), size_bytes),
    };
    return value == fetch_value(p, operation, &expected);
}

static void write_seed(char *digits, uint64_t seed) {
    for (int i = SEED_DIGITS - 1; i >= 0; i--, seed /= 10)
        digits[i] = (char)('0' + seed % 10);
}

const struct http_url *fetch_url(const struct fetch_requests *requests, uint64_t operation) {
    return requests->urls[operation % requests->url_count];
}

const char *fetch_target(const struct fetch_requests *requests, uint64_t operation,
                         char own_target[FETCH_TARGET_BYTES]) {
    if (!fetch_needs_origin(requests->params))
        return fetch_url(requests, operation)->target;
    write_seed(own_target + requests->seed_offset, body_seed(requests->params, operation));
    return own_target;
}

int fetch_error(int err, const struct http_response *response) {
    return !err && response->status >= 400 ? -(FETCH_ERROR_HTTP + response->status) : err;
}

static void fetch_one(const struct fetch_state *s, struct fetch_client *client, uint64_t op) {
    const struct fetch_params *p = s->params;
    const struct http_url *url = fetch_url(&s->requests, op);
    const char *target = fetch_target(&s->requests, op, client->target);
    struct http_response response;
    int err = arrivals_await(&s->arrivals, op);
    operation_begin(s->recorder, op);
    if (!err)
        err = http_get(client->connection, url, target, task_deadline(p->request_timeout_ns),
                       &response);
    err = fetch_error(err, &response);
    operation_end(s->recorder, op, err, err ? 0 : fetch_value(p, op, &response));
}

static int fetch_task(void *state, uint64_t number) {
    const struct fetch_state *s = state;
    const struct fetch_params *p = s->params;
    struct fetch_client *client = &s->clients[number];
    if (p->touch_bytes)
        touch_stack(p->touch_bytes);
    for (uint64_t op = number; op < (uint64_t)p->requests; op += (uint64_t)p->common.tasks)
        fetch_one(s, client, op);
    http_connection_close(client->connection);
    return 0;
}

static uint64_t fetch_operations(const void *params) {
    return (uint64_t)((const struct fetch_params *)params)->requests;
}

static int64_t fetch_wait_ns(const void *params, uint64_t operation) {
    (void)operation;
    return fetch_needs_origin(params) ? ((const struct fetch_params *)params)->delay_ns : 0;
}

static int64_t fetch_due_ns(const void *state, uint64_t operation) {
    return ((const struct fetch_state *)state)->arrivals.due_ns[operation];
}

/* The first task has the most requests. What 64 bits cannot hold is longer than any time limit. */
static int64_t fetch_ideal_ns(const void *params) {
    const struct fetch_params *p = params;
    int64_t requests = (p->requests + p->common.tasks - 1) / p->common.tasks;
    int64_t ideal_ns;
    if (__builtin_mul_overflow(requests, fetch_wait_ns(p, 0), &ideal_ns))
        return INT64_MAX;
    if (!p->arrivals.rate)
        return ideal_ns;
    return arrivals_ideal_ns(&p->arrivals, &p->common, fetch_operations(p), fetch_wait_ns(p, 0),
                             ideal_ns);
}

static size_t fetch_stack_bytes(const void *params) {
    return TASK_STACK_BYTES + (size_t)((const struct fetch_params *)params)->touch_bytes;
}

static const char *fetch_error_name(int error) {
    static char names[HTTP_STATUS_MAX + 1][sizeof "HTTP_999"];
    int status = -error - FETCH_ERROR_HTTP;
    if (status < 0 || status > HTTP_STATUS_MAX)
        return NULL;
    snprintf(names[status], sizeof names[status], "HTTP_%d", status);
    return names[status];
}

/* Makes a URL of each text between '|'. The caller destroys what is in urls in any case. Returns 0,
   -EINVAL with a line in message, or -ENOMEM. */
static int create_urls(const char *texts, struct http_url **urls, uint64_t *count,
                       char message[WORKLOAD_MESSAGE_BYTES]) {
    char *copy = strdup(texts);
    if (!copy)
        return -ENOMEM;
    int err = 0;
    char *rest = copy;
    for (char *text; !err && (text = strsep(&rest, "|"));) {
        err = http_url_create(&urls[*count], text, message);
        if (!err)
            (*count)++;
    }
    free(copy);
    return err;
}

static void destroy_urls(struct http_url **urls, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        http_url_destroy(urls[i]);
    free(urls);
}

/* One more than there are '|'. */
static uint64_t count_urls(const char *texts) {
    uint64_t count = 1;
    for (; *texts; texts++)
        count += *texts == '|';
    return count;
}

static int check_urls(const char *texts, char message[WORKLOAD_MESSAGE_BYTES]) {
    uint64_t count = 0;
    struct http_url **urls = calloc(count_urls(texts), sizeof(struct http_url *));
    int err = urls ? create_urls(texts, urls, &count, message) : -ENOMEM;
    destroy_urls(urls, count);
    return err;
}

static int fetch_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct fetch_params *p = params;
    /* A task without a request would end before the others begin: what is measured would not be
       that many tasks side by side. */
    if (p->requests < p->common.tasks) {
        snprintf(message, WORKLOAD_MESSAGE_BYTES,
                 "requests=%lld is less than tasks=%lld (try --requests=%lld)",
                 (long long)p->requests, (long long)p->common.tasks, (long long)p->common.tasks);
        return -EINVAL;
    }
    int err = arrivals_check(&p->arrivals, message);
    if (err)
        return err;
    if (!fetch_needs_origin(p))
        return check_urls(p->urls, message);
    if (p->delay_ns >= p->request_timeout_ns) {
        snprintf(message, WORKLOAD_MESSAGE_BYTES,
                 "every request would exceed its request-timeout: it is not longer than delay "
                 "(try a shorter --delay or a longer --request-timeout)");
        return -EINVAL;
    }
    return 0;
}

static int fetch_check_floor(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct fetch_params *p = params;
    return floor_check(&p->arrivals, p->touch_bytes, message);
}

/* A response of our origin with its headers fits one read, if it is not too long for that. Of other
   servers' nothing is known. */
static size_t choose_buffer_bytes(const struct fetch_params *p) {
    const size_t least = 2048, most = 65536, other = 16384;
    if (!fetch_needs_origin(p))
        return other;
    size_t bytes = (size_t)p->size_bytes + 512;
    return bytes < least ? least : bytes > most ? most : bytes;
}

/* "/delay/0.050000000?bytes=1024&seed=" and room for the seed. */
static int prepare_target(const struct fetch_params *p, char target[FETCH_TARGET_BYTES]) {
    if (p->delay_ns > 0)
        return snprintf(target, FETCH_TARGET_BYTES, "/delay/%lld.%09lld?bytes=%lld&seed=%0*d",
                        (long long)(p->delay_ns / SECOND_NS), (long long)(p->delay_ns % SECOND_NS),
                        (long long)p->size_bytes, SEED_DIGITS, 0);
    return snprintf(target, FETCH_TARGET_BYTES, "/bytes/%lld?seed=%0*d", (long long)p->size_bytes,
                    SEED_DIGITS, 0);
}

static size_t longest_target(const struct fetch_requests *requests) {
    size_t longest = FETCH_TARGET_BYTES;
    for (uint64_t i = 0; i < requests->url_count; i++) {
        size_t bytes = strlen(requests->urls[i]->target);
        if (bytes > longest)
            longest = bytes;
    }
    return longest;
}

static int prepare_urls(struct fetch_requests *requests, const char *origin_url,
                        char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct fetch_params *p = requests->params;
    const char *texts = fetch_needs_origin(p) ? origin_url : p->urls;
    if (!texts) {
        snprintf(message, WORKLOAD_MESSAGE_BYTES, "no origin was started (try --url=http://...)");
        return -EINVAL;
    }
    requests->urls = calloc(count_urls(texts), sizeof(struct http_url *));
    int err = requests->urls ? create_urls(texts, requests->urls, &requests->url_count, message)
                             : -ENOMEM;
    for (uint64_t i = 0; !err && i < requests->url_count; i++)
        err = http_url_resolve(requests->urls[i], message);
    return err;
}

int fetch_requests_init(struct fetch_requests *requests, const struct fetch_params *params,
                        const char *origin_url, char message[WORKLOAD_MESSAGE_BYTES]) {
    *requests = (struct fetch_requests){.params = params};
    int err = prepare_urls(requests, origin_url, message);
    if (err)
        return err;
    requests->target_bytes_max = longest_target(requests);
    requests->buffer_bytes = choose_buffer_bytes(params);
    requests->seed_offset = (size_t)prepare_target(params, requests->target) - SEED_DIGITS;
    return 0;
}

void fetch_requests_destroy(struct fetch_requests *requests) {
    destroy_urls(requests->urls, requests->url_count);
}

static int prepare_clients(struct fetch_state *s) {
    uint64_t tasks = (uint64_t)s->params->common.tasks;
    s->clients = calloc(tasks, sizeof *s->clients);
    if (!s->clients)
        return -ENOMEM;
    const struct fetch_requests *requests = &s->requests;
    int err = 0;
    for (uint64_t i = 0; !err && i < tasks; i++) {
        struct fetch_client *client = &s->clients[i];
        memcpy(client->target, requests->target, sizeof client->target);
        err = http_connection_create(&client->connection, requests->target_bytes_max,
                                     requests->buffer_bytes, s->params->is_kept_alive);
    }
    return err;
}

static void fetch_destroy(void *state) {
    struct fetch_state *s = state;
    if (!s)
        return;
    fan_out_destroy(s->fan_out);
    arrivals_destroy(&s->arrivals);
    for (int64_t i = 0; s->clients && i < s->params->common.tasks; i++)
        http_connection_destroy(s->clients[i].connection);
    free(s->clients);
    fetch_requests_destroy(&s->requests);
    free(s);
}

static int fetch_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    struct fetch_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = input->params;
    s->recorder = input->recorder;
    int err = fetch_requests_init(&s->requests, s->params, input->origin_url, message);
    if (!err)
        err = prepare_clients(s);
    if (!err)
        err = arrivals_init(&s->arrivals, &s->params->arrivals, s->params->common.seed,
                            fetch_operations(s->params));
    if (!err)
        err = fan_out_create(&s->fan_out, (uint64_t)s->params->common.tasks, "fetch", fetch_task, s,
                             s->recorder);
    if (err) {
        fetch_destroy(s);
        return err;
    }
    *state = s;
    return 0;
}

static int fetch_main(void *state) {
    struct fetch_state *s = state;
    arrivals_start(&s->arrivals, s->recorder, s->params->common.tasks);
    return fan_out_run(s->fan_out);
}

static const struct parameter fetch_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("100"),
    {"requests", PARAMETER_COUNT, offsetof(struct fetch_params, requests), "1000", 1, 1000000000,
     "COUNT", "requests in all, at least one a task"},
    {"keepalive", PARAMETER_FLAG, offsetof(struct fetch_params, is_kept_alive), "yes", 0, 1,
     "yes|no", "keep each task's connection between its requests"},
    {"delay", PARAMETER_DURATION, offsetof(struct fetch_params, delay_ns), "50ms", 0,
     3600 * SECOND_NS, "DURATION", "how long our origin waits before it answers"},
    {"size", PARAMETER_SIZE, offsetof(struct fetch_params, size_bytes), "1KiB", 0, BODY_BYTES_MAX,
     "SIZE", "body of a response of our origin"},
    {"url", PARAMETER_TEXT, offsetof(struct fetch_params, urls), "", 0, 0, "URL",
     "fetch from here, not from our origin; several are taken in turn"},
    {"request-timeout", PARAMETER_DURATION, offsetof(struct fetch_params, request_timeout_ns),
     "10s", 1, 7200 * SECOND_NS, "DURATION", "of one request, connecting included"},
    ARRIVALS_PARAMETERS(struct fetch_params),
    WORK_PARAMETER(struct fetch_params),
    TOUCH_PARAMETER(struct fetch_params),
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_fetch = {
    .name = "fetch",
    .summary = "tasks that fetch by HTTP: connections, and waiting for somebody else",
    .operation = "one fetch",
    .parameters = fetch_parameters,
    .params_bytes = sizeof(struct fetch_params),
    .task_stack_bytes = TASK_STACK_BYTES,
    .stack_bytes = fetch_stack_bytes,
    .needs_origin = fetch_needs_origin,
    .check = fetch_check,
    .check_floor = fetch_check_floor,
    .operations = fetch_operations,
    .wait_ns = fetch_wait_ns,
    .is_right = fetch_is_right,
    .ideal_ns = fetch_ideal_ns,
    .due_ns = fetch_due_ns,
    .prepare = fetch_prepare,
    .main = fetch_main,
    .destroy = fetch_destroy,
    .error_name = fetch_error_name,
};
