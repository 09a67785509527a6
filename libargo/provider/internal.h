/*
 * What a provider sees of a call, and how it reports. provider.c owns the call, its deadline and
 * its retries; a provider makes one attempt at a time and says how it went.
 */
#ifndef AG_PROVIDER_INTERNAL_H
#define AG_PROVIDER_INTERNAL_H

#include "provider/provider.h"

typedef struct ag_key_command ag_key_command;

/* ATTEMPT may fail at once, then nothing has to be stopped. STOP ends an attempt silently. After
 * OPEN, CLOSE follows, also when OPEN failed. */
struct ag_provider {
    const char *word;
    bool keyed;                       /* has the key, if there is one, before OPEN */
    const struct ag_dialect *dialect; /* of those on HTTP */
    bool own_model;                   /* it knows which model to ask when nobody says */
    int (*check)(const struct ag_provider *provider, const struct ag_ci *ci, argo_error **err);
    int (*open)(ag_ci_call *call, argo_error **err);
    int (*attempt)(ag_ci_call *call, argo_error **err);
    void (*stop)(ag_ci_call *call);
    void (*close)(ag_ci_call *call);
};

extern const struct ag_provider ag_provider_openai;
extern const struct ag_provider ag_provider_anthropic;
extern const struct ag_provider ag_provider_claude;
extern const struct ag_provider ag_provider_replay;

struct ag_ci_call {
    struct ag_provider_env env;
    char *home;
    struct ag_ci ci;
    struct ag_ci upstream; /* all zero: none */
    /* {"model"?,"system"?,"messages","temperature"?,"max_tokens"?,"schema"?}: what is asked,
     * independent of how. Sorted and hashed it names a recorded exchange. */
    ag_value *request;
    bool stream;
    int64_t timeout_ms;
    int64_t ends_at; /* monotonic ms */
    struct ag_ci_events events;
    void *user;
    const struct ag_provider *provider;
    char *key; /* or NULL */
    ag_key_command *key_command;
    void *impl;  /* the provider's own */
    char *label; /* of text that no model has said just now, or NULL */
    ag_timer *deadline;
    ag_timer *pause; /* between two attempts */
    unsigned attempts;
    bool spoke; /* text has been handed out: no retry can take it back */
    bool reporting;
    bool *gone;
};

/* Hands TEXT on. False: the call has been cancelled meanwhile and nothing of it may be touched. */
bool ag_ci_call_text(ag_ci_call *call, const char *text, size_t len);
/* The provider itself tries again in DELAY_MS; takes WHY. False as above. */
bool ag_ci_call_retrying(ag_ci_call *call, argo_error *why, int64_t delay_ms);
/* The end; CALL is gone afterwards. USAGE is borrowed: what is known of
 * {"model","input_tokens","output_tokens","cost_usd"}. */
void ag_ci_call_succeed(ag_ci_call *call, const char *text, const ag_value *usage,
                        const char *finish_reason);
/* The attempt failed; takes ERR. PASSING: worth another attempt, not before RETRY_AFTER_MS (-1:
 * nobody said). CALL may be gone afterwards. */
void ag_ci_call_fail(ag_ci_call *call, argo_error *err, bool passing, int64_t retry_after_ms);

enum { AG_KEY_MAX = 8192 }; /* bytes */

/* HOME/keys/NAME: the key, or the command that prints it. Both are NULL when there is no such
 * file. */
int ag_key_read(const char *home, const char *name, char **out, ag_value **out_command,
                argo_error **err);
char *ag_key_path(const char *home, const char *name); /* NULL without memory */
/* The one line of ASCII in TEXT; WHAT of FILE it is, for messages. */
int ag_key_clean(char *text, const char *what, const char *file, char **out, argo_error **err);

/* Called once from the loop, and takes both: the key, or why there is none. The command is gone. */
typedef void (*ag_key_fn)(char *key, argo_error *err, void *user);
int ag_key_command_start(const struct ag_provider_env *env, const ag_value *command,
                         const char *file, ag_key_fn fn, void *user, ag_key_command **out,
                         argo_error **err);
void ag_key_command_free(ag_key_command *c); /* ends it; FN is not called */
void ag_key_free(char *key);                 /* wipes it */
/* TEXT with the key cut out of it; either may be NULL. */
char *ag_key_redact(char *text, const char *key);
/* http or https, and https beyond this machine. */
int ag_base_url_check(const char *text, argo_error **err);

#endif
