/*
 * YAML with places: libyaml's events to a value. The 1.2 core schema decides what a plain scalar
 * is (`yes` is text); what can make a document mean something else than it shows (aliases,
 * anchors, tags, merge keys, duplicate keys, further documents) is an error.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"
#include "template/source.h"

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one, deleted by the next read */
    ag_source *source;
    argo_error **err;
};

static int fail_at(struct reader *r, yaml_mark_t mark, const char *format, ...) ARGO_PRINTF(3, 4);

static int fail_at(struct reader *r, yaml_mark_t mark, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int rc = ag_error_set_v(r->err, ARGO_E_JSON, format, ap);
    va_end(ap);
    ag_error_wrap(r->err, "line %zu, column %zu", mark.line + 1, mark.column + 1);
    return rc;
}

/* What to do, where libyaml only says what it met. */
static const char *advice(const char *problem)
{
    static const char *const known[][2] = {
        {"tab character", ": indent with spaces"},
        {"cannot start any token",
         ": indent with spaces, YAML allows no tabs; put text that begins with @ ` or % in quotes"},
        {"mapping values are not allowed", ": put text with ': ' in it in quotes"},
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(known); i++) {
        if (strstr(problem, known[i][0]) != NULL) {
            return known[i][1];
        }
    }
    return "";
}

static int syntax_error(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        return ag_error_nomem(r->err);
    }
    const char *problem = p->problem != NULL ? p->problem : "not YAML";
    if (p->error == YAML_READER_ERROR) {
        return fail_at(r, p->mark, "%s at byte %zu, expected UTF-8 text", problem,
                       p->problem_offset);
    }
    return fail_at(r, p->problem_mark, "%s%s%s%s", problem, p->context != NULL ? " " : "",
                   p->context != NULL ? p->context : "", advice(problem));
}

static int next_event(struct reader *r)
{
    yaml_event_delete(&r->event);
    return yaml_parser_parse(&r->parser, &r->event) ? 0 : syntax_error(r);
}

/* ---- scalars ------------------------------------------------------------------------------- */

static bool one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *skip_digits(const char *p)
{
    return p + strspn(p, "0123456789");
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? ; *IS_INT without point and exponent. */
static bool looks_decimal(const char *text, bool *is_int)
{
    const char *p = text + (*text == '-' || *text == '+');
    const char *whole = p;
    p = skip_digits(p);
    bool digits = p > whole;
    *is_int = digits && *p == '\0';
    if (*p == '.') {
        const char *fraction = p + 1;
        p = skip_digits(fraction);
        digits = digits || p > fraction;
    }
    if (digits && (*p == 'e' || *p == 'E')) {
        p++;
        p += *p == '-' || *p == '+';
        const char *exponent = p;
        p = skip_digits(p);
        digits = p > exponent;
    }
    return digits && *p == '\0';
}

static int integer_value(struct reader *r, const char *digits, int base, ag_value **out)
{
    errno = 0;
    long long n = strtoll(digits, NULL, base);
    if (errno != 0) {
        return fail_at(r, r->event.start_mark, "the number does not fit, expected 64 bits");
    }
    *out = ag_value_int(n);
    return 0;
}

static bool is_based(const char *text, char letter, const char *digits)
{
    return text[0] == '0' && text[1] == letter && text[2] != '\0' &&
           text[2 + strspn(text + 2, digits)] == '\0';
}

static bool is_not_finite(const char *text)
{
    static const char *const words[] = {".inf", ".Inf", ".INF"};
    static const char *const nans[] = {".nan", ".NaN", ".NAN"};
    const char *p = text + (*text == '-' || *text == '+');
    return one_of(p, words, AG_ARRAY_SIZE(words)) || one_of(text, nans, AG_ARRAY_SIZE(nans));
}

static int plain_value(struct reader *r, const char *text, size_t len, ag_value **out)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const yes[] = {"true", "True", "TRUE"};
    static const char *const no[] = {"false", "False", "FALSE"};
    bool is_int;
    if (one_of(text, nulls, AG_ARRAY_SIZE(nulls))) {
        *out = ag_value_null();
    } else if (one_of(text, yes, AG_ARRAY_SIZE(yes))) {
        *out = ag_value_bool(true);
    } else if (one_of(text, no, AG_ARRAY_SIZE(no))) {
        *out = ag_value_bool(false);
    } else if (is_based(text, 'x', "0123456789abcdefABCDEF")) {
        return integer_value(r, text + 2, 16, out);
    } else if (is_based(text, 'o', "01234567")) {
        return integer_value(r, text + 2, 8, out);
    } else if (is_not_finite(text)) {
        return fail_at(r, r->event.start_mark, "'%s' has no JSON form, expected a finite number",
                       text);
    } else if (looks_decimal(text, &is_int)) {
        if (is_int) {
            return integer_value(r, text, 10, out);
        }
        double real = strtod(text, NULL);
        if (!isfinite(real)) {
            return fail_at(r, r->event.start_mark, "the number is too large");
        }
        *out = ag_value_real(real);
    } else {
        *out = ag_value_text_n(text, len);
    }
    return 0;
}

static int scalar_value(struct reader *r, ag_value **out)
{
    const char *text = (const char *)r->event.data.scalar.value;
    size_t len = r->event.data.scalar.length;
    if (strlen(text) != len) {
        return fail_at(r, r->event.start_mark, "NUL character in a text");
    }
    int rc = 0;
    if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        rc = plain_value(r, text, len, out);
    } else {
        *out = ag_value_text_n(text, len);
    }
    return rc == 0 && *out == NULL ? ag_error_nomem(r->err) : rc;
}

/* ---- nodes --------------------------------------------------------------------------------- */

/* Aliases, anchors and tags of the event that begins a node. */
static int refuse_extras(struct reader *r)
{
    const yaml_event_t *e = &r->event;
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (e->type == YAML_ALIAS_EVENT) {
        return fail_at(r, e->start_mark, "alias '*%s', expected the value itself",
                       (const char *)e->data.alias.anchor);
    }
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor != NULL) {
        return fail_at(r, e->start_mark, "anchor '&%s', expected the value alone",
                       (const char *)anchor);
    }
    if (tag != NULL) {
        return fail_at(r, e->start_mark, "tag '%s', expected the value alone", (const char *)tag);
    }
    return 0;
}

static int read_node(struct reader *r, size_t depth, ag_value **out);

static int read_key(struct reader *r, const ag_value *object, char **out)
{
    int rc = refuse_extras(r);
    if (rc != 0) {
        return rc;
    }
    if (r->event.type != YAML_SCALAR_EVENT) {
        return fail_at(r, r->event.start_mark,
                       "expected a text as key: put text that begins with { in quotes, as "
                       "\"{{name}}\"");
    }
    const char *key = (const char *)r->event.data.scalar.value;
    if (strlen(key) != r->event.data.scalar.length) {
        return fail_at(r, r->event.start_mark, "NUL character in a key");
    }
    if (strcmp(key, "<<") == 0 && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return fail_at(r, r->event.start_mark, "merge key '<<', expected the members themselves");
    }
    if (ag_value_get(object, key) != NULL) {
        return fail_at(r, r->event.start_mark, "duplicate key '%s'", key);
    }
    *out = ag_strdup(key);
    return *out == NULL ? ag_error_nomem(r->err) : 0;
}

static int add_place(struct reader *r)
{
    yaml_mark_t mark = r->event.start_mark;
    int rc = ag_source_place(r->source, (unsigned)mark.line + 1, (unsigned)mark.column + 1);
    return rc != 0 ? ag_error_nomem(r->err) : 0;
}

/* Reads one member: the current event is its key. */
static int read_member(struct reader *r, size_t depth, ag_value *object)
{
    ag_auto_free char *key = NULL;
    AG_AUTO(ag_value) member = NULL;
    int rc = read_key(r, object, &key);
    size_t place = r->source->n_places;
    rc = rc != 0 ? rc : add_place(r);
    rc = rc != 0 ? rc : next_event(r);
    rc = rc != 0 ? rc : read_node(r, depth + 1, &member);
    if (rc != 0) {
        return rc;
    }
    ag_source_end(r->source, place);
    return ag_value_set(object, key, ag_take(member)) != 0 ? ag_error_nomem(r->err) : 0;
}

static int read_element(struct reader *r, size_t depth, ag_value *array)
{
    AG_AUTO(ag_value) element = NULL;
    size_t place = r->source->n_places;
    int rc = add_place(r);
    rc = rc != 0 ? rc : read_node(r, depth + 1, &element);
    if (rc != 0) {
        return rc;
    }
    ag_source_end(r->source, place);
    return ag_value_append(array, ag_take(element)) != 0 ? ag_error_nomem(r->err) : 0;
}

static int read_container(struct reader *r, size_t depth, bool is_object, ag_value **out)
{
    yaml_event_type_t end = is_object ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    if (depth >= AG_JSON_DEPTH) {
        return fail_at(r, r->event.start_mark, "nested deeper than %d levels", AG_JSON_DEPTH);
    }
    AG_AUTO(ag_value) v = is_object ? ag_value_object() : ag_value_array();
    if (v == NULL) {
        return ag_error_nomem(r->err);
    }
    int rc = next_event(r);
    while (rc == 0 && r->event.type != end) {
        rc = is_object ? read_member(r, depth, v) : read_element(r, depth, v);
        rc = rc != 0 ? rc : next_event(r);
    }
    if (rc != 0) {
        return rc;
    }
    *out = ag_take(v);
    return 0;
}

/* Reads the node that the current event begins; leaves the event that ends it current. */
static int read_node(struct reader *r, size_t depth, ag_value **out)
{
    int rc = refuse_extras(r);
    if (rc != 0) {
        return rc;
    }
    if (r->event.type == YAML_SCALAR_EVENT) {
        return scalar_value(r, out);
    }
    return read_container(r, depth, r->event.type == YAML_MAPPING_START_EVENT, out);
}

static int read_document(struct reader *r)
{
    int rc = next_event(r); /* stream start */
    rc = rc != 0 ? rc : next_event(r);
    if (rc == 0 && r->event.type == YAML_STREAM_END_EVENT) {
        return fail_at(r, r->event.start_mark, "empty, expected a JSON or YAML document");
    }
    rc = rc != 0 ? rc : next_event(r);
    rc = rc != 0 ? rc : add_place(r);
    rc = rc != 0 ? rc : read_node(r, 0, &r->source->value);
    rc = rc != 0 ? rc : next_event(r); /* document end */
    rc = rc != 0 ? rc : next_event(r);
    if (rc != 0) {
        return rc;
    }
    ag_source_end(r->source, 0);
    if (r->event.type != YAML_STREAM_END_EVENT) {
        return fail_at(r, r->event.start_mark, "a second document, expected one");
    }
    return 0;
}

int ag_source_parse_yaml(ag_source *source, const char *text, size_t len, argo_error **err)
{
    struct reader r = {.source = source, .err = err};
    if (!yaml_parser_initialize(&r.parser)) {
        return ag_error_nomem(err);
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    int rc = read_document(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return rc;
}
