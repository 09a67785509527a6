/*
 * Replies that go on: their framing in both versions of HTTP, clients that are slow, that leave,
 * that stand still, many at once, and the orderly end.
 */
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"

#define STREAM   "GET /stream HTTP/1.1\r\nHost: @\r\n\r\n"
#define HEALTH   "GET /health HTTP/1.1\r\nHost: @\r\n\r\n"
#define OK       "{\"status\":\"success\"}"
#define MEBIBYTE (1024 * 1024)

static struct server s;

static void setup(void)
{
    server_start(&s, NULL);
}

static void setup_few(void)
{
    static const struct ag_httpd_config config = {.connection_limit = 16};
    server_start(&s, &config);
}

static void setup_impatient(void)
{
    static const struct ag_httpd_config config = {.stall_timeout_ms = 100};
    server_start(&s, &config);
}

static void teardown(void)
{
    if (s.httpd != NULL) {
        server_stop(&s);
    }
}

static void ask(struct raw_client *c, int transport, const char *request)
{
    client_open(&s, c, (enum transport)transport);
    ck_assert(client_send(&s, c, (enum transport)transport, request, strlen(request)));
}

static void until_connections(size_t n)
{
    for (int i = 0; i < 1000 && ag_httpd_connections(s.httpd) != n; i++) {
        server_pump(&s);
    }
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), n);
}

/* The body so far, its chunks put together, in BODY; true when the last chunk has come. */
static bool dechunk(const struct raw_client *c, struct ag_buf *body)
{
    const char *at = strstr(c->data, "\r\n\r\n");
    const char *end = c->data + c->len;
    ag_buf_clear(body);
    at = at != NULL ? at + 4 : end;
    while (at < end) {
        char *text = NULL;
        size_t n = strtoul(at, &text, 16);
        if (n == 0) {
            return ag_starts_with(text, "\r\n\r\n");
        }
        if ((size_t)(end - text) < n + 4) {
            return false;
        }
        ck_assert(ag_starts_with(text, "\r\n"));
        ck_assert_int_eq(ag_buf_add(body, text + 2, n), 0);
        at = text + 2 + n + 2;
    }
    return false;
}

/* Waits until the body so far is TEXT. */
static void expect_so_far(struct raw_client *c, const char *text)
{
    ag_auto_buf body = AG_BUF_INIT(MEBIBYTE);
    for (int i = 0; i < 1000; i++) {
        ck_assert(!dechunk(c, &body));
        if (strcmp(ag_buf_text(&body), text) == 0) {
            return;
        }
        server_pump(&s);
        raw_receive(c);
    }
    ck_abort_msg("'%s' instead of '%s'", ag_buf_text(&body), text);
}

static void expect_whole(struct raw_client *c, const char *text, size_t len)
{
    ag_auto_buf body = AG_BUF_INIT(64 * MEBIBYTE);
    ck_assert(raw_read_all(c));
    ck_assert(dechunk(c, &body));
    ck_assert_uint_eq(body.len, len);
    ck_assert_int_eq(memcmp(ag_buf_text(&body), text, len), 0);
}

/* LEN bytes that tell where they belong. */
static void feed_much(size_t len)
{
    ag_auto_buf text = AG_BUF_INIT(64 * MEBIBYTE);
    for (unsigned i = 0; text.len < len; i++) {
        ag_buf_printf(&text, "%u ", i);
    }
    server_feed(&s, text.data, len);
}

START_TEST(sends_what_comes_when_it_comes)
{
    struct raw_client c;
    ask(&c, _i, STREAM);
    server_until(&s, &s.handled, 1);
    /* The head comes before there is anything to tell. */
    for (int i = 0; i < 1000 && strstr(c.data, "\r\n\r\n") == NULL; i++) {
        server_pump(&s);
        raw_receive(&c);
    }
    ck_assert(ag_starts_with(c.data, "HTTP/1.1 200 "));
    ck_assert_ptr_nonnull(strstr(c.data, "Content-Type: text/event-stream\r\n"));
    ck_assert_ptr_nonnull(strstr(c.data, "Cache-Control: no-store\r\n"));
    ck_assert_ptr_nonnull(strcasestr(c.data, "Connection: close\r\n"));
    ck_assert_ptr_nonnull(strcasestr(c.data, "Transfer-Encoding: chunked\r\n"));
    expect_so_far(&c, "");
    server_feed(&s, "one ", 4);
    expect_so_far(&c, "one ");
    server_feed(&s, "two ", 4);
    server_feed(&s, "three ", 6);
    expect_so_far(&c, "one two three ");
    ck_assert_uint_eq(s.sent, 0);
    server_feed(&s, "four", 4);
    server_feed_end(&s);
    expect_whole(&c, "one two three four", 18);
    until_connections(0);
    ck_assert_uint_eq(s.sent, 1);
    ck_assert_uint_eq(s.finished, 1);
    ck_assert_int_eq(s.last_status, 200);
    ck_assert_uint_eq(s.streams_gone, 0);
    raw_close(&c);
}
END_TEST

START_TEST(goes_on_until_the_connection_closes_in_http_1_0)
{
    struct raw_client c;
    ask(&c, _i, "GET /stream HTTP/1.0\r\nHost: @\r\n\r\n");
    server_until(&s, &s.handled, 1);
    feed_much(20000);
    server_feed_end(&s);
    ck_assert(raw_read_all(&c));
    const char *body = strstr(c.data, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    ck_assert_ptr_null(strcasestr(c.data, "chunked"));
    ck_assert_str_eq(body + 4, s.feed.data);
    raw_close(&c);
}
END_TEST

START_TEST(answers_head_with_the_head)
{
    struct raw_client c;
    server_feed(&s, "x", 1);
    ask(&c, _i, "HEAD /stream HTTP/1.1\r\nHost: @\r\n\r\n");
    ck_assert(raw_read_all(&c));
    ck_assert_int_eq(s.stream_code, 1);
    ck_assert(ag_starts_with(c.data, "HTTP/1.1 200 "));
    ck_assert_ptr_nonnull(strstr(c.data, "Content-Type: text/event-stream\r\n"));
    ck_assert_str_eq(strstr(c.data, "\r\n\r\n"), "\r\n\r\n");
    ck_assert_uint_eq(s.n_streams, 0);
    raw_close(&c);
}
END_TEST

START_TEST(a_slow_client_holds_nobody_up)
{
    struct raw_client slow;
    struct raw_client fast;
    struct raw_client other;
    ask(&slow, _i, STREAM);
    server_until(&s, &s.handled, 1);
    ask(&fast, _i, STREAM);
    server_until(&s, &s.handled, 2);
    feed_much(12 * MEBIBYTE); /* more than sockets hold */
    for (int i = 0; i < 100000 && s.streams[1].at < s.feed.len; i++) {
        server_pump(&s);
        raw_receive(&fast);
    }
    ck_assert_uint_eq(s.streams[1].at, s.feed.len);
    /* What the slow one has not asked for has cost nothing. */
    ck_assert_uint_lt(s.streams[0].at, s.feed.len);
    client_open(&s, &other, _i);
    client_expect(&s, &other, _i, HEALTH, 200, OK);
    server_feed_end(&s);
    expect_whole(&fast, s.feed.data, s.feed.len);
    /* It gets all of it, in its own time. */
    expect_whole(&slow, s.feed.data, s.feed.len);
    ck_assert_uint_eq(s.streams_gone, 0);
    raw_close(&slow);
    raw_close(&fast);
    raw_close(&other);
}
END_TEST

START_TEST(notices_that_a_client_left)
{
    struct raw_client quiet;
    struct raw_client full;
    struct raw_client half;
    ask(&quiet, _i, STREAM);
    server_until(&s, &s.handled, 1);
    raw_close(&quiet);
    server_until(&s, &s.streams_gone, 1);
    ask(&half, _i, STREAM);
    server_until(&s, &s.handled, 2);
    shutdown(half.fd, SHUT_WR);
    server_until(&s, &s.streams_gone, 2);
    ck_assert(raw_read_all(&half));
    /* One whose buffers are full. */
    ask(&full, _i, STREAM);
    server_until(&s, &s.handled, 3);
    feed_much(16 * MEBIBYTE);
    size_t before = 0;
    for (int i = 0; i < 1000 && (i < 20 || before != s.streams[2].at); i++) {
        before = s.streams[2].at;
        server_pump(&s);
    }
    ck_assert_uint_lt(s.streams[2].at, s.feed.len);
    raw_close(&full);
    server_until(&s, &s.streams_gone, 3);
    until_connections(0);
    ck_assert_uint_eq(s.sent, 0);
    ck_assert_uint_eq(s.unsent, 3);
    raw_close(&half);
}
END_TEST

START_TEST(cuts_a_client_that_takes_nothing)
{
    struct raw_client quiet;
    struct raw_client stuck;
    ask(&quiet, _i, STREAM);
    server_until(&s, &s.handled, 1);
    ask(&stuck, _i, STREAM);
    server_until(&s, &s.handled, 2);
    feed_much(16 * MEBIBYTE);
    for (int i = 0; i < 100000 && s.streams_gone == 0; i++) {
        server_pump(&s);
        raw_receive(&quiet);
    }
    ck_assert_uint_eq(s.streams_gone, 1);
    ck_assert_ptr_null(s.streams[1].req);
    /* Standing still with nothing to take is no fault. */
    for (int i = 0; i < 100000 && s.streams[0].at < s.feed.len; i++) {
        server_pump(&s);
        raw_receive(&quiet);
    }
    for (int i = 0; i < 20; i++) {
        server_pump(&s); /* twice the limit */
    }
    server_feed_end(&s);
    expect_whole(&quiet, s.feed.data, s.feed.len);
    ck_assert_uint_eq(s.streams_gone, 1);
    raw_close(&quiet);
    raw_close(&stuck);
}
END_TEST

START_TEST(cuts_off_what_is_too_much_at_once)
{
    struct raw_client c;
    ag_auto_buf body = AG_BUF_INIT(64 * MEBIBYTE);
    s.portion = 5 * MEBIBYTE;
    ask(&c, _i, STREAM);
    server_until(&s, &s.handled, 1);
    server_feed(&s, "short", 5);
    expect_so_far(&c, "short");
    feed_much(5 * MEBIBYTE);
    ck_assert(raw_read_all(&c));
    ck_assert(!dechunk(&c, &body));
    ck_assert_str_eq(ag_buf_text(&body), "short");
    ck_assert_uint_eq(s.streams_gone, 1);
    until_connections(0);
    ck_assert_uint_eq(s.unsent, 1);
    raw_close(&c);
}
END_TEST

START_TEST(counts_with_what_waits)
{
    struct raw_client streams[3];
    struct raw_client waiting; /* the fourth quarter of 16 */
    struct raw_client c;
    for (int i = 0; i < 3; i++) {
        ask(&streams[i], _i, STREAM);
    }
    ask(&waiting, _i, "GET /wait?ms=60000 HTTP/1.1\r\nHost: @\r\n\r\n");
    server_until(&s, &s.handled, 4);
    client_open(&s, &c, _i);
    client_expect(&s, &c, _i, STREAM, 503, NULL);
    ck_assert_int_eq(s.stream_code, ARGO_E_WAITERS);
    client_expect(&s, &c, _i, HEALTH, 200, OK);
    raw_close(&streams[0]);
    server_until(&s, &s.streams_gone, 1);
    ck_assert(client_send(&s, &c, (enum transport)_i, STREAM, strlen(STREAM)));
    server_feed(&s, "x", 1);
    server_feed_end(&s);
    for (int i = 1; i < 3; i++) {
        expect_whole(&streams[i], "x", 1);
        raw_close(&streams[i]);
    }
    expect_whole(&c, "x", 1);
    raw_close(&waiting);
    raw_close(&c);
}
END_TEST

START_TEST(three_hundred_at_once)
{
    enum { N = 300 };
    struct raw_client *clients = calloc(N, sizeof(*clients));
    ck_assert_ptr_nonnull(clients);
    for (int i = 0; i < N; i++) {
        ask(&clients[i], i % N_TRANSPORTS, STREAM);
        server_pump(&s);
    }
    server_until(&s, &s.handled, N);
    for (int n = 0; n < 10; n++) {
        feed_much(1000);
        server_pump(&s);
        for (int i = n; i < N; i += 10) {
            raw_receive(&clients[i]);
        }
        if (n == 9) {
            raw_close(&clients[7]);
            raw_close(&clients[8]);
        }
    }
    server_feed_end(&s);
    for (int i = 0; i < N; i++) {
        if (i != 7 && i != 8) {
            expect_whole(&clients[i], s.feed.data, s.feed.len);
            raw_close(&clients[i]);
        }
    }
    until_connections(0);
    ck_assert_uint_eq(s.streams_gone, 2);
    ck_assert_uint_eq(s.sent, N - 2);
    server_pump(&s);
    ck_assert_int_eq(ag_loop_timeout(s.loop), -1);
    free(clients);
}
END_TEST

START_TEST(ends_in_a_drain)
{
    struct raw_client quiet;
    struct raw_client full;
    struct raw_client late;
    ask(&quiet, _i, STREAM);
    server_until(&s, &s.handled, 1);
    feed_much(8 * MEBIBYTE);
    expect_so_far(&quiet, "");
    ask(&full, _i, STREAM);
    server_until(&s, &s.handled, 2);
    server_drain(&s, 60000);
    server_pump(&s);
    ck_assert_ptr_null(s.streams[0].req);
    ck_assert_ptr_null(s.streams[1].req);
    struct raw_client *both[] = {&quiet, &full};
    for (int i = 0; i < 2; i++) {
        ag_auto_buf body = AG_BUF_INIT(64 * MEBIBYTE);
        ck_assert(raw_read_all(both[i]));
        ck_assert(dechunk(both[i], &body));
        ck_assert_str_eq(body.data + body.len - 3, "bye");
        ck_assert_int_eq(memcmp(body.data, s.feed.data, body.len - 3), 0);
        raw_close(both[i]);
    }
    server_until(&s, &s.drained, 1);
    ck_assert_uint_eq(s.streams_gone, 0);
    ck_assert(!(_i == OVER_TCP ? raw_connect_tcp(&late, s.port, NULL, NULL)
                               : raw_connect_unix(&late, s.path, NULL, NULL)));
}
END_TEST

START_TEST(begins_none_while_draining)
{
    struct raw_client c;
    ask(&c, _i, STREAM);
    server_drain(&s, 60000);
    ck_assert(raw_read_all(&c));
    ck_assert(ag_starts_with(c.data, "HTTP/1.1 503 "));
    ck_assert_int_eq(s.stream_code, ARGO_E_SHUTDOWN);
    server_until(&s, &s.drained, 1);
    raw_close(&c);
}
END_TEST

/* Those that wait, and those whose clients do not read. */
START_TEST(is_freed_with_the_server)
{
    struct raw_client quiet;
    struct raw_client full;
    ask(&full, _i, STREAM);
    server_until(&s, &s.handled, 1);
    feed_much(8 * MEBIBYTE);
    server_pump(&s);
    s.feed.len = 0; /* the next has nothing to send */
    ask(&quiet, _i, STREAM);
    server_until(&s, &s.handled, 2);
    s.feed.len = 8 * MEBIBYTE;
    s.streams[1].at = s.feed.len;
    server_stop(&s);
    ck_assert_uint_eq(s.streams_gone, 2);
    raw_close(&quiet);
    raw_close(&full);
}
END_TEST

static Suite *suite(void)
{
    Suite *su = suite_create("httpd-stream");
    TCase *t = tcase_create("stream");
    tcase_set_timeout(t, 50);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, sends_what_comes_when_it_comes, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, goes_on_until_the_connection_closes_in_http_1_0, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, answers_head_with_the_head, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, a_slow_client_holds_nobody_up, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, notices_that_a_client_left, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, cuts_off_what_is_too_much_at_once, 0, N_TRANSPORTS);
    tcase_add_test(t, three_hundred_at_once);
    tcase_add_loop_test(t, ends_in_a_drain, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, begins_none_while_draining, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, is_freed_with_the_server, 0, N_TRANSPORTS);
    suite_add_tcase(su, t);
    t = tcase_create("few");
    tcase_set_timeout(t, 50);
    tcase_add_checked_fixture(t, setup_few, teardown);
    tcase_add_loop_test(t, counts_with_what_waits, 0, N_TRANSPORTS);
    suite_add_tcase(su, t);
    t = tcase_create("impatient");
    tcase_set_timeout(t, 50);
    tcase_add_checked_fixture(t, setup_impatient, teardown);
    tcase_add_loop_test(t, cuts_a_client_that_takes_nothing, 0, N_TRANSPORTS);
    suite_add_tcase(su, t);
    return su;
}

ARGO_TEST_MAIN(suite)
