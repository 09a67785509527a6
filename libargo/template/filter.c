/*
 * The filters of {{ value | filter }}. A value that is null passes through every filter but
 * json and default, so that a default may stand at the end.
 */
#include <string.h>

#include "base/buf.h"
#include "template/program.h"

static const struct {
    const char *name;
    enum ag_op_code code;
} filters[] = {
    {"json", AG_OP_JSON},       {"trim", AG_OP_TRIM},   {"lines", AG_OP_LINES},
    {"default", AG_OP_DEFAULT}, {"upper", AG_OP_UPPER}, {"lower", AG_OP_LOWER},
    {"length", AG_OP_LENGTH},
};

enum ag_op_code ag_filter_find(const char *name, size_t len)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(filters); i++) {
        if (strlen(filters[i].name) == len && memcmp(filters[i].name, name, len) == 0) {
            return filters[i].code;
        }
    }
    return AG_OP_LITERAL;
}

const char *ag_filter_names(void)
{
    return "a filter (json, trim, lines, default, length, upper, lower)";
}

static const char *filter_name(enum ag_op_code code)
{
    size_t i = 0;
    while (filters[i].code != code) {
        i++;
    }
    return filters[i].name;
}

int ag_expr_length(const ag_value *v, ag_value **out, argo_error **err)
{
    bool text = ag_value_is(v, ARGO_TYPE_TEXT);
    if (!text && !ag_value_is(v, ARGO_TYPE_ARRAY) && !ag_value_is(v, ARGO_TYPE_OBJECT)) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "'length' expected text, an array or an object, got %s",
                            ag_value_type_name(v));
    }
    size_t n =
        text ? ag_lexer_characters(ag_value_as_text(v), ag_value_text_len(v)) : ag_value_size(v);
    return ag_expr_result(ag_value_int((int64_t)n), out, err);
}

static int filter_json(const ag_value *v, ag_value **out, argo_error **err)
{
    size_t len = 0;
    ag_auto_free char *printed = ag_value_print(v, &len);
    return printed == NULL ? ag_error_nomem(err)
                           : ag_expr_result(ag_value_text_n(printed, len), out, err);
}

static bool blank(char c)
{
    return c != '\0' && strchr(" \t\r\n\v\f", c) != NULL;
}

static int trim(const char *text, size_t len, ag_value **out, argo_error **err)
{
    while (len > 0 && blank(text[len - 1])) {
        len--;
    }
    while (len > 0 && blank(*text)) {
        text++;
        len--;
    }
    return ag_expr_result(ag_value_text_n(text, len), out, err);
}

/* Lines end in \n or \r\n; the last one need not end. */
static int lines(const char *text, size_t len, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) array = ag_value_array();
    const char *end = text + len;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        const char *next = newline != NULL ? newline + 1 : end;
        stop -= newline != NULL && stop > text && stop[-1] == '\r';
        if (ag_value_append(array, ag_value_text_n(text, (size_t)(stop - text))) < 0) {
            return ag_error_nomem(err);
        }
        text = next;
    }
    return ag_expr_result(ag_take(array), out, err);
}

static int recase(const char *text, size_t len, bool upper, ag_value **out, argo_error **err)
{
    ag_auto_free char *result = NULL;
    int rc = ag_regex_recase(text, len, upper, &result, err);
    return rc < 0 ? rc : ag_expr_result(ag_value_text(result), out, err);
}

/* The filters on text; scalars count as the text that they display as. */
static int filter_text(enum ag_op_code code, const ag_value *v, ag_value **out, argo_error **err)
{
    if (ag_value_is(v, ARGO_TYPE_ARRAY) || ag_value_is(v, ARGO_TYPE_OBJECT)) {
        return ag_error_set(err, ARGO_E_INVALID, "'%s' expected text, got %s", filter_name(code),
                            ag_value_type_name(v));
    }
    ag_auto_free char *text = ag_value_display(v);
    if (text == NULL) {
        return ag_error_nomem(err);
    }
    size_t len = strlen(text);
    if (code == AG_OP_TRIM) {
        return trim(text, len, out, err);
    }
    if (code == AG_OP_LINES) {
        return lines(text, len, out, err);
    }
    return recase(text, len, code == AG_OP_UPPER, out, err);
}

int ag_expr_filter(const struct ag_op *op, const ag_value *v, ag_value **out, argo_error **err)
{
    bool null = ag_value_is(v, ARGO_TYPE_NULL);
    if (op->code == AG_OP_DEFAULT) {
        const char *text = ag_value_as_text(v);
        bool empty = null || (text != NULL && *text == '\0');
        return ag_expr_result(ag_value_ref(empty ? op->value : v), out, err);
    }
    if (op->code == AG_OP_JSON) {
        return filter_json(v, out, err);
    }
    if (null) {
        return ag_expr_result(ag_value_ref(v), out, err);
    }
    return op->code == AG_OP_LENGTH ? ag_expr_length(v, out, err)
                                    : filter_text(op->code, v, out, err);
}
