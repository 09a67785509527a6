/*
 * JSON values. The only way to JSON above this layer; jansson stays in wire/.
 *
 * Reference-counted. Constructors return NULL only without memory (or, for text, when it is not
 * UTF-8: sanitise first). A value that has been put into a parent may not be changed through
 * another parent: values are shared, copy before you change (ag_value_copy).
 * Reference counts are not atomic: a value and everything in it belong to one thread at a time.
 */
#ifndef AG_WIRE_VALUE_H
#define AG_WIRE_VALUE_H

#include <argo/value.h>

#include "base/buf.h"

typedef struct argo_value ag_value;

#define AG_JSON_DEPTH 64

/* ag_value_parse refuses more than AG_JSON_DEPTH levels, duplicate keys and invalid UTF-8.
 * The details give line and column. */
int ag_value_parse(const char *text, size_t len, ag_value **out, argo_error **err);
/* As above, and must be an object. */
int ag_value_parse_object(const char *text, size_t len, ag_value **out, argo_error **err);
/* Compact, members in their order; SORTED for hashing. Caller frees; NULL without memory. */
char *ag_value_print(const ag_value *v, size_t *len);
void ag_value_write(const ag_value *v, struct ag_buf *out); /* the same, added to OUT */
char *ag_value_print_sorted(const ag_value *v, size_t *len);
char *ag_value_print_indented(const ag_value *v, unsigned indent);

ag_value *ag_value_ref(const ag_value *v); /* NULL for NULL */
void ag_value_unref(ag_value *v);
ag_value *ag_value_copy(const ag_value *v);                /* deep */
bool ag_value_equal(const ag_value *a, const ag_value *b); /* 1 equals 1.0 */

ag_value *ag_value_null(void);
ag_value *ag_value_bool(bool yes);
ag_value *ag_value_int(int64_t n);
ag_value *ag_value_real(double n);         /* NULL for NaN and infinities too */
ag_value *ag_value_text(const char *text); /* NULL gives a JSON null */
ag_value *ag_value_text_n(const char *text, size_t len);
/* Never NULL but for memory: invalid bytes become U+FFFD. */
ag_value *ag_value_text_sane(const char *text, size_t len);
ag_value *ag_value_array(void);
ag_value *ag_value_object(void);

enum argo_type ag_value_type(const ag_value *v);   /* NULL counts as null */
const char *ag_value_type_name(const ag_value *v); /* "object", "text"... for error texts */
bool ag_value_is(const ag_value *v, enum argo_type type);
bool ag_value_is_number(const ag_value *v);
const char *ag_value_as_text(const ag_value *v); /* NULL unless text */
size_t ag_value_text_len(const ag_value *v);
int64_t ag_value_as_int(const ag_value *v); /* 0 unless int, or a real with an integral value */
bool ag_value_to_int(const ag_value *v, int64_t *out); /* the same; false when it is none */
double ag_value_as_real(const ag_value *v);            /* 0 unless a number */
bool ag_value_as_bool(const ag_value *v);              /* false unless true */

size_t ag_value_size(const ag_value *v); /* members or elements; 0 for everything else */
ag_value *ag_value_get(const ag_value *object, const char *key); /* borrowed or NULL */
ag_value *ag_value_get_n(const ag_value *object, const char *key, size_t len);
ag_value *ag_value_at(const ag_value *array, size_t index); /* borrowed or NULL */
/* Setters and append take over CHILD, also when they fail; NULL as CHILD is a failure
 * (ARGO_E_NOMEM), so constructors can be nested. */
int ag_value_set(ag_value *object, const char *key, ag_value *child);
int ag_value_append(ag_value *array, ag_value *child);
bool ag_value_remove(ag_value *object, const char *key);

/* Getters with fallback, one member deep. */
const char *ag_value_get_text(const ag_value *object, const char *key, const char *fallback);
int64_t ag_value_get_int(const ag_value *object, const char *key, int64_t fallback);
double ag_value_get_real(const ag_value *object, const char *key, double fallback);
bool ag_value_get_bool(const ag_value *object, const char *key, bool fallback);

/* Iteration in member order: struct ag_value_iter it = {0}; while (ag_value_next(v, &it)). */
struct ag_value_iter {
    void *position;
    const char *key; /* NULL in an array */
    size_t index;
    ag_value *value; /* borrowed */
    bool started;
};

bool ag_value_next(const ag_value *v, struct ag_value_iter *it);

/* Dotted paths: "a.b.0.c". Get: NULL when any part is missing. Set creates missing objects
 * (a part that is there and is no object is ARGO_E_INVALID) and takes over CHILD always.
 * A set changes nodes in place: ROOT must not be shared with another owner. */
ag_value *ag_value_path_get(const ag_value *root, const char *path);
int ag_value_path_set(ag_value *root, const char *path, ag_value *child, argo_error **err);
/* [A-Za-z_][A-Za-z0-9_]* parts separated by dots; at most 256 bytes. */
bool ag_value_path_valid(const char *path);

/* How the template language prints a value: text as it is, everything else as compact JSON. */
char *ag_value_display(const ag_value *v);

AG_DEFINE_AUTO(ag_value, ag_value_unref)

#endif
