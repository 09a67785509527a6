/*
 * Rows <-> structs by declarative tables: one list of columns per table, in the order in which
 * its statements name them.
 */
#ifndef AG_STORE_ROWS_H
#define AG_STORE_ROWS_H

#include "store/driver.h"
#include "store/store.h"

#define AG_ROW_CELLS 40

enum ag_column_type {
    AG_COLUMN_INT,  /* int64_t */
    AG_COLUMN_BOOL, /* bool, 0 or 1 */
    AG_COLUMN_WORD, /* int, an index into WORDS; the word is stored */
    AG_COLUMN_TEXT, /* char *, owned */
    AG_COLUMN_HEX,  /* char[65] */
    AG_COLUMN_JSON  /* ag_value *, owned; compact text is stored */
};

struct ag_column {
    const char *name;
    enum ag_column_type type;
    size_t offset;
    const char *const *words;
};

struct ag_row_type {
    const char *table;
    size_t size;
    const struct ag_column *columns;
    int n;
};

extern const struct ag_row_type ag_run_row, ag_run_spec_row, ag_step_row_row, ag_record_row,
    ag_question_row, ag_ci_row, ag_ci_event_row, ag_ci_message_row, ag_token_row, ag_reply_row,
    ag_message_row, ag_session_row, ag_active_run_row;

/* Parameters under construction; texts are borrowed or in OWNED. */
struct ag_cells {
    struct ag_cell cell[AG_ROW_CELLS];
    char *owned[AG_ROW_CELLS];
    int n;
    bool failed; /* no memory */
};

void ag_cells_free(struct ag_cells *cells);
void ag_cells_int(struct ag_cells *cells, int64_t n);
void ag_cells_text(struct ag_cells *cells, const char *text);  /* NULL: null */
void ag_cells_json(struct ag_cells *cells, const ag_value *v); /* NULL: null */
void ag_cells_row(struct ag_cells *cells, const struct ag_row_type *type, const void *in);

#define ag_auto_cells __attribute__((cleanup(ag_cells_free))) struct ag_cells

/* Fills OUT with what can be read, also on failure: ARGO_E_CORRUPT names run, table and column
 * of the first cell that cannot; ARGO_E_NOMEM. RID 0: not a run's. */
int ag_row_read(const struct ag_row_type *type, const struct ag_cell *cells, int64_t rid, void *out,
                argo_error **err);
void ag_row_clear(const struct ag_row_type *type, void *in);
/* One cell of JSON or text that must be there; as above. */
int ag_cell_json(const struct ag_cell *cell, const char *table, const char *column, int64_t rid,
                 ag_value **out, argo_error **err);
int ag_cell_damaged(const char *table, const char *column, int64_t rid, const char *why,
                    argo_error **err);

#endif
