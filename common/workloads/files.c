/* N tasks write files and read them back, each file of its own. The kernel offers a loop no way to
   wait for a file, as it does for a socket, so each task either makes its calls where it stands,
   which blocks a loop, or offloads them. */
#include "workloads/workload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/body.h"
#include "http/checksum.h"
#include "workloads/busy.h"
#include "workloads/choice.h"
#include "workloads/digits.h"
#include "workloads/fan_out.h"
#include "workloads/random.h"
#include "workloads/scratch.h"

#define FILE_BYTES_MAX (INT64_C(64) << 20)

enum mode { MODE_WRITE, MODE_READ, MODE_BOTH };
static const char *const modes[] = {"write", "read", "both", NULL};

enum remedy { REMEDY_DIRECT, REMEDY_OFFLOAD };
static const char *const remedies[] = {"direct", "offload", NULL};

struct files_params {
    struct workload_params common;
    int64_t files;
    int64_t bytes;
    char *mode;
    char *remedy;
    int64_t is_synced;
};

/* One file's work, as it is given to task_offload(). Each task has one, which it uses again. */
struct job {
    const struct files_state *files;
    char *buffer; /* of `bytes` */
    uint64_t operation;
    uint64_t value;
};

struct files_state {
    const struct files_params *params;
    struct recorder *recorder;
    struct fan_out *fan_out;
    struct scratch scratch;
    enum mode mode;
    enum remedy remedy;
    struct job *jobs; /* one a task */
    char *buffers;    /* of all of them */
};

static uint64_t contents_seed(const struct files_params *p, uint64_t operation) {
    return random_at((uint64_t)p->common.seed, operation);
}

/* The same as http/checksum.h, but eight bytes at a time: a file must cost less to check than to
   read. What remains at the end, less than eight bytes, is added byte by byte. */
static uint64_t add_contents(uint64_t checksum, const char *bytes, size_t size) {
    size_t words = size / sizeof(uint64_t);
    for (size_t i = 0; i < words; i++) {
        uint64_t word;
        memcpy(&word, bytes + i * sizeof word, sizeof word);
        checksum = (checksum ^ word) * UINT64_C(0x100000001b3);
        checksum ^= checksum >> 32; /* so that high bits reach the low ones too */
    }
    size_t done = words * sizeof(uint64_t);
    return checksum_add(checksum, bytes + done, size - done);
}

static bool files_is_right(const void *params, uint64_t operation, uint64_t value) {
    const struct files_params *p = params;
    char piece[4096];
    uint64_t expected = CHECKSUM_OF_NOTHING;
    for (uint64_t done = 0; done < (uint64_t)p->bytes; done += sizeof piece) {
        uint64_t rest = (uint64_t)p->bytes - done;
        size_t size = rest < sizeof piece ? (size_t)rest : sizeof piece;
        body_fill(piece, size, contents_seed(p, operation), done);
        expected = add_contents(expected, piece, size);
    }
    return value == expected;
}

static int open_file(const struct job *job, int flags) {
    char name[DIGITS_MAX + 1] = {0};
    const char *digits = digits_write(name + DIGITS_MAX, job->operation, 1);
    int fd = openat(job->files->scratch.fd, digits, flags | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t count = TEMP_FAILURE_RETRY(pwrite(fd, bytes + done, size - done, (off_t)done));
        if (count < 0)
            return -errno;
        done += (size_t)count;
    }
    return 0;
}

static int read_all(int fd, char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t count = TEMP_FAILURE_RETRY(pread(fd, bytes + done, size - done, (off_t)done));
        if (count <= 0)
            return count < 0 ? -errno : -ENODATA;
        done += (size_t)count;
    }
    return 0;
}

static int write_file(const struct job *job) {
    const struct files_params *p = job->files->params;
    int fd = open_file(job, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return fd;
    int err = write_all(fd, job->buffer, (size_t)p->bytes);
    if (!err && p->is_synced && fsync(fd))
        err = -errno;
    return close(fd) && !err ? -errno : err;
}

static int read_file(const struct job *job) {
    int fd = open_file(job, O_RDONLY);
    if (fd < 0)
        return fd;
    int err = read_all(fd, job->buffer, (size_t)job->files->params->bytes);
    close(fd);
    return err;
}

static int fill_and_write(const struct job *job) {
    const struct files_params *p = job->files->params;
    body_fill(job->buffer, (size_t)p->bytes, contents_seed(p, job->operation), 0);
    return write_file(job);
}

static int read_and_check(struct job *job) {
    int err = read_file(job);
    if (!err)
        job->value =
            add_contents(CHECKSUM_OF_NOTHING, job->buffer, (size_t)job->files->params->bytes);
    return err;
}

/* All of one file's work, in whichever thread. */
static int work_on_file(void *arg) {
    struct job *job = arg;
    enum mode mode = job->files->mode;
    int err = mode == MODE_READ ? 0 : fill_and_write(job);
    if (!err && mode != MODE_WRITE)
        err = read_and_check(job);
    return err;
}

static int do_file(const struct files_state *s, struct job *job) {
    if (s->remedy == REMEDY_DIRECT)
        return work_on_file(job);
    int result = 0;
    int err = task_offload(work_on_file, job, &result);
    return err ? err : result;
}

static int files_task(void *state, uint64_t number) {
    const struct files_state *s = state;
    struct job *job = &s->jobs[number];
    uint64_t files = (uint64_t)s->params->files;
    for (uint64_t op = number * files; op < (number + 1) * files; op++) {
        job->operation = op;
        operation_begin(s->recorder, op);
        int err = do_file(s, job);
        operation_end(s->recorder, op, err, job->value);
    }
    return 0;
}

static uint64_t files_operations(const void *params) {
    const struct files_params *p = params;
    return (uint64_t)p->common.tasks * (uint64_t)p->files;
}

static int files_check(const void *params, char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct files_params *p = params;
    int err = choice_check("mode", modes, p->mode, message);
    return err ? err : choice_check("remedy", remedies, p->remedy, message);
}

/* What was only written is read when the time is no longer taken. */
static void files_settle(void *state) {
    struct files_state *s = state;
    struct job *job = &s->jobs[0];
    if (s->mode != MODE_WRITE)
        return;
    for (uint64_t op = 0; op < files_operations(s->params); op++) {
        job->operation = op;
        if (read_and_check(job) == 0)
            operation_set_value(s->recorder, op, job->value);
    }
}

static int write_files_to_read(const struct files_state *s) {
    struct job *job = &s->jobs[0];
    int err = 0;
    for (uint64_t op = 0; op < files_operations(s->params) && !err; op++) {
        job->operation = op;
        err = fill_and_write(job);
    }
    return err;
}

static int create_jobs(struct files_state *s) {
    size_t tasks = (size_t)s->params->common.tasks, bytes = (size_t)s->params->bytes;
    s->jobs = calloc(tasks, sizeof *s->jobs);
    s->buffers = malloc(tasks * bytes);
    if (!s->jobs || !s->buffers)
        return -ENOMEM;
    memset(s->buffers, 0, tasks * bytes); /* touched here, so that the run takes no page fault */
    for (size_t i = 0; i < tasks; i++)
        s->jobs[i] = (struct job){.files = s, .buffer = s->buffers + i * bytes};
    return 0;
}

static void files_destroy(void *state) {
    struct files_state *s = state;
    if (!s)
        return;
    scratch_destroy(&s->scratch);
    fan_out_destroy(s->fan_out);
    free(s->buffers);
    free(s->jobs);
    free(s);
}

static int prepare_folder(struct files_state *s, char message[WORKLOAD_MESSAGE_BYTES]) {
    int err = scratch_create(&s->scratch);
    if (!err && s->mode == MODE_READ)
        err = write_files_to_read(s);
    if (err)
        snprintf(message, WORKLOAD_MESSAGE_BYTES,
                 "its files cannot be put below TMPDIR, /var/tmp or here: %s (try another TMPDIR)",
                 strerror(-err));
    return err;
}

static int files_prepare(const struct workload_input *input, void **state,
                         char message[WORKLOAD_MESSAGE_BYTES]) {
    const struct files_params *p = input->params;
    struct files_state *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->params = p;
    s->recorder = input->recorder;
    s->mode = (enum mode)choice_index(modes, p->mode);
    s->remedy = (enum remedy)choice_index(remedies, p->remedy);
    int err = create_jobs(s);
    if (!err)
        err = prepare_folder(s, message);
    if (!err)
        err = fan_out_create(&s->fan_out, (uint64_t)p->common.tasks, "files", files_task, s,
                             s->recorder);
    if (err) {
        files_destroy(s);
        return err;
    }
    *state = s;
    return 0;
}

static int files_main(void *state) {
    const struct files_state *s = state;
    return fan_out_run(s->fan_out);
}

static const struct parameter files_parameters[] = {
    WORKLOAD_PARAMETER_TASKS("20"),
    {"files", PARAMETER_COUNT, offsetof(struct files_params, files), "50", 1, 1000000, "COUNT",
     "files of each task, one after the other"},
    {"bytes", PARAMETER_SIZE, offsetof(struct files_params, bytes), "64KiB", 1, FILE_BYTES_MAX,
     "SIZE", "of each file"},
    {"mode", PARAMETER_TEXT, offsetof(struct files_params, mode), "both", 0, 0, "write|read|both",
     "write a file, read one that was written before, or write and read it back"},
    {"remedy", PARAMETER_TEXT, offsetof(struct files_params, remedy), "direct", 0, 0,
     "direct|offload", "make the calls in the task, which blocks a loop, or offload them"},
    {"fsync", PARAMETER_FLAG, offsetof(struct files_params, is_synced), "no", 0, 1, "yes|no",
     "wait until what was written is on the disk"},
    WORKLOAD_PARAMETER_SEED,
    {0},
};

const struct workload workload_files = {
    .name = "files",
    .summary = "tasks that write and read files, for which a loop cannot wait",
    .operation = "one file",
    .parameters = files_parameters,
    .params_bytes = sizeof(struct files_params),
    .task_stack_bytes = 512,
    .check = files_check,
    .operations = files_operations,
    .wait_ns = busy_wait_ns,
    .is_right = files_is_right,
    .ideal_ns = busy_ideal_ns,
    .prepare = files_prepare,
    .main = files_main,
    .settle = files_settle,
    .destroy = files_destroy,
};
