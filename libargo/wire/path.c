/*
 * Dotted paths into a value: "a.b.0.c".
 *
 * Reading goes through objects and arrays; writing only through objects, and only along valid
 * paths, so that an expression cannot make keys that no expression can read.
 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "wire/value.h"

#define PATH_MAX_BYTES 256

/* The element that a decimal PART without leading zeros names, or NULL. */
static ag_value *element(const ag_value *array, const char *part, size_t len)
{
    size_t index = 0;
    if (len == 0 || len > 9 || (len > 1 && part[0] == '0')) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (part[i] < '0' || part[i] > '9') {
            return NULL;
        }
        index = index * 10 + (size_t)(part[i] - '0');
    }
    return ag_value_at(array, index);
}

static ag_value *child_of(const ag_value *v, const char *part, size_t len)
{
    if (ag_value_is(v, ARGO_TYPE_ARRAY)) {
        return element(v, part, len);
    }
    return ag_value_get_n(v, part, len);
}

ag_value *ag_value_path_get(const ag_value *root, const char *path)
{
    const ag_value *at = root;
    for (;;) {
        size_t len = strcspn(path, ".");
        ag_value *child = child_of(at, path, len);
        if (child == NULL || path[len] == '\0') {
            return child;
        }
        at = child;
        path += len + 1;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool ag_value_path_valid(const char *path)
{
    if (strlen(path) > PATH_MAX_BYTES) {
        return false;
    }
    bool starts = true; /* the next character starts a part */
    for (const char *p = path; *p != '\0'; p++) {
        if (*p == '.' ? starts : !is_letter(*p) && (starts || *p < '0' || *p > '9')) {
            return false;
        }
        starts = *p == '.';
    }
    return !starts;
}

/* CHILD below PARTS ("c.d" gives {"c":{"d":CHILD}}). Takes CHILD over; writes to PARTS. */
static ag_value *wrap(char *parts, ag_value *child)
{
    while (child != NULL) {
        char *dot = strrchr(parts, '.');
        if (dot == NULL) {
            break;
        }
        ag_value *object = ag_value_object();
        if (ag_value_set(object, dot + 1, child) != 0) {
            ag_value_unref(object);
            return NULL;
        }
        child = object;
        *dot = '\0';
    }
    return child;
}

int ag_value_path_set(ag_value *root, const char *path, ag_value *child, argo_error **err)
{
    AG_AUTO(ag_value) owned = child;
    if (!ag_value_path_valid(path)) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "'%.64s': expected names of letters, digits and _ joined by dots, "
                            "at most %d bytes",
                            path, PATH_MAX_BYTES);
    }
    ag_auto_free char *copy = ag_strdup(path);
    if (copy == NULL || owned == NULL) {
        return ag_error_nomem(err);
    }
    /* Down to the deepest object that exists; what is missing is built first and then set by one
     * call, so that a failure leaves the root as it was. */
    ag_value *at = root;
    char *part = copy;
    for (;;) {
        if (!ag_value_is(at, ARGO_TYPE_OBJECT)) {
            int parent_len = part == copy ? 0 : (int)(part - copy) - 1;
            return ag_error_set(err, ARGO_E_INVALID, "%s: '%.*s' is %s, not an object", path,
                                parent_len, path, ag_value_type_name(at));
        }
        size_t len = strcspn(part, ".");
        ag_value *next = ag_value_get_n(at, part, len);
        if (next == NULL || part[len] == '\0') {
            break;
        }
        at = next;
        part += len + 1;
    }
    ag_value *subtree = wrap(part, ag_take(owned));
    int rc = ag_value_set(at, part, subtree);
    return rc == 0 ? 0 : ag_error_nomem(err);
}
