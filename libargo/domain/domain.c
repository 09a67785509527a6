/*
 * The domain object: what is loaded at the start, and again after a failed commit.
 */
#include <string.h>

#include "base/text.h"
#include "domain/internal.h"

static void live_free(void *p)
{
    ag_live_free(p);
}

static int remember_ci(const struct ag_ci *ci, void *user)
{
    ag_domain *d = user;
    return ag_map_put(d->cis, ci->name, d);
}

/* The row is the store's: a copy by value would share its strings. */
static int copy_run(ag_domain *d, int64_t rid, struct ag_live **out, argo_error **err)
{
    struct ag_run row = {0};
    int r = ag_store_run_by_rid(d->store, rid, &row, err);
    if (r <= 0) {
        return r;
    }
    *out = ag_live_new(d, &row, err);
    return *out == NULL ? ARGO_E_NOMEM : 1;
}

static int load_run(const struct ag_run *run, void *user)
{
    ag_domain *d = user;
    struct ag_live *live = NULL;
    AG_AUTO(argo_error) err = NULL;
    int r = copy_run(d, run->rid, &live, &err);
    if (r > 0) {
        r = ag_live_load_details(live, &err);
    }
    if (r == 0 && live != NULL && ag_live_insert(d, live) == 0) {
        return 0;
    }
    /* One poisoned run keeps nobody else from going on: it is left out, and said. */
    ag_live_free(live);
    ag_log_error(d->ctx, "domain", "%s is left out: %s",
                 run->workflow_id == NULL ? "a run" : run->workflow_id, argo_error_details(err));
    return 0;
}

static int load(ag_domain *d, argo_error **err)
{
    int r = ag_store_cis(d->store, remember_ci, d, err);
    return r < 0 ? r : ag_store_live_runs(d->store, load_run, d, err);
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
    d->by_id = ag_map_new(live_free);
    d->by_rid = ag_map_new(NULL);
    d->cis = ag_map_new(NULL);
    d->starting = ag_map_new(free);
    int r = d->by_id == NULL || d->by_rid == NULL || d->cis == NULL || d->starting == NULL
                ? ag_error_nomem(err)
                : load(d, err);
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
        ag_map_free(d->by_rid);
        ag_map_free(d->by_id);
        ag_map_free(d->cis);
        ag_map_free(d->starting);
        free(d);
    }
}

ag_store *ag_domain_store(ag_domain *d)
{
    return d->store;
}

void ag_domain_quiesce(ag_domain *d)
{
    d->quiesced = true;
}

/* Watches belong to requests that are still parked: they move to the run as it was loaded again,
 * and look for themselves. */
static void move_watches(ag_domain *d, ag_map *old)
{
    size_t cursor = 0;
    const char *id = NULL;
    void *value = NULL;
    while (ag_map_next(old, &cursor, &id, &value)) {
        struct ag_live *before = value;
        struct ag_live *now = ag_live_by_rid(d, before->row.rid);
        if (now == NULL) {
            ag_live_tell(before, ~0U);
            continue;
        }
        ag_list_splice(&now->watches, &before->watches);
        now->ending = before->ending;
        if (now->row.pid == 0) {
            now->row.pid = before->row.pid; /* a process whose commit failed is still ours */
        }
    }
}

void ag_domain_reload(ag_domain *d)
{
    ag_map *old = d->by_id;
    ag_map *by_id = ag_map_new(live_free);
    ag_map *by_rid = ag_map_new(NULL);
    ag_map *cis = ag_map_new(NULL);
    if (by_id == NULL || by_rid == NULL || cis == NULL) {
        ag_map_free(by_id);
        ag_map_free(by_rid);
        ag_map_free(cis);
        ag_log_error(d->ctx, "domain", "no memory to load the state again");
        return;
    }
    ag_map_free(d->by_rid);
    ag_map_free(d->cis);
    d->by_id = by_id;
    d->by_rid = by_rid;
    d->cis = cis;
    AG_AUTO(argo_error) err = NULL;
    if (load(d, &err) < 0) {
        ag_log_error(d->ctx, "domain", "loading the state again: %s", argo_error_details(err));
    }
    move_watches(d, old);
    ag_map_free(old);
}

void ag_domain_count(const ag_domain *d, struct ag_domain_counts *out)
{
    *out = (struct ag_domain_counts){.live = ag_map_size(d->by_rid), .processes = d->processes};
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    while (ag_map_next(d->by_rid, &cursor, &key, &value)) {
        const struct ag_live *live = value;
        out->open_questions += ag_map_size(live->questions);
    }
}
