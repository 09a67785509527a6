/*
 * Embeds two daemons, each on a home of its own, and a client of each, all in one thread and one
 * poll loop: starts a workflow at both, prints what they say, and ends when both have.
 * Usage: embed HOME OTHER_HOME EXECUTOR
 */
#include <poll.h>
#include <stdio.h>

#include <argo/argo.h>

static const char definition[] =
    "workflow_name: embedded\n"
    "steps: [{step: hello, type: display, message: \"Hello from {{workflow_id}}\\n\"}]\n";

/* A daemon and its client. */
struct site {
    argo_context *ctx;
    argo_daemon *daemon;
    argo_client *client;
    argo_workflow *run;
    int stopped, failed;
};

/* The outcome of a call, if it was a failure; the site has nothing more to do then. */
static int failed(struct site *site, const argo_error *err)
{
    if (err != NULL) {
        fprintf(stderr, "%s: %s\n", argo_error_message(err), argo_error_details(err));
        site->failed = 1;
        argo_daemon_stop(site->daemon);
    }
    return err != NULL;
}

static int on_record(void *user, const argo_record *record)
{
    (void)user;
    if (argo_record_stream(record) == ARGO_STREAM_OUTPUT) {
        fputs(argo_record_text(record), stdout);
    }
    return 0;
}

static void on_ended(void *user, int result, const argo_error *err)
{
    struct site *site = user;
    (void)result;
    if (!failed(site, err)) {
        argo_daemon_stop(site->daemon);
    }
}

static void on_started(void *user, int result, const argo_error *err)
{
    struct site *site = user;
    struct argo_call_options how = ARGO_CALL_OPTIONS_INIT;
    argo_error *failure = NULL;
    (void)result;
    how.fn = on_ended;
    how.user = site;
    if (!failed(site, err)) {
        argo_workflow_follow(site->client, argo_workflow_id(site->run), 0, on_record, NULL, &how,
                             &failure);
        failed(site, failure);
        argo_error_free(failure);
    }
}

/* Everything that a site has; what fails is taken apart by close_site. */
static int open_site(struct site *site, const char *home, const char *executor, argo_error **err)
{
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    struct argo_workflow_start_options what = ARGO_WORKFLOW_START_OPTIONS_INIT;
    struct argo_call_options how = ARGO_CALL_OPTIONS_INIT;
    options.no_tcp = 1;
    options.executor = executor;
    what.definition = definition;
    how.fn = on_started;
    how.user = site;
    int r = argo_context_new(home, &site->ctx, err);
    r = r < 0 ? r : argo_daemon_new(site->ctx, &options, &site->daemon, err);
    r = r < 0 ? r : argo_client_new(site->ctx, NULL, &site->client, err);
    return r < 0 ? r : argo_workflow_start(site->client, &what, &how, &site->run, err);
}

static void close_site(struct site *site)
{
    argo_workflow_free(site->run);
    argo_client_free(site->client);
    argo_daemon_free(site->daemon);
    argo_context_free(site->ctx);
}

static int shorter(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* One turn of the loop: waits until one of the four has something to do, and lets all work. */
static int turn(struct site sites[2], argo_error **err)
{
    struct pollfd fds[4];
    int timeout = -1;
    int r = 0;
    for (int i = 0; i < 2; i++) {
        argo_daemon *daemon = sites[i].daemon;
        argo_client *client = sites[i].client;
        fds[2 * i].fd = sites[i].stopped ? -1 : argo_daemon_get_fd(daemon);
        fds[2 * i].events = argo_daemon_get_events(daemon);
        fds[2 * i + 1].fd = argo_client_get_fd(client);
        fds[2 * i + 1].events = argo_client_get_events(client);
        timeout = shorter(timeout, sites[i].stopped ? -1 : argo_daemon_get_timeout(daemon));
        timeout = shorter(timeout, argo_client_get_timeout(client));
    }
    (void)poll(fds, 4, timeout);
    for (int i = 0; i < 2 && r == 0; i++) {
        r = argo_client_dispatch(sites[i].client, err);
        if (r == 0 && !sites[i].stopped) {
            r = argo_daemon_dispatch(sites[i].daemon, err);
            sites[i].stopped = r == 1;
            r = r < 0 ? r : 0;
        }
    }
    return r;
}

int main(int argc, char **argv)
{
    struct site sites[2] = {{NULL, NULL, NULL, NULL, 0, 0}, {NULL, NULL, NULL, NULL, 0, 0}};
    argo_error *err = NULL;
    if (argc != 4) {
        fprintf(stderr, "Usage: %s HOME OTHER_HOME EXECUTOR\n", argv[0]);
        return 2;
    }
    int r = open_site(&sites[0], argv[1], argv[3], &err);
    r = r < 0 ? r : open_site(&sites[1], argv[2], argv[3], &err);
    while (r == 0 && !(sites[0].stopped && sites[1].stopped)) {
        r = turn(sites, &err);
    }
    failed(&sites[0], err);
    argo_error_free(err);
    close_site(&sites[0]);
    close_site(&sites[1]);
    return sites[0].failed || sites[1].failed ? 1 : 0;
}
