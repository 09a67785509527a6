/*
 * What the words demand of one value: its type, what it equals, texts and numbers. A word about
 * another type of value demands nothing.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "template/regex.h"
#include "template/schema_words.h"

#define SHOWN_MAX 300 /* bytes of a schema's own values in a message */

/* ---- types --------------------------------------------------------------------------------- */

static bool has_type(const ag_value *v, unsigned bits)
{
    double n = ag_value_as_real(v);
    bool whole = ag_value_is(v, ARGO_TYPE_REAL) && floor(n) >= n; /* 1.0 is an integer */
    return (bits & 1U << ag_value_type(v)) != 0 || (whole && (bits & 1U << ARGO_TYPE_INT) != 0);
}

static void add_type(struct ag_buf *b, const char *word)
{
    static const char *const names[][2] = {
        {"string", "text"},           {"integer", "an integer"}, {"number", "a number"},
        {"boolean", "true or false"}, {"array", "an array"},     {"object", "an object"},
    };
    const char *name = word;
    for (size_t i = 0; i < AG_ARRAY_SIZE(names); i++) {
        name = strcmp(names[i][0], word) == 0 ? names[i][1] : name;
    }
    ag_buf_printf(b, "%s%s", b->len > 0 ? " or " : "", name);
}

int ag_schema_type(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                   const struct ag_node *node)
{
    ag_auto_buf expected = AG_BUF_INIT(1024);
    struct ag_value_iter it = {0};
    if (has_type(node->value, ag_schema_types(schema))) {
        return 0;
    }
    if (ag_value_is(word, ARGO_TYPE_TEXT)) {
        add_type(&expected, ag_value_as_text(word));
    }
    while (ag_value_is(word, ARGO_TYPE_ARRAY) && ag_value_next(word, &it)) {
        add_type(&expected, ag_value_as_text(it.value));
    }
    return ag_schema_problem(r, node, "wrong type", "%s", ag_buf_text(&expected));
}

/* ---- equality ------------------------------------------------------------------------------ */

/* "a, 1, true"; false when it has become too long for a message. */
static bool add_shown(struct ag_buf *b, const ag_value *v)
{
    ag_auto_free char *text = ag_value_display(v);
    if (text == NULL || b->len + strlen(text) > SHOWN_MAX) {
        return false;
    }
    ag_buf_printf(b, "%s%s", b->len > 0 ? ", " : "", text);
    return true;
}

int ag_schema_enum(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                   const struct ag_node *node)
{
    ag_auto_buf list = AG_BUF_INIT(2 * SHOWN_MAX);
    struct ag_value_iter it = {0};
    bool all = true;
    while (ag_value_next(word, &it)) {
        int rc = ag_schema_equal(r, it.value, node->value);
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
        all = all && add_shown(&list, it.value);
    }
    return ag_schema_problem(r, node, "not one of the values allowed", "%s%s%s",
                             ag_value_size(word) > 1 ? "one of " : "", ag_buf_text(&list),
                             all ? "" : " ...");
}

int ag_schema_const(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                    const struct ag_node *node)
{
    ag_auto_buf shown = AG_BUF_INIT(2 * SHOWN_MAX);
    int rc = ag_schema_equal(r, word, node->value);
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    bool all = add_shown(&shown, word);
    return ag_schema_problem(r, node, "not the value allowed", "%s%s", ag_buf_text(&shown),
                             all ? "" : "the constant of the schema");
}

/* ---- texts --------------------------------------------------------------------------------- */

static int64_t characters(const char *text)
{
    int64_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

int ag_schema_min_length(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                         const struct ag_node *node)
{
    const char *text = ag_value_as_text(node->value);
    int64_t min = ag_value_as_int(word);
    return text == NULL || characters(text) >= min
               ? 0
               : ag_schema_problem(r, node, "too short", "at least %lld character%s",
                                   (long long)min, min == 1 ? "" : "s");
}

int ag_schema_max_length(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                         const struct ag_node *node)
{
    const char *text = ag_value_as_text(node->value);
    int64_t max = ag_value_as_int(word);
    return text == NULL || characters(text) <= max
               ? 0
               : ag_schema_problem(r, node, "too long", "at most %lld character%s", (long long)max,
                                   max == 1 ? "" : "s");
}

int ag_schema_pattern(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                      const struct ag_node *node)
{
    const char *text = ag_value_as_text(node->value);
    AG_AUTO(ag_regex) regex = NULL;
    bool yes = true;
    int rc = text == NULL ? 0 : ag_regex_compile(ag_value_as_text(word), &regex, r->err);
    if (rc == 0 && text != NULL) {
        rc = ag_regex_test(regex, text, ag_value_text_len(node->value), &r->regex_steps, &yes,
                           r->err);
    }
    return rc < 0 || yes ? rc
                         : ag_schema_problem(r, node, "does not match", "text that matches %s",
                                             ag_value_as_text(word));
}

int ag_schema_format(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                     const struct ag_node *node)
{
    const char *text = ag_value_as_text(node->value);
    const struct ag_schema_format *format = ag_schema_format_find(ag_value_as_text(word));
    return text == NULL || format->check(text)
               ? 0
               : ag_schema_problem(r, node, "wrong format", "%s", format->expected);
}

/* ---- numbers ------------------------------------------------------------------------------- */

/* Below, equal, above: -1, 0, 1. Whole numbers are compared as such. */
static int compare(const ag_value *a, const ag_value *b)
{
    int64_t x = 0;
    int64_t y = 0;
    if (ag_value_to_int(a, &x) && ag_value_to_int(b, &y)) {
        return (x > y) - (x < y);
    }
    double p = ag_value_as_real(a);
    double q = ag_value_as_real(b);
    return (p > q) - (p < q);
}

static int number_problem(struct ag_schema_run *r, const struct ag_node *node, const char *message,
                          const char *expected, const ag_value *bound)
{
    ag_auto_free char *shown = ag_value_display(bound);
    return ag_schema_problem(r, node, message, "%s %s", expected, shown != NULL ? shown : "");
}

int ag_schema_minimum(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                      const struct ag_node *node)
{
    return !ag_value_is_number(node->value) || compare(node->value, word) >= 0
               ? 0
               : number_problem(r, node, "too small", "at least", word);
}

int ag_schema_maximum(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                      const struct ag_node *node)
{
    return !ag_value_is_number(node->value) || compare(node->value, word) <= 0
               ? 0
               : number_problem(r, node, "too large", "at most", word);
}

int ag_schema_above(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                    const struct ag_node *node)
{
    return !ag_value_is_number(node->value) || compare(node->value, word) > 0
               ? 0
               : number_problem(r, node, "too small", "more than", word);
}

int ag_schema_below(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                    const struct ag_node *node)
{
    return !ag_value_is_number(node->value) || compare(node->value, word) < 0
               ? 0
               : number_problem(r, node, "too large", "less than", word);
}

/* Decimal fractions have no exact double: 0.0075 counts as a multiple of 0.0001. */
static bool is_multiple(const ag_value *v, const ag_value *of)
{
    int64_t n = 0;
    int64_t divisor = 0;
    if (ag_value_to_int(v, &n) && ag_value_to_int(of, &divisor)) {
        return n % divisor == 0;
    }
    double quotient = ag_value_as_real(v) / ag_value_as_real(of);
    return fabs(quotient - round(quotient)) <= 4 * DBL_EPSILON * fabs(quotient);
}

int ag_schema_multiple(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                       const struct ag_node *node)
{
    return !ag_value_is_number(node->value) || is_multiple(node->value, word)
               ? 0
               : number_problem(r, node, "not a multiple", "a multiple of", word);
}
