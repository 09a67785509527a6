/*
 * Pause and resume. A paused run keeps the state beneath: its work goes on changing that one, by
 * what was on its way when the pause came and by what people answer; but nothing of it is launched
 * and its processes stand still. Each is committed before the first signal goes out, and a start of
 * the daemon sends the signals again that a run's state asks for.
 */
#include <inttypes.h>

#include "base/text.h"
#include "domain/internal.h"

/* A pause whose processes are being stopped, or a resume. */
struct pausing {
    ag_domain *domain;
    int64_t rid;
    ag_done_fn done;
    void *user;
};

static struct pausing *pausing_new(struct ag_live *live, ag_done_fn done, void *user)
{
    struct pausing *p = calloc(1, sizeof(*p));
    if (p != NULL) {
        *p = (struct pausing){live->domain, live->row.rid, done, user};
    }
    return p;
}

static void finish(const argo_error *err, void *user)
{
    struct pausing *p = user;
    if (p->done != NULL) {
        p->done(err, p->user);
    }
    free(p);
}

/* ---- the clock ------------------------------------------------------------------------------- */

/* How long the pause under way has lasted. Between two daemons only the wall clock tells. */
static int64_t lasted(const struct ag_live *live)
{
    int64_t ms = live->paused_clock != 0
                     ? ag_loop_clock_ms(live->domain->loop) - live->paused_clock
                     : ag_context_now_ms(live->domain->ctx) - live->row.paused_at;
    return ms > 0 ? ms : 0;
}

void ag_live_end_pause(struct ag_live *live)
{
    if (live->row.paused_at != 0) {
        live->row.paused_ms += lasted(live);
        live->row.paused_at = 0;
        live->paused_clock = 0;
    }
}

/* ---- signals --------------------------------------------------------------------------------- */

static void stop_processes(struct ag_live *live, ag_done_fn done, void *user)
{
    ag_domain *d = live->domain;
    ag_auto_free char *nonce = ag_run_nonce(d, live->row.rid);
    d->config.launch.stop(d->config.launch.user, live->row.rid, nonce, done, user);
}

static void continue_processes(ag_domain *d, int64_t rid, int64_t paused_ms)
{
    ag_auto_free char *nonce = ag_run_nonce(d, rid);
    d->config.launch.cont(d->config.launch.user, rid, nonce, paused_ms);
}

void ag_live_let_go(ag_domain *d, int64_t rid, const argo_error *err)
{
    if (err == NULL) {
        continue_processes(d, rid, 0);
    }
}

static void ignore(const argo_error *err, void *user)
{
}

void ag_live_recover_signals(struct ag_live *live)
{
    if (live->row.state == AG_RUN_PAUSED) {
        stop_processes(live, ignore, NULL);
    } else if (live->row.paused_ms > 0) {
        continue_processes(live->domain, live->row.rid, live->row.paused_ms);
    }
}

/* ---- pause ----------------------------------------------------------------------------------- */

/* A resume may have come meanwhile: then there is nothing to stop. */
static void pause_committed(const argo_error *err, void *user)
{
    struct pausing *p = user;
    struct ag_live *live = ag_live_by_rid(p->domain, p->rid);
    if (err != NULL || live == NULL || live->row.state != AG_RUN_PAUSED || live->row.pid == 0) {
        finish(err, p);
        return;
    }
    stop_processes(live, finish, p);
}

static int apply_pause(struct ag_change_set *c, struct ag_live *live, argo_error **err)
{
    if (!ag_run_may_become(live->row.state, AG_RUN_PAUSED)) {
        return ag_error_set(err, ARGO_E_STATE, "Workflow '%s' is %s and cannot be paused",
                            live->row.workflow_id, ag_run_state_words[live->row.state]);
    }
    int r = ag_live_send(c, live, "pause", NULL, err);
    if (r == 0) {
        bool owed = !ag_list_empty(&live->queued);
        live->row.beneath = owed ? AG_RUN_QUEUED : *ag_live_work(live);
        ag_live_unqueue(live);
        live->row.state = AG_RUN_PAUSED;
        ag_live_forget_times(live);
        live->row.paused_at = ag_context_now_ms(live->domain->ctx);
        live->paused_clock = ag_loop_clock_ms(live->domain->loop);
    }
    return r;
}

/* ---- resume ---------------------------------------------------------------------------------- */

/* Without a process: what the pause has held back is done now. */
static void go_on(struct ag_live *live)
{
    bool decided = live->row.state == AG_RUN_INTERRUPTED && live->row.decision != NULL;
    if (live->domain->quiesced) {
        return;
    }
    if (decided || live->row.state == AG_RUN_QUEUED || live->row.state == AG_RUN_RUNNING) {
        ag_live_launch(live);
    } else {
        ag_live_arm_wake(live);
    }
}

static void resume_committed(const argo_error *err, void *user)
{
    struct pausing *p = user;
    struct ag_live *live = ag_live_by_rid(p->domain, p->rid);
    if (err == NULL && live != NULL && live->row.ended == 0 && live->row.state != AG_RUN_PAUSED) {
        if (live->row.pid != 0) {
            continue_processes(p->domain, p->rid, live->row.paused_ms);
        } else {
            go_on(live);
        }
    }
    finish(err, p);
}

static int apply_resume(struct ag_change_set *c, struct ag_live *live, argo_error **err)
{
    AG_AUTO(ag_value) payload = ag_value_object();
    int64_t paused_ms = live->row.paused_ms + lasted(live);
    if (ag_value_set(payload, "paused_ms", ag_value_int(paused_ms)) < 0) {
        return ag_error_nomem(err);
    }
    int r = ag_live_send(c, live, "resume", payload, err);
    if (r == 0) {
        ag_live_end_pause(live);
        live->row.state = live->row.beneath;
        ag_live_watch_silence(live);
    }
    return r;
}

/* ---- both ------------------------------------------------------------------------------------ */

typedef int (*apply_fn)(struct ag_change_set *c, struct ag_live *live, argo_error **err);

/* APPLY NULL: nothing changes, but what came before is waited for. */
static int change(struct ag_live *live, apply_fn apply, ag_done_fn committed, ag_keep_fn keep,
                  ag_done_fn done, void *user, argo_error **err)
{
    struct ag_change_set *c = NULL;
    struct pausing *p = pausing_new(live, done, user);
    int r = p == NULL ? ag_error_nomem(err)
                      : ag_change_new(live->domain, live->row.rid,
                                      apply == NULL ? 0 : AG_CHANGE_STATE, committed, p, &c, err);
    if (r == 0 && apply != NULL) {
        r = apply(c, live, err);
    }
    if (r < 0) {
        ag_change_drop(c);
        free(p);
        return r;
    }
    if (keep != NULL) {
        keep(c->txn, user);
    }
    ag_change_commit(c);
    return 0;
}

int ag_run_pause(ag_domain *d, const char *workflow_id, ag_keep_fn keep, ag_done_fn done,
                 void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    int r = ag_live_named(d, workflow_id, &live, err);
    if (r < 0) {
        return r;
    }
    bool already = live->row.state == AG_RUN_PAUSED;
    return change(live, already ? NULL : apply_pause, pause_committed, keep, done, user, err);
}

int ag_run_resume(ag_domain *d, const char *workflow_id, ag_keep_fn keep, ag_done_fn done,
                  void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    int r = ag_live_named(d, workflow_id, &live, err);
    if (r < 0) {
        return r;
    }
    if (live->row.state != AG_RUN_PAUSED) {
        return ag_error_set(err, ARGO_E_STATE, "Workflow '%s' is %s, not paused", workflow_id,
                            ag_run_state_words[live->row.state]);
    }
    return change(live, apply_resume, resume_committed, keep, done, user, err);
}
