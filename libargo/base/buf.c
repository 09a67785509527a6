/*
 * The bounded byte buffer. It grows by doubling and never beyond its maximum; it must not be
 * given data that lies inside itself.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define FIRST_CAPACITY 64

void ag_buf_free(struct ag_buf *b)
{
    free(b->data);
    ag_buf_init(b, b->max);
}

/* Makes room for LEN more bytes and the NUL. */
static bool grow(struct ag_buf *b, size_t len)
{
    if (b->failed != 0) {
        return false;
    }
    size_t max = b->max < PTRDIFF_MAX ? b->max : PTRDIFF_MAX - 1;
    if (len > max - b->len) {
        b->failed = ARGO_E_TOO_LARGE;
        return false;
    }
    size_t need = b->len + len + 1;
    if (need <= b->cap) {
        return true;
    }
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAPACITY;
    while (cap < need) {
        cap *= 2;
    }
    if (cap > max + 1) {
        cap = max + 1;
    }
    char *data = realloc(b->data, cap);
    if (data == NULL) {
        b->failed = ARGO_E_NOMEM;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

char *ag_buf_reserve(struct ag_buf *b, size_t len)
{
    return grow(b, len) ? b->data + b->len : NULL;
}

void ag_buf_commit(struct ag_buf *b, size_t len)
{
    assert(b->len + len < b->cap);
    b->len += len;
    b->data[b->len] = '\0';
}

int ag_buf_add(struct ag_buf *b, const void *data, size_t len)
{
    char *room = ag_buf_reserve(b, len);
    if (room == NULL) {
        return b->failed;
    }
    if (len > 0) {
        memcpy(room, data, len);
    }
    ag_buf_commit(b, len);
    return 0;
}

int ag_buf_add_text(struct ag_buf *b, const char *text)
{
    return ag_buf_add(b, text, strlen(text));
}

int ag_buf_add_char(struct ag_buf *b, char c)
{
    return ag_buf_add(b, &c, 1);
}

int ag_buf_add_int(struct ag_buf *b, int64_t n)
{
    char text[24];
    char *at = text + sizeof(text);
    uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (n < 0) {
        *--at = '-';
    }
    return ag_buf_add(b, at, (size_t)(text + sizeof(text) - at));
}

int ag_buf_printf(struct ag_buf *b, const char *format, ...)
{
    va_list measure;
    va_list ap;
    va_start(measure, format);
    int len = vsnprintf(NULL, 0, format, measure);
    va_end(measure);
    char *room = len >= 0 ? ag_buf_reserve(b, (size_t)len) : NULL;
    if (room == NULL) {
        ag_buf_fail(b, ARGO_E_NOMEM); /* printf itself failed: it has no other reason */
        return b->failed;
    }
    va_start(ap, format);
    vsnprintf(room, (size_t)len + 1, format, ap);
    va_end(ap);
    ag_buf_commit(b, (size_t)len);
    return 0;
}

void ag_buf_consume(struct ag_buf *b, size_t len)
{
    assert(len <= b->len);
    if (len > 0) {
        b->len -= len;
        memmove(b->data, b->data + len, b->len + 1);
    }
}

void ag_buf_fail(struct ag_buf *b, int code)
{
    b->failed = b->failed != 0 ? b->failed : code;
}

void ag_buf_clear(struct ag_buf *b)
{
    b->len = 0;
    b->failed = 0;
    if (b->data != NULL) {
        b->data[0] = '\0';
    }
}

const char *ag_buf_text(const struct ag_buf *b)
{
    return b->data != NULL ? b->data : "";
}

char *ag_buf_take(struct ag_buf *b)
{
    if (b->failed != 0) {
        return NULL;
    }
    char *text = b->data != NULL ? b->data : ag_strdup("");
    if (text != NULL) {
        ag_buf_init(b, b->max);
    }
    return text;
}

int ag_buf_check(const struct ag_buf *b, const char *what, argo_error **err)
{
    switch (b->failed) {
    case 0:
        return 0;
    case ARGO_E_TOO_LARGE:
        return ag_error_set(err, ARGO_E_TOO_LARGE, "%s is larger than %zu bytes", what, b->max);
    default:
        return ag_error_nomem(err);
    }
}
