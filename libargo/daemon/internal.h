/*
 * What the files of daemon/ share. Nobody else includes this.
 */
#ifndef AG_DAEMON_INTERNAL_H
#define AG_DAEMON_INTERNAL_H

#include <argo/daemon.h>

#include "base/crypto.h"
#include "base/loop.h"
#include "domain/domain.h"
#include "httpd/httpd.h"
#include "store/store.h"

/* The home on disk, prepared and locked (home.c). */
struct ag_home {
    char *path;
    char *db_path;     /* argo.db */
    char *run_dir;     /* run/: sockets, locks, port */
    char *socket_path; /* run/argo.sock */
    char *port_path;   /* run/port */
    char *log_dir;     /* logs/ */
    char *templates;   /* workflows/templates */
    char *token;       /* 64 hex digits: of the file `token`, created 0600 when missing */
    char token_hash[AG_SHA256_HEX]; /* what a token that is shown is compared with */
    int lock_fd;
};

/* Creates what is missing (0700), checks owners and modes, takes the lock. */
int ag_home_open(argo_context *ctx, struct ag_home *out, argo_error **err);
void ag_home_close(struct ag_home *home);

typedef struct ag_supervisor ag_supervisor;
typedef struct ag_mirror ag_mirror;   /* mirror.h */
typedef struct ag_metrics ag_metrics; /* metrics.h */

struct argo_daemon {
    argo_context *ctx;
    struct argo_daemon_options options;
    char *executor;  /* path */
    char *templates; /* path */
    ag_loop *loop;
    struct ag_home home;
    ag_store *store;
    ag_domain *domain;
    ag_httpd *httpd;
    ag_supervisor *supervisor;
    ag_mirror *mirror;
    ag_metrics *metrics;
    ag_wake *wake;          /* of argo_daemon_stop */
    ag_map *keys_under_way; /* Idempotency-Keys of requests that are not answered yet */
    ag_defer *reload;       /* after the store failed */
    uint16_t port;
    pid_t pid; /* our own: getpid is a system call */
    int64_t started_ms;
    char *health; /* the reply to anybody, once somebody has asked */
    size_t health_len;
    char binary_sha256[65]; /* of /proc/self/exe at the start; "" when it cannot be read */
    bool listening;         /* the socket file and the port file are ours */
    bool stopping, drained, stopped, closed;
};

/* Begins the orderly stop (the shutdown route and argo_daemon_stop share it). */
void ag_daemon_begin_stop(struct argo_daemon *daemon, int64_t grace_ms);

/* supervisor.c: starts executors, watches them by pidfd, adopts, ends. Implements the domain's
 * launch port. */
int ag_supervisor_new(struct argo_daemon *daemon, ag_supervisor **out, argo_error **err);
void ag_supervisor_free(ag_supervisor *s); /* stops watching; executors go on */
/* The daemon is stopping: runs that are being ended get no grace any more. SETTLED is called from
 * the loop each time that the last of them has ended. */
void ag_supervisor_hurry(ag_supervisor *s, void (*settled)(void *user), void *user);
/* Launches that are under way are given up: their processes never learn what to do. */
void ag_supervisor_launch_none(ag_supervisor *s);
bool ag_supervisor_busy(const ag_supervisor *s); /* runs are being ended */
struct ag_launch_port ag_supervisor_port(ag_supervisor *s);
/* The run that process PID descends from, 0 for none, -1 when that cannot be told (it has gone, or
 * cannot be seen here): a peer of the socket with a run's rights. */
int64_t ag_supervisor_run_of_process(ag_supervisor *s, pid_t pid);

/* auth.c: the choke point; `authorize` of ag_httpd_config with the daemon as user. Sets the
 * principal: 0 the owner, a rid for a run's token or a process of that run, -1 nobody (public
 * routes only). */
int ag_daemon_authorize(ag_request *req, const struct ag_route *route, void *user,
                        argo_error **err);

/* Whether TEXT can be the id of a run, of an older one (ID~N) too. */
bool ag_daemon_is_run_id(const char *text);

/* launch_env.c: the environment that a run will have, for the caller's `env` (object or NULL):
 * a name outside the short list is ARGO_E_INVALID. *OUT is new. */
int ag_launch_env_resolve(const ag_value *callers, ag_value **out, argo_error **err);

/* routes.c */
extern const struct ag_route ag_daemon_routes[];
extern const size_t ag_daemon_routes_count;

#endif
