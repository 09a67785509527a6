/*
 * Makes every typed call of the public API against a daemon that runs, and checks what comes of it:
 * with "block" as calls that block, with "loop" the same ones from a loop of its own. It ends at
 * the first thing that is not as it should be, and stops the daemon at last.
 * Usage: walk HOME URL|- block|loop
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argo/argo.h>

static const char asking[] =
    "workflow_name: asking\n"
    "steps:\n"
    "- {step: greet, type: display, message: \"hello\\n\"}\n"
    "- {step: sure, type: user_ask, prompt: \"Sure?\", save_to: sure}\n"
    "- {step: which, type: user_choose, prompt: \"Which?\", save_to: which,\n"
    "   options: [{label: One, value: 1}, {label: Two, value: 2}]}\n";

static argo_client *client;
static argo_error *err;
static int looping;

static struct {
    int count, result;
    char details[256];
} outcome;

#define CHECK(fact)                                                                  \
    do {                                                                             \
        if (!(fact)) {                                                               \
            fprintf(stderr, "%s:%d: %s: %d %s %s\n", __FILE__, __LINE__, #fact,      \
                    argo_error_code(err), argo_error_details(err), outcome.details); \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

/* ---- the two ways ----------------------------------------------------------------------------- */

static void on_outcome(void *user, int result, const argo_error *failure)
{
    CHECK(user == (void *)&outcome);
    CHECK((failure != NULL) == (result < 0));
    CHECK(argo_error_code(failure) == (result < 0 ? result : 0));
    outcome.count++;
    outcome.result = result;
    snprintf(outcome.details, sizeof(outcome.details), "%s", argo_error_details(failure));
}

static const struct argo_call_options *how(void)
{
    static struct argo_call_options options = ARGO_CALL_OPTIONS_INIT;
    options.fn = on_outcome;
    options.user = &outcome;
    argo_error_free(err);
    err = NULL;
    outcome.count = 0;
    return looping ? &options : NULL;
}

static void turn(void)
{
    struct pollfd fd = {argo_client_get_fd(client), argo_client_get_events(client), 0};
    CHECK(poll(&fd, 1, argo_client_get_timeout(client)) >= 0);
    CHECK(argo_client_dispatch(client, NULL) == 0);
}

/* The outcome of a call whose return R was. */
static int end(int r)
{
    if (looping && r == 0) {
        CHECK(outcome.count == 0); /* never from inside the call */
        while (outcome.count == 0) {
            turn();
        }
        CHECK(outcome.count == 1);
        return outcome.result;
    }
    return r;
}

/* ---- runs ------------------------------------------------------------------------------------- */

static void start(const char *id, const char *session)
{
    static const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
    struct argo_workflow_start_options options = ARGO_WORKFLOW_START_OPTIONS_INIT;
    argo_workflow *run = NULL;
    size_t len = 0;
    options.definition = asking;
    options.workflow_id = id;
    options.session_id = session;
    options.parameters = "{}";
    options.env = env;
    options.cwd = "/";
    options.request_key = id;
    options.default_provider = "nearby";
    options.default_model = "small";
    CHECK(end(argo_workflow_validate(client, &options, how(), &err)) == 0);
    CHECK(end(argo_workflow_start(client, &options, how(), &run, &err)) == 0);
    CHECK(strcmp(argo_workflow_id(run), id) == 0);
    CHECK(argo_workflow_pid(run) > 0);
    CHECK(!argo_workflow_ended(run));
    CHECK(strcmp(argo_workflow_parameters(run, &len), "{}") == 0 && len == 2);
    CHECK(strcmp(argo_workflow_environment(run), "dev") == 0);
    CHECK(strcmp(argo_workflow_branch(run), "main") == 0);
    CHECK(strcmp(argo_workflow_cwd(run), "/") == 0);
    CHECK(strcmp(argo_workflow_session_id(run), session != NULL ? session : "") == 0);
    CHECK(argo_workflow_result(run, &len) == NULL && len == 0);
    argo_workflow_free(run);
    CHECK(end(argo_workflow_start(client, &options, how(), NULL, &err)) == 0); /* the same one */
    char *path = argo_client_path("/api/workflow/status/{}", id), *reply = NULL;
    CHECK(argo_client_call(client, "GET", path, NULL, 0, 0, &reply, NULL, &err) == 0);
    CHECK(strstr(reply, "\"default_provider\":\"nearby\",\"default_model\":\"small\"") != NULL);
    free(reply);
    free(path);
}

static void refused(void)
{
    struct argo_workflow_start_options options = ARGO_WORKFLOW_START_OPTIONS_INIT;
    static const char *const env[] = {"PATH", NULL};
    argo_workflow *run = NULL;
    CHECK(end(argo_workflow_get(client, "nobody", how(), &run, &err)) == ARGO_E_NO_WORKFLOW);
    CHECK(end(argo_workflow_get(client, "a..b", how(), &run, &err)) == ARGO_E_ID);
    CHECK(end(argo_workflow_get(client, "", how(), &run, &err)) == ARGO_E_INVALID);
    CHECK(end(argo_workflow_get(client, NULL, how(), &run, &err)) == ARGO_E_INVALID);
    CHECK(end(argo_workflow_get(client, "x", how(), NULL, &err)) == ARGO_E_INVALID);
    CHECK(end(argo_workflow_start(client, NULL, how(), &run, &err)) == ARGO_E_INVALID);
    options.template_name = "nothing";
    CHECK(end(argo_workflow_start(client, &options, how(), &run, &err)) == ARGO_E_NO_TEMPLATE);
    options.parameters = "{";
    CHECK(end(argo_workflow_start(client, &options, how(), &run, &err)) == ARGO_E_JSON);
    options.parameters = NULL;
    options.env = env;
    CHECK(end(argo_workflow_start(client, &options, how(), &run, &err)) == ARGO_E_INVALID);
    options = (struct argo_workflow_start_options)ARGO_WORKFLOW_START_OPTIONS_INIT;
    options.definition = "workflow_name: x\nsteps: [{step: a, type: dispaly}]\n";
    CHECK(end(argo_workflow_validate(client, &options, how(), &err)) == ARGO_E_TEMPLATE);
    CHECK(looping || argo_error_problem_count(err) > 0);
    options.size = 1;
    CHECK(end(argo_workflow_start(client, &options, how(), &run, &err)) == ARGO_E_INVALID);
    CHECK(run == NULL);
}

struct followed {
    int records, questions, enough;
    int64_t last;
    char output[64], question[65], first[65];
};

static int on_record(void *user, const argo_record *record)
{
    struct followed *f = user;
    CHECK(argo_record_seq(record) > f->last);
    f->last = argo_record_seq(record);
    f->records++;
    if (argo_record_stream(record) == ARGO_STREAM_OUTPUT &&
        strcmp(argo_record_kind(record), "text") == 0) {
        snprintf(f->output, sizeof(f->output), "%s", argo_record_text(record));
    }
    if (strcmp(argo_record_kind(record), "question") == 0) {
        CHECK(argo_record_stream(record) == ARGO_STREAM_EVENT);
        CHECK(argo_record_data(record, NULL) != NULL && argo_record_at_ms(record) > 0);
        snprintf(f->question, sizeof(f->question), "%s", argo_record_question_id(record));
        return ++f->questions == f->enough;
    }
    return 0;
}

static void follow_to_question(const char *id, struct followed *f, int enough)
{
    f->enough = enough;
    CHECK(end(argo_workflow_follow(client, id, f->last, on_record, f, how(), &err)) ==
          ARGO_FOLLOW_STOPPED);
}

static void answer(const char *run_id, struct followed *f)
{
    struct argo_question_list_options options = ARGO_QUESTION_LIST_OPTIONS_INIT;
    argo_question *q = NULL;
    argo_questions *open = NULL;
    size_t len = 0;
    follow_to_question(run_id, f, 1);
    CHECK(strcmp(f->output, "hello\n") == 0);
    CHECK(end(argo_question_get(client, f->question, how(), &q, &err)) == 0);
    CHECK(argo_question_kind(q) == ARGO_QUESTION_TEXT && !argo_question_secret(q));
    CHECK(argo_question_state(q) == ARGO_QUESTION_OPEN && argo_question_asked_ms(q) > 0);
    CHECK(strcmp(argo_question_prompt(q), "Sure?") == 0);
    CHECK(strcmp(argo_question_workflow_id(q), run_id) == 0);
    CHECK(strcmp(argo_question_path(q), "sure") == 0 && argo_question_given(q, NULL) == NULL);
    CHECK(end(argo_question_answer(client, run_id, argo_question_id(q), "\"yes\"", 0, how(),
                                   &err)) == 0);
    CHECK(end(argo_question_answer_text(client, run_id, f->question, "no", how(), &err)) ==
          ARGO_E_ANSWERED);
    argo_question_free(q);
    CHECK(end(argo_question_get(client, f->question, how(), &q, &err)) == 0);
    CHECK(argo_question_state(q) == ARGO_QUESTION_ANSWERED);
    CHECK(strcmp(argo_question_given(q, &len), "\"yes\"") == 0 && len == 5);
    CHECK(strcmp(argo_question_answered_via(q), "walk") == 0 && argo_question_answered_ms(q) > 0);
    argo_question_free(q);

    follow_to_question(run_id, f, 2);
    CHECK(end(argo_question_list(client, NULL, how(), &open, &err)) == 0);
    CHECK(argo_questions_count(open) == 1 && argo_questions_at(open, 1) == NULL);
    CHECK(argo_question_kind(argo_questions_at(open, 0)) == ARGO_QUESTION_CHOICE);
    CHECK(strstr(argo_question_choices(argo_questions_at(open, 0), &len), "Two") != NULL);
    options.after = argo_questions_next_after(open);
    options.wait_ms = 1;
    argo_questions_free(open);
    CHECK(end(argo_question_list(client, &options, how(), &open, &err)) == 0);
    CHECK(argo_questions_next_after(open) == options.after && argo_questions_count(open) == 1);
    argo_questions_free(open);
    options.state = -1;
    options.limit = 1;
    CHECK(end(argo_question_list(client, &options, how(), &open, &err)) == 0);
    CHECK(argo_questions_count(open) == 1 && argo_questions_next_cursor(open) != NULL);
    CHECK(argo_question_state(argo_questions_at(open, 0)) == ARGO_QUESTION_ANSWERED);
    argo_questions_free(open);
    CHECK(end(argo_question_answer(client, run_id, f->question, "[3]", 3, how(), &err)) ==
          ARGO_E_ANSWER);
    CHECK(end(argo_workflow_input(client, run_id, "2", how(), &err)) == 0);
}

static void read_all(const char *id, const struct followed *f)
{
    struct argo_read_options options = ARGO_READ_OPTIONS_INIT;
    argo_records *list = NULL;
    argo_steps *steps = NULL;
    int64_t after = 0;
    size_t n = 0;
    int ended = 0;
    options.limit = 3;
    options.wait_ms = 1500;
    for (; !ended; n += argo_records_count(list)) {
        argo_records_free(list);
        options.after = after;
        CHECK(end(argo_workflow_events(client, id, &options, how(), &list, &err)) == 0);
        CHECK(argo_records_count(list) <= 3);
        after = argo_records_next_after(list);
        ended = argo_records_ended(list);
    }
    argo_records_free(list);
    CHECK(n == (size_t)f->records && after == f->last);
    CHECK(end(argo_workflow_output(client, id, NULL, how(), &list, &err)) == 0);
    CHECK(argo_records_count(list) > 0 && argo_records_ended(list));
    CHECK(strcmp(argo_record_text(argo_records_at(list, 0)), "hello\n") == 0);
    CHECK(strcmp(argo_record_path(argo_records_at(list, 0)), "greet") == 0);
    argo_records_free(list);
    CHECK(end(argo_workflow_steps(client, id, how(), &steps, &err)) == 0);
    CHECK(argo_steps_count(steps) == 3 && argo_steps_at(steps, 3) == NULL);
    CHECK(strcmp(argo_step_name(argo_steps_at(steps, 0)), "greet") == 0);
    CHECK(strcmp(argo_step_path(argo_steps_at(steps, 0)), "greet") == 0);
    CHECK(strcmp(argo_step_next(argo_steps_at(steps, 0)), "sure") == 0);
    CHECK(argo_step_status(argo_steps_at(steps, 2)) == ARGO_STEP_DONE);
    CHECK(argo_step_attempt(argo_steps_at(steps, 2)) == 1);
    CHECK(argo_step_ended_ms(argo_steps_at(steps, 2)) > 0);
    argo_steps_free(steps);
}

static void whole_run(void)
{
    struct followed f = {0};
    argo_workflow *run = NULL;
    start("one", NULL);
    CHECK(end(argo_workflow_wait(client, "one", 1, how(), &run, &err)) == ARGO_E_TIMEOUT);
    answer("one", &f);
    CHECK(end(argo_workflow_follow(client, "one", f.last, on_record, &f, how(), &err)) == 0);
    CHECK(end(argo_workflow_wait(client, "one", -1, how(), &run, &err)) == 0);
    CHECK(argo_workflow_state(run) == ARGO_WORKFLOW_DONE && argo_workflow_ended(run));
    CHECK(argo_workflow_seq(run) == f.last && argo_workflow_steps_done(run) == 3);
    CHECK(argo_workflow_ended_ms(run) >= argo_workflow_created_ms(run));
    argo_workflow_free(run);
    CHECK(end(argo_workflow_wait(client, "one", 0, how(), NULL, &err)) == 0);
    read_all("one", &f);
}

static void lists(void)
{
    struct argo_workflow_list_options options = ARGO_WORKFLOW_LIST_OPTIONS_INIT;
    argo_workflows *list = NULL;
    char cursor[64];
    CHECK(end(argo_workflow_list(client, NULL, how(), &list, &err)) == 0);
    CHECK(argo_workflows_count(list) == 1 && argo_workflows_next_cursor(list) == NULL);
    CHECK(strcmp(argo_workflow_id(argo_workflows_at(list, 0)), "two") == 0);
    argo_workflows_free(list);
    options.state = "all";
    options.limit = 1;
    CHECK(end(argo_workflow_list(client, &options, how(), &list, &err)) == 0);
    CHECK(argo_workflows_count(list) == 1 && argo_workflows_next_cursor(list) != NULL);
    snprintf(cursor, sizeof(cursor), "%s", argo_workflows_next_cursor(list));
    argo_workflows_free(list);
    options.cursor = cursor;
    CHECK(end(argo_workflow_list(client, &options, how(), &list, &err)) == 0);
    CHECK(argo_workflow_state(argo_workflows_at(list, 0)) == ARGO_WORKFLOW_DONE);
    CHECK(strcmp(argo_workflow_template(argo_workflows_at(list, 0)), "asking") == 0);
    CHECK(argo_workflow_started_ms(argo_workflows_at(list, 0)) > 0);
    argo_workflows_free(list);
    options.state = "ended";
    CHECK(end(argo_workflow_list(client, &options, how(), &list, &err)) == ARGO_E_INVALID);
}

/* ---- lives, messages, CIs --------------------------------------------------------------------- */

static void sessions(void)
{
    argo_session *session = NULL;
    argo_sessions *list = NULL;
    CHECK(end(argo_session_add(client, "mine", "a few", how(), NULL, &err)) == 0);
    CHECK(end(argo_session_add(client, "mine", NULL, how(), NULL, &err)) == ARGO_E_EXISTS);
    CHECK(end(argo_session_add(client, NULL, NULL, how(), &session, &err)) == 0);
    CHECK(strncmp(argo_session_id(session), "sess_", 5) == 0);
    CHECK(end(argo_session_remove(client, argo_session_id(session), false, how(), &err)) == 0);
    argo_session_free(session);
    start("two", "mine");
    CHECK(end(argo_session_get(client, "mine", how(), &session, &err)) == 0);
    CHECK(strcmp(argo_session_description(session), "a few") == 0);
    CHECK(argo_session_created_ms(session) > 0 && argo_session_workflow_count(session) == 1);
    CHECK(strcmp(argo_session_workflow_at(session, 0), "two") == 0);
    CHECK(argo_session_workflow_at(session, 1) == NULL);
    argo_session_free(session);
    CHECK(end(argo_session_list(client, 1, NULL, how(), &list, &err)) == 0);
    CHECK(argo_sessions_count(list) == 1 && argo_sessions_next_cursor(list) == NULL);
    CHECK(strcmp(argo_session_id(argo_sessions_at(list, 0)), "mine") == 0);
    argo_sessions_free(list);
    CHECK(end(argo_session_pause(client, "mine", how(), &err)) == 0);
    CHECK(end(argo_session_resume(client, "mine", how(), &err)) == 0);
    CHECK(end(argo_session_resume(client, "mine", how(), &err)) == 1); /* it is not paused */
    CHECK(end(argo_session_remove(client, "mine", false, how(), &err)) == ARGO_E_STATE);
    CHECK(end(argo_session_pause(client, "none", how(), &err)) == ARGO_E_NO_SESSION);
}

static void lives(void)
{
    argo_workflow *run = NULL;
    CHECK(end(argo_workflow_pause(client, "two", how(), &err)) == 0);
    CHECK(end(argo_workflow_get(client, "two", how(), &run, &err)) == 0);
    CHECK(argo_workflow_state(run) == ARGO_WORKFLOW_PAUSED && argo_workflow_paused_ms(run) > 0);
    argo_workflow_free(run);
    CHECK(end(argo_workflow_resume(client, "two", how(), &err)) == 0);
    CHECK(end(argo_workflow_resume(client, "two", how(), &err)) == ARGO_E_STATE);
    CHECK(end(argo_workflow_abandon(client, "two", how(), &err)) == 0);
    CHECK(end(argo_workflow_abandon(client, "two", how(), &err)) == ARGO_E_STATE);
}

static void messages(void)
{
    argo_message *message = NULL;
    argo_workflow *run = NULL;
    size_t len = 0;
    CHECK(end(argo_message_send(client, "two", "x-hint", "{\"a\":1}", 7, how(), &message, &err)) ==
          0);
    CHECK(strcmp(argo_message_type(message), "x-hint") == 0 && argo_message_seq(message) > 0);
    CHECK(strlen(argo_message_id(message)) == 36 && argo_message_at_ms(message) > 0);
    CHECK(strcmp(argo_message_payload(message, &len), "{\"a\":1}") == 0 && len == 7);
    argo_message_free(message);
    CHECK(end(argo_message_send(client, "two", "update_config", "{\"park_after_s\":5}", 0, how(),
                                NULL, &err)) == 0);
    CHECK(end(argo_workflow_get(client, "two", how(), &run, &err)) == 0);
    CHECK(strstr(argo_workflow_config(run, NULL), "park_after_s") != NULL);
    argo_workflow_free(run);
    message = (argo_message *)&len; /* to be overwritten */
    CHECK(end(argo_message_send(client, "two", "pause", NULL, 0, how(), &message, &err)) == 0);
    CHECK(message == NULL && strcmp(argo_message_type(message), "") == 0);
    CHECK(end(argo_message_send(client, "two", "resume", NULL, 0, how(), NULL, &err)) == 0);
    CHECK(end(argo_message_send(client, "two", "hint", NULL, 0, how(), NULL, &err)) ==
          ARGO_E_INVALID);
    CHECK(end(argo_message_send(client, "two", NULL, NULL, 0, how(), NULL, &err)) ==
          ARGO_E_INVALID);
}

static void templates(void)
{
    argo_templates *list = NULL;
    argo_template *found = NULL;
    CHECK(end(argo_template_list(client, NULL, how(), &list, &err)) == 0);
    CHECK(argo_templates_count(list) >= 2);
    CHECK(strcmp(argo_template_name(argo_templates_at(list, 0)), "code_review") == 0);
    CHECK(argo_template_valid(argo_templates_at(list, 0)));
    CHECK(strcmp(argo_template_definition(argo_templates_at(list, 0)), "") == 0);
    argo_templates_free(list);
    CHECK(end(argo_template_get(client, "hello", "/", how(), &found, &err)) == 0);
    CHECK(argo_template_steps(found) == 2);
    CHECK(strstr(argo_template_definition(found), "workflow_name: hello") != NULL);
    CHECK(strstr(argo_template_parameters(found, NULL), "greeting") != NULL);
    CHECK(strstr(argo_template_path(found), "hello.yaml") != NULL);
    CHECK(strncmp(argo_template_description(found), "Asks", 4) == 0);
    argo_template_free(found);
    CHECK(end(argo_template_get(client, "helo", NULL, how(), &found, &err)) == ARGO_E_NO_TEMPLATE);
}

static void registry(void)
{
    static const char *const command[] = {"tool", "--quiet", NULL};
    struct argo_ci_options options = ARGO_CI_OPTIONS_INIT;
    argo_ci *ci = NULL;
    argo_cis *list = NULL;
    CHECK(end(argo_ci_add(client, &options, how(), NULL, &err)) == ARGO_E_INVALID);
    options.name = "local";
    options.provider = "openai";
    options.model = "m";
    options.base_url = "http://127.0.0.1:1/v1";
    options.role = "default";
    options.port = 4000;
    options.command = command;
    CHECK(end(argo_ci_add(client, &options, how(), &ci, &err)) == 0);
    CHECK(strcmp(argo_ci_name(ci), "local") == 0 && argo_ci_port(ci) == 4000);
    CHECK(strcmp(argo_ci_provider(ci), "openai") == 0 && strcmp(argo_ci_model(ci), "m") == 0);
    CHECK(strcmp(argo_ci_base_url(ci), options.base_url) == 0);
    CHECK(strcmp(argo_ci_command(ci, NULL), "[\"tool\",\"--quiet\"]") == 0);
    CHECK(argo_ci_capabilities(ci, NULL) == NULL && strcmp(argo_ci_recording(ci), "") == 0);
    argo_ci_free(ci);
    CHECK(end(argo_ci_add(client, &options, how(), NULL, &err)) == ARGO_E_EXISTS);
    CHECK(end(argo_ci_list(client, how(), &list, &err)) == 0);
    CHECK(argo_cis_count(list) == 1);
    CHECK(strcmp(argo_ci_role(argo_cis_at(list, 0)), "default") == 0);
    argo_cis_free(list);
    CHECK(end(argo_ci_get(client, "local", how(), &ci, &err)) == 0);
    argo_ci_free(ci);
    CHECK(end(argo_ci_remove(client, "local", true, how(), &err)) == 0);
    ci = NULL;
    CHECK(end(argo_ci_get(client, "local", how(), &ci, &err)) == ARGO_E_NO_CI);
}

/* A CI that is a process of its own. */
static void ci_of_its_own(void)
{
    struct argo_ci_options options = ARGO_CI_OPTIONS_INIT;
    struct argo_read_options reading = ARGO_READ_OPTIONS_INIT;
    argo_session *session = NULL;
    argo_ci *ci = NULL;
    argo_message *message = NULL;
    argo_messages *list = NULL;
    options.name = "worker";
    options.session_id = "mine";
    CHECK(end(argo_ci_add(client, &options, how(), NULL, &err)) == 0);
    CHECK(end(argo_session_get(client, "mine", how(), &session, &err)) == 0);
    CHECK(argo_session_ci_count(session) == 1 && argo_session_ci_at(session, 1) == NULL);
    CHECK(strcmp(argo_session_ci_at(session, 0), "worker") == 0);
    argo_session_free(session);
    CHECK(end(argo_ci_heartbeat(client, "worker", "dancing", NULL, how(), &ci, &err)) ==
          ARGO_E_INVALID);
    CHECK(end(argo_ci_heartbeat(client, "worker", "busy", "a task", how(), &ci, &err)) == 0);
    CHECK(strcmp(argo_ci_status(ci), "busy") == 0 && strcmp(argo_ci_task(ci), "a task") == 0);
    CHECK(strcmp(argo_ci_session_id(ci), "mine") == 0 && argo_ci_last_heartbeat_ms(ci) > 0);
    CHECK(argo_ci_unread(ci) == 0);
    argo_ci_free(ci);
    CHECK(end(argo_message_send_ci(client, "worker", "hint", "walk", "[1]", 0, how(), &message,
                                   &err)) == 0);
    CHECK(argo_message_seq(message) == 1 && strcmp(argo_message_from(message), "walk") == 0);
    argo_message_free(message);
    CHECK(end(argo_message_send_ci(client, "worker", "hint", NULL, NULL, 0, how(), NULL, &err)) ==
          0);
    CHECK(end(argo_message_list_ci(client, "worker", NULL, how(), &list, &err)) == 0);
    CHECK(argo_messages_count(list) == 2 && argo_messages_next_after(list) == 2);
    CHECK(strcmp(argo_message_payload(argo_messages_at(list, 0), NULL), "[1]") == 0);
    CHECK(strcmp(argo_message_payload(argo_messages_at(list, 1), NULL), "{}") == 0);
    argo_messages_free(list);
    reading.after = 2; /* they have been received */
    reading.wait_ms = 1;
    CHECK(end(argo_message_list_ci(client, "worker", &reading, how(), &list, &err)) == 0);
    CHECK(argo_messages_count(list) == 0);
    argo_messages_free(list);
    CHECK(end(argo_ci_remove(client, "worker", false, how(), &err)) == ARGO_E_STATE);
    CHECK(end(argo_ci_remove(client, "worker", true, how(), &err)) == 0);
}

static void history(void)
{
    argo_ci_events *page = NULL;
    const argo_ci_event *last;
    CHECK(end(argo_ci_history(client, "worker", 1, NULL, how(), &page, &err)) == 0);
    last = argo_ci_events_at(page, 0);
    CHECK(argo_ci_events_count(page) == 1 && strcmp(argo_ci_event_kind(last), "removed") == 0);
    CHECK(strcmp(argo_ci_event_status(last), "busy") == 0 && argo_ci_event_messages(last) == 2);
    CHECK(strcmp(argo_ci_event_task(last), "a task") == 0 && argo_ci_event_at_ms(last) > 0);
    CHECK(strcmp(argo_ci_event_session_id(last), "mine") == 0 && argo_ci_event_seq(last) > 1);
    argo_ci_events *rest = NULL;
    CHECK(end(argo_ci_history(client, "worker", 0, argo_ci_events_next_cursor(page), how(), &rest,
                              &err)) == 0);
    CHECK(argo_ci_events_count(rest) == (size_t)argo_ci_event_seq(last) - 1);
    CHECK(argo_ci_events_next_cursor(rest) == NULL);
    argo_ci_events_free(rest);
    argo_ci_events_free(page);
    CHECK(end(argo_ci_history(client, "nobody", 0, NULL, how(), &page, &err)) == ARGO_E_NO_CI);
}

static void daemon_itself(void)
{
    argo_health *health = NULL;
    argo_build *build = NULL;
    CHECK(end(argo_health_get(client, how(), &health, &err)) == 0);
    CHECK(strcmp(argo_health_version(health), ARGO_VERSION) == 0 && argo_health_store_ok(health));
    CHECK(argo_health_workflows(health) == 1 && argo_health_pid(health) > 0);
    CHECK(argo_health_executors(health) == 1 && argo_health_uptime_ms(health) >= 0);
    CHECK(argo_health_port(health) > 0 && argo_health_open_questions(health) >= 0);
    argo_health_free(health);
    CHECK(end(argo_build_get(client, how(), &build, &err)) == 0);
    CHECK(strcmp(argo_build_version(build), ARGO_VERSION) == 0);
    CHECK(argo_build_api_version(build) == 1 && !argo_build_update_available(build));
    CHECK(strlen(argo_build_binary_sha256(build)) == 64);
    CHECK(strcmp(argo_build_binary_sha256(build), argo_build_disk_sha256(build)) == 0);
    argo_build_free(build);
}

static void walk(void)
{
    CHECK(argo_client_set_name(client, "walk", &err) == 0);
    refused();
    whole_run();
    sessions();
    lists();
    messages();
    daemon_itself();
    templates();
    registry();
    ci_of_its_own();
    history();
    lives();
    CHECK(end(argo_client_stop_daemon(client, -1, false, how(), &err)) == ARGO_E_INVALID);
    CHECK(end(argo_client_stop_daemon(client, 1000, true, how(), &err)) == 0);
}

int main(int argc, char **argv)
{
    argo_context *ctx = NULL;
    CHECK(argc == 4);
    looping = strcmp(argv[3], "loop") == 0;
    CHECK(argo_context_new(argv[1], &ctx, &err) == 0);
    CHECK(argo_client_new(ctx, argv[2][0] == '-' ? NULL : argv[2], &client, &err) == 0);
    walk();
    argo_client_free(client);
    argo_context_free(ctx);
    argo_error_free(err);
    puts("ok");
    return 0;
}
