/*
 * Makes listening sockets: loopback TCP and private UNIX sockets. Serves nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/text.h"
#include "httpd/httpd.h"

#define BACKLOG 4096

int ag_listen_tcp(uint16_t port, int *out_fd, uint16_t *out_port, argo_error **err)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int on = 1;
    ag_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) {
        return ag_error_errno(err, errno, "make a TCP socket");
    }
    if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, BACKLOG) < 0) {
        return errno == EADDRINUSE
                   ? ag_error_set(err, ARGO_E_EXISTS, "127.0.0.1:%u is in use", (unsigned)port)
                   : ag_error_errno(err, errno, "listen on 127.0.0.1:%u", (unsigned)port);
    }
    if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
        return ag_error_errno(err, errno, "look up the listening port");
    }
    if (out_port != NULL) {
        *out_port = ntohs(addr.sin_port);
    }
    *out_fd = ag_take_fd(&fd);
    return 0;
}

/* The address of PATH. One that is too long is named through its directory, which *DIR_FD then
 * holds open. */
static int unix_address(const char *path, struct sockaddr_un *addr, int *dir_fd, argo_error **err)
{
    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) < sizeof(addr->sun_path)) {
        memcpy(addr->sun_path, path, strlen(path) + 1);
        return 0;
    }
    ag_auto_free char *for_dir = ag_strdup(path);
    ag_auto_free char *for_base = ag_strdup(path);
    if (for_dir == NULL || for_base == NULL) {
        return ag_error_nomem(err);
    }
    *dir_fd = open(dirname(for_dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir_fd < 0) {
        return ag_error_errno(err, errno, "open the directory of '%s'", path);
    }
    int n = snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s", *dir_fd,
                     basename(for_base));
    if (n < 0 || (size_t)n >= sizeof(addr->sun_path)) {
        return ag_error_set(err, ARGO_E_INVALID, "the name of socket '%s' is too long", path);
    }
    return 0;
}

/* A child that a killed process was just starting keeps its listener open until it begins its
 * program: then who began to listen is gone, or about to be reaped. */
static bool listener_lives(int probe)
{
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    if (getsockopt(probe, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0) {
        return true;
    }
    ag_auto_close int pidfd = pidfd_open(peer.pid, 0);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    return pidfd < 0 ? errno != ESRCH : poll(&ended, 1, 0) == 0;
}

/* Removes a socket that nobody listens on. */
static int remove_stale(const char *path, const struct sockaddr_un *addr, argo_error **err)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        return errno == ENOENT ? 0 : ag_error_errno(err, errno, "look at '%s'", path);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return ag_error_set(err, ARGO_E_EXISTS, "'%s' exists and is no socket", path);
    }
    ag_auto_close int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return ag_error_errno(err, errno, "make a UNIX socket");
    }
    int rc = connect(probe, (const struct sockaddr *)addr, sizeof(*addr));
    if (rc == 0 ? listener_lives(probe) : errno == EAGAIN) {
        return ag_error_set(err, ARGO_E_EXISTS, "'%s' is in use", path);
    }
    return unlink(path) == 0 ? 0 : ag_error_errno(err, errno, "remove '%s'", path);
}

int ag_listen_unix(const char *path, int *out_fd, argo_error **err)
{
    struct sockaddr_un addr;
    ag_auto_close int dir_fd = -1;
    ag_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Set before bind, the mode is the file's from its birth. */
    if (fd < 0 || fchmod(fd, 0600) < 0) {
        return ag_error_errno(err, errno, "make a UNIX socket");
    }
    int rc = unix_address(path, &addr, &dir_fd, err);
    rc = rc < 0 ? rc : remove_stale(path, &addr, err);
    if (rc < 0) {
        return rc;
    }
    if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, BACKLOG) < 0) {
        return ag_error_errno(err, errno, "listen on '%s'", path);
    }
    *out_fd = ag_take_fd(&fd);
    return 0;
}
