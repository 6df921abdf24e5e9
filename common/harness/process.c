#include "harness/process.h"

#include "clock.h"
#include "harness/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_NOT_STARTED 127

/* Between fork and exec. */
static _Noreturn void become(char *const arguments[], int child_fd, int socket, pid_t parent) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it ended before the request above */
        _exit(EXIT_NOT_STARTED);
    stop_restore();
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    if (null > STDERR_FILENO)
        close(null);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (socket == child_fd)
        fcntl(socket, F_SETFD, 0);
    else
        dup2(socket, child_fd);
    execv("/proc/self/exe", arguments);
    _exit(EXIT_NOT_STARTED);
}

int process_start(struct process *out, char *const arguments[], int child_fd) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t parent = getpid();
    struct process process = {.fd = ends[0], .begin_ns = clock_now_ns()};
    process.pid = fork();
    if (process.pid == 0)
        become(arguments, child_fd, ends[1], parent);
    int err = process.pid < 0 ? -errno : 0;
    close(ends[1]);
    if (err) {
        close(ends[0]);
        return err;
    }
    setpgid(process.pid, process.pid); /* here too: whoever comes first */
    *out = process;
    return 0;
}

void process_signal(const struct process *process, int signal) {
    kill(-process->pid, signal);
}

struct process_end process_wait(struct process *process) {
    struct process_end end = {0};
    struct rusage rusage = {0};
    while (wait4(process->pid, &end.status, 0, &rusage) < 0 && errno == EINTR)
        continue;
    end.wall_ns = clock_now_ns() - process->begin_ns;
    end.usage = usage_of(&rusage);
    close(process->fd);
    *process = (struct process){.fd = -1};
    return end;
}
