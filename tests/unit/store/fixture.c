/*
 * The fixture of the store's tests: see fixture.h.
 */
#include "fixture.h"

#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const struct ag_driver *const fixture_drivers[] = {&ag_sqlite_driver};
const int fixture_driver_count = AG_ARRAY_SIZE(fixture_drivers);

struct fixture fx;

static struct ag_driver faulty;
static const struct ag_driver *real;
static atomic_bool hold;
static atomic_int failing;
static atomic_int page_limit;
static sem_t held, gate;

static int faulty_open(const char *place, bool writer, struct ag_db **out, argo_error **err)
{
    int rc = real->open(place, writer, out, err);
    int limit = atomic_load(&page_limit);
    if (rc == 0 && writer && limit > 0) {
        ag_auto_free char *sql = ag_asprintf("PRAGMA max_page_count = %d", limit);
        rc = real->define(*out, sql, err);
    }
    return rc;
}

static int faulty_begin(struct ag_db *db, argo_error **err)
{
    if (atomic_load(&hold)) {
        sem_post(&held);
        sem_wait(&gate);
    }
    return real->begin(db, err);
}

static int faulty_commit(struct ag_db *db, argo_error **err)
{
    int left = atomic_load(&failing);
    if (left > 0) {
        atomic_store(&failing, left - 1);
        return ag_error_set(err, ARGO_E_STORE, "the disk said no");
    }
    return real->commit(db, err);
}

void fixture_setup(void)
{
    memset(&fx, 0, sizeof(fx));
    strcpy(fx.dir, "/tmp/argo-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fx.dir));
    snprintf(fx.path, sizeof(fx.path), "%s/argo.db", fx.dir);
    ck_assert_int_eq(ag_loop_new(&fx.loop, NULL), 0);
    sem_init(&held, 0, 0);
    sem_init(&gate, 0, 0);
    atomic_store(&hold, false);
    atomic_store(&failing, 0);
    atomic_store(&page_limit, 0);
}

void fixture_teardown(void)
{
    fixture_close();
    ag_loop_free(fx.loop);
    ag_auto_free char *command = ag_asprintf("rm -rf %s", fx.dir);
    ck_assert_int_eq(system(command), 0);
}

static void on_failed(void *user)
{
    fx.failed++;
}

void fixture_open(int driver)
{
    AG_AUTO(argo_error) err = NULL;
    real = fixture_drivers[driver];
    faulty = *real;
    faulty.open = faulty_open;
    faulty.begin = faulty_begin;
    faulty.commit = faulty_commit;
    const struct ag_store_config config = {
        .loop = fx.loop, .path = fx.path, .driver = &faulty, .failed = on_failed};
    int rc = ag_store_open(&config, &fx.store, &err);
    ck_assert_msg(rc == 0, "open: %s", argo_error_details(err));
}

void fixture_close(void)
{
    ag_store_close(fx.store);
    fx.store = NULL;
}

void fixture_hold(void)
{
    atomic_store(&hold, true);
}

void fixture_await_held(void)
{
    sem_wait(&held);
}

void fixture_let_go(void)
{
    atomic_store(&hold, false);
    sem_post(&gate);
}

void fixture_fail_commits(int n)
{
    atomic_store(&failing, n);
}

void fixture_limit_pages(int n)
{
    atomic_store(&page_limit, n);
}

void fixture_dispatch_until(const int *counter, int n)
{
    while (*counter < n) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
}

struct outcome {
    int called;
    int code;
};

static void committed(const argo_error *err, void *user)
{
    struct outcome *outcome = user;
    outcome->called++;
    outcome->code = argo_error_code(err);
}

int fixture_commit(ag_txn *t)
{
    struct outcome outcome = {0};
    ag_txn_commit(t, committed, &outcome);
    ck_assert_int_eq(outcome.called, 0);
    fixture_dispatch_until(&outcome.called, 1);
    return outcome.code;
}

ag_value *json(const char *text)
{
    ag_value *v = NULL;
    ck_assert_int_eq(ag_value_parse(text, strlen(text), &v, NULL), 0);
    return v;
}

int64_t fixture_add_run(const char *id, const char *template_name, int state)
{
    struct ag_run run = {.rid = ag_store_next_rid(fx.store), .state = state};
    struct ag_run_spec spec = {0};
    ag_auto_free char *own_id = ag_strdup(id);
    ag_auto_free char *own_template = ag_strdup(template_name);
    run.workflow_id = own_id;
    run.template_name = own_template;
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_add_run(t, &run, &spec);
    ck_assert_int_eq(fixture_commit(t), 0);
    return run.rid;
}

static int show_run(struct ag_run *run, void *user)
{
    ag_buf_printf(user, "run:%s=%s ", run->workflow_id, ag_run_state_words[run->state]);
    return 0;
}

static int show_flight(int64_t rid, const struct ag_step_row *row, void *user)
{
    ck_assert_str_eq(row->step, row->path);
    ag_buf_printf(user, "flight:%d/%s@%d%s+%d ", (int)rid, row->path, (int)row->attempt,
                  row->repeat_never ? "!" : "", (int)row->until);
    return 0;
}

static int show_question(int64_t rid, struct ag_question *q, void *user)
{
    ag_buf_printf(user, "question:%d/%s ", (int)rid, q->question_id);
    return 0;
}

static int show_line(int64_t rid, int64_t seq, const char *text, void *user)
{
    ag_buf_printf(user, "line:%d/%d/%s ", (int)rid, (int)seq, text);
    return 0;
}

static void show_damage(int64_t rid, const argo_error *why, void *user)
{
    ag_buf_printf(user, "damaged:%d(%s) ", (int)rid, argo_error_details(why));
}

const char *fixture_live(void)
{
    static char text[64 * 1024];
    static const struct ag_live_reader reader = {show_run, show_flight, show_question, show_line,
                                                 show_damage};
    ag_auto_buf shown = AG_BUF_INIT(sizeof(text) - 1);
    ck_assert_int_eq(ag_store_live(fx.store, &reader, &shown, NULL), 0);
    snprintf(text, sizeof(text), "%s", ag_buf_text(&shown));
    return text;
}

int fixture_exec(const char *sql)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(fx.path, &db), SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return rc;
}
