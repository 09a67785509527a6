/*
 * The flow of a strand: begin a visit, run its step, judge what came of it (retry, on_error,
 * until), and go on. What a completion carries is report.c's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "exec/internal.h"

#define EXIT_STEP              "EXIT"
#define ON_ERROR_RETRY_DEFAULT 3

/* ---- one attempt ------------------------------------------------------------------------------ */

static void finish_attempt(struct ag_strand *s)
{
    ag_timer_disarm(s->deadline);
    ag_strand_listen(s, false);
    s->generation++;
    if (s->state != NULL) {
        void *state = ag_take(s->state);
        if (s->ops->free != NULL) {
            s->ops->free(state);
        }
        free(state);
    }
}

/* The run fails here, whatever `retry` and `on_error` say. */
static void refuse(struct ag_strand *s, const char *word, const char *why)
{
    ag_strand_record(s, "error", why);
    ag_strand_report(s, AG_STEP_FAILED, EXIT_STEP, ag_failure_value(&s->now, word, why));
}

static void refuse_expired(struct ag_strand *s)
{
    ag_auto_free char *why = ag_asprintf("the run took longer than limits.timeout allows, %g s",
                                         (double)ag_template_timeout_ms(s->runner->plan) / 1000);
    refuse(s, AG_FAIL_TIMEOUT, why != NULL ? why : "out of memory");
}

static void run(struct ag_strand *s)
{
    ag_strand_reset(s);
    s->generation++;
    s->phase = AG_PHASE_RUNNING;
    s->state = calloc(1, s->ops->state_size > 0 ? s->ops->state_size : 1);
    if (s->state == NULL) {
        ag_strand_fail(s, AG_FAIL_IO, "out of memory");
        return;
    }
    ag_log_info(s->runner->config.ctx, "exec", "%s: attempt %" PRId64 " begins", s->now.path,
                s->now.attempt);
    if (s->now.step->timeout_ms > 0) {
        ag_timer_arm(s->deadline, s->now.step->timeout_ms);
    }
    s->ops->start(s, s->state);
}

static void start_acknowledged(const argo_error *err, void *user)
{
    struct ag_strand *s = user;
    if (s->runner->over) {
        return;
    }
    if (err != NULL) {
        ag_runner_lost(s->runner, err);
        return;
    }
    s->now.started = true;
    if (s->runner->held) {
        s->phase = AG_PHASE_HELD;
    } else if (s->runner->expired) {
        refuse_expired(s);
    } else {
        run(s);
    }
}

static void send_start(struct ag_strand *s, struct ag_step_start *start)
{
    ag_port *port = s->runner->config.port;
    s->phase = AG_PHASE_STARTING;
    port->ops->step_start(port, start, start_acknowledged, s);
    ag_visit_start_row_clear(start);
}

void ag_strand_begin(struct ag_strand *s)
{
    struct ag_visit *v = &s->now;
    struct ag_step_start start;
    s->ops = ag_step_ops_find(v->step->type->name);
    ag_strand_reset(s);
    s->refused = false;
    if (s->runner->held) {
        s->phase = AG_PHASE_HELD;
    } else if (s->runner->expired) {
        refuse_expired(s);
    } else if (v->verdict == AG_VISIT_REFUSE || s->ops == NULL) {
        refuse(s, v->word != NULL ? v->word : AG_FAIL_TEMPLATE,
               v->why != NULL ? v->why : "this version does not run such steps");
    } else if (v->verdict == AG_VISIT_SKIP) {
        ag_strand_report(s, AG_STEP_SKIPPED, v->step->next, NULL);
    } else if (!v->started && ag_visit_start_row(s, v, &start)) {
        send_start(s, &start);
    } else {
        run(s);
    }
}

/* ---- what came of it ---------------------------------------------------------------------------- */

/* The step's own way on, or itself again while `until` is not true. */
static int find_next(struct ag_strand *s, const char **out, argo_error **err)
{
    *out = s->go_to != NULL ? s->go_to : s->now.step->next;
    if (s->now.step->until == NULL) {
        return 0;
    }
    struct ag_scope scope = ag_strand_scope(s);
    bool enough = false;
    int r = ag_expr_test(s->now.step->until, &scope, &enough, err);
    if (r == 0 && !enough) {
        *out = s->now.step->name;
    }
    return r < 0 ? ag_error_wrap(err, "until") : 0;
}

/* `changed` becomes part of the variables; what they were is kept until the acknowledgement. */
static int apply_changes(struct ag_strand *s, argo_error **err)
{
    if (ag_value_size(s->changed) == 0) {
        return 0;
    }
    AG_AUTO(ag_value) merged = ag_value_object();
    const ag_value *parts[] = {s->variables, s->changed};
    for (size_t i = 0; i < AG_ARRAY_SIZE(parts); i++) {
        struct ag_value_iter it = {0};
        while (ag_value_next(parts[i], &it)) {
            if (ag_value_set(merged, it.key, ag_value_ref(it.value)) < 0) {
                return ag_error_nomem(err);
            }
        }
    }
    s->before = ag_take(s->variables);
    s->variables = ag_take(merged);
    return 0;
}

void ag_strand_done(struct ag_strand *s)
{
    AG_AUTO(argo_error) err = NULL;
    const char *next = NULL;
    finish_attempt(s);
    if (apply_changes(s, &err) < 0 || find_next(s, &next, &err) < 0) {
        ag_strand_fail_error(s, AG_FAIL_TEMPLATE, err);
        return;
    }
    ag_strand_report(s, AG_STEP_DONE, next, NULL);
}

static int64_t max_retries(const struct ag_plan_step *step)
{
    if (step->on_error == AG_ON_ERROR_RETRY && step->retry.max_retries == 0) {
        return ON_ERROR_RETRY_DEFAULT;
    }
    return step->retry.max_retries;
}

static bool may_retry(const struct ag_visit *v, const char *word)
{
    /* More calls would only cost more. */
    if (v->failures > max_retries(v->step) || strcmp(word, AG_FAIL_BUDGET) == 0) {
        return false;
    }
    if (v->step->retry.on == NULL) {
        return true;
    }
    struct ag_value_iter it = {0};
    while (ag_value_next(v->step->retry.on, &it)) {
        if (ag_streq(ag_value_as_text(it.value), word)) {
            return true;
        }
    }
    return false;
}

static int64_t retry_delay(const struct ag_visit *v)
{
    const struct ag_retry *retry = &v->step->retry;
    double delay = (double)retry->delay_ms;
    double limit = retry->max_delay_ms > 0 ? (double)retry->max_delay_ms : 86400e3;
    if (retry->backoff == AG_BACKOFF_LINEAR) {
        delay *= (double)v->failures;
    } else if (retry->backoff == AG_BACKOFF_EXPONENTIAL) {
        for (int64_t i = 1; i < v->failures && delay < limit; i++) {
            delay *= 2;
        }
    }
    return (int64_t)(delay < limit ? delay : limit);
}

static void tell(struct ag_strand *s, const char *kind, const char *message, bool again)
{
    ag_auto_free char *text = NULL;
    if (again) {
        text = ag_asprintf("step '%s' failed, it will be tried again (%" PRId64 " of %" PRId64
                           "): %s\n",
                           s->now.step->name, s->now.failures, max_retries(s->now.step), message);
    } else {
        text = ag_asprintf("step '%s' failed: %s\n", s->now.step->name, message);
    }
    if (text != NULL) {
        ag_strand_record(s, kind, text);
    }
}

/* For good: what `on_error` says. The run counts as failed only when a failed step leads to EXIT,
 * so a step that is passed over, or left by EXIT on purpose, is reported as skipped. */
static void give_up(struct ag_strand *s, ag_value *error, const char *message)
{
    const struct ag_plan_step *step = s->now.step;
    switch (step->on_error) {
    case AG_ON_ERROR_SKIP:
        tell(s, "notice", message, false);
        ag_strand_report(s, AG_STEP_SKIPPED, step->next, error);
        return;
    case AG_ON_ERROR_GOTO:
        tell(s, "notice", message, false);
        ag_strand_report(
            s, ag_streq(step->on_error_target, EXIT_STEP) ? AG_STEP_SKIPPED : AG_STEP_FAILED,
            step->on_error_target, error);
        return;
    case AG_ON_ERROR_FAIL:
    case AG_ON_ERROR_RETRY:
        break;
    }
    tell(s, "error", message, false);
    ag_strand_report(s, AG_STEP_FAILED, EXIT_STEP, error);
}

static void fail(struct ag_strand *s, const char *word, const char *message)
{
    AG_AUTO(ag_value) usage = ag_value_ref(s->usage); /* what failed may have cost, too */
    finish_attempt(s);
    ag_strand_restore(s);
    ag_strand_reset(s);
    s->usage = ag_take(usage);
    if (s->runner->expired) {
        refuse_expired(s);
        return;
    }
    s->now.failures++;
    ag_log_warning(s->runner->config.ctx, "exec", "%s: attempt %" PRId64 " failed: %s: %s",
                   s->now.path, s->now.attempt, word, message);
    ag_value *error = ag_failure_value(&s->now, word, message);
    if (may_retry(&s->now, word)) {
        tell(s, "notice", message, true);
        ag_strand_report(s, AG_STEP_FAILED, NULL, error);
    } else {
        give_up(s, error, message);
    }
}

void ag_strand_fail_run(struct ag_strand *s, const char *word, const char *why)
{
    finish_attempt(s);
    refuse(s, word, why);
}

void ag_strand_fail(struct ag_strand *s, const char *word, const char *format, ...)
{
    ag_auto_buf b = AG_BUF_INIT(AG_MAX_TEXT / 4);
    char *text = NULL;
    va_list ap;
    va_start(ap, format);
    int len = vasprintf(&text, format, ap);
    va_end(ap);
    if (len >= 0) {
        size_t keep = (size_t)len < b.max ? (size_t)len : ag_utf8_complete(text, b.max);
        (void)ag_buf_add(&b, text, keep);
        free(text);
    }
    ag_auto_free char *sane = ag_utf8_sanitise(ag_buf_text(&b), b.len, NULL);
    fail(s, word, sane != NULL ? sane : "out of memory");
}

void ag_strand_fail_error(struct ag_strand *s, const char *word, const argo_error *err)
{
    const char *details = argo_error_details(err);
    ag_strand_fail(s, word, "%s", *details != '\0' ? details : argo_error_message(err));
}

/* ---- stopping ------------------------------------------------------------------------------------ */

void ag_strand_stopped(struct ag_strand *s)
{
    if (s->runner->over) {
        finish_attempt(s);
        s->phase = AG_PHASE_OVER;
        ag_runner_strand_stopped(s->runner);
        return;
    }
    ag_strand_fail(s, AG_FAIL_TIMEOUT, "it took longer than %g s",
                   (double)s->now.step->timeout_ms / 1000);
}

static void stop(struct ag_strand *s)
{
    s->phase = AG_PHASE_STOPPING;
    ag_timer_disarm(s->deadline);
    if (s->ops->cancel != NULL) {
        s->ops->cancel(s, s->state);
    } else {
        ag_strand_stopped(s);
    }
}

void ag_strand_timed_out(struct ag_strand *s)
{
    if (s->phase == AG_PHASE_RUNNING) {
        stop(s);
    }
}

void ag_strand_expire(struct ag_strand *s)
{
    if (s->phase == AG_PHASE_RUNNING) {
        stop(s);
    } else if (s->phase == AG_PHASE_DELAY) {
        ag_timer_disarm(s->delay);
        ag_strand_begin(s);
    }
}

void ag_strand_cancel(struct ag_strand *s)
{
    ag_timer_disarm(s->delay);
    if (s->phase == AG_PHASE_RUNNING) {
        stop(s);
    } else if (s->phase != AG_PHASE_STOPPING) {
        s->phase = AG_PHASE_OVER;
    }
}

/* ---- going on ------------------------------------------------------------------------------------ */

static void wait_to_retry(struct ag_strand *s)
{
    s->phase = AG_PHASE_DELAY;
    ag_timer_arm(s->delay, retry_delay(&s->now));
}

void ag_strand_retry(struct ag_strand *s)
{
    AG_AUTO(argo_error) err = NULL;
    if (ag_visit_describe(s, &s->now, &err) < 0) {
        ag_runner_lost(s->runner, err);
        return;
    }
    ag_strand_begin(s);
}

void ag_strand_advance(struct ag_strand *s, bool stay)
{
    if (stay) {
        s->now.attempt++;
        s->now.started = false;
        s->now.until = 0;
        wait_to_retry(s);
    } else if (s->next.step == NULL) {
        s->phase = AG_PHASE_OVER;
        ag_runner_strand_over(s->runner, s);
    } else {
        ag_visit_clear(&s->now);
        s->now = s->next;
        s->next = (struct ag_visit){0};
        ag_strand_begin(s);
    }
}

/* A step was under way, with a start row, when the executor before this one died. */
static int resume_flight(struct ag_strand *s, const struct ag_checkpoint *c, argo_error **err)
{
    bool skip = ag_streq(c->decision, "skip");
    bool refuse = ag_streq(c->decision, "fail");
    int64_t failures = ag_streq(ag_value_get_text(c->attempts, "path", NULL), c->flight_path)
                           ? ag_value_get_int(c->attempts, "attempt", 0)
                           : 0;
    bool goes_on = skip || refuse || c->flight_until != 0;
    int64_t attempt = c->flight_attempt + (goes_on ? 0 : 1);
    int r = ag_visit_again(s, c->flight_step, c->flight_path, attempt, failures, &s->now, err);
    if (r < 0) {
        return r;
    }
    s->now.until = c->flight_until;
    if (!goes_on) {
        ag_auto_free char *text = ag_asprintf(
            "the executor died in the middle of step '%s': it is repeated\n", s->now.step->name);
        (void)(text != NULL && ag_strand_output(s, "notice", text));
    }
    if (skip) {
        s->now.verdict = AG_VISIT_SKIP;
    } else if (refuse) {
        s->now.verdict = AG_VISIT_REFUSE;
        s->now.word = AG_FAIL_INTERRUPTED;
        s->now.why = ag_strdup("the executor died in the middle of this step, and the answer was "
                               "to let the workflow fail");
    }
    ag_strand_begin(s);
    return 0;
}

static int resume_retry(struct ag_strand *s, const struct ag_checkpoint *c, argo_error **err)
{
    int64_t failed = ag_value_get_int(c->attempts, "attempt", 0);
    int r = ag_visit_again(s, c->next_step, ag_value_get_text(c->attempts, "path", ""), failed + 1,
                           failed, &s->now, err);
    if (r == 0) {
        wait_to_retry(s);
    }
    return r;
}

void ag_strand_resume(struct ag_strand *s)
{
    const struct ag_checkpoint *c = &s->runner->checkpoint;
    AG_AUTO(argo_error) err = NULL;
    int r = 0;
    if (c->flight_path != NULL) {
        r = resume_flight(s, c, &err);
    } else if (ag_streq(c->next_step, EXIT_STEP)) {
        s->failure = ag_value_ref(c->failure);
        s->phase = AG_PHASE_OVER;
        ag_runner_strand_over(s->runner, s);
    } else if (c->attempts != NULL) {
        r = resume_retry(s, c, &err);
    } else {
        r = ag_visit_plan(s, c->next_step, &s->now, &err);
        if (r == 0) {
            ag_strand_begin(s);
        }
    }
    if (r < 0) {
        ag_runner_lost(s->runner, err);
    }
}
