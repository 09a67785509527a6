/*
 * Event streams cut at every place, with every kind of line end, and the limits.
 */
#include <string.h>

#include "lib/runner.h"
#include "provider/sse.h"

/* Feeds TEXT in pieces of STEP bytes; the events' data, each in brackets. */
static char *read_all(const char *text, size_t len, size_t step)
{
    struct ag_sse s;
    ag_auto_buf out = AG_BUF_INIT(65536);
    ag_sse_init(&s);
    for (size_t at = 0; at < len; at += step) {
        const char *data;
        size_t n;
        ck_assert_int_eq(ag_sse_feed(&s, text + at, step < len - at ? step : len - at, NULL), 0);
        while (ag_sse_next(&s, &data, &n, NULL) == 1) {
            ck_assert_uint_eq(strlen(data), n);
            ag_buf_printf(&out, "[%s]", data);
        }
    }
    ag_sse_free(&s);
    return ag_buf_take(&out);
}

START_TEST(events)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"data: a\n\ndata: b\n\n", "[a][b]"},
        {"data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]"},
        {"data: a\r\rdata: b\r\r", "[a][b]"},
        {"data:a\n\n", "[a]"},
        {"data:  a\n\n", "[ a]"},
        {"data: a\ndata: b\n\n", "[a\nb]"},
        {"data: a\r\ndata:\r\ndata: b\r\n\r\n", "[a\n\nb]"},
        {"data\n\n", "[]"},
        {": comment\n\ndata: a\n: more\n\n", "[a]"},
        {"event: x\nid: 7\nretry: 5\ndata: a\nunknown\n\n", "[a]"},
        {"event: x\n\n", ""},
        {"database: x\n\n", ""},
        {"\n\n\n", ""},
        {"data: a\n", ""},
        {"data: never ended", ""},
        {"\xEF\xBB\xBF"
         "data: a\n\n",
         "[a]"},
        {"data: \xC3\xA4\xF0\x9F\x98\x80\n\n", "[\xC3\xA4\xF0\x9F\x98\x80]"},
        {"data: {\"a\": \"b: c\"}\n\n", "[{\"a\": \"b: c\"}]"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        size_t len = strlen(cases[i].in);
        for (size_t step = 1; step <= len; step++) {
            ag_auto_free char *got = read_all(cases[i].in, len, step);
            ck_assert_msg(strcmp(got, cases[i].out) == 0, "case %zu in steps of %zu: %s", i, step,
                          got);
        }
    }
}
END_TEST

static int feed_line(size_t data_len, int *next)
{
    struct ag_sse s;
    const char *data;
    size_t n;
    size_t len = data_len + 8;
    ag_auto_free char *text = malloc(len);
    memcpy(text, "data: ", 6);
    memset(text + 6, 'x', data_len);
    memcpy(text + 6 + data_len, "\n\n", 2);
    ag_sse_init(&s);
    int rc = ag_sse_feed(&s, text, len, NULL);
    *next = rc == 0 ? ag_sse_next(&s, &data, &n, NULL) : rc;
    ag_sse_free(&s);
    return rc;
}

START_TEST(line_limit)
{
    int next;
    feed_line(AG_SSE_LINE_MAX - 6, &next);
    ck_assert_int_eq(next, 1);
    feed_line(AG_SSE_LINE_MAX - 5, &next);
    ck_assert_int_eq(next, ARGO_E_TOO_LARGE);
}
END_TEST

START_TEST(a_line_that_never_ends_is_refused)
{
    struct ag_sse s;
    char piece[65536];
    const char *data;
    size_t n;
    int rc = 0;
    memset(piece, 'x', sizeof(piece));
    ag_sse_init(&s);
    for (size_t fed = 0; rc == 0; fed += sizeof(piece)) {
        ck_assert_uint_le(fed, AG_SSE_LINE_MAX + sizeof(piece));
        ck_assert_int_eq(ag_sse_feed(&s, piece, sizeof(piece), NULL), 0);
        rc = ag_sse_next(&s, &data, &n, NULL);
    }
    ck_assert_int_eq(rc, ARGO_E_TOO_LARGE);
    ag_sse_free(&s);
}
END_TEST

START_TEST(event_limit)
{
    struct ag_sse s;
    const char *data;
    size_t n;
    ag_auto_free char *line = malloc(AG_SSE_LINE_MAX);
    memset(line, 'x', AG_SSE_LINE_MAX);
    memcpy(line, "data:", 5);
    line[AG_SSE_LINE_MAX - 1] = '\n';
    ag_sse_init(&s);
    for (size_t fed = 0; fed < AG_SSE_EVENT_MAX; fed += AG_SSE_LINE_MAX - 6) {
        ck_assert_int_eq(ag_sse_feed(&s, line, AG_SSE_LINE_MAX, NULL), 0);
        ck_assert_int_eq(ag_sse_next(&s, &data, &n, NULL), 0);
    }
    ck_assert_int_eq(ag_sse_feed(&s, "\n", 1, NULL), 0);
    ck_assert_int_eq(ag_sse_next(&s, &data, &n, NULL), ARGO_E_TOO_LARGE);
    ag_sse_free(&s);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sse");
    TCase *tc = tcase_create("sse");
    tcase_add_test(tc, events);
    tcase_add_test(tc, line_limit);
    tcase_add_test(tc, a_line_that_never_ends_is_refused);
    tcase_add_test(tc, event_limit);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
