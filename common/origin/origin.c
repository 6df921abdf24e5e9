#include "origin/origin.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "origin/listener.h"
#include "origin/reply.h"
#include "origin/route.h"
#include "service/service.h"

/* A connection may be idle for as long as another's longest request, and then an hour more. */
#define IDLE_LIMIT_S (ROUTE_DELAY_MAX_NS / NS_PER_S + 3600)

/* How long no connection is accepted where that has failed. */
#define ACCEPT_PAUSE_US 10000

struct server {
    struct reply_shared replies;
    struct evhttp *http;
    struct service_stop stop;
    uint64_t requests;
};

static void handle_request(struct evhttp_request *request, void *arg) {
    struct server *server = arg;
    struct route route;
    char text[ROUTE_MESSAGE_BYTES];
    server->requests++;
    int err = route_parse(evhttp_request_get_uri(request), &route, text);
    if (err)
        reply_refuse(request, err == -ENOENT ? 404 : 400, text, &server->replies);
    else
        reply_start(request, &route, &server->replies);
}

static void accept_again(evutil_socket_t fd, short events, void *listener) {
    (void)fd;
    (void)events;
    evconnlistener_enable(listener);
}

/* Without descriptors the queue stays readable: the loop would try again at once and for ever, and
   take the core from those that are measured. */
static void pause_accepting(struct evconnlistener *listener, void *http) {
    (void)http;
    struct timeval pause = {.tv_usec = ACCEPT_PAUSE_US};
    if (!event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, accept_again, listener,
                         &pause))
        evconnlistener_disable(listener);
}

/* Also frees a server that is created in part. */
static void server_destroy(struct server *server) {
    if (server->http)
        evhttp_free(server->http); /* closes the connections, which ends their replies */
    service_stop_destroy(&server->stop);
    if (server->replies.piece)
        evbuffer_free(server->replies.piece);
    if (server->replies.base)
        event_base_free(server->replies.base);
}

/* The caller destroys *server in any case. */
static int server_create(struct server *server) {
    *server = (struct server){.replies = {.base = service_create_base(), .piece = evbuffer_new()}};
    struct event_base *base = server->replies.base;
    if (!base || !server->replies.piece)
        return -ENOMEM;
    server->http = evhttp_new(base);
    if (!server->http || service_stop_create(&server->stop, base))
        return -ENOMEM;
    struct timeval idle_limit = {.tv_sec = IDLE_LIMIT_S};
    evhttp_set_timeout_tv(server->http, &idle_limit);
    evhttp_set_default_content_type(server->http, "application/octet-stream");
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_gencb(server->http, handle_request, server);
    return 0;
}

static int print_counts(FILE *output, const struct server *server, int64_t cpu_ns) {
    return service_tell(
        output, json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)server->requests, "bytes",
                          (json_int_t)server->replies.body_bytes, "cpu_ns", (json_int_t)cpu_ns));
}

static int serve(struct server *server, int *fd, const char *url, FILE *output) {
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(server->http, *fd);
    if (!bound)
        return -ENOMEM;
    *fd = -1; /* the server's now */
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(bound), pause_accepting);
    int64_t cpu_begin_ns = service_cpu_ns();
    int err = service_print(output, url);
    if (err)
        return err;
    event_base_dispatch(server->replies.base);
    return print_counts(output, server, service_cpu_ns() - cpu_begin_ns);
}

int origin_run(const struct origin_options *options, char message[ORIGIN_MESSAGE_BYTES]) {
    service_prepare();
    char url[LISTENER_URL_BYTES];
    int fd = -1;
    int err = origin_listen(&fd, options->listen ? options->listen : "127.0.0.1:0", url, message);
    if (err)
        return err;
    struct server server;
    err = server_create(&server);
    if (!err)
        err = serve(&server, &fd, url, options->output);
    if (err)
        snprintf(message, ORIGIN_MESSAGE_BYTES, "origin: %s%s",
                 err == -ENOMEM ? "" : "standard output cannot be written: ", strerror(-err));
    server_destroy(&server);
    if (fd >= 0)
        close(fd);
    return err;
}
