/* The workload "connections": its oracle, and a server of every model with clients in a process of
   their own. The client's side, which needs an origin, is tested from the command line. */
#include "support.h"

#include "workload_run.h"

#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "harness/clients.h"
#include "workloads/echo.h"

/* Clients in a child process. */
struct clients_child {
    pid_t pid;
    FILE *told;
    int port;
};

static void start_clients(struct clients_child *out) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    out->pid = fork();
    if (out->pid == 0) {
        struct message message;
        close(ends[0]);
        alarm(60);
        _exit(clients_run(fdopen(ends[1], "w"), &message) ? 1 : 0);
    }
    close(ends[1]);
    out->told = fdopen(ends[0], "r");
    char line[16];
    assert_non_null(fgets(line, sizeof line, out->told));
    out->port = atoi(line);
}

/* Returns what they counted. */
static json_t *stop_clients(struct clients_child *clients) {
    int status;
    assert_int_equal(kill(clients->pid, SIGTERM), 0);
    json_t *counts = json_loadf(clients->told, 0, NULL);
    fclose(clients->told);
    assert_int_equal(waitpid(clients->pid, &status, 0), clients->pid);
    assert_int_equal(status, 0);
    assert_non_null(counts);
    return counts;
}

static long long count_of(const json_t *counts, const char *key) {
    const json_t *value = json_object_get(counts, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* That count; and none that is wrong, and none lost. */
static void assert_counts(const json_t *counts, long long connections, long long requests) {
    assert_int_equal(count_of(counts, "connections"), connections);
    assert_int_equal(count_of(counts, "requests"), requests);
    assert_int_equal(count_of(counts, "wrong"), 0);
    assert_int_equal(count_of(counts, "failed"), 0);
}

static void serve_in_every_model(const char *text, long long connections, long long requests) {
    for (size_t i = 0; i < MODELS; i++) {
        struct clients_child clients;
        struct workload_run run;
        start_clients(&clients);
        workload_run_begin(&run, &workload_connections, text, clients.port);
        assert_int_equal(workload_run_in(&run, models[i]), 0);
        assert_int_equal(workload_run_right(&run), requests);
        assert_int_equal(run.recorder->operations, requests);
        assert_int_equal(run.recorder->spawned, connections);
        workload_run_end(&run);
        json_t *counts = stop_clients(&clients);
        assert_counts(counts, connections, requests);
        json_decref(counts);
    }
}

static void a_server_answers_active_and_idle_connections(void **state) {
    (void)state;
    serve_in_every_model("side=server,tasks=40,active=3,requests=20,pause=1ms", 40, 97);
}

static void a_server_answers_when_more_are_active_than_a_pool_has_workers(void **state) {
    (void)state;
    serve_in_every_model("side=server,tasks=30,active=20,requests=5,pause=0", 30, 110);
}

static void a_server_answers_more_connections_than_one_grant_has(void **state) {
    (void)state;
    serve_in_every_model("side=server,tasks=600,active=1,requests=1,pause=0,bytes=1000", 600, 600);
}

static void a_server_may_have_active_connections_alone(void **state) {
    (void)state;
    serve_in_every_model("side=server,tasks=4,active=4,requests=3,pause=0,bytes=16KiB", 4, 12);
}

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A server written by hand, for one connection. */
struct hand_server {
    int listen_fd, control_fd, fd;
};

static void open_connection(struct hand_server *server, int clients_port, struct echo_order order) {
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    echo_grant grant = 1;
    server->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listen_fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listen_fd, 1), 0);
    getsockname(server->listen_fd, (struct sockaddr *)&address, &length);
    order.port = ntohs(address.sin_port);
    address = loopback(clients_port);
    server->control_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(server->control_fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(send(server->control_fd, &order, sizeof order, 0), sizeof order);
    assert_int_equal(send(server->control_fd, &grant, sizeof grant, 0), sizeof grant);
    assert_int_equal(recv(server->control_fd, &grant, sizeof grant, MSG_WAITALL), sizeof grant);
    assert_int_equal(grant, 1);
    server->fd = accept(server->listen_fd, NULL, NULL);
    assert_true(server->fd >= 0);
}

static void close_server(struct hand_server *server) {
    close(server->fd);
    close(server->control_fd);
    close(server->listen_fd);
}

static const struct echo_order one_connection = {
    .connections = 1, .active = 1, .requests = 2, .bytes = 64, .seed = 1};

static void clients_count_an_answer_that_is_not_what_they_sent(void **state) {
    (void)state;
    struct clients_child clients;
    struct hand_server server;
    char frame[sizeof(struct echo_frame) + 64];
    echo_grant start = 0;
    start_clients(&clients);
    open_connection(&server, clients.port, one_connection);
    assert_int_equal(send(server.control_fd, &start, sizeof start, 0), sizeof start);
    for (int request = 0; request < 2; request++) {
        assert_int_equal(recv(server.fd, frame, sizeof frame, MSG_WAITALL), sizeof frame);
        frame[sizeof frame - 1] ^= (char)request; /* the second's last byte */
        assert_int_equal(send(server.fd, frame, sizeof frame, 0), sizeof frame);
    }
    assert_int_equal(recv(server.fd, frame, 1, 0), 0); /* they have closed it */
    json_t *counts = stop_clients(&clients);
    assert_int_equal(count_of(counts, "requests"), 1);
    assert_int_equal(count_of(counts, "wrong"), 1);
    json_decref(counts);
    close_server(&server);
}

static void clients_count_a_connection_that_is_lost(void **state) {
    (void)state;
    struct clients_child clients;
    struct hand_server server;
    char byte;
    start_clients(&clients);
    open_connection(&server, clients.port, one_connection);
    shutdown(server.fd, SHUT_WR);
    assert_int_equal(recv(server.control_fd, &byte, 1, 0), 0); /* none is left */
    json_t *counts = stop_clients(&clients);
    assert_int_equal(count_of(counts, "connections"), 1);
    assert_int_equal(count_of(counts, "failed"), 1);
    json_decref(counts);
    close_server(&server);
}

static void clients_close_all_when_the_trial_closes_the_control_connection(void **state) {
    (void)state;
    struct clients_child clients;
    struct hand_server server;
    char byte;
    start_clients(&clients);
    open_connection(&server, clients.port, one_connection);
    shutdown(server.control_fd, SHUT_WR);
    assert_int_equal(recv(server.fd, &byte, 1, 0), 0);
    json_t *counts = stop_clients(&clients);
    assert_counts(counts, 1, 0);
    json_decref(counts);
    close_server(&server);
}

static void clients_tell_why_they_cannot_open_what_they_were_granted(void **state) {
    (void)state;
    struct clients_child clients;
    struct hand_server server;
    echo_grant grant = 1;
    start_clients(&clients);
    open_connection(&server, clients.port, one_connection);
    assert_int_equal(send(server.control_fd, &grant, sizeof grant, 0), sizeof grant);
    assert_int_equal(recv(server.control_fd, &grant, sizeof grant, MSG_WAITALL), sizeof grant);
    assert_int_equal(grant, -EINVAL); /* more than they were ordered */
    json_decref(stop_clients(&clients));
    close_server(&server);
}

static void parameters_that_cannot_be_met_are_refused(void **state) {
    (void)state;
    char message[WORKLOAD_MESSAGE_BYTES];
    const struct workload *workload = &workload_connections;
    assert_int_equal(workload_check_text(workload, "side=both", message), -EINVAL);
    assert_int_equal(workload_check_text(workload, "tasks=4,active=5", message), -EINVAL);
    assert_int_equal(workload_check_text(workload, "requests=50,pause=10ms,hold=400ms", message),
                     -EINVAL);
    assert_non_null(strstr(message, "--hold"));
    assert_int_equal(
        workload_check_text(workload, "requests=50,pause=10ms,hold=400ms,side=server", message), 0);
    assert_int_equal(workload_check_text(workload, "requests=50,pause=10ms,hold=600ms", message),
                     0);
}

static void only_the_active_operations_are_timed_and_only_held_ones_wait(void **state) {
    (void)state;
    const struct workload *workload = &workload_connections;
    char message[PARAMETER_MESSAGE_BYTES];
    for (int is_server = 0; is_server < 2; is_server++) {
        const char *text = is_server ? "side=server,tasks=10,active=2,requests=3,hold=1s"
                                     : "side=client,tasks=10,active=2,requests=3,hold=1s";
        void *params = calloc(1, workload->params_bytes);
        assert_int_equal(parameters_parse(workload->parameters, params, text, message), 0);
        assert_int_equal(workload->operations(params), 2 * 3 + 8);
        for (uint64_t operation = 0; operation < 14; operation++) {
            bool is_idle = operation >= 6;
            assert_int_equal(workload->is_timed(params, operation), !is_idle);
            assert_int_equal(workload->wait_ns(params, operation),
                             is_idle && !is_server ? NS_PER_S : 0);
        }
        assert_int_equal(workload->ideal_ns(params),
                         is_server ? 2 * 5 * NS_PER_MS + 5 * NS_PER_MS / 2 : NS_PER_S);
        parameters_destroy(workload->parameters, params);
        free(params);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_answers_active_and_idle_connections),
        cmocka_unit_test(a_server_answers_when_more_are_active_than_a_pool_has_workers),
        cmocka_unit_test(a_server_answers_more_connections_than_one_grant_has),
        cmocka_unit_test(a_server_may_have_active_connections_alone),
        cmocka_unit_test(clients_count_an_answer_that_is_not_what_they_sent),
        cmocka_unit_test(clients_count_a_connection_that_is_lost),
        cmocka_unit_test(clients_close_all_when_the_trial_closes_the_control_connection),
        cmocka_unit_test(clients_tell_why_they_cannot_open_what_they_were_granted),
        cmocka_unit_test(parameters_that_cannot_be_met_are_refused),
        cmocka_unit_test(only_the_active_operations_are_timed_and_only_held_ones_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
