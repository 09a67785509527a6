/*
 * A server on both transports with a handful of routes, and what its handlers have seen. The
 * client's reads pump the loop, so a test reads as a plain dialogue.
 */
#ifndef TESTS_UNIT_HTTPD_FIXTURE_H
#define TESTS_UNIT_HTTPD_FIXTURE_H

#include "base/buf.h"
#include "httpd/httpd.h"
#include "lib/rawclient.h"

#define WAITING_MAX 16
#define STREAMS_MAX 400

enum transport { OVER_TCP, OVER_UNIX, N_TRANSPORTS };

/* One reader of the server's feed: GET /stream. */
struct stream {
    struct server *server;
    ag_request *req; /* NULL: it has ended */
    size_t at;
    unsigned pulls;
};

struct server {
    ag_loop *loop;
    ag_httpd *httpd;
    uint16_t port;
    char host[32]; /* for TCP */
    const char *path;
    /* What the handlers saw. */
    unsigned handled;
    unsigned expired;
    unsigned gone;
    unsigned sent;
    unsigned unsent;
    unsigned finished;
    int last_status;
    int park_code; /* of the last attempt to park */
    ag_request *waiting[WAITING_MAX];
    size_t n_waiting;
    ag_request *held; /* by GET /hold: neither parked nor replied to */
    unsigned drained;
    struct stream streams[STREAMS_MAX];
    size_t n_streams; /* begun so far */
    unsigned streams_gone;
    int stream_code;    /* of the last attempt to begin one */
    struct ag_buf feed; /* what streams send */
    size_t portion;     /* at most at once */
    bool feed_ended;
};

/* LIMITS may be NULL. The socket lies in a directory of its own, which server_stop removes. */
void server_start(struct server *s, const struct ag_httpd_config *limits);
void server_stop(struct server *s);
void server_pump(void *server);
/* Pumps until *COUNTER is at least N; fails the test when it never is. */
void server_until(struct server *s, const unsigned *counter, unsigned n);
void server_drain(struct server *s, int64_t grace_ms);

/* Adds TEXT to what every stream sends. */
void server_feed(struct server *s, const void *text, size_t len);
/* Streams end when they have sent all. */
void server_feed_end(struct server *s);

void client_open(struct server *s, struct raw_client *c, enum transport transport);
/* Sends BYTES with every '@' replaced by the Host that the transport needs. */
bool client_send(struct server *s, struct raw_client *c, enum transport transport,
                 const void *bytes, size_t len);
/* The same for text, then reads one reply. */
void client_ask(struct server *s, struct raw_client *c, enum transport transport, const char *text,
                struct raw_reply *reply);
/* As client_ask, and checks the status and that the body is BODY (NULL: any). */
void client_expect(struct server *s, struct raw_client *c, enum transport transport,
                   const char *text, int status, const char *body);

#endif
