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

#define CRASH_PREFIX "interrupted-" /* of the ids of our own questions */

/* A line that is sent while Q is open, without its id, may answer it. */
static bool answered_by_line(const struct ag_question *q)
{
    return !q->secret && (q->kind == AG_QUESTION_TEXT || q->kind == AG_QUESTION_CHOICE);
}

bool ag_question_is_of_crash(const struct ag_question *q)
{
    return ag_starts_with(q->question_id, CRASH_PREFIX);
}

bool ag_question_takes_lines(const struct ag_question *q)
{
    return answered_by_line(q) && !ag_question_is_of_crash(q);
}

struct ag_question *ag_question_copy(const struct ag_question *q)
{
    AG_AUTO(ag_value) v = ag_record_encode(&ag_question_record, q);
    struct ag_question *copy = calloc(1, sizeof(*copy));
    if (v == NULL || copy == NULL || ag_record_decode(&ag_question_record, v, copy, NULL) < 0) {
        free(copy);
        return NULL;
    }
    return copy;
}

void ag_question_free(void *p)
{
    struct ag_question *q = p;
    if (q != NULL) {
        ag_record_clear(&ag_question_record, q);
        free(q);
    }
}

static void write_question(struct ag_change_set *c, const struct ag_live *live,
                           const struct ag_question *q)
{
    ag_txn_put_question(c->txn, live->row.rid, q);
    c->changes |= AG_CHANGE_QUESTION;
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
    write_question(c, live, q);
    ag_event_answer(c, live, q);
    c->changes |= AG_CHANGE_INPUT | AG_CHANGE_STATE;
    c->answers = true;
}

/* ---- asking ------------------------------------------------------------------------------------ */

/* Tries the lines typed ahead, in order. One that is no valid answer is used up all the same, with
 * a notice: it was meant for this question. */
static void feed_lines(struct ag_change_set *c, struct ag_live *live, struct ag_question *q)
{
    static const struct ag_answerer who = {.by = NULL, .via = "typed ahead"};
    struct ag_line *line;
    while (q->state == AG_QUESTION_OPEN && ag_question_takes_lines(q) &&
           (line = ag_list_first(&live->lines, struct ag_line, node)) != NULL) {
        AG_AUTO(ag_value) answer = NULL;
        AG_AUTO(argo_error) why = NULL;
        if (ag_answer_from_text(q, line->text, &answer, &why) == 0) {
            settle(c, live, q, answer, &who, line->seq);
        } else {
            struct ag_record_spec notice = {.stream = AG_STREAM_OUTPUT,
                                            .kind = "notice",
                                            .text = argo_error_details(why),
                                            .path = q->path};
            ag_live_append(c, live, &notice);
        }
        live->row.lines_seq = line->seq;
        ag_line_free(live, line);
    }
}

/* Of an answer only what the rules here put there. */
static void forget_answer(struct ag_question *q)
{
    ag_value_unref(ag_take(q->answer));
    free(ag_take(q->answered_by));
    free(ag_take(q->answered_via));
    q->answered = 0;
    q->answer_seq = 0;
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

static void wait_for_answer(struct ag_live *live)
{
    int *state = ag_live_work(live);
    *state = *state == AG_RUN_RUNNING ? AG_RUN_WAITING : *state;
}

/* Takes a question that is settled out of memory. */
static void close_question(struct ag_live *live, const char *question_id)
{
    ag_map_remove(live->questions, question_id); /* frees it */
    int *state = ag_live_work(live);
    if (*state == AG_RUN_WAITING && ag_map_size(live->questions) == 0) {
        *state = AG_RUN_RUNNING;
    }
}

static char *question_key(const char *question_id)
{
    return ag_asprintf("question:%s", question_id);
}

/* Puts the new question into the transaction and, while it stays open, into memory (takes Q). */
static int open_question(struct ag_change_set *c, struct ag_live *live, struct ag_question *q,
                         argo_error **err)
{
    ag_auto_free char *key = question_key(q->question_id);
    if (key == NULL || ag_change_pending(c, live, key, 1) < 0 ||
        ag_live_hold_question(live, q) < 0) {
        ag_question_free(q);
        return ag_error_nomem(err);
    }
    forget_answer(q);
    q->state = AG_QUESTION_OPEN;
    q->asked = ag_context_now_ms(c->domain->ctx);
    append_prompt(c, live, q);
    ag_event_question(c, live, q);
    write_question(c, live, q);
    feed_lines(c, live, q);
    if (q->state == AG_QUESTION_OPEN) {
        wait_for_answer(live);
    } else {
        close_question(live, q->question_id);
    }
    return 0;
}

/* 1 when a question of this id exists, committed or on its way; another run's id is refused. */
static int asked_before(ag_domain *d, struct ag_live *live, const char *question_id,
                        argo_error **err)
{
    ag_auto_free char *key = question_key(question_id);
    if (key == NULL) {
        return ag_error_nomem(err);
    }
    if (ag_map_get(live->questions, question_id) != NULL || ag_live_pending(live, key) != 0) {
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

static struct ag_question *copy_with_default(const struct ag_question *q, const ag_value *standard)
{
    struct ag_question *copy = ag_question_copy(q);
    if (copy != NULL) {
        ag_value_unref(copy->default_answer);
        copy->default_answer = ag_value_ref(standard);
    }
    return copy;
}

int ag_question_ask(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_question *q,
                    ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    AG_AUTO(ag_value) standard = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r == 0) {
        r = ag_question_check(q, &standard, err);
    }
    int known = r < 0 ? 0 : asked_before(d, live, q->question_id, err);
    if (r < 0 || known < 0) {
        return r < 0 ? r : known;
    }
    if (!known && q->lookup) {
        return ag_error_set(err, ARGO_E_NO_QUESTION, "Question '%s' has not been asked",
                            q->question_id);
    }
    struct ag_change_set *c = NULL;
    r = ag_change_new(d, rid, 0, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    if (known) {
        /* A new executor asks again what the one before it asked, and waits as that did. */
        if (ag_map_get(live->questions, q->question_id) != NULL) {
            wait_for_answer(live);
        }
    } else {
        struct ag_question *copy = copy_with_default(q, standard);
        r = copy == NULL ? ag_error_nomem(err) : open_question(c, live, copy, err);
    }
    if (r < 0) {
        ag_change_drop(c);
        return r;
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
    if (!answered_by_line(value)) {
        return list_open(live, "This question needs its question_id", err);
    }
    *out = value;
    return 0;
}

static int told_who(const char *by, const char *via, argo_error **err)
{
    return ag_error_set(err, ARGO_E_ANSWERED, "Answered by %s via %s", by == NULL ? "somebody" : by,
                        via == NULL ? "another way" : via);
}

/* Who has answered is in the key of an answer on its way: "answered:ID:by via how". */
static char *answer_key(const char *question_id, const struct ag_answerer *who)
{
    return ag_asprintf("answered:%s:%s via %s", question_id, who->by == NULL ? "somebody" : who->by,
                       who->via == NULL ? "another way" : who->via);
}

static int told_winner(const ag_domain *d, int64_t rid, const char *question_id, argo_error **err)
{
    const struct ag_live *live = ag_live_by_rid(d, rid);
    ag_auto_free char *prefix = ag_asprintf("answered:%s:", question_id);
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    while (prefix != NULL && live != NULL && ag_map_next(live->pending, &cursor, &key, &value)) {
        if (ag_starts_with(key, prefix)) {
            return ag_error_set(err, ARGO_E_ANSWERED, "Answered by %s", key + strlen(prefix));
        }
    }
    return told_who(NULL, NULL, err);
}

static int already_answered(ag_domain *d, int64_t rid, const char *question_id, argo_error **err)
{
    struct ag_question q = {0};
    int64_t owner = 0;
    int found = ag_store_question(d->store, question_id, &q, &owner, err);
    if (found < 0) {
        return found;
    }
    int r;
    if (found == 0 || owner != rid) {
        r = ag_error_field(err, ARGO_E_NO_QUESTION, "question_id", "Question '%s' does not exist",
                           question_id);
    } else if (q.state == AG_QUESTION_ANSWERED) {
        r = told_who(q.answered_by, q.answered_via, err);
    } else if (q.state == AG_QUESTION_OPEN) {
        /* In memory it is closed, in the store not yet: the first answer is on its way. */
        r = told_winner(d, rid, question_id, err);
    } else {
        r = ag_error_set(err, ARGO_E_STATE, "Question '%s' is %s", question_id,
                         ag_question_state_words[q.state]);
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
    ag_auto_free char *key = answer_key(q->question_id, who);
    int64_t seq = ag_live_append(c, live, &spec);
    if (key != NULL) {
        (void)ag_change_pending(c, live, key, seq); /* without memory nobody is told who won */
    }
    ag_live_call_back(c, live);
    settle(c, live, q, answer, who, seq);
    if (ag_streq(q->question_id, live->crash_question)) {
        note_decision(c, live, answer);
    }
    close_question(live, q->question_id);
    return seq;
}

static int type_ahead(struct ag_change_set *c, struct ag_live *live,
                      const struct ag_input_request *input, const char *key, int64_t *out_seq,
                      argo_error **err)
{
    if (input->input == NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "question_id",
                              "question_id: no question is open that 'answer' could be for");
    }
    if (live->n_lines >= AG_MAX_TYPED_AHEAD) {
        return ag_error_set(err, ARGO_E_QUOTA, "%d lines wait to be read already",
                            AG_MAX_TYPED_AHEAD);
    }
    struct ag_record_spec spec = {
        .stream = AG_STREAM_INPUT, .kind = "line", .text = input->input, .client_key = key};
    if (ag_live_queue_line(live, live->row.seq + 1, input->input) < 0) {
        return ag_error_nomem(err);
    }
    *out_seq = ag_live_append(c, live, &spec);
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
    return *out == NULL ? already_answered(d, live->row.rid, input->question_id, err) : 0;
}

/* From the deadline on the step acts on its absence: an answer that was accepted would be lost. */
static int check_deadline(const ag_domain *d, const struct ag_question *q, argo_error **err)
{
    if (q == NULL || q->deadline == 0 || ag_context_now_ms(d->ctx) < q->deadline) {
        return 0;
    }
    char at[AG_TIME_SIZE];
    return ag_error_set(err, ARGO_E_STATE, "The deadline of this question passed at %s",
                        ag_time_format(q->deadline, at));
}

/* Keys of people are kept apart from those of executors, which share the column. */
static int input_key(const char *client_key, char **out, argo_error **err)
{
    *out = client_key == NULL ? NULL : ag_asprintf("input:%s", client_key);
    return client_key != NULL && *out == NULL ? ag_error_nomem(err) : 0;
}

/* A repeated client_key gives the same number again: 1 when it was seen, also of an ended run. */
static int input_seen(ag_domain *d, int64_t rid, const char *key, int64_t *out_seq,
                      argo_error **err)
{
    const struct ag_live *live = ag_live_by_rid(d, rid);
    int64_t pending = key == NULL || live == NULL ? 0 : ag_live_pending(live, key);
    if (pending != 0) {
        *out_seq = pending;
        return 1;
    }
    return key == NULL ? 0 : ag_store_record_by_key(d->store, rid, key, out_seq, err);
}

/* What INPUT is for (*OUT_Q NULL: no question, it is typed ahead), and the answer that it makes. */
static int judge_input(ag_domain *d, int64_t rid, const struct ag_input_request *input,
                       struct ag_question **out_q, ag_value **answer, argo_error **err)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    if (live == NULL || live->row.ended != 0) {
        int won =
            input->question_id == NULL ? 0 : already_answered(d, rid, input->question_id, err);
        return won == ARGO_E_ANSWERED
                   ? won
                   : ag_error_set(err, ARGO_E_STATE,
                                  "The workflow has ended: nobody reads its input");
    }
    int r = find_question(d, live, input, out_q, err);
    if (r == 0) {
        r = check_deadline(d, *out_q, err);
    }
    return r < 0 || *out_q == NULL ? r : make_answer(*out_q, input, answer, err);
}

static int apply_input(struct ag_change_set *c, struct ag_live *live, struct ag_question *q,
                       ag_value *answer, const struct ag_input_request *input,
                       const struct ag_answerer *who, const char *key, int64_t *out_seq,
                       argo_error **err)
{
    if (key != NULL && ag_change_pending(c, live, key, live->row.seq + 1) < 0) {
        return ag_error_nomem(err);
    }
    if (q == NULL) {
        return type_ahead(c, live, input, key, out_seq, err);
    }
    *out_seq = answer_question(c, live, q, answer, input->input, who, key);
    return 0;
}

int ag_run_input(ag_domain *d, int64_t rid, const struct ag_input_request *input,
                 const struct ag_answerer *who, void (*keep)(ag_txn *t, int64_t seq, void *user),
                 int64_t *out_seq, ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    struct ag_question *q = NULL;
    struct ag_change_set *c = NULL;
    AG_AUTO(ag_value) answer = NULL;
    ag_auto_free char *key = NULL;
    int r = check_input(input, err);
    if (r == 0) {
        r = input_key(input->client_key, &key, err);
    }
    int seen = r < 0 ? r : input_seen(d, rid, key, out_seq, err);
    r = seen == 0 ? judge_input(d, rid, input, &q, &answer, err) : seen;
    if (r >= 0) {
        r = ag_change_new(d, rid, 0, done, user, &c, err);
    }
    if (r == 0 && seen == 0) {
        r = apply_input(c, live, q, answer, input, who, key, out_seq, err);
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
        write_question(c, live, q);
    }
}

void ag_live_expire_questions(struct ag_change_set *c, struct ag_live *live, const char *path)
{
    size_t cursor = 0;
    const char *id = NULL;
    void *value = NULL;
    while (ag_map_next(live->questions, &cursor, &id, &value)) {
        struct ag_question *q = value;
        if (!ag_streq(q->path, path)) {
            continue;
        }
        q->state = AG_QUESTION_EXPIRED;
        write_question(c, live, q);
        ag_event_expired(c, live, q);
        close_question(live, id);
        cursor = 0;
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
    char id[sizeof(CRASH_PREFIX) + AG_UUID_SIZE] = CRASH_PREFIX;
    if (q == NULL || ag_uuid(id + strlen(CRASH_PREFIX), NULL) < 0) {
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
