/*
 * The server over real sockets, both transports: dialogues, every line of the guard as bytes,
 * bodies, and that random bytes leave it healthy.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/text.h"
#include "fixture.h"
#include "lib/runner.h"

#define HEALTH "GET /health HTTP/1.1\r\nHost: @\r\n\r\n"
#define OK     "{\"status\":\"success\"}"

static struct server s;

static void setup(void)
{
    server_start(&s, NULL);
}

static void teardown(void)
{
    server_stop(&s);
}

START_TEST(replies_as_the_contract_says)
{
    struct raw_client c;
    struct raw_reply r;
    char buf[128];
    client_open(&s, &c, _i);
    client_ask(&s, &c, _i, HEALTH, &r);
    ck_assert_int_eq(r.status, 200);
    ck_assert_str_eq(r.body, OK);
    ck_assert_str_eq(raw_header(&r, "Content-Type", buf, sizeof(buf)), "application/json");
    ck_assert_str_eq(raw_header(&r, "Cache-Control", buf, sizeof(buf)), "no-store");
    ck_assert_str_eq(raw_header(&r, "X-Content-Type-Options", buf, sizeof(buf)), "nosniff");
    ck_assert_ptr_null(raw_header(&r, "Access-Control-Allow-Origin", buf, sizeof(buf)));
    raw_reply_clear(&r);
    /* HEAD: the same headers, no body; the connection goes on. */
    client_ask(&s, &c, _i, "HEAD /item/a HTTP/1.1\r\nHost: @\r\n\r\n", &r);
    ck_assert_int_eq(r.status, 200);
    ck_assert_str_eq(raw_header(&r, "Content-Length", buf, sizeof(buf)), "27");
    raw_reply_clear(&r);
    client_expect(&s, &c, _i, "GET /item/a%20b?q=1+%2f HTTP/1.1\r\nHost: @\r\n\r\n", 200,
                  "{\"item\":\"a b|1 /|/item/a%20b?q=1+%2f|get\"}");
    ck_assert_uint_eq(s.sent, 1);
    ck_assert_int_eq(s.last_status, 200);
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), 1);
    raw_close(&c);
    for (int i = 0; i < 1000 && ag_httpd_connections(s.httpd) > 0; i++) {
        server_pump(&s);
    }
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), 0);
}
END_TEST

START_TEST(replies_errors_in_both_shapes)
{
    struct raw_client c;
    struct raw_reply r;
    char buf[128];
    client_open(&s, &c, _i);
    client_ask(&s, &c, _i, "GET /fail HTTP/1.1\r\nHost: @\r\n\r\n", &r);
    ck_assert_int_eq(r.status, 503);
    ck_assert_str_eq(r.body, "{\"status\":\"error\",\"error\":{\"code\":1303,\"message\":"
                             "\"Storage unavailable\",\"details\":\"disk full\"}}");
    ck_assert_ptr_nonnull(raw_header(&r, "Retry-After", buf, sizeof(buf)));
    raw_reply_clear(&r);
    client_ask(&s, &c, _i,
               "GET /fail HTTP/1.1\r\nHost: @\r\nAccept: application/problem+json\r\n\r\n", &r);
    ck_assert_int_eq(r.status, 503);
    ck_assert_str_eq(raw_header(&r, "Content-Type", buf, sizeof(buf)), "application/problem+json");
    ck_assert_ptr_nonnull(strstr(r.body, "\"title\""));
    raw_reply_clear(&r);
    client_ask(&s, &c, _i, "OPTIONS /echo HTTP/1.1\r\nHost: @\r\n\r\n", &r);
    ck_assert_int_eq(r.status, 405);
    ck_assert_str_eq(raw_header(&r, "Allow", buf, sizeof(buf)), "POST, DELETE");
    raw_reply_clear(&r);
    client_expect(&s, &c, _i, "PATCH /health HTTP/1.1\r\nHost: @\r\n\r\n", 405, NULL);
    client_expect(&s, &c, _i, "GET /nothing HTTP/1.1\r\nHost: @\r\n\r\n", 404, NULL);
    client_expect(&s, &c, _i, HEALTH, 200, OK);
    raw_close(&c);
}
END_TEST

START_TEST(authorises_before_the_body)
{
    struct raw_client c;
    struct raw_reply r;
    char buf[128];
    client_open(&s, &c, OVER_TCP);
    client_ask(&s, &c, OVER_TCP, "GET /secret HTTP/1.1\r\nHost: @\r\n\r\n", &r);
    ck_assert_int_eq(r.status, 401);
    ck_assert_str_eq(raw_header(&r, "WWW-Authenticate", buf, sizeof(buf)), "Bearer");
    raw_reply_clear(&r);
    client_expect(&s, &c, OVER_TCP,
                  "GET /secret HTTP/1.1\r\nHost: @\r\nAuthorization: Bearer bad\r\n\r\n", 403,
                  NULL);
    snprintf(buf, sizeof(buf), "{\"peer\":\"0 0 %u 1 7\"}", (unsigned)s.port);
    client_expect(&s, &c, OVER_TCP,
                  "GET /secret HTTP/1.1\r\nHost: @\r\nAuthorization: Bearer good\r\n\r\n", 200,
                  buf);
    /* Refused before the body has come; it is dropped, and what follows is a request again. */
    client_expect(&s, &c, OVER_TCP,
                  "POST /secret HTTP/1.1\r\nHost: @\r\nContent-Length: 9\r\n\r\nGET / HTT", 401,
                  NULL);
    client_expect(&s, &c, OVER_TCP, HEALTH, 200, NULL);
    raw_close(&c);
    client_open(&s, &c, OVER_UNIX);
    client_expect(&s, &c, OVER_UNIX, "GET /secret HTTP/1.1\r\nHost: @\r\n\r\n", 200,
                  "{\"peer\":\"1 1 0 1 7\"}");
    client_expect(&s, &c, OVER_UNIX, "GET /secret HTTP/1.1\r\nHost: @\r\n\r\n", 200,
                  "{\"peer\":\"1 1 0 2 7\"}");
    raw_close(&c);
}
END_TEST

START_TEST(reads_bodies)
{
    struct raw_client c;
    client_open(&s, &c, _i);
    client_expect(&s, &c, _i, "POST /echo HTTP/1.1\r\nHost: @\r\n\r\n", 200, "{}");
    client_expect(&s, &c, _i, "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Length: 0\r\n\r\n", 200,
                  "{}");
    client_expect(&s, &c, _i,
                  "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                  "Content-Length: 7\r\n\r\n{\"a\":1}",
                  200, "{\"a\":1}");
    client_expect(&s, &c, _i,
                  "DELETE /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n5;x=y\r\n\": 2 \r\n1\r\n}\r\n"
                  "0\r\n\r\n",
                  200, "{\"a\":2}");
    client_expect(&s, &c, _i,
                  "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  200, "{}");
    ck_assert_uint_eq(s.handled, 5);
    raw_close(&c);
}
END_TEST

/* The body is complete: the refusal does not cost the connection. */
START_TEST(refuses_bad_bodies)
{
    static const struct {
        const char *body;
        int status;
        const char *code;
    } samples[] = {
        {"{", 400, "1002"},
        {"{}x", 400, "1002"},
        {"[1]", 400, "1001"},
        {"\"a\"", 400, "1001"},
        {"{\"a\":1,\"a\":2}", 400, "1002"},
        {"{\"a\":\"\xff\"}", 400, "1002"},
        {"{\"a\":1e999}", 400, "1002"},
    };
    struct raw_client c;
    struct raw_reply r;
    client_open(&s, &c, _i);
    for (size_t i = 0; i < AG_ARRAY_SIZE(samples); i++) {
        ag_auto_free char *text =
            ag_asprintf("POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        strlen(samples[i].body), samples[i].body);
        client_ask(&s, &c, _i, text, &r);
        ck_assert_msg(r.status == samples[i].status && strstr(r.body, samples[i].code) != NULL,
                      "%s: %s", samples[i].body, r.body);
        raw_reply_clear(&r);
    }
    client_expect(&s, &c, _i, HEALTH, 200, OK);
    ck_assert_uint_eq(s.handled, 1);
    raw_close(&c);
}
END_TEST

/* {"a":{"a":...1...}} with DEPTH objects. */
static char *nested(int depth)
{
    ag_auto_buf b = AG_BUF_INIT(4096);
    ag_auto_buf out = AG_BUF_INIT(8192);
    for (int i = 0; i < depth; i++) {
        ag_buf_add_text(&b, "{\"a\":");
    }
    ag_buf_add_char(&b, '1');
    for (int i = 0; i < depth; i++) {
        ag_buf_add_char(&b, '}');
    }
    ag_buf_printf(&out,
                  "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\n\r\n%s",
                  b.len, ag_buf_text(&b));
    return ag_buf_take(&out);
}

START_TEST(limits_depth_and_size)
{
    struct raw_client c;
    ag_auto_free char *fits = nested(64);
    ag_auto_free char *deep = nested(65);
    size_t max = 1024 * 1024;
    ag_auto_free char *padded = malloc(max + 1);
    ag_auto_buf big = AG_BUF_INIT(2 * max);
    client_open(&s, &c, _i);
    client_expect(&s, &c, _i, fits, 200, NULL);
    client_expect(&s, &c, _i, deep, 400, NULL);
    memset(padded, ' ', max);
    memcpy(padded, "{}", 2);
    padded[max] = '\0';
    ag_buf_printf(&big,
                  "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\n\r\n%s",
                  max, padded);
    client_expect(&s, &c, _i, ag_buf_text(&big), 200, "{}");
    /* Refused by the announcement: not a byte of it needs to be sent. */
    client_expect(&s, &c, _i,
                  "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                  "Content-Length: 1048577\r\n\r\n",
                  413, NULL);
    ck_assert(raw_read_all(&c));
    raw_close(&c);
    /* A chunked body is counted: one byte less than the limit, then two more. */
    client_open(&s, &c, _i);
    ag_buf_clear(&big);
    ag_buf_printf(&big,
                  "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n2\r\n  \r\n",
                  max - 1, (int)max - 1, padded);
    client_expect(&s, &c, _i, ag_buf_text(&big), 413, NULL);
    ck_assert(raw_read_all(&c));
    ck_assert_uint_eq(c.len, 0);
    ck_assert_uint_eq(s.handled, 2);
    raw_close(&c);
}
END_TEST

/* Every request is followed by a good one, which must not be served. CODE 0: libmicrohttpd's own
 * refusal, whose reply is HTML and may come twice. */
#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    const char *bytes;
    size_t len;
    int status;
    int code;
} refused[] = {
    {BYTES("GET /health HTTP/1.1\r\n\r\n"), 403, 1103},
    {BYTES("GET /health HTTP/1.1\r\nHost: evil.com\r\n\r\n"), 403, 1103},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nHost: @\r\n\r\n"), 403, 1103},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nHost: evil.com\r\n\r\n"), 403, 1103},
    {BYTES("GET /health HTTP/1.0\r\n\r\n"), 403, 1103},
    {BYTES("GET http://localhost/health HTTP/1.1\r\nHost: @\r\n\r\n"), 403, 1103},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nOrigin: http://evil.com\r\n\r\n"), 403, 1103},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nOrigin: null\r\n\r\n"), 403, 1103},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nSec-Fetch-Site: cross-site\r\n\r\n"), 403, 1103},
    {BYTES("OPTIONS /health HTTP/1.1\r\nHost: @\r\nOrigin: http://a.b\r\n\r\n"), 403, 1103},
    {BYTES("OPTIONS * HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET health HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /hea lth HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /health\x01 HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /health\0x HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /health%00 HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /item%2Fa HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /item%2fa HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /item/%zz HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /health?a=%4 HTTP/1.1\r\nHost: @\r\n\r\n"), 400, 1001},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nX: a\0b\r\n\r\n"), 400, 1001},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nX: a\x01z\r\n\r\n"), 400, 1001},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nX : a\r\n\r\n"), 400, 1001},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nX: a\r\n b\r\n\r\n"), 400, 1001},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\n: a\r\n\r\n"), 400, 1001},
    {BYTES("GET /health HTTP/1.1\nHost: @\n\n"), 400, 1001},
    {BYTES("GET /health HTTP/1.1\r\nHost: @\r\nno colon\r\n\r\n"), 400, 0},
    {BYTES("GET /health\r\n\r\n"), 400, 0},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nContent-Length: 5\r\nContent-Length: 40\r\n\r\n"),
     400, 1001},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nContent-Length: 5\r\n"
           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     400, 1001},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: chunked\r\n"
           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     400, 1001},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: gzip\r\n\r\n"), 400, 1001},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 400,
     1001},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: identity\r\n\r\n"), 400, 1001},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), 400,
     1001},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nContent-Length: -1\r\n\r\n"), 400, 0},
    {BYTES("POST /echo HTTP/1.1\r\nHost: @\r\nContent-Length: 9999999999999999999\r\n\r\n"), 413,
     1201},
};

START_TEST(refuses_over_the_wire)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(refused); i++) {
        struct raw_client c;
        struct raw_reply r;
        char code[16];
        client_open(&s, &c, _i);
        client_send(&s, &c, _i, refused[i].bytes, refused[i].len);
        client_send(&s, &c, _i, BYTES(HEALTH));
        ck_assert_msg(raw_read_reply(&c, false, &r), "%zu: no reply", i);
        ck_assert_msg(r.status == refused[i].status, "%zu: %s", i, r.head);
        if (refused[i].code != 0) {
            snprintf(code, sizeof(code), "\"code\":%d", refused[i].code);
            ck_assert_msg(strstr(r.body, code) != NULL, "%zu: %s", i, r.body);
        }
        ck_assert_msg(raw_read_all(&c), "%zu: not closed", i);
        ck_assert_msg(refused[i].code == 0 || c.len == 0, "%zu: more: %s", i, c.data);
        raw_reply_clear(&r);
        raw_close(&c);
    }
    ck_assert_uint_eq(s.handled, 0);
}
END_TEST

/* A client that is still sending gets the reply, and the connection goes on; a body that is more
 * than any may have is given up. */
START_TEST(drops_the_body_of_what_it_refuses)
{
    static const char *const heads[] = {
        "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Length: 5\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: @\r\nContent-Length: 5\r\n\r\n",
    };
    struct raw_client c;
    size_t max = 1024 * 1024;
    ag_auto_free char *padded = malloc(max);
    ag_auto_buf big = AG_BUF_INIT(2 * max);
    client_open(&s, &c, _i);
    for (size_t i = 0; i < AG_ARRAY_SIZE(heads); i++) {
        client_send(&s, &c, _i, heads[i], strlen(heads[i]));
        client_expect(&s, &c, _i, "GET /", 415, NULL);
        client_expect(&s, &c, _i, HEALTH, 200, NULL);
    }
    memset(padded, ' ', max);
    ag_buf_printf(&big, "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Length: %zu\r\n\r\n%.*s", max,
                  (int)max, padded);
    client_expect(&s, &c, _i, ag_buf_text(&big), 415, NULL);
    ag_buf_clear(&big);
    ag_buf_printf(&big,
                  "POST /echo HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "%zx\r\n%.*s\r\n2\r\n  \r\n",
                  max - 1, (int)max - 1, padded);
    client_send(&s, &c, _i, ag_buf_text(&big), big.len);
    ck_assert(raw_read_all(&c));
    ck_assert_uint_eq(c.len, 0);
    raw_close(&c);
    ck_assert_uint_eq(s.handled, AG_ARRAY_SIZE(heads));
}
END_TEST

START_TEST(refuses_large_heads)
{
    struct raw_client c;
    struct raw_reply r;
    ag_auto_buf head = AG_BUF_INIT(1 << 20);
    ag_buf_add_text(&head, "GET /health HTTP/1.1\r\nHost: @\r\nX: ");
    for (int i = 0; i < 40000; i++) {
        ag_buf_add_char(&head, 'x');
    }
    ag_buf_add_text(&head, "\r\n\r\n");
    client_open(&s, &c, _i);
    client_send(&s, &c, _i, head.data, head.len);
    ck_assert(raw_read_reply(&c, false, &r));
    ck_assert_int_eq(r.status, 431);
    raw_reply_clear(&r);
    raw_close(&c);
    /* A token, a key and a long cursor fit easily. */
    ag_buf_clear(&head);
    ag_buf_add_text(&head, "GET /health HTTP/1.1\r\nHost: @\r\nX: ");
    for (int i = 0; i < 4000; i++) {
        ag_buf_add_char(&head, 'x');
    }
    ag_buf_add_text(&head, "\r\n\r\n");
    client_open(&s, &c, _i);
    client_expect(&s, &c, _i, ag_buf_text(&head), 200, OK);
    raw_close(&c);
}
END_TEST

START_TEST(takes_pipelined_requests_and_single_bytes)
{
    struct raw_client c;
    struct raw_reply r;
    const char *text = "POST /echo HTTP/1.1\r\nHost: @\r\nContent-Type: application/json\r\n"
                       "Content-Length: 7\r\n\r\n{\"a\":1}" HEALTH
                       "GET /item/x HTTP/1.1\r\nHost: @\r\n\r\n" HEALTH;
    static const char *const bodies[] = {"{\"a\":1}", OK, "{\"item\":\"x|-|/item/x|get\"}", OK};
    client_open(&s, &c, _i);
    client_send(&s, &c, _i, text, strlen(text));
    for (size_t i = 0; i < AG_ARRAY_SIZE(bodies); i++) {
        ck_assert(raw_read_reply(&c, false, &r));
        ck_assert_str_eq(r.body, bodies[i]);
        raw_reply_clear(&r);
    }
    for (size_t i = 0; i < strlen(text); i++) {
        ck_assert(client_send(&s, &c, _i, &text[i], 1));
        server_pump(&s);
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(bodies); i++) {
        ck_assert(raw_read_reply(&c, false, &r));
        ck_assert_str_eq(r.body, bodies[i]);
        raw_reply_clear(&r);
    }
    raw_close(&c);
}
END_TEST

START_TEST(sends_large_replies)
{
    struct raw_client c;
    struct raw_reply r;
    client_open(&s, &c, _i);
    client_ask(&s, &c, _i, "GET /big HTTP/1.1\r\nHost: @\r\n\r\n", &r);
    ck_assert_uint_eq(r.body_len, 8 * 1024 * 1024);
    raw_reply_clear(&r);
    server_until(&s, &s.sent, 1);
    raw_close(&c);
    /* A client that leaves in the middle: not sent. */
    client_open(&s, &c, _i);
    client_send(&s, &c, _i, BYTES("GET /big HTTP/1.1\r\nHost: @\r\n\r\n"));
    for (char first; recv(c.fd, &first, 1, MSG_PEEK) != 1;) {
        server_pump(&s);
    }
    raw_close(&c);
    server_until(&s, &s.unsent, 1);
}
END_TEST

/* Deterministic, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

START_TEST(survives_random_bytes)
{
    static const char *const words[] = {"GET ",
                                        "POST ",
                                        "/health",
                                        "/echo",
                                        " HTTP/1.1\r\n",
                                        "\r\n",
                                        "Host: @",
                                        "\r\n\r\n",
                                        "Content-Length: 3\r\n",
                                        "Transfer-Encoding: chunked\r\n",
                                        "0\r\n\r\n",
                                        "%2",
                                        "\n"};
    uint32_t state = 20260131;
    for (int round = 0; round < 1000; round++) {
        struct raw_client c;
        char bytes[512];
        size_t len = 0;
        while (len < 8 + next_random(&state) % 300) {
            uint32_t pick = next_random(&state) % (AG_ARRAY_SIZE(words) * 2);
            if (pick < AG_ARRAY_SIZE(words)) {
                memcpy(bytes + len, words[pick], strlen(words[pick]));
                len += strlen(words[pick]);
            } else {
                bytes[len++] = (char)next_random(&state);
            }
        }
        client_open(&s, &c, round % N_TRANSPORTS);
        client_send(&s, &c, round % N_TRANSPORTS, bytes, len);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(ag_loop_dispatch(s.loop, 0, NULL), 0);
        }
        raw_close(&c);
    }
    struct raw_client c;
    client_open(&s, &c, OVER_TCP);
    client_expect(&s, &c, OVER_TCP, HEALTH, 200, OK);
    raw_close(&c);
    for (int i = 0; i < 1000 && ag_httpd_connections(s.httpd) > 0; i++) {
        server_pump(&s);
    }
    ck_assert_uint_eq(ag_httpd_connections(s.httpd), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *su = suite_create("httpd-server");
    TCase *t = tcase_create("server");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, replies_as_the_contract_says, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, replies_errors_in_both_shapes, 0, N_TRANSPORTS);
    tcase_add_test(t, authorises_before_the_body);
    tcase_add_loop_test(t, reads_bodies, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, refuses_bad_bodies, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, limits_depth_and_size, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, refuses_over_the_wire, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, drops_the_body_of_what_it_refuses, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, refuses_large_heads, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, takes_pipelined_requests_and_single_bytes, 0, N_TRANSPORTS);
    tcase_add_loop_test(t, sends_large_replies, 0, N_TRANSPORTS);
    tcase_add_test(t, survives_random_bytes);
    suite_add_tcase(su, t);
    return su;
}

ARGO_TEST_MAIN(suite)
