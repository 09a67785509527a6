/*
 * Steps that ask a person: their schemas, defaults, fields and targets, each rule from both sides.
 */
#include "template-lib.h"

/* One step of TYPE with MEMBERS (a YAML flow mapping), and what is wrong with it. */
static void gives(const char *type, const char *members, const char *expected)
{
    ag_auto_free char *text = ag_asprintf("workflow_name: x\nparameters: {given: {}}\nsteps:\n"
                                          "  - {step: a, type: %s, prompt: p, %s}\n",
                                          type, members);
    ag_auto_free char *got = problems_of(text);
    ck_assert_msg(strcmp(got, expected) == 0, "%s\ngave:\n%sexpected:\n%s", text, got, expected);
}

START_TEST(schemas)
{
    gives("user_ask", "validate: {schema: {type: integer, minimum: 2}}", "");
    gives("user_ask", "validate: {schema: {type: intger}}",
          "steps[0].validate.schema.type: no type\n");
    gives("user_ask", "validate: {schema: {anyOf: [{minimun: 2}, {}]}}",
          "steps[0].validate.schema.anyOf[0].minimun: unknown word 'minimun'\n");
    gives("user_ask", "validate: {schema: {$ref: x, maxLength: -1}}",
          "steps[0].validate.schema[\"$ref\"]: unknown word '$ref'\n"
          "steps[0].validate.schema.maxLength: wrong value\n");
    gives("user_ask", "validate: {schema: true}",
          "steps[0].validate.schema: wrong type: this is a boolean\n");
    gives("user_ask", "validate: {schema: {}, max: 1}",
          "steps[0].validate.schema: 'schema' beside others\n");
    gives("user_ask", "validate: {shema: {}}", "steps[0].validate.shema: unknown key 'shema'\n");
    gives("form", "schema: {type: object, properties: {a: {format: dat}}}",
          "steps[0].schema.properties.a.format: no format that is checked\n");
    gives("form", "schema: {type: array}", "steps[0].schema: the answer of a form is an object\n");
    gives("form", "schema: {properties: {a: {}}}", "");
}
END_TEST

/* Line, column, what was expected and the nearest word, in JSON and in YAML. */
START_TEST(places)
{
    static const char *const texts[] = {
        "workflow_name: x\nsteps:\n  - step: a\n    type: user_ask\n    prompt: p\n    validate:\n"
        "      schema:\n        minimun: 1\n",
        "{\"workflow_name\": \"x\", \"steps\": [{\"step\": \"a\", \"type\": \"user_ask\",\n"
        "\"prompt\": \"p\",\n\"validate\": {\n\n\n\"schema\": {\n\n       \"minimun\": 1}}}]}",
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(texts); i++) {
        ag_template *t = NULL;
        AG_AUTO(argo_error) err = NULL;
        ck_assert_int_eq(ag_template_load("t", texts[i], strlen(texts[i]), &t, &err),
                         ARGO_E_TEMPLATE);
        ck_assert_uint_eq(argo_error_problem_count(err), 1);
        const struct argo_problem *p = argo_error_problem(err, 0);
        ck_assert_uint_eq(p->line, 8);
        ck_assert_uint_eq(p->column, i == 0 ? 9 : 8);
        ck_assert_str_eq(p->nearest, "minimum");
        ck_assert_ptr_nonnull(strstr(p->expected, "exclusiveMinimum"));
    }
}
END_TEST

START_TEST(defaults)
{
    gives("user_ask", "default: 5", "");
    gives("user_ask", "default: {a: 1}", "");
    gives("user_ask", "default: 5, validate: {type: integer, max: 5}", "");
    gives("user_ask", "default: '5', validate: {type: integer, max: 5}", "");
    gives("user_ask", "default: 6, validate: {type: integer, max: 5}",
          "steps[0].default: the default is no answer: too large\n");
    gives("user_ask", "default: five, validate: {type: integer}",
          "steps[0].default: the default is no answer: wrong type\n");
    gives("user_ask", "default: '{{given}}', validate: {type: integer}", "");
    gives("user_ask", "default: x, validate: {schema: {enum: [y]}}",
          "steps[0].default: the default is no answer: not one of the values allowed\n");
    /* One mistake, one problem. */
    gives("user_ask", "default: five, validate: {type: intger}",
          "steps[0].validate.type: unknown value 'intger'\n");
    gives("user_ask", "deadline: 5, on_deadline: default",
          "steps[0].on_deadline: there is no default to be taken\n");
    gives("user_ask", "deadline: 5, on_deadline: default, default: x", "");
    gives("user_ask", "deadline: 5, on_deadline: fail", "");
    gives("user_choose", "options: [{label: a, value: 1}, {label: b}], default: b", "");
    gives("user_choose", "options: [{label: a, value: 1}, {label: b}], default: 1", "");
    gives("user_choose", "options: [{label: a, value: 1}, {label: b}], default: c",
          "steps[0].default: the default is none of the options\n");
    gives("user_choose", "options: [{label: a}], default: '{{given}}'", "");
    gives("user_choose", "options: [{label: '{{given}}'}], default: c", "");
    gives("user_choose", "options: [{label: a}, {label: b}], multiple: true, default: [a]", "");
}
END_TEST

START_TEST(forms)
{
    gives("form", "fields: [{name: a}]", "");
    gives("form",
          "fields: [{name: a, label: A, description: d, type: number, required: true,"
          " default: 5, min: 1, max: 5}, {name: b, options: [1, x], secret: true},"
          " {name: c, pattern: '^x$'}], save_to: x, deadline: 5m, on_deadline: default",
          "");
    gives("form", "save_to: x", "steps[0].fields: missing required key 'fields'\n");
    gives("form", "fields: [{name: a}], schema: {}", "steps[0].schema: 'schema' beside 'fields'\n");
    gives("form", "fields: []", "steps[0].fields: 'fields' is empty\n");
    gives("form", "fields: {}", "steps[0].fields: wrong type: this is an object\n");
    gives("form", "fields: [a]", "steps[0].fields[0]: wrong type: this is text\n");
    gives("form", "fields: [{}]", "steps[0].fields[0].name: missing required key 'name'\n");
    gives("form", "fields: [{name: 1}]",
          "steps[0].fields[0].name: wrong type: this is an integer\n");
    gives("form", "fields: [{name: a.b}, {name: ''}]",
          "steps[0].fields[0].name: bad field name 'a.b'\n"
          "steps[0].fields[1].name: 'name' is empty\n");
    gives("form", "fields: [{name: a}, {name: a}]",
          "steps[0].fields[1].name: duplicate field name 'a'\n");
    gives("form", "fields: [{name: a, lable: x}]",
          "steps[0].fields[0].lable: unknown key 'lable'\n");
    gives("form", "fields: [{name: a, type: int}]",
          "steps[0].fields[0].type: unknown value 'int'\n");
    gives("form", "fields: [{name: a, options: []}]",
          "steps[0].fields[0].options: 'options' is empty\n");
    gives("form", "fields: [{name: a, label: '{{nobody}}'}]",
          "steps[0].fields[0].label: variable 'nobody' is set by no step\n");
    gives("form", "fields: [{name: a, type: integer, default: x}]",
          "steps[0].fields[0].default: the default is no answer: wrong type\n");
    gives("form", "fields: [{name: a, options: [b, c], default: d}]",
          "steps[0].fields[0].default: the default is no answer: not one of the values allowed\n");
    gives("form", "fields: [{name: a, required: true, default: ''}]",
          "steps[0].fields[0].default: the default is no answer: too short\n");
    gives("form", "fields: [{name: a, required: true, min: 0, default: ''}]", "");
    gives("form", "fields: [{name: a, type: integer, default: '{{given}}'}]", "");
    gives("form", "deadline: 5, on_deadline: default, fields: [{name: a, required: true}]",
          "steps[0].fields[0]: a required field without default, when on_deadline is default\n");
    gives("form", "deadline: 5, on_deadline: fail, fields: [{name: a, required: true}]", "");
}
END_TEST

START_TEST(field_names)
{
    static const char max[] = "a123456789012345678901234567890123456789012345678901234567890123";
    ag_auto_free char *fits = ag_asprintf("fields: [{name: %s}]", max);
    ag_auto_free char *over = ag_asprintf("fields: [{name: %sx}]", max);
    ag_auto_free char *bad = ag_asprintf("steps[0].fields[0].name: bad field name '%sx'\n", max);
    gives("form", fits, "");
    gives("form", over, bad);
}
END_TEST

START_TEST(gates)
{
    static const char after[] = "}\n  - {step: b, type: display, message: x}\n"
                                "  - {step: c, type: display, message: x";
    ag_auto_free char *no_only = ag_asprintf("on_no: c%s", after);
    ag_auto_free char *both = ag_asprintf("on_yes: c, on_no: EXIT%s", after);
    gives("approve", "on_no: EXIT", "");
    gives("approve", "on_no: EXIT, on_yes: a, details: '{{given}}', save_to: v, deadline: 1h", "");
    gives("approve", "on_yes: a", "steps[0].on_no: missing required key 'on_no'\n");
    gives("approve", "on_no: b, on_yes: c",
          "steps[0].on_no: no step is named 'b'\nsteps[0].on_yes: no step is named 'c'\n");
    gives("approve", "on_no: EXIT, default: true", "steps[0].default: unknown key 'default'\n");
    gives("approve", "on_no: EXIT, deadline: 5, on_deadline: fail",
          "steps[0].on_deadline: unknown key 'on_deadline'\n");
    gives("approve", no_only, "");
    gives("approve", both, "steps[1]: step 'b' is unreachable\n");
}
END_TEST

/* What they save can be used. */
START_TEST(saved)
{
    static const char after[] = "}\n  - {step: b, type: display, message: '{{v.approved}} {{w}}'";
    ag_auto_free char *members = ag_asprintf("on_no: EXIT, save_to: v%s", after);
    gives("approve", members, "steps[1].message: variable 'w' is set by no step\n");
    ag_auto_free char *form = ag_asprintf("fields: [{name: approved}], save_to: v%s", after);
    gives("form", form, "steps[1].message: variable 'w' is set by no step\n");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-asking");
    TCase *tc = tcase_create("asking");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, schemas);
    tcase_add_test(tc, places);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, forms);
    tcase_add_test(tc, field_names);
    tcase_add_test(tc, gates);
    tcase_add_test(tc, saved);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
