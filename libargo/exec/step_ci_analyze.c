/*
 * ci_analyze: has a CI do something with content: a task, and what it is about. The prompt is made of
 * the step's fields, in the order of the table below.
 */
#include "exec/ci.h"

static const char rules[] =
    "Do the task with the content that is given, and with nothing that is not there. Reply with the "
    "result alone, without an introduction.";

static const struct ag_asking_part parts[] = {
    {"task", ""},
    {"analysis_type", "Kind of analysis: "},
    {"analyze", "Analyze:\n"},
    {"determine", "Determine:\n"},
    {"identify", "Identify:\n"},
    {"extract", "Extract:\n"},
    {"calculate", "Calculate:\n"},
    {"review", "Review:\n"},
    {"generate", "Generate:\n"},
    {"content", "The content:\n"},
};

static void start(struct ag_strand *s, void *state)
{
    ag_asking_start(s, state, parts, AG_ARRAY_SIZE(parts), rules);
}

const struct ag_step_ops ag_step_ci_analyze = {
    .name = "ci_analyze",
    .start_row = true,
    .state_size = sizeof(struct ag_asking),
    .start = start,
    .doing = ag_asking_doing,
    .free = ag_asking_free,
};
