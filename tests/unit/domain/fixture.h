/*
 * A domain over a real store in a directory of its own, a loop, and a launch port that starts
 * nothing and remembers everything. One at a time per process.
 */
#ifndef TESTS_UNIT_DOMAIN_FIXTURE_H
#define TESTS_UNIT_DOMAIN_FIXTURE_H

#include "domain/domain.h"
#include "domain/internal.h"
#include "lib/runner.h"

#define FIXTURE_OUTPUT_MAX 65536

struct fixture {
    argo_context *ctx;
    ag_loop *loop;
    ag_store *store;
    ag_domain *domain;
    char home[128], installed[128]; /* of templates */
    char logs[128];                 /* made when there is something for it */
    /* the port */
    int launches, ends, adoptions, stops, conts;
    int64_t standing;  /* the rid that was stopped last and not continued; 0: none */
    int64_t paused_ms; /* as the last `cont` had it */
    bool refuse_stop;  /* one of its processes cannot be signalled */
    int64_t next_pid;  /* of the next launch */
    int64_t last_rid, last_epoch;
    char last_token[65];
    char last_nonce[65];
    int64_t silence_ms;     /* of the configuration, from the next fixture_open on */
    int64_t ci_silence_ms;  /* the same */
    int64_t patience_ms;    /* of the next domain */
    bool refuse_launch;     /* fails with ARGO_E_SPAWN */
    bool hold_launches;     /* they are under way until let_launch */
    bool fail_after_launch; /* the commit that records the process fails */
    bool hold_ends;         /* what is ended lives on until let_end */
    int64_t alive[16];      /* rids whose process can be adopted */
    size_t n_alive;
    int64_t newborn;      /* its process lives and has no lock yet */
    char adopted_by[128]; /* "PID NONCE" of the last question for such a one */
    void (*end_done)(void *user);
    void *end_user;
    ag_launched_fn launched;
    void *launched_user;
};

extern struct fixture fx;

/* What a call's `done` said. */
struct outcome {
    int called;
    int code;
    char text[512];
};

void fixture_setup(void);
const char *fixture_path(const char *name); /* in the directory; as temp_path */
void fixture_teardown(void);
void fixture_close(void); /* the domain and the store, as when the daemon ends */
void fixture_open(void);  /* again; recovers nothing */
void fixture_fail_commits(int n);
void fixture_let_end(void);
/* The last launch that was held: there is a process, or what is wrong. Whether it is wanted. */
bool fixture_let_launch(int code);
void fixture_alive(int64_t rid); /* only in the port */

void note_outcome(const argo_error *err, void *user);
/* Dispatches until it was called; its code. */
int await(struct outcome *o);
/* Commits what has gathered and everything that follows from it. */
void settle_all(void);

/* Starts ID from a template with one step, and waits. */
int64_t start_run(const char *id);
int start_with(struct ag_start_request *request, const char *hash, int64_t *rid);
void load_row(int64_t rid, struct ag_run *row); /* from the store; clear it */
int stored_state(int64_t rid);
/* The run's last number; checks that its records are all there, but for what a gap stands for. */
int64_t stored_seq(int64_t rid);
/* The number of the record that is INDEX-th in STREAM, from 0. */
int64_t record_seq(int64_t rid, enum ag_stream stream, int index);
/* Kinds, texts and data of the events, joined by '|'; static. */
const char *stored_events(int64_t rid);
/* Texts of the records of STREAM, joined by '|'; static. */
const char *stored_texts(int64_t rid, enum ag_stream stream);
void load_question(const char *id, struct ag_question *q); /* clear it */
/* The id of the run's only open question; static. */
const char *open_question_id(int64_t rid);

int send_line(int64_t rid, const char *text, const char *key, struct outcome *o, int64_t *seq);
int send_answer(int64_t rid, const char *question_id, const char *json_answer, struct outcome *o);
int ask(int64_t rid, int64_t epoch, const char *id, int kind, struct outcome *o);
int begin_step(int64_t rid, int64_t epoch, const char *path, int64_t attempt, bool never,
               struct outcome *o);
int complete_step(int64_t rid, int64_t epoch, const char *path, int64_t attempt, const char *next,
                  struct outcome *o);
int finish_run(int64_t rid, int64_t epoch, int status, struct outcome *o);
ag_value *json(const char *text);

/* The call is accepted and its commit is durable. */
#define ck_ok(call, o)                    \
    do {                                  \
        ck_assert_int_ge((call), 0);      \
        ck_assert_int_eq(await(&(o)), 0); \
    } while (0)

#endif
