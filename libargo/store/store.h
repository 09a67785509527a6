/*
 * The store: durable rows behind transactions that are committed in groups by one writer thread.
 *
 * Writing: fill an ag_txn on the loop, commit it, be called back on the loop after the fsync. The
 * writer takes everything that has gathered as one SQL transaction as soon as it is free; order
 * is kept. A commit that fails gives ARGO_E_STORE to every transaction of its group and to all
 * that were queued behind it; the store reopens its connection, and `failed` tells the owner to
 * drop what it holds in memory and load again.
 *
 * Reading: synchronously on the loop, through a read-only connection. Reads see what is
 * committed and nothing else.
 *
 * SQL and drivers: statements are one portable table (statements.c); a driver (driver.h) opens,
 * executes and commits. SQLite is the first.
 */
#ifndef AG_STORE_STORE_H
#define AG_STORE_STORE_H

#include "base/buf.h"
#include "base/context.h"
#include "base/histogram.h"
#include "base/loop.h"
#include "wire/records.h"

typedef struct ag_store ag_store;
typedef struct ag_txn ag_txn;
struct ag_driver; /* driver.h */

typedef void (*ag_commit_fn)(const argo_error *err, void *user);

struct ag_store_config {
    argo_context *ctx;
    ag_loop *loop;
    const char *path;               /* the database file; its directory exists */
    const struct ag_driver *driver; /* NULL: SQLite */
    /* A group failed and has been reported to all of its owners; the store has reopened. What is
     * committed between the failure and this call fails too, so a retry waits for it. */
    void (*failed)(void *user);
    void *user;
};

/* Opens or creates; migrates an older schema in one transaction; refuses a newer one
 * (ARGO_E_STATE) and a file that is damaged (ARGO_E_CORRUPT naming the file and
 * `argo-daemon --repair`; the file is left as it is). Checks sizes, header and schema only, so
 * that it is fast: damage to a row is found when the row is read. */
int ag_store_open(const struct ag_store_config *config, ag_store **out, argo_error **err);
/* Commits what is queued, calls the callbacks (but not `failed`), checkpoints, closes. Not from
 * inside a callback of the store. */
void ag_store_close(ag_store *s);
/* A second reader of the store's file, for another thread: reads only. Closed as a store, before
 * S is. */
int ag_store_reader(const ag_store *s, ag_store **out, argo_error **err);
/* Commits what is queued and calls the callbacks; from then on there are only reads. */
void ag_store_settle(ag_store *s);
/* True while no commit has failed since the last good one. */
bool ag_store_healthy(const ag_store *s);

/* For metrics, since the store was opened. */
struct ag_store_stats {
    uint64_t transactions, groups; /* groups: fsyncs */
    struct ag_histogram commit;    /* of each transaction, from ag_txn_commit until it is durable */
};

void ag_store_stats(const ag_store *s, struct ag_store_stats *out);

/* Repair of a damaged file, offline, under the home lock: keeps a copy beside it
 * (PATH.damaged-N), salvages every readable row into a new file, reports what was lost. */
int ag_store_repair(argo_context *ctx, const char *path, struct ag_buf *report, argo_error **err);

/* ---- transactions -------------------------------------------------------------------------- */

/* NULL without memory. A txn that is not committed must be dropped. Puts copy their input; a put
 * that fails (memory) makes the commit report ARGO_E_NOMEM. */
ag_txn *ag_txn_new(ag_store *s);
void ag_txn_drop(ag_txn *t);
/* Takes over T. FN (may be NULL) is called from the loop, never from inside this call, in the
 * order of the commits. An empty txn is legal: its callback comes after all earlier ones. */
void ag_txn_commit(ag_txn *t, ag_commit_fn fn, void *user);

/* Runs. ag_store_next_rid gives out numbers above any used, on the loop. */
int64_t ag_store_next_rid(ag_store *s);
void ag_txn_add_run(ag_txn *t, const struct ag_run *run, const struct ag_run_spec *spec);
void ag_txn_put_run(ag_txn *t, const struct ag_run *run); /* all of the row but workflow_id */
/* The id was taken by an ended run: it becomes OLD_ID~N, N the next free. Before ag_txn_add_run. */
void ag_txn_retire_id(ag_txn *t, int64_t rid, const char *new_id);
void ag_txn_put_variable(ag_txn *t, int64_t rid, const char *name, const ag_value *value);

/* Steps: keyed by (rid, path, attempt). A put replaces the row, keeping `started` and
 * `until` when they are 0. */
void ag_txn_put_step(ag_txn *t, int64_t rid, const struct ag_step_row *row);

/* Streams: (rid, seq). A repeated (rid, client_key) is for the domain to have filtered. */
void ag_txn_add_record(ag_txn *t, int64_t rid, const struct ag_stream_record *rec);

/* The output records from seq FROM to seq UPTO go. */
void ag_txn_remove_output(ag_txn *t, int64_t rid, int64_t from, int64_t upto);
/* Before anything of the transaction is committed LINES are durable at the end of the file PATH
 * (ag_file_append_lines). A crash in between leaves them there and the transaction undone. */
void ag_txn_append_file(ag_txn *t, const char *path, const char *lines);

/* The answer of a secret question is not stored with it. */
void ag_txn_put_question(ag_txn *t, int64_t rid, const struct ag_question *q);
/* Secret answers: their own table; deleted with ag_txn_forget_secrets at the run's end. */
void ag_txn_put_secret(ag_txn *t, int64_t rid, const char *question_id, const ag_value *answer);
/* Variables with secrets in them are there, too, and not among the others. */
void ag_txn_put_secret_variable(ag_txn *t, int64_t rid, const char *name, const ag_value *value);
void ag_txn_forget_secrets(ag_txn *t, int64_t rid);

void ag_txn_put_ci(ag_txn *t, const struct ag_ci *ci);
void ag_txn_put_ci_event(ag_txn *t, const char *name, const struct ag_ci_event *event);
void ag_txn_trim_ci_history(ag_txn *t, const char *name, int64_t upto);
void ag_txn_put_ci_message(ag_txn *t, const char *name, const struct ag_message *m);
void ag_txn_trim_ci_messages(ag_txn *t, const char *name, int64_t upto);
void ag_txn_forget_ci(ag_txn *t, const char *name); /* with its history and its messages */

void ag_txn_put_session(ag_txn *t, const struct ag_session *session);
void ag_txn_remove_session(ag_txn *t, const char *session_id);

/* Tokens: only the SHA-256 is stored. */
struct ag_token {
    char *id;
    char sha256[65];
    char *scope; /* "user" or "run" */
    char *user;
    int64_t rid; /* of a run's token, else 0 */
    int64_t epoch;
    int64_t expires; /* 0: never */
};

void ag_token_clear(struct ag_token *token);
void ag_txn_put_token(ag_txn *t, const struct ag_token *token);
void ag_txn_remove_run_tokens(ag_txn *t, int64_t rid); /* all of the run's */

/* Replies kept for Idempotency-Key. */
struct ag_kept_reply {
    char *key;
    char body_hash[65];
    int64_t status;
    char *reply;
    int64_t at;
};

void ag_kept_reply_clear(struct ag_kept_reply *reply);
void ag_txn_put_reply(ag_txn *t, const struct ag_kept_reply *reply);
void ag_txn_remove_replies_before(ag_txn *t, int64_t at);

void ag_txn_add_message(ag_txn *t, int64_t rid, const struct ag_message *m);
void ag_txn_put_meta(ag_txn *t, const char *key, const char *value); /* settings of the store */

/* ---- reads ---------------------------------------------------------------------------------- */
/* Return 1 when found, 0 when not, negative on failure. The caller clears what is filled. List
 * functions call FN per row (borrowed) and stop when it returns non-zero, returning that; 0 at the
 * end. FN may read. A row that is damaged gives ARGO_E_CORRUPT, naming run and column; but in a
 * list of runs it is shown as a failed run with as much of the row as can be read, and `error`
 * {"code","message"} that says so: one rotten row costs one run. */

int ag_store_run(ag_store *s, const char *workflow_id, struct ag_run *out, argo_error **err);
int ag_store_rid(ag_store *s, const char *workflow_id, int64_t *out, argo_error **err);
int ag_store_run_by_rid(ag_store *s, int64_t rid, struct ag_run *out, argo_error **err);
int ag_store_run_spec(ag_store *s, int64_t rid, struct ag_run_spec *out, argo_error **err);
/* Only what ag_run_spec_record has: no env, definition, nonce or request_hash. */
int ag_store_run_spec_shown(ag_store *s, int64_t rid, struct ag_run_spec *out, argo_error **err);
int ag_store_run_by_request_key(ag_store *s, const char *key, struct ag_run *out, argo_error **err);
/* The highest N among the OLD ids "ID~N" of ended runs, or 0. Returns 0. */
int ag_store_retired_max(ag_store *s, const char *workflow_id, int64_t *out, argo_error **err);
/* The highest number N of an id "PREFIX_N" (N decimal) among all runs, or 0. Returns 0. */
int ag_store_instance_max(ag_store *s, const char *prefix, int64_t *out, argo_error **err);

struct ag_run_filter {
    int state;                 /* -1: those that have not ended; -2: all; else that state */
    const char *template_name; /* or NULL */
    const char *session_id;    /* or NULL */
    int64_t before_rid;        /* page: rids below it; 0: from the newest */
    int64_t limit;
};

int ag_store_runs(ag_store *s, const struct ag_run_filter *filter,
                  int (*fn)(const struct ag_run *run, void *user), void *user, argo_error **err);

/* What is held in memory of the runs that have not ended. First RUN for each, oldest first; then
 * what belongs to them. RUN and QUESTION may take what their row owns and leave it zeroed. A row
 * that is damaged is given to DAMAGED, with the number of its run (0: that cannot be read). */
struct ag_live_reader {
    int (*run)(struct ag_run *run, void *user);
    /* A step that has started at the run's flight_path: step path attempt repeat_never until. */
    int (*flight)(int64_t rid, const struct ag_step_row *row, void *user);
    int (*question)(int64_t rid, struct ag_question *q, void *user); /* open */
    /* Typed ahead, after the run's lines_seq, in order. */
    int (*line)(int64_t rid, int64_t seq, const char *text, void *user);
    void (*damaged)(int64_t rid, const argo_error *why, void *user);
};

int ag_store_live(ag_store *s, const struct ag_live_reader *reader, void *user, argo_error **err);
/* {name: value}, empty without any. Returns 1. */
int ag_store_variables(ag_store *s, int64_t rid, ag_value **out, argo_error **err);
int ag_store_secret_variables(ag_store *s, int64_t rid, ag_value **out, argo_error **err);

/* In the order of their starts. */
int ag_store_steps(ag_store *s, int64_t rid, int (*fn)(const struct ag_step_row *row, void *user),
                   void *user, argo_error **err);
int ag_store_step(ag_store *s, int64_t rid, const char *path, int64_t attempt,
                  struct ag_step_row *out, argo_error **err);
/* {step: number of distinct paths}, from the rows. Returns 1. */
int ag_store_visits(ag_store *s, int64_t rid, ag_value **out, argo_error **err);

/* Records with seq > after, ascending, at most LIMIT; STREAM -1: all streams. */
int ag_store_records(ag_store *s, int64_t rid, int stream, int64_t after, int64_t limit,
                     int (*fn)(const struct ag_stream_record *rec, void *user), void *user,
                     argo_error **err);
/* The seq of the output record that N others follow. */
int ag_store_output_from_end(ag_store *s, int64_t rid, int64_t n, int64_t *out_seq,
                             argo_error **err);
/* The seq of the record with this client_key. */
int ag_store_record_by_key(ag_store *s, int64_t rid, const char *client_key, int64_t *out_seq,
                           argo_error **err);

int ag_store_question(ag_store *s, const char *question_id, struct ag_question *out,
                      int64_t *out_rid, argo_error **err);
/* STATE -1: all. RID 0: of all runs. In the order in which they were asked; workflow_id is the
 * run's present one. */
int ag_store_questions(ag_store *s, int64_t rid, int state,
                       int (*fn)(int64_t rid, const struct ag_question *q, void *user), void *user,
                       argo_error **err);
int ag_store_secret(ag_store *s, int64_t rid, const char *question_id, ag_value **out,
                    argo_error **err);

int ag_store_ci(ag_store *s, const char *name, struct ag_ci *out, argo_error **err);
int ag_store_cis(ag_store *s, int (*fn)(const struct ag_ci *ci, void *user), void *user,
                 argo_error **err);
/* Those that have been removed, too. FN may take what its row owns and leave it zeroed. */
int ag_store_all_cis(ag_store *s, int (*fn)(struct ag_ci *ci, void *user), void *user,
                     argo_error **err);
/* The newest first: numbers below BEFORE, at most LIMIT. Of one that has been removed, too. */
int ag_store_ci_history(ag_store *s, const char *name, int64_t before, int64_t limit,
                        int (*fn)(const struct ag_ci_event *event, void *user), void *user,
                        argo_error **err);
int ag_store_ci_messages(ag_store *s, const char *name, int64_t after, int64_t limit,
                         int (*fn)(const struct ag_message *m, void *user), void *user,
                         argo_error **err);
/* Without `workflows`. Ids above AFTER ("": all), in their order, at most LIMIT. */
int ag_store_session(ag_store *s, const char *session_id, struct ag_session *out, argo_error **err);
int ag_store_sessions(ag_store *s, const char *after, int64_t limit,
                      int (*fn)(const struct ag_session *session, void *user), void *user,
                      argo_error **err);
/* The runs that have not ended, of one session or (NULL) all, oldest first; without those whose
 * rows are damaged. */
int ag_store_active_runs(ag_store *s, const char *session_id,
                         int (*fn)(const struct ag_active_run *run, void *user), void *user,
                         argo_error **err);
int ag_store_token(ag_store *s, const char *sha256, struct ag_token *out, argo_error **err);
int ag_store_reply(ag_store *s, const char *key, struct ag_kept_reply *out, argo_error **err);
int ag_store_messages(ag_store *s, int64_t rid, int64_t after,
                      int (*fn)(const struct ag_message *m, void *user), void *user,
                      argo_error **err);
int ag_store_meta(ag_store *s, const char *key, char **out, argo_error **err);

#endif
