/*
 * Sessions: names under which runs are started and CIs registered, to look at them and to act on the
 * runs together. A session owns nothing: a run that has ended keeps the name also when the session has
 * gone; a CI leaves it and stays.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "domain/internal.h"

#define GENERATED  "sess_"
#define NUMBER_KEY "session_number" /* the highest that was given out: none is given out twice */
#define NUMBER_MAX \
    INT64_C(1000000000000000) /* an id above it, which somebody chose, counts for none */

/* ---- which there are ------------------------------------------------------------------------- */

/* The N of "sess_N", 0 of any other id. */
static int64_t number_of(const char *session_id)
{
    int64_t n = 0;
    if (ag_starts_with(session_id, GENERATED)) {
        (void)ag_parse_i64(session_id + strlen(GENERATED), "number", 1, NUMBER_MAX, &n, NULL);
    }
    return n;
}

static int remember(const struct ag_session *session, void *user)
{
    ag_domain *d = user;
    int64_t n = number_of(session->session_id);
    d->session_number = n > d->session_number ? n : d->session_number;
    return ag_map_put(d->sessions, session->session_id, d);
}

int ag_sessions_load(ag_domain *d, argo_error **err)
{
    ag_auto_free char *number = NULL;
    d->session_number = 0;
    int r = ag_store_meta(d->store, NUMBER_KEY, &number, err);
    if (r > 0) {
        r = ag_parse_i64(number, NUMBER_KEY, 0, NUMBER_MAX, &d->session_number, err);
    }
    return r < 0 ? r : ag_store_sessions(d->store, "", INT64_MAX, remember, d, err);
}

int ag_session_check(ag_domain *d, const char *session_id, argo_error **err)
{
    if (ag_map_get(d->sessions, session_id) != NULL) {
        return 0;
    }
    const char *nearest = ag_map_nearest(d->sessions, session_id);
    return ag_error_field(err, ARGO_E_NO_SESSION, "session_id", "Session '%s' does not exist%s%s%s",
                          session_id, nearest == NULL ? "" : "; did you mean '",
                          nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

struct grouping {
    ag_value *runs, *cis; /* {session: [ids]} and {session: [names]} */
    int (*fn)(const struct ag_session *session, void *user);
    void *user;
};

static int group(ag_value *groups, const char *session_id, const char *name)
{
    if (session_id == NULL) {
        return 0;
    }
    ag_value *list = ag_value_get(groups, session_id);
    if (list == NULL) {
        list = ag_value_array();
        int r = ag_value_set(groups, session_id, list);
        if (r < 0) {
            return r;
        }
    }
    return ag_value_append(list, ag_value_text(name));
}

static int group_run(const struct ag_active_run *run, void *user)
{
    const struct grouping *g = user;
    return group(g->runs, run->session_id, run->workflow_id);
}

static int group_ci(const struct ag_ci *ci, void *user)
{
    const struct grouping *g = user;
    return group(g->cis, ci->session_id, ci->name);
}

/* What belongs to the session SESSION_ID, or (NULL) to any. */
static int group_all(ag_store *s, const char *session_id, struct grouping *g, argo_error **err)
{
    int r = g->runs == NULL || g->cis == NULL
                ? ag_error_nomem(err)
                : ag_store_active_runs(s, session_id, group_run, g, err);
    return r < 0 ? r : ag_store_cis(s, group_ci, g, err);
}

/* A new reference. */
static ag_value *grouped(const ag_value *groups, const char *session_id)
{
    ag_value *list = ag_value_ref(ag_value_get(groups, session_id));
    return list != NULL ? list : ag_value_array();
}

static int show_session(const struct ag_session *session, void *user)
{
    const struct grouping *g = user;
    struct ag_session shown = *session; /* borrows everything */
    AG_AUTO(ag_value) runs = grouped(g->runs, session->session_id);
    AG_AUTO(ag_value) cis = grouped(g->cis, session->session_id);
    shown.workflows = runs;
    shown.cis = cis;
    return g->fn(&shown, g->user);
}

int ag_session_each(ag_store *s, const char *after, int64_t limit,
                    int (*fn)(const struct ag_session *session, void *user), void *user,
                    argo_error **err)
{
    AG_AUTO(ag_value) runs = ag_value_object();
    AG_AUTO(ag_value) cis = ag_value_object();
    struct grouping g = {runs, cis, fn, user};
    int r = group_all(s, NULL, &g, err);
    return r < 0 ? r : ag_store_sessions(s, after, limit, show_session, &g, err);
}

int ag_session_find(ag_domain *d, const char *session_id, struct ag_session *out, argo_error **err)
{
    AG_AUTO(ag_value) runs = ag_value_object();
    AG_AUTO(ag_value) cis = ag_value_object();
    struct grouping g = {.runs = runs, .cis = cis};
    int r = ag_session_check(d, session_id, err);
    if (r == 0) {
        r = ag_store_session(d->store, session_id, out, err);
    }
    if (r == 0) { /* its commit is on its way */
        r = ag_error_set(err, ARGO_E_NO_SESSION, "Session '%s' does not exist", session_id);
    }
    if (r < 0) {
        return r;
    }
    r = group_all(d->store, session_id, &g, err);
    if (r < 0) {
        ag_record_clear(&ag_session_record, out);
        return r;
    }
    out->workflows = grouped(runs, session_id);
    out->cis = grouped(cis, session_id);
    return 0;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static int next_id(ag_domain *d, char **out, argo_error **err)
{
    int64_t n = d->session_number;
    do {
        free(*out);
        *out = ag_asprintf(GENERATED "%" PRId64, ++n);
        if (*out == NULL) {
            return ag_error_nomem(err);
        }
    } while (ag_map_get(d->sessions, *out) != NULL);
    return 0;
}

static void note_number(ag_domain *d, ag_txn *t, const char *session_id)
{
    int64_t n = number_of(session_id);
    if (n > d->session_number) {
        d->session_number = n;
        ag_txn_put_meta(t, NUMBER_KEY, session_id + strlen(GENERATED));
    }
}

int ag_session_add(ag_domain *d, const struct ag_session *session,
                   void (*keep)(ag_txn *t, const struct ag_session *session, void *user),
                   ag_done_fn done, void *user, argo_error **err)
{
    ag_auto_free char *id = ag_strdup(session->session_id);
    int r = 0;
    if (id != NULL && ag_map_get(d->sessions, id) != NULL) {
        return ag_error_field(err, ARGO_E_EXISTS, "session_id", "Session '%s' exists already", id);
    }
    if (ag_map_size(d->sessions) >= AG_MAX_SESSIONS) {
        return ag_error_set(err, ARGO_E_QUOTA, "There are %d sessions: remove some",
                            AG_MAX_SESSIONS);
    }
    if (id == NULL) {
        r = next_id(d, &id, err);
    }
    struct ag_change_set *c = NULL;
    r = r < 0 ? r : ag_change_new(d, 0, AG_CHANGE_STATE, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    if (ag_map_put(d->sessions, id, d) < 0) {
        ag_change_drop(c);
        return ag_error_nomem(err);
    }
    struct ag_session row = {.session_id = id,
                             .created = ag_context_now_ms(d->ctx),
                             .description = session->description};
    note_number(d, c->txn, id);
    ag_txn_put_session(c->txn, &row);
    if (keep != NULL) {
        AG_AUTO(ag_value) none = ag_value_array();
        row.workflows = row.cis = none;
        keep(c->txn, &row, user);
    }
    ag_change_commit(c);
    return 0;
}

/* ---- acting on all runs of one --------------------------------------------------------------- */

/* Something that is done to each run of a session. */
struct fan {
    ag_domain *domain;
    char *session_id;
    size_t left; /* runs that have not been heard of, and one more while there may be others */
    int (*act)(ag_domain *d, const char *workflow_id, ag_done_fn done, void *user,
               argo_error **err);
    bool leaving;            /* also to runs that are being abandoned */
    ag_session_each_fn each; /* may be NULL */
    void (*finished)(struct fan *fan);
    ag_keep_fn keep; /* of a removal */
    ag_done_fn done;
    void *user;
    argo_error *failure; /* of the store: nothing goes on */
};

struct branch {
    struct fan *fan;
    char *workflow_id;
};

static void fan_free(struct fan *fan)
{
    argo_error_free(fan->failure);
    free(fan->session_id);
    free(fan);
}

static void one_less(struct fan *fan)
{
    if (--fan->left == 0) {
        fan->finished(fan);
    }
}

static void branch_done(const argo_error *err, void *user)
{
    struct branch *b = user;
    struct fan *fan = b->fan;
    if (argo_error_code(err) == ARGO_E_STORE && fan->failure == NULL) {
        fan->failure = ag_error_copy(err);
    }
    if (fan->each != NULL) {
        fan->each(b->workflow_id, err, fan->user);
    }
    free(b->workflow_id);
    free(b);
    one_less(fan);
}

static void act_on(struct fan *fan, int64_t rid)
{
    const struct ag_live *live = ag_live_by_rid(fan->domain, rid);
    struct branch *b = live == NULL ? NULL : calloc(1, sizeof(*b));
    if (b == NULL) {
        return;
    }
    *b = (struct branch){fan, ag_strdup(live->row.workflow_id)};
    fan->left++;
    AG_AUTO(argo_error) err = NULL;
    if (b->workflow_id == NULL || fan->act(fan->domain, b->workflow_id, branch_done, b, &err) < 0) {
        branch_done(err, b);
    }
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The rids of its runs that have not ended, in their order, with LEAVING also those of which
 * something still lives; *OUT is the caller's. */
static int runs_of(const ag_domain *d, const char *session_id, bool leaving, int64_t **out,
                   size_t *out_n, argo_error **err)
{
    int64_t *rids = calloc(ag_map_size(d->by_rid) + 1, sizeof(*rids));
    if (rids == NULL) {
        return ag_error_nomem(err);
    }
    size_t cursor = 0, n = 0;
    const char *key = NULL;
    void *value = NULL;
    while (ag_map_next(d->by_rid, &cursor, &key, &value)) {
        const struct ag_live *live = value;
        if ((live->row.ended == 0 || (leaving && live->abandon != NULL)) &&
            ag_streq(live->row.session_id, session_id)) {
            rids[n++] = live->row.rid;
        }
    }
    qsort(rids, n, sizeof(*rids), by_number);
    *out = rids;
    *out_n = n;
    return 0;
}

static void guard_done(const argo_error *err, void *user)
{
    struct fan *fan = user;
    if (err != NULL && fan->failure == NULL) {
        fan->failure = ag_error_copy(err);
    }
    one_less(fan);
}

/* An empty commit of its own keeps the fan open until all have been asked, so that it never
 * finishes inside this call. */
static int fan_out(struct fan *fan, argo_error **err)
{
    ag_domain *d = fan->domain;
    ag_auto_free int64_t *rids = NULL;
    size_t n = 0;
    struct ag_change_set *c = NULL;
    int r = runs_of(d, fan->session_id, fan->leaving, &rids, &n, err);
    r = r < 0 ? r : ag_change_new(d, 0, 0, guard_done, fan, &c, err);
    if (r < 0) {
        return r;
    }
    fan->left = 1;
    ag_change_commit(c);
    for (size_t i = 0; i < n; i++) {
        act_on(fan, rids[i]);
    }
    return 0;
}

static int fan_new(ag_domain *d, const char *session_id, const struct fan *how, argo_error **err)
{
    int r = ag_session_check(d, session_id, err);
    if (r < 0) {
        return r;
    }
    struct fan *fan = calloc(1, sizeof(*fan));
    if (fan == NULL) {
        return ag_error_nomem(err);
    }
    *fan = *how;
    fan->domain = d;
    fan->session_id = ag_strdup(session_id);
    r = fan->session_id == NULL ? ag_error_nomem(err) : fan_out(fan, err);
    if (r < 0) {
        fan_free(fan);
    }
    return r;
}

static void acted(struct fan *fan)
{
    fan->done(fan->failure, fan->user);
    fan_free(fan);
}

static int pause_run(ag_domain *d, const char *workflow_id, ag_done_fn done, void *user,
                     argo_error **err)
{
    return ag_run_pause(d, workflow_id, NULL, done, user, err);
}

static int resume_run(ag_domain *d, const char *workflow_id, ag_done_fn done, void *user,
                      argo_error **err)
{
    return ag_run_resume(d, workflow_id, NULL, done, user, err);
}

int ag_session_pause(ag_domain *d, const char *session_id, bool resume, ag_session_each_fn each,
                     ag_done_fn done, void *user, argo_error **err)
{
    struct fan fan = {.act = resume ? resume_run : pause_run,
                      .each = each,
                      .finished = acted,
                      .done = done,
                      .user = user};
    return fan_new(d, session_id, &fan, err);
}

/* ---- removing -------------------------------------------------------------------------------- */

static int remove_now(ag_domain *d, const char *session_id, ag_keep_fn keep, ag_done_fn done,
                      void *user, argo_error **err)
{
    struct ag_change_set *c = NULL;
    int r = ag_change_new(d, 0, AG_CHANGE_STATE, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    ag_map_remove(d->sessions, session_id);
    ag_txn_remove_session(c->txn, session_id);
    ag_cis_leave(c, session_id);
    if (keep != NULL) {
        keep(c->txn, user);
    }
    ag_change_commit(c);
    return 0;
}

/* Runs that were started meanwhile go the same way. */
static void abandoned(struct fan *fan)
{
    ag_domain *d = fan->domain;
    ag_auto_free int64_t *rids = NULL;
    size_t n = 0;
    AG_AUTO(argo_error) err = ag_error_copy(fan->failure);
    int r = err != NULL ? ARGO_E_STORE : runs_of(d, fan->session_id, true, &rids, &n, &err);
    if (r == 0 && n > 0) {
        r = fan_out(fan, &err);
        if (r == 0) {
            return;
        }
    } else if (r == 0) {
        r = remove_now(d, fan->session_id, fan->keep, fan->done, fan->user, &err);
    }
    if (r < 0) {
        fan->done(err, fan->user);
    }
    fan_free(fan);
}

static int abandon_run(ag_domain *d, const char *workflow_id, ag_done_fn done, void *user,
                       argo_error **err)
{
    return ag_run_await_gone(d, workflow_id, done, user)
               ? 0
               : ag_run_abandon(d, workflow_id, NULL, done, user, err);
}

static int refuse_removal(ag_domain *d, const char *session_id, const int64_t *rids, size_t n,
                          argo_error **err)
{
    const struct ag_live *first = ag_live_by_rid(d, rids[0]);
    return ag_error_set(err, ARGO_E_STATE,
                        "%zu workflows of session '%s' have not ended, '%s' among them; end them, "
                        "or force it",
                        n, session_id, first->row.workflow_id);
}

int ag_session_remove(ag_domain *d, const char *session_id, bool force, ag_keep_fn keep,
                      ag_done_fn done, void *user, argo_error **err)
{
    ag_auto_free int64_t *rids = NULL;
    size_t n = 0;
    int r = ag_session_check(d, session_id, err);
    r = r < 0 ? r : runs_of(d, session_id, force, &rids, &n, err);
    if (r < 0) {
        return r;
    }
    if (n == 0) {
        return remove_now(d, session_id, keep, done, user, err);
    }
    if (!force) {
        return refuse_removal(d, session_id, rids, n, err);
    }
    struct fan fan = {.act = abandon_run,
                      .leaving = true,
                      .finished = abandoned,
                      .keep = keep,
                      .done = done,
                      .user = user};
    return fan_new(d, session_id, &fan, err);
}
