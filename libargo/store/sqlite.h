/*
 * What the two files of the SQLite driver share, and repair: the connection and its errors.
 */
#ifndef AG_STORE_SQLITE_H
#define AG_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/driver.h"

#define AG_SQLITE_WAIT_MS 5000 /* for a lock */

struct ag_sqlite {
    struct ag_db base;
    sqlite3 *db;
    char *path;
    bool writer;
    int wal_pages; /* after the last commit */
    bool forgot;   /* this transaction has deleted secrets */
    bool scrub;    /* the log may still have secrets that were deleted */
    sqlite3_stmt *cache[AG_SQL_COUNT];
    sqlite3_stmt *begin, *commit;
};

/* The error of the last call on DB: damage, memory or a failed statement. */
int ag_sqlite_error(const struct ag_sqlite *c, const char *what, argo_error **err);
int ag_sqlite_exec(const struct ag_sqlite *c, const char *sql, argo_error **err);
/* ARGO_E_CORRUPT for the file PATH: what is wrong, and what to do. */
int ag_sqlite_damaged(const char *path, const char *why, argo_error **err);
/* The first column of the first row; -1 without a row. */
int ag_sqlite_number(const struct ag_sqlite *c, const char *sql, int64_t *out, argo_error **err);

int ag_sqlite_open(const char *path, bool writer, struct ag_db **out, argo_error **err);
void ag_sqlite_close(struct ag_db *db);

#endif
