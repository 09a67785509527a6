/*
 * Questions, answers, and lines typed ahead.
 */
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static struct outcome o;

START_TEST(one_answer_wins)
{
    int64_t rid = start_run("w");
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_CHOICE, &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_OUTPUT), "prompt:Which?");
    ck_assert_int_eq(send_answer(rid, "q1", "\"blue\"", &o), ARGO_E_ANSWER);
    ck_assert_int_eq(send_answer(rid, "q1", "\"g\"", &o), 0);
    struct outcome second = {0};
    ck_assert_int_eq(send_answer(rid, "q1", "\"r\"", &second), ARGO_E_ANSWERED);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(send_answer(rid, "q1", "\"r\"", &second), ARGO_E_ANSWERED);
    ck_assert_int_eq(send_answer(rid, "nope", "1", &second), ARGO_E_NO_QUESTION);
    struct ag_question q = {0};
    load_question("q1", &q);
    ck_assert_int_eq(q.state, AG_QUESTION_ANSWERED);
    ck_assert_str_eq(ag_value_as_text(q.answer), "g");
    ck_assert_str_eq(q.answered_by, "ann");
    ck_assert_str_eq(q.answered_via, "arc");
    ck_assert_int_eq(q.answer_seq, record_seq(rid, AG_STREAM_INPUT, 0));
    ag_record_clear(&ag_question_record, &q);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

/* Both before and after the first answer is on the disk. */
START_TEST(the_loser_is_told_who_won)
{
    int64_t rid = start_run("w");
    char id[] = "q1";
    AG_AUTO(ag_value) late = json("\"r\"");
    struct ag_input_request input = {.question_id = id, .answer = late};
    struct ag_answerer who = {"bob", "http"};
    ck_ok(ask(rid, 1, id, AG_QUESTION_CHOICE, &o), o);
    ck_assert_int_eq(send_answer(rid, id, "\"g\"", &o), 0);
    for (int durable = 0; durable < 2; durable++) {
        AG_AUTO(argo_error) err = NULL;
        int64_t seq = 0;
        ck_assert_int_eq(
            ag_run_input(fx.domain, rid, &input, &who, NULL, &seq, note_outcome, &o, &err),
            ARGO_E_ANSWERED);
        ck_assert_str_eq(argo_error_details(err), "Answered by ann via arc");
        if (durable == 0) {
            ck_assert_int_eq(await(&o), 0);
        }
    }
}
END_TEST

/* A question that nobody could answer is not asked. */
START_TEST(bad_questions_are_refused)
{
    int64_t rid = start_run("w");
    char id[] = "q1";
    char path[] = "ask";
    char prompt[] = "?";
    AG_AUTO(ag_value) bad = json("{\"type\":\"integer\",\"minimun\":1}");
    AG_AUTO(ag_value) good = json("{\"type\":\"integer\",\"minimum\":1}");
    AG_AUTO(ag_value) five = json("\"5\"");
    struct ag_question q = {
        .question_id = id, .path = path, .prompt = prompt, .schema = bad, .default_answer = five};
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, &err),
                     ARGO_E_INVALID);
    ck_assert_str_eq(argo_error_field(err), "schema");
    ck_assert_str_eq(argo_error_problem(err, 0)->path, "schema.minimun");
    ck_assert_str_eq(argo_error_problem(err, 0)->nearest, "minimum");
    ck_assert_str_eq(open_question_id(rid), "");
    q.schema = good;
    ck_ok(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, NULL), o);
    ck_assert_int_eq(send_answer(rid, id, "0", &o), ARGO_E_ANSWER);
    ck_assert_str_eq(open_question_id(rid), id);
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
    ck_ok(send_line(rid, "", NULL, &o, NULL), o);
    struct ag_question stored = {0};
    load_question(id, &stored);
    ck_assert_int_eq(ag_value_as_int(stored.answer), 5);
    ck_assert_int_eq(ag_value_as_int(stored.default_answer), 5);
    ag_record_clear(&ag_question_record, &stored);
}
END_TEST

START_TEST(asking_again_changes_nothing)
{
    int64_t rid = start_run("w");
    struct outcome second = {0};
    ck_assert_int_eq(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), 0);
    ck_assert_int_eq(ask(rid, 1, "q1", AG_QUESTION_TEXT, &second), 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&second), 0);
    ck_ok(send_line(rid, "blue", NULL, &o, NULL), o);
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), o);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_OUTPUT), "prompt:Which?");
    ck_assert_str_eq(open_question_id(rid), "");
    int64_t other = start_run("v");
    ck_assert_int_eq(ask(other, 1, "q1", AG_QUESTION_TEXT, &o), ARGO_E_EXISTS);
}
END_TEST

/* The line, the question that it answers, and the same question again: all in one group. */
START_TEST(a_line_on_its_way_is_not_lost)
{
    int64_t rid = start_run("w");
    struct outcome all[5] = {0};
    ck_assert_int_eq(send_line(rid, "first", NULL, &all[0], NULL), 0);
    ck_assert_int_eq(send_line(rid, "second", NULL, &all[1], NULL), 0);
    ck_assert_int_eq(ask(rid, 1, "q1", AG_QUESTION_TEXT, &all[2]), 0);
    ck_assert_int_eq(ask(rid, 1, "q1", AG_QUESTION_TEXT, &all[3]), 0);
    ck_assert_int_eq(ask(rid, 1, "q2", AG_QUESTION_TEXT, &all[4]), 0);
    for (size_t i = 0; i < AG_ARRAY_SIZE(all); i++) {
        ck_assert_int_eq(await(&all[i]), 0);
    }
    const char *const want[][2] = {{"q1", "first"}, {"q2", "second"}};
    for (size_t i = 0; i < AG_ARRAY_SIZE(want); i++) {
        struct ag_question q = {0};
        load_question(want[i][0], &q);
        ck_assert_int_eq(q.state, AG_QUESTION_ANSWERED);
        ck_assert_str_eq(ag_value_as_text(q.answer), want[i][1]);
        ck_assert_str_eq(q.answered_via, "typed ahead");
        ck_assert_int_eq(q.answer_seq, record_seq(rid, AG_STREAM_INPUT, (int)i));
        ag_record_clear(&ag_question_record, &q);
    }
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_INPUT), "line:first|line:second");
}
END_TEST

static void reopen(int64_t rid)
{
    fixture_alive(rid);
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
}

START_TEST(invalid_lines_are_used_up)
{
    int64_t rid = start_run("w");
    ck_ok(send_line(rid, "blue", NULL, &o, NULL), o);
    ck_ok(send_line(rid, "2", NULL, &o, NULL), o);
    ck_ok(send_line(rid, "pink", NULL, &o, NULL), o);
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_CHOICE, &o), o);
    struct ag_question q = {0};
    load_question("q1", &q);
    ck_assert_str_eq(ag_value_as_text(q.answer), "g");
    ag_record_clear(&ag_question_record, &q);
    /* the third is still there after a restart, and is no answer to the next question either */
    reopen(rid);
    ck_ok(ask(rid, 1, "q2", AG_QUESTION_CHOICE, &o), o);
    ck_assert_str_eq(open_question_id(rid), "q2");
    /* nor does it come back after another one */
    reopen(rid);
    ck_ok(send_line(rid, "red", NULL, &o, NULL), o);
    ck_ok(ask(rid, 1, "q3", AG_QUESTION_TEXT, &o), o);
    ck_assert_str_eq(open_question_id(rid), "q3");
    ck_ok(send_line(rid, "any", NULL, &o, NULL), o);
    reopen(rid);
    ck_ok(ask(rid, 1, "q4", AG_QUESTION_TEXT, &o), o);
    ck_assert_str_eq(open_question_id(rid), "q4");
}
END_TEST

/* A question that takes no lines leaves them in the queue, also over a restart. */
START_TEST(lines_outlast_other_questions)
{
    int64_t rid = start_run("w");
    ck_ok(send_line(rid, "later", NULL, &o, NULL), o);
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_CONFIRM, &o), o);
    ck_assert_int_eq(send_line(rid, "yes", NULL, &o, NULL), ARGO_E_STATE);
    ck_ok(send_answer(rid, "q1", "true", &o), o);
    reopen(rid);
    ck_ok(ask(rid, 1, "q2", AG_QUESTION_TEXT, &o), o);
    struct ag_question q = {0};
    load_question("q2", &q);
    ck_assert_str_eq(ag_value_as_text(q.answer), "later");
    ag_record_clear(&ag_question_record, &q);
}
END_TEST

START_TEST(an_open_question_keeps_the_run_waiting)
{
    int64_t rid = start_run("w");
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_CONFIRM, &o), o);
    ck_ok(ask(rid, 1, "q2", AG_QUESTION_TEXT, &o), o);
    ck_assert_int_eq(send_line(rid, "x", NULL, &o, NULL), ARGO_E_STATE);
    ck_ok(send_answer(rid, "q2", "\"x\"", &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_WAITING);
    ck_ok(send_answer(rid, "q1", "false", &o), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
}
END_TEST

START_TEST(the_queue_has_a_limit)
{
    int64_t rid = start_run("w");
    struct outcome all = {0};
    for (int i = 0; i < AG_MAX_TYPED_AHEAD; i++) {
        ck_assert_int_eq(send_line(rid, "x", NULL, &all, NULL), 0);
    }
    ck_assert_int_eq(send_line(rid, "x", NULL, &o, NULL), ARGO_E_QUOTA);
    settle_all();
    ck_assert_int_eq(all.called, AG_MAX_TYPED_AHEAD);
    ck_assert_int_eq(all.code, 0);
    reopen(rid);
    ck_assert_int_eq(send_line(rid, "x", NULL, &o, NULL), ARGO_E_QUOTA);
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), o);
    ck_ok(send_line(rid, "x", NULL, &o, NULL), o);
    ck_assert_int_eq(send_line(rid, "x", NULL, &o, NULL), ARGO_E_QUOTA);
}
END_TEST

START_TEST(a_repeated_key_gives_the_same_number)
{
    int64_t rid = start_run("w");
    struct outcome second = {0};
    int64_t a = 0, b = 0, c = 0;
    char kind[] = "text", key[] = "k";
    struct ag_output_record record = {.kind = kind, .text = kind, .client_key = key};
    ck_ok(ag_run_output(fx.domain, rid, 1, &record, 1, note_outcome, &o, NULL), o);
    ck_assert_int_eq(send_line(rid, "x", "k", &o, &a), 0);
    ck_assert_int_eq(send_line(rid, "x", "k", &second, &b), 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(await(&second), 0);
    ck_assert_int_eq(a, record_seq(rid, AG_STREAM_INPUT, 0)); /* an executor's key is another one */
    ck_assert_int_eq(b, a);
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_ok(send_line(rid, "x", "k", &o, &c), o);
    ck_assert_int_eq(c, a);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_INPUT), "line:x");
    ck_assert_int_eq(send_line(rid, "x", "other", &o, NULL), ARGO_E_STATE);
}
END_TEST

START_TEST(secrets_are_kept_apart)
{
    int64_t rid = start_run("w");
    char id[] = "q1", path[] = "ask", prompt[] = "Password?";
    struct ag_question q = {.question_id = id,
                            .path = path,
                            .prompt = prompt,
                            .kind = AG_QUESTION_TEXT,
                            .secret = true};
    ck_ok(send_line(rid, "not this", NULL, &o, NULL), o);
    ck_ok(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, NULL), o);
    ck_assert_str_eq(open_question_id(rid), "q1");
    ck_assert_int_eq(send_line(rid, "hunter2", NULL, &o, NULL), ARGO_E_STATE);
    ck_ok(send_answer(rid, "q1", "\"hunter2\"", &o), o);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_INPUT), "line:not this|answer:");
    struct ag_question stored = {0};
    load_question("q1", &stored);
    ck_assert_int_eq(stored.state, AG_QUESTION_ANSWERED);
    ck_assert_ptr_null(stored.answer);
    ag_record_clear(&ag_question_record, &stored);
    ag_value *secret = NULL;
    ck_assert_int_eq(ag_store_secret(fx.store, rid, "q1", &secret, NULL), 1);
    ck_assert_str_eq(ag_value_as_text(secret), "hunter2");
    ag_value_unref(ag_take(secret));
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(ag_store_secret(fx.store, rid, "q1", &secret, NULL), 0);
}
END_TEST

START_TEST(questions_are_checked)
{
    int64_t rid = start_run("w");
    char id[] = "q1", path[] = "ask", prompt[] = "?", wrong[] = "hang";
    AG_AUTO(ag_value) unlabelled = json("[{\"value\":1}]");
    struct ag_question q = {
        .question_id = id, .path = path, .prompt = prompt, .kind = AG_QUESTION_CHOICE};
    ck_assert_int_eq(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
    q.choices = unlabelled;
    ck_assert_int_eq(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
    q.kind = AG_QUESTION_TEXT;
    q.choices = NULL;
    q.on_deadline = wrong;
    ck_assert_int_eq(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
    /* what an asker says of an answer is not believed */
    AG_AUTO(ag_value) forged = ag_value_text("forged");
    q.on_deadline = NULL;
    q.answer = forged;
    q.answered_by = wrong;
    q.answer_seq = 7;
    q.state = AG_QUESTION_ANSWERED;
    ck_ok(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, NULL), o);
    struct ag_question stored = {0};
    load_question("q1", &stored);
    ck_assert_int_eq(stored.state, AG_QUESTION_OPEN);
    ck_assert_ptr_null(stored.answer);
    ck_assert_ptr_null(stored.answered_by);
    ck_assert_int_eq(stored.answer_seq, 0);
    ag_record_clear(&ag_question_record, &stored);
}
END_TEST

START_TEST(the_end_cancels_what_is_open)
{
    int64_t rid = start_run("w");
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), o);
    struct outcome late = {0};
    ck_assert_int_eq(finish_run(rid, 1, 1, &o), 0);
    ck_assert_int_eq(ask(rid, 1, "q2", AG_QUESTION_TEXT, &late), ARGO_E_FENCED);
    ck_assert_int_eq(await(&o), 0);
    struct ag_question q = {0};
    load_question("q1", &q);
    ck_assert_int_eq(q.state, AG_QUESTION_CANCELLED);
    ag_record_clear(&ag_question_record, &q);
}
END_TEST

struct waiter {
    struct ag_watch watch;
    int told;
    int state; /* of "q1" in the store when it was told */
};

static void told(struct ag_watch *watch, unsigned changes)
{
    struct waiter *w = AG_CONTAINER_OF(watch, struct waiter, watch);
    struct ag_question q = {0};
    ck_assert_uint_eq(changes, AG_CHANGE_QUESTION);
    load_question("q1", &q);
    w->told++;
    w->state = q.state;
    ag_record_clear(&ag_question_record, &q);
}

static int wait_with(struct waiter *w)
{
    *w = (struct waiter){.watch = {.mask = AG_CHANGE_QUESTION, .changed = told}, .state = -1};
    ag_list_init(&w->watch.node);
    return ag_question_watch_add(fx.domain, &w->watch, NULL);
}

static void ck_told(const struct waiter *w, int64_t since, int times, int state)
{
    ck_assert_int_eq(w->told, times);
    ck_assert_int_eq(ag_question_changes(fx.domain), since + times);
    ck_assert_int_eq(w->state, state);
}

/* Also of another run's, and of nothing else. */
START_TEST(who_waits_for_questions_is_told_after_the_commit)
{
    struct waiter w;
    int64_t rid = start_run("w");
    int64_t other = start_run("x");
    int64_t since = ag_question_changes(fx.domain);
    ck_assert_int_gt(since, 0);
    ck_assert_int_eq(wait_with(&w), 0);
    ck_assert_int_eq(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), 0);
    ck_told(&w, since, 0, -1);
    ck_assert_int_eq(await(&o), 0);
    ck_told(&w, since, 1, AG_QUESTION_OPEN);
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), o); /* again */
    ck_ok(begin_step(other, 1, "s", 1, false, &o), o);
    ck_told(&w, since, 1, AG_QUESTION_OPEN);
    ck_ok(send_answer(rid, "q1", "\"yes\"", &o), o);
    ck_told(&w, since, 2, AG_QUESTION_ANSWERED);
    ck_ok(ask(other, 1, "q2", AG_QUESTION_TEXT, &o), o);
    ck_ok(finish_run(other, 1, 1, &o), o);
    ck_told(&w, since, 4, AG_QUESTION_ANSWERED);
    ck_ok(finish_run(rid, 1, 1, &o), o);
    ck_told(&w, since, 4, AG_QUESTION_ANSWERED);
    ag_watch_remove(&w.watch);
}
END_TEST

START_TEST(so_many_wait_for_questions)
{
    static struct waiter all[AG_MAX_WATCHES + 1];
    for (int i = 0; i < AG_MAX_WATCHES; i++) {
        ck_assert_int_eq(wait_with(&all[i]), 0);
    }
    ck_assert_int_eq(wait_with(&all[AG_MAX_WATCHES]), ARGO_E_WAITERS);
    ag_watch_remove(&all[7].watch);
    ck_assert_int_eq(wait_with(&all[AG_MAX_WATCHES]), 0);
}
END_TEST

static Suite *questions_suite(void)
{
    Suite *suite = suite_create("domain-questions");
    TCase *tc = tcase_create("questions");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, one_answer_wins);
    tcase_add_test(tc, the_loser_is_told_who_won);
    tcase_add_test(tc, bad_questions_are_refused);
    tcase_add_test(tc, asking_again_changes_nothing);
    tcase_add_test(tc, a_line_on_its_way_is_not_lost);
    tcase_add_test(tc, invalid_lines_are_used_up);
    tcase_add_test(tc, lines_outlast_other_questions);
    tcase_add_test(tc, an_open_question_keeps_the_run_waiting);
    tcase_add_test(tc, the_queue_has_a_limit);
    tcase_add_test(tc, a_repeated_key_gives_the_same_number);
    tcase_add_test(tc, secrets_are_kept_apart);
    tcase_add_test(tc, questions_are_checked);
    tcase_add_test(tc, the_end_cancels_what_is_open);
    tcase_add_test(tc, who_waits_for_questions_is_told_after_the_commit);
    tcase_add_test(tc, so_many_wait_for_questions);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(questions_suite)
