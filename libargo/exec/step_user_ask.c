/*
 * user_ask: a question whose answer is text, or what `validate.type` makes of it. An answer that
 * will not do is told so, and the question is asked again. No message repeats an answer: it may be
 * a secret.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "exec/ask.h"
#include "template/regex.h"

/* ---- validate ---------------------------------------------------------------------------------- */

static int read_number(const char *text, bool whole, ag_value **out, argo_error **err)
{
    int64_t n = 0;
    double x = 0;
    if (ag_parse_i64(text, "the answer", INT64_MIN, INT64_MAX, &n, NULL) == 0) {
        *out = ag_value_int(n);
    } else if (!whole && ag_parse_double(text, "the answer", -HUGE_VAL, HUGE_VAL, &x, NULL) == 0) {
        *out = ag_value_real(x);
    } else {
        return ag_error_set(err, ARGO_E_ANSWER, "the answer is no %s",
                            whole ? "whole number" : "number");
    }
    return *out != NULL ? 0 : ag_error_nomem(err);
}

static int read_boolean(const char *text, ag_value **out, argo_error **err)
{
    static const char *const words[] = {"no", "yes", "n", "y", "false", "true"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *out = ag_value_bool(i % 2 == 1);
            return *out != NULL ? 0 : ag_error_nomem(err);
        }
    }
    return ag_error_set(err, ARGO_E_ANSWER, "the answer is neither yes nor no");
}

static int read_typed(const char *type, const char *text, ag_value **out, argo_error **err)
{
    if (ag_streq(type, "number") || ag_streq(type, "integer")) {
        return read_number(text, type[0] == 'i', out, err);
    }
    if (ag_streq(type, "boolean")) {
        return read_boolean(text, out, err);
    }
    *out = ag_value_text(text);
    return *out != NULL ? 0 : ag_error_nomem(err);
}

/* min and max are of a number's value, or of a text's length in characters. */
static int check_range(const ag_value *rules, const ag_value *value, argo_error **err)
{
    const ag_value *min = ag_value_get(rules, "min");
    const ag_value *max = ag_value_get(rules, "max");
    const char *text = ag_value_as_text(value);
    double n = ag_value_as_real(value);
    if (text != NULL) {
        n = 0;
        for (; *text != '\0'; text++) {
            n += ((unsigned char)*text & 0xC0) != 0x80;
        }
    } else if (!ag_value_is_number(value)) {
        return 0;
    }
    const char *unit = ag_value_is_number(value) ? "" : " characters";
    if (min != NULL && n < ag_value_as_real(min)) {
        return ag_error_set(err, ARGO_E_ANSWER, "the answer is too %s, expected at least %g%s",
                            *unit != '\0' ? "short" : "low", ag_value_as_real(min), unit);
    }
    if (max != NULL && n > ag_value_as_real(max)) {
        return ag_error_set(err, ARGO_E_ANSWER, "the answer is too %s, expected at most %g%s",
                            *unit != '\0' ? "long" : "high", ag_value_as_real(max), unit);
    }
    return 0;
}

static int check_pattern(const ag_value *rules, const ag_value *value, argo_error **err)
{
    const char *pattern = ag_value_get_text(rules, "pattern", NULL);
    const char *text = ag_value_as_text(value);
    AG_AUTO(ag_regex) regex = NULL;
    int64_t steps = AG_REGEX_STEPS;
    bool yes = false;
    if (pattern == NULL || text == NULL) {
        return 0;
    }
    int r = ag_regex_compile(pattern, &regex, err);
    if (r == 0) {
        r = ag_regex_test(regex, text, strlen(text), &steps, &yes, err);
    }
    if (r == 0 && !yes) {
        r = ag_error_set(err, ARGO_E_ANSWER, "the answer does not match %s", pattern);
    }
    return r;
}

static int accept(const struct ag_strand *s, const ag_value *answer, ag_value **out,
                  argo_error **err)
{
    const ag_value *rules = ag_strand_field(s, "validate");
    const char *text = ag_value_as_text(answer);
    AG_AUTO(ag_value) value = NULL;
    int r = 0;
    if (text != NULL) {
        r = read_typed(ag_value_get_text(rules, "type", NULL), text, &value, err);
    } else {
        value = ag_value_ref(answer);
    }
    if (r == 0) {
        r = check_range(rules, value, err);
    }
    if (r == 0) {
        r = check_pattern(rules, value, err);
    }
    if (r == 0) {
        *out = ag_take(value);
    }
    return r;
}

/* The same rules as a JSON Schema, for those who answer. */
static ag_value *schema_of(const ag_value *rules)
{
    static const char *const keys[][3] = {
        {"type", "type", "type"},
        {"min", "minLength", "minimum"},
        {"max", "maxLength", "maximum"},
        {"pattern", "pattern", "pattern"},
    };
    const char *type = ag_value_get_text(rules, "type", "string");
    int column = strcmp(type, "string") == 0 ? 1 : 2;
    AG_AUTO(ag_value) schema = ag_value_object();
    for (size_t i = 0; i < AG_ARRAY_SIZE(keys); i++) {
        const ag_value *rule = ag_value_get(rules, keys[i][0]);
        if (rule != NULL && ag_value_set(schema, keys[i][column], ag_value_ref(rule)) < 0) {
            return NULL;
        }
    }
    return ag_take(schema);
}

/* ---- the step ---------------------------------------------------------------------------------- */

static void answered(struct ag_ask *ask, const ag_value *answer)
{
    struct ag_strand *s = ask->strand;
    AG_AUTO(argo_error) err = NULL;
    ag_value *value = NULL;
    if (accept(s, answer, &value, &err) < 0) {
        if (answer == ask->question.default_answer) {
            ag_error_wrap(&err, "default");
            ag_strand_fail_error(s, AG_FAIL_INPUT, err);
        } else {
            ag_ask_again(ask, argo_error_details(err));
        }
        return;
    }
    if (ag_strand_save_to(s, "save_to", value, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_strand_done(s);
}

static void start(struct ag_strand *s, void *state)
{
    struct ag_ask *ask = state;
    AG_AUTO(argo_error) err = NULL;
    const ag_value *rules = ag_strand_field(s, "validate");
    ask->answered = answered;
    if (ag_ask_prepare(ask, s, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ask->question.kind = AG_QUESTION_TEXT;
    ask->question.schema = rules != NULL ? schema_of(rules) : NULL;
    ag_ask_send(ask);
}

const struct ag_step_ops ag_step_user_ask = {
    .name = "user_ask",
    .state_size = sizeof(struct ag_ask),
    .start = start,
    .input = ag_ask_input,
    .free = ag_ask_free,
};
