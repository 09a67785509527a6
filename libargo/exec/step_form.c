/*
 * form: several values at once, saved as one object.
 */
#include "base/text.h"
#include "exec/ask.h"
#include "template/answers.h"

static int replace(struct ag_strand *s, ag_value *field, const char *key, argo_error **err)
{
    struct ag_scope scope = ag_strand_scope(s);
    const ag_value *written = ag_value_get(field, key);
    const char *text = ag_value_as_text(written);
    ag_auto_free char *shown = NULL;
    ag_value *made = NULL;
    int r = 0;
    if (written == NULL) {
        return 0;
    }
    if (ag_streq(key, "default")) {
        r = ag_subst_value(written, &scope, &made, err);
    } else {
        r = ag_subst_text(text, &scope, &shown, err);
        made = r == 0 ? ag_value_text(shown) : NULL;
    }
    if (r < 0) {
        return ag_error_wrap(err, "%s", key);
    }
    return ag_value_set(field, key, made) < 0 ? ag_error_nomem(err) : 0;
}

/* What people see, and the default, may contain {{...}}; the rest is literal. */
static int make_field(struct ag_strand *s, const ag_value *written, ag_value **out,
                      argo_error **err)
{
    static const char *const keys[] = {"label", "description", "default"};
    AG_AUTO(ag_value) field = ag_value_copy(written);
    int r = field == NULL ? ag_error_nomem(err) : 0;
    for (size_t i = 0; r == 0 && i < AG_ARRAY_SIZE(keys); i++) {
        r = replace(s, field, keys[i], err);
    }
    if (r == 0) {
        *out = ag_take(field);
    }
    return r;
}

static int make_schema(struct ag_strand *s, ag_value **out, argo_error **err)
{
    const ag_value *written = ag_strand_field(s, "schema");
    AG_AUTO(ag_value) fields = ag_value_array();
    struct ag_value_iter it = {0};
    if (written != NULL) {
        *out = ag_value_ref(written);
        return 0;
    }
    while (ag_value_next(ag_strand_field(s, "fields"), &it)) {
        ag_value *field = NULL;
        int r = make_field(s, it.value, &field, err);
        if (r < 0) {
            return ag_error_wrap(err, "field '%s'", ag_value_get_text(it.value, "name", ""));
        }
        if (ag_value_append(fields, field) < 0) {
            return ag_error_nomem(err);
        }
    }
    return ag_form_schema(fields, out, err);
}

/* At the deadline the form counts as sent with nothing filled in. */
static int set_default(struct ag_ask *ask, argo_error **err)
{
    const char *on_deadline = ag_value_as_text(ag_strand_field(ask->strand, "on_deadline"));
    AG_AUTO(ag_value) nothing = ag_value_object();
    return ag_streq(on_deadline, "default")
               ? ag_form_fill(ask->question.schema, nothing, &ask->question.default_answer, err)
               : 0;
}

static void start(struct ag_strand *s, void *state)
{
    struct ag_ask *ask = state;
    AG_AUTO(argo_error) err = NULL;
    ask->answered = ag_ask_save;
    int r = ag_ask_prepare(ask, s, &err);
    if (r == 0) {
        r = make_schema(s, &ask->question.schema, &err);
    }
    if (r == 0) {
        r = set_default(ask, &err);
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ask->question.kind = AG_QUESTION_FORM;
    ask->question.secret = ag_form_is_secret(ask->question.schema);
    ag_ask_send(ask);
}

const struct ag_step_ops ag_step_form = {
    .name = "form",
    .state_size = sizeof(struct ag_ask),
    .start = start,
    .input = ag_ask_input,
    .free = ag_ask_free,
};
