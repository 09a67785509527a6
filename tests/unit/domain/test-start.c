/*
 * Starting runs: ids, request keys, what is refused, what is stored.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static struct outcome o;

static const char *stored_id(int64_t rid)
{
    static char id[128];
    struct ag_run row = {0};
    load_row(rid, &row);
    snprintf(id, sizeof(id), "%s", row.workflow_id);
    ag_run_clear(&row);
    return id;
}

START_TEST(ids_are_chosen)
{
    char instance[] = "blue", own[] = "mine.1", bad[] = "../x", verb[] = "status";
    struct ag_start_request r = {0};
    int64_t rid = 0;
    ck_assert_int_eq(start_with(&r, "h", &rid), 0);
    ck_assert_str_eq(stored_id(rid), "one_1");
    ck_assert_int_eq(start_with(&r, "h", &rid), 0);
    ck_assert_str_eq(stored_id(rid), "one_2");
    r.instance = instance;
    ck_assert_int_eq(start_with(&r, "h", &rid), 0);
    ck_assert_str_eq(stored_id(rid), "one_blue");
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_EXISTS);
    r.workflow_id = own;
    ck_assert_int_eq(start_with(&r, "h", &rid), 0);
    ck_assert_str_eq(stored_id(rid), "mine.1");
    r.workflow_id = bad;
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_ID);
    r.workflow_id = verb;
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_ID);
    ck_assert_int_eq(fx.launches, 4);
}
END_TEST

START_TEST(numbers_run_out)
{
    char last[] = "one_9223372036854775807";
    struct ag_start_request r = {.workflow_id = last};
    int64_t rid = 0;
    ck_assert_int_eq(start_with(&r, "h", &rid), 0);
    r.workflow_id = NULL;
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_EXISTS);
}
END_TEST

START_TEST(an_id_is_used_again)
{
    int64_t rids[3];
    for (size_t i = 0; i < AG_ARRAY_SIZE(rids); i++) {
        rids[i] = start_run("w");
        ck_ok(finish_run(rids[i], 1, 0, &o), o);
    }
    ck_assert_str_eq(stored_id(rids[0]), "w~1");
    ck_assert_str_eq(stored_id(rids[1]), "w~2");
    ck_assert_str_eq(stored_id(rids[2]), "w");
    int64_t rid = 0;
    ck_assert_int_eq(ag_run_find(fx.domain, "w~1", &rid, NULL), 0);
    ck_assert_int_eq(rid, rids[0]);
}
END_TEST

START_TEST(request_keys)
{
    char key[] = "k", id[] = "w";
    char text[] = "workflow_name: one\ndescription: d\nsteps:\n"
                  "  - {step: say, type: display, message: hello, next_step: EXIT}\n";
    AG_AUTO(ag_value) definition = ag_value_text(text);
    struct ag_start_request r = {.workflow_id = id, .request_key = key, .definition = definition};
    struct outcome second = {0};
    int64_t a = 0, b = 0;
    ck_assert_int_eq(ag_run_start(fx.domain, &r, "h", &a, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(ag_run_start(fx.domain, &r, "h", &b, note_outcome, &second, NULL), 1);
    ck_assert_int_eq(a, b);
    ck_assert_int_eq(ag_run_start(fx.domain, &r, "other", &b, note_outcome, &second, NULL),
                     ARGO_E_KEY_REUSED);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&second), 0);
    ck_assert_int_eq(start_with(&r, "h", &b), 1);
    ck_assert_int_eq(a, b);
    ck_assert_int_eq(start_with(&r, "other", &b), ARGO_E_KEY_REUSED);
    ck_ok(finish_run(a, 1, 0, &o), o);
    ck_assert_int_eq(start_with(&r, "h", &b), 1);
    ck_assert_int_eq(a, b);
    ck_assert_int_eq(fx.launches, 1);
}
END_TEST

START_TEST(what_is_refused)
{
    char relative[] = "tmp", session[] = "s", missing[] = "no_such";
    AG_AUTO(ag_value) env = json("{\"A\":1}");
    AG_AUTO(ag_value) broken = ag_value_text("workflow_name: x\nsteps: 7\n");
    struct ag_start_request r = {.cwd = relative};
    int64_t rid = 0;
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_INVALID);
    r.cwd = NULL;
    r.session_id = session;
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_NO_SESSION);
    r.session_id = NULL;
    r.env = env;
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_INVALID);
    r.env = NULL;
    r.template_name = missing;
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_NO_TEMPLATE);
    r.template_name = NULL;
    r.definition = broken;
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_TEMPLATE);
    r.definition = NULL;
    ck_assert_int_eq(ag_run_start(fx.domain, &r, "h", &rid, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
    ck_assert_int_eq(fx.launches, 0);
}
END_TEST

START_TEST(the_definition_is_pinned)
{
    char cwd[] = "/tmp", branch[] = "dev";
    AG_AUTO(ag_value) env = json("{\"A\":\"1\"}");
    struct ag_start_request r = {.cwd = cwd, .branch = branch, .env = env};
    struct ag_run_spec spec = {0};
    int64_t rid = 0;
    ck_assert_int_eq(start_with(&r, "h", &rid), 0);
    ck_assert_int_eq(ag_store_run_spec(fx.store, rid, &spec, NULL), 1);
    ck_assert_ptr_nonnull(strstr(spec.definition, "hello"));
    ck_assert_str_eq(spec.cwd, "/tmp");
    ck_assert_str_eq(spec.branch, "dev");
    ck_assert_str_eq(spec.environment, "dev");
    ck_assert_str_eq(ag_value_get_text(spec.env, "A", ""), "1");
    ck_assert_int_eq(strlen(spec.definition_hash), 64);
    ag_run_spec_clear(&spec);
}
END_TEST

/* A run that is stored as living, and could not be loaded, keeps its id. */
START_TEST(a_damaged_run_keeps_its_id)
{
    int64_t rid = start_run("w");
    struct ag_run row = {0};
    load_row(rid, &row);
    char flight[] = "a";
    char bad[] = "\xff";
    struct ag_step_row step = {
        .step = bad, .path = flight, .attempt = 1, .status = AG_STEP_STARTED, .started = 1};
    free(row.flight_path);
    row.flight_path = ag_strdup(flight);
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_run(t, &row);
    ag_txn_put_step(t, rid, &step);
    ag_txn_commit(t, note_outcome, &o);
    ck_assert_int_eq(await(&o), 0);
    ag_run_clear(&row);
    int64_t other = start_run("v");
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    settle_all();
    char id[] = "w";
    struct ag_start_request r = {.workflow_id = id};
    ck_assert_int_eq(start_with(&r, "h", &rid), ARGO_E_EXISTS);
    ck_assert_int_eq(ag_run_check_epoch(fx.domain, other, 2, NULL), 0);
}
END_TEST

static Suite *start_suite(void)
{
    Suite *suite = suite_create("domain-start");
    TCase *tc = tcase_create("start");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, ids_are_chosen);
    tcase_add_test(tc, numbers_run_out);
    tcase_add_test(tc, an_id_is_used_again);
    tcase_add_test(tc, request_keys);
    tcase_add_test(tc, what_is_refused);
    tcase_add_test(tc, the_definition_is_pinned);
    tcase_add_test(tc, a_damaged_run_keeps_its_id);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(start_suite)
