/*
 * The exported argo_ask*: one call on a loop of its own, which is gone when it returns.
 */
#include <argo/ask.h>

#include "provider/provider.h"

struct asked {
    ag_loop *loop;
    ag_ci_call *call;
    argo_ask_text_fn fn;
    void *user;
    ag_value *reply;
    argo_error *error;
    bool done;
};

/* Members that are of no concern here are left out: a record may be newer than we are. */
static int read_ci(const argo_value *value, struct ag_ci *ci, argo_error **err)
{
    if (!ag_value_is(value, ARGO_TYPE_OBJECT)) {
        return ag_error_field(err, ARGO_E_INVALID, "ci", "ci: expected an object");
    }
    return ag_record_decode(&ag_ci_record, value, ci, err);
}

int argo_ask_check(const argo_value *ci, argo_error **err)
{
    struct ag_ci record = {0};
    int rc = read_ci(ci, &record, err);
    rc = rc < 0 ? rc : ag_provider_check(&record, err);
    ag_record_clear(&ag_ci_record, &record);
    return rc;
}

static void on_text(const char *text, size_t len, const char *label, void *user)
{
    struct asked *a = user;
    if (a->fn(a->user, text, len, label) != 0) {
        ag_ci_call_cancel(ag_take(a->call));
        ag_error_set(&a->error, ARGO_E_CANCELLED, "the caller has ended the call");
        a->done = true;
    }
}

static ag_value *reply_of(const struct ag_ci_result *result)
{
    AG_AUTO(ag_value) reply = ag_value_object();
    int rc = ag_value_set(reply, "text", ag_value_text(result->text));
    rc = rc < 0 ? rc : ag_value_set(reply, "usage", ag_value_copy(result->usage));
    rc = rc < 0 ? rc : ag_value_set(reply, "finish_reason", ag_value_text(result->finish_reason));
    rc = rc < 0 ? rc : ag_value_set(reply, "label", ag_value_text(result->label));
    return rc == 0 ? ag_take(reply) : NULL;
}

static void on_done(const struct ag_ci_result *result, const argo_error *err, void *user)
{
    struct asked *a = user;
    a->call = NULL;
    a->done = true;
    if (err != NULL) {
        a->error = ag_error_copy(err);
        return;
    }
    a->reply = reply_of(result);
    if (a->reply == NULL) {
        ag_error_nomem(&a->error);
    }
}

static ag_value *messages_of(const char *prompt)
{
    AG_AUTO(ag_value) messages = ag_value_array();
    AG_AUTO(ag_value) message = ag_value_object();
    int rc = ag_value_set(message, "role", ag_value_text("user"));
    rc = rc < 0 ? rc : ag_value_set(message, "content", ag_value_text(prompt));
    rc = rc < 0 ? rc : ag_value_append(messages, ag_take(message));
    return rc == 0 ? ag_take(messages) : NULL;
}

static int start(struct asked *a, argo_context *ctx, ag_http *http, const struct ag_ci *ci,
                 const struct ag_ci *upstream, const argo_value *asked, int64_t timeout_ms,
                 argo_error **err)
{
    AG_AUTO(ag_value) messages = messages_of(ag_value_get_text(asked, "prompt", ""));
    const struct ag_provider_env env = {
        .ctx = ctx, .loop = a->loop, .http = http, .home = argo_context_home(ctx)};
    const struct ag_ci_request request = {
        .system = ag_value_get_text(asked, "system", NULL),
        .messages = messages,
        .model = ag_value_get_text(asked, "model", NULL),
        .temperature = ag_value_get_real(asked, "temperature", -1),
        .max_tokens = ag_value_get_int(asked, "max_tokens", 0),
        .schema = ag_value_get(asked, "schema"),
        .stream = a->fn != NULL,
        .timeout_ms = timeout_ms,
    };
    const struct ag_ci_events events = {a->fn != NULL ? on_text : NULL, NULL, on_done};
    return messages == NULL
               ? ag_error_nomem(err)
               : ag_ci_call_start(&env, ci, upstream, &request, &events, a, &a->call, err);
}

static int ask(argo_context *ctx, const struct ag_ci *ci, const struct ag_ci *upstream,
               const argo_value *request, int64_t timeout_ms, struct asked *a, argo_error **err)
{
    AG_AUTO(ag_loop) loop = NULL;
    ag_http *http = NULL;
    int rc = ag_loop_new(&loop, err);
    rc = rc < 0 ? rc : ag_http_new(loop, ctx, &http, err);
    a->loop = loop;
    rc = rc < 0 ? rc : start(a, ctx, http, ci, upstream, request, timeout_ms, err);
    while (rc == 0 && !a->done) {
        rc = ag_loop_dispatch(loop, -1, err);
    }
    ag_ci_call_cancel(a->call);
    ag_http_free(http);
    if (a->error != NULL) {
        rc = argo_error_code(a->error);
        ag_error_move(err, &a->error);
    }
    return rc;
}

int argo_ask(argo_context *ctx, const argo_value *ci, const argo_value *upstream,
             const argo_value *request, int64_t timeout_ms, argo_ask_text_fn fn, void *user,
             argo_value **reply, argo_error **err)
{
    if (ctx == NULL || reply == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_ask: ctx and reply must be given");
    }
    if (timeout_ms < 0 || ag_value_get_text(request, "prompt", "")[0] == '\0') {
        return ag_error_field(err, ARGO_E_INVALID, "prompt",
                              "argo_ask: expected a prompt, and no negative timeout");
    }
    struct ag_ci record = {0};
    struct ag_ci recorded = {0};
    struct asked a = {.fn = fn, .user = user};
    int rc = read_ci(ci, &record, err);
    rc = rc < 0 || upstream == NULL ? rc : read_ci(upstream, &recorded, err);
    rc = rc < 0
             ? rc
             : ask(ctx, &record, upstream != NULL ? &recorded : NULL, request, timeout_ms, &a, err);
    ag_record_clear(&ag_ci_record, &record);
    ag_record_clear(&ag_ci_record, &recorded);
    if (rc == 0) {
        *reply = ag_take(a.reply);
    }
    return rc;
}
