#include "harness/json_difference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 256
#define VALUE_BYTES 100

struct search {
    int64_t tolerance_percent;
    char path[PATH_BYTES]; /* of the values that are compared */
    char *text;
};

static bool find(struct search *search, const json_t *was, const json_t *is);

/* The begin of a value as JSON, or "nothing". */
static void print_value(const json_t *value, char text[VALUE_BYTES]) {
    char *dumped = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    int length = snprintf(text, VALUE_BYTES, "%s", dumped ? dumped : "nothing");
    if (length >= VALUE_BYTES)
        memcpy(text + VALUE_BYTES - sizeof "...", "...", sizeof "...");
    free(dumped);
}

static bool tell(struct search *search, const json_t *was, const json_t *is) {
    char was_text[VALUE_BYTES], is_text[VALUE_BYTES];
    print_value(was, was_text);
    print_value(is, is_text);
    snprintf(search->text, JSON_DIFFERENCE_BYTES, "%s: was %s, is %s", search->path, was_text,
             is_text);
    return true;
}

/* Compares two members; the path is longer by the name of theirs meanwhile. */
static bool find_below(struct search *search, const char *name, const json_t *was,
                       const json_t *is) {
    size_t length = strlen(search->path);
    bool has_dot = length > 0 && *name != '[';
    snprintf(search->path + length, PATH_BYTES - length, "%s%s", has_dot ? "." : "", name);
    bool differs = find(search, was, is);
    search->path[length] = '\0';
    return differs;
}

static bool find_in_objects(struct search *search, const json_t *was, const json_t *is) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)was, key, value) {
        if (find_below(search, key, value, json_object_get(is, key)))
            return true;
    }
    json_object_foreach((json_t *)is, key, value) {
        if (!json_object_get(was, key) && find_below(search, key, NULL, value))
            return true;
    }
    return false;
}

static bool find_in_arrays(struct search *search, const json_t *was, const json_t *is) {
    size_t was_count = json_array_size(was), is_count = json_array_size(is);
    for (size_t i = 0; i < was_count || i < is_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "[%zu]", i);
        if (find_below(search, name, json_array_get(was, i), json_array_get(is, i)))
            return true;
    }
    return false;
}

static bool is_close(json_int_t a, json_int_t b, int64_t tolerance_percent) {
    double greater = (double)(a > b ? a : b), apart = fabs((double)a - (double)b);
    return apart * 100 <= greater * (double)tolerance_percent;
}

static bool find(struct search *search, const json_t *was, const json_t *is) {
    if (json_is_object(was) && json_is_object(is))
        return find_in_objects(search, was, is);
    if (json_is_array(was) && json_is_array(is))
        return find_in_arrays(search, was, is);
    if (json_is_integer(was) && json_is_integer(is) && search->tolerance_percent > 0 &&
        is_close(json_integer_value(was), json_integer_value(is), search->tolerance_percent))
        return false;
    return json_equal(was, is) ? false : tell(search, was, is);
}

bool json_difference(const json_t *was, const json_t *is, int64_t tolerance_percent,
                     char text[JSON_DIFFERENCE_BYTES]) {
    struct search search = {.tolerance_percent = tolerance_percent, .text = text};
    return find(&search, was, is);
}
