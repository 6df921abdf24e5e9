#include "workloads/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "tva-files-"

/* A folder is named like this until its lock is held, so that no other trial takes it for one that
   was left behind. */
#define UNLOCKED "tva-new-XXXXXX"

static void remove_files(int folder_fd) {
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
        unlinkat(folder_fd, entry->d_name, 0); /* "." and ".." are refused */
    closedir(folder);
}

static bool is_own(int fd) {
    struct stat stat;
    return fstat(fd, &stat) == 0 && stat.st_uid == geteuid();
}

/* Whoever created a folder holds its lock as long as it lives. */
static void remove_if_left(int parent_fd, const char *name) {
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (is_own(fd) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        remove_files(fd);
        unlinkat(parent_fd, name, AT_REMOVEDIR);
    }
    close(fd);
}

static void remove_left(const char *parent) {
    DIR *folder = opendir(parent);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
            remove_if_left(dirfd(folder), entry->d_name);
    closedir(folder);
}

static int create_below(struct scratch *out, const char *parent) {
    char path[PATH_MAX];
    struct scratch scratch;
    if (snprintf(path, sizeof path, "%s/%s", parent, UNLOCKED) >= PATH_MAX - (int)strlen(PREFIX))
        return -ENAMETOOLONG;
    remove_left(parent);
    if (!mkdtemp(path))
        return -errno;
    scratch.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *random = path + strlen(path) - strlen("XXXXXX");
    snprintf(scratch.path, sizeof scratch.path, "%s/%s%s", parent, PREFIX, random);
    if (scratch.fd < 0 || flock(scratch.fd, LOCK_EX) || rename(path, scratch.path)) {
        int err = -errno;
        if (scratch.fd >= 0)
            close(scratch.fd);
        rmdir(path);
        return err;
    }
    *out = scratch;
    return 0;
}

int scratch_create(struct scratch *out) {
    const char *parents[] = {getenv("TMPDIR"), "/var/tmp", "."};
    int err = -ENOENT;
    for (size_t i = 0; i < sizeof parents / sizeof *parents && err; i++)
        if (parents[i])
            err = create_below(out, parents[i]);
    return err;
}

void scratch_destroy(struct scratch *scratch) {
    if (scratch->fd <= 0)
        return;
    remove_files(scratch->fd);
    rmdir(scratch->path);
    close(scratch->fd);
    scratch->fd = 0;
}
