/*
 * Conformance, rows: everything that is put comes back, through any driver.
 */
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static struct ag_run full_run(int64_t rid)
{
    return (struct ag_run){.rid = rid,
                           .workflow_id = ag_strdup("review_7"),
                           .state = AG_RUN_PAUSED,
                           .beneath = AG_RUN_WAITING,
                           .template_name = ag_strdup("review"),
                           .session_id = ag_strdup("s1"),
                           .pid = 4711,
                           .pid_start = INT64_C(1) << 40,
                           .boot_id = ag_strdup("b-1"),
                           .epoch = 3,
                           .seq = 99,
                           .current_step = 2,
                           .total_steps = 5,
                           .step_name = ag_strdup("f\xc3\xbcnf"),
                           .next_step = ag_strdup("EXIT"),
                           .steps_done = 17,
                           .flight_path = ag_strdup("each/3/ask"),
                           .deaths = 2,
                           .decision = ag_strdup("skip"),
                           .consumed_seq = 88,
                           .cursor_output = 77,
                           .cursor_input = 66,
                           .created = 1700000000001,
                           .started = 1700000000002,
                           .updated = 1700000000003,
                           .ended = 1700000000004,
                           .result = json("{\"a\":[1,2.5,null,true,\"\\u0001\"]}"),
                           .error = json("{\"code\":1301}")};
}

static void assert_same(const struct ag_record *rec, const void *a, const void *b)
{
    AG_AUTO(ag_value) va = ag_record_encode(rec, a);
    AG_AUTO(ag_value) vb = ag_record_encode(rec, b);
    ag_auto_free char *ta = ag_value_print(va, NULL);
    ag_auto_free char *tb = ag_value_print(vb, NULL);
    ck_assert_str_eq(ta, tb);
}

static void assert_same_run(const struct ag_run *a, const struct ag_run *b)
{
    assert_same(&ag_run_record, a, b);
    ck_assert_int_eq(a->rid, b->rid);
    ck_assert_int_eq(a->beneath, b->beneath);
    ck_assert_int_eq(a->pid_start, b->pid_start);
    ck_assert_int_eq(a->consumed_seq, b->consumed_seq);
    ck_assert_int_eq(a->cursor_output, b->cursor_output);
    ck_assert_int_eq(a->cursor_input, b->cursor_input);
    ck_assert_pstr_eq(a->boot_id, b->boot_id);
    ck_assert_pstr_eq(a->next_step, b->next_step);
    ck_assert_pstr_eq(a->flight_path, b->flight_path);
    ck_assert_pstr_eq(a->decision, b->decision);
}

START_TEST(runs)
{
    fixture_open(_i);
    struct ag_run run = full_run(ag_store_next_rid(fx.store));
    struct ag_run_spec spec = {.request_key = ag_strdup("key-1"),
                               .request_hash = ag_strdup("hash"),
                               .instance = ag_strdup("7"),
                               .branch = ag_strdup("main"),
                               .environment = ag_strdup("test"),
                               .parameters = json("{\"p\":1}"),
                               .cwd = ag_strdup("/src"),
                               .env = json("{\"HOME\":\"/root\"}"),
                               .definition = ag_strdup("name: x\nsteps: []\n"),
                               .definition_file = ag_strdup("x.yml"),
                               .definition_hash = ag_strdup("00ff"),
                               .nonce = ag_strdup("n0")};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_add_run(t, &run, &spec);
    ck_assert_int_eq(fixture_commit(t), 0);

    struct ag_run back;
    ck_assert_int_eq(ag_store_run(fx.store, "review_7", &back, NULL), 1);
    assert_same_run(&run, &back);
    ag_run_clear(&back);
    ck_assert_int_eq(ag_store_run_by_rid(fx.store, run.rid, &back, NULL), 1);
    assert_same_run(&run, &back);
    ag_run_clear(&back);
    ck_assert_int_eq(ag_store_run_by_request_key(fx.store, "key-1", &back, NULL), 1);
    assert_same_run(&run, &back);
    ag_run_clear(&back);
    int64_t rid = 0;
    ck_assert_int_eq(ag_store_rid(fx.store, "review_7", &rid, NULL), 1);
    ck_assert_int_eq(rid, run.rid);
    ck_assert_int_eq(ag_store_rid(fx.store, "review_8", &rid, NULL), 0);
    ck_assert_int_eq(ag_store_run(fx.store, "review_8", &back, NULL), 0);
    ck_assert_int_eq(ag_store_run_by_rid(fx.store, run.rid + 1, &back, NULL), 0);
    ck_assert_int_eq(ag_store_run_by_request_key(fx.store, "key-2", &back, NULL), 0);

    struct ag_run_spec spec_back;
    ck_assert_int_eq(ag_store_run_spec(fx.store, run.rid, &spec_back, NULL), 1);
    assert_same(&ag_run_spec_record, &spec, &spec_back);
    ck_assert_str_eq(spec_back.request_hash, "hash");
    ck_assert(ag_value_equal(spec.env, spec_back.env));
    ck_assert_str_eq(spec_back.definition, spec.definition);
    ck_assert_str_eq(spec_back.nonce, "n0");
    ag_run_spec_clear(&spec_back);
    ck_assert_int_eq(ag_store_run_spec(fx.store, run.rid + 1, &spec_back, NULL), 0);

    ck_assert_int_eq(ag_store_run_spec_shown(fx.store, run.rid, &spec_back, NULL), 1);
    assert_same(&ag_run_spec_record, &spec, &spec_back);
    ck_assert_ptr_null(spec_back.request_hash);
    ck_assert_ptr_null(spec_back.env);
    ck_assert_ptr_null(spec_back.definition);
    ck_assert_ptr_null(spec_back.nonce);
    ag_run_spec_clear(&spec_back);
    ck_assert_int_eq(ag_store_run_spec_shown(fx.store, run.rid + 1, &spec_back, NULL), 0);
    ag_run_clear(&run);
    ag_run_spec_clear(&spec);
}
END_TEST

START_TEST(put_run_changes_all_but_the_id)
{
    fixture_open(_i);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_QUEUED);
    struct ag_run run = full_run(rid);
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_run(t, &run);
    ck_assert_int_eq(fixture_commit(t), 0);
    struct ag_run back;
    ck_assert_int_eq(ag_store_run_by_rid(fx.store, rid, &back, NULL), 1);
    ck_assert_str_eq(back.workflow_id, "w");
    free(run.workflow_id);
    run.workflow_id = ag_strdup("w");
    assert_same_run(&run, &back);
    ag_run_clear(&back);

    /* Back to nulls, the indexed columns included. */
    free(ag_take(run.session_id));
    free(ag_take(run.decision));
    run.state = AG_RUN_DONE;
    t = ag_txn_new(fx.store);
    ag_txn_put_run(t, &run);
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_int_eq(ag_store_run_by_rid(fx.store, rid, &back, NULL), 1);
    assert_same_run(&run, &back);
    ag_run_clear(&back);
    ag_run_clear(&run);
}
END_TEST

static int count_steps(const struct ag_step_row *row, void *user)
{
    struct ag_buf *names = user;
    ag_buf_printf(names, "%s/%d ", row->path, (int)row->attempt);
    return 0;
}

START_TEST(steps_and_variables)
{
    fixture_open(_i);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_RUNNING);
    struct ag_step_row row = {.step = ag_strdup("ask"),
                              .path = ag_strdup("ask#2"),
                              .attempt = 3,
                              .status = AG_STEP_STARTED,
                              .repeat_never = true,
                              .epoch = 4,
                              .started = 1000};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_step(t, rid, &row);
    struct ag_step_row earlier = {.step = row.step, .path = row.step, .attempt = 1, .started = 10};
    ag_txn_put_step(t, rid, &earlier);
    AG_AUTO(ag_value) one = ag_value_int(1);
    AG_AUTO(ag_value) object = json("{\"b\":{}}");
    ag_txn_put_variable(t, rid, "a", one);
    ag_txn_put_variable(t, rid, "a", object);
    ag_txn_put_variable(t, rid, "z", one);
    ck_assert_int_eq(fixture_commit(t), 0);

    row.status = AG_STEP_FAILED;
    row.started = 0; /* keeps the one that is there */
    row.ended = 2000;
    row.next_step = ag_strdup("fix");
    row.outputs = json("{\"o\":1}");
    row.usage = json("{\"tokens\":5}");
    row.error = json("{\"message\":\"no\"}");
    t = ag_txn_new(fx.store);
    ag_txn_put_step(t, rid, &row);
    ck_assert_int_eq(fixture_commit(t), 0);
    row.started = 1000;

    struct ag_step_row back;
    ck_assert_int_eq(ag_store_step(fx.store, rid, "ask#2", 3, &back, NULL), 1);
    assert_same(&ag_step_row_record, &row, &back);
    ck_assert(back.repeat_never);
    ag_record_clear(&ag_step_row_record, &back);
    ck_assert_int_eq(ag_store_step(fx.store, rid, "ask#2", 2, &back, NULL), 0);

    ag_auto_buf names = AG_BUF_INIT(1000);
    ck_assert_int_eq(ag_store_steps(fx.store, rid, count_steps, &names, NULL), 0);
    ck_assert_str_eq(ag_buf_text(&names), "ask/1 ask#2/3 ");

    ag_value *v = NULL;
    ck_assert_int_eq(ag_store_visits(fx.store, rid, &v, NULL), 1);
    ck_assert_int_eq(ag_value_get_int(v, "ask", 0), 2);
    ag_value_unref(v);
    AG_AUTO(ag_value) expected = json("{\"a\":{\"b\":{}},\"z\":1}");
    ck_assert_int_eq(ag_store_variables(fx.store, rid, &v, NULL), 1);
    ck_assert(ag_value_equal(v, expected));
    ag_value_unref(v);
    ck_assert_int_eq(ag_store_variables(fx.store, rid + 1, &v, NULL), 1);
    ck_assert_uint_eq(ag_value_size(v), 0);
    ag_value_unref(v);
    ag_record_clear(&ag_step_row_record, &row);
}
END_TEST

static int list_seqs(const struct ag_stream_record *rec, void *user)
{
    ag_buf_printf(user, "%d ", (int)rec->seq);
    return 0;
}

static int take_record(const struct ag_stream_record *rec, void *user)
{
    const struct ag_stream_record *expected = user;
    assert_same(&ag_stream_record_record, expected, rec);
    ck_assert_int_eq(rec->stream, expected->stream);
    ck_assert_pstr_eq(rec->client_key, expected->client_key);
    return 5;
}

static const char *seqs(int64_t rid, int stream, int64_t after, int64_t limit)
{
    static struct ag_buf buf = AG_BUF_INIT(1000);
    ag_buf_clear(&buf);
    ck_assert_int_eq(ag_store_records(fx.store, rid, stream, after, limit, list_seqs, &buf, NULL),
                     0);
    return ag_buf_text(&buf);
}

START_TEST(records)
{
    fixture_open(_i);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_RUNNING);
    struct ag_stream_record rec = {.stream = AG_STREAM_INPUT,
                                   .kind = ag_strdup("answer"),
                                   .text = ag_strdup("line\nwith \"quotes\""),
                                   .path = ag_strdup("a/b"),
                                   .at = 1700000000000,
                                   .client_key = ag_strdup("ck"),
                                   .question_id = ag_strdup("q1"),
                                   .answer = json("[1]")};
    struct ag_stream_record plain = {.kind = rec.kind, .text = rec.text};
    ag_txn *t = ag_txn_new(fx.store);
    for (int seq = 1; seq <= 9; seq++) {
        struct ag_stream_record *which = seq % 3 == 0 ? &rec : &plain;
        which->seq = seq;
        plain.stream = seq % 3 == 1 ? AG_STREAM_OUTPUT : AG_STREAM_EVENT;
        ag_txn_add_record(t, rid, which);
        free(ag_take(rec.client_key)); /* only the first has one */
    }
    ck_assert_int_eq(fixture_commit(t), 0);

    ck_assert_str_eq(seqs(rid, -1, 0, 100), "1 2 3 4 5 6 7 8 9 ");
    ck_assert_str_eq(seqs(rid, -1, 7, 100), "8 9 ");
    ck_assert_str_eq(seqs(rid, -1, 9, 100), "");
    ck_assert_str_eq(seqs(rid, -1, 0, 2), "1 2 ");
    ck_assert_str_eq(seqs(rid, AG_STREAM_OUTPUT, 0, 100), "1 4 7 ");
    ck_assert_str_eq(seqs(rid, AG_STREAM_EVENT, 2, 1), "5 ");
    ck_assert_str_eq(seqs(rid, AG_STREAM_INPUT, 3, 100), "6 9 ");
    ck_assert_str_eq(seqs(rid + 1, -1, 0, 100), "");

    rec.seq = 6;
    ck_assert_int_eq(
        ag_store_records(fx.store, rid, AG_STREAM_INPUT, 5, 1, take_record, &rec, NULL), 5);
    ag_stream_record_clear(&rec);
}
END_TEST

START_TEST(record_keys)
{
    fixture_open(_i);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_RUNNING);
    char key[] = "k";
    struct ag_stream_record rec = {.seq = 12, .client_key = key};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_add_record(t, rid, &rec);
    ck_assert_int_eq(fixture_commit(t), 0);
    int64_t seq = -7;
    ck_assert_int_eq(ag_store_record_by_key(fx.store, rid, "other", &seq, NULL), 0);
    ck_assert_int_eq(ag_store_record_by_key(fx.store, rid + 1, "k", &seq, NULL), 0);
    ck_assert_int_eq(seq, -7);
    ck_assert_int_eq(ag_store_record_by_key(fx.store, rid, "k", &seq, NULL), 1);
    ck_assert_int_eq(seq, 12);
}
END_TEST

static int list_questions(int64_t rid, const struct ag_question *q, void *user)
{
    ag_buf_printf(user, "%s@%s ", q->question_id, q->workflow_id);
    return 0;
}

static const char *questions_of(int64_t rid, int state)
{
    static struct ag_buf buf = AG_BUF_INIT(1000);
    ag_buf_clear(&buf);
    ck_assert_int_eq(ag_store_questions(fx.store, rid, state, list_questions, &buf, NULL), 0);
    return ag_buf_text(&buf);
}

START_TEST(questions)
{
    fixture_open(_i);
    int64_t one = fixture_add_run("w1", "t", AG_RUN_WAITING);
    int64_t two = fixture_add_run("w2", "t", AG_RUN_WAITING);
    struct ag_question q = {.question_id = ag_strdup("q1"),
                            .workflow_id = ag_strdup("w1"),
                            .path = ag_strdup("ask"),
                            .kind = AG_QUESTION_FORM,
                            .prompt = ag_strdup("Which?"),
                            .schema = json("{\"type\":\"object\"}"),
                            .choices = json("[{\"label\":\"A\"}]"),
                            .multiple = true,
                            .default_answer = json("null"),
                            .deadline = 1800000000000,
                            .on_deadline = ag_strdup("default"),
                            .state = AG_QUESTION_ANSWERED,
                            .answer = json("{\"x\":1}"),
                            .answered_by = ag_strdup("ann"),
                            .answered_via = ag_strdup("socket"),
                            .asked = 100,
                            .answered = 1700000000001,
                            .answer_seq = 44};
    char id2[] = "q2", path[] = "p";
    struct ag_question open = {.question_id = id2, .path = path, .prompt = path, .asked = 50};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_question(t, one, &open);
    ag_txn_put_question(t, one, &q);
    ag_txn_put_question(t, two, &open); /* a put replaces, the run too */
    ck_assert_int_eq(fixture_commit(t), 0);

    int64_t rid = 0;
    struct ag_question back;
    ck_assert_int_eq(ag_store_question(fx.store, "q1", &back, &rid, NULL), 1);
    assert_same(&ag_question_record, &q, &back);
    ck_assert_int_eq(rid, one);
    ag_record_clear(&ag_question_record, &back);
    ck_assert_int_eq(ag_store_question(fx.store, "q9", &back, &rid, NULL), 0);
    ck_assert_str_eq(questions_of(0, -1), "q2@w2 q1@w1 ");
    ck_assert_str_eq(questions_of(0, AG_QUESTION_OPEN), "q2@w2 ");
    ck_assert_str_eq(questions_of(one, -1), "q1@w1 ");
    ck_assert_str_eq(questions_of(one, AG_QUESTION_OPEN), "");
    ck_assert_str_eq(questions_of(one, AG_QUESTION_ANSWERED), "q1@w1 ");
    ag_record_clear(&ag_question_record, &q);
}
END_TEST

START_TEST(secrets)
{
    fixture_open(_i);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_WAITING);
    char id[] = "q", path[] = "p";
    AG_AUTO(ag_value) answer = json("\"canary\"");
    struct ag_question q = {
        .question_id = id, .path = path, .prompt = path, .secret = true, .answer = answer};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_question(t, rid, &q);
    ag_txn_put_secret(t, rid, "q", answer);
    ck_assert_int_eq(fixture_commit(t), 0);
    struct ag_question back;
    ck_assert_int_eq(ag_store_question(fx.store, "q", &back, NULL, NULL), 1);
    ck_assert(back.secret);
    ck_assert_ptr_null(back.answer);
    ag_record_clear(&ag_question_record, &back);
    ag_value *v = NULL;
    ck_assert_int_eq(ag_store_secret(fx.store, rid, "q", &v, NULL), 1);
    ck_assert_str_eq(ag_value_as_text(v), "canary");
    ag_value_unref(v);
    t = ag_txn_new(fx.store);
    ag_txn_forget_secrets(t, rid);
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_int_eq(ag_store_secret(fx.store, rid, "q", &v, NULL), 0);
}
END_TEST

/* A variable that becomes secret is no longer among the others, and goes with the secrets. */
START_TEST(secret_variables)
{
    fixture_open(_i);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_RUNNING);
    AG_AUTO(ag_value) open = json("\"open\"");
    AG_AUTO(ag_value) canary = json("\"canary\"");
    AG_AUTO(ag_value) others = json("{\"b\":\"open\"}");
    AG_AUTO(ag_value) hidden = json("{\"a\":\"canary\"}");
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_variable(t, rid, "a", open);
    ag_txn_put_variable(t, rid, "b", open);
    ag_txn_put_secret(t, rid, "q", canary);
    ck_assert_int_eq(fixture_commit(t), 0);
    t = ag_txn_new(fx.store);
    ag_txn_put_secret_variable(t, rid, "a", open);
    ag_txn_put_secret_variable(t, rid, "a", canary);
    ck_assert_int_eq(fixture_commit(t), 0);
    for (int forgotten = 0; forgotten < 2; forgotten++) {
        AG_AUTO(ag_value) found = NULL;
        AG_AUTO(ag_value) kept = NULL;
        ck_assert_int_eq(ag_store_variables(fx.store, rid, &found, NULL), 1);
        ck_assert(ag_value_equal(found, others));
        ck_assert_int_eq(ag_store_secret_variables(fx.store, rid, &kept, NULL), 1);
        ck_assert(forgotten ? ag_value_size(kept) == 0 : ag_value_equal(kept, hidden));
        t = ag_txn_new(fx.store);
        ag_txn_forget_secrets(t, rid);
        ck_assert_int_eq(fixture_commit(t), 0);
    }
}
END_TEST

static int count_cis(const struct ag_ci *ci, void *user)
{
    ag_buf_printf(user, "%s ", ci->name);
    return 0;
}

/* FN may take what the row owns. */
static int take_ci(struct ag_ci *ci, void *user)
{
    struct ag_ci own = *ci;
    *ci = (struct ag_ci){0};
    ag_buf_printf(user, "%s ", own.name);
    ag_record_clear(&ag_ci_record, &own);
    return 0;
}

START_TEST(cis)
{
    fixture_open(_i);
    struct ag_ci ci = {.name = ag_strdup("b"),
                       .provider = ag_strdup("openai"),
                       .model = ag_strdup("m"),
                       .port = 65535,
                       .socket_path = ag_strdup("/s"),
                       .role = ag_strdup("reviewer"),
                       .status = ag_strdup("up"),
                       .last_heartbeat = 1700000000000,
                       .base_url = ag_strdup("http://x"),
                       .recording = ag_strdup("/r"),
                       .upstream = ag_strdup("a"),
                       .command = json("[\"a\",\"b\"]"),
                       .capabilities = json("[]"),
                       .session_id = ag_strdup("s"),
                       .task = ag_strdup("t"),
                       .unread = 3,
                       .history_seq = 8,
                       .message_seq = INT64_MAX};
    char name[] = "a";
    struct ag_ci other = {.name = name};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_ci(t, &ci);
    ag_txn_put_ci(t, &other);
    ag_txn_put_ci(t, &other);
    ck_assert_int_eq(fixture_commit(t), 0);
    struct ag_ci back;
    ck_assert_int_eq(ag_store_ci(fx.store, "b", &back, NULL), 1);
    assert_same(&ag_ci_record, &ci, &back);
    ck_assert_int_eq(back.history_seq, 8);
    ck_assert_int_eq(back.message_seq, INT64_MAX);
    ck_assert_int_eq(back.removed, 0);
    ag_record_clear(&ag_ci_record, &back);
    ag_auto_buf names = AG_BUF_INIT(100);
    ck_assert_int_eq(ag_store_cis(fx.store, count_cis, &names, NULL), 0);
    ck_assert_str_eq(ag_buf_text(&names), "a b ");
    /* One that has been removed is there for whoever asks for all. */
    t = ag_txn_new(fx.store);
    ci.removed = 1700000000001;
    ag_txn_put_ci(t, &ci);
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_int_eq(ag_store_ci(fx.store, "b", &back, NULL), 0);
    ag_buf_clear(&names);
    ck_assert_int_eq(ag_store_cis(fx.store, count_cis, &names, NULL), 0);
    ck_assert_str_eq(ag_buf_text(&names), "a ");
    ag_buf_clear(&names);
    ck_assert_int_eq(ag_store_all_cis(fx.store, take_ci, &names, NULL), 0);
    ck_assert_str_eq(ag_buf_text(&names), "a b ");
    ag_record_clear(&ag_ci_record, &ci);
}
END_TEST

static int show_event(const struct ag_ci_event *event, void *user)
{
    ag_buf_printf(user, "%d %s %s %s %s %d %d, ", (int)event->seq, event->kind, event->status,
                  event->task == NULL ? "-" : event->task,
                  event->session_id == NULL ? "-" : event->session_id, (int)event->messages,
                  (int)event->at);
    return 0;
}

static int show_message(const struct ag_message *m, void *user)
{
    ag_auto_free char *payload = ag_value_print(m->payload, NULL);
    ag_buf_printf(user, "%d %s %s %s %s %d, ", (int)m->seq, m->id, m->from == NULL ? "-" : m->from,
                  m->type, payload, (int)m->timestamp);
    return 0;
}

static const char *shown_history(const char *name, int64_t before, int64_t limit, struct ag_buf *b)
{
    ag_buf_clear(b);
    ck_assert_int_eq(ag_store_ci_history(fx.store, name, before, limit, show_event, b, NULL), 0);
    return ag_buf_text(b);
}

static const char *shown_messages(const char *name, int64_t after, int64_t limit, struct ag_buf *b)
{
    ag_buf_clear(b);
    ck_assert_int_eq(ag_store_ci_messages(fx.store, name, after, limit, show_message, b, NULL), 0);
    return ag_buf_text(b);
}

START_TEST(what_belongs_to_a_ci)
{
    fixture_open(_i);
    char kind[] = "status", busy[] = "busy", task[] = "t", session[] = "s", type[] = "ask";
    char id[] = "i", from[] = "me";
    AG_AUTO(ag_value) payload = json("{\"n\":[1]}");
    ag_auto_buf b = AG_BUF_INIT(1000);
    ag_txn *t = ag_txn_new(fx.store);
    for (int64_t i = 1; i <= 3; i++) {
        struct ag_ci_event event = {i, kind,   busy, i == 2 ? task : NULL, i == 2 ? session : NULL,
                                    7, 100 + i};
        struct ag_message m = {.id = id,
                               .type = type,
                               .payload = payload,
                               .timestamp = 200 + i,
                               .seq = i,
                               .from = i == 2 ? from : NULL};
        ag_txn_put_ci_event(t, "c", &event);
        ag_txn_put_ci_message(t, "c", &m);
    }
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_str_eq(shown_history("c", INT64_MAX, 2, &b),
                     "3 status busy - - 7 103, 2 status busy t s 7 102, ");
    ck_assert_str_eq(shown_history("c", 2, 2, &b), "1 status busy - - 7 101, ");
    ck_assert_str_eq(shown_messages("c", 0, 1, &b), "1 i - ask {\"n\":[1]} 201, ");
    ck_assert_str_eq(shown_messages("c", 1, 1, &b), "2 i me ask {\"n\":[1]} 202, ");
    ck_assert_str_eq(shown_history("d", INT64_MAX, 2, &b), "");
    t = ag_txn_new(fx.store);
    ag_txn_trim_ci_history(t, "c", 2);
    ag_txn_trim_ci_messages(t, "c", 1);
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_str_eq(shown_history("c", INT64_MAX, 9, &b), "3 status busy - - 7 103, ");
    ck_assert_str_eq(shown_messages("c", 0, 1, &b), "2 i me ask {\"n\":[1]} 202, ");
    t = ag_txn_new(fx.store);
    ag_txn_forget_ci(t, "c");
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_str_eq(shown_history("c", INT64_MAX, 9, &b), "");
    ck_assert_str_eq(shown_messages("c", 0, 9, &b), "");
}
END_TEST

START_TEST(tokens)
{
    fixture_open(_i);
    char id[] = "t1", scope[] = "run", user[] = "me", id2[] = "t2";
    struct ag_token token = {
        .id = id, .scope = scope, .user = user, .rid = 5, .epoch = 2, .expires = 99};
    memset(token.sha256, 'a', 64);
    struct ag_token other = {.id = id2, .scope = scope, .rid = 6};
    memset(other.sha256, 'b', 64);
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_token(t, &token);
    ag_txn_put_token(t, &other);
    ck_assert_int_eq(fixture_commit(t), 0);
    struct ag_token back;
    ck_assert_int_eq(ag_store_token(fx.store, token.sha256, &back, NULL), 1);
    ck_assert_str_eq(back.id, "t1");
    ck_assert_str_eq(back.sha256, token.sha256);
    ck_assert_str_eq(back.scope, "run");
    ck_assert_str_eq(back.user, "me");
    ck_assert_int_eq(back.rid, 5);
    ck_assert_int_eq(back.epoch, 2);
    ck_assert_int_eq(back.expires, 99);
    ag_token_clear(&back);
    ck_assert_int_eq(ag_store_token(fx.store, token.sha256, &back, NULL), 1); /* now held */
    ck_assert_str_eq(back.user, "me");
    ck_assert_int_eq(back.rid, 5);
    ag_token_clear(&back);
    t = ag_txn_new(fx.store);
    ag_txn_remove_run_tokens(t, 5);
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_int_eq(ag_store_token(fx.store, token.sha256, &back, NULL), 0);
    ck_assert_int_eq(ag_store_token(fx.store, other.sha256, &back, NULL), 1);
    ag_token_clear(&back);
}
END_TEST

START_TEST(replies)
{
    fixture_open(_i);
    char key[] = "k1", key2[] = "k2", text[] = "{}";
    struct ag_kept_reply reply = {.key = key, .status = 201, .reply = text, .at = 10};
    memset(reply.body_hash, 'c', 64);
    struct ag_kept_reply later = {.key = key2, .status = 200, .reply = text, .at = 11};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_reply(t, &reply);
    ag_txn_put_reply(t, &later);
    ck_assert_int_eq(fixture_commit(t), 0);
    struct ag_kept_reply back;
    ck_assert_int_eq(ag_store_reply(fx.store, "k1", &back, NULL), 1);
    ck_assert_str_eq(back.key, "k1");
    ck_assert_str_eq(back.body_hash, reply.body_hash);
    ck_assert_int_eq(back.status, 201);
    ck_assert_str_eq(back.reply, "{}");
    ck_assert_int_eq(back.at, 10);
    ag_kept_reply_clear(&back);
    t = ag_txn_new(fx.store);
    ag_txn_remove_replies_before(t, 11);
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_int_eq(ag_store_reply(fx.store, "k1", &back, NULL), 0);
    ck_assert_int_eq(ag_store_reply(fx.store, "k2", &back, NULL), 1);
    ag_kept_reply_clear(&back);
}
END_TEST

static int take_message(const struct ag_message *m, void *user)
{
    const struct ag_message *expected = user;
    assert_same(&ag_message_record, expected, m);
    return 1;
}

START_TEST(messages_and_meta)
{
    fixture_open(_i);
    int64_t rid = fixture_add_run("w", "t", AG_RUN_RUNNING);
    char id[] = "m1", type[] = "pause";
    AG_AUTO(ag_value) payload = json("{\"why\":\"x\"}");
    struct ag_message m = {
        .id = id, .type = type, .payload = payload, .timestamp = 1700000000000, .seq = 3};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_add_message(t, rid, &m);
    ag_txn_put_meta(t, "colour", "red");
    ag_txn_put_meta(t, "colour", "blue");
    ck_assert_int_eq(fixture_commit(t), 0);
    ck_assert_int_eq(ag_store_messages(fx.store, rid, 2, take_message, &m, NULL), 1);
    ck_assert_int_eq(ag_store_messages(fx.store, rid, 3, take_message, &m, NULL), 0);
    ag_auto_free char *value = NULL;
    ck_assert_int_eq(ag_store_meta(fx.store, "shape", &value, NULL), 0);
    ck_assert_int_eq(ag_store_meta(fx.store, "colour", &value, NULL), 1);
    ck_assert_str_eq(value, "blue");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("store-rows");
    TCase *tc = tcase_create("rows");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_loop_test(tc, runs, 0, fixture_driver_count);
    tcase_add_loop_test(tc, put_run_changes_all_but_the_id, 0, fixture_driver_count);
    tcase_add_loop_test(tc, steps_and_variables, 0, fixture_driver_count);
    tcase_add_loop_test(tc, records, 0, fixture_driver_count);
    tcase_add_loop_test(tc, record_keys, 0, fixture_driver_count);
    tcase_add_loop_test(tc, questions, 0, fixture_driver_count);
    tcase_add_loop_test(tc, secrets, 0, fixture_driver_count);
    tcase_add_loop_test(tc, secret_variables, 0, fixture_driver_count);
    tcase_add_loop_test(tc, cis, 0, fixture_driver_count);
    tcase_add_loop_test(tc, what_belongs_to_a_ci, 0, fixture_driver_count);
    tcase_add_loop_test(tc, tokens, 0, fixture_driver_count);
    tcase_add_loop_test(tc, replies, 0, fixture_driver_count);
    tcase_add_loop_test(tc, messages_and_meta, 0, fixture_driver_count);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
