/*
 * The settings of arc and argo-daemon: what they are, and where each comes from.
 *
 * Precedence: the command line, the environment, ./.env.argo.local, ./.env.argo,
 * $ARGO_HOME/config, the built-in value. The files of a directory count only for a program that
 * names one, and may set only the port, the default provider and the default model unless their
 * text is trusted (arc config trust).
 *
 * Thread-safety: an argo_config belongs to one thread at a time. The environment is read by
 * argo_config_new alone.
 */
#ifndef ARGO_CONFIG_H
#define ARGO_CONFIG_H

#include <argo/context.h>

ARGO_BEGIN_DECLS

typedef struct argo_config argo_config;

/* One setting. Owned by the argo_config; value and source are valid until it is set again. */
struct argo_setting {
    const char *key;    /* "ARGO_DAEMON_PORT" */
    const char *value;  /* as text; NULL: not set, and there is no built-in value */
    const char *source; /* "command line", "environment", "FILE:LINE" or "built-in" */
    int given;          /* not 0: somebody has set it */
    const char *option; /* argo-daemon's option of the same meaning, without dashes; or NULL */
    const char *help;   /* one line */
};

/* Reads the settings for the home of CTX, and of the files in DIRECTORY (NULL: none). Reads files,
 * does not block otherwise. The caller frees *OUT. Errors: ARGO_E_INVALID (the details name file
 * and line, and what was expected), ARGO_E_UNTRUSTED (a file of DIRECTORY says more than it may),
 * ARGO_E_DENIED (the home's file is open to others), ARGO_E_SYSTEM, ARGO_E_NOMEM. Since: 0.1 */
ARGO_PUBLIC int argo_config_new(const argo_context *ctx, const char *directory, argo_config **out,
                                argo_error **err);
ARGO_PUBLIC void argo_config_free(argo_config *config);

/* Sets KEY as the command line does, above everything else. VALUE is copied. Errors:
 * ARGO_E_INVALID (no such key, the details name the nearest; a bad value), ARGO_E_NOMEM.
 * Since: 0.1 */
ARGO_PUBLIC int argo_config_set(argo_config *config, const char *key, const char *value,
                                argo_error **err);

/* The value of KEY as text, or NULL. Owned by CONFIG. Since: 0.1 */
ARGO_PUBLIC const char *argo_config_get(const argo_config *config, const char *key);

/* The settings in a fixed order, NULL after the last one. Since: 0.1 */
ARGO_PUBLIC const struct argo_setting *argo_config_at(const argo_config *config, size_t index);

/* Writes KEY=VALUE into $ARGO_HOME/config, or with a VALUE of NULL takes KEY out of it; comments
 * and other lines stay. Atomic and durable; blocks for that. Creates the home if there is none.
 * Errors: as argo_config_set and argo_config_new. Since: 0.1 */
ARGO_PUBLIC int argo_config_store(const argo_context *ctx, const char *key, const char *value,
                                  argo_error **err);

ARGO_END_DECLS

#endif
