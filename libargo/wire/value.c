/*
 * ag_value on jansson: parse, print, build, read, compare, iterate.
 *
 * The only file that sees jansson: an ag_value is a json_t, cast in the two functions below and
 * nowhere else. It adds what jansson lacks (our depth limit with its place, exact and short
 * reals, 1 == 1.0) and knows nothing of records or replies.
 */
#include "wire/value.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"

static json_t *json_of(const ag_value *v)
{
    return (json_t *)(uintptr_t)v;
}

static ag_value *value_of(json_t *json)
{
    return (ag_value *)json;
}

/* jansson seeds its hash with the first object, which is not safe when two threads make one. */
static void seed(void)
{
    json_object_seed(0);
}

static void seed_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, seed);
}

/* jansson stops at 2048 levels only, so the text is scanned before it is parsed; and at a NUL
 * byte it would report the end of the text. Columns count characters, as jansson does. */
static int scan_text(const char *text, size_t len, argo_error **err)
{
    unsigned depth = 0;
    unsigned line = 1;
    unsigned column = 0;
    bool in_string = false;
    bool escaped = false;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        column += (c & 0xC0) != 0x80;
        if (c == '\0') {
            return ag_error_set(err, ARGO_E_JSON, "line %u, column %u: NUL byte", line, column);
        }
        if (c == '\n') {
            line++;
            column = 0;
        }
        if (in_string) {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > AG_JSON_DEPTH) {
                return ag_error_set(err, ARGO_E_JSON,
                                    "line %u, column %u: nested deeper than %d levels", line,
                                    column, AG_JSON_DEPTH);
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

static int parse_failure(const json_error_t *failure, argo_error **err)
{
    enum json_error_code code = json_error_code(failure);
    const char *what = failure->text;
    ag_auto_free char *clean = NULL;

    /* Without memory the parser gives up without a text. */
    if (what[0] == '\0' || code == json_error_out_of_memory) {
        return ag_error_nomem(err);
    }
    if (code == json_error_null_character || code == json_error_null_byte_in_key) {
        what = "\\u0000 is not allowed";
    }
    clean = ag_utf8_sanitise(what, strlen(what), NULL);
    if (clean == NULL) {
        return ag_error_nomem(err);
    }
    /* The text quotes the input: keep it on one line. */
    for (char *p = clean; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            *p = '?';
        }
    }
    return ag_error_set(err, ARGO_E_JSON, "line %d, column %d: %s", failure->line,
                        failure->column < 1 ? 1 : failure->column, clean);
}

int ag_value_parse(const char *text, size_t len, ag_value **out, argo_error **err)
{
    assert(text != NULL || len == 0);
    int rc = scan_text(text, len, err);
    if (rc != 0) {
        return rc;
    }
    seed_once();
    json_error_t failure;
    json_t *json = json_loadb(text == NULL ? "" : text, len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &failure);
    if (json == NULL) {
        return parse_failure(&failure, err);
    }
    *out = value_of(json);
    return 0;
}

int ag_value_parse_object(const char *text, size_t len, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) v = NULL;
    int rc = ag_value_parse(text, len, &v, err);
    if (rc != 0) {
        return rc;
    }
    if (!ag_value_is(v, ARGO_TYPE_OBJECT)) {
        return ag_error_set(err, ARGO_E_INVALID, "expected object, got %s", ag_value_type_name(v));
    }
    *out = ag_take(v);
    return 0;
}

#define DIGITS_NICE  15
#define DIGITS_EXACT 17

/* Whether N is a number of thousandths, as seconds are that were milliseconds: what is nearest to
 * so few decimal digits comes back from them. */
static bool is_thousandths(double n)
{
    double thousandths = nearbyint(n * 1000);
    return fabs(thousandths) < 1e12 && thousandths / 1000 == n;
}

/* How many digits bring every real in V back unchanged: 0.1 prints as 0.1, and none is lost. */
static int digits_needed(const ag_value *v)
{
    int digits = DIGITS_NICE;
    if (ag_value_is(v, ARGO_TYPE_REAL)) {
        double n = ag_value_as_real(v);
        if (is_thousandths(n)) {
            return digits;
        }
        char text[40];
        for (; digits < DIGITS_EXACT; digits++) {
            snprintf(text, sizeof(text), "%.*g", digits, n);
            double back = strtod(text, NULL);
            if (memcmp(&back, &n, sizeof(n)) == 0) {
                break;
            }
        }
        return digits;
    }
    struct ag_value_iter it = {0};
    while (digits < DIGITS_EXACT && ag_value_next(v, &it)) {
        int needed = digits_needed(it.value);
        digits = needed > digits ? needed : digits;
    }
    return digits;
}

static char *print(const ag_value *v, size_t flags, size_t *len)
{
    flags |= JSON_ENCODE_ANY | JSON_REAL_PRECISION((size_t)digits_needed(v));
    char *text = json_dumps(v == NULL ? json_null() : json_of(v), flags);
    if (text != NULL && len != NULL) {
        *len = strlen(text);
    }
    return text;
}

static int add_piece(const char *piece, size_t len, void *user)
{
    return ag_buf_add(user, piece, len) == 0 ? 0 : -1;
}

void ag_value_write(const ag_value *v, struct ag_buf *out)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION((size_t)digits_needed(v));
    if (json_dump_callback(v == NULL ? json_null() : json_of(v), add_piece, out, flags) < 0) {
        ag_buf_fail(out, ARGO_E_NOMEM);
    }
}

char *ag_value_print(const ag_value *v, size_t *len)
{
    return print(v, JSON_COMPACT, len);
}

char *ag_value_print_sorted(const ag_value *v, size_t *len)
{
    return print(v, JSON_COMPACT | JSON_SORT_KEYS, len);
}

char *ag_value_print_indented(const ag_value *v, unsigned indent)
{
    if (indent == 0) {
        return print(v, JSON_COMPACT, NULL);
    }
    return print(v, JSON_INDENT(indent > JSON_MAX_INDENT ? JSON_MAX_INDENT : indent), NULL);
}

char *ag_value_display(const ag_value *v)
{
    const char *text = ag_value_as_text(v);
    return text != NULL ? ag_strdup(text) : ag_value_print(v, NULL);
}

ag_value *ag_value_ref(const ag_value *v)
{
    return value_of(json_incref(json_of(v)));
}

void ag_value_unref(ag_value *v)
{
    json_decref(json_of(v));
}

ag_value *ag_value_copy(const ag_value *v)
{
    return value_of(json_deep_copy(json_of(v)));
}

ag_value *ag_value_null(void)
{
    return value_of(json_null());
}

ag_value *ag_value_bool(bool yes)
{
    return value_of(json_boolean(yes));
}

ag_value *ag_value_int(int64_t n)
{
    return value_of(json_integer(n));
}

ag_value *ag_value_real(double n)
{
    return value_of(json_real(n));
}

ag_value *ag_value_text(const char *text)
{
    return text == NULL ? ag_value_null() : ag_value_text_n(text, strlen(text));
}

/* A NUL counts as not UTF-8: what we print, we must be able to parse. */
ag_value *ag_value_text_n(const char *text, size_t len)
{
    if (memchr(text, '\0', len) != NULL) {
        return NULL;
    }
    return value_of(json_stringn(text, len));
}

ag_value *ag_value_text_sane(const char *text, size_t len)
{
    ag_value *v = ag_value_text_n(text, len);
    if (v != NULL) {
        return v;
    }
    size_t clean_len = 0;
    ag_auto_free char *clean = ag_utf8_sanitise(text, len, &clean_len);
    return clean == NULL ? NULL : ag_value_text_n(clean, clean_len);
}

ag_value *ag_value_array(void)
{
    return value_of(json_array());
}

ag_value *ag_value_object(void)
{
    seed_once();
    return value_of(json_object());
}

enum argo_type ag_value_type(const ag_value *v)
{
    if (v == NULL) {
        return ARGO_TYPE_NULL;
    }
    switch (json_typeof(json_of(v))) {
    case JSON_TRUE:
    case JSON_FALSE:
        return ARGO_TYPE_BOOL;
    case JSON_INTEGER:
        return ARGO_TYPE_INT;
    case JSON_REAL:
        return ARGO_TYPE_REAL;
    case JSON_STRING:
        return ARGO_TYPE_TEXT;
    case JSON_ARRAY:
        return ARGO_TYPE_ARRAY;
    case JSON_OBJECT:
        return ARGO_TYPE_OBJECT;
    case JSON_NULL:
        break;
    }
    return ARGO_TYPE_NULL;
}

const char *ag_value_type_name(const ag_value *v)
{
    static const char *const names[] = {
        [ARGO_TYPE_NULL] = "null",     [ARGO_TYPE_BOOL] = "boolean", [ARGO_TYPE_INT] = "integer",
        [ARGO_TYPE_REAL] = "number",   [ARGO_TYPE_TEXT] = "text",    [ARGO_TYPE_ARRAY] = "array",
        [ARGO_TYPE_OBJECT] = "object",
    };
    return names[ag_value_type(v)];
}

bool ag_value_is(const ag_value *v, enum argo_type type)
{
    return ag_value_type(v) == type;
}

bool ag_value_is_number(const ag_value *v)
{
    return json_is_number(json_of(v));
}

const char *ag_value_as_text(const ag_value *v)
{
    return json_string_value(json_of(v));
}

size_t ag_value_text_len(const ag_value *v)
{
    return json_string_length(json_of(v));
}

/* Whether N is a whole number that fits; 2^63 itself does not. */
static bool real_to_int(double n, int64_t *out)
{
    if (!(n >= -0x1p63 && n < 0x1p63) || trunc(n) < n || trunc(n) > n) {
        return false;
    }
    *out = (int64_t)n;
    return true;
}

bool ag_value_to_int(const ag_value *v, int64_t *out)
{
    if (ag_value_is(v, ARGO_TYPE_INT)) {
        *out = json_integer_value(json_of(v));
        return true;
    }
    return ag_value_is(v, ARGO_TYPE_REAL) && real_to_int(json_real_value(json_of(v)), out);
}

int64_t ag_value_as_int(const ag_value *v)
{
    int64_t n = 0;
    (void)ag_value_to_int(v, &n);
    return n;
}

double ag_value_as_real(const ag_value *v)
{
    return json_number_value(json_of(v));
}

bool ag_value_as_bool(const ag_value *v)
{
    return json_is_true(json_of(v));
}

size_t ag_value_size(const ag_value *v)
{
    /* Each of the two is 0 for a value of another type. */
    return json_array_size(json_of(v)) + json_object_size(json_of(v));
}

ag_value *ag_value_get(const ag_value *object, const char *key)
{
    return value_of(json_object_get(json_of(object), key));
}

ag_value *ag_value_get_n(const ag_value *object, const char *key, size_t len)
{
    return value_of(json_object_getn(json_of(object), key, len));
}

ag_value *ag_value_at(const ag_value *array, size_t index)
{
    return value_of(json_array_get(json_of(array), index));
}

/* PARENT or CHILD NULL: a constructor before us had no memory. */
static int adopt_check(const ag_value *parent, enum argo_type type, ag_value *child)
{
    int rc = 0;
    if (parent == NULL || child == NULL) {
        rc = ARGO_E_NOMEM;
    } else if (!ag_value_is(parent, type) || parent == child) {
        rc = ARGO_E_INVALID;
    }
    if (rc != 0) {
        ag_value_unref(child);
    }
    return rc;
}

int ag_value_set(ag_value *object, const char *key, ag_value *child)
{
    int rc = adopt_check(object, ARGO_TYPE_OBJECT, child);
    if (rc != 0) {
        return rc;
    }
    if (!ag_utf8_valid(key, strlen(key))) {
        ag_value_unref(child);
        return ARGO_E_INVALID;
    }
    return json_object_set_new_nocheck(json_of(object), key, json_of(child)) == 0 ? 0
                                                                                  : ARGO_E_NOMEM;
}

int ag_value_append(ag_value *array, ag_value *child)
{
    int rc = adopt_check(array, ARGO_TYPE_ARRAY, child);
    if (rc != 0) {
        return rc;
    }
    return json_array_append_new(json_of(array), json_of(child)) == 0 ? 0 : ARGO_E_NOMEM;
}

bool ag_value_remove(ag_value *object, const char *key)
{
    return json_object_del(json_of(object), key) == 0;
}

const char *ag_value_get_text(const ag_value *object, const char *key, const char *fallback)
{
    const char *text = ag_value_as_text(ag_value_get(object, key));
    return text != NULL ? text : fallback;
}

int64_t ag_value_get_int(const ag_value *object, const char *key, int64_t fallback)
{
    int64_t n = 0;
    return ag_value_to_int(ag_value_get(object, key), &n) ? n : fallback;
}

double ag_value_get_real(const ag_value *object, const char *key, double fallback)
{
    const ag_value *v = ag_value_get(object, key);
    return ag_value_is_number(v) ? ag_value_as_real(v) : fallback;
}

bool ag_value_get_bool(const ag_value *object, const char *key, bool fallback)
{
    const ag_value *v = ag_value_get(object, key);
    return ag_value_is(v, ARGO_TYPE_BOOL) ? ag_value_as_bool(v) : fallback;
}

bool ag_value_next(const ag_value *v, struct ag_value_iter *it)
{
    json_t *json = json_of(v);
    it->index = it->started ? it->index + 1 : 0;
    if (json_is_object(json)) {
        it->position =
            it->started ? json_object_iter_next(json, it->position) : json_object_iter(json);
        it->key = it->position == NULL ? NULL : json_object_iter_key(it->position);
        it->value = it->position == NULL ? NULL : value_of(json_object_iter_value(it->position));
    } else {
        it->value = value_of(json_array_get(json, it->index));
    }
    it->started = true;
    return it->value != NULL;
}

static bool numbers_equal(const ag_value *a, const ag_value *b)
{
    int64_t x = 0;
    int64_t y = 0;
    bool whole = ag_value_to_int(a, &x);
    if (whole != ag_value_to_int(b, &y)) {
        return false;
    }
    /* Two numbers that are not both 64-bit integers are both reals. */
    double p = ag_value_as_real(a);
    double q = ag_value_as_real(b);
    return whole ? x == y : !(p < q) && !(p > q);
}

bool ag_value_equal(const ag_value *a, const ag_value *b)
{
    if (ag_value_is_number(a) && ag_value_is_number(b)) {
        return numbers_equal(a, b);
    }
    enum argo_type type = ag_value_type(a);
    if (type != ag_value_type(b) || ag_value_size(a) != ag_value_size(b)) {
        return false;
    }
    if (type == ARGO_TYPE_TEXT) {
        return strcmp(ag_value_as_text(a), ag_value_as_text(b)) == 0;
    }
    if (type == ARGO_TYPE_BOOL) {
        return ag_value_as_bool(a) == ag_value_as_bool(b);
    }
    struct ag_value_iter it = {0};
    while (ag_value_next(a, &it)) {
        const ag_value *other = it.key != NULL ? ag_value_get(b, it.key) : ag_value_at(b, it.index);
        if (other == NULL || !ag_value_equal(it.value, other)) {
            return false;
        }
    }
    return true;
}
