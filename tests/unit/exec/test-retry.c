/*
 * What follows a failed attempt: retry, on_error, timeouts, and the numbers of attempts.
 */
#include <string.h>

#include "base/text.h"
#include "lib/fakeport.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static struct fakeport *run(const char *steps)
{
    struct fakeport *f = fakeport_flow("", steps);
    f->cwd = temp_dir;
    fakeport_run(f);
    return f;
}

/* Fails until it has been called three times. */
#define THIRD_TIME "'type':'command','argv':['sh','-c','echo x >> n; test $(wc -l < n) -ge 3']"

START_TEST(test_retry)
{
    struct fakeport *f = run("{'step':'a'," THIRD_TIME ",'retry':{'max_retries':2}},"
                             "{'step':'b','type':'display','message':'ok'}");
    ck_trace(f, "a:failed a@2:failed a@3:done b:done");
    ck_assert_str_eq(fakeport_status(f), "done");
    char *notice = fakeport_output(f, "notice");
    ck_assert_ptr_nonnull(strstr(notice, "1 of 2"));
    free(notice);
    fakeport_free(f);
}
END_TEST

START_TEST(test_retries_used_up)
{
    struct fakeport *f = run("{'step':'a'," THIRD_TIME ",'retry':{'max_retries':1,"
                             "'retry_delay':0.01,'retry_backoff':'exponential'}}");
    ck_trace(f, "a:failed a@2:failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "exit_code");
    fakeport_free(f);
}
END_TEST

START_TEST(test_retry_on)
{
    struct fakeport *f =
        run("{'step':'a'," THIRD_TIME ",'retry':{'max_retries':5,'on':['timeout']}}");
    ck_trace(f, "a:failed");
    fakeport_free(f);
    f = run("{'step':'a'," THIRD_TIME ",'retry':{'max_retries':5,'on':['exit_code']}}");
    ck_trace(f, "a:failed a@2:done"); /* the second call was counted above */
    fakeport_free(f);
}
END_TEST

START_TEST(test_on_error_retry)
{
    struct fakeport *f =
        run("{'step':'a','type':'command','argv':['false'],'on_error':{'action':'retry'}}");
    ck_trace(f, "a:failed a@2:failed a@3:failed a@4:failed");
    ck_assert_str_eq(fakeport_status(f), "failed");
    fakeport_free(f);
}
END_TEST

START_TEST(test_skip)
{
    struct fakeport *f =
        run("{'step':'a','type':'command','argv':['false'],'on_error':{'action':'skip'}}");
    ck_trace(f, "a:skipped");
    ck_assert_str_eq(fakeport_status(f), "done");
    ck_assert_ptr_nonnull(ag_value_get(ag_value_at(f->rows, 0), "error"));
    fakeport_free(f);
}
END_TEST

START_TEST(test_goto)
{
    struct fakeport *f = run("{'step':'a','type':'command','argv':['false'],'on_error':'c'},"
                             "{'step':'b','type':'display','message':'b','next_step':'EXIT'},"
                             "{'step':'c','type':'display','message':'c'}");
    ck_trace(f, "a:failed c:done");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
    f = run("{'step':'a','type':'command','argv':['false'],"
            "'on_error':{'action':'goto','target':'EXIT'}}");
    ck_trace(f, "a:skipped");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

START_TEST(test_timeout_of_a_question)
{
    struct fakeport *f = run("{'step':'a','type':'user_ask','prompt':'?','timeout':0.05,"
                             "'retry':{'max_retries':1}}");
    ck_trace(f, "a:failed a@2:failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    ck_assert_uint_eq(f->asked, 2); /* the first was closed with its attempt */
    fakeport_free(f);
}
END_TEST

static struct fakeport *limited(const char *timeout, int64_t started, const char *steps)
{
    ag_auto_free char *top = ag_asprintf("'limits':{'timeout':%s},", timeout);
    struct fakeport *f = fakeport_flow(top, steps);
    f->cwd = temp_dir;
    f->started = started;
    fakeport_run(f);
    return f;
}

static void expect_expired(struct fakeport *f, const char *trace)
{
    ck_trace(f, trace);
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    ck_assert_ptr_nonnull(strstr(fakeport_error(f, "message"), "limits.timeout"));
    fakeport_free(f);
}

/* Neither `retry` nor `on_error` goes on after the end of the run's time. */
START_TEST(test_timeout_of_the_run)
{
    expect_expired(limited("0.05", 0, "{'step':'a','type':'user_ask','prompt':'?'}"), "a:failed");
    expect_expired(limited("0.5", 0,
                           "{'step':'a','type':'command','argv':['sleep','1000'],"
                           "'retry':{'max_retries':3},'on_error':'b'},"
                           "{'step':'b','type':'display','message':'never'}"),
                   "a:failed");
    expect_expired(limited("0.5", 0,
                           "{'step':'a','type':'command','argv':['false'],"
                           "'retry':{'max_retries':3,'retry_delay':1000}}"),
                   "a:failed a@2:failed");
    struct fakeport *f = limited("1000", 0, "{'step':'a','type':'display','message':'in time'}");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

/* An executor that goes on with an old run. */
START_TEST(test_timeout_counts_from_the_start)
{
    expect_expired(limited("1000", 1, "{'step':'a','type':'user_ask','prompt':'?'}"), "a:failed");
}
END_TEST

/* It fails on purpose: neither `retry` nor `on_error` goes on, and what it says is the error. */
START_TEST(test_fail)
{
    struct fakeport *f = run("{'step':'a','type':'set','values':{'n':3}},"
                             "{'step':'b','type':'fail','message':'no','when':'n != 3'},"
                             "{'step':'c','type':'fail','message':'{{n}} are too many',"
                             "'retry':{'max_retries':3},'on_error':'d'},"
                             "{'step':'d','type':'display','message':'never'}");
    ck_trace(f, "a:done b:skipped c:failed");
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "fail");
    ck_assert_str_eq(fakeport_error(f, "message"), "3 are too many");
    ck_assert_str_eq(fakeport_error(f, "step"), "c");
    fakeport_free(f);
}
END_TEST

START_TEST(test_attempt_number)
{
    struct fakeport *f = run("{'step':'a','type':'command','argv':['sh','-c',"
                             "'echo {{attempt}} $ARGO_ATTEMPT {{effect_key}}; exit 1'],"
                             "'retry':{'max_retries':1}}");
    ck_output(f, "stdout", "1 1 flow_1/a\n2 2 flow_1/a\n");
    fakeport_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/retry");
    TCase *t = tcase_create("retry");
    tcase_add_checked_fixture(t, temp_dir_setup, temp_dir_teardown);
    tcase_add_test(t, test_retry);
    tcase_add_test(t, test_retries_used_up);
    tcase_add_test(t, test_retry_on);
    tcase_add_test(t, test_on_error_retry);
    tcase_add_test(t, test_skip);
    tcase_add_test(t, test_goto);
    tcase_add_test(t, test_timeout_of_a_question);
    tcase_add_test(t, test_timeout_of_the_run);
    tcase_add_test(t, test_timeout_counts_from_the_start);
    tcase_add_test(t, test_fail);
    tcase_add_test(t, test_attempt_number);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
