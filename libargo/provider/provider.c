/*
 * A call to a CI: the table of providers, the deadline, and the retries that all of them share.
 *
 * It speaks to no server itself. It must not make another attempt once text has been handed out.
 */
#include "provider/provider.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "provider/internal.h"

#define MAX_ATTEMPTS       4
#define BACKOFF_FIRST_MS   1000 /* half of it is random: 0.5 s at least */
#define BACKOFF_MAX_MS     20000
#define RETRY_AFTER_MAX_MS 60000
#define DEFAULT_TIMEOUT_MS 600000

static const struct ag_provider *const providers[] = {&ag_provider_openai, &ag_provider_anthropic,
                                                      &ag_provider_claude, &ag_provider_replay};

const char *const ag_provider_words[] = {"openai", "anthropic", "claude", "replay", NULL};

static_assert(AG_ARRAY_SIZE(ag_provider_words) == AG_ARRAY_SIZE(providers) + 1,
              "a word for each provider");

static int find_provider(const struct ag_ci *ci, const struct ag_provider **out, argo_error **err)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(providers); i++) {
        if (ag_streq(ci->provider, providers[i]->word)) {
            *out = providers[i];
            return 0;
        }
    }
    const char *word = ci->provider != NULL ? ci->provider : "";
    const char *near =
        ag_nearest_word(word, ag_provider_words, AG_ARRAY_SIZE(ag_provider_words) - 1);
    return ag_error_field(err, ARGO_E_INVALID, "provider",
                          "'%s' is no provider; expected openai, anthropic, claude or replay%s%s",
                          word, near != NULL ? "; nearest: " : "", near != NULL ? near : "");
}

int ag_provider_check(const struct ag_ci *ci, argo_error **err)
{
    const struct ag_provider *provider;
    int rc = find_provider(ci, &provider, err);
    return rc < 0 ? rc : provider->check(provider, ci, err);
}

/* ---- the end of a call ------------------------------------------------------------------------ */

static void call_free(ag_ci_call *call)
{
    if (call->gone != NULL) {
        *call->gone = true;
    }
    call->provider->close(call);
    ag_key_command_free(call->key_command);
    ag_key_free(call->key);
    ag_timer_free(call->deadline);
    ag_timer_free(call->pause);
    ag_record_clear(&ag_ci_record, &call->ci);
    ag_record_clear(&ag_ci_record, &call->upstream);
    ag_value_unref(call->request);
    free(call->label);
    free(call->home);
    free(call);
}

void ag_ci_call_cancel(ag_ci_call *call)
{
    if (call != NULL && !call->reporting) {
        call_free(call);
    }
}

static void report(ag_ci_call *call, const struct ag_ci_result *result, const argo_error *err)
{
    call->reporting = true;
    if (call->impl != NULL) { /* it has begun */
        call->provider->stop(call);
    }
    ag_timer_disarm(call->deadline);
    ag_timer_disarm(call->pause);
    call->events.on_done(result, err, call->user);
    call_free(call);
}

bool ag_ci_call_text(ag_ci_call *call, const char *text, size_t len)
{
    if (len == 0) {
        return true;
    }
    call->spoke = true;
    if (call->events.on_text == NULL) {
        return true;
    }
    bool gone = false;
    call->gone = &gone;
    call->events.on_text(text, len, call->label, call->user);
    if (!gone) {
        call->gone = NULL;
    }
    return !gone;
}

bool ag_ci_call_retrying(ag_ci_call *call, argo_error *why, int64_t delay_ms)
{
    AG_AUTO(argo_error) owned = why;
    bool gone = false;
    if (call->events.on_retry != NULL) {
        call->gone = &gone;
        call->events.on_retry(owned, delay_ms, call->user);
    }
    if (!gone) {
        call->gone = NULL;
    }
    return !gone;
}

void ag_ci_call_succeed(ag_ci_call *call, const char *text, const ag_value *usage,
                        const char *finish_reason)
{
    AG_AUTO(ag_value) whole = usage != NULL ? ag_value_copy(usage) : ag_value_object();
    int rc = ag_value_set(whole, "attempts", ag_value_int(call->attempts));
    if (rc < 0) {
        AG_AUTO(argo_error) err = NULL;
        ag_error_nomem(&err);
        report(call, NULL, err);
        return;
    }
    struct ag_ci_result result = {
        .text = text,
        .usage = whole,
        .finish_reason = finish_reason,
        .label = call->label,
    };
    report(call, &result, NULL);
}

/* ---- attempts --------------------------------------------------------------------------------- */

/* How long to wait for the next attempt; -1: there is none. */
static int64_t next_delay(const ag_ci_call *call, bool passing, int64_t retry_after_ms)
{
    if (!passing || call->spoke || call->attempts >= MAX_ATTEMPTS ||
        retry_after_ms > RETRY_AFTER_MAX_MS) {
        return -1;
    }
    int64_t delay = retry_after_ms >= 0
                        ? retry_after_ms
                        : ag_http_backoff_ms(call->attempts, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
    return ag_loop_clock_ms(call->env.loop) + delay < call->ends_at ? delay : -1;
}

void ag_ci_call_fail(ag_ci_call *call, argo_error *err, bool passing, int64_t retry_after_ms)
{
    AG_AUTO(argo_error) owned = err;
    int64_t delay = next_delay(call, passing, retry_after_ms);
    if (delay < 0) {
        if (call->attempts > 1) {
            ag_error_wrap(&owned, "after %u attempts", call->attempts);
        }
        if (retry_after_ms > RETRY_AFTER_MAX_MS) {
            ag_error_wrap(&owned, "asked to wait %" PRId64 " s", retry_after_ms / 1000);
        }
        report(call, NULL, owned);
        return;
    }
    call->provider->stop(call);
    ag_timer_arm(call->pause, delay);
    (void)ag_ci_call_retrying(call, ag_take(owned), delay);
}

static int attempt(ag_ci_call *call, argo_error **err)
{
    call->attempts++;
    return call->provider->attempt(call, err);
}

static void on_pause_over(ag_timer *timer, void *user)
{
    ag_ci_call *call = user;
    argo_error *err = NULL;
    if (attempt(call, &err) < 0) {
        ag_ci_call_fail(call, err, false, -1);
    }
}

static void on_deadline(ag_timer *timer, void *user)
{
    ag_ci_call *call = user;
    AG_AUTO(argo_error) err = NULL;
    ag_error_set(&err, ARGO_E_TIMEOUT, "CI '%s' did not finish within %.3g s (attempt %u)",
                 call->ci.name, (double)call->timeout_ms / 1000, call->attempts);
    report(call, NULL, err);
}

/* ---- the beginning ---------------------------------------------------------------------------- */

static bool given(const char *text)
{
    return text != NULL && *text != '\0';
}

static const char *choose_model(const ag_ci_call *call, const struct ag_ci_request *request)
{
    const char *const models[] = {request->model, call->ci.model, call->upstream.model,
                                  call->provider->own_model ? NULL : request->default_model};
    for (size_t i = 0; i < AG_ARRAY_SIZE(models); i++) {
        if (given(models[i])) {
            return models[i];
        }
    }
    return NULL;
}

static int set_text(ag_value *object, const char *key, const char *text)
{
    return text == NULL ? 0 : ag_value_set(object, key, ag_value_text_sane(text, strlen(text)));
}

static int build_request(ag_ci_call *call, const struct ag_ci_request *r, argo_error **err)
{
    if (!ag_value_is(r->messages, ARGO_TYPE_ARRAY) || ag_value_size(r->messages) == 0) {
        return ag_error_set(err, ARGO_E_INVALID, "a CI must be given at least one message");
    }
    ag_value *v = call->request = ag_value_object();
    int rc = set_text(v, "model", choose_model(call, r));
    rc = rc < 0 ? rc : set_text(v, "system", r->system);
    rc = rc < 0 ? rc : ag_value_set(v, "messages", ag_value_copy(r->messages));
    if (rc == 0 && r->temperature >= 0) {
        rc = ag_value_set(v, "temperature", ag_value_real(r->temperature));
    }
    if (rc == 0 && r->max_tokens > 0) {
        rc = ag_value_set(v, "max_tokens", ag_value_int(r->max_tokens));
    }
    if (rc == 0 && r->schema != NULL) {
        rc = ag_value_set(v, "schema", ag_value_copy(r->schema));
    }
    return rc < 0 ? ag_error_nomem(err) : 0;
}

static int call_prepare(ag_ci_call *call, const struct ag_provider_env *env, const struct ag_ci *ci,
                        const struct ag_ci *upstream, const struct ag_ci_request *request,
                        argo_error **err)
{
    call->env = *env;
    call->env.home = call->home = ag_strdup(env->home);
    call->stream = request->stream;
    call->timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
    call->ends_at = ag_loop_clock_ms(env->loop) + call->timeout_ms;
    if (env->home != NULL && call->home == NULL) {
        return ag_error_nomem(err);
    }
    int rc = ag_record_copy(&ag_ci_record, ci, &call->ci, err);
    if (rc == 0 && upstream != NULL) {
        rc = ag_record_copy(&ag_ci_record, upstream, &call->upstream, err);
    }
    rc = rc < 0 ? rc : build_request(call, request, err);
    rc = rc < 0 ? rc : ag_timer_new(env->loop, on_pause_over, call, &call->pause, err);
    rc = rc < 0 ? rc : ag_timer_new(env->loop, on_deadline, call, &call->deadline, err);
    return rc;
}

static int begin(ag_ci_call *call, argo_error **err)
{
    int rc = call->provider->open(call, err);
    return rc < 0 ? rc : attempt(call, err);
}

static void on_key(char *key, argo_error *failure, void *user)
{
    ag_ci_call *call = user;
    argo_error *err = failure;
    call->key_command = NULL;
    call->key = key;
    if (err != NULL) {
        ag_error_wrap(&err, "CI '%s'", call->ci.name);
    }
    if (err != NULL || begin(call, &err) < 0) {
        ag_ci_call_fail(call, err, false, -1);
    }
}

/* Begins at once, or when a command has said the key. */
static int get_key(ag_ci_call *call, argo_error **err)
{
    AG_AUTO(ag_value) command = NULL;
    int rc = 0;
    if (call->provider->keyed) {
        rc = ag_key_read(call->env.home, call->ci.name, &call->key, &command, err);
    }
    if (rc < 0 || command == NULL) {
        return rc < 0 ? rc : begin(call, err);
    }
    ag_auto_free char *file = ag_key_path(call->env.home, call->ci.name);
    return file == NULL ? ag_error_nomem(err)
                        : ag_key_command_start(&call->env, command, file, on_key, call,
                                               &call->key_command, err);
}

int ag_ci_call_start(const struct ag_provider_env *env, const struct ag_ci *ci,
                     const struct ag_ci *upstream, const struct ag_ci_request *request,
                     const struct ag_ci_events *events, void *user, ag_ci_call **out,
                     argo_error **err)
{
    const struct ag_provider *provider = NULL;
    int rc = find_provider(ci, &provider, err);
    rc = rc < 0 ? rc : provider->check(provider, ci, err);
    if (rc < 0) {
        return rc;
    }
    ag_ci_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return ag_error_nomem(err);
    }
    call->events = *events;
    call->user = user;
    call->provider = provider;
    rc = call_prepare(call, env, ci, upstream, request, err);
    rc = rc < 0 ? rc : get_key(call, err);
    if (rc < 0) {
        call_free(call);
        return rc;
    }
    ag_timer_arm(call->deadline, call->timeout_ms);
    *out = call;
    return 0;
}
