/*
 * Parsing with places: JSON and YAML give the same value, and every path its line and column.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "lib/runner.h"
#include "template/source.h"

static ag_source *parse(const char *text)
{
    ag_source *source = NULL;
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_source_parse(text, strlen(text), &source, &err);
    ck_assert_msg(rc == 0, "%s: %s", text, argo_error_details(err));
    return source;
}

static void refused(const char *text, const char *details)
{
    ag_source *source = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_source_parse(text, strlen(text), &source, &err), ARGO_E_JSON);
    ck_assert_ptr_null(source);
    ck_assert_msg(strstr(argo_error_details(err), details) != NULL, "%s: got \"%s\", not \"%s\"",
                  text, argo_error_details(err), details);
}

static void same_value(const char *yaml, const char *json)
{
    AG_AUTO(ag_source) source = parse(yaml);
    AG_AUTO(ag_value) expected = NULL;
    ck_assert_int_eq(ag_value_parse(json, strlen(json), &expected, NULL), 0);
    ag_auto_free char *got = ag_value_print(source->value, NULL);
    ck_assert_msg(ag_value_equal(source->value, expected), "%s: got %s, not %s", yaml, got, json);
}

/* "path line:column\n" of every value, in order. */
static void list_places(const ag_source *source, const struct ag_node *node, struct ag_buf *out)
{
    unsigned line;
    unsigned column;
    ag_auto_free char *path = ag_node_path(node);
    ag_source_locate(source, node, &line, &column);
    ag_buf_printf(out, "%s %u:%u\n", path, line, column);
    struct ag_value_iter it = {0};
    while (ag_value_next(node->value, &it)) {
        const struct ag_node child = {node, it.key, it.index, it.value};
        list_places(source, &child, out);
    }
}

static void places_are(const char *text, const char *expected)
{
    AG_AUTO(ag_source) source = parse(text);
    ag_auto_buf got = AG_BUF_INIT(65536);
    const struct ag_node root = {.value = source->value};
    list_places(source, &root, &got);
    ck_assert_str_eq(ag_buf_text(&got), expected);
}

START_TEST(json_places)
{
    places_are("{\"a\": 1,\n \"b\": [true, {\"c\": \"x}\\\"]\"},\n  [], {}],\n"
               "\"d\":{\"e\":null},\"\xc3\xa9\":\"\xc3\xa9\", \"f\":-1.5e3}",
               " 1:1\na 1:2\nb 2:2\nb[0] 2:8\nb[1] 2:14\nb[1].c 2:15\nb[2] 3:3\nb[3] 3:7\n"
               "d 4:1\nd.e 4:6\n[\"\xc3\xa9\"] 4:16\nf 4:25\n");
}
END_TEST

START_TEST(yaml_places)
{
    places_are("a: 1\nb:\n  - true\n  - c: x\n    d: [1, {e: 2}]\n  -\n    - y\nf: |\n  text\n"
               "g: null\n",
               " 1:1\na 1:1\nb 2:1\nb[0] 3:5\nb[1] 4:5\nb[1].c 4:5\nb[1].d 5:5\nb[1].d[0] 5:9\n"
               "b[1].d[1] 5:12\nb[1].d[1].e 5:13\nb[2] 7:5\nb[2][0] 7:7\nf 8:1\ng 10:1\n");
}
END_TEST

START_TEST(missing_members_have_their_parents_place)
{
    AG_AUTO(ag_source) source = parse("{\"a\":\n  {\"b\": 1}}");
    unsigned line;
    unsigned column;
    const struct ag_node root = {.value = source->value};
    const struct ag_node a = ag_node_member(&root, "a");
    const struct ag_node missing = ag_node_member(&a, "no");
    const struct ag_node deeper = ag_node_member(&missing, "no.t");
    ag_source_locate(source, &deeper, &line, &column);
    ck_assert_uint_eq(line, 1);
    ck_assert_uint_eq(column, 2);
    ag_auto_free char *path = ag_node_path(&deeper);
    ck_assert_str_eq(path, "a.no[\"no.t\"]");
}
END_TEST

START_TEST(yaml_core_schema)
{
    same_value("[null, ~, Null, NULL, '', nUll]", "[null,null,null,null,\"\",\"nUll\"]");
    same_value("a:\nb: ~", "{\"a\":null,\"b\":null}");
    same_value("[true, True, TRUE, false, False, FALSE, tRue]",
               "[true,true,true,false,false,false,\"tRue\"]");
    same_value("[yes, no, on, off, y, n, Yes]",
               "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"Yes\"]");
    same_value("[0, -1, +7, 007, 0x1F, 0o17, 9223372036854775807]",
               "[0,-1,7,7,31,15,9223372036854775807]");
    same_value("[1.5, .5, 1., -2e3, +1E+2, 0x, 0o8, 1e, ., -, 1_000, 0b1]",
               "[1.5,0.5,1.0,-2000.0,100.0,\"0x\",\"0o8\",\"1e\",\".\",\"-\",\"1_000\",\"0b1\"]");
    same_value("['1', \"true\", 'null', \"~\"]", "[\"1\",\"true\",\"null\",\"~\"]");
    same_value("2026-01-31", "\"2026-01-31\"");
    same_value("12:30:45", "\"12:30:45\"");
    same_value("1: a\ntrue: b", "{\"1\":\"a\",\"true\":\"b\"}");
    same_value("'<<': a", "{\"<<\":\"a\"}");
    same_value("a: |\n  x\n  y\nb: >-\n  x\n  y\nc: \"\\u00e9\\n\"",
               "{\"a\":\"x\\ny\\n\",\"b\":\"x y\",\"c\":\"\xc3\xa9\\n\"}");
    same_value("%YAML 1.2\n---\na: 1\n...\n", "{\"a\":1}");
    same_value("\xef\xbb\xbf"
               "a: 1\n",
               "{\"a\":1}");
}
END_TEST

START_TEST(yaml_refuses)
{
    refused("a: 1\nb: 2\na: 3\n", "line 3, column 1: duplicate key 'a'");
    refused("a: &x 1\n", "line 1, column 4: anchor '&x'");
    refused("a: [&x {b: 1}]\n", "line 1, column 5: anchor '&x'");
    refused("&x a: 1\n", "line 1, column 1: anchor '&x'");
    refused("a: *x\n", "line 1, column 4: alias '*x'");
    refused("a: 1\nb: !!str 2\n", "line 2, column 4: tag 'tag:yaml.org,2002:str'");
    refused("b: !mine [2]\n", "line 1, column 4: tag '!mine'");
    refused("a:\n  <<: {b: 1}\n", "line 2, column 3: merge key '<<'");
    refused("a: 1\n---\nb: 2\n", "line 2, column 1: a second document");
    refused("a: .inf\n", "line 1, column 4: '.inf' has no JSON form");
    refused("a: -.Inf\n", "has no JSON form");
    refused("a: .nan\n", "has no JSON form");
    refused("a: 9223372036854775808\n", "line 1, column 4: the number does not fit");
    refused("a: 1e999\n", "the number is too large");
    refused("a: \"\\0\"\n", "NUL character");
    refused("\"a\\0b\": 1\n", "NUL character in a key");
    refused("[a]: 1\n", "line 1, column 1: expected a text as key");
    refused("a: {{x}}\n", "line 1, column 5: expected a text as key: put text that begins with {");
    refused("a: b: c\n",
            "line 1, column 5: mapping values are not allowed in this context: put text");
    refused("a:\n\tb: 1\n", "indent with spaces");
    refused("a: @b\n", "put text that begins with @ ` or % in quotes");
    refused("", "empty, expected a JSON or YAML document");
    refused("# nothing\n", "empty");
    refused("a: [1\nb: 2\n", "line 2, column 2");
    refused("a: 'x\n", "line 2, column 1");
    refused("a: \xff\n", "expected UTF-8 text");
}
END_TEST

START_TEST(json_refuses)
{
    refused("{\"a\": 1,}", "line 1, column 9");
    refused("{\n\"a\": 1,\n\"a\": 2}", "line 3, column");
    refused("{\"a\": 1} x", "line 1");
    refused("{", "line 1, column 1");
}
END_TEST

static char *nested(size_t depth, const char *open, const char *close)
{
    ag_auto_buf b = AG_BUF_INIT(65536);
    for (size_t i = 0; i < depth; i++) {
        ag_buf_add_text(&b, open);
    }
    for (size_t i = 0; i < depth; i++) {
        ag_buf_add_text(&b, close);
    }
    return ag_buf_take(&b);
}

START_TEST(depth_limit)
{
    ag_auto_free char *yaml = nested(AG_JSON_DEPTH, "[", "]");
    ag_auto_free char *yaml_over = nested(AG_JSON_DEPTH + 1, "[", "]");
    AG_AUTO(ag_source) source = parse(yaml);
    ck_assert_uint_eq(source->n_places, AG_JSON_DEPTH);
    refused(yaml_over, "line 1, column 65: nested deeper than 64 levels");
    ag_auto_free char *json = ag_asprintf("{\"a\":%s}", yaml);
    refused(json, "nested deeper than 64 levels");
    ag_auto_free char *less = nested(AG_JSON_DEPTH - 1, "[", "]");
    ag_auto_free char *json_most = ag_asprintf("{\"a\":%s}", less);
    AG_AUTO(ag_source) most = parse(json_most);
    ck_assert_uint_eq(most->n_places, AG_JSON_DEPTH);
}
END_TEST

START_TEST(size_limit)
{
    ag_auto_free char *text = malloc(AG_SOURCE_MAX + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', AG_SOURCE_MAX + 1);
    text[0] = '1';
    AG_AUTO(ag_source) source = NULL;
    ck_assert_int_eq(ag_source_parse(text, AG_SOURCE_MAX, &source, NULL), 0);
    ag_source *none = NULL;
    ck_assert_int_eq(ag_source_parse(text, AG_SOURCE_MAX + 1, &none, NULL), ARGO_E_TOO_LARGE);
    ck_assert_ptr_null(none);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-source");
    TCase *tc = tcase_create("source");
    tcase_add_test(tc, json_places);
    tcase_add_test(tc, yaml_places);
    tcase_add_test(tc, missing_members_have_their_parents_place);
    tcase_add_test(tc, yaml_core_schema);
    tcase_add_test(tc, yaml_refuses);
    tcase_add_test(tc, json_refuses);
    tcase_add_test(tc, depth_limit);
    tcase_add_test(tc, size_limit);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
