/*
 * Requests of the public client: each is begun once, asks the daemon once or several times, and
 * tells its outcome once; a blocking call is one that is waited for. What the replies mean is not
 * known here.
 */
#include "client/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/internal.h"

#define POLL_UNIX_MS 600000 /* the daemon holds no reply longer */
#define POLL_TCP_MS  30000
#define TIMEOUT_MS   30000

struct argo_client_request {
    struct ag_list link;
    argo_client *client;
    ag_call *call;
    struct ag_ask ask;
    char *path;     /* without the query */
    ag_value *body; /* or NULL */
    int64_t timeout_ms, retry_ms;
    bool long_poll;
    bool reading;           /* a callback may cancel or free meanwhile: */
    bool cancelled;         /* then nothing more is told */
    argo_client_fn text_fn; /* either this one, which gets the reply as text, */
    argo_call_fn fn;        /* or this one */
    void *user;
};

static void request_free(argo_client_request *request)
{
    ag_list_remove(&request->link);
    ag_buf_free(&request->ask.query);
    ag_value_unref(request->body);
    free(request->path);
    free(request);
}

void argo_client_cancel(argo_client_request *request)
{
    if (request == NULL) {
        return;
    }
    ag_call_cancel(ag_take(request->call));
    if (request->reading) {
        request->cancelled = true;
        ag_list_remove(&request->link);
    } else {
        request_free(request);
    }
}

void ag_requests_free(argo_client *client)
{
    argo_client_request *request;
    while ((request = ag_list_first(&client->requests, argo_client_request, link)) != NULL) {
        argo_client_cancel(request);
    }
}

/* ---- asking and telling ----------------------------------------------------------------------- */

static void on_reply(const ag_value *reply, const argo_error *failure, void *user);

static int send_request(argo_client_request *r, argo_error **err)
{
    struct ag_buf *query = &r->ask.query;
    int rc = ag_buf_check(query, "the query", err);
    ag_auto_free char *path = ag_asprintf("%s%s", r->path, ag_buf_text(query));
    if (rc == 0 && path == NULL) {
        rc = ag_error_nomem(err);
    }
    const struct ag_call_spec spec = {
        .method = r->ask.method,
        .path = path,
        .body = r->body,
        .timeout_ms = r->timeout_ms + r->ask.hold_ms,
        .retry_for_ms = r->retry_ms,
        .long_poll = r->long_poll || r->ask.hold_ms > 0,
    };
    return rc < 0 ? rc : ag_client_call(r->client->client, &spec, on_reply, r, &r->call, err);
}

static void tell_text(argo_client_request *request, const ag_value *reply,
                      const argo_error *failure)
{
    argo_client_fn fn = request->text_fn;
    void *user = request->user;
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
    fn(user, text, len, failure);
}

/* What comes of a reply; true when it is told later, or not at all. */
static bool read_reply(argo_client_request *request, const ag_value *reply, int *rc,
                       argo_error **err)
{
    if (request->ask.read != NULL) {
        request->reading = true;
        *rc = request->ask.read(&request->ask, reply, err);
        request->reading = false;
    }
    if (request->cancelled) {
        request_free(request);
        return true;
    }
    if (*rc == AG_ASK_AGAIN) {
        *rc = send_request(request, err);
        return *rc == 0;
    }
    return false;
}

static void on_reply(const ag_value *reply, const argo_error *failure, void *user)
{
    argo_client_request *request = user;
    AG_AUTO(argo_error) err = NULL;
    int rc = argo_error_code(failure);
    request->call = NULL;
    if (request->text_fn != NULL) {
        tell_text(request, reply, failure);
        return;
    }
    if (failure == NULL && read_reply(request, reply, &rc, &err)) {
        return;
    }
    argo_call_fn fn = request->fn;
    void *fn_user = request->user;
    request_free(request);
    fn(fn_user, rc, failure != NULL ? failure : err);
}

/* Takes over PATH (NULL: no memory) and BODY. */
static int request_new(argo_client *client, char *path, ag_value *body, argo_client_request **out,
                       argo_error **err)
{
    argo_client_request *request = calloc(1, sizeof(*request));
    if (request == NULL || path == NULL) {
        free(request);
        free(path);
        ag_value_unref(body);
        return ag_error_nomem(err);
    }
    ag_list_append(&client->requests, &request->link);
    request->client = client;
    request->path = path;
    request->body = body;
    *out = request;
    return 0;
}

/* ---- typed ------------------------------------------------------------------------------------ */

void ag_ask_query(struct ag_ask *ask, const char *key, const char *text)
{
    if (text != NULL) {
        ag_auto_free char *value = ag_client_path("{}", text);
        ag_buf_printf(&ask->query, "%c%s=", ask->query.len == 0 ? '?' : '&', key);
        ag_buf_add_text(&ask->query, value != NULL ? value : "");
        ask->query.failed = value != NULL ? ask->query.failed : ARGO_E_NOMEM;
    }
}

void ag_ask_query_int(struct ag_ask *ask, const char *key, int64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    ag_ask_query(ask, key, text);
}

void ag_ask_page(struct ag_ask *ask, int64_t limit, const char *cursor)
{
    if (limit != 0) {
        ag_ask_query_int(ask, "limit", limit);
    }
    ag_ask_query(ask, "cursor", cursor);
}

void ag_ask_hold(struct ag_ask *ask, int64_t wanted_ms)
{
    char text[32];
    int64_t most = ask->client->client->socket != NULL ? POLL_UNIX_MS : POLL_TCP_MS;
    ask->hold_ms = wanted_ms < most ? wanted_ms : most;
    snprintf(text, sizeof(text), "%" PRId64 ".%03d", ask->hold_ms / 1000,
             (int)(ask->hold_ms % 1000));
    ag_ask_query(ask, "timeout", text);
}

int ag_json_given(const char *text, size_t len, ag_value **out, argo_error **err)
{
    return text == NULL ? 0 : ag_value_parse(text, len == 0 ? strlen(text) : len, out, err);
}

static int begin(argo_client *client, struct ag_ask *ask, const struct argo_call_options *how,
                 argo_client_request **out, argo_error **err)
{
    ag_value *body = ask->body != NULL ? ag_record_encode(ask->body, ask->content) : NULL;
    if (ask->body != NULL && body == NULL) {
        return ag_error_nomem(err);
    }
    argo_client_request *r = NULL;
    int rc = request_new(client, ag_client_path(ask->route, ask->id), body, &r, err);
    if (rc < 0) {
        return rc;
    }
    r->ask = *ask;
    ag_buf_init(&ask->query, AG_QUERY_MAX);
    r->timeout_ms = how->timeout_ms > 0 ? how->timeout_ms : TIMEOUT_MS;
    r->retry_ms = how->retry_ms;
    r->fn = how->fn;
    r->user = how->user;
    rc = send_request(r, err);
    if (rc < 0) {
        request_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

struct outcome {
    bool done;
    int result;
    argo_error *err;
};

static void on_outcome(void *user, int result, const argo_error *err)
{
    struct outcome *outcome = user;
    outcome->done = true;
    outcome->result = result;
    outcome->err = ag_error_copy(err);
}

/* Runs the loop until REQUEST, which ends in OUTCOME, has done so. */
static int wait_for(argo_client *client, argo_client_request *request, struct outcome *outcome,
                    argo_error **err)
{
    int rc = 0;
    while (rc == 0 && !outcome->done) {
        if (!ag_client_round(client, -1, &rc, err)) {
            return ag_error_set(err, ARGO_E_CANCELLED, "the client was freed by a callback");
        }
    }
    if (!outcome->done) {
        argo_client_cancel(request);
        return rc;
    }
    if (outcome->err != NULL) {
        ag_error_move(err, &outcome->err);
    }
    return outcome->result;
}

static int block(argo_client *client, struct ag_ask *ask, struct argo_call_options *how,
                 const char *what, argo_error **err)
{
    struct outcome outcome = {0};
    argo_client_request *request = NULL;
    how->fn = on_outcome;
    how->user = &outcome;
    int rc = ag_client_refuse_nested(client, what, err);
    rc = rc < 0 ? rc : begin(client, ask, how, &request, err);
    rc = rc < 0 ? rc : wait_for(client, request, &outcome, err);
    argo_error_free(outcome.err);
    return rc;
}

static int check(const argo_client *client, const struct ag_ask *ask, const char *what,
                 const struct argo_call_options *how, argo_error **err)
{
    if (client == NULL || client->client == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: client must be given", what);
    }
    if (strstr(ask->route, "{}") != NULL && (ask->id == NULL || ask->id[0] == '\0')) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: an id or a name must be given", what);
    }
    if (how->timeout_ms < 0 || how->retry_ms < -1) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "%s: expected a timeout of at least 0 and a retry of at least -1",
                            what);
    }
    if (how->fn == NULL && how->request != NULL) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "%s: a call that blocks has no request to give: expected fn as well",
                            what);
    }
    return 0;
}

int ag_ask(argo_client *client, struct ag_ask *ask, const char *what,
           const struct argo_call_options *how, argo_error **err)
{
    struct argo_call_options own = ARGO_CALL_OPTIONS_INIT;
    argo_client_request *request = NULL;
    int rc = ag_options_take(&own, sizeof(own), how, "call options", err);
    rc = rc < 0 ? rc : check(client, ask, what, &own, err);
    if (rc == 0 && own.fn == NULL) {
        rc = block(client, ask, &own, what, err);
    } else if (rc == 0) {
        rc = begin(client, ask, &own, &request, err);
        if (rc == 0 && own.request != NULL) {
            *own.request = request;
        }
    }
    ag_buf_free(&ask->query);
    return rc;
}

int ag_ask_for(argo_client *client, struct ag_ask *ask, const char *what,
               const struct argo_call_options *how, argo_error **err)
{
    if (ask->out == NULL) {
        ag_buf_free(&ask->query);
        return ag_error_set(err, ARGO_E_INVALID, "%s: out must be given", what);
    }
    return ag_ask(client, ask, what, how, err);
}

int ag_ask_reading(argo_client *client, struct ag_ask *ask, const char *what,
                   const struct argo_read_options *options, const struct argo_call_options *how,
                   argo_error **err)
{
    struct argo_read_options own = ARGO_READ_OPTIONS_INIT;
    int rc = ag_options_take(&own, sizeof(own), options, "options of a reader", err);
    if (rc == 0 && client == NULL) {
        rc = ag_error_set(err, ARGO_E_INVALID, "%s: client must be given", what);
    }
    if (rc == 0 && own.wait_ms < 0) {
        rc = ag_error_field(err, ARGO_E_INVALID, "wait_ms", "%s: expected a wait of at least 0",
                            what);
    }
    if (rc < 0) {
        return rc;
    }
    ask->client = client;
    ag_ask_query_int(ask, "after", own.after);
    ag_ask_page(ask, own.limit, NULL);
    if (own.wait_ms > 0) {
        ag_ask_hold(ask, own.wait_ms);
    }
    return ag_ask_for(client, ask, what, how, err);
}

bool ag_ask_cancelled(struct ag_ask *ask)
{
    return AG_CONTAINER_OF(ask, argo_client_request, ask)->cancelled;
}

/* ---- text ------------------------------------------------------------------------------------- */

static int read_method(const char *method, int *out, argo_error **err)
{
    if (ag_streq(method, "GET")) {
        *out = AG_CALL_GET;
    } else if (ag_streq(method, "POST")) {
        *out = AG_CALL_POST;
    } else if (ag_streq(method, "DELETE")) {
        *out = AG_CALL_DELETE;
    } else {
        return ag_error_set(err, ARGO_E_INVALID, "'%s': expected GET, POST or DELETE",
                            method != NULL ? method : "");
    }
    return 0;
}

int argo_client_start(argo_client *client, const char *method, const char *path, const char *body,
                      size_t len, int64_t timeout_ms, unsigned flags, argo_client_fn fn, void *user,
                      argo_client_request **out, argo_error **err)
{
    if (client == NULL || client->client == NULL || path == NULL || fn == NULL || timeout_ms < 0) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "a request needs client, path and fn, and a timeout of at least 0");
    }
    ag_value *value = NULL;
    argo_client_request *r = NULL;
    int number = 0;
    int rc = read_method(method, &number, err);
    if (rc == 0 && body != NULL) {
        rc = ag_value_parse(body, len, &value, err);
    }
    rc = rc < 0 ? rc : request_new(client, ag_strdup(path), value, &r, err);
    if (rc < 0) {
        return rc;
    }
    ag_buf_init(&r->ask.query, AG_QUERY_MAX);
    r->ask.method = number;
    r->timeout_ms = timeout_ms;
    r->retry_ms = (flags & ARGO_CLIENT_RETRY) != 0 ? timeout_ms : 0;
    r->long_poll = (flags & ARGO_CLIENT_LONG_POLL) != 0;
    r->text_fn = fn;
    r->user = user;
    rc = send_request(r, err);
    if (rc < 0) {
        request_free(r);
        return rc;
    }
    if (out != NULL) {
        *out = r;
    }
    return 0;
}

struct text_outcome {
    struct outcome outcome;
    char *reply;
    size_t len;
};

static void on_text(void *user, const char *reply, size_t len, const argo_error *err)
{
    struct text_outcome *text = user;
    text->len = len;
    text->reply = err == NULL ? ag_strndup(reply, len) : NULL;
    on_outcome(&text->outcome, argo_error_code(err), err);
    if (err == NULL && text->reply == NULL) {
        text->outcome.result = ag_error_nomem(&text->outcome.err);
    }
}

int argo_client_call(argo_client *client, const char *method, const char *path, const char *body,
                     size_t len, int64_t timeout_ms, char **reply, size_t *reply_len,
                     argo_error **err)
{
    struct text_outcome text = {0};
    argo_client_request *request = NULL;
    if (reply == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_client_call: reply must be given");
    }
    int rc = ag_client_refuse_nested(client, "argo_client_call", err);
    rc = rc < 0 ? rc
                : argo_client_start(client, method, path, body, len, timeout_ms, 0, on_text, &text,
                                    &request, err);
    rc = rc < 0 ? rc : wait_for(client, request, &text.outcome, err);
    if (rc == 0) {
        *reply = ag_take(text.reply);
        if (reply_len != NULL) {
            *reply_len = text.len;
        }
    }
    free(text.reply);
    argo_error_free(text.outcome.err);
    return rc;
}
