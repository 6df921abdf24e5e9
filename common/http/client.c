#include "http/client.h"

#include <errno.h>
#include <stdlib.h>

#include "http/exchange.h"
#include "task.h"

struct http_connection {
    struct stream *stream;      /* NULL while closed */
    const struct http_url *url; /* that it is open to */
    struct http_exchange *exchange;
};

int http_connection_create(struct http_connection **out, size_t target_bytes_max,
                           size_t buffer_bytes, bool is_kept_alive) {
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return -ENOMEM;
    int err =
        http_exchange_create(&connection->exchange, target_bytes_max, buffer_bytes, is_kept_alive);
    if (err)
        free(connection);
    else
        *out = connection;
    return err;
}

void http_connection_destroy(struct http_connection *connection) {
    if (!connection)
        return;
    http_exchange_destroy(connection->exchange);
    free(connection);
}

void http_connection_close(struct http_connection *connection) {
    stream_close(connection->stream);
    connection->stream = NULL;
}

static int read_response(struct http_connection *connection, int64_t deadline) {
    struct http_exchange *exchange = connection->exchange;
    while (!exchange->response.is_complete) {
        ptrdiff_t bytes =
            stream_read(connection->stream, exchange->buffer, exchange->buffer_bytes, deadline);
        int err = bytes < 0 ? (int)bytes : http_exchange_take(exchange, (size_t)bytes);
        if (err)
            return err;
    }
    return 0;
}

static int exchange_with(struct http_connection *connection, const struct http_url *url,
                         int64_t deadline) {
    struct http_exchange *exchange = connection->exchange;
    int err = 0;
    if (!connection->stream) {
        err = stream_connect(&connection->stream, (const struct sockaddr *)&url->address,
                             url->address_length, deadline);
        connection->url = url;
    }
    if (!err)
        err =
            stream_write(connection->stream, exchange->request, exchange->request_bytes, deadline);
    if (!err)
        err = read_response(connection, deadline);
    if (!http_exchange_keeps_connection(exchange, err))
        http_connection_close(connection);
    return err;
}

int http_get(struct http_connection *connection, const struct http_url *url, const char *target,
             int64_t deadline, struct http_response *out) {
    struct http_exchange *exchange = connection->exchange;
    int err = http_exchange_begin(exchange, url, target);
    *out = exchange->response;
    if (err)
        return err;
    bool was_open = connection->stream && http_url_is_same_host(connection->url, url);
    if (!was_open)
        http_connection_close(connection);
    err = exchange_with(connection, url, deadline);
    if (was_open && http_exchange_is_lost(exchange, err)) {
        http_exchange_restart(exchange);
        err = exchange_with(connection, url, deadline);
    }
    *out = exchange->response;
    return err;
}
