#include "harness/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a line quotes may come from a file or from the command line and break the line. */
static void keep_one_line(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

int message_fail(struct message *message, int err, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
    keep_one_line(message->text);
    return err;
}

int message_prefix(struct message *message, int err, const char *format, ...) {
    char what[MESSAGE_BYTES];
    memcpy(what, message->text, sizeof what);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used + sizeof ": " < sizeof message->text) {
        int room = (int)(sizeof message->text - used - sizeof ": ");
        sprintf(message->text + used, ": %.*s", room, what);
    }
    keep_one_line(message->text);
    return err;
}
