/* The blocking calls that the workload "blocking" makes: each holds the thread that makes it for a
   known time, as a library call would that knows nothing of loops. Here, other than elsewhere in
   workloads/, clocks are read: how long a call lasts is what it is made of. */
#ifndef TVA_WORKLOADS_BLOCK_CALL_H
#define TVA_WORKLOADS_BLOCK_CALL_H

#include <stddef.h>
#include <stdint.h>

enum block_kind {
    BLOCK_SLEEP,       /* clock_nanosleep(2) */
    BLOCK_SPIN,        /* computes until its thread has used as much CPU time */
    BLOCK_GETADDRINFO, /* a look-up that our own server on the loopback answers late */
    BLOCK_FSYNC,       /* of a real file, for as long as the disk takes */
    BLOCK_LOCK,        /* a mutex that another thread, of no model, holds meanwhile */
};

/* What the kinds are called, in that order, ended by NULL. */
extern const char *const block_kind_names[];

struct block_call_options {
    enum block_kind kind;
    int64_t duration_ns; /* of each call; fsync takes what it takes */
    uint64_t callers;    /* that may be in a call at once */
};

/* The most stack that a call of a kind uses: getaddrinfo(3) keeps the answers there. */
size_t block_call_stack_bytes(enum block_kind kind);

/* What the calls of one kind need. */
struct block_call;

/* Makes what has to be there before the first call: a file each, a thread that holds the lock each,
   the slow name server. The caller destroys *out once no call is under way. Returns 0, or a
   negative errno with a line in message. */
int block_call_create(struct block_call **out, const struct block_call_options *options,
                      char *message, size_t message_bytes);

/* Makes call `number` as `caller`, 0 <= caller < callers, in the calling thread. Numbers are
   unique. Needs up to block_call_stack_bytes() of stack. Returns 0, or the negative errno that the
   call ended with; -EBADMSG for an answer that is not the one to that question. */
int block_call_make(struct block_call *call, uint64_t caller, uint64_t number);

void block_call_destroy(struct block_call *call);

#endif
