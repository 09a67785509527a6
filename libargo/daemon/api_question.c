/*
 * Routes of questions: ask (executor), list and show (people). They are answered through
 * POST /api/workflow/input.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"
#include "wire/json.h"

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
    struct ag_buf reply = AG_API_BUF;
    ag_envelope_write_success(&reply);
    ag_json_key(&reply, "question_id");
    ag_json_text(&reply, question_id);
    ag_json_key(&reply, "state");
    ag_json_text(&reply, ag_question_state_words[q.state]);
    ag_envelope_write_data(&reply);
    ag_record_write_members(&ag_question_record, &q, &reply);
    ag_envelope_write_end(&reply);
    ag_record_clear(&ag_question_record, &q);
    ag_request_reply_json(req, 200, &reply);
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
    struct ag_api_list list;
    int64_t limit;
    int64_t after_asked; /* the place where the page before ended: time and id */
    const char *after_id;
    int64_t last_asked;
    char *last_id;
    bool more;
};

static bool seen_before(const struct listing *l, const struct ag_question *q)
{
    return l->after_id != NULL &&
           (q->asked < l->after_asked ||
            (q->asked == l->after_asked && strcmp(q->question_id, l->after_id) <= 0));
}

static int list_question(int64_t rid, const struct ag_question *q, void *user)
{
    struct listing *l = user;
    if (seen_before(l, q)) {
        return 0;
    }
    if (l->list.n == l->limit) {
        l->more = true;
        return 1;
    }
    free(l->last_id);
    l->last_id = ag_strdup(q->question_id);
    l->last_asked = q->asked;
    return ag_api_list_add(&l->list, &ag_question_record, q);
}

/* "ASKED.ID" of the last one of a page: a place that stays when that question is answered. */
static int read_cursor(const char *text, struct listing *l, argo_error **err)
{
    const char *dot = text == NULL ? NULL : strchr(text, '.');
    ag_auto_free char *asked = dot == NULL ? NULL : ag_strndup(text, (size_t)(dot - text));
    if (text == NULL) {
        return 0;
    }
    if (asked == NULL || !ag_id_valid(dot + 1) ||
        ag_parse_i64(asked, "cursor", 0, INT64_MAX, &l->after_asked, NULL) < 0) {
        return ag_error_field(err, ARGO_E_INVALID, "cursor",
                              "cursor: expected the next_cursor of the page before");
    }
    l->after_id = dot + 1;
    return 0;
}

static int read_state(const char *word, int *out, argo_error **err)
{
    *out = -1;
    for (int i = 0; word != NULL && ag_question_state_words[i] != NULL; i++) {
        *out = strcmp(word, ag_question_state_words[i]) == 0 ? i : *out;
    }
    return word == NULL || *out >= 0
               ? 0
               : ag_error_field(err, ARGO_E_INVALID, "state",
                                "state is '%s', expected open, answered, expired or cancelled",
                                word);
}

static int read_filter(ag_request *req, struct listing *l, int *out_state, argo_error **err)
{
    int r = read_state(ag_request_query(req, "state"), out_state, err);
    return r < 0 ? r : read_cursor(ag_request_query(req, "cursor"), l, err);
}

static void reply_page(struct ag_poll *poll, const struct listing *l)
{
    char next[24 + AG_MAX_NAME];
    snprintf(next, sizeof(next), "%" PRId64 ".%s", l->last_asked,
             l->last_id == NULL ? "" : l->last_id);
    struct ag_buf reply = AG_API_BUF;
    ag_json_open(&reply, '{');
    ag_api_list_write(&l->list, "questions", &reply);
    ag_api_list_write_data(l->list.n, l->more ? next : NULL, &reply);
    ag_json_key(&reply, "next_after");
    ag_json_int(&reply, ag_question_changes(poll->daemon->domain));
    ag_envelope_write_end(&reply);
    ag_request_reply_json(poll->req, 200, &reply);
}

/* Without a limit all of them: nobody shall miss what waits for him. */
static bool attempt_list(struct ag_poll *poll, bool last)
{
    AG_AUTO(argo_error) err = NULL;
    struct listing l = {.list = AG_API_LIST, .limit = poll->limit};
    int state = -1;
    if (!last && poll->after == ag_question_changes(poll->daemon->domain)) {
        return false;
    }
    int r = read_filter(poll->req, &l, &state, &err);
    if (r == 0) {
        r = ag_store_questions(poll->daemon->store, 0, state, list_question, &l, &err);
    }
    if (r < 0) {
        ag_request_reply_error(poll->req, err);
    } else {
        reply_page(poll, &l);
    }
    ag_api_list_free(&l.list);
    free(l.last_id);
    return true;
}

void ag_api_question_list(ag_request *req, void *user)
{
    AG_AUTO(argo_error) err = NULL;
    struct listing unused = {0};
    int state = -1;
    int64_t timeout_ms = 0;
    struct ag_poll poll = {.daemon = user, .req = req, .questions = true, .attempt = attempt_list};
    if (!ag_api_query_timeout(req, &timeout_ms) ||
        !ag_api_query_int(req, "after", 0, INT64_MAX, -1, &poll.after) ||
        !ag_api_query_int(req, "limit", 1, 1000, INT64_MAX, &poll.limit)) {
        return;
    }
    if (read_filter(req, &unused, &state, &err) < 0) {
        ag_request_reply_error(req, err);
        return;
    }
    ag_poll_start(&poll, AG_CHANGE_QUESTION, timeout_ms);
}

void ag_api_question_get(ag_request *req, void *user)
{
    reply_question(user, req, ag_request_param(req, "question"), false);
}
