/*
 * The domain object: what is loaded at the start, and again after a failed commit.
 */
#include <string.h>

#include "base/process.h"
#include "base/text.h"
#include "domain/internal.h"

#define RETRY_MS 1000 /* between a failed commit and the next try to go on */

static void live_free(void *p)
{
    ag_live_free(p);
}

static int load(ag_domain *d, argo_error **err)
{
    int r = ag_cis_load(d, err);
    r = r < 0 ? r : ag_sessions_load(d, err);
    return r < 0 ? r : ag_live_load(d, err);
}

struct tables {
    ag_map *by_id, *by_rid, *cis, *sessions;
};

static void tables_free(struct tables t)
{
    ag_map_free(t.by_rid);
    ag_map_free(t.by_id);
    ag_map_free(t.cis);
    ag_map_free(t.sessions);
}

/* The state is as the store has it: what has no process goes on; or it could not be loaded yet. */
static void retry(ag_timer *timer, void *user)
{
    ag_domain *d = user;
    if (d->stale) {
        ag_domain_reload(d);
    } else if (!d->quiesced) {
        ag_domain_recover(d);
    }
}

int ag_domain_new(const struct ag_domain_config *config, ag_domain **out, argo_error **err)
{
    ag_domain *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return ag_error_nomem(err);
    }
    d->config = *config;
    d->ctx = config->ctx;
    d->loop = config->loop;
    d->store = config->store;
    (void)ag_boot_id(d->boot_id, NULL);
    ag_list_init(&d->abandons);
    ag_watches_init(&d->question_watches);
    d->question_changes = ag_context_now_ms(d->ctx);
    d->by_id = ag_map_new(live_free);
    d->by_rid = ag_map_new(NULL);
    d->cis = ag_map_new(ag_ci_free);
    d->sessions = ag_map_new(NULL);
    d->starting = ag_map_new(free);
    d->stats.usage = ag_map_new(free);
    int r = d->by_id == NULL || d->by_rid == NULL || d->cis == NULL || d->sessions == NULL ||
                    d->starting == NULL || d->stats.usage == NULL
                ? ag_error_nomem(err)
                : ag_timer_new(d->loop, retry, d, &d->retry, err);
    if (r == 0) {
        r = ag_stalls_init(d, err);
    }
    if (r == 0) {
        r = ag_heartbeats_init(d, err);
    }
    if (r == 0) {
        r = ag_queue_new(d, err);
    }
    if (r == 0) {
        r = load(d, err);
    }
    if (r < 0) {
        ag_domain_free(d);
        return r;
    }
    *out = d;
    return 0;
}

void ag_domain_free(ag_domain *d)
{
    if (d != NULL) {
        ag_timer_free(d->retry);
        ag_silence_deinit(&d->stalls);
        ag_silence_deinit(&d->silence);
        tables_free((struct tables){d->by_id, d->by_rid, d->cis, d->sessions});
        ag_abandons_free(d);
        ag_queue_free(d);
        ag_watches_clear(&d->question_watches);
        ag_map_free(d->starting);
        ag_map_free(d->stats.usage);
        free(d);
    }
}

void ag_domain_quiesce(ag_domain *d)
{
    d->quiesced = true;
}

static struct ag_live *find_leaving(const ag_map *by_id)
{
    size_t cursor = 0;
    const char *id = NULL;
    void *value = NULL;
    while (ag_map_next(by_id, &cursor, &id, &value)) {
        struct ag_live *live = value;
        if (live->leaving && live->abandon != NULL) {
            return live;
        }
    }
    return NULL;
}

/* A run whose abandon is durable is not among those loaded, but what lives of it is still being
 * ended. */
static void keep_leaving(ag_domain *d, ag_map *old)
{
    struct ag_live *live;
    while ((live = find_leaving(old)) != NULL) {
        (void)ag_map_take(old, live->row.workflow_id);
        if (ag_live_insert(d, live) < 0) {
            ag_live_free(live);
        }
    }
}

/* Watches belong to requests that are still parked: they move to the run or the CI as it was loaded
 * again, and look for themselves. */
static void move(struct ag_watches *before, struct ag_watches *now)
{
    if (now == NULL) {
        ag_watches_tell(before, ~0U);
    } else {
        ag_watches_move(now, before);
        ag_watches_tell(now, ~(unsigned)AG_CHANGE_ENDED);
    }
}

static void move_ci_watches(ag_domain *d, ag_map *old)
{
    size_t cursor = 0;
    const char *name = NULL;
    void *value = NULL;
    while (ag_map_next(old, &cursor, &name, &value)) {
        struct ag_ci_held *before = value;
        struct ag_ci_held *now = ag_map_get(d->cis, name);
        move(&before->watches, now == NULL || now->row.removed != 0 ? NULL : &now->watches);
    }
}

static void move_watches(ag_domain *d, ag_map *old)
{
    size_t cursor = 0;
    const char *id = NULL;
    void *value = NULL;
    while (ag_map_next(old, &cursor, &id, &value)) {
        struct ag_live *before = value;
        struct ag_live *now = ag_live_by_rid(d, before->row.rid);
        move(&before->watches, now == NULL ? NULL : &now->watches);
    }
}

static struct tables swap_tables(ag_domain *d, struct tables with)
{
    struct tables old = {d->by_id, d->by_rid, d->cis, d->sessions};
    d->by_id = with.by_id;
    d->by_rid = with.by_rid;
    d->cis = with.cis;
    d->sessions = with.sessions;
    return old;
}

/* On failure everything is as it was. */
static int load_again(ag_domain *d, struct tables *old, argo_error **err)
{
    struct tables fresh = {ag_map_new(live_free), ag_map_new(NULL), ag_map_new(ag_ci_free),
                           ag_map_new(NULL)};
    if (fresh.by_id == NULL || fresh.by_rid == NULL || fresh.cis == NULL ||
        fresh.sessions == NULL) {
        tables_free(fresh);
        return ag_error_nomem(err);
    }
    *old = swap_tables(d, fresh);
    int r = load(d, err);
    if (r < 0) {
        tables_free(swap_tables(d, *old));
    }
    return r;
}

static void adopt_all(ag_domain *d)
{
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    while (ag_map_next(d->by_rid, &cursor, &key, &value)) {
        (void)ag_live_adopt(value);
    }
}

/* What has a process goes on at once; what needs a commit to go on waits a little: the store may
 * fail again. Until the state can be loaded the old one stays, for executors to find their runs
 * in, and takes no change. */
void ag_domain_reload(ag_domain *d)
{
    AG_AUTO(argo_error) err = NULL;
    struct tables old = {0};
    d->stale = true;
    ag_timer_arm(d->retry, RETRY_MS);
    if (load_again(d, &old, &err) < 0) {
        ag_log_error(d->ctx, "domain", "loading the state again: %s", argo_error_details(err));
        return;
    }
    d->stale = false;
    keep_leaving(d, old.by_id);
    adopt_all(d);
    move_watches(d, old.by_id);
    move_ci_watches(d, old.cis);
    tables_free(old);
    ag_questions_changed(d);
}

void ag_domain_count(const ag_domain *d, struct ag_domain_counts *out)
{
    *out = d->counts;
}
