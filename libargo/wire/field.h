/*
 * Records <-> JSON by declarative tables. One table per record names its keys once; decoding
 * reports the first field that is wrong as ARGO_E_INVALID with `field` set ("records[2].kind")
 * and details that say what was expected. Unknown keys are ignored (new clients, old daemon).
 *
 * MAX 0 is no limit for sizes; MIN and MAX both 0 is no range for numbers. Durations are never
 * negative; their limits are milliseconds.
 */
#ifndef AG_WIRE_FIELD_H
#define AG_WIRE_FIELD_H

#include "base/buf.h"
#include "wire/value.h"

enum ag_field_type {
    AG_FIELD_TEXT,     /* char *, owned copy; MAX bytes */
    AG_FIELD_ID,       /* char *, an id (ARGO_E_ID) */
    AG_FIELD_INT,      /* int64_t within [min, max] */
    AG_FIELD_REAL,     /* double within [min, max] */
    AG_FIELD_BOOL,     /* bool */
    AG_FIELD_VALUE,    /* ag_value *, a reference to any JSON; MAX bytes when printed, 0 = any */
    AG_FIELD_OBJECT,   /* ag_value *, must be an object; MAX as for VALUE */
    AG_FIELD_ARRAY,    /* ag_value *, must be an array of at most MAX elements */
    AG_FIELD_TIME,     /* int64_t ms, RFC 3339 on the wire; 0 = absent, null */
    AG_FIELD_DURATION, /* int64_t ms, seconds with fractions on the wire */
    AG_FIELD_ENUM,     /* int, index into WORDS (NULL-terminated) */
    AG_FIELD_LIST      /* struct ag_list_of: records by SUB, at most MAX; with min -1 it is one
                          optional object on the wire (n 0 or 1), not an array */
};

enum ag_field_flags {
    AG_REQUIRED = 1,  /* decoding: must be there and not null */
    AG_OMIT_EMPTY = 2 /* encoding: left out when NULL, 0 or false; else null / 0 / false */
};

struct ag_field {
    const char *key;
    enum ag_field_type type;
    size_t offset;
    unsigned flags;
    int64_t min, max;
    const char *const *words;
    const struct ag_record *sub;
};

struct ag_record {
    const char *name; /* for error texts: "start request" */
    size_t size;      /* sizeof the struct */
    const struct ag_field *fields;
    size_t n_fields;
    const char *plural; /* the key of a list of them in a reply, or NULL */
};

/* A LIST with min -1 is one optional object on the wire. */
static inline bool ag_field_single(const struct ag_field *f)
{
    return f->type == AG_FIELD_LIST && f->min == -1;
}

/* A decoded list: N structs of the sub-record, one allocation. */
struct ag_list_of {
    void *items;
    size_t n;
};

/* Decodes OBJECT into OUT (a struct of rec->size bytes, which need not be initialised, fields
 * that are absent or null stay 0/NULL). On failure OUT is all zero. */
int ag_record_decode(const struct ag_record *rec, const ag_value *object, void *out,
                     argo_error **err);
/* OUT becomes a copy of IN, as far as the record's fields go; the rest of it is zero. */
int ag_record_copy(const struct ag_record *rec, const void *in, void *out, argo_error **err);
/* Frees what decode allocated and zeroes the struct. */
void ag_record_clear(const struct ag_record *rec, void *in);
/* A new object with the record's fields in table order; NULL without memory. */
ag_value *ag_record_encode(const struct ag_record *rec, const void *in);
/* Adds the fields to an object that exists. */
int ag_record_encode_into(const struct ag_record *rec, const void *in, ag_value *object);
/* The same as text, into a buffer of JSON (json.h), without a tree between. */
void ag_record_write(const struct ag_record *rec, const void *in, struct ag_buf *out);
void ag_record_write_members(const struct ag_record *rec, const void *in, struct ag_buf *out);

#endif
