/*
 * From the words of steps to schemas, and from texts to values.
 */
#include "template/answers.h"

#include <float.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define MAX_NAME 64

/* ---- schemas ------------------------------------------------------------------------------- */

/* Adds the rules of one value to SCHEMA. min and max are of a number, or of a text's length. */
static int add_rules(ag_value *schema, const ag_value *rules, const char *type)
{
    static const char *const words[][3] = {
        {"min", "minLength", "minimum"},
        {"max", "maxLength", "maximum"},
        {"pattern", "pattern", "pattern"},
    };
    int column = ag_streq(type, "string") ? 1 : 2;
    int rc = type != NULL ? ag_value_set(schema, "type", ag_value_text(type)) : 0;
    for (size_t i = 0; rc == 0 && i < AG_ARRAY_SIZE(words); i++) {
        const ag_value *rule = ag_value_get(rules, words[i][0]);
        if (rule != NULL) {
            rc = ag_value_set(schema, words[i][column], ag_value_ref(rule));
        }
    }
    return rc;
}

int ag_answer_schema(const ag_value *rules, ag_value **out, argo_error **err)
{
    const ag_value *whole = ag_value_get(rules, "schema");
    *out = NULL;
    if (rules == NULL || whole != NULL) {
        *out = ag_value_ref(whole);
        return 0;
    }
    AG_AUTO(ag_value) schema = ag_value_object();
    if (add_rules(schema, rules, ag_value_get_text(rules, "type", "string")) < 0) {
        return ag_error_nomem(err);
    }
    *out = ag_take(schema);
    return 0;
}

static int set_if(ag_value *object, const char *key, const ag_value *value)
{
    return value != NULL ? ag_value_set(object, key, ag_value_ref(value)) : 0;
}

static ag_value *field_schema(const ag_value *field)
{
    const ag_value *options = ag_value_get(field, "options");
    const char *type = ag_value_get_text(field, "type", options == NULL ? "string" : NULL);
    bool text = ag_streq(type, "string") && options == NULL;
    bool needed = ag_value_get_bool(field, "required", false);
    AG_AUTO(ag_value) schema = ag_value_object();
    int rc = set_if(schema, "title", ag_value_get(field, "label"));
    rc = rc != 0 ? rc : set_if(schema, "description", ag_value_get(field, "description"));
    rc = rc != 0 ? rc : add_rules(schema, field, type);
    rc = rc != 0 ? rc : set_if(schema, "enum", options);
    rc = rc != 0 ? rc : set_if(schema, "default", ag_value_get(field, "default"));
    if (rc == 0 && text && needed && ag_value_get(field, "min") == NULL) {
        rc = ag_value_set(schema, "minLength", ag_value_int(1));
    }
    if (rc == 0 && ag_value_get_bool(field, "secret", false)) {
        rc = ag_value_set(schema, "writeOnly", ag_value_bool(true));
    }
    return rc == 0 ? ag_take(schema) : NULL;
}

int ag_form_schema(const ag_value *fields, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) schema = ag_value_object();
    AG_AUTO(ag_value) properties = ag_value_object();
    AG_AUTO(ag_value) required = ag_value_array();
    struct ag_value_iter it = {0};
    int rc = ag_value_set(schema, "type", ag_value_text("object"));
    while (rc == 0 && ag_value_next(fields, &it)) {
        const char *name = ag_value_get_text(it.value, "name", "");
        rc = ag_value_set(properties, name, field_schema(it.value));
        if (rc == 0 && ag_value_get_bool(it.value, "required", false)) {
            rc = ag_value_append(required, ag_value_text(name));
        }
    }
    rc = rc != 0 ? rc : ag_value_set(schema, "properties", ag_take(properties));
    rc = rc != 0 ? rc : ag_value_set(schema, "required", ag_take(required));
    rc = rc != 0 ? rc : ag_value_set(schema, "additionalProperties", ag_value_bool(false));
    if (rc != 0) {
        return ag_error_nomem(err);
    }
    *out = ag_take(schema);
    return 0;
}

bool ag_form_is_secret(const ag_value *schema)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(ag_value_get(schema, "properties"), &it)) {
        if (ag_value_get_bool(it.value, "writeOnly", false)) {
            return true;
        }
    }
    return false;
}

bool ag_form_name_valid(const char *name)
{
    return strlen(name) <= MAX_NAME && ag_value_path_valid(name) && strchr(name, '.') == NULL;
}

/* ---- values -------------------------------------------------------------------------------- */

/* NULL: no number, or no memory; the text then stays a text, which is refused with a reason. */
static ag_value *number_of(const char *text, bool whole)
{
    int64_t n = 0;
    double x = 0;
    if (ag_parse_i64(text, "number", INT64_MIN, INT64_MAX, &n, NULL) == 0) {
        return ag_value_int(n);
    }
    if (ag_parse_double(text, "number", -DBL_MAX, DBL_MAX, &x, NULL) < 0) {
        return NULL;
    }
    ag_value *v = ag_value_real(x);
    if (whole && ag_value_to_int(v, &n)) {
        ag_value_unref(v);
        v = ag_value_int(n);
    }
    return v;
}

static ag_value *truth_of(const char *text)
{
    static const char *const words[] = {"no", "yes", "n", "y", "false", "true"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return ag_value_bool(i % 2 == 1);
        }
    }
    return NULL;
}

/* The value of the enumeration that is printed like TEXT. */
static ag_value *enumerated(const ag_value *schema, const char *text)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(ag_value_get(schema, "enum"), &it)) {
        ag_auto_free char *shown = ag_value_display(it.value);
        if (ag_streq(shown, text)) {
            return ag_value_ref(it.value);
        }
    }
    return NULL;
}

static ag_value *json_of(const char *text, unsigned types)
{
    AG_AUTO(ag_value) v = NULL;
    (void)ag_value_parse(text, strlen(text), &v, NULL);
    return v != NULL && (types & 1U << ag_value_type(v)) != 0 ? ag_take(v) : NULL;
}

ag_value *ag_answer_typed(const ag_value *schema, const ag_value *given)
{
    const char *text = ag_value_as_text(given);
    unsigned types = ag_schema_types(schema);
    int64_t n = 0;
    if (ag_value_is(given, ARGO_TYPE_REAL) && ag_value_to_int(given, &n) &&
        (types & AG_SCHEMA_NUMBER) == 1U << ARGO_TYPE_INT) {
        return ag_value_int(n); /* 42.0 is an integer, and looks like one */
    }
    ag_value *v = text != NULL ? enumerated(schema, text) : NULL;
    if (text == NULL || v != NULL || types == 0 || (types & 1U << ARGO_TYPE_TEXT) != 0) {
        return v != NULL ? v : ag_value_ref(given);
    }
    if ((types & AG_SCHEMA_NUMBER) != 0) {
        v = number_of(text, (types & 1U << ARGO_TYPE_REAL) == 0);
    }
    if (v == NULL && (types & 1U << ARGO_TYPE_BOOL) != 0) {
        v = truth_of(text);
    }
    if (v == NULL) {
        v = json_of(text, types & ~AG_SCHEMA_NUMBER);
    }
    return v != NULL ? v : ag_value_ref(given);
}

int ag_form_fill(const ag_value *schema, const ag_value *given, ag_value **out, argo_error **err)
{
    const ag_value *properties = ag_value_get(schema, "properties");
    AG_AUTO(ag_value) filled = ag_value_object();
    struct ag_value_iter it = {0};
    int rc = filled == NULL ? ARGO_E_NOMEM : 0;
    while (rc == 0 && ag_value_next(given, &it)) {
        rc = ag_value_set(filled, it.key,
                          ag_answer_typed(ag_value_get(properties, it.key), it.value));
    }
    it = (struct ag_value_iter){0};
    while (rc == 0 && ag_value_next(properties, &it)) {
        if (ag_value_get(filled, it.key) == NULL) {
            rc = set_if(filled, it.key, ag_value_get(it.value, "default"));
        }
    }
    if (rc != 0) {
        return ag_error_nomem(err);
    }
    *out = ag_take(filled);
    return 0;
}
