/*
 * The workflow executor: runs one workflow against a daemon. This is all that
 * argo_workflow_executor does.
 *
 * Thread-safety: an argo_executor belongs to one thread; argo_executor_stop and
 * argo_executor_was_stopped alone may be called from any thread and from a signal handler.
 */
#ifndef ARGO_EXECUTOR_H
#define ARGO_EXECUTOR_H

#include <argo/context.h>

ARGO_BEGIN_DECLS

typedef struct argo_executor argo_executor;

struct argo_executor_options {
    size_t size;             /* set by ARGO_EXECUTOR_OPTIONS_INIT */
    const char *url;         /* of the daemon; NULL: the home's UNIX socket */
    const char *workflow_id; /* required */
    const char *token;       /* the run's token, required; copied */
    int64_t epoch;           /* required */
    const char *lock_file;   /* locked while the executor lives; NULL: none */
    int reap_orphans;        /* 1: the process is a subreaper and has no children but the
                                executor's: what steps leave behind is reaped */
};

#define ARGO_EXECUTOR_OPTIONS_INIT                                         \
    {                                                                      \
        sizeof(struct argo_executor_options), NULL, NULL, NULL, 0, NULL, 0 \
    }

/* Takes the lock and prepares; nothing is sent yet. Errors: ARGO_E_INVALID, ARGO_E_LOCKED (this
 * run has an executor). Since: 0.1 */
ARGO_PUBLIC int argo_executor_new(argo_context *ctx, const struct argo_executor_options *options,
                                  argo_executor **out, argo_error **err);
ARGO_PUBLIC void argo_executor_free(argo_executor *executor);

/* Runs the workflow to its end. Blocks. 0: the end was reported (done or failed alike);
 * ARGO_E_FENCED: a newer executor owns the run; ARGO_E_CANCELLED: stopped. Since: 0.1 */
ARGO_PUBLIC int argo_executor_run(argo_executor *executor, argo_error **err);

/* Stops: the step under way is cancelled, its processes are ended, nothing is reported. Any
 * thread, any signal handler. Since: 0.1 */
ARGO_PUBLIC void argo_executor_stop(argo_executor *executor);

/* Makes this process the one that a daemon forks its executors from, when it was started for that,
 * with the daemon's socket as fd 3. Returns 1 in each of them, with the environment of its run and the
 * fd of its token: to go on as if it had been started just now. Returns 0 when the daemon has gone or
 * has wanted nothing for IDLE_MS. Blocks. To be called before there is a second thread. Errors:
 * ARGO_E_INVALID (forks are not safe here), ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_executor_warm(int64_t idle_ms, argo_error **err);

/* For the handler of SIGCONT, where the program is paused by SIGSTOP: time limits of steps have not
 * run meanwhile. TOTAL_MS is the length of all pauses of the run so far; the daemon's SIGCONT carries
 * it (si_code SI_QUEUE, si_value.sival_ptr). Any thread, any signal handler. Since: 0.1 */
ARGO_PUBLIC void argo_executor_was_stopped(argo_executor *executor, int64_t total_ms);

ARGO_END_DECLS

#endif
