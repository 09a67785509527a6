/*
 * Chat completions: the request as it is sent, streamed and whole replies, every way to fail.
 */
#include <string.h>

#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"

static const char whole[] =
    "{\"model\":\"model-1b\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":"
    "\"Hello, world\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12,"
    "\"completion_tokens\":3,\"cost\":0.25}}";

static const char *const pieces[] = {
    "{\"model\":\"model-1b\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"Hel\"},\"finish_reason\":null}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"l\xC3\xB6\"}}]}",
    "{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}",
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}",
};

static int ask(bool stream)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.stream = stream;
    return fixture_ask(&ci, NULL, &request);
}

START_TEST(a_whole_reply)
{
    fakehttp_answer(server, 200, "Content-Type: application/json\r\n", whole);
    ck_assert_int_eq(ask(false), 0);
    ck_assert_str_eq(seen.result, "Hello, world");
    ck_assert_str_eq(seen.text, "Hello, world");
    ck_assert_int_eq(seen.texts, 1);
    ck_assert_str_eq(seen.finish, "stop");
    ck_assert_str_eq(seen.label, "");
    ag_auto_free char *usage = ag_value_print(seen.usage, NULL);
    ck_assert_str_eq(usage, "{\"model\":\"model-1b\",\"input_tokens\":12,\"output_tokens\":3,"
                            "\"cost_usd\":0.25,\"attempts\":1}");
    ck_assert(strncmp(fakehttp_request(server, 0), "POST /v1/chat/completions ", 26) == 0);
    ck_assert_str_eq(
        fakehttp_body(server, 0),
        "{\"model\":\"model-1\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
    ck_assert_str_eq(fakehttp_header(server, 0, "Content-Type"), "application/json");
    ck_assert_ptr_null(fakehttp_header(server, 0, "Authorization"));
}
END_TEST

START_TEST(a_streamed_reply)
{
    fixture_stream(pieces, AG_ARRAY_SIZE(pieces), true);
    ck_assert_int_eq(ask(true), 0);
    ck_assert_str_eq(seen.result, "Hell\xC3\xB6");
    ck_assert_str_eq(seen.text, "Hell\xC3\xB6");
    ck_assert_int_eq(seen.texts, 2);
    ck_assert_str_eq(seen.finish, "length");
    ck_assert_int_eq(ag_value_get_int(seen.usage, "input_tokens", 0), 5);
    ck_assert_int_eq(ag_value_get_int(seen.usage, "output_tokens", 0), 2);
    ck_assert_ptr_null(ag_value_get(seen.usage, "cost_usd"));
    ck_assert_ptr_nonnull(strstr(fakehttp_body(server, 0),
                                 "\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    ck_assert_str_eq(fakehttp_header(server, 0, "Accept"), "text/event-stream");
}
END_TEST

START_TEST(either_end_of_a_stream_will_do)
{
    fixture_stream(pieces, 4, false);
    ck_assert_int_eq(ask(true), 0);
    fixture_stream(pieces, 3, true);
    ck_assert_int_eq(ask(true), 0);
    ck_assert_str_eq(seen.finish, "");
}
END_TEST

START_TEST(a_web_page_is_no_reply)
{
    fakehttp_answer(server, 200, "Content-Type: text/html; charset=utf-8\r\n",
                    "<!doctype html>\n<title>Welcome</title>\n");
    ck_assert_int_eq(ask(true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "answered with text/html"));
    ck_assert_ptr_nonnull(strstr(seen.details, "/v1/chat/completions"));
    ck_assert_uint_eq(fakehttp_count(server), 1);
    ck_assert_int_eq(seen.texts, 0);
}
END_TEST

START_TEST(a_stream_without_an_end_is_cut_off)
{
    fixture_stream(pieces, 3, false);
    ck_assert_int_eq(ask(true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "cut off after 6 bytes"));
    ck_assert_str_eq(seen.text, "Hell\xC3\xB6");
    ck_assert_int_eq(seen.retries, 0);
    ck_assert_int_eq(seen.done_count, 1);
}
END_TEST

START_TEST(a_lost_connection_within_the_text_is_final)
{
    fakehttp_reply(
        server,
        &(struct fake_reply){.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"
                                      "data: {\"choices\":[{\"delta\":{\"content\":\"so\"}}]}\n\n",
                             .close = true});
    ck_assert_int_eq(ask(true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "cut off after 2 bytes"));
    ck_assert_int_eq(seen.retries, 0);
}
END_TEST

START_TEST(a_server_that_does_not_stream)
{
    fakehttp_answer(server, 200, "Content-Type: application/json\r\n", whole);
    ck_assert_int_eq(ask(true), 0);
    ck_assert_str_eq(seen.result, "Hello, world");
    ck_assert_int_eq(seen.texts, 1);
}
END_TEST

START_TEST(an_error_within_the_stream)
{
    static const char *const data[] = {"{\"error\":{\"message\":\"model overloaded\"}}"};
    fixture_stream(data, 1, false);
    ck_assert_int_eq(ask(true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "CI 'claude': model overloaded"));
    static const char *const junk[] = {"{not json"};
    fixture_stream(junk, 1, false);
    ck_assert_int_eq(ask(true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "not a chat completion"));
}
END_TEST

START_TEST(the_server_s_own_words_are_shown)
{
    static const struct {
        int status;
        const char *body, *words;
    } cases[] = {
        {400, "{\"error\":{\"message\":\"no such model\",\"code\":\"x\"}}",
         "HTTP 400: no such model"},
        {404, "{\"error\":\"model 'x' not found, try pulling it\"}", "try pulling it"},
        {422, "{\"detail\":\"bad schema\"}", "bad schema"},
        {400, "plain words", "HTTP 400: plain words"},
        {401, "", "HTTP 401: no reason given (the server wants a key)"},
        {302, "", "HTTP 302"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        fakehttp_answer(server, cases[i].status, "", cases[i].body);
        ck_assert_int_eq(ask(i % 2 == 0), ARGO_E_PROVIDER);
        ck_assert_msg(strstr(seen.details, cases[i].words) != NULL, "%s", seen.details);
        ck_assert_int_eq(seen.retries, 0);
    }
}
END_TEST

START_TEST(long_errors_are_shortened)
{
    char body[5000];
    memset(body, 'e', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    fakehttp_answer(server, 400, "", body);
    ck_assert_int_eq(ask(false), ARGO_E_PROVIDER);
    ck_assert_uint_lt(strlen(seen.details), 700);
    ck_assert_ptr_nonnull(strstr(seen.details, "eee..."));
}
END_TEST

START_TEST(useless_replies)
{
    static const char *const bodies[] = {"", "{}", "[]", "{\"choices\":[]}", "{\"choices\":[{}]}"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(bodies); i++) {
        fakehttp_answer(server, 200, "", bodies[i]);
        ck_assert_msg(ask(false) == ARGO_E_PROVIDER, "%s", bodies[i]);
        ck_assert_ptr_nonnull(strstr(seen.details, "CI 'claude'"));
        ck_assert_int_eq(seen.retries, 0);
    }
}
END_TEST

START_TEST(all_of_the_request_is_sent)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    AG_AUTO(ag_value) schema = NULL;
    ck_assert_int_eq(ag_value_parse("{\"type\":\"object\"}", 17, &schema, NULL), 0);
    request.system = "Be brief";
    request.model = "other";
    request.temperature = 0.7;
    request.max_tokens = 50;
    request.schema = schema;
    fakehttp_answer(server, 200, "", whole);
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_str_eq(fakehttp_body(server, 0),
                     "{\"model\":\"other\",\"messages\":[{\"role\":\"system\",\"content\":\"Be "
                     "brief\"},{\"role\":\"user\",\"content\":\"Hi\"}],\"temperature\":0.7,"
                     "\"max_tokens\":50,\"response_format\":{\"type\":\"json_schema\","
                     "\"json_schema\":{\"name\":\"reply\",\"schema\":{\"type\":\"object\"}}}}");
}
END_TEST

START_TEST(the_key_is_sent_and_shown_nowhere)
{
    fixture_file("keys/claude", "sk-ARGO-CANARY-1\n", 0600);
    fakehttp_answer(server, 200, "", whole);
    ck_assert_int_eq(ask(false), 0);
    ck_assert_str_eq(fakehttp_header(server, 0, "Authorization"), "Bearer sk-ARGO-CANARY-1");
    fakehttp_answer(server, 401, "",
                    "{\"error\":{\"message\":\"bad key sk-ARGO-CANARY-1, sk-ARGO-CANARY-1!\"}}");
    ck_assert_int_eq(ask(false), ARGO_E_PROVIDER);
    ck_assert_ptr_null(strstr(seen.details, "CANARY"));
    ck_assert_ptr_nonnull(strstr(seen.details, "does not take the key"));
    static const char *const data[] = {"{\"error\":\"sk-ARGO-CANARY-1 is bad\"}"};
    fixture_stream(data, 1, false);
    ck_assert_int_eq(ask(true), ARGO_E_PROVIDER);
    ck_assert_ptr_null(strstr(seen.details, "CANARY"));
}
END_TEST

START_TEST(no_key_is_said_with_what_to_do)
{
    static char url[] = "https://api.example.invalid/v1";
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    ci.base_url = url;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_NO_KEY);
    ck_assert_ptr_nonnull(strstr(seen.details, "arc ci key claude"));
    ck_assert_ptr_nonnull(strstr(seen.details, "/keys/claude"));
    ck_assert_ptr_nonnull(strstr(seen.details, home));
}
END_TEST

START_TEST(bad_records_and_requests)
{
    static char plain[] = "http://10.0.0.1/v1", meta[] = "http://169.254.169.254/latest",
                file[] = "file:///etc/passwd", query[] = "https://x.example/?a", word[] = "opena";
    char *const urls[] = {NULL, plain, meta, file, query};
    struct ag_ci_request request = fixture_request("Hi");
    AG_AUTO(argo_error) err = NULL;
    for (size_t i = 0; i < AG_ARRAY_SIZE(urls); i++) {
        struct ag_ci ci = fixture_ci();
        ci.base_url = urls[i];
        ck_assert_int_eq(ag_provider_check(&ci, &err), ARGO_E_INVALID);
        ck_assert_str_eq(argo_error_field(err), "base_url");
        ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_INVALID);
    }
    struct ag_ci ci = fixture_ci();
    ck_assert_int_eq(ag_provider_check(&ci, NULL), 0);
    ci.model = NULL;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_INVALID);
    ci = fixture_ci();
    ci.provider = word;
    ck_assert_int_eq(ag_provider_check(&ci, &err), ARGO_E_INVALID);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "nearest: openai"));
    ci = fixture_ci();
    request.messages = NULL;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_INVALID);
}
END_TEST

START_TEST(cancelling)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.stream = true;
    seen.cancel_on_text = true;
    fixture_stream(pieces, AG_ARRAY_SIZE(pieces), true);
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_int_eq(seen.done_count, 0);
    ck_assert_int_eq(seen.texts, 1);
    fakehttp_answer(server, 200, "", whole);
    request.stream = false;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_int_eq(seen.done_count, 0);
    fakehttp_reply(server, &(struct fake_reply){.bytes = "x", .hold = true});
    ck_assert_int_eq(ag_ci_call_start(&env, &ci, NULL, &request, &events, NULL, &call, NULL), 0);
    ag_ci_call_cancel(call);
    ag_ci_call_cancel(NULL);
}
END_TEST

START_TEST(the_deadline)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.timeout_ms = 30;
    fakehttp_reply(server, &(struct fake_reply){.bytes = "x", .hold = true});
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(seen.details, "0.03 s"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("openai");
    TCase *tc = tcase_create("openai");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, a_whole_reply);
    tcase_add_test(tc, a_streamed_reply);
    tcase_add_test(tc, either_end_of_a_stream_will_do);
    tcase_add_test(tc, a_web_page_is_no_reply);
    tcase_add_test(tc, a_stream_without_an_end_is_cut_off);
    tcase_add_test(tc, a_lost_connection_within_the_text_is_final);
    tcase_add_test(tc, a_server_that_does_not_stream);
    tcase_add_test(tc, an_error_within_the_stream);
    tcase_add_test(tc, the_server_s_own_words_are_shown);
    tcase_add_test(tc, long_errors_are_shortened);
    tcase_add_test(tc, useless_replies);
    tcase_add_test(tc, all_of_the_request_is_sent);
    tcase_add_test(tc, the_key_is_sent_and_shown_nowhere);
    tcase_add_test(tc, no_key_is_said_with_what_to_do);
    tcase_add_test(tc, bad_records_and_requests);
    tcase_add_test(tc, cancelling);
    tcase_add_test(tc, the_deadline);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
