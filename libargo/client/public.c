/*
 * The public face of the client: JSON text instead of values, and a private loop that blocking
 * calls run and a host may drive. It validates what it is given; the rules are in call.c.
 */
#include <poll.h>
#include <string.h>

#include <argo/client.h>

#include "base/list.h"
#include "base/text.h"
#include "client/client.h"

struct argo_client {
    ag_loop *loop;
    ag_http *http;
    ag_client *client;
    struct ag_list requests;
    bool dispatching;
    bool dead; /* freed inside a callback */
};

struct argo_client_request {
    struct ag_list link;
    argo_client *client;
    ag_call *call;
    argo_client_fn fn;
    void *user;
};

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

static void request_free(argo_client_request *request)
{
    ag_list_remove(&request->link);
    free(request);
}

void argo_client_free(argo_client *client)
{
    if (client == NULL) {
        return;
    }
    ag_client_free(ag_take(client->client));
    argo_client_request *request;
    while ((request = ag_list_first(&client->requests, argo_client_request, link)) != NULL) {
        request_free(request);
    }
    if (client->dispatching) {
        client->dead = true;
        return;
    }
    ag_http_free(client->http);
    ag_loop_free(client->loop);
    free(client);
}

void argo_client_cancel(argo_client_request *request)
{
    if (request != NULL) {
        ag_call_cancel(request->call);
        request_free(request);
    }
}

/* One round of the loop; false when CLIENT was freed meanwhile and is gone now. */
static bool round_of(argo_client *client, int timeout_ms, int *rc, argo_error **err)
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

static int refuse_nested(const argo_client *client, const char *what, argo_error **err)
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
    int rc = refuse_nested(client, "argo_client_dispatch", err);
    if (rc == 0) {
        round_of(client, 0, &rc, err);
    }
    return rc;
}

/* ---- requests --------------------------------------------------------------------------------- */

static int read_method(const char *method, struct ag_call_spec *spec, argo_error **err)
{
    if (ag_streq(method, "GET")) {
        spec->method = AG_CALL_GET;
    } else if (ag_streq(method, "POST")) {
        spec->method = AG_CALL_POST;
    } else if (ag_streq(method, "DELETE")) {
        spec->method = AG_CALL_DELETE;
    } else {
        return ag_error_set(err, ARGO_E_INVALID, "'%s': expected GET, POST or DELETE",
                            method != NULL ? method : "");
    }
    return 0;
}

static void on_reply(const ag_value *reply, const argo_error *failure, void *user)
{
    argo_client_request *request = user;
    argo_client_fn fn = request->fn;
    void *fn_user = request->user;
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *text = NULL;
    size_t len = 0;
    request_free(request);
    if (failure == NULL) {
        text = ag_value_print(reply, &len);
        if (text == NULL) {
            ag_error_nomem(&err);
            failure = err;
        }
    }
    fn(fn_user, text, len, failure);
}

static int start_call(argo_client_request *request, const struct ag_call_spec *spec,
                      argo_error **err)
{
    return ag_client_call(request->client->client, spec, on_reply, request, &request->call, err);
}

int argo_client_start(argo_client *client, const char *method, const char *path, const char *body,
                      size_t len, int64_t timeout_ms, unsigned flags, argo_client_fn fn, void *user,
                      argo_client_request **out, argo_error **err)
{
    if (client == NULL || client->client == NULL || path == NULL || fn == NULL || timeout_ms < 0) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "a request needs client, path and fn, and a timeout of at least 0");
    }
    struct ag_call_spec spec = {
        .path = path,
        .timeout_ms = timeout_ms,
        .retry_for_ms = (flags & ARGO_CLIENT_RETRY) != 0 ? timeout_ms : 0,
        .long_poll = (flags & ARGO_CLIENT_LONG_POLL) != 0,
    };
    AG_AUTO(ag_value) value = NULL;
    int rc = read_method(method, &spec, err);
    if (rc == 0 && body != NULL) {
        rc = ag_value_parse(body, len, &value, err);
    }
    if (rc < 0) {
        return rc;
    }
    argo_client_request *request = calloc(1, sizeof(*request));
    if (request == NULL) {
        return ag_error_nomem(err);
    }
    spec.body = value;
    request->client = client;
    request->fn = fn;
    request->user = user;
    ag_list_append(&client->requests, &request->link);
    rc = start_call(request, &spec, err);
    if (rc < 0) {
        request_free(request);
        return rc;
    }
    if (out != NULL) {
        *out = request;
    }
    return 0;
}

/* ---- blocking --------------------------------------------------------------------------------- */

struct outcome {
    bool done;
    char *reply;
    size_t len;
    argo_error *err;
};

static void on_outcome(void *user, const char *reply, size_t len, const argo_error *err)
{
    struct outcome *outcome = user;
    outcome->done = true;
    outcome->len = len;
    outcome->err = ag_error_copy(err);
    if (err == NULL) {
        outcome->reply = ag_strndup(reply, len);
        if (outcome->reply == NULL) {
            ag_error_nomem(&outcome->err);
        }
    }
}

int argo_client_call(argo_client *client, const char *method, const char *path, const char *body,
                     size_t len, int64_t timeout_ms, char **reply, size_t *reply_len,
                     argo_error **err)
{
    struct outcome outcome = {0};
    argo_client_request *request = NULL;
    if (reply == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_client_call: reply must be given");
    }
    int rc = refuse_nested(client, "argo_client_call", err);
    rc = rc < 0 ? rc
                : argo_client_start(client, method, path, body, len, timeout_ms, 0, on_outcome,
                                    &outcome, &request, err);
    while (rc == 0 && !outcome.done) {
        if (!round_of(client, -1, &rc, err)) {
            free(outcome.reply);
            argo_error_free(outcome.err);
            return ag_error_set(err, ARGO_E_CANCELLED, "the client was freed by a callback");
        }
    }
    if (rc < 0) {
        argo_client_cancel(request);
        return rc;
    }
    if (outcome.err != NULL) {
        rc = argo_error_code(outcome.err);
        ag_error_move(err, &outcome.err);
        return rc;
    }
    *reply = outcome.reply;
    if (reply_len != NULL) {
        *reply_len = outcome.len;
    }
    return 0;
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
