/*
 * user_ask and user_choose: questions that wait, and what their answers do.
 */
#include <string.h>

#include "base/text.h"
#include "lib/fakeport.h"
#include "lib/runner.h"

static struct fakeport *flow(const char *steps, const char *answers)
{
    struct fakeport *f = fakeport_flow("", steps);
    f->answers = fake_json(answers);
    return f;
}

static struct fakeport *run(const char *steps, const char *answers)
{
    struct fakeport *f = flow(steps, answers);
    fakeport_run(f);
    return f;
}

static const ag_value *only_question(struct fakeport *f)
{
    struct ag_value_iter it = {0};
    ck_assert_uint_eq(ag_value_size(f->questions), 1);
    ck_assert(ag_value_next(f->questions, &it));
    return it.value;
}

#define ASK "{'step':'a','type':'user_ask','prompt':'Who, {{step}}?','save_to':'x'"

START_TEST(test_ask)
{
    struct fakeport *f = run(ASK "}", "['me']");
    ck_trace(f, "a:done");
    fakeport_expect(f, "x", "'me'");
    const ag_value *q = only_question(f);
    ck_assert_str_eq(ag_value_get_text(q, "prompt", ""), "Who, a?");
    ck_assert_str_eq(ag_value_get_text(q, "path", ""), "a");
    ck_assert_uint_eq(strlen(ag_value_get_text(q, "question_id", "")), 32);
    ck_assert_int_eq(f->consumed, f->seq);
    ck_output(f, NULL, ""); /* the prompt's record is the daemon's */
    fakeport_free(f);
}
END_TEST

START_TEST(test_typed_ahead)
{
    struct fakeport *f = flow(ASK "}", "['me']");
    f->typed_ahead = true;
    fakeport_run(f);
    fakeport_expect(f, "x", "'me'");
    ck_assert_int_eq(f->consumed, 1);
    fakeport_free(f);
}
END_TEST

/* A secret answer is in no record: the reply to the question has it. */
START_TEST(test_secret)
{
    struct fakeport *f = run(ASK ",'secret':true}", "['s3cret']");
    ck_trace(f, "a:done");
    fakeport_expect(f, "x", "'s3cret'");
    ck_assert_ptr_null(ag_value_get(ag_value_at(f->rows, 0), "outputs"));
    fakeport_free(f);
}
END_TEST

START_TEST(test_validate)
{
    struct fakeport *f =
        run(ASK ",'validate':{'type':'integer','min':2,'max':3}}", "['x','1','4','2.5','3']");
    fakeport_expect(f, "x", "3");
    ck_assert_uint_eq(f->asked, 5);
    char *notices = fakeport_output(f, "notice");
    ck_assert_ptr_nonnull(strstr(notices, "the answer is no whole number"));
    ck_assert_ptr_nonnull(strstr(notices, "at least 2"));
    ck_assert_ptr_nonnull(strstr(notices, "at most 3"));
    free(notices);
    fakeport_free(f);
    f = run(ASK ",'validate':{'type':'number'}}", "['2.5']");
    fakeport_expect(f, "x", "2.5");
    fakeport_free(f);
    f = run(ASK ",'validate':{'type':'boolean'}}", "['maybe','Yes']");
    fakeport_expect(f, "x", "true");
    fakeport_free(f);
    f = run(ASK ",'validate':{'pattern':'^[a-z]+$','min':2,'max':3}}",
            "['A','a','abcd','\xc3\xa4x','ab']");
    fakeport_expect(f, "x", "'ab'");
    ck_assert_uint_eq(f->asked, 5);
    fakeport_free(f);
}
END_TEST

START_TEST(test_schema)
{
    struct fakeport *f = run(ASK ",'validate':{'type':'integer','min':2,'max':3}}", "['2']");
    ag_value *expected = fake_json("{'type':'integer','minimum':2,'maximum':3}");
    ck_assert(ag_value_equal(ag_value_get(only_question(f), "schema"), expected));
    ag_value_unref(expected);
    fakeport_free(f);
}
END_TEST

START_TEST(test_deadline)
{
    struct fakeport *f = run(ASK ",'deadline':0.05,'default':'nobody'}", "[]");
    fakeport_expect(f, "x", "'nobody'");
    ck_assert_str_eq(ag_value_get_text(only_question(f), "on_deadline", ""), "default");
    fakeport_free(f);
    f = run(ASK ",'deadline':0.05}", "[]");
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    fakeport_free(f);
    f = run(ASK ",'deadline':0.05,'default':'nobody','on_deadline':'fail'}", "[]");
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    fakeport_free(f);
    f = run(ASK ",'deadline':'1h','default':'nobody'}", "['me']");
    fakeport_expect(f, "x", "'me'");
    fakeport_free(f);
}
END_TEST

#define CHOOSE                                                                     \
    "{'step':'a','type':'user_choose','prompt':'Which?','save_to':'x','options':[" \
    "{'label':'one {{step}}','value':1,'next_step':'c'},{'label':'two'}]"
#define AFTER \
    ",{'step':'b','type':'display','message':'b'},{'step':'c','type':'display','message':'c'}"

START_TEST(test_choose)
{
    struct fakeport *f = run(CHOOSE "}" AFTER, "[1]");
    ck_trace(f, "a:done c:done");
    fakeport_expect(f, "x", "1");
    ag_value *choices = fake_json("[{'label':'one a','value':1},{'label':'two','value':'two'}]");
    ck_assert(ag_value_equal(ag_value_get(only_question(f), "choices"), choices));
    ag_value_unref(choices);
    fakeport_free(f);
    f = run(CHOOSE "}" AFTER, "['one a']");
    ck_trace(f, "a:done c:done");
    fakeport_expect(f, "x", "1");
    fakeport_free(f);
    f = run(CHOOSE "}" AFTER, "['two']");
    ck_trace(f, "a:done b:done c:done");
    fakeport_expect(f, "x", "'two'");
    fakeport_free(f);
    f = run(CHOOSE "}" AFTER, "['three']");
    ck_assert_str_eq(fakeport_error(f, "code"), "input");
    fakeport_free(f);
}
END_TEST

START_TEST(test_choose_several)
{
    struct fakeport *f = run(CHOOSE ",'multiple':true}" AFTER, "[[1,'two']]");
    ck_trace(f, "a:done b:done c:done");
    fakeport_expect(f, "x", "[1,'two']");
    fakeport_free(f);
}
END_TEST

START_TEST(test_choose_default)
{
    struct fakeport *f = run(CHOOSE ",'deadline':0.05,'default':'one a'}" AFTER, "[]");
    ck_trace(f, "a:done c:done");
    fakeport_expect(f, "x", "1");
    fakeport_free(f);
}
END_TEST

/* The same question for the same path, another one for the next visit. */
START_TEST(test_question_ids)
{
    struct fakeport *f = flow(ASK ",'until':'x.length == 2'}", "[]");
    fakeport_start(f);
    fakeport_wait_calls(f, 2);
    fakeport_kill(f);
    fakeport_start(f);
    fakeport_wait_calls(f, 4);
    ck_assert_uint_eq(f->asked, 1);
    ag_value_unref(f->answers);
    f->answers = fake_json("['x','me']");
    fakeport_kill(f);
    fakeport_run(f);
    ck_trace(f, "a:done a#2:done");
    ck_assert_uint_eq(f->asked, 2);
    fakeport_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/ask");
    TCase *t = tcase_create("ask");
    tcase_add_test(t, test_ask);
    tcase_add_test(t, test_typed_ahead);
    tcase_add_test(t, test_secret);
    tcase_add_test(t, test_validate);
    tcase_add_test(t, test_schema);
    tcase_add_test(t, test_deadline);
    tcase_add_test(t, test_choose);
    tcase_add_test(t, test_choose_several);
    tcase_add_test(t, test_choose_default);
    tcase_add_test(t, test_question_ids);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
