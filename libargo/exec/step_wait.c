/*
 * wait: goes on when a time has come. The time is fixed once, with the step's start row: whoever
 * goes on after a death, or after having been parked, waits for the rest.
 */
#include "base/text.h"
#include "exec/step.h"

struct waiting {
    struct ag_strand *strand;
    ag_wall *alarm;
};

static int after(const struct ag_strand *s, const ag_value *span, int64_t *out, argo_error **err)
{
    int64_t ms = 0;
    int r = ag_template_span_ms(span, "seconds", &ms, err);
    if (r == 0) {
        *out = ag_context_now_ms(ag_strand_context(s)) + ms;
    }
    return r;
}

static int at(const ag_value *time, int64_t *out, argo_error **err)
{
    ag_auto_free char *text = ag_value_display(time);
    return text != NULL ? ag_time_parse(text, "at", out, err) : ag_error_nomem(err);
}

/* The time that V waits for; above 0, which means none. */
static int find_time(const struct ag_strand *s, const struct ag_visit *v, int64_t *out,
                     argo_error **err)
{
    const ag_value *span = ag_value_get(v->step->fields, "seconds");
    struct ag_scope scope = {.builtins = v->builtins, .variables = s->variables};
    AG_AUTO(ag_value) value = NULL;
    int64_t ms = 0;
    int r = ag_subst_value(span != NULL ? span : ag_value_get(v->step->fields, "at"), &scope,
                           &value, err);
    if (r < 0) {
        return ag_error_wrap(err, "%s", span != NULL ? "seconds" : "at");
    }
    r = span != NULL ? after(s, value, &ms, err) : at(value, &ms, err);
    if (r == 0) {
        *out = ms > 0 ? ms : 1;
    }
    return r;
}

static int64_t until(struct ag_strand *s, const struct ag_visit *v)
{
    int64_t ms = 0;
    (void)find_time(s, v, &ms, NULL);
    return ms;
}

static void time_has_come(ag_wall *alarm, void *user)
{
    struct waiting *w = user;
    ag_strand_done(w->strand);
}

static void start(struct ag_strand *s, void *state)
{
    struct waiting *w = state;
    int64_t ms = s->now.until;
    AG_AUTO(argo_error) err = NULL;
    w->strand = s;
    if (ms == 0 && find_time(s, &s->now, &ms, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
    } else if (ms <= ag_context_now_ms(ag_strand_context(s))) {
        ag_strand_done(s);
    } else if (ag_wall_new(ag_strand_loop(s), time_has_come, w, &w->alarm, &err) < 0 ||
               ag_wall_arm(w->alarm, ms) < 0) {
        ag_strand_fail(s, AG_FAIL_IO, "no alarm: %s", argo_error_details(err));
    } else {
        ag_strand_listen(s, true);
    }
}

static void drop(void *state)
{
    struct waiting *w = state;
    ag_wall_free(w->alarm);
}

const struct ag_step_ops ag_step_wait = {
    .name = "wait",
    .start_row = true,
    .state_size = sizeof(struct waiting),
    .start = start,
    .until = until,
    .free = drop,
};
