/*
 * decide: branches on a condition. Without `if_false` a false one goes to the next step.
 */
#include "exec/step.h"

static void start(struct ag_strand *s, void *state)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_expr) condition = NULL;
    struct ag_scope scope = ag_strand_scope(s);
    bool yes = false;
    int r = ag_expr_compile(ag_value_as_text(ag_strand_field(s, "condition")), &condition, &err);
    if (r == 0) {
        r = ag_expr_test(condition, &scope, &yes, &err);
    }
    if (r < 0) {
        ag_error_wrap(&err, "condition");
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_strand_set_output(s, "result", ag_value_bool(yes));
    ag_strand_go_to(s, ag_strand_field(s, yes ? "if_true" : "if_false"));
    ag_strand_done(s);
}

const struct ag_step_ops ag_step_decide = {.name = "decide", .start = start};
