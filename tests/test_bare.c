/* The pieces of the floors that a whole run does not show. */
#include "async/bare/base.h"
#include "async/bare/models.h"
#include "async/models.h"
#include "bare/bare.h"
#include "clock.h"
#include "harness/spec.h"
#include "http/checksum.h"
#include "http/exchange.h"
#include "threaded/bare/models.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_model_of_the_seam_runs_a_workload_s_own_body(void **state) {
    (void)state;
    struct bare_body body;
    struct message message = {""};
    assert_int_equal(spec_find_body(&body, &workload_sleep, &model_async, &message), 0);
    assert_ptr_equal(body.prepare, workload_sleep.prepare);
    assert_ptr_equal(body.main, workload_sleep.main);
    assert_ptr_equal(body.destroy, workload_sleep.destroy);
}

static void a_floor_runs_a_body_of_its_own_for_each_of_its_workloads(void **state) {
    (void)state;
    const struct model *const floors[] = {&model_bare_threads, &model_bare_callbacks};
    const struct workload *const known[] = {&workload_sleep, &workload_fetch, &workload_chain};
    for (size_t f = 0; f < 2; f++)
        for (size_t w = 0; w < 3; w++) {
            struct bare_body body;
            struct message message = {""};
            assert_int_equal(spec_find_body(&body, known[w], floors[f], &message), 0);
            assert_string_equal(body.workload, known[w]->name);
            assert_ptr_not_equal(body.main, known[w]->main);
        }
}

static void a_workload_without_a_floor_is_refused_with_those_that_have_one(void **state) {
    (void)state;
    const struct workload other = {.name = "other"};
    struct bare_body body;
    struct message message = {""};
    assert_int_equal(spec_find_body(&body, &other, &model_bare_threads, &message), -EINVAL);
    assert_string_equal(message.text, "bare-threads: there is no floor for \"other\": there are "
                                      "sleep, fetch, chain");
}

/* One microsecond is what libevent may cut off the time at which a timer is added. */
static void a_wait_is_never_shorter_for_being_counted_in_microseconds(void **state) {
    (void)state;
    for (int64_t ns = 1; ns < 3 * NS_PER_S; ns = ns * 3 / 2 + 1) {
        struct timeval wait = base_timeval(ns);
        int64_t waited_ns = wait.tv_sec * NS_PER_S + wait.tv_usec * NS_PER_US;
        assert_in_range(wait.tv_usec, 0, 999999);
        assert_in_range(waited_ns, ns + NS_PER_US, ns + 2 * NS_PER_US);
    }
}

static const struct http_url url = {.host = "example.org", .authority = "example.org:81"};

static struct http_exchange *begin(const char *target) {
    struct http_exchange *exchange;
    assert_int_equal(http_exchange_create(&exchange, 16, 64, true), 0);
    assert_int_equal(http_exchange_begin(exchange, &url, target), 0);
    return exchange;
}

static int take(struct http_exchange *exchange, const char *text, size_t bytes) {
    memcpy(exchange->buffer, text, bytes);
    return http_exchange_take(exchange, bytes);
}

static void a_request_is_written_as_it_is_sent(void **state) {
    (void)state;
    static const char expected[] = "GET /a?b HTTP/1.1\r\nHost: example.org:81\r\n"
                                   "User-Agent: tva\r\nAccept: */*\r\n\r\n";
    struct http_exchange *exchange = begin("/a?b");
    assert_int_equal(exchange->request_bytes, sizeof expected - 1);
    assert_memory_equal(exchange->request, expected, sizeof expected - 1);
    assert_int_equal(http_exchange_begin(exchange, &url, "/longer-than-16-b"), -EMSGSIZE);
    http_exchange_destroy(exchange);
}

static void a_response_is_the_same_in_whatever_pieces_it_comes(void **state) {
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const size_t bytes = sizeof text - 1;
    for (size_t piece = 1; piece <= bytes; piece++) {
        struct http_exchange *exchange = begin("/");
        for (size_t at = 0; at < bytes; at += piece) {
            assert_false(exchange->response.is_complete);
            size_t rest = bytes - at;
            assert_int_equal(take(exchange, text + at, rest < piece ? rest : piece), 0);
        }
        assert_true(exchange->response.is_complete);
        assert_int_equal(exchange->response.status, 200);
        assert_int_equal(exchange->response.body_bytes, 5);
        assert_true(exchange->response.body_checksum ==
                    checksum_add(CHECKSUM_OF_NOTHING, "hello", 5));
        assert_true(http_exchange_keeps_connection(exchange, 0));
        http_exchange_destroy(exchange);
    }
}

static void only_a_connection_that_said_nothing_may_have_been_closed_before_the_request(void **s) {
    (void)s;
    struct http_exchange *exchange = begin("/");
    assert_int_equal(http_exchange_take(exchange, 0), -EPROTO);
    assert_true(http_exchange_is_lost(exchange, -EPROTO));
    assert_false(http_exchange_is_lost(exchange, -ETIMEDOUT));
    http_exchange_restart(exchange);
    assert_int_equal(take(exchange, "HTTP", 4), 0);
    assert_int_equal(http_exchange_take(exchange, 0), -EPROTO);
    assert_false(http_exchange_is_lost(exchange, -EPROTO));
    assert_false(http_exchange_keeps_connection(exchange, -EPROTO));
    http_exchange_destroy(exchange);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_of_the_seam_runs_a_workload_s_own_body),
        cmocka_unit_test(a_floor_runs_a_body_of_its_own_for_each_of_its_workloads),
        cmocka_unit_test(a_workload_without_a_floor_is_refused_with_those_that_have_one),
        cmocka_unit_test(a_wait_is_never_shorter_for_being_counted_in_microseconds),
        cmocka_unit_test(a_request_is_written_as_it_is_sent),
        cmocka_unit_test(a_response_is_the_same_in_whatever_pieces_it_comes),
        cmocka_unit_test(
            only_a_connection_that_said_nothing_may_have_been_closed_before_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
