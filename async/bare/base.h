/* What the three floors share: an event base, and waits on its timers. */
#ifndef TVA_ASYNC_BARE_BASE_H
#define TVA_ASYNC_BARE_BASE_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "bare/bare.h"

/* Makes a base for one thread. With is_precise its timers wait to the microsecond, from the time at
   which they are added; otherwise to the millisecond, from that at which its callbacks began, for
   time limits that are hardly ever met. The caller frees it. Returns NULL when memory or
   descriptors are out. */
struct event_base *base_create(bool is_precise);

/* Calls an event's callback after at least `wait_ns`; after 0, when others have had their turn.
   `common` is what event_base_init_common_timeout() made of base_timeval(wait_ns), or NULL. Returns
   0 or -ENOMEM. */
int base_wait(struct event *timer, int64_t wait_ns, const struct timeval *common);

/* A duration as libevent counts it. */
struct timeval base_timeval(int64_t duration_ns);

extern const struct bare_body bare_callbacks_sleep;
extern const struct bare_body bare_callbacks_chain;
extern const struct bare_body bare_callbacks_fetch;

#endif
