/*
 * A histogram of durations with fixed bounds, for metrics: counters, no lock, no allocation.
 */
#ifndef AG_BASE_HISTOGRAM_H
#define AG_BASE_HISTOGRAM_H

#include <stdint.h>

enum { AG_HISTOGRAM_BOUNDS = 17 };

struct ag_histogram {
    uint64_t counts[AG_HISTOGRAM_BOUNDS + 1]; /* each up to its bound; the last above all */
    uint64_t sum_us;
};

extern const int64_t ag_histogram_bounds_us[AG_HISTOGRAM_BOUNDS];

void ag_histogram_add(struct ag_histogram *h, int64_t us);

#endif
