/*
 * The import: a store that has never held anything is filled once from the JSON files of its home.
 * CIs and sessions become what they were. Runs cannot: their templates are not in the files. They
 * are kept as failed ones that say so.
 *
 * All of it and the note that it has been done are one transaction. The files are only read.
 */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/mirror.h"

#define DONE_KEY "imported"
#define FILE_MAX ((size_t)64 * 1024 * 1024)

static const char *const shapes[AG_MIRROR_COUNT] = {
    [AG_MIRROR_CIS] = "{\"cis\":[{\"name\",\"model\",\"port\",\"socket_path\",\"status\"}]}",
    [AG_MIRROR_WORKFLOWS] = ("{\"workflows\":[{\"workflow_id\",\"template\",\"pid\",\"status\","
                             "\"current_step\",\"started\"}]}"),
    [AG_MIRROR_SESSIONS] = "{\"sessions\":[{\"session_id\",\"workflows\",\"created\"}]}",
};

struct import {
    struct argo_daemon *daemon;
    ag_txn *txn;
    ag_map *seen;     /* names of the list under way; values are unused */
    ag_map *sessions; /* workflow id -> its session's (owned) */
    ag_map *known;    /* ids of sessions; values are unused */
    size_t counts[AG_MIRROR_COUNT];
};

/* ---- one entry each -------------------------------------------------------------------------- */

static int add_once(struct import *im, const char *key, const char *name, argo_error **err)
{
    if (name == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: expected an id", key);
    }
    if (ag_map_get(im->seen, name) != NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: '%s' is there twice", key, name);
    }
    return ag_map_put(im->seen, name, im) < 0 ? ag_error_nomem(err) : 0;
}

/* Nothing has been heard of it yet, and it belongs to a session only if that is there, too. */
static void add_ci(struct import *im, struct ag_ci *ci)
{
    char registered[] = "registered";
    struct ag_ci row = *ci; /* borrows everything */
    row.status = registered;
    row.history_seq = 1;
    if (row.session_id != NULL && ag_map_get(im->known, row.session_id) == NULL) {
        row.session_id = NULL;
    }
    struct ag_ci_event event = {.seq = 1,
                                .kind = registered,
                                .status = registered,
                                .session_id = row.session_id,
                                .at = ag_context_now_ms(im->daemon->ctx)};
    ag_txn_put_ci(im->txn, &row);
    ag_txn_put_ci_event(im->txn, row.name, &event);
}

static int import_ci(struct import *im, const ag_value *entry, argo_error **err)
{
    struct ag_ci ci;
    int r = ag_record_decode(&ag_ci_mirror_record, entry, &ci, err);
    if (r < 0) {
        return r;
    }
    r = add_once(im, "name", ci.name, err);
    r = r < 0 ? r : ag_ci_check(&ci, err);
    if (r == 0) {
        add_ci(im, &ci);
    }
    ag_record_clear(&ag_ci_mirror_record, &ci);
    return r;
}

/* Its runs are to know it when they are imported. */
static int note_workflows(struct import *im, const struct ag_session *session, argo_error **err)
{
    int r = 0;
    struct ag_value_iter it = {0};
    while (r == 0 && ag_value_next(session->workflows, &it)) {
        const char *id = ag_value_as_text(it.value);
        char *own = ag_strdup(session->session_id);
        if (id == NULL) {
            r = ag_error_set(err, ARGO_E_INVALID, "workflows[%zu]: expected text", it.index);
        } else if (own == NULL || ag_map_put(im->sessions, id, own) < 0) {
            r = ag_error_nomem(err);
        }
        if (r < 0) {
            free(own);
        }
    }
    return r;
}

static int import_session(struct import *im, const ag_value *entry, argo_error **err)
{
    struct ag_session session;
    int r = ag_record_decode(&ag_session_record, entry, &session, err);
    if (r < 0) {
        return r;
    }
    r = add_once(im, "session_id", session.session_id, err);
    r = r < 0 ? r : note_workflows(im, &session, err);
    if (r == 0 && ag_map_put(im->known, session.session_id, im) < 0) {
        r = ag_error_nomem(err);
    }
    if (r == 0) {
        ag_txn_put_session(im->txn, &session);
    }
    ag_record_clear(&ag_session_record, &session);
    return r;
}

static ag_value *why_failed(void)
{
    ag_value *error = ag_value_object();
    ag_value_set(error, "code", ag_value_text("imported"));
    ag_value_set(error, "message",
                 ag_value_text("It was under way when its registry was imported, which does not "
                               "hold its template: start it again"));
    return error;
}

static void add_failed_run(struct import *im, struct ag_active_run *active)
{
    AG_AUTO(ag_value) error = why_failed();
    int64_t now = ag_context_now_ms(im->daemon->ctx);
    struct ag_run run = {.rid = ag_store_next_rid(im->daemon->store),
                         .workflow_id = active->workflow_id, /* borrows everything */
                         .template_name = active->template_name,
                         .session_id = ag_map_get(im->sessions, active->workflow_id),
                         .state = AG_RUN_FAILED,
                         .current_step = active->current_step,
                         .created = active->started != 0 ? active->started : now,
                         .started = active->started,
                         .updated = now,
                         .ended = now,
                         .error = error};
    struct ag_run_spec spec = {0};
    ag_txn_add_run(im->txn, &run, &spec);
}

static int import_workflow(struct import *im, const ag_value *entry, argo_error **err)
{
    struct ag_active_run run;
    int r = ag_record_decode(&ag_active_run_record, entry, &run, err);
    if (r < 0) {
        return r;
    }
    r = add_once(im, "workflow_id", run.workflow_id, err);
    if (r == 0) {
        add_failed_run(im, &run);
    }
    ag_active_run_clear(&run);
    return r;
}

/* ---- the files ------------------------------------------------------------------------------- */

static int import_list(struct import *im, enum ag_mirror_kind kind, const ag_value *list,
                       argo_error **err)
{
    static int (*const entries[])(struct import *, const ag_value *, argo_error **) = {
        [AG_MIRROR_CIS] = import_ci,
        [AG_MIRROR_WORKFLOWS] = import_workflow,
        [AG_MIRROR_SESSIONS] = import_session,
    };
    const char *key = ag_mirror_files[kind].key;
    if (!ag_value_is(list, ARGO_TYPE_ARRAY)) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: expected a list", key);
    }
    int r = 0;
    struct ag_value_iter it = {0};
    im->seen = ag_map_new(NULL);
    if (im->seen == NULL) {
        return ag_error_nomem(err);
    }
    while (r == 0 && ag_value_next(list, &it)) {
        r = entries[kind](im, it.value, err);
        if (r < 0) {
            ag_error_wrap(err, "%s[%zu]", key, it.index);
        }
    }
    im->counts[kind] = ag_map_size(im->seen);
    ag_map_free(ag_take(im->seen));
    return r;
}

static int import_text(struct import *im, enum ag_mirror_kind kind, const char *text, size_t len,
                       argo_error **err)
{
    AG_AUTO(ag_value) whole = NULL;
    int r = ag_value_parse_object(text, len, &whole, err);
    return r < 0 ? r : import_list(im, kind, ag_value_get(whole, ag_mirror_files[kind].key), err);
}

static int import_file(struct import *im, enum ag_mirror_kind kind, argo_error **err)
{
    ag_auto_free char *path = ag_mirror_path(im->daemon->home.path, kind);
    ag_auto_free char *text = NULL;
    size_t len = 0;
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    if (!ag_file_exists(path)) {
        return 0;
    }
    int r = ag_file_read_own(path, FILE_MAX, &text, &len, err);
    if (r < 0) {
        return r;
    }
    AG_AUTO(argo_error) why = NULL;
    r = import_text(im, kind, text, len, &why);
    if (r == ARGO_E_NOMEM) {
        ag_error_move(err, &why);
    } else if (r < 0) {
        r = ag_error_set(err, ARGO_E_CORRUPT,
                         "%s: %s; there is no database yet, and this file was to fill it: expected "
                         "%s; correct it, or move it away",
                         path, argo_error_details(why), shapes[kind]);
    }
    return r;
}

/* ---- once ------------------------------------------------------------------------------------ */

static int found_run(const struct ag_run *run, void *user)
{
    return 1;
}

static int found_ci(const struct ag_ci *ci, void *user)
{
    return 1;
}

static int found_session(const struct ag_session *session, void *user)
{
    return 1;
}

/* 1 when there is anything in the store, 0 when not. */
static int holds_something(ag_store *s, argo_error **err)
{
    struct ag_run_filter any = {.state = -2, .limit = 1};
    int r = ag_store_runs(s, &any, found_run, NULL, err);
    r = r != 0 ? r : ag_store_cis(s, found_ci, NULL, err);
    return r != 0 ? r : ag_store_sessions(s, "", 1, found_session, NULL, err);
}

struct outcome {
    bool called;
    argo_error *failure;
};

static void committed(const argo_error *err, void *user)
{
    struct outcome *o = user;
    o->called = true;
    o->failure = ag_error_copy(err);
}

/* Nothing else is on the loop yet. */
static int commit(struct import *im, argo_error **err)
{
    struct outcome o = {0};
    ag_txn_put_meta(im->txn, DONE_KEY, "1");
    ag_txn_commit(ag_take(im->txn), committed, &o);
    while (!o.called) {
        int r = ag_loop_dispatch(im->daemon->loop, -1, err);
        assert(r == 0);
    }
    int r = argo_error_code(o.failure);
    ag_error_move(err, &o.failure);
    return r;
}

static int import_all(struct import *im, argo_error **err)
{
    int something = holds_something(im->daemon->store, err);
    int r = something < 0 ? something : 0;
    if (something == 0) {
        /* Sessions first: they tell which runs are theirs. */
        r = import_file(im, AG_MIRROR_SESSIONS, err);
        r = r < 0 ? r : import_file(im, AG_MIRROR_CIS, err);
        r = r < 0 ? r : import_file(im, AG_MIRROR_WORKFLOWS, err);
    }
    r = r < 0 ? r : commit(im, err);
    const size_t *n = im->counts;
    if (r == 0 && n[AG_MIRROR_CIS] + n[AG_MIRROR_WORKFLOWS] + n[AG_MIRROR_SESSIONS] > 0) {
        ag_log_warning(im->daemon->ctx, "daemon",
                       "no database, but JSON files of one: imported %zu CIs, %zu sessions and, as "
                       "failed ones, %zu workflows",
                       n[AG_MIRROR_CIS], n[AG_MIRROR_SESSIONS], n[AG_MIRROR_WORKFLOWS]);
    }
    return r;
}

int ag_import(struct argo_daemon *daemon, argo_error **err)
{
    ag_auto_free char *done = NULL;
    int r = ag_store_meta(daemon->store, DONE_KEY, &done, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    struct import im = {.daemon = daemon,
                        .txn = ag_txn_new(daemon->store),
                        .sessions = ag_map_new(free),
                        .known = ag_map_new(NULL)};
    r = im.txn == NULL || im.sessions == NULL || im.known == NULL ? ag_error_nomem(err)
                                                                  : import_all(&im, err);
    ag_txn_drop(im.txn);
    ag_map_free(im.sessions);
    ag_map_free(im.known);
    return r;
}
