/*
 * Request paths: hostile arguments cannot leave their place.
 */
#include <string.h>

#include <argo/client.h>

#include "client/client.h"
#include "lib/runner.h"

static void check(char *got, const char *expected)
{
    ck_assert_str_eq(got, expected);
    free(got);
}

START_TEST(arguments_are_encoded)
{
    check(ag_client_path("/api/x"), "/api/x");
    check(ag_client_path("/api/workflow/{}/steps", "a_b-1.2~"), "/api/workflow/a_b-1.2~/steps");
    check(ag_client_path("/{}/{}?after={}", "a", "b", "7"), "/a/b?after=7");
    check(ag_client_path("/{}", "../..?x=1&y#z"), "/..%2F..%3Fx%3D1%26y%23z");
    check(ag_client_path("/{}", "a b+\r\n%"), "/a%20b%2B%0D%0A%25");
    check(ag_client_path("/{}", "\xC3\xA4\xFF"), "/%C3%A4%FF");
    check(ag_client_path("/{}/x", "{}"), "/%7B%7D/x");
    check(ag_client_path("/{}/x", ""), "//x");
    check(ag_client_path("/{}/x", (const char *)NULL), "//x");
}
END_TEST

START_TEST(the_public_face)
{
    check(argo_client_path("/api/registry/ci/{}?force={}", "a/b", "true"),
          "/api/registry/ci/a%2Fb?force=true");
    ck_assert_ptr_null(argo_client_path(NULL));
}
END_TEST

START_TEST(length_is_bounded)
{
    char argument[22000];
    memset(argument, ' ', sizeof(argument) - 1);
    argument[sizeof(argument) - 1] = '\0';
    ck_assert_ptr_null(ag_client_path("/{}", argument));
    argument[21000] = '\0';
    char *path = ag_client_path("/{}", argument);
    ck_assert_uint_eq(strlen(path), 63001);
    free(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("path");
    TCase *tc = tcase_create("path");
    tcase_add_test(tc, arguments_are_encoded);
    tcase_add_test(tc, the_public_face);
    tcase_add_test(tc, length_is_bounded);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
