/*
 * JSON -> records by the tables of field.h; the other way is encode.c.
 *
 * One switch decodes a member, one says what a field expects. Nothing here knows a record by
 * name; the tables belong to the modules whose structs they describe.
 */
#include "wire/field.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

/* Error texts quote at most this much of a value, so their buffers cannot overflow. */
#define QUOTE_MAX 64
#define ERROR_MAX 4096

#define NO_INDEX SIZE_MAX

/* Beyond 2^53 a double does not hold every millisecond. */
#define DURATION_MAX_MS (INT64_C(1) << 53)

/* Where decoding is: a chain from the innermost field outwards, turned into text only for an
 * error. */
struct spot {
    const struct spot *up;
    const struct ag_field *field;
    size_t index; /* the element of a list, or NO_INDEX */
};

static int decode_record(const struct ag_record *rec, const ag_value *object, void *out,
                         const struct spot *up, argo_error **err);

static void add_path(const struct spot *at, struct ag_buf *buf)
{
    if (at->up != NULL) {
        add_path(at->up, buf);
        ag_buf_add_char(buf, '.');
    }
    ag_buf_add_text(buf, at->field->key);
    if (at->index != NO_INDEX) {
        ag_buf_printf(buf, "[%zu]", at->index);
    }
}

static void add_range(const struct ag_field *f, double unit, struct ag_buf *buf)
{
    if (f->max == INT64_MAX) {
        ag_buf_printf(buf, " of at least %.15g", (double)f->min / unit);
    } else if (f->min != 0 || f->max != 0) {
        ag_buf_printf(buf, " from %.15g to %.15g", (double)f->min / unit, (double)f->max / unit);
    }
}

static void add_limit(const struct ag_field *f, const char *unit, struct ag_buf *buf)
{
    if (f->max > 0) {
        ag_buf_printf(buf, " of at most %lld %s", (long long)f->max, unit);
    }
}

static void add_expected(const struct ag_field *f, struct ag_buf *buf)
{
    switch (f->type) {
    case AG_FIELD_TEXT:
        ag_buf_add_text(buf, "text");
        add_limit(f, "bytes", buf);
        break;
    case AG_FIELD_ID:
        ag_buf_printf(buf, "an id (1 to %d letters, digits, '.', '_' or '-', no \"..\")",
                      AG_ID_MAX);
        break;
    case AG_FIELD_INT:
        ag_buf_add_text(buf, "integer");
        add_range(f, 1, buf);
        break;
    case AG_FIELD_REAL:
        ag_buf_add_text(buf, "number");
        add_range(f, 1, buf);
        break;
    case AG_FIELD_BOOL:
        ag_buf_add_text(buf, "true or false");
        break;
    case AG_FIELD_VALUE:
        ag_buf_add_text(buf, "a value");
        add_limit(f, "bytes", buf);
        break;
    case AG_FIELD_OBJECT:
        ag_buf_add_text(buf, "object");
        add_limit(f, "bytes", buf);
        break;
    case AG_FIELD_ARRAY:
        ag_buf_add_text(buf, "array");
        add_limit(f, "elements", buf);
        break;
    case AG_FIELD_TIME:
        ag_buf_add_text(buf, "a time such as 2026-01-31T12:00:00Z");
        break;
    case AG_FIELD_DURATION:
        ag_buf_add_text(buf, "seconds");
        add_range(f, 1000, buf);
        break;
    case AG_FIELD_ENUM:
        ag_buf_add_text(buf, "one of ");
        for (const char *const *word = f->words; *word != NULL; word++) {
            ag_buf_printf(buf, "%s%s", word == f->words ? "" : ", ", *word);
        }
        break;
    case AG_FIELD_LIST:
        ag_buf_add_text(buf, "array");
        add_limit(f, "elements", buf);
        break;
    }
}

/* "records[2].kind: expected one of a, b, got 'c'", with the path as the field to blame. */
static int refuse(const struct spot *at, int code, argo_error **err, const char *got, ...)
    ARGO_PRINTF(4, 5);

static int refuse(const struct spot *at, int code, argo_error **err, const char *got, ...)
{
    ag_auto_buf path = AG_BUF_INIT(ERROR_MAX);
    ag_auto_buf expected = AG_BUF_INIT(ERROR_MAX);
    char got_text[2 * QUOTE_MAX];

    va_list ap;
    va_start(ap, got);
    vsnprintf(got_text, sizeof(got_text), got, ap);
    va_end(ap);
    add_path(at, &path);
    if (at->index != NO_INDEX || ag_field_single(at->field)) {
        ag_buf_add_text(&expected, "object");
    } else {
        add_expected(at->field, &expected);
    }
    return ag_error_field(err, code, ag_buf_text(&path), "%s: expected %s, got %s",
                          ag_buf_text(&path), ag_buf_text(&expected), got_text);
}

static int wrong_type(const struct spot *at, const ag_value *v, argo_error **err)
{
    return refuse(at, ARGO_E_INVALID, err, "%s", ag_value_type_name(v));
}

/* For numbers and texts, which may be shown. */
static int wrong_value(const struct spot *at, int code, const ag_value *v, argo_error **err)
{
    ag_auto_free char *shown = ag_value_display(v);
    if (shown == NULL) {
        return ag_error_nomem(err);
    }
    return refuse(at, code, err, "'%.*s'", (int)ag_utf8_complete(shown, strnlen(shown, QUOTE_MAX)),
                  shown);
}

static bool in_range(const struct ag_field *f, double n)
{
    return (f->min == 0 && f->max == 0) || (n >= (double)f->min && n <= (double)f->max);
}

static bool too_many(const struct ag_field *f, size_t n)
{
    return f->max > 0 && n > (size_t)f->max;
}

static int decode_text(const struct spot *at, const ag_value *v, char **out, argo_error **err)
{
    const char *text = ag_value_as_text(v);
    if (text == NULL) {
        return wrong_type(at, v, err);
    }
    if (at->field->type == AG_FIELD_ID && !ag_id_valid(text)) {
        return wrong_value(at, ARGO_E_ID, v, err);
    }
    if (at->field->type == AG_FIELD_TEXT && too_many(at->field, ag_value_text_len(v))) {
        return refuse(at, ARGO_E_INVALID, err, "%zu", ag_value_text_len(v));
    }
    *out = ag_strdup(text);
    return *out == NULL ? ag_error_nomem(err) : 0;
}

static int decode_int(const struct spot *at, const ag_value *v, int64_t *out, argo_error **err)
{
    const struct ag_field *f = at->field;
    int64_t n = 0;
    if (!ag_value_is_number(v)) {
        return wrong_type(at, v, err);
    }
    if (!ag_value_to_int(v, &n) || ((f->min != 0 || f->max != 0) && (n < f->min || n > f->max))) {
        return wrong_value(at, ARGO_E_INVALID, v, err);
    }
    *out = n;
    return 0;
}

static int decode_real(const struct spot *at, const ag_value *v, double *out, argo_error **err)
{
    if (!ag_value_is_number(v)) {
        return wrong_type(at, v, err);
    }
    if (!in_range(at->field, ag_value_as_real(v))) {
        return wrong_value(at, ARGO_E_INVALID, v, err);
    }
    *out = ag_value_as_real(v);
    return 0;
}

static int decode_duration(const struct spot *at, const ag_value *v, int64_t *out, argo_error **err)
{
    if (!ag_value_is_number(v)) {
        return wrong_type(at, v, err);
    }
    double ms = round(ag_value_as_real(v) * 1000);
    if (ms < 0 || ms > (double)DURATION_MAX_MS || !in_range(at->field, ms)) {
        return wrong_value(at, ARGO_E_INVALID, v, err);
    }
    *out = (int64_t)ms;
    return 0;
}

static int decode_time(const struct spot *at, const ag_value *v, int64_t *out, argo_error **err)
{
    const char *text = ag_value_as_text(v);
    if (text == NULL) {
        return wrong_type(at, v, err);
    }
    if (ag_time_parse(text, at->field->key, out, NULL) != 0) {
        return wrong_value(at, ARGO_E_INVALID, v, err);
    }
    return 0;
}

static int decode_enum(const struct spot *at, const ag_value *v, int *out, argo_error **err)
{
    const char *text = ag_value_as_text(v);
    if (text == NULL) {
        return wrong_type(at, v, err);
    }
    for (int i = 0; at->field->words[i] != NULL; i++) {
        if (strcmp(at->field->words[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    return wrong_value(at, ARGO_E_INVALID, v, err);
}

/* VALUE, OBJECT and ARRAY: a reference, once its type and size are right. */
static int decode_value(const struct spot *at, const ag_value *v, ag_value **out, argo_error **err)
{
    const struct ag_field *f = at->field;
    size_t size = 0;
    if ((f->type == AG_FIELD_OBJECT && !ag_value_is(v, ARGO_TYPE_OBJECT)) ||
        (f->type == AG_FIELD_ARRAY && !ag_value_is(v, ARGO_TYPE_ARRAY))) {
        return wrong_type(at, v, err);
    }
    if (f->type == AG_FIELD_ARRAY) {
        size = ag_value_size(v);
    } else if (f->max > 0) {
        ag_auto_free char *text = ag_value_print(v, &size);
        if (text == NULL) {
            return ag_error_nomem(err);
        }
    }
    if (too_many(f, size)) {
        return refuse(at, ARGO_E_INVALID, err, "%zu", size);
    }
    *out = ag_value_ref(v);
    return 0;
}

static int decode_list(const struct spot *at, const ag_value *v, struct ag_list_of *list,
                       argo_error **err)
{
    const struct ag_record *sub = at->field->sub;
    bool single = ag_field_single(at->field);
    size_t n = single ? 1 : ag_value_size(v);
    if (!single && !ag_value_is(v, ARGO_TYPE_ARRAY)) {
        return wrong_type(at, v, err);
    }
    if (too_many(at->field, n)) {
        return refuse(at, ARGO_E_INVALID, err, "%zu", n);
    }
    if (n == 0) {
        return 0;
    }
    list->items = calloc(n, sub->size);
    if (list->items == NULL) {
        return ag_error_nomem(err);
    }
    /* The count grows with the elements: on failure the caller clears what is there. */
    for (; list->n < n; list->n++) {
        struct spot element = {at->up, at->field, single ? NO_INDEX : list->n};
        const ag_value *item = single ? v : ag_value_at(v, list->n);
        int rc = decode_record(sub, item, (char *)list->items + list->n * sub->size, &element, err);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int decode_field(const struct spot *at, const ag_value *v, void *out, argo_error **err)
{
    switch (at->field->type) {
    case AG_FIELD_TEXT:
    case AG_FIELD_ID:
        return decode_text(at, v, out, err);
    case AG_FIELD_INT:
        return decode_int(at, v, out, err);
    case AG_FIELD_REAL:
        return decode_real(at, v, out, err);
    case AG_FIELD_BOOL:
        if (!ag_value_is(v, ARGO_TYPE_BOOL)) {
            return wrong_type(at, v, err);
        }
        *(bool *)out = ag_value_as_bool(v);
        return 0;
    case AG_FIELD_VALUE:
    case AG_FIELD_OBJECT:
    case AG_FIELD_ARRAY:
        return decode_value(at, v, out, err);
    case AG_FIELD_TIME:
        return decode_time(at, v, out, err);
    case AG_FIELD_DURATION:
        return decode_duration(at, v, out, err);
    case AG_FIELD_ENUM:
        return decode_enum(at, v, out, err);
    case AG_FIELD_LIST:
        return decode_list(at, v, out, err);
    }
    return ag_error_set(err, ARGO_E_INTERNAL, "%s: unknown type of field", at->field->key);
}

static int decode_record(const struct ag_record *rec, const ag_value *object, void *out,
                         const struct spot *up, argo_error **err)
{
    memset(out, 0, rec->size);
    if (!ag_value_is(object, ARGO_TYPE_OBJECT)) {
        return up != NULL ? wrong_type(up, object, err)
                          : ag_error_set(err, ARGO_E_INVALID, "%s: expected object, got %s",
                                         rec->name, ag_value_type_name(object));
    }
    for (size_t i = 0; i < rec->n_fields; i++) {
        const struct ag_field *f = &rec->fields[i];
        struct spot at = {up, f, NO_INDEX};
        const ag_value *v = ag_value_get(object, f->key);
        int rc = 0;
        if (!ag_value_is(v, ARGO_TYPE_NULL)) {
            rc = decode_field(&at, v, (char *)out + f->offset, err);
        } else if ((f->flags & AG_REQUIRED) != 0) {
            rc = refuse(&at, ARGO_E_INVALID, err, "%s", v == NULL ? "nothing" : "null");
        }
        if (rc != 0) {
            ag_record_clear(rec, out);
            return rc;
        }
    }
    return 0;
}

int ag_record_decode(const struct ag_record *rec, const ag_value *object, void *out,
                     argo_error **err)
{
    return decode_record(rec, object, out, NULL, err);
}

static void clear_list(const struct ag_record *sub, struct ag_list_of *list)
{
    for (size_t i = 0; i < list->n; i++) {
        ag_record_clear(sub, (char *)list->items + i * sub->size);
    }
    free(list->items);
}

void ag_record_clear(const struct ag_record *rec, void *in)
{
    for (size_t i = 0; i < rec->n_fields; i++) {
        const struct ag_field *f = &rec->fields[i];
        void *p = (char *)in + f->offset;
        if (f->type == AG_FIELD_TEXT || f->type == AG_FIELD_ID) {
            free(*(char **)p);
        } else if (f->type == AG_FIELD_VALUE || f->type == AG_FIELD_OBJECT ||
                   f->type == AG_FIELD_ARRAY) {
            ag_value_unref(*(ag_value **)p);
        } else if (f->type == AG_FIELD_LIST) {
            clear_list(f->sub, p);
        }
    }
    memset(in, 0, rec->size);
}

int ag_record_copy(const struct ag_record *rec, const void *in, void *out, argo_error **err)
{
    AG_AUTO(ag_value) object = ag_record_encode(rec, in);
    return object != NULL ? ag_record_decode(rec, object, out, err) : ag_error_nomem(err);
}
