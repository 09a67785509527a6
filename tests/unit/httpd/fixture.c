/*
 * The server of the fixture: its routes and the counters they leave.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include <check.h>

#include "base/buf.h"
#include "base/text.h"
#include "lib/tempdir.h"
#include "wire/envelope.h"

static void on_sent(bool sent, void *user)
{
    struct server *s = user;
    *(sent ? &s->sent : &s->unsent) += 1;
}

static void reply_text_member(ag_request *req, const char *key, const char *text)
{
    ag_value *body = ag_value_object();
    ck_assert_int_eq(ag_value_set(body, key, ag_value_text(text)), 0);
    ag_request_reply(req, 200, body);
}

static void health(ag_request *req, void *user)
{
    struct server *s = user;
    s->handled++;
    ag_request_on_sent(req, on_sent, s);
    ag_request_reply(req, 200, ag_envelope_success());
}

static void echo(ag_request *req, void *user)
{
    struct server *s = user;
    s->handled++;
    ag_request_reply(req, 200, ag_value_ref(ag_request_body(req)));
}

static void item(ag_request *req, void *user)
{
    struct server *s = user;
    const char *q = ag_request_query(req, "q");
    ag_auto_free char *text =
        ag_asprintf("%s|%s|%s|%s", ag_request_param(req, "id"), q != NULL ? q : "-",
                    ag_request_target(req), ag_request_is_head(req) ? "head" : "get");
    s->handled++;
    reply_text_member(req, "item", text);
}

/* Facts about the peer; the connection's slot counts its requests. */
static void peer(ag_request *req, void *user)
{
    int64_t *slot = ag_request_connection_slot(req);
    ag_auto_free char *text =
        ag_asprintf("%d %d %d %d %d", ag_request_is_unix(req), ag_request_peer_pid(req) == getpid(),
                    (int)ag_request_port(req), (int)++*slot, (int)ag_request_principal(req));
    reply_text_member(req, "peer", text);
}

static void on_park(ag_request *req, bool gone, void *user)
{
    struct server *s = user;
    size_t i = 0;
    while (i < s->n_waiting && s->waiting[i] != req) {
        i++;
    }
    ck_assert_uint_lt(i, s->n_waiting);
    s->waiting[i] = s->waiting[--s->n_waiting];
    if (gone) {
        s->gone++;
        return;
    }
    s->expired++;
    ag_request_reply_empty(req, 204);
}

static void wait_route(ag_request *req, void *user)
{
    struct server *s = user;
    AG_AUTO(argo_error) error = NULL;
    int64_t ms = 0;
    s->handled++;
    ck_assert_int_eq(ag_parse_i64(ag_request_query(req, "ms"), "ms", 0, 600000, &ms, NULL), 0);
    ag_request_on_sent(req, on_sent, s);
    s->park_code = ag_request_park(req, ms, on_park, s, &error);
    if (s->park_code < 0) {
        ag_request_reply_error(req, error);
        return;
    }
    ck_assert_uint_lt(s->n_waiting, WAITING_MAX);
    s->waiting[s->n_waiting++] = req;
}

static void wake(ag_request *req, void *user)
{
    struct server *s = user;
    while (s->n_waiting > 0) {
        reply_text_member(s->waiting[--s->n_waiting], "woken", "yes");
    }
    ag_request_reply_empty(req, 204);
}

static void hold(ag_request *req, void *user)
{
    struct server *s = user;
    s->handled++;
    ag_request_on_sent(req, on_sent, s);
    s->held = req;
}

static void big(ag_request *req, void *user)
{
    size_t len = 8 * 1024 * 1024;
    char *text = malloc(len);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', len);
    ag_request_on_sent(req, on_sent, user);
    ag_request_reply_text(req, 200, "text/plain", text, len);
}

static void fail_route(ag_request *req, void *user)
{
    AG_AUTO(argo_error) error = NULL;
    ag_error_set(&error, ARGO_E_STORE, "disk full");
    ag_request_reply_error(req, error);
}

/* ---- streams --------------------------------------------------------------------------------- */

static void stream_end(struct stream *stream)
{
    ag_request_stream_end(stream->req);
    stream->req = NULL;
}

static void stream_pull(ag_request *req, void *user)
{
    struct stream *stream = user;
    const struct server *s = stream->server;
    size_t left = s->feed.len - stream->at;
    size_t n = left < s->portion ? left : s->portion;
    ck_assert_ptr_eq(stream->req, req);
    stream->pulls++;
    if (n > 0) {
        ag_request_stream_write(req, s->feed.data + stream->at, n);
        stream->at += n;
    } else if (s->feed_ended) {
        stream_end(stream);
    }
}

static void stream_drain(ag_request *req, void *user)
{
    ag_request_stream_write(req, "bye", 3);
    stream_end(user);
}

static void stream_gone(ag_request *req, void *user)
{
    struct stream *stream = user;
    ck_assert_ptr_eq(stream->req, req);
    stream->req = NULL;
    stream->server->streams_gone++;
}

static void stream_route(ag_request *req, void *user)
{
    static const struct ag_reply_source source = {
        .pull = stream_pull, .drain = stream_drain, .gone = stream_gone};
    struct server *s = user;
    AG_AUTO(argo_error) error = NULL;
    ck_assert_uint_lt(s->n_streams, STREAMS_MAX);
    struct stream *stream = &s->streams[s->n_streams];
    ag_request_on_sent(req, on_sent, s);
    s->handled++;
    s->stream_code = ag_request_stream_begin(req, "text/event-stream", &source, stream, &error);
    if (s->stream_code < 0) {
        ag_request_reply_error(req, error);
    } else if (s->stream_code == 0) {
        *stream = (struct stream){.server = s, .req = req};
        s->n_streams++;
    }
}

static void wake_streams(struct server *s)
{
    for (size_t i = 0; i < s->n_streams; i++) {
        if (s->streams[i].req != NULL) {
            ag_request_stream_wake(s->streams[i].req);
        }
    }
}

void server_feed(struct server *s, const void *text, size_t len)
{
    ck_assert_int_eq(ag_buf_add(&s->feed, text, len), 0);
    wake_streams(s);
}

void server_feed_end(struct server *s)
{
    s->feed_ended = true;
    wake_streams(s);
}

static const struct ag_route routes[] = {
    {AG_GET, "/health", AG_ACCESS_PUBLIC, health},
    {AG_POST, "/echo", AG_ACCESS_PUBLIC, echo},
    {AG_DELETE, "/echo", AG_ACCESS_PUBLIC, echo},
    {AG_GET, "/item/{id}", AG_ACCESS_PUBLIC, item},
    {AG_GET, "/secret", AG_ACCESS_USER, peer},
    {AG_POST, "/secret", AG_ACCESS_USER, echo},
    {AG_GET, "/wait", AG_ACCESS_PUBLIC, wait_route},
    {AG_POST, "/wake", AG_ACCESS_PUBLIC, wake},
    {AG_GET, "/hold", AG_ACCESS_PUBLIC, hold},
    {AG_GET, "/big", AG_ACCESS_PUBLIC, big},
    {AG_GET, "/fail", AG_ACCESS_PUBLIC, fail_route},
    {AG_GET, "/stream", AG_ACCESS_PUBLIC, stream_route},
};

static int authorize(ag_request *req, const struct ag_route *route, void *user, argo_error **err)
{
    const char *token = ag_request_header(req, "Authorization");
    ck_assert_ptr_eq(ag_request_route(req), route);
    ck_assert_ptr_null(ag_request_body(req));
    if (route->access == AG_ACCESS_PUBLIC) {
        return 0;
    }
    ag_request_set_principal(req, 7);
    if (ag_request_is_unix(req)) {
        return 0;
    }
    if (token == NULL) {
        return ag_error_set(err, ARGO_E_NO_TOKEN, "a token is needed");
    }
    return ag_streq(token, "Bearer good") ? 0 : ag_error_set(err, ARGO_E_DENIED, "wrong token");
}

static void on_finished(ag_request *req, int status, int64_t micros, void *user)
{
    struct server *s = user;
    ck_assert_int_ge(micros, 0);
    s->finished++;
    s->last_status = status;
}

void server_start(struct server *s, const struct ag_httpd_config *limits)
{
    int tcp_fd = -1;
    int unix_fd = -1;
    *s = (struct server){.portion = 10000, .feed = AG_BUF_INIT(64 * 1024 * 1024)};
    temp_dir_setup();
    struct ag_httpd_config config = limits != NULL ? *limits : (struct ag_httpd_config){0};
    ck_assert_int_eq(ag_loop_new(&s->loop, NULL), 0);
    config.loop = s->loop;
    config.routes = routes;
    config.n_routes = AG_ARRAY_SIZE(routes);
    config.user = s;
    config.authorize = authorize;
    config.finished = on_finished;
    ck_assert_int_eq(ag_httpd_new(&config, &s->httpd, NULL), 0);
    ck_assert_int_eq(ag_listen_tcp(0, &tcp_fd, &s->port, NULL), 0);
    s->path = temp_path("sock");
    ck_assert_int_eq(ag_listen_unix(s->path, &unix_fd, NULL), 0);
    ck_assert_int_eq(ag_httpd_listen(s->httpd, tcp_fd, false, NULL), 0);
    ck_assert_int_eq(ag_httpd_listen(s->httpd, unix_fd, true, NULL), 0);
    snprintf(s->host, sizeof(s->host), "localhost:%u", (unsigned)s->port);
}

void server_stop(struct server *s)
{
    ag_httpd_free(s->httpd);
    s->httpd = NULL;
    ag_loop_free(s->loop);
    ag_buf_free(&s->feed);
    temp_dir_teardown();
}

void server_pump(void *server)
{
    struct server *s = server;
    ck_assert_int_eq(ag_loop_dispatch(s->loop, 10, NULL), 0);
}

void server_until(struct server *s, const unsigned *counter, unsigned n)
{
    for (int i = 0; *counter < n && i < 1000; i++) {
        server_pump(s);
    }
    ck_assert_uint_ge(*counter, n);
}

static void on_drained(void *user)
{
    struct server *s = user;
    s->drained++;
}

void server_drain(struct server *s, int64_t grace_ms)
{
    ag_httpd_drain(s->httpd, grace_ms, on_drained, s);
}

void client_open(struct server *s, struct raw_client *c, enum transport transport)
{
    ck_assert(transport == OVER_TCP ? raw_connect_tcp(c, s->port, server_pump, s)
                                    : raw_connect_unix(c, s->path, server_pump, s));
}

bool client_send(struct server *s, struct raw_client *c, enum transport transport,
                 const void *bytes, size_t len)
{
    ag_auto_buf out = AG_BUF_INIT(64 * 1024 * 1024);
    const char *text = bytes;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '@') {
            ag_buf_add_text(&out, transport == OVER_TCP ? s->host : "localhost");
        } else {
            ag_buf_add_char(&out, text[i]);
        }
    }
    ck_assert_int_eq(out.failed, 0);
    return raw_send(c, out.data, out.len);
}

void client_ask(struct server *s, struct raw_client *c, enum transport transport, const char *text,
                struct raw_reply *reply)
{
    client_send(s, c, transport, text, strlen(text));
    ck_assert_msg(raw_read_reply(c, ag_starts_with(text, "HEAD"), reply), "no reply to %s", text);
}

void client_expect(struct server *s, struct raw_client *c, enum transport transport,
                   const char *text, int status, const char *body)
{
    struct raw_reply reply;
    client_ask(s, c, transport, text, &reply);
    ck_assert_msg(reply.status == status, "%s: %s %s", text, reply.head, reply.body);
    ck_assert_msg(body == NULL || strcmp(reply.body, body) == 0, "%s: %s", text, reply.body);
    raw_reply_clear(&reply);
}
