/*
 * Replies: status, body and headers, made when the owner gives them, queued when libmicrohttpd
 * asks. Without memory a static 1399 takes their place, and at the very worst the connection
 * closes.
 */
#include <assert.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/text.h"
#include "httpd/internal.h"
#include "wire/envelope.h"

#define JSON_TYPE    "application/json"
#define PROBLEM_TYPE "application/problem+json"

static const char out_of_memory[] = "{\"status\":\"error\",\"error\":{\"code\":1399,\"message\":"
                                    "\"Out of memory\",\"details\":\"\"}}";

void ag_reply_settle(ag_request *req, int status, struct MHD_Response *response)
{
    assert(!req->settled);
    ag_park_end(req);
    req->settled = true;
    req->owned = req->source != NULL;
    req->status = status;
    req->response = response;
    if (req->h != NULL) {
        ag_request_wake(req);
    } else {
        ag_request_drop(req);
    }
}

static void settle_static(ag_request *req)
{
    /* MHD does not write to a persistent buffer, it only says void *. */
    union {
        const char *text;
        void *data;
    } body = {.text = out_of_memory};
    struct MHD_Response *response = MHD_create_response_from_buffer(
        sizeof(out_of_memory) - 1, body.data, MHD_RESPMEM_PERSISTENT);
    if (response != NULL) {
        MHD_add_response_header(response, "Content-Type", JSON_TYPE);
    }
    ag_reply_settle(req, 500, response);
}

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return value == NULL || MHD_add_response_header(response, name, value) == MHD_YES;
}

/* What an error status adds. */
static bool add_for_status(const ag_request *req, struct MHD_Response *response, int status)
{
    char allow[AG_ALLOW_SIZE];
    switch (status) {
    case 401:
        return add(response, "WWW-Authenticate", "Bearer");
    case 405:
        return add(response, "Allow", ag_match_allow(&req->match, allow));
    case 503:
        return add(response, "Retry-After", "1");
    default:
        return true;
    }
}

bool ag_reply_headers(struct MHD_Response *response, const char *type)
{
    return add(response, "Content-Type", type) && add(response, "Cache-Control", "no-store") &&
           add(response, "X-Content-Type-Options", "nosniff");
}

/* Takes over TEXT; NULL means that there was no memory for it. */
static void reply_with(ag_request *req, int status, const char *type, char *text, size_t len)
{
    struct MHD_Response *response =
        text != NULL ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response == NULL) {
        free(text);
        settle_static(req);
        return;
    }
    if (!ag_reply_headers(response, type) || !add_for_status(req, response, status)) {
        MHD_destroy_response(response);
        settle_static(req);
        return;
    }
    ag_reply_settle(req, status, response);
}

static void reply_value(ag_request *req, int status, const char *type, ag_value *body)
{
    size_t len = 0;
    char *text = body != NULL ? ag_value_print(body, &len) : NULL;
    ag_value_unref(body);
    reply_with(req, status, type, text, len);
}

void ag_request_reply(ag_request *req, int status, ag_value *body)
{
    reply_value(req, status, JSON_TYPE, body);
}

void ag_request_reply_json(ag_request *req, int status, struct ag_buf *body)
{
    size_t len = body->len;
    reply_with(req, status, JSON_TYPE, ag_buf_take(body), len);
    ag_buf_free(body);
}

void ag_request_reply_text(ag_request *req, int status, const char *content_type, char *text,
                           size_t len)
{
    reply_with(req, status, content_type, text, len);
}

void ag_request_reply_empty(ag_request *req, int status)
{
    reply_with(req, status, NULL, ag_strdup(""), 0);
}

/* In the shape that the client asks for. */
static ag_value *error_value(const ag_request *req, const argo_error *error, const char **type)
{
    const char *accept = ag_request_header(req, "Accept");
    bool problem = accept != NULL && strcasestr(accept, PROBLEM_TYPE) != NULL;
    *type = problem ? PROBLEM_TYPE : JSON_TYPE;
    return problem ? ag_envelope_problem(error) : ag_envelope_error(error);
}

void ag_request_reply_error(ag_request *req, const argo_error *error)
{
    const char *type = NULL;
    int status = argo_error_http_status(error);
    assert(status >= 400);
    ag_value *value = error_value(req, error, &type);
    reply_value(req, status, type, value);
}

enum MHD_Result ag_reply_send(ag_request *req)
{
    if (req->response == NULL) {
        return MHD_NO;
    }
    if (req->must_close || req->h->drain != AG_RUNNING) {
        add(req->response, "Connection", "close");
    }
    if (req->owned) {
        ag_conn_enter(req->conn, AG_PHASE_STREAM, req->h->config.stall_timeout_ms);
    } else {
        ag_conn_enter(req->conn, AG_PHASE_SEND, req->h->config.body_timeout_ms);
    }
    enum MHD_Result rc = MHD_queue_response(req->mhd, (unsigned)req->status, req->response);
    MHD_destroy_response(req->response);
    req->response = NULL;
    return rc;
}

void ag_reply_raw(ag_request *req, const argo_error *error)
{
    const char *type = NULL;
    AG_AUTO(ag_value) body = error_value(req, error, &type);
    size_t len = 0;
    ag_auto_free char *text = body != NULL ? ag_value_print(body, &len) : NULL;
    ag_auto_free char *reply =
        text == NULL ? NULL
                     : ag_asprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
                                   "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                                   "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                                   argo_error_http_status(error), argo_error_message(error), type,
                                   len, text);
    if (reply != NULL) {
        req->status = argo_error_http_status(error);
        send(req->conn->fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}
