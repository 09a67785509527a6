/*
 * The fixture of the supervisor's tests: see fixture.h.
 */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/context.h"
#include "base/file.h"
#include "base/forkserver.h"
#include "base/process.h"
#include "base/text.h"
#include "lib/tempdir.h"

struct fixture fx;

static FILE *heard;

/* ---- the executor: does what its workflow id says; tells by the FIFO $ARGO_HOME/tell ---------- */

static void tell(const char *text)
{
    ag_auto_free char *path = ag_path_join(getenv("ARGO_HOME"), "tell");
    ag_auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (write(fd, text, strlen(text)) < 0) {
        _exit(99);
    }
}

/* A process that has left session and parent, and does not want to end. */
static void leave_stubborn(void)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            signal(SIGTERM, SIG_IGN);
            tell("stubborn\n");
            for (;;) {
                pause();
            }
        }
        _exit(0);
    }
    wait(NULL);
}

static int count_fds(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void report(void)
{
    char token[100] = "", cwd[256] = "", line[4096];
    int fds = count_fds();
    ssize_t n = read(3, token, sizeof(token) - 1);
    ssize_t end = read(3, line, sizeof(line));
    const char *tmpdir = getenv("TMPDIR");
    snprintf(line, sizeof(line), "%zd %s %zd|%d|%s|%d|%s|%s|%s|%s|%s|%s|%s\n", n, token, end, fds,
             getcwd(cwd, sizeof(cwd)), getsid(0) == getpid(), getenv("PATH"), getenv("LC_ALL"),
             tmpdir != NULL ? tmpdir : "-", getenv("SECRET") == NULL ? "clean" : "leak",
             getenv("ARGO_DAEMON_URL"), getenv("ARGO_WORKFLOW_ID"), getenv("ARGO_EPOCH"));
    tell(line);
}

/* What the daemon's SIGCONT carries. */
static void on_continued(int signo, siginfo_t *info, void *context)
{
    char line[64];
    snprintf(line, sizeof(line), "continued %d %lld\n", info->si_code == SI_QUEUE,
             (long long)(intptr_t)info->si_value.sival_ptr);
    tell(line);
}

static void listen_for_continue(void)
{
    struct sigaction action = {.sa_sigaction = on_continued, .sa_flags = SA_SIGINFO};
    sigaction(SIGCONT, &action, NULL);
}

/* Always has a child that was not there a moment ago. */
static void breed(void)
{
    tell("breeding\n");
    for (;;) {
        pid_t child = fork();
        if (child == 0) {
            usleep(300);
            _exit(0);
        }
        usleep(100);
        waitpid(-1, NULL, WNOHANG);
    }
}

static bool forked;

static int executor(const char *what)
{
    int lock = -1;
    if (strcmp(what, "which") == 0) {
        tell(forked ? "forked\n" : "spawned\n");
        return 0;
    }
    if (strcmp(what, "breed") == 0) {
        breed();
    }
    if (strcmp(what, "counted") == 0) {
        listen_for_continue();
    }
    if (strcmp(what, "deaf") == 0) {
        tell("deaf\n");
        for (;;) {
            pause(); /* it never comes to take its lock */
        }
    }
    if (strcmp(what, "exit7") == 0) {
        return 7;
    }
    if (strcmp(what, "report") == 0) {
        report();
        return 0;
    }
    if (strcmp(what, "orphan") == 0) {
        leave_stubborn();
        return 0;
    }
    if (strcmp(what, "stubborn") == 0) {
        signal(SIGTERM, SIG_IGN);
        leave_stubborn();
    }
    if (ag_lock_take(getenv("ARGO_LOCK_FILE"), &lock, NULL, NULL) < 0) {
        return 98;
    }
    char line[32];
    pid_t child = fork();
    if (child != 0) {
        snprintf(line, sizeof(line), "%d\n", (int)child);
        tell(line);
    }
    for (;;) {
        pause();
    }
}

/* The warm one, or an executor, forked from it or not. */
static int as_executor(void)
{
    const char *idle_ms = getenv("ARGO_WARM_MS");
    if (idle_ms != NULL) {
        int r = ag_fork_serve((int)strtol(idle_ms, NULL, 10), NULL);
        if (r != 1) {
            return r;
        }
        forked = true;
    }
    return executor(getenv("ARGO_WORKFLOW_ID"));
}

/* ---- the domain ------------------------------------------------------------------------------ */

void ag_domain_executor_ended(ag_domain *d, int64_t rid, int64_t pid, int status)
{
    fx.ended_rid = rid;
    fx.ended_pid = pid;
    fx.ended_status = status;
    fx.ended_calls++;
}

void note_done(void *user)
{
    fx.done_calls++;
}

static void on_stopped(const argo_error *err, void *user)
{
    fx.stopped_calls++;
    fx.stopped_code = argo_error_code(err);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static void setup_spawned(void)
{
    temp_dir_setup();
    fx = (struct fixture){.daemon.executor = fx.self, .run = {.rid = 5, .epoch = 2}};
    ck_assert_int_gt(readlink("/proc/self/exe", fx.self, sizeof(fx.self) - 1), 0);
    setenv("TMPDIR", "/of-the-daemon", 1);
    setenv("SECRET", "of-the-daemon", 1);
    ck_assert_int_eq(argo_context_new(temp_path("home"), &fx.daemon.ctx, NULL), 0);
    ck_assert_int_eq(ag_home_open(fx.daemon.ctx, &fx.daemon.home, NULL), 0);
    ck_assert_int_eq(ag_loop_new(&fx.daemon.loop, NULL), 0);
    ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
    ck_assert_int_eq(mkfifo(temp_path("home/tell"), 0600), 0);
    int fd = open(temp_path("home/tell"), O_RDWR | O_CLOEXEC);
    heard = fdopen(fd, "r");
    ck_assert_ptr_nonnull(heard);
    snprintf(fx.nonce, sizeof(fx.nonce), "nonce-of-%d", (int)getpid());
    fx.spec = (struct ag_run_spec){.cwd = temp_dir, .nonce = fx.nonce};
    static const char env[] = "{\"PATH\":\"/bin\",\"LC_ALL\":\"C\"}";
    AG_AUTO(ag_value) given = NULL;
    ck_assert_int_eq(ag_value_parse(env, sizeof(env) - 1, &given, NULL), 0);
    ck_assert_int_eq(ag_launch_env_resolve(given, &fx.spec.env, NULL), 0);
}

static void teardown(void)
{
    ag_supervisor_free(fx.daemon.supervisor);
    ag_loop_free(fx.daemon.loop);
    while (ag_proctree_signal(0, false, "ARGO_RUN_NONCE", fx.nonce, SIGKILL) > 0) {
        waitpid(-1, NULL, WNOHANG);
    }
    ag_value_unref(fx.spec.env);
    fclose(heard);
    ag_home_close(&fx.daemon.home);
    argo_context_free(fx.daemon.ctx);
    temp_dir_teardown();
}

static bool on_launched(void *user, int64_t pid, int64_t start, const argo_error *err)
{
    struct launch *l = user;
    l->calls++;
    l->code = argo_error_code(err);
    l->pid = pid;
    snprintf(l->details, sizeof(l->details), "%s", err == NULL ? "" : argo_error_details(err));
    ck_assert(err != NULL || start == ag_proc_start_time((pid_t)pid));
    return err == NULL && !l->unwanted;
}

void begin_launch(const char *what, struct launch *l)
{
    struct ag_launch_port port = ag_supervisor_port(fx.daemon.supervisor);
    char id[32];
    snprintf(id, sizeof(id), "%s", what);
    fx.run.workflow_id = id;
    port.launch(port.user, &fx.run, &fx.spec, FIXTURE_TOKEN, on_launched, l);
    fx.run.workflow_id = NULL;
}

int end_launch(struct launch *l)
{
    while (l->calls == 0) {
        ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, -1, NULL), 0);
    }
    ck_assert_int_eq(l->calls, 1);
    return l->code;
}

int launch(const char *what, struct launch *l)
{
    begin_launch(what, l);
    if (end_launch(l) == ARGO_E_CANCELLED) {
        l->calls = 0;
        begin_launch(what, l); /* as the domain does it; without the warm process this time */
        ck_assert_int_eq(l->calls, 1);
    }
    return l->code;
}

int64_t launched(const char *what)
{
    struct launch l = {0};
    ck_assert_int_eq(launch(what, &l), 0);
    return l.pid;
}

char *listen_to(char *line, size_t size)
{
    ck_assert_ptr_nonnull(fgets(line, (int)size, heard));
    return line;
}

void until(const int *calls)
{
    while (*calls == 0) {
        ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, -1, NULL), 0);
    }
    ck_assert_int_eq(*calls, 1);
}

bool next_is_forked(void)
{
    char line[64];
    launched("which");
    listen_to(line, sizeof(line));
    until(&fx.ended_calls);
    fx.ended_calls = 0;
    return strcmp(line, "forked\n") == 0;
}

void until_forked(void)
{
    while (!next_is_forked()) {
        ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, 1, NULL), 0);
    }
}

static void setup_forked(void)
{
    setup_spawned();
    fx.daemon.options.warm_for_ms = 1000000;
    until_forked();
}

void end_run(int64_t grace_ms)
{
    struct ag_launch_port port = ag_supervisor_port(fx.daemon.supervisor);
    fx.daemon.options.grace_ms = grace_ms;
    port.end(port.user, &fx.run, fx.nonce, note_done, NULL);
    ck_assert_int_eq(fx.done_calls, 0); /* never from inside */
}

void stop_run(void)
{
    struct ag_launch_port port = ag_supervisor_port(fx.daemon.supervisor);
    port.stop(port.user, fx.run.rid, fx.nonce, on_stopped, NULL);
}

void continue_run(int64_t paused_ms)
{
    struct ag_launch_port port = ag_supervisor_port(fx.daemon.supervisor);
    port.cont(port.user, fx.run.rid, fx.nonce, paused_ms);
}

size_t running(void)
{
    pid_t refused = 0;
    return ag_proctree_stop(0, false, "ARGO_RUN_NONCE", fx.nonce, &refused);
}

size_t living(void)
{
    return ag_proctree_signal(0, false, "ARGO_RUN_NONCE", fx.nonce, 0);
}

const char *fixture_path(const char *name)
{
    return temp_path(name);
}

/* ---- the program ----------------------------------------------------------------------------- */

static TCase *add_case(Suite *s, const char *name, SFun setup)
{
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    suite_add_tcase(s, tc);
    return tc;
}

TCase *fixture_spawned(Suite *s)
{
    return add_case(s, "spawned", setup_spawned);
}

TCase *fixture_forked(Suite *s)
{
    return add_case(s, "forked", setup_forked);
}

int fixture_main(const char *name, Suite *(*suite)(void))
{
    if (strcmp(name, "argo_workflow_executor") == 0) {
        return as_executor();
    }
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
