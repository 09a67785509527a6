/*
 * Answers: what a person typed, or a program sent, checked against the question. Pure functions.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "domain/internal.h"

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
                        "'%s' is none of the choices: expected a number, label or unique prefix "
                        "of: %s",
                        given, ag_buf_text(&list));
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

static char *trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", text[0]) != NULL) {
        text++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        len--;
    }
    return ag_strndup(text, len);
}

static int add_choice(const struct ag_question *q, const char *text, ag_value *list,
                      argo_error **err)
{
    ag_value *one = NULL;
    int r = one_choice(q, text, &one, err);
    if (r == 0 && ag_value_append(list, one) < 0) {
        r = ag_error_nomem(err);
    }
    return r;
}

static int several_choices(const struct ag_question *q, const char *text, ag_value **out,
                           argo_error **err)
{
    AG_AUTO(ag_value) list = ag_value_array();
    int r = list == NULL ? ag_error_nomem(err) : 0;
    while (r == 0 && *text != '\0') {
        size_t len = strcspn(text, ",");
        ag_auto_free char *part = trimmed(text, len);
        r = part == NULL ? ag_error_nomem(err) : add_choice(q, part, list, err);
        text += len + (text[len] == ',' ? 1 : 0);
    }
    if (r == 0) {
        *out = ag_take(list);
    }
    return r;
}

static int confirm(const char *text, ag_value **out, argo_error **err)
{
    static const char *const yes[] = {"y", "yes", "true"};
    static const char *const no[] = {"n", "no", "false"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(yes); i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = ag_value_bool(strcasecmp(text, yes[i]) == 0);
            return *out == NULL ? ag_error_nomem(err) : 0;
        }
    }
    return ag_error_set(err, ARGO_E_ANSWER, "'%s' is no answer: expected yes or no", text);
}

int ag_answer_from_text(const struct ag_question *q, const char *text, ag_value **out,
                        argo_error **err)
{
    ag_auto_free char *line = trimmed(text, strlen(text));
    if (line == NULL) {
        return ag_error_nomem(err);
    }
    if (line[0] == '\0' && q->default_answer != NULL) {
        *out = ag_value_ref(q->default_answer);
        return 0;
    }
    switch ((enum ag_question_kind)q->kind) {
    case AG_QUESTION_CHOICE:
        return q->multiple ? several_choices(q, line, out, err) : one_choice(q, line, out, err);
    case AG_QUESTION_CONFIRM:
    case AG_QUESTION_PERMISSION:
        return confirm(line, out, err);
    case AG_QUESTION_TEXT:
        *out = ag_value_text_sane(line, strlen(line));
        return *out == NULL ? ag_error_nomem(err) : 0;
    case AG_QUESTION_FORM:
        break;
    }
    return ag_error_set(err, ARGO_E_ANSWER, "A form is answered with an object, not with text");
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
        if (r < 0) {
            return r;
        }
        if (ag_value_append(list, one) < 0) {
            return ag_error_nomem(err);
        }
    }
    *out = ag_take(list);
    return 0;
}

static int wrong_type(const char *expected, argo_error **err)
{
    return ag_error_field(err, ARGO_E_ANSWER, "answer", "answer: expected %s", expected);
}

int ag_answer_check(const struct ag_question *q, const ag_value *answer, ag_value **out,
                    argo_error **err)
{
    switch ((enum ag_question_kind)q->kind) {
    case AG_QUESTION_CHOICE:
        if (q->multiple && ag_value_is(answer, ARGO_TYPE_ARRAY)) {
            return check_choices(q, answer, out, err);
        }
        if (q->multiple && ag_value_is(answer, ARGO_TYPE_TEXT)) {
            return several_choices(q, ag_value_as_text(answer), out, err);
        }
        return q->multiple ? wrong_type("an array of choices", err)
                           : check_choice(q, answer, out, err);
    case AG_QUESTION_CONFIRM:
    case AG_QUESTION_PERMISSION:
        if (ag_value_is(answer, ARGO_TYPE_TEXT)) {
            return confirm(ag_value_as_text(answer), out, err);
        }
        if (!ag_value_is(answer, ARGO_TYPE_BOOL)) {
            return wrong_type("true or false", err);
        }
        break;
    case AG_QUESTION_TEXT:
        if (!ag_value_is(answer, ARGO_TYPE_TEXT)) {
            return wrong_type("text", err);
        }
        break;
    case AG_QUESTION_FORM:
        if (!ag_value_is(answer, ARGO_TYPE_OBJECT)) {
            return wrong_type("an object", err);
        }
        break;
    }
    *out = ag_value_ref(answer);
    return 0;
}
