/*
 * The environment of what a step starts: the run's, the step's own over it, and what Argo tells of
 * itself. Nothing of the executor's own gets in.
 */
#include <inttypes.h>
#include <stdio.h>

#include "exec/files.h"

static int add_text(ag_value *env, const char *name, const char *text)
{
    return text == NULL ? 0 : ag_value_set(env, name, ag_value_text(text));
}

/* What Argo tells a command of itself. */
static int add_own(struct ag_strand *s, ag_value *env)
{
    char attempt[24];
    const struct ag_runner_config *config = ag_strand_config(s);
    snprintf(attempt, sizeof(attempt), "%" PRId64, s->now.attempt);
    if (add_text(env, "ARGO_WORKFLOW_ID", ag_strand_checkpoint(s)->workflow_id) < 0 ||
        add_text(env, "ARGO_STEP", s->now.step->name) < 0 ||
        add_text(env, "ARGO_ATTEMPT", attempt) < 0 ||
        add_text(env, "ARGO_EFFECT_KEY", ag_value_get_text(s->now.builtins, "effect_key", NULL)) <
            0 ||
        add_text(env, "ARGO_RUN_NONCE", config->run_nonce) < 0) {
        return ARGO_E_NOMEM;
    }
    return add_text(env, "ARGO_HOME", argo_context_home(config->ctx));
}

int ag_strand_environment(struct ag_strand *s, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) env = ag_value_object();
    AG_AUTO(ag_value) step_env = NULL;
    if (ag_strand_value(s, "env", &step_env, err) < 0) {
        return ARGO_E_INVALID;
    }
    const ag_value *parts[] = {ag_strand_checkpoint(s)->env, step_env};
    for (size_t i = 0; i < AG_ARRAY_SIZE(parts); i++) {
        struct ag_value_iter it = {0};
        while (ag_value_next(parts[i], &it)) {
            if (ag_value_set(env, it.key, ag_value_ref(it.value)) < 0) {
                return ag_error_nomem(err);
            }
        }
    }
    if (add_own(s, env) < 0) {
        return ag_error_nomem(err);
    }
    *out = ag_take(env);
    return 0;
}
