/* Parameters as data: a workload and a model each list theirs in a table, and from the table come
   the command line, the help, the plan's keys and the canonical string that results are paired by.
 */
#ifndef TVA_PARAMETER_H
#define TVA_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum parameter_kind {
    PARAMETER_COUNT,    /* 1000, 10k, 1.5M */
    PARAMETER_DURATION, /* 10us, 100ms, 1.5s; 0 without a unit; kept in nanoseconds */
    PARAMETER_SIZE,     /* 512, 64KiB, 1MiB; kept in bytes */
    PARAMETER_FLAG,     /* yes or no; kept as 1 or 0 */
    PARAMETER_TEXT,     /* any; several values are joined by '|'; kept as an allocated string */
};

/* One parameter. The value lives in a struct of the owner's, at `offset`: an int64_t, for text a
   char *. The table ends with a parameter without a name. */
struct parameter {
    const char *name;
    enum parameter_kind kind;
    size_t offset;
    const char *fallback;  /* the default, as text; "auto" stands for 0, and may be given as such */
    int64_t min, max;      /* inclusive, not negative; of counts, durations and sizes alone */
    const char *unit_help; /* what the help shows as the value, such as DURATION */
    const char *help;
};

/* Long enough for any message of this module; a longer list of names is cut. */
#define PARAMETER_MESSAGE_BYTES 512

/* Sets all parameters of a table to their defaults, over whatever *values holds. The caller
   destroys them. Returns 0 or -ENOMEM: then there is nothing to destroy. */
int parameters_set_defaults(const struct parameter *table, void *values);

/* Reads `text` as the value of the parameter called `name`. A text parameter that is set again has
   its value replaced, or, with `append`, gets a further one. Returns 0; -EINVAL with one line in
   message that says what is wrong and what to try (unknown name: the known ones; unknown unit: the
   units; out of range: the range); -ENOMEM. On an error the value is what it was. */
int parameters_set(const struct parameter *table, void *values, const char *name, const char *text,
                   bool append, char message[PARAMETER_MESSAGE_BYTES]);

/* Writes "owner:name=value,..." with every parameter of the table in its order: counts in digits,
   durations and sizes in the largest unit that leaves them whole (0; 100ms; 64KiB; below a
   microsecond there is no unit: 1.5us), so that equal values give equal strings. A comma, a '%', a
   control character or a byte beyond ASCII in a text is written as %XX. Returns the allocated
   string, which the caller frees, or NULL when memory is out. */
char *parameters_print(const char *owner, const struct parameter *table, const void *values);

/* Reads what parameters_print() wrote, after "owner:"; parameters that do not occur keep their
   defaults. Sets *values from scratch, as parameters_set_defaults() does. Returns as parameters_set
   does; on an error there is nothing to destroy. */
int parameters_parse(const struct parameter *table, void *values, const char *text,
                     char message[PARAMETER_MESSAGE_BYTES]);

/* Frees the texts in values. */
void parameters_destroy(const struct parameter *table, void *values);

#endif
