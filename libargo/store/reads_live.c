/*
 * What is held in memory of the runs that have not ended: one pass over each table, so that many
 * runs that wait cost little when a daemon starts.
 */
#include "store/reads.h"

/* Of a step under way only what goes on with it. */
static const struct ag_column flight_columns[] = {
    {"step", AG_COLUMN_TEXT, offsetof(struct ag_step_row, step), NULL},
    {"path", AG_COLUMN_TEXT, offsetof(struct ag_step_row, path), NULL},
    {"attempt", AG_COLUMN_INT, offsetof(struct ag_step_row, attempt), NULL},
    {"repeat_never", AG_COLUMN_BOOL, offsetof(struct ag_step_row, repeat_never), NULL},
    {"until", AG_COLUMN_INT, offsetof(struct ag_step_row, until), NULL},
};
static const struct ag_row_type flight_row = {"steps", sizeof(struct ag_step_row), flight_columns,
                                              AG_ARRAY_SIZE(flight_columns)};

static const struct ag_column line_columns[] = {
    {"seq", AG_COLUMN_INT, offsetof(struct ag_stream_record, seq), NULL},
    {"text", AG_COLUMN_TEXT, offsetof(struct ag_stream_record, text), NULL},
};
static const struct ag_row_type line_row = {"records", sizeof(struct ag_stream_record),
                                            line_columns, AG_ARRAY_SIZE(line_columns)};

struct pass {
    const struct ag_row_type *type;
    void *row;
    int rid_at; /* the cell with the run's number */
    const struct ag_live_reader *reader;
    void *user;
    int (*call)(const struct pass *pass, int64_t rid);
    argo_error **err;
};

static int one_row(const struct ag_cell *cells, int n, void *user)
{
    const struct pass *pass = user;
    const struct ag_cell *number = &cells[pass->rid_at];
    int64_t rid = number->type == AG_CELL_INT ? number->number : 0;
    AG_AUTO(argo_error) why = NULL;
    int rc = ag_row_read(pass->type, cells, rid, pass->row, &why);
    if (rc == 0) {
        rc = pass->call(pass, rid);
    } else if (rc == ARGO_E_CORRUPT) {
        pass->reader->damaged(rid, why, pass->user);
        rc = 0;
    } else {
        ag_error_move(pass->err, &why);
    }
    ag_row_clear(pass->type, pass->row);
    return rc;
}

static int walk(ag_store *s, enum ag_sql id, struct pass *pass)
{
    const struct ag_cells none = {0};
    return ag_read(s, id, &none, one_row, pass, pass->err);
}

static int call_run(const struct pass *pass, int64_t rid)
{
    return pass->reader->run(pass->row, pass->user);
}

static int call_flight(const struct pass *pass, int64_t rid)
{
    return pass->reader->flight(rid, pass->row, pass->user);
}

static int call_question(const struct pass *pass, int64_t rid)
{
    return pass->reader->question(rid, pass->row, pass->user);
}

static int call_line(const struct pass *pass, int64_t rid)
{
    const struct ag_stream_record *line = pass->row;
    return pass->reader->line(rid, line->seq, line->text, pass->user);
}

int ag_store_live(ag_store *s, const struct ag_live_reader *reader, void *user, argo_error **err)
{
    struct ag_run run;
    struct ag_step_row flight;
    struct ag_question question;
    struct ag_stream_record line;

    const struct {
        enum ag_sql id;
        const struct ag_row_type *type;
        void *row;
        int rid_at;
        int (*call)(const struct pass *pass, int64_t rid);
    } passes[] = {
        {AG_SQL_LIVE_RUNS, &ag_run_row, &run, AG_RUN_RID_COLUMN, call_run},
        {AG_SQL_LIVE_FLIGHTS, &flight_row, &flight, flight_row.n, call_flight},
        {AG_SQL_LIVE_QUESTIONS, &ag_question_row, &question, ag_question_row.n, call_question},
        {AG_SQL_LIVE_LINES, &line_row, &line, line_row.n, call_line},
    };

    int rc = 0;
    for (size_t i = 0; rc == 0 && i < AG_ARRAY_SIZE(passes); i++) {
        struct pass pass = {.type = passes[i].type,
                            .row = passes[i].row,
                            .rid_at = passes[i].rid_at,
                            .reader = reader,
                            .user = user,
                            .call = passes[i].call,
                            .err = err};
        rc = walk(s, passes[i].id, &pass);
    }
    return rc;
}
