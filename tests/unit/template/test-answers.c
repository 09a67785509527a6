/*
 * Schemas of answers: what is refused and where, what is said of a value, and both sides of every
 * limit. What the words mean is in test-schema-suite.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "lib/runner.h"
#include "template/regex.h"
#include "template/schema.h"

/* JSON with ' instead of ". */
static ag_value *json(const char *text)
{
    ag_auto_free char *copy = ag_strdup(text);
    ag_value *v = NULL;
    for (char *p = copy; *p != '\0'; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    ck_assert_msg(ag_value_parse(copy, strlen(copy), &v, NULL) == 0, "%s", text);
    return v;
}

/* What is wrong with a schema, or "". */
static const char *refused(const char *schema)
{
    static char out[4096];
    AG_AUTO(ag_value) v = json(schema);
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_schema_check("schema", v, &err);
    ck_assert(rc == 0 || (rc == ARGO_E_INVALID && argo_error_problem_count(err) > 0));
    ck_assert_str_eq(rc == 0 ? "schema" : argo_error_field(err), "schema");
    snprintf(out, sizeof(out), "%s", argo_error_details(err));
    return out;
}

/* What is wrong with a value, every problem as "path: message, expected", or "". */
static const char *wrong(const char *schema, const char *value)
{
    static char out[4096];
    AG_AUTO(ag_value) s = json(schema);
    AG_AUTO(ag_value) v = json(value);
    AG_AUTO(argo_error) err = NULL;
    size_t len = 0;
    ck_assert_str_eq(refused(schema), "");
    int rc = ag_schema_validate(s, "answer", v, false, &err);
    ck_assert(rc == 0 || rc == ARGO_E_ANSWER);
    out[0] = '\0';
    for (size_t i = 0; i < argo_error_problem_count(err); i++) {
        const struct argo_problem *p = argo_error_problem(err, i);
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s: %s, %s", i > 0 ? "; " : "",
                                p->path, p->message, p->expected != NULL ? p->expected : "");
    }
    ck_assert((rc == 0) == (len == 0));
    return out;
}

#define ck_starts(text, start)                                                         \
    do {                                                                               \
        const char *ck_text_ = (text);                                                 \
        ck_assert_msg(strncmp(ck_text_, (start), strlen(start)) == 0, "%s", ck_text_); \
    } while (0)

/* ---- schemas --------------------------------------------------------------------------------- */

START_TEST(unknown_words)
{
    static const char *const words[] = {"$ref",
                                        "$id",
                                        "$defs",
                                        "if",
                                        "contains",
                                        "patternProperties",
                                        "propertyNames",
                                        "dependentRequired",
                                        "unevaluatedProperties",
                                        "nullable",
                                        "$dynamicRef"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(words); i++) {
        ag_auto_free char *schema = ag_asprintf("{'%s':{}}", words[i]);
        ag_auto_free char *path = ag_asprintf(words[i][0] == '$' ? "schema[\"%s\"]: unknown word"
                                                                 : "schema.%s: unknown word",
                                              words[i]);
        ck_starts(refused(schema), path);
    }
    const char *text = refused("{'properties':{'age':{'minimun':1}}}");
    ck_starts(text, "schema.properties.age.minimun: unknown word 'minimun', expected one of type,");
    ck_assert_ptr_nonnull(strstr(text, "; did you mean 'minimum'?"));
    ck_starts(refused("{'anyOf':[true,{'not':{'typ':1}}]}"), "schema.anyOf[1].not.typ: ");
    ck_starts(refused("{'prefixItems':[{'x':1}]}"), "schema.prefixItems[0].x: ");
    ck_starts(refused("{'items':{'x':1}}"), "schema.items.x: ");
    ck_starts(refused("{'additionalProperties':{'x':1}}"), "schema.additionalProperties.x: ");
}
END_TEST

START_TEST(words_with_wrong_values)
{
    static const struct {
        const char *schema, *says;
    } cases[] = {
        {"1", "schema: this is no schema, expected an object, or true or false"},
        {"{'type':'strin'}", "schema.type: no type, expected one of null, boolean, integer, "
                             "number, string, array, object; did you mean 'string'?"},
        {"{'type':[]}", "schema.type: wrong value, expected an array of values, not empty"},
        {"{'type':['string','string']}", "schema.type[1]: this is there already"},
        {"{'type':['string',1]}", "schema.type[1]: no type"},
        {"{'enum':'a'}", "schema.enum: "},
        {"{'enum':[]}", "schema.enum: "},
        {"{'properties':[]}", "schema.properties: wrong value, expected an object: name -> schema"},
        {"{'required':'a'}", "schema.required: "},
        {"{'required':['a',1]}", "schema.required[1]: wrong value, expected text"},
        {"{'required':['a','a']}", "schema.required[1]: "},
        {"{'items':[{}]}", "schema.items: wrong value, expected one schema for all items"},
        {"{'prefixItems':[]}", "schema.prefixItems: "},
        {"{'prefixItems':{}}", "schema.prefixItems: "},
        {"{'uniqueItems':1}", "schema.uniqueItems: wrong value, expected true or false"},
        {"{'minLength':-1}", "schema.minLength: wrong value, expected a whole number, 0 or more"},
        {"{'maxItems':1.5}", "schema.maxItems: "},
        {"{'minProperties':'1'}", "schema.minProperties: "},
        {"{'pattern':'('}", "schema.pattern: the pattern has an error at its character 2"},
        {"{'pattern':1}", "schema.pattern: "},
        {"{'format':'dat'}", "schema.format: no format that is checked, expected one of date, "
                             "date-time, email, uri; did you mean 'date'?"},
        {"{'format':'hostname'}", "schema.format: no format that is checked"},
        {"{'format':1}", "schema.format: wrong value, expected text"},
        {"{'minimum':'1'}", "schema.minimum: wrong value, expected a number"},
        {"{'exclusiveMinimum':true}", "schema.exclusiveMinimum: wrong value, expected a number"},
        {"{'multipleOf':0}", "schema.multipleOf: wrong value, expected a number above 0"},
        {"{'multipleOf':-1}", "schema.multipleOf: "},
        {"{'anyOf':[]}", "schema.anyOf: "},
        {"{'allOf':{}}", "schema.allOf: "},
        {"{'oneOf':[1]}", "schema.oneOf[0]: this is no schema"},
        {"{'not':[]}", "schema.not: this is no schema"},
        {"{'title':1}", "schema.title: "},
        {"{'examples':1}", "schema.examples: "},
        {"{'writeOnly':1}", "schema.writeOnly: "},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ck_starts(refused(cases[i].schema), cases[i].says);
    }
}
END_TEST

START_TEST(annotations)
{
    ck_assert_str_eq(refused("{'title':'T','description':'D','default':[1],'examples':[1],"
                             "'writeOnly':true,'$comment':'C',"
                             "'$schema':'https://json-schema.org/draft/2020-12/schema'}"),
                     "");
    ck_assert_str_eq(refused("true"), "");
    ck_assert_str_eq(refused("{'maxItems':2.0}"), "");
}
END_TEST

/* All of them at once. */
START_TEST(every_problem_of_a_schema)
{
    AG_AUTO(ag_value)
    schema =
        json("{'typ':1,'properties':{'a':{'minimum':'x'},'b':7},'anyOf':[{'maxLength':-1},{}]}");
    AG_AUTO(argo_error) err = NULL;
    static const char *const paths[] = {"schema.typ", "schema.properties.a.minimum",
                                        "schema.properties.b", "schema.anyOf[0].maxLength"};
    ck_assert_int_eq(ag_schema_check("schema", schema, &err), ARGO_E_INVALID);
    ck_assert_uint_eq(argo_error_problem_count(err), AG_ARRAY_SIZE(paths));
    for (size_t i = 0; i < AG_ARRAY_SIZE(paths); i++) {
        ck_assert_str_eq(argo_error_problem(err, i)->path, paths[i]);
    }
}
END_TEST

/* ---- values ---------------------------------------------------------------------------------- */

START_TEST(what_is_said)
{
    static const struct {
        const char *schema, *value, *says;
    } cases[] = {
        {"{'type':'integer'}", "1.0", ""},
        {"{'type':'integer'}", "1e300", ""},
        {"{'type':'integer'}", "1.5", "answer: wrong type, an integer"},
        {"{'type':'number'}", "1", ""},
        {"{'type':['string','null']}", "1", "answer: wrong type, text or null"},
        {"{'enum':[1,'a',null]}", "1.0", ""},
        {"{'enum':[1,'a',null]}", "'b'",
         "answer: not one of the values allowed, one of 1, a, null"},
        {"{'const':[1]}", "[1.0]", ""},
        {"{'const':[1]}", "[2]", "answer: not the value allowed, [1]"},
        {"{'minLength':2}", "'\xc3\xa4'", "answer: too short, at least 2 characters"},
        {"{'maxLength':1}", "'\xc3\xa4'", ""},
        {"{'maxLength':1}", "'ab'", "answer: too long, at most 1 character"},
        {"{'pattern':'^a'}", "'ba'", "answer: does not match, text that matches ^a"},
        {"{'minimum':2}", "1", "answer: too small, at least 2"},
        {"{'maximum':2.5}", "3", "answer: too large, at most 2.5"},
        {"{'exclusiveMinimum':2}", "2", "answer: too small, more than 2"},
        {"{'exclusiveMaximum':2}", "2.0", "answer: too large, less than 2"},
        {"{'minimum':9007199254740993}", "9007199254740992",
         "answer: too small, at least 9007199254740993"},
        {"{'multipleOf':0.01}", "19.99", ""},
        {"{'multipleOf':0.01}", "19.991", "answer: not a multiple, a multiple of 0.01"},
        {"{'multipleOf':3}", "9223372036854775807", "answer: not a multiple, a multiple of 3"},
        {"{'required':['a','b']}", "{'b':null}", "answer.a: missing, a value"},
        {"{'properties':{'age':{'type':'integer'},'n':{'maximum':1}}}", "{'age':'x','n':2}",
         "answer.age: wrong type, an integer; answer.n: too large, at most 1"},
        {"{'properties':{'a':{}},'additionalProperties':false}", "{'b':1}",
         "answer.b: unknown member, a"},
        {"{'additionalProperties':{'type':'null'}}", "{'b':1}", "answer.b: wrong type, null"},
        {"{'minProperties':1}", "{}", "answer: too few, at least 1 members"},
        {"{'prefixItems':[{'type':'null'}],'items':{'type':'string'}}", "[null,'a',1,2]",
         "answer[2]: wrong type, text; answer[3]: wrong type, text"},
        {"{'maxItems':1}", "[1,2]", "answer: too many, at most 1 items"},
        {"{'uniqueItems':true}", "[1,'1',1.0]",
         "answer[2]: the same as another one, each item once"},
        {"{'uniqueItems':true}", "[1,true,'1',[1],{'a':1},[2]]", ""},
        {"{'allOf':[{'minimum':2},{'multipleOf':2}]}", "1",
         "answer: too small, at least 2; answer: not a multiple, a multiple of 2"},
        {"{'anyOf':[{'title':'a name','type':'string'},{'title':'none','const':null}]}", "1",
         "answer: fits none of the alternatives, one of a name, none"},
        {"{'oneOf':[{'minimum':1},{'minimum':2}]}", "3",
         "answer: fits more than one of the alternatives, exactly one of them"},
        {"{'not':{'const':1}}", "1.0", "answer: this is what is not allowed, something else"},
        {"{'properties':{'x':false}}", "{'x':1}", "answer.x: not allowed, nothing here"},
        {"{'format':'date'}", "'2026-02-29'", "answer: wrong format, a date such as 2026-01-31"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ck_assert_str_eq(wrong(cases[i].schema, cases[i].value), cases[i].says);
    }
}
END_TEST

START_TEST(formats)
{
    static const struct {
        const char *format, *text;
        bool good;
    } cases[] = {
        {"date", "2024-02-29", true},
        {"date", "2024-2-29", false},
        {"date", "2024-02-29T", false},
        {"date-time", "2024-02-29T00:00:00+01:00", true},
        {"date-time", "2024-02-29", false},
        {"date-time", "2024-02-29T24:00:00Z", false},
        {"email", "a.b+c@example.org", true},
        {"email", "a@b", true},
        {"email", "@b", false},
        {"email", "a@", false},
        {"email", "a b@c", false},
        {"email", ".a@b", false},
        {"email", "a..b@c", false},
        {"email", "a@b..c", false},
        {"email", "a@-b.c", false},
        {"email", "a@b@c", false},
        {"uri", "https://example.org/a?b#c", true},
        {"uri", "mailto:a@b", true},
        {"uri", "/a", false},
        {"uri", "1a:b", false},
        {"uri", "a:%zz", false},
        {"uri", "a:\xc3\xa4", false},
        {"uri", "", false},
        {"uri", "a:<b>", false},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ag_auto_free char *schema = ag_asprintf("{'format':'%s'}", cases[i].format);
        ag_auto_free char *value = ag_asprintf("'%s'", cases[i].text);
        ck_assert_msg((wrong(schema, value)[0] == '\0') == cases[i].good, "%s", cases[i].text);
        ck_assert_str_eq(wrong(schema, "1"), "");
    }
}
END_TEST

/* Nothing of a value is in what is said of it; of a secret one not even the names in it. */
START_TEST(secrets_are_not_told)
{
    AG_AUTO(ag_value)
    schema = json("{'properties':{'pin':{'type':'integer','maximum':9,'enum':[1]}},"
                  "'additionalProperties':false,'minProperties':5,'not':{'required':['hunter2']},"
                  "'anyOf':[{'maxProperties':0},{'type':'null'}]}");
    AG_AUTO(ag_value) value = json("{'pin':'hunter2','hunter2':1}");
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_schema_validate(schema, "answer", value, true, &err), ARGO_E_ANSWER);
    ck_assert_ptr_null(strstr(argo_error_details(err), "hunter2"));
    ck_assert_uint_eq(argo_error_problem_count(err), 6);
    for (size_t i = 0; i < argo_error_problem_count(err); i++) {
        const struct argo_problem *p = argo_error_problem(err, i);
        ck_assert_ptr_null(strstr(p->path, "hunter2"));
        ck_assert_ptr_null(strstr(p->message, "hunter2"));
        ck_assert_ptr_null(p->expected != NULL ? strstr(p->expected, "hunter2") : NULL);
    }
}
END_TEST

START_TEST(types)
{
    static const struct {
        const char *schema;
        unsigned bits;
    } cases[] = {
        {"{'type':'integer'}", 1U << ARGO_TYPE_INT},
        {"{'type':'number'}", AG_SCHEMA_NUMBER},
        {"{'type':['string','null']}", 1U << ARGO_TYPE_TEXT | 1U << ARGO_TYPE_NULL},
        {"{'type':'boolean','enum':[1]}", 1U << ARGO_TYPE_BOOL},
        {"{'enum':[1,'a']}", 1U << ARGO_TYPE_INT | 1U << ARGO_TYPE_TEXT},
        {"{'const':true}", 1U << ARGO_TYPE_BOOL},
        {"{'minimum':1}", 0},
        {"true", 0},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        AG_AUTO(ag_value) schema = json(cases[i].schema);
        ck_assert_uint_eq(ag_schema_types(schema), cases[i].bits);
    }
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */

static ag_value *nested(unsigned levels)
{
    ag_value *v = ag_value_bool(true);
    for (unsigned i = 0; i < levels; i++) {
        ag_value *outer = ag_value_object();
        ck_assert_int_eq(ag_value_set(outer, "not", v), 0);
        v = outer;
    }
    return v;
}

START_TEST(depth)
{
    AG_AUTO(ag_value) most = nested(AG_SCHEMA_DEPTH);
    AG_AUTO(ag_value) more = nested(AG_SCHEMA_DEPTH + 1);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_schema_check("s", most, NULL), 0);
    ck_assert_int_eq(ag_schema_validate(most, "a", most, false, NULL), 0);
    ck_assert_int_eq(ag_schema_check("s", more, &err), ARGO_E_INVALID);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "at most 64 schemas within each other"));
}
END_TEST

/* {"title":"xxx"} of LEN bytes. */
static ag_value *sized(size_t len)
{
    size_t fill = len - strlen("{\"title\":\"\"}");
    ag_auto_free char *text = malloc(fill + 1);
    memset(text, 'x', fill);
    text[fill] = '\0';
    ag_value *v = ag_value_object();
    ck_assert_int_eq(ag_value_set(v, "title", ag_value_text(text)), 0);
    return v;
}

START_TEST(size)
{
    AG_AUTO(ag_value) most = sized(AG_SCHEMA_MAX);
    AG_AUTO(ag_value) more = sized(AG_SCHEMA_MAX + 1);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_schema_check("s", most, NULL), 0);
    ck_assert_int_eq(ag_schema_check("s", more, &err), ARGO_E_INVALID);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "at most 65536 bytes, this has 65537"));
}
END_TEST

/* N unequal numbers are compared N * (N - 1) / 2 times. */
static int check_unique(int64_t n, argo_error **err)
{
    AG_AUTO(ag_value) schema = json("{'uniqueItems':true}");
    AG_AUTO(ag_value) list = ag_value_array();
    for (int64_t i = 0; i < n; i++) {
        ck_assert_int_eq(ag_value_append(list, ag_value_int(i)), 0);
    }
    return ag_schema_validate(schema, "a", list, false, err);
}

START_TEST(steps)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(check_unique(1414, NULL), 0);
    ck_assert_int_eq(check_unique(1415, &err), ARGO_E_ANSWER);
    ck_assert_str_eq(argo_error_details(err), "a: checking this takes more than 1000000 steps");
    ck_assert_str_eq(argo_error_field(err), "a");
}
END_TEST

/* A limit is no answer to whether it fits: `not` does not turn it into one. */
START_TEST(patterns_keep_their_limits)
{
    AG_AUTO(ag_value) schema = json("{'not':{'pattern':'(a+)+$'}}");
    AG_AUTO(argo_error) err = NULL;
    char text[64];
    memset(text, 'a', 40);
    strcpy(text + 40, "b");
    AG_AUTO(ag_value) value = ag_value_text(text);
    ck_assert_int_eq(ag_schema_validate(schema, "a", value, false, &err), ARGO_E_ANSWER);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "too many steps"));
}
END_TEST

static size_t problems_of_nulls(size_t n)
{
    AG_AUTO(ag_value) schema = json("{'items':{'type':'string'}}");
    AG_AUTO(ag_value) list = ag_value_array();
    AG_AUTO(argo_error) err = NULL;
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(ag_value_append(list, ag_value_null()), 0);
    }
    ck_assert_int_eq(ag_schema_validate(schema, "a", list, false, &err), ARGO_E_ANSWER);
    return argo_error_problem_count(err);
}

START_TEST(number_of_problems)
{
    ck_assert_uint_eq(problems_of_nulls(AG_SCHEMA_PROBLEMS), AG_SCHEMA_PROBLEMS);
    ck_assert_uint_eq(problems_of_nulls(AG_SCHEMA_PROBLEMS + 1), AG_SCHEMA_PROBLEMS);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-answers");
    TCase *tc = tcase_create("answers");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, unknown_words);
    tcase_add_test(tc, words_with_wrong_values);
    tcase_add_test(tc, annotations);
    tcase_add_test(tc, every_problem_of_a_schema);
    tcase_add_test(tc, what_is_said);
    tcase_add_test(tc, formats);
    tcase_add_test(tc, secrets_are_not_told);
    tcase_add_test(tc, types);
    tcase_add_test(tc, depth);
    tcase_add_test(tc, size);
    tcase_add_test(tc, steps);
    tcase_add_test(tc, patterns_keep_their_limits);
    tcase_add_test(tc, number_of_problems);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
