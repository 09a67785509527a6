/*
 * What comes in between while a process is being started: it is wanted, or told that it is not.
 */
#include <stdio.h>
#include <string.h>

#include "fixture.h"

static struct outcome o, other;

static int64_t stored_pid(int64_t rid)
{
    struct ag_run row = {0};
    load_row(rid, &row);
    int64_t pid = row.pid;
    ag_run_clear(&row);
    return pid;
}

/* One whose process is being started. */
static int64_t starting_run(void)
{
    char id[] = "w";
    char text[] = "workflow_name: one\ndescription: d\nsteps:\n"
                  "  - {step: say, type: display, message: hello, next_step: EXIT}\n";
    AG_AUTO(ag_value) definition = ag_value_text(text);
    struct ag_start_request request = {.workflow_id = id, .definition = definition};
    int64_t rid = 0;
    fx.hold_launches = true;
    ck_assert_int_eq(ag_run_start(fx.domain, &request, "h", &rid, note_outcome, &o, NULL), 0);
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(o.called, 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_QUEUED);
    return rid;
}

static void setup(void)
{
    memset(&o, 0, sizeof(o));
    memset(&other, 0, sizeof(other));
    fixture_setup();
}

START_TEST(the_start_is_answered_when_there_is_a_process)
{
    int64_t rid = starting_run();
    ck_assert(fixture_let_launch(0));
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(stored_pid(rid), 1000);
}
END_TEST

START_TEST(one_that_was_given_up_is_tried_again)
{
    int64_t rid = starting_run();
    ck_assert(!fixture_let_launch(ARGO_E_CANCELLED));
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(fx.last_epoch, 1);
    ck_assert(fixture_let_launch(0));
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(stored_pid(rid), 1000);
}
END_TEST

START_TEST(one_that_fails_later_ends_the_run)
{
    int64_t rid = starting_run();
    ck_assert(!fixture_let_launch(ARGO_E_SPAWN));
    ck_assert_int_eq(await(&o), ARGO_E_SPAWN);
    ck_assert_int_eq(stored_state(rid), AG_RUN_FAILED);
    ck_assert_int_eq(fx.launches, 1);
}
END_TEST

static void abandon(int64_t rid)
{
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &other, NULL), 0);
}

static void pause_it(int64_t rid)
{
    ck_assert_int_eq(ag_run_pause(fx.domain, "w", NULL, note_outcome, &other, NULL), 0);
}

static void quiesce(int64_t rid)
{
    ag_domain_quiesce(fx.domain);
}

static void recover(int64_t rid)
{
    ag_domain_recover(fx.domain);
}

static const struct {
    void (*what)(int64_t rid);
    int state, launches;
} between[] = {{abandon, AG_RUN_ABANDONED, 1},
               {pause_it, AG_RUN_PAUSED, 1},
               {quiesce, AG_RUN_QUEUED, 1},
               {recover, AG_RUN_QUEUED, 2}};

/* _i: what comes, and, from the fifth on, how the launch goes. */
START_TEST(who_is_not_wanted_any_more_is_told_so)
{
    static const int codes[] = {0, ARGO_E_CANCELLED, ARGO_E_SPAWN};
    int what = _i % 4;
    int64_t rid = starting_run();
    ag_launched_fn older = fx.launched;
    void *older_user = fx.launched_user;
    between[what].what(rid);
    settle_all();
    ag_launched_fn newer =
        fx.launched != older || fx.launched_user != older_user ? fx.launched : NULL;
    void *newer_user = fx.launched_user;
    fx.launched = older;
    fx.launched_user = older_user;
    ck_assert(!fixture_let_launch(codes[_i / 4]));
    ck_assert_int_eq(await(&o), 0);
    settle_all();
    ck_assert_int_eq(stored_state(rid), between[what].state);
    ck_assert_int_eq(stored_pid(rid), 0);
    ck_assert_int_eq(fx.launches, between[what].launches);
    if (newer != NULL) {
        fx.launched = newer;
        fx.launched_user = newer_user;
        ck_assert(fixture_let_launch(0));
        settle_all();
    }
}
END_TEST

START_TEST(what_was_paused_meanwhile_is_launched_at_the_resume)
{
    int64_t rid = starting_run();
    pause_it(rid);
    ck_assert_int_eq(await(&other), 0);
    ck_assert(!fixture_let_launch(0));
    settle_all();
    ck_assert_int_eq(ag_run_resume(fx.domain, "w", NULL, note_outcome, &other, NULL), 0);
    settle_all();
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(fx.last_epoch, 2);
    ck_assert(fixture_let_launch(0));
    settle_all();
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(stored_pid(rid), 1001);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("domain/launch");
    TCase *tc = tcase_create("launch");
    tcase_add_checked_fixture(tc, setup, fixture_teardown);
    tcase_add_test(tc, the_start_is_answered_when_there_is_a_process);
    tcase_add_test(tc, one_that_was_given_up_is_tried_again);
    tcase_add_test(tc, one_that_fails_later_ends_the_run);
    tcase_add_loop_test(tc, who_is_not_wanted_any_more_is_told_so, 0, 12);
    tcase_add_test(tc, what_was_paused_meanwhile_is_launched_at_the_resume);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
