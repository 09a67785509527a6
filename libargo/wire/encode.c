/*
 * Records -> JSON by the tables of field.h: as a tree, or as text without one.
 *
 * A reply that is printed once and thrown away needs no tree. What both ways say is the same, byte
 * for byte; only members that are plain are said twice here, the others are printed from the tree.
 */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "wire/field.h"
#include "wire/json.h"

static ag_value *encode_text(const char *text)
{
    return text == NULL ? ag_value_null() : ag_value_text_sane(text, strlen(text));
}

static ag_value *encode_time(int64_t ms)
{
    char text[AG_TIME_SIZE];
    return ms != 0 ? ag_value_text(ag_time_format(ms, text)) : ag_value_null();
}

static ag_value *encode_list(const struct ag_field *f, const struct ag_list_of *list)
{
    const struct ag_record *sub = f->sub;
    if (ag_field_single(f)) {
        return list->n == 0 ? ag_value_null() : ag_record_encode(sub, list->items);
    }
    AG_AUTO(ag_value) array = ag_value_array();
    for (size_t i = 0; i < list->n; i++) {
        const char *item = (const char *)list->items + i * sub->size;
        if (ag_value_append(array, ag_record_encode(sub, item)) != 0) {
            return NULL;
        }
    }
    return ag_take(array);
}

/* JSON has no infinities: a real that is not finite becomes null. */
static ag_value *encode_real(double n)
{
    return isfinite(n) ? ag_value_real(n) : ag_value_null();
}

static ag_value *encode_field(const struct ag_field *f, const void *in)
{
    const ag_value *value;
    int64_t ms;

    switch (f->type) {
    case AG_FIELD_TEXT:
    case AG_FIELD_ID:
        return encode_text(*(char *const *)in);
    case AG_FIELD_INT:
        return ag_value_int(*(const int64_t *)in);
    case AG_FIELD_REAL:
        return encode_real(*(const double *)in);
    case AG_FIELD_BOOL:
        return ag_value_bool(*(const bool *)in);
    case AG_FIELD_VALUE:
    case AG_FIELD_OBJECT:
    case AG_FIELD_ARRAY:
        value = *(ag_value *const *)in;
        return value == NULL ? ag_value_null() : ag_value_ref(value);
    case AG_FIELD_TIME:
        return encode_time(*(const int64_t *)in);
    case AG_FIELD_DURATION:
        ms = *(const int64_t *)in;
        return ms % 1000 == 0 ? ag_value_int(ms / 1000) : ag_value_real((double)ms / 1000);
    case AG_FIELD_ENUM:
        return ag_value_text(f->words[*(const int *)in]);
    case AG_FIELD_LIST:
        return encode_list(f, in);
    }
    return NULL;
}

static bool is_empty(const struct ag_field *f, const void *in)
{
    switch (f->type) {
    case AG_FIELD_TEXT:
    case AG_FIELD_ID:
        return *(char *const *)in == NULL;
    case AG_FIELD_VALUE:
    case AG_FIELD_OBJECT:
    case AG_FIELD_ARRAY:
        return *(ag_value *const *)in == NULL;
    case AG_FIELD_INT:
    case AG_FIELD_TIME:
    case AG_FIELD_DURATION:
        return *(const int64_t *)in == 0;
    case AG_FIELD_REAL:
        return fpclassify(*(const double *)in) == FP_ZERO;
    case AG_FIELD_BOOL:
        return !*(const bool *)in;
    case AG_FIELD_ENUM:
        return *(const int *)in == 0;
    case AG_FIELD_LIST:
        return ((const struct ag_list_of *)in)->n == 0;
    }
    return true;
}

int ag_record_encode_into(const struct ag_record *rec, const void *in, ag_value *object)
{
    for (size_t i = 0; i < rec->n_fields; i++) {
        const struct ag_field *f = &rec->fields[i];
        const char *p = (const char *)in + f->offset;
        if ((f->flags & AG_OMIT_EMPTY) != 0 && is_empty(f, p)) {
            continue;
        }
        int rc = ag_value_set(object, f->key, encode_field(f, p));
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

ag_value *ag_record_encode(const struct ag_record *rec, const void *in)
{
    AG_AUTO(ag_value) object = ag_value_object();
    return ag_record_encode_into(rec, in, object) == 0 ? ag_take(object) : NULL;
}

static void write_list(const struct ag_field *f, const struct ag_list_of *list, struct ag_buf *out)
{
    if (ag_field_single(f)) {
        if (list->n == 0) {
            ag_json_value(out, NULL);
        } else {
            ag_record_write(f->sub, list->items, out);
        }
        return;
    }
    ag_json_open(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        ag_record_write(f->sub, (const char *)list->items + i * f->sub->size, out);
    }
    ag_json_close(out, ']');
}

static void write_field(const struct ag_field *f, const void *in, struct ag_buf *out)
{
    char time[AG_TIME_SIZE];
    switch (f->type) {
    case AG_FIELD_TEXT:
    case AG_FIELD_ID:
        ag_json_text(out, *(char *const *)in);
        break;
    case AG_FIELD_INT:
        ag_json_int(out, *(const int64_t *)in);
        break;
    case AG_FIELD_BOOL:
        ag_json_bool(out, *(const bool *)in);
        break;
    case AG_FIELD_TIME:
        ag_json_text(out,
                     *(const int64_t *)in != 0 ? ag_time_format(*(const int64_t *)in, time) : NULL);
        break;
    case AG_FIELD_ENUM:
        ag_json_text(out, f->words[*(const int *)in]);
        break;
    case AG_FIELD_LIST:
        write_list(f, in, out);
        break;
    case AG_FIELD_VALUE:
    case AG_FIELD_OBJECT:
    case AG_FIELD_ARRAY:
        ag_json_value(out, *(ag_value *const *)in);
        break;
    case AG_FIELD_REAL:
    case AG_FIELD_DURATION: {
        AG_AUTO(ag_value) number = encode_field(f, in);
        ag_json_value(out, number);
        break;
    }
    }
}

void ag_record_write_members(const struct ag_record *rec, const void *in, struct ag_buf *out)
{
    for (size_t i = 0; i < rec->n_fields; i++) {
        const struct ag_field *f = &rec->fields[i];
        const char *p = (const char *)in + f->offset;
        if ((f->flags & AG_OMIT_EMPTY) == 0 || !is_empty(f, p)) {
            ag_json_key(out, f->key);
            write_field(f, p, out);
        }
    }
}

void ag_record_write(const struct ag_record *rec, const void *in, struct ag_buf *out)
{
    ag_json_open(out, '{');
    ag_record_write_members(rec, in, out);
    ag_json_close(out, '}');
}
