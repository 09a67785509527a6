/*
 * fail: ends the run as failed, on purpose.
 */
#include "exec/step.h"

static void start(struct ag_strand *s, void *state)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *message = NULL;
    if (ag_strand_text(s, "message", &message, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_strand_fail_run(s, AG_FAIL_FAIL, message);
}

const struct ag_step_ops ag_step_fail = {.name = "fail", .start = start};
