/*
 * Typed calls about what a run tells and is told: its output, all of its records, following them,
 * and lines of input.
 */
#include "base/text.h"
#include "client/snapshot.h"

struct argo_record {
    struct ag_texts texts;
    struct ag_stream_record row;
};

/* A view of one stream does not name it: it is output, which is 0. */
static const struct ag_snapshot_type output_type = {
    .size = sizeof(struct argo_record),
    .record = &ag_stream_record_record,
    .offset = offsetof(struct argo_record, row),
};

static const struct ag_snapshot_type event_type = {
    .size = sizeof(struct argo_record),
    .record = &ag_event_record,
    .offset = offsetof(struct argo_record, row),
};

int argo_workflow_output(argo_client *client, const char *id,
                         const struct argo_read_options *options,
                         const struct argo_call_options *how, argo_records **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/workflow/output/{}",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &output_type,
        .out = out,
    };
    return ag_ask_reading(client, &ask, "argo_workflow_output", options, how, err);
}

int argo_workflow_events(argo_client *client, const char *id,
                         const struct argo_read_options *options,
                         const struct argo_call_options *how, argo_records **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/workflow/{}/events",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &event_type,
        .out = out,
    };
    return ag_ask_reading(client, &ask, "argo_workflow_events", options, how, err);
}

/* ---- following -------------------------------------------------------------------------------- */

static void poll_for_more(struct ag_ask *ask)
{
    ag_buf_clear(&ask->query);
    ag_ask_query_int(ask, "after", ask->after);
    ag_ask_hold(ask, INT64_MAX);
}

/* Hands the records on, for as long as somebody wants them: the callback may have cancelled. */
static int read_on(struct ag_ask *ask, const ag_value *reply, argo_error **err)
{
    argo_records *list = NULL;
    struct ag_ask page = {.type = &event_type, .out = &list};
    int rc = ag_read_list(&page, reply, err);
    if (rc < 0) {
        return rc;
    }
    ask->after = argo_records_next_after(list);
    rc = argo_records_ended(list) ? 0 : AG_ASK_AGAIN;
    for (size_t i = 0; i < argo_records_count(list) && !ag_ask_cancelled(ask); i++) {
        if (ask->on_record(ask->user, argo_records_at(list, i)) != 0) {
            rc = ARGO_FOLLOW_STOPPED;
            break;
        }
    }
    argo_records_free(list);
    if (rc == AG_ASK_AGAIN && !ag_ask_cancelled(ask)) {
        poll_for_more(ask);
    }
    return rc;
}

int argo_workflow_follow(argo_client *client, const char *id, int64_t after, argo_record_fn fn,
                         void *user, const struct argo_call_options *how, argo_error **err)
{
    if (client == NULL || fn == NULL || after < 0) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "argo_workflow_follow: expected a client and fn, and a place of at "
                            "least 0");
    }
    struct ag_ask ask = {
        .route = "/api/workflow/{}/events",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = read_on,
        .client = client,
        .after = after,
        .on_record = fn,
        .user = user,
    };
    poll_for_more(&ask);
    return ag_ask(client, &ask, "argo_workflow_follow", how, err);
}

/* ---- input ------------------------------------------------------------------------------------ */

int argo_workflow_input(argo_client *client, const char *id, const char *text,
                        const struct argo_call_options *how, argo_error **err)
{
    const struct ag_input_request request = {.input = ag_borrow(text)};
    struct ag_ask ask = {
        .method = AG_CALL_POST,
        .route = "/api/workflow/input/{}",
        .id = id,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .body = &ag_input_request_record,
        .content = &request,
    };
    if (text == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_workflow_input: text must be given");
    }
    return ag_ask(client, &ask, "argo_workflow_input", how, err);
}

/* ---- what a snapshot says --------------------------------------------------------------------- */

static_assert((int)ARGO_STREAM_EVENT == (int)AG_STREAM_EVENT, "by the same numbers");

AG_LIST_OF(record)
AG_LIST_AFTER(record)

bool argo_records_ended(const argo_records *list)
{
    return list != NULL && list->all.page.ended;
}

AG_GET(int64_t, record, seq, row.seq)
AG_GET(int, record, stream, row.stream)
AG_GET(int64_t, record, at_ms, row.at)
AG_GET_TEXT(record, kind, row.kind)
AG_GET_TEXT(record, text, row.text)
AG_GET_TEXT(record, path, row.path)
AG_GET_TEXT(record, question_id, row.question_id)
AG_GET_JSON(record, answer, row.answer)
AG_GET_JSON(record, data, row.data)
