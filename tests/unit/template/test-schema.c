/*
 * The JSON Schema of templates, made from the step table: the file in docs/ must be what comes
 * out here. `test-template-schema --print` writes it.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/runner.h"
#include "template/outline.h"

#define SCHEMA_FILE SOURCE_ROOT "/docs/workflow.schema.json"

static ag_value *schema_of(const struct ag_key *key);

static void put(ag_value *object, const char *name, ag_value *child)
{
    int rc = ag_value_set(object, name, child);
    assert(rc == 0); /* not ck_assert: --print runs outside of a test */
    (void)rc;
}

static void push(ag_value *array, ag_value *child)
{
    int rc = ag_value_append(array, child);
    assert(rc == 0);
    (void)rc;
}

static ag_value *typed(const char *type)
{
    ag_value *v = ag_value_object();
    put(v, "type", ag_value_text(type));
    return v;
}

static ag_value *with(ag_value *v, const char *name, ag_value *child)
{
    put(v, name, child);
    return v;
}

static ag_value *pattern(const char *text)
{
    return with(typed("string"), "pattern", ag_value_text(text));
}

static ag_value *array_of(ag_value *items)
{
    return with(with(typed("array"), "minItems", ag_value_int(1)), "items", items);
}

static ag_value *map_of(ag_value *members)
{
    return with(typed("object"), "additionalProperties", members);
}

static ag_value *choice(const char *how, ag_value *a, ag_value *b)
{
    ag_value *list = ag_value_array();
    push(list, a);
    push(list, b);
    return with(ag_value_object(), how, list);
}

static ag_value *reference(const char *name)
{
    ag_auto_free char *path = ag_asprintf("#/$defs/%s", name);
    return with(ag_value_object(), "$ref", ag_value_text(path));
}

static ag_value *words(const char *const *list)
{
    ag_value *array = ag_value_array();
    for (size_t i = 0; list[i] != NULL; i++) {
        push(array, ag_value_text(list[i]));
    }
    return with(ag_value_object(), "enum", array);
}

static ag_value *number(const char *type, const struct ag_key *key)
{
    ag_value *v = typed(type);
    if (key->min != 0 || key->max != 0) {
        put(v, "minimum", ag_value_int(key->min));
        if (key->max != INT64_MAX) {
            put(v, "maximum", ag_value_int(key->max));
        }
    }
    return v;
}

/* ---- objects ------------------------------------------------------------------------------- */

static ag_value *required(const char *name)
{
    ag_value *names = ag_value_array();
    push(names, ag_value_text(name));
    return with(ag_value_object(), "required", names);
}

static void add_keys(const struct ag_keys *keys, ag_value *properties, ag_value *all_of)
{
    for (size_t i = 0; i < keys->n; i++) {
        const struct ag_key *key = &keys->keys[i];
        put(properties, key->name, schema_of(key));
        if (key->alias != NULL) {
            put(properties, key->alias, schema_of(key));
        }
        if (key->required && key->alias == NULL) {
            push(all_of, required(key->name));
        } else if (key->required) {
            push(all_of, choice("oneOf", required(key->name), required(key->alias)));
        } else if (key->instead != NULL) {
            push(all_of, choice("oneOf", required(key->name), required(key->instead)));
        }
    }
}

static ag_value *object_of(const struct ag_keys *a, const struct ag_keys *b)
{
    ag_value *properties = ag_value_object();
    ag_value *all_of = ag_value_array();
    ag_value *v = typed("object");
    add_keys(a, properties, all_of);
    if (b != NULL) {
        add_keys(b, properties, all_of);
    }
    put(v, "properties", properties);
    put(v, "additionalProperties", ag_value_bool(false));
    if (ag_value_size(all_of) > 0) {
        put(v, "allOf", all_of);
    } else {
        ag_value_unref(all_of);
    }
    return v;
}

/* The type of a step is one word in each of its definitions. */
static ag_value *step_of(const struct ag_step_type *type)
{
    const char *names[] = {type->name, type->alias, NULL};
    ag_value *v = object_of(&ag_step_common_keys, &type->keys);
    put(v, "description", ag_value_text(type->does));
    put(ag_value_get(v, "properties"), "type", words(names));
    return v;
}

/* `default` names a persona, the others are personas. */
static ag_value *personas_of(const struct ag_key *key)
{
    ag_value *properties = with(ag_value_object(), "default", typed("string"));
    return with(map_of(object_of(key->sub, NULL)), "properties", properties);
}

static ag_value *save_map_of(const struct ag_key *key)
{
    ag_value *properties = ag_value_object();
    for (size_t i = 0; key->words[i] != NULL; i++) {
        put(properties, key->words[i], reference("variable"));
    }
    ag_value *map = with(typed("object"), "properties", properties);
    return choice("anyOf", reference("variable"),
                  with(map, "additionalProperties", ag_value_bool(false)));
}

static ag_value *schema_of(const struct ag_key *key)
{
    switch (key->type) {
    case AG_KEY_TEXT:
    case AG_KEY_CI:
    case AG_KEY_EXPR:
    case AG_KEY_TYPE:
        return typed("string");
    case AG_KEY_WORD:
        return key->words != NULL ? words(key->words)
               : key->required    ? with(typed("string"), "minLength", ag_value_int(1))
                                  : typed("string");
    case AG_KEY_BOOL:
        return typed("boolean");
    case AG_KEY_INT:
        return number("integer", key);
    case AG_KEY_REAL:
        return number("number", key);
    case AG_KEY_DURATION:
        return reference("duration");
    case AG_KEY_SPAN:
        return choice("anyOf", reference("duration"), pattern("[{].*[}]"));
    case AG_KEY_TIME:
        return choice("anyOf", with(typed("string"), "format", ag_value_text("date-time")),
                      pattern("[{].*[}]"));
    case AG_KEY_NAME:
        return reference("name");
    case AG_KEY_LABEL:
        return choice("anyOf", typed("string"), typed("number"));
    case AG_KEY_TARGET:
        return reference("target");
    case AG_KEY_SAVE:
        return reference("variable");
    case AG_KEY_SAVE_MAP:
        return save_map_of(key);
    case AG_KEY_MODE:
        return pattern("^[0-7]{3,4}$");
    case AG_KEY_PATTERN:
        return with(typed("string"), "format", ag_value_text("regex"));
    case AG_KEY_ARGV:
    case AG_KEY_WORD_LIST:
        return array_of(typed("string"));
    case AG_KEY_TEXT_MAP:
        return map_of(typed("string"));
    case AG_KEY_INT_LIST:
        return array_of(number("integer", key));
    case AG_KEY_OPTIONS:
    case AG_KEY_FIELDS:
    case AG_KEY_PHASES:
        return array_of(object_of(key->sub, NULL));
    case AG_KEY_SCHEMA:
    case AG_KEY_VALUES:
        return typed("object");
    case AG_KEY_ANY:
    case AG_KEY_LITERAL:
        return ag_value_object();
    case AG_KEY_ARRAY:
        return array_of(ag_value_object());
    case AG_KEY_OBJECT:
        return key->sub != NULL ? object_of(key->sub, NULL) : typed("object");
    case AG_KEY_ON_ERROR:
        return choice("anyOf", reference("target"), object_of(key->sub, NULL));
    case AG_KEY_PERSONAS:
        return personas_of(key);
    case AG_KEY_PARAMETERS:
        return map_of(object_of(key->sub, NULL));
    case AG_KEY_STEPS:
        return with(array_of(reference("step")), "maxItems", ag_value_int(AG_MAX_STEPS));
    case AG_KEY_LATER:
        return with(ag_value_object(), "not", ag_value_object());
    }
    return NULL;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static ag_value *definitions(void)
{
    ag_value *defs = ag_value_object();
    ag_value *name = pattern("^[^/#\\u0000-\\u001f\\u007f]{1,64}$");
    put(name, "not", with(ag_value_object(), "const", ag_value_text(AG_STEP_EXIT)));
    put(defs, "name", choice("anyOf", typed("integer"), name));
    put(defs, "target", choice("anyOf", typed("integer"), typed("string")));
    put(defs, "duration",
        choice("anyOf", with(typed("number"), "minimum", ag_value_int(0)),
               pattern("^[0-9]+(\\.[0-9]+)?[smhd]?$")));
    put(defs, "variable", pattern("^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*$"));
    ag_value *one_of = ag_value_array();
    for (size_t i = 0; i < ag_step_types_count; i++) {
        put(defs, ag_step_types[i].name, step_of(&ag_step_types[i]));
        push(one_of, reference(ag_step_types[i].name));
    }
    put(defs, "step", with(ag_value_object(), "oneOf", one_of));
    return defs;
}

static char *schema_text(void)
{
    AG_AUTO(ag_value) schema = ag_value_object();
    put(schema, "$schema", ag_value_text("https://json-schema.org/draft/2020-12/schema"));
    put(schema, "title", ag_value_text("Argo workflow template"));
    AG_AUTO(ag_value) body = object_of(&ag_template_keys, NULL);
    struct ag_value_iter it = {0};
    while (ag_value_next(body, &it)) {
        put(schema, it.key, ag_value_ref(it.value));
    }
    put(schema, "$defs", definitions());
    ag_auto_free char *text = ag_value_print_indented(schema, 2);
    return ag_asprintf("%s\n", text);
}

START_TEST(file_is_up_to_date)
{
    ag_auto_free char *expected = schema_text();
    ag_auto_free char *file = NULL;
    size_t len;
    ck_assert_int_eq(ag_file_read(SCHEMA_FILE, 1024 * 1024, &file, &len, NULL), 0);
    ck_assert_msg(strcmp(file, expected) == 0,
                  "docs/workflow.schema.json is old: write it with test-template-schema --print");
}
END_TEST

START_TEST(no_name_twice)
{
    for (size_t i = 0; i < ag_step_types_count; i++) {
        const struct ag_step_type *type = &ag_step_types[i];
        ck_assert_ptr_eq(ag_step_type_find(type->name), type);
        ck_assert(type->alias == NULL || ag_step_type_find(type->alias) == type);
        for (size_t k = 0; k < type->keys.n; k++) {
            const struct ag_key *key = &type->keys.keys[k];
            ck_assert_ptr_eq(ag_keys_find(&type->keys, key->name), key);
            ck_assert(key->alias == NULL || ag_keys_find(&type->keys, key->alias) == key);
            ck_assert_ptr_null(ag_keys_find(&ag_step_common_keys, key->name));
        }
    }
    for (size_t i = 0; ag_step_types_later[i] != NULL; i++) {
        ck_assert_ptr_null(ag_step_type_find(ag_step_types_later[i]));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template-schema");
    TCase *tc = tcase_create("schema");
    tcase_add_test(tc, file_is_up_to_date);
    tcase_add_test(tc, no_name_twice);
    suite_add_tcase(s, tc);
    return s;
}

static int print_schema(void)
{
    ag_auto_free char *text = schema_text();
    return fputs(text, stdout) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        return print_schema();
    }
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
