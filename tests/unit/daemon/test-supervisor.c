/*
 * The supervisor with this program as its executor: launch, death, adoption, the end of what does
 * not want to end. The domain is a stub that notes what it is told.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/context.h"
#include "base/file.h"
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

static int executor(const char *what)
{
    int lock = -1;
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

static void setup(void)
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

static int launch(const char *what, int64_t *pid, argo_error **err)
{
    struct ag_launch_port port = ag_supervisor_port(d.supervisor);
    char id[32];
    int64_t start = 0;
    snprintf(id, sizeof(id), "%s", what);
    run.workflow_id = id;
    int r = port.launch(port.user, &run, &spec, TOKEN, pid, &start, err);
    run.workflow_id = NULL;
    if (r == 0) {
        ck_assert_int_eq(start, ag_proc_start_time((pid_t)*pid));
    }
    return r;
}

static int64_t launched(const char *what)
{
    int64_t pid = 0;
    ck_assert_int_eq(launch(what, &pid, NULL), 0);
    return pid;
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
    AG_AUTO(argo_error) err = NULL;
    int64_t pid = -7;
    char missing[] = "/nonexistent/dir";
    spec.cwd = missing;
    ck_assert_int_eq(launch("hold", &pid, &err), ARGO_E_SPAWN);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), missing));
    spec.cwd = temp_dir;
    d.executor = missing;
    ck_assert_int_eq(launch("hold", &pid, &err), ARGO_E_SPAWN);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), missing));
    ck_assert_int_eq(pid, -7);
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

static Suite *suite(void)
{
    Suite *s = suite_create("daemon/supervisor");
    TCase *tc = tcase_create("supervisor");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
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
    suite_add_tcase(s, tc);
    return s;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[0], "argo_workflow_executor") == 0) {
        return executor(argv[1]);
    }
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
