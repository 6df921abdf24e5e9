#include "origin/listener.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As long a queue as the kernel grants (net.core.somaxconn): all tasks of a trial connect at once,
   and a SYN that finds the queue full is dropped and sent again only a second later. */
#define BACKLOG INT_MAX

static int fail(const char *text, int err, const char *why, const char *advice,
                char message[ORIGIN_MESSAGE_BYTES]) {
    snprintf(message, ORIGIN_MESSAGE_BYTES, "origin: listen %.200s: %s (%s)", text, why, advice);
    return err;
}

/* Splits "ADDRESS:PORT" or "[ADDRESS]:PORT" in place. */
static bool split(char *text, char **host, char **port) {
    char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return false;
    *colon = '\0';
    *host = text;
    *port = colon + 1;
    char *last = colon - 1;
    if (*text == '[' && *last == ']') {
        *last = '\0';
        *host = text + 1;
    } else if (strchr(text, ':')) {
        return false;
    }
    return **port && strspn(*port, "0123456789") == strlen(*port) && atol(*port) <= UINT16_MAX;
}

static int find_address(const char *text, struct addrinfo **out,
                        char message[ORIGIN_MESSAGE_BYTES]) {
    char copy[256];
    char *host, *port;
    if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy ||
        !split(copy, &host, &port))
        return fail(text, -EINVAL, "not ADDRESS:PORT", "try 127.0.0.1:0", message);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int failure = getaddrinfo(host, port, &hints, out);
    return failure ? fail(text, -EINVAL, gai_strerror(failure), "try 127.0.0.1:0", message) : 0;
}

static int listen_on(const struct addrinfo *address, int *out_fd) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    /* The accepted sockets inherit it: a response of two writes must not wait for an
       acknowledgement in between. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, BACKLOG)) {
        int err = -errno;
        close(fd);
        return err;
    }
    *out_fd = fd;
    return 0;
}

static void write_url(int fd, char url[LISTENER_URL_BYTES]) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char host[INET6_ADDRSTRLEN + 16] = "", port[8] = "";
    getsockname(fd, (struct sockaddr *)&address, &length);
    getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    bool is_ipv6 = address.ss_family == AF_INET6;
    snprintf(url, LISTENER_URL_BYTES, is_ipv6 ? "http://[%s]:%s" : "http://%s:%s", host, port);
}

static const char *advise(int err) {
    return err == -EADDRNOTAVAIL ? "try an address of this machine, such as 127.0.0.1"
                                 : "try another port; 0 takes any that is free";
}

int origin_listen(int *out_fd, const char *text, char url[LISTENER_URL_BYTES],
                  char message[ORIGIN_MESSAGE_BYTES]) {
    struct addrinfo *found = NULL;
    int err = find_address(text, &found, message);
    if (err)
        return err;
    err = listen_on(found, out_fd);
    freeaddrinfo(found);
    if (err)
        return fail(text, err, strerror(-err), advise(err), message);
    write_url(*out_fd, url);
    return 0;
}
