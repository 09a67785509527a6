/*
 * A parsed text: its value, and beside it the place (line, column) of every member and element.
 * Knows nothing of workflows.
 *
 * Places are an array in document order, so they cost 12 bytes a value however deep it is. Their
 * order is that of the value's members; a node finds its place by walking both together.
 */
#ifndef AG_TEMPLATE_SOURCE_H
#define AG_TEMPLATE_SOURCE_H

#include "wire/value.h"

#define AG_SOURCE_MAX (1024 * 1024)

/* A member's place is its key's, an element's its value's. Lines and columns count from 1,
 * columns in characters. The places of what is inside are those up to END. */
struct ag_place {
    unsigned line, column;
    unsigned end;
};

typedef struct ag_source {
    ag_value *value;
    struct ag_place *places;
    size_t n_places, cap_places;
} ag_source;

/* A way from the root down to a value: the frames live on the stacks of those who walk. A node
 * without KEY is an element; the root has no PARENT. VALUE is NULL for a member that is missing. */
struct ag_node {
    const struct ag_node *parent;
    const char *key;
    size_t index;
    const ag_value *value;
};

/* JSON when the first character that is not blank is `{`, else YAML 1.2, core schema, without
 * aliases, anchors and tags. Errors are ARGO_E_JSON, "line L, column C: ...", also for YAML;
 * ARGO_E_TOO_LARGE above AG_SOURCE_MAX. */
int ag_source_parse(const char *text, size_t len, ag_source **out, argo_error **err);
void ag_source_free(ag_source *source);

/* The place of NODE, or of its nearest parent that is there. */
void ag_source_locate(const ag_source *source, const struct ag_node *node, unsigned *line,
                      unsigned *column);
/* "steps[2].next_step"; a key that is no plain word as ["a.b"]. Caller frees; NULL without
 * memory. */
char *ag_node_path(const struct ag_node *node);

static inline struct ag_node ag_node_member(const struct ag_node *parent, const char *key)
{
    return (struct ag_node){parent, key, 0, ag_value_get(parent->value, key)};
}

static inline struct ag_node ag_node_element(const struct ag_node *parent, size_t index)
{
    return (struct ag_node){parent, NULL, index, ag_value_at(parent->value, index)};
}

/* For the two parsers: adds a place (END still 0), -1 without memory; and ends it. */
int ag_source_place(ag_source *source, unsigned line, unsigned column);
void ag_source_end(ag_source *source, size_t place);
int ag_source_parse_json(ag_source *source, const char *text, size_t len, argo_error **err);
int ag_source_parse_yaml(ag_source *source, const char *text, size_t len, argo_error **err);

AG_DEFINE_AUTO(ag_source, ag_source_free)

#endif
