/* A histogram of durations whose buckets are the same everywhere, so that histograms of different
   trials are merged by adding counts. Values below 256 have a bucket each; above, every power of
   two is divided into 128 equal buckets, so that a bucket's upper end is at most 1/128 (0.8 %)
   above any value in it. Count, minimum, maximum and sum are kept exactly.

   Recording takes a constant time and allocates nothing. One thread at a time. */
#ifndef TVA_MEASURE_HISTOGRAM_H
#define TVA_MEASURE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

/* The largest value; a greater one is recorded as this one. In nanoseconds 146 years. */
#define HISTOGRAM_VALUE_MAX ((INT64_C(1) << 62) - 1)

struct histogram;

/* A bucket holds the values from <= value < to. */
struct histogram_bucket {
    int64_t from;
    int64_t to;
    uint64_t count;
};

/* Creates an empty histogram of 56 KiB, all of it touched. The caller destroys *out. Returns 0 or
   -ENOMEM. */
int histogram_create(struct histogram **out);

/* Counts one value. A negative one, which no duration can be, is counted as 0. */
void histogram_record(struct histogram *histogram, int64_t value);

/* Adds all that `other` counted. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

uint64_t histogram_count(const struct histogram *histogram);

/* Exact, and the mean rounded to the nearest integer. All are -1 for an empty histogram. */
int64_t histogram_min(const struct histogram *histogram);
int64_t histogram_max(const struct histogram *histogram);
int64_t histogram_mean(const struct histogram *histogram);

/* The value that `per_100k` of 100,000 values do not exceed: 50000 is the median, 99900 the 99.9th
   percentile. It is the inclusive upper end of the bucket that holds the value of rank
   ceil(per_100k * count / 100000), or the maximum where that is less, and so never below the exact
   one and at most 1/128 above it. Returns -1 where fewer than ten values lie beyond that rank: such
   a percentile would be a statement about single values. 0 < per_100k <= 100000. */
int64_t histogram_percentile(const struct histogram *histogram, unsigned per_100k);

/* Walks through the buckets that are not empty, by rising value. *cursor is 0 at first and belongs
   to this function. Returns false when there is no further bucket; then *out is not set. */
bool histogram_next_bucket(const struct histogram *histogram, unsigned *cursor,
                           struct histogram_bucket *out);

/* NULL is allowed. */
void histogram_destroy(struct histogram *histogram);

#endif
