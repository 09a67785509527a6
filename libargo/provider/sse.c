/*
 * The reader of Server-Sent Events. It knows lines and fields, nothing of what the data mean.
 */
#include "provider/sse.h"

#include <string.h>

void ag_sse_init(struct ag_sse *s)
{
    *s = (struct ag_sse){
        /* One line, what came with it in one piece, and its end. */
        .in = AG_BUF_INIT(SIZE_MAX),
        .event = AG_BUF_INIT(AG_SSE_EVENT_MAX),
    };
}

void ag_sse_free(struct ag_sse *s)
{
    ag_buf_free(&s->in);
    ag_buf_free(&s->event);
    ag_sse_init(s);
}

int ag_sse_feed(struct ag_sse *s, const char *data, size_t len, argo_error **err)
{
    ag_buf_consume(&s->in, s->at);
    s->searched -= s->at;
    s->at = 0;
    ag_buf_add(&s->in, data, len);
    return ag_buf_check(&s->in, "an event stream", err);
}

/* The next line without its end: 1 and its place, 0 when it is not whole. */
static int next_line(struct ag_sse *s, const char **line, size_t *len, argo_error **err)
{
    if (s->after_cr && s->at < s->in.len) {
        s->after_cr = false;
        s->at += s->in.data[s->at] == '\n' ? 1 : 0;
    }
    size_t i = s->searched > s->at ? s->searched : s->at;
    while (i < s->in.len && s->in.data[i] != '\n' && s->in.data[i] != '\r') {
        i++;
    }
    s->searched = i;
    *len = i - s->at;
    if (*len > AG_SSE_LINE_MAX) {
        return ag_error_set(err, ARGO_E_TOO_LARGE, "a line of the event stream exceeds %zu bytes",
                            AG_SSE_LINE_MAX);
    }
    if (i == s->in.len) {
        return 0;
    }
    *line = s->in.data + s->at;
    s->after_cr = s->in.data[i] == '\r';
    s->at = i + 1;
    s->searched = s->at;
    return 1;
}

static void take_line(struct ag_sse *s, const char *line, size_t len)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (!s->begun && len >= 3 && memcmp(line, mark, 3) == 0) {
        line += 3;
        len -= 3;
    }
    s->begun = true;
    if (len < 4 || memcmp(line, "data", 4) != 0 || (len > 4 && line[4] != ':')) {
        return; /* a comment, or a field that we have no use for */
    }
    size_t skip = len > 4 ? 5 : 4;
    skip += skip < len && line[skip] == ' ' ? 1 : 0;
    s->has_data = true;
    ag_buf_add(&s->event, line + skip, len - skip);
    ag_buf_add_char(&s->event, '\n');
}

/* The event of which the last line has been read; its last newline does not belong to it. */
static void end_event(struct ag_sse *s, const char **data, size_t *len)
{
    s->has_data = false;
    *len = --s->event.len;
    s->event.data[*len] = '\0';
    *data = s->event.data;
}

int ag_sse_next(struct ag_sse *s, const char **data, size_t *len, argo_error **err)
{
    const char *line = NULL;
    size_t n = 0;
    int rc;
    if (!s->has_data) {
        ag_buf_clear(&s->event);
    }
    while ((rc = next_line(s, &line, &n, err)) == 1) {
        if (n > 0) {
            take_line(s, line, n);
        } else if (s->has_data) {
            rc = ag_buf_check(&s->event, "an event", err);
            if (rc == 0) {
                end_event(s, data, len);
            }
            return rc == 0 ? 1 : rc;
        }
    }
    return rc;
}
