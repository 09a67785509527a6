/*
 * What is read of the runs that have not ended: each table once, in order, without what has ended;
 * and that a damaged row is told and not more.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static void put_question(int64_t rid, const char *id, int state)
{
    ag_auto_free char *own = ag_strdup(id);
    char path[] = "ask", prompt[] = "?";
    struct ag_question q = {.question_id = own,
                            .path = path,
                            .prompt = prompt,
                            .kind = AG_QUESTION_TEXT,
                            .state = state};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_question(t, rid, &q);
    ck_assert_int_eq(fixture_commit(t), 0);
}

static void put_record(int64_t rid, int64_t seq, int stream, const char *kind, const char *text)
{
    ag_auto_free char *own_kind = ag_strdup(kind);
    ag_auto_free char *own_text = ag_strdup(text);
    struct ag_stream_record rec = {
        .seq = seq, .stream = stream, .kind = own_kind, .text = own_text};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_add_record(t, rid, &rec);
    ck_assert_int_eq(fixture_commit(t), 0);
}

static void put_step(int64_t rid, const char *path, int64_t attempt, int status, int64_t until)
{
    ag_auto_free char *own = ag_strdup(path);
    struct ag_step_row row = {.step = own,
                              .path = own,
                              .attempt = attempt,
                              .status = status,
                              .repeat_never = attempt == 2,
                              .until = until};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_step(t, rid, &row);
    ck_assert_int_eq(fixture_commit(t), 0);
}

/* Where the run is: the step under way, and the last line that was used up. */
static void put_place(int64_t rid, const char *flight_path, int64_t lines_seq)
{
    struct ag_run run = {0};
    ck_assert_int_eq(ag_store_run_by_rid(fx.store, rid, &run, NULL), 1);
    free(run.flight_path);
    run.flight_path = ag_strdup(flight_path);
    run.lines_seq = lines_seq;
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_run(t, &run);
    ck_assert_int_eq(fixture_commit(t), 0);
    ag_run_clear(&run);
}

START_TEST(everything_in_order)
{
    fixture_open(_i);
    int64_t a = fixture_add_run("a", "t", AG_RUN_WAITING);
    int64_t x = fixture_add_run("x", "t", AG_RUN_DONE);
    int64_t b = fixture_add_run("b", "t", AG_RUN_PAUSED);
    fixture_add_run("c", "t", AG_RUN_STALLED);
    fixture_add_run("y", "t", AG_RUN_ABANDONED);
    ck_assert_str_eq(fixture_live(), "run:a=waiting run:b=paused run:c=stalled ");
    /* steps: only those that have started where the run is */
    put_place(a, "w", 0);
    put_place(b, "v", 20);
    put_step(a, "u", 1, AG_STEP_STARTED, 0);
    put_step(a, "w", 1, AG_STEP_FAILED, 0);
    put_step(a, "w", 2, AG_STEP_STARTED, 77);
    put_step(b, "v", 1, AG_STEP_DONE, 0);
    put_step(x, "w", 1, AG_STEP_STARTED, 0);
    /* questions: the open ones */
    put_question(b, "qb", AG_QUESTION_OPEN);
    put_question(b, "qc", AG_QUESTION_ANSWERED);
    put_question(a, "qa2", AG_QUESTION_OPEN);
    put_question(a, "qa1", AG_QUESTION_EXPIRED);
    put_question(x, "qx", AG_QUESTION_CANCELLED);
    /* lines: what nobody has used up */
    put_record(a, 5, AG_STREAM_INPUT, "line", "first");
    put_record(a, 11, AG_STREAM_INPUT, "line", "second");
    put_record(a, 12, AG_STREAM_INPUT, "answer", "no line");
    put_record(a, 13, AG_STREAM_OUTPUT, "line", "no input");
    put_record(b, 20, AG_STREAM_INPUT, "line", "used up");
    put_record(b, 21, AG_STREAM_INPUT, "line", "not yet");
    put_record(x, 1, AG_STREAM_INPUT, "line", "nobody's");
    ck_assert_str_eq(fixture_live(), "run:a=waiting run:b=paused run:c=stalled flight:1/w@2!+77 "
                                     "question:1/qa2 question:3/qb "
                                     "line:1/5/first line:1/11/second line:3/21/not yet ");
}
END_TEST

/* What a row owns may be taken; reading meanwhile, the same statement too, disturbs nothing; what a
 * reader says ends it. */
struct taken {
    struct ag_run run;
    struct ag_question question;
    int runs;
    int stop_at;
};

static int take_run(struct ag_run *run, void *user)
{
    struct taken *taken = user;
    ck_assert_str_eq(fixture_live(), "run:a=queued run:b=running run:c=running question:1/q ");
    if (taken->runs++ == 0) {
        taken->run = *run;
        *run = (struct ag_run){0};
    }
    return taken->runs == taken->stop_at ? 42 : 0;
}

static int take_question(int64_t rid, struct ag_question *q, void *user)
{
    struct taken *taken = user;
    taken->question = *q;
    *q = (struct ag_question){0};
    return 0;
}

START_TEST(rows_may_be_taken)
{
    static const struct ag_live_reader reader = {.run = take_run, .question = take_question};
    fixture_open(_i);
    int64_t a = fixture_add_run("a", "t", AG_RUN_QUEUED);
    fixture_add_run("b", "t", AG_RUN_RUNNING);
    fixture_add_run("c", "t", AG_RUN_RUNNING);
    put_question(a, "q", AG_QUESTION_OPEN);
    struct taken taken = {0};
    ck_assert_int_eq(ag_store_live(fx.store, &reader, &taken, NULL), 0);
    ck_assert_int_eq(taken.runs, 3);
    ck_assert_str_eq(taken.run.workflow_id, "a");
    ck_assert_str_eq(taken.question.question_id, "q");
    ag_run_clear(&taken.run);
    ag_record_clear(&ag_question_record, &taken.question);
    taken = (struct taken){.stop_at = 2};
    ck_assert_int_eq(ag_store_live(fx.store, &reader, &taken, NULL), 42);
    ck_assert_int_eq(taken.runs, 2);
    ck_assert_ptr_null(taken.question.question_id);
    ag_run_clear(&taken.run);
}
END_TEST

START_TEST(damage_is_told_and_passed_over)
{
    fixture_open(_i);
    int64_t a = fixture_add_run("a", "t", AG_RUN_QUEUED);
    int64_t b = fixture_add_run("b", "t", AG_RUN_QUEUED);
    put_place(a, "w", 0);
    put_place(b, "w", 0);
    put_step(a, "w", 1, AG_STEP_STARTED, 0);
    put_step(b, "w", 1, AG_STEP_STARTED, 0);
    put_question(a, "qa", AG_QUESTION_OPEN);
    put_question(b, "qb", AG_QUESTION_OPEN);
    put_record(a, 1, AG_STREAM_INPUT, "line", "x");
    put_record(b, 1, AG_STREAM_INPUT, "line", "y");
    fixture_close();
    ck_assert_int_eq(fixture_exec("UPDATE questions SET choices = '[' WHERE rid = 1"), 0);
    ck_assert_int_eq(fixture_exec("UPDATE steps SET step = CAST(x'ff' AS TEXT) WHERE rid = 1"), 0);
    ck_assert_int_eq(fixture_exec("UPDATE records SET text = CAST(x'ff' AS TEXT) WHERE rid = 1"),
                     0);
    fixture_open(_i);
    ck_assert_str_eq(fixture_live(),
                     "run:a=queued run:b=queued "
                     "damaged:1(run 1: table 'steps', column 'step': expected text in UTF-8) "
                     "flight:2/w@1+0 "
                     "damaged:1(run 1: table 'questions', column 'choices': line 1, column 1: ']' "
                     "expected near end of file) question:2/qb "
                     "damaged:1(run 1: table 'records', column 'text': expected text in UTF-8) "
                     "line:2/1/y ");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("store-live");
    TCase *tc = tcase_create("live");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_loop_test(tc, everything_in_order, 0, fixture_driver_count);
    tcase_add_loop_test(tc, rows_may_be_taken, 0, fixture_driver_count);
    tcase_add_loop_test(tc, damage_is_told_and_passed_over, 0, fixture_driver_count);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
