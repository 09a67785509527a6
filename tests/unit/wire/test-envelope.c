/*
 * The exact text of each reply's shape, and that a client reads back what the daemon wrote.
 */
#include <string.h>

#include "lib/runner.h"
#include "wire/envelope.h"

static void check_text(const ag_value *v, const char *expected)
{
    ag_auto_free char *text = ag_value_print(v, NULL);
    ck_assert_str_eq(text, expected);
}

static argo_error *make_error(void)
{
    argo_error *err = NULL;
    ag_error_field(&err, ARGO_E_NO_TEMPLATE, "template", "Template '%s' does not exist", "x");
    return err;
}

static argo_error *make_problems(void)
{
    argo_error *err = NULL;
    ag_error_set(&err, ARGO_E_TEMPLATE, "2 problems");
    struct argo_problem full = {"f.json", "steps[0]", 3, 7, "unknown type", "one of a, b", "a"};
    struct argo_problem bare = {.file = "", .path = "", .message = "no steps"};
    ag_error_add_problem(&err, ARGO_E_TEMPLATE, &full);
    ag_error_add_problem(&err, ARGO_E_TEMPLATE, &bare);
    return err;
}

static const char problems_text[] =
    "\"problems\":[{\"file\":\"f.json\",\"path\":\"steps[0]\",\"line\":3,\"column\":7,"
    "\"message\":\"unknown type\",\"expected\":\"one of a, b\",\"nearest\":\"a\"},"
    "{\"message\":\"no steps\"}]";

START_TEST(success)
{
    AG_AUTO(ag_value) reply = ag_envelope_success();
    ck_assert_int_eq(ag_value_set(reply, "workflow_id", ag_value_text("w")), 0);
    AG_AUTO(ag_value) data = ag_value_object();
    ck_assert_int_eq(ag_value_set(data, "pid", ag_value_int(1)), 0);
    ck_assert_int_eq(ag_envelope_finish(reply, ag_value_ref(data)), 0);
    check_text(reply, "{\"status\":\"success\",\"workflow_id\":\"w\",\"data\":{\"pid\":1}}");
    AG_AUTO(ag_value) empty = ag_envelope_success();
    ck_assert_int_eq(ag_envelope_finish(empty, NULL), 0);
    check_text(empty, "{\"status\":\"success\",\"data\":{}}");
    ck_assert_int_eq(ag_envelope_finish(NULL, NULL), ARGO_E_NOMEM);
}
END_TEST

START_TEST(error)
{
    AG_AUTO(argo_error) err = make_error();
    AG_AUTO(ag_value) reply = ag_envelope_error(err);
    check_text(reply, "{\"status\":\"error\",\"error\":{\"code\":1004,"
                      "\"message\":\"Template not found\",\"details\":\"Template 'x' does not "
                      "exist\",\"field\":\"template\"}}");
    AG_AUTO(argo_error) plain = NULL;
    ag_error_set(&plain, ARGO_E_SYSTEM, "bad\xff");
    AG_AUTO(ag_value) dirty = ag_envelope_error(plain);
    check_text(dirty, "{\"status\":\"error\",\"error\":{\"code\":1399,"
                      "\"message\":\"System error\",\"details\":\"bad\xef\xbf\xbd\"}}");
}
END_TEST

START_TEST(problem)
{
    AG_AUTO(argo_error) err = make_error();
    AG_AUTO(ag_value) reply = ag_envelope_problem(err);
    check_text(reply, "{\"type\":\"urn:argo:error:1004\",\"title\":\"Template not found\","
                      "\"status\":404,\"detail\":\"Template 'x' does not exist\",\"code\":1004,"
                      "\"field\":\"template\"}");
}
END_TEST

START_TEST(several_problems)
{
    AG_AUTO(argo_error) err = make_problems();
    AG_AUTO(ag_value) reply = ag_envelope_error(err);
    AG_AUTO(ag_value) rfc = ag_envelope_problem(err);
    ag_auto_free char *text = ag_value_print(reply, NULL);
    ag_auto_free char *rfc_text = ag_value_print(rfc, NULL);
    ck_assert_ptr_nonnull(strstr(text, problems_text));
    ck_assert_ptr_nonnull(strstr(rfc_text, problems_text));
    ck_assert_int_eq(ag_value_get_int(rfc, "status", 0), 422);
}
END_TEST

START_TEST(reads_back)
{
    AG_AUTO(argo_error) sent = make_error();
    AG_AUTO(ag_value) reply = ag_envelope_error(sent);
    size_t len = 0;
    ag_auto_free char *text = ag_value_print(reply, &len);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_envelope_read_error(text, len, 404, &err), ARGO_E_NO_TEMPLATE);
    ck_assert_int_eq(argo_error_code(err), ARGO_E_NO_TEMPLATE);
    ck_assert_str_eq(argo_error_details(err), argo_error_details(sent));
    ck_assert_str_eq(argo_error_field(err), "template");
    ck_assert_int_eq(ag_envelope_read_error(text, len, 404, NULL), ARGO_E_NO_TEMPLATE);
}
END_TEST

START_TEST(reads_problems_back)
{
    AG_AUTO(argo_error) sent = make_problems();
    AG_AUTO(ag_value) reply = ag_envelope_error(sent);
    size_t len = 0;
    ag_auto_free char *text = ag_value_print(reply, &len);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_envelope_read_error(text, len, 422, &err), ARGO_E_TEMPLATE);
    ck_assert_uint_eq(argo_error_problem_count(err), 2);
    AG_AUTO(ag_value) again = ag_envelope_error(err);
    check_text(again, text);
    ck_assert_int_eq(ag_envelope_read_error(text, len, 422, NULL), ARGO_E_TEMPLATE);
}
END_TEST

START_TEST(refuses_other_replies)
{
    static const char *const texts[] = {
        "",
        "<html>502</html>",
        "{}",
        "[1004]",
        "{\"error\":\"text\"}",
        "{\"error\":{\"code\":\"1004\"}}",
        "{\"error\":{\"code\":999}}",
        "{\"error\":{\"code\":10000}}",
        "{\"error\":{\"code\":1004}",
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(texts); i++) {
        AG_AUTO(argo_error) err = NULL;
        int rc = ag_envelope_read_error(texts[i], strlen(texts[i]), 502, &err);
        ck_assert_msg(rc == ARGO_E_PROTOCOL, "%s", texts[i]);
        ck_assert_ptr_nonnull(strstr(argo_error_details(err), "502"));
    }
}
END_TEST

START_TEST(reads_sloppy_errors)
{
    static const char text[] =
        "{\"error\":{\"code\":1008,\"details\":5,\"problems\":[1,{\"line\":-4,\"message\":\"m\"}]}}";
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_envelope_read_error(text, strlen(text), 409, &err), ARGO_E_STATE);
    ck_assert_str_eq(argo_error_details(err), "");
    ck_assert_uint_eq(argo_error_problem_count(err), 2);
    ck_assert_ptr_null(argo_error_problem(err, 0)->message);
    ck_assert_uint_eq(argo_error_problem(err, 1)->line, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wire-envelope");
    TCase *writing = tcase_create("write");
    tcase_add_test(writing, success);
    tcase_add_test(writing, error);
    tcase_add_test(writing, problem);
    tcase_add_test(writing, several_problems);
    suite_add_tcase(s, writing);
    TCase *reading = tcase_create("read");
    tcase_add_test(reading, reads_back);
    tcase_add_test(reading, reads_problems_back);
    tcase_add_test(reading, refuses_other_replies);
    tcase_add_test(reading, reads_sloppy_errors);
    suite_add_tcase(s, reading);
    return s;
}

ARGO_TEST_MAIN(suite)
