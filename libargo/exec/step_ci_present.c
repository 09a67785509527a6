/*
 * ci_present: has a CI present data to people. The prompt is made of the step's fields.
 */
#include "exec/ci.h"

static const char rules[] =
    "Present the data to a person. Leave nothing out that matters, and add nothing that is not there. "
    "Reply with the presentation alone, without an introduction.";

static const struct ag_asking_part parts[] = {
    {"topic", "Topic: "},
    {"format", "Format: "},
    {"sections", "These sections, in this order:\n"},
    {"template", "In the manner of this template:\n"},
    {"data", "The data:\n"},
};

static void start(struct ag_strand *s, void *state)
{
    ag_asking_start(s, state, parts, AG_ARRAY_SIZE(parts), rules);
}

const struct ag_step_ops ag_step_ci_present = {
    .name = "ci_present",
    .start_row = true,
    .state_size = sizeof(struct ag_asking),
    .start = start,
    .doing = ag_asking_doing,
    .free = ag_asking_free,
};
