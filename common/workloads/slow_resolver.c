#include "workloads/slow_resolver.h"

#include "clock.h"
#include "workloads/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Names are "<number>.block.test"; RFC 2606 keeps .test free for such. */
#define NAME_FORMAT "%llu.block.test"
#define NAME_BYTES 48

/* RFC 1035, section 4.1: a header of 12 bytes, then the question. */
#define HEADER_BYTES 12
#define QUESTION_BYTES_MAX 64
#define ANSWER_BYTES 16
#define TYPE_A 1

/* No look-up of the program has this number; the one that proves the way has. */
#define PROOF_NUMBER UINT64_MAX

struct question {
    int64_t due_ns; /* when it is to be answered */
    struct sockaddr_in from;
    size_t length;
    unsigned char packet[HEADER_BYTES + QUESTION_BYTES_MAX + ANSWER_BYTES];
};

struct slow_resolver {
    int64_t delay_ns;
    struct sockaddr_in address;
    int socket;
    int stop_fd; /* readable: the server is to end */
    pthread_t server;
    bool is_serving;

    /* The server's own. All wait equally long, so that they fall due in the order they came in. */
    struct question *questions; /* a ring */
    uint64_t capacity, first, count;
};

/* Somewhere in 127.0.0.0/8, another for nearly every number. */
static uint32_t address_of(uint64_t number) {
    return UINT32_C(127) << 24 | (uint32_t)(random_mix(number) & 0xffffff);
}

/* Reads the digits of the first label. Returns false if that is no number. */
static bool read_number(const unsigned char *label, uint64_t *number) {
    *number = 0;
    for (unsigned i = 1; i <= label[0]; i++) {
        if (label[i] < '0' || label[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(label[i] - '0');
    }
    return label[0] > 0;
}

/* Makes an answer of the question, in place: the same header and question, and one address. Returns
   its length. */
static size_t make_answer(struct question *question) {
    unsigned char *packet = question->packet, *end = packet + question->length;
    uint64_t number;
    const unsigned char *type = end - 4;
    bool is_known = read_number(packet + HEADER_BYTES, &number) && type[1] == TYPE_A;
    packet[2] = (unsigned char)(0x84 | (packet[2] & 1)); /* a response, authoritative */
    packet[3] = 0x80;                                    /* recursion is to be had; no error */
    packet[7] = is_known;                                /* answers */
    memset(packet + 8, 0, 4);                            /* no further records */
    if (!is_known)
        return question->length;
    const unsigned char record[] = {0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4};
    uint32_t address = htonl(address_of(number));
    memcpy(end, record, sizeof record);
    memcpy(end + sizeof record, &address, sizeof address);
    return question->length + sizeof record + sizeof address;
}

/* Cuts off what follows the question, such as EDNS options. Returns false for what is none. */
static bool trim_to_question(struct question *question, size_t received) {
    size_t at = HEADER_BYTES;
    while (at < received && question->packet[at])
        at += question->packet[at] + (size_t)1;
    question->length = at + 5; /* the root's empty label, type and class */
    return question->length <= received && question->length <= HEADER_BYTES + QUESTION_BYTES_MAX &&
           question->packet[5] == 1;
}

static void receive(struct slow_resolver *r) {
    struct question *question = &r->questions[(r->first + r->count) % r->capacity];
    socklen_t length = sizeof question->from;
    ssize_t received = recvfrom(r->socket, question->packet, HEADER_BYTES + QUESTION_BYTES_MAX, 0,
                                (struct sockaddr *)&question->from, &length);
    if (received < HEADER_BYTES || !trim_to_question(question, (size_t)received))
        return;
    question->due_ns = clock_now_ns() + r->delay_ns;
    r->count++;
}

static void answer_due(struct slow_resolver *r) {
    while (r->count > 0 && r->questions[r->first].due_ns <= clock_now_ns()) {
        struct question *question = &r->questions[r->first];
        size_t length = make_answer(question);
        sendto(r->socket, question->packet, length, 0, (struct sockaddr *)&question->from,
               sizeof question->from);
        r->first = (r->first + 1) % r->capacity;
        r->count--;
    }
}

static void *serve(void *arg) {
    struct slow_resolver *r = arg;
    for (;;) {
        struct pollfd fds[] = {{.fd = r->stop_fd, .events = POLLIN},
                               {.fd = r->count < r->capacity ? r->socket : -1, .events = POLLIN}};
        struct timespec wait = {0};
        if (r->count > 0) {
            int64_t wait_ns = r->questions[r->first].due_ns - clock_now_ns();
            wait = clock_timespec(wait_ns > 0 ? wait_ns : 0);
        }
        int ready = ppoll(fds, 2, r->count > 0 ? &wait : NULL, NULL);
        if (ready > 0 && fds[0].revents)
            return NULL;
        if (ready > 0 && fds[1].revents)
            receive(r);
        answer_due(r);
    }
}

static int open_server(struct slow_resolver *r) {
    r->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof r->address;
    r->stop_fd = eventfd(0, EFD_CLOEXEC);
    r->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->stop_fd < 0 || r->socket < 0 ||
        bind(r->socket, (struct sockaddr *)&r->address, sizeof r->address) < 0 ||
        getsockname(r->socket, (struct sockaddr *)&r->address, &length) < 0)
        return -errno;
    int err = pthread_create(&r->server, NULL, serve, r);
    r->is_serving = !err;
    return -err;
}

/* Points the calling thread's resolver, which glibc keeps for each thread, to our server. */
static int use_server(const struct slow_resolver *r) {
    if (_res.options & RES_INIT && _res.nscount == 1 &&
        _res.nsaddr_list[0].sin_port == r->address.sin_port)
        return 0;
    if (res_init() < 0)
        return -EHOSTUNREACH;
    _res.nscount = 1;
    _res.nsaddr_list[0] = r->address;
    /* It is asked once, and waited for: a second question would have an answer of its own. */
    _res.retry = 1;
    _res.retrans = (int)(r->delay_ns / NS_PER_S) + 10;
    _res.ndots = 0;
    _res.options &= ~(unsigned long)(RES_DEFNAMES | RES_DNSRCH);
    _res.options |= RES_NORELOAD;
    return 0;
}

static int error_of(int status) {
    switch (status) {
    case EAI_SYSTEM:
        return errno ? -errno : -EIO;
    case EAI_MEMORY:
        return -ENOMEM;
    default:
        return -EHOSTUNREACH;
    }
}

int slow_resolver_look_up(const struct slow_resolver *resolver, uint64_t number) {
    int err = use_server(resolver);
    if (err)
        return err;
    char name[NAME_BYTES];
    snprintf(name, sizeof name, NAME_FORMAT, (unsigned long long)number);
    /* IPv4 alone: one question a look-up. */
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int status = getaddrinfo(name, NULL, &hints, &found);
    if (status)
        return error_of(status);
    const struct sockaddr_in *address = (const struct sockaddr_in *)(void *)found->ai_addr;
    bool is_right = address->sin_addr.s_addr == htonl(address_of(number));
    freeaddrinfo(found);
    return is_right ? 0 : -EBADMSG;
}

/* Also loads what the first look-up of a process loads, which is not to be measured. */
static int prove_way(struct slow_resolver *r, char *message, size_t message_bytes) {
    int64_t before_ns = clock_now_ns();
    int err = slow_resolver_look_up(r, PROOF_NUMBER);
    if (!err && clock_now_ns() - before_ns >= r->delay_ns)
        return 0;
    snprintf(message, message_bytes,
             "getaddrinfo() cannot be made to ask our own name server on 127.0.0.1 (%s): is there "
             "an nscd, or a libc other than glibc? (try another --kind)",
             err ? strerror(-err) : "another answered");
    return err ? err : -EHOSTUNREACH;
}

int slow_resolver_create(struct slow_resolver **out, int64_t delay_ns, uint64_t lookups_max,
                         char *message, size_t message_bytes) {
    struct slow_resolver *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->delay_ns = delay_ns;
    r->socket = r->stop_fd = -1;
    r->capacity = lookups_max;
    r->questions = calloc(lookups_max, sizeof *r->questions);
    int err = r->questions ? open_server(r) : -ENOMEM;
    if (!err) {
        __nss_configure_lookup("hosts", "dns");
        err = prove_way(r, message, message_bytes);
    }
    if (err)
        slow_resolver_destroy(r);
    else
        *out = r;
    return err;
}

void slow_resolver_destroy(struct slow_resolver *r) {
    if (!r)
        return;
    if (r->is_serving) {
        (void)!write(r->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
        pthread_join(r->server, NULL);
    }
    if (r->socket >= 0)
        close(r->socket);
    if (r->stop_fd >= 0)
        close(r->stop_fd);
    free(r->questions);
    free(r);
}
