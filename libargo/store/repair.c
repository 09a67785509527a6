/*
 * Repair of a damaged SQLite file, offline: what can be read goes row by row into a new file,
 * which takes the place of the old one; the old one stays beside it as PATH.damaged-N.
 *
 * Nothing is ever written to the damaged file. When its first page (header and table of
 * contents) is lost, a copy gets the first page of a new store: the tables are always made in
 * the same order, so their roots are where a new store has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/store.h"

#define MAX_COPIES 1000

struct repair {
    const char *path;
    char *kept;    /* PATH.damaged-N */
    char *fresh;   /* PATH.repaired: becomes PATH */
    char *scratch; /* PATH.salvage: the copy that got a first page */
    struct ag_db *to;
    struct ag_sqlite from;
    struct ag_buf *report;
};

/* ---- files --------------------------------------------------------------------------------- */

/* PATH and what SQLite keeps beside it. */
static void unlink_all(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; path != NULL && i < AG_ARRAY_SIZE(suffixes); i++) {
        ag_auto_free char *name = ag_asprintf("%s%s", path, suffixes[i]);
        if (name != NULL) {
            unlink(name);
        }
    }
}

static int link_wal(const char *from, const char *to, argo_error **err)
{
    ag_auto_free char *from_wal = ag_asprintf("%s-wal", from);
    ag_auto_free char *to_wal = ag_asprintf("%s-wal", to);
    if (from_wal == NULL || to_wal == NULL) {
        return ag_error_nomem(err);
    }
    if (link(from_wal, to_wal) < 0 && errno != ENOENT) {
        return ag_error_errno(err, errno, "keep '%s' as '%s'", from_wal, to_wal);
    }
    return 0;
}

/* A log that has lost its file: an empty one stands for it. */
static int find_file(const char *path, argo_error **err)
{
    ag_auto_free char *wal = ag_asprintf("%s-wal", path);
    if (wal == NULL) {
        return ag_error_nomem(err);
    }
    if (ag_file_exists(path)) {
        return 0;
    }
    if (!ag_file_exists(wal)) {
        return ag_error_set(err, ARGO_E_STATE, "'%s' does not exist: nothing to repair", path);
    }
    ag_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? ag_error_errno(err, errno, "create '%s'", path) : 0;
}

/* SQLite removes the log of a file without pages. */
static bool has_pages(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0;
}

/* A second name costs nothing and keeps the bytes whatever happens to the first. */
static int keep_copy(struct repair *r, argo_error **err)
{
    for (int n = 1; n <= MAX_COPIES; n++) {
        free(r->kept);
        r->kept = ag_asprintf("%s.damaged-%d", r->path, n);
        if (r->kept == NULL) {
            return ag_error_nomem(err);
        }
        if (link(r->path, r->kept) == 0) {
            return link_wal(r->path, r->kept, err);
        }
        if (errno != EEXIST) {
            return ag_error_errno(err, errno, "keep '%s' as '%s'", r->path, r->kept);
        }
    }
    return ag_error_set(err, ARGO_E_STATE, "'%s.damaged-1' to -%d exist: remove some", r->path,
                        MAX_COPIES);
}

static int copy_file(const char *from, const char *to, argo_error **err)
{
    ag_auto_close int in = open(from, O_RDONLY | O_CLOEXEC);
    ag_auto_close int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t n = in < 0 || out < 0 ? -1 : 1;
    while (n > 0) {
        n = sendfile(out, in, NULL, (size_t)1 << 30);
    }
    return n < 0 ? ag_error_errno(err, errno, "copy '%s' to '%s'", from, to) : 0;
}

/* The copy's first page becomes that of the new file, with the copy's own length. */
static int graft_first_page(const char *fresh, const char *scratch, argo_error **err)
{
    unsigned char page[4096];
    struct stat st;
    ag_auto_close int in = open(fresh, O_RDONLY | O_CLOEXEC);
    ag_auto_close int out = open(scratch, O_RDWR | O_CLOEXEC);
    if (in < 0 || out < 0 || pread(in, page, sizeof(page), 0) != sizeof(page) ||
        fstat(out, &st) < 0) {
        return ag_error_errno(err, errno, "read '%s' and '%s'", fresh, scratch);
    }
    uint32_t pages = (uint32_t)((st.st_size + 4095) / 4096);
    for (int i = 0; i < 4; i++) {
        page[28 + i] = (unsigned char)(pages >> (24 - 8 * i));
    }
    memset(page + 32, 0, 8); /* no free pages: nobody allocates here */
    if (pwrite(out, page, sizeof(page), 0) != sizeof(page)) {
        return ag_error_errno(err, errno, "write '%s'", scratch);
    }
    return 0;
}

/* ---- connections --------------------------------------------------------------------------- */

static int open_damaged(struct repair *r, const char *path, argo_error **err)
{
    free(r->from.path);
    sqlite3_close(r->from.db);
    r->from = (struct ag_sqlite){.path = ag_strdup(path)};
    if (r->from.path == NULL) {
        return ag_error_nomem(err);
    }
    if (sqlite3_open_v2(path, &r->from.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        return ag_sqlite_error(&r->from, "open", err);
    }
    sqlite3_db_config(r->from.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return ag_sqlite_exec(&r->from,
                          "PRAGMA query_only = ON; PRAGMA writable_schema = ON;"
                          "SELECT 1 FROM runs LIMIT 0",
                          err);
}

/* A new, empty store of schema VERSION, closed once so that its first page is in the file. */
static int make_fresh(struct repair *r, int version, argo_error **err)
{
    unlink_all(r->fresh);
    for (int i = 0; i < 2; i++) {
        if (r->to != NULL) {
            ag_sqlite_close(r->to);
            r->to = NULL;
        }
        int rc = ag_sqlite_open(r->fresh, true, &r->to, err);
        if (rc == 0) {
            rc = ag_schema_migrate(r->to, r->fresh, ag_migrations, version, err);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int open_source(struct repair *r, argo_error **err)
{
    if (has_pages(r->kept) && open_damaged(r, r->kept, NULL) == 0) {
        return 0;
    }
    ag_buf_add_text(r->report, "the first page is lost: replaced by that of a new store\n");
    unlink_all(r->scratch);
    int rc = copy_file(r->kept, r->scratch, err);
    if (rc == 0) {
        rc = link_wal(r->kept, r->scratch, err);
    }
    if (rc == 0) {
        rc = graft_first_page(r->fresh, r->scratch, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (open_damaged(r, r->scratch, NULL) < 0) {
        ag_buf_add_text(r->report, "no table can be read\n");
    }
    return 0;
}

/* What a newer Argo keeps has no place in our tables; what an older one kept goes into tables as it
 * had them, and is migrated afterwards. */
static int match_version(struct repair *r, argo_error **err)
{
    int64_t version = 0;
    (void)ag_sqlite_number(&r->from,
                           "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema_version'",
                           &version, NULL);
    if (version > ag_schema_version) {
        unlink_all(r->kept);
        return ag_schema_newer(r->path, version, ag_schema_version, err);
    }
    return version > 0 && version < ag_schema_version ? make_fresh(r, (int)version, err) : 0;
}

/* ---- rows ---------------------------------------------------------------------------------- */

struct table {
    const char *name;
    bool by_rid;
    int64_t kept;
    int64_t last_rid; /* of the last row that a scan has read */
};

/* By the columns' names: their order may be another. */
static sqlite3_stmt *prepare_insert(struct ag_sqlite *to, const char *table, sqlite3_stmt *rows)
{
    struct ag_buf sql = AG_BUF_INIT(4096);
    int columns = sqlite3_column_count(rows);
    ag_buf_printf(&sql, "INSERT OR IGNORE INTO %s (", table);
    for (int i = 0; i < columns; i++) {
        ag_buf_printf(&sql, "%s\"%s\"", i == 0 ? "" : ", ", sqlite3_column_name(rows, i));
    }
    for (int i = 0; i < columns; i++) {
        ag_buf_add_text(&sql, i == 0 ? ") VALUES (?" : ", ?");
    }
    ag_buf_add_text(&sql, ")");
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(to->db, ag_buf_text(&sql), -1, &stmt, NULL);
    ag_buf_free(&sql);
    return stmt;
}

static int copy_row(struct ag_sqlite *to, sqlite3_stmt *insert, sqlite3_stmt *row,
                    struct table *table, argo_error **err)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
    }
    int rc = sqlite3_step(insert);
    if (rc == SQLITE_DONE) {
        table->kept += sqlite3_changes(to->db);
    }
    sqlite3_reset(insert);
    /* A row that our rules refuse is one that cannot be read; everything else is the new file. */
    return rc == SQLITE_DONE || (rc & 0xff) == SQLITE_CONSTRAINT ? 0
                                                                 : ag_sqlite_error(to, "copy", err);
}

/* Copies what "SELECT * FROM table REST" yields until it ends or cannot go on. 1: came to the
 * end, 0: did not. */
static int scan(struct repair *r, struct table *table, const char *rest, argo_error **err)
{
    struct ag_sqlite *to = AG_CONTAINER_OF(r->to, struct ag_sqlite, base);
    sqlite3_stmt *rows = NULL;
    ag_auto_free char *sql = ag_asprintf("SELECT * FROM %s NOT INDEXED %s", table->name, rest);
    if (sql == NULL) {
        return ag_error_nomem(err);
    }
    if (sqlite3_prepare_v2(r->from.db, sql, -1, &rows, NULL) != SQLITE_OK) {
        return 0;
    }
    sqlite3_stmt *insert = prepare_insert(to, table->name, rows);
    int rc = insert == NULL ? ag_sqlite_error(to, "copy", err) : 0;
    int step = SQLITE_DONE;
    while (rc == 0 && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        rc = copy_row(to, insert, rows, table, err);
        table->last_rid = sqlite3_column_int64(rows, 0);
    }
    sqlite3_finalize(insert);
    sqlite3_finalize(rows);
    return rc < 0 ? rc : step == SQLITE_DONE;
}

/* Past a page that cannot be read: from the other end, then run by run in between. */
static int scan_around(struct repair *r, struct table *table, argo_error **err)
{
    int64_t from = table->last_rid;
    table->last_rid = 0;
    int rc = scan(r, table, "ORDER BY 1 DESC", err);
    int64_t to = table->last_rid;
    for (int64_t rid = from; rc >= 0 && table->by_rid && rid <= to; rid++) {
        char rest[64];
        snprintf(rest, sizeof(rest), "WHERE rid = %" PRId64, rid);
        rc = scan(r, table, rest, err);
    }
    return rc < 0 ? rc : 0;
}

static int salvage_table(struct repair *r, const char *name, bool by_rid, argo_error **err)
{
    struct table table = {.name = name, .by_rid = by_rid};
    int rc = scan(r, &table, "ORDER BY 1", err);
    bool whole = rc == 1;
    if (rc == 0) {
        rc = scan_around(r, &table, err);
    }
    if (rc >= 0) {
        ag_buf_printf(r->report, "%s: %" PRId64 " rows kept%s\n", name, table.kept,
                      whole ? "" : "; part of the table cannot be read");
    }
    return rc < 0 ? rc : 0;
}

static int salvage_all(struct repair *r, argo_error **err)
{
    static const char tables[] =
        "SELECT m.name, (SELECT c.name FROM pragma_table_info(m.name) c LIMIT 1) = 'rid' "
        "FROM sqlite_schema m WHERE m.type = 'table' ORDER BY m.rowid";
    struct ag_sqlite *to = AG_CONTAINER_OF(r->to, struct ag_sqlite, base);
    sqlite3_stmt *list = NULL;
    int rc = ag_sqlite_exec(to, "BEGIN IMMEDIATE", err);
    if (rc == 0 && sqlite3_prepare_v2(to->db, tables, -1, &list, NULL) != SQLITE_OK) {
        rc = ag_sqlite_error(to, "list the tables", err);
    }
    while (rc == 0 && sqlite3_step(list) == SQLITE_ROW) {
        rc = salvage_table(r, (const char *)sqlite3_column_text(list, 0),
                           sqlite3_column_int(list, 1) != 0, err);
    }
    sqlite3_finalize(list);
    return rc < 0 ? rc : ag_sqlite_exec(to, "COMMIT", err);
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* The old log must be gone before the new file has its name: it would be replayed over it. */
static int take_place(struct repair *r, argo_error **err)
{
    ag_sqlite_close(ag_take(r->to));
    ag_auto_free char *wal = ag_asprintf("%s-wal", r->path);
    ag_auto_free char *shm = ag_asprintf("%s-shm", r->path);
    if (wal == NULL || shm == NULL) {
        return ag_error_nomem(err);
    }
    unlink(wal);
    unlink(shm);
    if (rename(r->fresh, r->path) < 0) {
        return ag_error_errno(err, errno, "rename '%s' to '%s'", r->fresh, r->path);
    }
    ag_buf_printf(r->report, "the damaged file is kept as %s\n", r->kept);
    return 0;
}

static int run_repair(struct repair *r, argo_error **err)
{
    int rc = find_file(r->path, err);
    if (rc == 0) {
        rc = keep_copy(r, err);
    }
    if (rc == 0) {
        rc = make_fresh(r, ag_schema_version, err);
    }
    if (rc == 0) {
        rc = open_source(r, err);
    }
    if (rc == 0) {
        rc = match_version(r, err);
    }
    if (rc == 0) {
        rc = salvage_all(r, err);
    }
    if (rc == 0) {
        rc = ag_schema_migrate(r->to, r->fresh, ag_migrations, ag_schema_version, err);
    }
    if (rc == 0) {
        rc = take_place(r, err);
    }
    return rc;
}

int ag_store_repair(argo_context *ctx, const char *path, struct ag_buf *report, argo_error **err)
{
    struct repair r = {.path = path, .report = report};
    r.fresh = ag_asprintf("%s.repaired", path);
    r.scratch = ag_asprintf("%s.salvage", path);
    int rc = r.fresh == NULL || r.scratch == NULL ? ag_error_nomem(err) : run_repair(&r, err);
    ag_sqlite_close(r.to);
    sqlite3_close(r.from.db);
    unlink_all(r.fresh);
    unlink_all(r.scratch);
    if (r.kept != NULL) {
        ag_auto_free char *shm = ag_asprintf("%s-shm", r.kept);
        if (shm != NULL) {
            unlink(shm);
        }
    }
    free(r.from.path);
    free(r.kept);
    free(r.fresh);
    free(r.scratch);
    return rc < 0 ? rc : ag_buf_check(report, "repair report", err);
}
