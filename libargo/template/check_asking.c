/*
 * What the members of a step that asks say together: schemas, defaults, fields. A part that is wrong
 * by itself has been reported, and what depends on it is not looked at.
 */
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "template/answers.h"
#include "template/check.h"

static void add_problem(const struct ag_node *where, const char *message, const char *expected,
                        const char *nearest, void *user)
{
    ag_check_problem(user, where, expected, nearest, "%s", message);
}

void ag_check_schema(struct ag_check *c, const struct ag_node *node, const struct ag_key *key)
{
    if (ag_check_type(c, node, ARGO_TYPE_OBJECT, "a JSON Schema, an object") &&
        ag_schema_check_node(node, add_problem, c, NULL) < 0) {
        c->failed = true;
    }
}

/* ---- defaults ------------------------------------------------------------------------------ */

/* What {...} makes of the texts is known when the step runs. */
static bool is_literal(const ag_value *v)
{
    const char *text = ag_value_as_text(v);
    struct ag_value_iter it = {0};
    while (ag_value_size(v) > 0 && ag_value_next(v, &it)) {
        if (!is_literal(it.value)) {
            return false;
        }
    }
    return text == NULL || strchr(text, '{') == NULL;
}

/* A literal default must be an answer. SCHEMA is made of members that may be wrong. */
static void check_default(struct ag_check *c, const struct ag_node *node, const ag_value *schema)
{
    if (node->value == NULL || schema == NULL || !is_literal(node->value) ||
        ag_schema_check("schema", schema, NULL) < 0) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) typed = ag_answer_typed(schema, node->value);
    if (ag_schema_validate(schema, "default", typed, false, &err) < 0 &&
        argo_error_problem_count(err) > 0) {
        const struct argo_problem *p = argo_error_problem(err, 0);
        ag_check_problem(c, node, p->expected, p->nearest, "the default is no answer: %s",
                         p->message);
    }
}

static void check_on_deadline(struct ag_check *c, const struct ag_node *step,
                              struct ag_key_sets sets)
{
    struct ag_node on_deadline = ag_key_sets_member(sets, step, "on_deadline");
    struct ag_node fallback = ag_key_sets_member(sets, step, "default");
    if (fallback.value == NULL && ag_streq(ag_value_as_text(on_deadline.value), "default")) {
        ag_check_problem(c, &on_deadline, "a 'default', or fail", NULL,
                         "there is no default to be taken");
    }
}

/* ---- user_ask ------------------------------------------------------------------------------ */

static void check_user_ask(struct ag_check *c, const struct ag_node *step, struct ag_key_sets sets)
{
    struct ag_node rules = ag_key_sets_member(sets, step, "validate");
    struct ag_node fallback = ag_key_sets_member(sets, step, "default");
    struct ag_node whole = {0};
    AG_AUTO(ag_value) schema = NULL;
    check_on_deadline(c, step, sets);
    if (!ag_value_is(rules.value, ARGO_TYPE_OBJECT)) {
        return;
    }
    whole = ag_node_member(&rules, "schema");
    if (whole.value != NULL && ag_value_size(rules.value) > 1) {
        ag_check_problem(c, &whole, "its rules within the schema", NULL, "'schema' beside others");
    } else if (ag_answer_schema(rules.value, &schema, NULL) < 0) {
        c->failed = true;
    } else {
        check_default(c, &fallback, schema);
    }
}

/* ---- user_choose --------------------------------------------------------------------------- */

static bool is_option(const ag_value *option, const ag_value *v)
{
    const ag_value *value = ag_value_get(option, "value");
    return ag_value_equal(ag_value_get(option, "label"), v) ||
           (value != NULL && ag_value_equal(value, v));
}

static void check_user_choose(struct ag_check *c, const struct ag_node *step,
                              struct ag_key_sets sets)
{
    struct ag_node options = ag_key_sets_member(sets, step, "options");
    struct ag_node fallback = ag_key_sets_member(sets, step, "default");
    struct ag_node multiple = ag_key_sets_member(sets, step, "multiple");
    struct ag_value_iter it = {0};
    bool found = fallback.value == NULL || ag_value_as_bool(multiple.value) ||
                 !ag_value_is(options.value, ARGO_TYPE_ARRAY) || !is_literal(fallback.value) ||
                 !is_literal(options.value);
    while (!found && ag_value_next(options.value, &it)) {
        found = !ag_value_is(it.value, ARGO_TYPE_OBJECT) || is_option(it.value, fallback.value);
    }
    if (!found) {
        ag_check_problem(c, &fallback, "the value or label of an option", NULL,
                         "the default is none of the options");
    }
}

/* ---- form ---------------------------------------------------------------------------------- */

/* The schema of one field alone, or NULL. */
static ag_value *schema_of(struct ag_check *c, const struct ag_node *field, const char *name)
{
    AG_AUTO(ag_value) one = ag_value_array();
    AG_AUTO(ag_value) form = NULL;
    if (ag_value_append(one, ag_value_ref(field->value)) < 0 ||
        ag_form_schema(one, &form, NULL) < 0) {
        c->failed = true;
        return NULL;
    }
    return ag_value_ref(ag_value_get(ag_value_get(form, "properties"), name));
}

/* Whether the form is answered when nobody says anything: it must have been filled in. */
static void check_filled(struct ag_check *c, const struct ag_node *field, bool taken)
{
    if (taken && ag_value_get_bool(field->value, "required", false) &&
        ag_value_get(field->value, "default") == NULL) {
        ag_check_problem(c, field, "a default, or on_deadline: fail", NULL,
                         "a required field without default, when on_deadline is default");
    }
}

static void check_field(struct ag_check *c, const struct ag_node *field, ag_map *names)
{
    struct ag_node name = ag_node_member(field, "name");
    struct ag_node fallback = ag_node_member(field, "default");
    const char *text = ag_value_as_text(name.value);
    if (text == NULL || *text == '\0') {
        return;
    }
    if (!ag_form_name_valid(text)) {
        ag_check_problem(c, &name, "letters, digits and _, not beginning with a digit", NULL,
                         "bad field name '%s'", text);
        return;
    }
    if (ag_map_get(names, text) != NULL) {
        ag_check_problem(c, &name, "a name that no other field has", NULL,
                         "duplicate field name '%s'", text);
        return;
    }
    AG_AUTO(ag_value) schema = schema_of(c, field, text);
    c->failed = c->failed || ag_map_put(names, text, names) < 0;
    check_default(c, &fallback, schema);
}

static void check_form_schema(struct ag_check *c, const struct ag_node *node)
{
    unsigned types = ag_schema_types(node->value);
    if (ag_value_is(node->value, ARGO_TYPE_OBJECT) && types != 0 &&
        (types & 1U << ARGO_TYPE_OBJECT) == 0) {
        ag_check_problem(c, node, "type object", NULL, "the answer of a form is an object");
    }
}

static void check_form(struct ag_check *c, const struct ag_node *step, struct ag_key_sets sets)
{
    struct ag_node fields = ag_key_sets_member(sets, step, "fields");
    struct ag_node schema = ag_key_sets_member(sets, step, "schema");
    struct ag_node on_deadline = ag_key_sets_member(sets, step, "on_deadline");
    bool taken = ag_streq(ag_value_as_text(on_deadline.value), "default");
    AG_AUTO(ag_map) names = ag_map_new(NULL);
    c->failed = c->failed || names == NULL;
    for (size_t i = 0; names != NULL && ag_value_is(fields.value, ARGO_TYPE_ARRAY) &&
                       i < ag_value_size(fields.value);
         i++) {
        const struct ag_node field = ag_node_element(&fields, i);
        check_field(c, &field, names);
        check_filled(c, &field, taken);
    }
    check_form_schema(c, &schema);
}

/* ---- CIs ----------------------------------------------------------------------------------- */

/* The reply to a question's wording is text, and so is the person's answer. */
static void check_ci_ask(struct ag_check *c, const struct ag_node *step, struct ag_key_sets sets)
{
    struct ag_node ask_user = ag_key_sets_member(sets, step, "ask_user");
    struct ag_node schema = ag_key_sets_member(sets, step, "schema");
    if (ag_value_as_bool(ask_user.value) && schema.value != NULL) {
        ag_check_problem(c, &schema, "one of the two", NULL, "'schema' beside 'ask_user'");
    }
}

static void check_ci_analyze(struct ag_check *c, const struct ag_node *step,
                             struct ag_key_sets sets)
{
    static const char *const words[] = {"analyze", "determine", "identify", "extract", "calculate",
                                        "review",  "generate",  "content",  NULL};
    for (size_t i = 0; words[i] != NULL; i++) {
        if (ag_key_sets_member(sets, step, words[i]).value != NULL) {
            return;
        }
    }
    ag_auto_free char *expected = ag_words_list(words);
    struct ag_node content = ag_key_sets_member(sets, step, "content");
    ag_check_problem(c, &content, expected, NULL, "there is nothing to analyse");
}

void ag_check_asking(struct ag_check *c, const struct ag_node *step, struct ag_key_sets sets,
                     const struct ag_step_type *type)
{
    static const struct {
        const char *type;
        void (*check)(struct ag_check *c, const struct ag_node *step, struct ag_key_sets sets);
    } checks[] = {{"user_ask", check_user_ask},
                  {"user_choose", check_user_choose},
                  {"form", check_form},
                  {"ci_ask", check_ci_ask},
                  {"ci_analyze", check_ci_analyze}};

    for (size_t i = 0; i < AG_ARRAY_SIZE(checks); i++) {
        if (ag_streq(type->name, checks[i].type)) {
            checks[i].check(c, step, sets);
        }
    }
}
