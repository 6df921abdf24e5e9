/* One HTTP/1.1 GET at a time without its input and output: the bytes of the request, and the
   response, parsed as its bytes come. Who moves the bytes, and how it waits for them, is the
   caller's: the client does it over task streams, the bare floors by hand. All memory is allocated
   by http_exchange_create. */
#ifndef TVA_HTTP_EXCHANGE_H
#define TVA_HTTP_EXCHANGE_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/url.h"

struct http_response {
    int status; /* 0 if its headers did not come */
    bool is_complete;
    uint64_t body_bytes;    /* without the framing of chunks */
    uint64_t body_checksum; /* as http/checksum.h computes it */
};

struct http_exchange {
    struct http_response response; /* as far as it came */
    bool is_kept_alive;            /* what we wish of the connection */
    bool is_reusable;              /* what the response allows; false until it is complete */
    bool has_begun;                /* a byte of the response has come */
    http_parser parser;
    size_t target_bytes_max;
    size_t request_bytes;
    size_t buffer_bytes;
    char *buffer;   /* to read into, behind the request */
    char request[]; /* as it is to be sent */
};

/* Allocates and touches one, for targets of up to target_bytes_max bytes and reads of up to
   buffer_bytes. The caller frees it by http_exchange_destroy. Returns 0 or -ENOMEM. */
int http_exchange_create(struct http_exchange **out, size_t target_bytes_max, size_t buffer_bytes,
                         bool is_kept_alive);
void http_exchange_destroy(struct http_exchange *exchange);

/* Writes the request. Returns 0, or -EMSGSIZE where the target is too long. */
int http_exchange_begin(struct http_exchange *exchange, const struct http_url *url,
                        const char *target);

/* Forgets what came of the response: the same request is to be sent again. */
void http_exchange_restart(struct http_exchange *exchange);

/* Parses `bytes` that were read into the buffer; 0 at the end of the stream, which may be the
   response's. Returns 0: look at response.is_complete; -EPROTO, -EBADMSG as http_get(). */
int http_exchange_take(struct http_exchange *exchange, size_t bytes);

/* Whether the connection stays open for a further request after this one ended with `err`. */
bool http_exchange_keeps_connection(const struct http_exchange *exchange, int err);

/* Whether, after `err` on a kept connection, the server may have closed that before it saw the
   request: then it is sent again, once, on a new one. */
bool http_exchange_is_lost(const struct http_exchange *exchange, int err);

/* Whether a connection that is open to one serves for the other. */
bool http_url_is_same_host(const struct http_url *one, const struct http_url *other);

#endif
