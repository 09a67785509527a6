/*
 * Typed calls about messages to runs.
 */
#include <argo/message.h>

#include "client/snapshot.h"

struct argo_message {
    struct ag_texts texts;
    struct ag_message row;
};

static const struct ag_snapshot_type message_type = {
    .size = sizeof(struct argo_message),
    .record = &ag_message_record,
    .offset = offsetof(struct argo_message, row),
};

int argo_message_send(argo_client *client, const char *workflow_id, const char *type,
                      const char *payload, size_t len, const struct argo_call_options *how,
                      argo_message **out, argo_error **err)
{
    AG_AUTO(ag_value) value = NULL;
    if (type == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_message_send: type must be given");
    }
    int rc = ag_json_given(payload, len, &value, err);
    if (rc < 0) {
        return rc;
    }
    const struct ag_message message = {.type = ag_borrow(type), .payload = value};
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = "/api/workflow/{}/message",
        .id = workflow_id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .body = &ag_message_record,
        .content = &message,
        .read = ag_read_data,
        .type = &message_type,
        .out = out,
    };
    return ag_ask(client, &ask, "argo_message_send", how, err);
}

void argo_message_free(argo_message *message)
{
    ag_snapshot_free(&message_type, message);
}

AG_GET_TEXT(message, id, row.id)
AG_GET_TEXT(message, type, row.type)
AG_GET(int64_t, message, seq, row.seq)
AG_GET(int64_t, message, at_ms, row.timestamp)
AG_GET_JSON(message, payload, row.payload)
