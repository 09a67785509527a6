/*
 * Facts from /proc and signalling of process trees: descendants, processes that left the tree and
 * are known by their environment alone, zombies, ourselves.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/process.h"
#include "lib/runner.h"

#define NAME "ARGO_TEST_TREE"

static char value[32];
static char entry[64];

/* Each test has its own value, and gets the orphans, so that it can wait for their end. */
static void setup(void)
{
    snprintf(value, sizeof(value), "%d", (int)getpid());
    snprintf(entry, sizeof(entry), "%s=%s", NAME, value);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

/* Runs SCRIPT until it has written N pids, one a line; returns its own. Reading fd 3 waits for as
 * long as the test runs. */
static pid_t start(const char *script, bool marked, int *pids, int n)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const envp[] = {"PATH=/usr/bin:/bin", marked ? entry : NULL, NULL};
    int fds[2], block[2];
    pid_t pid;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(block, O_CLOEXEC), 0);
    const struct ag_spawn_fd inherit = {.from = block[0], .to = 3};
    struct ag_spawn spec = {.file = "sh",
                            .argv = argv,
                            .envp = envp,
                            .fds = {-1, fds[1], -1},
                            .inherit = &inherit,
                            .n_inherit = 1,
                            .new_session = true};
    ck_assert_int_eq(ag_spawn(&spec, &pid, NULL, NULL), 0);
    close(fds[1]);
    close(block[0]);
    FILE *file = fdopen(fds[0], "r");
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(fscanf(file, "%d", &pids[i]), 1);
    }
    fclose(file);
    return pid;
}

/* Waits for PID, which must have been killed by SIGNO. */
static void expect_killed(pid_t pid, int signo)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), signo);
}

/* Its shell may have waited for PID before it was killed itself. */
static void expect_gone(pid_t pid)
{
    waitpid(pid, NULL, 0);
    ck_assert_int_eq(ag_proc_start_time(pid), -1);
}

START_TEST(facts_about_ourselves)
{
    pid_t self = getpid();
    int child = 0;
    ck_assert_int_eq(ag_proc_parent(self), getppid());
    ck_assert_int_gt(ag_proc_start_time(self), 0);
    ck_assert(ag_proc_descends_from(self, getppid()));
    ck_assert(!ag_proc_descends_from(getppid(), self));
    pid_t pid = start("sleep 1000 & echo $!; wait; read x <&3", true, &child, 1);
    ck_assert_int_eq(ag_proc_parent(child), pid);
    ck_assert(ag_proc_descends_from(child, self));
    ck_assert(!ag_proc_descends_from(child, child));
    ck_assert_int_ge(ag_proc_start_time(child), ag_proc_start_time(self));
    ck_assert(ag_proc_has_env(pid, NAME, value));
    ck_assert(!ag_proc_has_env(pid, NAME, "other"));
    ck_assert(!ag_proc_has_env(pid, NAME, ""));
    ck_assert(!ag_proc_has_env(pid, "ARGO_TEST", value));
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NULL, NULL, SIGKILL), 2);
    expect_killed(pid, SIGKILL);
    expect_gone(child);
}
END_TEST

/* A real start time: field 22 of stat, however odd the name. */
START_TEST(start_time_with_an_odd_name)
{
    char text[1024];
    unsigned long long start_time = 0;
    ck_assert_int_eq(prctl(PR_SET_NAME, "a) R 1 (b"), 0);
    FILE *file = fopen("/proc/self/stat", "re");
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    char *rest = strrchr(text, ')') + 2, *word = NULL;
    for (int field = 3; field <= 22; field++) {
        word = strsep(&rest, " ");
    }
    ck_assert_int_eq(sscanf(word, "%llu", &start_time), 1);
    ck_assert_int_eq(ag_proc_start_time(getpid()), (int64_t)start_time);
    ck_assert_int_eq(ag_proc_parent(getpid()), getppid());
}
END_TEST

START_TEST(process_that_is_gone)
{
    pid_t pid = start("exit 0", true, NULL, 0);
    waitpid(pid, NULL, 0);
    ck_assert_int_eq(ag_proc_parent(pid), -1);
    ck_assert_int_eq(ag_proc_start_time(pid), -1);
    ck_assert(!ag_proc_has_env(pid, NAME, value));
    ck_assert(!ag_proc_descends_from(pid, getpid()));
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NAME, value, 0), 0);
}
END_TEST

START_TEST(root_is_left_out_unless_asked_for)
{
    int child = 0;
    pid_t pid = start("sleep 1000 & echo $!; wait; exit 9", true, &child, 1);
    int status;
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NULL, NULL, 0), 2);
    ck_assert_uint_eq(ag_proctree_signal(pid, false, NAME, value, 0), 1);
    ck_assert_uint_eq(ag_proctree_signal(pid, false, NAME, value, SIGTERM), 1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
}
END_TEST

START_TEST(daemonised_descendants_are_found_by_environment)
{
    int pids[3];
    /* Two leave the session and their parent ends: only the environment still tells. */
    pid_t pid =
        start("(setsid sh -c 'echo $$; read x <&3' & setsid sh -c 'echo $$; read x <&3' &)\n"
              "echo $$; read x <&3",
              true, pids, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ag_proc_parent(pids[i]), getpid());
        ck_assert(!ag_proc_descends_from(pids[i], pid));
    }
    ck_assert_uint_eq(ag_proctree_signal(0, false, NAME, "other", 0), 0);
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NULL, NULL, 0), 1);
    ck_assert_uint_eq(ag_proctree_signal(pid, false, NAME, value, 0), 2);
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NAME, value, SIGKILL), 3);
    for (int i = 0; i < 3; i++) {
        expect_killed(pids[i], SIGKILL);
    }
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NAME, value, 0), 0);
}
END_TEST

START_TEST(zombies_do_not_count)
{
    siginfo_t info;
    pid_t pid = start("exit 0", true, NULL, 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NAME, value, SIGKILL), 0);
    waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(own_process_is_never_hit)
{
    int child = 0;
    pid_t pid = start("sleep 1000 & echo $!; wait; read x <&3", false, &child, 1);
    ck_assert_uint_eq(ag_proctree_signal(getpid(), true, NULL, NULL, SIGKILL), 2);
    expect_killed(pid, SIGKILL);
    expect_gone(child);
}
END_TEST

START_TEST(stopped_until_all_stand_still)
{
    int child = 0;
    pid_t refused = -1;
    int status;
    pid_t pid = start("sleep 1000 & echo $!; wait; read x <&3", true, &child, 1);
    ck_assert_uint_eq(ag_proctree_stop(pid, true, NAME, value, &refused), 2);
    ck_assert_int_eq(refused, 0);
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert(WIFSTOPPED(status));
    while (ag_proctree_stop(pid, true, NAME, value, &refused) > 0) {
    }
    ck_assert_uint_eq(ag_proctree_signal(pid, false, NULL, NULL, SIGCONT), 1);
    ck_assert_uint_eq(ag_proctree_stop(pid, true, NAME, value, &refused), 1);
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NULL, NULL, SIGKILL), 2);
    expect_killed(pid, SIGKILL);
    expect_gone(child);
    ck_assert_uint_eq(ag_proctree_stop(pid, true, NAME, value, &refused), 0);
}
END_TEST

static char state_of(pid_t pid)
{
    char path[32], state = '?';
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    fclose(file);
    return state;
}

/* Its child was stopped before it had begun its program: the parent waits for that in the kernel. */
START_TEST(one_that_waits_for_a_stopped_child_stands_still)
{
    pid_t refused = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (vfork() == 0) {
            raise(SIGSTOP);
        }
        _exit(0);
    }
    while (state_of(pid) != 'D') {
        usleep(1000);
    }
    ck_assert_uint_gt(ag_proctree_stop(pid, true, NULL, NULL, &refused), 0);
    while (ag_proctree_stop(pid, true, NULL, NULL, &refused) > 0) {
        usleep(1000);
    }
    ck_assert_int_eq(state_of(pid), 'D');
    ck_assert_uint_eq(ag_proctree_signal(pid, true, NULL, NULL, SIGKILL), 2);
    expect_killed(pid, SIGKILL);
}
END_TEST

START_TEST(boot_id_is_a_uuid)
{
    char id[40], again[40];
    ck_assert_int_eq(ag_boot_id(id, NULL), 0);
    ck_assert_int_eq(ag_boot_id(again, NULL), 0);
    ck_assert_str_eq(id, again);
    ck_assert_uint_eq(strlen(id), 36);
    for (int i = 0; i < 36; i++) {
        ck_assert(isxdigit((unsigned char)id[i]) || id[i] == '-');
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("base/proctree");
    TCase *tc = tcase_create("proctree");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, facts_about_ourselves);
    tcase_add_test(tc, start_time_with_an_odd_name);
    tcase_add_test(tc, process_that_is_gone);
    tcase_add_test(tc, root_is_left_out_unless_asked_for);
    tcase_add_test(tc, daemonised_descendants_are_found_by_environment);
    tcase_add_test(tc, zombies_do_not_count);
    tcase_add_test(tc, own_process_is_never_hit);
    tcase_add_test(tc, stopped_until_all_stand_still);
    tcase_add_test(tc, one_that_waits_for_a_stopped_child_stands_still);
    tcase_add_test(tc, boot_id_is_a_uuid);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
