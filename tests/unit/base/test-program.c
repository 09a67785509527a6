/*
 * Running a program: what it is given, what is heard of it, its end, and that nothing of it is left.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <check.h>

#include "base/program.h"
#include "base/text.h"
#include "lib/runner.h"

static ag_loop *loop;
static ag_program *program;

static struct {
    char output[256], errors[1024];
    size_t bytes;
    int status, ends;
    bool free_on_output, free_on_end;
} heard;

static void on_output(const char *data, size_t len, void *user)
{
    size_t room = sizeof(heard.output) - 1 - strlen(heard.output);
    strncat(heard.output, data, len < room ? len : room);
    heard.bytes += len;
    if (heard.free_on_output) {
        ag_program_free(program);
        program = NULL;
        ag_loop_quit(loop);
    }
}

static void on_ended(int status, const char *errors, void *user)
{
    heard.ends++;
    heard.status = status;
    snprintf(heard.errors, sizeof(heard.errors), "%s", errors);
    if (heard.free_on_end) {
        ag_program_free(program);
        program = NULL;
    }
    ag_loop_quit(loop);
}

static void setup(void)
{
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    memset(&heard, 0, sizeof(heard));
}

static void teardown(void)
{
    ag_program_free(program);
    program = NULL;
    ag_loop_free(loop);
}

static int begin(const char *script, const char *input)
{
    static const struct ag_program_events events = {on_output, on_ended};
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct ag_spawn spec = {.file = "sh", .argv = argv, .envp = env};
    return ag_program_start(loop, &spec, input, strlen(input), &events, NULL, &program, NULL);
}

static void run(const char *script, const char *input)
{
    ck_assert_int_eq(begin(script, input), 0);
    ck_assert_int_eq(ag_loop_run(loop, NULL), 0);
}

START_TEST(all_of_it_is_heard)
{
    run("cat; echo no >&2; exit 3", "text\nand more");
    ck_assert_str_eq(heard.output, "text\nand more");
    ck_assert_str_eq(heard.errors, "no\n");
    ck_assert_int_eq(WEXITSTATUS(heard.status), 3);
    ck_assert_int_eq(heard.ends, 1);
}
END_TEST

START_TEST(much_of_it_is)
{
    run("head -c 3000000 /dev/zero | tr '\\0' x", "");
    ck_assert_uint_eq(heard.bytes, 3000000);
}
END_TEST

START_TEST(of_errors_the_end_is_kept)
{
    run("head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\377end' >&2", "");
    ck_assert_uint_eq(strlen(heard.errors), AG_PROGRAM_ERRORS + 2); /* U+FFFD has three bytes */
    ck_assert_ptr_nonnull(strstr(heard.errors, "x\xEF\xBF\xBD"
                                               "end"));
}
END_TEST

/* Whoever it has left behind with its pipes is not waited for. */
START_TEST(its_end_is_the_end)
{
    run("sleep 1000 & echo $!; exit 0", "");
    ck_assert_int_eq(heard.ends, 1);
    ck_assert_int_eq(kill((pid_t)strtol(heard.output, NULL, 10), SIGKILL), 0);
}
END_TEST

START_TEST(freeing_it_ends_the_whole_group)
{
    heard.free_on_output = true;
    run("sh -c 'echo $$; sleep 1000'; sleep 1000", "");
    pid_t inner = (pid_t)strtol(heard.output, NULL, 10);
    ag_auto_free char *path = ag_asprintf("/proc/%d/stat", (int)inner);
    for (;;) { /* killed: its new parent reaps it when it likes */
        char line[256] = "";
        FILE *stat = fopen(path, "r");
        bool dead =
            stat == NULL || fgets(line, sizeof(line), stat) == NULL || strstr(line, ") Z ") != NULL;
        if (stat != NULL) {
            fclose(stat);
        }
        if (dead) {
            break;
        }
    }
    ck_assert_int_eq(heard.ends, 0);
}
END_TEST

START_TEST(it_may_be_freed_at_its_end)
{
    heard.free_on_end = true;
    run("true", "");
    ck_assert_int_eq(heard.ends, 1);
}
END_TEST

START_TEST(it_is_not_there)
{
    static const struct ag_program_events events = {on_output, on_ended};
    static const char *const env[] = {NULL};
    static const char *const argv[] = {"/nonexistent/program", NULL};
    const struct ag_spawn spec = {.file = argv[0], .argv = argv, .envp = env};
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_program_start(loop, &spec, "", 0, &events, NULL, &program, &err),
                     ARGO_E_SPAWN);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "/nonexistent/program"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("program");
    TCase *tc = tcase_create("program");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, all_of_it_is_heard);
    tcase_add_test(tc, much_of_it_is);
    tcase_add_test(tc, of_errors_the_end_is_kept);
    tcase_add_test(tc, its_end_is_the_end);
    tcase_add_test(tc, freeing_it_ends_the_whole_group);
    tcase_add_test(tc, it_may_be_freed_at_its_end);
    tcase_add_test(tc, it_is_not_there);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
