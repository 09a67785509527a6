/*
 * What the words demand of the parts of a value, and schemas that are put together.
 */
#include <string.h>

#include "base/text.h"
#include "template/schema_words.h"

/* ---- equality ------------------------------------------------------------------------------ */

/* What comparing V may cost. */
static size_t weight(const ag_value *v)
{
    struct ag_value_iter it = {0};
    size_t n = 1 + ag_value_text_len(v) / 64;
    while (ag_value_size(v) > 0 && ag_value_next(v, &it)) {
        n += weight(it.value);
    }
    return n;
}

int ag_schema_equal(struct ag_schema_run *r, const ag_value *a, const ag_value *b)
{
    int rc = ag_schema_charge(r, weight(a));
    return rc < 0 ? rc : ag_value_equal(a, b);
}

/* ---- counts -------------------------------------------------------------------------------- */

static int check_count(struct ag_schema_run *r, const struct ag_node *node, enum argo_type type,
                       const ag_value *min, const ag_value *max, const char *what)
{
    int64_t n = (int64_t)ag_value_size(node->value);
    if (!ag_value_is(node->value, type)) {
        return 0;
    }
    if (min != NULL && n < ag_value_as_int(min)) {
        return ag_schema_problem(r, node, "too few", "at least %lld %s",
                                 (long long)ag_value_as_int(min), what);
    }
    if (max != NULL && n > ag_value_as_int(max)) {
        return ag_schema_problem(r, node, "too many", "at most %lld %s",
                                 (long long)ag_value_as_int(max), what);
    }
    return 0;
}

int ag_schema_min_members(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                          const struct ag_node *node)
{
    return check_count(r, node, ARGO_TYPE_OBJECT, word, NULL, "members");
}

int ag_schema_max_members(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                          const struct ag_node *node)
{
    return check_count(r, node, ARGO_TYPE_OBJECT, NULL, word, "members");
}

int ag_schema_min_items(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                        const struct ag_node *node)
{
    return check_count(r, node, ARGO_TYPE_ARRAY, word, NULL, "items");
}

int ag_schema_max_items(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                        const struct ag_node *node)
{
    return check_count(r, node, ARGO_TYPE_ARRAY, NULL, word, "items");
}

/* ---- objects ------------------------------------------------------------------------------- */

/* A part that does not fit is not the end while all problems are wanted. */
static bool go_on(const struct ag_schema_run *r, int rc)
{
    return rc == 0 || (rc > 0 && r->fn != NULL);
}

static int worse(int rc, int one)
{
    return one != 0 ? one : rc;
}

int ag_schema_properties(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                         const struct ag_node *node)
{
    struct ag_value_iter it = {0};
    int rc = ag_schema_charge(r, ag_value_size(word));
    while (ag_value_is(node->value, ARGO_TYPE_OBJECT) && go_on(r, rc) && ag_value_next(word, &it)) {
        const struct ag_node member = ag_node_member(node, it.key);
        if (member.value != NULL) {
            rc = worse(rc, ag_schema_apply(r, it.value, &member));
        }
    }
    return rc;
}

int ag_schema_required(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                       const struct ag_node *node)
{
    struct ag_value_iter it = {0};
    int rc = ag_schema_charge(r, ag_value_size(word));
    while (ag_value_is(node->value, ARGO_TYPE_OBJECT) && go_on(r, rc) && ag_value_next(word, &it)) {
        const struct ag_node member = ag_node_member(node, ag_value_as_text(it.value));
        if (member.value == NULL) {
            rc = ag_schema_problem(r, &member, "missing", "a value");
        }
    }
    return rc;
}

static int unknown_member(struct ag_schema_run *r, const struct ag_node *member,
                          const ag_value *known)
{
    const char *words[256];
    size_t n = 0;
    struct ag_value_iter it = {0};
    while (n < AG_ARRAY_SIZE(words) && ag_value_next(known, &it)) {
        words[n++] = it.key;
    }
    return ag_schema_unknown(r, member, "unknown member", r->secret ? NULL : member->key, words, n);
}

int ag_schema_additional(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                         const struct ag_node *node)
{
    const ag_value *known = ag_value_get(schema, "properties");
    bool none = ag_value_is(word, ARGO_TYPE_BOOL) && !ag_value_as_bool(word);
    struct ag_value_iter it = {0};
    int rc = ag_schema_charge(r, ag_value_size(node->value));
    while (ag_value_is(node->value, ARGO_TYPE_OBJECT) && go_on(r, rc) &&
           ag_value_next(node->value, &it)) {
        const struct ag_node member = {node, r->secret ? "*" : it.key, 0, it.value};
        if (ag_value_get(known, it.key) == NULL) {
            rc = worse(rc, none ? unknown_member(r, &member, known)
                                : ag_schema_apply(r, word, &member));
        }
    }
    return rc;
}

/* ---- arrays -------------------------------------------------------------------------------- */

int ag_schema_prefix_items(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                           const struct ag_node *node)
{
    size_t n = ag_value_size(word);
    int rc = 0;
    for (size_t i = 0; ag_value_is(node->value, ARGO_TYPE_ARRAY) && go_on(r, rc) && i < n &&
                       i < ag_value_size(node->value);
         i++) {
        const struct ag_node item = ag_node_element(node, i);
        rc = worse(rc, ag_schema_apply(r, ag_value_at(word, i), &item));
    }
    return rc;
}

int ag_schema_items(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                    const struct ag_node *node)
{
    size_t n = ag_value_size(node->value);
    int rc = 0;
    for (size_t i = ag_value_size(ag_value_get(schema, "prefixItems"));
         ag_value_is(node->value, ARGO_TYPE_ARRAY) && go_on(r, rc) && i < n; i++) {
        const struct ag_node item = ag_node_element(node, i);
        rc = worse(rc, ag_schema_apply(r, word, &item));
    }
    return rc;
}

int ag_schema_unique(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                     const struct ag_node *node)
{
    size_t n = ag_value_is(node->value, ARGO_TYPE_ARRAY) && ag_value_as_bool(word)
                   ? ag_value_size(node->value)
                   : 0;
    for (size_t i = 1; i < n; i++) {
        const struct ag_node item = ag_node_element(node, i);
        for (size_t k = 0; k < i; k++) {
            int rc = ag_schema_equal(r, ag_value_at(node->value, k), item.value);
            if (rc != 0) {
                return rc < 0 ? rc
                              : ag_schema_problem(r, &item, "the same as another one",
                                                  "each item once");
            }
        }
    }
    return 0;
}

/* ---- schemas put together ------------------------------------------------------------------ */

/* Whether the value fits, without saying why not. */
static int fits(struct ag_schema_run *r, const ag_value *schema, const struct ag_node *node)
{
    ag_schema_problem_fn fn = r->fn;
    r->fn = NULL;
    int rc = ag_schema_apply(r, schema, node);
    r->fn = fn;
    return rc;
}

int ag_schema_all_of(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                     const struct ag_node *node)
{
    struct ag_value_iter it = {0};
    int rc = 0;
    while (go_on(r, rc) && ag_value_next(word, &it)) {
        rc = worse(rc, ag_schema_apply(r, it.value, node));
    }
    return rc;
}

/* The titles of the alternatives, which are there for that. */
static int no_alternative(struct ag_schema_run *r, const struct ag_node *node, const ag_value *word)
{
    const char *titles[64];
    size_t n = 0;
    struct ag_value_iter it = {0};
    while (n < AG_ARRAY_SIZE(titles) && ag_value_next(word, &it)) {
        const char *title = ag_value_get_text(it.value, "title", NULL);
        if (title == NULL) {
            return ag_schema_problem(r, node, "fits none of the alternatives", "one of them");
        }
        titles[n++] = title;
    }
    return ag_schema_unknown(r, node, "fits none of the alternatives", NULL, titles, n);
}

int ag_schema_any_of(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                     const struct ag_node *node)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(word, &it)) {
        int rc = fits(r, it.value, node);
        if (rc <= 0) {
            return rc;
        }
    }
    return no_alternative(r, node, word);
}

int ag_schema_one_of(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                     const struct ag_node *node)
{
    struct ag_value_iter it = {0};
    size_t n = 0;
    while (ag_value_next(word, &it)) {
        int rc = fits(r, it.value, node);
        if (rc < 0) {
            return rc;
        }
        n += rc == 0;
    }
    if (n == 0) {
        return no_alternative(r, node, word);
    }
    return n == 1 ? 0
                  : ag_schema_problem(r, node, "fits more than one of the alternatives",
                                      "exactly one of them");
}

int ag_schema_not(struct ag_schema_run *r, const ag_value *schema, const ag_value *word,
                  const struct ag_node *node)
{
    int rc = fits(r, word, node);
    return rc < 0   ? rc
           : rc > 0 ? 0
                    : ag_schema_problem(r, node, "this is what is not allowed", "something else");
}
