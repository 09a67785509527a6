/*
 * Parsed texts: choosing the syntax, the array of places, paths of nodes. The syntaxes are in
 * source_json.c and source_yaml.c.
 */
#include "template/source.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"

int ag_source_place(ag_source *source, unsigned line, unsigned column)
{
    if (source->n_places == source->cap_places) {
        size_t cap = source->cap_places == 0 ? 256 : source->cap_places * 2;
        struct ag_place *places = realloc(source->places, cap * sizeof(*places));
        if (places == NULL) {
            return -1;
        }
        source->places = places;
        source->cap_places = cap;
    }
    source->places[source->n_places++] = (struct ag_place){line, column, 0};
    return 0;
}

void ag_source_end(ag_source *source, size_t place)
{
    source->places[place].end = (unsigned)source->n_places;
}

int ag_source_parse(const char *text, size_t len, ag_source **out, argo_error **err)
{
    if (len > AG_SOURCE_MAX) {
        return ag_error_set(err, ARGO_E_TOO_LARGE, "%zu bytes, expected at most %d", len,
                            AG_SOURCE_MAX);
    }
    AG_AUTO(ag_source) source = calloc(1, sizeof(*source));
    if (source == NULL) {
        return ag_error_nomem(err);
    }
    size_t i = 0;
    while (i < len && isspace((unsigned char)text[i])) {
        i++;
    }
    int rc = i < len && text[i] == '{' ? ag_source_parse_json(source, text, len, err)
                                       : ag_source_parse_yaml(source, text, len, err);
    if (rc != 0) {
        return rc;
    }
    *out = ag_take(source);
    return 0;
}

void ag_source_free(ag_source *source)
{
    if (source == NULL) {
        return;
    }
    ag_value_unref(source->value);
    free(source->places);
    free(source);
}

/* The number of NODE among its parent's children, which is the order of their places. */
static size_t ordinal(const struct ag_node *node)
{
    if (node->key == NULL) {
        return node->index;
    }
    struct ag_value_iter it = {0};
    size_t n = 0;
    while (ag_value_next(node->parent->value, &it) && strcmp(it.key, node->key) != 0) {
        n++;
    }
    return n;
}

static size_t place_of(const ag_source *source, const struct ag_node *node)
{
    if (node->parent == NULL) {
        return 0;
    }
    size_t parent = place_of(source, node->parent);
    if (node->value == NULL || node->parent->value == NULL) {
        return parent;
    }
    size_t place = parent + 1;
    for (size_t n = ordinal(node); n > 0; n--) {
        place = source->places[place].end;
    }
    return place;
}

void ag_source_locate(const ag_source *source, const struct ag_node *node, unsigned *line,
                      unsigned *column)
{
    const struct ag_place *place = &source->places[place_of(source, node)];
    *line = place->line;
    *column = place->column;
}

static bool is_plain(const char *key)
{
    for (const char *p = key; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-') {
            return false;
        }
    }
    return *key != '\0';
}

static void add_path(struct ag_buf *b, const struct ag_node *node)
{
    if (node->parent == NULL) {
        return;
    }
    add_path(b, node->parent);
    if (node->key == NULL) {
        ag_buf_printf(b, "[%zu]", node->index);
    } else if (is_plain(node->key)) {
        ag_buf_printf(b, "%s%s", b->len > 0 ? "." : "", node->key);
    } else {
        ag_buf_printf(b, "[\"%s\"]", node->key);
    }
}

char *ag_node_path(const struct ag_node *node)
{
    ag_auto_buf b = AG_BUF_INIT(2 * AG_SOURCE_MAX);
    ag_buf_add_text(&b, "");
    add_path(&b, node);
    return ag_buf_take(&b);
}
