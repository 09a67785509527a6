/*
 * Messages: what people and hosts tell a run, and what its executor tells of itself. Each is a row
 * with a number of the run's one sequence, and an event under the same number. A message to the run
 * waits until an executor has received it; pauses, resumes and settings are in the checkpoint too,
 * so that one that comes later needs none of them.
 */
#include <inttypes.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "domain/internal.h"

#define HOST_PREFIX "x-" /* of the types that embedding hosts define */

static bool is_of_host(const char *type)
{
    return ag_starts_with(type, HOST_PREFIX) && ag_id_valid(type) && strlen(type) > 2;
}

/* Is acted upon by the daemon, and told to the executor beside that. */
static bool is_pause_or_resume(const char *type)
{
    return strcmp(type, "pause") == 0 || strcmp(type, "resume") == 0;
}

/* ---- what waits for an executor -------------------------------------------------------------- */

static int note_unread(const struct ag_message *m, void *user)
{
    struct ag_mailbox *box = user;
    if (is_pause_or_resume(m->type)) {
        return 0;
    }
    int64_t *more = reallocarray(box->seqs, box->n + 1, sizeof(*more));
    if (more == NULL) {
        return ARGO_E_NOMEM;
    }
    box->seqs = more;
    box->seqs[box->n++] = m->seq;
    return 0;
}

/* Before anything is put into it: then what is on its way to the store is in it as well. */
static int load(struct ag_live *live, argo_error **err)
{
    struct ag_mailbox *box = &live->mailbox;
    if (!box->unknown) {
        return 0;
    }
    box->n = 0;
    int r = ag_store_messages(live->domain->store, live->row.rid, live->row.message_seq,
                              note_unread, box, err);
    box->unknown = r < 0;
    return r;
}

void ag_mailbox_clear(struct ag_mailbox *box)
{
    free(box->seqs);
    *box = (struct ag_mailbox){0};
}

int ag_live_messages_after(struct ag_live *live, int64_t *out, argo_error **err)
{
    int r = load(live, err);
    if (r == 0) {
        *out = live->mailbox.n > 0 ? live->mailbox.seqs[0] - 1 : live->row.seq;
    }
    return r;
}

int ag_run_messages_read(ag_domain *d, int64_t rid, int64_t epoch, int64_t seq, argo_error **err)
{
    struct ag_live *live = NULL;
    struct ag_change_set *c = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r == 0) {
        r = load(live, err);
    }
    if (r < 0) {
        return r;
    }
    struct ag_mailbox *box = &live->mailbox;
    size_t read = 0;
    while (read < box->n && box->seqs[read] <= seq) {
        read++;
    }
    if (read > 0 && ag_change_new(d, rid, 0, NULL, NULL, &c, NULL) == 0) {
        live->row.message_seq = box->seqs[read - 1];
        box->n -= read;
        memmove(box->seqs, box->seqs + read, box->n * sizeof(*box->seqs));
        ag_change_commit(c);
    }
    return 0;
}

/* ---- records --------------------------------------------------------------------------------- */

int ag_message_check_size(const ag_value *payload, argo_error **err)
{
    size_t len = 0;
    ag_auto_free char *text = payload == NULL ? NULL : ag_value_print(payload, &len);
    if (payload != NULL && text == NULL) {
        return ag_error_nomem(err);
    }
    return len > AG_MAX_TEXT
               ? ag_error_field(err, ARGO_E_TOO_LARGE, "payload",
                                "payload has %zu bytes, at most %d are allowed", len, AG_MAX_TEXT)
               : 0;
}

static int check_object(const ag_value *payload, argo_error **err)
{
    if (payload != NULL && !ag_value_is(payload, ARGO_TYPE_OBJECT)) {
        return ag_error_field(err, ARGO_E_INVALID, "payload", "payload: expected an object, not %s",
                              ag_value_type_name(payload));
    }
    return 0;
}

/* Gives M its number, which its event has too. */
static int append(struct ag_change_set *c, struct ag_live *live, struct ag_message *m,
                  const char *client_key, argo_error **err)
{
    m->timestamp = ag_context_now_ms(c->domain->ctx);
    m->seq = live->row.seq + 1;
    return ag_event_message(c, live, m, client_key, err);
}

/* The message that goes to the run's executor; *OUT (or NULL) is what it looks like. */
static int send(struct ag_change_set *c, struct ag_live *live, const char *type,
                const ag_value *payload, ag_value **out, argo_error **err)
{
    char id[AG_UUID_SIZE];
    ag_auto_free char *own_type = ag_strdup(type);
    AG_AUTO(ag_value) own = payload == NULL ? ag_value_object() : ag_value_ref(payload);
    struct ag_message m = {.id = id, .type = own_type, .payload = own};
    int r = own_type == NULL || own == NULL ? ag_error_nomem(err) : ag_uuid(id, err);
    if (r == 0) {
        r = load(live, err);
    }
    if (r == 0) {
        r = append(c, live, &m, NULL, err);
    }
    if (r == 0 && note_unread(&m, &live->mailbox) < 0) {
        live->row.seq--; /* C is dropped: the numbers have no gap */
        r = ag_error_nomem(err);
    }
    if (r == 0) {
        ag_txn_add_message(c->txn, live->row.rid, &m);
        c->changes |= AG_CHANGE_MESSAGE;
    }
    if (r == 0 && out != NULL) {
        *out = ag_record_encode(&ag_message_record, &m);
    }
    return r;
}

int ag_live_send(struct ag_change_set *c, struct ag_live *live, const char *type,
                 const ag_value *payload, argo_error **err)
{
    return send(c, live, type, payload, NULL, err);
}

/* ---- settings -------------------------------------------------------------------------------- */

static int check_key(const char *key, argo_error **err)
{
    const char *known[8] = {0};
    size_t n = ag_run_config_record.n_fields;
    ag_auto_buf list = AG_BUF_INIT(256);
    for (size_t i = 0; i < n; i++) {
        known[i] = ag_run_config_record.fields[i].key;
        if (strcmp(key, known[i]) == 0) {
            return 0;
        }
        ag_buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", known[i]);
    }
    const char *nearest = ag_nearest_word(key, known, n);
    return ag_error_field(err, ARGO_E_INVALID, "payload", "payload.%s: unknown, expected %s%s%s%s",
                          key, ag_buf_text(&list), nearest == NULL ? "" : "; did you mean '",
                          nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

/* As everywhere fields come in the order of their record, whoever has set them first. */
static ag_value *in_order(const ag_value *config)
{
    AG_AUTO(ag_value) ordered = ag_value_object();
    int r = ordered == NULL ? ARGO_E_NOMEM : 0;
    for (size_t i = 0; r == 0 && i < ag_run_config_record.n_fields; i++) {
        const char *key = ag_run_config_record.fields[i].key;
        ag_value *value = ag_value_get(config, key);
        r = value == NULL ? 0 : ag_value_set(ordered, key, ag_value_ref(value));
    }
    return r < 0 ? NULL : ag_take(ordered);
}

/* Null takes a setting back. *OUT is new; NULL when nothing is left of it. */
static int merge_config(const ag_value *old, const ag_value *changes, ag_value **out,
                        argo_error **err)
{
    struct ag_run_config decoded;
    struct ag_value_iter it = {0};
    AG_AUTO(ag_value) merged = old == NULL ? ag_value_object() : ag_value_copy(old);
    int r = merged == NULL ? ag_error_nomem(err) : 0;
    while (r == 0 && ag_value_next(changes, &it)) {
        r = check_key(it.key, err);
        if (r == 0 && ag_value_is(it.value, ARGO_TYPE_NULL)) {
            (void)ag_value_remove(merged, it.key);
        } else if (r == 0 && ag_value_set(merged, it.key, ag_value_ref(it.value)) < 0) {
            r = ag_error_nomem(err);
        }
    }
    if (r == 0) {
        r = ag_record_decode(&ag_run_config_record, merged, &decoded, err);
    }
    if (r == 0 && ag_value_size(merged) > 0) {
        *out = in_order(merged);
        r = *out == NULL ? ag_error_nomem(err) : 0;
    }
    return r;
}

/* Takes over CONFIG. */
static void apply_config(struct ag_change_set *c, struct ag_live *live, ag_value *config)
{
    ag_value_unref(live->row.config);
    live->row.config = config;
    ag_event_config(c, live);
}

/* ---- to the run ------------------------------------------------------------------------------ */

static const char *const run_types[] = {"pause", "resume", "abort", "update_config"};

static int unknown_type(const char *type, const char *const *known, size_t n, argo_error **err)
{
    ag_auto_buf list = AG_BUF_INIT(256);
    for (size_t i = 0; i < n; i++) {
        ag_buf_printf(&list, "%s, ", known[i]);
    }
    const char *nearest = ag_nearest_word(type, known, n);
    return ag_error_field(err, ARGO_E_INVALID, "type",
                          "type is '%s', expected %sor " HOST_PREFIX "... of a host%s%s%s", type,
                          ag_buf_text(&list), nearest == NULL ? "" : "; did you mean '",
                          nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

/* What has no effect but in the executor, and on the settings. */
static int queue(struct ag_live *live, const struct ag_message *m, ag_value **out, ag_keep_fn keep,
                 ag_done_fn done, void *user, argo_error **err)
{
    struct ag_change_set *c = NULL;
    AG_AUTO(ag_value) config = NULL;
    bool settings = strcmp(m->type, "update_config") == 0;
    int r = load(live, err);
    if (r == 0 && settings) {
        r = merge_config(live->row.config, m->payload, &config, err);
    }
    if (r == 0 && live->mailbox.n >= AG_MAX_MESSAGES) {
        r = ag_error_set(err, ARGO_E_QUOTA, "%d messages wait for the executor already",
                         AG_MAX_MESSAGES);
    }
    if (r == 0) {
        r = ag_change_new(live->domain, live->row.rid, 0, done, user, &c, err);
    }
    if (r == 0) {
        r = send(c, live, m->type, m->payload, out, err);
    }
    if (r < 0) {
        ag_change_drop(c);
        return r;
    }
    if (settings) {
        apply_config(c, live, ag_take(config));
    }
    if (keep != NULL) {
        keep(c->txn, user);
    }
    ag_change_commit(c);
    return 0;
}

int ag_run_message(ag_domain *d, const char *workflow_id, const struct ag_message *m,
                   ag_value **out, ag_keep_fn keep, ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    const char *type = m->type;
    int r = ag_message_check_size(m->payload, err);
    if (r < 0) {
        return r;
    }
    if (strcmp(type, "pause") == 0) {
        return ag_run_pause(d, workflow_id, keep, done, user, err);
    }
    if (strcmp(type, "resume") == 0) {
        return ag_run_resume(d, workflow_id, keep, done, user, err);
    }
    if (strcmp(type, "abort") == 0) {
        return ag_run_abandon(d, workflow_id, keep, done, user, err);
    }
    if (strcmp(type, "update_config") == 0) {
        r = check_object(m->payload, err);
    } else if (!is_of_host(type)) {
        r = unknown_type(type, run_types, AG_ARRAY_SIZE(run_types), err);
    }
    if (r == 0) {
        r = ag_live_named(d, workflow_id, &live, err);
    }
    return r < 0 ? r : queue(live, m, out, keep, done, user, err);
}

/* ---- from the executor ----------------------------------------------------------------------- */

static const char *const executor_types[] = {"step_start", "step_output", "step_complete",
                                             "workflow_complete", "error"};

/* The event of M, unless its id was seen before: 1. */
static int record_once(struct ag_change_set *c, struct ag_live *live, const struct ag_message *m,
                       argo_error **err)
{
    char id[AG_UUID_SIZE] = "";
    ag_auto_free char *key = m->id == NULL ? NULL : ag_asprintf("message:%s", m->id);
    struct ag_message own = {
        .id = m->id == NULL ? id : m->id, .type = m->type, .payload = m->payload};
    int r = m->id != NULL && key == NULL ? ag_error_nomem(err) : 0;
    if (r == 0) {
        r = key == NULL ? ag_uuid(id, err) : ag_change_client_key(c, live, key, err);
    }
    return r != 0 ? r : append(c, live, &own, key, err);
}

int ag_run_tell(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_message *m,
                ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    struct ag_change_set *c = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r == 0 && !is_of_host(m->type)) {
        r = unknown_type(m->type, executor_types, AG_ARRAY_SIZE(executor_types), err);
    }
    if (r == 0) {
        r = ag_change_new(d, rid, 0, done, user, &c, err);
    }
    if (r == 0) {
        r = record_once(c, live, m, err);
    }
    if (r < 0) {
        ag_change_drop(c);
        return r;
    }
    ag_change_commit(c);
    return 0;
}

static void append_error(struct ag_change_set *c, struct ag_live *live, const char *message)
{
    struct ag_record_spec spec = {.stream = AG_STREAM_OUTPUT, .kind = "error", .text = message};
    ag_live_append(c, live, &spec);
}

int ag_run_error(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_message *m,
                 ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    struct ag_change_set *c = NULL;
    struct ag_error_report report;
    int r = ag_record_decode(&ag_error_report_record, m->payload, &report, err);
    if (r < 0) {
        return r;
    }
    r = report.fatal ? ag_live_check_finish(d, rid, epoch, AG_RUN_FAILED, &live, err)
                     : ag_live_fenced(d, rid, epoch, &live, err);
    int repeated = r > 0;
    if (r >= 0) {
        r = ag_change_new(d, rid, 0, done, user, &c, err);
    }
    if (r == 0 && !repeated) {
        r = record_once(c, live, m, err);
        repeated = r > 0;
    }
    if (r >= 0 && !repeated) {
        append_error(c, live, report.message);
        if (report.fatal) {
            AG_AUTO(ag_value)
            error = ag_error_value(report.code == NULL ? "error" : report.code, report.message);
            ag_live_finish(c, live, AG_RUN_FAILED, NULL, error);
        }
    }
    if (r < 0) {
        ag_change_drop(c);
    } else {
        ag_change_commit(c);
    }
    ag_record_clear(&ag_error_report_record, &report);
    return r < 0 ? r : 0;
}
