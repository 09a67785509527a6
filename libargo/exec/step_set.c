/*
 * set: computes variables. All values are computed from what was before the step.
 */
#include "exec/step.h"

static void start(struct ag_strand *s, void *state)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) values = NULL;
    int r = ag_strand_value(s, "values", &values, &err);
    struct ag_value_iter it = {0};
    while (r == 0 && ag_value_next(values, &it)) {
        r = ag_strand_save(s, it.key, ag_value_copy(it.value), &err);
    }
    if (r < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_strand_done(s);
}

const struct ag_step_ops ag_step_set = {.name = "set", .start = start};
