/*
 * Parameters: converting one value, and resolving what a run was given against the template.
 */
#include "template/parameters.h"

#include <math.h>

#include "base/buf.h"
#include "base/text.h"
#include "template/template.h"

static ag_value *number_value(const ag_value *v, bool from_text)
{
    const char *text = ag_value_as_text(v);
    int64_t n;
    double real;
    if (ag_value_is_number(v)) {
        return ag_value_ref(v);
    }
    if (text == NULL || !from_text) {
        return NULL;
    }
    if (ag_parse_i64(text, "number", INT64_MIN, INT64_MAX, &n, NULL) == 0) {
        return ag_value_int(n);
    }
    return ag_parse_double(text, "number", -HUGE_VAL, HUGE_VAL, &real, NULL) == 0
               ? ag_value_real(real)
               : NULL;
}

static ag_value *boolean_value(const ag_value *v, bool from_text)
{
    const char *text = ag_value_as_text(v);
    if (ag_value_is(v, ARGO_TYPE_BOOL)) {
        return ag_value_ref(v);
    }
    if (from_text && (ag_streq(text, "true") || ag_streq(text, "false"))) {
        return ag_value_bool(ag_streq(text, "true"));
    }
    return NULL;
}

static ag_value *enum_value(const ag_value *values, const ag_value *v, bool from_text)
{
    const char *text = ag_value_as_text(v);
    for (size_t i = 0; i < ag_value_size(values); i++) {
        const ag_value *one = ag_value_at(values, i);
        ag_auto_free char *shown = ag_value_display(one);
        if (ag_value_equal(one, v) || (from_text && text != NULL && ag_streq(shown, text))) {
            return ag_value_ref(one);
        }
    }
    return NULL;
}

static char *enum_expected(const ag_value *values)
{
    ag_auto_buf b = AG_BUF_INIT(64 * 1024);
    ag_buf_add_text(&b, "one of ");
    for (size_t i = 0; i < ag_value_size(values); i++) {
        ag_auto_free char *shown = ag_value_display(ag_value_at(values, i));
        ag_buf_printf(&b, "%s%s", i > 0 ? ", " : "", shown != NULL ? shown : "");
    }
    return ag_buf_take(&b);
}

bool ag_parameter_convert(const ag_value *declared, const ag_value *v, bool from_text,
                          ag_value **out, char **expected)
{
    const char *type = ag_value_get_text(declared, "type", "string");
    const ag_value *values = ag_value_get(declared, "values");
    ag_value *converted = NULL;
    if (ag_streq(type, "number")) {
        converted = number_value(v, from_text);
        *expected = converted == NULL ? ag_strdup("a number") : NULL;
    } else if (ag_streq(type, "boolean")) {
        converted = boolean_value(v, from_text);
        *expected = converted == NULL ? ag_strdup("true or false") : NULL;
    } else if (ag_streq(type, "enum")) {
        converted = enum_value(values, v, from_text);
        *expected = converted == NULL ? enum_expected(values) : NULL;
    } else {
        converted = ag_value_is(v, ARGO_TYPE_TEXT) ? ag_value_ref(v) : NULL;
        *expected = converted == NULL ? ag_strdup("text") : NULL;
    }
    *out = converted;
    return converted != NULL;
}

/* ---- resolving ----------------------------------------------------------------------------- */

struct resolving {
    const ag_value *declared; /* all of them */
    const ag_value *given;
    ag_value *result;
    argo_error **err;
    int rc; /* of the first problem */
};

static void add_problem(struct resolving *r, const char *name, const char *message,
                        const char *expected, const char *nearest)
{
    ag_auto_free char *path = ag_asprintf("parameters.%s", name);
    const struct argo_problem problem = {
        .path = path, .message = message, .expected = expected, .nearest = nearest};
    if (r->rc == 0) {
        r->rc =
            ag_error_field(r->err, ARGO_E_INVALID, path, "parameter '%s': %s%s%s", name, message,
                           expected != NULL ? ", expected " : "", expected != NULL ? expected : "");
    }
    r->rc = ag_error_add_problem(r->err, ARGO_E_INVALID, &problem);
}

static void refuse_unknown(struct resolving *r, const char *name)
{
    size_t n = ag_value_size(r->declared);
    ag_auto_free const char **words = calloc(n + 1, sizeof(*words));
    struct ag_value_iter it = {0};
    size_t i = 0;
    while (words != NULL && ag_value_next(r->declared, &it)) {
        words[i++] = it.key;
    }
    add_problem(r, name, "the template has no such parameter", NULL,
                words != NULL ? ag_nearest_word(name, words, i) : NULL);
}

static void resolve_one(struct resolving *r, const char *name, const ag_value *declared)
{
    const ag_value *v = ag_value_get(r->given, name);
    const ag_value *fallback = ag_value_get(declared, "default");
    AG_AUTO(ag_value) value = NULL;
    ag_auto_free char *expected = NULL;
    if (v == NULL && fallback == NULL) {
        if (ag_value_get_bool(declared, "required", false)) {
            const char *what = ag_value_get_text(declared, "description", NULL);
            ag_auto_free char *message = ag_asprintf(
                "missing, it is required%s%s", what != NULL ? ": " : "", what != NULL ? what : "");
            add_problem(r, name, message != NULL ? message : "missing", NULL, NULL);
        }
        return;
    }
    if (v == NULL) {
        value = ag_value_ref(fallback);
    } else if (!ag_parameter_convert(declared, v, true, &value, &expected)) {
        add_problem(r, name, "wrong value", expected, NULL);
        return;
    }
    if (ag_value_set(r->result, name, ag_take(value)) != 0 && r->rc == 0) {
        r->rc = ag_error_nomem(r->err);
    }
}

int ag_template_resolve_parameters(const ag_template *t, const ag_value *given, ag_value **out,
                                   argo_error **err)
{
    if (given != NULL && !ag_value_is(given, ARGO_TYPE_OBJECT)) {
        return ag_error_field(err, ARGO_E_INVALID, "parameters", "expected an object");
    }
    AG_AUTO(ag_value) result = ag_value_object();
    if (result == NULL) {
        return ag_error_nomem(err);
    }
    struct resolving r = {ag_template_parameters(t), given, result, err, 0};
    struct ag_value_iter it = {0};
    while (ag_value_next(given, &it)) {
        if (ag_value_get(r.declared, it.key) == NULL) {
            refuse_unknown(&r, it.key);
        }
    }
    it = (struct ag_value_iter){0};
    while (ag_value_next(r.declared, &it)) {
        resolve_one(&r, it.key, it.value);
    }
    if (r.rc != 0) {
        return r.rc;
    }
    *out = ag_take(result);
    return 0;
}
