/*
 * Counters of requests, and GET /metrics. Nobody outside this directory includes this.
 */
#ifndef AG_DAEMON_METRICS_H
#define AG_DAEMON_METRICS_H

#include "daemon/internal.h"

int ag_metrics_new(size_t n_routes, ag_metrics **out, argo_error **err);
void ag_metrics_free(ag_metrics *m);
/* A request is over. ROUTE: its number in the table, N_ROUTES for none; STATUS 0: no reply was sent. */
void ag_metrics_count(ag_metrics *m, size_t route, int status, int64_t micros);
/* All of them in the text format of Prometheus, version 0.0.4. */
void ag_metrics_print(struct argo_daemon *daemon, struct ag_buf *out);

#endif
