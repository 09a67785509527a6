/*
 * The port over the client. While the daemon is away a request is repeated for as long as the
 * home exists; output is held meanwhile, and the runner is told to stop reading.
 */
#include "engine/port_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/list.h"
#include "base/text.h"

#define TRY_FOR_MS     60000        /* then it is checked whether the home is still there */
#define BATCH_MAX      (512 * 1024) /* bytes of one request's output as JSON */
#define RECORD_EXTRA   128          /* what a queued record costs beside its text */
#define MS_PER_SECOND  1000
#define POLL_MARGIN_MS 10000
#define AGAIN_MS       1000 /* after a reply that makes no sense, or a minute of tries */

struct op;

struct client_port {
    ag_port port;
    struct ag_port_client_config config;
    char *workflow_id;
    struct ag_list ops; /* the first is under way when `call` is set */
    ag_defer *defer;
    ag_timer *again;
    ag_call *call;
    ag_call *poll;
    bool listening;
    bool lost;
    int64_t after;
    size_t queued; /* bytes of output that are not acknowledged */
    bool high;     /* the runner was told so */
};

/* One call of the runner, with the request that it becomes. */
struct op {
    struct ag_list node;
    struct client_port *owner;
    bool get;
    char *path;
    ag_value *body;
    size_t output_bytes; /* of a batch, which may grow until it is sent */
    size_t json_bytes;
    void (*reply)(struct op *op, const ag_value *reply, const argo_error *err);

    union {
        ag_port_checkpoint_fn checkpoint;
        ag_port_done_fn done;
        ag_port_question_fn question;
        ag_port_ci_fn ci;
    } fn;

    void *user;
    struct ag_ci ci; /* known, while the one that it records is asked for */
};

static void op_free(struct op *op)
{
    ag_list_remove(&op->node);
    ag_record_clear(&ag_ci_record, &op->ci);
    ag_value_unref(op->body);
    free(op->path);
    free(op);
}

static struct client_port *of(ag_port *port)
{
    return AG_CONTAINER_OF(port, struct client_port, port);
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void lose(struct client_port *p, const argo_error *err)
{
    if (!p->lost) {
        p->lost = true;
        ag_call_cancel(ag_take(p->poll));
        p->port.events.lost(err, p->port.events_user);
    }
}

/* What a later try may change. */
static bool passing(const argo_error *err)
{
    switch (argo_error_code(err)) {
    case ARGO_E_NO_DAEMON:
    case ARGO_E_TIMEOUT:
    case ARGO_E_PROTOCOL:
    case ARGO_E_STORE:
    case ARGO_E_SHUTDOWN:
    case ARGO_E_WAITERS:
        return true;
    default:
        return false;
    }
}

/* The run is no longer ours, whatever was asked for. */
static bool final(const argo_error *err)
{
    switch (argo_error_code(err)) {
    case ARGO_E_FENCED:
    case ARGO_E_NO_TOKEN:
    case ARGO_E_DENIED:
    case ARGO_E_NO_WORKFLOW:
        return true;
    default:
        return false;
    }
}

static bool home_is_there(const struct client_port *p)
{
    return ag_file_exists(argo_context_home(p->config.ctx));
}

static void replied(const ag_value *reply, const argo_error *err, void *user)
{
    struct op *op = user;
    struct client_port *p = op->owner;
    p->call = NULL;
    if (err != NULL && passing(err) && home_is_there(p)) {
        ag_timer_arm(p->again, AGAIN_MS);
        return;
    }
    if (err != NULL && (final(err) || passing(err))) {
        lose(p, err);
        return;
    }
    op->reply(op, reply, err);
}

static void send_next(ag_defer *defer, void *user)
{
    struct client_port *p = user;
    struct op *op = ag_list_first(&p->ops, struct op, node);
    AG_AUTO(argo_error) err = NULL;
    if (op == NULL || p->call != NULL || p->lost) {
        return;
    }
    struct ag_call_spec spec = {
        .method = op->get ? AG_CALL_GET : AG_CALL_POST,
        .path = op->path,
        .body = op->body,
        .retry_for_ms = TRY_FOR_MS,
    };
    if (ag_client_call(p->config.client, &spec, replied, op, &p->call, &err) < 0) {
        lose(p, err);
    }
}

/* Ends OP; what follows it is sent. Before its callback: that may call the port again. */
static void op_done(struct op *op)
{
    ag_defer_schedule(op->owner->defer);
    op_free(op);
}

/* Takes PATH and BODY. NULL without memory: the run is lost, nothing can be kept in order. */
static struct op *push(struct client_port *p, char *path, ag_value *body,
                       void (*reply)(struct op *op, const ag_value *reply, const argo_error *err))
{
    struct op *op = calloc(1, sizeof(*op));
    if (op == NULL || path == NULL) {
        AG_AUTO(argo_error) err = NULL;
        ag_error_nomem(&err);
        free(op);
        free(path);
        ag_value_unref(body);
        lose(p, err);
        return NULL;
    }
    op->owner = p;
    op->path = path;
    op->body = body;
    op->get = body == NULL;
    op->reply = reply;
    ag_list_append(&p->ops, &op->node);
    ag_defer_schedule(p->defer);
    return op;
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
    struct op *op = push(p, ag_client_path(format, p->workflow_id), body, reply_done);
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

static void port_park(ag_port *port, const ag_value *question_ids, ag_port_done_fn fn, void *user)
{
    struct ag_park park = {.question_ids = ag_value_ref(question_ids)};
    push_report(of(port), "/api/workflow/{}/park", ag_record_encode(&ag_park_record, &park), fn,
                user);
    ag_record_clear(&ag_park_record, &park);
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
    p->after = checkpoint.consumed_input_seq;
    op_done(op);
    fn(err == NULL ? &checkpoint : NULL, err, user);
    ag_record_clear(&ag_checkpoint_record, &checkpoint);
}

static void port_checkpoint(ag_port *port, ag_port_checkpoint_fn fn, void *user)
{
    struct client_port *p = of(port);
    struct op *op = push(p, ag_client_path("/api/workflow/{}/checkpoint", p->workflow_id), NULL,
                         reply_checkpoint);
    if (op != NULL) {
        op->fn.checkpoint = fn;
        op->user = user;
    }
}

/* ---- output ------------------------------------------------------------------------------------ */

static void reply_output(struct op *op, const ag_value *reply, const argo_error *err)
{
    struct client_port *p = op->owner;
    if (err != NULL) {
        ag_log_warning(p->config.ctx, "engine", "output was refused: %s", argo_error_details(err));
    }
    p->queued -= op->output_bytes;
    op_done(op);
    if (p->high && p->queued <= AG_PORT_OUTPUT_HIGH / 2) {
        p->high = false;
        p->port.events.drained(p->port.events_user);
    }
}

/* The batch at the end of the queue, if it is not under way and has room; else a new one. */
static struct op *open_batch(struct client_port *p, size_t json_bytes)
{
    struct op *last = ag_list_empty(&p->ops) ? NULL : AG_CONTAINER_OF(p->ops.prev, struct op, node);
    bool under_way = p->call != NULL && p->ops.next == p->ops.prev;
    if (last != NULL && !under_way && last->reply == reply_output &&
        last->json_bytes + json_bytes <= BATCH_MAX &&
        ag_value_size(ag_value_get(last->body, "records")) < AG_MAX_RECORDS) {
        return last;
    }
    ag_value *body = ag_value_object();
    if (ag_value_set(body, "records", ag_value_array()) < 0) {
        ag_value_unref(body);
        return NULL;
    }
    return push(p, ag_client_path("/api/workflow/output/{}", p->workflow_id), body, reply_output);
}

static size_t port_output(ag_port *port, const struct ag_output_record *record)
{
    struct client_port *p = of(port);
    ag_value *v = ag_record_encode(&ag_output_record_record, record);
    size_t len = 0;
    free(ag_value_print(v, &len));
    struct op *op = p->lost || v == NULL ? NULL : open_batch(p, len);
    if (op == NULL) {
        ag_value_unref(v);
        return p->queued;
    }
    if (ag_value_append(ag_value_get(op->body, "records"), v) == 0) {
        size_t bytes = strlen(record->text) + RECORD_EXTRA;
        op->json_bytes += len;
        op->output_bytes += bytes;
        p->queued += bytes;
    }
    p->high = p->high || p->queued > AG_PORT_OUTPUT_HIGH;
    return p->queued;
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
                         ag_record_encode(&ag_question_record, question), reply_question);
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

/* The registry's default: the one with that role, or the only one. */
static const ag_value *choose(const ag_value *cis, argo_error **err)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(cis, &it)) {
        if (ag_streq(ag_value_get_text(it.value, "role", NULL), "default")) {
            return it.value;
        }
    }
    size_t n = ag_value_size(cis);
    if (n != 1) {
        ag_error_set(err, ARGO_E_NO_CI,
                     n == 0 ? "no CI is registered; register one: arc ci add"
                            : "several CIs are registered and none has the role default: the step "
                              "must name its ci");
        return NULL;
    }
    return ag_value_at(cis, 0);
}

static void reply_ci(struct op *op, const ag_value *reply, const argo_error *err)
{
    AG_AUTO(argo_error) why = NULL;
    const ag_value *cis = ag_value_get(reply, "cis");
    const ag_value *found = NULL;
    if (err == NULL) {
        found = cis != NULL ? choose(cis, &why) : data_of(reply);
        if (found != NULL) {
            (void)ag_record_decode(&ag_ci_record, found, &op->ci, &why);
        }
        err = why;
    }
    if (err != NULL || op->ci.upstream == NULL) {
        ci_known(op, NULL, err);
        return;
    }
    free(op->path);
    op->path = ag_client_path("/api/registry/ci/{}", op->ci.upstream);
    op->reply = reply_upstream;
    ag_defer_schedule(op->owner->defer);
}

static void port_ci(ag_port *port, const char *name, ag_port_ci_fn fn, void *user)
{
    char *path =
        name != NULL ? ag_client_path("/api/registry/ci/{}", name) : ag_strdup("/api/registry/ci");
    struct op *op = push(of(port), path, NULL, reply_ci);
    if (op != NULL) {
        op->fn.ci = fn;
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
            ag_record_decode(&ag_message_record, it.value, &message, NULL) == 0) {
            p->port.events.message(&message, p->port.events_user);
            ag_record_clear(&ag_message_record, &message);
        }
    }
    it = (struct ag_value_iter){0};
    while (!p->lost && ag_value_next(ag_value_get(data, "input"), &it)) {
        struct ag_stream_record record;
        if (ag_record_decode(&ag_stream_record_record, it.value, &record, NULL) == 0) {
            p->port.events.input(&record, p->port.events_user);
            ag_stream_record_clear(&record);
        }
    }
}

/* The same request again, and the same poll. */
static void try_again(ag_timer *timer, void *user)
{
    struct client_port *p = user;
    ag_defer_schedule(p->defer);
    start_poll(p);
}

static void polled(const ag_value *reply, const argo_error *err, void *user)
{
    struct client_port *p = user;
    p->poll = NULL;
    if (err == NULL) {
        deliver(p, reply);
        start_poll(p);
    } else if (passing(err) && home_is_there(p)) {
        ag_timer_arm(p->again, AGAIN_MS);
    } else {
        lose(p, err);
    }
}

static void start_poll(struct client_port *p)
{
    AG_AUTO(argo_error) err = NULL;
    char timeout[24];
    char after[24];
    if (!p->listening || p->lost || p->poll != NULL) {
        return;
    }
    snprintf(timeout, sizeof(timeout), "%" PRId64, p->config.poll_s);
    snprintf(after, sizeof(after), "%" PRId64, p->after);
    ag_auto_free char *path = ag_client_path(
        "/api/workflow/{}/messages?timeout={}&after={}&with=input", p->workflow_id, timeout, after);
    struct ag_call_spec spec = {
        .method = AG_CALL_GET,
        .path = path,
        .timeout_ms = p->config.poll_s * MS_PER_SECOND + POLL_MARGIN_MS,
        .retry_for_ms = TRY_FOR_MS,
        .long_poll = true,
    };
    int r = path == NULL ? ag_error_nomem(&err)
                         : ag_client_call(p->config.client, &spec, polled, p, &p->poll, &err);
    if (r < 0) {
        lose(p, err);
    }
}

static void port_listen(ag_port *port, bool wanted)
{
    struct client_port *p = of(port);
    p->listening = wanted;
    if (wanted) {
        start_poll(p);
    } else {
        ag_call_cancel(ag_take(p->poll));
    }
}

/* ---- object -------------------------------------------------------------------------------------- */

static const struct ag_port_ops client_ops = {
    .checkpoint = port_checkpoint,
    .step_start = port_step_start,
    .step_complete = port_step_complete,
    .output = port_output,
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
    ag_list_init(&p->ops);
    p->workflow_id = ag_strdup(config->workflow_id);
    int r = ag_defer_new(config->loop, send_next, p, &p->defer, err);
    if (r == 0) {
        r = ag_timer_new(config->loop, try_again, p, &p->again, err);
    }
    if (r == 0 && p->workflow_id == NULL) {
        r = ag_error_nomem(err);
    }
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
    struct ag_list *pos, *tmp;
    ag_call_cancel(p->call);
    ag_call_cancel(p->poll);
    ag_list_each(pos, tmp, &p->ops)
    {
        op_free(AG_CONTAINER_OF(pos, struct op, node));
    }
    ag_defer_free(p->defer);
    ag_timer_free(p->again);
    free(p->workflow_id);
    free(p);
}
