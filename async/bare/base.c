#include "async/bare/base.h"

#include <errno.h>

#include "clock.h"

struct event_base *base_create(bool is_precise) {
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    if (is_precise) {
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
        event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    }
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

/* libevent cuts the time at which a timer is added to a microsecond: one more, so that no wait is
   cut short. */
struct timeval base_timeval(int64_t duration_ns) {
    int64_t us = (duration_ns + NS_PER_US - 1) / NS_PER_US + 1;
    return (struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000};
}

int base_wait(struct event *timer, int64_t wait_ns, const struct timeval *common) {
    if (wait_ns <= 0) {
        event_active(timer, EV_TIMEOUT, 0);
        return 0;
    }
    if (common)
        return event_add(timer, common) ? -ENOMEM : 0;
    struct timeval wait = base_timeval(wait_ns);
    return event_add(timer, &wait) ? -ENOMEM : 0;
}
