/*
 * Routes of the daemon itself: health, version, metrics, sync, shutdown.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <argo/version.h>

#include "base/crypto.h"
#include "base/text.h"
#include "daemon/api.h"
#include "daemon/metrics.h"
#include "daemon/mirror.h"
#include "wire/envelope.h"

#define API_VERSION 1

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX  ((size_t)4 * 1024 * 1024)

/* The proof that this daemon has the token, bound to the port that was asked. */
static int add_proof(struct argo_daemon *daemon, ag_request *req, ag_value *reply, argo_error **err)
{
    const char *challenge = ag_request_query(req, "challenge");
    if (challenge == NULL) {
        return 0;
    }
    if (strlen(challenge) != 64 || strspn(challenge, "0123456789abcdefABCDEF") != 64) {
        return ag_error_field(err, ARGO_E_INVALID, "challenge",
                              "challenge: expected 64 hexadecimal digits");
    }
    char proof[AG_SHA256_HEX];
    ag_auto_free char *text = ag_asprintf("argo1|%u|%s", (unsigned)ag_request_port(req), challenge);
    if (text == NULL) {
        return ag_error_nomem(err);
    }
    ag_hmac_sha256_hex(daemon->home.token, text, proof);
    return ag_value_set(reply, "proof", ag_value_text(proof));
}

static void add_details(struct argo_daemon *daemon, ag_value *data)
{
    struct ag_domain_counts counts;
    ag_domain_count(daemon->domain, &counts);
    int64_t uptime = ag_context_now_ms(daemon->ctx) - daemon->started_ms;
    ag_value_set(data, "version", ag_value_text(ARGO_VERSION));
    ag_value_set(data, "pid", ag_value_int(daemon->pid));
    ag_value_set(data, "uptime", ag_value_real((double)uptime / 1000));
    ag_value_set(data, "store", ag_value_text(ag_store_healthy(daemon->store) ? "ok" : "failing"));
    ag_value_set(data, "workflows", ag_value_int((int64_t)counts.live));
    ag_value_set(data, "executors", ag_value_int((int64_t)counts.processes));
    ag_value_set(data, "open_questions", ag_value_int((int64_t)counts.open_questions));
    ag_value_set(data, "port", ag_value_int(daemon->port));
}

static ag_value *health_data(void)
{
    ag_value *data = ag_value_object();
    ag_value_set(data, "service", ag_value_text("argo-daemon"));
    return data;
}

/* What anybody is told is always the same: it is printed once. */
static void reply_to_anybody(struct argo_daemon *daemon, ag_request *req)
{
    if (daemon->health == NULL) {
        AG_AUTO(ag_value) reply = ag_envelope_success();
        ag_envelope_finish(reply, health_data());
        daemon->health = ag_value_print(reply, &daemon->health_len);
    }
    ag_request_reply_text(req, 200, "application/json", ag_strdup(daemon->health),
                          daemon->health_len);
}

void ag_api_health(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    bool owner = ag_request_principal(req) == 0;
    if (!owner && ag_request_query(req, "challenge") == NULL) {
        reply_to_anybody(daemon, req);
        return;
    }
    AG_AUTO(ag_value) reply = ag_envelope_success();
    if (add_proof(daemon, req, reply, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    ag_value *data = health_data();
    if (owner) {
        add_details(daemon, data);
    }
    ag_envelope_finish(reply, data);
    ag_request_reply(req, 200, ag_take(reply));
}

/* The hash of the program as it lies on the disk now; false when it cannot be read. */
static bool hash_on_disk(char out[AG_SHA256_HEX])
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n <= 0) {
        return false;
    }
    path[n] = '\0';
    /* After a replacement the link reads "... (deleted)": the new file bears the old name. */
    char *deleted = strstr(path, " (deleted)");
    if (deleted != NULL) {
        *deleted = '\0';
    }
    ag_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && ag_sha256_fd(fd, out, NULL) == 0;
}

void ag_api_version(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    char disk[AG_SHA256_HEX] = "";
    bool readable = hash_on_disk(disk);
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "version", ag_value_text(ARGO_VERSION));
    ag_value_set(reply, "binary_sha256", ag_value_text(daemon->binary_sha256));
    ag_value_set(reply, "disk_sha256", ag_value_text(disk));
    ag_value_set(reply, "update_available",
                 ag_value_bool(readable && strcmp(disk, daemon->binary_sha256) != 0));
    ag_value_set(reply, "api_version", ag_value_int(API_VERSION));
    ag_value_set(reply, "pid", ag_value_int(daemon->pid));
    ag_envelope_finish(reply, NULL);
    ag_request_reply(req, 200, reply);
}

void ag_api_metrics(ag_request *req, void *user)
{
    argo_error *err = NULL;
    ag_auto_buf text = AG_BUF_INIT(METRICS_MAX);
    ag_metrics_print(user, &text);
    if (ag_buf_check(&text, "the metrics", &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    size_t len = text.len;
    ag_request_reply_text(req, 200, METRICS_TYPE, ag_buf_take(&text), len);
}

/* ---- sync --------------------------------------------------------------------------------------- */

/* That the files are not up to date is no error of anybody's but who asks for them. */
static void synced(const argo_error *err, void *user)
{
    struct ag_api_call *call = user;
    if (err != NULL) {
        AG_AUTO(argo_error) shown = NULL;
        ag_error_set(&shown, ARGO_E_STORE, "%s", argo_error_details(err));
        ag_api_refuse(call, shown);
        return;
    }
    ag_value *reply = ag_envelope_success();
    ag_envelope_finish(reply, NULL);
    ag_api_finish(call, reply);
}

void ag_api_sync(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, NULL);
    if (call != NULL && !ag_api_repeated(call)) {
        ag_mirror_sync(daemon->mirror, synced, call);
    }
}

/* ---- shutdown ---------------------------------------------------------------------------------- */

struct shutdown {
    struct ag_api_call *call;
    int64_t grace_ms;
    size_t left; /* runs that are being abandoned */
};

static ag_value *shutdown_reply(void)
{
    ag_value *reply = ag_envelope_success();
    ag_envelope_finish(reply, NULL);
    return reply;
}

static void reply_shutdown(struct ag_api_call *call)
{
    ag_request_reply(call->req, 200, shutdown_reply());
}

/* A daemon whose store fails stops all the same; only the reply is not kept then. */
static void shutdown_now(const argo_error *err, void *user)
{
    struct shutdown *s = user;
    struct argo_daemon *daemon = s->call->daemon;
    ag_api_done(NULL, s->call);
    ag_daemon_begin_stop(daemon, s->grace_ms);
    free(s);
}

/* The effect has no transaction; the reply is kept before it, so that the same request does not
 * stop the daemon that is started next. */
static void keep_and_shut_down(struct shutdown *s)
{
    ag_txn *t = s->call->key != NULL ? ag_txn_new(s->call->daemon->store) : NULL;
    if (t == NULL) {
        shutdown_now(NULL, s);
        return;
    }
    AG_AUTO(ag_value) reply = shutdown_reply();
    ag_api_keep(s->call, t, 200, reply);
    ag_txn_commit(t, shutdown_now, s);
}

static void one_abandoned(const argo_error *err, void *user)
{
    struct shutdown *s = user;
    if (--s->left == 0) {
        keep_and_shut_down(s);
    }
}

struct id_list {
    char **ids;
    size_t n;
};

static int collect_id(const struct ag_run *run, void *user)
{
    struct id_list *list = user;
    char **more = realloc(list->ids, (list->n + 1) * sizeof(*more));
    if (more == NULL) {
        return ARGO_E_NOMEM;
    }
    list->ids = more;
    list->ids[list->n] = ag_strdup(run->workflow_id);
    list->n += list->ids[list->n] != NULL ? 1 : 0;
    return 0;
}

static void abandon_all(struct shutdown *s)
{
    struct argo_daemon *daemon = s->call->daemon;
    struct id_list list = {0};
    struct ag_run_filter filter = {.state = -1, .limit = INT32_MAX};
    s->left = 1; /* ours, so that the last of the others is not the end too early */
    (void)ag_store_runs(daemon->store, &filter, collect_id, &list, NULL);
    for (size_t i = 0; i < list.n; i++) {
        if (ag_run_abandon(daemon->domain, list.ids[i], NULL, one_abandoned, s, NULL) == 0) {
            s->left++;
        }
        free(list.ids[i]);
    }
    free(list.ids);
    one_abandoned(NULL, s);
}

static int read_shutdown(const ag_value *body, struct shutdown *out, bool *out_abandon,
                         argo_error **err)
{
    const ag_value *grace = ag_value_get(body, "grace_s");
    const ag_value *abandon = ag_value_get(body, "abandon");
    double seconds = grace == NULL ? 5 : ag_value_as_real(grace);
    if ((grace != NULL && !ag_value_is_number(grace)) || seconds < 0 || seconds > 3600) {
        return ag_error_field(err, ARGO_E_INVALID, "grace_s",
                              "grace_s: expected 0 to 3600 seconds");
    }
    if (abandon != NULL && !ag_value_is(abandon, ARGO_TYPE_BOOL)) {
        return ag_error_field(err, ARGO_E_INVALID, "abandon", "abandon: expected true or false");
    }
    out->grace_ms = (int64_t)(seconds * 1000);
    *out_abandon = ag_value_as_bool(abandon);
    return 0;
}

void ag_api_shutdown(ag_request *req, void *user)
{
    struct ag_api_call *call = ag_api_call_new(user, req, 0, reply_shutdown);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    bool abandon = false;
    struct shutdown *s = calloc(1, sizeof(*s));
    int r =
        s == NULL ? ag_error_nomem(&err) : read_shutdown(ag_request_body(req), s, &abandon, &err);
    if (r < 0) {
        free(s);
        ag_api_refuse(call, err);
        return;
    }
    s->call = call;
    if (abandon) {
        abandon_all(s);
    } else {
        keep_and_shut_down(s);
    }
}
