/*
 * JSON with places. The value and every error come from wire/; the scanner here runs over text
 * that is known to be valid and only counts.
 */
#include <assert.h>
#include <string.h>

#include "template/source.h"

struct scan {
    ag_source *source;
    unsigned line, column;

    struct {
        size_t place;
        bool is_object;
    } open[AG_JSON_DEPTH + 1];

    size_t depth;
    bool key_next;    /* in an object, before a key */
    bool after_colon; /* the value has its key's place */
};

static int begin_value(struct scan *s)
{
    if (s->after_colon) {
        s->after_colon = false;
        return 0;
    }
    return ag_source_place(s->source, s->line, s->column);
}

static int open_container(struct scan *s, bool is_object)
{
    int rc = begin_value(s);
    s->open[s->depth].place = s->source->n_places - 1;
    s->open[s->depth].is_object = is_object;
    s->depth++;
    s->key_next = is_object;
    return rc;
}

static void close_container(struct scan *s)
{
    s->depth--;
    ag_source_end(s->source, s->open[s->depth].place);
}

/* The bytes of a string from its opening quote on, or of a number or word. */
static size_t token_length(const char *text, size_t len)
{
    if (text[0] != '"') {
        size_t n = 0;
        while (n < len && strchr(" \t\r\n,]}", text[n]) == NULL) {
            n++;
        }
        return n;
    }
    size_t n = 1;
    while (n < len && text[n] != '"') {
        n += text[n] == '\\' ? 2 : 1;
    }
    return n + 1;
}

static void advance(struct scan *s, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            s->line++;
            s->column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            s->column++;
        }
    }
}

static int scan_scalar(struct scan *s)
{
    int rc;
    if (s->key_next) {
        rc = ag_source_place(s->source, s->line, s->column);
        s->key_next = false;
    } else {
        rc = begin_value(s);
    }
    /* A container that follows this key ends its place anew. */
    ag_source_end(s->source, s->source->n_places - 1);
    return rc;
}

static int scan_token(struct scan *s, char c)
{
    switch (c) {
    case '{':
    case '[':
        return open_container(s, c == '{');
    case '}':
    case ']':
        close_container(s);
        return 0;
    case ',':
        assert(s->depth > 0); /* it has been parsed already */
        s->key_next = s->open[s->depth - 1].is_object;
        return 0;
    case ':':
        s->after_colon = true;
        return 0;
    default:
        return scan_scalar(s);
    }
}

int ag_source_parse_json(ag_source *source, const char *text, size_t len, argo_error **err)
{
    int rc = ag_value_parse(text, len, &source->value, err);
    if (rc != 0) {
        return rc;
    }
    struct scan s = {.source = source, .line = 1, .column = 1};
    size_t i = 0;
    while (i < len) {
        size_t n = 1;
        if (strchr(" \t\r\n", text[i]) == NULL) {
            n = strchr("{}[],:", text[i]) != NULL ? 1 : token_length(text + i, len - i);
            if (scan_token(&s, text[i]) != 0) {
                return ag_error_nomem(err);
            }
        }
        advance(&s, text + i, n);
        i += n;
    }
    return 0;
}
