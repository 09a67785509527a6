/*
 * Histograms: which bucket a duration is counted in, on both sides of each bound.
 */
#include "base/histogram.h"
#include "base/macros.h"
#include "lib/runner.h"

START_TEST(a_bound_is_within_its_bucket)
{
    for (int i = 0; i < AG_HISTOGRAM_BOUNDS; i++) {
        struct ag_histogram h = {0};
        int64_t bound = ag_histogram_bounds_us[i];
        ag_histogram_add(&h, bound);
        ag_histogram_add(&h, bound + 1);
        ck_assert_uint_eq(h.counts[i], 1);
        ck_assert_uint_eq(h.counts[i + 1], 1);
        ck_assert_uint_eq(h.sum_us, (uint64_t)bound * 2 + 1);
    }
}
END_TEST

START_TEST(bounds_grow)
{
    for (int i = 1; i < AG_HISTOGRAM_BOUNDS; i++) {
        ck_assert_int_gt(ag_histogram_bounds_us[i], ag_histogram_bounds_us[i - 1]);
    }
}
END_TEST

START_TEST(what_took_no_time_counts)
{
    struct ag_histogram h = {0};
    ag_histogram_add(&h, 0);
    ag_histogram_add(&h, -1);
    ck_assert_uint_eq(h.counts[0], 2);
    ck_assert_uint_eq(h.sum_us, 0);
}
END_TEST

static Suite *histogram_suite(void)
{
    Suite *s = suite_create("histogram");
    TCase *tc = tcase_create("histogram");
    tcase_add_test(tc, a_bound_is_within_its_bucket);
    tcase_add_test(tc, bounds_grow);
    tcase_add_test(tc, what_took_no_time_counts);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(histogram_suite)
