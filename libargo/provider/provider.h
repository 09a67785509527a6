/*
 * CI providers: one question to a model, its words as they come, usage at the end.
 *
 * A provider is a row in a table (provider.c): openai (any OpenAI-compatible chat completions
 * server), anthropic (its Messages API), claude (the CLI of that name), replay (plays recorded
 * exchanges back, or records those of another CI). State machines on the loop; nothing blocks.
 */
#ifndef AG_PROVIDER_PROVIDER_H
#define AG_PROVIDER_PROVIDER_H

#include "http/http.h"
#include "wire/records.h"

typedef struct ag_ci_call ag_ci_call;

struct ag_ci_request {
    const char *system;        /* or NULL */
    const ag_value *messages;  /* array of {"role","content"}; at least one */
    const char *model;         /* overrides the CI's; NULL: the CI's */
    const char *default_model; /* when neither says one and the provider has none of its own */
    double temperature;        /* below 0: the provider's default */
    int64_t max_tokens;        /* 0: the provider's default */
    const ag_value *schema;    /* JSON Schema for the reply, or NULL */
    bool stream;
    int64_t timeout_ms; /* for the whole call with its retries; 0: 600 s */
};

struct ag_ci_result {
    const char *text;      /* the whole reply */
    const ag_value *usage; /* {"model","input_tokens","output_tokens","attempts"[,"cost_usd"]} */
    const char *finish_reason;
    const char *label; /* of a replayed reply, e.g. "replay: scripted, no model"; else NULL */
};

struct ag_ci_events {
    /* Text as it comes (complete UTF-8 characters); may be NULL. LABEL as above. */
    void (*on_text)(const char *text, size_t len, const char *label, void *user);
    /* A retry is about to be made (429, 5xx, connection lost before any text): for the log. */
    void (*on_retry)(const argo_error *why, int64_t delay_ms, void *user);
    /* Once, last. ERR: ARGO_E_PROVIDER, ARGO_E_TIMEOUT, ARGO_E_NO_KEY ... with the provider's own
     * words and what to do. */
    void (*on_done)(const struct ag_ci_result *result, const argo_error *err, void *user);
};

struct ag_provider_env {
    argo_context *ctx;
    ag_loop *loop;
    ag_http *http;
    const char *home; /* for keys/NAME */
    /* Of a provider that is a program; borrowed until the call's end. */
    const ag_value *environment; /* {NAME: text}; NULL: the process's own */
    const char *cwd;             /* NULL: the process's own */
};

/* CI is copied. UPSTREAM: the CI that a recording replay CI names, else NULL. The key is read
 * from HOME/keys/NAME (0600) when the provider needs one. Events are never called from inside. */
int ag_ci_call_start(const struct ag_provider_env *env, const struct ag_ci *ci,
                     const struct ag_ci *upstream, const struct ag_ci_request *request,
                     const struct ag_ci_events *events, void *user, ag_ci_call **out,
                     argo_error **err);
void ag_ci_call_cancel(ag_ci_call *call); /* no event follows */

/* The known providers, NULL-terminated, for messages and registration checks. */
extern const char *const ag_provider_words[];
/* Whether a CI's record has what its provider needs (base_url, recording ...). */
int ag_provider_check(const struct ag_ci *ci, argo_error **err);

#endif
