#include "harness/clients_process.h"

#include "harness/companion.h"

#include <string.h>

int clients_process_start(struct clients_process *out, const char *cpus, struct message *message) {
    char *arguments[] = {"tva", "clients", cpus ? "--cpus" : NULL, (char *)cpus, NULL};
    struct clients_process clients = {0};
    int err = companion_start(&clients.process, arguments, clients.port, sizeof clients.port);
    if (err)
        return message_fail(message, err, "the clients did not start: %s", strerror(-err));
    *out = clients;
    return 0;
}

json_t *clients_process_stop(struct clients_process *clients) {
    return clients->process.pid ? companion_stop(&clients->process) : NULL;
}
