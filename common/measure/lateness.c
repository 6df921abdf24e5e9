#include "measure/lateness.h"

#include "clock.h"

/* One victim's ticks. */
struct track {
    const int64_t *due_ns;
    const int64_t *began_ns;
    uint64_t ticks;
};

static struct track track_of(const struct lateness_input *input, uint64_t victim) {
    return (struct track){.due_ns = input->due_ns + victim * input->ticks,
                          .began_ns = input->began_ns + victim * input->ticks,
                          .ticks = input->ticks};
}

static int64_t lateness_of(const struct track *track, uint64_t tick) {
    return track->began_ns[tick] - track->due_ns[tick];
}

/* A tick that was due in the quiet part and began after it may have been held up by the first call,
   or by blockers that have all workers of a pool: it is no control. */
static void count_quiet(const struct lateness_input *input, struct histogram *quiet) {
    for (uint64_t i = 0; i < input->victims * input->ticks; i++)
        if (input->due_ns[i] < input->quiet_until_ns && input->began_ns[i] &&
            input->began_ns[i] < input->quiet_until_ns)
            histogram_record(quiet, input->began_ns[i] - input->due_ns[i]);
}

static int64_t choose_threshold(const struct lateness_input *input, const struct histogram *quiet) {
    int64_t worst_ns = histogram_max(quiet);
    return worst_ns > input->tick_ns ? worst_ns : input->tick_ns;
}

static bool has_blocked(const struct block_record *block) {
    return block->end_ns - block->begin_ns >= LATENESS_BLOCK_MIN_NS;
}

static bool is_beside_a_call(const struct lateness_input *input, int64_t from_ns, int64_t to_ns) {
    for (uint64_t i = 0; i < input->block_count; i++) {
        const struct block_record *block = &input->blocks[i];
        if (block->begin_ns < to_ns && block->end_ns > from_ns && has_blocked(block))
            return true;
    }
    return false;
}

/* Returns how long the victim stood still: the time covered by its delayed ticks, each from when it
   was due to when it began. */
static int64_t look_at_victim(const struct lateness_input *input, const struct track *track,
                              struct histogram *blocked, struct lateness *out) {
    int64_t stood_ns = 0, until_ns = 0;
    for (uint64_t tick = 0; tick < track->ticks; tick++) {
        int64_t due_ns = track->due_ns[tick], began_ns = track->began_ns[tick];
        if (due_ns < input->quiet_until_ns)
            continue;
        out->ticks_due++;
        if (!began_ns || began_ns - due_ns >= input->tick_ns)
            out->ticks_missed++;
        if (!began_ns)
            continue;
        histogram_record(blocked, began_ns - due_ns);
        if (began_ns - due_ns <= out->threshold_ns || began_ns <= until_ns ||
            !is_beside_a_call(input, due_ns, began_ns))
            continue;
        stood_ns += began_ns - (due_ns > until_ns ? due_ns : until_ns);
        until_ns = began_ns;
    }
    if (until_ns)
        out->victims_delayed++;
    return stood_ns;
}

/* All the calls that blocked. */
struct calls {
    uint64_t count;
    int64_t blocked_ns;
    int64_t last_end_ns;
};

static struct calls look_at_blocks(const struct lateness_input *input) {
    struct calls calls = {0};
    for (uint64_t i = 0; i < input->block_count; i++) {
        const struct block_record *block = &input->blocks[i];
        if (!has_blocked(block))
            continue;
        calls.count++;
        calls.blocked_ns += block->end_ns - block->begin_ns;
        if (block->end_ns > calls.last_end_ns)
            calls.last_end_ns = block->end_ns;
    }
    return calls;
}

/* When the victim began the last of the ticks that were late in an unbroken row across `from_ns`,
   or from_ns if it was not late then. A later disturbance is not the call's. */
static int64_t recovered_at(const struct track *track, int64_t threshold_ns, int64_t from_ns) {
    int64_t at_ns = from_ns;
    for (uint64_t tick = 0; tick < track->ticks; tick++) {
        if (track->began_ns[tick] < from_ns)
            continue;
        if (lateness_of(track, tick) <= threshold_ns)
            break;
        at_ns = track->began_ns[tick];
    }
    return at_ns;
}

static int64_t recovery(const struct lateness_input *input, int64_t threshold_ns, int64_t from_ns) {
    int64_t last_ns = from_ns;
    for (uint64_t victim = 0; victim < input->victims; victim++) {
        struct track track = track_of(input, victim);
        int64_t at_ns = recovered_at(&track, threshold_ns, from_ns);
        if (at_ns > last_ns)
            last_ns = at_ns;
    }
    return last_ns - from_ns;
}

void lateness_measure(const struct lateness_input *input, struct histogram *quiet,
                      struct histogram *blocked, struct lateness *out) {
    struct lateness found = {.blocked_ns = -1, .stolen_ns_per_blocked_s = -1, .recovery_ns = -1};
    struct calls calls = look_at_blocks(input);
    count_quiet(input, quiet);
    found.threshold_ns = choose_threshold(input, quiet);
    __int128 stood_ns = 0; /* of all victims */
    for (uint64_t victim = 0; victim < input->victims; victim++) {
        struct track track = track_of(input, victim);
        stood_ns += look_at_victim(input, &track, blocked, &found);
    }
    if (calls.count) {
        found.blocked_ns = calls.blocked_ns;
        found.stolen_ns_per_blocked_s =
            (int64_t)(stood_ns * NS_PER_S / ((__int128)found.blocked_ns * input->victims));
        found.recovery_ns = recovery(input, found.threshold_ns, calls.last_end_ns);
    }
    if (input->block_count && (int64_t)calls.count * found.threshold_ns >= calls.blocked_ns)
        found.victims_delayed = found.stolen_ns_per_blocked_s = found.recovery_ns = -1;
    *out = found;
}
