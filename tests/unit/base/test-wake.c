/*
 * Wake-ups: from another thread, from a signal handler, coalesced, freed inside the callback.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <check.h>

#include "base/loop.h"
#include "lib/runner.h"

static ag_loop *loop;
static ag_wake *wake;
static int calls;

static void on_wake(ag_wake *w, void *user)
{
    ck_assert_ptr_eq(user, loop);
    ck_assert_ptr_eq(w, wake);
    calls++;
}

static void setup(void)
{
    calls = 0;
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    ck_assert_int_eq(ag_wake_new(loop, on_wake, loop, &wake, NULL), 0);
}

static void teardown(void)
{
    ag_wake_free(wake);
    ag_loop_free(loop);
}

static void *wake_from_thread(void *user)
{
    ag_wake_signal(wake);
    return NULL;
}

START_TEST(from_another_thread)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_from_thread, NULL), 0);
    ck_assert_int_eq(ag_loop_dispatch(loop, -1, NULL), 0);
    ck_assert_int_eq(calls, 1);
    pthread_join(thread, NULL);
}
END_TEST

static void on_signal(int signo)
{
    ag_wake_signal(wake);
}

START_TEST(from_a_signal_handler)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    errno = ERANGE;
    raise(SIGUSR1);
    ck_assert_int_eq(errno, ERANGE);
    while (calls == 0) {
        ck_assert_int_eq(ag_loop_dispatch(loop, -1, NULL), 0);
    }
    ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(many_are_one)
{
    struct pollfd p = {.fd = ag_loop_fd(loop), .events = POLLIN};
    for (int i = 0; i < 100; i++) {
        ag_wake_signal(wake);
    }
    ck_assert_int_eq(poll(&p, 1, 0), 1);
    ag_loop_dispatch(loop, -1, NULL);
    ag_loop_dispatch(loop, 0, NULL);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
}
END_TEST

static void on_wake_once_more(ag_wake *w, void *user)
{
    if (++calls == 1) {
        ag_wake_signal(w);
    }
}

/* Also while the one before is served. */
START_TEST(each_later_one_wakes)
{
    ag_wake *own;
    ck_assert_int_eq(ag_wake_new(loop, on_wake_once_more, NULL, &own, NULL), 0);
    ag_wake_signal(own);
    for (int i = 1; i <= 2; i++) {
        ag_loop_dispatch(loop, -1, NULL);
        ck_assert_int_eq(calls, i);
    }
    ag_loop_dispatch(loop, 0, NULL);
    ck_assert_int_eq(calls, 2);
    ag_wake_signal(own);
    ag_loop_dispatch(loop, -1, NULL);
    ck_assert_int_eq(calls, 3);
    ag_wake_free(own);
}
END_TEST

static void on_wake_free(ag_wake *w, void *user)
{
    calls++;
    ag_wake_free(w);
}

START_TEST(freed_inside)
{
    ag_wake *own;
    ck_assert_int_eq(ag_wake_new(loop, on_wake_free, NULL, &own, NULL), 0);
    ag_wake_signal(own);
    ag_loop_dispatch(loop, -1, NULL);
    ag_loop_dispatch(loop, 0, NULL);
    ck_assert_int_eq(calls, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("base/wake");
    TCase *tc = tcase_create("wake");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, from_another_thread);
    tcase_add_test(tc, from_a_signal_handler);
    tcase_add_test(tc, many_are_one);
    tcase_add_test(tc, each_later_one_wakes);
    tcase_add_test(tc, freed_inside);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
