/*
 * A daemon in memory, behind exec/port.h: applies what a runner reports as the rules in domain/
 * do, keeps it for the test to look at, answers questions, and can "kill" the executor at any
 * call and go on with a new one from its checkpoint. Everything crosses as encoded records, so
 * the limits of the wire hold.
 */
#ifndef TESTS_LIB_FAKEPORT_H
#define TESTS_LIB_FAKEPORT_H

#include "base/list.h"
#include "exec/runner.h"
#include "provider/provider.h"

enum fake_kill {
    FAKE_KILL_BEFORE, /* the call that it dies at never arrives */
    FAKE_KILL_AFTER   /* it arrives, its acknowledgement does not */
};

enum fake_park {
    FAKE_PARK_NEVER, /* nobody hears of it: an answer is always about to come */
    FAKE_PARK_REFUSED,
    FAKE_PARK_TAKEN
};

struct fakeport {
    ag_port port; /* first */
    ag_loop *loop;
    argo_context *ctx;
    ag_http *http; /* NULL unless a test sets it; not owned */
    ag_runner *runner;
    ag_defer *defer;
    struct ag_list queue; /* calls that are not handled yet */
    bool listening;

    /* To be set by the test, before or while it runs. */
    const char *cwd;
    ag_value *env, *parameters;
    ag_value *answers; /* array: the next question gets the next one; owned */
    bool typed_ahead;  /* it is there when the question is asked; else it comes as a record */
    struct ag_ci *ci;  /* what every CI is */
    size_t kill_at;    /* the number of the call, from 1; 0: never */
    enum fake_kill kill_how;
    int refuse_next;    /* a code: the next completion is refused with it */
    int64_t started;    /* of the run, wall ms; 0: now */
    int64_t park_after; /* as in the checkpoint, and the next three as well; owned */
    int64_t paused_ms;
    bool paused;
    ag_value *config, *usage;
    bool old; /* it knows no end in a completion */
    enum fake_park parking;
    size_t output_queued; /* what the channel says of itself */
    void (*on_output)(struct fakeport *f, const struct ag_output_record *record);
    void (*on_start)(struct fakeport *f);    /* a start row has come, and is not acknowledged */
    void (*on_question)(struct fakeport *f); /* the reply to a question is on its way */

    /* What has happened. */
    size_t calls;     /* handled so far */
    char ci_name[64]; /* which CI was asked for last; empty: the default */
    char *definition;
    int64_t epoch, steps_done, consumed, seq;
    ag_value *variables;
    ag_value *rows;      /* array of {step, path, attempt, status, next_step, outputs, error...} */
    ag_value *records;   /* array of output records, those of a known client_key dropped */
    ag_value *questions; /* object by id: encoded questions */
    size_t asked;        /* how many of them there are */
    char *next_step, *decision;
    ag_value *flight, *attempts, *failure, *progress;
    ag_value *park;   /* the last request to be parked, or NULL */
    ag_value *finish; /* NULL until the end was reported */
    bool ended;       /* on_end was called, or it was killed, or cancelled */
    bool killed;
    int end_code; /* of on_end's error */
};

/* DEFINITION is JSON with ' instead of ". */
struct fakeport *fakeport_new(const char *definition);
/* The same from its steps, and TOP: what stands beside them, "'parameters':{...},". */
struct fakeport *fakeport_flow(const char *top, const char *steps);
void fakeport_free(struct fakeport *f);
/* A new executor: from the checkpoint to its end, or to where it is killed. */
void fakeport_run(struct fakeport *f);
/* The same in two parts. */
void fakeport_start(struct fakeport *f);
void fakeport_wait(struct fakeport *f);
/* Nothing is queued in the channel any more, as it tells the runner. */
void fakeport_drain(struct fakeport *f);
/* The only question gets the next answer, and no record tells of it yet. */
void fakeport_answer(struct fakeport *f);
/* Dispatches until N calls were handled. */
void fakeport_wait_calls(struct fakeport *f, size_t n);
/* A message to the run, as it comes by the poll; PAYLOAD is JSON with ' instead of ". */
void fakeport_send(struct fakeport *f, const char *type, const char *payload);
/* Cancels the runner and waits until that is done. */
void fakeport_cancel(struct fakeport *f);
void fakeport_kill(struct fakeport *f);

/* "a:done b:failed b@2:done b#2:skipped" */
char *fakeport_trace(const struct fakeport *f);
/* The texts of all records of KIND (NULL: all), joined. */
char *fakeport_output(const struct fakeport *f, const char *kind);
/* "done" or "failed", "" when there is no end. */
const char *fakeport_status(const struct fakeport *f);
/* A text of the error of the run: "code", "message". */
const char *fakeport_error(const struct fakeport *f, const char *key);

#define ck_trace(f, expected)                  \
    do {                                       \
        char *ck_trace_ = fakeport_trace(f);   \
        ck_assert_str_eq(ck_trace_, expected); \
        free(ck_trace_);                       \
    } while (0)
#define ck_output(f, kind, expected)                 \
    do {                                             \
        char *ck_output_ = fakeport_output(f, kind); \
        ck_assert_str_eq(ck_output_, expected);      \
        free(ck_output_);                            \
    } while (0)
/* EXPECTED is JSON with ' instead of "; a variable that is not set is null. */
void fakeport_expect(const struct fakeport *f, const char *variable, const char *expected);

/* JSON with ' instead of ". */
ag_value *fake_json(const char *text);

#endif
