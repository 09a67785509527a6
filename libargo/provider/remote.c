/*
 * The providers on HTTP: `openai`, any server that speaks OpenAI's chat completions, and `anthropic`.
 * What differs between them is in their dialects.
 *
 * One attempt is one POST. The key goes into one header and nowhere else; what the server says of
 * an error is shown, with the key cut out of it.
 */
#include <string.h>

#include "base/text.h"
#include "provider/internal.h"
#include "provider/reply.h"
#include "provider/sse.h"

struct remote {
    char *url;
    char *body;
    size_t body_len;
    char *key_header; /* or NULL */
    char *key;        /* within it */
    bool loopback;
    ag_transfer *transfer;
    struct ag_sse sse;
    struct ag_reply reply; /* what this attempt has said so far */
    struct ag_buf plain;   /* a server that does not stream though asked to */
    argo_error *error;     /* why the reply is no good; ends the attempt */
};

static const char *base_url(const struct ag_ci *ci, const struct ag_dialect *dialect)
{
    return ci->base_url != NULL && ci->base_url[0] != '\0' ? ci->base_url : dialect->base_url;
}

int ag_base_url_check(const char *text, argo_error **err)
{
    struct ag_http_url url;
    if (ag_http_url_read(text, &url, NULL) < 0 || strpbrk(text, "?#") != NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "base_url",
                              "'%s' is no base URL; expected https://HOST/PATH", text);
    }
    if (!url.https && !url.loopback) {
        return ag_error_field(err, ARGO_E_INVALID, "base_url",
                              "'%s' goes beyond this machine and needs https", text);
    }
    return 0;
}

static int remote_check(const struct ag_provider *provider, const struct ag_ci *ci,
                        argo_error **err)
{
    const char *url = base_url(ci, provider->dialect);
    if (url == NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "base_url", "CI '%s' needs a base_url, as %s",
                              ci->name, provider->dialect->example);
    }
    return ag_base_url_check(url, err);
}

static int take_key(const ag_ci_call *call, struct remote *r, argo_error **err)
{
    const char *before = call->provider->dialect->key_header;
    if (call->key == NULL) {
        return r->loopback
                   ? 0
                   : ag_error_set(err, ARGO_E_NO_KEY,
                                  "CI '%s' has no key: arc ci key %s, or put it in %s/keys/%s "
                                  "(mode 0600)",
                                  call->ci.name, call->ci.name, call->env.home, call->ci.name);
    }
    r->key_header = ag_asprintf("%s%s", before, call->key);
    r->key = r->key_header != NULL ? r->key_header + strlen(before) : NULL;
    return r->key_header != NULL ? 0 : ag_error_nomem(err);
}

/* BASE and the dialect's path. What is common to their ends, a /v1, is there once. */
static char *join_url(const char *base, const char *path)
{
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    size_t version = strlen("/v1");
    if (ag_starts_with(path, "/v1/") && len > version &&
        strncmp(base + len - version, path, version) == 0) {
        len -= version;
    }
    return ag_asprintf("%.*s%s", (int)len, base, path);
}

static int remote_open(ag_ci_call *call, argo_error **err)
{
    struct ag_http_url url;
    const struct ag_dialect *dialect = call->provider->dialect;
    const char *base = base_url(&call->ci, dialect);
    struct remote *r = call->impl = calloc(1, sizeof(*r));
    if (r == NULL) {
        return ag_error_nomem(err);
    }
    ag_sse_init(&r->sse);
    ag_reply_init(&r->reply, dialect, call->request);
    ag_buf_init(&r->plain, AG_REPLY_MAX);
    if (ag_value_get_text(call->request, "model", "")[0] == '\0') {
        return ag_error_set(err, ARGO_E_INVALID, "CI '%s' has no model", call->ci.name);
    }
    int rc = ag_http_url_read(base, &url, err);
    if (rc < 0) {
        return rc;
    }
    r->loopback = url.loopback;
    r->url = join_url(base, dialect->path);
    AG_AUTO(ag_value) body = dialect->request(call->request, call->stream);
    r->body = body != NULL ? ag_value_print(body, &r->body_len) : NULL;
    if (r->url == NULL || r->body == NULL) {
        return ag_error_nomem(err);
    }
    return take_key(call, r, err);
}

/* ---- what comes back -------------------------------------------------------------------------- */

static int read_events(ag_ci_call *call, struct remote *r, const char *data, size_t len)
{
    const char *event;
    size_t n;
    int rc = ag_sse_feed(&r->sse, data, len, &r->error);
    while (rc == 0 && (rc = ag_sse_next(&r->sse, &event, &n, &r->error)) == 1) {
        const char *text = NULL;
        rc = ag_reply_event(&r->reply, event, n, &text, &r->error);
        if (rc == 0 && text != NULL && !ag_ci_call_text(call, text, strlen(text))) {
            return ARGO_E_CANCELLED; /* R is gone */
        }
    }
    return rc;
}

static int on_data(const char *data, size_t len, void *user)
{
    ag_ci_call *call = user;
    struct remote *r = call->impl;
    if (r->plain.len > 0 || (!r->sse.begun && r->sse.in.len == 0 && data[0] == '{')) {
        ag_buf_add(&r->plain, data, len);
        return ag_buf_check(&r->plain, "the reply", &r->error);
    }
    return read_events(call, r, data, len);
}

static void refused(ag_ci_call *call, struct remote *r, const struct ag_http_response *response)
{
    argo_error *err = NULL;
    ag_auto_free char *said =
        ag_key_redact(ag_error_words(response->body, response->body_len), r->key);
    const char *hint = "";
    if (response->status == 401 || response->status == 403) {
        hint = r->key != NULL ? " (the server does not take the key)" : " (the server wants a key)";
    }
    ag_error_set(&err, ARGO_E_PROVIDER, "CI '%s': HTTP %d: %s%s", call->ci.name, response->status,
                 said != NULL ? said : "", hint);
    ag_ci_call_fail(call, err, ag_status_passes(response->status), response->retry_after_ms);
}

/* The connection failed, or on_data gave up. */
static void broken(ag_ci_call *call, struct remote *r, const argo_error *why)
{
    argo_error *err = ag_take(r->error);
    bool lost = err == NULL && argo_error_code(why) != ARGO_E_TOO_LARGE;
    if (lost && call->spoke) {
        ag_error_set(&err, ARGO_E_PROVIDER, "CI '%s': the reply was cut off after %zu bytes: %s",
                     call->ci.name, r->reply.text.len, argo_error_details(why));
    } else {
        ag_auto_free char *said =
            ag_key_redact(ag_strdup(argo_error_details(err != NULL ? err : why)), r->key);
        ag_error_set(&err, ARGO_E_PROVIDER, "CI '%s': %s", call->ci.name, said != NULL ? said : "");
    }
    ag_ci_call_fail(call, err, lost || r->reply.passing, -1);
}

/* Text that could not be handed on while it came. */
static int hand_on(ag_ci_call *call, struct remote *r, argo_error **err)
{
    int rc = ag_reply_finish(&r->reply, err);
    if (rc == 0 && !ag_ci_call_text(call, ag_buf_text(&r->reply.text), r->reply.text.len)) {
        return ARGO_E_CANCELLED;
    }
    return rc;
}

/* A web page, say, because the URL is another server's: asking again does not help. */
static bool speaks_otherwise(const struct remote *r, const struct ag_http_response *response)
{
    return r->reply.text.len == 0 && response->content_type[0] != '\0' &&
           !ag_starts_with(response->content_type, "text/event-stream");
}

static void on_done(const struct ag_http_response *response, const argo_error *failure, void *user)
{
    ag_ci_call *call = user;
    struct remote *r = call->impl;
    r->transfer = NULL;
    if (failure != NULL) {
        broken(call, r, failure);
        return;
    }
    if (response->status != 200) {
        refused(call, r, response);
        return;
    }
    argo_error *err = NULL;
    bool streamed = call->stream && r->plain.len == 0;
    bool cut_off = streamed && !r->reply.finished;
    int rc = 0;
    if (!streamed) {
        const char *body = call->stream ? r->plain.data : response->body;
        rc = ag_reply_read(&r->reply, body, call->stream ? r->plain.len : response->body_len, &err);
    } else if (cut_off && speaks_otherwise(r, response)) {
        cut_off = false;
        rc =
            ag_error_set(&err, ARGO_E_PROVIDER,
                         "%s answered with %s, which is no reply of provider %s: is the URL right?",
                         r->url, response->content_type, call->provider->word);
    } else if (cut_off) {
        rc = ag_error_set(&err, ARGO_E_PROVIDER, "the reply was cut off after %zu bytes",
                          r->reply.text.len);
    }
    if (rc == 0 && (!streamed || r->reply.whole)) {
        rc = hand_on(call, r, &err);
    }
    if (rc == ARGO_E_CANCELLED) {
        return;
    }
    if (rc < 0) {
        ag_error_wrap(&err, "CI '%s'", call->ci.name);
        ag_ci_call_fail(call, err, cut_off || r->reply.passing, -1);
        return;
    }
    AG_AUTO(ag_value) usage = ag_reply_usage(&r->reply, call->request);
    ag_ci_call_succeed(call, ag_buf_text(&r->reply.text), usage, r->reply.finish_reason);
}

/* ---- an attempt ------------------------------------------------------------------------------- */

static void remote_stop(ag_ci_call *call)
{
    struct remote *r = call->impl;
    ag_http_cancel(ag_take(r->transfer));
}

static int remote_attempt(ag_ci_call *call, argo_error **err)
{
    struct remote *r = call->impl;
    const struct ag_dialect *dialect = call->provider->dialect;
    const char *headers[] = {
        "Content-Type: application/json",
        call->stream ? "Accept: text/event-stream" : "Accept: application/json",
        [4] = NULL,
    };
    size_t n = 2;
    headers[n] = r->key_header;
    n += headers[n] != NULL ? 1 : 0;
    headers[n] = dialect->header;
    const struct ag_http_request request = {
        .method = "POST",
        .url = r->url,
        .headers = headers,
        .body = r->body,
        .body_len = r->body_len,
        .local = r->loopback,
    };
    const struct ag_http_events events = {
        .on_data = call->stream ? on_data : NULL,
        .on_done = on_done,
    };
    ag_sse_free(&r->sse);
    ag_reply_free(&r->reply);
    ag_reply_init(&r->reply, dialect, call->request);
    ag_buf_free(&r->plain);
    return ag_http_start(call->env.http, &request, &events, call, &r->transfer, err);
}

static void remote_close(ag_ci_call *call)
{
    struct remote *r = call->impl;
    if (r == NULL) {
        return;
    }
    ag_http_cancel(r->transfer);
    ag_sse_free(&r->sse);
    ag_reply_free(&r->reply);
    ag_buf_free(&r->plain);
    argo_error_free(r->error);
    ag_key_free(r->key_header);
    free(r->url);
    free(r->body);
    free(r);
}

#define REMOTE(name, of)                                                                           \
    {                                                                                              \
        .word = (name), .keyed = true, .dialect = (of), .check = remote_check,                     \
        .open = remote_open, .attempt = remote_attempt, .stop = remote_stop, .close = remote_close \
    }

const struct ag_provider ag_provider_openai = REMOTE("openai", &ag_dialect_chat);
const struct ag_provider ag_provider_anthropic = REMOTE("anthropic", &ag_dialect_messages);
