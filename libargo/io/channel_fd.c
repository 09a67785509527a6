/*
 * Channels over a stream socket. The socket's own mode is left alone: each call says that it may
 * not block, and that it may not raise SIGPIPE.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "io/internal.h"

#define CHUNK ((size_t)64 * 1024)

/* A run's output does not wait for its reader: what gathers beyond this is dropped. */
#define OUT_MAX ((size_t)8 * 1024 * 1024)

struct fd_channel {
    argo_io_channel channel;
    int fd;
    ag_io *io;          /* NULL while nothing is wanted: an fd that hung up is reported for ever */
    struct ag_fifo out; /* written and not sent */
};

static struct fd_channel *of(argo_io_channel *ch)
{
    return AG_CONTAINER_OF(ch, struct fd_channel, channel);
}

static void on_ready(ag_io *io, int fd, uint32_t events, void *user);

/* Waits for what is wanted now. */
static int watch(struct fd_channel *c, argo_error **err)
{
    uint32_t events = (ag_channel_hungry(&c->channel) ? (uint32_t)EPOLLIN : 0) |
                      (ag_fifo_len(&c->out) > 0 ? (uint32_t)EPOLLOUT : 0);
    if (events == 0) {
        ag_io_free(ag_take(c->io));
        return 0;
    }
    if (c->io == NULL) {
        return ag_io_new(c->channel.loop, c->fd, events, on_ready, c, &c->io, err);
    }
    return ag_io_set(c->io, events) < 0 ? ag_error_errno(err, errno, "watch fd %d", c->fd) : 0;
}

static void watch_or_fail(struct fd_channel *c)
{
    AG_AUTO(argo_error) err = NULL;
    if (watch(c, &err) < 0) {
        ag_channel_read_ended(&c->channel, err);
        ag_channel_write_failed(&c->channel, err, true);
    }
}

static void receive(struct fd_channel *c)
{
    AG_AUTO(argo_error) err = NULL;
    char *room = ag_fifo_reserve(&c->channel.in, CHUNK);
    ssize_t n = room != NULL ? recv(c->fd, room, CHUNK, MSG_DONTWAIT) : -1;
    if (n > 0) {
        ag_buf_commit(&c->channel.in.buf, (size_t)n);
        ag_channel_received(&c->channel);
    } else if (n == 0) {
        ag_channel_read_ended(&c->channel, NULL);
    } else if (room == NULL) {
        ag_error_nomem(&err);
        ag_channel_read_ended(&c->channel, err);
    } else if (errno != EAGAIN && errno != EINTR) {
        ag_error_errno(&err, errno, "receive from the socket");
        ag_channel_read_ended(&c->channel, err);
    }
}

static void send_some(struct fd_channel *c)
{
    ssize_t n =
        send(c->fd, ag_fifo_data(&c->out), ag_fifo_len(&c->out), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
        ag_fifo_drop(&c->out, (size_t)n);
    } else if (errno != EAGAIN && errno != EINTR) {
        AG_AUTO(argo_error) err = NULL;
        ag_error_errno(&err, errno, "send to the socket");
        ag_channel_write_failed(&c->channel, err, true);
        ag_fifo_drop(&c->out, ag_fifo_len(&c->out));
    }
}

static void on_ready(ag_io *io, int fd, uint32_t events, void *user)
{
    struct fd_channel *c = user;
    bool sending = ag_fifo_len(&c->out) > 0;
    if (sending) {
        send_some(c);
    }
    if (ag_channel_hungry(&c->channel)) {
        receive(c);
    }
    watch_or_fail(c);
    if (sending) {
        ag_channel_sent(&c->channel);
    }
}

static int fd_write(argo_io_channel *ch, const char *data, size_t len, argo_error **err)
{
    struct fd_channel *c = of(ch);
    if (!ag_fifo_add(&c->out, data, len)) {
        return ag_error_nomem(err);
    }
    watch_or_fail(c);
    return 0;
}

static void fd_write_record(argo_io_channel *ch, const struct ag_output_record *record)
{
    struct fd_channel *c = of(ch);
    if (!ch->write_dead && ag_fifo_add(&c->out, record->text, strlen(record->text))) {
        watch_or_fail(c);
    }
}

static size_t fd_queued(const argo_io_channel *ch)
{
    const struct fd_channel *c = (const void *)ch;
    return ag_fifo_len(&c->out);
}

static void fd_taken(argo_io_channel *ch)
{
    watch_or_fail(of(ch));
}

static void fd_release(argo_io_channel *ch)
{
    struct fd_channel *c = of(ch);
    ag_io_free(ag_take(c->io));
    ag_buf_free(&c->out.buf);
    c->out.start = 0;
    if (c->fd >= 0) {
        close(ag_take_fd(&c->fd));
    }
}

static const struct ag_channel_ops fd_ops = {
    .size = sizeof(struct fd_channel),
    .write = fd_write,
    .write_record = fd_write_record,
    .queued = fd_queued,
    .taken = fd_taken,
    .release = fd_release,
};

static int check_socket(int fd, argo_error **err)
{
    int type = 0;
    int listening = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        return errno == ENOTSOCK || errno == EBADF
                   ? ag_error_set(err, ARGO_E_INVALID, "fd %d: expected a socket", fd)
                   : ag_error_errno(err, errno, "look at fd %d", fd);
    }
    len = sizeof(listening);
    if (type != SOCK_STREAM ||
        (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening != 0)) {
        return ag_error_set(err, ARGO_E_INVALID, "fd %d: expected a connected stream socket", fd);
    }
    return 0;
}

int ag_channel_new_fd(ag_loop *loop, int fd, argo_io_channel **out, argo_error **err)
{
    argo_io_channel *ch = NULL;
    int r = check_socket(fd, err);
    r = r < 0 ? r : ag_channel_new(&fd_ops, loop, ARGO_IO_LINE_MAX + CHUNK, &ch, err);
    if (r < 0) {
        return r;
    }
    struct fd_channel *c = of(ch);
    ag_buf_init(&c->out.buf, OUT_MAX);
    c->fd = fd;
    r = watch(c, err);
    if (r < 0) {
        c->fd = -1; /* stays the caller's */
        argo_io_channel_free(ch);
        return r;
    }
    *out = ch;
    return 0;
}

int argo_io_channel_new_fd(int fd, argo_io_channel **out, argo_error **err)
{
    if (out == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "argo_io_channel_new_fd: out must be given");
    }
    return ag_channel_new_fd(NULL, fd, out, err);
}

int argo_io_channel_new_socketpair(argo_io_channel **out, int *peer_fd, argo_error **err)
{
    int fds[2];
    if (out == NULL || peer_fd == NULL) {
        return ag_error_set(err, ARGO_E_INVALID,
                            "argo_io_channel_new_socketpair: out and peer_fd must be given");
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        return ag_error_errno(err, errno, "make a socketpair");
    }
    int r = ag_channel_new_fd(NULL, fds[0], out, err);
    if (r < 0) {
        close(fds[0]);
        close(fds[1]);
        return r;
    }
    *peer_fd = fds[1];
    return 0;
}
