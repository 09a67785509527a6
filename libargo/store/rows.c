/*
 * The column tables and their codec. Whatever comes back is checked: a text that is not UTF-8, a
 * word that is none, JSON that does not parse is damage, named by run and column, so that one
 * rotten row costs one run.
 */
#include "store/rows.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define INT(type, member)                                           \
    {                                                               \
#member, AG_COLUMN_INT, offsetof(struct type, member), NULL \
    }
#define BOOL(type, member)                                           \
    {                                                                \
#member, AG_COLUMN_BOOL, offsetof(struct type, member), NULL \
    }
#define TEXT(type, member)                                           \
    {                                                                \
#member, AG_COLUMN_TEXT, offsetof(struct type, member), NULL \
    }
#define JSON(type, member)                                           \
    {                                                                \
#member, AG_COLUMN_JSON, offsetof(struct type, member), NULL \
    }
#define HEX(type, member)                                           \
    {                                                               \
#member, AG_COLUMN_HEX, offsetof(struct type, member), NULL \
    }
#define WORD(type, member, words)                                     \
    {                                                                 \
#member, AG_COLUMN_WORD, offsetof(struct type, member), words \
    }
#define ROW(id, name, type, list)                                                         \
    const struct ag_row_type id = {name, sizeof(struct type), list, AG_ARRAY_SIZE(list)}; \
    _Static_assert(AG_ARRAY_SIZE(list) + 2 <= AG_ROW_CELLS, "too many columns")

static const struct ag_column run_columns[] = {
    TEXT(ag_run, workflow_id),
    WORD(ag_run, state, ag_run_state_words),
    WORD(ag_run, beneath, ag_run_state_words),
    TEXT(ag_run, template_name),
    TEXT(ag_run, session_id),
    INT(ag_run, rid),
    INT(ag_run, pid),
    INT(ag_run, pid_start),
    TEXT(ag_run, boot_id),
    INT(ag_run, epoch),
    INT(ag_run, seq),
    INT(ag_run, current_step),
    INT(ag_run, total_steps),
    TEXT(ag_run, step_name),
    TEXT(ag_run, next_step),
    INT(ag_run, steps_done),
    TEXT(ag_run, flight_path),
    INT(ag_run, deaths),
    TEXT(ag_run, decision),
    INT(ag_run, consumed_seq),
    INT(ag_run, cursor_output),
    INT(ag_run, cursor_input),
    INT(ag_run, created),
    INT(ag_run, started),
    INT(ag_run, updated),
    INT(ag_run, ended),
    JSON(ag_run, result),
    JSON(ag_run, error),
    INT(ag_run, wake_at),
    INT(ag_run, paused_at),
    INT(ag_run, paused_ms),
    INT(ag_run, trimmed_seq),
    INT(ag_run, output_bytes),
    JSON(ag_run, config),
    INT(ag_run, message_seq),
    INT(ag_run, lines_seq),
};
ROW(ag_run_row, "runs", ag_run, run_columns);

static const struct ag_column run_spec_columns[] = {
    TEXT(ag_run_spec, request_key),
    TEXT(ag_run_spec, request_hash),
    TEXT(ag_run_spec, instance),
    TEXT(ag_run_spec, branch),
    TEXT(ag_run_spec, environment),
    JSON(ag_run_spec, parameters),
    TEXT(ag_run_spec, cwd),
    JSON(ag_run_spec, env),
    TEXT(ag_run_spec, definition),
    TEXT(ag_run_spec, definition_file),
    TEXT(ag_run_spec, definition_hash),
    TEXT(ag_run_spec, nonce),
    TEXT(ag_run_spec, default_provider),
    TEXT(ag_run_spec, default_model),
};
ROW(ag_run_spec_row, "run_specs", ag_run_spec, run_spec_columns);

static const struct ag_column step_columns[] = {
    TEXT(ag_step_row, step),         TEXT(ag_step_row, path),
    INT(ag_step_row, attempt),       WORD(ag_step_row, status, ag_step_status_words),
    BOOL(ag_step_row, repeat_never), INT(ag_step_row, epoch),
    INT(ag_step_row, started),       INT(ag_step_row, ended),
    TEXT(ag_step_row, next_step),    JSON(ag_step_row, outputs),
    JSON(ag_step_row, usage),        JSON(ag_step_row, error),
    INT(ag_step_row, until),
};
ROW(ag_step_row_row, "steps", ag_step_row, step_columns);

static const struct ag_column record_columns[] = {
    INT(ag_stream_record, seq),         WORD(ag_stream_record, stream, ag_stream_words),
    TEXT(ag_stream_record, kind),       TEXT(ag_stream_record, text),
    TEXT(ag_stream_record, path),       INT(ag_stream_record, at),
    TEXT(ag_stream_record, client_key), TEXT(ag_stream_record, question_id),
    JSON(ag_stream_record, answer),     JSON(ag_stream_record, data),
};
ROW(ag_record_row, "records", ag_stream_record, record_columns);

static const struct ag_column question_columns[] = {
    TEXT(ag_question, question_id),
    TEXT(ag_question, path),
    WORD(ag_question, kind, ag_question_kind_words),
    TEXT(ag_question, prompt),
    JSON(ag_question, schema),
    JSON(ag_question, choices),
    BOOL(ag_question, multiple),
    JSON(ag_question, default_answer),
    INT(ag_question, deadline),
    TEXT(ag_question, on_deadline),
    BOOL(ag_question, secret),
    WORD(ag_question, state, ag_question_state_words),
    JSON(ag_question, answer),
    TEXT(ag_question, answered_by),
    TEXT(ag_question, answered_via),
    INT(ag_question, asked),
    INT(ag_question, answered),
    INT(ag_question, answer_seq),
    JSON(ag_question, usage),
};
ROW(ag_question_row, "questions", ag_question, question_columns);

static const struct ag_column ci_columns[] = {
    TEXT(ag_ci, name),         TEXT(ag_ci, provider),      TEXT(ag_ci, model),
    INT(ag_ci, port),          TEXT(ag_ci, socket_path),   TEXT(ag_ci, role),
    TEXT(ag_ci, status),       INT(ag_ci, last_heartbeat), TEXT(ag_ci, base_url),
    TEXT(ag_ci, recording),    TEXT(ag_ci, upstream),      JSON(ag_ci, command),
    JSON(ag_ci, capabilities), TEXT(ag_ci, session_id),    TEXT(ag_ci, task),
    INT(ag_ci, unread),        INT(ag_ci, removed),        INT(ag_ci, history_seq),
    INT(ag_ci, message_seq),
};
ROW(ag_ci_row, "cis", ag_ci, ci_columns);

static const struct ag_column ci_event_columns[] = {
    INT(ag_ci_event, seq),   TEXT(ag_ci_event, kind),       TEXT(ag_ci_event, status),
    TEXT(ag_ci_event, task), TEXT(ag_ci_event, session_id), INT(ag_ci_event, messages),
    INT(ag_ci_event, at),
};
ROW(ag_ci_event_row, "ci_history", ag_ci_event, ci_event_columns);

static const struct ag_column ci_message_columns[] = {
    INT(ag_message, seq),   TEXT(ag_message, id),      TEXT(ag_message, from),
    TEXT(ag_message, type), JSON(ag_message, payload), INT(ag_message, timestamp),
};
ROW(ag_ci_message_row, "ci_messages", ag_message, ci_message_columns);

static const struct ag_column token_columns[] = {
    TEXT(ag_token, id), HEX(ag_token, sha256), TEXT(ag_token, scope),  TEXT(ag_token, user),
    INT(ag_token, rid), INT(ag_token, epoch),  INT(ag_token, expires),
};
ROW(ag_token_row, "tokens", ag_token, token_columns);

static const struct ag_column reply_columns[] = {
    TEXT(ag_kept_reply, key),   HEX(ag_kept_reply, body_hash), INT(ag_kept_reply, status),
    TEXT(ag_kept_reply, reply), INT(ag_kept_reply, at),
};
ROW(ag_reply_row, "replies", ag_kept_reply, reply_columns);

static const struct ag_column message_columns[] = {
    INT(ag_message, seq),      TEXT(ag_message, id),       TEXT(ag_message, type),
    JSON(ag_message, payload), INT(ag_message, timestamp),
};
ROW(ag_message_row, "messages", ag_message, message_columns);

static const struct ag_column session_columns[] = {
    TEXT(ag_session, session_id),
    INT(ag_session, created),
    TEXT(ag_session, description),
};
ROW(ag_session_row, "sessions", ag_session, session_columns);

static const struct ag_column active_run_columns[] = {
    TEXT(ag_active_run, workflow_id), TEXT(ag_active_run, template_name),
    INT(ag_active_run, pid),          TEXT(ag_active_run, status),
    INT(ag_active_run, current_step), INT(ag_active_run, started),
    TEXT(ag_active_run, session_id),
};
ROW(ag_active_run_row, "runs", ag_active_run, active_run_columns);

/* ---- to parameters ------------------------------------------------------------------------- */

void ag_cells_free(struct ag_cells *cells)
{
    for (int i = 0; i < cells->n; i++) {
        free(cells->owned[i]);
    }
    cells->n = 0;
}

static struct ag_cell *add_cell(struct ag_cells *cells)
{
    assert(cells->n < AG_ROW_CELLS);
    cells->owned[cells->n] = NULL;
    struct ag_cell *cell = &cells->cell[cells->n++];
    *cell = (struct ag_cell){.type = AG_CELL_NULL};
    return cell;
}

void ag_cells_int(struct ag_cells *cells, int64_t n)
{
    struct ag_cell *cell = add_cell(cells);
    cell->type = AG_CELL_INT;
    cell->number = n;
}

void ag_cells_text(struct ag_cells *cells, const char *text)
{
    struct ag_cell *cell = add_cell(cells);
    if (text != NULL) {
        cell->type = AG_CELL_TEXT;
        cell->text = text;
        cell->len = strlen(text);
    }
}

void ag_cells_json(struct ag_cells *cells, const ag_value *v)
{
    struct ag_cell *cell = add_cell(cells);
    if (v == NULL) {
        return;
    }
    char *text = ag_value_print(v, &cell->len);
    cells->owned[cells->n - 1] = text;
    cells->failed = cells->failed || text == NULL;
    cell->type = AG_CELL_TEXT;
    cell->text = text;
}

void ag_cells_row(struct ag_cells *cells, const struct ag_row_type *type, const void *in)
{
    for (int i = 0; i < type->n; i++) {
        const struct ag_column *column = &type->columns[i];
        const void *at = (const char *)in + column->offset;
        switch (column->type) {
        case AG_COLUMN_INT:
            ag_cells_int(cells, *(const int64_t *)at);
            break;
        case AG_COLUMN_BOOL:
            ag_cells_int(cells, *(const bool *)at ? 1 : 0);
            break;
        case AG_COLUMN_WORD:
            ag_cells_text(cells, column->words[*(const int *)at]);
            break;
        case AG_COLUMN_TEXT:
            ag_cells_text(cells, *(char *const *)at);
            break;
        case AG_COLUMN_HEX:
            ag_cells_text(cells, at);
            break;
        case AG_COLUMN_JSON:
            ag_cells_json(cells, *(ag_value *const *)at);
            break;
        }
    }
}

/* ---- from columns -------------------------------------------------------------------------- */

int ag_cell_damaged(const char *table, const char *column, int64_t rid, const char *why,
                    argo_error **err)
{
    if (rid != 0) {
        return ag_error_set(err, ARGO_E_CORRUPT, "run %" PRId64 ": table '%s', column '%s': %s",
                            rid, table, column, why);
    }
    return ag_error_set(err, ARGO_E_CORRUPT, "table '%s', column '%s': %s", table, column, why);
}

int ag_cell_json(const struct ag_cell *cell, const char *table, const char *column, int64_t rid,
                 ag_value **out, argo_error **err)
{
    AG_AUTO(argo_error) why = NULL;
    if (cell->type != AG_CELL_TEXT) {
        return ag_cell_damaged(table, column, rid, "expected JSON text", err);
    }
    int rc = ag_value_parse(cell->text, cell->len, out, &why);
    if (rc == ARGO_E_NOMEM) {
        return ag_error_nomem(err);
    }
    return rc == 0 ? 0 : ag_cell_damaged(table, column, rid, argo_error_details(why), err);
}

static bool plain_text(const struct ag_cell *cell)
{
    return cell->type == AG_CELL_TEXT && memchr(cell->text, '\0', cell->len) == NULL &&
           ag_utf8_valid(cell->text, cell->len);
}

static bool read_word(const struct ag_cell *cell, const char *const *words, int *out)
{
    for (int i = 0; cell->type == AG_CELL_TEXT && words[i] != NULL; i++) {
        if (strcmp(words[i], cell->text) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Returns NULL or what was expected; *NOMEM tells a failure of memory. */
static const char *read_scalar(const struct ag_column *column, const struct ag_cell *cell, void *at,
                               bool *nomem)
{
    switch (column->type) {
    case AG_COLUMN_INT:
        *(int64_t *)at = cell->number;
        return cell->type == AG_CELL_INT ? NULL : "expected a number";
    case AG_COLUMN_BOOL:
        *(bool *)at = cell->number == 1;
        return cell->type == AG_CELL_INT && (cell->number & ~INT64_C(1)) == 0 ? NULL
                                                                              : "expected 0 or 1";
    case AG_COLUMN_WORD:
        return read_word(cell, column->words, at) ? NULL : "expected one of its words";
    case AG_COLUMN_TEXT:
        if (cell->type == AG_CELL_NULL) {
            return NULL;
        }
        if (!plain_text(cell)) {
            return "expected text in UTF-8";
        }
        *(char **)at = ag_strndup(cell->text, cell->len);
        *nomem = *(char **)at == NULL;
        return NULL;
    case AG_COLUMN_HEX:
        if (!plain_text(cell) || cell->len > 64) {
            return "expected at most 64 hexadecimal digits";
        }
        memcpy(at, cell->text, cell->len);
        return NULL;
    case AG_COLUMN_JSON:
        break;
    }
    return "expected another type";
}

static int read_column(const struct ag_row_type *type, const struct ag_column *column,
                       const struct ag_cell *cell, int64_t rid, void *at, argo_error **err)
{
    if (column->type == AG_COLUMN_JSON) {
        return cell->type == AG_CELL_NULL
                   ? 0
                   : ag_cell_json(cell, type->table, column->name, rid, at, err);
    }
    bool nomem = false;
    const char *why = read_scalar(column, cell, at, &nomem);
    if (nomem) {
        return ag_error_nomem(err);
    }
    return why == NULL ? 0 : ag_cell_damaged(type->table, column->name, rid, why, err);
}

int ag_row_read(const struct ag_row_type *type, const struct ag_cell *cells, int64_t rid, void *out,
                argo_error **err)
{
    memset(out, 0, type->size);
    int first = 0;
    for (int i = 0; i < type->n; i++) {
        const struct ag_column *column = &type->columns[i];
        void *at = (char *)out + column->offset;
        int rc = read_column(type, column, &cells[i], rid, at, first == 0 ? err : NULL);
        first = first == 0 ? rc : first;
    }
    return first;
}

void ag_row_clear(const struct ag_row_type *type, void *in)
{
    for (int i = 0; i < type->n; i++) {
        void *at = (char *)in + type->columns[i].offset;
        if (type->columns[i].type == AG_COLUMN_TEXT) {
            free(*(char **)at);
        } else if (type->columns[i].type == AG_COLUMN_JSON) {
            ag_value_unref(*(ag_value **)at);
        }
    }
    memset(in, 0, type->size);
}

void ag_token_clear(struct ag_token *token)
{
    ag_row_clear(&ag_token_row, token);
}

void ag_kept_reply_clear(struct ag_kept_reply *reply)
{
    ag_row_clear(&ag_reply_row, reply);
}
