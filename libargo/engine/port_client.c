/*
 * The port over the client. What the runner reports becomes requests in one outbox, in order with
 * the output of the run's channel; one poll brings messages and the channel's input.
 */
#include "engine/port_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/outbox.h"

#define MS_PER_SECOND  1000
#define POLL_MARGIN_MS 10000
#define ATTEND_MS      500 /* a run that is over by then has asked for no messages */

struct client_port {
    ag_port port;
    struct ag_port_client_config config;
    char *workflow_id;
    ag_outbox *outbox;
    ag_timer *again; /* the poll */
    ag_call *poll;
    bool listening;
    bool lost;
    bool attending; /* also while no input is wanted: for messages */
    int64_t after;
    int64_t consumed, messages_after; /* what was for executors before this one */
    int64_t poll_ms;
};

/* One call of the runner, with the request that it becomes. */
struct op {
    struct ag_post post; /* first */
    struct client_port *owner;
    void (*reply)(struct op *op, const ag_value *reply, const argo_error *err);

    union {
        ag_port_checkpoint_fn checkpoint;
        ag_port_done_fn done;
        ag_port_question_fn question;
        ag_port_ci_fn ci;
    } fn;

    void *user;
    char *fallback;  /* the CI to take when the registry has no default, or NULL */
    struct ag_ci ci; /* known, while the one that it records is asked for */
};

static struct client_port *of(ag_port *port)
{
    return AG_CONTAINER_OF(port, struct client_port, port);
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void lost(const argo_error *err, void *user)
{
    struct client_port *p = user;
    p->lost = true;
    ag_call_cancel(ag_take(p->poll));
    p->port.events.lost(err, p->port.events_user);
}

static void post_replied(struct ag_post *post, const ag_value *reply, const argo_error *err)
{
    struct op *op = AG_CONTAINER_OF(post, struct op, post);
    op->reply(op, reply, err);
}

static void post_clear(struct ag_post *post)
{
    struct op *op = AG_CONTAINER_OF(post, struct op, post);
    free(op->fallback);
    ag_record_clear(&ag_ci_record, &op->ci);
}

/* Ends OP; what follows it is sent. Before its callback: that may call the port again. */
static void op_done(struct op *op)
{
    ag_post_done(&op->post);
}

/* Takes PATH and BODY. NULL without memory: the run is lost, nothing can be kept in order. */
static struct op *push(struct client_port *p, char *path, ag_value *body, bool body_wanted,
                       void (*reply)(struct op *op, const ag_value *reply, const argo_error *err))
{
    struct op *op = calloc(1, sizeof(*op));
    if (op == NULL) {
        free(path);
        ag_value_unref(body);
        (void)ag_outbox_push(p->outbox, NULL, body_wanted);
        return NULL;
    }
    op->owner = p;
    op->reply = reply;
    op->post.path = path;
    op->post.body = body;
    op->post.reply = post_replied;
    op->post.clear = post_clear;
    return ag_outbox_push(p->outbox, &op->post, body_wanted) ? op : NULL;
}

static struct op *push_get(struct client_port *p, char *path,
                           void (*reply)(struct op *op, const ag_value *reply,
                                         const argo_error *err))
{
    return push(p, path, NULL, false, reply);
}

static const ag_value *data_of(const ag_value *reply)
{
    return ag_value_get(reply, "data");
}

/* ---- steps, checkpoint, end -------------------------------------------------------------------- */

static void reply_done(struct op *op, const ag_value *reply, const argo_error *err)
{
    ag_port_done_fn fn = op->fn.done;
    void *user = op->user;
    op_done(op);
    fn(err, user);
}

static void push_report(struct client_port *p, const char *format, ag_value *body,
                        ag_port_done_fn fn, void *user)
{
    struct op *op = push(p, ag_client_path(format, p->workflow_id), body, true, reply_done);
    if (op != NULL) {
        op->fn.done = fn;
        op->user = user;
    }
}

static void port_step_start(ag_port *port, const struct ag_step_start *start, ag_port_done_fn fn,
                            void *user)
{
    push_report(of(port), "/api/workflow/{}/step/start",
                ag_record_encode(&ag_step_start_record, start), fn, user);
}

static void port_step_complete(ag_port *port, const struct ag_step_complete *complete,
                               ag_port_done_fn fn, void *user)
{
    push_report(of(port), "/api/workflow/{}/step/complete",
                ag_record_encode(&ag_step_complete_record, complete), fn, user);
}

static void port_park(ag_port *port, const struct ag_park *park, ag_port_done_fn fn, void *user)
{
    push_report(of(port), "/api/workflow/{}/park", ag_record_encode(&ag_park_record, park), fn,
                user);
}

static void port_finish(ag_port *port, const struct ag_finish *finish, ag_port_done_fn fn,
                        void *user)
{
    ag_value *body = ag_value_object();
    if (ag_value_set(body, "type", ag_value_text("workflow_complete")) < 0 ||
        ag_value_set(body, "payload", ag_record_encode(&ag_finish_record, finish)) < 0) {
        ag_value_unref(body);
        body = NULL;
    }
    push_report(of(port), "/api/workflow/{}/message", body, fn, user);
}

/* The daemon needs to hear of us more often than it would take a run for stalled. */
static void begin_listening(struct client_port *p, const struct ag_checkpoint *c)
{
    p->consumed = c->consumed_input_seq;
    p->messages_after = c->messages_after;
    p->after = p->consumed < p->messages_after ? p->consumed : p->messages_after;
    p->poll_ms = c->poll > 0 && c->poll < p->poll_ms ? c->poll : p->poll_ms;
    ag_timer_arm(p->again, ATTEND_MS);
}

static void reply_checkpoint(struct op *op, const ag_value *reply, const argo_error *err)
{
    struct client_port *p = op->owner;
    ag_port_checkpoint_fn fn = op->fn.checkpoint;
    void *user = op->user;
    AG_AUTO(argo_error) why = NULL;
    struct ag_checkpoint checkpoint = {0};
    if (err == NULL &&
        ag_record_decode(&ag_checkpoint_record, data_of(reply), &checkpoint, &why) < 0) {
        err = why;
    }
    begin_listening(p, &checkpoint);
    op_done(op);
    fn(err == NULL ? &checkpoint : NULL, err, user);
    ag_record_clear(&ag_checkpoint_record, &checkpoint);
}

static void port_checkpoint(ag_port *port, ag_port_checkpoint_fn fn, void *user)
{
    struct client_port *p = of(port);
    struct op *op = push_get(p, ag_client_path("/api/workflow/{}/checkpoint", p->workflow_id),
                             reply_checkpoint);
    if (op != NULL) {
        op->fn.checkpoint = fn;
        op->user = user;
    }
}

/* ---- questions --------------------------------------------------------------------------------- */

static void reply_question(struct op *op, const ag_value *reply, const argo_error *err)
{
    ag_port_question_fn fn = op->fn.question;
    void *user = op->user;
    AG_AUTO(argo_error) why = NULL;
    struct ag_question question = {0};
    if (err == NULL && ag_record_decode(&ag_question_record, data_of(reply), &question, &why) < 0) {
        err = why;
    }
    op_done(op);
    fn(err == NULL ? &question : NULL, err, user);
    ag_record_clear(&ag_question_record, &question);
}

static void port_question(ag_port *port, const struct ag_question *question, ag_port_question_fn fn,
                          void *user)
{
    struct client_port *p = of(port);
    struct op *op = push(p, ag_client_path("/api/workflow/{}/question", p->workflow_id),
                         ag_record_encode(&ag_question_record, question), true, reply_question);
    if (op != NULL) {
        op->fn.question = fn;
        op->user = user;
    }
}

/* ---- CIs ---------------------------------------------------------------------------------------- */

/* Takes the op's own CI and ends it. */
static void ci_known(struct op *op, const struct ag_ci *upstream, const argo_error *err)
{
    ag_port_ci_fn fn = op->fn.ci;
    void *user = op->user;
    struct ag_ci ci = op->ci;
    op->ci = (struct ag_ci){0};
    op_done(op);
    fn(err == NULL ? &ci : NULL, upstream, err, user);
    ag_record_clear(&ag_ci_record, &ci);
}

static void reply_upstream(struct op *op, const ag_value *reply, const argo_error *err)
{
    AG_AUTO(argo_error) why = NULL;
    struct ag_ci upstream = {0};
    if (err == NULL && ag_record_decode(&ag_ci_record, data_of(reply), &upstream, &why) < 0) {
        err = why;
    }
    ci_known(op, &upstream, err);
    ag_record_clear(&ag_ci_record, &upstream);
}

static const ag_value *find_ci(const ag_value *cis, const char *key, const char *text)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(cis, &it)) {
        if (ag_streq(ag_value_get_text(it.value, key, NULL), text)) {
            return it.value;
        }
    }
    return NULL;
}

/* For a step that names none, nor does its template. */
static const ag_value *choose(const ag_value *cis, const char *fallback, argo_error **err)
{
    size_t n = ag_value_size(cis);
    const ag_value *found = find_ci(cis, "role", "default");
    if (found == NULL && fallback != NULL) {
        found = find_ci(cis, "name", fallback);
        if (found == NULL) {
            ag_error_set(err, ARGO_E_NO_CI,
                         "the default provider '%s' is not registered: arc ci add %s --provider "
                         "...; or name another one in ARGO_DEFAULT_PROVIDER",
                         fallback, fallback);
        }
    } else if (found == NULL && n == 1) {
        found = ag_value_at(cis, 0);
    } else if (found == NULL && n == 0) {
        ag_error_set(err, ARGO_E_NO_CI,
                     "no CI is registered to ask; add one, as: arc ci add local --provider openai "
                     "--url http://127.0.0.1:11434/v1 --model llama3.2 (arc help ci add)");
    } else if (found == NULL) {
        ag_error_set(
            err, ARGO_E_NO_CI,
            "several CIs are registered, and nothing says which one to ask: name it in the "
            "step or the template (ci), in ARGO_DEFAULT_PROVIDER, or give one the role "
            "default (arc ci add NAME ... --role default)");
    }
    return found;
}

static void reply_ci(struct op *op, const ag_value *reply, const argo_error *err)
{
    AG_AUTO(argo_error) why = NULL;
    const ag_value *cis = ag_value_get(reply, "cis");
    const ag_value *found = NULL;
    if (err == NULL) {
        found = cis != NULL ? choose(cis, op->fallback, &why) : data_of(reply);
        if (found != NULL) {
            (void)ag_record_decode(&ag_ci_record, found, &op->ci, &why);
        }
        err = why;
    }
    if (err != NULL || op->ci.upstream == NULL) {
        ci_known(op, NULL, err);
        return;
    }
    free(op->post.path);
    op->post.path = ag_client_path("/api/registry/ci/{}", op->ci.upstream);
    op->reply = reply_upstream;
    ag_post_again(&op->post);
}

static void port_ci(ag_port *port, const char *name, const char *fallback, ag_port_ci_fn fn,
                    void *user)
{
    char *path =
        name != NULL ? ag_client_path("/api/registry/ci/{}", name) : ag_strdup("/api/registry/ci");
    struct op *op = push_get(of(port), path, reply_ci);
    if (op != NULL) {
        op->fn.ci = fn;
        op->fallback = name == NULL ? ag_strdup(fallback) : NULL;
        op->user = user;
    }
}

/* ---- input --------------------------------------------------------------------------------------- */

static void start_poll(struct client_port *p);

static void deliver(struct client_port *p, const ag_value *reply)
{
    const ag_value *data = data_of(reply);
    struct ag_value_iter it = {0};
    p->after = ag_value_get_int(data, "next_after", p->after);
    while (!p->lost && ag_value_next(ag_value_get(reply, "messages"), &it)) {
        struct ag_message message;
        if (p->port.events.message != NULL &&
            ag_value_get_int(it.value, "seq", 0) > p->messages_after &&
            ag_record_decode(&ag_message_record, it.value, &message, NULL) == 0) {
            p->port.events.message(&message, p->port.events_user);
            ag_record_clear(&ag_message_record, &message);
        }
    }
    it = (struct ag_value_iter){0};
    while (!p->lost && ag_value_next(ag_value_get(data, "input"), &it)) {
        struct ag_stream_record record;
        if (ag_value_get_int(it.value, "seq", 0) > p->consumed &&
            ag_record_decode(&ag_stream_record_record, it.value, &record, NULL) == 0) {
            ag_channel_deliver(p->port.channel, &record);
            ag_stream_record_clear(&record);
        }
    }
}

static void poll_again(ag_timer *timer, void *user)
{
    struct client_port *p = user;
    p->attending = true;
    start_poll(p);
}

static void polled(const ag_value *reply, const argo_error *err, void *user)
{
    struct client_port *p = user;
    p->poll = NULL;
    if (err == NULL) {
        deliver(p, reply);
        start_poll(p);
    } else if (ag_outbox_passing(p->outbox, err)) {
        ag_timer_arm(p->again, AG_OUTBOX_AGAIN_MS);
    } else {
        ag_outbox_lose(p->outbox, err);
    }
}

static void start_poll(struct client_port *p)
{
    AG_AUTO(argo_error) err = NULL;
    char timeout[24];
    char after[24];
    if ((!p->listening && !p->attending) || p->lost || p->poll != NULL) {
        return;
    }
    snprintf(timeout, sizeof(timeout), "%g", (double)p->poll_ms / MS_PER_SECOND);
    snprintf(after, sizeof(after), "%" PRId64, p->after);
    ag_auto_free char *path = ag_client_path(
        "/api/workflow/{}/messages?timeout={}&after={}&with=input", p->workflow_id, timeout, after);
    struct ag_call_spec spec = {
        .method = AG_CALL_GET,
        .path = path,
        .timeout_ms = p->poll_ms + POLL_MARGIN_MS,
        .retry_for_ms = AG_OUTBOX_TRY_MS,
        .long_poll = true,
    };
    int r = path == NULL ? ag_error_nomem(&err)
                         : ag_client_call(p->config.client, &spec, polled, p, &p->poll, &err);
    if (r < 0) {
        ag_outbox_lose(p->outbox, err);
    }
}

static void port_listen(ag_port *port, bool wanted)
{
    struct client_port *p = of(port);
    p->listening = wanted;
    if (wanted) {
        start_poll(p);
    } else if (!p->attending) {
        ag_call_cancel(ag_take(p->poll));
    }
}

/* ---- object -------------------------------------------------------------------------------------- */

static const struct ag_port_ops client_ops = {
    .checkpoint = port_checkpoint,
    .step_start = port_step_start,
    .step_complete = port_step_complete,
    .question = port_question,
    .ci = port_ci,
    .park = port_park,
    .finish = port_finish,
    .listen = port_listen,
};

int ag_port_client_new(const struct ag_port_client_config *config, ag_port **out, argo_error **err)
{
    struct client_port *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return ag_error_nomem(err);
    }
    p->port.ops = &client_ops;
    p->config = *config;
    p->poll_ms = config->poll_s * MS_PER_SECOND;
    p->workflow_id = ag_strdup(config->workflow_id);
    int r = p->workflow_id != NULL ? ag_timer_new(config->loop, poll_again, p, &p->again, err)
                                   : ag_error_nomem(err);
    r = r < 0 ? r
              : ag_outbox_new(config->ctx, config->loop, config->client, lost, p, &p->outbox, err);
    r = r < 0 ? r
              : ag_channel_new_outbox(config->ctx, config->loop, p->outbox, config->workflow_id,
                                      &p->port.channel, err);
    if (r < 0) {
        ag_port_client_free(&p->port);
        return r;
    }
    *out = &p->port;
    return 0;
}

void ag_port_client_free(ag_port *port)
{
    if (port == NULL) {
        return;
    }
    struct client_port *p = of(port);
    ag_call_cancel(p->poll);
    argo_io_channel_free(p->port.channel);
    ag_outbox_free(p->outbox);
    ag_timer_free(p->again);
    free(p->workflow_id);
    free(p);
}
