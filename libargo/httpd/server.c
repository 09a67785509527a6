/*
 * The server: one libmicrohttpd daemon without threads and without a listening socket. Its epoll
 * fd sits in our loop, its timeout in one timer of ours; connections come from accept.c. Resumes
 * of an iteration are collected, because each run of MHD walks all that are suspended.
 */
#include <string.h>
#include <sys/resource.h>

#include "base/text.h"
#include "httpd/internal.h"
#include "wire/records.h"

/* Per connection, head included: what thousands of parked connections cost. */
#define POOL_SIZE 8192

#define HEADER_TIMEOUT_MS 10000
#define BODY_TIMEOUT_MS   30000
#define IDLE_TIMEOUT_MS   120000
#define STALL_TIMEOUT_MS  300000
#define CONNECTIONS_MAX   10240
#define PARKED_MAX        16384

void ag_httpd_run(ag_httpd *h)
{
    MHD_UNSIGNED_LONG_LONG ms;
    MHD_run(h->mhd);
    ag_arriving_forget(h);
    if (MHD_get_timeout(h->mhd, &ms) == MHD_YES) {
        ag_timer_arm(h->mhd_timer, (int64_t)ms);
    } else {
        ag_timer_disarm(h->mhd_timer);
    }
}

static void on_mhd_ready(ag_io *io, int fd, uint32_t events, void *user)
{
    ag_httpd_run(user);
}

static void on_mhd_timer(ag_timer *timer, void *user)
{
    ag_httpd_run(user);
}

static void on_retry(ag_timer *timer, void *user)
{
    ag_accept_continue(user);
}

static void on_turn(ag_defer *defer, void *user)
{
    ag_httpd *h = user;
    bool any = !ag_list_empty(&h->resumes);
    ag_request *req;
    if (ag_drain_step(h)) {
        return;
    }
    while ((req = ag_list_first(&h->resumes, ag_request, resume)) != NULL) {
        ag_list_remove(&req->resume);
        req->suspended = false;
        MHD_resume_connection(req->mhd);
        any = true;
    }
    if (any) {
        ag_httpd_run(h);
    }
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    ag_httpd *h = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = ag_arriving_take(h, info->connect_fd);
        return;
    }
    ag_conn_free(*socket_context);
    *socket_context = NULL;
    /* The fd is closed only after this; when accepting fails again it is retried. */
    ag_accept_continue(h);
    if (h->drain != AG_RUNNING) {
        ag_defer_schedule(h->turn);
    }
}

/* Decoding is ours (target.c). */
static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *text)
{
    return strlen(text);
}

static void fill_limits(struct ag_httpd_config *config)
{
    struct rlimit files;
    unsigned connections = CONNECTIONS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 4 * 3 < connections) {
        connections = (unsigned)(files.rlim_cur / 4 * 3);
    }
    config->connection_limit =
        config->connection_limit > 0 ? config->connection_limit : connections;
    unsigned parked = config->connection_limit / 4;
    parked = parked < PARKED_MAX ? parked : PARKED_MAX;
    config->park_limit = config->park_limit > 0 ? config->park_limit : parked;
    config->body_max = config->body_max > 0 ? config->body_max : AG_MAX_BODY;
    if (config->header_timeout_ms == 0) {
        config->header_timeout_ms = HEADER_TIMEOUT_MS;
    }
    if (config->body_timeout_ms == 0) {
        config->body_timeout_ms = BODY_TIMEOUT_MS;
    }
    if (config->idle_timeout_ms == 0) {
        config->idle_timeout_ms = IDLE_TIMEOUT_MS;
    }
    if (config->stall_timeout_ms == 0) {
        config->stall_timeout_ms = STALL_TIMEOUT_MS;
    }
}

/* Without MHD_USE_ERROR_LOG it prints nothing. Its own connection limit is never reached: ours
 * pauses accepting before. */
static int start_mhd(ag_httpd *h, argo_error **err)
{
    h->blocks_checkable = ag_starts_with(MHD_get_version(), "0.9.7");
    h->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        ag_request_step, h, MHD_OPTION_URI_LOG_CALLBACK, ag_request_line, h,
        MHD_OPTION_NOTIFY_COMPLETED, ag_request_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, h->blocks_checkable ? 0 : 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_SIZE, MHD_OPTION_CONNECTION_LIMIT,
        h->config.connection_limit + 64, MHD_OPTION_END);
    if (h->mhd == NULL) {
        return ag_error_set(err, ARGO_E_SYSTEM, "start the HTTP server");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    return ag_io_new(h->config.loop, info->epoll_fd, EPOLLIN, on_mhd_ready, h, &h->mhd_io, err);
}

int ag_httpd_new(const struct ag_httpd_config *config, ag_httpd **out, argo_error **err)
{
    ag_httpd *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        return ag_error_nomem(err);
    }
    h->config = *config;
    fill_limits(&h->config);
    ag_list_init(&h->listeners);
    ag_list_init(&h->conns);
    ag_list_init(&h->arriving);
    ag_list_init(&h->resumes);
    int rc = ag_router_new(config->routes, config->n_routes, &h->router, err);
    rc = rc < 0 ? rc : ag_timer_new(config->loop, on_mhd_timer, h, &h->mhd_timer, err);
    rc = rc < 0 ? rc : ag_timer_new(config->loop, on_retry, h, &h->retry, err);
    rc = rc < 0 ? rc : ag_defer_new(config->loop, on_turn, h, &h->turn, err);
    rc = rc < 0 ? rc : start_mhd(h, err);
    if (rc < 0) {
        ag_httpd_free(h);
        return rc;
    }
    *out = h;
    return 0;
}

int ag_httpd_listen(ag_httpd *h, int listen_fd, bool local_unix, argo_error **err)
{
    return ag_accept_open(h, listen_fd, local_unix, err);
}

size_t ag_httpd_connections(const ag_httpd *h)
{
    return h->n_conns;
}

size_t ag_httpd_waiting(const ag_httpd *h)
{
    return h->n_parked;
}

/* MHD aborts when it is stopped with a suspended connection: all are resumed and closed first. In
 * the run that this takes others may have come to wait: true when there were any. */
static bool drop_suspended(ag_httpd *h)
{
    struct ag_list *at;
    struct ag_list *next;
    bool any = false;
    ag_list_each(at, next, &h->conns)
    {
        ag_request *req = AG_CONTAINER_OF(at, struct ag_conn, link)->req;
        if (req == NULL || !req->suspended) {
            continue;
        }
        if (req->conn->phase == AG_PHASE_PARKED) {
            ag_park_gone(req);
        } else if (req->conn->phase == AG_PHASE_STREAM) {
            ag_stream_gone(req);
        }
        ag_request_cut(req);
        ag_list_remove(&req->resume);
        req->suspended = false;
        MHD_resume_connection(req->mhd);
        any = true;
    }
    if (any) {
        MHD_run(h->mhd);
    }
    return any;
}

void ag_httpd_free(ag_httpd *h)
{
    if (h == NULL) {
        return;
    }
    ag_accept_close(h);
    if (h->mhd != NULL) {
        while (drop_suspended(h)) {
        }
        ag_io_free(h->mhd_io);
        MHD_stop_daemon(h->mhd);
        ag_arriving_forget(h);
    }
    ag_router_free(h->router);
    ag_timer_free(h->mhd_timer);
    ag_timer_free(h->retry);
    ag_timer_free(h->grace);
    ag_defer_free(h->turn);
    free(h);
}
