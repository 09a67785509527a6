/*
 * The router: the route table compiled once into a tree of segments. It finds, the server calls.
 */
#ifndef AG_HTTPD_ROUTER_H
#define AG_HTTPD_ROUTER_H

#include "httpd/httpd.h"

#define AG_ROUTE_METHODS  3 /* enum ag_method */
#define AG_ROUTE_SEGMENTS 12

typedef struct ag_router ag_router;

struct ag_match {
    const struct ag_route *routes[AG_ROUTE_METHODS]; /* by method; NULL: not allowed */
    const char *params[AG_ROUTE_SEGMENTS];           /* of the {name} segments, left to right */
    size_t n_params;
};

/* Refuses malformed patterns and two routes of one meaning. ROUTES is borrowed. */
int ag_router_new(const struct ag_route *routes, size_t n, ag_router **out, argo_error **err);
void ag_router_free(ag_router *router);

/* PATH is decoded; it is cut into segments in place and the parameters point into it. */
bool ag_router_find(const ag_router *router, char *path, struct ag_match *out);

/* The route for a METHOD of the wire ("HEAD" is "GET"), or NULL. */
const struct ag_route *ag_match_route(const struct ag_match *match, const char *method);
const char *ag_match_param(const struct ag_match *match, const struct ag_route *route,
                           const char *name);
/* The value of an Allow header. */
#define AG_ALLOW_SIZE 32
const char *ag_match_allow(const struct ag_match *match, char buf[AG_ALLOW_SIZE]);

AG_DEFINE_AUTO(ag_router, ag_router_free)

#endif
