/* The kernel's figures as text, below /proc and /sys: reading a file, finding a line in it. */
#ifndef TVA_MEASURE_KERNEL_TEXT_H
#define TVA_MEASURE_KERNEL_TEXT_H

#include <stddef.h>

/* Takes the files from below this folder instead of "/"; for tests. The text must stay. */
void kernel_text_set_root(const char *root);

/* Reads a file, or as much of it as the buffer holds, and ends it by a zero. The path is absolute.
   Returns 0 or a negative errno. */
int kernel_text_read(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same of a path that is taken as it is, without the root. */
int kernel_text_read_path(char *text, size_t size, const char *path);

/* What stands after `key` at the beginning of a line, or NULL. The key includes its separator, so
   that none is found by another that begins like it. */
const char *kernel_text_find(const char *text, const char *key);

#endif
