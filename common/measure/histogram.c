#include "measure/histogram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Values below EXACT_VALUES are their own bucket. Above, a value of b significant bits lies in the
   group b - EXACT_BITS - 1, counted from 0, whose buckets are 2^(b - GROUP_BITS - 1) wide. */
enum {
    EXACT_BITS = 8,
    EXACT_VALUES = 1 << EXACT_BITS,
    GROUP_BITS = 7,
    GROUP_BUCKETS = 1 << GROUP_BITS,
    VALUE_BITS = 62,
    BUCKETS = EXACT_VALUES + (VALUE_BITS - EXACT_BITS) * GROUP_BUCKETS,
};

/* Beyond a percentile, for it to be told. */
#define TELLING_VALUES 10

struct histogram {
    uint64_t count;
    int64_t min;
    int64_t max;
    unsigned __int128 sum; /* exact: 2^64 values of 2^62 do not overflow it */
    uint64_t counts[BUCKETS];
};

static unsigned bucket_index(int64_t value) {
    if (value < EXACT_VALUES)
        return (unsigned)value;
    unsigned bits = 64 - (unsigned)__builtin_clzll((unsigned long long)value);
    unsigned group = bits - EXACT_BITS - 1;
    unsigned in_group = (unsigned)(value >> (bits - GROUP_BITS - 1)) - GROUP_BUCKETS;
    return EXACT_VALUES + group * GROUP_BUCKETS + in_group;
}

/* The least value of a bucket; for index BUCKETS, the end of the last one. */
static int64_t bucket_from(unsigned index) {
    if (index < EXACT_VALUES)
        return index;
    unsigned group = (index - EXACT_VALUES) / GROUP_BUCKETS;
    unsigned in_group = (index - EXACT_VALUES) % GROUP_BUCKETS;
    return (int64_t)(GROUP_BUCKETS + in_group) << (group + EXACT_BITS - GROUP_BITS);
}

int histogram_create(struct histogram **out) {
    struct histogram *histogram = malloc(sizeof *histogram);
    if (!histogram)
        return -ENOMEM;
    /* Not calloc: recording must not be the first to touch a page. */
    memset(histogram, 0, sizeof *histogram);
    histogram->min = -1;
    histogram->max = -1;
    *out = histogram;
    return 0;
}

void histogram_record(struct histogram *histogram, int64_t value) {
    if (value < 0)
        value = 0;
    if (value > HISTOGRAM_VALUE_MAX)
        value = HISTOGRAM_VALUE_MAX;
    if (!histogram->count || value < histogram->min)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
    histogram->count++;
    histogram->sum += (uint64_t)value;
    histogram->counts[bucket_index(value)]++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other) {
    if (!other->count)
        return;
    if (!histogram->count || other->min < histogram->min)
        histogram->min = other->min;
    if (other->max > histogram->max)
        histogram->max = other->max;
    histogram->count += other->count;
    histogram->sum += other->sum;
    for (unsigned i = 0; i < BUCKETS; i++)
        histogram->counts[i] += other->counts[i];
}

uint64_t histogram_count(const struct histogram *histogram) {
    return histogram->count;
}

int64_t histogram_min(const struct histogram *histogram) {
    return histogram->min;
}

int64_t histogram_max(const struct histogram *histogram) {
    return histogram->max;
}

int64_t histogram_mean(const struct histogram *histogram) {
    if (!histogram->count)
        return -1;
    return (int64_t)((histogram->sum + histogram->count / 2) / histogram->count);
}

int64_t histogram_percentile(const struct histogram *histogram, unsigned per_100k) {
    unsigned __int128 share = (unsigned __int128)histogram->count * per_100k;
    uint64_t rank = (uint64_t)((share + 99999) / 100000);
    if (histogram->count - rank < TELLING_VALUES)
        return -1;
    uint64_t below = 0;
    unsigned index = 0;
    while (below + histogram->counts[index] < rank)
        below += histogram->counts[index++];
    int64_t upper = bucket_from(index + 1) - 1;
    return upper < histogram->max ? upper : histogram->max;
}

bool histogram_next_bucket(const struct histogram *histogram, unsigned *cursor,
                           struct histogram_bucket *out) {
    while (*cursor < BUCKETS && !histogram->counts[*cursor])
        ++*cursor;
    if (*cursor == BUCKETS)
        return false;
    *out = (struct histogram_bucket){.from = bucket_from(*cursor),
                                     .to = bucket_from(*cursor + 1),
                                     .count = histogram->counts[*cursor]};
    ++*cursor;
    return true;
}

void histogram_destroy(struct histogram *histogram) {
    free(histogram);
}
