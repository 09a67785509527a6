/*
 * Walking schemas: checking one, and a value against one; and the lists of what is wrong.
 */
#include "template/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "template/regex.h"
#include "template/schema_words.h"

/* ---- problems ------------------------------------------------------------------------------ */

static int report(struct ag_schema_run *r, const struct ag_node *where, const char *message,
                  const char *expected, const char *nearest)
{
    if (r->fn != NULL && r->problems++ < AG_SCHEMA_PROBLEMS) {
        r->fn(where, message, expected, nearest, r->user);
    }
    return 1;
}

int ag_schema_problem(struct ag_schema_run *r, const struct ag_node *where, const char *message,
                      const char *expected, ...)
{
    ag_auto_free char *text = NULL;
    va_list ap;
    va_start(ap, expected);
    if (r->fn != NULL && vasprintf(&text, expected, ap) < 0) {
        text = NULL;
    }
    va_end(ap);
    return report(r, where, message, text, NULL);
}

int ag_schema_unknown(struct ag_schema_run *r, const struct ag_node *where, const char *message,
                      const char *word, const char *const *words, size_t n)
{
    ag_auto_buf list = AG_BUF_INIT(AG_SCHEMA_MAX + 4096);
    ag_buf_add_text(&list, n > 1 ? "one of " : n == 0 ? "none" : "");
    for (size_t i = 0; r->fn != NULL && i < n; i++) {
        ag_buf_printf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    const char *nearest = r->fn != NULL && word != NULL ? ag_nearest_word(word, words, n) : NULL;
    return report(r, where, message, ag_buf_text(&list), nearest);
}

int ag_schema_charge(struct ag_schema_run *r, size_t n)
{
    r->steps -= n < AG_SCHEMA_STEPS ? (int64_t)n : AG_SCHEMA_STEPS;
    return r->steps >= 0 ? 0
                         : ag_error_set(r->err, ARGO_E_INVALID,
                                        "checking this takes more than %d steps", AG_SCHEMA_STEPS);
}

/* ---- a schema ------------------------------------------------------------------------------ */

static int check_word(struct ag_schema_run *r, const struct ag_node *member, unsigned level)
{
    const struct ag_schema_word *word = ag_schema_word_find(member->key);
    if (word != NULL) {
        return word->check(r, member, level);
    }
    ag_auto_free char *message = ag_asprintf("unknown word '%s'", member->key);
    const char *words[64];
    for (size_t i = 0; i < ag_schema_words_count; i++) {
        words[i] = ag_schema_words[i].name;
    }
    return message == NULL
               ? ag_error_nomem(r->err)
               : ag_schema_unknown(r, member, message, member->key, words, ag_schema_words_count);
}

int ag_schema_check_one(struct ag_schema_run *r, const struct ag_node *node, unsigned level)
{
    if (ag_value_is(node->value, ARGO_TYPE_BOOL)) {
        return 0;
    }
    if (!ag_value_is(node->value, ARGO_TYPE_OBJECT)) {
        return ag_schema_problem(r, node, "this is no schema", "an object, or true or false");
    }
    if (level > AG_SCHEMA_DEPTH) {
        return ag_schema_problem(r, node, "too deep", "at most %d schemas within each other",
                                 AG_SCHEMA_DEPTH);
    }
    struct ag_value_iter it = {0};
    int rc = 0;
    while (rc >= 0 && ag_value_next(node->value, &it)) {
        const struct ag_node member = {node, it.key, 0, it.value};
        int one = check_word(r, &member, level);
        rc = one != 0 ? one : rc;
    }
    return rc;
}

int ag_schema_check_node(const struct ag_node *node, ag_schema_problem_fn fn, void *user,
                         argo_error **err)
{
    struct ag_schema_run r = {.fn = fn, .user = user, .err = err};
    size_t len = 0;
    ag_auto_free char *text = ag_value_print(node->value, &len);
    if (text == NULL) {
        return ag_error_nomem(err);
    }
    if (len > AG_SCHEMA_MAX) {
        return ag_schema_problem(&r, node, "too large", "at most %d bytes, this has %zu",
                                 AG_SCHEMA_MAX, len);
    }
    return ag_schema_check_one(&r, node, 1);
}

/* ---- a value ------------------------------------------------------------------------------- */

int ag_schema_apply(struct ag_schema_run *r, const ag_value *schema, const struct ag_node *node)
{
    if (ag_value_is(schema, ARGO_TYPE_BOOL)) {
        return ag_value_as_bool(schema) ? 0
                                        : ag_schema_problem(r, node, "not allowed", "nothing here");
    }
    struct ag_value_iter it = {0};
    int rc = ag_schema_charge(r, 1 + ag_value_size(schema));
    while (rc >= 0 && (rc == 0 || r->fn != NULL) && ag_value_next(schema, &it)) {
        const struct ag_schema_word *word = ag_schema_word_find(it.key);
        int one = word != NULL && word->apply != NULL ? word->apply(r, schema, it.value, node) : 0;
        rc = one != 0 ? one : rc;
    }
    return rc;
}

unsigned ag_schema_types(const ag_value *schema)
{
    const ag_value *type = ag_value_get(schema, "type");
    const ag_value *list = type != NULL ? type : ag_value_get(schema, "enum");
    const ag_value *constant = ag_value_get(schema, "const");
    struct ag_value_iter it = {0};
    unsigned bits = ag_schema_type_bits(ag_value_as_text(type));
    while (ag_value_is(list, ARGO_TYPE_ARRAY) && ag_value_next(list, &it)) {
        bits |= type != NULL ? ag_schema_type_bits(ag_value_as_text(it.value))
                             : 1U << ag_value_type(it.value);
    }
    return bits == 0 && constant != NULL ? 1U << ag_value_type(constant) : bits;
}

/* ---- all problems in one error ------------------------------------------------------------- */

struct list {
    const char *name; /* of the whole */
    int code;
    argo_error *found;
};

/* The path of WHERE below the name of the whole. */
static char *full_path(const struct list *list, const struct ag_node *where)
{
    ag_auto_free char *path = ag_node_path(where);
    if (path == NULL) {
        return NULL;
    }
    return ag_asprintf("%s%s%s", list->name, path[0] == '\0' || path[0] == '[' ? "" : ".", path);
}

static void add(const struct ag_node *where, const char *message, const char *expected,
                const char *nearest, void *user)
{
    struct list *list = user;
    ag_auto_free char *path = full_path(list, where);
    struct argo_problem problem = {
        .path = path, .message = message, .expected = expected, .nearest = nearest};
    if (list->found == NULL) {
        ag_error_field(&list->found, list->code, list->name, "%s: %s%s%s%s%s%s",
                       path != NULL ? path : list->name, message,
                       expected != NULL ? ", expected " : "", expected != NULL ? expected : "",
                       nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "'?" : "");
    }
    (void)ag_error_add_problem(&list->found, list->code, &problem);
}

static int hand_over(struct list *list, int rc, argo_error **err)
{
    if (rc > 0) {
        ag_error_move(err, &list->found);
        return list->code;
    }
    argo_error_free(list->found);
    return rc;
}

int ag_schema_check(const char *name, const ag_value *schema, argo_error **err)
{
    struct list list = {.name = name, .code = ARGO_E_INVALID};
    const struct ag_node root = {.value = schema};
    int rc = ag_schema_check_node(&root, add, &list, err);
    return hand_over(&list, rc, err);
}

int ag_schema_validate(const ag_value *schema, const char *name, const ag_value *value, bool secret,
                       argo_error **err)
{
    struct list list = {.name = name, .code = ARGO_E_ANSWER};
    const struct ag_node root = {.value = value};
    struct ag_schema_run r = {.fn = add,
                              .user = &list,
                              .steps = AG_SCHEMA_STEPS,
                              .regex_steps = AG_REGEX_STEPS,
                              .secret = secret};
    AG_AUTO(argo_error) why = NULL;
    r.err = &why;
    int rc = hand_over(&list, ag_schema_apply(&r, schema, &root), err);
    if (rc == ARGO_E_INVALID) { /* a limit */
        return ag_error_field(err, ARGO_E_ANSWER, name, "%s: %s", name, argo_error_details(why));
    }
    return rc == ARGO_E_NOMEM ? ag_error_nomem(err) : rc;
}
