/*
 * Recordings: playing hand-written ones, recording an upstream CI, and that replayed words are
 * labelled everywhere.
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"

static char provider[] = "replay", model[] = "model-1", dir[128];

/* {"messages":[{"content":"Hi","role":"user"}],"model":"model-1"} */
static const char canonical[] =
    "{\"messages\":[{\"content\":\"Hi\",\"role\":\"user\"}],\"model\":\"model-1\"}";

static struct ag_ci replay_ci(void)
{
    struct ag_ci ci = fixture_ci();
    snprintf(dir, sizeof(dir), "%s/rec", home);
    ci.provider = provider;
    ci.model = model;
    ci.base_url = NULL;
    ci.recording = dir;
    return ci;
}

static const char *file_of(const char *request)
{
    static char name[128];
    char hash[AG_SHA256_HEX];
    ag_sha256_hex(request, strlen(request), hash);
    snprintf(name, sizeof(name), "rec/%s.json", hash);
    return name;
}

static void record_by_hand(const char *about, const char *exchange)
{
    fixture_file("rec/recording.json", about, 0644);
    fixture_file(file_of(canonical), exchange, 0644);
}

static int ask(void)
{
    struct ag_ci ci = replay_ci();
    struct ag_ci_request request = fixture_request("Hi");
    return fixture_ask(&ci, NULL, &request);
}

START_TEST(a_hand_written_exchange_is_played)
{
    record_by_hand("{\"origin\":\"scripted: no model\",\"label\":\"replay: scripted, no model\"}",
                   "{\"reply\":{\"chunks\":[\"Hel\",\"lo\"],\"usage\":{\"model\":\"none\","
                   "\"input_tokens\":1,\"output_tokens\":2,\"cost_usd\":1.5},"
                   "\"finish_reason\":\"stop\"}}");
    ck_assert_int_eq(ask(), 0);
    ck_assert_str_eq(seen.result, "[replay: scripted, no model]\nHello");
    ck_assert_str_eq(seen.text, seen.result);
    ck_assert_int_eq(seen.texts, 3);
    ck_assert_str_eq(seen.label, "replay: scripted, no model");
    ck_assert_str_eq(seen.labels, "replay: scripted, no model");
    ag_auto_free char *usage = ag_value_print(seen.usage, NULL);
    ck_assert_str_eq(usage, "{\"model\":\"none\",\"input_tokens\":1,\"output_tokens\":2,"
                            "\"attempts\":1}");
    ck_assert_int_eq(ask(), 0);
    ck_assert_str_eq(seen.result, "[replay: scripted, no model]\nHello");
}
END_TEST

START_TEST(text_and_origin_will_do)
{
    record_by_hand("{\"origin\":\"scripted: no model\"}", "{\"reply\":{\"text\":\"Yes\"}}");
    ck_assert_int_eq(ask(), 0);
    ck_assert_str_eq(seen.result, "[replay: scripted: no model]\nYes");
    ck_assert_str_eq(seen.finish, "stop");
}
END_TEST

START_TEST(a_reply_to_a_schema_stays_json)
{
    struct ag_ci ci = replay_ci();
    struct ag_ci_request request = fixture_request("Hi");
    AG_AUTO(ag_value) schema = ag_value_object();
    request.schema = schema;
    record_by_hand("{\"label\":\"L\"}", "{}");
    fixture_file(file_of("{\"messages\":[{\"content\":\"Hi\",\"role\":\"user\"}],\"model\":"
                         "\"model-1\",\"schema\":{}}"),
                 "{\"reply\":{\"text\":\"{}\"}}", 0644);
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_str_eq(seen.result, "{}");
    ck_assert_str_eq(seen.label, "L");
    ck_assert_str_eq(seen.labels, "L");
}
END_TEST

START_TEST(every_part_of_the_request_counts)
{
    struct ag_ci ci = replay_ci();
    struct ag_ci_request request = fixture_request("Hi");
    record_by_hand("{\"label\":\"L\"}", "{\"reply\":{\"text\":\"x\"}}");
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    request.system = "S";
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_PROVIDER);
    request.system = NULL;
    request.temperature = 0;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_PROVIDER);
    request.temperature = -1;
    request.max_tokens = 1;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_PROVIDER);
    request.max_tokens = 0;
    request.model = "other";
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_PROVIDER);
    request.model = NULL;
    request.stream = true; /* how it is delivered does not */
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
}
END_TEST

START_TEST(a_miss_names_hash_and_directory)
{
    char hash[AG_SHA256_HEX];
    ag_sha256_hex(canonical, strlen(canonical), hash);
    ck_assert_int_eq(ask(), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, hash));
    ck_assert_ptr_nonnull(strstr(seen.details, dir));
    ck_assert_ptr_nonnull(strstr(seen.details, "CI 'claude'"));
}
END_TEST

START_TEST(broken_recordings)
{
    static const struct {
        const char *about, *exchange;
    } cases[] = {
        {"{\"label\":\"L\"}", "{"},
        {"{\"label\":\"L\"}", "{}"},
        {"{\"label\":\"L\"}", "{\"reply\":{}}"},
        {"{\"label\":\"L\"}", "{\"reply\":{\"chunks\":[1]}}"},
        {"{\"label\":\"L\"}", "{\"reply\":{\"chunks\":\"x\"}}"},
        {"{\"label\":\"a\\nb\"}", "{\"reply\":{\"text\":\"x\"}}"},
        {"{}", "{\"reply\":{\"text\":\"x\"}}"},
        {"[]", "{\"reply\":{\"text\":\"x\"}}"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        record_by_hand(cases[i].about, cases[i].exchange);
        ck_assert_msg(ask() == ARGO_E_PROVIDER, "case %zu", i);
        ck_assert_ptr_nonnull(strstr(seen.details, ".json"));
    }
    struct ag_ci ci = replay_ci();
    ci.recording = NULL;
    ck_assert_int_eq(ag_provider_check(&ci, NULL), ARGO_E_INVALID);
}
END_TEST

static const char *const pieces[] = {
    "{\"model\":\"model-1b\",\"choices\":[{\"delta\":{\"content\":\"one \"}}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"two\"},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}",
};

static int64_t fixed_now(void *user)
{
    return 1700000000000;
}

START_TEST(an_upstream_is_recorded_and_then_played)
{
    struct ag_ci ci = replay_ci();
    struct ag_ci upstream = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.stream = true;
    ag_context_set_clock(env.ctx, fixed_now, NULL);
    fakehttp_answer(server, 503, "Retry-After: 0\r\n", "");
    fixture_stream(pieces, AG_ARRAY_SIZE(pieces), true);
    ck_assert_int_eq(fixture_ask(&ci, &upstream, &request), 0);
    ck_assert_str_eq(seen.result, "one two"); /* a model has just said it: no label */
    ck_assert_str_eq(seen.text, "one two");
    ck_assert_str_eq(seen.label, "");
    ck_assert_int_eq(seen.retries, 1);
    ck_assert_int_eq(ag_value_get_int(seen.usage, "attempts", 0), 2);

    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_uint_eq(fakehttp_count(server), 2);
    const char *label = "replay: recorded from model-1b at 2023-11-14T22:13:20.000Z";
    ck_assert_str_eq(seen.label, label);
    ag_auto_free char *expected = ag_asprintf("[%s]\none two", label);
    ck_assert_str_eq(seen.result, expected);
    ck_assert_int_eq(seen.texts, 3);
    ck_assert_int_eq(ag_value_get_int(seen.usage, "attempts", 0), 1);
    ck_assert_int_eq(ag_value_get_int(seen.usage, "input_tokens", 0), 5);

    ag_auto_free char *text = NULL;
    ck_assert_int_eq(ag_file_read(fixture_path(file_of(canonical)), 65536, &text, NULL, NULL), 0);
    ck_assert_ptr_nonnull(strstr(text, "\"request\""));
}
END_TEST

START_TEST(a_failed_call_is_not_recorded)
{
    struct ag_ci ci = replay_ci();
    struct ag_ci upstream = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    fakehttp_answer(server, 400, "", "{\"error\":\"no\"}");
    ck_assert_int_eq(fixture_ask(&ci, &upstream, &request), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "HTTP 400: no"));
    ck_assert(!ag_file_exists(dir));
}
END_TEST

START_TEST(a_reply_that_cannot_be_recorded_fails)
{
    struct ag_ci ci = replay_ci();
    struct ag_ci upstream = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.stream = true;
    fixture_file("rec", "in the way", 0600);
    fixture_stream(pieces, AG_ARRAY_SIZE(pieces), true);
    ck_assert_int_lt(fixture_ask(&ci, &upstream, &request), 0);
    ck_assert_ptr_nonnull(strstr(seen.details, "record its reply"));
}
END_TEST

START_TEST(cancelling)
{
    struct ag_ci ci = replay_ci();
    struct ag_ci upstream = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    record_by_hand("{\"label\":\"L\"}", "{\"reply\":{\"text\":\"x\"}}");
    seen.cancel_on_text = true;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_int_eq(seen.done_count, 0);
    ck_assert_int_eq(seen.texts, 1);
    request.stream = true;
    fixture_stream(pieces, AG_ARRAY_SIZE(pieces), true);
    ck_assert_int_eq(fixture_ask(&ci, &upstream, &request), 0);
    ck_assert_int_eq(seen.done_count, 0);
    ck_assert_int_eq(seen.texts, 1);
    seen.cancel_on_text = false;
    seen.cancel_on_retry = true;
    fakehttp_answer(server, 503, "Retry-After: 9\r\n", "");
    ck_assert_int_eq(fixture_ask(&ci, &upstream, &request), 0);
    ck_assert_int_eq(seen.done_count, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("replay");
    TCase *tc = tcase_create("replay");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, a_hand_written_exchange_is_played);
    tcase_add_test(tc, text_and_origin_will_do);
    tcase_add_test(tc, a_reply_to_a_schema_stays_json);
    tcase_add_test(tc, every_part_of_the_request_counts);
    tcase_add_test(tc, a_miss_names_hash_and_directory);
    tcase_add_test(tc, broken_recordings);
    tcase_add_test(tc, an_upstream_is_recorded_and_then_played);
    tcase_add_test(tc, a_failed_call_is_not_recorded);
    tcase_add_test(tc, a_reply_that_cannot_be_recorded_fails);
    tcase_add_test(tc, cancelling);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
