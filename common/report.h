/* One line for the programmer, on standard error, whole, about a misuse or a deadlock. */
#ifndef TVA_REPORT_H
#define TVA_REPORT_H

/* As printf; the line's end is added. May be called by any thread; needs some KiB of stack. */
void report_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
