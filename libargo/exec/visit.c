/*
 * Visits: where the next execution of a step is, what it may know of itself (the builtins), and
 * whether it runs at all: `when`, max_iterations, limits.max_steps.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "exec/internal.h"

void ag_visit_clear(struct ag_visit *v)
{
    free(v->path);
    free(v->why);
    ag_value_unref(v->builtins);
    *v = (struct ag_visit){0};
}

ag_value *ag_failure_value(const struct ag_visit *v, const char *word, const char *message)
{
    ag_value *error = ag_value_object();
    if (ag_value_set(error, "code", ag_value_text(word)) < 0 ||
        ag_value_set(error, "message", ag_value_text(message)) < 0 ||
        ag_value_set(error, "step", ag_value_text(v->step->name)) < 0 ||
        ag_value_set(error, "path", ag_value_text(v->path)) < 0) {
        ag_value_unref(error);
        return NULL;
    }
    return error;
}

int ag_visit_describe(struct ag_strand *s, struct ag_visit *v, argo_error **err)
{
    const struct ag_checkpoint *c = &s->runner->checkpoint;
    char now[AG_TIME_SIZE];
    ag_auto_free char *key = ag_asprintf("%s/%s", c->workflow_id, v->path);

    const struct {
        const char *name, *text;
    } texts[] = {
        {"workflow_id", c->workflow_id},
        {"workflow_name", ag_template_name(s->runner->plan)},
        {"instance", c->instance},
        {"branch", c->branch},
        {"environment", c->environment},
        {"session_id", c->session_id},
        {"step", v->step->name},
        {"effect_key", key},
        {"now", ag_time_format(ag_context_now_ms(s->runner->config.ctx), now)},
    };

    AG_AUTO(ag_value) builtins = ag_value_object();
    int r = key == NULL ? ARGO_E_NOMEM : 0;
    for (size_t i = 0; r == 0 && i < AG_ARRAY_SIZE(texts); i++) {
        const char *text = texts[i].text != NULL ? texts[i].text : "";
        r = ag_value_set(builtins, texts[i].name, ag_value_text(text));
    }
    if (r < 0 ||
        ag_value_set(builtins, "step_number", ag_value_int((int64_t)v->step->number)) < 0 ||
        ag_value_set(builtins, "attempt", ag_value_int(v->attempt)) < 0) {
        return ag_error_nomem(err);
    }
    ag_value_unref(v->builtins);
    v->builtins = ag_take(builtins);
    return 0;
}

static void refuse(struct ag_visit *v, const char *word, char *why)
{
    v->verdict = AG_VISIT_REFUSE;
    v->word = word;
    free(v->why);
    v->why = why;
}

static void judge(struct ag_strand *s, struct ag_visit *v, int64_t visits)
{
    const struct ag_plan_step *step = v->step;
    int64_t max_steps = ag_template_max_steps(s->runner->plan);
    if (max_steps > 0 && s->runner->steps_done >= max_steps) {
        refuse(v, AG_FAIL_MAX_STEPS,
               ag_asprintf("the run has made %" PRId64 " steps, limits.max_steps allows no more",
                           s->runner->steps_done));
        return;
    }
    if (step->max_iterations > 0 && visits > step->max_iterations) {
        refuse(v, AG_FAIL_MAX_ITERATIONS,
               ag_asprintf("step '%s' was entered %" PRId64
                           " times already, max_iterations allows no more",
                           step->name, step->max_iterations));
        return;
    }
    if (step->when == NULL) {
        return;
    }
    struct ag_scope scope = {.builtins = v->builtins, .variables = s->variables};
    AG_AUTO(argo_error) why = NULL;
    bool yes = false;
    if (ag_expr_test(step->when, &scope, &yes, &why) < 0) {
        refuse(v, AG_FAIL_TEMPLATE, ag_asprintf("when: %s", argo_error_details(why)));
    } else if (!yes) {
        v->verdict = AG_VISIT_SKIP;
    }
}

static int find_step(struct ag_strand *s, const char *name, const struct ag_plan_step **out,
                     argo_error **err)
{
    *out = name == NULL ? ag_template_step(s->runner->plan, 0)
                        : ag_template_find(s->runner->plan, name);
    return *out != NULL ? 0
                        : ag_error_set(err, ARGO_E_CORRUPT, "The template has no step '%s'",
                                       name != NULL ? name : "1");
}

int ag_visit_plan(struct ag_strand *s, const char *name, struct ag_visit *v, argo_error **err)
{
    ag_visit_clear(v);
    int r = find_step(s, name, &v->step, err);
    if (r < 0) {
        return r;
    }
    int64_t visits = ag_value_get_int(s->visits, v->step->name, 0) + 1;
    v->path = visits == 1 ? ag_asprintf("%s%s", s->prefix, v->step->name)
                          : ag_asprintf("%s%s#%" PRId64, s->prefix, v->step->name, visits);
    v->attempt = 1;
    if (v->path == NULL || ag_value_set(s->visits, v->step->name, ag_value_int(visits)) < 0) {
        return ag_error_nomem(err);
    }
    r = ag_visit_describe(s, v, err);
    if (r == 0) {
        judge(s, v, visits);
    }
    return r;
}

bool ag_visit_start_row(struct ag_strand *s, struct ag_visit *v, struct ag_step_start *out)
{
    const struct ag_step_ops *ops = ag_step_ops_find(v->step->type->name);
    if (v->verdict != AG_VISIT_RUN || ops == NULL || !(ops->start_row || v->step->repeat_never)) {
        return false;
    }
    if (v->until == 0 && ops->until != NULL) {
        v->until = ops->until(s, v);
    }
    *out = (struct ag_step_start){.step = ag_strdup(v->step->name),
                                  .path = v->path,
                                  .attempt = v->attempt,
                                  .repeat_never = v->step->repeat_never,
                                  .until = v->until,
                                  .current_step = (int64_t)v->step->number,
                                  .total_steps = (int64_t)ag_template_step_count(s->runner->plan),
                                  .doing = ops->doing != NULL ? ops->doing(s, v) : NULL};
    return true;
}

void ag_visit_start_row_clear(struct ag_step_start *start)
{
    free(start->step);
    free(start->doing);
    *start = (struct ag_step_start){0};
}

int ag_visit_again(struct ag_strand *s, const char *name, const char *path, int64_t attempt,
                   int64_t failures, struct ag_visit *v, argo_error **err)
{
    ag_visit_clear(v);
    int r = find_step(s, name, &v->step, err);
    if (r < 0) {
        return r;
    }
    v->path = ag_strdup(path);
    v->attempt = attempt;
    v->failures = failures;
    return v->path == NULL ? ag_error_nomem(err) : ag_visit_describe(s, v, err);
}
