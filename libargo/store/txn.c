/*
 * Building a transaction: each typed put becomes a statement id with copied parameters, all of
 * them text and numbers, so that no value crosses threads.
 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "store/internal.h"

ag_txn *ag_txn_new(ag_store *s)
{
    ag_txn *t = calloc(1, sizeof(*t));
    if (t != NULL) {
        ag_list_init(&t->link);
        t->store = s;
        t->end = &t->first;
    }
    return t;
}

void ag_txn_drop(ag_txn *t)
{
    if (t == NULL) {
        return;
    }
    while (t->first != NULL) {
        struct ag_op *op = t->first;
        t->first = op->next;
        free(op);
    }
    free(t);
}

/* Appends statement ID with parameters FROM..FROM+N-1 of CELLS. */
static void add_part(ag_txn *t, enum ag_sql id, const struct ag_cells *cells, int from, int n)
{
    size_t size = sizeof(struct ag_op) + (size_t)n * sizeof(struct ag_cell);
    size_t texts = 0;
    for (int i = from; i < from + n; i++) {
        texts += cells->cell[i].len;
    }
    struct ag_op *op = cells->failed ? NULL : malloc(size + texts);
    if (op == NULL) {
        t->nomem = true;
        return;
    }
    op->next = NULL;
    op->id = id;
    op->n = n;
    char *at = (char *)op + size;
    for (int i = 0; i < n; i++) {
        op->cells[i] = cells->cell[from + i];
        if (op->cells[i].type == AG_CELL_TEXT) {
            memcpy(at, op->cells[i].text, op->cells[i].len);
            op->cells[i].text = at;
            at += op->cells[i].len;
        }
    }
    *t->end = op;
    t->end = &op->next;
}

static void add(ag_txn *t, enum ag_sql id, const struct ag_cells *cells)
{
    add_part(t, id, cells, 0, cells->n);
}

static void add_row(ag_txn *t, enum ag_sql id, const struct ag_row_type *type, const void *row)
{
    ag_auto_cells cells = {0};
    ag_cells_row(&cells, type, row);
    add(t, id, &cells);
}

/* The row of something that belongs to a run: rid comes last. */
static void add_row_of(ag_txn *t, enum ag_sql id, const struct ag_row_type *type, const void *row,
                       int64_t rid)
{
    ag_auto_cells cells = {0};
    ag_cells_row(&cells, type, row);
    ag_cells_int(&cells, rid);
    add(t, id, &cells);
}

/* "PREFIX_12" and "ID~12" in their two parts, the separator with the first; else two nulls. */
static void add_number(struct ag_cells *cells, const char *id)
{
    size_t len = strlen(id);
    size_t digits = 0;
    while (digits < len && id[len - digits - 1] >= '0' && id[len - digits - 1] <= '9') {
        digits++;
    }
    char before = digits < len ? id[len - digits - 1] : '\0';
    int64_t number = 0;
    ag_cells_text(cells, NULL);
    if (digits == 0 || (before != '_' && before != '~') ||
        ag_parse_i64(id + len - digits, "number", 0, INT64_MAX, &number, NULL) < 0) {
        ag_cells_text(cells, NULL);
        return;
    }
    struct ag_cell *base = &cells->cell[cells->n - 1];
    base->type = AG_CELL_TEXT;
    base->text = id;
    base->len = len - digits;
    ag_cells_int(cells, number);
}

void ag_txn_add_run(ag_txn *t, const struct ag_run *run, const struct ag_run_spec *spec)
{
    ag_auto_cells cells = {0};
    ag_cells_row(&cells, &ag_run_row, run);
    add_number(&cells, run->workflow_id);
    add(t, AG_SQL_ADD_RUN, &cells);
    add_row_of(t, AG_SQL_ADD_SPEC, &ag_run_spec_row, spec, run->rid);
}

void ag_txn_put_run(ag_txn *t, const struct ag_run *run)
{
    /* The row begins: workflow_id | state, beneath, template, session_id, rid | pid ... */
    ag_auto_cells cells = {0};
    ag_cells_row(&cells, &ag_run_row, run);
    assert(cells.cell[5].type == AG_CELL_INT && cells.cell[5].number == run->rid);
    add_part(t, AG_SQL_PUT_RUN, &cells, 5, cells.n - 5);
    add_part(t, AG_SQL_PUT_RUN_RARE, &cells, 1, 5);
}

void ag_txn_retire_id(ag_txn *t, int64_t rid, const char *new_id)
{
    ag_auto_cells cells = {0};
    ag_cells_int(&cells, rid);
    ag_cells_text(&cells, new_id);
    add_number(&cells, new_id);
    add(t, AG_SQL_RETIRE_ID, &cells);
}

void ag_txn_put_variable(ag_txn *t, int64_t rid, const char *name, const ag_value *value)
{
    ag_auto_cells cells = {0};
    ag_cells_int(&cells, rid);
    ag_cells_text(&cells, name);
    ag_cells_json(&cells, value);
    add(t, AG_SQL_PUT_VARIABLE, &cells);
}

void ag_txn_put_step(ag_txn *t, int64_t rid, const struct ag_step_row *row)
{
    add_row_of(t, AG_SQL_PUT_STEP, &ag_step_row_row, row, rid);
}

void ag_txn_add_record(ag_txn *t, int64_t rid, const struct ag_stream_record *rec)
{
    add_row_of(t, AG_SQL_ADD_RECORD, &ag_record_row, rec, rid);
}

void ag_txn_remove_output(ag_txn *t, int64_t rid, int64_t from, int64_t upto)
{
    ag_auto_cells cells = {0};
    ag_cells_int(&cells, rid);
    ag_cells_int(&cells, from);
    ag_cells_int(&cells, upto);
    add(t, AG_SQL_REMOVE_OUTPUT, &cells);
}

void ag_txn_append_file(ag_txn *t, const char *path, const char *lines)
{
    ag_auto_cells cells = {0};
    ag_cells_text(&cells, path);
    cells.cell[0].len++; /* the writer needs its end */
    ag_cells_text(&cells, lines);
    add(t, AG_OP_APPEND_FILE, &cells);
}

void ag_txn_put_question(ag_txn *t, int64_t rid, const struct ag_question *q)
{
    struct ag_question shown = *q; /* borrows everything */
    if (q->secret) {
        shown.answer = NULL;
    }
    add_row_of(t, AG_SQL_PUT_QUESTION, &ag_question_row, &shown, rid);
}

void ag_txn_put_secret(ag_txn *t, int64_t rid, const char *question_id, const ag_value *answer)
{
    ag_auto_cells cells = {0};
    ag_cells_int(&cells, rid);
    ag_cells_text(&cells, question_id);
    ag_cells_json(&cells, answer);
    add(t, AG_SQL_PUT_SECRET, &cells);
}

/* A question's id has no colon. */
void ag_txn_put_secret_variable(ag_txn *t, int64_t rid, const char *name, const ag_value *value)
{
    ag_auto_free char *key = ag_asprintf("variable:%s", name);
    ag_auto_cells cells = {0};
    if (key == NULL) {
        t->nomem = true;
        return;
    }
    ag_txn_put_secret(t, rid, key, value);
    ag_cells_int(&cells, rid);
    ag_cells_text(&cells, name);
    add(t, AG_SQL_REMOVE_VARIABLE, &cells);
}

static void add_int(ag_txn *t, enum ag_sql id, int64_t n)
{
    ag_auto_cells cells = {0};
    ag_cells_int(&cells, n);
    add(t, id, &cells);
}

void ag_txn_forget_secrets(ag_txn *t, int64_t rid)
{
    add_int(t, AG_SQL_FORGET_SECRETS, rid);
}

void ag_txn_put_ci(ag_txn *t, const struct ag_ci *ci)
{
    add_row(t, AG_SQL_PUT_CI, &ag_ci_row, ci);
}

/* The row of something that belongs to a CI: its name comes last. */
static void add_row_of_ci(ag_txn *t, enum ag_sql id, const struct ag_row_type *type,
                          const void *row, const char *name)
{
    ag_auto_cells cells = {0};
    ag_cells_row(&cells, type, row);
    ag_cells_text(&cells, name);
    add(t, id, &cells);
}

static void trim_of_ci(ag_txn *t, enum ag_sql id, const char *name, int64_t upto)
{
    ag_auto_cells cells = {0};
    ag_cells_text(&cells, name);
    ag_cells_int(&cells, upto);
    add(t, id, &cells);
}

void ag_txn_put_ci_event(ag_txn *t, const char *name, const struct ag_ci_event *event)
{
    add_row_of_ci(t, AG_SQL_PUT_CI_EVENT, &ag_ci_event_row, event, name);
}

void ag_txn_trim_ci_history(ag_txn *t, const char *name, int64_t upto)
{
    trim_of_ci(t, AG_SQL_TRIM_CI_HISTORY, name, upto);
}

void ag_txn_put_ci_message(ag_txn *t, const char *name, const struct ag_message *m)
{
    add_row_of_ci(t, AG_SQL_PUT_CI_MESSAGE, &ag_ci_message_row, m, name);
}

void ag_txn_trim_ci_messages(ag_txn *t, const char *name, int64_t upto)
{
    trim_of_ci(t, AG_SQL_TRIM_CI_MESSAGES, name, upto);
}

void ag_txn_forget_ci(ag_txn *t, const char *name)
{
    ag_auto_cells cells = {0};
    ag_cells_text(&cells, name);
    add(t, AG_SQL_REMOVE_CI, &cells);
    ag_txn_trim_ci_history(t, name, INT64_MAX);
    ag_txn_trim_ci_messages(t, name, INT64_MAX);
}

void ag_txn_put_session(ag_txn *t, const struct ag_session *session)
{
    add_row(t, AG_SQL_PUT_SESSION, &ag_session_row, session);
}

void ag_txn_remove_session(ag_txn *t, const char *session_id)
{
    ag_auto_cells cells = {0};
    ag_cells_text(&cells, session_id);
    add(t, AG_SQL_REMOVE_SESSION, &cells);
}

void ag_txn_put_token(ag_txn *t, const struct ag_token *token)
{
    t->tokens = true;
    add_row(t, AG_SQL_PUT_TOKEN, &ag_token_row, token);
}

void ag_txn_remove_run_tokens(ag_txn *t, int64_t rid)
{
    t->tokens = true;
    add_int(t, AG_SQL_REMOVE_RUN_TOKENS, rid);
}

void ag_txn_put_reply(ag_txn *t, const struct ag_kept_reply *reply)
{
    add_row(t, AG_SQL_PUT_REPLY, &ag_reply_row, reply);
}

void ag_txn_remove_replies_before(ag_txn *t, int64_t at)
{
    add_int(t, AG_SQL_REMOVE_REPLIES, at);
}

void ag_txn_add_message(ag_txn *t, int64_t rid, const struct ag_message *m)
{
    add_row_of(t, AG_SQL_ADD_MESSAGE, &ag_message_row, m, rid);
}

void ag_txn_put_meta(ag_txn *t, const char *key, const char *value)
{
    ag_auto_cells cells = {0};
    ag_cells_text(&cells, key);
    ag_cells_text(&cells, value);
    add(t, AG_SQL_PUT_META, &cells);
}
