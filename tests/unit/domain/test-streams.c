/*
 * What a run tells: its events, and output that is more than the store keeps.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "fixture.h"

static struct outcome o;

/* ---- events ---------------------------------------------------------------------------------- */

START_TEST(events_tell_of_steps_and_states)
{
    int64_t rid = start_run("w");
    ck_assert_str_eq(stored_events(rid),
                     "state:queued:{\"to\":\"queued\",\"pid\":0}|"
                     "state:running:{\"from\":\"queued\",\"to\":\"running\",\"pid\":1000}");
    int64_t before = stored_seq(rid);
    ck_ok(begin_step(rid, 1, "a", 1, true, &o), o);
    ck_ok(complete_step(rid, 1, "a", 1, "b", &o), o);
    ck_ok(complete_step(rid, 1, "a", 1, "b", &o), o); /* once more, for no reply was heard */
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(stored_seq(rid), before + 3);
    const char *tail = strstr(stored_events(rid), "step_start");
    ck_assert_str_eq(tail,
                     "step_start:a:{\"attempt\":1}|"
                     "step_complete:a:{\"attempt\":1,\"status\":\"done\",\"next_step\":\"b\"}|"
                     "state:done:{\"from\":\"running\",\"to\":\"done\",\"pid\":0}");
}
END_TEST

START_TEST(a_start_tells_where_it_is_and_what_it_does)
{
    int64_t rid = start_run("w");
    char a[] = "a", doing[] = "running make";
    struct ag_step_start start = {
        .step = a, .path = a, .attempt = 1, .current_step = 3, .total_steps = 2, .doing = doing};
    ck_assert_int_eq(ag_run_step_start(fx.domain, rid, 1, &start, note_outcome, &o, NULL),
                     ARGO_E_INVALID);
    start.total_steps = 3;
    ck_ok(ag_run_step_start(fx.domain, rid, 1, &start, note_outcome, &o, NULL), o);
    ck_assert_str_eq(strstr(stored_events(rid), "step_start"),
                     "step_start:a:{\"attempt\":1,\"current_step\":3,\"total_steps\":3,"
                     "\"doing\":\"running make\"}");
    const struct ag_live *live = ag_live_by_rid(fx.domain, rid);
    ck_assert_int_eq(live->row.current_step, 3);
    ck_assert_str_eq(live->row.step_name, "a");
}
END_TEST

START_TEST(events_tell_of_questions_but_no_secret)
{
    int64_t rid = start_run("w");
    char id[] = "q1", path[] = "ask", prompt[] = "Password?";
    struct ag_question q = {.question_id = id,
                            .path = path,
                            .prompt = prompt,
                            .kind = AG_QUESTION_TEXT,
                            .secret = true};
    ck_ok(ag_question_ask(fx.domain, rid, 1, &q, note_outcome, &o, NULL), o);
    ck_ok(send_answer(rid, "q1", "\"hunter2\"", &o), o);
    ck_ok(ask(rid, 1, "q2", AG_QUESTION_TEXT, &o), o);
    ck_ok(complete_step(rid, 1, "ask", 1, "b", &o), o); /* the deadline of q2 has passed */
    const char *told = stored_events(rid);
    ck_assert_ptr_nonnull(strstr(told, "|question::{\"kind\":\"text\"}|state:waiting:"));
    ck_assert_ptr_nonnull(
        strstr(told, "|answer::{\"answered_by\":\"ann\",\"answered_via\":\"arc\"}|state:running:"));
    ck_assert_ptr_nonnull(strstr(told, "|expired::"));
    ck_assert_ptr_null(strstr(told, "hunter2"));
    ck_assert_ptr_null(strstr(stored_texts(rid, AG_STREAM_INPUT), "hunter2"));
}
END_TEST

START_TEST(events_tell_of_parking)
{
    int64_t rid = start_run("w");
    AG_AUTO(ag_value) ids = json("[\"q1\"]");
    struct ag_park park = {.question_ids = ids};
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), o);
    ck_ok(ag_run_park(fx.domain, rid, 1, &park, note_outcome, &o, NULL), o);
    ck_ok(send_answer(rid, "q1", "\"blue\"", &o), o);
    settle_all();
    const char *tail = strstr(stored_events(rid), "|parked:");
    ck_assert_ptr_nonnull(tail);
    ck_assert_ptr_nonnull(strstr(tail, "\"to\":\"queued\",\"pid\":0}"));
    ck_assert_ptr_nonnull(strstr(tail, "\"to\":\"running\",\"pid\":1001}"));
    stored_seq(rid);
}
END_TEST

/* A failed commit takes its events back; after the reload nothing is told twice. */
START_TEST(events_are_told_once)
{
    int64_t rid = start_run("w");
    fixture_alive(rid);
    fixture_fail_commits(1);
    ck_assert_int_eq(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    settle_all();
    int64_t before = stored_seq(rid);
    ck_ok(ask(rid, 1, "q1", AG_QUESTION_TEXT, &o), o);
    ck_assert_int_eq(stored_seq(rid), before + 3); /* prompt, question, state */
}
END_TEST

/* ---- too much output ------------------------------------------------------------------------- */

#define TEXT_SIZE 1000

/* One record, which counts COST. */
static void put_output_of(int64_t rid, int64_t cost, int expected)
{
    static int n;
    char kind[] = "stdout";
    char *text = calloc(1, (size_t)cost + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', (size_t)cost);
    text[cost - ag_output_cost("", NULL)] = '\0';
    char number[16];
    snprintf(number, sizeof(number), "%06d\n", ++n % 1000000);
    memcpy(text, number, 7);
    struct ag_output_record record = {.kind = kind, .text = text};
    ck_assert_int_eq(ag_output_cost(text, NULL), cost);
    ck_assert_int_eq(ag_run_output(fx.domain, rid, 1, &record, 1, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(await(&o), expected);
    free(text);
}

struct output {
    int gaps, records;
    int64_t first, cost; /* of the records */
    int64_t gap_seq, gap_records, gap_bytes;
};

static int look_at(const struct ag_stream_record *rec, void *user)
{
    struct output *out = user;
    if (ag_streq(rec->kind, "gap")) {
        ck_assert_int_eq(out->records, 0); /* it comes first */
        out->gaps++;
        out->gap_seq = rec->seq;
        out->gap_records = ag_value_get_int(rec->data, "records", -1);
        out->gap_bytes = ag_value_get_int(rec->data, "bytes", -1);
        return 0;
    }
    out->first = out->records++ == 0 ? rec->seq : out->first;
    out->cost += ag_output_cost(rec->text, rec->path);
    return 0;
}

static struct output stored_output(int64_t rid, int64_t after)
{
    struct output out = {0};
    ck_assert_int_eq(
        ag_store_records(fx.store, rid, AG_STREAM_OUTPUT, after, INT32_MAX, look_at, &out, NULL),
        0);
    return out;
}

/* What the store says that it holds is what it holds. */
static struct output check_output(int64_t rid)
{
    struct ag_run row = {0};
    struct output out = stored_output(rid, 0);
    load_row(rid, &row);
    ck_assert_int_eq(row.output_bytes, out.cost);
    ck_assert_int_le(out.cost, FIXTURE_OUTPUT_MAX);
    ck_assert_int_eq(row.trimmed_seq, out.gap_seq);
    ag_run_clear(&row);
    stored_seq(rid);
    return out;
}

/* How many lines of the run's log are JSON records of output, and the text of all of them. */
static int logged(const char *id, int64_t *bytes)
{
    ag_auto_free char *path = ag_asprintf("%s/%s.log", fx.logs, id);
    ag_auto_free char *text = NULL;
    int n = 0;
    *bytes = 0;
    if (!ag_file_exists(path)) {
        return 0;
    }
    ck_assert_int_eq(ag_file_read(path, 16 * 1024 * 1024, &text, NULL, NULL), 0);
    for (char *line, *rest = text; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; n++) {
        AG_AUTO(ag_value) v = NULL;
        ck_assert_int_eq(ag_value_parse_object(line, strlen(line), &v, NULL), 0);
        ck_assert_str_eq(ag_value_get_text(v, "stream", ""), "output");
        *bytes += (int64_t)strlen(ag_value_get_text(v, "text", ""));
    }
    return n;
}

START_TEST(the_oldest_output_goes_to_the_log)
{
    int64_t rid = start_run("w");
    int64_t bytes = 0;
    ck_ok(send_line(rid, "kept", NULL, &o, NULL), o);
    for (int i = 0; i < 64; i++) {
        put_output_of(rid, FIXTURE_OUTPUT_MAX / 64, 0);
    }
    struct output out = check_output(rid);
    ck_assert_int_eq(out.cost, FIXTURE_OUTPUT_MAX);
    ck_assert_int_eq(out.gaps, 0);
    ck_assert_int_eq(logged("w", &bytes), 0);
    int64_t first = out.first;
    /* One byte more. */
    put_output_of(rid, ag_output_cost("123456\n", NULL), 0);
    out = check_output(rid);
    ck_assert_int_eq(out.gaps, 1);
    ck_assert_int_le(out.cost, FIXTURE_OUTPUT_MAX / 8 * 7);
    ck_assert_int_eq(out.gap_records, 65 - out.records);
    ck_assert_int_eq(logged("w", &bytes), (int)out.gap_records);
    ck_assert_int_eq(bytes, out.gap_bytes);
    /* Numbers stay; a reader anywhere in the gap gets it, one behind it does not. */
    ck_assert_int_eq(out.first, out.gap_seq + 1);
    ck_assert_int_eq(out.gap_seq, first + out.gap_records - 1);
    ck_assert_int_eq(stored_output(rid, first + 1).gaps, 1);
    ck_assert_int_eq(stored_output(rid, out.gap_seq - 1).gaps, 1);
    ck_assert_int_eq(stored_output(rid, out.gap_seq).gaps, 0);
    ck_assert_int_eq(stored_output(rid, out.gap_seq).records, out.records);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_INPUT), "line:kept");
}
END_TEST

START_TEST(a_gap_takes_in_the_one_before)
{
    int64_t rid = start_run("w");
    int64_t bytes = 0;
    for (int i = 0; i < 300; i++) {
        put_output_of(rid, TEXT_SIZE, 0);
        if (i % 100 == 50) {
            fixture_alive(rid);
            fixture_close();
            fixture_open();
            ag_domain_recover(fx.domain);
        }
    }
    struct output out = check_output(rid);
    ck_assert_int_eq(out.gaps, 1);
    ck_assert_int_eq(out.gap_records + out.records, 300);
    ck_assert_int_eq(logged("w", &bytes), (int)out.gap_records);
    ck_assert_int_eq(bytes, out.gap_bytes);
}
END_TEST

/* Never lost, perhaps written twice. */
START_TEST(a_failed_commit_loses_nothing)
{
    int64_t rid = start_run("w");
    int64_t bytes = 0;
    for (int i = 0; i < 64; i++) {
        put_output_of(rid, FIXTURE_OUTPUT_MAX / 64, 0);
    }
    fixture_alive(rid);
    fixture_fail_commits(1);
    put_output_of(rid, TEXT_SIZE, ARGO_E_STORE);
    settle_all();
    struct output out = check_output(rid);
    ck_assert_int_eq(out.gaps, 0);
    ck_assert_int_eq(out.records, 64);
    int twice = logged("w", &bytes);
    ck_assert_int_gt(twice, 0);
    put_output_of(rid, TEXT_SIZE, 0);
    out = check_output(rid);
    ck_assert_int_eq(out.gap_records, twice);
    ck_assert_int_eq(out.gap_records + out.records, 65);
    ck_assert_int_eq(logged("w", &bytes), 2 * twice);
}
END_TEST

START_TEST(without_a_log_all_output_stays)
{
    int64_t rid = start_run("w");
    ag_auto_free char *path = ag_asprintf("%s/w.log", fx.logs);
    ck_assert_int_eq(mkdir(fx.logs, 0700), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    for (int i = 0; i < 100; i++) {
        put_output_of(rid, TEXT_SIZE, 0);
    }
    struct output out = stored_output(rid, 0);
    ck_assert_int_eq(out.gaps, 0);
    ck_assert_int_eq(out.records, 100);
    stored_seq(rid);
}
END_TEST

static Suite *suite(void)
{
    Suite *su = suite_create("domain-streams");
    TCase *t = tcase_create("streams");
    tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, events_tell_of_steps_and_states);
    tcase_add_test(t, a_start_tells_where_it_is_and_what_it_does);
    tcase_add_test(t, events_tell_of_questions_but_no_secret);
    tcase_add_test(t, events_tell_of_parking);
    tcase_add_test(t, events_are_told_once);
    tcase_add_test(t, the_oldest_output_goes_to_the_log);
    tcase_add_test(t, a_gap_takes_in_the_one_before);
    tcase_add_test(t, a_failed_commit_loses_nothing);
    tcase_add_test(t, without_a_log_all_output_stays);
    suite_add_tcase(su, t);
    return su;
}

ARGO_TEST_MAIN(suite)
