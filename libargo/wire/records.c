/*
 * The field tables of records.h: key names, types and limits, in the contract's order.
 * What runs is in field.c.
 */
#include "wire/records.h"

#include "wire/table.h"

const char *const ag_run_state_words[] = {"queued",    "running", "waiting", "paused",
                                          "stalled",   "done",    "failed",  "interrupted",
                                          "abandoned", NULL};
const char *const ag_step_status_words[] = {"started", "done", "failed", "skipped", NULL};
const char *const ag_question_kind_words[] = {"text", "choice",     "confirm",
                                              "form", "permission", NULL};
const char *const ag_question_state_words[] = {"open", "answered", "expired", "cancelled", NULL};
const char *const ag_stream_words[] = {"output", "input", "event", NULL};
const char *const ag_ci_status_words[] = {"registered", "running", "idle", "busy",
                                          "error",      "stopped", NULL};
static const char *const finish_words[] = {"done", "failed", NULL};
static const char *const log_level_words[] = {"error", "warning", "info", "debug", NULL};

static const struct ag_field run_fields[] = {
    ID(struct ag_run, "workflow_id", workflow_id, 0),
    INT(struct ag_run, "pid", pid, 0, COUNT_MAX, 0),
    ENUM(struct ag_run, "state", state, ag_run_state_words, 0),
    TEXT(struct ag_run, "template", template_name, AG_MAX_NAME, 0),
    ID(struct ag_run, "session_id", session_id, AG_OMIT_EMPTY),
    INT(struct ag_run, "epoch", epoch, 0, COUNT_MAX, 0),
    INT(struct ag_run, "seq", seq, 0, COUNT_MAX, 0),
    INT(struct ag_run, "current_step", current_step, 0, COUNT_MAX, 0),
    INT(struct ag_run, "total_steps", total_steps, 0, COUNT_MAX, 0),
    TEXT(struct ag_run, "step_name", step_name, AG_MAX_LABEL, 0),
    INT(struct ag_run, "steps_done", steps_done, 0, COUNT_MAX, 0),
    INT(struct ag_run, "deaths", deaths, 0, COUNT_MAX, 0),
    TIME(struct ag_run, "created", created, AG_OMIT_EMPTY),
    TIME(struct ag_run, "started", started, AG_OMIT_EMPTY),
    TIME(struct ag_run, "updated", updated, AG_OMIT_EMPTY),
    TIME(struct ag_run, "ended", ended, AG_OMIT_EMPTY),
    TIME(struct ag_run, "wake_at", wake_at, AG_OMIT_EMPTY),
    TIME(struct ag_run, "paused_at", paused_at, AG_OMIT_EMPTY),
    VALUE(struct ag_run, "config", config, AG_OMIT_EMPTY),
    VALUE(struct ag_run, "result", result, AG_OMIT_EMPTY),
    VALUE(struct ag_run, "error", error, AG_OMIT_EMPTY),
};
RECORD(ag_run_record, "workflow", struct ag_run, run_fields);

static const struct ag_field run_status_fields[] = {
    ID(struct ag_run, "workflow_id", workflow_id, 0),
    ENUM(struct ag_run, "status", state, ag_run_state_words, 0),
    INT(struct ag_run, "pid", pid, 0, COUNT_MAX, 0),
    TEXT(struct ag_run, "template", template_name, AG_MAX_NAME, 0),
};
RECORD(ag_run_status_record, "workflow", struct ag_run, run_status_fields);

static const struct ag_field run_item_fields[] = {
    ID(struct ag_run, "workflow_id", workflow_id, 0),
    ENUM(struct ag_run, "status", state, ag_run_state_words, 0),
    INT(struct ag_run, "pid", pid, 0, COUNT_MAX, 0),
    TEXT(struct ag_run, "template", template_name, AG_MAX_NAME, 0),
    INT(struct ag_run, "current_step", current_step, 0, COUNT_MAX, 0),
    INT(struct ag_run, "total_steps", total_steps, 0, COUNT_MAX, 0),
    TEXT(struct ag_run, "step_name", step_name, AG_MAX_LABEL, 0),
    TIME(struct ag_run, "started", started, 0),
};
LISTED(ag_run_item_record, "workflow", "workflows", struct ag_run, run_item_fields);

static const struct ag_field run_spec_fields[] = {
    TEXT(struct ag_run_spec, "request_key", request_key, AG_MAX_LABEL, AG_OMIT_EMPTY),
    TEXT(struct ag_run_spec, "instance", instance, AG_MAX_NAME, AG_OMIT_EMPTY),
    TEXT(struct ag_run_spec, "branch", branch, AG_MAX_LABEL, 0),
    TEXT(struct ag_run_spec, "environment", environment, AG_MAX_LABEL, 0),
    OBJECT(struct ag_run_spec, "parameters", parameters, AG_OMIT_EMPTY),
    TEXT(struct ag_run_spec, "cwd", cwd, AG_MAX_FILE, AG_OMIT_EMPTY),
    TEXT(struct ag_run_spec, "definition_file", definition_file, AG_MAX_FILE, AG_OMIT_EMPTY),
    TEXT(struct ag_run_spec, "definition_hash", definition_hash, AG_MAX_LABEL, AG_OMIT_EMPTY),
    ID(struct ag_run_spec, "default_provider", default_provider, AG_OMIT_EMPTY),
    TEXT(struct ag_run_spec, "default_model", default_model, AG_MAX_LABEL, AG_OMIT_EMPTY),
};
RECORD(ag_run_spec_record, "workflow", struct ag_run_spec, run_spec_fields);

static const struct ag_field start_request_fields[] = {
    ID(struct ag_start_request, "template", template_name, 0),
    ID(struct ag_start_request, "instance", instance, 0),
    ID(struct ag_start_request, "workflow_id", workflow_id, 0),
    TEXT(struct ag_start_request, "branch", branch, AG_MAX_LABEL, 0),
    TEXT(struct ag_start_request, "environment", environment, AG_MAX_LABEL, 0),
    OBJECT(struct ag_start_request, "parameters", parameters, AG_OMIT_EMPTY),
    ID(struct ag_start_request, "session_id", session_id, AG_OMIT_EMPTY),
    TEXT(struct ag_start_request, "request_key", request_key, AG_MAX_LABEL, AG_OMIT_EMPTY),
    TEXT(struct ag_start_request, "cwd", cwd, AG_MAX_FILE, AG_OMIT_EMPTY),
    OBJECT(struct ag_start_request, "env", env, AG_OMIT_EMPTY),
    {.key = "definition",
     .type = AG_FIELD_VALUE,
     AT(struct ag_start_request, definition),
     .max = AG_MAX_BODY,
     .flags = AG_OMIT_EMPTY},
    TEXT(struct ag_start_request, "definition_file", definition_file, AG_MAX_FILE, AG_OMIT_EMPTY),
    ID(struct ag_start_request, "default_provider", default_provider, AG_OMIT_EMPTY),
    TEXT(struct ag_start_request, "default_model", default_model, AG_MAX_LABEL, AG_OMIT_EMPTY),
};
RECORD(ag_start_request_record, "start request", struct ag_start_request, start_request_fields);

static const struct ag_field trust_request_fields[] = {
    TEXT(struct ag_trust_request, "path", path, AG_MAX_FILE, AG_REQUIRED),
    TEXT(struct ag_trust_request, "sha256", sha256, AG_MAX_NAME, AG_REQUIRED),
};
RECORD(ag_trust_request_record, "trust request", struct ag_trust_request, trust_request_fields);

static const struct ag_field step_row_fields[] = {
    TEXT(struct ag_step_row, "step", step, AG_MAX_LABEL, 0),
    TEXT(struct ag_step_row, "path", path, AG_MAX_PATH, 0),
    INT(struct ag_step_row, "attempt", attempt, 1, COUNT_MAX, 0),
    ENUM(struct ag_step_row, "status", status, ag_step_status_words, 0),
    INT(struct ag_step_row, "epoch", epoch, 0, COUNT_MAX, 0),
    TIME(struct ag_step_row, "started", started, AG_OMIT_EMPTY),
    TIME(struct ag_step_row, "ended", ended, AG_OMIT_EMPTY),
    TIME(struct ag_step_row, "until", until, AG_OMIT_EMPTY),
    TEXT(struct ag_step_row, "next_step", next_step, AG_MAX_LABEL, AG_OMIT_EMPTY),
    VALUE(struct ag_step_row, "outputs", outputs, AG_OMIT_EMPTY),
    VALUE(struct ag_step_row, "usage", usage, AG_OMIT_EMPTY),
    VALUE(struct ag_step_row, "error", error, AG_OMIT_EMPTY),
};
LISTED(ag_step_row_record, "step", "steps", struct ag_step_row, step_row_fields);

static const struct ag_field progress_fields[] = {
    INT(struct ag_progress, "current_step", current_step, 0, COUNT_MAX, AG_REQUIRED),
    INT(struct ag_progress, "total_steps", total_steps, 0, COUNT_MAX, AG_REQUIRED),
    TEXT(struct ag_progress, "step_name", step_name, AG_MAX_LABEL, AG_REQUIRED),
};
RECORD(ag_progress_record, "progress", struct ag_progress, progress_fields);

static const struct ag_field step_start_fields[] = {
    TEXT(struct ag_step_start, "step", step, AG_MAX_LABEL, AG_REQUIRED),
    TEXT(struct ag_step_start, "path", path, AG_MAX_PATH, AG_REQUIRED),
    INT(struct ag_step_start, "attempt", attempt, 1, COUNT_MAX, AG_REQUIRED),
    BOOL(struct ag_step_start, "repeat_never", repeat_never, AG_OMIT_EMPTY),
    TIME(struct ag_step_start, "until", until, AG_OMIT_EMPTY),
    INT(struct ag_step_start, "current_step", current_step, 0, COUNT_MAX, AG_OMIT_EMPTY),
    INT(struct ag_step_start, "total_steps", total_steps, 0, COUNT_MAX, AG_OMIT_EMPTY),
    TEXT(struct ag_step_start, "doing", doing, AG_MAX_LABEL, AG_OMIT_EMPTY),
};
RECORD(ag_step_start_record, "step start", struct ag_step_start, step_start_fields);

static const struct ag_field output_record_fields[] = {
    TEXT(struct ag_output_record, "kind", kind, AG_MAX_NAME, AG_REQUIRED),
    TEXT(struct ag_output_record, "text", text, AG_MAX_VALUE, AG_REQUIRED),
    TEXT(struct ag_output_record, "path", path, AG_MAX_PATH, AG_OMIT_EMPTY),
    TEXT(struct ag_output_record, "client_key", client_key, AG_MAX_LABEL, AG_OMIT_EMPTY),
};
RECORD(ag_output_record_record, "output record", struct ag_output_record, output_record_fields);

static const struct ag_field finish_fields[] = {
    ENUM(struct ag_finish, "status", status, finish_words, AG_REQUIRED),
    VALUE(struct ag_finish, "result", result, AG_OMIT_EMPTY),
    VALUE(struct ag_finish, "error", error, AG_OMIT_EMPTY),
};
RECORD(ag_finish_record, "workflow completion", struct ag_finish, finish_fields);

static const struct ag_field step_complete_fields[] = {
    TEXT(struct ag_step_complete, "step", step, AG_MAX_LABEL, AG_REQUIRED),
    TEXT(struct ag_step_complete, "path", path, AG_MAX_PATH, AG_REQUIRED),
    INT(struct ag_step_complete, "attempt", attempt, 1, COUNT_MAX, AG_REQUIRED),
    ENUM(struct ag_step_complete, "status", status, ag_step_status_words, AG_REQUIRED),
    VALUE(struct ag_step_complete, "outputs", outputs, AG_OMIT_EMPTY),
    OBJECT(struct ag_step_complete, "variables", variables, AG_OMIT_EMPTY),
    BOOL(struct ag_step_complete, "secret", secret, AG_OMIT_EMPTY),
    TEXT(struct ag_step_complete, "next_step", next_step, AG_MAX_LABEL, AG_OMIT_EMPTY),
    INT(struct ag_step_complete, "consumed_input_seq", consumed_input_seq, 0, COUNT_MAX,
        AG_OMIT_EMPTY),
    VALUE(struct ag_step_complete, "usage", usage, AG_OMIT_EMPTY),
    VALUE(struct ag_step_complete, "error", error, AG_OMIT_EMPTY),
    LIST(struct ag_step_complete, "records", records, &ag_output_record_record, AG_MAX_RECORDS,
         AG_OMIT_EMPTY),
    SUB(struct ag_step_complete, "progress", progress, &ag_progress_record),
    SUB(struct ag_step_complete, "start", start, &ag_step_start_record),
    SUB(struct ag_step_complete, "end", end, &ag_finish_record),
};
RECORD(ag_step_complete_record, "step completion", struct ag_step_complete, step_complete_fields);

static const struct ag_field step_output_fields[] = {
    TEXT(struct ag_step_output, "step", step, AG_MAX_LABEL, AG_REQUIRED),
    TEXT(struct ag_step_output, "path", path, AG_MAX_PATH, AG_REQUIRED),
    TEXT(struct ag_step_output, "text", text, AG_MAX_VALUE, AG_REQUIRED),
    TEXT(struct ag_step_output, "client_key", client_key, AG_MAX_LABEL, AG_OMIT_EMPTY),
};
RECORD(ag_step_output_record, "step output", struct ag_step_output, step_output_fields);

static const struct ag_field checkpoint_fields[] = {
    ID(struct ag_checkpoint, "workflow_id", workflow_id, AG_REQUIRED),
    TEXT(struct ag_checkpoint, "instance", instance, AG_MAX_NAME, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "branch", branch, AG_MAX_LABEL, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "environment", environment, AG_MAX_LABEL, AG_OMIT_EMPTY),
    ID(struct ag_checkpoint, "session_id", session_id, AG_OMIT_EMPTY),
    INT(struct ag_checkpoint, "epoch", epoch, 0, COUNT_MAX, 0),
    TEXT(struct ag_checkpoint, "definition", definition, AG_MAX_BODY, AG_REQUIRED),
    TEXT(struct ag_checkpoint, "definition_file", definition_file, AG_MAX_FILE, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "template", template_name, AG_MAX_NAME, 0),
    ID(struct ag_checkpoint, "default_provider", default_provider, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "default_model", default_model, AG_MAX_LABEL, AG_OMIT_EMPTY),
    OBJECT(struct ag_checkpoint, "parameters", parameters, AG_OMIT_EMPTY),
    OBJECT(struct ag_checkpoint, "variables", variables, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "cwd", cwd, AG_MAX_FILE, AG_OMIT_EMPTY),
    OBJECT(struct ag_checkpoint, "env", env, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "next_step", next_step, AG_MAX_LABEL, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "flight_step", flight_step, AG_MAX_LABEL, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "flight_path", flight_path, AG_MAX_PATH, AG_OMIT_EMPTY),
    INT(struct ag_checkpoint, "flight_attempt", flight_attempt, 0, COUNT_MAX, AG_OMIT_EMPTY),
    TIME(struct ag_checkpoint, "flight_until", flight_until, AG_OMIT_EMPTY),
    TEXT(struct ag_checkpoint, "decision", decision, AG_MAX_NAME, AG_OMIT_EMPTY),
    OBJECT(struct ag_checkpoint, "visits", visits, AG_OMIT_EMPTY),
    OBJECT(struct ag_checkpoint, "attempts", attempts, AG_OMIT_EMPTY),
    VALUE(struct ag_checkpoint, "failure", failure, AG_OMIT_EMPTY),
    INT(struct ag_checkpoint, "steps_done", steps_done, 0, COUNT_MAX, 0),
    TIME(struct ag_checkpoint, "started", started, AG_OMIT_EMPTY),
    INT(struct ag_checkpoint, "consumed_input_seq", consumed_input_seq, 0, COUNT_MAX, 0),
    {.key = "park_after", .type = AG_FIELD_DURATION, AT(struct ag_checkpoint, park_after)},
    INT(struct ag_checkpoint, "paused_ms", paused_ms, 0, COUNT_MAX, AG_OMIT_EMPTY),
    BOOL(struct ag_checkpoint, "paused", paused, AG_OMIT_EMPTY),
    OBJECT(struct ag_checkpoint, "config", config, AG_OMIT_EMPTY),
    INT(struct ag_checkpoint, "messages_after", messages_after, 0, COUNT_MAX, AG_OMIT_EMPTY),
    {.key = "poll",
     .type = AG_FIELD_DURATION,
     AT(struct ag_checkpoint, poll),
     .flags = AG_OMIT_EMPTY},
    OBJECT(struct ag_checkpoint, "usage", usage, AG_OMIT_EMPTY),
    BOOL(struct ag_checkpoint, "ends", ends, AG_OMIT_EMPTY),
};
RECORD(ag_checkpoint_record, "checkpoint", struct ag_checkpoint, checkpoint_fields);

static const struct ag_field park_fields[] = {
    TIME(struct ag_park, "until", until, AG_OMIT_EMPTY),
    ARRAY(struct ag_park, "question_ids", question_ids, 256, AG_REQUIRED),
};
RECORD(ag_park_record, "park request", struct ag_park, park_fields);

#define RECORD_REST                                                             \
    TEXT(struct ag_stream_record, "kind", kind, AG_MAX_NAME, 0),                \
        TEXT(struct ag_stream_record, "text", text, AG_MAX_VALUE, 0),           \
        TEXT(struct ag_stream_record, "path", path, AG_MAX_PATH, 0),            \
        TIME(struct ag_stream_record, "at", at, 0),                             \
        ID(struct ag_stream_record, "question_id", question_id, AG_OMIT_EMPTY), \
        VALUE(struct ag_stream_record, "answer", answer, AG_OMIT_EMPTY),        \
        VALUE(struct ag_stream_record, "data", data, AG_OMIT_EMPTY)

static const struct ag_field stream_record_fields[] = {
    INT(struct ag_stream_record, "seq", seq, 0, COUNT_MAX, 0),
    RECORD_REST,
};
LISTED(ag_stream_record_record, "record", "records", struct ag_stream_record, stream_record_fields);

static const struct ag_field event_fields[] = {
    INT(struct ag_stream_record, "seq", seq, 0, COUNT_MAX, 0),
    ENUM(struct ag_stream_record, "stream", stream, ag_stream_words, 0),
    RECORD_REST,
};
LISTED(ag_event_record, "event", "events", struct ag_stream_record, event_fields);

static const struct ag_field output_request_fields[] = {
    TEXT(struct ag_output_request, "output", output, AG_MAX_VALUE, AG_OMIT_EMPTY),
    LIST(struct ag_output_request, "records", records, &ag_output_record_record, AG_MAX_RECORDS,
         AG_OMIT_EMPTY),
};
RECORD(ag_output_request_record, "output", struct ag_output_request, output_request_fields);

static const struct ag_field input_request_fields[] = {
    TEXT(struct ag_input_request, "input", input, AG_MAX_TEXT, AG_OMIT_EMPTY),
    ID(struct ag_input_request, "question_id", question_id, AG_OMIT_EMPTY),
    VALUE(struct ag_input_request, "answer", answer, AG_OMIT_EMPTY),
    TEXT(struct ag_input_request, "client_key", client_key, AG_MAX_LABEL, AG_OMIT_EMPTY),
};
RECORD(ag_input_request_record, "input", struct ag_input_request, input_request_fields);

static const struct ag_field question_fields[] = {
    ID(struct ag_question, "question_id", question_id, AG_REQUIRED),
    ID(struct ag_question, "workflow_id", workflow_id, AG_OMIT_EMPTY),
    TEXT(struct ag_question, "path", path, AG_MAX_PATH, AG_REQUIRED),
    ENUM(struct ag_question, "kind", kind, ag_question_kind_words, AG_REQUIRED),
    TEXT(struct ag_question, "prompt", prompt, AG_MAX_TEXT, AG_REQUIRED),
    VALUE(struct ag_question, "schema", schema, AG_OMIT_EMPTY),
    ARRAY(struct ag_question, "choices", choices, 256, AG_OMIT_EMPTY),
    BOOL(struct ag_question, "multiple", multiple, AG_OMIT_EMPTY),
    VALUE(struct ag_question, "default", default_answer, AG_OMIT_EMPTY),
    TIME(struct ag_question, "deadline", deadline, AG_OMIT_EMPTY),
    TEXT(struct ag_question, "on_deadline", on_deadline, AG_MAX_NAME, AG_OMIT_EMPTY),
    BOOL(struct ag_question, "secret", secret, AG_OMIT_EMPTY),
    ENUM(struct ag_question, "state", state, ag_question_state_words, 0),
    VALUE(struct ag_question, "answer", answer, AG_OMIT_EMPTY),
    TEXT(struct ag_question, "answered_by", answered_by, AG_MAX_LABEL, AG_OMIT_EMPTY),
    TEXT(struct ag_question, "answered_via", answered_via, AG_MAX_LABEL, AG_OMIT_EMPTY),
    TIME(struct ag_question, "asked", asked, AG_OMIT_EMPTY),
    TIME(struct ag_question, "answered", answered, AG_OMIT_EMPTY),
    INT(struct ag_question, "answer_seq", answer_seq, 0, COUNT_MAX, AG_OMIT_EMPTY),
    OBJECT(struct ag_question, "usage", usage, AG_OMIT_EMPTY),
    BOOL(struct ag_question, "lookup", lookup, AG_OMIT_EMPTY),
};
LISTED(ag_question_record, "question", "questions", struct ag_question, question_fields);

/* What it takes to talk to it. */
#define CI_REST                                                                 \
    TEXT(struct ag_ci, "base_url", base_url, AG_MAX_FILE, AG_OMIT_EMPTY),       \
        TEXT(struct ag_ci, "recording", recording, AG_MAX_FILE, AG_OMIT_EMPTY), \
        ID(struct ag_ci, "upstream", upstream, AG_OMIT_EMPTY),                  \
        ARRAY(struct ag_ci, "command", command, 64, AG_OMIT_EMPTY),             \
        ARRAY(struct ag_ci, "capabilities", capabilities, 64, AG_OMIT_EMPTY),   \
        ID(struct ag_ci, "session_id", session_id, AG_OMIT_EMPTY)

static const struct ag_field ci_fields[] = {
    ID(struct ag_ci, "name", name, AG_REQUIRED),
    TEXT(struct ag_ci, "provider", provider, AG_MAX_NAME, 0),
    TEXT(struct ag_ci, "model", model, AG_MAX_LABEL, 0),
    INT(struct ag_ci, "port", port, 0, UINT16_MAX, 0),
    TEXT(struct ag_ci, "socket_path", socket_path, AG_MAX_FILE, 0),
    TEXT(struct ag_ci, "role", role, AG_MAX_LABEL, 0),
    TEXT(struct ag_ci, "status", status, AG_MAX_NAME, 0),
    TIME(struct ag_ci, "last_heartbeat", last_heartbeat, 0),
    CI_REST,
    TEXT(struct ag_ci, "task", task, AG_MAX_LABEL, AG_OMIT_EMPTY),
    INT(struct ag_ci, "unread", unread, 0, COUNT_MAX, AG_OMIT_EMPTY),
};
LISTED(ag_ci_record, "CI", "cis", struct ag_ci, ci_fields);

static const struct ag_field ci_request_fields[] = {
    ID(struct ag_ci, "name", name, AG_REQUIRED),
    TEXT(struct ag_ci, "provider", provider, AG_MAX_NAME, AG_OMIT_EMPTY),
    TEXT(struct ag_ci, "model", model, AG_MAX_LABEL, AG_OMIT_EMPTY),
    INT(struct ag_ci, "port", port, 0, UINT16_MAX, AG_OMIT_EMPTY),
    TEXT(struct ag_ci, "socket_path", socket_path, AG_MAX_FILE, AG_OMIT_EMPTY),
    TEXT(struct ag_ci, "role", role, AG_MAX_LABEL, AG_OMIT_EMPTY),
    CI_REST,
};
RECORD(ag_ci_request_record, "CI", struct ag_ci, ci_request_fields);

/* The five that readers of the file know, then what it takes to register the CI again. */
static const struct ag_field ci_mirror_fields[] = {
    ID(struct ag_ci, "name", name, AG_REQUIRED),
    TEXT(struct ag_ci, "model", model, AG_MAX_LABEL, 0),
    INT(struct ag_ci, "port", port, 0, UINT16_MAX, 0),
    TEXT(struct ag_ci, "socket_path", socket_path, AG_MAX_FILE, 0),
    TEXT(struct ag_ci, "status", status, AG_MAX_NAME, 0),
    TEXT(struct ag_ci, "provider", provider, AG_MAX_NAME, AG_OMIT_EMPTY),
    TEXT(struct ag_ci, "role", role, AG_MAX_LABEL, AG_OMIT_EMPTY),
    CI_REST,
};
RECORD(ag_ci_mirror_record, "CI", struct ag_ci, ci_mirror_fields);

static const struct ag_field ci_heartbeat_fields[] = {
    TEXT(struct ag_ci_heartbeat, "status", status, AG_MAX_NAME, 0),
    TEXT(struct ag_ci_heartbeat, "task", task, AG_MAX_LABEL, 0),
};
RECORD(ag_ci_heartbeat_record, "heartbeat", struct ag_ci_heartbeat, ci_heartbeat_fields);

static const struct ag_field ci_event_fields[] = {
    INT(struct ag_ci_event, "seq", seq, 0, COUNT_MAX, 0),
    TEXT(struct ag_ci_event, "kind", kind, AG_MAX_NAME, 0),
    TEXT(struct ag_ci_event, "status", status, AG_MAX_NAME, 0),
    TEXT(struct ag_ci_event, "task", task, AG_MAX_LABEL, AG_OMIT_EMPTY),
    ID(struct ag_ci_event, "session_id", session_id, AG_OMIT_EMPTY),
    INT(struct ag_ci_event, "messages", messages, 0, COUNT_MAX, 0),
    TIME(struct ag_ci_event, "at", at, 0),
};
LISTED(ag_ci_event_record, "history", "history", struct ag_ci_event, ci_event_fields);

static const struct ag_field session_fields[] = {
    ID(struct ag_session, "session_id", session_id, 0),
    ARRAY(struct ag_session, "workflows", workflows, 0, 0),
    TIME(struct ag_session, "created", created, 0),
    ARRAY(struct ag_session, "cis", cis, 0, 0),
    TEXT(struct ag_session, "description", description, AG_MAX_LABEL, AG_OMIT_EMPTY),
};
LISTED(ag_session_record, "session", "sessions", struct ag_session, session_fields);

static const struct ag_field active_run_fields[] = {
    ID(struct ag_active_run, "workflow_id", workflow_id, AG_REQUIRED),
    TEXT(struct ag_active_run, "template", template_name, AG_MAX_NAME, 0),
    INT(struct ag_active_run, "pid", pid, 0, COUNT_MAX, 0),
    TEXT(struct ag_active_run, "status", status, AG_MAX_NAME, 0),
    INT(struct ag_active_run, "current_step", current_step, 0, COUNT_MAX, 0),
    TIME(struct ag_active_run, "started", started, 0),
};
RECORD(ag_active_run_record, "workflow", struct ag_active_run, active_run_fields);

#define MESSAGE_REST                                                                \
    TEXT(struct ag_message, "type", type, AG_MAX_NAME, AG_REQUIRED),                \
        {.key = "payload", .type = AG_FIELD_VALUE, AT(struct ag_message, payload)}, \
        TIME(struct ag_message, "timestamp", timestamp, AG_OMIT_EMPTY),             \
        INT(struct ag_message, "seq", seq, 0, COUNT_MAX, AG_OMIT_EMPTY)

static const struct ag_field message_fields[] = {
    TEXT(struct ag_message, "id", id, AG_MAX_NAME, AG_OMIT_EMPTY),
    MESSAGE_REST,
};
LISTED(ag_message_record, "message", "messages", struct ag_message, message_fields);

static const struct ag_field ci_message_fields[] = {
    TEXT(struct ag_message, "id", id, AG_MAX_NAME, AG_OMIT_EMPTY),
    ID(struct ag_message, "from", from, AG_OMIT_EMPTY),
    MESSAGE_REST,
};
LISTED(ag_ci_message_record, "message", "messages", struct ag_message, ci_message_fields);

static const struct ag_field run_config_fields[] = {
    ENUM(struct ag_run_config, "log_level", log_level, log_level_words, AG_OMIT_EMPTY),
    {.key = "park_after_s", .type = AG_FIELD_DURATION, AT(struct ag_run_config, park_after)},
    {.key = "budget_usd",
     .type = AG_FIELD_REAL,
     AT(struct ag_run_config, budget_usd),
     .max = 1000000000},
    INT(struct ag_run_config, "budget_tokens", budget_tokens, 0, COUNT_MAX, 0),
};
RECORD(ag_run_config_record, "settings", struct ag_run_config, run_config_fields);

static const struct ag_field usage_fields[] = {
    INT(struct ag_usage, "input_tokens", input_tokens, 0, AG_MAX_USED, 0),
    INT(struct ag_usage, "output_tokens", output_tokens, 0, AG_MAX_USED, 0),
    {.key = "cost_usd", .type = AG_FIELD_REAL, AT(struct ag_usage, cost_usd)},
    INT(struct ag_usage, "unpriced", unpriced, 0, AG_MAX_USED, AG_OMIT_EMPTY),
};
RECORD(ag_usage_record, "usage", struct ag_usage, usage_fields);

static void add_used(int64_t *sum, int64_t n)
{
    *sum = *sum + n < AG_MAX_USED ? *sum + n : AG_MAX_USED;
}

void ag_usage_add(struct ag_usage *sum, const ag_value *usage)
{
    struct ag_usage one;
    if (usage == NULL || ag_record_decode(&ag_usage_record, usage, &one, NULL) < 0) {
        return;
    }
    add_used(&sum->input_tokens, one.input_tokens);
    add_used(&sum->output_tokens, one.output_tokens);
    add_used(&sum->unpriced, one.unpriced);
    add_used(&sum->unpriced, ag_value_get(usage, "cost_usd") == NULL ? 1 : 0);
    sum->cost_usd += one.cost_usd;
}

static const struct ag_field error_report_fields[] = {
    TEXT(struct ag_error_report, "code", code, AG_MAX_LABEL, AG_OMIT_EMPTY),
    TEXT(struct ag_error_report, "message", message, AG_MAX_TEXT, AG_REQUIRED),
    BOOL(struct ag_error_report, "fatal", fatal, AG_OMIT_EMPTY),
};
RECORD(ag_error_report_record, "error report", struct ag_error_report, error_report_fields);

void ag_run_clear(struct ag_run *run)
{
    free(run->boot_id);
    free(run->next_step);
    free(run->flight_path);
    free(run->decision);
    ag_record_clear(&ag_run_record, run);
}

void ag_run_spec_clear(struct ag_run_spec *spec)
{
    free(spec->request_hash);
    ag_value_unref(spec->env);
    free(spec->definition);
    free(spec->nonce);
    ag_record_clear(&ag_run_spec_record, spec);
}

void ag_stream_record_clear(struct ag_stream_record *record)
{
    free(record->client_key);
    ag_record_clear(&ag_stream_record_record, record);
}

void ag_active_run_clear(struct ag_active_run *run)
{
    free(run->session_id);
    ag_record_clear(&ag_active_run_record, run);
}
