/*
 * The public executor: a private loop, the client, its port and the runner put together.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <argo/executor.h>

#include "base/file.h"
#include "base/forkserver.h"
#include "base/options.h"
#include "base/text.h"
#include "engine/port_client.h"
#include "exec/runner.h"

#define POLL_TCP_S  30
#define POLL_UNIX_S 300

struct argo_executor {
    argo_context *ctx;
    ag_loop *loop;
    ag_wake *wake;
    ag_http *http;
    ag_client *client;
    ag_port *port;
    ag_runner *runner;
    int lock_fd;
    bool ending;
    argo_error *error; /* why it ends, NULL: the end of the run was reported */
};

static void cancelled(void *user)
{
    argo_executor *x = user;
    ag_loop_quit(x->loop);
}

/* The step under way and its processes end first. */
static void end(argo_executor *x, argo_error *taken)
{
    if (x->ending) {
        argo_error_free(taken);
        return;
    }
    x->ending = true;
    x->error = taken;
    ag_runner_cancel(x->runner, cancelled, x);
}

static void on_end(const argo_error *err, void *user)
{
    end(user, ag_error_copy(err));
}

static void on_stop(ag_wake *wake, void *user)
{
    argo_error *err = NULL;
    ag_error_set(&err, ARGO_E_CANCELLED, "The executor was stopped");
    end(user, err);
}

static int check_options(const struct argo_executor_options *o, argo_error **err)
{
    if (o->workflow_id == NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "workflow_id", "workflow_id is required");
    }
    if (o->token == NULL || *o->token == '\0') {
        return ag_error_field(err, ARGO_E_INVALID, "token", "token is required");
    }
    if (o->epoch < 1) {
        return ag_error_field(err, ARGO_E_INVALID, "epoch", "epoch: expected at least 1");
    }
    return ag_id_check(o->workflow_id, "workflow_id", err);
}

static int connect_parts(argo_executor *x, const struct argo_executor_options *o, argo_error **err)
{
    bool local = o->url == NULL || ag_starts_with(o->url, "unix:");
    struct ag_client_config client = {.ctx = x->ctx,
                                      .loop = x->loop,
                                      .http = x->http,
                                      .url = o->url,
                                      .token = o->token,
                                      .epoch = o->epoch};
    int r = ag_client_new(&client, &x->client, err);
    if (r < 0) {
        return r;
    }
    struct ag_port_client_config port = {.ctx = x->ctx,
                                         .loop = x->loop,
                                         .client = x->client,
                                         .workflow_id = o->workflow_id,
                                         .poll_s = local ? POLL_UNIX_S : POLL_TCP_S};
    r = ag_port_client_new(&port, &x->port, err);
    if (r < 0) {
        return r;
    }
    struct ag_runner_config runner = {.ctx = x->ctx,
                                      .loop = x->loop,
                                      .http = x->http,
                                      .port = x->port,
                                      .run_nonce = getenv("ARGO_RUN_NONCE")};
    return ag_runner_new(&runner, on_end, x, &x->runner, err);
}

static int build(argo_executor *x, const struct argo_executor_options *o, argo_error **err)
{
    int r = o->lock_file == NULL ? 0 : ag_lock_take(o->lock_file, &x->lock_fd, NULL, err);
    if (r == 0) {
        r = ag_loop_new(&x->loop, err);
    }
    if (r == 0) {
        if (o->reap_orphans != 0) {
            ag_loop_reap_orphans(x->loop);
        }
        r = ag_wake_new(x->loop, on_stop, x, &x->wake, err);
    }
    if (r == 0) {
        r = ag_http_new(x->loop, x->ctx, &x->http, err);
    }
    return r < 0 ? r : connect_parts(x, o, err);
}

int argo_executor_new(argo_context *ctx, const struct argo_executor_options *options,
                      argo_executor **out, argo_error **err)
{
    if (ctx == NULL || out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "context and out are required");
    }
    struct argo_executor_options own = ARGO_EXECUTOR_OPTIONS_INIT;
    int r = ag_options_take(&own, sizeof(own), options, "options of an executor", err);
    r = r < 0 ? r : check_options(&own, err);
    if (r < 0) {
        return r;
    }
    argo_executor *x = calloc(1, sizeof(*x));
    if (x == NULL) {
        return ag_error_nomem(err);
    }
    x->ctx = ctx;
    x->lock_fd = -1;
    r = build(x, &own, err);
    if (r < 0) {
        argo_executor_free(x);
        return r;
    }
    *out = x;
    return 0;
}

void argo_executor_free(argo_executor *executor)
{
    if (executor == NULL) {
        return;
    }
    ag_port_client_free(executor->port);
    ag_runner_free(executor->runner);
    ag_client_free(executor->client);
    ag_http_free(executor->http);
    ag_wake_free(executor->wake);
    ag_loop_free(executor->loop);
    if (executor->lock_fd >= 0) {
        close(executor->lock_fd);
    }
    argo_error_free(executor->error);
    free(executor);
}

int argo_executor_run(argo_executor *executor, argo_error **err)
{
    if (executor == NULL || executor->ending) {
        return ag_error_set(err, ARGO_E_INVALID, "An executor that has not run yet is required");
    }
    ag_runner_start(executor->runner);
    int r = ag_loop_run(executor->loop, err);
    if (r == 0 && executor->error != NULL) {
        r = argo_error_code(executor->error);
        ag_error_move(err, &executor->error);
    }
    return r;
}

int argo_executor_warm(int64_t idle_ms, argo_error **err)
{
    if (idle_ms < 0 || idle_ms > INT_MAX) {
        return ag_error_set(err, ARGO_E_INVALID, "idle_ms: expected 0 to %d, not %" PRId64, INT_MAX,
                            idle_ms);
    }
    int r = ag_http_prepare_forks(err);
    return r < 0 ? r : ag_fork_serve((int)idle_ms, err);
}

void argo_executor_was_stopped(argo_executor *executor, int64_t total_ms)
{
    if (executor != NULL) {
        ag_loop_stopped(executor->loop, total_ms);
    }
}

void argo_executor_stop(argo_executor *executor)
{
    if (executor != NULL) {
        ag_wake_signal(executor->wake);
    }
}
