/*
 * Files: bounded reads, atomic writes, private directories. Paths are used as they are given;
 * errors name them and say what to do.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

#define READ_CHUNK 65536

static int read_fd(int fd, const char *path, size_t max, char **out, size_t *out_len,
                   argo_error **err)
{
    /* One byte more than allowed, so that a file of exactly MAX bytes can be told from more. */
    size_t room = max < PTRDIFF_MAX ? max + 1 : max;
    ag_auto_buf buf = AG_BUF_INIT(room);
    ssize_t n = 1;
    while (n > 0 && buf.len < room) {
        size_t left = room - buf.len;
        size_t chunk = left < READ_CHUNK ? left : READ_CHUNK;
        char *to = ag_buf_reserve(&buf, chunk);
        if (to == NULL) {
            return ag_buf_check(&buf, path, err);
        }
        do {
            n = read(fd, to, chunk);
        } while (n < 0 && errno == EINTR);
        if (n < 0) {
            return ag_error_errno(err, errno, "read %s", path);
        }
        ag_buf_commit(&buf, (size_t)n);
    }
    if (buf.len > max) {
        return ag_error_set(err, ARGO_E_TOO_LARGE, "%s is larger than %zu bytes", path, max);
    }
    size_t len = buf.len;
    char *data = ag_buf_take(&buf);
    if (data == NULL) {
        return ag_error_nomem(err);
    }
    *out = data;
    if (out_len != NULL) {
        *out_len = len;
    }
    return 0;
}

/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
static int open_regular(const char *path, int flags, struct stat *st, argo_error **err)
{
    ag_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
    if (fd < 0 && errno == ELOOP && (flags & O_NOFOLLOW) != 0) {
        return ag_error_set(err, ARGO_E_DENIED, "%s is a link; put the file itself there", path);
    }
    if (fd < 0 || fstat(fd, st) < 0) {
        return ag_error_errno(err, errno, "open %s", path);
    }
    if (!S_ISREG(st->st_mode)) {
        return ag_error_set(err, ARGO_E_DENIED, "%s is not a regular file", path);
    }
    return ag_take_fd(&fd);
}

int ag_file_read(const char *path, size_t max, char **out, size_t *out_len, argo_error **err)
{
    struct stat st;
    ag_auto_close int fd = open_regular(path, 0, &st, err);
    return fd < 0 ? fd : read_fd(fd, path, max, out, out_len, err);
}

/* FORBIDDEN: the mode bits that the file may not have. */
static int open_own(const char *path, mode_t forbidden, argo_error **err)
{
    struct stat st;
    ag_auto_close int fd = open_regular(path, O_NOFOLLOW, &st, err);
    if (fd < 0) {
        return fd;
    }
    if (st.st_uid != geteuid()) {
        return ag_error_set(err, ARGO_E_DENIED, "%s belongs to user %u, not to you", path,
                            (unsigned)st.st_uid);
    }
    if ((st.st_mode & forbidden) != 0) {
        return ag_error_set(err, ARGO_E_DENIED, "%s is open to others (mode %04o); chmod 600 it",
                            path, (unsigned)st.st_mode & 07777);
    }
    return ag_take_fd(&fd);
}

int ag_file_read_private(const char *path, size_t max, char **out, argo_error **err)
{
    size_t len = 0;
    ag_auto_free char *text = NULL;
    ag_auto_close int fd = open_own(path, 077, err);
    int r = fd < 0 ? fd : read_fd(fd, path, max, &text, &len, err);
    if (r == 0 && strlen(text) != len) {
        explicit_bzero(text, len);
        return ag_error_set(err, ARGO_E_CORRUPT, "%s: expected text, without NUL bytes", path);
    }
    if (r == 0) {
        *out = ag_take(text);
    }
    return r;
}

int ag_file_read_own(const char *path, size_t max, char **out, size_t *out_len, argo_error **err)
{
    ag_auto_close int fd = open_own(path, 022, err);
    return fd < 0 ? fd : read_fd(fd, path, max, out, out_len, err);
}

static int write_fd(int fd, const char *path, const void *data, size_t len, argo_error **err)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ag_error_errno(err, errno, "write %s", path);
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static int sync_parent(const char *path, argo_error **err)
{
    const char *slash = strrchr(path, '/');
    ag_auto_free char *dir = NULL;
    if (slash == NULL) {
        dir = ag_strdup(".");
    } else {
        dir = slash == path ? ag_strdup("/") : ag_strndup(path, (size_t)(slash - path));
    }
    if (dir == NULL) {
        return ag_error_nomem(err);
    }
    ag_auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return ag_error_errno(err, errno, "sync directory %s", dir);
    }
    return 0;
}

static int fill_and_rename(int fd, const char *temporary, const char *path, const void *data,
                           size_t len, mode_t mode, argo_error **err)
{
    int rc = write_fd(fd, temporary, data, len, err);
    if (rc < 0) {
        return rc;
    }
    if (fchmod(fd, mode) < 0 || fsync(fd) < 0) {
        return ag_error_errno(err, errno, "write %s", temporary);
    }
    if (rename(temporary, path) < 0) {
        return ag_error_errno(err, errno, "rename %s to %s", temporary, path);
    }
    return 0;
}

int ag_file_write(const char *path, const void *data, size_t len, mode_t mode, argo_error **err)
{
    ag_auto_free char *temporary = ag_asprintf("%s.tmp-XXXXXX", path);
    if (temporary == NULL) {
        return ag_error_nomem(err);
    }
    ag_auto_close int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return ag_error_errno(err, errno, "create a file beside %s", path);
    }
    int rc = fill_and_rename(fd, temporary, path, data, len, mode, err);
    if (rc < 0) {
        unlink(temporary);
        return rc;
    }
    return sync_parent(path, err);
}

int ag_file_replace(const char *path, const void *data, size_t len, mode_t mode, argo_error **err)
{
    ag_auto_free char *temporary = ag_asprintf("%s.tmp", path);
    if (temporary == NULL) {
        return ag_error_nomem(err);
    }
    unlink(temporary); /* of a writer that has crashed */
    ag_auto_close int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return ag_error_errno(err, errno, "create %s", temporary);
    }
    int rc = write_fd(fd, temporary, data, len, err);
    if (rc == 0 && rename(temporary, path) < 0) {
        rc = ag_error_errno(err, errno, "rename %s to %s", temporary, path);
    }
    if (rc < 0) {
        unlink(temporary);
    }
    return rc;
}

int ag_file_append(const char *path, const void *data, size_t len, mode_t mode, argo_error **err)
{
    ag_auto_close int fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, mode);
    if (fd < 0) {
        return ag_error_errno(err, errno, "open %s", path);
    }
    return write_fd(fd, path, data, len, err);
}

static int open_log(const char *path)
{
    return open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
                0600);
}

/* The directory may have been taken away to get rid of old files. */
static int open_log_in_place(const char *path)
{
    int fd = open_log(path);
    const char *slash = strrchr(path, '/');
    if (fd >= 0 || errno != ENOENT || slash == NULL) {
        return fd;
    }
    ag_auto_free char *dir = ag_strndup(path, (size_t)(slash - path));
    return dir != NULL && mkdir(dir, 0700) == 0 ? open_log(path) : -1;
}

static int end_torn_line(int fd, const char *path, off_t size, argo_error **err)
{
    char last = '\n';
    if (size > 0 && pread(fd, &last, 1, size - 1) != 1) {
        return ag_error_errno(err, errno, "read %s", path);
    }
    return last == '\n' ? 0 : write_fd(fd, path, "\n", 1, err);
}

int ag_file_append_lines(const char *path, const void *lines, size_t len, argo_error **err)
{
    struct stat st;
    ag_auto_close int fd = open_log_in_place(path);
    if (fd < 0 || fstat(fd, &st) < 0) {
        return ag_error_errno(err, errno, "open %s", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return ag_error_set(err, ARGO_E_SYSTEM, "%s is not a regular file", path);
    }
    if (len == 0) {
        return 0;
    }
    int rc = end_torn_line(fd, path, st.st_size, err);
    rc = rc < 0 ? rc : write_fd(fd, path, lines, len, err);
    if (rc == 0 && fdatasync(fd) < 0) {
        rc = ag_error_errno(err, errno, "write %s", path);
    }
    return rc == 0 && st.st_size == 0 ? sync_parent(path, err) : rc;
}

bool ag_file_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* Makes every missing directory above the last component of PATH, which is changed meanwhile. */
static int make_parents(char *path, mode_t mode, argo_error **err)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = mkdir(path, mode) < 0 && errno != EEXIST
                     ? ag_error_errno(err, errno, "create directory %s", path)
                     : 0;
        *slash = '/';
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int ag_dir_parents(const char *path, argo_error **err)
{
    ag_auto_free char *copy = ag_strdup(path);
    if (copy == NULL) {
        return ag_error_nomem(err);
    }
    return copy[0] != '\0' ? make_parents(copy, 0777, err) : 0;
}

static int check_private_dir(const char *path, argo_error **err)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        return ag_error_errno(err, errno, "look at %s", path);
    }
    if (!S_ISDIR(st.st_mode)) {
        return ag_error_set(err, ARGO_E_DENIED, "%s is %s; a directory is needed there", path,
                            S_ISLNK(st.st_mode) ? "a link" : "not a directory");
    }
    if (st.st_uid != geteuid()) {
        return ag_error_set(err, ARGO_E_DENIED, "%s belongs to user %u, not to you", path,
                            (unsigned)st.st_uid);
    }
    if ((st.st_mode & 022) != 0) {
        return ag_error_set(err, ARGO_E_DENIED,
                            "%s is writable by others (mode %04o); chmod go-w it", path,
                            (unsigned)st.st_mode & 07777);
    }
    return 0;
}

int ag_dir_private(const char *path, argo_error **err)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--; /* lstat follows a link that is written with a slash behind it */
    }
    if (len == 0) {
        return ag_error_set(err, ARGO_E_INVALID, "the path of a directory is empty");
    }
    ag_auto_free char *copy = ag_strndup(path, len);
    if (copy == NULL) {
        return ag_error_nomem(err);
    }
    int rc = make_parents(copy, 0700, err);
    if (rc < 0) {
        return rc;
    }
    if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
        return ag_error_errno(err, errno, "create directory %s", copy);
    }
    return check_private_dir(copy, err);
}

char *ag_path_join(const char *a, const char *b)
{
    size_t len = strlen(a);
    bool has_slash = len == 0 || a[len - 1] == '/'; /* nothing before B: B alone */
    return ag_asprintf("%s%s%s", a, has_slash ? "" : "/", b);
}
