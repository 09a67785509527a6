/*
 * The log file: one JSON object a line, private to the user, rotated by size.
 *
 * A log has nobody to report to: when a line cannot be written it is lost, and when the file
 * cannot be rotated it grows on. It must not call anything that logs.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/context.h"
#include "base/loop.h"
#include "base/text.h"

#define DEFAULT_MAX_BYTES (16u * 1024 * 1024)
#define LINE_MAX_BYTES    (1024 * 1024)
#define KEEP_MAX          1000 /* each rotation renames that many files */

struct argo_log_file {
    pthread_mutex_t lock; /* guards fd and size */
    char *path;
    uint64_t max_bytes;
    uint64_t size;
    unsigned keep;
    int fd;
};

AG_DEFINE_AUTO(argo_log_file, argo_log_file_close)

/* 0 or an errno. */
static int open_private(const char *path, int *out_fd, uint64_t *out_size)
{
    ag_auto_close int fd = open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return EINVAL;
    }
    if ((st.st_mode & 077) != 0 && fchmod(fd, 0600) < 0) {
        return errno;
    }
    *out_fd = ag_take_fd(&fd);
    *out_size = (uint64_t)st.st_size;
    return 0;
}

int argo_log_file_open(const char *path, uint64_t max_bytes, unsigned keep, argo_log_file **out,
                       argo_error **err)
{
    if (path == NULL || out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_log_file_open: path or out is NULL");
    }
    if (keep > KEEP_MAX) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "log %s: expected to keep at most %d files, not %u", path, KEEP_MAX,
                            keep);
    }
    argo_log_file *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL) {
        return ag_error_nomem(err);
    }
    fresh->fd = -1;
    pthread_mutex_init(&fresh->lock, NULL); /* cannot fail with default attributes */
    AG_AUTO(argo_log_file) log = fresh;
    log->max_bytes = max_bytes > 0 ? max_bytes : DEFAULT_MAX_BYTES;
    log->keep = keep;
    log->path = ag_strdup(path);
    if (log->path == NULL) {
        return ag_error_nomem(err);
    }
    int errnum = open_private(path, &log->fd, &log->size);
    if (errnum != 0) {
        return ag_error_errno(err, errnum, "open log %s", path);
    }
    *out = ag_take(log);
    return 0;
}

void argo_log_file_close(argo_log_file *log_file)
{
    if (log_file == NULL) {
        return;
    }
    if (log_file->fd >= 0) {
        close(log_file->fd);
    }
    pthread_mutex_destroy(&log_file->lock);
    free(log_file->path);
    free(log_file);
}

/* PATH.(n-1) -> PATH.n, PATH -> PATH.1. Old files that are missing are no matter. */
static void shift_files(const argo_log_file *log)
{
    for (unsigned n = log->keep; n > 0; n--) {
        ag_auto_free char *from =
            n > 1 ? ag_asprintf("%s.%u", log->path, n - 1) : ag_strdup(log->path);
        ag_auto_free char *to = ag_asprintf("%s.%u", log->path, n);
        if (from != NULL && to != NULL) {
            rename(from, to);
        }
    }
    if (log->keep == 0) {
        unlink(log->path);
    }
}

static void rotate(argo_log_file *log)
{
    int fd = -1;
    uint64_t size = 0;
    shift_files(log);
    if (open_private(log->path, &fd, &size) == 0) {
        close(log->fd);
        log->fd = fd;
        log->size = size;
    }
}

static void add_escaped(struct ag_buf *b, const char *text)
{
    size_t len = 0;
    ag_auto_free char *clean = ag_utf8_sanitise(text, strlen(text), &len);
    const char *p = clean != NULL ? clean : "";
    ag_buf_add_char(b, '"');
    while (*p != '\0') {
        size_t plain = 0;
        while ((unsigned char)p[plain] >= 0x20 && p[plain] != '"' && p[plain] != '\\') {
            plain++;
        }
        ag_buf_add(b, p, plain);
        p += plain;
        if (*p == '"' || *p == '\\') {
            ag_buf_printf(b, "\\%c", *p++);
        } else if (*p != '\0') {
            ag_buf_printf(b, "\\u%04x", (unsigned)(unsigned char)*p++);
        }
    }
    ag_buf_add_char(b, '"');
}

static void format_line(struct ag_buf *b, enum argo_log_level level, const char *component,
                        const char *text)
{
    char at[AG_TIME_SIZE];
    ag_time_format(ag_wall_ms(), at);
    ag_buf_printf(b, "{\"at\":\"%s\",\"level\":\"%s\",\"component\":", at,
                  ag_log_level_name(level));
    add_escaped(b, component);
    ag_buf_add_text(b, ",\"message\":");
    add_escaped(b, text);
    ag_buf_add_text(b, "}\n");
}

static void write_line(argo_log_file *log, const char *line, size_t len)
{
    if (log->size > 0 && log->size + len > log->max_bytes) {
        rotate(log);
    }
    while (len > 0) {
        ssize_t n = write(log->fd, line, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        log->size += (uint64_t)n;
        line += n;
        len -= (size_t)n;
    }
}

void argo_log_file_write(void *log_file, enum argo_log_level level, const char *component,
                         const char *file, int line, const char *text)
{
    argo_log_file *log = log_file;
    if (log == NULL) {
        return;
    }
    ag_auto_buf b = AG_BUF_INIT(LINE_MAX_BYTES);
    format_line(&b, level, component != NULL ? component : "", text != NULL ? text : "");
    if (b.failed == ARGO_E_TOO_LARGE) {
        ag_buf_clear(&b);
        format_line(&b, level, component != NULL ? component : "",
                    "(a message was too long for the log)");
    }
    if (b.failed == 0) {
        pthread_mutex_lock(&log->lock);
        write_line(log, b.data, b.len);
        pthread_mutex_unlock(&log->lock);
    }
}
