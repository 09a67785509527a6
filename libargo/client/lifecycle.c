/*
 * Typed calls about lives: of runs, of sessions, of the daemon.
 */
#include <argo/lifecycle.h>

#include "base/text.h"
#include "client/snapshot.h"

/* The reply comes when all processes stand still, or are gone. */
#define PROCESSES_MS 60000

struct argo_session {
    struct ag_texts texts;
    struct ag_session row;
};

struct argo_health {
    struct ag_texts texts;
    struct ag_health row;
};

struct argo_build {
    struct ag_texts texts;
    struct ag_build row;
};

static const struct ag_snapshot_type session_type = {
    .size = sizeof(struct argo_session),
    .record = &ag_session_record,
    .offset = offsetof(struct argo_session, row),
};

static const struct ag_snapshot_type health_type = {
    .size = sizeof(struct argo_health),
    .record = &ag_health_record,
    .offset = offsetof(struct argo_health, row),
};

static const struct ag_snapshot_type build_type = {
    .size = sizeof(struct argo_build),
    .record = &ag_build_record,
    .offset = offsetof(struct argo_build, row),
};

/* ---- runs ------------------------------------------------------------------------------------- */

static int act(argo_client *client, int method, const char *route, const char *id, const char *what,
               const struct argo_call_options *how, argo_error **err)
{
    struct ag_ask ask = {
        .method = method,
        .route = route,
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .hold_ms = PROCESSES_MS,
    };
    return ag_ask(client, &ask, what, how, err);
}

int argo_workflow_pause(argo_client *client, const char *id, const struct argo_call_options *how,
                        argo_error **err)
{
    return act(client, AG_CALL_POST, "/api/workflow/pause/{}", id, "argo_workflow_pause", how, err);
}

int argo_workflow_resume(argo_client *client, const char *id, const struct argo_call_options *how,
                         argo_error **err)
{
    return act(client, AG_CALL_POST, "/api/workflow/resume/{}", id, "argo_workflow_resume", how,
               err);
}

int argo_workflow_abandon(argo_client *client, const char *id, const struct argo_call_options *how,
                          argo_error **err)
{
    return act(client, AG_CALL_DELETE, "/api/workflow/abandon/{}", id, "argo_workflow_abandon", how,
               err);
}

/* ---- sessions --------------------------------------------------------------------------------- */

int argo_session_add(argo_client *client, const char *id, const char *description,
                     const struct argo_call_options *how, argo_session **out, argo_error **err)
{
    const struct ag_session session = {
        .session_id = ag_borrow(id),
        .description = ag_borrow(description),
    };
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = "/api/session",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .body = &ag_session_record,
        .content = &session,
        .read = ag_read_data,
        .type = &session_type,
        .out = out,
    };
    return ag_ask(client, &ask, "argo_session_add", how, err);
}

int argo_session_get(argo_client *client, const char *id, const struct argo_call_options *how,
                     argo_session **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/session/{}",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_data,
        .type = &session_type,
        .out = out,
    };
    return ag_ask_for(client, &ask, "argo_session_get", how, err);
}

int argo_session_list(argo_client *client, int64_t limit, const char *cursor,
                      const struct argo_call_options *how, argo_sessions **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/session",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &session_type,
        .out = out,
    };
    ag_ask_page(&ask, limit, cursor);
    return ag_ask_for(client, &ask, "argo_session_list", how, err);
}

int argo_session_remove(argo_client *client, const char *id, bool force,
                        const struct argo_call_options *how, argo_error **err)
{
    return act(client, AG_CALL_DELETE, force ? "/api/session/{}?force=true" : "/api/session/{}", id,
               "argo_session_remove", how, err);
}

/* Of how many runs it failed. */
static int read_acted(struct ag_ask *ask, const ag_value *reply, argo_error **err)
{
    const ag_value *runs = ag_value_get(ag_value_get(reply, "data"), ag_acted_record.plural);
    struct ag_value_iter it = {0};
    int failed = 0;
    while (ag_value_is(runs, ARGO_TYPE_ARRAY) && ag_value_next(runs, &it)) {
        struct ag_acted acted;
        int rc = ag_record_decode(&ag_acted_record, it.value, &acted, err);
        if (rc < 0) {
            return rc;
        }
        failed += acted.error != NULL ? 1 : 0;
        ag_record_clear(&ag_acted_record, &acted);
    }
    return failed;
}

static int act_on_all(argo_client *client, const char *route, const char *id, const char *what,
                      const struct argo_call_options *how, argo_error **err)
{
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = route,
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .hold_ms = PROCESSES_MS,
        .read = read_acted,
    };
    return ag_ask(client, &ask, what, how, err);
}

int argo_session_pause(argo_client *client, const char *id, const struct argo_call_options *how,
                       argo_error **err)
{
    return act_on_all(client, "/api/session/{}/pause", id, "argo_session_pause", how, err);
}

int argo_session_resume(argo_client *client, const char *id, const struct argo_call_options *how,
                        argo_error **err)
{
    return act_on_all(client, "/api/session/{}/resume", id, "argo_session_resume", how, err);
}

size_t argo_session_workflow_count(const argo_session *session)
{
    return session != NULL ? ag_value_size(session->row.workflows) : 0;
}

const char *argo_session_workflow_at(const argo_session *session, size_t index)
{
    return session != NULL ? ag_value_as_text(ag_value_at(session->row.workflows, index)) : NULL;
}

size_t argo_session_ci_count(const argo_session *session)
{
    return session != NULL ? ag_value_size(session->row.cis) : 0;
}

const char *argo_session_ci_at(const argo_session *session, size_t index)
{
    return session != NULL ? ag_value_as_text(ag_value_at(session->row.cis, index)) : NULL;
}

void argo_session_free(argo_session *session)
{
    ag_snapshot_free(&session_type, session);
}

AG_LIST_OF(session)
AG_LIST_CURSOR(session)
AG_GET_TEXT(session, id, row.session_id)
AG_GET_TEXT(session, description, row.description)
AG_GET(int64_t, session, created_ms, row.created)

/* ---- the daemon ------------------------------------------------------------------------------- */

int argo_health_get(argo_client *client, const struct argo_call_options *how, argo_health **out,
                    argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/health",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_data,
        .type = &health_type,
        .out = out,
    };
    return ag_ask_for(client, &ask, "argo_health_get", how, err);
}

int argo_build_get(argo_client *client, const struct argo_call_options *how, argo_build **out,
                   argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/version",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_flat,
        .type = &build_type,
        .out = out,
    };
    return ag_ask_for(client, &ask, "argo_build_get", how, err);
}

int argo_client_stop_daemon(argo_client *client, int64_t grace_ms, bool abandon,
                            const struct argo_call_options *how, argo_error **err)
{
    const struct ag_shutdown request = {.grace = grace_ms, .abandon = abandon};
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = "/api/daemon/shutdown",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .body = &ag_shutdown_record,
        .content = &request,
        .hold_ms = abandon ? PROCESSES_MS : 0,
    };
    if (grace_ms < 0) {
        return ag_error_field(err, ARGO_E_INVALID, "grace_ms",
                              "argo_client_stop_daemon: expected a grace of at least 0");
    }
    return ag_ask(client, &ask, "argo_client_stop_daemon", how, err);
}

bool argo_health_store_ok(const argo_health *health)
{
    return health != NULL && ag_streq(health->row.store, "ok");
}

void argo_health_free(argo_health *health)
{
    ag_snapshot_free(&health_type, health);
}

void argo_build_free(argo_build *build)
{
    ag_snapshot_free(&build_type, build);
}

AG_GET_TEXT(health, version, row.version)
AG_GET(int64_t, health, pid, row.pid)
AG_GET(int64_t, health, uptime_ms, row.uptime)
AG_GET(int64_t, health, workflows, row.workflows)
AG_GET(int64_t, health, executors, row.executors)
AG_GET(int64_t, health, open_questions, row.open_questions)
AG_GET(int64_t, health, port, row.port)

AG_GET_TEXT(build, version, row.version)
AG_GET(int64_t, build, api_version, row.api_version)
AG_GET_TEXT(build, binary_sha256, row.binary_sha256)
AG_GET_TEXT(build, disk_sha256, row.disk_sha256)
AG_GET(bool, build, update_available, row.update_available)
