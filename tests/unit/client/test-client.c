/*
 * Calls to a scripted daemon: over the UNIX socket and over TCP, retries, keys, and that nobody
 * but the daemon sees the token.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "lib/fakehttp.h"
#include "lib/runner.h"

#define TOKEN "0123456789abcdef-the-home-token"

static ag_loop *loop;
static argo_context *ctx;
static ag_http *http;
static ag_client *client;
static struct fakehttp *server;
static char home[64];
static int daemon_answers; /* how many requests beside health were answered */

static struct {
    bool done;
    int count, code;
    char reply[1024], details[1024], field[64];
    bool free_client;
} seen;

static ag_call *call;

static void setup(void)
{
    memset(&seen, 0, sizeof(seen));
    daemon_answers = 0;
    client = NULL;
    server = NULL;
    snprintf(home, sizeof(home), "/tmp/argo-client-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    ck_assert_int_eq(ag_loop_new(&loop, NULL), 0);
    ck_assert_int_eq(argo_context_new(home, &ctx, NULL), 0);
    ck_assert_int_eq(ag_http_new(loop, ctx, &http, NULL), 0);
}

static void teardown(void)
{
    ag_client_free(client);
    ag_http_free(http);
    if (server != NULL) {
        fakehttp_free(server);
    }
    argo_context_free(ctx);
    ag_loop_free(loop);
    ag_auto_free char *command = ag_asprintf("rm -rf '%s'", home);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_home(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", argo_context_home(ctx), name);
    return path;
}

static void write_token(const char *token)
{
    ck_assert_int_eq(ag_dir_private(argo_context_home(ctx), NULL), 0);
    ck_assert_int_eq(ag_file_write(in_home("token"), token, strlen(token), 0600, NULL), 0);
}

static void make_client(const char *url, const char *token, int64_t epoch)
{
    const struct ag_client_config config = {ctx, loop, http, url, token, epoch};
    ck_assert_int_eq(ag_client_new(&config, &client, NULL), 0);
}

/* A daemon on the home's UNIX socket, and a client of it. */
static void over_unix(void)
{
    ck_assert_int_eq(ag_dir_private(in_home("run"), NULL), 0);
    server = fakehttp_new(loop, in_home("run/argo.sock"));
    make_client(NULL, NULL, 0);
}

static bool answer(struct fake_reply *reply, const char *body)
{
    static char bytes[1024];
    snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
             body);
    reply->bytes = bytes;
    return true;
}

/* Answers the challenge as the daemon on PORT would. */
static bool prove(const char *request, unsigned port, struct fake_reply *reply)
{
    char challenge[65], proof[AG_SHA256_HEX];
    ck_assert_int_eq(sscanf(request, "GET /api/health?challenge=%64s HTTP", challenge), 1);
    ck_assert_uint_eq(strlen(challenge), 64);
    ag_auto_free char *text = ag_asprintf("argo1|%u|%s", port, challenge);
    ag_hmac_sha256_hex(TOKEN, text, proof);
    ag_auto_free char *body = ag_asprintf("{\"status\":\"success\",\"data\":{\"service\":"
                                          "\"argo-daemon\",\"proof\":\"%s\"}}",
                                          proof);
    return answer(reply, body);
}

static bool honest(const char *request, struct fake_reply *reply, void *user)
{
    if (strncmp(request, "GET /api/health", 15) == 0) {
        return prove(request, fakehttp_port(server), reply);
    }
    daemon_answers++;
    return answer(reply, "{\"status\":\"success\"}");
}

/* Relays the challenge to the real daemon, which listens on another port. */
static bool relay(const char *request, struct fake_reply *reply, void *user)
{
    return strncmp(request, "GET /api/health", 15) == 0 &&
           prove(request, fakehttp_port(server) ^ 1, reply);
}

static void over_tcp(fakehttp_fn fn, const char *token, int64_t epoch)
{
    server = fakehttp_new(loop, NULL);
    fakehttp_on_request(server, fn, NULL);
    make_client(fakehttp_url(server, ""), token, epoch);
}

static void on_reply(const ag_value *reply, const argo_error *err, void *user)
{
    ag_auto_free char *text = reply != NULL ? ag_value_print(reply, NULL) : NULL;
    ck_assert((reply == NULL) == (err != NULL));
    snprintf(seen.reply, sizeof(seen.reply), "%s", text != NULL ? text : "");
    snprintf(seen.details, sizeof(seen.details), "%s", argo_error_details(err));
    snprintf(seen.field, sizeof(seen.field), "%s",
             argo_error_field(err) != NULL ? argo_error_field(err) : "");
    seen.code = argo_error_code(err);
    seen.done = true;
    seen.count++;
    ag_call_cancel(ag_take(call)); /* allowed, and does nothing */
    if (seen.free_client) {
        ag_client_free(ag_take(client));
    }
}

static void start(const struct ag_call_spec *spec)
{
    seen.done = false;
    ck_assert_int_eq(ag_client_call(client, spec, on_reply, NULL, &call, NULL), 0);
    ck_assert(!seen.done);
}

static int perform(const struct ag_call_spec *spec)
{
    start(spec);
    fakehttp_run(loop, &seen.done);
    return seen.code;
}

static int get(const char *path)
{
    return perform(&(struct ag_call_spec){AG_CALL_GET, path});
}

START_TEST(a_reply_over_the_unix_socket)
{
    write_token(TOKEN);
    over_unix();
    fakehttp_answer(server, 200, "", "{\"status\":\"success\",\"data\":{\"n\":1}}");
    ck_assert_int_eq(get("/api/x?y=%20z"), 0);
    ck_assert_str_eq(seen.reply, "{\"status\":\"success\",\"data\":{\"n\":1}}");
    ck_assert(strncmp(fakehttp_request(server, 0), "GET /api/x?y=%20z HTTP/1.1\r\n", 28) == 0);
    ck_assert_str_eq(fakehttp_header(server, 0, "Host"), "localhost");
    ck_assert_ptr_null(fakehttp_header(server, 0, "Authorization"));
    ck_assert_ptr_null(fakehttp_header(server, 0, "Idempotency-Key"));
    ck_assert_ptr_null(fakehttp_header(server, 0, "X-Argo-Epoch"));
    fakehttp_answer(server, 204, "", "");
    ck_assert_int_eq(get("/api/y"), 0);
    ck_assert_str_eq(seen.reply, "null");
    ck_assert_uint_eq(fakehttp_connections(server), 1);
}
END_TEST

START_TEST(a_home_longer_than_a_socket_path)
{
    char name[101];
    memset(name, 'h', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ag_auto_free char *deep = ag_asprintf("%s/%s", home, name);
    argo_context_free(ctx);
    ck_assert_int_eq(argo_context_new(deep, &ctx, NULL), 0);
    make_client(NULL, NULL, 0);
    ck_assert_int_eq(get("/"), ARGO_E_NO_DAEMON); /* not even the directory is there */
    ag_client_free(client);
    over_unix();
    fakehttp_answer(server, 200, "", "1");
    ck_assert_int_eq(get("/"), 0);
    ck_assert_str_eq(seen.reply, "1");
}
END_TEST

START_TEST(bodies_and_keys)
{
    over_unix();
    AG_AUTO(ag_value) body = ag_value_object();
    ck_assert_int_eq(ag_value_set(body, "a", ag_value_int(1)), 0);
    for (int i = 0; i < 3; i++) {
        fakehttp_answer(server, 200, "", "{}");
    }
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_POST, "/p", body}), 0);
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_POST, "/q"}), 0);
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_DELETE, "/d"}), 0);
    ck_assert_str_eq(fakehttp_body(server, 0), "{\"a\":1}");
    ck_assert_str_eq(fakehttp_header(server, 0, "Content-Type"), "application/json");
    ck_assert(strncmp(fakehttp_request(server, 2), "DELETE /d ", 10) == 0);
    ag_auto_free char *first = ag_strdup(fakehttp_header(server, 0, "Idempotency-Key"));
    ag_auto_free char *second = ag_strdup(fakehttp_header(server, 1, "Idempotency-Key"));
    ck_assert_uint_eq(strlen(first), 36);
    ck_assert_str_ne(first, second);
    ck_assert_str_ne(second, fakehttp_header(server, 2, "Idempotency-Key"));
}
END_TEST

START_TEST(an_executor_shows_its_token_and_epoch)
{
    over_unix();
    ag_client_free(client);
    make_client(NULL, "run-token", 7);
    fakehttp_answer(server, 200, "", "{}");
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_POST, "/p"}), 0);
    ck_assert_str_eq(fakehttp_header(server, 0, "Authorization"), "Bearer run-token");
    ck_assert_str_eq(fakehttp_header(server, 0, "X-Argo-Epoch"), "7");
    ck_assert_ptr_null(fakehttp_header(server, 0, "Idempotency-Key"));
}
END_TEST

START_TEST(a_user_s_token_is_not_for_sockets)
{
    over_unix();
    ag_client_free(client);
    ag_auto_free char *url = ag_asprintf("unix:%s", in_home("run/argo.sock"));
    make_client(url, TOKEN, 0);
    fakehttp_answer(server, 200, "", "{}");
    ck_assert_int_eq(get("/"), 0);
    ck_assert_ptr_null(strstr(fakehttp_received(server), TOKEN));
}
END_TEST

START_TEST(errors_keep_code_and_words)
{
    over_unix();
    fakehttp_answer(server, 404, "",
                    "{\"status\":\"error\",\"error\":{\"code\":1004,\"message\":\"Template not "
                    "found\",\"details\":\"Template 'x' does not exist\",\"field\":\"template\"}}");
    ck_assert_int_eq(get("/"), ARGO_E_NO_TEMPLATE);
    ck_assert_str_eq(seen.details, "Template 'x' does not exist");
    ck_assert_str_eq(seen.field, "template");
    fakehttp_answer(server, 502, "", "<html>");
    ck_assert_int_eq(get("/"), ARGO_E_PROTOCOL);
    fakehttp_answer(server, 200, "", "<html>");
    ck_assert_int_eq(get("/"), ARGO_E_PROTOCOL);
    fakehttp_reply(server, &(struct fake_reply){.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
                                                         "\r\n{\"a\"",
                                                .close = true});
    ck_assert_int_eq(get("/"), ARGO_E_PROTOCOL);
    ck_assert_int_eq(ag_client_call(client, &(struct ag_call_spec){AG_CALL_GET, "api"}, on_reply,
                                    NULL, NULL, NULL),
                     ARGO_E_INVALID);
}
END_TEST

START_TEST(no_daemon)
{
    make_client(NULL, NULL, 0);
    ag_auto_free char *details = ag_asprintf("%s/run/argo.sock: No such file or directory", home);
    ck_assert_int_eq(get("/"), ARGO_E_NO_DAEMON);
    ck_assert_int_eq(seen.count, 1);
    ck_assert_str_eq(seen.details, details);
}
END_TEST

#define ERROR_503(code) "{\"status\":\"error\",\"error\":{\"code\":" #code ",\"details\":\"d\"}}"

START_TEST(busy_replies_are_retried)
{
    over_unix();
    fakehttp_answer(server, 503, "Retry-After: 0\r\n", ERROR_503(1303));
    fakehttp_answer(server, 503, "Retry-After: 0\r\n", ERROR_503(1304));
    fakehttp_answer(server, 200, "", "{}");
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_POST, "/p"}), 0);
    ck_assert_uint_eq(fakehttp_count(server), 3);
    ag_auto_free char *key = ag_strdup(fakehttp_header(server, 0, "Idempotency-Key"));
    ck_assert_str_eq(key, fakehttp_header(server, 1, "Idempotency-Key"));
    ck_assert_str_eq(key, fakehttp_header(server, 2, "Idempotency-Key"));
    /* Without Retry-After, or for longer than anybody would wait: at once. */
    fakehttp_answer(server, 503, "", ERROR_503(1203));
    ck_assert_int_eq(get("/"), ARGO_E_WAITERS);
    fakehttp_answer(server, 503, "Retry-After: 6\r\n", ERROR_503(1303));
    ck_assert_int_eq(get("/"), ARGO_E_STORE);
    fakehttp_answer(server, 503, "", ERROR_503(1203));
    fakehttp_answer(server, 200, "", "{}");
    ck_assert_int_eq(perform(&(struct ag_call_spec){.path = "/", .retry_for_ms = 60000}), 0);
}
END_TEST

static void start_daemon(ag_timer *timer, void *user)
{
    server = fakehttp_new(loop, in_home("run/argo.sock"));
    fakehttp_answer(server, 200, "", "{}");
}

START_TEST(a_daemon_that_comes_back)
{
    ag_timer *timer;
    ck_assert_int_eq(ag_dir_private(in_home("run"), NULL), 0);
    make_client(NULL, NULL, 0);
    ck_assert_int_eq(ag_timer_new(loop, start_daemon, NULL, &timer, NULL), 0);
    ag_timer_arm(timer, 20);
    ck_assert_int_eq(perform(&(struct ag_call_spec){.path = "/", .retry_for_ms = -1}), 0);
    ck_assert_int_eq(seen.count, 1);
    ag_timer_free(timer);
}
END_TEST

START_TEST(retries_end)
{
    make_client(NULL, NULL, 0);
    ck_assert_int_eq(perform(&(struct ag_call_spec){.path = "/", .retry_for_ms = 100}),
                     ARGO_E_NO_DAEMON);
}
END_TEST

START_TEST(a_dying_connection_repeats_with_the_same_key)
{
    over_unix();
    fakehttp_answer(server, 200, "", "{}");
    ck_assert_int_eq(get("/"), 0);
    fakehttp_reply(server, &(struct fake_reply){0}); /* the reused connection, by libcurl */
    fakehttp_reply(server, &(struct fake_reply){0}); /* a new one, by the call's retry */
    fakehttp_answer(server, 200, "", "{}");
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_POST, "/p", .retry_for_ms = 60000}), 0);
    ck_assert_uint_eq(fakehttp_count(server), 4);
    ag_auto_free char *key = ag_strdup(fakehttp_header(server, 1, "Idempotency-Key"));
    ck_assert_str_eq(key, fakehttp_header(server, 2, "Idempotency-Key"));
    ck_assert_str_eq(key, fakehttp_header(server, 3, "Idempotency-Key"));
}
END_TEST

START_TEST(a_try_times_out)
{
    over_unix();
    fakehttp_reply(server, &(struct fake_reply){.bytes = "x", .hold = true});
    ck_assert_int_eq(perform(&(struct ag_call_spec){.path = "/", .timeout_ms = 20}),
                     ARGO_E_TIMEOUT);
}
END_TEST

START_TEST(long_polls_have_their_own_connection)
{
    over_unix();
    fakehttp_reply(server,
                   &(struct fake_reply){.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1",
                                        .hold = true});
    start(&(struct ag_call_spec){.path = "/poll", .long_poll = true});
    while (fakehttp_count(server) == 0) {
        ag_loop_dispatch(loop, 100, NULL);
    }
    fakehttp_answer(server, 200, "", "2");
    ck_assert_int_eq(get("/"), 0);
    ck_assert_str_eq(seen.reply, "2");
    fakehttp_release(server);
    seen.done = false;
    fakehttp_run(loop, &seen.done);
    ck_assert_str_eq(seen.reply, "1");
    ck_assert_int_eq(seen.count, 2);
}
END_TEST

START_TEST(cancelling)
{
    over_unix();
    fakehttp_reply(server, &(struct fake_reply){.bytes = "x", .hold = true});
    start(&(struct ag_call_spec){.path = "/1"});
    ag_call_cancel(call);
    start(&(struct ag_call_spec){.path = "/2"});
    while (fakehttp_count(server) == 0) {
        ag_loop_dispatch(loop, 100, NULL);
    }
    ag_call_cancel(call);
    ag_call_cancel(NULL);
    start(&(struct ag_call_spec){.path = "/3"});
    ag_client_free(ag_take(client)); /* with a call under way */
    ck_assert_int_eq(seen.count, 0);
}
END_TEST

START_TEST(the_client_may_be_freed_by_its_callback)
{
    write_token(TOKEN);
    seen.free_client = true;
    over_unix();
    fakehttp_answer(server, 200, "", "{}");
    ck_assert_int_eq(get("/"), 0);
    fakehttp_free(server);
    over_tcp(honest, NULL, 0);
    ck_assert_int_eq(get("/"), 0);
    ck_assert_ptr_null(client);
}
END_TEST

/* ---- TCP -------------------------------------------------------------------------------------- */

START_TEST(the_daemon_proves_itself_once_per_connection)
{
    write_token(TOKEN "\n");
    over_tcp(honest, NULL, 0);
    ck_assert_int_eq(get("/api/x"), 0);
    ck_assert_int_eq(get("/api/y"), 0);
    ck_assert_uint_eq(fakehttp_count(server), 3);
    ck_assert_uint_eq(fakehttp_connections(server), 1);
    ck_assert_ptr_null(strstr(fakehttp_request(server, 0), TOKEN));
    ck_assert_str_eq(fakehttp_header(server, 1, "Authorization"), "Bearer " TOKEN);
    ck_assert_str_eq(fakehttp_header(server, 2, "Authorization"), "Bearer " TOKEN);
}
END_TEST

START_TEST(a_lost_connection_is_proved_again)
{
    write_token(TOKEN);
    over_tcp(honest, NULL, 0);
    ck_assert_int_eq(get("/"), 0);
    fakehttp_hang_up(server);
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_POST, "/p"}), 0);
    /* One more was made to repeat the request, and given up without a byte. */
    ck_assert_uint_eq(fakehttp_connections(server), 3);
    ck_assert(strncmp(fakehttp_request(server, 2), "GET /api/health?challenge=", 26) == 0);
    ck_assert_int_eq(daemon_answers, 2);
}
END_TEST

START_TEST(two_calls_at_once)
{
    write_token(TOKEN);
    over_tcp(honest, NULL, 0);
    start(&(struct ag_call_spec){.path = "/1"});
    start(&(struct ag_call_spec){.path = "/2"});

    call = NULL; /* on_reply cancels what is in it */
    while (seen.count < 2) {
        ag_loop_dispatch(loop, 100, NULL);
    }
    ck_assert_int_eq(daemon_answers, 2);
    ck_assert_int_eq(seen.code, 0);
}
END_TEST

static void check_squatter(const char *body)
{
    fakehttp_answer(server, 200, "", body);
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_POST, "/p", .retry_for_ms = -1}),
                     ARGO_E_DENIED);
    ck_assert_ptr_nonnull(strstr(seen.details, "is not your daemon"));
    ck_assert_ptr_null(strstr(fakehttp_received(server), TOKEN));
    ck_assert_ptr_null(strstr(fakehttp_received(server), "Authorization"));
    ck_assert_ptr_null(strstr(fakehttp_received(server), "POST"));
}

START_TEST(a_squatter_never_sees_the_token)
{
    static const char *const bodies[] = {
        "{\"status\":\"success\",\"data\":{\"service\":\"argo-daemon\"}}",
        "{\"proof\":\"\"}",
        "{\"proof\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
        "{\"proof\":1}",
        "",
        "no json",
    };
    write_token(TOKEN);
    over_tcp(relay, NULL, 0);
    for (size_t i = 0; i < AG_ARRAY_SIZE(bodies); i++) {
        check_squatter(bodies[i]);
    }
    ck_assert_int_eq(get("/"), ARGO_E_DENIED); /* the relayed proof is for another port */
    ck_assert_ptr_null(strstr(fakehttp_received(server), TOKEN));
}
END_TEST

START_TEST(a_squatter_that_takes_over_never_sees_the_token)
{
    write_token(TOKEN);
    over_tcp(honest, NULL, 0);
    ck_assert_int_eq(get("/"), 0);
    /* The daemon dies; the same port now answers every request, and proves nothing. */
    size_t before = strlen(fakehttp_received(server));
    fakehttp_hang_up(server);
    for (int i = 0; i < 4; i++) {
        fakehttp_answer(server, 200, "", "{\"status\":\"success\"}");
    }
    ck_assert_int_eq(perform(&(struct ag_call_spec){AG_CALL_POST, "/p"}), ARGO_E_DENIED);
    ck_assert_ptr_null(strstr(fakehttp_received(server) + before, TOKEN));
}
END_TEST

START_TEST(an_executor_over_tcp)
{
    write_token(TOKEN);
    over_tcp(honest, "run-token", 3);
    ck_assert_int_eq(get("/"), 0);
    ck_assert_str_eq(fakehttp_header(server, 1, "Authorization"), "Bearer run-token");
    ck_assert_ptr_null(strstr(fakehttp_received(server), TOKEN));
}
END_TEST

START_TEST(tokens)
{
    over_tcp(honest, NULL, 0);
    ck_assert_int_eq(get("/"), ARGO_E_NO_TOKEN);
    write_token(TOKEN);
    ck_assert_int_eq(chmod(in_home("token"), 0644), 0);
    ck_assert_int_eq(get("/"), ARGO_E_DENIED);
    ck_assert_uint_eq(fakehttp_connections(server), 0);
    ag_client_free(client);
    make_client(fakehttp_url(server, "/"), TOKEN, 0); /* given: no file is needed */
    ck_assert_int_eq(get("/"), 0);
}
END_TEST

START_TEST(urls)
{
    static const char *const bad[] = {
        "http://10.0.0.1:9876",
        "https://127.0.0.1:9876",
        "http://example.com",
        "unix:relative",
        "unix:",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:1/x",
        "http://127.0.0.1:1?x",
        "http://u:p@127.0.0.1:1",
        "http://127.0.0.1:1//",
        "http://127.0.0.1@evil.org/",
        "",
        "http://127.0.0.1:1/#x",
    };
    struct ag_client_config config = {ctx, loop, http};
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        AG_AUTO(argo_error) err = NULL;
        config.url = bad[i];
        ck_assert_msg(ag_client_new(&config, &client, &err) == ARGO_E_INVALID, "%s", bad[i]);
        ck_assert_str_ne(argo_error_details(err), "");
    }
    ck_assert_ptr_null(client);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("client");
    TCase *tc = tcase_create("client");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_reply_over_the_unix_socket);
    tcase_add_test(tc, a_home_longer_than_a_socket_path);
    tcase_add_test(tc, bodies_and_keys);
    tcase_add_test(tc, an_executor_shows_its_token_and_epoch);
    tcase_add_test(tc, a_user_s_token_is_not_for_sockets);
    tcase_add_test(tc, errors_keep_code_and_words);
    tcase_add_test(tc, no_daemon);
    tcase_add_test(tc, busy_replies_are_retried);
    tcase_add_test(tc, a_daemon_that_comes_back);
    tcase_add_test(tc, retries_end);
    tcase_add_test(tc, a_dying_connection_repeats_with_the_same_key);
    tcase_add_test(tc, a_try_times_out);
    tcase_add_test(tc, long_polls_have_their_own_connection);
    tcase_add_test(tc, cancelling);
    tcase_add_test(tc, the_client_may_be_freed_by_its_callback);
    tcase_add_test(tc, the_daemon_proves_itself_once_per_connection);
    tcase_add_test(tc, a_lost_connection_is_proved_again);
    tcase_add_test(tc, two_calls_at_once);
    tcase_add_test(tc, a_squatter_never_sees_the_token);
    tcase_add_test(tc, a_squatter_that_takes_over_never_sees_the_token);
    tcase_add_test(tc, an_executor_over_tcp);
    tcase_add_test(tc, tokens);
    tcase_add_test(tc, urls);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
