#include "workloads/touch.h"

#include <stddef.h>

/* In a file of its own, and from the upper end down, as a stack grows: the first write beyond it
   meets the guard page. Nothing written is zero, since that would be taken for an unused stack. */
__attribute__((noinline)) void touch_stack(int64_t bytes) {
    size_t words = ((size_t)bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    if (words == 0)
        return;
    uint64_t area[words];
    for (volatile uint64_t *end = area + words; end > area;)
        *--end = UINT64_MAX;
}
