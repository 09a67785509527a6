/*
 * What a database has to offer to be a store. One struct of functions per database; the store
 * above it knows no SQL dialect. A connection belongs to one thread at a time.
 *
 * Errors are ARGO_E_STORE (the statement or the disk failed), ARGO_E_CORRUPT (what is stored is
 * damaged; the text names it and the repair command), ARGO_E_STATE or ARGO_E_NOMEM.
 */
#ifndef AG_STORE_DRIVER_H
#define AG_STORE_DRIVER_H

#include "base/error.h"
#include "store/statements.h"

enum ag_cell_type {
    AG_CELL_NULL,
    AG_CELL_INT,
    AG_CELL_TEXT,
    AG_CELL_OTHER /* only read: a type that no column of ours has */
};

/* A parameter or a column of a row. Texts are borrowed; a text that is read is NUL-terminated. */
struct ag_cell {
    enum ag_cell_type type;
    int64_t number;
    const char *text;
    size_t len;
};

/* The first member of a driver's connection. */
struct ag_db {
    const struct ag_driver *driver;
};

typedef int (*ag_row_fn)(const struct ag_cell *cells, int n, void *user);

struct ag_driver {
    const char *name;
    /* PLACE is a file name or a connection text. The writer comes first: it creates what is
     * missing and refuses what is damaged, leaving it as it is. Readers cannot write. */
    int (*open)(const char *place, bool writer, struct ag_db **out, argo_error **err);
    void (*close)(struct ag_db *db); /* NULL is allowed; rolls back; a writer is closed last */
    int (*empty)(struct ag_db *db, bool *out, argo_error **err); /* true: no table at all */
    int (*define)(struct ag_db *db, const char *ddl, argo_error **err);
    int (*begin)(struct ag_db *db, argo_error **err);
    int (*commit)(struct ag_db *db, argo_error **err); /* returns after the fsync */
    void (*rollback)(struct ag_db *db);
    int (*execute)(struct ag_db *db, enum ag_sql id, const struct ag_cell *params, int n,
                   argo_error **err);
    /* Calls FN per row until it returns non-zero, and returns that. FN may query as well. */
    int (*query)(struct ag_db *db, enum ag_sql id, const struct ag_cell *params, int n,
                 ag_row_fn fn, void *user, argo_error **err);
    /* A reader's: until it is let go everything is read as it is now, and each read costs less. */
    void (*freeze)(struct ag_db *db, bool frozen);
    /* Upkeep by the writer when it starts and after a group; QUIET: nobody waits for it. True when
     * there is something left that readers have kept it from. */
    bool (*tidy)(struct ag_db *db, bool quiet);
    /* On a fresh writer after a failed commit: whatever that one left behind in the database's
     * log must not come back, and what was acknowledged must not depend on it. */
    int (*settle)(struct ag_db *db, argo_error **err);
};

extern const struct ag_driver ag_sqlite_driver;

#endif
