/* One line for people: what is wrong, which, what to try. Functions of the harness fill it where
   they return a negative errno; main alone prints it. */
#ifndef TVA_HARNESS_MESSAGE_H
#define TVA_HARNESS_MESSAGE_H

#define MESSAGE_BYTES 1024

struct message {
    char text[MESSAGE_BYTES];
};

/* Sets the line, in which line breaks and other control characters become spaces, and returns
   `err`, so that a caller can fail in one statement. */
int message_fail(struct message *message, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts where it happened before what happened: "where: what". Returns `err`. */
int message_prefix(struct message *message, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
