/*
 * The supervisor: whose process it is, death, adoption, the end of what does not want to end, and
 * what stands still.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "fixture.h"

START_TEST(a_death_is_reported_and_its_lock_removed)
{
    launched("exit7");
    until(&fx.ended_calls);
    ck_assert_int_eq(WEXITSTATUS(fx.ended_status), 7);
    fx.ended_calls = 0;
    char line[64];
    fx.run.epoch = 3;
    int64_t pid = launched("hold");
    listen_to(line, sizeof(line));
    ck_assert(ag_file_exists(fixture_path("home/run/5.3.lock")));
    kill((pid_t)pid, SIGKILL);
    until(&fx.ended_calls);
    ck_assert(WIFSIGNALED(fx.ended_status) && WTERMSIG(fx.ended_status) == SIGKILL);
    ck_assert(!ag_file_exists(fixture_path("home/run/5.3.lock")));
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
    ck_assert_int_eq(ag_supervisor_run_of_process(fx.daemon.supervisor, (pid_t)pid), 5);
    ck_assert_int_eq(ag_supervisor_run_of_process(fx.daemon.supervisor, (pid_t)child), 5);
    ck_assert_int_eq(ag_supervisor_run_of_process(fx.daemon.supervisor, getpid()), 0);
    ck_assert_int_eq(ag_supervisor_run_of_process(fx.daemon.supervisor, 0), -1);
    pid_t gone = fork();
    if (gone == 0) {
        _exit(0);
    }
    waitpid(gone, NULL, 0);
    ck_assert_int_eq(ag_supervisor_run_of_process(fx.daemon.supervisor, gone), -1);
}
END_TEST

START_TEST(a_new_supervisor_adopts_what_holds_its_lock)
{
    struct ag_launch_port port;
    char line[64];
    int64_t adopted = 0;
    int64_t pid = launched("hold");
    listen_to(line, sizeof(line));
    ag_supervisor_free(fx.daemon.supervisor);
    ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
    port = ag_supervisor_port(fx.daemon.supervisor);
    fx.run.workflow_id = line;
    fx.run.epoch = 1;
    ck_assert(!port.adopt(port.user, &fx.run, NULL, &adopted)); /* an older epoch's */
    fx.run.epoch = 2;
    ck_assert(port.adopt(port.user, &fx.run, NULL, &adopted));
    ck_assert_int_eq(adopted, pid);
    ck_assert(port.adopt(port.user, &fx.run, NULL, &adopted)); /* twice is once */
    fx.run.workflow_id = NULL;
    ck_assert_int_eq(ag_supervisor_run_of_process(fx.daemon.supervisor, (pid_t)pid), 5);
    kill((pid_t)pid, SIGKILL);
    until(&fx.ended_calls);
    ck_assert_int_eq(fx.ended_rid, 5);
    ck_assert_int_eq(fx.ended_pid, pid);
}
END_TEST

/* Number, start time, nonce and epoch: each is needed. */
START_TEST(one_without_its_lock_yet_is_known_by_its_birth)
{
    char line[64], other[] = "another nonce";
    int64_t adopted = 0;
    int64_t pid = launched("deaf");
    ck_assert_str_eq(listen_to(line, sizeof(line)), "deaf\n");
    ag_supervisor_free(fx.daemon.supervisor);
    ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
    struct ag_launch_port port = ag_supervisor_port(fx.daemon.supervisor);
    fx.run.workflow_id = line;
    fx.run.pid = pid;
    fx.run.pid_start = ag_proc_start_time((pid_t)pid);
    ck_assert(!port.adopt(port.user, &fx.run, NULL, &adopted));
    ck_assert(!port.adopt(port.user, &fx.run, other, &adopted));
    fx.run.pid_start++;
    ck_assert(!port.adopt(port.user, &fx.run, fx.nonce, &adopted));
    fx.run.pid_start--;
    fx.run.epoch++;
    ck_assert(!port.adopt(port.user, &fx.run, fx.nonce, &adopted));
    fx.run.epoch--;
    fx.run.pid = getpid(); /* somebody else has its number now */
    ck_assert(!port.adopt(port.user, &fx.run, fx.nonce, &adopted));
    fx.run.pid = pid;
    ck_assert(port.adopt(port.user, &fx.run, fx.nonce, &adopted));
    ck_assert_int_eq(adopted, pid);
    fx.run.workflow_id = NULL;
    kill((pid_t)pid, SIGKILL);
    until(&fx.ended_calls);
    ck_assert_int_eq(fx.ended_pid, pid);
}
END_TEST

START_TEST(locks_that_nobody_holds_are_swept)
{
    static const char *const names[] = {"home/run/5.2.lock", "home/run/x.lock",
                                        "home/run/5.2.lock.old"};
    struct ag_launch_port port;
    char line[64];
    int64_t pid = 0;
    fx.run.epoch = 9;
    launched("hold");
    listen_to(line, sizeof(line));
    for (size_t i = 0; i < AG_ARRAY_SIZE(names); i++) {
        ck_assert_int_eq(ag_file_write(fixture_path(names[i]), "", 0, 0600, NULL), 0);
    }
    ag_supervisor_free(fx.daemon.supervisor);
    ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
    ck_assert(!ag_file_exists(fixture_path(names[0])));
    ck_assert(ag_file_exists(fixture_path(names[1])));
    ck_assert(ag_file_exists(fixture_path(names[2])));
    ck_assert(ag_file_exists(fixture_path("home/run/5.9.lock")));
    port = ag_supervisor_port(fx.daemon.supervisor);
    fx.run.workflow_id = line;
    fx.run.epoch = 2;
    ck_assert(!port.adopt(port.user, &fx.run, NULL, &pid));
    fx.run.workflow_id = NULL;
}
END_TEST

START_TEST(ending_a_run_without_processes)
{
    end_run(1000000);
    until(&fx.done_calls);
}
END_TEST

START_TEST(ending_by_term)
{
    char line[64];
    launched("hold");
    listen_to(line, sizeof(line));
    end_run(1000000);
    until(&fx.done_calls);
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(fx.ended_calls, 0);
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
    until(&fx.done_calls);
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
    until(&fx.done_calls);
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(fx.ended_calls, 0);
}
END_TEST

START_TEST(ending_what_an_executor_left_behind)
{
    char line[64];
    launched("orphan");
    ck_assert_str_eq(listen_to(line, sizeof(line)), "stubborn\n");
    until(&fx.ended_calls);
    ck_assert_uint_eq(living(), 1);
    end_run(1);
    until(&fx.done_calls);
    ck_assert_uint_eq(living(), 0);
}
END_TEST

START_TEST(ending_what_an_earlier_daemon_started)
{
    char line[64];
    launched("stubborn");
    listen_to(line, sizeof(line));
    listen_to(line, sizeof(line));
    ag_supervisor_free(fx.daemon.supervisor);
    ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
    fx.run.epoch++; /* abandoning has fenced it off */
    end_run(1);
    until(&fx.done_calls);
    ck_assert_uint_eq(living(), 0);
    ck_assert_int_eq(fx.ended_calls, 0);
}
END_TEST

START_TEST(hurry_takes_the_grace_away)
{
    char line[64];
    launched("stubborn");
    listen_to(line, sizeof(line));
    listen_to(line, sizeof(line));
    end_run(1000000);
    ck_assert(ag_supervisor_busy(fx.daemon.supervisor));
    ag_supervisor_hurry(fx.daemon.supervisor, note_done, NULL);
    while (fx.done_calls < 2) { /* the run's and the supervisor's */
        ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, -1, NULL), 0);
    }
    ck_assert(!ag_supervisor_busy(fx.daemon.supervisor));
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
    until(&fx.stopped_calls);
    ck_assert_int_eq(fx.stopped_code, 0);
    ck_assert_uint_eq(running(), 0);
    ck_assert_uint_eq(living(), 3);
    fx.stopped_calls = 0;
    stop_run(); /* they stand still already */
    until(&fx.stopped_calls);
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
        fx.stopped_calls = 0;
        stop_run();
        until(&fx.stopped_calls);
        ck_assert_int_eq(fx.stopped_code, 0);
        ck_assert_uint_eq(running(), 0);
        ck_assert_uint_ge(living(), 1);
        continue_run(0);
    }
}
END_TEST

START_TEST(stopping_a_run_without_processes)
{
    stop_run();
    until(&fx.stopped_calls);
    ck_assert_int_eq(fx.stopped_code, 0);
    continue_run(5);
}
END_TEST

START_TEST(the_executor_is_told_how_long)
{
    char line[64];
    launched("counted");
    listen_to(line, sizeof(line));
    stop_run();
    until(&fx.stopped_calls);
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
        ck_assert_int_eq(fx.stopped_calls, 1);
        fx.stopped_calls = 0;
        ck_assert_int_eq(ag_loop_dispatch(fx.daemon.loop, 0, NULL), 0);
    }
    ck_assert_uint_eq(running(), 2);
    continue_run(0);
    stop_run();
    end_run(1000000);
    ck_assert_int_eq(fx.stopped_calls, 1);
    stop_run(); /* it is being ended: nothing is stopped any more */
    ck_assert_int_eq(fx.stopped_calls, 2);
    until(&fx.done_calls);
    ck_assert_uint_eq(living(), 0);
}
END_TEST

START_TEST(stopping_when_the_supervisor_goes)
{
    char line[64];
    launched("breed");
    listen_to(line, sizeof(line));
    stop_run();
    ag_supervisor_free(fx.daemon.supervisor);
    ck_assert_int_eq(fx.stopped_calls, 1);
    ck_assert_int_eq(ag_supervisor_new(&fx.daemon, &fx.daemon.supervisor, NULL), 0);
}
END_TEST

START_TEST(another_run_is_left_alone)
{
    char line[64];
    int64_t pid = launched("hold");
    listen_to(line, sizeof(line));
    struct ag_launch_port port = ag_supervisor_port(fx.daemon.supervisor);
    struct ag_run other = {.rid = 6, .epoch = 2};
    port.end(port.user, &other, "fedcba9876543210", note_done, NULL);
    until(&fx.done_calls);
    ck_assert_int_eq(kill((pid_t)pid, 0), 0);
    ck_assert_uint_eq(living(), 2);
    kill((pid_t)pid, SIGKILL);
    until(&fx.ended_calls);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, a_death_is_reported_and_its_lock_removed);
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
}

static Suite *suite(void)
{
    Suite *s = suite_create("daemon/supervisor");
    add_tests(fixture_spawned(s));
    add_tests(fixture_forked(s));
    return s;
}

int main(int argc, char **argv)
{
    return fixture_main(argv[0], suite);
}
