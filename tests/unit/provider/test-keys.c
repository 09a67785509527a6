/*
 * Key files: what is taken, what is refused, and that no error shows a key.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"
#include "provider/internal.h"

static int read_key(const char *name, char **out, argo_error **err)
{
    ag_value *command = NULL;
    int rc = ag_key_read(home, name, out, &command, err);
    ck_assert_ptr_null(command);
    return rc;
}

START_TEST(keys_are_trimmed)
{
    static const char *const texts[] = {"sk-1234", "sk-1234\n", " \tsk-1234\r\n\r\n"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(texts); i++) {
        char *key = NULL;
        fixture_file("keys/a", texts[i], 0600);
        ck_assert_int_eq(read_key("a", &key, NULL), 0);
        ck_assert_str_eq(key, "sk-1234");
        ag_key_free(key);
    }
}
END_TEST

START_TEST(no_file_is_no_key)
{
    char *key = home;
    ck_assert_int_eq(read_key("none", &key, NULL), 0);
    ck_assert_ptr_null(key);
    ag_key_free(NULL);
}
END_TEST

START_TEST(bad_files_are_refused)
{
    static const struct {
        const char *text;
        mode_t mode;
        int code;
    } cases[] = {
        {"", 0600, ARGO_E_NO_KEY},
        {" \n\n", 0600, ARGO_E_NO_KEY},
        {"sk-canary\nsk-canary", 0600, ARGO_E_NO_KEY},
        {"sk-canary two", 0600, ARGO_E_NO_KEY},
        {"sk-canary\x01", 0600, ARGO_E_NO_KEY},
        {"sk-canary\xC3\xA4", 0600, ARGO_E_NO_KEY},
        {"sk-canary", 0640, ARGO_E_DENIED},
        {"sk-canary", 0604, ARGO_E_DENIED},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        AG_AUTO(argo_error) err = NULL;
        char *key = NULL;
        fixture_file("keys/a", cases[i].text, cases[i].mode);
        ck_assert_msg(read_key("a", &key, &err) == cases[i].code, "case %zu", i);
        ck_assert_ptr_null(key);
        ck_assert_ptr_nonnull(strstr(argo_error_details(err), "keys/a"));
        ck_assert_ptr_null(strstr(argo_error_details(err), "canary"));
    }
}
END_TEST

START_TEST(names_are_ids)
{
    char *key = NULL;
    fixture_file("token", "secret", 0600);
    ck_assert_int_eq(read_key("../token", &key, NULL), ARGO_E_ID);
    ck_assert_int_eq(read_key("", &key, NULL), ARGO_E_ID);
}
END_TEST

START_TEST(links_are_refused)
{
    char *key = NULL;
    fixture_file("other", "sk-1234", 0600);
    fixture_file("keys/x", "sk-1234", 0600);
    char target[256];
    snprintf(target, sizeof(target), "%s/other", home);
    ck_assert_int_eq(symlink(target, fixture_path("keys/a")), 0);
    ck_assert_int_eq(read_key("a", &key, NULL), ARGO_E_DENIED);
}
END_TEST

/* ---- commands ----------------------------------------------------------------------------------- */

static int ask_with(const char *command)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.timeout_ms = 20000;
    fixture_file("keys/claude", command, 0600);
    return fixture_ask(&ci, NULL, &request);
}

static const char reply[] = "{\"choices\":[{\"message\":{\"content\":\"Hi\"},"
                            "\"finish_reason\":\"stop\"}]}";

START_TEST(a_command_prints_the_key)
{
    static const char *const commands[] = {
        "[\"echo\",\"sk-ARGO-CANARY-1\"]",
        " [\"printf\", \" sk-ARGO-CANARY-1\\nuser: me\\nurl: x\\n\"]\n",
        "[\"sh\",\"-c\",\"test -d keys && echo sk-ARGO-CANARY-1; cat\"]", /* in the home, no input */
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(commands); i++) {
        fakehttp_answer(server, 200, "", reply);
        ck_assert_msg(ask_with(commands[i]) == 0, "%s: %s", commands[i], seen.details);
        ck_assert_str_eq(fakehttp_header(server, i, "Authorization"), "Bearer sk-ARGO-CANARY-1");
    }
}
END_TEST

START_TEST(a_command_that_is_no_good)
{
    static const struct {
        const char *command, *says;
    } cases[] = {
        {"[\"sh\",\"-c\",\"echo sk-CANARY; echo sk-CANARY >&2; exit 3\"]",
         "ended with exit code 3"},
        {"[\"sh\",\"-c\",\"kill -9 $$\"]", "was killed by signal 9"},
        {"[\"true\"]", "is empty"},
        {"[\"echo\",\"sk-CANARY two\"]", "expected one line of ASCII"},
        {"[\"head\",\"-c\",\"8193\",\"/dev/zero\"]", "prints more than 8192 bytes"},
        {"[\"yes\"]", "prints more than 8192 bytes"},
        {"[\"/nowhere/pass\"]", "No such file"},
        {"[]", "expected a command"},
        {"[\"\"]", "expected a command"},
        {"[\"echo\",1]", "expected a command"},
        {"[\"echo\"", "expected a command"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        int code = ask_with(cases[i].command);
        ck_assert_msg(code == ARGO_E_NO_KEY, "%s", cases[i].command);
        ck_assert_msg(strstr(seen.details, cases[i].says) != NULL, "%s: %s", cases[i].command,
                      seen.details);
        ck_assert_ptr_nonnull(strstr(seen.details, "keys/claude"));
        ck_assert_ptr_null(strstr(seen.details, "CANARY"));
    }
}
END_TEST

/* The call's end is the command's. */
START_TEST(a_command_that_hangs_ends_with_the_call)
{
    struct ag_ci ci = fixture_ci();
    struct ag_ci_request request = fixture_request("Hi");
    request.timeout_ms = 100;
    fixture_file("keys/claude", "[\"sh\",\"-c\",\"echo $$ >pid; exec sleep 600\"]", 0600);
    ck_assert_int_eq(fixture_ask(&ci, NULL, &request), ARGO_E_TIMEOUT);
    char text[32] = "";
    FILE *f = fopen(fixture_path("pid"), "r");
    if (f != NULL) { /* it came so far */
        ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
        fclose(f);
        ck_assert_int_ne(kill((pid_t)atoi(text), 0), 0);
    }
}
END_TEST

/* A long key is cut out of the midst of a word; a short one may be a part of any. */
START_TEST(keys_are_cut_out_of_texts)
{
    static const struct {
        const char *key, *text, *then;
    } cases[] = {
        {"12345678", "a12345678b", "a********b"},
        {"1234567", "a1234567 1234567b 1234567", "a1234567 1234567b *******"},
        {"bad-key", "Bearer bad-key (no)", "Bearer ******* (no)"},
        {"bad-key", "bad-key", "*******"},
        {"bad-key", "'bad-key',bad-key", "'*******',*******"},
        {"k", "key=k, ok", "key=*, ok"},
        {"aa", "aaa aa", "aaa **"},
        {"", "text", "text"},
        {NULL, "text", "text"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ag_auto_free char *text = ag_key_redact(ag_strdup(cases[i].text), cases[i].key);
        ck_assert_str_eq(text, cases[i].then);
    }
    ck_assert_ptr_null(ag_key_redact(NULL, "bad-key"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("keys");
    TCase *tc = tcase_create("keys");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, keys_are_trimmed);
    tcase_add_test(tc, no_file_is_no_key);
    tcase_add_test(tc, bad_files_are_refused);
    tcase_add_test(tc, names_are_ids);
    tcase_add_test(tc, links_are_refused);
    tcase_add_test(tc, a_command_prints_the_key);
    tcase_add_test(tc, a_command_that_is_no_good);
    tcase_add_test(tc, a_command_that_hangs_ends_with_the_call);
    tcase_add_test(tc, keys_are_cut_out_of_texts);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
