/*
 * Routes of the messages to a CI.
 */
#include "daemon/api.h"
#include "wire/envelope.h"
#include "wire/json.h"

enum { REPLY_BYTES = 1024 * 1024 }; /* of messages in one reply */

/* ---- sending ------------------------------------------------------------------------------------ */

static ag_value *sent_reply(const struct ag_api_call *call)
{
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "name", ag_value_text(ag_request_param(call->req, "name")));
    ag_envelope_finish(reply, ag_value_ref(call->value));
    return reply;
}

static void keep_sent(ag_txn *t, void *user)
{
    AG_AUTO(ag_value) reply = sent_reply(user);
    ag_api_keep(user, t, 200, reply);
}

static void reply_sent(struct ag_api_call *call)
{
    ag_request_reply(call->req, 200, sent_reply(call));
}

void ag_api_ci_message_post(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_message message;
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, reply_sent);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    int r = ag_record_decode(&ag_ci_message_record, ag_request_body(req), &message, &err);
    if (r == 0) {
        r = ag_ci_send(daemon->domain, ag_request_param(req, "name"), &message, &call->value,
                       keep_sent, ag_api_done, call, &err);
        ag_record_clear(&ag_ci_message_record, &message);
    }
    if (r < 0) {
        ag_api_refuse(call, err);
    }
}

/* ---- receiving ---------------------------------------------------------------------------------- */

struct arrivals {
    struct ag_api_list list;
    int64_t last;
};

static int list_message(const struct ag_message *m, void *user)
{
    struct arrivals *a = user;
    a->last = m->seq;
    return ag_api_list_add(&a->list, &ag_ci_message_record, m) || a->list.items.len > REPLY_BYTES;
}

static int read_messages(struct ag_poll *poll, struct arrivals *a, argo_error **err)
{
    struct ag_ci ci = {0};
    int r = ag_api_find_ci(poll->daemon, poll->ci, &ci, err);
    ag_record_clear(&ag_ci_record, &ci);
    return r < 0 ? r
                 : ag_store_ci_messages(poll->daemon->store, poll->ci, poll->after, poll->limit,
                                        list_message, a, err);
}

static bool attempt_messages(struct ag_poll *poll, bool last)
{
    argo_error *err = NULL;
    struct arrivals a = {.list = AG_API_LIST, .last = poll->after};
    bool replied = true;
    if (read_messages(poll, &a, &err) < 0) {
        ag_api_fail(poll->req, err);
    } else if (last || a.list.n > 0) {
        struct ag_buf reply = AG_API_BUF;
        ag_json_open(&reply, '{');
        ag_api_list_write(&a.list, "messages", &reply);
        ag_api_list_write_data(a.list.n, NULL, &reply);
        ag_json_key(&reply, "next_after");
        ag_json_int(&reply, a.last);
        ag_envelope_write_end(&reply);
        ag_request_reply_json(poll->req, 200, &reply);
    } else {
        replied = false;
    }
    ag_api_list_free(&a.list);
    return replied;
}

void ag_api_ci_messages(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_poll poll = {.daemon = daemon,
                           .req = req,
                           .ci = ag_request_param(req, "name"),
                           .attempt = attempt_messages};
    int64_t timeout_ms = 0;
    argo_error *err = NULL;
    if (!ag_api_query_timeout(req, &timeout_ms) ||
        !ag_api_query_int(req, "after", 0, INT64_MAX, 0, &poll.after) ||
        !ag_api_query_int(req, "limit", 1, 1000, 1000, &poll.limit)) {
        return;
    }
    if (!ag_request_is_head(req) &&
        ag_ci_messages_read(daemon->domain, poll.ci, poll.after, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    ag_poll_start(&poll, AG_CHANGE_MESSAGE, timeout_ms);
}
