/*
 * What the files of the client share: where the daemon is (client.c), connections that have proved
 * themselves (lane.c), and calls (call.c). Nobody else includes this.
 */
#ifndef AG_CLIENT_INTERNAL_H
#define AG_CLIENT_INTERNAL_H

#include "base/list.h"
#include "client/client.h"

struct ag_client {
    argo_context *ctx;
    ag_loop *loop;
    ag_http *http;  /* borrowed; for the UNIX socket */
    char *base;     /* "http://localhost" or "http://127.0.0.1:PORT" */
    char *socket;   /* the UNIX socket's path; NULL: TCP */
    int socket_dir; /* an O_PATH fd of its directory when the path is too long, else -1 */
    uint16_t port;  /* of TCP */
    char *token;    /* given by the caller, or NULL */
    int64_t epoch;  /* 0: a user */
    char *name;     /* X-Argo-Client, or NULL */
    struct ag_list calls;
    struct ag_list idle; /* lanes that have proved themselves and wait for a call */
};

/* A way to the daemon over TCP: connections of its own, over which the token is shown only after
 * the daemon at their other end has proved that it knows it. Over the UNIX socket none is needed:
 * its directory is private. */
struct ag_lane {
    struct ag_list link;
    ag_http *http;
    char *token;     /* what is shown */
    char *proof_key; /* what the daemon must know */
    bool proved;
    bool used; /* before this call: its connection may be dead by now */
};

int ag_lane_new(ag_client *c, struct ag_lane **out, argo_error **err);
void ag_lane_free(struct ag_lane *lane);
/* CHALLENGE is 64 hex digits; BODY the reply of /api/health. ARGO_E_DENIED when it proves
 * nothing. */
int ag_lane_check(const ag_client *c, struct ag_lane *lane, const char *challenge,
                  const struct ag_http_response *response, argo_error **err);

/* The path to connect to, which may go through an fd: PATH has room for sun_path. */
#define AG_SOCKET_PATH_SIZE 108
int ag_client_socket(ag_client *c, char path[AG_SOCKET_PATH_SIZE], argo_error **err);
/* The daemon is away: its directory may be another one when it comes back. */
void ag_client_forget_socket(ag_client *c);

/* Cancels all. */
void ag_calls_free(struct ag_list *calls);

#endif
