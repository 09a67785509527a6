/*
 * Every statement of the store, in SQL that SQLite and PostgreSQL both take: no vendor types or
 * functions, parameters $1..$n, each used and each first met where its type is plain. The order
 * of columns is that of the tables in rows.c. Nothing here runs.
 */
#include "store/statements.h"

/* The first five have an update of their own, which writes only when one has changed: all but
 * `beneath` are indexed, and the checks of the two states cost more than the rest of the row. */
#define RUN_COLUMNS                                                                            \
    "workflow_id, state, beneath, template, session_id, rid, pid, pid_start, boot_id, epoch, " \
    "seq, current_step, total_steps, step_name, next_step, steps_done, flight_path, deaths, "  \
    "decision, consumed_seq, cursor_output, cursor_input, created, started, updated, ended, "  \
    "result, error, wake_at, paused_at, paused_ms, trimmed_seq, output_bytes, config, "        \
    "message_seq, lines_seq"
#define SPEC_COLUMNS                                                                   \
    "request_key, request_hash, instance, branch, environment, parameters, cwd, env, " \
    "definition, definition_file, definition_hash, nonce, default_provider, default_model"
/* The same for replies, which show neither what the run was given nor its text: large, and JSON
 * that would be parsed for nothing. */
#define SPEC_SHOWN_COLUMNS                                                            \
    "request_key, NULL, instance, branch, environment, parameters, cwd, NULL, NULL, " \
    "definition_file, definition_hash, NULL, default_provider, default_model"
#define STEP_COLUMNS                                                                         \
    "step, path, attempt, status, repeat_never, epoch, started, ended, next_step, outputs, " \
    "usage, error, until"
#define RECORD_COLUMNS "seq, stream, kind, text, path, at, client_key, question_id, answer, data"
#define QUESTION_COLUMNS                                                                         \
    "question_id, path, kind, prompt, answer_schema, choices, multiple, default_answer, "        \
    "deadline, on_deadline, secret, state, answer, answered_by, answered_via, asked, answered, " \
    "answer_seq, usage"
#define CI_COLUMNS                                                                       \
    "name, provider, model, port, socket_path, role, status, last_heartbeat, base_url, " \
    "recording, upstream, command, capabilities, session_id, task, unread, removed, "    \
    "history_seq, message_seq"
#define CI_EVENT_COLUMNS   "seq, kind, status, task, session_id, messages, at"
#define CI_MESSAGE_COLUMNS "seq, id, sender, type, payload, at"
#define TOKEN_COLUMNS      "id, sha256, scope, owner, rid, epoch, expires"
#define REPLY_COLUMNS      "idempotency_key, body_hash, status, reply, at"
#define MESSAGE_COLUMNS    "seq, id, type, payload, at"
#define SESSION_COLUMNS    "session_id, created, description"
/* What is seen of a run in passing: started is when it was asked for until it has begun. */
#define ACTIVE_COLUMNS                                  \
    "workflow_id, template, pid, state, current_step, " \
    "CASE WHEN started = 0 THEN created ELSE started END, session_id"

/* One page of runs; DRIVING names the index to walk, the rest only filters ('' is no filter). */
#define RUNS_PAGE(driving)                                                        \
    "SELECT " RUN_COLUMNS " FROM runs WHERE rid < $1 AND (state = $2 OR $2 = '')" \
    " AND (template = $3 OR $3 = '') AND (session_id = $4 OR $4 = '')" driving    \
    " ORDER BY rid DESC LIMIT $5"
#define LIVE "state IN ('queued', 'running', 'waiting', 'paused', 'stalled', 'interrupted')"

#define RECORDS(which)                                                         \
    "SELECT " RECORD_COLUMNS " FROM records WHERE rid = $1 AND seq > $2" which \
    " ORDER BY seq LIMIT $3"

/* The id as it is now comes from the run: a retired run has another one than when it asked. */
#define QUESTIONS(where)                                                                        \
    "SELECT q.question_id, q.path, q.kind, q.prompt, q.answer_schema, q.choices, q.multiple, "  \
    "q.default_answer, q.deadline, q.on_deadline, q.secret, q.state, q.answer, q.answered_by, " \
    "q.answered_via, q.asked, q.answered, q.answer_seq, q.usage, q.rid, r.workflow_id "         \
    "FROM questions q LEFT JOIN runs r ON r.rid = q.rid" where

const char *const ag_sql_text[AG_SQL_COUNT] = {
    [AG_SQL_ADD_RUN] = "INSERT INTO runs (" RUN_COLUMNS ", id_base, id_number) VALUES ($1, $2, $3, "
                       "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
                       "$20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, "
                       "$35, $36, $37, $38)",
    [AG_SQL_PUT_RUN] =
        "UPDATE runs SET pid = $2, pid_start = $3, boot_id = $4, epoch = $5, "
        "seq = $6, current_step = $7, total_steps = $8, step_name = $9, next_step = $10, "
        "steps_done = $11, flight_path = $12, deaths = $13, decision = $14, consumed_seq = $15, "
        "cursor_output = $16, cursor_input = $17, created = $18, started = $19, updated = $20, "
        "ended = $21, result = $22, error = $23, wake_at = $24, paused_at = $25, paused_ms = $26, "
        "trimmed_seq = $27, output_bytes = $28, config = $29, message_seq = $30, "
        "lines_seq = $31 WHERE rid = $1",
    [AG_SQL_PUT_RUN_RARE] =
        "UPDATE runs SET state = $1, beneath = $2, template = $3, session_id = $4 WHERE rid = $5 "
        "AND (state <> $1 OR beneath <> $2 OR COALESCE(template, '') <> COALESCE($3, '') OR "
        "COALESCE(session_id, '') <> COALESCE($4, ''))",
    [AG_SQL_ADD_SPEC] = "INSERT INTO run_specs (" SPEC_COLUMNS ", rid) VALUES ($1, $2, $3, $4, $5, "
                        "$6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    [AG_SQL_RETIRE_ID] =
        "UPDATE runs SET workflow_id = $2, id_base = $3, id_number = $4 WHERE rid = $1",
    [AG_SQL_PUT_VARIABLE] = "INSERT INTO variables (rid, name, value) VALUES ($1, $2, $3) "
                            "ON CONFLICT (rid, name) DO UPDATE SET value = excluded.value",
    [AG_SQL_PUT_STEP] =
        "INSERT INTO steps (" STEP_COLUMNS ", rid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
        "$10, $11, $12, $13, $14) ON CONFLICT (rid, path, attempt) DO UPDATE SET step = excluded.step, "
        "status = excluded.status, repeat_never = excluded.repeat_never, epoch = excluded.epoch, "
        "started = CASE WHEN excluded.started = 0 THEN steps.started ELSE excluded.started END, "
        "ended = excluded.ended, next_step = excluded.next_step, outputs = excluded.outputs, "
        "usage = excluded.usage, error = excluded.error, "
        "until = CASE WHEN excluded.until = 0 THEN steps.until ELSE excluded.until END",
    [AG_SQL_ADD_RECORD] = "INSERT INTO records (" RECORD_COLUMNS ", rid) VALUES ($1, $2, $3, $4, "
                          "$5, $6, $7, $8, $9, $10, $11)",
    [AG_SQL_REMOVE_OUTPUT] = "DELETE FROM records WHERE rid = $1 AND seq >= $2 AND seq <= $3 "
                             "AND stream = 'output'",
    [AG_SQL_PUT_QUESTION] =
        "INSERT INTO questions (" QUESTION_COLUMNS ", rid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
        "$9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) ON CONFLICT (question_id) DO UPDATE "
        "SET path = excluded.path, kind = excluded.kind, prompt = excluded.prompt, "
        "answer_schema = excluded.answer_schema, choices = excluded.choices, "
        "multiple = excluded.multiple, default_answer = excluded.default_answer, "
        "deadline = excluded.deadline, on_deadline = excluded.on_deadline, "
        "secret = excluded.secret, state = excluded.state, answer = excluded.answer, "
        "answered_by = excluded.answered_by, answered_via = excluded.answered_via, "
        "asked = excluded.asked, answered = excluded.answered, answer_seq = excluded.answer_seq, "
        "usage = excluded.usage, rid = excluded.rid",
    [AG_SQL_REMOVE_VARIABLE] = "DELETE FROM variables WHERE rid = $1 AND name = $2",
    [AG_SQL_PUT_SECRET] = "INSERT INTO secrets (rid, question_id, answer) VALUES ($1, $2, $3) "
                          "ON CONFLICT (rid, question_id) DO UPDATE SET answer = excluded.answer",
    [AG_SQL_FORGET_SECRETS] = "DELETE FROM secrets WHERE rid = $1",
    [AG_SQL_PUT_CI] =
        "INSERT INTO cis (" CI_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
        "$12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT (name) DO UPDATE SET "
        "provider = excluded.provider, "
        "model = excluded.model, port = excluded.port, socket_path = excluded.socket_path, "
        "role = excluded.role, status = excluded.status, "
        "last_heartbeat = excluded.last_heartbeat, base_url = excluded.base_url, "
        "recording = excluded.recording, upstream = excluded.upstream, "
        "command = excluded.command, capabilities = excluded.capabilities, "
        "session_id = excluded.session_id, task = excluded.task, unread = excluded.unread, "
        "removed = excluded.removed, history_seq = excluded.history_seq, "
        "message_seq = excluded.message_seq",
    [AG_SQL_REMOVE_CI] = "DELETE FROM cis WHERE name = $1",
    [AG_SQL_PUT_CI_EVENT] =
        "INSERT INTO ci_history (" CI_EVENT_COLUMNS ", name) VALUES ($1, $2, $3, $4, $5, $6, $7, "
        "$8) ON CONFLICT (name, seq) DO UPDATE SET kind = excluded.kind, status = excluded.status, "
        "task = excluded.task, session_id = excluded.session_id, messages = excluded.messages, "
        "at = excluded.at",
    [AG_SQL_TRIM_CI_HISTORY] = "DELETE FROM ci_history WHERE name = $1 AND seq <= $2",
    [AG_SQL_PUT_CI_MESSAGE] =
        "INSERT INTO ci_messages (" CI_MESSAGE_COLUMNS ", name) VALUES ($1, $2, $3, $4, $5, $6, "
        "$7) ON CONFLICT (name, seq) DO UPDATE SET id = excluded.id, sender = excluded.sender, "
        "type = excluded.type, payload = excluded.payload, at = excluded.at",
    [AG_SQL_TRIM_CI_MESSAGES] = "DELETE FROM ci_messages WHERE name = $1 AND seq <= $2",
    [AG_SQL_PUT_SESSION] = "INSERT INTO sessions (" SESSION_COLUMNS ") VALUES ($1, $2, $3) "
                           "ON CONFLICT (session_id) DO UPDATE SET created = excluded.created, "
                           "description = excluded.description",
    [AG_SQL_REMOVE_SESSION] = "DELETE FROM sessions WHERE session_id = $1",
    [AG_SQL_PUT_TOKEN] =
        "INSERT INTO tokens (" TOKEN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, scope = excluded.scope, "
        "owner = excluded.owner, rid = excluded.rid, epoch = excluded.epoch, "
        "expires = excluded.expires",
    [AG_SQL_REMOVE_RUN_TOKENS] = "DELETE FROM tokens WHERE rid = $1",
    [AG_SQL_PUT_REPLY] =
        "INSERT INTO replies (" REPLY_COLUMNS ") VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (idempotency_key) DO UPDATE SET body_hash = excluded.body_hash, "
        "status = excluded.status, reply = excluded.reply, at = excluded.at",
    [AG_SQL_REMOVE_REPLIES] = "DELETE FROM replies WHERE at < $1",
    [AG_SQL_ADD_MESSAGE] =
        "INSERT INTO messages (" MESSAGE_COLUMNS ", rid) VALUES ($1, $2, $3, $4, $5, $6)",
    [AG_SQL_PUT_META] = "INSERT INTO meta (name, value) VALUES ($1, $2) "
                        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",

    [AG_SQL_RUN] = "SELECT " RUN_COLUMNS " FROM runs WHERE workflow_id = $1",
    [AG_SQL_RUN_BY_RID] = "SELECT " RUN_COLUMNS " FROM runs WHERE rid = $1",
    [AG_SQL_RUN_BY_REQUEST_KEY] = "SELECT " RUN_COLUMNS " FROM runs WHERE rid = "
                                  "(SELECT s.rid FROM run_specs s WHERE s.request_key = $1)",
    [AG_SQL_SPEC] = "SELECT " SPEC_COLUMNS " FROM run_specs WHERE rid = $1",
    [AG_SQL_SPEC_SHOWN] = "SELECT " SPEC_SHOWN_COLUMNS " FROM run_specs WHERE rid = $1",
    [AG_SQL_RID] = "SELECT rid FROM runs WHERE workflow_id = $1",
    [AG_SQL_MAX_RID] = "SELECT MAX(rid) FROM runs",
    [AG_SQL_MAX_NUMBER] = "SELECT MAX(id_number) FROM runs WHERE id_base = $1",
    [AG_SQL_RUNS] = RUNS_PAGE(""),
    [AG_SQL_RUNS_LIVE] = RUNS_PAGE(" AND " LIVE),
    [AG_SQL_RUNS_BY_STATE] = RUNS_PAGE(" AND state = $2"),
    [AG_SQL_RUNS_BY_TEMPLATE] = RUNS_PAGE(" AND template = $3"),
    [AG_SQL_RUNS_BY_TEMPLATE_STATE] = RUNS_PAGE(" AND template = $3 AND state = $2"),
    [AG_SQL_RUNS_BY_SESSION] = RUNS_PAGE(" AND session_id = $4"),
    [AG_SQL_LIVE_RUNS] = "SELECT " RUN_COLUMNS " FROM runs WHERE " LIVE " ORDER BY rid",
    [AG_SQL_LIVE_FLIGHTS] =
        "SELECT s.step, s.path, s.attempt, s.repeat_never, s.until, s.rid FROM runs r JOIN steps s "
        "ON s.rid = r.rid AND s.path = r.flight_path WHERE s.status = 'started' AND r." LIVE,
    [AG_SQL_LIVE_QUESTIONS] =
        "SELECT " QUESTION_COLUMNS ", rid FROM questions WHERE state = 'open' ORDER BY rid",
    [AG_SQL_LIVE_LINES] =
        "SELECT i.seq, i.text, i.rid FROM runs r JOIN records i ON i.rid = r.rid AND "
        "i.stream = 'input' AND i.seq > r.lines_seq WHERE i.kind = 'line' AND r." LIVE
        " ORDER BY i.rid, i.seq",
    [AG_SQL_ACTIVE_RUNS] = "SELECT " ACTIVE_COLUMNS " FROM runs WHERE " LIVE " ORDER BY rid",
    [AG_SQL_ACTIVE_RUNS_OF] =
        "SELECT " ACTIVE_COLUMNS " FROM runs WHERE session_id = $1 AND " LIVE " ORDER BY rid",
    [AG_SQL_SECRET_VARIABLES] =
        "SELECT substr(question_id, 10), answer FROM secrets WHERE rid = $1 "
        "AND question_id LIKE 'variable:%' ORDER BY question_id",
    [AG_SQL_VARIABLES] = "SELECT name, value FROM variables WHERE rid = $1 ORDER BY name",
    [AG_SQL_STEPS] = "SELECT " STEP_COLUMNS " FROM steps WHERE rid = $1 "
                     "ORDER BY CASE WHEN started = 0 THEN ended ELSE started END, "
                     "CASE WHEN started = 0 THEN 0 ELSE 1 END, path, attempt",
    [AG_SQL_STEP] =
        "SELECT " STEP_COLUMNS " FROM steps WHERE rid = $1 AND path = $2 AND attempt = $3",
    [AG_SQL_VISITS] = "SELECT step, COUNT(DISTINCT path) FROM steps WHERE rid = $1 "
                      "GROUP BY step ORDER BY step",
    [AG_SQL_RECORDS] = RECORDS(""),
    [AG_SQL_RECORDS_OF] = RECORDS(" AND stream = $4"),
    [AG_SQL_RECORDS_INPUT] = RECORDS(" AND stream = 'input'"),
    [AG_SQL_RECORD_BY_KEY] = "SELECT MIN(seq) FROM records WHERE rid = $1 AND client_key = $2",
    [AG_SQL_OUTPUT_FROM_END] = "SELECT seq FROM records WHERE rid = $1 AND stream = 'output' "
                               "ORDER BY seq DESC LIMIT 1 OFFSET $2",
    [AG_SQL_QUESTION] = QUESTIONS(" WHERE q.question_id = $1"),
    [AG_SQL_QUESTIONS] = QUESTIONS(" ORDER BY q.asked, q.question_id"),
    [AG_SQL_QUESTIONS_BY_STATE] = QUESTIONS(" WHERE q.state = $1 ORDER BY q.asked, q.question_id"),
    [AG_SQL_QUESTIONS_OF] = QUESTIONS(" WHERE q.rid = $1 ORDER BY q.asked, q.question_id"),
    [AG_SQL_QUESTIONS_OF_BY_STATE] =
        QUESTIONS(" WHERE q.rid = $1 AND q.state = $2 ORDER BY q.asked, q.question_id"),
    [AG_SQL_SECRET] = "SELECT answer FROM secrets WHERE rid = $1 AND question_id = $2",
    [AG_SQL_CI] = "SELECT " CI_COLUMNS " FROM cis WHERE name = $1 AND removed = 0",
    [AG_SQL_CIS] = "SELECT " CI_COLUMNS " FROM cis WHERE removed = 0 ORDER BY name",
    [AG_SQL_ALL_CIS] = "SELECT " CI_COLUMNS " FROM cis ORDER BY name",
    [AG_SQL_CI_HISTORY] = "SELECT " CI_EVENT_COLUMNS " FROM ci_history WHERE name = $1 AND "
                          "seq < $2 ORDER BY seq DESC LIMIT $3",
    [AG_SQL_CI_MESSAGES] = "SELECT " CI_MESSAGE_COLUMNS " FROM ci_messages WHERE name = $1 AND "
                           "seq > $2 ORDER BY seq LIMIT $3",
    [AG_SQL_SESSION] = "SELECT " SESSION_COLUMNS " FROM sessions WHERE session_id = $1",
    [AG_SQL_SESSIONS] = "SELECT " SESSION_COLUMNS " FROM sessions WHERE session_id > $1 "
                        "ORDER BY session_id LIMIT $2",
    [AG_SQL_TOKEN] = "SELECT " TOKEN_COLUMNS " FROM tokens WHERE sha256 = $1",
    [AG_SQL_REPLY] = "SELECT " REPLY_COLUMNS " FROM replies WHERE idempotency_key = $1",
    [AG_SQL_MESSAGES] =
        "SELECT " MESSAGE_COLUMNS " FROM messages WHERE rid = $1 AND seq > $2 ORDER BY seq",
    [AG_SQL_META] = "SELECT value FROM meta WHERE name = $1",
};
