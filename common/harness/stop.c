#include "harness/stop.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

int stop_open(void) {
    sigset_t set = stop_signals();
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int stop_signal(int stop_fd) {
    struct signalfd_siginfo info;
    return read(stop_fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

void stop_restore(void) {
    sigset_t set = stop_signals();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
