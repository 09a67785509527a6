/*
 * Executors that are not heard of: when a run is shown as stalled, and what brings it back.
 */
#include <poll.h>

#include "fixture.h"

#define SILENCE_MS 300

static struct outcome o;

static void setup(void)
{
    fixture_setup();
    fixture_close();
    fx.silence_ms = SILENCE_MS;
    fixture_open();
}

static void wait_for(int64_t rid, int state)
{
    while (stored_state(rid) != state) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
}

/* Dispatches until MS have passed. */
static void let_pass(int64_t ms)
{
    int64_t end = ag_monotonic_ms() + ms;
    while (ag_monotonic_ms() < end) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, 5, NULL), 0);
    }
    settle_all();
}

START_TEST(silence_and_a_word)
{
    int64_t rid = start_run("w");
    wait_for(rid, AG_RUN_STALLED);
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(ag_run_check_epoch(fx.domain, rid, 2, NULL), ARGO_E_FENCED);
    settle_all();
    ck_assert_int_eq(stored_state(rid), AG_RUN_STALLED); /* that was somebody else */
    ck_assert_int_eq(ag_run_check_epoch(fx.domain, rid, 1, NULL), 0);
    settle_all();
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    wait_for(rid, AG_RUN_STALLED);
    ck_ok(ask(rid, 1, "q", AG_QUESTION_TEXT, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
    wait_for(rid, AG_RUN_STALLED);
    ck_ok(send_answer(rid, "q", "\"x\"", &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_STALLED); /* a person is no executor */
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
}
END_TEST

START_TEST(who_speaks_often_enough)
{
    int64_t rid = start_run("w");
    for (int64_t end = ag_monotonic_ms() + 3 * SILENCE_MS; ag_monotonic_ms() < end;) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, 1, NULL), 0);
        ck_assert_int_eq(ag_run_check_epoch(fx.domain, rid, 1, NULL), 0);
    }
    settle_all();
    ck_assert_ptr_null(strstr(stored_events(rid), "stalled"));
}
END_TEST

START_TEST(who_need_not_speak)
{
    int64_t parked = start_run("parked"), paused = start_run("paused");
    AG_AUTO(ag_value) ids = json("[\"q\"]");
    struct ag_park park = {.question_ids = ids};
    ck_ok(ask(parked, 1, "q", AG_QUESTION_TEXT, &o), o);
    ck_ok(ag_run_park(fx.domain, parked, 1, &park, note_outcome, &o, NULL), o);
    ck_ok(ag_run_pause(fx.domain, "paused", NULL, note_outcome, &o, NULL), o);
    let_pass(3 * SILENCE_MS);
    ck_assert_int_eq(stored_state(parked), AG_RUN_WAITING);
    ck_assert_int_eq(stored_state(paused), AG_RUN_PAUSED);
    ck_ok(ag_run_resume(fx.domain, "paused", NULL, note_outcome, &o, NULL), o);
    ck_assert_int_eq(stored_state(paused), AG_RUN_RUNNING); /* it has its time again */
    wait_for(paused, AG_RUN_STALLED);
    ck_ok(ag_run_pause(fx.domain, "paused", NULL, note_outcome, &o, NULL), o);
    ck_ok(ag_run_resume(fx.domain, "paused", NULL, note_outcome, &o, NULL), o);
    ck_assert_int_eq(stored_state(paused), AG_RUN_RUNNING);
}
END_TEST

/* Without a process nothing is armed: an idle daemon does not wake up. */
START_TEST(nothing_to_listen_for)
{
    int64_t rid = start_run("w");
    ck_ok(finish_run(rid, 1, 0, &o), o);
    let_pass(2 * SILENCE_MS);
    ck_assert_int_eq(ag_loop_timeout(fx.loop), -1);
}
END_TEST

/* We have not listened ourselves: what they have said meanwhile is read before anybody is judged. */
START_TEST(who_was_not_heard_because_of_us)
{
    int64_t rid = start_run("w");
    ck_assert_int_eq(poll(NULL, 0, 3 * SILENCE_MS), 0);
    ck_assert_int_eq(ag_loop_dispatch(fx.loop, 0, NULL), 0);
    ck_assert_int_eq(ag_run_check_epoch(fx.domain, rid, 1, NULL), 0);
    settle_all();
    ck_assert_ptr_null(strstr(stored_events(rid), "stalled"));
}
END_TEST

START_TEST(a_death_of_one_that_is_stalled)
{
    int64_t rid = start_run("w");
    ck_ok(begin_step(rid, 1, "a", 1, true, &o), o);
    wait_for(rid, AG_RUN_STALLED);
    ag_domain_executor_ended(fx.domain, rid, 1000, 9);
    settle_all();
    ck_assert_int_eq(stored_state(rid), AG_RUN_INTERRUPTED);
    int64_t other = start_run("other");
    wait_for(other, AG_RUN_STALLED);
    ag_domain_executor_ended(fx.domain, other, 1001, 9);
    settle_all();
    ck_assert_int_eq(stored_state(other), AG_RUN_RUNNING);
    ck_assert_int_eq(fx.launches, 3);
}
END_TEST

START_TEST(one_that_another_daemon_found_stalled)
{
    int64_t rid = start_run("w");
    wait_for(rid, AG_RUN_STALLED);
    fixture_alive(rid);
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    settle_all();
    ck_assert_int_eq(stored_state(rid), AG_RUN_STALLED);
    ck_assert_int_eq(ag_run_check_epoch(fx.domain, rid, 1, NULL), 0);
    settle_all();
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

static Suite *stall_suite(void)
{
    Suite *suite = suite_create("domain-stall");
    TCase *tc = tcase_create("stall");
    tcase_add_checked_fixture(tc, setup, fixture_teardown);
    tcase_add_test(tc, silence_and_a_word);
    tcase_add_test(tc, who_speaks_often_enough);
    tcase_add_test(tc, who_need_not_speak);
    tcase_add_test(tc, nothing_to_listen_for);
    tcase_add_test(tc, who_was_not_heard_because_of_us);
    tcase_add_test(tc, a_death_of_one_that_is_stalled);
    tcase_add_test(tc, one_that_another_daemon_found_stalled);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(stall_suite)
