/*
 * The context: where a library object logs, and which home it works in.
 *
 * A context is created by the program and passed to every object; the library has no global
 * state. Logging is silent until a sink is set.
 *
 * Thread-safety: configure it before the first object is created; afterwards it is read-only and
 * may be shared by threads. The sink may be called from any thread that the library runs.
 */
#ifndef ARGO_CONTEXT_H
#define ARGO_CONTEXT_H

#include <argo/error.h>

ARGO_BEGIN_DECLS

typedef struct argo_context argo_context;
typedef struct argo_log_file argo_log_file;

enum argo_log_level {
    ARGO_LOG_ERROR = 0,
    ARGO_LOG_WARNING = 1,
    ARGO_LOG_INFO = 2,
    ARGO_LOG_DEBUG = 3
};

/* TEXT is one finished line without a newline, valid during the call. */
typedef void (*argo_log_fn)(void *user, enum argo_log_level level, const char *component,
                            const char *file, int line, const char *text);

/* Creates a context on the Argo home HOME (NULL: $ARGO_HOME, else ~/.argo of the user). The
 * directory is not touched. Errors: ARGO_E_INVALID (no home to be had, or a relative path),
 * ARGO_E_NOMEM. Since: 0.1 */
ARGO_PUBLIC int argo_context_new(const char *home, argo_context **out, argo_error **err);
ARGO_PUBLIC void argo_context_free(argo_context *ctx);

/* The absolute path of the home. Owned by CTX. Since: 0.1 */
ARGO_PUBLIC const char *argo_context_home(const argo_context *ctx);

/* Sets the sink (NULL: silence) and the most verbose level that reaches it. Since: 0.1 */
ARGO_PUBLIC void argo_context_set_log(argo_context *ctx, argo_log_fn fn, void *user,
                                      enum argo_log_level level);

/* "error", "warning", "info", "debug" -> level. Errors: ARGO_E_INVALID. Since: 0.1 */
ARGO_PUBLIC int argo_log_level_parse(const char *name, enum argo_log_level *out, argo_error **err);

/* A sink that writes JSON lines to a file of mode 0600, which is renamed to PATH.1 when it
 * exceeds MAX_BYTES (0: 16 MiB) and KEEP old ones are kept. argo_log_file_write has the type
 * argo_log_fn and takes the file as USER; it may be called from any thread. Since: 0.1 */
ARGO_PUBLIC int argo_log_file_open(const char *path, uint64_t max_bytes, unsigned keep,
                                   argo_log_file **out, argo_error **err);
ARGO_PUBLIC void argo_log_file_write(void *log_file, enum argo_log_level level,
                                     const char *component, const char *file, int line,
                                     const char *text);
ARGO_PUBLIC void argo_log_file_close(argo_log_file *log_file);

ARGO_END_DECLS

#endif
