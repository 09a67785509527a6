/*
 * The writer thread: takes everything that is queued as one group, commits it, hands it back.
 *
 * It never waits to fill a group, and never tries a failed commit again: after a failed fsync the
 * kernel may have dropped the pages, so the connection is closed and opened anew, everything
 * queued fails, and the owner loads again. Callbacks run on the loop only.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "store/internal.h"

#define STACK_SIZE   ((size_t)256 * 1024)
#define TIDY_AGAIN_S 1

/* ---- the thread ---------------------------------------------------------------------------- */

static bool has_work(struct ag_list *group)
{
    for (struct ag_list *pos = group->next; pos != group; pos = pos->next) {
        const ag_txn *t = AG_CONTAINER_OF(pos, ag_txn, link);
        if (t->first != NULL || t->nomem) {
            return true;
        }
    }
    return false;
}

static int execute(ag_store *s, const struct ag_op *op, argo_error **err)
{
    if (op->id == AG_OP_APPEND_FILE) {
        return ag_file_append_lines(op->cells[0].text, op->cells[1].text, op->cells[1].len, err);
    }
    return s->driver->execute(s->writer, op->id, op->cells, op->n, err);
}

static int execute_group(ag_store *s, struct ag_list *group, argo_error **err)
{
    for (struct ag_list *pos = group->next; pos != group; pos = pos->next) {
        const ag_txn *t = AG_CONTAINER_OF(pos, ag_txn, link);
        if (t->nomem) {
            return ag_error_set(err, ARGO_E_STORE, "no memory to build a transaction");
        }
        for (const struct ag_op *op = t->first; op != NULL; op = op->next) {
            int rc = execute(s, op, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return s->driver->commit(s->writer, err);
}

static int reopen(ag_store *s, argo_error **err)
{
    int rc = s->driver->open(s->path, true, &s->writer, err);
    if (rc == 0) {
        rc = s->driver->settle(s->writer, err);
    }
    if (rc < 0 && s->writer != NULL) {
        s->driver->close(s->writer);
        s->writer = NULL;
    }
    return rc;
}

static int commit_group(ag_store *s, struct ag_list *group, argo_error **err)
{
    int rc = s->writer == NULL ? reopen(s, err) : 0;
    if (rc == 0) {
        rc = s->driver->begin(s->writer, err);
    }
    if (rc == 0) {
        rc = execute_group(s, group, err);
    }
    if (rc < 0 && s->writer != NULL) {
        s->driver->rollback(s->writer);
        s->driver->close(s->writer);
        s->writer = NULL;
        reopen(s, NULL); /* if this fails, the next group tries again */
    }
    return rc;
}

/* What the owners of a failed group are told: always ARGO_E_STORE. */
static argo_error *store_error(argo_error *why)
{
    argo_error *err = NULL;
    ag_error_set(&err, ARGO_E_STORE, "%s", why == NULL ? "commit failed" : argo_error_details(why));
    argo_error_free(why);
    return err;
}

static void count_group(struct ag_store_stats *stats, struct ag_list *group, int64_t now)
{
    for (struct ag_list *pos = group->next; pos != group; pos = pos->next) {
        ag_histogram_add(&stats->commit, now - AG_CONTAINER_OF(pos, ag_txn, link)->handed_us);
        stats->transactions++;
    }
    stats->groups++;
}

/* Called and left with the lock held. */
static void run_group(ag_store *s)
{
    struct ag_list group = AG_LIST_INIT(group);
    ag_list_splice(&group, &s->queue);
    s->busy = true;
    pthread_mutex_unlock(&s->lock);

    argo_error *err = NULL;
    bool work = has_work(&group);
    int rc = work ? commit_group(s, &group, &err) : 0;
    int64_t now = ag_monotonic_us();
    argo_error *failure = rc < 0 ? store_error(err) : NULL;
    for (struct ag_list *pos = group.next; pos != &group; pos = pos->next) {
        AG_CONTAINER_OF(pos, ag_txn, link)->failed = rc < 0;
    }

    pthread_mutex_lock(&s->lock);
    s->busy = false;
    s->failure = failure;
    if (work) {
        s->health.failing = rc < 0;
    }
    if (work && rc == 0) {
        count_group(&s->health.stats, &group, now);
    }
    ag_list_splice(&s->done, &group);
    bool quiet = ag_list_empty(&s->queue);
    pthread_mutex_unlock(&s->lock);
    pthread_cond_signal(&s->idle);
    ag_wake_signal(s->wake);
    if (work && rc == 0) {
        s->untidy = s->driver->tidy(s->writer, quiet);
    }
    pthread_mutex_lock(&s->lock);
}

/* Called and left with the lock held. Waits for work, or for the time to tidy up once more. */
static void await_work(ag_store *s)
{
    if (!s->untidy || s->writer == NULL) {
        pthread_cond_wait(&s->work, &s->lock);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TIDY_AGAIN_S;
    if (pthread_cond_timedwait(&s->work, &s->lock, &until) == ETIMEDOUT) {
        pthread_mutex_unlock(&s->lock);
        s->untidy = s->driver->tidy(s->writer, true);
        pthread_mutex_lock(&s->lock);
    }
}

static void *writer_main(void *arg)
{
    ag_store *s = arg;
    s->untidy = s->driver->tidy(s->writer, true);
    pthread_mutex_lock(&s->lock);
    for (;;) {
        bool ready = !ag_list_empty(&s->queue) && s->failure == NULL;
        if (ready) {
            run_group(s);
        } else if (s->stop) {
            break;
        } else {
            await_work(s);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- the loop's side ----------------------------------------------------------------------- */

int ag_writer_start(ag_store *s, argo_error **err)
{
    pthread_attr_t attr;
    sigset_t all;
    sigset_t before;
    int rc = pthread_attr_init(&attr);
    if (rc != 0) {
        return ag_error_errno(err, rc, "start the store's writer");
    }
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&s->thread, &attr, writer_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        return ag_error_errno(err, rc, "start the store's writer");
    }
    s->has_thread = true;
    return 0;
}

void ag_writer_stop(ag_store *s)
{
    for (bool more = true; more;) {
        ag_store_thaw(s); /* a writer that has failed waits for the readers */
        pthread_mutex_lock(&s->lock);
        while (s->busy || (!ag_list_empty(&s->queue) && s->failure == NULL)) {
            pthread_cond_wait(&s->idle, &s->lock);
        }
        more = !ag_list_empty(&s->done);
        pthread_mutex_unlock(&s->lock);
        ag_writer_report(s);
    }
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->has_thread = false;
}

void ag_txn_commit(ag_txn *t, ag_commit_fn fn, void *user)
{
    ag_store *s = t->store;
    t->fn = fn;
    t->user = user;
    t->handed_us = ag_monotonic_us();
    pthread_mutex_lock(&s->lock);
    ag_list_append(&s->queue, &t->link);
    pthread_mutex_unlock(&s->lock);
    pthread_cond_signal(&s->work); /* without the lock, which it takes first when it wakes up */
}

/* What is done; after a failure what is queued as well, which was built on what is lost. */
static const argo_error *take_done(ag_store *s, struct ag_list *batch)
{
    pthread_mutex_lock(&s->lock);
    const argo_error *failure = s->failure;
    s->seen = s->health;
    ag_list_splice(batch, &s->done);
    if (failure != NULL) {
        for (struct ag_list *pos = s->queue.next; pos != &s->queue; pos = pos->next) {
            AG_CONTAINER_OF(pos, ag_txn, link)->failed = true;
        }
        ag_list_splice(batch, &s->queue);
    }
    pthread_mutex_unlock(&s->lock);
    return failure;
}

static void report(ag_txn *t, const argo_error *failure)
{
    AG_AUTO(argo_error) nomem = NULL;
    if (t->nomem) {
        ag_error_nomem(&nomem);
    }
    t->store->tokens_version += t->tokens;
    if (t->fn != NULL) {
        t->fn(!t->failed ? NULL : t->nomem ? nomem : failure, t->user);
    }
    ag_txn_drop(t);
}

void ag_writer_report(ag_store *s)
{
    const argo_error *failure;
    for (;;) {
        struct ag_list batch = AG_LIST_INIT(batch);
        ag_txn *t;
        failure = take_done(s, &batch);
        ag_store_thaw(s); /* who is told of a commit can see it */
        if (ag_list_empty(&batch)) {
            break;
        }
        while ((t = ag_list_first(&batch, ag_txn, link)) != NULL) {
            ag_list_remove(&t->link);
            report(t, failure);
        }
    }
    if (failure == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    AG_AUTO(argo_error) owned = ag_take(s->failure);
    pthread_mutex_unlock(&s->lock);
    ag_log_error(s->ctx, "store", "%s", argo_error_details(owned));
    if (s->on_failed != NULL && !s->closing) {
        s->on_failed(s->user);
    }
}
