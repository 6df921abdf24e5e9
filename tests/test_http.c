/* The HTTP client, in every model, against a server that plays a script; and URLs, checksums and
   bodies. */
#include "async/models.h"
#include "clock.h"
#include "http/body.h"
#include "http/checksum.h"
#include "http/client.h"
#include "http/url.h"
#include "threaded/models.h"
#include "workloads/random.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What the server does with one request. */
enum after { STAYS, CLOSES, RESETS };

struct turn {
    const char *response;
    size_t piece_bytes; /* sent at a time; 0: all at once */
    enum after after;
};

struct server {
    int listener;
    uint16_t port;
    pthread_t thread;
    const struct turn *turns;
    size_t turn_count;
    size_t connections; /* that were accepted */
    char request[2048]; /* the last one */
};

/* Reads a request to its empty line. Returns false when the client closes instead. */
static bool read_request(int fd, char *request, size_t size) {
    size_t length = 0;
    request[0] = '\0';
    while (!strstr(request, "\r\n\r\n")) {
        ssize_t count = recv(fd, request + length, size - 1 - length, 0);
        if (count <= 0)
            return false;
        length += (size_t)count;
        request[length] = '\0';
    }
    return true;
}

static void send_in_pieces(int fd, const struct turn *turn) {
    size_t rest = strlen(turn->response);
    const char *at = turn->response;
    while (rest) {
        size_t size = turn->piece_bytes && turn->piece_bytes < rest ? turn->piece_bytes : rest;
        if (send(fd, at, size, MSG_NOSIGNAL) != (ssize_t)size)
            return; /* the client has seen enough */
        at += size;
        rest -= size;
    }
}

static int accept_connection(struct server *server) {
    int fd = accept(server->listener, NULL, NULL);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    server->connections++;
    return fd;
}

static void *server_thread(void *arg) {
    struct server *server = arg;
    int fd = -1;
    for (size_t i = 0; i < server->turn_count; i++) {
        while (fd < 0 || !read_request(fd, server->request, sizeof server->request)) {
            if (fd >= 0)
                close(fd);
            fd = accept_connection(server);
            if (fd < 0)
                return NULL;
        }
        send_in_pieces(fd, &server->turns[i]);
        if (server->turns[i].after == RESETS)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        if (server->turns[i].after != STAYS) {
            close(fd);
            fd = -1;
        }
    }
    char rest[64];
    while (fd >= 0 && recv(fd, rest, sizeof rest, 0) > 0)
        continue;
    if (fd >= 0)
        close(fd);
    return NULL;
}

static int listen_on_loopback(uint16_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void server_start(struct server *server, const struct turn *turns, size_t turn_count) {
    *server = (struct server){.turns = turns, .turn_count = turn_count};
    server->listener = listen_on_loopback(&server->port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_thread, server), 0);
}

/* Waits for a turn that nobody asked for no longer than the client stays. */
static void server_stop(struct server *server) {
    shutdown(server->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    close(server->listener);
}

static struct http_url *make_url(const char *host, uint16_t port, const char *target) {
    char text[256], message[HTTP_MESSAGE_BYTES] = "";
    struct http_url *url = NULL;
    snprintf(text, sizeof text, "http://%s:%u%s", host, port, target);
    assert_int_equal(http_url_create(&url, text, message), 0);
    assert_int_equal(http_url_resolve(url, message), 0);
    return url;
}

/* What a client does, and what comes of it. */
struct gets {
    size_t count;
    bool is_kept_alive;
    int64_t timeout_ns;
    const struct http_url *urls[4];
    int errors[4];
    struct http_response responses[4];
};

static int get_all(void *arg) {
    struct gets *gets = arg;
    struct http_connection *connection = NULL;
    /* A buffer that no response fits shows what depends on where reads end. */
    int err = http_connection_create(&connection, 64, 23, gets->is_kept_alive);
    for (size_t i = 0; !err && i < gets->count; i++) {
        const struct http_url *url = gets->urls[i];
        int64_t deadline = task_deadline(gets->timeout_ns ? gets->timeout_ns : 10 * NS_PER_S);
        gets->errors[i] = http_get(connection, url, url->target, deadline, &gets->responses[i]);
    }
    http_connection_close(connection);
    http_connection_destroy(connection);
    return err;
}

static void run_gets(const struct model *model, struct gets *gets) {
    struct model_options options = {.workers = 1, .task_stack_bytes = 16 * 1024};
    struct model_report report;
    int result = 1;
    assert_int_equal(model_run(model, &options, get_all, gets, &result), 0);
    model->report(&report);
    assert_int_equal(result, 0);
}

/* Plays the turns to `count` GETs. Returns how many connections that took. */
static size_t play(const struct model *model, const struct turn *turns, size_t turn_count,
                   size_t count, bool is_kept_alive, struct gets *gets) {
    struct server server;
    server_start(&server, turns, turn_count);
    struct http_url *url = make_url("127.0.0.1", server.port, "/");
    *gets = (struct gets){.count = count, .is_kept_alive = is_kept_alive};
    for (size_t i = 0; i < count; i++)
        gets->urls[i] = url;
    run_gets(model, gets);
    server_stop(&server);
    http_url_destroy(url);
    return server.connections;
}

static void assert_response(const struct gets *gets, size_t i, int status, const char *body) {
    const struct http_response *response = &gets->responses[i];
    assert_int_equal(gets->errors[i], 0);
    assert_int_equal(response->status, status);
    assert_true(response->is_complete);
    assert_int_equal(response->body_bytes, strlen(body));
    assert_true(response->body_checksum == checksum_add(CHECKSUM_OF_NOTHING, body, strlen(body)));
}

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define OK_CLOSE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
#define OK_CHUNKED                                                                                 \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"                                        \
    "3;name=value\r\nhel\r\n1\r\nl\r\n00001\r\no\r\n0\r\nTrailer: x\r\n\r\n"

static void client_reads_every_kind_of_response_however_it_is_split(void **state) {
    static const struct {
        const char *response;
        int status;
        const char *body;
        enum after after;
    } cases[] = {
        {OK_HELLO, 200, "hello", STAYS},
        {OK_CLOSE, 200, "hello", CLOSES},
        {OK_CHUNKED, 200, "hello", STAYS},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, "until the end", CLOSES},
        {"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end", CLOSES},
        {"HTTP/1.1 200 OK\r\n\r\n", 200, "", CLOSES},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", STAYS},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", 404, "gone", STAYS},
        {"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", 500, "", STAYS},
        {"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1\r\n\r\n.", 302, ".", STAYS},
        {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", STAYS},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "", STAYS},
        {"HTTP/1.1 100 Continue\r\n\r\n" OK_HELLO, 200, "hello", STAYS},
        {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" OK_CHUNKED, 200, "hello", STAYS},
    };
    static const size_t pieces[] = {0, 1, 7};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t j = 0; j < COUNT(pieces); j++) {
            struct turn turn = {cases[i].response, pieces[j], cases[i].after};
            struct gets gets;
            play(*state, &turn, 1, 1, true, &gets);
            assert_response(&gets, 0, cases[i].status, cases[i].body);
        }
    }
}

static void client_tells_what_is_wrong_with_a_response(void **state) {
    static const struct {
        const char *response;
        enum after after;
        int err;
        uint64_t body_bytes;
    } cases[] = {
        {"", CLOSES, -EPROTO, 0},
        {"HTTP/1.1 200 OK\r\nContent-Le", CLOSES, -EPROTO, 0},
        {"HTTP/1.1 100 Continue\r\n\r\n", CLOSES, -EPROTO, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", CLOSES, -EPROTO, 5},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CLOSES, -EPROTO, 5},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", RESETS, -ECONNRESET, UINT64_MAX},
        {"SSH-2.0-OpenSSH_9.2\r\n", STAYS, -EBADMSG, 0},
        {"HTTP/1.1 20x OK\r\n\r\n", STAYS, -EBADMSG, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", STAYS, -EBADMSG, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", STAYS, -EBADMSG, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", STAYS, -EBADMSG, 0},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", STAYS,
         -EBADMSG, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct turn turn = {cases[i].response, 0, cases[i].after};
        struct gets gets;
        assert_int_equal(play(*state, &turn, 1, 1, true, &gets), 1);
        assert_int_equal(gets.errors[0], cases[i].err);
        assert_false(gets.responses[0].is_complete);
        if (cases[i].body_bytes != UINT64_MAX) /* a reset may overtake what came before it */
            assert_int_equal(gets.responses[0].body_bytes, cases[i].body_bytes);
    }
}

static void connection_is_kept_between_requests_where_both_sides_allow_it(void **state) {
    static const struct {
        const char *response;
        bool is_kept_alive;
        size_t connections;
        enum after after;
    } cases[] = {
        {OK_HELLO, true, 1, STAYS},
        {OK_CHUNKED, true, 1, STAYS},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", true, 1,
         STAYS},
        {OK_HELLO, false, 3, STAYS},
        {OK_CLOSE, true, 3, STAYS},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, 3, STAYS},
        {"HTTP/1.1 200 OK\r\n\r\nhello", true, 3, CLOSES},
        {OK_HELLO "HTTP/1.1 200 OK\r\n", true, 3, STAYS}, /* more than was asked for */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct turn turn = {cases[i].response, 0, cases[i].after};
        struct turn turns[] = {turn, turn, turn};
        struct gets gets;
        assert_int_equal(play(*state, turns, 3, 3, cases[i].is_kept_alive, &gets),
                         cases[i].connections);
        for (size_t j = 0; j < 3; j++)
            assert_response(&gets, j, 200, "hello");
    }
}

static void request_is_sent_again_when_the_kept_connection_was_closed_meanwhile(void **state) {
    static const enum after ways[] = {CLOSES, RESETS};
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct turn turns[] = {{OK_CHUNKED, 0, STAYS}, {"", 0, ways[i]}, {OK_HELLO, 0, STAYS}};
        struct gets gets;
        assert_int_equal(play(*state, turns, 3, 2, true, &gets), 2);
        assert_response(&gets, 0, 200, "hello");
        assert_response(&gets, 1, 200, "hello");
    }
}

static void request_is_sent_again_only_once_and_not_after_a_first_byte(void **state) {
    struct turn lost_twice[] = {{OK_HELLO, 0, STAYS}, {"", 0, CLOSES}, {"", 0, CLOSES}};
    struct gets gets;
    assert_int_equal(play(*state, lost_twice, 3, 2, true, &gets), 2);
    assert_int_equal(gets.errors[1], -EPROTO);
    struct turn begun[] = {{OK_HELLO, 0, STAYS}, {"H", 0, CLOSES}};
    assert_int_equal(play(*state, begun, 2, 2, true, &gets), 1);
    assert_int_equal(gets.errors[1], -EPROTO);
}

static void connection_works_again_after_an_error(void **state) {
    struct turn turns[] = {{"rubbish\r\n\r\n", 0, STAYS}, {OK_HELLO, 0, STAYS}};
    struct gets gets;
    assert_int_equal(play(*state, turns, 2, 2, true, &gets), 2);
    assert_int_equal(gets.errors[0], -EBADMSG);
    assert_response(&gets, 1, 200, "hello");
}

static void request_says_what_is_asked_for(void **state) {
    for (int is_kept_alive = 0; is_kept_alive < 2; is_kept_alive++) {
        struct turn turn = {OK_HELLO, 0, STAYS};
        struct server server;
        server_start(&server, &turn, 1);
        struct http_url *url = make_url("127.0.0.1", server.port, "/a/b?c=d#e");
        struct gets gets = {.count = 1, .is_kept_alive = is_kept_alive, .urls = {url}};
        run_gets(*state, &gets);
        server_stop(&server);
        char expected[256];
        snprintf(expected, sizeof expected,
                 "GET /a/b?c=d HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: tva\r\n"
                 "Accept: */*\r\n%s\r\n",
                 server.port, is_kept_alive ? "" : "Connection: close\r\n");
        assert_string_equal(server.request, expected);
        http_url_destroy(url);
    }
}

static void request_to_another_host_opens_another_connection(void **state) {
    struct turn turns[] = {{OK_HELLO, 0, STAYS}, {OK_HELLO, 0, STAYS}};
    struct server servers[2];
    struct gets gets = {.count = 4, .is_kept_alive = true};
    struct http_url *urls[2];
    for (size_t i = 0; i < 2; i++) {
        server_start(&servers[i], turns, 2);
        urls[i] = make_url("127.0.0.1", servers[i].port, "/");
        gets.urls[2 * i] = gets.urls[2 * i + 1] = urls[i];
    }
    run_gets(*state, &gets);
    for (size_t i = 0; i < 2; i++) {
        server_stop(&servers[i]);
        assert_int_equal(servers[i].connections, 1);
        http_url_destroy(urls[i]);
    }
    for (size_t i = 0; i < 4; i++)
        assert_response(&gets, i, 200, "hello");
}

static void request_ends_at_its_deadline_and_not_before(void **state) {
    struct turn turn = {"HTTP/1.1 200 OK\r\n", 0, STAYS};
    struct server server;
    server_start(&server, &turn, 1);
    struct http_url *url = make_url("127.0.0.1", server.port, "/");
    struct gets gets = {.count = 1, .timeout_ns = 50 * NS_PER_MS, .urls = {url}};
    int64_t begin_ns = clock_now_ns();
    run_gets(*state, &gets);
    assert_true(clock_now_ns() - begin_ns >= 50 * NS_PER_MS);
    assert_int_equal(gets.errors[0], -ETIMEDOUT);
    server_stop(&server);
    http_url_destroy(url);
}

static void refused_connection_is_an_error_of_the_request(void **state) {
    uint16_t port;
    close(listen_on_loopback(&port));
    struct http_url *url = make_url("127.0.0.1", port, "/");
    struct gets gets = {.count = 2, .urls = {url, url}};
    run_gets(*state, &gets);
    assert_int_equal(gets.errors[0], -ECONNREFUSED);
    assert_int_equal(gets.errors[1], -ECONNREFUSED);
    http_url_destroy(url);
}

static void target_beyond_what_was_asked_for_is_not_sent(void **state) {
    char target[66];
    memset(target, 'x', sizeof target);
    target[0] = '/';
    target[65] = '\0';
    struct turn turn = {OK_HELLO, 0, STAYS};
    struct server server;
    server_start(&server, &turn, 1);
    struct http_url *too_long = make_url("127.0.0.1", server.port, target);
    target[64] = '\0';
    struct http_url *longest = make_url("127.0.0.1", server.port, target);
    struct gets gets = {.count = 2, .urls = {too_long, longest}};
    run_gets(*state, &gets);
    assert_int_equal(gets.errors[0], -EMSGSIZE);
    assert_response(&gets, 1, 200, "hello");
    server_stop(&server);
    http_url_destroy(too_long);
    http_url_destroy(longest);
}

static void localhost_reaches_a_server_on_one_of_its_addresses(void **state) {
    /* The look for an address that answers is a connection, too. */
    struct turn turn = {OK_HELLO, 0, STAYS};
    struct server server;
    server_start(&server, &turn, 1);
    struct http_url *url = make_url("localhost", server.port, "/");
    struct gets gets = {.count = 1, .urls = {url}};
    run_gets(*state, &gets);
    server_stop(&server);
    assert_response(&gets, 0, 200, "hello");
    http_url_destroy(url);
}

static void url_is_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text, *host, *authority, *target;
        uint16_t port;
    } cases[] = {
        {"http://example.com", "example.com", "example.com", "/", 80},
        {"http://example.com/", "example.com", "example.com", "/", 80},
        {"HTTP://example.com:80/a", "example.com", "example.com", "/a", 80},
        {"http://h:8080/a/b?c=d&e=%20", "h", "h:8080", "/a/b?c=d&e=%20", 8080},
        {"http://h?c=d", "h", "h", "/?c=d", 80},
        {"http://h:1?", "h", "h:1", "/", 1},
        {"http://h/a#fragment", "h", "h", "/a", 80},
        {"http://h/a:b@c", "h", "h", "/a:b@c", 80},
        {"http://127.0.0.1:65535/", "127.0.0.1", "127.0.0.1:65535", "/", 65535},
        {"http://[::1]:9000/x", "::1", "[::1]:9000", "/x", 9000},
        {"http://[fe80::1]/", "fe80::1", "[fe80::1]", "/", 80},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_url *url = NULL;
        char message[HTTP_MESSAGE_BYTES] = "";
        if (http_url_create(&url, cases[i].text, message))
            fail_msg("%s", message);
        assert_string_equal(url->host, cases[i].host);
        assert_string_equal(url->authority, cases[i].authority);
        assert_string_equal(url->target, cases[i].target);
        assert_int_equal(url->port, cases[i].port);
        http_url_destroy(url);
    }
}

static void wrong_url_is_refused_with_a_line_that_says_why(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "only http:// URLs are fetched"},
        {"example.com", "only http:// URLs are fetched"},
        {"https://example.com/", "only http:// URLs are fetched"},
        {"ftp://example.com/", "only http:// URLs are fetched"},
        {"http://", "not a URL"},
        {"http:///path", "not a URL"},
        {"http://:80/", "not a URL"},
        {"http://a b/", "not a URL"},
        {"http://h/a b", "not a URL"},
        {"http://h/a\nb", "not a URL"},
        {"http://[::1/", "not a URL"},
        {"http://h:/", "bad port"},
        {"http://h:0/", "bad port"},
        {"http://h:65536/", "bad port"},
        {"http://h:80x/", "bad port"},
        {"http://h:-1/", "bad port"},
        {"http://h:999999999999999999999/", "bad port"},
        {"http://user:secret@h/", "user name"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_url *url = NULL;
        char message[HTTP_MESSAGE_BYTES] = "";
        int err = http_url_create(&url, cases[i].text, message);
        if (err != -EINVAL || url || !strstr(message, cases[i].why))
            fail_msg("\"%s\" gave %d, \"%s\", not \"%s\"", cases[i].text, err, message,
                     cases[i].why);
    }
}

static void url_that_is_too_long_is_refused(void **state) {
    (void)state;
    static const size_t host_bytes[] = {300, 9000};
    for (size_t i = 0; i < COUNT(host_bytes); i++) {
        char text[9100] = "http://", message[HTTP_MESSAGE_BYTES] = "";
        memset(text + strlen(text), 'h', host_bytes[i]);
        struct http_url *url = NULL;
        assert_int_equal(http_url_create(&url, text, message), -EINVAL);
        assert_non_null(strstr(message, "long"));
    }
}

static void unknown_host_is_named(void **state) {
    (void)state;
    /* No label may be that long, so that no name server is asked. */
    char text[128] = "http://", message[HTTP_MESSAGE_BYTES] = "";
    memset(text + strlen(text), 'h', 70);
    struct http_url *url = NULL;
    assert_int_equal(http_url_create(&url, text, message), 0);
    assert_int_equal(http_url_resolve(url, message), -EHOSTUNREACH);
    assert_non_null(strstr(message, url->host));
    http_url_destroy(url);
}

static void checksum_is_fnv_1a(void **state) {
    (void)state;
    /* From the tables of RFC 9923. */
    assert_true(checksum_add(CHECKSUM_OF_NOTHING, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(checksum_add(CHECKSUM_OF_NOTHING, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(checksum_add(CHECKSUM_OF_NOTHING, "foobar", 6) == UINT64_C(0x85944171f73967e8));
    uint64_t in_two = checksum_add(checksum_add(CHECKSUM_OF_NOTHING, "foo", 3), "bar", 3);
    assert_true(in_two == UINT64_C(0x85944171f73967e8));
}

static void body_is_a_function_of_seed_and_length(void **state) {
    (void)state;
    unsigned char body[10000], again[10000];
    body_fill(body, sizeof body, 7, 0);
    for (size_t i = 0; i < sizeof body; i++) {
        uint64_t word = random_at(7, i / 8);
        assert_int_equal(body[i], (unsigned char)(word >> (8 * (i % 8))));
    }
    body_fill(again, 4096, 7, 0);
    body_fill(again + 4096, sizeof again - 4096, 7, 4096);
    assert_memory_equal(again, body, sizeof body);
    static const size_t lengths[] = {0, 1, 7, 8, 9, 4095, 4096, 4097, 10000};
    for (size_t i = 0; i < COUNT(lengths); i++)
        assert_true(body_checksum(7, lengths[i]) ==
                    checksum_add(CHECKSUM_OF_NOTHING, body, lengths[i]));
    assert_true(body_checksum(8, 100) != body_checksum(7, 100));
}

#define IN_EACH_MODEL(test)                                                                        \
    {#test " [threads]", test, NULL, NULL, (void *)&model_threads},                                \
        {#test " [pool]", test, NULL, NULL, (void *)&model_pool}, {                                \
#test " [async]", test, NULL, NULL, (void *)&model_async                                   \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_is_taken_apart),
        cmocka_unit_test(wrong_url_is_refused_with_a_line_that_says_why),
        cmocka_unit_test(url_that_is_too_long_is_refused),
        cmocka_unit_test(unknown_host_is_named),
        cmocka_unit_test(checksum_is_fnv_1a),
        cmocka_unit_test(body_is_a_function_of_seed_and_length),
        IN_EACH_MODEL(client_reads_every_kind_of_response_however_it_is_split),
        IN_EACH_MODEL(client_tells_what_is_wrong_with_a_response),
        IN_EACH_MODEL(connection_is_kept_between_requests_where_both_sides_allow_it),
        IN_EACH_MODEL(request_is_sent_again_when_the_kept_connection_was_closed_meanwhile),
        IN_EACH_MODEL(request_is_sent_again_only_once_and_not_after_a_first_byte),
        IN_EACH_MODEL(connection_works_again_after_an_error),
        IN_EACH_MODEL(request_says_what_is_asked_for),
        IN_EACH_MODEL(request_to_another_host_opens_another_connection),
        IN_EACH_MODEL(request_ends_at_its_deadline_and_not_before),
        IN_EACH_MODEL(refused_connection_is_an_error_of_the_request),
        IN_EACH_MODEL(target_beyond_what_was_asked_for_is_not_sent),
        IN_EACH_MODEL(localhost_reaches_a_server_on_one_of_its_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
