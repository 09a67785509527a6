/*
 * The HTTP server: listeners, the guard before any route, one choke point for authorisation, the
 * router, parked requests and drain. Knows nothing of workflows.
 *
 * libmicrohttpd runs without threads of its own inside our loop; everything here is called from
 * the loop. A handler may reply at once or later: until ag_request_reply the connection is
 * suspended. Resumes are collected and run once an iteration.
 */
#ifndef AG_HTTPD_HTTPD_H
#define AG_HTTPD_HTTPD_H

#include <sys/types.h>

#include "base/context.h"
#include "base/loop.h"
#include "wire/value.h"

typedef struct ag_httpd ag_httpd;
typedef struct ag_request ag_request;

enum ag_method { AG_GET, AG_POST, AG_DELETE };

/* Who may call a route; decided by the `authorize` hook before the handler runs. */
enum ag_access {
    AG_ACCESS_PUBLIC,   /* without a token */
    AG_ACCESS_USER,     /* the owner */
    AG_ACCESS_EXECUTOR, /* the run's token, for the run named in {id} */
    AG_ACCESS_BOTH,     /* the owner, or a process of a run for what concerns that run */
    AG_ACCESS_EITHER    /* the owner, or the run's token, for the run named in {id} */
};

typedef void (*ag_handler)(ag_request *req, void *user);

/* Patterns are absolute paths with {name} segments: "/api/workflow/{id}/steps". Literal segments
 * win over {name}, left to right. HEAD is answered wherever GET is. */
struct ag_route {
    enum ag_method method;
    const char *pattern;
    enum ag_access access;
    ag_handler handler;
};

struct ag_httpd_config {
    argo_context *ctx;
    ag_loop *loop;
    const struct ag_route *routes;
    size_t n_routes;
    void *user; /* of handlers and hooks */
    /* Returns 0, ARGO_E_NO_TOKEN or ARGO_E_DENIED. Runs after the guard and the router (so
     * that the route's access and parameters are known) and before the body is read. */
    int (*authorize)(ag_request *req, const struct ag_route *route, void *user, argo_error **err);
    /* Called after each reply was sent or given up, for request logging; may be NULL. STATUS is
     * that of the reply, whether or not all of it has arrived; 0: there is none. */
    void (*finished)(ag_request *req, int status, int64_t micros, void *user);
    /* Further acceptable Host names (without port; any port goes), NULL-terminated, or NULL.
     * Routes and hosts are borrowed: they outlive the server. */
    const char *const *hosts;
    size_t body_max;                                             /* 0: AG_MAX_BODY */
    int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms; /* 0: 10 s, 30 s, 120 s */
    int64_t stall_timeout_ms;  /* a stream whose client takes nothing is cut; 0: 5 min */
    unsigned connection_limit; /* 0: 10,240, or less when the fd limit is lower */
    unsigned park_limit;       /* of those parked and of streams together; 0: a quarter of
                                  connection_limit, at most 16,384 */
};

int ag_httpd_new(const struct ag_httpd_config *config, ag_httpd **out, argo_error **err);
/* Takes over a listening socket (on failure it stays the caller's). Several may be added before and
 * while it runs. LOCAL_UNIX: peers are checked by SO_PEERCRED (another uid is closed at once). TCP:
 * Host needs PORT. */
int ag_httpd_listen(ag_httpd *h, int listen_fd, bool local_unix, argo_error **err);
/* Takes what waits to be accepted, closes the listening sockets (an owner who needs one later
 * keeps a dup), answers what is under way with Connection: close, gives every parked request
 * 1304 unless its owner has replied (the owner is told by FN with GONE), has every stream ended,
 * and calls DONE when the last connection has gone or after GRACE_MS. After DONE only
 * ag_httpd_free may follow. */
void ag_httpd_drain(ag_httpd *h, int64_t grace_ms, void (*done)(void *user), void *user);
/* Parked requests and streams are dropped (FN with GONE, `gone`). A request that an owner still holds
 * lives until he replies: that reply goes nowhere. Not from a handler. */
void ag_httpd_free(ag_httpd *h);
size_t ag_httpd_connections(const ag_httpd *h);
size_t ag_httpd_waiting(const ag_httpd *h); /* parked requests and streams */

/* Helpers to make listening sockets (O_CLOEXEC, nonblocking). Port 0: any. */
/* On 127.0.0.1. A port that is taken is ARGO_E_EXISTS. */
int ag_listen_tcp(uint16_t port, int *out_fd, uint16_t *out_port, argo_error **err);
/* A stale socket file is replaced, one that answers is ARGO_E_EXISTS; paths beyond sun_path go
 * through /proc/self/fd. Mode 0600. */
int ag_listen_unix(const char *path, int *out_fd, argo_error **err);

/* ---- a request ----------------------------------------------------------------------------- */

enum ag_method ag_request_method(const ag_request *req);
bool ag_request_is_head(const ag_request *req);
/* As it came, also where there is no such route; "-" for one that is no word. Static. */
const char *ag_request_verb(const ag_request *req);
const char *ag_request_target(const ag_request *req);           /* path and query as they came */
const struct ag_route *ag_request_route(const ag_request *req); /* NULL before routing */
const char *ag_request_param(const ag_request *req, const char *name); /* {name}; decoded */
const char *ag_request_query(const ag_request *req, const char *name); /* decoded, or NULL */
const char *ag_request_header(const ag_request *req, const char *name);
bool ag_request_is_unix(const ag_request *req);
pid_t ag_request_peer_pid(const ag_request *req);     /* of a UNIX peer, else 0 */
uint16_t ag_request_port(const ag_request *req);      /* that was listened on; 0 for UNIX */
uint16_t ag_request_peer_port(const ag_request *req); /* the client's; 0 for UNIX */
/* The body: an object; {} when there was none. Borrowed. */
const ag_value *ag_request_body(const ag_request *req);
const char *ag_request_body_text(const ag_request *req, size_t *len);

/* A number the authorize hook leaves for the handler: the run whose token was shown, 0 for the
 * owner, -1 for nobody. */
void ag_request_set_principal(ag_request *req, int64_t principal);
int64_t ag_request_principal(const ag_request *req);
/* A number kept per connection (starts at 0), for facts about the peer that need looking up only
 * once, e.g. which run it descends from. */
int64_t *ag_request_connection_slot(ag_request *req);

/* Replies; exactly one per request, from the handler or later. Each takes over its value, and
 * none fails visibly: without memory a static 1399 is sent. A HEAD gets no body. Accept:
 * application/problem+json turns error replies into RFC 9457. */
void ag_request_reply(ag_request *req, int status, ag_value *body);
/* BODY is JSON, or has failed; it is empty afterwards. */
void ag_request_reply_json(ag_request *req, int status, struct ag_buf *body);
void ag_request_reply_text(ag_request *req, int status, const char *content_type, char *text,
                           size_t len); /* takes over TEXT (malloc) */
void ag_request_reply_empty(ag_request *req, int status);
/* Status and body from the error; adds Retry-After for 503 and WWW-Authenticate for 401. The
 * error stays the caller's. */
void ag_request_reply_error(ag_request *req, const argo_error *error);

/* Parks: FN is called once when DEADLINE_MS (from now) has passed, or with GONE true when the
 * client has hung up (then the request is already dead: do not reply, forget it). A client that
 * shuts down its sending side counts as gone. Not called when the request is replied to before.
 * Returns ARGO_E_WAITERS when too many are parked in all, ARGO_E_SHUTDOWN while draining. */
int ag_request_park(ag_request *req, int64_t deadline_ms,
                    void (*fn)(ag_request *req, bool gone, void *user), void *user,
                    argo_error **err);

/* ---- replies that go on -------------------------------------------------------------------- */

/* The owner of a stream. Each call may write and end; none may block. */
struct ag_reply_source {
    /* Everything written before has been taken: write the next portion (at most 4 MiB, better some
     * 10 KiB), or end, or do nothing and be asked again after ag_request_stream_wake. */
    void (*pull)(ag_request *req, void *user);
    /* The server drains: write the last words, and end. */
    void (*drain)(ag_request *req, void *user);
    /* The client has hung up, or has taken nothing for too long, or there was no memory: the
     * request is dead, forget it. A client that shuts down its sending side counts as gone. Not
     * called after the end. */
    void (*gone)(ag_request *req, void *user);
};

/* Replies 200 with a body that goes on until it is ended; chunked, or until the connection closes
 * in HTTP/1.0. Returns 1 for HEAD, which has been answered then: there is no stream. On failure
 * the request is still to be replied to: ARGO_E_WAITERS when too many wait in all, ARGO_E_SHUTDOWN
 * while draining. SOURCE is borrowed. */
int ag_request_stream_begin(ag_request *req, const char *content_type,
                            const struct ag_reply_source *source, void *user, argo_error **err);
/* Adds to the portion. Nothing fails visibly: without memory, or when it is too much, the client is
 * cut off, and sees that the reply is not complete. */
void ag_request_stream_write(ag_request *req, const void *data, size_t len);
/* There is more: `pull` is called as soon as the client can take it. For outside of `pull`. */
void ag_request_stream_wake(ag_request *req);
/* After what was written the reply is complete; forget the request. */
void ag_request_stream_end(ag_request *req);

/* Called once when the reply was sent completely (SENT) or not; for cursors that move only then.
 * May be set from the handler on. */
void ag_request_on_sent(ag_request *req, void (*fn)(bool sent, void *user), void *user);

#endif
