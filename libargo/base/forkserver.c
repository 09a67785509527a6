/*
 * The fork server: requests, children, hellos. It knows nothing of what its children are for. The
 * only place of the project that forks; posix_spawn (spawn.c) is the way for everything else.
 */
#include "base/forkserver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/process.h"

/* Asker and server may be of different versions: the server says which messages it takes. */
#define READY       "argo-fork-1"
#define MESSAGE_MAX ((size_t)128 * 1024)

/* ---- messages: bytes and one fd -------------------------------------------------------------- */

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

static int send_fd(int socket, const void *data, size_t len, int fd)
{
    union control control = {0};

    union {
        const void *in;
        void *out;
    } cast = {.in = data};

    struct iovec part = {.iov_base = cast.out, .iov_len = len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len ? 0 : -errno;
}

/* The length, 0 for the end, or -errno; -EBADMSG for what does not have one fd. */
static ssize_t receive_fd(int socket, void *data, size_t size, int *fd)
{
    union control control = {0};
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room)};
    ssize_t len = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (len <= 0) {
        return len < 0 ? -errno : 0;
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int))) {
        return -EBADMSG;
    }
    memcpy(fd, CMSG_DATA(header), sizeof(*fd));
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        close(*fd);
        return -EBADMSG;
    }
    return len;
}

int ag_fork_pair(int type, int fds[2], argo_error **err)
{
    return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0
               ? 0
               : ag_error_errno(err, errno, "create a socket pair");
}

/* ---- the asker ------------------------------------------------------------------------------- */

int ag_fork_ready(int socket)
{
    char text[sizeof(READY)] = "";
    ssize_t len = recv(socket, text, sizeof(text), MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    return len == sizeof(READY) && memcmp(text, READY, sizeof(READY)) == 0 ? 1 : ARGO_E_PROTOCOL;
}

/* Counts first, then the strings, each with its NUL: in a child argv and envp lie there as the
 * kernel would have laid them out. */
struct counts {
    uint32_t n_argv, n_envp;
};

static int add_list(struct ag_buf *buf, const char *const *list, uint32_t *n)
{
    int r = 0;
    for (*n = 0; r == 0 && list[*n] != NULL; ++*n) {
        r = ag_buf_add(buf, list[*n], strlen(list[*n]) + 1);
    }
    return r;
}

int ag_fork_ask(int socket, const struct ag_fork_request *request, int fd, argo_error **err)
{
    struct counts counts = {0};
    ag_auto_buf message = AG_BUF_INIT(MESSAGE_MAX);
    int r = ag_buf_add(&message, &counts, sizeof(counts));
    r = r < 0 ? r : ag_buf_add(&message, request->cwd, strlen(request->cwd) + 1);
    r = r < 0 ? r : add_list(&message, request->argv, &counts.n_argv);
    r = r < 0 ? r : add_list(&message, request->envp, &counts.n_envp);
    if (r < 0) {
        return ag_error_set(err, r, "the request to fork is larger than %zu bytes", MESSAGE_MAX);
    }
    memcpy(message.data, &counts, sizeof(counts));
    r = send_fd(socket, message.data, message.len, fd);
    return r == 0 ? 0 : ag_error_errno(err, -r, "ask for a fork");
}

/* With it comes the child's pidfd: also of one that ends at once, so that it is reaped. */
struct hello {
    pid_t pid;
    bool ready;
};

int ag_fork_hello(int fd, pid_t *out_pid, int *out_pidfd)
{
    struct hello hello = {0};
    int pidfd = -1;
    ssize_t len = receive_fd(fd, &hello, sizeof(hello), &pidfd);
    if (len == -EAGAIN || len == -EINTR) {
        return 0;
    }
    if (len != (ssize_t)sizeof(hello) || !hello.ready) {
        if (len > 0) {
            ag_pidfd_kill(pidfd);
            close(pidfd);
        }
        return ARGO_E_SPAWN;
    }
    *out_pid = hello.pid;
    *out_pidfd = pidfd;
    return 1;
}

/* ---- the server ------------------------------------------------------------------------------ */

struct server {
    struct prctl_mm_map map; /* where the kernel finds what /proc shows of us */
    int *tid;                /* where libc keeps a thread's number */
    char *message;           /* MESSAGE_MAX bytes */
};

/* Fields 26 to 51 of /proc/self/stat, see proc(5). */
static int read_map(struct prctl_mm_map *map)
{
    char text[2048] = "";
    unsigned long long fields[52] = {0};
    ag_auto_close int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    char *rest = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 ? strrchr(text, ')') : NULL;
    if (rest == NULL) {
        return -1;
    }
    rest += 3; /* ") " and the state, field 3 */
    for (int i = 4; i < 52; i++) {
        fields[i] = strtoull(rest, &rest, 10);
    }
    *map = (struct prctl_mm_map){.start_code = fields[26],
                                 .end_code = fields[27],
                                 .start_stack = fields[28],
                                 .start_data = fields[45],
                                 .end_data = fields[46],
                                 .start_brk = fields[47],
                                 .arg_start = fields[48],
                                 .arg_end = fields[49],
                                 .env_start = fields[50],
                                 .env_end = fields[51],
                                 .exe_fd = (uint32_t)-1};
    return fields[51] == 0 ? -1 : 0;
}

static int set_map(struct prctl_mm_map *map)
{
    map->brk = (uint64_t)(uintptr_t)sbrk(0);
    return prctl(PR_SET_MM, PR_SET_MM_MAP, map, sizeof(*map), 0);
}

/* What needs the kernel's help is tried before anybody counts on it. */
static int prepare(struct server *s, argo_error **err)
{
    if (!__libc_single_threaded) {
        return ag_error_set(err, ARGO_E_INVALID, "a fork server must have one thread");
    }
    if (syscall(SYS_clone3, NULL, 0) < 0 && errno != EINVAL) {
        return ag_error_errno(err, errno, "clone3");
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_GET_TID_ADDRESS, &s->tid) < 0 ||
        read_map(&s->map) < 0 || set_map(&s->map) < 0) {
        return ag_error_errno(err, errno, "serve forks");
    }
    s->message = malloc(MESSAGE_MAX);
    if (s->message == NULL) {
        return ag_error_nomem(err);
    }
    return send(AG_FORK_FD, READY, sizeof(READY), MSG_NOSIGNAL) == sizeof(READY)
               ? 0
               : ag_error_errno(err, errno, "say that forks are served");
}

/* Where the N strings end that begin AT; beyond LEN when they are not there. */
static size_t skip(const char *message, size_t len, size_t at, uint32_t n)
{
    for (; n > 0 && at < len; n--) {
        at += strnlen(message + at, len - at) + 1;
    }
    return n > 0 ? len + 1 : at;
}

/* In the child: the strings of the request stay where they are and become the environment. */
static int take_on(struct server *s, size_t len)
{
    struct counts counts;
    if (len < sizeof(counts)) {
        return -1;
    }
    memcpy(&counts, s->message, sizeof(counts));
    size_t argv = skip(s->message, len, sizeof(counts), 1);
    size_t envp = skip(s->message, len, argv, counts.n_argv);
    if (skip(s->message, len, envp, counts.n_envp) != len ||
        chdir(s->message + sizeof(counts)) < 0 || setsid() < 0) {
        return -1;
    }
    char **list = calloc((size_t)counts.n_envp + 1, sizeof(*list));
    if (list == NULL) {
        return -1;
    }
    s->map.arg_start = (uint64_t)(uintptr_t)(s->message + argv);
    s->map.arg_end = s->map.env_start = (uint64_t)(uintptr_t)(s->message + envp);
    s->map.env_end = (uint64_t)(uintptr_t)(s->message + len);
    for (uint32_t i = 0; i < counts.n_envp; i++) {
        list[i] = s->message + envp;
        envp = skip(s->message, len, envp, 1);
    }
    environ = list;
    return set_map(&s->map);
}

/* In the child. */
static int begin(struct server *s, size_t len, int fd)
{
    bool ok = dup2(fd, AG_FORK_FD) == AG_FORK_FD && close_range(AG_FORK_FD + 1, ~0U, 0) == 0;
    int pidfd = ok ? pidfd_open(getpid(), 0) : -1;
    struct hello hello = {.pid = getpid(), .ready = pidfd >= 0 && take_on(s, len) == 0};
    if (pidfd < 0 || send_fd(AG_FORK_FD, &hello, sizeof(hello), pidfd) < 0 || !hello.ready) {
        _exit(EXIT_FAILURE);
    }
    close(pidfd);
    return 1;
}

/* As libc's fork does it, but for the parent. */
static int fork_sibling(const struct server *s)
{
    struct clone_args args = {.flags = CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
                              .child_tid = (uint64_t)(uintptr_t)s->tid};
    return (int)syscall(SYS_clone3, &args, sizeof(args));
}

/* 1 in a child; 0: go on; negative: the asker has gone. */
static int serve_one(struct server *s)
{
    int fd = -1;
    ssize_t len = receive_fd(AG_FORK_FD, s->message, MESSAGE_MAX, &fd);
    if (len <= 0) {
        return len == -EAGAIN || len == -EINTR || len == -EBADMSG ? 0 : -1;
    }
    if (fork_sibling(s) == 0) {
        return begin(s, (size_t)len, fd);
    }
    close(fd);                               /* without a child the asker sees the end there */
    explicit_bzero(s->message, (size_t)len); /* no later child is to have it */
    return 0;
}

int ag_fork_serve(int idle_ms, argo_error **err)
{
    struct server s = {0};
    struct pollfd ready = {.fd = AG_FORK_FD, .events = POLLIN};
    int r = prepare(&s, err);
    if (r == 0) {
        do {
            int n = poll(&ready, 1, idle_ms);
            r = n > 0 ? serve_one(&s) : n < 0 && errno == EINTR ? 0 : -1;
        } while (r == 0);
        r = r == 1 ? 1 : 0;
    }
    if (r != 1) {
        free(s.message);
    }
    return r;
}
