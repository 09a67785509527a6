/*
 * Declarations around the steps: parameters and personas.
 */
#include <string.h>

#include "base/text.h"
#include "template/check.h"
#include "template/parameters.h"

/* ---- parameters ---------------------------------------------------------------------------- */

static void check_default(struct ag_check *c, const struct ag_node *node)
{
    const struct ag_node fallback = ag_node_member(node, "default");
    AG_AUTO(ag_value) converted = NULL;
    ag_auto_free char *expected = NULL;
    if (fallback.value != NULL &&
        !ag_parameter_convert(node->value, fallback.value, false, &converted, &expected)) {
        ag_check_problem(c, &fallback, expected, NULL, "the default is no value of this parameter");
    }
}

/* What its keys say together; a part that is wrong by itself has been reported. */
static void check_declaration(struct ag_check *c, const struct ag_node *node,
                              struct ag_key_sets sets)
{
    struct ag_node type = ag_key_sets_member(sets, node, "type");
    struct ag_node values = ag_key_sets_member(sets, node, "values");
    const char *word = type.value == NULL ? "string" : ag_value_as_text(type.value);
    if (word == NULL || !ag_words_have(ag_keys_find(sets.a, "type")->words, word)) {
        return;
    }
    if (strcmp(word, "enum") == 0) {
        if (values.value == NULL) {
            ag_check_problem(c, &values, "an array of the values allowed", NULL,
                             "missing required key 'values' of an enum");
        }
        if (ag_value_size(values.value) == 0) {
            return;
        }
    } else if (values.value != NULL) {
        ag_check_problem(c, &values, "values only with type enum", NULL,
                         "'values' of a parameter that is no enum");
    }
    check_default(c, node);
}

void ag_check_parameters(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    const struct ag_key_sets sets = {key->sub, NULL};
    struct ag_value_iter it = {0};
    if (!ag_check_type(c, node, ARGO_TYPE_OBJECT, "an object: name -> declaration")) {
        return;
    }
    while (ag_value_next(node->value, &it)) {
        const struct ag_node member = {node, it.key, 0, it.value};
        if (!ag_value_path_valid(it.key) || strchr(it.key, '.') != NULL) {
            ag_check_problem(c, &member, "letters, digits and _, not beginning with a digit", NULL,
                             "bad parameter name '%s'", it.key);
        }
        ag_check_object(c, &member, sets);
        if (ag_value_is(it.value, ARGO_TYPE_OBJECT)) {
            check_declaration(c, &member, sets);
        }
    }
}

/* ---- personas ------------------------------------------------------------------------------ */

void ag_check_persona(struct ag_check *c, const struct ag_node *node)
{
    const char *name = ag_value_as_text(node->value);
    const char *words[64];
    size_t n = 0;
    struct ag_value_iter it = {0};
    /* Without declarations it is a word for the CI; with {...} it is known when the step runs. */
    if (!ag_value_is(c->personas, ARGO_TYPE_OBJECT) || strchr(name, '{') != NULL) {
        return;
    }
    if (strcmp(name, "default") != 0 && ag_value_get(c->personas, name) != NULL) {
        return;
    }
    while (n + 1 < AG_ARRAY_SIZE(words) && ag_value_next(c->personas, &it)) {
        if (strcmp(it.key, "default") != 0) {
            words[n++] = it.key;
        }
    }
    words[n] = NULL;
    ag_auto_free char *expected = ag_words_list(words);
    ag_check_problem(c, node, expected, ag_words_nearest(words, name), "no persona is named '%s'",
                     name);
}

void ag_check_personas(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    const struct ag_key_sets sets = {key->sub, NULL};
    struct ag_value_iter it = {0};
    if (!ag_check_type(c, node, ARGO_TYPE_OBJECT, "an object: name -> persona")) {
        return;
    }
    while (ag_value_next(node->value, &it)) {
        const struct ag_node member = {node, it.key, 0, it.value};
        if (strcmp(it.key, "default") != 0) {
            ag_check_object(c, &member, sets);
        } else if (ag_check_type(c, &member, ARGO_TYPE_TEXT, "the name of a persona")) {
            ag_check_persona(c, &member);
        }
    }
}

/* ---- CIs ----------------------------------------------------------------------------------- */

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void ag_check_ci(struct ag_check *c, const struct ag_node *node)
{
    const char *name = ag_value_as_text(node->value);
    const char *words[64];
    size_t n = 0;
    size_t cursor = 0;
    void *value;
    if (c->cis == NULL || name == NULL || *name == '\0' || strchr(name, '{') != NULL ||
        ag_map_get(c->cis, name) != NULL) {
        return;
    }
    while (n + 1 < AG_ARRAY_SIZE(words) && ag_map_next(c->cis, &cursor, &words[n], &value)) {
        n++;
    }
    words[n] = NULL;
    qsort(words, n, sizeof(*words), compare_words);
    ag_auto_free char *list = n > 0 ? ag_words_list(words) : NULL;
    ag_auto_free char *expected =
        ag_asprintf("%s%sa new one: arc ci add %s", list != NULL ? list : "",
                    list != NULL ? ", or " : "", name);
    ag_check_problem(c, node, expected, ag_words_nearest(words, name),
                     "no CI is registered as '%s'", name);
}
