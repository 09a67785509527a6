/*
 * The route table. docs/openapi.yaml states the same; a test compares.
 */
#include "daemon/api.h"

#define USER     AG_ACCESS_USER
#define EXECUTOR AG_ACCESS_EXECUTOR
#define BOTH     AG_ACCESS_BOTH
#define EITHER   AG_ACCESS_EITHER
#define PUBLIC   AG_ACCESS_PUBLIC

const struct ag_route ag_daemon_routes[] = {
    {AG_GET, "/health", PUBLIC, ag_api_health},
    {AG_GET, "/api/health", PUBLIC, ag_api_health},
    {AG_GET, "/api/version", USER, ag_api_version},
    {AG_GET, "/metrics", USER, ag_api_metrics},
    {AG_POST, "/api/daemon/shutdown", USER, ag_api_shutdown},
    {AG_POST, "/api/daemon/sync", USER, ag_api_sync},

    {AG_GET, "/api/template", USER, ag_api_template_list},
    {AG_GET, "/api/template/{name}", USER, ag_api_template_show},
    {AG_POST, "/api/template/validate", USER, ag_api_template_validate},

    {AG_GET, "/api/trust", USER, ag_api_trust_get},
    {AG_POST, "/api/trust", USER, ag_api_trust_post},
    {AG_DELETE, "/api/trust", USER, ag_api_trust_delete},

    {AG_POST, "/api/workflow/start", USER, ag_api_workflow_start},
    {AG_GET, "/api/workflow/list", USER, ag_api_workflow_list},
    {AG_GET, "/api/workflow/status/{id}", BOTH, ag_api_workflow_status},
    {AG_GET, "/api/workflow/{id}/steps", BOTH, ag_api_workflow_steps},
    {AG_GET, "/api/workflow/{id}/events", BOTH, ag_api_events},
    {AG_DELETE, "/api/workflow/abandon/{id}", USER, ag_api_workflow_abandon},
    {AG_POST, "/api/workflow/pause/{id}", USER, ag_api_workflow_pause},
    {AG_POST, "/api/workflow/resume/{id}", USER, ag_api_workflow_resume},

    {AG_POST, "/api/workflow/progress/{id}", EXECUTOR, ag_api_progress},
    {AG_POST, "/api/workflow/{id}/step/start", EXECUTOR, ag_api_step_start},
    {AG_POST, "/api/workflow/{id}/step/output", EXECUTOR, ag_api_step_output},
    {AG_POST, "/api/workflow/{id}/step/complete", EXECUTOR, ag_api_step_complete},
    {AG_GET, "/api/workflow/{id}/checkpoint", EXECUTOR, ag_api_checkpoint},
    {AG_GET, "/api/workflow/{id}/messages", EXECUTOR, ag_api_messages},
    {AG_POST, "/api/workflow/{id}/message", EITHER, ag_api_message_post},
    {AG_POST, "/api/workflow/{id}/park", EXECUTOR, ag_api_park},
    {AG_POST, "/api/workflow/{id}/question", EXECUTOR, ag_api_question_post},

    {AG_POST, "/api/workflow/output/{id}", EXECUTOR, ag_api_output_post},
    {AG_GET, "/api/workflow/output/{id}", BOTH, ag_api_output_get},
    {AG_POST, "/api/workflow/input/{id}", USER, ag_api_input_post},
    {AG_GET, "/api/workflow/input/{id}", EXECUTOR, ag_api_input_get},

    {AG_GET, "/api/questions", USER, ag_api_question_list},
    {AG_GET, "/api/question/{question}", USER, ag_api_question_get},

    {AG_GET, "/api/registry/ci", BOTH, ag_api_ci_list},
    {AG_POST, "/api/registry/ci", USER, ag_api_ci_add},
    {AG_GET, "/api/registry/ci/{name}", BOTH, ag_api_ci_show},
    {AG_DELETE, "/api/registry/ci/{name}", USER, ag_api_ci_remove},
    {AG_POST, "/api/registry/ci/{name}/heartbeat", BOTH, ag_api_ci_heartbeat},
    {AG_GET, "/api/registry/ci/{name}/history", BOTH, ag_api_ci_history},
    {AG_POST, "/api/registry/ci/{name}/message", BOTH, ag_api_ci_message_post},
    {AG_GET, "/api/registry/ci/{name}/messages", BOTH, ag_api_ci_messages},

    {AG_GET, "/api/session", USER, ag_api_session_list},
    {AG_POST, "/api/session", USER, ag_api_session_add},
    {AG_GET, "/api/session/{session}", USER, ag_api_session_show},
    {AG_DELETE, "/api/session/{session}", USER, ag_api_session_remove},
    {AG_POST, "/api/session/{session}/pause", USER, ag_api_session_pause},
    {AG_POST, "/api/session/{session}/resume", USER, ag_api_session_resume},
};
const size_t ag_daemon_routes_count = AG_ARRAY_SIZE(ag_daemon_routes);
