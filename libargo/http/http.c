/*
 * libcurl's multi handle on the event loop: its sockets become ag_io, its timer an ag_timer,
 * or an ag_defer when it has nothing to wait for.
 *
 * libcurl is entered only from the loop or from ag_http_start and ag_http_cancel, and never from
 * one of its own callbacks; users are called from transfer.c's deferred delivery.
 */
#include <pthread.h>
#include <string.h>

#include "http/internal.h"

struct watched {
    struct ag_list link;
    ag_io *io;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

/* libcurl counts initialisations and other libraries of the process may use it: never undone. */
static void global_init(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void collect_done(ag_http *http)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            ag_transfer *t = NULL;
            CURLcode result = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
            ag_transfer_finish(t, result); /* MESSAGE is gone after this */
        }
    }
}

static void drive(ag_http *http, curl_socket_t fd, int what)
{
    int running;
    curl_multi_socket_action(http->multi, fd, what, &running);
    collect_done(http);
}

static void on_socket(ag_io *io, int fd, uint32_t events, void *user)
{
    int what = 0;
    if ((events & (EPOLLIN | EPOLLHUP)) != 0) {
        what |= CURL_CSELECT_IN;
    }
    if ((events & EPOLLOUT) != 0) {
        what |= CURL_CSELECT_OUT;
    }
    if ((events & EPOLLERR) != 0) {
        what |= CURL_CSELECT_ERR;
    }
    drive(user, fd, what);
}

static void on_timer(ag_timer *timer, void *user)
{
    drive(user, CURL_SOCKET_TIMEOUT, 0);
}

static void on_soon(ag_defer *defer, void *user)
{
    drive(user, CURL_SOCKET_TIMEOUT, 0);
}

static void unwatch(struct watched *w)
{
    ag_list_remove(&w->link);
    ag_io_free(w->io);
    free(w);
}

static int watch(ag_http *http, curl_socket_t fd, uint32_t events)
{
    struct watched *w = calloc(1, sizeof(*w));
    if (w == NULL || ag_io_new(http->loop, fd, events, on_socket, http, &w->io, NULL) < 0) {
        free(w);
        return -1;
    }
    ag_list_append(&http->sockets, &w->link);
    curl_multi_assign(http->multi, fd, w);
    return 0;
}

/* -1 makes libcurl fail every transfer: there is no memory, or no room in the epoll set. */
static int socket_callback(CURL *easy, curl_socket_t fd, int what, void *user, void *assigned)
{
    ag_http *http = user;
    struct watched *w = assigned;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            unwatch(w);
        }
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN) != 0 ? EPOLLIN : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0;
    return w == NULL ? watch(http, fd, events) : ag_io_set(w->io, events) < 0 ? -1 : 0;
}

static int timer_callback(CURLM *multi, long timeout_ms, void *user)
{
    ag_http *http = user;
    if (timeout_ms < 0) {
        ag_timer_disarm(http->timer);
    } else if (timeout_ms == 0) {
        ag_timer_disarm(http->timer);
        ag_defer_schedule(http->soon); /* every request begins so: it costs no iteration */
    } else {
        ag_timer_arm(http->timer, timeout_ms);
    }
    return 0;
}

static int multi_open(ag_http *http, argo_error **err)
{
    http->multi = curl_multi_init();
    if (http->multi == NULL) {
        return ag_error_nomem(err);
    }
    CURLMcode rc = curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, socket_callback);
    rc = rc != CURLM_OK ? rc : curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    rc = rc != CURLM_OK ? rc
                        : curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, timer_callback);
    rc = rc != CURLM_OK ? rc : curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    if (rc != CURLM_OK) {
        return ag_error_set(err, ARGO_E_INTERNAL, "libcurl: %s", curl_multi_strerror(rc));
    }
    return 0;
}

static int initialise(argo_error **err)
{
    pthread_once(&global_once, global_init);
    return global_result == CURLE_OK ? 0
                                     : ag_error_set(err, ARGO_E_INTERNAL, "libcurl: %s",
                                                    curl_easy_strerror(global_result));
}

/* OpenSSL looks at its process's number before it draws a random byte. Others rely on
 * pthread_atfork: two children would draw the same. */
int ag_http_prepare_forks(argo_error **err)
{
    int r = initialise(err);
    const char *tls = r < 0 ? NULL : curl_version_info(CURLVERSION_NOW)->ssl_version;
    if (tls != NULL && strncmp(tls, "OpenSSL/", 8) != 0) {
        r = ag_error_set(err, ARGO_E_INVALID, "libcurl uses %s: it may not bear a fork", tls);
    }
    return r;
}

int ag_http_new(ag_loop *loop, argo_context *ctx, ag_http **out, argo_error **err)
{
    int initialised = initialise(err);
    if (initialised < 0) {
        return initialised;
    }
    ag_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        return ag_error_nomem(err);
    }
    http->loop = loop;
    http->ctx = ctx;
    ag_list_init(&http->transfers);
    ag_list_init(&http->sockets);
    int rc = ag_timer_new(loop, on_timer, http, &http->timer, err);
    rc = rc < 0 ? rc : ag_defer_new(loop, on_soon, http, &http->soon, err);
    rc = rc < 0 ? rc : multi_open(http, err);
    if (rc < 0) {
        ag_http_free(http);
        return rc;
    }
    *out = http;
    return 0;
}

void ag_http_free(ag_http *http)
{
    if (http == NULL) {
        return;
    }
    ag_transfer *t;
    while ((t = ag_list_first(&http->transfers, ag_transfer, link)) != NULL) {
        ag_transfer_free(t);
    }
    if (http->multi != NULL) {
        curl_multi_cleanup(http->multi); /* still calls back */
    }
    struct watched *w;
    while ((w = ag_list_first(&http->sockets, struct watched, link)) != NULL) {
        unwatch(w);
    }
    ag_defer_free(http->soon);
    ag_timer_free(http->timer);
    free(http);
}

int ag_http_start(ag_http *http, const struct ag_http_request *request,
                  const struct ag_http_events *events, void *user, ag_transfer **out,
                  argo_error **err)
{
    ag_transfer *t = NULL;
    int rc = ag_transfer_new(http, request, &t, err);
    if (rc < 0) {
        return rc;
    }
    t->events = *events;
    t->user = user;
    CURLMcode added = curl_multi_add_handle(http->multi, t->easy);
    if (added != CURLM_OK) {
        ag_transfer_free(t);
        return ag_error_set(err, ARGO_E_INTERNAL, "libcurl: %s", curl_multi_strerror(added));
    }
    t->in_multi = true;
    *out = t;
    return 0;
}

void ag_http_cancel(ag_transfer *transfer)
{
    if (transfer != NULL && !transfer->reporting) {
        ag_transfer_free(transfer);
    }
}
