/*
 * The event loop: fds, timers, child processes, wake-ups, deferred work, on one epoll instance.
 *
 * One thread. Callbacks run from ag_loop_dispatch only. Every handle may be freed inside any
 * callback, its own included. An idle loop has no timer and does not wake up.
 */
#ifndef AG_BASE_LOOP_H
#define AG_BASE_LOOP_H

#include <signal.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct ag_loop ag_loop;
typedef struct ag_io ag_io;
typedef struct ag_timer ag_timer;
typedef struct ag_wall ag_wall;
typedef struct ag_child ag_child;
typedef struct ag_wake ag_wake;
typedef struct ag_defer ag_defer;

int ag_loop_new(ag_loop **out, argo_error **err);
void ag_loop_free(ag_loop *loop);         /* every handle must have been freed */
int ag_loop_fd(const ag_loop *loop);      /* readable when there is something to dispatch */
int ag_loop_timeout(const ag_loop *loop); /* ms until the next timer, 0 for pending work, or -1 */
/* Waits at most TIMEOUT_MS (-1: until something happens; 0: not at all) and runs what is ready. */
int ag_loop_dispatch(ag_loop *loop, int timeout_ms, argo_error **err);
/* Dispatches until ag_loop_quit was called (from a callback). */
int ag_loop_run(ag_loop *loop, argo_error **err);
void ag_loop_quit(ag_loop *loop);
/* The loop's time in ms, which its timers go by: CLOCK_MONOTONIC, without the stops that are told
 * below; as read at the beginning of the iteration, and afresh. */
int64_t ag_loop_now(const ag_loop *loop);
int64_t ag_loop_clock_ms(const ag_loop *loop);
/* For a process that is paused by SIGSTOP: the loop's time stands still meanwhile. TOTAL_MS is the
 * length of all stops so far, whoever counts them, those before this process too; a smaller one is
 * ignored. To be called from the handler of SIGCONT, which runs before anything else can look at a
 * clock. It takes effect when ag_loop_stops_began has said which total there was when the loop's
 * own time begins. */
void ag_loop_stopped(ag_loop *loop, int64_t total_ms);
void ag_loop_stops_began(ag_loop *loop, int64_t total_ms);
int64_t ag_loop_stopped_ms(const ag_loop *loop); /* since then */
int64_t ag_monotonic_ms(void);
int64_t ag_monotonic_us(void);
int64_t ag_wall_ms(void);

/* Level-triggered; EVENTS of epoll. The fd is borrowed and must outlive the handle. */
typedef void (*ag_io_fn)(ag_io *io, int fd, uint32_t events, void *user);
int ag_io_new(ag_loop *loop, int fd, uint32_t events, ag_io_fn fn, void *user, ag_io **out,
              argo_error **err);
int ag_io_set(ag_io *io, uint32_t events); /* 0 is allowed: only EPOLLHUP/EPOLLERR are reported */
void ag_io_free(ag_io *io);

/* One-shot monotonic timer. Arming again moves it; delays below 0 count as 0. */
typedef void (*ag_timer_fn)(ag_timer *timer, void *user);
int ag_timer_new(ag_loop *loop, ag_timer_fn fn, void *user, ag_timer **out, argo_error **err);
void ag_timer_arm(ag_timer *timer, int64_t delay_ms);
void ag_timer_disarm(ag_timer *timer);
bool ag_timer_armed(const ag_timer *timer);
int64_t ag_timer_left(const ag_timer *timer); /* ms until it fires, 0 when due; -1: not armed */
void ag_timer_free(ag_timer *timer);

/* One-shot wall-clock timer (deadlines, waits): fires when the wall clock reaches AT_MS, also
 * when the clock is set. One timerfd per loop serves them all. */
typedef void (*ag_wall_fn)(ag_wall *wall, void *user);
int ag_wall_new(ag_loop *loop, ag_wall_fn fn, void *user, ag_wall **out, argo_error **err);
int ag_wall_arm(ag_wall *wall, int64_t at_ms);
void ag_wall_disarm(ag_wall *wall);
void ag_wall_free(ag_wall *wall);

/* Watches a process by pidfd. FN is called once, when it has ended. For our own child it has
 * been reaped: STATUS is a waitpid status. For a foreign process (or when the host took the
 * status) STATUS is -1. PIDFD -1: opened here. The pidfd is owned by the handle, but
 * stays the caller's on failure. */
typedef void (*ag_child_fn)(ag_child *child, pid_t pid, int status, void *user);
int ag_child_new(ag_loop *loop, pid_t pid, int pidfd, ag_child_fn fn, void *user, ag_child **out,
                 argo_error **err);
int ag_child_signal(ag_child *child, int signo); /* through the pidfd; 0 or -errno */
/* The same with a value: to a handler it comes as that of sigqueue. */
int ag_child_signal_value(ag_child *child, int signo, int64_t value);
/* Ends it and reaps it, if it is ours: that takes the kernel a moment. */
void ag_child_kill(ag_child *child);
pid_t ag_child_pid(const ag_child *child);
void ag_child_free(ag_child *child); /* stops watching; the process is left alone */
/* From now on every other child that has ended is reaped too, whenever a watched one ends. For a
 * process that adopts orphans (a subreaper) and whose own children are all watched here. */
void ag_loop_reap_orphans(ag_loop *loop);

/* ag_wake_signal may be called from any thread and from a signal handler; calls are coalesced. */
typedef void (*ag_wake_fn)(ag_wake *wake, void *user);
int ag_wake_new(ag_loop *loop, ag_wake_fn fn, void *user, ag_wake **out, argo_error **err);
void ag_wake_signal(ag_wake *wake);
void ag_wake_free(ag_wake *wake);

/* Runs once, at the end of the current iteration (after all ready fds), however often it was
 * scheduled; scheduling inside FN means the next iteration, without a wait. */
typedef void (*ag_defer_fn)(ag_defer *defer, void *user);
int ag_defer_new(ag_loop *loop, ag_defer_fn fn, void *user, ag_defer **out, argo_error **err);
void ag_defer_schedule(ag_defer *defer);
void ag_defer_free(ag_defer *defer);

/* Takes SIGNALS by signalfd, for programs: blocks them in the calling thread first. */
typedef struct ag_signals ag_signals;
typedef void (*ag_signals_fn)(ag_signals *signals, int signo, void *user);
int ag_signals_new(ag_loop *loop, const sigset_t *signals, ag_signals_fn fn, void *user,
                   ag_signals **out, argo_error **err);
void ag_signals_free(ag_signals *signals);

AG_DEFINE_AUTO(ag_loop, ag_loop_free)

#endif
