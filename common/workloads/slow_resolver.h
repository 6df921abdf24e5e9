/* A name server of our own on 127.0.0.1 that answers each question after a delay, and look-ups by
   getaddrinfo(3) that go to it: a slow look-up without an outside network. Needs glibc, whose
   resolver lets a thread choose its server. */
#ifndef TVA_WORKLOADS_SLOW_RESOLVER_H
#define TVA_WORKLOADS_SLOW_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

struct slow_resolver;

/* Starts the server and makes one look-up to prove that this process's look-ups reach it. From here
   on all host names of the process are looked up by DNS alone, whatever /etc/nsswitch.conf says.
   `lookups_max` may be under way at once. The caller destroys *out. Returns 0, or a negative errno
   with a line in message. */
int slow_resolver_create(struct slow_resolver **out, int64_t delay_ns, uint64_t lookups_max,
                         char *message, size_t message_bytes);

/* Looks up a name that is made of `number` and checks the address. Blocks the calling thread for
   the delay; any thread may call. Returns 0; -EBADMSG if the address is that of another name;
   -EHOSTUNREACH if no answer came, or what else the look-up failed with. */
int slow_resolver_look_up(const struct slow_resolver *resolver, uint64_t number);

/* NULL is allowed. */
void slow_resolver_destroy(struct slow_resolver *resolver);

#endif
