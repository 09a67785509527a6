/*
 * What the files of the server share: the server, its connections and requests, and who may touch
 * which. Nobody outside this directory includes it; libmicrohttpd goes no further than this.
 *
 * A connection lives from accept to MHD's notice that it has closed. A request lives until both
 * sides are done with it: MHD (h becomes NULL) and its owner, the handler's side (owned).
 */
#ifndef AG_HTTPD_INTERNAL_H
#define AG_HTTPD_INTERNAL_H

#include <microhttpd.h>

#include "base/buf.h"
#include "base/list.h"
#include "httpd/guard.h"
#include "httpd/httpd.h"
#include "httpd/router.h"

/* What a connection's one timer stands for. */
enum ag_phase {
    AG_PHASE_HEAD, /* a head must arrive: fresh, or its request line has */
    AG_PHASE_BODY,
    AG_PHASE_WORK, /* the handler's side has it: no limit but the one it parks with */
    AG_PHASE_PARKED,
    AG_PHASE_STREAM, /* the client must take what it is sent */
    AG_PHASE_SEND,
    AG_PHASE_IDLE /* kept alive between requests */
};

struct ag_conn {
    struct ag_list link; /* h->conns or h->arriving */
    ag_httpd *h;
    int fd; /* MHD's, which closes it */
    uint16_t port;
    uint16_t peer_port;
    bool is_unix;
    pid_t peer_pid;
    int64_t slot;
    enum ag_phase phase;
    ag_timer *timer;
    ag_request *req; /* under way, or NULL */
};

struct ag_listener {
    struct ag_list link;
    ag_httpd *h;
    int fd;
    uint16_t port;
    bool is_unix;
    ag_io *io;
};

struct ag_httpd {
    struct ag_httpd_config config; /* limits filled in */
    ag_router *router;
    struct MHD_Daemon *mhd;
    ag_io *mhd_io;       /* MHD's own epoll fd */
    ag_timer *mhd_timer; /* when MHD wants to be run without an event */
    ag_timer *retry;     /* accepting again after the fds ran out */
    ag_timer *grace;     /* end of the drain */
    ag_defer *turn;      /* end of the iteration: resumes, drain */
    struct ag_list listeners;
    struct ag_list conns;
    struct ag_list arriving; /* given to MHD, not yet taken up by it */
    struct ag_list resumes;  /* requests */
    size_t n_conns;
    size_t n_parked;
    bool blocks_checkable; /* this MHD cuts heads up in the way ag_guard_block knows */
    bool accept_paused;

    enum { AG_RUNNING, AG_DRAIN_ASKED, AG_DRAINING, AG_DRAINED } drain;

    void (*drained)(void *user);
    void *drained_user;
};

struct ag_request {
    ag_httpd *h; /* NULL: MHD is done with it */
    struct ag_conn *conn;
    struct MHD_Connection *mhd;
    int64_t started_us;
    char *raw; /* the target as it came */
    struct ag_target target;
    char *segments; /* the path again, cut up for the parameters */
    struct ag_match match;
    const struct ag_route *route;
    enum ag_method method;
    const char *verb; /* static; NULL: not known yet, or no word */
    bool head;        /* HEAD */
    bool met;         /* the first call of the handler is behind us */
    bool has_body;    /* one was announced */
    bool must_close;  /* after the reply: what follows cannot be trusted or has not been read */
    bool called;      /* the route's handler */
    bool owned;       /* by the handler's side: a reply is due, or more of it */
    bool settled;     /* the reply stands */
    bool cut;         /* there is nobody to reply to: close */
    bool suspended;
    struct ag_buf body;
    size_t dropped; /* bytes of the body of a refused request */
    ag_value *value;
    int64_t principal;
    int64_t spare_slot; /* when the connection has gone */
    int status;         /* of the reply; 0: none */
    struct MHD_Response *response;
    struct ag_list resume;
    ag_io *hangup; /* while parked, or a stream */
    void (*park_fn)(ag_request *req, bool gone, void *user);
    void *park_user;
    const struct ag_reply_source *source; /* of a stream, else NULL */
    void *source_user;
    struct ag_buf portion; /* of a stream, from `taken` on not yet sent */
    size_t taken;
    void (*sent_fn)(bool sent, void *user);
    void *sent_user;
};

/* server.c */
void ag_httpd_run(ag_httpd *h); /* lets MHD work; not from its callbacks */

/* accept.c */
int ag_accept_open(ag_httpd *h, int fd, bool is_unix, argo_error **err);
void ag_accept_close(ag_httpd *h);    /* all listeners */
void ag_accept_pending(ag_httpd *h);  /* takes what waits */
void ag_accept_continue(ag_httpd *h); /* after a pause */
void ag_arriving_forget(ag_httpd *h); /* those that MHD refused */
struct ag_conn *ag_arriving_take(ag_httpd *h, int fd);
void ag_conn_enter(struct ag_conn *conn, enum ag_phase phase, int64_t ms); /* MS < 0: no limit */
void ag_conn_free(struct ag_conn *conn);

/* request.c: MHD's callbacks, and the end of a request. */
void *ag_request_line(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result ag_request_step(void *cls, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **con_cls);
void ag_request_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                          enum MHD_RequestTerminationCode toe);
void ag_request_drop(ag_request *req); /* frees it when both sides are done */
void ag_request_cut(ag_request *req);  /* closes without a reply; MHD calls back later */
void ag_request_wake(ag_request *req); /* resumes it at the end of the iteration */

/* reply.c */
bool ag_reply_headers(struct MHD_Response *response, const char *type); /* those of every reply */
/* The reply stands. RESPONSE NULL: there was no memory for it, the connection closes. */
void ag_reply_settle(ag_request *req, int status, struct MHD_Response *response);
enum MHD_Result ag_reply_send(ag_request *req);
void ag_reply_raw(ag_request *req, const argo_error *error); /* past MHD, before a cut */

/* park.c */
void ag_park_end(ag_request *req);     /* nothing when it is not parked */
void ag_park_expired(ag_request *req); /* by the connection's timer */
void ag_park_gone(ag_request *req);

/* stream.c */
void ag_stream_gone(ag_request *req); /* the owner forgets it */
void ag_stream_drain(ag_request *req);

/* drain.c: one step; true when the server may have been freed. */
bool ag_drain_step(ag_httpd *h);

#endif
