/*
 * What executors report of steps: start, completion, progress; and the checkpoint they go on
 * from. A completion's commit is the checkpoint.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "domain/internal.h"

static char *step_key(const char *path, int64_t attempt)
{
    return ag_asprintf("step:%s/%" PRId64, path, attempt);
}

/* 1 when this (path, attempt) has been completed, committed or on its way. */
static int completed_before(ag_domain *d, struct ag_live *live, const char *path, int64_t attempt,
                            argo_error **err)
{
    if (live->fresh) {
        return 0;
    }
    ag_auto_free char *key = step_key(path, attempt);
    if (key == NULL) {
        return ag_error_nomem(err);
    }
    if (ag_live_pending(live, key) != 0) {
        return 1;
    }
    struct ag_step_row row = {0};
    int found = ag_store_step(d->store, live->row.rid, path, attempt, &row, err);
    if (found > 0) {
        found = row.status != AG_STEP_STARTED;
        ag_record_clear(&ag_step_row_record, &row);
    }
    return found;
}

static int check_position(int64_t current_step, int64_t total_steps, argo_error **err)
{
    if (current_step > total_steps) {
        return ag_error_field(err, ARGO_E_INVALID, "current_step",
                              "current_step is %" PRId64 ", above total_steps %" PRId64,
                              current_step, total_steps);
    }
    return 0;
}

static int check_progress(const struct ag_progress *p, argo_error **err)
{
    return check_position(p->current_step, p->total_steps, err);
}

static int check_start(const struct ag_step_start *start, argo_error **err)
{
    return check_position(start->current_step, start->total_steps, err);
}

static void apply_progress(struct ag_live *live, const struct ag_progress *p)
{
    live->row.current_step = p->current_step;
    live->row.total_steps = p->total_steps;
    (void)ag_set_text(&live->row.step_name, p->step_name);
    ag_log_info(live->domain->ctx, "domain", "[PROGRESS] %s: step %" PRId64 "/%" PRId64 " (%s)",
                live->row.workflow_id, p->current_step, p->total_steps, p->step_name);
}

static void apply_start(struct ag_change_set *c, struct ag_live *live,
                        const struct ag_step_start *start)
{
    /* Said again, by a new executor that goes on with it, it began when it began. */
    bool again = ag_streq(start->path, live->flight.path) && start->attempt == live->flight.attempt;
    live->fresh = false;
    if (start->current_step > 0 && start->current_step != live->row.current_step) {
        apply_progress(live,
                       &(struct ag_progress){start->current_step, start->total_steps, start->step});
    }
    ag_flight_set(live, start);
    ag_live_note_waiting(live);
    /* A decision to repeat holds until the step is under way again: the next death asks anew. */
    (void)ag_set_text(&live->row.decision, NULL);
    struct ag_step_row row = {
        .step = start->step,
        .path = start->path,
        .attempt = start->attempt,
        .status = AG_STEP_STARTED,
        .repeat_never = start->repeat_never,
        .epoch = live->row.epoch,
        .started = again ? 0 : ag_context_now_ms(c->domain->ctx),
        .until = start->until,
    };
    ag_txn_put_step(c->txn, live->row.rid, &row);
    ag_event_step_start(c, live, start);
}

int ag_run_progress(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_progress *progress,
                    ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r == 0) {
        r = check_progress(progress, err);
    }
    if (r < 0) {
        return r;
    }
    struct ag_change_set *c = NULL;
    r = ag_change_new(d, rid, AG_CHANGE_STATE, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    apply_progress(live, progress);
    ag_change_commit(c);
    return 0;
}

int ag_run_step_start(ag_domain *d, int64_t rid, int64_t epoch, const struct ag_step_start *start,
                      ag_done_fn done, void *user, argo_error **err)
{
    struct ag_live *live = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r == 0) {
        r = check_start(start, err);
    }
    if (r == 0) {
        r = completed_before(d, live, start->path, start->attempt, err);
    }
    if (r < 0) {
        return r;
    }
    if (r > 0) {
        return ag_error_set(err, ARGO_E_STATE, "Attempt %" PRId64 " of '%s' is completed already",
                            start->attempt, start->path);
    }
    struct ag_change_set *c = NULL;
    r = ag_change_new(d, rid, AG_CHANGE_STATE, done, user, &c, err);
    if (r < 0) {
        return r;
    }
    apply_start(c, live, start);
    ag_change_commit(c);
    return 0;
}

/* ---- completion ---------------------------------------------------------------------------- */

static void forget_size(void *p)
{
    free(p);
}

static int note_size(struct ag_live *live, const char *name, size_t bytes)
{
    const size_t *old = ag_map_get(live->variable_bytes, name);
    size_t *now = malloc(sizeof(*now));
    if (now == NULL) {
        return ARGO_E_NOMEM;
    }
    *now = bytes;
    int64_t before = old == NULL ? 0 : (int64_t)*old;
    if (ag_map_put(live->variable_bytes, name, now) < 0) {
        free(now);
        return ARGO_E_NOMEM;
    }
    live->variables_total += (int64_t)bytes - before;
    return 0;
}

static int note_sizes(struct ag_live *live, const ag_value *variables, bool secret)
{
    struct ag_value_iter it = {0};
    while (ag_value_next(variables, &it)) {
        size_t len = 0;
        free(ag_value_print(it.value, &len));
        if (note_size(live, it.key, len) < 0 ||
            (secret && ag_map_put(live->secret_names, it.key, live) < 0)) {
            return ARGO_E_NOMEM;
        }
    }
    return 0;
}

void ag_live_forget_variables(struct ag_live *live)
{
    ag_map_free(ag_take(live->variable_bytes));
    ag_map_free(ag_take(live->secret_names));
}

/* The sizes of all variables, and which are secret: looked up when a run first writes one. */
static int load_sizes(ag_domain *d, struct ag_live *live, argo_error **err)
{
    AG_AUTO(ag_value) variables = NULL;
    AG_AUTO(ag_value) secrets = NULL;
    if (live->variable_bytes != NULL) {
        return 0;
    }
    int r = ag_store_variables(d->store, live->row.rid, &variables, err);
    r = r < 0 ? r : ag_store_secret_variables(d->store, live->row.rid, &secrets, err);
    if (r < 0) {
        return r;
    }
    live->variables_total = 0;
    live->variable_bytes = ag_map_new(forget_size);
    live->secret_names = ag_map_new(NULL);
    if (live->variable_bytes == NULL || live->secret_names == NULL ||
        note_sizes(live, variables, false) < 0 || note_sizes(live, secrets, true) < 0) {
        ag_live_forget_variables(live);
        return ag_error_nomem(err);
    }
    return 0;
}

static int check_variables(ag_domain *d, struct ag_live *live, const ag_value *variables,
                           argo_error **err)
{
    if (ag_value_size(variables) == 0) {
        return 0;
    }
    int r = load_sizes(d, live, err);
    if (r < 0) {
        return r;
    }
    int64_t total = live->variables_total;
    struct ag_value_iter it = {0};
    while (ag_value_next(variables, &it)) {
        size_t len = 0;
        free(ag_value_print(it.value, &len));
        if (len > AG_MAX_VALUE) {
            return ag_error_set(err, ARGO_E_TOO_LARGE,
                                "Variable '%s' has %zu bytes, at most %d are allowed", it.key, len,
                                AG_MAX_VALUE);
        }
        size_t *old = ag_map_get(live->variable_bytes, it.key);
        total += (int64_t)len - (old == NULL ? 0 : (int64_t)*old);
    }
    if (total > AG_MAX_VARIABLES) {
        return ag_error_set(err, ARGO_E_TOO_LARGE,
                            "The variables of '%s' would have %" PRId64
                            " bytes, at most %d are allowed",
                            live->row.workflow_id, total, AG_MAX_VARIABLES);
    }
    return 0;
}

/* What was secret once stays so, whoever changes it. */
static void apply_variables(struct ag_change_set *c, struct ag_live *live,
                            const struct ag_step_complete *complete)
{
    struct ag_value_iter it = {0};
    (void)note_sizes(live, complete->variables, complete->secret);
    while (ag_value_next(complete->variables, &it)) {
        if (complete->secret || ag_map_get(live->secret_names, it.key) != NULL) {
            ag_txn_put_secret_variable(c->txn, live->row.rid, it.key, it.value);
        } else {
            ag_txn_put_variable(c->txn, live->row.rid, it.key, it.value);
        }
    }
}

static void apply_complete(struct ag_change_set *c, struct ag_live *live,
                           const struct ag_step_complete *complete)
{
    struct ag_step_row row = {
        .step = complete->step,
        .path = complete->path,
        .attempt = complete->attempt,
        .status = complete->status,
        .epoch = live->row.epoch,
        .ended = ag_context_now_ms(c->domain->ctx),
        .next_step = complete->next_step,
        .outputs = complete->outputs,
        .usage = complete->usage,
        .error = complete->error,
    };
    live->fresh = false;
    ag_txn_put_step(c->txn, live->row.rid, &row);
    ag_event_step_complete(c, live, complete);
    c->usage = ag_value_ref(complete->usage);
    apply_variables(c, live, complete);
    if (ag_streq(complete->path, live->flight.path)) {
        ag_flight_set(live, NULL);
    }
    ag_live_expire_questions(c, live, complete->path);
    ag_live_note_waiting(live);
    (void)ag_set_text(&live->row.decision, NULL);
    live->row.deaths = 0;
    if (complete->next_step != NULL) {
        (void)ag_set_text(&live->row.next_step, complete->next_step);
        live->row.steps_done++;
    }
    if (complete->status == AG_STEP_FAILED && ag_streq(complete->next_step, "EXIT")) {
        ag_value_unref(live->row.error);
        live->row.error = ag_value_ref(complete->error);
    }
    if (complete->consumed_input_seq > live->row.consumed_seq) {
        live->row.consumed_seq = complete->consumed_input_seq;
    }
    if (complete->progress.n > 0) {
        apply_progress(live, complete->progress.items);
    }
    if (complete->start.n > 0) {
        apply_start(c, live, complete->start.items);
    }
}

/* An end is that of the run: nothing comes after it. */
static int check_content(const struct ag_step_complete *complete, argo_error **err)
{
    int r = 0;
    if (complete->status == AG_STEP_STARTED) {
        r = ag_error_field(err, ARGO_E_INVALID, "status",
                           "status is 'started', expected done, failed or skipped");
    } else if (complete->end.n > 0 &&
               (!ag_streq(complete->next_step, "EXIT") || complete->start.n > 0)) {
        r = ag_error_field(err, ARGO_E_INVALID, "end",
                           "end comes with next_step 'EXIT' and without start");
    }
    if (r == 0 && complete->progress.n > 0) {
        r = check_progress(complete->progress.items, err);
    }
    if (r == 0 && complete->start.n > 0) {
        r = check_start(complete->start.items, err);
    }
    return r;
}

/* 1 when it is known already. */
static int check_complete(ag_domain *d, struct ag_live *live,
                          const struct ag_step_complete *complete, argo_error **err)
{
    int r = check_content(complete, err);
    r = r < 0 ? r : completed_before(d, live, complete->path, complete->attempt, err);
    return r == 0 ? check_variables(d, live, complete->variables, err) : r;
}

static int add_complete(struct ag_change_set *c, struct ag_live *live,
                        const struct ag_step_complete *complete, argo_error **err)
{
    ag_auto_free char *key = step_key(complete->path, complete->attempt);
    if (key == NULL || ag_change_pending(c, live, key, 1) < 0) {
        return ag_error_nomem(err);
    }
    int r = ag_live_append_output(c, live, complete->records.items, complete->records.n, err);
    if (r == 0) {
        apply_complete(c, live, complete);
    }
    return r;
}

int ag_run_step_complete(ag_domain *d, int64_t rid, int64_t epoch,
                         const struct ag_step_complete *complete, ag_done_fn done, void *user,
                         argo_error **err)
{
    struct ag_live *live = NULL;
    struct ag_change_set *c = NULL;
    const struct ag_finish *end = complete->end.n > 0 ? complete->end.items : NULL;
    int over = end == NULL ? ag_live_fenced(d, rid, epoch, &live, err)
                           : ag_live_check_finish(d, rid, epoch, ag_finish_state(end), &live, err);
    int repeated = over == 0 ? check_complete(d, live, complete, err) : over;
    int r = repeated < 0
                ? repeated
                : ag_change_new(d, rid, repeated ? 0 : AG_CHANGE_STATE, done, user, &c, err);
    if (r == 0 && !repeated) {
        r = add_complete(c, live, complete, err);
    }
    if (r < 0) {
        ag_change_drop(c);
        return r;
    }
    if (end != NULL && over == 0) {
        ag_live_finish(c, live, ag_finish_state(end), end->result, end->error);
    }
    ag_change_commit(c); /* of a repeated one: comes after the first one's commit */
    return 0;
}

/* ---- the checkpoint -------------------------------------------------------------------------- */

struct last_failure {
    ag_domain *domain;
    int64_t rid;
    char *path;
    int64_t attempt;
    struct ag_usage used; /* by all attempts */
};

/* A retry is due at the path whose last completed attempt failed and went nowhere. The order of
 * the rows says nothing about that: a clock that was set may have turned it round. */
static int find_failure(const struct ag_step_row *row, void *user)
{
    struct last_failure *last = user;
    ag_usage_add(&last->used, row->usage);
    if (row->status != AG_STEP_FAILED || row->next_step != NULL) {
        return 0;
    }
    struct ag_step_row after = {0};
    int found =
        ag_store_step(last->domain->store, last->rid, row->path, row->attempt + 1, &after, NULL);
    bool superseded = found > 0 && after.status != AG_STEP_STARTED;
    ag_record_clear(&ag_step_row_record, &after);
    if (found < 0 || superseded) {
        return found < 0 ? found : 0;
    }
    last->attempt = row->attempt;
    return ag_set_text(&last->path, row->path);
}

static int fill_attempts(ag_domain *d, struct ag_live *live, struct ag_checkpoint *out,
                         argo_error **err)
{
    struct last_failure last = {.domain = d, .rid = live->row.rid};
    int r = ag_store_steps(d->store, live->row.rid, find_failure, &last, err);
    if (last.used.input_tokens + last.used.output_tokens + last.used.unpriced > 0) {
        out->usage = ag_record_encode(&ag_usage_record, &last.used);
    }
    if (r == 0 && last.path != NULL) {
        out->attempts = ag_value_object();
        if (ag_value_set(out->attempts, "path", ag_value_text(last.path)) < 0 ||
            ag_value_set(out->attempts, "attempt", ag_value_int(last.attempt)) < 0) {
            r = ag_error_nomem(err);
        }
    }
    free(last.path);
    return r;
}

static void fill_from_live(struct ag_live *live, struct ag_checkpoint *out)
{
    out->workflow_id = ag_strdup(live->row.workflow_id);
    out->session_id = ag_strdup(live->row.session_id);
    out->template_name = ag_strdup(live->row.template_name);
    out->epoch = live->row.epoch;
    out->next_step = ag_strdup(live->row.next_step);
    out->decision = ag_strdup(live->row.decision);
    out->failure = ag_value_ref(live->row.error);
    out->steps_done = live->row.steps_done;
    out->started = live->row.started;
    out->park_after = live->domain->config.park_after_ms;
    out->consumed_input_seq = live->row.consumed_seq;
    out->paused_ms = live->row.paused_ms;
    out->paused = live->row.state == AG_RUN_PAUSED;
    out->config = ag_value_ref(live->row.config);
    out->poll = live->domain->config.silence_ms / 2;
    out->ends = true;
    if (live->flight.path != NULL) {
        out->flight_step = ag_strdup(live->flight.step);
        out->flight_path = ag_strdup(live->flight.path);
        out->flight_attempt = live->flight.attempt;
        out->flight_until = live->flight.until;
    }
}

/* Those with secrets in them, too: an executor needs them. */
static int all_variables(ag_domain *d, int64_t rid, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) variables = NULL;
    AG_AUTO(ag_value) secrets = NULL;
    struct ag_value_iter it = {0};
    int r = ag_store_variables(d->store, rid, &variables, err);
    r = r < 0 ? r : ag_store_secret_variables(d->store, rid, &secrets, err);
    while (r >= 0 && ag_value_next(secrets, &it)) {
        r = ag_value_set(variables, it.key, ag_value_ref(it.value)) < 0 ? ag_error_nomem(err) : r;
    }
    if (r >= 0) {
        *out = ag_take(variables);
    }
    return r;
}

/* What the steps so far have left. */
static int fill_from_steps(ag_domain *d, struct ag_live *live, struct ag_checkpoint *out,
                           argo_error **err)
{
    int r = all_variables(d, live->row.rid, &out->variables, err);
    r = r < 0 ? r : ag_store_visits(d->store, live->row.rid, &out->visits, err);
    return r < 0 ? r : fill_attempts(d, live, out, err);
}

int ag_run_checkpoint(ag_domain *d, int64_t rid, int64_t epoch, struct ag_checkpoint *out,
                      argo_error **err)
{
    *out = (struct ag_checkpoint){0};
    struct ag_live *live = NULL;
    int r = ag_live_fenced(d, rid, epoch, &live, err);
    if (r < 0) {
        return r;
    }
    struct ag_run_spec spec = {0};
    r = ag_store_run_spec(d->store, rid, &spec, err);
    if (r == 0) {
        r = ag_error_set(err, ARGO_E_CORRUPT, "Workflow '%s' has no specification in the store",
                         live->row.workflow_id);
    }
    if (r > 0) {
        fill_from_live(live, out);
        out->instance = ag_take(spec.instance);
        out->branch = ag_take(spec.branch);
        out->environment = ag_take(spec.environment);
        out->definition = ag_take(spec.definition);
        out->definition_file = ag_take(spec.definition_file);
        out->parameters = ag_take(spec.parameters);
        out->cwd = ag_take(spec.cwd);
        out->env = ag_take(spec.env);
        out->default_provider = ag_take(spec.default_provider);
        out->default_model = ag_take(spec.default_model);
        r = live->fresh ? 0 : fill_from_steps(d, live, out, err);
    }
    ag_run_spec_clear(&spec);
    if (r >= 0) {
        r = ag_live_messages_after(live, &out->messages_after, err);
    }
    if (r < 0) {
        ag_record_clear(&ag_checkpoint_record, out);
        return r;
    }
    return 0;
}
