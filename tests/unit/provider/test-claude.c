/*
 * The claude CLI: what it is given, what it prints (lines as version 2.1 does), how it may end. The
 * program here is a script.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/file.h"
#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"

#define INIT                                                                           \
    "{\"type\":\"system\",\"subtype\":\"init\",\"tools\":[],\"model\":\"claude-x-1\"," \
    "\"apiKeySource\":\"none\"}\n"
#define DELTA(text)                                                                       \
    "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\",\"index\":0," \
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}}}\n"
#define RESULT(members)                                                                        \
    "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"num_turns\":1," members \
    "\"stop_reason\":\"end_turn\",\"total_cost_usd\":0.25,\"usage\":{\"input_tokens\":11,"     \
    "\"cache_creation_input_tokens\":3,\"cache_read_input_tokens\":2,\"output_tokens\":7}}\n"
#define REFUSED                                                                              \
    "{\"type\":\"assistant\",\"message\":{\"model\":\"<synthetic>\",\"content\":[{\"type\":" \
    "\"text\",\"text\":\"Not logged in\"}]},\"error\":\"authentication_failed\"}\n"          \
    "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"result\":"             \
    "\"Not logged in\"}\n"

static ag_value *command, *environment;

/* The CLI: keeps what it was given, prints SAYS, does THEN. */
static struct ag_ci cli(const char *says, const char *then)
{
    static char word[] = "claude";
    ag_auto_free char *script = ag_asprintf(
        "#!/bin/sh\ncd %s || exit 9\nprintf '%%s\\n' \"$@\" > argv\nenv > env\ncat > stdin\n"
        "[ -e /dev/fd/3 ] && cat /dev/fd/3 > system\ncat said\n%s\n",
        home, then);
    fixture_file("cli", script, 0700);
    fixture_file("said", says, 0600);
    ag_value_unref(command);
    command = ag_value_array();
    ck_assert_int_eq(ag_value_append(command, ag_value_text(fixture_path("cli"))), 0);
    struct ag_ci ci = fixture_ci();
    ci.provider = word;
    ci.base_url = NULL;
    ci.command = command;
    return ci;
}

static void setup(void)
{
    fixture_setup();
    environment = ag_value_object();
    ck_assert_int_eq(ag_value_set(environment, "PATH", ag_value_text("/usr/bin:/bin")), 0);
    ck_assert_int_eq(ag_value_set(environment, "ANTHROPIC_API_KEY", ag_value_text("run's")), 0);
    env.environment = environment;
    env.cwd = "/";
}

static void teardown(void)
{
    ag_value_unref(command);
    ag_value_unref(environment);
    command = environment = NULL;
    env.environment = NULL;
    env.cwd = NULL;
    fixture_teardown();
}

static int ask(const struct ag_ci *ci, bool stream)
{
    struct ag_ci_request request = fixture_request("Hi");
    request.stream = stream;
    return fixture_ask(ci, NULL, &request);
}

static const char *content(const char *name)
{
    static char *text;
    size_t len;
    free(text);
    text = NULL;
    ck_assert_int_eq(ag_file_read(fixture_path(name), 65536, &text, &len, NULL), 0);
    return text;
}

START_TEST(a_streamed_reply)
{
    struct ag_ci ci = cli("npm warn: something\n" INIT DELTA("Hel") DELTA("l\xC3\xB6")
                              RESULT("\"result\":\"Hell\xC3\xB6\","),
                          "");
    ck_assert_int_eq(ask(&ci, true), 0);
    ck_assert_str_eq(seen.result, "Hell\xC3\xB6");
    ck_assert_str_eq(seen.text, "Hell\xC3\xB6");
    ck_assert_int_eq(seen.texts, 2);
    ck_assert_str_eq(seen.finish, "end_turn");
    ag_auto_free char *usage = ag_value_print(seen.usage, NULL);
    ck_assert_str_eq(usage, "{\"model\":\"claude-x-1\",\"input_tokens\":16,\"output_tokens\":7,"
                            "\"cache_creation_input_tokens\":3,\"cache_read_input_tokens\":2,"
                            "\"cost_usd\":0.25,\"attempts\":1}");
    ck_assert_str_eq(content("argv"), "-p\n--output-format\nstream-json\n--verbose\n--tools\n\n"
                                      "--no-session-persistence\n--strict-mcp-config\n"
                                      "--setting-sources\nuser\n--include-partial-messages\n"
                                      "--model\nmodel-1\n--system-prompt-file\n/dev/fd/3\n");
    ck_assert_str_eq(content("stdin"), "Hi");
    ck_assert_str_eq(content("system"), "Answer what you are asked.");
}
END_TEST

START_TEST(a_reply_in_one_piece)
{
    /* The last line may lack its end. */
    static const char says[] = INIT RESULT("\"result\":\"whole\",");
    ag_auto_free char *cut = ag_strndup(says, strlen(says) - 1);
    struct ag_ci ci = cli(cut, "");
    ck_assert_int_eq(ask(&ci, false), 0);
    ck_assert_str_eq(seen.result, "whole");
    ck_assert_str_eq(seen.text, "whole");
    ck_assert_int_eq(seen.texts, 1);
    ck_assert_ptr_null(strstr(content("argv"), "--include-partial-messages"));
}
END_TEST

START_TEST(all_of_the_request_is_given)
{
    struct ag_ci ci =
        cli(INIT RESULT("\"result\":\"x\",\"structured_output\":{\"value\":[1]},"), "");
    struct ag_ci_request request = fixture_request("one");
    AG_AUTO(ag_value) schema = NULL;
    AG_AUTO(ag_value) more = NULL;
    static const char turns[] = "[{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\","
                                "\"content\":\"two\"},{\"role\":\"user\",\"content\":\"three\"}]";
    ck_assert_int_eq(ag_value_parse("{\"type\":\"array\"}", 16, &schema, NULL), 0);
    ck_assert_int_eq(ag_value_parse(turns, strlen(turns), &more, NULL), 0);
    request.schema = schema;
    request.messages = more;
    request.system = "Be brief";
    request.max_tokens = 50;
    request.stream = true;
    ci.model = NULL;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), 0);
    ck_assert_str_eq(seen.result, "[1]");
    ck_assert_ptr_nonnull(strstr(content("argv"), "--system-prompt-file\n/dev/fd/3\n--json-schema\n"
                                                  "{\"type\":\"object\",\"properties\":{\"value\":"
                                                  "{\"type\":\"array\"}},\"required\":"
                                                  "[\"value\"]}\n"));
    ck_assert_ptr_null(strstr(content("argv"), "--model"));
    ck_assert_str_eq(content("system"), "Be brief");
    ck_assert_str_eq(content("stdin"), "[user]\none\n\n[assistant]\ntwo\n\n[user]\nthree");
    ck_assert_ptr_nonnull(strstr(content("env"), "CLAUDE_CODE_MAX_OUTPUT_TOKENS=50\n"));
}
END_TEST

START_TEST(the_environment_and_the_key)
{
    struct ag_ci ci = cli(INIT RESULT("\"result\":\"x\","), "");
    ck_assert_int_eq(setenv("ARGO_TEST_SECRET", "canary", 1), 0);
    ck_assert_int_eq(ask(&ci, true), 0);
    ck_assert_ptr_nonnull(strstr(content("env"), "ANTHROPIC_API_KEY=run's\n"));
    ck_assert_ptr_nonnull(strstr(content("env"), "DISABLE_AUTOUPDATER=1\n"));
    ck_assert_ptr_null(strstr(content("env"), "ANTHROPIC_BASE_URL"));
    ck_assert_ptr_null(strstr(content("env"), "canary"));
    fixture_file("keys/claude", "sk-ant-CANARY-1\n", 0600);
    static char url[] = "http://127.0.0.1:1";
    ci.base_url = url;
    ck_assert_int_eq(ask(&ci, true), 0);
    ck_assert_ptr_nonnull(strstr(content("env"), "ANTHROPIC_API_KEY=sk-ant-CANARY-1\n"));
    ck_assert_ptr_null(strstr(content("env"), "run's"));
    ck_assert_ptr_nonnull(strstr(content("env"), "ANTHROPIC_BASE_URL=http://127.0.0.1:1\n"));
    ck_assert_ptr_null(strstr(content("argv"), "CANARY"));
    /* Without a run's environment it gets this process's, and nothing of Argo's. */
    env.environment = NULL;
    ck_assert_int_eq(setenv("OF_THE_PROCESS", "yes", 1), 0);
    ck_assert_int_eq(ask(&ci, true), 0);
    ck_assert_ptr_nonnull(strstr(content("env"), "OF_THE_PROCESS=yes\n"));
    ck_assert_ptr_null(strstr(content("env"), "canary"));
}
END_TEST

START_TEST(nobody_is_logged_in)
{
    struct ag_ci ci = cli(INIT REFUSED, "exit 1");
    ck_assert_int_eq(ask(&ci, true), ARGO_E_NO_KEY);
    ck_assert_ptr_nonnull(strstr(seen.details, "Not logged in"));
    ck_assert_ptr_nonnull(strstr(seen.details, "arc ci key claude"));
    ck_assert_str_eq(seen.text, "");
}
END_TEST

START_TEST(a_key_that_is_none_is_not_tried_for_minutes)
{
    struct ag_ci ci = cli(INIT "{\"type\":\"system\",\"subtype\":\"api_retry\",\"attempt\":1,"
                               "\"retry_delay_ms\":604.8,\"error_status\":401,\"error\":"
                               "\"authentication_failed\"}\n",
                          "sleep 1000");
    fixture_file("keys/claude", "sk-ant-CANARY-1\n", 0600);
    ck_assert_int_eq(ask(&ci, true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "HTTP 401: authentication_failed (the key is not"));
    ck_assert_int_eq(seen.retries, 0);
}
END_TEST

START_TEST(its_own_retries_are_told)
{
    struct ag_ci ci = cli(INIT "{\"type\":\"system\",\"subtype\":\"api_retry\",\"attempt\":1,"
                               "\"retry_delay_ms\":604.8,\"error_status\":529,\"error\":"
                               "\"overloaded\"}\n" RESULT("\"result\":\"late\","),
                          "");
    ck_assert_int_eq(ask(&ci, true), 0);
    ck_assert_int_eq(seen.retries, 1);
    ck_assert_int_eq(seen.delay, 604);
    ck_assert_str_eq(seen.text, "late");
    ci = cli("{\"type\":\"system\",\"subtype\":\"api_retry\",\"retry_delay_ms\":1e300}\n" RESULT(
                 "\"result\":\"late\","),
             "");
    ck_assert_int_eq(ask(&ci, true), 0);
    ck_assert_int_eq(seen.delay, 0);
}
END_TEST

START_TEST(ends_without_a_result)
{
    struct ag_ci ci = cli(INIT, "echo 'error: unknown option sk-ant-CANARY-1' >&2; exit 3");
    fixture_file("keys/claude", "sk-ant-CANARY-1\n", 0600);
    ck_assert_int_eq(ask(&ci, true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "ended with exit code 3 before it gave a result: "
                                               "error: unknown option ***************"));
    ck_assert_int_eq(seen.retries, 0);
    ci = cli("", "kill -9 $$");
    ck_assert_int_eq(ask(&ci, true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "was killed by signal 9"));
    ci = cli(INIT "{\"type\":\"result\",\"subtype\":\"error_max_turns\",\"is_error\":true}\n", "");
    ck_assert_int_eq(ask(&ci, true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "error_max_turns"));
}
END_TEST

START_TEST(only_the_end_of_its_errors_is_told)
{
    struct ag_ci ci = cli("", "i=0; while [ $i -lt 2000 ]; do echo \"line $i\" >&2; i=$((i+1)); "
                              "done; exit 1");
    ck_assert_int_eq(ask(&ci, true), ARGO_E_PROVIDER);
    ck_assert_msg(strstr(seen.details, "line 1990 line 1991") != NULL, "%s", seen.details);
    ck_assert_ptr_null(strstr(seen.details, "line 19 "));
}
END_TEST

START_TEST(it_is_not_there)
{
    struct ag_ci ci = cli("", "");
    ci.command = NULL; /* then it is looked for in the PATH of the run, where there is none */
    ck_assert_int_eq(ag_value_set(environment, "PATH", ag_value_text(home)), 0);
    ck_assert_int_eq(ask(&ci, true), ARGO_E_PROVIDER);
    ck_assert_ptr_nonnull(strstr(seen.details, "cannot start 'claude'"));
    ck_assert_ptr_nonnull(strstr(seen.details, "npm install -g @anthropic-ai/claude-code"));
    ck_assert_ptr_nonnull(strstr(seen.details, "--command PATH"));
}
END_TEST

START_TEST(its_record)
{
    static char far[] = "http://10.0.0.1";
    struct ag_ci ci = cli("", "");
    ck_assert_int_eq(ag_provider_check(&ci, NULL), 0);
    ci.base_url = far;
    ck_assert_int_eq(ag_provider_check(&ci, NULL), ARGO_E_INVALID);
    ci.base_url = NULL;
    ck_assert_int_eq(ag_value_append(command, ag_value_int(1)), 0);
    ck_assert_int_eq(ag_provider_check(&ci, NULL), ARGO_E_INVALID);
    AG_AUTO(ag_value) nothing = ag_value_array();
    ck_assert_int_eq(ag_value_append(nothing, ag_value_text("")), 0);
    ci.command = nothing;
    ck_assert_int_eq(ag_provider_check(&ci, NULL), ARGO_E_INVALID);
}
END_TEST

/* The CLI and what it has started are gone when the call is. */
static void check_gone(void)
{
    pid_t pid = (pid_t)strtol(content("pid"), NULL, 10);
    pid_t child = (pid_t)strtol(content("child"), NULL, 10);
    ck_assert_int_gt(pid, 1);
    ck_assert_int_eq(kill(pid, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
    /* Its child's parent reaps that one when it likes. */
    ag_auto_free char *path = ag_asprintf("/proc/%d/stat", (int)child);
    for (;;) {
        ag_auto_free char *stat = NULL;
        size_t len;
        if (ag_file_read(path, 4096, &stat, &len, NULL) < 0 || strstr(stat, ") Z ") != NULL) {
            return;
        }
    }
}

#define HANGS "echo $$ > pid; sleep 1000 & echo $! > child; cat said2; wait"

START_TEST(cancelling_ends_its_whole_group)
{
    struct ag_ci ci = cli(INIT, HANGS);
    fixture_file("said2", DELTA("so"), 0600);
    seen.cancel_on_text = true;
    ck_assert_int_eq(ask(&ci, true), 0);
    ck_assert_int_eq(seen.done_count, 0);
    check_gone();
}
END_TEST

START_TEST(so_does_the_deadline)
{
    struct ag_ci ci = cli(INIT, HANGS);
    struct ag_ci_request request = fixture_request("Hi");
    fixture_file("said2", DELTA("so"), 0600);
    request.stream = true;
    request.timeout_ms = 1000;
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_TIMEOUT);
    check_gone();
}
END_TEST

START_TEST(a_result_is_the_end_whatever_it_does_then)
{
    struct ag_ci ci = cli(INIT RESULT("\"result\":\"x\","), "sleep 1000");
    ck_assert_int_eq(ask(&ci, true), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("claude");
    TCase *tc = tcase_create("claude");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_streamed_reply);
    tcase_add_test(tc, a_reply_in_one_piece);
    tcase_add_test(tc, all_of_the_request_is_given);
    tcase_add_test(tc, the_environment_and_the_key);
    tcase_add_test(tc, nobody_is_logged_in);
    tcase_add_test(tc, a_key_that_is_none_is_not_tried_for_minutes);
    tcase_add_test(tc, its_own_retries_are_told);
    tcase_add_test(tc, ends_without_a_result);
    tcase_add_test(tc, only_the_end_of_its_errors_is_told);
    tcase_add_test(tc, it_is_not_there);
    tcase_add_test(tc, its_record);
    tcase_add_test(tc, cancelling_ends_its_whole_group);
    tcase_add_test(tc, so_does_the_deadline);
    tcase_add_test(tc, a_result_is_the_end_whatever_it_does_then);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
