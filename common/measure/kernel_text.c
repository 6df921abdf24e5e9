#include "measure/kernel_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

static const char *root = "";

void kernel_text_set_root(const char *new_root) {
    root = new_root;
}

/* Some of these files come in parts even when there is room for all. */
static ssize_t read_all(int fd, char *text, size_t size) {
    size_t length = 0;
    while (length < size) {
        ssize_t count = read(fd, text + length, size - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        length += (size_t)count;
    }
    return (ssize_t)length;
}

int kernel_text_read_path(char *text, size_t size, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t count = read_all(fd, text, size - 1);
    close(fd);
    text[count < 0 ? 0 : count] = '\0';
    return count < 0 ? (int)count : 0;
}

int kernel_text_read(char *text, size_t size, const char *format, ...) {
    char path[PATH_BYTES];
    int root_length = snprintf(path, sizeof path, "%s", root);
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(path + root_length, sizeof path - (size_t)root_length, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)(root_length + length) >= sizeof path)
        return -ENAMETOOLONG;
    return kernel_text_read_path(text, size, path);
}

const char *kernel_text_find(const char *text, const char *key) {
    size_t key_length = strlen(key);
    while (strncmp(text, key, key_length) != 0) {
        text = strchr(text, '\n');
        if (!text)
            return NULL;
        text++;
    }
    return text + key_length;
}
