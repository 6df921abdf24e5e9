/* SIGINT and SIGTERM as something to wait for: blocked, and read from a descriptor, so that no
   moment exists at which one is lost and nothing runs inside a handler. */
#ifndef TVA_HARNESS_STOP_H
#define TVA_HARNESS_STOP_H

/* Blocks the two in this process and returns a descriptor to poll, which the caller closes, or a
   negative errno. Children start with them unblocked (process.h). */
int stop_open(void);

/* The signal that has come, or 0. Does not wait. */
int stop_signal(int stop_fd);

/* Unblocks the two, in a child before exec. */
void stop_restore(void);

#endif
