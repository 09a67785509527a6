/*
 * Routes of sessions.
 */
#include <string.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"

/* ---- list and show ------------------------------------------------------------------------------ */

struct listing {
    struct ag_api_list list;
    int64_t limit;
    char *last;
    bool more;
};

static int list_session(const struct ag_session *session, void *user)
{
    struct listing *l = user;
    if (l->list.n == l->limit) {
        l->more = true;
        return 1;
    }
    free(l->last);
    l->last = ag_strdup(session->session_id);
    return ag_api_list_add(&l->list, &ag_session_record, session);
}

void ag_api_session_list(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    struct listing l = {.list = AG_API_LIST};
    const char *after = ag_request_query(req, "cursor");
    if (!ag_api_query_int(req, "limit", 1, 1000, 100, &l.limit)) {
        return;
    }
    if (after != NULL && !ag_id_valid(after)) {
        ag_error_field(&err, ARGO_E_INVALID, "cursor",
                       "cursor: expected the next_cursor of the page before");
        ag_api_fail(req, err);
        return;
    }
    if (ag_session_each(daemon->store, after == NULL ? "" : after, l.limit + 1, list_session, &l,
                        &err) < 0) {
        ag_api_list_free(&l.list);
        ag_api_fail(req, err);
    } else {
        ag_api_list_reply(req, "sessions", &l.list, l.more ? l.last : NULL);
    }
    free(l.last);
}

static ag_value *session_reply(const struct ag_session *session)
{
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "session_id", ag_value_text(session->session_id));
    ag_envelope_finish(reply, ag_record_encode(&ag_session_record, session));
    return reply;
}

void ag_api_session_show(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    struct ag_session session = {0};
    if (ag_session_find(daemon->domain, ag_request_param(req, "session"), &session, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    ag_value *reply = session_reply(&session);
    ag_record_clear(&ag_session_record, &session);
    ag_request_reply(req, 200, reply);
}

/* ---- add ---------------------------------------------------------------------------------------- */

static void reply_added(struct ag_api_call *call)
{
    ag_request_reply(call->req, 201, ag_take(call->value));
}

/* The id may have been found by the rule: the reply is made here, and sent after the commit. */
static void keep_added(ag_txn *t, const struct ag_session *session, void *user)
{
    struct ag_api_call *call = user;
    call->value = session_reply(session);
    ag_api_keep(call, t, 201, call->value);
}

void ag_api_session_add(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_session session;
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, reply_added);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    int r = ag_record_decode(&ag_session_record, ag_request_body(req), &session, &err);
    if (r == 0) {
        r = ag_session_add(daemon->domain, &session, keep_added, ag_api_done, call, &err);
        ag_record_clear(&ag_session_record, &session);
    }
    if (r < 0) {
        ag_api_refuse(call, err);
    }
}

/* ---- remove ------------------------------------------------------------------------------------- */

static ag_value *acted_reply(const struct ag_api_call *call, ag_value *data)
{
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "session_id", ag_value_text(ag_request_param(call->req, "session")));
    ag_value_set(reply, "action", ag_value_text(call->action));
    ag_envelope_finish(reply, data);
    return reply;
}

static void reply_removed(struct ag_api_call *call)
{
    ag_request_reply(call->req, 200, acted_reply(call, NULL));
}

static void keep_removed(ag_txn *t, void *user)
{
    AG_AUTO(ag_value) reply = acted_reply(user, NULL);
    ag_api_keep(user, t, 200, reply);
}

void ag_api_session_remove(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    bool force = false;
    if (!ag_api_query_bool(req, "force", &force)) {
        return;
    }
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, reply_removed);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    call->action = "removed";
    if (ag_session_remove(daemon->domain, ag_request_param(req, "session"), force, keep_removed,
                          ag_api_done, call, &err) < 0) {
        ag_api_refuse(call, err);
    }
}

/* ---- pause and resume --------------------------------------------------------------------------- */

/* One run's line: what was done, or the error that an action on it alone would have given. */
static void note_run(const char *workflow_id, const argo_error *err, void *user)
{
    struct ag_api_call *call = user;
    ag_value *line = ag_value_object();
    ag_value_set(line, "workflow_id", ag_value_text(workflow_id));
    if (err == NULL) {
        ag_value_set(line, "action", ag_value_text(call->action));
    } else {
        AG_AUTO(ag_value) envelope = ag_envelope_error(err);
        ag_value_set(line, "error", ag_value_ref(ag_value_get(envelope, "error")));
    }
    ag_value_append(call->value, line);
}

static void all_noted(const argo_error *err, void *user)
{
    struct ag_api_call *call = user;
    if (err != NULL) {
        ag_api_refuse(call, err);
        return;
    }
    ag_value *data = ag_value_object();
    ag_value_set(data, "workflows", ag_take(call->value));
    ag_api_finish(call, acted_reply(call, data));
}

static void act(ag_request *req, struct argo_daemon *daemon, bool resume)
{
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, NULL);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    call->action = resume ? "resumed" : "paused";
    call->value = ag_value_array();
    if (ag_session_pause(daemon->domain, ag_request_param(req, "session"), resume, note_run,
                         all_noted, call, &err) < 0) {
        ag_api_refuse(call, err);
    }
}

void ag_api_session_pause(ag_request *req, void *user)
{
    act(req, user, false);
}

void ag_api_session_resume(ag_request *req, void *user)
{
    act(req, user, true);
}
