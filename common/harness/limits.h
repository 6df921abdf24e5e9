/* The limits of the machine that bear on tasks, and which of them stopped a trial. */
#ifndef TVA_HARNESS_LIMITS_H
#define TVA_HARNESS_LIMITS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* What a limit limits. */
enum limit_kind {
    LIMIT_OF_THREADS = 1,
    LIMIT_OF_MEMORY = 2,
    LIMIT_OF_DESCRIPTORS = 4,
    LIMIT_OF_FILES = 8,
    LIMIT_OF_PORTS = 16,
};

#define LIMITS_COUNT 10
#define LIMITS_NONE INT64_MAX

struct limit {
    const char *name;
    enum limit_kind kind;
    int64_t value; /* LIMITS_NONE: there is none */
    int64_t
        room; /* for so many more of their kind, of threads less those that run on the machine */
};

/* Reads them all. Returns LIMITS_COUNT. */
size_t limits_survey(struct limit out[LIMITS_COUNT]);

/* The limits of this machine that bear on tasks, by name, for environment.json. A limit that there
   is not is null. The caller owns it. */
json_t *limits_json(void);

/* Names the limit that explains a negative errno met when there were `reached` tasks: of those that
   can cause it, the one that leaves room for the fewest tasks but not for fewer than there were.
   Returns {"name","value","reached"}, or NULL if none explains it. Call it once the tasks are gone,
   since what others take of a shared limit is read from the machine. The caller owns it. */
json_t *limits_explain(int error, int64_t reached);

#endif
