/*
 * Everything that a run tells, output, input and events in their one sequence: as Server-Sent
 * Events, or as JSON with a long poll. Both read the store page by page; the stream reads the next
 * page when the client has taken the last one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"
#include "wire/json.h"

enum {
    PAGE_BYTES = 64 * 1024,    /* of a stream: what a client that has gone to sleep costs */
    PAGE_RECORDS = 1000,       /* at most in one page of a stream */
    REPLY_BYTES = 1024 * 1024, /* of events in one JSON reply */
    HEARTBEAT_MS = 15000,
    RETRY_MS = 1000 /* that a client waits before it comes back */
};

#define CHANGES \
    (AG_CHANGE_OUTPUT | AG_CHANGE_INPUT | AG_CHANGE_STATE | AG_CHANGE_MESSAGE | AG_CHANGE_ENDED)

/* The run's state; read before its records: what was written before the end is seen with it. */
static int read_state(struct argo_daemon *daemon, int64_t rid, int *out, argo_error **err)
{
    struct ag_run run = {0};
    int found = ag_api_read_run(daemon, rid, &run, err);
    *out = run.state;
    ag_run_clear(&run);
    return found;
}

/* ---- a long poll ------------------------------------------------------------------------------ */

struct list {
    struct ag_api_list events;
    int64_t last;
};

static int list_record(const struct ag_stream_record *rec, void *user)
{
    struct list *list = user;
    list->last = rec->seq;
    return ag_api_list_add(&list->events, &ag_event_record, rec) ||
           list->events.items.len > REPLY_BYTES;
}

static void reply_events(struct ag_poll *poll, const struct list *list, bool ended)
{
    bool all = list->events.n < poll->limit && list->events.items.len <= REPLY_BYTES;
    struct ag_buf reply = AG_API_BUF;
    ag_json_open(&reply, '{');
    ag_api_list_write(&list->events, "events", &reply);
    ag_envelope_write_data(&reply);
    ag_json_key(&reply, "count");
    ag_json_int(&reply, list->events.n);
    ag_json_key(&reply, "next_after");
    ag_json_int(&reply, list->last);
    ag_json_key(&reply, "ended");
    ag_json_bool(&reply, ended && all);
    ag_envelope_write_end(&reply);
    ag_request_reply_json(poll->req, 200, &reply);
}

static bool attempt_events(struct ag_poll *poll, bool last)
{
    argo_error *err = NULL;
    int state = 0;
    struct list list = {.events = AG_API_LIST, .last = poll->after};
    int r = read_state(poll->daemon, poll->rid, &state, &err);
    if (r >= 0) {
        r = ag_store_records(poll->daemon->store, poll->rid, -1, poll->after, poll->limit,
                             list_record, &list, &err);
    }
    bool ended = ag_run_state_ended(state);
    bool replied = true;
    if (r < 0) {
        ag_api_fail(poll->req, err);
    } else if (last || ended || list.events.n > 0) {
        reply_events(poll, &list, ended);
    } else {
        replied = false;
    }
    ag_api_list_free(&list.events);
    return replied;
}

/* ---- a stream --------------------------------------------------------------------------------- */

struct feed {
    struct ag_watch watch;
    struct argo_daemon *daemon;
    ag_request *req;
    ag_timer *heartbeat;
    int64_t rid;
    int64_t after;
    size_t bytes;   /* of this page */
    bool unwatched; /* nothing more will come than there is */
    bool quiet;     /* nothing was sent since the last heartbeat was due */
};

static void feed_free(struct feed *f)
{
    ag_watch_remove(&f->watch);
    ag_timer_free(f->heartbeat);
    free(f);
}

/* ID 0: the client's place stays where it is. Frees what DATA holds. */
static int write_event(struct feed *f, int64_t id, const char *name, struct ag_buf *data)
{
    char head[64];
    ag_auto_free char *text = NULL;
    size_t len = data->len;
    text = ag_buf_take(data);
    ag_buf_free(data);
    if (text == NULL) {
        return ARGO_E_NOMEM;
    }
    if (id > 0) {
        snprintf(head, sizeof(head), "id: %" PRId64 "\n", id);
        ag_request_stream_write(f->req, head, strlen(head));
    }
    snprintf(head, sizeof(head), "event: %s\ndata: ", name);
    ag_request_stream_write(f->req, head, strlen(head));
    ag_request_stream_write(f->req, text, len);
    ag_request_stream_write(f->req, "\n\n", 2);
    f->bytes += len;
    return 0;
}

static int feed_record(const struct ag_stream_record *rec, void *user)
{
    struct feed *f = user;
    struct ag_buf data = AG_API_BUF;
    ag_record_write(&ag_event_record, rec, &data);
    int r = write_event(f, rec->seq, ag_stream_words[rec->stream], &data);
    f->after = rec->seq;
    return r < 0 ? r : f->bytes > PAGE_BYTES ? 1 : 0;
}

/* The last words. ENDED false: the daemon stops, or has lost the run; come again. */
static void end(struct feed *f, int state, bool ended)
{
    struct ag_buf data = AG_API_BUF;
    ag_json_open(&data, '{');
    ag_json_key(&data, "workflow_id");
    ag_json_text(&data, ag_request_param(f->req, "id"));
    ag_json_key(&data, "state");
    ag_json_text(&data, ag_run_state_words[state]);
    ag_json_key(&data, "ended");
    ag_json_bool(&data, ended);
    ag_json_key(&data, "next_after");
    ag_json_int(&data, f->after);
    ag_json_close(&data, '}');
    (void)write_event(f, 0, "end", &data);
    ag_request_stream_end(f->req);
    feed_free(f);
}

static void end_failed(struct feed *f, const argo_error *err)
{
    ag_log_warning(f->daemon->ctx, "daemon", "an event stream ends: %s", argo_error_details(err));
    struct ag_buf data = AG_API_BUF;
    AG_AUTO(ag_value) failure = ag_envelope_error(err);
    ag_json_value(&data, failure);
    (void)write_event(f, 0, "failure", &data);
    ag_request_stream_end(f->req);
    feed_free(f);
}

static void feed_pull(ag_request *req, void *user)
{
    struct feed *f = user;
    AG_AUTO(argo_error) err = NULL;
    int state = 0;
    f->bytes = 0;
    int r = read_state(f->daemon, f->rid, &state, &err);
    if (r >= 0) {
        r = ag_store_records(f->daemon->store, f->rid, -1, f->after, PAGE_RECORDS, feed_record, f,
                             &err);
    }
    if (r < 0) {
        end_failed(f, err);
        return;
    }
    bool ended = ag_run_state_ended(state);
    if (f->bytes == 0 && (ended || f->unwatched)) {
        end(f, state, ended);
        return;
    }
    if (f->bytes == 0 && f->quiet) {
        ag_request_stream_write(req, ":\n\n", 3);
    }
    f->quiet = false;
    ag_timer_arm(f->heartbeat, HEARTBEAT_MS);
}

static void feed_drain(ag_request *req, void *user)
{
    struct feed *f = user;
    int state = 0;
    (void)read_state(f->daemon, f->rid, &state, NULL);
    end(f, state, false);
}

static void feed_gone(ag_request *req, void *user)
{
    feed_free(user);
}

static void feed_changed(struct ag_watch *watch, unsigned changes)
{
    struct feed *f = AG_CONTAINER_OF(watch, struct feed, watch);
    f->unwatched = f->unwatched || (changes & AG_CHANGE_ENDED) != 0;
    ag_request_stream_wake(f->req);
}

/* A proxy takes a silent connection for a dead one, and a dead client is noticed by writing. */
static void feed_silent(ag_timer *timer, void *user)
{
    struct feed *f = user;
    f->quiet = true;
    ag_request_stream_wake(f->req);
}

static int feed_new(struct argo_daemon *daemon, ag_request *req, int64_t rid, int64_t after,
                    struct feed **out, argo_error **err)
{
    struct feed *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return ag_error_nomem(err);
    }
    f->daemon = daemon;
    f->req = req;
    f->rid = rid;
    f->after = after;
    ag_list_init(&f->watch.node);
    f->watch.mask = CHANGES;
    f->watch.changed = feed_changed;
    int r = ag_timer_new(daemon->loop, feed_silent, f, &f->heartbeat, err);
    if (r == 0) {
        AG_AUTO(argo_error) why = NULL;
        r = ag_watch_add(daemon->domain, rid, &f->watch, &why);
        f->unwatched = r == ARGO_E_NO_WORKFLOW; /* it has ended */
        r = f->unwatched ? 0 : r;
        if (r < 0) {
            ag_error_move(err, &why);
        }
    }
    if (r < 0) {
        feed_free(f);
        return r;
    }
    *out = f;
    return 0;
}

static void start_stream(struct argo_daemon *daemon, ag_request *req, int64_t rid, int64_t after)
{
    static const struct ag_reply_source source = {
        .pull = feed_pull, .drain = feed_drain, .gone = feed_gone};
    argo_error *err = NULL;
    struct feed *f = NULL;
    int r = feed_new(daemon, req, rid, after, &f, &err);
    if (r < 0) {
        ag_api_fail(req, err);
        return;
    }
    r = ag_request_stream_begin(req, "text/event-stream", &source, f, &err);
    if (r == 0) {
        char retry[32];
        snprintf(retry, sizeof(retry), "retry: %d\n\n", RETRY_MS);
        ag_request_stream_write(req, retry, strlen(retry));
        return;
    }
    feed_free(f);
    if (r < 0) {
        ag_api_fail(req, err);
    }
}

/* ---- the route -------------------------------------------------------------------------------- */

/* Where a client that comes back goes on; it knows better than the URL that it was given. */
static bool place(ag_request *req, int64_t *out)
{
    argo_error *err = NULL;
    const char *seen = ag_request_header(req, "Last-Event-ID");
    if (seen == NULL) {
        return ag_api_query_int(req, "after", 0, INT64_MAX, 0, out);
    }
    if (ag_parse_i64(seen, "Last-Event-ID", 0, INT64_MAX, out, &err) < 0) {
        ag_api_fail(req, err);
        return false;
    }
    return true;
}

void ag_api_events(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_poll poll = {.daemon = daemon, .req = req, .attempt = attempt_events};
    int64_t timeout_ms = 0;
    const char *accept = ag_request_header(req, "Accept");
    if (!ag_api_run(daemon, req, &poll.rid) || !place(req, &poll.after) ||
        !ag_api_query_timeout(req, &timeout_ms) ||
        !ag_api_query_int(req, "limit", 1, 10000, 1000, &poll.limit)) {
        return;
    }
    if (accept != NULL && strcasestr(accept, "text/event-stream") != NULL) {
        start_stream(daemon, req, poll.rid, poll.after);
    } else {
        ag_poll_start(&poll, CHANGES, timeout_ms);
    }
}
