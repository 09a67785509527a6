/*
 * Template files by name, and the registry of CIs.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "fixture.h"

static struct outcome o;

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static int list(const struct ag_template_file *file, void *user)
{
    char *all = user;
    size_t len = strlen(all);
    const char *dir = file->local                            ? "local"
                      : strstr(file->path, "/home/") != NULL ? "home"
                                                             : "installed";
    snprintf(all + len, 512 - len, "%s %s%s%s%s;", file->name, dir, strrchr(file->path, '.'),
             file->local ? " " : "", file->local ? ag_trust_words[file->trust] : "");
    return 0;
}

START_TEST(templates_are_listed_by_name)
{
    char all[512] = "";
    put_file(fixture_path("installed/b.yaml"), "i");
    put_file(fixture_path("installed/a.yml"), "i");
    put_file(fixture_path("home/b.yaml"), "y");
    put_file(fixture_path("home/b.json"), "j");
    put_file(fixture_path("home/notes.txt"), "n");
    put_file(fixture_path("home/.hidden.json"), "n");
    put_file(fixture_path("home/c d.json"), "n");
    ck_assert_int_eq(ag_catalog_each(fx.domain, NULL, list, all, NULL), 0);
    ck_assert_str_eq(all, "a installed.yml;b home.json;");
}
END_TEST

static int list_errors(const struct ag_template_file *file, void *user)
{
    char *all = user;
    size_t len = strlen(all);
    snprintf(all + len, 512 - len, "%s %d;", file->name, argo_error_code(file->error));
    return 0;
}

/* Nobody waits for a FIFO, and nobody misses a file that is there. */
START_TEST(what_cannot_be_read_is_listed)
{
    char all[512] = "", expected[64] = "";
    struct ag_template_file file;
    put_file(fixture_path("home/good.yaml"), "g");
    ck_assert_int_eq(mkfifo(fixture_path("home/fifo.yaml"), 0600), 0);
    ck_assert_int_eq(mkdir(fixture_path(".argo"), 0700), 0);
    ck_assert_int_eq(mkdir(fixture_path(".argo/workflows"), 0700), 0);
    ck_assert_int_eq(symlink("nowhere", fixture_path(".argo/workflows/dangling.json")), 0);
    ck_assert_int_eq(ag_catalog_each(fx.domain, fixture_path(""), list_errors, all, NULL), 0);
    snprintf(expected, sizeof(expected), "dangling %d;fifo %d;good 0;", ARGO_E_NO_TEMPLATE,
             ARGO_E_DENIED);
    ck_assert_str_eq(all, expected);
    ck_assert_int_eq(ag_catalog_look(fx.domain, "fifo", NULL, &file, NULL), ARGO_E_DENIED);
    ck_assert_int_eq(ag_catalog_look(fx.domain, "dangling", fixture_path(""), &file, NULL),
                     ARGO_E_NO_TEMPLATE);
}
END_TEST

static int count_unread(const struct ag_template_file *file, void *user)
{
    *(int *)user += argo_error_code(file->error) == ARGO_E_TOO_LARGE;
    return 0;
}

START_TEST(a_listing_is_bounded)
{
    AG_AUTO(argo_error) err = NULL;
    char name[32];
    int unread = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "home/t%d.yaml", i);
        put_file(fixture_path(name), "");
    }
    for (int i = 0; i < 17; i++) {
        snprintf(name, sizeof(name), "home/t%d.yaml", i);
        ck_assert_int_eq(truncate(fixture_path(name), AG_MAX_BODY), 0);
    }
    put_file(fixture_path("home/no template.txt"), "");
    put_file(fixture_path("home/t1.json"), "");
    put_file(fixture_path("home/t2.json"), "");
    ck_assert_int_eq(ag_catalog_each(fx.domain, NULL, count_unread, &unread, NULL), 0);
    ck_assert_int_eq(unread, 0); /* two of the large ones are hidden */
    ck_assert_int_eq(unlink(fixture_path("home/t1.json")), 0);
    ck_assert_int_eq(unlink(fixture_path("home/t2.json")), 0);
    ck_assert_int_eq(ag_catalog_each(fx.domain, NULL, count_unread, &unread, NULL), 0);
    ck_assert_int_gt(unread, 0);
    put_file(fixture_path("home/more.yml"), "");
    ck_assert_int_eq(ag_catalog_each(fx.domain, NULL, count_unread, &unread, &err), ARGO_E_QUOTA);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "holds more than 1000 templates"));
}
END_TEST

/* With a record of trust that is damaged no local template seems not to be there. */
START_TEST(a_damaged_record_of_trust_is_told)
{
    char all[512] = "", expected[64] = "";
    ag_auto_free char *record = ag_path_join(argo_context_home(fx.ctx), "trust");
    put_file(record, "x");
    ck_assert_int_eq(chmod(record, 0600), 0);
    ck_assert_int_eq(mkdir(fixture_path(".argo"), 0700), 0);
    ck_assert_int_eq(mkdir(fixture_path(".argo/workflows"), 0700), 0);
    put_file(fixture_path(".argo/workflows/local.yaml"), "l");
    ck_assert_int_eq(ag_catalog_each(fx.domain, fixture_path(""), list_errors, all, NULL), 0);
    snprintf(expected, sizeof(expected), "local %d;", ARGO_E_CORRUPT);
    ck_assert_str_eq(all, expected);
}
END_TEST

/* The daemon's own directory is nobody's. */
START_TEST(a_directory_is_absolute)
{
    char all[512] = "";
    struct ag_template_file file;
    ck_assert_int_eq(ag_catalog_each(fx.domain, ".", list_errors, all, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(ag_catalog_each(fx.domain, "", list_errors, all, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(ag_catalog_look(fx.domain, "report", ".", &file, NULL), ARGO_E_INVALID);
}
END_TEST

START_TEST(templates_are_found_in_order)
{
    struct ag_template_file file;
    put_file(fixture_path("installed/report.yaml"), "i");
    ck_assert_int_eq(ag_catalog_find(fx.domain, "report", NULL, &file, NULL), 0);
    ck_assert_str_eq(file.text, "i");
    ag_template_file_clear(&file);
    put_file(fixture_path("home/report.yml"), "home");
    ck_assert_int_eq(ag_catalog_find(fx.domain, "report", fixture_path(""), &file, NULL), 0);
    ck_assert_str_eq(file.text, "home");
    ck_assert_int_eq(file.len, 4);
    ck_assert_str_eq(file.name, "report");
    ck_assert_str_eq(file.path, fixture_path("home/report.yml"));
    ag_template_file_clear(&file);
}
END_TEST

START_TEST(a_shadow_is_not_trusted)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_template_file file;
    put_file(fixture_path("home/report.yaml"), "h");
    ck_assert_int_eq(mkdir(fixture_path(".argo"), 0700), 0);
    ck_assert_int_eq(mkdir(fixture_path(".argo/workflows"), 0700), 0);
    put_file(fixture_path(".argo/workflows/report.json"), "evil");
    ck_assert_int_eq(ag_catalog_find(fx.domain, "report", fixture_path(""), &file, &err),
                     ARGO_E_UNTRUSTED);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "is not trusted"));
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "home/report.yaml"));
    ck_assert_int_eq(ag_catalog_look(fx.domain, "report", fixture_path(""), &file, NULL), 0);
    ck_assert_str_eq(file.text, "evil");
    ck_assert_str_eq(file.shadows, fixture_path("home/report.yaml"));
    ag_template_file_clear(&file);
    ck_assert_int_eq(ag_catalog_find(fx.domain, "report", NULL, &file, NULL), 0);
    ag_template_file_clear(&file);
}
END_TEST

/* A template that is only there, trusted as it is, and changed afterwards. */
START_TEST(trust_lets_a_local_template_run)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_template_file file = {0};
    struct ag_trust_file seen = {0}, given = {0};
    char all[512] = "";
    ck_assert_int_eq(mkdir(fixture_path(".argo"), 0700), 0);
    ck_assert_int_eq(mkdir(fixture_path(".argo/workflows"), 0700), 0);
    const char *path = fixture_path(".argo/workflows/local.yaml");
    put_file(path, "one");
    ck_assert_int_eq(ag_trust_view(fx.domain, path, &seen, NULL), 0);
    ck_assert_int_eq(seen.trust, AG_TRUST_NONE);
    put_file(path, "two");
    ck_assert_int_eq(ag_trust_give(fx.domain, path, seen.sha256, &given, NULL), ARGO_E_STATE);
    ag_trust_file_clear(&seen);
    ck_assert_int_eq(ag_trust_view(fx.domain, path, &seen, NULL), 0);
    ck_assert_int_eq(ag_trust_give(fx.domain, path, seen.sha256, &given, NULL), 0);
    ag_trust_file_clear(&given);
    ck_assert_int_eq(ag_catalog_find(fx.domain, "local", fixture_path(""), &file, NULL), 0);
    ck_assert_str_eq(file.text, "two");
    ck_assert_ptr_null(file.shadows);
    ag_template_file_clear(&file);
    ck_assert_int_eq(ag_catalog_each(fx.domain, fixture_path(""), list, all, NULL), 0);
    ck_assert_str_eq(all, "local local.yaml trusted;");
    put_file(path, "three");
    ck_assert_int_eq(ag_catalog_find(fx.domain, "local", fixture_path(""), &file, &err),
                     ARGO_E_UNTRUSTED);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "has changed"));
    ck_assert_int_eq(ag_trust_take(fx.domain, path, NULL), 0);
    ck_assert_int_eq(ag_trust_take(fx.domain, path, NULL), ARGO_E_NO_TEMPLATE);
    ag_trust_file_clear(&seen);
}
END_TEST

static int finds_local(const char *cwd)
{
    struct ag_template_file file = {0};
    int r = ag_catalog_look(fx.domain, "ours", fixture_path(cwd), &file, NULL);
    bool local = file.local;
    ag_template_file_clear(&file);
    return r == 0 && local;
}

/* Up to the root of a repository, and not in a directory of somebody else's. */
START_TEST(templates_of_a_directory_above)
{
    static const char *const made[] = {"p", "p/sub", "p/sub/deep", "p/.argo", "p/.argo/workflows"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(made); i++) {
        ck_assert_int_eq(mkdir(fixture_path(made[i]), 0700), 0);
    }
    put_file(fixture_path("p/.argo/workflows/ours.yaml"), "o");
    ck_assert(finds_local("p"));
    ck_assert(finds_local("p/sub/deep"));
    ck_assert(!finds_local(""));
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(fixture_path("p"), 65534, 65534), 0);
        ck_assert(!finds_local("p/sub/deep"));
        ck_assert(finds_local("p")); /* named by who starts it */
        ck_assert_int_eq(chown(fixture_path("p"), 0, 0), 0);
    }
    put_file(fixture_path("p/.git"), "gitdir: elsewhere\n"); /* the root itself counts */
    ck_assert(finds_local("p/sub/deep"));
    ck_assert_int_eq(mkdir(fixture_path("p/sub/.git"), 0700), 0);
    ck_assert(!finds_local("p/sub/deep"));
    ck_assert(!finds_local("p/sub"));
}
END_TEST

/* ~/.argo/workflows is part of Argo's home, and of no project below ~. */
START_TEST(the_home_is_no_project)
{
    ck_assert_int_eq(mkdir(fixture_path("user"), 0700), 0);
    ck_assert_int_eq(mkdir(fixture_path("user/work"), 0700), 0);
    ck_assert_int_eq(mkdir(fixture_path("home/workflows"), 0700), 0);
    ck_assert_int_eq(symlink(fx.home, fixture_path("user/.argo")), 0);
    put_file(fixture_path("home/workflows/ours.yaml"), "o");
    ck_assert(!finds_local("user/work"));
    ck_assert(finds_local("user"));
}
END_TEST

static int list_trusted(const struct ag_trust_file *file, void *user)
{
    char *all = user;
    size_t len = strlen(all);
    snprintf(all + len, 512 - len, "%s %s;", strrchr(file->path, '/') + 1,
             file->missing ? "missing" : ag_trust_words[file->trust]);
    return 0;
}

static void trust_file(const char *path)
{
    struct ag_trust_file seen = {0}, given = {0};
    ck_assert_int_eq(ag_trust_view(fx.domain, path, &seen, NULL), 0);
    ck_assert_int_eq(ag_trust_give(fx.domain, path, seen.sha256, &given, NULL), 0);
    ag_trust_file_clear(&seen);
    ag_trust_file_clear(&given);
}

/* One that has been trusted and is a link now: its record is still seen, and can be taken back. */
START_TEST(trust_of_what_has_become_a_link)
{
    char all[512] = "";
    put_file(fixture_path("home/a.yaml"), "a");
    put_file(fixture_path("home/b.yaml"), "b");
    put_file(fixture_path("home/c.yaml"), "c");
    trust_file(fixture_path("home/a.yaml"));
    trust_file(fixture_path("home/b.yaml"));
    trust_file(fixture_path("home/c.yaml"));
    put_file(fixture_path("home/c.yaml"), "changed");
    ck_assert_int_eq(unlink(fixture_path("home/a.yaml")), 0);
    ck_assert_int_eq(symlink("b.yaml", fixture_path("home/a.yaml")), 0);
    ck_assert_int_eq(ag_trust_list(fx.domain, list_trusted, all, NULL), 0);
    ck_assert_str_eq(all, "a.yaml missing;b.yaml trusted;c.yaml changed;");
    ck_assert_int_eq(ag_trust_take(fx.domain, fixture_path("home/a.yaml"), NULL), 0);
    all[0] = '\0';
    ck_assert_int_eq(ag_trust_list(fx.domain, list_trusted, all, NULL), 0);
    ck_assert_str_eq(all, "b.yaml trusted;c.yaml changed;");
    ck_assert_int_eq(ag_trust_take(fx.domain, fixture_path("home/a.yaml"), NULL), 0); /* b's */
    ck_assert_int_eq(ag_trust_take(fx.domain, fixture_path("home/b.yaml"), NULL),
                     ARGO_E_NO_TEMPLATE);
    ck_assert_int_eq(ag_trust_take(fx.domain, "home/c.yaml", NULL), ARGO_E_INVALID);
}
END_TEST

START_TEST(not_everything_can_be_trusted)
{
    struct ag_trust_file file = {0};
    static const char *const names[] = {"home/report.txt", "home/a b.yaml", "none.yaml", ".env"};
    put_file(fixture_path("home/report.txt"), "h");
    put_file(fixture_path("home/a b.yaml"), "h");
    put_file(fixture_path(".env"), "h");
    for (size_t i = 0; i < AG_ARRAY_SIZE(names); i++) {
        ck_assert_msg(ag_trust_view(fx.domain, fixture_path(names[i]), &file, NULL) ==
                          ARGO_E_INVALID,
                      "%s", names[i]);
    }
    ck_assert_int_eq(ag_trust_view(fx.domain, "x.yaml", &file, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(ag_trust_give(fx.domain, "/x", "abc", &file, NULL), ARGO_E_INVALID);
    put_file(fixture_path(".env.argo"), "ARGO_DAEMON_PORT=1");
    ck_assert_int_eq(ag_trust_view(fx.domain, fixture_path(".env.argo"), &file, NULL), 0);
    ck_assert(file.config);
    ag_trust_file_clear(&file);
}
END_TEST

START_TEST(what_is_missing_is_guessed)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_template_file file;
    put_file(fixture_path("home/report.yaml"), "h");
    ck_assert_int_eq(ag_catalog_find(fx.domain, "reprot", NULL, &file, &err), ARGO_E_NO_TEMPLATE);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "did you mean 'report'?"));
    ck_assert_int_eq(ag_catalog_find(fx.domain, "zzzzzz", NULL, &file, &err), ARGO_E_NO_TEMPLATE);
    ck_assert_ptr_null(strstr(argo_error_details(err), "did you mean"));
    ck_assert_int_eq(ag_catalog_find(fx.domain, "../report", NULL, &file, &err), ARGO_E_ID);
}
END_TEST

START_TEST(a_template_with_a_nul_is_refused)
{
    static const char text[] = "workflow_name: one\ndescription: d\nsteps:\n"
                               "  - {step: say, type: display, message: hi, next_step: EXIT}\n"
                               "\0rest";
    FILE *f = fopen(fixture_path("home/nul.yaml"), "w");
    fwrite(text, 1, sizeof(text) - 1, f);
    fclose(f);
    char name[] = "nul";
    struct ag_start_request r = {.template_name = name};
    int64_t rid = 0;
    ck_assert_int_lt(start_with(&r, "h", &rid), 0);
    ck_assert_int_eq(fx.launches, 0);
}
END_TEST

START_TEST(cis_are_registered_once)
{
    char name[] = "claude", provider[] = "not a name", openai[] = "openai";
    struct ag_ci ci = {.name = name, .provider = provider};
    struct ag_ci stored = {0};
    ck_assert_int_eq(ag_registry_add(fx.domain, &ci, NULL, note_outcome, &o, NULL), ARGO_E_INVALID);
    ci.provider = openai;
    ci.upstream = name;
    ck_assert_int_eq(ag_registry_add(fx.domain, &ci, NULL, note_outcome, &o, NULL), ARGO_E_INVALID);
    ci.upstream = NULL;
    ck_assert_int_eq(ag_registry_add(fx.domain, &ci, NULL, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(ag_registry_add(fx.domain, &ci, NULL, note_outcome, &o, NULL), ARGO_E_EXISTS);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(ag_store_ci(fx.store, "claude", &stored, NULL), 1);
    ck_assert_str_eq(stored.status, "registered");
    ag_record_clear(&ag_ci_record, &stored);
    fixture_close();
    fixture_open();
    ck_assert_int_eq(ag_registry_add(fx.domain, &ci, NULL, note_outcome, &o, NULL), ARGO_E_EXISTS);
    ck_assert_int_eq(ag_registry_remove(fx.domain, "gpt", false, NULL, note_outcome, &o, NULL),
                     ARGO_E_NO_CI);
    ck_ok(ag_registry_remove(fx.domain, "claude", false, NULL, note_outcome, &o, NULL), o);
    ck_assert_int_eq(ag_store_ci(fx.store, "claude", &stored, NULL), 0);
    ck_ok(ag_registry_add(fx.domain, &ci, NULL, note_outcome, &o, NULL), o);
}
END_TEST

static Suite *catalog_suite(void)
{
    Suite *suite = suite_create("domain-catalog");
    TCase *tc = tcase_create("catalog");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, templates_are_listed_by_name);
    tcase_add_test(tc, what_cannot_be_read_is_listed);
    tcase_add_test(tc, a_listing_is_bounded);
    tcase_add_test(tc, a_damaged_record_of_trust_is_told);
    tcase_add_test(tc, a_directory_is_absolute);
    tcase_add_test(tc, templates_are_found_in_order);
    tcase_add_test(tc, a_shadow_is_not_trusted);
    tcase_add_test(tc, trust_lets_a_local_template_run);
    tcase_add_test(tc, templates_of_a_directory_above);
    tcase_add_test(tc, the_home_is_no_project);
    tcase_add_test(tc, trust_of_what_has_become_a_link);
    tcase_add_test(tc, not_everything_can_be_trusted);
    tcase_add_test(tc, what_is_missing_is_guessed);
    tcase_add_test(tc, a_template_with_a_nul_is_refused);
    tcase_add_test(tc, cis_are_registered_once);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(catalog_suite)
