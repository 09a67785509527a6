/*
 * What the API handlers share: decoding, replying after a commit, long polls, kept replies.
 * Handlers decode, call one rule of domain/ and encode; they hold no rules.
 */
#ifndef AG_DAEMON_API_H
#define AG_DAEMON_API_H

#include "base/buf.h"
#include "daemon/internal.h"

/* ---- replies after a commit ------------------------------------------------------------------ */

/* A request whose rule is on its way. `reply` is called after the commit; it replies. */
struct ag_api_call {
    struct argo_daemon *daemon;
    ag_request *req;
    int64_t rid;
    char *name; /* of a CI, a question ... for the reply */
    char *key;  /* Idempotency-Key under way, or NULL */
    char body_hash[65];
    const char *action;
    int64_t seq;     /* of an input record */
    ag_value *value; /* of the reply, when it is made before its commit */
    void (*reply)(struct ag_api_call *call);
};
/* NULL without memory (the request has been answered then). */
struct ag_api_call *ag_api_call_new(struct argo_daemon *daemon, ag_request *req, int64_t rid,
                                    void (*reply)(struct ag_api_call *call));
/* An ag_done_fn: replies with the error, or calls `reply`; frees the call. */
void ag_api_done(const argo_error *err, void *call);
/* A rule refused at once: replies with the error and frees the call. */
void ag_api_refuse(struct ag_api_call *call, const argo_error *err);

/* ---- Idempotency-Key --------------------------------------------------------------------------- */

/* The request's key, or NULL when it has none; ARGO_E_INVALID for one that is too long. */
int ag_api_key(const ag_request *req, const char **out, argo_error **err);
/* True when the request has been answered: from the kept reply, or with an error. Else the key,
 * if there is one, is under way until the call ends. */
bool ag_api_repeated(struct ag_api_call *call);
/* Keeps REPLY (borrowed) in the transaction of the effect. */
void ag_api_keep(struct ag_api_call *call, ag_txn *t, int status, const ag_value *reply);
/* A `reply` that sends 200 with the call's value. */
void ag_api_reply_value(struct ag_api_call *call);
/* For what has no transaction of its own: replies 200 with REPLY (which it takes over) once that
 * is kept, and frees the call. */
void ag_api_finish(struct ag_api_call *call, ag_value *reply);

/* ---- decoding ------------------------------------------------------------------------------------ */

/* Decodes the body; on failure the request has been answered. */
bool ag_api_decode(ag_request *req, const struct ag_record *record, void *out);
/* The live or ended run of {id}; on failure the request has been answered. */
bool ag_api_run(struct argo_daemon *daemon, ag_request *req, int64_t *out_rid);
/* As ag_store_ci; ARGO_E_NO_CI. */
int ag_api_find_ci(struct argo_daemon *daemon, const char *name, struct ag_ci *out,
                   argo_error **err);
/* X-Argo-Epoch of an executor; on failure the request has been answered. */
bool ag_api_epoch(ag_request *req, int64_t *out_epoch);
/* ?NAME= as a number within [MIN, MAX]; FALLBACK when absent. */
bool ag_api_query_int(ag_request *req, const char *name, int64_t min, int64_t max, int64_t fallback,
                      int64_t *out);
/* ?NAME=true or false; *OUT stays as it is when absent. */
bool ag_api_query_bool(ag_request *req, const char *name, bool *out);
/* ?timeout= in seconds, cut to what the transport allows (600 s on the socket, 30 s on TCP). */
bool ag_api_query_timeout(ag_request *req, int64_t *out_ms);
/* Replies with the error (which is freed). */
void ag_api_fail(ag_request *req, argo_error *err);

/* ---- encoding ------------------------------------------------------------------------------------ */

/* {"status":"success","workflow_id":ID,"action"?,"data":{}} */
ag_value *ag_api_run_reply(const struct ag_api_call *call);
void ag_api_reply_run(struct ag_api_call *call);
/* The run, which may have been removed meanwhile: 1, or an error. */
int ag_api_read_run(struct argo_daemon *daemon, int64_t rid, struct ag_run *out, argo_error **err);

/* Replies are written while what they say is read: the store's rows become text at once. */
#define AG_API_BUF AG_BUF_INIT((size_t)1024 * 1024 * 1024)

/* A list in a reply; what it has no memory for makes the reply fail. */
struct ag_api_list {
    struct ag_buf items;
    int64_t n;
};

#define AG_API_LIST         \
    {                       \
        .items = AG_API_BUF \
    }
/* 0, or 1 when more is in vain; for callbacks of the store. */
int ag_api_list_add(struct ag_api_list *list, const struct ag_record *record, const void *item);
int ag_api_list_add_value(struct ag_api_list *list, ag_value *item); /* takes it over */
void ag_api_list_write(const struct ag_api_list *list, const char *key, struct ag_buf *reply);
/* "data":{count,next_cursor, and no end yet; NEXT may be NULL. */
void ag_api_list_write_data(int64_t count, const char *next, struct ag_buf *reply);
/* {KEY:LIST,"data":{count,next_cursor}}; frees the list. */
void ag_api_list_reply(ag_request *req, const char *key, struct ag_api_list *list,
                       const char *next);
void ag_api_list_free(struct ag_api_list *list);

/* ---- long polls ------------------------------------------------------------------------------------ */

struct ag_poll {
    struct ag_watch watch;
    struct argo_daemon *daemon;
    ag_request *req;
    int64_t rid;
    const char *ci; /* the name of the CI that it waits for, instead of a run */
    bool questions; /* it waits for questions of all runs */
    int64_t after;
    int64_t limit;
    bool default_cursor; /* no `after` was given: the run's cursor serves */
    bool with_input;
    bool waits; /* a timeout was given; set by ag_poll_start */
    /* Replies and returns true when there is something to tell, or when LAST. */
    bool (*attempt)(struct ag_poll *poll, bool last);
};

/* Tries at once; parks for TIMEOUT_MS when there is nothing yet. Copies POLL. */
void ag_poll_start(const struct ag_poll *poll, unsigned mask, int64_t timeout_ms);

/* ---- handlers, by file --------------------------------------------------------------------------- */

void ag_api_health(ag_request *req, void *user);
void ag_api_version(ag_request *req, void *user);
void ag_api_metrics(ag_request *req, void *user);
void ag_api_shutdown(ag_request *req, void *user);
void ag_api_sync(ag_request *req, void *user);

void ag_api_template_list(ag_request *req, void *user);
void ag_api_template_show(ag_request *req, void *user);
void ag_api_template_validate(ag_request *req, void *user);

void ag_api_trust_get(ag_request *req, void *user);
void ag_api_trust_post(ag_request *req, void *user);
void ag_api_trust_delete(ag_request *req, void *user);

void ag_api_workflow_start(ag_request *req, void *user);
void ag_api_workflow_list(ag_request *req, void *user);
void ag_api_workflow_status(ag_request *req, void *user);
void ag_api_workflow_steps(ag_request *req, void *user);
void ag_api_workflow_abandon(ag_request *req, void *user);
void ag_api_workflow_pause(ag_request *req, void *user);
void ag_api_workflow_resume(ag_request *req, void *user);

void ag_api_progress(ag_request *req, void *user);
void ag_api_step_start(ag_request *req, void *user);
void ag_api_step_output(ag_request *req, void *user);
void ag_api_step_complete(ag_request *req, void *user);
void ag_api_park(ag_request *req, void *user);
void ag_api_checkpoint(ag_request *req, void *user);
void ag_api_message_post(ag_request *req, void *user);
void ag_api_message_report(ag_request *req, void *user); /* the same, of an executor */
void ag_api_messages(ag_request *req, void *user);

void ag_api_events(ag_request *req, void *user);

void ag_api_output_post(ag_request *req, void *user);
void ag_api_output_get(ag_request *req, void *user);
void ag_api_input_post(ag_request *req, void *user);
void ag_api_input_get(ag_request *req, void *user);

void ag_api_question_post(ag_request *req, void *user);
void ag_api_question_list(ag_request *req, void *user);
void ag_api_question_get(ag_request *req, void *user);

void ag_api_ci_list(ag_request *req, void *user);
void ag_api_ci_add(ag_request *req, void *user);
void ag_api_ci_show(ag_request *req, void *user);
void ag_api_ci_remove(ag_request *req, void *user);
void ag_api_ci_heartbeat(ag_request *req, void *user);
void ag_api_ci_history(ag_request *req, void *user);

void ag_api_ci_message_post(ag_request *req, void *user);
void ag_api_ci_messages(ag_request *req, void *user);

void ag_api_session_list(ag_request *req, void *user);
void ag_api_session_add(ag_request *req, void *user);
void ag_api_session_show(ag_request *req, void *user);
void ag_api_session_remove(ag_request *req, void *user);
void ag_api_session_pause(ag_request *req, void *user);
void ag_api_session_resume(ag_request *req, void *user);

#endif
