/*
 * The languages within a template's texts: {{...}}, conditions and patterns; and whether the variables
 * that they use can have been set.
 */
#include <string.h>

#include "template/check.h"
#include "template/expr.h"
#include "template/regex.h"

static const char *const builtins[] = {
    "workflow_id", "workflow_name", "instance",   "branch", "environment", "session_id", "step",
    "step_number", "attempt",       "effect_key", "now",    "context",     NULL};

struct use {
    struct ag_check *c;
    const struct ag_node *node;
};

static int use_variable(const char *path, void *user)
{
    const struct use *use = user;
    struct ag_check *c = use->c;
    char root[AG_VARIABLE_SIZE];
    if (!ag_variable_root(path, root)) {
        return 0;
    }
    if (ag_words_have(builtins, root) || ag_value_get(c->names, root) != NULL ||
        c->step == AG_NO_STEP || (c->own_sets && ag_outline_sets(c->outline, root, c->step))) {
        return 0;
    }
    switch (ag_outline_is_set(c->outline, root, c->step)) {
    case AG_SET_NEVER:
        if (!c->names_unknown) {
            ag_check_unknown_variable(c, use->node, root);
        }
        break;
    case AG_SET_ELSEWHERE:
        ag_check_problem(c, use->node, "a step before this one that sets it", NULL,
                         "variable '%s' is not set by any step before this one", root);
        break;
    case AG_SET_BEFORE:
        break;
    }
    return 0;
}

static int use_in_text(const char *path, bool defaulted, void *user)
{
    return defaulted ? 0 : use_variable(path, user);
}

void ag_check_text(struct ag_check *c, const struct ag_node *node)
{
    struct use use = {c, node};
    AG_AUTO(argo_error) err = NULL;
    if (ag_subst_check(ag_value_as_text(node->value), use_in_text, &use, &err) != 0) {
        ag_check_problem(c, node, NULL, NULL, "bad {{...}}: %s", argo_error_details(err));
    }
}

void ag_check_any(struct ag_check *c, const struct ag_node *node)
{
    struct ag_value_iter it = {0};
    if (ag_value_is(node->value, ARGO_TYPE_TEXT)) {
        ag_check_text(c, node);
    }
    while (ag_value_next(node->value, &it)) {
        const struct ag_node child = {node, it.key, it.index, it.value};
        ag_check_any(c, &child);
    }
}

void ag_check_expr(struct ag_check *c, const struct ag_node *node)
{
    struct use use = {c, node};
    AG_AUTO(ag_expr) e = NULL;
    AG_AUTO(argo_error) err = NULL;
    if (ag_expr_compile(ag_value_as_text(node->value), &e, &err) != 0) {
        ag_check_problem(c, node, "a condition", NULL, "bad condition: %s",
                         argo_error_details(err));
        return;
    }
    ag_expr_paths(e, use_variable, &use);
}

void ag_check_pattern(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    AG_AUTO(ag_regex) regex = NULL;
    AG_AUTO(argo_error) err = NULL;
    if (ag_check_type(c, node, ARGO_TYPE_TEXT, "a regular expression, as text") &&
        ag_regex_compile(ag_value_as_text(node->value), &regex, &err) != 0) {
        ag_check_problem(c, node, "a regular expression", NULL, "bad pattern: %s",
                         argo_error_details(err));
    }
}
