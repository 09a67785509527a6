/*
 * Tables: columns that fit, cut texts, wide characters, hostile cells.
 */
#include <locale.h>
#include <string.h>

#include "lib/runner.h"
#include "table.h"

static const char *const headers[] = {"ID", "NAME", NULL};

static char *print(struct arc_table *table, size_t width)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    arc_table_print(table, out, width);
    fclose(out);
    arc_table_clear(table);
    return text;
}

START_TEST(test_plain)
{
    struct arc_table table;
    arc_table_init(&table, headers);
    arc_table_add(&table, "one");
    arc_table_add(&table, "a name");
    arc_table_add(&table, NULL);
    arc_table_add(&table, "");
    char *text = print(&table, 0);
    ck_assert_str_eq(text, "ID   NAME\n"
                           "one  a name\n"
                           "-    -\n");
    free(text);
}
END_TEST

START_TEST(test_cut_to_width)
{
    struct arc_table table;
    arc_table_init(&table, headers);
    arc_table_add(&table, "short");
    arc_table_add(&table, "0123456789");
    char *text = print(&table, 17); /* 5 + 2 + 10 */
    ck_assert_str_eq(text, "ID     NAME\nshort  0123456789\n");
    free(text);
    arc_table_init(&table, headers);
    arc_table_add(&table, "short");
    arc_table_add(&table, "0123456789");
    text = print(&table, 16);
    ck_assert_str_eq(text, "ID     NAME\nshort  01234567\xe2\x80\xa6\n");
    free(text);
}
END_TEST

START_TEST(test_columns_that_go)
{
    static const char *const many[] = {"ID", "STATE", "TEMPLATE", "STEP", "PID", NULL};
    static const char *const drop[] = {"PID", "TEMPLATE", NULL};
    const char *rows[] = {"an_id_of_some", "waiting", "hello", "ask", "12345"};
    const size_t widths[] = {46, 45, 38, 37, 28, 10};
    const char *const heads[] = {"ID             STATE    TEMPLATE  STEP  PID\n",
                                 "ID             STATE    TEMPLATE  STEP  PID\n",
                                 "ID             STATE    TEMPLATE  STEP\n",
                                 "ID             STATE    STEP\n",
                                 "ID             STATE    STEP\n",
                                 "ID             STATE    STEP\n"};
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        struct arc_table table;
        arc_table_init(&table, many);
        table.keep = 2;
        table.whole = true;
        table.drop = drop;
        for (size_t k = 0; k < 5; k++) {
            arc_table_add(&table, rows[k]);
        }
        char *text = print(&table, widths[i]);
        ck_assert_msg(strncmp(text, heads[i], strlen(heads[i])) == 0, "%zu: %s", widths[i], text);
        ck_assert_ptr_nonnull(strstr(text, "\nan_id_of_some  waiting  "));
        free(text);
    }
}
END_TEST

START_TEST(test_hostile_cells)
{
    struct arc_table table;
    arc_table_init(&table, headers);
    arc_table_add(&table, "\x1b[31mred\n\x1b]0;t\a");
    arc_table_add(&table, "\xe2\x80\xaex\rx");
    char *text = print(&table, 0);
    ck_assert_str_eq(text, "ID    NAME\nred   xx\n");
    free(text);
}
END_TEST

START_TEST(test_width)
{
    ck_assert_uint_eq(arc_text_width(""), 0);
    ck_assert_uint_eq(arc_text_width("abc"), 3);
    ck_assert_uint_eq(arc_text_width("\xc3\xa4"), 1);
    ck_assert_uint_eq(arc_text_width("\xe6\xbc\xa2"), 2); /* a wide ideograph */
    ck_assert_uint_eq(arc_text_width("e\xcc\x81"), 1);    /* a combining accent */
    ck_assert_uint_eq(arc_text_width("\xff\xff"), 2);     /* no characters */
}
END_TEST

START_TEST(test_fit)
{
    size_t widths[] = {10, 30, 6};
    arc_table_fit(widths, 3, 0, 2, 50); /* exactly as wide */
    ck_assert_uint_eq(widths[1], 30);
    arc_table_fit(widths, 3, 0, 2, 49);
    ck_assert_uint_eq(widths[1], 29);
    ck_assert_uint_eq(widths[0], 10);
    arc_table_fit(widths, 3, 0, 2, 24); /* 20 for three columns: the largest two share the rest */
    ck_assert_uint_eq(widths[0], 7);
    ck_assert_uint_eq(widths[1], 7);
    ck_assert_uint_eq(widths[2], 6);
    arc_table_fit(widths, 3, 0, 2, 1);
    ck_assert_uint_eq(widths[0] + widths[1] + widths[2], 12);
    arc_table_fit(widths, 0, 0, 2, 1);
    size_t named[] = {20, 10, 6};
    arc_table_fit(named, 3, 1, 2, 34); /* the name stays whole while it can */
    ck_assert_uint_eq(named[0], 20);
    ck_assert_uint_eq(named[1], 5);
    ck_assert_uint_eq(named[2], 5);
    arc_table_fit(named, 3, 1, 2, 31);
    ck_assert_uint_eq(named[0], 19);
    ck_assert_uint_eq(named[1] + named[2], 8);
}
END_TEST

static void use_utf8(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
}

static Suite *table_suite(void)
{
    Suite *s = suite_create("arc table");
    TCase *tc = tcase_create("table");
    tcase_add_checked_fixture(tc, use_utf8, NULL);
    tcase_add_test(tc, test_plain);
    tcase_add_test(tc, test_cut_to_width);
    tcase_add_test(tc, test_columns_that_go);
    tcase_add_test(tc, test_hostile_cells);
    tcase_add_test(tc, test_width);
    tcase_add_test(tc, test_fit);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(table_suite)
