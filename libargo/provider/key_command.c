/*
 * A key that a command prints: `pass show openai`, for instance. It is started when the key is
 * used, in the home, without a terminal. What it prints is bounded, is the key and goes nowhere
 * else; of what it says on standard error nothing is shown, for that may be the key as well.
 */
#include <string.h>
#include <sys/wait.h>

#include "base/program.h"
#include "base/text.h"
#include "provider/internal.h"
#include "wire/environ.h"

#define KEY_COMMAND_MS 30000
#define ARGV_MAX       32

struct ag_key_command {
    ag_program *program;
    ag_timer *timer;
    char said[AG_KEY_MAX + 1];
    size_t len;
    char *file; /* where the command stands */
    ag_key_fn fn;
    void *user;
};

void ag_key_command_free(struct ag_key_command *c)
{
    if (c != NULL) {
        ag_program_free(c->program);
        ag_timer_free(c->timer);
        free(c->file);
        explicit_bzero(c->said, sizeof(c->said));
        free(c);
    }
}

static void finish(struct ag_key_command *c, char *key, argo_error *err)
{
    ag_key_fn fn = c->fn;
    void *user = c->user;
    ag_key_command_free(c);
    fn(key, err, user);
}

static void on_output(const char *data, size_t len, void *user)
{
    struct ag_key_command *c = user;
    if (len > AG_KEY_MAX - c->len) {
        argo_error *err = NULL;
        ag_error_set(&err, ARGO_E_NO_KEY, "the command of %s prints more than %d bytes", c->file,
                     AG_KEY_MAX);
        finish(c, NULL, err);
        return;
    }
    memcpy(c->said + c->len, data, len);
    c->len += len;
}

static void on_ended(int status, const char *errors, void *user)
{
    struct ag_key_command *c = user;
    argo_error *err = NULL;
    char *key = NULL;
    if (status != 0) {
        bool killed = WIFSIGNALED(status);
        ag_error_set(&err, ARGO_E_NO_KEY, "the command of %s %s %d; run it yourself to see why",
                     c->file, killed ? "was killed by signal" : "ended with exit code",
                     killed ? WTERMSIG(status) : WEXITSTATUS(status));
    } else {
        c->said[strcspn(c->said, "\n")] = '\0'; /* password stores put the rest below */
        (void)ag_key_clean(c->said, "what the command prints", c->file, &key, &err);
    }
    finish(c, key, err);
}

static void on_late(ag_timer *timer, void *user)
{
    struct ag_key_command *c = user;
    argo_error *err = NULL;
    ag_error_set(&err, ARGO_E_NO_KEY, "the command of %s did not end within %d s", c->file,
                 KEY_COMMAND_MS / 1000);
    finish(c, NULL, err);
}

static int read_argv(const ag_value *command, const char *file, const char *argv[ARGV_MAX + 1],
                     argo_error **err)
{
    struct ag_value_iter it = {0};
    size_t n = 0;
    while (ag_value_next(command, &it)) {
        const char *word = ag_value_as_text(it.value);
        if (word == NULL || n == ARGV_MAX || (n == 0 && *word == '\0')) {
            n = 0;
            break;
        }
        argv[n++] = word;
    }
    argv[n] = NULL;
    return n > 0 ? 0
                 : ag_error_set(err, ARGO_E_NO_KEY,
                                "%s: expected a command as a JSON array of 1 to %d texts", file,
                                ARGV_MAX);
}

int ag_key_command_start(const struct ag_provider_env *env, const ag_value *command,
                         const char *file, ag_key_fn fn, void *user, struct ag_key_command **out,
                         argo_error **err)
{
    static const struct ag_program_events events = {on_output, on_ended};
    const char *argv[ARGV_MAX + 1];
    int rc = read_argv(command, file, argv, err);
    if (rc < 0) {
        return rc;
    }
    AG_AUTO(ag_value) own = env->environment != NULL ? NULL : ag_environ_own();
    ag_auto_text_list envp = ag_environ_list(own != NULL ? own : env->environment);
    struct ag_key_command *c = calloc(1, sizeof(*c));
    if (c == NULL || envp == NULL) {
        free(c);
        return ag_error_nomem(err);
    }
    *c = (struct ag_key_command){.file = ag_strdup(file), .fn = fn, .user = user};
    const struct ag_spawn spec = {
        .file = argv[0], .argv = argv, .envp = (const char *const *)envp, .cwd = env->home};
    rc =
        c->file == NULL ? ag_error_nomem(err) : ag_timer_new(env->loop, on_late, c, &c->timer, err);
    if (rc == 0) {
        AG_AUTO(argo_error) why = NULL;
        rc = ag_program_start(env->loop, &spec, "", 0, &events, c, &c->program, &why);
        if (rc < 0) {
            rc = ag_error_set(err, ARGO_E_NO_KEY, "the command of %s: %s", file,
                              argo_error_details(why));
        }
    }
    if (rc < 0) {
        ag_key_command_free(c);
        return rc;
    }
    ag_timer_arm(c->timer, KEY_COMMAND_MS);
    *out = c;
    return 0;
}
