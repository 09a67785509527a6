/*
 * The life of a run: death, end, abandon, recovery. Signals and processes are
 * the launch port's; here is what they mean for the run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "base/text.h"
#include "domain/internal.h"

#define ENDING "ending" /* the decision of an abandoned run of which something may live */

ag_value *ag_error_value(const char *code, const char *message)
{
    ag_value *v = ag_value_object();
    if (ag_value_set(v, "code", ag_value_text(code)) < 0 ||
        ag_value_set(v, "message", ag_value_text_sane(message, strlen(message))) < 0) {
        ag_value_unref(v);
        return NULL;
    }
    return v;
}

/* ---- end ------------------------------------------------------------------------------------- */

void ag_live_end(struct ag_change_set *c, struct ag_live *live, int state, const ag_value *result,
                 const ag_value *error)
{
    ag_live_end_pause(live);
    live->row.state = state;
    live->row.ended = ag_context_now_ms(c->domain->ctx);
    ag_value_unref(live->row.result);
    live->row.result = ag_value_ref(result);
    ag_value *old = live->row.error;
    live->row.error = ag_value_ref(error);
    ag_value_unref(old);
    ag_flight_set(live, NULL);
    ag_live_cancel_questions(c, live);
    ag_txn_remove_run_tokens(c->txn, live->row.rid);
    ag_txn_forget_secrets(c->txn, live->row.rid);
    c->changes |= AG_CHANGE_STATE | AG_CHANGE_OUTPUT;
    c->ended = true;
    ag_log_info(c->domain->ctx, "domain", "%s: %s", live->row.workflow_id,
                ag_run_state_words[state]);
}

int ag_finish_state(const struct ag_finish *finish)
{
    return finish->status == 0 ? AG_RUN_DONE : AG_RUN_FAILED;
}

int ag_live_check_finish(ag_domain *d, int64_t rid, int64_t epoch, int state, struct ag_live **out,
                         argo_error **err)
{
    *out = ag_live_by_rid(d, rid);
    if (*out != NULL && (*out)->row.ended != 0 && (*out)->row.epoch == epoch &&
        (*out)->row.state == state) {
        return 1;
    }
    int r = ag_live_fenced(d, rid, epoch, out, err);
    if (r == 0 && !ag_run_may_become((*out)->row.state, state)) {
        r = ag_error_set(err, ARGO_E_STATE, "Workflow '%s' is %s and cannot become %s",
                         (*out)->row.workflow_id, ag_run_state_words[(*out)->row.state],
                         ag_run_state_words[state]);
    }
    return r;
}

void ag_live_finish(struct ag_change_set *c, struct ag_live *live, int state,
                    const ag_value *result, const ag_value *error)
{
    if (live->row.state == AG_RUN_PAUSED) {
        c->then = ag_live_let_go;
    }
    live->row.pid = 0;
    ag_live_end(c, live, state, result, error);
}

int ag_run_finish(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_finish *finish,
                  ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    struct ag_change_set *c = NULL;
    int state = ag_finish_state(finish);
    int repeated = ag_live_check_finish(d, rid, epoch, state, &live, err);
    int r = repeated < 0 ? repeated : ag_change_new(d, rid, 0, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    if (repeated == 0) {
        ag_live_finish(c, live, state, finish->result, finish->error);
    }
    ag_change_commit(c);
    return 0;
}

/* ---- what is left of a run's processes ------------------------------------------------------- */

/* Until nothing of a run lives: because it was abandoned, or because its executor died. */
struct ag_abandon {
    struct ag_list node;
    ag_domain *domain;
    int64_t rid;
    int64_t pid; /* the executor's, when it began */
    char *nonce;
    bool waits; /* for another one of the same run */
    ag_done_fn done;
    void *user;
};

static void abandon_free(struct ag_abandon *a)
{
    ag_list_remove(&a->node);
    free(a->nonce);
    free(a);
}

void ag_abandons_free(ag_domain *d)
{
    struct ag_abandon *a;
    while ((a = ag_list_first(&d->abandons, struct ag_abandon, node)) != NULL) {
        abandon_free(a);
    }
}

char *ag_run_nonce(ag_domain *d, int64_t rid)
{
    struct ag_run_spec spec = {0};
    char *nonce = NULL;
    if (ag_store_run_spec(d->store, rid, &spec, NULL) > 0) {
        nonce = ag_take(spec.nonce);
    }
    ag_run_spec_clear(&spec);
    return nonce;
}

/* What goes on until nothing of LIVE lives. */
static int abandon_new(struct ag_live *live, ag_done_fn done, void *user, struct ag_abandon **out,
                       argo_error **err)
{
    struct ag_abandon *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return ag_error_nomem(err);
    }
    *a = (struct ag_abandon){.domain = live->domain,
                             .rid = live->row.rid,
                             .pid = live->row.pid,
                             .nonce = ag_run_nonce(live->domain, live->row.rid),
                             .done = done,
                             .user = user};
    ag_list_append(&live->domain->abandons, &a->node);
    *out = a;
    return 0;
}

int ag_live_named(ag_domain *d, const char *workflow_id, struct ag_live **out, argo_error **err)
{
    struct ag_live *live = ag_map_get(d->by_id, workflow_id);
    if (live == NULL) {
        int64_t rid = 0;
        int r = ag_run_find(d, workflow_id, &rid, err);
        return r < 0 ? r
                     : ag_error_set(err, ARGO_E_STATE, "Workflow '%s' has ended already",
                                    workflow_id);
    }
    if (live->row.ended != 0) {
        return ag_error_set(err, ARGO_E_STATE, "Workflow '%s' is ending already", workflow_id);
    }
    *out = live;
    return 0;
}

/* ---- death ----------------------------------------------------------------------------------- */

static void describe_death(int status, char *text, size_t size)
{
    if (status == -1) {
        snprintf(text, size, "went away");
    } else if (WIFSIGNALED(status)) {
        snprintf(text, size, "was killed by signal %d", WTERMSIG(status));
    } else {
        snprintf(text, size, "exited with code %d", WEXITSTATUS(status));
    }
}

static void crashed(struct ag_live *live)
{
    char message[160];
    snprintf(message, sizeof(message), "The executor died %" PRId64 " times at '%.100s'",
             live->row.deaths, live->row.flight_path != NULL ? live->row.flight_path : "this step");
    AG_AUTO(ag_value) error = ag_error_value("crashed", message);
    struct ag_change_set *c = NULL;
    if (ag_change_new(live->domain, live->row.rid, AG_CHANGE_STATE, NULL, NULL, &c, NULL) == 0) {
        ag_live_end(c, live, AG_RUN_FAILED, NULL, error);
        ag_change_commit(c);
    }
}

/* A step that must not be repeated was under way: a person decides. */
static void interrupted(struct ag_live *live)
{
    struct ag_change_set *c = NULL;
    if (ag_change_new(live->domain, live->row.rid, AG_CHANGE_STATE, NULL, NULL, &c, NULL) < 0) {
        return;
    }
    *ag_live_work(live) = AG_RUN_INTERRUPTED;
    live->row.epoch++; /* whatever still speaks for the dead one is fenced off */
    ag_txn_remove_run_tokens(c->txn, live->row.rid);
    ag_live_ask_about_crash(c, live);
    ag_change_commit(c);
}

/* It is launched when the pause is over. */
static void stay_paused(struct ag_live *live)
{
    struct ag_change_set *c = NULL;
    if (ag_change_new(live->domain, live->row.rid, AG_CHANGE_STATE, NULL, NULL, &c, NULL) == 0) {
        *ag_live_work(live) = AG_RUN_QUEUED;
        ag_change_commit(c);
    }
}

/* What follows when a run that has not ended has lost its process. One that a reboot took has not
 * died of its step. */
static void go_on_without_process(struct ag_live *live, bool died)
{
    live->row.pid = 0;
    live->row.deaths += died ? 1 : 0;
    live->row.state = live->row.state == AG_RUN_STALLED ? live->row.beneath : live->row.state;
    if (live->row.deaths >= AG_MAX_DEATHS) {
        crashed(live);
    } else if (live->flight.path != NULL && live->flight.repeat_never &&
               live->row.decision == NULL) {
        interrupted(live);
    } else if (live->row.state == AG_RUN_PAUSED) {
        stay_paused(live);
    } else {
        ag_live_launch(live);
    }
}

/* The number of the dead executor stays in the row until here: a daemon that dies meanwhile comes
 * to the same point again. */
static void remains_ended(void *user)
{
    struct ag_abandon *a = user;
    struct ag_live *live = ag_live_by_rid(a->domain, a->rid);
    if (live != NULL && live->row.ended == 0 && live->row.pid == a->pid && !a->domain->quiesced) {
        go_on_without_process(live, true);
    }
    abandon_free(a);
}

/* What the dead executor was running must not go on beside its repetition. */
static void end_remains(struct ag_live *live)
{
    ag_domain *d = live->domain;
    struct ag_abandon *a = NULL;
    if (abandon_new(live, NULL, NULL, &a, NULL) < 0) {
        go_on_without_process(live, true);
        return;
    }
    d->config.launch.end(d->config.launch.user, &live->row, a->nonce, remains_ended, a);
}

void ag_domain_executor_ended(ag_domain *d, int64_t rid, int64_t pid, int status)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    if (live == NULL || live->row.ended != 0 || live->row.pid != pid) {
        return;
    }
    char how[64];
    ag_live_started(live);
    describe_death(status, how, sizeof(how));
    ag_log_warning(d->ctx, "domain", "%s: executor %" PRId64 " %s before the end of the run",
                   live->row.workflow_id, pid, how);
    if (!d->quiesced) {
        end_remains(live);
    }
}

/* ---- abandon --------------------------------------------------------------------------------- */

static struct ag_abandon *find_waiting(ag_domain *d, int64_t rid)
{
    struct ag_list *node, *next;
    ag_list_each(node, next, &d->abandons)
    {
        struct ag_abandon *a = AG_CONTAINER_OF(node, struct ag_abandon, node);
        if (a->waits && a->rid == rid) {
            return a;
        }
    }
    return NULL;
}

static void tell_waiting(ag_domain *d, int64_t rid, const argo_error *err)
{
    struct ag_abandon *a;
    while ((a = find_waiting(d, rid)) != NULL) {
        ag_done_fn done = a->done;
        void *user = a->user;
        abandon_free(a);
        done(err, user);
    }
}

bool ag_run_await_gone(ag_domain *d, const char *workflow_id, ag_done_fn done, void *user)
{
    struct ag_live *live = ag_map_get(d->by_id, workflow_id);
    struct ag_abandon *a = NULL;
    if (live == NULL || live->abandon == NULL || abandon_new(live, done, user, &a, NULL) < 0) {
        return false;
    }
    a->waits = true;
    return true;
}

/* The run leaves; when the store has failed a reload decides what it is now. */
static void abandon_finish(struct ag_abandon *a, const argo_error *err)
{
    ag_domain *d = a->domain;
    int64_t rid = a->rid;
    struct ag_live *live = ag_live_by_rid(a->domain, a->rid);
    if (live != NULL && err == NULL) {
        ag_live_remove(a->domain, live);
    } else if (live != NULL) {
        live->abandon = NULL;
    }
    if (a->done != NULL) {
        a->done(err, a->user);
    }
    abandon_free(a);
    tell_waiting(d, rid, err);
}

static void abandon_recorded(const argo_error *err, void *user)
{
    abandon_finish(user, err);
}

/* Nothing of the run lives any more: its pid goes from the row. */
static void abandon_nothing_lives(void *user)
{
    struct ag_abandon *a = user;
    struct ag_live *live = ag_live_by_rid(a->domain, a->rid);
    struct ag_change_set *c = NULL;
    AG_AUTO(argo_error) err = NULL;
    if (live == NULL || ag_change_new(a->domain, a->rid, 0, abandon_recorded, a, &c, &err) < 0) {
        abandon_finish(a, err);
        return;
    }
    live->row.pid = 0;
    (void)ag_set_text(&live->row.decision, NULL);
    ag_change_commit(c);
}

static void abandon_committed(const argo_error *err, void *user)
{
    struct ag_abandon *a = user;
    ag_domain *d = a->domain;
    struct ag_live *live = ag_live_by_rid(d, a->rid);
    if (err != NULL || live == NULL) {
        abandon_finish(a, err);
        return;
    }
    live->leaving = true;
    d->config.launch.end(d->config.launch.user, &live->row, a->nonce, abandon_nothing_lives, a);
}

/* The decision is durable before the first signal: a daemon that dies in between goes on killing,
 * not running. */
static int abandon_live(struct ag_live *live, ag_keep_fn keep, ag_done_fn done, void *user,
                        argo_error **err)
{
    struct ag_change_set *c = NULL;
    int r = abandon_new(live, done, user, &live->abandon, err);
    if (r == 0) {
        r = ag_change_new(live->domain, live->row.rid, AG_CHANGE_STATE, abandon_committed,
                          live->abandon, &c, err);
    }
    if (r < 0) {
        if (live->abandon != NULL) {
            abandon_free(ag_take(live->abandon));
        }
        return r;
    }
    live->row.epoch++;
    /* Until nothing of it lives. It may have no process of its own, and yet what a step has left. */
    (void)ag_set_text(&live->row.decision, ENDING);
    ag_live_end(c, live, AG_RUN_ABANDONED, NULL, NULL);
    if (keep != NULL) {
        keep(c->txn, user);
    }
    ag_change_commit(c);
    return 0;
}

int ag_run_abandon(ag_domain *d, const char *workflow_id, ag_keep_fn keep, ag_done_fn done,
                   void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    int r = ag_live_named(d, workflow_id, &live, err);
    return r < 0 ? r : abandon_live(live, keep, done, user, err);
}

/* ---- recovery -------------------------------------------------------------------------------- */

static void recover_one(struct ag_live *live)
{
    if (ag_live_adopt(live)) {
        ag_live_recover_signals(live);
        return;
    }
    bool undecided = live->row.state == AG_RUN_INTERRUPTED && live->row.decision == NULL;
    if (undecided) {
        live->row.pid = 0;
    } else if (live->row.state == AG_RUN_PAUSED && live->row.pid == 0) {
        /* it waits for the resume */
    } else if (ag_live_parked(live)) {
        ag_live_arm_wake(live);
    } else if (live->row.pid == 0) {
        ag_live_launch(live);
    } else if (ag_streq(live->row.boot_id, live->domain->boot_id)) {
        end_remains(live);
    } else {
        go_on_without_process(live, false);
    }
}

struct rid_list {
    int64_t *rids;
    size_t n;
};

static int leftover(const struct ag_run *run, void *user)
{
    struct rid_list *list = user;
    if (run->pid != 0 || ag_streq(run->decision, ENDING)) {
        int64_t *more = realloc(list->rids, (list->n + 1) * sizeof(*more));
        if (more == NULL) {
            return ARGO_E_NOMEM;
        }
        list->rids = more;
        list->rids[list->n++] = run->rid;
    }
    return 0;
}

static void end_leftover(ag_domain *d, int64_t rid)
{
    struct ag_run run = {0};
    if (ag_live_by_rid(d, rid) != NULL || ag_store_run_by_rid(d->store, rid, &run, NULL) <= 0) {
        return;
    }
    /* A new run may be about to take its id: then this waits for the next recovery. */
    if (ag_map_get(d->by_id, run.workflow_id) != NULL) {
        ag_run_clear(&run);
        return;
    }
    struct ag_live *live = ag_live_new(d, &run, NULL);
    if (live == NULL || ag_live_insert(d, live) < 0) {
        ag_live_free(live);
        return;
    }
    if (abandon_new(live, NULL, NULL, &live->abandon, NULL) < 0) {
        ag_live_remove(d, live);
        return;
    }
    abandon_committed(NULL, live->abandon);
}

/* Runs that were abandoned while the daemon died: what is left of them is ended now. */
static void end_leftovers(ag_domain *d)
{
    struct rid_list list = {0};
    struct ag_run_filter filter = {.state = AG_RUN_ABANDONED, .limit = 1000};
    (void)ag_store_runs(d->store, &filter, leftover, &list, NULL);
    for (size_t i = 0; i < list.n; i++) {
        end_leftover(d, list.rids[i]);
    }
    free(list.rids);
}

void ag_domain_recover(ag_domain *d)
{
    size_t n = ag_map_size(d->by_rid);
    int64_t *rids = calloc(n + 1, sizeof(*rids));
    if (rids == NULL) {
        return;
    }
    size_t count = 0;
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    while (count < n && ag_map_next(d->by_rid, &cursor, &key, &value)) {
        rids[count++] = ((struct ag_live *)value)->row.rid;
    }
    for (size_t i = 0; i < count; i++) {
        struct ag_live *live = ag_live_by_rid(d, rids[i]);
        if (live != NULL && live->row.ended == 0) {
            recover_one(live);
        }
    }
    free(rids);
    end_leftovers(d);
}
