/*
 * Numbers, durations, ids, UTF-8, nearest words and the small string helpers.
 */
#include <string.h>

#include "base/text.h"
#include "lib/runner.h"

START_TEST(i64_is_strict)
{
    static const char *const bad[] = {"",   "abc", " 1",  "1 ",  "1x",
                                      "+1", "-",   "0x1", "1.0", "9223372036854775808"};
    int64_t v = 77;
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_int_eq(ag_parse_i64(bad[i], "n", INT64_MIN, INT64_MAX, &v, NULL), ARGO_E_INVALID);
    }
    ck_assert_int_eq(v, 77);
    ck_assert_int_eq(ag_parse_i64("-9223372036854775808", "n", INT64_MIN, INT64_MAX, &v, NULL), 0);
    ck_assert(v == INT64_MIN);
    ck_assert_int_eq(ag_parse_i64("007", "n", 0, 10, &v, NULL), 0);
    ck_assert_int_eq(v, 7);
    ck_assert_int_eq(ag_parse_i64("10", "n", 1, 10, &v, NULL), 0);
    ck_assert_int_eq(ag_parse_i64("11", "n", 1, 10, &v, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(ag_parse_i64("1", "n", 1, 10, &v, NULL), 0);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_parse_i64("0", "--keep", 1, 10, &v, &err), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_details(err),
                     "--keep: expected a whole number from 1 to 10, not \"0\"");
}
END_TEST

START_TEST(u16_has_its_range)
{
    uint16_t v = 1;
    ck_assert_int_eq(ag_parse_u16("65535", "port", &v, NULL), 0);
    ck_assert_uint_eq(v, 65535);
    ck_assert_int_eq(ag_parse_u16("0", "port", &v, NULL), 0);
    ck_assert_int_eq(ag_parse_u16("65536", "port", &v, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(ag_parse_u16("-1", "port", &v, NULL), ARGO_E_INVALID);
}
END_TEST

START_TEST(double_is_strict)
{
    static const char *const bad[] = {"",    ".5", "5.",   "1e",   "inf",   "nan",  "0x1p3",
                                      "1,5", " 1", "1.5s", "+1.0", "1e400", "--1.0"};
    double v = 7;
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_int_eq(ag_parse_double(bad[i], "t", -1e300, 1e300, &v, NULL), ARGO_E_INVALID);
    }
    ck_assert_double_eq(v, 7);
    ck_assert_int_eq(ag_parse_double("0.1", "t", 0, 1, &v, NULL), 0);
    ck_assert_double_eq(v, 0.1);
    ck_assert_int_eq(ag_parse_double("-25e-1", "t", -3, 1, &v, NULL), 0);
    ck_assert_double_eq(v, -2.5);
    ck_assert_int_eq(ag_parse_double("2", "temperature", 0, 2, &v, NULL), 0);
    ck_assert_int_eq(ag_parse_double("2.0001", "temperature", 0, 2, &v, NULL), ARGO_E_INVALID);
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"90", 90000},    {"1.5", 1500},
                {"90s", 90000},   {"5m", 300000},
                {"2h", 7200000},  {"3d", 259200000},
                {"0", 0},         {"0.001s", 1},
                {"0.25m", 15000}, {"36500d", 3153600000000}};

    static const char *const bad[] = {"",   "s",   "-1", "1 s",    "1x",    "1ms",
                                      "1S", "1e3", "m5", "36501d", "1h30m", "9999999999999999999d"};
    int64_t ms = -1;
    for (size_t i = 0; i < AG_ARRAY_SIZE(good); i++) {
        ck_assert_int_eq(ag_parse_duration_ms(good[i].text, "t", &ms, NULL), 0);
        ck_assert_int_eq(ms, good[i].ms);
    }
    ms = -1;
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_int_eq(ag_parse_duration_ms(bad[i], "t", &ms, NULL), ARGO_E_INVALID);
    }
    ck_assert_int_eq(ms, -1);
}
END_TEST

START_TEST(ids)
{
    static const char *const bad[] = {"",   ".a",       "-a",  "_a",   "a..b", "a/b",
                                      "a ", "\xc3\xa9", "a~1", "a\nb", "a.."};
    char longest[66];
    memset(longest, 'a', sizeof(longest));
    longest[65] = '\0';
    ck_assert(!ag_id_valid(longest));
    longest[64] = '\0';
    ck_assert(ag_id_valid(longest));
    ck_assert(ag_id_valid("9"));
    ck_assert(ag_id_valid("A.b-c_d.e."));
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert(!ag_id_valid(bad[i]));
    }
    ck_assert(!ag_id_valid(NULL));
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_id_check("ok", "template", &err), 0);
    ck_assert_int_eq(ag_id_check("../x", "template", &err), ARGO_E_ID);
    ck_assert(ag_starts_with(argo_error_details(err), "template: "));
    ck_assert_int_eq(ag_id_check(NULL, "template", &err), ARGO_E_ID);
}
END_TEST

static const char *const utf8_good[] = {"",
                                        "plain",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
static const char *const utf8_bad[] = {"\x80",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xe0\x9f\xbf",
                                       "\xed\xa0\x80",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xff",
                                       "a\xc3",
                                       "\xe2\x82",
                                       "\xc3(",
                                       "\xe2\x82("};

START_TEST(utf8_follows_the_rfc)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(utf8_good); i++) {
        ck_assert(ag_utf8_valid(utf8_good[i], strlen(utf8_good[i])));
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(utf8_bad); i++) {
        ck_assert(!ag_utf8_valid(utf8_bad[i], strlen(utf8_bad[i])));
    }
    ck_assert(!ag_utf8_valid("a\0b", 3));
}
END_TEST

START_TEST(sanitised_text_is_valid)
{
    size_t len = 0;
    ag_auto_free char *text = ag_utf8_sanitise("a\0\xff\xc3\xa9\xe2\x82", 7, &len);
    ck_assert_str_eq(text, "a\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd");
    ck_assert_uint_eq(len, strlen(text));
    for (size_t i = 0; i < AG_ARRAY_SIZE(utf8_bad); i++) {
        ag_auto_free char *clean = ag_utf8_sanitise(utf8_bad[i], strlen(utf8_bad[i]), &len);
        ck_assert(ag_utf8_valid(clean, len));
        ck_assert_uint_eq(len, strlen(clean));
    }
    ag_auto_free char *same = ag_utf8_sanitise("\xc3\xa9", 2, NULL);
    ck_assert_str_eq(same, "\xc3\xa9");
    ag_auto_free char *empty = ag_utf8_sanitise("", 0, &len);
    ck_assert_str_eq(empty, "");
    ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(cut_characters_are_held_back)
{
    static const char euro[] = "ab\xe2\x82\xac";
    static const char emoji[] = "\xf0\x9f\x98\x80";
    ck_assert_uint_eq(ag_utf8_complete(euro, 0), 0);
    ck_assert_uint_eq(ag_utf8_complete(euro, 2), 2);
    ck_assert_uint_eq(ag_utf8_complete(euro, 3), 2);
    ck_assert_uint_eq(ag_utf8_complete(euro, 4), 2);
    ck_assert_uint_eq(ag_utf8_complete(euro, 5), 5);
    ck_assert_uint_eq(ag_utf8_complete(emoji, 3), 0);
    ck_assert_uint_eq(ag_utf8_complete(emoji, 4), 4);
    /* What can never become a character is not held back. */
    ck_assert_uint_eq(ag_utf8_complete("\xff", 1), 1);
    ck_assert_uint_eq(ag_utf8_complete("\x80\x80\x80\x80", 4), 4);
}
END_TEST

START_TEST(nearest_words)
{
    static const char *const words[] = {"name", "prompt", "provider", "timeout", "x"};
    const size_t n = AG_ARRAY_SIZE(words);
    ck_assert_str_eq(ag_nearest_word("prmpt", words, n), "prompt");
    ck_assert_str_eq(ag_nearest_word("nmae", words, n), "name"); /* an exchange is one edit */
    ck_assert_str_eq(ag_nearest_word("prompt", words, n), "prompt");
    ck_assert_str_eq(ag_nearest_word("privoder", words, n), "provider"); /* two of eight */
    ck_assert_ptr_null(ag_nearest_word("pravadar", words, n));           /* three of eight */
    ck_assert_ptr_null(ag_nearest_word("schedule", words, n));
    ck_assert_ptr_null(ag_nearest_word("", words, n));
    ck_assert_ptr_null(ag_nearest_word("name", words, 0));
    char longest[200];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const char *const long_words[] = {longest};
    ck_assert_ptr_null(ag_nearest_word(longest, words, n));
    ck_assert_ptr_null(ag_nearest_word("name", long_words, 1));
}
END_TEST

START_TEST(strings)
{
    ck_assert(ag_streq(NULL, NULL));
    ck_assert(!ag_streq(NULL, ""));
    ck_assert(!ag_streq("", NULL));
    ck_assert(ag_streq("a", "a"));
    ck_assert(!ag_streq("a", "b"));
    ck_assert(ag_starts_with("abc", "ab"));
    ck_assert(ag_starts_with("abc", ""));
    ck_assert(!ag_starts_with("a", "ab"));
    ck_assert_ptr_null(ag_strdup(NULL));
    ag_auto_free char *part = ag_strndup("abc", 2);
    ck_assert_str_eq(part, "ab");
    ag_auto_free char *made = ag_asprintf("%d-%s", 5, "x");
    ck_assert_str_eq(made, "5-x");
}
END_TEST

static Suite *text_suite(void)
{
    Suite *s = suite_create("text");
    TCase *tc = tcase_create("text");
    tcase_add_test(tc, i64_is_strict);
    tcase_add_test(tc, u16_has_its_range);
    tcase_add_test(tc, double_is_strict);
    tcase_add_test(tc, durations);
    tcase_add_test(tc, ids);
    tcase_add_test(tc, utf8_follows_the_rfc);
    tcase_add_test(tc, sanitised_text_is_valid);
    tcase_add_test(tc, cut_characters_are_held_back);
    tcase_add_test(tc, nearest_words);
    tcase_add_test(tc, strings);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(text_suite)
