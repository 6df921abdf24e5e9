/* One reply of the origin: waits its delay, then sends the body in pieces, each made when the one
   before has gone out, so that a long body takes no more memory than a short one. */
#ifndef TVA_ORIGIN_REPLY_H
#define TVA_ORIGIN_REPLY_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>

#include "origin/route.h"

/* What all replies of an origin share; its owner outlives them. */
struct reply_shared {
    struct event_base *base;
    struct evbuffer *piece; /* empty between calls */
    uint64_t body_bytes;    /* that were handed over to be sent */
};

/* Answers a request as the route says. Ends with the request or with its connection, whichever is
   first, so that evhttp_free() ends all there are. */
void reply_start(struct evhttp_request *request, const struct route *route,
                 struct reply_shared *shared);

/* Answers a request that the origin cannot serve, at once, with a line for people. */
void reply_refuse(struct evhttp_request *request, int status, const char *text,
                  struct reply_shared *shared);

#endif
