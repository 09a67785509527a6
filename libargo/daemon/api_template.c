/*
 * Routes of templates: list, show, validate.
 */
#include <string.h>

#include "base/text.h"
#include "daemon/api.h"
#include "wire/envelope.h"

/* What a listing says of a template. One that cannot be read or does not load has its error there. */
static ag_value *describe(const struct ag_template_file *file)
{
    ag_value *item = ag_value_object();
    AG_AUTO(ag_template) t = NULL;
    AG_AUTO(argo_error) err = NULL;
    bool valid =
        file->error == NULL && ag_template_load(file->path, file->text, file->len, &t, &err) == 0;
    const char *why = argo_error_details(file->error != NULL ? file->error : err);
    ag_value_set(item, "name", ag_value_text(file->name));
    ag_value_set(item, "path", ag_value_text_sane(file->path, strlen(file->path)));
    ag_value_set(item, "valid", ag_value_bool(valid));
    ag_value_set(item, "description",
                 valid ? ag_value_text(ag_template_description(t))
                       : ag_value_text_sane(why, strlen(why)));
    if (valid) {
        ag_value_set(item, "steps", ag_value_int((int64_t)ag_template_step_count(t)));
        ag_value_set(item, "parameters", ag_value_copy(ag_template_parameters(t)));
    }
    if (file->local) {
        ag_value_set(item, "trust", ag_value_text(ag_trust_words[file->trust]));
    }
    if (file->shadows != NULL) {
        ag_value_set(item, "shadows", ag_value_text_sane(file->shadows, strlen(file->shadows)));
    }
    return item;
}

static int list_one(const struct ag_template_file *file, void *user)
{
    return ag_api_list_add_value(user, describe(file));
}

void ag_api_template_list(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    struct ag_api_list list = AG_API_LIST;
    const char *cwd = ag_request_query(req, "cwd");
    if (ag_catalog_each(daemon->domain, cwd, list_one, &list, &err) < 0) {
        ag_api_list_free(&list);
        ag_api_fail(req, err);
        return;
    }
    ag_api_list_reply(req, "templates", &list, NULL);
}

void ag_api_template_show(ag_request *req, void *user)
{
    struct argo_daemon *daemon = user;
    argo_error *err = NULL;
    struct ag_template_file file = {0};
    const char *cwd = ag_request_query(req, "cwd");
    if (ag_catalog_look(daemon->domain, ag_request_param(req, "name"), cwd, &file, &err) < 0) {
        ag_api_fail(req, err);
        return;
    }
    ag_value *data = describe(&file);
    ag_value_set(data, "definition", ag_value_text_sane(file.text, file.len));
    ag_value *reply = ag_envelope_success();
    ag_value_set(reply, "name", ag_value_text(file.name));
    ag_envelope_finish(reply, data);
    ag_template_file_clear(&file);
    ag_request_reply(req, 200, reply);
}

/* {"definition", "definition_file"?} or {"template"}: the same members as a start has. */
static int load(struct argo_daemon *daemon, const struct ag_start_request *body, ag_template **out,
                argo_error **err)
{
    struct ag_template_file file = {0};
    int r = 0;
    if (body->definition != NULL) {
        const char *text = ag_value_as_text(body->definition);
        file.text = text != NULL ? ag_strdup(text) : ag_value_print(body->definition, NULL);
        file.path = ag_strdup(body->definition_file);
    } else if (body->template_name != NULL) {
        r = ag_catalog_look(daemon->domain, body->template_name, body->cwd, &file, err);
    } else {
        r = ag_error_field(err, ARGO_E_INVALID, "definition",
                           "definition: expected the text of a template, or its name as "
                           "template");
    }
    if (r == 0) {
        r = file.text == NULL ? ag_error_nomem(err)
                              : ag_template_load(file.path, file.text, strlen(file.text), out, err);
    }
    ag_template_file_clear(&file);
    return r;
}

static ag_value *valid_reply(const ag_template *t)
{
    ag_value *reply = ag_envelope_success();
    ag_value *data = ag_value_object();
    ag_value_set(reply, "valid", ag_value_bool(true));
    ag_value_set(data, "workflow_name", ag_value_text(ag_template_name(t)));
    ag_value_set(data, "steps", ag_value_int((int64_t)ag_template_step_count(t)));
    ag_value_set(data, "parameters", ag_value_copy(ag_template_parameters(t)));
    ag_envelope_finish(reply, data);
    return reply;
}

void ag_api_template_validate(ag_request *req, void *user)
{
    struct ag_start_request body;
    struct ag_api_call *call = ag_api_call_new(user, req, 0, NULL);
    if (call == NULL || ag_api_repeated(call)) {
        return;
    }
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_template) t = NULL;
    int r = ag_record_decode(&ag_start_request_record, ag_request_body(req), &body, &err);
    if (r == 0) {
        r = load(user, &body, &t, &err);
        ag_record_clear(&ag_start_request_record, &body);
    }
    if (r < 0) {
        ag_api_refuse(call, err);
    } else {
        ag_api_finish(call, valid_reply(t));
    }
}
