/*
 * What the files of the event loop share: the loop itself, fd sources and the alarm heap. Nobody
 * else includes this.
 */
#ifndef AG_BASE_LOOP_INTERNAL_H
#define AG_BASE_LOOP_INTERNAL_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/loop.h"

#define AG_LOOP_BATCH   64
#define AG_DEFER_ROUNDS 16 /* of deferred work in one iteration */

/* One fd in the epoll set, embedded in the handle that owns it. */
struct ag_source {
    ag_loop *loop;
    int fd; /* -1: not in the set */
    uint32_t events;
    void (*ready)(struct ag_source *source, uint32_t events);
};

/* A point in time at which something fires, embedded in a timer of either clock. It is in the
 * heap, or in the list of those that fire in this iteration, or in neither. */
struct ag_alarm {
    int64_t when;
    uint64_t seq; /* equal times fire in the order of arming */
    size_t at;    /* index in the heap, SIZE_MAX: not there */
    struct ag_list due;
};

struct ag_alarms {
    struct ag_alarm **heap;
    size_t n;
    size_t cap;
    size_t members; /* existing handles: arming never has to allocate */
    uint64_t next_seq;
};

struct ag_loop {
    int epoll_fd;
    size_t handles;
    bool dispatching;
    bool quit;
    int64_t now_us;
    _Atomic int64_t stops_ms; /* the total, as the last ag_loop_stopped said it */
    int64_t stops_base_ms;    /* of it, what was before this loop; INT64_MAX: not known yet */
    /* Events not yet delivered: removing a source clears it here, so that a handle which was
     * freed by an earlier callback of the same batch is never touched. */
    struct epoll_event batch[AG_LOOP_BATCH];
    int batch_len;
    struct ag_list defers;
    struct ag_list children; /* the watched ones */
    bool reaps_orphans;
    struct ag_alarms timers; /* monotonic, microseconds */
    struct ag_alarms walls;  /* wall clock, milliseconds */
    struct ag_source wall_source;
    int64_t wall_set; /* what the timerfd is set to, 0: nothing */
};

/* FD is borrowed. On failure the source is not in the set. */
int ag_source_add(struct ag_source *source, ag_loop *loop, int fd, uint32_t events,
                  void (*ready)(struct ag_source *source, uint32_t events), argo_error **err);
void ag_source_remove(struct ag_source *source); /* nothing when it is not in the set */

/* What the timers go by: CLOCK_MONOTONIC without the time that the process was stopped. */
int64_t ag_loop_clock_us(const ag_loop *loop);

void ag_timers_run(ag_loop *loop);
int ag_timers_timeout(const ag_loop *loop); /* ms, rounded up; -1 without a timer */
void ag_timers_release(ag_loop *loop);      /* frees what the loop holds for both clocks */

void ag_defers_run(ag_loop *loop);

#endif
