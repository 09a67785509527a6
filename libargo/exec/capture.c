/*
 * A command's output pipe. Never blocks; what is not UTF-8 is replaced.
 */
#include "exec/capture.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/process.h"
#include "base/text.h"
#include "exec/files.h"

#define CHUNK       (64 * 1024)
#define PARTIAL_MAX (4 * 1024) /* a line without its end is shown at this length */
#define FLUSH_MS    20

/* Shows the first LEN bytes of what has gathered. True when there is too much output. */
static bool show(struct ag_capture *c, size_t len)
{
    bool choked = false;
    ag_auto_free char *text =
        len > 0 && !c->quiet ? ag_utf8_sanitise(c->line.data, len, NULL) : NULL;
    if (text != NULL) {
        choked = ag_strand_output(c->strand, c->kind, text);
    }
    ag_buf_consume(&c->line, len);
    return choked;
}

/* Complete lines at once; of a long piece of a line what ends in a complete character. */
static bool show_lines(struct ag_capture *c)
{
    const char *end = c->line.len > 0 ? memrchr(c->line.data, '\n', c->line.len) : NULL;
    bool choked = end != NULL && show(c, (size_t)(end - c->line.data) + 1);
    if (c->line.len >= PARTIAL_MAX) {
        choked = show(c, ag_utf8_complete(c->line.data, c->line.len)) || choked;
    }
    if (c->line.len > 0) {
        ag_timer_arm(c->flush, FLUSH_MS);
    } else {
        ag_timer_disarm(c->flush);
    }
    return choked;
}

static void flush(ag_timer *timer, void *user)
{
    struct ag_capture *c = user;
    (void)show(c, ag_utf8_complete(c->line.data, c->line.len));
}

static void keep(struct ag_capture *c, const char *data, size_t len)
{
    size_t room = c->kept.max - c->kept.len;
    if (c->keep) {
        c->truncated = c->truncated || len > room;
        (void)ag_buf_add(&c->kept, data, len < room ? len : room);
    }
}

static void close_pipe(struct ag_capture *c)
{
    if (c->fd >= 0) {
        ag_io_free(ag_take(c->io));
        close(ag_take_fd(&c->fd));
        (void)show_lines(c);
        ag_timer_disarm(c->flush);
        (void)show(c, c->line.len);
    }
}

/* At most MAX bytes; how many came, 0 at EOF, -1 when there is nothing now. */
static ssize_t take(struct ag_capture *c, size_t max)
{
    char *room = ag_buf_reserve(&c->line, max);
    if (room == NULL) {
        return 0; /* no memory: the rest is lost, the command goes on */
    }
    ssize_t n;
    do {
        n = read(c->fd, room, max);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        keep(c, room, (size_t)n);
        ag_buf_commit(&c->line, (size_t)n);
    }
    return n < 0 && errno != EAGAIN ? 0 : n;
}

static void readable(ag_io *io, int fd, uint32_t events, void *user)
{
    struct ag_capture *c = user;
    ssize_t n = take(c, CHUNK);
    if (n > 0) {
        if (show_lines(c)) {
            c->changed(c, true);
        }
    } else if (n == 0) {
        close_pipe(c);
        c->changed(c, false);
    }
}

int ag_capture_open(struct ag_capture *c, int *out_fd, argo_error **err)
{
    int fds[2] = {-1, -1};
    c->fd = -1;
    ag_buf_init(&c->line, CHUNK + PARTIAL_MAX + CHUNK);
    ag_buf_init(&c->kept, AG_MAX_VALUE);
    int r = ag_timer_new(ag_strand_loop(c->strand), flush, c, &c->flush, err);
    if (r == 0) {
        r = ag_pipe(fds, err);
    }
    if (r < 0) {
        return r;
    }
    c->fd = fds[0];
    *out_fd = fds[1];
    return ag_io_new(ag_strand_loop(c->strand), c->fd, EPOLLIN, readable, c, &c->io, err);
}

void ag_capture_pause(struct ag_capture *c, bool pause)
{
    if (c->io != NULL) {
        (void)ag_io_set(c->io, pause ? 0 : EPOLLIN);
    }
}

void ag_capture_finish(struct ag_capture *c)
{
    /* No more than what is there now: another process may go on writing for ever. */
    int left = 0;
    if (c->fd < 0 || ioctl(c->fd, FIONREAD, &left) < 0) {
        left = 0;
    }
    while (left > 0) {
        ssize_t n = take(c, left < CHUNK ? (size_t)left : CHUNK);
        if (n <= 0) {
            break;
        }
        (void)show_lines(c);
        left -= (int)n;
    }
    close_pipe(c);
}

void ag_capture_show(struct ag_capture *c)
{
    size_t len = c->kept.len < CHUNK ? c->kept.len : CHUNK;
    ag_auto_free char *text = len > 0 ? ag_utf8_sanitise(c->kept.data, len, NULL) : NULL;
    if (text != NULL) {
        (void)ag_strand_output(c->strand, c->kind, text);
    }
}

void ag_capture_free(struct ag_capture *c)
{
    if (c->strand == NULL) {
        return;
    }
    ag_io_free(c->io);
    ag_timer_free(c->flush);
    if (c->fd >= 0) {
        close(c->fd);
    }
    ag_buf_free(&c->line);
    ag_buf_free(&c->kept);
}

ag_value *ag_capture_value(const struct ag_capture *c, bool chop)
{
    size_t len = 0;
    ag_auto_free char *text = ag_utf8_sanitise(ag_buf_text(&c->kept), c->kept.len, &len);
    if (text == NULL) {
        return NULL;
    }
    if (chop && len > 0 && text[len - 1] == '\n') {
        len--;
    }
    return ag_value_text_n(text, ag_text_fits(text, len));
}
