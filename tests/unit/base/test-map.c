/*
 * The hash map, also against a plain array as the model through many random changes.
 */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "lib/runner.h"

#define MODEL_KEYS 300

static int freed;

static void count_free(void *value)
{
    freed++;
    free(value);
}

START_TEST(an_empty_map_has_nothing)
{
    AG_AUTO(ag_map) m = ag_map_new(NULL);
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    ck_assert_uint_eq(ag_map_size(m), 0);
    ck_assert_ptr_null(ag_map_get(m, "a"));
    ck_assert_ptr_null(ag_map_take(m, "a"));
    ck_assert(!ag_map_remove(m, "a"));
    ck_assert(!ag_map_next(m, &cursor, &key, &value));
    ag_map_free(NULL);
}
END_TEST

START_TEST(keys_are_copied_and_compared_whole)
{
    AG_AUTO(ag_map) m = ag_map_new(NULL);
    char key[] = "abc";
    int one = 1;
    int two = 2;
    int none = 0;
    ck_assert_int_eq(ag_map_put(m, key, &one), 0);
    key[2] = 'd';
    ck_assert_ptr_null(ag_map_get(m, key));
    ck_assert_int_eq(ag_map_put(m, "ab", &two), 0);
    ck_assert_int_eq(ag_map_put(m, "", &none), 0);
    ck_assert_ptr_eq(ag_map_get(m, "abc"), &one);
    ck_assert_ptr_eq(ag_map_get(m, "ab"), &two);
    ck_assert_ptr_eq(ag_map_get(m, ""), &none);
    ck_assert_uint_eq(ag_map_size(m), 3);
}
END_TEST

START_TEST(values_are_freed_once)
{
    freed = 0;
    ag_map *m = ag_map_new(count_free);
    char *kept = ag_strdup("kept");
    ck_assert_int_eq(ag_map_put(m, "a", ag_strdup("1")), 0);
    ck_assert_int_eq(ag_map_put(m, "a", kept), 0);
    ck_assert_int_eq(freed, 1);
    ck_assert_int_eq(ag_map_put(m, "a", kept), 0); /* the same value again */
    ck_assert_int_eq(freed, 1);
    ck_assert_int_eq(ag_map_put(m, "b", ag_strdup("2")), 0);
    ck_assert(ag_map_remove(m, "b"));
    ck_assert(!ag_map_remove(m, "b"));
    ck_assert_int_eq(freed, 2);
    ag_auto_free char *taken = ag_map_take(m, "a");
    ck_assert_ptr_eq(taken, kept);
    ck_assert_int_eq(freed, 2);
    ck_assert_int_eq(ag_map_put(m, "c", ag_strdup("3")), 0);
    ag_map_free(m);
    ck_assert_int_eq(freed, 3);
}
END_TEST

START_TEST(a_key_of_the_map_may_remove_itself)
{
    AG_AUTO(ag_map) m = ag_map_new(free);
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    ck_assert_int_eq(ag_map_put(m, "only", ag_strdup("v")), 0);
    ck_assert(ag_map_next(m, &cursor, &key, &value));
    ck_assert(ag_map_remove(m, key));
    ck_assert_uint_eq(ag_map_size(m), 0);
}
END_TEST

static void check_against_model(const ag_map *m, const int *model[MODEL_KEYS])
{
    size_t expected = 0;
    for (int i = 0; i < MODEL_KEYS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%d", i);
        ck_assert_ptr_eq(ag_map_get(m, key), model[i]);
        expected += model[i] != NULL ? 1 : 0;
    }
    ck_assert_uint_eq(ag_map_size(m), expected);
    size_t cursor = 0;
    size_t seen = 0;
    const char *key = NULL;
    void *value = NULL;
    while (ag_map_next(m, &cursor, &key, &value)) {
        ck_assert_ptr_eq(model[strtol(key + 4, NULL, 10)], value);
        seen++;
    }
    ck_assert_uint_eq(seen, expected);
}

START_TEST(many_changes_match_the_model)
{
    AG_AUTO(ag_map) m = ag_map_new(NULL);
    const int *model[MODEL_KEYS] = {NULL};
    static int values[MODEL_KEYS];
    unsigned state = 12345;
    for (int round = 0; round < 20000; round++) {
        state = state * 1103515245u + 12345u;
        unsigned i = (state >> 8) % MODEL_KEYS;
        char key[16];
        snprintf(key, sizeof(key), "key-%u", i);
        if ((state >> 28) % 2 == 0) {
            ck_assert_int_eq(ag_map_put(m, key, &values[i]), 0);
            model[i] = &values[i];
        } else {
            ck_assert_ptr_eq(ag_map_take(m, key), model[i]);
            model[i] = NULL;
        }
        if (round % 1000 == 0) {
            check_against_model(m, model);
        }
    }
    check_against_model(m, model);
}
END_TEST

static Suite *map_suite(void)
{
    Suite *s = suite_create("map");
    TCase *tc = tcase_create("map");
    tcase_add_test(tc, an_empty_map_has_nothing);
    tcase_add_test(tc, keys_are_copied_and_compared_whole);
    tcase_add_test(tc, values_are_freed_once);
    tcase_add_test(tc, a_key_of_the_map_may_remove_itself);
    tcase_add_test(tc, many_changes_match_the_model);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(map_suite)
