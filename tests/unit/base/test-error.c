/*
 * The error object: the table, building, wrapping, problems and copies.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "lib/runner.h"

START_TEST(table_has_every_code_once)
{
    static const int codes[] = {
#define X(symbol, wire, http, message) ARGO_E_##symbol,
#include "base/errors.def"
#undef X
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(codes); i++) {
        ck_assert_int_lt(codes[i], 0);
        ck_assert_int_ge(argo_code_wire(codes[i]), 1001);
        ck_assert_int_ge(argo_code_http_status(codes[i]), 400);
        ck_assert_str_ne(argo_code_message(codes[i]), "");
        for (size_t j = 0; j < i; j++) {
            ck_assert_int_ne(codes[i], codes[j]);
            ck_assert_str_ne(ag_code_name(codes[i]), ag_code_name(codes[j]));
        }
    }
    ck_assert_int_eq(argo_code_wire(ARGO_E_NO_TEMPLATE), 1004);
    ck_assert_int_eq(argo_code_http_status(ARGO_E_FENCED), 409);
    ck_assert_str_eq(ag_code_name(ARGO_E_NO_WORKFLOW), "NO_WORKFLOW");
    ck_assert_int_eq(argo_code_wire(-12345), 1399);
    ck_assert_str_eq(ag_code_name(-12345), "UNKNOWN");
    ck_assert_int_eq(argo_code_wire(ARGO_OK), 0);
}
END_TEST

START_TEST(set_fills_and_returns_the_code)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_error_set(&err, ARGO_E_ID, "id \"%s\"", "x y"), ARGO_E_ID);
    ck_assert_int_eq(argo_error_code(err), ARGO_E_ID);
    ck_assert_int_eq(argo_error_wire_code(err), 1003);
    ck_assert_int_eq(argo_error_http_status(err), 400);
    ck_assert_str_eq(argo_error_message(err), "Invalid id");
    ck_assert_str_eq(argo_error_details(err), "id \"x y\"");
    ck_assert_ptr_null(argo_error_field(err));
    ck_assert_uint_eq(argo_error_problem_count(err), 0);
    ck_assert_ptr_null(argo_error_problem(err, 0));
    ck_assert_int_eq(ag_error_set(NULL, ARGO_E_ID, "nobody listens"), ARGO_E_ID);
}
END_TEST

START_TEST(a_new_error_may_quote_the_old_one)
{
    AG_AUTO(argo_error) err = NULL;
    ag_error_set(&err, ARGO_E_JSON, "line 3");
    ag_error_set(&err, ARGO_E_TEMPLATE, "file: %s", argo_error_details(err));
    ck_assert_int_eq(argo_error_code(err), ARGO_E_TEMPLATE);
    ck_assert_str_eq(argo_error_details(err), "file: line 3");
}
END_TEST

START_TEST(details_are_one_clean_line)
{
    AG_AUTO(argo_error) err = NULL;
    ag_error_set(&err, ARGO_E_INVALID, "%s", "a\nb\x1b[31m\xff\xc3\xa9");
    ck_assert_str_eq(argo_error_details(err), "a b [31m\xef\xbf\xbd\xc3\xa9");
}
END_TEST

START_TEST(null_reads_as_no_error)
{
    ck_assert_int_eq(argo_error_code(NULL), ARGO_OK);
    ck_assert_int_eq(argo_error_wire_code(NULL), 0);
    ck_assert_str_eq(argo_error_details(NULL), "");
    ck_assert_ptr_null(argo_error_field(NULL));
    ck_assert_ptr_null(ag_error_copy(NULL));
    argo_error_free(NULL);
}
END_TEST

START_TEST(errno_names_the_reason)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_error_errno(&err, ENOENT, "open %s", "/x"), ARGO_E_SYSTEM);
    ck_assert_str_eq(argo_error_details(err), "open /x: No such file or directory");
    ck_assert_int_eq(ag_error_errno(NULL, ENOENT, "open"), ARGO_E_SYSTEM);
}
END_TEST

START_TEST(out_of_memory_is_one_immutable_object)
{
    argo_error *a = NULL;
    argo_error *b = NULL;
    ck_assert_int_eq(ag_error_nomem(&a), ARGO_E_NOMEM);
    ag_error_set(&b, ARGO_E_ID, "replaced");
    ag_error_nomem(&b);
    ck_assert_ptr_eq(a, b);
    argo_error_free(a);
    ck_assert_int_eq(argo_error_code(b), ARGO_E_NOMEM);
    ck_assert_str_eq(argo_error_details(b), "");
    ck_assert_int_eq(ag_error_wrap(&b, "context"), ARGO_E_NOMEM);
    const struct argo_problem problem = {.message = "m"};
    ck_assert_int_eq(ag_error_add_problem(&b, ARGO_E_TEMPLATE, &problem), ARGO_E_NOMEM);
    ck_assert_ptr_eq(a, b);
    ck_assert_ptr_eq(ag_error_copy(b), a);
    ck_assert_int_eq(ag_error_nomem(NULL), ARGO_E_NOMEM);
    ck_assert_int_eq(ag_error_set(&b, ARGO_E_ID, "later"), ARGO_E_ID);
    argo_error_free(b);
}
END_TEST

START_TEST(wrap_prefixes_and_keeps_the_code)
{
    AG_AUTO(argo_error) err = NULL;
    ag_error_field(&err, ARGO_E_SPAWN, "argv", "no such file");
    ck_assert_int_eq(ag_error_wrap(&err, "start '%s'", "fix"), ARGO_E_SPAWN);
    ck_assert_str_eq(argo_error_details(err), "start 'fix': no such file");
    ck_assert_str_eq(argo_error_field(err), "argv");
    ag_error_set(&err, ARGO_E_STATE, "%s", "");
    ag_error_wrap(&err, "pause");
    ck_assert_str_eq(argo_error_details(err), "pause");
    ck_assert_int_eq(ag_error_wrap(NULL, "x"), ARGO_E_INTERNAL);
}
END_TEST

START_TEST(field_may_come_from_the_old_error)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_error_field(&err, ARGO_E_INVALID, "data.port", "expected %d", 1),
                     ARGO_E_INVALID);
    ck_assert_int_eq(ag_error_field(&err, ARGO_E_ID, argo_error_field(err), "again"), ARGO_E_ID);
    ck_assert_str_eq(argo_error_field(err), "data.port");
    ck_assert_int_eq(ag_error_field(&err, ARGO_E_ID, NULL, "none"), ARGO_E_ID);
    ck_assert_ptr_null(argo_error_field(err));
}
END_TEST

START_TEST(wire_codes_are_looked_up)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_error_from_wire(&err, 1005, "no 'a'", "workflow_id"), ARGO_E_NO_WORKFLOW);
    ck_assert_str_eq(argo_error_details(err), "no 'a'");
    ck_assert_str_eq(argo_error_field(err), "workflow_id");
    ck_assert_int_eq(ag_error_from_wire(&err, 1399, NULL, NULL), ARGO_E_INTERNAL);
    ck_assert_str_eq(argo_error_details(err), "");
    /* The number of a newer daemon is kept. */
    ck_assert_int_eq(ag_error_from_wire(&err, 1777, "new", NULL), ARGO_E_INTERNAL);
    ck_assert_int_eq(argo_error_wire_code(err), 1777);
    ck_assert_int_eq(ag_error_from_wire(&err, 0, "odd", NULL), ARGO_E_INTERNAL);
    ck_assert_int_eq(ag_error_from_wire(NULL, 1005, "x", NULL), ARGO_E_NO_WORKFLOW);
}
END_TEST

START_TEST(problems_are_copied)
{
    AG_AUTO(argo_error) err = NULL;
    char message[] = "unknown key\n\"prmpt\"";
    const struct argo_problem first = {.file = "t.json",
                                       .path = "steps[0].prmpt",
                                       .line = 3,
                                       .column = 5,
                                       .message = message,
                                       .nearest = "prompt"};
    const struct argo_problem second = {.message = "no steps", .expected = "at least one"};
    ck_assert_int_eq(ag_error_add_problem(&err, ARGO_E_TEMPLATE, &first), ARGO_E_TEMPLATE);
    ck_assert_int_eq(ag_error_add_problem(&err, ARGO_E_TEMPLATE, &second), ARGO_E_TEMPLATE);
    memset(message, 'z', sizeof(message) - 1);
    ck_assert_uint_eq(argo_error_problem_count(err), 2);
    const struct argo_problem *p = argo_error_problem(err, 0);
    ck_assert_str_eq(p->message, "unknown key \"prmpt\"");
    ck_assert_str_eq(p->path, "steps[0].prmpt");
    ck_assert_uint_eq(p->line, 3);
    ck_assert_uint_eq(p->column, 5);
    ck_assert_ptr_null(p->expected);
    ck_assert_str_eq(argo_error_problem(err, 1)->expected, "at least one");
    ck_assert_ptr_null(argo_error_problem(err, 2));
    ck_assert_int_eq(ag_error_add_problem(NULL, ARGO_E_TEMPLATE, &first), ARGO_E_TEMPLATE);
}
END_TEST

START_TEST(copy_is_deep)
{
    argo_error *err = NULL;
    const struct argo_problem problem = {.path = "a.b", .message = "m"};
    ag_error_from_wire(&err, 1888, "d", "f");
    ag_error_add_problem(&err, ARGO_E_TEMPLATE, &problem);
    AG_AUTO(argo_error) copy = ag_error_copy(err);
    argo_error_free(err);
    ck_assert_int_eq(argo_error_wire_code(copy), 1888);
    ck_assert_str_eq(argo_error_details(copy), "d");
    ck_assert_str_eq(argo_error_field(copy), "f");
    ck_assert_uint_eq(argo_error_problem_count(copy), 1);
    ck_assert_str_eq(argo_error_problem(copy, 0)->path, "a.b");
}
END_TEST

START_TEST(move_empties_the_source)
{
    AG_AUTO(argo_error) src = NULL;
    AG_AUTO(argo_error) dst = NULL;
    ag_error_set(&dst, ARGO_E_ID, "old");
    ag_error_set(&src, ARGO_E_JSON, "new");
    ag_error_move(&dst, &src);
    ck_assert_ptr_null(src);
    ck_assert_int_eq(argo_error_code(dst), ARGO_E_JSON);
    ag_error_move(NULL, &dst);
    ck_assert_ptr_null(dst);
}
END_TEST

START_TEST(text_joins_message_and_details)
{
    AG_AUTO(argo_error) err = NULL;
    ag_error_set(&err, ARGO_E_NO_CI, "'claude'");
    ag_auto_free char *both = ag_error_text(err);
    ck_assert_str_eq(both, "CI not found: 'claude'");
    ag_error_nomem(&err);
    ag_auto_free char *alone = ag_error_text(err);
    ck_assert_str_eq(alone, "Out of memory");
}
END_TEST

static Suite *error_suite(void)
{
    Suite *s = suite_create("error");
    TCase *tc = tcase_create("error");
    tcase_add_test(tc, table_has_every_code_once);
    tcase_add_test(tc, set_fills_and_returns_the_code);
    tcase_add_test(tc, a_new_error_may_quote_the_old_one);
    tcase_add_test(tc, details_are_one_clean_line);
    tcase_add_test(tc, null_reads_as_no_error);
    tcase_add_test(tc, errno_names_the_reason);
    tcase_add_test(tc, out_of_memory_is_one_immutable_object);
    tcase_add_test(tc, wrap_prefixes_and_keeps_the_code);
    tcase_add_test(tc, field_may_come_from_the_old_error);
    tcase_add_test(tc, wire_codes_are_looked_up);
    tcase_add_test(tc, problems_are_copied);
    tcase_add_test(tc, copy_is_deep);
    tcase_add_test(tc, move_empties_the_source);
    tcase_add_test(tc, text_joins_message_and_details);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(error_suite)
