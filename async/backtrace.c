#include "async/backtrace.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libdw does not say that it may be used by several threads, even each with its own files. */
static pthread_mutex_t libdw = PTHREAD_MUTEX_INITIALIZER;

struct unwinder {
    Dwfl *files; /* what the process consists of; NULL: not looked at yet */
    const struct snapshot *snapshot;
    uint64_t outermost;
    bool is_incomplete; /* a frame was in none of the files */
    Dwfl_Module *modules[BACKTRACE_FRAMES_MAX];
    struct backtrace *out;
};

/* Else libdw would ask debuginfod for what is not on this machine, over the network. */
static int find_no_debuginfo(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                             const char *file, const char *link, GElf_Word crc, char **path) {
    (void)module, (void)user, (void)name, (void)base, (void)file, (void)link, (void)crc, (void)path;
    return -1;
}

static const Dwfl_Callbacks file_callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = find_no_debuginfo,
};

static pid_t next_thread(Dwfl *files, void *arg, void **state) {
    (void)files;
    (void)arg;
    if (*state)
        return 0;
    *state = arg;
    return getpid();
}

/* The rest of the memory has changed since. */
static bool read_memory(Dwfl *files, Dwarf_Addr address, Dwarf_Word *result, void *arg) {
    (void)files;
    const struct snapshot *s = ((struct unwinder *)arg)->snapshot;
    uint64_t offset = address - s->stack_pointer;
    if (address < s->stack_pointer || offset + sizeof *result > s->stack_bytes)
        return false;
    memcpy(result, s->stack + offset, sizeof *result);
    return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg) {
    const struct snapshot *s = ((struct unwinder *)arg)->snapshot;
    bool is_set = true;
    for (int i = 0; i < SNAPSHOT_REGISTERS; i++)
        if (s->known >> i & 1)
            is_set = is_set && dwfl_thread_state_registers(thread, i, 1, &s->registers[i]);
#if !defined(__x86_64__)
    dwfl_thread_state_register_pc(thread, s->pc); /* there it is one of the numbered */
#endif
    return is_set;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = next_thread,
    .memory_read = read_memory,
    .set_initial_registers = set_registers,
};

int unwinder_create(struct unwinder **out) {
    *out = calloc(1, sizeof **out);
    return *out ? 0 : -ENOMEM;
}

static void close_files(struct unwinder *u) {
    if (u->files)
        dwfl_end(u->files);
    u->files = NULL;
}

void unwinder_destroy(struct unwinder *unwinder) {
    if (!unwinder)
        return;
    pthread_mutex_lock(&libdw);
    close_files(unwinder);
    pthread_mutex_unlock(&libdw);
    free(unwinder);
}

static bool open_files(struct unwinder *u) {
    if (u->files)
        return true;
    u->files = dwfl_begin(&file_callbacks);
    if (u->files && !dwfl_linux_proc_report(u->files, getpid()) &&
        !dwfl_report_end(u->files, NULL, NULL) &&
        dwfl_attach_state(u->files, NULL, getpid(), &thread_callbacks, u))
        return true;
    close_files(u);
    return false;
}

static void name_line(struct frame *frame, Dwfl_Module *module, Dwarf_Addr address) {
    int number;
    Dwfl_Line *line = dwfl_module_getsrc(module, address);
    const char *path = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
    if (!path)
        return;
    const char *slash = strrchr(path, '/');
    snprintf(frame->line, sizeof frame->line, "%s:%d", slash ? slash + 1 : path, number);
}

/* Of a library without the symbols of its static functions. */
static void name_by_file(struct frame *frame, Dwfl_Module *module) {
    const char *path = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    const char *slash = path ? strrchr(path, '/') : NULL;
    snprintf(frame->name, sizeof frame->name, "(%s)", slash ? slash + 1 : "?");
}

static void name_frame(struct frame *frame, Dwfl_Module *module, Dwarf_Addr address) {
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char *name = dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);
    frame->function = address - offset;
    frame->line[0] = '\0';
    if (name)
        snprintf(frame->name, sizeof frame->name, "%s", name);
    else
        name_by_file(frame, module);
    name_line(frame, module, address);
}

/* A return address lies behind the call, maybe already in the next function. */
static int take_frame(Dwfl_Frame *state, void *arg) {
    struct unwinder *u = arg;
    Dwarf_Addr pc;
    bool is_interrupted;
    if (!dwfl_frame_pc(state, &pc, &is_interrupted))
        return DWARF_CB_ABORT;
    Dwarf_Addr address = is_interrupted ? pc : pc - 1;
    Dwfl_Module *module = dwfl_addrmodule(u->files, address);
    if (!module) {
        u->is_incomplete = true;
        return DWARF_CB_ABORT;
    }
    struct frame *frame = &u->out->frames[u->out->count];
    u->modules[u->out->count++] = module;
    name_frame(frame, module, address);
    bool is_last = frame->function == u->outermost || u->out->count == BACKTRACE_FRAMES_MAX;
    return is_last ? DWARF_CB_ABORT : DWARF_CB_OK;
}

static void find_frames(struct unwinder *u) {
    u->is_incomplete = false;
    u->out->count = u->out->own = 0;
    if (!open_files(u))
        return;
    dwfl_getthread_frames(u->files, getpid(), take_frame, u);
    Dwfl_Module *own_module = dwfl_addrmodule(u->files, u->outermost);
    while (u->out->own < u->out->count && u->modules[u->out->own] != own_module)
        u->out->own++;
    if (u->out->own == u->out->count)
        u->out->own = 0;
}

void unwinder_walk(struct unwinder *unwinder, const struct snapshot *snapshot, uint64_t outermost,
                   struct backtrace *out) {
    unwinder->snapshot = snapshot;
    unwinder->outermost = outermost;
    unwinder->out = out;
    bool is_first = !unwinder->files;
    pthread_mutex_lock(&libdw);
    find_frames(unwinder);
    if (unwinder->is_incomplete && !is_first) { /* loaded since, by dlopen(3) */
        close_files(unwinder);
        find_frames(unwinder);
    }
    pthread_mutex_unlock(&libdw);
}

bool backtrace_is_same(const struct backtrace *a, const struct backtrace *b) {
    size_t count = a->count - a->own;
    if (count != b->count - b->own)
        return false;
    for (size_t i = 0; i < count; i++)
        if (a->frames[a->own + i].function != b->frames[b->own + i].function)
            return false;
    return true;
}
