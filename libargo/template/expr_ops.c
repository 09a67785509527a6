/*
 * What the operators do with two values. No state, no names, no positions: the machine adds the
 * place to a message.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "template/program.h"
#include "wire/records.h"

int ag_expr_result(ag_value *v, ag_value **out, argo_error **err)
{
    if (v == NULL) {
        return ag_error_nomem(err);
    }
    *out = v;
    return 0;
}

/* ---- operands ------------------------------------------------------------------------------ */

struct number {
    bool real;
    int64_t i; /* unless real */
    double d;
};

/* Whether V is a number, or a text that is one in JSON's spelling ("007" is not). An integer
 * that needs more than 64 bits stays a text: two long ids must not be equal by rounding. */
static bool numeric(const ag_value *v, struct number *out)
{
    AG_AUTO(ag_value) parsed = NULL;
    const char *text = ag_value_as_text(v);
    if (text != NULL) {
        size_t len = ag_value_text_len(v);
        bool plain = len > 0 && len <= 64 && strspn(text, "0123456789.eE+-") == len;
        if (!plain || ag_value_parse(text, len, &parsed, NULL) < 0) {
            return false;
        }
        v = parsed;
    }
    *out = (struct number){.real = ag_value_is(v, ARGO_TYPE_REAL), .d = ag_value_as_real(v)};
    if (!out->real) {
        out->i = ag_value_as_int(v);
    }
    return ag_value_is_number(v);
}

/* What V is as text. Numbers and booleans are printed. */
struct text {
    const char *data;
    size_t len;
    char *owned;
};

static inline void text_clear(struct text *t)
{
    free(t->owned);
}

#define AUTO_TEXT __attribute__((cleanup(text_clear))) struct text

static int text_of(const ag_value *v, struct text *out, argo_error **err)
{
    if (ag_value_is(v, ARGO_TYPE_TEXT)) {
        out->data = ag_value_as_text(v);
        out->len = ag_value_text_len(v);
        return 0;
    }
    out->owned = ag_value_display(v);
    if (out->owned == NULL) {
        return ag_error_nomem(err);
    }
    out->data = out->owned;
    out->len = strlen(out->owned);
    return 0;
}

static bool is_text_like(const ag_value *v)
{
    return ag_value_is(v, ARGO_TYPE_TEXT) || ag_value_is_number(v);
}

static bool is_scalar(const ag_value *v)
{
    return is_text_like(v) || ag_value_is(v, ARGO_TYPE_BOOL);
}

static int wrong_types(const struct ag_op *op, const ag_value *a, const ag_value *b,
                       const char *expected, argo_error **err)
{
    return ag_error_set(err, ARGO_E_INVALID, "'%s' expected %s, got %s and %s",
                        ag_operator_text(op->code), expected, ag_value_type_name(a),
                        ag_value_type_name(b));
}

/* ---- comparing ----------------------------------------------------------------------------- */

/* A long double holds every int64_t and every double, so an integer near 2^63 is not rounded. */
static int order_of_numbers(const struct number *a, const struct number *b)
{
    long double x = a->real ? (long double)a->d : (long double)a->i;
    long double y = b->real ? (long double)b->d : (long double)b->i;
    return (x > y) - (x < y);
}

/* *ORDER below, at or above 0. */
static int order_of(const ag_value *a, const ag_value *b, int *order, argo_error **err)
{
    struct number x, y;
    if (numeric(a, &x) && numeric(b, &y)) {
        *order = order_of_numbers(&x, &y);
        return 0;
    }
    AUTO_TEXT s = {0};
    AUTO_TEXT t = {0};
    if (text_of(a, &s, err) < 0 || text_of(b, &t, err) < 0) {
        return ARGO_E_NOMEM;
    }
    int common = memcmp(s.data, t.data, s.len < t.len ? s.len : t.len);
    *order = common != 0 ? common : (s.len > t.len) - (s.len < t.len);
    return 0;
}

static int equal(const ag_value *a, const ag_value *b, bool *out, argo_error **err)
{
    if (!is_scalar(a) || !is_scalar(b)) {
        *out = ag_value_equal(a, b);
        return 0;
    }
    int order = 0;
    int rc = order_of(a, b, &order, err);
    *out = order == 0;
    return rc;
}

static int compare(const struct ag_op *op, const ag_value *a, const ag_value *b, bool *out,
                   argo_error **err)
{
    bool equality = op->code == AG_OP_EQ || op->code == AG_OP_NE;
    if (equality) {
        int rc = equal(a, b, out, err);
        *out = *out == (op->code == AG_OP_EQ);
        return rc;
    }
    if (!is_text_like(a) || !is_text_like(b)) {
        return wrong_types(op, a, b, "numbers or text", err);
    }
    int order = 0;
    int rc = order_of(a, b, &order, err);
    bool or_equal = op->code == AG_OP_LE || op->code == AG_OP_GE;
    bool less = op->code == AG_OP_LT || op->code == AG_OP_LE;
    *out = (order == 0 && or_equal) || (less ? order < 0 : order > 0);
    return rc;
}

/* ---- searching ----------------------------------------------------------------------------- */

static int contains(const struct ag_op *op, const ag_value *box, const ag_value *item, bool *out,
                    argo_error **err)
{
    if (ag_value_is(box, ARGO_TYPE_ARRAY)) {
        int rc = 0;
        struct ag_value_iter it = {0};
        while (rc == 0 && !*out && ag_value_next(box, &it)) {
            rc = equal(it.value, item, out, err);
        }
        return rc;
    }
    if (ag_value_is(box, ARGO_TYPE_NULL) || ag_value_is(item, ARGO_TYPE_NULL)) {
        return 0;
    }
    bool object = ag_value_is(box, ARGO_TYPE_OBJECT);
    if (!is_text_like(item) || (!object && !ag_value_is(box, ARGO_TYPE_TEXT))) {
        bool in = op->code == AG_OP_IN;
        return wrong_types(op, in ? item : box, in ? box : item,
                           in ? "anything in an array, or text in an object or a text"
                              : "an array and anything, or an object or a text and text",
                           err);
    }
    AUTO_TEXT needle = {0};
    int rc = text_of(item, &needle, err);
    if (rc == 0) {
        *out = object ? ag_value_get(box, needle.data) != NULL
                      : memmem(ag_value_as_text(box), ag_value_text_len(box), needle.data,
                               needle.len) != NULL;
    }
    return rc;
}

static int affix(const struct ag_op *op, const struct text *s, const struct text *t, bool *out)
{
    if (t->len <= s->len) {
        size_t at = op->code == AG_OP_STARTS_WITH ? 0 : s->len - t->len;
        *out = memcmp(s->data + at, t->data, t->len) == 0;
    }
    return 0;
}

/* starts_with, ends_with, matches: texts, or numbers as they are printed; null fits nothing. */
static int fits(const struct ag_op *op, const ag_value *a, const ag_value *b, int64_t *steps,
                bool *out, argo_error **err)
{
    bool null_a = ag_value_is(a, ARGO_TYPE_NULL);
    bool null_b = op->regex == NULL && ag_value_is(b, ARGO_TYPE_NULL);
    bool text_b = op->regex != NULL || null_b || is_text_like(b);
    if ((!null_a && !is_text_like(a)) || !text_b) {
        return op->regex == NULL
                   ? wrong_types(op, a, b, "text and text", err)
                   : ag_error_set(err, ARGO_E_INVALID, "'matches' expected text, got %s",
                                  ag_value_type_name(a));
    }
    if (null_a || null_b) {
        return 0;
    }
    AUTO_TEXT s = {0};
    AUTO_TEXT t = {0};
    if (text_of(a, &s, err) < 0 || (b != NULL && text_of(b, &t, err) < 0)) {
        return ARGO_E_NOMEM;
    }
    if (op->code != AG_OP_MATCHES) {
        return affix(op, &s, &t, out);
    }
    AG_AUTO(ag_regex) compiled = NULL;
    int rc = op->regex != NULL ? 0 : ag_regex_compile(t.data, &compiled, err);
    const ag_regex *regex = op->regex != NULL ? op->regex : compiled;
    return rc < 0 ? rc : ag_regex_test(regex, s.data, s.len, steps, out, err);
}

/* ---- arithmetic ---------------------------------------------------------------------------- */

static int real_result(const struct ag_op *op, double d, ag_value **out, argo_error **err)
{
    if (!isfinite(d)) {
        return ag_error_set(err, ARGO_E_INVALID, "the result of '%s' is out of range",
                            ag_operator_text(op->code));
    }
    return ag_expr_result(ag_value_real(d), out, err);
}

/* Whether the result is an integer that 64 bits hold; the divisor is not 0. */
static bool integer_result(enum ag_op_code code, int64_t a, int64_t b, int64_t *out)
{
    *out = 0;
    if (code == AG_OP_ADD) {
        return !__builtin_add_overflow(a, b, out);
    }
    if (code == AG_OP_SUB) {
        return !__builtin_sub_overflow(a, b, out);
    }
    if (code == AG_OP_MUL) {
        return !__builtin_mul_overflow(a, b, out);
    }
    if (b == -1) { /* INT64_MIN / -1 overflows, and traps */
        return code == AG_OP_MOD || !__builtin_sub_overflow(0, a, out);
    }
    *out = code == AG_OP_MOD ? a % b : a / b;
    return code == AG_OP_MOD || a % b == 0;
}

static double real_of(enum ag_op_code code, double a, double b)
{
    if (code == AG_OP_ADD) {
        return a + b;
    }
    if (code == AG_OP_SUB) {
        return a - b;
    }
    if (code == AG_OP_MUL) {
        return a * b;
    }
    return code == AG_OP_DIV ? a / b : fmod(a, b);
}

static int concatenate(const ag_value *a, const ag_value *b, ag_value **out, argo_error **err)
{
    AUTO_TEXT s = {0};
    AUTO_TEXT t = {0};
    if (text_of(a, &s, err) < 0 || text_of(b, &t, err) < 0) {
        return ARGO_E_NOMEM;
    }
    ag_auto_buf joined = AG_BUF_INIT(AG_MAX_VALUE);
    ag_buf_add(&joined, s.data, s.len);
    ag_buf_add(&joined, t.data, t.len);
    int rc = ag_buf_check(&joined, "the result of '+'", err);
    return rc < 0 ? rc
                  : ag_expr_result(ag_value_text_n(ag_buf_text(&joined), joined.len), out, err);
}

static int calculate(const struct ag_op *op, const ag_value *a, const ag_value *b, ag_value **out,
                     argo_error **err)
{
    struct number x, y;
    if (!numeric(a, &x) || !numeric(b, &y)) {
        bool text = ag_value_is(a, ARGO_TYPE_TEXT) || ag_value_is(b, ARGO_TYPE_TEXT);
        if (op->code == AG_OP_ADD && text && is_scalar(a) && is_scalar(b)) {
            return concatenate(a, b, out, err);
        }
        return wrong_types(op, a, b, op->code == AG_OP_ADD ? "numbers or text" : "numbers", err);
    }
    bool divides = op->code == AG_OP_DIV || op->code == AG_OP_MOD;
    if (divides && fpclassify(y.d) == FP_ZERO) {
        return ag_error_set(err, ARGO_E_INVALID, "'%s' by zero", ag_operator_text(op->code));
    }
    int64_t i = 0;
    if (!x.real && !y.real && integer_result(op->code, x.i, y.i, &i)) {
        return ag_expr_result(ag_value_int(i), out, err);
    }
    return real_result(op, real_of(op->code, x.d, y.d), out, err);
}

int ag_expr_negate(const ag_value *v, ag_value **out, argo_error **err)
{
    struct number n;
    if (!numeric(v, &n)) {
        return ag_error_set(err, ARGO_E_INVALID, "'-' expected a number, got %s",
                            ag_value_type_name(v));
    }
    bool fits_int = !n.real && n.i != INT64_MIN;
    return ag_expr_result(fits_int ? ag_value_int(-n.i) : ag_value_real(-n.d), out, err);
}

int ag_expr_binary(const struct ag_op *op, const ag_value *a, const ag_value *b, int64_t *steps,
                   ag_value **out, argo_error **err)
{
    if (op->code >= AG_OP_ADD) {
        return calculate(op, a, b, out, err);
    }
    bool yes = false;
    int rc = 0;
    if (op->code <= AG_OP_GE) {
        rc = compare(op, a, b, &yes, err);
    } else if (op->code == AG_OP_IN) {
        rc = contains(op, b, a, &yes, err);
    } else if (op->code == AG_OP_CONTAINS) {
        rc = contains(op, a, b, &yes, err);
    } else {
        rc = fits(op, a, b, steps, &yes, err);
    }
    return rc < 0 ? rc : ag_expr_result(ag_value_bool(yes), out, err);
}
