/*
 * The vocabulary: every record that crosses the wire or goes into the store. This file, records.c
 * and replies.c are the only owners of key names and of their limits.
 *
 * Strings and values in a record are owned by it; ag_record_clear(&ag_X_record, &x) frees them.
 * Times are milliseconds since the epoch, 0 when unknown.
 */
#ifndef AG_WIRE_RECORDS_H
#define AG_WIRE_RECORDS_H

#include "wire/field.h"

/* Limits of the contract, in bytes unless named otherwise. */
enum {
    AG_MAX_BODY = 1024 * 1024,
    AG_MAX_VALUE = 256 * 1024,
    AG_MAX_VARIABLES = 8 * 1024 * 1024,
    AG_MAX_TEXT = 64 * 1024, /* a line of input, a message's payload, a prompt */
    AG_MAX_NAME = 64,        /* ids */
    AG_MAX_LABEL = 256,      /* step names, models, roles, versions */
    AG_MAX_PATH = 1024,      /* the path of a step's execution */
    AG_MAX_FILE = 4096,      /* file names, URLs */
    AG_MAX_RECORDS = 1000    /* output records in one request */
};

/* ---- runs ---------------------------------------------------------------------------------- */

enum ag_run_state {
    AG_RUN_QUEUED,
    AG_RUN_RUNNING,
    AG_RUN_WAITING,
    AG_RUN_PAUSED,
    AG_RUN_STALLED,
    AG_RUN_DONE,
    AG_RUN_FAILED,
    AG_RUN_INTERRUPTED,
    AG_RUN_ABANDONED
};

#define AG_RUN_STATES (AG_RUN_ABANDONED + 1)

extern const char *const ag_run_state_words[]; /* NULL-terminated, by enum */

static inline bool ag_run_state_ended(int state)
{
    return state == AG_RUN_DONE || state == AG_RUN_FAILED || state == AG_RUN_ABANDONED;
}

/* A run's row: what changes while it runs. What does not is in ag_run_spec. */
struct ag_run {
    int64_t rid; /* the store's number; files are named by it; never reused */
    char *workflow_id;
    int state;           /* enum ag_run_state */
    int beneath;         /* the state beneath `paused` */
    char *template_name; /* "template" */
    char *session_id;
    int64_t pid;       /* 0 while no process exists */
    int64_t pid_start; /* its start time in clock ticks since boot */
    char *boot_id;
    int64_t epoch;                     /* grows with each spawn */
    int64_t seq;                       /* the last number given out in this run's streams */
    int64_t current_step, total_steps; /* 1-based; 0 before the first */
    char *step_name;
    char *next_step;      /* where the next step/complete has put the run; NULL: first; "EXIT" */
    int64_t steps_done;   /* completed executions, against limits.max_steps */
    char *flight_path;    /* the step under way that has a start row, or NULL */
    int64_t deaths;       /* executor deaths in flight_path (or at next_step) since it last moved */
    char *decision;       /* for an interrupted step: "repeat", "skip", "fail"; NULL: none yet */
    int64_t consumed_seq; /* the last input record that a completed step has used up */
    int64_t cursor_output; /* the default cursors of clients that pass no `after` */
    int64_t cursor_input;
    int64_t created, started, updated, ended;
    ag_value *result;
    ag_value *error;      /* {code,message,...} of a failed run */
    int64_t wake_at;      /* parked until then; 0: no time brings it back */
    int64_t paused_at;    /* since when it is paused; 0: it is not */
    int64_t paused_ms;    /* how long the pauses before that lasted together */
    int64_t trimmed_seq;  /* output up to here has gone to the run's log */
    int64_t output_bytes; /* of the output that is still in the store */
    ag_value *config;     /* what `update_config` messages have set, or NULL */
    int64_t lines_seq;    /* the last line typed ahead that a question has used up */
    int64_t message_seq;  /* the last message that an executor has received */
};
extern const struct ag_record ag_run_record;        /* the full resource, `data` of status */
extern const struct ag_record ag_run_status_record; /* the flat fields beside the whole */
extern const struct ag_record ag_run_item_record;   /* what a list says of one */

struct ag_run_spec {
    char *request_key;
    char *request_hash;
    char *instance, *branch, *environment;
    ag_value *parameters; /* resolved: defaults filled in */
    char *cwd;
    ag_value *env;         /* {NAME: text} */
    char *definition;      /* the pinned text, JSON or YAML as it was written */
    char *definition_file; /* for messages */
    char *definition_hash;
    char *default_provider, *default_model; /* of CI steps for which nothing else names any */
    char *nonce; /* ARGO_RUN_NONCE in the environment of all of the run's processes */
};
extern const struct ag_record ag_run_spec_record; /* without nonce, hash and request hash */

/* POST /api/workflow/start. `definition` is the text of a template, or an object. */
struct ag_start_request {
    char *template_name, *instance, *workflow_id, *branch, *environment;
    ag_value *parameters;
    char *session_id, *request_key, *cwd;
    ag_value *env;
    ag_value *definition;
    char *definition_file; /* "definition_file": the name to use in messages */
    char *default_provider, *default_model;
};
extern const struct ag_record ag_start_request_record;

/* POST trust. */
struct ag_trust_request {
    char *path, *sha256;
};
extern const struct ag_record ag_trust_request_record;

/* ---- steps --------------------------------------------------------------------------------- */

enum ag_step_status { AG_STEP_STARTED, AG_STEP_DONE, AG_STEP_FAILED, AG_STEP_SKIPPED };

extern const char *const ag_step_status_words[];

struct ag_step_row {
    char *step, *path;
    int64_t attempt; /* from 1 */
    int status;
    bool repeat_never; /* "repeat_never": what its template says of a death in mid-flight */
    int64_t epoch;
    int64_t started, ended;
    int64_t until; /* the time that the step waits for; 0: none */
    char *next_step;
    ag_value *outputs, *usage, *error;
};
extern const struct ag_record ag_step_row_record;

struct ag_progress {
    int64_t current_step, total_steps;
    char *step_name;
};
extern const struct ag_record ag_progress_record;

struct ag_step_start {
    char *step, *path;
    int64_t attempt;
    bool repeat_never;
    int64_t until;                     /* the time that the step waits for; 0: none */
    int64_t current_step, total_steps; /* where it is; 0: not said */
    char *doing;                       /* for people: "asking gpt"; or NULL */
};
extern const struct ag_record ag_step_start_record;

/* One record of output as an executor sends it. */
struct ag_output_record {
    char *kind; /* text | stdout | stderr | ci | prompt | notice | error */
    char *text;
    char *path;
    char *client_key; /* unique in the run: a repeated one is dropped */
};
extern const struct ag_record ag_output_record_record;

/* The end of a run: the payload of the message `workflow_complete`, or with the last completion. */
struct ag_finish {
    int status; /* 0 done, 1 failed */
    ag_value *result, *error;
};
extern const struct ag_record ag_finish_record;

struct ag_step_complete {
    char *step, *path;
    int64_t attempt;
    int status; /* done | failed | skipped */
    ag_value *outputs;
    ag_value *variables; /* {top-level name: its whole new value} */
    bool secret;         /* there are secrets in them, and from now on they are kept as such */
    char *next_step;     /* a step's name or "EXIT"; NULL: the run stays at this step (a retry) */
    int64_t consumed_input_seq;
    ag_value *usage, *error;
    struct ag_list_of records;  /* struct ag_output_record */
    struct ag_list_of progress; /* 0 or 1 struct ag_progress (an object on the wire) */
    struct ag_list_of start;    /* 0 or 1 struct ag_step_start (an object on the wire) */
    struct ag_list_of end;      /* 0 or 1 struct ag_finish (an object on the wire) */
};
extern const struct ag_record ag_step_complete_record;

struct ag_step_output {
    char *step, *path, *text, *client_key;
};
extern const struct ag_record ag_step_output_record;

/* What an executor goes on with: GET .../checkpoint. */
struct ag_checkpoint {
    char *workflow_id, *instance, *branch, *environment, *session_id;
    int64_t epoch;
    char *definition, *definition_file;
    char *template_name;
    char *default_provider, *default_model;
    ag_value *parameters, *variables;
    char *cwd;
    ag_value *env;
    char *next_step; /* NULL: the first step; "EXIT": only workflow_complete is missing */
    char *flight_step, *flight_path; /* started, not completed: see decision */
    int64_t flight_attempt;
    int64_t flight_until; /* the time that it waits for: the attempt goes on; 0: none */
    char *decision;       /* "repeat", "skip" or "fail" for the step in flight */
    ag_value *visits;     /* {step: how often it has been entered, the one in flight included} */
    ag_value *attempts;   /* {"path","attempt"} of the last failed attempt at next_step, or NULL */
    ag_value *failure;    /* at "EXIT": the error of the step that failed for good, or NULL */
    int64_t steps_done;
    int64_t started; /* when the run's first executor was started; limits.timeout counts from it */
    int64_t consumed_input_seq;
    int64_t park_after;     /* ms that an executor waits for an answer before it asks to park */
    int64_t paused_ms;      /* of limits.timeout, which does not run while the run is paused */
    bool paused;            /* nothing begins before a message `resume` */
    ag_value *config;       /* what `update_config` messages have set, or NULL */
    int64_t messages_after; /* messages up to here are not for this executor */
    int64_t poll;           /* ms that a poll lasts: it is heard of more often than it must */
    ag_value *usage;        /* the sum over the steps: {input_tokens, output_tokens, cost_usd} */
    bool ends;              /* the last completion may carry the end of the run */
};
extern const struct ag_record ag_checkpoint_record;

/* POST .../park: the questions that the whole run waits for. */
struct ag_park {
    int64_t until;          /* a time that brings the run back as well; 0: none */
    ag_value *question_ids; /* array of text; may be empty when there is a time */
};
extern const struct ag_record ag_park_record;

/* ---- streams ------------------------------------------------------------------------------- */

enum ag_stream { AG_STREAM_OUTPUT, AG_STREAM_INPUT, AG_STREAM_EVENT };

extern const char *const ag_stream_words[];

/* A row of a run's one sequence. Input records have kind `line` (typed ahead) or `answer`. An
 * output record of kind `gap` stands for all output before it. */
struct ag_stream_record {
    int64_t seq;
    int stream; /* on the wire in ag_event_record only */
    char *kind, *text, *path;
    int64_t at;
    char *client_key;  /* not on the wire */
    char *question_id; /* of a prompt or an answer */
    ag_value *answer;  /* of an answer, unless the question is secret */
    ag_value *data;    /* of an event or a gap */
};
extern const struct ag_record ag_stream_record_record; /* in a view of one stream */
extern const struct ag_record ag_event_record;         /* of all: with `stream` */

/* POST /api/workflow/output: `output` or `records`. */
struct ag_output_request {
    char *output;
    struct ag_list_of records; /* struct ag_output_record */
};
extern const struct ag_record ag_output_request_record;

/* POST /api/workflow/input. */
struct ag_input_request {
    char *input;
    char *question_id;
    ag_value *answer;
    char *client_key;
};
extern const struct ag_record ag_input_request_record;

/* ---- questions ----------------------------------------------------------------------------- */

enum ag_question_kind {
    AG_QUESTION_TEXT,
    AG_QUESTION_CHOICE,
    AG_QUESTION_CONFIRM,
    AG_QUESTION_FORM,
    AG_QUESTION_PERMISSION
};

extern const char *const ag_question_kind_words[];

enum ag_question_state {
    AG_QUESTION_OPEN,
    AG_QUESTION_ANSWERED,
    AG_QUESTION_EXPIRED,
    AG_QUESTION_CANCELLED
};

extern const char *const ag_question_state_words[];

struct ag_question {
    char *question_id;
    char *workflow_id; /* filled from the run when it is shown */
    char *path;
    int kind;
    char *prompt;
    ag_value *schema;
    ag_value *choices; /* array of {"label","value"}: an answer is a value, label or number */
    bool multiple;     /* "multiple": a choice of several */
    ag_value *default_answer; /* "default" */
    int64_t deadline;
    char *on_deadline; /* "default" or "fail" */
    bool secret;
    int state;
    ag_value *answer; /* never shown for a secret one */
    char *answered_by, *answered_via;
    int64_t asked, answered;
    int64_t answer_seq; /* the input record that carries the answer */
    ag_value *usage;    /* of the CI that has worded it, or NULL */
    bool lookup;        /* only if it has been asked before; not stored */
};
extern const struct ag_record ag_question_record;

/* ---- CIs ----------------------------------------------------------------------------------- */

struct ag_ci {
    char *name, *provider, *model;
    int64_t port;
    char *socket_path, *role, *status;
    int64_t last_heartbeat;
    char *base_url;         /* "base_url": of an OpenAI-compatible server */
    char *recording;        /* "recording": directory of a replay CI */
    char *upstream;         /* "upstream": the CI whose exchanges a replay CI records; NULL: play */
    ag_value *command;      /* argv of a CLI */
    ag_value *capabilities; /* array of text */
    char *session_id;
    char *task;     /* what it says that it works on, or NULL */
    int64_t unread; /* messages to it that it has not received */
    /* Not on the wire: */
    int64_t removed; /* when; 0: it is registered. A name keeps its numbers: */
    int64_t history_seq, message_seq;
};
extern const struct ag_record ag_ci_record;
extern const struct ag_record ag_ci_request_record; /* what it takes to register one */
extern const struct ag_record ag_ci_mirror_record;  /* in registry/ci_registry.json */

/* The words of `status`: registered, and what a heartbeat may say. */
extern const char *const ag_ci_status_words[];

/* POST .../heartbeat. */
struct ag_ci_heartbeat {
    char *status; /* NULL: it lives */
    char *task;   /* NULL: as before; "": none */
};
extern const struct ag_record ag_ci_heartbeat_record;

/* What has happened to a CI, and how it was then. */
struct ag_ci_event {
    int64_t seq;
    char *kind; /* registered | status | silence | task | session | removed */
    char *status, *task, *session_id;
    int64_t messages; /* that had been sent to it */
    int64_t at;
};
extern const struct ag_record ag_ci_event_record;

/* ---- sessions ------------------------------------------------------------------------------ */

struct ag_session {
    char *session_id;
    ag_value *workflows; /* array of the ids of its runs that have not ended */
    int64_t created;
    ag_value *cis; /* array of the names of its CIs */
    char *description;
};
extern const struct ag_record ag_session_record;

/* What has become of one run of a session that was paused or resumed: an action, or an error. */
struct ag_acted {
    char *workflow_id, *action;
    ag_value *error;
};
extern const struct ag_record ag_acted_record;

/* A run that has not ended, as it is seen in passing. */
struct ag_active_run {
    char *workflow_id, *template_name;
    int64_t pid;
    char *status;
    int64_t current_step, started;
    char *session_id; /* not on the wire */
};
extern const struct ag_record ag_active_run_record;
void ag_active_run_clear(struct ag_active_run *run);

/* ---- messages ------------------------------------------------------------------------------ */

struct ag_message {
    char *id, *type;
    ag_value *payload;
    int64_t timestamp;
    int64_t seq;
    char *from; /* who has sent it; of a message to a CI only */
};
extern const struct ag_record ag_message_record;    /* to a run */
extern const struct ag_record ag_ci_message_record; /* to a CI */

/* The payload of the message `update_config`, and what comes of it; each may be missing. */
struct ag_run_config {
    int log_level;      /* enum argo_log_level */
    int64_t park_after; /* ms */
    int64_t budget_tokens;
    double budget_usd;
};
extern const struct ag_record ag_run_config_record;

/* Where counts of `usage` end, so that two of them can be added. */
#define AG_MAX_USED (INT64_MAX / 2)

/* What model calls have cost: `usage` of a step, or the sum over several. */
struct ag_usage {
    int64_t input_tokens, output_tokens;
    double cost_usd;
    int64_t unpriced; /* calls whose cost nobody knows */
};
extern const struct ag_record ag_usage_record;

/* Adds the usage of one step, or a sum; NULL is none, as is what cannot be one. */
void ag_usage_add(struct ag_usage *sum, const ag_value *usage);

/* The payload of the message `error`. */
struct ag_error_report {
    char *code, *message;
    bool fatal;
};
extern const struct ag_record ag_error_report_record;

/* ---- templates ----------------------------------------------------------------------------- */

/* What GET /api/template says of one. */
struct ag_template_info {
    char *name, *path;
    bool valid;
    char *description;
    int64_t steps;
    ag_value *parameters;
    char *trust, *shadows;
    char *definition; /* not in a list */
};
extern const struct ag_record ag_template_info_record;

/* ---- the daemon itself, and lists ---------------------------------------------------------- */

/* GET /api/health, as the owner sees it. */
struct ag_health {
    char *service, *version;
    int64_t pid;
    int64_t uptime; /* ms */
    char *store;    /* "ok" or "failing" */
    int64_t workflows, executors, open_questions, port;
};
extern const struct ag_record ag_health_record;

/* GET /api/version. */
struct ag_build {
    char *version, *binary_sha256, *disk_sha256;
    bool update_available;
    int64_t api_version, pid;
};
extern const struct ag_record ag_build_record;

/* POST /api/daemon/shutdown. */
struct ag_shutdown {
    int64_t grace; /* ms */
    bool abandon;
};
extern const struct ag_record ag_shutdown_record;

/* `data` of a list, and of a view of a run's sequence. */
struct ag_page {
    int64_t count;
    char *next_cursor;
    ag_value *records; /* of a view of one stream */
    int64_t next_after;
    bool ended;
};
extern const struct ag_record ag_page_record;

/* Records with members that never cross the wire are freed by these, not by ag_record_clear. */
void ag_run_clear(struct ag_run *run);
void ag_run_spec_clear(struct ag_run_spec *spec);
void ag_stream_record_clear(struct ag_stream_record *record);

#endif
