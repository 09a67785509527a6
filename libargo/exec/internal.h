/*
 * The runner's inside: what runner.c, strand.c and visit.c share. Step types see step.h only.
 */
#ifndef AG_EXEC_INTERNAL_H
#define AG_EXEC_INTERNAL_H

#include "exec/step.h"

struct ag_runner {
    struct ag_runner_config config;
    char *run_nonce;
    ag_runner_end_fn on_end;
    void *user;
    struct ag_checkpoint checkpoint;
    ag_template *plan;
    struct ag_list strands;
    struct ag_list pending; /* replies that step types wait for */
    int64_t steps_done;
    bool told;    /* the end went along with the last completion */
    int64_t keys; /* client keys given out */
    size_t listeners;
    ag_wall *limit; /* limits.timeout; NULL: none */
    int64_t limit_at;
    bool held;          /* paused: no step begins */
    int64_t paused_ms;  /* of limits.timeout, as far as messages have told */
    ag_value *settings; /* what messages have set */
    int64_t park_after;
    enum argo_log_level log_level; /* before any setting */
    struct ag_usage used;          /* by the CI calls of the run */
    bool expired;                  /* it has passed: no attempt begins any more */
    ag_timer *park; /* until the run asks to be parked; armed while every strand waits */
    bool over;      /* nothing more is reported; on_end was or will not be called */
    void (*cancelled)(void *user);
    void *cancel_user;
    ag_defer *cancel_defer;
};

/* "EPOCH.N". NULL without memory. */
char *ag_runner_client_key(ag_runner *r);
/* Whether the end of the run goes along with a completion of S that leads to NEXT: in *OUT, whose
 * result is new. */
bool ag_runner_tells_end(ag_runner *r, const struct ag_strand *s, const char *next,
                         struct ag_finish *out);
/* A strand has come to its end, or a step of it has failed for good. */
void ag_runner_strand_over(ag_runner *r, struct ag_strand *s);
/* The port's last word: on_end, once. */
void ag_runner_lost(ag_runner *r, const argo_error *err);
void ag_runner_strand_stopped(ag_runner *r);
/* park.c: a strand begins or ceases to wait for a person. */
int ag_runner_park_new(ag_runner *r, argo_error **err);
void ag_runner_waiting_changed(ag_runner *r);
/* control.c */
int ag_runner_settle(ag_runner *r, argo_error **err); /* what the checkpoint says of all this */
void ag_runner_message(const struct ag_message *m, void *user);
/* Before a CI call, with MORE that the step has used itself: ARGO_E_QUOTA says which budget is used
 * up. */
int ag_runner_check_budget(const ag_runner *r, const ag_value *more, argo_error **err);
void ag_runner_arm_limit(ag_runner *r); /* (again), after a pause */
void ag_runner_drop_pending(ag_runner *r);

struct ag_strand *ag_strand_new(ag_runner *r, const char *prefix, argo_error **err);
void ag_strand_free(struct ag_strand *s);
/* Goes on from the checkpoint. */
void ag_strand_resume(struct ag_strand *s);
void ag_strand_input(struct ag_strand *s, const struct ag_stream_record *record);
void ag_strand_drained(struct ag_strand *s);
void ag_strand_timed_out(struct ag_strand *s);
/* The run's time is over: what is under way stops, and the run fails. */
void ag_strand_expire(struct ag_strand *s);
/* What is under way stops: while its phase is STOPPING ag_runner_strand_stopped follows. */
void ag_strand_cancel(struct ag_strand *s);

/* visit.c: fills in V for NAME, a step's first attempt; the verdict tells what to do. */
int ag_visit_plan(struct ag_strand *s, const char *name, struct ag_visit *v, argo_error **err);
/* One that was under way before, at a path that is known. */
int ag_visit_again(struct ag_strand *s, const char *name, const char *path, int64_t attempt,
                   int64_t failures, struct ag_visit *v, argo_error **err);
/* The start row of V, with the time that it waits for; false: it needs none. OUT is borrowed from V
 * but for `step` and `doing`, which are cleared. */
bool ag_visit_start_row(struct ag_strand *s, struct ag_visit *v, struct ag_step_start *out);
void ag_visit_start_row_clear(struct ag_step_start *start);
/* Builds the builtins (again). */
int ag_visit_describe(struct ag_strand *s, struct ag_visit *v, argo_error **err);
void ag_visit_clear(struct ag_visit *v);

/* {code, message, step, path} */
ag_value *ag_failure_value(const struct ag_visit *v, const char *word, const char *message);

/* report.c: the strand's completion. NEXT NULL: the run stays here (a retry). Takes ERROR. */
void ag_strand_report(struct ag_strand *s, int status, const char *next, ag_value *error);
void ag_strand_restore(struct ag_strand *s); /* variables as before the attempt */
void ag_strand_reset(struct ag_strand *s);   /* drops what the attempt brought */

/* flow.c */
void ag_strand_begin(struct ag_strand *s); /* begins the visit `now` */
void ag_strand_retry(struct ag_strand *s); /* begins its next attempt */
/* After an acknowledgement: to `next`, or over; STAY: to the next attempt. */
void ag_strand_advance(struct ag_strand *s, bool stay);

#endif
