/* The first difference between two JSON values, in words. */
#ifndef TVA_HARNESS_JSON_DIFFERENCE_H
#define TVA_HARNESS_JSON_DIFFERENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Long enough for where it is and for the begin of both values. */
#define JSON_DIFFERENCE_BYTES 512

/* Compares values of any kind; NULL is none. Whole numbers that are apart by at most
   `tolerance_percent` of the greater one count as equal. Returns whether they differ, and then
   writes where and how into text: "cpu.cores: was 2, is 4". */
bool json_difference(const json_t *was, const json_t *is, int64_t tolerance_percent,
                     char text[JSON_DIFFERENCE_BYTES]);

#endif
