/*
 * The steps that ask a CI: what it is asked, what of its words is shown and kept, and its failures.
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

static void start_step(struct flow *w, const char *top, const char *step)
{
    w->f = fakeport_flow(top, step);
    w->server = fakehttp_new(w->f->loop, NULL);
    ck_assert_int_eq(ag_http_new(w->f->loop, w->f->ctx, &w->http, NULL), 0);
    snprintf(place, sizeof(place), "%s", fakehttp_url(w->server, "/v1"));
    w->ci = (struct ag_ci){.name = name, .provider = openai, .model = model, .base_url = place};
    w->f->http = w->http;
    w->f->ci = &w->ci;
}

static void start(struct flow *w, const char *top, const char *fields)
{
    ag_auto_free char *step =
        ag_asprintf("{'step':'a','type':'ci_ask','prompt':'Hi {{step}}','save_to':'x'%s}", fields);
    start_step(w, top, step);
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
    answer(&w, "\"\\n```json\\n{\\\"n\\\":2}\\n```\\n\"");
    fakeport_run(w.f);
    fakeport_expect(w.f, "x", "{'n':2}");
    end(&w);
}
END_TEST

#define SCHEMA                                                                              \
    ",'stream':false,'schema':{'type':'object','required':['n'],'properties':{'n':{'type':" \
    "'integer'}}}"

/* A reply that does not fit is asked for once more, with what was wrong. */
START_TEST(test_asks_once_more)
{
    struct flow w;
    start(&w, "", SCHEMA);
    fakehttp_answer(w.server, 200, "",
                    "{\"choices\":[{\"message\":{\"content\":\"{\\\"n\\\":\\\"x\\\"}\"}}],"
                    "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"cost\":0.5}}");
    fakehttp_answer(w.server, 200, "",
                    "{\"choices\":[{\"message\":{\"content\":\"{\\\"n\\\":3}\"}}],"
                    "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"cost\":1}}");
    fakeport_run(w.f);
    ck_trace(w.f, "a:done");
    fakeport_expect(w.f, "x", "{'n':3}");
    ck_output(w.f, "notice",
              "the reply does not fit the schema: reply.n: wrong type "
              "(expected an integer); asking once more\n");
    ck_assert_ptr_nonnull(strstr(fakehttp_body(w.server, 1),
                                 "{\"role\":\"assistant\",\"content\":\"{\\\"n\\\":\\\"x\\\"}\"},"
                                 "{\"role\":\"user\",\"content\":\"the reply does not fit"));
    const ag_value *usage = ag_value_get(ag_value_at(w.f->rows, 0), "usage");
    ck_assert_int_eq(ag_value_get_int(usage, "input_tokens", 0), 14);
    ck_assert_int_eq(ag_value_get_int(usage, "output_tokens", 0), 3);
    ck_assert_int_eq(ag_value_get_int(usage, "attempts", 0), 2);
    ck_assert(ag_value_get_real(usage, "cost_usd", 0) == 1.5);
    end(&w);
}
END_TEST

START_TEST(test_asks_no_third_time)
{
    static const char *const replies[] = {"\"no JSON\"", "\"{}\""};
    static const char *const why[] = {"not the JSON that was asked for", "does not fit the schema"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(replies); i++) {
        struct flow w;
        start(&w, "", SCHEMA);
        answer(&w, replies[1 - i]);
        answer(&w, replies[i]);
        fakeport_run(w.f);
        ck_trace(w.f, "a:failed");
        ck_assert_str_eq(fakeport_error(w.f, "code"), "ci");
        ck_assert_ptr_nonnull(strstr(fakeport_error(w.f, "message"), why[i]));
        ck_assert_uint_eq(fakehttp_count(w.server), 2);
        end(&w);
    }
}
END_TEST

/* The call that reaches the budget is the last, also within a step. */
START_TEST(test_once_more_within_the_budget)
{
    struct flow w;
    start(&w, "'limits':{'budget_tokens':7},", SCHEMA);
    fakehttp_answer(w.server, 200, "",
                    "{\"choices\":[{\"message\":{\"content\":\"{}\"}}],\"usage\":{"
                    "\"prompt_tokens\":5,\"completion_tokens\":2}}");
    fakeport_run(w.f);
    ck_assert_str_eq(fakeport_error(w.f, "code"), "budget");
    ck_assert_uint_eq(fakehttp_count(w.server), 1);
    const ag_value *usage = ag_value_get(ag_value_at(w.f->rows, 0), "usage");
    ck_assert_int_eq(ag_value_get_int(usage, "input_tokens", 0), 5);
    end(&w);
}
END_TEST

START_TEST(test_cut_off)
{
    struct flow w;
    start(&w, "", ",'stream':false");
    fakehttp_answer(w.server, 200, "",
                    "{\"choices\":[{\"message\":{\"content\":\"and\"},\"finish_reason\":"
                    "\"length\"}]}");
    fakeport_run(w.f);
    ck_trace(w.f, "a:done");
    ck_output(w.f, "notice", "The reply ends at its limit (max_tokens).\n");
    end(&w);
}
END_TEST

/* ---- a question that a CI words --------------------------------------------------------------- */

static const ag_value *only_question(struct fakeport *f)
{
    struct ag_value_iter it = {0};
    ck_assert_uint_eq(ag_value_size(f->questions), 1);
    ck_assert(ag_value_next(f->questions, &it));
    return it.value;
}

#define WORDED \
    "{'step':'a','type':'ci_ask','prompt':'Ask for the name','ask_user':true,'save_to':'x'}"

START_TEST(test_the_ci_words_a_question)
{
    static const char *const steps[] = {
        WORDED, "{'step':'a','type':'ci_ask','prompt_template':'Ask for the name','save_to':'x'}"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(steps); i++) {
        struct flow w;
        start_step(&w, "", steps[i]);
        w.f->answers = fake_json("['Ada']");
        answer(&w, "\"What is your name?\\n\"");
        fakeport_run(w.f);
        ck_trace(w.f, "a:done");
        fakeport_expect(w.f, "x", "'Ada'");
        ck_assert_str_eq(ag_value_get_text(only_question(w.f), "prompt", ""), "What is your name?");
        ck_output(w.f, NULL, "");
        ck_assert_ptr_nonnull(strstr(fakehttp_body(w.server, 0), "one question to that person"));
        ck_assert_ptr_nonnull(strstr(fakehttp_body(w.server, 0), "\"Ask for the name\""));
        end(&w);
    }
}
END_TEST

/* With a CI it is an ordinary prompt, and ask_user has the last word. */
START_TEST(test_the_ci_answers_itself)
{
    static const char *const more[] = {"'ci':'claude'", "'provider':'claude'", "'ask_user':false"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(more); i++) {
        struct flow w;
        ag_auto_free char *step = ag_asprintf(
            "{'step':'a','type':'ci_ask','prompt_template':'Hi','save_to':'x','stream':false,%s}",
            more[i]);
        start_step(&w, "", step);
        answer(&w, "\"Hello\"");
        fakeport_run(w.f);
        fakeport_expect(w.f, "x", "'Hello'");
        ck_assert_uint_eq(w.f->asked, 0);
        end(&w);
    }
}
END_TEST

/* A person answers with text: whoever wants a value wants the CI's. */
START_TEST(test_a_schema_is_for_the_ci)
{
    struct flow w;
    start_step(&w, "",
               "{'step':'a','type':'ci_ask','prompt_template':'Hi','save_to':'x','stream':false,"
               "'schema':{'type':'object'}}");
    answer(&w, "\"{\\\"n\\\":1}\"");
    fakeport_run(w.f);
    ck_trace(w.f, "a:done");
    fakeport_expect(w.f, "x", "{'n':1}");
    ck_assert_uint_eq(w.f->asked, 0);
    end(&w);
}
END_TEST

/* Whoever goes on finds the question as it was worded, and what that has cost. */
START_TEST(test_a_question_is_worded_once)
{
    struct flow w;
    start_step(&w, "", WORDED);
    w.f->kill_at = 4; /* checkpoint, start, CI, question */
    w.f->kill_how = FAKE_KILL_AFTER;
    fakehttp_answer(w.server, 200, "",
                    "{\"choices\":[{\"message\":{\"content\":\"Who?\"}}],\"usage\":{"
                    "\"prompt_tokens\":5,\"completion_tokens\":2}}");
    fakeport_run(w.f);
    ck_assert(w.f->killed);
    w.f->answers = fake_json("['Ada']");
    fakeport_run(w.f);
    ck_trace(w.f, "a:started a@2:done");
    fakeport_expect(w.f, "x", "'Ada'");
    ck_assert_uint_eq(fakehttp_count(w.server), 1);
    ck_assert_uint_eq(w.f->asked, 1);
    const ag_value *usage = ag_value_get(ag_value_at(w.f->rows, 1), "usage");
    ck_assert_int_eq(ag_value_get_int(usage, "input_tokens", 0), 5);
    end(&w);
    /* One that died before it had asked words it. */
    start_step(&w, "", WORDED);
    w.f->kill_at = 3;
    fakeport_run(w.f);
    ck_assert(w.f->killed);
    answer(&w, "\"Who?\"");
    w.f->answers = fake_json("['Ada']");
    fakeport_run(w.f);
    fakeport_expect(w.f, "x", "'Ada'");
    ck_assert_uint_eq(w.f->asked, 1);
    end(&w);
}
END_TEST

START_TEST(test_no_words)
{
    struct flow w;
    start_step(&w, "", WORDED);
    answer(&w, "\" \\n\"");
    fakeport_run(w.f);
    ck_assert_str_eq(fakeport_error(w.f, "code"), "ci");
    ck_assert_uint_eq(w.f->asked, 0);
    end(&w);
}
END_TEST

/* ---- prompts that are made of fields ---------------------------------------------------------- */

static const char *prompt_of(struct flow *w, char *buffer, size_t size)
{
    AG_AUTO(ag_value) body = NULL;
    const char *text = fakehttp_body(w->server, 0);
    ck_assert_int_eq(ag_value_parse(text, strlen(text), &body, NULL), 0);
    const ag_value *messages = ag_value_get(body, "messages");
    const ag_value *last = ag_value_at(messages, ag_value_size(messages) - 1);
    snprintf(buffer, size, "%s", ag_value_get_text(last, "content", ""));
    return buffer;
}

START_TEST(test_analyze)
{
    struct flow w;
    char text[2048];
    start_step(
        &w, "'parameters':{'v':{'default':'1.2'}},",
        "{'step':'a','type':'ci_analyze','task':'Look at {{v}}','identify':['risks','gains'],"
        "'analysis_type':'short','content':{'n':[1,'{{v}}']},'schema':{'type':'object'},"
        "'stream':false,'save_to':'x'}");
    w.f->parameters = fake_json("{'v':'1.2'}");
    answer(&w, "\"{\\\"ok\\\":true}\"");
    fakeport_run(w.f);
    fakeport_expect(w.f, "x", "{'ok':true}");
    ck_assert_str_eq(prompt_of(&w, text, sizeof(text)),
                     "Look at 1.2\n\nKind of analysis: short\n\nIdentify:\n- risks\n- gains\n\nThe "
                     "content:\n{\n  \"n\": [\n    1,\n    \"1.2\"\n  ]\n}");
    ck_assert_ptr_nonnull(strstr(fakehttp_body(w.server, 0), "Do the task with the content"));
    end(&w);
}
END_TEST

START_TEST(test_present)
{
    struct flow w;
    char text[2048];
    start_step(&w, "",
               "{'step':'a','type':'ci_present','data':'three apples','format':'a list','topic':"
               "'fruit','sections':['have','lack'],'template':'# T','save_to':'x'}");
    fakehttp_answer(w.server, 200, "Content-Type: text/event-stream\r\n", streamed);
    fakeport_run(w.f);
    fakeport_expect(w.f, "x", "'Hello'");
    ck_output(w.f, "ci", "Hello\n");
    ck_assert_str_eq(prompt_of(&w, text, sizeof(text)),
                     "Topic: fruit\n\nFormat: a list\n\nThese sections, in this order:\n- have\n- "
                     "lack\n\nIn the manner of this template:\n# T\n\nThe data:\nthree apples");
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
    tcase_add_test(t, test_asks_once_more);
    tcase_add_test(t, test_asks_no_third_time);
    tcase_add_test(t, test_once_more_within_the_budget);
    tcase_add_test(t, test_cut_off);
    tcase_add_test(t, test_the_ci_words_a_question);
    tcase_add_test(t, test_the_ci_answers_itself);
    tcase_add_test(t, test_a_schema_is_for_the_ci);
    tcase_add_test(t, test_a_question_is_worded_once);
    tcase_add_test(t, test_no_words);
    tcase_add_test(t, test_analyze);
    tcase_add_test(t, test_present);
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
