/*
 * The home: what is created, what is refused and left as it is, who holds the lock.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/context.h"
#include "base/file.h"
#include "daemon/internal.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static argo_context *ctx;
static struct ag_home home;
static argo_error *err;

static void setup(void)
{
    temp_dir_setup();
    ck_assert_int_eq(argo_context_new(temp_path("home"), &ctx, NULL), 0);
    home = (struct ag_home){.lock_fd = -1};
    err = NULL;
}

static void teardown(void)
{
    ag_home_close(&home);
    argo_error_free(err);
    argo_context_free(ctx);
    temp_dir_teardown();
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    ck_assert_msg(lstat(path, &st) == 0, "%s", path);
    return st.st_mode & 07777;
}

static void put(const char *path, const char *text, mode_t mode)
{
    ck_assert_int_eq(ag_file_write(path, text, strlen(text), mode, NULL), 0);
}

static void refused(int code, const char *part)
{
    ck_assert_int_eq(ag_home_open(ctx, &home, &err), code);
    ck_assert_msg(strstr(argo_error_details(err), part) != NULL, "%s", argo_error_details(err));
    ck_assert_int_eq(home.lock_fd, -1);
    argo_error_free(err);
    err = NULL;
}

START_TEST(everything_is_created_private)
{
    static const char *const names[] = {"",
                                        "/run",
                                        "/logs",
                                        "/keys",
                                        "/workflows",
                                        "/workflows/templates",
                                        "/workflows/registry",
                                        "/registry",
                                        "/lifecycle"};
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
    for (size_t i = 0; i < AG_ARRAY_SIZE(names); i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s%s", argo_context_home(ctx), names[i]);
        ck_assert_msg(mode_of(path) == 0700, "%s", path);
    }
    ck_assert_int_eq(mode_of(temp_path("home/token")), 0600);
    ck_assert(!ag_file_exists(temp_path("home/token.new")));
    ck_assert_uint_eq(strlen(home.token), 64);
    ck_assert_uint_eq(strspn(home.token, "0123456789abcdef"), 64);
    char hash[AG_SHA256_HEX];
    ag_sha256_hex(home.token, strlen(home.token), hash);
    ck_assert_str_eq(home.token_hash, hash);
    ck_assert_str_eq(home.socket_path, temp_path("home/run/argo.sock"));
}
END_TEST

START_TEST(the_token_stays)
{
    char token[65];
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
    strcpy(token, home.token);
    ag_home_close(&home);
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
    ck_assert_str_eq(home.token, token);
}
END_TEST

START_TEST(a_bad_token_is_refused_and_kept)
{
    static const char *const bad[] = {"", "abc\n", "g"};
    char text[80] = "";
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
    ag_home_close(&home);
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        put(temp_path("home/token"), bad[i], 0600);
        refused(ARGO_E_CORRUPT, "home/token");
    }
    memset(text, 'a', 65); /* one digit too many */
    put(temp_path("home/token"), text, 0600);
    refused(ARGO_E_CORRUPT, "64 hexadecimal digits");
    text[64] = '\0';
    put(temp_path("home/token"), text, 0640);
    refused(ARGO_E_DENIED, "chmod 600");
    ck_assert_int_eq(mode_of(temp_path("home/token")), 0640);
    put(temp_path("home/token"), text, 0600);
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
    ck_assert_str_eq(home.token, text);
}
END_TEST

START_TEST(a_planted_token_is_refused)
{
    ck_assert_int_eq(mkdir(temp_path("home"), 0700), 0);
    put(temp_path("victim"), "precious\n", 0600);
    ck_assert_int_eq(symlink(temp_path("victim"), temp_path("home/token")), 0);
    refused(ARGO_E_DENIED, "is a link");
    unlink(temp_path("home/token"));
    ck_assert_int_eq(symlink(temp_path("missing"), temp_path("home/token")), 0);
    refused(ARGO_E_DENIED, "is a link");
    ck_assert(!ag_file_exists(temp_path("missing")));
    unlink(temp_path("home/token"));
    ck_assert_int_eq(mkfifo(temp_path("home/token"), 0600), 0);
    refused(ARGO_E_DENIED, "not a regular file");
    unlink(temp_path("home/token"));
    ck_assert_int_eq(symlink(temp_path("victim"), temp_path("home/token.new")), 0);
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
    ag_auto_free char *text = NULL;
    ck_assert_int_eq(ag_file_read(temp_path("victim"), 100, &text, NULL, NULL), 0);
    ck_assert_str_eq(text, "precious\n");
}
END_TEST

START_TEST(a_home_that_others_can_write_is_refused)
{
    const mode_t bad[] = {0770, 0702, 0777};
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        mkdir(temp_path("home"), 0700);
        ck_assert_int_eq(chmod(temp_path("home"), bad[i]), 0);
        refused(ARGO_E_DENIED, "chmod go-w");
        ck_assert_int_eq(mode_of(temp_path("home")), bad[i]);
        ck_assert(!ag_file_exists(temp_path("home/token")));
    }
    ck_assert_int_eq(chmod(temp_path("home"), 0755), 0);
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
}
END_TEST

START_TEST(planted_directories_are_refused)
{
    ck_assert_int_eq(mkdir(temp_path("home"), 0700), 0);
    ck_assert_int_eq(mkdir(temp_path("elsewhere"), 0700), 0);
    ck_assert_int_eq(symlink(temp_path("elsewhere"), temp_path("home/run")), 0);
    refused(ARGO_E_DENIED, "a link");
    unlink(temp_path("home/run"));
    put(temp_path("home/run"), "", 0600);
    refused(ARGO_E_DENIED, "not a directory");
    unlink(temp_path("home/run"));
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(temp_path("home"), 12345, (gid_t)-1), 0);
        refused(ARGO_E_DENIED, "belongs to user 12345");
        ck_assert_int_eq(chown(temp_path("home"), 0, (gid_t)-1), 0);
    }
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
}
END_TEST

START_TEST(a_second_daemon_of_this_process_is_refused)
{
    struct ag_home second = {.lock_fd = -1};
    char pid[32];
    snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
    ck_assert_int_eq(ag_home_open(ctx, &second, &err), ARGO_E_LOCKED);
    ck_assert_msg(strstr(argo_error_details(err), pid) != NULL, "%s", argo_error_details(err));
    ag_home_close(&home);
    ck_assert_int_eq(ag_home_open(ctx, &second, NULL), 0);
    ag_home_close(&second);
}
END_TEST

START_TEST(a_daemon_of_another_process_is_refused_and_named)
{
    char pid[32];
    ck_assert_int_eq(ag_home_open(ctx, &home, NULL), 0);
    snprintf(pid, sizeof(pid), "pid %d,", (int)getpid());
    pid_t child = fork();
    if (child == 0) {
        close(home.lock_fd); /* it has no lock of its own */
        struct ag_home second = {.lock_fd = -1};
        int r = ag_home_open(ctx, &second, &err);
        _exit(r == ARGO_E_LOCKED && strstr(argo_error_details(err), pid) != NULL ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("daemon/home");
    TCase *tc = tcase_create("home");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, everything_is_created_private);
    tcase_add_test(tc, the_token_stays);
    tcase_add_test(tc, a_bad_token_is_refused_and_kept);
    tcase_add_test(tc, a_planted_token_is_refused);
    tcase_add_test(tc, a_home_that_others_can_write_is_refused);
    tcase_add_test(tc, planted_directories_are_refused);
    tcase_add_test(tc, a_second_daemon_of_this_process_is_refused);
    tcase_add_test(tc, a_daemon_of_another_process_is_refused_and_named);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
