/*
 * The schema: portable SQL, one script per version. A script that has been released is never
 * changed; a new version appends one. Each table has a primary key that begins with its first
 * column (the SQLite driver clusters by it, repair walks along it).
 *
 * rid is INTEGER, which both databases hold in 32 bits or more: numbers of runs. Everything that
 * counts faster, and every time (milliseconds since the epoch), is BIGINT. Columns of JSON are
 * compact TEXT.
 */
#include "store/schema.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

#define VERSION_KEY "schema_version"

#define STATES                                                                                \
    "('queued', 'running', 'waiting', 'paused', 'stalled', 'done', 'failed', 'interrupted', " \
    "'abandoned')"

static const char *const version_1[] = {
    "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",

    /* What changes with every step: small, so that a commit writes few pages. id_base and
     * id_number are the parts of "PREFIX_N" and "ID~N", to find the highest N at once. */
    "CREATE TABLE runs (rid INTEGER PRIMARY KEY, workflow_id TEXT NOT NULL, "
    "id_base TEXT, id_number BIGINT, "
    "state TEXT NOT NULL CHECK (state IN " STATES "), "
    "beneath TEXT NOT NULL CHECK (beneath IN " STATES "), "
    "template TEXT, session_id TEXT, pid BIGINT NOT NULL, pid_start BIGINT NOT NULL, "
    "boot_id TEXT, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, current_step BIGINT NOT NULL, "
    "total_steps BIGINT NOT NULL, step_name TEXT, next_step TEXT, steps_done BIGINT NOT NULL, "
    "flight_path TEXT, deaths BIGINT NOT NULL, decision TEXT, consumed_seq BIGINT NOT NULL, "
    "cursor_output BIGINT NOT NULL, cursor_input BIGINT NOT NULL, created BIGINT NOT NULL, "
    "started BIGINT NOT NULL, updated BIGINT NOT NULL, ended BIGINT NOT NULL, "
    "result TEXT, error TEXT)",
    "CREATE UNIQUE INDEX runs_workflow_id ON runs (workflow_id)",
    "CREATE INDEX runs_number ON runs (id_base, id_number) WHERE id_base IS NOT NULL",
    "CREATE INDEX runs_state ON runs (state, rid)",
    "CREATE INDEX runs_template ON runs (template, rid)",
    "CREATE INDEX runs_template_state ON runs (template, state, rid)",
    "CREATE INDEX runs_session ON runs (session_id, rid) WHERE session_id IS NOT NULL",

    "CREATE TABLE run_specs (rid INTEGER PRIMARY KEY, request_key TEXT, request_hash TEXT, "
    "instance TEXT, branch TEXT, environment TEXT, parameters TEXT, cwd TEXT, env TEXT, "
    "definition TEXT, definition_file TEXT, definition_hash TEXT, nonce TEXT)",
    "CREATE UNIQUE INDEX run_specs_request_key ON run_specs (request_key) "
    "WHERE request_key IS NOT NULL",

    "CREATE TABLE variables (rid INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, "
    "PRIMARY KEY (rid, name))",

    "CREATE TABLE steps (rid INTEGER NOT NULL, path TEXT NOT NULL, attempt BIGINT NOT NULL, "
    "step TEXT, status TEXT NOT NULL "
    "CHECK (status IN ('started', 'done', 'failed', 'skipped')), "
    "repeat_never INTEGER NOT NULL CHECK (repeat_never IN (0, 1)), epoch BIGINT NOT NULL, "
    "started BIGINT NOT NULL, ended BIGINT NOT NULL, next_step TEXT, outputs TEXT, usage TEXT, "
    "error TEXT, PRIMARY KEY (rid, path, attempt))",

    "CREATE TABLE records (rid INTEGER NOT NULL, seq BIGINT NOT NULL, stream TEXT NOT NULL "
    "CHECK (stream IN ('output', 'input', 'event')), kind TEXT, text TEXT, path TEXT, "
    "at BIGINT NOT NULL, client_key TEXT, question_id TEXT, answer TEXT, "
    "PRIMARY KEY (rid, seq))",
    "CREATE INDEX records_client_key ON records (rid, client_key) WHERE client_key IS NOT NULL",
    "CREATE INDEX records_input ON records (rid, stream, seq) WHERE stream = 'input'",

    "CREATE TABLE questions (question_id TEXT NOT NULL PRIMARY KEY, rid INTEGER NOT NULL, "
    "path TEXT, kind TEXT NOT NULL "
    "CHECK (kind IN ('text', 'choice', 'confirm', 'form', 'permission')), "
    "prompt TEXT, answer_schema TEXT, choices TEXT, "
    "multiple INTEGER NOT NULL CHECK (multiple IN (0, 1)), default_answer TEXT, "
    "deadline BIGINT NOT NULL, on_deadline TEXT, "
    "secret INTEGER NOT NULL CHECK (secret IN (0, 1)), state TEXT NOT NULL "
    "CHECK (state IN ('open', 'answered', 'expired', 'cancelled')), "
    "answer TEXT CHECK (answer IS NULL OR secret = 0), answered_by TEXT, answered_via TEXT, "
    "asked BIGINT NOT NULL, answered BIGINT NOT NULL, answer_seq BIGINT NOT NULL)",
    "CREATE INDEX questions_run ON questions (rid, state)",
    "CREATE INDEX questions_state ON questions (state, rid)",

    "CREATE TABLE secrets (rid INTEGER NOT NULL, question_id TEXT NOT NULL, "
    "answer TEXT NOT NULL, PRIMARY KEY (rid, question_id))",

    "CREATE TABLE cis (name TEXT NOT NULL PRIMARY KEY, provider TEXT, model TEXT, "
    "port BIGINT NOT NULL, socket_path TEXT, role TEXT, status TEXT, "
    "last_heartbeat BIGINT NOT NULL, base_url TEXT, recording TEXT, upstream TEXT, "
    "command TEXT, capabilities TEXT)",

    "CREATE TABLE tokens (id TEXT NOT NULL PRIMARY KEY, sha256 TEXT NOT NULL, "
    "scope TEXT NOT NULL, owner TEXT, rid INTEGER NOT NULL, epoch BIGINT NOT NULL, "
    "expires BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX tokens_sha256 ON tokens (sha256)",
    "CREATE INDEX tokens_run ON tokens (rid)",

    "CREATE TABLE replies (idempotency_key TEXT NOT NULL PRIMARY KEY, body_hash TEXT NOT NULL, "
    "status BIGINT NOT NULL, reply TEXT, at BIGINT NOT NULL)",
    "CREATE INDEX replies_at ON replies (at)",

    "CREATE TABLE messages (rid INTEGER NOT NULL, seq BIGINT NOT NULL, id TEXT, type TEXT, "
    "payload TEXT, at BIGINT NOT NULL, PRIMARY KEY (rid, seq))",

    "CREATE TABLE sessions (session_id TEXT NOT NULL PRIMARY KEY, created BIGINT NOT NULL)",
    NULL,
};

#define TAKES_LINES \
    "q.secret = 0 AND q.kind IN ('text', 'choice') AND q.question_id NOT LIKE 'interrupted-%'"

/* People and time: waits, pauses, messages that configure a run, output that has gone to its log. */
static const char *const version_2[] = {
    "ALTER TABLE runs ADD COLUMN wake_at BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN paused_at BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN paused_ms BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN trimmed_seq BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN output_bytes BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN config TEXT",
    "ALTER TABLE runs ADD COLUMN message_seq BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE records ADD COLUMN data TEXT",
    "ALTER TABLE steps ADD COLUMN until BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE sessions ADD COLUMN description TEXT",
    "ALTER TABLE runs ADD COLUMN lines_seq BIGINT NOT NULL DEFAULT 0",
    /* What followed from the questions is in the run's own row from now on. */
    "UPDATE runs SET lines_seq = CASE WHEN EXISTS (SELECT 1 FROM questions q WHERE "
    "q.rid = runs.rid AND q.state = 'open' AND " TAKES_LINES ") THEN seq ELSE COALESCE((SELECT "
    "MAX(q.answer_seq) FROM questions q WHERE q.rid = runs.rid AND " TAKES_LINES "), 0) END "
    "WHERE ended = 0",
    "UPDATE runs SET wake_at = COALESCE((SELECT MIN(q.deadline) FROM questions q WHERE "
    "q.rid = runs.rid AND q.state = 'open' AND q.deadline > 0), 0) "
    "WHERE state = 'waiting' AND pid = 0",
    NULL,
};

/* CIs that tell of themselves, and are told: heartbeats, history, messages, sessions. Which CI a run
 * asks when nothing else says so. */
static const char *const version_3[] = {
    "ALTER TABLE cis ADD COLUMN session_id TEXT",
    "ALTER TABLE cis ADD COLUMN task TEXT",
    "ALTER TABLE cis ADD COLUMN unread BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE cis ADD COLUMN removed BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE cis ADD COLUMN history_seq BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE cis ADD COLUMN message_seq BIGINT NOT NULL DEFAULT 0",
    "CREATE TABLE ci_history (name TEXT NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL, "
    "status TEXT, task TEXT, session_id TEXT, messages BIGINT NOT NULL, at BIGINT NOT NULL, "
    "PRIMARY KEY (name, seq))",
    "CREATE TABLE ci_messages (name TEXT NOT NULL, seq BIGINT NOT NULL, id TEXT, sender TEXT, "
    "type TEXT, payload TEXT, at BIGINT NOT NULL, PRIMARY KEY (name, seq))",
    /* Nobody had heard of any CI, whatever it was registered with. */
    "UPDATE cis SET status = 'registered', last_heartbeat = 0, history_seq = 1",
    "INSERT INTO ci_history (name, seq, kind, status, messages, at) "
    "SELECT name, 1, 'registered', 'registered', 0, 0 FROM cis",
    "ALTER TABLE run_specs ADD COLUMN default_provider TEXT",
    "ALTER TABLE run_specs ADD COLUMN default_model TEXT",
    "ALTER TABLE questions ADD COLUMN usage TEXT",
    NULL,
};

const struct ag_migration ag_migrations[] = {{version_1}, {version_2}, {version_3}};
const int ag_schema_version = AG_ARRAY_SIZE(ag_migrations);

/* -1 stays when the text is no number. */
static int version_row(const struct ag_cell *cells, int n, void *user)
{
    int64_t *out = user;
    if (cells[0].type == AG_CELL_TEXT) {
        ag_parse_i64(cells[0].text, VERSION_KEY, 1, INT32_MAX, out, NULL);
    }
    return 0;
}

int ag_schema_read_version(struct ag_db *db, const char *place, int64_t *out, argo_error **err)
{
    bool empty;
    int rc = db->driver->empty(db, &empty, err);
    if (rc < 0) {
        return rc;
    }
    int64_t version = empty ? 0 : -1;
    if (!empty) {
        const struct ag_cell key = {
            .type = AG_CELL_TEXT, .text = VERSION_KEY, .len = sizeof(VERSION_KEY) - 1};
        rc = db->driver->query(db, AG_SQL_META, &key, 1, version_row, &version, err);
        if (rc == ARGO_E_CORRUPT || rc == ARGO_E_NOMEM) {
            return rc;
        }
        if (rc < 0 || version < 0) {
            return ag_error_set(err, ARGO_E_STATE,
                                "'%s' holds a database that is no Argo store: expected a table "
                                "'meta' with '" VERSION_KEY "'; move it away",
                                place);
        }
    }
    *out = version;
    return 0;
}

static int set_version(struct ag_db *db, int version, argo_error **err)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", version);
    const struct ag_cell cells[] = {
        {.type = AG_CELL_TEXT, .text = VERSION_KEY, .len = sizeof(VERSION_KEY) - 1},
        {.type = AG_CELL_TEXT, .text = text, .len = (size_t)len},
    };
    return db->driver->execute(db, AG_SQL_PUT_META, cells, 2, err);
}

static int run_scripts(struct ag_db *db, const struct ag_migration *list, int from, int to,
                       argo_error **err)
{
    for (int v = from; v < to; v++) {
        for (const char *const *ddl = list[v].ddl; *ddl != NULL; ddl++) {
            int rc = db->driver->define(db, *ddl, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return set_version(db, to, err);
}

int ag_schema_newer(const char *place, int64_t version, int n, argo_error **err)
{
    return ag_error_set(err, ARGO_E_STATE,
                        "'%s' was written by a newer Argo (schema %" PRId64
                        ", this one knows %d): install that one again",
                        place, version, n);
}

int ag_schema_migrate(struct ag_db *db, const char *place, const struct ag_migration *list, int n,
                      argo_error **err)
{
    int64_t version;
    int rc = ag_schema_read_version(db, place, &version, err);
    if (rc < 0) {
        return rc;
    }
    if (version > n) {
        return ag_schema_newer(place, version, n, err);
    }
    if (version == n) {
        return 0;
    }
    rc = db->driver->begin(db, err);
    if (rc < 0) {
        return rc;
    }
    rc = run_scripts(db, list, (int)version, n, err);
    if (rc == 0) {
        rc = db->driver->commit(db, err);
    }
    if (rc < 0) {
        db->driver->rollback(db);
        return ag_error_wrap(err, "migrate '%s' from schema %" PRId64 " to %d", place, version, n);
    }
    return 0;
}
