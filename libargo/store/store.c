/*
 * Opening and closing a store: the writer first, which creates, checks and migrates; then the
 * reader; then the thread.
 */
#include <assert.h>

#include "base/text.h"
#include "store/internal.h"
#include "store/schema.h"

static void on_wake(ag_wake *wake, void *user)
{
    ag_writer_report(user);
}

void ag_store_thaw(ag_store *s)
{
    if (s->frozen) {
        s->driver->freeze(s->reader, false);
        s->frozen = false;
    }
}

static void on_thaw(ag_defer *defer, void *user)
{
    ag_store_thaw(user);
}

static int max_rid_row(const struct ag_cell *cells, int n, void *user)
{
    *(int64_t *)user = cells[0].type == AG_CELL_INT ? cells[0].number : 0;
    return 0;
}

static int open_connections(ag_store *s, argo_error **err)
{
    const struct ag_driver *driver = s->driver;
    int rc = driver->open(s->path, true, &s->writer, err);
    if (rc == 0) {
        rc = ag_schema_migrate(s->writer, s->path, ag_migrations, ag_schema_version, err);
    }
    if (rc == 0) {
        rc = driver->open(s->path, false, &s->reader, err);
    }
    int64_t max_rid = 0;
    if (rc == 0) {
        rc = driver->query(s->reader, AG_SQL_MAX_RID, NULL, 0, max_rid_row, &max_rid, err);
    }
    s->next_rid = max_rid + 1;
    return rc;
}

static ag_store *store_new(void)
{
    ag_store *s = calloc(1, sizeof(*s));
    if (s != NULL) {
        ag_list_init(&s->queue);
        ag_list_init(&s->done);
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->work, NULL);
        pthread_cond_init(&s->idle, NULL);
    }
    return s;
}

int ag_store_open(const struct ag_store_config *config, ag_store **out, argo_error **err)
{
    assert(config->path != NULL && config->loop != NULL);
    ag_store *s = store_new();
    if (s == NULL) {
        return ag_error_nomem(err);
    }
    s->ctx = config->ctx;
    s->driver = config->driver != NULL ? config->driver : &ag_sqlite_driver;
    s->on_failed = config->failed;
    s->tokens_version = 1;
    s->user = config->user;
    s->path = ag_strdup(config->path);
    int rc = s->path == NULL ? ag_error_nomem(err) : open_connections(s, err);
    if (rc == 0) {
        rc = ag_wake_new(config->loop, on_wake, s, &s->wake, err);
    }
    if (rc == 0) {
        rc = ag_defer_new(config->loop, on_thaw, s, &s->thaw, err);
    }
    if (rc == 0) {
        rc = ag_writer_start(s, err);
    }
    if (rc < 0) {
        ag_store_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

int ag_store_reader(const ag_store *s, ag_store **out, argo_error **err)
{
    ag_store *reader = store_new();
    if (reader == NULL) {
        return ag_error_nomem(err);
    }
    reader->driver = s->driver;
    int rc = s->driver->open(s->path, false, &reader->reader, err);
    if (rc < 0) {
        ag_store_close(reader);
        return rc;
    }
    *out = reader;
    return 0;
}

void ag_store_settle(ag_store *s)
{
    s->closing = true;
    if (s->has_thread) {
        ag_writer_stop(s);
    }
}

void ag_store_close(ag_store *s)
{
    if (s == NULL) {
        return;
    }
    ag_store_settle(s);
    if (s->reader != NULL) {
        s->driver->close(s->reader);
    }
    if (s->writer != NULL) {
        s->driver->close(s->writer);
    }
    for (size_t i = 0; i < AG_TOKENS_HELD; i++) {
        ag_token_clear(&s->held_tokens[i].token);
    }
    ag_wake_free(s->wake);
    ag_defer_free(s->thaw);
    pthread_cond_destroy(&s->idle);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    free(s->path);
    free(s);
}

bool ag_store_healthy(const ag_store *s)
{
    return !s->seen.failing;
}

void ag_store_stats(const ag_store *s, struct ag_store_stats *out)
{
    *out = s->seen.stats;
}

int64_t ag_store_next_rid(ag_store *s)
{
    return s->next_rid++;
}
