/* Reads files, hashes them, writes the hashes: blocking calls, which are offloaded so that they
   hold up nobody, and a result that appears whole or not at all.

     async def hash_file(name, permits):
         async with permits:
             with open(name, "rb") as file:
                 while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                     await asyncio.to_thread(hash.update, piece)

     async def main():
         asyncio.get_running_loop().add_signal_handler(signal.SIGINT, asyncio.current_task().cancel)
         permits = asyncio.Semaphore(4)
         async with asyncio.TaskGroup() as group:
             for name in names:
                 group.create_task(hash_file(name, permits))
         await asyncio.to_thread(write_and_rename) */
#include "program.h"

#include "http/checksum.h"
#include "sync/scope.h"
#include "sync/semaphore.h"
#include "sync/signal_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_AT_ONCE 4
#define PIECE_BYTES ((size_t)256 << 10)
#define EXIT_INTERRUPTED (128 + SIGINT)

/* A file to hash. */
struct file {
    const char *name;
    struct semaphore *permits;
    int fd;
    unsigned char *piece;
    uint64_t checksum;
};

/* The blocking calls, offloaded: they call nothing of task.h. */
static int file_open(void *arg) {
    struct file *file = arg;
    file->fd = open(file->name, O_RDONLY | O_CLOEXEC);
    return file->fd < 0 ? -errno : 0;
}

/* Returns the number of bytes hashed, 0 at the end. */
static int file_hash_piece(void *arg) {
    struct file *file = arg;
    ssize_t count = read(file->fd, file->piece, PIECE_BYTES);
    if (count < 0)
        return -errno;
    file->checksum = checksum_add(file->checksum, file->piece, (size_t)count);
    return (int)count;
}

/* Piece by piece: a call that has begun is waited for, so a cancelled task ends after one piece. */
static int hash_pieces(struct file *file) {
    int count;
    int err = task_offload(file_open, file, &count);
    if (!err && count < 0)
        err = count;
    do {
        if (!err)
            err = task_offload(file_hash_piece, file, &count);
    } while (!err && count > 0);
    return err ? err : count;
}

static int hash_with_permit(struct file *file) {
    program_print("hashing %s", file->name);
    file->piece = malloc(PIECE_BYTES);
    int err = file->piece ? hash_pieces(file) : -ENOMEM;
    if (file->fd >= 0)
        close(file->fd);
    free(file->piece);
    if (!err)
        program_print("hashed %s", file->name);
    else if (err != -ECANCELED)
        program_complain("%s: %s", file->name, strerror(-err));
    return err;
}

static int hash_file(void *arg) {
    struct file *file = arg;
    int err = semaphore_acquire(file->permits, TASK_NO_DEADLINE);
    if (err)
        return err;
    err = hash_with_permit(file);
    semaphore_release(file->permits);
    return err;
}

/* The first that fails ends the rest. */
static int hash_all(struct file *files, size_t count) {
    struct semaphore *permits;
    struct scope *scope;
    int err = semaphore_create(&permits, FILES_AT_ONCE);
    if (err)
        return err;
    err = scope_create(&scope);
    if (!err) {
        for (size_t i = 0; i < count && !err; i++) {
            files[i].permits = permits;
            err = scope_spawn(scope, files[i].name, hash_file, &files[i]);
        }
        if (!err)
            err = scope_await(scope);
        scope_destroy(scope); /* cancels and awaits what is left */
    }
    semaphore_destroy(permits);
    return err;
}

/* The result: a temporary file beside the one that it will replace. */
struct output {
    const char *name;
    char *temporary_name;
    int fd;
    bool is_complete;
    const struct file *files;
    size_t count;
};

static int output_open(struct output *output) {
    if (asprintf(&output->temporary_name, "%s.XXXXXX", output->name) < 0)
        return -ENOMEM;
    output->fd = mkostemp(output->temporary_name, O_CLOEXEC);
    if (output->fd >= 0)
        return 0;
    int err = -errno;
    program_complain("%s: %s", output->temporary_name, strerror(-err));
    free(output->temporary_name);
    return err;
}

static void output_close(struct output *output) {
    close(output->fd);
    if (!output->is_complete)
        unlink(output->temporary_name);
    free(output->temporary_name);
}

/* Offloaded. On the disk before it has its name: after a crash, too, it is whole or not there. */
static int output_complete(void *arg) {
    struct output *output = arg;
    for (size_t i = 0; i < output->count; i++)
        if (dprintf(output->fd, "%016" PRIx64 "  %s\n", output->files[i].checksum,
                    output->files[i].name) < 0)
            return -errno;
    mode_t mask = umask(0);
    umask(mask); /* mkostemp gives the file to its owner alone */
    if (fchmod(output->fd, 0666 & ~mask) || fsync(output->fd) ||
        rename(output->temporary_name, output->name))
        return -errno;
    output->is_complete = true;
    return 0;
}

static int produce(struct output *output, struct file *files) {
    int result = 0;
    int err = output_open(output);
    if (err)
        return err;
    err = hash_all(files, output->count);
    if (!err)
        err = task_offload(output_complete, output, &result);
    output_close(output);
    return err ? err : result;
}

/* Cancels main when SIGINT comes. */
struct interrupt {
    struct signal_watch *watch;
    struct task *main_task;
};

static int cancel_on_signal(void *arg) {
    const struct interrupt *interrupt = arg;
    int number;
    int err = signal_watch_await(interrupt->watch, TASK_NO_DEADLINE, &number);
    if (!err)
        task_cancel(interrupt->main_task);
    return err;
}

struct pipeline {
    struct output output;
    struct file *files;
};

static int run_interruptibly(struct pipeline *pipeline, struct signal_watch *watch) {
    struct interrupt interrupt = {watch, task_self()};
    struct task *task;
    int err = task_spawn(&task, "interrupt", cancel_on_signal, &interrupt);
    if (err)
        return err;
    err = produce(&pipeline->output, pipeline->files);
    task_cancel(task);
    task_await(task, NULL);
    return err;
}

static int pipeline_main(void *arg) {
    struct pipeline *pipeline = arg;
    struct output *output = &pipeline->output;
    struct signal_watch *watch;
    int err = signal_watch_create(&watch, (const int[]){SIGINT}, 1);
    if (err)
        return err;
    err = run_interruptibly(pipeline, watch);
    signal_watch_destroy(watch);
    if (output->is_complete) { /* even if it was cancelled just then */
        program_print("wrote %s: %zu files", output->name, output->count);
        return 0;
    }
    program_print("wrote nothing");
    return err == -ECANCELED ? EXIT_INTERRUPTED : err;
}

static int run_pipeline(char *output_name, char *const *names, int count) {
    struct file *files = calloc((size_t)count, sizeof *files);
    if (!files) {
        program_complain("%s", strerror(ENOMEM));
        return EXIT_FAILURE;
    }
    for (int i = 0; i < count; i++)
        files[i] = (struct file){.name = names[i], .fd = -1, .checksum = CHECKSUM_OF_NOTHING};
    struct pipeline pipeline = {
        .output = {.name = output_name, .files = files, .count = (size_t)count}, .files = files};
    int status = program_run(pipeline_main, &pipeline);
    free(files);
    return status;
}

struct options {
    char *output;
};

static const struct parameter parameters[] = {
    {"output", PARAMETER_TEXT, offsetof(struct options, output), "", 0, 0, "FILE",
     "where the result goes; must be given"},
    {0},
};

int main(int argc, char **argv) {
    const struct program program = {
        .summary = "Writes a line for each FILE, its hash (FNV-1a, 64 bits) and its name, to the "
                   "output; interrupted, it leaves nothing behind.",
        .parameters = parameters,
        .arguments_help = "FILE..."};
    struct options options;
    int count = program_start(&program, argc, argv, &options);
    if (!*options.output)
        program_refuse("where to? --output=FILE");
    if (!count)
        program_refuse("which files? FILE... see --help");
    int status = run_pipeline(options.output, argv + 1, count);
    parameters_destroy(parameters, &options);
    return status;
}
