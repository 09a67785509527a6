/*
 * wait, and parking: what a run waits for, and that its time is fixed once.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "lib/fakeport.h"
#include "lib/runner.h"

#define AFTER ",{'step':'after','type':'display','message':'over'}"

static int64_t time_of(const ag_value *object, const char *key)
{
    const char *text = ag_value_get_text(object, key, NULL);
    int64_t ms = 0;
    ck_assert_msg(text != NULL, "no '%s'", key);
    ck_assert_int_eq(ag_time_parse(text, key, &ms, NULL), 0);
    return ms;
}

static const ag_value *row(const struct fakeport *f, size_t i)
{
    return ag_value_at(f->rows, i);
}

static int64_t clock_now;

static int64_t read_clock(void *user)
{
    return clock_now;
}

START_TEST(test_seconds)
{
    static const char *const steps[] = {
        "{'step':'w','type':'wait','seconds':0.05}" AFTER,
        "{'step':'w','type':'wait','seconds':'0.05s'}" AFTER,
        "{'step':'w','type':'wait','seconds':'{{n}}'}" AFTER,
        "{'step':'w','type':'wait','seconds':'{{n}}s'}" AFTER,
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(steps); i++) {
        struct fakeport *f = fakeport_flow("'parameters':{'n':{'type':'number'}},", steps[i]);
        f->parameters = fake_json("{'n':0.05}");
        int64_t before = ag_wall_ms();
        fakeport_run(f);
        ck_trace(f, "w:done after:done");
        int64_t until = time_of(row(f, 0), "until");
        ck_assert_int_ge(until, before + 50);
        ck_assert_int_ge(ag_wall_ms(), until);
        fakeport_free(f);
    }
}
END_TEST

START_TEST(test_at)
{
    char text[AG_TIME_SIZE];
    int64_t at = ag_wall_ms() + 60;
    struct fakeport *f =
        fakeport_flow("'parameters':{'t':{}},", "{'step':'w','type':'wait','at':'{{t}}'}" AFTER);
    f->parameters = ag_value_object();
    ag_value_set(f->parameters, "t", ag_value_text(ag_time_format(at, text)));
    fakeport_run(f);
    ck_trace(f, "w:done after:done");
    ck_assert_int_eq(time_of(row(f, 0), "until"), at);
    ck_assert_int_ge(ag_wall_ms(), at);
    fakeport_free(f);
}
END_TEST

/* What has passed is not waited for, be it the beginning of the era. */
START_TEST(test_the_past)
{
    static const char *const steps[] = {
        "{'step':'w','type':'wait','at':'1970-01-01T00:00:00Z'}" AFTER,
        "{'step':'w','type':'wait','at':'1969-07-20T20:17:40+00:00'}" AFTER,
        "{'step':'w','type':'wait','seconds':0}" AFTER,
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(steps); i++) {
        struct fakeport *f = fakeport_flow("", steps[i]);
        f->parking = FAKE_PARK_TAKEN;
        fakeport_run(f);
        ck_trace(f, "w:done after:done");
        ck_assert_ptr_null(f->park);
        fakeport_free(f);
    }
}
END_TEST

START_TEST(test_no_time)
{
    static const char *const cases[][2] = {
        {"'seconds':'{{n}}'", "seconds: expected seconds, or a text like"},
        {"'seconds':'{{s}}'", "seconds: expected seconds, or a number with s, m, h or d"},
        {"'seconds':'{{far}}'", "seconds: 3.1536e+08 s is no duration from 0 to 3650 days"},
        {"'seconds':'{{far}}d'", "seconds: expected seconds"},
        {"'seconds':'{{-1}}'", "seconds: -1 s is no duration"},
        {"'at':'{{s}}'", "at: expected a time such as"},
        {"'at':'{{far}}'", "at: expected a time such as"},
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ag_auto_free char *steps = ag_asprintf(
            "{'step':'w','type':'wait',%s,'retry':{'max_retries':1,'retry_delay':0}}", cases[i][0]);
        struct fakeport *f =
            fakeport_flow("'parameters':{'n':{},'s':{},'far':{'type':'number'}},", steps);
        f->parameters = fake_json("{'n':null,'s':'soon','far':315360000.001}");
        fakeport_run(f);
        ck_trace(f, "w:failed w@2:failed");
        ck_assert_str_eq(fakeport_error(f, "code"), "template");
        ck_assert_msg(strstr(fakeport_error(f, "message"), cases[i][1]) != NULL, "%s",
                      fakeport_error(f, "message"));
        fakeport_free(f);
    }
}
END_TEST

static void at_time(struct fakeport *f, int64_t now)
{
    clock_now = now;
    ag_context_set_clock(f->ctx, read_clock, NULL);
}

/* Whoever goes on makes the same attempt, to the same time, and says so again. */
START_TEST(test_fixed_once)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'display','message':'x'},"
                                           "{'step':'w','type':'wait','seconds':3600}" AFTER);
    fakeport_start(f);
    fakeport_wait_calls(f, 2); /* checkpoint, completion of a with the start of w */
    int64_t until = time_of(f->flight, "until");
    at_time(f, until - 1);
    fakeport_start(f);
    fakeport_wait_calls(f, 4);
    ck_assert_int_eq(time_of(f->flight, "until"), until);
    ck_assert_uint_eq(ag_value_size(f->rows), 2);
    at_time(f, until);
    fakeport_run(f);
    ck_trace(f, "a:done w:done after:done");
    fakeport_free(f);
}
END_TEST

/* Killed at any call: the same row, done once. */
START_TEST(test_die_anywhere)
{
    size_t calls = 1;
    for (size_t k = 1; k <= calls; k++) {
        for (int how = FAKE_KILL_BEFORE; how <= FAKE_KILL_AFTER; how++) {
            struct fakeport *f = fakeport_flow("", "{'step':'w','type':'wait','seconds':0.02}"
                                                   ",{'step':'v','type':'wait','seconds':0.02}");
            f->kill_at = k;
            f->kill_how = (enum fake_kill)how;
            fakeport_run(f);
            if (f->killed) {
                fakeport_run(f);
            }
            ck_trace(f, "w:done v:done");
            ck_assert_int_ge(time_of(row(f, 1), "until"), time_of(row(f, 0), "until") + 20);
            calls = f->calls > calls ? f->calls : calls;
            fakeport_free(f);
        }
    }
    ck_assert_uint_ge(calls, 5);
}
END_TEST

/* Another attempt waits anew: the time of the one that failed does not stay. */
START_TEST(test_retry_waits_anew)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'w','type':'wait','seconds':3600,'timeout':0.02,"
                          "'retry':{'max_retries':1,'retry_delay':0.02},'on_error':{'action':"
                          "'skip'}}" AFTER);
    fakeport_run(f);
    ck_trace(f, "w:failed w@2:skipped after:done");
    ck_assert_int_ge(time_of(row(f, 1), "until"), time_of(row(f, 0), "until") + 40);
    fakeport_free(f);
}
END_TEST

/* ---- parking ----------------------------------------------------------------------------------- */

static struct fakeport *parked(const char *top, const char *steps)
{
    struct fakeport *f = fakeport_flow(top, steps);
    f->parking = FAKE_PARK_TAKEN;
    f->started = ag_wall_ms();
    fakeport_run(f);
    ck_assert_ptr_nonnull(f->park);
    ck_assert_ptr_null(f->finish);
    ck_assert_int_eq(f->end_code, 0);
    return f;
}

START_TEST(test_park)
{
    struct fakeport *f = parked("", "{'step':'w','type':'wait','seconds':3600}" AFTER);
    int64_t until = time_of(f->flight, "until");
    ck_assert_int_eq(time_of(f->park, "until"), until);
    ck_assert_uint_eq(ag_value_size(ag_value_get(f->park, "question_ids")), 0);
    at_time(f, until);
    fakeport_run(f);
    ck_trace(f, "w:done after:done");
    fakeport_free(f);
}
END_TEST

#define LIMIT "'limits':{'timeout':60},"
#define ASK   "{'step':'q','type':'user_ask','prompt':'?'}"

/* The daemon is told of limits.timeout, when that is what comes first. */
START_TEST(test_park_with_a_limit)
{
    struct fakeport *f = parked(LIMIT, "{'step':'w','type':'wait','seconds':3600}");
    ck_assert_int_eq(time_of(f->park, "until"), f->started + 60000);
    fakeport_free(f);
    f = parked(LIMIT, "{'step':'w','type':'wait','seconds':30}");
    ck_assert_int_eq(time_of(f->park, "until"), time_of(f->flight, "until"));
    fakeport_free(f);
    f = parked("", ASK);
    ck_assert_ptr_null(ag_value_get(f->park, "until"));
    fakeport_free(f);
    f = parked(LIMIT, ASK);
    ck_assert_int_eq(time_of(f->park, "until"), f->started + 60000);
    ck_assert_uint_eq(ag_value_size(ag_value_get(f->park, "question_ids")), 1);
    f->started -= 60000;
    f->parking = FAKE_PARK_NEVER;
    fakeport_run(f);
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    ck_assert_ptr_nonnull(strstr(fakeport_error(f, "message"), "limits.timeout"));
    fakeport_free(f);
}
END_TEST

START_TEST(test_park_refused)
{
    struct fakeport *f = fakeport_flow("", "{'step':'w','type':'wait','seconds':0.05}" AFTER);
    f->parking = FAKE_PARK_REFUSED;
    fakeport_run(f);
    ck_assert_ptr_nonnull(f->park);
    ck_trace(f, "w:done after:done");
    fakeport_free(f);
}
END_TEST

/* A short wait is not worth it, and an attempt with a timeout is not left alone. */
START_TEST(test_not_parked)
{
    struct fakeport *f = fakeport_flow("", "{'step':'w','type':'wait','seconds':0.02}" AFTER);
    f->parking = FAKE_PARK_TAKEN;
    f->park_after = 3600 * 1000;
    fakeport_run(f);
    ck_assert_ptr_null(f->park);
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
    f = fakeport_flow("", "{'step':'w','type':'wait','seconds':3600,'timeout':0.05}" AFTER);
    f->parking = FAKE_PARK_TAKEN;
    fakeport_run(f);
    ck_assert_ptr_null(f->park);
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    fakeport_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/wait");
    TCase *t = tcase_create("wait");
    tcase_add_test(t, test_seconds);
    tcase_add_test(t, test_at);
    tcase_add_test(t, test_the_past);
    tcase_add_test(t, test_no_time);
    tcase_add_test(t, test_fixed_once);
    tcase_add_test(t, test_die_anywhere);
    tcase_add_test(t, test_retry_waits_anew);
    suite_add_tcase(s, t);
    t = tcase_create("park");
    tcase_add_test(t, test_park);
    tcase_add_test(t, test_park_with_a_limit);
    tcase_add_test(t, test_park_refused);
    tcase_add_test(t, test_not_parked);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
