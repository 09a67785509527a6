/*
 * Pause and resume in every state: what is stopped, what is launched and what is not, and how long
 * it counts.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

#define HOUR_MS (60 * 60 * 1000)

static struct outcome o, p;
static int64_t clock_now;

static int64_t read_clock(void *user)
{
    return clock_now;
}

static int pause_run(const char *id)
{
    return ag_run_pause(fx.domain, id, NULL, note_outcome, &o, NULL);
}

static int resume_run(const char *id)
{
    return ag_run_resume(fx.domain, id, NULL, note_outcome, &o, NULL);
}

#define ck_pause(id)                        \
    do {                                    \
        ck_assert_int_eq(pause_run(id), 0); \
        ck_assert_int_eq(await(&o), 0);     \
        settle_all();                       \
    } while (0)
#define ck_resume(id)                        \
    do {                                     \
        ck_assert_int_eq(resume_run(id), 0); \
        ck_assert_int_eq(await(&o), 0);      \
        settle_all();                        \
    } while (0)

static struct ag_run stored(int64_t rid)
{
    struct ag_run row = {0}, plain;
    load_row(rid, &row);
    plain = row;
    ag_run_clear(&row);
    return plain; /* its numbers alone are looked at */
}

static void reopen(void)
{
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    settle_all();
}

static void die(int64_t rid)
{
    ag_domain_executor_ended(fx.domain, rid, stored(rid).pid, 9);
    settle_all();
}

static int park(int64_t rid, int64_t epoch, const char *questions)
{
    AG_AUTO(ag_value) ids = json(questions);
    struct ag_park request = {.question_ids = ids};
    return ag_run_park(fx.domain, rid, epoch, &request, note_outcome, &o, NULL);
}

static int64_t parked_run(const char *id, const char *question)
{
    ag_auto_free char *ids = ag_asprintf("[\"%s\"]", question);
    int64_t rid = start_run(id);
    ck_ok(ask(rid, 1, question, AG_QUESTION_TEXT, &o), o);
    ck_ok(park(rid, 1, ids), o);
    return rid;
}

static int note_type(const struct ag_message *m, void *user)
{
    char *types = user;
    size_t len = strlen(types);
    snprintf(types + len, 256 - len, "%s%s", len == 0 ? "" : " ", m->type);
    return 0;
}

static void ck_messages(int64_t rid, const char *expected)
{
    char types[256] = "";
    ck_assert_int_eq(ag_store_messages(fx.store, rid, 0, note_type, types, NULL), 0);
    ck_assert_str_eq(types, expected);
}

/* ---- with a process -------------------------------------------------------------------------- */

START_TEST(it_stands_still_and_goes_on)
{
    int64_t rid = start_run("w");
    ck_pause("w");
    struct ag_run row = stored(rid);
    ck_assert_int_eq(row.state, AG_RUN_PAUSED);
    ck_assert_int_eq(row.beneath, AG_RUN_RUNNING);
    ck_assert_int_eq(row.pid, 1000);
    ck_assert_int_ne(row.paused_at, 0);
    ck_assert_int_eq(fx.standing, rid);
    ck_resume("w");
    row = stored(rid);
    ck_assert_int_eq(row.state, AG_RUN_RUNNING);
    ck_assert_int_eq(row.paused_at, 0);
    ck_assert_int_eq(fx.standing, 0);
    ck_assert_int_eq(fx.paused_ms, row.paused_ms);
    ck_assert_int_eq(fx.launches, 1);
    ck_messages(rid, "pause resume");
    stored_seq(rid); /* without a gap */
}
END_TEST

START_TEST(again_changes_nothing)
{
    int64_t rid = start_run("w");
    ck_pause("w");
    int64_t seq = stored_seq(rid), at = stored(rid).paused_at;
    ck_pause("w");
    ck_assert_int_eq(stored_seq(rid), seq);
    ck_assert_int_eq(stored(rid).paused_at, at);
    ck_assert_int_eq(fx.stops, 2); /* to be sure */
    ck_resume("w");
    ck_assert_int_eq(resume_run("w"), ARGO_E_STATE);
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(pause_run("w"), ARGO_E_STATE);
    ck_assert_int_eq(resume_run("w"), ARGO_E_STATE);
    ck_assert_int_eq(pause_run("nobody"), ARGO_E_NO_WORKFLOW);
    ck_assert_int_eq(resume_run("nobody"), ARGO_E_NO_WORKFLOW);
}
END_TEST

START_TEST(what_refuses_to_stop)
{
    int64_t rid = start_run("w");
    fx.refuse_stop = true;
    ck_assert_int_eq(pause_run("w"), 0);
    ck_assert_int_eq(await(&o), ARGO_E_SIGNAL);
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_resume("w");
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

START_TEST(nothing_is_stopped_before_the_commit)
{
    int64_t rid = start_run("w");
    fixture_alive(rid);
    fixture_fail_commits(1);
    ck_assert_int_eq(pause_run("w"), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    ck_assert_int_eq(fx.stops, 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(stored(rid).paused_at, 0);
}
END_TEST

START_TEST(one_after_the_other_before_the_first_commit)
{
    int64_t rid = start_run("w");
    ck_assert_int_eq(pause_run("w"), 0);
    ck_assert_int_eq(ag_run_resume(fx.domain, "w", NULL, note_outcome, &p, NULL), 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&p), 0);
    settle_all();
    ck_assert_int_eq(fx.stops, 0);
    ck_assert_int_eq(fx.standing, 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    for (int i = 0; i < 3; i++) { /* ends in a pause */
        struct outcome ignored[2] = {0};
        ck_assert_int_eq(ag_run_pause(fx.domain, "w", NULL, note_outcome, &ignored[0], NULL), 0);
        ck_assert_int_eq(ag_run_resume(fx.domain, "w", NULL, note_outcome, &ignored[1], NULL), 0);
        ck_pause("w");
        ck_assert_int_eq(ignored[0].called + ignored[1].called, 2);
        ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
        ck_assert_int_eq(fx.standing, rid);
        ck_resume("w");
    }
    ck_assert_int_eq(fx.standing, 0);
    ck_assert_int_eq(fx.launches, 1);
}
END_TEST

/* What was on its way when the pause came. */
START_TEST(reports_are_taken)
{
    int64_t rid = start_run("w");
    ck_pause("w");
    ck_ok(begin_step(rid, 1, "a", 1, false, &o), o);
    ck_ok(complete_step(rid, 1, "a", 1, "b", &o), o);
    ck_ok(ask(rid, 1, "q", AG_QUESTION_TEXT, &o), o);
    ck_assert_int_eq(stored(rid).beneath, AG_RUN_WAITING);
    ck_assert_int_eq(park(rid, 1, "[\"q\"]"), ARGO_E_STATE); /* the process stays */
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_resume("w");
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
    ck_pause("w");
    ck_ok(send_answer(rid, "q", "\"x\"", &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_resume("w");
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(fx.launches, 1);
}
END_TEST

/* Its executor stands still and nobody will resume it: it is let go. */
START_TEST(the_end_was_on_its_way)
{
    int64_t rid = start_run("w");
    ck_pause("w");
    ck_assert_int_eq(fx.standing, rid);
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
    ck_assert_int_eq(stored(rid).paused_at, 0);
    ck_assert_int_eq(fx.standing, 0);
    ck_assert_int_eq(resume_run("w"), ARGO_E_STATE);
}
END_TEST

START_TEST(abandoned)
{
    int64_t rid = start_run("w");
    ck_pause("w");
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(pause_run("w"), ARGO_E_STATE);
    ck_assert_int_eq(resume_run("w"), ARGO_E_STATE);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(fx.ends, 1);
    ck_assert_int_eq(stored_state(rid), AG_RUN_ABANDONED);
    ck_assert_int_eq(stored(rid).paused_at, 0);
}
END_TEST

/* ---- without one ----------------------------------------------------------------------------- */

START_TEST(before_it_is_launched)
{
    char id[] = "w", text[] = "workflow_name: t\nsteps: [{step: a, type: display, message: m}]\n";
    AG_AUTO(ag_value) definition = ag_value_text(text);
    struct ag_start_request request = {.workflow_id = id, .definition = definition};
    int64_t rid = 0;
    ck_assert_int_eq(ag_run_start(fx.domain, &request, "h", &rid, note_outcome, &p, NULL), 0);
    ck_pause("w");
    ck_assert_int_eq(await(&p), 0); /* the start has succeeded, though nothing runs yet */
    ck_assert_int_eq(fx.launches, 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_resume("w");
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

START_TEST(resumed_before_its_launch_was_prevented)
{
    char id[] = "w", text[] = "workflow_name: t\nsteps: [{step: a, type: display, message: m}]\n";
    AG_AUTO(ag_value) definition = ag_value_text(text);
    struct ag_start_request request = {.workflow_id = id, .definition = definition};
    struct outcome paused = {0};
    int64_t rid = 0;
    ck_assert_int_eq(ag_run_start(fx.domain, &request, "h", &rid, note_outcome, &p, NULL), 0);
    ck_assert_int_eq(ag_run_pause(fx.domain, "w", NULL, note_outcome, &paused, NULL), 0);
    ck_resume("w");
    ck_assert_int_eq(await(&p), 0);
    ck_assert_int_eq(paused.called, 1);
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

START_TEST(parked)
{
    int64_t rid = parked_run("w", "q");
    ck_pause("w");
    ck_assert_int_eq(fx.stops, 0);
    ck_resume("w");
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
    ck_assert_int_eq(fx.launches, 1);
    ck_pause("w");
    ck_ok(send_answer(rid, "q", "\"x\"", &o), o);
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
    reopen();
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_resume("w");
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

/* One of two questions is answered: that is enough to go on. */
START_TEST(parked_with_two_questions)
{
    int64_t rid = start_run("w");
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), o);
    ck_ok(ask(rid, 1, "q2", AG_QUESTION_TEXT, &o), o);
    ck_ok(park(rid, 1, "[\"q1\",\"q2\"]"), o);
    ck_pause("w");
    ck_ok(send_answer(rid, "q2", "\"x\"", &o), o);
    ck_resume("w");
    ck_assert_int_eq(fx.launches, 2);
}
END_TEST

enum { CROWD = 17 }; /* one more than may start at a time */

/* It was about to be launched, and one question is still open: that is not forgotten. */
START_TEST(parked_and_in_the_queue)
{
    int64_t rids[CROWD];
    for (int i = 0; i < CROWD; i++) {
        ag_auto_free char *id = ag_asprintf("w%d", i);
        ag_auto_free char *one = ag_asprintf("a%d", i);
        ag_auto_free char *other = ag_asprintf("b%d", i);
        ag_auto_free char *ids = ag_asprintf("[\"%s\",\"%s\"]", one, other);
        rids[i] = start_run(id);
        ck_ok(ask(rids[i], 1, one, AG_QUESTION_TEXT, &o), o);
        ck_ok(ask(rids[i], 1, other, AG_QUESTION_TEXT, &o), o);
        ck_ok(park(rids[i], 1, ids), o);
    }
    for (int i = 0; i < CROWD; i++) {
        ag_auto_free char *one = ag_asprintf("a%d", i);
        ck_ok(send_answer(rids[i], one, "\"x\"", &o), o);
    }
    settle_all();
    ck_assert_int_eq(fx.launches, 2 * CROWD - 1);
    ck_pause("w16");
    ck_assert_int_eq(ag_run_check_epoch(fx.domain, rids[0], 3, NULL), 0); /* that one is there */
    settle_all();
    ck_assert_int_eq(fx.launches, 2 * CROWD - 1);
    ck_resume("w16");
    ck_assert_int_eq(fx.launches, 2 * CROWD);
    ck_assert_int_eq(fx.last_rid, rids[16]);
}
END_TEST

START_TEST(a_deadline_passes_meanwhile)
{
    int64_t rid = start_run("w");
    char id[] = "q", path[] = "ask", prompt[] = "?";
    struct ag_question q = {.question_id = id,
                            .path = path,
                            .prompt = prompt,
                            .kind = AG_QUESTION_TEXT,
                            .deadline = ag_wall_ms() + 300};
    ck_ok(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, NULL), o);
    ck_ok(park(rid, 1, "[\"q\"]"), o);
    ck_pause("w");
    while (ag_wall_ms() <= q.deadline) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, 5, NULL), 0);
    }
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_resume("w");
    while (fx.launches < 2) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
}
END_TEST

/* ---- deaths ---------------------------------------------------------------------------------- */

START_TEST(a_death_waits_for_the_resume)
{
    int64_t rid = start_run("w");
    for (int64_t deaths = 1; deaths < AG_MAX_DEATHS; deaths++) {
        ck_pause("w");
        die(rid);
        struct ag_run row = stored(rid);
        ck_assert_int_eq(row.state, AG_RUN_PAUSED);
        ck_assert_int_eq(row.pid, 0);
        ck_assert_int_eq(row.deaths, deaths);
        ck_assert_int_eq(fx.ends, deaths); /* what it left behind */
        ck_assert_int_eq(fx.launches, deaths);
        reopen();
        ck_assert_int_eq(fx.launches, deaths);
        ck_resume("w");
        ck_assert_int_eq(fx.launches, deaths + 1);
        ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    }
    ck_pause("w");
    die(rid);
    ck_assert_int_eq(stored_state(rid), AG_RUN_FAILED);
}
END_TEST

/* The pause comes while what the dead has left is being ended; and the resume does. */
START_TEST(while_the_remains_are_being_ended)
{
    int64_t rid = start_run("w");
    fx.hold_ends = true;
    ag_domain_executor_ended(fx.domain, rid, 1000, 9);
    ck_pause("w");
    ck_resume("w");
    ck_assert_int_eq(fx.launches, 1); /* not before they have gone */
    ck_pause("w");
    fixture_let_end();
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored(rid).pid, 0);
    ck_resume("w");
    ck_assert_int_eq(fx.launches, 2);
}
END_TEST

START_TEST(a_death_that_asks)
{
    int64_t rid = start_run("w");
    ck_ok(begin_step(rid, 1, "a", 1, true, &o), o);
    ck_pause("w");
    die(rid);
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_assert_int_eq(stored(rid).beneath, AG_RUN_INTERRUPTED);
    ck_resume("w");
    ck_assert_int_eq(stored_state(rid), AG_RUN_INTERRUPTED);
    ck_pause("w");
    ck_ok(send_answer(rid, open_question_id(rid), "\"repeat\"", &o), o);
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
    reopen();
    ck_assert_int_eq(fx.launches, 1);
    ck_resume("w");
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

/* ---- another daemon -------------------------------------------------------------------------- */

START_TEST(signals_are_sent_again)
{
    int64_t never = start_run("never"), paused = start_run("paused"), was = start_run("was");
    ck_pause("paused");
    ck_pause("was");
    while (ag_loop_clock_ms(fx.loop) <= ag_loop_now(fx.loop)) { /* a pause of some length */
    }
    ck_resume("was");
    fixture_alive(never);
    fixture_alive(paused);
    fixture_alive(was);
    int stops = fx.stops, conts = fx.conts;
    reopen();
    ck_assert_int_eq(fx.adoptions, 3);
    ck_assert_int_eq(fx.stops, stops + 1);
    ck_assert_int_eq(fx.conts, conts + (stored(was).paused_ms > 0 ? 1 : 0));
    ck_assert_int_eq(fx.standing, paused);
    ck_assert_int_eq(stored_state(paused), AG_RUN_PAUSED);
    ck_assert_int_eq(fx.launches, 3);
}
END_TEST

START_TEST(its_process_has_gone_meanwhile)
{
    int64_t rid = start_run("w");
    ck_pause("w");
    reopen();
    ck_assert_int_eq(fx.ends, 1);
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored(rid).pid, 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_resume("w");
    ck_assert_int_eq(fx.launches, 2);
}
END_TEST

/* ---- how long -------------------------------------------------------------------------------- */

/* Within one daemon the wall clock does not count, whoever sets it. */
START_TEST(the_length_by_the_right_clock)
{
    clock_now = ag_wall_ms();
    ag_context_set_clock(fx.ctx, read_clock, NULL);
    int64_t rid = start_run("w");
    fixture_alive(rid);
    ck_pause("w");
    clock_now += HOUR_MS;
    ck_resume("w");
    ck_assert_int_lt(stored(rid).paused_ms, HOUR_MS / 2);
    ck_pause("w");
    fixture_close();
    clock_now += HOUR_MS;
    fixture_open();
    ag_domain_recover(fx.domain);
    ck_resume("w");
    int64_t ms = stored(rid).paused_ms;
    ck_assert_int_ge(ms, HOUR_MS);
    ck_assert_int_lt(ms, 2 * HOUR_MS);
    ck_assert_int_eq(fx.paused_ms, ms);
    ck_pause("w");
    reopen();
    clock_now -= 10 * HOUR_MS; /* set back */
    ck_resume("w");
    ck_assert_int_eq(stored(rid).paused_ms, ms);
    struct ag_checkpoint c = {0};
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert_int_eq(c.paused_ms, ms);
    ck_assert(!c.paused);
    ag_record_clear(&ag_checkpoint_record, &c);
    ck_pause("w");
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert(c.paused);
    ag_record_clear(&ag_checkpoint_record, &c);
}
END_TEST

static Suite *pause_suite(void)
{
    Suite *suite = suite_create("domain-pause");
    TCase *tc = tcase_create("pause");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, it_stands_still_and_goes_on);
    tcase_add_test(tc, again_changes_nothing);
    tcase_add_test(tc, what_refuses_to_stop);
    tcase_add_test(tc, nothing_is_stopped_before_the_commit);
    tcase_add_test(tc, one_after_the_other_before_the_first_commit);
    tcase_add_test(tc, reports_are_taken);
    tcase_add_test(tc, the_end_was_on_its_way);
    tcase_add_test(tc, abandoned);
    tcase_add_test(tc, before_it_is_launched);
    tcase_add_test(tc, resumed_before_its_launch_was_prevented);
    tcase_add_test(tc, parked);
    tcase_add_test(tc, parked_with_two_questions);
    tcase_add_test(tc, parked_and_in_the_queue);
    tcase_add_test(tc, a_deadline_passes_meanwhile);
    tcase_add_test(tc, a_death_waits_for_the_resume);
    tcase_add_test(tc, while_the_remains_are_being_ended);
    tcase_add_test(tc, a_death_that_asks);
    tcase_add_test(tc, signals_are_sent_again);
    tcase_add_test(tc, its_process_has_gone_meanwhile);
    tcase_add_test(tc, the_length_by_the_right_clock);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(pause_suite)
