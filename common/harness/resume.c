#include "harness/resume.h"

#include "harness/environment.h"
#include "harness/plan_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A path inside the folder; the caller frees it. */
static char *path_of(const struct resume *resume, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", resume->results.path, name) < 0 ? NULL : path;
}

static int read_plan(struct resume *resume, const struct plan *given, struct message *message) {
    char *path = path_of(resume, "plan.json");
    if (!path)
        return message_fail(message, -ENOMEM, "out of memory");
    int err = plan_read(&resume->plan, path, message);
    free(path);
    if (err || !given)
        return err;
    err = plan_compare(&resume->plan, given, message);
    return err ? message_prefix(message, err,
                                "%s: its plan is not the one of --plan (leave --plan out, or begin "
                                "a new run)",
                                resume->results.path)
               : 0;
}

static int compare_environment(struct resume *resume, json_t *was, struct message *message) {
    json_t *is = environment_json();
    if (!is)
        return message_fail(message, -ENOMEM, "out of memory");
    int err = environment_compare(was, is, message);
    if (err)
        message_prefix(message, err,
                       "%s: build or machine is not the one that it began with (go on with that, "
                       "or begin a new run)",
                       resume->results.path);
    else
        environment_resume(was, is);
    json_decref(is);
    return err;
}

/* The environment is written with the first round: without it there can be no row. */
static int begin_environment(struct resume *resume, const char *path, struct message *message) {
    if (lseek(resume->results.trials_fd, 0, SEEK_END) != 0)
        return message_fail(message, -ENOENT, "%s is not there: begin a new run", path);
    resume->environment = environment_json();
    return resume->environment ? 0 : message_fail(message, -ENOMEM, "out of memory");
}

static int read_environment(struct resume *resume, const char *path, struct message *message) {
    if (access(path, F_OK) < 0)
        return begin_environment(resume, path, message);
    resume->environment = json_load_file(path, 0, NULL);
    if (!json_is_object(resume->environment))
        return message_fail(message, -EINVAL, "%s is no JSON object: begin a new run", path);
    return compare_environment(resume, resume->environment, message);
}

static int check_environment(struct resume *resume, struct message *message) {
    char *path = path_of(resume, "environment.json");
    int err = path ? read_environment(resume, path, message)
                   : message_fail(message, -ENOMEM, "out of memory");
    free(path);
    return err;
}

int resume_open(struct resume *out, const char *path, const struct plan *given,
                struct message *message) {
    struct resume resume = {0};
    int err = results_open(&resume.results, path, message);
    if (err)
        return message_prefix(message, err, "--resume");
    err = read_plan(&resume, given, message);
    if (!err)
        err = check_environment(&resume, message);
    if (!err)
        err = results_cut(&resume.results, message);
    if (!err)
        err = past_read(&resume.past, resume.results.trials_fd, &resume.plan,
                        results_name(&resume.results), message);
    if (err) {
        resume_close(&resume);
        return message_prefix(message, err, "--resume");
    }
    *out = resume;
    return 0;
}

void resume_close(struct resume *resume) {
    past_destroy(&resume->past);
    json_decref(resume->environment);
    plan_destroy(&resume->plan);
    results_close(&resume->results);
}
