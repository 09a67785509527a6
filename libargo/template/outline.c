/*
 * Building the outline: collecting the steps, then reading each one's targets and variables.
 * What follows from it (reachability, what is set when) is in flow.c.
 */
#include "template/outline.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

static const struct ag_key_sets template_sets = {&ag_template_keys, NULL};

static struct ag_key_sets step_sets(const struct ag_step_outline *step)
{
    return (struct ag_key_sets){&ag_step_common_keys,
                                step->type != NULL ? &step->type->keys : NULL};
}

/* ---- steps --------------------------------------------------------------------------------- */

static const struct ag_step_type *type_meant(const ag_value *v)
{
    const char *word = ag_value_as_text(v);
    const struct ag_step_type *type = word != NULL ? ag_step_type_find(word) : NULL;
    if (type != NULL || word == NULL) {
        return type;
    }
    for (size_t i = 0; ag_step_types_later[i] != NULL; i++) {
        if (strcmp(word, ag_step_types_later[i]) == 0) {
            return NULL;
        }
    }
    for (size_t i = 0; i < ag_step_types_count; i++) {
        const char *words[] = {ag_step_types[i].name, ag_step_types[i].alias};
        if (ag_nearest_word(word, words, words[1] != NULL ? 2 : 1) != NULL) {
            return &ag_step_types[i];
        }
    }
    return NULL;
}

static int add_step(struct ag_outline *o, const struct ag_node *list, size_t index,
                    argo_error **err)
{
    if (o->found_steps++ >= AG_MAX_STEPS) {
        return 0;
    }
    struct ag_step_outline *step = &o->steps[o->n_steps++];
    step->node = ag_node_element(list, index);
    if (!ag_value_is(step->node.value, ARGO_TYPE_OBJECT)) {
        return 0;
    }
    struct ag_key_sets common = {&ag_step_common_keys, NULL};
    step->type = type_meant(ag_key_sets_member(common, &step->node, "type").value);
    struct ag_node name = ag_key_sets_member(step_sets(step), &step->node, "step");
    if (name.value == NULL) {
        return 0;
    }
    step->name = ag_value_display(name.value);
    if (step->name == NULL) {
        return ag_error_nomem(err);
    }
    step->duplicate = ag_map_get(o->by_name, step->name) != NULL;
    return !step->duplicate && ag_map_put(o->by_name, step->name, step) != 0 ? ag_error_nomem(err)
                                                                             : 0;
}

static int add_list(struct ag_outline *o, const struct ag_node *list, argo_error **err)
{
    int rc = 0;
    if (ag_value_is(list->value, ARGO_TYPE_ARRAY)) {
        for (size_t i = 0; rc == 0 && i < ag_value_size(list->value); i++) {
            rc = add_step(o, list, i, err);
        }
    }
    return rc;
}

static int add_phases(struct ag_outline *o, argo_error **err)
{
    const struct ag_key_sets sets = {ag_keys_find(&ag_template_keys, "phases")->sub, NULL};
    o->n_phases = ag_value_is(o->list.value, ARGO_TYPE_ARRAY) ? ag_value_size(o->list.value) : 0;
    o->phases = calloc(2 * o->n_phases + 1, sizeof(*o->phases));
    if (o->phases == NULL) {
        return ag_error_nomem(err);
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->n_phases; i++) {
        struct ag_node *phase = &o->phases[2 * i];
        phase[0] = ag_node_element(&o->list, i);
        phase[1] = ag_key_sets_member(sets, &phase[0], "steps");
        rc = add_list(o, &phase[1], err);
    }
    return rc;
}

static int collect_steps(struct ag_outline *o, argo_error **err)
{
    o->list = ag_key_sets_member(template_sets, &o->root, "steps");
    if (o->list.value != NULL) {
        return add_list(o, &o->list, err);
    }
    o->list = ag_key_sets_member(template_sets, &o->root, "phases");
    return add_phases(o, err);
}

const struct ag_step_outline *ag_outline_find(const struct ag_outline *o, const ag_value *target)
{
    if (!ag_value_is(target, ARGO_TYPE_TEXT) && !ag_value_is(target, ARGO_TYPE_INT)) {
        return NULL;
    }
    ag_auto_free char *name = ag_value_display(target);
    return name != NULL ? ag_map_get(o->by_name, name) : NULL;
}

const char *ag_outline_nearest(const struct ag_outline *o, const char *target)
{
    return ag_map_get(o->guesses, target);
}

/* ---- what a step leads to and sets --------------------------------------------------------- */

struct reading {
    struct ag_outline *o;
    struct ag_step_outline *step;
    size_t index;
    size_t branches; /* targets of its own */
    bool falls;      /* may go on with next_step */
    bool failed;     /* no memory */
};

static void add_index(struct reading *r, struct ag_indexes *list, size_t index)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i] == index) {
            return;
        }
    }
    size_t *items = reallocarray(list->items, list->n + 1, sizeof(*items));
    if (items == NULL) {
        r->failed = true;
        return;
    }
    items[list->n++] = index;
    list->items = items;
}

/* Comparing with every step is dear: only so many targets are. */
#define MAX_GUESSES 100

static const char *guess(struct reading *r, const char *target)
{
    struct ag_outline *o = r->o;
    const char *words[AG_MAX_STEPS + 1];
    size_t n = 0;
    const char *known = ag_map_get(o->guesses, target);
    /* Every other short name or number is near. */
    if (known != NULL || ag_map_size(o->guesses) == MAX_GUESSES || strlen(target) < 3 ||
        isdigit((unsigned char)target[0])) {
        return known;
    }
    for (size_t i = 0; i < o->n_steps; i++) {
        if (o->steps[i].name != NULL) {
            words[n++] = o->steps[i].name;
        }
    }
    words[n++] = AG_STEP_EXIT;
    const char *nearest = ag_nearest_word(target, words, n);
    r->failed = r->failed || ag_map_put(o->guesses, target, (void *)(uintptr_t)nearest) != 0;
    return nearest;
}

static void add_target(struct reading *r, const ag_value *target)
{
    const char *text = ag_value_as_text(target);
    if (ag_streq(text, AG_STEP_EXIT)) {
        return;
    }
    const struct ag_step_outline *found = ag_outline_find(r->o, target);
    if (found == NULL && text != NULL) {
        const char *nearest = guess(r, text);
        if (ag_streq(nearest, AG_STEP_EXIT)) {
            return;
        }
        found = nearest != NULL ? ag_map_get(r->o->by_name, nearest) : NULL;
    }
    if (found != NULL) {
        add_index(r, &r->step->leads_to, (size_t)(found - r->o->steps));
    } else {
        r->step->lost++;
    }
}

static void add_setter(struct reading *r, const char *path)
{
    char root[AG_VARIABLE_SIZE];
    if (!ag_variable_root(path, root)) {
        return;
    }
    struct ag_indexes *list = ag_map_get(r->o->setters, root);
    if (list == NULL) {
        list = calloc(1, sizeof(*list));
        if (list == NULL || ag_map_put(r->o->setters, root, list) != 0) {
            free(list);
            r->failed = true;
            return;
        }
    }
    add_index(r, list, r->index);
}

/* Every text in it counts: `save_to: [answer]` is wrong, but tells the name. */
static bool add_saves(struct reading *r, const ag_value *v)
{
    struct ag_value_iter it = {0};
    bool any = ag_value_is(v, ARGO_TYPE_TEXT);
    if (any) {
        add_setter(r, ag_value_as_text(v));
    }
    while (ag_value_next(v, &it)) {
        any = add_saves(r, it.value) || any;
    }
    return any;
}

static void read_options(struct reading *r, const struct ag_key *key, const ag_value *v)
{
    const struct ag_key_sets sets = {key->sub, NULL};
    if (!ag_value_is(v, ARGO_TYPE_ARRAY)) {
        r->falls = true;
        return;
    }
    for (size_t i = 0; i < ag_value_size(v); i++) {
        const struct ag_node option = {.value = ag_value_at(v, i)};
        struct ag_node target = ag_key_sets_member(sets, &option, "next_step");
        if (target.value != NULL) {
            add_target(r, target.value);
        } else {
            r->falls = true;
        }
    }
}

static void read_on_error(struct reading *r, const ag_value *v)
{
    if (!ag_value_is(v, ARGO_TYPE_OBJECT)) {
        add_target(r, v);
        return;
    }
    const struct ag_node node = {.value = v};
    const struct ag_key_sets sets = {ag_keys_find(&ag_step_common_keys, "on_error")->sub, NULL};
    struct ag_node target = ag_key_sets_member(sets, &node, "target");
    if (target.value != NULL) {
        add_target(r, target.value);
    }
    const char *action = ag_value_as_text(ag_key_sets_member(sets, &node, "action").value);
    r->falls = r->falls || ag_streq(action, "skip");
}

static void read_member(struct reading *r, const struct ag_key *key, const ag_value *v)
{
    struct ag_value_iter it = {0};
    if (key->type == AG_KEY_TARGET && strcmp(key->name, "next_step") != 0) {
        r->branches++;
        add_target(r, v);
    } else if (key->type == AG_KEY_OPTIONS) {
        r->branches++;
        read_options(r, key, v);
    } else if (key->type == AG_KEY_ON_ERROR) {
        read_on_error(r, v);
    } else if (strcmp(key->name, "when") == 0) {
        r->falls = true;
    } else if (key->type == AG_KEY_SAVE || key->type == AG_KEY_SAVE_MAP) {
        r->step->wild = !add_saves(r, v) || r->step->wild;
    } else if (key->type == AG_KEY_VALUES) {
        while (ag_value_next(v, &it) && it.key != NULL) {
            add_setter(r, it.key);
        }
        r->step->wild = r->step->wild || !ag_value_is(v, ARGO_TYPE_OBJECT);
    }
}

/* For a step whose type says nothing: the first type's that has such a key. */
static const struct ag_key *key_of_any_type(const char *name)
{
    const struct ag_key *key = NULL;
    for (size_t i = 0; key == NULL && i < ag_step_types_count; i++) {
        key = ag_keys_find(&ag_step_types[i].keys, name);
    }
    return key;
}

static size_t branches_of(const struct ag_step_type *type)
{
    size_t n = 0;
    for (size_t i = 0; i < type->keys.n; i++) {
        n += type->keys.keys[i].type == AG_KEY_TARGET || type->keys.keys[i].type == AG_KEY_OPTIONS;
    }
    return n;
}

/* To its next_step, at times. */
static bool goes_on(const struct reading *r)
{
    const struct ag_step_type *type = r->step->type;
    return r->falls || type == NULL || r->branches < branches_of(type) ||
           (r->branches == 0 && !type->ends);
}

static int read_step(struct ag_outline *o, size_t index, argo_error **err)
{
    struct ag_step_outline *step = &o->steps[index];
    struct reading r = {.o = o, .step = step, .index = index};
    struct ag_key_sets sets = step_sets(step);
    struct ag_value_iter it = {0};
    while (ag_value_is(step->node.value, ARGO_TYPE_OBJECT) &&
           ag_value_next(step->node.value, &it)) {
        const struct ag_key *key = ag_key_sets_guess(sets, step->node.value, it.key);
        if (key == NULL && step->type == NULL) {
            key = key_of_any_type(it.key);
        }
        if (key != NULL) {
            read_member(&r, key, it.value);
        }
    }
    const ag_value *on_error = ag_key_sets_member(template_sets, &o->root, "on_error").value;
    if (on_error != NULL && ag_key_sets_member(sets, &step->node, "on_error").value == NULL) {
        size_t lost = step->lost;
        read_on_error(&r, on_error);
        step->lost = lost; /* that is one mistake, not one of every step */
    }
    if (goes_on(&r)) {
        struct ag_node next = ag_key_sets_member(sets, &step->node, "next_step");
        if (next.value != NULL) {
            add_target(&r, next.value);
        } else if (index + 1 < o->n_steps) {
            add_index(&r, &step->leads_to, index + 1);
        }
    }
    return r.failed ? ag_error_nomem(err) : 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void free_indexes(void *p)
{
    struct ag_indexes *list = p;
    free(list->items);
    free(list);
}

int ag_outline_build(const ag_source *source, struct ag_outline *o, argo_error **err)
{
    *o = (struct ag_outline){.root = {.value = source->value}};
    o->steps = calloc(AG_MAX_STEPS, sizeof(*o->steps));
    o->by_name = ag_map_new(NULL);
    o->setters = ag_map_new(free_indexes);
    o->guesses = ag_map_new(NULL);
    bool whole = o->steps != NULL && o->by_name != NULL && o->setters != NULL && o->guesses != NULL;
    int rc = whole ? 0 : ag_error_nomem(err);
    rc = rc != 0 ? rc : collect_steps(o, err);
    for (size_t i = 0; rc == 0 && i < o->n_steps; i++) {
        rc = read_step(o, i, err);
    }
    if (rc == 0) {
        ag_flow_mark(o);
    } else {
        ag_outline_clear(o);
    }
    return rc;
}

void ag_outline_clear(struct ag_outline *o)
{
    for (size_t i = 0; i < o->n_steps; i++) {
        free(o->steps[i].name);
        free(o->steps[i].leads_to.items);
    }
    free(o->steps);
    free(o->phases);
    ag_map_free(o->by_name);
    ag_map_free(o->setters);
    ag_map_free(o->guesses);
    *o = (struct ag_outline){0};
}
