/* The workload "files": what is read is what was written, and nothing of it stays. */
#include "support.h"

#include "workload_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "workloads/scratch.h"

static char parent[] = "/tmp/tva-test-files-XXXXXX";

static int use_own_parent(void **state) {
    (void)state;
    return mkdtemp(parent) && setenv("TMPDIR", parent, 1) == 0 ? 0 : -1;
}

static int remove_own_parent(void **state) {
    (void)state;
    return rmdir(parent); /* fails where something was left in it */
}

/* The name, below parent, of the only entry there; "" if there is none. */
static void find_folder(char name[256]) {
    DIR *folder = opendir(parent);
    name[0] = '\0';
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        assert_string_equal(name, "");
        strcpy(name, entry->d_name);
    }
    closedir(folder);
}

static void file_path(char path[512], const char *file) {
    char name[256];
    find_folder(name);
    snprintf(path, 512, "%s/%s/%s", parent, name, file);
}

static void change_a_byte(const char *file, off_t offset) {
    char path[512], byte;
    file_path(path, file);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void every_file_is_read_as_it_was_written(void **state) {
    (void)state;
    static const char *const texts[] = {
        "tasks=5,files=4,bytes=10000,mode=both,remedy=direct",
        "tasks=5,files=4,bytes=10000,mode=both,remedy=offload,fsync=yes",
        "tasks=5,files=4,bytes=4097,mode=read,remedy=direct",
        "tasks=5,files=4,bytes=4097,mode=read,remedy=offload",
        "tasks=5,files=4,bytes=7,mode=write,remedy=direct",
        "tasks=5,files=4,bytes=7,mode=write,remedy=offload",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts * MODELS; i++) {
        struct workload_run run;
        workload_run_begin(&run, &workload_files, texts[i / MODELS], 0);
        assert_int_equal(workload_run_in(&run, models[i % MODELS]), 0);
        assert_int_equal(workload_run_right(&run), 20);
        workload_run_end(&run);
    }
}

static void a_file_that_was_changed_before_it_is_read_is_wrong(void **state) {
    (void)state;
    struct workload_run run;
    workload_run_begin(&run, &workload_files, "tasks=2,files=3,bytes=5000,mode=read", 0);
    change_a_byte("4", 4999);
    change_a_byte("1", 0);
    assert_int_equal(workload_run_in(&run, &model_async), 0);
    assert_int_equal(workload_run_right(&run), 4);
    assert_false(workload_files.is_right(run.params, 4, run.recorder->records[4].value));
    workload_run_end(&run);
}

static void a_file_that_was_only_written_is_looked_at_afterwards(void **state) {
    (void)state;
    struct workload_run run;
    workload_run_begin(&run, &workload_files, "tasks=2,files=3,bytes=5000,mode=write", 0);
    assert_int_equal(run_in(&model_threads, WORKERS, workload_files.main, run.state), 0);
    change_a_byte("5", 2500);
    workload_files.settle(run.state);
    assert_int_equal(workload_run_right(&run), 5);
    workload_run_end(&run);
}

static void a_file_that_is_missing_or_short_is_an_error_of_its_operation(void **state) {
    (void)state;
    struct workload_run run;
    char path[512];
    workload_run_begin(&run, &workload_files, "tasks=2,files=3,bytes=5000,mode=read", 0);
    file_path(path, "0");
    assert_int_equal(unlink(path), 0);
    file_path(path, "3");
    assert_int_equal(truncate(path, 4000), 0);
    assert_int_equal(workload_run_in(&run, &model_pool), 0);
    assert_int_equal(run.recorder->records[0].error, -ENOENT);
    assert_int_equal(run.recorder->records[3].error, -ENODATA);
    assert_int_equal(workload_run_right(&run), 4);
    workload_run_end(&run);
}

static void the_folder_is_removed_at_the_end(void **state) {
    (void)state;
    char name[256];
    struct scratch scratch = {0};
    assert_int_equal(scratch_create(&scratch), 0);
    int fd = openat(scratch.fd, "file", O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    find_folder(name);
    assert_string_equal(name, strrchr(scratch.path, '/') + 1);
    scratch_destroy(&scratch);
    find_folder(name);
    assert_string_equal(name, "");
}

static _Noreturn void die_with_a_folder(int told) {
    struct scratch scratch;
    if (scratch_create(&scratch) || openat(scratch.fd, "file", O_CREAT | O_WRONLY, 0600) < 0 ||
        write(told, "x", 1) != 1)
        _exit(1);
    raise(SIGKILL);
    _exit(1);
}

static void the_folder_of_a_killed_process_is_removed_by_the_next(void **state) {
    (void)state;
    char name[256], next[256], byte;
    int told[2], status;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0)
        die_with_a_folder(told[1]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(told[0]);
    close(told[1]);
    find_folder(name);
    assert_string_not_equal(name, "");
    struct scratch scratch;
    assert_int_equal(scratch_create(&scratch), 0);
    find_folder(next);
    assert_string_not_equal(next, name);
    scratch_destroy(&scratch);
}

static void the_folder_of_a_living_process_stays(void **state) {
    (void)state;
    struct scratch one, two;
    struct stat found;
    assert_int_equal(scratch_create(&one), 0);
    assert_int_equal(scratch_create(&two), 0);
    assert_int_equal(stat(one.path, &found), 0);
    assert_int_equal(found.st_nlink, 2);
    scratch_destroy(&two);
    scratch_destroy(&one);
}

static void a_word_that_is_none_of_the_choices_is_refused(void **state) {
    (void)state;
    char message[WORKLOAD_MESSAGE_BYTES];
    assert_int_equal(workload_check_text(&workload_files, "mode=append", message), -EINVAL);
    assert_non_null(strstr(message, "write"));
    assert_int_equal(workload_check_text(&workload_files, "remedy=none", message), -EINVAL);
    assert_non_null(strstr(message, "offload"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_read_as_it_was_written),
        cmocka_unit_test(a_file_that_was_changed_before_it_is_read_is_wrong),
        cmocka_unit_test(a_file_that_was_only_written_is_looked_at_afterwards),
        cmocka_unit_test(a_file_that_is_missing_or_short_is_an_error_of_its_operation),
        cmocka_unit_test(the_folder_is_removed_at_the_end),
        cmocka_unit_test(the_folder_of_a_killed_process_is_removed_by_the_next),
        cmocka_unit_test(the_folder_of_a_living_process_stays),
        cmocka_unit_test(a_word_that_is_none_of_the_choices_is_refused),
    };
    return cmocka_run_group_tests(tests, use_own_parent, remove_own_parent);
}
