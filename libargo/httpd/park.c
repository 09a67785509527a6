/*
 * Parked requests: long polls whose owner waits for something. libmicrohttpd neither times out
 * nor notices a hang-up while a connection is suspended, so both are ours: the connection's timer
 * and EPOLLRDHUP on its fd.
 */
#include <assert.h>

#include "httpd/internal.h"

void ag_park_end(ag_request *req)
{
    if (req->conn == NULL || req->conn->phase != AG_PHASE_PARKED) {
        return;
    }
    ag_io_free(req->hangup);
    req->hangup = NULL;
    req->h->n_parked--;
    ag_conn_enter(req->conn, AG_PHASE_WORK, -1);
}

void ag_park_expired(ag_request *req)
{
    ag_park_end(req);
    req->park_fn(req, false, req->park_user);
}

/* The owner forgets the request; what becomes of it is the caller's business. */
void ag_park_gone(ag_request *req)
{
    ag_park_end(req);
    req->owned = false;
    req->park_fn(req, true, req->park_user);
}

static void on_hangup(ag_io *io, int fd, uint32_t events, void *user)
{
    ag_request *req = user;
    ag_park_gone(req);
    ag_request_cut(req);
}

int ag_request_park(ag_request *req, int64_t deadline_ms,
                    void (*fn)(ag_request *req, bool gone, void *user), void *user,
                    argo_error **err)
{
    ag_httpd *h = req->h;
    assert(req->owned && h != NULL && req->conn->phase == AG_PHASE_WORK);
    if (h->drain != AG_RUNNING) {
        return ag_error_set(err, ARGO_E_SHUTDOWN, "the server is draining");
    }
    if (h->n_parked >= h->config.park_limit) {
        return ag_error_set(err, ARGO_E_WAITERS, "%zu requests are waiting already", h->n_parked);
    }
    int rc =
        ag_io_new(h->config.loop, req->conn->fd, EPOLLRDHUP, on_hangup, req, &req->hangup, err);
    if (rc < 0) {
        return rc;
    }
    req->park_fn = fn;
    req->park_user = user;
    h->n_parked++;
    ag_conn_enter(req->conn, AG_PHASE_PARKED, deadline_ms > 0 ? deadline_ms : 0);
    return 0;
}
