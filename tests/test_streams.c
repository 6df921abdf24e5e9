/* Streams and listeners: the contracts of task.h, each in every model, over loopback. */
#include "support.h"

#include <netinet/in.h>
#include <sys/socket.h>

static const struct sockaddr_in loopback = {.sin_family = AF_INET,
                                            .sin_addr.s_addr = 0x0100007f}; /* network order */

static int64_t soon(void) {
    return task_deadline(5 * NS_PER_MS);
}

static void listen_somewhere(struct listener **listener, struct sockaddr_storage *address) {
    EXPECT(listener_open(listener, (const struct sockaddr *)&loopback, sizeof loopback, 64), 0);
    EXPECT(listener_address(*listener, address), 0);
    EXPECT(((struct sockaddr_in *)address)->sin_port != 0, true);
}

static struct stream *connect_to(const struct sockaddr_storage *address) {
    struct stream *stream;
    EXPECT(stream_connect(&stream, (const struct sockaddr *)address, sizeof loopback,
                          task_deadline(LONG_NS)),
           0);
    return stream;
}

static void open_pair(struct stream **left, struct stream **right) {
    int fds[2];
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    EXPECT(stream_open(left, fds[0]), 0);
    EXPECT(stream_open(right, fds[1]), 0);
}

#define LARGE (2 * 1024 * 1024)

/* Byte i of what is sent, so that a gap or a repetition is seen. */
static unsigned char byte_at(size_t i) {
    return (unsigned char)(i * 31 + i / 251);
}

static int send_large(void *arg) {
    const struct sockaddr_storage *address = arg;
    struct stream *stream = connect_to(address);
    unsigned char *data = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        data[i] = byte_at(i);
    EXPECT(stream_write(stream, data, LARGE, TASK_NO_DEADLINE), 0);
    free(data);
    stream_close(stream);
    return 0;
}

static int receive_large(void *arg) {
    (void)arg;
    struct listener *listener;
    struct sockaddr_storage address;
    struct stream *stream;
    struct task *sender;
    static unsigned char buffer[10000];
    size_t received = 0;
    ptrdiff_t count;
    listen_somewhere(&listener, &address);
    EXPECT(task_spawn(&sender, "sender", send_large, &address), 0);
    EXPECT(listener_accept(listener, TASK_NO_DEADLINE, &stream), 0);
    while ((count = stream_read(stream, buffer, sizeof buffer, TASK_NO_DEADLINE)) > 0)
        for (ptrdiff_t i = 0; i < count; i++, received++)
            EXPECT(buffer[i], byte_at(received));
    EXPECT(count, 0);
    EXPECT(received, LARGE);
    stream_close(stream);
    EXPECT(task_await(sender, NULL), 0);
    listener_close(listener);
    return 0;
}

static void a_stream_carries_more_than_fits_the_kernel_s_buffers(void **state) {
    (void)state;
    in_every_model(receive_large, NULL);
}

#define ACCEPTORS 3
#define CLIENTS 30

struct server {
    struct listener *listener;
    struct sockaddr_storage address;
    atomic_int served;
};

/* Sends the byte that it reads, plus one, until it is cancelled. */
static int serve(void *arg) {
    struct server *server = arg;
    struct stream *stream;
    unsigned char byte;
    int err;
    while (!(err = listener_accept(server->listener, TASK_NO_DEADLINE, &stream))) {
        EXPECT(stream_read(stream, &byte, 1, TASK_NO_DEADLINE), 1);
        byte++;
        EXPECT(stream_write(stream, &byte, 1, TASK_NO_DEADLINE), 0);
        atomic_fetch_add(&server->served, 1);
        stream_close(stream);
    }
    return err;
}

static void ask_server(const struct server *server, unsigned char question) {
    struct stream *stream = connect_to(&server->address);
    unsigned char answer;
    EXPECT(stream_write(stream, &question, 1, TASK_NO_DEADLINE), 0);
    EXPECT(stream_read(stream, &answer, 1, task_deadline(LONG_NS)), 1);
    EXPECT(answer, question + 1);
    EXPECT(stream_read(stream, &answer, 1, TASK_NO_DEADLINE), 0);
    stream_close(stream);
}

static int ask_ten(void *arg) {
    for (unsigned char i = 0; i < 10; i++)
        ask_server(arg, i);
    return 0;
}

static int accept_by_several(void *arg) {
    (void)arg;
    struct server server = {.served = 0};
    struct task *acceptors[ACCEPTORS], *clients[3];
    int results[ACCEPTORS];
    listen_somewhere(&server.listener, &server.address);
    for (int i = 0; i < ACCEPTORS; i++)
        EXPECT(task_spawn(&acceptors[i], "acceptor", serve, &server), 0);
    for (int i = 0; i < 3; i++)
        EXPECT(task_spawn(&clients[i], "client", ask_ten, &server), 0);
    EXPECT(task_gather(clients, 3, NULL), 0);
    EXPECT(server.served, CLIENTS);
    for (int i = 0; i < ACCEPTORS; i++)
        EXPECT(task_cancel(acceptors[i]), true);
    EXPECT(task_gather(acceptors, ACCEPTORS, results), -ECANCELED);
    listener_close(server.listener);
    return 0;
}

static void several_tasks_accept_from_one_listener(void **state) {
    (void)state;
    in_every_model(accept_by_several, NULL);
}

/* All of them wait when a crowd of connections comes at once. */
static int accept_a_crowd(void *arg) {
    (void)arg;
    struct server server = {.served = 0};
    struct task *acceptors[ACCEPTORS];
    struct stream *streams[CLIENTS];
    unsigned char byte = 1;
    listen_somewhere(&server.listener, &server.address);
    for (int i = 0; i < ACCEPTORS; i++)
        EXPECT(task_spawn(&acceptors[i], "acceptor", serve, &server), 0);
    task_sleep(NS_PER_MS);
    for (int i = 0; i < CLIENTS; i++)
        streams[i] = connect_to(&server.address);
    for (int i = 0; i < CLIENTS; i++)
        EXPECT(stream_write(streams[i], &byte, 1, TASK_NO_DEADLINE), 0);
    for (int i = 0; i < CLIENTS; i++) {
        EXPECT(stream_read(streams[i], &byte, 1, TASK_NO_DEADLINE), 1);
        stream_close(streams[i]);
    }
    for (int i = 0; i < ACCEPTORS; i++)
        task_cancel(acceptors[i]);
    task_gather(acceptors, ACCEPTORS, NULL);
    EXPECT(server.served, CLIENTS);
    listener_close(server.listener);
    return 0;
}

static void no_connection_of_a_crowd_is_left_waiting(void **state) {
    (void)state;
    in_every_model(accept_a_crowd, NULL);
}

/* A deadline leaves all as it was: what comes later is read, written, accepted. */
static int time_out(void *arg) {
    (void)arg;
    struct listener *listener;
    struct sockaddr_storage address;
    struct stream *near, *far;
    char byte = 'x';
    int64_t begin_ns = clock_now_ns();
    listen_somewhere(&listener, &address);
    EXPECT(listener_accept(listener, soon(), &far), -ETIMEDOUT);
    near = connect_to(&address);
    EXPECT(listener_accept(listener, TASK_NO_DEADLINE, &far), 0);
    EXPECT(stream_read(near, &byte, 1, soon()), -ETIMEDOUT);
    EXPECT(clock_now_ns() - begin_ns >= 10 * NS_PER_MS, true);
    EXPECT(stream_write(far, "y", 1, soon()), 0);
    EXPECT(stream_read(near, &byte, 1, TASK_NO_DEADLINE), 1);
    EXPECT(byte, 'y');
    EXPECT(stream_read(near, &byte, 1, soon()), -ETIMEDOUT);
    stream_close(far);
    EXPECT(stream_read(near, &byte, 1, TASK_NO_DEADLINE), 0);
    stream_close(near);
    listener_close(listener);
    return 0;
}

static void a_deadline_leaves_a_stream_as_it_was(void **state) {
    (void)state;
    in_every_model(time_out, NULL);
}

static int write_until_full(void *arg) {
    (void)arg;
    static const char zeros[65536];
    struct stream *near, *far;
    int err;
    open_pair(&near, &far);
    do
        err = stream_write(near, zeros, sizeof zeros, soon());
    while (!err);
    EXPECT(err, -ETIMEDOUT);
    stream_close(far);
    EXPECT(stream_write(near, zeros, 1, TASK_NO_DEADLINE), -EPIPE);
    stream_close(near);
    return 0;
}

static void a_write_that_nobody_reads_times_out(void **state) {
    (void)state;
    in_every_model(write_until_full, NULL);
}

struct listening {
    struct sockaddr_in address;
    int fds[4];
};

/* The backlog of one is taken: the kernel drops what else would connect. */
static void open_crowded(struct listening *crowded) {
    socklen_t length = sizeof crowded->address;
    crowded->address = loopback;
    crowded->fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(bind(crowded->fds[0], (struct sockaddr *)&crowded->address, length), 0);
    EXPECT(listen(crowded->fds[0], 0), 0);
    EXPECT(getsockname(crowded->fds[0], (struct sockaddr *)&crowded->address, &length), 0);
    for (int i = 1; i < 4; i++) {
        int flags = SOCK_STREAM | SOCK_CLOEXEC | (i > 1 ? SOCK_NONBLOCK : 0);
        crowded->fds[i] = socket(AF_INET, flags, 0);
        int err =
            connect(crowded->fds[i], (struct sockaddr *)&crowded->address, length) ? errno : 0;
        EXPECT(err == 0 || err == EINPROGRESS, true);
    }
}

static int connect_in_vain(void *arg) {
    struct stream *stream = NULL;
    struct sockaddr_in *address = arg;
    EXPECT(stream_connect(&stream, (struct sockaddr *)address, sizeof *address,
                          task_deadline(20 * NS_PER_MS)),
           -ETIMEDOUT);
    EXPECT(stream == NULL, true);
    return 0;
}

static void a_connect_that_is_not_answered_times_out(void **state) {
    (void)state;
    struct listening crowded;
    open_crowded(&crowded);
    in_every_model(connect_in_vain, &crowded.address);
    for (int i = 0; i < 4; i++)
        close(crowded.fds[i]);
}

static int connect_refused(void *arg) {
    (void)arg;
    struct listener *listener;
    struct sockaddr_storage address;
    struct stream *stream;
    listen_somewhere(&listener, &address);
    listener_close(listener);
    EXPECT(stream_connect(&stream, (struct sockaddr *)&address, sizeof loopback, TASK_NO_DEADLINE),
           -ECONNREFUSED);
    return 0;
}

static void a_port_where_nobody_listens_refuses(void **state) {
    (void)state;
    in_every_model(connect_refused, NULL);
}

static int listen_twice(void *arg) {
    (void)arg;
    struct listener *listener, *second = NULL;
    struct sockaddr_storage address;
    listen_somewhere(&listener, &address);
    EXPECT(listener_open(&second, (struct sockaddr *)&address, sizeof loopback, 1), -EADDRINUSE);
    EXPECT(second == NULL, true);
    listener_close(listener);
    listener_close(NULL);
    stream_close(NULL);
    return 0;
}

static void an_address_in_use_is_refused(void **state) {
    (void)state;
    in_every_model(listen_twice, NULL);
}

/* The reset comes with data that was not read. */
static int read_after_reset(void *arg) {
    (void)arg;
    struct listener *listener;
    struct sockaddr_storage address;
    struct stream *near, *far;
    char byte;
    listen_somewhere(&listener, &address);
    near = connect_to(&address);
    EXPECT(listener_accept(listener, TASK_NO_DEADLINE, &far), 0);
    EXPECT(stream_write(near, "unread", 6, TASK_NO_DEADLINE), 0);
    EXPECT(stream_read(far, &byte, 1, TASK_NO_DEADLINE), 1);
    stream_close(far);
    EXPECT(stream_read(near, &byte, 1, TASK_NO_DEADLINE), -ECONNRESET);
    stream_close(near);
    listener_close(listener);
    return 0;
}

static void a_reset_is_told(void **state) {
    (void)state;
    in_every_model(read_after_reset, NULL);
}

/* Each byte waits for the one before: a lost wake-up would end it for ever. */
static int echo_bytes(void *arg) {
    struct stream *stream = arg;
    char byte;
    while (stream_read(stream, &byte, 1, TASK_NO_DEADLINE) == 1)
        EXPECT(stream_write(stream, &byte, 1, TASK_NO_DEADLINE), 0);
    return 0;
}

static int play_ping_pong(void *arg) {
    (void)arg;
    struct stream *near, *far;
    struct task *echo;
    open_pair(&near, &far);
    EXPECT(task_spawn(&echo, "echo", echo_bytes, far), 0);
    for (int i = 0; i < 2000; i++) {
        char byte = (char)i, answer = 0;
        int64_t deadline = i % 2 ? TASK_NO_DEADLINE : task_deadline(LONG_NS);
        EXPECT(stream_write(near, &byte, 1, deadline), 0);
        EXPECT(stream_read(near, &answer, 1, deadline), 1);
        EXPECT(answer, byte);
    }
    stream_close(near);
    EXPECT(task_await(echo, NULL), 0);
    stream_close(far);
    return 0;
}

static void every_byte_of_a_dialogue_is_answered(void **state) {
    (void)state;
    in_every_model(play_ping_pong, NULL);
}

static int read_byte(void *arg) {
    char byte = 0;
    ptrdiff_t count = stream_read(arg, &byte, 1, TASK_NO_DEADLINE);
    return count == 1 ? byte : (int)count;
}

/* A read that was cancelled has taken nothing. */
static int cancel_and_read(void *arg) {
    (void)arg;
    for (int round = 0; round < 50; round++) {
        struct stream *near, *far;
        struct task *task;
        int result = 0;
        char byte;
        open_pair(&near, &far);
        EXPECT(task_spawn(&task, "reader", read_byte, near), 0);
        if (round % 2)
            task_sleep(100 * NS_PER_US);
        EXPECT(task_cancel(task), true);
        EXPECT(stream_write(far, "z", 1, TASK_NO_DEADLINE), 0);
        EXPECT(task_await(task, &result), 0);
        EXPECT(result == -ECANCELED || result == 'z', true);
        if (result == -ECANCELED)
            EXPECT(stream_read(near, &byte, 1, TASK_NO_DEADLINE), 1);
        stream_close(near);
        stream_close(far);
    }
    return 0;
}

static void a_cancelled_read_takes_nothing(void **state) {
    (void)state;
    in_every_model(cancel_and_read, NULL);
}

/* An argument is a pattern of the tests to run. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_carries_more_than_fits_the_kernel_s_buffers),
        cmocka_unit_test(several_tasks_accept_from_one_listener),
        cmocka_unit_test(no_connection_of_a_crowd_is_left_waiting),
        cmocka_unit_test(a_deadline_leaves_a_stream_as_it_was),
        cmocka_unit_test(a_write_that_nobody_reads_times_out),
        cmocka_unit_test(a_connect_that_is_not_answered_times_out),
        cmocka_unit_test(a_port_where_nobody_listens_refuses),
        cmocka_unit_test(an_address_in_use_is_refused),
        cmocka_unit_test(a_reset_is_told),
        cmocka_unit_test(every_byte_of_a_dialogue_is_answered),
        cmocka_unit_test(a_cancelled_read_takes_nothing),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
