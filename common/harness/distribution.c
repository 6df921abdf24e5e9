#include "harness/distribution.h"

json_t *figure_json(int64_t value) {
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *buckets_json(const struct histogram *histogram) {
    json_t *buckets = json_array();
    struct histogram_bucket bucket;
    unsigned cursor = 0;
    while (histogram_next_bucket(histogram, &cursor, &bucket))
        json_array_append_new(buckets, json_pack("[I, I, I]", (json_int_t)bucket.from,
                                                 (json_int_t)bucket.to, (json_int_t)bucket.count));
    return buckets;
}

json_t *distribution_json(const struct histogram *h) {
    if (!h)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "count",
                     (json_int_t)histogram_count(h), "min", figure_json(histogram_min(h)), "mean",
                     figure_json(histogram_mean(h)), "p50",
                     figure_json(histogram_percentile(h, 50000)), "p90",
                     figure_json(histogram_percentile(h, 90000)), "p99",
                     figure_json(histogram_percentile(h, 99000)), "p999",
                     figure_json(histogram_percentile(h, 99900)), "max",
                     figure_json(histogram_max(h)), "buckets", buckets_json(h));
}
