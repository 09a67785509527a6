/*
 * The provider `openai`: any server that speaks OpenAI's chat completions, streamed or not.
 *
 * One attempt is one POST. The key goes into one header and nowhere else; what the server says of
 * an error is shown, with the key cut out of it.
 */
#include <string.h>

#include "base/text.h"
#include "provider/chat.h"
#include "provider/internal.h"
#include "provider/sse.h"

#define KEY_OFFSET (sizeof("Authorization: Bearer ") - 1)
#define MIN_SECRET 8 /* shorter ones are cut out of nothing: they could be any word */

struct openai {
    char *url;
    char *body;
    size_t body_len;
    char *authorization; /* a header, or NULL */
    bool loopback;
    ag_transfer *transfer;
    struct ag_sse sse;
    struct ag_chat chat; /* what this attempt has said so far */
    struct ag_buf plain; /* a server that does not stream though asked to */
    argo_error *error;   /* why the reply is no good; ends the attempt */
};

static int openai_check(const struct ag_ci *ci, argo_error **err)
{
    struct ag_http_url url;
    if (ci->base_url == NULL || ci->base_url[0] == '\0') {
        return ag_error_field(err, ARGO_E_INVALID, "base_url",
                              "CI '%s' needs a base_url, as https://api.openai.com/v1 or "
                              "http://127.0.0.1:11434/v1",
                              ci->name);
    }
    if (ag_http_url_read(ci->base_url, &url, NULL) < 0 || strpbrk(ci->base_url, "?#") != NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "base_url",
                              "'%s' is no base URL; expected https://HOST/PATH", ci->base_url);
    }
    if (!url.https && !url.loopback) {
        return ag_error_field(err, ARGO_E_INVALID, "base_url",
                              "'%s' goes beyond this machine and needs https", ci->base_url);
    }
    return 0;
}

static int read_key(const ag_ci_call *call, struct openai *o, argo_error **err)
{
    char *key = NULL;
    int rc = ag_key_read(call->env.home, call->ci.name, &key, err);
    if (rc < 0) {
        return rc;
    }
    if (key == NULL) {
        return o->loopback
                   ? 0
                   : ag_error_set(err, ARGO_E_NO_KEY,
                                  "CI '%s' has no key: arc ci add %s --key-file FILE, or "
                                  "put it in %s/keys/%s (mode 0600)",
                                  call->ci.name, call->ci.name, call->env.home, call->ci.name);
    }
    o->authorization = ag_asprintf("Authorization: Bearer %s", key);
    ag_key_free(key);
    return o->authorization != NULL ? 0 : ag_error_nomem(err);
}

static int openai_open(ag_ci_call *call, argo_error **err)
{
    struct ag_http_url url;
    struct openai *o = call->impl = calloc(1, sizeof(*o));
    if (o == NULL) {
        return ag_error_nomem(err);
    }
    ag_sse_init(&o->sse);
    ag_chat_init(&o->chat);
    ag_buf_init(&o->plain, AG_CHAT_MAX);
    if (ag_value_get_text(call->request, "model", "")[0] == '\0') {
        return ag_error_set(err, ARGO_E_INVALID, "CI '%s' has no model", call->ci.name);
    }
    int rc = ag_http_url_read(call->ci.base_url, &url, err);
    if (rc < 0) {
        return rc;
    }
    o->loopback = url.loopback;
    size_t len = strlen(call->ci.base_url);
    while (len > 0 && call->ci.base_url[len - 1] == '/') {
        len--;
    }
    o->url = ag_asprintf("%.*s/chat/completions", (int)len, call->ci.base_url);
    o->body = ag_chat_request(call->request, call->stream, &o->body_len);
    if (o->url == NULL || o->body == NULL) {
        return ag_error_nomem(err);
    }
    return read_key(call, o, err);
}

/* ---- what comes back -------------------------------------------------------------------------- */

static int read_events(ag_ci_call *call, struct openai *o, const char *data, size_t len)
{
    const char *event;
    size_t n;
    int rc = ag_sse_feed(&o->sse, data, len, &o->error);
    while (rc == 0 && (rc = ag_sse_next(&o->sse, &event, &n, &o->error)) == 1) {
        const char *text = NULL;
        rc = ag_chat_event(&o->chat, event, n, &text, &o->error);
        if (rc == 0 && text != NULL && !ag_ci_call_text(call, text, strlen(text))) {
            return ARGO_E_CANCELLED; /* O is gone */
        }
    }
    return rc;
}

static int on_data(const char *data, size_t len, void *user)
{
    ag_ci_call *call = user;
    struct openai *o = call->impl;
    if (o->plain.len > 0 || (!o->sse.begun && o->sse.in.len == 0 && data[0] == '{')) {
        ag_buf_add(&o->plain, data, len);
        return ag_buf_check(&o->plain, "the reply", &o->error);
    }
    return read_events(call, o, data, len);
}

/* What the server said, with the key cut out. Caller frees. */
static char *redact(const struct openai *o, char *text)
{
    const char *key = o->authorization != NULL ? o->authorization + KEY_OFFSET : "";
    size_t len = strlen(key);
    if (len >= MIN_SECRET) {
        for (char *at = text; at != NULL && (at = strstr(at, key)) != NULL; at += len) {
            memset(at, '*', len);
        }
    }
    return text;
}

static void refused(ag_ci_call *call, struct openai *o, const struct ag_http_response *response)
{
    argo_error *err = NULL;
    ag_auto_free char *said = redact(o, ag_chat_error_text(response->body, response->body_len));
    const char *hint = "";
    if (response->status == 401 || response->status == 403) {
        hint = o->authorization != NULL ? " (the server does not take the key)"
                                        : " (the server wants a key)";
    }
    ag_error_set(&err, ARGO_E_PROVIDER, "CI '%s': HTTP %d: %s%s", call->ci.name, response->status,
                 said != NULL ? said : "", hint);
    ag_ci_call_fail(call, err, ag_chat_status_passes(response->status), response->retry_after_ms);
}

/* The connection failed, or on_data gave up. */
static void broken(ag_ci_call *call, struct openai *o, const argo_error *why)
{
    argo_error *err = ag_take(o->error);
    bool lost = err == NULL && argo_error_code(why) != ARGO_E_TOO_LARGE;
    if (lost && call->spoke) {
        ag_error_set(&err, ARGO_E_PROVIDER, "CI '%s': the reply was cut off after %zu bytes: %s",
                     call->ci.name, o->chat.text.len, argo_error_details(why));
    } else {
        ag_auto_free char *said = redact(o, ag_strdup(argo_error_details(err != NULL ? err : why)));
        ag_error_set(&err, ARGO_E_PROVIDER, "CI '%s': %s", call->ci.name, said != NULL ? said : "");
    }
    ag_ci_call_fail(call, err, lost || o->chat.passing, -1);
}

/* The text of a reply that came whole is handed on in one piece. */
static int read_whole(ag_ci_call *call, struct openai *o, const char *body, size_t len,
                      argo_error **err)
{
    int rc = ag_chat_reply(&o->chat, body, len, err);
    if (rc == 0 && !ag_ci_call_text(call, ag_buf_text(&o->chat.text), o->chat.text.len)) {
        return ARGO_E_CANCELLED;
    }
    return rc;
}

static void on_done(const struct ag_http_response *response, const argo_error *failure, void *user)
{
    ag_ci_call *call = user;
    struct openai *o = call->impl;
    o->transfer = NULL;
    if (failure != NULL) {
        broken(call, o, failure);
        return;
    }
    if (response->status != 200) {
        refused(call, o, response);
        return;
    }
    argo_error *err = NULL;
    int rc = 0;
    if (!call->stream || o->plain.len > 0) {
        const char *body = call->stream ? o->plain.data : response->body;
        rc = read_whole(call, o, body, call->stream ? o->plain.len : response->body_len, &err);
    } else if (!o->chat.finished) {
        rc = ag_error_set(&err, ARGO_E_PROVIDER, "the reply was cut off after %zu bytes",
                          o->chat.text.len);
    }
    if (rc == ARGO_E_CANCELLED) {
        return;
    }
    if (rc < 0) {
        ag_error_wrap(&err, "CI '%s'", call->ci.name);
        bool cut_off = call->stream && o->plain.len == 0;
        ag_ci_call_fail(call, err, cut_off || o->chat.passing, -1);
        return;
    }
    AG_AUTO(ag_value) usage = ag_chat_usage(&o->chat, call->request);
    ag_ci_call_succeed(call, ag_buf_text(&o->chat.text), usage, o->chat.finish_reason);
}

/* ---- an attempt ------------------------------------------------------------------------------- */

static void openai_stop(ag_ci_call *call)
{
    struct openai *o = call->impl;
    ag_http_cancel(ag_take(o->transfer));
}

static int openai_attempt(ag_ci_call *call, argo_error **err)
{
    struct openai *o = call->impl;
    const char *const headers[] = {
        "Content-Type: application/json",
        call->stream ? "Accept: text/event-stream" : "Accept: application/json",
        o->authorization,
        NULL,
    };
    const struct ag_http_request request = {
        .method = "POST",
        .url = o->url,
        .headers = headers,
        .body = o->body,
        .body_len = o->body_len,
        .local = o->loopback,
    };
    const struct ag_http_events events = {
        .on_data = call->stream ? on_data : NULL,
        .on_done = on_done,
    };
    ag_sse_free(&o->sse);
    ag_chat_free(&o->chat);
    ag_buf_free(&o->plain);
    return ag_http_start(call->env.http, &request, &events, call, &o->transfer, err);
}

static void openai_close(ag_ci_call *call)
{
    struct openai *o = call->impl;
    if (o == NULL) {
        return;
    }
    ag_http_cancel(o->transfer);
    ag_sse_free(&o->sse);
    ag_chat_free(&o->chat);
    ag_buf_free(&o->plain);
    argo_error_free(o->error);
    ag_key_free(o->authorization);
    free(o->url);
    free(o->body);
    free(o);
}

const struct ag_provider ag_provider_openai = {
    .word = "openai",
    .check = openai_check,
    .open = openai_open,
    .attempt = openai_attempt,
    .stop = openai_stop,
    .close = openai_close,
};
