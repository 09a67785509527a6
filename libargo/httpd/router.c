/*
 * Routes as a tree: one node per segment, literal children first, at most one {name} child. The
 * structure decides alone; a path whose node lacks the method is 405, never another node's.
 */
#include "httpd/router.h"

#include <stdio.h>
#include <string.h>

struct node {
    struct node *next; /* sibling */
    struct node *literals;
    struct node *param;
    const char *text; /* into the pattern */
    size_t len;
    const struct ag_route *routes[AG_ROUTE_METHODS];
};

struct ag_router {
    struct node root;
};

static const char *const method_names[AG_ROUTE_METHODS] = {
    [AG_GET] = "GET",
    [AG_POST] = "POST",
    [AG_DELETE] = "DELETE",
};

static void free_nodes(struct node *node)
{
    while (node != NULL) {
        struct node *next = node->next;
        free_nodes(node->literals);
        free_nodes(node->param);
        free(node);
        node = next;
    }
}

void ag_router_free(ag_router *router)
{
    if (router != NULL) {
        free_nodes(router->root.literals);
        free_nodes(router->root.param);
        free(router);
    }
}

static struct node *find_literal(const struct node *parent, const char *text, size_t len)
{
    struct node *child = parent->literals;
    while (child != NULL && (child->len != len || memcmp(child->text, text, len) != 0)) {
        child = child->next;
    }
    return child;
}

/* The child for one segment of a pattern, made when it is missing. NULL without memory. */
static struct node *grow(struct node *parent, const char *text, size_t len)
{
    bool is_param = text[0] == '{';
    struct node *child = is_param ? parent->param : find_literal(parent, text, len);
    if (child != NULL) {
        return child;
    }
    child = calloc(1, sizeof(*child));
    if (child == NULL) {
        return NULL;
    }
    child->text = text;
    child->len = len;
    if (is_param) {
        parent->param = child;
    } else {
        child->next = parent->literals;
        parent->literals = child;
    }
    return child;
}

static bool segment_valid(const char *text, size_t len)
{
    size_t braces = 0;
    for (size_t i = 0; i < len; i++) {
        braces += text[i] == '{' || text[i] == '}';
    }
    return len > 0 &&
           (braces == 0 || (braces == 2 && len > 2 && text[0] == '{' && text[len - 1] == '}'));
}

static int add_route(ag_router *router, const struct ag_route *route, argo_error **err)
{
    struct node *node = &router->root;
    const char *at = route->pattern;
    for (size_t depth = 0; *at != '\0'; depth++) {
        size_t len = *at == '/' ? strcspn(at + 1, "/") : 0;
        if (depth == AG_ROUTE_SEGMENTS || !segment_valid(at + 1, len)) {
            return ag_error_set(err, ARGO_E_INVALID, "route '%s' is malformed", route->pattern);
        }
        node = grow(node, at + 1, len);
        if (node == NULL) {
            return ag_error_nomem(err);
        }
        at += len + 1;
    }
    if (node == &router->root || node->routes[route->method] != NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "route '%s' is empty or a duplicate",
                            route->pattern);
    }
    node->routes[route->method] = route;
    return 0;
}

int ag_router_new(const struct ag_route *routes, size_t n, ag_router **out, argo_error **err)
{
    AG_AUTO(ag_router) router = calloc(1, sizeof(*router));
    if (router == NULL) {
        return ag_error_nomem(err);
    }
    for (size_t i = 0; i < n; i++) {
        int rc = add_route(router, &routes[i], err);
        if (rc < 0) {
            return rc;
        }
    }
    *out = ag_take(router);
    return 0;
}

static bool has_route(const struct node *node)
{
    return node->routes[AG_GET] != NULL || node->routes[AG_POST] != NULL ||
           node->routes[AG_DELETE] != NULL;
}

/* Depth is bounded by AG_ROUTE_SEGMENTS and each node is tried at most once per level. */
static const struct node *walk(const struct node *node, char *const *segments, size_t n,
                               struct ag_match *match)
{
    if (n == 0) {
        return has_route(node) ? node : NULL;
    }
    const struct node *literal = find_literal(node, segments[0], strlen(segments[0]));
    const struct node *found = literal != NULL ? walk(literal, segments + 1, n - 1, match) : NULL;
    if (found == NULL && node->param != NULL && segments[0][0] != '\0') {
        size_t mark = match->n_params;
        match->params[match->n_params++] = segments[0];
        found = walk(node->param, segments + 1, n - 1, match);
        if (found == NULL) {
            match->n_params = mark;
        }
    }
    return found;
}

bool ag_router_find(const ag_router *router, char *path, struct ag_match *out)
{
    char *segments[AG_ROUTE_SEGMENTS];
    size_t n = 0;
    *out = (struct ag_match){0};
    char *rest = path[0] == '/' ? path + 1 : NULL;
    for (char *segment; (segment = strsep(&rest, "/")) != NULL; n++) {
        if (n == AG_ROUTE_SEGMENTS) {
            return false;
        }
        segments[n] = segment;
    }
    const struct node *node = walk(&router->root, segments, n, out);
    if (node == NULL) {
        return false;
    }
    memcpy(out->routes, node->routes, sizeof(out->routes));
    return true;
}

const struct ag_route *ag_match_route(const struct ag_match *match, const char *method)
{
    if (strcmp(method, "HEAD") == 0) {
        method = "GET";
    }
    for (size_t i = 0; i < AG_ROUTE_METHODS; i++) {
        if (strcmp(method, method_names[i]) == 0) {
            return match->routes[i];
        }
    }
    return NULL;
}

const char *ag_match_param(const struct ag_match *match, const struct ag_route *route,
                           const char *name)
{
    const char *at = route->pattern;
    size_t len = strlen(name);
    for (size_t i = 0; i < match->n_params && (at = strchr(at, '{')) != NULL; i++, at++) {
        if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '}') {
            return match->params[i];
        }
    }
    return NULL;
}

const char *ag_match_allow(const struct ag_match *match, char buf[AG_ALLOW_SIZE])
{
    const char *comma = "";
    buf[0] = '\0';
    for (size_t i = 0; i < AG_ROUTE_METHODS; i++) {
        if (match->routes[i] != NULL) {
            size_t at = strlen(buf);
            snprintf(buf + at, AG_ALLOW_SIZE - at, "%s%s", comma,
                     i == AG_GET ? "GET, HEAD" : method_names[i]);
            comma = ", ";
        }
    }
    return buf;
}
