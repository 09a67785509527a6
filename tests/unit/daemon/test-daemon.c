/*
 * The daemon object through its public interface: options, several in one process, the ways to
 * stop. What it answers is tested elsewhere.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/context.h"
#include "base/file.h"
#include "base/text.h"
#include "daemon/internal.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static argo_context *ctx;

static void setup(void)
{
    temp_dir_setup();
    ck_assert_int_eq(argo_context_new(temp_path("home"), &ctx, NULL), 0);
}

static void teardown(void)
{
    argo_context_free(ctx);
    temp_dir_teardown();
}

static argo_daemon *serving(argo_context *c, int port)
{
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    AG_AUTO(argo_error) err = NULL;
    argo_daemon *daemon = NULL;
    options.port = port;
    options.no_tcp = port < 0;
    ck_assert_msg(argo_daemon_new(c, &options, &daemon, &err) == 0, "%s", argo_error_details(err));
    return daemon;
}

static void refused(const struct argo_daemon_options *options, int code, const char *part)
{
    AG_AUTO(argo_error) err = NULL;
    argo_daemon *daemon = NULL;
    ck_assert_int_eq(argo_daemon_new(ctx, options, &daemon, &err), code);
    ck_assert_ptr_null(daemon);
    ck_assert_msg(strstr(argo_error_details(err), part) != NULL, "%s", argo_error_details(err));
}

START_TEST(wrong_arguments)
{
    argo_daemon *daemon = NULL;
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    ck_assert_int_eq(argo_daemon_new(NULL, NULL, &daemon, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_daemon_new(ctx, NULL, NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_daemon_dispatch(NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_daemon_run(NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_daemon_repair(NULL, NULL, NULL), ARGO_E_INVALID);
    argo_daemon_free(NULL);
    argo_daemon_stop(NULL);
    options.port = -2;
    refused(&options, ARGO_E_INVALID, "port");
    options.port = 65536;
    refused(&options, ARGO_E_INVALID, "port");
    options.port = 0;
    options.grace_ms = -1;
    refused(&options, ARGO_E_INVALID, "grace_ms");
    options.grace_ms = 0;
    options.files = -1;
    refused(&options, ARGO_E_INVALID, "files");
    options.files = 0;
    options.heartbeat_ms = -1;
    refused(&options, ARGO_E_INVALID, "heartbeat_ms");
    options.heartbeat_ms = 24 * 3600 * 1000 + 1;
    refused(&options, ARGO_E_INVALID, "heartbeat_ms");
    options.heartbeat_ms = 24 * 3600 * 1000;
    options.heartbeat_misses = -1;
    refused(&options, ARGO_E_INVALID, "heartbeat_misses");
    options.heartbeat_misses = 1001;
    refused(&options, ARGO_E_INVALID, "heartbeat_misses");
    ck_assert(!ag_file_exists(temp_path("home")));
}
END_TEST

START_TEST(options_of_an_older_program)
{
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    argo_daemon *daemon = NULL;
    options.size = offsetof(struct argo_daemon_options, executor);
    options.port = 0;
    options.grace_ms = -1; /* it knew no such member */
    ck_assert_int_eq(argo_daemon_new(ctx, &options, &daemon, NULL), 0);
    ck_assert_ptr_nonnull(strstr(daemon->executor, "/argo_workflow_executor"));
    ck_assert_int_eq(daemon->options.grace_ms, 0);
    argo_daemon_free(daemon);
}
END_TEST

START_TEST(files_while_it_serves)
{
    char port[16];
    argo_daemon *daemon = serving(ctx, 0);
    ag_auto_free char *text = NULL;
    ck_assert_uint_ne(argo_daemon_port(daemon), 0);
    snprintf(port, sizeof(port), "%u\n", (unsigned)argo_daemon_port(daemon));
    ck_assert_int_eq(ag_file_read(temp_path("home/run/port"), 100, &text, NULL, NULL), 0);
    ck_assert_str_eq(text, port);
    ck_assert(ag_file_exists(temp_path("home/run/argo.sock")));
    argo_daemon_free(daemon); /* without a stop: at once */
    ck_assert(!ag_file_exists(temp_path("home/run/port")));
    ck_assert(!ag_file_exists(temp_path("home/run/argo.sock")));
    ck_assert_int_eq(ag_file_write(temp_path("home/run/port"), "1\n", 2, 0600, NULL), 0);
    daemon = serving(ctx, -1);
    ck_assert_uint_eq(argo_daemon_port(daemon), 0);
    ck_assert(!ag_file_exists(temp_path("home/run/port")));
    argo_daemon_free(daemon);
}
END_TEST

START_TEST(a_port_that_is_taken)
{
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    char name[32];
    argo_context *other = NULL;
    ck_assert_int_eq(argo_context_new(temp_path("other"), &other, NULL), 0);
    argo_daemon *first = serving(other, 0);
    options.port = argo_daemon_port(first);
    snprintf(name, sizeof(name), "127.0.0.1:%d", options.port);
    refused(&options, ARGO_E_SYSTEM, name);
    ck_assert(!ag_file_exists(temp_path("home/run/argo.sock")));
    argo_daemon_free(first);
    argo_daemon_free(serving(ctx, options.port));
    argo_context_free(other);
}
END_TEST

START_TEST(two_in_one_process)
{
    argo_context *other = NULL;
    ck_assert_int_eq(argo_context_new(temp_path("other"), &other, NULL), 0);
    argo_daemon *first = serving(ctx, 0);
    argo_daemon *second = serving(other, 0);
    ck_assert_int_ne(argo_daemon_port(first), argo_daemon_port(second));
    refused(NULL, ARGO_E_LOCKED, "pid");
    argo_daemon_stop(first);
    ck_assert_int_eq(argo_daemon_run(first, NULL), 0);
    ck_assert_int_eq(argo_daemon_dispatch(second, NULL), 0);
    ck_assert(ag_file_exists(temp_path("other/run/argo.sock")));
    argo_daemon_free(first);
    argo_daemon_free(second);
    argo_context_free(other);
}
END_TEST

static void *stop_it(void *daemon)
{
    argo_daemon_stop(daemon);
    return NULL;
}

START_TEST(stopped_by_another_thread)
{
    pthread_t thread;
    argo_daemon *daemon = serving(ctx, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_it, daemon), 0);
    ck_assert_int_eq(argo_daemon_run(daemon, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert(!ag_file_exists(temp_path("home/run/argo.sock")));
    /* It stays stopped, and the home is free before it is. */
    ck_assert_int_eq(argo_daemon_dispatch(daemon, NULL), 1);
    ck_assert_int_eq(argo_daemon_get_timeout(daemon), 0);
    argo_daemon_stop(daemon);
    argo_daemon *next = serving(ctx, 0);
    argo_daemon_free(daemon);
    ck_assert(ag_file_exists(temp_path("home/run/argo.sock")));
    argo_daemon_free(next);
}
END_TEST

/* Freed between the request and the commit of its reply: the reply is kept, nothing is stopped. */
START_TEST(freed_while_a_shutdown_is_committed)
{
    static const char request[] = "POST /api/daemon/shutdown HTTP/1.1\r\nHost: localhost\r\n"
                                  "Idempotency-Key: k\r\n\r\n";
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct ag_kept_reply kept = {0};
    argo_daemon *daemon = serving(ctx, -1);
    ag_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", temp_path("home/run/argo.sock"));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(write(fd, request, strlen(request)), (int)strlen(request));
    while (ag_map_get(daemon->keys_under_way, "k") == NULL) {
        struct pollfd ready = {.fd = argo_daemon_get_fd(daemon), .events = POLLIN};
        ck_assert_int_ge(poll(&ready, 1, argo_daemon_get_timeout(daemon)), 0);
        ck_assert_int_eq(argo_daemon_dispatch(daemon, NULL), 0);
    }
    argo_daemon_free(daemon);

    daemon = serving(ctx, -1);
    ck_assert_int_eq(ag_store_reply(daemon->store, "k", &kept, NULL), 1);
    ck_assert_int_eq(kept.status, 200);
    ag_kept_reply_clear(&kept);
    argo_daemon_free(daemon);
}
END_TEST

START_TEST(repair_needs_the_home)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *report = NULL;
    argo_daemon *daemon = serving(ctx, -1);
    ck_assert_int_eq(argo_daemon_repair(ctx, &report, &err), ARGO_E_LOCKED);
    ck_assert_ptr_null(report);
    argo_daemon_free(daemon);
    ck_assert_int_eq(argo_daemon_repair(ctx, &report, NULL), 0);
    ck_assert_ptr_nonnull(report);
    argo_daemon_free(serving(ctx, -1));
}
END_TEST

START_TEST(a_damaged_store_is_refused_and_kept)
{
    struct argo_daemon_options options = ARGO_DAEMON_OPTIONS_INIT;
    ag_auto_free char *text = NULL;
    static const char garbage[] = "this is no database at all, whatever it is called";
    options.no_tcp = 1;
    argo_daemon_free(serving(ctx, -1));
    ck_assert_int_eq(
        ag_file_write(temp_path("home/argo.db"), garbage, sizeof(garbage) - 1, 0600, NULL), 0);
    refused(&options, ARGO_E_CORRUPT, "argo.db");
    ck_assert_int_eq(ag_file_read(temp_path("home/argo.db"), 1000, &text, NULL, NULL), 0);
    ck_assert_str_eq(text, garbage);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("daemon/daemon");
    TCase *tc = tcase_create("daemon");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, wrong_arguments);
    tcase_add_test(tc, options_of_an_older_program);
    tcase_add_test(tc, files_while_it_serves);
    tcase_add_test(tc, a_port_that_is_taken);
    tcase_add_test(tc, two_in_one_process);
    tcase_add_test(tc, stopped_by_another_thread);
    tcase_add_test(tc, freed_while_a_shutdown_is_committed);
    tcase_add_test(tc, repair_needs_the_home);
    tcase_add_test(tc, a_damaged_store_is_refused_and_kept);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
