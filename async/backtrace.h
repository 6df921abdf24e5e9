/* Which functions a thread was in, by a snapshot of it: the call frames are found by the unwind
   tables of the files that the process is made of, and named by their symbols, static ones too, and
   by line where there is debugging information. */
#ifndef TVA_ASYNC_BACKTRACE_H
#define TVA_ASYNC_BACKTRACE_H

#include "async/snapshot.h"

#include <stdbool.h>

#define BACKTRACE_FRAMES_MAX 12

struct frame {
    uint64_t function; /* its address; of code without a symbol: that of the frame */
    char name[64];
    char line[48]; /* "count.c:32", or "" */
};

struct backtrace {
    size_t count;
    size_t own; /* the first frame, from the innermost, that is not in a library it called */
    struct frame frames[BACKTRACE_FRAMES_MAX]; /* innermost first */
};

/* Reads symbols when it is first asked and keeps them. One thread at a time uses one. */
struct unwinder;

int unwinder_create(struct unwinder **out); /* -ENOMEM */
void unwinder_destroy(struct unwinder *unwinder);

/* Finds the frames from the innermost to that of `outermost`, the function at that address, or as
   many as there is room for; none if nothing is known of the code. */
void unwinder_walk(struct unwinder *unwinder, const struct snapshot *snapshot, uint64_t outermost,
                   struct backtrace *out);

/* Whether both lead through the same functions, whatever libraries were called by the last. */
bool backtrace_is_same(const struct backtrace *a, const struct backtrace *b);

#endif
