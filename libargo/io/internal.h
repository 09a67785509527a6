/*
 * What the kinds of channels share: the object, its buffers, and what each kind implements. Only
 * the files of this directory include this, and tests that bring a kind of their own.
 */
#ifndef AG_IO_INTERNAL_H
#define AG_IO_INTERNAL_H

#include "base/buf.h"
#include "io/channel.h"

/* Bytes that come in at the back and leave at the front. */
struct ag_fifo {
    struct ag_buf buf;
    size_t start; /* what lies before it has left */
};

static inline size_t ag_fifo_len(const struct ag_fifo *f)
{
    return f->buf.len - f->start;
}

static inline const char *ag_fifo_data(const struct ag_fifo *f)
{
    return ag_buf_text(&f->buf) + f->start;
}

/* Room for LEN more bytes, then ag_buf_commit of `buf`. NULL: above its maximum, or no memory. */
static inline char *ag_fifo_reserve(struct ag_fifo *f, size_t len)
{
    ag_buf_consume(&f->buf, f->start);
    f->start = 0;
    f->buf.failed = 0;
    return ag_buf_reserve(&f->buf, len);
}

static inline bool ag_fifo_add(struct ag_fifo *f, const void *data, size_t len)
{
    return ag_fifo_reserve(f, len) != NULL && ag_buf_add(&f->buf, data, len) == 0;
}

static inline void ag_fifo_drop(struct ag_fifo *f, size_t len)
{
    f->start += len;
    if (f->start == f->buf.len) {
        ag_buf_clear(&f->buf);
        f->start = 0;
    }
}

struct ag_channel_ops {
    size_t size; /* of the kind's struct, which begins with the channel */
    /* Takes DATA, for which there is room. */
    int (*write)(argo_io_channel *ch, const char *data, size_t len, argo_error **err);
    void (*write_record)(argo_io_channel *ch, const struct ag_output_record *record);
    void (*flush)(argo_io_channel *ch); /* what `write` keeps back is to go too; NULL: nothing is */
    size_t (*queued)(const argo_io_channel *ch);
    void (*taken)(argo_io_channel *ch);   /* some of `in` was read; NULL: nothing to do */
    void (*release)(argo_io_channel *ch); /* lets go of everything but the object */
};

struct argo_io_channel {
    const struct ag_channel_ops *ops;
    ag_loop *loop;
    bool own_loop;
    bool closed;
    bool eof;               /* nothing follows what is in `in` */
    bool write_dead;        /* nothing can be written any more */
    bool high;              /* so much is queued that `drained` has to follow */
    struct ag_fifo in;      /* received and not read */
    argo_error *read_error; /* follows what is in `in`, and stays */
    argo_error *write_error;
    struct ag_channel_events events;
    void *events_user;
};

/* Makes a channel of a kind, all zero but for the common part. IN_MAX: of `in`. */
int ag_channel_new(const struct ag_channel_ops *ops, ag_loop *loop, size_t in_max,
                   argo_io_channel **out, argo_error **err);

/* For the kinds. More is in `in`; it is at its end, for a reason or without one. */
void ag_channel_received(argo_io_channel *ch);
void ag_channel_read_ended(argo_io_channel *ch, const argo_error *err);
/* What was written could not be sent; FOR_GOOD: nor can anything else. */
void ag_channel_write_failed(argo_io_channel *ch, const argo_error *err, bool for_good);
/* Less is queued than before. The last thing that is done: it calls back. */
void ag_channel_sent(argo_io_channel *ch);

/* More input is wanted: a line may still be incomplete at its greatest length. */
static inline bool ag_channel_hungry(const argo_io_channel *ch)
{
    return !ch->eof && ch->read_error == NULL && ag_fifo_len(&ch->in) <= ARGO_IO_LINE_MAX;
}

#endif
