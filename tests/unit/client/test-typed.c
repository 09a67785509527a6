/*
 * Typed calls against a scripted daemon: what they send, what they make of replies that are none,
 * and what their callbacks may do. That they do what they say is tested in tests/capi.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <argo/argo.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/fakehttp.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

/* The scripted daemon has the test's loop; the client has its own. */
static ag_loop *loop;
static struct fakehttp *server;
static argo_context *ctx;
static argo_client *client;

static struct {
    int count, result, records;
    int64_t last;
    bool free_client;
    argo_client_request *cancel;
    int stop_at;
} seen;

static void setup(void)
{
    temp_dir_setup();
    memset(&seen, 0, sizeof(seen));
    ck_assert_int_eq(ag_dir_private(temp_path("run"), NULL), 0);
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    server = fakehttp_new(loop, temp_path("run/argo.sock"));
    ck_assert_int_eq(argo_context_new(temp_dir, &ctx, NULL), 0);
    ck_assert_int_eq(argo_client_new(ctx, NULL, &client, NULL), 0);
}

static void teardown(void)
{
    argo_client_free(client);
    argo_context_free(ctx);
    fakehttp_free(server);
    ag_loop_free(loop);
    temp_dir_teardown();
}

static void turn(void)
{
    struct pollfd fds[] = {{.fd = argo_client_get_fd(client), .events = POLLIN},
                           {.fd = ag_loop_fd(loop), .events = POLLIN}};
    int a = argo_client_get_timeout(client);
    int b = ag_loop_timeout(loop);
    ck_assert_int_ge(poll(fds, 2, a < 0 || (b >= 0 && b < a) ? b : a), 0);
    ck_assert_int_eq(argo_client_dispatch(client, NULL), 0);
    ck_assert_int_eq(ag_loop_dispatch(loop, 0, NULL), 0);
}

static void on_done(void *user, int result, const argo_error *err)
{
    argo_workflow *nested = NULL;
    seen.count++;
    seen.result = result;
    ck_assert_int_eq(argo_workflow_get(client, "x", NULL, &nested, NULL), ARGO_E_STATE);
    if (seen.free_client) {
        argo_client_free(ag_take(client));
    }
}

static int on_record(void *user, const argo_record *record)
{
    seen.records++;
    seen.last = argo_record_seq(record);
    argo_client_cancel(ag_take(seen.cancel));
    if (seen.free_client) {
        argo_client_free(ag_take(client));
    }
    return seen.records == seen.stop_at;
}

static const struct argo_call_options *later(void)
{
    static struct argo_call_options how;
    how = (struct argo_call_options)ARGO_CALL_OPTIONS_INIT;
    how.fn = on_done;
    return &how;
}

static int wait_done(void)
{
    for (int n = seen.count; seen.count == n;) {
        turn();
    }
    return seen.result;
}

/* ---- how -------------------------------------------------------------------------------------- */

START_TEST(how_a_call_is_made)
{
    struct argo_call_options how = ARGO_CALL_OPTIONS_INIT;
    argo_client_request *request = NULL;
    argo_workflow *run = NULL;
    how.request = &request;
    ck_assert_int_eq(argo_workflow_get(client, "x", &how, &run, NULL), ARGO_E_INVALID);
    how.request = NULL;
    how.timeout_ms = -1;
    ck_assert_int_eq(argo_workflow_get(client, "x", &how, &run, NULL), ARGO_E_INVALID);
    how.timeout_ms = 0;
    how.retry_ms = -2;
    ck_assert_int_eq(argo_workflow_get(client, "x", &how, &run, NULL), ARGO_E_INVALID);
    how.size = 0;
    ck_assert_int_eq(argo_workflow_get(client, "x", &how, &run, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_workflow_get(NULL, "x", NULL, &run, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_workflow_wait(client, "x", -2, NULL, &run, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_workflow_follow(client, "x", 0, NULL, NULL, NULL, NULL), ARGO_E_INVALID);
    struct argo_question_list_options odd = ARGO_QUESTION_LIST_OPTIONS_INIT;
    argo_questions *questions = NULL;
    odd.state = ARGO_QUESTION_CANCELLED + 1;
    ck_assert_int_eq(argo_question_list(client, &odd, NULL, &questions, NULL), ARGO_E_INVALID);
    odd.state = -2;
    ck_assert_int_eq(argo_question_list(client, &odd, NULL, &questions, NULL), ARGO_E_INVALID);
    odd.state = 0;
    odd.after = -1;
    ck_assert_int_eq(argo_question_list(client, &odd, NULL, &questions, NULL), ARGO_E_INVALID);
    odd.after = 0;
    odd.wait_ms = -1;
    ck_assert_int_eq(argo_question_list(client, &odd, NULL, &questions, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_question_answer_text(client, "x", "q", NULL, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_workflow_input(client, "x", NULL, NULL, NULL), ARGO_E_INVALID);
    ck_assert_ptr_null(run);
    ck_assert_uint_eq(fakehttp_connections(server), 0);
}
END_TEST

/* A program that was compiled when the struct ended after `retry_ms` blocks, whatever follows. */
START_TEST(options_of_an_older_program)
{
    struct argo_call_options how = ARGO_CALL_OPTIONS_INIT;
    argo_workflow *run = NULL;
    fakehttp_kill(server);
    how.size = offsetof(struct argo_call_options, fn);
    how.fn = on_done;
    ck_assert_int_eq(argo_workflow_get(client, "x", &how, &run, NULL), ARGO_E_NO_DAEMON);
    ck_assert_int_eq(seen.count, 0);
}
END_TEST

START_TEST(what_is_given_is_copied_and_encoded)
{
    struct argo_read_options options = ARGO_READ_OPTIONS_INIT;
    argo_records *list = NULL;
    char id[] = "a b";
    options.after = 7;
    options.wait_ms = 1500;
    ck_assert_int_eq(argo_workflow_output(client, id, &options, later(), &list, NULL), 0);
    memset(id, 'z', sizeof(id) - 1);
    fakehttp_answer(server, 200, "", "{\"data\":{\"records\":[],\"next_after\":7}}");
    ck_assert_int_eq(wait_done(), 0);
    ck_assert(ag_starts_with(fakehttp_request(server, 0),
                             "GET /api/workflow/output/a%20b?after=7&timeout=1.500 "));
    ck_assert_int_eq(argo_records_next_after(list), 7);
    ck_assert(!argo_records_ended(list));
    argo_records_free(list);
}
END_TEST

static void on_late(ag_timer *timer, void *user)
{
    fakehttp_release(server);
}

/* What the daemon keeps back on purpose does not count against the timeout of a try. */
START_TEST(processes_take_their_time)
{
    struct argo_call_options how = *later();
    ag_timer *timer = NULL;
    how.timeout_ms = 1;
    fakehttp_reply(server,
                   &(struct fake_reply){.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                                        .hold = true});
    ck_assert_int_eq(ag_timer_new(loop, on_late, NULL, &timer, NULL), 0);
    ag_timer_arm(timer, 50);
    ck_assert_int_eq(argo_workflow_abandon(client, "x", &how, NULL), 0);
    ck_assert_int_eq(wait_done(), 0);
    ag_timer_free(timer);
}
END_TEST

/* ---- replies ---------------------------------------------------------------------------------- */

START_TEST(replies_that_are_not_understood)
{
    static const char *const replies[] = {
        "[]",
        "{}",
        "{\"data\":1}",
        "{\"data\":{\"state\":\"flying\"}}",
        "{\"data\":{\"pid\":\"1\"}}",
    };
    static const char *const lists[] = {
        "null",
        "{\"data\":{}}",
        "{\"cis\":{},\"data\":{}}",
        "{\"cis\":[1],\"data\":{}}",
        "{\"cis\":[{\"name\":\"a\"},{\"port\":1}],\"data\":{\"count\":2}}",
    };
    argo_workflow *run = NULL;
    argo_cis *cis = NULL;
    for (size_t i = 0; i < AG_ARRAY_SIZE(replies); i++) {
        fakehttp_answer(server, 200, "", replies[i]);
        ck_assert_int_eq(argo_workflow_get(client, "x", later(), &run, NULL), 0);
        ck_assert_int_eq(wait_done(), ARGO_E_PROTOCOL);
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(lists); i++) {
        fakehttp_answer(server, 200, "", lists[i]);
        ck_assert_int_eq(argo_ci_list(client, later(), &cis, NULL), 0);
        ck_assert_int_eq(wait_done(), ARGO_E_PROTOCOL);
    }
    ck_assert_ptr_null(run);
    ck_assert_ptr_null(cis);
}
END_TEST

START_TEST(readers_take_null)
{
    size_t len = 1;
    ck_assert_str_eq(argo_workflow_id(NULL), "");
    ck_assert_int_eq(argo_workflow_pid(NULL), 0);
    ck_assert_ptr_null(argo_workflow_result(NULL, &len));
    ck_assert_uint_eq(len, 0);
    ck_assert_uint_eq(argo_workflows_count(NULL), 0);
    ck_assert_ptr_null(argo_workflows_at(NULL, 0));
    ck_assert_ptr_null(argo_workflows_next_cursor(NULL));
    ck_assert_ptr_null(argo_session_workflow_at(NULL, 0));
    ck_assert(!argo_question_secret(NULL));
    ck_assert(!argo_records_ended(NULL));
    ck_assert_str_eq(argo_workflow_state_name(-1), "");
    ck_assert_str_eq(argo_workflow_state_name(ARGO_WORKFLOW_ABANDONED), "abandoned");
    ck_assert_str_eq(argo_workflow_state_name(ARGO_WORKFLOW_ABANDONED + 1), "");
    argo_workflow_free(NULL);
    argo_workflows_free(NULL);
    argo_records_free(NULL);
}
END_TEST

/* ---- following -------------------------------------------------------------------------------- */

#define PAGE(a, b, after, more)                                       \
    "{\"events\":[{\"seq\":" #a ",\"stream\":\"event\"},{\"seq\":" #b \
    ",\"stream\":\"output\"}],\"data\":{\"next_after\":" #after more "}}"

static void follow(argo_client_request **request, int64_t retry_ms)
{
    struct argo_call_options how = *later();
    how.request = request;
    how.retry_ms = retry_ms;
    ck_assert_int_eq(argo_workflow_follow(client, "x", 3, on_record, NULL, &how, NULL), 0);
}

START_TEST(a_run_is_followed_to_its_end)
{
    follow(NULL, 60000);
    fakehttp_answer(server, 200, "", PAGE(4, 5, 5, ""));
    fakehttp_answer(server, 200, "", "{\"events\":[],\"data\":{\"next_after\":5}}");
    fakehttp_reply(server, &(struct fake_reply){0}); /* the daemon dies in between */
    fakehttp_reply(server, &(struct fake_reply){0});
    fakehttp_answer(server, 200, "", PAGE(8, 9, 9, ",\"ended\":true"));
    ck_assert_int_eq(wait_done(), 0);
    ck_assert_int_eq(seen.records, 4);
    ck_assert_int_eq(seen.last, 9);
    ck_assert_ptr_nonnull(strstr(fakehttp_request(server, 0), "?after=3&timeout=600.000 "));
    ck_assert_ptr_nonnull(
        strstr(fakehttp_request(server, fakehttp_count(server) - 1), "?after=5&timeout=600.000 "));
}
END_TEST

START_TEST(enough_is_enough)
{
    seen.stop_at = 1;
    follow(NULL, 0);
    fakehttp_answer(server, 200, "", PAGE(4, 5, 5, ""));
    ck_assert_int_eq(wait_done(), ARGO_FOLLOW_STOPPED);
    ck_assert_int_eq(seen.records, 1);
}
END_TEST

START_TEST(a_follower_may_be_cancelled_by_its_callback)
{
    follow(&seen.cancel, 0);
    fakehttp_answer(server, 200, "", PAGE(4, 5, 5, ""));
    while (seen.records == 0) {
        turn();
    }
    follow(NULL, 0); /* the client lives on */
    fakehttp_answer(server, 200, "", PAGE(4, 5, 5, ",\"ended\":true"));
    ck_assert_int_eq(wait_done(), 0);
    ck_assert_int_eq(seen.records, 3);
    ck_assert_int_eq(seen.count, 1);
}
END_TEST

START_TEST(a_client_may_be_freed_by_a_record)
{
    seen.free_client = true;
    follow(NULL, 0);
    fakehttp_answer(server, 200, "", PAGE(4, 5, 5, ""));
    while (client != NULL) {
        struct pollfd fds[] = {{.fd = argo_client_get_fd(client), .events = POLLIN},
                               {.fd = ag_loop_fd(loop), .events = POLLIN}};
        poll(fds, 2, 10);
        ck_assert_int_eq(ag_loop_dispatch(loop, 0, NULL), 0);
        ck_assert_int_eq(argo_client_dispatch(client, NULL), 0);
    }
    ck_assert_int_eq(seen.records, 1);
    ck_assert_int_eq(seen.count, 0);
}
END_TEST

START_TEST(nothing_is_stored_after_a_cancel)
{
    argo_workflow *run = NULL;
    argo_client_request *request = NULL;
    struct argo_call_options how = *later();
    how.request = &request;
    ck_assert_int_eq(argo_workflow_get(client, "x", &how, &run, NULL), 0);
    ck_assert_ptr_nonnull(request);
    argo_client_cancel(request);
    ck_assert_int_eq(argo_workflow_get(client, "y", later(), &run, NULL), 0);
    fakehttp_answer(server, 404, "", "{\"error\":{\"code\":1005,\"details\":\"none\"}}");
    ck_assert_int_eq(wait_done(), ARGO_E_NO_WORKFLOW);
    ck_assert_ptr_null(run);
    ck_assert_int_eq(seen.count, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("typed");
    TCase *tc = tcase_create("typed");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, how_a_call_is_made);
    tcase_add_test(tc, options_of_an_older_program);
    tcase_add_test(tc, what_is_given_is_copied_and_encoded);
    tcase_add_test(tc, processes_take_their_time);
    tcase_add_test(tc, replies_that_are_not_understood);
    tcase_add_test(tc, readers_take_null);
    tcase_add_test(tc, a_run_is_followed_to_its_end);
    tcase_add_test(tc, enough_is_enough);
    tcase_add_test(tc, a_follower_may_be_cancelled_by_its_callback);
    tcase_add_test(tc, a_client_may_be_freed_by_a_record);
    tcase_add_test(tc, nothing_is_stored_after_a_cancel);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
