/*
 * I/O channels: bytes and lines in both directions, over a socket, a socketpair, nothing, or a
 * workflow's output and input at a daemon.
 *
 * Nothing blocks but what takes a timeout. What is written is buffered, at most 1 MiB, and goes out
 * from argo_io_channel_dispatch, argo_io_channel_flush and whatever else waits. A host with a loop
 * of its own waits until argo_io_channel_get_fd is readable or argo_io_channel_get_timeout has
 * passed, calls argo_io_channel_dispatch, and then reads until it is told ARGO_E_WOULDBLOCK or
 * ARGO_IO_EOF. SIGPIPE is never raised.
 *
 * Outcomes: 0, or ARGO_IO_EOF, or a code of enum argo_code. ARGO_E_WOULDBLOCK comes without an
 * error object: *ERR stays as it was.
 *
 * Thread-safety: a channel belongs to one thread at a time. Not to be used after fork in the child.
 */
#ifndef ARGO_IO_CHANNEL_H
#define ARGO_IO_CHANNEL_H

#include <argo/context.h>

ARGO_BEGIN_DECLS

typedef struct argo_io_channel argo_io_channel;

/* What a read returns when everything has been read and nothing more comes. */
#define ARGO_IO_EOF 1

/* The longest line that argo_io_channel_read_line returns, without its newline; and how much may
 * be written and not sent yet. Bytes. */
#define ARGO_IO_LINE_MAX   65536
#define ARGO_IO_BUFFER_MAX 1048576

/* A channel over FD, a connected stream socket of any family, which may be in blocking mode: its
 * mode is left alone. On success the channel owns FD and closes it; on failure it stays the
 * caller's. Does not block. The caller frees *OUT. Errors: ARGO_E_INVALID (no stream socket),
 * ARGO_E_NOMEM, ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_new_fd(int fd, argo_io_channel **out, argo_error **err);

/* A channel and the other end of it: *PEER_FD, a connected UNIX stream socket in blocking mode,
 * close-on-exec, which the caller owns (it may become a channel too). Does not block. Errors:
 * ARGO_E_INVALID, ARGO_E_NOMEM, ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_new_socketpair(argo_io_channel **out, int *peer_fd,
                                               argo_error **err);

/* A channel that is at its end from the beginning, and forgets what is written. Errors:
 * ARGO_E_INVALID, ARGO_E_NOMEM, ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_new_null(argo_io_channel **out, argo_error **err);

struct argo_io_http_options {
    size_t size;             /* set by ARGO_IO_HTTP_OPTIONS_INIT */
    const char *workflow_id; /* required: the run */
    const char *url;         /* of the daemon, as for argo_client_new; NULL: the home's socket */
    const char *token;       /* NULL: the home's; with EPOCH, the run's, required */
    int64_t epoch;           /* 0: a user of the run; else the run itself, as its executor */
    int64_t after;           /* begin to read after the record of this number; 0: with the first */
    const char *name;        /* of the program, for `answered_via`; NULL: none */
};

#define ARGO_IO_HTTP_OPTIONS_INIT                                         \
    {                                                                     \
        sizeof(struct argo_io_http_options), NULL, NULL, NULL, 0, 0, NULL \
    }

/* A channel to a run over its daemon. For a user reading gives the run's output, to its end, and
 * each line that is written is one input: it answers the open question, or is kept for the next;
 * a line is at most ARGO_IO_LINE_MAX bytes and goes when its newline, a flush or the close comes.
 * For the run's executor writing gives output records of kind `text`, and reading the lines and
 * answers that were given (secret ones are empty).
 *
 * While the daemon is away both directions wait for it for as long as the home of CTX exists; what
 * was written arrives once. An input that is refused is told once, by the write (which then takes
 * nothing) or flush that follows, with the daemon's code and words; the channel goes on. A run
 * that does not exist (ARGO_E_NO_WORKFLOW) or is not to be had (ARGO_E_DENIED, ARGO_E_NO_TOKEN,
 * ARGO_E_FENCED) ends it. What is flushed has been committed by the daemon. No call that takes a
 * timeout may be made in the thread that runs the daemon.
 *
 * Strings are copied; CTX must outlive the channel. Does not connect and does not block. The
 * caller frees *OUT. Errors: ARGO_E_INVALID, ARGO_E_ID, ARGO_E_NOMEM, ARGO_E_SYSTEM. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_new_http(argo_context *ctx,
                                         const struct argo_io_http_options *options,
                                         argo_io_channel **out, argo_error **err);

/* Frees CHANNEL (NULL is allowed) and drops what was not sent: argo_io_channel_close first, to
 * keep it. Does not block. Since: 0.1 */
ARGO_PUBLIC void argo_io_channel_free(argo_io_channel *channel);

/* Reads what is there, at most SIZE (at least 1) bytes, into BUFFER. Does not block. 0: *LEN bytes,
 * at least 1; ARGO_IO_EOF; ARGO_E_WOULDBLOCK: nothing now. Errors: ARGO_E_INVALID, ARGO_E_STATE
 * (closed), ARGO_E_NOMEM, ARGO_E_SYSTEM (the socket's, after everything that came before it),
 * those of the daemon. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_read(argo_io_channel *channel, void *buffer, size_t size,
                                     size_t *len, argo_error **err);

/* Reads a line, waiting for it at most TIMEOUT_MS milliseconds (0: not at all, -1: without limit).
 * 0: *LINE, without its newline, NUL-terminated, which the caller frees with free(); LEN (may be
 * NULL) gets its length, for it may have NULs. What comes last without a newline is a line too.
 * ARGO_IO_EOF; ARGO_E_WOULDBLOCK: TIMEOUT_MS is 0 and there is no whole line; ARGO_E_TIMEOUT: none
 * came in time; what there is of it is kept. Errors: as argo_io_channel_read, and
 * ARGO_E_TOO_LARGE: longer than ARGO_IO_LINE_MAX; its bytes are still there for
 * argo_io_channel_read. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_read_line(argo_io_channel *channel, int64_t timeout_ms, char **line,
                                          size_t *len, argo_error **err);

/* Takes LEN bytes, all of them or none, to send them later: see above. Does not block. With LEN 0
 * it only tells whether an earlier write has failed. ARGO_E_WOULDBLOCK: not now, there would be
 * more than ARGO_IO_BUFFER_MAX bytes in the buffer. Errors: ARGO_E_TOO_LARGE (LEN is larger than
 * the buffer, or a line of input is too long), ARGO_E_INVALID, ARGO_E_STATE (closed), ARGO_E_NOMEM,
 * ARGO_E_SYSTEM (an earlier write has failed, as when the peer has gone; what was not sent is
 * lost), those of the daemon. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_write(argo_io_channel *channel, const void *data, size_t len,
                                      argo_error **err);
/* The same with a NUL-terminated text. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_write_str(argo_io_channel *channel, const char *text,
                                          argo_error **err);

/* Sends what was written, waiting at most TIMEOUT_MS milliseconds (0: what goes at once, -1:
 * without limit). 0: nothing is left; ARGO_E_WOULDBLOCK, ARGO_E_TIMEOUT: something is. Errors: as
 * argo_io_channel_write. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_flush(argo_io_channel *channel, int64_t timeout_ms,
                                      argo_error **err);

/* True when everything has been read and nothing more comes. Since: 0.1 */
ARGO_PUBLIC bool argo_io_channel_eof(const argo_io_channel *channel);

/* How many bytes have been written and not sent (over HTTP: not acknowledged; it counts a little
 * more for each record). Since: 0.1 */
ARGO_PUBLIC size_t argo_io_channel_pending(const argo_io_channel *channel);

/* Flushes as argo_io_channel_flush does and closes, whatever becomes of the flush: what it could
 * not send is lost, and its outcome returned. Afterwards reads and writes are ARGO_E_STATE, and so
 * is another close. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_close(argo_io_channel *channel, int64_t timeout_ms,
                                      argo_error **err);

/* For a host's own loop: the fd (owned by CHANNEL, -1 for NULL), the poll events to wait for on it,
 * and the milliseconds to wait at most: 0 for at once, -1 for no limit. Ask again after each
 * dispatch and each write. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_get_fd(const argo_io_channel *channel);
ARGO_PUBLIC short argo_io_channel_get_events(const argo_io_channel *channel);
ARGO_PUBLIC int argo_io_channel_get_timeout(const argo_io_channel *channel);

/* Sends and receives what goes without blocking. Errors: ARGO_E_INVALID, ARGO_E_SYSTEM; what
 * befalls the channel itself is told by the next read or write. Since: 0.1 */
ARGO_PUBLIC int argo_io_channel_dispatch(argo_io_channel *channel, argo_error **err);

ARGO_END_DECLS

#endif
