/*
 * The provider `replay`: plays recorded exchanges back, or, with an upstream CI, asks that one and
 * records what it says. Replayed words carry a label wherever they appear: in on_text, in the
 * result, and as a first line of the text itself unless the text must be JSON of a schema.
 */
#include <string.h>

#include "base/text.h"
#include "provider/internal.h"
#include "provider/recording.h"

struct replay {
    char hash[AG_SHA256_HEX];
    ag_defer *step; /* one chunk per iteration of the loop */
    ag_value *reply;
    size_t next;
    bool labelled; /* the first line has been said, or is not wanted */
    struct ag_buf text;
    ag_ci_call *upstream;
    ag_value *heard; /* the upstream's chunks */
};

static int replay_check(const struct ag_provider *provider, const struct ag_ci *ci,
                        argo_error **err)
{
    if (ci->recording == NULL || ci->recording[0] == '\0') {
        return ag_error_field(err, ARGO_E_INVALID, "recording",
                              "CI '%s' needs the directory of a recording", ci->name);
    }
    return 0;
}

/* ---- playing ---------------------------------------------------------------------------------- */

/* The next piece of text, or false at the end. *OWNED is freed by the caller. */
static bool next_piece(ag_ci_call *call, struct replay *r, const char **text, char **owned)
{
    if (!r->labelled) {
        r->labelled = true;
        *owned = ag_asprintf("[%s]\n", call->label);
        *text = *owned;
        return true;
    }
    const ag_value *chunk = ag_value_at(ag_value_get(r->reply, "chunks"), r->next++);
    *text = ag_value_as_text(chunk);
    return chunk != NULL;
}

static void finish_playing(ag_ci_call *call, struct replay *r)
{
    ag_value *usage = ag_value_get(r->reply, "usage");
    ag_value_remove(usage, "cost_usd"); /* paid when it was recorded, not now */
    ag_ci_call_succeed(call, ag_buf_text(&r->text), usage,
                       ag_value_get_text(r->reply, "finish_reason", "stop"));
}

static void on_step(ag_defer *defer, void *user)
{
    ag_ci_call *call = user;
    struct replay *r = call->impl;
    const char *text = NULL;
    ag_auto_free char *owned = NULL;
    if (!next_piece(call, r, &text, &owned)) {
        finish_playing(call, r);
        return;
    }
    argo_error *err = NULL;
    if (text == NULL || ag_buf_add_text(&r->text, text) < 0) {
        ag_error_nomem(&err);
        ag_ci_call_fail(call, err, false, -1);
        return;
    }
    if (ag_ci_call_text(call, text, strlen(text))) {
        ag_defer_schedule(r->step);
    }
}

static int play(ag_ci_call *call, struct replay *r, argo_error **err)
{
    int rc = ag_recording_read(call->ci.recording, r->hash, &r->reply, &call->label, err);
    if (rc < 0) {
        return ag_error_wrap(err, "CI '%s'", call->ci.name);
    }
    r->labelled = ag_value_get(call->request, "schema") != NULL;
    ag_defer_schedule(r->step);
    return 0;
}

/* ---- recording -------------------------------------------------------------------------------- */

static void heard_text(const char *text, size_t len, const char *label, void *user)
{
    ag_ci_call *call = user;
    struct replay *r = call->impl;
    if (ag_value_append(r->heard, ag_value_text_n(text, len)) < 0) {
        argo_error *err = NULL;
        ag_error_nomem(&err);
        ag_ci_call_fail(call, err, false, -1);
        return;
    }
    ag_ci_call_text(call, text, len);
}

static void heard_retry(const argo_error *why, int64_t delay_ms, void *user)
{
    ag_ci_call *call = user;
    if (call->events.on_retry != NULL) {
        call->events.on_retry(why, delay_ms, call->user);
    }
}

static int record(ag_ci_call *call, struct replay *r, const struct ag_ci_result *result,
                  argo_error **err)
{
    char now[AG_TIME_SIZE];
    AG_AUTO(ag_value) reply = ag_value_object();
    int rc = ag_value_set(reply, "chunks", ag_value_ref(r->heard));
    rc = rc < 0 ? rc : ag_value_set(reply, "usage", ag_value_ref(result->usage));
    if (rc == 0 && result->finish_reason != NULL) {
        rc = ag_value_set(reply, "finish_reason", ag_value_text(result->finish_reason));
    }
    ag_auto_free char *origin =
        ag_asprintf("recorded from %s at %s", ag_value_get_text(result->usage, "model", "?"),
                    ag_time_format(ag_context_now_ms(call->env.ctx), now));
    if (rc < 0 || origin == NULL) {
        return ag_error_nomem(err);
    }
    rc = ag_recording_write(call->ci.recording, call->request, reply, origin, err);
    return rc < 0 ? ag_error_wrap(err, "CI '%s': record its reply", call->ci.name) : 0;
}

static void heard_end(const struct ag_ci_result *result, const argo_error *failure, void *user)
{
    ag_ci_call *call = user;
    struct replay *r = call->impl;
    argo_error *err = NULL;
    r->upstream = NULL;
    if (failure != NULL) {
        err = ag_error_copy(failure);
    } else {
        record(call, r, result, &err);
    }
    if (err != NULL) {
        ag_ci_call_fail(call, err, false, -1);
        return;
    }
    call->attempts = (unsigned)ag_value_get_int(result->usage, "attempts", 1);
    ag_ci_call_succeed(call, result->text, result->usage, result->finish_reason);
}

static int ask_upstream(ag_ci_call *call, struct replay *r, argo_error **err)
{
    static const struct ag_ci_events events = {heard_text, heard_retry, heard_end};
    const ag_value *asked = call->request;
    const struct ag_ci_request request = {
        .system = ag_value_get_text(asked, "system", NULL),
        .messages = ag_value_get(asked, "messages"),
        .model = ag_value_get_text(asked, "model", NULL),
        .temperature = ag_value_get_real(asked, "temperature", -1),
        .max_tokens = ag_value_get_int(asked, "max_tokens", 0),
        .schema = ag_value_get(asked, "schema"),
        .stream = call->stream,
        .timeout_ms = call->timeout_ms,
    };
    r->heard = ag_value_array();
    if (r->heard == NULL) {
        return ag_error_nomem(err);
    }
    return ag_ci_call_start(&call->env, &call->upstream, NULL, &request, &events, call,
                            &r->upstream, err);
}

/* ---- the provider ----------------------------------------------------------------------------- */

static int replay_open(ag_ci_call *call, argo_error **err)
{
    struct replay *r = call->impl = calloc(1, sizeof(*r));
    if (r == NULL) {
        return ag_error_nomem(err);
    }
    ag_buf_init(&r->text, SIZE_MAX); /* what is read is bounded by the file's limit */
    int rc = ag_defer_new(call->env.loop, on_step, call, &r->step, err);
    return rc < 0 ? rc : ag_recording_hash(call->request, r->hash, err);
}

static int replay_attempt(ag_ci_call *call, argo_error **err)
{
    struct replay *r = call->impl;
    return call->upstream.name != NULL ? ask_upstream(call, r, err) : play(call, r, err);
}

static void replay_stop(ag_ci_call *call)
{
    struct replay *r = call->impl;
    ag_ci_call_cancel(ag_take(r->upstream));
}

static void replay_close(ag_ci_call *call)
{
    struct replay *r = call->impl;
    if (r == NULL) {
        return;
    }
    ag_ci_call_cancel(r->upstream);
    ag_defer_free(r->step);
    ag_value_unref(r->reply);
    ag_value_unref(r->heard);
    ag_buf_free(&r->text);
    free(r);
}

const struct ag_provider ag_provider_replay = {
    .word = "replay",
    .check = replay_check,
    .open = replay_open,
    .attempt = replay_attempt,
    .stop = replay_stop,
    .close = replay_close,
};
