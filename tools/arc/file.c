/*
 * Files that arc reads for the daemon, and the keys that it keeps from it, among other private files.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t n = strlen(end);
    return len > n && strcmp(text + len - n, end) == 0;
}

bool arc_is_file_name(const char *text)
{
    return strchr(text, '/') != NULL || ends_with(text, ".json") || ends_with(text, ".yaml") ||
           ends_with(text, ".yml");
}

char *arc_read_fd(int fd, size_t max)
{
    char *text = malloc(max + 2);
    size_t len = 0;
    ssize_t n = 1;
    while (text != NULL && n > 0 && len <= max) {
        n = read(fd, text + len, max + 1 - len);
        if (n < 0 && errno == EINTR) {
            n = 1;
        } else if (n > 0) {
            len += (size_t)n;
        }
    }
    if (text == NULL || n < 0) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    if (len > max || strlen(text) != len) {
        free(text);
        errno = len > max ? EFBIG : EILSEQ;
        return NULL;
    }
    return text;
}

char *arc_read_file(const char *path, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    char *text = arc_read_fd(fd, max);
    int kept = errno;
    close(fd);
    errno = kept;
    return text;
}

int arc_put_template(struct arc *arc, const char *text, argo_value *body)
{
    if (!arc_is_file_name(text)) {
        (void)argo_value_set_text(body, "template", text);
        return 0;
    }
    arc_auto_free char *definition = arc_read_file(text, ARC_TEMPLATE_MAX);
    if (definition == NULL) {
        int why = errno;
        arc_failed(arc, "%s: %s", text,
                   errno == EFBIG    ? "larger than a template may be (1 MiB)"
                   : errno == EILSEQ ? "no text: it contains NUL bytes"
                                     : strerror(errno));
        return why == ENOENT ? ARC_EXIT_NOT_FOUND : ARC_EXIT_FAILED;
    }
    if (argo_value_set_text(body, "definition", definition) < 0) {
        return arc_failed(arc, "%s: not UTF-8", text);
    }
    (void)argo_value_set_text(body, "definition_file", text);
    return 0;
}

static int open_ours(int at, const char *name)
{
    struct stat st;
    (void)mkdirat(at, name, 0700);
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 077) != 0)) {
        close(fd);
        errno = EPERM;
        return -1;
    }
    return fd;
}

/* DIR ("a" or "a/b") in HOME, made if missing, and nobody else's business. -1 with errno. */
static int open_private(const char *home, const char *dir)
{
    int at = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0 && *dir != '\0') {
        size_t len = strcspn(dir, "/");
        arc_auto_free char *name = arc_format("%.*s", (int)len, dir);
        int next = name == NULL ? -1 : open_ours(at, name);
        int kept = errno;
        close(at);
        errno = kept;
        at = next;
        dir += len + (dir[len] == '/' ? 1 : 0);
    }
    return at;
}

static bool write_all(int fd, const char *text)
{
    size_t len = strlen(text);
    return write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
}

int arc_private_write(const char *home, const char *in, const char *name, const char *text)
{
    int dir = open_private(home, in);
    arc_auto_free char *temporary = arc_format(".%s.%d", name, (int)getpid());
    if (dir < 0 || temporary == NULL) {
        return -1;
    }
    (void)unlinkat(dir, temporary, 0); /* of an arc with our pid that died */
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, text);
    if (fd >= 0) {
        ok = close(fd) == 0 && ok;
    }
    ok = ok && renameat(dir, temporary, dir, name) == 0 && fsync(dir) == 0;
    int kept = errno;
    if (!ok && fd >= 0) {
        (void)unlinkat(dir, temporary, 0);
    }
    close(dir);
    errno = kept;
    return ok ? 0 : -1;
}

int arc_private_remove(const char *home, const char *in, const char *name)
{
    int dir = open_private(home, in);
    if (dir < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    int r = unlinkat(dir, name, 0) == 0 ? 1 : errno == ENOENT ? 0 : -1;
    int kept = errno;
    close(dir);
    errno = kept;
    return r;
}
