/*
 * Objects against their tables: unknown, missing and doubled keys; steps with their names and
 * types.
 */
#include "template/check.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

/* ---- words --------------------------------------------------------------------------------- */

char *ag_words_list(const char *const *words)
{
    ag_auto_buf b = AG_BUF_INIT(AG_SOURCE_MAX);
    ag_buf_add_text(&b, words[0] != NULL && words[1] != NULL ? "one of " : "");
    for (size_t i = 0; words[i] != NULL; i++) {
        ag_buf_printf(&b, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    return ag_buf_take(&b);
}

static size_t count(const char *const *words)
{
    size_t n = 0;
    while (words[n] != NULL) {
        n++;
    }
    return n;
}

bool ag_words_have(const char *const *words, const char *word)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

const char *ag_words_nearest(const char *const *words, const char *word)
{
    return ag_nearest_word(word, words, count(words));
}

/* ---- objects ------------------------------------------------------------------------------- */

static void list_keys(struct ag_buf *b, const struct ag_keys *keys)
{
    for (size_t i = 0; keys != NULL && i < keys->n; i++) {
        ag_buf_printf(b, "%s%s", b->len > 0 ? ", " : "", keys->keys[i].name);
    }
}

static void check_unknown(struct ag_check *c, const struct ag_node *member, struct ag_key_sets sets)
{
    ag_auto_buf expected = AG_BUF_INIT(AG_SOURCE_MAX);
    if (c->n_found == AG_MAX_PROBLEMS) {
        c->not_listed++;
        return;
    }
    list_keys(&expected, sets.b);
    list_keys(&expected, sets.a);
    ag_check_problem(c, member, ag_buf_text(&expected), ag_key_sets_nearest(sets, member->key),
                     "unknown key '%s'", member->key);
}

static void check_required(struct ag_check *c, const struct ag_node *node, struct ag_key_sets sets,
                           const struct ag_keys *keys)
{
    for (size_t i = 0; keys != NULL && i < keys->n; i++) {
        const struct ag_key *key = &keys->keys[i];
        if (!key->required) {
            continue;
        }
        struct ag_node member = ag_key_sets_member(sets, node, key->name);
        if (member.value == NULL) {
            ag_auto_free char *expected =
                ag_asprintf("'%s'%s%s%s", key->name, key->alias != NULL ? " (or '" : "",
                            key->alias != NULL ? key->alias : "", key->alias != NULL ? "')" : "");
            ag_check_problem(c, &member, expected, NULL, "missing required key '%s'", key->name);
        }
    }
}

/* Two keys of which exactly one is given. */
static void check_either(struct ag_check *c, const struct ag_node *node, struct ag_key_sets sets,
                         const struct ag_keys *keys)
{
    for (size_t i = 0; keys != NULL && i < keys->n; i++) {
        const char *name = keys->keys[i].name;
        const char *instead = keys->keys[i].instead;
        if (instead == NULL) {
            continue;
        }
        struct ag_node member = ag_key_sets_member(sets, node, name);
        struct ag_node other = ag_key_sets_member(sets, node, instead);
        if (member.value == NULL && other.value == NULL) {
            ag_auto_free char *expected = ag_asprintf("'%s', or '%s'", name, instead);
            ag_check_problem(c, &member, expected, NULL, "missing required key '%s'", name);
        } else if (member.value != NULL && other.value != NULL) {
            ag_check_problem(c, &other, "one of the two", NULL, "'%s' beside '%s'", instead, name);
        }
    }
}

static void check_members(struct ag_check *c, const struct ag_node *node, struct ag_key_sets sets,
                          bool know_all)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(node->value, &it)) {
        const struct ag_node member = {node, it.key, 0, it.value};
        const struct ag_key *key = ag_key_sets_find(sets, it.key);
        if (key == NULL) {
            /* Of a type that is not known only what looks like a common key can be told. */
            bool full = c->n_found == AG_MAX_PROBLEMS;
            key = full ? NULL : ag_key_sets_guess(sets, node->value, it.key);
            if (know_all || key != NULL) {
                check_unknown(c, &member, sets);
            }
        }
        if (key != NULL && ag_streq(key->alias, it.key) &&
            ag_value_get(node->value, key->name) != NULL) {
            ag_check_problem(c, &member, "one of the two", NULL,
                             "'%s' is another name of '%s', which is there too", it.key, key->name);
        } else if (key != NULL) {
            ag_check_value(c, &member, key);
        }
    }
    check_required(c, node, sets, sets.a);
    check_required(c, node, sets, sets.b);
    check_either(c, node, sets, sets.a);
    check_either(c, node, sets, sets.b);
}

void ag_check_object(struct ag_check *c, const struct ag_node *node, struct ag_key_sets sets)
{
    if (ag_check_type(c, node, ARGO_TYPE_OBJECT, "an object")) {
        check_members(c, node, sets, true);
    }
}

/* ---- steps --------------------------------------------------------------------------------- */

static void check_duplicate(struct ag_check *c, const struct ag_step_outline *step)
{
    const struct ag_key_sets sets = {&ag_step_common_keys, NULL};
    if (step->duplicate) {
        const struct ag_step_outline *first = ag_map_get(c->outline->by_name, step->name);
        struct ag_node name = ag_key_sets_member(sets, &step->node, "step");
        unsigned line;
        unsigned column;
        ag_source_locate(c->source, &first->node, &line, &column);
        ag_check_problem(c, &name, "a name that no other step has", NULL,
                         "duplicate step name '%s', first used by the step in line %u", step->name,
                         line);
    }
}

static void check_step(struct ag_check *c, const struct ag_step_outline *step)
{
    const struct ag_key_sets sets = {&ag_step_common_keys,
                                     step->type != NULL ? &step->type->keys : NULL};
    if (!ag_check_type(c, &step->node, ARGO_TYPE_OBJECT, "a step, an object")) {
        return;
    }
    check_members(c, &step->node, sets, step->type != NULL);
    check_duplicate(c, step);
    if (step->type != NULL) {
        ag_check_asking(c, &step->node, sets, step->type);
    }
    if (step->orphan && !step->excused) {
        ag_check_problem(c, &step->node, "a step that leads to it", NULL,
                         "step '%s' is unreachable", step->name != NULL ? step->name : "");
    }
}

void ag_check_steps(struct ag_check *c, const struct ag_node *list)
{
    if (!ag_check_type(c, list, ARGO_TYPE_ARRAY, "an array of steps")) {
        return;
    }
    if (ag_value_size(list->value) == 0) {
        ag_check_problem(c, list, "at least one step", NULL, "there are no steps");
    }
    for (size_t i = 0; i < c->outline->n_steps; i++) {
        const struct ag_step_outline *step = &c->outline->steps[i];
        if (step->node.parent->value == list->value) {
            c->step = i;
            check_step(c, step);
        }
    }
    c->step = AG_NO_STEP;
}
