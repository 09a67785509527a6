/*
 * Typed calls about messages to runs and to CIs.
 */
#include <argo/message.h>

#include "client/snapshot.h"

struct argo_message {
    struct ag_texts texts;
    struct ag_message row;
};

/* What a message to a run is, and who sends it. */
static const struct ag_snapshot_type message_type = {
    .size = sizeof(struct argo_message),
    .record = &ag_ci_message_record,
    .offset = offsetof(struct argo_message, row),
};

/* What is done at once is no message any more: there is nothing of it. */
static int read_message(struct ag_ask *ask, const ag_value *reply, argo_error **err)
{
    if (ask->out != NULL && ag_value_size(ag_value_get(reply, "data")) == 0) {
        memset(ask->out, 0, sizeof(void *));
        return 0;
    }
    return ag_read_data(ask, reply, err);
}

/* Sends MESSAGE to ID by ROUTE. */
static int send_message(argo_client *client, const char *route, const char *id, const char *what,
                        struct ag_message *message, const char *payload, size_t len,
                        const struct argo_call_options *how, argo_message **out, argo_error **err)
{
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = route,
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .body = &ag_ci_message_record,
        .content = message,
        .read = read_message,
        .type = &message_type,
        .out = out,
    };
    if (message->type == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: type must be given", what);
    }
    int rc = ag_json_given(payload, len, &message->payload, err);
    rc = rc < 0 ? rc : ag_ask(client, &ask, what, how, err);
    ag_value_unref(message->payload);
    return rc;
}

int argo_message_send(argo_client *client, const char *workflow_id, const char *type,
                      const char *payload, size_t len, const struct argo_call_options *how,
                      argo_message **out, argo_error **err)
{
    struct ag_message message = {.type = ag_borrow(type)};
    return send_message(client, "/api/workflow/{}/message", workflow_id, "argo_message_send",
                        &message, payload, len, how, out, err);
}

int argo_message_send_ci(argo_client *client, const char *name, const char *type, const char *from,
                         const char *payload, size_t len, const struct argo_call_options *how,
                         argo_message **out, argo_error **err)
{
    struct ag_message message = {.type = ag_borrow(type), .from = ag_borrow(from)};
    return send_message(client, "/api/registry/ci/{}/message", name, "argo_message_send_ci",
                        &message, payload, len, how, out, err);
}

int argo_message_list_ci(argo_client *client, const char *name,
                         const struct argo_read_options *options,
                         const struct argo_call_options *how, argo_messages **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/registry/ci/{}/messages",
        .id = name,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &message_type,
        .out = out,
    };
    return ag_ask_reading(client, &ask, "argo_message_list_ci", options, how, err);
}

/* ---- what a snapshot says --------------------------------------------------------------------- */

void argo_message_free(argo_message *message)
{
    ag_snapshot_free(&message_type, message);
}

AG_LIST_OF(message)
AG_LIST_AFTER(message)
AG_GET_TEXT(message, id, row.id)
AG_GET_TEXT(message, type, row.type)
AG_GET_TEXT(message, from, row.from)
AG_GET(int64_t, message, seq, row.seq)
AG_GET(int64_t, message, at_ms, row.timestamp)
AG_GET_JSON(message, payload, row.payload)
