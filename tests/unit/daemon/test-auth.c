/*
 * The choke point, on stubs of server, store, domain and supervisor: every kind of caller against
 * every kind of route, on both transports.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/context.h"
#include "base/crypto.h"
#include "base/text.h"
#include "daemon/internal.h"
#include "lib/runner.h"

#define OWNER_TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define RUN_TOKEN   "77777777777777777777777777777777777777777777777777777777777777aa"
#define OTHER_TOKEN "88888888888888888888888888888888888888888888888888888888888888aa"
#define USER_TOKEN  "99999999999999999999999999999999999999999999999999999999999999aa"
#define OLD_TOKEN   "66666666666666666666666666666666666666666666666666666666666666aa"

/* ---- stubs ----------------------------------------------------------------------------------- */

struct ag_request {
    bool is_unix;
    const char *authorization;
    const char *id;
    int64_t principal;
    int64_t slot;
};

static int64_t peer_run; /* whom every UNIX peer descends from */
static int peer_errno;   /* why that cannot be looked up */
static int peer_lookups;
static bool store_broken;

bool ag_request_is_unix(const ag_request *req)
{
    return req->is_unix;
}

pid_t ag_request_peer_pid(const ag_request *req)
{
    return 4711;
}

const char *ag_request_header(const ag_request *req, const char *name)
{
    return strcmp(name, "Authorization") == 0 ? req->authorization : NULL;
}

const char *ag_request_param(const ag_request *req, const char *name)
{
    return strcmp(name, "id") == 0 ? req->id : NULL;
}

void ag_request_set_principal(ag_request *req, int64_t principal)
{
    req->principal = principal;
}

int64_t *ag_request_connection_slot(ag_request *req)
{
    return &req->slot;
}

int64_t ag_supervisor_run_of_process(ag_supervisor *s, pid_t pid)
{
    ck_assert_int_eq(pid, 4711);
    peer_lookups++;
    errno = peer_errno;
    return peer_run;
}

int ag_run_find(ag_domain *domain, const char *workflow_id, int64_t *out_rid, argo_error **err)
{
    if (strcmp(workflow_id, "seven") == 0 || strcmp(workflow_id, "eight") == 0) {
        *out_rid = workflow_id[0] == 's' ? 7 : 8;
        return 0;
    }
    return ag_error_set(err, ARGO_E_NO_WORKFLOW, "no '%s'", workflow_id);
}

int ag_store_token(ag_store *s, const char *sha256, struct ag_token *out, argo_error **err)
{
    static const struct {
        const char *token;
        int64_t rid, expires;
    } rows[] = {
        {RUN_TOKEN, 7, 0}, {OTHER_TOKEN, 8, 0}, {USER_TOKEN, 0, INT64_MAX}, {OLD_TOKEN, 7, 1}};

    char hash[AG_SHA256_HEX];
    if (store_broken) {
        return ag_error_set(err, ARGO_E_STORE, "broken");
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(rows); i++) {
        ag_sha256_hex(rows[i].token, strlen(rows[i].token), hash);
        if (strcmp(hash, sha256) == 0) {
            out->rid = rows[i].rid;
            out->expires = rows[i].expires;
            return 1;
        }
    }
    return 0;
}

void ag_token_clear(struct ag_token *token)
{
}

/* ---- one question ---------------------------------------------------------------------------- */

static struct argo_daemon d;
static char token[] = OWNER_TOKEN, home[] = "/the/home";

static void setup(void)
{
    d = (struct argo_daemon){.home = {.token = token, .path = home}};
    ag_sha256_hex(token, strlen(token), d.home.token_hash);
    ck_assert_int_eq(argo_context_new("/the/home", &d.ctx, NULL), 0);
    peer_run = peer_errno = 0;
    peer_lookups = 0;
    store_broken = false;
}

static void teardown(void)
{
    argo_context_free(d.ctx);
}

enum { TCP, UNIX };

static int64_t principal; /* of the last request */

static int ask(int transport, const char *shown, enum ag_access access, const char *id)
{
    struct ag_route route = {AG_GET, "/x", access, NULL};
    char header[200] = "";
    struct ag_request req = {.is_unix = transport == UNIX, .id = id, .principal = -5};
    AG_AUTO(argo_error) err = NULL;
    if (shown != NULL) {
        snprintf(header, sizeof(header), "Bearer %s", shown);
        req.authorization = header;
    }
    int r = ag_daemon_authorize(&req, &route, &d, &err);
    ck_assert_int_eq(argo_error_code(err), r);
    principal = req.principal;
    if (r < 0) {
        ck_assert_int_eq(principal, -1);
        ck_assert_ptr_null(strstr(argo_error_details(err), OWNER_TOKEN));
    }
    return r;
}

/* What CALLER gets of the four kinds of routes; the last two with {id} and for its own run. */
static void expect(int transport, const char *shown, int user, int executor, int both, int64_t who)
{
    const int results[] = {user, executor, both};

    const enum ag_access access[] = {AG_ACCESS_USER, AG_ACCESS_EXECUTOR, AG_ACCESS_BOTH};

    ck_assert_int_eq(ask(transport, shown, AG_ACCESS_PUBLIC, NULL), 0);
    ck_assert_int_eq(principal, who);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_msg(ask(transport, shown, access[i], "seven") == results[i],
                      "transport %d, token %s, access %zu", transport, shown, i);
        ck_assert_int_eq(principal, results[i] == 0 ? who : -1);
    }
    /* The owner or the executor: who may do as one of them, and no other process of the run. */
    int either = ask(transport, shown, AG_ACCESS_EITHER, "seven");
    ck_assert_int_eq(either == 0, user == 0 || executor == 0);
    ck_assert_int_eq(principal, either == 0 ? who : -1);
}

#define NO_TOKEN ARGO_E_NO_TOKEN
#define DENIED   ARGO_E_DENIED

START_TEST(over_tcp)
{
    expect(TCP, NULL, NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
    expect(TCP, "", NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
    expect(TCP, "wrong", NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
    expect(TCP, OWNER_TOKEN "0", NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
    expect(TCP, OLD_TOKEN, NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
    expect(TCP, OWNER_TOKEN, 0, DENIED, 0, 0);
    expect(TCP, USER_TOKEN, 0, DENIED, 0, 0);
    expect(TCP, RUN_TOKEN, DENIED, 0, 0, 7);
    expect(TCP, OTHER_TOKEN, DENIED, DENIED, DENIED, 8);
    ck_assert_int_eq(peer_lookups, 0);
}
END_TEST

START_TEST(the_owner_on_the_socket)
{
    expect(UNIX, NULL, 0, NO_TOKEN, 0, 0);
    expect(UNIX, OWNER_TOKEN, 0, DENIED, 0, 0);
    expect(UNIX, RUN_TOKEN, DENIED, 0, 0, 7);
    expect(UNIX, "wrong", NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
    expect(UNIX, OLD_TOKEN, NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
}
END_TEST

START_TEST(a_process_of_a_run_on_the_socket)
{
    peer_run = 7;
    expect(UNIX, NULL, DENIED, NO_TOKEN, 0, 7);
    expect(UNIX, RUN_TOKEN, DENIED, 0, 0, 7);
    /* It can read the owner's token, and gains nothing by it. */
    expect(UNIX, OWNER_TOKEN, DENIED, DENIED, 0, 7);
    expect(UNIX, OTHER_TOKEN, DENIED, DENIED, 0, 7);
    expect(UNIX, "wrong", NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
}
END_TEST

START_TEST(a_peer_of_unknown_descent)
{
    peer_run = -1;
    expect(UNIX, NULL, NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
    expect(UNIX, OWNER_TOKEN, 0, DENIED, 0, 0);
    expect(UNIX, RUN_TOKEN, DENIED, 0, 0, 7);
}
END_TEST

START_TEST(a_run_reaches_only_itself)
{
    ck_assert_int_eq(ask(TCP, RUN_TOKEN, AG_ACCESS_EXECUTOR, "eight"), DENIED);
    ck_assert_int_eq(ask(TCP, RUN_TOKEN, AG_ACCESS_BOTH, "eight"), DENIED);
    ck_assert_int_eq(ask(TCP, RUN_TOKEN, AG_ACCESS_BOTH, "missing"), DENIED);
    ck_assert_int_eq(ask(TCP, RUN_TOKEN, AG_ACCESS_EXECUTOR, "missing"), DENIED);
    ck_assert_int_eq(ask(TCP, RUN_TOKEN, AG_ACCESS_BOTH, NULL), 0);
    ck_assert_int_eq(principal, 7);
    /* The owner is told by the handler that there is none. */
    ck_assert_int_eq(ask(TCP, OWNER_TOKEN, AG_ACCESS_BOTH, "missing"), 0);
    peer_run = 7;
    ck_assert_int_eq(ask(UNIX, NULL, AG_ACCESS_BOTH, "eight"), DENIED);
}
END_TEST

static int ask_named(const char *shown, enum ag_access access, const char *id)
{
    struct ag_route route = {AG_GET, "/x/{id}/y", access, NULL};
    char header[200];
    snprintf(header, sizeof(header), "Bearer %s", shown);
    struct ag_request req = {.authorization = header, .id = id, .principal = -5};
    int r = ag_daemon_authorize(&req, &route, &d, NULL);
    ck_assert_int_eq(req.principal, r == 0 ? (access == AG_ACCESS_EXECUTOR ? 7 : 0) : -1);
    return r;
}

START_TEST(a_path_names_ids)
{
    static const char *const good[] = {"seven", "missing", "a~1", "A.b-c_d~120"};
    static const char *const bad[] = {"",   ".",   "..",   "a..b",  "-a",   "a b",  "a/b", "~1",
                                      "a~", "a~b", "a~1b", "a~1~2", "a~-1", "..~1", "a\\b"};
    char longest[AG_ID_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[AG_ID_MAX + 1] = '\0';
    ck_assert_int_eq(ask_named(OWNER_TOKEN, AG_ACCESS_USER, longest), ARGO_E_ID);
    longest[AG_ID_MAX] = '\0';
    ck_assert_int_eq(ask_named(OWNER_TOKEN, AG_ACCESS_USER, longest), 0);
    for (size_t i = 0; i < AG_ARRAY_SIZE(good); i++) {
        ck_assert_msg(ask_named(OWNER_TOKEN, AG_ACCESS_BOTH, good[i]) == 0, "%s", good[i]);
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(bad); i++) {
        ck_assert_msg(ask_named(OWNER_TOKEN, AG_ACCESS_BOTH, bad[i]) == ARGO_E_ID, "%s", bad[i]);
        ck_assert_int_eq(ask_named(OWNER_TOKEN, AG_ACCESS_USER, bad[i]), ARGO_E_ID);
        /* Who may not ask is not told what is wrong with the name. */
        ck_assert_int_eq(ask_named("wrong", AG_ACCESS_USER, bad[i]), NO_TOKEN);
        ck_assert_int_eq(ask_named(RUN_TOKEN, AG_ACCESS_EXECUTOR, bad[i]), DENIED);
    }
    ck_assert_int_eq(ask_named(RUN_TOKEN, AG_ACCESS_EXECUTOR, "seven"), 0);
}
END_TEST

START_TEST(the_scheme_of_the_header)
{
    static const struct {
        const char *value;
        int result;
    } cases[] = {
        {"bearer " OWNER_TOKEN, 0},       {"Bearer   " OWNER_TOKEN, 0},
        {OWNER_TOKEN, NO_TOKEN},          {"Basic " OWNER_TOKEN, NO_TOKEN},
        {"Bearer" OWNER_TOKEN, NO_TOKEN}, {"Bearer " OWNER_TOKEN " ", NO_TOKEN},
    };
    struct ag_route route = {AG_GET, "/x", AG_ACCESS_USER, NULL};
    for (size_t i = 0; i < AG_ARRAY_SIZE(cases); i++) {
        struct ag_request req = {.authorization = cases[i].value};
        ck_assert_msg(ag_daemon_authorize(&req, &route, &d, NULL) == cases[i].result, "%s",
                      cases[i].value);
    }
}
END_TEST

START_TEST(descent_is_looked_up_once_a_connection)
{
    struct ag_route route = {AG_GET, "/x", AG_ACCESS_USER, NULL};
    const int64_t runs[] = {0, 7, -1};
    for (size_t i = 0; i < AG_ARRAY_SIZE(runs); i++) {
        struct ag_request req = {.is_unix = true};
        peer_run = runs[i];
        peer_lookups = 0;
        int first = ag_daemon_authorize(&req, &route, &d, NULL);
        ck_assert_int_eq(ag_daemon_authorize(&req, &route, &d, NULL), first);
        ck_assert_int_eq(peer_lookups, 1);
    }
}
END_TEST

/* Without a file to read nobody is refused, and none takes more rights than he has. */
START_TEST(descent_that_cannot_be_looked_up_now)
{
    struct ag_route route = {AG_GET, "/x", AG_ACCESS_USER, NULL};
    const int reasons[] = {EMFILE, ENFILE, ENOMEM};
    for (size_t i = 0; i < AG_ARRAY_SIZE(reasons); i++) {
        struct ag_request req = {.is_unix = true};
        peer_run = -1;
        peer_errno = reasons[i];
        expect(UNIX, NULL, ARGO_E_STORE, ARGO_E_STORE, ARGO_E_STORE, -1);
        expect(UNIX, OWNER_TOKEN, ARGO_E_STORE, ARGO_E_STORE, ARGO_E_STORE, -1);
        ck_assert_int_eq(ag_daemon_authorize(&req, &route, &d, NULL), ARGO_E_STORE);
        peer_run = peer_errno = 0;
        ck_assert_int_eq(ag_daemon_authorize(&req, &route, &d, NULL), 0);
    }
    peer_run = -1;
    peer_errno = ENOENT;
    expect(UNIX, NULL, NO_TOKEN, NO_TOKEN, NO_TOKEN, -1);
}
END_TEST

START_TEST(the_text_says_where_the_token_is)
{
    struct ag_route route = {AG_GET, "/x", AG_ACCESS_USER, NULL};
    struct ag_request req = {.is_unix = false};
    AG_AUTO(argo_error) err = NULL;
    ck_assert_int_eq(ag_daemon_authorize(&req, &route, &d, &err), NO_TOKEN);
    ck_assert_ptr_nonnull(strstr(argo_error_details(err), "/the/home/token"));
}
END_TEST

START_TEST(a_broken_store_lets_nobody_in)
{
    store_broken = true;
    ck_assert_int_eq(ask(TCP, RUN_TOKEN, AG_ACCESS_EXECUTOR, "seven"), ARGO_E_STORE);
    ck_assert_int_eq(ask(TCP, "wrong", AG_ACCESS_USER, NULL), ARGO_E_STORE);
    ck_assert_int_eq(ask(TCP, OWNER_TOKEN, AG_ACCESS_USER, NULL), 0);
    ck_assert_int_eq(ask(TCP, RUN_TOKEN, AG_ACCESS_PUBLIC, NULL), 0);
    ck_assert_int_eq(principal, -1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("daemon/auth");
    TCase *tc = tcase_create("auth");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, over_tcp);
    tcase_add_test(tc, the_owner_on_the_socket);
    tcase_add_test(tc, a_process_of_a_run_on_the_socket);
    tcase_add_test(tc, a_peer_of_unknown_descent);
    tcase_add_test(tc, a_run_reaches_only_itself);
    tcase_add_test(tc, a_path_names_ids);
    tcase_add_test(tc, the_scheme_of_the_header);
    tcase_add_test(tc, descent_is_looked_up_once_a_connection);
    tcase_add_test(tc, descent_that_cannot_be_looked_up_now);
    tcase_add_test(tc, the_text_says_where_the_token_is);
    tcase_add_test(tc, a_broken_store_lets_nobody_in);
    suite_add_tcase(s, tc);
    return s;
}

ARGO_TEST_MAIN(suite)
