#include "async/offences.h"

#include "clock.h"
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PLACE_BYTES 900

static double in_ms(int64_t ns) {
    return (double)ns / (double)NS_PER_MS;
}

static const char *reason_of(int place_error) {
    if (place_error == -ESRCH)
        return "it let go just then";
    if (place_error == -EINTR)
        return "the tracer was killed";
    return place_error ? strerror(-place_error) : "no symbols";
}

/* A line for each frame, behind "from:", or why there is none. */
static void print_place(char text[PLACE_BYTES], const struct offence *offence) {
    const struct backtrace *place = &offence->place;
    if (!place->count) {
        snprintf(text, PLACE_BYTES, "from a place unknown (%s)", reason_of(offence->place_error));
        return;
    }
    size_t length = (size_t)snprintf(text, PLACE_BYTES, "from:");
    for (size_t i = 0; i < place->count && length < PLACE_BYTES; i++) {
        const struct frame *frame = &place->frames[i];
        const char *separator = frame->line[0] ? " at " : "";
        length += (size_t)snprintf(text + length, PLACE_BYTES - length, "\n    %s%s%s", frame->name,
                                   separator, frame->line);
    }
}

static void tell(const struct offences *offences, const struct offence *offence, const char *verb) {
    char text[PLACE_BYTES];
    print_place(text, offence);
    report_line("async: task '%s' %s %s for %.1f ms, %s", offence->task_name, verb,
                offences->loop_name, in_ms(offence->held_ns), text);
}

void offences_init(struct offences *offences, size_t number, size_t loops) {
    memset(offences, 0, sizeof *offences);
    snprintf(offences->loop_name, sizeof offences->loop_name, "the loop");
    if (loops > 1)
        snprintf(offences->loop_name, sizeof offences->loop_name, "loop %zu", number);
}

void offences_tell_unfinished(const struct offences *offences, const struct offence *offence) {
    tell(offences, offence, "still holds");
}

static bool is_same(const struct offence *a, const struct offence *b) {
    return !strcmp(a->task_name, b->task_name) && backtrace_is_same(&a->place, &b->place);
}

static struct offence_total *find_total(struct offences *offences, const struct offence *offence) {
    for (size_t i = 0; i < offences->count; i++)
        if (is_same(&offences->totals[i].first, offence))
            return &offences->totals[i];
    if (offences->count == OFFENCES_MAX)
        return &offences->others;
    struct offence_total *total = &offences->totals[offences->count++];
    total->first = *offence;
    return total;
}

void offences_add(struct offences *offences, const struct offence *offence) {
    struct offence_total *total = find_total(offences, offence);
    total->count++;
    total->held_ns += offence->held_ns;
    if (offence->held_ns > total->longest_ns)
        total->longest_ns = offence->held_ns;
    if (total->count == 1 && total != &offences->others)
        tell(offences, offence, "held");
}

static void summarise(const struct offences *offences, const struct offence_total *total) {
    const struct backtrace *place = &total->first.place;
    const char *name = place->count ? place->frames[place->own].name : "a place unknown";
    report_line("async: task '%s' held %s %" PRId64
                " times, %.1f ms in all, %.1f ms at most, from %s",
                total->first.task_name, offences->loop_name, total->count, in_ms(total->held_ns),
                in_ms(total->longest_ns), name);
}

void offences_summarise(const struct offences *offences) {
    for (size_t i = 0; i < offences->count; i++)
        if (offences->totals[i].count > 1)
            summarise(offences, &offences->totals[i]);
    const struct offence_total *others = &offences->others;
    if (others->count)
        report_line("async: other tasks held %s %" PRId64 " times, %.1f ms in all, "
                    "%.1f ms at most",
                    offences->loop_name, others->count, in_ms(others->held_ns),
                    in_ms(others->longest_ns));
}
