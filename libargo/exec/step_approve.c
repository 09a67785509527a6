/*
 * approve: a gate that a person opens or closes, with a reason if there is one. Only a yes opens it:
 * an empty line and a deadline that passes are a no.
 */
#include <string.h>

#include "base/text.h"
#include "exec/ask.h"

#define CUT_ROOM 64 /* bytes for saying that something was cut */

/* {"approved", "reason"} of an answer, which is a truth or already that. */
static ag_value *verdict_of(bool yes, const ag_value *answer)
{
    const ag_value *reason = ag_value_get(answer, "reason");
    AG_AUTO(ag_value) verdict = ag_value_object();
    if (ag_value_set(verdict, "approved", ag_value_bool(yes)) < 0 ||
        ag_value_set(verdict, "reason", reason != NULL ? ag_value_copy(reason) : ag_value_null()) <
            0) {
        return NULL;
    }
    return ag_take(verdict);
}

static void answered(struct ag_ask *ask, const ag_value *answer)
{
    struct ag_strand *s = ask->strand;
    bool yes = ag_value_as_bool(answer) || ag_value_get_bool(answer, "approved", false);
    AG_AUTO(ag_value) verdict = verdict_of(yes, answer);
    if (verdict == NULL) {
        ag_strand_fail(s, AG_FAIL_INPUT, "out of memory");
        return;
    }
    if (ask->late) {
        ag_strand_record(s, "notice", "nobody has answered in time: this counts as no\n");
    }
    ag_strand_set_output(s, "answer", ag_value_copy(verdict));
    ag_strand_go_to(s, ag_strand_field(s, yes ? "on_yes" : "on_no"));
    ag_ask_save(ask, verdict);
}

/* The prompt, and below it what there is to be known before one decides; as much as a prompt may
 * have. */
static int add_details(struct ag_ask *ask, argo_error **err)
{
    ag_auto_free char *details = NULL;
    ag_auto_free char *cut = NULL;
    int r = ag_strand_text(ask->strand, "details", &details, err);
    if (r < 0 || details == NULL) {
        return r;
    }
    size_t len = strlen(details);
    size_t room = strlen(ask->question.prompt) + CUT_ROOM;
    room = room < AG_MAX_TEXT ? AG_MAX_TEXT - room : 0;
    if (len > room) {
        size_t kept = ag_utf8_complete(details, room);
        cut = ag_asprintf("\n(%zu bytes more are not shown)", len - kept);
        len = kept;
    }
    char *both = ag_asprintf("%s\n\n%.*s%s", ask->question.prompt, (int)len, details,
                             cut != NULL ? cut : "");
    if (both == NULL) {
        return ag_error_nomem(err);
    }
    free(ask->question.prompt);
    ask->question.prompt = both;
    return 0;
}

static void start(struct ag_strand *s, void *state)
{
    struct ag_ask *ask = state;
    AG_AUTO(argo_error) err = NULL;
    ask->answered = answered;
    int r = ag_ask_prepare(ask, s, &err);
    if (r == 0) {
        r = add_details(ask, &err);
    }
    if (r == 0) {
        ask->question.default_answer = ag_value_bool(false);
        r = ask->question.default_answer == NULL ? ag_error_nomem(&err) : 0;
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ask->question.kind = AG_QUESTION_CONFIRM;
    ag_ask_send(ask);
}

const struct ag_step_ops ag_step_approve = {
    .name = "approve",
    .state_size = sizeof(struct ag_ask),
    .start = start,
    .input = ag_ask_input,
    .free = ag_ask_free,
};
