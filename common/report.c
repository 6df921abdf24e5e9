#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void report_line(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    size_t count = (size_t)length < sizeof line - 1 ? (size_t)length : sizeof line - 2;
    line[count++] = '\n';
    (void)!write(STDERR_FILENO, line, count);
}
