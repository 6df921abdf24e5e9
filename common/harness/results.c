#include "harness/results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *default_path(const struct plan *plan) {
    time_t now = time(NULL);
    struct tm local;
    char stamp[32], *path = NULL;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    return asprintf(&path, "results/%s-%s", plan->name, stamp) < 0 ? NULL : path;
}

/* Slashes at the end would leave the run without a name. */
static char *given_path(const char *path) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return strndup(path, length);
}

/* Makes the folders above the last part of a path. What cannot be made shows when that part is. */
static void make_parents(const char *path) {
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(parent, 0777);
        *slash = '/';
    }
}

static bool is_empty_folder(const char *path) {
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    size_t entries = 0;
    while (readdir(folder))
        entries++;
    closedir(folder);
    return entries <= 2; /* itself and its parent */
}

static int make_folder(const char *path, struct message *message) {
    make_parents(path);
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && is_empty_folder(path)))
        return 0;
    if (errno == EEXIST)
        return message_fail(message, -EEXIST,
                            "results: %s exists and is not an empty folder: choose another --out",
                            path);
    return message_fail(message, -errno, "results: %s cannot be made: %s: choose another --out",
                        path, strerror(errno));
}

/* A path inside the folder; the caller frees it. */
static char *path_of(const struct results *results, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", results->path, name) < 0 ? NULL : path;
}

/* Writes a file and only then gives it its name, so that it is there whole or not at all. */
static int write_json(const struct results *results, const char *name, const json_t *json,
                      struct message *message) {
    char *path = path_of(results, name), *part = path_of(results, ".part");
    int err = -ENOMEM;
    if (path && part && json) {
        errno = EIO;
        err = json_dump_file(json, part, JSON_INDENT(2)) < 0 || rename(part, path) < 0 ? -errno : 0;
    }
    if (err)
        message_fail(message, err, "results: %s/%s cannot be written: %s", results->path, name,
                     strerror(-err));
    free(part);
    free(path);
    return err;
}

static int write_plan(const struct results *results, const struct plan *plan,
                      struct message *message) {
    json_t *json = plan_json(plan);
    int err = write_json(results, "plan.json", json, message);
    json_decref(json);
    return err;
}

/* A file of lines; `flags` say whether it is to be new. */
static int open_lines(const struct results *results, const char *name, int flags, int *fd,
                      struct message *message) {
    char *path = path_of(results, name);
    if (!path)
        return message_fail(message, -ENOMEM, "out of memory");
    *fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0666);
    int err = *fd < 0 ? -errno : 0;
    if (err == -ENOENT)
        message_fail(message, err,
                     "results: %s is not there: is this a folder that tva bench made?", path);
    else if (err)
        message_fail(message, err, "results: %s cannot be written: %s", path, strerror(-err));
    free(path);
    return err;
}

/* One runner a folder. The lock is the process's own: no child inherits it, and it ends with the
   process, or when that closes any descriptor of the file. */
static int lock(const struct results *results, struct message *message) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(results->trials_fd, F_SETLK, &whole) == 0)
        return 0;
    int err = -errno;
    if (err != -EACCES && err != -EAGAIN)
        return message_fail(message, err, "results: %s/trials.jsonl cannot be locked: %s",
                            results->path, strerror(-err));
    struct flock holder = whole;
    fcntl(results->trials_fd, F_GETLK, &holder);
    return message_fail(message, -EBUSY,
                        "results: %s is being written by process %d: wait for it, or stop it",
                        results->path, (int)holder.l_pid);
}

static int open_files(struct results *results, int flags, struct message *message) {
    int err = open_lines(results, "trials.jsonl", flags, &results->trials_fd, message);
    if (!err)
        err = lock(results, message);
    if (!err)
        err = open_lines(results, "rounds.jsonl", flags, &results->rounds_fd, message);
    return err;
}

/* Rows carry the name, and JSON is UTF-8. */
static int check_name(const struct results *results, struct message *message) {
    json_t *name = json_string(results_name(results));
    bool is_text = name;
    json_decref(name);
    if (!is_text)
        return message_fail(message, -EINVAL,
                            "results: the name of the folder is not UTF-8 text: choose another "
                            "--out");
    return 0;
}

int results_create(struct results *out, const char *path, const struct plan *plan,
                   struct message *message) {
    struct results results = {
        .path = path ? given_path(path) : default_path(plan), .trials_fd = -1, .rounds_fd = -1};
    if (!results.path)
        return message_fail(message, -ENOMEM, "out of memory");
    int err = check_name(&results, message);
    if (!err)
        err = make_folder(results.path, message);
    if (!err)
        err = open_files(&results, O_CREAT | O_EXCL, message);
    if (!err)
        err = write_plan(&results, plan, message);
    if (err) {
        results_close(&results);
        return err;
    }
    *out = results;
    return 0;
}

int results_open(struct results *out, const char *path, struct message *message) {
    struct results results = {.path = realpath(path, NULL), .trials_fd = -1, .rounds_fd = -1};
    if (!results.path)
        return message_fail(message, -errno, "results: %s: %s", path, strerror(errno));
    int err = open_files(&results, 0, message);
    if (err) {
        results_close(&results);
        return err;
    }
    *out = results;
    return 0;
}

/* Finds where the last whole line ends, from the end of the file on. */
static int find_end(int fd, off_t *out) {
    char block[4096];
    off_t end = lseek(fd, 0, SEEK_END);
    while (end > 0) {
        off_t begin = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        ssize_t count = pread(fd, block, (size_t)(end - begin), begin);
        if (count != end - begin)
            return count < 0 ? -errno : -EIO;
        const char *newline = memrchr(block, '\n', (size_t)count);
        if (newline) {
            *out = begin + (newline - block) + 1;
            return 0;
        }
        end = begin;
    }
    *out = 0;
    return end < 0 ? -errno : 0;
}

static int cut_file(const struct results *results, int fd, const char *name,
                    struct message *message) {
    off_t end;
    int err = find_end(fd, &end);
    if (!err && ftruncate(fd, end) < 0)
        err = -errno;
    return err ? message_fail(message, err, "results: %s/%s: its last line cannot be removed: %s",
                              results->path, name, strerror(-err))
               : 0;
}

int results_cut(const struct results *results, struct message *message) {
    int err = cut_file(results, results->trials_fd, "trials.jsonl", message);
    return err ? err : cut_file(results, results->rounds_fd, "rounds.jsonl", message);
}

const char *results_name(const struct results *results) {
    const char *slash = strrchr(results->path, '/');
    return slash && slash[1] ? slash + 1 : results->path;
}

static int append_line(const struct results *results, int fd, const char *name, const json_t *json,
                       struct message *message) {
    char *text = json_dumps(json, JSON_COMPACT);
    char *line = NULL;
    int length = text ? asprintf(&line, "%s\n", text) : -1;
    int err = 0;
    if (length < 0) {
        err = message_fail(message, -ENOMEM, "out of memory");
    } else {
        ssize_t written = write(fd, line, (size_t)length);
        if (written != length)
            err = message_fail(message, -EIO, "results: %s/%s cannot be written: %s", results->path,
                               name, written < 0 ? strerror(errno) : "no space left");
        free(line);
    }
    free(text);
    return err;
}

int results_append(const struct results *results, const json_t *row, struct message *message) {
    return append_line(results, results->trials_fd, "trials.jsonl", row, message);
}

int results_append_round(const struct results *results, int64_t round, int64_t control_spin_ns,
                         struct message *message) {
    json_t *json = json_pack("{s:I, s:I}", "round", (json_int_t)round, "control_spin_ns",
                             (json_int_t)control_spin_ns);
    int err = append_line(results, results->rounds_fd, "rounds.jsonl", json, message);
    json_decref(json);
    return err;
}

int results_write_environment(const struct results *results, const json_t *environment,
                              struct message *message) {
    return write_json(results, "environment.json", environment, message);
}

void results_close(struct results *results) {
    if (results->trials_fd >= 0)
        close(results->trials_fd);
    if (results->rounds_fd >= 0)
        close(results->rounds_fd);
    free(results->path);
    *results = (struct results){.trials_fd = -1, .rounds_fd = -1};
}
