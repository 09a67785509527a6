/*
 * HTTP requests on the loop (libcurl's multi socket interface). The only place that sees libcurl.
 *
 * Callbacks run from the loop, never from inside ag_http_start or ag_http_cancel, and never from
 * inside libcurl: a callback may start, cancel and free whatever it likes.
 */
#ifndef AG_HTTP_HTTP_H
#define AG_HTTP_HTTP_H

#include "base/buf.h"
#include "base/context.h"
#include "base/loop.h"

typedef struct ag_http ag_http;
typedef struct ag_transfer ag_transfer;

struct ag_http_request {
    const char *method;         /* "GET", "POST", "DELETE" */
    const char *url;            /* http or https only; no redirects are followed */
    const char *unix_socket;    /* path, or NULL */
    const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
    const char *body;           /* copied; NULL: none */
    size_t body_len;
    int64_t connect_timeout_ms; /* 0: 10 s */
    int64_t timeout_ms;         /* whole transfer; 0: none */
    int64_t idle_timeout_ms;    /* no byte received for so long; 0: none */
    size_t max_response;        /* 0: 16 MiB; more is ARGO_E_TOO_LARGE */
    bool local;                 /* a daemon: no proxy whatever the environment says */
    bool multiplex_never;       /* a connection of its own, not kept: for long polls */
    bool reuse_only;            /* never over a new connection: ARGO_E_NO_DAEMON before a byte of
                                   the request is sent */
};

struct ag_http_response {
    int status;       /* 0 when no reply came */
    const char *body; /* NUL-terminated; empty when on_data took it */
    size_t body_len;
    int64_t retry_after_ms;   /* from Retry-After (seconds or date), -1 when absent */
    const char *content_type; /* or "" */
};

struct ag_http_events {
    /* Body bytes as they come, only for 2xx replies; NULL: gathered for on_done. A non-zero
     * return ends the transfer with that code. */
    int (*on_data)(const char *data, size_t len, void *user);
    /* Once. ERR NULL: a complete reply of whatever status. Else ARGO_E_NO_DAEMON (could not
     * connect; over a UNIX socket the details are the reason alone), ARGO_E_TIMEOUT, ARGO_E_TOO_LARGE, ARGO_E_PROTOCOL (everything else), or what
     * on_data returned; `response->status` is kept when the head had come. The handle is gone
     * afterwards; cancelling it in here does nothing. */
    void (*on_done)(const struct ag_http_response *response, const argo_error *err, void *user);
};

/* For a process that will fork with raw system calls: what can be prepared for all its children is;
 * ARGO_E_INVALID when the TLS library would not notice a fork. */
int ag_http_prepare_forks(argo_error **err);
int ag_http_new(ag_loop *loop, argo_context *ctx, ag_http **out, argo_error **err);
void ag_http_free(ag_http *http); /* cancels everything, without callbacks */
int ag_http_start(ag_http *http, const struct ag_http_request *request,
                  const struct ag_http_events *events, void *user, ag_transfer **out,
                  argo_error **err);
void ag_http_cancel(ag_transfer *transfer); /* no callback follows; the handle is gone */

/* What callers must know of a URL before they trust it. */
struct ag_http_url {
    bool https;
    bool loopback; /* 127.0.0.0/8, ::1 or localhost, by name and not by resolving it */
    uint16_t port;
};

/* ARGO_E_INVALID for what is no http or https URL. */
int ag_http_url_read(const char *url, struct ag_http_url *out, argo_error **err);

/* How long to wait before try number TRY + 1 (TRY from 1): FIRST_MS doubling to MAX_MS, the upper
 * half of it random, so that many callers do not come back together. */
int64_t ag_http_backoff_ms(unsigned try, int64_t first_ms, int64_t max_ms);

#endif
