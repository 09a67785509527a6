/*
 * Answers as people type them and as programs send them; questions that can be answered at all.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"
#include "wire/envelope.h"

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
    ck_assert_str_eq(typed(&q, "red,1"), "!");
    ck_assert_str_eq(typed(&q, ""), "!");
    ck_assert_str_eq(sent(&q, "[\"red\",\"r\"]"), "!");
    ck_assert_str_eq(sent(&q, "[]"), "[]");
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

START_TEST(reasons)
{
    struct ag_question q = question(AG_QUESTION_CONFIRM, false);
    ck_assert_str_eq(typed(&q, "No, it is Friday "),
                     "{\"approved\":false,\"reason\":\"it is Friday\"}");
    ck_assert_str_eq(typed(&q, "y :fine"), "{\"approved\":true,\"reason\":\"fine\"}");
    ck_assert_str_eq(typed(&q, "yes;"), "true");
    ck_assert_str_eq(typed(&q, "yes or no"), "!");
    ck_assert_str_eq(typed(&q, "no-one"), "!");
    ck_assert_str_eq(typed(&q, ", why"), "!");
    ck_assert_str_eq(sent(&q, "{\"approved\":false,\"reason\":\" late \"}"),
                     "{\"approved\":false,\"reason\":\"late\"}");
    ck_assert_str_eq(sent(&q, "{\"approved\":true,\"reason\":\"\"}"), "true");
    ck_assert_str_eq(sent(&q, "{\"approved\":true,\"reason\":null}"), "true");
    ck_assert_str_eq(sent(&q, "{\"approved\":true}"), "true");
    ck_assert_str_eq(sent(&q, "{\"reason\":\"x\"}"), "!");
    ck_assert_str_eq(sent(&q, "{\"approved\":1}"), "!");
    ck_assert_str_eq(sent(&q, "{\"approved\":true,\"reason\":1}"), "!");
    ck_assert_str_eq(sent(&q, "{\"approved\":true,\"because\":\"x\"}"), "!");
    ck_assert_str_eq(sent(&q, "\"no, late\""), "{\"approved\":false,\"reason\":\"late\"}");
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

/* Texts become what the schema wants, and are checked as that. */
START_TEST(texts_are_typed)
{
    static const struct {
        const char *schema, *text, *becomes;
    } cases[] = {
        {"{\"type\":\"integer\",\"minimum\":2}", "3", "3"},
        {"{\"type\":\"integer\",\"minimum\":2}", "3.0", "3"},
        {"{\"type\":\"integer\",\"minimum\":2}", "1", "!"},
        {"{\"type\":\"integer\"}", "three", "!"},
        {"{\"type\":\"integer\"}", "2.5", "!"},
        {"{\"type\":\"integer\"}", "", "!"},
        {"{\"type\":\"number\"}", "2.5", "2.5"},
        {"{\"type\":\"number\"}", "1e999", "!"},
        {"{\"type\":\"number\"}", "nan", "!"},
        {"{\"type\":\"boolean\"}", "Yes", "true"},
        {"{\"type\":\"boolean\"}", "n", "false"},
        {"{\"type\":\"boolean\"}", "maybe", "!"},
        {"{\"type\":\"string\"}", "3", "\"3\""},
        {"{\"type\":[\"string\",\"integer\"]}", "3", "\"3\""},
        {"{\"type\":[\"integer\",\"boolean\"]}", "yes", "true"},
        {"{\"type\":[\"integer\",\"null\"]}", "null", "null"},
        {"{\"enum\":[1,\"two\",true]}", "1", "1"},
        {"{\"enum\":[1,\"two\",true]}", "two", "\"two\""},
        {"{\"enum\":[1,\"two\",true]}", "3", "!"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "[1,2]", "[1,2]"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "[\"a\"]", "!"},
        {"{\"type\":\"object\"}", "{}", "{}"},
        {"{\"minLength\":2}", "ab", "\"ab\""},
        {"{\"pattern\":\"^a\"}", "ba", "!"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        struct ag_question q = question(AG_QUESTION_TEXT, false);
        AG_AUTO(ag_value) schema = json(cases[i].schema);
        AG_AUTO(ag_value) text = ag_value_text(cases[i].text);
        ag_auto_free char *as_json = ag_value_print(text, NULL);
        q.schema = schema;
        ck_assert_msg(strcmp(typed(&q, cases[i].text), cases[i].becomes) == 0, "%s: %s",
                      cases[i].schema, cases[i].text);
        ck_assert_str_eq(sent(&q, as_json), cases[i].becomes);
    }
}
END_TEST

START_TEST(typed_answers)
{
    AG_AUTO(ag_value) schema = json("{\"type\":\"integer\",\"maximum\":9}");
    struct ag_question q = question(AG_QUESTION_TEXT, false);
    q.schema = schema;
    ck_assert_str_eq(sent(&q, "9"), "9");
    ck_assert_str_eq(sent(&q, "10"), "!");
    ck_assert_str_eq(sent(&q, "true"), "!");
}
END_TEST

static const char person[] =
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":1},"
    "\"age\":{\"type\":\"integer\",\"default\":7},\"member\":{\"type\":\"boolean\"}},"
    "\"required\":[\"name\"],\"additionalProperties\":false}";

START_TEST(forms_by_schema)
{
    AG_AUTO(ag_value) schema = json(person);
    AG_AUTO(ag_value) given = json("{\"age\":\"old\",\"nmae\":\"Ann\"}");
    AG_AUTO(ag_value) v = NULL;
    AG_AUTO(argo_error) err = NULL;
    struct ag_question q = question(AG_QUESTION_FORM, false);
    q.schema = schema;
    ck_assert_str_eq(sent(&q, "{\"name\":\"Ann\"}"), "{\"name\":\"Ann\",\"age\":7}");
    ck_assert_str_eq(sent(&q, "{\"name\":\"Ann\",\"age\":\"8\",\"member\":\"y\"}"),
                     "{\"name\":\"Ann\",\"age\":8,\"member\":true}");
    ck_assert_str_eq(sent(&q, "{\"name\":\"\"}"), "!");
    ck_assert_str_eq(sent(&q, "[]"), "!");
    ck_assert_int_eq(ag_answer_check(&q, given, &v, &err), ARGO_E_ANSWER);
    ck_assert_uint_eq(argo_error_problem_count(err), 3);
    ck_assert_str_eq(argo_error_problem(err, 0)->path, "answer.age");
    ck_assert_str_eq(argo_error_problem(err, 0)->expected, "an integer");
    ck_assert_str_eq(argo_error_problem(err, 1)->path, "answer.name");
    ck_assert_str_eq(argo_error_problem(err, 2)->path, "answer.nmae");
    ck_assert_str_eq(argo_error_problem(err, 2)->nearest, "name");
    ck_assert_str_eq(argo_error_field(err), "answer");
}
END_TEST

/* Whatever a person types, or a program sends, as a secret: no error repeats it. */
START_TEST(secrets_are_not_repeated)
{
    static const int kinds[] = {AG_QUESTION_TEXT, AG_QUESTION_CHOICE, AG_QUESTION_CONFIRM,
                                AG_QUESTION_FORM, AG_QUESTION_PERMISSION};
    static const char *const sends[] = {"\"hunter2\"", "[\"hunter2\"]", "{\"hunter2\":\"hunter2\"}",
                                        "{\"pin\":\"hunter2\"}",
                                        "{\"approved\":true,\"reason\":[\"hunter2\"]}"};
    AG_AUTO(ag_value)
    schema = json("{\"type\":\"object\",\"properties\":{\"pin\":{\"type\":"
                  "\"integer\"}},\"additionalProperties\":false,\"minProperties\":2}");
    AG_AUTO(ag_value) list = json(colours);
    struct ag_question q = question(kinds[_i], false);
    q.secret = true;
    q.choices = list;
    q.schema = schema;
    for (int multiple = 0; multiple < 2; multiple++) {
        q.multiple = multiple != 0;
        for (size_t i = 0; i < AG_ARRAY_SIZE(sends); i++) {
            AG_AUTO(ag_value) given = json(sends[i]);
            AG_AUTO(ag_value) v = NULL;
            AG_AUTO(argo_error) err = NULL;
            ck_assert_int_eq(ag_answer_check(&q, given, &v, &err), ARGO_E_ANSWER);
            AG_AUTO(ag_value) reply = ag_envelope_error(err);
            ag_auto_free char *text = ag_value_print(reply, NULL);
            ck_assert_msg(strstr(text, "hunter2") == NULL, "%s", text);
        }
        AG_AUTO(ag_value) v = NULL;
        AG_AUTO(argo_error) err = NULL;
        ck_assert_int_eq(ag_answer_from_text(&q, "hunter2", &v, &err), ARGO_E_ANSWER);
        ck_assert_ptr_null(strstr(argo_error_details(err), "hunter2"));
    }
}
END_TEST

START_TEST(secrets_keep_their_blanks)
{
    struct ag_question q = question(AG_QUESTION_TEXT, false);
    q.secret = true;
    ck_assert_str_eq(typed(&q, " hunter 2 \r\n"), "\" hunter 2 \"");
}
END_TEST

/* ---- questions ------------------------------------------------------------------------------- */

/* The default of a question given as JSON, as it counts; or what is wrong with the question. */
static const char *asked(const char *text)
{
    static char out[512];
    AG_AUTO(ag_value) v = json(text);
    AG_AUTO(ag_value) standard = NULL;
    AG_AUTO(argo_error) err = NULL;
    struct ag_question q;
    ck_assert_int_eq(ag_value_set(v, "question_id", ag_value_text("q")), 0);
    ck_assert_int_eq(ag_value_set(v, "path", ag_value_text("p")), 0);
    ck_assert_int_eq(ag_value_set(v, "prompt", ag_value_text("?")), 0);
    ck_assert_int_eq(ag_record_decode(&ag_question_record, v, &q, NULL), 0);
    if (ag_question_check(&q, &standard, &err) < 0) {
        ck_assert_int_eq(argo_error_code(err), ARGO_E_INVALID);
        ck_assert_ptr_nonnull(argo_error_field(err));
        snprintf(out, sizeof(out), "%s", argo_error_details(err));
    } else {
        ag_auto_free char *printed = standard == NULL ? NULL : ag_value_print(standard, NULL);
        snprintf(out, sizeof(out), "%s", printed == NULL ? "" : printed);
    }
    ag_record_clear(&ag_question_record, &q);
    return out;
}

START_TEST(questions)
{
    static const struct {
        const char *question, *says;
    } cases[] = {
        {"{\"kind\":\"text\"}", ""},
        {"{\"kind\":\"text\",\"default\":[1]}", "[1]"},
        {"{\"kind\":\"text\",\"schema\":{\"type\":\"integer\"},\"default\":\"5\"}", "5"},
        {"{\"kind\":\"text\",\"schema\":{\"type\":\"integer\"},\"default\":\"five\"}",
         "default: answer: wrong type, expected an integer"},
        {"{\"kind\":\"text\",\"schema\":{\"typ\":1}}", "schema.typ: unknown word 'typ', expected "},
        {"{\"kind\":\"choice\",\"choices\":[{\"label\":\"a\",\"value\":1}],\"default\":\"a\"}",
         "1"},
        {"{\"kind\":\"choice\",\"choices\":[{\"label\":\"a\"}],\"default\":\"b\"}",
         "default: 'b' is none of the choices"},
        {"{\"kind\":\"choice\",\"choices\":[{\"label\":\"a\"}],\"multiple\":true,\"default\":[]}",
         "[]"},
        {"{\"kind\":\"choice\"}", "choices: a choice needs at least one"},
        {"{\"kind\":\"choice\",\"choices\":[1]}", "choices[0]: "},
        {"{\"kind\":\"confirm\",\"default\":false}", "false"},
        {"{\"kind\":\"confirm\",\"default\":\"no\"}", "false"},
        {"{\"kind\":\"confirm\",\"default\":true}", "default: nobody's silence is a yes"},
        {"{\"kind\":\"permission\",\"default\":\"yes\"}", "default: nobody's silence is a yes"},
        {"{\"kind\":\"permission\",\"default\":{\"approved\":false,\"reason\":\"x\"}}",
         "default: nobody's silence is a yes"},
        {"{\"kind\":\"text\",\"on_deadline\":\"default\"}", "on_deadline is 'default', but"},
        {"{\"kind\":\"text\",\"on_deadline\":\"maybe\"}", "on_deadline is 'maybe', expected"},
        {"{\"kind\":\"form\",\"schema\":{\"properties\":{\"a\":{\"type\":\"null\",\"default\":1}}}}",
         "schema.properties.a.default: wrong type, expected null"},
        {"{\"kind\":\"form\",\"schema\":{\"properties\":{\"a\":{\"default\":1}}},\"default\":{}}",
         "{\"a\":1}"},
        {"{\"kind\":\"form\",\"schema\":{\"required\":[\"a\"]},\"default\":{}}",
         "default: answer.a: missing, expected a value"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        const char *says = asked(cases[i].question);
        ck_assert_msg(strncmp(says, cases[i].says, strlen(cases[i].says)) == 0 &&
                          (cases[i].says[0] != '\0' || says[0] == '\0'),
                      "%s: %s", cases[i].question, says);
    }
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
    tcase_add_test(tc, reasons);
    tcase_add_test(tc, text_and_forms);
    tcase_add_test(tc, texts_are_typed);
    tcase_add_test(tc, typed_answers);
    tcase_add_test(tc, forms_by_schema);
    tcase_add_loop_test(tc, secrets_are_not_repeated, 0, 5);
    tcase_add_test(tc, secrets_keep_their_blanks);
    tcase_add_test(tc, questions);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(answer_suite)
