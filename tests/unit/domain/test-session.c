/*
 * Sessions: their ids, the runs that are started in them, what is done to all of these at once.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

static struct outcome o;
static char added[64]; /* the id that the last one got */

static void note_added(ag_txn *t, const struct ag_session *session, void *user)
{
    snprintf(added, sizeof(added), "%s", session->session_id);
    ck_assert_int_ne(session->created, 0);
    ck_assert_uint_eq(ag_value_size(session->workflows), 0);
}

static int add(const char *id)
{
    ag_auto_free char *own = ag_strdup(id);
    struct ag_session session = {.session_id = own};
    int r = ag_session_add(fx.domain, &session, note_added, note_outcome, &o, NULL);
    return r < 0 ? r : await(&o);
}

static int removed(const char *id, bool force)
{
    int r = ag_session_remove(fx.domain, id, force, NULL, note_outcome, &o, NULL);
    return r < 0 ? r : await(&o);
}

static int64_t start_in(const char *session, const char *id)
{
    ag_auto_free char *own = ag_strdup(id);
    ag_auto_free char *own_session = ag_strdup(session);
    struct ag_start_request request = {.workflow_id = own, .session_id = own_session};
    int64_t rid = 0;
    int r = start_with(&request, "hash", &rid);
    return r < 0 ? r : rid;
}

/* "sess: run run" */
static const char *show(const char *id)
{
    static char text[256];
    struct ag_session session = {0};
    int r = ag_session_find(fx.domain, id, &session, NULL);
    if (r < 0) {
        return ag_code_name(r);
    }
    snprintf(text, sizeof(text), "%s:", session.session_id);
    struct ag_value_iter it = {0};
    while (ag_value_next(session.workflows, &it)) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, " %s", ag_value_as_text(it.value));
    }
    ag_record_clear(&ag_session_record, &session);
    return text;
}

START_TEST(ids_are_chosen)
{
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_1");
    ck_assert_int_eq(add("mine"), 0);
    ck_assert_int_eq(add("mine"), ARGO_E_EXISTS);
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_2");
    ck_assert_int_eq(add("sess_9"), 0);
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_10");
    ck_assert_int_eq(add("sess_3"), 0); /* below the last one: it keeps its place */
    ck_assert_int_eq(add("sess_x"), 0);
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_11");
    ck_assert_int_eq(add("sess_9223372036854775807"), 0); /* no number to count on from */
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_12");
    ck_assert_int_eq(add("sess_1000000000000000"), 0);
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_1000000000000001");
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_1000000000000002");
}
END_TEST

/* Runs keep the name of their session: another one must not get it by itself. */
START_TEST(a_number_is_not_given_twice)
{
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_int_eq(removed("sess_1", false), 0);
    fixture_close();
    fixture_open();
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_2");
}
END_TEST

START_TEST(two_at_once)
{
    char id[] = "s";
    struct ag_session session = {.session_id = id};
    ck_assert_int_eq(ag_session_add(fx.domain, &session, NULL, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(ag_session_add(fx.domain, &session, NULL, note_outcome, &o, NULL),
                     ARGO_E_EXISTS);
    /* not before its commit */
    struct ag_session back = {0};
    ck_assert_int_eq(ag_session_find(fx.domain, "s", &back, NULL), ARGO_E_NO_SESSION);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_str_eq(show("s"), "s:");
}
END_TEST

START_TEST(there_may_be_ten_thousand)
{
    struct ag_session session = {0};
    struct outcome all = {0};
    for (int i = 0; i < AG_MAX_SESSIONS; i++) {
        ck_assert_int_eq(ag_session_add(fx.domain, &session, NULL, note_outcome, &all, NULL), 0);
    }
    ck_assert_int_eq(ag_session_add(fx.domain, &session, NULL, note_outcome, &o, NULL),
                     ARGO_E_QUOTA);
    settle_all();
    ck_assert_int_eq(all.called, AG_MAX_SESSIONS);
    ck_assert_int_eq(removed("sess_500", false), 0);
    ck_assert_int_eq(add(NULL), 0);
    ck_assert_str_eq(added, "sess_10001");
    ck_assert_int_eq(add(NULL), ARGO_E_QUOTA);
}
END_TEST

START_TEST(runs_are_started_in_one)
{
    ck_assert_int_eq(add("alpha"), 0);
    ck_assert_int_eq(add("beta"), 0);
    int64_t rid = start_in("alpha", "a");
    start_in("alpha", "b");
    start_in("beta", "c");
    start_run("d");
    ck_assert_str_eq(show("alpha"), "alpha: a b");
    ck_assert_str_eq(show("beta"), "beta: c");
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_str_eq(show("alpha"), "alpha: b");
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_str_eq(row.session_id, "alpha");
    ag_run_clear(&row);
    fixture_close();
    fixture_open();
    ck_assert_str_eq(show("alpha"), "alpha: b");
}
END_TEST

START_TEST(one_that_does_not_exist)
{
    ck_assert_int_eq(add("alpha"), 0);
    char id[] = "alhpa";
    struct ag_start_request request = {.session_id = id};
    AG_AUTO(ag_value) text = ag_value_text("workflow_name: x\n");
    request.definition = text;
    AG_AUTO(argo_error) err = NULL;
    int64_t rid = 0;
    ck_assert_int_eq(ag_run_start(fx.domain, &request, "h", &rid, note_outcome, &o, &err),
                     ARGO_E_NO_SESSION);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "did you mean 'alpha'?"));
    ck_assert_str_eq(argo_error_field(err), "session_id");
    ck_assert_int_eq(removed("alhpa", true), ARGO_E_NO_SESSION);
    ck_assert_str_eq(show("alhpa"), "NO_SESSION");
}
END_TEST

START_TEST(one_with_runs_is_not_removed)
{
    ck_assert_int_eq(add("s"), 0);
    int64_t rid = start_in("s", "a");
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_session_remove(fx.domain, "s", false, NULL, note_outcome, &o, &err),
                     ARGO_E_STATE);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "'a' among them"));
    ck_ok(finish_run(rid, 1, 0, &o), o);
    ck_assert_int_eq(removed("s", false), 0);
    ck_assert_str_eq(show("s"), "NO_SESSION");
    struct ag_run row = {0};
    load_row(rid, &row);
    ck_assert_str_eq(row.session_id, "s"); /* what it was remains */
    ag_run_clear(&row);
    ck_assert_int_eq(start_in("s", "b"), ARGO_E_NO_SESSION);
}
END_TEST

static void keep_nothing(ag_txn *t, void *user)
{
    ag_txn_put_meta(t, "kept", "yes");
}

START_TEST(force_abandons_first)
{
    ck_assert_int_eq(add("s"), 0);
    ck_assert_int_eq(add("other"), 0);
    int64_t a = start_in("s", "a"), b = start_in("s", "b"), c = start_in("other", "c");
    ck_assert_int_eq(ag_session_remove(fx.domain, "s", true, keep_nothing, note_outcome, &o, NULL),
                     0);
    ck_assert_int_eq(o.called, 0); /* never from inside */
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(fx.ends, 2);
    ck_assert_int_eq(stored_state(a), AG_RUN_ABANDONED);
    ck_assert_int_eq(stored_state(b), AG_RUN_ABANDONED);
    ck_assert_int_eq(stored_state(c), AG_RUN_RUNNING);
    ck_assert_str_eq(show("s"), "NO_SESSION");
    ag_auto_free char *kept = NULL;
    ck_assert_int_eq(ag_store_meta(fx.store, "kept", &kept, NULL), 1);
}
END_TEST

/* Until nothing of its runs lives the session is there, and what is started in it goes as well. */
START_TEST(force_waits_for_what_lives)
{
    ck_assert_int_eq(add("s"), 0);
    start_in("s", "a");
    fx.hold_ends = true;
    struct outcome abandoned = {0};
    ck_assert_int_eq(ag_run_abandon(fx.domain, "a", NULL, note_outcome, &abandoned, NULL), 0);
    ck_assert_int_eq(ag_session_remove(fx.domain, "s", true, NULL, note_outcome, &o, NULL), 0);
    settle_all();
    ck_assert_int_eq(o.called, 0);
    int64_t late = start_in("s", "b");
    fx.hold_ends = false;
    fixture_let_end();
    ck_assert_int_eq(await(&o), 0);
    ck_assert_int_eq(abandoned.called, 1);
    ck_assert_int_eq(stored_state(late), AG_RUN_ABANDONED);
    ck_assert_str_eq(show("s"), "NO_SESSION");
}
END_TEST

START_TEST(a_failing_store_keeps_it)
{
    ck_assert_int_eq(add("s"), 0);
    int64_t a = start_in("s", "a");
    fixture_alive(a);
    fixture_fail_commits(1);
    ck_assert_int_eq(ag_session_remove(fx.domain, "s", true, NULL, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    settle_all();
    ck_assert_str_eq(show("s"), "s: a");
    ck_assert_int_eq(stored_state(a), AG_RUN_RUNNING);
    ck_assert_int_eq(removed("s", true), 0);
    ck_assert_int_eq(stored_state(a), AG_RUN_ABANDONED);
}
END_TEST

/* "a:paused b:STATE" */
static char told[256];

static void note_run(const char *workflow_id, const argo_error *err, void *user)
{
    size_t len = strlen(told);
    snprintf(told + len, sizeof(told) - len, "%s%s:%s", len == 0 ? "" : " ", workflow_id,
             err == NULL ? "ok" : ag_code_name(argo_error_code(err)));
}

static const char *act(const char *id, bool resume)
{
    told[0] = '\0';
    ck_assert_int_eq(ag_session_pause(fx.domain, id, resume, note_run, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(o.called, 0);
    ck_assert_int_eq(await(&o), 0);
    return told;
}

static int by_word(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Refusals come at once, the others with their commits: by name they are told apart. */
static const char *sorted(const char *text)
{
    static char out[256];
    char copy[256];
    char *words[8];
    size_t n = 0;
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *rest = copy, *word; (word = strsep(&rest, " ")) != NULL;) {
        words[n++] = word;
    }
    qsort(words, n, sizeof(*words), by_word);
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(out);
        snprintf(out + len, sizeof(out) - len, "%s%s", i == 0 ? "" : " ", words[i]);
    }
    return out;
}

START_TEST(its_runs_are_paused_and_resumed)
{
    ck_assert_int_eq(add("s"), 0);
    ck_assert_str_eq(act("s", false), ""); /* without runs too */
    int64_t a = start_in("s", "a"), b = start_in("s", "b"), other = start_run("c");
    int64_t ended = start_in("s", "e");
    ck_ok(finish_run(ended, 1, 0, &o), o);
    ck_assert_str_eq(sorted(act("s", false)), "a:ok b:ok");
    ck_assert_int_eq(stored_state(a), AG_RUN_PAUSED);
    ck_assert_int_eq(stored_state(b), AG_RUN_PAUSED);
    ck_assert_int_eq(stored_state(other), AG_RUN_RUNNING);
    ck_assert_int_eq(ag_run_resume(fx.domain, "a", NULL, note_outcome, &o, NULL), 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_str_eq(sorted(act("s", true)), "a:STATE b:ok"); /* listed, no error */
    ck_assert_int_eq(stored_state(a), AG_RUN_RUNNING);
    ck_assert_int_eq(stored_state(b), AG_RUN_RUNNING);
    ck_assert_int_eq(ag_session_pause(fx.domain, "none", true, note_run, note_outcome, &o, NULL),
                     ARGO_E_NO_SESSION);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("domain-session");
    TCase *tc = tcase_create("session");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, ids_are_chosen);
    tcase_add_test(tc, a_number_is_not_given_twice);
    tcase_add_test(tc, two_at_once);
    tcase_add_test(tc, there_may_be_ten_thousand);
    tcase_add_test(tc, runs_are_started_in_one);
    tcase_add_test(tc, one_that_does_not_exist);
    tcase_add_test(tc, one_with_runs_is_not_removed);
    tcase_add_test(tc, force_abandons_first);
    tcase_add_test(tc, force_waits_for_what_lives);
    tcase_add_test(tc, a_failing_store_keeps_it);
    tcase_add_test(tc, its_runs_are_paused_and_resumed);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
