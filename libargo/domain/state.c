/*
 * The run's state machine: the legal transitions, as one table. docs/architecture.md prints it and
 * a test compares.
 */
#include <assert.h>

#include "domain/internal.h"

#define BIT(state) (1U << (state))

/* From each state, the states it may become. The ends have none. */
static const unsigned transitions[] = {
    [AG_RUN_QUEUED] =
        BIT(AG_RUN_RUNNING) | BIT(AG_RUN_PAUSED) | BIT(AG_RUN_FAILED) | BIT(AG_RUN_ABANDONED),
    [AG_RUN_RUNNING] = BIT(AG_RUN_QUEUED) | BIT(AG_RUN_WAITING) | BIT(AG_RUN_PAUSED) |
                       BIT(AG_RUN_STALLED) | BIT(AG_RUN_DONE) | BIT(AG_RUN_FAILED) |
                       BIT(AG_RUN_INTERRUPTED) | BIT(AG_RUN_ABANDONED),
    [AG_RUN_WAITING] = BIT(AG_RUN_QUEUED) | BIT(AG_RUN_RUNNING) | BIT(AG_RUN_PAUSED) |
                       BIT(AG_RUN_STALLED) | BIT(AG_RUN_DONE) | BIT(AG_RUN_FAILED) |
                       BIT(AG_RUN_INTERRUPTED) | BIT(AG_RUN_ABANDONED),
    /* An end that was reported before the pause is an end. */
    [AG_RUN_PAUSED] = BIT(AG_RUN_QUEUED) | BIT(AG_RUN_RUNNING) | BIT(AG_RUN_WAITING) |
                      BIT(AG_RUN_DONE) | BIT(AG_RUN_FAILED) | BIT(AG_RUN_INTERRUPTED) |
                      BIT(AG_RUN_ABANDONED),
    [AG_RUN_STALLED] = BIT(AG_RUN_QUEUED) | BIT(AG_RUN_RUNNING) | BIT(AG_RUN_WAITING) |
                       BIT(AG_RUN_PAUSED) | BIT(AG_RUN_DONE) | BIT(AG_RUN_FAILED) |
                       BIT(AG_RUN_INTERRUPTED) | BIT(AG_RUN_ABANDONED),
    [AG_RUN_DONE] = 0,
    [AG_RUN_FAILED] = 0,
    [AG_RUN_INTERRUPTED] =
        BIT(AG_RUN_QUEUED) | BIT(AG_RUN_PAUSED) | BIT(AG_RUN_FAILED) | BIT(AG_RUN_ABANDONED),
    [AG_RUN_ABANDONED] = 0,
};

bool ag_run_may_become(int from, int to)
{
    assert(from >= AG_RUN_QUEUED && from <= AG_RUN_ABANDONED);
    assert(to >= AG_RUN_QUEUED && to <= AG_RUN_ABANDONED);
    return (transitions[from] & BIT(to)) != 0;
}

int *ag_live_work(struct ag_live *live)
{
    bool covered = live->row.state == AG_RUN_PAUSED || live->row.state == AG_RUN_STALLED;
    return covered ? &live->row.beneath : &live->row.state;
}

int ag_live_move(struct ag_live *live, int state, argo_error **err)
{
    if (live->row.state == state) {
        return 0;
    }
    if (!ag_run_may_become(live->row.state, state)) {
        return ag_error_set(err, ARGO_E_STATE, "Workflow '%s' is %s and cannot become %s",
                            live->row.workflow_id, ag_run_state_words[live->row.state],
                            ag_run_state_words[state]);
    }
    live->row.state = state;
    return 0;
}
