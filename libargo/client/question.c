/*
 * Typed calls about questions.
 */
#include <argo/question.h>

#include "base/text.h"
#include "client/snapshot.h"

struct argo_question {
    struct ag_texts texts;
    struct ag_question row;
};

static const struct ag_snapshot_type question_type = {
    .size = sizeof(struct argo_question),
    .record = &ag_question_record,
    .offset = offsetof(struct argo_question, row),
};

int argo_question_list(argo_client *client, const struct argo_question_list_options *options,
                       const struct argo_call_options *how, argo_questions **out, argo_error **err)
{
    struct argo_question_list_options own = ARGO_QUESTION_LIST_OPTIONS_INIT;
    struct ag_ask ask = {
        .client = client,
        .route = "/api/questions",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &question_type,
        .out = out,
    };
    int rc = ag_options_take(&own, sizeof(own), options, "options of a list", err);
    if (rc == 0 && (own.state < -1 || own.state > ARGO_QUESTION_CANCELLED)) {
        rc = ag_error_field(err, ARGO_E_INVALID, "state",
                            "argo_question_list: expected a state of a question or -1, not %d",
                            own.state);
    }
    if (rc == 0 && (own.after < 0 || own.wait_ms < 0)) {
        rc = ag_error_field(err, ARGO_E_INVALID, own.after < 0 ? "after" : "wait_ms",
                            "argo_question_list: expected after and wait_ms of at least 0");
    }
    if (rc < 0) {
        return rc;
    }
    if (own.after > 0 && own.wait_ms > 0) {
        ag_ask_query_int(&ask, "after", own.after);
        ag_ask_hold(&ask, own.wait_ms);
    }
    ag_ask_query(&ask, "state", own.state >= 0 ? ag_question_state_words[own.state] : NULL);
    ag_ask_page(&ask, own.limit, own.cursor);
    return ag_ask_for(client, &ask, "argo_question_list", how, err);
}

int argo_question_get(argo_client *client, const char *id, const struct argo_call_options *how,
                      argo_question **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/question/{}",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_data,
        .type = &question_type,
        .out = out,
    };
    return ag_ask_for(client, &ask, "argo_question_get", how, err);
}

/* ---- answering -------------------------------------------------------------------------------- */

static int answer(argo_client *client, const char *workflow_id,
                  const struct ag_input_request *request, const char *what,
                  const struct argo_call_options *how, argo_error **err)
{
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = "/api/workflow/input/{}",
        .id = workflow_id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .body = &ag_input_request_record,
        .content = request,
    };
    if (request->question_id == NULL || (request->input == NULL && request->answer == NULL)) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: id and answer must be given", what);
    }
    return ag_ask(client, &ask, what, how, err);
}

int argo_question_answer_text(argo_client *client, const char *workflow_id, const char *id,
                              const char *text, const struct argo_call_options *how,
                              argo_error **err)
{
    const struct ag_input_request request = {
        .question_id = ag_borrow(id),
        .input = ag_borrow(text),
    };
    return answer(client, workflow_id, &request, "argo_question_answer_text", how, err);
}

int argo_question_answer(argo_client *client, const char *workflow_id, const char *id,
                         const char *json, size_t len, const struct argo_call_options *how,
                         argo_error **err)
{
    AG_AUTO(ag_value) value = NULL;
    int rc = ag_json_given(json, len, &value, err);
    const struct ag_input_request request = {.question_id = ag_borrow(id), .answer = value};
    return rc < 0 ? rc : answer(client, workflow_id, &request, "argo_question_answer", how, err);
}

/* ---- what a snapshot says --------------------------------------------------------------------- */

static_assert((int)ARGO_QUESTION_PERMISSION == (int)AG_QUESTION_PERMISSION, "the same numbers");
static_assert((int)ARGO_QUESTION_CANCELLED == (int)AG_QUESTION_CANCELLED, "the same numbers");

void argo_question_free(argo_question *question)
{
    ag_snapshot_free(&question_type, question);
}

AG_LIST_OF(question)
AG_LIST_CURSOR(question)
AG_LIST_AFTER(question)
AG_GET_TEXT(question, id, row.question_id)
AG_GET_TEXT(question, workflow_id, row.workflow_id)
AG_GET_TEXT(question, path, row.path)
AG_GET_TEXT(question, prompt, row.prompt)
AG_GET_TEXT(question, on_deadline, row.on_deadline)
AG_GET_TEXT(question, answered_by, row.answered_by)
AG_GET_TEXT(question, answered_via, row.answered_via)
AG_GET(int, question, kind, row.kind)
AG_GET(int, question, state, row.state)
AG_GET(bool, question, multiple, row.multiple)
AG_GET(bool, question, secret, row.secret)
AG_GET(int64_t, question, asked_ms, row.asked)
AG_GET(int64_t, question, deadline_ms, row.deadline)
AG_GET(int64_t, question, answered_ms, row.answered)
AG_GET_JSON(question, schema, row.schema)
AG_GET_JSON(question, choices, row.choices)
AG_GET_JSON(question, default, row.default_answer)
AG_GET_JSON(question, given, row.answer)
