/*
 * Strands as objects, and what a step type may ask of its strand: fields, variables, output,
 * replies of the port. What follows from what is flow.c's.
 */
#include <string.h>

#include "base/text.h"
#include "exec/internal.h"

static void delay_over(ag_timer *timer, void *user)
{
    ag_strand_retry(user);
}

static void deadline_passed(ag_timer *timer, void *user)
{
    ag_strand_timed_out(user);
}

struct ag_strand *ag_strand_new(ag_runner *r, const char *prefix, argo_error **err)
{
    struct ag_strand *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        ag_error_nomem(err);
        return NULL;
    }
    ag_list_init(&s->node);
    s->runner = r;
    s->delay_left = s->deadline_left = -1;
    s->prefix = ag_strdup(prefix);
    s->variables = ag_value_object();
    s->visits = ag_value_object();
    if (s->prefix == NULL || s->variables == NULL || s->visits == NULL) {
        ag_error_nomem(err);
        ag_strand_free(s);
        return NULL;
    }
    if (ag_timer_new(r->config.loop, delay_over, s, &s->delay, err) < 0 ||
        ag_timer_new(r->config.loop, deadline_passed, s, &s->deadline, err) < 0) {
        ag_strand_free(s);
        return NULL;
    }
    return s;
}

void ag_strand_free(struct ag_strand *s)
{
    if (s == NULL) {
        return;
    }
    if (s->state != NULL && s->ops->free != NULL) {
        s->ops->free(s->state);
    }
    free(s->state);
    ag_list_remove(&s->node);
    ag_strand_reset(s);
    ag_visit_clear(&s->now);
    ag_visit_clear(&s->next);
    ag_timer_free(s->delay);
    ag_timer_free(s->deadline);
    ag_value_unref(s->variables);
    ag_value_unref(s->before);
    ag_value_unref(s->visits);
    ag_value_unref(s->failure);
    free(s->asked);
    free(s->prefix);
    free(s);
}

void ag_strand_input(struct ag_strand *s, const struct ag_stream_record *record)
{
    if (s->phase == AG_PHASE_RUNNING && s->ops->input != NULL) {
        s->ops->input(s, s->state, record);
    }
}

void ag_strand_drained(struct ag_strand *s)
{
    if ((s->phase == AG_PHASE_RUNNING || s->phase == AG_PHASE_STOPPING) &&
        s->ops->drained != NULL) {
        s->ops->drained(s, s->state);
    }
}

/* ---- surroundings -------------------------------------------------------------------------------- */

argo_context *ag_strand_context(const struct ag_strand *s)
{
    return s->runner->config.ctx;
}

ag_loop *ag_strand_loop(const struct ag_strand *s)
{
    return s->runner->config.loop;
}

const struct ag_runner_config *ag_strand_config(const struct ag_strand *s)
{
    return &s->runner->config;
}

const ag_template *ag_strand_template(const struct ag_strand *s)
{
    return s->runner->plan;
}

const struct ag_checkpoint *ag_strand_checkpoint(const struct ag_strand *s)
{
    return &s->runner->checkpoint;
}

/* ---- fields and variables -------------------------------------------------------------------------- */

const ag_value *ag_strand_field(const struct ag_strand *s, const char *key)
{
    return ag_value_get(s->now.step->fields, key);
}

struct ag_scope ag_strand_scope(const struct ag_strand *s)
{
    return (struct ag_scope){.builtins = s->now.builtins, .variables = s->variables};
}

int ag_strand_text(const struct ag_strand *s, const char *key, char **out, argo_error **err)
{
    struct ag_scope scope = ag_strand_scope(s);
    const char *text = ag_value_as_text(ag_strand_field(s, key));
    *out = NULL;
    if (text == NULL) {
        return 0;
    }
    int r = ag_subst_text(text, &scope, out, err);
    return r < 0 ? ag_error_wrap(err, "%s", key) : 0;
}

int ag_strand_value(const struct ag_strand *s, const char *key, ag_value **out, argo_error **err)
{
    struct ag_scope scope = ag_strand_scope(s);
    const ag_value *field = ag_strand_field(s, key);
    *out = NULL;
    if (field == NULL) {
        return 0;
    }
    int r = ag_subst_value(field, &scope, out, err);
    return r < 0 ? ag_error_wrap(err, "%s", key) : 0;
}

/* The top-level variable of PATH as a copy of its own in `changed`, if there is one. */
static int own_variable(struct ag_strand *s, const char *path, argo_error **err)
{
    size_t len = strcspn(path, ".");
    const ag_value *old = ag_value_get_n(s->variables, path, len);
    if (s->changed == NULL) {
        s->changed = ag_value_object();
    }
    if (s->changed == NULL) {
        return ag_error_nomem(err);
    }
    if (path[len] == '\0' || old == NULL || ag_value_get_n(s->changed, path, len) != NULL) {
        return 0;
    }
    ag_auto_free char *name = ag_strndup(path, len);
    if (name == NULL || ag_value_set(s->changed, name, ag_value_copy(old)) < 0) {
        return ag_error_nomem(err);
    }
    return 0;
}

int ag_strand_save(struct ag_strand *s, const char *path, ag_value *value, argo_error **err)
{
    AG_AUTO(ag_value) owned = value;
    if (path == NULL) {
        return 0;
    }
    if (ag_starts_with(path, "context.")) {
        path += strlen("context.");
    }
    int r = own_variable(s, path, err);
    return r < 0 ? r : ag_value_path_set(s->changed, path, ag_take(owned), err);
}

int ag_strand_save_to(struct ag_strand *s, const char *key, ag_value *value, argo_error **err)
{
    return ag_strand_save(s, ag_value_as_text(ag_strand_field(s, key)), value, err);
}

void ag_strand_set_output(struct ag_strand *s, const char *key, ag_value *value)
{
    if (s->outputs == NULL) {
        s->outputs = ag_value_object();
    }
    (void)ag_value_set(s->outputs, key, value);
}

void ag_strand_set_usage(struct ag_strand *s, const ag_value *usage)
{
    ag_value_unref(s->usage);
    s->usage = ag_value_ref(usage);
}

void ag_strand_consumed(struct ag_strand *s, int64_t seq)
{
    if (seq > s->consumed_seq) {
        s->consumed_seq = seq;
    }
}

void ag_strand_go_to(struct ag_strand *s, const ag_value *target)
{
    if (target != NULL) {
        free(s->go_to);
        s->go_to = ag_value_display(target);
    }
}

/* ---- output ------------------------------------------------------------------------------------------ */

bool ag_strand_output(struct ag_strand *s, const char *kind, const char *text)
{
    struct ag_output_record record = {
        .kind = ag_strdup(kind),
        .text = ag_strdup(text),
        .path = ag_strdup(s->now.path),
        .client_key = ag_runner_client_key(s->runner),
    };
    size_t queued = 0;
    if (record.kind != NULL && record.text != NULL) {
        queued = ag_channel_write_record(s->runner->config.port->channel, &record);
    }
    ag_record_clear(&ag_output_record_record, &record);
    return queued > AG_CHANNEL_HIGH;
}

void ag_strand_record(struct ag_strand *s, const char *kind, const char *text)
{
    struct ag_output_record *more = realloc(s->records, (s->n_records + 1) * sizeof(*more));
    if (more == NULL) {
        return;
    }
    s->records = more;
    s->records[s->n_records++] = (struct ag_output_record){
        .kind = ag_strdup(kind),
        .text = ag_strdup(text),
        .path = ag_strdup(s->now.path),
        .client_key = ag_runner_client_key(s->runner),
    };
}

/* ---- input and replies --------------------------------------------------------------------------------- */

void ag_strand_listen(struct ag_strand *s, bool wanted)
{
    ag_runner *r = s->runner;
    if (s->listening == wanted) {
        return;
    }
    s->listening = wanted;
    r->listeners += wanted ? 1 : (size_t)-1;
    if (r->listeners == (wanted ? 1 : 0)) {
        r->config.port->ops->listen(r->config.port, wanted);
    }
    ag_runner_waiting_changed(r);
}

/* A reply that an attempt waits for. When it comes the attempt may be over. */
struct pending {
    struct ag_list node;
    struct ag_strand *strand;
    uint64_t generation;
    void (*on_question)(struct ag_strand *s, void *state, const struct ag_question *q,
                        const argo_error *err);
    void (*on_ci)(struct ag_strand *s, void *state, const struct ag_ci *ci,
                  const struct ag_ci *upstream, const argo_error *err);
};

void ag_runner_drop_pending(ag_runner *r)
{
    struct ag_list *pos, *tmp;
    ag_list_each(pos, tmp, &r->pending)
    {
        ag_list_remove(pos);
        free(AG_CONTAINER_OF(pos, struct pending, node));
    }
}

static struct pending *pending_new(struct ag_strand *s)
{
    struct pending *p = calloc(1, sizeof(*p));
    if (p != NULL) {
        p->strand = s;
        p->generation = s->generation;
        ag_list_append(&s->runner->pending, &p->node);
    }
    return p;
}

/* The strand, when the attempt still waits. */
static struct ag_strand *pending_take(struct pending *p)
{
    struct ag_strand *s = p->strand;
    ag_list_remove(&p->node);
    return s->phase == AG_PHASE_RUNNING && s->generation == p->generation ? s : NULL;
}

static void question_replied(const struct ag_question *q, const argo_error *err, void *user)
{
    ag_auto_free struct pending *p = user;
    struct ag_strand *s = pending_take(p);
    if (s != NULL) {
        p->on_question(s, s->state, q, err);
    }
}

void ag_strand_question(struct ag_strand *s, const struct ag_question *q,
                        void (*fn)(struct ag_strand *s, void *state, const struct ag_question *q,
                                   const argo_error *err))
{
    struct pending *p = pending_new(s);
    if (p == NULL) {
        ag_strand_fail(s, AG_FAIL_INPUT, "out of memory");
        return;
    }
    p->on_question = fn;
    free(s->asked);
    s->asked = ag_strdup(q->question_id);
    s->runner->config.port->ops->question(s->runner->config.port, q, question_replied, p);
}

static void ci_replied(const struct ag_ci *ci, const struct ag_ci *upstream, const argo_error *err,
                       void *user)
{
    ag_auto_free struct pending *p = user;
    struct ag_strand *s = pending_take(p);
    if (s != NULL) {
        p->on_ci(s, s->state, ci, upstream, err);
    }
}

void ag_strand_ci(struct ag_strand *s, const char *name,
                  void (*fn)(struct ag_strand *s, void *state, const struct ag_ci *ci,
                             const struct ag_ci *upstream, const argo_error *err))
{
    AG_AUTO(argo_error) why = NULL;
    if (ag_runner_check_budget(s->runner, s->usage, &why) < 0) {
        ag_strand_fail_error(s, AG_FAIL_BUDGET, why);
        return;
    }
    struct pending *p = pending_new(s);
    if (p == NULL) {
        ag_strand_fail(s, AG_FAIL_CI, "out of memory");
        return;
    }
    p->on_ci = fn;
    s->runner->config.port->ops->ci(s->runner->config.port, name,
                                    s->runner->checkpoint.default_provider, ci_replied, p);
}
