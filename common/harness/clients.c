#include "harness/clients.h"

#include "clock.h"
#include "harness/distribution.h"
#include "service/service.h"
#include "workloads/echo.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    struct clients *clients;
    uint64_t number; /* of its connection */
    int fd;
    uint64_t sent; /* requests */
    int64_t sent_ns;
    size_t received; /* bytes of the answer to the last one */
    bool is_wrong;   /* a byte of that was not what was sent */
    struct event readable;
    struct event due; /* of an active one: its next request */
};

struct clients {
    struct event_base *base;
    int listen_fd;
    int control_fd; /* -1: not connected, or closed again */
    struct event trial_connects, control_readable;
    struct service_stop stop;
    bool has_order;
    struct echo_order order;
    struct client *all;    /* order.connections */
    uint64_t opened;       /* of them */
    uint64_t left;         /* of these, not closed yet */
    uint64_t active_left;  /* of these, the active ones */
    bool is_idle_released; /* the idle ones have sent their requests */
    size_t frame_bytes;
    char *frame; /* that is being sent or expected */
    char *input;

    uint64_t answered;
    uint64_t wrong;
    uint64_t failed;
    struct histogram *latency;
};

/* Makes the frame of the client's last request. */
static void make_frame(const struct client *client) {
    const struct clients *all = client->clients;
    const struct echo_order *order = &all->order;
    uint64_t operation = echo_operation(order, client->number, client->sent - 1);
    struct echo_frame frame = {.operation = operation, .bytes = order->bytes};
    memcpy(all->frame, &frame, sizeof frame);
    body_fill(all->frame + sizeof frame, order->bytes, echo_seed(order->seed, operation), 0);
}

static void close_control(struct clients *all) {
    if (all->control_fd < 0)
        return;
    event_del(&all->control_readable);
    close(all->control_fd);
    all->control_fd = -1;
}

static bool is_active(const struct client *client) {
    return client->number < client->clients->order.active;
}

static uint64_t requests_of(const struct client *client) {
    return is_active(client) ? client->clients->order.requests : 1;
}

static void close_client(struct client *client) {
    struct clients *all = client->clients;
    event_del(&client->readable);
    event_del(&client->due);
    close(client->fd);
    client->fd = -1;
    all->left--;
    if (is_active(client))
        all->active_left--;
    if (!all->left)
        close_control(all);
}

static void fail_client(struct client *client) {
    client->clients->failed++;
    close_client(client);
}

/* It always fits the sockets (workloads/echo.h), so that less than all is an error. */
static void send_request(struct client *client) {
    struct clients *all = client->clients;
    client->sent++;
    client->received = 0;
    client->is_wrong = false;
    make_frame(client);
    client->sent_ns = clock_now_ns();
    ssize_t count = send(client->fd, all->frame, all->frame_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count != (ssize_t)all->frame_bytes)
        fail_client(client);
}

/* The next request of an active connection is due `wait_ns` from now. */
static void schedule(struct client *client, int64_t wait_ns) {
    struct timeval wait = {.tv_sec = wait_ns / NS_PER_S, .tv_usec = wait_ns % NS_PER_S / NS_PER_US};
    if (event_add(&client->due, &wait))
        fail_client(client);
}

static void release_idle(struct clients *all) {
    if (all->active_left || all->is_idle_released)
        return;
    all->is_idle_released = true;
    for (uint64_t i = all->order.active; i < all->opened; i++)
        if (all->all[i].fd >= 0)
            send_request(&all->all[i]);
}

static void finish_answer(struct client *client) {
    struct clients *all = client->clients;
    if (client->is_wrong)
        all->wrong++;
    else
        all->answered++;
    if (is_active(client))
        histogram_record(all->latency, clock_now_ns() - client->sent_ns);
    if (client->sent == requests_of(client))
        close_client(client);
    else if (all->order.pause_ns)
        schedule(client, all->order.pause_ns);
    else
        send_request(client);
}

static void on_readable(evutil_socket_t fd, short events, void *arg) {
    (void)events;
    struct client *client = arg;
    struct clients *all = client->clients;
    size_t expected = client->sent ? all->frame_bytes - client->received : 0;
    ssize_t count = recv(fd, all->input, expected ? expected : 1, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0 || !expected) {
        fail_client(client);
    } else {
        make_frame(client);
        if (memcmp(all->input, all->frame + client->received, (size_t)count) != 0)
            client->is_wrong = true;
        client->received += (size_t)count;
        if (client->received == all->frame_bytes)
            finish_answer(client);
    }
    release_idle(all);
}

static void on_due(evutil_socket_t fd, short events, void *arg) {
    (void)fd;
    (void)events;
    struct client *client = arg;
    send_request(client);
    release_idle(client->clients);
}

/* Connecting to a queue that has room does not wait, on one machine. */
static int connect_client(struct client *client) {
    struct clients *all = client->clients;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)all->order.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return -errno;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    event_assign(&client->readable, all->base, client->fd, EV_READ | EV_PERSIST, on_readable,
                 client);
    evtimer_assign(&client->due, all->base, on_due, client);
    int err = connect(client->fd, (struct sockaddr *)&address, sizeof address) ? -errno : 0;
    if (!err && event_add(&client->readable, NULL))
        err = -ENOMEM;
    if (err)
        close(client->fd);
    return err;
}

/* Returns how many were opened, or, if none could be, why. */
static echo_grant open_clients(struct clients *all, echo_grant count) {
    if (count > ECHO_GRANT_MAX || (uint64_t)count > all->order.connections - all->opened)
        return -EINVAL;
    for (echo_grant i = 0; i < count; i++) {
        struct client *client = &all->all[all->opened];
        *client = (struct client){.clients = all, .number = all->opened};
        int err = connect_client(client);
        if (err)
            return i ? i : err;
        all->opened++;
        all->left++;
        if (is_active(client))
            all->active_left++;
    }
    return count;
}

static void start_requests(struct clients *all) {
    for (uint64_t i = 0; i < all->order.active && i < all->opened; i++)
        if (all->all[i].fd >= 0)
            schedule(&all->all[i], echo_lead_ns(&all->order, i));
    release_idle(all);
}

static void close_all(struct clients *all) {
    close_control(all);
    for (uint64_t i = 0; i < all->opened; i++)
        if (all->all[i].fd >= 0)
            close_client(&all->all[i]);
}

static bool take_order(struct clients *all) {
    struct echo_order *order = &all->order;
    if (recv(all->control_fd, order, sizeof *order, MSG_DONTWAIT) != sizeof *order ||
        order->bytes > ECHO_BYTES_MAX || order->active < 1 || order->active > order->connections)
        return false;
    all->has_order = true;
    all->frame_bytes = sizeof(struct echo_frame) + order->bytes;
    all->frame = malloc(all->frame_bytes + sizeof(uint64_t)); /* body_fill() may be given words */
    all->input = malloc(all->frame_bytes);
    all->all = calloc(order->connections, sizeof *all->all);
    return all->frame && all->input && all->all;
}

static bool take_grant(struct clients *all) {
    echo_grant grant;
    if (recv(all->control_fd, &grant, sizeof grant, MSG_DONTWAIT) != sizeof grant || grant < 0)
        return false;
    if (grant == 0) {
        start_requests(all);
        return true;
    }
    echo_grant opened = open_clients(all, grant);
    return send(all->control_fd, &opened, sizeof opened, MSG_NOSIGNAL | MSG_DONTWAIT) ==
           sizeof opened;
}

/* A message of so few bytes comes in one piece, on one machine. */
static void on_control(evutil_socket_t fd, short events, void *arg) {
    (void)events;
    struct clients *all = arg;
    char byte;
    if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (!(all->has_order ? take_grant(all) : take_order(all)))
        close_all(all);
}

static void on_trial(evutil_socket_t fd, short events, void *arg) {
    (void)events;
    struct clients *all = arg;
    all->control_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (all->control_fd < 0)
        return;
    event_del(&all->trial_connects); /* one trial, one order */
    setsockopt(all->control_fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    event_assign(&all->control_readable, all->base, all->control_fd, EV_READ | EV_PERSIST,
                 on_control, all);
    if (event_add(&all->control_readable, NULL))
        close_control(all);
}

static int listen_on_loopback(int *out_fd, int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, 1) ||
        getsockname(fd, (struct sockaddr *)&address, &length)) {
        int err = -errno;
        close(fd);
        return err;
    }
    *out_fd = fd;
    *port = ntohs(address.sin_port);
    return 0;
}

static int add_events(struct clients *all) {
    event_assign(&all->trial_connects, all->base, all->listen_fd, EV_READ | EV_PERSIST, on_trial,
                 all);
    return event_add(&all->trial_connects, NULL) ? -ENOMEM
                                                 : service_stop_create(&all->stop, all->base);
}

/* The caller destroys *all in any case. */
static int clients_create(struct clients *all, int *port) {
    *all = (struct clients){.base = service_create_base(), .listen_fd = -1, .control_fd = -1};
    if (!all->base)
        return -ENOMEM;
    int err = histogram_create(&all->latency);
    if (!err)
        err = listen_on_loopback(&all->listen_fd, port);
    return err ? err : add_events(all);
}

/* Connections that are still open are closed by the end of the process. */
static void clients_destroy(struct clients *all) {
    service_stop_destroy(&all->stop);
    if (all->base)
        event_base_free(all->base);
    if (all->listen_fd >= 0)
        close(all->listen_fd);
    histogram_destroy(all->latency);
    free(all->all);
    free(all->input);
    free(all->frame);
}

static int print_counts(FILE *output, const struct clients *all) {
    return service_tell(
        output, json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "connections", (json_int_t)all->opened,
                          "requests", (json_int_t)all->answered, "wrong", (json_int_t)all->wrong,
                          "failed", (json_int_t)all->failed, "cpu_ns", (json_int_t)service_cpu_ns(),
                          "latency_ns", distribution_json(all->latency)));
}

static int serve(struct clients *all, int port, FILE *output) {
    char line[16];
    snprintf(line, sizeof line, "%d", port);
    int err = service_print(output, line);
    if (err)
        return err;
    event_base_dispatch(all->base);
    return print_counts(output, all);
}

int clients_run(FILE *output, struct message *message) {
    struct clients all;
    int port = 0;
    service_prepare();
    int err = clients_create(&all, &port);
    if (!err)
        err = serve(&all, port, output);
    clients_destroy(&all);
    return err ? message_fail(message, err, "clients: %s", strerror(-err)) : 0;
}
