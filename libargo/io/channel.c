/*
 * Channels, whatever their kind: the public calls, lines, waiting, limits. What happens on the
 * wire is the kind's.
 */
#include "io/channel.h"

#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/text.h"
#include "io/internal.h"

int ag_channel_new(const struct ag_channel_ops *ops, ag_loop *loop, size_t in_max,
                   argo_io_channel **out, argo_error **err)
{
    argo_io_channel *ch = calloc(1, ops->size);
    if (ch == NULL) {
        return ag_error_nomem(err);
    }
    ch->ops = ops;
    ch->own_loop = loop == NULL;
    ch->loop = loop;
    ag_buf_init(&ch->in.buf, in_max);
    int r = loop == NULL ? ag_loop_new(&ch->loop, err) : 0;
    if (r < 0) {
        free(ch);
        return r;
    }
    *out = ch;
    return 0;
}

static void release(argo_io_channel *ch)
{
    if (!ch->closed) {
        ch->closed = true;
        ch->ops->release(ch);
    }
}

void argo_io_channel_free(argo_io_channel *channel)
{
    if (channel == NULL) {
        return;
    }
    release(channel);
    if (channel->own_loop) {
        ag_loop_free(channel->loop);
    }
    ag_buf_free(&channel->in.buf);
    argo_error_free(channel->read_error);
    argo_error_free(channel->write_error);
    free(channel);
}

/* ---- what the kinds report ---------------------------------------------------------------------- */

/* How long the first line of `in` is, without its newline; -1: it has not come to its end. */
static ssize_t line_length(const argo_io_channel *ch)
{
    const char *data = ag_fifo_data(&ch->in);
    size_t len = ag_fifo_len(&ch->in);
    size_t most = len < ARGO_IO_LINE_MAX + 1 ? len : ARGO_IO_LINE_MAX + 1;
    const char *end = most > 0 ? memchr(data, '\n', most) : NULL;
    if (end != NULL) {
        return end - data;
    }
    return ch->eof && len > 0 && len <= ARGO_IO_LINE_MAX ? (ssize_t)len : -1;
}

static bool line_too_long(const argo_io_channel *ch)
{
    return ag_fifo_len(&ch->in) > ARGO_IO_LINE_MAX && line_length(ch) < 0;
}

/* Takes LEN bytes, and the newline that follows. */
static void drop_line(argo_io_channel *ch, size_t len)
{
    bool newline = ag_fifo_len(&ch->in) > len;
    ag_fifo_drop(&ch->in, newline ? len + 1 : len);
}

/* A line that is too long comes in pieces. */
static void deliver_lines(argo_io_channel *ch)
{
    char kind[] = "line";
    ssize_t len;
    while ((len = line_length(ch)) >= 0 || line_too_long(ch)) {
        size_t n = len >= 0 ? (size_t)len : ARGO_IO_LINE_MAX;
        struct ag_stream_record record = {
            .stream = AG_STREAM_INPUT,
            .kind = kind,
            .text = ag_utf8_sanitise(ag_fifo_data(&ch->in), n, NULL),
            .at = ag_wall_ms(),
        };
        if (len >= 0) {
            drop_line(ch, n);
        } else {
            ag_fifo_drop(&ch->in, n);
        }
        if (record.text != NULL) {
            ch->events.input(&record, ch->events_user);
        }
        free(record.text);
    }
}

void ag_channel_received(argo_io_channel *ch)
{
    if (ch->events.input != NULL) {
        deliver_lines(ch);
    }
}

void ag_channel_read_ended(argo_io_channel *ch, const argo_error *err)
{
    if (err == NULL) {
        ch->eof = true;
        ag_channel_received(ch);
    } else if (ch->read_error == NULL) {
        ch->read_error = ag_error_copy(err);
    }
}

void ag_channel_write_failed(argo_io_channel *ch, const argo_error *err, bool for_good)
{
    if (!ch->write_dead) {
        argo_error_free(ch->write_error);
        ch->write_error = ag_error_copy(err);
        ch->write_dead = for_good;
    }
}

void ag_channel_sent(argo_io_channel *ch)
{
    if (ch->high && ch->ops->queued(ch) <= AG_CHANNEL_HIGH / 2) {
        ch->high = false;
        if (ch->events.drained != NULL) {
            ch->events.drained(ch->events_user);
        }
    }
}

/* ---- the inner face ------------------------------------------------------------------------------ */

void ag_channel_set_events(argo_io_channel *ch, const struct ag_channel_events *events, void *user)
{
    ch->events = *events;
    ch->events_user = user;
    ag_channel_received(ch);
}

size_t ag_channel_write_record(argo_io_channel *ch, const struct ag_output_record *record)
{
    ch->ops->write_record(ch, record);
    size_t queued = ch->ops->queued(ch);
    ch->high = ch->high || queued > AG_CHANNEL_HIGH;
    return queued;
}

void ag_channel_deliver(argo_io_channel *ch, const struct ag_stream_record *record)
{
    if (ch->events.input != NULL) {
        ch->events.input(record, ch->events_user);
    }
}

/* ---- waiting -------------------------------------------------------------------------------------- */

static int check_open(const argo_io_channel *ch, bool valid, const char *what, argo_error **err)
{
    if (ch == NULL || !valid) {
        return ag_error_set(err, ARGO_E_INVALID, "%s: channel and arguments must be given", what);
    }
    if (ch->closed) {
        return ag_error_set(err, ARGO_E_STATE, "%s: the channel is closed", what);
    }
    return 0;
}

/* Dispatches until READY, which is not asked before. */
static int wait_for(argo_io_channel *ch, bool (*ready)(const argo_io_channel *ch), const char *what,
                    int64_t timeout_ms, argo_error **err)
{
    int64_t begin = ag_monotonic_ms();
    int r = ag_loop_dispatch(ch->loop, 0, err);
    while (r == 0 && !ready(ch)) {
        int64_t passed = ag_monotonic_ms() - begin;
        if (timeout_ms == 0) {
            return ARGO_E_WOULDBLOCK;
        }
        if (timeout_ms > 0 && passed >= timeout_ms) {
            return ag_error_set(err, ARGO_E_TIMEOUT, "%s within the time given", what);
        }
        int64_t left = timeout_ms < 0 ? -1 : timeout_ms - passed;
        r = ag_loop_dispatch(ch->loop, left > INT_MAX ? INT_MAX : (int)left, err);
    }
    return r;
}

/* ---- reading -------------------------------------------------------------------------------------- */

/* Nothing is there. */
static int end_of_input(const argo_io_channel *ch, argo_error **err)
{
    if (ch->read_error != NULL) {
        AG_AUTO(argo_error) copy = ag_error_copy(ch->read_error);
        int code = argo_error_code(copy);
        ag_error_move(err, &copy);
        return code;
    }
    return ch->eof ? ARGO_IO_EOF : ARGO_E_WOULDBLOCK;
}

static void tell_taken(argo_io_channel *ch)
{
    if (ch->ops->taken != NULL) {
        ch->ops->taken(ch);
    }
}

int argo_io_channel_read(argo_io_channel *channel, void *buffer, size_t size, size_t *len,
                         argo_error **err)
{
    int r = check_open(channel, buffer != NULL && size > 0 && len != NULL, "read", err);
    if (r == 0 && ag_fifo_len(&channel->in) == 0) {
        r = ag_loop_dispatch(channel->loop, 0, err);
    }
    if (r < 0) {
        return r;
    }
    size_t n = ag_fifo_len(&channel->in);
    if (n == 0) {
        return end_of_input(channel, err);
    }
    n = n < size ? n : size;
    memcpy(buffer, ag_fifo_data(&channel->in), n);
    ag_fifo_drop(&channel->in, n);
    *len = n;
    tell_taken(channel);
    return 0;
}

static bool line_is_there(const argo_io_channel *ch)
{
    return ch->eof || ch->read_error != NULL || line_length(ch) >= 0 || line_too_long(ch);
}

int argo_io_channel_read_line(argo_io_channel *channel, int64_t timeout_ms, char **line,
                              size_t *len, argo_error **err)
{
    int r = check_open(channel, line != NULL && timeout_ms >= -1, "read a line", err);
    if (r == 0 && !line_is_there(channel)) {
        r = wait_for(channel, line_is_there, "no line came", timeout_ms, err);
    }
    if (r < 0) {
        return r;
    }
    ssize_t n = line_length(channel);
    if (n < 0 && line_too_long(channel)) {
        return ag_error_set(err, ARGO_E_TOO_LARGE, "a line is longer than %d bytes",
                            ARGO_IO_LINE_MAX);
    }
    if (n < 0) {
        return end_of_input(channel, err);
    }
    char *copy = malloc((size_t)n + 1);
    if (copy == NULL) {
        return ag_error_nomem(err);
    }
    memcpy(copy, ag_fifo_data(&channel->in), (size_t)n);
    copy[n] = '\0';
    drop_line(channel, (size_t)n);
    *line = copy;
    if (len != NULL) {
        *len = (size_t)n;
    }
    tell_taken(channel);
    return 0;
}

bool argo_io_channel_eof(const argo_io_channel *channel)
{
    return channel != NULL && channel->eof && ag_fifo_len(&channel->in) == 0;
}

/* ---- writing -------------------------------------------------------------------------------------- */

/* What is not for good is told once. */
static int tell_write_error(argo_io_channel *ch, argo_error **err)
{
    int code = argo_error_code(ch->write_error);
    if (code < 0) {
        argo_error *copy = ch->write_dead ? ag_error_copy(ch->write_error) : NULL;
        ag_error_move(err, copy != NULL ? &copy : &ch->write_error);
    }
    return code;
}

/* Makes room as far as that goes without blocking. */
static int want_room(argo_io_channel *ch, size_t len, argo_error **err)
{
    if (len > ARGO_IO_BUFFER_MAX) {
        return ag_error_set(err, ARGO_E_TOO_LARGE, "%zu bytes at once: at most %d are allowed", len,
                            ARGO_IO_BUFFER_MAX);
    }
    if (ch->ops->queued(ch) + len <= ARGO_IO_BUFFER_MAX) {
        return 0;
    }
    int r = ag_loop_dispatch(ch->loop, 0, err);
    if (r < 0) {
        return r;
    }
    return ch->ops->queued(ch) + len <= ARGO_IO_BUFFER_MAX ? 0 : ARGO_E_WOULDBLOCK;
}

int argo_io_channel_write(argo_io_channel *channel, const void *data, size_t len, argo_error **err)
{
    int r = check_open(channel, data != NULL || len == 0, "write", err);
    r = r < 0 || len == 0 ? r : want_room(channel, len, err);
    if (r < 0 && r != ARGO_E_WOULDBLOCK) {
        return r;
    }
    int failed = tell_write_error(channel, err);
    if (failed < 0 || r < 0) {
        return failed < 0 ? failed : r;
    }
    return len > 0 ? channel->ops->write(channel, data, len, err) : 0;
}

int argo_io_channel_write_str(argo_io_channel *channel, const char *text, argo_error **err)
{
    int r = check_open(channel, text != NULL, "write", err);
    return r < 0 ? r : argo_io_channel_write(channel, text, strlen(text), err);
}

static bool all_sent(const argo_io_channel *ch)
{
    return ch->write_error != NULL || ch->ops->queued(ch) == 0;
}

int argo_io_channel_flush(argo_io_channel *channel, int64_t timeout_ms, argo_error **err)
{
    int r = check_open(channel, timeout_ms >= -1, "flush", err);
    if (r < 0) {
        return r;
    }
    if (channel->ops->flush != NULL) {
        channel->ops->flush(channel);
    }
    if (!all_sent(channel)) {
        r = wait_for(channel, all_sent, "not everything was sent", timeout_ms, err);
    }
    return r < 0 ? r : tell_write_error(channel, err);
}

size_t argo_io_channel_pending(const argo_io_channel *channel)
{
    return channel != NULL && !channel->closed ? channel->ops->queued(channel) : 0;
}

int argo_io_channel_close(argo_io_channel *channel, int64_t timeout_ms, argo_error **err)
{
    int r = check_open(channel, timeout_ms >= -1, "close", err);
    if (r == 0) {
        r = argo_io_channel_flush(channel, timeout_ms, err);
        release(channel);
    }
    return r;
}

/* ---- a host's loop -------------------------------------------------------------------------------- */

int argo_io_channel_get_fd(const argo_io_channel *channel)
{
    return channel != NULL ? ag_loop_fd(channel->loop) : -1;
}

short argo_io_channel_get_events(const argo_io_channel *channel)
{
    return POLLIN;
}

int argo_io_channel_get_timeout(const argo_io_channel *channel)
{
    return channel != NULL ? ag_loop_timeout(channel->loop) : -1;
}

int argo_io_channel_dispatch(argo_io_channel *channel, argo_error **err)
{
    if (channel == NULL) {
        return ag_error_set(err, ARGO_E_INVALID, "dispatch: channel must be given");
    }
    return ag_loop_dispatch(channel->loop, 0, err);
}
