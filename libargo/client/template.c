/*
 * Typed calls about the templates that a daemon finds.
 */
#include <argo/template.h>

#include "client/snapshot.h"

struct argo_template {
    struct ag_texts texts;
    struct ag_template_info row;
};

static const struct ag_snapshot_type template_type = {
    .size = sizeof(struct argo_template),
    .record = &ag_template_info_record,
    .offset = offsetof(struct argo_template, row),
};

int argo_template_list(argo_client *client, const char *cwd, const struct argo_call_options *how,
                       argo_templates **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/template",
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_list,
        .type = &template_type,
        .out = out,
    };
    ag_ask_query(&ask, "cwd", cwd);
    return ag_ask_for(client, &ask, "argo_template_list", how, err);
}

int argo_template_get(argo_client *client, const char *name, const char *cwd,
                      const struct argo_call_options *how, argo_template **out, argo_error **err)
{
    struct ag_ask ask = {
        .route = "/api/template/{}",
        .id = name,
        .query = AG_BUF_INIT(AG_QUERY_MAX),
        .read = ag_read_data,
        .type = &template_type,
        .out = out,
    };
    ag_ask_query(&ask, "cwd", cwd);
    return ag_ask_for(client, &ask, "argo_template_get", how, err);
}

void argo_template_free(argo_template *found)
{
    ag_snapshot_free(&template_type, found);
}

AG_LIST_OF(template)
AG_GET_TEXT(template, name, row.name)
AG_GET_TEXT(template, path, row.path)
AG_GET_TEXT(template, description, row.description)
AG_GET_TEXT(template, trust, row.trust)
AG_GET_TEXT(template, shadows, row.shadows)
AG_GET_TEXT(template, definition, row.definition)
AG_GET(bool, template, valid, row.valid)
AG_GET(int64_t, template, steps, row.steps)
AG_GET_JSON(template, parameters, row.parameters)
