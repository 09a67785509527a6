/*
 * Secrets that have been deleted are in no file any more: SQLite's own, not conformance.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "fixture.h"

#define CANARY "canary-in-the-store"
#define MANY   60

static bool found_in(const char *suffix, int64_t rid)
{
    ag_auto_free char *words = ag_asprintf(CANARY "-%d ", (int)rid);
    ag_auto_free char *name = ag_asprintf("%s%s", fx.path, suffix);
    ag_auto_free char *bytes = NULL;
    size_t len = 0;
    if (!ag_file_exists(name)) {
        return false;
    }
    ck_assert_int_eq(ag_file_read(name, 1 << 28, &bytes, &len, NULL), 0);
    return memmem(bytes, len, words, strlen(words)) != NULL;
}

static bool found(int64_t rid)
{
    return found_in("", rid) || found_in("-wal", rid);
}

/* Of every length up to several pages, so that the tree is split and has pages that overflow. */
static void put_secrets(int64_t rid)
{
    for (int i = 0; i < MANY; i++) {
        ag_auto_free char *id = ag_asprintf("q-%d-%d", (int)rid, i);
        ag_auto_buf text = AG_BUF_INIT(1 << 20);
        for (int n = 0; n <= i * i / 6; n++) {
            ag_buf_printf(&text, CANARY "-%d ", (int)rid);
        }
        AG_AUTO(ag_value) answer = ag_value_text(ag_buf_text(&text));
        ag_txn *t = ag_txn_new(fx.store);
        ag_txn_put_secret(t, rid, id, answer);
        ck_assert_int_eq(fixture_commit(t), 0);
    }
}

static void forget(int64_t rid)
{
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_forget_secrets(t, rid);
    ck_assert_int_eq(fixture_commit(t), 0);
}

/* When the end is told of, they are gone; those of other runs are not. */
START_TEST(they_leave_the_files_with_the_commit)
{
    fixture_open(0);
    int64_t one = fixture_add_run("one", "t", AG_RUN_RUNNING);
    int64_t two = fixture_add_run("two", "t", AG_RUN_RUNNING);
    int64_t three = fixture_add_run("three", "t", AG_RUN_RUNNING);
    put_secrets(one);
    put_secrets(three);
    put_secrets(two);
    ck_assert(found(one));
    forget(one);
    ck_assert(!found(one));
    ck_assert(found(two) && found(three));
    forget(three);
    ck_assert(!found(three));
    ag_value *v = NULL;
    ck_assert_int_eq(ag_store_secret(fx.store, two, "q-2-1", &v, NULL), 1);
    ag_value_unref(v);
    forget(two);
    ck_assert(!found(two));
}
END_TEST

/* A reader that keeps the log as it was when the secrets were there. */
static sqlite3 *hold_the_log(void)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open_v2(fx.path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN; SELECT COUNT(*) FROM secrets", NULL, NULL, NULL),
                     SQLITE_OK);
    return db;
}

static void await_scrubbed(int64_t rid)
{
    while (found(rid)) { /* until the test's timeout */
        usleep(10 * 1000);
    }
}

START_TEST(a_reader_only_puts_it_off)
{
    fixture_open(0);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_RUNNING);
    put_secrets(rid);
    sqlite3 *db = hold_the_log();
    forget(rid);
    ck_assert(found(rid));
    sqlite3_close(db);
    await_scrubbed(rid);
}
END_TEST

START_TEST(the_next_start_makes_up_for_it)
{
    fixture_open(0);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_RUNNING);
    put_secrets(rid);
    sqlite3 *db = hold_the_log();
    forget(rid);
    ag_auto_free char *aside = ag_asprintf("cd %s && mkdir c && cp argo.db argo.db-wal c", fx.dir);
    ag_auto_free char *back = ag_asprintf("cd %s && rm -f argo.db* && mv c/* .", fx.dir);
    ck_assert_int_eq(system(aside), 0); /* as a crash would leave them */
    sqlite3_close(db);
    fixture_close();
    ck_assert_int_eq(system(back), 0);
    ck_assert(found(rid));
    fixture_open(0);
    await_scrubbed(rid);
    ck_assert_int_eq(ag_store_secret(fx.store, rid, "q-1-1", NULL, NULL), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("store-scrub");
    TCase *tc = tcase_create("scrub");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, they_leave_the_files_with_the_commit);
    tcase_add_test(tc, a_reader_only_puts_it_off);
    tcase_add_test(tc, the_next_start_makes_up_for_it);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
