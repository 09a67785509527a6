/*
 * Byte buffer with a mandatory maximum and a sticky error: after a failed append every further
 * one fails, so a caller checks once, at the end. The content is always NUL-terminated.
 */
#ifndef AG_BASE_BUF_H
#define AG_BASE_BUF_H

#include "base/error.h"

struct ag_buf {
    char *data; /* NULL while empty; use ag_buf_text */
    size_t len;
    size_t cap;
    size_t max;
    int failed; /* 0, ARGO_E_TOO_LARGE or ARGO_E_NOMEM */
};

#define AG_BUF_INIT(maximum) \
    {                        \
        .max = (maximum)     \
    }

static inline void ag_buf_init(struct ag_buf *b, size_t max)
{
    *b = (struct ag_buf)AG_BUF_INIT(max);
}

void ag_buf_free(struct ag_buf *b); /* keeps max; may be used again */
int ag_buf_add(struct ag_buf *b, const void *data, size_t len);
int ag_buf_add_text(struct ag_buf *b, const char *text);
int ag_buf_add_char(struct ag_buf *b, char c);
int ag_buf_add_int(struct ag_buf *b, int64_t n); /* in decimal */
int ag_buf_printf(struct ag_buf *b, const char *format, ...) ARGO_PRINTF(2, 3);
/* Room for LEN more bytes to be written at data + len, then ag_buf_commit. NULL on failure. */
char *ag_buf_reserve(struct ag_buf *b, size_t len);
void ag_buf_commit(struct ag_buf *b, size_t len);
void ag_buf_consume(struct ag_buf *b, size_t len); /* drops LEN bytes from the front */
void ag_buf_fail(struct ag_buf *b, int code); /* as if an append had failed; the first one counts */
void ag_buf_clear(struct ag_buf *b);          /* empties, keeps memory, resets the error */
const char *ag_buf_text(const struct ag_buf *b); /* never NULL */
char *ag_buf_take(struct ag_buf *b);             /* caller frees; NULL if failed or no memory */
int ag_buf_check(const struct ag_buf *b, const char *what, argo_error **err);

static inline void ag_auto_buf_p(struct ag_buf *b)
{
    ag_buf_free(b);
}

#define ag_auto_buf __attribute__((cleanup(ag_auto_buf_p))) struct ag_buf

#endif
