/*
 * Routes of executors: checkpoint, progress, steps, messages. The run's token and epoch have been
 * checked by the choke point and are checked again, against the run, by every rule.
 */
#include <string.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"

/* What each of these handlers begins with; NULL: the request has been answered. */
static struct ag_api_call *begin(ag_request *req, void *user, int64_t *epoch)
{
    int64_t rid = 0;
    if (!ag_api_run(user, req, &rid) || !ag_api_epoch(req, epoch)) {
        return NULL;
    }
    return ag_api_call_new(user, req, rid, ag_api_reply_run);
}

static void end(struct ag_api_call *call, int r, argo_error *err)
{
    if (r < 0) {
        ag_api_refuse(call, err);
        argo_error_free(err);
    }
}

/* ---- steps: the routes and the messages of the same meaning share these ------------------------- */

typedef int (*report_fn)(struct ag_api_call *call, int64_t epoch, const ag_value *body,
                         argo_error **err);

static int report_progress(struct ag_api_call *call, int64_t epoch, const ag_value *body,
                           argo_error **err)
{
    struct ag_progress progress;
    int r = ag_record_decode(&ag_progress_record, body, &progress, err);
    if (r == 0) {
        r = ag_run_progress(call->daemon->domain, call->rid, epoch, &progress, ag_api_done, call,
                            err);
        ag_record_clear(&ag_progress_record, &progress);
    }
    return r;
}

static int report_step_start(struct ag_api_call *call, int64_t epoch, const ag_value *body,
                             argo_error **err)
{
    struct ag_step_start start;
    int r = ag_record_decode(&ag_step_start_record, body, &start, err);
    if (r == 0) {
        r = ag_run_step_start(call->daemon->domain, call->rid, epoch, &start, ag_api_done, call,
                              err);
        ag_record_clear(&ag_step_start_record, &start);
    }
    return r;
}

static int report_step_output(struct ag_api_call *call, int64_t epoch, const ag_value *body,
                              argo_error **err)
{
    struct ag_step_output output;
    int r = ag_record_decode(&ag_step_output_record, body, &output, err);
    if (r == 0) {
        char kind[] = "text";
        struct ag_output_record record = {.kind = kind,
                                          .text = output.text,
                                          .path = output.path,
                                          .client_key = output.client_key};
        r = ag_run_output(call->daemon->domain, call->rid, epoch, &record, 1, ag_api_done, call,
                          err);
        ag_record_clear(&ag_step_output_record, &output);
    }
    return r;
}

static int report_step_complete(struct ag_api_call *call, int64_t epoch, const ag_value *body,
                                argo_error **err)
{
    struct ag_step_complete complete;
    int r = ag_record_decode(&ag_step_complete_record, body, &complete, err);
    if (r == 0) {
        r = ag_run_step_complete(call->daemon->domain, call->rid, epoch, &complete, ag_api_done,
                                 call, err);
        ag_record_clear(&ag_step_complete_record, &complete);
    }
    return r;
}

static int report_finish(struct ag_api_call *call, int64_t epoch, const ag_value *body,
                         argo_error **err)
{
    struct ag_finish finish;
    int r = ag_record_decode(&ag_finish_record, body, &finish, err);
    if (r == 0) {
        r = ag_run_finish(call->daemon->domain, call->rid, epoch, &finish, ag_api_done, call, err);
        ag_record_clear(&ag_finish_record, &finish);
    }
    return r;
}

static int report_park(struct ag_api_call *call, int64_t epoch, const ag_value *body,
                       argo_error **err)
{
    struct ag_park park;
    int r = ag_record_decode(&ag_park_record, body, &park, err);
    if (r == 0) {
        r = ag_run_park(call->daemon->domain, call->rid, epoch, &park, ag_api_done, call, err);
        ag_record_clear(&ag_park_record, &park);
    }
    return r;
}

static void handle(ag_request *req, void *user, report_fn report)
{
    int64_t epoch = 0;
    argo_error *err = NULL;
    struct ag_api_call *call = begin(req, user, &epoch);
    if (call != NULL) {
        int r = report(call, epoch, ag_request_body(req), &err);
        end(call, r, err);
    }
}

void ag_api_progress(ag_request *req, void *user)
{
    handle(req, user, report_progress);
}

void ag_api_step_start(ag_request *req, void *user)
{
    handle(req, user, report_step_start);
}

void ag_api_step_output(ag_request *req, void *user)
{
    handle(req, user, report_step_output);
}

void ag_api_step_complete(ag_request *req, void *user)
{
    handle(req, user, report_step_complete);
}

void ag_api_park(ag_request *req, void *user)
{
    handle(req, user, report_park);
}

/* ---- messages ----------------------------------------------------------------------------------- */

static const struct {
    const char *type;
    report_fn report;
} message_types[] = {
    {"step_start", report_step_start},
    {"step_output", report_step_output},
    {"step_complete", report_step_complete},
    {"workflow_complete", report_finish},
};

static int report_typed(struct ag_api_call *call, int64_t epoch, const struct ag_message *message,
                        argo_error **err)
{
    ag_domain *d = call->daemon->domain;
    for (size_t i = 0; i < AG_ARRAY_SIZE(message_types); i++) {
        if (strcmp(message->type, message_types[i].type) == 0) {
            return message_types[i].report(call, epoch, message->payload, err);
        }
    }
    return strcmp(message->type, "error") == 0
               ? ag_run_error(d, call->rid, epoch, message, ag_api_done, call, err)
               : ag_run_tell(d, call->rid, epoch, message, ag_api_done, call, err);
}

static int report_message(struct ag_api_call *call, int64_t epoch, const ag_value *body,
                          argo_error **err)
{
    struct ag_message message;
    int r = ag_record_decode(&ag_message_record, body, &message, err);
    if (r < 0) {
        return r;
    }
    r = ag_message_check_size(message.payload, err);
    if (r == 0) {
        r = report_typed(call, epoch, &message, err);
    }
    ag_record_clear(&ag_message_record, &message);
    return r;
}

void ag_api_message_report(ag_request *req, void *user)
{
    handle(req, user, report_message);
}

/* ---- checkpoint --------------------------------------------------------------------------------- */

void ag_api_checkpoint(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    int64_t rid = 0;
    int64_t epoch = 0;
    struct ag_checkpoint checkpoint;
    if (!ag_api_run(daemon, req, &rid) || !ag_api_epoch(req, &epoch)) {
        return;
    }
    if (ag_run_checkpoint(daemon->domain, rid, epoch, &checkpoint, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "workflow_id", ag_value_text(checkpoint.workflow_id));
    ag_envelope_finish(reply, ag_record_encode(&ag_checkpoint_record, &checkpoint));
    ag_record_clear(&ag_checkpoint_record, &checkpoint);
    ag_request_reply(req, 200, reply);
}
