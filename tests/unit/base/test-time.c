/*
 * RFC 3339 times: both directions, zones, and what is no time.
 */
#include "base/text.h"
#include "lib/runner.h"

START_TEST(formats_utc_with_milliseconds)
{
    char buf[AG_TIME_SIZE];
    ck_assert_str_eq(ag_time_format(0, buf), "1970-01-01T00:00:00.000Z");
    ck_assert_str_eq(ag_time_format(1769860800123, buf), "2026-01-31T12:00:00.123Z");
    ck_assert_str_eq(ag_time_format(-1, buf), "1969-12-31T23:59:59.999Z");
    ck_assert_str_eq(ag_time_format(951782400000, buf), "2000-02-29T00:00:00.000Z");
    ck_assert_str_eq(ag_time_format(INT64_MAX, buf), "9999-12-31T23:59:59.999Z");
    ck_assert_str_eq(ag_time_format(INT64_MIN, buf), "0000-01-01T00:00:00.000Z");
}
END_TEST

START_TEST(parses_what_rfc_3339_allows)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-31T12:00:00.123Z", 1769860800123},
        {"2026-01-31t12:00:00.1239999z", 1769860800123},
        {"2026-01-31T12:00:00.1Z", 1769860800100},
        {"2026-01-31T13:30:00.123+01:30", 1769860800123},
        {"2026-01-31T07:00:00.123-05:00", 1769860800123},
        {"2026-01-31T12:00:00.123-00:00", 1769860800123},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2016-12-31T23:59:60Z", 1483228800000},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(good); i++) {
        int64_t ms = 42;
        ck_assert_int_eq(ag_time_parse(good[i].text, "at", &ms, NULL), 0);
        ck_assert_int_eq(ms, good[i].ms);
    }
}
END_TEST

START_TEST(refuses_everything_else)
{
    static const char *const bad[] = {
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-1-31T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-00-01T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "1900-02-29T12:00:00Z",
        "2026-04-31T12:00:00Z",
        "2026-01-00T12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:61Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00Zx",
        "2026-01-31T12:00:00+1:00",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+01:60",
        "2026-01-31T12:00:00+01:00x",
        " 2026-01-31T12:00:00Z",
        "now",
    };
    int64_t ms = 42;
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_int_eq(ag_time_parse(bad[i], "at", &ms, NULL), ARGO_E_INVALID);
    }
    ck_assert_int_eq(ms, 42);
    AG_AUTO(argo_error) err = NULL;
    ag_time_parse("now", "deadline", &ms, &err);
    ck_assert(ag_starts_with(argo_error_details(err), "deadline: "));
}
END_TEST

START_TEST(round_trip)
{
    for (int64_t ms = -62167219200000; ms < 253402300799999; ms += 86399999 * INT64_C(97)) {
        char buf[AG_TIME_SIZE];
        int64_t back = 0;
        ck_assert_int_eq(ag_time_parse(ag_time_format(ms, buf), "t", &back, NULL), 0);
        ck_assert_int_eq(back, ms);
    }
}
END_TEST

static Suite *time_suite(void)
{
    Suite *s = suite_create("time");
    TCase *tc = tcase_create("time");
    tcase_add_test(tc, formats_utc_with_milliseconds);
    tcase_add_test(tc, parses_what_rfc_3339_allows);
    tcase_add_test(tc, refuses_everything_else);
    tcase_add_test(tc, round_trip);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(time_suite)
