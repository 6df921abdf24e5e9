/* The origin, in a process of its own, and the workload fetch against it, in every model. */
#include "async/models.h"
#include "clock.h"
#include "http/body.h"
#include "http/client.h"
#include "measure/recorder.h"
#include "origin/listener.h"
#include "origin/origin.h"
#include "origin/route.h"
#include "threaded/models.h"
#include "workloads/workload.h"

#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct origin {
    pid_t pid;
    FILE *output;
    char url[128];
};

/* The one that most tests share: started before there are threads, stopped at the end. */
static struct origin shared;

static void run_origin_in_child(FILE *output) {
    char message[ORIGIN_MESSAGE_BYTES] = "";
    struct origin_options options = {.output = output};
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that fails leaves none behind */
    int err = origin_run(&options, message);
    if (err)
        fprintf(stderr, "%s\n", message);
    fclose(output);
    exit(err ? 1 : 0); /* not _exit: a leak is to be reported where there is a leak checker */
}

static void read_url(struct origin *origin) {
    assert_non_null(fgets(origin->url, sizeof origin->url, origin->output));
    origin->url[strcspn(origin->url, "\n")] = '\0';
}

static void origin_start(struct origin *origin) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    origin->pid = fork();
    assert_true(origin->pid >= 0);
    if (!origin->pid) {
        close(ends[0]);
        run_origin_in_child(fdopen(ends[1], "w"));
    }
    close(ends[1]);
    origin->output = fdopen(ends[0], "r");
    read_url(origin);
}

struct counts {
    json_int_t requests, bytes, cpu_ns;
};

/* Ends the origin and takes what it counted. */
static struct counts origin_stop(struct origin *origin, int signal_number) {
    struct counts counts = {0};
    int status = -1;
    char line[256] = "";
    assert_int_equal(kill(origin->pid, signal_number), 0);
    assert_non_null(fgets(line, sizeof line, origin->output));
    json_t *object = json_loads(line, 0, NULL);
    assert_int_equal(json_unpack(object, "{s:I, s:I, s:I !}", "requests", &counts.requests, "bytes",
                                 &counts.bytes, "cpu_ns", &counts.cpu_ns),
                     0);
    json_decref(object);
    assert_int_equal(fgetc(origin->output), EOF);
    fclose(origin->output);
    assert_int_equal(waitpid(origin->pid, &status, 0), origin->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return counts;
}

static struct http_url *make_url(const struct origin *origin, const char *target) {
    char text[512], message[HTTP_MESSAGE_BYTES] = "";
    struct http_url *url = NULL;
    snprintf(text, sizeof text, "%s%s", origin->url, target);
    assert_int_equal(http_url_create(&url, text, message), 0);
    assert_int_equal(http_url_resolve(url, message), 0);
    return url;
}

static int connect_to(const struct origin *origin) {
    struct http_url *url = make_url(origin, "/");
    int fd = socket(url->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&url->address, url->address_length), 0);
    http_url_destroy(url);
    return fd;
}

/* Sends text and reads to the end of the stream. */
static size_t talk(const struct origin *origin, const char *text, char *answer, size_t size) {
    int fd = connect_to(origin);
    size_t length = 0;
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    for (ssize_t count; (count = recv(fd, answer + length, size - 1 - length, 0)) > 0;)
        length += (size_t)count;
    answer[length] = '\0';
    close(fd);
    return length;
}

struct get {
    const struct http_url *url;
    int err;
    struct http_response response;
    int64_t wall_ns;
};

static int get_main(void *arg) {
    struct get *get = arg;
    struct http_connection *connection = NULL;
    int err = http_connection_create(&connection, 512, 4096, false);
    if (err)
        return err;
    int64_t begin_ns = clock_now_ns();
    get->err = http_get(connection, get->url, get->url->target, task_deadline(30 * NS_PER_S),
                        &get->response);
    get->wall_ns = clock_now_ns() - begin_ns;
    http_connection_close(connection);
    http_connection_destroy(connection);
    return 0;
}

static int run_in(const struct model *model, task_function *main_function, void *arg) {
    struct model_options options = {.workers = 32, .task_stack_bytes = 16 * 1024};
    struct model_report report;
    int result = 1;
    assert_int_equal(model_run(model, &options, main_function, arg, &result), 0);
    model->report(&report);
    return result;
}

static struct get get_from(const struct origin *origin, const char *target) {
    struct http_url *url = make_url(origin, target);
    struct get get = {.url = url};
    assert_int_equal(run_in(&model_threads, get_main, &get), 0);
    http_url_destroy(url);
    return get;
}

static void bytes_sends_exactly_the_body_of_its_seed(void **state) {
    (void)state;
    char answer[4096];
    unsigned char body[1001];
    body_fill(body, sizeof body, 7, 0);
    size_t length = talk(&shared,
                         "GET /bytes/1001?seed=7 HTTP/1.1\r\nHost: x\r\n"
                         "Connection: close\r\n\r\n",
                         answer, sizeof answer);
    char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strcasestr(answer, "\r\nContent-Length: 1001\r\n"));
    assert_non_null(strcasestr(answer, "\r\nContent-Type: application/octet-stream\r\n"));
    assert_int_equal(answer + length - (end + 4), sizeof body);
    assert_memory_equal(end + 4, body, sizeof body);
}

static void body_of_every_length_arrives_whole(void **state) {
    (void)state;
    static const unsigned lengths[] = {0,    1,     7,     8,     9,      31,     32,     33,
                                       1024, 65535, 65536, 65537, 131072, 262144, 262145, 1000003};
    static const char *const targets[] = {"/bytes/%u?seed=%u", "/chunked/%u?seed=%u",
                                          "/delay/0?bytes=%u&seed=%u"};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        for (size_t j = 0; j < COUNT(targets); j++) {
            char target[64];
            unsigned seed = (unsigned)(100 * i + j);
            snprintf(target, sizeof target, targets[j], lengths[i], seed);
            struct get get = get_from(&shared, target);
            assert_int_equal(get.err, 0);
            assert_int_equal(get.response.status, 200);
            assert_int_equal(get.response.body_bytes, lengths[i]);
            assert_true(get.response.body_checksum == body_checksum(seed, lengths[i]));
        }
    }
}

static void longest_body_arrives_whole(void **state) {
    (void)state;
    char target[64];
    snprintf(target, sizeof target, "/bytes/%lld?seed=1", (long long)BODY_BYTES_MAX);
    struct get get = get_from(&shared, target);
    assert_int_equal(get.err, 0);
    assert_int_equal(get.response.body_bytes, BODY_BYTES_MAX);
    assert_true(get.response.body_checksum == body_checksum(1, (uint64_t)BODY_BYTES_MAX));
}

static void chunked_sends_several_chunks(void **state) {
    (void)state;
    char answer[4096];
    talk(&shared, "GET /chunked/100 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
         sizeof answer);
    assert_non_null(strcasestr(answer, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_null(strcasestr(answer, "Content-Length"));
    assert_non_null(strstr(answer, "\r\n\r\n20\r\n")); /* 32 of 100 bytes */
}

static void client_of_http_1_0_gets_a_length_in_place_of_chunks(void **state) {
    (void)state;
    char answer[4096];
    size_t length = talk(&shared, "GET /chunked/100 HTTP/1.0\r\n\r\n", answer, sizeof answer);
    char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(strcasestr(answer, "\r\nContent-Length: 100\r\n"));
    assert_null(strcasestr(answer, "chunked"));
    assert_int_equal(answer + length - (end + 4), 100);
}

static void head_announces_a_body_and_sends_none(void **state) {
    (void)state;
    char answer[4096];
    size_t length =
        talk(&shared, "HEAD /bytes/100 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
             sizeof answer);
    assert_non_null(strcasestr(answer, "\r\nContent-Length: 100\r\n"));
    assert_string_equal(answer + length - 4, "\r\n\r\n");
}

static void other_methods_are_refused(void **state) {
    (void)state;
    char answer[4096];
    talk(&shared, "DELETE /bytes/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
         sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 501", 12);
}

static void requests_on_one_connection_are_answered_in_turn(void **state) {
    (void)state;
    char answer[4096];
    talk(&shared,
         "GET /delay/0.02?bytes=8 HTTP/1.1\r\nHost: x\r\n\r\n"
         "GET /status/418 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
         answer, sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);
    assert_non_null(strstr(answer + 12, "HTTP/1.1 418"));
}

static void delay_is_over_before_the_reply(void **state) {
    (void)state;
    static const struct {
        const char *target;
        int64_t delay_ns;
    } cases[] = {{"/delay/0.2?bytes=9", 200 * NS_PER_MS},
                 {"/bytes/9?delay=0.1", 100 * NS_PER_MS},
                 {"/chunked/9?delay=0.05", 50 * NS_PER_MS},
                 {"/status/200?bytes=9&delay=0.01", 10 * NS_PER_MS}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct get get = get_from(&shared, cases[i].target);
        assert_int_equal(get.err, 0);
        assert_int_equal(get.response.body_bytes, 9);
        assert_in_range(get.wall_ns, cases[i].delay_ns, cases[i].delay_ns + 5 * NS_PER_S);
    }
    for (int i = 1; i <= 200; i++) { /* where a rounding would show */
        char target[64];
        snprintf(target, sizeof target, "/delay/0.%09d", i * 1234);
        assert_in_range(get_from(&shared, target).wall_ns, i * 1234, 5 * NS_PER_S);
    }
}

static void status_is_what_was_asked_for(void **state) {
    (void)state;
    static const int statuses[] = {200, 204, 301, 304, 404, 418, 500, 503, 599};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        char target[32];
        snprintf(target, sizeof target, "/status/%d", statuses[i]);
        struct get get = get_from(&shared, target);
        assert_int_equal(get.err, 0);
        assert_int_equal(get.response.status, statuses[i]);
        assert_int_equal(get.response.body_bytes, 0);
    }
}

static void close_sends_half_of_what_it_announces(void **state) {
    (void)state;
    struct get get = get_from(&shared, "/close/1000?seed=3");
    assert_int_equal(get.err, -EPROTO);
    assert_int_equal(get.response.status, 200);
    assert_false(get.response.is_complete);
    assert_int_equal(get.response.body_bytes, 500);
    assert_true(get.response.body_checksum == body_checksum(3, 500));
}

static void wrong_request_is_answered_with_a_hint(void **state) {
    (void)state;
    char answer[4096];
    talk(&shared, "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
         sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 404", 12);
    assert_non_null(strstr(answer, "try /bytes/N"));
    talk(&shared, "GET /bytes/many HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
         sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 400", 12);
    assert_non_null(strstr(answer, "\"many\" is not right for bytes: a number from 0"));
}

static void route_is_read_from_the_target(void **state) {
    (void)state;
    static const struct {
        const char *target;
        struct route route;
    } cases[] = {
        {"/bytes/0", {.status = 200}},
        {"/bytes/67108864", {.status = 200, .bytes = BODY_BYTES_MAX}},
        {"/bytes/5?seed=18446744073709551615", {.status = 200, .bytes = 5, .seed = UINT64_MAX}},
        {"/bytes/5?seed=00000000000000000007", {.status = 200, .bytes = 5, .seed = 7}},
        {"/bytes/5?delay=1.5&seed=1",
         {.status = 200, .bytes = 5, .seed = 1, .delay_ns = 1500000000}},
        {"/delay/0.000000001", {.status = 200, .delay_ns = 1}},
        {"/delay/3600.000000000", {.status = 200, .delay_ns = ROUTE_DELAY_MAX_NS}},
        {"/delay/2?bytes=3&", {.status = 200, .delay_ns = 2000000000, .bytes = 3}},
        {"/chunked/9?", {.status = 200, .bytes = 9, .is_chunked = true}},
        {"/status/599?bytes=1", {.status = 599, .bytes = 1}},
        {"/close/9", {.status = 200, .bytes = 9, .is_cut = true}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct route route;
        char message[ROUTE_MESSAGE_BYTES] = "";
        if (route_parse(cases[i].target, &route, message))
            fail_msg("%s: %s", cases[i].target, message);
        assert_int_equal(route.status, cases[i].route.status);
        assert_int_equal(route.delay_ns, cases[i].route.delay_ns);
        assert_int_equal(route.bytes, cases[i].route.bytes);
        assert_true(route.seed == cases[i].route.seed);
        assert_int_equal(route.is_chunked, cases[i].route.is_chunked);
        assert_int_equal(route.is_cut, cases[i].route.is_cut);
    }
}

static void wrong_route_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *target;
        int err;
    } cases[] = {
        {"", -ENOENT},
        {"/", -ENOENT},
        {"*", -ENOENT},
        {"/byte/1", -ENOENT},
        {"/bytesx/1", -ENOENT},
        {"http://elsewhere/bytes/1", -ENOENT},
        {"/bytes", -EINVAL},
        {"/bytes/", -EINVAL},
        {"/bytes/-1", -EINVAL},
        {"/bytes/1/2", -EINVAL},
        {"/bytes/67108865", -EINVAL},
        {"/bytes/18446744073709551616", -EINVAL},
        {"/bytes?5", -EINVAL},
        {"/bytes/1?seed=18446744073709551616", -EINVAL},
        {"/bytes/1?seed=", -EINVAL},
        {"/bytes/1?seed", -EINVAL},
        {"/bytes/1?bytes=2", -EINVAL},
        {"/bytes/1?speed=2", -EINVAL},
        {"/delay/-1", -EINVAL},
        {"/delay/.5", -EINVAL},
        {"/delay/1.", -EINVAL},
        {"/delay/1e3", -EINVAL},
        {"/delay/1.0000000001", -EINVAL},
        {"/delay/3600.1", -EINVAL},
        {"/delay/3601", -EINVAL},
        {"/delay/nan", -EINVAL},
        {"/status/199", -EINVAL},
        {"/status/600", -EINVAL},
        {"/status/204?bytes=1", -EINVAL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct route route;
        char message[ROUTE_MESSAGE_BYTES] = "";
        int err = route_parse(cases[i].target, &route, message);
        if (err != cases[i].err || message[strlen(message) - 1] != '\n')
            fail_msg("%s gave %d, \"%s\", not %d", cases[i].target, err, message, cases[i].err);
    }
}

static void listening_fails_with_a_line_that_says_why(void **state) {
    (void)state;
    const char *in_use = shared.url + strlen("http://");
    const struct {
        const char *text;
        int err;
        const char *why;
    } cases[] = {
        {"", -EINVAL, "not ADDRESS:PORT"},
        {"127.0.0.1", -EINVAL, "not ADDRESS:PORT"},
        {":80", -EINVAL, "not ADDRESS:PORT"},
        {"127.0.0.1:", -EINVAL, "not ADDRESS:PORT"},
        {"127.0.0.1:http", -EINVAL, "not ADDRESS:PORT"},
        {"127.0.0.1:65536", -EINVAL, "not ADDRESS:PORT"},
        {"::1:80", -EINVAL, "not ADDRESS:PORT"},
        {in_use, -EADDRINUSE, "Address already in use (try another port"},
        {"192.0.2.1:0", -EADDRNOTAVAIL, "an address of this machine"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int fd = -1;
        char url[LISTENER_URL_BYTES], message[ORIGIN_MESSAGE_BYTES] = "";
        int err = origin_listen(&fd, cases[i].text, url, message);
        if (err != cases[i].err || !strstr(message, cases[i].why))
            fail_msg("\"%s\" gave %d, \"%s\"", cases[i].text, err, message);
    }
}

static void counts_are_what_was_served(void **state) {
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < COUNT(signals); i++) {
        struct origin origin;
        char answer[1024];
        origin_start(&origin);
        assert_int_equal(get_from(&origin, "/bytes/70000").err, 0);
        assert_int_equal(get_from(&origin, "/chunked/300").err, 0);
        assert_int_equal(get_from(&origin, "/delay/0.001?bytes=20").err, 0);
        assert_int_equal(get_from(&origin, "/status/404").err, 0);
        assert_int_equal(get_from(&origin, "/close/1000").err, -EPROTO);
        talk(&origin, "HEAD /bytes/9 HTTP/1.0\r\n\r\n", answer, sizeof answer);
        size_t hint_bytes = (size_t)get_from(&origin, "/x").response.body_bytes;
        struct counts counts = origin_stop(&origin, signals[i]);
        assert_int_equal(counts.requests, 7);
        assert_int_equal(counts.bytes, 70000 + 300 + 20 + 500 + hint_bytes);
        assert_in_range(counts.cpu_ns, 1, NS_PER_S);
    }
}

static void origin_outlives_clients_that_leave(void **state) {
    (void)state;
    struct origin origin;
    origin_start(&origin);
    static const char *const requests[] = {"GET /delay/0.05?bytes=100000 HTTP/1.1\r\n\r\n",
                                           "GET /bytes/67108864 HTTP/1.1\r\n\r\n",
                                           "GET /delay/3600 HTTP/1.1\r\n\r\n", "GET /by"};
    for (size_t i = 0; i < COUNT(requests); i++) {
        for (int is_reset = 0; is_reset < 2; is_reset++) {
            int fd = connect_to(&origin);
            char byte;
            assert_true(send(fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL) > 0);
            if (strstr(requests[i], "/bytes"))
                assert_int_equal(recv(fd, &byte, 1, 0), 1); /* in the middle of the body */
            if (is_reset)
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                           sizeof(struct linger));
            close(fd);
        }
    }
    struct get get = get_from(&origin, "/delay/0.1?bytes=10");
    assert_int_equal(get.err, 0);
    /* A reset may overtake the request before it. */
    assert_in_range(origin_stop(&origin, SIGTERM).requests, 5, 7);
}

/* The limit of files, which the origin raises as far as it may, leaves room for few connections. */
static void origin_without_descriptors_waits_for_one_and_goes_on(void **state) {
    (void)state;
    enum { CLIENTS = 40 };
    const struct rlimit few = {.rlim_cur = 32, .rlim_max = 32};
    struct origin origin;
    int fds[CLIENTS];
    origin_start(&origin);
    assert_int_equal(prlimit(origin.pid, RLIMIT_NOFILE, &few, NULL), 0);
    for (size_t i = 0; i < CLIENTS; i++)
        fds[i] = connect_to(&origin);
    nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL); /* to try again in vain */
    for (size_t i = 0; i < CLIENTS; i++)
        close(fds[i]);
    assert_int_equal(get_from(&origin, "/bytes/10").err, 0);
    assert_in_range(origin_stop(&origin, SIGTERM).cpu_ns, 1, 50 * NS_PER_MS);
}

/* Fetch. */

struct fetch {
    void *params;
    void *workload_state;
    struct recorder *recorder;
    uint64_t operations;
};

static void *parse_params(const char *spec) {
    char message[PARAMETER_MESSAGE_BYTES] = "";
    void *params = calloc(1, workload_fetch.params_bytes);
    if (parameters_parse(workload_fetch.parameters, params, spec, message))
        fail_msg("%s: %s", spec, message);
    return params;
}

static void free_params(void *params) {
    parameters_destroy(workload_fetch.parameters, params);
    free(params);
}

static struct fetch fetch_in(const struct model *model, const char *spec, const char *origin_url) {
    struct fetch fetch = {.params = parse_params(spec)};
    char message[WORKLOAD_MESSAGE_BYTES] = "";
    if (workload_fetch.check(fetch.params, message))
        fail_msg("%s: %s", spec, message);
    fetch.operations = workload_fetch.operations(fetch.params);
    assert_int_equal(
        recorder_create(&fetch.recorder, &(struct recorder_options){.operations = fetch.operations,
                                                                    .plateau_fd = -1}),
        0);
    struct workload_input input = {
        .params = fetch.params, .recorder = fetch.recorder, .origin_url = origin_url};
    if (workload_fetch.prepare(&input, &fetch.workload_state, message))
        fail_msg("%s: %s", spec, message);
    assert_int_equal(run_in(model, workload_fetch.main, fetch.workload_state), 0);
    return fetch;
}

static void fetch_end(struct fetch *fetch) {
    workload_fetch.destroy(fetch->workload_state);
    recorder_destroy(fetch->recorder);
    free_params(fetch->params);
}

static void assert_all_right(const struct fetch *fetch) {
    for (uint64_t i = 0; i < fetch->operations; i++) {
        const struct operation_record *record = &fetch->recorder->records[i];
        int64_t wait_ns = workload_fetch.wait_ns(fetch->params, i);
        assert_int_equal(record->error, 0);
        assert_true(workload_fetch.is_right(fetch->params, i, record->value));
        assert_in_range(record->end_ns - record->begin_ns, wait_ns, wait_ns + 30 * NS_PER_S);
    }
}

static void assert_all_errors(const struct fetch *fetch, int error) {
    for (uint64_t i = 0; i < fetch->operations; i++) {
        assert_int_not_equal(fetch->recorder->records[i].end_ns, 0);
        assert_int_equal(fetch->recorder->records[i].error, error);
    }
}

static void fetch_is_right_and_the_origin_counts_as_many(void **state) {
    static const struct {
        const char *spec;
        json_int_t requests, bytes;
    } cases[] = {
        {"tasks=10,requests=103,delay=2ms,size=1KiB", 103, 103 * 1024},
        {"tasks=10,requests=103,delay=0,size=1KiB,keepalive=no", 103, 103 * 1024},
        {"tasks=3,requests=3,delay=1ms,size=0", 3, 0},
        {"tasks=2,requests=8,delay=0,size=1MiB,seed=9", 8, 8 << 20},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct origin origin;
        origin_start(&origin);
        struct fetch fetch = fetch_in(*state, cases[i].spec, origin.url);
        assert_all_right(&fetch);
        fetch_end(&fetch);
        struct counts counts = origin_stop(&origin, SIGTERM);
        assert_int_equal(counts.requests, cases[i].requests);
        assert_int_equal(counts.bytes, cases[i].bytes);
    }
}

/* A SYN that is dropped is sent again after a second. */
static void two_hundred_connections_at_once_lose_no_syn(void **state) {
    struct fetch fetch = fetch_in(*state, "tasks=200,requests=200,delay=50ms", shared.url);
    assert_all_right(&fetch);
    for (uint64_t i = 0; i < fetch.operations; i++) {
        const struct operation_record *record = &fetch.recorder->records[i];
        assert_in_range(record->end_ns - record->begin_ns, 50 * NS_PER_MS, NS_PER_S - 1);
    }
    fetch_end(&fetch);
}

static void fetch_from_given_urls_takes_them_in_turn(void **state) {
    struct origin origins[2];
    char spec[512];
    for (size_t i = 0; i < 2; i++)
        origin_start(&origins[i]);
    snprintf(spec, sizeof spec, "tasks=3,requests=9,url=%s/bytes/10|%s/status/302", origins[0].url,
             origins[1].url);
    struct fetch fetch = fetch_in(*state, spec, NULL);
    assert_all_right(&fetch);
    assert_false(workload_fetch.needs_origin(fetch.params));
    assert_int_equal(workload_fetch.ideal_ns(fetch.params), 0);
    fetch_end(&fetch);
    assert_int_equal(origin_stop(&origins[0], SIGTERM).requests, 5);
    assert_int_equal(origin_stop(&origins[1], SIGTERM).requests, 4);
}

static void failed_fetch_is_an_error_of_that_operation(void **state) {
    static const struct {
        const char *target;
        int error;
        const char *name;
    } cases[] = {{"/status/404", -10404, "HTTP_404"},
                 {"/status/503", -10503, "HTTP_503"},
                 {"/close/100", -EPROTO, NULL},
                 {"/delay/60", -ETIMEDOUT, NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char spec[256];
        snprintf(spec, sizeof spec, "tasks=2,requests=4,request-timeout=30ms,url=%s%s", shared.url,
                 cases[i].target);
        struct fetch fetch = fetch_in(*state, spec, NULL);
        assert_all_errors(&fetch, cases[i].error);
        fetch_end(&fetch);
        const char *name = workload_fetch.error_name(cases[i].error);
        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
        else
            assert_null(name);
    }
}

static void fetch_from_nobody_ends_with_every_operation_refused(void **state) {
    char url[LISTENER_URL_BYTES], message[ORIGIN_MESSAGE_BYTES] = "";
    int fd = -1;
    assert_int_equal(origin_listen(&fd, "127.0.0.1:0", url, message), 0);
    close(fd);
    struct fetch fetch = fetch_in(*state, "tasks=2,requests=6", url);
    assert_all_errors(&fetch, -ECONNREFUSED);
    fetch_end(&fetch);
}

static void oracle_tells_a_right_value_from_a_wrong_one(void **state) {
    (void)state;
    struct fetch fetch = fetch_in(&model_threads, "tasks=2,requests=4,delay=0", shared.url);
    const struct operation_record *records = fetch.recorder->records;
    assert_true(workload_fetch.is_right(fetch.params, 1, records[1].value));
    assert_false(workload_fetch.is_right(fetch.params, 1, records[1].value ^ 1));
    assert_false(workload_fetch.is_right(fetch.params, 1, records[2].value));
    assert_false(workload_fetch.is_right(fetch.params, 1, 200));
    void *other = parse_params("tasks=2,requests=4,delay=0,size=1023");
    assert_false(workload_fetch.is_right(other, 1, records[1].value));
    free_params(other);
    fetch_end(&fetch);
}

static void oracle_computes_waits_from_the_spec(void **state) {
    (void)state;
    void *params = parse_params("tasks=100,requests=1001,delay=50ms");
    assert_int_equal(workload_fetch.operations(params), 1001);
    assert_int_equal(workload_fetch.wait_ns(params, 7), 50 * NS_PER_MS);
    assert_int_equal(workload_fetch.ideal_ns(params), 11 * 50 * NS_PER_MS);
    assert_true(workload_fetch.needs_origin(params));
    free_params(params);
}

static void check_refuses_what_does_not_fit_together(void **state) {
    (void)state;
    static const struct {
        const char *spec, *why;
    } cases[] = {
        {"tasks=11,requests=10", "try --requests=11"},
        {"delay=10s", "request-timeout"},
        {"url=https://h/", "only http://"},
        {"url=http://h/|http://h:0/", "bad port"},
        {"url=http://h/|", "only http://"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char message[WORKLOAD_MESSAGE_BYTES] = "";
        void *params = parse_params(cases[i].spec);
        int err = workload_fetch.check(params, message);
        if (err != -EINVAL || !strstr(message, cases[i].why))
            fail_msg("%s gave %d, \"%s\"", cases[i].spec, err, message);
        free_params(params);
    }
}

static int start_shared(void **state) {
    (void)state;
    origin_start(&shared);
    return 0;
}

static int stop_shared(void **state) {
    (void)state;
    return origin_stop(&shared, SIGTERM).requests > 0 ? 0 : -1;
}

#define IN_EACH_MODEL(test)                                                                        \
    {#test " [threads]", test, NULL, NULL, (void *)&model_threads},                                \
        {#test " [pool]", test, NULL, NULL, (void *)&model_pool}, {                                \
#test " [async]", test, NULL, NULL, (void *)&model_async                                   \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_sends_exactly_the_body_of_its_seed),
        cmocka_unit_test(body_of_every_length_arrives_whole),
        cmocka_unit_test(longest_body_arrives_whole),
        cmocka_unit_test(chunked_sends_several_chunks),
        cmocka_unit_test(client_of_http_1_0_gets_a_length_in_place_of_chunks),
        cmocka_unit_test(head_announces_a_body_and_sends_none),
        cmocka_unit_test(other_methods_are_refused),
        cmocka_unit_test(requests_on_one_connection_are_answered_in_turn),
        cmocka_unit_test(delay_is_over_before_the_reply),
        cmocka_unit_test(status_is_what_was_asked_for),
        cmocka_unit_test(close_sends_half_of_what_it_announces),
        cmocka_unit_test(wrong_request_is_answered_with_a_hint),
        cmocka_unit_test(route_is_read_from_the_target),
        cmocka_unit_test(wrong_route_is_refused),
        cmocka_unit_test(listening_fails_with_a_line_that_says_why),
        cmocka_unit_test(counts_are_what_was_served),
        cmocka_unit_test(origin_outlives_clients_that_leave),
        cmocka_unit_test(origin_without_descriptors_waits_for_one_and_goes_on),
        IN_EACH_MODEL(fetch_is_right_and_the_origin_counts_as_many),
        IN_EACH_MODEL(two_hundred_connections_at_once_lose_no_syn),
        IN_EACH_MODEL(fetch_from_given_urls_takes_them_in_turn),
        IN_EACH_MODEL(failed_fetch_is_an_error_of_that_operation),
        IN_EACH_MODEL(fetch_from_nobody_ends_with_every_operation_refused),
        cmocka_unit_test(oracle_tells_a_right_value_from_a_wrong_one),
        cmocka_unit_test(oracle_computes_waits_from_the_spec),
        cmocka_unit_test(check_refuses_what_does_not_fit_together),
    };
    return cmocka_run_group_tests(tests, start_shared, stop_shared);
}
