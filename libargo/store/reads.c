/*
 * Typed reads on the loop through the read-only connection: runs, and what every read shares.
 * The other tables are in reads_other.c.
 */
#include "store/reads.h"

#include "base/text.h"

/* ---- what every read shares ---------------------------------------------------------------- */

/* All reads of an iteration are of one state, the one after the last commit that was reported: the
 * locks of SQLite are taken once, not for every statement. It is let go at the end, as the writer
 * could not begin its log anew while somebody looks at what is in it. */
int ag_read(ag_store *s, enum ag_sql id, const struct ag_cells *params, ag_row_fn fn, void *user,
            argo_error **err)
{
    if (s->thaw != NULL && !s->frozen) {
        s->driver->freeze(s->reader, true);
        s->frozen = true;
        ag_defer_schedule(s->thaw);
    }
    return s->driver->query(s->reader, id, params->cell, params->n, fn, user, err);
}

static int first_row(const struct ag_cell *cells, int n, void *user)
{
    struct ag_first *first = user;
    const struct ag_cell *extra = cells + first->type->n;
    int64_t rid = first->extra != NULL ? extra->number : first->rid;
    int rc = ag_row_read(first->type, cells, rid, first->out, first->err);
    if (rc < 0) {
        ag_row_clear(first->type, first->out);
        return rc;
    }
    if (first->extra != NULL) {
        rc = first->extra(extra, first->out, first->user, first->err);
    }
    return rc < 0 ? rc : 1;
}

int ag_read_first(ag_store *s, enum ag_sql id, const struct ag_cells *params,
                  struct ag_first *first)
{
    return ag_read(s, id, params, first_row, first, first->err);
}

static int first_number(const struct ag_cell *cells, int n, void *user)
{
    if (cells[0].type != AG_CELL_INT) {
        return 0;
    }
    *(int64_t *)user = cells[0].number;
    return 1;
}

int ag_read_number(ag_store *s, enum ag_sql id, const struct ag_cells *params, int64_t *out,
                   argo_error **err)
{
    return ag_read(s, id, params, first_number, out, err);
}

/* ---- runs ---------------------------------------------------------------------------------- */

static int64_t rid_of(const struct ag_cell *cells)
{
    const struct ag_cell *rid = &cells[AG_RUN_RID_COLUMN];
    return rid->type == AG_CELL_INT ? rid->number : 0;
}

struct one_run {
    struct ag_run *out;
    argo_error **err;
};

static int one_run_row(const struct ag_cell *cells, int n, void *user)
{
    struct one_run *one = user;
    int rc = ag_row_read(&ag_run_row, cells, rid_of(cells), one->out, one->err);
    if (rc < 0) {
        ag_row_clear(&ag_run_row, one->out);
        return rc;
    }
    return 1;
}

static int one_run(ag_store *s, enum ag_sql id, const struct ag_cells *params, struct ag_run *out,
                   argo_error **err)
{
    struct one_run one = {out, err};
    return ag_read(s, id, params, one_run_row, &one, err);
}

int ag_store_run(ag_store *s, const char *workflow_id, struct ag_run *out, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_text(&params, workflow_id);
    return one_run(s, AG_SQL_RUN, &params, out, err);
}

int ag_store_rid(ag_store *s, const char *workflow_id, int64_t *out, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_text(&params, workflow_id);
    return ag_read_number(s, AG_SQL_RID, &params, out, err);
}

int ag_store_run_by_rid(ag_store *s, int64_t rid, struct ag_run *out, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_int(&params, rid);
    return one_run(s, AG_SQL_RUN_BY_RID, &params, out, err);
}

int ag_store_run_by_request_key(ag_store *s, const char *key, struct ag_run *out, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_text(&params, key);
    return one_run(s, AG_SQL_RUN_BY_REQUEST_KEY, &params, out, err);
}

static int run_spec(ag_store *s, enum ag_sql id, int64_t rid, struct ag_run_spec *out,
                    argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_int(&params, rid);
    struct ag_first first = {.type = &ag_run_spec_row, .rid = rid, .out = out, .err = err};
    return ag_read_first(s, id, &params, &first);
}

int ag_store_run_spec(ag_store *s, int64_t rid, struct ag_run_spec *out, argo_error **err)
{
    return run_spec(s, AG_SQL_SPEC, rid, out, err);
}

int ag_store_run_spec_shown(ag_store *s, int64_t rid, struct ag_run_spec *out, argo_error **err)
{
    return run_spec(s, AG_SQL_SPEC_SHOWN, rid, out, err);
}

static int number_max(ag_store *s, const char *id, char separator, int64_t *out, argo_error **err)
{
    ag_auto_free char *base = ag_asprintf("%s%c", id, separator);
    if (base == NULL) {
        return ag_error_nomem(err);
    }
    ag_auto_cells params = {0};
    ag_cells_text(&params, base);
    int64_t max = 0;
    int rc = ag_read_number(s, AG_SQL_MAX_NUMBER, &params, &max, err);
    if (rc < 0) {
        return rc;
    }
    *out = max;
    return 0;
}

int ag_store_retired_max(ag_store *s, const char *workflow_id, int64_t *out, argo_error **err)
{
    return number_max(s, workflow_id, '~', out, err);
}

int ag_store_instance_max(ag_store *s, const char *prefix, int64_t *out, argo_error **err)
{
    return number_max(s, prefix, '_', out, err);
}

struct run_list {
    int (*fn)(const struct ag_run *run, void *user);
    void *user;
    argo_error **err;
};

/* Turns what could be read of a damaged row into a failed run that says why. */
static int show_damage(struct ag_run *run, const argo_error *damage, argo_error **err)
{
    ag_value_unref(run->error);
    run->error = ag_value_object();
    int code = argo_code_wire(argo_error_code(damage));
    if (ag_value_set(run->error, "code", ag_value_int(code)) != 0 ||
        ag_value_set(run->error, "message", ag_value_text(argo_error_details(damage))) != 0) {
        return ag_error_nomem(err);
    }
    run->state = AG_RUN_FAILED;
    return 0;
}

static int run_list_row(const struct ag_cell *cells, int n, void *user)
{
    const struct run_list *list = user;
    AG_AUTO(argo_error) damage = NULL;
    struct ag_run run;
    int rc = ag_row_read(&ag_run_row, cells, rid_of(cells), &run, &damage);
    if (rc == ARGO_E_CORRUPT) {
        rc = show_damage(&run, damage, list->err);
    } else if (rc < 0) {
        ag_error_nomem(list->err);
    }
    if (rc == 0) {
        rc = list->fn(&run, list->user);
    }
    ag_row_clear(&ag_run_row, &run);
    return rc;
}

static enum ag_sql page_statement(const struct ag_run_filter *filter)
{
    if (filter->state == -1) {
        return AG_SQL_RUNS_LIVE;
    }
    if (filter->session_id != NULL) {
        return AG_SQL_RUNS_BY_SESSION;
    }
    if (filter->template_name != NULL) {
        return filter->state >= 0 ? AG_SQL_RUNS_BY_TEMPLATE_STATE : AG_SQL_RUNS_BY_TEMPLATE;
    }
    return filter->state >= 0 ? AG_SQL_RUNS_BY_STATE : AG_SQL_RUNS;
}

int ag_store_runs(ag_store *s, const struct ag_run_filter *filter,
                  int (*fn)(const struct ag_run *run, void *user), void *user, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_int(&params, filter->before_rid > 0 ? filter->before_rid : INT32_MAX);
    ag_cells_text(&params, filter->state >= 0 ? ag_run_state_words[filter->state] : "");
    ag_cells_text(&params, filter->template_name != NULL ? filter->template_name : "");
    ag_cells_text(&params, filter->session_id != NULL ? filter->session_id : "");
    ag_cells_int(&params, filter->limit);
    struct run_list list = {fn, user, err};
    return ag_read(s, page_statement(filter), &params, run_list_row, &list, err);
}
