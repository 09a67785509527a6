/*
 * Messages to the run: pause, resume, abort, update_config, and those of hosts, which no step of
 * ours reads. While the run is held no step begins and the time limits of steps stand still; what
 * is under way is stopped from outside, by signals, where there is somebody who can.
 */
#include <inttypes.h>
#include <string.h>

#include "exec/internal.h"

/* ---- pause and resume ----------------------------------------------------------------------------- */

static void hold_timer(ag_timer *timer, int64_t *left)
{
    *left = ag_timer_left(timer);
    ag_timer_disarm(timer);
}

static void release_timer(ag_timer *timer, int64_t left)
{
    if (left >= 0) {
        ag_timer_arm(timer, left);
    }
}

static void hold(ag_runner *r)
{
    struct ag_list *pos, *tmp;
    if (r->held) {
        return;
    }
    r->held = true;
    ag_runner_arm_limit(r);
    ag_list_each(pos, tmp, &r->strands)
    {
        struct ag_strand *s = AG_CONTAINER_OF(pos, struct ag_strand, node);
        hold_timer(s->deadline, &s->deadline_left);
        hold_timer(s->delay, &s->delay_left);
    }
    ag_runner_waiting_changed(r);
}

static void let_go(ag_runner *r, int64_t paused_ms)
{
    struct ag_list *pos, *tmp;
    if (!r->held) {
        return;
    }
    r->held = false;
    r->paused_ms = paused_ms > r->paused_ms ? paused_ms : r->paused_ms;
    ag_runner_arm_limit(r);
    ag_list_each(pos, tmp, &r->strands)
    {
        struct ag_strand *s = AG_CONTAINER_OF(pos, struct ag_strand, node);
        release_timer(s->deadline, s->deadline_left);
        release_timer(s->delay, s->delay_left);
        s->deadline_left = s->delay_left = -1;
        if (s->phase == AG_PHASE_HELD) {
            ag_strand_begin(s);
        }
    }
    ag_runner_waiting_changed(r);
}

/* ---- settings ------------------------------------------------------------------------------------- */

/* KEY as a message has set it last, or NULL. */
static const ag_value *setting(const ag_runner *r, const char *key)
{
    return ag_value_get(r->settings, key);
}

/* What is not set is as it was before any setting. */
static void apply(ag_runner *r)
{
    struct ag_run_config config = {0};
    if (r->settings != NULL) {
        (void)ag_record_decode(&ag_run_config_record, r->settings, &config, NULL);
    }
    r->park_after =
        setting(r, "park_after_s") != NULL ? config.park_after : r->checkpoint.park_after;
    ag_context_set_log_level(r->config.ctx, setting(r, "log_level") != NULL
                                                ? (enum argo_log_level)config.log_level
                                                : r->log_level);
}

static void update(ag_runner *r, const ag_value *changes)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(changes, &it)) {
        if (ag_value_is(it.value, ARGO_TYPE_NULL)) {
            (void)ag_value_remove(r->settings, it.key);
        } else {
            (void)ag_value_set(r->settings, it.key, ag_value_ref(it.value));
        }
    }
    apply(r);
    ag_runner_waiting_changed(r);
}

int ag_runner_settle(ag_runner *r, argo_error **err)
{
    const struct ag_checkpoint *c = &r->checkpoint;
    r->log_level = ag_context_log_level(r->config.ctx);
    r->held = c->paused;
    r->paused_ms = c->paused_ms;
    ag_loop_stops_began(r->config.loop, c->paused_ms);
    ag_usage_add(&r->used, c->usage);
    r->settings = c->config != NULL ? ag_value_copy(c->config) : ag_value_object();
    if (r->settings == NULL) {
        return ag_error_nomem(err);
    }
    apply(r);
    return 0;
}

/* ---- budgets -------------------------------------------------------------------------------------- */

static const ag_value *budget(const ag_runner *r, const char *key)
{
    const ag_value *set = setting(r, key);
    return set != NULL ? set : ag_template_limit(r->plan, key);
}

int ag_runner_check_budget(const ag_runner *r, const ag_value *more, argo_error **err)
{
    const ag_value *tokens = budget(r, "budget_tokens");
    const ag_value *usd = budget(r, "budget_usd");
    struct ag_usage sum = r->used;
    ag_usage_add(&sum, more);
    int64_t used = sum.input_tokens + sum.output_tokens;
    if (tokens != NULL && used >= ag_value_as_int(tokens)) {
        return ag_error_set(err, ARGO_E_QUOTA,
                            "the run has used %" PRId64 " tokens, budget_tokens is %" PRId64, used,
                            ag_value_as_int(tokens));
    }
    if (usd != NULL && sum.unpriced > 0) {
        return ag_error_set(err, ARGO_E_QUOTA,
                            "%" PRId64 " CI calls of the run reported no cost: budget_usd cannot "
                            "be kept, use budget_tokens",
                            sum.unpriced);
    }
    if (usd != NULL && sum.cost_usd >= ag_value_as_real(usd)) {
        return ag_error_set(err, ARGO_E_QUOTA, "the run has cost %g dollars, budget_usd is %g",
                            sum.cost_usd, ag_value_as_real(usd));
    }
    return 0;
}

/* ---- messages ------------------------------------------------------------------------------------- */

void ag_runner_message(const struct ag_message *m, void *user)
{
    ag_runner *r = user;
    AG_AUTO(argo_error) err = NULL;
    ag_log_info(r->config.ctx, "exec", "message %s", m->type);
    if (strcmp(m->type, "pause") == 0) {
        hold(r);
    } else if (strcmp(m->type, "resume") == 0) {
        let_go(r, ag_value_get_int(m->payload, "paused_ms", 0));
    } else if (strcmp(m->type, "update_config") == 0) {
        update(r, m->payload);
    } else if (strcmp(m->type, "abort") == 0) {
        ag_error_set(&err, ARGO_E_CANCELLED, "the run was aborted");
        ag_runner_lost(r, err);
    }
}
