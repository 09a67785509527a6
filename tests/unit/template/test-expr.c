/*
 * The condition language: a table of expressions and their outcomes, its limits, and every
 * example of docs/expressions.md.
 */
#include "base/file.h"
#include "expr-lib.h"
#include "template/lexer.h"
#include "wire/records.h"

static const char variables[] =
    "{\"a\":1,\"b\":2.5,\"s\":\"text\",\"n\":\"10\",\"z\":null,\"t\":true,\"f\":false,"
    "\"list\":[1,\"2\",null,{\"k\":1},[3]],\"o\":{\"k\":\"v\",\"deep\":{\"x\":5}},"
    "\"uml\":\"äöü€\",\"none\":[],\"no\":{},\"step\":\"mine\",\"in\":4,\"len\":{\"length\":null},"
    "\"big\":9223372036854775807,\"min\":-9223372036854775808,\"long1\":\"99999999999999999999\","
    "\"long2\":\"99999999999999999998\",\"context\":{\"a\":9}}";

static const struct {
    const char *text, *expected;
} cases[] = {
    /* literals */
    {"1", "1"},
    {" \t\r\n1 ", "1"},
    {"0", "0"},
    {"0.5", "0.5"},
    {"1e2", "100.0"},
    {"1E-2", "0.01"},
    {"\"\"", "\"\""},
    {"'\"'", "\"\\\"\""},
    {"\"'\"", "\"'\""},
    {"\"\\u00e4\\u20AC\\ud83d\\ude00\" == 'ä€😀'", "true"},
    {"\"\\t\\n\\\\\"", "\"\\t\\n\\\\\""},
    {"false", "false"},
    {"\"}}\"", "\"}}\""},
    /* names */
    {"o.deep.x", "5"},
    {"list.3.k", "1"},
    {"list.9", "null"},
    {"s.x", "null"},
    {"step", "\"built-in\""},
    {"context.step", "\"mine\""},
    {"context.now", "null"},
    {"now", "\"today\""},
    {"context.in", "4"},
    {"context", "{\"a\":9}"},
    {"context.a", "1"},
    {"trueish", "null"},
    {"_x9", "null"},
    {"inside", "null"},
    /* length */
    {"uml.length", "4"},
    {"list.length", "5"},
    {"list.4.length", "1"},
    {"o.length", "2"},
    {"len.length", "null"},
    {"z.length", "null"},
    {"length", "null"},
    {"none.length == 0", "true"},
    {"a.length",
     "error: at character 1: 'length' expected text, an array or an object, got integer"},
    {"1 + t.length",
     "error: at character 5: 'length' expected text, an array or an object, got boolean"},
    /* precedence */
    {"1 + 2 * 3", "7"},
    {"(1 + 2) * 3", "9"},
    {"10 - 2 - 3", "5"},
    {"24 / 2 / 3", "4"},
    {"-2 * -3", "6"},
    {"--2", "2"},
    {"2 - -2", "4"},
    {"2--2", "4"},
    {"1 + 1 == 2", "true"},
    {"!1 == 2", "true"},
    {"!!1", "true"},
    {"1 || 0 && 0", "true"},
    {"(1 || 0) && 0", "false"},
    {"!0 && 1", "true"},
    {"1 == 1 && 2 == 2", "true"},
    {"-a + 3", "2"},
    /* truth, and sides that are left out */
    {"0 || ''", "false"},
    {"'x' || 1 / 0", "true"},
    {"0 && 1 / 0", "false"},
    {"1 && 'x'", "true"},
    {"0 || 0 || 3", "true"},
    {"1 && 1 && 0", "false"},
    {"!z", "true"},
    {"!'false'", "true"},
    {"!'no'", "true"},
    {"!'0'", "true"},
    {"!'No'", "false"},
    {"!0.0", "true"},
    {"!0.1", "false"},
    {"!none", "true"},
    {"!no", "true"},
    {"!list", "false"},
    {"!f", "true"},
    /* equality */
    {"a == 1.0", "true"},
    {"a == '1'", "true"},
    {"'1' == '1.0'", "true"},
    {"'1' == ' 1'", "false"},
    {"'007' == 7", "false"},
    {"'+1' == 1", "false"},
    {"'1e1' == 10", "true"},
    {"'-0' == 0", "true"},
    {"'.5' == 0.5", "false"},
    {"'1.' == 1", "false"},
    {"'0x10' == 16", "false"},
    {"'nan' == 'nan'", "true"},
    {"'1e999' == '1e998'", "false"},
    {"long1 == long2", "false"},
    {"long1 == long1", "true"},
    {"big == 9223372036854775806", "false"},
    {"s == 'text'", "true"},
    {"s != 'text'", "false"},
    {"s == 1", "false"},
    {"t == true", "true"},
    {"t == 'true'", "true"},
    {"t == 1", "false"},
    {"f == 0", "false"},
    {"z == null", "true"},
    {"z == 'null'", "false"},
    {"z == false", "false"},
    {"z != 0", "true"},
    {"none == no", "false"},
    {"list == list", "true"},
    {"o == o.deep", "false"},
    {"list == 'x'", "false"},
    /* order */
    {"1 < 2", "true"},
    {"2 <= 2", "true"},
    {"2 < 2", "false"},
    {"2 >= 2.0", "true"},
    {"2 > 2", "false"},
    {"3 > 2", "true"},
    {"n > 9", "true"},
    {"n > '9'", "true"},
    {"'x10' > 'x9'", "false"},
    {"n > 'x'", "false"},
    {"'a' < 'ab'", "true"},
    {"'Z' < 'a'", "true"},
    {"'z' < 'ä'", "true"},
    {"min < big", "true"},
    {"z < 1", "error: at character 3: '<' expected numbers or text, got null and integer"},
    {"1 >= t", "error: at character 3: '>=' expected numbers or text, got integer and boolean"},
    {"o > 1", "error: at character 3: '>' expected numbers or text, got object and integer"},
    {"'ä' <= none", "error: at character 5: '<=' expected numbers or text, got text and array"},
    /* in, contains */
    {"1 in list", "true"},
    {"2 in list", "true"},
    {"3 in list", "false"},
    {"null in list", "true"},
    {"list contains o", "false"},
    {"list.3 in list", "true"},
    {"1 in none", "false"},
    {"'k' in o", "true"},
    {"'v' in o", "false"},
    {"o contains 'deep'", "true"},
    {"s contains 'ex'", "true"},
    {"s contains ''", "true"},
    {"0 in n", "true"},
    {"z in s", "false"},
    {"z in o", "false"},
    {"z contains 1", "false"},
    {"t in s",
     "error: at character 3: 'in' expected anything in an array, or text in an object or a text, "
     "got boolean and text"},
    {"list in o",
     "error: at character 6: 'in' expected anything in an array, or text in an object or a text, "
     "got array and object"},
    {"5 contains 5",
     "error: at character 3: 'contains' expected an array and anything, or an object or a text and "
     "text, got integer and integer"},
    /* starts_with, ends_with, matches */
    {"s starts_with 'te'", "true"},
    {"s starts_with 'ext'", "false"},
    {"s starts_with ''", "true"},
    {"s starts_with 'text and more'", "false"},
    {"s ends_with 'xt'", "true"},
    {"s ends_with 'te'", "false"},
    {"123 starts_with 1", "true"},
    {"z starts_with ''", "false"},
    {"s ends_with z", "false"},
    {"list starts_with 1",
     "error: at character 6: 'starts_with' expected text and text, got array and integer"},
    {"s ends_with t",
     "error: at character 3: 'ends_with' expected text and text, got text and boolean"},
    {"s matches '^t.x'", "true"},
    {"s matches '^x'", "false"},
    {"s matches 't' + '$'", "true"},
    {"s matches s", "true"},
    {"n matches '^\\\\d+$'", "true"},
    {"10 matches '^1'", "true"},
    {"10 matches 1", "true"},
    {"uml matches '^....$'", "true"},
    {"z matches ''", "false"},
    {"s matches z", "false"},
    {"s matches ''", "true"},
    {"o matches 'x'", "error: at character 3: 'matches' expected text, got object"},
    {"s matches o", "error: at character 3: 'matches' expected text and text, got text and object"},
    {"s matches '(ä'",
     "error: at character 11: the pattern has an error at its character 3: missing closing "
     "parenthesis"},
    {"s matches '(' + ''",
     "error: at character 3: the pattern has an error at its character 2: missing closing "
     "parenthesis"},
    /* arithmetic */
    {"1 + 2.5", "3.5"},
    {"n + 1", "11"},
    {"'1' + '2'", "3"},
    {"'a' + 'b'", "\"ab\""},
    {"'a' + 1 + 2", "\"a12\""},
    {"1 + 2 + 'a'", "\"3a\""},
    {"'a' + t", "\"atrue\""},
    {"b + 'x'", "\"2.5x\""},
    {"'a' + z", "error: at character 5: '+' expected numbers or text, got text and null"},
    {"'a' + none", "error: at character 5: '+' expected numbers or text, got text and array"},
    {"1 + t", "error: at character 3: '+' expected numbers or text, got integer and boolean"},
    {"n - 1", "9"},
    {"n * b", "25.0"},
    {"'a' - 1", "error: at character 5: '-' expected numbers, got text and integer"},
    {"2 * z", "error: at character 3: '*' expected numbers, got integer and null"},
    {"o / 2", "error: at character 3: '/' expected numbers, got object and integer"},
    {"-s", "error: at character 1: '-' expected a number, got text"},
    {"-n", "-10"},
    {"7 / 2", "3.5"},
    {"8 / 2", "4"},
    {"8 / 2.0", "4.0"},
    {"7 % 3", "1"},
    {"-7 % 3", "-1"},
    {"7 % -3", "1"},
    {"7.5 % 2", "1.5"},
    {"1 / 0", "error: at character 3: '/' by zero"},
    {"1 % 0.0", "error: at character 3: '%' by zero"},
    {"1 / '0'", "error: at character 3: '/' by zero"},
    {"big + 0", "9223372036854775807"},
    {"big + 1 > big - 1", "true"},
    {"big * 2", "1.8446744073709552e19"},
    {"min - 1 < 0", "true"},
    {"min / -1 > 0", "true"},
    {"min % -1", "0"},
    {"-min > 0", "true"},
    {"1e308 * 10", "error: at character 7: the result of '*' is out of range"},
    /* syntax */
    {"", "error: at character 1: expected a name or a value, found the end"},
    {"  ", "error: at character 3: expected a name or a value, found the end"},
    {"1 +", "error: at character 4: expected a name or a value, found the end"},
    {"* 2", "error: at character 1: expected a name or a value, found '*'"},
    {"(1", "error: at character 3: expected an operator or ')', found the end"},
    {"1)", "error: at character 2: expected an operator or the end, found ')'"},
    {"()", "error: at character 2: expected a name or a value, found ')'"},
    {"a b", "error: at character 3: expected an operator or the end, found 'b'"},
    {"'ä' 'b", "error: at character 5: the text has no closing '"},
    {"\"abc", "error: at character 1: the text has no closing \""},
    {"'a\\q'", "error: at character 3: expected one of \\\" \\' \\\\ \\n \\t \\uXXXX"},
    {"'ää\\u12'", "error: at character 4: expected one of \\\" \\' \\\\ \\n \\t \\uXXXX"},
    {"'\\ud83d'", "error: at character 2: expected one of \\\" \\' \\\\ \\n \\t \\uXXXX"},
    {"'\\ude00'", "error: at character 2: expected one of \\\" \\' \\\\ \\n \\t \\uXXXX"},
    {"'\\u0000'", "error: at character 2: expected one of \\\" \\' \\\\ \\n \\t \\uXXXX"},
    {"a = 1", "error: at character 3: expected '==', found '='"},
    {"a & b", "error: at character 3: expected '&&', found '&'"},
    {"a | b", "error: at character 3: expected an operator or the end, found '|'"},
    {"a }} b", "error: at character 3: expected an operator or the end, found '}}'"},
    {"a } b", "error: at character 3: expected a name, a value or an operator, found '}'"},
    {"ä", "error: at character 1: expected a name, a value or an operator, found 'ä'"},
    {"a.", "error: at character 2: expected a name, a value or an operator, found '.'"},
    {"a. b", "error: at character 2: expected a name, a value or an operator, found '.'"},
    {"a-b-c", "error: at character 4: '-' expected numbers, got number and null"},
    {"007", "error: at character 2: expected an operator or the end, found '0'"},
    {"1.", "error: at character 2: expected a name, a value or an operator, found '.'"},
    {".5", "error: at character 1: expected a name, a value or an operator, found '.'"},
    {"1x", "error: at character 2: expected an operator or the end, found 'x'"},
    {"9223372036854775808", "error: at character 1: the number is out of range"},
    {"1e999", "error: at character 1: the number is out of range"},
    {"a == !b", "error: at character 6: expected a name or a value, found '!'"},
    {"in", "error: at character 1: expected a name or a value, found 'in'"},
    {"1 in 2 in 3",
     "error: at character 8: expected '&&', '||' or parentheses (comparisons do not chain), found "
     "'in'"},
    {"a.length()", "error: at character 9: expected an operator or the end, found '('"},
};

START_TEST(table)
{
    AG_AUTO(ag_value) vars = json(variables);
    AG_AUTO(ag_value) builtins = json("{\"step\":\"built-in\",\"now\":\"today\"}");
    struct ag_scope scope = {.builtins = builtins, .variables = vars};
    ag_auto_free char *got = evaluate(cases[_i].text, &scope);
    ck_assert_msg(strcmp(got, cases[_i].expected) == 0, "%s\n  got      %s\n  expected %s",
                  cases[_i].text, got, cases[_i].expected);
}
END_TEST

START_TEST(no_scope)
{
    struct ag_scope scope = {0};
    ag_auto_free char *got = evaluate("a == null && context.b == null", &scope);
    ck_assert_str_eq(got, "true");
}
END_TEST

START_TEST(truth)
{
    AG_AUTO(ag_value) vars = json(variables);
    struct ag_scope scope = {.variables = vars};

    static const struct {
        const char *text;
        bool expected;
    } truths[] = {{"a", true}, {"z", false}, {"'no'", false}, {"none", false}, {"o", true}};

    for (size_t i = 0; i < AG_ARRAY_SIZE(truths); i++) {
        AG_AUTO(ag_expr) e = NULL;
        bool got = !truths[i].expected;
        ck_assert_int_eq(ag_expr_compile(truths[i].text, &e, NULL), 0);
        ck_assert_int_eq(ag_expr_test(e, &scope, &got, NULL), 0);
        ck_assert_int_eq(got, truths[i].expected);
    }
    AG_AUTO(ag_expr) e = NULL;
    bool got = true;
    ck_assert_int_eq(ag_expr_compile("1/0", &e, NULL), 0);
    ck_assert_int_eq(ag_expr_test(e, &scope, &got, NULL), ARGO_E_INVALID);
    ck_assert(got); /* untouched */
}
END_TEST

/* ---- limits -------------------------------------------------------------------------------- */

/* PREFIX, N times UNIT, SUFFIX. */
static char *repeated(const char *prefix, const char *unit, size_t n, const char *suffix)
{
    size_t len = strlen(unit);
    char *text = malloc(strlen(prefix) + n * len + strlen(suffix) + 1);
    ck_assert_ptr_nonnull(text);
    char *at = stpcpy(text, prefix);
    for (size_t i = 0; i < n; i++) {
        at = stpcpy(at, unit);
    }
    strcpy(at, suffix);
    return text;
}

static void expect(const char *prefix, const char *unit, size_t n, const char *suffix,
                   const char *expected)
{
    struct ag_scope scope = {0};
    ag_auto_free char *text = repeated(prefix, unit, n, suffix);
    ag_auto_free char *got = evaluate(text, &scope);
    ck_assert_str_eq(got, expected);
}

START_TEST(length_limit)
{
    const char *too_long = "error: at character 1: the expression is longer than 8192 bytes";
    expect("1", " ", AG_EXPR_MAX_TEXT - 1, "", "1");
    expect("1", " ", AG_EXPR_MAX_TEXT, "", too_long);
    expect("'", "x", AG_EXPR_MAX_TEXT - 8, "'=='x'", "false");
    expect("'", "x", AG_EXPR_MAX_TEXT - 6, "'=='x'", too_long);
    expect("1", "+1", AG_EXPR_MAX_TEXT / 2 - 1, "", "4096");
    expect("1", "+1", AG_EXPR_MAX_TEXT / 2, "", too_long);
    expect("0", "||0", 2700, "", "false");
    expect("1", "&&1", 2700, "", "true");
}
END_TEST

START_TEST(nesting_limit)
{
    expect("", "(", 64, "1))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))", "1");
    expect("", "(", 65, "1", "error: at character 65: the expression is nested deeper than 64");
    expect("", "!", 64, "1", "true");
    expect("", "!", 65, "1", "error: at character 65: the expression is nested deeper than 64");
    expect("", "-", 64, "1", "1");
    expect("", "-", 65, "1", "error: at character 65: the expression is nested deeper than 64");
    expect("(1)", "+(1)", 200, "", "201"); /* side by side is not nested */
}
END_TEST

START_TEST(path_limit)
{
    expect("", "x", AG_EXPR_MAX_PATH, "", "null");
    expect("1 + ", "x", AG_EXPR_MAX_PATH + 1, "",
           "error: at character 5: the path is longer than 256 bytes");
}
END_TEST

START_TEST(result_limit)
{
    AG_AUTO(ag_value) vars = ag_value_object();
    ag_auto_free char *big = repeated("", "x", AG_MAX_VALUE - 1, "");
    ag_value_set(vars, "big", ag_value_text(big));
    struct ag_scope scope = {.variables = vars};
    AG_AUTO(ag_expr) fits = NULL;
    AG_AUTO(ag_expr) over = NULL;
    AG_AUTO(ag_value) v = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_expr_compile("big + 'y'", &fits, NULL), 0);
    ck_assert_int_eq(ag_expr_eval(fits, &scope, &v, NULL), 0);
    ck_assert_uint_eq(ag_value_text_len(v), AG_MAX_VALUE);
    ck_assert_int_eq(ag_expr_compile("big + 'yz'", &over, NULL), 0);
    ck_assert_int_eq(ag_expr_eval(over, &scope, &v, &err), ARGO_E_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "at character 5: "));
}
END_TEST

START_TEST(not_utf8)
{
    AG_AUTO(ag_expr) e = NULL;
    ck_assert_int_eq(ag_expr_compile("'\xff'", &e, NULL), ARGO_E_INVALID);
    ck_assert_ptr_null(e);
}
END_TEST

/* ---- paths --------------------------------------------------------------------------------- */

static int collect(const char *path, void *user)
{
    char *all = user;
    strcat(strcat(all, path), " ");
    return strcmp(path, "stop") == 0 ? 7 : 0;
}

START_TEST(paths)
{
    AG_AUTO(ag_expr) e = NULL;
    char all[128] = "";
    ck_assert_int_eq(ag_expr_compile("context.a.b + c.length > 'd' && (length || e.0)", &e, NULL),
                     0);
    ck_assert_int_eq(ag_expr_paths(e, collect, all), 0);
    ck_assert_str_eq(all, "a.b c length e.0 ");
    AG_AUTO(ag_expr) stops = NULL;
    all[0] = '\0';
    ck_assert_int_eq(ag_expr_compile("a + stop + b", &stops, NULL), 0);
    ck_assert_int_eq(ag_expr_paths(stops, collect, all), 7);
    ck_assert_str_eq(all, "a stop ");
}
END_TEST

/* ---- docs/expressions.md ------------------------------------------------------------------- */

static void check_example(char *line, bool condition, const struct ag_scope *scope)
{
    char *arrow = strstr(line, " => ");
    ck_assert_msg(arrow != NULL, "no result: %s", line);
    *arrow = '\0';
    const char *expected = arrow + strlen(" => ");
    ag_auto_free char *got = condition ? evaluate(line, scope) : substitute(line, scope);
    ck_assert_msg(strcmp(got, expected) == 0, "%s\n  got      %s\n  expected %s", line, got,
                  expected);
}

START_TEST(documentation)
{
    ag_auto_free char *text = NULL;
    size_t len = 0;
    ck_assert_int_eq(ag_file_read(SOURCE_ROOT "/docs/expressions.md", 65536, &text, &len, NULL), 0);
    char *start = strstr(text, "```json\n");
    ck_assert_ptr_nonnull(start);
    start += strlen("```json\n");
    char *end = strstr(start, "```");
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    AG_AUTO(ag_value) vars = json(start);
    struct ag_scope scope = {.variables = vars};
    size_t examples = 0;

    enum { NONE, CONDITIONS, SUBSTITUTIONS } block = NONE;

    char *save = NULL;
    for (char *line = strtok_r(end + 4, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (ag_starts_with(line, "```")) {
            block = ag_streq(line, "```conditions")      ? CONDITIONS
                    : ag_streq(line, "```substitutions") ? SUBSTITUTIONS
                                                         : NONE;
        } else if (block != NONE) {
            check_example(line, block == CONDITIONS, &scope);
            examples++;
        } else {
            ck_assert_msg(strstr(line, " => ") == NULL, "an example that is not run: %s", line);
        }
    }
    ck_assert_uint_gt(examples, 60);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("expr");
    TCase *tc = tcase_create("expr");
    tcase_add_loop_test(tc, table, 0, (int)AG_ARRAY_SIZE(cases));
    tcase_add_test(tc, no_scope);
    tcase_add_test(tc, truth);
    tcase_add_test(tc, length_limit);
    tcase_add_test(tc, nesting_limit);
    tcase_add_test(tc, path_limit);
    tcase_add_test(tc, result_limit);
    tcase_add_test(tc, not_utf8);
    tcase_add_test(tc, paths);
    tcase_add_test(tc, documentation);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
