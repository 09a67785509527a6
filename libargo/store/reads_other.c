/*
 * Typed reads of everything but runs: steps, streams, questions, CIs, tokens, messages, settings.
 */
#include "base/text.h"
#include "store/reads.h"

/* A list in progress: each row is read into ROW and given to FN by CALL. */
struct each {
    const struct ag_row_type *type;
    int64_t rid;
    bool of_many; /* rows of many runs: a damaged one does not hide the others */
    void *row;
    argo_error **err;
    int (*call)(const struct each *each, const struct ag_cell *extra);

    union {
        int (*step)(const struct ag_step_row *row, void *user);
        int (*record)(const struct ag_stream_record *rec, void *user);
        int (*question)(int64_t rid, const struct ag_question *q, void *user);
        int (*ci)(const struct ag_ci *ci, void *user);
        int (*own_ci)(struct ag_ci *ci, void *user);
        int (*ci_event)(const struct ag_ci_event *event, void *user);
        int (*message)(const struct ag_message *m, void *user);
        int (*session)(const struct ag_session *session, void *user);
        int (*active)(const struct ag_active_run *run, void *user);
    } fn;

    void *user;
};

static int each_row(const struct ag_cell *cells, int n, void *user)
{
    const struct each *each = user;
    const struct ag_cell *extra = cells + each->type->n;
    int64_t rid = n > each->type->n ? extra->number : each->rid;
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_row_read(each->type, cells, rid, each->row, &err);
    if (rc == 0) {
        rc = each->call(each, extra);
    } else if (rc == ARGO_E_CORRUPT && each->of_many) {
        rc = 0;
    } else {
        ag_error_move(each->err, &err);
    }
    ag_row_clear(each->type, each->row);
    return rc;
}

static int each_of(ag_store *s, enum ag_sql id, const struct ag_cells *params, struct each *each)
{
    return ag_read(s, id, params, each_row, each, each->err);
}

/* ---- variables and steps ------------------------------------------------------------------- */

struct object {
    ag_value *value;
    const char *table, *column; /* of JSON in the second cell; NULL: a count */
    int64_t rid;
    argo_error **err;
};

static int object_row(const struct ag_cell *cells, int n, void *user)
{
    struct object *object = user;
    ag_value *v = NULL;
    if (cells[0].type != AG_CELL_TEXT || !ag_utf8_valid(cells[0].text, cells[0].len)) {
        return ag_cell_damaged(object->table, "name", object->rid, "expected text in UTF-8",
                               object->err);
    }
    if (object->column == NULL) {
        v = ag_value_int(cells[1].number);
    } else {
        int rc =
            ag_cell_json(&cells[1], object->table, object->column, object->rid, &v, object->err);
        if (rc < 0) {
            return rc;
        }
    }
    return ag_value_set(object->value, cells[0].text, v) == 0 ? 0 : ag_error_nomem(object->err);
}

static int read_object(ag_store *s, enum ag_sql id, struct object *object, ag_value **out)
{
    AG_AUTO(ag_value) value = object->value = ag_value_object();
    if (value == NULL) {
        return ag_error_nomem(object->err);
    }
    ag_auto_cells params = {0};
    ag_cells_int(&params, object->rid);
    int rc = ag_read(s, id, &params, object_row, object, object->err);
    if (rc < 0) {
        return rc;
    }
    *out = ag_take(value);
    return 1;
}

int ag_store_variables(ag_store *s, int64_t rid, ag_value **out, argo_error **err)
{
    struct object object = {.table = "variables", .column = "value", .rid = rid, .err = err};
    return read_object(s, AG_SQL_VARIABLES, &object, out);
}

int ag_store_secret_variables(ag_store *s, int64_t rid, ag_value **out, argo_error **err)
{
    struct object object = {.table = "secrets", .column = "answer", .rid = rid, .err = err};
    return read_object(s, AG_SQL_SECRET_VARIABLES, &object, out);
}

int ag_store_visits(ag_store *s, int64_t rid, ag_value **out, argo_error **err)
{
    struct object object = {.table = "steps", .rid = rid, .err = err};
    return read_object(s, AG_SQL_VISITS, &object, out);
}

static int call_step(const struct each *each, const struct ag_cell *extra)
{
    return each->fn.step(each->row, each->user);
}

int ag_store_steps(ag_store *s, int64_t rid, int (*fn)(const struct ag_step_row *row, void *user),
                   void *user, argo_error **err)
{
    struct ag_step_row row;
    ag_auto_cells params = {0};
    ag_cells_int(&params, rid);
    struct each each = {.type = &ag_step_row_row,
                        .rid = rid,
                        .row = &row,
                        .err = err,
                        .call = call_step,
                        .fn.step = fn,
                        .user = user};
    return each_of(s, AG_SQL_STEPS, &params, &each);
}

int ag_store_step(ag_store *s, int64_t rid, const char *path, int64_t attempt,
                  struct ag_step_row *out, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_int(&params, rid);
    ag_cells_text(&params, path);
    ag_cells_int(&params, attempt);
    struct ag_first first = {.type = &ag_step_row_row, .rid = rid, .out = out, .err = err};
    return ag_read_first(s, AG_SQL_STEP, &params, &first);
}

/* ---- streams ------------------------------------------------------------------------------- */

static int call_record(const struct each *each, const struct ag_cell *extra)
{
    return each->fn.record(each->row, each->user);
}

int ag_store_records(ag_store *s, int64_t rid, int stream, int64_t after, int64_t limit,
                     int (*fn)(const struct ag_stream_record *rec, void *user), void *user,
                     argo_error **err)
{
    struct ag_stream_record row;
    ag_auto_cells params = {0};
    enum ag_sql id = stream == AG_STREAM_INPUT ? AG_SQL_RECORDS_INPUT
                     : stream >= 0             ? AG_SQL_RECORDS_OF
                                               : AG_SQL_RECORDS;
    ag_cells_int(&params, rid);
    ag_cells_int(&params, after);
    ag_cells_int(&params, limit);
    if (id == AG_SQL_RECORDS_OF) {
        ag_cells_text(&params, ag_stream_words[stream]);
    }
    struct each each = {.type = &ag_record_row,
                        .rid = rid,
                        .row = &row,
                        .err = err,
                        .call = call_record,
                        .fn.record = fn,
                        .user = user};
    return each_of(s, id, &params, &each);
}

int ag_store_output_from_end(ag_store *s, int64_t rid, int64_t n, int64_t *out_seq,
                             argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_int(&params, rid);
    ag_cells_int(&params, n);
    return ag_read_number(s, AG_SQL_OUTPUT_FROM_END, &params, out_seq, err);
}

int ag_store_record_by_key(ag_store *s, int64_t rid, const char *client_key, int64_t *out_seq,
                           argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_int(&params, rid);
    ag_cells_text(&params, client_key);
    return ag_read_number(s, AG_SQL_RECORD_BY_KEY, &params, out_seq, err);
}

static int call_message(const struct each *each, const struct ag_cell *extra)
{
    return each->fn.message(each->row, each->user);
}

int ag_store_messages(ag_store *s, int64_t rid, int64_t after,
                      int (*fn)(const struct ag_message *m, void *user), void *user,
                      argo_error **err)
{
    struct ag_message row;
    ag_auto_cells params = {0};
    ag_cells_int(&params, rid);
    ag_cells_int(&params, after);
    struct each each = {.type = &ag_message_row,
                        .rid = rid,
                        .row = &row,
                        .err = err,
                        .call = call_message,
                        .fn.message = fn,
                        .user = user};
    return each_of(s, AG_SQL_MESSAGES, &params, &each);
}

/* ---- questions ----------------------------------------------------------------------------- */

/* After a question's own cells: the rid, and its run's id (null when the run is lost). */
static int add_run_id(const struct ag_cell *extra, void *out, void *user, argo_error **err)
{
    struct ag_question *q = out;
    int64_t *out_rid = user;
    if (extra[1].type == AG_CELL_TEXT) {
        q->workflow_id = ag_strdup(extra[1].text);
        if (q->workflow_id == NULL) {
            ag_row_clear(&ag_question_row, q);
            return ag_error_nomem(err);
        }
    }
    if (out_rid != NULL) {
        *out_rid = extra[0].number;
    }
    return 0;
}

int ag_store_question(ag_store *s, const char *question_id, struct ag_question *out,
                      int64_t *out_rid, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_text(&params, question_id);
    struct ag_first first = {
        .type = &ag_question_row, .out = out, .extra = add_run_id, .user = out_rid, .err = err};
    return ag_read_first(s, AG_SQL_QUESTION, &params, &first);
}

static int call_question(const struct each *each, const struct ag_cell *extra)
{
    struct ag_question *q = each->row;
    int rc = add_run_id(extra, q, NULL, each->err);
    if (rc == 0) {
        rc = each->fn.question(extra[0].number, q, each->user);
        free(ag_take(q->workflow_id));
    }
    return rc;
}

int ag_store_questions(ag_store *s, int64_t rid, int state,
                       int (*fn)(int64_t rid, const struct ag_question *q, void *user), void *user,
                       argo_error **err)
{
    struct ag_question row;
    ag_auto_cells params = {0};
    enum ag_sql id = state < 0 ? AG_SQL_QUESTIONS : AG_SQL_QUESTIONS_BY_STATE;
    if (rid != 0) {
        id = state < 0 ? AG_SQL_QUESTIONS_OF : AG_SQL_QUESTIONS_OF_BY_STATE;
        ag_cells_int(&params, rid);
    }
    if (state >= 0) {
        ag_cells_text(&params, ag_question_state_words[state]);
    }
    struct each each = {.type = &ag_question_row,
                        .of_many = rid == 0,
                        .row = &row,
                        .err = err,
                        .call = call_question,
                        .fn.question = fn,
                        .user = user};
    return each_of(s, id, &params, &each);
}

struct secret {
    int64_t rid;
    ag_value **out;
    argo_error **err;
};

static int secret_row(const struct ag_cell *cells, int n, void *user)
{
    const struct secret *secret = user;
    int rc = ag_cell_json(&cells[0], "secrets", "answer", secret->rid, secret->out, secret->err);
    return rc < 0 ? rc : 1;
}

int ag_store_secret(ag_store *s, int64_t rid, const char *question_id, ag_value **out,
                    argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_int(&params, rid);
    ag_cells_text(&params, question_id);
    struct secret secret = {rid, out, err};
    return ag_read(s, AG_SQL_SECRET, &params, secret_row, &secret, err);
}

/* ---- what belongs to no run ---------------------------------------------------------------- */

static int first_by_text(ag_store *s, enum ag_sql id, const char *key,
                         const struct ag_row_type *type, void *out, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_text(&params, key);
    struct ag_first first = {.type = type, .out = out, .err = err};
    return ag_read_first(s, id, &params, &first);
}

int ag_store_ci(ag_store *s, const char *name, struct ag_ci *out, argo_error **err)
{
    return first_by_text(s, AG_SQL_CI, name, &ag_ci_row, out, err);
}

static int call_ci(const struct each *each, const struct ag_cell *extra)
{
    return each->fn.ci(each->row, each->user);
}

int ag_store_cis(ag_store *s, int (*fn)(const struct ag_ci *ci, void *user), void *user,
                 argo_error **err)
{
    struct ag_ci row;
    ag_auto_cells params = {0};
    struct each each = {.type = &ag_ci_row,
                        .of_many = true,
                        .row = &row,
                        .err = err,
                        .call = call_ci,
                        .fn.ci = fn,
                        .user = user};
    return each_of(s, AG_SQL_CIS, &params, &each);
}

static int call_own_ci(const struct each *each, const struct ag_cell *extra)
{
    return each->fn.own_ci(each->row, each->user);
}

int ag_store_all_cis(ag_store *s, int (*fn)(struct ag_ci *ci, void *user), void *user,
                     argo_error **err)
{
    struct ag_ci row;
    ag_auto_cells params = {0};
    struct each each = {.type = &ag_ci_row,
                        .of_many = true,
                        .row = &row,
                        .err = err,
                        .call = call_own_ci,
                        .fn.own_ci = fn,
                        .user = user};
    return each_of(s, AG_SQL_ALL_CIS, &params, &each);
}

/* A page of what belongs to a CI. */
static int each_of_ci(ag_store *s, enum ag_sql id, const char *name, int64_t from, int64_t limit,
                      struct each *each)
{
    ag_auto_cells params = {0};
    ag_cells_text(&params, name);
    ag_cells_int(&params, from);
    ag_cells_int(&params, limit);
    return each_of(s, id, &params, each);
}

static int call_ci_event(const struct each *each, const struct ag_cell *extra)
{
    return each->fn.ci_event(each->row, each->user);
}

int ag_store_ci_history(ag_store *s, const char *name, int64_t before, int64_t limit,
                        int (*fn)(const struct ag_ci_event *event, void *user), void *user,
                        argo_error **err)
{
    struct ag_ci_event row;
    struct each each = {.type = &ag_ci_event_row,
                        .of_many = true,
                        .row = &row,
                        .err = err,
                        .call = call_ci_event,
                        .fn.ci_event = fn,
                        .user = user};
    return each_of_ci(s, AG_SQL_CI_HISTORY, name, before, limit, &each);
}

int ag_store_ci_messages(ag_store *s, const char *name, int64_t after, int64_t limit,
                         int (*fn)(const struct ag_message *m, void *user), void *user,
                         argo_error **err)
{
    struct ag_message row;
    struct each each = {.type = &ag_ci_message_row,
                        .of_many = true,
                        .row = &row,
                        .err = err,
                        .call = call_message,
                        .fn.message = fn,
                        .user = user};
    return each_of_ci(s, AG_SQL_CI_MESSAGES, name, after, limit, &each);
}

/* 1, or 0 without memory. */
static int copy_token(struct ag_token *out, const struct ag_token *from)
{
    *out = *from;
    out->id = ag_strdup(from->id);
    out->scope = ag_strdup(from->scope);
    out->user = from->user == NULL ? NULL : ag_strdup(from->user);
    if (out->id == NULL || out->scope == NULL || (out->user == NULL) != (from->user == NULL)) {
        ag_token_clear(out);
        return 0;
    }
    return 1;
}

static struct ag_held_token *held_at(ag_store *s, const char *sha256)
{
    unsigned hash = 0;
    for (int i = 0; i < 8 && sha256[i] != '\0'; i++) {
        hash = hash * 31 + (unsigned char)sha256[i];
    }
    return &s->held_tokens[hash % AG_TOKENS_HELD];
}

int ag_store_session(ag_store *s, const char *session_id, struct ag_session *out, argo_error **err)
{
    return first_by_text(s, AG_SQL_SESSION, session_id, &ag_session_row, out, err);
}

static int call_session(const struct each *each, const struct ag_cell *extra)
{
    return each->fn.session(each->row, each->user);
}

int ag_store_sessions(ag_store *s, const char *after, int64_t limit,
                      int (*fn)(const struct ag_session *session, void *user), void *user,
                      argo_error **err)
{
    struct ag_session row = {0};
    ag_auto_cells params = {0};
    ag_cells_text(&params, after);
    ag_cells_int(&params, limit);
    struct each each = {.type = &ag_session_row,
                        .row = &row,
                        .err = err,
                        .call = call_session,
                        .fn.session = fn,
                        .user = user};
    return each_of(s, AG_SQL_SESSIONS, &params, &each);
}

static int call_active(const struct each *each, const struct ag_cell *extra)
{
    return each->fn.active(each->row, each->user);
}

int ag_store_active_runs(ag_store *s, const char *session_id,
                         int (*fn)(const struct ag_active_run *run, void *user), void *user,
                         argo_error **err)
{
    struct ag_active_run row;
    ag_auto_cells params = {0};
    if (session_id != NULL) {
        ag_cells_text(&params, session_id);
    }
    struct each each = {.type = &ag_active_run_row,
                        .of_many = true,
                        .row = &row,
                        .err = err,
                        .call = call_active,
                        .fn.active = fn,
                        .user = user};
    return each_of(s, session_id == NULL ? AG_SQL_ACTIVE_RUNS : AG_SQL_ACTIVE_RUNS_OF, &params,
                   &each);
}

int ag_store_token(ag_store *s, const char *sha256, struct ag_token *out, argo_error **err)
{
    struct ag_held_token *held = held_at(s, sha256);
    if (held->version == s->tokens_version && ag_streq(held->token.sha256, sha256) &&
        copy_token(out, &held->token)) {
        return 1;
    }
    int found = first_by_text(s, AG_SQL_TOKEN, sha256, &ag_token_row, out, err);
    if (found > 0) {
        ag_token_clear(&held->token);
        held->version = copy_token(&held->token, out) ? s->tokens_version : 0;
    }
    return found;
}

int ag_store_reply(ag_store *s, const char *key, struct ag_kept_reply *out, argo_error **err)
{
    return first_by_text(s, AG_SQL_REPLY, key, &ag_reply_row, out, err);
}

struct meta {
    char **out;
    argo_error **err;
};

static int meta_row(const struct ag_cell *cells, int n, void *user)
{
    const struct meta *meta = user;
    if (cells[0].type != AG_CELL_TEXT) {
        return ag_cell_damaged("meta", "value", 0, "expected text", meta->err);
    }
    char *text = ag_strndup(cells[0].text, cells[0].len);
    if (text == NULL) {
        return ag_error_nomem(meta->err);
    }
    *meta->out = text;
    return 1;
}

int ag_store_meta(ag_store *s, const char *key, char **out, argo_error **err)
{
    ag_auto_cells params = {0};
    ag_cells_text(&params, key);
    struct meta meta = {out, err};
    return ag_read(s, AG_SQL_META, &params, meta_row, &meta, err);
}
