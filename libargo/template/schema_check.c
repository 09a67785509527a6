/*
 * What a schema may say: its words, and what each may be.
 */
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "template/regex.h"
#include "template/schema_words.h"

static int must_be(struct ag_schema_run *r, const struct ag_node *node, bool right,
                   const char *expected)
{
    return right ? 0 : ag_schema_problem(r, node, "wrong value", "%s", expected);
}

/* ---- plain values -------------------------------------------------------------------------- */

static int check_any(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    return 0;
}

static int check_text(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    return must_be(r, node, ag_value_is(node->value, ARGO_TYPE_TEXT), "text");
}

static int check_bool(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    return must_be(r, node, ag_value_is(node->value, ARGO_TYPE_BOOL), "true or false");
}

static int check_array(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    return must_be(r, node, ag_value_is(node->value, ARGO_TYPE_ARRAY), "an array");
}

static int check_number(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    return must_be(r, node, ag_value_is_number(node->value), "a number");
}

static int check_divisor(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    return must_be(r, node, ag_value_as_real(node->value) > 0, "a number above 0");
}

static int check_count(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    int64_t n = -1;
    return must_be(r, node, ag_value_to_int(node->value, &n) && n >= 0,
                   "a whole number, 0 or more");
}

static int check_values(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    return must_be(r, node,
                   ag_value_is(node->value, ARGO_TYPE_ARRAY) && ag_value_size(node->value) > 0,
                   "an array of values, not empty");
}

static int check_pattern(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    AG_AUTO(ag_regex) regex = NULL;
    AG_AUTO(argo_error) why = NULL;
    int rc = check_text(r, node, level);
    if (rc == 0 && ag_regex_compile(ag_value_as_text(node->value), &regex, &why) < 0) {
        rc = ag_schema_problem(r, node, argo_error_details(why), "a regular expression");
    }
    return rc;
}

static int check_format(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    const char *name = ag_value_as_text(node->value);
    const char *names[16];
    if (name == NULL || ag_schema_format_find(name) != NULL) {
        return check_text(r, node, level);
    }
    for (size_t i = 0; i < ag_schema_formats_count; i++) {
        names[i] = ag_schema_formats[i].name;
    }
    return ag_schema_unknown(r, node, "no format that is checked", name, names,
                             ag_schema_formats_count);
}

/* ---- types and names ----------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned bits;
} types[] = {
    {"null", 1U << ARGO_TYPE_NULL},     {"boolean", 1U << ARGO_TYPE_BOOL},
    {"integer", 1U << ARGO_TYPE_INT},   {"number", AG_SCHEMA_NUMBER},
    {"string", 1U << ARGO_TYPE_TEXT},   {"array", 1U << ARGO_TYPE_ARRAY},
    {"object", 1U << ARGO_TYPE_OBJECT},
};

unsigned ag_schema_type_bits(const char *word)
{
    for (size_t i = 0; word != NULL && i < AG_ARRAY_SIZE(types); i++) {
        if (strcmp(types[i].name, word) == 0) {
            return types[i].bits;
        }
    }
    return 0;
}

static int check_type_word(struct ag_schema_run *r, const struct ag_node *node)
{
    const char *names[AG_ARRAY_SIZE(types)];
    const char *word = ag_value_as_text(node->value);
    if (ag_schema_type_bits(word) != 0) {
        return 0;
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(types); i++) {
        names[i] = types[i].name;
    }
    return ag_schema_unknown(r, node, "no type", word, names, AG_ARRAY_SIZE(types));
}

/* The elements of an array of texts: each by FN (or NULL), and none twice. */
static int check_texts(struct ag_schema_run *r, const struct ag_node *node,
                       int (*fn)(struct ag_schema_run *r, const struct ag_node *node))
{
    AG_AUTO(ag_map) seen = ag_map_new(NULL);
    int rc = seen == NULL ? ag_error_nomem(r->err) : 0;
    for (size_t i = 0; rc == 0 && i < ag_value_size(node->value); i++) {
        const struct ag_node element = ag_node_element(node, i);
        const char *text = ag_value_as_text(element.value);
        rc = fn != NULL ? fn(r, &element) : check_text(r, &element, 0);
        if (rc == 0 && ag_map_get(seen, text) != NULL) {
            rc = ag_schema_problem(r, &element, "this is there already", "each once");
        }
        if (rc == 0 && ag_map_put(seen, text, seen) < 0) {
            rc = ag_error_nomem(r->err);
        }
    }
    return rc;
}

static int check_type(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    if (!ag_value_is(node->value, ARGO_TYPE_ARRAY)) {
        return check_type_word(r, node);
    }
    int rc = check_values(r, node, level);
    return rc != 0 ? rc : check_texts(r, node, check_type_word);
}

static int check_names(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    int rc = must_be(r, node, ag_value_is(node->value, ARGO_TYPE_ARRAY), "an array of names");
    return rc != 0 ? rc : check_texts(r, node, NULL);
}

/* ---- schemas ------------------------------------------------------------------------------- */

static int check_schema(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    return ag_schema_check_one(r, node, level + 1);
}

static int check_items(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    if (ag_value_is(node->value, ARGO_TYPE_ARRAY)) {
        return ag_schema_problem(r, node, "wrong value",
                                 "one schema for all items ('prefixItems' has one for each)");
    }
    return check_schema(r, node, level);
}

/* Every schema in an object or array: all problems, so one that is wrong does not end it. */
static int check_each(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    struct ag_value_iter it = {0};
    int rc = 0;
    while (rc >= 0 && ag_value_next(node->value, &it)) {
        const struct ag_node child = {node, it.key, it.index, it.value};
        int one = ag_schema_check_one(r, &child, level + 1);
        rc = one != 0 ? one : rc;
    }
    return rc;
}

static int check_schema_map(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    int rc =
        must_be(r, node, ag_value_is(node->value, ARGO_TYPE_OBJECT), "an object: name -> schema");
    return rc != 0 ? rc : check_each(r, node, level);
}

static int check_schema_list(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    int rc = must_be(r, node,
                     ag_value_is(node->value, ARGO_TYPE_ARRAY) && ag_value_size(node->value) > 0,
                     "an array of schemas, not empty");
    return rc != 0 ? rc : check_each(r, node, level);
}

/* ---- the words ----------------------------------------------------------------------------- */

const struct ag_schema_word ag_schema_words[] = {
    {"type", check_type, ag_schema_type},
    {"enum", check_values, ag_schema_enum},
    {"const", check_any, ag_schema_const},
    {"properties", check_schema_map, ag_schema_properties},
    {"required", check_names, ag_schema_required},
    {"additionalProperties", check_schema, ag_schema_additional},
    {"minProperties", check_count, ag_schema_min_members},
    {"maxProperties", check_count, ag_schema_max_members},
    {"prefixItems", check_schema_list, ag_schema_prefix_items},
    {"items", check_items, ag_schema_items},
    {"minItems", check_count, ag_schema_min_items},
    {"maxItems", check_count, ag_schema_max_items},
    {"uniqueItems", check_bool, ag_schema_unique},
    {"minLength", check_count, ag_schema_min_length},
    {"maxLength", check_count, ag_schema_max_length},
    {"pattern", check_pattern, ag_schema_pattern},
    {"format", check_format, ag_schema_format},
    {"minimum", check_number, ag_schema_minimum},
    {"maximum", check_number, ag_schema_maximum},
    {"exclusiveMinimum", check_number, ag_schema_above},
    {"exclusiveMaximum", check_number, ag_schema_below},
    {"multipleOf", check_divisor, ag_schema_multiple},
    {"allOf", check_schema_list, ag_schema_all_of},
    {"anyOf", check_schema_list, ag_schema_any_of},
    {"oneOf", check_schema_list, ag_schema_one_of},
    {"not", check_schema, ag_schema_not},
    {"title", check_text, NULL},
    {"description", check_text, NULL},
    {"default", check_any, NULL},
    {"examples", check_array, NULL},
    {"writeOnly", check_bool, NULL},
    {"$schema", check_text, NULL},
    {"$comment", check_text, NULL},
};
const size_t ag_schema_words_count = AG_ARRAY_SIZE(ag_schema_words);

const struct ag_schema_word *ag_schema_word_find(const char *name)
{
    for (size_t i = 0; i < ag_schema_words_count; i++) {
        if (strcmp(ag_schema_words[i].name, name) == 0) {
            return &ag_schema_words[i];
        }
    }
    return NULL;
}
