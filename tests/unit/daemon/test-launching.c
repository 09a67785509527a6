/*
 * Launching: what an executor gets, spawned or forked, and what becomes of the warm process that
 * forks it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "base/text.h"
#include "fixture.h"

START_TEST(what_an_executor_gets)
{
    char line[4096], expected[4096], cwd[256];
    int64_t pid = launched("report");
    ck_assert_ptr_nonnull(realpath(fx.spec.cwd, cwd));
    snprintf(expected, sizeof(expected),
             "64 " FIXTURE_TOKEN " 0|4|%s|1|/bin|C|/of-the-daemon|clean|unix:%s|report|2\n", cwd,
             fx.daemon.home.socket_path);
    ck_assert_str_eq(listen_to(line, sizeof(line)), expected);
    until(&fx.ended_calls);
    ck_assert_int_eq(fx.ended_rid, 5);
    ck_assert_int_eq(fx.ended_pid, pid);
    ck_assert(WIFEXITED(fx.ended_status) && WEXITSTATUS(fx.ended_status) == 0);
}
END_TEST

START_TEST(other_names_are_refused)
{
    static const char *const bad[] = {"{\"SECRET\":\"x\"}", "{\"LC_\":\"x\"}", "{\"PATHS\":\"x\"}",
                                      "{\"PATH\":1}"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        AG_AUTO(ag_value) given = NULL;
        AG_AUTO(argo_error) err = NULL;
        ag_value *env = NULL;
        ck_assert_int_eq(ag_value_parse(bad[i], strlen(bad[i]), &given, NULL), 0);
        ck_assert_int_eq(ag_launch_env_resolve(given, &env, &err), ARGO_E_INVALID);
        ck_assert_str_eq(argo_error_field(err), "env");
        ck_assert_ptr_null(env);
    }
}
END_TEST

START_TEST(what_cannot_be_started)
{
    struct launch l = {0}, m = {0};
    char missing[] = "/nonexistent/dir", *cwd = fx.spec.cwd;
    fx.spec.cwd = missing;
    ck_assert_int_eq(launch("hold", &l), ARGO_E_SPAWN);
    ck_assert_ptr_nonnull(strstr(l.details, missing));
    fx.spec.cwd = cwd;
    fx.daemon.executor = missing;
    ck_assert_int_eq(launch("hold", &m), ARGO_E_SPAWN);
    ck_assert_ptr_nonnull(strstr(m.details, missing));
    ck_assert_int_eq(living(), 0);
}
END_TEST

START_TEST(who_is_not_wanted_learns_nothing)
{
    char line[4096];
    struct launch l = {.unwanted = true};
    ck_assert_int_eq(launch("report", &l), 0);
    ck_assert_str_eq(strtok(listen_to(line, sizeof(line)), "|"), "0  0");
    end_run(1000000);
    until(&fx.done_calls);
    ck_assert_int_eq(fx.ended_calls, 0);
    ck_assert_int_eq(waitpid((pid_t)l.pid, NULL, 0), -1); /* it has been reaped */
}
END_TEST

START_TEST(many_at_once)
{
    struct launch l[16] = {0};
    for (int i = 0; i < 16; i++) {
        fx.run.epoch = 10 + i;
        begin_launch("deaf", &l[i]);
    }
    for (int i = 0; i < 16; i++) {
        char line[16];
        ck_assert_int_eq(end_launch(&l[i]), 0);
        listen_to(line, sizeof(line));
    }
    ck_assert_uint_eq(living(), 16);
    end_run(1);
    until(&fx.done_calls);
    ck_assert_uint_eq(living(), 0);
}
END_TEST

/* ---- the warm process ------------------------------------------------------------------------ */

/* 0: there is none. */
static pid_t warm_pid(void)
{
    struct dirent *entry;
    pid_t found = 0;
    DIR *dir = opendir("/proc");
    while (found == 0 && (entry = readdir(dir)) != NULL) {
        char path[300], line[64] = "";
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
        ag_auto_close int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0 && read(fd, line, sizeof(line) - 1) > 0 && ag_proc_parent(pid) == getpid() &&
            ag_streq(line + strlen(line) + 1, "--warm")) {
            found = pid;
        }
    }
    closedir(dir);
    return found;
}

static pid_t stop_warm(void)
{
    siginfo_t info;
    pid_t pid = warm_pid();
    ck_assert_int_gt(pid, 0);
    kill(pid, SIGSTOP);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    return pid;
}

static void until_gone(pid_t pid)
{
    while (kill(pid, 0) == 0) {
        ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, 10, NULL), 0);
    }
}

/* Whatever it was asked for has not happened, and happens without it. */
START_TEST(the_warm_one_is_killed)
{
    struct launch l[3] = {0};
    pid_t warm = stop_warm();
    for (int i = 0; i < 3; i++) {
        begin_launch("hold", &l[i]);
        ck_assert_int_eq(l[i].calls, 0);
    }
    kill(warm, SIGKILL);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(end_launch(&l[i]), ARGO_E_CANCELLED);
    }
    ck_assert(!next_is_forked());
    until_gone(warm);
    until_forked();
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(fx.ended_calls, 0);
}
END_TEST

/* Nothing waits for it for ever, and it does nothing late. */
START_TEST(the_warm_one_stands_still)
{
    struct launch l = {0}, m = {0};
    pid_t warm = stop_warm();
    begin_launch("hold", &l);
    begin_launch("hold", &m);
    ck_assert_int_eq(end_launch(&l), ARGO_E_CANCELLED);
    ck_assert_int_eq(end_launch(&m), ARGO_E_CANCELLED);
    until_gone(warm);
    until_forked();
    ck_assert_uint_eq(living(), 0);
}
END_TEST

START_TEST(the_warm_one_leaves_when_it_is_idle)
{
    pid_t warm = warm_pid();
    fx.daemon.options.warm_for_ms = 1;
    kill(warm, SIGKILL); /* the next is started with that time */
    until_gone(warm);
    ck_assert(!next_is_forked());
    while (warm_pid() != 0) {
        ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, 10, NULL), 0);
    }
    ck_assert(!next_is_forked());
}
END_TEST

START_TEST(the_warm_one_goes_with_the_supervisor)
{
    pid_t warm = stop_warm();
    struct launch l = {.unwanted = true};
    begin_launch("hold", &l);
    ag_supervisor_free(fx.daemon.supervisor);
    ck_assert_int_eq(l.code, ARGO_E_CANCELLED);
    ck_assert_int_eq(kill(warm, 0), -1);
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
    ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
}
END_TEST

/* It dies with who started it, even when it stands still. */
START_TEST(the_warm_one_outlives_nobody)
{
    char line[64];
    int fds[2];
    ag_supervisor_free(fx.daemon.supervisor);
    ck_assert_int_eq(pipe(fds), 0);
    pid_t daemon = fork();
    if (daemon == 0) {
        ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
        until_forked();
        snprintf(line, sizeof(line), "%d", (int)stop_warm());
        ck_assert_int_gt(write(fds[1], line, sizeof(line)), 0);
        kill(getpid(), SIGKILL);
    }
    waitpid(daemon, NULL, 0);
    ck_assert_int_eq(read(fds[0], line, sizeof(line)), sizeof(line));
    pid_t warm = (pid_t)strtol(line, NULL, 10);
    for (int i = 0; i < 500 && ag_proctree_signal(warm, true, NULL, NULL, 0) > 0; i++) {
        usleep(1000);
    }
    ck_assert_uint_eq(ag_proctree_signal(warm, true, NULL, NULL, SIGKILL), 0);
    ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
}
END_TEST

static void copy_self(const char *to)
{
    ag_auto_free char *command = ag_asprintf("cp %s %s.new && mv %s.new %s", fx.self, to, to, to);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(another_program_is_another_warm_one)
{
    char program[256];
    snprintf(program, sizeof(program), "%s", fixture_path("program"));
    copy_self(program);
    fx.daemon.executor = program;
    pid_t first = warm_pid();
    ck_assert(!next_is_forked());
    until_gone(first);
    until_forked();
    pid_t second = warm_pid();
    copy_self(program);
    ck_assert(!next_is_forked());
    until_gone(second);
    until_forked();
    ck_assert_int_eq(unlink(program), 0);
    struct launch l = {0};
    ck_assert_int_eq(launch("hold", &l), ARGO_E_SPAWN);
    fx.daemon.executor = fx.self;
}
END_TEST

/* It is not started again and again, but with a new program at once. */
START_TEST(a_program_that_serves_nobody)
{
    char program[256], line[512];
    snprintf(program, sizeof(program), "%s", fixture_path("program"));
    snprintf(line, sizeof(line), "cp /bin/true %s", program);
    ck_assert_int_eq(system(line), 0);
    fx.daemon.executor = program;
    for (int i = 0; i < 3; i++) {
        launched("which");
        until(&fx.ended_calls);
        fx.ended_calls = 0;
        while (warm_pid() != 0) {
            ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, 10, NULL), 0);
        }
    }
    copy_self(program);
    until_forked();
    fx.daemon.executor = fx.self;
}
END_TEST

/* What is being launched belongs to what is being ended. */
START_TEST(ending_waits_for_what_is_being_launched)
{
    struct launch l = {.unwanted = true};
    pid_t warm = stop_warm();
    begin_launch("report", &l);
    end_run(1000000);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, -1, NULL), 0);
    }
    ck_assert_int_eq(l.calls, 0);
    ck_assert_int_eq(fx.done_calls, 0);
    kill(warm, SIGCONT);
    until(&fx.done_calls);
    ck_assert_int_eq(l.calls, 1);
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(fx.ended_calls, 0);
}
END_TEST

START_TEST(a_launch_that_is_given_up)
{
    struct launch l = {0};
    pid_t warm = stop_warm();
    begin_launch("report", &l);
    ag_supervisor_launch_none(fx.daemon.supervisor);
    ck_assert_int_eq(l.code, ARGO_E_CANCELLED);
    kill(warm, SIGCONT);
    ck_assert(next_is_forked()); /* and nobody has reported before it */
    ck_assert_uint_eq(living(), 0);
}
END_TEST

/* A host may wait for all its children: then nobody else learns how one ended. */
START_TEST(a_host_takes_every_status)
{
    int64_t pid = launched("exit7");
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    until(&fx.ended_calls);
    ck_assert_int_eq(fx.ended_pid, pid);
    ck_assert_int_eq(fx.ended_status, -1);
    fx.ended_calls = 0;
    pid_t warm = warm_pid();
    if (warm != 0) {
        kill(warm, SIGKILL);
        ck_assert_int_eq(waitpid(-1, NULL, 0), warm);
        ck_assert(!next_is_forked());
        until_forked();
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, what_an_executor_gets);
    tcase_add_test(tc, other_names_are_refused);
    tcase_add_test(tc, what_cannot_be_started);
    tcase_add_test(tc, who_is_not_wanted_learns_nothing);
    tcase_add_test(tc, many_at_once);
    tcase_add_test(tc, a_host_takes_every_status);
}

static void add_warm_tests(TCase *tc)
{
    tcase_add_test(tc, the_warm_one_is_killed);
    tcase_add_test(tc, the_warm_one_stands_still);
    tcase_add_test(tc, the_warm_one_leaves_when_it_is_idle);
    tcase_add_test(tc, the_warm_one_goes_with_the_supervisor);
    tcase_add_test(tc, the_warm_one_outlives_nobody);
    tcase_add_test(tc, another_program_is_another_warm_one);
    tcase_add_test(tc, a_program_that_serves_nobody);
    tcase_add_test(tc, ending_waits_for_what_is_being_launched);
    tcase_add_test(tc, a_launch_that_is_given_up);
}

static Suite *suite(void)
{
    Suite *s = suite_create("daemon/launching");
    add_tests(fixture_spawned(s));
    TCase *tc = fixture_forked(s);
    add_tests(tc);
    add_warm_tests(tc);
    return s;
}

int main(int argc, char **argv)
{
    return fixture_main(argv[0], suite);
}
