/*
 * Conformance, lists of runs and sessions: numbers, pages, filters, retired ids; other readers.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static int list_ids(const struct ag_run *run, void *user)
{
    ag_buf_printf(user, "%s ", run->workflow_id);
    return 0;
}

static const char *page(struct ag_run_filter filter)
{
    static struct ag_buf buf = AG_BUF_INIT(4096);
    ag_buf_clear(&buf);
    ck_assert_int_eq(ag_store_runs(fx.store, &filter, list_ids, &buf, NULL), 0);
    return ag_buf_text(&buf);
}

static void add(const char *id, const char *template_name, const char *session, int state)
{
    ag_auto_free char *own_id = ag_strdup(id);
    ag_auto_free char *own_template = ag_strdup(template_name);
    ag_auto_free char *own_session = ag_strdup(session);
    struct ag_run run = {.rid = ag_store_next_rid(fx.store),
                         .workflow_id = own_id,
                         .template_name = own_template,
                         .session_id = own_session,
                         .state = state};
    struct ag_run_spec spec = {0};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_add_run(t, &run, &spec);
    ck_assert_int_eq(fixture_commit(t), 0);
}

START_TEST(filters_and_pages)
{
    fixture_open(_i);
    add("a", "t", NULL, AG_RUN_DONE);
    add("b", "t", "s", AG_RUN_RUNNING);
    add("c", "u", "s", AG_RUN_INTERRUPTED);
    add("d", "u", NULL, AG_RUN_ABANDONED);
    add("e", "t", "s", AG_RUN_FAILED);
    char t[] = "t", u[] = "u", s[] = "s", none[] = "none";
    ck_assert_str_eq(page((struct ag_run_filter){.state = -2, .limit = 10}), "e d c b a ");
    ck_assert_str_eq(page((struct ag_run_filter){.state = -2, .limit = 2}), "e d ");
    ck_assert_str_eq(page((struct ag_run_filter){.state = -2, .limit = 2, .before_rid = 4}),
                     "c b ");
    ck_assert_str_eq(page((struct ag_run_filter){.state = -2, .limit = 2, .before_rid = 1}), "");
    ck_assert_str_eq(page((struct ag_run_filter){.state = -1, .limit = 10}), "c b ");
    ck_assert_str_eq(page((struct ag_run_filter){.state = -1, .limit = 10, .template_name = u}),
                     "c ");
    ck_assert_str_eq(page((struct ag_run_filter){.state = AG_RUN_DONE, .limit = 10}), "a ");
    ck_assert_str_eq(page((struct ag_run_filter){.state = AG_RUN_QUEUED, .limit = 10}), "");
    ck_assert_str_eq(page((struct ag_run_filter){.state = -2, .limit = 10, .template_name = t}),
                     "e b a ");
    ck_assert_str_eq(page((struct ag_run_filter){.state = -2, .limit = 10, .session_id = s}),
                     "e c b ");
    ck_assert_str_eq(page((struct ag_run_filter){
                         .state = AG_RUN_FAILED, .limit = 10, .session_id = s, .template_name = t}),
                     "e ");
    ck_assert_str_eq(
        page((struct ag_run_filter){.state = -2, .limit = 10, .session_id = s, .template_name = u}),
        "c ");
    ck_assert_str_eq(page((struct ag_run_filter){.state = -2, .limit = 10, .session_id = none}),
                     "");
}
END_TEST

static int list_active(const struct ag_active_run *run, void *user)
{
    ag_buf_printf(user, "%s/%s/%s/%s ", run->workflow_id, run->template_name, run->status,
                  run->session_id == NULL ? "-" : run->session_id);
    return 0;
}

static const char *active(ag_store *s, const char *session)
{
    static struct ag_buf buf = AG_BUF_INIT(4096);
    ag_buf_clear(&buf);
    ck_assert_int_eq(ag_store_active_runs(s, session, list_active, &buf, NULL), 0);
    return ag_buf_text(&buf);
}

START_TEST(active_runs_in_passing)
{
    fixture_open(_i);
    add("a", "t", NULL, AG_RUN_QUEUED);
    add("b", "t", "s", AG_RUN_DONE);
    add("c", "u", "s", AG_RUN_WAITING);
    add("d", "u", "r", AG_RUN_PAUSED);
    ck_assert_str_eq(active(fx.store, NULL), "a/t/queued/- c/u/waiting/s d/u/paused/r ");
    ck_assert_str_eq(active(fx.store, "s"), "c/u/waiting/s ");
    ck_assert_str_eq(active(fx.store, "none"), "");
}
END_TEST

START_TEST(a_damaged_run_is_left_out_in_passing)
{
    fixture_open(_i);
    add("a", "t", NULL, AG_RUN_QUEUED);
    add("b", "t", NULL, AG_RUN_QUEUED);
    fixture_close();
    ck_assert_int_eq(fixture_exec("UPDATE runs SET template = x'FF' WHERE workflow_id = 'a'"), 0);
    fixture_open(_i);
    ck_assert_str_eq(active(fx.store, NULL), "b/t/queued/- ");
}
END_TEST

/* A reader of its own sees what is committed, from when it asks. */
START_TEST(a_second_reader)
{
    fixture_open(_i);
    ag_store *reader = NULL;
    add("a", "t", NULL, AG_RUN_QUEUED);
    ck_assert_int_eq(ag_store_reader(fx.store, &reader, NULL), 0);
    ck_assert_str_eq(active(reader, NULL), "a/t/queued/- ");
    add("b", "t", NULL, AG_RUN_QUEUED);
    ck_assert_str_eq(active(reader, NULL), "a/t/queued/- b/t/queued/- ");
    ag_store_close(reader);
    add("c", "t", NULL, AG_RUN_QUEUED); /* its going harms nobody */
    ck_assert_str_eq(active(fx.store, NULL), "a/t/queued/- b/t/queued/- c/t/queued/- ");
}
END_TEST

static void note_called(const argo_error *err, void *user)
{
    ck_assert_ptr_null(err);
    *(bool *)user = true;
}

START_TEST(settled_it_is_only_read)
{
    fixture_open(_i);
    bool called = false;
    char name[] = "ci";
    struct ag_ci ci = {.name = name}, back = {0};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_ci(t, &ci);
    ag_txn_commit(t, note_called, &called);
    ag_store_settle(fx.store);
    ck_assert(called);
    ck_assert_int_eq(ag_store_ci(fx.store, "ci", &back, NULL), 1);
    ag_record_clear(&ag_ci_record, &back);
}
END_TEST

static int list_session(const struct ag_session *session, void *user)
{
    ag_buf_printf(user, "%s:%s ", session->session_id,
                  session->description == NULL ? "-" : session->description);
    return 0;
}

static const char *sessions(const char *after, int64_t limit)
{
    static struct ag_buf buf = AG_BUF_INIT(4096);
    ag_buf_clear(&buf);
    ck_assert_int_eq(ag_store_sessions(fx.store, after, limit, list_session, &buf, NULL), 0);
    return ag_buf_text(&buf);
}

START_TEST(sessions_are_pages)
{
    fixture_open(_i);
    ag_txn *t = ag_txn_new(fx.store);
    char ids[3][2] = {"c", "a", "b"};
    char text[] = "about";
    for (int i = 0; i < 3; i++) {
        struct ag_session session = {
            .session_id = ids[i], .created = 7 + i, .description = i == 1 ? text : NULL};
        ag_txn_put_session(t, &session);
    }
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_str_eq(sessions("", 10), "a:about b:- c:- ");
    ck_assert_str_eq(sessions("", 2), "a:about b:- ");
    ck_assert_str_eq(sessions("b", 2), "c:- ");
    t = ag_txn_new(fx.store);
    ag_txn_remove_session(t, "b");
    ag_txn_remove_session(t, "none");
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_str_eq(sessions("", 10), "a:about c:- ");
    struct ag_session back = {0};
    ck_assert_int_eq(ag_store_session(fx.store, "b", &back, NULL), 0);
    ck_assert_int_eq(ag_store_session(fx.store, "a", &back, NULL), 1);
    ck_assert_int_eq(back.created, 8);
    ag_record_clear(&ag_session_record, &back);
}
END_TEST

START_TEST(numbers_are_never_given_twice)
{
    fixture_open(_i);
    int64_t first = fixture_add_run("a", "t", AG_RUN_DONE);
    int64_t second = fixture_add_run("b", "t", AG_RUN_DONE);
    ck_assert_int_ge(first, 1);
    ck_assert_int_gt(second, first);
    fixture_close();
    fixture_open(_i);
    ck_assert_int_gt(ag_store_next_rid(fx.store), second);
}
END_TEST

START_TEST(instances_and_retired_ids)
{
    fixture_open(_i);
    int64_t max = -1;
    ck_assert_int_eq(ag_store_instance_max(fx.store, "t", &max, NULL), 0);
    ck_assert_int_eq(max, 0);
    add("t_2", "t", NULL, AG_RUN_DONE);
    add("t_10", "t", NULL, AG_RUN_DONE);
    add("t_9x", "t", NULL, AG_RUN_DONE);
    add("tt_99", "t", NULL, AG_RUN_DONE);
    add("77", "t", NULL, AG_RUN_DONE);
    add("t_99999999999999999999", "t", NULL, AG_RUN_DONE); /* beyond 64 bits: no number */
    int64_t rid = ag_store_next_rid(fx.store);
    add("t_11", "t", NULL, AG_RUN_DONE);
    rid += 1;
    ck_assert_int_eq(ag_store_instance_max(fx.store, "t", &max, NULL), 0);
    ck_assert_int_eq(max, 11);

    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_retire_id(t, rid, "t_11~1");
    struct ag_run run = {.rid = ag_store_next_rid(fx.store)};
    struct ag_run_spec spec = {0};
    char id[] = "t_11";
    run.workflow_id = id;
    ag_txn_add_run(t, &run, &spec);
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_int_eq(ag_store_retired_max(fx.store, "t_11", &max, NULL), 0);
    ck_assert_int_eq(max, 1);
    ck_assert_int_eq(ag_store_retired_max(fx.store, "t_10", &max, NULL), 0);
    ck_assert_int_eq(max, 0);
    struct ag_run back;
    ck_assert_int_eq(ag_store_run(fx.store, "t_11", &back, NULL), 1);
    ck_assert_int_eq(back.rid, run.rid);
    ag_run_clear(&back);
    ck_assert_int_eq(ag_store_run(fx.store, "t_11~1", &back, NULL), 1);
    ck_assert_int_eq(back.rid, rid);
    ag_run_clear(&back);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("store-lists");
    TCase *tc = tcase_create("lists");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_loop_test(tc, filters_and_pages, 0, fixture_driver_count);
    tcase_add_loop_test(tc, active_runs_in_passing, 0, fixture_driver_count);
    tcase_add_loop_test(tc, a_damaged_run_is_left_out_in_passing, 0, fixture_driver_count);
    tcase_add_loop_test(tc, a_second_reader, 0, fixture_driver_count);
    tcase_add_loop_test(tc, settled_it_is_only_read, 0, fixture_driver_count);
    tcase_add_loop_test(tc, sessions_are_pages, 0, fixture_driver_count);
    tcase_add_loop_test(tc, numbers_are_never_given_twice, 0, fixture_driver_count);
    tcase_add_loop_test(tc, instances_and_retired_ids, 0, fixture_driver_count);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
