/*
 * Routes of trust: what a file of a repository would do, trusting it, what is trusted.
 */
#include <string.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"

/* What of a step a person wants to know before it runs. */
static const char *const telling[] = {"argv",     "url",    "destination", "source",
                                      "workflow", "prompt", "message"};

static ag_value *describe_step(const struct ag_plan_step *step)
{
    ag_value *item = ag_value_object();
    ag_value_set(item, "step", ag_value_text(step->name));
    ag_value_set(item, "type", ag_value_text(step->type->name));
    for (size_t i = 0; i < AG_ARRAY_SIZE(telling); i++) {
        const ag_value *does = ag_value_get(step->fields, telling[i]);
        if (does != NULL) {
            ag_value_set(item, "does", ag_value_copy(does));
            break;
        }
    }
    return item;
}

static void describe_template(const struct ag_trust_file *f, ag_value *data)
{
    AG_AUTO(ag_template) t = NULL;
    AG_AUTO(argo_error) err = NULL;
    ag_value *steps = ag_value_array();
    bool valid = ag_template_load(f->path, f->text, f->len, &t, &err) == 0;
    for (size_t i = 0; valid && i < ag_template_step_count(t); i++) {
        ag_value_append(steps, describe_step(ag_template_step(t, i)));
    }
    ag_value_set(data, "valid", ag_value_bool(valid));
    if (!valid) {
        ag_value_set(data, "error", ag_value_text(argo_error_details(err)));
    }
    ag_value_set(data, "steps", steps);
}

static ag_value *file_reply(const struct ag_trust_file *f)
{
    ag_value *reply = ag_envelope_success();
    ag_value *data = ag_value_object();
    ag_value_set(reply, "path", ag_value_text_sane(f->path, strlen(f->path)));
    ag_value_set(reply, "sha256", ag_value_text(f->sha256));
    ag_value_set(reply, "trust", ag_value_text(ag_trust_words[f->trust]));
    ag_value_set(data, "kind", ag_value_text(f->config ? "config" : "template"));
    if (f->config) {
        ag_value_set(data, "text", ag_value_text_sane(f->text, f->len));
    } else {
        describe_template(f, data);
    }
    ag_envelope_finish(reply, data);
    return reply;
}

static int list_one(const struct ag_trust_file *f, void *user)
{
    ag_value *item = ag_value_object();
    ag_value_set(item, "path", ag_value_text_sane(f->path, strlen(f->path)));
    ag_value_set(item, "sha256", ag_value_text(f->sha256));
    ag_value_set(item, "trust", ag_value_text(f->missing ? "missing" : ag_trust_words[f->trust]));
    return ag_api_list_add_value(user, item);
}

void ag_api_trust_get(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    struct ag_trust_file f = {0};
    const char *path = ag_request_query(req, "path");
    if (path == NULL) {
        struct ag_api_list list = AG_API_LIST;
        if (ag_trust_list(daemon->domain, list_one, &list, &err) < 0) {
            ag_api_list_free(&list);
            ag_api_fail(req, err);
        } else {
            ag_api_list_reply(req, "files", &list, NULL);
        }
    } else if (ag_trust_view(daemon->domain, path, &f, &err) < 0) {
        ag_api_fail(req, err);
    } else {
        ag_request_reply(req, 200, file_reply(&f));
    }
    ag_trust_file_clear(&f);
}

void ag_api_trust_post(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_trust_file f = {0};
    struct ag_trust_request body = {0};
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, NULL);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    int r = ag_record_decode(&ag_trust_request_record, ag_request_body(req), &body, &err);
    if (r == 0) {
        r = ag_trust_give(daemon->domain, body.path, body.sha256, &f, &err);
        ag_record_clear(&ag_trust_request_record, &body);
    }
    if (r < 0) {
        ag_api_refuse(call, err);
        return;
    }
    ag_log_info(daemon->ctx, "daemon", "trusted: %s (%s)", f.path, f.sha256);
    ag_api_finish(call, file_reply(&f));
    ag_trust_file_clear(&f);
}

void ag_api_trust_delete(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    struct ag_api_call *call = ag_api_call_new(daemon, req, 0, NULL);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    const char *path = ag_request_query(req, "path");
    if (ag_trust_take(daemon->domain, path, &err) < 0) {
        ag_api_refuse(call, err);
        return;
    }
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "path", ag_value_text_sane(path, strlen(path)));
    ag_value_set(reply, "action", ag_value_text("removed"));
    ag_envelope_finish(reply, NULL);
    ag_api_finish(call, reply);
}
