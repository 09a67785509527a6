/*
 * Executors that die: whatever the point, the next one goes on and the effects are the same.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/fakeport.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

/* Three rounds with every kind of step; the only one with an effect keeps a log of its keys. */
static const char loop_steps[] =
    "{'step':'zero','type':'set','values':{'n':0,'said':''}},"
    "{'step':'count','type':'set','values':{'n':'{{n + 1}}'}},"
    "{'step':'effect','type':'command','repeat':'safe','argv':['sh','-c',"
    "'echo $ARGO_EFFECT_KEY >> log; echo out']},"
    "{'step':'ask','type':'user_ask','prompt':'{{n}}?','save_to':'said'},"
    "{'step':'show','type':'display','message':'{{n}} {{said}}'},"
    "{'step':'odd','type':'display','message':'odd','when':'n % 2 == 1'},"
    "{'step':'more','type':'decide','condition':'n < 3','if_true':'count','if_false':'EXIT'}";

static struct fakeport *looping(void)
{
    struct fakeport *f = fakeport_flow("", loop_steps);
    f->cwd = temp_dir;
    f->answers = fake_json("['x','y','z']");
    return f;
}

static char *effects(void)
{
    char *text = NULL;
    size_t len = 0;
    ck_assert_int_eq(ag_file_read(temp_path("log"), 4096, &text, &len, NULL), 0);
    ck_assert_int_eq(remove(temp_path("log")), 0);
    return text;
}

/* Each key, in this order, at least once. */
static void check_effects(size_t kill_at)
{
    static const char *const keys[] = {"flow_1/effect\n", "flow_1/effect#2\n", "flow_1/effect#3\n"};
    char *text = effects();
    const char *at = text;
    size_t total = 0;
    for (size_t i = 0; i < AG_ARRAY_SIZE(keys); i++) {
        size_t times = 0;
        for (; ag_starts_with(at, keys[i]); times++) {
            at += strlen(keys[i]);
        }
        ck_assert_msg(times >= 1, "killed at %zu: %s", kill_at, text);
        total += times;
    }
    ck_assert_str_eq(at, "");
    ck_assert_uint_le(total, kill_at == 0 ? 3 : 4);
    free(text);
}

static size_t run_killed_at(size_t kill_at, enum fake_kill how)
{
    struct fakeport *f = looping();
    f->kill_at = kill_at;
    f->kill_how = how;
    fakeport_run(f);
    if (f->killed) {
        fakeport_run(f);
    }
    ck_assert_str_eq(fakeport_status(f), "done");
    ck_output(f, "text", "1 x\nodd\n2 y\n3 z\nodd\n");
    fakeport_expect(f, "n", "3");
    ck_assert_uint_eq(f->asked, 3);
    ck_assert_int_eq(f->steps_done, 19);
    ck_assert_int_eq(ag_value_get_int(ag_value_get(f->finish, "result"), "steps", 0), 19);
    check_effects(kill_at);
    size_t calls = f->calls;
    fakeport_free(f);
    return calls;
}

START_TEST(test_die_anywhere)
{
    size_t calls = run_killed_at(0, FAKE_KILL_BEFORE);
    ck_assert_uint_ge(calls, 25);
    for (size_t k = 1; k <= calls; k++) {
        run_killed_at(k, FAKE_KILL_BEFORE);
        run_killed_at(k, FAKE_KILL_AFTER);
    }
}
END_TEST

/* A completed step is never run again; the one under way is, as another attempt. */
START_TEST(test_in_flight)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'command','repeat':'safe','argv':['true']},"
                          "{'step':'b','type':'command','repeat':'safe','argv':['true']}");
    f->kill_at = 3; /* checkpoint, start of a, completion of a with the start of b */
    f->kill_how = FAKE_KILL_AFTER;
    fakeport_run(f);
    ck_assert(f->killed);
    ck_trace(f, "a:done b:started");
    fakeport_run(f);
    ck_trace(f, "a:done b:started b@2:done");
    ck_output(f, "notice", "the executor died in the middle of step 'b': it is repeated\n");
    fakeport_free(f);
}
END_TEST

static struct fakeport *interrupted(const char *decision)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'command','argv':['false']},"
                                           "{'step':'b','type':'display','message':'b'}");
    f->kill_at = 2;
    f->kill_how = FAKE_KILL_AFTER;
    fakeport_run(f);
    ck_assert(ag_value_get_bool(f->flight, "repeat_never", false));
    f->decision = ag_strdup(decision);
    fakeport_run(f);
    return f;
}

START_TEST(test_decisions)
{
    struct fakeport *f = interrupted("skip");
    ck_trace(f, "a:skipped b:done");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
    f = interrupted("fail");
    ck_trace(f, "a:failed");
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "interrupted");
    fakeport_free(f);
    f = interrupted("repeat");
    ck_trace(f, "a:started a@2:failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "exit_code");
    fakeport_free(f);
}
END_TEST

/* The retry that was due goes on with the next attempt, and with what is left of its retries. */
START_TEST(test_between_attempts)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'read_file','source':'/nonexistent/x','save_to':'x',"
                          "'retry':{'max_retries':2,'retry_delay':0.01}}");
    f->kill_at = 2;
    f->kill_how = FAKE_KILL_AFTER;
    fakeport_run(f);
    ck_trace(f, "a:failed");
    fakeport_run(f);
    ck_trace(f, "a:failed a@2:failed a@3:failed");
    ck_assert_str_eq(fakeport_status(f), "failed");
    fakeport_free(f);
}
END_TEST

/* Deaths do not use up retries. */
START_TEST(test_death_is_no_failure)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'command','repeat':'safe','argv':['false'],"
                          "'retry':{'max_retries':1}}");
    f->kill_at = 2;
    f->kill_how = FAKE_KILL_AFTER;
    fakeport_run(f);
    fakeport_run(f);
    ck_trace(f, "a:started a@2:failed a@3:failed");
    fakeport_free(f);
}
END_TEST

START_TEST(test_only_the_end_is_missing)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'command','argv':['false']}");
    f->old = true; /* else it would have come with the completion */
    f->kill_at = 4;
    f->kill_how = FAKE_KILL_BEFORE;
    fakeport_run(f);
    ck_trace(f, "a:failed");
    ck_assert_ptr_null(f->finish);
    f->old = false;
    fakeport_run(f);
    ck_trace(f, "a:failed");
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "exit_code");
    fakeport_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/resume");
    TCase *t = tcase_create("resume");
    tcase_add_checked_fixture(t, temp_dir_setup, temp_dir_teardown);
    tcase_set_timeout(t, 50);
    tcase_add_test(t, test_die_anywhere);
    tcase_add_test(t, test_in_flight);
    tcase_add_test(t, test_decisions);
    tcase_add_test(t, test_between_attempts);
    tcase_add_test(t, test_death_is_no_failure);
    tcase_add_test(t, test_only_the_end_is_missing);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
