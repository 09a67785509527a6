/*
 * read_file and save_file.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/fakeport.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static struct fakeport *run(const char *steps)
{
    struct fakeport *f = fakeport_flow("", steps);
    f->cwd = temp_dir;
    fakeport_run(f);
    return f;
}

static void put(const char *name, const char *text, size_t len)
{
    ck_assert_int_eq(ag_file_write(temp_path(name), text, len, 0600, NULL), 0);
}

static void reads(const char *text, const char *parse, const char *expected)
{
    char *step = ag_asprintf(
        "{'step':'a','type':'read_file','source':'in','parse':'%s','save_to':'x'}", parse);
    put("in", text, strlen(text));
    struct fakeport *f = run(step);
    ck_trace(f, "a:done");
    fakeport_expect(f, "x", expected);
    fakeport_free(f);
    free(step);
}

START_TEST(test_parse)
{
    reads("a\nb\n", "text", "'a\\nb\\n'");
    reads("", "text", "''");
    reads("{\"a\": [1, null]}", "json", "{'a':[1,null]}");
    reads("a:\n  - 1\n  - x\n", "yaml", "{'a':[1,'x']}");
    reads("a\r\n\nb", "lines", "['a','','b']");
    reads("", "lines", "[]");
}
END_TEST

START_TEST(test_read_fails)
{
    struct fakeport *f = run("{'step':'a','type':'read_file','source':'none','save_to':'x'}");
    ck_trace(f, "a:failed");
    ck_assert_str_eq(fakeport_error(f, "code"), "io");
    ck_assert_ptr_nonnull(strstr(fakeport_error(f, "message"), "none"));
    fakeport_free(f);
    put("in", "{", 1);
    f = run("{'step':'a','type':'read_file','source':'in','parse':'json','save_to':'x'}");
    ck_assert_str_eq(fakeport_error(f, "code"), "io");
    fakeport_free(f);
}
END_TEST

START_TEST(test_read_limit)
{
    char *big = malloc(AG_MAX_VALUE + 1);
    memset(big, 'x', AG_MAX_VALUE + 1);
    put("in", big, AG_MAX_VALUE);
    struct fakeport *f = run("{'step':'a','type':'read_file','source':'in','save_to':'x'}");
    ck_assert_str_eq(fakeport_status(f), "done");
    fakeport_free(f);
    put("in", big, AG_MAX_VALUE + 1);
    f = run("{'step':'a','type':'read_file','source':'in','save_to':'x'}");
    ck_assert_str_eq(fakeport_error(f, "code"), "io");
    fakeport_free(f);
    free(big);
}
END_TEST

static void holds(const char *name, const char *expected, mode_t mode)
{
    char *text = NULL;
    size_t len = 0;
    struct stat st;
    ck_assert_int_eq(ag_file_read(temp_path(name), 4096, &text, &len, NULL), 0);
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(stat(temp_path(name), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, mode);
    free(text);
}

START_TEST(test_save)
{
    struct fakeport *f =
        run("{'step':'a','type':'save_file','destination':'d/{{step}}.txt','data':'text\\n'},"
            "{'step':'b','type':'save_file','filename':'d/b.json','content':{'k':['{{step}}']},"
            "'mode':'0600'},"
            "{'step':'c','type':'save_file','destination':'d/a.txt','data':'new'}");
    ck_trace(f, "a:done b:done c:done");
    const ag_value *outputs = ag_value_get(ag_value_at(f->rows, 2), "outputs");
    ck_assert_int_eq(ag_value_get_int(outputs, "bytes", 0), 3);
    ck_assert_str_eq(ag_value_get_text(outputs, "path", ""), temp_path("d/a.txt"));
    holds("d/a.txt", "new", 0644);
    holds("d/b.json", "{\n  \"k\": [\n    \"b\"\n  ]\n}", 0600);
    fakeport_free(f);
}
END_TEST

START_TEST(test_append)
{
    struct fakeport *f =
        run("{'step':'a','type':'save_file','destination':'log','data':'1\\n','append':true},"
            "{'step':'b','type':'save_file','destination':'log','data':'2\\n','append':true}");
    ck_trace(f, "a:done b:done");
    holds("log", "1\n2\n", 0644);
    ck_assert(ag_value_get_bool(ag_value_at(f->rows, 0), "repeat_never", false));
    fakeport_free(f);
}
END_TEST

START_TEST(test_save_fails)
{
    put("file", "", 0);
    struct fakeport *f = run("{'step':'a','type':'save_file','destination':'file/x','data':'1'}");
    ck_assert_str_eq(fakeport_error(f, "code"), "io");
    fakeport_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exec/files");
    TCase *t = tcase_create("files");
    tcase_add_checked_fixture(t, temp_dir_setup, temp_dir_teardown);
    tcase_add_test(t, test_parse);
    tcase_add_test(t, test_read_fails);
    tcase_add_test(t, test_read_limit);
    tcase_add_test(t, test_save);
    tcase_add_test(t, test_append);
    tcase_add_test(t, test_save_fails);
    suite_add_tcase(s, t);
    return s;
}

ARGO_TEST_MAIN(suite)
