/*
 * Parking: a run that waits for people costs rows, no process. An answer or the deadline of a
 * question launches it again, and the step finds its question as it left it.
 */
#include "base/text.h"
#include "domain/internal.h"

static int check_open(struct ag_live *live, const struct ag_park *park, argo_error **err)
{
    int64_t now = ag_context_now_ms(live->domain->ctx);
    struct ag_value_iter it = {0};
    if (ag_value_size(park->question_ids) == 0) {
        return ag_error_field(err, ARGO_E_INVALID, "question_ids",
                              "question_ids: expected what the run waits for");
    }
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

int ag_run_park(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_park *park,
                ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    struct ag_change_set *c = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r == 0) {
        r = check_open(live, park, err);
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
    ag_txn_remove_run_tokens(c->txn, rid);
    ag_live_arm_deadlines(live);
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

/* ---- deadlines ------------------------------------------------------------------------------- */

static void arm(ag_domain *d, int64_t at)
{
    if (d->deadline_at == 0 || at < d->deadline_at) {
        d->deadline_at = at;
        (void)ag_wall_arm(d->deadline, at);
    }
}

/* The earliest deadline of the run's open questions, 0 for none. */
static int64_t earliest(const struct ag_live *live)
{
    int64_t at = 0;
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

void ag_live_arm_deadlines(struct ag_live *live)
{
    int64_t at = earliest(live);
    if (at != 0) {
        arm(live->domain, at);
    }
}

/* The step itself acts on its deadline: it is only brought back to life for it. */
static void deadline_passed(ag_wall *wall, void *user)
{
    ag_domain *d = user;
    int64_t now = ag_context_now_ms(d->ctx);
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    d->deadline_at = 0;
    while (ag_map_next(d->by_rid, &cursor, &key, &value)) {
        struct ag_live *live = value;
        int64_t at = ag_live_parked(live) ? earliest(live) : 0;
        if (at != 0 && at <= now) {
            ag_live_unpark(d, live->row.rid, NULL);
        } else if (at != 0) {
            arm(d, at);
        }
    }
}

int ag_deadlines_new(ag_domain *d, argo_error **err)
{
    return ag_wall_new(d->loop, deadline_passed, d, &d->deadline, err);
}
