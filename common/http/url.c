#include "http/url.h"

#include <errno.h>
#include <http_parser.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

#define SCHEME "http://"
#define URL_BYTES_MAX 8000

static int refuse(char message[HTTP_MESSAGE_BYTES], const char *text, const char *why) {
    snprintf(message, HTTP_MESSAGE_BYTES, "url \"%.200s\": %s", text, why);
    return -EINVAL;
}

/* Whether the URL has a port that is not one; an empty one is not. What is before an '@' is a
   user's name and password, with a colon of its own. */
static bool has_bad_port(const char *text) {
    const char *authority = text + strlen(SCHEME);
    const char *end = authority + strcspn(authority, "/?#");
    const char *colon = memrchr(authority, ':', (size_t)(end - authority));
    if (!colon || memchr(colon, ']', (size_t)(end - colon)) ||
        memchr(colon, '@', (size_t)(end - colon)))
        return false;
    char *number_end;
    long port = strtol(colon + 1, &number_end, 10);
    return number_end != end || port < 1 || port > UINT16_MAX;
}

/* What is wrong with a URL, or NULL. The parser tells only whether it liked it. */
static const char *find_fault(const char *text, struct http_parser_url *parsed) {
    if (strncasecmp(text, SCHEME, strlen(SCHEME)))
        return "only http:// URLs are fetched";
    size_t bytes = strlen(text);
    if (bytes > URL_BYTES_MAX)
        return "longer than 8000 bytes";
    if (has_bad_port(text))
        return "bad port (a number from 1 to 65535)";
    http_parser_url_init(parsed);
    if (http_parser_parse_url(text, bytes, 0, parsed))
        return "not a URL (expected http://host[:port]/path)";
    if (parsed->field_set & (1 << UF_USERINFO))
        return "a user name or password is not supported";
    if (parsed->field_data[UF_HOST].len >= HTTP_HOST_BYTES)
        return "the host's name is too long";
    return NULL;
}

static void set_authority(struct http_url *url) {
    bool is_ipv6 = strchr(url->host, ':');
    int end = snprintf(url->authority, sizeof url->authority, is_ipv6 ? "[%s]" : "%s", url->host);
    if (url->port != 80)
        snprintf(url->authority + end, sizeof url->authority - (size_t)end, ":%u", url->port);
}

int http_url_create(struct http_url **out, const char *text, char message[HTTP_MESSAGE_BYTES]) {
    struct http_parser_url parsed;
    const char *fault = find_fault(text, &parsed);
    if (fault)
        return refuse(message, text, fault);
    /* The target takes at most what the URL does, one '/' that it may lack, and the NUL. */
    size_t target_bytes = strlen(text) + 2;
    struct http_url *url = calloc(1, sizeof *url + target_bytes);
    if (!url)
        return -ENOMEM;
    memcpy(url->host, text + parsed.field_data[UF_HOST].off, parsed.field_data[UF_HOST].len);
    url->port = parsed.port ? parsed.port : 80;
    set_authority(url);
    bool has_query = parsed.field_set & (1 << UF_QUERY);
    snprintf(url->target, target_bytes, "%.*s%s%.*s",
             parsed.field_data[UF_PATH].len ? parsed.field_data[UF_PATH].len : 1,
             parsed.field_data[UF_PATH].len ? text + parsed.field_data[UF_PATH].off : "/",
             has_query ? "?" : "", parsed.field_data[UF_QUERY].len,
             text + parsed.field_data[UF_QUERY].off);
    *out = url;
    return 0;
}

static bool accepts_connections(const struct addrinfo *address) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    /* Linux takes the time limit for sending as that for connecting, too. */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_sec = 2}, sizeof(struct timeval));
    bool accepts = connect(fd, address->ai_addr, address->ai_addrlen) == 0;
    close(fd);
    return accepts;
}

static const struct addrinfo *choose_address(const struct addrinfo *first) {
    if (!first->ai_next)
        return first;
    for (const struct addrinfo *address = first; address; address = address->ai_next)
        if (accepts_connections(address))
            return address;
    return first;
}

int http_url_resolve(struct http_url *url, char message[HTTP_MESSAGE_BYTES]) {
    char port[8];
    snprintf(port, sizeof port, "%u", url->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(url->host, port, &hints, &found);
    if (failure) {
        snprintf(message, HTTP_MESSAGE_BYTES, "host \"%.200s\": %s (is the name right?)", url->host,
                 gai_strerror(failure));
        return -EHOSTUNREACH;
    }
    const struct addrinfo *chosen = choose_address(found);
    memcpy(&url->address, chosen->ai_addr, chosen->ai_addrlen);
    url->address_length = chosen->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

void http_url_destroy(struct http_url *url) {
    free(url);
}
