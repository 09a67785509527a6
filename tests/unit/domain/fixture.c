/*
 * The fixture of the domain's tests: see fixture.h.
 */
#include "fixture.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "lib/tempdir.h"
#include "store/driver.h"

struct fixture fx;

static struct ag_driver faulty;
static atomic_int failing;

/* ---- the port ---------------------------------------------------------------------------------- */

static bool start_process(ag_launched_fn fn, void *fn_user)
{
    if (fx.fail_after_launch) {
        fixture_fail_commits(1);
    }
    return fn(fn_user, fx.next_pid++, 4711, NULL);
}

static void port_launch(void *user, const struct ag_run *run, const struct ag_run_spec *spec,
                        const char *token, ag_launched_fn fn, void *fn_user)
{
    AG_AUTO(argo_error) err = NULL;
    fx.launches++;
    fx.last_rid = run->rid;
    fx.last_epoch = run->epoch;
    snprintf(fx.last_token, sizeof(fx.last_token), "%s", token);
    ck_assert_ptr_nonnull(spec->definition);
    ck_assert_ptr_nonnull(spec->nonce);
    if (fx.hold_launches) {
        fx.launched = fn;
        fx.launched_user = fn_user;
    } else if (fx.refuse_launch) {
        ag_error_set(&err, ARGO_E_SPAWN, "no such program");
        ck_assert(!fn(fn_user, 0, 0, err));
    } else {
        ck_assert(start_process(fn, fn_user));
    }
}

bool fixture_let_launch(int code)
{
    AG_AUTO(argo_error) err = NULL;
    ag_launched_fn fn = fx.launched;
    fx.launched = NULL;
    ck_assert(fn != NULL);
    if (code == 0) {
        return start_process(fn, fx.launched_user);
    }
    ag_error_set(&err, code, "no such program");
    return fn(fx.launched_user, 0, 0, err);
}

static bool port_adopt(void *user, const struct ag_run *run, const char *nonce, int64_t *out_pid)
{
    if (nonce != NULL) {
        snprintf(fx.adopted_by, sizeof(fx.adopted_by), "%" PRId64 " %s", run->pid, nonce);
    }
    if (nonce != NULL && fx.newborn == run->rid) {
        *out_pid = run->pid;
        return true;
    }
    for (size_t i = 0; i < fx.n_alive; i++) {
        if (fx.alive[i] == run->rid) {
            fx.adoptions++;
            *out_pid = 5000 + run->rid;
            return true;
        }
    }
    return false;
}

static void port_end(void *user, const struct ag_run *run, const char *nonce,
                     void (*done)(void *user), void *done_user)
{
    fx.ends++;
    snprintf(fx.last_nonce, sizeof(fx.last_nonce), "%s", nonce == NULL ? "" : nonce);
    fx.end_done = done;
    fx.end_user = done_user;
    if (!fx.hold_ends) {
        fixture_let_end();
    }
}

static void port_stop(void *user, int64_t rid, const char *nonce,
                      void (*done)(const argo_error *err, void *user), void *done_user)
{
    AG_AUTO(argo_error) err = NULL;
    fx.stops++;
    fx.standing = rid;
    if (fx.refuse_stop) {
        ag_error_set(&err, ARGO_E_SIGNAL, "process 7 cannot be stopped");
    }
    done(err, done_user);
}

static void port_cont(void *user, int64_t rid, const char *nonce, int64_t paused_ms)
{
    fx.conts++;
    fx.standing = fx.standing == rid ? 0 : fx.standing;
    fx.paused_ms = paused_ms;
}

void fixture_let_end(void)
{
    void (*done)(void *) = fx.end_done;
    fx.end_done = NULL;
    ck_assert(done != NULL);
    done(fx.end_user);
}

void fixture_alive(int64_t rid)
{
    fx.alive[fx.n_alive++] = rid;
}

/* ---- the object -------------------------------------------------------------------------------- */

static int faulty_commit(struct ag_db *db, argo_error **err)
{
    int left = atomic_load(&failing);
    if (left > 0) {
        atomic_store(&failing, left - 1);
        return ag_error_set(err, ARGO_E_STORE, "the disk said no");
    }
    return ag_sqlite_driver.commit(db, err);
}

static void store_failed(void *user)
{
    ag_domain_reload(fx.domain);
}

void fixture_fail_commits(int n)
{
    atomic_store(&failing, n);
}

void fixture_open(void)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_store_config store = {.ctx = fx.ctx,
                                    .loop = fx.loop,
                                    .path = temp_path("argo.db"),
                                    .driver = &faulty,
                                    .failed = store_failed};
    ck_assert_msg(ag_store_open(&store, &fx.store, &err) == 0, "%s", argo_error_details(err));
    struct ag_domain_config config = {.ctx = fx.ctx,
                                      .loop = fx.loop,
                                      .store = fx.store,
                                      .launch = {.launch = port_launch,
                                                 .adopt = port_adopt,
                                                 .end = port_end,
                                                 .stop = port_stop,
                                                 .cont = port_cont},
                                      .output_max = FIXTURE_OUTPUT_MAX,
                                      .log_dir = fx.logs,
                                      .silence_ms = fx.silence_ms,
                                      .ci_silence_ms = fx.ci_silence_ms,
                                      .patience_ms = fx.patience_ms,
                                      .home_templates = fx.home,
                                      .installed_templates = fx.installed};
    ck_assert_msg(ag_domain_new(&config, &fx.domain, &err) == 0, "%s", argo_error_details(err));
}

void fixture_close(void)
{
    ag_domain_quiesce(fx.domain);
    ag_store_close(fx.store);
    ag_domain_free(fx.domain);
    fx.store = NULL;
    fx.domain = NULL;
}

const char *fixture_path(const char *name)
{
    return temp_path(name);
}

void fixture_setup(void)
{
    memset(&fx, 0, sizeof(fx));
    fx.next_pid = 1000;
    atomic_store(&failing, 0);
    faulty = ag_sqlite_driver;
    faulty.commit = faulty_commit;
    temp_dir_setup();
    snprintf(fx.home, sizeof(fx.home), "%s", temp_path("home"));
    snprintf(fx.installed, sizeof(fx.installed), "%s", temp_path("installed"));
    snprintf(fx.logs, sizeof(fx.logs), "%s", temp_path("logs"));
    ck_assert_int_eq(mkdir(fx.home, 0700), 0);
    ck_assert_int_eq(mkdir(fx.installed, 0700), 0);
    ck_assert_int_eq(argo_context_new(fx.home, &fx.ctx, NULL), 0);
    ck_assert_int_eq(ag_loop_new(&fx.loop, NULL), 0);
    fixture_open();
}

void fixture_teardown(void)
{
    if (fx.domain != NULL) {
        fixture_close();
    }
    ag_loop_free(fx.loop);
    argo_context_free(fx.ctx);
    temp_dir_teardown();
}

/* ---- waiting ----------------------------------------------------------------------------------- */

void note_outcome(const argo_error *err, void *user)
{
    struct outcome *o = user;
    o->called++;
    o->code = argo_error_code(err);
    ag_auto_free char *text = err == NULL ? NULL : ag_error_text(err);
    snprintf(o->text, sizeof(o->text), "%s", text == NULL ? "" : text);
}

int await(struct outcome *o)
{
    while (o->called == 0) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
    ck_assert_int_eq(o->called, 1);
    o->called = 0;
    return o->code;
}

void settle_all(void)
{
    for (int i = 0; i < 5; i++) {
        struct outcome o = {0};
        ag_txn_commit(ag_txn_new(fx.store), note_outcome, &o);
        (void)await(&o);
    }
}

/* ---- what executors and people do ---------------------------------------------------------------- */

ag_value *json(const char *text)
{
    ag_value *v = NULL;
    ck_assert_int_eq(ag_value_parse(text, strlen(text), &v, NULL), 0);
    return v;
}

int start_with(struct ag_start_request *request, const char *hash, int64_t *rid)
{
    static const char text[] = "workflow_name: one\n"
                               "description: one step\n"
                               "steps:\n"
                               "  - {step: say, type: display, message: hello, next_step: EXIT}\n";
    struct outcome o = {0};
    AG_AUTO(argo_error) err = NULL;
    bool own = request->definition == NULL && request->template_name == NULL;
    if (own) {
        request->definition = ag_value_text(text);
    }
    int r = ag_run_start(fx.domain, request, hash, rid, note_outcome, &o, &err);
    if (own) {
        ag_value_unref(ag_take(request->definition));
    }
    if (r >= 0) {
        int code = await(&o);
        return code < 0 ? code : r;
    }
    ck_assert_int_eq(argo_error_code(err), r);
    return r;
}

int64_t start_run(const char *id)
{
    ag_auto_free char *own = ag_strdup(id);
    struct ag_start_request request = {.workflow_id = own};
    int64_t rid = 0;
    ck_assert_int_eq(start_with(&request, "hash", &rid), 0);
    return rid;
}

int send_line(int64_t rid, const char *text, const char *key, struct outcome *o, int64_t *seq)
{
    ag_auto_free char *own = ag_strdup(text);
    ag_auto_free char *own_key = ag_strdup(key);
    struct ag_input_request input = {.input = own, .client_key = own_key};
    struct ag_answerer who = {"ann", "arc"};
    int64_t ignored = 0;
    return ag_run_input(fx.domain, rid, &input, &who, NULL, seq == NULL ? &ignored : seq,
                        note_outcome, o, NULL);
}

int send_answer(int64_t rid, const char *question_id, const char *json_answer, struct outcome *o)
{
    ag_auto_free char *id = ag_strdup(question_id);
    AG_AUTO(ag_value) answer = json(json_answer);
    struct ag_input_request input = {.question_id = id, .answer = answer};
    struct ag_answerer who = {"ann", "arc"};
    int64_t seq = 0;
    return ag_run_input(fx.domain, rid, &input, &who, NULL, &seq, note_outcome, o, NULL);
}

int ask(int64_t rid, int64_t epoch, const char *id, int kind, struct outcome *o)
{
    ag_auto_free char *own = ag_strdup(id);
    char path[] = "ask";
    char prompt[] = "Which?";
    AG_AUTO(ag_value)
    choices = json("[{\"label\":\"red\",\"value\":\"r\"},{\"label\":\"green\",\"value\":\"g\"}]");
    struct ag_question q = {.question_id = own,
                            .path = path,
                            .kind = kind,
                            .prompt = prompt,
                            .choices = kind == AG_QUESTION_CHOICE ? choices : NULL};
    return ag_question_ask(fx.domain, rid, epoch, &q, note_outcome, o, NULL);
}

int begin_step(int64_t rid, int64_t epoch, const char *path, int64_t attempt, bool never,
               struct outcome *o)
{
    ag_auto_free char *own = ag_strdup(path);
    struct ag_step_start start = {
        .step = own, .path = own, .attempt = attempt, .repeat_never = never};
    return ag_run_step_start(fx.domain, rid, epoch, &start, note_outcome, o, NULL);
}

int complete_step(int64_t rid, int64_t epoch, const char *path, int64_t attempt, const char *next,
                  struct outcome *o)
{
    ag_auto_free char *own = ag_strdup(path);
    ag_auto_free char *own_next = ag_strdup(next);
    struct ag_step_complete complete = {.step = own,
                                        .path = own,
                                        .attempt = attempt,
                                        .status = next == NULL ? AG_STEP_FAILED : AG_STEP_DONE,
                                        .next_step = own_next};
    return ag_run_step_complete(fx.domain, rid, epoch, &complete, note_outcome, o, NULL);
}

int finish_run(int64_t rid, int64_t epoch, int status, struct outcome *o)
{
    struct ag_finish finish = {.status = status};
    return ag_run_finish(fx.domain, rid, epoch, &finish, note_outcome, o, NULL);
}

/* ---- what the store shows -------------------------------------------------------------------------- */

void load_row(int64_t rid, struct ag_run *row)
{
    ck_assert_int_eq(ag_store_run_by_rid(fx.store, rid, row, NULL), 1);
}

int stored_state(int64_t rid)
{
    struct ag_run row = {0};
    load_row(rid, &row);
    int state = row.state;
    ag_run_clear(&row);
    return state;
}

static int check_next(const struct ag_stream_record *rec, void *user)
{
    int64_t *last = user;
    ck_assert(rec->seq == *last + 1 || (ag_streq(rec->kind, "gap") && rec->seq > *last));
    *last = rec->seq;
    return 0;
}

int64_t stored_seq(int64_t rid)
{
    struct ag_run row = {0};
    int64_t last = 0;
    load_row(rid, &row);
    int64_t seq = row.seq;
    ag_run_clear(&row);
    ck_assert_int_eq(ag_store_records(fx.store, rid, -1, 0, INT32_MAX, check_next, &last, NULL), 0);
    ck_assert_int_eq(last, seq);
    return seq;
}

static int note_seq(const struct ag_stream_record *rec, void *user)
{
    *(int64_t *)user = rec->seq;
    return 0;
}

int64_t record_seq(int64_t rid, enum ag_stream stream, int index)
{
    int64_t seq = 0;
    ck_assert_int_eq(
        ag_store_records(fx.store, rid, (int)stream, 0, index + 1, note_seq, &seq, NULL), 0);
    return seq;
}

static int add_event(const struct ag_stream_record *rec, void *user)
{
    char *texts = user;
    size_t len = strlen(texts);
    ag_auto_free char *data = rec->data == NULL ? NULL : ag_value_print(rec->data, NULL);
    snprintf(texts + len, 8192 - len, "%s%s:%s:%s", len == 0 ? "" : "|", rec->kind, rec->text,
             data == NULL ? "" : data);
    return 0;
}

const char *stored_events(int64_t rid)
{
    static char texts[8192];
    texts[0] = '\0';
    ck_assert_int_eq(
        ag_store_records(fx.store, rid, AG_STREAM_EVENT, 0, 10000, add_event, texts, NULL), 0);
    return texts;
}

static int add_text(const struct ag_stream_record *rec, void *user)
{
    char *texts = user;
    size_t len = strlen(texts);
    snprintf(texts + len, 8192 - len, "%s%s:%s", len == 0 ? "" : "|", rec->kind, rec->text);
    return 0;
}

const char *stored_texts(int64_t rid, enum ag_stream stream)
{
    static char texts[8192];
    texts[0] = '\0';
    ck_assert_int_eq(ag_store_records(fx.store, rid, (int)stream, 0, 10000, add_text, texts, NULL),
                     0);
    return texts;
}

void load_question(const char *id, struct ag_question *q)
{
    ck_assert_int_eq(ag_store_question(fx.store, id, q, NULL, NULL), 1);
}

static int note_id(int64_t rid, const struct ag_question *q, void *user)
{
    snprintf(user, 128, "%s", q->question_id);
    return 0;
}

const char *open_question_id(int64_t rid)
{
    static char id[128];
    id[0] = '\0';
    ck_assert_int_eq(ag_store_questions(fx.store, rid, AG_QUESTION_OPEN, note_id, id, NULL), 0);
    return id;
}
