/*
 * Timers of both clocks: order, re-arming, freeing inside callbacks, times in the past.
 */
#include <limits.h>
#include <poll.h>

#include <check.h>

#include "base/loop.h"
#include "lib/runner.h"

#define MANY 200

static ag_loop *loop;

struct shot {
    ag_timer *timer;
    ag_wall *wall;
    ag_timer *victim;
    int again; /* how often it arms itself anew */
    int calls;
    int64_t at_us;
    struct order *order;
};

/* Who fired, in this order. */
struct order {
    const struct shot *who[MANY];
    size_t n;
};

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

static void note(struct shot *s)
{
    s->calls++;
    s->at_us = ag_monotonic_us();
    if (s->order != NULL) {
        s->order->who[s->order->n++] = s;
    }
}

static void on_timer(ag_timer *timer, void *user)
{
    struct shot *s = user;
    note(s);
    ck_assert(!ag_timer_armed(timer));
    if (s->again-- > 0) {
        ag_timer_arm(timer, 0);
    }
    if (s->victim != NULL) {
        ag_timer_free(s->victim);
        ag_timer_free(timer);
        s->timer = NULL;
    }
}

static void on_wall(ag_wall *wall, void *user)
{
    struct shot *s = user;
    note(s);
    if (s->again-- > 0) {
        ck_assert_int_eq(ag_wall_arm(wall, 0), 0);
    }
}

static void open_timer(struct shot *s)
{
    ck_assert_int_eq(ag_timer_new(loop, on_timer, s, &s->timer, NULL), 0);
}

static void open_wall(struct shot *s)
{
    ck_assert_int_eq(ag_wall_new(loop, on_wall, s, &s->wall, NULL), 0);
}

START_TEST(fires_once_and_not_early)
{
    struct shot s = {0};
    open_timer(&s);
    ck_assert(!ag_timer_armed(s.timer));
    int64_t start = ag_monotonic_us();
    ag_timer_arm(s.timer, 5);
    ck_assert(ag_timer_armed(s.timer));
    ck_assert_int_ge(ag_loop_timeout(loop), 0);
    ck_assert_int_le(ag_loop_timeout(loop), 5);
    while (s.calls == 0) {
        dispatch(-1);
    }
    ck_assert_int_ge(s.at_us - start, 5000);
    ck_assert_int_eq(ag_loop_timeout(loop), -1);
    dispatch(0);
    ck_assert_int_eq(s.calls, 1);
    ag_timer_free(s.timer);
}
END_TEST

START_TEST(order_is_by_time_then_by_arming)
{
    struct order order = {0};
    struct shot a = {.order = &order}, b = a, c = a, d = a;
    open_timer(&a);
    open_timer(&b);
    open_timer(&c);
    open_timer(&d);
    ag_timer_arm(c.timer, 3);
    ag_timer_arm(a.timer, -100);
    ag_timer_arm(b.timer, 0);
    ag_timer_arm(d.timer, 4);
    while (order.n < 4) {
        dispatch(-1);
    }
    ck_assert_ptr_eq(order.who[0], &a);
    ck_assert_ptr_eq(order.who[1], &b);
    ck_assert_ptr_eq(order.who[2], &c);
    ck_assert_ptr_eq(order.who[3], &d);
    ag_timer_free(a.timer);
    ag_timer_free(b.timer);
    ag_timer_free(c.timer);
    ag_timer_free(d.timer);
}
END_TEST

START_TEST(heap_keeps_order_through_changes)
{
    struct order order = {0};
    struct shot shots[MANY];
    unsigned random = 1;
    size_t expected = 0;
    for (int i = 0; i < MANY; i++) {
        shots[i] = (struct shot){.order = &order};
        open_wall(&shots[i]);
        random = random * 1103515245 + 12345;
        ag_wall_arm(shots[i].wall, 1 + random % 100000);
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 3 == 0) {
            ag_wall_disarm(shots[i].wall);
        } else if (i % 3 == 1) { /* moved: their order is that of the index */
            ag_wall_arm(shots[i].wall, 200000 + i / 2);
        }
        expected += i % 3 != 0;
    }
    dispatch(-1);
    ck_assert_uint_eq(order.n, expected);
    for (size_t i = MANY / 3 + 1, last = 0; i < order.n; i++) {
        size_t index = (size_t)(order.who[i] - shots);
        ck_assert_uint_eq(index % 3, 1);
        ck_assert_uint_gt(index, last);
        last = index;
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(shots[i].calls, i % 3 != 0);
        ag_wall_free(shots[i].wall);
    }
}
END_TEST

START_TEST(rearming_moves_it)
{
    struct shot s = {0};
    open_timer(&s);
    ag_timer_arm(s.timer, 0);
    ag_timer_arm(s.timer, 3600 * 1000);
    dispatch(0);
    ck_assert_int_eq(s.calls, 0);
    ck_assert_int_gt(ag_loop_timeout(loop), 3500 * 1000);
    ag_timer_arm(s.timer, 0);
    dispatch(-1);
    ck_assert_int_eq(s.calls, 1);
    ag_timer_free(s.timer);
}
END_TEST

START_TEST(disarmed_does_not_fire)
{
    struct shot s = {0};
    open_timer(&s);
    ag_timer_arm(s.timer, 0);
    ag_timer_disarm(s.timer);
    ag_timer_disarm(s.timer);
    ck_assert(!ag_timer_armed(s.timer));
    ck_assert_int_eq(ag_loop_timeout(loop), -1);
    dispatch(0);
    ck_assert_int_eq(s.calls, 0);
    ag_timer_free(s.timer);
}
END_TEST

START_TEST(rearming_inside_waits_for_the_next_iteration)
{
    struct shot s = {.again = 1}, other = {0};
    open_timer(&s);
    open_timer(&other);
    ag_timer_arm(s.timer, 0);
    ag_timer_arm(other.timer, 0);
    dispatch(-1);
    ck_assert_int_eq(s.calls, 1);
    ck_assert_int_eq(other.calls, 1);
    ck_assert_int_eq(ag_loop_timeout(loop), 0);
    dispatch(-1);
    ck_assert_int_eq(s.calls, 2);
    ag_timer_free(s.timer);
    ag_timer_free(other.timer);
}
END_TEST

START_TEST(frees_itself_and_another_due)
{
    struct shot a = {0}, b = {0};
    open_timer(&a);
    open_timer(&b);
    a.victim = b.timer;
    ag_timer_arm(a.timer, 0);
    ag_timer_arm(b.timer, 0);
    dispatch(-1);
    ck_assert_int_eq(a.calls, 1);
    ck_assert_int_eq(b.calls, 0);
    ck_assert_int_eq(ag_loop_timeout(loop), -1);
}
END_TEST

START_TEST(long_delays_are_bounded)
{
    struct shot s = {0};
    open_timer(&s);
    ag_timer_arm(s.timer, INT64_MAX);
    ck_assert_int_eq(ag_loop_timeout(loop), INT_MAX);
    dispatch(0);
    ck_assert_int_eq(s.calls, 0);
    ag_timer_free(s.timer);
}
END_TEST

START_TEST(wall_in_the_past_fires_at_once)
{
    const int64_t past[] = {INT64_MIN, 0, 1, ag_wall_ms() - 1};
    for (size_t i = 0; i < AG_ARRAY_SIZE(past); i++) {
        struct shot s = {0};
        open_wall(&s);
        ck_assert_int_eq(ag_wall_arm(s.wall, past[i]), 0);
        dispatch(-1);
        ck_assert_int_eq(s.calls, 1);
        dispatch(0);
        ck_assert_int_eq(s.calls, 1);
        ag_wall_free(s.wall);
    }
}
END_TEST

START_TEST(wall_fires_when_its_time_has_come)
{
    struct shot near = {0}, far = {0};
    open_wall(&near);
    open_wall(&far);
    int64_t at = ag_wall_ms() + 5;
    ck_assert_int_eq(ag_wall_arm(far.wall, at + 3600 * 1000), 0);
    ck_assert_int_eq(ag_wall_arm(near.wall, at), 0);
    ck_assert_int_eq(ag_loop_timeout(loop), -1); /* a host waits for the fd alone */
    while (near.calls == 0) {
        dispatch(-1);
    }
    ck_assert_int_ge(ag_wall_ms(), at);
    ck_assert_int_eq(far.calls, 0);
    ck_assert_int_eq(ag_wall_arm(far.wall, INT64_MAX), 0);
    dispatch(0);
    ck_assert_int_eq(far.calls, 0);
    ag_wall_free(near.wall);
    ag_wall_free(far.wall);
}
END_TEST

START_TEST(wall_that_rearms_itself_starves_nobody)
{
    struct shot greedy = {.again = 3}, other = {0};
    open_wall(&greedy);
    open_wall(&other);
    ag_wall_arm(greedy.wall, 0);
    ag_wall_arm(other.wall, 1000);
    dispatch(-1);
    ck_assert_int_eq(greedy.calls, 1);
    ck_assert_int_eq(other.calls, 1);
    for (int i = 0; i < 3; i++) {
        dispatch(-1);
    }
    ck_assert_int_eq(greedy.calls, 4);
    ag_wall_free(greedy.wall);
    ag_wall_free(other.wall);
}
END_TEST

START_TEST(disarmed_walls_leave_the_loop_idle)
{
    struct pollfd p = {.fd = ag_loop_fd(loop), .events = POLLIN};
    struct shot s = {0};
    open_wall(&s);
    ag_wall_disarm(s.wall);
    ag_wall_arm(s.wall, 1);
    ck_assert_int_eq(poll(&p, 1, -1), 1);
    ag_wall_disarm(s.wall);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    dispatch(0);
    ck_assert_int_eq(s.calls, 0);
    ag_wall_free(s.wall);
}
END_TEST

enum { HOUR = 3600 * 1000 };

/* A process that was stopped for an hour: nothing that runs has used any of it up. */
START_TEST(stands_still_while_the_process_is_stopped)
{
    struct shot before = {0}, after = {0};
    open_timer(&before);
    open_timer(&after);
    ag_loop_stops_began(loop, 1000);
    int64_t clock = ag_loop_clock_ms(loop);
    ck_assert_int_eq(ag_timer_left(before.timer), -1);
    ag_timer_arm(before.timer, 5);
    ck_assert_int_le(ag_timer_left(before.timer), 5);
    ag_loop_stopped(loop, 1000 + HOUR);
    ck_assert_int_gt(ag_timer_left(before.timer), HOUR / 2);
    ck_assert_int_eq(ag_loop_stopped_ms(loop), HOUR);
    ck_assert_int_le(ag_loop_clock_ms(loop), clock);
    ck_assert_int_gt(ag_loop_timeout(loop), HOUR / 2);
    dispatch(0);
    ck_assert_int_le(ag_loop_now(loop), clock);
    ck_assert_int_eq(before.calls, 0);
    /* what is armed from now on has its own time */
    ag_timer_arm(after.timer, 1);
    ck_assert_int_le(ag_loop_timeout(loop), 1);
    while (after.calls == 0) {
        dispatch(-1);
    }
    ck_assert_int_eq(before.calls, 0);
    ag_timer_free(before.timer);
    ag_timer_free(after.timer);
}
END_TEST

START_TEST(stops_before_its_time_do_not_count)
{
    struct shot s = {0};
    open_timer(&s);
    ag_timer_arm(s.timer, 1);
    ag_loop_stopped(loop, HOUR); /* nobody has said yet which were before */
    ck_assert_int_eq(ag_loop_stopped_ms(loop), 0);
    ag_loop_stops_began(loop, HOUR);
    ag_loop_stopped(loop, HOUR);
    ag_loop_stopped(loop, 5);
    ck_assert_int_eq(ag_loop_stopped_ms(loop), 0);
    while (s.calls == 0) {
        dispatch(-1);
    }
    ag_loop_stopped(loop, HOUR + 7);
    ck_assert_int_eq(ag_loop_stopped_ms(loop), 7);
    ag_timer_free(s.timer);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("base/timer");
    TCase *tc = tcase_create("timer");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, fires_once_and_not_early);
    tcase_add_test(tc, order_is_by_time_then_by_arming);
    tcase_add_test(tc, heap_keeps_order_through_changes);
    tcase_add_test(tc, rearming_moves_it);
    tcase_add_test(tc, disarmed_does_not_fire);
    tcase_add_test(tc, rearming_inside_waits_for_the_next_iteration);
    tcase_add_test(tc, frees_itself_and_another_due);
    tcase_add_test(tc, long_delays_are_bounded);
    tcase_add_test(tc, wall_in_the_past_fires_at_once);
    tcase_add_test(tc, wall_fires_when_its_time_has_come);
    tcase_add_test(tc, wall_that_rearms_itself_starves_nobody);
    tcase_add_test(tc, disarmed_walls_leave_the_loop_idle);
    tcase_add_test(tc, stands_still_while_the_process_is_stopped);
    tcase_add_test(tc, stops_before_its_time_do_not_count);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
