/*
 * The table of step types that this version runs: a new type is one row here, one in
 * template/step_table.c and a file step_TYPE.c.
 */
#include "base/text.h"
#include "exec/step.h"

const struct ag_step_ops *const ag_step_rows[] = {
    &ag_step_display,     &ag_step_command,    &ag_step_set,     &ag_step_decide,
    &ag_step_read_file,   &ag_step_save_file,  &ag_step_ci_ask,  &ag_step_user_ask,
    &ag_step_user_choose, &ag_step_wait,       &ag_step_approve, &ag_step_form,
    &ag_step_ci_analyze,  &ag_step_ci_present, &ag_step_fail,
};
const size_t ag_step_rows_count = AG_ARRAY_SIZE(ag_step_rows);

const struct ag_step_ops *ag_step_ops_find(const char *name)
{
    for (size_t i = 0; i < ag_step_rows_count; i++) {
        if (ag_streq(ag_step_rows[i]->name, name)) {
            return ag_step_rows[i];
        }
    }
    return NULL;
}
