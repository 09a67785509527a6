/*
 * Questions: durable rows that one answer closes. Creating is idempotent, answering is
 * compare-and-set; text typed ahead feeds questions of kind text (unless secret) and choice, in
 * order.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "domain/internal.h"

static bool takes_lines(const struct ag_question *q)
{
    return !q->secret && (q->kind == AG_QUESTION_TEXT || q->kind == AG_QUESTION_CHOICE);
}

static struct ag_question *question_copy(const struct ag_question *q)
{
    AG_AUTO(ag_value) v = ag_record_encode(&ag_question_record, q);
    struct ag_question *copy = calloc(1, sizeof(*copy));
    if (v == NULL || copy == NULL || ag_record_decode(&ag_question_record, v, copy, NULL) < 0) {
        free(copy);
        return NULL;
    }
    return copy;
}

static void question_drop(struct ag_question *q)
{
    if (q != NULL) {
        ag_record_clear(&ag_question_record, q);
        free(q);
    }
}

/* Closes Q with ANSWER, in memory and in the transaction. */
static void settle(struct ag_change_set *c, struct ag_live *live, struct ag_question *q,
                   ag_value *answer, const struct ag_answerer *who, int64_t answer_seq)
{
    q->state = AG_QUESTION_ANSWERED;
    q->answered = ag_context_now_ms(c->domain->ctx);
    q->answer_seq = answer_seq;
    (void)ag_set_text(&q->answered_by, who->by);
    (void)ag_set_text(&q->answered_via, who->via);
    if (q->secret) {
        ag_txn_put_secret(c->txn, live->row.rid, q->question_id, answer);
    } else {
        q->answer = ag_value_ref(answer);
    }
    ag_txn_put_question(c->txn, live->row.rid, q);
    if (live->row.state == AG_RUN_WAITING && ag_map_size(live->questions) <= 1) {
        live->row.state = AG_RUN_RUNNING;
    }
    c->changes |= AG_CHANGE_INPUT | AG_CHANGE_STATE;
}

/* ---- asking ------------------------------------------------------------------------------------ */

struct line {
    char *text;
    int64_t seq;
};

static int first_line(const struct ag_stream_record *rec, void *user)
{
    struct line *line = user;
    if (!ag_streq(rec->kind, "line")) {
        return 0;
    }
    line->seq = rec->seq;
    line->text = ag_strdup(rec->text);
    return 1;
}

/* Tries the lines typed ahead, in order. One that is no valid answer is used up all the same, with
 * a notice: it was meant for this question. */
static int feed_lines(struct ag_change_set *c, struct ag_live *live, struct ag_question *q,
                      argo_error **err)
{
    static const struct ag_answerer who = {.by = NULL, .via = "typed ahead"};
    while (takes_lines(q) && live->lines_ahead > 0 && q->state == AG_QUESTION_OPEN) {
        struct line line = {0};
        int r = ag_store_records(c->domain->store, live->row.rid, AG_STREAM_INPUT,
                                 live->line_cursor, AG_MAX_TYPED_AHEAD + 1, first_line, &line, err);
        if (r < 0) {
            return r;
        }
        if (line.text == NULL) {
            return 0; /* still on its way to the store: ag_question_ask waits for it */
        }
        ag_auto_free char *text = line.text;
        AG_AUTO(ag_value) answer = NULL;
        AG_AUTO(argo_error) why = NULL;
        live->line_cursor = line.seq;
        live->lines_ahead--;
        if (ag_answer_from_text(q, text, &answer, &why) == 0) {
            settle(c, live, q, answer, &who, line.seq);
            continue;
        }
        struct ag_record_spec notice = {.stream = AG_STREAM_OUTPUT,
                                        .kind = "notice",
                                        .text = argo_error_details(why),
                                        .path = q->path};
        ag_live_append(c, live, &notice);
    }
    return 0;
}

static int check_question(const struct ag_question *q, argo_error **err)
{
    if (q->kind == AG_QUESTION_CHOICE && ag_value_size(q->choices) == 0) {
        return ag_error_field(err, ARGO_E_INVALID, "choices",
                              "choices: a choice needs at least one");
    }
    if (q->on_deadline != NULL && strcmp(q->on_deadline, "default") != 0 &&
        strcmp(q->on_deadline, "fail") != 0) {
        return ag_error_field(err, ARGO_E_INVALID, "on_deadline",
                              "on_deadline is '%s', expected default or fail", q->on_deadline);
    }
    return 0;
}

static void append_prompt(struct ag_change_set *c, struct ag_live *live,
                          const struct ag_question *q)
{
    struct ag_record_spec prompt = {.stream = AG_STREAM_OUTPUT,
                                    .kind = "prompt",
                                    .text = q->prompt,
                                    .path = q->path,
                                    .question_id = q->question_id};
    ag_live_append(c, live, &prompt);
}

/* Puts the new question into the transaction and, when it stays open, into memory (takes Q). */
static int open_question(struct ag_change_set *c, struct ag_live *live, struct ag_question *q,
                         argo_error **err)
{
    q->state = AG_QUESTION_OPEN;
    q->asked = ag_context_now_ms(c->domain->ctx);
    append_prompt(c, live, q);
    ag_txn_put_question(c->txn, live->row.rid, q);
    int r = feed_lines(c, live, q, err);
    if (r < 0 || q->state != AG_QUESTION_OPEN) {
        question_drop(q);
        return r;
    }
    if (ag_map_put(live->questions, q->question_id, q) < 0) {
        question_drop(q);
        return ag_error_nomem(err);
    }
    if (live->row.state == AG_RUN_RUNNING) {
        live->row.state = AG_RUN_WAITING;
    }
    return 0;
}

/* 1 when a question of this id exists, committed or on its way; another run's id is refused. */
static int asked_before(ag_domain *d, struct ag_live *live, const char *question_id,
                        argo_error **err)
{
    if (ag_map_get(live->questions, question_id) != NULL) {
        return 1;
    }
    struct ag_question q = {0};
    int64_t rid = 0;
    int found = ag_store_question(d->store, question_id, &q, &rid, err);
    if (found > 0) {
        ag_record_clear(&ag_question_record, &q);
        if (rid != live->row.rid) {
            return ag_error_field(err, ARGO_E_EXISTS, "question_id",
                                  "question_id '%s' belongs to another workflow", question_id);
        }
    }
    return found;
}

int ag_question_ask(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_question *q,
                    ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r == 0) {
        r = check_question(q, err);
    }
    int known = r < 0 ? 0 : asked_before(d, live, q->question_id, err);
    if (r < 0 || known < 0) {
        return r < 0 ? r : known;
    }
    struct ag_change_set *c = ag_change_new(d, rid, 0, done, user, err);
    struct ag_question *copy = c == NULL || known ? NULL : question_copy(q);
    if (c == NULL || (!known && copy == NULL)) {
        ag_change_drop(c);
        return ag_error_nomem(err);
    }
    if (!known) {
        r = open_question(c, live, copy, err);
        if (r < 0) {
            ag_change_drop(c);
            return r;
        }
    }
    ag_change_commit(c);
    return 0;
}

/* ---- answering --------------------------------------------------------------------------------- */

static int list_open(struct ag_live *live, const char *why, argo_error **err)
{
    ag_auto_buf list = AG_BUF_INIT(4096);
    size_t cursor = 0;
    const char *id = NULL;
    void *value = NULL;
    while (ag_map_next(live->questions, &cursor, &id, &value)) {
        const struct ag_question *q = value;
        ag_buf_printf(&list, "%s%s (%s)", list.len == 0 ? "" : ", ", id,
                      ag_question_kind_words[q->kind]);
    }
    return ag_error_field(err, ARGO_E_STATE, "question_id", "%s: %s", why, ag_buf_text(&list));
}

/* The one open question that a line without an id answers; NULL with 0: none is open. */
static int only_question(struct ag_live *live, struct ag_question **out, argo_error **err)
{
    *out = NULL;
    if (ag_map_size(live->questions) == 0) {
        return 0;
    }
    if (ag_map_size(live->questions) > 1) {
        return list_open(live, "Several questions are open, give a question_id", err);
    }
    size_t cursor = 0;
    const char *id = NULL;
    void *value = NULL;
    (void)ag_map_next(live->questions, &cursor, &id, &value);
    if (!takes_lines(value)) {
        return list_open(live, "This question needs its question_id", err);
    }
    *out = value;
    return 0;
}

static int already_answered(ag_domain *d, struct ag_live *live, const char *question_id,
                            argo_error **err)
{
    struct ag_question q = {0};
    int64_t rid = 0;
    int found = ag_store_question(d->store, question_id, &q, &rid, err);
    if (found < 0) {
        return found;
    }
    int r;
    if (found == 0 || rid != live->row.rid) {
        r = ag_error_field(err, ARGO_E_NO_QUESTION, "question_id", "Question '%s' does not exist",
                           question_id);
    } else if (q.state == AG_QUESTION_ANSWERED) {
        r = ag_error_set(err, ARGO_E_ANSWERED, "Answered by %s via %s",
                         q.answered_by == NULL ? "somebody" : q.answered_by,
                         q.answered_via == NULL ? "another way" : q.answered_via);
    } else {
        /* In memory it is closed, in the store not yet: the first answer is on its way. */
        r = ag_error_set(err, ARGO_E_ANSWERED, "Another answer came first");
    }
    ag_record_clear(&ag_question_record, &q);
    return r;
}

static int make_answer(const struct ag_question *q, const struct ag_input_request *input,
                       ag_value **out, argo_error **err)
{
    if (input->answer != NULL) {
        return ag_answer_check(q, input->answer, out, err);
    }
    return ag_answer_from_text(q, input->input, out, err);
}

/* The interrupted step's question: its answer decides and starts the run again. */
static void decide_crash(ag_domain *d, int64_t rid, const argo_error *err)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    if (err == NULL && live != NULL && live->row.state == AG_RUN_INTERRUPTED &&
        live->row.decision != NULL) {
        ag_live_launch(live);
    }
}

static void note_decision(struct ag_change_set *c, struct ag_live *live, const ag_value *answer)
{
    (void)ag_set_text(&live->row.decision, ag_value_as_text(answer));
    (void)ag_set_text(&live->crash_question, NULL);
    live->row.deaths = 0;
    c->then = decide_crash;
}

static int64_t answer_question(struct ag_change_set *c, struct ag_live *live, struct ag_question *q,
                               ag_value *answer, const char *text, const struct ag_answerer *who,
                               const char *client_key)
{
    ag_auto_free char *shown = text == NULL ? ag_value_display(answer) : ag_strdup(text);
    struct ag_record_spec spec = {.stream = AG_STREAM_INPUT,
                                  .kind = "answer",
                                  .text = q->secret ? "" : shown,
                                  .path = q->path,
                                  .client_key = client_key,
                                  .question_id = q->question_id,
                                  .answer = q->secret ? NULL : answer};
    int64_t seq = ag_live_append(c, live, &spec);
    settle(c, live, q, answer, who, seq);
    if (ag_streq(q->question_id, live->crash_question)) {
        note_decision(c, live, answer);
    }
    ag_map_remove(live->questions, q->question_id); /* frees Q */
    return seq;
}

static int type_ahead(struct ag_change_set *c, struct ag_live *live,
                      const struct ag_input_request *input, int64_t *out_seq, argo_error **err)
{
    if (input->input == NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "question_id",
                              "question_id: no question is open that 'answer' could be for");
    }
    if (live->lines_ahead >= AG_MAX_TYPED_AHEAD) {
        return ag_error_set(err, ARGO_E_QUOTA, "%d lines wait to be read already",
                            AG_MAX_TYPED_AHEAD);
    }
    struct ag_record_spec spec = {.stream = AG_STREAM_INPUT,
                                  .kind = "line",
                                  .text = input->input,
                                  .client_key = input->client_key};
    *out_seq = ag_live_append(c, live, &spec);
    live->lines_ahead++;
    return 0;
}

static int check_input(const struct ag_input_request *input, argo_error **err)
{
    if ((input->input == NULL) == (input->answer == NULL)) {
        return ag_error_field(err, ARGO_E_INVALID, "input",
                              "Expected either \"input\":\"text\" or \"question_id\" with "
                              "\"answer\"");
    }
    return 0;
}

static int find_question(ag_domain *d, struct ag_live *live, const struct ag_input_request *input,
                         struct ag_question **out, argo_error **err)
{
    if (input->question_id == NULL) {
        return only_question(live, out, err);
    }
    *out = ag_map_get(live->questions, input->question_id);
    return *out == NULL ? already_answered(d, live, input->question_id, err) : 0;
}

/* A repeated client_key gives the same number again: 1 when it was seen. */
static int input_seen(ag_domain *d, int64_t rid, const char *client_key, int64_t *out_seq,
                      argo_error **err)
{
    return client_key == NULL ? 0 : ag_store_record_by_key(d->store, rid, client_key, out_seq, err);
}

int ag_run_input(ag_domain *d, int64_t rid, const struct ag_input_request *input,
                 const struct ag_answerer *who, void (*keep)(ag_txn *t, int64_t seq, void *user),
                 int64_t *out_seq, ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    if (live == NULL || live->row.ended != 0) {
        return ag_error_set(err, ARGO_E_STATE, "The workflow has ended: nobody reads its input");
    }
    int r = check_input(input, err);
    int seen = r < 0 ? 0 : input_seen(d, rid, input->client_key, out_seq, err);
    struct ag_question *q = NULL;
    AG_AUTO(ag_value) answer = NULL;
    if (r == 0 && seen == 0) {
        r = find_question(d, live, input, &q, err);
    }
    if (r == 0 && q != NULL) {
        r = make_answer(q, input, &answer, err);
    }
    if (r < 0 || seen < 0) {
        return r < 0 ? r : seen;
    }
    struct ag_change_set *c = ag_change_new(d, rid, 0, done, user, err);
    if (c == NULL) {
        return ARGO_E_NOMEM;
    }
    if (q != NULL) {
        *out_seq = answer_question(c, live, q, answer, input->input, who, input->client_key);
    } else if (seen == 0) {
        r = type_ahead(c, live, input, out_seq, err);
    }
    if (r < 0) {
        ag_change_drop(c);
        return r;
    }
    if (keep != NULL) {
        keep(c->txn, *out_seq, user);
    }
    ag_change_commit(c);
    return 0;
}

/* ---- what other rules need ----------------------------------------------------------------------- */

void ag_live_cancel_questions(struct ag_change_set *c, struct ag_live *live)
{
    size_t cursor = 0;
    const char *id = NULL;
    void *value = NULL;
    while (ag_map_next(live->questions, &cursor, &id, &value)) {
        struct ag_question *q = value;
        q->state = AG_QUESTION_CANCELLED;
        ag_txn_put_question(c->txn, live->row.rid, q);
    }
}

static ag_value *decision_choices(void)
{
    static const char *const rows[][2] = {{"repeat the step", "repeat"},
                                          {"skip the step and go on", "skip"},
                                          {"let the workflow fail", "fail"}};
    ag_value *choices = ag_value_array();
    for (size_t i = 0; i < AG_ARRAY_SIZE(rows); i++) {
        ag_value *choice = ag_value_object();
        if (ag_value_set(choice, "label", ag_value_text(rows[i][0])) < 0 ||
            ag_value_set(choice, "value", ag_value_text(rows[i][1])) < 0) {
            ag_value_unref(choice);
            choice = NULL;
        }
        if (ag_value_append(choices, choice) < 0) {
            ag_value_unref(choices);
            return NULL;
        }
    }
    return choices;
}

void ag_live_ask_about_crash(struct ag_change_set *c, struct ag_live *live)
{
    struct ag_question *q = calloc(1, sizeof(*q));
    char id[AG_UUID_SIZE];
    if (q == NULL || ag_uuid(id, NULL) < 0) {
        free(q);
        return;
    }
    q->question_id = ag_strdup(id);
    q->path = ag_strdup(live->flight.path);
    q->kind = AG_QUESTION_CHOICE;
    q->prompt = ag_asprintf("The executor died in the middle of step '%s', which may not be "
                            "repeated without asking. What now?",
                            live->flight.step);
    q->choices = decision_choices();
    (void)ag_set_text(&live->crash_question, id);
    (void)open_question(c, live, q, NULL);
}
