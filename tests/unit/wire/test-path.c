/*
 * Dotted paths: which are valid, what get finds, what set makes and what it refuses.
 */
#include <string.h>

#include "lib/runner.h"
#include "wire/value.h"

static ag_value *parse(const char *text)
{
    ag_value *v = NULL;
    ck_assert_int_eq(ag_value_parse(text, strlen(text), &v, NULL), 0);
    return v;
}

START_TEST(validity)
{
    static const char *const good[] = {"a", "_", "a.b", "A1._x.b2", "a.b.c.d"};
    static const char *const bad[] = {"",     ".",   "a.",  ".a",   "a..b", "1",        "a.1",
                                      "a.1b", "a b", "a-b", "a[0]", "a.b ", "\xc3\xa4", "a\n"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(good); i++) {
        ck_assert_msg(ag_value_path_valid(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_msg(!ag_value_path_valid(bad[i]), "%s", bad[i]);
    }
    char path[258];
    memset(path, 'a', 257);
    path[257] = '\0';
    ck_assert(!ag_value_path_valid(path));
    path[256] = '\0';
    ck_assert(ag_value_path_valid(path));
}
END_TEST

START_TEST(get)
{
    AG_AUTO(ag_value)
    v = parse("{\"a\":{\"b\":[{\"c\":7},\"x\"],\"0\":\"zero\",\"\":1},\"n\":null}");
    ck_assert_int_eq(ag_value_as_int(ag_value_path_get(v, "a.b.0.c")), 7);
    ck_assert_str_eq(ag_value_as_text(ag_value_path_get(v, "a.b.1")), "x");
    ck_assert_str_eq(ag_value_as_text(ag_value_path_get(v, "a.0")), "zero");
    ck_assert_int_eq(ag_value_as_int(ag_value_path_get(v, "a.")), 1);
    ck_assert(ag_value_is(ag_value_path_get(v, "n"), ARGO_TYPE_NULL));
    ck_assert_ptr_nonnull(ag_value_path_get(v, "n"));
    static const char *const missing[] = {
        "x",      "a.x",  "a.b.2", "a.b.00", "a.b.01",  "a.b.-1",
        "a.b.1x", "a.b.", "n.x",   "",       "a.b.1.x", "a.b.99999999999999999999"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(missing); i++) {
        ck_assert_msg(ag_value_path_get(v, missing[i]) == NULL, "%s", missing[i]);
    }
    ck_assert_ptr_null(ag_value_path_get(NULL, "a"));
}
END_TEST

START_TEST(set)
{
    AG_AUTO(ag_value) v = ag_value_object();
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_value_path_set(v, "a.b.c", ag_value_int(1), &err), 0);
    ck_assert_int_eq(ag_value_path_set(v, "a.b.d", ag_value_int(2), &err), 0);
    ck_assert_int_eq(ag_value_path_set(v, "e", ag_value_text("x"), &err), 0);
    ck_assert_int_eq(ag_value_path_set(v, "a.b.c", ag_value_array(), &err), 0);
    ag_auto_free char *text = ag_value_print(v, NULL);
    ck_assert_str_eq(text, "{\"a\":{\"b\":{\"c\":[],\"d\":2}},\"e\":\"x\"}");
}
END_TEST

START_TEST(set_refuses)
{
    AG_AUTO(ag_value) v = parse("{\"a\":{\"list\":[{}],\"t\":\"x\",\"n\":null}}");
    AG_AUTO(ag_value) before = ag_value_copy(v);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_value_path_set(v, "a.t.x", ag_value_text("y"), &err), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_details(err), "a.t.x: 'a.t' is text, not an object");
    ck_assert_int_eq(ag_value_path_set(v, "a.n.x.y", ag_value_text("y"), &err), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_path_set(v, "a.list.x", ag_value_text("y"), &err), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_path_set(v, "a.list.0", ag_value_text("y"), &err), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_path_set(v, "", ag_value_text("y"), &err), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_path_set(v, "a..b", ag_value_text("y"), NULL), ARGO_E_INVALID);
    ck_assert_int_eq(ag_value_path_set(v, "b.c", NULL, &err), ARGO_E_NOMEM);
    ck_assert(ag_value_equal(v, before));
    AG_AUTO(ag_value) array = ag_value_array();
    ck_assert_int_eq(ag_value_path_set(array, "a", ag_value_text("y"), &err), ARGO_E_INVALID);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wire-path");
    TCase *paths = tcase_create("paths");
    tcase_add_test(paths, validity);
    tcase_add_test(paths, get);
    tcase_add_test(paths, set);
    tcase_add_test(paths, set_refuses);
    suite_add_tcase(s, paths);
    return s;
}

ARGO_TEST_MAIN(suite)
