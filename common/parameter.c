#include "parameter.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *suffix;
    int64_t scale;
};

/* How the values of one kind are written, the smallest unit first. */
struct notation {
    const char *name;
    const char *examples;
    const char *atom; /* what a value is a whole number of */
    struct unit units[3];
};

static const struct notation notations[] = {
    [PARAMETER_COUNT] = {"count", "1000, 10k or 1M", "", {{"", 1}, {"k", 1000}, {"M", 1000000}}},
    [PARAMETER_DURATION] = {"duration",
                            "100us, 100ms or 100s",
                            " of nanoseconds",
                            {{"us", 1000}, {"ms", 1000000}, {"s", 1000000000}}},
    [PARAMETER_SIZE] = {"size",
                        "512, 64KiB or 1MiB",
                        " of bytes",
                        {{"", 1}, {"KiB", 1024}, {"MiB", 1048576}}},
};
enum { UNITS = 3 };

/* Room for "9223372036854775807", a point with three decimals and a unit. */
#define NUMBER_BYTES 32

__attribute__((format(printf, 2, 3))) static int fail(char message[PARAMETER_MESSAGE_BYTES],
                                                      const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(message, PARAMETER_MESSAGE_BYTES, format, args);
    va_end(args);
    for (char *c = message; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?'; /* what a user gave must not break the line */
    return -EINVAL;
}

static bool is_number(const struct parameter *parameter) {
    return parameter->kind <= PARAMETER_SIZE;
}

static bool has_auto(const struct parameter *parameter) {
    return is_number(parameter) && strcmp(parameter->fallback, "auto") == 0;
}

static int64_t *number_of(const struct parameter *parameter, const void *values) {
    return (int64_t *)((uintptr_t)values + parameter->offset);
}

static char **text_of(const struct parameter *parameter, const void *values) {
    return (char **)((uintptr_t)values + parameter->offset);
}

static void print_number(char out[NUMBER_BYTES], enum parameter_kind kind, int64_t value,
                         bool with_units) {
    const struct unit *units = notations[kind].units;
    int u = with_units ? UNITS - 1 : 0;
    while (u > 0 && value % units[u].scale)
        u--;
    if (value == 0)
        snprintf(out, NUMBER_BYTES, "0");
    else if (value % units[u].scale == 0)
        snprintf(out, NUMBER_BYTES, "%lld%s", (long long)(value / units[u].scale), units[u].suffix);
    else {
        /* Only durations have a smallest unit above 1: nanoseconds are thousandths of it. */
        int length = snprintf(out, NUMBER_BYTES, "%lld.%03d", (long long)(value / units[u].scale),
                              (int)(value % units[u].scale));
        while (out[length - 1] == '0')
            length--;
        snprintf(out + length, NUMBER_BYTES - (size_t)length, "%s", units[u].suffix);
    }
}

/* A number as written: digits 1.50 are kept as 150 with a divisor of 100. */
struct decimal {
    bool is_negative;
    bool is_too_large;
    unsigned __int128 digits;
    unsigned __int128 divisor;
    const char *unit;
};

/* Beyond this no further digit is taken: 10^19 is more than any value, and 10^19 units times 10^9
   stays well within 128 bits. */
#define DIGITS_MAX ((unsigned __int128)UINT64_C(10000000000000000000))

static bool read_decimal(const char *text, struct decimal *out) {
    *out = (struct decimal){.divisor = 1, .is_negative = *text == '-'};
    if (out->is_negative)
        text++;
    if (!isdigit((unsigned char)*text))
        return false;
    bool is_fraction = false;
    for (; isdigit((unsigned char)*text) || (*text == '.' && !is_fraction); text++) {
        if (*text == '.') {
            is_fraction = true;
            if (!isdigit((unsigned char)text[1]))
                return false;
            continue;
        }
        if (out->digits >= DIGITS_MAX || out->divisor >= DIGITS_MAX) {
            out->is_too_large = true;
            continue;
        }
        out->digits = out->digits * 10 + (unsigned)(*text - '0');
        if (is_fraction)
            out->divisor *= 10;
    }
    out->unit = text;
    return true;
}

static const struct unit *find_unit(const struct notation *notation, const char *suffix) {
    for (int u = 0; u < UNITS; u++)
        if (strcmp(notation->units[u].suffix, suffix) == 0)
            return &notation->units[u];
    return NULL;
}

static int fail_range(const struct parameter *parameter, const char *text,
                      char message[PARAMETER_MESSAGE_BYTES]) {
    char min[NUMBER_BYTES], max[NUMBER_BYTES];
    print_number(min, parameter->kind, parameter->min, true);
    print_number(max, parameter->kind, parameter->max, true);
    return fail(message, "%s: %.60s is out of range (%s%s to %s)", parameter->name, text,
                has_auto(parameter) ? "auto, or " : "", min, max);
}

static int fail_unit(const struct parameter *parameter, const char *text, const char *unit,
                     char message[PARAMETER_MESSAGE_BYTES]) {
    const struct notation *notation = &notations[parameter->kind];
    if (*unit)
        return fail(message, "%s: '%.60s' is not a %s (try %s)", parameter->name, text,
                    notation->name, notation->examples);
    return fail(message, "%s: '%.60s' has no unit (try %.40sus, %.40sms or %.40ss)",
                parameter->name, text, text, text, text);
}

static int read_number(const struct parameter *parameter, const char *text, int64_t *out,
                       char message[PARAMETER_MESSAGE_BYTES]) {
    const struct notation *notation = &notations[parameter->kind];
    if (has_auto(parameter) && strcmp(text, "auto") == 0) {
        *out = 0;
        return 0;
    }
    struct decimal number;
    if (!read_decimal(text, &number))
        return fail(message, "%s: '%.60s' is not a %s (try %s)", parameter->name, text,
                    notation->name, notation->examples);
    const struct unit *unit = find_unit(notation, number.unit);
    bool is_bare_zero = !*number.unit && !number.digits && !number.is_too_large;
    if (!unit && !is_bare_zero)
        return fail_unit(parameter, text, number.unit, message);
    if (number.is_too_large)
        return fail_range(parameter, text, message);
    unsigned __int128 value = number.digits * (uint64_t)(unit ? unit->scale : 1);
    if (value % number.divisor)
        return fail(message, "%s: '%.60s' is not a whole number%s", parameter->name, text,
                    notation->atom);
    value /= number.divisor;
    if (number.is_negative || value < (uint64_t)parameter->min || value > (uint64_t)parameter->max)
        return fail_range(parameter, text, message);
    *out = (int64_t)value;
    return 0;
}

static int read_flag(const struct parameter *parameter, const char *text, int64_t *out,
                     char message[PARAMETER_MESSAGE_BYTES]) {
    bool is_yes = strcmp(text, "yes") == 0;
    if (!is_yes && strcmp(text, "no") != 0)
        return fail(message, "%s: '%.60s' is neither yes nor no", parameter->name, text);
    *out = is_yes;
    return 0;
}

static int set_text(char **value, const char *text, bool append) {
    char *replacement = NULL;
    if (!append || !*value || !**value)
        replacement = strdup(text);
    else if (asprintf(&replacement, "%s|%s", *value, text) < 0)
        replacement = NULL;
    if (!replacement)
        return -ENOMEM;
    free(*value);
    *value = replacement;
    return 0;
}

static int set_value(const struct parameter *parameter, void *values, const char *text, bool append,
                     char message[PARAMETER_MESSAGE_BYTES]) {
    switch (parameter->kind) {
    case PARAMETER_TEXT:
        return set_text(text_of(parameter, values), text, append);
    case PARAMETER_FLAG:
        return read_flag(parameter, text, number_of(parameter, values), message);
    default:
        return read_number(parameter, text, number_of(parameter, values), message);
    }
}

int parameters_set_defaults(const struct parameter *table, void *values) {
    for (const struct parameter *p = table; p->name; p++)
        if (p->kind == PARAMETER_TEXT)
            *text_of(p, values) = NULL;
    char message[PARAMETER_MESSAGE_BYTES];
    for (const struct parameter *p = table; p->name; p++) {
        int err = set_value(p, values, p->fallback, false, message);
        if (err) {
            parameters_destroy(table, values);
            return err;
        }
    }
    return 0;
}

/* How many letters must be inserted, removed or replaced to make one name of the other
   (Levenshtein), for names of less than NAME_BYTES. */
enum { NAME_BYTES = 32 };
static size_t name_distance(const char *a, const char *b) {
    size_t row[NAME_BYTES];
    for (size_t j = 0; j <= strlen(b); j++)
        row[j] = j;
    for (size_t i = 1; i <= strlen(a); i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= strlen(b); j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t removed = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < removed ? replaced : removed;
        }
    }
    return row[strlen(b)];
}

/* The name that was probably meant, or NULL. */
static const char *find_similar(const struct parameter *table, const char *name) {
    const char *similar = NULL;
    size_t least = 3;
    for (const struct parameter *p = table; p->name; p++) {
        if (strlen(name) >= NAME_BYTES || strlen(p->name) >= NAME_BYTES)
            continue;
        size_t distance = name_distance(name, p->name);
        if (distance < least && distance < strlen(p->name)) {
            least = distance;
            similar = p->name;
        }
    }
    return similar;
}

static int fail_unknown(const struct parameter *table, const char *name,
                        char message[PARAMETER_MESSAGE_BYTES]) {
    char known[PARAMETER_MESSAGE_BYTES / 2] = "none";
    size_t length = 0;
    for (const struct parameter *p = table; p->name && length < sizeof known; p++)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s",
                                   p == table ? "" : ", ", p->name);
    const char *similar = find_similar(table, name);
    return fail(message, "unknown parameter '%.60s' (known: %s%s%s%s)", name, known,
                similar ? "; did you mean '" : "", similar ? similar : "", similar ? "'?" : "");
}

int parameters_set(const struct parameter *table, void *values, const char *name, const char *text,
                   bool append, char message[PARAMETER_MESSAGE_BYTES]) {
    for (const struct parameter *p = table; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return set_value(p, values, text, append, message);
    return fail_unknown(table, name, message);
}

static void print_text(FILE *stream, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == ',' || c == '%' || iscntrl(c) || c >= 0x80)
            fprintf(stream, "%%%02X", c);
        else
            fputc(c, stream);
    }
}

static void print_value(FILE *stream, const struct parameter *parameter, const void *values) {
    char number[NUMBER_BYTES];
    if (parameter->kind == PARAMETER_TEXT) {
        const char *text = *text_of(parameter, values);
        print_text(stream, text ? text : "");
    } else if (parameter->kind == PARAMETER_FLAG) {
        fputs(*number_of(parameter, values) ? "yes" : "no", stream);
    } else if (has_auto(parameter) && *number_of(parameter, values) == 0) {
        fputs("auto", stream);
    } else if (is_number(parameter)) {
        print_number(number, parameter->kind, *number_of(parameter, values),
                     parameter->kind != PARAMETER_COUNT);
        fputs(number, stream);
    }
}

char *parameters_print(const char *owner, const struct parameter *table, const void *values) {
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        return NULL;
    fprintf(stream, "%s:", owner);
    for (const struct parameter *p = table; p->name; p++) {
        fprintf(stream, "%s%s=", p == table ? "" : ",", p->name);
        print_value(stream, p, values);
    }
    bool is_whole = !ferror(stream);
    if (fclose(stream) == 0 && is_whole)
        return text;
    free(text);
    return NULL;
}

/* Undoes print_text, in place. Returns false at a '%' that is not followed by two digits. */
static bool unescape(char *text) {
    char *out = text;
    for (; *text; text++) {
        if (*text != '%') {
            *out++ = *text;
            continue;
        }
        if (!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
            return false;
        char digits[] = {text[1], text[2], '\0'};
        *out++ = (char)strtol(digits, NULL, 16);
        text += 2;
    }
    *out = '\0';
    return true;
}

/* Sets what one "name=value" says; `assignment` is changed. */
static int assign(const struct parameter *table, void *values, char *assignment,
                  char message[PARAMETER_MESSAGE_BYTES]) {
    char *value = strchr(assignment, '=');
    if (!*assignment)
        return fail(message, "there is a ',' without a parameter beside it");
    if (!value)
        return fail(message, "'%.60s' has no value (try %.60s=VALUE)", assignment, assignment);
    *value++ = '\0';
    if (!unescape(value))
        return fail(message, "%.60s: a '%%' in '%.60s' is not followed by two hexadecimal digits",
                    assignment, value);
    return parameters_set(table, values, assignment, value, false, message);
}

int parameters_parse(const struct parameter *table, void *values, const char *text,
                     char message[PARAMETER_MESSAGE_BYTES]) {
    int err = parameters_set_defaults(table, values);
    if (err)
        return err;
    char *copy = strdup(text);
    if (!copy)
        err = -ENOMEM;
    char *rest = copy && *copy ? copy : NULL;
    while (rest && !err)
        err = assign(table, values, strsep(&rest, ","), message);
    free(copy);
    if (err)
        parameters_destroy(table, values);
    return err;
}

void parameters_destroy(const struct parameter *table, void *values) {
    for (const struct parameter *p = table; p->name; p++) {
        if (p->kind != PARAMETER_TEXT)
            continue;
        free(*text_of(p, values));
        *text_of(p, values) = NULL;
    }
}
