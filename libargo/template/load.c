/*
 * Loading: parse, outline, check, plan; and the readers of a loaded template.
 */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "template/check.h"
#include "template/plan.h"

#define MAX_STEPS_RUN 1000

struct ag_template {
    ag_value *value;
    ag_value *parameters; /* an object */
    struct ag_plan_step *steps;
    size_t n_steps;
    ag_map *by_name;
};

/* ---- checking ------------------------------------------------------------------------------ */

static int check_all(const char *file, const ag_source *source, const struct ag_outline *o,
                     const ag_map *cis, argo_error **err)
{
    const struct ag_key_sets sets = {&ag_template_keys, NULL};
    const ag_value *names = ag_key_sets_member(sets, &o->root, "parameters").value;
    bool known = names == NULL || ag_value_is(names, ARGO_TYPE_OBJECT);
    struct ag_check c = {
        .file = file,
        .source = source,
        .outline = o,
        .step = AG_NO_STEP,
        .names = known ? names : NULL,
        .names_unknown = !known,
        .personas = ag_key_sets_member(sets, &o->root, "personas").value,
        .cis = cis,
    };
    const struct ag_node provider = ag_key_sets_member(sets, &o->root, "provider");
    ag_check_object(&c, &o->root, sets);
    ag_check_ci(&c, &provider);
    if (o->found_steps > o->n_steps) {
        ag_check_problem(&c, &o->list, "at most 1000 steps", NULL, "%zu steps", o->found_steps);
    }
    int rc = ag_check_finish(&c, err);
    ag_check_clear(&c);
    return rc;
}

/* "line 3, column 5: unexpected token" becomes a problem like any other. */
static int report_syntax(const char *file, argo_error **syntax, argo_error **err)
{
    int line = 0;
    int column = 0;
    int offset = 0;
    const char *text = argo_error_details(*syntax);
    if (argo_error_code(*syntax) != ARGO_E_JSON ||
        sscanf(text, "line %d, column %d: %n", &line, &column, &offset) != 2) {
        int code = argo_error_code(*syntax);
        ag_error_move(err, syntax);
        return code;
    }
    const struct argo_problem problem = {.file = file,
                                         .path = "",
                                         .line = (unsigned)line,
                                         .column = (unsigned)column,
                                         .message = text + offset};
    ag_error_set(err, ARGO_E_TEMPLATE, "%s", text);
    return ag_error_add_problem(err, ARGO_E_TEMPLATE, &problem);
}

/* ---- loading ------------------------------------------------------------------------------- */

static int index_steps(ag_template *t, argo_error **err)
{
    t->by_name = ag_map_new(NULL);
    int rc = t->by_name == NULL ? ag_error_nomem(err) : 0;
    for (size_t i = 0; rc == 0 && i < t->n_steps; i++) {
        rc = ag_map_put(t->by_name, t->steps[i].name, &t->steps[i]);
    }
    return rc == 0 ? 0 : ag_error_nomem(err);
}

static int fill(ag_template *t, const ag_source *source, const struct ag_outline *o,
                argo_error **err)
{
    const ag_value *parameters = ag_value_get(source->value, "parameters");
    t->value = ag_value_ref(source->value);
    t->parameters = parameters != NULL ? ag_value_ref(parameters) : ag_value_object();
    t->n_steps = o->n_steps;
    int rc = t->parameters == NULL ? ag_error_nomem(err) : ag_plan_build(o, &t->steps, err);
    return rc != 0 ? rc : index_steps(t, err);
}

int ag_template_load(const char *file, const char *text, size_t len, ag_template **out,
                     argo_error **err)
{
    return ag_template_load_for(file, text, len, NULL, out, err);
}

int ag_template_load_for(const char *file, const char *text, size_t len, const ag_map *cis,
                         ag_template **out, argo_error **err)
{
    AG_AUTO(ag_source) source = NULL;
    AG_AUTO(argo_error) syntax = NULL;
    if (ag_source_parse(text, len, &source, &syntax) != 0) {
        return report_syntax(file, &syntax, err);
    }
    AG_AUTO(ag_template) t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return ag_error_nomem(err);
    }
    struct ag_outline o;
    int rc = ag_outline_build(source, &o, err);
    if (rc != 0) {
        return rc;
    }
    rc = check_all(file, source, &o, cis, err);
    rc = rc != 0 ? rc : fill(t, source, &o, err);
    ag_outline_clear(&o);
    if (rc != 0) {
        return rc;
    }
    *out = ag_take(t);
    return 0;
}

void ag_template_free(ag_template *t)
{
    if (t == NULL) {
        return;
    }
    ag_plan_free(t->steps, t->n_steps);
    ag_map_free(t->by_name);
    ag_value_unref(t->parameters);
    ag_value_unref(t->value);
    free(t);
}

/* ---- readers ------------------------------------------------------------------------------- */

const char *ag_template_name(const ag_template *t)
{
    return ag_value_get_text(t->value, "workflow_name",
                             ag_value_get_text(t->value, "workflow_id", ""));
}

const char *ag_template_description(const ag_template *t)
{
    return ag_value_get_text(t->value, "description", "");
}

size_t ag_template_step_count(const ag_template *t)
{
    return t->n_steps;
}

const struct ag_plan_step *ag_template_step(const ag_template *t, size_t index)
{
    return index < t->n_steps ? &t->steps[index] : NULL;
}

const struct ag_plan_step *ag_template_find(const ag_template *t, const char *name)
{
    return ag_map_get(t->by_name, name);
}

int64_t ag_template_max_steps(const ag_template *t)
{
    return ag_value_get_int(ag_value_get(t->value, "limits"), "max_steps", MAX_STEPS_RUN);
}

const ag_value *ag_template_limit(const ag_template *t, const char *key)
{
    return ag_value_get(ag_value_get(t->value, "limits"), key);
}

int64_t ag_template_timeout_ms(const ag_template *t)
{
    return ag_plan_duration_ms(ag_value_get(ag_value_get(t->value, "limits"), "timeout"), 0);
}

const char *ag_template_default(const ag_template *t, const char *key)
{
    return ag_value_get_text(t->value, key, NULL);
}

const ag_value *ag_template_persona(const ag_template *t, const char *name)
{
    const ag_value *personas = ag_value_get(t->value, "personas");
    if (name == NULL) {
        name = ag_value_get_text(t->value, "persona", NULL);
    }
    if (name == NULL) {
        name = ag_value_get_text(personas, "default", NULL);
    }
    return name != NULL && strcmp(name, "default") != 0 ? ag_value_get(personas, name) : NULL;
}

const ag_value *ag_template_parameters(const ag_template *t)
{
    return t->parameters;
}
