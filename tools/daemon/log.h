/*
 * Where argo-daemon logs to.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <pthread.h>

#include <argo/context.h>

/* HOME/logs/daemon.log, opened at the first message: by then the library has made sure that the
 * home is private. Until that works, and in the foreground, stderr. */
struct log {
    pthread_mutex_t lock; /* messages come from any thread */
    const argo_context *ctx;
    argo_log_file *file;
    int to_file;
};

#define LOG_INIT                          \
    {                                     \
        .lock = PTHREAD_MUTEX_INITIALIZER \
    }

/* An argo_log_fn; USER is the struct log. */
void log_write(void *user, enum argo_log_level level, const char *component, const char *file,
               int line, const char *text);
/* Says on stderr, and in the file if it is open, why the program ends. */
void log_failure(struct log *log, const argo_error *err);
void log_close(struct log *log);

#endif
