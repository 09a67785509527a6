/*
 * Accepting, and the connections' own part: peers are checked, counted and timed before
 * libmicrohttpd sees them. When fds or the limit run out, accepting pauses (the kernel's backlog
 * holds the rest) instead of spinning.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "httpd/internal.h"

#define ACCEPT_BATCH 64
/* Fds may come back elsewhere in the process, which nobody tells us. */
#define RETRY_MS 1000

void ag_conn_enter(struct ag_conn *conn, enum ag_phase phase, int64_t ms)
{
    conn->phase = phase;
    if (ms < 0) {
        ag_timer_disarm(conn->timer);
    } else {
        ag_timer_arm(conn->timer, ms);
    }
}

void ag_conn_free(struct ag_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    conn->h->n_conns--;
    ag_list_remove(&conn->link);
    ag_timer_free(conn->timer);
    free(conn);
}

/* MHD notices the shutdown as the peer's and closes. A byte now and then does not help. */
static void on_conn_timer(ag_timer *timer, void *user)
{
    struct ag_conn *conn = user;
    if (conn->phase == AG_PHASE_PARKED) {
        ag_park_expired(conn->req);
    } else {
        shutdown(conn->fd, SHUT_RDWR);
    }
}

/* FD belongs to MHD or is closed afterwards, whatever happens. */
static void admit(const struct ag_listener *listener, int fd, const struct sockaddr *addr,
                  socklen_t addr_len)
{
    ag_httpd *h = listener->h;
    ag_auto_close int owned = fd;
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    if (listener->is_unix &&
        (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != geteuid())) {
        return;
    }
    struct ag_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        return;
    }
    ag_list_init(&conn->link);
    h->n_conns++;
    conn->h = h;
    conn->fd = fd;
    conn->port = listener->port;
    conn->is_unix = listener->is_unix;
    conn->peer_pid = peer.pid;
    if (addr->sa_family == AF_INET) {
        struct sockaddr_in from;
        memcpy(&from, addr, sizeof(from));
        conn->peer_port = ntohs(from.sin_port);
    }
    if (ag_timer_new(h->config.loop, on_conn_timer, conn, &conn->timer, NULL) < 0) {
        ag_conn_free(conn);
        return;
    }
    ag_list_append(&h->arriving, &conn->link);
    ag_conn_enter(conn, AG_PHASE_HEAD, h->config.header_timeout_ms);
    if (MHD_add_connection(h->mhd, ag_take_fd(&owned), addr, addr_len) != MHD_YES) {
        ag_conn_free(conn);
    }
}

struct ag_conn *ag_arriving_take(ag_httpd *h, int fd)
{
    struct ag_list *at;
    struct ag_list *next;
    ag_list_each(at, next, &h->arriving)
    {
        struct ag_conn *conn = AG_CONTAINER_OF(at, struct ag_conn, link);
        if (conn->fd == fd) {
            ag_list_remove(&conn->link);
            ag_list_append(&h->conns, &conn->link);
            return conn;
        }
    }
    return NULL;
}

void ag_arriving_forget(ag_httpd *h)
{
    struct ag_conn *conn;
    while ((conn = ag_list_first(&h->arriving, struct ag_conn, link)) != NULL) {
        ag_conn_free(conn);
    }
}

static void watch(ag_httpd *h, uint32_t events)
{
    struct ag_list *at;
    struct ag_list *next;
    ag_list_each(at, next, &h->listeners)
    {
        ag_io_set(AG_CONTAINER_OF(at, struct ag_listener, link)->io, events);
    }
}

static void pause_accepting(ag_httpd *h)
{
    h->accept_paused = true;
    watch(h, 0);
}

void ag_accept_continue(ag_httpd *h)
{
    if (h->accept_paused) {
        h->accept_paused = false;
        ag_timer_disarm(h->retry);
        watch(h, EPOLLIN);
    }
}

static void accept_batch(const struct ag_listener *listener)
{
    ag_httpd *h = listener->h;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage addr = {.ss_family = listener->is_unix ? AF_UNIX : AF_INET};
        socklen_t len = sizeof(addr);
        if (h->n_conns >= h->config.connection_limit) {
            pause_accepting(h);
            return;
        }
        int fd =
            accept4(listener->fd, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            admit(listener, fd, (const struct sockaddr *)&addr, len);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(h);
            ag_timer_arm(h->retry, RETRY_MS);
            return;
        }
    }
}

static void on_acceptable(ag_io *io, int fd, uint32_t events, void *user)
{
    const struct ag_listener *listener = user;
    accept_batch(listener);
    ag_httpd_run(listener->h);
}

void ag_accept_pending(ag_httpd *h)
{
    struct ag_list *at;
    struct ag_list *next;
    ag_list_each(at, next, &h->listeners)
    {
        accept_batch(AG_CONTAINER_OF(at, struct ag_listener, link));
    }
    ag_httpd_run(h);
}

static void free_listener(struct ag_listener *listener)
{
    ag_list_remove(&listener->link);
    ag_io_free(listener->io);
    if (listener->fd >= 0) {
        close(listener->fd);
    }
    free(listener);
}

int ag_accept_open(ag_httpd *h, int fd, bool is_unix, argo_error **err)
{
    struct sockaddr_in addr = {0};
    socklen_t len = sizeof(addr);
    if (!is_unix && getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
        return ag_error_errno(err, errno, "look up the listening port");
    }
    struct ag_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        return ag_error_nomem(err);
    }
    ag_list_init(&listener->link);
    listener->h = h;
    listener->fd = -1;
    listener->is_unix = is_unix;
    listener->port = ntohs(addr.sin_port);
    int rc = ag_io_new(h->config.loop, fd, h->accept_paused ? 0 : EPOLLIN, on_acceptable, listener,
                       &listener->io, err);
    if (rc < 0) {
        free_listener(listener);
        return rc;
    }
    listener->fd = fd;
    ag_list_append(&h->listeners, &listener->link);
    return 0;
}

void ag_accept_close(ag_httpd *h)
{
    struct ag_listener *listener;
    while ((listener = ag_list_first(&h->listeners, struct ag_listener, link)) != NULL) {
        free_listener(listener);
    }
}
