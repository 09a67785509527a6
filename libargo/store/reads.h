/*
 * What the files of typed reads share.
 */
#ifndef AG_STORE_READS_H
#define AG_STORE_READS_H

#include "store/internal.h"

/* Reading the first row into a struct; EXTRA (may be NULL) gets the cells after the row's own,
 * which begin with its rid. A row that is damaged leaves OUT empty. */
struct ag_first {
    const struct ag_row_type *type;
    int64_t rid; /* for error texts */
    void *out;
    int (*extra)(const struct ag_cell *cells, void *out, void *user, argo_error **err);
    void *user;
    argo_error **err;
};

/* Where a run's row has its number, so that errors can name it. */
#define AG_RUN_RID_COLUMN 5

int ag_read(ag_store *s, enum ag_sql id, const struct ag_cells *params, ag_row_fn fn, void *user,
            argo_error **err);
/* 1 and OUT filled, 0 without a row. */
int ag_read_first(ag_store *s, enum ag_sql id, const struct ag_cells *params,
                  struct ag_first *first);
/* 1 and *OUT, 0 without a row or for null. */
int ag_read_number(ag_store *s, enum ag_sql id, const struct ag_cells *params, int64_t *out,
                   argo_error **err);

#endif
