/*
 * The context: which home, what reaches the sink, the clock; and the log file.
 */
#include <pthread.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/context.h"
#include "base/file.h"
#include "base/text.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

START_TEST(explicit_home_wins)
{
    setenv("ARGO_HOME", "/from/env", 1);
    AG_AUTO(argo_context) ctx = NULL;
    ck_assert_int_eq(argo_context_new("/explicit//", &ctx, NULL), 0);
    ck_assert_str_eq(argo_context_home(ctx), "/explicit");
    AG_AUTO(argo_context) root = NULL;
    ck_assert_int_eq(argo_context_new("/", &root, NULL), 0);
    ck_assert_str_eq(argo_context_home(root), "/");
}
END_TEST

START_TEST(environment_comes_next)
{
    setenv("ARGO_HOME", "/from/env", 1);
    AG_AUTO(argo_context) ctx = NULL;
    ck_assert_int_eq(argo_context_new(NULL, &ctx, NULL), 0);
    ck_assert_str_eq(argo_context_home(ctx), "/from/env");
}
END_TEST

START_TEST(the_users_directory_comes_last)
{
    const struct passwd *pw = getpwuid(geteuid());
    const char *dir = pw != NULL ? pw->pw_dir : "/fallback";
    ag_auto_free char *expected = ag_path_join(dir, ".argo");
    setenv("HOME", "/fallback", 1);
    setenv("ARGO_HOME", "", 1);
    AG_AUTO(argo_context) empty = NULL;
    ck_assert_int_eq(argo_context_new(NULL, &empty, NULL), 0);
    ck_assert_str_eq(argo_context_home(empty), expected);
    unsetenv("ARGO_HOME");
    AG_AUTO(argo_context) unset = NULL;
    ck_assert_int_eq(argo_context_new(NULL, &unset, NULL), 0);
    ck_assert_str_eq(argo_context_home(unset), expected);
}
END_TEST

START_TEST(relative_homes_are_refused)
{
    argo_context *ctx = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(argo_context_new("rel/home", &ctx, &err), ARGO_E_INVALID);
    ck_assert_int_eq(argo_context_new("", &ctx, &err), ARGO_E_INVALID);
    setenv("ARGO_HOME", "./x", 1);
    ck_assert_int_eq(argo_context_new(NULL, &ctx, &err), ARGO_E_INVALID);
    ck_assert(ag_starts_with(argo_error_details(err), "ARGO_HOME: "));
    ck_assert_ptr_null(ctx);
    ck_assert_int_eq(argo_context_new("/x", NULL, NULL), ARGO_E_INVALID);
    argo_context_free(NULL);
}
END_TEST

struct seen {
    int calls;
    enum argo_log_level level;
    char component[32];
    char text[256];
};

static void see(void *user, enum argo_log_level level, const char *component, const char *file,
                int line, const char *text)
{
    struct seen *s = user;
    s->calls++;
    s->level = level;
    snprintf(s->component, sizeof(s->component), "%s", component);
    snprintf(s->text, sizeof(s->text), "%s", text);
    ck_assert_ptr_nonnull(strstr(file, "test-context.c"));
    ck_assert_int_gt(line, 0);
}

START_TEST(the_level_filters)
{
    struct seen s = {0};
    AG_AUTO(argo_context) ctx = NULL;
    ck_assert_int_eq(argo_context_new("/h", &ctx, NULL), 0);
    ag_log_error(ctx, "base", "nobody hears this");
    argo_context_set_log(ctx, see, &s, ARGO_LOG_INFO);
    ag_log_debug(ctx, "base", "too fine");
    ck_assert_int_eq(s.calls, 0);
    ag_log_info(ctx, "store", "two\nlines and %d", 5);
    ck_assert_int_eq(s.calls, 1);
    ck_assert_int_eq(s.level, ARGO_LOG_INFO);
    ck_assert_str_eq(s.component, "store");
    ck_assert_str_eq(s.text, "two lines and 5");
    ag_log_error(ctx, "base", "worse");
    ck_assert_int_eq(s.calls, 2);
    ag_log_error(NULL, "base", "no context");
    argo_context_set_log(ctx, NULL, NULL, ARGO_LOG_DEBUG);
    ag_log_error(ctx, "base", "silence again");
    ck_assert_int_eq(s.calls, 2);
}
END_TEST

START_TEST(levels_have_names)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    enum argo_log_level level = ARGO_LOG_ERROR;
    for (size_t i = 0; i < AG_ARRAY_SIZE(names); i++) {
        ck_assert_int_eq(argo_log_level_parse(names[i], &level, NULL), 0);
        ck_assert_uint_eq((size_t)level, i);
        ck_assert_str_eq(ag_log_level_name(level), names[i]);
    }
    ck_assert_int_eq(argo_log_level_parse("INFO", &level, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_log_level_parse("", &level, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_log_level_parse(NULL, &level, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_log_level_parse("info", NULL, NULL), ARGO_E_INVALID);
}
END_TEST

static int64_t fixed_clock(void *user)
{
    return *(int64_t *)user;
}

START_TEST(the_clock_can_be_replaced)
{
    int64_t now = 12345;
    AG_AUTO(argo_context) ctx = NULL;
    ck_assert_int_eq(argo_context_new("/h", &ctx, NULL), 0);
    ck_assert_int_gt(ag_context_now_ms(ctx), 1600000000000);
    ag_context_set_clock(ctx, fixed_clock, &now);
    ck_assert_int_eq(ag_context_now_ms(ctx), 12345);
    ag_context_set_clock(ctx, NULL, NULL);
    ck_assert_int_gt(ag_context_now_ms(ctx), 1600000000000);
}
END_TEST

static char *slurp(const char *path)
{
    char *text = NULL;
    ck_assert_int_eq(ag_file_read(path, 1 << 24, &text, NULL, NULL), 0);
    return text;
}

static argo_log_file *open_log(const char *path, uint64_t max, unsigned keep)
{
    argo_log_file *log = NULL;
    ck_assert_int_eq(argo_log_file_open(path, max, keep, &log, NULL), 0);
    return log;
}

static void say(argo_log_file *log, const char *text)
{
    argo_log_file_write(log, ARGO_LOG_WARNING, "test", "f.c", 1, text);
}

START_TEST(log_lines_are_json)
{
    const char *path = temp_path("a.log");
    argo_log_file *log = open_log(path, 0, 1);
    say(log, "say \"hi\" \\ \t\x01 \xc3\xa9\xff.");
    argo_log_file_close(log);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ag_auto_free char *text = slurp(path);
    int64_t at = 0;
    ck_assert(ag_starts_with(text, "{\"at\":\""));
    ag_auto_free char *time = ag_strndup(text + 7, 24);
    ck_assert_int_eq(ag_time_parse(time, "at", &at, NULL), 0);
    ck_assert_str_eq(text + 7 + 24,
                     "\",\"level\":\"warning\",\"component\":\"test\",\"message\":"
                     "\"say \\\"hi\\\" \\\\ \\u0009\\u0001 \xc3\xa9\xef\xbf\xbd.\"}\n");
}
END_TEST

START_TEST(log_is_appended_and_made_private)
{
    const char *path = temp_path("a.log");
    ck_assert_int_eq(ag_file_write(path, "old\n", 4, 0644, NULL), 0);
    argo_log_file *log = open_log(path, 0, 1);
    say(log, "new");
    argo_log_file_close(log);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ag_auto_free char *text = slurp(path);
    ck_assert(ag_starts_with(text, "old\n{"));
}
END_TEST

START_TEST(log_rotates_and_keeps_some)
{
    const char *path = temp_path("r.log");
    argo_log_file *log = open_log(path, 10, 2); /* every line is too much */
    say(log, "one");
    ck_assert(!ag_file_exists(temp_path("r.log.1")));
    say(log, "two");
    say(log, "three");
    say(log, "four");
    argo_log_file_close(log);
    ag_auto_free char *now = slurp(path);
    ag_auto_free char *first = slurp(temp_path("r.log.1"));
    ag_auto_free char *second = slurp(temp_path("r.log.2"));
    ck_assert_ptr_nonnull(strstr(now, "\"four\""));
    ck_assert_ptr_nonnull(strstr(first, "\"three\""));
    ck_assert_ptr_nonnull(strstr(second, "\"two\""));
    ck_assert(!ag_file_exists(temp_path("r.log.3")));
}
END_TEST

START_TEST(log_may_keep_nothing)
{
    const char *path = temp_path("r.log");
    argo_log_file *log = open_log(path, 10, 0);
    say(log, "one");
    say(log, "two");
    argo_log_file_close(log);
    ag_auto_free char *now = slurp(path);
    ck_assert_ptr_null(strstr(now, "\"one\""));
    ck_assert_ptr_nonnull(strstr(now, "\"two\""));
    ck_assert(!ag_file_exists(temp_path("r.log.1")));
}
END_TEST

START_TEST(log_size_limit_is_exact)
{
    const char *path = temp_path("r.log");
    argo_log_file *log = open_log(path, 0, 1);
    say(log, "x");
    argo_log_file_close(log);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    uint64_t line = (uint64_t)st.st_size;
    log = open_log(path, 2 * line, 1);
    say(log, "x");
    ck_assert(!ag_file_exists(temp_path("r.log.1")));
    say(log, "x");
    ck_assert(ag_file_exists(temp_path("r.log.1")));
    argo_log_file_close(log);
}
END_TEST

START_TEST(log_refuses_what_is_no_file_of_its_own)
{
    argo_log_file *log = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(symlink("elsewhere", temp_path("link")), 0);
    ck_assert_int_eq(argo_log_file_open(temp_path("link"), 0, 1, &log, &err), ARGO_E_SYSTEM);
    ck_assert(!ag_file_exists(temp_path("elsewhere")));
    ck_assert_int_eq(argo_log_file_open(temp_dir, 0, 1, &log, &err), ARGO_E_SYSTEM);
    ck_assert_int_eq(argo_log_file_open(temp_path("no/dir"), 0, 1, &log, &err), ARGO_E_SYSTEM);
    ck_assert_int_eq(mkfifo(temp_path("fifo"), 0600), 0);
    ck_assert_int_eq(argo_log_file_open(temp_path("fifo"), 0, 1, &log, &err), ARGO_E_SYSTEM);
    ck_assert_int_eq(argo_log_file_open(NULL, 0, 1, &log, &err), ARGO_E_INVALID);
    ck_assert_int_eq(argo_log_file_open(temp_path("a"), 0, 1001, &log, &err), ARGO_E_INVALID);
    ck_assert_ptr_null(log);
    argo_log_file_close(NULL);
    argo_log_file_write(NULL, ARGO_LOG_ERROR, "c", "f", 1, "t");
}
END_TEST

START_TEST(log_replaces_what_is_too_long)
{
    const char *path = temp_path("a.log");
    argo_log_file *log = open_log(path, 0, 1);
    ag_auto_free char *huge = malloc(2 << 20);
    memset(huge, 'x', 2 << 20);
    huge[(2 << 20) - 1] = '\0';
    say(log, huge);
    argo_log_file_close(log);
    ag_auto_free char *text = slurp(path);
    ck_assert_ptr_nonnull(strstr(text, "too long for the log"));
    ck_assert_uint_lt(strlen(text), 200);
}
END_TEST

#define THREADS          4
#define LINES_PER_THREAD 200

static void *write_many(void *log)
{
    for (int i = 0; i < LINES_PER_THREAD; i++) {
        say(log, "from a thread");
    }
    return NULL;
}

START_TEST(log_takes_many_threads)
{
    pthread_t threads[THREADS];
    argo_log_file *log = open_log(temp_path("t.log"), 4096, 100);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, log), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    argo_log_file_close(log);
    size_t lines = 0;
    for (int i = 0; i <= 100; i++) {
        char name[32] = "t.log";
        if (i > 0) {
            snprintf(name, sizeof(name), "t.log.%d", i);
        }
        if (!ag_file_exists(temp_path(name))) {
            break;
        }
        ag_auto_free char *text = slurp(temp_path(name));
        for (const char *p = text; *p != '\0'; p = strchr(p, '\n') + 1) {
            ck_assert(ag_starts_with(p, "{\"at\":\""));
            lines++;
        }
    }
    ck_assert_uint_eq(lines, THREADS * LINES_PER_THREAD);
}
END_TEST

static Suite *context_suite(void)
{
    Suite *s = suite_create("context");
    TCase *tc = tcase_create("context");
    tcase_add_test(tc, explicit_home_wins);
    tcase_add_test(tc, environment_comes_next);
    tcase_add_test(tc, the_users_directory_comes_last);
    tcase_add_test(tc, relative_homes_are_refused);
    tcase_add_test(tc, the_level_filters);
    tcase_add_test(tc, levels_have_names);
    tcase_add_test(tc, the_clock_can_be_replaced);
    suite_add_tcase(s, tc);
    tc = tcase_create("logfile");
    tcase_add_checked_fixture(tc, temp_dir_setup, temp_dir_teardown);
    tcase_add_test(tc, log_lines_are_json);
    tcase_add_test(tc, log_is_appended_and_made_private);
    tcase_add_test(tc, log_rotates_and_keeps_some);
    tcase_add_test(tc, log_may_keep_nothing);
    tcase_add_test(tc, log_size_limit_is_exact);
    tcase_add_test(tc, log_refuses_what_is_no_file_of_its_own);
    tcase_add_test(tc, log_replaces_what_is_too_long);
    tcase_add_test(tc, log_takes_many_threads);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(context_suite)
