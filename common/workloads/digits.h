/* Numbers as text without printf, which needs more stack than a task may have. */
#ifndef TVA_WORKLOADS_DIGITS_H
#define TVA_WORKLOADS_DIGITS_H

#include <stdint.h>

#define DIGITS_MAX 20 /* of 64 bits */

/* Writes the number so that it ends before `end`, with zeros before it where it has fewer than
   `least` digits, and returns where it begins. */
static inline char *digits_write(char *end, uint64_t number, int least) {
    for (; number || least > 0; number /= 10, least--)
        *--end = (char)('0' + number % 10);
    return end;
}

#endif
