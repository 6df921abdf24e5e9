/* Five URLs fetched side by side through a session, which keeps connections open and lends them.

     async def fetch(session, url):
         print("fetching", url)
         async with session.get(url) as response:
             await response.read()
         print(f"fetched {url}: {response.status}")
         return response.status

     async def main():
         async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=3)) as session:
             statuses = await asyncio.gather(*(fetch(session, url) for url in urls))
         print("statuses:", *statuses)

   The URLs are those of an origin that it starts itself, or, with --url, yours. */
#include "program.h"

#include "clock.h"
#include "harness/origin_process.h"
#include "http/client.h"
#include "origin/origin.h"
#include "sync/queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 3
#define TARGET_BYTES_MAX 2048
#define BUFFER_BYTES 16384
#define URLS_MAX 100
#define REQUEST_LIMIT_NS (60 * NS_PER_S)

/* The pool is a queue of connections: to take one is to wait for one. */
struct session {
    struct queue *idle;
    struct http_connection *connections[CONNECTIONS];
};

/* What was opened in part, too; no task may be using it. */
static void session_close(struct session *session) {
    for (size_t i = 0; i < CONNECTIONS && session->connections[i]; i++) {
        http_connection_close(session->connections[i]);
        http_connection_destroy(session->connections[i]);
    }
    if (session->idle)
        queue_destroy(session->idle);
}

/* The caller closes it in any case. */
static int session_open(struct session *session) {
    *session = (struct session){NULL};
    int err = queue_create(&session->idle, CONNECTIONS);
    for (size_t i = 0; i < CONNECTIONS && !err; i++) {
        err =
            http_connection_create(&session->connections[i], TARGET_BYTES_MAX, BUFFER_BYTES, true);
        if (!err)
            err = queue_put(session->idle, session->connections[i], TASK_NO_DEADLINE);
    }
    return err;
}

/* Giving back does not wait: there is room for all of them. */
static int session_get(struct session *session, const struct http_url *url, int *status) {
    void *connection;
    struct http_response response;
    int err = queue_get(session->idle, TASK_NO_DEADLINE, &connection);
    if (err)
        return err;
    err = http_get(connection, url, url->target, task_deadline(REQUEST_LIMIT_NS), &response);
    queue_put(session->idle, connection, TASK_NO_DEADLINE);
    *status = response.status;
    return err;
}

struct fetch {
    struct session *session;
    const char *text; /* of the URL */
    struct http_url *url;
    int status;
};

static int fetch(void *arg) {
    struct fetch *f = arg;
    program_print("fetching %s", f->text);
    int err = session_get(f->session, f->url, &f->status);
    if (err)
        program_print("failed %s: %s", f->text, strerror(-err));
    else
        program_print("fetched %s: %d", f->text, f->status);
    return err;
}

struct fetches {
    size_t count;
    struct fetch each[URLS_MAX];
};

static void print_statuses(const struct fetches *fetches) {
    char line[sizeof " 200" * URLS_MAX] = "";
    char *end = line;
    for (size_t i = 0; i < fetches->count; i++)
        end += sprintf(end, " %03d", fetches->each[i].status);
    program_print("statuses:%s", line);
}

static int fetch_all(struct fetches *fetches) {
    struct program_call calls[URLS_MAX];
    struct task *tasks[URLS_MAX];
    for (size_t i = 0; i < fetches->count; i++)
        calls[i] = (struct program_call){"fetch", fetch, &fetches->each[i]};
    int err = program_spawn_all(tasks, calls, fetches->count);
    return err ? err : task_gather(tasks, fetches->count, NULL);
}

static int fetch_urls(void *arg) {
    struct fetches *fetches = arg;
    struct session session;
    int err = session_open(&session);
    for (size_t i = 0; i < fetches->count; i++)
        fetches->each[i].session = &session;
    if (!err)
        err = fetch_all(fetches);
    session_close(&session);
    print_statuses(fetches);
    return err;
}

/* Before the run, since resolving a name blocks. Takes `texts` apart at the '|' between them. */
static int fetches_prepare(struct fetches *fetches, char *texts) {
    char message[HTTP_MESSAGE_BYTES];
    char *rest;
    for (char *text = strtok_r(texts, "|", &rest); text; text = strtok_r(NULL, "|", &rest)) {
        if (fetches->count == URLS_MAX)
            program_refuse("--url: there may be %d", URLS_MAX);
        struct fetch *f = &fetches->each[fetches->count];
        f->text = text;
        if (http_url_create(&f->url, text, message))
            program_refuse("--url: %s", message);
        fetches->count++;
        int err = http_url_resolve(f->url, message);
        if (err) {
            program_complain("%s", message);
            return err;
        }
    }
    return 0;
}

static int fetch_from(char *texts) {
    struct fetches *fetches = calloc(1, sizeof *fetches);
    int status = EXIT_FAILURE;
    if (fetches && fetches_prepare(fetches, texts) == 0)
        status = program_run(fetch_urls, fetches);
    for (size_t i = 0; fetches && i < fetches->count; i++)
        http_url_destroy(fetches->each[i].url);
    free(fetches);
    return status;
}

static int fetch_from_own_origin(void) {
    struct origin_process origin;
    struct message message;
    char texts[5 * (ORIGIN_URL_BYTES + 32)];
    if (origin_process_start(&origin, NULL, &message)) {
        program_complain("%s", message.text);
        return EXIT_FAILURE;
    }
    const char *url = origin.url;
    double delay_s = (double)program_seconds(2) / (double)NS_PER_S;
    snprintf(texts, sizeof texts,
             "%s/bytes/100|%s/bytes/2000|%s/delay/%g|%s/bytes/30000|%s/status/200", url, url, url,
             delay_s, url, url);
    int status = fetch_from(texts);
    origin_process_stop(&origin);
    return status;
}

/* In the child that origin_process_start() makes: this program once more, as `tva origin`. */
static int be_origin(void) {
    char message[ORIGIN_MESSAGE_BYTES];
    const struct origin_options options = {.output = stdout};
    int err = origin_run(&options, message);
    if (err)
        program_complain("%s", message);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

struct options {
    char *urls;
};

static const struct parameter parameters[] = {
    {"url", PARAMETER_TEXT, offsetof(struct options, urls), "", 0, 0, "URL",
     "fetch this; may be given several times"},
    {0},
};

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "origin") == 0)
        return be_origin();
    const struct program program = {
        .summary = "Fetches five URLs side by side, one of which takes 2 s to answer.",
        .parameters = parameters,
        .has_lists = true};
    struct options options;
    program_start(&program, argc, argv, &options);
    int status = *options.urls ? fetch_from(options.urls) : fetch_from_own_origin();
    parameters_destroy(parameters, &options);
    return status;
}
