/*
 * The public client: an object with a private loop, which blocking calls run and a host may drive.
 * What is asked over it is in ask.c.
 */
#include <poll.h>

#include "client/ask.h"

int argo_client_new(argo_context *ctx, const char *url, argo_client **out, argo_error **err)
{
    if (ctx == NULL || out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_client_new: ctx and out must be given");
    }
    argo_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return ag_error_nomem(err);
    }
    ag_list_init(&client->requests);
    int rc = ag_loop_new(&client->loop, err);
    rc = rc < 0 ? rc : ag_http_new(client->loop, ctx, &client->http, err);
    if (rc == 0) {
        const struct ag_client_config config = {
            .ctx = ctx, .loop = client->loop, .http = client->http, .url = url};
        rc = ag_client_new(&config, &client->client, err);
    }
    if (rc < 0) {
        argo_client_free(client);
        return rc;
    }
    *out = client;
    return 0;
}

int argo_client_set_name(argo_client *client, const char *name, argo_error **err)
{
    if (client == NULL || client->client == NULL || name == NULL) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "argo_client_set_name: client and name must be given");
    }
    return ag_client_set_name(client->client, name, err);
}

void argo_client_free(argo_client *client)
{
    if (client == NULL) {
        return;
    }
    ag_requests_free(client);
    ag_client_free(ag_take(client->client));
    if (client->dispatching) {
        client->dead = true;
        return;
    }
    ag_http_free(client->http);
    ag_loop_free(client->loop);
    free(client);
}

bool ag_client_round(argo_client *client, int timeout_ms, int *rc, argo_error **err)
{
    client->dispatching = true;
    *rc = ag_loop_dispatch(client->loop, timeout_ms, err);
    client->dispatching = false;
    if (client->dead) {
        argo_client_free(client);
        return false;
    }
    return true;
}

int ag_client_refuse_nested(const argo_client *client, const char *what, argo_error **err)
{
    if (client == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: client must be given", what);
    }
    if (client->dispatching) {
        return ag_error_set(err, ARGO_E_STATE, "%s: not inside a callback of this client", what);
    }
    return 0;
}

int argo_client_get_fd(const argo_client *client)
{
    return client != NULL ? ag_loop_fd(client->loop) : -1;
}

short argo_client_get_events(const argo_client *client)
{
    return POLLIN;
}

int argo_client_get_timeout(const argo_client *client)
{
    return client != NULL ? ag_loop_timeout(client->loop) : -1;
}

int argo_client_dispatch(argo_client *client, argo_error **err)
{
    int rc = ag_client_refuse_nested(client, "argo_client_dispatch", err);
    if (rc == 0) {
        ag_client_round(client, 0, &rc, err);
    }
    return rc;
}

char *argo_client_path(const char *format, ...)
{
    if (format == NULL) {
        return NULL;
    }
    va_list ap;
    va_start(ap, format);
    char *path = ag_client_path_v(format, ap);
    va_end(ap);
    return path;
}
