/*
 * The event loop's core: the epoll set, fd handles and the iteration. An iteration is: wait, ready
 * fds, due timers, deferred work. It must not allocate while it runs and must not touch a handle
 * after its callback returned.
 */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "base/loop-internal.h"

struct ag_io {
    struct ag_source source;
    ag_io_fn fn;
    void *user;
};

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t ag_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t ag_monotonic_ms(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t ag_wall_ms(void)
{
    return clock_us(CLOCK_REALTIME) / 1000;
}

int ag_loop_new(ag_loop **out, argo_error **err)
{
    ag_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return ag_error_nomem(err);
    }
    loop->wall_source.fd = -1;
    loop->stops_base_ms = INT64_MAX;
    loop->now_us = ag_monotonic_us();
    ag_list_init(&loop->defers);
    ag_list_init(&loop->children);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        int code = ag_error_errno(err, errno, "create an event loop");
        ag_loop_free(loop);
        return code;
    }
    *out = loop;
    return 0;
}

void ag_loop_free(ag_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    assert(!loop->dispatching);
    assert(loop->handles == 0);
    ag_timers_release(loop);
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    free(loop);
}

int ag_loop_fd(const ag_loop *loop)
{
    return loop->epoll_fd;
}

int ag_loop_timeout(const ag_loop *loop)
{
    return ag_list_empty(&loop->defers) ? ag_timers_timeout(loop) : 0;
}

int64_t ag_loop_now(const ag_loop *loop)
{
    return loop->now_us / 1000;
}

int64_t ag_loop_clock_us(const ag_loop *loop)
{
    int64_t stops, now;
    /* A stop between the two would be taken off a time that does not have it. */
    do {
        stops = atomic_load(&loop->stops_ms);
        now = ag_monotonic_us();
    } while (stops != atomic_load(&loop->stops_ms));
    return stops > loop->stops_base_ms ? now - (stops - loop->stops_base_ms) * 1000 : now;
}

int64_t ag_loop_clock_ms(const ag_loop *loop)
{
    return ag_loop_clock_us(loop) / 1000;
}

void ag_loop_stopped(ag_loop *loop, int64_t total_ms)
{
    int64_t known = atomic_load(&loop->stops_ms);
    while (total_ms > known && !atomic_compare_exchange_weak(&loop->stops_ms, &known, total_ms)) {
    }
}

void ag_loop_stops_began(ag_loop *loop, int64_t total_ms)
{
    loop->stops_base_ms = total_ms;
}

int64_t ag_loop_stopped_ms(const ag_loop *loop)
{
    int64_t stops = atomic_load(&loop->stops_ms);
    return stops > loop->stops_base_ms ? stops - loop->stops_base_ms : 0;
}

static void deliver_batch(ag_loop *loop)
{
    for (int i = 0; i < loop->batch_len; i++) {
        struct ag_source *source = loop->batch[i].data.ptr;
        if (source == NULL) {
            continue;
        }
        /* An earlier callback may have narrowed what this one waits for. */
        uint32_t events = loop->batch[i].events & (source->events | EPOLLERR | EPOLLHUP);
        if (events != 0) {
            source->ready(source, events);
        }
    }
    loop->batch_len = 0;
}

int ag_loop_dispatch(ag_loop *loop, int timeout_ms, argo_error **err)
{
    assert(!loop->dispatching);
    int wait_ms = ag_loop_timeout(loop);
    if (timeout_ms >= 0 && (wait_ms < 0 || timeout_ms < wait_ms)) {
        wait_ms = timeout_ms;
    }
    int n = epoll_wait(loop->epoll_fd, loop->batch, AG_LOOP_BATCH, wait_ms);
    if (n < 0 && errno != EINTR) {
        return ag_error_errno(err, errno, "wait for events");
    }
    loop->dispatching = true;
    loop->now_us = ag_loop_clock_us(loop);
    loop->batch_len = n > 0 ? n : 0;
    deliver_batch(loop);
    ag_timers_run(loop);
    ag_defers_run(loop);
    loop->dispatching = false;
    return 0;
}

int ag_loop_run(ag_loop *loop, argo_error **err)
{
    while (!loop->quit) {
        int rc = ag_loop_dispatch(loop, -1, err);
        if (rc < 0) {
            return rc;
        }
    }
    loop->quit = false;
    return 0;
}

void ag_loop_quit(ag_loop *loop)
{
    loop->quit = true;
}

int ag_source_add(struct ag_source *source, ag_loop *loop, int fd, uint32_t events,
                  void (*ready)(struct ag_source *source, uint32_t events), argo_error **err)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    *source = (struct ag_source){.loop = loop, .fd = -1, .events = events, .ready = ready};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        return ag_error_errno(err, errno, "watch fd %d", fd);
    }
    source->fd = fd;
    return 0;
}

void ag_source_remove(struct ag_source *source)
{
    if (source->fd < 0) {
        return;
    }
    ag_loop *loop = source->loop;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    source->fd = -1;
    for (int i = 0; i < loop->batch_len; i++) {
        if (loop->batch[i].data.ptr == source) {
            loop->batch[i].data.ptr = NULL;
        }
    }
}

static void io_ready(struct ag_source *source, uint32_t events)
{
    ag_io *io = AG_CONTAINER_OF(source, ag_io, source);
    io->fn(io, source->fd, events, io->user);
}

int ag_io_new(ag_loop *loop, int fd, uint32_t events, ag_io_fn fn, void *user, ag_io **out,
              argo_error **err)
{
    ag_io *io = calloc(1, sizeof(*io));
    if (io == NULL) {
        return ag_error_nomem(err);
    }
    io->fn = fn;
    io->user = user;
    int rc = ag_source_add(&io->source, loop, fd, events, io_ready, err);
    loop->handles++;
    if (rc < 0) {
        ag_io_free(io);
        return rc;
    }
    *out = io;
    return 0;
}

int ag_io_set(ag_io *io, uint32_t events)
{
    struct ag_source *source = &io->source;
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (events == source->events) {
        return 0;
    }
    if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0) {
        return ARGO_E_SYSTEM;
    }
    source->events = events;
    return 0;
}

void ag_io_free(ag_io *io)
{
    if (io == NULL) {
        return;
    }
    ag_source_remove(&io->source);
    io->source.loop->handles--;
    free(io);
}
