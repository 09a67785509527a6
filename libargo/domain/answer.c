/*
 * Answers: what a person typed, or a program sent, checked against the question; and questions
 * themselves, which must be such that they can be answered. Pure functions.
 *
 * No message repeats a secret answer.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "domain/internal.h"
#include "template/answers.h"

#define BLANKS " \t\r\n"

/* ---- choices --------------------------------------------------------------------------------- */

static const char *choice_label(const ag_value *choice)
{
    return ag_value_get_text(choice, "label", "");
}

/* A choice's answer is its value, or its label when it has none. */
static ag_value *choice_answer(const ag_value *choice)
{
    ag_value *value = ag_value_get(choice, "value");
    return value != NULL ? ag_value_ref(value) : ag_value_text(choice_label(choice));
}

static int bad_choice(const struct ag_question *q, const char *given, argo_error **err)
{
    ag_auto_buf list = AG_BUF_INIT(4096);
    struct ag_value_iter it = {0};
    while (ag_value_next(q->choices, &it)) {
        ag_buf_printf(&list, "%s%zu %s", it.index == 0 ? "" : ", ", it.index + 1,
                      choice_label(it.value));
    }
    return ag_error_set(err, ARGO_E_ANSWER,
                        "%s%s%s is none of the choices: expected a number, label or unique prefix "
                        "of: %s",
                        q->secret ? "" : "'", q->secret ? "this" : given, q->secret ? "" : "'",
                        ag_buf_text(&list));
}

static bool value_matches(const ag_value *choice, const char *text)
{
    const ag_value *value = ag_value_get(choice, "value");
    const char *as_text = ag_value_as_text(value);
    return as_text != NULL && strcmp(as_text, text) == 0;
}

/* By number, exact label or value, then unique prefix of a label (letters' case is ignored). */
static const ag_value *find_choice(const struct ag_question *q, const char *text)
{
    const ag_value *prefix = NULL;
    size_t prefixes = 0;
    struct ag_value_iter it = {0};
    while (ag_value_next(q->choices, &it)) {
        if (strcasecmp(choice_label(it.value), text) == 0 || value_matches(it.value, text)) {
            return it.value;
        }
        if (strncasecmp(choice_label(it.value), text, strlen(text)) == 0) {
            prefix = it.value;
            prefixes++;
        }
    }
    int64_t number = 0;
    int64_t n = (int64_t)ag_value_size(q->choices);
    if (ag_parse_i64(text, "choice", 1, n, &number, NULL) == 0) {
        return ag_value_at(q->choices, (size_t)number - 1);
    }
    return prefixes == 1 && text[0] != '\0' ? prefix : NULL;
}

static int one_choice(const struct ag_question *q, const char *text, ag_value **out,
                      argo_error **err)
{
    const ag_value *choice = find_choice(q, text);
    if (choice == NULL) {
        return bad_choice(q, text, err);
    }
    *out = choice_answer(choice);
    return *out == NULL ? ag_error_nomem(err) : 0;
}

/* Without the blanks around it. */
static char *trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(BLANKS, text[0]) != NULL) {
        text++;
        len--;
    }
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL) {
        len--;
    }
    return ag_strndup(text, len);
}

/* Takes ONE, which must not be in LIST yet. */
static int add_choice(const struct ag_question *q, ag_value *one, ag_value *list, argo_error **err)
{
    AG_AUTO(ag_value) choice = one;
    struct ag_value_iter it = {0};
    while (ag_value_next(list, &it)) {
        if (ag_value_equal(it.value, choice)) {
            ag_auto_free char *text = q->secret ? NULL : ag_value_display(choice);
            return ag_error_set(err, ARGO_E_ANSWER, "%s is chosen twice",
                                text != NULL ? text : "one of the choices");
        }
    }
    return ag_value_append(list, ag_take(choice)) < 0 ? ag_error_nomem(err) : 0;
}

static int several_choices(const struct ag_question *q, const char *text, ag_value **out,
                           argo_error **err)
{
    AG_AUTO(ag_value) list = ag_value_array();
    int r = list == NULL ? ag_error_nomem(err) : 0;
    if (*text == '\0') {
        return bad_choice(q, text, err); /* none at all is [], on purpose */
    }
    while (r == 0 && *text != '\0') {
        size_t len = strcspn(text, ",");
        ag_auto_free char *part = trimmed(text, len);
        ag_value *one = NULL;
        r = part == NULL ? ag_error_nomem(err) : one_choice(q, part, &one, err);
        if (r == 0) {
            r = add_choice(q, one, list, err);
        }
        text += len + (text[len] == ',' ? 1 : 0);
    }
    if (r == 0) {
        *out = ag_take(list);
    }
    return r;
}

/* An element of a choice's answer as a program sends it: a value, label or number. */
static int check_choice(const struct ag_question *q, const ag_value *answer, ag_value **out,
                        argo_error **err)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(q->choices, &it)) {
        AG_AUTO(ag_value) value = choice_answer(it.value);
        if (ag_value_equal(value, answer)) {
            *out = ag_take(value);
            return 0;
        }
    }
    ag_auto_free char *text = ag_value_display(answer);
    return text == NULL ? ag_error_nomem(err) : one_choice(q, text, out, err);
}

static int check_choices(const struct ag_question *q, const ag_value *answer, ag_value **out,
                         argo_error **err)
{
    AG_AUTO(ag_value) list = ag_value_array();
    struct ag_value_iter it = {0};
    while (ag_value_next(answer, &it)) {
        ag_value *one = NULL;
        int r = check_choice(q, it.value, &one, err);
        if (r == 0) {
            r = add_choice(q, one, list, err);
        }
        if (r < 0) {
            return r;
        }
    }
    *out = ag_take(list);
    return 0;
}

static int wrong_type(const char *expected, argo_error **err)
{
    return ag_error_field(err, ARGO_E_ANSWER, "answer", "answer: expected %s", expected);
}

static int read_choice(const struct ag_question *q, const ag_value *answer, ag_value **out,
                       argo_error **err)
{
    if (!q->multiple) {
        return check_choice(q, answer, out, err);
    }
    if (ag_value_is(answer, ARGO_TYPE_ARRAY)) {
        return check_choices(q, answer, out, err);
    }
    return ag_value_is(answer, ARGO_TYPE_TEXT)
               ? several_choices(q, ag_value_as_text(answer), out, err)
               : wrong_type("an array of choices", err);
}

/* ---- yes and no ------------------------------------------------------------------------------ */

/* A truth; with a reason {"approved", "reason"}. */
static int make_verdict(bool yes, const char *reason, ag_value **out, argo_error **err)
{
    ag_auto_free char *why = reason != NULL ? trimmed(reason, strlen(reason)) : NULL;
    if (why == NULL || why[0] == '\0') {
        *out = ag_value_bool(yes);
        return *out == NULL ? ag_error_nomem(err) : 0;
    }
    AG_AUTO(ag_value) verdict = ag_value_object();
    if (ag_value_set(verdict, "approved", ag_value_bool(yes)) < 0 ||
        ag_value_set(verdict, "reason", ag_value_text_sane(why, strlen(why))) < 0) {
        return ag_error_nomem(err);
    }
    *out = ag_take(verdict);
    return 0;
}

/* "yes", "no"; and with a reason behind a comma, colon or semicolon: "no, it is Friday". */
static int read_verdict(const char *text, ag_value **out, argo_error **err)
{
    static const char *const words[] = {"n", "y", "no", "yes", "false", "true"};
    size_t len = strcspn(text, BLANKS ",:;");
    const char *rest = text + len + strspn(text + len, BLANKS);
    for (size_t i = 0; i < AG_ARRAY_SIZE(words); i++) {
        if (strlen(words[i]) == len && strncasecmp(text, words[i], len) == 0 &&
            (*rest == '\0' || strchr(",:;", *rest) != NULL)) {
            return make_verdict(i % 2 == 1, *rest == '\0' ? NULL : rest + 1, out, err);
        }
    }
    return ag_error_field(err, ARGO_E_ANSWER, "answer",
                          "answer: expected yes or no, or with a reason: \"no, because ...\"");
}

static int check_verdict(const ag_value *answer, ag_value **out, argo_error **err)
{
    const ag_value *yes = ag_value_get(answer, "approved");
    const ag_value *reason = ag_value_get(answer, "reason");
    size_t known = (size_t)(yes != NULL) + (size_t)(reason != NULL);
    if (ag_value_is(answer, ARGO_TYPE_TEXT)) {
        ag_auto_free char *line = trimmed(ag_value_as_text(answer), ag_value_text_len(answer));
        return line == NULL ? ag_error_nomem(err) : read_verdict(line, out, err);
    }
    if (ag_value_is(answer, ARGO_TYPE_BOOL)) {
        *out = ag_value_ref(answer);
        return 0;
    }
    if (!ag_value_is(yes, ARGO_TYPE_BOOL) || known != ag_value_size(answer) ||
        (!ag_value_is(reason, ARGO_TYPE_NULL) && !ag_value_is(reason, ARGO_TYPE_TEXT))) {
        return wrong_type("true or false, or {\"approved\":true or false,\"reason\":text}", err);
    }
    return make_verdict(ag_value_as_bool(yes), ag_value_as_text(reason), out, err);
}

/* ---- all kinds ------------------------------------------------------------------------------- */

/* ANSWER as it counts for its kind, before the schema is asked. */
static int read_answer(const struct ag_question *q, const ag_value *answer, ag_value **out,
                       argo_error **err)
{
    switch ((enum ag_question_kind)q->kind) {
    case AG_QUESTION_CHOICE:
        return read_choice(q, answer, out, err);
    case AG_QUESTION_CONFIRM:
    case AG_QUESTION_PERMISSION:
        return check_verdict(answer, out, err);
    case AG_QUESTION_TEXT:
        if (q->schema == NULL && !ag_value_is(answer, ARGO_TYPE_TEXT)) {
            return wrong_type("text", err);
        }
        *out = ag_answer_typed(q->schema, answer);
        return *out == NULL ? ag_error_nomem(err) : 0;
    case AG_QUESTION_FORM:
        break;
    }
    return ag_value_is(answer, ARGO_TYPE_OBJECT) ? ag_form_fill(q->schema, answer, out, err)
                                                 : wrong_type("an object, as this is a form", err);
}

int ag_answer_check(const struct ag_question *q, const ag_value *answer, ag_value **out,
                    argo_error **err)
{
    AG_AUTO(ag_value) read = NULL;
    int r = read_answer(q, answer, &read, err);
    if (r == 0 && q->schema != NULL) {
        r = ag_schema_validate(q->schema, "answer", read, q->secret, err);
    }
    if (r == 0) {
        *out = ag_take(read);
    }
    return r;
}

/* A secret may have blanks around it. */
static char *line_of(const struct ag_question *q, const char *text)
{
    return q->secret ? ag_strndup(text, strcspn(text, "\r\n")) : trimmed(text, strlen(text));
}

int ag_answer_from_text(const struct ag_question *q, const char *text, ag_value **out,
                        argo_error **err)
{
    ag_auto_free char *line = line_of(q, text);
    AG_AUTO(ag_value) answer = line == NULL ? NULL : ag_value_text_sane(line, strlen(line));
    if (answer == NULL) {
        return ag_error_nomem(err);
    }
    if (line[0] == '\0' && q->default_answer != NULL) {
        *out = ag_value_ref(q->default_answer);
        return 0;
    }
    return ag_answer_check(q, answer, out, err);
}

/* ---- questions ------------------------------------------------------------------------------- */

static int check_labels(const struct ag_question *q, argo_error **err)
{
    struct ag_value_iter it = {0};
    if (q->kind == AG_QUESTION_CHOICE && ag_value_size(q->choices) == 0) {
        return ag_error_field(err, ARGO_E_INVALID, "choices",
                              "choices: a choice needs at least one");
    }
    while (ag_value_next(q->choices, &it)) {
        if (ag_value_get_text(it.value, "label", NULL) == NULL) {
            return ag_error_field(err, ARGO_E_INVALID, "choices",
                                  "choices[%zu]: expected an object with a label", it.index);
        }
    }
    return 0;
}

/* The defaults of a form are filled in: each must be what its own schema wants. */
static int check_field_defaults(const struct ag_question *q, argo_error **err)
{
    struct ag_value_iter it = {0};
    int r = 0;
    while (q->kind == AG_QUESTION_FORM && r == 0 &&
           ag_value_next(ag_value_get(q->schema, "properties"), &it)) {
        const ag_value *standard = ag_value_get(it.value, "default");
        AG_AUTO(argo_error) why = NULL;
        if (standard != NULL &&
            ag_schema_validate(it.value, "default", standard, false, &why) < 0) {
            r = ag_error_field(err, ARGO_E_INVALID, "schema", "schema.properties.%s.%s", it.key,
                               argo_error_details(why));
        }
    }
    return r;
}

static int check_schema(const struct ag_question *q, argo_error **err)
{
    int r = q->schema == NULL ? 0 : ag_schema_check("schema", q->schema, err);
    return r < 0 ? r : check_field_defaults(q, err);
}

static int check_on_deadline(const struct ag_question *q, argo_error **err)
{
    if (q->on_deadline != NULL && strcmp(q->on_deadline, "default") != 0 &&
        strcmp(q->on_deadline, "fail") != 0) {
        return ag_error_field(err, ARGO_E_INVALID, "on_deadline",
                              "on_deadline is '%s', expected default or fail", q->on_deadline);
    }
    if (ag_streq(q->on_deadline, "default") && q->default_answer == NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "on_deadline",
                              "on_deadline is 'default', but the question has none");
    }
    return 0;
}

/* A default must be an answer; of a text without a schema it may be any value. */
static int check_default(const struct ag_question *q, ag_value **out, argo_error **err)
{
    AG_AUTO(argo_error) why = NULL;
    bool verdict = q->kind == AG_QUESTION_CONFIRM || q->kind == AG_QUESTION_PERMISSION;
    if (q->default_answer == NULL || (q->kind == AG_QUESTION_TEXT && q->schema == NULL)) {
        *out = ag_value_ref(q->default_answer);
        return 0;
    }
    if (ag_answer_check(q, q->default_answer, out, &why) < 0) {
        return ag_error_field(err, ARGO_E_INVALID, "default", "default: %s",
                              argo_error_details(why));
    }
    if (verdict && (!ag_value_is(*out, ARGO_TYPE_BOOL) || ag_value_as_bool(*out))) {
        ag_value_unref(ag_take(*out));
        return ag_error_field(err, ARGO_E_INVALID, "default",
                              "default: nobody's silence is a yes, expected false");
    }
    return 0;
}

int ag_question_check(const struct ag_question *q, ag_value **standard, argo_error **err)
{
    int r = check_labels(q, err);
    r = r < 0 ? r : check_on_deadline(q, err);
    r = r < 0 ? r : check_schema(q, err);
    return r < 0 ? r : check_default(q, standard, err);
}
