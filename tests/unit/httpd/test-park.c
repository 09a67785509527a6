/*
 * Requests that wait, clients that dawdle or leave, the limits, and the orderly end.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: @\r\n\r\n"
#define WAKE          "POST /wake HTTP/1.1\r\nHost: @\r\n\r\n"
#define OK            "{\"status\":\"success\"}"
#define WOKEN         "{\"woken\":\"yes\"}"

static struct server s;

static void setup(void)
{
    static const struct ag_httpd_config config = {.connection_limit = 16};
    server_start(&s, &config);
}

static void setup_impatient(void)
{
    static const struct ag_httpd_config config = {
        .header_timeout_ms = 100, .body_timeout_ms = 100, .idle_timeout_ms = 100};
    server_start(&s, &config);
}

static void teardown(void)
{
    if (s.httpd != NULL) {
        server_stop(&s);
    }
}

static void send_text(struct raw_client *c, int transport, const char *text)
{
    ck_assert(client_send(&s, c, (enum transport)transport, text, strlen(text)));
}

static void read_status(struct raw_client *c, int status, const char *body, bool closing)
{
    struct raw_reply r;
    char buf[32];
    ck_assert(raw_read_reply(c, false, &r));
    ck_assert_int_eq(r.status, status);
    ck_assert_msg(body == NULL || strstr(r.body, body) != NULL, "%s", r.body);
    ck_assert_int_eq(raw_header(&r, "Connection", buf, sizeof(buf)) != NULL, closing);
    raw_reply_clear(&r);
}

static void until_connections(size_t n)
{
    for (int i = 0; i < 1000 && ag_httpd_connections(s.httpd) != n; i++) {
        server_pump(&s);
    }
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), n);
}

START_TEST(wakes_what_waits)
{
    struct raw_client waiting[3];
    struct raw_client c;
    for (int i = 0; i < 3; i++) {
        client_open(&s, &waiting[i], _i);
        send_text(&waiting[i], _i, REQUEST("/wait?ms=60000"));
    }
    server_until(&s, &s.handled, 3);
    client_open(&s, &c, _i);
    client_expect(&s, &c, _i, WAKE, 204, "");
    for (int i = 0; i < 3; i++) {
        read_status(&waiting[i], 200, WOKEN, false);
        /* The connection lives on, and can wait again. */
        client_expect(&s, &waiting[i], _i, REQUEST("/wait?ms=1"), 204, "");
        raw_close(&waiting[i]);
    }
    ck_assert_uint_eq(s.gone, 0);
    ck_assert_uint_eq(s.expired, 3);
    ck_assert_uint_eq(s.sent, 6);
    raw_close(&c);
}
END_TEST

START_TEST(ends_a_wait_at_its_deadline)
{
    struct raw_client c;
    client_open(&s, &c, _i);
    client_expect(&s, &c, _i, REQUEST("/wait?ms=20"), 204, "");
    client_expect(&s, &c, _i, REQUEST("/wait?ms=0"), 204, "");
    ck_assert_uint_eq(s.expired, 2);
    raw_close(&c);
}
END_TEST

START_TEST(notices_that_a_waiting_client_left)
{
    struct raw_client c;
    client_open(&s, &c, _i);
    send_text(&c, _i, REQUEST("/wait?ms=60000"));
    server_until(&s, &s.handled, 1);
    raw_close(&c);
    server_until(&s, &s.gone, 1);
    ck_assert_uint_eq(s.n_waiting, 0);
    until_connections(0);
    ck_assert_uint_eq(s.sent, 0);
    ck_assert_uint_eq(s.unsent, 1);
    ck_assert_uint_eq(s.finished, 1);
    ck_assert_int_eq(s.last_status, 0);
}
END_TEST

/* Nothing is known of the client until the reply is written: it goes nowhere. */
START_TEST(reply_to_a_client_that_left_is_harmless)
{
    struct raw_client c;
    client_open(&s, &c, _i);
    send_text(&c, _i, REQUEST("/hold"));
    server_until(&s, &s.handled, 1);
    raw_close(&c);
    server_pump(&s);
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), 1);
    ag_request_reply_empty(s.held, 204);
    until_connections(0);
    ck_assert_uint_eq(s.sent + s.unsent, 1);
}
END_TEST

START_TEST(caps_what_waits)
{
    struct raw_client waiting[4]; /* a quarter of 16 */
    struct raw_client c;
    for (int i = 0; i < 4; i++) {
        client_open(&s, &waiting[i], _i);
        send_text(&waiting[i], _i, REQUEST("/wait?ms=60000"));
    }
    server_until(&s, &s.handled, 4);
    ck_assert_int_eq(s.park_code, 0);
    client_open(&s, &c, _i);
    client_expect(&s, &c, _i, REQUEST("/wait?ms=60000"), 503, NULL);
    ck_assert_int_eq(s.park_code, ARGO_E_WAITERS);
    client_expect(&s, &c, _i, REQUEST("/health"), 200, OK);
    raw_close(&waiting[0]);
    server_until(&s, &s.gone, 1);
    send_text(&c, _i, REQUEST("/wait?ms=1"));
    read_status(&c, 204, "", false);
    ck_assert_int_eq(s.park_code, 0);
    for (int i = 1; i < 4; i++) {
        raw_close(&waiting[i]);
    }
    raw_close(&c);
}
END_TEST

START_TEST(pauses_accepting_at_the_limit)
{
    struct raw_client c[17];
    for (int i = 0; i < 16; i++) {
        client_open(&s, &c[i], _i);
        client_expect(&s, &c[i], _i, REQUEST("/health"), 200, OK);
    }
    client_open(&s, &c[16], _i);
    send_text(&c[16], _i, REQUEST("/health"));
    for (int i = 0; i < 3; i++) {
        server_pump(&s);
    }
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), 16);
    ck_assert_uint_eq(s.handled, 16);
    raw_close(&c[3]);
    read_status(&c[16], 200, OK, false);
    for (int i = 0; i < 17; i++) {
        raw_close(&c[i]);
    }
}
END_TEST

/* Without fds accepting pauses: an iteration then waits instead of spinning, and the first
 * connection that closes lets the next one in. */
START_TEST(pauses_accepting_without_fds)
{
    struct raw_client c[2];
    struct rlimit old;
    client_open(&s, &c[0], _i);
    client_expect(&s, &c[0], _i, REQUEST("/health"), 200, OK);
    client_open(&s, &c[1], _i);
    send_text(&c[1], _i, REQUEST("/health"));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)c[1].fd + 1, .rlim_max = old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    server_pump(&s);
    server_pump(&s);
    ck_assert_uint_eq(s.handled, 1);
    ck_assert_int_gt(ag_loop_timeout(s.loop), 0);
    client_expect(&s, &c[0], _i, REQUEST("/health"), 200, OK);
    raw_close(&c[0]);
    read_status(&c[1], 200, OK, false);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    raw_close(&c[1]);
}
END_TEST

/* A byte now and then keeps nobody in. Each sample never gets further than its last byte. */
START_TEST(cuts_clients_that_dawdle)
{
    static const char *const samples[] = {
        "", "G", "GET /health HTTP/1.1\r\nHost: @\r\nX: ",
        "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000000\r\n\r\n{",
        "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\nffff\r\n{",
        /* A second request on a connection that was kept. */
        "GET /health HTTP/1.1\r\nHost: @\r\n\r\nGET /health HTTP/1.1\r\nHo"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(samples); i++) {
        struct raw_client c;
        client_open(&s, &c, _i);
        send_text(&c, _i, samples[i]);
        for (int n = 0; n < 20000 && raw_send(&c, " ", *samples[i] != '\0'); n++) {
            server_pump(&s);
            if (ag_httpd_connections(s.httpd) == 0) {
                break;
            }
        }
        ck_assert_msg(raw_read_all(&c), "sample %zu was not cut", i);
        raw_close(&c);
    }
    until_connections(0);
    ck_assert_uint_eq(s.handled, 1);
}
END_TEST

START_TEST(cuts_clients_that_do_not_read)
{
    struct raw_client c;
    client_open(&s, &c, _i);
    send_text(&c, _i, REQUEST("/big"));
    server_until(&s, &s.unsent, 1);
    until_connections(0);
    ck_assert_uint_eq(s.sent, 0);
    raw_close(&c);
}
END_TEST

START_TEST(closes_idle_connections_but_not_those_that_work)
{
    struct raw_client idle;
    struct raw_client held;
    struct raw_client waiting;
    client_open(&s, &held, _i);
    send_text(&held, _i, REQUEST("/hold"));
    client_open(&s, &waiting, _i);
    send_text(&waiting, _i, REQUEST("/wait?ms=60000"));
    client_open(&s, &idle, _i);
    client_expect(&s, &idle, _i, REQUEST("/health"), 200, OK);
    ck_assert(raw_read_all(&idle));
    until_connections(2);
    ag_request_reply_empty(s.held, 204);
    read_status(&held, 204, "", false);
    ck_assert(raw_read_all(&held));
    ck_assert_uint_eq(s.gone, 0);
    raw_close(&idle);
    raw_close(&held);
    raw_close(&waiting);
}
END_TEST

/* Quiet connections cost one timer, none cost none. */
START_TEST(idles_without_wakeups)
{
    struct raw_client c;
    server_pump(&s);
    ck_assert_int_eq(ag_loop_timeout(s.loop), -1);
    client_open(&s, &c, _i);
    client_expect(&s, &c, _i, REQUEST("/health"), 200, OK);
    server_pump(&s);
    ck_assert_int_gt(ag_loop_timeout(s.loop), 100000);
    raw_close(&c);
    until_connections(0);
    server_pump(&s);
    ck_assert_int_eq(ag_loop_timeout(s.loop), -1);
}
END_TEST

START_TEST(drains_without_losing_a_reply)
{
    struct raw_client waiting;
    struct raw_client held;
    struct raw_client idle;
    struct raw_client crossing;
    struct raw_client backlog;
    client_open(&s, &waiting, _i);
    send_text(&waiting, _i, REQUEST("/wait?ms=60000"));
    client_open(&s, &held, _i);
    send_text(&held, _i, REQUEST("/hold"));
    client_open(&s, &idle, _i);
    client_expect(&s, &idle, _i, REQUEST("/health"), 200, OK);
    client_open(&s, &crossing, _i);
    client_expect(&s, &crossing, _i, REQUEST("/health"), 200, OK);
    server_until(&s, &s.handled, 4);
    /* Sent before the drain, read after it began; and one that is not even accepted. */
    send_text(&crossing, _i, REQUEST("/health"));
    client_open(&s, &backlog, _i);
    send_text(&backlog, _i, REQUEST("/health"));
    server_drain(&s, 60000);
    server_drain(&s, 1); /* the second does nothing */
    read_status(&waiting, 503, "1304", true);
    ck_assert_uint_eq(s.gone, 1);
    read_status(&crossing, 200, OK, true);
    read_status(&backlog, 200, OK, true);
    ck_assert(raw_read_all(&idle));
    ck_assert(raw_read_all(&crossing));
    ck_assert_uint_eq(s.drained, 0);
    struct raw_client late;
    ck_assert(!(_i == OVER_TCP ? raw_connect_tcp(&late, s.port, NULL, NULL)
                               : raw_connect_unix(&late, s.path, NULL, NULL)));
    ag_request_reply_empty(s.held, 204);
    read_status(&held, 204, "", true);
    server_until(&s, &s.drained, 1);
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), 0);
    ck_assert_uint_eq(s.drained, 1);
    raw_close(&waiting);
    raw_close(&held);
    raw_close(&idle);
    raw_close(&crossing);
    raw_close(&backlog);
}
END_TEST

START_TEST(drains_at_once_when_nobody_is_there)
{
    server_drain(&s, 60000);
    server_until(&s, &s.drained, 1);
}
END_TEST

/* The owner replies after the server has gone; the grace has ended the drain before. */
START_TEST(frees_what_is_under_way)
{
    struct raw_client held;
    struct raw_client waiting;
    client_open(&s, &held, _i);
    send_text(&held, _i, REQUEST("/hold"));
    server_until(&s, &s.handled, 1);
    server_drain(&s, 1);
    server_until(&s, &s.drained, 1);
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), 1);
    ag_request *req = s.held;
    server_stop(&s);
    ck_assert_uint_eq(s.unsent, 1);
    ck_assert_str_eq(ag_request_target(req), "/hold");
    ck_assert_ptr_null(ag_request_header(req, "Host"));
    ck_assert_uint_eq(ag_request_port(req), 0);
    *ag_request_connection_slot(req) = 1;
    ag_request_reply(req, 200, ag_value_object());
    raw_close(&held);
    /* Without a drain: those that wait are told. */
    server_start(&s, NULL);
    client_open(&s, &waiting, _i);
    send_text(&waiting, _i, REQUEST("/wait?ms=60000"));
    server_until(&s, &s.handled, 1);
    server_stop(&s);
    ck_assert_uint_eq(s.gone, 1);
    raw_close(&waiting);
}
END_TEST

START_TEST(makes_private_sockets)
{
    struct stat st;
    int fd = -1;
    uint16_t port;
    ck_assert_int_eq(stat(s.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(ag_listen_unix(s.path, &fd, NULL), ARGO_E_EXISTS);
    ck_assert_int_eq(ag_listen_tcp(s.port, &fd, &port, NULL), ARGO_E_EXISTS);
    ck_assert_int_eq(fd, -1);
    /* What nobody listens on is replaced, what is no socket is not. */
    ag_auto_free char *stale = ag_asprintf("%s.stale", s.path);
    ck_assert_int_eq(ag_listen_unix(stale, &fd, NULL), 0);
    close(fd);
    ck_assert_int_eq(ag_listen_unix(stale, &fd, NULL), 0);
    close(fd);
    ag_auto_free char *plain = ag_asprintf("%s.plain", s.path);
    ck_assert_int_eq(ag_file_write(plain, "x", 1, 0600, NULL), 0);
    ck_assert_int_eq(ag_listen_unix(plain, &fd, NULL), ARGO_E_EXISTS);
    ck_assert(ag_file_exists(plain));
}
END_TEST

START_TEST(binds_long_paths)
{
    char deep[256];
    int fd = -1;
    int again = -1;
    memset(deep, 'd', sizeof(deep));
    deep[150] = '\0';
    ag_auto_free char *dir = ag_asprintf("%s.%s", s.path, deep);
    ag_auto_free char *path = ag_asprintf("%s/argo.sock", dir);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(ag_listen_unix(path, &fd, NULL), 0);
    ck_assert(ag_file_exists(path));
    ck_assert_int_eq(ag_listen_unix(path, &again, NULL), ARGO_E_EXISTS);
    close(fd);
    deep[120] = '\0';
    ag_auto_free char *name = ag_asprintf("%s/%s", dir, deep);
    ck_assert_int_eq(ag_listen_unix(name, &fd, NULL), ARGO_E_INVALID);
}
END_TEST

static Suite *suite(void)
{
    Suite *su = suite_create("httpd-park");
    TCase *t = tcase_create("park");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, wakes_what_waits, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, ends_a_wait_at_its_deadline, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, notices_that_a_waiting_client_left, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, reply_to_a_client_that_left_is_harmless, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, caps_what_waits, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, pauses_accepting_at_the_limit, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, pauses_accepting_without_fds, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, idles_without_wakeups, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, drains_without_losing_a_reply, 0, N_TRANSPORTS);
    tcase_add_test(t, drains_at_once_when_nobody_is_there);
    tcase_add_loop_test(t, frees_what_is_under_way, 0, N_TRANSPORTS);
    tcase_add_test(t, makes_private_sockets);
    tcase_add_test(t, binds_long_paths);
    suite_add_tcase(su, t);
    t = tcase_create("impatient");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup_impatient, teardown);
    tcase_add_loop_test(t, cuts_clients_that_dawdle, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, cuts_clients_that_do_not_read, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, closes_idle_connections_but_not_those_that_work, 0, N_TRANSPORTS);
    suite_add_tcase(su, t);
    return su;
}

ARGO_TEST_MAIN(suite)
