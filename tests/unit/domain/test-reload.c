/*
 * Failing commits: everybody is told, memory is dropped and loaded again, and it goes on.
 */
#include <sqlite3.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static struct outcome o;

/* Every call of one group fails, and nothing of it is seen afterwards. */
START_TEST(a_failed_group_leaves_nothing)
{
    int64_t rid = start_run("w");
    fixture_alive(rid);
    ck_ok(send_line(rid, "kept", "k0", &o, NULL), o);
    struct outcome all[6] = {0};
    fixture_fail_commits(1);
    ck_assert_int_eq(send_line(rid, "lost", "k1", &all[0], NULL), 0);
    ck_assert_int_eq(begin_step(rid, 1, "a", 1, true, &all[1]), 0);
    ck_assert_int_eq(complete_step(rid, 1, "a", 1, "b", &all[2]), 0);
    ck_assert_int_eq(ask(rid, 1, "q1", AG_QUESTION_TEXT, &all[3]), 0);
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &all[4], NULL), 0);
    struct ag_ci ci = {0};
    char name[] = "ci";
    ci.name = name;
    ck_assert_int_eq(ag_registry_add(fx.domain, &ci, NULL, note_outcome, &all[5], NULL), 0);
    for (size_t i = 0; i < AG_ARRAY_SIZE(all); i++) {
        ck_assert_int_eq(await(&all[i]), ARGO_E_STORE);
    }
    ck_assert_int_eq(fx.ends, 0);
    ck_assert_int_eq(fx.launches, 1);
    /* the executor repeats what was refused, in the same epoch */
    ck_ok(begin_step(rid, 1, "a", 1, false, &o), o);
    ck_ok(complete_step(rid, 1, "a", 1, "b", &o), o);
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), o);
    struct ag_question q = {0};
    load_question("q1", &q);
    ck_assert_str_eq(ag_value_as_text(q.answer), "kept");
    ag_record_clear(&ag_question_record, &q);
    int64_t seq = 0;
    int64_t before = stored_seq(rid);
    ck_ok(send_line(rid, "lost", "k1", &o, &seq), o);
    ck_assert_int_eq(seq, before + 1);
    ck_assert_int_eq(stored_seq(rid), seq);
    ck_ok(ag_registry_add(fx.domain, &ci, NULL, note_outcome, &o, NULL), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

/* Between the first failed callback and the reload nothing is built on what was lost. */
static int code_inside;

static void write_again(const argo_error *err, void *user)
{
    struct outcome inside = {0};
    note_outcome(err, &o);
    code_inside = send_line(*(int64_t *)user, "on sand", NULL, &inside, NULL);
}

START_TEST(nothing_is_built_on_what_was_lost)
{
    int64_t rid = start_run("w");
    char text[] = "x";
    struct ag_input_request input = {.input = text};
    struct ag_answerer who = {"ann", "arc"};
    int64_t seq = 0;
    int64_t before = stored_seq(rid);
    fixture_alive(rid);
    fixture_fail_commits(1);
    ck_assert_int_eq(
        ag_run_input(fx.domain, rid, &input, &who, NULL, &seq, write_again, &rid, NULL), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    ck_assert_int_eq(code_inside, ARGO_E_STORE);
    settle_all();
    ck_assert_int_eq(stored_seq(rid), before);
}
END_TEST

START_TEST(a_failed_start_may_be_repeated)
{
    char id[] = "w", key[] = "k";
    struct ag_start_request request = {.workflow_id = id, .request_key = key};
    int64_t rid = 0;
    fixture_fail_commits(1);
    ck_assert_int_eq(start_with(&request, "h", &rid), ARGO_E_STORE);
    settle_all();
    ck_assert_int_eq(fx.launches, 0);
    ck_assert_int_eq(ag_run_find(fx.domain, "w", &rid, NULL), ARGO_E_NO_WORKFLOW);
    ck_assert_int_eq(start_with(&request, "h", &rid), 0);
    ck_assert_int_eq(fx.launches, 1);
}
END_TEST

/* The launch is durable, its pid is not: the process is ours all the same. */
START_TEST(a_process_whose_commit_failed_is_ours)
{
    char id[] = "w", key[] = "k";
    struct ag_start_request request = {.workflow_id = id, .request_key = key};
    int64_t rid = 0, again = 0;
    fx.fail_after_launch = true;
    fixture_alive(1);
    ck_assert_int_eq(start_with(&request, "h", &rid), ARGO_E_STORE);
    ck_assert_int_eq(rid, 1);
    settle_all();
    ck_assert_int_eq(fx.adoptions, 1);
    ck_assert_int_eq(stored_state(rid), AG_RUN_QUEUED);
    ck_assert_int_eq(start_with(&request, "h", &again), 1);
    ck_assert_int_eq(again, rid);
    ck_assert_int_eq(fx.launches, 1);
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
}
END_TEST

/* An abandon that is durable goes on over the reload. */
START_TEST(a_durable_abandon_goes_on)
{
    int64_t rid = start_run("w");
    int64_t other = start_run("v");
    struct outcome lost = {0};
    fx.hold_ends = true;
    fixture_alive(other);
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &o, NULL), 0);
    settle_all();
    ck_assert_int_eq(fx.ends, 1);
    fixture_fail_commits(1);
    ck_assert_int_eq(send_line(other, "x", NULL, &lost, NULL), 0);
    ck_assert_int_eq(await(&lost), ARGO_E_STORE);
    settle_all();
    char id[] = "w";
    struct ag_start_request request = {.workflow_id = id};
    int64_t third = 0;
    ck_assert_int_eq(start_with(&request, "h", &third), ARGO_E_EXISTS);
    fixture_let_end();
    ck_assert_int_eq(await(&o), 0);
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_int_eq(row.pid, 0);
    ck_assert_int_eq(row.state, AG_RUN_ABANDONED);
    ag_run_clear(&row);
    ck_assert_int_eq(start_with(&request, "h", &third), 0);
}
END_TEST

/* What lost its process and could not be launched is, by a timer, and not by anybody's call. */
START_TEST(it_goes_on_by_itself)
{
    int64_t rid = start_run("w");
    fixture_fail_commits(1);
    ag_domain_executor_ended(fx.domain, rid, 1000, 9);
    while (fx.launches < 2) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
    settle_all();
    ck_assert_int_eq(ag_loop_timeout(fx.loop), -1); /* idle: no timer */
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(fx.last_epoch, 2);
}
END_TEST

static unsigned told;

static void watched(struct ag_watch *watch, unsigned changes)
{
    told |= changes;
}

START_TEST(watches_look_for_themselves)
{
    int64_t rid = start_run("w");
    struct ag_watch watch = {.mask = AG_CHANGE_OUTPUT, .changed = watched};
    ag_list_init(&watch.node);
    ck_assert_int_eq(ag_watch_add(fx.domain, rid, &watch, NULL), 0);
    fixture_alive(rid);
    fixture_fail_commits(1);
    ck_assert_int_eq(send_line(rid, "x", NULL, &o, NULL), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    settle_all();
    ck_assert_int_eq(told, AG_CHANGE_OUTPUT);

    static struct ag_watch others[AG_MAX_WATCHES]; /* it counts, also where it has moved to */
    for (int i = 0; i < AG_MAX_WATCHES; i++) {
        others[i] = (struct ag_watch){.changed = watched};
        ag_list_init(&others[i].node);
        ck_assert_int_eq(ag_watch_add(fx.domain, rid, &others[i], NULL),
                         i < AG_MAX_WATCHES - 1 ? 0 : ARGO_E_WAITERS);
    }
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_ne(told & AG_CHANGE_ENDED, 0);
}
END_TEST

static void reopen_after(const char *sql)
{
    sqlite3 *db = NULL;
    fixture_close();
    ck_assert_int_eq(sqlite3_open(fixture_path("argo.db"), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    fixture_open();
    ag_domain_recover(fx.domain);
}

/* A run with a rotten row is nobody's; the others go on. */
START_TEST(a_rotten_row_costs_one_run)
{
    static const char *const rows[][2] = {
        {"UPDATE runs SET config = '[' WHERE rid = 1",
         "UPDATE runs SET config = NULL WHERE rid = 1"},
        {"UPDATE questions SET answer_schema = '[' WHERE rid = 1",
         "UPDATE questions SET answer_schema = NULL WHERE rid = 1"},
        {"UPDATE records SET text = CAST(x'ff' AS TEXT) WHERE rid = 1 AND kind = 'line'",
         "UPDATE records SET text = 'x' WHERE rid = 1 AND kind = 'line'"},
    };
    struct ag_watch watch = {.mask = 0};
    int64_t bad = start_run("bad");
    int64_t good = start_run("good");
    ck_ok(send_line(bad, "typed", NULL, &o, NULL), o);
    ck_ok(ask(bad, 1, "q1", AG_QUESTION_CONFIRM, &o), o);
    ck_ok(ask(good, 1, "q2", AG_QUESTION_TEXT, &o), o);
    fixture_alive(good);
    fixture_alive(bad);
    for (size_t i = 0; i < AG_ARRAY_SIZE(rows); i++) {
        int before = fx.adoptions;
        reopen_after(rows[i][0]);
        ck_assert_int_eq(ag_watch_add(fx.domain, bad, &watch, NULL), ARGO_E_NO_WORKFLOW);
        ck_assert_int_eq(fx.adoptions, before + 1);
        reopen_after(rows[i][1]);
        ck_assert_int_eq(fx.adoptions, before + 3);
    }
    ck_assert_int_eq(fx.launches, 2);
    ck_ok(send_answer(good, "q2", "\"x\"", &o), o);
    ck_ok(send_answer(bad, "q1", "true", &o), o);
}
END_TEST

static Suite *reload_suite(void)
{
    Suite *suite = suite_create("domain-reload");
    TCase *tc = tcase_create("reload");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_failed_group_leaves_nothing);
    tcase_add_test(tc, nothing_is_built_on_what_was_lost);
    tcase_add_test(tc, a_failed_start_may_be_repeated);
    tcase_add_test(tc, a_process_whose_commit_failed_is_ours);
    tcase_add_test(tc, a_durable_abandon_goes_on);
    tcase_add_test(tc, it_goes_on_by_itself);
    tcase_add_test(tc, watches_look_for_themselves);
    tcase_add_test(tc, a_rotten_row_costs_one_run);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(reload_suite)
