/*
 * Answers as people type them and as programs send them.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static struct ag_question question(int kind, bool multiple)
{
    return (struct ag_question){.kind = kind, .multiple = multiple};
}

/* What TEXT becomes, as JSON; or "!" when it is refused. */
static const char *typed(const struct ag_question *q, const char *text)
{
    static char out[256];
    AG_AUTO(ag_value) v = NULL;
    AG_AUTO(argo_error) err = NULL;
    if (ag_answer_from_text(q, text, &v, &err) < 0) {
        ck_assert_int_eq(argo_error_code(err), ARGO_E_ANSWER);
        return "!";
    }
    ag_auto_free char *printed = ag_value_print(v, NULL);
    snprintf(out, sizeof(out), "%s", printed);
    return out;
}

static const char *sent(const struct ag_question *q, const char *text)
{
    static char out[256];
    AG_AUTO(ag_value) given = json(text);
    AG_AUTO(ag_value) v = NULL;
    AG_AUTO(argo_error) err = NULL;
    if (ag_answer_check(q, given, &v, &err) < 0) {
        ck_assert_int_eq(argo_error_code(err), ARGO_E_ANSWER);
        return "!";
    }
    ag_auto_free char *printed = ag_value_print(v, NULL);
    snprintf(out, sizeof(out), "%s", printed);
    return out;
}

static const char colours[] = "[{\"label\":\"red\",\"value\":\"r\"},{\"label\":\"green\"},"
                              "{\"label\":\"grey\",\"value\":7}]";

START_TEST(choices)
{
    AG_AUTO(ag_value) list = json(colours);
    struct ag_question q = question(AG_QUESTION_CHOICE, false);
    q.choices = list;
    ck_assert_str_eq(typed(&q, "1"), "\"r\"");
    ck_assert_str_eq(typed(&q, " 3\n"), "7");
    ck_assert_str_eq(typed(&q, "r"), "\"r\"");
    ck_assert_str_eq(typed(&q, "RED"), "\"r\"");
    ck_assert_str_eq(typed(&q, "gree"), "\"green\"");
    ck_assert_str_eq(typed(&q, "gr"), "!");
    ck_assert_str_eq(typed(&q, "0"), "!");
    ck_assert_str_eq(typed(&q, "4"), "!");
    ck_assert_str_eq(typed(&q, ""), "!");
    ck_assert_str_eq(typed(&q, "blue"), "!");
    ck_assert_str_eq(sent(&q, "7"), "7");
    ck_assert_str_eq(sent(&q, "2"), "\"green\"");
    ck_assert_str_eq(sent(&q, "\"red\""), "\"r\"");
    ck_assert_str_eq(sent(&q, "[\"red\"]"), "!");
    ck_assert_str_eq(sent(&q, "null"), "!");
    AG_AUTO(ag_value) fallback = ag_value_text("r");
    q.default_answer = fallback;
    ck_assert_str_eq(typed(&q, " "), "\"r\"");
}
END_TEST

START_TEST(a_label_wins_over_a_number)
{
    AG_AUTO(ag_value) list = json("[{\"label\":\"2\"},{\"label\":\"1\"}]");
    struct ag_question q = question(AG_QUESTION_CHOICE, false);
    q.choices = list;
    ck_assert_str_eq(typed(&q, "1"), "\"1\"");
}
END_TEST

START_TEST(several_choices)
{
    AG_AUTO(ag_value) list = json(colours);
    struct ag_question q = question(AG_QUESTION_CHOICE, true);
    q.choices = list;
    ck_assert_str_eq(typed(&q, "red, 3"), "[\"r\",7]");
    ck_assert_str_eq(typed(&q, "red,,3"), "!");
    ck_assert_str_eq(typed(&q, "red, blue"), "!");
    ck_assert_str_eq(sent(&q, "[\"green\",7]"), "[\"green\",7]");
    ck_assert_str_eq(sent(&q, "[\"green\",8]"), "!");
    ck_assert_str_eq(sent(&q, "\"1,2\""), "[\"r\",\"green\"]");
    ck_assert_str_eq(sent(&q, "1"), "!");
}
END_TEST

START_TEST(yes_and_no)
{
    static const int kinds[] = {AG_QUESTION_CONFIRM, AG_QUESTION_PERMISSION};
    struct ag_question q = question(kinds[_i], false);
    ck_assert_str_eq(typed(&q, "y"), "true");
    ck_assert_str_eq(typed(&q, "YES"), "true");
    ck_assert_str_eq(typed(&q, "No"), "false");
    ck_assert_str_eq(typed(&q, "n"), "false");
    ck_assert_str_eq(typed(&q, "maybe"), "!");
    ck_assert_str_eq(typed(&q, ""), "!");
    ck_assert_str_eq(sent(&q, "true"), "true");
    ck_assert_str_eq(sent(&q, "\"no\""), "false");
    ck_assert_str_eq(sent(&q, "1"), "!");
}
END_TEST

START_TEST(text_and_forms)
{
    struct ag_question q = question(AG_QUESTION_TEXT, false);
    ck_assert_str_eq(typed(&q, "  hello \n"), "\"hello\"");
    ck_assert_str_eq(sent(&q, "\" x \""), "\" x \"");
    ck_assert_str_eq(sent(&q, "1"), "!");
    q.kind = AG_QUESTION_FORM;
    ck_assert_str_eq(typed(&q, "x"), "!");
    ck_assert_str_eq(sent(&q, "{\"a\":1}"), "{\"a\":1}");
    ck_assert_str_eq(sent(&q, "[1]"), "!");
}
END_TEST

static Suite *answer_suite(void)
{
    Suite *suite = suite_create("domain-answer");
    TCase *tc = tcase_create("answer");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, choices);
    tcase_add_test(tc, a_label_wins_over_a_number);
    tcase_add_test(tc, several_choices);
    tcase_add_loop_test(tc, yes_and_no, 0, 2);
    tcase_add_test(tc, text_and_forms);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(answer_suite)
