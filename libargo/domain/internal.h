/*
 * What the files of domain/ share: the domain object and a live run. Nobody else includes this.
 */
#ifndef AG_DOMAIN_INTERNAL_H
#define AG_DOMAIN_INTERNAL_H

#include "base/buf.h"
#include "domain/domain.h"

enum {
    AG_MAX_WATCHES = 1024,  /* of one run */
    AG_MAX_OWN_WATCHES = 8, /* of its executor, beside those: readers never lock it out */
    AG_MAX_TYPED_AHEAD = 1000,
    AG_MAX_SESSIONS = 10000,
    AG_MAX_MESSAGES = 1000, /* to a run or a CI, that have not been received */
    AG_MAX_CIS = 1000,
    AG_MAX_REMOVED_CIS = 1000, /* of which something is kept */
    AG_MAX_CI_HISTORY = 1000,  /* of one */
    AG_MAX_DEATHS = 3          /* of executors in the same place: the run has crashed */
};

/* The step under way that has a start row. */
struct ag_flight {
    char *step, *path;
    int64_t attempt;
    bool repeat_never;
    int64_t until; /* the time that it waits for; 0: none */
};

/* A line typed ahead, until a question uses it up. */
struct ag_line {
    struct ag_list node;
    int64_t seq;
    char *text;
};

struct ag_abandon; /* of lifecycle.c */

/* The messages that no executor has received, but for those that pause and resume. */
struct ag_mailbox {
    int64_t *seqs; /* in order; on their way to the store too */
    size_t n;
    bool unknown; /* not loaded yet */
};

/* Those who wait for a change of one thing; each knows where it is (ag_watch.of). */
struct ag_watches {
    struct ag_list list;
    int n, n_own; /* of readers, and of the executor */
};

/* A run that has not ended, in memory. Its row is what the last rule made of it, committed or on
 * its way; replies are made from the store instead. */
struct ag_live {
    ag_domain *domain;
    struct ag_run row;
    struct ag_flight flight;
    struct ag_watches watches;
    /* NULL while there is nothing in them: */
    ag_map *pending;   /* keys of writes on their way -> the number given to ag_change_pending */
    ag_map *questions; /* open ones by id: struct ag_question * */
    bool counted;      /* in the domain's counts, as the next four say */
    bool counted_process, counted_parked;
    int counted_state;
    size_t counted_questions;
    char *crash_question; /* the one that asks what to do with an interrupted step, or NULL */
    struct ag_list lines; /* struct ag_line, in order; on their way to the store too */
    size_t n_lines;
    ag_map *variable_bytes; /* sizes of variables by name; NULL until the first write */
    int64_t variables_total;
    ag_map *secret_names; /* of the variables with secrets in them; NULL until the first write */
    struct ag_abandon *abandon; /* being abandoned: nothing may be launched */
    bool leaving;  /* and that is durable: what lives of it is being ended, a reload keeps it */
    ag_wall *wake; /* armed while it is parked until a time; NULL until the first time */
    struct ag_list queued; /* in the domain's queue: it is to be launched */
    bool starting;         /* its executor has not asked for anything yet */
    bool fresh;            /* we have started it, and nothing of a step has ever been stored */
    int told_state;        /* the one that the last `state` event told; -1: none yet */
    int64_t gap_records;   /* that have gone to the log; 0: none, or not yet looked up */
    int64_t gap_bytes;
    bool log_refused; /* the log cannot be written: nothing is moved to it any more */
    struct ag_mailbox mailbox;
    int64_t
        paused_clock; /* the loop's time when it was paused; 0: by another daemon, or it is not */
    int64_t heard;    /* the loop's time of its executor's last request */
    int64_t launched_us, answered_us; /* what its executor's next request ends; 0: nothing */
};

/* A CI in memory, also when it has been removed: a name keeps its history and its numbers. */
struct ag_ci_held {
    ag_domain *domain;
    struct ag_ci row; /* as the last rule made it, committed or on its way */
    struct ag_watches watches;
    int64_t heard; /* the loop's time of its last heartbeat, or since when we listen */
};

/* Of a kind of those who must be heard of: the timer that looks for the silent ones. It is armed
 * only while there is somebody to listen to. */
struct ag_silence {
    ag_loop *loop;
    ag_timer *timer;
    int64_t length; /* ms after which somebody counts as silent; 0: never */
    int64_t due;    /* when the timer fires */
    /* Of the look that is under way: */
    int64_t now, next;
    bool late;
};

struct ag_domain {
    struct ag_domain_config config;
    argo_context *ctx;
    ag_loop *loop;
    ag_store *store;
    char boot_id[40];        /* this boot's, "" when it cannot be told */
    ag_map *by_id;           /* workflow id -> struct ag_live *, owner */
    ag_map *by_rid;          /* decimal rid -> struct ag_live * */
    ag_map *cis;             /* name -> struct ag_ci_held *, owner */
    ag_map *sessions;        /* ids of sessions, committed or on their way; values are unused */
    int64_t session_number;  /* the N of the last "sess_N" */
    ag_map *starting;        /* request keys on their way -> decimal rid (owned) */
    struct ag_list abandons; /* struct ag_abandon, under way: owner */
    struct ag_list queue;    /* struct ag_live, to be launched one after the other */
    size_t n_starting;
    ag_defer *next_launch;
    ag_timer *patience;        /* with those that are starting; armed while others wait for them */
    ag_timer *retry;           /* armed after a failed commit only */
    struct ag_silence stalls;  /* of runs that have a process */
    struct ag_silence silence; /* of CIs that send heartbeats */
    struct ag_watches question_watches;
    int64_t question_changes;
    struct ag_domain_counts counts;
    struct ag_domain_stats stats;
    bool quiesced;
    bool stale; /* a commit has failed: no change is taken until the state is loaded again */
};

/* A transaction with what is to be told after it. One allocation that lives until the commit's
 * callback; created by ag_change_new. */
struct ag_change_set {
    ag_domain *domain;
    ag_txn *txn;
    int64_t rid;
    char *ci;         /* a name, or NULL */
    unsigned changes; /* told to the watches of the run or the CI */
    bool ended;       /* the run leaves the live table */
    bool answers;     /* a question of the run: its executor has something to go on with */
    ag_value *usage;  /* of a step that it completes, or NULL */
    char **pending;   /* keys to take off live->pending */
    size_t n_pending;
    ag_done_fn done;
    void *user;
    void (*then)(ag_domain *d, int64_t rid, const argo_error *err); /* the rule's own next step */
};

/* ARGO_E_STORE while the state is stale; so a rule makes its change before it changes memory. */
int ag_change_new(ag_domain *d, int64_t rid, unsigned changes, ag_done_fn done, void *user,
                  struct ag_change_set **out, argo_error **err);
/* Tells a change of state, trims the output, puts the live run's row into the transaction (updated
 * = now) and commits. */
void ag_change_commit(struct ag_change_set *c);
void ag_change_drop(struct ag_change_set *c); /* nothing is written, nobody is told */
/* Marks KEY as on its way until the commit, with a number above 0 to be found by it. */
int ag_change_pending(struct ag_change_set *c, struct ag_live *live, const char *key, int64_t n);
int64_t ag_live_pending(const struct ag_live *live, const char *key); /* 0: not on its way */

/* live.c */
struct ag_live *ag_live_new(ag_domain *d, struct ag_run *row, argo_error **err); /* takes ROW */
void ag_live_free(struct ag_live *live);
struct ag_live *ag_live_by_rid(const ag_domain *d, int64_t rid);
int ag_live_insert(ag_domain *d, struct ag_live *live);
void ag_live_remove(ag_domain *d, struct ag_live *live);
void ag_live_count(struct ag_live *live); /* its process or questions may be others */
void ag_flight_set(struct ag_live *live, const struct ag_step_start *start);
/* The run's live record, with its epoch checked. */
int ag_live_fenced(ag_domain *d, int64_t rid, int64_t epoch, struct ag_live **out,
                   argo_error **err);
int ag_live_hold_question(struct ag_live *live, struct ag_question *q); /* takes Q, or fails */
int ag_live_queue_line(struct ag_live *live, int64_t seq, const char *text);
void ag_line_free(struct ag_live *live, struct ag_line *line); /* takes it off the queue */
int ag_set_text(char **slot, const char *text);                /* replaces; 0 or ARGO_E_NOMEM */

/* watch.c */
void ag_watches_init(struct ag_watches *watches);
int ag_watches_add(struct ag_watches *watches, struct ag_watch *watch, const char *whose,
                   argo_error **err);
void ag_watches_tell(struct ag_watches *watches, unsigned changes);
void ag_questions_changed(ag_domain *d);
void ag_watches_clear(struct ag_watches *watches);                    /* whose owner goes */
void ag_watches_move(struct ag_watches *to, struct ag_watches *from); /* whatever their number */

/* load.c */
/* Every run that has not ended, from the store into the empty tables. */
int ag_live_load(ag_domain *d, argo_error **err);

/* state.c */
/* What the run's work is at, beneath a pause: what its steps, questions and process change. */
int *ag_live_work(struct ag_live *live);
/* Moves to STATE if the table allows it; ARGO_E_STATE names both. */
int ag_live_move(struct ag_live *live, int state, argo_error **err);

/* session.c */
int ag_sessions_load(ag_domain *d, argo_error **err); /* into d->sessions, which is empty */
/* ARGO_E_NO_SESSION unless it is there, or on its way. */
int ag_session_check(ag_domain *d, const char *session_id, argo_error **err);

/* step.c */
/* What is known of the variables is looked up again when one is written next. */
void ag_live_forget_variables(struct ag_live *live);

/* stream.c */
/* Appends a record with the next seq (returned); TEXT may be NULL. */
struct ag_record_spec {
    enum ag_stream stream;
    const char *kind, *text, *path, *client_key, *question_id;
    const ag_value *answer;
    const ag_value *data; /* of an event */
};

int64_t ag_live_append(struct ag_change_set *c, struct ag_live *live,
                       const struct ag_record_spec *spec);
/* 1: CLIENT_KEY is known already (committed or on its way), 0: it is new, and on its way with C. */
int ag_change_client_key(struct ag_change_set *c, struct ag_live *live, const char *client_key,
                         argo_error **err);
/* Appends executor output, without those whose client_key is known already. */
int ag_live_append_output(struct ag_change_set *c, struct ag_live *live,
                          const struct ag_output_record *records, size_t n, argo_error **err);

/* event.c: what is told to those who follow the run */
void ag_event_state(struct ag_change_set *c, struct ag_live *live); /* when it has changed */
void ag_event_parked(struct ag_change_set *c, struct ag_live *live);
void ag_event_step_start(struct ag_change_set *c, struct ag_live *live,
                         const struct ag_step_start *start);
void ag_event_step_complete(struct ag_change_set *c, struct ag_live *live,
                            const struct ag_step_complete *complete);
void ag_event_question(struct ag_change_set *c, struct ag_live *live, const struct ag_question *q);
void ag_event_answer(struct ag_change_set *c, struct ag_live *live, const struct ag_question *q);
int ag_event_message(struct ag_change_set *c, struct ag_live *live, const struct ag_message *m,
                     const char *client_key, argo_error **err);
void ag_event_config(struct ag_change_set *c, struct ag_live *live);
void ag_event_expired(struct ag_change_set *c, struct ag_live *live, const struct ag_question *q);

/* trim.c */
int64_t ag_output_cost(const char *text, const char *path); /* what a record counts */
/* Moves the oldest output to the log while there is more than allowed. */
void ag_live_trim_output(struct ag_change_set *c, struct ag_live *live);

/* pause.c */
void ag_live_end_pause(struct ag_live *live); /* what has passed of it counts as paused */
/* Of a run whose process has been taken over: the signals that its state asks for, again. */
void ag_live_recover_signals(struct ag_live *live);
/* A `then` of a run that has ended while it was paused: its executor may end too. */
void ag_live_let_go(ag_domain *d, int64_t rid, const argo_error *err);

/* message.c */
/* Puts a message to the run's executor into C. PAYLOAD NULL: {}. */
int ag_live_send(struct ag_change_set *c, struct ag_live *live, const char *type,
                 const ag_value *payload, argo_error **err);
/* The number behind which a new executor finds what it has to receive. */
int ag_live_messages_after(struct ag_live *live, int64_t *out, argo_error **err);
void ag_mailbox_clear(struct ag_mailbox *box);

/* silence.c */
int ag_silence_init(struct ag_silence *s, ag_loop *loop, int64_t length, ag_timer_fn look,
                    void *user, argo_error **err);
void ag_silence_deinit(struct ag_silence *s);
void ag_silence_listen(struct ag_silence *s); /* there is somebody who should be heard of */
/* A look at all of them, in LOOK: who was last heard of at HEARD, and is it too long ago? */
void ag_silence_begin(struct ag_silence *s);
bool ag_silence_broken(struct ag_silence *s, int64_t heard);
void ag_silence_again(struct ag_silence *s); /* he is to be looked at once more */
void ag_silence_end(struct ag_silence *s);

/* registry.c */
void ag_ci_free(void *held);
int ag_cis_load(ag_domain *d, argo_error **err); /* into d->cis, which is empty */
/* Those that are registered; values are unused. NULL without memory. */
ag_map *ag_ci_names(const ag_domain *d);
/* ARGO_E_NO_CI unless it is registered, or about to be. */
int ag_ci_named(ag_domain *d, const char *name, struct ag_ci_held **out, argo_error **err);
/* A change of it; nothing of it has been changed yet. */
int ag_ci_change(struct ag_ci_held *ci, unsigned changes, ag_done_fn done, void *user,
                 struct ag_change_set **out, argo_error **err);
/* Puts it into C as it is now; with KIND what has happened goes into its history. */
void ag_ci_put(struct ag_change_set *c, struct ag_ci_held *ci, const char *kind);
void ag_ci_tell(ag_domain *d, const char *name, unsigned changes);
void ag_cis_leave(struct ag_change_set *c, const char *session_id); /* which is being removed */

/* heartbeat.c */
int ag_heartbeats_init(ag_domain *d, argo_error **err);
void ag_ci_listen(struct ag_ci_held *ci); /* from now on it should be heard of, if it ever was */

/* stall.c */
int ag_stalls_init(ag_domain *d, argo_error **err);
void ag_live_watch_silence(struct ag_live *live); /* from now on it should be heard of */
void ag_live_note_heard(struct ag_live *live);    /* its executor has asked for something */

/* measure.c */
void ag_live_measure(struct ag_live *live);      /* its executor has asked for something */
void ag_live_forget_times(struct ag_live *live); /* what is under way is not measured */
void ag_domain_count_usage(ag_domain *d, const ag_value *usage); /* of a step; NULL: nothing */

/* lifecycle.c */
/* The live run of that id; ARGO_E_NO_WORKFLOW, ARGO_E_STATE when it has ended or is about to. */
int ag_live_named(ag_domain *d, const char *workflow_id, struct ag_live **out, argo_error **err);
char *ag_run_nonce(ag_domain *d, int64_t rid);       /* NULL when it cannot be read */
int ag_finish_state(const struct ag_finish *finish); /* that it leads to */
/* 1 when the same end is on its way already: the request was repeated. */
int ag_live_check_finish(ag_domain *d, int64_t rid, int64_t epoch, int state, struct ag_live **out,
                         argo_error **err);
/* The executor has said good-bye: it counts as gone from here on. */
void ag_live_finish(struct ag_change_set *c, struct ag_live *live, int state,
                    const ag_value *result, const ag_value *error);
/* A process of the run that lives becomes its own again; only in memory. */
bool ag_live_adopt(struct ag_live *live);
void ag_abandons_free(ag_domain *d); /* drops them; nobody is told */
/* Grows the epoch and makes a token, in a change that launches when it is committed. DONE (or
 * NULL) is called after the commit that records the process. */
int ag_live_prepare_launch(struct ag_live *live, ag_done_fn done, void *user,
                           struct ag_change_set **out, argo_error **err);
/* Launches it, at once or when it is its turn. */
void ag_live_launch(struct ag_live *live);
/* Its executor has asked for something, or is gone; LIVE may be NULL. */
void ag_live_started(struct ag_live *live);
void ag_live_unqueue(struct ag_live *live); /* it is not to be launched any more */
int ag_queue_new(ag_domain *d, argo_error **err);
void ag_queue_free(ag_domain *d);
/* Ends the run in C: state, tokens, secrets, questions; told as ended after the commit. */
void ag_live_end(struct ag_change_set *c, struct ag_live *live, int state, const ag_value *result,
                 const ag_value *error);
/* {"code","message"} for a run's error. NULL without memory. */
ag_value *ag_error_value(const char *code, const char *message);

/* park.c */
/* A run that waits without a process. */
static inline bool ag_live_parked(const struct ag_live *live)
{
    return live->row.state == AG_RUN_WAITING && live->row.pid == 0;
}

/* A `then` of a change that has answered a parked run. */
void ag_live_unpark(ag_domain *d, int64_t rid, const argo_error *err);
/* Something has come for a run that may be parked: it is launched after C, or after its pause. */
void ag_live_call_back(struct ag_change_set *c, struct ag_live *live);
/* A run that is parked until a time is launched when it comes; at once, when it has passed. For one
 * that was loaded, or goes on after a pause. */
void ag_live_arm_wake(struct ag_live *live);
/* A run is `waiting` while a question is open or its step waits for a time, else `running`. */
void ag_live_note_waiting(struct ag_live *live);

/* question.c */
/* Text typed ahead may answer Q. While such a question is open no line is queued. */
bool ag_question_takes_lines(const struct ag_question *q);
bool ag_question_is_of_crash(const struct ag_question *q);
struct ag_question *ag_question_copy(const struct ag_question *q); /* NULL without memory */
void ag_question_free(void *q);
/* A step that is over leaves no question open: nobody would read the answer. */
void ag_live_expire_questions(struct ag_change_set *c, struct ag_live *live, const char *path);
void ag_live_cancel_questions(struct ag_change_set *c, struct ag_live *live);
void ag_live_ask_about_crash(struct ag_change_set *c, struct ag_live *live);

/* answer.c */
/* Turns TEXT as a person typed it into an answer for Q, or checks ANSWER. *OUT is new. */
int ag_answer_from_text(const struct ag_question *q, const char *text, ag_value **out,
                        argo_error **err);
int ag_answer_check(const struct ag_question *q, const ag_value *answer, ag_value **out,
                    argo_error **err);
/* Whether Q can be asked: its schema, its choices, what happens at its deadline. *STANDARD is its
 * default as it counts as an answer, new, or NULL. */
int ag_question_check(const struct ag_question *q, ag_value **standard, argo_error **err);

/* ---- templates ---------------------------------------------------------------------------------- */

/* Whether a file of this name, without directories, is looked at as a template. */
bool ag_catalog_takes(const char *file);
int ag_cwd_check(const char *cwd, argo_error **err); /* it may be NULL */

#endif
