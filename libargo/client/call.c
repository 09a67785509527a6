/*
 * One call: its tries, over the UNIX socket or over a lane of TCP, until there is a reply, an
 * error that another try cannot change, or no time left.
 */
#include <inttypes.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"
#include "client/internal.h"
#include "wire/envelope.h"

#define DEFAULT_TIMEOUT_MS 30000
#define BUSY_WINDOW_MS     5000
#define BACKOFF_FIRST_MS   50
#define BACKOFF_MAX_MS     2000
#define MAX_HEADERS        7

struct ag_call {
    struct ag_list link;
    ag_client *client;
    int method;
    char *url;
    char *body; /* or NULL */
    size_t body_len;
    int64_t timeout_ms, retry_for_ms;
    bool long_poll;
    char key[AG_UUID_SIZE]; /* the same for all tries; "" for a GET or an executor */
    ag_call_fn fn;
    void *user;
    int64_t failing_since; /* monotonic ms */
    unsigned tries;
    ag_timer *timer; /* the next try */
    ag_transfer *transfer;
    struct ag_lane *lane; /* TCP only */
    char challenge[AG_SHA256_HEX];
    bool reporting;
};

static const char *const method_words[] = {"GET", "POST", "DELETE"};

static void call_free(ag_call *call)
{
    ag_list_remove(&call->link);
    ag_http_cancel(call->transfer);
    ag_lane_free(call->lane);
    ag_timer_free(call->timer);
    free(call->url);
    free(call->body);
    free(call);
}

void ag_call_cancel(ag_call *call)
{
    if (call != NULL && !call->reporting) {
        call_free(call);
    }
}

void ag_calls_free(struct ag_list *calls)
{
    ag_call *call;
    while ((call = ag_list_first(calls, ag_call, link)) != NULL) {
        call_free(call);
    }
}

static void report(ag_call *call, const ag_value *reply, const argo_error *err)
{
    ag_list_remove(&call->link); /* FN may free the client */
    call->reporting = true;
    call->fn(reply, err, call->user);
    call_free(call);
}

/* ---- what became of a try --------------------------------------------------------------------- */

/* How long a try after this one may begin, counted from the first failure; -1: for ever. */
static int64_t window(const ag_call *call, const struct ag_http_response *response)
{
    bool being_replaced = response != NULL && response->status == 503 &&
                          response->retry_after_ms >= 0 && call->retry_for_ms >= 0;
    if (being_replaced && call->retry_for_ms < BUSY_WINDOW_MS) {
        return BUSY_WINDOW_MS;
    }
    return call->retry_for_ms;
}

/* A reply is final unless it says 503: what has answered is there. */
static bool passing(int code, const struct ag_http_response *response)
{
    if (response != NULL) {
        return response->status == 503;
    }
    return code == ARGO_E_NO_DAEMON || code == ARGO_E_PROTOCOL || code == ARGO_E_TIMEOUT;
}

/* RESPONSE is NULL when none came. May free CALL. */
static void failed(ag_call *call, const argo_error *err, const struct ag_http_response *response)
{
    int64_t limit = window(call, response);
    int64_t delay = ag_http_backoff_ms(call->tries, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
    if (response != NULL && response->retry_after_ms > delay) {
        delay = response->retry_after_ms;
    }
    int64_t now = ag_monotonic_ms();
    call->failing_since = call->tries <= 1 ? now : call->failing_since;
    int64_t next = now - call->failing_since + delay;
    if (!passing(argo_error_code(err), response) || (limit >= 0 && next > limit)) {
        report(call, NULL, err);
        return;
    }
    ag_log_debug(call->client->ctx, "client", "try %u failed, next in %" PRId64 " ms: %s",
                 call->tries, delay, argo_error_details(err));
    ag_timer_arm(call->timer, delay);
}

/* The lane goes back to the client when it may serve again. */
static void leave_lane(ag_call *call, bool good)
{
    struct ag_lane *lane = ag_take(call->lane);
    if (lane != NULL && good) {
        lane->used = true;
        ag_list_append(&call->client->idle, &lane->link);
    } else {
        ag_lane_free(lane);
    }
}

static void replied(ag_call *call, const struct ag_http_response *response)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) reply = NULL;
    leave_lane(call, true);
    if (response->status / 100 != 2) {
        ag_envelope_read_error(response->body, response->body_len, response->status, &err);
        failed(call, err, response);
        return;
    }
    int rc = 0;
    if (response->body_len == 0) {
        reply = ag_value_null();
        rc = reply != NULL ? 0 : ag_error_nomem(&err);
    } else if (ag_value_parse(response->body, response->body_len, &reply, NULL) < 0) {
        rc = ag_error_set(&err, ARGO_E_PROTOCOL, "the reply to %s is not JSON", call->url);
    }
    report(call, rc == 0 ? reply : NULL, err);
}

static void try_now(ag_call *call);

static void on_reply(const struct ag_http_response *response, const argo_error *err, void *user)
{
    ag_call *call = user;
    AG_AUTO(argo_error) named = NULL;
    call->transfer = NULL;
    if (err == NULL) {
        replied(call, response);
        return;
    }
    if (argo_error_code(err) == ARGO_E_NO_DAEMON && call->client->socket != NULL) {
        ag_error_set(&named, ARGO_E_NO_DAEMON, "%s: %s", call->client->socket,
                     argo_error_details(err));
        err = named;
    }
    bool stale = call->lane != NULL && call->lane->used;
    ag_client_forget_socket(call->client);
    leave_lane(call, false);
    if (stale && passing(argo_error_code(err), NULL)) {
        try_now(call); /* the idle connection had died; that says nothing of the daemon */
    } else {
        failed(call, err, NULL);
    }
}

/* ---- a try ------------------------------------------------------------------------------------ */

/* TEXTS are freed by the caller. Returns how many headers, or a negative code. */
static int make_headers(const ag_call *call, const char *token, char *texts[MAX_HEADERS],
                        argo_error **err)
{
    int n = 0;
    texts[n++] = ag_strdup("Accept: application/json");
    if (call->body != NULL) {
        texts[n++] = ag_strdup("Content-Type: application/json");
    }
    if (token != NULL) {
        texts[n++] = ag_asprintf("Authorization: Bearer %s", token);
    }
    if (call->client->epoch != 0) {
        texts[n++] = ag_asprintf("X-Argo-Epoch: %" PRId64, call->client->epoch);
    }
    if (call->key[0] != '\0') {
        texts[n++] = ag_asprintf("Idempotency-Key: %s", call->key);
    }
    if (call->client->name != NULL) {
        texts[n++] = ag_asprintf("X-Argo-Client: %s", call->client->name);
    }
    for (int i = 0; i < n; i++) {
        if (texts[i] == NULL) {
            return ag_error_nomem(err);
        }
    }
    return n;
}

static void free_headers(char *texts[MAX_HEADERS])
{
    for (int i = 0; i < MAX_HEADERS; i++) {
        if (texts[i] != NULL) {
            explicit_bzero(texts[i], strlen(texts[i]));
            free(texts[i]);
        }
    }
}

/* Over the UNIX socket a user is known by the peer's uid; an executor by its run's token. */
static const char *token_to_show(const ag_call *call)
{
    if (call->lane != NULL) {
        return call->lane->token;
    }
    return call->client->epoch != 0 ? call->client->token : NULL;
}

static int send_request(ag_call *call, argo_error **err)
{
    static const struct ag_http_events events = {.on_done = on_reply};
    ag_client *c = call->client;
    char socket[AG_SOCKET_PATH_SIZE];
    char *headers[MAX_HEADERS] = {NULL};
    struct ag_http_request request = {
        .method = method_words[call->method],
        .url = call->url,
        .headers = (const char *const *)headers,
        .body = call->body,
        .body_len = call->body_len,
        .timeout_ms = call->timeout_ms,
        .local = true,
        /* A lane serves one call at a time, over the connection that has proved itself. */
        .multiplex_never = call->long_poll && call->lane == NULL,
        .reuse_only = call->lane != NULL,
    };
    int rc = 0;
    if (c->socket != NULL) {
        request.unix_socket = socket;
        rc = ag_client_socket(c, socket, err);
    }
    rc = rc < 0 ? rc : make_headers(call, token_to_show(call), headers, err);
    if (rc >= 0) {
        ag_http *http = call->lane != NULL ? call->lane->http : c->http;
        rc = ag_http_start(http, &request, &events, call, &call->transfer, err);
    }
    free_headers(headers);
    return rc;
}

static void on_health(const struct ag_http_response *response, const argo_error *failure,
                      void *user)
{
    ag_call *call = user;
    AG_AUTO(argo_error) err = NULL;
    call->transfer = NULL;
    if (failure != NULL) {
        leave_lane(call, false);
        failed(call, failure, NULL);
        return;
    }
    int rc = ag_lane_check(call->client, call->lane, call->challenge, response, &err);
    rc = rc < 0 ? rc : send_request(call, &err);
    if (rc < 0) {
        leave_lane(call, false);
        failed(call, err, NULL);
    }
}

static int ask_for_proof(ag_call *call, argo_error **err)
{
    static const struct ag_http_events events = {.on_done = on_health};
    int rc = ag_random_hex(call->challenge, sizeof(call->challenge) - 1, err);
    if (rc < 0) {
        return rc;
    }
    ag_auto_free char *url =
        ag_asprintf("%s/api/health?challenge=%s", call->client->base, call->challenge);
    if (url == NULL) {
        return ag_error_nomem(err);
    }
    const struct ag_http_request request = {
        .method = "GET",
        .url = url,
        .timeout_ms = call->timeout_ms,
        .local = true,
    };
    return ag_http_start(call->lane->http, &request, &events, call, &call->transfer, err);
}

static int start_try(ag_call *call, argo_error **err)
{
    ag_client *c = call->client;
    if (c->socket != NULL) {
        return send_request(call, err);
    }
    call->lane = ag_list_first(&c->idle, struct ag_lane, link);
    if (call->lane != NULL) {
        ag_list_remove(&call->lane->link);
        return send_request(call, err);
    }
    int rc = ag_lane_new(c, &call->lane, err);
    return rc < 0 ? rc : ask_for_proof(call, err);
}

static void try_now(ag_call *call)
{
    AG_AUTO(argo_error) err = NULL;
    if (start_try(call, &err) < 0) {
        leave_lane(call, false);
        failed(call, err, NULL);
    }
}

static void on_timer(ag_timer *timer, void *user)
{
    ag_call *call = user;
    call->tries++;
    try_now(call);
}

/* ---- the beginning ---------------------------------------------------------------------------- */

static int prepare(ag_call *call, const struct ag_call_spec *spec, argo_error **err)
{
    call->url = ag_asprintf("%s%s", call->client->base, spec->path);
    if (spec->body != NULL) {
        call->body = ag_value_print(spec->body, &call->body_len);
    }
    if (call->url == NULL || (spec->body != NULL && call->body == NULL)) {
        return ag_error_nomem(err);
    }
    int rc = ag_timer_new(call->client->loop, on_timer, call, &call->timer, err);
    if (rc == 0 && call->method != AG_CALL_GET && call->client->epoch == 0) {
        rc = ag_uuid(call->key, err);
    }
    return rc;
}

int ag_client_call(ag_client *c, const struct ag_call_spec *spec, ag_call_fn fn, void *user,
                   ag_call **out, argo_error **err)
{
    if (spec->path == NULL || spec->path[0] != '/') {
        return ag_error_set(err, ARGO_E_INVALID, "a path of the daemon starts with /");
    }
    ag_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return ag_error_nomem(err);
    }
    ag_list_append(&c->calls, &call->link);
    call->client = c;
    call->method = spec->method;
    call->timeout_ms = spec->timeout_ms > 0 ? spec->timeout_ms : DEFAULT_TIMEOUT_MS;
    call->retry_for_ms = spec->retry_for_ms;
    call->long_poll = spec->long_poll;
    call->fn = fn;
    call->user = user;
    int rc = prepare(call, spec, err);
    if (rc < 0) {
        call_free(call);
        return rc;
    }
    ag_timer_arm(call->timer, 0);
    if (out != NULL) {
        *out = call;
    }
    return 0;
}
