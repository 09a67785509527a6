/*
 * The context: home, log sink and clock. It creates no directory and prints nothing.
 */
#include "base/context.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include <argo/version.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"

#define PASSWD_BUF_MAX (1024 * 1024)

struct argo_context {
    char *home;
    argo_log_fn log;
    void *log_user;
    enum argo_log_level level;
    int64_t (*now_ms)(void *user);
    void *clock_user;
};

static const char *const level_names[] = {
    [ARGO_LOG_ERROR] = "error",
    [ARGO_LOG_WARNING] = "warning",
    [ARGO_LOG_INFO] = "info",
    [ARGO_LOG_DEBUG] = "debug",
};

/* The user's directory by the password database; a container's user may have none there. */
static int user_dir(char **out, argo_error **err)
{
    for (size_t size = 1024; size <= PASSWD_BUF_MAX; size *= 2) {
        ag_auto_free char *buf = malloc(size);
        if (buf == NULL) {
            return ag_error_nomem(err);
        }
        struct passwd pw;
        struct passwd *found = NULL;
        int errnum = getpwuid_r(geteuid(), &pw, buf, size, &found);
        if (errnum == ERANGE) {
            continue;
        }
        const char *dir = found != NULL ? pw.pw_dir : secure_getenv("HOME");
        if (dir == NULL || dir[0] == '\0') {
            break;
        }
        *out = ag_strdup(dir);
        return *out != NULL ? 0 : ag_error_nomem(err);
    }
    return ag_error_set(err, ARGO_E_INVALID,
                        "user %u has no home directory; set ARGO_HOME to an absolute path",
                        (unsigned)geteuid());
}

/* Copies PATH, without slashes at its end; WHAT says where it came from. */
static int take_absolute(const char *path, const char *what, char **out, argo_error **err)
{
    if (path[0] != '/') {
        return ag_error_set(err, ARGO_E_INVALID, "%s: expected an absolute path, not \"%s\"", what,
                            path);
    }
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    *out = ag_strndup(path, len);
    return *out != NULL ? 0 : ag_error_nomem(err);
}

static int resolve_home(const char *home, char **out, argo_error **err)
{
    if (home != NULL) {
        return take_absolute(home, "home", out, err);
    }
    const char *env = secure_getenv("ARGO_HOME");
    if (env != NULL && env[0] != '\0') {
        return take_absolute(env, "ARGO_HOME", out, err);
    }
    ag_auto_free char *user = NULL;
    int rc = user_dir(&user, err);
    if (rc < 0) {
        return rc;
    }
    ag_auto_free char *path = ag_asprintf("%s/.argo", user);
    return path != NULL ? take_absolute(path, "home", out, err) : ag_error_nomem(err);
}

static int64_t system_now_ms(void *user)
{
    return ag_wall_ms();
}

int argo_context_new(const char *home, argo_context **out, argo_error **err)
{
    if (out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_context_new: out is NULL");
    }
    AG_AUTO(argo_context) ctx = calloc(1, sizeof(*ctx));
    if (ctx == NULL) {
        return ag_error_nomem(err);
    }
    int rc = resolve_home(home, &ctx->home, err);
    if (rc < 0) {
        return rc;
    }
    ag_context_set_clock(ctx, NULL, NULL);
    *out = ag_take(ctx);
    return 0;
}

void argo_context_free(argo_context *ctx)
{
    if (ctx != NULL) {
        free(ctx->home);
        free(ctx);
    }
}

const char *argo_context_home(const argo_context *ctx)
{
    return ctx != NULL ? ctx->home : NULL;
}

int64_t ag_context_now_ms(const argo_context *ctx)
{
    return ctx->now_ms(ctx->clock_user);
}

void ag_context_set_clock(argo_context *ctx, int64_t (*now_ms)(void *user), void *user)
{
    ctx->now_ms = now_ms != NULL ? now_ms : system_now_ms;
    ctx->clock_user = user;
}

void argo_context_set_log(argo_context *ctx, argo_log_fn fn, void *user, enum argo_log_level level)
{
    if (ctx != NULL) {
        ctx->log = fn;
        ctx->log_user = user;
        ctx->level = level;
    }
}

int argo_log_level_parse(const char *name, enum argo_log_level *out, argo_error **err)
{
    if (out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_log_level_parse: out is NULL");
    }
    for (size_t i = 0; i < AG_ARRAY_SIZE(level_names); i++) {
        if (ag_streq(name, level_names[i])) {
            *out = (enum argo_log_level)i;
            return 0;
        }
    }
    return ag_error_set(err, ARGO_E_INVALID,
                        "log level: expected error, warning, info or debug, not \"%.64s\"",
                        name != NULL ? name : "");
}

const char *ag_log_level_name(enum argo_log_level level)
{
    return (size_t)level < AG_ARRAY_SIZE(level_names) ? level_names[level] : "unknown";
}

enum argo_log_level ag_context_log_level(const argo_context *ctx)
{
    return ctx->level;
}

void ag_context_set_log_level(argo_context *ctx, enum argo_log_level level)
{
    ctx->level = level;
}

bool ag_log_enabled(const argo_context *ctx, enum argo_log_level level)
{
    return ctx != NULL && ctx->log != NULL && level <= ctx->level;
}

void ag_log_write(const argo_context *ctx, enum argo_log_level level, const char *component,
                  const char *file, int line, const char *format, ...)
{
    ag_auto_free char *text = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0) {
        text = NULL; /* its value is undefined after a failure */
    }
    va_end(ap);
    for (char *p = text; p != NULL && *p != '\0'; p++) {
        if (*p == '\n' || *p == '\r') {
            *p = ' ';
        }
    }
    ctx->log(ctx->log_user, level, component, file, line,
             text != NULL ? text : "(no memory for the text of this message)");
}

const char *argo_version(void)
{
    return ARGO_VERSION;
}
