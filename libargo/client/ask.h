/*
 * Asking the daemon on behalf of a program: the public client object, and one mechanism for all of
 * its calls, those with text and the typed ones, those that block and those that call back.
 */
#ifndef AG_CLIENT_ASK_H
#define AG_CLIENT_ASK_H

#include <limits.h>

#include <argo/workflow.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/options.h"
#include "client/client.h"

struct argo_client {
    ag_loop *loop;
    ag_http *http;
    ag_client *client;
    struct ag_list requests;
    bool dispatching;
    bool dead; /* freed inside a callback */
};

/* One round of the loop; false when CLIENT was freed meanwhile and is gone now. */
bool ag_client_round(argo_client *client, int timeout_ms, int *rc, argo_error **err);
/* ARGO_E_INVALID without a client, ARGO_E_STATE inside a callback of it. */
int ag_client_refuse_nested(const argo_client *client, const char *what, argo_error **err);
/* Frees or cancels all requests of CLIENT, without callbacks. */
void ag_requests_free(argo_client *client);

struct ag_ask;
struct ag_snapshot_type;

/* Makes of a reply what the caller wants, and stores it. The outcome of the call: 0 or more, or a
 * failure; AG_ASK_AGAIN when it is to be asked again, with another query. */
typedef int (*ag_read_fn)(struct ag_ask *ask, const ag_value *reply, argo_error **err);

#define AG_ASK_AGAIN INT_MAX

#define AG_QUERY_MAX 65536

/* What is asked, and what becomes of the reply. ROUTE, ID, BODY and CONTENT are borrowed while the
 * call is begun; QUERY (AG_BUF_INIT(AG_QUERY_MAX)) is taken over. */
struct ag_ask {
    int method;        /* AG_CALL_* */
    const char *route; /* with one {} for ID, or with none */
    const char *id;
    struct ag_buf query;          /* "?a=b&c=d", by ag_ask_query */
    const struct ag_record *body; /* how CONTENT is encoded; NULL: no body */
    const void *content;
    int64_t hold_ms; /* the daemon may keep the reply back for so long, on purpose */

    ag_read_fn read; /* NULL: that it has succeeded is all */
    const struct ag_snapshot_type *type;
    void *out; /* where a pointer to a snapshot is stored, or NULL */

    /* Of calls that ask more than once. */
    argo_client *client;
    int64_t after, deadline;
    argo_record_fn on_record;
    void *user;
};

/* Adds a member to the query: nothing for NULL. */
void ag_ask_query(struct ag_ask *ask, const char *key, const char *text);
void ag_ask_query_int(struct ag_ask *ask, const char *key, int64_t number);
/* Asks the daemon to keep the reply back for at most WANTED ms, or as long as it does that. */
void ag_ask_hold(struct ag_ask *ask, int64_t wanted_ms);

/* A page: at most LIMIT (0: as many as the daemon likes), from CURSOR on. */
void ag_ask_page(struct ag_ask *ask, int64_t limit, const char *cursor);

/* Makes the call, as HOW says; WHAT names the function for those who misuse it. */
int ag_ask(argo_client *client, struct ag_ask *ask, const char *what,
           const struct argo_call_options *how, argo_error **err);

/* The same for a call that gives a snapshot: `out` is required. */
int ag_ask_for(argo_client *client, struct ag_ask *ask, const char *what,
               const struct argo_call_options *how, argo_error **err);

/* And for one that reads a part of a sequence. */
int ag_ask_reading(argo_client *client, struct ag_ask *ask, const char *what,
                   const struct argo_read_options *options, const struct argo_call_options *how,
                   argo_error **err);

/* For struct ag_ask.read: a callback that it has made does not want any more. */
bool ag_ask_cancelled(struct ag_ask *ask);

/* A text given by a program, for a record that is encoded and then forgotten. */
static inline char *ag_borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* JSON given by a program: LEN 0 is up to the NUL, NULL stays NULL. */
int ag_json_given(const char *text, size_t len, ag_value **out, argo_error **err);

#endif
