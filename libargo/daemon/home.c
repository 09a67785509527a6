/*
 * The Argo home on disk: its directories, the lock that keeps a second daemon out, the owner's
 * token. What is there already is checked and never repaired or overwritten: a home that others
 * could have changed is refused.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/text.h"
#include "daemon/internal.h"

#define TOKEN_DIGITS 64
#define TOKEN_FILE   "token"
#define LOCK_FILE    "run/daemon.lock"

static const char *const directories[] = {
    "run",      "logs",      "keys", "workflows", "workflows/templates", "workflows/registry",
    "registry", "lifecycle",
};

static int make_directories(const char *home, argo_error **err)
{
    int r = ag_dir_private(home, err);
    for (size_t i = 0; r == 0 && i < AG_ARRAY_SIZE(directories); i++) {
        ag_auto_free char *path = ag_path_join(home, directories[i]);
        r = path == NULL ? ag_error_nomem(err) : ag_dir_private(path, err);
    }
    return r < 0 ? ag_error_wrap(err, "Argo home %s", home) : 0;
}

/* Whether this process has the lock's file open: then another daemon of it holds the home. An
 * fcntl lock would be given to us a second time, and opening the file would end in losing it. */
static bool held_by_us(const char *path)
{
    struct stat lock, st;
    bool held = false;
    if (stat(path, &lock) < 0) {
        return false;
    }
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    while (dir != NULL && !held && (entry = readdir(dir)) != NULL) {
        int64_t fd = 0;
        held = ag_parse_i64(entry->d_name, "fd", 0, INT32_MAX, &fd, NULL) == 0 &&
               fstat((int)fd, &st) == 0 && st.st_dev == lock.st_dev && st.st_ino == lock.st_ino;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return held;
}

static int take_lock(struct ag_home *home, argo_error **err)
{
    pid_t holder = 0;
    ag_auto_free char *path = ag_path_join(home->path, LOCK_FILE);
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    int r = ARGO_E_LOCKED;
    if (held_by_us(path)) {
        holder = getpid();
    } else {
        r = ag_lock_take(path, &home->lock_fd, &holder, err);
    }
    if (r == ARGO_E_LOCKED && holder > 0) {
        return ag_error_set(err, ARGO_E_LOCKED, "another daemon, pid %d, holds %s", (int)holder,
                            home->path);
    }
    return r;
}

static bool token_valid(const char *text)
{
    return strlen(text) == TOKEN_DIGITS && strspn(text, "0123456789abcdef") == TOKEN_DIGITS;
}

static int read_token(const char *path, char **out, argo_error **err)
{
    ag_auto_free char *text = NULL;
    int r = ag_file_read_private(path, 1024, &text, err);
    if (r < 0) {
        return r;
    }
    text[strcspn(text, "\n")] = '\0';
    if (!token_valid(text)) {
        return ag_error_set(err, ARGO_E_CORRUPT,
                            "%s does not hold a token of 64 hexadecimal digits; remove it to get "
                            "a new one",
                            path);
    }
    *out = ag_take(text);
    return 0;
}

/* Complete or not there at all: a token is written to a file of its own and then linked, which
 * fails when the name is taken. The home lock keeps a second writer out. */
static int create_token(const char *path, argo_error **err)
{
    char text[TOKEN_DIGITS + 2];
    int r = ag_random_hex(text, TOKEN_DIGITS, err);
    ag_auto_free char *fresh = ag_asprintf("%s.new", path);
    if (r < 0 || fresh == NULL) {
        return r < 0 ? r : ag_error_nomem(err);
    }
    text[TOKEN_DIGITS] = '\n';
    unlink(fresh); /* of a daemon that died right here */
    ag_auto_close int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0600) < 0) {
        return ag_error_errno(err, errno, "create %s", fresh);
    }
    errno = ENOSPC; /* of a short write */
    if (write(fd, text, TOKEN_DIGITS + 1) != TOKEN_DIGITS + 1 || fsync(fd) < 0 ||
        link(fresh, path) < 0) {
        r = ag_error_errno(err, errno, "create %s", path);
    }
    unlink(fresh);
    return r;
}

static int open_token(struct ag_home *home, argo_error **err)
{
    ag_auto_free char *path = ag_path_join(home->path, TOKEN_FILE);
    if (path == NULL) {
        return ag_error_nomem(err);
    }
    int r = ag_file_exists(path) ? 0 : create_token(path, err);
    r = r < 0 ? r : read_token(path, &home->token, err);
    if (r == 0) {
        ag_sha256_hex(home->token, strlen(home->token), home->token_hash);
    }
    return r;
}

static int fill_paths(struct ag_home *home, const char *path, argo_error **err)
{
    home->path = ag_strdup(path);
    home->db_path = ag_path_join(path, "argo.db");
    home->run_dir = ag_path_join(path, "run");
    home->socket_path = ag_path_join(path, "run/argo.sock");
    home->port_path = ag_path_join(path, "run/port");
    home->log_dir = ag_path_join(path, "logs");
    home->templates = ag_path_join(path, "workflows/templates");
    bool ok = home->path != NULL && home->db_path != NULL && home->run_dir != NULL &&
              home->socket_path != NULL && home->port_path != NULL && home->log_dir != NULL &&
              home->templates != NULL;
    return ok ? 0 : ag_error_nomem(err);
}

int ag_home_open(argo_context *ctx, struct ag_home *out, argo_error **err)
{
    struct ag_home home = {.lock_fd = -1};
    int r = fill_paths(&home, argo_context_home(ctx), err);
    if (r == 0) {
        r = make_directories(home.path, err);
    }
    if (r == 0) {
        r = take_lock(&home, err);
    }
    if (r == 0) {
        r = open_token(&home, err);
    }
    if (r < 0) {
        ag_home_close(&home);
        return r;
    }
    *out = home;
    return 0;
}

void ag_home_close(struct ag_home *home)
{
    free(home->path);
    free(home->db_path);
    free(home->run_dir);
    free(home->socket_path);
    free(home->port_path);
    free(home->log_dir);
    free(home->templates);
    if (home->token != NULL) {
        explicit_bzero(home->token, strlen(home->token));
        free(home->token);
    }
    if (home->lock_fd >= 0) {
        close(home->lock_fd);
    }
    *home = (struct ag_home){.lock_fd = -1};
}
