/*
 * Anthropic's messages: the request as it is sent, streamed and whole replies, schemas, every way to
 * fail that differs from chat completions.
 */
#include <string.h>

#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"

static const char whole[] =
    "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"model-1b\","
    "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":"
    "\"Hello, \"},{\"type\":\"text\",\"text\":\"world\"}],\"stop_reason\":\"end_turn\",\"usage\":"
    "{\"input_tokens\":12,\"cache_creation_input_tokens\":5,\"cache_read_input_tokens\":100,"
    "\"output_tokens\":3}}";

static const char *const pieces[] = {
    "{\"type\":\"message_start\",\"message\":{\"model\":\"model-1b\",\"content\":[],\"usage\":{"
    "\"input_tokens\":11,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}",
    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":"
    "\"\"}}",
    "{\"type\":\"ping\"}",
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
    "\"Hel\"}}",
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
    "\"l\xC3\xB6\"}}",
    "{\"type\":\"content_block_stop\",\"index\":0}",
    "{\"type\":\"something_new\",\"text\":\"no\"}",
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},\"usage\":{"
    "\"output_tokens\":9}}",
    "{\"type\":\"message_stop\"}",
};

static const char *const called[] = {
    "{\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":1}}}",
    "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Well:\"}}",
    "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"name\":\"reply\","
    "\"input\":{}}}",
    "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
    "\"{\\\"value\\\":\"}}",
    "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
    "\" [1,2]}\"}}",
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}",
    "{\"type\":\"message_stop\"}",
};

static struct ag_ci anthropic(void)
{
    static char word[] = "anthropic";
    struct ag_ci ci = fixture_ci();
    ci.provider = word;
    return ci;
}

static int ask(bool stream)
{
    struct ag_ci ci = anthropic();
    struct ag_ci_request request = fixture_request("Hi");
    request.stream = stream;
    return fixture_ask(&ci, NULL, &request);
}

static int ask_schema(const char *schema, bool stream)
{
    struct ag_ci ci = anthropic();
    struct ag_ci_request request = fixture_request("Hi");
    AG_AUTO(ag_value) value = NULL;
    ck_assert_int_eq(ag_value_parse(schema, strlen(schema), &value, NULL), 0);
    request.schema = value;
    request.stream = stream;
    return fixture_ask(&ci, NULL, &request);
}

START_TEST(a_whole_reply)
{
    fakehttp_answer(server, 200, "Content-Type: application/json\r\n", whole);
    ck_assert_int_eq(ask(false), 0);
    ck_assert_str_eq(seen.result, "Hello, world");
    ck_assert_int_eq(seen.texts, 1);
    ck_assert_str_eq(seen.finish, "end_turn");
    ag_auto_free char *usage = ag_value_print(seen.usage, NULL);
    ck_assert_str_eq(usage, "{\"model\":\"model-1b\",\"input_tokens\":117,\"output_tokens\":3,"
                            "\"cache_creation_input_tokens\":5,\"cache_read_input_tokens\":100,"
                            "\"attempts\":1}");
    ck_assert(strncmp(fakehttp_request(server, 0), "POST /v1/messages ", 18) == 0);
    ck_assert_str_eq(fakehttp_body(server, 0), "{\"model\":\"model-1\",\"max_tokens\":8192,"
                                               "\"messages\":[{\"role\":\"user\",\"content\":"
                                               "\"Hi\"}]}");
    ck_assert_str_eq(fakehttp_header(server, 0, "anthropic-version"), "2023-06-01");
    ck_assert_ptr_null(fakehttp_header(server, 0, "x-api-key"));
}
END_TEST

/* What cannot be meant is not counted: sums of it would be anything. */
START_TEST(numbers_that_nobody_uses)
{
    fakehttp_answer(server, 200, "Content-Type: application/json\r\n",
                    "{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"stop_reason\":"
                    "\"end_turn\",\"usage\":{\"input_tokens\":9223372036854775807,"
                    "\"cache_creation_input_tokens\":9223372036854775807,"
                    "\"cache_read_input_tokens\":1000000000000,\"output_tokens\":-1}}");
    ck_assert_int_eq(ask(false), 0);
    ag_auto_free char *usage = ag_value_print(seen.usage, NULL);
    ck_assert_str_eq(usage, "{\"model\":\"model-1\",\"input_tokens\":1000000000000,"
                            "\"cache_read_input_tokens\":1000000000000,\"attempts\":1}");
}
END_TEST

START_TEST(a_streamed_reply)
{
    fixture_stream(pieces, AG_ARRAY_SIZE(pieces), false);
    ck_assert_int_eq(ask(true), 0);
    ck_assert_str_eq(seen.result, "Hell\xC3\xB6");
    ck_assert_str_eq(seen.text, "Hell\xC3\xB6");
    ck_assert_int_eq(seen.texts, 2);
    ck_assert_str_eq(seen.finish, "max_tokens");
    ck_assert_int_eq(ag_value_get_int(seen.usage, "input_tokens", 0), 13);
    ck_assert_int_eq(ag_value_get_int(seen.usage, "output_tokens", 0), 9);
    ck_assert_ptr_nonnull(strstr(fakehttp_body(server, 0), "\"stream\":true"));
    ck_assert_str_eq(fakehttp_header(server, 0, "Accept"), "text/event-stream");
}
END_TEST

START_TEST(a_stream_without_an_end_is_cut_off)
{
    fixture_stream(pieces, 8, false); /* the reason to stop is an end, too */
    ck_assert_int_eq(ask(true), 0);
    fixture_stream(pieces, 7, false);
    ck_assert_int_eq(ask(true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "cut off after 6 bytes"));
    ck_assert_int_eq(seen.retries, 0);
}
END_TEST

START_TEST(all_of_the_request_is_sent)
{
    struct ag_ci ci = anthropic();
    struct ag_ci_request request = fixture_request("Hi");
    fixture_file("keys/claude", "sk-ant-CANARY-1\n", 0600);
    request.system = "Be brief";
    request.model = "other";
    request.temperature = 0.5;
    request.max_tokens = 50;
    fakehttp_answer(server, 200, "", whole);
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_str_eq(fakehttp_body(server, 0),
                     "{\"model\":\"other\",\"max_tokens\":50,\"system\":\"Be brief\",\"messages\":"
                     "[{\"role\":\"user\",\"content\":\"Hi\"}],\"temperature\":0.5}");
    ck_assert_str_eq(fakehttp_header(server, 0, "x-api-key"), "sk-ant-CANARY-1");
    ck_assert_str_eq(fakehttp_header(server, 0, "anthropic-version"), "2023-06-01");
    ck_assert_ptr_null(fakehttp_header(server, 0, "Authorization"));
}
END_TEST

START_TEST(a_schema_is_a_tool_that_must_be_called)
{
    fixture_stream(called, AG_ARRAY_SIZE(called), false);
    ck_assert_int_eq(ask_schema("{\"type\":\"array\"}", true), 0);
    ck_assert_str_eq(seen.result, "[1,2]");
    ck_assert_str_eq(seen.text, "[1,2]");
    ck_assert_int_eq(seen.texts, 1);
    ck_assert_ptr_nonnull(strstr(
        fakehttp_body(server, 0),
        "\"tools\":[{\"name\":\"reply\",\"description\":\"Gives the reply.\",\"input_schema\":{"
        "\"type\":\"object\",\"properties\":{\"value\":{\"type\":\"array\"}},\"required\":["
        "\"value\"]}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"reply\"}"));
    /* An object needs no wrapper. */
    fixture_stream(called, AG_ARRAY_SIZE(called), false);
    ck_assert_int_eq(ask_schema("{\"type\":\"object\"}", true), 0);
    ck_assert_str_eq(seen.result, "{\"value\": [1,2]}");
    ck_assert_ptr_nonnull(
        strstr(fakehttp_body(server, 1), "\"input_schema\":{\"type\":\"object\"}"));
    fakehttp_answer(server, 200, "",
                    "{\"content\":[{\"type\":\"text\",\"text\":\"So\"},{\"type\":\"tool_use\","
                    "\"input\":{\"n\":1}}]}");
    ck_assert_int_eq(ask_schema("{\"type\":\"object\"}", false), 0);
    ck_assert_str_eq(seen.result, "{\"n\":1}");
}
END_TEST

START_TEST(what_is_said_instead_of_a_call_is_the_reply)
{
    fixture_stream(pieces, AG_ARRAY_SIZE(pieces), false);
    ck_assert_int_eq(ask_schema("{\"type\":\"array\"}", true), 0);
    ck_assert_str_eq(seen.result, "Hell\xC3\xB6");
}
END_TEST

START_TEST(a_call_that_is_cut_off_is_made_again)
{
    fixture_stream(called, 5, false);
    fixture_stream(called, AG_ARRAY_SIZE(called), false);
    ck_assert_int_eq(ask_schema("{\"type\":\"array\"}", true), 0);
    ck_assert_str_eq(seen.result, "[1,2]");
    ck_assert_int_eq(seen.retries, 1);
}
END_TEST

START_TEST(what_passes_is_tried_again)
{
    static const char overloaded[] =
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}";
    static const char *const within[] = {overloaded};
    fakehttp_answer(server, 529, "Retry-After: 0\r\n", overloaded);
    fakehttp_answer(server, 429, "Retry-After: 0\r\n", overloaded);
    fakehttp_answer(server, 200, "", whole);
    ck_assert_int_eq(ask(false), 0);
    ck_assert_int_eq(seen.retries, 2);
    fixture_stream(within, 1, false);
    fakehttp_answer(server, 200, "", whole);
    ck_assert_int_eq(ask(true), 0);
    ck_assert_int_eq(seen.retries, 1);
}
END_TEST

START_TEST(what_does_not_pass_is_final)
{
    static const struct {
        int status;
        const char *body, *words;
    } cases[] = {
        {400,
         "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"max_tokens: "
         "too big\"}}",
         "HTTP 400: max_tokens: too big"},
        {401,
         "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid "
         "x-api-key sk-ant-CANARY-1\"}}",
         "HTTP 401: invalid x-api-key *************** (the server does not take the key)"},
        {200, "{\"type\":\"error\",\"error\":{\"type\":\"x\",\"message\":\"strange\"}}", "strange"},
        {200, "{\"content\":\"text\"}", "the reply has no content"},
        {200, "{", "not a message"},
    };

    fixture_file("keys/claude", "sk-ant-CANARY-1\n", 0600);
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        fakehttp_answer(server, cases[i].status, "", cases[i].body);
        ck_assert_int_eq(ask(i % 2 == 0), ARGO_E_PROVIDER);
        ck_assert_msg(strstr(seen.details, cases[i].words) != NULL, "%s", seen.details);
        ck_assert_int_eq(seen.retries, 0);
    }
}
END_TEST

START_TEST(where_it_is)
{
    static char plain[] = "http://10.0.0.1", own[] = "http://127.0.0.1:1/gateway", empty[] = "";
    struct ag_ci_request request = fixture_request("Hi");
    struct ag_ci ci = anthropic();
    ci.base_url = plain;
    ck_assert_int_eq(ag_provider_check(&ci, NULL), ARGO_E_INVALID);
    ci.base_url = own;
    ck_assert_int_eq(ag_provider_check(&ci, NULL), 0);
    /* Anthropic's own needs a key. */
    char *const none[] = {NULL, empty};
    for (size_t i = 0; i < AG_ARRAY_SIZE(none); i++) {
        ci.base_url = none[i];
        ck_assert_int_eq(ag_provider_check(&ci, NULL), 0);
        ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_NO_KEY);
        ck_assert_ptr_nonnull(strstr(seen.details, "arc ci key claude"));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("anthropic");
    TCase *tc = tcase_create("anthropic");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, a_whole_reply);
    tcase_add_test(tc, numbers_that_nobody_uses);
    tcase_add_test(tc, a_streamed_reply);
    tcase_add_test(tc, a_stream_without_an_end_is_cut_off);
    tcase_add_test(tc, all_of_the_request_is_sent);
    tcase_add_test(tc, a_schema_is_a_tool_that_must_be_called);
    tcase_add_test(tc, what_is_said_instead_of_a_call_is_the_reply);
    tcase_add_test(tc, a_call_that_is_cut_off_is_made_again);
    tcase_add_test(tc, what_passes_is_tried_again);
    tcase_add_test(tc, what_does_not_pass_is_final);
    tcase_add_test(tc, where_it_is);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
