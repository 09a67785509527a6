/*
 * The steps that ask a person: their questions, and what the answers do.
 */
#include <string.h>

#include "base/context.h"
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
    ck_assert(ag_value_get_bool(ag_value_at(f->rows, 0), "secret", false));
    fakeport_free(f);
    f = run(ASK "}", "['open']");
    ck_assert(!ag_value_get_bool(ag_value_at(f->rows, 0), "secret", false));
    fakeport_free(f);
    f = run(ASK ",'secret':true},{'step':'b','type':'set','values':{'y':1}}", "['s3cret']");
    ck_assert(ag_value_get_bool(ag_value_at(f->rows, 0), "secret", false));
    ck_assert(!ag_value_get_bool(ag_value_at(f->rows, 1), "secret", false));
    fakeport_free(f);
}
END_TEST

/* `validate` becomes a schema; the daemon checks by it, and types the answer. */
START_TEST(test_schema)
{
    static const struct {
        const char *validate, *schema;
    } cases[] = {
        {"{'type':'integer','min':2,'max':3}", "{'type':'integer','minimum':2,'maximum':3}"},
        {"{'min':2,'max':3,'pattern':'^a'}",
         "{'type':'string','minLength':2,'maxLength':3,'pattern':'^a'}"},
        {"{'type':'boolean'}", "{'type':'boolean'}"},
        {"{'schema':{'enum':[1,2]}}", "{'enum':[1,2]}"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ag_auto_free char *steps = ag_asprintf(ASK ",'validate':%s}", cases[i].validate);
        struct fakeport *f = run(steps, "[2]");
        AG_AUTO(ag_value) expected = fake_json(cases[i].schema);
        ck_assert(ag_value_equal(ag_value_get(only_question(f), "schema"), expected));
        fakeport_expect(f, "x", "2");
        ck_assert_uint_eq(f->asked, 1);
        fakeport_free(f);
    }
}
END_TEST

static int64_t fake_now_ms = 1000;

static int64_t fake_clock(void *user)
{
    return fake_now_ms;
}

static void answered_meanwhile(struct fakeport *f)
{
    f->on_question = NULL;
    fakeport_answer(f);
    fake_now_ms += 60000;
}

/* The process stood still between the daemon's reply, that nobody has answered, and its reading:
 * that the deadline has passed by then does not say that nobody answered in time. */
START_TEST(test_reply_that_is_read_late)
{
    struct fakeport *f = flow(ASK ",'deadline':30,'default':'nobody'}", "['me']");
    ag_context_set_clock(f->ctx, fake_clock, NULL);
    f->on_question = answered_meanwhile;
    fakeport_run(f);
    ck_trace(f, "a:done");
    fakeport_expect(f, "x", "'me'");
    ck_assert_int_eq(f->consumed, f->seq);
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

#define APPROVE "{'step':'a','type':'approve','prompt':'Go, {{step}}?','on_no':'c','save_to':'x'"

START_TEST(test_approve)
{
    struct fakeport *f = run(APPROVE ",'details':'to {{step}}'}" AFTER, "[true]");
    ck_trace(f, "a:done b:done c:done");
    fakeport_expect(f, "x", "{'approved':true,'reason':null}");
    const ag_value *q = only_question(f);
    ck_assert_str_eq(ag_value_get_text(q, "kind", ""), "confirm");
    ck_assert_str_eq(ag_value_get_text(q, "prompt", ""), "Go, a?\n\nto a");
    ck_assert(ag_value_is(ag_value_get(q, "default"), ARGO_TYPE_BOOL));
    ck_assert(!ag_value_get_bool(q, "default", true));
    fakeport_free(f);
    f = run(
        "{'step':'a','type':'approve','prompt':'Go?','on_yes':'c','on_no':'b','save_to':'x'}" AFTER,
        "[{'approved':true,'reason':'fine'}]");
    ck_trace(f, "a:done c:done");
    fakeport_expect(f, "x", "{'approved':true,'reason':'fine'}");
    fakeport_free(f);
    f = run(APPROVE "}" AFTER, "[false]");
    ck_trace(f, "a:done c:done");
    fakeport_expect(f, "x", "{'approved':false,'reason':null}");
    ck_output(f, "notice", "");
    fakeport_free(f);
    f = run(APPROVE "}" AFTER, "[{'approved':false,'reason':'late'}]");
    ck_trace(f, "a:done c:done");
    fakeport_expect(f, "x", "{'approved':false,'reason':'late'}");
    fakeport_free(f);
}
END_TEST

/* As much as a prompt may have; what is cut says so. */
START_TEST(test_long_details)
{
    static const size_t fits = AG_MAX_TEXT - 3 - 64; /* "Go?" */
    for (size_t over = 0; over < 2; over++) {
        ag_auto_free char *details = calloc(1, fits + over + 1);
        memset(details, 'x', fits + over);
        ag_auto_free char *steps = ag_asprintf(
            "{'step':'a','type':'approve','prompt':'Go?','on_no':'EXIT','details':'%s'}", details);
        struct fakeport *f = run(steps, "[true]");
        ck_trace(f, "a:done");
        const char *prompt = ag_value_get_text(only_question(f), "prompt", "");
        ck_assert_uint_le(strlen(prompt), AG_MAX_TEXT);
        ck_assert_uint_eq(strspn(prompt + strlen("Go?\n\n"), "x"), fits);
        ck_assert((strstr(prompt, "\n(1 bytes more are not shown)") != NULL) == (over == 1));
        fakeport_free(f);
    }
}
END_TEST

/* A deadline that passes is a no. */
START_TEST(test_approve_deadline)
{
    struct fakeport *f = run(APPROVE ",'deadline':0.05}" AFTER, "[]");
    ck_trace(f, "a:done c:done");
    fakeport_expect(f, "x", "{'approved':false,'reason':null}");
    ck_assert_str_eq(ag_value_get_text(only_question(f), "on_deadline", ""), "default");
    ck_output(f, "notice", "nobody has answered in time: this counts as no\n");
    fakeport_free(f);
}
END_TEST

#define FORM "{'step':'a','type':'form','prompt':'Who?','save_to':'x'"
#define FIELDS                                                                                 \
    ",'fields':[{'name':'name','label':'Name of {{step}}','required':true},"                   \
    "{'name':'age','type':'integer','min':1,'max':9,'default':'{{n}}','description':'years'}," \
    "{'name':'colour','options':['red','green']},{'name':'pin','secret':true,'max':4,"         \
    "'pattern':'^{{2}}$'}]"

START_TEST(test_form)
{
    struct fakeport *f =
        fakeport_flow("'parameters':{'n':{'type':'number','default':5}},", FORM FIELDS "}");
    f->answers = fake_json("[{'name':'Ann','age':5}]");
    f->parameters = fake_json("{'n':5}");
    fakeport_run(f);
    ck_trace(f, "a:done");
    fakeport_expect(f, "x", "{'name':'Ann','age':5}");
    const ag_value *q = only_question(f);
    AG_AUTO(ag_value)
    schema = fake_json(
        "{'type':'object','properties':{"
        "'name':{'title':'Name of a','type':'string','minLength':1},"
        "'age':{'description':'years','type':'integer','minimum':1,'maximum':9,'default':5},"
        "'colour':{'enum':['red','green']},"
        "'pin':{'type':'string','maxLength':4,'pattern':'^{{2}}$','writeOnly':true}},"
        "'required':['name'],'additionalProperties':false}");
    ck_assert_str_eq(ag_value_get_text(q, "kind", ""), "form");
    ck_assert(ag_value_equal(ag_value_get(q, "schema"), schema));
    ck_assert(ag_value_get_bool(q, "secret", false));
    ck_assert_ptr_null(ag_value_get(q, "default"));
    ck_assert_ptr_null(ag_value_get(ag_value_at(f->rows, 0), "outputs"));
    fakeport_free(f);
}
END_TEST

START_TEST(test_form_schema)
{
    struct fakeport *f =
        run(FORM ",'schema':{'properties':{'a':{'type':'integer'}}}}", "[{'a':1}]");
    fakeport_expect(f, "x", "{'a':1}");
    AG_AUTO(ag_value) schema = fake_json("{'properties':{'a':{'type':'integer'}}}");
    ck_assert(ag_value_equal(ag_value_get(only_question(f), "schema"), schema));
    ck_assert(!ag_value_get_bool(only_question(f), "secret", false));
    fakeport_free(f);
}
END_TEST

START_TEST(test_form_deadline)
{
    static const char fields[] = FORM ",'deadline':0.05,'fields':[{'name':'a','default':'z'},"
                                      "{'name':'b'}]";
    ag_auto_free char *fails = ag_asprintf("%s}", fields);
    ag_auto_free char *takes = ag_asprintf("%s,'on_deadline':'default'}", fields);
    struct fakeport *f = run(fails, "[]");
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    ck_assert_str_eq(ag_value_get_text(only_question(f), "on_deadline", ""), "fail");
    fakeport_free(f);
    f = run(takes, "[]");
    fakeport_expect(f, "x", "{'a':'z'}");
    fakeport_free(f);
}
END_TEST

/* Another attempt is another question: the one before it has had its time. */
START_TEST(test_retry_asks_again)
{
    struct fakeport *f =
        run(ASK ",'deadline':0.05,'retry':{'max_retries':1,'retry_delay':0}}", "[]");
    ck_assert_uint_eq(f->asked, 2);
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
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
    tcase_add_test(t, test_schema);
    tcase_add_test(t, test_reply_that_is_read_late);
    tcase_add_test(t, test_deadline);
    tcase_add_test(t, test_choose);
    tcase_add_test(t, test_choose_several);
    tcase_add_test(t, test_choose_default);
    tcase_add_test(t, test_approve);
    tcase_add_test(t, test_long_details);
    tcase_add_test(t, test_approve_deadline);
    tcase_add_test(t, test_form);
    tcase_add_test(t, test_form_schema);
    tcase_add_test(t, test_form_deadline);
    tcase_add_test(t, test_retry_asks_again);
    tcase_add_test(t, test_question_ids);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
