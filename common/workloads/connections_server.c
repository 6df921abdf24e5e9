#include "workloads/connections.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/checksum.h"

/* How long the clients may take to open what they were granted. */
#define OPEN_LIMIT_NS (30 * INT64_C(1000000000))

static size_t frame_bytes(const struct connections_state *s) {
    return sizeof(struct echo_frame) + (size_t)s->order.bytes;
}

/* Reads as many bytes as there must be. Returns 0; 1 at the end of the stream before the first of
   them; -EPROTO at an end between; a negative errno. */
static int read_whole(struct stream *stream, void *bytes, size_t size, int64_t deadline) {
    for (size_t done = 0; done < size;) {
        ptrdiff_t count = stream_read(stream, (char *)bytes + done, size - done, deadline);
        if (count <= 0)
            return count < 0 ? (int)count : done ? -EPROTO : 1;
        done += (size_t)count;
    }
    return 0;
}

static int answer(struct connection *c) {
    const struct connections_state *s = c->state;
    struct echo_frame frame;
    memcpy(&frame, c->frame, sizeof frame);
    uint64_t idle = s->order.connections - s->order.active;
    if (frame.bytes != s->order.bytes ||
        frame.operation >= s->order.active * s->order.requests + idle)
        return -EBADMSG;
    operation_begin(s->recorder, frame.operation);
    uint64_t checksum =
        checksum_add(CHECKSUM_OF_NOTHING, c->frame + sizeof frame, (size_t)s->order.bytes);
    int err = stream_write(c->stream, c->frame, frame_bytes(s), TASK_NO_DEADLINE);
    operation_end(s->recorder, frame.operation, err, connections_value(checksum, frame.operation));
    return err;
}

/* Answers until the client closes the connection. */
static int serve_task(void *arg) {
    struct connection *c = arg;
    recorder_task_begin(c->state->recorder);
    int err = 0;
    while (!err) {
        err = read_whole(c->stream, c->frame, frame_bytes(c->state), TASK_NO_DEADLINE);
        if (!err)
            err = answer(c);
    }
    stream_close(c->stream);
    recorder_task_end(c->state->recorder);
    return err < 0 ? err : 0;
}

static int connect_to_clients(struct stream **out, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return stream_connect(out, (const struct sockaddr *)&address, sizeof address,
                          task_deadline(OPEN_LIMIT_NS));
}

static int listen_on_loopback(struct listener **out, uint64_t *port) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage own;
    int err = listener_open(out, (const struct sockaddr *)&any, sizeof any, 2 * ECHO_GRANT_MAX);
    if (err)
        return err;
    err = listener_address(*out, &own);
    if (err)
        listener_close(*out);
    *port = ntohs(((struct sockaddr_in *)&own)->sin_port);
    return err;
}

static int send_grant(struct stream *clients, echo_grant grant) {
    return stream_write(clients, &grant, sizeof grant, task_deadline(OPEN_LIMIT_NS));
}

/* Lets the clients open up to `count` further connections. Returns how many they opened, at least
   one, or what stopped them. */
static echo_grant grant_connections(struct stream *clients, echo_grant count) {
    int64_t deadline = task_deadline(OPEN_LIMIT_NS);
    echo_grant opened = 0;
    int err = send_grant(clients, count);
    if (!err)
        err = read_whole(clients, &opened, sizeof opened, deadline);
    if (err)
        return err < 0 ? err : -EPIPE;
    return opened == 0 || opened > count ? -EPROTO : opened;
}

static int accept_one(struct connections_state *s, struct listener *listener, uint64_t number) {
    struct connection *c = &s->connections[number];
    int err = listener_accept(listener, task_deadline(OPEN_LIMIT_NS), &c->stream);
    if (err)
        return err;
    err = task_spawn(&s->tasks[number], "serve", serve_task, c);
    if (err)
        stream_close(c->stream);
    return err;
}

/* Accepts all connections, each with a task of its own; *accepted counts those there are. */
static int accept_all(struct connections_state *s, struct listener *listener,
                      struct stream *clients, uint64_t *accepted) {
    while (*accepted < s->order.connections) {
        uint64_t left = s->order.connections - *accepted;
        echo_grant opened =
            grant_connections(clients, left < ECHO_GRANT_MAX ? (echo_grant)left : ECHO_GRANT_MAX);
        for (echo_grant i = 0; i < opened; i++, ++*accepted) {
            int err = accept_one(s, listener, *accepted);
            if (err)
                return err;
        }
        if (opened < 0)
            return (int)opened;
    }
    return 0;
}

static int serve(struct connections_state *s, struct listener *listener, struct stream *clients) {
    uint64_t accepted = 0;
    int err = stream_write(clients, &s->order, sizeof s->order, task_deadline(OPEN_LIMIT_NS));
    if (!err)
        err = accept_all(s, listener, clients, &accepted);
    recorder_all_spawned(s->recorder, accepted, err);
    if (!err)
        err = send_grant(clients, 0);
    if (err) {
        stream_close(clients); /* so that they close theirs, and the tasks end */
        clients = NULL;
    }
    int result = task_gather(s->tasks, accepted, NULL);
    stream_close(clients);
    return err ? err : result;
}

int connections_server_main(void *state) {
    struct connections_state *s = state;
    struct listener *listener;
    struct stream *clients;
    int err = listen_on_loopback(&listener, &s->order.port);
    if (err)
        return err;
    err = connect_to_clients(&clients, s->clients_port);
    if (!err)
        err = serve(s, listener, clients);
    listener_close(listener);
    return err;
}

int connections_server_prepare(struct connections_state *s, const struct workload_input *input,
                               char message[WORKLOAD_MESSAGE_BYTES]) {
    if (!input->clients_port) {
        snprintf(message, WORKLOAD_MESSAGE_BYTES, "no clients were started");
        return -EINVAL;
    }
    s->clients_port = input->clients_port;
    size_t bytes = (size_t)s->order.connections * frame_bytes(s);
    s->frames = malloc(bytes);
    if (!s->frames)
        return -ENOMEM;
    memset(s->frames, 0, bytes); /* touched here, so that the run takes no page fault */
    for (uint64_t i = 0; i < s->order.connections; i++)
        s->connections[i].frame = s->frames + i * frame_bytes(s);
    return 0;
}
