/*
 * Opening: creation, migrations, every kind of damage, repair. SQLite's own, not conformance.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "fixture.h"
#include "store/schema.h"

static char *name_of(const char *suffix)
{
    return ag_asprintf("%s%s", fx.path, suffix);
}

static int64_t size_of(const char *suffix)
{
    ag_auto_free char *name = name_of(suffix);
    struct stat st;
    return stat(name, &st) == 0 ? (int64_t)st.st_size : -1;
}

static void write_at(int64_t offset, const void *data, size_t len)
{
    ag_auto_close int fd = open(fx.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(pwrite(fd, data, len, offset), (ssize_t)len);
}

/* Opens what must be refused: the file stays as it is, and the text says what to do. */
static void assert_refused(int code, const char *words)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *before = NULL;
    ag_auto_free char *after = NULL;
    size_t len_before = 0, len_after = 0;
    bool exists = ag_file_exists(fx.path);
    if (exists) {
        ck_assert_int_eq(ag_file_read(fx.path, 1 << 28, &before, &len_before, NULL), 0);
    }
    const struct ag_store_config config = {.loop = fx.loop, .path = fx.path};
    ck_assert_int_eq(ag_store_open(&config, &fx.store, &err), code);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), fx.path));
    ck_assert_msg(strstr(argo_error_details(err), words) != NULL, "%s", argo_error_details(err));
    ck_assert_int_eq(ag_file_exists(fx.path), exists);
    if (exists) {
        ck_assert_int_eq(ag_file_read(fx.path, 1 << 28, &after, &len_after, NULL), 0);
        ck_assert_uint_eq(len_before, len_after);
        ck_assert_int_eq(memcmp(before, after, len_before), 0);
    }
}

#define REPAIR "argo-daemon --repair"

/* N runs with variables and records, so that the file has many pages. */
static void fill(int n)
{
    fixture_open(0);
    ag_auto_free char *text = calloc(1, 1001);
    memset(text, 'x', 1000);
    ag_txn *t = ag_txn_new(fx.store);
    for (int i = 0; i < n; i++) {
        char id[32];
        snprintf(id, sizeof(id), "run_%d", i);
        struct ag_run run = {
            .rid = ag_store_next_rid(fx.store), .workflow_id = id, .state = AG_RUN_RUNNING};
        struct ag_run_spec spec = {.definition = text};
        ag_txn_add_run(t, &run, &spec);
        for (int seq = 1; seq <= 5; seq++) {
            struct ag_stream_record rec = {.seq = seq, .text = text};
            ag_txn_add_record(t, run.rid, &rec);
        }
    }
    ck_assert_int_eq(fixture_commit(t), 0);
}

/* The files as a crash would leave them: copied aside while the store is open, put back. */
static void crash(void)
{
    ag_auto_free char *command =
        ag_asprintf("cd %s && mkdir c && cp argo.db argo.db-wal c && sync", fx.dir);
    ag_auto_free char *back = ag_asprintf("cd %s && rm -f argo.db* && mv c/* . && rmdir c", fx.dir);
    ck_assert_int_eq(system(command), 0);
    fixture_close();
    ck_assert_int_eq(system(back), 0);
}

static int live_runs(void)
{
    int n = 0;
    const char *text = fixture_live();
    ck_assert_msg(strstr(text, "damaged:") == NULL, "%s", text);
    while ((text = strstr(text, "run:")) != NULL) {
        text++;
        n++;
    }
    return n;
}

START_TEST(a_new_file_is_private)
{
    mode_t before = umask(0);
    fixture_open(0);
    umask(before);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < AG_ARRAY_SIZE(suffixes); i++) {
        struct stat st;
        ag_auto_free char *name = name_of(suffixes[i]);
        ck_assert_int_eq(stat(name, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
    }
    fixture_close();
    ck_assert_int_eq(size_of("-wal"), -1);
}
END_TEST

START_TEST(an_empty_file_is_new)
{
    write_at(0, "", 0);
    fixture_open(0);
    ck_assert_int_eq(live_runs(), 0);
}
END_TEST

START_TEST(a_crash_loses_nothing)
{
    fill(50);
    crash();
    ck_assert_int_gt(size_of("-wal"), 0);
    fixture_open(0);
    ck_assert_int_eq(live_runs(), 50);
}
END_TEST

START_TEST(damaged_files_are_refused)
{
    write_at(0, "this is no database at all, whoever wrote it", 40);
    assert_refused(ARGO_E_CORRUPT, REPAIR);
    fixture_close();
    unlink(fx.path);

    fill(50);
    fixture_close();
    write_at(0, "SQLite format 4", 15);
    assert_refused(ARGO_E_CORRUPT, REPAIR);
    write_at(0, "SQLite format 3", 15);
    char zeros[3000] = {0};
    write_at(100, zeros, sizeof(zeros)); /* the table of contents */
    assert_refused(ARGO_E_CORRUPT, REPAIR);
}
END_TEST

START_TEST(truncated_files_are_refused)
{
    fill(50);
    fixture_close();
    int64_t size = size_of("");
    ck_assert_int_eq(truncate(fx.path, size - 4096), 0);
    assert_refused(ARGO_E_CORRUPT, REPAIR);
    ck_assert_int_eq(truncate(fx.path, 50), 0);
    assert_refused(ARGO_E_CORRUPT, REPAIR);
}
END_TEST

START_TEST(a_truncated_file_with_a_log_is_refused)
{
    fill(50);
    fixture_close(); /* all in the file */
    fixture_open(0);
    fixture_add_run("last", "t", AG_RUN_RUNNING); /* in the log */
    crash();
    ck_assert_int_eq(truncate(fx.path, 4096 * 30), 0);
    assert_refused(ARGO_E_CORRUPT, REPAIR);
    ck_assert_int_eq(truncate(fx.path, 0), 0);
    assert_refused(ARGO_E_CORRUPT, REPAIR);
    unlink(fx.path);
    assert_refused(ARGO_E_CORRUPT, REPAIR);
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
    fixture_open(0);
    fixture_close();
    ck_assert_int_eq(fixture_exec("UPDATE meta SET value = '99'"), 0);
    assert_refused(ARGO_E_STATE, "newer Argo (schema 99");
    ck_assert_int_eq(fixture_exec("UPDATE meta SET value = 'x'"), 0);
    assert_refused(ARGO_E_STATE, "no Argo store");
}
END_TEST

START_TEST(a_foreign_database_is_refused)
{
    ck_assert_int_eq(fixture_exec("CREATE TABLE photos (x)"), 0);
    assert_refused(ARGO_E_STATE, "no Argo store");
}
END_TEST

/* ---- migrations ---------------------------------------------------------------------------- */

static const char *const one[] = {"CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT)",
                                  "CREATE TABLE a (x INTEGER PRIMARY KEY)", NULL};
static const char *const two[] = {"ALTER TABLE a ADD COLUMN y TEXT", NULL};
static const char *const bad[] = {"CREATE TABLE b (x INTEGER PRIMARY KEY)", "CREATE nonsense",
                                  NULL};

START_TEST(migrations_run_in_order_and_whole_or_not_at_all)
{
    static const struct ag_migration good[] = {{one}, {two}};
    static const struct ag_migration broken[] = {{one}, {two}, {bad}};
    struct ag_db *db = NULL;
    int64_t version = -1;
    ck_assert_int_eq(ag_sqlite_driver.open(fx.path, true, &db, NULL), 0);
    ck_assert_int_eq(ag_schema_read_version(db, fx.path, &version, NULL), 0);
    ck_assert_int_eq(version, 0);
    ck_assert_int_eq(ag_schema_migrate(db, fx.path, good, 1, NULL), 0);
    ck_assert_int_eq(ag_sqlite_driver.define(db, "INSERT INTO a VALUES (1)", NULL), 0);
    ck_assert_int_eq(ag_schema_migrate(db, fx.path, good, 2, NULL), 0);
    ck_assert_int_eq(ag_schema_migrate(db, fx.path, good, 2, NULL), 0); /* nothing to do */
    ck_assert_int_eq(ag_sqlite_driver.define(db, "UPDATE a SET y = 'z' WHERE x = 1", NULL), 0);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_lt(ag_schema_migrate(db, fx.path, broken, 3, &err), 0);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "from schema 2 to 3"));
    ck_assert_int_eq(ag_schema_read_version(db, fx.path, &version, NULL), 0);
    ck_assert_int_eq(version, 2);
    ck_assert_int_lt(ag_sqlite_driver.define(db, "INSERT INTO b VALUES (1)", NULL), 0);
    ck_assert_int_eq(ag_schema_migrate(db, fx.path, good, 1, NULL), ARGO_E_STATE);
    ag_sqlite_driver.close(db);
}
END_TEST

/* ---- rot and repair ------------------------------------------------------------------------ */

START_TEST(one_rotten_row_costs_one_run)
{
    fill(3);
    fixture_close();
    ck_assert_int_eq(fixture_exec("UPDATE runs SET result = '{\"a\":' WHERE rid = 2"), 0);
    ck_assert_int_eq(fixture_exec("UPDATE run_specs SET nonce = CAST(x'ff41' AS TEXT) "
                                  "WHERE rid = 3"),
                     0);
    fixture_open(0);
    ck_assert_str_eq(
        fixture_live(),
        "run:run_0=running damaged:2(run 2: table 'runs', column "
        "'result': line 1, column 5: unexpected token near end of file) run:run_2=running ");
    AG_AUTO(argo_error) err = NULL;
    struct ag_run run;
    ck_assert_int_eq(ag_store_run(fx.store, "run_1", &run, &err), ARGO_E_CORRUPT);
    ck_assert_ptr_null(run.workflow_id);
    struct ag_run_spec spec;
    ck_assert_int_eq(ag_store_run_spec(fx.store, 3, &spec, &err), ARGO_E_CORRUPT);
    ck_assert_str_eq(argo_error_details(err),
                     "run 3: table 'run_specs', column 'nonce': expected text in UTF-8");
}
END_TEST

static int list_name(const struct ag_ci *ci, void *user)
{
    ag_buf_printf(user, "%s ", ci->name);
    return 0;
}

static int list_any(struct ag_ci *ci, void *user)
{
    return list_name(ci, user);
}

START_TEST(one_rotten_row_costs_one_ci)
{
    fill(1);
    fixture_close();
    ck_assert_int_eq(fixture_exec("INSERT INTO cis (name, port, last_heartbeat) VALUES "
                                  "('a', 0, 0), ('b', 'x', 0), ('c', 0, 0)"),
                     0);
    fixture_open(0);
    ag_auto_buf names = AG_BUF_INIT(100);
    struct ag_ci ci = {0};
    ck_assert_int_eq(ag_store_cis(fx.store, list_name, &names, NULL), 0);
    ck_assert_int_eq(ag_store_all_cis(fx.store, list_any, &names, NULL), 0);
    ck_assert_str_eq(ag_buf_text(&names), "a c a c ");
    ck_assert_int_eq(ag_store_ci(fx.store, "b", &ci, NULL), ARGO_E_CORRUPT);
}
END_TEST

static void repair(struct ag_buf *report)
{
    AG_AUTO(argo_error) err = NULL;
    int rc = ag_store_repair(NULL, fx.path, report, &err);
    ck_assert_msg(rc == 0, "%s", argo_error_details(err));
    ag_auto_free char *left =
        ag_asprintf("ls %s | grep -v -e '^argo.db$' -e '^argo.db.damaged-'", fx.dir);
    ck_assert_int_ne(system(left), 0); /* nothing else is left behind */
}

START_TEST(repair_of_a_sound_file_keeps_everything)
{
    fill(100);
    crash(); /* also what is in the log */
    ag_auto_buf report = AG_BUF_INIT(10000);
    repair(&report);
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), "runs: 100 rows kept\n"));
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), "records: 500 rows kept\n"));
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), ".damaged-1\n"));
    fixture_open(0);
    ck_assert_int_eq(live_runs(), 100);
}
END_TEST

START_TEST(repair_saves_what_can_be_read)
{
    fill(200);
    fixture_close();
    char rubbish[4096];
    memset(rubbish, 0xa5, sizeof(rubbish));
    int64_t pages = size_of("") / 4096;
    for (int64_t p = 60; p < pages; p += 60) {
        write_at(p * 4096, rubbish, sizeof(rubbish));
    }
    ag_auto_buf report = AG_BUF_INIT(10000);
    repair(&report);
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), "part of the table cannot be read"));
    ck_assert_int_gt(size_of(".damaged-1"), 0);
    fixture_open(0);
    ck_assert_int_ge(live_runs(), 150);
    ck_assert_int_eq(fixture_add_run("new", "t", AG_RUN_QUEUED) > 0, 1);
}
END_TEST

START_TEST(repair_replaces_a_lost_first_page)
{
    fill(100);
    fixture_close();
    char rubbish[4096];
    memset(rubbish, 0x5a, sizeof(rubbish));
    write_at(0, rubbish, sizeof(rubbish));
    ag_auto_buf report = AG_BUF_INIT(10000);
    repair(&report);
    fixture_open(0);
    ck_assert_int_eq(live_runs(), 100);
    fixture_close();
    /* A second repair keeps a second copy. */
    repair(&report);
    ck_assert_int_gt(size_of(".damaged-2"), 0);
}
END_TEST

START_TEST(repair_takes_what_a_log_without_its_file_has)
{
    fill(50);
    crash();
    unlink(fx.path);
    assert_refused(ARGO_E_CORRUPT, REPAIR);
    int64_t log = size_of("-wal");
    ag_auto_buf report = AG_BUF_INIT(10000);
    repair(&report);
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), "runs: 50 rows kept\n"));
    ck_assert_int_eq(size_of(".damaged-1"), 0);
    ck_assert_int_eq(size_of(".damaged-1-wal"), log);
    fixture_open(0);
    ck_assert_int_eq(live_runs(), 50);
}
END_TEST

static void go_back(const char *const *changes, size_t n, const char *version)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(fixture_exec(changes[i]), 0);
    }
    ag_auto_free char *sql =
        ag_asprintf("UPDATE meta SET value = '%s' WHERE name = 'schema_version'", version);
    ck_assert_int_eq(fixture_exec(sql), 0);
}

/* As a store of schema 2 left it. */
static void go_back_to_schema_2(void)
{
    static const char *const changes[] = {"ALTER TABLE cis DROP COLUMN session_id",
                                          "ALTER TABLE cis DROP COLUMN task",
                                          "ALTER TABLE cis DROP COLUMN unread",
                                          "ALTER TABLE cis DROP COLUMN removed",
                                          "ALTER TABLE cis DROP COLUMN history_seq",
                                          "ALTER TABLE cis DROP COLUMN message_seq",
                                          "DROP TABLE ci_history",
                                          "DROP TABLE ci_messages",
                                          "ALTER TABLE run_specs DROP COLUMN default_provider",
                                          "ALTER TABLE run_specs DROP COLUMN default_model",
                                          "ALTER TABLE questions DROP COLUMN usage"};
    go_back(changes, AG_ARRAY_SIZE(changes), "2");
}

/* And one of schema 1. */
static void go_back_to_schema_1(void)
{
    static const char *const changes[] = {
        "ALTER TABLE runs DROP COLUMN wake_at",         "ALTER TABLE runs DROP COLUMN paused_at",
        "ALTER TABLE runs DROP COLUMN paused_ms",       "ALTER TABLE runs DROP COLUMN trimmed_seq",
        "ALTER TABLE runs DROP COLUMN output_bytes",    "ALTER TABLE runs DROP COLUMN config",
        "ALTER TABLE records DROP COLUMN data",         "ALTER TABLE steps DROP COLUMN until",
        "ALTER TABLE sessions DROP COLUMN description", "ALTER TABLE runs DROP COLUMN message_seq",
        "ALTER TABLE runs DROP COLUMN lines_seq"};
    go_back_to_schema_2();
    go_back(changes, AG_ARRAY_SIZE(changes), "1");
}

START_TEST(an_older_schema_is_migrated)
{
    fill(20);
    fixture_close();
    go_back_to_schema_1();
    fixture_open(0);
    ck_assert_int_eq(live_runs(), 20);
}
END_TEST

static void check_place(int64_t rid, int64_t lines_seq, int64_t wake_at)
{
    struct ag_run run = {0};
    ck_assert_int_eq(ag_store_run_by_rid(fx.store, rid, &run, NULL), 1);
    ck_assert_int_eq(run.lines_seq, lines_seq);
    ck_assert_int_eq(run.wake_at, wake_at);
    ag_run_clear(&run);
}

/* Which lines are used up, and until when a run is parked, stood with its questions. */
START_TEST(a_migration_takes_from_the_questions)
{
    fill(3);
    fixture_close();
    go_back_to_schema_1();
    ck_assert_int_eq(fixture_exec("UPDATE runs SET state = 'waiting', seq = 9"), 0);
    ck_assert_int_eq(
        fixture_exec("INSERT INTO questions (question_id, rid, kind, multiple, deadline, secret, "
                     "state, asked, answered, answer_seq) VALUES "
                     "('o', 1, 'text', 0, 500, 0, 'open', 0, 0, 0), "
                     "('p', 1, 'text', 0, 300, 0, 'open', 0, 0, 0), "
                     "('a', 2, 'choice', 0, 200, 0, 'answered', 0, 0, 4), "
                     "('b', 2, 'text', 0, 0, 1, 'answered', 0, 0, 7), "
                     "('interrupted-1', 2, 'choice', 0, 0, 0, 'answered', 0, 0, 8), "
                     "('c', 3, 'confirm', 0, 400, 0, 'open', 0, 0, 0)"),
        0);
    fixture_open(0);
    check_place(1, 9, 300);
    check_place(2, 4, 0);
    check_place(3, 0, 400);
}
END_TEST

static int check_registered(const struct ag_ci_event *event, void *user)
{
    int *n = user;
    ck_assert_int_eq(event->seq, 1);
    ck_assert_str_eq(event->kind, "registered");
    ck_assert_int_eq(event->at, 0); /* nobody knows */
    (*n)++;
    return 0;
}

static void check_old_ci(void)
{
    struct ag_ci ci;
    int n = 0;
    ck_assert_int_eq(ag_store_ci(fx.store, "old", &ci, NULL), 1);
    ck_assert_str_eq(ci.status, "registered");
    ck_assert_str_eq(ci.model, "m");
    ck_assert_int_eq(ci.last_heartbeat, 0);
    ck_assert_int_eq(ci.history_seq, 1);
    ag_record_clear(&ag_ci_record, &ci);
    ck_assert_int_eq(
        ag_store_ci_history(fx.store, "old", INT64_MAX, 10, check_registered, &n, NULL), 0);
    ck_assert_int_eq(n, 1);
}

static void add_old_ci(void)
{
    ck_assert_int_eq(fixture_exec("INSERT INTO cis (name, model, port, status, last_heartbeat) "
                                  "VALUES ('old', 'm', 0, 'whatever', 7)"),
                     0);
}

/* Nothing had been heard of a CI, whatever its status said. */
START_TEST(a_migration_takes_cis_for_registered)
{
    fill(1);
    fixture_close();
    go_back_to_schema_2();
    add_old_ci();
    fixture_open(0);
    check_old_ci();
}
END_TEST

START_TEST(repair_of_an_older_schema_keeps_everything)
{
    fill(20);
    fixture_close();
    if (_i == 1) {
        go_back_to_schema_1();
    } else {
        go_back_to_schema_2();
    }
    add_old_ci();
    ag_auto_buf report = AG_BUF_INIT(10000);
    repair(&report);
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), "runs: 20 rows kept\n"));
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), "cis: 1 rows kept\n"));
    ck_assert_ptr_null(strstr(ag_buf_text(&report), "cannot be read"));
    fixture_open(0);
    ck_assert_int_eq(live_runs(), 20);
    check_old_ci();
}
END_TEST

static int count_message(const struct ag_message *m, void *user)
{
    *(int64_t *)user += m->seq;
    return 0;
}

START_TEST(repair_keeps_what_belongs_to_cis)
{
    char name[] = "ci", type[] = "t", kind[] = "registered";
    struct ag_ci ci = {.name = name, .history_seq = 1, .message_seq = 2, .unread = 2};
    struct ag_ci_event event = {.seq = 1, .kind = kind};
    fixture_open(0);
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_ci(t, &ci);
    ag_txn_put_ci_event(t, name, &event);
    for (int64_t i = 1; i <= 2; i++) {
        struct ag_message m = {.type = type, .seq = i};
        ag_txn_put_ci_message(t, name, &m);
    }
    ck_assert_int_eq(fixture_commit(t), 0);
    fixture_close();
    ag_auto_buf report = AG_BUF_INIT(10000);
    repair(&report);
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), "ci_history: 1 rows kept\n"));
    ck_assert_ptr_nonnull(strstr(ag_buf_text(&report), "ci_messages: 2 rows kept\n"));
    int64_t sum = 0;
    fixture_open(0);
    ck_assert_int_eq(ag_store_ci_messages(fx.store, name, 0, 10, count_message, &sum, NULL), 0);
    ck_assert_int_eq(sum, 3);
}
END_TEST

START_TEST(repair_of_a_newer_schema_is_refused)
{
    fill(5);
    fixture_close();
    ck_assert_int_eq(fixture_exec("UPDATE meta SET value = '99'"), 0);
    ag_auto_buf report = AG_BUF_INIT(10000);
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_store_repair(NULL, fx.path, &report, &err), ARGO_E_STATE);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "newer Argo (schema 99"));
    assert_refused(ARGO_E_STATE, "newer Argo (schema 99"); /* it is as it was */
}
END_TEST

START_TEST(repair_of_rubbish_gives_an_empty_store_and_keeps_it)
{
    write_at(0, "rubbish", 7);
    ag_auto_buf report = AG_BUF_INIT(10000);
    repair(&report);
    ck_assert_int_eq(size_of(".damaged-1"), 7);
    fixture_open(0);
    ck_assert_int_eq(live_runs(), 0);
    fixture_close();
    unlink(fx.path);
    ck_assert_int_eq(ag_store_repair(NULL, fx.path, &report, NULL), ARGO_E_STATE);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("store-open");
    TCase *tc = tcase_create("open");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_new_file_is_private);
    tcase_add_test(tc, an_empty_file_is_new);
    tcase_add_test(tc, a_crash_loses_nothing);
    tcase_add_test(tc, damaged_files_are_refused);
    tcase_add_test(tc, truncated_files_are_refused);
    tcase_add_test(tc, a_truncated_file_with_a_log_is_refused);
    tcase_add_test(tc, a_newer_schema_is_refused);
    tcase_add_test(tc, a_foreign_database_is_refused);
    tcase_add_test(tc, migrations_run_in_order_and_whole_or_not_at_all);
    tcase_add_test(tc, one_rotten_row_costs_one_run);
    tcase_add_test(tc, one_rotten_row_costs_one_ci);
    tcase_add_test(tc, repair_of_a_sound_file_keeps_everything);
    tcase_add_test(tc, repair_saves_what_can_be_read);
    tcase_add_test(tc, repair_replaces_a_lost_first_page);
    tcase_add_test(tc, repair_takes_what_a_log_without_its_file_has);
    tcase_add_test(tc, an_older_schema_is_migrated);
    tcase_add_test(tc, a_migration_takes_from_the_questions);
    tcase_add_test(tc, a_migration_takes_cis_for_registered);
    tcase_add_loop_test(tc, repair_of_an_older_schema_keeps_everything, 1, 3);
    tcase_add_test(tc, repair_keeps_what_belongs_to_cis);
    tcase_add_test(tc, repair_of_a_newer_schema_is_refused);
    tcase_add_test(tc, repair_of_rubbish_gives_an_empty_store_and_keeps_it);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
