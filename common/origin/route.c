#include "origin/route.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "http/body.h"

#define USAGE                                                                                      \
    "try /bytes/N, /delay/SECONDS, /chunked/N, /status/CODE or /close/N, "                         \
    "with ?seed=S&bytes=N&delay=SECONDS\n"

/* A piece of the target; it does not end in a NUL. */
struct piece {
    const char *start;
    size_t length;
};

static bool piece_is(struct piece piece, const char *text) {
    return piece.length == strlen(text) && !memcmp(piece.start, text, piece.length);
}

/* Takes what is before the first separator, or all, off the front of *rest, and the separator. */
static struct piece piece_split(struct piece *rest, char separator) {
    const char *end = memchr(rest->start, separator, rest->length);
    struct piece front = {rest->start, end ? (size_t)(end - rest->start) : rest->length};
    size_t taken = front.length + (end ? 1 : 0);
    *rest = (struct piece){rest->start + taken, rest->length - taken};
    return front;
}

/* Reads digits, all of the piece, as a number of at most `max`. */
static bool read_number(struct piece piece, uint64_t max, uint64_t *out) {
    uint64_t number = 0;
    for (size_t i = 0; i < piece.length; i++) {
        if (!isdigit((unsigned char)piece.start[i]))
            return false;
        uint64_t digit = (uint64_t)(piece.start[i] - '0');
        if (number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return piece.length > 0;
}

/* Reads seconds with up to nine digits behind the point, exactly: a double would round them. */
static bool read_seconds(struct piece piece, uint64_t *out_ns) {
    bool has_point = memchr(piece.start, '.', piece.length);
    struct piece whole = piece_split(&piece, '.');
    uint64_t seconds = 0, fraction = 0;
    if (!read_number(whole, ROUTE_DELAY_MAX_NS / NS_PER_S, &seconds))
        return false;
    if (has_point && (piece.length > 9 || !read_number(piece, NS_PER_S, &fraction)))
        return false;
    for (size_t digits = piece.length; digits < 9; digits++)
        fraction *= 10;
    *out_ns = seconds * NS_PER_S + fraction;
    return *out_ns <= ROUTE_DELAY_MAX_NS;
}

enum value { VALUE_BYTES, VALUE_DELAY, VALUE_SEED, VALUE_STATUS, VALUES };

static const char *const value_help[VALUES] = {
    [VALUE_BYTES] = "bytes: a number from 0 to 67108864\n",
    [VALUE_DELAY] = "delay: seconds from 0 to 3600, such as 0.05\n",
    [VALUE_SEED] = "seed: a number from 0 to 18446744073709551615\n",
    [VALUE_STATUS] = "status: a number from 200 to 599\n",
};

static bool read_value(struct route *route, enum value value, struct piece text) {
    uint64_t number = 0;
    bool is_right =
        value == VALUE_DELAY ? read_seconds(text, &number) : read_number(text, UINT64_MAX, &number);
    if (!is_right)
        return false;
    switch (value) {
    case VALUE_BYTES:
        route->bytes = (int64_t)number;
        return number <= BODY_BYTES_MAX;
    case VALUE_DELAY:
        route->delay_ns = (int64_t)number;
        return true;
    case VALUE_SEED:
        route->seed = number;
        return true;
    default:
        route->status = (int)number;
        return number >= 200 && number <= 599;
    }
}

/* What the last part of an endpoint's path says. */
static const struct endpoint {
    const char *name;
    enum value value;
    bool is_chunked, is_cut;
} endpoints[] = {
    {"bytes", VALUE_BYTES, false, false},  {"delay", VALUE_DELAY, false, false},
    {"chunked", VALUE_BYTES, true, false}, {"status", VALUE_STATUS, false, false},
    {"close", VALUE_BYTES, false, true},
};

static const struct endpoint *find_endpoint(struct piece name) {
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (piece_is(name, endpoints[i].name))
            return &endpoints[i];
    return NULL;
}

static int refuse(char message[ROUTE_MESSAGE_BYTES], struct piece text, const char *help) {
    snprintf(message, ROUTE_MESSAGE_BYTES, "\"%.*s\" is not right for %s",
             text.length < 100 ? (int)text.length : 100, text.start, help);
    return -EINVAL;
}

static int read_query(struct route *route, enum value path_value, struct piece query,
                      char message[ROUTE_MESSAGE_BYTES]) {
    static const char *const keys[] = {
        [VALUE_BYTES] = "bytes", [VALUE_DELAY] = "delay", [VALUE_SEED] = "seed"};
    while (query.length) {
        struct piece setting = piece_split(&query, '&');
        struct piece text = setting;
        struct piece key = piece_split(&text, '=');
        enum value value = VALUE_BYTES;
        while (value < VALUE_STATUS && !piece_is(key, keys[value]))
            value++;
        if (value == VALUE_STATUS || value == path_value)
            return refuse(message, setting, "this path: " USAGE);
        if (!read_value(route, value, text))
            return refuse(message, setting, value_help[value]);
    }
    return 0;
}

int route_parse(const char *target, struct route *out, char message[ROUTE_MESSAGE_BYTES]) {
    struct piece query = {target, strlen(target)};
    struct piece last = piece_split(&query, '?');
    piece_split(&last, '/'); /* the nothing before the first */
    struct piece name = piece_split(&last, '/');
    const struct endpoint *endpoint = find_endpoint(name);
    if (!endpoint) {
        snprintf(message, ROUTE_MESSAGE_BYTES, "no such endpoint: " USAGE);
        return -ENOENT;
    }
    struct route route = {
        .status = 200, .is_chunked = endpoint->is_chunked, .is_cut = endpoint->is_cut};
    if (!read_value(&route, endpoint->value, last))
        return refuse(message, last, value_help[endpoint->value]);
    int err = read_query(&route, endpoint->value, query, message);
    if (err)
        return err;
    if (route.bytes && (route.status == 204 || route.status == 304)) {
        snprintf(message, ROUTE_MESSAGE_BYTES, "a %d response has no body: leave bytes out\n",
                 route.status);
        return -EINVAL;
    }
    *out = route;
    return 0;
}
