/*
 * Columns: wide, combining and broken characters, cuts, rows.
 */
#include <locale.h>
#include <stdlib.h>

#include "lib/runner.h"
#include "width.h"

static void utf8(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
}

START_TEST(test_width)
{
    ck_assert_uint_eq(arc_text_width(""), 0);
    ck_assert_uint_eq(arc_text_width("abc"), 3);
    ck_assert_uint_eq(arc_text_width("\xe4\xbd\xa0\xe5\xa5\xbd"), 4); /* CJK */
    ck_assert_uint_eq(arc_text_width("\xf0\x9f\x98\x80"), 2);         /* emoji */
    ck_assert_uint_eq(arc_text_width("e\xcc\x81"), 1);                /* e, combining acute */
    ck_assert_uint_eq(arc_text_width("\xff\xfe"), 2);                 /* no characters */
}
END_TEST

static void check_cut(const char *text, size_t width, const char *expected)
{
    char *cut = arc_text_cut(text, width);
    ck_assert_str_eq(cut, expected);
    ck_assert_uint_le(arc_text_width(cut), width);
    free(cut);
}

START_TEST(test_cut)
{
    check_cut("abcdef", 6, "abcdef");
    check_cut("abcdef", 5, "abcd\xe2\x80\xa6");
    check_cut("abcdef", 1, "\xe2\x80\xa6");
    check_cut("abcdef", 0, "");
    check_cut("", 0, "");
    check_cut("\xe4\xbd\xa0\xe5\xa5\xbd", 3, "\xe4\xbd\xa0\xe2\x80\xa6");
    check_cut("\xe4\xbd\xa0\xe5\xa5\xbd", 2, "\xe2\x80\xa6"); /* half a character does not fit */
    check_cut("e\xcc\x81"
              "e\xcc\x81x",
              2, "e\xcc\x81\xe2\x80\xa6");
}
END_TEST

START_TEST(test_rows)
{
    ck_assert_uint_eq(arc_text_rows("", 10), 0);
    ck_assert_uint_eq(arc_text_rows("123456789", 10), 0);
    ck_assert_uint_eq(arc_text_rows("1234567890", 10), 1); /* the cursor waits on the next row */
    ck_assert_uint_eq(arc_text_rows("12345678901234567890", 10), 2);
    ck_assert_uint_eq(arc_text_rows("123456789\xe4\xbd\xa0", 10), 1);
    ck_assert_uint_eq(arc_text_rows("1\n2\n3", 10), 2);
    ck_assert_uint_eq(arc_text_rows("1234567890", 0), 0); /* no terminal */
}
END_TEST

static Suite *width_suite(void)
{
    Suite *s = suite_create("arc width");
    TCase *tc = tcase_create("width");
    tcase_add_checked_fixture(tc, utf8, NULL);
    tcase_add_test(tc, test_width);
    tcase_add_test(tc, test_cut);
    tcase_add_test(tc, test_rows);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(width_suite)
