/*
 * One request, from its line to its end: guard, route, authorisation, body, handler, in this
 * order. All of libmicrohttpd's callbacks for requests are here. No rule of any route is.
 */
#include <string.h>

#include "base/text.h"
#include "httpd/internal.h"

#define HEADERS_MAX 100

struct head_reader {
    size_t n; /* also counts those that did not fit */
    struct ag_header headers[HEADERS_MAX];
};

void *ag_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct ag_conn *conn = info->socket_context;
    ag_request *req = calloc(1, sizeof(*req));
    if (conn == NULL || req == NULL) {
        free(req);
        return NULL;
    }
    req->h = cls;
    req->conn = conn;
    req->mhd = mhd;
    req->started_us = ag_monotonic_us();
    req->principal = -1;
    req->raw = ag_strdup(uri);
    ag_list_init(&req->resume);
    ag_buf_init(&req->body, req->h->config.body_max);
    conn->req = req;
    if (conn->phase == AG_PHASE_IDLE) {
        ag_conn_enter(conn, AG_PHASE_HEAD, req->h->config.header_timeout_ms);
    }
    return req;
}

void ag_request_drop(ag_request *req)
{
    if (req->owned || req->h != NULL) {
        return;
    }
    free(req->raw);
    ag_target_clear(&req->target);
    free(req->segments);
    ag_buf_free(&req->body);
    ag_buf_free(&req->portion);
    ag_value_unref(req->value);
    if (req->response != NULL) {
        MHD_destroy_response(req->response);
    }
    free(req);
}

void ag_request_wake(ag_request *req)
{
    if (req->suspended && ag_list_empty(&req->resume)) {
        ag_list_append(&req->h->resumes, &req->resume);
        ag_defer_schedule(req->h->turn);
    }
}

void ag_request_cut(ag_request *req)
{
    req->cut = true;
    ag_request_wake(req);
}

void ag_request_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                          enum MHD_RequestTerminationCode toe)
{
    ag_request *req = *con_cls;
    if (req == NULL) {
        return;
    }
    *con_cls = NULL;
    ag_httpd *h = req->h;
    bool sent = toe == MHD_REQUEST_TERMINATED_COMPLETED_OK && req->settled && !req->cut;
    if (req->source != NULL && req->owned) {
        ag_stream_gone(req);
    }
    if (req->sent_fn != NULL) {
        req->sent_fn(sent, req->sent_user);
    }
    if (h->config.finished != NULL) {
        /* Whether SENT or not: MHD takes a client that hangs up with the reply for one without. */
        h->config.finished(req, req->status, ag_monotonic_us() - req->started_us, h->config.user);
    }
    ag_list_remove(&req->resume);
    req->conn->req = NULL;
    ag_conn_enter(req->conn, AG_PHASE_IDLE, h->config.idle_timeout_ms);
    req->conn = NULL;
    req->mhd = NULL;
    req->h = NULL;
    ag_request_drop(req);
}

static enum MHD_Result read_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    struct head_reader *reader = cls;
    if (reader->n < HEADERS_MAX) {
        reader->headers[reader->n] = (struct ag_header){name, name_len, value, value_len};
    }
    reader->n++;
    return MHD_YES;
}

static int check_head(ag_request *req, const char *url, const char *method, const char *version,
                      argo_error **err)
{
    struct head_reader reader;
    reader.n = 0;
    req->has_body = true;
    if (req->raw == NULL) {
        return ag_error_nomem(err);
    }
    MHD_get_connection_values_n(req->mhd, MHD_HEADER_KIND, read_header, &reader);
    if (reader.n > HEADERS_MAX) {
        return ag_error_set(err, ARGO_E_INVALID, "more than %d headers", HEADERS_MAX);
    }
    struct ag_guard_head head = {version, req->raw, strlen(req->raw), reader.headers, reader.n};
    struct ag_guard_rules rules = {req->conn->port, req->h->config.hosts, req->h->config.body_max};
    size_t size =
        MHD_get_connection_info(req->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    if (req->h->blocks_checkable && !ag_guard_block(method, size, url, &head)) {
        return ag_error_set(err, ARGO_E_INVALID, "the head of the request is malformed");
    }
    int rc = ag_guard_head(&head, &rules, &req->has_body, err);
    return rc < 0 ? rc : ag_target_parse(req->raw, head.target_len, &req->target, err);
}

static const char *known_verb(const char *method)
{
    static const char *const verbs[] = {"GET",   "HEAD",    "POST",  "DELETE", "PUT",
                                        "PATCH", "OPTIONS", "TRACE", "CONNECT"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(verbs); i++) {
        if (strcmp(method, verbs[i]) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}

static int find_route(ag_request *req, const char *method, argo_error **err)
{
    char allow[AG_ALLOW_SIZE];
    req->segments = ag_strdup(req->target.path);
    if (req->segments == NULL) {
        return ag_error_nomem(err);
    }
    if (!ag_router_find(req->h->router, req->segments, &req->match)) {
        return ag_error_set(err, ARGO_E_NO_ROUTE, "there is no route '%s'", req->target.path);
    }
    req->route = ag_match_route(&req->match, method);
    if (req->route == NULL) {
        return ag_error_set(err, ARGO_E_METHOD, "%s allows %s", req->target.path,
                            ag_match_allow(&req->match, allow));
    }
    req->method = req->route->method;
    req->head = strcmp(method, "HEAD") == 0;
    return 0;
}

static int authorise(ag_request *req, argo_error **err)
{
    const struct ag_httpd_config *config = &req->h->config;
    return config->authorize(req, req->route, config->user, err);
}

/* The first call: the head is complete, no byte of the body has been read. */
static enum MHD_Result meet(ag_request *req, const char *url, const char *method,
                            const char *version)
{
    AG_AUTO(argo_error) error = NULL;
    req->met = true;
    req->verb = known_verb(method);
    int rc = check_head(req, url, method, version, &error);
    req->must_close = rc < 0;
    rc = rc < 0 ? rc : find_route(req, method, &error);
    rc = rc < 0 ? rc : authorise(req, &error);
    if (rc == 0 && req->has_body && !ag_guard_is_json(ag_request_header(req, "Content-Type"))) {
        rc = ag_error_set(&error, ARGO_E_MEDIA_TYPE, "the body must be application/json");
    }
    if (rc < 0) {
        ag_request_reply_error(req, error);
    }
    if (!req->has_body) {
        ag_conn_enter(req->conn, AG_PHASE_WORK, -1);
        return MHD_YES;
    }
    if (req->must_close) {
        return ag_reply_send(req);
    }
    ag_conn_enter(req->conn, AG_PHASE_BODY, req->h->config.body_timeout_ms);
    return MHD_YES;
}

/* The body of a request that is refused already is read and dropped: closing on it would take the
 * reply from a client that is still sending. MHD takes no reply while a body is coming in: the one
 * to a chunked body that has grown too big goes past it. */
static enum MHD_Result take_body(ag_request *req, const char *upload, size_t *upload_size)
{
    AG_AUTO(argo_error) error = NULL;
    if (req->settled && *upload_size <= req->h->config.body_max - req->dropped) {
        req->dropped += *upload_size;
        *upload_size = 0;
        return MHD_YES;
    }
    if (req->settled) {
        return MHD_NO;
    }
    ag_buf_add(&req->body, upload, *upload_size);
    *upload_size = 0;
    if (ag_buf_check(&req->body, "the body", &error) < 0) {
        ag_reply_raw(req, error);
        return MHD_NO;
    }
    return MHD_YES;
}

static int read_body(ag_request *req, argo_error **err)
{
    if (req->body.len > 0) {
        return ag_value_parse_object(req->body.data, req->body.len, &req->value, err);
    }
    req->value = ag_value_object();
    return req->value != NULL ? 0 : ag_error_nomem(err);
}

static void call_handler(ag_request *req)
{
    AG_AUTO(argo_error) error = NULL;
    req->called = true;
    ag_conn_enter(req->conn, AG_PHASE_WORK, -1);
    if (read_body(req, &error) < 0) {
        ag_request_reply_error(req, error);
        return;
    }
    req->owned = true;
    req->route->handler(req, req->h->config.user);
}

enum MHD_Result ag_request_step(void *cls, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **con_cls)
{
    ag_request *req = *con_cls;
    if (req == NULL) {
        return MHD_NO;
    }
    req->suspended = false;
    if (!req->met) {
        return meet(req, url, method, version);
    }
    if (*upload_size > 0) {
        return take_body(req, upload, upload_size);
    }
    if (!req->settled && !req->called) {
        call_handler(req);
    }
    if (req->cut) {
        return MHD_NO;
    }
    if (req->settled) {
        return ag_reply_send(req);
    }
    req->suspended = true;
    MHD_suspend_connection(mhd);
    return MHD_YES;
}

enum ag_method ag_request_method(const ag_request *req)
{
    return req->method;
}

bool ag_request_is_head(const ag_request *req)
{
    return req->head;
}

const char *ag_request_verb(const ag_request *req)
{
    return req->verb != NULL ? req->verb : "-";
}

const char *ag_request_target(const ag_request *req)
{
    return req->raw != NULL ? req->raw : "";
}

const struct ag_route *ag_request_route(const ag_request *req)
{
    return req->route;
}

const char *ag_request_param(const ag_request *req, const char *name)
{
    return req->route != NULL ? ag_match_param(&req->match, req->route, name) : NULL;
}

const char *ag_request_query(const ag_request *req, const char *name)
{
    return ag_target_query(&req->target, name);
}

const char *ag_request_header(const ag_request *req, const char *name)
{
    return req->mhd != NULL ? MHD_lookup_connection_value(req->mhd, MHD_HEADER_KIND, name) : NULL;
}

bool ag_request_is_unix(const ag_request *req)
{
    return req->conn != NULL && req->conn->is_unix;
}

pid_t ag_request_peer_pid(const ag_request *req)
{
    return req->conn != NULL ? req->conn->peer_pid : 0;
}

uint16_t ag_request_port(const ag_request *req)
{
    return req->conn != NULL ? req->conn->port : 0;
}

uint16_t ag_request_peer_port(const ag_request *req)
{
    return req->conn != NULL ? req->conn->peer_port : 0;
}

const ag_value *ag_request_body(const ag_request *req)
{
    return req->value;
}

const char *ag_request_body_text(const ag_request *req, size_t *len)
{
    *len = req->body.len;
    return ag_buf_text(&req->body);
}

void ag_request_set_principal(ag_request *req, int64_t principal)
{
    req->principal = principal;
}

int64_t ag_request_principal(const ag_request *req)
{
    return req->principal;
}

int64_t *ag_request_connection_slot(ag_request *req)
{
    return req->conn != NULL ? &req->conn->slot : &req->spare_slot;
}

void ag_request_on_sent(ag_request *req, void (*fn)(bool sent, void *user), void *user)
{
    req->sent_fn = fn;
    req->sent_user = user;
}
