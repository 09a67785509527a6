/*
 * The doctor's checks of the machine, with machines that are ill.
 */
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "doctor.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static struct arc_doctor d;

static void setup(void)
{
    temp_dir_setup();
    d = (struct arc_doctor){.findings = argo_value_new_array()};
}

static void teardown(void)
{
    argo_value_free(d.findings);
    temp_dir_teardown();
}

/* The last finding: whether all is well, and what its message says. */
static void expect(bool well, const char *says)
{
    const argo_value *f = argo_value_at(d.findings, argo_value_size(d.findings) - 1);
    const char *message = argo_value_text(f, "message", "");
    ck_assert_msg(argo_value_bool(f, "ok", !well) == well, "%s", message);
    ck_assert_msg(strstr(message, says) != NULL, "%s", message);
    ck_assert(well == (argo_value_text(f, "mend", NULL) == NULL));
}

START_TEST(test_disk)
{
    struct statvfs fs = {.f_frsize = 4096, .f_bavail = 25600, .f_files = 1000, .f_favail = 100};
    arc_doctor_disk(&d, "/home", &fs);
    expect(true, "100 MiB are left");
    fs.f_bavail = 25599;
    arc_doctor_disk(&d, "/home", &fs);
    expect(false, "99 MiB");
    fs.f_bavail = 25600;
    fs.f_favail = 99;
    arc_doctor_disk(&d, "/home", &fs);
    expect(false, "99 more files");
    fs.f_files = fs.f_favail = 0; /* a file system that does not count them */
    arc_doctor_disk(&d, "/home", &fs);
    expect(true, "MiB");
    fs.f_flag = ST_RDONLY;
    arc_doctor_disk(&d, "/home", &fs);
    expect(false, "read only");
    ck_assert_uint_eq(d.wrong, 3);
}
END_TEST

START_TEST(test_clock)
{
    time_t now = 1800000000;
    FILE *f = fopen(temp_path("token"), "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    struct timeval times[2] = {{.tv_sec = now + 60}, {.tv_sec = now + 60}};
    ck_assert_int_eq(utimes(temp_path("token"), times), 0);
    arc_doctor_clock(&d, temp_dir, now);
    expect(true, "no file");
    times[1].tv_sec = now + 61;
    ck_assert_int_eq(utimes(temp_path("token"), times), 0);
    arc_doctor_clock(&d, temp_dir, now);
    expect(false, "61 s in the future");
    arc_doctor_clock(&d, temp_dir, 1767225599);
    expect(false, "before 2026");
}
END_TEST

START_TEST(test_limits)
{
    struct rlimit files = {1024, 1024};
    arc_doctor_limits(&d, &files);
    expect(true, "enough");
    files.rlim_max = 1023;
    arc_doctor_limits(&d, &files);
    expect(false, "1023 files");
    files.rlim_max = RLIM_INFINITY;
    arc_doctor_limits(&d, &files);
    expect(true, "enough");
}
END_TEST

START_TEST(test_home)
{
    ck_assert(!arc_doctor_home(&d, temp_path("none")));
    expect(true, "is not there yet");
    ck_assert_int_eq(mkdir(temp_path("home"), 0700), 0);
    ck_assert(arc_doctor_home(&d, temp_path("home")));
    expect(true, "home");
    ck_assert_int_eq(chmod(temp_path("home"), 0750), 0);
    ck_assert(arc_doctor_home(&d, temp_path("home")));
    expect(false, "mode 0750");
    fclose(fopen(temp_path("file"), "w"));
    ck_assert(!arc_doctor_home(&d, temp_path("file")));
    expect(false, "is no directory");
    ck_assert(!arc_doctor_home(&d, temp_path("file/below")));
    expect(false, "Not a directory");
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(temp_path("home"), 1, 1), 0);
        ck_assert(!arc_doctor_home(&d, temp_path("home")));
        expect(false, "belongs to user 1");
    } else {
        ck_assert(!arc_doctor_home(&d, "/"));
        expect(false, "belongs to user 0");
    }
}
END_TEST

static Suite *doctor_suite(void)
{
    Suite *s = suite_create("arc doctor");
    TCase *tc = tcase_create("doctor");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_disk);
    tcase_add_test(tc, test_clock);
    tcase_add_test(tc, test_limits);
    tcase_add_test(tc, test_home);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(doctor_suite)
