/* The registers and the upper stack of a thread at one moment, taken from outside: it is stopped as
   a debugger stops it, which ends no system call. A signal would: nanosleep(2) and poll(2) return
   EINTR after any handler, and the program that is looked at would not be the same. */
#ifndef TVA_ASYNC_SNAPSHOT_H
#define TVA_ASYNC_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* By the numbers that DWARF gives them; the fields are for the unwinder alone. */
#define SNAPSHOT_REGISTERS 33
#define SNAPSHOT_STACK_BYTES ((size_t)16 << 10)

struct snapshot {
    uint64_t known; /* a bit for each register */
    uint64_t registers[SNAPSHOT_REGISTERS];
    uint64_t pc, stack_pointer;
    size_t stack_bytes; /* copied, from the stack pointer up */
    char stack[SNAPSHOT_STACK_BYTES];
};

/* Lets snapshots of this process be taken where the kernel allows only parents to look at their
   children (Yama). */
void snapshot_allow(void);

/* Takes one of another thread of this process. In a system call that even a debugger would end
   with EINTR the thread is left alone, and only the two pointers are known. Takes some 0.1 ms, or
   as long as an uninterruptible system call does. Returns 0; -EPERM where the kernel forbids it, or
   a debugger is at work; -ESRCH if the thread has ended; -EINTR if the tracer was killed; -EAGAIN;
   -ENOTSUP; -ENOMEM. */
int snapshot_take(struct snapshot *out, pid_t thread_id);

/* Copies memory of this process that may be changed or unmapped meanwhile. Returns the number of
   bytes there were. */
size_t snapshot_copy(void *to, uintptr_t from, size_t bytes);

#endif
