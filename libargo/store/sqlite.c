/*
 * The SQLite driver: statements, transactions, checkpoints. Opening is sqlite_open.c.
 *
 * The writer is the only connection that writes and the only one that checkpoints: SQLite up to
 * 3.51.2 can corrupt a log that two connections reset at once.
 */
#include "store/sqlite.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

/* Checkpoint when the log is longer than this and nobody waits; longer than the second in any
 * case, so that a log under constant load stays bounded. */
#define WAL_PAGES_QUIET 1000
#define WAL_PAGES_MAX   8000

#define SCRUB_WAIT_MS 200 /* for readers; it is tried again */

#define MAX_CELLS 40

static struct ag_sqlite *of(struct ag_db *db)
{
    return AG_CONTAINER_OF(db, struct ag_sqlite, base);
}

int ag_sqlite_damaged(const char *path, const char *why, argo_error **err)
{
    return ag_error_set(err, ARGO_E_CORRUPT,
                        "'%s' is damaged: %s; it is left as it is, `argo-daemon --repair` keeps a "
                        "copy and saves what can be read",
                        path, why);
}

int ag_sqlite_error(const struct ag_sqlite *c, const char *what, argo_error **err)
{
    int rc = sqlite3_errcode(c->db);
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ag_sqlite_damaged(c->path, sqlite3_errmsg(c->db), err);
    case SQLITE_NOMEM:
        return ag_error_nomem(err);
    default:
        return ag_error_set(err, ARGO_E_STORE, "'%s': %.64s: %s (%d)", c->path, what,
                            sqlite3_errmsg(c->db), rc);
    }
}

int ag_sqlite_exec(const struct ag_sqlite *c, const char *sql, argo_error **err)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : ag_sqlite_error(c, sql, err);
}

int ag_sqlite_number(const struct ag_sqlite *c, const char *sql, int64_t *out, argo_error **err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
        sqlite3_finalize(stmt);
        return 0;
    }
    int code = ag_sqlite_error(c, sql, err);
    sqlite3_finalize(stmt);
    return code;
}

void ag_sqlite_close(struct ag_db *db)
{
    if (db == NULL) {
        return;
    }
    struct ag_sqlite *c = of(db);
    for (int i = 0; i < AG_SQL_COUNT; i++) {
        sqlite3_finalize(c->cache[i]);
    }
    sqlite3_finalize(c->begin);
    sqlite3_finalize(c->commit);
    sqlite3_close(c->db);
    free(c->path);
    free(c);
}

static int is_empty(struct ag_db *db, bool *out, argo_error **err)
{
    int64_t tables = 0;
    int rc = ag_sqlite_number(of(db), "SELECT COUNT(*) FROM sqlite_schema", &tables, err);
    *out = tables == 0;
    return rc;
}

/* Tables are clustered by their key; one whose key is a lone INTEGER is so anyway. */
static int define(struct ag_db *db, const char *ddl, argo_error **err)
{
    bool clustered =
        ag_starts_with(ddl, "CREATE TABLE") && strstr(ddl, "INTEGER PRIMARY KEY") == NULL;
    ag_auto_free char *sql = ag_asprintf("%s%s", ddl, clustered ? " WITHOUT ROWID" : "");
    return sql == NULL ? ag_error_nomem(err) : ag_sqlite_exec(of(db), sql, err);
}

/* SQL that has neither parameters nor rows and comes with every transaction: prepared once. */
static int control(const struct ag_sqlite *c, sqlite3_stmt **stmt, const char *sql,
                   argo_error **err)
{
    if (*stmt == NULL &&
        sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK) {
        return ag_sqlite_error(c, sql, err);
    }
    int rc = sqlite3_step(*stmt) == SQLITE_DONE ? 0 : ag_sqlite_error(c, sql, err);
    sqlite3_reset(*stmt);
    return rc;
}

static int begin(struct ag_db *db, argo_error **err)
{
    struct ag_sqlite *c = of(db);
    return control(c, &c->begin, "BEGIN IMMEDIATE", err);
}

/* The log still has what was deleted: it goes into the file, where that is zeroes, and is emptied. */
static void scrub(struct ag_sqlite *c)
{
    sqlite3_busy_timeout(c->db, SCRUB_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(c->db, AG_SQLITE_WAIT_MS);
    c->scrub = rc != SQLITE_OK;
    c->wal_pages = rc == SQLITE_OK ? 0 : c->wal_pages;
}

/* A deleted row is overwritten, but splitting and joining pages leave copies of it in what is free
 * of them: all pages go, which are overwritten then, and those of the other runs are put back. */
static int rewrite_secrets(const struct ag_sqlite *c, argo_error **err)
{
    return ag_sqlite_exec(c,
                          "CREATE TEMP TABLE kept AS SELECT * FROM secrets; DELETE FROM secrets;"
                          "INSERT INTO secrets SELECT * FROM kept; DROP TABLE temp.kept;",
                          err);
}

static int commit(struct ag_db *db, argo_error **err)
{
    struct ag_sqlite *c = of(db);
    int rc = c->forgot ? rewrite_secrets(c, err) : 0;
    if (rc == 0) {
        rc = control(c, &c->commit, "COMMIT", err);
    }
    if (rc == 0 && (c->forgot || c->scrub)) {
        c->forgot = false;
        scrub(c); /* before anybody hears of it */
    }
    return rc;
}

static void freeze(struct ag_db *db, bool frozen)
{
    struct ag_sqlite *c = of(db);
    (void)(frozen ? control(c, &c->begin, "BEGIN", NULL) : control(c, &c->commit, "COMMIT", NULL));
}

static void rollback(struct ag_db *db)
{
    ag_sqlite_exec(of(db), "ROLLBACK", NULL);
}

/* SQLite's numbered parameters are written ?1, not $1 (which is a name to it). */
static int prepare(const struct ag_sqlite *c, enum ag_sql id, sqlite3_stmt **out, argo_error **err)
{
    ag_auto_free char *sql = ag_strdup(ag_sql_text[id]);
    if (sql == NULL) {
        return ag_error_nomem(err);
    }
    for (char *p = sql; (p = strchr(p, '$')) != NULL;) {
        *p = '?';
    }
    if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK) {
        return ag_sqlite_error(c, sql, err);
    }
    return 0;
}

static int bind_cell(sqlite3_stmt *stmt, int at, const struct ag_cell *cell)
{
    switch (cell->type) {
    case AG_CELL_INT:
        return sqlite3_bind_int64(stmt, at, cell->number);
    case AG_CELL_TEXT:
        return sqlite3_bind_text64(stmt, at, cell->text, cell->len, SQLITE_STATIC, SQLITE_UTF8);
    case AG_CELL_NULL:
    case AG_CELL_OTHER:
        break;
    }
    return sqlite3_bind_null(stmt, at);
}

/* A statement ready to step: the cached one, or a second copy when a callback of its own query
 * uses it again. */
static int acquire(struct ag_sqlite *c, enum ag_sql id, const struct ag_cell *params, int n,
                   sqlite3_stmt **out, argo_error **err)
{
    sqlite3_stmt *stmt = c->cache[id];
    if (stmt == NULL || sqlite3_stmt_busy(stmt)) {
        int rc = prepare(c, id, &stmt, err);
        if (rc < 0) {
            return rc;
        }
        if (c->cache[id] == NULL) {
            c->cache[id] = stmt;
        }
    }
    assert(sqlite3_bind_parameter_count(stmt) == n);
    *out = stmt;
    for (int i = 0; i < n; i++) {
        if (bind_cell(stmt, i + 1, &params[i]) != SQLITE_OK) {
            return ag_sqlite_error(c, ag_sql_text[id], err);
        }
    }
    return 0;
}

static void release(struct ag_sqlite *c, enum ag_sql id, sqlite3_stmt *stmt)
{
    if (stmt != NULL && stmt == c->cache[id]) {
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
    } else {
        sqlite3_finalize(stmt);
    }
}

static int execute(struct ag_db *db, enum ag_sql id, const struct ag_cell *params, int n,
                   argo_error **err)
{
    struct ag_sqlite *c = of(db);
    sqlite3_stmt *stmt = NULL;
    int rc = acquire(c, id, params, n, &stmt, err);
    if (rc == 0 && sqlite3_step(stmt) != SQLITE_DONE) {
        rc = ag_sqlite_error(c, ag_sql_text[id], err);
    }
    if (rc == 0 && id == AG_SQL_FORGET_SECRETS && sqlite3_changes(c->db) > 0) {
        c->forgot = true;
    }
    release(c, id, stmt);
    return rc;
}

static struct ag_cell read_cell(sqlite3_stmt *stmt, int at)
{
    struct ag_cell cell = {.type = AG_CELL_OTHER};
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_NULL:
        cell.type = AG_CELL_NULL;
        break;
    case SQLITE_INTEGER:
        cell.type = AG_CELL_INT;
        cell.number = sqlite3_column_int64(stmt, at);
        break;
    case SQLITE_TEXT:
        cell.text = (const char *)sqlite3_column_text(stmt, at);
        cell.len = (size_t)sqlite3_column_bytes(stmt, at);
        cell.type = cell.text == NULL ? AG_CELL_OTHER : AG_CELL_TEXT;
        break;
    default:
        break;
    }
    return cell;
}

static int query(struct ag_db *db, enum ag_sql id, const struct ag_cell *params, int n,
                 ag_row_fn fn, void *user, argo_error **err)
{
    struct ag_sqlite *c = of(db);
    sqlite3_stmt *stmt = NULL;
    struct ag_cell cells[MAX_CELLS];
    int rc = acquire(c, id, params, n, &stmt, err);
    int columns = rc == 0 ? sqlite3_column_count(stmt) : 0;
    assert(columns <= MAX_CELLS);
    while (rc == 0) {
        int step = sqlite3_step(stmt);
        if (step != SQLITE_ROW) {
            rc = step == SQLITE_DONE ? 0 : ag_sqlite_error(c, ag_sql_text[id], err);
            break;
        }
        for (int i = 0; i < columns; i++) {
            cells[i] = read_cell(stmt, i);
        }
        rc = fn(cells, columns, user);
    }
    release(c, id, stmt);
    return rc;
}

static bool tidy(struct ag_db *db, bool quiet)
{
    struct ag_sqlite *c = of(db);
    if (c->scrub) {
        scrub(c);
    } else if (c->wal_pages > (quiet ? WAL_PAGES_QUIET : WAL_PAGES_MAX)) {
        sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        c->wal_pages = 0; /* counted again by the next commit */
    }
    return c->scrub;
}

/* Copies the log into the file and empties it, so that neither a frame of the failed commit nor
 * a page whose fsync failed is ever built upon. */
static int settle(struct ag_db *db, argo_error **err)
{
    struct ag_sqlite *c = of(db);
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc == SQLITE_OK ? 0 : ag_sqlite_error(c, "checkpoint", err);
}

const struct ag_driver ag_sqlite_driver = {
    .name = "sqlite",
    .open = ag_sqlite_open,
    .close = ag_sqlite_close,
    .empty = is_empty,
    .define = define,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .execute = execute,
    .query = query,
    .freeze = freeze,
    .tidy = tidy,
    .settle = settle,
};
