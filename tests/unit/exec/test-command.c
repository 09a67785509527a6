/*
 * command: argv, environment, streams, exit codes, and the end of its processes.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/fakeport.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static struct fakeport *command(const char *fields)
{
    char *step = ag_asprintf("{'step':'a','type':'command',%s}", fields);
    struct fakeport *f = fakeport_flow("", step);
    free(step);
    return f;
}

static struct fakeport *ran(const char *fields)
{
    struct fakeport *f = command(fields);
    fakeport_run(f);
    return f;
}

static void fails(const char *fields, const char *word, const char *part)
{
    struct fakeport *f = ran(fields);
    ck_trace(f, "a:failed");
    ck_assert_str_eq(fakeport_status(f), "failed");
    ck_assert_str_eq(fakeport_error(f, "code"), word);
    ck_assert_msg(strstr(fakeport_error(f, "message"), part) != NULL, "%s",
                  fakeport_error(f, "message"));
    fakeport_free(f);
}

START_TEST(test_no_shell)
{
    struct fakeport *f =
        fakeport_flow("", "{'step':'x','type':'set','values':{'v':'$(id) `id` ; * \\\\ {{step}}'}},"
                          "{'step':'a','type':'command','argv':['printf','%s|','{{v}}','']}");
    fakeport_run(f);
    ck_output(f, "stdout", "$(id) `id` ; * \\ x||");
    fakeport_free(f);
}
END_TEST

START_TEST(test_environment)
{
    struct fakeport *f = command("'argv':['sh','-c','echo $PATH,$X,$ARGO_WORKFLOW_ID,$ARGO_STEP,"
                                 "$ARGO_ATTEMPT,$ARGO_EFFECT_KEY,$ARGO_RUN_NONCE,$ARGO_HOME'],"
                                 "'env':{'X':'{{step}}'}");
    fakeport_run(f);
    ck_output(f, "stdout",
              "/usr/local/bin:/usr/bin:/bin,a,flow_1,a,1,flow_1/a,nonce,/nonexistent/argo\n");
    fakeport_free(f);
}
END_TEST

START_TEST(test_nothing_inherited)
{
    setenv("ARGO_TOKEN_CANARY", "canary", 1);
    struct fakeport *f = ran("'argv':['sh','-c','echo [$ARGO_TOKEN_CANARY]; ls /proc/self/fd']");
    ck_output(f, "stdout", "[]\n0\n1\n2\n3\n"); /* 3 is ls's own */
    fakeport_free(f);
}
END_TEST

START_TEST(test_cwd)
{
    struct fakeport *f = command("'argv':['pwd'],'cwd':'sub'");
    char *sub = ag_path_join(temp_dir, "sub/x");
    ck_assert_int_eq(ag_dir_parents(sub, NULL), 0);
    f->cwd = temp_dir;
    fakeport_run(f);
    char *expected = ag_asprintf("%s/sub\n", temp_dir);
    ck_output(f, "stdout", expected);
    free(expected);
    free(sub);
    fakeport_free(f);
    f = command("'argv':['pwd'],'cwd':'/'");
    f->cwd = temp_dir;
    fakeport_run(f);
    ck_output(f, "stdout", "/\n");
    fakeport_free(f);
}
END_TEST

START_TEST(test_stdin)
{
    struct fakeport *f = ran("'argv':['cat'],'stdin':'one {{step}}\\n','save_to':'x'");
    fakeport_expect(f, "x", "'one a'");
    fakeport_free(f);
    f = ran("'argv':['cat'],'save_to':'x'");
    fakeport_expect(f, "x", "''");
    fakeport_free(f);
    f = ran("'argv':['true'],'stdin':'nobody reads this'");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

START_TEST(test_save_to)
{
    struct fakeport *f = ran("'argv':['sh','-c','echo out; echo err >&2; exit 3'],"
                             "'ok_codes':[0,3],'save_to':{'stdout':'r.o','stderr':'context.r.e',"
                             "'exit_code':'code'}");
    fakeport_expect(f, "r", "{'o':'out\\n','e':'err\\n'}");
    fakeport_expect(f, "code", "3");
    ck_output(f, "stdout", "out\n");
    ck_output(f, "stderr", "err\n");
    fakeport_free(f);
    /* As one path only the last newline goes. */
    f = ran("'argv':['printf','a\\\\n\\\\n'],'save_to':'x'");
    fakeport_expect(f, "x", "'a\\n'");
    fakeport_free(f);
}
END_TEST

START_TEST(test_quiet)
{
    struct fakeport *f = ran("'argv':['sh','-c','echo out; echo err >&2'],'quiet':true,"
                             "'save_to':{'stdout':'o'}");
    fakeport_expect(f, "o", "'out\\n'");
    ck_output(f, "stdout", "");
    ck_output(f, "stderr", "");
    fakeport_free(f);
    f = ran("'argv':['sh','-c','echo out; echo why >&2; exit 1'],'quiet':true,'save_to':'o'");
    ck_assert_str_eq(fakeport_error(f, "code"), "exit_code");
    ck_output(f, "stdout", "");
    ck_output(f, "stderr", "why\n"); /* and nothing but that */
    fakeport_free(f);
    f = ran("'argv':['sh','-c','echo err >&2'],'quiet':false");
    ck_output(f, "stderr", "err\n");
    fakeport_free(f);
    /* What nobody saves is not said to be cut. */
    f = ran("'argv':['sh','-c','yes | head -c 300000 >&2'],'quiet':true");
    ck_output(f, "notice", "");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
}
END_TEST

START_TEST(test_exit_codes)
{
    fails("'argv':['sh','-c','exit 7']", "exit_code", "exit code 7");
    fails("'argv':['true'],'ok_codes':[1]", "exit_code", "exit code 0");
    fails("'argv':['sh','-c','kill -9 $$']", "exit_code", "signal 9");
    fails("'argv':['/nonexistent/program']", "spawn", "/nonexistent/program");
    fails("'argv':['pwd'],'cwd':'/nonexistent'", "spawn", "/nonexistent");
}
END_TEST

START_TEST(test_bad_bytes)
{
    struct fakeport *f = ran("'argv':['printf','a\\\\377b\\\\n\\\\303'],'save_to':'x'");
    ck_output(f, "stdout",
              "a\xef\xbf\xbd"
              "b\n\xef\xbf\xbd");
    fakeport_expect(f, "x",
                    "'a\xef\xbf\xbd"
                    "b\\n\xef\xbf\xbd'");
    fakeport_free(f);
}
END_TEST

/* 1 MiB of lines: all is shown, what is saved is cut to what a variable may hold, and told. */
START_TEST(test_much_output)
{
    struct fakeport *f = ran("'argv':['sh','-c','yes 0123456789abcde | head -c 1048576'],"
                             "'save_to':'x'");
    char *out = fakeport_output(f, "stdout");
    ck_assert_uint_eq(strlen(out), 1048576);
    free(out);
    const ag_value *x = ag_value_get(f->variables, "x");
    size_t len = 0;
    free(ag_value_print(x, &len));
    ck_assert_uint_le(len, AG_MAX_VALUE);
    ck_assert_uint_gt(len, AG_MAX_VALUE - 8);
    char *notice = fakeport_output(f, "notice");
    ck_assert_ptr_nonnull(strstr(notice, "stdout"));
    free(notice);
    fakeport_free(f);
}
END_TEST

static void choke(struct fakeport *f, const struct ag_output_record *record)
{
    f->output_queued = AG_CHANNEL_HIGH + 1;
    f->on_output = NULL;
}

/* With too much output queued the pipe is left alone, until the port has drained. */
START_TEST(test_back_pressure)
{
    struct fakeport *f =
        command("'argv':['sh','-c','yes 0123456789abcde | head -c 1048576'],'save_to':'x'");
    f->on_output = choke;
    fakeport_start(f);
    fakeport_wait_calls(f, 3); /* checkpoint, start, the first output */
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(ag_loop_dispatch(f->loop, 0, NULL), 0);
    }
    ck_assert_uint_eq(f->calls, 3);
    fakeport_drain(f);
    fakeport_wait(f);
    char *out = fakeport_output(f, "stdout");
    ck_assert_uint_eq(strlen(out), 1048576);
    free(out);
    fakeport_free(f);
}
END_TEST

static pid_t pid_from(const char *path)
{
    char *text = NULL;
    size_t len = 0;
    int64_t pid = 0;
    ck_assert_int_eq(ag_file_read(path, 64, &text, &len, NULL), 0);
    text[strcspn(text, "\n")] = '\0';
    ck_assert_int_eq(ag_parse_i64(text, "pid", 2, INT32_MAX, &pid, NULL), 0);
    free(text);
    return (pid_t)pid;
}

/* Waits for the end of a process that was killed; the test's time limit is what fails. */
static void must_end(pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    if (fd >= 0) {
        struct pollfd end = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&end, 1, -1), 1);
        close(fd);
    }
}

/* Who inherited the pipes does not hold the step up, and lives on. */
START_TEST(test_background)
{
    struct fakeport *f =
        command("'argv':['sh','-c','sleep 1000 & echo $! > bg; echo done'],'save_to':'x'");
    f->cwd = temp_dir;
    fakeport_run(f);
    fakeport_expect(f, "x", "'done'");
    pid_t pid = pid_from(temp_path("bg"));
    ck_assert_int_eq(kill(pid, SIGKILL), 0); /* it was there */
    fakeport_free(f);
}
END_TEST

START_TEST(test_timeout)
{
    struct fakeport *f = command("'argv':['sh','-c','sleep 1000 & echo $! > bg; sleep 1000'],"
                                 "'timeout':0.2");
    f->cwd = temp_dir;
    fakeport_run(f);
    ck_trace(f, "a:failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "timeout");
    must_end(pid_from(temp_path("bg")));
    fakeport_free(f);
}
END_TEST

/* One that ignores TERM gets KILL after the grace, and its children with it. */
START_TEST(test_cancel)
{
    struct fakeport *f = command("'argv':['sh','-c','trap : TERM; sleep 1000 & echo $! > bg; "
                                 "echo ready; while :; do sleep 1; done']");
    f->cwd = temp_dir;
    fakeport_start(f);
    fakeport_wait_calls(f, 3);
    fakeport_cancel(f);
    ck_trace(f, "a:started");
    ck_assert_ptr_null(f->finish);
    must_end(pid_from(temp_path("bg")));
    fakeport_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/command");
    TCase *t = tcase_create("command");
    tcase_add_checked_fixture(t, temp_dir_setup, temp_dir_teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, test_no_shell);
    tcase_add_test(t, test_environment);
    tcase_add_test(t, test_nothing_inherited);
    tcase_add_test(t, test_cwd);
    tcase_add_test(t, test_stdin);
    tcase_add_test(t, test_save_to);
    tcase_add_test(t, test_quiet);
    tcase_add_test(t, test_exit_codes);
    tcase_add_test(t, test_bad_bytes);
    tcase_add_test(t, test_much_output);
    tcase_add_test(t, test_back_pressure);
    tcase_add_test(t, test_background);
    tcase_add_test(t, test_timeout);
    tcase_add_test(t, test_cancel);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
