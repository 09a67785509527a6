/*
 * A client of a daemon's REST API: paths and JSON text in, JSON text out. The typed calls of
 * <argo/workflow.h>, <argo/lifecycle.h>, <argo/question.h>, <argo/message.h> and
 * <argo/registry.h> go through it; what they have in common is said below.
 *
 * Over the UNIX socket of the context's home, or http://127.0.0.1:PORT. Over TCP the home's token
 * is shown only to a daemon that has proved that it knows it. Every POST and DELETE carries an
 * Idempotency-Key, the same for all tries of one call, so that nothing happens twice.
 *
 * Two ways of use, which may be mixed: argo_client_call blocks; argo_client_start calls back from
 * argo_client_dispatch, which a host runs when argo_client_get_fd is readable or
 * argo_client_get_timeout has passed.
 *
 * Thread-safety: a client and its requests belong to one thread at a time. Not to be used after
 * fork in the child.
 */
#ifndef ARGO_CLIENT_H
#define ARGO_CLIENT_H

#include <argo/context.h>

ARGO_BEGIN_DECLS

typedef struct argo_client argo_client;
typedef struct argo_client_request argo_client_request;

/* The outcome of a request, exactly once. REPLY is a whole JSON text, NUL-terminated and LEN bytes
 * long ("null" for a reply without a body), or NULL when ERR is given; both are borrowed and valid
 * during the call. The request's handle is gone. May start, cancel and free anything, the client
 * included; may not block on this client. */
typedef void (*argo_client_fn)(void *user, const char *reply, size_t len, const argo_error *err);

enum argo_client_flags {
    /* The reply may take long on purpose (`timeout=` in the query): a connection of its own. */
    ARGO_CLIENT_LONG_POLL = 1,
    /* While the daemon is away or says 503, go on trying for TIMEOUT_MS, each try as long. */
    ARGO_CLIENT_RETRY = 2
};

/* Makes a client of the daemon at URL: NULL for the UNIX socket of the home of CTX, or "unix:" and
 * an absolute path, or "http://127.0.0.1:PORT". CTX must outlive it. Does not connect and does not
 * block. The caller frees *OUT. Errors: ARGO_E_INVALID (any other URL; beyond loopback needs
 * https, which is not supported yet), ARGO_E_NOMEM, ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_client_new(argo_context *ctx, const char *url, argo_client **out,
                                argo_error **err);

/* Frees CLIENT (NULL is allowed) and cancels its requests without calling back. Inside a callback
 * it takes effect when the dispatch returns. Does not block. Since: 0.1 */
ARGO_PUBLIC void argo_client_free(argo_client *client);

/* Names the program that uses CLIENT, as in "arc": the daemon records it as `answered_via` of the
 * questions that it answers. NAME is copied: an id, [A-Za-z0-9][A-Za-z0-9._-]{0,63} without "..".
 * Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NOMEM. Since: 0.1 */
ARGO_PUBLIC int argo_client_set_name(argo_client *client, const char *name, argo_error **err);

/* Sends METHOD ("GET", "POST", "DELETE") for PATH (with its query, encoded: argo_client_path) and
 * blocks until the reply, at most TIMEOUT_MS milliseconds a try (0: 30 s); started requests go on
 * meanwhile and may call back. BODY is JSON of LEN bytes, or NULL. *REPLY is JSON text of at most
 * 16 MiB, which the caller frees with free(); REPLY_LEN may be NULL. While the daemon says 503 with
 * Retry-After, as in an upgrade, it is asked again for up to 5 s.
 * Errors: those of the daemon, with its code and words; ARGO_E_NO_DAEMON (nobody listens),
 * ARGO_E_TIMEOUT, ARGO_E_DENIED (over TCP: not your daemon; it was shown nothing),
 * ARGO_E_NO_TOKEN (over TCP: no token file), ARGO_E_PROTOCOL, ARGO_E_JSON (BODY), ARGO_E_INVALID,
 * ARGO_E_STATE (inside a callback of this client), ARGO_E_NOMEM. Since: 0.1 */
ARGO_PUBLIC int argo_client_call(argo_client *client, const char *method, const char *path,
                                 const char *body, size_t len, int64_t timeout_ms, char **reply,
                                 size_t *reply_len, argo_error **err);

/* As argo_client_call, without blocking: FN is called once from a later dispatch, never from
 * inside. FLAGS are of enum argo_client_flags. BODY is copied. *OUT (OUT may be NULL) serves for
 * argo_client_cancel until FN is called. Errors here: ARGO_E_INVALID, ARGO_E_JSON, ARGO_E_NOMEM;
 * all others come to FN. Since: 0.1 */
ARGO_PUBLIC int argo_client_start(argo_client *client, const char *method, const char *path,
                                  const char *body, size_t len, int64_t timeout_ms, unsigned flags,
                                  argo_client_fn fn, void *user, argo_client_request **out,
                                  argo_error **err);

/* Ends a request that has not called back yet; it never will. NULL is allowed. What the daemon has
 * already begun goes on. Does not block. Since: 0.1 */
ARGO_PUBLIC void argo_client_cancel(argo_client_request *request);

/* For a host's own loop: the fd (owned by CLIENT), the poll events to wait for on it, and the
 * milliseconds to wait at most: 0 for at once, -1 for no limit. Ask again after each dispatch.
 * Since: 0.1 */
ARGO_PUBLIC int argo_client_get_fd(const argo_client *client);
ARGO_PUBLIC short argo_client_get_events(const argo_client *client);
ARGO_PUBLIC int argo_client_get_timeout(const argo_client *client);

/* Does what can be done without blocking, and calls back. Errors: ARGO_E_INVALID, ARGO_E_STATE
 * (inside a callback of this client), ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_client_dispatch(argo_client *client, argo_error **err);

/* What has become of a typed call, exactly once: RESULT is what the call would have returned had it
 * blocked. ERR is given when RESULT is negative; it is borrowed and valid during the call. The
 * call's handle is gone. May start, cancel and free anything, the client included; may not block
 * on this client. */
typedef void (*argo_call_fn)(void *user, int result, const argo_error *err);

/* How a typed call is made; for each one the same:
 *
 * HOW is NULL, or its `fn` is: the call blocks and returns its outcome. Requests that were started
 * go on meanwhile and may call back. Inside a callback of the client it is ARGO_E_STATE.
 *
 * `fn` is given: the call returns 0 at once and `fn` gets the outcome, from a later dispatch. What
 * the call would have given through its out-parameters is stored there just before `fn` is called,
 * so they must live until then; nothing is stored on failure, after a cancel, or when the client
 * was freed. A negative return means that the call was not begun: `fn` will not be called.
 *
 * What is given in is copied before the call returns. Objects that come out are snapshots: they
 * belong to the caller, who frees them, and do not change any more. Where JSON goes in, a length of
 * 0 stands for the text up to its NUL. Beside those that are named at a call, each may fail with
 * the errors of argo_client_call. */
struct argo_call_options {
    size_t size;        /* set by ARGO_CALL_OPTIONS_INIT */
    int64_t timeout_ms; /* of one try, on top of what the call waits for on purpose; 0: 30,000 */
    int64_t retry_ms;   /* while the daemon is away or says 503, go on trying; -1: without limit */
    argo_call_fn fn;    /* NULL: block */
    void *user;         /* for `fn` */
    argo_client_request **request; /* with `fn`: serves for argo_client_cancel until `fn` is called;
                                      NULL: not wanted */
};

#define ARGO_CALL_OPTIONS_INIT                                   \
    {                                                            \
        sizeof(struct argo_call_options), 0, 0, NULL, NULL, NULL \
    }

/* Which part of a sequence is read: records of a run, messages to a CI. */
struct argo_read_options {
    size_t size;   /* set by ARGO_READ_OPTIONS_INIT */
    int64_t after; /* begin after the one of this number; 0: with the first */
    int64_t limit; /* at most so many; 0: 1,000. About 1 MiB of text ends it, too */
    int64_t
        wait_ms; /* when there is none, wait for one, at most so long (10 minutes, 30 s over TCP);
                        0: do not wait */
};

#define ARGO_READ_OPTIONS_INIT                    \
    {                                             \
        sizeof(struct argo_read_options), 0, 0, 0 \
    }

/* "/api/workflow/{}/steps" with each {} replaced by the next argument, a const char *, percent-
 * encoded: a path segment or a value in a query. At most 64 KiB. The caller frees it with free().
 * NULL without memory or when it is too long. Since: 0.1 */
ARGO_PUBLIC char *argo_client_path(const char *format, ...);

ARGO_END_DECLS

#endif
