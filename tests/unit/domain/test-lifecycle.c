/*
 * The life of a run: launch, deaths, interruption, finish, abandon, recovery, watches.
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "fixture.h"

static struct outcome o;

static int64_t stored_pid(int64_t rid)
{
    struct ag_run row = {0};
    load_row(rid, &row);
    int64_t pid = row.pid;
    ag_run_clear(&row);
    return pid;
}

static const char *stored_failure(int64_t rid)
{
    static char code[64];
    struct ag_run row = {0};
    load_row(rid, &row);
    snprintf(code, sizeof(code), "%s", ag_value_get_text(row.error, "code", ""));
    ag_run_clear(&row);
    return code;
}

static void die(int64_t rid)
{
    ag_domain_executor_ended(fx.domain, rid, stored_pid(rid), 9);
    settle_all();
}

static void reopen(void)
{
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    settle_all();
}

START_TEST(a_launch_is_recorded)
{
    int64_t rid = start_run("w");
    struct ag_run row = {0};
    struct ag_token token = {0};
    char hash[AG_SHA256_HEX];
    load_row(rid, &row);
    ck_assert_int_eq(row.state, AG_RUN_RUNNING);
    ck_assert_int_eq(row.pid, 1000);
    ck_assert_int_eq(row.pid_start, 4711);
    ck_assert_int_eq(row.epoch, 1);
    ck_assert_int_ne(row.started, 0);
    ag_run_clear(&row);
    ag_sha256_hex(fx.last_token, 64, hash);
    ck_assert_int_eq(ag_store_token(fx.store, hash, &token, NULL), 1);
    ck_assert_int_eq(token.rid, rid);
    ck_assert_int_eq(token.epoch, 1);
    ag_token_clear(&token);
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(ag_store_token(fx.store, hash, &token, NULL), 0);
}
END_TEST

START_TEST(a_failed_spawn_leaves_a_failed_run)
{
    fx.refuse_launch = true;
    int64_t rid = 0;
    char id[] = "w";
    struct ag_start_request request = {.workflow_id = id};
    ck_assert_int_eq(start_with(&request, "h", &rid), ARGO_E_SPAWN);
    ck_assert_int_eq(stored_state(rid), AG_RUN_FAILED);
    ck_assert_str_eq(stored_failure(rid), "spawn");
    ck_assert_int_eq(stored_pid(rid), 0);
}
END_TEST

START_TEST(the_third_death_is_a_crash)
{
    int64_t rid = start_run("w");
    for (int64_t deaths = 1; deaths < AG_MAX_DEATHS; deaths++) {
        die(rid);
        ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
        ck_assert_int_eq(fx.last_epoch, deaths + 1);
    }
    ck_assert_int_eq(complete_step(rid, 1, "a", 1, "b", &o), ARGO_E_FENCED);
    die(rid);
    ck_assert_int_eq(stored_state(rid), AG_RUN_FAILED);
    ck_assert_str_eq(stored_failure(rid), "crashed");
    ck_assert_int_eq(fx.launches, AG_MAX_DEATHS);
}
END_TEST

START_TEST(a_completed_step_forgives_deaths)
{
    int64_t rid = start_run("w");
    die(rid);
    die(rid);
    ck_ok(complete_step(rid, 3, "a", 1, "b", &o), o);
    die(rid);
    die(rid);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    /* the death of a process that is not the run's changes nothing */
    ag_domain_executor_ended(fx.domain, rid, 1, 9);
    ag_domain_executor_ended(fx.domain, 99, 1, 9);
    settle_all();
    ck_assert_int_eq(fx.launches, 5);
}
END_TEST

/* Until then its last words count, and a daemon that dies begins anew. */
START_TEST(what_the_dead_left_ends_first)
{
    int64_t rid = start_run("w");
    fx.hold_ends = true;
    die(rid);
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(stored_pid(rid), 1000);
    ck_ok(complete_step(rid, 1, "a", 1, "b", &o), o);
    reopen();
    ck_assert_int_eq(fx.ends, 2);
    ck_assert_int_eq(fx.launches, 1);
    fixture_let_end();
    settle_all();
    ck_assert_int_eq(fx.last_epoch, 2);
    ck_assert_int_eq(stored_pid(rid), 1001);
    die(rid);
    ck_ok(finish_run(rid, 2, 0, &o), o);
    fixture_let_end();
    settle_all();
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
}
END_TEST

static int64_t interrupted_run(void)
{
    int64_t rid = start_run("w");
    ck_ok(send_line(rid, "2", NULL, &o, NULL), o);
    ck_ok(begin_step(rid, 1, "a", 1, true, &o), o);
    die(rid);
    ck_assert_int_eq(stored_state(rid), AG_RUN_INTERRUPTED);
    ck_assert_int_eq(stored_pid(rid), 0);
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(ag_run_check_epoch(fx.domain, rid, 1, NULL), ARGO_E_FENCED);
    ck_assert_str_ne(open_question_id(rid), ""); /* what was typed ahead does not decide */
    return rid;
}

START_TEST(an_interrupted_step_is_for_people)
{
    static const char *const decisions[] = {"repeat", "skip", "fail"};
    int64_t rid = interrupted_run();
    ag_auto_free char *answer = ag_asprintf("\"%s\"", decisions[_i]);
    ck_assert_int_eq(send_answer(rid, open_question_id(rid), "\"perhaps\"", &o), ARGO_E_ANSWER);
    ck_ok(send_answer(rid, open_question_id(rid), answer, &o), o);
    settle_all();
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    struct ag_checkpoint c;
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, fx.last_epoch, &c, NULL), 0);
    ck_assert_str_eq(c.decision, decisions[_i]);
    ck_assert_str_eq(c.flight_path, "a");
    ag_record_clear(&ag_checkpoint_record, &c);
    /* until it is under way again a death keeps the decision */
    die(rid);
    ck_assert_int_eq(fx.launches, 3);
    ck_ok(complete_step(rid, fx.last_epoch, "a", 1, "b", &o), o);
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_ptr_null(row.decision);
    ck_assert_ptr_null(row.flight_path);
    ag_run_clear(&row);
}
END_TEST

START_TEST(a_repeated_step_is_asked_about_again)
{
    int64_t rid = interrupted_run();
    ck_ok(send_answer(rid, open_question_id(rid), "\"repeat\"", &o), o);
    settle_all();
    ck_ok(begin_step(rid, fx.last_epoch, "a", 2, true, &o), o);
    die(rid);
    ck_assert_int_eq(stored_state(rid), AG_RUN_INTERRUPTED);
    ck_assert_str_ne(open_question_id(rid), "");
}
END_TEST

START_TEST(an_interrupted_run_outlasts_a_restart)
{
    int64_t rid = interrupted_run();
    reopen();
    ck_assert_int_eq(stored_state(rid), AG_RUN_INTERRUPTED);
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(send_answer(rid, open_question_id(rid), "\"skip\"", &o), 0);
    fixture_close(); /* commits the answer, launches nothing */
    ck_assert_int_eq(o.code, 0);
    ck_assert_int_eq(fx.launches, 1);
    fixture_open();
    ag_domain_recover(fx.domain);
    settle_all();
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

/* The daemon died between the decision and the launch that follows from it. */
START_TEST(a_decision_outlasts_a_crash_of_the_daemon)
{
    int64_t rid = interrupted_run();
    struct ag_run row = {0};
    load_row(rid, &row);
    row.decision = ag_strdup("skip");
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_run(t, &row);
    ag_run_clear(&row);
    ag_txn_commit(t, note_outcome, &o);
    ck_assert_int_eq(await(&o), 0);
    reopen();
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

START_TEST(finishing)
{
    int64_t rid = start_run("w");
    struct outcome again = {0};
    ck_assert_int_eq(finish_run(rid, 1, 0, &o), 0);
    ck_assert_int_eq(finish_run(rid, 1, 0, &again), 0);
    ck_assert_int_eq(finish_run(rid, 1, 1, &again), ARGO_E_FENCED);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&again), 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
    ck_assert_int_eq(stored_pid(rid), 0);
    ck_assert_int_eq(finish_run(rid, 1, 0, &o), ARGO_E_FENCED);
    ag_domain_executor_ended(fx.domain, rid, 1000, 0);
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
    int64_t found = 0;
    ck_assert_int_eq(ag_run_find(fx.domain, "w", &found, NULL), 0);
    ck_assert_int_eq(found, rid);
    ck_assert_int_eq(ag_run_find(fx.domain, "x", &found, NULL), ARGO_E_NO_WORKFLOW);
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &o, NULL), ARGO_E_STATE);
    ck_assert_int_eq(ag_run_abandon(fx.domain, "x", NULL, note_outcome, &o, NULL),
                     ARGO_E_NO_WORKFLOW);
}
END_TEST

START_TEST(abandon_waits_for_what_lives)
{
    int64_t rid = start_run("w");
    fx.hold_ends = true;
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &o, NULL), ARGO_E_STATE);
    settle_all();
    ck_assert_int_eq(o.called, 0);
    ck_assert_int_eq(fx.ends, 1);
    ck_assert_int_eq(strlen(fx.last_nonce), 32);
    ck_assert_int_eq(stored_state(rid), AG_RUN_ABANDONED);
    ck_assert_int_eq(stored_pid(rid), 1000);
    ck_assert_int_eq(complete_step(rid, 1, "a", 1, "b", &o), ARGO_E_FENCED);
    char id[] = "w";
    struct ag_start_request request = {.workflow_id = id};
    int64_t other = 0;
    ck_assert_int_eq(start_with(&request, "h", &other), ARGO_E_EXISTS);
    struct ag_watch watch = {0};
    ck_assert_int_eq(ag_watch_add(fx.domain, rid, &watch, NULL), ARGO_E_NO_WORKFLOW);
    fixture_let_end();
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(stored_pid(rid), 0);
    ck_assert_int_eq(start_with(&request, "h", &other), 0);
}
END_TEST

START_TEST(abandon_while_launching)
{
    char id[] = "w";
    char text[] = "workflow_name: one\ndescription: d\nsteps:\n"
                  "  - {step: say, type: display, message: hello, next_step: EXIT}\n";
    AG_AUTO(ag_value) definition = ag_value_text(text);
    struct ag_start_request request = {.workflow_id = id, .definition = definition};
    struct outcome abandoned = {0};
    int64_t rid = 0;
    ck_assert_int_eq(ag_run_start(fx.domain, &request, "h", &rid, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(ag_run_abandon(fx.domain, "w", NULL, note_outcome, &abandoned, NULL), 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&abandoned), 0);
    ck_assert_int_eq(fx.launches, 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_ABANDONED);
}
END_TEST

START_TEST(recovery)
{
    int64_t adoptable = start_run("adoptable");
    int64_t dead = start_run("dead");
    int64_t leftover = start_run("leftover");
    int64_t done = start_run("done");
    fx.hold_ends = true;
    ck_ok(finish_run(done, 1, 0, &o), o);
    ck_assert_int_eq(ag_run_abandon(fx.domain, "leftover", NULL, note_outcome, &o, NULL), 0);
    settle_all();
    ag_domain_quiesce(fx.domain);
    ck_assert_int_eq(fx.ends, 1);
    fx.end_done = NULL;
    fixture_alive(adoptable);
    fx.hold_ends = false;
    reopen();
    ck_assert_int_eq(fx.ends, 3); /* what the dead one left, and the leftover once more */
    ck_assert_int_eq(stored_pid(leftover), 0);
    ck_assert_int_eq(stored_state(leftover), AG_RUN_ABANDONED);
    ck_assert_int_eq(fx.adoptions, 1);
    ck_assert_int_eq(fx.last_rid, dead);
    ck_assert_int_eq(fx.last_epoch, 2);
    ck_assert_int_eq(fx.launches, 5);
    ck_ok(complete_step(adoptable, 1, "a", 1, "b", &o), o);
    ck_assert_int_eq(stored_pid(adoptable), 5000 + adoptable);
    struct ag_domain_counts counts;
    ag_domain_count(fx.domain, &counts);
    ck_assert_int_eq(counts.live, 2);
    ck_assert_int_eq(counts.processes, 2);
    reopen();
    ck_assert_int_eq(fx.ends, 4); /* the dead one has died again */
}
END_TEST

START_TEST(a_queued_run_is_launched_by_the_next_daemon)
{
    ag_domain_quiesce(fx.domain);
    char id[] = "w";
    struct ag_start_request request = {.workflow_id = id};
    int64_t rid = 0;
    ck_assert_int_eq(start_with(&request, "h", &rid), ARGO_E_SHUTDOWN);
    reopen();
    rid = start_run("w");
    ag_domain_quiesce(fx.domain);
    ag_domain_executor_ended(fx.domain, rid, 1000, 9);
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
    reopen();
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

static void forget_process(int64_t rid)
{
    struct ag_run row = {0};
    load_row(rid, &row);
    row.state = AG_RUN_QUEUED;
    row.pid = 0;
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_run(t, &row);
    ag_run_clear(&row);
    ag_txn_commit(t, note_outcome, &o);
    ck_assert_int_eq(await(&o), 0);
}

/* The store knows the launch, and not yet the process: it is adopted as running. */
START_TEST(an_adopted_run_is_running)
{
    int64_t rid = start_run("w");
    forget_process(rid);
    fixture_alive(rid);
    reopen();
    ck_assert_int_eq(fx.launches, 1);
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
}
END_TEST

/* They take their locks while their runs wait for their turn to be launched again. */
START_TEST(who_comes_to_life_in_the_queue_is_adopted)
{
    enum { RUNS = 20, AT_ONCE = 16 };

    int64_t begun = 0;
    int64_t rids[RUNS];
    for (int i = 0; i < RUNS; i++) {
        char id[8];
        snprintf(id, sizeof(id), "w%d", i);
        rids[i] = start_run(id);
        forget_process(rids[i]);
    }
    reopen();
    settle_all();
    ck_assert_int_eq(fx.launches, RUNS + AT_ONCE);
    for (int i = 0; i < RUNS; i++) {
        struct ag_run row = {0};
        load_row(rids[i], &row);
        if (row.epoch == 1) {
            fixture_alive(rids[i]);
        } else {
            begun = rids[i];
        }
        ag_run_clear(&row);
    }
    struct ag_checkpoint c;
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, begun, 2, &c, NULL), 0);
    ag_record_clear(&ag_checkpoint_record, &c);
    settle_all();
    ck_assert_int_eq(fx.adoptions, RUNS - AT_ONCE);
    ck_assert_int_eq(fx.launches, RUNS + AT_ONCE);
}
END_TEST

/* The daemon died before the executor had taken its lock: it has done nothing wrong. */
START_TEST(one_without_its_lock_yet_is_adopted)
{
    int64_t rid = start_run("w");
    reopen();
    ck_assert_int_eq(fx.ends, 1); /* it was asked for, and did not live */
    ck_assert_int_eq(strncmp(fx.adopted_by, "1000 ", 5), 0);
    ck_assert_str_eq(fx.adopted_by + 5, fx.last_nonce);
    fx.newborn = rid;
    for (int i = 0; i < AG_MAX_DEATHS; i++) {
        reopen();
    }
    ck_assert_int_eq(fx.ends, 1);
    ck_assert_int_eq(fx.launches, 2);
    ck_assert_int_eq(stored_pid(rid), 1001);
    ck_ok(finish_run(rid, 2, 0, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
}
END_TEST

/* Two launches on their way: only the newer one's token is good, so only that one happens. */
START_TEST(an_overtaken_launch_is_left_out)
{
    char id[] = "w";
    char text[] = "workflow_name: one\ndescription: d\nsteps:\n"
                  "  - {step: say, type: display, message: hello, next_step: EXIT}\n";
    AG_AUTO(ag_value) definition = ag_value_text(text);
    struct ag_start_request request = {.workflow_id = id, .definition = definition};
    struct ag_token token = {0};
    char hash[AG_SHA256_HEX];
    int64_t rid = 0;
    ck_assert_int_eq(ag_run_start(fx.domain, &request, "h", &rid, note_outcome, &o, NULL), 0);
    ag_domain_recover(fx.domain);
    ck_assert_int_eq(await(&o), 0);
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
    ck_assert_int_eq(fx.last_epoch, 2);
    ag_sha256_hex(fx.last_token, 64, hash);
    ck_assert_int_eq(ag_store_token(fx.store, hash, &token, NULL), 1);
    ck_assert_int_eq(token.epoch, 2);
    ag_token_clear(&token);
}
END_TEST

START_TEST(a_reboot_is_no_death)
{
    int64_t rid = start_run("w");
    for (int i = 0; i < AG_MAX_DEATHS + 1; i++) {
        struct ag_run row = {0};
        load_row(rid, &row);
        free(row.boot_id);
        row.boot_id = ag_strdup("another boot");
        ag_txn *t = ag_txn_new(fx.store);
        ag_txn_put_run(t, &row);
        ag_run_clear(&row);
        ag_txn_commit(t, note_outcome, &o);
        ck_assert_int_eq(await(&o), 0);
        reopen();
        ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    }
    for (int i = 0; i < AG_MAX_DEATHS; i++) {
        ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
        reopen(); /* of the same boot: it went away while no daemon looked */
    }
    ck_assert_int_eq(stored_state(rid), AG_RUN_FAILED);
}
END_TEST

/* ---- watches ------------------------------------------------------------------------------------ */

struct watcher {
    struct ag_watch watch;
    unsigned seen;
    int calls;
    struct watcher *removes;
    bool again; /* removes and adds itself, as a poll that goes on does */
    int64_t rid;
};

static void watched(struct ag_watch *watch, unsigned changes)
{
    struct watcher *w = AG_CONTAINER_OF(watch, struct watcher, watch);
    w->seen |= changes;
    w->calls++;
    if (w->removes != NULL) {
        ag_watch_remove(&w->removes->watch);
    }
    if (w->again) {
        ag_watch_remove(watch);
        (void)ag_watch_add(fx.domain, w->rid, watch, NULL);
    }
}

static void watch_run(struct watcher *w, int64_t rid, unsigned mask)
{
    w->rid = rid;
    w->watch.mask = mask;
    w->watch.changed = watched;
    ag_list_init(&w->watch.node);
    ck_assert_int_eq(ag_watch_add(fx.domain, rid, &w->watch, NULL), 0);
}

static void fill_watches(struct ag_watch *watches, int n, int64_t rid, bool own)
{
    AG_AUTO(argo_error) err = NULL;
    for (int i = 0; i <= n; i++) {
        watches[i].own = own;
        watches[i].changed = watched;
        ag_list_init(&watches[i].node);
        ck_assert_int_eq(ag_watch_add(fx.domain, rid, &watches[i], &err),
                         i < n ? 0 : ARGO_E_WAITERS);
    }
}

START_TEST(readers_leave_room_for_the_executor)
{
    static struct ag_watch readers[AG_MAX_WATCHES + 1], own[AG_MAX_OWN_WATCHES + 1];
    int64_t rid = start_run("w");
    fill_watches(readers, AG_MAX_WATCHES, rid, false);
    fill_watches(own, AG_MAX_OWN_WATCHES, rid, true);
    for (int i = 0; i < AG_MAX_WATCHES; i++) {
        ag_watch_remove(&readers[i]);
    }
    for (int i = 0; i < AG_MAX_OWN_WATCHES; i++) {
        ag_watch_remove(&own[i]);
    }
}
END_TEST

START_TEST(watches_hear_of_their_masks)
{
    int64_t rid = start_run("w");
    struct watcher input = {0}, output = {0}, first = {0}, second = {0};
    watch_run(&input, rid, AG_CHANGE_INPUT);
    watch_run(&output, rid, AG_CHANGE_OUTPUT);
    watch_run(&first, rid, AG_CHANGE_INPUT);
    watch_run(&second, rid, AG_CHANGE_INPUT);
    input.again = true;
    first.removes = &second;
    ck_assert_int_eq(send_line(rid, "x", NULL, &o, NULL), 0);
    ck_assert_int_eq(input.calls, 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(input.calls, 1);
    ck_assert_int_eq(input.seen, AG_CHANGE_INPUT);
    ck_assert_int_eq(output.calls, 0);
    ck_assert_int_eq(first.calls, 1);
    ck_assert_int_eq(second.calls, 0);
    input.again = false;
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_ne(output.seen & AG_CHANGE_ENDED, 0);
    ck_assert_int_eq(input.calls, 2);
    ck_assert_int_eq(ag_watch_add(fx.domain, rid, &input.watch, NULL), ARGO_E_NO_WORKFLOW);
    ag_watch_remove(&input.watch); /* also after the end */
}
END_TEST

START_TEST(watches_have_a_limit)
{
    static struct watcher many[AG_MAX_WATCHES + 1];
    int64_t rid = start_run("w");
    for (size_t i = 0; i < AG_MAX_WATCHES; i++) {
        watch_run(&many[i], rid, AG_CHANGE_STATE);
    }
    ag_list_init(&many[AG_MAX_WATCHES].watch.node);
    ck_assert_int_eq(ag_watch_add(fx.domain, rid, &many[AG_MAX_WATCHES].watch, NULL),
                     ARGO_E_WAITERS);
    ag_watch_remove(&many[7].watch);
    ck_assert_int_eq(ag_watch_add(fx.domain, rid, &many[AG_MAX_WATCHES].watch, NULL), 0);
}
END_TEST

static Suite *lifecycle_suite(void)
{
    Suite *suite = suite_create("domain-lifecycle");
    TCase *tc = tcase_create("lifecycle");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_launch_is_recorded);
    tcase_add_test(tc, a_failed_spawn_leaves_a_failed_run);
    tcase_add_test(tc, the_third_death_is_a_crash);
    tcase_add_test(tc, a_completed_step_forgives_deaths);
    tcase_add_test(tc, what_the_dead_left_ends_first);
    tcase_add_loop_test(tc, an_interrupted_step_is_for_people, 0, 3);
    tcase_add_test(tc, a_repeated_step_is_asked_about_again);
    tcase_add_test(tc, an_interrupted_run_outlasts_a_restart);
    tcase_add_test(tc, a_decision_outlasts_a_crash_of_the_daemon);
    tcase_add_test(tc, finishing);
    tcase_add_test(tc, abandon_waits_for_what_lives);
    tcase_add_test(tc, abandon_while_launching);
    tcase_add_test(tc, recovery);
    tcase_add_test(tc, a_queued_run_is_launched_by_the_next_daemon);
    tcase_add_test(tc, an_adopted_run_is_running);
    tcase_add_test(tc, who_comes_to_life_in_the_queue_is_adopted);
    tcase_add_test(tc, one_without_its_lock_yet_is_adopted);
    tcase_add_test(tc, an_overtaken_launch_is_left_out);
    tcase_add_test(tc, a_reboot_is_no_death);
    tcase_add_test(tc, readers_leave_room_for_the_executor);
    tcase_add_test(tc, watches_hear_of_their_masks);
    tcase_add_test(tc, watches_have_a_limit);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(lifecycle_suite)
