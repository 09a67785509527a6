/*
 * Files, private directories and locks, on a real file system.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/text.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static mode_t mode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void put(const char *path, const char *text, mode_t mode)
{
    ck_assert_int_eq(ag_file_write(path, text, strlen(text), mode, NULL), 0);
}

static void expect_content(const char *path, const char *expected)
{
    ag_auto_free char *text = NULL;
    ck_assert_int_eq(ag_file_read(path, 1000, &text, NULL, NULL), 0);
    ck_assert_str_eq(text, expected);
}

static int count_entries(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        n += e->d_name[0] != '.' ? 1 : 0;
    }
    closedir(dir);
    return n;
}

START_TEST(read_is_bounded)
{
    ag_auto_free char *text = NULL;
    size_t len = 99;
    AG_AUTO(argo_error) err = NULL;
    put(temp_path("f"), "12345", 0644);
    ck_assert_int_eq(ag_file_read(temp_path("f"), 4, &text, &len, &err), ARGO_E_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "larger than 4 bytes"));
    ck_assert_ptr_null(text);
    ck_assert_uint_eq(len, 99);
    ck_assert_int_eq(ag_file_read(temp_path("f"), 5, &text, &len, NULL), 0);
    ck_assert_str_eq(text, "12345");
    ck_assert_uint_eq(len, 5);
    ck_assert_int_eq(ag_file_read(temp_path("none"), 5, &text, &len, &err), ARGO_E_SYSTEM);
}
END_TEST

/* What is none may keep its reader waiting for ever. */
START_TEST(only_regular_files_are_read)
{
    ag_auto_free char *text = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(mkfifo(temp_path("fifo"), 0600), 0);
    ck_assert_int_eq(symlink("loop", temp_path("loop")), 0);
    ck_assert_int_eq(ag_file_read(temp_path("fifo"), 5, &text, NULL, &err), ARGO_E_DENIED);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "fifo is not a regular file"));
    ck_assert_int_eq(ag_file_read(temp_dir, 5, &text, NULL, NULL), ARGO_E_DENIED);
    ck_assert_int_eq(ag_file_read("/dev/zero", 5, &text, NULL, NULL), ARGO_E_DENIED);
    ck_assert_int_eq(ag_file_read(temp_path("loop"), 5, &text, NULL, NULL), ARGO_E_SYSTEM);
    ck_assert_ptr_null(text);
}
END_TEST

START_TEST(read_takes_empty_binary_and_large_files)
{
    size_t len = 99;
    put(temp_path("empty"), "", 0644);
    ag_auto_free char *empty = NULL;
    ck_assert_int_eq(ag_file_read(temp_path("empty"), 0, &empty, &len, NULL), 0);
    ck_assert_uint_eq(len, 0);
    ck_assert_str_eq(empty, "");

    static char big[300000];
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (char)(i * 7);
    }
    ck_assert_int_eq(ag_file_write(temp_path("big"), big, sizeof(big), 0600, NULL), 0);
    ag_auto_free char *text = NULL;
    ck_assert_int_eq(ag_file_read(temp_path("big"), SIZE_MAX, &text, &len, NULL), 0);
    ck_assert_uint_eq(len, sizeof(big));
    ck_assert_mem_eq(text, big, len);

    ck_assert_int_eq(symlink("big", temp_path("link")), 0);
    ag_auto_free char *linked = NULL;
    ck_assert_int_eq(ag_file_read(temp_path("link"), sizeof(big), &linked, NULL, NULL), 0);
}
END_TEST

START_TEST(secrets_must_be_private)
{
    static const mode_t open_modes[] = {0640, 0604, 0620, 0602, 0610, 0644};
    ag_auto_free char *text = NULL;
    AG_AUTO(argo_error) err = NULL;
    put(temp_path("key"), "secret", 0600);
    ck_assert_int_eq(ag_file_read_private(temp_path("key"), 100, &text, NULL), 0);
    ck_assert_str_eq(text, "secret");
    free(ag_take(text));
    ck_assert_int_eq(ag_file_read_private(temp_path("key"), 5, &text, NULL), ARGO_E_TOO_LARGE);
    for (size_t i = 0; i < AG_ARRAY_SIZE(open_modes); i++) {
        ck_assert_int_eq(chmod(temp_path("key"), open_modes[i]), 0);
        ck_assert_int_eq(ag_file_read_private(temp_path("key"), 100, &text, &err), ARGO_E_DENIED);
        ck_assert_ptr_nonnull(strstr(argo_error_details(err), "chmod 600"));
    }
    ck_assert_int_eq(chmod(temp_path("key"), 0400), 0);
    ck_assert_int_eq(symlink("key", temp_path("link")), 0);
    ck_assert_int_eq(ag_file_read_private(temp_path("link"), 100, &text, NULL), ARGO_E_DENIED);
    ck_assert_int_eq(mkfifo(temp_path("fifo"), 0600), 0);
    ck_assert_int_eq(ag_file_read_private(temp_path("fifo"), 100, &text, NULL), ARGO_E_DENIED);
    ck_assert_int_eq(ag_file_read_private(temp_path("none"), 100, &text, NULL), ARGO_E_SYSTEM);
    ck_assert_int_eq(ag_file_write(temp_path("nul"), "a\0b", 3, 0600, NULL), 0);
    ck_assert_int_eq(ag_file_read_private(temp_path("nul"), 100, &text, &err), ARGO_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "NUL"));
    ck_assert_ptr_null(text);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(temp_path("key"), 12345, 12345), 0);
        ck_assert_int_eq(ag_file_read_private(temp_path("key"), 100, &text, NULL), ARGO_E_DENIED);
    }
}
END_TEST

START_TEST(write_replaces_whole)
{
    put(temp_path("f"), "a long first version", 0644);
    ck_assert_uint_eq(mode_of(temp_path("f")), 0644);
    put(temp_path("f"), "short", 0600);
    ck_assert_uint_eq(mode_of(temp_path("f")), 0600);
    expect_content(temp_path("f"), "short");
    ck_assert_int_eq(count_entries(temp_dir), 1);
}
END_TEST

START_TEST(write_replaces_a_link_not_its_target)
{
    struct stat st;
    put(temp_path("target"), "kept", 0644);
    ck_assert_int_eq(symlink("target", temp_path("link")), 0);
    put(temp_path("link"), "new", 0644);
    expect_content(temp_path("target"), "kept");
    expect_content(temp_path("link"), "new");
    ck_assert_int_eq(lstat(temp_path("link"), &st), 0);
    ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(a_failed_write_leaves_nothing)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(mkdir(temp_path("dir"), 0700), 0);
    ck_assert_int_eq(ag_file_write(temp_path("dir"), "x", 1, 0600, &err), ARGO_E_SYSTEM);
    ck_assert_int_eq(count_entries(temp_dir), 1);
    ck_assert_int_eq(ag_file_write(temp_path("no/f"), "x", 1, 0600, &err), ARGO_E_SYSTEM);
}
END_TEST

START_TEST(write_takes_a_bare_name)
{
    ck_assert_int_eq(chdir(temp_dir), 0);
    put("bare", "here", 0600);
    expect_content(temp_path("bare"), "here");
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

static int read_own(const char *name, size_t max, char **out)
{
    size_t len = 0;
    int rc = ag_file_read_own(temp_path(name), max, out, &len, NULL);
    ck_assert(rc < 0 || len == strlen(*out));
    return rc;
}

START_TEST(what_others_may_read_but_not_write)
{
    static const mode_t bad[] = {0620, 0602, 0666};
    ag_auto_free char *text = NULL;
    put(temp_path("f"), "12345", 0644);
    ck_assert_int_eq(read_own("f", 4, &text), ARGO_E_TOO_LARGE);
    ck_assert_int_eq(read_own("f", 5, &text), 0);
    ck_assert_str_eq(text, "12345");
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_int_eq(chmod(temp_path("f"), bad[i]), 0);
        ck_assert_int_eq(read_own("f", 5, &text), ARGO_E_DENIED);
    }
    ck_assert_int_eq(chmod(temp_path("f"), 0600), 0);
    ck_assert_int_eq(symlink("f", temp_path("link")), 0);
    ck_assert_int_eq(read_own("link", 5, &text), ARGO_E_DENIED);
    ck_assert_int_eq(mkfifo(temp_path("fifo"), 0600), 0);
    ck_assert_int_eq(read_own("fifo", 5, &text), ARGO_E_DENIED);
    ck_assert_int_eq(read_own("none", 5, &text), ARGO_E_SYSTEM);
}
END_TEST

static int replace(const char *name, const char *text)
{
    return ag_file_replace(temp_path(name), text, strlen(text), 0600, NULL);
}

/* Whatever bears the name, or that of the file beside it, is replaced and not written to. */
START_TEST(replace_is_whole_and_follows_no_link)
{
    put(temp_path("victim"), "mine", 0600);
    ck_assert_int_eq(replace("f", "one"), 0);
    ck_assert_uint_eq(mode_of(temp_path("f")), 0600);
    ck_assert_int_eq(symlink("victim", temp_path("f.tmp")), 0);
    ck_assert_int_eq(replace("f", "two"), 0);
    expect_content(temp_path("f"), "two");
    ck_assert_int_eq(unlink(temp_path("f")), 0);
    ck_assert_int_eq(symlink("victim", temp_path("f")), 0);
    ck_assert_int_eq(link(temp_path("victim"), temp_path("f.tmp")), 0);
    ck_assert_int_eq(replace("f", "three"), 0);
    ck_assert_uint_eq(mode_of(temp_path("f")), 0600);
    expect_content(temp_path("f"), "three");
    expect_content(temp_path("victim"), "mine");
    ck_assert_int_eq(count_entries(temp_dir), 2);
}
END_TEST

START_TEST(a_failed_replace_leaves_what_was_there)
{
    ck_assert_int_eq(mkdir(temp_path("f"), 0700), 0);
    ck_assert_int_eq(replace("f", "text"), ARGO_E_SYSTEM);
    ck_assert_int_eq(count_entries(temp_dir), 1);
    ck_assert_int_eq(mkdir(temp_path("g.tmp"), 0700), 0);
    ck_assert_int_eq(replace("g", "text"), ARGO_E_SYSTEM);
    ck_assert_int_eq(replace("none/f", "text"), ARGO_E_SYSTEM);
    ck_assert(!ag_file_exists(temp_path("g")));
}
END_TEST

START_TEST(append_lines_ends_what_was_torn)
{
    ck_assert_int_eq(ag_file_append_lines(temp_path("d/log"), "", 0, NULL), 0);
    ck_assert_int_eq(ag_file_append_lines(temp_path("d/log"), "one\n", 4, NULL), 0);
    ck_assert_int_eq(ag_file_append_lines(temp_path("d/log"), "two\nthr", 7, NULL), 0);
    ck_assert_int_eq(ag_file_append_lines(temp_path("d/log"), "three\n", 6, NULL), 0);
    expect_content(temp_path("d/log"), "one\ntwo\nthr\nthree\n");
    ck_assert_uint_eq(mode_of(temp_path("d/log")), 0600);
    ck_assert_uint_eq(mode_of(temp_path("d")), 0700);
    /* Only a file of its own will do. */
    ag_auto_free char *target = ag_strdup(temp_path("d/log"));
    ck_assert_int_eq(symlink(target, temp_path("d/link")), 0);
    ck_assert_int_eq(ag_file_append_lines(temp_path("d/link"), "x", 1, NULL), ARGO_E_SYSTEM);
    ck_assert_int_eq(mkfifo(temp_path("d/fifo"), 0600), 0);
    ck_assert_int_eq(ag_file_append_lines(temp_path("d/fifo"), "x", 1, NULL), ARGO_E_SYSTEM);
    ck_assert_int_eq(ag_file_append_lines(temp_path("d"), "x", 1, NULL), ARGO_E_SYSTEM);
    expect_content(temp_path("d/log"), "one\ntwo\nthr\nthree\n");
}
END_TEST

START_TEST(append_adds_and_follows_no_link)
{
    umask(022);
    ck_assert_int_eq(ag_file_append(temp_path("f"), "a", 1, 0600, NULL), 0);
    ck_assert_int_eq(ag_file_append(temp_path("f"), "bc", 2, 0600, NULL), 0);
    expect_content(temp_path("f"), "abc");
    ck_assert_uint_eq(mode_of(temp_path("f")), 0600);
    ck_assert_int_eq(symlink("f", temp_path("link")), 0);
    ck_assert_int_eq(ag_file_append(temp_path("link"), "x", 1, 0600, NULL), ARGO_E_SYSTEM);
    expect_content(temp_path("f"), "abc");
}
END_TEST

START_TEST(exists)
{
    ck_assert(!ag_file_exists(temp_path("f")));
    put(temp_path("f"), "", 0600);
    ck_assert(ag_file_exists(temp_path("f")));
    ck_assert(ag_file_exists(temp_dir));
    ck_assert_int_eq(symlink("nowhere", temp_path("dangling")), 0);
    ck_assert(ag_file_exists(temp_path("dangling")));
}
END_TEST

START_TEST(private_directories)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_dir_private(temp_path("a/b/c//"), NULL), 0);
    ck_assert_uint_eq(mode_of(temp_path("a")), 0700);
    ck_assert_uint_eq(mode_of(temp_path("a/b/c")), 0700);
    ck_assert_int_eq(ag_dir_private(temp_path("a/b/c"), NULL), 0);
    ck_assert_int_eq(chmod(temp_path("a"), 0755), 0);
    ck_assert_int_eq(ag_dir_private(temp_path("a"), NULL), 0); /* others may look */
    ck_assert_int_eq(chmod(temp_path("a"), 0775), 0);
    ck_assert_int_eq(ag_dir_private(temp_path("a"), &err), ARGO_E_DENIED);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "chmod go-w"));
    ck_assert_int_eq(chmod(temp_path("a"), 0702), 0);
    ck_assert_int_eq(ag_dir_private(temp_path("a"), &err), ARGO_E_DENIED);

    ck_assert_int_eq(mkdir(temp_path("real"), 0700), 0);
    ck_assert_int_eq(symlink("real", temp_path("link")), 0);
    ck_assert_int_eq(ag_dir_private(temp_path("link"), &err), ARGO_E_DENIED);
    ck_assert_int_eq(ag_dir_private(temp_path("link/"), &err), ARGO_E_DENIED);
    put(temp_path("file"), "", 0600);
    ck_assert_int_eq(ag_dir_private(temp_path("file"), &err), ARGO_E_DENIED);
    ck_assert_int_eq(ag_dir_private(temp_path("file/below"), &err), ARGO_E_SYSTEM);
    ck_assert_int_eq(ag_dir_private("", &err), ARGO_E_INVALID);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(temp_path("real"), 12345, 12345), 0);
        ck_assert_int_eq(ag_dir_private(temp_path("real"), &err), ARGO_E_DENIED);
    }
}
END_TEST

START_TEST(parents_follow_the_umask)
{
    umask(027);
    ck_assert_int_eq(ag_dir_parents(temp_path("x/y/file"), NULL), 0);
    ck_assert_uint_eq(mode_of(temp_path("x/y")), 0750);
    ck_assert(!ag_file_exists(temp_path("x/y/file")));
    ck_assert_int_eq(ag_dir_parents(temp_path("x/y/file"), NULL), 0);
    ck_assert_int_eq(ag_dir_parents("bare", NULL), 0);
    ck_assert_int_eq(ag_dir_parents("/bare", NULL), 0);
    ck_assert_int_eq(ag_dir_parents("", NULL), 0);
    put(temp_path("file"), "", 0600);
    ck_assert_int_eq(ag_dir_parents(temp_path("file/a/b"), NULL), ARGO_E_SYSTEM);
}
END_TEST

START_TEST(paths_join_with_one_slash)
{
    static const char *const cases[][3] = {
        {"/a", "b", "/a/b"}, {"/a/", "b", "/a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        ag_auto_free char *path = ag_path_join(cases[i][0], cases[i][1]);
        ck_assert_str_eq(path, cases[i][2]);
    }
}
END_TEST

/* Starts a process that holds the lock on PATH until *RELEASE is closed. */
static pid_t start_holder(const char *path, int *release)
{
    int ready[2];
    int done[2];
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(done, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int fd = -1;
        char c = 0;
        close(done[1]);
        bool ok = ag_lock_take(path, &fd, NULL, NULL) == 0 && write(ready[1], "x", 1) == 1;
        _exit(ok && read(done[0], &c, 1) == 0 ? 0 : 1);
    }
    char c = 0;
    close(done[0]);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    *release = done[1];
    return pid;
}

static void end_holder(pid_t pid, int release)
{
    int status = -1;
    close(release);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(a_lock_names_its_holder)
{
    const char *path = temp_path("lock");
    AG_AUTO(argo_error) err = NULL;
    pid_t holder = -1;
    int fd = -1;
    int release = -1;
    ck_assert_int_eq(ag_lock_holder(path, &holder, NULL), 0);
    ck_assert_int_eq(holder, 0);
    pid_t pid = start_holder(path, &release);
    ck_assert_uint_eq(mode_of(path), 0600);
    ck_assert_int_eq(ag_lock_holder(path, &holder, NULL), 0);
    ck_assert_int_eq(holder, pid);
    holder = -1;
    ck_assert_int_eq(ag_lock_take(path, &fd, &holder, &err), ARGO_E_LOCKED);
    ck_assert_int_eq(holder, pid);
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(ag_lock_take(path, &fd, NULL, NULL), ARGO_E_LOCKED);
    end_holder(pid, release);
    ck_assert_int_eq(ag_lock_holder(path, &holder, NULL), 0);
    ck_assert_int_eq(holder, 0);
    ck_assert_int_eq(ag_lock_take(path, &fd, &holder, NULL), 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    close(fd);
}
END_TEST

START_TEST(children_do_not_inherit_a_lock)
{
    int fd = -1;
    int status = -1;
    ck_assert_int_eq(ag_lock_take(temp_path("lock"), &fd, NULL, NULL), 0);
    pid_t parent = getpid();
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        pid_t holder = 0;
        int other = -1;
        bool ok = ag_lock_take(temp_path("lock"), &other, &holder, NULL) == ARGO_E_LOCKED;
        _exit(ok && holder == parent ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    close(fd);
}
END_TEST

START_TEST(locks_follow_no_link)
{
    int fd = -1;
    pid_t holder = 0;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(symlink("target", temp_path("link")), 0);
    ck_assert_int_eq(ag_lock_take(temp_path("link"), &fd, NULL, &err), ARGO_E_SYSTEM);
    ck_assert_int_eq(ag_lock_holder(temp_path("link"), &holder, &err), ARGO_E_SYSTEM);
    ck_assert_int_eq(ag_lock_take(temp_path("no/lock"), &fd, NULL, &err), ARGO_E_SYSTEM);
    ck_assert(!ag_file_exists(temp_path("target")));
}
END_TEST

static Suite *file_suite(void)
{
    Suite *s = suite_create("file");
    TCase *tc = tcase_create("file");
    tcase_add_checked_fixture(tc, temp_dir_setup, temp_dir_teardown);
    tcase_add_test(tc, read_is_bounded);
    tcase_add_test(tc, only_regular_files_are_read);
    tcase_add_test(tc, read_takes_empty_binary_and_large_files);
    tcase_add_test(tc, secrets_must_be_private);
    tcase_add_test(tc, write_replaces_whole);
    tcase_add_test(tc, write_replaces_a_link_not_its_target);
    tcase_add_test(tc, a_failed_write_leaves_nothing);
    tcase_add_test(tc, write_takes_a_bare_name);
    tcase_add_test(tc, what_others_may_read_but_not_write);
    tcase_add_test(tc, replace_is_whole_and_follows_no_link);
    tcase_add_test(tc, a_failed_replace_leaves_what_was_there);
    tcase_add_test(tc, append_adds_and_follows_no_link);
    tcase_add_test(tc, append_lines_ends_what_was_torn);
    tcase_add_test(tc, exists);
    tcase_add_test(tc, private_directories);
    tcase_add_test(tc, parents_follow_the_umask);
    tcase_add_test(tc, paths_join_with_one_slash);
    tcase_add_test(tc, a_lock_names_its_holder);
    tcase_add_test(tc, children_do_not_inherit_a_lock);
    tcase_add_test(tc, locks_follow_no_link);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(file_suite)
