/*
 * Durations counted by the bounds of a fixed table, from 0.1 ms to half a minute.
 */
#include "base/histogram.h"

const int64_t ag_histogram_bounds_us[AG_HISTOGRAM_BOUNDS] = {
    100,    250,    500,    1000,    2500,    5000,    10000,    25000,    50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
};

/* A duration of exactly a bound is within it. */
void ag_histogram_add(struct ag_histogram *h, int64_t us)
{
    int i = 0;
    while (i < AG_HISTOGRAM_BOUNDS && us > ag_histogram_bounds_us[i]) {
        i++;
    }
    h->counts[i]++;
    h->sum_us += us > 0 ? (uint64_t)us : 0;
}
