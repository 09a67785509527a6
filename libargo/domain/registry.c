/*
 * The CI registry: who can be asked. Calls nobody.
 */
#include "base/text.h"
#include "domain/internal.h"

int ag_ci_check(const struct ag_ci *ci, argo_error **err)
{
    if (ci->provider != NULL && !ag_id_valid(ci->provider)) {
        return ag_error_field(err, ARGO_E_INVALID, "provider", "provider: expected a name");
    }
    if (ag_streq(ci->upstream, ci->name)) {
        return ag_error_field(err, ARGO_E_INVALID, "upstream",
                              "upstream: a CI cannot record itself");
    }
    return 0;
}

int ag_registry_add(ag_domain *d, const struct ag_ci *ci,
                    void (*keep)(ag_txn *t, const struct ag_ci *ci, void *user), ag_done_fn done,
                    void *user, argo_error **err)
{
    int r = ag_ci_check(ci, err);
    if (r < 0) {
        return r;
    }
    if (ag_map_get(d->cis, ci->name) != NULL) {
        return ag_error_field(err, ARGO_E_EXISTS, "name", "CI '%s' is registered already",
                              ci->name);
    }
    struct ag_change_set *c = NULL;
    r = ag_change_new(d, 0, 0, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    if (ag_map_put(d->cis, ci->name, d) < 0) {
        ag_change_drop(c);
        return ag_error_nomem(err);
    }
    struct ag_ci row = *ci; /* borrows everything */
    char registered[] = "registered";
    if (row.status == NULL) {
        row.status = registered;
    }
    ag_txn_put_ci(c->txn, &row);
    if (keep != NULL) {
        keep(c->txn, &row, user);
    }
    ag_change_commit(c);
    return 0;
}

int ag_registry_remove(ag_domain *d, const char *name, ag_keep_fn keep, ag_done_fn done, void *user,
                       argo_error **err)
{
    if (ag_map_get(d->cis, name) == NULL) {
        return ag_error_set(err, ARGO_E_NO_CI, "CI '%s' is not registered", name);
    }
    struct ag_change_set *c = NULL;
    int r = ag_change_new(d, 0, 0, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    ag_map_remove(d->cis, name);
    ag_txn_remove_ci(c->txn, name);
    if (keep != NULL) {
        keep(c->txn, user);
    }
    ag_change_commit(c);
    return 0;
}
