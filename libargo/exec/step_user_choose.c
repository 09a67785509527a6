/*
 * user_choose: one of several options, or several of them; an option may say where to go on.
 */
#include "base/text.h"
#include "exec/ask.h"

static int make_choice(struct ag_strand *s, const ag_value *option, ag_value **out,
                       argo_error **err)
{
    struct ag_scope scope = ag_strand_scope(s);
    const ag_value *written = ag_value_get(option, "value");
    ag_auto_free char *label = NULL;
    AG_AUTO(ag_value) choice = ag_value_object();
    ag_value *value = NULL;
    int r = ag_subst_text(ag_value_get_text(option, "label", ""), &scope, &label, err);
    if (r < 0) {
        return r;
    }
    if (written != NULL) {
        r = ag_subst_value(written, &scope, &value, err);
    } else {
        value = ag_value_text(label);
    }
    if (r < 0) {
        return r;
    }
    int set = ag_value_set(choice, "label", ag_value_text(label));
    if (ag_value_set(choice, "value", value) < 0 || set < 0) {
        return ag_error_nomem(err);
    }
    *out = ag_take(choice);
    return 0;
}

static int make_choices(struct ag_strand *s, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) choices = ag_value_array();
    struct ag_value_iter it = {0};
    while (ag_value_next(ag_strand_field(s, "options"), &it)) {
        ag_value *choice = NULL;
        int r = make_choice(s, it.value, &choice, err);
        if (r < 0) {
            return ag_error_wrap(err, "option %zu", it.index + 1);
        }
        if (ag_value_append(choices, choice) < 0) {
            return ag_error_nomem(err);
        }
    }
    *out = ag_take(choices);
    return 0;
}

/* The place of the option that ANSWER is the value or the label of; -1 for none. */
static int find_option(const struct ag_ask *ask, const ag_value *answer)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(ask->question.choices, &it)) {
        if (ag_value_equal(ag_value_get(it.value, "value"), answer) ||
            ag_value_equal(ag_value_get(it.value, "label"), answer)) {
            return (int)it.index;
        }
    }
    return -1;
}

static void unknown_option(struct ag_ask *ask, const ag_value *answer)
{
    ag_auto_free char *text = ag_value_display(answer);
    ag_strand_fail(ask->strand, AG_FAIL_INPUT, "'%s' is none of the options",
                   text != NULL ? text : "");
}

static void save(struct ag_ask *ask, const ag_value *value)
{
    ag_strand_set_output(ask->strand, "answer", ag_value_copy(value));
    ag_ask_save(ask, value);
}

static void answered(struct ag_ask *ask, const ag_value *answer)
{
    struct ag_strand *s = ask->strand;
    if (ask->question.multiple) {
        save(ask, answer);
        return;
    }
    int i = find_option(ask, answer);
    if (i < 0) {
        unknown_option(ask, answer);
        return;
    }
    const ag_value *option = ag_value_at(ag_strand_field(s, "options"), (size_t)i);
    const ag_value *target = ag_value_get(option, "next_step");
    ag_strand_go_to(s, target != NULL ? target : ag_value_get(option, "step"));
    save(ask, ag_value_get(ag_value_at(ask->question.choices, (size_t)i), "value"));
}

static void start(struct ag_strand *s, void *state)
{
    struct ag_ask *ask = state;
    AG_AUTO(argo_error) err = NULL;
    ask->answered = answered;
    if (ag_ask_prepare(ask, s, &err) < 0 || make_choices(s, &ask->question.choices, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ask->question.kind = AG_QUESTION_CHOICE;
    ask->question.multiple = ag_value_as_bool(ag_strand_field(s, "multiple"));
    ag_ask_send(ask);
}

const struct ag_step_ops ag_step_user_choose = {
    .name = "user_choose",
    .state_size = sizeof(struct ag_ask),
    .start = start,
    .input = ag_ask_input,
    .free = ag_ask_free,
};
