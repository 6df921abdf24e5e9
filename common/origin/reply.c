#include "origin/reply.h"

#include <event2/event_struct.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "http/body.h"

#define PIECE_BYTES_MAX (64 * 1024)

struct reply {
    struct evhttp_request *request;
    struct reply_shared *shared;
    struct route route;
    uint64_t bytes_to_send; /* may be less than was announced */
    uint64_t bytes_sent;
    uint64_t piece_bytes;
    struct event timer; /* of the delay, if there is one */
};

/* The connection goes first: the request goes with it, unless evhttp has parted them. */
static void abandon(struct evhttp_connection *connection, void *arg) {
    (void)connection;
    struct reply *reply = arg;
    if (reply->route.delay_ns)
        event_del(&reply->timer);
    if (!evhttp_request_get_connection(reply->request))
        evhttp_request_free(reply->request);
    free(reply);
}

static void finish(struct reply *reply) {
    evhttp_connection_set_closecb(evhttp_request_get_connection(reply->request), NULL, NULL);
    evhttp_send_reply_end(reply->request);
    free(reply);
}

static bool fill_piece(struct evbuffer *piece, uint64_t size, uint64_t seed, uint64_t offset) {
    struct evbuffer_iovec space;
    if (evbuffer_reserve_space(piece, (ev_ssize_t)size, &space, 1) != 1)
        return false;
    body_fill(space.iov_base, size, seed, offset);
    space.iov_len = size;
    return !evbuffer_commit_space(piece, &space, 1);
}

static void send_piece(struct evhttp_connection *connection, void *arg) {
    struct reply *reply = arg;
    struct evbuffer *piece = reply->shared->piece;
    uint64_t rest = reply->bytes_to_send - reply->bytes_sent;
    uint64_t size = rest < reply->piece_bytes ? rest : reply->piece_bytes;
    if (!fill_piece(piece, size, reply->route.seed, reply->bytes_sent)) {
        evhttp_connection_free(connection); /* out of memory: the client sees the body cut short */
        return;
    }
    reply->bytes_sent += size;
    reply->shared->body_bytes += size;
    if (size < rest) {
        evhttp_send_reply_chunk_with_cb(reply->request, piece, send_piece, reply);
        return;
    }
    evhttp_send_reply_chunk(reply->request, piece);
    finish(reply);
}

/* A body in chunks has four or more, of a multiple of 8 bytes as body_fill wants it. */
static uint64_t choose_piece_bytes(const struct route *route) {
    uint64_t quarter = ((uint64_t)route->bytes / 4 + 8) & ~UINT64_C(7);
    return route->is_chunked && quarter < PIECE_BYTES_MAX ? quarter : PIECE_BYTES_MAX;
}

/* Without a Content-Length evhttp sends chunks, which a client of HTTP/1.0 would not understand. */
static bool has_content_length(const struct reply *reply) {
    if (reply->route.status == 204 || reply->route.status == 304)
        return false;
    return !reply->route.is_chunked || reply->request->minor == 0;
}

static void send_headers(const struct reply *reply) {
    struct evkeyvalq *headers = evhttp_request_get_output_headers(reply->request);
    char length[24];
    snprintf(length, sizeof length, "%lld", (long long)reply->route.bytes);
    if (has_content_length(reply))
        evhttp_add_header(headers, "Content-Length", length);
    if (reply->route.is_cut)
        evhttp_add_header(headers, "Connection", "close");
    evhttp_send_reply_start(reply->request, reply->route.status, NULL);
}

static void send_reply(evutil_socket_t fd, short events, void *arg) {
    (void)fd;
    (void)events;
    struct reply *reply = arg;
    send_headers(reply);
    if (reply->bytes_to_send)
        send_piece(evhttp_request_get_connection(reply->request), reply);
    else
        finish(reply);
}

/* libevent counts in microseconds and cuts off what is less, of the time now too; so the delay is
   rounded up, and by one more. */
static struct timeval round_up(int64_t delay_ns) {
    int64_t us = (delay_ns + NS_PER_US - 1) / NS_PER_US + 1;
    return (struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000};
}

void reply_start(struct evhttp_request *request, const struct route *route,
                 struct reply_shared *shared) {
    struct reply *reply = calloc(1, sizeof *reply);
    if (!reply) {
        reply_refuse(request, 503, "out of memory\n", shared);
        return;
    }
    bool is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    uint64_t bytes = (uint64_t)route->bytes;
    *reply = (struct reply){.request = request,
                            .shared = shared,
                            .route = *route,
                            .bytes_to_send = is_head         ? 0
                                             : route->is_cut ? bytes / 2
                                                             : bytes,
                            .piece_bytes = choose_piece_bytes(route)};
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), abandon, reply);
    if (!route->delay_ns) {
        send_reply(-1, 0, reply);
        return;
    }
    struct timeval delay = round_up(route->delay_ns);
    evtimer_assign(&reply->timer, shared->base, send_reply, reply);
    evtimer_add(&reply->timer, &delay);
}

void reply_refuse(struct evhttp_request *request, int status, const char *text,
                  struct reply_shared *shared) {
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "text/plain; charset=utf-8");
    evbuffer_add(shared->piece, text, strlen(text));
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
        shared->body_bytes += strlen(text);
    evhttp_send_reply(request, status, NULL, shared->piece);
    evbuffer_drain(shared->piece, evbuffer_get_length(shared->piece));
}
