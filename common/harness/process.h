/* A child of this program, running this program: started in a process group of its own, killed by
   the kernel when its parent ends in whatever way, and always waited for. */
#ifndef TVA_HARNESS_PROCESS_H
#define TVA_HARNESS_PROCESS_H

#include "measure/usage.h"

#include <sys/types.h>

struct process {
    pid_t pid;        /* 0: none */
    int fd;           /* our end of the socket to it */
    int64_t begin_ns; /* before fork */
};

/* How a process ended. */
struct process_end {
    int status;      /* as wait(2) tells it */
    int64_t wall_ns; /* from before fork */
    struct usage usage;
};

/* Starts /proc/self/exe with `arguments`, ended by NULL. The child's end of a stream socket is its
   descriptor child_fd; if that is not standard output, its standard output goes to standard error.
   The caller ends it by process_wait(). Returns 0 or a negative errno. */
int process_start(struct process *out, char *const arguments[], int child_fd);

/* Signals the whole process group. */
void process_signal(const struct process *process, int signal);

/* Waits for the end, then closes the socket. */
struct process_end process_wait(struct process *process);

#endif
