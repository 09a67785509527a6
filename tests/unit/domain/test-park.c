/*
 * Parked runs and their times: what is taken, when they are launched again, and that nothing else
 * launches them.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

#define HOUR_MS (60 * 60 * 1000)

static struct outcome o;
static int64_t clock_now;

static int64_t read_clock(void *user)
{
    return clock_now;
}

static int park(int64_t rid, int64_t epoch, const char *questions, int64_t until)
{
    AG_AUTO(ag_value) ids = json(questions);
    struct ag_park request = {.question_ids = ids, .until = until};
    return ag_run_park(fx.domain, rid, epoch, &request, note_outcome, &o, NULL);
}

static int64_t stored_wake(int64_t rid)
{
    struct ag_run row = {0};
    load_row(rid, &row);
    int64_t at = row.wake_at;
    ag_run_clear(&row);
    return at;
}

static void wait_launches(int n)
{
    while (fx.launches < n) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
    settle_all();
    ck_assert_int_eq(fx.launches, n);
}

/* Until the clock has passed AT_MS and what that brings has been done. */
static void let_pass(int64_t at_ms)
{
    while (ag_wall_ms() <= at_ms) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, 5, NULL), 0);
    }
    settle_all();
}

static void reopen(void)
{
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    settle_all();
}

/* One that is parked for DELAY ms from now on, until *UNTIL. */
static int64_t parked(const char *id, int64_t delay, int64_t *until)
{
    int64_t rid = start_run(id);
    *until = ag_wall_ms() + delay;
    ck_assert_int_eq(park(rid, 1, "[]", *until), 0);
    ck_assert_int_eq(await(&o), 0);
    return rid;
}

static int ask_until(int64_t rid, int64_t epoch, const char *id, int64_t deadline)
{
    ag_auto_free char *own = ag_strdup(id);
    char path[] = "ask", prompt[] = "?";
    struct ag_question q = {.question_id = own,
                            .path = path,
                            .prompt = prompt,
                            .kind = AG_QUESTION_TEXT,
                            .deadline = deadline};
    return ag_question_ask(fx.domain, rid, epoch, &q, note_outcome, &o, NULL);
}

struct told {
    const char *kind;
    int64_t until;
};

static int find_event(const struct ag_stream_record *rec, void *user)
{
    struct told *told = user;
    const char *text = ag_value_get_text(rec->data, "until", NULL);
    if (ag_streq(rec->kind, told->kind) && text != NULL) {
        ck_assert_int_eq(ag_time_parse(text, "until", &told->until, NULL), 0);
    }
    return 0;
}

static void check_event(int64_t rid, const char *kind, int64_t until)
{
    struct told told = {.kind = kind};
    ck_assert_int_eq(
        ag_store_records(fx.store, rid, AG_STREAM_EVENT, 0, 1000, find_event, &told, NULL), 0);
    ck_assert_int_eq(told.until, until);
}

START_TEST(what_is_taken)
{
    int64_t rid = start_run("w");
    clock_now = ag_wall_ms() + HOUR_MS; /* so that no alarm comes in between */
    ag_context_set_clock(fx.ctx, read_clock, NULL);
    ck_assert_int_eq(park(rid, 1, "[]", 0), ARGO_E_INVALID);
    ck_assert_int_eq(park(rid, 1, "[]", clock_now), ARGO_E_STATE);
    ck_assert_int_eq(park(rid, 2, "[]", clock_now + 1), ARGO_E_FENCED);
    ck_ok(ask_until(rid, 1, "q", clock_now + 5), o);
    ck_assert_int_eq(park(rid, 1, "[\"q\",\"r\"]", 0), ARGO_E_STATE);
    ck_assert_int_eq(park(rid, 1, "[\"q\",1]", 0), ARGO_E_INVALID);
    ck_assert_int_eq(park(rid, 1, "[\"q\"]", clock_now), ARGO_E_STATE);
    clock_now += 5;
    ck_assert_int_eq(park(rid, 1, "[\"q\"]", clock_now + 1), ARGO_E_STATE);
    clock_now -= 1;
    ck_ok(park(rid, 1, "[\"q\"]", clock_now + 2), o);
    ck_assert_int_eq(stored_wake(rid), clock_now + 1);
    ck_assert_int_eq(park(rid, 1, "[\"q\"]", clock_now + 2), ARGO_E_FENCED);
    rid = start_run("v");
    ck_ok(park(rid, 1, "[]", clock_now + 1), o);
    ck_assert_int_eq(stored_wake(rid), clock_now + 1);
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
}
END_TEST

START_TEST(a_time_brings_it_back)
{
    int64_t until = 0;
    int64_t rid = parked("w", 300, &until);
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_int_eq(row.state, AG_RUN_WAITING);
    ck_assert_int_eq(row.pid, 0);
    ck_assert_int_eq(row.epoch, 2);
    ck_assert_int_eq(row.wake_at, until);
    ag_run_clear(&row);
    check_event(rid, "parked", until);
    wait_launches(2);
    ck_assert_int_ge(ag_wall_ms(), until);
    ck_assert_int_eq(fx.last_epoch, 3);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(stored_wake(rid), 0);
}
END_TEST

START_TEST(the_earliest_counts)
{
    int64_t rid = start_run("w");
    int64_t now = ag_wall_ms();
    ck_ok(ask_until(rid, 1, "q1", now + 2 * HOUR_MS), o);
    ck_ok(ask_until(rid, 1, "q2", now + HOUR_MS), o);
    ck_ok(ask_until(rid, 1, "q3", 0), o);
    ck_ok(park(rid, 1, "[\"q1\",\"q2\",\"q3\"]", 0), o);
    ck_assert_int_eq(stored_wake(rid), now + HOUR_MS);
    rid = start_run("v");
    ck_ok(ask_until(rid, 1, "q4", now + HOUR_MS), o);
    ck_ok(park(rid, 1, "[\"q4\"]", now + HOUR_MS - 1), o);
    ck_assert_int_eq(stored_wake(rid), now + HOUR_MS - 1);
    rid = start_run("u");
    ck_ok(ask_until(rid, 1, "q5", 0), o);
    ck_ok(park(rid, 1, "[\"q5\"]", 0), o);
    ck_assert_int_eq(stored_wake(rid), 0);
}
END_TEST

/* All are parked within one iteration, in another order than that of their times. */
START_TEST(in_the_order_of_their_times)
{
    enum { RUNS = 15 };

    int64_t rids[RUNS];
    for (int i = 0; i < RUNS; i++) {
        char id[8];
        snprintf(id, sizeof(id), "w%d", i);
        rids[i] = start_run(id);
    }
    int64_t first = ag_wall_ms() + 500;
    for (int i = 0; i < RUNS; i++) {
        ck_assert_int_eq(park(rids[i * 7 % RUNS], 1, "[]", first + 5 * (i * 7 % RUNS)), 0);
    }
    for (int seen = 0; seen < RUNS;) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
        /* Several may have come at once: then the last of them was launched last. */
        if (fx.launches > RUNS + seen) {
            seen = fx.launches - RUNS;
            ck_assert_int_eq(fx.last_rid, rids[seen - 1]);
            ck_assert_int_ge(ag_wall_ms(), first + 5 * (seen - 1));
        }
    }
    settle_all();
    ck_assert_int_eq(fx.launches, 2 * RUNS);
    ck_assert_int_eq(o.called, RUNS);
    o.called = 0;
}
END_TEST

enum { CROWD = 20, AT_ONCE = 16 };

/* All wait for the same moment, and it has come. */
static void start_crowd(int64_t rids[CROWD])
{
    for (int i = 0; i < CROWD; i++) {
        char id[8];
        snprintf(id, sizeof(id), "w%d", i);
        rids[i] = start_run(id);
    }
    int64_t until = ag_wall_ms() + 500;
    for (int i = 0; i < CROWD; i++) {
        ck_assert_int_eq(park(rids[i], 1, "[]", until), 0);
    }
    let_pass(until);
    ck_assert_int_eq(o.called, CROWD);
    o.called = 0;
}

static void ask_for_checkpoint(int64_t rid)
{
    struct ag_checkpoint c;
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 3, &c, NULL), 0);
    ag_record_clear(&ag_checkpoint_record, &c);
}

/* Each that begins makes room for one; what is not to be launched any more takes no turn. */
START_TEST(a_crowd_starts_in_turn)
{
    int64_t rids[CROWD];
    struct outcome gone = {0};
    start_crowd(rids);
    ck_assert_int_eq(fx.launches, CROWD + AT_ONCE);
    ask_for_checkpoint(rids[0]);
    wait_launches(CROWD + AT_ONCE + 1);
    ck_assert_int_eq(fx.last_rid, rids[AT_ONCE]);
    ask_for_checkpoint(rids[0]); /* again: it has begun already */
    settle_all();
    ck_assert_int_eq(fx.launches, CROWD + AT_ONCE + 1);
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w17", NULL, note_outcome, &gone, NULL), 0);
    ck_assert_int_eq(await(&gone), 0);
    ck_ok(ag_run_pause(fx.domain, "w18", NULL, note_outcome, &o, NULL), o);
    ask_for_checkpoint(rids[1]);
    wait_launches(CROWD + AT_ONCE + 2);
    ck_assert_int_eq(fx.last_rid, rids[19]);
    ck_ok(ag_run_resume(fx.domain, "w18", NULL, note_outcome, &o, NULL), o);
    ask_for_checkpoint(rids[2]);
    wait_launches(CROWD + AT_ONCE + 3);
    ck_assert_int_eq(fx.last_rid, rids[18]);
}
END_TEST

/* One that dies before it has asked for anything makes room, too, and has to wait then. */
START_TEST(a_death_makes_room)
{
    int64_t rids[CROWD];
    struct ag_run row = {0};
    start_crowd(rids);
    ck_assert_int_eq(fx.launches, CROWD + AT_ONCE);
    load_row(rids[0], &row);
    ag_domain_executor_ended(fx.domain, rids[0], row.pid, 9);
    ag_run_clear(&row);
    settle_all();
    ck_assert_int_eq(fx.launches, CROWD + AT_ONCE + 1);
    ck_assert_int_eq(fx.last_rid, rids[AT_ONCE]);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
    int64_t rids[CROWD];
    fixture_close();
    fx.patience_ms = 50;
    fixture_open();
    start_crowd(rids);
    wait_launches(2 * CROWD);
}
END_TEST

/* Once an answer has brought it back its time is nobody's any more. */
START_TEST(an_answer_comes_first)
{
    int64_t rid = start_run("w");
    ck_ok(ask_until(rid, 1, "q", 0), o);
    int64_t until = ag_wall_ms() + 60;
    ck_ok(park(rid, 1, "[\"q\"]", until), o);
    ck_ok(send_answer(rid, "q", "\"x\"", &o), o);
    wait_launches(2);
    ck_assert_int_eq(stored_wake(rid), 0);
    /* parked again, for a person alone */
    ck_ok(ask_until(rid, 3, "r", 0), o);
    ck_ok(park(rid, 3, "[\"r\"]", 0), o);
    let_pass(until);
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
}
END_TEST

START_TEST(a_restart_keeps_the_times)
{
    int64_t soon = 0, later = 0;
    int64_t b = parked("b", HOUR_MS, &later);
    int64_t a = parked("a", 500, &soon);
    fixture_alive(b); /* a process of a parked run is nobody's, and not looked for */
    reopen();
    ck_assert_int_eq(fx.adoptions, 0);
    ck_assert_int_eq(stored_wake(b), later);
    wait_launches(3);
    ck_assert_int_eq(fx.last_rid, a);
    ck_assert_int_ge(ag_wall_ms(), soon);
    ck_assert_int_eq(stored_state(b), AG_RUN_WAITING);
}
END_TEST

START_TEST(a_time_that_came_while_the_daemon_was_away)
{
    int64_t until = 0;
    int64_t rid = parked("w", 300, &until);
    fixture_close();
    while (ag_wall_ms() <= until) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, 5, NULL), 0);
    }
    fixture_open();
    ck_assert_int_eq(fx.launches, 1);
    ag_domain_recover(fx.domain);
    wait_launches(2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

START_TEST(paused_ones_stay)
{
    int64_t until = 0;
    int64_t rid = parked("w", 300, &until);
    struct ag_live *live = ag_live_by_rid(fx.domain, rid);
    live->row.state = AG_RUN_PAUSED;
    let_pass(until);
    ck_assert_int_eq(fx.launches, 1);
    live->row.state = AG_RUN_WAITING;
    ag_live_arm_wake(live);
    wait_launches(2);
}
END_TEST

START_TEST(abandoned_ones_stay_away)
{
    int64_t until = 0;
    int64_t rid = parked("w", 300, &until);
    struct outcome gone = {0};
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &gone, NULL), 0);
    ck_assert_int_eq(await(&gone), 0);
    let_pass(until);
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored_state(rid), AG_RUN_ABANDONED);
}
END_TEST

/* The executor goes on in its epoch, and no alarm is left of what did not happen. */
START_TEST(a_failed_commit_parks_nothing)
{
    int64_t rid = start_run("w");
    int64_t until = ag_wall_ms() + 60;
    fixture_alive(rid);
    fixture_fail_commits(1);
    ck_assert_int_eq(park(rid, 1, "[]", until), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    settle_all();
    let_pass(until);
    ck_assert_int_eq(fx.launches, 1);
    ck_ok(complete_step(rid, 1, "say", 1, "EXIT", &o), o);
}
END_TEST

/* ---- a step that waits, with its process ---------------------------------------------------------- */

static int start_waiting(int64_t rid, int64_t epoch, int64_t until)
{
    char name[] = "w";
    struct ag_step_start start = {.step = name, .path = name, .attempt = 1, .until = until};
    return ag_run_step_start(fx.domain, rid, epoch, &start, note_outcome, &o, NULL);
}

static struct ag_step_row load_step(int64_t rid)
{
    struct ag_step_row row = {0};
    ck_assert_int_eq(ag_store_step(fx.store, rid, "w", 1, &row, NULL), 1);
    return row;
}

START_TEST(a_step_that_waits)
{
    int64_t rid = start_run("w");
    int64_t until = ag_wall_ms() + HOUR_MS;
    struct ag_checkpoint c;
    ck_ok(start_waiting(rid, 1, until), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
    struct ag_step_row before = load_step(rid);
    ck_assert_int_eq(before.until, until);
    check_event(rid, "step_start", until);
    /* its executor dies, another one goes on with it */
    ag_domain_executor_ended(fx.domain, rid, 1000, 9);
    wait_launches(2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 2, &c, NULL), 0);
    ck_assert_str_eq(c.flight_path, "w");
    ck_assert_int_eq(c.flight_attempt, 1);
    ck_assert_int_eq(c.flight_until, until);
    ag_record_clear(&ag_checkpoint_record, &c);
    clock_now = ag_wall_ms() + 1000;
    ag_context_set_clock(fx.ctx, read_clock, NULL);
    ck_ok(start_waiting(rid, 2, until), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
    struct ag_step_row again = load_step(rid);
    ck_assert_int_eq(again.started, before.started);
    ck_assert_int_eq(again.until, until);
    ck_assert_int_eq(again.epoch, 2);
    /* the time has come; nothing of it is left */
    ck_ok(complete_step(rid, 2, "w", 1, "say", &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    struct ag_step_row over = load_step(rid);
    ck_assert_int_eq(over.until, until);
    ck_assert_int_eq(over.started, before.started);
    ag_record_clear(&ag_step_row_record, &before);
    ag_record_clear(&ag_step_row_record, &again);
    ag_record_clear(&ag_step_row_record, &over);
}
END_TEST

START_TEST(its_time_outlasts_the_daemon)
{
    int64_t rid = start_run("w");
    int64_t until = ag_wall_ms() + HOUR_MS;
    struct ag_checkpoint c;
    ck_ok(start_waiting(rid, 1, until), o);
    ck_ok(park(rid, 1, "[]", until), o);
    reopen();
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored_wake(rid), until);
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 2, &c, NULL), 0);
    ck_assert_int_eq(c.flight_until, until);
    ag_record_clear(&ag_checkpoint_record, &c);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("domain-park");
    TCase *t = tcase_create("park");
    tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, what_is_taken);
    tcase_add_test(t, a_time_brings_it_back);
    tcase_add_test(t, the_earliest_counts);
    tcase_add_test(t, in_the_order_of_their_times);
    tcase_add_test(t, a_crowd_starts_in_turn);
    tcase_add_test(t, a_death_makes_room);
    tcase_add_test(t, nobody_waits_for_ever);
    tcase_add_test(t, an_answer_comes_first);
    tcase_add_test(t, a_restart_keeps_the_times);
    tcase_add_test(t, a_time_that_came_while_the_daemon_was_away);
    tcase_add_test(t, paused_ones_stay);
    tcase_add_test(t, abandoned_ones_stay_away);
    tcase_add_test(t, a_failed_commit_parks_nothing);
    suite_add_tcase(s, t);
    t = tcase_create("waiting");
    tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, a_step_that_waits);
    tcase_add_test(t, its_time_outlasts_the_daemon);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
