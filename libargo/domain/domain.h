/*
 * The rules: runs and their states, steps, streams, questions, CIs, templates.
 *
 * How every change goes: a rule reads and changes the live runs in memory, fills one transaction,
 * commits it; `done` is called from the loop when it is durable, and only then are watchers told
 * and may a reply be written. Reads for replies go to the store, so that nothing is shown before
 * its commit. When a commit fails the memory is dropped and loaded again.
 *
 * Nothing here knows HTTP, and processes only through the launch port.
 */
#ifndef AG_DOMAIN_DOMAIN_H
#define AG_DOMAIN_DOMAIN_H

#include "base/context.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/trust.h"
#include "store/store.h"
#include "template/template.h"
#include "wire/records.h"

typedef struct ag_domain ag_domain;

/* Called once from the loop, after the commit; never from inside the call that was given it.
 * A call that returns an error never calls it. */
typedef void (*ag_done_fn)(const argo_error *err, void *user);

/* ---- the launch port (implemented by daemon/) ------------------------------------------------ */

/* What has become of a launch: a process that waits to be told the token, and is only when this
 * returns true; from then on the port watches it and reports ag_domain_executor_ended. Or, with ERR,
 * nothing: ARGO_E_SPAWN, or ARGO_E_CANCELLED when it is to be tried again. */
typedef bool (*ag_launched_fn)(void *user, int64_t pid, int64_t start, const argo_error *err);

struct ag_launch_port {
    /* Starts an executor for RUN (epoch already grown). FN is called once, from the loop or from
     * inside; whether the process is still wanted is for FN to say. */
    void (*launch)(void *user, const struct ag_run *run, const struct ag_run_spec *spec,
                   const char *token, ag_launched_fn fn, void *fn_user);
    /* A run from the store that had a process: true when it lives, proven by its lock, and is
     * being watched from now on (*OUT_PID). With its NONCE (or NULL) one is known, too, that was
     * started too late to have taken its lock: by number, start time and environment. */
    bool (*adopt)(void *user, const struct ag_run *run, const char *nonce, int64_t *out_pid);
    /* Ends every process of the run: TERM, grace, KILL. DONE once nothing of it lives; nothing is
     * reported as ended for it meanwhile. */
    void (*end)(void *user, const struct ag_run *run, const char *nonce, void (*done)(void *user),
                void *done_user);
    /* SIGSTOP to every process of the run until all of them stand still, then DONE; ARGO_E_SIGNAL:
     * one of them refuses. `cont` and `end` take over from it, DONE is called all the same. */
    void (*stop)(void *user, int64_t rid, const char *nonce,
                 void (*done)(const argo_error *err, void *user), void *done_user);
    /* SIGCONT to every process of the run. PAUSED_MS goes to its executor with it: how long all
     * pauses so far have lasted together. */
    void (*cont)(void *user, int64_t rid, const char *nonce, int64_t paused_ms);
    void *user;
};

struct ag_domain_config {
    argo_context *ctx;
    ag_loop *loop;
    ag_store *store;
    struct ag_launch_port launch;
    void (*changed)(void *user); /* or NULL: a CI, a session or a run's state has been committed */
    void *changed_user;
    /* Borrowed: */
    int64_t park_after_ms; /* told to executors with the checkpoint */
    int64_t patience_ms; /* with executors that do not begin, while others wait for them; 0: 10 s */
    int64_t silence_ms;  /* an executor not heard of for so long is stalled; 0: never */
    int64_t ci_silence_ms; /* the same of a CI that sends heartbeats, with `error` and `stopped` */
    int64_t output_max;    /* of a run in the store, in bytes; 0: no limit */
    const char *log_dir;   /* where the output beyond it goes, ID.log */
    const char *home_templates;      /* $ARGO_HOME/workflows/templates */
    const char *installed_templates; /* DATADIR/argo/templates */
};

/* Loads the live runs; nothing is launched until ag_domain_recover. */
int ag_domain_new(const struct ag_domain_config *config, ag_domain **out, argo_error **err);
void ag_domain_free(ag_domain *d);
/* After a start: adopts what lives, launches what should, ends what should not live any more. */
void ag_domain_recover(ag_domain *d);
/* The store's `failed`: drops what is held and loads it again; until then no change is taken
 * (ARGO_E_STORE). What has a process is adopted at once, the rest recovers by itself a moment
 * later. The loading is tried again while the store cannot be read. */
void ag_domain_reload(ag_domain *d);
/* From now on nothing is launched (the daemon is stopping). */
void ag_domain_quiesce(ag_domain *d);
/* The port's report. STATUS as of waitpid, or -1. */
void ag_domain_executor_ended(ag_domain *d, int64_t rid, int64_t pid, int status);

/* Of the runs that have not ended. */
struct ag_domain_counts {
    size_t live, processes, parked, open_questions;
    size_t states[AG_RUN_STATES];
};

void ag_domain_count(const ag_domain *d, struct ag_domain_counts *out);

/* For metrics, since the domain was made. Borrowed. */
struct ag_domain_stats {
    uint64_t ended[AG_RUN_STATES];
    struct ag_histogram launch; /* from the commit of a start, or of a later launch, until the
                                   executor's first request */
    struct ag_histogram answer; /* from an answer's commit until the next request of the run's
                                   executor; of a parked run with its launch */
    ag_map *usage;              /* what steps have used, by model: struct ag_usage */
};

const struct ag_domain_stats *ag_domain_stats(const ag_domain *d);

/* ---- live runs and watchers ------------------------------------------------------------------ */

enum ag_change {
    AG_CHANGE_OUTPUT = 1,
    AG_CHANGE_INPUT = 2,
    AG_CHANGE_STATE = 4,
    AG_CHANGE_MESSAGE = 8,
    AG_CHANGE_ENDED = 16,
    AG_CHANGE_QUESTION = 32
};

/* Told after each commit that changed something in MASK. CHANGED may free the watch. A watch
 * ends with the run (after AG_CHANGE_ENDED, which every watch gets) or by ag_watch_remove. After
 * a reload watches get their whole mask. */
struct ag_watch {
    struct ag_list node;
    struct ag_watches *of; /* NULL: it waits for nothing */
    unsigned mask;
    bool own; /* of the run's executor: has room of its own */
    void (*changed)(struct ag_watch *watch, unsigned changes);
};

/* ARGO_E_NO_WORKFLOW unless the run is live; ARGO_E_WAITERS above 1,024 for one run
 * (and 8 of its executor). */
int ag_watch_add(ag_domain *d, int64_t rid, struct ag_watch *watch, argo_error **err);
/* Told after each commit that asks, answers or closes a question of any run. ARGO_E_WAITERS above
 * 1,024. */
int ag_question_watch_add(ag_domain *d, struct ag_watch *watch, argo_error **err);
/* The number of the last such change; no two daemons of a home begin with the same. */
int64_t ag_question_changes(const ag_domain *d);
void ag_watch_remove(struct ag_watch *watch);

/* Puts more into the transaction of an effect: the reply to keep. */
typedef void (*ag_keep_fn)(ag_txn *t, void *user);

/* ---- runs ------------------------------------------------------------------------------------ */

/* Checks everything (all problems at once), then row -> commit -> launch -> commit -> DONE. The
 * workflow's id is put to *OUT_RID at once. Returns 1 when REQUEST_KEY was seen before with the
 * same body (then *OUT_RID is that run and DONE is called as well). */
int ag_run_start(ag_domain *d, const struct ag_start_request *request, const char *body_hash,
                 int64_t *out_rid, ag_done_fn done, void *user, argo_error **err);
/* Ends the run and everything that lives of it; DONE when nothing does. KEEP (or NULL) is called
 * with the transaction of the decision. */
int ag_run_abandon(ag_domain *d, const char *workflow_id, ag_keep_fn keep, ag_done_fn done,
                   void *user, argo_error **err);
/* Stops everything that lives of the run, or keeps it from being launched; time limits stand still,
 * question deadlines run on. A run that is paused already stays as it is, and DONE is called as well.
 * ARGO_E_STATE: it has ended or is interrupted. */
int ag_run_pause(ag_domain *d, const char *workflow_id, ag_keep_fn keep, ag_done_fn done,
                 void *user, argo_error **err);
/* Lets a paused run go on; what has no process is launched, unless it waits for people still.
 * ARGO_E_STATE: it is not paused. */
int ag_run_resume(ag_domain *d, const char *workflow_id, ag_keep_fn keep, ag_done_fn done,
                  void *user, argo_error **err);
/* True while the run is being abandoned: DONE is called when nothing of it lives. */
bool ag_run_await_gone(ag_domain *d, const char *workflow_id, ag_done_fn done, void *user);
/* A message of a person or a host to the run: type and payload. `pause`, `resume` and `abort` are
 * the rules above; `update_config` changes the run's settings; x-... is for a host's own steps.
 * *OUT (before KEEP is called) is the message as the executor gets it, for those two; else it is
 * left alone. ARGO_E_QUOTA above 1,000 that no executor has received. */
int ag_run_message(ag_domain *d, const char *workflow_id, const struct ag_message *message,
                   ag_value **out, ag_keep_fn keep, ag_done_fn done, void *user, argo_error **err);
/* rid of a run by its id, live or ended; ARGO_E_NO_WORKFLOW. */
int ag_run_find(ag_domain *d, const char *workflow_id, int64_t *out_rid, argo_error **err);
/* The transition table; the docs print it. */
bool ag_run_may_become(int from, int to);

/* ---- what executors report. EPOCH is checked first: ARGO_E_FENCED ----------------------------- */

int ag_run_checkpoint(ag_domain *d, int64_t rid, int64_t epoch, struct ag_checkpoint *out,
                      argo_error **err);
int ag_run_progress(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_progress *progress,
                    ag_done_fn done, void *user, argo_error **err);
int ag_run_step_start(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_step_start *start,
                      ag_done_fn done, void *user, argo_error **err);
int ag_run_step_complete(ag_domain *d, int64_t rid, int64_t epoch,
                         const struct ag_step_complete *complete, ag_done_fn done, void *user,
                         argo_error **err);
/* RECORDS: N struct ag_output_record; a client_key seen before is dropped. */
int ag_run_output(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_output_record *records,
                  size_t n, ag_done_fn done, void *user, argo_error **err);
int ag_run_finish(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_finish *finish,
                  ag_done_fn done, void *user, argo_error **err);
/* The executor leaves the waiting to the daemon: its epoch is retired, and an answer, a deadline or
 * the time that it names launches the run again. ARGO_E_STATE when one of the questions is not open
 * any more, or a time has come: go on. */
int ag_run_park(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_park *park,
                ag_done_fn done, void *user, argo_error **err);
int ag_run_check_epoch(ag_domain *d, int64_t rid, int64_t epoch, argo_error **err);
/* ARGO_E_TOO_LARGE above 64 KiB, whatever the message. */
int ag_message_check_size(const ag_value *payload, argo_error **err);
/* A message of a host's type (x-...), recorded as an event; once for each id, if it has one. */
int ag_run_tell(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_message *message,
                ag_done_fn done, void *user, argo_error **err);
/* The message `error`: recorded, also as output; a fatal one ends the run. */
int ag_run_error(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_message *message,
                 ag_done_fn done, void *user, argo_error **err);
/* The executor has received the messages up to SEQ. */
int ag_run_messages_read(ag_domain *d, int64_t rid, int64_t epoch, int64_t seq, argo_error **err);

/* ---- questions and input ---------------------------------------------------------------------- */

/* Creates Q unless its id exists; typed-ahead input may answer it in the same commit. */
int ag_question_ask(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_question *q,
                    ag_done_fn done, void *user, argo_error **err);

/* Who answers, for answered_by and answered_via; and a reply to keep in the same transaction. */
struct ag_answerer {
    const char *by, *via;
};

/* POST input. *OUT_SEQ is the number of the record that carries it. KEEP (may be NULL) is called
 * with the transaction before it is committed. Errors: ARGO_E_STATE (several open, or one that
 * needs its id), ARGO_E_ANSWERED, ARGO_E_ANSWER, ARGO_E_NO_QUESTION, ARGO_E_QUOTA (1,000 lines
 * typed ahead). */
int ag_run_input(ag_domain *d, int64_t rid, const struct ag_input_request *input,
                 const struct ag_answerer *who, void (*keep)(ag_txn *t, int64_t seq, void *user),
                 int64_t *out_seq, ag_done_fn done, void *user, argo_error **err);

/* ---- default cursors ---------------------------------------------------------------------------- */

/* Moves the cursor of clients that pass no `after` (stream output or input), never backwards. */
void ag_run_move_cursor(ag_domain *d, int64_t rid, enum ag_stream stream, int64_t seq);

/* ---- CIs ---------------------------------------------------------------------------------------- */

/* ARGO_E_NO_CI, with the nearest name or what to do. */
int ag_ci_unknown(ag_domain *d, const char *name, argo_error **err);
/* What a CI's own fields may say; whether there is another of its name is not looked at. */
int ag_ci_check(const struct ag_ci *ci, argo_error **err);
/* KEEP gets the CI as it will be. ARGO_E_EXISTS, ARGO_E_NO_SESSION, ARGO_E_QUOTA (1,000). */
int ag_registry_add(ag_domain *d, const struct ag_ci *ci,
                    void (*keep)(ag_txn *t, const struct ag_ci *ci, void *user), ag_done_fn done,
                    void *user, argo_error **err);
/* ARGO_E_STATE while it is busy or has a task, unless FORCE. Its messages go, its history stays. */
int ag_registry_remove(ag_domain *d, const char *name, bool force, ag_keep_fn keep, ag_done_fn done,
                       void *user, argo_error **err);
/* It lives. From the first one on it should go on to say so: after ci_silence_ms without another it
 * is `error`, after as long again `stopped`. */
int ag_ci_heartbeat(ag_domain *d, const char *name, const struct ag_ci_heartbeat *heartbeat,
                    void (*keep)(ag_txn *t, const struct ag_ci *ci, void *user), ag_done_fn done,
                    void *user, argo_error **err);
/* A message to it: type, payload and from. *OUT (before KEEP is called) is the message as it gets
 * it. ARGO_E_QUOTA above 1,000 that it has not received. */
int ag_ci_send(ag_domain *d, const char *name, const struct ag_message *message, ag_value **out,
               ag_keep_fn keep, ag_done_fn done, void *user, argo_error **err);
/* It has received the messages up to SEQ; they go. ARGO_E_INVALID: there is none of that number. */
int ag_ci_messages_read(ag_domain *d, const char *name, int64_t seq, argo_error **err);
/* As ag_watch_add; ARGO_E_NO_CI. A watch ends with the CI. */
int ag_ci_watch_add(ag_domain *d, const char *name, struct ag_watch *watch, argo_error **err);

/* ---- sessions ----------------------------------------------------------------------------------- */

/* Without an id it gets the next "sess_N". KEEP gets the session as it will be. ARGO_E_EXISTS,
 * ARGO_E_QUOTA (10,000). */
int ag_session_add(ag_domain *d, const struct ag_session *session,
                   void (*keep)(ag_txn *t, const struct ag_session *session, void *user),
                   ag_done_fn done, void *user, argo_error **err);
/* ARGO_E_STATE while some of its runs have not ended; FORCE abandons them, and DONE comes when
 * nothing of them lives. Its runs keep its id, its CIs leave it. */
int ag_session_remove(ag_domain *d, const char *session_id, bool force, ag_keep_fn keep,
                      ag_done_fn done, void *user, argo_error **err);
/* What became of one of its runs: ERR says why it was left as it was. */
typedef void (*ag_session_each_fn)(const char *workflow_id, const argo_error *err, void *user);
/* Pauses or resumes each of its runs that has not ended. EACH (also from inside this call) and at
 * last DONE get USER. */
int ag_session_pause(ag_domain *d, const char *session_id, bool resume, ag_session_each_fn each,
                     ag_done_fn done, void *user, argo_error **err);
/* As it is stored; ARGO_E_NO_SESSION names the nearest. */
int ag_session_find(ag_domain *d, const char *session_id, struct ag_session *out, argo_error **err);
/* As ag_store_sessions, with `workflows` and `cis`; for any reader of the store. */
int ag_session_each(ag_store *s, const char *after, int64_t limit,
                    int (*fn)(const struct ag_session *session, void *user), void *user,
                    argo_error **err);

/* ---- templates ------------------------------------------------------------------------------------ */

/* Of the directory that a run starts in, or of the nearest one above it that has them: one of the
 * user's, up to the root of a git repository, and not the one that holds Argo's home. */
#define AG_LOCAL_TEMPLATES ".argo/workflows"

struct ag_template_file {
    char *name, *path, *text;
    size_t len;
    bool local;          /* of AG_LOCAL_TEMPLATES: counts only with trust */
    enum ag_trust trust; /* of a local one */
    char *shadows;       /* the path of the home's or installed one that it hides; or NULL */
    argo_error *error;   /* in a list: why it, or its trust, cannot be read; or NULL */
};

void ag_template_file_clear(struct ag_template_file *f);
/* Searches the AG_LOCAL_TEMPLATES of CWD (may be NULL), the home's and the installed templates, for
 * NAME.json, NAME.yaml, NAME.yml. ARGO_E_NO_TEMPLATE names the nearest. What is found may be read,
 * not run. */
int ag_catalog_look(ag_domain *d, const char *name, const char *cwd, struct ag_template_file *out,
                    argo_error **err);
/* The same, to run it: a local one that is not trusted as it is now is ARGO_E_UNTRUSTED. */
int ag_catalog_find(ag_domain *d, const char *name, const char *cwd, struct ag_template_file *out,
                    argo_error **err);
/* Every template by name, sorted, as ag_catalog_look finds it; what cannot be read, too. ARGO_E_QUOTA
 * above 1,000 in one directory. */
int ag_catalog_each(ag_domain *d, const char *cwd,
                    int (*fn)(const struct ag_template_file *file, void *user), void *user,
                    argo_error **err);

/* ---- trust ---------------------------------------------------------------------------------------- */

/* A file of a repository that counts only when somebody has looked at it. */
struct ag_trust_file {
    char *path; /* without links */
    char *text;
    size_t len;
    char sha256[AG_SHA256_HEX]; /* of what is there; in a list: of what is trusted */
    enum ag_trust trust;
    bool config;  /* .env.argo or .env.argo.local; else a template */
    bool missing; /* in a list: it is not there any more */
};

typedef int (*ag_trust_file_fn)(const struct ag_trust_file *file, void *user);

void ag_trust_file_clear(struct ag_trust_file *f);
/* PATH is absolute. ARGO_E_INVALID when it is no such file. */
int ag_trust_view(ag_domain *d, const char *path, struct ag_trust_file *out, argo_error **err);
/* Trusts PATH with the content of that SHA256; ARGO_E_STATE when it has another. */
int ag_trust_give(ag_domain *d, const char *path, const char *sha256, struct ag_trust_file *out,
                  argo_error **err);
/* ARGO_E_NO_TEMPLATE when it is not trusted. */
int ag_trust_take(ag_domain *d, const char *path, argo_error **err);
int ag_trust_list(ag_domain *d, ag_trust_file_fn fn, void *user, argo_error **err);

#endif
