/*
 * Values: what parses and what does not (with its place), printing, building, comparing, and the
 * exported argo_value_* on top.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "wire/value.h"

static ag_value *parse(const char *text)
{
    ag_value *v = NULL;
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_value_parse(text, strlen(text), &v, &err);
    ck_assert_msg(rc == 0, "%s: %s", text, argo_error_details(err));
    return v;
}

/* Parses TEXT, prints it, and compares with EXPECTED. */
static void check_print(const char *text, const char *expected)
{
    AG_AUTO(ag_value) v = parse(text);
    size_t len = 0;
    ag_auto_free char *printed = ag_value_print(v, &len);
    ck_assert_str_eq(printed, expected);
    ck_assert_uint_eq(len, strlen(expected));
}

static void check_refused_n(const char *text, size_t len, const char *details)
{
    ag_value *untouched = ag_value_null();
    ag_value *v = untouched;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_value_parse(text, len, &v, &err), ARGO_E_JSON);
    ck_assert_int_eq(argo_error_code(err), ARGO_E_JSON);
    ck_assert_msg(strstr(argo_error_details(err), details) != NULL, "'%s' has no '%s'",
                  argo_error_details(err), details);
    ck_assert_ptr_null(strchr(argo_error_details(err), '\n'));
    ck_assert_ptr_eq(v, untouched);
    ck_assert_int_eq(ag_value_parse(text, len, &v, NULL), ARGO_E_JSON);
}

static void check_refused(const char *text, const char *details)
{
    check_refused_n(text, strlen(text), details);
}

START_TEST(prints_compact_and_in_order)
{
    check_print(" { \"b\" : [ 1 , true , null ] , \"a\" : \"x\" } ",
                "{\"b\":[1,true,null],\"a\":\"x\"}");
    check_print("\"\\u00e4\\n\"", "\"\xc3\xa4\\n\"");
    check_print("\"\\ud83d\\ude00/\"", "\"\xf0\x9f\x98\x80/\"");
    check_print("[]", "[]");
    check_print("7", "7");
    check_print("false", "false");
}
END_TEST

START_TEST(prints_sorted_and_indented)
{
    AG_AUTO(ag_value) v = parse("{\"b\":{\"d\":1,\"c\":2},\"a\":0}");
    size_t len = 0;
    ag_auto_free char *sorted = ag_value_print_sorted(v, &len);
    ck_assert_str_eq(sorted, "{\"a\":0,\"b\":{\"c\":2,\"d\":1}}");
    ck_assert_uint_eq(len, strlen(sorted));
    ag_auto_free char *indented = ag_value_print_indented(v, 2);
    ck_assert_str_eq(indented, "{\n  \"b\": {\n    \"d\": 1,\n    \"c\": 2\n  },\n  \"a\": 0\n}");
    ag_auto_free char *flat = ag_value_print_indented(v, 0);
    ck_assert_str_eq(flat, "{\"b\":{\"d\":1,\"c\":2},\"a\":0}");
    ag_auto_free char *wide = ag_value_print_indented(v, 1000);
    ck_assert_uint_eq(strspn(wide + 2, " "), 31);
    ag_auto_free char *nothing = ag_value_print(NULL, NULL);
    ck_assert_str_eq(nothing, "null");
}
END_TEST

START_TEST(reals_are_short_and_exact)
{
    check_print("0.1", "0.1");
    check_print("1.0", "1.0");
    check_print("-0.0", "-0.0");
    check_print("1e22", "1e22");
    check_print("[1.5,{\"a\":-2.25}]", "[1.5,{\"a\":-2.25}]");
    check_print("-1234567.891", "-1234567.891");
    check_print("999999999.999", "999999999.999");
    static const double hard[] = {
        0.1 + 0.2,           1.0 / 3, 123456789012345678.0,  5e-324, 2.5e-4, 1000000000.0000001,
        123456789012.345678, 0.0005,  1.7976931348623157e308};
    for (size_t i = 0; i < AG_ARRAY_SIZE(hard); i++) {
        AG_AUTO(ag_value) v = ag_value_real(hard[i]);
        ag_auto_free char *text = ag_value_print(v, NULL);
        AG_AUTO(ag_value) back = parse(text);
        double n = ag_value_as_real(back);
        ck_assert_mem_eq(&n, &hard[i], sizeof(n));
    }
}
END_TEST

START_TEST(integers_have_64_bits)
{
    check_print("9223372036854775807", "9223372036854775807");
    check_print("-9223372036854775808", "-9223372036854775808");
    check_refused("9223372036854775808", "too big integer");
    check_refused("-9223372036854775809", "too big negative integer");
    check_print("1.7976931348623157e308", "1.7976931348623157e308");
    check_refused("1e309", "real number overflow");
    check_refused("[-1e309]", "real number overflow");
}
END_TEST

START_TEST(refuses_with_line_and_column)
{
    check_refused("{\"a\":1,\n \"a\":2}", "line 2, column 4: duplicate object key");
    check_refused("[1,\n2,\n]", "line 3, column 1: ");
    check_refused("[1] x", "line 1, column 5: end of file expected");
    check_refused("{} {}", "end of file expected");
    check_refused("", "line 1, column 1: ");
    check_refused("  \n ", "line 2, column ");
    check_refused("\"abc", "line 1, column 4: ");
    check_refused("{\"a\"}", "':' expected");
    check_refused("[01]", "line 1, column ");
    check_refused("[NaN]", "invalid token near 'NaN'");
    check_refused("nul", "invalid token");
    check_refused("'a'", "invalid token");
    check_refused("[\x01]", "invalid token near '?'");
    check_refused("\"a\nb\"", "unexpected newline");
    check_refused("\xef\xbb\xbf{}", "line 1, column 1: ");
}
END_TEST

START_TEST(refuses_invalid_utf8)
{
    check_refused("[\"\xff\"]", "unable to decode byte 0xff");
    check_refused("[\"\xc3\"]", "unable to decode byte");
    check_refused("\"\xed\xa0\x80\"", "unable to decode byte");
    check_refused("\"\xc0\x80\"", "unable to decode byte");
    check_refused("\"\\ud800\"", "invalid Unicode");
    check_print("\"\xef\xbf\xbf\"", "\"\xef\xbf\xbf\"");
}
END_TEST

START_TEST(refuses_nul)
{
    check_refused("[\"a\\u0000b\"]", "\\u0000 is not allowed");
    check_refused("{\"a\\u0000\":1}", "\\u0000 is not allowed");
    check_refused_n("[1]\0", 4, "line 1, column 4: NUL byte");
    check_refused_n("\"a\0b\"", 5, "line 1, column 3: NUL byte");
}
END_TEST

START_TEST(stops_at_64_levels)
{
    char text[400];
    for (int kind = 0; kind < 2; kind++) {
        const char *open = kind == 0 ? "[" : "{\"k\":";
        const char *close = kind == 0 ? "]" : "}";
        for (int depth = AG_JSON_DEPTH; depth <= AG_JSON_DEPTH + 1; depth++) {
            size_t len = 0;
            /* The innermost level is an empty array of its own. */
            for (int i = 0; i < depth - 1; i++) {
                len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", open);
            }
            len += (size_t)snprintf(text + len, sizeof(text) - len, "[]");
            for (int i = 0; i < depth - 1; i++) {
                len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", close);
            }
            if (depth == AG_JSON_DEPTH) {
                check_print(text, text);
            } else {
                check_refused(text, "nested deeper than 64 levels");
            }
        }
    }
}
END_TEST

START_TEST(depth_knows_strings_and_places)
{
    char text[300] = "[\"\xc3\xa4\",\n\"\\\"";
    memset(text + strlen(text), '[', 100);
    size_t len = strlen(text);
    text[len] = '"';
    text[len + 1] = ']';
    AG_AUTO(ag_value) v = parse(text);
    ck_assert_uint_eq(ag_value_size(v), 2);

    /* Siblings do not add up. */
    char wide[400] = "[";
    for (int i = 0; i < 80; i++) {
        strcat(wide, "[],");
    }
    strcat(wide, "{}]");
    AG_AUTO(ag_value) w = parse(wide);
    ck_assert_uint_eq(ag_value_size(w), 81);

    char deep[100] = "\n\"\xc3\xa4\"";
    memset(deep + strlen(deep), '[', 65);
    check_refused(deep, "line 2, column 68: nested deeper than 64 levels");
}
END_TEST

START_TEST(parse_object_wants_an_object)
{
    ag_value *v = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_value_parse_object("[]", 2, &v, &err), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_details(err), "expected object, got array");
    ck_assert_int_eq(ag_value_parse_object("{", 1, &v, &err), ARGO_E_JSON);
    ck_assert_ptr_null(v);
    ck_assert_int_eq(ag_value_parse_object("{}", 2, &v, &err), 0);
    ck_assert(ag_value_is(v, ARGO_TYPE_OBJECT));
    ag_value_unref(v);
    /* Only LEN bytes count. */
    ck_assert_int_eq(ag_value_parse_object("{}garbage", 2, &v, &err), 0);
    ag_value_unref(v);
}
END_TEST

START_TEST(types_and_readers)
{
    AG_AUTO(ag_value) v = parse("[null,true,7,2.5,\"t\\u00e4\",[],{},3.0,false]");

    static const struct {
        enum argo_type type;
        const char *name;
        int64_t as_int;
        double as_real;
    } want[] = {
        {ARGO_TYPE_NULL, "null", 0, 0},     {ARGO_TYPE_BOOL, "boolean", 0, 0},
        {ARGO_TYPE_INT, "integer", 7, 7},   {ARGO_TYPE_REAL, "number", 0, 2.5},
        {ARGO_TYPE_TEXT, "text", 0, 0},     {ARGO_TYPE_ARRAY, "array", 0, 0},
        {ARGO_TYPE_OBJECT, "object", 0, 0}, {ARGO_TYPE_REAL, "number", 3, 3},
        {ARGO_TYPE_BOOL, "boolean", 0, 0},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(want); i++) {
        const ag_value *e = ag_value_at(v, i);
        ck_assert_int_eq(ag_value_type(e), want[i].type);
        ck_assert_str_eq(ag_value_type_name(e), want[i].name);
        ck_assert_int_eq(ag_value_as_int(e), want[i].as_int);
        ck_assert_double_eq(ag_value_as_real(e), want[i].as_real);
        ck_assert_int_eq(ag_value_is_number(e), i == 2 || i == 3 || i == 7);
        ck_assert_int_eq(ag_value_as_bool(e), i == 1);
        ck_assert_int_eq(ag_value_as_text(e) != NULL, i == 4);
        ck_assert_uint_eq(ag_value_text_len(e), i == 4 ? 3 : 0);
        ck_assert_uint_eq(ag_value_size(e), 0);
    }
    ck_assert_ptr_null(ag_value_at(v, AG_ARRAY_SIZE(want)));
    ck_assert_int_eq(ag_value_type(NULL), ARGO_TYPE_NULL);
    ck_assert_ptr_null(ag_value_as_text(NULL));
    ck_assert_uint_eq(ag_value_size(NULL), 0);
    ck_assert_ptr_null(ag_value_get(NULL, "a"));
    ck_assert_ptr_null(ag_value_get(v, "a"));
    ck_assert_ptr_null(ag_value_ref(NULL));
    ag_value_unref(NULL);
}
END_TEST

START_TEST(to_int_knows_its_range)
{
    static const struct {
        double real;
        bool fits;
    } cases[] = {
        {-0x1p63, true}, {0x1p63, false},    {0x1p53, true},
        {1.5, false},    {-0x1.8p63, false}, {0, true},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        AG_AUTO(ag_value) v = ag_value_real(cases[i].real);
        int64_t n = 99;
        ck_assert_int_eq(ag_value_to_int(v, &n), cases[i].fits);
        ck_assert_int_eq(n, cases[i].fits ? (int64_t)cases[i].real : 99);
    }
    ck_assert_ptr_null(ag_value_real(NAN));
    ck_assert_ptr_null(ag_value_real(INFINITY));
}
END_TEST

START_TEST(texts_are_utf8)
{
    ck_assert_ptr_null(ag_value_text("\xff"));
    ck_assert_ptr_null(ag_value_text_n("a\0b", 3));
    AG_AUTO(ag_value) part = ag_value_text_n("abc", 2);
    ck_assert_str_eq(ag_value_as_text(part), "ab");
    AG_AUTO(ag_value) sane = ag_value_text_sane("a\xff\0b", 4);
    ck_assert_str_eq(ag_value_as_text(sane), "a\xef\xbf\xbd\xef\xbf\xbd"
                                             "b");
    AG_AUTO(ag_value) clean = ag_value_text_sane("\xc3\xa4", 2);
    ck_assert_str_eq(ag_value_as_text(clean), "\xc3\xa4");
    AG_AUTO(ag_value) empty = ag_value_text_sane("", 0);
    ck_assert_str_eq(ag_value_as_text(empty), "");
    ck_assert(ag_value_is(ag_value_text(NULL), ARGO_TYPE_NULL));
}
END_TEST

START_TEST(setters_take_over)
{
    AG_AUTO(ag_value) object = ag_value_object();
    AG_AUTO(ag_value) array = ag_value_array();
    ck_assert_int_eq(ag_value_set(object, "a", ag_value_int(1)), 0);
    ck_assert_int_eq(ag_value_set(object, "b", ag_value_text("x")), 0);
    ck_assert_int_eq(ag_value_set(object, "a", ag_value_int(2)), 0);
    ck_assert_int_eq(ag_value_append(array, ag_value_ref(object)), 0);
    ck_assert_int_eq(ag_value_append(array, ag_value_bool(false)), 0);
    /* The leak checker sees whether the refused children are released. */
    ck_assert_int_eq(ag_value_set(object, "a", NULL), ARGO_E_NOMEM);
    ck_assert_int_eq(ag_value_set(NULL, "a", ag_value_int(1)), ARGO_E_NOMEM);
    ck_assert_int_eq(ag_value_set(array, "a", ag_value_text("y")), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_set(object, "\xff", ag_value_text("y")), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_set(object, "self", ag_value_ref(object)), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_append(object, ag_value_text("y")), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_append(array, NULL), ARGO_E_NOMEM);
    ag_auto_free char *text = ag_value_print(array, NULL);
    ck_assert_str_eq(text, "[{\"a\":2,\"b\":\"x\"},false]");
    ck_assert(ag_value_remove(object, "a"));
    ck_assert(!ag_value_remove(object, "a"));
    ck_assert(!ag_value_remove(array, "a"));
    ck_assert_uint_eq(ag_value_size(object), 1);
    ck_assert_str_eq(ag_value_as_text(ag_value_get_n(object, "bad", 1)), "x");
    ck_assert_ptr_null(ag_value_get_n(object, "bad", 2));
}
END_TEST

START_TEST(getters_fall_back)
{
    AG_AUTO(ag_value) v = parse("{\"t\":\"x\",\"i\":3,\"r\":1.5,\"w\":4.0,\"b\":true,\"n\":null}");
    ck_assert_str_eq(ag_value_get_text(v, "t", "no"), "x");
    ck_assert_str_eq(ag_value_get_text(v, "i", "no"), "no");
    ck_assert_ptr_null(ag_value_get_text(v, "n", NULL));
    ck_assert_int_eq(ag_value_get_int(v, "i", -1), 3);
    ck_assert_int_eq(ag_value_get_int(v, "w", -1), 4);
    ck_assert_int_eq(ag_value_get_int(v, "r", -1), -1);
    ck_assert_int_eq(ag_value_get_int(v, "n", -1), -1);
    ck_assert_double_eq(ag_value_get_real(v, "r", -1), 1.5);
    ck_assert_double_eq(ag_value_get_real(v, "i", -1), 3);
    ck_assert_double_eq(ag_value_get_real(v, "t", -1), -1);
    ck_assert(ag_value_get_bool(v, "b", false));
    ck_assert(ag_value_get_bool(v, "i", true));
    ck_assert(!ag_value_get_bool(v, "missing", false));
}
END_TEST

START_TEST(iterates_in_order)
{
    AG_AUTO(ag_value) v = parse("{\"z\":1,\"a\":[10,20],\"m\":null}");
    static const char *const keys[] = {"z", "a", "m"};
    struct ag_value_iter it = {0};
    size_t n = 0;
    while (ag_value_next(v, &it)) {
        ck_assert_str_eq(it.key, keys[n]);
        ck_assert_uint_eq(it.index, n++);
    }
    ck_assert_uint_eq(n, 3);
    struct ag_value_iter elements = {0};
    int64_t sum = 0;
    while (ag_value_next(ag_value_get(v, "a"), &elements)) {
        ck_assert_ptr_null(elements.key);
        sum += ag_value_as_int(elements.value);
    }
    ck_assert_int_eq(sum, 30);
    struct ag_value_iter none = {0};
    ck_assert(!ag_value_next(ag_value_get(v, "z"), &none));
    none = (struct ag_value_iter){0};
    ck_assert(!ag_value_next(NULL, &none));
    AG_AUTO(ag_value) empty = ag_value_object();
    none = (struct ag_value_iter){0};
    ck_assert(!ag_value_next(empty, &none));
}
END_TEST

START_TEST(equality_is_deep)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"1", "1.0", true},
        {"1", "1.5", false},
        {"0.5", "0.5", true},
        {"0.5", "0.25", false},
        {"1e300", "1e300", true},
        {"9007199254740993", "9007199254740992.0", false},
        {"9223372036854775807", "9223372036854775808.0", false},
        {"1", "true", false},
        {"1", "\"1\"", false},
        {"true", "true", true},
        {"true", "false", false},
        {"null", "null", true},
        {"null", "false", false},
        {"\"a\"", "\"a\"", true},
        {"\"a\"", "\"b\"", false},
        {"[1,[2]]", "[1.0,[2.0]]", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,1]", false},
        {"[]", "{}", false},
        {"{\"a\":1,\"b\":[]}", "{\"b\":[],\"a\":1.0}", true},
        {"{\"a\":null}", "{\"b\":null}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        AG_AUTO(ag_value) a = parse(cases[i].a);
        AG_AUTO(ag_value) b = parse(cases[i].b);
        ck_assert_msg(ag_value_equal(a, b) == cases[i].equal, "%s, %s", cases[i].a, cases[i].b);
        ck_assert_msg(ag_value_equal(b, a) == cases[i].equal, "%s, %s", cases[i].b, cases[i].a);
    }
    ck_assert(ag_value_equal(NULL, ag_value_null()));
}
END_TEST

START_TEST(copies_are_independent)
{
    AG_AUTO(ag_value) v = parse("{\"a\":{\"b\":[1]}}");
    AG_AUTO(ag_value) copy = ag_value_copy(v);
    ck_assert(ag_value_equal(v, copy));
    ck_assert_int_eq(ag_value_append(ag_value_path_get(copy, "a.b"), ag_value_int(2)), 0);
    ck_assert_uint_eq(ag_value_size(ag_value_path_get(v, "a.b")), 1);
    ck_assert(!ag_value_equal(v, copy));
}
END_TEST

START_TEST(displays_text_bare)
{
    static const char *const cases[][2] = {{"\"a \\\"b\\\"\"", "a \"b\""},
                                           {"1.5", "1.5"},
                                           {"[\"a\"]", "[\"a\"]"},
                                           {"null", "null"},
                                           {"true", "true"}};
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        AG_AUTO(ag_value) v = parse(cases[i][0]);
        ag_auto_free char *text = ag_value_display(v);
        ck_assert_str_eq(text, cases[i][1]);
    }
}
END_TEST

START_TEST(public_readers)
{
    static const char text[] =
        "{\"data\":{\"records\":[{\"seq\":4,\"f\":2.5,\"t\":\"x\",\"b\":true}]}}";
    argo_value *v = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(argo_value_parse(text, strlen(text), &v, &err), 0);
    ck_assert_int_eq(argo_value_int(v, "data.records.0.seq", -1), 4);
    ck_assert_double_eq(argo_value_real(v, "data.records.0.f", -1), 2.5);
    ck_assert_str_eq(argo_value_text(v, "data.records.0.t", "no"), "x");
    ck_assert(argo_value_bool(v, "data.records.0.b", false));
    ck_assert_str_eq(argo_value_text(v, "data.records.1.t", "no"), "no");
    ck_assert_int_eq(argo_value_int(NULL, "a", -1), -1);
    const argo_value *first = argo_value_at(argo_value_get(v, "data.records"), 0);
    ck_assert_int_eq(argo_value_type(first), ARGO_TYPE_OBJECT);
    ck_assert_uint_eq(argo_value_size(first), 4);
    ck_assert_str_eq(argo_value_key_at(first, 2), "t");
    ck_assert_str_eq(argo_value_text(argo_value_value_at(first, 2), NULL, "no"), "x");
    ck_assert_ptr_null(argo_value_key_at(first, 4));
    ck_assert_ptr_null(argo_value_value_at(first, 4));
    ck_assert_ptr_null(argo_value_value_at(argo_value_get(v, "data.records"), 0));
    ck_assert_ptr_null(argo_value_key_at(NULL, 0));
    argo_value_free(v);
    argo_value_free(NULL);
    ck_assert_int_eq(argo_value_parse(NULL, 1, &v, &err), ARGO_E_INVALID);
    ck_assert_int_eq(argo_value_parse("1", 1, NULL, &err), ARGO_E_INVALID);
    ck_assert_int_eq(argo_value_parse(NULL, 0, &v, &err), ARGO_E_JSON);
}
END_TEST

START_TEST(public_builders)
{
    argo_value *v = argo_value_new_object();
    argo_value *list = argo_value_new_array();
    ck_assert_int_eq(argo_value_set_text(v, "t", "x"), 0);
    ck_assert_int_eq(argo_value_set_int(v, "i", -5), 0);
    ck_assert_int_eq(argo_value_set_real(v, "r", 0.5), 0);
    ck_assert_int_eq(argo_value_set_bool(v, "b", true), 0);
    ck_assert_int_eq(argo_value_set_null(v, "n"), 0);
    ck_assert_int_eq(argo_value_set_int(list, NULL, 1), 0);
    ck_assert_int_eq(argo_value_set_value(v, "l", list), 0);
    ck_assert_int_eq(argo_value_set_int(list, NULL, 2), 0); /* the copy does not see this */
    ck_assert_int_eq(argo_value_set_text(v, "t", "\xff"), ARGO_E_INVALID);
    ck_assert_int_eq(argo_value_set_text(v, "t", NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_value_set_text(v, NULL, "x"), ARGO_E_INVALID);
    ck_assert_int_eq(argo_value_set_int(list, "k", 1), ARGO_E_INVALID);
    ck_assert_int_eq(argo_value_set_int(NULL, "k", 1), ARGO_E_INVALID);
    ck_assert_int_eq(argo_value_set_real(v, "r", NAN), ARGO_E_INVALID);
    ck_assert_int_eq(argo_value_set_value(v, "l", NULL), ARGO_E_INVALID);
    ag_auto_free char *text = argo_value_print(v, 0);
    ck_assert_str_eq(text, "{\"t\":\"x\",\"i\":-5,\"r\":0.5,\"b\":true,\"n\":null,\"l\":[1]}");
    argo_value_free(list);
    argo_value_free(v);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wire-value");
    TCase *parsing = tcase_create("text");
    tcase_add_test(parsing, prints_compact_and_in_order);
    tcase_add_test(parsing, prints_sorted_and_indented);
    tcase_add_test(parsing, reals_are_short_and_exact);
    tcase_add_test(parsing, integers_have_64_bits);
    tcase_add_test(parsing, refuses_with_line_and_column);
    tcase_add_test(parsing, refuses_invalid_utf8);
    tcase_add_test(parsing, refuses_nul);
    tcase_add_test(parsing, stops_at_64_levels);
    tcase_add_test(parsing, depth_knows_strings_and_places);
    tcase_add_test(parsing, parse_object_wants_an_object);
    suite_add_tcase(s, parsing);
    TCase *values = tcase_create("values");
    tcase_add_test(values, types_and_readers);
    tcase_add_test(values, to_int_knows_its_range);
    tcase_add_test(values, texts_are_utf8);
    tcase_add_test(values, setters_take_over);
    tcase_add_test(values, getters_fall_back);
    tcase_add_test(values, iterates_in_order);
    tcase_add_test(values, equality_is_deep);
    tcase_add_test(values, copies_are_independent);
    tcase_add_test(values, displays_text_bare);
    suite_add_tcase(s, values);
    TCase *public = tcase_create("public");
    tcase_add_test(public, public_readers);
    tcase_add_test(public, public_builders);
    suite_add_tcase(s, public);
    return s;
}

ARGO_TEST_MAIN(suite)
