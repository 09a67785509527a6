/*
 * What is measured of runs, for metrics: how long launches and answers take, what CIs have used, how
 * runs have ended. Counters in memory, changed where things change; no rule depends on them.
 */
#include <string.h>

#include "domain/internal.h"

/* A template or a CI may name a model as it likes; what comes after so many is counted together, as
 * is what is no name. */
#define MODELS_MAX  100
#define OTHER_MODEL "other"

const struct ag_domain_stats *ag_domain_stats(const ag_domain *d)
{
    return &d->stats;
}

void ag_live_measure(struct ag_live *live)
{
    struct ag_domain_stats *stats = &live->domain->stats;
    if (live->launched_us == 0 && live->answered_us == 0) {
        return;
    }
    int64_t now = ag_monotonic_us();
    if (live->launched_us != 0) {
        ag_histogram_add(&stats->launch, now - live->launched_us);
    }
    if (live->answered_us != 0) {
        ag_histogram_add(&stats->answer, now - live->answered_us);
    }
    ag_live_forget_times(live);
}

void ag_live_forget_times(struct ag_live *live)
{
    live->launched_us = 0;
    live->answered_us = 0;
}

static struct ag_usage *of_model(ag_map *usage, const char *model)
{
    struct ag_usage *sum = ag_map_get(usage, model);
    if (sum != NULL || (sum = calloc(1, sizeof(*sum))) == NULL) {
        return sum;
    }
    if (ag_map_put(usage, model, sum) < 0) {
        free(sum);
        return NULL;
    }
    return sum;
}

void ag_domain_count_usage(ag_domain *d, const ag_value *usage)
{
    if (usage == NULL) {
        return;
    }
    const char *model = ag_value_get_text(usage, "model", "");
    bool known = ag_map_get(d->stats.usage, model) != NULL;
    bool room = ag_map_size(d->stats.usage) < MODELS_MAX && strlen(model) <= AG_MAX_LABEL;
    struct ag_usage *sum = of_model(d->stats.usage, known || room ? model : OTHER_MODEL);
    if (sum != NULL) {
        ag_usage_add(sum, usage);
    }
}
