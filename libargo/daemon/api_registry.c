/*
 * Routes of the CI registry.
 */
#include <string.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"

static int list_ci(const struct ag_ci *ci, void *user)
{
    return ag_value_append(user, ag_record_encode(&ag_ci_record, ci));
}

void ag_api_ci_list(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    ag_value *list = ag_value_array();
    if (ag_store_cis(daemon->store, list_ci, list, &err) < 0) {
        ag_value_unref(list);
        ag_api_fail(req, err);
        return;
    }
    ag_api_reply_list(req, "cis", list, NULL);
}

static int find_ci(struct argo_daemon *daemon, const char *name, struct ag_ci *out,
                   argo_error **err)
{
    int found = ag_store_ci(daemon->store, name, out, err);
    return found != 0
               ? found
               : ag_error_set(err, ARGO_E_NO_CI,
                              "CI '%s' is not registered; register it: arc ci add %s", name, name);
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
    if (find_ci(user, ag_request_param(req, "name"), &ci, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    ag_value *reply = ci_reply(&ci);
    ag_record_clear(&ag_ci_record, &ci);
    ag_request_reply(req, 200, reply);
}

/* ---- add ---------------------------------------------------------------------------------------- */

static void reply_added(struct ag_api_call *call)
{
    argo_error *err = NULL;
    struct ag_ci ci = {0};
    if (find_ci(call->daemon, call->name, &ci, &err) < 0) {
        ag_api_fail(call->req, err);
        return;
    }
    ag_value *reply = ci_reply(&ci);
    ag_record_clear(&ag_ci_record, &ci);
    ag_request_reply(call->req, 201, reply);
}

static void keep_added(ag_txn *t, const struct ag_ci *ci, void *user)
{
    AG_AUTO(ag_value) reply = ci_reply(ci);
    ag_api_keep(user, t, 201, reply);
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
    int r = ag_record_decode(&ag_ci_record, ag_request_body(req), &ci, &err);
    if (r == 0) {
        call->name = ag_strdup(ci.name);
        r = ag_registry_add(daemon->domain, &ci, keep_added, ag_api_done, call, &err);
        ag_record_clear(&ag_ci_record, &ci);
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
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, reply_removed);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    if (ag_registry_remove(daemon->domain, ag_request_param(req, "name"), keep_removed, ag_api_done,
                           call, &err) < 0) {
        ag_api_refuse(call, err);
    }
}
