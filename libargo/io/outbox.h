/*
 * Requests of a run to its daemon: one at a time, in the order in which they were made. While the
 * daemon is away the first is repeated, for as long as the home exists.
 */
#ifndef AG_IO_OUTBOX_H
#define AG_IO_OUTBOX_H

#include "base/list.h"
#include "client/client.h"

typedef struct ag_outbox ag_outbox;

/* Called once, possibly from inside a push: nothing is sent any more. ERR: the run is not ours
 * (fenced, refused for good), or the home has gone, or there is no memory to keep the order. */
typedef void (*ag_outbox_lost_fn)(const argo_error *err, void *user);

/* A request, the beginning of a larger struct; made with calloc by the one who pushes it. */
struct ag_post {
    struct ag_list node;
    ag_outbox *outbox;
    char *path;     /* owned */
    ag_value *body; /* owned; NULL: a GET */
    /* From the loop; not for errors that another try may change, or that lose all. It calls
     * ag_post_done, or changes the request and calls ag_post_again. */
    void (*reply)(struct ag_post *post, const ag_value *reply, const argo_error *err);
    void (*clear)(struct ag_post *post); /* NULL, or frees what the larger struct holds */
};

int ag_outbox_new(argo_context *ctx, ag_loop *loop, ag_client *client, ag_outbox_lost_fn lost,
                  void *user, ag_outbox **out, argo_error **err);
void ag_outbox_free(ag_outbox *o); /* no callback follows */

/* Takes POST with its path and body, also on failure: false, and the outbox is lost. POST NULL, a
 * path that is NULL, and a body that is when BODY_WANTED: no memory. */
bool ag_outbox_push(ag_outbox *o, struct ag_post *post, bool body_wanted);
/* The last one, if its sending has not begun: what it says may still be changed. */
struct ag_post *ag_outbox_last(const ag_outbox *o);
void ag_outbox_lose(ag_outbox *o, const argo_error *err);
bool ag_outbox_is_lost(const ag_outbox *o);

/* Ends POST, and frees it; what follows it is sent. Before anything that may push again. */
void ag_post_done(struct ag_post *post);
void ag_post_again(struct ag_post *post);

/* What a later try may change, as long as there is a home to come back to. */
bool ag_outbox_passing(const ag_outbox *o, const argo_error *err);

#define AG_OUTBOX_TRY_MS   60000 /* for so long the client tries; then the home is looked for */
#define AG_OUTBOX_AGAIN_MS 1000  /* after a reply that makes no sense, or a minute of tries */

#endif
