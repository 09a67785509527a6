/*
 * Watching processes: exit statuses, processes that are not ours, a status somebody else took.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include <check.h>

#include "base/loop.h"
#include "base/process.h"
#include "lib/runner.h"

static ag_loop *loop;

struct ended {
    ag_child *child;
    pid_t pid;
    int status;
    int calls;
    bool free_inside;
};

static void setup(void)
{
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
}

static void teardown(void)
{
    ag_loop_free(loop);
}

static void on_end(ag_child *child, pid_t pid, int status, void *user)
{
    struct ended *e = user;
    ck_assert_int_eq(pid, ag_child_pid(child));
    e->calls++;
    e->pid = pid;
    e->status = status;
    if (e->free_inside) {
        ag_child_free(child);
        e->child = NULL;
    }
}

/* Starts `sh -c SCRIPT` with OUT as its output. */
static pid_t start(const char *script, int out, int *pidfd)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const envp[] = {"PATH=/usr/bin:/bin", NULL};
    struct ag_spawn spec = {
        .file = "sh", .argv = argv, .envp = envp, .fds = {-1, out, -1}, .new_group = true};
    pid_t pid;
    ck_assert_int_eq(ag_spawn(&spec, &pid, pidfd, NULL), 0);
    return pid;
}

static void wait_for(struct ended *e)
{
    while (e->calls == 0) {
        ck_assert_int_eq(ag_loop_dispatch(loop, -1, NULL), 0);
    }
    ag_loop_dispatch(loop, 0, NULL);
    ck_assert_int_eq(e->calls, 1);
}

START_TEST(status_of_a_normal_exit)
{
    const int codes[] = {0, 7, 255};
    for (size_t i = 0; i < AG_ARRAY_SIZE(codes); i++) {
        struct ended e = {0};
        char script[32];
        int pidfd;
        snprintf(script, sizeof(script), "exit %d", codes[i]);
        pid_t pid = start(script, -1, &pidfd);
        ck_assert_int_eq(ag_child_new(loop, pid, pidfd, on_end, &e, &e.child, NULL), 0);
        wait_for(&e);
        ck_assert_int_eq(e.pid, pid);
        ck_assert(WIFEXITED(e.status));
        ck_assert_int_eq(WEXITSTATUS(e.status), codes[i]);
        ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1); /* it was reaped */
        ck_assert_int_eq(ag_child_signal(e.child, SIGTERM), -ESRCH);
        ag_child_free(e.child);
    }
}
END_TEST

START_TEST(status_of_a_signal)
{
    struct ended e = {0};
    pid_t pid = start("exec sleep 1000", -1, NULL);
    ck_assert_int_eq(ag_child_new(loop, pid, -1, on_end, &e, &e.child, NULL), 0);
    ck_assert_int_eq(ag_child_signal(e.child, 0), 0);
    ck_assert_int_eq(ag_child_signal(e.child, SIGKILL), 0);
    wait_for(&e);
    ck_assert(WIFSIGNALED(e.status));
    ck_assert_int_eq(WTERMSIG(e.status), SIGKILL);
    ag_child_free(e.child);
}
END_TEST

START_TEST(stopping_is_not_ending)
{
    struct ended e = {0};
    siginfo_t info;
    pid_t pid = start("exec sleep 1000", -1, NULL);
    ck_assert_int_eq(ag_child_new(loop, pid, -1, on_end, &e, &e.child, NULL), 0);
    ck_assert_int_eq(ag_child_signal(e.child, SIGSTOP), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
    ag_loop_dispatch(loop, 0, NULL);
    ck_assert_int_eq(e.calls, 0);
    ag_child_signal(e.child, SIGKILL);
    wait_for(&e);
    ag_child_free(e.child);
}
END_TEST

START_TEST(freed_inside_its_callback)
{
    struct ended e = {.free_inside = true};
    pid_t pid = start("exit 3", -1, NULL);
    ck_assert_int_eq(ag_child_new(loop, pid, -1, on_end, &e, &e.child, NULL), 0);
    wait_for(&e);
    ck_assert_int_eq(WEXITSTATUS(e.status), 3);
}
END_TEST

START_TEST(freed_before_the_end_leaves_it_alone)
{
    struct ended e = {0};
    int status;
    pid_t pid = start("exec sleep 1000", -1, NULL);
    ck_assert_int_eq(ag_child_new(loop, pid, -1, on_end, &e, &e.child, NULL), 0);
    ag_child_free(e.child);
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(e.calls, 0);
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

START_TEST(status_that_the_host_took)
{
    struct ended e = {0};
    pid_t pid = start("exit 5", -1, NULL);
    ck_assert_int_eq(ag_child_new(loop, pid, -1, on_end, &e, &e.child, NULL), 0);
    ck_assert_int_eq(waitpid(-1, NULL, 0), pid);
    wait_for(&e);
    ck_assert_int_eq(e.status, -1);
    ag_child_free(e.child);
}
END_TEST

START_TEST(foreign_process)
{
    struct ended e = {0};
    int fds[2], grandchild = 0;
    char text[32] = "";
    ck_assert_int_eq(ag_pipe(fds, NULL), 0);
    ck_assert_int_eq(fcntl(fds[0], F_SETFL, 0), 0);
    pid_t pid = start("sleep 1000 & echo $!; wait", fds[1], NULL);
    ck_assert_int_gt(read(fds[0], text, sizeof(text) - 1), 0);
    ck_assert_int_eq(sscanf(text, "%d", &grandchild), 1);
    ck_assert_int_eq(ag_child_new(loop, grandchild, -1, on_end, &e, &e.child, NULL), 0);
    ag_child_signal(e.child, SIGKILL);
    wait_for(&e);
    ck_assert_int_eq(e.pid, grandchild);
    ck_assert_int_eq(e.status, -1);
    ag_child_free(e.child);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(process_that_is_gone)
{
    AG_AUTO(argo_error) err = NULL;
    ag_child *child = NULL;
    pid_t pid = start("exit 0", -1, NULL);
    waitpid(pid, NULL, 0);
    ck_assert_int_eq(ag_child_new(loop, pid, -1, on_end, NULL, &child, &err), ARGO_E_SYSTEM);
    ck_assert_ptr_null(child);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), strerror(ESRCH)));
}
END_TEST

/* Two watched ones and two others, all ended before the loop looks. */
static void end_among_orphans(pid_t orphans[2])
{
    struct ended e[2] = {0};
    siginfo_t info;
    for (int i = 0; i < 2; i++) {
        orphans[i] = start("exit 3", -1, NULL);
        pid_t pid = start("exit 7", -1, NULL);
        ck_assert_int_eq(ag_child_new(loop, pid, -1, on_end, &e[i], &e[i].child, NULL), 0);
        ck_assert_int_eq(waitid(P_PID, (id_t)orphans[i], &info, WEXITED | WNOWAIT), 0);
        ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    }
    for (int i = 0; i < 2; i++) {
        wait_for(&e[i]);
        ck_assert_int_eq(WEXITSTATUS(e[i].status), 7);
        ag_child_free(e[i].child);
    }
}

START_TEST(orphans_are_reaped_on_demand)
{
    pid_t orphans[2];
    end_among_orphans(orphans);
    ck_assert_int_eq(waitpid(orphans[0], NULL, WNOHANG), orphans[0]); /* nobody has asked for it */
    ck_assert_int_eq(waitpid(orphans[1], NULL, WNOHANG), orphans[1]);
    ag_loop_reap_orphans(loop);
    end_among_orphans(orphans);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

static volatile int64_t told;

static void on_signal(int signo, siginfo_t *info, void *context)
{
    told = info->si_code == SI_QUEUE ? (int64_t)(intptr_t)info->si_value.sival_ptr : -1;
}

START_TEST(signal_with_a_value)
{
    const int64_t values[] = {0, 1, INT32_MAX, INT64_C(1) << 40};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    struct ended e = {0};
    ck_assert_int_eq(sigaction(SIGCONT, &action, NULL), 0);
    ck_assert_int_eq(ag_child_new(loop, getpid(), -1, on_end, &e, &e.child, NULL), 0);
    for (size_t i = 0; i < AG_ARRAY_SIZE(values); i++) {
        ck_assert_int_eq(ag_child_signal_value(e.child, SIGCONT, values[i]), 0);
        ck_assert_int_eq(told, values[i]);
    }
    ck_assert_int_eq(ag_child_signal(e.child, SIGCONT), 0);
    ck_assert_int_eq(told, -1);
    ag_child_free(e.child);
    signal(SIGCONT, SIG_DFL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("base/child");
    TCase *tc = tcase_create("child");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, status_of_a_normal_exit);
    tcase_add_test(tc, status_of_a_signal);
    tcase_add_test(tc, stopping_is_not_ending);
    tcase_add_test(tc, freed_inside_its_callback);
    tcase_add_test(tc, freed_before_the_end_leaves_it_alone);
    tcase_add_test(tc, status_that_the_host_took);
    tcase_add_test(tc, foreign_process);
    tcase_add_test(tc, process_that_is_gone);
    tcase_add_test(tc, orphans_are_reaped_on_demand);
    tcase_add_test(tc, signal_with_a_value);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
