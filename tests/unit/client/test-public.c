/*
 * The public client: blocking calls, a host's own loop, and what its callbacks may do.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <argo/client.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/fakehttp.h"
#include "lib/runner.h"

/* The scripted daemon runs in a thread: the client blocks. */
static ag_loop *loop;
static struct fakehttp *server;
static ag_wake *stop;
static pthread_t thread;

static argo_context *ctx;
static argo_client *client;
static char home[64];

static struct {
    int count, code, nested;
    char reply[256];
    bool free_client;
} seen;

static void on_stop(ag_wake *wake, void *user)
{
    ag_loop_quit(loop);
}

static void *serve(void *unused)
{
    ag_loop_run(loop, NULL);
    return NULL;
}

static bool say(const char *request, struct fake_reply *reply, void *user)
{
    if (strncmp(request, "GET /missing", 12) == 0) {
        reply->bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 49\r\n\r\n"
                       "{\"error\":{\"code\":1005,\"details\":\"no such run\"}}  ";
    } else if (strncmp(request, "GET /never", 10) == 0) {
        reply->bytes = "x";
        reply->hold = true;
    } else if (strncmp(request, "DELETE", 6) == 0) {
        reply->bytes = "HTTP/1.1 204 No Content\r\n\r\n";
    } else {
        reply->bytes = "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{ \"a\" : 1, \"b\":[]}";
    }
    return true;
}

static void setup(void)
{
    memset(&seen, 0, sizeof(seen));
    snprintf(home, sizeof(home), "/tmp/argo-public-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    ag_auto_free char *run = ag_asprintf("%s/run", home);
    ag_auto_free char *path = ag_asprintf("%s/run/argo.sock", home);
    ck_assert_int_eq(ag_dir_private(run, NULL), 0);
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    server = fakehttp_new(loop, path);
    fakehttp_on_request(server, say, NULL);
    ck_assert_int_eq(ag_wake_new(loop, on_stop, NULL, &stop, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    ck_assert_int_eq(argo_context_new(home, &ctx, NULL), 0);
    ck_assert_int_eq(argo_client_new(ctx, NULL, &client, NULL), 0);
}

static void teardown(void)
{
    argo_client_free(client);
    argo_context_free(ctx);
    ag_wake_signal(stop);
    pthread_join(thread, NULL);
    ag_wake_free(stop);
    fakehttp_free(server);
    ag_loop_free(loop);
    ag_auto_free char *command = ag_asprintf("rm -rf '%s'", home);
    ck_assert_int_eq(system(command), 0);
}

static int call(const char *method, const char *path, const char *body, char **reply,
                argo_error **err)
{
    return argo_client_call(client, method, path, body, body != NULL ? strlen(body) : 0, 0, reply,
                            NULL, err);
}

START_TEST(blocking_calls)
{
    char *reply = NULL;
    size_t len = 0;
    ck_assert_int_eq(argo_client_call(client, "POST", "/p", "{\"x\":1}", 7, 0, &reply, &len, NULL),
                     0);
    ck_assert_str_eq(reply, "{\"a\":1,\"b\":[]}");
    ck_assert_uint_eq(len, strlen(reply));
    free(reply);
    ck_assert_int_eq(call("DELETE", "/d", NULL, &reply, NULL), 0);
    ck_assert_str_eq(reply, "null");
    free(reply);
}
END_TEST

START_TEST(blocking_failures)
{
    char *reply = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(call("GET", "/missing", NULL, &reply, &err), ARGO_E_NO_WORKFLOW);
    ck_assert_str_eq(argo_error_details(err), "no such run");
    ck_assert_int_eq(argo_error_wire_code(err), 1005);
    ck_assert_int_eq(call("PUT", "/x", NULL, &reply, &err), ARGO_E_INVALID);
    ck_assert_int_eq(call(NULL, "/x", NULL, &reply, &err), ARGO_E_INVALID);
    ck_assert_int_eq(call("GET", "x", NULL, &reply, &err), ARGO_E_INVALID);
    ck_assert_int_eq(call("GET", NULL, NULL, &reply, &err), ARGO_E_INVALID);
    ck_assert_int_eq(call("GET", "/x", NULL, NULL, &err), ARGO_E_INVALID);
    ck_assert_int_eq(call("POST", "/x", "{", &reply, &err), ARGO_E_JSON);
    ck_assert_int_eq(argo_client_call(NULL, "GET", "/", NULL, 0, 0, &reply, NULL, &err),
                     ARGO_E_INVALID);
    ck_assert_int_eq(argo_client_call(client, "GET", "/", NULL, 0, -1, &reply, NULL, &err),
                     ARGO_E_INVALID);
    ck_assert_int_eq(argo_client_call(client, "GET", "/never", NULL, 0, 20, &reply, NULL, &err),
                     ARGO_E_TIMEOUT);
    ck_assert_ptr_null(reply);
}
END_TEST

START_TEST(a_name_goes_with_every_call)
{
    char *reply = NULL;
    char longest[66];
    memset(longest, 'n', sizeof(longest) - 1);
    longest[65] = '\0';
    ck_assert_int_eq(argo_client_set_name(client, longest, NULL), ARGO_E_ID);
    longest[64] = '\0';
    ck_assert_int_eq(argo_client_set_name(client, longest, NULL), 0);
    ck_assert_int_eq(argo_client_set_name(client, "two words", NULL), ARGO_E_ID);
    ck_assert_int_eq(argo_client_set_name(client, "a\r\nb: c", NULL), ARGO_E_ID);
    ck_assert_int_eq(argo_client_set_name(client, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_client_set_name(NULL, "x", NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_client_set_name(client, "tool", NULL), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(call("POST", "/p", "{}", &reply, NULL), 0);
        free(reply);
        ck_assert_str_eq(fakehttp_header(server, i, "X-Argo-Client"), "tool");
    }
}
END_TEST

START_TEST(new_validates)
{
    argo_client *other = NULL;
    ck_assert_int_eq(argo_client_new(NULL, NULL, &other, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_client_new(ctx, NULL, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_client_new(ctx, "https://example.com", &other, NULL), ARGO_E_INVALID);
    ck_assert_ptr_null(other);
    argo_client_free(NULL);
    argo_client_cancel(NULL);
    ck_assert_int_eq(argo_client_dispatch(NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_client_get_fd(NULL), -1);
    ck_assert_int_eq(argo_client_get_timeout(NULL), -1);
}
END_TEST

static void on_reply(void *user, const char *reply, size_t len, const argo_error *err)
{
    char *nested = NULL;
    seen.count++;
    seen.code = argo_error_code(err);
    ck_assert((reply == NULL) == (err != NULL));
    ck_assert_uint_eq(len, reply != NULL ? strlen(reply) : 0);
    snprintf(seen.reply, sizeof(seen.reply), "%s", reply != NULL ? reply : "");
    seen.nested = call("GET", "/x", NULL, &nested, NULL);
    if (seen.free_client) {
        argo_client_free(client);
        client = NULL;
    }
}

/* As a host would: its own poll, then dispatch. */
static void host_loop(int until)
{
    while (seen.count < until) {
        struct pollfd fd = {argo_client_get_fd(client), argo_client_get_events(client), 0};
        ck_assert_int_ge(poll(&fd, 1, argo_client_get_timeout(client)), 0);
        ck_assert_int_eq(argo_client_dispatch(client, NULL), 0);
    }
}

static int begin(const char *path, int64_t timeout_ms, unsigned flags, argo_client_request **out)
{
    return argo_client_start(client, "GET", path, NULL, 0, timeout_ms, flags, on_reply, NULL, out,
                             NULL);
}

START_TEST(a_host_s_own_loop)
{
    ck_assert_int_eq(argo_client_get_timeout(client), -1); /* idle: nothing to wake up for */
    ck_assert_int_eq(begin("/x", 0, 0, NULL), 0);
    ck_assert_int_eq(seen.count, 0);
    host_loop(1);
    ck_assert_str_eq(seen.reply, "{\"a\":1,\"b\":[]}");
    ck_assert_int_eq(seen.nested, ARGO_E_STATE);
    ck_assert_int_eq(begin("/missing", 0, 0, NULL), 0);
    host_loop(2);
    ck_assert_int_eq(seen.code, ARGO_E_NO_WORKFLOW);
}
END_TEST

START_TEST(requests_may_be_cancelled)
{
    argo_client_request *request;
    ck_assert_int_eq(begin("/never", 0, ARGO_CLIENT_LONG_POLL | ARGO_CLIENT_RETRY, &request), 0);
    ck_assert_int_eq(begin("/x", 0, 0, NULL), 0);
    host_loop(1);
    argo_client_cancel(request);
    ck_assert_int_eq(begin("/never", 0, 0, NULL), 0); /* freed with the client */
    ck_assert_int_eq(argo_client_dispatch(client, NULL), 0);
    ck_assert_int_eq(seen.count, 1);
}
END_TEST

START_TEST(started_requests_go_on_in_a_blocking_call)
{
    char *reply = NULL;
    ck_assert_int_eq(begin("/missing", 0, 0, NULL), 0);
    for (int i = 0; seen.count == 0; i++) {
        ck_assert_int_lt(i, 100);
        ck_assert_int_eq(call("GET", "/x", NULL, &reply, NULL), 0);
        free(reply);
    }
    ck_assert_int_eq(seen.code, ARGO_E_NO_WORKFLOW);
}
END_TEST

START_TEST(a_callback_may_free_the_client)
{
    seen.free_client = true;
    ck_assert_int_eq(begin("/x", 0, 0, NULL), 0);
    ck_assert_int_eq(begin("/never", 0, 0, NULL), 0);
    while (seen.count == 0) {
        struct pollfd fd = {argo_client_get_fd(client), POLLIN, 0};
        poll(&fd, 1, argo_client_get_timeout(client));
        ck_assert_int_eq(argo_client_dispatch(client, NULL), 0);
    }
    ck_assert_ptr_null(client);
    ck_assert_int_eq(argo_client_new(ctx, NULL, &client, NULL), 0);
    char *reply = NULL;
    ck_assert_int_eq(begin("/x", 0, 0, NULL), 0);
    ck_assert_int_eq(call("GET", "/never", NULL, &reply, NULL), ARGO_E_CANCELLED);
    ck_assert_ptr_null(client);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("public");
    TCase *tc = tcase_create("public");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, blocking_calls);
    tcase_add_test(tc, blocking_failures);
    tcase_add_test(tc, a_name_goes_with_every_call);
    tcase_add_test(tc, new_validates);
    tcase_add_test(tc, a_host_s_own_loop);
    tcase_add_test(tc, requests_may_be_cancelled);
    tcase_add_test(tc, started_requests_go_on_in_a_blocking_call);
    tcase_add_test(tc, a_callback_may_free_the_client);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
