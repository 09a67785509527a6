/*
 * The runner: takes a run from its checkpoint to its end, one step after the other. A state
 * machine on the loop; everything that is not a process, a file or a CI goes through the port.
 *
 * A step begins only after the completion of the one before it was acknowledged.
 */
#ifndef AG_EXEC_RUNNER_H
#define AG_EXEC_RUNNER_H

#include "base/context.h"
#include "base/loop.h"
#include "exec/port.h"
#include "http/http.h"

typedef struct ag_runner ag_runner;

struct ag_runner_config {
    argo_context *ctx;
    ag_loop *loop;
    ag_http *http; /* for CI steps; NULL: they fail */
    ag_port *port; /* its events are set by the runner */
    /* ARGO_RUN_NONCE: given to commands, and what makes question ids unique. NULL: neither. */
    const char *run_nonce;
};

/* Called once, from the loop. ERR NULL: the end of the run, done or failed, was acknowledged;
 * ARGO_E_FENCED and what else the port lost the run by; ARGO_E_TEMPLATE never (the run fails). */
typedef void (*ag_runner_end_fn)(const argo_error *err, void *user);

int ag_runner_new(const struct ag_runner_config *config, ag_runner_end_fn on_end, void *user,
                  ag_runner **out, argo_error **err);
/* The port must not call back any more: close it before. */
void ag_runner_free(ag_runner *r);
/* Asks the port for the checkpoint, and goes on from there. */
void ag_runner_start(ag_runner *r);
/* Ends what is under way and reports nothing more. DONE from the loop, when no process of a step
 * is left; on_end is not called any more. Once. */
void ag_runner_cancel(ag_runner *r, void (*done)(void *user), void *user);

AG_DEFINE_AUTO(ag_runner, ag_runner_free)

#endif
