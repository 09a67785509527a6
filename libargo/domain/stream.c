/*
 * A run's streams: output, input and events in one sequence. Numbers are given out here, in
 * memory; they become visible with the commit.
 */
#include <stdio.h>

#include "base/text.h"
#include "domain/internal.h"

int64_t ag_live_append(struct ag_change_set *c, struct ag_live *live,
                       const struct ag_record_spec *spec)
{
    static const unsigned change_of[] = {
        [AG_STREAM_OUTPUT] = AG_CHANGE_OUTPUT,
        [AG_STREAM_INPUT] = AG_CHANGE_INPUT,
        [AG_STREAM_EVENT] = AG_CHANGE_STATE,
    };
    char *null_path = NULL;
    struct ag_stream_record rec = {
        .seq = ++live->row.seq,
        .stream = (int)spec->stream,
        .at = ag_context_now_ms(c->domain->ctx),
        .answer = ag_value_ref(spec->answer),
        .data = ag_value_ref(spec->data),
        .kind = ag_strdup(spec->kind),
        .text = ag_strdup(spec->text == NULL ? "" : spec->text),
        .path = spec->path == NULL ? null_path : ag_strdup(spec->path),
        .client_key = ag_strdup(spec->client_key),
        .question_id = ag_strdup(spec->question_id),
    };
    ag_txn_add_record(c->txn, live->row.rid, &rec);
    if (spec->stream == AG_STREAM_OUTPUT) {
        live->row.output_bytes += ag_output_cost(rec.text, rec.path);
    }
    ag_stream_record_clear(&rec);
    c->changes |= change_of[spec->stream];
    return live->row.seq;
}

int ag_change_client_key(struct ag_change_set *c, struct ag_live *live, const char *client_key,
                         argo_error **err)
{
    ag_auto_free char *pending = ag_asprintf("record:%s", client_key);
    if (pending == NULL) {
        return ag_error_nomem(err);
    }
    if (ag_live_pending(live, pending) != 0) {
        return 1;
    }
    int64_t seq = 0;
    int found = ag_store_record_by_key(c->domain->store, live->row.rid, client_key, &seq, err);
    if (found != 0) {
        return found;
    }
    return ag_change_pending(c, live, pending, 1) < 0 ? ag_error_nomem(err) : 0;
}

int ag_live_append_output(struct ag_change_set *c, struct ag_live *live,
                          const struct ag_output_record *records, size_t n, argo_error **err)
{
    int64_t before = live->row.seq;
    int64_t bytes_before = live->row.output_bytes;
    for (size_t i = 0; i < n; i++) {
        const struct ag_output_record *rec = &records[i];
        if (rec->client_key != NULL) {
            int seen = ag_change_client_key(c, live, rec->client_key, err);
            if (seen < 0) {
                live->row.seq = before; /* C is dropped: the numbers have no gap */
                live->row.output_bytes = bytes_before;
                return seen;
            }
            if (seen > 0) {
                continue;
            }
        }
        struct ag_record_spec spec = {.stream = AG_STREAM_OUTPUT,
                                      .kind = rec->kind,
                                      .text = rec->text,
                                      .path = rec->path,
                                      .client_key = rec->client_key};
        ag_live_append(c, live, &spec);
    }
    return 0;
}

int ag_run_output(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_output_record *records,
                  size_t n, ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r < 0) {
        return r;
    }
    struct ag_change_set *c = NULL;
    r = ag_change_new(d, rid, 0, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    r = ag_live_append_output(c, live, records, n, err);
    if (r < 0) {
        ag_change_drop(c);
        return r;
    }
    ag_change_commit(c);
    return 0;
}

void ag_run_move_cursor(ag_domain *d, int64_t rid, enum ag_stream stream, int64_t seq)
{
    struct ag_live *live = ag_live_by_rid(d, rid);
    if (live == NULL) {
        return; /* an ended run is read to its end by everybody: its cursor moves no more */
    }
    int64_t *cursor =
        stream == AG_STREAM_INPUT ? &live->row.cursor_input : &live->row.cursor_output;
    if (seq <= *cursor) {
        return;
    }
    *cursor = seq;
    struct ag_change_set *c = NULL;
    if (ag_change_new(d, rid, 0, NULL, NULL, &c, NULL) == 0) {
        ag_change_commit(c);
    }
}
