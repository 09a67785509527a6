/*
 * The mirrors: three JSON files in the home that show what the store holds, for people and for
 * programs that read files. They decide nothing; only a home without a database is filled from
 * them (import.c).
 *
 * They are written from what is committed, each replaced as a whole, at most every INTERVAL while
 * things change, at the end, and when somebody asks. A thread of its own does that, with a reader
 * of its own: neither a slow disk nor many runs hold up the loop or the store's writer. While
 * nothing changes there is no thread and no timer.
 */
#include "daemon/mirror.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define INTERVAL   2000 /* ms from the beginning of one writing to that of the next */
#define STACK_SIZE ((size_t)256 * 1024)

const struct ag_mirror_file ag_mirror_files[AG_MIRROR_COUNT] = {
    [AG_MIRROR_CIS] = {"registry", "ci_registry.json", "cis"},
    [AG_MIRROR_WORKFLOWS] = {"workflows/registry", "active_workflow_registry.json", "workflows"},
    [AG_MIRROR_SESSIONS] = {"lifecycle", "sessions.json", "sessions"},
};

/* Somebody who waits for the files to be as the store was when he asked. */
struct waiter {
    struct ag_list node;
    ag_done_fn done;
    void *user;
};

struct ag_mirror {
    struct argo_daemon *daemon;
    ag_timer *timer;
    ag_wake *wake;          /* the thread has ended */
    struct ag_list waiting; /* struct waiter: for the next writing */
    struct ag_list served;  /* by the one under way */
    bool dirty;             /* something has changed since the last one began */
    bool failing;           /* the last one has failed, and that has been said */
    int64_t next;           /* when the next may begin, by the loop's clock */
    bool running;
    pthread_t thread;
    argo_error *failure; /* the thread's; ours when it has been joined */
};

/* ---- writing --------------------------------------------------------------------------------- */

static int add_ci(const struct ag_ci *ci, void *user)
{
    return ag_value_append(user, ag_record_encode(&ag_ci_mirror_record, ci));
}

static int add_workflow(const struct ag_active_run *run, void *user)
{
    return ag_value_append(user, ag_record_encode(&ag_active_run_record, run));
}

static int add_session(const struct ag_session *session, void *user)
{
    return ag_value_append(user, ag_record_encode(&ag_session_record, session));
}

static int collect(enum ag_mirror_kind kind, ag_store *store, ag_value *list, argo_error **err)
{
    switch (kind) {
    case AG_MIRROR_CIS:
        return ag_store_cis(store, add_ci, list, err);
    case AG_MIRROR_WORKFLOWS:
        return ag_store_active_runs(store, NULL, add_workflow, list, err);
    case AG_MIRROR_SESSIONS:
        return ag_session_each(store, "", INT64_MAX, add_session, list, err);
    case AG_MIRROR_COUNT:
        break;
    }
    return 0;
}

char *ag_mirror_path(const char *home, enum ag_mirror_kind kind)
{
    const struct ag_mirror_file *file = &ag_mirror_files[kind];
    return ag_asprintf("%s/%s/%s", home, file->dir, file->name);
}

static int replace(const char *home, enum ag_mirror_kind kind, const ag_value *whole,
                   argo_error **err)
{
    ag_auto_free char *dir = ag_path_join(home, ag_mirror_files[kind].dir);
    ag_auto_free char *path = ag_mirror_path(home, kind);
    ag_auto_free char *text = ag_value_print_indented(whole, 2);
    ag_auto_free char *line = text == NULL ? NULL : ag_asprintf("%s\n", text);
    if (dir == NULL || path == NULL || line == NULL) {
        return ag_error_nomem(err);
    }
    int r = ag_dir_private(dir, err); /* again: it may have been taken away meanwhile */
    return r < 0 ? r : ag_file_replace(path, line, strlen(line), 0600, err);
}

int ag_mirror_write(const char *home, ag_store *store, argo_error **err)
{
    int r = 0;
    for (int kind = 0; r == 0 && kind < AG_MIRROR_COUNT; kind++) {
        AG_AUTO(ag_value) whole = ag_value_object();
        ag_value *list = ag_value_array();
        r = ag_value_set(whole, ag_mirror_files[kind].key, list);
        r = r < 0 ? ag_error_nomem(err) : collect(kind, store, list, err);
        r = r < 0 ? r : replace(home, kind, whole, err);
    }
    return r;
}

static void *write_main(void *user)
{
    struct ag_mirror *m = user;
    ag_store *reader = NULL;
    if (ag_store_reader(m->daemon->store, &reader, &m->failure) == 0) {
        (void)ag_mirror_write(m->daemon->home.path, reader, &m->failure);
        ag_store_close(reader);
    }
    ag_wake_signal(m->wake);
    return NULL;
}

static int start_thread(struct ag_mirror *m)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int errnum = pthread_attr_init(&attr);
    if (errnum != 0) {
        return errnum;
    }
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errnum = pthread_create(&m->thread, &attr, write_main, m);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return errnum;
}

/* ---- when ------------------------------------------------------------------------------------ */

/* A failure is said once, until it has gone. */
static void note_outcome(struct ag_mirror *m, const argo_error *failure)
{
    argo_context *ctx = m->daemon->ctx;
    if (failure != NULL && !m->failing) {
        ag_log_warning(ctx, "daemon", "the JSON files of the home are out of date: %s",
                       argo_error_details(failure));
    } else if (failure == NULL && m->failing) {
        ag_log_info(ctx, "daemon", "the JSON files of the home are up to date again");
    }
    m->failing = failure != NULL;
    m->dirty = m->dirty || m->failing; /* the next change, or the end, tries again */
}

static void tell(struct ag_list *list, const argo_error *err)
{
    struct waiter *w;
    while ((w = ag_list_first(list, struct waiter, node)) != NULL) {
        ag_done_fn done = w->done;
        void *user = w->user;
        ag_list_remove(&w->node);
        free(w);
        done(err, user);
    }
}

static void begin(struct ag_mirror *m)
{
    m->dirty = false;
    m->next = ag_loop_now(m->daemon->loop) + INTERVAL;
    ag_list_splice(&m->served, &m->waiting);
    ag_timer_disarm(m->timer);
    int errnum = start_thread(m);
    m->running = errnum == 0;
    if (errnum != 0) {
        AG_AUTO(argo_error) err = NULL;
        ag_error_errno(&err, errnum, "start a thread");
        note_outcome(m, err);
        tell(&m->served, err);
    }
}

static void arm(struct ag_mirror *m)
{
    int64_t left = m->next - ag_loop_now(m->daemon->loop);
    ag_timer_arm(m->timer, left > 0 ? left : 0);
}

static void on_timer(ag_timer *timer, void *user)
{
    begin(user);
}

static const argo_error *join(struct ag_mirror *m)
{
    pthread_join(m->thread, NULL);
    m->running = false;
    note_outcome(m, m->failure);
    return m->failure;
}

static void on_wake(ag_wake *wake, void *user)
{
    struct ag_mirror *m = user;
    if (!m->running) {
        return;
    }
    bool changed = m->dirty;
    tell(&m->served, join(m));
    argo_error_free(ag_take(m->failure));
    if (!ag_list_empty(&m->waiting)) {
        begin(m);
    } else if (changed) {
        arm(m);
    }
}

void ag_mirror_touch(void *mirror)
{
    struct ag_mirror *m = mirror;
    m->dirty = true;
    if (!m->running && !ag_timer_armed(m->timer)) {
        arm(m);
    }
}

void ag_mirror_sync(struct ag_mirror *m, ag_done_fn done, void *user)
{
    struct waiter *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        AG_AUTO(argo_error) err = NULL;
        ag_error_nomem(&err);
        done(err, user);
        return;
    }
    w->done = done;
    w->user = user;
    ag_list_append(&m->waiting, &w->node);
    if (!m->running) {
        ag_timer_arm(m->timer, 0);
    }
}

/* ---- the object ------------------------------------------------------------------------------ */

int ag_mirror_new(struct argo_daemon *daemon, struct ag_mirror **out, argo_error **err)
{
    struct ag_mirror *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return ag_error_nomem(err);
    }
    m->daemon = daemon;
    ag_list_init(&m->waiting);
    ag_list_init(&m->served);
    int r = ag_timer_new(daemon->loop, on_timer, m, &m->timer, err);
    if (r == 0) {
        r = ag_wake_new(daemon->loop, on_wake, m, &m->wake, err);
    }
    if (r < 0) {
        ag_mirror_free(m);
        return r;
    }
    *out = m;
    return 0;
}

void ag_mirror_finish(struct ag_mirror *m)
{
    if (m == NULL) {
        return;
    }
    if (m->running) {
        (void)join(m);
        argo_error_free(ag_take(m->failure));
    }
    if (m->dirty) {
        AG_AUTO(argo_error) err = NULL;
        (void)ag_mirror_write(m->daemon->home.path, m->daemon->store, &err);
        note_outcome(m, err);
    }
    AG_AUTO(argo_error) stopped = NULL;
    ag_error_set(&stopped, ARGO_E_SHUTDOWN, "The daemon is stopping");
    tell(&m->served, stopped);
    tell(&m->waiting, stopped);
}

void ag_mirror_free(struct ag_mirror *m)
{
    if (m != NULL) {
        ag_timer_free(m->timer);
        ag_wake_free(m->wake);
        free(m);
    }
}
