/*
 * Requests against a scripted server: what is sent, what comes back, every way to fail, and that
 * callbacks may cancel and free whatever they like.
 */
#include <stdio.h>
#include <string.h>

#include "http/http.h"
#include "lib/fakehttp.h"
#include "lib/runner.h"

static ag_loop *loop;
static argo_context *ctx;
static ag_http *http;
static struct fakehttp *server;

/* What the callbacks saw. */
static struct {
    bool done;
    int count, status, code;
    char body[4096];
    char data[4096];
    int pieces;
    int64_t retry_after;
    char details[512], type[64];
    int data_result;
} seen;

static ag_transfer *transfer;

static void setup(void)
{
    memset(&seen, 0, sizeof(seen));
    transfer = NULL;
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    ck_assert_int_eq(argo_context_new("/nowhere", &ctx, NULL), 0);
    ck_assert_int_eq(ag_http_new(loop, ctx, &http, NULL), 0);
    server = fakehttp_new(loop, NULL);
}

static void teardown(void)
{
    ag_http_free(http);
    fakehttp_free(server);
    argo_context_free(ctx);
    ag_loop_free(loop);
}

static int on_data(const char *data, size_t len, void *user)
{
    strncat(seen.data, data, len);
    seen.pieces++;
    return seen.data_result;
}

static void on_done(const struct ag_http_response *response, const argo_error *err, void *user)
{
    seen.done = true;
    seen.count++;
    seen.status = response->status;
    seen.code = argo_error_code(err);
    seen.retry_after = response->retry_after_ms;
    snprintf(seen.body, sizeof(seen.body), "%s", response->body);
    snprintf(seen.type, sizeof(seen.type), "%s", response->content_type);
    snprintf(seen.details, sizeof(seen.details), "%s", argo_error_details(err));
}

static const struct ag_http_events gather = {.on_done = on_done};
static const struct ag_http_events stream = {.on_data = on_data, .on_done = on_done};

static void start(const struct ag_http_request *request, const struct ag_http_events *events)
{
    seen.done = false;
    ck_assert_int_eq(ag_http_start(http, request, events, NULL, &transfer, NULL), 0);
    ck_assert(!seen.done);
}

static void perform(const struct ag_http_request *request, const struct ag_http_events *events)
{
    start(request, events);
    fakehttp_run(loop, &seen.done);
}

static void get(const char *path, const struct ag_http_events *events)
{
    perform(&(struct ag_http_request){"GET", fakehttp_url(server, path), .local = true}, events);
}

START_TEST(get_gathers_the_body)
{
    fakehttp_answer(server, 200, "Content-Type: text/plain\r\n", "hello");
    get("/x?y=1", &gather);
    ck_assert_int_eq(seen.code, 0);
    ck_assert_int_eq(seen.status, 200);
    ck_assert_str_eq(seen.body, "hello");
    ck_assert_str_eq(seen.type, "text/plain");
    ck_assert_int_eq(seen.retry_after, -1);
    ck_assert(strncmp(fakehttp_request(server, 0), "GET /x?y=1 HTTP/1.1\r\n", 21) == 0);
    ck_assert_ptr_nonnull(strstr(fakehttp_header(server, 0, "User-Agent"), "argo/"));
    ck_assert_ptr_null(fakehttp_header(server, 0, "Content-Type"));
}
END_TEST

START_TEST(post_sends_body_and_headers_without_expect)
{
    static char body[5000];
    memset(body, 'b', sizeof(body) - 1);
    const char *const headers[] = {"Content-Type: application/json", "X-One: two", NULL};
    fakehttp_answer(server, 201, "", "{}");
    perform(
        &(struct ag_http_request){
            .method = "POST",
            .url = fakehttp_url(server, "/p"),
            .headers = headers,
            .body = body,
            .body_len = sizeof(body) - 1,
        },
        &gather);
    ck_assert_int_eq(seen.status, 201);
    ck_assert_str_eq(fakehttp_body(server, 0), body);
    ck_assert_str_eq(fakehttp_header(server, 0, "X-One"), "two");
    ck_assert_str_eq(fakehttp_header(server, 0, "Content-Type"), "application/json");
    ck_assert_ptr_null(fakehttp_header(server, 0, "Expect"));
}
END_TEST

START_TEST(other_methods)
{
    fakehttp_answer(server, 204, "", "");
    perform(&(struct ag_http_request){"DELETE", fakehttp_url(server, "/d"), .local = true},
            &gather);
    ck_assert_int_eq(seen.status, 204);
    ck_assert(strncmp(fakehttp_request(server, 0), "DELETE /d ", 10) == 0);
    fakehttp_answer(server, 200, "", "");
    perform(&(struct ag_http_request){"POST", fakehttp_url(server, "/e"), .local = true}, &gather);
    ck_assert_str_eq(fakehttp_header(server, 1, "Content-Length"), "0");
    ck_assert_ptr_null(fakehttp_header(server, 1, "Content-Type"));
    fakehttp_reply(server,
                   &(struct fake_reply){.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"});
    perform(&(struct ag_http_request){"HEAD", fakehttp_url(server, "/h"), .local = true}, &gather);
    ck_assert_int_eq(seen.status, 200);
    ck_assert_int_eq(seen.code, 0);
}
END_TEST

START_TEST(a_connection_is_reused_unless_it_may_not)
{
    for (int i = 0; i < 3; i++) {
        fakehttp_answer(server, 200, "", "x");
    }
    get("/1", &gather);
    get("/2", &gather);
    ck_assert_uint_eq(fakehttp_connections(server), 1);
    struct ag_http_request own = {"GET", fakehttp_url(server, "/3"), .local = true,
                                  .multiplex_never = true};
    perform(&own, &gather);
    ck_assert_uint_eq(fakehttp_connections(server), 2);
}
END_TEST

START_TEST(reuse_only_sends_nothing_over_a_new_connection)
{
    struct ag_http_request only = {"GET", fakehttp_url(server, "/secret"), .local = true,
                                   .reuse_only = true};
    perform(&only, &gather);
    ck_assert_int_eq(seen.code, ARGO_E_NO_DAEMON);
    ck_assert_str_eq(fakehttp_received(server), "");
    fakehttp_answer(server, 200, "", "1");
    get("/open", &gather);
    fakehttp_answer(server, 200, "", "2");
    only.url = fakehttp_url(server, "/secret");
    perform(&only, &gather);
    ck_assert_int_eq(seen.code, 0);
    ck_assert_str_eq(seen.body, "2");
    /* The connection dies under the request: libcurl may not repeat it on another. */
    fakehttp_reply(server, &(struct fake_reply){0});
    perform(&only, &gather);
    ck_assert_int_lt(seen.code, 0);
    ck_assert_uint_eq(fakehttp_count(server), 3);
}
END_TEST

START_TEST(a_lost_connection_is_repeated_by_libcurl)
{
    fakehttp_answer(server, 200, "", "1");
    get("/", &gather);
    fakehttp_reply(server, &(struct fake_reply){0});
    fakehttp_answer(server, 200, "", "2");
    perform(&(struct ag_http_request){"POST", fakehttp_url(server, "/p"), .local = true}, &gather);
    ck_assert_str_eq(seen.body, "2");
    ck_assert_uint_eq(fakehttp_count(server), 3);
}
END_TEST

START_TEST(data_is_streamed_in_pieces)
{
    fakehttp_reply(
        server, &(struct fake_reply){
                    .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", .step = 1});
    get("/", &stream);
    ck_assert_str_eq(seen.data, "0123456789");
    ck_assert_int_ge(seen.pieces, 2);
    ck_assert_str_eq(seen.body, "");
    ck_assert_int_eq(seen.code, 0);
}
END_TEST

START_TEST(error_replies_are_gathered_though_streaming)
{
    fakehttp_answer(server, 503, "Retry-After: 7\r\n", "busy");
    get("/", &stream);
    ck_assert_int_eq(seen.code, 0);
    ck_assert_int_eq(seen.status, 503);
    ck_assert_str_eq(seen.body, "busy");
    ck_assert_int_eq(seen.pieces, 0);
    ck_assert_int_eq(seen.retry_after, 7000);
}
END_TEST

static int64_t fixed_now(void *user)
{
    return 1700000000000; /* Tue, 14 Nov 2023 22:13:20 GMT */
}

START_TEST(retry_after_is_read)
{
    static const struct {
        const char *header;
        int64_t ms;
    } cases[] = {
        {"Retry-After: 0\r\n", 0},
        {"Retry-After: Tue, 14 Nov 2023 22:13:50 GMT\r\n", 30000},
        {"Retry-After: Tue, 14 Nov 2023 22:13:00 GMT\r\n", 0},
        {"Retry-After: soon\r\n", -1},
        {"Retry-After: -3\r\n", -1},
        {"", -1},
    };

    ag_context_set_clock(ctx, fixed_now, NULL);
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        fakehttp_answer(server, 503, cases[i].header, "");
        get("/", &gather);
        ck_assert_msg(seen.retry_after == cases[i].ms, "%s", cases[i].header);
    }
}
END_TEST

START_TEST(on_data_may_end_the_transfer)
{
    seen.data_result = ARGO_E_JSON;
    fakehttp_reply(
        server, &(struct fake_reply){
                    .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", .step = 1});
    get("/", &stream);
    ck_assert_int_eq(seen.pieces, 1);
    ck_assert_int_eq(seen.code, ARGO_E_JSON);
    ck_assert_int_eq(seen.count, 1);
    ck_assert_int_eq(seen.status, 200);
}
END_TEST

START_TEST(response_limit)
{
    struct ag_http_request r = {"GET", fakehttp_url(server, "/"), .local = true, .max_response = 5};
    fakehttp_answer(server, 200, "", "12345");
    perform(&r, &gather);
    ck_assert_int_eq(seen.code, 0);
    ck_assert_str_eq(seen.body, "12345");
    fakehttp_answer(server, 200, "", "123456");
    r.url = fakehttp_url(server, "/");
    perform(&r, &gather);
    ck_assert_int_eq(seen.code, ARGO_E_TOO_LARGE);
    /* Streaming is no way around it. */
    fakehttp_reply(
        server, &(struct fake_reply){.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123456",
                                     .step = 1});
    perform(&r, &stream);
    ck_assert_int_eq(seen.code, ARGO_E_TOO_LARGE);
}
END_TEST

START_TEST(nobody_listens)
{
    fakehttp_kill(server);
    get("/", &gather);
    ck_assert_int_eq(seen.code, ARGO_E_NO_DAEMON);
    ck_assert_int_eq(seen.status, 0);
    ck_assert_ptr_nonnull(strstr(seen.details, "127.0.0.1"));
    perform(&(struct ag_http_request){"GET", "http://localhost/", .unix_socket = "/nowhere/x.sock",
                                      .local = true},
            &gather);
    ck_assert_int_eq(seen.code, ARGO_E_NO_DAEMON);
    ck_assert_str_eq(seen.details,
                     "No such file or directory"); /* of the socket, whose path who asks knows */
}
END_TEST

START_TEST(cut_replies_are_protocol_errors)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
    static const size_t cuts[] = {1, 17, 38, sizeof(reply) - 2};
    for (size_t i = 0; i < AG_ARRAY_SIZE(cuts); i++) {
        struct ag_http_request r = {"GET", fakehttp_url(server, "/"), .local = true,
                                    .multiplex_never = true};
        fakehttp_reply(server, &(struct fake_reply){.bytes = reply, .cut_at = cuts[i]});
        perform(&r, &gather);
        ck_assert_msg(seen.code == ARGO_E_PROTOCOL, "cut at %zu: %d", cuts[i], seen.code);
    }
    fakehttp_reply(server, &(struct fake_reply){.bytes = "what is this\r\n\r\n", .close = true});
    get("/", &gather);
    ck_assert_int_eq(seen.code, ARGO_E_PROTOCOL);
}
END_TEST

START_TEST(timeouts)
{
    struct ag_http_request r = {"GET", fakehttp_url(server, "/"), .local = true, .timeout_ms = 20};
    fakehttp_reply(server, &(struct fake_reply){.bytes = "x", .hold = true});
    perform(&r, &gather);
    ck_assert_int_eq(seen.code, ARGO_E_TIMEOUT);
    fakehttp_reply(server, &(struct fake_reply){.bytes = "x", .hold = true});
    r.timeout_ms = 0;
    r.idle_timeout_ms = 20;
    perform(&r, &gather);
    ck_assert_int_eq(seen.code, ARGO_E_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(seen.details, "20 ms"));
    r.idle_timeout_ms = 600000;
    fakehttp_answer(server, 200, "", "in time");
    perform(&r, &gather);
    ck_assert_str_eq(seen.body, "in time");
}
END_TEST

START_TEST(redirects_are_not_followed)
{
    fakehttp_answer(server, 302, "Location: file:///etc/passwd\r\n", "");
    get("/", &gather);
    ck_assert_int_eq(seen.status, 302);
    ck_assert_uint_eq(fakehttp_count(server), 1);
}
END_TEST

START_TEST(bad_requests_are_refused)
{
    static const char *const split[] = {"X: a\r\nEvil: b", NULL};
    static const char *const nameless[] = {"just text", NULL};
    const struct ag_http_request cases[] = {
        {"GET", "ftp://127.0.0.1/"},
        {"GET", "file:///etc/passwd"},
        {"GET", "not a url"},
        {"GET X", "http://127.0.0.1/"},
        {"", "http://127.0.0.1/"},
        {"GET", "http://127.0.0.1/", .headers = split},
        {"GET", "http://127.0.0.1/", .headers = nameless},
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        AG_AUTO(argo_error) err = NULL;
        int rc = ag_http_start(http, &cases[i], &gather, NULL, &transfer, &err);
        ck_assert_msg(rc == ARGO_E_INVALID, "case %zu: %d", i, rc);
        ck_assert_str_ne(argo_error_details(err), "");
    }
    ck_assert_ptr_null(transfer);
}
END_TEST

START_TEST(proxies_are_ignored_for_a_daemon)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    fakehttp_answer(server, 200, "", "direct");
    get("/", &gather);
    ck_assert_str_eq(seen.body, "direct");
    perform(&(struct ag_http_request){"GET", fakehttp_url(server, "/")}, &gather);
    ck_assert_int_eq(seen.code, ARGO_E_NO_DAEMON);
    unsetenv("http_proxy");
}
END_TEST

START_TEST(a_cancelled_transfer_is_silent)
{
    fakehttp_reply(server, &(struct fake_reply){.bytes = "x", .hold = true});
    start(&(struct ag_http_request){"GET", fakehttp_url(server, "/"), .local = true}, &gather);
    while (fakehttp_count(server) == 0) {
        ag_loop_dispatch(loop, 100, NULL);
    }
    ag_http_cancel(transfer);
    ag_http_cancel(NULL);
    fakehttp_answer(server, 200, "", "next");
    get("/", &gather);
    ck_assert_int_eq(seen.count, 1);
    ck_assert_str_eq(seen.body, "next");
}
END_TEST

static int cancel_on_data(const char *data, size_t len, void *user)
{
    ag_http_cancel(transfer);
    seen.pieces++;
    return 0;
}

static int free_on_data(const char *data, size_t len, void *user)
{
    ag_http_free(ag_take(http));
    seen.done = true;
    return ARGO_E_CANCELLED;
}

static void free_on_done(const struct ag_http_response *response, const argo_error *err, void *user)
{
    ag_http_cancel(transfer); /* allowed, and does nothing */
    ag_http_free(ag_take(http));
    seen.done = true;
    snprintf(seen.body, sizeof(seen.body), "%s", response->body);
}

static void again_on_done(const struct ag_http_response *response, const argo_error *err,
                          void *user)
{
    start(&(struct ag_http_request){"GET", fakehttp_url(server, "/2"), .local = true}, &gather);
}

START_TEST(callbacks_may_cancel)
{
    struct ag_http_events events = {.on_data = cancel_on_data, .on_done = on_done};
    fakehttp_reply(server,
                   &(struct fake_reply){.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
                                        .step = 1});
    start(&(struct ag_http_request){"GET", fakehttp_url(server, "/"), .local = true}, &events);
    while (seen.pieces == 0) {
        ag_loop_dispatch(loop, 100, NULL);
    }
    fakehttp_answer(server, 200, "", "next");
    get("/", &gather);
    ck_assert_int_eq(seen.count, 1);
    ck_assert_int_eq(seen.pieces, 1);
}
END_TEST

START_TEST(callbacks_may_free_everything)
{
    struct ag_http_events events = {.on_data = free_on_data, .on_done = on_done};
    fakehttp_answer(server, 200, "", "abcd");
    get("/", &events);
    ck_assert_int_eq(seen.count, 0);
    ck_assert_int_eq(ag_http_new(loop, ctx, &http, NULL), 0);
    events = (struct ag_http_events){.on_done = free_on_done};
    fakehttp_answer(server, 200, "", "last");
    get("/", &events);
    ck_assert_str_eq(seen.body, "last");
    ck_assert_ptr_null(http);
}
END_TEST

START_TEST(callbacks_may_start)
{
    struct ag_http_events events = {.on_done = again_on_done};
    fakehttp_answer(server, 200, "", "1");
    fakehttp_answer(server, 200, "", "2");
    get("/", &events);
    ck_assert_str_eq(seen.body, "2");
}
END_TEST

START_TEST(urls_are_read)
{
    static const struct {
        const char *url;
        bool https, loopback;
        uint16_t port;
    } good[] = {
        {"http://127.0.0.1:9876/x", false, true, 9876},
        {"http://127.8.9.1", false, true, 80},
        {"https://localhost/", true, true, 443},
        {"http://LOCALHOST:1/", false, true, 1},
        {"http://[::1]:8080", false, true, 8080},
        {"http://169.254.169.254/", false, false, 80},
        {"http://127.0.0.1@evil.example/", false, false, 80},
        {"http://127.0.0.1.nip.example/", false, false, 80},
        {"http://localhost.evil.example/", false, false, 80},
        {"https://api.example/v1", true, false, 443},
    };

    static const char *const bad[] = {"", "x", "ftp://x/", "http://", "file:///x", "127.0.0.1:80"};
    struct ag_http_url url;
    for (size_t i = 0; i < AG_ARRAY_SIZE(good); i++) {
        ck_assert_msg(ag_http_url_read(good[i].url, &url, NULL) == 0, "%s", good[i].url);
        ck_assert_msg(url.https == good[i].https, "%s", good[i].url);
        ck_assert_msg(url.loopback == good[i].loopback, "%s", good[i].url);
        ck_assert_uint_eq(url.port, good[i].port);
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_msg(ag_http_url_read(bad[i], &url, NULL) == ARGO_E_INVALID, "%s", bad[i]);
    }
}
END_TEST

START_TEST(backoff_doubles_to_its_limit)
{
    for (int i = 0; i < 100; i++) {
        int64_t first = ag_http_backoff_ms(1, 50, 2000);
        int64_t third = ag_http_backoff_ms(3, 50, 2000);
        int64_t late = ag_http_backoff_ms(4000000000U, 50, 2000);
        ck_assert(first >= 25 && first <= 50);
        ck_assert(third >= 100 && third <= 200);
        ck_assert(late >= 1000 && late <= 2000);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("http");
    TCase *tc = tcase_create("http");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, get_gathers_the_body);
    tcase_add_test(tc, post_sends_body_and_headers_without_expect);
    tcase_add_test(tc, other_methods);
    tcase_add_test(tc, a_connection_is_reused_unless_it_may_not);
    tcase_add_test(tc, reuse_only_sends_nothing_over_a_new_connection);
    tcase_add_test(tc, a_lost_connection_is_repeated_by_libcurl);
    tcase_add_test(tc, data_is_streamed_in_pieces);
    tcase_add_test(tc, error_replies_are_gathered_though_streaming);
    tcase_add_test(tc, retry_after_is_read);
    tcase_add_test(tc, on_data_may_end_the_transfer);
    tcase_add_test(tc, response_limit);
    tcase_add_test(tc, nobody_listens);
    tcase_add_test(tc, cut_replies_are_protocol_errors);
    tcase_add_test(tc, timeouts);
    tcase_add_test(tc, redirects_are_not_followed);
    tcase_add_test(tc, bad_requests_are_refused);
    tcase_add_test(tc, proxies_are_ignored_for_a_daemon);
    tcase_add_test(tc, a_cancelled_transfer_is_silent);
    tcase_add_test(tc, callbacks_may_cancel);
    tcase_add_test(tc, callbacks_may_free_everything);
    tcase_add_test(tc, callbacks_may_start);
    tcase_add_test(tc, urls_are_read);
    tcase_add_test(tc, backoff_doubles_to_its_limit);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
