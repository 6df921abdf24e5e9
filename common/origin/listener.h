/* The origin's listening socket. */
#ifndef TVA_ORIGIN_LISTENER_H
#define TVA_ORIGIN_LISTENER_H

#include "origin/origin.h"

#define LISTENER_URL_BYTES 128

/* Listens on "ADDRESS:PORT" (an IPv6 address in brackets, port 0 for any free one) and writes the
   URL under which it is reached. The caller closes *out_fd. Returns 0; -EINVAL if the text is not
   an address; what else socket(2), bind(2) and listen(2) report; each with one line in message. */
int origin_listen(int *out_fd, const char *text, char url[LISTENER_URL_BYTES],
                  char message[ORIGIN_MESSAGE_BYTES]);

#endif
