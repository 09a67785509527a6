/*
 * Server-Sent Events, read piece by piece: bytes in, whole events out. Only the `data` of an
 * event is kept. Lines end with LF, CRLF or CR; an event that the stream does not end is dropped.
 */
#ifndef AG_PROVIDER_SSE_H
#define AG_PROVIDER_SSE_H

#include "base/buf.h"

#define AG_SSE_LINE_MAX  ((size_t)1024 * 1024)
#define AG_SSE_EVENT_MAX ((size_t)4 * 1024 * 1024)

struct ag_sse {
    struct ag_buf in;    /* bytes not read yet */
    size_t at;           /* how far into IN */
    size_t searched;     /* no line end before this */
    struct ag_buf event; /* the data lines so far, a newline after each */
    bool has_data;
    bool after_cr; /* a LF that comes now belongs to the last line */
    bool begun;    /* a byte order mark has been looked for */
};

void ag_sse_init(struct ag_sse *s);
void ag_sse_free(struct ag_sse *s); /* may be used again */
int ag_sse_feed(struct ag_sse *s, const char *data, size_t len, argo_error **err);
/* 1: *DATA is the next event's text, NUL-terminated, valid until the next call; 0: more bytes are
 * needed; ARGO_E_TOO_LARGE: a line or an event exceeds its limit. */
int ag_sse_next(struct ag_sse *s, const char **data, size_t *len, argo_error **err);

#endif
