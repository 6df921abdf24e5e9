/* The columns of the table of `tva run`: which figures are worth showing of which workload. */
#ifndef TVA_HARNESS_TABLE_COLUMNS_H
#define TVA_HARNESS_TABLE_COLUMNS_H

#include "harness/spec.h"

#include <jansson.h>
#include <stdio.h>

#define TABLE_TEXT_BYTES 64
#define TABLE_COLUMNS_MAX 20

typedef void table_format_function(double value, char out[TABLE_TEXT_BYTES]);

struct table_column {
    char head[2][16];                  /* one above the other */
    char path[TABLE_TEXT_BYTES];       /* in a row: "key" or "key.key" */
    double (*compute)(const json_t *); /* instead of the path; NULL: what is there */
    double divisor;
    table_format_function *format;
};

struct table_columns {
    struct table_column all[TABLE_COLUMNS_MAX];
    size_t count;
};

/* Chooses the columns for rows, an array, of one spec. */
void table_columns_choose(struct table_columns *out, const struct spec *spec, const json_t *rows);

/* The column's figure of a row; negative if it has none. */
double table_column_value(const struct table_column *column, const json_t *row);

/* Says in a few lines what the heads mean that do not say it themselves. */
void table_columns_explain(FILE *stream, const struct spec *spec, const json_t *rows);

/* "1.50 ms" */
void table_format_ns(double ns, char out[TABLE_TEXT_BYTES]);

#endif
