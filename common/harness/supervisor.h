/* The parent's side of one trial: starts the process (and an origin or clients, where the spec
   needs them, the load of its conditions, and the control ticker, where its ticks are compared with
   it), reads memory when the trial asks for it, and what disturbed it before and after; ends it at
   its time limit, and collects what there is.

   On the control socket the trial sends 'r' when it is ready, and waits for 'g'; the recorder sends
   'p' at the plateau; at the end comes one JSON object on one line, and the process ends. */
#ifndef TVA_HARNESS_SUPERVISOR_H
#define TVA_HARNESS_SUPERVISOR_H

#include "harness/clients_process.h"
#include "harness/message.h"
#include "harness/origin_process.h"
#include "harness/plan.h"
#include "harness/ticker_process.h"
#include "measure/disturbance.h"
#include "measure/memory.h"

#include <jansson.h>

/* The control socket in the trial's process. */
#define SUPERVISOR_CONTROL_FD 3

enum trial_end {
    TRIAL_ENDED, /* with a result */
    TRIAL_TIMED_OUT,
    TRIAL_CRASHED, /* by a signal or without a result */
    TRIAL_NOT_STARTED,
    TRIAL_STOPPED, /* because this process was asked to stop: not a result */
};

/* One reading of memory. ended_ns is when it was done; 0: there was none. */
struct memory_reading {
    int64_t ended_ns;
    struct process_memory process;
    struct kernel_memory kernel;
};

struct trial_outcome {
    enum trial_end end;
    int stop_signal;       /* for TRIAL_STOPPED */
    int start_error;       /* for TRIAL_NOT_STARTED: a negative errno */
    struct message reason; /* unless TRIAL_ENDED */
    json_t *result;        /* what the trial sent, or NULL; owned by the outcome */
    struct memory_reading base;
    struct memory_reading plateau;
    struct process_end process;
    bool has_process;
    struct origin_counts origin;
    json_t *clients;      /* what the clients counted, or NULL; owned as well */
    bool has_disturbance; /* it came to measure */
    struct disturbance disturbance;
    struct control_ticks control; /* owned as well */
};

/* Runs one trial of a cell; always fills *out, which the caller destroys. */
void supervisor_run(const struct cell *cell, int64_t timeout_ns, int stop_fd,
                    struct trial_outcome *out);

void trial_outcome_destroy(struct trial_outcome *outcome);

#endif
