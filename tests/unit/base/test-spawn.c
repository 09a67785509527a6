/*
 * Starting processes: what the child sees (fds, environment, directory, signals, session) and how
 * failures read.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>

#include "base/process.h"
#include "lib/runner.h"

static const char *const plain_env[] = {"PATH=/usr/bin:/bin", NULL};

/* Runs the command, checks that it succeeds, and returns what it wrote. */
static const char *output_of(struct ag_spawn *spec, char *text, size_t size)
{
    int fds[2], status;
    size_t len = 0;
    ssize_t n;
    pid_t pid;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_pipe(fds, NULL), 0);
    fcntl(fds[0], F_SETFL, 0);
    spec->fds[1] = fds[1];
    ck_assert_msg(ag_spawn(spec, &pid, NULL, &err) == 0, "%s", argo_error_details(err));
    close(fds[1]);
    while ((n = read(fds[0], text + len, size - 1 - len)) > 0) {
        len += (size_t)n;
    }
    text[len] = '\0';
    close(fds[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    return text;
}

static const char *script_output(struct ag_spawn *spec, const char *script, char *text, size_t size)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    spec->file = "sh";
    spec->argv = argv;
    spec->envp = spec->envp != NULL ? spec->envp : plain_env;
    spec->fds[0] = spec->fds[2] = -1;
    return output_of(spec, text, size);
}

static void expect_failure(const struct ag_spawn *spec, const char *details)
{
    AG_AUTO(argo_error) err = NULL;
    pid_t pid = -5;
    int pidfd = -5;
    ck_assert_int_eq(ag_spawn(spec, &pid, &pidfd, &err), ARGO_E_SPAWN);
    ck_assert_str_eq(argo_error_details(err), details);
    ck_assert_int_eq(pid, -5);
    ck_assert_int_eq(pidfd, -5);
}

static struct ag_spawn nothing(const char *file)
{
    static const char *const argv[] = {"x", NULL};
    return (struct ag_spawn){.file = file, .argv = argv, .envp = plain_env, .fds = {-1, -1, -1}};
}

START_TEST(missing_program)
{
    struct ag_spawn spec = nothing("/nonexistent/program");
    expect_failure(&spec, "cannot start '/nonexistent/program': No such file or directory");
    spec.file = "no-such-program";
    expect_failure(&spec, "cannot start 'no-such-program': No such file or directory");
    spec.file = "";
    expect_failure(&spec, "cannot start '': No such file or directory");
    spec.file = "/etc/passwd";
    expect_failure(&spec, "cannot start '/etc/passwd': Permission denied");
}
END_TEST

START_TEST(missing_directory)
{
    struct ag_spawn spec = nothing("/bin/true");
    spec.cwd = "/nonexistent";
    expect_failure(&spec, "cannot start '/bin/true' in directory '/nonexistent': "
                          "No such file or directory");
    spec.cwd = "/etc/passwd";
    expect_failure(&spec, "cannot start '/bin/true' in directory '/etc/passwd': Not a directory");
}
END_TEST

START_TEST(bad_fd)
{
    struct ag_spawn spec = nothing("/bin/true");
    spec.fds[2] = 1 << 20;
    expect_failure(&spec, "cannot start '/bin/true': Bad file descriptor");
}
END_TEST

START_TEST(path_is_the_childs)
{
    char dir[] = "/tmp/argo-spawn-XXXXXX", path[64], env[64], text[64];
    const char *const argv[] = {"only-there", NULL};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/only-there", dir);
    FILE *file = fopen(path, "we");
    fputs("#!/bin/sh\necho found\n", file);
    fclose(file);
    chmod(path, 0755);
    snprintf(env, sizeof(env), "PATH=/nonexistent:%s:/bin", dir);
    const char *const envp[] = {"A=1", env, NULL};
    struct ag_spawn spec = {.file = "only-there", .argv = argv, .envp = envp, .fds = {-1, -1, -1}};
    ck_assert_str_eq(output_of(&spec, text, sizeof(text)), "found\n");

    /* An empty entry is the child's directory. */
    const char *const here[] = {"PATH=", NULL};
    spec.envp = here;
    spec.cwd = dir;
    ck_assert_str_eq(output_of(&spec, text, sizeof(text)), "found\n");

    spec.envp = plain_env;
    spec.fds[1] = -1;
    expect_failure(&spec, "cannot start 'only-there': No such file or directory");
    spec.envp = envp;
    chmod(path, 0644);
    expect_failure(&spec, "cannot start 'only-there': Permission denied");
    unlink(path);
    rmdir(dir);
}
END_TEST

START_TEST(without_path_the_default_is_searched)
{
    const char *const envp[] = {NULL};
    struct ag_spawn spec = {.envp = envp};
    char text[64];
    ck_assert_str_eq(script_output(&spec, "echo ok", text, sizeof(text)), "ok\n");
}
END_TEST

START_TEST(environment_and_directory)
{
    const char *const envp[] = {"PATH=/usr/bin:/bin", "ONLY=this", NULL};
    struct ag_spawn spec = {.envp = envp, .cwd = "/usr"};
    char text[256];
    setenv("LEAK", "1", 1);
    ck_assert_str_eq(script_output(&spec, "echo $ONLY $LEAK; pwd", text, sizeof(text)),
                     "this\n/usr\n");
}
END_TEST

START_TEST(no_other_fd_is_open)
{
    char text[256];
    struct ag_spawn spec = {.file = "/bin/ls"};
    const char *const argv[] = {"ls", "/proc/self/fd", NULL};
    spec.argv = argv;
    spec.envp = plain_env;
    spec.fds[0] = spec.fds[2] = -1;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_ge(open("/dev/zero", O_RDONLY), 0); /* not O_CLOEXEC */
    }
    /* ls itself opens the directory as 3 */
    ck_assert_str_eq(output_of(&spec, text, sizeof(text)), "0\n1\n2\n3\n");
    const struct ag_spawn_fd inherit = {.from = 9, .to = 3};
    spec.inherit = &inherit;
    spec.n_inherit = 1;
    ck_assert_str_eq(output_of(&spec, text, sizeof(text)), "0\n1\n2\n3\n4\n");
}
END_TEST

START_TEST(standard_fds_are_dev_null)
{
    char text[256];
    struct ag_spawn spec = {0};
    ck_assert_str_eq(
        script_output(&spec, "readlink /proc/$$/fd/0 /proc/$$/fd/2", text, sizeof(text)),
        "/dev/null\n/dev/null\n");
}
END_TEST

static int file_with(const char *text)
{
    char path[] = "/tmp/argo-spawn-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Passed in reverse, the sources have each other's targets as numbers. */
START_TEST(inherited_fds_may_collide)
{
    char text[256];
    struct ag_spawn_fd inherit[6];
    for (int i = 0; i < 6; i++) {
        const char content[] = {(char)('a' + i), '\0'};
        inherit[i] = (struct ag_spawn_fd){.from = file_with(content), .to = 8 - i};
    }
    ck_assert_int_le(inherit[0].from, 8);
    struct ag_spawn spec = {.inherit = inherit, .n_inherit = 6};
    ck_assert_str_eq(script_output(&spec, "cat <&3; cat <&4; cat <&5; cat <&6; cat <&7; cat <&8",
                                   text, sizeof(text)),
                     "fedcba");
}
END_TEST

START_TEST(source_may_be_a_standard_fd)
{
    char text[256];
    int keep = fcntl(0, F_DUPFD_CLOEXEC, 3);
    close(0);
    const struct ag_spawn_fd inherit = {.from = file_with("zero\n"), .to = 3};
    ck_assert_int_eq(inherit.from, 0);
    struct ag_spawn spec = {.inherit = &inherit, .n_inherit = 1, .cwd = "/"};
    ck_assert_str_eq(script_output(&spec, "readlink /proc/$$/fd/0; cat <&3", text, sizeof(text)),
                     "/dev/null\nzero\n");
    dup2(keep, 0);
}
END_TEST

START_TEST(signals_are_default_and_unblocked)
{
    char text[256];
    sigset_t set;
    struct ag_spawn spec = {0};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* of grep itself: a shell may change its own */
    script_output(&spec, "exec grep -E 'SigBlk|SigIgn' /proc/self/status", text, sizeof(text));
    unsigned long long blocked = 1, ignored = 1;
    ck_assert_int_eq(sscanf(text, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
    ck_assert_uint_eq(blocked, 0);
    /* 32 and 33 are the C library's own: it leaves them ignored until a program has threads */
    ck_assert_uint_eq(ignored & ~(3ULL << 31), 0);
}
END_TEST

static void expect_group(bool session, bool group)
{
    const char *const argv[] = {"sleep", "1000", NULL};
    struct ag_spawn spec = {.file = "sleep",
                            .argv = argv,
                            .envp = plain_env,
                            .fds = {-1, -1, -1},
                            .new_session = session,
                            .new_group = group};
    pid_t pid;
    ag_auto_close int pidfd = -1;
    ck_assert_int_eq(ag_spawn(&spec, &pid, &pidfd, NULL), 0);
    ck_assert_int_ne(fcntl(pidfd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(getsid(pid), session ? pid : getsid(0));
    ck_assert_int_eq(getpgid(pid), session || group ? pid : getpgid(0));
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(sessions_and_groups)
{
    expect_group(false, false);
    expect_group(false, true);
    expect_group(true, false);
    expect_group(true, true);
}
END_TEST

START_TEST(starting_leaves_no_fd_behind)
{
    struct ag_spawn spec = nothing("/nonexistent/program");
    const struct ag_spawn_fd inherit = {.from = 2, .to = 3};
    spec.cwd = "/";
    spec.inherit = &inherit;
    spec.n_inherit = 1;
    int before = dup(0);
    close(before);
    expect_failure(&spec, "cannot start '/nonexistent/program': No such file or directory");
    int after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
}
END_TEST

START_TEST(pipe_flags)
{
    int fds[2];
    ck_assert_int_eq(ag_pipe(fds, NULL), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
        ck_assert_int_eq((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0, i == 0);
        close(fds[i]);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("base/spawn");
    TCase *tc = tcase_create("spawn");
    tcase_add_test(tc, missing_program);
    tcase_add_test(tc, missing_directory);
    tcase_add_test(tc, bad_fd);
    tcase_add_test(tc, path_is_the_childs);
    tcase_add_test(tc, without_path_the_default_is_searched);
    tcase_add_test(tc, environment_and_directory);
    tcase_add_test(tc, no_other_fd_is_open);
    tcase_add_test(tc, standard_fds_are_dev_null);
    tcase_add_test(tc, inherited_fds_may_collide);
    tcase_add_test(tc, source_may_be_a_standard_fd);
    tcase_add_test(tc, signals_are_default_and_unblocked);
    tcase_add_test(tc, sessions_and_groups);
    tcase_add_test(tc, starting_leaves_no_fd_behind);
    tcase_add_test(tc, pipe_flags);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
