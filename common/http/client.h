/* An HTTP/1.1 client over task streams: one connection, one GET at a time. It waits in stream_*
   alone, so it runs in every model. All its memory is allocated by http_connection_create; a
   request allocates nothing of its own, formats nothing with printf and keeps its buffers off the
   task's stack, which may be small. */
#ifndef TVA_HTTP_CLIENT_H
#define TVA_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/exchange.h"

/* One task at a time may use it. */
struct http_connection;

/* Allocates and touches a connection, which is not open yet, for targets of up to target_bytes_max
   bytes; it reads up to buffer_bytes at a time. With is_kept_alive it stays open between requests
   where the server allows it; otherwise each request asks the server to close and opens a new one.
   The caller destroys it. Returns 0 or -ENOMEM. */
int http_connection_create(struct http_connection **out, size_t target_bytes_max,
                           size_t buffer_bytes, bool is_kept_alive);

/* The connection must be closed: closing is for tasks. */
void http_connection_destroy(struct http_connection *connection);

/* Gets `target` from the host of `url`, whose own target it does not look at, and reads the
   response to its end; interim responses (1xx) are skipped, redirections are responses like others.
   A connection that is open to another host is closed first; url must be resolved and outlive the
   connection. Fills *out in any case, as far as it came.

   A kept connection that the server has closed meanwhile shows only when it is used; a request that
   got not one byte of a response from it is sent again, once, on a new one, within the same
   deadline. So a server may see a request twice.

   Returns 0 for a complete response of whatever status;
   -EPROTO    the server closed before the response was complete;
   -EBADMSG   what it sent is not an HTTP/1 response;
   -ETIMEDOUT and what else stream_connect, stream_read and stream_write return;
   -EMSGSIZE  the target is longer than target_bytes_max: nothing was sent.
   After any other error the connection is closed. */
int http_get(struct http_connection *connection, const struct http_url *url, const char *target,
             int64_t deadline, struct http_response *out);

/* Closes the connection if it is open; a further request opens it again. */
void http_connection_close(struct http_connection *connection);

#endif
