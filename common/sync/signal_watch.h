/* A signal as something that a task awaits [loop.add_signal_handler]. */
#ifndef TVA_SYNC_SIGNAL_WATCH_H
#define TVA_SYNC_SIGNAL_WATCH_H

#include "task.h"

struct signal_watch;

/* From here on the signals given do not end the process but are told to whoever awaits them. One
   watch a process. Returns 0; -EBUSY; -ENOMEM, -EMFILE. */
int signal_watch_create(struct signal_watch **out, const int *signals, size_t count);

/* Restores what the signals did before. */
void signal_watch_destroy(struct signal_watch *watch);

/* Waits for the next signal and stores its number. [waits] */
int signal_watch_await(struct signal_watch *watch, int64_t deadline, int *number);

#endif
