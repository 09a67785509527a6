/*
 * From checked values to plan steps. Checks nothing again: what is here is right.
 */
#include "template/plan.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

#define RETRIES        3
#define RETRY_DELAY_MS 1000
#define RETRY_MAX_MS   (60 * 60 * 1000)
#define MAX_ITERATIONS 1000

int64_t ag_plan_duration_ms(const ag_value *v, int64_t fallback)
{
    const char *text = ag_value_as_text(v);
    int64_t ms = fallback;
    if (text != NULL) {
        int rc = ag_parse_duration_ms(text, "duration", &ms, NULL);
        assert(rc == 0);
        (void)rc;
    } else if (v != NULL) {
        ms = llround(ag_value_as_real(v) * 1000);
    }
    return ms;
}

int ag_template_span_ms(const ag_value *v, const char *what, int64_t *out, argo_error **err)
{
    const char *text = ag_value_as_text(v);
    int64_t ms = 0;
    if (text != NULL) {
        int rc = ag_parse_duration_ms(text, what, &ms, err);
        if (rc < 0) {
            return rc;
        }
    } else if (!ag_value_is_number(v)) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "%s: expected seconds, or a text like 90s, 5m, 2h, 3d", what);
    }
    double seconds = text != NULL ? (double)ms / 1000 : ag_value_as_real(v);
    if (!(seconds >= 0 && seconds * 1000 <= (double)AG_DURATION_MAX_MS)) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: %g s is no duration from 0 to 3650 days",
                            what, seconds);
    }
    *out = llround(seconds * 1000);
    return 0;
}

/* The step's own member, else the template's. */
static const ag_value *with_default(const struct ag_outline *o, const ag_value *step,
                                    const char *key)
{
    const ag_value *own = ag_value_get(step, key);
    return own != NULL ? own : ag_value_get(o->root.value, key);
}

static void fill_retry(struct ag_retry *retry, const ag_value *v)
{
    const char *backoff = ag_value_get_text(v, "retry_backoff", "fixed");
    *retry = (struct ag_retry){
        .max_retries = v != NULL ? ag_value_get_int(v, "max_retries", RETRIES) : 0,
        .delay_ms = ag_plan_duration_ms(ag_value_get(v, "retry_delay"), RETRY_DELAY_MS),
        .max_delay_ms = ag_plan_duration_ms(ag_value_get(v, "max_delay"), RETRY_MAX_MS),
        .backoff = ag_streq(backoff, "linear")        ? AG_BACKOFF_LINEAR
                   : ag_streq(backoff, "exponential") ? AG_BACKOFF_EXPONENTIAL
                                                      : AG_BACKOFF_FIXED,
        .on = ag_value_ref(ag_value_get(v, "on")),
    };
}

static int fill_on_error(struct ag_plan_step *step, const ag_value *v, argo_error **err)
{
    const ag_value *target = v;
    step->on_error = v != NULL ? AG_ON_ERROR_GOTO : AG_ON_ERROR_FAIL;
    if (ag_value_is(v, ARGO_TYPE_OBJECT)) {
        const char *action = ag_value_get_text(v, "action", "fail");
        target = ag_value_get(v, "target");
        step->on_error = ag_streq(action, "goto")    ? AG_ON_ERROR_GOTO
                         : ag_streq(action, "skip")  ? AG_ON_ERROR_SKIP
                         : ag_streq(action, "retry") ? AG_ON_ERROR_RETRY
                                                     : AG_ON_ERROR_FAIL;
    }
    if (step->on_error == AG_ON_ERROR_GOTO) {
        step->on_error_target = ag_value_display(target);
        return step->on_error_target == NULL ? ag_error_nomem(err) : 0;
    }
    return 0;
}

static int fill_fields(struct ag_plan_step *step, const ag_value *object, argo_error **err)
{
    AG_AUTO(ag_value) fields = ag_value_object();
    struct ag_value_iter it = {0};
    if (fields == NULL) {
        return ag_error_nomem(err);
    }
    while (ag_value_next(object, &it)) {
        const struct ag_key *key = ag_keys_find(&step->type->keys, it.key);
        if (key != NULL && ag_value_set(fields, key->name, ag_value_ref(it.value)) != 0) {
            return ag_error_nomem(err);
        }
    }
    step->fields = ag_take(fields);
    return 0;
}

static int compile(const ag_value *v, const ag_expr **out, argo_error **err)
{
    AG_AUTO(ag_expr) e = NULL;
    int rc = v != NULL ? ag_expr_compile(ag_value_as_text(v), &e, err) : 0;
    *out = ag_take(e);
    return rc;
}

static int fill_step(const struct ag_outline *o, size_t i, struct ag_plan_step *step,
                     argo_error **err)
{
    const struct ag_step_outline *from = &o->steps[i];
    const ag_value *object = from->node.value;
    const ag_value *next = ag_value_get(object, "next_step");
    const char *repeat = ag_value_get_text(object, "repeat", NULL);
    step->name = ag_strdup(from->name);
    step->number = i + 1;
    step->type = from->type;
    if (next != NULL) {
        step->next = ag_value_display(next);
    } else {
        step->next = ag_strdup(i + 1 < o->n_steps ? o->steps[i + 1].name : AG_STEP_EXIT);
    }
    step->timeout_ms = ag_plan_duration_ms(ag_value_get(object, "timeout"), 0);
    step->max_iterations = ag_value_get_int(object, "max_iterations", MAX_ITERATIONS);
    bool appends =
        ag_streq(step->type->name, "save_file") && ag_value_get_bool(object, "append", false);
    step->repeat_never =
        repeat != NULL ? ag_streq(repeat, "never") : step->type->repeat_never || appends;
    fill_retry(&step->retry, with_default(o, object, "retry"));
    int rc = step->name == NULL || step->next == NULL ? ag_error_nomem(err) : 0;
    rc = rc != 0 ? rc : fill_on_error(step, with_default(o, object, "on_error"), err);
    rc = rc != 0 ? rc : fill_fields(step, object, err);
    rc = rc != 0 ? rc : compile(ag_value_get(object, "when"), &step->when, err);
    return rc != 0 ? rc : compile(ag_value_get(object, "until"), &step->until, err);
}

int ag_plan_build(const struct ag_outline *o, struct ag_plan_step **out, argo_error **err)
{
    struct ag_plan_step *steps = calloc(o->n_steps, sizeof(*steps));
    int rc = steps == NULL ? ag_error_nomem(err) : 0;
    for (size_t i = 0; rc == 0 && i < o->n_steps; i++) {
        rc = fill_step(o, i, &steps[i], err);
    }
    if (rc != 0) {
        ag_plan_free(steps, o->n_steps);
        return rc;
    }
    *out = steps;
    return 0;
}

/* The plan's strings and values are ours; others see them as const. */
static void *own(const void *p)
{
    return (void *)(uintptr_t)p;
}

void ag_plan_free(struct ag_plan_step *steps, size_t n)
{
    for (size_t i = 0; steps != NULL && i < n; i++) {
        free(own(steps[i].name));
        free(own(steps[i].next));
        free(own(steps[i].on_error_target));
        ag_value_unref(own(steps[i].fields));
        ag_expr_free(own(steps[i].when));
        ag_expr_free(own(steps[i].until));
        ag_value_unref(steps[i].retry.on);
    }
    free(steps);
}
