/*
 * ci_ask: what a CI is asked, what of its words is shown and kept, and its failures.
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/text.h"
#include "lib/fakehttp.h"
#include "lib/fakeport.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static char name[] = "claude", openai[] = "openai", replay[] = "replay", model[] = "model-1";
static char place[256];

struct flow {
    struct fakeport *f;
    struct fakehttp *server;
    ag_http *http;
    struct ag_ci ci;
};

static void start(struct flow *w, const char *top, const char *fields)
{
    char *step =
        ag_asprintf("{'step':'a','type':'ci_ask','prompt':'Hi {{step}}','save_to':'x'%s}", fields);
    w->f = fakeport_flow(top, step);
    w->server = fakehttp_new(w->f->loop, NULL);
    ck_assert_int_eq(ag_http_new(w->f->loop, w->f->ctx, &w->http, NULL), 0);
    snprintf(place, sizeof(place), "%s", fakehttp_url(w->server, "/v1"));
    w->ci = (struct ag_ci){.name = name, .provider = openai, .model = model, .base_url = place};
    w->f->http = w->http;
    w->f->ci = &w->ci;
    free(step);
}

static void end(struct flow *w)
{
    struct fakeport *f = w->f;
    fakeport_kill(f);
    fakehttp_free(w->server);
    ag_http_free(w->http);
    fakeport_free(f);
}

static const char streamed[] =
    "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";

START_TEST(test_ask)
{
    struct flow w;
    start(&w, "'personas':{'default':'p','p':{'name':'Ada','role':'a reviewer'}},",
          ",'system':'Be brief, {{step}}.','max_tokens':7");
    fakehttp_answer(w.server, 200, "Content-Type: text/event-stream\r\n", streamed);
    fakeport_run(w.f);
    ck_trace(w.f, "a:done");
    fakeport_expect(w.f, "x", "'Hello'");
    ck_output(w.f, "ci", "Hello\n");
    const ag_value *row = ag_value_at(w.f->rows, 0);
    ck_assert_int_eq(ag_value_get_int(ag_value_get(row, "usage"), "input_tokens", 0), 5);
    const char *body = fakehttp_body(w.server, 0);
    ck_assert_ptr_nonnull(strstr(body, "\"content\":\"Hi a\""));
    ck_assert_ptr_nonnull(strstr(body, "You are Ada\\nYour role: a reviewer\\nBe brief, a."));
    ck_assert_ptr_nonnull(strstr(body, "\"max_tokens\":7"));
    ck_assert_ptr_nonnull(strstr(body, "\"model\":\"model-1\""));
    end(&w);
}
END_TEST

static void answer(struct flow *w, const char *content)
{
    char *body = ag_asprintf("{\"choices\":[{\"message\":{\"content\":%s},"
                             "\"finish_reason\":\"stop\"}]}",
                             content);
    fakehttp_answer(w->server, 200, "Content-Type: application/json\r\n", body);
    free(body);
}

/* Without streaming nothing is shown; the template's model is asked for. */
START_TEST(test_whole_reply)
{
    struct flow w;
    start(&w, "'model':'model-2',", ",'stream':false");
    answer(&w, "\"Hello\"");
    fakeport_run(w.f);
    fakeport_expect(w.f, "x", "'Hello'");
    ck_output(w.f, NULL, "");
    ck_assert_ptr_nonnull(strstr(fakehttp_body(w.server, 0), "\"model\":\"model-2\""));
    end(&w);
}
END_TEST

START_TEST(test_schema)
{
    struct flow w;
    start(&w, "", ",'stream':false,'schema':{'type':'object'}");
    answer(&w, "\"{\\\"n\\\":[1]}\"");
    fakeport_run(w.f);
    fakeport_expect(w.f, "x", "{'n':[1]}");
    end(&w);
    start(&w, "", ",'stream':false,'schema':{'type':'object'}");
    answer(&w, "\"no JSON\"");
    fakeport_run(w.f);
    ck_trace(w.f, "a:failed");
    ck_assert_str_eq(fakeport_error(w.f, "code"), "ci");
    end(&w);
}
END_TEST

START_TEST(test_provider_fails)
{
    struct flow w;
    start(&w, "", "");
    fakehttp_answer(w.server, 400, "Content-Type: application/json\r\n",
                    "{\"error\":{\"message\":\"the prompt was too odd\"}}");
    fakeport_run(w.f);
    ck_trace(w.f, "a:failed");
    ck_assert_str_eq(fakeport_error(w.f, "code"), "ci");
    ck_assert_ptr_nonnull(strstr(fakeport_error(w.f, "message"), "the prompt was too odd"));
    end(&w);
}
END_TEST

START_TEST(test_passing_failure)
{
    struct flow w;
    start(&w, "", ",'stream':false");
    fakehttp_answer(w.server, 429, "Retry-After: 0\r\n", "{\"error\":{\"message\":\"too fast\"}}");
    answer(&w, "\"Hello\"");
    fakeport_run(w.f);
    ck_trace(w.f, "a:done");
    ck_output(w.f, "notice", "CI 'claude': HTTP 429: too fast; trying again in 0.0 s\n");
    end(&w);
}
END_TEST

START_TEST(test_which_ci)
{
    static const char *const cases[][3] = {
        {"", "", ""},
        {"", ",'ci':''", ""},
        {"", ",'ci':'mine','provider':'other'", "mine"},
        {"", ",'ci':'','provider':'other'", "other"},
        {"'provider':'all',", ",'ci':''", "all"},
        {"'provider':'all',", ",'ci':'mine'", "mine"},
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        struct flow w;
        start(&w, cases[i][0], cases[i][1]);
        fakehttp_answer(w.server, 200, "Content-Type: text/event-stream\r\n", streamed);
        fakeport_run(w.f);
        ck_trace(w.f, "a:done");
        ck_assert_str_eq(w.f->ci_name, cases[i][2]);
        end(&w);
    }
}
END_TEST

START_TEST(test_no_ci)
{
    struct flow w;
    start(&w, "", "");
    w.f->ci = NULL;
    fakeport_run(w.f);
    ck_assert_str_eq(fakeport_error(w.f, "code"), "ci");
    ck_assert_ptr_nonnull(strstr(fakeport_error(w.f, "message"), "no CI is registered"));
    end(&w);
}
END_TEST

/* A CI that never answers: the step's time ends the request. */
START_TEST(test_timeout)
{
    struct flow w;
    struct fake_reply never = {.bytes = "", .hold = true};
    start(&w, "", ",'timeout':0.1");
    fakehttp_reply(w.server, &never);
    fakeport_run(w.f);
    ck_trace(w.f, "a:failed");
    ck_assert_str_eq(fakeport_error(w.f, "code"), "timeout");
    end(&w);
}
END_TEST

START_TEST(test_cancel)
{
    struct flow w;
    struct fake_reply never = {.bytes = "", .hold = true};
    start(&w, "", "");
    fakehttp_reply(w.server, &never);
    fakeport_start(w.f);
    while (fakehttp_count(w.server) == 0) {
        ck_assert_int_eq(ag_loop_dispatch(w.f->loop, -1, NULL), 0);
    }
    fakeport_cancel(w.f);
    ck_trace(w.f, "a:started");
    ck_assert_ptr_null(w.f->finish);
    end(&w);
}
END_TEST

static void record(const char *request, const char *exchange)
{
    char hash[AG_SHA256_HEX];
    char file[AG_SHA256_HEX + 8];
    ag_sha256_hex(request, strlen(request), hash);
    snprintf(file, sizeof(file), "%s.json", hash);
    static const char about[] = "{\"label\":\"replay: scripted\"}";
    ck_assert_int_eq(ag_file_write(temp_path("recording.json"), about, strlen(about), 0644, NULL),
                     0);
    ck_assert_int_eq(ag_file_write(temp_path(file), exchange, strlen(exchange), 0644, NULL), 0);
}

/* Replayed words are never shown without their label, and the label never twice. */
START_TEST(test_label)
{
    struct flow w;
    start(&w, "", "");
    w.ci = (struct ag_ci){.name = name, .provider = replay, .model = model, .recording = temp_dir};
    record("{\"messages\":[{\"content\":\"Hi a\",\"role\":\"user\"}],\"model\":\"model-1\"}",
           "{\"reply\":{\"text\":\"Hello\"}}");
    fakeport_run(w.f);
    ck_output(w.f, NULL, "[replay: scripted]\nHello\n");
    end(&w);
    start(&w, "", ",'schema':{}");
    w.ci = (struct ag_ci){.name = name, .provider = replay, .model = model, .recording = temp_dir};
    record("{\"messages\":[{\"content\":\"Hi a\",\"role\":\"user\"}],\"model\":\"model-1\","
           "\"schema\":{}}",
           "{\"reply\":{\"text\":\"{}\"}}");
    fakeport_run(w.f);
    ck_output(w.f, NULL, "replay: scripted\n{}\n");
    fakeport_expect(w.f, "x", "{}");
    end(&w);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/ci");
    TCase *t = tcase_create("ci");
    tcase_add_checked_fixture(t, temp_dir_setup, temp_dir_teardown);
    tcase_add_test(t, test_ask);
    tcase_add_test(t, test_whole_reply);
    tcase_add_test(t, test_schema);
    tcase_add_test(t, test_provider_fails);
    tcase_add_test(t, test_passing_failure);
    tcase_add_test(t, test_which_ci);
    tcase_add_test(t, test_no_ci);
    tcase_add_test(t, test_timeout);
    tcase_add_test(t, test_cancel);
    tcase_add_test(t, test_label);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
