/*
 * How long a reply is kept for its Idempotency-Key: 24 hours of the context's clock, both sides.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/context.h"
#include "daemon/internal.h"
#include "lib/rawclient.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

#define DAY INT64_C(86400000)

static argo_context *ctx;
static argo_daemon *daemon_;
static int64_t now = INT64_C(1700000000000);

static int64_t fake_clock(void *user)
{
    return now;
}

static void setup(void)
{
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    temp_dir_setup();
    ck_assert_int_eq(argo_context_new(temp_path("home"), &ctx, NULL), 0);
    ag_context_set_clock(ctx, fake_clock, NULL);
    options.no_tcp = 1;
    ck_assert_int_eq(argo_daemon_new(ctx, &options, &daemon_, NULL), 0);
}

static void teardown(void)
{
    argo_daemon_free(daemon_);
    argo_context_free(ctx);
    temp_dir_teardown();
}

static void pump(void *user)
{
    struct pollfd ready = {.fd = argo_daemon_get_fd(daemon_), .events = POLLIN};
    ck_assert_int_ge(poll(&ready, 1, 10), 0);
    ck_assert_int_eq(argo_daemon_dispatch(daemon_, NULL), 0);
}

/* Registers CI NAME under KEY; the reply's status. */
static int add(const char *key, const char *name)
{
    struct raw_client c = {.fd = -1};
    struct raw_reply reply = {0};
    char body[64], request[512];
    snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
    snprintf(request, sizeof(request),
             "POST /api/registry/ci HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: %s\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             key, strlen(body), body);
    ck_assert(raw_connect_unix(&c, temp_path("home/run/argo.sock"), pump, NULL));
    ck_assert(raw_send_text(&c, request));
    ck_assert(raw_read_reply(&c, false, &reply));
    int status = reply.status;
    raw_reply_clear(&reply);
    raw_close(&c);
    return status;
}

static bool is_stored(const char *key)
{
    struct ag_kept_reply kept = {0};
    int found = ag_store_reply(daemon_->store, key, &kept, NULL);
    ag_kept_reply_clear(&kept);
    return found == 1;
}

START_TEST(the_first_reply_is_given_for_a_day)
{
    ck_assert_int_eq(add("k", "a"), 201);
    now += DAY - 1;
    ck_assert_int_eq(add("k", "a"), 201); /* kept: another one would say that it exists */
    ck_assert_int_eq(add("other", "a"), 409);
    now += 1;
    ck_assert_int_eq(add("k", "a"), 409); /* a request like any other */
}
END_TEST

START_TEST(a_key_belongs_to_its_request_for_a_day)
{
    ck_assert_int_eq(add("k", "a"), 201);
    now += DAY - 1;
    ck_assert_int_eq(add("k", "b"), 409); /* 1012 */
    now += 1;
    ck_assert_int_eq(add("k", "b"), 201);
    now += DAY - 1;
    ck_assert_int_eq(add("k", "b"), 201); /* counted from its new use */
}
END_TEST

START_TEST(what_is_older_goes)
{
    ck_assert_int_eq(add("first", "a"), 201);
    now += 1;
    ck_assert_int_eq(add("second", "b"), 201);
    now += DAY;
    ck_assert_int_eq(add("third", "c"), 201); /* sweeps */
    ck_assert(!is_stored("first"));
    ck_assert(is_stored("second"));
    ck_assert(is_stored("third"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("daemon-keys");
    TCase *tc = tcase_create("keys");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_first_reply_is_given_for_a_day);
    tcase_add_test(tc, a_key_belongs_to_its_request_for_a_day);
    tcase_add_test(tc, what_is_older_goes);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
