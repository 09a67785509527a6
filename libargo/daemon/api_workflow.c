/*
 * Routes of runs for people: start, list, status, steps, abandon.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"
#include "wire/json.h"

/* ---- the whole of a run ------------------------------------------------------------------------- */

static void reply_resource(struct argo_daemon *daemon, ag_request *req, const struct ag_run *run,
                           bool started)
{
    argo_error *err = NULL;
    struct ag_run_spec spec = {0};
    struct ag_buf reply = AG_API_BUF;
    if (ag_store_run_spec_shown(daemon->store, run->rid, &spec, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    if (started) {
        ag_envelope_write_success(&reply);
        ag_json_key(&reply, "workflow_id");
        ag_json_text(&reply, run->workflow_id);
        ag_json_key(&reply, "environment");
        ag_json_text(&reply, spec.environment);
    } else {
        ag_json_open(&reply, '{');
        ag_record_write_members(&ag_run_status_record, run, &reply);
    }
    ag_envelope_write_data(&reply);
    ag_record_write_members(&ag_run_record, run, &reply);
    ag_record_write_members(&ag_run_spec_record, &spec, &reply);
    ag_envelope_write_end(&reply);
    ag_run_spec_clear(&spec);
    ag_request_reply_json(req, 200, &reply);
}

/* ---- start -------------------------------------------------------------------------------------- */

static void reply_started(struct ag_api_call *call)
{
    argo_error *err = NULL;
    struct ag_run run = {0};
    if (ag_api_read_run(call->daemon, call->rid, &run, &err) < 0) {
        ag_api_fail(call->req, err);
    } else {
        reply_resource(call->daemon, call->req, &run, true);
    }
    ag_run_clear(&run);
}

void ag_api_workflow_start(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_start_request body;
    if (!ag_api_decode(req, &ag_start_request_record, &body)) {
        return;
    }
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, reply_started);
    if (call != NULL) {
        AG_AUTO(argo_error) err = NULL;
        char hash[AG_SHA256_HEX];
        size_t len = 0;
        const char *text = ag_request_body_text(req, &len);
        ag_sha256_hex(text == NULL ? "" : text, text == NULL ? 0 : len, hash);
        /* The key of a start lives as long as the run: any key serves as request_key. */
        const char *key = NULL;
        ag_value *env = NULL;
        int r = ag_api_key(req, &key, &err);
        if (r == 0 && body.request_key == NULL) {
            body.request_key = ag_strdup(key);
        }
        r = r < 0 ? r : ag_launch_env_resolve(body.env, &env, &err);
        if (r == 0) {
            ag_value_unref(body.env);
            body.env = env;
            r = ag_run_start(daemon->domain, &body, hash, &call->rid, ag_api_done, call, &err);
        }
        if (r < 0) {
            ag_api_refuse(call, err);
        }
    }
    ag_record_clear(&ag_start_request_record, &body);
}

/* ---- list --------------------------------------------------------------------------------------- */

struct listing {
    struct ag_api_list list;
    int64_t limit;
    int64_t last_rid;
    bool more;
};

static int list_run(const struct ag_run *run, void *user)
{
    struct listing *l = user;
    if (l->list.n == l->limit) {
        l->more = true;
        return 1;
    }
    struct ag_run item = *run;
    item.started = run->started != 0 ? run->started : run->created;
    l->last_rid = run->rid;
    return ag_api_list_add(&l->list, &ag_run_item_record, &item);
}

static int parse_state(const char *word, int *out, argo_error **err)
{
    *out = -1;
    if (word == NULL) {
        return 0;
    }
    if (strcmp(word, "all") == 0) {
        *out = -2;
        return 0;
    }
    for (int i = 0; ag_run_state_words[i] != NULL; i++) {
        if (strcmp(word, ag_run_state_words[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return ag_error_field(err, ARGO_E_INVALID, "state",
                          "state is '%s', expected all, queued, running, waiting, paused, "
                          "stalled, done, failed, interrupted or abandoned",
                          word);
}

void ag_api_workflow_list(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    struct listing l = {.list = AG_API_LIST};
    struct ag_run_filter filter = {.template_name = ag_request_query(req, "template"),
                                   .session_id = ag_request_query(req, "session")};
    if (!ag_api_query_int(req, "limit", 1, 1000, 100, &l.limit) ||
        !ag_api_query_int(req, "cursor", 1, INT64_MAX, 0, &filter.before_rid)) {
        return;
    }
    if (parse_state(ag_request_query(req, "state"), &filter.state, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    filter.limit = l.limit + 1;
    if (ag_store_runs(daemon->store, &filter, list_run, &l, &err) < 0) {
        ag_api_list_free(&l.list);
        ag_api_fail(req, err);
        return;
    }
    char next[24];
    snprintf(next, sizeof(next), "%" PRId64, l.last_rid);
    ag_api_list_reply(req, "workflows", &l.list, l.more ? next : NULL);
}

/* ---- status ------------------------------------------------------------------------------------- */

static bool attempt_status(struct ag_poll *poll, bool last)
{
    argo_error *err = NULL;
    struct ag_run run = {0};
    bool reply_now = true;
    if (ag_api_read_run(poll->daemon, poll->rid, &run, &err) < 0) {
        ag_api_fail(poll->req, err);
    } else if (last || ag_run_state_ended(run.state)) {
        reply_resource(poll->daemon, poll->req, &run, false);
    } else {
        reply_now = false;
    }
    ag_run_clear(&run);
    return reply_now;
}

void ag_api_workflow_status(ag_request *req, void *user)
{
    struct ag_poll poll = {.daemon = user, .req = req, .attempt = attempt_status};
    int64_t timeout_ms = 0;
    const char *wait = ag_request_query(req, "wait");
    if (!ag_api_run(user, req, &poll.rid) || !ag_api_query_timeout(req, &timeout_ms)) {
        return;
    }
    if (wait != NULL && strcmp(wait, "terminal") != 0) {
        argo_error *err = NULL;
        ag_error_field(&err, ARGO_E_INVALID, "wait", "wait is '%s', expected terminal", wait);
        ag_api_fail(req, err);
        return;
    }
    if (wait != NULL && ag_request_query(req, "timeout") == NULL) {
        timeout_ms = 30000;
    }
    ag_poll_start(&poll, AG_CHANGE_ENDED, wait == NULL ? 0 : timeout_ms);
}

/* ---- steps -------------------------------------------------------------------------------------- */

static int list_step(const struct ag_step_row *row, void *user)
{
    ag_value *item = ag_record_encode(&ag_step_row_record, row);
    if (row->ended != 0 && row->started != 0) {
        ag_value_set(item, "duration", ag_value_real((double)(row->ended - row->started) / 1000));
    }
    return ag_api_list_add_value(user, item);
}

void ag_api_workflow_steps(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    int64_t rid = 0;
    if (!ag_api_run(daemon, req, &rid)) {
        return;
    }
    struct ag_api_list list = AG_API_LIST;
    if (ag_store_steps(daemon->store, rid, list_step, &list, &err) < 0) {
        ag_api_list_free(&list);
        ag_api_fail(req, err);
        return;
    }
    ag_api_list_reply(req, "steps", &list, NULL);
}

/* ---- abandon ------------------------------------------------------------------------------------ */

static void keep_abandoned(ag_txn *t, void *user)
{
    AG_AUTO(ag_value) reply = ag_api_run_reply(user);
    ag_api_keep(user, t, 200, reply);
}

static void abandon(struct ag_api_call *call)
{
    AG_AUTO(argo_error) err = NULL;
    if (ag_api_repeated(call)) {
        return;
    }
    call->action = "abandoned";
    if (ag_run_abandon(call->daemon->domain, ag_request_param(call->req, "id"), keep_abandoned,
                       ag_api_done, call, &err) < 0) {
        ag_api_refuse(call, err);
    }
}

static void abandon_gone(const argo_error *err, void *user)
{
    struct ag_api_call *call = user;
    if (err != NULL) {
        ag_api_refuse(call, err);
    } else {
        abandon(call);
    }
}

/* While the run is being abandoned there is no reply, also not one that was kept: it would say that
 * nothing of the run lives. */
void ag_api_workflow_abandon(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, ag_api_reply_run);
    if (call != NULL &&
        !ag_run_await_gone(daemon->domain, ag_request_param(req, "id"), abandon_gone, call)) {
        abandon(call);
    }
}
