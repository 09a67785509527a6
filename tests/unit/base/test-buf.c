/*
 * The bounded buffer: its limit, its sticky error, and every way to add and take.
 */
#include <string.h>

#include "base/buf.h"
#include "lib/runner.h"

START_TEST(numbers)
{
    static const struct {
        int64_t n;
        const char *text;
    } cases[] = {{0, "0"},
                 {9, "9"},
                 {10, "10"},
                 {-1, "-1"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ag_auto_buf b = AG_BUF_INIT(100);
        ck_assert_int_eq(ag_buf_add_int(&b, cases[i].n), 0);
        ck_assert_str_eq(ag_buf_text(&b), cases[i].text);
    }
    ag_auto_buf b = AG_BUF_INIT(100);
    ag_buf_fail(&b, ARGO_E_NOMEM);
    ag_buf_fail(&b, ARGO_E_TOO_LARGE);
    ck_assert_int_eq(ag_buf_add_int(&b, 1), ARGO_E_NOMEM);
}
END_TEST

START_TEST(empty_is_text)
{
    ag_auto_buf b = AG_BUF_INIT(10);
    ck_assert_str_eq(ag_buf_text(&b), "");
    ag_auto_free char *taken = ag_buf_take(&b);
    ck_assert_str_eq(taken, "");
    ag_buf_consume(&b, 0);
    ag_buf_clear(&b);
}
END_TEST

START_TEST(additions_join)
{
    ag_auto_buf b = AG_BUF_INIT(1000);
    ck_assert_int_eq(ag_buf_add_text(&b, "a"), 0);
    ck_assert_int_eq(ag_buf_add_char(&b, 'b'), 0);
    ck_assert_int_eq(ag_buf_add(&b, "cd\0e", 2), 0);
    ck_assert_int_eq(ag_buf_add(&b, NULL, 0), 0);
    ck_assert_int_eq(ag_buf_printf(&b, "-%03d%s", 7, ""), 0);
    ck_assert_str_eq(ag_buf_text(&b), "abcd-007");
    ck_assert_uint_eq(b.len, 8);
    for (int i = 0; i < 50; i++) {
        ag_buf_printf(&b, "%010d", i);
    }
    ck_assert_uint_eq(b.len, 508);
    ck_assert_str_eq(b.data + 498, "0000000049");
    ck_assert_int_eq(ag_buf_check(&b, "it", NULL), 0);
}
END_TEST

START_TEST(the_maximum_is_exact)
{
    ag_auto_buf b = AG_BUF_INIT(100);
    char data[101];
    memset(data, 'x', sizeof(data));
    ck_assert_int_eq(ag_buf_add(&b, data, 100), 0);
    ck_assert_uint_eq(strlen(ag_buf_text(&b)), 100);
    ck_assert_int_eq(ag_buf_add(&b, data, 0), 0);
    ck_assert_int_eq(ag_buf_add_char(&b, 'x'), ARGO_E_TOO_LARGE);
    ck_assert_uint_eq(b.len, 100);

    ag_auto_buf one_step = AG_BUF_INIT(100);
    ck_assert_int_eq(ag_buf_add(&one_step, data, 101), ARGO_E_TOO_LARGE);
    ag_auto_buf huge = AG_BUF_INIT(SIZE_MAX);
    ck_assert_ptr_null(ag_buf_reserve(&huge, SIZE_MAX));
    ck_assert_int_eq(huge.failed, ARGO_E_TOO_LARGE);
    ag_auto_buf none = AG_BUF_INIT(0);
    ck_assert_int_eq(ag_buf_add_text(&none, ""), 0);
    ck_assert_int_eq(ag_buf_add_char(&none, 'x'), ARGO_E_TOO_LARGE);
}
END_TEST

START_TEST(failure_is_sticky_until_cleared)
{
    ag_auto_buf b = AG_BUF_INIT(3);
    ck_assert_int_eq(ag_buf_add_text(&b, "abcd"), ARGO_E_TOO_LARGE);
    ck_assert_int_eq(ag_buf_add_text(&b, "a"), ARGO_E_TOO_LARGE);
    ck_assert_int_eq(ag_buf_printf(&b, "%d", 1), ARGO_E_TOO_LARGE);
    ck_assert_ptr_null(ag_buf_reserve(&b, 1));
    ck_assert_ptr_null(ag_buf_take(&b));
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_buf_check(&b, "the reply", &err), ARGO_E_TOO_LARGE);
    ck_assert_str_eq(argo_error_details(err), "the reply is larger than 3 bytes");
    ag_buf_clear(&b);
    ck_assert_int_eq(ag_buf_add_text(&b, "abc"), 0);
    b.failed = ARGO_E_NOMEM;
    ck_assert_int_eq(ag_buf_check(&b, "it", &err), ARGO_E_NOMEM);
}
END_TEST

START_TEST(reserve_then_commit)
{
    ag_auto_buf b = AG_BUF_INIT(100);
    char *room = ag_buf_reserve(&b, 10);
    ck_assert_ptr_nonnull(room);
    memcpy(room, "hello!", 6);
    ag_buf_commit(&b, 5);
    ck_assert_str_eq(ag_buf_text(&b), "hello");
}
END_TEST

START_TEST(consume_drops_the_front)
{
    ag_auto_buf b = AG_BUF_INIT(100);
    ag_buf_add_text(&b, "line1\nline2");
    ag_buf_consume(&b, 6);
    ck_assert_str_eq(ag_buf_text(&b), "line2");
    ag_buf_consume(&b, 5);
    ck_assert_str_eq(ag_buf_text(&b), "");
    ck_assert_uint_eq(b.len, 0);
}
END_TEST

START_TEST(take_hands_over_and_starts_anew)
{
    ag_auto_buf b = AG_BUF_INIT(5);
    ag_buf_add_text(&b, "first");
    ag_auto_free char *taken = ag_buf_take(&b);
    ck_assert_str_eq(taken, "first");
    ck_assert_int_eq(ag_buf_add_text(&b, "later"), 0);
    ck_assert_int_eq(ag_buf_add_text(&b, "x"), ARGO_E_TOO_LARGE);
    ag_buf_free(&b);
    ck_assert_int_eq(ag_buf_add_text(&b, "again"), 0);
    ck_assert_int_eq(ag_buf_add_text(&b, "x"), ARGO_E_TOO_LARGE);
}
END_TEST

static Suite *buf_suite(void)
{
    Suite *s = suite_create("buf");
    TCase *tc = tcase_create("buf");
    tcase_add_test(tc, numbers);
    tcase_add_test(tc, empty_is_text);
    tcase_add_test(tc, additions_join);
    tcase_add_test(tc, the_maximum_is_exact);
    tcase_add_test(tc, failure_is_sticky_until_cleared);
    tcase_add_test(tc, reserve_then_commit);
    tcase_add_test(tc, consume_drops_the_front);
    tcase_add_test(tc, take_hands_over_and_starts_anew);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(buf_suite)
