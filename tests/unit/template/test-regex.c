/*
 * Patterns: what they find, what is wrong with them, and that each limit ends the search with an
 * error that says which.
 */
#include <stdio.h>

#include "expr-lib.h"
#include "template/regex.h"

/* "yes", "no" or the error's details; static. */
static const char *found(const char *pattern, const char *subject, size_t len, int64_t *steps)
{
    static char details[512];
    AG_AUTO(ag_regex) re = NULL;
    AG_AUTO(argo_error) err = NULL;
    bool yes = false;
    int rc = ag_regex_compile(pattern, &re, &err);
    rc = rc < 0 ? rc : ag_regex_test(re, subject, len, steps, &yes, &err);
    if (rc == 0) {
        return yes ? "yes" : "no";
    }
    ck_assert_int_eq(rc, ARGO_E_INVALID);
    snprintf(details, sizeof(details), "%s", argo_error_details(err));
    return details;
}

static const struct {
    const char *pattern, *subject, *expected;
} cases[] = {
    {"b", "abc", "yes"},
    {"^b", "abc", "no"},
    {"", "", "yes"},
    {"^$", "", "yes"},
    {"c$", "abc", "yes"},
    {"^.$", "€", "yes"},
    {"\\p{Lu}", "äÖ", "yes"},
    {"(?i)Ä", "ä", "yes"},
    {"(a)\\1", "aa", "yes"},
    {"^(?:[a-z]+@[a-z]+\\.[a-z]{2,})$", "ann@example.org", "yes"},
    {"(", "", "the pattern has an error at its character 2: missing closing parenthesis"},
    {"ää[", "",
     "the pattern has an error at its character 4: missing terminating ] for character class"},
    {"a\\C", "a",
     "the pattern has an error at its character 4: using \\C is disabled by the application"},
    {"a{2,1}", "",
     "the pattern has an error at its character 6: numbers out of order in {} quantifier"},
};

START_TEST(table)
{
    int64_t steps = AG_REGEX_STEPS;
    const char *got =
        found(cases[_i].pattern, cases[_i].subject, strlen(cases[_i].subject), &steps);
    ck_assert_str_eq(got, cases[_i].expected);
}
END_TEST

/* N times 'a' and then LAST. */
static char *many(size_t n, const char *last)
{
    char *text = malloc(n + strlen(last) + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'a', n);
    strcpy(text + n, last);
    return text;
}

static const char *found_in_many(const char *pattern, size_t n, const char *last)
{
    int64_t steps = AG_REGEX_STEPS;
    ag_auto_free char *subject = many(n, last);
    return found(pattern, subject, strlen(subject), &steps);
}

#define TOO_MANY                                                                                 \
    "the pattern takes too many steps on this text (limits: 1000000 for one place, 10000000 in " \
    "all)"

START_TEST(catastrophic)
{
    ck_assert_str_eq(found_in_many("(a+)+$", 12, "!"), "no");
    ck_assert_str_eq(found_in_many("(a+)+$", 40, "!"), TOO_MANY);
    ck_assert_str_eq(found_in_many("^(a|aa)+$", 60, "!"), TOO_MANY);
    ck_assert_str_eq(found_in_many("(*LIMIT_MATCH=4000000000)(a+)+$", 40, "!"), TOO_MANY);
}
END_TEST

START_TEST(quadratic)
{
    /* Each place costs little: only the sum of all is too much. */
    ck_assert_str_eq(found_in_many("a*+[^a]", 2000, ""), "no");
    ck_assert_str_eq(found_in_many("a*+[^a]", 200000, ""), TOO_MANY);
}
END_TEST

START_TEST(steps_are_shared)
{
    int64_t steps = 30;
    ck_assert_str_eq(found("^a+$", "aaaaaaaa", 8, &steps), "yes");
    ck_assert_int_lt(steps, 30);
    ck_assert_int_ge(steps, 0);
    steps = 3;
    ck_assert_str_eq(found("^a+$", "aaaaaaaa", 8, &steps), TOO_MANY);
}
END_TEST

START_TEST(depth)
{
    ck_assert_str_eq(found_in_many("^(a|b)*$", 20000, ""), "yes");
    ck_assert_str_eq(found_in_many("^(a|b)*$", 100000, ""),
                     "the pattern goes too deep on this text (limit: 50000 levels)");
}
END_TEST

START_TEST(heap)
{
    static const char many_groups[] =
        "^(?:((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))|b)*$";
    ck_assert_str_eq(found_in_many(many_groups, 200, ""), "yes");
    ck_assert_str_eq(found_in_many(many_groups, 20000, ""),
                     "the pattern takes too much memory on this text (limit: 16384 KiB)");
}
END_TEST

START_TEST(sizes)
{
    ck_assert_str_eq(found_in_many("b", AG_REGEX_MAX_SUBJECT - 1, "b"), "yes");
    ck_assert_str_eq(found_in_many("b", AG_REGEX_MAX_SUBJECT, "b"),
                     "a pattern is matched against at most 262144 bytes, got 262145");
    int64_t steps = AG_REGEX_STEPS;
    ag_auto_free char *longest = many(AG_REGEX_MAX_PATTERN, "");
    ag_auto_free char *too_long = many(AG_REGEX_MAX_PATTERN + 1, "");
    ck_assert_str_eq(found(longest, "a", 1, &steps), "no");
    ck_assert_str_eq(found(too_long, "a", 1, &steps), "the pattern is longer than 4096 bytes");
}
END_TEST

START_TEST(recase)
{
    static const struct {
        const char *text, *upper, *lower;
    } texts[] = {
        {"", "", ""},
        {"Abc 1\nxY", "ABC 1\nXY", "abc 1\nxy"},
        {"äÖ éЖж σ", "ÄÖ ÉЖЖ Σ", "äö éжж σ"},
        {"ȿɀ", "ⱾⱿ", "ȿɀ"}, /* grows from two bytes to three */
        {"$0 \\U", "$0 \\U", "$0 \\u"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(texts); i++) {
        ag_auto_free char *upper = NULL;
        ag_auto_free char *lower = NULL;
        size_t len = strlen(texts[i].text);
        ck_assert_int_eq(ag_regex_recase(texts[i].text, len, true, &upper, NULL), 0);
        ck_assert_int_eq(ag_regex_recase(texts[i].text, len, false, &lower, NULL), 0);
        ck_assert_str_eq(upper, texts[i].upper);
        ck_assert_str_eq(lower, texts[i].lower);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("regex");
    TCase *tc = tcase_create("regex");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, table, 0, (int)AG_ARRAY_SIZE(cases));
    tcase_add_test(tc, catastrophic);
    tcase_add_test(tc, quadratic);
    tcase_add_test(tc, steps_are_shared);
    tcase_add_test(tc, depth);
    tcase_add_test(tc, heap);
    tcase_add_test(tc, sizes);
    tcase_add_test(tc, recase);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
