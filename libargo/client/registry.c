/*
 * Typed calls about the registry of CIs.
 */
#include <argo/registry.h>

#include "base/text.h"
#include "client/snapshot.h"

struct argo_ci {
    struct ag_texts texts;
    struct ag_ci row;
};

static const struct ag_snapshot_type ci_type = {
    .size = sizeof(struct argo_ci),
    .record = &ag_ci_record,
    .offset = offsetof(struct argo_ci, row),
};

struct argo_ci_event {
    struct ag_texts texts;
    struct ag_ci_event row;
};

static const struct ag_snapshot_type event_type = {
    .size = sizeof(struct argo_ci_event),
    .record = &ag_ci_event_record,
    .offset = offsetof(struct argo_ci_event, row),
};

/* ---- add -------------------------------------------------------------------------------------- */

/* Texts up to a NULL as an array; NULL stays NULL. */
static int read_texts(const char *const *texts, const char *field, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) array = texts != NULL ? ag_value_array() : NULL;
    for (; texts != NULL && *texts != NULL; texts++) {
        if (!ag_utf8_valid(*texts, strlen(*texts))) {
            return ag_error_field(err, ARGO_E_INVALID, field, "%s: expected UTF-8", field);
        }
        if (array == NULL || ag_value_append(array, ag_value_text(*texts)) < 0) {
            return ag_error_nomem(err);
        }
    }
    *out = ag_take(array);
    return 0;
}

int argo_ci_add(argo_client *client, const struct argo_ci_options *options,
                const struct argo_call_options *how, argo_ci **out, argo_error **err)
{
    struct argo_ci_options own = ARGO_CI_OPTIONS_INIT;
    int rc = ag_options_take(&own, sizeof(own), options, "options of a CI", err);
    if (rc == 0 && own.name == NULL) {
        rc = ag_error_field(err, ARGO_E_INVALID, "name", "argo_ci_add: name must be given");
    }
    AG_AUTO(ag_value) command = NULL;
    AG_AUTO(ag_value) capabilities = NULL;
    rc = rc < 0 ? rc : read_texts(own.command, "command", &command, err);
    rc = rc < 0 ? rc : read_texts(own.capabilities, "capabilities", &capabilities, err);
    if (rc < 0) {
        return rc;
    }
    const struct ag_ci ci = {
        .name = ag_borrow(own.name),
        .provider = ag_borrow(own.provider),
        .model = ag_borrow(own.model),
        .port = own.port,
        .socket_path = ag_borrow(own.socket_path),
        .role = ag_borrow(own.role),
        .base_url = ag_borrow(own.base_url),
        .recording = ag_borrow(own.recording),
        .upstream = ag_borrow(own.upstream),
        .command = command,
        .capabilities = capabilities,
        .session_id = ag_borrow(own.session_id),
    };
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = "/api/registry/ci",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .body = &ag_ci_request_record,
        .content = &ci,
        .read = ag_read_data,
        .type = &ci_type,
        .out = out,
    };
    return ag_ask(client, &ask, "argo_ci_add", how, err);
}

/* ---- look and remove -------------------------------------------------------------------------- */

int argo_ci_list(argo_client *client, const struct argo_call_options *how, argo_cis **out,
                 argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/registry/ci",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &ci_type,
        .out = out,
    };
    return ag_ask_for(client, &ask, "argo_ci_list", how, err);
}

int argo_ci_get(argo_client *client, const char *name, const struct argo_call_options *how,
                argo_ci **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/registry/ci/{}",
        .id = name,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_data,
        .type = &ci_type,
        .out = out,
    };
    return ag_ask_for(client, &ask, "argo_ci_get", how, err);
}

int argo_ci_remove(argo_client *client, const char *name, bool force,
                   const struct argo_call_options *how, argo_error **err)
{
    struct ag_ask ask = {
        .method = AG_CALL_DELETE,
        .route = force ? "/api/registry/ci/{}?force=true" : "/api/registry/ci/{}",
        .id = name,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
    };
    return ag_ask(client, &ask, "argo_ci_remove", how, err);
}

/* ---- what becomes of it ----------------------------------------------------------------------- */

int argo_ci_heartbeat(argo_client *client, const char *name, const char *status, const char *task,
                      const struct argo_call_options *how, argo_ci **out, argo_error **err)
{
    const struct ag_ci_heartbeat heartbeat = {
        .status = ag_borrow(status),
        .task = ag_borrow(task),
    };
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = "/api/registry/ci/{}/heartbeat",
        .id = name,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .body = &ag_ci_heartbeat_record,
        .content = &heartbeat,
        .read = ag_read_data,
        .type = &ci_type,
        .out = out,
    };
    return ag_ask(client, &ask, "argo_ci_heartbeat", how, err);
}

int argo_ci_history(argo_client *client, const char *name, int64_t limit, const char *cursor,
                    const struct argo_call_options *how, argo_ci_events **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/registry/ci/{}/history",
        .id = name,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &event_type,
        .out = out,
    };
    ag_ask_page(&ask, limit, cursor);
    return ag_ask_for(client, &ask, "argo_ci_history", how, err);
}

/* ---- what a snapshot says --------------------------------------------------------------------- */

void argo_ci_free(argo_ci *ci)
{
    ag_snapshot_free(&ci_type, ci);
}

AG_LIST_OF(ci)
AG_GET_TEXT(ci, name, row.name)
AG_GET_TEXT(ci, provider, row.provider)
AG_GET_TEXT(ci, model, row.model)
AG_GET_TEXT(ci, role, row.role)
AG_GET_TEXT(ci, status, row.status)
AG_GET_TEXT(ci, base_url, row.base_url)
AG_GET_TEXT(ci, recording, row.recording)
AG_GET_TEXT(ci, upstream, row.upstream)
AG_GET_TEXT(ci, socket_path, row.socket_path)
AG_GET_TEXT(ci, session_id, row.session_id)
AG_GET_TEXT(ci, task, row.task)
AG_GET(int64_t, ci, port, row.port)
AG_GET(int64_t, ci, unread, row.unread)
AG_GET(int64_t, ci, last_heartbeat_ms, row.last_heartbeat)
AG_GET_JSON(ci, command, row.command)
AG_GET_JSON(ci, capabilities, row.capabilities)

AG_LIST_OF(ci_event)
AG_LIST_CURSOR(ci_event)
AG_GET(int64_t, ci_event, seq, row.seq)
AG_GET_TEXT(ci_event, kind, row.kind)
AG_GET(int64_t, ci_event, at_ms, row.at)
AG_GET_TEXT(ci_event, status, row.status)
AG_GET_TEXT(ci_event, task, row.task)
AG_GET_TEXT(ci_event, session_id, row.session_id)
AG_GET(int64_t, ci_event, messages, row.messages)
