/*
 * Keys on disk, file names and bounded reading.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

/* What file.c reports through is not tested here. */
int arc_failed(struct arc *arc, const char *format, ...)
{
    return ARC_EXIT_FAILED;
}

static void write_file(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    fclose(file);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(lstat(path, &st), 0);
    return (unsigned)st.st_mode & 07777;
}

START_TEST(test_file_names)
{
    ck_assert(arc_is_file_name("./x"));
    ck_assert(arc_is_file_name("a.json"));
    ck_assert(arc_is_file_name("a.yaml"));
    ck_assert(arc_is_file_name("a.yml"));
    ck_assert(!arc_is_file_name("code_review"));
    ck_assert(!arc_is_file_name(".json"));
    ck_assert(!arc_is_file_name("json"));
    ck_assert(!arc_is_file_name("a.jsonx"));
}
END_TEST

START_TEST(test_read_limits)
{
    write_file(temp_path("five"), "12345", 5);
    char *text = arc_read_file(temp_path("five"), 5);
    ck_assert_pstr_eq(text, "12345");
    free(text);
    ck_assert_ptr_null(arc_read_file(temp_path("five"), 4));
    ck_assert_int_eq(errno, EFBIG);
    write_file(temp_path("nul"), "1\0002", 3);
    ck_assert_ptr_null(arc_read_file(temp_path("nul"), 5));
    ck_assert_int_eq(errno, EILSEQ);
    ck_assert_ptr_null(arc_read_file(temp_path("none"), 5));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_null(arc_read_file(temp_dir, 5));
    ck_assert_int_eq(errno, EISDIR);
}
END_TEST

START_TEST(test_key_is_private)
{
    umask(0);
    ck_assert_int_eq(arc_private_write(temp_dir, "keys", "gpt", "secret"), 0);
    ck_assert_uint_eq(mode_of(temp_path("keys")), 0700);
    ck_assert_uint_eq(mode_of(temp_path("keys/gpt")), 0600);
    char *text = arc_read_file(temp_path("keys/gpt"), 100);
    ck_assert_pstr_eq(text, "secret");
    free(text);
    ck_assert_int_eq(arc_private_write(temp_dir, "keys", "gpt", "other"), 0); /* replaces */
    text = arc_read_file(temp_path("keys/gpt"), 100);
    ck_assert_pstr_eq(text, "other");
    free(text);
    ck_assert_int_eq(arc_private_remove(temp_dir, "keys", "gpt"), 1);
    ck_assert_int_eq(arc_private_remove(temp_dir, "keys", "gpt"), 0);
}
END_TEST

START_TEST(test_key_follows_no_link)
{
    /* A planted link where the key goes is replaced; what it points to is untouched. */
    write_file(temp_path("victim"), "victim", 6);
    ck_assert_int_eq(mkdir(temp_path("keys"), 0700), 0);
    ck_assert_int_eq(symlink(temp_path("victim"), temp_path("keys/gpt")), 0);
    ck_assert_int_eq(arc_private_write(temp_dir, "keys", "gpt", "secret"), 0);
    char *text = arc_read_file(temp_path("victim"), 100);
    ck_assert_pstr_eq(text, "victim");
    free(text);
    ck_assert_uint_eq(mode_of(temp_path("keys/gpt")), 0600);
}
END_TEST

START_TEST(test_key_directory_must_be_ours)
{
    ck_assert_int_eq(mkdir(temp_path("keys"), 0700), 0);
    ck_assert_int_eq(chmod(temp_path("keys"), 0750), 0);
    ck_assert_int_eq(arc_private_write(temp_dir, "keys", "gpt", "secret"), -1);
    ck_assert_int_eq(errno, EPERM);
    ck_assert_int_eq(rmdir(temp_path("keys")), 0);
    ck_assert_int_eq(mkdir(temp_path("elsewhere"), 0700), 0);
    ck_assert_int_eq(symlink(temp_path("elsewhere"), temp_path("keys")), 0);
    ck_assert_int_eq(arc_private_write(temp_dir, "keys", "gpt", "secret"), -1);
    ck_assert_int_eq(rmdir(temp_path("elsewhere")), 0); /* empty */
    ck_assert_int_eq(arc_private_write(temp_path("none"), "keys", "gpt", "secret"), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(arc_private_remove(temp_path("none"), "keys", "gpt"), 0);
}
END_TEST

static Suite *file_suite(void)
{
    Suite *s = suite_create("arc file");
    TCase *tc = tcase_create("file");
    tcase_add_checked_fixture(tc, temp_dir_setup, temp_dir_teardown);
    tcase_add_test(tc, test_file_names);
    tcase_add_test(tc, test_read_limits);
    tcase_add_test(tc, test_key_is_private);
    tcase_add_test(tc, test_key_follows_no_link);
    tcase_add_test(tc, test_key_directory_must_be_ours);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(file_suite)
