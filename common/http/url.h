/* Where a request goes: a URL taken apart, and its host's address. For use before anything is
   timed: resolving waits for the resolver, whatever the model. */
#ifndef TVA_HTTP_URL_H
#define TVA_HTTP_URL_H

#include <stdint.h>
#include <sys/socket.h>

#define HTTP_MESSAGE_BYTES 512

#define HTTP_HOST_BYTES 256
#define HTTP_AUTHORITY_BYTES (HTTP_HOST_BYTES + 8)

struct http_url {
    char host[HTTP_HOST_BYTES];           /* an IPv6 address without its brackets */
    char authority[HTTP_AUTHORITY_BYTES]; /* as the Host header has it: host, ":port" if not 80 */
    uint16_t port;
    struct sockaddr_storage address; /* from http_url_resolve */
    socklen_t address_length;        /* 0 until then */
    char target[];                   /* what is asked for: path and query, at least "/" */
};

/* Takes "http://host[:port][/path][?query]" apart; a fragment is dropped. The caller destroys *out.
   Returns 0; -EINVAL with one line in message that says what is wrong with which URL; -ENOMEM. */
int http_url_create(struct http_url **out, const char *text, char message[HTTP_MESSAGE_BYTES]);

/* Finds the host's address. Of several ("localhost" is often both ::1 and 127.0.0.1) it takes the
   first that accepts a connection, or the first of all if none does. Blocks the calling thread, up
   to 2 s for each address that does not answer. Returns 0, or -EHOSTUNREACH with one line in
   message. */
int http_url_resolve(struct http_url *url, char message[HTTP_MESSAGE_BYTES]);

void http_url_destroy(struct http_url *url);

#endif
