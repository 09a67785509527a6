/*
 * Runs of workflows: start, look, wait, read and follow what they tell, give them input.
 *
 * Pausing, resuming and abandoning is in <argo/lifecycle.h>, answering in <argo/question.h>. All
 * calls are typed calls: HOW says whether they block, see struct argo_call_options.
 *
 * Texts of a snapshot belong to it and are valid until it is freed. They are never NULL, but empty
 * where there is none. JSON of a snapshot is NULL where there is none; LEN may be NULL. Times are
 * milliseconds since 1970 in UTC, 0 where there is none. Readers take NULL for the object and then
 * give what they give where there is none.
 *
 * Thread-safety: a snapshot belongs to one thread at a time, and so does a list with its elements.
 */
#ifndef ARGO_WORKFLOW_H
#define ARGO_WORKFLOW_H

#include <argo/client.h>

ARGO_BEGIN_DECLS

/* A run, a list of runs; an execution of a step, a list of them; a record of what a run tells, a
 * list of them. */
typedef struct argo_workflow argo_workflow;
typedef struct argo_workflows argo_workflows;
typedef struct argo_step argo_step;
typedef struct argo_steps argo_steps;
typedef struct argo_record argo_record;
typedef struct argo_records argo_records;

enum argo_workflow_state {
    ARGO_WORKFLOW_QUEUED = 0,
    ARGO_WORKFLOW_RUNNING = 1,
    ARGO_WORKFLOW_WAITING = 2, /* for an answer or a time */
    ARGO_WORKFLOW_PAUSED = 3,
    ARGO_WORKFLOW_STALLED = 4, /* its process has not been heard of */
    ARGO_WORKFLOW_DONE = 5,
    ARGO_WORKFLOW_FAILED = 6,
    ARGO_WORKFLOW_INTERRUPTED = 7, /* a question asks whether to repeat a step */
    ARGO_WORKFLOW_ABANDONED = 8
};

/* ---- start ------------------------------------------------------------------------------------ */

struct argo_workflow_start_options {
    size_t size;                 /* set by ARGO_WORKFLOW_START_OPTIONS_INIT */
    const char *template_name;   /* a template that the daemon finds; or */
    const char *definition;      /* the text of a template, YAML or JSON */
    size_t definition_len;       /* 0: up to its NUL */
    const char *definition_file; /* what messages call it; NULL: nothing */
    const char *workflow_id;     /* NULL: the template and the instance, "code_review_7" */
    const char *instance;        /* NULL: the next free number */
    const char *branch;          /* NULL: "main" */
    const char *environment;     /* NULL: "dev" */
    const char *parameters;      /* a JSON object; NULL: none */
    size_t parameters_len;       /* 0: up to its NUL */
    const char *cwd;             /* absolute: where the run works; NULL: the home */
    const char *const *env;  /* "NAME=VALUE", up to a NULL: PATH, HOME, USER, LOGNAME, SHELL, LANG,
                                   LC_*, TZ, TMPDIR, SSH_AUTH_SOCK; what is missing, and NULL: as
                                   the daemon has it */
    const char *session_id;  /* NULL: none */
    const char *request_key; /* the same start with the same key is made once, for as long as the
                                   run is kept; NULL: none */
    const char *default_provider; /* the CI that is asked when nothing else names any; NULL: none */
    const char *default_model;    /* and the model of CIs that name none; NULL: none */
};

#define ARGO_WORKFLOW_START_OPTIONS_INIT                                                         \
    {                                                                                            \
        sizeof(struct argo_workflow_start_options), NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, \
            NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL                                          \
    }

/* Starts a run; it succeeds when the run's executor has been started and that is committed. *OUT
 * (OUT may be NULL) is the run. Errors: ARGO_E_INVALID (also parameters, as problems),
 * ARGO_E_JSON, ARGO_E_ID, ARGO_E_NO_TEMPLATE, ARGO_E_TEMPLATE (with every problem of it),
 * ARGO_E_UNTRUSTED, ARGO_E_EXISTS (a run of this id has not ended), ARGO_E_KEY_REUSED,
 * ARGO_E_NO_SESSION, ARGO_E_SPAWN (the run stays, as failed), ARGO_E_SHUTDOWN. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_start(argo_client *client,
                                    const struct argo_workflow_start_options *options,
                                    const struct argo_call_options *how, argo_workflow **out,
                                    argo_error **err);

/* Checks the template that OPTIONS name, and starts nothing; only `template_name`, `definition`,
 * `definition_file` and `cwd` count. Errors: ARGO_E_INVALID, ARGO_E_NO_TEMPLATE, ARGO_E_TEMPLATE
 * (with every problem of it), ARGO_E_UNTRUSTED. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_validate(argo_client *client,
                                       const struct argo_workflow_start_options *options,
                                       const struct argo_call_options *how, argo_error **err);

/* ---- look ------------------------------------------------------------------------------------- */

/* The run ID. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_WORKFLOW. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_get(argo_client *client, const char *id,
                                  const struct argo_call_options *how, argo_workflow **out,
                                  argo_error **err);

/* Waits until the run ID has ended, at most WAIT_MS milliseconds (-1: without limit), in polls of
 * at most 10 minutes (30 s over TCP). *OUT (OUT may be NULL) is the run as it ended.
 * Errors: as argo_workflow_get; ARGO_E_TIMEOUT: it has not ended in time. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_wait(argo_client *client, const char *id, int64_t wait_ms,
                                   const struct argo_call_options *how, argo_workflow **out,
                                   argo_error **err);

struct argo_workflow_list_options {
    size_t size;               /* set by ARGO_WORKFLOW_LIST_OPTIONS_INIT */
    const char *state;         /* a state's name, or "all"; NULL: those that have not ended */
    const char *template_name; /* NULL: of any */
    const char *session_id;    /* NULL: of any, and of none */
    int64_t limit;             /* of a page, at most 1,000; 0: 100 */
    const char *cursor;        /* argo_workflows_next_cursor of the page before; NULL: the first */
};

#define ARGO_WORKFLOW_LIST_OPTIONS_INIT                                      \
    {                                                                        \
        sizeof(struct argo_workflow_list_options), NULL, NULL, NULL, 0, NULL \
    }

/* A page of runs, newest first; OPTIONS may be NULL. Of a run in a list there are only id, state,
 * pid, template, steps, step name and start. Errors: ARGO_E_INVALID. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_list(argo_client *client,
                                   const struct argo_workflow_list_options *options,
                                   const struct argo_call_options *how, argo_workflows **out,
                                   argo_error **err);

/* The runs of a page, each valid until the page is freed (NULL beyond the last), and where the next
 * page begins: NULL after the last one. argo_workflows_free takes NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_workflows_count(const argo_workflows *list);
ARGO_PUBLIC const argo_workflow *argo_workflows_at(const argo_workflows *list, size_t index);
ARGO_PUBLIC const char *argo_workflows_next_cursor(const argo_workflows *list);
ARGO_PUBLIC void argo_workflows_free(argo_workflows *list);

/* "running" for ARGO_WORKFLOW_RUNNING; "" for what is no state. Static. Since: 0.1 */
ARGO_PUBLIC const char *argo_workflow_state_name(int state);

/* What a run is, one of enum argo_workflow_state, and whether that is the end (done, failed or
 * abandoned). Since: 0.1 */
ARGO_PUBLIC int argo_workflow_state(const argo_workflow *workflow);
ARGO_PUBLIC bool argo_workflow_ended(const argo_workflow *workflow);

/* Texts of a run. Since: 0.1 */
ARGO_PUBLIC const char *argo_workflow_id(const argo_workflow *workflow);
ARGO_PUBLIC const char *argo_workflow_template(const argo_workflow *workflow);
ARGO_PUBLIC const char *argo_workflow_session_id(const argo_workflow *workflow);
ARGO_PUBLIC const char *argo_workflow_step_name(const argo_workflow *workflow);
ARGO_PUBLIC const char *argo_workflow_instance(const argo_workflow *workflow);
ARGO_PUBLIC const char *argo_workflow_branch(const argo_workflow *workflow);
ARGO_PUBLIC const char *argo_workflow_environment(const argo_workflow *workflow);
ARGO_PUBLIC const char *argo_workflow_cwd(const argo_workflow *workflow);

/* Numbers of a run: its process (0: none), the number of its last record, the step under way (from
 * 1; 0: none yet) of how many, executions of steps that have ended. Since: 0.1 */
ARGO_PUBLIC int64_t argo_workflow_pid(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_seq(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_current_step(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_total_steps(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_steps_done(const argo_workflow *workflow);

/* Times of a run: made, first launched, changed, ended, brought back (parked until then), paused.
 * Since: 0.1 */
ARGO_PUBLIC int64_t argo_workflow_created_ms(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_started_ms(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_updated_ms(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_ended_ms(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_wake_ms(const argo_workflow *workflow);
ARGO_PUBLIC int64_t argo_workflow_paused_ms(const argo_workflow *workflow);

/* JSON of a run: its parameters with their defaults; its result; why it failed, as an object with
 * `code` and `message`; the settings that messages have changed. Since: 0.1 */
ARGO_PUBLIC const char *argo_workflow_parameters(const argo_workflow *workflow, size_t *len);
ARGO_PUBLIC const char *argo_workflow_result(const argo_workflow *workflow, size_t *len);
ARGO_PUBLIC const char *argo_workflow_failure(const argo_workflow *workflow, size_t *len);
ARGO_PUBLIC const char *argo_workflow_config(const argo_workflow *workflow, size_t *len);

/* Frees a run that argo_workflow_start, _get or _wait has given; not one of a list. NULL is allowed.
 * Since: 0.1 */
ARGO_PUBLIC void argo_workflow_free(argo_workflow *workflow);

/* ---- steps ------------------------------------------------------------------------------------ */

enum argo_step_status {
    ARGO_STEP_STARTED = 0, /* under way */
    ARGO_STEP_DONE = 1,
    ARGO_STEP_FAILED = 2,
    ARGO_STEP_SKIPPED = 3
};

/* The executions of steps of the run ID so far, in their order. Errors: ARGO_E_INVALID, ARGO_E_ID,
 * ARGO_E_NO_WORKFLOW. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_steps(argo_client *client, const char *id,
                                    const struct argo_call_options *how, argo_steps **out,
                                    argo_error **err);

/* The executions, each valid until the list is freed (NULL beyond the last). argo_steps_free takes
 * NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_steps_count(const argo_steps *list);
ARGO_PUBLIC const argo_step *argo_steps_at(const argo_steps *list, size_t index);
ARGO_PUBLIC void argo_steps_free(argo_steps *list);

/* An execution: the step's name, its path ("fix#3" for the third visit), the attempt (from 1), what
 * became of it (enum argo_step_status), and the step that it led to. Since: 0.1 */
ARGO_PUBLIC const char *argo_step_name(const argo_step *step);
ARGO_PUBLIC const char *argo_step_path(const argo_step *step);
ARGO_PUBLIC int64_t argo_step_attempt(const argo_step *step);
ARGO_PUBLIC int argo_step_status(const argo_step *step);
ARGO_PUBLIC const char *argo_step_next(const argo_step *step);

/* Its times: begun (only of steps with effects outside), ended, waited for. Since: 0.1 */
ARGO_PUBLIC int64_t argo_step_started_ms(const argo_step *step);
ARGO_PUBLIC int64_t argo_step_ended_ms(const argo_step *step);
ARGO_PUBLIC int64_t argo_step_until_ms(const argo_step *step);

/* Its JSON: what it gave, what model calls have used (`input_tokens`, `output_tokens`, `cost_usd`),
 * why it failed. Since: 0.1 */
ARGO_PUBLIC const char *argo_step_outputs(const argo_step *step, size_t *len);
ARGO_PUBLIC const char *argo_step_usage(const argo_step *step, size_t *len);
ARGO_PUBLIC const char *argo_step_failure(const argo_step *step, size_t *len);

/* ---- what a run tells ------------------------------------------------------------------------- */

/* Output, input and events of a run share one sequence of numbers: a place in one is valid in the
 * others. Reading takes nothing away. */
enum argo_stream { ARGO_STREAM_OUTPUT = 0, ARGO_STREAM_INPUT = 1, ARGO_STREAM_EVENT = 2 };

/* Reads records of the output of the run ID, or of all that it tells, at most 10,000; there may be
 * none. OPTIONS may be NULL. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_WORKFLOW, ARGO_E_WAITERS. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_output(argo_client *client, const char *id,
                                     const struct argo_read_options *options,
                                     const struct argo_call_options *how, argo_records **out,
                                     argo_error **err);
ARGO_PUBLIC int argo_workflow_events(argo_client *client, const char *id,
                                     const struct argo_read_options *options,
                                     const struct argo_call_options *how, argo_records **out,
                                     argo_error **err);

/* The records that were read, each valid until the list is freed (NULL beyond the last).
 * argo_records_next_after is where to go on; argo_records_ended tells that the run has ended and
 * that there is no more. argo_records_free takes NULL. Since: 0.1 */
ARGO_PUBLIC size_t argo_records_count(const argo_records *list);
ARGO_PUBLIC const argo_record *argo_records_at(const argo_records *list, size_t index);
ARGO_PUBLIC int64_t argo_records_next_after(const argo_records *list);
ARGO_PUBLIC bool argo_records_ended(const argo_records *list);
ARGO_PUBLIC void argo_records_free(argo_records *list);

/* A record that is followed, borrowed and valid during the call. 0: go on; anything else: enough.
 * May start, cancel and free anything, the client included; may not block on this client. */
typedef int (*argo_record_fn)(void *user, const argo_record *record);

/* What argo_workflow_follow returns when its callback had enough. */
#define ARGO_FOLLOW_STOPPED 1

/* Calls FN for each record of the run ID after the number AFTER (0: all), in their order and as they
 * come, until the run has ended: none is left out, none comes twice. `retry_ms` of HOW lets it
 * outlive the daemon's absence, each time anew. 0: the run has ended; ARGO_FOLLOW_STOPPED.
 * Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NO_WORKFLOW, ARGO_E_WAITERS. Since: 0.1 */
ARGO_PUBLIC int argo_workflow_follow(argo_client *client, const char *id, int64_t after,
                                     argo_record_fn fn, void *user,
                                     const struct argo_call_options *how, argo_error **err);

/* A record: its number, its stream (enum argo_stream), when it was made; its kind ("stdout",
 * "prompt", "state"... as docs/rest-api.md lists them), its text, the path of its step, the question
 * that it belongs to. Since: 0.1 */
ARGO_PUBLIC int64_t argo_record_seq(const argo_record *record);
ARGO_PUBLIC int argo_record_stream(const argo_record *record);
ARGO_PUBLIC int64_t argo_record_at_ms(const argo_record *record);
ARGO_PUBLIC const char *argo_record_kind(const argo_record *record);
ARGO_PUBLIC const char *argo_record_text(const argo_record *record);
ARGO_PUBLIC const char *argo_record_path(const argo_record *record);
ARGO_PUBLIC const char *argo_record_question_id(const argo_record *record);

/* JSON of a record: the answer of an input, the details of an event. Since: 0.1 */
ARGO_PUBLIC const char *argo_record_answer(const argo_record *record, size_t *len);
ARGO_PUBLIC const char *argo_record_data(const argo_record *record, size_t *len);

/* Gives the run ID a line of input, at most 64 KiB: it answers the open question, if that takes a
 * line, or is kept for the next. It succeeds when that is committed. Errors: ARGO_E_INVALID,
 * ARGO_E_ID, ARGO_E_NO_WORKFLOW, ARGO_E_STATE (the run has ended; or the question needs its id),
 * ARGO_E_ANSWER (the details say what was expected; the question stays open), ARGO_E_QUOTA.
 * Since: 0.1 */
ARGO_PUBLIC int argo_workflow_input(argo_client *client, const char *id, const char *text,
                                    const struct argo_call_options *how, argo_error **err);

ARGO_END_DECLS

#endif
