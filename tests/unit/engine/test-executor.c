/*
 * The executor as a whole against a scripted daemon: its lock, its end, and how it is stopped.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <argo/executor.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/fakehttp.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static argo_context *ctx;
static argo_executor *executor;
static argo_error *err;

static void setup(void)
{
    temp_dir_setup();
    executor = NULL;
    err = NULL;
    ck_assert_int_eq(argo_context_new(temp_dir, &ctx, NULL), 0);
    ck_assert_int_eq(ag_dir_private(temp_path("run"), NULL), 0);
}

static void teardown(void)
{
    argo_executor_free(executor);
    argo_error_free(err);
    argo_context_free(ctx);
    temp_dir_teardown();
}

static struct argo_executor_options options(void)
{
    struct argo_executor_options o = ARGO_EXECUTOR_OPTIONS_INIT;
    o.workflow_id = "w_1";
    o.token = "run-token";
    o.epoch = 1;
    return o;
}

static int make(const struct argo_executor_options *o)
{
    argo_error_free(ag_take(err));
    return argo_executor_new(ctx, o, &executor, &err);
}

/* ---- what it needs ----------------------------------------------------------------------------- */

START_TEST(options_are_checked)
{
    struct argo_executor_options o = options();
    ck_assert_int_eq(argo_executor_new(NULL, &o, &executor, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_executor_new(ctx, NULL, &executor, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_executor_new(ctx, &o, NULL, NULL), ARGO_E_INVALID);
    o.size = 1;
    ck_assert_int_eq(make(&o), ARGO_E_INVALID);
    o = options();
    o.workflow_id = NULL;
    ck_assert_int_eq(make(&o), ARGO_E_INVALID);
    o.workflow_id = "../w";
    ck_assert_int_lt(make(&o), 0);
    o = options();
    o.token = "";
    ck_assert_int_eq(make(&o), ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_field(err), "token");
    o = options();
    o.epoch = 0;
    ck_assert_int_eq(make(&o), ARGO_E_INVALID);
    ck_assert_ptr_null(executor);
    ck_assert_int_eq(argo_executor_run(NULL, NULL), ARGO_E_INVALID);
    argo_executor_stop(NULL);
    argo_executor_free(NULL);
}
END_TEST

START_TEST(options_of_an_older_program)
{
    struct argo_executor_options o = options();
    o.size = offsetof(struct argo_executor_options, lock_file);
    o.lock_file = "/nonexistent/lock";
    ck_assert_int_eq(make(&o), 0);
}
END_TEST

/* ---- the lock ---------------------------------------------------------------------------------- */

/* The lock is of the process: another one must hold it. Returns its pid when it does. */
static pid_t hold(const char *path)
{
    int ready[2];
    char byte = 0;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int fd = -1;
        if (ag_lock_take(path, &fd, NULL, NULL) == 0 && write(ready[1], "x", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end_process(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(one_executor_holds_the_lock)
{
    struct argo_executor_options o = options();
    pid_t holder = 0;
    o.lock_file = temp_path("run/w_1.lock");
    pid_t pid = hold(o.lock_file);
    ck_assert_int_eq(make(&o), ARGO_E_LOCKED);
    ck_assert_ptr_null(executor);
    ck_assert_int_eq(ag_lock_holder(o.lock_file, &holder, NULL), 0);
    ck_assert_int_eq(holder, pid);
    end_process(pid);
    ck_assert_int_eq(make(&o), 0);
    argo_executor_free(ag_take(executor));
    pid = hold(o.lock_file); /* free again */
    end_process(pid);
}
END_TEST

/* ---- the end ----------------------------------------------------------------------------------- */

/* The daemon has a loop of its own, as the executor has: it runs in a process of its own. */
static bool scripted(const char *request, struct fake_reply *reply, void *user)
{
    static char bytes[2048];
    const char *body = "{\"status\":\"success\"}";
    if (strstr(request, "/checkpoint ") != NULL) {
        body = user;
    }
    snprintf(bytes, sizeof(bytes), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
             strstr(body, "1010") != NULL ? "409 Conflict" : "200 OK", strlen(body), body);
    reply->bytes = bytes;
    return true;
}

static pid_t serve(const char *checkpoint)
{
    int ready[2];
    char byte = 0;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        ag_loop *loop = NULL;
        if (ag_loop_new(&loop, NULL) < 0) {
            _exit(1);
        }
        struct fakehttp *server = fakehttp_new(loop, temp_path("run/argo.sock"));
        fakehttp_on_request(server, scripted, (void *)(uintptr_t)checkpoint);
        if (write(ready[1], "x", 1) == 1) {
            (void)ag_loop_run(loop, NULL);
        }
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

#define CHECKPOINT(steps)                                                             \
    "{\"status\":\"success\",\"data\":{\"workflow_id\":\"w_1\",\"epoch\":1,"          \
    "\"template\":\"t\",\"cwd\":\"/tmp\",\"env\":{\"PATH\":\"/usr/bin:/bin\"},"       \
    "\"definition\":\"{\\\"workflow_name\\\":\\\"t\\\",\\\"steps\\\":[{\\\"step\\\":" \
    "\\\"a\\\"," steps "}]}\"}}"
#define SHOW CHECKPOINT("\\\"type\\\":\\\"display\\\",\\\"message\\\":\\\"hi\\\"")

static int run_against(const char *checkpoint)
{
    struct argo_executor_options o = options();
    pid_t pid = serve(checkpoint);
    ck_assert_int_eq(make(&o), 0);
    int r = argo_executor_run(executor, &err);
    end_process(pid);
    return r;
}

START_TEST(it_runs_to_the_end)
{
    ck_assert_int_eq(run_against(SHOW), 0);
    ck_assert_ptr_null(err);
    ck_assert_int_eq(argo_executor_run(executor, NULL), ARGO_E_INVALID); /* once */
}
END_TEST

START_TEST(it_ends_when_it_is_fenced)
{
    ck_assert_int_eq(run_against("{\"status\":\"error\",\"error\":{\"code\":1010,\"message\":"
                                 "\"Fenced\",\"details\":\"epoch 2\"}}"),
                     ARGO_E_FENCED);
}
END_TEST

static void on_signal(int signo)
{
    argo_executor_stop(executor);
}

/* Once before anything was asked, once in the middle of a step: the signal comes when the command
 * runs, from that command. */
START_TEST(a_signal_handler_stops_it)
{
    ck_assert(signal(SIGUSR1, on_signal) != SIG_ERR);
    struct argo_executor_options o = options();
    ck_assert_int_eq(make(&o), 0);
    raise(SIGUSR1);
    ck_assert_int_eq(argo_executor_run(executor, &err), ARGO_E_CANCELLED);
    argo_executor_free(ag_take(executor));
    argo_error_free(ag_take(err));
    ag_auto_free char *checkpoint =
        ag_asprintf(CHECKPOINT("\\\"type\\\":\\\"command\\\",\\\"argv\\\":[\\\"sh\\\",\\\"-c\\\","
                               "\\\"kill -USR1 %d; exec sleep 1000\\\"]"),
                    (int)getpid());
    ck_assert_int_eq(run_against(checkpoint), ARGO_E_CANCELLED);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no process of it is left */
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("engine/executor");
    TCase *t = tcase_create("executor");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, options_are_checked);
    tcase_add_test(t, options_of_an_older_program);
    tcase_add_test(t, one_executor_holds_the_lock);
    tcase_add_test(t, it_runs_to_the_end);
    tcase_add_test(t, it_ends_when_it_is_fenced);
    tcase_add_test(t, a_signal_handler_stops_it);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
