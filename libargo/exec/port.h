/*
 * The port: how the runner reaches its surroundings. Two adapters implement it in engine/: over
 * the client (the executor process) and in process (an engine without a daemon).
 *
 * Every call is asynchronous: FN runs once from the loop, never from inside the call, unless the
 * port is closed first. A port keeps the order of its calls. Failures that may pass (daemon away)
 * are retried by the adapter and never reach the runner; what does is final: ARGO_E_FENCED (a
 * newer executor owns the run: stop at once and write nothing), or a refusal of this request.
 */
#ifndef AG_EXEC_PORT_H
#define AG_EXEC_PORT_H

#include "io/channel.h"

typedef struct ag_port ag_port;

typedef void (*ag_port_done_fn)(const argo_error *err, void *user);
typedef void (*ag_port_checkpoint_fn)(const struct ag_checkpoint *checkpoint, const argo_error *err,
                                      void *user);
typedef void (*ag_port_question_fn)(const struct ag_question *question, const argo_error *err,
                                    void *user);
typedef void (*ag_port_ci_fn)(const struct ag_ci *ci, const struct ag_ci *upstream,
                              const argo_error *err, void *user);

struct ag_port_ops {
    void (*checkpoint)(ag_port *p, ag_port_checkpoint_fn fn, void *user);
    void (*step_start)(ag_port *p, const struct ag_step_start *start, ag_port_done_fn fn,
                       void *user);
    void (*step_complete)(ag_port *p, const struct ag_step_complete *complete, ag_port_done_fn fn,
                          void *user);
    /* Idempotent by question_id; FN gets the question with its answer if there is one. */
    void (*question)(ag_port *p, const struct ag_question *question, ag_port_question_fn fn,
                     void *user);
    /* The CI by name; NULL: the one with role "default", else FALLBACK (or NULL), else the only one
     * that is registered. With the CI that it records, if any. */
    void (*ci)(ag_port *p, const char *name, const char *fallback, ag_port_ci_fn fn, void *user);
    /* `workflow_complete`, after everything queued before it. */
    void (*finish)(ag_port *p, const struct ag_finish *finish, ag_port_done_fn fn, void *user);
    /* Leaves the waiting to the daemon. ERR NULL: the run is parked, its executor must end.
     * ARGO_E_STATE: something has arrived, or a time has come: go on. */
    void (*park)(ag_port *p, const struct ag_park *park, ag_port_done_fn fn, void *user);
    /* Wants input and answers from now on (a long poll for both), or not any more. */
    void (*listen)(ag_port *p, bool wanted);
};

/* What comes by itself; set by the runner. Lines and answers come by the channel. */
struct ag_port_events {
    void (*message)(const struct ag_message *message, void *user); /* pause resume abort ... */
    void (*lost)(const argo_error *err, void *user); /* fenced or refused for good: stop */
};

struct ag_port {
    const struct ag_port_ops *ops;
    /* The run's output and input, the adapter's. What is written there arrives in order with the
     * calls: before a completion, a question or the end that is reported after it. */
    argo_io_channel *channel;
    struct ag_port_events events;
    void *events_user;
};

#endif
