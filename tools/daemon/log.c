/*
 * The log of argo-daemon: its file once the home is known to be private, else stderr.
 */
#include "log.h"

#include <stdio.h>
#include <stdlib.h>

#define KEEP_FILES 5

/* One line a message, whatever it quotes. */
static void to_stderr(enum argo_log_level level, const char *component, const char *text)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    fprintf(stderr, "%s %s: ", levels[level], component);
    for (; *text != '\0'; text++) {
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, stderr);
    }
    fputc('\n', stderr);
}

static void open_file(struct log *log)
{
    char *path = NULL;
    argo_error *err = NULL;
    log->to_file = 0; /* tried once */
    if (asprintf(&path, "%s/logs/daemon.log", argo_context_home(log->ctx)) < 0) {
        return;
    }
    if (argo_log_file_open(path, 0, KEEP_FILES, &log->file, &err) < 0) {
        to_stderr(ARGO_LOG_WARNING, "daemon", argo_error_details(err));
        argo_error_free(err);
    }
    free(path);
}

void log_write(void *user, enum argo_log_level level, const char *component, const char *file,
               int line, const char *text)
{
    struct log *log = user;
    pthread_mutex_lock(&log->lock);
    if (log->to_file) {
        open_file(log);
    }
    if (log->file != NULL) {
        argo_log_file_write(log->file, level, component, file, line, text);
    } else {
        to_stderr(level, component, text);
    }
    pthread_mutex_unlock(&log->lock);
}

void log_failure(struct log *log, const argo_error *err)
{
    const char *details = argo_error_details(err);
    fprintf(stderr, "argo-daemon: %s\n", details[0] != '\0' ? details : argo_error_message(err));
    if (log->file != NULL) {
        log_write(log, ARGO_LOG_ERROR, "daemon", __FILE__, __LINE__, details);
    }
}

void log_close(struct log *log)
{
    argo_log_file_close(log->file);
}
