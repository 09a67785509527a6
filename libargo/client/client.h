/*
 * Typed REST calls to a daemon, on the loop. Finds the daemon of a home (UNIX socket), or speaks
 * to a URL (unix:PATH, http://127.0.0.1:PORT with the token after the daemon has proved itself).
 *
 * Every POST and DELETE carries an Idempotency-Key (or deduplicates otherwise) and so may be
 * repeated: libcurl does it by itself when a reused connection dies.
 */
#ifndef AG_CLIENT_CLIENT_H
#define AG_CLIENT_CLIENT_H

#include "base/context.h"
#include "base/loop.h"
#include "http/http.h"
#include "wire/records.h"

typedef struct ag_client ag_client;
typedef struct ag_call ag_call;

struct ag_client_config {
    argo_context *ctx;
    ag_loop *loop;
    ag_http *http;
    const char *url;   /* NULL: the home's UNIX socket */
    const char *token; /* NULL: the home's token file, for TCP only */
    int64_t epoch;     /* X-Argo-Epoch of an executor, whose run token TOKEN is; 0: none */
};

/* A URL that is none of the above: ARGO_E_INVALID. No connection is made yet. */
int ag_client_new(const struct ag_client_config *config, ag_client **out, argo_error **err);
void ag_client_free(ag_client *c); /* cancels its calls, without callbacks */
/* Sends X-Argo-Client: NAME (an id) with every call; without one nothing is sent. */
int ag_client_set_name(ag_client *c, const char *name, argo_error **err);

struct ag_call_spec {
    enum { AG_CALL_GET, AG_CALL_POST, AG_CALL_DELETE } method;

    const char *path;     /* with its query, already encoded: ag_client_path helps */
    const ag_value *body; /* or NULL */
    int64_t timeout_ms;   /* of one try; 0: 30 s; long polls: their own + 10 s */
    int64_t retry_for_ms; /* go on trying so long, from the first failure, while the daemon is
                             away or says 503; -1: always;
                             0: one try, but up to 5 s while it says 503 with Retry-After (it is
                             being replaced). With jitter, 50 ms doubling to 2 s */
    bool long_poll;       /* a connection of its own */
};

/* REPLY is borrowed and NULL on failure (204 gives null). The handle is gone afterwards. */
typedef void (*ag_call_fn)(const ag_value *reply, const argo_error *err, void *user);

/* FN is called once, from the loop, never from inside. Errors of the daemon keep its code and
 * words; ARGO_E_NO_DAEMON, _TIMEOUT and _PROTOCOL are ours, ARGO_E_DENIED also: what listens on
 * the port has not proved to be our daemon and was shown nothing. */
int ag_client_call(ag_client *c, const struct ag_call_spec *spec, ag_call_fn fn, void *user,
                   ag_call **out, argo_error **err);
void ag_call_cancel(ag_call *call); /* inside FN it does nothing */

/* "/api/workflow/{}/steps" with each {} replaced by a percent-encoded argument (const char *); in
 * a query too. NULL without memory. */
char *ag_client_path(const char *format, ...);
char *ag_client_path_v(const char *format, va_list ap);

#endif
