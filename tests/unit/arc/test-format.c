/*
 * Times as people read them.
 */
#include <string.h>
#include <time.h>

#include "arc.h"
#include "lib/runner.h"

START_TEST(test_parse)
{
    ck_assert_int_eq(arc_time_ms("1970-01-01T00:00:00.000Z"), 0);
    ck_assert_int_eq(arc_time_ms("1970-01-02T00:00:01.250Z"), 86401250);
    ck_assert_int_eq(arc_time_ms("2026-01-31T12:00:00Z"), INT64_C(1769860800000));
    ck_assert_int_eq(arc_time_ms("yesterday"), -1);
    ck_assert_int_eq(arc_time_ms(""), -1);
    ck_assert_int_eq(arc_time_ms(NULL), -1);
}
END_TEST

static const char *seconds_ago(int64_t seconds, char buf[ARC_TIME_SIZE])
{
    char text[ARC_TIME_SIZE];
    struct tm tm;
    time_t then = time(NULL) - seconds;
    gmtime_r(&then, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return arc_time_ago(text, buf);
}

/* Half a unit is added, so that a second more while the test runs changes nothing. */
START_TEST(test_ago)
{
    char buf[ARC_TIME_SIZE];
    ck_assert_str_eq(seconds_ago(90, buf), "1 min ago");
    ck_assert_str_eq(seconds_ago(3570, buf), "59 min ago");
    ck_assert_str_eq(seconds_ago(3600 + 1800, buf), "1 h ago");
    ck_assert_str_eq(seconds_ago(23 * 3600 + 1800, buf), "23 h ago");
    ck_assert_str_eq(seconds_ago(0, buf), "0 s ago");
    ck_assert_str_eq(seconds_ago(-3 * 3600, buf), "in 3 h");
    ck_assert_str_eq(seconds_ago(-20 * 60 - 10, buf), "in 20 min");
    ck_assert_str_eq(seconds_ago(-23 * 3600 - 3500, buf), "in 24 h");
    ck_assert_str_eq(arc_time_ago(NULL, buf), "");
}
END_TEST

/* Beyond a day the date, by the clock on the wall. */
START_TEST(test_date)
{
    char buf[ARC_TIME_SIZE];
    setenv("TZ", "UTC-2", 1);
    tzset();
    ck_assert_str_eq(arc_time_ago("2020-01-31T23:00:59.000Z", buf), "2020-02-01 01:00");
    ck_assert_str_eq(arc_time_ago("2999-12-31T12:00:00.000Z", buf), "2999-12-31 14:00");
    ck_assert_str_eq(arc_time_local("2020-01-31T23:00:59.000Z", buf), "2020-02-01 01:00:59");
    ck_assert_uint_eq(strlen(seconds_ago(86400, buf)), strlen("2020-02-01 01:00"));
    ck_assert_str_eq(seconds_ago(86400 - 5, buf), "23 h ago");
}
END_TEST

START_TEST(test_span)
{
    char buf[ARC_TIME_SIZE];
    ck_assert_str_eq(arc_time_span(59999, buf), "59 s");
    ck_assert_str_eq(arc_time_span(60000, buf), "1 min 0 s");
    ck_assert_str_eq(arc_time_span(3600000, buf), "1 h 0 min");
}
END_TEST

START_TEST(test_between)
{
    static const char zero[] = "2026-01-31T12:00:00.000Z";
    char buf[ARC_TIME_SIZE];
    ck_assert_str_eq(arc_time_between(zero, "2026-01-31T12:00:00.400Z", buf), "0.4 s");
    ck_assert_str_eq(arc_time_between(zero, "2026-01-31T12:00:59.000Z", buf), "59 s");
    ck_assert_str_eq(arc_time_between(zero, "2026-01-31T12:01:00.000Z", buf), "1 min 0 s");
    ck_assert_str_eq(arc_time_between(zero, "2026-01-31T12:59:59.000Z", buf), "59 min 59 s");
    ck_assert_str_eq(arc_time_between(zero, "2026-02-01T13:30:00.000Z", buf), "25 h 30 min");
    ck_assert_str_eq(arc_time_between(zero, NULL, buf), "");
    ck_assert_str_eq(arc_time_between("2026-01-31T12:00:01Z", zero, buf), "");
}
END_TEST

START_TEST(test_local)
{
    char buf[ARC_TIME_SIZE];
    setenv("TZ", "UTC-2", 1);
    tzset();
    ck_assert_str_eq(arc_time_local("2999-12-31T12:00:00.000Z", buf), "2999-12-31 14:00:00");
    ck_assert_str_eq(arc_time_local(NULL, buf), "");
}
END_TEST

static Suite *format_suite(void)
{
    Suite *s = suite_create("arc format");
    TCase *tc = tcase_create("format");
    tcase_add_test(tc, test_parse);
    tcase_add_test(tc, test_ago);
    tcase_add_test(tc, test_date);
    tcase_add_test(tc, test_span);
    tcase_add_test(tc, test_between);
    tcase_add_test(tc, test_local);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(format_suite)
