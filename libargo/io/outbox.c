/*
 * The ordered queue of requests. It knows nothing of what they say.
 */
#include "io/outbox.h"

#include "base/file.h"

struct ag_outbox {
    argo_context *ctx;
    ag_client *client;
    ag_outbox_lost_fn on_lost;
    void *user;
    struct ag_list posts; /* the first is under way when `call` is set */
    ag_call *call;
    ag_defer *defer;
    ag_timer *again;
    bool lost;
};

static void post_free(struct ag_post *post)
{
    ag_list_remove(&post->node);
    if (post->clear != NULL) {
        post->clear(post);
    }
    ag_value_unref(post->body);
    free(post->path);
    free(post);
}

void ag_outbox_lose(ag_outbox *o, const argo_error *err)
{
    if (!o->lost) {
        o->lost = true;
        o->on_lost(err, o->user);
    }
}

bool ag_outbox_is_lost(const ag_outbox *o)
{
    return o->lost;
}

static bool may_pass(int code)
{
    return code == ARGO_E_NO_DAEMON || code == ARGO_E_TIMEOUT || code == ARGO_E_PROTOCOL ||
           code == ARGO_E_STORE || code == ARGO_E_SHUTDOWN || code == ARGO_E_WAITERS;
}

/* The run is not ours, whatever was asked for. */
static bool is_final(int code)
{
    return code == ARGO_E_FENCED || code == ARGO_E_NO_TOKEN || code == ARGO_E_DENIED ||
           code == ARGO_E_NO_WORKFLOW;
}

bool ag_outbox_passing(const ag_outbox *o, const argo_error *err)
{
    return may_pass(argo_error_code(err)) && ag_file_exists(argo_context_home(o->ctx));
}

static void replied(const ag_value *reply, const argo_error *err, void *user)
{
    struct ag_post *post = user;
    ag_outbox *o = post->outbox;
    int code = argo_error_code(err);
    o->call = NULL;
    if (ag_outbox_passing(o, err)) {
        ag_timer_arm(o->again, AG_OUTBOX_AGAIN_MS);
    } else if (may_pass(code) || is_final(code)) {
        ag_outbox_lose(o, err);
    } else {
        post->reply(post, reply, err);
    }
}

static void send_first(ag_defer *defer, void *user)
{
    ag_outbox *o = user;
    struct ag_post *post = ag_list_first(&o->posts, struct ag_post, node);
    AG_AUTO(argo_error) err = NULL;
    if (post == NULL || o->call != NULL || o->lost) {
        return;
    }
    struct ag_call_spec spec = {
        .method = post->body != NULL ? AG_CALL_POST : AG_CALL_GET,
        .path = post->path,
        .body = post->body,
        .retry_for_ms = AG_OUTBOX_TRY_MS,
    };
    if (ag_client_call(o->client, &spec, replied, post, &o->call, &err) < 0) {
        ag_outbox_lose(o, err);
    }
}

static void try_again(ag_timer *timer, void *user)
{
    ag_outbox *o = user;
    ag_defer_schedule(o->defer);
}

void ag_post_again(struct ag_post *post)
{
    ag_defer_schedule(post->outbox->defer);
}

void ag_post_done(struct ag_post *post)
{
    ag_defer_schedule(post->outbox->defer);
    post_free(post);
}

bool ag_outbox_push(ag_outbox *o, struct ag_post *post, bool body_wanted)
{
    if (post == NULL || post->path == NULL || (body_wanted && post->body == NULL)) {
        AG_AUTO(argo_error) err = NULL;
        ag_error_nomem(&err);
        if (post != NULL) {
            ag_list_init(&post->node);
            post_free(post);
        }
        ag_outbox_lose(o, err);
        return false;
    }
    post->outbox = o;
    ag_list_append(&o->posts, &post->node);
    ag_defer_schedule(o->defer);
    return true;
}

struct ag_post *ag_outbox_last(const ag_outbox *o)
{
    bool under_way = o->call != NULL && o->posts.next == o->posts.prev;
    return ag_list_empty(&o->posts) || under_way
               ? NULL
               : AG_CONTAINER_OF(o->posts.prev, struct ag_post, node);
}

int ag_outbox_new(argo_context *ctx, ag_loop *loop, ag_client *client, ag_outbox_lost_fn lost,
                  void *user, ag_outbox **out, argo_error **err)
{
    ag_outbox *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return ag_error_nomem(err);
    }
    o->ctx = ctx;
    o->client = client;
    o->on_lost = lost;
    o->user = user;
    ag_list_init(&o->posts);
    int r = ag_defer_new(loop, send_first, o, &o->defer, err);
    r = r < 0 ? r : ag_timer_new(loop, try_again, o, &o->again, err);
    if (r < 0) {
        ag_outbox_free(o);
        return r;
    }
    *out = o;
    return 0;
}

void ag_outbox_free(ag_outbox *o)
{
    struct ag_list *pos, *tmp;
    if (o == NULL) {
        return;
    }
    ag_call_cancel(o->call);
    ag_list_each(pos, tmp, &o->posts)
    {
        post_free(AG_CONTAINER_OF(pos, struct ag_post, node));
    }
    ag_defer_free(o->defer);
    ag_timer_free(o->again);
    free(o);
}
