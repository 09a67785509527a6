/*
 * The loop's core: fd handles, freeing inside callbacks, deferred work, signals, and that an idle
 * loop does nothing.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <check.h>

#include "base/loop-internal.h"
#include "lib/runner.h"

struct watch {
    ag_io *io;
    struct watch *other; /* freed by the first of the two that runs */
    int fd;
    int calls;
    uint32_t events;
};

static ag_loop *loop;

static void setup(void)
{
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
}

static void teardown(void)
{
    ag_loop_free(loop);
}

static void dispatch(int timeout_ms)
{
    ck_assert_int_eq(ag_loop_dispatch(loop, timeout_ms, NULL), 0);
}

static bool loop_readable(void)
{
    struct pollfd p = {.fd = ag_loop_fd(loop), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void on_io(ag_io *io, int fd, uint32_t events, void *user)
{
    struct watch *w = user;
    ck_assert_int_eq(fd, w->fd);
    w->calls++;
    w->events |= events;
    if (w->other != NULL) {
        ag_io_free(w->other->io);
        w->other->io = NULL;
        ag_io_free(io);
        w->io = NULL;
    }
}

static void watch_open(struct watch *w, unsigned count, uint32_t events)
{
    *w = (struct watch){.fd = eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK)};
    ck_assert_int_ge(w->fd, 0);
    ck_assert_int_eq(ag_io_new(loop, w->fd, events, on_io, w, &w->io, NULL), 0);
}

static void watch_close(struct watch *w)
{
    ag_io_free(w->io);
    close(w->fd);
}

START_TEST(io_is_level_triggered)
{
    struct watch w;
    eventfd_t count;
    watch_open(&w, 1, EPOLLIN);
    ck_assert(loop_readable());
    dispatch(-1);
    dispatch(-1);
    ck_assert_int_eq(w.calls, 2);
    ck_assert_uint_eq(w.events, EPOLLIN);
    eventfd_read(w.fd, &count);
    ck_assert(!loop_readable());
    dispatch(0);
    ck_assert_int_eq(w.calls, 2);
    watch_close(&w);
}
END_TEST

START_TEST(io_set_changes_events)
{
    struct watch w;
    watch_open(&w, 1, 0);
    dispatch(0);
    ck_assert_int_eq(w.calls, 0);
    ck_assert_int_eq(ag_io_set(w.io, EPOLLOUT), 0);
    dispatch(0);
    ck_assert_int_eq(w.calls, 1);
    ck_assert_uint_eq(w.events, EPOLLOUT);
    ck_assert_int_eq(ag_io_set(w.io, 0), 0);
    dispatch(0);
    ck_assert_int_eq(w.calls, 1);
    watch_close(&w);
}
END_TEST

START_TEST(io_without_events_reports_hangup)
{
    struct watch w = {0};
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    w.fd = fds[0];
    ck_assert_int_eq(ag_io_new(loop, w.fd, 0, on_io, &w, &w.io, NULL), 0);
    dispatch(0);
    ck_assert_int_eq(w.calls, 0);
    close(fds[1]);
    dispatch(-1);
    ck_assert_uint_eq(w.events, EPOLLHUP);
    watch_close(&w);
}
END_TEST

START_TEST(io_refuses_a_bad_fd)
{
    AG_AUTO(argo_error) err = NULL;
    ag_io *io = NULL;
    ck_assert_int_eq(ag_io_new(loop, 1 << 20, EPOLLIN, on_io, NULL, &io, &err), ARGO_E_SYSTEM);
    ck_assert_ptr_null(io);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), strerror(EBADF)));
}
END_TEST

START_TEST(free_both_of_one_batch)
{
    struct watch a, b;
    watch_open(&a, 1, EPOLLIN);
    watch_open(&b, 1, EPOLLIN);
    a.other = &b;
    b.other = &a;
    dispatch(-1);
    ck_assert_int_eq(a.calls + b.calls, 1);
    ck_assert_ptr_null(a.io);
    ck_assert_ptr_null(b.io);
    dispatch(0);
    ck_assert_int_eq(a.calls + b.calls, 1);
    watch_close(&a);
    watch_close(&b);
}
END_TEST

static void on_io_narrow_other(ag_io *io, int fd, uint32_t events, void *user)
{
    struct watch *w = user;
    w->calls++;
    ck_assert_int_eq(ag_io_set(w->other->io, 0), 0);
}

START_TEST(narrowed_in_the_same_batch_is_not_called)
{
    struct watch a = {0}, b = {0};
    struct watch *both[2] = {&a, &b};
    for (int i = 0; i < 2; i++) {
        struct watch *w = both[i];
        w->other = both[1 - i];
        w->fd = eventfd(1, EFD_CLOEXEC);
        ck_assert_int_eq(ag_io_new(loop, w->fd, EPOLLIN, on_io_narrow_other, w, &w->io, NULL), 0);
    }
    dispatch(-1);
    ck_assert_int_eq(a.calls + b.calls, 1);
    watch_close(&a);
    watch_close(&b);
}
END_TEST

START_TEST(more_ready_fds_than_one_batch)
{
    struct watch w[100];
    int calls = 0;
    for (int i = 0; i < 100; i++) {
        watch_open(&w[i], 1, EPOLLIN);
    }
    for (int i = 0; i < 4; i++) {
        dispatch(0);
    }
    for (int i = 0; i < 100; i++) {
        calls += w[i].calls > 0;
        watch_close(&w[i]);
    }
    ck_assert_int_eq(calls, 100);
}
END_TEST

struct deferred {
    ag_defer *defer;
    ag_defer *other;
    bool free_other;
    int again;
    int calls;
};

static void on_defer(ag_defer *defer, void *user)
{
    struct deferred *d = user;
    d->calls++;
    if (d->again-- > 0) {
        ag_defer_schedule(defer);
    }
    if (d->free_other) {
        ag_defer_free(d->other);
        ag_defer_free(defer);
        d->defer = NULL;
    }
}

static void on_io_schedule(ag_io *io, int fd, uint32_t events, void *user)
{
    struct deferred *d = user;
    ck_assert_int_eq(d->calls, 0);
    ag_defer_schedule(d->defer);
    ag_defer_schedule(d->defer);
}

START_TEST(defer_runs_once_at_the_end)
{
    struct deferred d = {0};
    ag_io *io[2];
    int fd = eventfd(1, EFD_CLOEXEC), copy = dup(fd);
    ag_defer_new(loop, on_defer, &d, &d.defer, NULL);
    ag_io_new(loop, fd, EPOLLIN, on_io_schedule, &d, &io[0], NULL);
    ag_io_new(loop, copy, EPOLLIN, on_io_schedule, &d, &io[1], NULL);
    dispatch(-1); /* on_io_schedule asserts that it ran before */
    ck_assert_int_eq(d.calls, 1);
    ag_io_free(io[0]);
    ag_io_free(io[1]);
    dispatch(0);
    ck_assert_int_eq(d.calls, 1);
    ag_defer_free(d.defer);
    close(fd);
    close(copy);
}
END_TEST

START_TEST(defer_scheduled_inside_runs_in_the_same_iteration)
{
    struct deferred d = {.again = 1};
    ag_defer_new(loop, on_defer, &d, &d.defer, NULL);
    ck_assert_int_eq(ag_loop_timeout(loop), -1);
    ag_defer_schedule(d.defer);
    ck_assert_int_eq(ag_loop_timeout(loop), 0);
    dispatch(-1);
    ck_assert_int_eq(d.calls, 2);
    ck_assert_int_eq(ag_loop_timeout(loop), -1);
    ag_defer_free(d.defer);
}
END_TEST

START_TEST(defer_without_end_leaves_room_for_fds)
{
    struct deferred d = {.again = INT_MAX};
    ag_defer_new(loop, on_defer, &d, &d.defer, NULL);
    ag_defer_schedule(d.defer);
    dispatch(-1);
    ck_assert_int_eq(d.calls, AG_DEFER_ROUNDS);
    ck_assert_int_eq(ag_loop_timeout(loop), 0);
    ag_defer_free(d.defer);
}
END_TEST

START_TEST(defer_frees_itself_and_the_next)
{
    struct deferred a = {.free_other = true}, b = {0};
    ag_defer_new(loop, on_defer, &a, &a.defer, NULL);
    ag_defer_new(loop, on_defer, &b, &b.defer, NULL);
    a.other = b.defer;
    ag_defer_schedule(a.defer);
    ag_defer_schedule(b.defer);
    dispatch(0);
    ck_assert_int_eq(a.calls, 1);
    ck_assert_int_eq(b.calls, 0);
}
END_TEST

static void on_defer_quit(ag_defer *defer, void *user)
{
    int *left = user;
    if (--*left == 0) {
        ag_loop_quit(loop);
    } else {
        ag_defer_schedule(defer);
    }
}

START_TEST(run_until_quit)
{
    ag_defer *defer;
    for (int round = 0; round < 2; round++) {
        int left = 3;
        ag_defer_new(loop, on_defer_quit, &left, &defer, NULL);
        ag_defer_schedule(defer);
        ck_assert_int_eq(ag_loop_run(loop, NULL), 0);
        ck_assert_int_eq(left, 0);
        ag_defer_free(defer);
    }
}
END_TEST

START_TEST(idle_loop_does_nothing)
{
    struct watch w;
    watch_open(&w, 0, EPOLLIN);
    ck_assert_int_eq(ag_loop_timeout(loop), -1);
    int64_t before = ag_monotonic_us();
    dispatch(30); /* one wait that lasts: nothing ended it early */
    ck_assert_int_ge(ag_monotonic_us() - before, 30000);
    ck_assert_int_eq(w.calls, 0);
    ck_assert(!loop_readable());
    watch_close(&w);
}
END_TEST

START_TEST(now_is_constant_within_an_iteration)
{
    int64_t before = ag_monotonic_ms();
    dispatch(0);
    ck_assert_int_ge(ag_loop_now(loop), before);
    ck_assert_int_le(ag_loop_now(loop), ag_monotonic_ms());
    ck_assert_int_gt(ag_wall_ms(), INT64_C(1600000000000));
}
END_TEST

struct caught {
    ag_signals *signals;
    int signo[4];
    int n;
    bool free_first;
};

static void on_signal(ag_signals *signals, int signo, void *user)
{
    struct caught *c = user;
    c->signo[c->n++] = signo;
    if (c->free_first) {
        ag_signals_free(signals);
    }
}

START_TEST(signals_arrive_as_events)
{
    struct caught c = {0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    ck_assert_int_eq(ag_signals_new(loop, &set, on_signal, &c, &c.signals, NULL), 0);
    raise(SIGUSR1);
    raise(SIGTERM);
    dispatch(-1);
    dispatch(-1);
    ck_assert_int_eq(c.n, 2);
    ck_assert_int_eq(c.signo[0] + c.signo[1], SIGUSR1 + SIGTERM);
    raise(SIGUSR1);
    raise(SIGTERM);
    c.free_first = true;
    dispatch(-1);
    dispatch(0);
    ck_assert_int_eq(c.n, 3);
}
END_TEST

START_TEST(free_takes_null)
{
    ag_loop_free(NULL);
    ag_io_free(NULL);
    ag_timer_free(NULL);
    ag_wall_free(NULL);
    ag_child_free(NULL);
    ag_wake_free(NULL);
    ag_defer_free(NULL);
    ag_signals_free(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("base/loop");
    TCase *tc = tcase_create("loop");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, io_is_level_triggered);
    tcase_add_test(tc, io_set_changes_events);
    tcase_add_test(tc, io_without_events_reports_hangup);
    tcase_add_test(tc, io_refuses_a_bad_fd);
    tcase_add_test(tc, free_both_of_one_batch);
    tcase_add_test(tc, narrowed_in_the_same_batch_is_not_called);
    tcase_add_test(tc, more_ready_fds_than_one_batch);
    tcase_add_test(tc, defer_runs_once_at_the_end);
    tcase_add_test(tc, defer_scheduled_inside_runs_in_the_same_iteration);
    tcase_add_test(tc, defer_without_end_leaves_room_for_fds);
    tcase_add_test(tc, defer_frees_itself_and_the_next);
    tcase_add_test(tc, run_until_quit);
    tcase_add_test(tc, idle_loop_does_nothing);
    tcase_add_test(tc, now_is_constant_within_an_iteration);
    tcase_add_test(tc, signals_arrive_as_events);
    tcase_add_test(tc, free_takes_null);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
