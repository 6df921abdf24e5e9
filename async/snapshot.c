#include "async/snapshot.h"

#include "async/coroutine.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_BYTES ((size_t)4096)
#define TRACER_STACK_BYTES ((size_t)64 << 10)

void snapshot_allow(void) {
    prctl(PR_SET_PTRACER, getpid(), 0, 0, 0); /* fails without Yama, where there is no need */
}

/* Where process_vm_readv(2) is forbidden along with ptrace(2), as in many containers. */
static ssize_t read_own_memory(void *to, uintptr_t from, size_t bytes) {
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t count = pread(fd, to, bytes, (off_t)from);
    close(fd);
    return count;
}

static bool copy_within_page(void *to, uintptr_t from, size_t bytes) {
    struct iovec local = {to, bytes};
    struct iovec remote = {(void *)from, bytes}; // NOLINT: an address of this process
    ssize_t count = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    if (count < 0 && errno != EFAULT)
        count = read_own_memory(to, from, bytes);
    return count == (ssize_t)bytes;
}

size_t snapshot_copy(void *to, uintptr_t from, size_t bytes) {
    size_t copied = 0;
    while (copied < bytes) { /* a page at a time, since the next may not be there */
        size_t part = PAGE_BYTES - (from + copied) % PAGE_BYTES;
        if (part > bytes - copied)
            part = bytes - copied;
        if (!copy_within_page((char *)to + copied, from + copied, part))
            break;
        copied += part;
    }
    return copied;
}

#if (defined(__x86_64__) || defined(__aarch64__)) && !COROUTINE_VALGRIND
#if defined(__x86_64__)
typedef struct user_regs_struct machine_registers;
enum { STACK_POINTER_NUMBER = 7, PC_NUMBER = 16 };

static void set_registers(struct snapshot *s, const machine_registers *r) {
    const uint64_t values[] = {r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi,
                               r->rbp, r->rsp, r->r8,  r->r9,  r->r10, r->r11,
                               r->r12, r->r13, r->r14, r->r15, r->rip};
    for (size_t i = 0; i <= PC_NUMBER; i++)
        s->registers[i] = values[i];
    s->known = (UINT64_C(2) << PC_NUMBER) - 1;
    s->stack_pointer = r->rsp;
    s->pc = r->rip;
}

/* A system call of those that a stop ends, begun after they were looked for, begins again. */
static bool begin_call_again(machine_registers *r) {
    if ((int64_t)r->rax != -EINTR || (int64_t)r->orig_rax < 0)
        return false;
    r->rax = r->orig_rax;
    r->orig_rax = UINT64_MAX;
    r->rip -= 2; /* the length of the instruction */
    return true;
}
#elif defined(__aarch64__)
typedef struct user_regs_struct machine_registers;
enum { STACK_POINTER_NUMBER = 31, PC_NUMBER = 32 };

static void set_registers(struct snapshot *s, const machine_registers *r) {
    for (size_t i = 0; i < STACK_POINTER_NUMBER; i++)
        s->registers[i] = r->regs[i];
    s->registers[STACK_POINTER_NUMBER] = r->sp;
    s->known = (UINT64_C(2) << STACK_POINTER_NUMBER) - 1;
    s->stack_pointer = r->sp;
    s->pc = r->pc;
}

/* What it needs, the first argument, the kernel keeps to itself. */
static bool begin_call_again(machine_registers *r) {
    (void)r;
    return false;
}
#endif

/* What the kernel tells of a thread that is blocked. */
struct blocked_call {
    long number; /* -1: not in a system call */
    unsigned long first_argument;
    uint64_t stack_pointer, pc;
};

/* Returns false for a thread that runs. */
static bool read_blocked_call(struct blocked_call *out, pid_t thread_id) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", thread_id);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    int found = fscanf(file, "%ld %lx %*x %*x %*x %*x %*x %" SCNx64 " %" SCNx64, &out->number,
                       &out->first_argument, &out->stack_pointer, &out->pc);
    fclose(file);
    return found == 4;
}

/* A socket call with a timeout is the only kind that the kernel does not begin again. */
static bool has_timeout(int fd) {
    for (size_t i = 0; i < 2; i++) {
        struct timeval timeout = {0};
        socklen_t length = sizeof timeout;
        if (!getsockopt(fd, SOL_SOCKET, i ? SO_SNDTIMEO : SO_RCVTIMEO, &timeout, &length) &&
            (timeout.tv_sec || timeout.tv_usec))
            return true;
    }
    return false;
}

/* See signal(7): these return EINTR after a stop, even if no handler ran. */
static bool is_ended_by_stop(const struct blocked_call *call) {
    switch (call->number) {
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_rt_sigtimedwait:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_io_getevents:
    case SYS_io_uring_enter:
        return true;
    case SYS_read:
    case SYS_readv:
    case SYS_write:
    case SYS_writev:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_connect:
    case SYS_accept:
    case SYS_accept4:
        return has_timeout((int)call->first_argument);
    default:
        return false;
    }
}

static void copy_stack(struct snapshot *s) {
    s->stack_bytes = snapshot_copy(s->stack, s->stack_pointer, sizeof s->stack);
}

static void set_blocked(struct snapshot *s, const struct blocked_call *call) {
    s->stack_pointer = s->registers[STACK_POINTER_NUMBER] = call->stack_pointer;
    s->pc = s->registers[PC_NUMBER] = call->pc;
    s->known = UINT64_C(1) << STACK_POINTER_NUMBER;
#if defined(__x86_64__)
    s->known |= UINT64_C(1) << PC_NUMBER;
#endif
    copy_stack(s);
}

struct tracing {
    struct snapshot *snapshot;
    pid_t thread_id;
    int err;
};

/* The thread stands. A signal that stopped it in place of the request is handed on to it. */
static int look_and_let_go(const struct tracing *t, int status) {
    machine_registers registers;
    struct iovec all = {&registers, sizeof registers};
    bool is_signal = status >> 16 != PTRACE_EVENT_STOP;
    int err = ptrace(PTRACE_GETREGSET, t->thread_id, (void *)NT_PRSTATUS, &all) ? -errno : 0;
    if (!err) {
        set_registers(t->snapshot, &registers);
        copy_stack(t->snapshot);
    }
    if (!err && !is_signal && begin_call_again(&registers))
        ptrace(PTRACE_SETREGSET, t->thread_id, (void *)NT_PRSTATUS, &all);
    long number = is_signal ? WSTOPSIG(status) : 0;
    ptrace(PTRACE_DETACH, t->thread_id, NULL, (void *)number);
    return err;
}

/* The body of a process that shares this one's memory, since a thread cannot trace its own process.
   The thread it looks at may hold any lock: it allocates nothing and calls the kernel alone. */
static int tracer_main(void *arg) {
    struct tracing *t = arg;
    int status;
    if (ptrace(PTRACE_SEIZE, t->thread_id, NULL, NULL))
        t->err = -errno;
    else if (ptrace(PTRACE_INTERRUPT, t->thread_id, NULL, NULL) ||
             waitpid(t->thread_id, &status, __WALL) < 0 || !WIFSTOPPED(status))
        t->err = -ESRCH;
    else
        t->err = look_and_let_go(t, status);
    return 0;
}

#if COROUTINE_TSAN
/* It takes any clone() for a fork, after which it no longer follows the thread that made it. */
int __clone(int (*function)(void *), void *stack, int flags, void *arg, ...);
#define clone __clone
#endif

/* As vfork(2), the caller alone stands still meanwhile, so that the two may share what is its own.
   The tracer's end is told by no signal, and a wait for any child does not find it; nor does a
   debugger that follows children. Whatever ends the tracer, the kernel lets go of the thread. */
static int trace(struct tracing *t) {
    char *stack = malloc(TRACER_STACK_BYTES);
    if (!stack)
        return -ENOMEM;
    int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS | CLONE_UNTRACED;
    pid_t tracer = clone(tracer_main, stack + TRACER_STACK_BYTES, flags, t);
    if (tracer < 0)
        t->err = -errno;
    else
        waitpid(tracer, NULL, __WALL);
    free(stack);
    return t->err;
}

int snapshot_take(struct snapshot *out, pid_t thread_id) {
    struct blocked_call call;
    if (read_blocked_call(&call, thread_id) && is_ended_by_stop(&call)) {
        set_blocked(out, &call);
        return 0;
    }
    struct tracing tracing = {.snapshot = out, .thread_id = thread_id, .err = -EINTR};
    return trace(&tracing);
}
#else
/* The registers that a tracer finds would be valgrind's own. */
int snapshot_take(struct snapshot *out, pid_t thread_id) {
    (void)out;
    (void)thread_id;
    return -ENOTSUP;
}
#endif
