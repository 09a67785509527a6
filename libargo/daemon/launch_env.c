/*
 * The environment of a run: what the caller had of a short list of names, else what the daemon
 * has; it is resolved once, at the start. An executor gets it with what it must know. Nothing secret
 * is in it, and nothing else of the daemon's or the host's environment gets in.
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

static int take_callers(const ag_value *callers, ag_value *out, argo_error **err)
{
    struct ag_value_iter it = {0};
    while (callers != NULL && ag_value_next(callers, &it)) {
        if (!is_passed(it.key, strlen(it.key))) {
            return ag_error_field(err, ARGO_E_INVALID, "env",
                                  "env.%s: expected PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_*, "
                                  "TZ, TMPDIR or SSH_AUTH_SOCK; a step's env may set others",
                                  it.key);
        }
        if (!ag_value_is(it.value, ARGO_TYPE_TEXT)) {
            return ag_error_field(err, ARGO_E_INVALID, "env", "env.%s: expected text", it.key);
        }
        if (ag_value_set(out, it.key, ag_value_ref(it.value)) < 0) {
            return ag_error_nomem(err);
        }
    }
    return 0;
}

static int add_own(ag_value *out, argo_error **err)
{
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        size_t len = strcspn(*entry, "=");
        if (!is_passed(*entry, len) || ag_value_get_n(out, *entry, len) != NULL) {
            continue;
        }
        ag_auto_free char *name = ag_strndup(*entry, len);
        const char *value = *entry + len + 1;
        if (name == NULL || ag_value_set(out, name, ag_value_text_sane(value, strlen(value))) < 0) {
            return ag_error_nomem(err);
        }
    }
    return 0;
}

int ag_launch_env_resolve(const ag_value *callers, ag_value **out, argo_error **err)
{
    AG_AUTO(ag_value) env = ag_value_object();
    int r = env == NULL ? ag_error_nomem(err) : take_callers(callers, env, err);
    if (r == 0) {
        r = add_own(env, err);
    }
    if (r == 0) {
        *out = ag_take(env);
    }
    return r;
}

static void add_run(struct env *env, const ag_value *of_run)
{
    struct ag_value_iter it = {0};
    while (of_run != NULL && ag_value_next(of_run, &it)) {
        const char *text = ag_value_as_text(it.value);
        if (text != NULL) {
            env_add(env, ag_asprintf("%s=%s", it.key, text));
        }
    }
}

char **ag_launch_env_new(const struct argo_daemon *daemon, const struct ag_run *run,
                         const struct ag_run_spec *spec)
{
    struct env env = {0};
    ag_auto_free char *lock = ag_executor_lock_path(daemon, run->rid, run->epoch);
    add_run(&env, spec->env);
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
