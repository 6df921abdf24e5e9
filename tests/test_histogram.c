/* The histogram: its buckets, its exact figures, and how far a percentile may be off. */
#include "measure/histogram.h"

#include "workloads/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct histogram *create(void) {
    struct histogram *histogram = NULL;
    assert_int_equal(histogram_create(&histogram), 0);
    return histogram;
}

static void assert_bucket(int64_t value, int64_t from, int64_t to) {
    struct histogram *histogram = create();
    histogram_record(histogram, value);
    unsigned cursor = 0;
    struct histogram_bucket bucket = {0};
    assert_true(histogram_next_bucket(histogram, &cursor, &bucket));
    assert_int_equal(bucket.from, from);
    assert_int_equal(bucket.to, to);
    assert_int_equal(bucket.count, 1);
    assert_false(histogram_next_bucket(histogram, &cursor, &bucket));
    histogram_destroy(histogram);
}

static void an_empty_histogram_has_no_figures(void **state) {
    (void)state;
    struct histogram *histogram = create();
    unsigned cursor = 0;
    struct histogram_bucket bucket;
    assert_int_equal(histogram_count(histogram), 0);
    assert_int_equal(histogram_min(histogram), -1);
    assert_int_equal(histogram_max(histogram), -1);
    assert_int_equal(histogram_mean(histogram), -1);
    assert_int_equal(histogram_percentile(histogram, 50000), -1);
    assert_false(histogram_next_bucket(histogram, &cursor, &bucket));
    histogram_destroy(histogram);
}

static void values_below_256_have_a_bucket_each(void **state) {
    (void)state;
    assert_bucket(0, 0, 1);
    assert_bucket(1, 1, 2);
    assert_bucket(255, 255, 256);
}

static void a_power_of_two_has_128_buckets(void **state) {
    (void)state;
    assert_bucket(256, 256, 258);
    assert_bucket(257, 256, 258);
    assert_bucket(511, 510, 512);
    assert_bucket(512, 512, 516);
    assert_bucket(1000, 1000, 1004);
    assert_bucket(1048575, 1044480, 1048576); /* 2^20 - 1, in buckets of 2^12 */
    assert_bucket(1048576, 1048576, 1056768); /* 2^20, in buckets of 2^13 */
}

static void values_beyond_the_range_are_kept_at_its_ends(void **state) {
    (void)state;
    int64_t end = INT64_C(1) << 62;
    assert_bucket(-1, 0, 1);
    assert_bucket(end - 1, end - (INT64_C(1) << 54), end);
    assert_bucket(INT64_MAX, end - (INT64_C(1) << 54), end);
}

static void a_bucket_is_at_most_one_128th_of_its_values_wide(void **state) {
    (void)state;
    struct histogram *histogram = create();
    for (uint64_t i = 0; i < 200000; i++)
        histogram_record(histogram, (int64_t)(random_at(1, i) >> (2 + i % 62)));
    unsigned cursor = 0;
    struct histogram_bucket bucket;
    int64_t previous_to = 0;
    while (histogram_next_bucket(histogram, &cursor, &bucket)) {
        assert_true(bucket.from >= previous_to);
        assert_true(bucket.to > bucket.from);
        assert_true((bucket.to - bucket.from - 1) * 128 <= bucket.from);
        previous_to = bucket.to;
    }
    histogram_destroy(histogram);
}

static void minimum_maximum_and_mean_are_exact(void **state) {
    (void)state;
    struct histogram *histogram = create();
    histogram_record(histogram, 1000003);
    histogram_record(histogram, 1000000007);
    histogram_record(histogram, 999);
    assert_int_equal(histogram_count(histogram), 3);
    assert_int_equal(histogram_min(histogram), 999);
    assert_int_equal(histogram_max(histogram), 1000000007);
    assert_int_equal(histogram_mean(histogram), 333667003); /* 1001001009 / 3 */
    histogram_destroy(histogram);
}

static void a_mean_beyond_64_bits_of_sum_is_exact(void **state) {
    (void)state;
    struct histogram *histogram = create();
    for (int i = 0; i < 9; i++)
        histogram_record(histogram, HISTOGRAM_VALUE_MAX - i);
    assert_int_equal(histogram_mean(histogram), HISTOGRAM_VALUE_MAX - 4);
    histogram_destroy(histogram);
}

static void a_percentile_of_1_to_1000_is_the_end_of_the_bucket_of_its_rank(void **state) {
    (void)state;
    struct histogram *histogram = create();
    for (int64_t value = 1000; value >= 1; value--)
        histogram_record(histogram, value);
    assert_int_equal(histogram_percentile(histogram, 10000), 100); /* exact below 256 */
    assert_int_equal(histogram_percentile(histogram, 50000), 501); /* 500 is in 500..501 */
    assert_int_equal(histogram_percentile(histogram, 90000), 903); /* 900 is in 900..903 */
    assert_int_equal(histogram_percentile(histogram, 99000), 991); /* 990 is in 988..991 */
    assert_int_equal(histogram_percentile(histogram, 1), 1);
    histogram_destroy(histogram);
}

static void a_percentile_is_told_when_ten_values_lie_beyond(void **state) {
    (void)state;
    struct histogram *histogram = create();
    for (int i = 0; i < 999; i++)
        histogram_record(histogram, 5);
    assert_int_equal(histogram_percentile(histogram, 99000), -1); /* rank 990: 9 beyond */
    assert_int_equal(histogram_percentile(histogram, 98900), 5);  /* rank 989: 10 beyond */
    histogram_record(histogram, 5);
    assert_int_equal(histogram_percentile(histogram, 99000), 5); /* rank 990: 10 beyond */
    assert_int_equal(histogram_percentile(histogram, 99900), -1);
    assert_int_equal(histogram_percentile(histogram, 100000), -1);
    histogram_destroy(histogram);
}

static void a_percentile_is_never_above_the_maximum(void **state) {
    (void)state;
    struct histogram *histogram = create();
    for (int i = 0; i < 20; i++)
        histogram_record(histogram, 1000); /* in 1000..1003 */
    assert_int_equal(histogram_percentile(histogram, 50000), 1000);
    histogram_destroy(histogram);
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void percentiles_of_random_values_are_within_a_128th_above_the_sorted_ones(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    static const unsigned percentiles[] = {1000, 25000, 50000, 90000, 99000, 99900, 99990};
    struct histogram *histogram = create();
    int64_t *values = malloc(COUNT * sizeof *values);
    for (uint64_t i = 0; i < COUNT; i++) {
        values[i] = (int64_t)(random_at(7, i) >> (24 + random_at(8, i) % 40));
        histogram_record(histogram, values[i]);
    }
    qsort(values, COUNT, sizeof *values, compare);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        int64_t exact = values[percentiles[i] * (COUNT / 100000) - 1];
        int64_t told = histogram_percentile(histogram, percentiles[i]);
        assert_in_range(told, exact, exact + exact / 128);
    }
    free(values);
    histogram_destroy(histogram);
}

static void assert_same(const struct histogram *a, const struct histogram *b) {
    unsigned cursor_a = 0, cursor_b = 0;
    struct histogram_bucket bucket_a, bucket_b;
    assert_int_equal(histogram_count(a), histogram_count(b));
    assert_int_equal(histogram_min(a), histogram_min(b));
    assert_int_equal(histogram_max(a), histogram_max(b));
    assert_int_equal(histogram_mean(a), histogram_mean(b));
    while (histogram_next_bucket(a, &cursor_a, &bucket_a)) {
        assert_true(histogram_next_bucket(b, &cursor_b, &bucket_b));
        assert_int_equal(bucket_a.from, bucket_b.from);
        assert_int_equal(bucket_a.to, bucket_b.to);
        assert_int_equal(bucket_a.count, bucket_b.count);
    }
    assert_false(histogram_next_bucket(b, &cursor_b, &bucket_b));
}

static void merged_histograms_are_as_one_that_recorded_everything(void **state) {
    (void)state;
    struct histogram *whole = create(), *merged = create(), *part = create();
    for (uint64_t i = 0; i < 10000; i++) {
        int64_t value = (int64_t)(random_at(3, i) >> (2 + i % 50));
        histogram_record(whole, value);
        histogram_record(i % 3 ? merged : part, value);
    }
    histogram_merge(merged, part);
    assert_same(merged, whole);
    histogram_destroy(part);
    histogram_destroy(merged);
    histogram_destroy(whole);
}

static void merging_an_empty_histogram_changes_nothing(void **state) {
    (void)state;
    struct histogram *histogram = create(), *empty = create();
    histogram_record(histogram, 7);
    histogram_merge(histogram, empty);
    assert_int_equal(histogram_min(histogram), 7);
    histogram_merge(empty, histogram);
    assert_same(empty, histogram);
    histogram_destroy(empty);
    histogram_destroy(histogram);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_has_no_figures),
        cmocka_unit_test(values_below_256_have_a_bucket_each),
        cmocka_unit_test(a_power_of_two_has_128_buckets),
        cmocka_unit_test(values_beyond_the_range_are_kept_at_its_ends),
        cmocka_unit_test(a_bucket_is_at_most_one_128th_of_its_values_wide),
        cmocka_unit_test(minimum_maximum_and_mean_are_exact),
        cmocka_unit_test(a_mean_beyond_64_bits_of_sum_is_exact),
        cmocka_unit_test(a_percentile_of_1_to_1000_is_the_end_of_the_bucket_of_its_rank),
        cmocka_unit_test(a_percentile_is_told_when_ten_values_lie_beyond),
        cmocka_unit_test(a_percentile_is_never_above_the_maximum),
        cmocka_unit_test(percentiles_of_random_values_are_within_a_128th_above_the_sorted_ones),
        cmocka_unit_test(merged_histograms_are_as_one_that_recorded_everything),
        cmocka_unit_test(merging_an_empty_histogram_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
