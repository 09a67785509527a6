/*
 * Timers of both clocks, each clock a binary heap. Monotonic timers need no fd: they bound the
 * loop's wait. Wall timers share one timerfd, made when the first is armed, because only the
 * kernel notices that the clock was set.
 */
#include <errno.h>
#include <limits.h>
#include <sys/timerfd.h>

#include "base/loop-internal.h"

/* Far enough for ever, small enough to be added to the clock. */
#define DELAY_MAX_MS (INT64_MAX / 4000)

struct ag_timer {
    ag_loop *loop;
    struct ag_alarm alarm;
    ag_timer_fn fn;
    void *user;
};

struct ag_wall {
    ag_loop *loop;
    struct ag_alarm alarm;
    ag_wall_fn fn;
    void *user;
};

static bool earlier(const struct ag_alarm *a, const struct ag_alarm *b)
{
    return a->when != b->when ? a->when < b->when : a->seq < b->seq;
}

static void place(struct ag_alarms *set, size_t at, struct ag_alarm *alarm)
{
    set->heap[at] = alarm;
    alarm->at = at;
}

/* Puts ALARM into the hole at AT, moving the hole up or down to where it fits. */
static void sift(struct ag_alarms *set, size_t at, struct ag_alarm *alarm)
{
    while (at > 0 && earlier(alarm, set->heap[(at - 1) / 2])) {
        place(set, at, set->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < set->n && earlier(set->heap[child + 1], set->heap[child])) {
            child++;
        }
        if (child >= set->n || !earlier(set->heap[child], alarm)) {
            break;
        }
        place(set, at, set->heap[child]);
        at = child;
    }
    place(set, at, alarm);
}

static int alarm_join(struct ag_alarms *set, struct ag_alarm *alarm)
{
    if (set->members == set->cap) {
        size_t cap = set->cap == 0 ? 16 : set->cap * 2;
        struct ag_alarm **heap = reallocarray(set->heap, cap, sizeof(*heap));
        if (heap == NULL) {
            return ARGO_E_NOMEM;
        }
        set->heap = heap;
        set->cap = cap;
    }
    set->members++;
    alarm->at = SIZE_MAX;
    ag_list_init(&alarm->due);
    return 0;
}

static bool alarm_pending(const struct ag_alarm *alarm)
{
    return alarm->at != SIZE_MAX || !ag_list_empty(&alarm->due);
}

static void alarm_cancel(struct ag_alarms *set, struct ag_alarm *alarm)
{
    ag_list_remove(&alarm->due);
    if (alarm->at == SIZE_MAX) {
        return;
    }
    struct ag_alarm *last = set->heap[--set->n];
    if (last != alarm) {
        sift(set, alarm->at, last);
    }
    alarm->at = SIZE_MAX;
}

static void alarm_set(struct ag_alarms *set, struct ag_alarm *alarm, int64_t when)
{
    alarm_cancel(set, alarm);
    alarm->when = when;
    alarm->seq = set->next_seq++;
    sift(set, set->n++, alarm);
}

/* Moves everything due to DUE first: what a callback arms anew waits for the next iteration, and
 * one that always does cannot keep the others from firing. */
static void collect_due(struct ag_alarms *set, int64_t now, struct ag_list *due)
{
    ag_list_init(due);
    while (set->n > 0 && set->heap[0]->when <= now) {
        struct ag_alarm *alarm = set->heap[0];
        alarm_cancel(set, alarm);
        ag_list_append(due, &alarm->due);
    }
}

void ag_timers_run(ag_loop *loop)
{
    struct ag_list due;
    ag_timer *timer;
    collect_due(&loop->timers, loop->now_us, &due);
    while ((timer = ag_list_first(&due, ag_timer, alarm.due)) != NULL) {
        ag_list_remove(&timer->alarm.due);
        timer->fn(timer, timer->user);
    }
}

int ag_timers_timeout(const ag_loop *loop)
{
    if (loop->timers.n == 0) {
        return -1;
    }
    int64_t left_us = loop->timers.heap[0]->when - ag_loop_clock_us(loop);
    if (left_us <= 0) {
        return 0;
    }
    int64_t left_ms = (left_us + 999) / 1000;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

void ag_timers_release(ag_loop *loop)
{
    free(loop->timers.heap);
    free(loop->walls.heap);
    int fd = loop->wall_source.fd;
    if (fd >= 0) {
        ag_source_remove(&loop->wall_source);
        close(fd);
    }
}

int ag_timer_new(ag_loop *loop, ag_timer_fn fn, void *user, ag_timer **out, argo_error **err)
{
    ag_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL || alarm_join(&loop->timers, &timer->alarm) < 0) {
        free(timer);
        return ag_error_nomem(err);
    }
    timer->loop = loop;
    timer->fn = fn;
    timer->user = user;
    loop->handles++;
    *out = timer;
    return 0;
}

void ag_timer_arm(ag_timer *timer, int64_t delay_ms)
{
    int64_t delay = delay_ms < 0 ? 0 : delay_ms < DELAY_MAX_MS ? delay_ms : DELAY_MAX_MS;
    /* From the clock, not from the iteration's start: a slow callback may not shorten a delay. */
    alarm_set(&timer->loop->timers, &timer->alarm, ag_loop_clock_us(timer->loop) + delay * 1000);
}

void ag_timer_disarm(ag_timer *timer)
{
    alarm_cancel(&timer->loop->timers, &timer->alarm);
}

bool ag_timer_armed(const ag_timer *timer)
{
    return alarm_pending(&timer->alarm);
}

int64_t ag_timer_left(const ag_timer *timer)
{
    if (!alarm_pending(&timer->alarm)) {
        return -1;
    }
    int64_t left_us = timer->alarm.when - ag_loop_clock_us(timer->loop);
    return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

void ag_timer_free(ag_timer *timer)
{
    if (timer == NULL) {
        return;
    }
    ag_timer_disarm(timer);
    timer->loop->timers.members--;
    timer->loop->handles--;
    free(timer);
}

static void walls_ready(struct ag_source *source, uint32_t events);

static int wall_open(ag_loop *loop)
{
    ag_auto_close int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) {
        return ARGO_E_SYSTEM;
    }
    int rc = ag_source_add(&loop->wall_source, loop, fd, EPOLLIN, walls_ready, NULL);
    if (rc == 0) {
        ag_take_fd(&fd);
    }
    return rc;
}

/* Sets the timerfd to the earliest wall timer, if it is not. */
static int wall_update(ag_loop *loop)
{
    int64_t when = 0;
    if (loop->walls.n > 0) {
        when = loop->walls.heap[0]->when;
    }
    if (when == loop->wall_set) {
        return 0;
    }
    if (loop->wall_source.fd < 0 && wall_open(loop) < 0) {
        return ARGO_E_SYSTEM;
    }
    struct itimerspec spec = {
        .it_value = {.tv_sec = when / 1000, .tv_nsec = when % 1000 * 1000000},
    };
    int flags = when > 0 ? TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET : 0;
    /* ECANCELED tells that the clock was set since the last time: the timer is set all the same. */
    if (timerfd_settime(loop->wall_source.fd, flags, &spec, NULL) < 0 && errno != ECANCELED) {
        return ARGO_E_SYSTEM;
    }
    loop->wall_set = when;
    return 0;
}

static void walls_ready(struct ag_source *source, uint32_t events)
{
    ag_loop *loop = source->loop;
    struct ag_list due;
    uint64_t count;
    ag_wall *wall;
    /* EAGAIN: set anew by a callback before this one, and still set. */
    if (read(source->fd, &count, sizeof(count)) >= 0 || errno == ECANCELED) {
        loop->wall_set = 0;
    }
    collect_due(&loop->walls, ag_wall_ms(), &due);
    while ((wall = ag_list_first(&due, ag_wall, alarm.due)) != NULL) {
        ag_list_remove(&wall->alarm.due);
        wall->fn(wall, wall->user);
    }
    wall_update(loop);
}

int ag_wall_new(ag_loop *loop, ag_wall_fn fn, void *user, ag_wall **out, argo_error **err)
{
    ag_wall *wall = calloc(1, sizeof(*wall));
    if (wall == NULL || alarm_join(&loop->walls, &wall->alarm) < 0) {
        free(wall);
        return ag_error_nomem(err);
    }
    wall->loop = loop;
    wall->fn = fn;
    wall->user = user;
    loop->handles++;
    *out = wall;
    return 0;
}

int ag_wall_arm(ag_wall *wall, int64_t at_ms)
{
    /* 0 would disarm the timerfd, and nothing before it is a time that it takes. */
    alarm_set(&wall->loop->walls, &wall->alarm, at_ms > 0 ? at_ms : 1);
    int rc = wall_update(wall->loop);
    if (rc < 0) {
        alarm_cancel(&wall->loop->walls, &wall->alarm);
    }
    return rc;
}

void ag_wall_disarm(ag_wall *wall)
{
    alarm_cancel(&wall->loop->walls, &wall->alarm);
    wall_update(wall->loop);
}

void ag_wall_free(ag_wall *wall)
{
    if (wall == NULL) {
        return;
    }
    ag_wall_disarm(wall);
    wall->loop->walls.members--;
    wall->loop->handles--;
    free(wall);
}
