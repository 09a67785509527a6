/*
 * One request: its options, what comes back, and telling the user of it.
 *
 * libcurl's callbacks only take notes here; on_data and on_done are called from a deferred call,
 * so that a user may cancel or free anything in them.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <argo/version.h>

#include "base/text.h"
#include "http/internal.h"

#define CONNECT_TIMEOUT_MS 10000
#define MAX_RESPONSE       ((size_t)16 * 1024 * 1024)

static int status_of(const ag_transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/* Milliseconds from a Retry-After value, seconds or a date; -1 for neither. */
static int64_t retry_after_ms(const char *text, int64_t now_ms)
{
    int64_t seconds;
    if (ag_parse_i64(text, "Retry-After", 0, INT32_MAX, &seconds, NULL) == 0) {
        return seconds * 1000;
    }
    int64_t at = curl_getdate(text, NULL);
    int64_t left = at * 1000 - now_ms;
    return at < 0 ? -1 : left > 0 ? left : 0;
}

static int64_t read_retry_after(const ag_transfer *t)
{
    struct curl_header *header;
    if (curl_easy_header(t->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
        return -1;
    }
    return retry_after_ms(header->value, ag_context_now_ms(t->http->ctx));
}

/* ---- what libcurl calls ----------------------------------------------------------------------- */

static void heard_of(ag_transfer *t)
{
    if (t->idle != NULL) {
        ag_timer_arm(t->idle, t->idle_ms);
    }
}

static size_t header_callback(char *data, size_t size, size_t n, void *user)
{
    ag_transfer *t = user;
    size_t len = size * n;
    heard_of(t);
    /* libcurl takes a connection that ends within the head for a reply without a body. */
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        t->head_whole = false;
    } else if (len <= 2) {
        t->head_whole = true;
    }
    return len;
}

static size_t write_callback(char *data, size_t size, size_t n, void *user)
{
    ag_transfer *t = user;
    size_t len = size * n;
    heard_of(t);
    if (len > t->max_response - t->received) {
        t->failure = ARGO_E_TOO_LARGE;
        return CURL_WRITEFUNC_ERROR;
    }
    t->received += len;
    if (ag_buf_add(&t->body, data, len) < 0) {
        t->failure = ARGO_E_NOMEM;
        return CURL_WRITEFUNC_ERROR;
    }
    t->streamed = t->events.on_data != NULL && status_of(t) / 100 == 2;
    if (t->streamed) {
        ag_defer_schedule(t->deliver);
    }
    return len;
}

/* Connected, nothing sent yet; also before libcurl repeats a request on another connection. */
static int ready_callback(void *user, char *remote, char *local, int remote_port, int local_port)
{
    ag_transfer *t = user;
    long made = 0;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &made);
    if (t->reuse_only && made > 0) {
        t->failure = ARGO_E_NO_DAEMON;
        return CURL_PREREQFUNC_ABORT;
    }
    t->connected = true;
    heard_of(t);
    return CURL_PREREQFUNC_OK;
}

/* ---- the end ---------------------------------------------------------------------------------- */

void ag_transfer_finish(ag_transfer *t, CURLcode result)
{
    if (t->in_multi) {
        curl_multi_remove_handle(t->http->multi, t->easy);
        t->in_multi = false;
    }
    t->result = result;
    t->done = true;
    if (t->idle != NULL) {
        ag_timer_disarm(t->idle);
    }
    ag_defer_schedule(t->deliver);
}

static int connection_error(const ag_transfer *t, argo_error **err)
{
    const char *url = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    const char *why = t->reason[0] != '\0' ? t->reason : curl_easy_strerror(t->result);
    bool away = t->result == CURLE_COULDNT_CONNECT || t->result == CURLE_COULDNT_RESOLVE_HOST ||
                t->result == CURLE_COULDNT_RESOLVE_PROXY;
    if (away && t->over_socket) { /* libcurl speaks of a host and a port that nobody has tried */
        long reason = 0;
        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &reason);
        return ag_error_set(err, ARGO_E_NO_DAEMON, "%s",
                            reason != 0 ? strerror((int)reason) : curl_easy_strerror(t->result));
    }
    if (t->result == CURLE_OPERATION_TIMEDOUT) {
        away = !t->connected;
        return ag_error_set(err, away ? ARGO_E_NO_DAEMON : ARGO_E_TIMEOUT, "%s: %s", url, why);
    }
    return ag_error_set(err, away ? ARGO_E_NO_DAEMON : ARGO_E_PROTOCOL, "%s: %s", url, why);
}

static int make_error(const ag_transfer *t, argo_error **err)
{
    switch (t->failure) {
    case 0:
        if (t->result == CURLE_OK && !t->head_whole) {
            return ag_error_set(err, ARGO_E_PROTOCOL, "the connection ended within the reply");
        }
        return t->result == CURLE_OK ? 0 : connection_error(t, err);
    case ARGO_E_TOO_LARGE:
        return ag_error_set(err, t->failure, "the reply is larger than %zu bytes", t->max_response);
    case ARGO_E_NO_DAEMON:
        return ag_error_set(err, t->failure, "the connection has been lost");
    case ARGO_E_TIMEOUT:
        return ag_error_set(err, t->failure, "nothing was received for %" PRId64 " ms", t->idle_ms);
    default:
        return ag_error_set(err, t->failure, "stopped while reading the reply");
    }
}

static void report(ag_transfer *t)
{
    AG_AUTO(argo_error) err = NULL;
    const char *type = NULL;
    make_error(t, &err);
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    struct ag_http_response response = {
        .status = status_of(t),
        .body = ag_buf_text(&t->body),
        .body_len = t->body.len,
        .retry_after_ms = read_retry_after(t),
        .content_type = type != NULL ? type : "",
    };
    /* Out of reach of ag_http_free: the callback may call it. */
    ag_list_remove(&t->link);
    t->reporting = true;
    t->events.on_done(&response, err, t->user);
    ag_transfer_free(t);
}

static void hand_over(ag_transfer *t)
{
    bool gone = false;
    ag_auto_buf data = t->body;
    ag_buf_init(&t->body, t->max_response);
    t->gone = &gone;
    int rc = t->events.on_data(data.data, data.len, t->user);
    if (gone) {
        return;
    }
    t->gone = NULL;
    if (rc != 0) {
        t->failure = rc;
        ag_transfer_finish(t, CURLE_WRITE_ERROR);
    } else if (t->done) {
        ag_defer_schedule(t->deliver);
    }
}

static void deliver(ag_defer *defer, void *user)
{
    ag_transfer *t = user;
    if (t->streamed && t->body.len > 0 && t->failure == 0) {
        hand_over(t);
    } else if (t->done) {
        report(t);
    }
}

static void on_idle(ag_timer *timer, void *user)
{
    ag_transfer *t = user;
    t->failure = ARGO_E_TIMEOUT;
    ag_transfer_finish(t, CURLE_OPERATION_TIMEDOUT);
}

/* ---- the beginning ---------------------------------------------------------------------------- */

static int add_header(ag_transfer *t, const char *line)
{
    struct curl_slist *grown = curl_slist_append(t->headers, line);
    if (grown == NULL) {
        return ARGO_E_NOMEM;
    }
    t->headers = grown;
    return 0;
}

static int add_headers(ag_transfer *t, const char *const *headers, argo_error **err)
{
    bool typed = false;
    /* Without the first libcurl waits a second for leave to send a body. */
    int rc = add_header(t, "Expect:");
    for (size_t i = 0; rc == 0 && headers != NULL && headers[i] != NULL; i++) {
        if (strpbrk(headers[i], "\r\n") != NULL || strchr(headers[i], ':') == NULL) {
            return ag_error_set(err, ARGO_E_INVALID,
                                "header %zu is not one line of the form 'Name: value'", i + 1);
        }
        typed = typed || strncasecmp(headers[i], "content-type:", 13) == 0;
        rc = add_header(t, headers[i]);
    }
    if (rc == 0 && !typed) {
        rc = add_header(t, "Content-Type:"); /* none rather than libcurl's form data */
    }
    return rc == 0 ? 0 : ag_error_nomem(err);
}

static CURLcode set_method(CURL *easy, const struct ag_http_request *r)
{
    if (strcmp(r->method, "HEAD") == 0) {
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    bool post = strcmp(r->method, "POST") == 0;
    CURLcode rc = CURLE_OK;
    if (r->body != NULL || post) {
        rc = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        rc = rc != CURLE_OK
                 ? rc
                 : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, r->body != NULL ? r->body : "");
    }
    return rc != CURLE_OK || post ? rc : curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static CURLcode set_limits(CURL *easy, const struct ag_http_request *r)
{
    long connect = r->connect_timeout_ms > 0 ? (long)r->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    if (r->unix_socket != NULL) {
        connect = 0; /* it connects at once or fails; libcurl's timer would wake a long poll */
    }
    CURLcode rc = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (r->local) {
        rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
        rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    }
    if (r->multiplex_never) {
        rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    return rc;
}

static CURLcode set_callbacks(ag_transfer *t)
{
    CURL *easy = t->easy;
    CURLcode rc = curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->reason);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_callback);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_callback);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, ready_callback);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_PREREQDATA, t);
    return rc;
}

static int set_up(ag_transfer *t, const struct ag_http_request *r, argo_error **err)
{
    int code = add_headers(t, r->headers, err);
    if (code < 0) {
        return code;
    }
    CURLcode rc = set_callbacks(t);
    rc = rc != CURLE_OK ? rc : set_limits(t->easy, r);
    rc = rc != CURLE_OK ? rc : set_method(t->easy, r);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(t->easy, CURLOPT_URL, r->url);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    rc = rc != CURLE_OK ? rc : curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "argo/" ARGO_VERSION);
    if (r->unix_socket != NULL) {
        rc = rc != CURLE_OK ? rc
                            : curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
    }
    if (rc != CURLE_OK) {
        return ag_error_set(err, ARGO_E_INVALID, "request to %s: %s", r->url,
                            curl_easy_strerror(rc));
    }
    return 0;
}

static bool method_valid(const char *method)
{
    return method[0] != '\0' && strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(method);
}

static int open_transfer(ag_transfer *t, const struct ag_http_request *r, argo_error **err)
{
    t->easy = curl_easy_init();
    if (t->easy == NULL) {
        return ag_error_nomem(err);
    }
    int rc = ag_defer_new(t->http->loop, deliver, t, &t->deliver, err);
    if (rc == 0 && r->idle_timeout_ms > 0) {
        rc = ag_timer_new(t->http->loop, on_idle, t, &t->idle, err);
    }
    return rc < 0 ? rc : set_up(t, r, err);
}

int ag_transfer_new(ag_http *http, const struct ag_http_request *request, ag_transfer **out,
                    argo_error **err)
{
    struct ag_http_url url;
    int rc = ag_http_url_read(request->url, &url, err);
    if (rc < 0) {
        return rc;
    }
    if (!method_valid(request->method)) {
        return ag_error_set(err, ARGO_E_INVALID, "'%s' is not an HTTP method", request->method);
    }
    ag_transfer *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return ag_error_nomem(err);
    }
    ag_list_append(&http->transfers, &t->link);
    t->http = http;
    t->idle_ms = request->idle_timeout_ms;
    t->reuse_only = request->reuse_only;
    t->over_socket = request->unix_socket != NULL;
    t->max_response = request->max_response > 0 ? request->max_response : MAX_RESPONSE;
    ag_buf_init(&t->body, t->max_response);
    rc = open_transfer(t, request, err);
    if (rc < 0) {
        ag_transfer_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

void ag_transfer_free(ag_transfer *t)
{
    if (t->gone != NULL) {
        *t->gone = true;
    }
    ag_list_remove(&t->link);
    if (t->in_multi) {
        curl_multi_remove_handle(t->http->multi, t->easy);
    }
    curl_easy_cleanup(t->easy);
    for (struct curl_slist *h = t->headers; h != NULL; h = h->next) {
        explicit_bzero(h->data, strlen(h->data)); /* a key or a token may be among them */
    }
    curl_slist_free_all(t->headers);
    ag_timer_free(t->idle);
    ag_defer_free(t->deliver);
    ag_buf_free(&t->body);
    free(t);
}
