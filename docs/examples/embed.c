/*
 * Embeds a daemon and talks to it, all in one thread and one poll loop of its own: starts a
 * workflow, waits until it ends, prints its output. Usage: embed HOME EXECUTOR
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argo/argo.h>

static const char start[] =
    "{\"definition\":{\"workflow_name\":\"embedded\",\"steps\":["
    "{\"step\":\"hello\",\"type\":\"display\",\"message\":\"Hello from {{workflow_id}}\"}]}}";

struct host {
    argo_client *client;
    int failed, finished;
};

static void check(struct host *host, const argo_error *err)
{
    if (err != NULL) {
        fprintf(stderr, "%s: %s\n", argo_error_message(err), argo_error_details(err));
        host->failed = host->finished = 1;
    }
}

/* The next request; its reply comes to FN from a later dispatch. BODY may be NULL. */
static void ask(struct host *host, const char *method, char *path, const char *body,
                argo_client_fn fn)
{
    argo_error *err = NULL;
    argo_client_start(host->client, method, path, body, body == NULL ? 0 : strlen(body), 0,
                      ARGO_CLIENT_LONG_POLL, fn, host, NULL, &err);
    check(host, err);
    argo_error_free(err);
    free(path);
}

static void on_output(void *user, const char *reply, size_t len, const argo_error *err)
{
    struct host *host = user;
    argo_value *value = NULL;
    check(host, err);
    if (err == NULL && argo_value_parse(reply, len, &value, NULL) == 0) {
        fputs(argo_value_text(value, "output", ""), stdout);
    }
    argo_value_free(value);
    host->finished = 1;
}

static void on_status(void *user, const char *reply, size_t len, const argo_error *err)
{
    struct host *host = user;
    argo_value *value = NULL;
    check(host, err);
    if (err == NULL && argo_value_parse(reply, len, &value, NULL) == 0) {
        const char *id = argo_value_text(value, "workflow_id", "");
        ask(host, "GET", argo_client_path("/api/workflow/output/{}?after=0", id), NULL, on_output);
    }
    argo_value_free(value);
}

static void on_started(void *user, const char *reply, size_t len, const argo_error *err)
{
    struct host *host = user;
    argo_value *value = NULL;
    check(host, err);
    if (err == NULL && argo_value_parse(reply, len, &value, NULL) == 0) {
        const char *id = argo_value_text(value, "workflow_id", "");
        ask(host, "GET", argo_client_path("/api/workflow/status/{}?wait=terminal&timeout=600", id),
            NULL, on_status);
    }
    argo_value_free(value);
}

static int shorter(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* One turn: waits for either of the two and lets both work. 1 when the daemon has stopped. */
static int turn(argo_daemon *daemon, argo_client *client, argo_error **err)
{
    struct pollfd fds[] = {
        {.fd = argo_daemon_get_fd(daemon), .events = POLLIN},
        {.fd = argo_client_get_fd(client), .events = argo_client_get_events(client)},
    };
    (void)poll(fds, 2, shorter(argo_daemon_get_timeout(daemon), argo_client_get_timeout(client)));
    int r = argo_client_dispatch(client, err);
    return r < 0 ? r : argo_daemon_dispatch(daemon, err);
}

static int run(argo_context *ctx, const char *executor, argo_error **err)
{
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    struct host host = {NULL, 0, 0};
    argo_daemon *daemon = NULL;
    options.no_tcp = 1;
    options.executor = executor;
    int r = argo_daemon_new(ctx, &options, &daemon, err);
    if (r == 0) {
        r = argo_client_new(ctx, NULL, &host.client, err);
    }
    if (r == 0) {
        ask(&host, "POST", strdup("/api/workflow/start"), start, on_started);
    }
    while (r == 0) {
        r = turn(daemon, host.client, err);
        if (host.finished) {
            argo_daemon_stop(daemon); /* may be called again and again */
        }
    }
    argo_client_free(host.client);
    argo_daemon_free(daemon);
    return r < 0 ? r : -host.failed;
}

int main(int argc, char **argv)
{
    argo_context *ctx = NULL;
    argo_error *err = NULL;
    if (argc != 3) {
        fprintf(stderr, "Usage: %s HOME EXECUTOR\n", argv[0]);
        return 2;
    }
    int r = argo_context_new(argv[1], &ctx, &err);
    if (r == 0) {
        r = run(ctx, argv[2], &err);
    }
    if (err != NULL) {
        fprintf(stderr, "%s: %s\n", argo_error_message(err), argo_error_details(err));
    }
    argo_error_free(err);
    argo_context_free(ctx);
    return r == 0 ? 0 : 1;
}
