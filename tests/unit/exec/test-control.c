/*
 * Messages to the run: what a pause holds and what goes on after it, settings, budgets.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "lib/fakehttp.h"
#include "lib/fakeport.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

#define TWO \
    "{'step':'a','type':'display','message':'a'},{'step':'b','type':'display','message':'b'}"

static char model[] = "m", provider[] = "openai", name[] = "ai", place[256];

/* Dispatches what there is to do for MS. */
static void let_pass(struct fakeport *f, int64_t ms)
{
    for (int64_t end = ag_monotonic_ms() + ms; ag_monotonic_ms() < end;) {
        ck_assert_int_eq(ag_loop_dispatch(f->loop, 5, NULL), 0);
    }
}

/* ---- pause and resume --------------------------------------------------------------------------- */

static void pause_it(struct fakeport *f)
{
    fakeport_send(f, "pause", "{}");
}

static void pause_at_output(struct fakeport *f, const struct ag_output_record *record)
{
    f->on_output = NULL;
    pause_it(f);
}

START_TEST(test_no_step_begins)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'command','argv':['echo','x']},"
                                           "{'step':'b','type':'display','message':'b'}");
    f->on_output = pause_at_output;
    fakeport_start(f);
    fakeport_wait_calls(f, 1);
    fakeport_send(f, "pause", "{}");
    let_pass(f, 30);
    ck_trace(f, "a:done");
    ck_assert(!f->ended);
    fakeport_send(f, "resume", "{'paused_ms':30}");
    fakeport_send(f, "resume", "{'paused_ms':30}");
    fakeport_wait(f);
    ck_trace(f, "a:done b:done");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

START_TEST(test_a_start_that_was_on_its_way)
{
    char *step = NULL;
    temp_dir_setup();
    step = ag_asprintf("{'step':'a','type':'command','argv':['touch','%s']}", temp_path("ran"));
    struct fakeport *f = fakeport_flow("", step);
    f->on_start = pause_it;
    fakeport_start(f);
    let_pass(f, 30);
    ck_trace(f, "a:started");
    ck_assert_int_ne(access(temp_path("ran"), F_OK), 0);
    fakeport_send(f, "resume", "{}");
    fakeport_wait(f);
    ck_trace(f, "a:done");
    ck_assert_int_eq(access(temp_path("ran"), F_OK), 0);
    fakeport_free(f);
    free(step);
    temp_dir_teardown();
}
END_TEST

START_TEST(test_it_begins_paused)
{
    struct fakeport *f = fakeport_flow("", TWO);
    f->paused = true;
    fakeport_start(f);
    let_pass(f, 30);
    ck_trace(f, "");
    fakeport_send(f, "resume", "{}");
    fakeport_wait(f);
    ck_trace(f, "a:done b:done");
    fakeport_free(f);
}
END_TEST

START_TEST(test_timeouts_are_held)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'command','argv':['sleep','1000'],'timeout':0.06}");
    fakeport_start(f);
    fakeport_wait_calls(f, 2);
    ck_assert_int_eq(ag_loop_dispatch(f->loop, 0, NULL), 0);
    fakeport_send(f, "pause", "{}");
    let_pass(f, 150);
    ck_trace(f, "a:started");
    fakeport_send(f, "resume", "{}");
    fakeport_wait(f);
    ck_trace(f, "a:failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    fakeport_free(f);
}
END_TEST

/* Stopped from outside: the signal comes before any message. */
START_TEST(test_a_stop_of_the_process)
{
    struct fakeport *f =
        fakeport_flow("'limits':{'timeout':3600},",
                      "{'step':'a','type':'command','argv':['sleep','1000'],'timeout':3600}");
    f->paused_ms = 1000;
    f->started = ag_wall_ms() - 3600 * 1000; /* of which a second was a pause */
    fakeport_start(f);
    fakeport_wait_calls(f, 2);
    ag_loop_stopped(f->loop, 1000 + 7200 * 1000);
    let_pass(f, 1200);
    ck_trace(f, "a:started"); /* neither limit has been reached */
    ck_assert_int_gt(ag_loop_timeout(f->loop), 3600 * 1000);
    fakeport_cancel(f);
    fakeport_free(f);
}
END_TEST

START_TEST(test_the_limit_of_the_run)
{
    static const struct {
        int64_t paused_ms;
        const char *status;
    } cases[] = {{0, "failed"}, {4000, "failed"}, {6000, "done"}};

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        struct fakeport *f = fakeport_flow("'limits':{'timeout':5},", TWO);
        f->started = ag_wall_ms() - 10 * 1000;
        f->paused_ms = cases[i].paused_ms;
        f->paused = true; /* it does not act before the resume */
        fakeport_start(f);
        let_pass(f, 20);
        ck_trace(f, "");
        fakeport_send(f, "resume", "{}");
        fakeport_wait(f);
        ck_assert_str_eq(fakeport_status(f), cases[i].status);
        fakeport_free(f);
    }
}
END_TEST

START_TEST(test_the_limit_after_a_message)
{
    struct fakeport *f = fakeport_flow("'limits':{'timeout':5},", TWO);
    f->started = ag_wall_ms() - 10 * 1000;
    f->paused = true;
    fakeport_start(f);
    let_pass(f, 20);
    fakeport_send(f, "resume", "{'paused_ms':6000}");
    fakeport_wait(f);
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

/* Nobody waits for the delay of a retry while the run is held, and it is not shortened. */
START_TEST(test_delays_are_held)
{
    struct fakeport *f = fakeport_flow("", "{'step':'a','type':'command','argv':['false'],"
                                           "'retry':{'max_retries':1,'retry_delay':0.05}}");
    fakeport_start(f);
    fakeport_wait_calls(f, 3); /* checkpoint, start, the first failure */
    fakeport_send(f, "pause", "{}");
    let_pass(f, 100);
    ck_trace(f, "a:failed");
    fakeport_send(f, "resume", "{}");
    fakeport_wait(f);
    ck_trace(f, "a:failed a@2:failed");
    fakeport_free(f);
}
END_TEST

START_TEST(test_a_paused_run_does_not_park)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'user_ask','prompt':'?','save_to':'x'}");
    f->parking = FAKE_PARK_TAKEN;
    f->park_after = 30;
    fakeport_start(f);
    fakeport_wait_calls(f, 2);
    fakeport_send(f, "pause", "{}");
    let_pass(f, 60);
    ck_assert_ptr_null(f->park);
    fakeport_send(f, "resume", "{}");
    fakeport_wait(f);
    ck_assert_ptr_nonnull(f->park);
    fakeport_free(f);
}
END_TEST

/* ---- others ------------------------------------------------------------------------------------- */

START_TEST(test_abort)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'user_ask','prompt':'?','save_to':'x'}");
    fakeport_start(f);
    fakeport_wait_calls(f, 2);
    fakeport_send(f, "x-anything", "[1]");
    fakeport_send(f, "from-the-future", "null");
    ck_assert(!f->ended);
    fakeport_send(f, "abort", "{}");
    ck_assert(f->ended);
    ck_assert_int_eq(f->end_code, ARGO_E_CANCELLED);
    fakeport_free(f);
}
END_TEST

START_TEST(test_settings_act_at_once)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'user_ask','prompt':'?','save_to':'x'}");
    f->parking = FAKE_PARK_TAKEN;
    f->park_after = 3600 * 1000;
    fakeport_start(f);
    fakeport_wait_calls(f, 2);
    enum argo_log_level before = ag_context_log_level(f->ctx);
    fakeport_send(f, "update_config", "{'log_level':'debug'}");
    ck_assert_int_eq(ag_context_log_level(f->ctx), ARGO_LOG_DEBUG);
    fakeport_send(f, "update_config", "{'park_after_s':3600}");
    ck_assert_int_eq(ag_context_log_level(f->ctx), ARGO_LOG_DEBUG);
    fakeport_send(f, "update_config", "{'log_level':null}");
    ck_assert_int_eq(ag_context_log_level(f->ctx), before);
    ck_assert_ptr_null(f->park);
    fakeport_send(f, "update_config", "{'park_after_s':0}");
    fakeport_wait(f);
    ck_assert_ptr_nonnull(f->park);
    fakeport_free(f);
}
END_TEST

START_TEST(test_settings_of_the_checkpoint)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'a','type':'user_ask','prompt':'?','save_to':'x'}");
    f->parking = FAKE_PARK_TAKEN;
    f->park_after = 3600 * 1000;
    f->config = fake_json("{'park_after_s':0,'log_level':'error'}");
    fakeport_start(f);
    fakeport_wait(f);
    ck_assert_ptr_nonnull(f->park);
    ck_assert_int_eq(ag_context_log_level(f->ctx), ARGO_LOG_ERROR);
    fakeport_free(f);
}
END_TEST

/* ---- budgets ------------------------------------------------------------------------------------ */

#define ASK(step) "{'step':'" step "','type':'ci_ask','prompt':'?','stream':false}"

struct flow {
    struct fakeport *f;
    struct fakehttp *server;
    ag_http *http;
    struct ag_ci ci;
};

/* Each of the N calls costs 7 tokens, and what USAGE adds. */
static void prepare(struct flow *w, const char *top, const char *steps, int n, const char *usage)
{
    w->f = fakeport_flow(top, steps);
    w->server = fakehttp_new(w->f->loop, NULL);
    ck_assert_int_eq(ag_http_new(w->f->loop, w->f->ctx, &w->http, NULL), 0);
    snprintf(place, sizeof(place), "%s", fakehttp_url(w->server, "/v1"));
    w->ci = (struct ag_ci){.name = name, .provider = provider, .model = model, .base_url = place};
    w->f->http = w->http;
    w->f->ci = &w->ci;
    char *body =
        ag_asprintf("{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":"
                    "\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2%s}}",
                    usage);
    for (int i = 0; i < n; i++) {
        fakehttp_answer(w->server, 200, "Content-Type: application/json\r\n", body);
    }
    free(body);
}

static void end(struct flow *w)
{
    fakeport_kill(w->f);
    fakehttp_free(w->server);
    ag_http_free(w->http);
    fakeport_free(w->f);
}

static void ck_budget(struct flow *w, const char *trace, const char *words)
{
    fakeport_run(w->f);
    ck_trace(w->f, trace);
    ck_assert_str_eq(fakeport_error(w->f, "code"), words == NULL ? "" : "budget");
    if (words != NULL) {
        ck_assert_str_eq(fakeport_error(w->f, "message"), words);
    }
    end(w);
}

START_TEST(test_tokens)
{
    struct flow w;
    prepare(&w, "'limits':{'budget_tokens':15},", ASK("a") "," ASK("b") "," ASK("c"), 3, "");
    ck_budget(&w, "a:done b:done c:done", NULL); /* the call that goes beyond it is kept */
    prepare(&w, "'limits':{'budget_tokens':14},", ASK("a") "," ASK("b") "," ASK("c"), 2, "");
    ck_budget(&w, "a:done b:done c:failed", "the run has used 14 tokens, budget_tokens is 14");
    prepare(&w, "'limits':{'budget_tokens':0},",
            "{'step':'a','type':'ci_ask','prompt':'?','retry':{'max_retries':3}}", 0, "");
    ck_budget(&w, "a:failed", "the run has used 0 tokens, budget_tokens is 0");
    prepare(&w, "'limits':{'budget_tokens':100},", ASK("a"), 0, "");
    w.f->usage = fake_json("{'input_tokens':60,'output_tokens':40,'cost_usd':0}");
    ck_budget(&w, "a:failed", "the run has used 100 tokens, budget_tokens is 100");
}
END_TEST

START_TEST(test_dollars)
{
    struct flow w;
    prepare(&w, "'limits':{'budget_usd':0.75},", ASK("a") "," ASK("b") "," ASK("c"), 3,
            ",\"cost\":0.25");
    ck_budget(&w, "a:done b:done c:done", NULL);
    prepare(&w, "'limits':{'budget_usd':0.5},", ASK("a") "," ASK("b") "," ASK("c"), 2,
            ",\"cost\":0.25");
    ck_budget(&w, "a:done b:done c:failed", "the run has cost 0.5 dollars, budget_usd is 0.5");
    prepare(&w, "'limits':{'budget_usd':100},", ASK("a") "," ASK("b"), 1, "");
    ck_budget(&w, "a:done b:failed",
              "1 CI calls of the run reported no cost: budget_usd cannot be kept, use "
              "budget_tokens");
}
END_TEST

/* What a message has set counts before the template. */
START_TEST(test_budgets_of_messages)
{
    struct flow w;
    prepare(&w, "'limits':{'budget_tokens':1},", ASK("a") "," ASK("b"), 2, "");
    w.f->config = fake_json("{'budget_tokens':1000}");
    ck_budget(&w, "a:done b:done", NULL);
    prepare(&w, "", ASK("a") "," ASK("b"), 1, "");
    w.f->paused = true;
    fakeport_start(w.f);
    let_pass(w.f, 10);
    fakeport_send(w.f, "update_config", "{'budget_tokens':7}");
    fakeport_send(w.f, "resume", "{}");
    fakeport_wait(w.f);
    ck_trace(w.f, "a:done b:failed");
    ck_assert_str_eq(fakeport_error(w.f, "code"), "budget");
    end(&w);
}
END_TEST

/* What is not for CIs goes on, and the flow may say what then. */
START_TEST(test_a_budget_leads_on)
{
    struct flow w;
    prepare(&w, "'limits':{'budget_tokens':0},",
            "{'step':'a','type':'ci_ask','prompt':'?','on_error':'sorry'},"
            "{'step':'sorry','type':'display','message':'no money'}",
            0, "");
    ck_budget(&w, "a:failed sorry:done", NULL);
}
END_TEST

static Suite *control_suite(void)
{
    Suite *suite = suite_create("exec/control");
    TCase *tc = tcase_create("control");
    tcase_add_test(tc, test_no_step_begins);
    tcase_add_test(tc, test_a_start_that_was_on_its_way);
    tcase_add_test(tc, test_it_begins_paused);
    tcase_add_test(tc, test_timeouts_are_held);
    tcase_add_test(tc, test_a_stop_of_the_process);
    tcase_add_test(tc, test_the_limit_of_the_run);
    tcase_add_test(tc, test_the_limit_after_a_message);
    tcase_add_test(tc, test_delays_are_held);
    tcase_add_test(tc, test_a_paused_run_does_not_park);
    tcase_add_test(tc, test_abort);
    tcase_add_test(tc, test_settings_act_at_once);
    tcase_add_test(tc, test_settings_of_the_checkpoint);
    tcase_add_test(tc, test_tokens);
    tcase_add_test(tc, test_dollars);
    tcase_add_test(tc, test_budgets_of_messages);
    tcase_add_test(tc, test_a_budget_leads_on);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(control_suite)
