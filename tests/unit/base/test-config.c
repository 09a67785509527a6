/*
 * Settings: lines of files, precedence, what a directory may say, what is refused and where.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <argo/config.h>

#include "base/context.h"
#include "base/crypto.h"
#include "base/dotenv.h"
#include "base/file.h"
#include "base/text.h"
#include "base/trust.h"
#include "lib/runner.h"
#include "lib/tempdir.h"

static argo_context *ctx;
static char home[256], dir[256];

static void put(const char *path, const char *text)
{
    ck_assert_int_eq(ag_file_write(path, text, strlen(text), 0600, NULL), 0);
}

static const char *in_home(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", home, name);
    return path;
}

static const char *in_dir(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void setup(void)
{
    static const char *const names[] = {"ARGO_DAEMON_PORT", "ARGO_DAEMON_URL", "ARGO_LOG_LEVEL",
                                        "ARGO_DEFAULT_PROVIDER", "ARGO_DEFAULT_MODEL"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(names); i++) {
        unsetenv(names[i]);
    }
    temp_dir_setup();
    snprintf(home, sizeof(home), "%s", temp_path("home"));
    snprintf(dir, sizeof(dir), "%s", temp_path("work"));
    ck_assert_int_eq(mkdir(home, 0700), 0);
    ck_assert_int_eq(mkdir(dir, 0755), 0);
    ck_assert_int_eq(argo_context_new(home, &ctx, NULL), 0);
}

static void teardown(void)
{
    argo_context_free(ctx);
    temp_dir_teardown();
}

/* ---- lines -------------------------------------------------------------------------------------- */

struct got {
    char text[256];
};

static int collect(const char *key, const char *value, unsigned line, void *user, argo_error **err)
{
    struct got *g = user;
    size_t len = strlen(g->text);
    snprintf(g->text + len, sizeof(g->text) - len, "%u %s=%s;", line, key, value);
    return 0;
}

START_TEST(lines_are_read)
{
    struct got g = {""};
    static const char text[] =
        "# a comment\n\n  A=1\nB=two words # and a comment\nC=a#b\n"
        "D='it is $HOME \\ #'\nE=\"say \\\"hi\\\" \\\\\"  # x\nF=\nG= \r\nH=x";
    ck_assert_int_eq(ag_dotenv_parse("f", text, collect, &g, NULL), 0);
    ck_assert_str_eq(g.text, "3 A=1;4 B=two words;5 C=a#b;6 D=it is $HOME \\ #;"
                             "7 E=say \"hi\" \\;8 F=;9 G=;10 H=x;");
    g = (struct got){""};
    ck_assert_int_eq(ag_dotenv_parse("f",
                                     "\xEF\xBB\xBF"
                                     "A=1\r\nB='2'\r\n",
                                     collect, &g, NULL),
                     0);
    ck_assert_str_eq(g.text, "1 A=1;2 B=2;");
}
END_TEST

START_TEST(what_is_no_line_is_refused)
{
    static const char *const texts[] = {"A",         "A =1",    "=1",         "A B=1",
                                        "1A=2",      "A='x",    "A=\"x",      "A='x' y",
                                        "A=\"\\n\"", "A=\"x\\", "export A=1", "A-B=1"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(texts); i++) {
        AG_AUTO(argo_error) err = NULL;
        struct got g = {""};
        ag_auto_free char *text = ag_asprintf("\n%s\n", texts[i]);
        ck_assert_msg(ag_dotenv_parse("f", text, collect, &g, &err) == ARGO_E_INVALID, "%s",
                      texts[i]);
        ck_assert_msg(ag_starts_with(argo_error_details(err), "f:2: "), "%s",
                      argo_error_details(err));
        ck_assert_str_eq(g.text, "");
    }
}
END_TEST

START_TEST(what_is_quoted_is_read_again)
{
    static const char *const values[] = {"", "plain-1.2:3/x", "two words", "a\"b\\c", "#x", "'"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(values); i++) {
        struct got g = {""};
        ag_auto_free char *quoted = ag_dotenv_quote(values[i]);
        ag_auto_free char *line = ag_asprintf("K=%s\n", quoted);
        ag_auto_free char *expected = ag_asprintf("1 K=%s;", values[i]);
        ck_assert_int_eq(ag_dotenv_parse("f", line, collect, &g, NULL), 0);
        ck_assert_str_eq(g.text, expected);
    }
}
END_TEST

/* ---- precedence --------------------------------------------------------------------------------- */

static void expect_setting(argo_config *c, const char *key, const char *value, const char *source)
{
    const struct argo_setting *s;
    for (size_t i = 0; (s = argo_config_at(c, i)) != NULL; i++) {
        if (strcmp(s->key, key) == 0) {
            ck_assert_str_eq(s->value, value);
            ck_assert_str_eq(s->source, source);
            ck_assert_int_eq(s->given, strcmp(source, "built-in") != 0);
            ck_assert_str_eq(argo_config_get(c, key), value);
            return;
        }
    }
    ck_abort_msg("no %s", key);
}

static void expect(const char *directory, const char *value, const char *source)
{
    argo_config *c = NULL;
    AG_AUTO(argo_error) err = NULL;
    ck_assert_msg(argo_config_new(ctx, directory, &c, &err) == 0, "%s", argo_error_details(err));
    expect_setting(c, "ARGO_DAEMON_PORT", value, source);
    argo_config_free(c);
}

static const char *line_of(const char *path, unsigned line)
{
    static char text[600];
    snprintf(text, sizeof(text), "%s:%u", path, line);
    return text;
}

START_TEST(the_nearer_wins)
{
    expect(dir, "9876", "built-in");
    put(in_home("config"), "# mine\nARGO_DAEMON_PORT=1\n");
    expect(dir, "1", line_of(in_home("config"), 2));
    put(in_dir(".env.argo"), "ARGO_DAEMON_PORT=2\n");
    expect(dir, "2", line_of(in_dir(".env.argo"), 1));
    put(in_dir(".env.argo.local"), "ARGO_DAEMON_PORT=3\n");
    expect(dir, "3", line_of(in_dir(".env.argo.local"), 1));
    expect(NULL, "1", line_of(in_home("config"), 2)); /* as the daemon reads */
    setenv("ARGO_DAEMON_PORT", "4", 1);
    expect(dir, "4", "environment");
    argo_config *c = NULL;
    ck_assert_int_eq(argo_config_new(ctx, dir, &c, NULL), 0);
    ck_assert_int_eq(argo_config_set(c, "ARGO_DAEMON_PORT", "0", NULL), 0);
    expect_setting(c, "ARGO_DAEMON_PORT", "0", "command line");
    argo_config_free(c);
    setenv("ARGO_DAEMON_PORT", "", 1); /* says nothing */
    expect(dir, "3", line_of(in_dir(".env.argo.local"), 1));
}
END_TEST

static int load(argo_error **err)
{
    argo_config *c = NULL;
    int r = argo_config_new(ctx, dir, &c, err);
    argo_config_free(c);
    return r;
}

START_TEST(bad_values_are_named)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"ARGO_DAEMON_PORT=abc", "config:1: ARGO_DAEMON_PORT is 'abc', expected a number from 0"},
        {"ARGO_DAEMON_PORT=65536", "expected a number from 0 to 65535"},
        {"ARGO_DAEMON_PORT=-1", "expected a number"},
        {"ARGO_OUTPUT_MAX=2097151", "expected a number from 2097152"},
        {"ARGO_NO_TCP=yes", "expected 0 or 1"},
        {"ARGO_LOG_LEVEL=loud", "expected error, warning, info or debug"},
        {"ARGO_DEFAULT_PROVIDER=a b", "expected the name of a CI"},
        {"ARGO_DEAMON_PORT=1", "did you mean 'ARGO_DAEMON_PORT'?"},
        {"ARGO_HOME=/x", "there is no setting 'ARGO_HOME'"},
        {"ARGO_NO_TCP=1\nARGO_NO_TCP=1", "config:2: ARGO_NO_TCP is set a second time"},
    };

    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        AG_AUTO(argo_error) err = NULL;
        put(in_home("config"), cases[i].line);
        ck_assert_msg(load(&err) == ARGO_E_INVALID, "%s", cases[i].line);
        ck_assert_msg(strstr(argo_error_details(err), cases[i].says) != NULL, "%s",
                      argo_error_details(err));
    }
    put(in_home("config"), "ARGO_DAEMON_PORT=65535\nARGO_OUTPUT_MAX=2097152\nARGO_NO_TCP=0\n");
    ck_assert_int_eq(load(NULL), 0);
    AG_AUTO(argo_error) err = NULL;
    setenv("ARGO_LOG_LEVEL", "loud", 1);
    ck_assert_int_eq(load(&err), ARGO_E_INVALID);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "environment: ARGO_LOG_LEVEL"));
}
END_TEST

START_TEST(the_homes_file_is_private)
{
    AG_AUTO(argo_error) err = NULL;
    put(in_home("config"), "ARGO_DAEMON_PORT=1\n");
    ck_assert_int_eq(chmod(in_home("config"), 0640), 0);
    ck_assert_int_eq(load(&err), ARGO_E_DENIED);
    ck_assert_int_eq(chmod(in_home("config"), 0600), 0);
    ck_assert_int_eq(load(NULL), 0);
}
END_TEST

/* ---- the directory's files ---------------------------------------------------------------------- */

static void trust(const char *path)
{
    char hash[AG_SHA256_HEX];
    ag_auto_free char *text = NULL;
    size_t len = 0;
    ag_auto_free char *real = realpath(path, NULL);
    ck_assert_int_eq(ag_file_read(real, 65536, &text, &len, NULL), 0);
    ag_sha256_hex(text, len, hash);
    ck_assert_int_ge(ag_trust_put(home, real, hash, NULL), 0);
}

START_TEST(a_directory_may_say_little)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(argo_error) changed = NULL;
    put(in_dir(".env.argo"),
        "ARGO_DAEMON_PORT=1\nARGO_DEFAULT_PROVIDER=local\nARGO_DEFAULT_MODEL=m\n");
    ck_assert_int_eq(load(NULL), 0);
    put(in_dir(".env.argo"), "ARGO_DAEMON_PORT=1\nARGO_DAEMON_URL=http://127.0.0.1:1\n");
    ck_assert_int_eq(load(&err), ARGO_E_UNTRUSTED);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), ".env.argo:2: ARGO_DAEMON_URL"));
    trust(in_dir(".env.argo"));
    ck_assert_int_eq(load(NULL), 0);
    put(in_dir(".env.argo"), "ARGO_DAEMON_URL=http://127.0.0.1:2\n");
    ck_assert_int_eq(load(&changed), ARGO_E_UNTRUSTED);
    ck_assert_ptr_nonnull(strstr(argo_error_details(changed), "has changed"));
}
END_TEST

START_TEST(trust_is_of_one_content)
{
    enum ag_trust is = AG_TRUST_GIVEN;
    char hash[AG_SHA256_HEX];
    ag_sha256_hex("x", 1, hash);
    ck_assert_int_eq(ag_trust_look(home, "/a", "x", 1, &is, NULL), 0);
    ck_assert_int_eq(is, AG_TRUST_NONE);
    ck_assert_int_eq(ag_trust_put(home, "/a", hash, NULL), 0);
    ck_assert_int_eq(ag_trust_put(home, "/a", hash, NULL), 1);
    ck_assert_int_eq(ag_trust_put(home, "/b", hash, NULL), 0);
    ck_assert_int_eq(ag_trust_look(home, "/a", "x", 1, &is, NULL), 0);
    ck_assert_int_eq(is, AG_TRUST_GIVEN);
    ck_assert_int_eq(ag_trust_look(home, "/a", "y", 1, &is, NULL), 0);
    ck_assert_int_eq(is, AG_TRUST_CHANGED);
    ck_assert_int_eq(ag_trust_put(home, "/a", NULL, NULL), 0);
    ck_assert_int_eq(ag_trust_put(home, "/a", NULL, NULL), 1);
    ck_assert_int_eq(ag_trust_look(home, "/a", "x", 1, &is, NULL), 0);
    ck_assert_int_eq(is, AG_TRUST_NONE);
    ck_assert_int_eq(ag_trust_look(home, "/b", "x", 1, &is, NULL), 0);
    ck_assert_int_eq(is, AG_TRUST_GIVEN);
}
END_TEST

START_TEST(a_damaged_record_trusts_nothing)
{
    static const char *const texts[] = {"nonsense\n", "abc  /a\n", "\n"};
    enum ag_trust is = AG_TRUST_GIVEN;
    for (size_t i = 0; i < AG_ARRAY_SIZE(texts); i++) {
        AG_AUTO(argo_error) err = NULL;
        put(in_home("trust"), texts[i]);
        ck_assert_int_eq(ag_trust_look(home, "/a", "x", 1, &is, &err), ARGO_E_CORRUPT);
        ck_assert_ptr_nonnull(strstr(argo_error_details(err), "trust:1:"));
        ck_assert_int_eq(ag_trust_put(home, "/a", NULL, NULL), ARGO_E_CORRUPT);
    }
    ck_assert_int_eq(chmod(in_home("trust"), 0644), 0);
    ck_assert_int_eq(ag_trust_look(home, "/a", "x", 1, &is, NULL), ARGO_E_DENIED);
}
END_TEST

START_TEST(so_many_files_and_no_more)
{
    char hash[AG_SHA256_HEX], path[32];
    ag_auto_buf all = AG_BUF_INIT(1 << 20);
    ag_sha256_hex("x", 1, hash);
    for (int i = 0; i < 999; i++) {
        ag_buf_printf(&all, "%s  /f%d\n", hash, i);
    }
    put(in_home("trust"), ag_buf_text(&all));
    ck_assert_int_eq(ag_trust_put(home, "/f999", hash, NULL), 0);
    snprintf(path, sizeof(path), "/f%d", 1000);
    ck_assert_int_eq(ag_trust_put(home, path, hash, NULL), ARGO_E_QUOTA);
    ag_sha256_hex("y", 1, hash);
    ck_assert_int_eq(ag_trust_put(home, "/f5", hash, NULL), 0); /* another content of a known one */
}
END_TEST

/* ---- writing ------------------------------------------------------------------------------------ */

static void expect_file(const char *text)
{
    ag_auto_free char *got = NULL;
    ck_assert_int_eq(ag_file_read_private(in_home("config"), 65536, &got, NULL), 0);
    ck_assert_str_eq(got, text);
}

START_TEST(the_homes_file_is_written)
{
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_PARK_AFTER", "5", NULL), 0);
    expect_file("ARGO_PARK_AFTER=5\n");
    put(in_home("config"), "# first\nARGO_PARK_AFTER=5 # note\n# last");
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_PARK_AFTER", "6", NULL), 0);
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_DEFAULT_MODEL", "a b", NULL), 0);
    expect_file("# first\nARGO_PARK_AFTER=6\n# last\nARGO_DEFAULT_MODEL=\"a b\"\n");
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_PARK_AFTER", NULL, NULL), 0);
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_LOG_LEVEL", NULL, NULL), 0);
    expect_file("# first\n# last\nARGO_DEFAULT_MODEL=\"a b\"\n");
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_PARK_AFTER", "x", NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_PARK_AFTER", "", NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_DEFAULT_MODEL", "a\nb", NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_X", "1", NULL), ARGO_E_INVALID);
    expect_file("# first\n# last\nARGO_DEFAULT_MODEL=\"a b\"\n");
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_X", NULL, &err), ARGO_E_INVALID);
}
END_TEST

START_TEST(a_wrong_line_is_mended_and_no_other)
{
    put(in_home("config"),
        "nonsense\nARGO_PARK_AFTER=abc\nARGO_PARK_AFTERS=1\n ARGO_PARK_AFTER = 4\n"
        "export ARGO_LOG_LEVEL=x\n#ARGO_LOG_LEVEL=\"\nARGO_TYPO=\"1\n");
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_PARK_AFTER", "5", NULL), 0);
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_LOG_LEVEL", "debug", NULL), 0);
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_TYPO", "1", NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_TYPO", NULL, NULL), 0);
    expect_file("nonsense\nARGO_PARK_AFTER=5\nARGO_PARK_AFTERS=1\n"
                "ARGO_LOG_LEVEL=debug\n#ARGO_LOG_LEVEL=\"\n");
    ck_assert_int_eq(argo_config_store(ctx, "ARGO_PARK_AFTERS", NULL, NULL), 0);
    ck_assert_int_eq(argo_config_store(ctx, "nonsense", NULL, NULL), ARGO_E_INVALID);
    expect_file("nonsense\nARGO_PARK_AFTER=5\nARGO_LOG_LEVEL=debug\n#ARGO_LOG_LEVEL=\"\n");
}
END_TEST

START_TEST(misuse_is_refused)
{
    argo_config *c = NULL;
    ck_assert_int_eq(argo_config_new(NULL, NULL, &c, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_config_set(NULL, "ARGO_X", "1", NULL), ARGO_E_INVALID);
    ck_assert_int_eq(argo_config_store(NULL, "ARGO_X", "1", NULL), ARGO_E_INVALID);
    ck_assert_ptr_null(argo_config_get(NULL, "ARGO_X"));
    ck_assert_ptr_null(argo_config_at(NULL, 0));
    argo_config_free(NULL);
}
END_TEST

static Suite *config_suite(void)
{
    Suite *s = suite_create("config");
    TCase *tc = tcase_create("config");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, lines_are_read);
    tcase_add_test(tc, what_is_no_line_is_refused);
    tcase_add_test(tc, what_is_quoted_is_read_again);
    tcase_add_test(tc, the_nearer_wins);
    tcase_add_test(tc, bad_values_are_named);
    tcase_add_test(tc, the_homes_file_is_private);
    tcase_add_test(tc, a_directory_may_say_little);
    tcase_add_test(tc, trust_is_of_one_content);
    tcase_add_test(tc, a_damaged_record_trusts_nothing);
    tcase_add_test(tc, so_many_files_and_no_more);
    tcase_add_test(tc, the_homes_file_is_written);
    tcase_add_test(tc, a_wrong_line_is_mended_and_no_other);
    tcase_add_test(tc, misuse_is_refused);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(config_suite)
