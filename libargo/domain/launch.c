/*
 * How a run gets its process: a new epoch and token, committed, then the launch port; or one that
 * lives already is adopted. When a run should be launched is lifecycle.c's.
 *
 * Many may have to be launched at once: those whose time came while the daemon was away, all that
 * wait for the same morning. Only so many start up at a time, the others wait in a queue: neither
 * the daemon nor the machine stands still for them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "domain/internal.h"

#define STARTING_MAX 16 /* executors that have not asked for anything yet */
#define PATIENCE_MS  10000

struct launch {
    ag_domain *domain;
    int64_t rid;
    int64_t epoch; /* the one that the token is for */
    char token[65];
    argo_error *failure; /* of the spawn */
    ag_done_fn done;
    void *user;
};

static void launch_done(struct launch *l, const argo_error *err)
{
    if (l->done != NULL) {
        l->done(err, l->user);
    }
    argo_error_free(l->failure);
    explicit_bzero(l->token, sizeof(l->token));
    free(l);
}

static void launch_recorded(const argo_error *err, void *user)
{
    struct launch *l = user;
    launch_done(l, err != NULL ? err : l->failure);
}

/* The spawn failed: the run stays, as failed, and says why. */
static void launch_failed(struct ag_live *live, struct launch *l)
{
    ag_auto_free char *text = ag_error_text(l->failure);
    const char *shown = text == NULL ? "" : text;
    AG_AUTO(ag_value) error = ag_error_value("spawn", shown);
    ag_log_error(l->domain->ctx, "domain", "%s: %s", live->row.workflow_id, shown);
    struct ag_change_set *c = NULL;
    if (ag_change_new(l->domain, l->rid, AG_CHANGE_STATE, launch_recorded, l, &c, NULL) < 0) {
        launch_done(l, l->failure);
        return;
    }
    ag_live_end(c, live, AG_RUN_FAILED, NULL, error);
    ag_change_commit(c);
}

static void note_process(struct ag_live *live)
{
    ag_domain *d = live->domain;
    (void)ag_set_text(&live->row.boot_id, d->boot_id);
    int *state = ag_live_work(live);
    *state = *state == AG_RUN_QUEUED ? AG_RUN_RUNNING : *state;
    ag_live_watch_silence(live);
    if (live->row.started == 0) {
        live->row.started = ag_context_now_ms(d->ctx);
    }
}

/* Meanwhile something else may have come first. */
static bool wanted(const struct launch *l, const struct ag_live *live)
{
    return live != NULL && live->row.ended == 0 && !l->domain->quiesced && live->row.pid == 0 &&
           live->row.epoch == l->epoch && live->row.state != AG_RUN_PAUSED;
}

static bool launched(void *user, int64_t pid, int64_t start, const argo_error *err);

static int ask_port(struct ag_live *live, struct launch *l, argo_error **err)
{
    ag_domain *d = l->domain;
    struct ag_run_spec spec = {0};
    int r = ag_store_run_spec(d->store, l->rid, &spec, err);
    if (r == 0) {
        r = ag_error_set(err, ARGO_E_CORRUPT, "Workflow '%s' has no specification in the store",
                         live->row.workflow_id);
    }
    if (r > 0) {
        d->config.launch.launch(d->config.launch.user, &live->row, &spec, l->token, launched, l);
    }
    ag_run_spec_clear(&spec);
    return r;
}

/* The new epoch and its token are durable: now the process may start. */
static void launch_committed(const argo_error *err, void *user)
{
    struct launch *l = user;
    struct ag_live *live = ag_live_by_rid(l->domain, l->rid);
    if (err != NULL || !wanted(l, live)) {
        ag_live_started(live);
        launch_done(l, err);
        return;
    }
    live->launched_us = ag_monotonic_us();
    if (ask_port(live, l, &l->failure) < 0) {
        ag_live_started(live);
        launch_failed(live, l);
    }
}

static void record_launch(struct ag_live *live, struct launch *l)
{
    ag_domain *d = l->domain;
    struct ag_change_set *c = NULL;
    AG_AUTO(argo_error) why = NULL;
    ag_log_info(d->ctx, "domain", "%s: epoch %" PRId64 " runs as pid %" PRId64,
                live->row.workflow_id, live->row.epoch, live->row.pid);
    if (ag_change_new(d, l->rid, AG_CHANGE_STATE, launch_recorded, l, &c, &why) < 0) {
        launch_done(l, why);
        return;
    }
    ag_change_commit(c);
}

static bool launched(void *user, int64_t pid, int64_t start, const argo_error *err)
{
    struct launch *l = user;
    struct ag_live *live = ag_live_by_rid(l->domain, l->rid);
    if (!wanted(l, live) || argo_error_code(err) == ARGO_E_CANCELLED) {
        launch_committed(NULL, l); /* leaves it, or tries again */
        return false;
    }
    if (err != NULL) {
        l->failure = ag_error_copy(err);
        ag_live_started(live);
        launch_failed(live, l);
        return false;
    }
    live->row.pid = pid;
    live->row.pid_start = start;
    note_process(live);
    record_launch(live, l);
    return true;
}

static int put_token(struct ag_change_set *c, struct ag_live *live, char token[65],
                     argo_error **err)
{
    char id[AG_UUID_SIZE];
    int r = ag_random_hex(token, 64, err);
    if (r == 0) {
        r = ag_uuid(id, err);
    }
    if (r < 0) {
        return r;
    }
    char scope[] = "run";
    struct ag_token row = {
        .id = id, .scope = scope, .user = NULL, .rid = live->row.rid, .epoch = live->row.epoch};
    ag_sha256_hex(token, 64, row.sha256);
    ag_txn_remove_run_tokens(c->txn, live->row.rid);
    ag_txn_put_token(c->txn, &row);
    return 0;
}

int ag_live_prepare_launch(struct ag_live *live, ag_done_fn done, void *user,
                           struct ag_change_set **out, argo_error **err)
{
    ag_domain *d = live->domain;
    struct launch *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return ag_error_nomem(err);
    }
    struct ag_change_set *c = NULL;
    int r = ag_change_new(d, live->row.rid, AG_CHANGE_STATE, launch_committed, l, &c, err);
    if (r == 0) {
        live->row.epoch++;
        r = put_token(c, live, l->token, err);
    }
    if (r < 0) {
        ag_change_drop(c);
        free(l);
        return r;
    }
    live->row.pid = 0;
    live->row.state = AG_RUN_QUEUED;
    live->row.wake_at = 0;
    ag_wall_free(ag_take(live->wake));
    l->domain = d;
    l->rid = live->row.rid;
    l->epoch = live->row.epoch;
    l->done = done;
    l->user = user;
    *out = c;
    return 0;
}

/* ---- again, in turn --------------------------------------------------------------------------- */

/* A relaunch that cannot even be prepared (no memory, no randomness) is left to the next
 * recovery. */
static void launch_now(struct ag_live *live)
{
    AG_AUTO(argo_error) why = NULL;
    struct ag_change_set *c = NULL;
    if (ag_live_prepare_launch(live, NULL, NULL, &c, &why) < 0) {
        ag_log_error(live->domain->ctx, "domain", "%s is not launched: %s", live->row.workflow_id,
                     argo_error_details(why));
        return;
    }
    live->starting = true;
    live->domain->n_starting++;
    ag_change_commit(c);
}

static void arm_patience(ag_domain *d)
{
    ag_timer_arm(d->patience, d->config.patience_ms > 0 ? d->config.patience_ms : PATIENCE_MS);
}

void ag_live_launch(struct ag_live *live)
{
    ag_domain *d = live->domain;
    if (d->n_starting < STARTING_MAX && ag_list_empty(&d->queue)) {
        launch_now(live);
    } else if (ag_list_empty(&live->queued)) {
        ag_list_append(&d->queue, &live->queued);
        if (!ag_timer_armed(d->patience)) {
            arm_patience(d);
        }
    }
}

void ag_live_started(struct ag_live *live)
{
    if (live != NULL && live->starting) {
        live->starting = false;
        live->domain->n_starting--;
        if (!ag_list_empty(&live->domain->queue)) {
            ag_defer_schedule(live->domain->next_launch);
        }
    }
}

void ag_live_unqueue(struct ag_live *live)
{
    ag_list_remove(&live->queued);
    ag_live_started(live);
}

/* One that a killed daemon started, without having noted it, may have come to life meanwhile. */
static void launch_or_adopt(struct ag_live *live)
{
    if (ag_live_adopt(live)) {
        ag_live_recover_signals(live);
    } else {
        launch_now(live);
    }
}

/* What has changed since a run was queued may have made it somebody else's to launch. */
static void launch_next(ag_defer *defer, void *user)
{
    ag_domain *d = user;
    struct ag_live *live;
    while (d->n_starting < STARTING_MAX && !d->quiesced &&
           (live = ag_list_first(&d->queue, struct ag_live, queued)) != NULL) {
        ag_list_remove(&live->queued);
        if (live->row.ended == 0 && live->row.pid == 0 && live->row.state != AG_RUN_PAUSED) {
            launch_or_adopt(live);
        }
    }
    if (ag_list_empty(&d->queue)) {
        ag_timer_disarm(d->patience);
    }
}

/* Whatever keeps those that are starting, the others do not wait for it. */
static void lose_patience(ag_timer *timer, void *user)
{
    ag_domain *d = user;
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    while (ag_map_next(d->by_rid, &cursor, &key, &value)) {
        ((struct ag_live *)value)->starting = false;
    }
    d->n_starting = 0;
    arm_patience(d);
    launch_next(d->next_launch, d);
}

int ag_queue_new(ag_domain *d, argo_error **err)
{
    ag_list_init(&d->queue);
    int r = ag_defer_new(d->loop, launch_next, d, &d->next_launch, err);
    return r < 0 ? r : ag_timer_new(d->loop, lose_patience, d, &d->patience, err);
}

void ag_queue_free(ag_domain *d)
{
    ag_defer_free(d->next_launch);
    ag_timer_free(d->patience);
    d->next_launch = NULL;
    d->patience = NULL;
}

/* ---- adopting -------------------------------------------------------------------------------- */

/* The nonce is looked up only for one that has no lock. */
static bool adopt(struct ag_live *live, int64_t *pid)
{
    const struct ag_launch_port *port = &live->domain->config.launch;
    if (port->adopt(port->user, &live->row, NULL, pid)) {
        return true;
    }
    ag_auto_free char *nonce =
        live->row.pid != 0 ? ag_run_nonce(live->domain, live->row.rid) : NULL;
    return nonce != NULL && port->adopt(port->user, &live->row, nonce, pid);
}

bool ag_live_adopt(struct ag_live *live)
{
    ag_domain *d = live->domain;
    int64_t pid = 0;
    /* Of a parked run no process can be: its epoch was given to none. */
    if (live->row.ended != 0 || live->row.epoch == 0 || ag_live_parked(live) ||
        !adopt(live, &pid)) {
        return false;
    }
    live->row.pid = pid;
    note_process(live); /* the launch may be known to the store, and its process not yet */
    ag_live_count(live);
    ag_log_info(d->ctx, "domain", "%s: adopted pid %" PRId64, live->row.workflow_id, pid);
    return true;
}
