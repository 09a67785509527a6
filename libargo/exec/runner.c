/*
 * The run as a whole: checkpoint, template, strands, the end. How a strand goes from step to step
 * is flow.c's.
 */
#include "exec/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "exec/internal.h"

char *ag_runner_client_key(ag_runner *r)
{
    return ag_asprintf("%" PRId64 ".%" PRId64, r->checkpoint.epoch, ++r->keys);
}

static void end(ag_runner *r, const argo_error *err)
{
    if (!r->over) {
        r->over = true;
        r->on_end(err, r->user);
    }
}

void ag_runner_lost(ag_runner *r, const argo_error *err)
{
    end(r, err);
}

/* ---- what comes by port and channel ------------------------------------------------------------------ */

static void on_input(const struct ag_stream_record *record, void *user)
{
    ag_runner *r = user;
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &r->strands)
    {
        ag_strand_input(AG_CONTAINER_OF(pos, struct ag_strand, node), record);
    }
}

static void on_drained(void *user)
{
    ag_runner *r = user;
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &r->strands)
    {
        ag_strand_drained(AG_CONTAINER_OF(pos, struct ag_strand, node));
    }
}

static void on_lost(const argo_error *err, void *user)
{
    end(user, err);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

static void finished(const argo_error *err, void *user)
{
    end(user, err);
}

static struct ag_finish end_of_run(const ag_runner *r, ag_value *error)
{
    struct ag_finish f = {.status = error != NULL, .error = error};
    if (error == NULL) {
        f.result = ag_value_object();
        (void)ag_value_set(f.result, "steps", ag_value_int(r->steps_done));
    }
    ag_log_info(r->config.ctx, "exec", "the run is %s after %" PRId64 " steps",
                error != NULL ? "failed" : "done", r->steps_done);
    return f;
}

static void finish(ag_runner *r, ag_value *error)
{
    struct ag_finish f = end_of_run(r, error);
    r->config.port->ops->finish(r->config.port, &f, finished, r);
    ag_value_unref(f.result);
}

bool ag_runner_tells_end(ag_runner *r, const struct ag_strand *s, const char *next,
                         struct ag_finish *out)
{
    r->told = r->checkpoint.ends && ag_streq(next, "EXIT");
    if (r->told) {
        *out = end_of_run(r, s->failure);
    }
    return r->told;
}

void ag_runner_strand_over(ag_runner *r, struct ag_strand *s)
{
    if (r->told) {
        end(r, NULL);
    } else {
        finish(r, s->failure);
    }
}

/* ---- the beginning --------------------------------------------------------------------------------------- */

static void template_refused(ag_runner *r, const argo_error *why)
{
    ag_auto_free char *text = ag_error_text(why);
    AG_AUTO(ag_value) error = ag_value_object();
    (void)ag_value_set(error, "code", ag_value_text(AG_FAIL_TEMPLATE));
    (void)ag_value_set(error, "message", ag_value_text(text));
    finish(r, error);
}

/* A decoded record is copied by writing and reading it. */
static int keep_checkpoint(ag_runner *r, const struct ag_checkpoint *c, argo_error **err)
{
    AG_AUTO(ag_value) v = ag_record_encode(&ag_checkpoint_record, c);
    if (v == NULL) {
        return ag_error_nomem(err);
    }
    return ag_record_decode(&ag_checkpoint_record, v, &r->checkpoint, err);
}

/* Deep copies: the strand changes its own in place. */
static int fill_from(ag_value *object, const ag_value *from)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(from, &it)) {
        if (ag_value_set(object, it.key, ag_value_copy(it.value)) < 0) {
            return ARGO_E_NOMEM;
        }
    }
    return 0;
}

static struct ag_strand *root_strand(ag_runner *r, argo_error **err)
{
    const struct ag_checkpoint *c = &r->checkpoint;
    struct ag_strand *s = ag_strand_new(r, "", err);
    if (s == NULL) {
        return NULL;
    }
    ag_list_append(&r->strands, &s->node);
    if (fill_from(s->variables, c->parameters) < 0 || fill_from(s->variables, c->variables) < 0 ||
        fill_from(s->visits, c->visits) < 0) {
        ag_error_nomem(err);
        return NULL;
    }
    return s;
}

static void limit_passed(ag_wall *wall, void *user)
{
    ag_runner *r = user;
    struct ag_list *pos, *tmp;
    ag_runner_arm_limit(r);
    if (r->held || r->limit_at > ag_context_now_ms(r->config.ctx)) {
        return; /* of what lay in between a part was a pause, or it is one now */
    }
    ag_wall_disarm(r->limit);
    r->expired = true;
    ag_list_each(pos, tmp, &r->strands)
    {
        ag_strand_expire(AG_CONTAINER_OF(pos, struct ag_strand, node));
    }
}

/* Wall time from the run's start without its pauses, whatever executors lie between. Of a stop of
 * this process the loop may know before a message tells. */
void ag_runner_arm_limit(ag_runner *r)
{
    int64_t paused = r->checkpoint.paused_ms + ag_loop_stopped_ms(r->config.loop);
    paused = paused > r->paused_ms ? paused : r->paused_ms;
    if (r->limit == NULL || r->expired) {
        return;
    }
    r->limit_at = r->checkpoint.started + paused + ag_template_timeout_ms(r->plan);
    ag_wall_disarm(r->limit);
    if (!r->held) {
        (void)ag_wall_arm(r->limit, r->limit_at);
    }
}

static int limit_new(ag_runner *r, argo_error **err)
{
    if (ag_template_timeout_ms(r->plan) == 0) {
        return 0;
    }
    int rc = ag_wall_new(r->config.loop, limit_passed, r, &r->limit, err);
    if (rc == 0) {
        ag_runner_arm_limit(r);
    }
    return rc;
}

static void begin(const struct ag_checkpoint *checkpoint, const argo_error *err, void *user)
{
    ag_runner *r = user;
    AG_AUTO(argo_error) why = NULL;
    if (r->over) {
        return;
    }
    if (err != NULL) {
        end(r, err);
        return;
    }
    if (keep_checkpoint(r, checkpoint, &why) < 0) {
        end(r, why);
        return;
    }
    r->steps_done = r->checkpoint.steps_done;
    const char *text = r->checkpoint.definition;
    if (ag_template_load(r->checkpoint.definition_file, text, strlen(text), &r->plan, &why) < 0) {
        template_refused(r, why);
        return;
    }
    struct ag_strand *s = root_strand(r, &why);
    if (s == NULL || ag_runner_settle(r, &why) < 0 || limit_new(r, &why) < 0) {
        end(r, why);
        return;
    }
    ag_strand_resume(s);
}

void ag_runner_start(ag_runner *r)
{
    r->config.port->ops->checkpoint(r->config.port, begin, r);
}

/* ---- cancelling ------------------------------------------------------------------------------------------ */

static void tell_cancelled(ag_defer *defer, void *user)
{
    ag_runner *r = user;
    if (r->cancelled != NULL) {
        void (*cancelled)(void *) = ag_take(r->cancelled);
        cancelled(r->cancel_user);
    }
}

void ag_runner_strand_stopped(ag_runner *r)
{
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &r->strands)
    {
        if (AG_CONTAINER_OF(pos, struct ag_strand, node)->phase == AG_PHASE_STOPPING) {
            return;
        }
    }
    ag_defer_schedule(r->cancel_defer);
}

void ag_runner_cancel(ag_runner *r, void (*done)(void *user), void *user)
{
    struct ag_list *pos, *tmp;
    r->over = true;
    r->cancelled = done;
    r->cancel_user = user;
    ag_list_each(pos, tmp, &r->strands)
    {
        ag_strand_cancel(AG_CONTAINER_OF(pos, struct ag_strand, node));
    }
    ag_runner_strand_stopped(r);
}

/* ---- object ---------------------------------------------------------------------------------------------- */

int ag_runner_new(const struct ag_runner_config *config, ag_runner_end_fn on_end, void *user,
                  ag_runner **out, argo_error **err)
{
    ag_runner *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return ag_error_nomem(err);
    }
    r->config = *config;
    r->on_end = on_end;
    r->user = user;
    ag_list_init(&r->strands);
    ag_list_init(&r->pending);
    r->run_nonce = ag_strdup(config->run_nonce);
    r->config.run_nonce = r->run_nonce;
    int rc = ag_defer_new(config->loop, tell_cancelled, r, &r->cancel_defer, err);
    if (rc == 0) {
        rc = ag_runner_park_new(r, err);
    }
    if (rc == 0 && config->run_nonce != NULL && r->run_nonce == NULL) {
        rc = ag_error_nomem(err);
    }
    if (rc < 0) {
        ag_runner_free(r);
        return rc;
    }
    const struct ag_channel_events io = {.input = on_input, .drained = on_drained};
    config->port->events = (struct ag_port_events){
        .message = ag_runner_message,
        .lost = on_lost,
    };
    config->port->events_user = r;
    ag_channel_set_events(config->port->channel, &io, r);
    *out = r;
    return 0;
}

void ag_runner_free(ag_runner *r)
{
    if (r == NULL) {
        return;
    }
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &r->strands)
    {
        ag_strand_free(AG_CONTAINER_OF(pos, struct ag_strand, node));
    }
    ag_runner_drop_pending(r);
    ag_timer_free(r->park);
    ag_defer_free(r->cancel_defer);
    ag_wall_free(r->limit);
    ag_template_free(r->plan);
    ag_value_unref(r->settings);
    ag_record_clear(&ag_checkpoint_record, &r->checkpoint);
    free(r->run_nonce);
    free(r);
}
