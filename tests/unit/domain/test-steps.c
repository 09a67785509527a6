/*
 * Steps as executors report them: fencing, repeats, checkpoints, variables and their limits.
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "fixture.h"

static struct outcome o;

START_TEST(every_call_is_fenced)
{
    int64_t rid = start_run("w");
    int64_t stale[] = {0, 2};
    struct ag_progress progress = {.current_step = 1, .total_steps = 1};
    struct ag_output_record record = {0};
    struct ag_checkpoint checkpoint;
    for (size_t i = 0; i < AG_ARRAY_SIZE(stale); i++) {
        int64_t epoch = stale[i];
        ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, epoch, &checkpoint, NULL),
                         ARGO_E_FENCED);
        ck_assert_int_eq(ag_run_progress(fx.domain, rid, epoch, &progress, note_outcome, &o, NULL),
                         ARGO_E_FENCED);
        ck_assert_int_eq(begin_step(rid, epoch, "a", 1, false, &o), ARGO_E_FENCED);
        ck_assert_int_eq(complete_step(rid, epoch, "a", 1, "EXIT", &o), ARGO_E_FENCED);
        ck_assert_int_eq(ag_run_output(fx.domain, rid, epoch, &record, 1, note_outcome, &o, NULL),
                         ARGO_E_FENCED);
        ck_assert_int_eq(ask(rid, epoch, "q", AG_QUESTION_TEXT, &o), ARGO_E_FENCED);
        ck_assert_int_eq(finish_run(rid, epoch, 0, &o), ARGO_E_FENCED);
        ck_assert_int_eq(ag_run_check_epoch(fx.domain, rid, epoch, NULL), ARGO_E_FENCED);
    }
    ck_assert_int_eq(ag_run_check_epoch(fx.domain, rid, 1, NULL), 0);
    settle_all();
    ck_assert_int_eq(o.called, 0);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

START_TEST(a_completion_is_the_checkpoint)
{
    int64_t rid = start_run("w");
    struct ag_checkpoint c;
    ck_ok(begin_step(rid, 1, "a", 1, false, &o), o);
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert_str_eq(c.flight_path, "a");
    ck_assert_int_eq(c.flight_attempt, 1);
    ck_assert_ptr_null(c.next_step);
    ag_record_clear(&ag_checkpoint_record, &c);
    ck_ok(complete_step(rid, 1, "a", 1, "b", &o), o);
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert_ptr_null(c.flight_path);
    ck_assert_str_eq(c.next_step, "b");
    ck_assert_int_eq(c.steps_done, 1);
    ck_assert_int_eq(ag_value_get_int(c.visits, "a", 0), 1);
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_int_gt(c.started, 0);
    ck_assert_int_eq(c.started, row.started);
    ag_run_clear(&row);
    ag_record_clear(&ag_checkpoint_record, &c);
    ck_assert_int_eq(begin_step(rid, 1, "a", 1, false, &o), ARGO_E_STATE);
}
END_TEST

START_TEST(a_completion_may_carry_the_next_start)
{
    int64_t rid = start_run("w");
    char a[] = "a", b[] = "b", hello[] = "hello", kind[] = "text", key[] = "1.1";
    struct ag_progress progress = {.current_step = 2, .total_steps = 3, .step_name = b};
    struct ag_step_start start = {.step = b, .path = b, .attempt = 1, .repeat_never = true};
    struct ag_output_record record = {.kind = kind, .text = hello, .client_key = key};
    struct ag_step_complete complete = {.step = a,
                                        .path = a,
                                        .attempt = 1,
                                        .status = AG_STEP_DONE,
                                        .next_step = b,
                                        .records = {&record, 1},
                                        .progress = {&progress, 1},
                                        .start = {&start, 1}};
    /* twice in one group, and again after it */
    struct outcome second = {0};
    ck_assert_int_eq(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(
        ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &second, NULL), 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&second), 0);
    ck_ok(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL), o);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_OUTPUT), "text:hello");
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_int_eq(row.steps_done, 1);
    ck_assert_int_eq(row.current_step, 2);
    ck_assert_str_eq(row.flight_path, "b");
    ag_run_clear(&row);
    progress.current_step = 4;
    complete.attempt = 2;
    ck_assert_int_eq(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
    complete.status = AG_STEP_STARTED;
    ck_assert_int_eq(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
}
END_TEST

/* ---- with the end of the run -------------------------------------------------------------------- */

static int complete_and_end(int64_t rid, int64_t epoch, const char *path, int status,
                            struct outcome *out)
{
    ag_auto_free char *own = ag_strdup(path);
    char next[] = "EXIT", kind[] = "text", bye[] = "bye", key[] = "1.9";
    AG_AUTO(ag_value) variables = json("{\"pin\":\"1234\"}");
    AG_AUTO(ag_value) usage = json("{\"model\":\"m\",\"input_tokens\":5}");
    AG_AUTO(ag_value) result = json("{\"steps\":1}");
    AG_AUTO(ag_value) error = json("{\"code\":\"exit\"}");
    struct ag_output_record record = {.kind = kind, .text = bye, .client_key = key};
    struct ag_finish end = {.status = status,
                            .result = status == 0 ? result : NULL,
                            .error = status == 0 ? NULL : error};
    struct ag_step_complete complete = {.step = own,
                                        .path = own,
                                        .attempt = 1,
                                        .status = status == 0 ? AG_STEP_DONE : AG_STEP_FAILED,
                                        .variables = variables,
                                        .secret = true,
                                        .next_step = next,
                                        .usage = usage,
                                        .error = status == 0 ? NULL : error,
                                        .records = {&record, 1},
                                        .end = {&end, 1}};
    return ag_run_step_complete(fx.domain, rid, epoch, &complete, note_outcome, out, NULL);
}

static bool token_is_known(void)
{
    char hash[AG_SHA256_HEX];
    struct ag_token token = {0};
    ag_sha256_hex(fx.last_token, 64, hash);
    int found = ag_store_token(fx.store, hash, &token, NULL);
    ag_token_clear(&token);
    return found > 0;
}

START_TEST(the_last_completion_may_carry_the_end)
{
    int64_t rid = start_run("w");
    struct outcome again = {0};
    struct ag_run row = {0};
    struct ag_question q;
    ck_ok(begin_step(rid, 1, "a", 1, false, &o), o);
    ck_ok(ask(rid, 1, "q", AG_QUESTION_TEXT, &o), o);
    ck_assert_int_eq(complete_and_end(rid, 2, "a", 0, &o), ARGO_E_FENCED);
    /* twice in one group, and after it */
    ck_assert_int_eq(complete_and_end(rid, 1, "a", 0, &o), 0);
    ck_assert_int_eq(complete_and_end(rid, 1, "a", 0, &again), 0);
    ck_assert_int_eq(complete_and_end(rid, 1, "a", 1, &again), ARGO_E_FENCED);
    ck_assert_int_eq(complete_step(rid, 1, "b", 1, "c", &again), ARGO_E_FENCED);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&again), 0);
    ck_assert_int_eq(complete_and_end(rid, 1, "a", 0, &o), ARGO_E_FENCED);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_OUTPUT), "prompt:Which?|text:bye");
    load_row(rid, &row);
    ck_assert_int_eq(row.state, AG_RUN_DONE);
    ck_assert_int_eq(row.steps_done, 1);
    ck_assert_int_eq(row.pid, 0);
    ck_assert_ptr_null(row.flight_path);
    ck_assert_int_eq(ag_value_get_int(row.result, "steps", 0), 1);
    ag_run_clear(&row);
    load_question("q", &q);
    ck_assert_int_eq(q.state, AG_QUESTION_CANCELLED);
    ag_record_clear(&ag_question_record, &q);
    AG_AUTO(ag_value) secrets = NULL;
    ck_assert_int_eq(ag_store_secret_variables(fx.store, rid, &secrets, NULL), 1);
    ck_assert_uint_eq(ag_value_size(secrets), 0);
    ck_assert(!token_is_known());
    const struct ag_domain_stats *stats = ag_domain_stats(fx.domain);
    ck_assert_uint_eq(stats->ended[AG_RUN_DONE], 1);
    const struct ag_usage *used = ag_map_get(stats->usage, "m");
    ck_assert_int_eq(used->input_tokens, 5);
    ag_domain_executor_ended(fx.domain, rid, 1000, 0);
    settle_all();
    ck_assert_int_eq(fx.launches, 1);
}
END_TEST

START_TEST(what_the_end_tells_comes_after_the_completion)
{
    int64_t rid = start_run("w");
    struct ag_run row = {0};
    ck_ok(complete_and_end(rid, 1, "a", 1, &o), o);
    const char *events = strstr(stored_events(rid), "step_complete");
    ck_assert_str_eq(events,
                     "step_complete:a:{\"attempt\":1,\"status\":\"failed\",\"next_step\":\"EXIT\"}|"
                     "state:failed:{\"from\":\"running\",\"to\":\"failed\",\"pid\":0}");
    load_row(rid, &row);
    ck_assert_int_eq(row.state, AG_RUN_FAILED);
    ck_assert_str_eq(ag_value_get_text(row.error, "code", ""), "exit");
    ag_run_clear(&row);
}
END_TEST

START_TEST(an_end_has_its_place)
{
    int64_t rid = start_run("w");
    char a[] = "a", b[] = "b", leave[] = "EXIT";
    struct ag_finish end = {0};
    struct ag_step_start start = {.step = b, .path = b, .attempt = 1};
    struct ag_step_complete complete = {
        .step = a, .path = a, .attempt = 1, .status = AG_STEP_DONE, .end = {&end, 1}};
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, &err),
                     ARGO_E_INVALID);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "end comes with next_step 'EXIT'"));
    complete.next_step = b;
    ck_assert_int_eq(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
    complete.next_step = leave;
    complete.start = (struct ag_list_of){&start, 1};
    ck_assert_int_eq(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    /* The completion is known, from an executor before this one: the end is not. */
    ck_ok(complete_step(rid, 1, "a", 1, "EXIT", &o), o);
    complete.start = (struct ag_list_of){NULL, 0};
    ck_ok(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_int_eq(row.steps_done, 1);
    ag_run_clear(&row);
}
END_TEST

START_TEST(both_or_none)
{
    int64_t rid = start_run("w");
    struct ag_checkpoint c;
    fixture_alive(rid);
    fixture_fail_commits(1);
    ck_assert_int_eq(complete_and_end(rid, 1, "a", 0, &o), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    settle_all();
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert(token_is_known());
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert(c.ends);
    ck_assert_ptr_null(c.next_step);
    ag_record_clear(&ag_checkpoint_record, &c);
    ck_ok(complete_and_end(rid, 1, "a", 0, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_OUTPUT), "text:bye");
}
END_TEST

/* Its executor stands still and nobody will resume it: it is let go. */
START_TEST(an_end_that_comes_during_a_pause)
{
    int64_t rid = start_run("w");
    fixture_alive(rid);
    ck_assert_int_eq(ag_run_pause(fx.domain, "w", NULL, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(fx.standing, rid);
    ck_ok(complete_and_end(rid, 1, "a", 0, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_DONE);
    ck_assert_int_eq(fx.standing, 0);
}
END_TEST

/* ---- output, variables, retries ------------------------------------------------------------------ */

START_TEST(output_is_stored_once)
{
    int64_t rid = start_run("w");
    char kind[] = "text", one[] = "one", two[] = "two", k1[] = "k1", k2[] = "k2";
    struct ag_output_record records[] = {{.kind = kind, .text = one, .client_key = k1},
                                         {.kind = kind, .text = one, .client_key = k1},
                                         {.kind = kind, .text = two, .client_key = k2}};
    struct outcome second = {0};
    int64_t before = stored_seq(rid);
    ck_assert_int_eq(ag_run_output(fx.domain, rid, 1, records, 2, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(ag_run_output(fx.domain, rid, 1, records, 3, note_outcome, &second, NULL), 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&second), 0);
    ck_ok(ag_run_output(fx.domain, rid, 1, records, 3, note_outcome, &o, NULL), o);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_OUTPUT), "text:one|text:two");
    ck_assert_int_eq(stored_seq(rid), before + 2);
}
END_TEST

/* A text whose JSON has N bytes. */
static ag_value *text_of(size_t n)
{
    char *text = malloc(n);
    memset(text, 'x', n);
    ag_value *v = ag_value_text_sane(text, n - 2);
    free(text);
    return v;
}

static int put_variable(int64_t rid, int64_t attempt, const char *name, size_t bytes)
{
    char path[] = "a", next[] = "b";
    AG_AUTO(ag_value) variables = ag_value_object();
    ck_assert_int_eq(ag_value_set(variables, name, text_of(bytes)), 0);
    struct ag_step_complete complete = {.step = path,
                                        .path = path,
                                        .attempt = attempt,
                                        .status = AG_STEP_DONE,
                                        .variables = variables,
                                        .next_step = next};
    int r = ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL);
    return r < 0 ? r : await(&o);
}

static void save(int64_t rid, int64_t attempt, const char *variables, bool secret)
{
    char path[] = "a", next[] = "b";
    AG_AUTO(ag_value) v = json(variables);
    struct ag_step_complete complete = {.step = path,
                                        .path = path,
                                        .attempt = attempt,
                                        .status = AG_STEP_DONE,
                                        .variables = v,
                                        .secret = secret,
                                        .next_step = next};
    ck_ok(ag_run_step_complete(fx.domain, rid, 1, &complete, note_outcome, &o, NULL), o);
}

static void ck_variables(int64_t rid, const char *all, const char *secret)
{
    AG_AUTO(ag_value) expected = json(all);
    AG_AUTO(ag_value) expected_secret = json(secret);
    AG_AUTO(ag_value) found = NULL;
    struct ag_checkpoint c;
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert(ag_value_equal(c.variables, expected));
    ag_record_clear(&ag_checkpoint_record, &c);
    ck_assert_int_eq(ag_store_secret_variables(fx.store, rid, &found, NULL), 1);
    ck_assert(ag_value_equal(found, expected_secret));
}

/* Executors get them with the others; whoever changes one keeps it secret, after a restart too. */
START_TEST(secret_variables_stay_secret)
{
    int64_t rid = start_run("w");
    save(rid, 1, "{\"a\":1,\"b\":1}", false);
    save(rid, 2, "{\"a\":2}", true);
    ck_variables(rid, "{\"a\":2,\"b\":1}", "{\"a\":2}");
    save(rid, 3, "{\"a\":3,\"b\":3}", false);
    ck_variables(rid, "{\"a\":3,\"b\":3}", "{\"a\":3}");
    fixture_alive(rid);
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    save(rid, 4, "{\"a\":4,\"b\":4}", false);
    ck_variables(rid, "{\"a\":4,\"b\":4}", "{\"a\":4}");
    ck_ok(finish_run(rid, 1, 0, &o), o);
    AG_AUTO(ag_value) found = NULL;
    ck_assert_int_eq(ag_store_secret_variables(fx.store, rid, &found, NULL), 1);
    ck_assert_uint_eq(ag_value_size(found), 0);
}
END_TEST

START_TEST(variables_have_limits)
{
    int64_t rid = start_run("w");
    int64_t attempt = 1;
    ck_assert_int_eq(put_variable(rid, attempt, "v", AG_MAX_VALUE + 1), ARGO_E_TOO_LARGE);
    for (int i = 0; i < AG_MAX_VARIABLES / AG_MAX_VALUE; i++) {
        char name[16];
        snprintf(name, sizeof(name), "v%d", i);
        ck_assert_int_eq(put_variable(rid, attempt++, name, AG_MAX_VALUE), 0);
    }
    ck_assert_int_eq(put_variable(rid, attempt, "w", 2), ARGO_E_TOO_LARGE);
    ck_assert_int_eq(put_variable(rid, attempt++, "v3", AG_MAX_VALUE - 2), 0);
    ck_assert_int_eq(put_variable(rid, attempt++, "w", 2), 0);
    /* the sizes are counted again after a restart */
    fixture_alive(rid);
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    ck_assert_int_eq(put_variable(rid, attempt, "x", 2), ARGO_E_TOO_LARGE);
    ck_assert_int_eq(put_variable(rid, attempt, "w", 2), 0);
}
END_TEST

START_TEST(a_retry_is_due_after_a_failure)
{
    int64_t rid = start_run("w");
    struct ag_checkpoint c;
    ck_ok(begin_step(rid, 1, "a", 1, false, &o), o);
    ck_ok(complete_step(rid, 1, "a", 1, NULL, &o), o);
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert_str_eq(ag_value_get_text(c.attempts, "path", ""), "a");
    ck_assert_int_eq(ag_value_get_int(c.attempts, "attempt", 0), 1);
    ag_record_clear(&ag_checkpoint_record, &c);
    ck_ok(begin_step(rid, 1, "a", 2, false, &o), o);
    ck_ok(complete_step(rid, 1, "a", 2, "b", &o), o);
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert_ptr_null(c.attempts);
    ag_record_clear(&ag_checkpoint_record, &c);
}
END_TEST

static int64_t backwards(void *user)
{
    int64_t *now = user;
    return *now -= 1000;
}

START_TEST(a_clock_set_back_repeats_nothing)
{
    int64_t now = INT64_C(1800000000000);
    struct ag_checkpoint c;
    int64_t rid = start_run("w");
    ag_context_set_clock(fx.ctx, backwards, &now);
    ck_ok(begin_step(rid, 1, "a", 1, false, &o), o);
    ck_ok(complete_step(rid, 1, "a", 1, NULL, &o), o);
    ck_ok(begin_step(rid, 1, "a", 2, false, &o), o);
    ck_ok(complete_step(rid, 1, "a", 2, "b", &o), o);
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert_ptr_null(c.attempts);
    ag_record_clear(&ag_checkpoint_record, &c);
    /* of two attempts under way the later one is the one in flight, also after a restart */
    ck_ok(begin_step(rid, 1, "b", 1, false, &o), o);
    ck_ok(begin_step(rid, 1, "b", 2, true, &o), o);
    fixture_alive(rid);
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert_str_eq(c.flight_path, "b");
    ck_assert_int_eq(c.flight_attempt, 2);
    ag_record_clear(&ag_checkpoint_record, &c);
    ag_context_set_clock(fx.ctx, NULL, NULL);
}
END_TEST

static Suite *steps_suite(void)
{
    Suite *suite = suite_create("domain-steps");
    TCase *tc = tcase_create("steps");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, every_call_is_fenced);
    tcase_add_test(tc, a_completion_is_the_checkpoint);
    tcase_add_test(tc, a_completion_may_carry_the_next_start);
    tcase_add_test(tc, the_last_completion_may_carry_the_end);
    tcase_add_test(tc, what_the_end_tells_comes_after_the_completion);
    tcase_add_test(tc, an_end_has_its_place);
    tcase_add_test(tc, both_or_none);
    tcase_add_test(tc, an_end_that_comes_during_a_pause);
    tcase_add_test(tc, output_is_stored_once);
    tcase_add_test(tc, secret_variables_stay_secret);
    tcase_add_test(tc, variables_have_limits);
    tcase_add_test(tc, a_retry_is_due_after_a_failure);
    tcase_add_test(tc, a_clock_set_back_repeats_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(steps_suite)
