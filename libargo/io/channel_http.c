/*
 * Channels over a daemon. The run's own channel (its executor's) shares the outbox of the run's
 * reports, so that output keeps its place among them; a channel made by a host has one of its own,
 * and polls for what it reads.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/options.h"
#include "base/text.h"
#include "io/internal.h"
#include "io/outbox.h"

#define BATCH_MAX      ((size_t)512 * 1024)      /* bytes of one request's output as JSON */
#define RECORD_EXTRA   128                       /* what a queued record costs beside its text */
#define PIECE          ((size_t)64 * 1024)       /* of text in one record */
#define IN_MAX         ((size_t)4 * 1024 * 1024) /* more than one reply brings */
#define KEY_DIGITS     16
#define MS_PER_SECOND  1000
#define POLL_TCP_S     30
#define POLL_UNIX_S    300
#define POLL_MARGIN_MS 10000

struct http_channel {
    argo_io_channel channel;
    argo_context *ctx;
    char *workflow_id;
    ag_outbox *outbox;
    size_t queued; /* bytes that are in the outbox */
    /* What only a host's channel has. */
    bool owns;          /* the outbox */
    bool as_user;       /* reads output, writes input */
    struct ag_fifo out; /* text that is not in the outbox yet */
    ag_defer *defer;    /* puts it there */
    char key[KEY_DIGITS + 1];
    int64_t keys; /* client keys given out */
    ag_http *http;
    ag_client *client;
    ag_call *poll;
    ag_timer *again;
    int64_t after, poll_s;
};

/* One request: a batch of records, or a line of input. */
struct parcel {
    struct ag_post post;
    struct http_channel *owner;
    size_t bytes; /* of `queued` */
    size_t json_bytes;
};

static struct http_channel *of(argo_io_channel *ch)
{
    return AG_CONTAINER_OF(ch, struct http_channel, channel);
}

/* ---- the outbox ---------------------------------------------------------------------------------- */

static void parcel_replied(struct ag_post *post, const ag_value *reply, const argo_error *err)
{
    struct parcel *parcel = AG_CONTAINER_OF(post, struct parcel, post);
    struct http_channel *h = parcel->owner;
    if (err != NULL) {
        ag_log_warning(h->ctx, "io", "%s was refused: %s", h->as_user ? "input" : "output",
                       argo_error_details(err));
        ag_channel_write_failed(&h->channel, err, false);
    }
    h->queued -= parcel->bytes;
    ag_post_done(post);
    ag_channel_sent(&h->channel);
}

static struct parcel *push(struct http_channel *h, ag_value *body)
{
    struct parcel *parcel = calloc(1, sizeof(*parcel));
    if (parcel == NULL) {
        ag_value_unref(body);
        (void)ag_outbox_push(h->outbox, NULL, true);
        return NULL;
    }
    parcel->owner = h;
    parcel->post.reply = parcel_replied;
    parcel->post.body = body;
    parcel->post.path = ag_client_path(
        h->as_user ? "/api/workflow/input/{}" : "/api/workflow/output/{}", h->workflow_id);
    return ag_outbox_push(h->outbox, &parcel->post, true) ? parcel : NULL;
}

/* The batch at the end of the outbox, if it is not under way and has room; else a new one. */
static struct parcel *open_batch(struct http_channel *h, size_t json_bytes)
{
    struct ag_post *last = ag_outbox_last(h->outbox);
    if (last != NULL && last->reply == parcel_replied) {
        struct parcel *parcel = AG_CONTAINER_OF(last, struct parcel, post);
        if (parcel->json_bytes + json_bytes <= BATCH_MAX &&
            ag_value_size(ag_value_get(last->body, "records")) < AG_MAX_RECORDS) {
            return parcel;
        }
    }
    ag_value *body = ag_value_object();
    if (ag_value_set(body, "records", ag_value_array()) < 0) {
        ag_value_unref(ag_take(body));
    }
    return push(h, body);
}

static void http_write_record(argo_io_channel *ch, const struct ag_output_record *record)
{
    struct http_channel *h = of(ch);
    if (ag_outbox_is_lost(h->outbox)) {
        return;
    }
    ag_value *v = ag_record_encode(&ag_output_record_record, record);
    size_t len = 0;
    free(ag_value_print(v, &len));
    struct parcel *batch = v != NULL ? open_batch(h, len) : NULL;
    if (batch == NULL) {
        ag_value_unref(v);
        return;
    }
    if (ag_value_append(ag_value_get(batch->post.body, "records"), v) == 0) {
        size_t bytes = strlen(record->text) + RECORD_EXTRA;
        batch->json_bytes += len;
        batch->bytes += bytes;
        h->queued += bytes;
    }
}

static size_t http_queued(const argo_io_channel *ch)
{
    const struct http_channel *h = (const void *)ch;
    return h->queued + ag_fifo_len(&h->out);
}

/* ---- a host's text becomes records or lines ------------------------------------------------------- */

static void lost(const argo_error *err, void *user)
{
    struct http_channel *h = user;
    ag_channel_write_failed(&h->channel, err, true);
    ag_fifo_drop(&h->out, ag_fifo_len(&h->out));
    h->queued = 0;
}

static char *next_key(struct http_channel *h)
{
    return ag_asprintf("%s.%" PRId64, h->key, ++h->keys);
}

static void out_of_memory(struct http_channel *h)
{
    AG_AUTO(argo_error) err = NULL;
    ag_error_nomem(&err);
    ag_outbox_lose(h->outbox, err);
}

/* The first LEN bytes of the text, as a record. */
static void send_piece(struct http_channel *h, size_t len)
{
    char kind[] = "text";
    struct ag_output_record record = {
        .kind = kind,
        .text = ag_utf8_sanitise(ag_fifo_data(&h->out), len, NULL),
        .client_key = next_key(h),
    };
    ag_fifo_drop(&h->out, len);
    if (record.text != NULL && record.client_key != NULL) {
        http_write_record(&h->channel, &record);
    } else {
        out_of_memory(h);
    }
    free(record.text);
    free(record.client_key);
}

/* A character that is cut in two waits for its other half, unless ALL is to go. */
static void send_text(struct http_channel *h, bool all)
{
    size_t len;
    while ((len = ag_fifo_len(&h->out)) > 0) {
        size_t piece = len < PIECE ? len : PIECE;
        size_t whole = ag_utf8_complete(ag_fifo_data(&h->out), piece);
        piece = all && piece == len ? len : whole;
        if (piece == 0) {
            break;
        }
        send_piece(h, piece);
    }
}

static void send_line(struct http_channel *h, size_t len)
{
    struct ag_input_request input = {
        .input = ag_utf8_sanitise(ag_fifo_data(&h->out), len, NULL),
        .client_key = next_key(h),
    };
    struct parcel *parcel = NULL;
    if (input.input != NULL && input.client_key != NULL) {
        parcel = push(h, ag_record_encode(&ag_input_request_record, &input));
    } else {
        out_of_memory(h);
    }
    if (parcel != NULL) {
        parcel->bytes = len + RECORD_EXTRA;
        h->queued += parcel->bytes;
    }
    free(input.input);
    free(input.client_key);
}

static void send_lines(struct http_channel *h, bool all)
{
    size_t len;
    while ((len = ag_fifo_len(&h->out)) > 0) {
        const char *data = ag_fifo_data(&h->out);
        const char *end = memchr(data, '\n', len);
        if (end == NULL && !all) {
            break;
        }
        size_t line = end != NULL ? (size_t)(end - data) : len;
        send_line(h, line);
        len = ag_fifo_len(&h->out); /* nothing when all was lost */
        line += end != NULL ? 1 : 0;
        ag_fifo_drop(&h->out, line < len ? line : len);
    }
}

static void gathered(ag_defer *defer, void *user)
{
    struct http_channel *h = user;
    if (h->as_user) {
        send_lines(h, false);
    } else {
        send_text(h, false);
    }
}

static void http_flush(argo_io_channel *ch)
{
    struct http_channel *h = of(ch);
    if (h->as_user) {
        send_lines(h, true);
    } else {
        send_text(h, true);
    }
}

/* What is no whole line yet counts too. */
static int check_lines(const struct http_channel *h, const char *data, size_t len, argo_error **err)
{
    const char *old = ag_fifo_data(&h->out);
    const char *last = ag_fifo_len(&h->out) > 0 ? memrchr(old, '\n', ag_fifo_len(&h->out)) : NULL;
    size_t line = ag_fifo_len(&h->out) - (last != NULL ? (size_t)(last + 1 - old) : 0);
    for (size_t i = 0; i < len; i++) {
        line = data[i] == '\n' ? 0 : line + 1;
        if (line > ARGO_IO_LINE_MAX) {
            return ag_error_set(err, ARGO_E_TOO_LARGE, "a line of input is longer than %d bytes",
                                ARGO_IO_LINE_MAX);
        }
    }
    return 0;
}

static int http_write(argo_io_channel *ch, const char *data, size_t len, argo_error **err)
{
    struct http_channel *h = of(ch);
    int r = h->as_user ? check_lines(h, data, len, err) : 0;
    if (r == 0 && !ag_fifo_add(&h->out, data, len)) {
        r = ag_error_nomem(err);
    }
    if (r == 0) {
        ag_defer_schedule(h->defer);
    }
    return r;
}

/* ---- a host's poll -------------------------------------------------------------------------------- */

static void start_poll(struct http_channel *h);

static bool add_text(struct http_channel *h, const char *text, bool line)
{
    return ag_fifo_add(&h->channel.in, text, strlen(text)) &&
           (!line || ag_fifo_add(&h->channel.in, "\n", 1));
}

/* The run's output to a user, the lines and answers to its executor. */
static void take_in(struct http_channel *h, const ag_value *reply)
{
    const ag_value *data = ag_value_get(reply, "data");
    struct ag_value_iter it = {0};
    bool fits = true;
    h->after = ag_value_get_int(data, "next_after", h->after);
    if (h->as_user) {
        fits = add_text(h, ag_value_get_text(reply, "output", ""), false);
    }
    while (!h->as_user && fits && ag_value_next(ag_value_get(data, "records"), &it)) {
        fits = add_text(h, ag_value_get_text(it.value, "text", ""), true);
    }
    if (!fits) {
        AG_AUTO(argo_error) err = NULL;
        ag_error_set(&err, ARGO_E_TOO_LARGE, "one reply of the daemon is larger than %zu bytes",
                     IN_MAX);
        ag_channel_read_ended(&h->channel, err);
        return;
    }
    ag_channel_received(&h->channel);
    if (h->as_user && ag_value_get_bool(data, "ended", false)) {
        ag_channel_read_ended(&h->channel, NULL);
    }
}

static void polled(const ag_value *reply, const argo_error *err, void *user)
{
    struct http_channel *h = user;
    h->poll = NULL;
    if (err == NULL) {
        take_in(h, reply);
        start_poll(h);
    } else if (ag_outbox_passing(h->outbox, err)) {
        ag_timer_arm(h->again, AG_OUTBOX_AGAIN_MS);
    } else {
        ag_channel_read_ended(&h->channel, err);
    }
}

static void start_poll(struct http_channel *h)
{
    AG_AUTO(argo_error) err = NULL;
    char timeout[24];
    char after[24];
    if (h->poll != NULL || ag_timer_armed(h->again) || !ag_channel_hungry(&h->channel)) {
        return;
    }
    snprintf(timeout, sizeof(timeout), "%" PRId64, h->poll_s);
    snprintf(after, sizeof(after), "%" PRId64, h->after);
    ag_auto_free char *path =
        ag_client_path(h->as_user ? "/api/workflow/output/{}?timeout={}&after={}"
                                  : "/api/workflow/input/{}?timeout={}&after={}",
                       h->workflow_id, timeout, after);
    struct ag_call_spec spec = {
        .method = AG_CALL_GET,
        .path = path,
        .timeout_ms = h->poll_s * MS_PER_SECOND + POLL_MARGIN_MS,
        .retry_for_ms = AG_OUTBOX_TRY_MS,
        .long_poll = true,
    };
    int r = path == NULL ? ag_error_nomem(&err)
                         : ag_client_call(h->client, &spec, polled, h, &h->poll, &err);
    if (r < 0) {
        ag_channel_read_ended(&h->channel, err);
    }
}

static void poll_again(ag_timer *timer, void *user)
{
    start_poll(user);
}

/* Never of a run's own channel: its input is delivered. */
static void http_taken(argo_io_channel *ch)
{
    start_poll(of(ch));
}

/* ---- object -------------------------------------------------------------------------------------- */

static void http_release(argo_io_channel *ch)
{
    struct http_channel *h = of(ch);
    ag_call_cancel(ag_take(h->poll));
    if (h->owns) {
        ag_outbox_free(ag_take(h->outbox));
    }
    ag_client_free(ag_take(h->client));
    ag_http_free(ag_take(h->http));
    ag_defer_free(ag_take(h->defer));
    ag_timer_free(ag_take(h->again));
    ag_buf_free(&h->out.buf);
    h->out.start = 0;
    h->queued = 0;
    free(ag_take(h->workflow_id));
}

static const struct ag_channel_ops http_ops = {
    .size = sizeof(struct http_channel),
    .write = http_write,
    .write_record = http_write_record,
    .flush = http_flush,
    .queued = http_queued,
    .taken = http_taken,
    .release = http_release,
};

int ag_channel_new_outbox(argo_context *ctx, ag_loop *loop, ag_outbox *outbox,
                          const char *workflow_id, argo_io_channel **out, argo_error **err)
{
    argo_io_channel *ch = NULL;
    int r = ag_channel_new(&http_ops, loop, IN_MAX, &ch, err);
    if (r < 0) {
        return r;
    }
    struct http_channel *h = of(ch);
    h->ctx = ctx;
    h->outbox = outbox;
    h->workflow_id = ag_strdup(workflow_id);
    ag_buf_init(&h->out.buf, ARGO_IO_BUFFER_MAX);
    r = h->workflow_id != NULL ? ag_defer_new(ch->loop, gathered, h, &h->defer, err)
                               : ag_error_nomem(err);
    r = r < 0 ? r : ag_timer_new(ch->loop, poll_again, h, &h->again, err);
    r = r < 0 ? r : ag_random_hex(h->key, KEY_DIGITS, err);
    if (r < 0) {
        argo_io_channel_free(ch);
        return r;
    }
    *out = ch;
    return 0;
}

static int check_options(const struct argo_io_http_options *o, argo_error **err)
{
    if (o->workflow_id == NULL) {
        return ag_error_field(err, ARGO_E_INVALID, "workflow_id", "workflow_id is required");
    }
    if (o->epoch < 0 || o->after < 0) {
        return ag_error_field(err, ARGO_E_INVALID, o->epoch < 0 ? "epoch" : "after",
                              "expected at least 0");
    }
    if (o->epoch > 0 && (o->token == NULL || *o->token == '\0')) {
        return ag_error_field(err, ARGO_E_INVALID, "token", "an epoch needs the run's token");
    }
    return ag_id_check(o->workflow_id, "workflow_id", err);
}

/* A channel without an outbox gets its own, with a client for it. */
static int connect_own(struct http_channel *h, const struct argo_io_http_options *o,
                       argo_error **err)
{
    ag_loop *loop = h->channel.loop;
    int r = ag_http_new(loop, h->ctx, &h->http, err);
    if (r < 0) {
        return r;
    }
    const struct ag_client_config config = {.ctx = h->ctx,
                                            .loop = loop,
                                            .http = h->http,
                                            .url = o->url,
                                            .token = o->token,
                                            .epoch = o->epoch};
    r = ag_client_new(&config, &h->client, err);
    r = r < 0 || o->name == NULL ? r : ag_client_set_name(h->client, o->name, err);
    return r < 0 ? r : ag_outbox_new(h->ctx, loop, h->client, lost, h, &h->outbox, err);
}

int argo_io_channel_new_http(argo_context *ctx, const struct argo_io_http_options *options,
                             argo_io_channel **out, argo_error **err)
{
    argo_io_channel *ch = NULL;
    if (ctx == NULL || out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "argo_io_channel_new_http: ctx and out must be given");
    }
    struct argo_io_http_options own = ARGO_IO_HTTP_OPTIONS_INIT;
    int r = ag_options_take(&own, sizeof(own), options, "options of a channel", err);
    r = r < 0 ? r : check_options(&own, err);
    r = r < 0 ? r : ag_channel_new_outbox(ctx, NULL, NULL, own.workflow_id, &ch, err);
    if (r < 0) {
        return r;
    }
    struct http_channel *h = of(ch);
    h->owns = true;
    h->as_user = own.epoch == 0;
    h->after = own.after;
    h->poll_s = own.url == NULL || ag_starts_with(own.url, "unix:") ? POLL_UNIX_S : POLL_TCP_S;
    r = connect_own(h, &own, err);
    if (r < 0) {
        argo_io_channel_free(ch);
        return r;
    }
    start_poll(h);
    *out = ch;
    return 0;
}
