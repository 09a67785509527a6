/*
 * Asking a person. The question's id is made from the run, the path and how often the step has failed
 * there, so that an executor that goes on asks the same question, and finds its answer when there is
 * one; also in another attempt, when the one before it died.
 *
 * A secret answer is in no record: it comes with the reply to the question.
 */
#include "exec/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"

#define QUESTION_ID_DIGITS 32
#define MS_PER_SECOND      1000

static int name_question(struct ag_ask *ask, argo_error **err)
{
    struct ag_strand *s = ask->strand;
    const char *nonce = ag_strand_config(s)->run_nonce;
    char hash[AG_SHA256_HEX];
    ag_auto_free char *text =
        ag_asprintf("%s/%s/%s/%" PRId64, nonce != NULL ? nonce : "",
                    ag_strand_checkpoint(s)->workflow_id, s->now.path, s->now.failures + 1);
    if (text == NULL) {
        return ag_error_nomem(err);
    }
    ag_sha256_hex(text, strlen(text), hash);
    free(ask->question.question_id);
    ask->question.question_id = ag_strndup(hash, QUESTION_ID_DIGITS);
    return ask->question.question_id != NULL ? 0 : ag_error_nomem(err);
}

/* A duration as the template writes it: seconds, or a text like "5m". */
static int64_t duration_ms(const ag_value *v)
{
    int64_t ms = 0;
    if (ag_value_is(v, ARGO_TYPE_TEXT)) {
        (void)ag_parse_duration_ms(ag_value_as_text(v), "deadline", &ms, NULL);
        return ms;
    }
    return (int64_t)(ag_value_as_real(v) * MS_PER_SECOND);
}

int ag_ask_prepare(struct ag_ask *ask, struct ag_strand *s, argo_error **err)
{
    struct ag_question *q = &ask->question;
    const ag_value *deadline = ag_strand_field(s, "deadline");
    ask->strand = s;
    int r = name_question(ask, err);
    if (r == 0) {
        r = ag_strand_text(s, "prompt", &q->prompt, err);
    }
    if (r == 0) {
        r = ag_strand_value(s, "default", &q->default_answer, err);
    }
    if (r < 0) {
        return r;
    }
    q->path = ag_strdup(s->now.path);
    q->secret = ag_value_as_bool(ag_strand_field(s, "secret"));
    if (deadline != NULL) {
        q->deadline = ag_context_now_ms(ag_strand_context(s)) + duration_ms(deadline);
        q->on_deadline = ag_strdup(ag_value_as_text(ag_strand_field(s, "on_deadline")));
    }
    return 0;
}

static void use_answer(struct ag_ask *ask, const ag_value *value, int64_t seq)
{
    ag_strand_consumed(ask->strand, seq);
    ask->answered(ask, value);
}

/* The deadline has passed and nobody has answered. */
static void give_up(struct ag_ask *ask)
{
    const ag_value *answer = ask->question.default_answer;
    if (answer != NULL && ag_streq(ask->question.on_deadline, "default")) {
        ask->late = true;
        ask->answered(ask, answer);
    } else {
        ag_strand_fail(ask->strand, AG_FAIL_TIMEOUT, "nobody answered before the deadline");
    }
}

/* From its deadline on the daemon takes no answer any more. */
static bool passed(int64_t deadline, int64_t now)
{
    return deadline != 0 && now >= deadline;
}

static void deadline_passed(ag_wall *wall, void *user)
{
    struct ag_ask *ask = user;
    ag_ask_send(ask); /* an answer may have come at the last moment */
}

static int arm(struct ag_ask *ask, int64_t at_ms, argo_error **err)
{
    int r = 0;
    if (ask->deadline == NULL) {
        r = ag_wall_new(ag_strand_loop(ask->strand), deadline_passed, ask, &ask->deadline, err);
    }
    return r < 0 ? r : ag_wall_arm(ask->deadline, at_ms);
}

/* The default as the daemon has checked it: typed like an answer. */
static void keep_default(struct ag_ask *ask, const struct ag_question *q)
{
    if (q != NULL && q->default_answer != NULL) {
        ag_value_unref(ask->question.default_answer);
        ask->question.default_answer = ag_value_ref(q->default_answer);
    }
}

static void replied(struct ag_strand *s, void *state, const struct ag_question *q,
                    const argo_error *err)
{
    struct ag_ask *ask = state;
    AG_AUTO(argo_error) why = NULL;
    keep_default(ask, q);
    if (err != NULL) {
        ag_strand_fail_error(s, AG_FAIL_INPUT, err);
    } else if (q->answer != NULL) {
        use_answer(ask, q->answer, q->answer_seq);
    } else if (q->state == AG_QUESTION_CANCELLED) {
        ag_strand_fail(s, AG_FAIL_INPUT, "the question was cancelled");
    } else if (q->state == AG_QUESTION_EXPIRED || passed(q->deadline, ask->sent_at)) {
        give_up(ask);
    } else if (passed(q->deadline, ag_context_now_ms(ag_strand_context(s)))) {
        ag_ask_send(ask); /* read late, as after a pause: somebody may have answered meanwhile */
    } else if (q->deadline != 0 && arm(ask, q->deadline, &why) < 0) {
        ag_strand_fail_error(s, AG_FAIL_INPUT, why);
    } else {
        ag_strand_listen(s, true);
    }
}

void ag_ask_send(struct ag_ask *ask)
{
    struct ag_question *q = &ask->question;
    if (q->deadline != 0 && q->on_deadline == NULL) {
        q->on_deadline = ag_strdup(q->default_answer != NULL ? "default" : "fail");
    }
    ask->sent_at = ag_context_now_ms(ag_strand_context(ask->strand));
    ag_strand_question(ask->strand, q, replied);
}

void ag_ask_save(struct ag_ask *ask, const ag_value *value)
{
    AG_AUTO(argo_error) err = NULL;
    if (ag_strand_save_to(ask->strand, "save_to", ag_value_copy(value), &err) < 0) {
        ag_strand_fail_error(ask->strand, AG_FAIL_TEMPLATE, err);
        return;
    }
    ask->strand->secret = ask->question.secret;
    ag_strand_done(ask->strand);
}

void ag_ask_input(struct ag_strand *s, void *state, const struct ag_stream_record *record)
{
    struct ag_ask *ask = state;
    if (!ag_streq(record->question_id, ask->question.question_id)) {
        return;
    }
    ag_strand_consumed(s, record->seq);
    if (record->answer != NULL) {
        ask->answered(ask, record->answer);
    } else {
        ag_ask_send(ask);
    }
}

void ag_ask_free(void *state)
{
    struct ag_ask *ask = state;
    ag_record_clear(&ag_question_record, &ask->question);
    ag_wall_free(ask->deadline);
}
