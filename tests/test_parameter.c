/* Parameters: what is read, what is printed, what is refused and with which words. */
#include "parameter.h"

#include "workloads/random.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct values {
    int64_t tasks;
    int64_t sleep_ns;
    int64_t stack_bytes;
    int64_t is_kept;
    char *url;
    int64_t seed;
};

static const struct parameter table[] = {
    {"tasks", PARAMETER_COUNT, offsetof(struct values, tasks), "1000", 1, 10000000, "COUNT", ""},
    {"sleep", PARAMETER_DURATION, offsetof(struct values, sleep_ns), "100ms", 0,
     INT64_C(3600000000000), "DURATION", ""},
    {"stack", PARAMETER_SIZE, offsetof(struct values, stack_bytes), "auto", 256, 1 << 30, "SIZE",
     ""},
    {"keepalive", PARAMETER_FLAG, offsetof(struct values, is_kept), "yes", 0, 0, "yes|no", ""},
    {"url", PARAMETER_TEXT, offsetof(struct values, url), "", 0, 0, "URL", ""},
    {"seed", PARAMETER_COUNT, offsetof(struct values, seed), "1", 0, INT64_MAX, "COUNT", ""},
    {0},
};

#define DEFAULTS "w:tasks=1000,sleep=100ms,stack=auto,keepalive=yes,url=,seed=1"

/* Sets one parameter of the defaults and tells how the whole is printed then. */
static void assert_prints(const char *name, const char *text, const char *expected) {
    struct values values;
    char message[PARAMETER_MESSAGE_BYTES] = "";
    assert_int_equal(parameters_set_defaults(table, &values), 0);
    int err = parameters_set(table, &values, name, text, false, message);
    if (err)
        print_error("%s=%s: %s\n", name, text, message);
    assert_int_equal(err, 0);
    char *printed = parameters_print("w", table, &values);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s=%s", name, expected);
    if (!strstr(printed, wanted))
        print_error("%s=%s: expected %s in %s\n", name, text, wanted, printed);
    const char *found = strstr(printed, wanted);
    assert_non_null(found);
    char end = found[strlen(wanted)];
    assert_true(end == ',' || end == '\0');
    free(printed);
    parameters_destroy(table, &values);
}

static void assert_refused(const char *name, const char *text, const char *expected) {
    struct values values;
    char message[PARAMETER_MESSAGE_BYTES] = "";
    assert_int_equal(parameters_set_defaults(table, &values), 0);
    assert_int_equal(parameters_set(table, &values, name, text, false, message), -EINVAL);
    assert_string_equal(message, expected);
    char *printed = parameters_print("w", table, &values);
    assert_string_equal(printed, DEFAULTS);
    free(printed);
    parameters_destroy(table, &values);
}

static void defaults_are_printed_in_the_order_of_the_table(void **state) {
    (void)state;
    struct values values;
    assert_int_equal(parameters_set_defaults(table, &values), 0);
    assert_int_equal(values.tasks, 1000);
    assert_int_equal(values.sleep_ns, 100000000);
    assert_int_equal(values.stack_bytes, 0);
    assert_int_equal(values.is_kept, 1);
    assert_string_equal(values.url, "");
    char *printed = parameters_print("w", table, &values);
    assert_string_equal(printed, DEFAULTS);
    free(printed);
    parameters_destroy(table, &values);
}

static void a_count_is_printed_in_digits(void **state) {
    (void)state;
    assert_prints("tasks", "10k", "10000");
    assert_prints("tasks", "10M", "10000000");
    assert_prints("tasks", "1.5k", "1500");
    assert_prints("tasks", "0007", "7");
    assert_prints("seed", "0", "0");
    assert_prints("seed", "9223372036854775807", "9223372036854775807");
}

static void a_duration_is_printed_in_the_largest_unit_that_leaves_it_whole(void **state) {
    (void)state;
    assert_prints("sleep", "100000us", "100ms");
    assert_prints("sleep", "1500us", "1500us");
    assert_prints("sleep", "1000ms", "1s");
    assert_prints("sleep", "1.5s", "1500ms");
    assert_prints("sleep", "0.5ms", "500us");
    assert_prints("sleep", "3600s", "3600s");
}

static void a_duration_below_a_microsecond_is_printed_in_decimals(void **state) {
    (void)state;
    assert_prints("sleep", "1.5us", "1.5us");
    assert_prints("sleep", "0.001us", "0.001us");
    assert_prints("sleep", "0.000000001s", "0.001us");
    assert_prints("sleep", "1.23456789s", "1234567.89us");
}

static void a_duration_of_zero_needs_no_unit_and_is_printed_without(void **state) {
    (void)state;
    assert_prints("sleep", "0", "0");
    assert_prints("sleep", "0ms", "0");
    assert_prints("sleep", "0.0", "0");
}

static void a_size_is_printed_in_the_largest_unit_that_leaves_it_whole(void **state) {
    (void)state;
    assert_prints("stack", "65536", "64KiB");
    assert_prints("stack", "384", "384");
    assert_prints("stack", "1.5KiB", "1536");
    assert_prints("stack", "1024KiB", "1MiB");
    assert_prints("stack", "1536KiB", "1536KiB");
}

static void auto_stands_for_zero_where_it_is_the_default(void **state) {
    (void)state;
    assert_prints("stack", "auto", "auto");
    assert_refused("stack", "0", "stack: 0 is out of range (auto, or 256 to 1024MiB)");
    assert_refused("tasks", "auto", "tasks: 'auto' is not a count (try 1000, 10k or 1M)");
}

static void a_flag_is_yes_or_no(void **state) {
    (void)state;
    assert_prints("keepalive", "no", "no");
    assert_prints("keepalive", "yes", "yes");
    assert_refused("keepalive", "1", "keepalive: '1' is neither yes nor no");
}

static void what_is_not_a_count_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"1e9",  "",   "k",  "10K", "10kk", " 1",  "1 ",
                                        "0x10", "1.", ".5", "+1",  "10ms", "--1", "1.2.3"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char expected[PARAMETER_MESSAGE_BYTES];
        snprintf(expected, sizeof expected, "tasks: '%s' is not a count (try 1000, 10k or 1M)",
                 texts[i]);
        assert_refused("tasks", texts[i], expected);
    }
}

static void a_number_out_of_range_is_refused_with_the_range(void **state) {
    (void)state;
    assert_refused("tasks", "0", "tasks: 0 is out of range (1 to 10M)");
    assert_refused("tasks", "-5", "tasks: -5 is out of range (1 to 10M)");
    assert_refused("tasks", "10000001", "tasks: 10000001 is out of range (1 to 10M)");
    assert_refused("sleep", "1h", "sleep: '1h' is not a duration (try 100us, 100ms or 100s)");
    assert_refused("sleep", "3601s", "sleep: 3601s is out of range (0 to 3600s)");
}

static void a_number_beyond_64_bits_is_out_of_range_and_not_wrapped(void **state) {
    (void)state;
    assert_refused("seed", "9223372036854775808",
                   "seed: 9223372036854775808 is out of range (0 to 9223372036854775807)");
    assert_refused("seed", "18446744073709551617",
                   "seed: 18446744073709551617 is out of range (0 to 9223372036854775807)");
    assert_refused("seed", "9223372036854776k",
                   "seed: 9223372036854776k is out of range (0 to 9223372036854775807)");
    assert_refused("sleep", "99999999999999999999999999999999999999999999s",
                   "sleep: 99999999999999999999999999999999999999999999s is out of range "
                   "(0 to 3600s)");
}

static void a_duration_without_a_unit_is_refused_with_the_units(void **state) {
    (void)state;
    assert_refused("sleep", "100", "sleep: '100' has no unit (try 100us, 100ms or 100s)");
    assert_refused("sleep", "1.5", "sleep: '1.5' has no unit (try 1.5us, 1.5ms or 1.5s)");
}

static void a_fraction_that_does_not_come_out_whole_is_refused(void **state) {
    (void)state;
    assert_refused("tasks", "1.5", "tasks: '1.5' is not a whole number");
    assert_refused("sleep", "0.0001us", "sleep: '0.0001us' is not a whole number of nanoseconds");
    assert_refused("stack", "0.3KiB", "stack: '0.3KiB' is not a whole number of bytes");
}

static void an_unknown_name_is_refused_with_the_known_ones(void **state) {
    (void)state;
    assert_refused("slep", "1ms",
                   "unknown parameter 'slep' (known: tasks, sleep, stack, keepalive, url, seed; "
                   "did you mean 'sleep'?)");
    assert_refused("zzz", "1",
                   "unknown parameter 'zzz' (known: tasks, sleep, stack, keepalive, "
                   "url, seed)");
}

static void a_message_stays_on_its_line(void **state) {
    (void)state;
    assert_refused("tasks", "1\n2", "tasks: '1?2' is not a count (try 1000, 10k or 1M)");
}

static void a_text_is_replaced_or_joined(void **state) {
    (void)state;
    struct values values;
    char message[PARAMETER_MESSAGE_BYTES];
    assert_int_equal(parameters_set_defaults(table, &values), 0);
    assert_int_equal(parameters_set(table, &values, "url", "http://a/", true, message), 0);
    assert_string_equal(values.url, "http://a/");
    assert_int_equal(parameters_set(table, &values, "url", "http://b/", true, message), 0);
    assert_string_equal(values.url, "http://a/|http://b/");
    assert_int_equal(parameters_set(table, &values, "url", "http://c/", false, message), 0);
    assert_string_equal(values.url, "http://c/");
    parameters_destroy(table, &values);
}

static void separators_in_a_text_are_escaped_and_come_back(void **state) {
    (void)state;
    struct values values, parsed;
    char message[PARAMETER_MESSAGE_BYTES];
    assert_int_equal(parameters_set_defaults(table, &values), 0);
    assert_int_equal(
        parameters_set(table, &values, "url", "http://a/x=1,2%20\n\xff", false, message), 0);
    char *printed = parameters_print("w", table, &values);
    assert_string_equal(printed, "w:tasks=1000,sleep=100ms,stack=auto,keepalive=yes,"
                                 "url=http://a/x=1%2C2%2520%0A%FF,seed=1");
    assert_int_equal(parameters_parse(table, &parsed, printed + 2, message), 0);
    assert_string_equal(parsed.url, values.url);
    free(printed);
    parameters_destroy(table, &parsed);
    parameters_destroy(table, &values);
}

static void what_is_left_out_of_a_spec_keeps_its_default(void **state) {
    (void)state;
    struct values values;
    char message[PARAMETER_MESSAGE_BYTES];
    assert_int_equal(parameters_parse(table, &values, "", message), 0);
    assert_int_equal(values.tasks, 1000);
    parameters_destroy(table, &values);
    assert_int_equal(parameters_parse(table, &values, "sleep=1s,seed=7", message), 0);
    assert_int_equal(values.tasks, 1000);
    assert_int_equal(values.sleep_ns, 1000000000);
    assert_int_equal(values.seed, 7);
    parameters_destroy(table, &values);
}

static void a_malformed_spec_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"url=x,tasks", "'tasks' has no value (try tasks=VALUE)"},
        {"url=x,", "there is a ',' without a parameter beside it"},
        {"url=a%2", "url: a '%' in 'a%2' is not followed by two hexadecimal digits"},
        {"tasks=0", "tasks: 0 is out of range (1 to 10M)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct values values;
        char message[PARAMETER_MESSAGE_BYTES];
        assert_int_equal(parameters_parse(table, &values, cases[i].text, message), -EINVAL);
        assert_string_equal(message, cases[i].message);
        assert_null(values.url);
    }
}

static void random_values_survive_print_and_parse(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        /* A random number of bits, so that small and large values are as frequent. */
        uint64_t r = random_at(1, i);
        int64_t bits = (int64_t)(random_at(2, i) >> (1 + r % 63));
        char text[8] = {0};
        for (size_t c = 0; c < sizeof text - 1; c++)
            text[c] = (char)(1 + random_at(r, c) % 255);
        struct values values = {.tasks = 1 + bits % 10000000,
                                .sleep_ns = bits % INT64_C(3600000000001),
                                .stack_bytes = 256 + bits % ((1 << 30) - 255),
                                .is_kept = bits % 2,
                                .url = text,
                                .seed = bits};
        struct values parsed;
        char message[PARAMETER_MESSAGE_BYTES] = "";
        char *printed = parameters_print("w", table, &values);
        int err = parameters_parse(table, &parsed, printed + 2, message);
        if (err)
            print_error("%s: %s\n", printed, message);
        assert_int_equal(err, 0);
        assert_int_equal(parsed.tasks, values.tasks);
        assert_int_equal(parsed.sleep_ns, values.sleep_ns);
        assert_int_equal(parsed.stack_bytes, values.stack_bytes);
        assert_int_equal(parsed.is_kept, values.is_kept);
        assert_string_equal(parsed.url, values.url);
        assert_int_equal(parsed.seed, values.seed);
        char *again = parameters_print("w", table, &parsed);
        assert_string_equal(again, printed);
        free(again);
        free(printed);
        parameters_destroy(table, &parsed);
    }
}

static void random_text_is_read_or_refused_in_one_line(void **state) {
    (void)state;
    static const char letters[] = "0019.-kMusKiB,=%e";
    for (uint64_t i = 0; i < 10000; i++) {
        char text[24] = {0};
        for (size_t c = 0; c < random_at(3, i) % sizeof text; c++)
            text[c] = letters[random_at(i, c) % (sizeof letters - 1)];
        struct values values;
        for (const struct parameter *p = table; p->name; p++) {
            char message[PARAMETER_MESSAGE_BYTES] = "";
            assert_int_equal(parameters_set_defaults(table, &values), 0);
            int err = parameters_set(table, &values, p->name, text, false, message);
            assert_true(err == 0 || (err == -EINVAL && *message && !strchr(message, '\n')));
            assert_in_range(values.tasks, 1, 10000000);
            assert_in_range(values.sleep_ns, 0, INT64_C(3600000000000));
            parameters_destroy(table, &values);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_printed_in_the_order_of_the_table),
        cmocka_unit_test(a_count_is_printed_in_digits),
        cmocka_unit_test(a_duration_is_printed_in_the_largest_unit_that_leaves_it_whole),
        cmocka_unit_test(a_duration_below_a_microsecond_is_printed_in_decimals),
        cmocka_unit_test(a_duration_of_zero_needs_no_unit_and_is_printed_without),
        cmocka_unit_test(a_size_is_printed_in_the_largest_unit_that_leaves_it_whole),
        cmocka_unit_test(auto_stands_for_zero_where_it_is_the_default),
        cmocka_unit_test(a_flag_is_yes_or_no),
        cmocka_unit_test(what_is_not_a_count_is_refused),
        cmocka_unit_test(a_number_out_of_range_is_refused_with_the_range),
        cmocka_unit_test(a_number_beyond_64_bits_is_out_of_range_and_not_wrapped),
        cmocka_unit_test(a_duration_without_a_unit_is_refused_with_the_units),
        cmocka_unit_test(a_fraction_that_does_not_come_out_whole_is_refused),
        cmocka_unit_test(an_unknown_name_is_refused_with_the_known_ones),
        cmocka_unit_test(a_message_stays_on_its_line),
        cmocka_unit_test(a_text_is_replaced_or_joined),
        cmocka_unit_test(separators_in_a_text_are_escaped_and_come_back),
        cmocka_unit_test(what_is_left_out_of_a_spec_keeps_its_default),
        cmocka_unit_test(a_malformed_spec_is_refused),
        cmocka_unit_test(random_values_survive_print_and_parse),
        cmocka_unit_test(random_text_is_read_or_refused_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
