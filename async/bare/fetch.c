/* Each task is a client: a socket that does not block, and callbacks that carry its requests on
   from where they had to wait. The socket is watched for reading as long as it is open, and read
   only when there is something; a request is written at once, also to a connection that does not
   stand yet, and waits to be written only if it must. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/bare/base.h"
#include "bare/fetch.h"

/* A request that could not be carried further yet: a callback will. */
#define WAITS (-EINPROGRESS)

/* What all clients share while they run. */
struct fetch_run {
    const struct bare_fetch *floor;
    struct event_base *base;
    const struct timeval *time_limit; /* of a request: a common timeout */
};

struct client {
    struct bare_client connection; /* first */
    struct event readable, writable, late;
    const struct fetch_run *run;
    uint64_t operation;
    size_t sent;
    bool was_open; /* before this request, and has not been lost since */
};

static int fetch_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    return bare_fetch_prepare(input, sizeof(struct client), state, message);
}

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

static void disconnect(struct client *client) {
    if (client->connection.fd < 0)
        return;
    event_del(&client->readable);
    event_del(&client->writable);
    close(client->connection.fd);
    client->connection.fd = -1;
}

static int connect_to(struct client *client, const struct http_url *url) {
    struct event_base *base = client->run->base;
    int fd = socket(url->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    client->connection.fd = fd;
    client->connection.url = url;
    event_assign(&client->readable, base, fd, EV_READ | EV_PERSIST, on_readable, client);
    event_assign(&client->writable, base, fd, EV_WRITE, on_writable, client);
    if (connect(fd, (const struct sockaddr *)&url->address, url->address_length) &&
        errno != EINPROGRESS)
        return -errno;
    return event_add(&client->readable, NULL) ? -ENOMEM : 0;
}

static int send_rest(struct client *client) {
    const struct http_exchange *exchange = client->connection.exchange;
    while (client->sent < exchange->request_bytes) {
        ssize_t count = send(client->connection.fd, exchange->request + client->sent,
                             exchange->request_bytes - client->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN)
            return event_add(&client->writable, NULL) ? -ENOMEM : WAITS;
        if (count < 0)
            return -errno;
        client->sent += (size_t)count;
    }
    return WAITS; /* for the response */
}

static int send_request(struct client *client, const struct http_url *url) {
    client->sent = 0;
    int err = client->connection.fd < 0 ? connect_to(client, url) : 0;
    return err ? err : send_rest(client);
}

/* What has become of the request: WAITS; 0; or the error of which it fails, which a connection that
   was lost between two requests is not. */
static int settle(struct client *client, int err) {
    if (err == WAITS)
        return WAITS;
    bool is_lost = client->was_open && http_exchange_is_lost(client->connection.exchange, err);
    if (!http_exchange_keeps_connection(client->connection.exchange, err))
        disconnect(client);
    if (!is_lost)
        return err;
    client->was_open = false;
    http_exchange_restart(client->connection.exchange);
    return settle(client, send_request(client, client->connection.url));
}

static int begin_request(struct client *client) {
    const struct bare_fetch *floor = client->run->floor;
    const struct http_url *url = fetch_url(&floor->requests, client->operation);
    const char *target =
        fetch_target(&floor->requests, client->operation, client->connection.target);
    operation_begin(floor->recorder, client->operation);
    int err = http_exchange_begin(client->connection.exchange, url, target);
    if (!err && event_add(&client->late, client->run->time_limit))
        err = -ENOMEM;
    if (err)
        return err;
    if (client->connection.fd >= 0 && !http_url_is_same_host(client->connection.url, url))
        disconnect(client);
    client->was_open = client->connection.fd >= 0;
    return settle(client, send_request(client, url));
}

static void end_client(struct client *client) {
    disconnect(client);
    event_del(&client->late);
    recorder_task_end(client->run->floor->recorder);
}

/* Ends the client's request if it does not wait, and begins the next, until one waits. */
static void go_on(struct client *client, int err) {
    const struct bare_fetch *floor = client->run->floor;
    const struct fetch_params *p = floor->params;
    const struct http_response *response = &client->connection.exchange->response;
    while (err != WAITS) {
        operation_end(floor->recorder, client->operation, fetch_error(err, response),
                      fetch_value(p, client->operation, response));
        client->operation += (uint64_t)p->common.tasks;
        if (client->operation >= (uint64_t)p->requests) {
            end_client(client);
            return;
        }
        err = begin_request(client);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    (void)what;
    struct client *client = arg;
    struct http_exchange *exchange = client->connection.exchange;
    ssize_t count = recv(fd, exchange->buffer, exchange->buffer_bytes, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    int err = count < 0 ? -errno : http_exchange_take(exchange, (size_t)count);
    bool is_over = err || exchange->response.is_complete;
    go_on(client, settle(client, is_over ? err : WAITS));
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct client *client = arg;
    go_on(client, settle(client, send_rest(client)));
}

static void on_late(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    go_on(arg, settle(arg, -ETIMEDOUT));
}

static void run_clients(const struct bare_fetch *floor, struct event_base *base) {
    struct timeval time_limit = base_timeval(floor->params->request_timeout_ns);
    uint64_t tasks = (uint64_t)floor->params->common.tasks;
    const struct timeval *common = event_base_init_common_timeout(base, &time_limit);
    const struct fetch_run run = {
        .floor = floor, .base = base, .time_limit = common ? common : &time_limit};
    for (uint64_t i = 0; i < tasks; i++) {
        struct client *client = bare_fetch_client(floor, i);
        client->run = &run;
        client->operation = i;
        evtimer_assign(&client->late, base, on_late, client);
        recorder_task_begin(floor->recorder);
        go_on(client, begin_request(client));
    }
    recorder_all_spawned(floor->recorder, tasks, 0);
    event_base_dispatch(base);
}

static int fetch_main(void *state) {
    const struct bare_fetch *floor = state;
    struct event_base *base = base_create(false);
    if (!base) {
        recorder_all_spawned(floor->recorder, 0, -ENOMEM);
        return -ENOMEM;
    }
    run_clients(floor, base);
    event_base_free(base);
    return 0;
}

const struct bare_body bare_callbacks_fetch = {.workload = "fetch",
                                               .prepare = fetch_prepare,
                                               .main = fetch_main,
                                               .destroy = bare_fetch_destroy};
