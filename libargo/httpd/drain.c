/*
 * The orderly end: what has been accepted is answered, what idles is closed, and nothing that was
 * already on its way is lost. Works in steps at the end of an iteration, because it may be asked
 * for by a handler.
 */
#include <sys/socket.h>

#include "httpd/internal.h"

/* For a connection that has just been made: its request is on its way. */
#define DRAIN_HEAD_MS 500

static void on_grace(ag_timer *timer, void *user)
{
    ag_httpd *h = user;
    h->drain = AG_DRAINED;
    h->drained(h->drained_user);
}

void ag_httpd_drain(ag_httpd *h, int64_t grace_ms, void (*done)(void *user), void *user)
{
    if (h->drain != AG_RUNNING) {
        return;
    }
    h->drain = AG_DRAIN_ASKED;
    h->drained = done;
    h->drained_user = user;
    if (ag_timer_new(h->config.loop, on_grace, h, &h->grace, NULL) == 0) {
        ag_timer_arm(h->grace, grace_ms);
    }
    ag_defer_schedule(h->turn);
}

static void turn_away(ag_request *req)
{
    AG_AUTO(argo_error) error = NULL;
    ag_error_set(&error, ARGO_E_SHUTDOWN, "try again");
    ag_park_gone(req);
    ag_request_reply_error(req, error);
}

/* Reading is shut down where nothing is owed: what has arrived can still be read, so a request
 * that crossed with this is answered. */
static void begin(ag_httpd *h)
{
    struct ag_list *at;
    struct ag_list *next;
    ag_accept_pending(h);
    ag_accept_close(h);
    ag_list_each(at, next, &h->conns)
    {
        struct ag_conn *conn = AG_CONTAINER_OF(at, struct ag_conn, link);
        if (conn->phase == AG_PHASE_PARKED) {
            turn_away(conn->req);
        } else if (conn->phase == AG_PHASE_STREAM) {
            ag_stream_drain(conn->req);
        } else if (conn->phase == AG_PHASE_IDLE) {
            shutdown(conn->fd, SHUT_RD);
        } else if (conn->phase == AG_PHASE_HEAD) {
            ag_conn_enter(conn, AG_PHASE_HEAD, DRAIN_HEAD_MS);
        }
    }
}

bool ag_drain_step(ag_httpd *h)
{
    if (h->drain == AG_DRAIN_ASKED) {
        h->drain = AG_DRAINING;
        begin(h);
    }
    if (h->drain == AG_DRAINING && h->n_conns == 0) {
        h->drain = AG_DRAINED;
        ag_timer_disarm(h->grace);
        h->drained(h->drained_user);
        return true;
    }
    return false;
}
