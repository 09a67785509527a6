/*
 * Between the runner and the step types: the row of a type, the strand that runs it, and what a
 * type may ask of its strand. A step type never talks to the port or to the runner by itself.
 */
#ifndef AG_EXEC_STEP_H
#define AG_EXEC_STEP_H

#include "base/list.h"
#include "exec/runner.h"
#include "template/template.h"

struct ag_strand;
struct ag_visit;

/* A step type. `start` must lead to one of ag_strand_done and ag_strand_fail, now or later; the
 * state is gone when that returns. `cancel` must lead to ag_strand_stopped (NULL: at once), and
 * neither of the other two afterwards. `free` drops what is held, also of a step under way. */
struct ag_step_ops {
    const char *name;
    bool start_row;    /* it is recorded as started before it begins */
    size_t state_size; /* zeroed before start */
    void (*start)(struct ag_strand *s, void *state);
    void (*input)(struct ag_strand *s, void *state, const struct ag_stream_record *record);
    void (*drained)(struct ag_strand *s, void *state);
    /* The time that the step will wait for, in ms; 0: it cannot be told, `start` says why. It is
     * fixed with the start row, and the step goes on to it whatever dies. NULL: for none. */
    int64_t (*until)(struct ag_strand *s, const struct ag_visit *v);
    /* With the start row, for those who watch: "asking gpt". The caller's; NULL: nothing to say.
     * No variable's value but a name may be in it. */
    char *(*doing)(struct ag_strand *s, const struct ag_visit *v);
    void (*cancel)(struct ag_strand *s, void *state);
    void (*free)(void *state);
};

extern const struct ag_step_ops ag_step_display, ag_step_command, ag_step_set, ag_step_decide,
    ag_step_read_file, ag_step_save_file, ag_step_ci_ask, ag_step_ci_analyze, ag_step_ci_present,
    ag_step_user_ask, ag_step_user_choose, ag_step_wait, ag_step_approve, ag_step_form,
    ag_step_fail;

extern const struct ag_step_ops *const ag_step_rows[];
extern const size_t ag_step_rows_count;
const struct ag_step_ops *ag_step_ops_find(const char *name);

/* The words of failures, as `retry.on` and error objects spell them. */
#define AG_FAIL_TIMEOUT        "timeout"
#define AG_FAIL_EXIT_CODE      "exit_code"
#define AG_FAIL_SPAWN          "spawn"
#define AG_FAIL_CI             "ci"
#define AG_FAIL_IO             "io"
#define AG_FAIL_INPUT          "input"
#define AG_FAIL_TEMPLATE       "template"
#define AG_FAIL_MAX_ITERATIONS "max_iterations"
#define AG_FAIL_MAX_STEPS      "max_steps"
#define AG_FAIL_INTERRUPTED    "interrupted"
#define AG_FAIL_BUDGET         "budget"
#define AG_FAIL_FAIL           "fail"

/* An execution of a step: which, where, and what is known of it before it begins. */
struct ag_visit {
    const struct ag_plan_step *step;
    char *path;
    int64_t attempt;  /* from 1 */
    int64_t failures; /* attempts of this path that failed */
    ag_value *builtins;

    enum { AG_VISIT_RUN, AG_VISIT_SKIP, AG_VISIT_REFUSE } verdict;

    const char *word; /* of a refusal */
    char *why;
    bool started;  /* its start row is there */
    int64_t until; /* the time that it waits for, as the start row has it; 0: none */
};

enum ag_phase {
    AG_PHASE_IDLE,
    AG_PHASE_HELD,      /* the run is paused */
    AG_PHASE_STARTING,  /* the start row is on its way */
    AG_PHASE_RUNNING,   /* the step type is at work */
    AG_PHASE_STOPPING,  /* it was told to stop */
    AG_PHASE_REPORTING, /* the completion is on its way */
    AG_PHASE_DELAY,     /* before a retry */
    AG_PHASE_OVER
};

/* One line of execution, with its own variables and its own place. */
struct ag_strand {
    struct ag_list node;
    ag_runner *runner;
    char *prefix; /* of its paths: "" or ending in '/' */
    ag_value *variables;
    ag_value *before; /* the variables until the completion is acknowledged, if it changes some */
    ag_value *visits; /* {step: how often it was entered} */
    struct ag_visit now, next;
    enum ag_phase phase;
    uint64_t generation; /* grows with each attempt, so that late replies are known */
    const struct ag_step_ops *ops;
    void *state;
    ag_timer *delay;                   /* before a retry */
    ag_timer *deadline;                /* of the attempt */
    int64_t delay_left, deadline_left; /* of the two while the run is held; -1: not armed */
    bool refused;                      /* the daemon has refused this completion once */
    bool listening;
    char *asked; /* the question that this attempt waits for */
    /* What the attempt brings, see the functions below. */
    ag_value *changed, *outputs, *usage;
    bool secret; /* there are secrets in `changed` */
    int64_t consumed_seq;
    char *go_to;
    struct ag_output_record *records;
    size_t n_records;
    ag_value *failure; /* after AG_PHASE_OVER: why, NULL: it came to its end */
};

/* ---- what a step type may ask of its strand -------------------------------------------------- */

argo_context *ag_strand_context(const struct ag_strand *s);
ag_loop *ag_strand_loop(const struct ag_strand *s);
const struct ag_runner_config *ag_strand_config(const struct ag_strand *s);
const ag_template *ag_strand_template(const struct ag_strand *s);
const struct ag_checkpoint *ag_strand_checkpoint(const struct ag_strand *s);

/* A field as it is written, or NULL. */
const ag_value *ag_strand_field(const struct ag_strand *s, const char *key);
struct ag_scope ag_strand_scope(const struct ag_strand *s);
/* A text field with its {{...}} replaced; *OUT is NULL when it is absent. */
int ag_strand_text(const struct ag_strand *s, const char *key, char **out, argo_error **err);
int ag_strand_value(const struct ag_strand *s, const char *key, ag_value **out, argo_error **err);
/* Sets a variable by path when the step is done; takes VALUE. PATH NULL: drops it. */
int ag_strand_save(struct ag_strand *s, const char *path, ag_value *value, argo_error **err);
/* The same to the path that field KEY names, if there is one. */
int ag_strand_save_to(struct ag_strand *s, const char *key, ag_value *value, argo_error **err);
void ag_strand_set_output(struct ag_strand *s, const char *key, ag_value *value); /* takes VALUE */
void ag_strand_set_usage(struct ag_strand *s, const ag_value *usage);
void ag_strand_consumed(struct ag_strand *s, int64_t seq);
/* A step's name instead of the plan's next; TARGET is text, an integer or NULL (no change). */
void ag_strand_go_to(struct ag_strand *s, const ag_value *target);
/* Output now; true when there is too much of it: stop reading until `drained`. */
bool ag_strand_output(struct ag_strand *s, const char *kind, const char *text);
/* Output that belongs to the completion: it appears once, whatever dies when. */
void ag_strand_record(struct ag_strand *s, const char *kind, const char *text);
void ag_strand_listen(struct ag_strand *s, bool wanted);
/* FN is called while this attempt is under way, or never. */
void ag_strand_question(struct ag_strand *s, const struct ag_question *q,
                        void (*fn)(struct ag_strand *s, void *state, const struct ag_question *q,
                                   const argo_error *err));
void ag_strand_ci(struct ag_strand *s, const char *name,
                  void (*fn)(struct ag_strand *s, void *state, const struct ag_ci *ci,
                             const struct ag_ci *upstream, const argo_error *err));

void ag_strand_done(struct ag_strand *s);
void ag_strand_fail(struct ag_strand *s, const char *word, const char *format, ...)
    ARGO_PRINTF(3, 4);
/* The same with an error's text. */
void ag_strand_fail_error(struct ag_strand *s, const char *word, const argo_error *err);
/* The run fails here, whatever `retry` and `on_error` say. */
void ag_strand_fail_run(struct ag_strand *s, const char *word, const char *why);
void ag_strand_stopped(struct ag_strand *s);

#endif
