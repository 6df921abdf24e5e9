#include "http/client.h"

#include <errno.h>
#include <http_parser.h>
#include <stdlib.h>
#include <string.h>

#include "http/checksum.h"
#include "task.h"

#define AFTER_TARGET " HTTP/1.1\r\nHost: "
#define AFTER_HOST "\r\nUser-Agent: tva\r\nAccept: */*\r\n"
#define AFTER_HOST_CLOSE AFTER_HOST "Connection: close\r\n"
#define REQUEST_FIXED_BYTES sizeof("GET " AFTER_TARGET AFTER_HOST_CLOSE "\r\n")

struct http_connection {
    struct stream *stream;      /* NULL while closed */
    const struct http_url *url; /* that it is open to */
    bool is_kept_alive;         /* what we wish */
    bool is_reusable;           /* what the response before allows */
    bool has_begun;             /* a byte of this response has come */
    http_parser parser;
    struct http_response response;
    size_t target_bytes_max;
    size_t buffer_bytes;
    char *buffer;   /* what was read, behind the request */
    char request[]; /* as it is sent, in one piece */
};

int http_connection_create(struct http_connection **out, size_t target_bytes_max,
                           size_t buffer_bytes, bool is_kept_alive) {
    size_t request_bytes = REQUEST_FIXED_BYTES + HTTP_AUTHORITY_BYTES + target_bytes_max;
    size_t bytes = sizeof(struct http_connection) + request_bytes + buffer_bytes;
    struct http_connection *connection = malloc(bytes);
    if (!connection)
        return -ENOMEM;
    memset(connection, 0, bytes); /* touched here, so that the run takes no page fault */
    connection->is_kept_alive = is_kept_alive;
    connection->target_bytes_max = target_bytes_max;
    connection->buffer_bytes = buffer_bytes;
    connection->buffer = connection->request + request_bytes;
    *out = connection;
    return 0;
}

void http_connection_destroy(struct http_connection *connection) {
    free(connection);
}

void http_connection_close(struct http_connection *connection) {
    stream_close(connection->stream);
    connection->stream = NULL;
}

/* The parser calls these three as the bytes come. */

static int take_headers(http_parser *parser) {
    const int go_on = 0, without_body = 1, fail = -1;
    struct http_connection *connection = parser->data;
    int status = (int)parser->status_code;
    if (status == HTTP_STATUS_SWITCHING_PROTOCOLS)
        return fail; /* to another protocol, for which we did not ask */
    connection->response.status = status;
    /* The parser would wait for the body that a Content-Length announces; here it may only tell how
       long one would be. */
    return status == HTTP_STATUS_NO_CONTENT || status == HTTP_STATUS_NOT_MODIFIED ? without_body
                                                                                  : go_on;
}

static int take_body(http_parser *parser, const char *at, size_t length) {
    struct http_response *response = &((struct http_connection *)parser->data)->response;
    response->body_bytes += length;
    response->body_checksum = checksum_add(response->body_checksum, at, length);
    return 0;
}

/* Stops the parser behind the response, so that what follows is not taken for another. */
static int take_end(http_parser *parser) {
    struct http_connection *connection = parser->data;
    bool is_interim = parser->status_code < 200;
    if (is_interim) {
        connection->response.status = 0;
        return 0;
    }
    connection->response.is_complete = true;
    connection->is_reusable = http_should_keep_alive(parser);
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings parser_settings = {
    .on_headers_complete = take_headers,
    .on_body = take_body,
    .on_message_complete = take_end,
};

/* Parses the `bytes` that were read, 0 at the end of the stream, which may be the response's end.
 */
static int parse(struct http_connection *connection, size_t bytes) {
    size_t parsed =
        http_parser_execute(&connection->parser, &parser_settings, connection->buffer, bytes);
    if (connection->response.is_complete) {
        if (parsed < bytes)
            connection->is_reusable = false; /* nobody asked for what follows */
        return 0;
    }
    if (bytes == 0)
        return -EPROTO;
    return HTTP_PARSER_ERRNO(&connection->parser) == HPE_OK ? 0 : -EBADMSG;
}

static int read_response(struct http_connection *connection, int64_t deadline) {
    http_parser_init(&connection->parser, HTTP_RESPONSE);
    connection->parser.data = connection;
    while (!connection->response.is_complete) {
        ptrdiff_t bytes =
            stream_read(connection->stream, connection->buffer, connection->buffer_bytes, deadline);
        if (bytes < 0)
            return (int)bytes;
        if (bytes > 0)
            connection->has_begun = true;
        int err = parse(connection, (size_t)bytes);
        if (err)
            return err;
    }
    return 0;
}

static size_t write_request(struct http_connection *connection, const struct http_url *url,
                            const char *target) {
    char *end = stpcpy(connection->request, "GET ");
    end = stpcpy(end, target);
    end = stpcpy(end, AFTER_TARGET);
    end = stpcpy(end, url->authority);
    end = stpcpy(end, connection->is_kept_alive ? AFTER_HOST : AFTER_HOST_CLOSE);
    end = stpcpy(end, "\r\n");
    return (size_t)(end - connection->request);
}

static int exchange(struct http_connection *connection, const struct http_url *url,
                    size_t request_bytes, int64_t deadline) {
    connection->response = (struct http_response){.body_checksum = CHECKSUM_OF_NOTHING};
    connection->has_begun = false;
    connection->is_reusable = false;
    int err = 0;
    if (!connection->stream) {
        err = stream_connect(&connection->stream, (const struct sockaddr *)&url->address,
                             url->address_length, deadline);
        connection->url = url;
    }
    if (!err)
        err = stream_write(connection->stream, connection->request, request_bytes, deadline);
    if (!err)
        err = read_response(connection, deadline);
    if (err || !connection->is_kept_alive || !connection->is_reusable)
        http_connection_close(connection);
    return err;
}

static bool is_open_to(const struct http_connection *connection, const struct http_url *url) {
    const struct http_url *open = connection->url;
    return connection->stream &&
           (open == url || (open->address_length == url->address_length &&
                            !strcmp(open->authority, url->authority) &&
                            !memcmp(&open->address, &url->address, url->address_length)));
}

/* Whether the server may have closed the connection before it saw the request. */
static bool is_lost(const struct http_connection *connection, int err) {
    return !connection->has_begun && (err == -EPROTO || err == -ECONNRESET || err == -EPIPE);
}

int http_get(struct http_connection *connection, const struct http_url *url, const char *target,
             int64_t deadline, struct http_response *out) {
    *out = (struct http_response){0};
    if (strlen(target) > connection->target_bytes_max)
        return -EMSGSIZE;
    bool was_open = is_open_to(connection, url);
    if (!was_open)
        http_connection_close(connection);
    size_t request_bytes = write_request(connection, url, target);
    int err = exchange(connection, url, request_bytes, deadline);
    if (was_open && is_lost(connection, err))
        err = exchange(connection, url, request_bytes, deadline);
    *out = connection->response;
    return err;
}
