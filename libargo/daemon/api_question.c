/*
 * Routes of questions: ask (executor), list and show (people). They are answered through
 * POST /api/workflow/input.
 */
#include <string.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"

/* The question as a resource; its workflow's id is filled in. NULL without memory. */
static ag_value *question_value(struct argo_daemon *daemon, int64_t rid, struct ag_question *q)
{
    struct ag_run run = {0};
    if (q->workflow_id == NULL && ag_store_run_by_rid(daemon->store, rid, &run, NULL) > 0) {
        q->workflow_id = ag_take(run.workflow_id);
    }
    ag_run_clear(&run);
    return ag_record_encode(&ag_question_record, q);
}

static void reply_question(struct argo_daemon *daemon, ag_request *req, const char *question_id,
                           bool with_secret)
{
    argo_error *err = NULL;
    struct ag_question q = {0};
    int64_t rid = 0;
    int found = ag_store_question(daemon->store, question_id, &q, &rid, &err);
    if (found == 0) {
        ag_error_set(&err, ARGO_E_NO_QUESTION, "Question '%s' does not exist", question_id);
    }
    if (found > 0 && q.secret && with_secret && q.state == AG_QUESTION_ANSWERED) {
        found = ag_store_secret(daemon->store, rid, question_id, &q.answer, &err) < 0 ? -1 : 1;
    }
    if (found <= 0) {
        ag_record_clear(&ag_question_record, &q);
        ag_api_fail(req, err);
        return;
    }
    ag_value *data = question_value(daemon, rid, &q);
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "question_id", ag_value_text(question_id));
    ag_value_set(reply, "state", ag_value_text(ag_question_state_words[q.state]));
    ag_envelope_finish(reply, data);
    ag_record_clear(&ag_question_record, &q);
    ag_request_reply(req, 200, reply);
}

static void reply_asked(struct ag_api_call *call)
{
    reply_question(call->daemon, call->req, call->name, true);
}

void ag_api_question_post(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    int64_t rid = 0;
    int64_t epoch = 0;
    struct ag_question q;
    if (!ag_api_run(daemon, req, &rid) || !ag_api_epoch(req, &epoch) ||
        !ag_api_decode(req, &ag_question_record, &q)) {
        return;
    }
    struct ag_api_call *call = ag_api_call_new(daemon, req, rid, reply_asked);
    if (call != NULL) {
        AG_AUTO(argo_error) err = NULL;
        call->name = ag_strdup(q.question_id);
        if (ag_question_ask(daemon->domain, rid, epoch, &q, ag_api_done, call, &err) < 0) {
            ag_api_refuse(call, err);
        }
    }
    ag_record_clear(&ag_question_record, &q);
}

struct listing {
    struct argo_daemon *daemon;
    ag_value *list;
};

static int list_question(int64_t rid, const struct ag_question *q, void *user)
{
    struct listing *l = user;
    struct ag_run run = {0};
    ag_value *item = ag_record_encode(&ag_question_record, q);
    if (ag_store_run_by_rid(l->daemon->store, rid, &run, NULL) > 0) {
        ag_value_set(item, "workflow_id", ag_value_text(run.workflow_id));
    }
    ag_run_clear(&run);
    return ag_value_append(l->list, item);
}

void ag_api_question_list(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    AG_AUTO(argo_error) err = NULL;
    const char *word = ag_request_query(req, "state");
    int state = -1;
    for (int i = 0; word != NULL && ag_question_state_words[i] != NULL; i++) {
        state = strcmp(word, ag_question_state_words[i]) == 0 ? i : state;
    }
    struct listing l = {daemon, ag_value_array()};
    if (word != NULL && state < 0) {
        ag_error_field(&err, ARGO_E_INVALID, "state",
                       "state is '%s', expected open, answered, expired or cancelled", word);
    } else {
        (void)ag_store_questions(daemon->store, 0, state, list_question, &l, &err);
    }
    if (err != NULL) {
        ag_value_unref(l.list);
        ag_request_reply_error(req, err);
        return;
    }
    ag_api_reply_list(req, "questions", l.list, NULL);
}

void ag_api_question_get(ag_request *req, void *user)
{
    reply_question(user, req, ag_request_param(req, "question"), false);
}
