/*
 * Typed calls about runs: start, validate, look, wait, list, steps, and their getters.
 */
#include <string.h>

#include "base/text.h"
#include "client/snapshot.h"

struct argo_workflow {
    struct ag_texts texts;
    struct ag_run run;
    struct ag_run_spec spec;
};

struct argo_step {
    struct ag_texts texts;
    struct ag_step_row row;
};

static const struct ag_snapshot_type workflow_type = {
    .size = sizeof(struct argo_workflow),
    .record = &ag_run_record,
    .offset = offsetof(struct argo_workflow, run),
    .more = &ag_run_spec_record,
    .more_offset = offsetof(struct argo_workflow, spec),
};

static const struct ag_snapshot_type item_type = {
    .size = sizeof(struct argo_workflow),
    .record = &ag_run_item_record,
    .offset = offsetof(struct argo_workflow, run),
};

static const struct ag_snapshot_type step_type = {
    .size = sizeof(struct argo_step),
    .record = &ag_step_row_record,
    .offset = offsetof(struct argo_step, row),
};

/* ---- start ------------------------------------------------------------------------------------ */

/* "NAME=VALUE" texts as an object. */
static int read_env(const char *const *env, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) object = env != NULL ? ag_value_object() : NULL;
    for (; env != NULL && *env != NULL; env++) {
        size_t len = strcspn(*env, "=");
        if ((*env)[len] == '\0') {
            return ag_error_field(err, ARGO_E_INVALID, "env", "env: expected NAME=VALUE, not '%s'",
                                  *env);
        }
        ag_auto_free char *name = ag_strndup(*env, len);
        const char *value = *env + len + 1;
        if (name == NULL ||
            ag_value_set(object, name, ag_value_text_sane(value, strlen(value))) < 0) {
            return ag_error_nomem(err);
        }
    }
    *out = ag_take(object);
    return 0;
}

static int read_definition(const struct argo_workflow_start_options *o, ag_value **out,
                           argo_error **err)
{
    if (o->definition == NULL) {
        return 0;
    }
    size_t len = o->definition_len != 0 ? o->definition_len : strlen(o->definition);
    if (!ag_utf8_valid(o->definition, len)) {
        return ag_error_field(err, ARGO_E_INVALID, "definition", "definition: expected UTF-8");
    }
    *out = ag_value_text_n(o->definition, len);
    return *out != NULL ? 0 : ag_error_nomem(err);
}

/* What is made of OPTIONS belongs to REQUEST; its texts are borrowed. */
static int read_start(const struct argo_workflow_start_options *o, bool template_only,
                      struct ag_start_request *request, argo_error **err)
{
    *request = (struct ag_start_request){
        .template_name = ag_borrow(o->template_name),
        .definition_file = ag_borrow(o->definition_file),
        .cwd = ag_borrow(o->cwd),
    };
    int rc = read_definition(o, &request->definition, err);
    if (rc < 0 || template_only) {
        return rc;
    }
    request->instance = ag_borrow(o->instance);
    request->workflow_id = ag_borrow(o->workflow_id);
    request->branch = ag_borrow(o->branch);
    request->environment = ag_borrow(o->environment);
    request->session_id = ag_borrow(o->session_id);
    request->request_key = ag_borrow(o->request_key);
    request->default_provider = ag_borrow(o->default_provider);
    request->default_model = ag_borrow(o->default_model);
    rc = ag_json_given(o->parameters, o->parameters_len, &request->parameters, err);
    return rc < 0 ? rc : read_env(o->env, &request->env, err);
}

/* ASK says all but the body. */
static int send_start(argo_client *client, struct ag_ask *ask, const char *what,
                      const struct argo_workflow_start_options *options,
                      const struct argo_call_options *how, argo_error **err)
{
    struct argo_workflow_start_options own = ARGO_WORKFLOW_START_OPTIONS_INIT;
    struct ag_start_request request = {0};
    if (options == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: options must be given", what);
    }
    int rc = ag_options_take(&own, sizeof(own), options, "options of a start", err);
    rc = rc < 0 ? rc : read_start(&own, ask->read == NULL, &request, err);
    if (rc == 0) {
        ask->method = AG_CALL_POST;
        ask->body = &ag_start_request_record;
        ask->content = &request;
        rc = ag_ask(client, ask, what, how, err);
    }
    ag_value_unref(request.parameters);
    ag_value_unref(request.env);
    ag_value_unref(request.definition);
    return rc;
}

int argo_workflow_start(argo_client *client, const struct argo_workflow_start_options *options,
                        const struct argo_call_options *how, argo_workflow **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/workflow/start",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_data,
        .type = &workflow_type,
        .out = out,
    };
    return send_start(client, &ask, "argo_workflow_start", options, how, err);
}

int argo_workflow_validate(argo_client *client, const struct argo_workflow_start_options *options,
                           const struct argo_call_options *how, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/template/validate",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
    };
    return send_start(client, &ask, "argo_workflow_validate", options, how, err);
}

/* ---- look ------------------------------------------------------------------------------------- */

int argo_workflow_get(argo_client *client, const char *id, const struct argo_call_options *how,
                      argo_workflow **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/workflow/status/{}",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_data,
        .type = &workflow_type,
        .out = out,
    };
    return ag_ask_for(client, &ask, "argo_workflow_get", how, err);
}

/* One poll more; the first too. */
static void poll_for_end(struct ag_ask *ask)
{
    int64_t left = ask->deadline - ag_monotonic_ms();
    ag_buf_clear(&ask->query);
    ag_ask_query(ask, "wait", "terminal");
    ag_ask_hold(ask, ask->deadline < 0 ? INT64_MAX : left > 0 ? left : 0);
}

static int read_end(struct ag_ask *ask, const ag_value *reply, argo_error **err)
{
    argo_workflow *workflow = NULL;
    struct ag_ask one = {.type = &workflow_type, .out = &workflow};
    int rc = ag_read_data(&one, reply, err);
    if (rc == 0 && !argo_workflow_ended(workflow)) {
        bool late = ask->deadline >= 0 && ag_monotonic_ms() >= ask->deadline;
        rc = late ? ag_error_set(err, ARGO_E_TIMEOUT, "'%s' has not ended in time, it is %s",
                                 argo_workflow_id(workflow),
                                 argo_workflow_state_name(argo_workflow_state(workflow)))
                  : AG_ASK_AGAIN;
        poll_for_end(ask);
    } else if (rc == 0 && ask->out != NULL) {
        memcpy(ask->out, &workflow, sizeof(void *));
        return 0;
    }
    argo_workflow_free(workflow);
    return rc;
}

int argo_workflow_wait(argo_client *client, const char *id, int64_t wait_ms,
                       const struct argo_call_options *how, argo_workflow **out, argo_error **err)
{
    if (client == NULL || wait_ms < -1) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "argo_workflow_wait: expected a client, and a wait of at least -1");
    }
    struct ag_ask ask = {
        .route = "/api/workflow/status/{}",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = read_end,
        .out = out,
        .client = client,
        .deadline = wait_ms < 0 ? -1 : ag_monotonic_ms() + wait_ms,
    };
    poll_for_end(&ask);
    return ag_ask(client, &ask, "argo_workflow_wait", how, err);
}

int argo_workflow_list(argo_client *client, const struct argo_workflow_list_options *options,
                       const struct argo_call_options *how, argo_workflows **out, argo_error **err)
{
    struct argo_workflow_list_options own = ARGO_WORKFLOW_LIST_OPTIONS_INIT;
    struct ag_ask ask = {
        .route = "/api/workflow/list",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &item_type,
        .out = out,
    };
    int rc = ag_options_take(&own, sizeof(own), options, "options of a list", err);
    if (rc < 0) {
        return rc;
    }
    ag_ask_query(&ask, "state", own.state);
    ag_ask_query(&ask, "template", own.template_name);
    ag_ask_query(&ask, "session", own.session_id);
    ag_ask_page(&ask, own.limit, own.cursor);
    return ag_ask_for(client, &ask, "argo_workflow_list", how, err);
}

int argo_workflow_steps(argo_client *client, const char *id, const struct argo_call_options *how,
                        argo_steps **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/workflow/{}/steps",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &step_type,
        .out = out,
    };
    return ag_ask_for(client, &ask, "argo_workflow_steps", how, err);
}

/* ---- what a snapshot says --------------------------------------------------------------------- */

static_assert((int)ARGO_WORKFLOW_ABANDONED == (int)AG_RUN_ABANDONED, "by the same numbers");
static_assert((int)ARGO_STEP_SKIPPED == (int)AG_STEP_SKIPPED, "by the same numbers");

const char *argo_workflow_state_name(int state)
{
    return state >= 0 && state <= ARGO_WORKFLOW_ABANDONED ? ag_run_state_words[state] : "";
}

bool argo_workflow_ended(const argo_workflow *workflow)
{
    return workflow != NULL && ag_run_state_ended(workflow->run.state);
}

void argo_workflow_free(argo_workflow *workflow)
{
    ag_snapshot_free(&workflow_type, workflow);
}

AG_LIST_OF(workflow)
AG_LIST_CURSOR(workflow)
AG_GET(int, workflow, state, run.state)
AG_GET_TEXT(workflow, id, run.workflow_id)
AG_GET_TEXT(workflow, template, run.template_name)
AG_GET_TEXT(workflow, session_id, run.session_id)
AG_GET_TEXT(workflow, step_name, run.step_name)
AG_GET_TEXT(workflow, instance, spec.instance)
AG_GET_TEXT(workflow, branch, spec.branch)
AG_GET_TEXT(workflow, environment, spec.environment)
AG_GET_TEXT(workflow, cwd, spec.cwd)
AG_GET(int64_t, workflow, pid, run.pid)
AG_GET(int64_t, workflow, seq, run.seq)
AG_GET(int64_t, workflow, current_step, run.current_step)
AG_GET(int64_t, workflow, total_steps, run.total_steps)
AG_GET(int64_t, workflow, steps_done, run.steps_done)
AG_GET(int64_t, workflow, created_ms, run.created)
AG_GET(int64_t, workflow, started_ms, run.started)
AG_GET(int64_t, workflow, updated_ms, run.updated)
AG_GET(int64_t, workflow, ended_ms, run.ended)
AG_GET(int64_t, workflow, wake_ms, run.wake_at)
AG_GET(int64_t, workflow, paused_ms, run.paused_at)
AG_GET_JSON(workflow, parameters, spec.parameters)
AG_GET_JSON(workflow, result, run.result)
AG_GET_JSON(workflow, failure, run.error)
AG_GET_JSON(workflow, config, run.config)

AG_LIST_OF(step)
AG_GET_TEXT(step, name, row.step)
AG_GET_TEXT(step, path, row.path)
AG_GET_TEXT(step, next, row.next_step)
AG_GET(int, step, status, row.status)
AG_GET(int64_t, step, attempt, row.attempt)
AG_GET(int64_t, step, started_ms, row.started)
AG_GET(int64_t, step, ended_ms, row.ended)
AG_GET(int64_t, step, until_ms, row.until)
AG_GET_JSON(step, outputs, row.outputs)
AG_GET_JSON(step, usage, row.usage)
AG_GET_JSON(step, failure, row.error)
