/*
 * Routes of the messages to a CI.
 */
#include "daemon/api.h"
#include "wire/envelope.h"

enum { REPLY_BYTES = 1024 * 1024 }; /* of payloads in one reply */

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
    ag_value *list;
    size_t bytes;
    int64_t last;
};

static int list_message(const struct ag_message *m, void *user)
{
    struct arrivals *a = user;
    size_t len = 0;
    free(ag_value_print(m->payload, &len));
    a->bytes += len;
    a->last = m->seq;
    if (ag_value_append(a->list, ag_record_encode(&ag_ci_message_record, m)) < 0) {
        return ARGO_E_NOMEM;
    }
    return a->bytes > REPLY_BYTES ? 1 : 0;
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
    AG_AUTO(ag_value) list = ag_value_array();
    struct arrivals a = {.list = list, .last = poll->after};
    if (read_messages(poll, &a, &err) < 0) {
        ag_api_fail(poll->req, err);
        return true;
    }
    if (!last && ag_value_size(list) == 0) {
        return false;
    }
    ag_value *reply = ag_value_object();
    ag_value *data = ag_api_list_data(ag_value_size(list), NULL);
    ag_value_set(reply, "messages", ag_take(list));
    ag_value_set(data, "next_after", ag_value_int(a.last));
    ag_envelope_finish(reply, data);
    ag_request_reply(poll->req, 200, reply);
    return true;
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
