/*
 * When a call is tried again, when not, and how long it waits. Servers that name a time of 0 keep
 * the tests short.
 */
#include <string.h>

#include "fixture.h"
#include "lib/runner.h"

static const char whole[] =
    "{\"choices\":[{\"message\":{\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}";
#define AT_ONCE "Retry-After: 0\r\n"

static int ask_for(int64_t timeout_ms)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.timeout_ms = timeout_ms;
    return fixture_ask(&ci, NULL, &request);
}

START_TEST(passing_failures_are_retried)
{
    static const int statuses[] = {429, 500, 502, 503, 529, 408};
    for (size_t i = 0; i < AG_ARRAY_SIZE(statuses); i++) {
        fakehttp_answer(server, statuses[i], AT_ONCE, "");
        fakehttp_answer(server, 200, "", whole);
        ck_assert_int_eq(ask_for(0), 0);
        ck_assert_int_eq(seen.retries, 1);
        ck_assert_int_eq(seen.delay, 0);
        ck_assert_int_eq(ag_value_get_int(seen.usage, "attempts", 0), 2);
    }
}
END_TEST

START_TEST(four_attempts_at_most)
{
    for (int i = 0; i < 3; i++) {
        fakehttp_answer(server, 429, AT_ONCE, "");
    }
    fakehttp_answer(server, 200, "", whole);
    ck_assert_int_eq(ask_for(0), 0);
    ck_assert_int_eq(ag_value_get_int(seen.usage, "attempts", 0), 4);
    for (int i = 0; i < 4; i++) {
        fakehttp_answer(server, 429, AT_ONCE, "{\"error\":{\"message\":\"slow down\"}}");
    }
    ck_assert_int_eq(ask_for(0), ARGO_E_PROVIDER);
    ck_assert_int_eq(seen.retries, 3);
    ck_assert_uint_eq(fakehttp_count(server), 8);
    ck_assert_ptr_nonnull(strstr(seen.details, "after 4 attempts"));
    ck_assert_ptr_nonnull(strstr(seen.details, "slow down"));
}
END_TEST

START_TEST(a_lost_connection_is_retried_after_half_a_second)
{
    fakehttp_reply(server, &(struct fake_reply){0});
    fakehttp_answer(server, 200, "", whole);
    ck_assert_int_eq(ask_for(0), 0);
    ck_assert_int_eq(seen.retries, 1);
    ck_assert(seen.delay >= 500 && seen.delay <= 1000);
}
END_TEST

START_TEST(an_empty_stream_is_retried)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.stream = true;
    fixture_stream(NULL, 0, false);
    static const char *const data[] = {"{\"choices\":[{\"delta\":{\"content\":\"yes\"}}]}"};
    fixture_stream(data, 1, true);
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_int_eq(seen.retries, 1);
    ck_assert_str_eq(seen.text, "yes");
}
END_TEST

/* A stream that answers 200 and then says what is wrong. */
static int ask_stream_of(const char *error)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.stream = true;
    fixture_stream(&error, 1, true);
    static const char *const data[] = {"{\"choices\":[{\"delta\":{\"content\":\"yes\"}}]}"};
    fixture_stream(data, 1, true);
    return fixture_ask(&ci, NULL, &request);
}

START_TEST(a_passing_error_in_a_stream_is_retried)
{
    static const char *const errors[] = {
        "{\"error\":{\"message\":\"slow\",\"type\":\"r\",\"code\":\"rate_limit_exceeded\"}}",
        "{\"error\":{\"message\":\"down\",\"type\":\"server_error\",\"code\":null}}",
        "{\"error\":{\"message\":\"bad gateway\",\"code\":502}}",
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(errors); i++) {
        ck_assert_int_eq(ask_stream_of(errors[i]), 0);
        ck_assert_int_eq(seen.retries, 1);
        ck_assert_str_eq(seen.text, "yes");
    }
}
END_TEST

START_TEST(another_error_in_a_stream_is_final)
{
    ck_assert_int_eq(ask_stream_of("{\"error\":{\"message\":\"no\",\"code\":\"invalid\"}}"),
                     ARGO_E_PROVIDER);
    ck_assert_int_eq(seen.retries, 0);
}
END_TEST

START_TEST(a_long_wait_is_not_waited)
{
    fakehttp_answer(server, 429, "Retry-After: 61\r\n", "");
    ck_assert_int_eq(ask_for(0), ARGO_E_PROVIDER);
    ck_assert_int_eq(seen.retries, 0);
    ck_assert_ptr_nonnull(strstr(seen.details, "asked to wait 61 s"));
}
END_TEST

START_TEST(no_wait_beyond_the_deadline)
{
    fakehttp_answer(server, 429, "Retry-After: 60\r\n", "");
    ck_assert_int_eq(ask_for(59000), ARGO_E_PROVIDER);
    ck_assert_int_eq(seen.retries, 0);
}
END_TEST

START_TEST(cancelling_in_between)
{
    fakehttp_answer(server, 429, "Retry-After: 60\r\n", "");
    seen.cancel_on_retry = true;
    ck_assert_int_eq(ask_for(0), 0);
    ck_assert_int_eq(seen.retries, 1);
    ck_assert_int_eq(seen.delay, 60000);
    ck_assert_int_eq(seen.done_count, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("retry");
    TCase *tc = tcase_create("retry");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, passing_failures_are_retried);
    tcase_add_test(tc, four_attempts_at_most);
    tcase_add_test(tc, a_lost_connection_is_retried_after_half_a_second);
    tcase_add_test(tc, an_empty_stream_is_retried);
    tcase_add_test(tc, a_passing_error_in_a_stream_is_retried);
    tcase_add_test(tc, another_error_in_a_stream_is_final);
    tcase_add_test(tc, a_long_wait_is_not_waited);
    tcase_add_test(tc, no_wait_beyond_the_deadline);
    tcase_add_test(tc, cancelling_in_between);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
