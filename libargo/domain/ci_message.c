/*
 * Messages to CIs: each has a number of the CI's own sequence and is kept until the CI has received
 * it, which it says by asking for what comes after it.
 */
#include <inttypes.h>

#include "base/crypto.h"
#include "base/text.h"
#include "domain/internal.h"

static int check(const struct ag_message *m, argo_error **err)
{
    if (!ag_id_valid(m->type)) {
        return ag_error_field(err, ARGO_E_INVALID, "type", "type is '%s', expected a word",
                              m->type);
    }
    return ag_message_check_size(m->payload, err);
}

int ag_ci_send(ag_domain *d, const char *name, const struct ag_message *message, ag_value **out,
               ag_keep_fn keep, ag_done_fn done, void *user, argo_error **err)
{
    char id[AG_UUID_SIZE];
    struct ag_ci_held *ci = NULL;
    struct ag_change_set *c = NULL;
    AG_AUTO(ag_value)
    payload = message->payload == NULL ? ag_value_object() : ag_value_ref(message->payload);
    int r = check(message, err);
    r = r < 0 ? r : ag_ci_named(d, name, &ci, err);
    if (r == 0 && ci->row.unread >= AG_MAX_MESSAGES) {
        r = ag_error_set(err, ARGO_E_QUOTA, "%d messages wait for CI '%s' already", AG_MAX_MESSAGES,
                         name);
    }
    r = r < 0 ? r : ag_uuid(id, err);
    r = r < 0 ? r : ag_ci_change(ci, AG_CHANGE_MESSAGE, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    struct ag_message m = {.id = id, /* borrows everything */
                           .from = message->from,
                           .type = message->type,
                           .payload = payload,
                           .timestamp = ag_context_now_ms(d->ctx),
                           .seq = ++ci->row.message_seq};
    ci->row.unread++;
    ag_txn_put_ci_message(c->txn, name, &m);
    ag_ci_put(c, ci, NULL);
    *out = ag_record_encode(&ag_ci_message_record, &m);
    if (keep != NULL) {
        keep(c->txn, user);
    }
    ag_change_commit(c);
    return 0;
}

int ag_ci_messages_read(ag_domain *d, const char *name, int64_t seq, argo_error **err)
{
    struct ag_ci_held *ci = NULL;
    struct ag_change_set *c = NULL;
    int r = ag_ci_named(d, name, &ci, err);
    if (r < 0) {
        return r;
    }
    int64_t left = ci->row.message_seq - seq;
    if (left < 0) {
        return ag_error_field(err, ARGO_E_INVALID, "after",
                              "after is %" PRId64 ", and the last message to '%s' is %" PRId64, seq,
                              name, ci->row.message_seq);
    }
    if (left < ci->row.unread && ag_ci_change(ci, 0, NULL, NULL, &c, NULL) == 0) {
        ci->row.unread = left;
        ag_txn_trim_ci_messages(c->txn, name, seq);
        ag_ci_put(c, ci, NULL);
        ag_change_commit(c);
    }
    return 0;
}
