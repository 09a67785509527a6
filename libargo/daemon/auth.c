/*
 * The choke point: who calls, whether the route is his, and whether what the path names can be the
 * name of anything. Every request passes here after the router and before its body is read; what
 * no rule allows is refused. Nothing here answers a request or knows what a route does.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/text.h"
#include "daemon/internal.h"

#define OWNER  0
#define NOBODY (-1)

/* What is known of a caller before his route is looked at. */
struct caller {
    int64_t principal; /* OWNER, a rid or NOBODY */
    bool shown;        /* a token was shown, whatever it is worth */
    bool run_token;    /* and is the run's */
};

/* The token of `Authorization: Bearer TOKEN`, or NULL. */
static const char *bearer(const ag_request *req)
{
    const char *value = ag_request_header(req, "Authorization");
    if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0) {
        return NULL;
    }
    return value + 7 + strspn(value + 7, " ");
}

/* What a token is worth. Only hashes are compared and looked up: the time that takes tells
 * nothing about a token. */
static int look_up(struct argo_daemon *daemon, const char *token, struct caller *out,
                   argo_error **err)
{
    char shown[AG_SHA256_HEX];
    struct ag_token row = {0};
    ag_sha256_hex(token, strlen(token), shown);
    out->principal = NOBODY;
    if (ag_equal_constant_time(shown, daemon->home.token_hash)) {
        out->principal = OWNER;
        return 0;
    }
    int found = ag_store_token(daemon->store, shown, &row, err);
    if (found > 0 && (row.expires == 0 || ag_context_now_ms(daemon->ctx) < row.expires)) {
        out->run_token = row.rid > 0;
        out->principal = row.rid > 0 ? row.rid : OWNER;
    }
    ag_token_clear(&row);
    return found < 0 ? found : 0;
}

/* Whom a UNIX peer descends from, looked up once a connection: OWNER, a rid or NOBODY. Who cannot be
 * looked up for now is not nobody: he is to try again. */
static int peer(struct argo_daemon *daemon, ag_request *req, int64_t *out, argo_error **err)
{
    int64_t *slot = ag_request_connection_slot(req);
    if (*slot == 0) { /* not looked up; results are kept 2 higher */
        errno = 0;
        int64_t from = ag_supervisor_run_of_process(daemon->supervisor, ag_request_peer_pid(req));
        if (from == NOBODY && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
            return ag_error_set(err, ARGO_E_STORE, "who calls cannot be looked up now: %s",
                                strerror(errno));
        }
        *slot = from + 2;
    }
    *out = *slot - 2;
    return 0;
}

/* A process of a run keeps that run's rights whatever else it shows; a token that is worth
 * nothing is never made up for by the connection. */
static int identify(struct argo_daemon *daemon, ag_request *req, struct caller *out,
                    argo_error **err)
{
    const char *token = bearer(req);
    int64_t from = NOBODY;
    int r = ag_request_is_unix(req) ? peer(daemon, req, &from, err) : 0;
    *out = (struct caller){.principal = from, .shown = token != NULL};
    r = r == 0 && token != NULL ? look_up(daemon, token, out, err) : r;
    if (r == 0 && from > 0 && out->principal != NOBODY && out->principal != from) {
        out->principal = from;
        out->run_token = false;
    }
    return r;
}

static int refuse_unknown(const struct argo_daemon *daemon, const struct caller *caller,
                          argo_error **err)
{
    if (caller->shown) {
        return ag_error_set(err, ARGO_E_NO_TOKEN,
                            "the token shown is not valid (any more); the owner's is in %s/token",
                            daemon->home.path);
    }
    return ag_error_set(err, ARGO_E_NO_TOKEN,
                        "send 'Authorization: Bearer TOKEN'; the owner's token is in %s/token",
                        daemon->home.path);
}

/* A run's caller reaches what concerns that run: {id} is its own, or there is none. */
static int check_own(struct argo_daemon *daemon, const ag_request *req, int64_t rid,
                     argo_error **err)
{
    const char *id = ag_request_param(req, "id");
    int64_t named = 0;
    int r = id != NULL ? ag_run_find(daemon->domain, id, &named, err) : 0;
    if (r == ARGO_E_NO_WORKFLOW || r == ARGO_E_ID || (r >= 0 && id != NULL && named != rid)) {
        return ag_error_set(err, ARGO_E_DENIED, "a run reaches only itself, not '%s'", id);
    }
    return r < 0 ? r : 0;
}

static int check_executor(struct argo_daemon *daemon, const ag_request *req,
                          const struct caller *caller, argo_error **err)
{
    if (!caller->run_token) {
        return ag_error_set(err, caller->shown ? ARGO_E_DENIED : ARGO_E_NO_TOKEN,
                            "only the run's executor may do this, with the run's token");
    }
    return check_own(daemon, req, caller->principal, err);
}

static int check(struct argo_daemon *daemon, const ag_request *req, enum ag_access access,
                 const struct caller *caller, argo_error **err)
{
    if (access == AG_ACCESS_PUBLIC) {
        return 0;
    }
    if (caller->principal == NOBODY) {
        return refuse_unknown(daemon, caller, err);
    }
    if (access == AG_ACCESS_EXECUTOR) {
        return check_executor(daemon, req, caller, err);
    }
    if (caller->principal == OWNER) {
        return 0;
    }
    if (access == AG_ACCESS_EITHER) {
        return check_executor(daemon, req, caller, err);
    }
    if (access == AG_ACCESS_BOTH) {
        return check_own(daemon, req, caller->principal, err);
    }
    return ag_error_set(err, ARGO_E_DENIED, "a run may not do this, only the owner");
}

/* An older run of an id is "ID~N": what stands before counts. */
static size_t id_length(const char *name, const char *value)
{
    const char *mark = strcmp(name, "id") == 0 ? strrchr(value, '~') : NULL;
    bool older =
        mark != NULL && mark[1] != '\0' && mark[1 + strspn(mark + 1, "0123456789")] == '\0';
    return older ? (size_t)(mark - value) : strlen(value);
}

bool ag_daemon_is_run_id(const char *text)
{
    ag_auto_free char *id = ag_strndup(text, id_length("id", text));
    return id != NULL && ag_id_valid(id);
}

/* Whatever a route's path names ({id}, {name} ...) is an id: said here once, so that no handler
 * sees anything else. */
static int check_names(const ag_request *req, const struct ag_route *route, argo_error **err)
{
    int r = 0;
    const char *at = route->pattern;
    while (r == 0 && (at = strchr(at, '{')) != NULL) {
        size_t len = strcspn(++at, "}");
        ag_auto_free char *name = ag_strndup(at, len);
        const char *value = name != NULL ? ag_request_param(req, name) : NULL;
        ag_auto_free char *id = value != NULL ? ag_strndup(value, id_length(name, value)) : NULL;
        r = id != NULL ? ag_id_check(id, name, err) : ag_error_nomem(err);
    }
    return r;
}

int ag_daemon_authorize(ag_request *req, const struct ag_route *route, void *user, argo_error **err)
{
    struct argo_daemon *daemon = user;
    struct caller caller;
    ag_request_set_principal(req, NOBODY);
    int r = identify(daemon, req, &caller, err);
    if (r < 0 && route->access != AG_ACCESS_PUBLIC) {
        return r;
    }
    if (r < 0) { /* health answers while the store does not */
        caller.principal = NOBODY;
        argo_error_free(err != NULL ? ag_take(*err) : NULL);
    }
    r = check(daemon, req, route->access, &caller, err);
    if (r == 0) {
        r = check_names(req, route, err);
    }
    if (r == 0) {
        ag_request_set_principal(req, caller.principal);
    }
    return r;
}
