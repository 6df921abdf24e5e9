/* Looks at what makes a machine's timings unsteady: measures some of it, reads the rest. */
#ifndef TVA_HARNESS_EXAMINATION_H
#define TVA_HARNESS_EXAMINATION_H

#include <stdbool.h>
#include <stddef.h>

/* One finding: a number in `unit`, or a text. */
struct finding {
    const char *name;
    const char *unit; /* "" for a text */
    const char *advice;
    double value;
    char text[64];
    bool has_text;
    bool is_known; /* the number could be had */
    bool is_good;
};

/* Fills up to `room` findings and returns how many. Takes about a second, on one core. */
size_t examine_noise(struct finding *out, size_t room);

#endif
