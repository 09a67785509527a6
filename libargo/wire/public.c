/*
 * The exported argo_value_*: thin wrappers that check their arguments. No logic of their own.
 */
#include <math.h>
#include <string.h>

#include <argo/value.h>

#include "base/text.h"
#include "wire/value.h"

int argo_value_parse(const char *text, size_t len, argo_value **out, argo_error **err)
{
    if (out == NULL || (text == NULL && len > 0)) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_value_parse: text and out must be given");
    }
    return ag_value_parse(text, len, out, err);
}

void argo_value_free(argo_value *value)
{
    ag_value_unref(value);
}

char *argo_value_print(const argo_value *value, unsigned indent)
{
    return ag_value_print_indented(value, indent);
}

enum argo_type argo_value_type(const argo_value *value)
{
    return ag_value_type(value);
}

size_t argo_value_size(const argo_value *value)
{
    return ag_value_size(value);
}

const argo_value *argo_value_at(const argo_value *array, size_t index)
{
    return ag_value_at(array, index);
}

static struct ag_value_iter member_at(const argo_value *object, size_t index)
{
    struct ag_value_iter it = {0};
    if (ag_value_is(object, ARGO_TYPE_OBJECT)) {
        while (ag_value_next(object, &it) && it.index < index) {
        }
    }
    return it;
}

const char *argo_value_key_at(const argo_value *object, size_t index)
{
    return member_at(object, index).key;
}

const argo_value *argo_value_value_at(const argo_value *object, size_t index)
{
    return member_at(object, index).value;
}

const argo_value *argo_value_get(const argo_value *object, const char *path)
{
    return path == NULL ? object : ag_value_path_get(object, path);
}

const char *argo_value_text(const argo_value *value, const char *path, const char *fallback)
{
    const char *text = ag_value_as_text(argo_value_get(value, path));
    return text != NULL ? text : fallback;
}

int64_t argo_value_int(const argo_value *value, const char *path, int64_t fallback)
{
    int64_t n = 0;
    return ag_value_to_int(argo_value_get(value, path), &n) ? n : fallback;
}

double argo_value_real(const argo_value *value, const char *path, double fallback)
{
    const argo_value *v = argo_value_get(value, path);
    return ag_value_is_number(v) ? ag_value_as_real(v) : fallback;
}

bool argo_value_bool(const argo_value *value, const char *path, bool fallback)
{
    const argo_value *v = argo_value_get(value, path);
    return ag_value_is(v, ARGO_TYPE_BOOL) ? ag_value_as_bool(v) : fallback;
}

argo_value *argo_value_new_object(void)
{
    return ag_value_object();
}

argo_value *argo_value_new_array(void)
{
    return ag_value_array();
}

/* Takes CHILD over. A missing parent is the caller's mistake here, not a lack of memory. */
static int put(argo_value *parent, const char *key, argo_value *child)
{
    if (parent == NULL) {
        ag_value_unref(child);
        return ARGO_E_INVALID;
    }
    return key == NULL ? ag_value_append(parent, child) : ag_value_set(parent, key, child);
}

int argo_value_set_text(argo_value *parent, const char *key, const char *text)
{
    if (text == NULL || !ag_utf8_valid(text, strlen(text))) {
        return ARGO_E_INVALID;
    }
    return put(parent, key, ag_value_text(text));
}

int argo_value_set_int(argo_value *parent, const char *key, int64_t number)
{
    return put(parent, key, ag_value_int(number));
}

int argo_value_set_real(argo_value *parent, const char *key, double number)
{
    return isfinite(number) ? put(parent, key, ag_value_real(number)) : ARGO_E_INVALID;
}

int argo_value_set_bool(argo_value *parent, const char *key, bool yes)
{
    return put(parent, key, ag_value_bool(yes));
}

int argo_value_set_null(argo_value *parent, const char *key)
{
    return put(parent, key, ag_value_null());
}

int argo_value_set_value(argo_value *parent, const char *key, const argo_value *value)
{
    return value == NULL ? ARGO_E_INVALID : put(parent, key, ag_value_copy(value));
}
