/*
 * user_ask: a question whose answer is text, or what `validate` makes of it.
 */
#include "base/text.h"
#include "exec/ask.h"
#include "template/answers.h"

static void start(struct ag_strand *s, void *state)
{
    struct ag_ask *ask = state;
    AG_AUTO(argo_error) err = NULL;
    ask->answered = ag_ask_save;
    int r = ag_ask_prepare(ask, s, &err);
    if (r == 0) {
        r = ag_answer_schema(ag_strand_field(s, "validate"), &ask->question.schema, &err);
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ask->question.kind = AG_QUESTION_TEXT;
    ag_ask_send(ask);
}

const struct ag_step_ops ag_step_user_ask = {
    .name = "user_ask",
    .state_size = sizeof(struct ag_ask),
    .start = start,
    .input = ag_ask_input,
    .free = ag_ask_free,
};
