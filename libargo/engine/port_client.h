/*
 * The runner's port over the client: what an executor process uses. One request at a time, in the
 * order of the calls; output that gathers meanwhile travels together.
 */
#ifndef AG_ENGINE_PORT_CLIENT_H
#define AG_ENGINE_PORT_CLIENT_H

#include "client/client.h"
#include "exec/port.h"

struct ag_port_client_config {
    argo_context *ctx;
    ag_loop *loop;
    ag_client *client;
    const char *workflow_id;
    int64_t poll_s; /* how long one poll lasts at most; the checkpoint may say less */
};

int ag_port_client_new(const struct ag_port_client_config *config, ag_port **out, argo_error **err);
void ag_port_client_free(ag_port *port); /* no callback follows */

#endif
