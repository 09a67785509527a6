/*
 * A JSON value, for programs that would otherwise need a JSON library of their own.
 *
 * The rest of the public API passes JSON as UTF-8 text; this parses and builds such text.
 * Numbers are 64-bit integers or doubles. Object members keep their order.
 *
 * Ownership: argo_value_parse and argo_value_new_* give the caller a value that
 * argo_value_free releases. Getters return borrowed values, valid as long as the root lives.
 * Thread-safety: a value and everything in it belong to one thread at a time.
 * Nothing here blocks.
 */
#ifndef ARGO_VALUE_H
#define ARGO_VALUE_H

#include <argo/error.h>

ARGO_BEGIN_DECLS

typedef struct argo_value argo_value;

enum argo_type {
    ARGO_TYPE_NULL = 0,
    ARGO_TYPE_BOOL = 1,
    ARGO_TYPE_INT = 2,
    ARGO_TYPE_REAL = 3,
    ARGO_TYPE_TEXT = 4,
    ARGO_TYPE_ARRAY = 5,
    ARGO_TYPE_OBJECT = 6
};

/* Parses LEN bytes of JSON (any value). Duplicate keys, depth above 64 and invalid UTF-8 are
 * errors with their line and column. Errors: ARGO_E_JSON, ARGO_E_NOMEM. Since: 0.1 */
ARGO_PUBLIC int argo_value_parse(const char *text, size_t len, argo_value **out, argo_error **err);
ARGO_PUBLIC void argo_value_free(argo_value *value);

/* The compact JSON text, NUL-terminated; INDENT spaces per level if not 0. The caller frees it
 * with free(). NULL without memory. Since: 0.1 */
ARGO_PUBLIC char *argo_value_print(const argo_value *value, unsigned indent);

/* Readers take NULL for VALUE and then return the fallback. Since: 0.1 */
ARGO_PUBLIC enum argo_type argo_value_type(const argo_value *value); /* NULL: ARGO_TYPE_NULL */
ARGO_PUBLIC size_t argo_value_size(const argo_value *value); /* of an array or object, else 0 */
ARGO_PUBLIC const argo_value *argo_value_at(const argo_value *array, size_t index);
ARGO_PUBLIC const char *argo_value_key_at(const argo_value *object, size_t index);
ARGO_PUBLIC const argo_value *argo_value_value_at(const argo_value *object, size_t index);
/* PATH is a dotted path: "data.records"; array elements by number: "steps.0.step". NULL: the
 * value itself. */
ARGO_PUBLIC const argo_value *argo_value_get(const argo_value *object, const char *path);
ARGO_PUBLIC const char *argo_value_text(const argo_value *value, const char *path,
                                        const char *fallback);
ARGO_PUBLIC int64_t argo_value_int(const argo_value *value, const char *path, int64_t fallback);
ARGO_PUBLIC double argo_value_real(const argo_value *value, const char *path, double fallback);
ARGO_PUBLIC bool argo_value_bool(const argo_value *value, const char *path, bool fallback);

/* Builders: NULL without memory. Since: 0.1 */
ARGO_PUBLIC argo_value *argo_value_new_object(void);
ARGO_PUBLIC argo_value *argo_value_new_array(void);
/* Setters copy their input; KEY NULL appends to an array. 0, ARGO_E_INVALID (not UTF-8, wrong
 * kind of parent) or ARGO_E_NOMEM. Since: 0.1 */
ARGO_PUBLIC int argo_value_set_text(argo_value *parent, const char *key, const char *text);
ARGO_PUBLIC int argo_value_set_int(argo_value *parent, const char *key, int64_t number);
ARGO_PUBLIC int argo_value_set_real(argo_value *parent, const char *key, double number);
ARGO_PUBLIC int argo_value_set_bool(argo_value *parent, const char *key, bool yes);
ARGO_PUBLIC int argo_value_set_null(argo_value *parent, const char *key);
ARGO_PUBLIC int argo_value_set_value(argo_value *parent, const char *key, const argo_value *value);

ARGO_END_DECLS

#endif
