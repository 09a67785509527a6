/*
 * The environment of an executor: what the caller had of a short list of names (else what the
 * daemon has), and what the executor must know. Nothing secret is in it, and nothing else of the
 * daemon's or the host's environment gets in.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "daemon/supervisor.h"

#define LOCALE_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"

static const char *const passed[] = {"PATH", "HOME", "USER",   "LOGNAME",      "SHELL",
                                     "LANG", "TZ",   "TMPDIR", "SSH_AUTH_SOCK"};

struct env {
    char **list; /* NULL-terminated */
    size_t n;
    bool failed;
};

/* Takes over ENTRY; NULL as ENTRY is a failure. */
static void env_add(struct env *env, char *entry)
{
    char **list = reallocarray(env->list, env->n + 2, sizeof(*list));
    if (list != NULL) {
        env->list = list;
        list[env->n++] = entry;
        list[env->n] = NULL;
    }
    if (list == NULL || entry == NULL) {
        env->failed = true;
    }
    if (list == NULL) {
        free(entry);
    }
}

static bool is_passed(const char *name, size_t len)
{
    for (size_t i = 0; i < AG_ARRAY_SIZE(passed); i++) {
        if (strlen(passed[i]) == len && strncmp(passed[i], name, len) == 0) {
            return true;
        }
    }
    return len > 3 && strncmp(name, "LC_", 3) == 0 && strspn(name + 3, LOCALE_LETTERS) >= len - 3;
}

static void add_callers(struct env *env, const ag_value *callers)
{
    struct ag_value_iter it = {0};
    while (callers != NULL && ag_value_next(callers, &it)) {
        const char *text = ag_value_as_text(it.value);
        if (text != NULL && is_passed(it.key, strlen(it.key))) {
            env_add(env, ag_asprintf("%s=%s", it.key, text));
        }
    }
}

static void add_own(struct env *env, const ag_value *callers)
{
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        size_t len = strcspn(*entry, "=");
        if (is_passed(*entry, len) && ag_value_get_n(callers, *entry, len) == NULL) {
            env_add(env, ag_strdup(*entry));
        }
    }
}

char **ag_launch_env_new(const struct argo_daemon *daemon, const struct ag_run *run,
                         const struct ag_run_spec *spec)
{
    struct env env = {0};
    ag_auto_free char *lock = ag_executor_lock_path(daemon, run->rid, run->epoch);
    add_callers(&env, spec->env);
    add_own(&env, spec->env);
    env_add(&env, ag_asprintf("ARGO_HOME=%s", daemon->home.path));
    env_add(&env, ag_asprintf("ARGO_DAEMON_URL=unix:%s", daemon->home.socket_path));
    env_add(&env, ag_asprintf("ARGO_WORKFLOW_ID=%s", run->workflow_id));
    env_add(&env, ag_asprintf("ARGO_EPOCH=%" PRId64, run->epoch));
    env_add(&env, ag_asprintf("ARGO_RUN_NONCE=%s", spec->nonce));
    env_add(&env, lock == NULL ? NULL : ag_asprintf("ARGO_LOCK_FILE=%s", lock));
    env_add(&env, ag_strdup("ARGO_TOKEN_FD=3"));
    if (env.failed) {
        for (size_t i = 0; i < env.n; i++) {
            free(env.list[i]); /* holes would end the list for ag_launch_env_free */
        }
        free(env.list);
        return NULL;
    }
    return env.list;
}

void ag_launch_env_free(char **env)
{
    for (char **entry = env; entry != NULL && *entry != NULL; entry++) {
        free(*entry);
    }
    free(env);
}
