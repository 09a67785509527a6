/*
 * Replies that go on: the owner is asked for more whenever the client has taken what there was, so
 * a slow client costs one portion and holds nobody up. In between the connection is suspended, and
 * as for parked requests noticing a hang-up is ours.
 */
#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "httpd/internal.h"

/* MHD allocates it for each, and uses it for HTTP/1.0 only: chunks are made in the pool. */
#define BLOCK_SIZE 2048

/* Of one portion. An owner that writes more is cut off. */
#define PORTION_MAX ((size_t)4 * 1024 * 1024)

/* The owner is no longer asked; what has been written still goes out. */
static void leave(ag_request *req)
{
    ag_io_free(req->hangup);
    req->hangup = NULL;
    req->owned = false;
    req->h->n_parked--;
}

void ag_stream_gone(ag_request *req)
{
    leave(req);
    req->source->gone(req, req->source_user);
}

static void cut(ag_request *req)
{
    shutdown(req->conn->fd, SHUT_RDWR); /* MHD may be waiting to send */
    ag_request_cut(req);
}

static void on_hangup(ag_io *io, int fd, uint32_t events, void *user)
{
    ag_request *req = user;
    ag_stream_gone(req);
    cut(req);
}

void ag_stream_drain(ag_request *req)
{
    req->source->drain(req, req->source_user);
    if (req->owned) {
        ag_request_stream_end(req);
    }
}

static ssize_t hand_out(ag_request *req, char *buf, size_t max)
{
    size_t left = req->portion.len - req->taken;
    size_t n = left < max ? left : max;
    memcpy(buf, req->portion.data + req->taken, n);
    req->taken += n;
    if (n == left) {
        ag_buf_free(&req->portion);
        req->taken = 0;
    }
    if (req->owned) {
        ag_conn_enter(req->conn, AG_PHASE_STREAM, req->h->config.stall_timeout_ms);
    }
    return (ssize_t)n;
}

/* Called by MHD whenever it can send. */
static ssize_t read_portion(void *cls, uint64_t pos, char *buf, size_t max)
{
    ag_request *req = cls;
    if (req->portion.len == 0 && req->owned && !req->cut) {
        req->source->pull(req, req->source_user);
    }
    if (req->cut || req->portion.failed != 0) {
        /* MHD does not clean up after a reader's error until something else happens to the
         * connection; after an error of its own it does, and this is one: nothing more can be sent. */
        cut(req);
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (req->portion.len > 0) {
        return hand_out(req, buf, max);
    }
    if (!req->owned) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    ag_conn_enter(req->conn, AG_PHASE_STREAM, -1);
    req->suspended = true;
    MHD_suspend_connection(req->mhd);
    return 0;
}

static int open_response(ag_request *req, const char *type, argo_error **err)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_portion, req, NULL);
    if (response == NULL) {
        return ag_error_nomem(err);
    }
    if (req->head) {
        /* Else MHD would send the last chunk of a body that there is not. */
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    }
    if (!ag_reply_headers(response, type)) {
        MHD_destroy_response(response);
        return ag_error_nomem(err);
    }
    req->must_close = true; /* nothing follows a reply that long */
    ag_reply_settle(req, 200, response);
    return 0;
}

static int enter(ag_request *req, argo_error **err)
{
    ag_httpd *h = req->h;
    if (h == NULL || h->drain != AG_RUNNING) {
        return ag_error_set(err, ARGO_E_SHUTDOWN, "the server is draining");
    }
    if (h->n_parked >= h->config.park_limit) {
        return ag_error_set(err, ARGO_E_WAITERS, "%zu requests are waiting already", h->n_parked);
    }
    int rc =
        ag_io_new(h->config.loop, req->conn->fd, EPOLLRDHUP, on_hangup, req, &req->hangup, err);
    if (rc == 0) {
        h->n_parked++;
    }
    return rc;
}

int ag_request_stream_begin(ag_request *req, const char *content_type,
                            const struct ag_reply_source *source, void *user, argo_error **err)
{
    assert(req->owned && (req->h == NULL || req->conn->phase == AG_PHASE_WORK));
    if (req->head) {
        int rc = open_response(req, content_type, err);
        return rc < 0 ? rc : 1;
    }
    int rc = enter(req, err);
    if (rc < 0) {
        return rc;
    }
    ag_buf_init(&req->portion, PORTION_MAX);
    req->source = source;
    req->source_user = user;
    rc = open_response(req, content_type, err);
    if (rc < 0) {
        req->source = NULL;
        leave(req);
        req->owned = true;
    }
    return rc;
}

void ag_request_stream_write(ag_request *req, const void *data, size_t len)
{
    assert(req->source != NULL && req->owned);
    ag_buf_add(&req->portion, data, len);
}

void ag_request_stream_wake(ag_request *req)
{
    assert(req->source != NULL && req->owned);
    ag_request_wake(req);
}

void ag_request_stream_end(ag_request *req)
{
    assert(req->source != NULL && req->owned);
    leave(req);
    ag_conn_enter(req->conn, AG_PHASE_SEND, req->h->config.body_timeout_ms);
    ag_request_wake(req);
}
