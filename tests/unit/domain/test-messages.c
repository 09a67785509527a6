/*
 * Messages to a run and from its executor: what is refused, what waits, what is received once, and
 * what becomes of settings and errors.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static struct outcome o;
static ag_value *sent; /* of the last message that was taken */

static void setup(void)
{
    fixture_setup();
    sent = NULL;
}

static void teardown(void)
{
    ag_value_unref(ag_take(sent));
    fixture_teardown();
}

/* PAYLOAD is JSON or NULL; the error's text is in o.text when it is refused at once. */
static int send(const char *id, const char *type, const char *payload)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) value = payload == NULL ? NULL : json(payload);
    ag_auto_free char *own = ag_strdup(type);
    struct ag_message m = {.type = own, .payload = value};
    ag_value_unref(ag_take(sent));
    int r = ag_run_message(fx.domain, id, &m, &sent, NULL, note_outcome, &o, &err);
    snprintf(o.text, sizeof(o.text), "%s", argo_error_details(err));
    return r;
}

static int tell(int64_t rid, int64_t epoch, const char *type, const char *id, const char *payload)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) value = payload == NULL ? NULL : json(payload);
    ag_auto_free char *own = ag_strdup(type);
    ag_auto_free char *own_id = ag_strdup(id);
    struct ag_message m = {.type = own, .id = own_id, .payload = value};
    int r = strcmp(type, "error") == 0
                ? ag_run_error(fx.domain, rid, epoch, &m, note_outcome, &o, &err)
                : ag_run_tell(fx.domain, rid, epoch, &m, note_outcome, &o, &err);
    snprintf(o.text, sizeof(o.text), "%s", argo_error_details(err));
    return r;
}

struct listed {
    size_t n;
    int64_t seqs[8];
    char types[256];
};

static int list(const struct ag_message *m, void *user)
{
    struct listed *l = user;
    size_t len = strlen(l->types);
    if (l->n < AG_ARRAY_SIZE(l->seqs)) {
        l->seqs[l->n] = m->seq;
        snprintf(l->types + len, sizeof(l->types) - len, "%s%s", len == 0 ? "" : " ", m->type);
    }
    l->n++;
    return 0;
}

static struct listed stored_messages(int64_t rid, int64_t after)
{
    struct listed l = {0};
    ck_assert_int_eq(ag_store_messages(fx.store, rid, after, list, &l, NULL), 0);
    return l;
}

static int64_t messages_after(int64_t rid, int64_t epoch)
{
    struct ag_checkpoint c = {0};
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, epoch, &c, NULL), 0);
    int64_t after = c.messages_after;
    ag_record_clear(&ag_checkpoint_record, &c);
    return after;
}

static void ck_config(int64_t rid, const char *expected)
{
    struct ag_run row = {0};
    load_row(rid, &row);
    ag_auto_free char *text = row.config == NULL ? NULL : ag_value_print(row.config, NULL);
    ag_run_clear(&row);
    ck_assert_str_eq(text == NULL ? "" : text, expected);
}

/* ---- to the run ------------------------------------------------------------------------------ */

START_TEST(a_message_is_an_event_of_the_same_number)
{
    int64_t rid = start_run("w");
    ck_ok(send("w", "x-hello", "{\"a\":1}"), o);
    struct listed l = stored_messages(rid, 0);
    ck_assert_uint_eq(l.n, 1);
    ck_assert_int_eq(ag_value_get_int(sent, "seq", 0), l.seqs[0]);
    ck_assert_int_eq(l.seqs[0], stored_seq(rid));
    ck_assert_uint_eq(strlen(ag_value_get_text(sent, "id", "")), 36);
    ck_assert_ptr_nonnull(ag_value_get(sent, "timestamp"));
    ag_auto_free char *data = ag_value_print(sent, NULL);
    ag_auto_free char *event = ag_asprintf("|message:x-hello:%s", data);
    const char *told = stored_events(rid);
    ck_assert_ptr_nonnull(strstr(told, event));
    ck_ok(send("w", "x-bare", NULL), o);
    ck_assert_ptr_nonnull(ag_value_get(sent, "payload"));
}
END_TEST

START_TEST(types_that_are_none)
{
    static const char *const bad[] = {"pausee",     "x-", "x",     "X-a",
                                      "step_start", "",   "x-a b", "x-.."};
    start_run("w");
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_msg(send("w", bad[i], NULL) == ARGO_E_INVALID, "%s", bad[i]);
    }
    ck_assert_int_eq(send("w", "resum", NULL), ARGO_E_INVALID);
    ck_assert_str_eq(o.text, "type is 'resum', expected pause, resume, abort, update_config, or "
                             "x-... of a host; did you mean 'resume'?");
    ck_assert_int_eq(send("nobody", "x-a", NULL), ARGO_E_NO_WORKFLOW);
    ck_assert_uint_eq(stored_messages(1, 0).n, 0);
}
END_TEST

START_TEST(messages_that_are_the_routes)
{
    int64_t rid = start_run("w");
    ck_ok(send("w", "pause", NULL), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_PAUSED);
    ck_ok(send("w", "pause", "{}"), o);
    ck_ok(send("w", "resume", NULL), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(send("w", "resume", NULL), ARGO_E_STATE);
    ck_assert_str_eq(stored_messages(rid, 0).types, "pause resume");
    ck_ok(send("w", "abort", NULL), o);
    ck_assert_int_eq(stored_state(rid), AG_RUN_ABANDONED);
    ck_assert_int_eq(fx.ends, 1);
    ck_assert_int_eq(send("w", "x-a", NULL), ARGO_E_STATE);
    ck_assert_int_eq(send("w", "abort", NULL), ARGO_E_STATE);
}
END_TEST

static char *payload_of(size_t bytes)
{
    char *text = malloc(bytes + 1);
    memset(text, 'a', bytes);
    text[0] = text[bytes - 1] = '"';
    text[bytes] = '\0';
    return text;
}

START_TEST(the_greatest_payload)
{
    int64_t rid = start_run("w");
    ag_auto_free char *most = payload_of(AG_MAX_TEXT);
    ag_auto_free char *more = payload_of(AG_MAX_TEXT + 1);
    ck_ok(send("w", "x-a", most), o);
    ck_assert_int_eq(send("w", "x-a", more), ARGO_E_TOO_LARGE);
    ck_assert_uint_eq(stored_messages(rid, 0).n, 1);
    stored_seq(rid);
}
END_TEST

static void wait_all(int n)
{
    while (o.called < n) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
    o.called = 0;
}

START_TEST(the_most_that_wait)
{
    int64_t rid = start_run("w");
    for (int i = 0; i < AG_MAX_MESSAGES - 1; i++) {
        ck_assert_int_eq(send("w", "x-a", NULL), 0);
    }
    ck_assert_int_eq(send("w", "update_config", "{\"budget_tokens\":1}"), 0);
    ck_assert_int_eq(send("w", "x-a", NULL), ARGO_E_QUOTA); /* those on their way count */
    wait_all(AG_MAX_MESSAGES);
    ck_assert_int_eq(send("w", "x-a", NULL), ARGO_E_QUOTA);
    ck_ok(send("w", "pause", NULL), o); /* control never waits */
    ck_ok(send("w", "resume", NULL), o);
    fixture_alive(rid);
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    ck_assert_int_eq(send("w", "x-a", NULL), ARGO_E_QUOTA); /* as the store has it */
    struct listed l = stored_messages(rid, 0);
    ck_assert_int_eq(ag_run_messages_read(fx.domain, rid, 1, l.seqs[1], NULL), 0);
    ck_ok(send("w", "x-a", NULL), o);
    ck_ok(send("w", "x-a", NULL), o);
    ck_assert_int_eq(send("w", "x-a", NULL), ARGO_E_QUOTA);
}
END_TEST

START_TEST(received_once)
{
    int64_t rid = start_run("w");
    ck_assert_int_eq(messages_after(rid, 1), stored_seq(rid));
    ck_ok(send("w", "x-a", NULL), o);
    int64_t first = stored_seq(rid);
    ck_ok(send("w", "x-b", NULL), o);
    ck_assert_int_eq(messages_after(rid, 1), first - 1);
    ck_assert_int_eq(ag_run_messages_read(fx.domain, rid, 2, first, NULL), ARGO_E_FENCED);
    ck_assert_int_eq(messages_after(rid, 1), first - 1);
    ck_assert_int_eq(ag_run_messages_read(fx.domain, rid, 1, first, NULL), 0);
    settle_all();
    ck_assert_int_eq(messages_after(rid, 1), first); /* behind it is the second */
    fixture_alive(rid);
    fixture_close();
    fixture_open();
    ag_domain_recover(fx.domain);
    settle_all();
    ck_assert_int_eq(messages_after(rid, 1), first);
    ag_domain_executor_ended(fx.domain, rid, 5000 + rid, 9);
    settle_all();
    ck_assert_int_eq(messages_after(rid, 2), first); /* the next executor gets the second */
    ck_assert_int_eq(ag_run_messages_read(fx.domain, rid, 2, stored_seq(rid), NULL), 0);
    settle_all();
    ck_assert_int_eq(messages_after(rid, 2), stored_seq(rid));
}
END_TEST

/* One that comes later has them in its checkpoint. */
START_TEST(pauses_are_not_kept_for_the_next_executor)
{
    int64_t rid = start_run("w");
    ck_ok(send("w", "pause", NULL), o);
    ag_domain_executor_ended(fx.domain, rid, 1000, 9);
    settle_all();
    ck_ok(send("w", "resume", NULL), o);
    settle_all();
    ck_assert_int_eq(messages_after(rid, 2), stored_seq(rid));
}
END_TEST

/* ---- settings -------------------------------------------------------------------------------- */

START_TEST(settings_are_merged)
{
    int64_t rid = start_run("w");
    ck_ok(send("w", "update_config", "{\"park_after_s\":0,\"log_level\":\"debug\"}"), o);
    ck_config(rid, "{\"log_level\":\"debug\",\"park_after_s\":0}");
    ck_ok(send("w", "update_config", "{\"budget_usd\":0.5,\"log_level\":null}"), o);
    ck_config(rid, "{\"park_after_s\":0,\"budget_usd\":0.5}");
    ck_assert_str_eq(stored_messages(rid, 0).types, "update_config update_config");
    ck_assert_ptr_nonnull(
        strstr(stored_events(rid), "|config::{\"park_after_s\":0,\"budget_usd\":0.5}"));
    struct ag_checkpoint c = {0};
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ck_assert_uint_eq(ag_value_size(c.config), 2);
    ag_record_clear(&ag_checkpoint_record, &c);
    ck_ok(send("w", "update_config", "{\"park_after_s\":null,\"budget_usd\":null}"), o);
    ck_config(rid, "");
    stored_seq(rid);
}
END_TEST

START_TEST(settings_that_are_none)
{
    static const char *const bad[] = {
        "{\"log_level\":\"loud\"}",
        "{\"park_after_s\":-1}",
        "{\"budget_usd\":-0.5}",
        "{\"budget_tokens\":1.5}",
        "{\"budget_tokens\":-1}",
        "{\"budget_usd\":\"1\"}",
        "{\"park_after\":1}",
        "[]",
        "1",
    };
    int64_t rid = start_run("w");
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_msg(send("w", "update_config", bad[i]) == ARGO_E_INVALID, "%s", bad[i]);
    }
    ck_assert_int_eq(send("w", "update_config", "{\"budget_token\":1}"), ARGO_E_INVALID);
    ck_assert_str_eq(o.text,
                     "payload.budget_token: unknown, expected log_level, park_after_s, budget_usd "
                     "or budget_tokens; did you mean 'budget_tokens'?");
    ck_config(rid, "");
    ck_assert_uint_eq(stored_messages(rid, 0).n, 0);
    stored_seq(rid);
}
END_TEST

/* ---- from the executor ----------------------------------------------------------------------- */

START_TEST(what_a_host_tells)
{
    int64_t rid = start_run("w");
    ck_ok(tell(rid, 1, "x-metric", "11111111-2222-4333-8444-555555555555", "{\"n\":1}"), o);
    int64_t seq = stored_seq(rid);
    ck_ok(tell(rid, 1, "x-metric", "11111111-2222-4333-8444-555555555555", "{\"n\":1}"), o);
    ck_assert_int_eq(stored_seq(rid), seq); /* the same again, for no reply was heard */
    ck_ok(tell(rid, 1, "x-metric", NULL, "{\"n\":2}"), o);
    ck_assert_int_eq(stored_seq(rid), seq + 1);
    ck_assert_ptr_nonnull(strstr(stored_events(rid), "|message:x-metric:{\"id\":\"11111111-"));
    ck_assert_uint_eq(stored_messages(rid, 0).n, 0); /* it is for nobody */
    ck_assert_int_eq(tell(rid, 2, "x-metric", NULL, NULL), ARGO_E_FENCED);
    ck_assert_int_eq(tell(rid, 1, "step_stort", NULL, NULL), ARGO_E_INVALID);
    ck_assert_ptr_nonnull(strstr(o.text, "did you mean 'step_start'?"));
    ag_auto_free char *most = payload_of(AG_MAX_TEXT);
    ag_auto_free char *more = payload_of(AG_MAX_TEXT + 1);
    AG_AUTO(ag_value) fits = json(most);
    AG_AUTO(ag_value) does_not = json(more);
    ck_assert_int_eq(ag_message_check_size(fits, NULL), 0);
    ck_assert_int_eq(ag_message_check_size(does_not, NULL), ARGO_E_TOO_LARGE);
}
END_TEST

START_TEST(errors)
{
    int64_t rid = start_run("w");
    ck_ok(tell(rid, 1, "error", NULL, "{\"code\":\"disk\",\"message\":\"full\"}"), o);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_OUTPUT), "error:full");
    ck_assert_ptr_nonnull(strstr(stored_events(rid), "|message:error:{"));
    ck_assert_int_eq(stored_state(rid), AG_RUN_RUNNING);
    ck_assert_int_eq(tell(rid, 1, "error", NULL, "{}"), ARGO_E_INVALID);
    ck_assert_int_eq(tell(rid, 1, "error", NULL, NULL), ARGO_E_INVALID);
    ck_assert_int_eq(tell(rid, 2, "error", NULL, "{\"message\":\"m\",\"fatal\":true}"),
                     ARGO_E_FENCED);
    ck_ok(tell(rid, 1, "error", NULL, "{\"code\":\"disk\",\"message\":\"gone\",\"fatal\":true}"),
          o);
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_int_eq(row.state, AG_RUN_FAILED);
    ck_assert_int_eq(row.pid, 0);
    ck_assert_str_eq(ag_value_get_text(row.error, "code", ""), "disk");
    ck_assert_str_eq(ag_value_get_text(row.error, "message", ""), "gone");
    ag_run_clear(&row);
    ck_assert_str_eq(stored_texts(rid, AG_STREAM_OUTPUT), "error:full|error:gone");
}
END_TEST

/* ---- what has been used ---------------------------------------------------------------------- */

static void complete_with(int64_t rid, const char *path, int64_t attempt, int status,
                          const char *usage)
{
    AG_AUTO(ag_value) value = json(usage);
    ag_auto_free char *own = ag_strdup(path);
    struct ag_step_complete c = {.step = own,
                                 .path = own,
                                 .attempt = attempt,
                                 .status = status,
                                 .usage = value,
                                 .next_step = status == AG_STEP_FAILED ? NULL : own};
    ck_ok(ag_run_step_complete(fx.domain, rid, 1, &c, note_outcome, &o, NULL), o);
}

START_TEST(usage_is_summed_up)
{
    int64_t rid = start_run("w");
    struct ag_checkpoint c = {0};
    complete_with(rid, "a", 1, AG_STEP_FAILED,
                  "{\"model\":\"m\",\"input_tokens\":5,\"output_tokens\":2,\"cost_usd\":0.25}");
    complete_with(rid, "a", 2, AG_STEP_DONE,
                  "{\"model\":\"m\",\"input_tokens\":10,\"output_tokens\":1,\"cost_usd\":0.5}");
    complete_with(rid, "b", 1, AG_STEP_DONE, "{\"input_tokens\":1}");
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ag_auto_free char *text = ag_value_print(c.usage, NULL);
    ck_assert_str_eq(text, "{\"input_tokens\":16,\"output_tokens\":3,\"cost_usd\":0.75,"
                           "\"unpriced\":1}");
    ag_record_clear(&ag_checkpoint_record, &c);
}
END_TEST

/* Sums end; what is beyond their end counts for nothing. */
START_TEST(usage_without_measure)
{
    int64_t rid = start_run("w");
    struct ag_checkpoint c = {0};
    complete_with(rid, "a", 1, AG_STEP_DONE,
                  "{\"input_tokens\":4611686018427387903,\"output_tokens\":1,\"cost_usd\":1}");
    complete_with(rid, "b", 1, AG_STEP_DONE,
                  "{\"input_tokens\":4611686018427387903,\"output_tokens\":2,\"cost_usd\":1}");
    complete_with(rid, "c", 1, AG_STEP_DONE,
                  "{\"input_tokens\":4611686018427387904,\"output_tokens\":4,\"cost_usd\":1}");
    ck_assert_int_eq(ag_run_checkpoint(fx.domain, rid, 1, &c, NULL), 0);
    ag_auto_free char *text = ag_value_print(c.usage, NULL);
    ck_assert_str_eq(text, "{\"input_tokens\":4611686018427387903,\"output_tokens\":3,"
                           "\"cost_usd\":2.0}");
    ag_record_clear(&ag_checkpoint_record, &c);
}
END_TEST

/* What is too long for a name would be in every scrape. */
START_TEST(usage_of_a_model_without_a_name)
{
    int64_t rid = start_run("w");
    char model[AG_MAX_LABEL + 2];
    memset(model, 'm', sizeof(model) - 1);
    model[AG_MAX_LABEL + 1] = '\0';
    const ag_map *usage = ag_domain_stats(fx.domain)->usage;
    for (int i = 0; i < 2; i++) {
        ag_auto_free char *used = ag_asprintf("{\"model\":\"%s\",\"input_tokens\":5}", model + i);
        complete_with(rid, i == 0 ? "a" : "b", 1, AG_STEP_DONE, used);
    }
    ck_assert_uint_eq(ag_map_size(usage), 2);
    ck_assert_ptr_nonnull(ag_map_get(usage, "other"));
    ck_assert_ptr_nonnull(ag_map_get(usage, model + 1));
}
END_TEST

static Suite *messages_suite(void)
{
    Suite *suite = suite_create("domain-messages");
    TCase *tc = tcase_create("messages");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_message_is_an_event_of_the_same_number);
    tcase_add_test(tc, types_that_are_none);
    tcase_add_test(tc, messages_that_are_the_routes);
    tcase_add_test(tc, the_greatest_payload);
    tcase_add_test(tc, the_most_that_wait);
    tcase_add_test(tc, received_once);
    tcase_add_test(tc, pauses_are_not_kept_for_the_next_executor);
    tcase_add_test(tc, settings_are_merged);
    tcase_add_test(tc, settings_that_are_none);
    tcase_add_test(tc, what_a_host_tells);
    tcase_add_test(tc, errors);
    tcase_add_test(tc, usage_is_summed_up);
    tcase_add_test(tc, usage_without_measure);
    tcase_add_test(tc, usage_of_a_model_without_a_name);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(messages_suite)
