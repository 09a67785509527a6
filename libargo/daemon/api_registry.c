/*
 * Routes of the CI registry, but for messages (api_ci_message.c).
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"

static int list_ci(const struct ag_ci *ci, void *user)
{
    return ag_api_list_add(user, &ag_ci_record, ci);
}

void ag_api_ci_list(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    struct ag_api_list list = AG_API_LIST;
    if (ag_store_cis(daemon->store, list_ci, &list, &err) < 0) {
        ag_api_list_free(&list);
        ag_api_fail(req, err);
        return;
    }
    ag_api_list_reply(req, "cis", &list, NULL);
}

int ag_api_find_ci(struct argo_daemon *daemon, const char *name, struct ag_ci *out,
                   argo_error **err)
{
    int found = ag_store_ci(daemon->store, name, out, err);
    return found != 0 ? found : ag_ci_unknown(daemon->domain, name, err);
}

static ag_value *ci_reply(const struct ag_ci *ci)
{
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "name", ag_value_text(ci->name));
    ag_envelope_finish(reply, ag_record_encode(&ag_ci_record, ci));
    return reply;
}

void ag_api_ci_show(ag_request *req, void *user)
{
    argo_error *err = NULL;
    struct ag_ci ci = {0};
    if (ag_api_find_ci(user, ag_request_param(req, "name"), &ci, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    ag_value *reply = ci_reply(&ci);
    ag_record_clear(&ag_ci_record, &ci);
    ag_request_reply(req, 200, reply);
}

/* ---- add and heartbeat -------------------------------------------------------------------------- */

/* The reply shows the CI as the rule has made it; it is sent after the commit. */
static void keep_ci(struct ag_api_call *call, ag_txn *t, int status, const struct ag_ci *ci)
{
    call->value = ci_reply(ci);
    ag_api_keep(call, t, status, call->value);
}

static void keep_added(ag_txn *t, const struct ag_ci *ci, void *user)
{
    keep_ci(user, t, 201, ci);
}

static void reply_added(struct ag_api_call *call)
{
    ag_request_reply(call->req, 201, ag_take(call->value));
}

void ag_api_ci_add(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_ci ci;
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, reply_added);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    int r = ag_record_decode(&ag_ci_request_record, ag_request_body(req), &ci, &err);
    if (r == 0) {
        r = ag_registry_add(daemon->domain, &ci, keep_added, ag_api_done, call, &err);
        ag_record_clear(&ag_ci_request_record, &ci);
    }
    if (r < 0) {
        ag_api_refuse(call, err);
    }
}

static void keep_heartbeat(ag_txn *t, const struct ag_ci *ci, void *user)
{
    keep_ci(user, t, 200, ci);
}

void ag_api_ci_heartbeat(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_ci_heartbeat said;
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, ag_api_reply_value);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    int r = ag_record_decode(&ag_ci_heartbeat_record, ag_request_body(req), &said, &err);
    if (r == 0) {
        r = ag_ci_heartbeat(daemon->domain, ag_request_param(req, "name"), &said, keep_heartbeat,
                            ag_api_done, call, &err);
        ag_record_clear(&ag_ci_heartbeat_record, &said);
    }
    if (r < 0) {
        ag_api_refuse(call, err);
    }
}

/* ---- remove ------------------------------------------------------------------------------------- */

static ag_value *removed_reply(const struct ag_api_call *call)
{
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "name", ag_value_text(ag_request_param(call->req, "name")));
    ag_value_set(reply, "action", ag_value_text("removed"));
    ag_envelope_finish(reply, NULL);
    return reply;
}

static void reply_removed(struct ag_api_call *call)
{
    ag_request_reply(call->req, 200, removed_reply(call));
}

static void keep_removed(ag_txn *t, void *user)
{
    struct ag_api_call *call = user;
    AG_AUTO(ag_value) reply = removed_reply(call);
    ag_api_keep(call, t, 200, reply);
}

void ag_api_ci_remove(ag_request *req, void *user)
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
    if (ag_registry_remove(daemon->domain, ag_request_param(req, "name"), force, keep_removed,
                           ag_api_done, call, &err) < 0) {
        ag_api_refuse(call, err);
    }
}

/* ---- history ------------------------------------------------------------------------------------ */

struct history {
    struct ag_api_list list;
    int64_t limit;
    int64_t last;
    bool more;
};

static int list_event(const struct ag_ci_event *event, void *user)
{
    struct history *h = user;
    if (h->list.n == h->limit) {
        h->more = true;
        return 1;
    }
    h->last = event->seq;
    return ag_api_list_add(&h->list, &ag_ci_event_record, event);
}

/* A name that has been removed still has a history; one that has neither is none. */
static int read_history(struct argo_daemon *daemon, const char *name, int64_t before,
                        struct history *h, argo_error **err)
{
    struct ag_ci ci = {0};
    int r = ag_store_ci_history(daemon->store, name, before, h->limit + 1, list_event, h, err);
    if (r >= 0 && h->list.n == 0) {
        r = ag_api_find_ci(daemon, name, &ci, err);
        ag_record_clear(&ag_ci_record, &ci);
    }
    return r;
}

void ag_api_ci_history(ag_request *req, void *user)
{
    argo_error *err = NULL;
    char next[24];
    int64_t before = 0;
    struct history h = {.list = AG_API_LIST};
    if (!ag_api_query_int(req, "limit", 1, 1000, 100, &h.limit) ||
        !ag_api_query_int(req, "cursor", 1, INT64_MAX, INT64_MAX, &before)) {
        return;
    }
    if (read_history(user, ag_request_param(req, "name"), before, &h, &err) < 0) {
        ag_api_list_free(&h.list);
        ag_api_fail(req, err);
        return;
    }
    snprintf(next, sizeof(next), "%" PRId64, h.last);
    ag_api_list_reply(req, "history", &h.list, h.more ? next : NULL);
}
