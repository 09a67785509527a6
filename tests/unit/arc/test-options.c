/*
 * Command lines and suggestions.
 */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "lib/runner.h"
#include "options.h"
#include "suggest.h"

static int json;

static struct values {
    int detach;
    const char *branch;
    struct arc_list parameters;
} values;
static struct arc_list rest;
static char message[128];

static const struct arc_option options[] = {
    {"detach", 'd', ARC_OPTION_FLAG, offsetof(struct values, detach)},
    {"branch", 'b', ARC_OPTION_TEXT, offsetof(struct values, branch)},
    {"parameter", 'p', ARC_OPTION_LIST, offsetof(struct values, parameters)},
    {0},
};
static const struct arc_option globals[] = {{"json", 0, ARC_OPTION_FLAG, 0}, {0}};

static void setup(void)
{
    json = values.detach = 0;
    values.branch = NULL;
    message[0] = '\0';
}

static void teardown(void)
{
    arc_list_clear(&values.parameters);
    arc_list_clear(&rest);
}

static int parse(int stop, int argc, const char *const *argv)
{
    struct arc_syntax syntax = {options, &values, globals, &json, stop};
    char *copy[16];
    for (int i = 0; i < argc; i++) {
        memcpy(&copy[i], &argv[i], sizeof(copy[i]));
    }
    return arc_options_parse(&syntax, argc, copy, &rest, message, sizeof(message));
}

#define PARSE(...)                                                                     \
    parse(0, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)), \
          (const char *const[]){__VA_ARGS__})

START_TEST(test_everywhere)
{
    ck_assert_int_eq(PARSE("one", "--branch", "main", "-p", "a=1", "two", "--json", "-pb=2",
                           "--parameter=c=3", "-d"),
                     10);
    ck_assert_uint_eq(rest.n, 2);
    ck_assert_str_eq(rest.items[0], "one");
    ck_assert_str_eq(rest.items[1], "two");
    ck_assert_uint_eq(values.parameters.n, 3);
    ck_assert_str_eq(values.parameters.items[0], "a=1");
    ck_assert_str_eq(values.parameters.items[1], "b=2");
    ck_assert_str_eq(values.parameters.items[2], "c=3");
    ck_assert_str_eq(values.branch, "main");
    ck_assert_int_eq(values.detach, 1);
    ck_assert_int_eq(json, 1);
}
END_TEST

START_TEST(test_joined_and_empty)
{
    ck_assert_int_eq(PARSE("-dbx", "--branch=", "-"), 3);
    ck_assert_int_eq(values.detach, 1);
    ck_assert_str_eq(values.branch, "");
    ck_assert_uint_eq(rest.n, 1);
    ck_assert_str_eq(rest.items[0], "-");
}
END_TEST

START_TEST(test_double_dash)
{
    ck_assert_int_eq(PARSE("--", "--branch", "-d"), 3);
    ck_assert_uint_eq(rest.n, 2);
    ck_assert_str_eq(rest.items[0], "--branch");
    ck_assert_int_eq(values.detach, 0);
}
END_TEST

START_TEST(test_wrong)
{
    ck_assert_int_eq(PARSE("--brnach", "x"), -1);
    ck_assert_str_eq(message, "unknown option '--brnach': did you mean '--branch'?");
    ck_assert_int_eq(PARSE("--zzzzzz"), -1);
    ck_assert_str_eq(message, "unknown option '--zzzzzz'");
    ck_assert_int_eq(PARSE("-z"), -1);
    ck_assert_str_eq(message, "unknown option '-z'");
    ck_assert_int_eq(PARSE("--branch"), -1);
    ck_assert_str_eq(message, "option '--branch' needs a value");
    ck_assert_int_eq(PARSE("-b"), -1);
    ck_assert_str_eq(message, "option '-b' needs a value");
    ck_assert_int_eq(PARSE("--detach=1"), -1);
    ck_assert_str_eq(message, "option '--detach' takes no value");
    ck_assert_int_eq(PARSE("--bran", "x"), -1); /* no abbreviations: they break with new options */
}
END_TEST

START_TEST(test_stop_at_first)
{
    const char *const argv[] = {"--json", "start", "--unknown"};
    ck_assert_int_eq(parse(1, 3, argv), 1);
    ck_assert_int_eq(json, 1);
    ck_assert_int_eq(parse(1, 1, argv), 1);
}
END_TEST

START_TEST(test_numbers)
{
    ck_assert_int_eq(arc_parse_number("0", 0, 10), 0);
    ck_assert_int_eq(arc_parse_number("10", 0, 10), 10);
    ck_assert_int_eq(arc_parse_number("11", 0, 10), -1);
    ck_assert_int_eq(arc_parse_number("0", 1, 10), -1);
    ck_assert_int_eq(arc_parse_number("", 0, 10), -1);
    ck_assert_int_eq(arc_parse_number("abc", 0, 10), -1);
    ck_assert_int_eq(arc_parse_number("1x", 0, 10), -1);
    ck_assert_int_eq(arc_parse_number(" 1", 0, 10), -1);
    ck_assert_int_eq(arc_parse_number("+1", 0, 10), -1);
    ck_assert_int_eq(arc_parse_number("-1", 0, 10), -1);
    ck_assert_int_eq(arc_parse_number("99999999999999999999999", 0, LONG_MAX), -1);
}
END_TEST

START_TEST(test_distance)
{
    ck_assert_uint_eq(arc_distance("", ""), 0);
    ck_assert_uint_eq(arc_distance("start", "start"), 0);
    ck_assert_uint_eq(arc_distance("", "abc"), 3);
    ck_assert_uint_eq(arc_distance("stat", "start"), 1);
    ck_assert_uint_eq(arc_distance("satrt", "start"), 1); /* two neighbours swapped */
    ck_assert_uint_eq(arc_distance("kitten", "sitting"), 3);
    char word[66];
    memset(word, 'a', 65);
    word[65] = '\0';
    ck_assert_uint_eq(arc_distance(word, "a"), SIZE_MAX);
    word[64] = '\0';
    ck_assert_uint_eq(arc_distance(word, "a"), 63);
}
END_TEST

START_TEST(test_suggest)
{
    static const char *const words[] = {"start", "status", "steps", "list", "ci"};

    struct {
        const char *word, *expected;
    } cases[] = {{"strat", "start"}, {"statsu", "status"}, {"lst", "list"},
                 {"xyz", NULL},      {"c", "ci"},          {"abandon", NULL}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arc_suggestion suggestion = {.word = cases[i].word};
        for (size_t j = 0; j < 5; j++) {
            arc_suggest(&suggestion, words[j]);
        }
        ck_assert_pstr_eq(suggestion.nearest, cases[i].expected);
    }
}
END_TEST

static Suite *options_suite(void)
{
    Suite *s = suite_create("arc options");
    TCase *tc = tcase_create("options");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_everywhere);
    tcase_add_test(tc, test_joined_and_empty);
    tcase_add_test(tc, test_double_dash);
    tcase_add_test(tc, test_wrong);
    tcase_add_test(tc, test_stop_at_first);
    tcase_add_test(tc, test_numbers);
    tcase_add_test(tc, test_distance);
    tcase_add_test(tc, test_suggest);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(options_suite)
