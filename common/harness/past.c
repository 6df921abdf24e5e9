#include "harness/past.h"

#include "harness/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int64_t integer_of(const json_t *row, const char *key) {
    const json_t *value = json_object_get(row, key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

struct past_row past_row_of(const json_t *row) {
    return (struct past_row){.cell = (size_t)integer_of(row, "cell"),
                             .round = integer_of(row, "round"),
                             .attempt = integer_of(row, "attempt"),
                             .took_ns = integer_of(json_object_get(row, "process"), "wall_ns"),
                             .is_good = row_status_is_good(row_status(row)),
                             .is_disturbed = row_is_disturbed(row)};
}

struct reader {
    const struct plan *plan;
    const char *name;
    bool *is_begun; /* of each cell in each round */
    struct past *past;
    struct message *message;
};

static bool has_text(const json_t *row, const char *key, const char *text) {
    const char *own = json_string_value(json_object_get(row, key));
    return own && strcmp(own, text) == 0;
}

static int check_owner(const struct reader *reader, const json_t *row,
                       const struct past_row *facts) {
    const char *run = json_string_value(json_object_get(row, "run"));
    if (!has_text(row, "run", reader->name))
        return message_fail(reader->message, -EINVAL,
                            "it is of the run \"%s\", and the folder is called \"%s\": give the "
                            "folder its name again",
                            run ? run : "", reader->name);
    const struct plan *plan = reader->plan;
    const struct cell *cell = facts->cell < plan->cell_count ? &plan->cells[facts->cell] : NULL;
    if (!cell || facts->round < 1 || facts->round > plan_cell_rounds(plan, cell) ||
        !has_text(row, "spec", cell->spec.text) ||
        !has_text(row, "model_spec", cell->model_spec.text))
        return message_fail(reader->message, -EINVAL,
                            "it is of no cell and round of plan.json: is it of another run?");
    return 0;
}

/* The attempts of a trial follow one another. */
static int check_place(const struct reader *reader, const struct past_row *facts) {
    const struct past *past = reader->past;
    const struct past_row *last = past->count ? &past->rows[past->count - 1] : NULL;
    bool *is_begun =
        &reader->is_begun[(size_t)(facts->round - 1) * reader->plan->cell_count + facts->cell];
    bool follows = last && last->cell == facts->cell && last->round == facts->round &&
                   last->attempt + 1 == facts->attempt;
    if (*is_begun ? !follows : facts->attempt != 1)
        return message_fail(reader->message, -EINVAL,
                            "attempt %lld of cell %zu in round %lld is not the next one: was the "
                            "file edited?",
                            (long long)facts->attempt, facts->cell, (long long)facts->round);
    *is_begun = true;
    return 0;
}

static int add_row(struct past *past, const struct past_row *facts, struct message *message) {
    bool is_full = (past->count & (past->count - 1)) == 0; /* at each power of two */
    if (is_full) {
        size_t room = past->count ? 2 * past->count : 1;
        struct past_row *rows = realloc(past->rows, room * sizeof *rows);
        if (!rows)
            return message_fail(message, -ENOMEM, "out of memory");
        past->rows = rows;
    }
    past->rows[past->count++] = *facts;
    return 0;
}

static int read_line(const struct reader *reader, const char *line, size_t length) {
    json_error_t error;
    json_t *row = json_loadb(line, length, 0, &error);
    if (!row)
        return message_fail(reader->message, -EINVAL, "column %d: %s", error.column, error.text);
    struct past_row facts = past_row_of(row);
    int err = check_owner(reader, row, &facts);
    if (!err)
        err = check_place(reader, &facts);
    if (!err)
        err = add_row(reader->past, &facts, reader->message);
    json_decref(row);
    return err;
}

static int read_lines(const struct reader *reader, const char *text, size_t size) {
    const char *line = text, *end;
    while ((end = memchr(line, '\n', size - (size_t)(line - text)))) {
        int err = read_line(reader, line, (size_t)(end - line));
        if (err)
            return message_prefix(reader->message, err, "trials.jsonl: line %zu",
                                  reader->past->count + 1);
        line = end + 1;
    }
    return 0;
}

/* Mapped, since closing a second descriptor would give up the lock that the first one holds. */
static int read_file(const struct reader *reader, int fd) {
    struct stat status;
    if (fstat(fd, &status) < 0)
        return message_fail(reader->message, -errno, "trials.jsonl: %s", strerror(errno));
    if (status.st_size == 0)
        return 0;
    size_t size = (size_t)status.st_size;
    char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        return message_fail(reader->message, -errno, "trials.jsonl: %s", strerror(errno));
    int err = read_lines(reader, text, size);
    munmap(text, size);
    return err;
}

int past_read(struct past *out, int fd, const struct plan *plan, const char *name,
              struct message *message) {
    *out = (struct past){0};
    struct reader reader = {.plan = plan,
                            .name = name,
                            .is_begun = calloc((size_t)plan->rounds, plan->cell_count),
                            .past = out,
                            .message = message};
    int err =
        reader.is_begun ? read_file(&reader, fd) : message_fail(message, -ENOMEM, "out of memory");
    free(reader.is_begun);
    if (err)
        past_destroy(out);
    return err;
}

void past_destroy(struct past *past) {
    free(past->rows);
    *past = (struct past){0};
}
