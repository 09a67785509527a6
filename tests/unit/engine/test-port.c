/*
 * The executor's port against a scripted daemon: order, batches, retries, input, fencing.
 */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "engine/port_client.h"
#include "lib/fakehttp.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

#define OK       "{\"status\":\"success\"}"
#define NO_JSON  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nnot J"
#define MANY     10000 /* dispatches until a test gives up */
#define BIG_TEXT (64 * 1024)

static ag_loop *loop;
static argo_context *ctx;
static ag_http *http;
static ag_client *client;
static ag_port *port;
static struct fakehttp *server;

/* What the port has called back, as words. */
static struct {
    struct ag_buf calls;
    size_t n;
    int code;
    bool lost;
    bool drained;
} seen;

static void note(const char *word, const argo_error *err)
{
    ag_buf_printf(&seen.calls, "%s%s", seen.n > 0 ? " " : "", word);
    seen.n++;
    seen.code = argo_error_code(err);
}

static void on_input(const struct ag_stream_record *record, void *user)
{
    ag_auto_free char *word = ag_asprintf("input:%s", record->text);
    note(word, NULL);
}

static void on_message(const struct ag_message *message, void *user)
{
    ag_auto_free char *word = ag_asprintf("message:%s", message->type);
    note(word, NULL);
}

static void on_drained(void *user)
{
    seen.drained = true;
}

static void on_lost(const argo_error *err, void *user)
{
    note("lost", err);
    seen.lost = true;
}

static void on_done(const argo_error *err, void *user)
{
    note(user, err);
}

static void on_checkpoint(const struct ag_checkpoint *c, const argo_error *err, void *user)
{
    note(c != NULL ? c->workflow_id : "no-checkpoint", err);
}

static void on_question(const struct ag_question *q, const argo_error *err, void *user)
{
    note(q != NULL ? q->question_id : "no-question", err);
}

static void on_ci(const struct ag_ci *ci, const struct ag_ci *upstream, const argo_error *err,
                  void *user)
{
    ag_auto_free char *word = ag_asprintf("ci:%s/%s", ci != NULL ? ci->name : "-",
                                          upstream != NULL ? upstream->name : "-");
    note(word, err);
}

static void serve(void)
{
    server = fakehttp_new(loop, temp_path("run/argo.sock"));
}

static void setup(void)
{
    temp_dir_setup();
    memset(&seen, 0, sizeof(seen));
    ag_buf_init(&seen.calls, 1 << 20);
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    ck_assert_int_eq(argo_context_new(temp_dir, &ctx, NULL), 0);
    ck_assert_int_eq(ag_http_new(loop, ctx, &http, NULL), 0);
    ck_assert_int_eq(ag_dir_private(temp_path("run"), NULL), 0);
    const struct ag_client_config c = {ctx, loop, http, NULL, "run-token", 3};
    ck_assert_int_eq(ag_client_new(&c, &client, NULL), 0);
    const struct ag_port_client_config p = {ctx, loop, client, "w_1", 5};
    ck_assert_int_eq(ag_port_client_new(&p, &port, NULL), 0);
    port->events = (struct ag_port_events){.message = on_message, .lost = on_lost};
    const struct ag_channel_events io = {.input = on_input, .drained = on_drained};
    ag_channel_set_events(port->channel, &io, NULL);
    server = NULL;
}

static void teardown(void)
{
    ag_port_client_free(port);
    ag_client_free(client);
    ag_http_free(http);
    if (server != NULL) {
        fakehttp_free(server);
    }
    argo_context_free(ctx);
    ag_loop_free(loop);
    ag_buf_free(&seen.calls);
    temp_dir_teardown();
}

#define until(fact)                                                         \
    do {                                                                    \
        for (int until_ = 0; !(fact); until_++) {                           \
            ck_assert_msg(until_ < MANY, "gave up waiting for: %s", #fact); \
            ck_assert_int_eq(ag_loop_dispatch(loop, 1000, NULL), 0);        \
        }                                                                   \
    } while (0)

static void ck_seen(const char *expected)
{
    ck_assert_str_eq(ag_buf_text(&seen.calls), expected);
}

static bool asks(size_t i, const char *line)
{
    return strncmp(fakehttp_request(server, i), line, strlen(line)) == 0;
}

static char start_word[] = "start", complete_word[] = "complete", finish_word[] = "finish";

static void complete(const char *path)
{
    char *name = ag_strdup(path);
    struct ag_step_complete c = {.step = name, .path = name, .attempt = 1, .status = AG_STEP_DONE};
    port->ops->step_complete(port, &c, on_done, complete_word);
    free(name);
}

static size_t say(const char *key, const char *text)
{
    char kind[] = "stdout", path[] = "a";
    ag_auto_free char *k = ag_strdup(key);
    ag_auto_free char *t = ag_strdup(text);
    const struct ag_output_record r = {.kind = kind, .text = t, .path = path, .client_key = k};
    return ag_channel_write_record(port->channel, &r);
}

static size_t texts_in(size_t request)
{
    size_t n = 0;
    for (const char *at = fakehttp_body(server, request);
         (at = strstr(at, "\"client_key\"")) != NULL; at++) {
        n++;
    }
    return n;
}

static void answer(const char *body)
{
    fakehttp_answer(server, 200, "", body);
}

static void refuse(int status, int code)
{
    ag_auto_free char *body = ag_asprintf("{\"status\":\"error\",\"error\":{\"code\":%d,"
                                          "\"message\":\"m\",\"details\":\"d\"}}",
                                          code);
    fakehttp_answer(server, status, "", body);
}

/* ---- order and batches ------------------------------------------------------------------------- */

START_TEST(calls_keep_their_order)
{
    serve();
    for (int i = 0; i < 4; i++) {
        answer(OK);
    }
    char a[] = "a", b[] = "b";
    const struct ag_step_start start = {.step = a, .path = a, .attempt = 1};
    const struct ag_finish finish = {.status = 0};
    port->ops->step_start(port, &start, on_done, start_word);
    say("3.1", "hi");
    complete(b);
    port->ops->finish(port, &finish, on_done, finish_word);
    ck_seen("");
    until(seen.n == 3);
    ck_seen("start complete finish");
    ck_assert_uint_eq(fakehttp_count(server), 4);
    ck_assert(asks(0, "POST /api/workflow/w_1/step/start "));
    ck_assert(asks(1, "POST /api/workflow/output/w_1 "));
    ck_assert(asks(2, "POST /api/workflow/w_1/step/complete "));
    ck_assert(asks(3, "POST /api/workflow/w_1/message "));
    ck_assert_str_eq(fakehttp_header(server, 2, "X-Argo-Epoch"), "3");
    ck_assert_str_eq(fakehttp_header(server, 2, "Authorization"), "Bearer run-token");
}
END_TEST

/* One request at a time: the second waits for the first's reply, and what gathers meanwhile
 * travels together, each record with its own key. */
START_TEST(output_gathers_behind_a_request)
{
    serve();
    fakehttp_reply(server, &(struct fake_reply){.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2"
                                                         "\r\n\r\n{}",
                                                .hold = true});
    answer(OK);
    answer(OK);
    say("3.1", "one");
    until(fakehttp_count(server) == 1);
    say("3.2", "two");
    say("3.3", "three");
    complete("a");
    say("3.4", "four");
    ck_assert_int_eq(ag_loop_dispatch(loop, 0, NULL), 0);
    ck_assert_uint_eq(fakehttp_count(server), 1);
    fakehttp_release(server);
    until(seen.n == 1);
    answer(OK);
    until(fakehttp_count(server) == 4);
    ck_assert_uint_eq(texts_in(0), 1);
    ck_assert_uint_eq(texts_in(1), 2);
    ck_assert_ptr_nonnull(strstr(fakehttp_body(server, 1), "\"3.2\""));
    ck_assert_ptr_nonnull(strstr(fakehttp_body(server, 1), "\"3.3\""));
    ck_assert(asks(2, "POST /api/workflow/w_1/step/complete "));
    ck_assert_uint_eq(texts_in(3), 1); /* not in front of the completion */
}
END_TEST

/* What was said before a question or the end is there before it. */
START_TEST(output_comes_first)
{
    serve();
    answer(OK);
    answer("{\"status\":\"success\",\"data\":{\"question_id\":\"q1\",\"path\":\"a\","
           "\"kind\":\"text\",\"prompt\":\"?\"}}");
    answer(OK);
    answer(OK);
    char id[] = "q1", path[] = "a", prompt[] = "?";
    const struct ag_question q = {
        .question_id = id, .path = path, .kind = AG_QUESTION_TEXT, .prompt = prompt};
    const struct ag_finish finish = {.status = 0};
    say("3.1", "before the question");
    port->ops->question(port, &q, on_question, NULL);
    say("3.2", "before the end");
    port->ops->finish(port, &finish, on_done, finish_word);
    until(seen.n == 2);
    ck_seen("q1 finish");
    ck_assert(asks(0, "POST /api/workflow/output/w_1 "));
    ck_assert(asks(1, "POST /api/workflow/w_1/question "));
    ck_assert(asks(2, "POST /api/workflow/output/w_1 "));
    ck_assert(asks(3, "POST /api/workflow/w_1/message "));
    ck_assert_uint_eq(texts_in(0), 1);
    ck_assert_uint_eq(texts_in(2), 1);
}
END_TEST

START_TEST(too_much_output_drains)
{
    serve();
    ag_auto_free char *text = malloc(BIG_TEXT + 1);
    memset(text, 'x', BIG_TEXT);
    text[BIG_TEXT] = '\0';
    size_t queued = 0;
    size_t n = 0;
    while (queued <= AG_CHANNEL_HIGH) {
        ag_auto_free char *key = ag_asprintf("3.%zu", ++n);
        queued = say(key, text);
    }
    ck_assert_uint_eq(n, 16); /* each costs a little more than its text */
    ck_assert(!seen.drained);
    for (int i = 0; i < 3; i++) {
        answer(OK);
    }
    until(seen.drained);
    ck_assert_uint_ge(fakehttp_count(server), 2); /* no request is larger than 512 KiB */
    until(say("last", "") < BIG_TEXT);
}
END_TEST

/* ---- the daemon is away ------------------------------------------------------------------------ */

START_TEST(a_daemon_that_is_away_is_waited_for)
{
    complete("a");
    for (int i = 0; i < 5; i++) { /* refused, and a timer for the next try */
        ck_assert_int_eq(ag_loop_dispatch(loop, 100, NULL), 0);
    }
    ck_seen("");
    serve();
    answer(OK);
    until(seen.n == 1);
    ck_seen("complete");
    ck_assert_int_eq(seen.code, 0);
}
END_TEST

START_TEST(a_busy_daemon_is_asked_again)
{
    serve();
    refuse(503, 1304);
    refuse(503, 1303);
    answer(OK);
    complete("a");
    until(seen.n == 1);
    ck_seen("complete");
    ck_assert_uint_eq(fakehttp_count(server), 3);
    ck_assert_str_eq(fakehttp_body(server, 0), fakehttp_body(server, 2));
}
END_TEST

/* What answers without sense is asked again, but not at once. */
START_TEST(nonsense_is_asked_again_later)
{
    serve();
    fakehttp_reply(server, &(struct fake_reply){.bytes = NO_JSON});
    fakehttp_reply(server, &(struct fake_reply){.bytes = NO_JSON});
    answer(OK);
    complete("a");
    port->ops->listen(port, true);
    until(fakehttp_count(server) == 2);
    ck_assert_int_eq(ag_loop_dispatch(loop, 0, NULL), 0);
    ck_assert_uint_eq(fakehttp_count(server), 2);
    port->ops->listen(port, false);
    until(seen.n == 1);
    ck_seen("complete");
}
END_TEST

/* ---- the run is lost ----------------------------------------------------------------------------- */

/* Long enough for a request to arrive, if there is one. */
static void nothing_more(void)
{
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(ag_loop_dispatch(loop, 0, NULL), 0);
    }
}

static void loses(int status, int code, int expected)
{
    serve();
    refuse(status, code);
    complete("a");
    complete("b");
    say("3.1", "never");
    until(seen.lost);
    nothing_more();
    ck_seen("lost");
    ck_assert_int_eq(seen.code, expected);
    ck_assert_uint_eq(fakehttp_count(server), 1); /* nothing more is written */
}

START_TEST(fenced_is_lost)
{
    loses(409, 1010, ARGO_E_FENCED);
}
END_TEST

START_TEST(a_refused_token_is_lost)
{
    loses(401, 1101, ARGO_E_NO_TOKEN);
}
END_TEST

/* The same while only the poll is under way, as when a person is waited for. */
START_TEST(fenced_while_waiting_is_lost)
{
    serve();
    refuse(409, 1010);
    port->ops->listen(port, true);
    until(seen.lost);
    ck_seen("lost");
    ck_assert_int_eq(seen.code, ARGO_E_FENCED);
    complete("a");
    nothing_more();
    ck_assert_uint_eq(fakehttp_count(server), 1);
}
END_TEST

START_TEST(another_refusal_is_the_callers)
{
    serve();
    refuse(413, 1201);
    answer(OK);
    complete("a");
    until(seen.n == 1);
    ck_assert_int_eq(seen.code, ARGO_E_TOO_LARGE);
    ck_assert(!seen.lost);
    complete("b");
    until(seen.n == 2);
    ck_seen("complete complete");
    ck_assert_int_eq(seen.code, 0);
}
END_TEST

/* What would pass is not waited for when there is nothing to come back to. */
START_TEST(without_the_home_it_is_lost)
{
    serve();
    ag_auto_free char *moved = ag_asprintf("%s-moved", temp_dir);
    fakehttp_reply(server, &(struct fake_reply){.bytes = NO_JSON, .hold = true});
    complete("a");
    until(fakehttp_count(server) == 1);
    ck_assert_int_eq(rename(temp_dir, moved), 0);
    fakehttp_release(server);
    until(seen.lost);
    ck_assert_int_eq(rename(moved, temp_dir), 0);
    ck_assert_int_eq(seen.code, ARGO_E_PROTOCOL);
}
END_TEST

/* ---- what it reads ----------------------------------------------------------------------------- */

START_TEST(a_checkpoint)
{
    serve();
    answer("{\"status\":\"success\",\"data\":{\"workflow_id\":\"w_1\",\"epoch\":3,"
           "\"definition\":\"{}\",\"template\":\"t\",\"consumed_input_seq\":41,"
           "\"messages_after\":44}}");
    fakehttp_reply(server, &(struct fake_reply){.bytes = "", .hold = true});
    port->ops->checkpoint(port, on_checkpoint, NULL);
    until(seen.n == 1);
    ck_seen("w_1");
    port->ops->listen(port, true); /* from what the steps before have used up */
    until(fakehttp_count(server) == 2);
    ck_assert(asks(1, "GET /api/workflow/w_1/messages?timeout=5&after=41&with=input "));
}
END_TEST

/* Asked for without input as well; a poll lasts as long as the daemon wants to wait. What was for
 * executors before this one is passed over. */
START_TEST(messages)
{
    serve();
    answer("{\"status\":\"success\",\"data\":{\"workflow_id\":\"w_1\",\"epoch\":3,"
           "\"definition\":\"{}\",\"template\":\"t\",\"consumed_input_seq\":41,"
           "\"messages_after\":38,\"poll\":2.5}}");
    answer("{\"status\":\"success\",\"messages\":[{\"type\":\"pause\",\"seq\":38},"
           "{\"type\":\"x-a\",\"seq\":39},{\"type\":\"resume\",\"payload\":{\"paused_ms\":7},"
           "\"seq\":43}],\"data\":{\"next_after\":43,\"input\":["
           "{\"seq\":40,\"kind\":\"line\",\"text\":\"old\"},"
           "{\"seq\":42,\"kind\":\"line\",\"text\":\"new\"}]}}");
    fakehttp_reply(server, &(struct fake_reply){.bytes = "", .hold = true});
    port->ops->checkpoint(port, on_checkpoint, NULL);
    until(fakehttp_count(server) == 3);
    ck_seen("w_1 message:x-a message:resume input:new");
    ck_assert(asks(1, "GET /api/workflow/w_1/messages?timeout=2.5&after=38&with=input "));
    ck_assert(asks(2, "GET /api/workflow/w_1/messages?timeout=2.5&after=43&with=input "));
    port->ops->listen(port, true); /* the same poll serves */
    port->ops->listen(port, false);
    answer(OK);
    complete("a");
    until(seen.n == 5);
    ck_assert_uint_eq(fakehttp_count(server), 4);
}
END_TEST

START_TEST(a_checkpoint_that_is_none)
{
    serve();
    answer("{\"status\":\"success\",\"data\":{\"workflow_id\":7}}");
    port->ops->checkpoint(port, on_checkpoint, NULL);
    until(seen.n == 1);
    ck_seen("no-checkpoint");
    ck_assert_int_ne(seen.code, 0);
}
END_TEST

START_TEST(input_moves_on)
{
    serve();
    answer("{\"status\":\"success\",\"messages\":[],\"data\":{\"next_after\":7,\"input\":"
           "[{\"seq\":5,\"kind\":\"line\",\"text\":\"x\"},"
           "{\"seq\":7,\"kind\":\"line\",\"text\":\"y\"}]}}");
    answer("{\"status\":\"success\",\"messages\":[],\"data\":{\"next_after\":7,\"input\":[]}}");
    fakehttp_reply(server, &(struct fake_reply){.bytes = "", .hold = true});
    port->ops->listen(port, true);
    until(fakehttp_count(server) == 3);
    ck_seen("input:x input:y");
    ck_assert(asks(0, "GET /api/workflow/w_1/messages?timeout=5&after=0&with=input "));
    ck_assert(asks(1, "GET /api/workflow/w_1/messages?timeout=5&after=7&with=input "));
    ck_assert(asks(2, "GET /api/workflow/w_1/messages?timeout=5&after=7&with=input "));
    port->ops->listen(port, false); /* the poll ends, nothing is asked any more */
    answer(OK);
    complete("a");
    until(seen.n == 3);
    ck_assert_uint_eq(fakehttp_count(server), 4);
}
END_TEST

START_TEST(a_question)
{
    serve();
    answer("{\"status\":\"success\",\"data\":{\"question_id\":\"q1\",\"path\":\"a\","
           "\"kind\":\"text\",\"prompt\":\"?\"}}");
    char id[] = "q1", path[] = "a", prompt[] = "?";
    const struct ag_question q = {
        .question_id = id, .path = path, .kind = AG_QUESTION_TEXT, .prompt = prompt};
    port->ops->question(port, &q, on_question, NULL);
    until(seen.n == 1);
    ck_seen("q1");
    ck_assert(asks(0, "POST /api/workflow/w_1/question "));
}
END_TEST

/* ---- CIs --------------------------------------------------------------------------------------- */

#define CI(name, more) "{\"name\":\"" name "\",\"provider\":\"openai\"" more "}"

static void ask_ci_or(const char *name, const char *fallback, const char *reply,
                      const char *expected, int code)
{
    size_t before = seen.n;
    if (server == NULL) {
        serve();
    }
    ag_buf_clear(&seen.calls);
    answer(reply);
    port->ops->ci(port, name, fallback, on_ci, NULL);
    until(seen.n == before + 1);
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&seen.calls), expected));
    ck_assert_int_eq(seen.code, code);
}

static void ask_ci(const char *name, const char *reply, const char *expected, int code)
{
    ask_ci_or(name, NULL, reply, expected, code);
}

START_TEST(the_ci_by_name)
{
    ask_ci("x y", "{\"status\":\"success\",\"data\":" CI("x", "") "}", "ci:x/-", 0);
    ck_assert(asks(0, "GET /api/registry/ci/x%20y "));
}
END_TEST

START_TEST(the_default_ci)
{
    ask_ci(NULL, "{\"status\":\"success\",\"cis\":[" CI("only", "") "]}", "ci:only/-", 0);
    ask_ci(
        NULL,
        "{\"status\":\"success\",\"cis\":[" CI("a", "") "," CI("b", ",\"role\":\"default\"") "]}",
        "ci:b/-", 0);
    ask_ci(NULL, "{\"status\":\"success\",\"cis\":[" CI("a", "") "," CI("b", "") "]}", "ci:-/-",
           ARGO_E_NO_CI);
    ask_ci(NULL, "{\"status\":\"success\",\"cis\":[]}", "ci:-/-", ARGO_E_NO_CI);
    ck_assert(!seen.lost);
}
END_TEST

/* After the registry's default, before the only one. */
START_TEST(the_ci_of_the_configuration)
{
    static const char two[] = "{\"status\":\"success\",\"cis\":[" CI("a", "") "," CI("b", "") "]}";
    static const char one[] = "{\"status\":\"success\",\"cis\":[" CI("a", "") "]}";
    ask_ci_or(NULL, "b", two, "ci:b/-", 0);
    ask_ci_or(NULL, "c", two, "ci:-/-", ARGO_E_NO_CI);
    ask_ci_or(NULL, "c", one, "ci:-/-", ARGO_E_NO_CI);
    ask_ci_or(
        NULL, "a",
        "{\"status\":\"success\",\"cis\":[" CI("a", "") "," CI("b", ",\"role\":\"default\"") "]}",
        "ci:b/-", 0);
    ask_ci_or("x", "a", "{\"status\":\"success\",\"data\":" CI("x", "") "}", "ci:x/-", 0);
}
END_TEST

START_TEST(a_recording_ci_and_what_it_records)
{
    serve();
    answer("{\"status\":\"success\",\"data\":" CI("rec", ",\"upstream\":\"real\"") "}");
    answer("{\"status\":\"success\",\"data\":" CI("real", "") "}");
    answer(OK);
    port->ops->ci(port, "rec", NULL, on_ci, NULL);
    complete("a");
    until(seen.n == 2);
    ck_seen("ci:rec/real complete");
    ck_assert(asks(1, "GET /api/registry/ci/real "));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("engine/port");
    TCase *t = tcase_create("port");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, calls_keep_their_order);
    tcase_add_test(t, output_gathers_behind_a_request);
    tcase_add_test(t, output_comes_first);
    tcase_add_test(t, too_much_output_drains);
    tcase_add_test(t, a_daemon_that_is_away_is_waited_for);
    tcase_add_test(t, a_busy_daemon_is_asked_again);
    tcase_add_test(t, nonsense_is_asked_again_later);
    tcase_add_test(t, fenced_is_lost);
    tcase_add_test(t, a_refused_token_is_lost);
    tcase_add_test(t, fenced_while_waiting_is_lost);
    tcase_add_test(t, another_refusal_is_the_callers);
    tcase_add_test(t, without_the_home_it_is_lost);
    tcase_add_test(t, a_checkpoint);
    tcase_add_test(t, messages);
    tcase_add_test(t, a_checkpoint_that_is_none);
    tcase_add_test(t, input_moves_on);
    tcase_add_test(t, a_question);
    tcase_add_test(t, the_ci_by_name);
    tcase_add_test(t, the_ci_of_the_configuration);
    tcase_add_test(t, the_default_ci);
    tcase_add_test(t, a_recording_ci_and_what_it_records);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
