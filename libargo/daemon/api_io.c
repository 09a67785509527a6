/*
 * Routes of the streams: output, input, and the executor's one long poll for messages and input.
 * A GET never destroys data: readers pass `after`, or use the run's default cursor, which moves
 * when the reply has been sent.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"
#include "wire/json.h"

enum {
    OUTPUT_BYTES_MAX = 1024 * 1024 /* of text in one reply; the rest comes with the next */
};

/* ---- reading ------------------------------------------------------------------------------------ */

struct reading {
    struct ag_api_list records;
    struct ag_buf text;
    int64_t last;
};

static int read_record(const struct ag_stream_record *rec, void *user)
{
    struct reading *r = user;
    ag_buf_add_text(&r->text, rec->text == NULL ? "" : rec->text);
    r->last = rec->seq;
    return ag_api_list_add(&r->records, &ag_stream_record_record, rec) ||
           r->text.len > OUTPUT_BYTES_MAX;
}

static int read_stream(struct ag_poll *poll, enum ag_stream stream, struct reading *r,
                       argo_error **err)
{
    *r = (struct reading){.records = AG_API_LIST,
                          .text = AG_BUF_INIT(OUTPUT_BYTES_MAX + 2 * AG_MAX_VALUE),
                          .last = poll->after};
    int n = ag_store_records(poll->daemon->store, poll->rid, (int)stream, poll->after, poll->limit,
                             read_record, r, err);
    return n < 0 ? n : ag_buf_check(&r->text, "output", err);
}

/* All but the end, where a stream may have more to say. */
static void write_reading(const struct reading *r, const char *key, struct ag_buf *reply)
{
    ag_envelope_write_success(reply);
    ag_json_key(reply, key);
    ag_json_text(reply, ag_buf_text(&r->text));
    ag_envelope_write_data(reply);
    ag_api_list_write(&r->records, "records", reply);
    ag_json_key(reply, "next_after");
    ag_json_int(reply, r->last);
}

static void reading_clear(struct reading *r)
{
    ag_api_list_free(&r->records);
    ag_buf_free(&r->text);
}

/* Moves the default cursor when the reply has left. */
struct cursor_move {
    struct argo_daemon *daemon;
    int64_t rid;
    enum ag_stream stream;
    int64_t seq;
};

static void reply_sent(bool sent, void *user)
{
    struct cursor_move *move = user;
    if (sent && move->daemon->domain != NULL) {
        ag_run_move_cursor(move->daemon->domain, move->rid, move->stream, move->seq);
    }
    free(move);
}

static void move_cursor_when_sent(struct ag_poll *poll, enum ag_stream stream, int64_t seq)
{
    struct cursor_move *move = NULL;
    if (poll->default_cursor && seq > poll->after && !ag_request_is_head(poll->req)) {
        move = calloc(1, sizeof(*move));
    }
    if (move != NULL) {
        *move = (struct cursor_move){poll->daemon, poll->rid, stream, seq};
        ag_request_on_sent(poll->req, reply_sent, move);
    }
}

/* ?tail=N: the last N records, whatever `after` says; false: the request has been answered. */
static bool begin_at_tail(ag_request *req, struct ag_poll *poll)
{
    argo_error *err = NULL;
    int64_t tail = 0;
    if (!ag_api_query_int(req, "tail", 0, INT64_MAX, 0, &tail)) {
        return false;
    }
    poll->default_cursor = false;
    poll->after = 0;
    if (ag_store_output_from_end(poll->daemon->store, poll->rid, tail, &poll->after, &err) < 0) {
        ag_api_fail(req, err);
        return false;
    }
    return true;
}

/* after, limit and the default cursor of a reader; false: the request has been answered. */
static bool begin_reading(ag_request *req, struct ag_poll *poll, enum ag_stream stream,
                          int64_t *timeout_ms)
{
    if (!ag_api_run(poll->daemon, req, &poll->rid) || !ag_api_query_timeout(req, timeout_ms) ||
        !ag_api_query_int(req, "after", 0, INT64_MAX, 0, &poll->after) ||
        !ag_api_query_int(req, "limit", 1, 10000, 1000, &poll->limit)) {
        return false;
    }
    if (ag_request_query(req, "after") == NULL) {
        struct ag_run run = {0};
        poll->default_cursor = true;
        if (ag_store_run_by_rid(poll->daemon->store, poll->rid, &run, NULL) > 0) {
            poll->after = stream == AG_STREAM_INPUT ? run.cursor_input : run.cursor_output;
        }
        ag_run_clear(&run);
    }
    return true;
}

/* ---- output ------------------------------------------------------------------------------------- */

static int run_has_ended(struct ag_poll *poll, bool *out, argo_error **err)
{
    struct ag_run run = {0};
    int found = ag_store_run_by_rid(poll->daemon->store, poll->rid, &run, err);
    *out = found > 0 && ag_run_state_ended(run.state);
    ag_run_clear(&run);
    return found;
}

static bool attempt_output(struct ag_poll *poll, bool last)
{
    argo_error *err = NULL;
    struct reading r;
    bool ended = false;
    /* In this order: what a run writes before its end is seen with the end. */
    if (run_has_ended(poll, &ended, &err) < 0 ||
        read_stream(poll, AG_STREAM_OUTPUT, &r, &err) < 0) {
        ag_api_fail(poll->req, err);
        return true;
    }
    bool reply_now = last || ended || r.records.n > 0;
    if (reply_now) {
        bool all = r.records.n < poll->limit && r.text.len <= OUTPUT_BYTES_MAX;
        struct ag_buf reply = AG_API_BUF;
        write_reading(&r, "output", &reply);
        ag_json_key(&reply, "ended");
        ag_json_bool(&reply, ended && all);
        ag_envelope_write_end(&reply);
        move_cursor_when_sent(poll, AG_STREAM_OUTPUT, r.last);
        ag_request_reply_json(poll->req, 200, &reply);
    }
    reading_clear(&r);
    return reply_now;
}

void ag_api_output_get(ag_request *req, void *user)
{
    struct ag_poll poll = {.daemon = user, .req = req, .attempt = attempt_output};
    int64_t timeout_ms = 0;
    if (begin_reading(req, &poll, AG_STREAM_OUTPUT, &timeout_ms) &&
        (ag_request_query(req, "tail") == NULL || begin_at_tail(req, &poll))) {
        ag_poll_start(&poll, AG_CHANGE_OUTPUT | AG_CHANGE_ENDED, timeout_ms);
    }
}

static void reply_data_only(struct ag_api_call *call)
{
    ag_value *reply = ag_envelope_success();
    ag_envelope_finish(reply, NULL);
    ag_request_reply(call->req, 200, reply);
}

void ag_api_output_post(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    int64_t rid = 0;
    int64_t epoch = 0;
    struct ag_output_request body;
    if (!ag_api_run(daemon, req, &rid) || !ag_api_epoch(req, &epoch) ||
        !ag_api_decode(req, &ag_output_request_record, &body)) {
        return;
    }
    struct ag_api_call *call = ag_api_call_new(daemon, req, rid, reply_data_only);
    if (call != NULL) {
        AG_AUTO(argo_error) err = NULL;
        char kind[] = "text";
        struct ag_output_record one = {.kind = kind, .text = body.output};
        int r;
        if ((body.output != NULL) == (body.records.n > 0)) {
            r = ag_error_set(&err, ARGO_E_INVALID, "Expected either \"output\" or \"records\"");
        } else if (body.output != NULL) {
            r = ag_run_output(daemon->domain, rid, epoch, &one, 1, ag_api_done, call, &err);
        } else {
            r = ag_run_output(daemon->domain, rid, epoch, body.records.items, body.records.n,
                              ag_api_done, call, &err);
        }
        if (r < 0) {
            ag_api_refuse(call, err);
        }
    }
    ag_record_clear(&ag_output_request_record, &body);
}

/* ---- input -------------------------------------------------------------------------------------- */

static bool attempt_input(struct ag_poll *poll, bool last)
{
    argo_error *err = NULL;
    struct reading r;
    if (read_stream(poll, AG_STREAM_INPUT, &r, &err) < 0) {
        ag_api_fail(poll->req, err);
        return true;
    }
    bool some = r.records.n > 0;
    if (last && !some && !poll->waits) {
        ag_request_reply_empty(poll->req, 204);
    } else if (last || some) {
        struct ag_buf reply = AG_API_BUF;
        write_reading(&r, "input", &reply);
        ag_envelope_write_end(&reply);
        move_cursor_when_sent(poll, AG_STREAM_INPUT, r.last);
        ag_request_reply_json(poll->req, 200, &reply);
    }
    reading_clear(&r);
    return some || last;
}

void ag_api_input_get(ag_request *req, void *user)
{
    struct ag_poll poll = {.daemon = user, .req = req, .attempt = attempt_input};
    int64_t timeout_ms = 0;
    if (begin_reading(req, &poll, AG_STREAM_INPUT, &timeout_ms)) {
        ag_poll_start(&poll, AG_CHANGE_INPUT | AG_CHANGE_ENDED, timeout_ms);
    }
}

static ag_value *input_reply(struct ag_api_call *call, int64_t seq)
{
    ag_value *reply = ag_envelope_success();
    ag_value *data = ag_value_object();
    ag_value_set(reply, "workflow_id", ag_value_text(ag_request_param(call->req, "id")));
    ag_value_set(reply, "queued", ag_value_bool(true));
    ag_value_set(data, "seq", ag_value_int(seq));
    ag_envelope_finish(reply, data);
    return reply;
}

static void keep_input(ag_txn *t, int64_t seq, void *user)
{
    struct ag_api_call *call = user;
    AG_AUTO(ag_value) reply = input_reply(call, seq);
    call->seq = seq;
    ag_api_keep(call, t, 200, reply);
}

static void reply_input(struct ag_api_call *call)
{
    ag_request_reply(call->req, 200, input_reply(call, call->seq));
}

static const char *user_name(char *buf, size_t size)
{
    struct passwd pw;
    struct passwd *found = NULL;
    char strings[4096];
    if (getpwuid_r(getuid(), &pw, strings, sizeof(strings), &found) != 0 || found == NULL) {
        return "the owner";
    }
    snprintf(buf, size, "%s", found->pw_name);
    return buf;
}

/* What people recognise: the name a client gives itself, else the transport. */
static const char *via(ag_request *req)
{
    const char *agent = ag_request_header(req, "X-Argo-Client");
    if (agent != NULL && ag_id_valid(agent)) {
        return agent;
    }
    return ag_request_is_unix(req) ? "socket" : "http";
}

void ag_api_input_post(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    int64_t rid = 0;
    if (!ag_api_run(daemon, req, &rid)) {
        return;
    }
    struct ag_api_call *call = ag_api_call_new(daemon, req, rid, reply_input);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    char name[256];
    struct ag_input_request body;
    struct ag_answerer who = {.by = user_name(name, sizeof(name)), .via = via(req)};
    int r = ag_record_decode(&ag_input_request_record, ag_request_body(req), &body, &err);
    if (r == 0) {
        r = ag_run_input(daemon->domain, rid, &body, &who, keep_input, &call->seq, ag_api_done,
                         call, &err);
        ag_record_clear(&ag_input_request_record, &body);
    }
    if (r < 0) {
        ag_api_refuse(call, err);
    }
}
