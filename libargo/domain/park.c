/*
 * Parking: a run that waits for people or for a time costs rows, no process. An answer, the
 * deadline of a question or the time launches it again, and the step finds things as it left them.
 */
#include "base/text.h"
#include "domain/internal.h"

static int check_open(struct ag_live *live, const struct ag_park *park, int64_t now,
                      argo_error **err)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(park->question_ids, &it)) {
        const char *id = ag_value_as_text(it.value);
        if (id == NULL) {
            return ag_error_field(err, ARGO_E_INVALID, "question_ids",
                                  "question_ids[%zu]: expected text", it.index);
        }
        const struct ag_question *q = ag_map_get(live->questions, id);
        if (q == NULL) {
            return ag_error_set(err, ARGO_E_STATE, "Question '%s' is not open any more: go on", id);
        }
        if (q->deadline != 0 && q->deadline <= now) {
            return ag_error_set(err, ARGO_E_STATE, "The deadline of '%s' has passed: go on", id);
        }
    }
    return 0;
}

static int check_park(struct ag_live *live, const struct ag_park *park, argo_error **err)
{
    int64_t now = ag_context_now_ms(live->domain->ctx);
    if (ag_value_size(park->question_ids) == 0 && park->until == 0) {
        return ag_error_field(err, ARGO_E_INVALID, "question_ids",
                              "question_ids: expected what the run waits for, or a time in until");
    }
    if (live->row.state == AG_RUN_PAUSED) {
        return ag_error_set(err, ARGO_E_STATE, "The workflow is paused: its executor stays");
    }
    if (park->until != 0 && park->until <= now) {
        char at[AG_TIME_SIZE];
        return ag_error_set(err, ARGO_E_STATE, "%s has come: go on",
                            ag_time_format(park->until, at));
    }
    return check_open(live, park, now, err);
}

/* The earliest of UNTIL and the deadlines of the open questions; 0: none. */
static int64_t earliest(const struct ag_live *live, int64_t until)
{
    int64_t at = until;
    size_t cursor = 0;
    const char *id = NULL;
    void *value = NULL;
    while (ag_map_next(live->questions, &cursor, &id, &value)) {
        const struct ag_question *q = value;
        if (q->deadline != 0 && (at == 0 || q->deadline < at)) {
            at = q->deadline;
        }
    }
    return at;
}

int ag_run_park(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_park *park,
                ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    struct ag_change_set *c = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r == 0) {
        r = check_park(live, park, err);
    }
    if (r == 0) {
        r = ag_live_move(live, AG_RUN_WAITING, err);
    }
    if (r == 0) {
        r = ag_change_new(d, rid, AG_CHANGE_STATE, done, user, &c, err);
    }
    if (r < 0) {
        return r;
    }
    live->row.epoch++;
    live->row.pid = 0;
    live->row.wake_at = earliest(live, park->until);
    ag_live_forget_variables(live);
    ag_txn_remove_run_tokens(c->txn, rid);
    ag_event_parked(c, live);
    ag_live_arm_wake(live);
    ag_log_info(d->ctx, "domain", "%s: parked", live->row.workflow_id);
    ag_change_commit(c);
    return 0;
}

void ag_live_unpark(ag_domain *d, int64_t rid, const argo_error *err)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    bool waits = live != NULL && live->row.pid == 0 &&
                 (live->row.state == AG_RUN_WAITING || live->row.state == AG_RUN_RUNNING);
    if (err == NULL && waits && live->row.ended == 0 && !d->quiesced) {
        ag_live_launch(live);
    }
}

void ag_live_call_back(struct ag_change_set *c, struct ag_live *live)
{
    if (ag_live_parked(live)) {
        c->then = ag_live_unpark;
    } else if (live->row.pid == 0 && *ag_live_work(live) == AG_RUN_WAITING) {
        *ag_live_work(live) = AG_RUN_QUEUED;
    }
}

/* ---- times ----------------------------------------------------------------------------------- */

/* The step itself acts on what has passed: it is only brought back to life for it. */
static void time_has_come(ag_wall *wall, void *user)
{
    struct ag_live *live = user;
    if (ag_live_parked(live)) {
        ag_live_unpark(live->domain, live->row.rid, NULL);
    }
}

/* Each has an alarm of its own in the loop's heap: with many parked runs an arrival or an end costs
 * the logarithm of their number. Without memory the run waits for its answer, or the next start. */
void ag_live_arm_wake(struct ag_live *live)
{
    ag_domain *d = live->domain;
    if (!ag_live_parked(live) || live->row.wake_at == 0) {
        return;
    }
    if ((live->wake == NULL && ag_wall_new(d->loop, time_has_come, live, &live->wake, NULL) < 0) ||
        ag_wall_arm(live->wake, live->row.wake_at) < 0) {
        ag_log_error(d->ctx, "domain", "%s: no alarm for its time", live->row.workflow_id);
    }
}

void ag_live_note_waiting(struct ag_live *live)
{
    bool waits = ag_map_size(live->questions) > 0 || live->flight.until != 0;
    int *state = ag_live_work(live);
    if (waits && *state == AG_RUN_RUNNING) {
        *state = AG_RUN_WAITING;
    } else if (!waits && *state == AG_RUN_WAITING) {
        *state = AG_RUN_RUNNING;
    }
}
