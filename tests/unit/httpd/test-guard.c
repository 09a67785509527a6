/*
 * The guard's pure functions: every line of it, both sides of each limit.
 */
#include <stdio.h>
#include <string.h>

#include "httpd/guard.h"
#include "lib/runner.h"

#define BODY_MAX 1000

static const char *const more_hosts[] = {"argo.example", NULL};

struct sample {
    const char *text; /* headers, one a line */
    int code;
};

static size_t split(char *text, struct ag_header *headers)
{
    size_t n = 0;
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        char *value = line;
        char *name = strsep(&value, ":");
        value += strspn(value, " ");
        headers[n++] = (struct ag_header){name, strlen(name), value, strlen(value)};
    }
    return n;
}

static int check(const char *version, const char *target, const char *headers_text, uint16_t port,
                 bool *has_body)
{
    char text[1024];
    struct ag_header headers[16];
    snprintf(text, sizeof(text), "%s", headers_text);
    size_t n = split(text, headers);
    struct ag_guard_head head = {version, target, strlen(target), headers, n};
    struct ag_guard_rules rules = {port, more_hosts, BODY_MAX};
    return ag_guard_head(&head, &rules, has_body, NULL);
}

static void check_all(const struct sample *samples, size_t n, uint16_t port)
{
    for (size_t i = 0; i < n; i++) {
        bool has_body;
        int code = check("HTTP/1.1", "/x", samples[i].text, port, &has_body);
        ck_assert_msg(code == samples[i].code, "%s: %d", samples[i].text, code);
    }
}

START_TEST(knows_its_hosts)
{
    static const struct sample tcp[] = {
        {"Host: 127.0.0.1:9876", 0},
        {"Host: localhost:9876", 0},
        {"Host: LOCALHOST:9876 ", 0},
        {"host: [::1]:9876", 0},
        {"Host: argo.example", 0},
        {"Host: argo.example:443", 0},
        {"Host: 127.0.0.1", ARGO_E_ORIGIN},
        {"Host: 127.0.0.1:9877", ARGO_E_ORIGIN},
        {"Host: 127.0.0.1:", ARGO_E_ORIGIN},
        {"Host: 127.0.0.1:98760", ARGO_E_ORIGIN},
        {"Host: 127.0.0.1:+9876", ARGO_E_ORIGIN},
        {"Host: localhost.evil.com:9876", ARGO_E_ORIGIN},
        {"Host: 127.0.0.1.nip.io:9876", ARGO_E_ORIGIN},
        {"Host: evil.com:9876", ARGO_E_ORIGIN},
        {"Host: user@localhost:9876", ARGO_E_ORIGIN},
        {"Host: localhost.:9876", ARGO_E_ORIGIN},
        {"Host: [::1:9876", ARGO_E_ORIGIN},
        {"Host: ::1", ARGO_E_ORIGIN},
        {"Host: ", ARGO_E_ORIGIN},
        {"Accept: */*", ARGO_E_ORIGIN},
        {"Host: localhost:9876\nHost: localhost:9876", ARGO_E_ORIGIN},
    };
    static const struct sample local[] = {
        {"Host: localhost", 0},
        {"Host: localhost:80", 0},
        {"Host: argo.example", 0},
        {"Host: localhost:x", ARGO_E_ORIGIN},
        {"Host: evil.com", ARGO_E_ORIGIN},
        {"Accept: */*", ARGO_E_ORIGIN},
    };
    check_all(tcp, AG_ARRAY_SIZE(tcp), 9876);
    check_all(local, AG_ARRAY_SIZE(local), 0);
}
END_TEST

START_TEST(refuses_pages)
{
    static const struct sample samples[] = {
        {"Host: localhost\nOrigin: http://evil.com", ARGO_E_ORIGIN},
        {"Host: localhost\nOrigin: null", ARGO_E_ORIGIN},
        {"Host: localhost\norigin: http://localhost", ARGO_E_ORIGIN},
        {"Host: localhost\nSec-Fetch-Site: cross-site", ARGO_E_ORIGIN},
        {"Host: localhost\nSec-Fetch-Site: same-site", ARGO_E_ORIGIN},
        {"Host: localhost\nSec-Fetch-Site: none", 0},
        {"Host: localhost\nSec-Fetch-Site: same-origin", 0},
    };
    check_all(samples, AG_ARRAY_SIZE(samples), 0);
}
END_TEST

START_TEST(refuses_ambiguous_framing)
{
    static const struct sample samples[] = {
        {"Host: localhost\nContent-Length: 5\nContent-Length: 5", ARGO_E_INVALID},
        {"Host: localhost\nContent-Length: 5\nContent-Length: 40", ARGO_E_INVALID},
        {"Host: localhost\nContent-Length: 5\nTransfer-Encoding: chunked", ARGO_E_INVALID},
        {"Host: localhost\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked", ARGO_E_INVALID},
        {"Host: localhost\nTransfer-Encoding: gzip", ARGO_E_INVALID},
        {"Host: localhost\nTransfer-Encoding: gzip, chunked", ARGO_E_INVALID},
        {"Host: localhost\nTransfer-Encoding: identity", ARGO_E_INVALID},
        {"Host: localhost\nTransfer-Encoding: xchunked", ARGO_E_INVALID},
        {"Host: localhost\nTransfer-Encoding : chunked", ARGO_E_INVALID},
        {"Host: localhost\nTransfer-Encoding: Chunked", 0},
        {"Host: localhost\nContent-Length: +5", ARGO_E_INVALID},
        {"Host: localhost\nContent-Length: 5, 5", ARGO_E_INVALID},
        {"Host: localhost\nContent-Length: 0x5", ARGO_E_INVALID},
        {"Host: localhost\nContent-Length: ", ARGO_E_INVALID},
        {"Host: localhost\nContent-Length: 1000", 0},
        {"Host: localhost\nContent-Length: 1001", ARGO_E_TOO_LARGE},
        {"Host: localhost\nContent-Length: 99999999999999999999999999", ARGO_E_TOO_LARGE},
        {"Host: localhost\nAuthorization: Bearer a\nAuthorization: Bearer b", ARGO_E_INVALID},
        {"Host: localhost\nContent-Type: a/b\nContent-Type: c/d", ARGO_E_INVALID},
        {"Host: localhost\nIdempotency-Key: a\nIdempotency-Key: b", ARGO_E_INVALID},
        {"Host: localhost\nX-Argo-Epoch: 1\nX-Argo-Epoch: 2", ARGO_E_INVALID},
        {"Host: localhost\nLast-Event-ID: 1\nlast-event-id: 2", ARGO_E_INVALID},
        {"Host: localhost\nAccept: a\nAccept: b", 0},
    };
    check_all(samples, AG_ARRAY_SIZE(samples), 0);
}
END_TEST

START_TEST(refuses_bad_bytes)
{
    static const struct sample samples[] = {
        {"Host: localhost\nX: a\x01z", ARGO_E_INVALID},
        {"Host: localhost\nX: a\x7f", ARGO_E_INVALID},
        {"Host: localhost\nX: a\rb", ARGO_E_INVALID},
        {"Host: localhost\nX: a\tb", 0},
        {"Host: localhost\nX: \xc3\xa9", 0},
        {"Host: localhost\nX Y: a", ARGO_E_INVALID},
        {"Host: localhost\n: a", ARGO_E_INVALID},
        {"Host: localhost\nX(: a", ARGO_E_INVALID},
    };
    bool has_body;
    check_all(samples, AG_ARRAY_SIZE(samples), 0);
    ck_assert_int_eq(check("HTTP/1.1", "/a b", "Host: localhost", 0, &has_body), ARGO_E_INVALID);
    ck_assert_int_eq(check("HTTP/1.1", "/a\tb", "Host: localhost", 0, &has_body), ARGO_E_INVALID);
    ck_assert_int_eq(check("HTTP/1.1", "/a\x7f", "Host: localhost", 0, &has_body), ARGO_E_INVALID);
    ck_assert_int_eq(check("HTTP/2.0", "/a", "Host: localhost", 0, &has_body), ARGO_E_INVALID);
    ck_assert_int_eq(check("HTTP/1.0", "/a", "Host: localhost", 0, &has_body), 0);
    ck_assert_int_eq(
        check("HTTP/1.0", "/a", "Host: localhost\nTransfer-Encoding: chunked", 0, &has_body),
        ARGO_E_INVALID);
}
END_TEST

START_TEST(tells_whether_a_body_comes)
{
    bool has_body;
    check("HTTP/1.1", "/a", "Host: localhost", 0, &has_body);
    ck_assert(!has_body);
    check("HTTP/1.1", "/a", "Host: localhost\nContent-Length: 0", 0, &has_body);
    ck_assert(!has_body);
    check("HTTP/1.1", "/a", "Host: localhost\nContent-Length: 1", 0, &has_body);
    ck_assert(has_body);
    check("HTTP/1.1", "/a", "Host: localhost\nTransfer-Encoding: chunked", 0, &has_body);
    ck_assert(has_body);
    check("HTTP/1.1", "/a", "Host: localhost\nContent-Length: 1001", 0, &has_body);
    ck_assert(has_body);
    check("HTTP/1.1", "/a", "Host: evil", 0, &has_body);
    ck_assert(has_body);
}
END_TEST

/* A head as libmicrohttpd cuts it up: '@' stands for the NULs it writes. The header's name is at
 * NAME, its value at VALUE. */
static bool block_ok(const char *shape, size_t name, size_t name_len, size_t value,
                     size_t value_len)
{
    char block[256];
    size_t size = strlen(shape);
    memcpy(block, shape, size);
    for (size_t i = 0; i < size; i++) {
        block[i] = (char)(block[i] == '@' ? '\0' : block[i]);
    }
    struct ag_header header = {block + name, name_len, block + value, value_len};
    struct ag_guard_head head = {block + 7, "/a", 2, &header, 1};
    return ag_guard_block(block, size, block + 4, &head);
}

START_TEST(accounts_for_every_byte)
{
    ck_assert(block_ok("GET@/a@HTTP/1.1@@Host@ xy@@@@", 17, 4, 23, 2));
    ck_assert(block_ok("GET@/a@HTTP/1.1@@Host@xy@@@@", 17, 4, 22, 2));
    ck_assert(block_ok("GET@/a@HTTP/1.1@@Host@ xy @@@@", 17, 4, 23, 3));
    ck_assert(block_ok("GET@/a@HTTP/1.1@@Host@ xy @@@@", 17, 4, 23, 2));
    ck_assert(!block_ok("GET@/a@HTTP/1.1@@Host@ x@y@@@@", 17, 4, 23, 1)); /* NUL in a value */
    ck_assert(!block_ok("GET@/a@HTTP/1.1@Host@ xy@@@@", 16, 4, 22, 2));   /* bare LF */
    ck_assert(!block_ok("GET@/a@HTTP/1.1@@Host@ xy@@@", 17, 4, 23, 2));
    ck_assert(!block_ok("GET@/a@HTTP/1.1@@Host@ xy@@ z@@@@", 17, 4, 23, 2));  /* folded */
    ck_assert(!block_ok("GET@/a@HTTP/1.1@@@ z@@Host@ xy@@@@", 22, 4, 28, 2)); /* no name */
    ck_assert(!block_ok("GET@/a@HTTP/1.1@@Host@ xy@@@@@", 17, 4, 23, 2));
    ck_assert(!block_ok("GET@/a@HTTP/1.1@@Host@ xy@@@@", 17, 4, 23, 200));
    ck_assert(!block_ok("GET@/@@HTTP/1.1@@Host@ xy@@@@", 17, 4, 200, 2));
}
END_TEST

START_TEST(decodes_targets)
{
    struct ag_target t;
    ck_assert_int_eq(ag_target_parse("/a%20b/%c3%A9+?x=1+2&y=%26%3D&&z&=q&x=3", 39, &t, NULL), 0);
    ck_assert_str_eq(t.path, "/a b/\xc3\xa9+");
    ck_assert_str_eq(ag_target_query(&t, "x"), "1 2");
    ck_assert_str_eq(ag_target_query(&t, "y"), "&=");
    ck_assert_str_eq(ag_target_query(&t, "z"), "");
    ck_assert_ptr_null(ag_target_query(&t, ""));
    ck_assert_ptr_null(ag_target_query(&t, "w"));
    ck_assert_uint_eq(t.n_query, 4);
    ag_target_clear(&t);
    ck_assert_int_eq(ag_target_parse("/a?x=%2f%0a", 11, &t, NULL), 0);
    ck_assert_str_eq(ag_target_query(&t, "x"), "/\n");
    ag_target_clear(&t);
    ck_assert_int_eq(ag_target_parse("/", 1, &t, NULL), 0);
    ck_assert_ptr_null(ag_target_query(&t, "x"));
    ag_target_clear(&t);
}
END_TEST

START_TEST(refuses_targets)
{
    static const struct sample samples[] = {
        {"", ARGO_E_INVALID},         {"*", ARGO_E_INVALID},
        {"a/b", ARGO_E_INVALID},      {"http://localhost/a", ARGO_E_ORIGIN},
        {"/a%00b", ARGO_E_INVALID},   {"/a%2fb", ARGO_E_INVALID},
        {"/a%2Fb", ARGO_E_INVALID},   {"/a%0ab", ARGO_E_INVALID},
        {"/a%7f", ARGO_E_INVALID},    {"/a%", ARGO_E_INVALID},
        {"/a%2", ARGO_E_INVALID},     {"/a%g0", ARGO_E_INVALID},
        {"/a%2g", ARGO_E_INVALID},    {"/a%ff", ARGO_E_INVALID},
        {"/a\xff", ARGO_E_INVALID},   {"/a?x=%00", ARGO_E_INVALID},
        {"/a?x=%", ARGO_E_INVALID},   {"/a?%zz=1", ARGO_E_INVALID},
        {"/a?x=%c3", ARGO_E_INVALID}, {"/%252f", 0},
    };
    for (size_t i = 0; i < AG_ARRAY_SIZE(samples); i++) {
        struct ag_target t;
        int code = ag_target_parse(samples[i].text, strlen(samples[i].text), &t, NULL);
        ck_assert_msg(code == samples[i].code, "%s: %d", samples[i].text, code);
        ck_assert(code == 0 || (t.text == NULL && t.query == NULL));
        ag_target_clear(&t);
    }
}
END_TEST

START_TEST(knows_json)
{
    ck_assert(ag_guard_is_json("application/json"));
    ck_assert(ag_guard_is_json("Application/JSON; charset=utf-8"));
    ck_assert(ag_guard_is_json("application/json ;x"));
    ck_assert(!ag_guard_is_json(NULL));
    ck_assert(!ag_guard_is_json(""));
    ck_assert(!ag_guard_is_json("text/plain"));
    ck_assert(!ag_guard_is_json("application/jsonx"));
    ck_assert(!ag_guard_is_json("text/plain; application/json"));
    ck_assert(!ag_guard_is_json("application/x-www-form-urlencoded"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("httpd-guard");
    TCase *t = tcase_create("guard");
    tcase_add_test(t, knows_its_hosts);
    tcase_add_test(t, refuses_pages);
    tcase_add_test(t, refuses_ambiguous_framing);
    tcase_add_test(t, refuses_bad_bytes);
    tcase_add_test(t, tells_whether_a_body_comes);
    tcase_add_test(t, accounts_for_every_byte);
    tcase_add_test(t, decodes_targets);
    tcase_add_test(t, refuses_targets);
    tcase_add_test(t, knows_json);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
