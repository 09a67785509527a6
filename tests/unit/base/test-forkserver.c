/*
 * The fork server with this program as its server: what a child is like, compared with one that was
 * spawned, and that a request which does not become one ends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/forkserver.h"
#include "base/process.h"
#include "base/text.h"
#include "lib/runner.h"

#define REPORT_MAX 8192

/* ---- the other program -------------------------------------------------------------------------- */

/* Of what /proc says, the lines that begin with one of these; else the whole, NULs as '|'. */
static const char *const told_lines[] = {
    "Umask:", "State:", "Uid:",   "Gid:",   "Groups:", "Threads",    "SigPnd", "ShdPnd",
    "SigBlk", "SigIgn", "SigCgt", "CapEff", "Seccomp", "NoNewPrivs", "Name:",  "CoreDumping"};

static bool is_told(const char *line)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(told_lines); i++) {
        if (strncmp(line, told_lines[i], strlen(told_lines[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void tell_file(struct ag_buf *out, const char *path, bool lines)
{
    char text[REPORT_MAX] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, text, sizeof(text) - 1);
    close(fd);
    ag_buf_printf(out, "%s: ", path);
    for (ssize_t i = 0; i < len && !lines; i++) {
        ag_buf_add_char(out, text[i] == '\0' ? '|' : text[i]);
    }
    for (char *line = strtok(text, "\n"); lines && line != NULL; line = strtok(NULL, "\n")) {
        if (is_told(line)) {
            ag_buf_printf(out, "%s; ", line);
        }
    }
    ag_buf_add_char(out, '\n');
}

static void tell_fds(struct ag_buf *out)
{
    for (int fd = 0; fd < 1024; fd++) {
        char path[32], target[64] = "";
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof(target) - 1) > 0) {
            target[strcspn(target, "[")] = '\0'; /* a socket's number is its own */
            ag_buf_printf(out, "%d=%s %d; ", fd, target, fcntl(fd, F_GETFD));
        }
    }
}

static void report(void)
{
    ag_auto_buf out = AG_BUF_INIT(REPORT_MAX * 4);
    char cwd[256] = "";
    int deaths = -1;
    int *tid = NULL; /* where libc keeps it */
    tell_fds(&out);
    prctl(PR_GET_PDEATHSIG, &deaths);
    prctl(PR_GET_TID_ADDRESS, &tid);
    ag_buf_printf(&out, "cwd %s leads %d %d parent %d prio %d deathsig %d dump %d tid %d\n",
                  getcwd(cwd, sizeof(cwd)), getsid(0) == getpid(), getpgid(0) == getpid(),
                  (int)getppid(), getpriority(PRIO_PROCESS, 0), deaths, prctl(PR_GET_DUMPABLE),
                  tid != NULL && *tid == getpid());
    ag_buf_printf(&out, "env %s %s %s\n", getenv("A"), getenv("B") != NULL ? getenv("B") : "-",
                  getenv("ARGO_TEST_SERVER") == NULL ? "clean" : "leak");
    tell_file(&out, "/proc/self/environ", false);
    tell_file(&out, "/proc/self/cmdline", false);
    tell_file(&out, "/proc/self/limits", false);
    tell_file(&out, "/proc/self/oom_score_adj", false);
    tell_file(&out, "/proc/self/status", true);
    if (send(AG_FORK_FD, out.data, out.len, 0) != (ssize_t)out.len) {
        _exit(90);
    }
}

/* Waits until it is told to go on, as an executor does for its token. */
static int as_child(void)
{
    char word[32] = "";
    if (read(AG_FORK_FD, word, sizeof(word) - 1) <= 0) {
        return 17;
    }
    if (strcmp(word, "report") == 0) {
        report();
    } else if (strcmp(word, "raise") == 0) {
        raise(SIGUSR1);
    }
    return 7;
}

static void *idle_thread(void *arg)
{
    return NULL;
}

static int other_program(const char *how)
{
    AG_AUTO(argo_error) err = NULL;
    if (strcmp(how, "child") == 0) {
        return as_child();
    }
    if (strcmp(how, "threads") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, idle_thread, NULL) == 0) {
            pthread_join(thread, NULL);
        }
    }
    int r = ag_fork_serve(strcmp(how, "idle") == 0 ? 1 : 1000000, &err);
    return r == 1 ? as_child() : r == 0 ? 0 : 3;
}

/* ---- fixture ---------------------------------------------------------------------------------- */

static char self[512];
static int server_fd, server_pidfd;
static pid_t server;

static const char *const child_argv[] = {"a-child", "of this", NULL};
static const char *const child_envp[] = {"A=1", "ARGO_TEST_CHILD=1", NULL};

static pid_t spawn(const char *const *argv, const char *const *envp, int fd, int *pidfd)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_spawn_fd inherit = {.from = fd, .to = AG_FORK_FD};
    struct ag_spawn how = {.file = self,
                           .argv = argv,
                           .envp = envp,
                           .cwd = "/tmp",
                           .fds = {-1, -1, -1},
                           .inherit = &inherit,
                           .n_inherit = 1,
                           .new_session = true};
    pid_t pid = 0;
    ck_assert_msg(ag_spawn(&how, &pid, pidfd, &err) == 0, "%s", argo_error_details(err));
    close(fd);
    return pid;
}

static void start_server(const char *how)
{
    int fds[2];
    ag_auto_free char *variable = ag_asprintf("ARGO_TEST_SERVER=%s", how);
    const char *const argv[] = {"the-server", NULL};
    const char *const envp[] = {variable, "B=of the server", NULL};
    ck_assert_int_eq(ag_fork_pair(SOCK_SEQPACKET, fds, NULL), 0);
    server_fd = fds[0];
    server = spawn(argv, envp, fds[1], &server_pidfd);
}

static int until_ready(void)
{
    int r;
    while ((r = ag_fork_ready(server_fd)) == 0) {
        usleep(1000);
    }
    return r;
}

static void setup(void)
{
    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
    start_server("serve");
    ck_assert_int_eq(until_ready(), 1);
}

static void teardown(void)
{
    close(server_fd);
    close(server_pidfd);
    while (waitpid(-1, NULL, 0) > 0) {
    }
}

/* The asker's end. */
static int ask(const struct ag_fork_request *request)
{
    AG_AUTO(argo_error) err = NULL;
    int fds[2];
    ck_assert_int_eq(ag_fork_pair(SOCK_STREAM, fds, NULL), 0);
    ck_assert_msg(ag_fork_ask(server_fd, request, fds[1], &err) == 0, "%s",
                  argo_error_details(err));
    close(fds[1]);
    return fds[0];
}

static int hello(int fd, pid_t *pid, int *pidfd)
{
    int r;
    while ((r = ag_fork_hello(fd, pid, pidfd)) == 0) {
        usleep(200);
    }
    return r;
}

static int fork_child(const char *const *envp, pid_t *pid, int *pidfd)
{
    struct ag_fork_request request = {"/tmp", child_argv, envp};
    int fd = ask(&request);
    ck_assert_int_eq(hello(fd, pid, pidfd), 1);
    return fd;
}

static int status_of(int pidfd)
{
    siginfo_t info = {0};
    ck_assert_int_eq(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
    close(pidfd);
    return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

static void say(int fd, const char *word)
{
    ck_assert_int_eq(send(fd, word, strlen(word), 0), (int)strlen(word));
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void report_of(int fd, int pidfd, char text[REPORT_MAX * 4])
{
    memset(text, 0, REPORT_MAX * 4);
    say(fd, "report");
    ck_assert_int_gt(recv(fd, text, REPORT_MAX * 4 - 1, 0), 0);
    ck_assert_int_eq(status_of(pidfd), 7);
    close(fd);
}

/* Nothing tells them apart: fds, environment, directory, session, parent, signals, limits. */
START_TEST(a_forked_one_is_like_a_spawned_one)
{
    static char forked[REPORT_MAX * 4], spawned[REPORT_MAX * 4];
    sigset_t usr2;
    struct rlimit files = {50, 60};
    pid_t pid = 0;
    int pidfd = -1, fds[2];
    /* what of ours must not get there */
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    sigprocmask(SIG_BLOCK, &usr2, NULL);
    signal(SIGUSR1, SIG_IGN);
    ck_assert_int_ge(dup(0), 0);
    close(server_fd);
    ck_assert_int_eq(status_of(server_pidfd), 0);
    /* and what must */
    umask(027);
    ck_assert_int_eq(setpriority(PRIO_PROCESS, 0, 3), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    start_server("serve");
    ck_assert_int_eq(until_ready(), 1);
    int fd = fork_child(child_envp, &pid, &pidfd);
    report_of(fd, pidfd, forked);
    ck_assert_int_eq(ag_fork_pair(SOCK_STREAM, fds, NULL), 0);
    spawn(child_argv, child_envp, fds[1], &pidfd);
    report_of(fds[0], pidfd, spawned);
    ck_assert_ptr_nonnull(strstr(forked, "cwd /tmp leads 1 1"));
    ck_assert_ptr_nonnull(strstr(forked, "env 1 - clean"));
    ck_assert_ptr_nonnull(strstr(forked, "A=1|ARGO_TEST_CHILD=1|"));
    ck_assert_ptr_nonnull(strstr(forked, "a-child|of this|"));
    ck_assert_ptr_nonnull(strstr(forked, "prio 3"));
    ck_assert_ptr_nonnull(strstr(forked, "Umask:\t0027"));
    ck_assert_str_eq(forked, spawned);
}
END_TEST

START_TEST(it_is_our_child)
{
    pid_t pid = 0;
    int pidfd = -1;
    int fd = fork_child(child_envp, &pid, &pidfd);
    ck_assert_int_eq(ag_proc_parent(pid), getpid());
    ck_assert(ag_proc_has_env(pid, "ARGO_TEST_CHILD", "1"));
    ck_assert(!ag_proc_has_env(pid, "B", "of the server"));
    ck_assert(ag_proc_has_env(server, "B", "of the server"));
    say(fd, "raise");
    ck_assert_int_eq(status_of(pidfd), -SIGUSR1);
    close(fd);
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1);
}
END_TEST

/* Each has what it was given, also when the next one has been given another. */
START_TEST(two_at_once_have_nothing_of_each_other)
{
    static char text[REPORT_MAX * 4];
    const char *const first_envp[] = {"A=first", "B=only the first has it", NULL};
    const char *const second_envp[] = {"A=second", NULL};
    pid_t first = 0, second = 0;
    int first_pidfd = -1, second_pidfd = -1;
    int first_fd = fork_child(first_envp, &first, &first_pidfd);
    int second_fd = fork_child(second_envp, &second, &second_pidfd);
    report_of(second_fd, second_pidfd, text);
    ck_assert_ptr_nonnull(strstr(text, "env second - clean"));
    report_of(first_fd, first_pidfd, text);
    ck_assert_ptr_nonnull(strstr(text, "env first only the first has it clean"));
    ck_assert_ptr_nonnull(strstr(text, "/proc/self/environ: A=first|B=only the first has it|\n"));
}
END_TEST

/* Whether WORD is anywhere in what PID can write to. */
static bool remembers(pid_t pid, const char *word)
{
    char path[32], line[512];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert(maps != NULL && mem >= 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from = 0, to = 0;
        char mode[5] = "";
        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || mode[1] != 'w' ||
            to - from > 64UL * 1024 * 1024) {
            continue;
        }
        ag_auto_free char *data = malloc(to - from);
        ssize_t n = data == NULL ? 0 : pread(mem, data, to - from, (off_t)from);
        found = found || (n > 0 && memmem(data, (size_t)n, word, strlen(word)) != NULL);
    }
    (void)fclose(maps);
    close(mem);
    return found;
}

START_TEST(the_next_one_remembers_nothing_of_the_one_before)
{
    char secret[2048];
    memset(secret, 'Q', sizeof(secret) - 1);
    memcpy(secret, "SECRET=", 7);
    secret[sizeof(secret) - 1] = '\0';
    const char *const first_envp[] = {"A=1", secret, NULL};
    const char *const second_envp[] = {"A=2", NULL};
    pid_t first = 0, second = 0;
    int first_pidfd = -1, second_pidfd = -1;
    int first_fd = fork_child(first_envp, &first, &first_pidfd);
    int second_fd = fork_child(second_envp, &second, &second_pidfd);
    secret[40] = '\0'; /* from "SECRET=" on it is overwritten in any case */
    ck_assert(remembers(first, secret + 8));
    ck_assert(!remembers(second, secret + 8));
    close(first_fd);
    close(second_fd);
    ck_assert_int_eq(status_of(first_pidfd), 17);
    ck_assert_int_eq(status_of(second_pidfd), 17);
}
END_TEST

START_TEST(who_is_given_up_leaves)
{
    pid_t pid = 0;
    int pidfd = -1;
    int fd = fork_child(child_envp, &pid, &pidfd);
    close(fd);
    ck_assert_int_eq(status_of(pidfd), 17);
}
END_TEST

START_TEST(a_request_that_cannot_be_met_ends)
{
    pid_t pid = 0;
    int pidfd = -1;
    struct ag_fork_request request = {"/nonexistent", child_argv, child_envp};
    int fd = ask(&request);
    ck_assert_int_eq(hello(fd, &pid, &pidfd), ARGO_E_SPAWN);
    close(fd);
    close(fork_child(child_envp, &pid, &pidfd)); /* the next one is */
    ck_assert_int_eq(status_of(pidfd), 17);
}
END_TEST

START_TEST(a_request_to_the_dead_ends)
{
    pid_t pid = 0;
    int pidfd = -1, fds[2];
    siginfo_t info;
    struct ag_fork_request request = {"/tmp", child_argv, child_envp};
    kill(server, SIGSTOP);
    ck_assert_int_eq(waitid(P_PID, (id_t)server, &info, WSTOPPED), 0);
    int fd = ask(&request);
    ck_assert_int_eq(ag_fork_hello(fd, &pid, &pidfd), 0);
    kill(server, SIGKILL);
    ck_assert_int_eq(hello(fd, &pid, &pidfd), ARGO_E_SPAWN);
    close(fd);
    ck_assert_int_eq(ag_fork_pair(SOCK_STREAM, fds, NULL), 0);
    ck_assert_int_lt(ag_fork_ask(server_fd, &request, fds[1], NULL), 0);
    ck_assert_int_lt(ag_fork_ready(server_fd), 0);
}
END_TEST

/* Also what a server cannot read does it no harm. */
START_TEST(messages_of_another_kind)
{
    pid_t pid = 0;
    int pidfd = -1;
    say(server_fd, "no fd with it");
    const char *const none[] = {NULL};
    struct ag_fork_request request = {"/tmp", none, child_envp};
    int fd = ask(&request);
    ck_assert_int_eq(hello(fd, &pid, &pidfd), 1);
    close(fd);
    ck_assert_int_eq(status_of(pidfd), 17);
}
END_TEST

START_TEST(the_size_of_a_request)
{
    pid_t pid = 0;
    int pidfd = -1, fds[2];

    enum { MOST = 128 * 1024, OTHERS = 8 + 5 + 8 + 8 };

    AG_AUTO(argo_error) err = NULL;
    static char value[MOST];
    memset(value, 'x', sizeof(value) - 1);
    value[MOST - 1 - OTHERS] = '\0';
    const char *const envp[] = {value, NULL};
    int fd = fork_child(envp, &pid, &pidfd);
    close(fd);
    ck_assert_int_eq(status_of(pidfd), 17);
    value[MOST - 1 - OTHERS] = 'x';
    value[MOST - OTHERS] = '\0';
    struct ag_fork_request request = {"/tmp", child_argv, envp};
    ck_assert_int_eq(ag_fork_pair(SOCK_STREAM, fds, NULL), 0);
    ck_assert_int_eq(ag_fork_ask(server_fd, &request, fds[1], &err), ARGO_E_TOO_LARGE);
    ck_assert_str_eq(argo_error_details(err), "the request to fork is larger than 131072 bytes");
}
END_TEST

START_TEST(an_idle_one_leaves)
{
    close(server_fd);
    ck_assert_int_eq(status_of(server_pidfd), 0);
    start_server("idle");
    ck_assert_int_eq(status_of(server_pidfd), 0);
    server_pidfd = -1;
}
END_TEST

/* Only a process of one thread can be copied whole. */
START_TEST(one_with_threads_does_not_serve)
{
    close(server_fd);
    ck_assert_int_eq(status_of(server_pidfd), 0);
    start_server("threads");
    ck_assert_int_lt(until_ready(), 0);
    ck_assert_int_eq(status_of(server_pidfd), 3);
    server_pidfd = -1;
}
END_TEST

START_TEST(who_says_something_else_is_not_ready)
{
    int fds[2];
    ck_assert_int_eq(ag_fork_pair(SOCK_SEQPACKET, fds, NULL), 0);
    ck_assert_int_eq(ag_fork_ready(fds[0]), 0);
    ck_assert_int_eq(send(fds[1], "argo-fork-0", 12, 0), 12);
    ck_assert_int_lt(ag_fork_ready(fds[0]), 0);
    ck_assert_int_eq(send(fds[1], "argo-fork-1", 12, 0), 12);
    ck_assert_int_eq(ag_fork_ready(fds[0]), 1);
    close(fds[1]);
    ck_assert_int_lt(ag_fork_ready(fds[0]), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("base/forkserver");
    TCase *tc = tcase_create("forkserver");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_forked_one_is_like_a_spawned_one);
    tcase_add_test(tc, it_is_our_child);
    tcase_add_test(tc, two_at_once_have_nothing_of_each_other);
    tcase_add_test(tc, the_next_one_remembers_nothing_of_the_one_before);
    tcase_add_test(tc, who_is_given_up_leaves);
    tcase_add_test(tc, a_request_that_cannot_be_met_ends);
    tcase_add_test(tc, a_request_to_the_dead_ends);
    tcase_add_test(tc, messages_of_another_kind);
    tcase_add_test(tc, the_size_of_a_request);
    tcase_add_test(tc, an_idle_one_leaves);
    tcase_add_test(tc, one_with_threads_does_not_serve);
    tcase_add_test(tc, who_says_something_else_is_not_ready);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    const char *how = getenv("ARGO_TEST_SERVER");
    if (how != NULL || getenv("ARGO_TEST_CHILD") != NULL) {
        return other_program(how != NULL ? how : "child");
    }
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
