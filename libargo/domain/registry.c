/*
 * The CI registry: who can be asked, what has happened to him, and to which session he belongs.
 * Calls nobody. A CI that has been removed is kept as a name with its history and its numbers, so
 * that one of the same name goes on with them.
 */
#include <stdio.h>

#include "base/text.h"
#include "domain/internal.h"

/* ---- the table ------------------------------------------------------------------------------- */

void ag_ci_free(void *held)
{
    struct ag_ci_held *ci = held;
    if (ci != NULL) {
        ag_watches_clear(&ci->watches);
        ag_record_clear(&ag_ci_record, &ci->row);
        free(ci);
    }
}

/* Takes what ROW owns, or NULL without memory. */
static struct ag_ci_held *hold(ag_domain *d, struct ag_ci *row)
{
    struct ag_ci_held *ci = calloc(1, sizeof(*ci));
    if (ci != NULL) {
        ci->domain = d;
        ci->row = *row;
        ag_watches_init(&ci->watches);
        *row = (struct ag_ci){0};
    }
    return ci;
}

static int load_ci(struct ag_ci *row, void *user)
{
    ag_domain *d = user;
    struct ag_ci_held *ci = hold(d, row);
    if (ci == NULL || ag_map_put(d->cis, ci->row.name, ci) < 0) {
        ag_ci_free(ci);
        return ARGO_E_NOMEM;
    }
    ag_ci_listen(ci);
    return 0;
}

int ag_cis_load(ag_domain *d, argo_error **err)
{
    int r = ag_store_all_cis(d->store, load_ci, d, err);
    return r == ARGO_E_NOMEM ? ag_error_nomem(err) : r;
}

ag_map *ag_ci_names(const ag_domain *d)
{
    AG_AUTO(ag_map) names = ag_map_new(NULL);
    size_t cursor = 0;
    const char *name = NULL;
    void *value = NULL;
    while (names != NULL && ag_map_next(d->cis, &cursor, &name, &value)) {
        const struct ag_ci_held *ci = value;
        if (ci->row.removed == 0 && ag_map_put(names, name, value) < 0) {
            return NULL;
        }
    }
    return ag_take(names);
}

int ag_ci_unknown(ag_domain *d, const char *name, argo_error **err)
{
    AG_AUTO(ag_map) names = ag_ci_names(d);
    const char *nearest = ag_map_nearest(names, name);
    return ag_error_set(err, ARGO_E_NO_CI, "CI '%s' is not registered; %s%s%s", name,
                        nearest != NULL ? "did you mean '" : "register it: arc ci add ",
                        nearest != NULL ? nearest : name, nearest != NULL ? "'?" : "");
}

int ag_ci_named(ag_domain *d, const char *name, struct ag_ci_held **out, argo_error **err)
{
    struct ag_ci_held *ci = ag_map_get(d->cis, name);
    if (ci == NULL || ci->row.removed != 0) {
        return ag_error_negative(ag_ci_unknown(d, name, err));
    }
    *out = ci;
    return 0;
}

int ag_ci_watch_add(ag_domain *d, const char *name, struct ag_watch *watch, argo_error **err)
{
    struct ag_ci_held *ci = NULL;
    int r = ag_ci_named(d, name, &ci, err);
    return r < 0 ? r : ag_watches_add(&ci->watches, watch, name, err);
}

/* ---- changes --------------------------------------------------------------------------------- */

int ag_ci_change(struct ag_ci_held *ci, unsigned changes, ag_done_fn done, void *user,
                 struct ag_change_set **out, argo_error **err)
{
    struct ag_change_set *c = NULL;
    int r = ag_change_new(ci->domain, 0, changes, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    c->ci = ag_strdup(ci->row.name);
    if (c->ci == NULL) {
        ag_change_drop(c);
        return ag_error_nomem(err);
    }
    *out = c;
    return 0;
}

static void note(struct ag_change_set *c, struct ag_ci *row, const char *kind)
{
    char own_kind[AG_MAX_NAME];
    snprintf(own_kind, sizeof(own_kind), "%s", kind);
    struct ag_ci_event event = {.seq = ++row->history_seq,
                                .kind = own_kind, /* borrows everything */
                                .status = row->status,
                                .task = row->task,
                                .session_id = row->session_id,
                                .messages = row->message_seq,
                                .at = ag_context_now_ms(c->domain->ctx)};
    ag_txn_put_ci_event(c->txn, row->name, &event);
    if (row->history_seq > AG_MAX_CI_HISTORY) {
        ag_txn_trim_ci_history(c->txn, row->name, row->history_seq - AG_MAX_CI_HISTORY);
    }
}

void ag_ci_put(struct ag_change_set *c, struct ag_ci_held *ci, const char *kind)
{
    if (kind != NULL) {
        note(c, &ci->row, kind);
    }
    ag_txn_put_ci(c->txn, &ci->row);
}

void ag_ci_tell(ag_domain *d, const char *name, unsigned changes)
{
    struct ag_ci_held *ci = ag_map_get(d->cis, name);
    if (ci != NULL) {
        ag_watches_tell(&ci->watches, changes);
    }
}

void ag_cis_leave(struct ag_change_set *c, const char *session_id)
{
    size_t cursor = 0;
    const char *name = NULL;
    void *value = NULL;
    while (ag_map_next(c->domain->cis, &cursor, &name, &value)) {
        struct ag_ci_held *ci = value;
        if (ci->row.removed == 0 && ag_streq(ci->row.session_id, session_id)) {
            free(ag_take(ci->row.session_id));
            ag_ci_put(c, ci, "session");
        }
    }
}

/* ---- adding ---------------------------------------------------------------------------------- */

static int check_texts(const ag_value *list, const char *key, argo_error **err)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(list, &it)) {
        if (ag_value_as_text(it.value) == NULL || ag_value_text_len(it.value) > AG_MAX_FILE) {
            return ag_error_field(err, ARGO_E_INVALID, key,
                                  "%s[%zu]: expected text of at most %d bytes", key, it.index,
                                  AG_MAX_FILE);
        }
    }
    return 0;
}

int ag_ci_check(const struct ag_ci *ci, argo_error **err)
{
    if (ci->provider != NULL && !ag_id_valid(ci->provider)) {
        return ag_error_field(err, ARGO_E_INVALID, "provider", "provider: expected a name");
    }
    if (ag_streq(ci->upstream, ci->name)) {
        return ag_error_field(err, ARGO_E_INVALID, "upstream",
                              "upstream: a CI cannot record itself");
    }
    int r = check_texts(ci->command, "command", err);
    return r < 0 ? r : check_texts(ci->capabilities, "capabilities", err);
}

/* How many are registered, or have been removed; of the latter the oldest. */
static size_t count(const ag_domain *d, bool removed, const struct ag_ci_held **oldest)
{
    size_t cursor = 0, n = 0;
    const char *name = NULL;
    void *value = NULL;
    while (ag_map_next(d->cis, &cursor, &name, &value)) {
        const struct ag_ci_held *ci = value;
        if ((ci->row.removed != 0) == removed) {
            n++;
            *oldest = *oldest == NULL || ci->row.removed < (*oldest)->row.removed ? ci : *oldest;
        }
    }
    return n;
}

static int check_new(ag_domain *d, const struct ag_ci *ci, argo_error **err)
{
    const struct ag_ci_held *other = ag_map_get(d->cis, ci->name);
    int r = ag_ci_check(ci, err);
    if (r < 0) {
        return r;
    }
    if (other != NULL && other->row.removed == 0) {
        return ag_error_field(err, ARGO_E_EXISTS, "name", "CI '%s' is registered already",
                              ci->name);
    }
    if (count(d, false, &other) >= AG_MAX_CIS) {
        return ag_error_set(err, ARGO_E_QUOTA, "There are %d CIs: remove some", AG_MAX_CIS);
    }
    return ci->session_id == NULL ? 0 : ag_session_check(d, ci->session_id, err);
}

/* The one that is to be, with the numbers of the one that was. */
static int make(ag_domain *d, const struct ag_ci *ci, const struct ag_ci_held *before,
                struct ag_ci_held **out, argo_error **err)
{
    struct ag_ci row;
    int r = ag_record_copy(&ag_ci_request_record, ci, &row, err);
    if (r < 0) {
        return r;
    }
    if (before != NULL) {
        row.history_seq = before->row.history_seq;
        row.message_seq = before->row.message_seq;
    }
    row.status = ag_strdup(ag_ci_status_words[0]);
    *out = row.status == NULL ? NULL : hold(d, &row);
    ag_record_clear(&ag_ci_record, &row);
    return *out == NULL ? ag_error_nomem(err) : 0;
}

int ag_registry_add(ag_domain *d, const struct ag_ci *ci,
                    void (*keep)(ag_txn *t, const struct ag_ci *ci, void *user), ag_done_fn done,
                    void *user, argo_error **err)
{
    const struct ag_ci_held *before = ag_map_get(d->cis, ci->name);
    struct ag_ci_held *held = NULL;
    struct ag_change_set *c = NULL;
    int r = check_new(d, ci, err);
    r = r < 0 ? r : make(d, ci, before, &held, err);
    r = r < 0 ? r : ag_ci_change(held, AG_CHANGE_STATE, done, user, &c, err);
    if (r < 0) {
        ag_ci_free(held);
        return r;
    }
    if (before == NULL) {
        ag_txn_forget_ci(c->txn, ci->name); /* a repaired store may still have something of it */
    }
    if (ag_map_put(d->cis, ci->name, held) < 0) {
        ag_change_drop(c);
        ag_ci_free(held);
        return ag_error_nomem(err);
    }
    ag_ci_put(c, held, "registered");
    if (keep != NULL) {
        keep(c->txn, &held->row, user);
    }
    ag_change_commit(c);
    return 0;
}

/* ---- removing -------------------------------------------------------------------------------- */

static int check_free(const struct ag_ci_held *ci, argo_error **err)
{
    const char *task = ci->row.task;
    if (task == NULL && !ag_streq(ci->row.status, "busy")) {
        return 0;
    }
    return ag_error_set(err, ARGO_E_STATE, "CI '%s' is busy%s%s%s; wait for it, or force it",
                        ci->row.name, task == NULL ? "" : " with '", task == NULL ? "" : task,
                        task == NULL ? "" : "'");
}

/* Of too many that have been removed nothing is kept. */
static void forget_oldest(ag_domain *d, ag_txn *t)
{
    const struct ag_ci_held *oldest = NULL;
    if (count(d, true, &oldest) > AG_MAX_REMOVED_CIS) {
        ag_txn_forget_ci(t, oldest->row.name);
        ag_map_remove(d->cis, oldest->row.name);
    }
}

int ag_registry_remove(ag_domain *d, const char *name, bool force, ag_keep_fn keep, ag_done_fn done,
                       void *user, argo_error **err)
{
    struct ag_ci_held *ci = NULL;
    struct ag_change_set *c = NULL;
    int r = ag_ci_named(d, name, &ci, err);
    if (r == 0 && !force) {
        r = check_free(ci, err);
    }
    r = r < 0 ? r : ag_ci_change(ci, AG_CHANGE_STATE | AG_CHANGE_ENDED, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    ci->row.removed = ag_context_now_ms(d->ctx);
    ci->row.unread = 0;
    ag_txn_trim_ci_messages(c->txn, name, ci->row.message_seq);
    ag_ci_put(c, ci, "removed");
    forget_oldest(d, c->txn);
    if (keep != NULL) {
        keep(c->txn, user);
    }
    ag_change_commit(c);
    return 0;
}
