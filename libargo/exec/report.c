/*
 * A strand's completion: gathers what the attempt brought, plans the next visit so that its
 * progress and its start row travel along, and waits for the acknowledgement.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "exec/internal.h"

void ag_strand_reset(struct ag_strand *s)
{
    for (size_t i = 0; i < s->n_records; i++) {
        ag_record_clear(&ag_output_record_record, &s->records[i]);
    }
    free(s->records);
    s->records = NULL;
    s->n_records = 0;
    ag_value_unref(s->changed);
    ag_value_unref(s->outputs);
    ag_value_unref(s->usage);
    s->changed = s->outputs = s->usage = NULL;
    free(s->go_to);
    s->go_to = NULL;
    s->consumed_seq = 0;
    s->secret = false;
}

void ag_strand_restore(struct ag_strand *s)
{
    if (s->before != NULL) {
        ag_value_unref(s->variables);
        s->variables = ag_take(s->before);
    }
}

/* The daemon has refused the completion: what was planned after it is taken back. */
static void take_back(struct ag_strand *s)
{
    if (s->next.step != NULL) {
        const char *name = s->next.step->name;
        int64_t visits = ag_value_get_int(s->visits, name, 1) - 1;
        (void)ag_value_set(s->visits, name, ag_value_int(visits));
        ag_visit_clear(&s->next);
    }
    s->runner->steps_done--;
}

static bool is_refusal(const argo_error *err)
{
    return argo_error_code(err) == ARGO_E_TOO_LARGE || argo_error_code(err) == ARGO_E_INVALID ||
           argo_error_code(err) == ARGO_E_JSON;
}

static void acknowledged(struct ag_strand *s, const argo_error *err, bool stay)
{
    if (s->runner->over) {
        return;
    }
    if (err == NULL) {
        ag_usage_add(&s->runner->used, s->usage);
        ag_value_unref(s->before);
        s->before = NULL;
        ag_strand_advance(s, stay);
    } else if (!stay && !s->refused && is_refusal(err)) {
        s->refused = true;
        take_back(s);
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
    } else {
        ag_runner_lost(s->runner, err);
    }
}

static void completion_acknowledged(const argo_error *err, void *user)
{
    acknowledged(user, err, false);
}

static void failure_acknowledged(const argo_error *err, void *user)
{
    acknowledged(user, err, true);
}

/* The next visit, and what of it travels along. */
static int plan_next(struct ag_strand *s, const char *next, struct ag_step_complete *c,
                     struct ag_progress *progress, struct ag_step_start *start, argo_error **err)
{
    ag_visit_clear(&s->next);
    if (next == NULL) {
        return 0;
    }
    s->runner->steps_done++;
    if (strcmp(next, "EXIT") == 0) {
        return 0;
    }
    int r = ag_visit_plan(s, next, &s->next, err);
    if (r < 0) {
        return r;
    }
    const struct ag_plan_step *step = s->next.step;
    progress->current_step = (int64_t)step->number;
    progress->total_steps = (int64_t)ag_template_step_count(s->runner->plan);
    progress->step_name = ag_strdup(step->name);
    c->progress = (struct ag_list_of){progress, 1};
    if (ag_visit_start_row(s, &s->next, start)) {
        c->start = (struct ag_list_of){start, 1};
        s->next.started = true;
    }
    return 0;
}

void ag_strand_report(struct ag_strand *s, int status, const char *next, ag_value *error)
{
    AG_AUTO(argo_error) err = NULL;
    AG_AUTO(ag_value) owned_error = error;
    ag_port *port = s->runner->config.port;
    ag_auto_free char *step = ag_strdup(s->now.step->name);
    ag_auto_free char *next_name = ag_strdup(next);
    struct ag_progress progress = {0};
    struct ag_step_start start = {0};
    struct ag_finish end = {0};
    struct ag_step_complete c = {
        .step = step,
        .path = s->now.path,
        .attempt = s->now.attempt,
        .status = status,
        .outputs = s->outputs,
        .variables = s->changed,
        .secret = s->secret,
        .next_step = next_name,
        .consumed_input_seq = s->consumed_seq,
        .usage = s->usage,
        .error = owned_error,
        .records = {s->records, s->n_records},
    };
    s->phase = AG_PHASE_REPORTING;
    if (status == AG_STEP_FAILED && ag_streq(next, "EXIT")) {
        ag_value_unref(s->failure);
        s->failure = ag_value_ref(owned_error);
    }
    if (step == NULL || (next != NULL && next_name == NULL)) {
        ag_error_nomem(&err);
    } else if (plan_next(s, next_name, &c, &progress, &start, &err) == 0) {
        if (ag_runner_tells_end(s->runner, s, next_name, &end)) {
            c.end = (struct ag_list_of){&end, 1};
        }
        port->ops->step_complete(port, &c,
                                 next != NULL ? completion_acknowledged : failure_acknowledged, s);
    }
    free(progress.step_name);
    ag_visit_start_row_clear(&start);
    ag_value_unref(end.result);
    if (err != NULL) {
        ag_runner_lost(s->runner, err);
    }
}
