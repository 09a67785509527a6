/*
 * Substitution in texts and in values: what is replaced, what stays, the filters, that values are
 * never read again, the limits, and the check without values.
 */
#include "expr-lib.h"
#include "wire/records.h"

static const char variables[] =
    "{\"name\":\"Ann\",\"n\":3,\"r\":0.5,\"t\":true,\"z\":null,\"e\":\"\",\"o\":{\"k\":\"v\",\"l\":[1,2]},"
    "\"evil\":\"{{name}} {name}\",\"log\":\"a\\r\\nb\\n\\nc\",\"pad\":\" \\t x y \\n\","
    "\"not_set\":\"set\"}";

static const struct {
    const char *text, *expected;
} cases[] = {
    {"", ""},
    {"plain } }} text", "plain } }} text"},
    {"{{name}}", "Ann"},
    {"{{ name }}{{n}}", "Ann3"},
    {"ä{{r}}ä", "ä0.5ä"},
    {"{{t}} {{z}} {{o}}", "true null {\"k\":\"v\",\"l\":[1,2]}"},
    {"{{o.l.1}} {{o.l.length}} {{context.name}}", "2 2 Ann"},
    {"{{step}}", "s1"},
    {"{{1 + n * 2}}", "7"},
    {"{{name == 'Ann' && n > 2}}", "true"},
    {"{{missing == null}}", "true"},
    {"{{\"{{\"}}", "{{"},
    {"{{'}}'}}", "}}"},
    {"{\"a\":{\"b\":{{n}}}}", "{\"a\":{\"b\":3}}"},
    /* one pass */
    {"{{evil}} {evil}", "{{name}} {name} {{name}} {name}"},
    {"{{'{' + 'name}'}}", "{name}"},
    /* single braces */
    {"{name} {o.k} {o.l.0} {context.n} {step}", "Ann v 1 3 s1"},
    {"{name.length} {n.length}", "3 {n.length}"},
    {"{missing} {o.x} {} {", "{missing} {o.x} {} {"},
    {"{ name } {name } {name", "{ name } {name } {name"},
    {"{{{name}}}", "error: at character 3: expected a name, a value or an operator, found '{'"},
    {"{x{name}}", "{xAnn}"},
    {"{z} {e}", "null "},
    {"{1} {a-b} {name|upper}", "{1} {a-b} {name|upper}"},
    {"\\{name}", "\\Ann"},
    /* not set */
    {"{{missing}}", "error: at character 3: variable 'missing' is not set"},
    {"äö {{ o.x }}", "error: at character 7: variable 'o.x' is not set"},
    {"{{missing.length}}", "error: at character 3: variable 'missing.length' is not set"},
    {"{{context.step}}", "error: at character 3: variable 'context.step' is not set"},
    {"{{missing | upper}}", "error: at character 3: variable 'missing' is not set"},
    {"{{(missing)}}", "error: at character 4: variable 'missing' is not set"},
    {"{{missing | default('d')}}", "d"},
    {"{{missing|upper|trim|length|lines|lower|default(1)}}", "1"},
    {"{{z | default(\"d\")}} {{e | default('d')}} {{n|default('d')}}", "d d 3"},
    {"{{e | default(null)}} {{e | default(true)}} {{e | default(0.5)}}", "null true 0.5"},
    {"{{'0' | default('d')}} {{false | default('d')}}", "0 false"},
    {"{{missing | default('') | default('d') | upper}}", "D"},
    /* filters */
    {"{{name | json}} {{o | json}} {{z | json}} {{missing | json | default(1)}}",
     "\"Ann\" {\"k\":\"v\",\"l\":[1,2]} null null"},
    {"{{o | json | json}}", "\"{\\\"k\\\":\\\"v\\\",\\\"l\\\":[1,2]}\""},
    {"[{{pad | trim}}] [{{'' | trim}}] [{{'  ' | trim}}] [{{n | trim}}]", "[x y] [] [] [3]"},
    {"{{log | lines}}", "[\"a\",\"b\",\"\",\"c\"]"},
    {"{{e | lines}} {{'\\n' | lines}} {{'a' | lines}} {{'a\\n' | lines}}",
     "[] [\"\"] [\"a\"] [\"a\"]"},
    {"{{'\\u00e4b' | upper}} {{'ÄB' | lower}} {{t | upper}}", "ÄB äb TRUE"},
    {"{{name | length}} {{o | length}} {{log | lines | length}} {{'äö'|length}}", "3 2 4 2"},
    {"{{name || 1 | upper}}", "TRUE"},
    {"{{n | length}}",
     "error: at character 7: 'length' expected text, an array or an object, got integer"},
    {"{{o | upper}}", "error: at character 7: 'upper' expected text, got object"},
    {"{{o.l | trim}}", "error: at character 9: 'trim' expected text, got array"},
    {"{{o.l | lines}}", "error: at character 9: 'lines' expected text, got array"},
    /* syntax; the characters are those of the whole text */
    {"{{}}", "error: at character 3: expected a name or a value, found '}}'"},
    {"{{", "error: at character 3: expected a name or a value, found the end"},
    {"äöü {{name", "error: at character 11: expected an operator, '|' or '}}', found the end"},
    {"{{name}", "error: at character 7: expected a name, a value or an operator, found '}'"},
    {"{{name n}}", "error: at character 8: expected an operator, '|' or '}}', found 'n'"},
    {"{{name |}}",
     "error: at character 9: expected a filter (json, trim, lines, default, length, upper, lower), "
     "found '}}'"},
    {"{{name | up}}",
     "error: at character 10: expected a filter (json, trim, lines, default, length, upper, "
     "lower), found 'up'"},
    {"{{name | upper lower}}",
     "error: at character 16: expected an operator, '|' or '}}', found 'lower'"},
    {"{{name | default}}", "error: at character 17: expected '(' and a value, found '}}'"},
    {"{{name | default(n)}}",
     "error: at character 18: expected a text, a number, true, false or null, found 'n'"},
    {"{{name | default('x'}}", "error: at character 21: expected ')', found '}}'"},
    {"{{name | 'json'}}",
     "error: at character 10: expected a filter (json, trim, lines, default, length, upper, "
     "lower), found ''json''"},
    {"x {{n + o}}", "error: at character 7: '+' expected numbers or text, got integer and object"},
    {"x {{n}} {{name matches '['}}",
     "error: at character 24: the pattern has an error at its character 2: missing terminating ] "
     "for character class"},
    {"\xff", "error: the text is not UTF-8"},
};

/* Owned here; the scope only borrows. */
static ag_value *vars, *builtins;
static struct ag_scope scope;

static void setup(void)
{
    vars = json(variables);
    builtins = json("{\"step\":\"s1\"}");
    scope = (struct ag_scope){.builtins = builtins, .variables = vars};
}

static void teardown(void)
{
    ag_value_unref(vars);
    ag_value_unref(builtins);
}

static void set_variables(ag_value *v)
{
    ag_value_unref(vars);
    vars = v;
    scope.variables = v;
}

START_TEST(table)
{
    ag_auto_free char *got = substitute(cases[_i].text, &scope);
    ck_assert_msg(strcmp(got, cases[_i].expected) == 0, "%s\n  got      %s\n  expected %s",
                  cases[_i].text, got, cases[_i].expected);
}
END_TEST

/* ---- values -------------------------------------------------------------------------------- */

static char *substitute_value(const char *text)
{
    AG_AUTO(ag_value) v = json(text);
    ag_value *out = NULL;
    argo_error *err = NULL;
    int rc = ag_subst_value(v, &scope, &out, &err);
    return outcome(rc, out, err);
}

static const struct {
    const char *text, *expected;
} values[] = {
    {"null", "null"},
    {"1.5", "1.5"},
    {"\"{{n}}\"", "3"},
    {"\" {{n}}\"", "\" 3\""},
    {"\"{{n}}{{n}}\"", "\"33\""},
    {"\"{n}\"", "\"3\""},
    {"\"{{o}}\"", "{\"k\":\"v\",\"l\":[1,2]}"},
    {"\"{{log | lines}}\"", "[\"a\",\"b\",\"\",\"c\"]"},
    {"\"{{z}}\"", "null"},
    {"\"{{evil}}\"", "\"{{name}} {name}\""},
    {"{\"{{name}}\":[\"{{name}}\",{\"x\":\"{{t}} {n}\"},2]}",
     "{\"{{name}}\":[\"Ann\",{\"x\":\"true 3\"},2]}"},
    {"{\"a\":[0,\"x {{missing}}\"]}",
     "error: 'a': element 1: at character 5: variable 'missing' is not set"},
    {"[\"{{n +}}\"]", "error: element 0: at character 6: expected a name or a value, found '}}'"},
};

START_TEST(value_table)
{
    ag_auto_free char *got = substitute_value(values[_i].text);
    ck_assert_str_eq(got, values[_i].expected);
}
END_TEST

START_TEST(value_is_a_copy)
{
    AG_AUTO(ag_value) v = json("{\"a\":\"{{o}}\",\"b\":[1]}");
    AG_AUTO(ag_value) out = NULL;
    ck_assert_int_eq(ag_subst_value(v, &scope, &out, NULL), 0);
    ck_assert_int_eq(ag_value_path_set(out, "a.k", ag_value_int(1), NULL), 0);
    ck_assert_str_eq(ag_value_as_text(ag_value_path_get(scope.variables, "o.k")), "v");
    ck_assert_int_eq(ag_value_append(ag_value_get(out, "b"), ag_value_int(2)), 0);
    ck_assert_uint_eq(ag_value_size(ag_value_get(v, "b")), 1);
}
END_TEST

/* ---- limits -------------------------------------------------------------------------------- */

/* Sets the variable "big" to a text of LEN bytes. */
static void set_big(size_t len)
{
    ag_auto_free char *text = malloc(len + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', len);
    text[len] = '\0';
    ag_value *v = ag_value_object();
    ck_assert_int_eq(ag_value_set(v, "big", ag_value_text(text)), 0);
    set_variables(v);
}

START_TEST(text_limit)
{
    argo_error *err = NULL;
    char *out = NULL;
    set_big(AG_MAX_VALUE / 2);
    ck_assert_int_eq(ag_subst_text("{{big}}{big}", &scope, &out, &err), 0);
    ck_assert_uint_eq(strlen(out), AG_MAX_VALUE);
    free(out);
    out = NULL;
    ck_assert_int_eq(ag_subst_text("{{big}}{big}.", &scope, &out, &err), ARGO_E_TOO_LARGE);
    ck_assert_str_eq(argo_error_details(err), "the text would be longer than 262144 bytes");
    ck_assert_ptr_null(out);
    argo_error_free(err);
}
END_TEST

START_TEST(value_limit)
{
    AG_AUTO(ag_value) twice = json("[\"{{big}}\",\"{{big}}\"]");
    AG_AUTO(ag_value) fits = NULL;
    AG_AUTO(ag_value) over = NULL;
    set_big(AG_MAX_VALUE / 2 - 2); /* printed with its quotes */
    ck_assert_int_eq(ag_subst_value(twice, &scope, &fits, NULL), 0);
    set_big(AG_MAX_VALUE / 2 - 1);
    ck_assert_int_eq(ag_subst_value(twice, &scope, &over, NULL), ARGO_E_TOO_LARGE);
    ck_assert_ptr_null(over);
}
END_TEST

/* LEVELS arrays in each other around INNER. */
static char *nested(size_t levels, const char *inner)
{
    char *text = malloc(2 * levels + strlen(inner) + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, '[', levels);
    strcpy(text + levels, inner);
    size_t len = strlen(text);
    memset(text + len, ']', levels);
    text[len + levels] = '\0';
    return text;
}

START_TEST(depth_limit)
{
    ag_auto_free char *deep = nested(AG_JSON_DEPTH - 2, "1");
    ag_value *v = ag_value_object();
    ck_assert_int_eq(ag_value_set(v, "deep", json(deep)), 0);
    set_variables(v);
    ag_auto_free char *fits = nested(2, "\"{{deep}}\"");
    ag_auto_free char *over = nested(3, "\"{{deep}}\"");
    ag_auto_free char *plain = nested(AG_JSON_DEPTH, "\"{{deep.length}}\"");
    ag_auto_free char *got_fits = substitute_value(fits);
    ag_auto_free char *got_over = substitute_value(over);
    ag_auto_free char *got_plain = substitute_value(plain);
    ck_assert_msg(ag_starts_with(got_fits, "[[[["), "%s", got_fits);
    AG_AUTO(ag_value) parsed = json(got_fits); /* what is stored must be readable again */
    ck_assert(ag_value_is(parsed, ARGO_TYPE_ARRAY));
    ck_assert_str_eq(got_over, "error: element 0: element 0: element 0: the value would be nested "
                               "deeper than 64");
    ck_assert_msg(ag_starts_with(got_plain, "[[[["), "%s", got_plain);
}
END_TEST

START_TEST(steps_are_shared)
{
    /* One search fits, a text with many of them does not. */
    set_big(30000);
    ag_auto_free char *once = substitute("{{big matches 'x{1,90}[^x]'}}", &scope);
    ck_assert_str_eq(once, "false");
    ag_auto_free char *twice =
        substitute("{{big matches 'x{1,90}[^x]'}}{{big matches 'x{1,90}[^x]'}}", &scope);
    ck_assert_msg(strstr(twice, "too many steps") != NULL, "%s", twice);
}
END_TEST

/* ---- check --------------------------------------------------------------------------------- */

static int collect(const char *path, bool defaulted, void *user)
{
    char *all = user;
    strcat(strcat(all, path), defaulted ? "? " : " ");
    return strcmp(path, "stop") == 0 ? 5 : 0;
}

START_TEST(check)
{
    static const struct {
        const char *text, *paths;
        int rc;
    } checks[] = {
        {"", "", 0},
        {"{a} {x", "", 0},
        {"{{a}} {b} {{context.c.d + e.length | trim}}", "a c.d e ", 0},
        {"{{a | default('x')}}{{b | upper | default(1)}} {{c}}", "a? b? c ", 0},
        {"{{a}}{{stop}}{{b}}", "a stop ", 5},
        {"{{a}} {{", "a ", ARGO_E_INVALID},
        {"{{'{{a}}'}}", "", 0},
        {"{{{a}}}", "", ARGO_E_INVALID},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(checks); i++) {
        char all[64] = "";
        AG_AUTO(argo_error) err = NULL;
        ck_assert_int_eq(ag_subst_check(checks[i].text, collect, all, &err), checks[i].rc);
        ck_assert_str_eq(all, checks[i].paths);
        ck_assert_int_eq(ag_subst_check(checks[i].text, NULL, NULL, NULL) == ARGO_E_INVALID,
                         checks[i].rc == ARGO_E_INVALID);
    }
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_subst_check("ä {{a}} {{*}}", NULL, NULL, &err), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_details(err),
                     "at character 11: expected a name or a value, found '*'");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("subst");
    TCase *tc = tcase_create("subst");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, table, 0, (int)AG_ARRAY_SIZE(cases));
    tcase_add_loop_test(tc, value_table, 0, (int)AG_ARRAY_SIZE(values));
    tcase_add_test(tc, value_is_a_copy);
    tcase_add_test(tc, text_limit);
    tcase_add_test(tc, value_limit);
    tcase_add_test(tc, depth_limit);
    tcase_add_test(tc, steps_are_shared);
    tcase_add_test(tc, check);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
