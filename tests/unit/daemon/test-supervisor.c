/*
 * The supervisor with this program as its executor: launch, death, adoption, the end of what does
 * not want to end. The domain is a stub that notes what it is told.
 */
#include <dirent.h>
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
#include "daemon/internal.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

#define TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

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

static int64_t ended_rid, ended_pid;
static int ended_status, ended_calls, done_calls;

void ag_domain_executor_ended(ag_domain *d, int64_t rid, int64_t pid, int status)
{
    ended_rid = rid;
    ended_pid = pid;
    ended_status = status;
    ended_calls++;
}

static void on_done(void *user)
{
    done_calls++;
}

static int stopped_calls, stopped_code;

static void on_stopped(const argo_error *err, void *user)
{
    stopped_calls++;
    stopped_code = argo_error_code(err);
}

/* ---- fixture --------------------------------------------------------------------------------- */

static struct argo_daemon d;
static struct ag_run run;
static struct ag_run_spec spec;
static FILE *heard;
static char self[512];
static char nonce[32]; /* of this test alone: one that fails leaves its processes behind */

static void spawned_setup(void)
{
    temp_dir_setup();
    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
    setenv("TMPDIR", "/of-the-daemon", 1);
    setenv("SECRET", "of-the-daemon", 1);
    d = (struct argo_daemon){.executor = self};
    ended_rid = ended_pid = 0;
    ended_status = ended_calls = done_calls = stopped_calls = stopped_code = 0;
    ck_assert_int_eq(argo_context_new(temp_path("home"), &d.ctx, NULL), 0);
    ck_assert_int_eq(ag_home_open(d.ctx, &d.home, NULL), 0);
    ck_assert_int_eq(ag_loop_new(&d.loop, NULL), 0);
    ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
    ck_assert_int_eq(mkfifo(temp_path("home/tell"), 0600), 0);
    int fd = open(temp_path("home/tell"), O_RDWR | O_CLOEXEC);
    heard = fdopen(fd, "r");
    ck_assert_ptr_nonnull(heard);
    snprintf(nonce, sizeof(nonce), "nonce-of-%d", (int)getpid());
    run = (struct ag_run){.rid = 5, .epoch = 2};
    spec = (struct ag_run_spec){.cwd = temp_dir, .nonce = nonce};
    static const char env[] = "{\"PATH\":\"/bin\",\"LC_ALL\":\"C\"}";
    AG_AUTO(ag_value) given = NULL;
    ck_assert_int_eq(ag_value_parse(env, sizeof(env) - 1, &given, NULL), 0);
    ck_assert_int_eq(ag_launch_env_resolve(given, &spec.env, NULL), 0);
}

static void teardown(void)
{
    ag_supervisor_free(d.supervisor);
    ag_loop_free(d.loop);
    while (ag_proctree_signal(0, false, "ARGO_RUN_NONCE", nonce, SIGKILL) > 0) {
        waitpid(-1, NULL, WNOHANG);
    }
    ag_value_unref(spec.env);
    fclose(heard);
    ag_home_close(&d.home);
    argo_context_free(d.ctx);
    temp_dir_teardown();
}

/* What the domain is told of a launch, and what it says. */
struct launch {
    int calls, code;
    int64_t pid;
    char details[256];
    bool unwanted;
};

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

static void begin_launch(const char *what, struct launch *l)
{
    struct ag_launch_port port = ag_supervisor_port(d.supervisor);
    char id[32];
    snprintf(id, sizeof(id), "%s", what);
    run.workflow_id = id;
    port.launch(port.user, &run, &spec, TOKEN, on_launched, l);
    run.workflow_id = NULL;
}

static int end_launch(struct launch *l)
{
    while (l->calls == 0) {
        ck_assert_int_eq(ag_loop_dispatch(d.loop, -1, NULL), 0);
    }
    ck_assert_int_eq(l->calls, 1);
    return l->code;
}

static int launch(const char *what, struct launch *l)
{
    begin_launch(what, l);
    if (end_launch(l) == ARGO_E_CANCELLED) {
        l->calls = 0;
        begin_launch(what, l); /* as the domain does it; without the warm process this time */
        ck_assert_int_eq(l->calls, 1);
    }
    return l->code;
}

static int64_t launched(const char *what)
{
    struct launch l = {0};
    ck_assert_int_eq(launch(what, &l), 0);
    return l.pid;
}

static char *listen_to(char *line, size_t size)
{
    ck_assert_ptr_nonnull(fgets(line, (int)size, heard));
    return line;
}

/* Dispatches until *CALLS is no longer 0. */
static void until(const int *calls)
{
    while (*calls == 0) {
        ck_assert_int_eq(ag_loop_dispatch(d.loop, -1, NULL), 0);
    }
    ck_assert_int_eq(*calls, 1);
}

/* Whether the next executor is forked. */
static bool next_is_forked(void)
{
    char line[64];
    launched("which");
    listen_to(line, sizeof(line));
    until(&ended_calls);
    ended_calls = 0;
    return strcmp(line, "forked\n") == 0;
}

static void until_forked(void)
{
    while (!next_is_forked()) {
        ck_assert_int_eq(ag_loop_dispatch(d.loop, 1, NULL), 0);
    }
}

static void setup(void)
{
    spawned_setup();
    d.options.warm_for_ms = 1000000;
    until_forked();
}

static void end_run(int64_t grace_ms)
{
    struct ag_launch_port port = ag_supervisor_port(d.supervisor);
    d.options.grace_ms = grace_ms;
    port.end(port.user, &run, nonce, on_done, NULL);
    ck_assert_int_eq(done_calls, 0); /* never from inside */
}

static void stop_run(void)
{
    struct ag_launch_port port = ag_supervisor_port(d.supervisor);
    port.stop(port.user, run.rid, nonce, on_stopped, NULL);
}

static void continue_run(int64_t paused_ms)
{
    struct ag_launch_port port = ag_supervisor_port(d.supervisor);
    port.cont(port.user, run.rid, nonce, paused_ms);
}

/* Of the run's processes; those that are stopped now stay so. */
static size_t running(void)
{
    pid_t refused = 0;
    return ag_proctree_stop(0, false, "ARGO_RUN_NONCE", nonce, &refused);
}

static size_t living(void)
{
    return ag_proctree_signal(0, false, "ARGO_RUN_NONCE", nonce, 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

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

START_TEST(what_an_executor_gets)
{
    char line[4096], expected[4096], cwd[256];
    int64_t pid = launched("report");
    ck_assert_ptr_nonnull(realpath(temp_dir, cwd));
    snprintf(expected, sizeof(expected),
             "64 " TOKEN " 0|4|%s|1|/bin|C|/of-the-daemon|clean|unix:%s|report|2\n", cwd,
             d.home.socket_path);
    ck_assert_str_eq(listen_to(line, sizeof(line)), expected);
    until(&ended_calls);
    ck_assert_int_eq(ended_rid, 5);
    ck_assert_int_eq(ended_pid, pid);
    ck_assert(WIFEXITED(ended_status) && WEXITSTATUS(ended_status) == 0);
}
END_TEST

START_TEST(a_death_is_reported_and_its_lock_removed)
{
    launched("exit7");
    until(&ended_calls);
    ck_assert_int_eq(WEXITSTATUS(ended_status), 7);
    ended_calls = 0;
    char line[64];
    run.epoch = 3;
    int64_t pid = launched("hold");
    listen_to(line, sizeof(line));
    ck_assert(ag_file_exists(temp_path("home/run/5.3.lock")));
    kill((pid_t)pid, SIGKILL);
    until(&ended_calls);
    ck_assert(WIFSIGNALED(ended_status) && WTERMSIG(ended_status) == SIGKILL);
    ck_assert(!ag_file_exists(temp_path("home/run/5.3.lock")));
}
END_TEST

START_TEST(what_cannot_be_started)
{
    struct launch l = {0}, m = {0};
    char missing[] = "/nonexistent/dir";
    spec.cwd = missing;
    ck_assert_int_eq(launch("hold", &l), ARGO_E_SPAWN);
    ck_assert_ptr_nonnull(strstr(l.details, missing));
    spec.cwd = temp_dir;
    d.executor = missing;
    ck_assert_int_eq(launch("hold", &m), ARGO_E_SPAWN);
    ck_assert_ptr_nonnull(strstr(m.details, missing));
    ck_assert_int_eq(living(), 0);
}
END_TEST

START_TEST(whose_process_it_is)
{
    char line[64];
    int64_t child = 0;
    int64_t pid = launched("hold");
    ck_assert_int_eq(ag_parse_i64(strtok(listen_to(line, sizeof(line)), "\n"), "pid", 1, INT32_MAX,
                                  &child, NULL),
                     0);
    ck_assert_int_eq(ag_supervisor_run_of_process(d.supervisor, (pid_t)pid), 5);
    ck_assert_int_eq(ag_supervisor_run_of_process(d.supervisor, (pid_t)child), 5);
    ck_assert_int_eq(ag_supervisor_run_of_process(d.supervisor, getpid()), 0);
    ck_assert_int_eq(ag_supervisor_run_of_process(d.supervisor, 0), -1);
    pid_t gone = fork();
    if (gone == 0) {
        _exit(0);
    }
    waitpid(gone, NULL, 0);
    ck_assert_int_eq(ag_supervisor_run_of_process(d.supervisor, gone), -1);
}
END_TEST

START_TEST(a_new_supervisor_adopts_what_holds_its_lock)
{
    struct ag_launch_port port;
    char line[64];
    int64_t adopted = 0;
    int64_t pid = launched("hold");
    listen_to(line, sizeof(line));
    ag_supervisor_free(d.supervisor);
    ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
    port = ag_supervisor_port(d.supervisor);
    run.workflow_id = line;
    run.epoch = 1;
    ck_assert(!port.adopt(port.user, &run, NULL, &adopted)); /* an older epoch's */
    run.epoch = 2;
    ck_assert(port.adopt(port.user, &run, NULL, &adopted));
    ck_assert_int_eq(adopted, pid);
    ck_assert(port.adopt(port.user, &run, NULL, &adopted)); /* twice is once */
    run.workflow_id = NULL;
    ck_assert_int_eq(ag_supervisor_run_of_process(d.supervisor, (pid_t)pid), 5);
    kill((pid_t)pid, SIGKILL);
    until(&ended_calls);
    ck_assert_int_eq(ended_rid, 5);
    ck_assert_int_eq(ended_pid, pid);
}
END_TEST

/* Number, start time, nonce and epoch: each is needed. */
START_TEST(one_without_its_lock_yet_is_known_by_its_birth)
{
    char line[64], other[] = "another nonce";
    int64_t adopted = 0;
    int64_t pid = launched("deaf");
    ck_assert_str_eq(listen_to(line, sizeof(line)), "deaf\n");
    ag_supervisor_free(d.supervisor);
    ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
    struct ag_launch_port port = ag_supervisor_port(d.supervisor);
    run.workflow_id = line;
    run.pid = pid;
    run.pid_start = ag_proc_start_time((pid_t)pid);
    ck_assert(!port.adopt(port.user, &run, NULL, &adopted));
    ck_assert(!port.adopt(port.user, &run, other, &adopted));
    run.pid_start++;
    ck_assert(!port.adopt(port.user, &run, nonce, &adopted));
    run.pid_start--;
    run.epoch++;
    ck_assert(!port.adopt(port.user, &run, nonce, &adopted));
    run.epoch--;
    run.pid = getpid(); /* somebody else has its number now */
    ck_assert(!port.adopt(port.user, &run, nonce, &adopted));
    run.pid = pid;
    ck_assert(port.adopt(port.user, &run, nonce, &adopted));
    ck_assert_int_eq(adopted, pid);
    run.workflow_id = NULL;
    kill((pid_t)pid, SIGKILL);
    until(&ended_calls);
    ck_assert_int_eq(ended_pid, pid);
}
END_TEST

START_TEST(locks_that_nobody_holds_are_swept)
{
    static const char *const names[] = {"home/run/5.2.lock", "home/run/x.lock",
                                        "home/run/5.2.lock.old"};
    struct ag_launch_port port;
    char line[64];
    int64_t pid = 0;
    run.epoch = 9;
    launched("hold");
    listen_to(line, sizeof(line));
    for (size_t i = 0; i < AG_ARRAY_SIZE(names); i++) {
        ck_assert_int_eq(ag_file_write(temp_path(names[i]), "", 0, 0600, NULL), 0);
    }
    ag_supervisor_free(d.supervisor);
    ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
    ck_assert(!ag_file_exists(temp_path(names[0])));
    ck_assert(ag_file_exists(temp_path(names[1])));
    ck_assert(ag_file_exists(temp_path(names[2])));
    ck_assert(ag_file_exists(temp_path("home/run/5.9.lock")));
    port = ag_supervisor_port(d.supervisor);
    run.workflow_id = line;
    run.epoch = 2;
    ck_assert(!port.adopt(port.user, &run, NULL, &pid));
    run.workflow_id = NULL;
}
END_TEST

START_TEST(ending_a_run_without_processes)
{
    end_run(1000000);
    until(&done_calls);
}
END_TEST

START_TEST(ending_by_term)
{
    char line[64];
    launched("hold");
    listen_to(line, sizeof(line));
    end_run(1000000);
    until(&done_calls);
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(ended_calls, 0);
}
END_TEST

START_TEST(ending_a_stopped_one)
{
    char line[64];
    siginfo_t info;
    int64_t pid = launched("hold");
    listen_to(line, sizeof(line));
    kill((pid_t)pid, SIGSTOP);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
    end_run(1000000);
    until(&done_calls);
    ck_assert_uint_eq(living(), 0);
}
END_TEST

START_TEST(ending_the_stubborn_by_kill)
{
    char line[64];
    launched("stubborn");
    listen_to(line, sizeof(line)); /* both have told, in whatever order */
    listen_to(line, sizeof(line));
    ck_assert_uint_eq(living(), 3);
    end_run(1);
    until(&done_calls);
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(ended_calls, 0);
}
END_TEST

START_TEST(ending_what_an_executor_left_behind)
{
    char line[64];
    launched("orphan");
    ck_assert_str_eq(listen_to(line, sizeof(line)), "stubborn\n");
    until(&ended_calls);
    ck_assert_uint_eq(living(), 1);
    end_run(1);
    until(&done_calls);
    ck_assert_uint_eq(living(), 0);
}
END_TEST

START_TEST(ending_what_an_earlier_daemon_started)
{
    char line[64];
    launched("stubborn");
    listen_to(line, sizeof(line));
    listen_to(line, sizeof(line));
    ag_supervisor_free(d.supervisor);
    ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
    run.epoch++; /* abandoning has fenced it off */
    end_run(1);
    until(&done_calls);
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(ended_calls, 0);
}
END_TEST

START_TEST(hurry_takes_the_grace_away)
{
    char line[64];
    launched("stubborn");
    listen_to(line, sizeof(line));
    listen_to(line, sizeof(line));
    end_run(1000000);
    ck_assert(ag_supervisor_busy(d.supervisor));
    ag_supervisor_hurry(d.supervisor, on_done, NULL);
    while (done_calls < 2) { /* the run's and the supervisor's */
        ck_assert_int_eq(ag_loop_dispatch(d.loop, -1, NULL), 0);
    }
    ck_assert(!ag_supervisor_busy(d.supervisor));
    ck_assert_uint_eq(living(), 0);
}
END_TEST

START_TEST(stopping_everything)
{
    char line[64];
    launched("stubborn");
    listen_to(line, sizeof(line));
    listen_to(line, sizeof(line));
    stop_run();
    until(&stopped_calls);
    ck_assert_int_eq(stopped_code, 0);
    ck_assert_uint_eq(running(), 0);
    ck_assert_uint_eq(living(), 3);
    stopped_calls = 0;
    stop_run(); /* they stand still already */
    until(&stopped_calls);
    continue_run(0);
    ck_assert_uint_eq(running(), 3);
}
END_TEST

START_TEST(stopping_what_breeds)
{
    char line[64];
    launched("breed");
    ck_assert_str_eq(listen_to(line, sizeof(line)), "breeding\n");
    for (int i = 0; i < 5; i++) {
        stopped_calls = 0;
        stop_run();
        until(&stopped_calls);
        ck_assert_int_eq(stopped_code, 0);
        ck_assert_uint_eq(running(), 0);
        ck_assert_uint_ge(living(), 1);
        continue_run(0);
    }
}
END_TEST

START_TEST(stopping_a_run_without_processes)
{
    stop_run();
    until(&stopped_calls);
    ck_assert_int_eq(stopped_code, 0);
    continue_run(5);
}
END_TEST

START_TEST(the_executor_is_told_how_long)
{
    char line[64];
    launched("counted");
    listen_to(line, sizeof(line));
    stop_run();
    until(&stopped_calls);
    continue_run(123456789012);
    /* and its child, which has the handler, too, has had a plain one */
    char both[2][64];
    listen_to(both[0], sizeof(both[0]));
    listen_to(both[1], sizeof(both[1]));
    const char *told = "continued 1 123456789012\n";
    ck_assert(strcmp(both[0], told) == 0 || strcmp(both[1], told) == 0);
    ck_assert(strstr(both[0], "continued 0") != NULL || strstr(both[1], "continued 0") != NULL);
}
END_TEST

/* Whatever comes takes over, and the stop has an end. */
START_TEST(stopping_is_cut_short)
{
    char line[64];
    launched("hold");
    listen_to(line, sizeof(line));
    for (int i = 0; i < 20; i++) {
        stop_run();
        continue_run(0);
        ck_assert_int_eq(stopped_calls, 1);
        stopped_calls = 0;
        ck_assert_int_eq(ag_loop_dispatch(d.loop, 0, NULL), 0);
    }
    ck_assert_uint_eq(running(), 2);
    continue_run(0);
    stop_run();
    end_run(1000000);
    ck_assert_int_eq(stopped_calls, 1);
    stop_run(); /* it is being ended: nothing is stopped any more */
    ck_assert_int_eq(stopped_calls, 2);
    until(&done_calls);
    ck_assert_uint_eq(living(), 0);
}
END_TEST

START_TEST(stopping_when_the_supervisor_goes)
{
    char line[64];
    launched("breed");
    listen_to(line, sizeof(line));
    stop_run();
    ag_supervisor_free(d.supervisor);
    ck_assert_int_eq(stopped_calls, 1);
    ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
}
END_TEST

START_TEST(another_run_is_left_alone)
{
    char line[64];
    int64_t pid = launched("hold");
    listen_to(line, sizeof(line));
    struct ag_launch_port port = ag_supervisor_port(d.supervisor);
    struct ag_run other = {.rid = 6, .epoch = 2};
    port.end(port.user, &other, "fedcba9876543210", on_done, NULL);
    until(&done_calls);
    ck_assert_int_eq(kill((pid_t)pid, 0), 0);
    ck_assert_uint_eq(living(), 2);
    kill((pid_t)pid, SIGKILL);
    until(&ended_calls);
}
END_TEST

START_TEST(who_is_not_wanted_learns_nothing)
{
    char line[4096];
    struct launch l = {.unwanted = true};
    ck_assert_int_eq(launch("report", &l), 0);
    ck_assert_str_eq(strtok(listen_to(line, sizeof(line)), "|"), "0  0");
    end_run(1000000);
    until(&done_calls);
    ck_assert_int_eq(ended_calls, 0);
    ck_assert_int_eq(waitpid((pid_t)l.pid, NULL, 0), -1); /* it has been reaped */
}
END_TEST

/* ---- the warm process --------------------------------------------------------------------------- */

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
        ck_assert_int_eq(ag_loop_dispatch(d.loop, 10, NULL), 0);
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
    ck_assert_int_eq(ended_calls, 0);
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
    d.options.warm_for_ms = 1;
    kill(warm, SIGKILL); /* the next is started with that time */
    until_gone(warm);
    ck_assert(!next_is_forked());
    while (warm_pid() != 0) {
        ck_assert_int_eq(ag_loop_dispatch(d.loop, 10, NULL), 0);
    }
    ck_assert(!next_is_forked());
}
END_TEST

START_TEST(the_warm_one_goes_with_the_supervisor)
{
    pid_t warm = stop_warm();
    struct launch l = {.unwanted = true};
    begin_launch("hold", &l);
    ag_supervisor_free(d.supervisor);
    ck_assert_int_eq(l.code, ARGO_E_CANCELLED);
    ck_assert_int_eq(kill(warm, 0), -1);
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
    ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
}
END_TEST

/* It dies with who started it, even when it stands still. */
START_TEST(the_warm_one_outlives_nobody)
{
    char line[64];
    int fds[2];
    ag_supervisor_free(d.supervisor);
    ck_assert_int_eq(pipe(fds), 0);
    pid_t daemon = fork();
    if (daemon == 0) {
        ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
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
    ck_assert_int_eq(ag_supervisor_new(&d, &d.supervisor, NULL), 0);
}
END_TEST

static void copy_self(const char *to)
{
    ag_auto_free char *command = ag_asprintf("cp %s %s.new && mv %s.new %s", self, to, to, to);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(another_program_is_another_warm_one)
{
    char program[256];
    snprintf(program, sizeof(program), "%s", temp_path("program"));
    copy_self(program);
    d.executor = program;
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
    d.executor = self;
}
END_TEST

/* It is not started again and again, but with a new program at once. */
START_TEST(a_program_that_serves_nobody)
{
    char program[256], line[512];
    snprintf(program, sizeof(program), "%s", temp_path("program"));
    snprintf(line, sizeof(line), "cp /bin/true %s", program);
    ck_assert_int_eq(system(line), 0);
    d.executor = program;
    for (int i = 0; i < 3; i++) {
        launched("which");
        until(&ended_calls);
        ended_calls = 0;
        while (warm_pid() != 0) {
            ck_assert_int_eq(ag_loop_dispatch(d.loop, 10, NULL), 0);
        }
    }
    copy_self(program);
    until_forked();
    d.executor = self;
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
        ck_assert_int_eq(ag_loop_dispatch(d.loop, -1, NULL), 0);
    }
    ck_assert_int_eq(l.calls, 0);
    ck_assert_int_eq(done_calls, 0);
    kill(warm, SIGCONT);
    until(&done_calls);
    ck_assert_int_eq(l.calls, 1);
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(ended_calls, 0);
}
END_TEST

START_TEST(a_launch_that_is_given_up)
{
    struct launch l = {0};
    pid_t warm = stop_warm();
    begin_launch("report", &l);
    ag_supervisor_launch_none(d.supervisor);
    ck_assert_int_eq(l.code, ARGO_E_CANCELLED);
    kill(warm, SIGCONT);
    ck_assert(next_is_forked()); /* and nobody has reported before it */
    ck_assert_uint_eq(living(), 0);
}
END_TEST

START_TEST(many_at_once)
{
    struct launch l[16] = {0};
    for (int i = 0; i < 16; i++) {
        run.epoch = 10 + i;
        begin_launch("deaf", &l[i]);
    }
    for (int i = 0; i < 16; i++) {
        char line[16];
        ck_assert_int_eq(end_launch(&l[i]), 0);
        listen_to(line, sizeof(line));
    }
    ck_assert_uint_eq(living(), 16);
    end_run(1);
    until(&done_calls);
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
    until(&ended_calls);
    ck_assert_int_eq(ended_pid, pid);
    ck_assert_int_eq(ended_status, -1);
    ended_calls = 0;
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
    tcase_add_test(tc, a_death_is_reported_and_its_lock_removed);
    tcase_add_test(tc, what_cannot_be_started);
    tcase_add_test(tc, whose_process_it_is);
    tcase_add_test(tc, a_new_supervisor_adopts_what_holds_its_lock);
    tcase_add_test(tc, one_without_its_lock_yet_is_known_by_its_birth);
    tcase_add_test(tc, locks_that_nobody_holds_are_swept);
    tcase_add_test(tc, ending_a_run_without_processes);
    tcase_add_test(tc, ending_by_term);
    tcase_add_test(tc, ending_a_stopped_one);
    tcase_add_test(tc, ending_the_stubborn_by_kill);
    tcase_add_test(tc, ending_what_an_executor_left_behind);
    tcase_add_test(tc, ending_what_an_earlier_daemon_started);
    tcase_add_test(tc, hurry_takes_the_grace_away);
    tcase_add_test(tc, stopping_everything);
    tcase_add_test(tc, stopping_what_breeds);
    tcase_add_test(tc, stopping_a_run_without_processes);
    tcase_add_test(tc, the_executor_is_told_how_long);
    tcase_add_test(tc, stopping_is_cut_short);
    tcase_add_test(tc, stopping_when_the_supervisor_goes);
    tcase_add_test(tc, another_run_is_left_alone);
    tcase_add_test(tc, who_is_not_wanted_learns_nothing);
    tcase_add_test(tc, many_at_once);
    tcase_add_test(tc, a_host_takes_every_status);
}

static Suite *suite(void)
{
    Suite *s = suite_create("daemon/supervisor");
    TCase *spawned = tcase_create("spawned");
    tcase_set_timeout(spawned, 30);
    tcase_add_checked_fixture(spawned, spawned_setup, teardown);
    add_tests(spawned);
    suite_add_tcase(s, spawned);
    TCase *tc = tcase_create("forked");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    add_tests(tc);
    tcase_add_test(tc, the_warm_one_is_killed);
    tcase_add_test(tc, the_warm_one_stands_still);
    tcase_add_test(tc, the_warm_one_leaves_when_it_is_idle);
    tcase_add_test(tc, the_warm_one_goes_with_the_supervisor);
    tcase_add_test(tc, the_warm_one_outlives_nobody);
    tcase_add_test(tc, another_program_is_another_warm_one);
    tcase_add_test(tc, a_program_that_serves_nobody);
    tcase_add_test(tc, ending_waits_for_what_is_being_launched);
    tcase_add_test(tc, a_launch_that_is_given_up);
    suite_add_tcase(s, tc);
    return s;
}

int main(int argc, char **argv)
{
    if (strcmp(argv[0], "argo_workflow_executor") == 0) {
        return as_executor();
    }
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
