/*
 * The router: precedence, parameters, methods, malformed tables.
 */
#include <stdio.h>
#include <string.h>

#include "httpd/router.h"
#include "lib/runner.h"

#define ROUTE(m, p)                   \
    {                                 \
        .method = (m), .pattern = (p) \
    }

static const struct ag_route table[] = {
    ROUTE(AG_GET, "/api/health"),
    ROUTE(AG_GET, "/api/workflow/list"),
    ROUTE(AG_POST, "/api/workflow/start"),
    ROUTE(AG_GET, "/api/workflow/status/{id}"),
    ROUTE(AG_DELETE, "/api/workflow/abandon/{id}"),
    ROUTE(AG_GET, "/api/workflow/output/{id}"),
    ROUTE(AG_POST, "/api/workflow/output/{id}"),
    ROUTE(AG_GET, "/api/workflow/{id}/steps"),
    ROUTE(AG_POST, "/api/workflow/{id}/step/start"),
    ROUTE(AG_GET, "/api/registry/ci/{name}"),
    ROUTE(AG_DELETE, "/api/registry/ci/{name}"),
    ROUTE(AG_GET, "/api/{kind}/of/{id}"),
};

static ag_router *router;

static void setup(void)
{
    ck_assert_int_eq(ag_router_new(table, AG_ARRAY_SIZE(table), &router, NULL), 0);
}

static void teardown(void)
{
    ag_router_free(router);
}

/* "pattern" or "404" or "405 Allow". */
static const char *look_up(const char *method, const char *path, struct ag_match *match)
{
    static char text[128];
    static char cut[256];
    char allow[AG_ALLOW_SIZE];
    snprintf(cut, sizeof(cut), "%s", path);
    if (!ag_router_find(router, cut, match)) {
        return "404";
    }
    const struct ag_route *route = ag_match_route(match, method);
    if (route != NULL) {
        return route->pattern;
    }
    snprintf(text, sizeof(text), "405 %s", ag_match_allow(match, allow));
    return text;
}

START_TEST(finds_literals_and_parameters)
{
    struct ag_match m;
    ck_assert_str_eq(look_up("GET", "/api/health", &m), "/api/health");
    ck_assert_uint_eq(m.n_params, 0);
    ck_assert_str_eq(look_up("GET", "/api/workflow/status/x.1", &m), "/api/workflow/status/{id}");
    ck_assert_str_eq(ag_match_param(&m, m.routes[AG_GET], "id"), "x.1");
    ck_assert_ptr_null(ag_match_param(&m, m.routes[AG_GET], "i"));
    ck_assert_ptr_null(ag_match_param(&m, m.routes[AG_GET], "name"));
    ck_assert_str_eq(look_up("GET", "/api/any/of/z", &m), "/api/{kind}/of/{id}");
    ck_assert_str_eq(ag_match_param(&m, m.routes[AG_GET], "kind"), "any");
    ck_assert_str_eq(ag_match_param(&m, m.routes[AG_GET], "id"), "z");
}
END_TEST

START_TEST(literal_wins_from_the_left)
{
    struct ag_match m;
    ck_assert_str_eq(look_up("GET", "/api/workflow/status/steps", &m), "/api/workflow/status/{id}");
    ck_assert_str_eq(ag_match_param(&m, m.routes[AG_GET], "id"), "steps");
    ck_assert_str_eq(look_up("GET", "/api/workflow/mine/steps", &m), "/api/workflow/{id}/steps");
    ck_assert_str_eq(ag_match_param(&m, m.routes[AG_GET], "id"), "mine");
    /* A literal that leads nowhere gives way to the parameter, and leaves none behind. */
    ck_assert_str_eq(look_up("GET", "/api/workflow/list/steps", &m), "/api/workflow/{id}/steps");
    ck_assert_uint_eq(m.n_params, 1);
    ck_assert_str_eq(ag_match_param(&m, m.routes[AG_GET], "id"), "list");
    ck_assert_str_eq(look_up("GET", "/api/workflow/of/y", &m), "/api/{kind}/of/{id}");
    ck_assert_uint_eq(m.n_params, 2);
    ck_assert_str_eq(ag_match_param(&m, m.routes[AG_GET], "kind"), "workflow");
}
END_TEST

START_TEST(tells_404_from_405)
{
    struct ag_match m;
    ck_assert_str_eq(look_up("GET", "/", &m), "404");
    ck_assert_str_eq(look_up("GET", "", &m), "404");
    ck_assert_str_eq(look_up("GET", "*", &m), "404");
    ck_assert_str_eq(look_up("GET", "/api", &m), "404");
    ck_assert_str_eq(look_up("GET", "/api/health/", &m), "404");
    ck_assert_str_eq(look_up("GET", "//api/health", &m), "404");
    ck_assert_str_eq(look_up("GET", "/API/health", &m), "404");
    ck_assert_str_eq(look_up("GET", "/api/workflow/status/", &m), "404");
    ck_assert_str_eq(look_up("GET", "/api/workflow//steps", &m), "404");
    ck_assert_str_eq(look_up("GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n", &m), "404");
    ck_assert_str_eq(look_up("POST", "/api/health", &m), "405 GET, HEAD");
    ck_assert_str_eq(look_up("OPTIONS", "/api/workflow/output/x", &m), "405 GET, HEAD, POST");
    ck_assert_str_eq(look_up("PUT", "/api/registry/ci/x", &m), "405 GET, HEAD, DELETE");
    ck_assert_str_eq(look_up("get", "/api/health", &m), "405 GET, HEAD");
    ck_assert_str_eq(look_up("GET", "/api/workflow/abandon/x", &m), "405 DELETE");
    /* The structure decides: no other node is tried for its method. */
    ck_assert_str_eq(look_up("GET", "/api/workflow/abandon/steps", &m), "405 DELETE");
}
END_TEST

START_TEST(head_is_get)
{
    struct ag_match m;
    ck_assert_str_eq(look_up("HEAD", "/api/health", &m), "/api/health");
    ck_assert_str_eq(look_up("HEAD", "/api/workflow/start", &m), "405 POST");
}
END_TEST

START_TEST(refuses_bad_tables)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "api",
                                      "/api/",
                                      "/a//b",
                                      "/{}",
                                      "/{a",
                                      "/a}",
                                      "/x{a}",
                                      "/{a}x",
                                      "/{{a}}",
                                      "/a/{b}c/d",
                                      "/1/2/3/4/5/6/7/8/9/10/11/12/13"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        const struct ag_route route = ROUTE(AG_GET, bad[i]);
        ag_router *r = NULL;
        ck_assert_msg(ag_router_new(&route, 1, &r, NULL) == ARGO_E_INVALID, "'%s'", bad[i]);
        ck_assert_ptr_null(r);
    }
    const struct ag_route twice[] = {ROUTE(AG_GET, "/a/{x}"), ROUTE(AG_GET, "/a/{y}")};
    ag_router *r = NULL;
    ck_assert_int_eq(ag_router_new(twice, 2, &r, NULL), ARGO_E_INVALID);
    const struct ag_route longest = ROUTE(AG_GET, "/1/2/3/4/5/6/7/8/9/10/11/{x}");
    ck_assert_int_eq(ag_router_new(&longest, 1, &r, NULL), 0);
    ag_router_free(r);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("httpd-router");
    TCase *t = tcase_create("router");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, finds_literals_and_parameters);
    tcase_add_test(t, literal_wins_from_the_left);
    tcase_add_test(t, tells_404_from_405);
    tcase_add_test(t, head_is_get);
    tcase_add_test(t, refuses_bad_tables);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
