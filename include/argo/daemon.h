/*
 * The daemon: REST API, registry, workflow table, supervision of executors.
 *
 * A program either runs it (argo_daemon_run) or embeds it in its own event loop: wait until the fd
 * of argo_daemon_get_fd is readable or the timeout has passed, then call argo_daemon_dispatch.
 *
 * Thread-safety: an argo_daemon belongs to one thread; argo_daemon_stop alone may be called from
 * any thread and from a signal handler.
 */
#ifndef ARGO_DAEMON_H
#define ARGO_DAEMON_H

#include <argo/context.h>

ARGO_BEGIN_DECLS

typedef struct argo_daemon argo_daemon;

/* Port meanings for argo_daemon_options.port. */
#define ARGO_PORT_DEFAULT 9876

struct argo_daemon_options {
    size_t size;           /* set by ARGO_DAEMON_OPTIONS_INIT */
    int port;              /* -1: 9876, or any free one when it is taken; 0: any; else exactly it */
    int no_tcp;            /* not 0: the UNIX socket only */
    const char *executor;  /* absolute path of argo_workflow_executor; NULL: the installed one */
    const char *templates; /* directory of installed templates; NULL: the installed one */
    int64_t park_after_ms; /* how long an executor waits for an answer before its process ends; 0
                              allowed */
    int64_t grace_ms;      /* between TERM and KILL when a run is abandoned; 0: 5,000 */
    int64_t files;         /* soft RLIMIT_NOFILE of executors; 0: as this process has it */
    int64_t output_max;    /* bytes of a run's output that are kept for reading, at least 2 MiB: the
                              oldest beyond goes to the run's log file; 0: 64 MiB */
    int64_t stall_after_ms; /* a run whose executor has not been heard of for so long is shown as
                               `stalled`; executors ask twice as often; 0: 120,000 */
    int64_t heartbeat_ms;   /* between heartbeats of a CI that sends some, at most a day;
                               0: 30,000 */
    int heartbeat_misses;   /* after so many that are missing it is shown as `error`, after as many
                               again as `stopped`; at most 1,000; 0: 3 */
    int64_t warm_for_ms; /* how long a process that executors are forked from stays after the last
                               launch; 0: there is none, each executor loads its program */
};

#define ARGO_DAEMON_OPTIONS_INIT                                                              \
    {                                                                                         \
        sizeof(struct argo_daemon_options), -1, 0, NULL, NULL, 10000, 0, 0, 0, 0, 0, 0, 60000 \
    }

/* Prepares the home, takes its lock, opens the store, listens, adopts and resumes the runs. Does
 * not return before requests can be accepted. Blocks for the store's opening only. Errors:
 * ARGO_E_LOCKED (another daemon holds the home; the details name its pid), ARGO_E_DENIED (home not
 * private), ARGO_E_CORRUPT (the details name the file and how to repair), ARGO_E_SYSTEM (port
 * taken ...). OPTIONS may be NULL. CTX must outlive the daemon. Since: 0.1 */
ARGO_PUBLIC int argo_daemon_new(argo_context *ctx, const struct argo_daemon_options *options,
                                argo_daemon **out, argo_error **err);
/* Ends at once what is still open. Executors go on without it. NULL is allowed. Since: 0.1 */
ARGO_PUBLIC void argo_daemon_free(argo_daemon *daemon);

/* The TCP port that is listened on, 0 for none. Since: 0.1 */
ARGO_PUBLIC uint16_t argo_daemon_port(const argo_daemon *daemon);

/* For a host's own loop: the fd (owned by DAEMON, -1 for NULL), the poll events to wait for on it,
 * and the milliseconds to wait at most: 0 for at once, -1 for no limit. Ask again after each
 * dispatch. Since: 0.1 */
ARGO_PUBLIC int argo_daemon_get_fd(const argo_daemon *daemon);
ARGO_PUBLIC short argo_daemon_get_events(const argo_daemon *daemon);
ARGO_PUBLIC int argo_daemon_get_timeout(const argo_daemon *daemon);

/* Does what can be done without blocking. 1: the daemon has stopped, after argo_daemon_stop or
 * because a client asked it to, and nothing is left to do; else 0. Errors: ARGO_E_INVALID,
 * ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_daemon_dispatch(argo_daemon *daemon, argo_error **err);

/* Dispatches until it has stopped. Blocks. Since: 0.1 */
ARGO_PUBLIC int argo_daemon_run(argo_daemon *daemon, argo_error **err);

/* Asks it to stop: no new connections, requests under way are answered, everything committed.
 * Any thread, any signal handler. Since: 0.1 */
ARGO_PUBLIC void argo_daemon_stop(argo_daemon *daemon);

/* Repairs the store of CTX's home offline, under its lock; a copy of the damaged file is kept.
 * *REPORT (may be NULL) is text that the caller frees. Blocks. Since: 0.1 */
ARGO_PUBLIC int argo_daemon_repair(argo_context *ctx, char **report, argo_error **err);

ARGO_END_DECLS

#endif
