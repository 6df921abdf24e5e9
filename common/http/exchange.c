#include "http/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/checksum.h"

#define AFTER_TARGET " HTTP/1.1\r\nHost: "
#define AFTER_HOST "\r\nUser-Agent: tva\r\nAccept: */*\r\n"
#define AFTER_HOST_CLOSE AFTER_HOST "Connection: close\r\n"
#define REQUEST_FIXED_BYTES sizeof("GET " AFTER_TARGET AFTER_HOST_CLOSE "\r\n")

int http_exchange_create(struct http_exchange **out, size_t target_bytes_max, size_t buffer_bytes,
                         bool is_kept_alive) {
    size_t request_bytes = REQUEST_FIXED_BYTES + HTTP_AUTHORITY_BYTES + target_bytes_max;
    size_t bytes = sizeof(struct http_exchange) + request_bytes + buffer_bytes;
    struct http_exchange *exchange = malloc(bytes);
    if (!exchange)
        return -ENOMEM;
    memset(exchange, 0, bytes); /* touched here, so that the run takes no page fault */
    exchange->is_kept_alive = is_kept_alive;
    exchange->target_bytes_max = target_bytes_max;
    exchange->buffer_bytes = buffer_bytes;
    exchange->buffer = exchange->request + request_bytes;
    *out = exchange;
    return 0;
}

void http_exchange_destroy(struct http_exchange *exchange) {
    free(exchange);
}

/* The parser calls these three as the bytes come. */

static int take_headers(http_parser *parser) {
    const int go_on = 0, without_body = 1, fail = -1;
    struct http_exchange *exchange = parser->data;
    int status = (int)parser->status_code;
    if (status == HTTP_STATUS_SWITCHING_PROTOCOLS)
        return fail; /* to another protocol, for which we did not ask */
    exchange->response.status = status;
    /* The parser would wait for the body that a Content-Length announces; here it may only tell how
       long one would be. */
    return status == HTTP_STATUS_NO_CONTENT || status == HTTP_STATUS_NOT_MODIFIED ? without_body
                                                                                  : go_on;
}

static int take_body(http_parser *parser, const char *at, size_t length) {
    struct http_response *response = &((struct http_exchange *)parser->data)->response;
    response->body_bytes += length;
    response->body_checksum = checksum_add(response->body_checksum, at, length);
    return 0;
}

/* Stops the parser behind the response, so that what follows is not taken for another. */
static int take_end(http_parser *parser) {
    struct http_exchange *exchange = parser->data;
    bool is_interim = parser->status_code < 200;
    if (is_interim) {
        exchange->response.status = 0;
        return 0;
    }
    exchange->response.is_complete = true;
    exchange->is_reusable = http_should_keep_alive(parser);
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings parser_settings = {
    .on_headers_complete = take_headers,
    .on_body = take_body,
    .on_message_complete = take_end,
};

void http_exchange_restart(struct http_exchange *exchange) {
    exchange->response = (struct http_response){.body_checksum = CHECKSUM_OF_NOTHING};
    exchange->has_begun = false;
    exchange->is_reusable = false;
    http_parser_init(&exchange->parser, HTTP_RESPONSE);
    exchange->parser.data = exchange;
}

int http_exchange_begin(struct http_exchange *exchange, const struct http_url *url,
                        const char *target) {
    http_exchange_restart(exchange);
    if (strlen(target) > exchange->target_bytes_max)
        return -EMSGSIZE;
    char *end = stpcpy(exchange->request, "GET ");
    end = stpcpy(end, target);
    end = stpcpy(end, AFTER_TARGET);
    end = stpcpy(end, url->authority);
    end = stpcpy(end, exchange->is_kept_alive ? AFTER_HOST : AFTER_HOST_CLOSE);
    end = stpcpy(end, "\r\n");
    exchange->request_bytes = (size_t)(end - exchange->request);
    return 0;
}

int http_exchange_take(struct http_exchange *exchange, size_t bytes) {
    exchange->has_begun = exchange->has_begun || bytes > 0;
    size_t parsed =
        http_parser_execute(&exchange->parser, &parser_settings, exchange->buffer, bytes);
    if (exchange->response.is_complete) {
        if (parsed < bytes)
            exchange->is_reusable = false; /* nobody asked for what follows */
        return 0;
    }
    if (bytes == 0)
        return -EPROTO;
    return HTTP_PARSER_ERRNO(&exchange->parser) == HPE_OK ? 0 : -EBADMSG;
}

bool http_exchange_keeps_connection(const struct http_exchange *exchange, int err) {
    return !err && exchange->is_kept_alive && exchange->is_reusable;
}

bool http_exchange_is_lost(const struct http_exchange *exchange, int err) {
    return !exchange->has_begun && (err == -EPROTO || err == -ECONNRESET || err == -EPIPE);
}

bool http_url_is_same_host(const struct http_url *one, const struct http_url *other) {
    return one == other || (one->address_length == other->address_length &&
                            !strcmp(one->authority, other->authority) &&
                            !memcmp(&one->address, &other->address, other->address_length));
}
