/*
 * Conformance, commits: order, groups, visibility, and what a failure does.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "fixture.h"

struct log {
    int called;
    int codes[64];
    int order[64];
};

struct slot {
    struct log *log;
    int number;
};

static void note(const argo_error *err, void *user)
{
    struct slot *slot = user;
    struct log *log = slot->log;
    log->codes[log->called] = argo_error_code(err);
    log->order[log->called] = slot->number;
    log->called++;
}

static ag_txn *meta_txn(const char *key, const char *value)
{
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_meta(t, key, value);
    return t;
}

static bool has_meta(const char *key)
{
    char *value = NULL;
    int rc = ag_store_meta(fx.store, key, &value, NULL);
    ck_assert_int_ge(rc, 0);
    free(value);
    return rc == 1;
}

START_TEST(callbacks_come_in_order_also_for_empty_transactions)
{
    fixture_open(_i);
    struct log log = {0};
    struct slot slots[30];
    for (int i = 0; i < 30; i++) {
        slots[i] = (struct slot){&log, i};
        ag_txn *t = i % 3 == 0 ? ag_txn_new(fx.store) : meta_txn("k", "v");
        ag_txn_commit(t, note, &slots[i]);
        ck_assert_int_eq(log.called, 0);
    }
    fixture_dispatch_until(&log.called, 30);
    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(log.order[i], i);
        ck_assert_int_eq(log.codes[i], 0);
    }
    ag_txn_drop(meta_txn("dropped", "x"));
    ck_assert_int_eq(fixture_commit(ag_txn_new(fx.store)), 0);
    ck_assert(!has_meta("dropped"));
}
END_TEST

START_TEST(what_gathers_is_one_group_and_is_not_seen_before)
{
    fixture_open(_i);
    struct ag_store_stats before, after;
    ag_store_stats(fx.store, &before);
    struct log log = {0};
    struct slot slots[21];
    fixture_hold();
    for (int i = 0; i < 21; i++) {
        slots[i] = (struct slot){&log, i};
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        ag_txn_commit(meta_txn(key, "v"), note, &slots[i]);
        if (i == 0) {
            fixture_await_held();
        }
    }
    ck_assert(!has_meta("k0"));
    ck_assert(!has_meta("k20"));
    fixture_let_go();
    fixture_dispatch_until(&log.called, 21);
    ck_assert(has_meta("k0"));
    ck_assert(has_meta("k20"));
    ag_store_stats(fx.store, &after);
    ck_assert_uint_eq(after.transactions - before.transactions, 21);
    ck_assert_uint_eq(after.groups - before.groups, 2);
    uint64_t measured = 0;
    for (int i = 0; i <= AG_HISTOGRAM_BOUNDS; i++) {
        measured += after.commit.counts[i] - before.commit.counts[i];
    }
    ck_assert_uint_eq(measured, 21); /* each, not each group */
    ck_assert_uint_gt(after.commit.sum_us, before.commit.sum_us);
}
END_TEST

struct chain {
    struct log log;
    struct slot slot, next;
};

static void commit_again(const argo_error *err, void *user)
{
    struct chain *chain = user;
    note(err, &chain->slot);
    ag_txn_commit(meta_txn("again", "v"), note, &chain->next);
}

START_TEST(a_failure_fails_the_group_and_all_behind_it)
{
    fixture_open(_i);
    struct chain chain = {.slot = {&chain.log, 0}, .next = {&chain.log, 100}};
    struct slot slots[4];
    fixture_hold();
    fixture_fail_commits(1);
    ag_txn_commit(meta_txn("first", "v"), commit_again, &chain);
    fixture_await_held();
    for (int i = 1; i < 4; i++) {
        slots[i] = (struct slot){&chain.log, i};
        ag_txn *t = i == 2 ? ag_txn_new(fx.store) : meta_txn("behind", "v");
        ag_txn_commit(t, note, &slots[i]);
    }
    fixture_let_go();
    fixture_dispatch_until(&fx.failed, 1);
    ck_assert_int_eq(chain.log.called, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(chain.log.codes[i], ARGO_E_STORE);
        ck_assert_int_eq(chain.log.order[i], i < 4 ? i : 100);
    }
    ck_assert(!ag_store_healthy(fx.store));
    ck_assert(!has_meta("first"));
    ck_assert(!has_meta("behind"));
    ck_assert(!has_meta("again"));

    ck_assert_int_eq(fixture_commit(meta_txn("after", "v")), 0);
    ck_assert(ag_store_healthy(fx.store));
    ck_assert(has_meta("after"));
    ck_assert_int_eq(fx.failed, 1);
    fixture_close();
    fixture_open(_i);
    ck_assert(has_meta("after"));
    ck_assert(!has_meta("first"));
}
END_TEST

START_TEST(a_refused_statement_fails_its_group_too)
{
    fixture_open(_i);
    fixture_add_run("same", "t", AG_RUN_RUNNING);
    struct ag_run run = {.rid = ag_store_next_rid(fx.store)};
    struct ag_run_spec spec = {0};
    char id[] = "same";
    run.workflow_id = id;
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_meta(t, "with", "it");
    ag_txn_add_run(t, &run, &spec);
    ck_assert_int_eq(fixture_commit(t), ARGO_E_STORE);
    ck_assert(!has_meta("with"));
    ck_assert_int_eq(fx.failed, 1);
}
END_TEST

START_TEST(a_full_disk_is_survived)
{
    fixture_limit_pages(60);
    fixture_open(_i);
    ag_auto_free char *big = malloc(1000001);
    memset(big, 'x', 1000000);
    big[1000000] = '\0';
    ck_assert_int_eq(fixture_commit(meta_txn("small", "v")), 0);
    ck_assert_int_eq(fixture_commit(meta_txn("big", big)), ARGO_E_STORE);
    ck_assert_int_eq(fx.failed, 1);
    ck_assert(has_meta("small"));
    ck_assert(!has_meta("big"));
    /* Reopened, still full: the next one that fits goes through. */
    ck_assert_int_eq(fixture_commit(meta_txn("next", "v")), 0);
    /* Full again; with room when the writer reopens. */
    fixture_limit_pages(0);
    ck_assert_int_eq(fixture_commit(meta_txn("big", big)), ARGO_E_STORE);
    ck_assert_int_eq(fixture_commit(meta_txn("big", big)), 0);
    ck_assert(has_meta("big"));
    ck_assert_int_eq(fx.failed, 2);
}
END_TEST

START_TEST(close_commits_what_is_queued)
{
    fixture_open(_i);
    struct log log = {0};
    struct slot slots[10];
    for (int i = 0; i < 10; i++) {
        slots[i] = (struct slot){&log, i};
        ag_txn_commit(meta_txn("queued", "v"), note, &slots[i]);
    }
    fixture_close();
    ck_assert_int_eq(log.called, 10);
    ck_assert_int_eq(log.codes[9], 0);
    fixture_open(_i);
    ck_assert(has_meta("queued"));
}
END_TEST

START_TEST(close_reports_a_failure_but_does_not_ask_to_reload)
{
    fixture_open(_i);
    struct log log = {0};
    struct slot slot = {&log, 0};
    fixture_fail_commits(1);
    ag_txn_commit(meta_txn("k", "v"), note, &slot);
    fixture_close();
    ck_assert_int_eq(log.called, 1);
    ck_assert_int_eq(log.codes[0], ARGO_E_STORE);
    ck_assert_int_eq(fx.failed, 0);
}
END_TEST

static void look_at_once(const argo_error *err, void *user)
{
    ck_assert(has_meta("k"));
    note(err, user);
}

/* From the first read of an iteration on, until a commit is reported. */
START_TEST(reads_of_an_iteration_are_of_one_state)
{
    fixture_open(_i);
    struct log log = {0};
    struct slot slot = {&log, 1};
    ck_assert(!has_meta("k"));
    ag_txn_commit(meta_txn("k", "v"), look_at_once, &slot);
    struct pollfd committed = {.fd = ag_loop_fd(fx.loop), .events = POLLIN};
    ck_assert_int_eq(poll(&committed, 1, -1), 1);
    ck_assert(!has_meta("k"));
    fixture_dispatch_until(&log.called, 1);
    ck_assert(has_meta("k"));
}
END_TEST

/* Also when it is read all the time: it begins anew. */
START_TEST(a_long_log_is_checkpointed)
{
    fixture_open(_i);
    ag_auto_free char *big = calloc(1, 100001);
    memset(big, 'x', 100000);
    for (int i = 0; i < 120; i++) { /* 25 pages each */
        ck_assert(has_meta("schema_version"));
        ck_assert_int_eq(fixture_commit(meta_txn("big", big)), 0);
    }
    ag_auto_free char *log = ag_asprintf("%s-wal", fx.path);
    struct stat st;
    ck_assert(stat(log, &st) < 0 || st.st_size < 8 * 1024 * 1024);
    fixture_close();
    fixture_open(_i);
    ck_assert(has_meta("big"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("store-commit");
    TCase *tc = tcase_create("commit");
    int n = fixture_driver_count;
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, callbacks_come_in_order_also_for_empty_transactions, 0, n);
    tcase_add_loop_test(tc, what_gathers_is_one_group_and_is_not_seen_before, 0, n);
    tcase_add_loop_test(tc, a_failure_fails_the_group_and_all_behind_it, 0, n);
    tcase_add_loop_test(tc, a_refused_statement_fails_its_group_too, 0, n);
    tcase_add_loop_test(tc, a_full_disk_is_survived, 0, n);
    tcase_add_loop_test(tc, close_commits_what_is_queued, 0, n);
    tcase_add_loop_test(tc, close_reports_a_failure_but_does_not_ask_to_reload, 0, n);
    tcase_add_loop_test(tc, reads_of_an_iteration_are_of_one_state, 0, n);
    tcase_add_loop_test(tc, a_long_log_is_checkpointed, 0, n);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
