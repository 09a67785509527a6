/*
 * Routes that steer a run: pause, resume, and messages both ways.
 */
#include <string.h>

#include "daemon/api.h"
#include "wire/envelope.h"
#include "wire/json.h"

/* ---- pause and resume ---------------------------------------------------------------------------- */

typedef int (*steer_fn)(ag_domain *d, const char *workflow_id, ag_keep_fn keep, ag_done_fn done,
                        void *user, argo_error **err);

static void keep_reply(ag_txn *t, void *user)
{
    AG_AUTO(ag_value) reply = ag_api_run_reply(user);
    ag_api_keep(user, t, 200, reply);
}

static void steer(ag_request *req, struct argo_daemon *daemon, const char *action, steer_fn rule)
{
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, ag_api_reply_run);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    call->action = action;
    if (rule(daemon->domain, ag_request_param(req, "id"), keep_reply, ag_api_done, call, &err) <
        0) {
        ag_api_refuse(call, err);
    }
}

void ag_api_workflow_pause(ag_request *req, void *user)
{
    steer(req, user, "paused", ag_run_pause);
}

void ag_api_workflow_resume(ag_request *req, void *user)
{
    steer(req, user, "resumed", ag_run_resume);
}

/* ---- a message of the owner ---------------------------------------------------------------------- */

static ag_value *message_reply(const struct ag_api_call *call)
{
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "workflow_id", ag_value_text(ag_request_param(call->req, "id")));
    ag_envelope_finish(reply, ag_value_ref(call->value));
    return reply;
}

static void keep_message(ag_txn *t, void *user)
{
    AG_AUTO(ag_value) reply = message_reply(user);
    ag_api_keep(user, t, 200, reply);
}

static void reply_message(struct ag_api_call *call)
{
    ag_request_reply(call->req, 200, message_reply(call));
}

static void send_message(ag_request *req, struct argo_daemon *daemon)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_message message;
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, reply_message);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    int r = ag_record_decode(&ag_message_record, ag_request_body(req), &message, &err);
    if (r == 0) {
        r = ag_run_message(daemon->domain, ag_request_param(req, "id"), &message, &call->value,
                           keep_message, ag_api_done, call, &err);
        ag_record_clear(&ag_message_record, &message);
    }
    if (r < 0) {
        ag_api_refuse(call, err);
    }
}

void ag_api_message_post(ag_request *req, void *user)
{
    if (ag_request_principal(req) == 0) {
        send_message(req, user);
    } else {
        ag_api_message_report(req, user);
    }
}

/* ---- what waits for the executor: messages and input in one poll ----------------------------------- */

struct arrivals {
    struct ag_api_list messages, input;
    int64_t until; /* the last number that is committed: what is below it is all there */
    int64_t last;
};

static int read_message(const struct ag_message *m, void *user)
{
    struct arrivals *a = user;
    if (m->seq > a->until) {
        return 1;
    }
    a->last = m->seq > a->last ? m->seq : a->last;
    return ag_api_list_add(&a->messages, &ag_message_record, m);
}

static int read_input(const struct ag_stream_record *rec, void *user)
{
    struct arrivals *a = user;
    if (rec->seq > a->until) {
        return 1;
    }
    a->last = rec->seq;
    return ag_api_list_add(&a->input, &ag_stream_record_record, rec);
}

/* Where the input is cut off messages end as well: `after` is one number for both. */
static int read_arrivals(const struct ag_poll *poll, struct arrivals *a, argo_error **err)
{
    ag_store *store = poll->daemon->store;
    struct ag_run run = {0};
    int r = ag_store_run_by_rid(store, poll->rid, &run, err);
    a->until = run.seq;
    ag_run_clear(&run);
    if (r >= 0 && poll->with_input) {
        r = ag_store_records(store, poll->rid, AG_STREAM_INPUT, poll->after, poll->limit,
                             read_input, a, err);
        if (a->input.n == poll->limit) {
            a->until = a->last;
        }
    }
    return r < 0 ? r : ag_store_messages(store, poll->rid, poll->after, read_message, a, err);
}

static void reply_arrivals(struct ag_poll *poll, const struct arrivals *a)
{
    struct ag_buf reply = AG_API_BUF;
    ag_json_open(&reply, '{');
    ag_api_list_write(&a->messages, "messages", &reply);
    ag_api_list_write_data(a->messages.n + a->input.n, NULL, &reply);
    if (poll->with_input) {
        ag_api_list_write(&a->input, "input", &reply);
    }
    ag_json_key(&reply, "next_after");
    ag_json_int(&reply, a->last);
    ag_envelope_write_end(&reply);
    ag_request_reply_json(poll->req, 200, &reply);
}

static bool attempt_messages(struct ag_poll *poll, bool last)
{
    argo_error *err = NULL;
    struct arrivals a = {.messages = AG_API_LIST, .input = AG_API_LIST, .last = poll->after};
    bool replied = true;
    if (read_arrivals(poll, &a, &err) < 0) {
        ag_api_fail(poll->req, err);
    } else if (last || a.messages.n + a.input.n > 0) {
        reply_arrivals(poll, &a);
    } else {
        replied = false;
    }
    ag_api_list_free(&a.messages);
    ag_api_list_free(&a.input);
    return replied;
}

void ag_api_messages(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_poll poll = {
        .daemon = daemon, .req = req, .attempt = attempt_messages, .limit = 1000};
    int64_t timeout_ms = 0;
    int64_t epoch = 0;
    argo_error *err = NULL;
    const char *with = ag_request_query(req, "with");
    if (!ag_api_run(daemon, req, &poll.rid) || !ag_api_epoch(req, &epoch) ||
        !ag_api_query_timeout(req, &timeout_ms) ||
        !ag_api_query_int(req, "after", 0, INT64_MAX, 0, &poll.after)) {
        return;
    }
    if (with != NULL && strcmp(with, "input") != 0) {
        ag_error_field(&err, ARGO_E_INVALID, "with", "with is '%s', expected input", with);
        ag_api_fail(req, err);
        return;
    }
    if (ag_run_messages_read(daemon->domain, poll.rid, epoch, poll.after, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    poll.with_input = with != NULL;
    ag_poll_start(&poll, AG_CHANGE_MESSAGE | AG_CHANGE_INPUT, timeout_ms);
}
