/*
 * CIs: what heartbeats and their absence do, what history holds, who receives which message, and
 * what is kept under a name.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fixture.h"

#define SILENCE_MS 200

static struct outcome o;

static void setup(void)
{
    fixture_setup();
    fixture_close();
    fx.ci_silence_ms = SILENCE_MS;
    fixture_open();
}

/* ---- what is done ------------------------------------------------------------------------------ */

static int add(const char *name, const char *session_id)
{
    ag_auto_free char *own = ag_strdup(name);
    ag_auto_free char *session = ag_strdup(session_id);
    struct ag_ci ci = {.name = own, .session_id = session};
    return ag_registry_add(fx.domain, &ci, NULL, note_outcome, &o, NULL);
}

static int beat(const char *name, const char *status, const char *task)
{
    ag_auto_free char *own_status = ag_strdup(status);
    ag_auto_free char *own_task = ag_strdup(task);
    struct ag_ci_heartbeat said = {own_status, own_task};
    return ag_ci_heartbeat(fx.domain, name, &said, NULL, note_outcome, &o, NULL);
}

static int send_to(const char *name, ag_done_fn done)
{
    char type[] = "x";
    ag_value *sent = NULL;
    struct ag_message m = {.type = type};
    int r = ag_ci_send(fx.domain, name, &m, &sent, NULL, done, &o, NULL);
    ag_value_unref(sent);
    return r;
}

static int take_away(const char *name, bool force)
{
    return ag_registry_remove(fx.domain, name, force, NULL, note_outcome, &o, NULL);
}

/* All that was begun is durable; N calls were told. */
static void await_all(int n)
{
    while (o.called < n) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
    ck_assert_int_eq(o.called, n);
    o.called = 0;
}

/* ---- what is stored ---------------------------------------------------------------------------- */

static const char *status_of(const char *name)
{
    static char status[64];
    struct ag_ci ci = {0};
    ck_assert_int_eq(ag_store_ci(fx.store, name, &ci, NULL), 1);
    snprintf(status, sizeof(status), "%s%s%s", ci.status, ci.task == NULL ? "" : "/",
             ci.task == NULL ? "" : ci.task);
    ag_record_clear(&ag_ci_record, &ci);
    return status;
}

struct told {
    char text[512];
    int64_t first, last;
    size_t n;
};

static int tell_event(const struct ag_ci_event *event, void *user)
{
    struct told *t = user;
    size_t len = strlen(t->text);
    if (t->n++ < 8) {
        snprintf(t->text + len, sizeof(t->text) - len, "%s%s:%s", len == 0 ? "" : " ", event->kind,
                 event->status);
    }
    t->first = t->first == 0 ? event->seq : t->first;
    t->last = event->seq;
    return 0;
}

/* "KIND:STATUS ..." of the newest eight. */
static struct told history(const char *name)
{
    struct told t = {0};
    ck_assert_int_eq(ag_store_ci_history(fx.store, name, INT64_MAX, 10000, tell_event, &t, NULL),
                     0);
    return t;
}

static int tell_message(const struct ag_message *m, void *user)
{
    struct told *t = user;
    ck_assert(t->n == 0 || m->seq == t->last + 1);
    t->first = t->n++ == 0 ? m->seq : t->first;
    t->last = m->seq;
    return 0;
}

static struct told messages(const char *name, int64_t after)
{
    struct told t = {0};
    ck_assert_int_eq(ag_store_ci_messages(fx.store, name, after, 10000, tell_message, &t, NULL), 0);
    return t;
}

/* ---- silence ----------------------------------------------------------------------------------- */

static void wait_for(const char *name, const char *status)
{
    while (strcmp(status_of(name), status) != 0) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, -1, NULL), 0);
    }
}

/* Dispatches until MS have passed. */
static void let_pass(int64_t ms)
{
    int64_t end = ag_monotonic_ms() + ms;
    while (ag_monotonic_ms() < end) {
        ck_assert_int_eq(ag_loop_dispatch(fx.loop, 5, NULL), 0);
    }
    settle_all();
}

START_TEST(silence_is_an_error_then_the_end)
{
    ck_ok(add("c", NULL), o);
    ck_ok(beat("c", "busy", "t"), o);
    wait_for("c", "error/t");
    ck_assert_int_eq(take_away("c", false), ARGO_E_STATE); /* it may come back to its task */
    wait_for("c", "stopped");
    ck_assert_str_eq(history("c").text,
                     "silence:stopped silence:error status:busy registered:registered");
    settle_all();
    ck_assert_int_eq(ag_loop_timeout(fx.loop), -1); /* idle: no timer */
    ck_ok(beat("c", NULL, NULL), o);
    ck_assert_str_eq(status_of("c"), "running");
    wait_for("c", "error");
    ck_ok(beat("c", "error", NULL), o); /* it lives, and is in error */
    wait_for("c", "stopped");
}
END_TEST

START_TEST(who_speaks_often_enough)
{
    ck_ok(add("c", NULL), o);
    for (int64_t end = ag_monotonic_ms() + 4 * SILENCE_MS; ag_monotonic_ms() < end;) {
        ck_ok(beat("c", NULL, NULL), o);
    }
    ck_assert_str_eq(history("c").text, "status:running registered:registered");
}
END_TEST

START_TEST(who_need_not_speak)
{
    ck_ok(add("model", NULL), o);
    ck_ok(add("stopped", NULL), o);
    ck_ok(add("removed", NULL), o);
    ck_ok(beat("stopped", "stopped", NULL), o);
    ck_ok(beat("removed", NULL, NULL), o);
    ck_ok(take_away("removed", false), o);
    let_pass(3 * SILENCE_MS);
    ck_assert_str_eq(status_of("model"), "registered");
    ck_assert_str_eq(history("stopped").text, "status:stopped registered:registered");
    ck_assert_str_eq(history("removed").text,
                     "removed:running status:running registered:registered");
    settle_all();
    ck_assert_int_eq(ag_loop_timeout(fx.loop), -1); /* idle: no timer */
}
END_TEST

/* While there was no daemon nobody was silent; then each has its whole time. */
START_TEST(a_daemon_that_was_away)
{
    ck_ok(add("c", NULL), o);
    ck_ok(beat("c", "busy", "t"), o);
    fixture_close();
    ck_assert_int_eq(poll(NULL, 0, 3 * SILENCE_MS), 0);
    int64_t begun = ag_monotonic_ms();
    fixture_open();
    wait_for("c", "error/t");
    ck_assert_int_ge(ag_monotonic_ms() - begun, SILENCE_MS);
    fixture_close();
    fixture_open();
    ck_assert_str_eq(status_of("c"), "error/t");
    wait_for("c", "stopped");
}
END_TEST

/* We have not listened ourselves: what was said meanwhile is read before anybody is judged. */
START_TEST(who_was_not_heard_because_of_us)
{
    ck_ok(add("c", NULL), o);
    ck_ok(beat("c", NULL, NULL), o);
    ck_assert_int_eq(poll(NULL, 0, 3 * SILENCE_MS), 0);
    ck_assert_int_eq(ag_loop_dispatch(fx.loop, 0, NULL), 0);
    ck_ok(beat("c", NULL, NULL), o);
    ck_assert_str_eq(history("c").text, "status:running registered:registered");
}
END_TEST

/* ---- what is written together ------------------------------------------------------------------- */

START_TEST(a_failed_commit_leaves_nothing)
{
    ck_ok(add("c", NULL), o);
    ck_ok(beat("c", "idle", NULL), o);
    ck_ok(send_to("c", note_outcome), o);
    fixture_fail_commits(1);
    struct outcome lost = {0};
    ck_assert_int_eq(beat("c", "busy", "t"), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    ck_assert_str_eq(status_of("c"), "idle");
    ck_assert_str_eq(history("c").text, "status:idle registered:registered");
    fixture_fail_commits(1);
    ck_assert_int_eq(send_to("c", NULL), 0);
    ag_txn_commit(ag_txn_new(fx.store), note_outcome, &lost);
    ck_assert_int_eq(await(&lost), ARGO_E_STORE);
    settle_all();
    ck_ok(send_to("c", note_outcome), o);
    ck_assert_int_eq(messages("c", 0).last, 2); /* without a gap */
    ck_ok(beat("c", "busy", "t"), o);
    ck_assert_int_eq(history("c").first, 3);
}
END_TEST

START_TEST(history_is_bounded)
{
    ck_ok(add("c", NULL), o);
    for (int i = 1; i < AG_MAX_CI_HISTORY; i++) {
        ck_assert_int_eq(beat("c", i % 2 == 0 ? "idle" : "busy", NULL), 0);
    }
    await_all(AG_MAX_CI_HISTORY - 1);
    ck_assert_int_eq(history("c").last, 1);
    ck_assert_uint_eq(history("c").n, AG_MAX_CI_HISTORY);
    ck_ok(beat("c", "running", NULL), o);
    ck_ok(beat("c", "idle", NULL), o);
    ck_assert_uint_eq(history("c").n, AG_MAX_CI_HISTORY);
    ck_assert_int_eq(history("c").last, 3);
}
END_TEST

START_TEST(so_many_may_wait)
{
    ck_ok(add("c", NULL), o);
    for (int i = 0; i < AG_MAX_MESSAGES; i++) {
        ck_assert_int_eq(send_to("c", NULL), 0);
    }
    ck_assert_int_eq(send_to("c", NULL), ARGO_E_QUOTA); /* those on their way count */
    settle_all();
    ck_assert_int_eq(messages("c", 0).last, AG_MAX_MESSAGES);
    ck_assert_int_eq(ag_ci_messages_read(fx.domain, "c", AG_MAX_MESSAGES + 1, NULL),
                     ARGO_E_INVALID);
    ck_assert_int_eq(ag_ci_messages_read(fx.domain, "c", 0, NULL), 0);
    ck_assert_int_eq(send_to("c", NULL), ARGO_E_QUOTA);
    ck_assert_int_eq(ag_ci_messages_read(fx.domain, "c", 2, NULL), 0);
    ck_ok(send_to("c", note_outcome), o);
    ck_ok(send_to("c", note_outcome), o);
    ck_assert_int_eq(send_to("c", NULL), ARGO_E_QUOTA);
    ck_assert_int_eq(messages("c", 0).first, 3);
    ck_assert_int_eq(ag_ci_messages_read(fx.domain, "c", 1, NULL), 0); /* an older request */
    fixture_close();
    fixture_open();
    ck_assert_int_eq(send_to("c", NULL), ARGO_E_QUOTA);
    ck_assert_uint_eq(messages("c", 0).n, AG_MAX_MESSAGES);
}
END_TEST

/* ---- names --------------------------------------------------------------------------------------- */

static void add_many(int from, int n)
{
    for (int i = from; i < from + n; i++) {
        char name[16];
        snprintf(name, sizeof(name), "c%d", i);
        ck_assert_int_eq(add(name, NULL), 0);
    }
    await_all(n);
}

static int start_asking(const char *ci, argo_error **err)
{
    ag_auto_free char *text =
        ag_asprintf("workflow_name: w\ndescription: d\nsteps:\n"
                    "  - {step: a, type: ci_ask, ci: %s, prompt: p, next_step: EXIT}\n",
                    ci);
    AG_AUTO(ag_value) definition = ag_value_text(text);
    struct ag_start_request request = {.definition = definition};
    int64_t rid = 0;
    return ag_run_start(fx.domain, &request, "h", &rid, note_outcome, &o, err);
}

/* A name is kept, and nobody bears it. */
START_TEST(one_that_is_removed_is_not_known)
{
    AG_AUTO(argo_error) err = NULL;
    struct ag_ci_held *ci = NULL;
    ck_ok(add("claude-2", NULL), o);
    ck_ok(add("claude-long", NULL), o);
    ck_ok(start_asking("claude-2", NULL), o);
    ck_ok(take_away("claude-2", false), o);
    ck_assert_int_eq(start_asking("claude-2", &err), ARGO_E_TEMPLATE);
    const struct argo_problem *problem = argo_error_problem(err, 0);
    ck_assert_str_eq(problem->message, "no CI is registered as 'claude-2'");
    ck_assert_str_eq(problem->expected, "claude-long, or a new one: arc ci add claude-2");
    ck_assert_int_eq(ag_ci_named(fx.domain, "claude-lon", &ci, &err), ARGO_E_NO_CI);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "did you mean 'claude-long'?"));
    ck_ok(take_away("claude-long", false), o);
    ck_assert_int_eq(ag_ci_named(fx.domain, "claude-lon", &ci, &err), ARGO_E_NO_CI);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "arc ci add claude-lon"));
}
END_TEST

/* Of so many that are registered, and of so many that were. */
START_TEST(names_are_bounded)
{
    add_many(0, AG_MAX_CIS);
    ck_assert_int_eq(add("more", NULL), ARGO_E_QUOTA);
    ck_ok(take_away("c0", false), o);
    ck_assert_int_eq(poll(NULL, 0, 2), 0); /* the first that was removed */
    ck_ok(add("more", NULL), o);
    for (int i = 1; i < AG_MAX_REMOVED_CIS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "c%d", i);
        ck_assert_int_eq(take_away(name, false), 0);
    }
    await_all(AG_MAX_REMOVED_CIS - 1);
    ck_assert_uint_eq(history("c0").n, 2);
    ck_ok(take_away("more", false), o);
    ck_assert_uint_eq(history("c0").n, 0);
    ck_assert_uint_eq(history("c1").n, 2);
    fixture_close();
    fixture_open();
    ck_ok(add("c0", NULL), o);
    ck_ok(add("c1", NULL), o);
    ck_assert_int_eq(history("c0").first, 1);
    ck_assert_int_eq(history("c1").first, 3);
}
END_TEST

/* What a store that was repaired still has of a name that nobody bears. */
START_TEST(leftovers_of_a_name)
{
    char type[] = "old";
    struct ag_message m = {.type = type, .seq = 5};
    ag_txn *t = ag_txn_new(fx.store);
    ag_txn_put_ci_message(t, "c", &m);
    ag_txn_commit(t, note_outcome, &o);
    ck_assert_int_eq(await(&o), 0);
    ck_ok(add("c", NULL), o);
    ck_assert_uint_eq(messages("c", 0).n, 0);
    for (int i = 0; i < 5; i++) {
        ck_ok(send_to("c", note_outcome), o);
    }
    ck_assert_uint_eq(messages("c", 0).n, 5);
}
END_TEST

START_TEST(a_session_that_is_removed)
{
    char id[] = "s";
    struct ag_session session = {.session_id = id};
    ck_assert_int_eq(add("c", "s"), ARGO_E_NO_SESSION);
    ck_ok(ag_session_add(fx.domain, &session, NULL, note_outcome, &o, NULL), o);
    ck_ok(add("c", "s"), o);
    ck_ok(add("gone", "s"), o);
    ck_ok(take_away("gone", false), o);
    ck_ok(beat("c", "busy", NULL), o);
    ck_ok(ag_session_remove(fx.domain, "s", false, NULL, note_outcome, &o, NULL), o);
    ck_assert_str_eq(history("c").text, "session:busy status:busy registered:registered");
    ck_assert_str_eq(history("gone").text, "removed:registered registered:registered");
}
END_TEST

/* ---- who waits ------------------------------------------------------------------------------------ */

struct waiter {
    struct ag_watch watch;
    unsigned told;
    int64_t seen; /* the last message in the store when it was told */
};

static void told(struct ag_watch *watch, unsigned changes)
{
    struct waiter *w = AG_CONTAINER_OF(watch, struct waiter, watch);
    w->told |= changes;
    w->seen = messages("c", 0).last;
}

static int wait_with(struct waiter *w)
{
    *w = (struct waiter){.watch = {.mask = AG_CHANGE_MESSAGE, .changed = told}};
    ag_list_init(&w->watch.node);
    return ag_ci_watch_add(fx.domain, "c", &w->watch, NULL);
}

START_TEST(who_waits_is_told_after_the_commit)
{
    struct waiter w;
    ck_assert_int_eq(wait_with(&w), ARGO_E_NO_CI);
    ck_ok(add("c", NULL), o);
    ck_assert_int_eq(wait_with(&w), 0);
    ck_ok(beat("c", "busy", NULL), o);
    ck_assert_uint_eq(w.told, 0);
    ck_assert_int_eq(send_to("c", note_outcome), 0);
    ck_assert_uint_eq(w.told, 0);
    ck_assert_int_eq(await(&o), 0);
    ck_assert_uint_eq(w.told, AG_CHANGE_MESSAGE);
    ck_assert_int_eq(w.seen, 1);
    w.told = 0;
    fixture_fail_commits(1);
    ck_assert_int_eq(send_to("c", note_outcome), 0);
    ck_assert_int_eq(await(&o), ARGO_E_STORE);
    settle_all();
    ck_assert_uint_eq(w.told & AG_CHANGE_ENDED, 0); /* it looks for itself after a reload */
    w.told = 0;
    ck_ok(send_to("c", note_outcome), o);
    ck_assert_uint_eq(w.told, AG_CHANGE_MESSAGE);
    ck_ok(take_away("c", true), o);
    ck_assert_uint_ne(w.told & AG_CHANGE_ENDED, 0);
    struct waiter late;
    ck_assert_int_eq(wait_with(&late), ARGO_E_NO_CI);
    ag_watch_remove(&w.watch);
}
END_TEST

START_TEST(so_many_may_ask)
{
    static struct waiter all[AG_MAX_WATCHES + 1];
    ck_ok(add("c", NULL), o);
    for (int i = 0; i < AG_MAX_WATCHES; i++) {
        ck_assert_int_eq(wait_with(&all[i]), 0);
    }
    ck_assert_int_eq(wait_with(&all[AG_MAX_WATCHES]), ARGO_E_WAITERS);
    ag_watch_remove(&all[7].watch);
    ck_assert_int_eq(wait_with(&all[AG_MAX_WATCHES]), 0);
}
END_TEST

static Suite *cis_suite(void)
{
    Suite *suite = suite_create("domain-cis");
    TCase *tc = tcase_create("cis");
    tcase_add_checked_fixture(tc, setup, fixture_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, silence_is_an_error_then_the_end);
    tcase_add_test(tc, who_speaks_often_enough);
    tcase_add_test(tc, who_need_not_speak);
    tcase_add_test(tc, a_daemon_that_was_away);
    tcase_add_test(tc, who_was_not_heard_because_of_us);
    tcase_add_test(tc, a_failed_commit_leaves_nothing);
    tcase_add_test(tc, history_is_bounded);
    tcase_add_test(tc, so_many_may_wait);
    tcase_add_test(tc, one_that_is_removed_is_not_known);
    tcase_add_test(tc, names_are_bounded);
    tcase_add_test(tc, leftovers_of_a_name);
    tcase_add_test(tc, a_session_that_is_removed);
    tcase_add_test(tc, who_waits_is_told_after_the_commit);
    tcase_add_test(tc, so_many_may_ask);
    suite_add_tcase(suite, tc);
    return suite;
}

ARGO_TEST_MAIN(cis_suite)
