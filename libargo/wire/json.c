/*
 * The writer of json.h: commas, escapes, numbers. Values that are trees already are printed by
 * value.c; the escapes are the same here and there.
 */
#include "wire/json.h"

#include <string.h>

#include "base/text.h"

static bool comma_due(const struct ag_buf *out)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '{';
    return last != '{' && last != '[' && last != ':' && last != ' ' && last != '\n';
}

/* Before a value. */
static void begin(struct ag_buf *out)
{
    if (comma_due(out)) {
        ag_buf_add_char(out, ',');
    }
}

void ag_json_open(struct ag_buf *out, char bracket)
{
    begin(out);
    ag_buf_add_char(out, bracket);
}

void ag_json_close(struct ag_buf *out, char bracket)
{
    ag_buf_add_char(out, bracket);
}

void ag_json_key(struct ag_buf *out, const char *key)
{
    size_t len = strlen(key);
    char *room = ag_buf_reserve(out, len + 4);
    char *to = room;
    if (room == NULL) {
        return;
    }
    if (comma_due(out)) {
        *to++ = ',';
    }
    *to++ = '"';
    to = mempcpy(to, key, len);
    to = mempcpy(to, "\":", 2);
    ag_buf_commit(out, (size_t)(to - room));
}

static bool is_plain(char c)
{
    return (unsigned char)c >= ' ' && c != '"' && c != '\\';
}

static void add_escape(struct ag_buf *out, char c)
{
    static const char short_ones[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = strchr(short_ones, c);
    if (found != NULL) {
        ag_buf_add_char(out, '\\');
        ag_buf_add_char(out, letters[found - short_ones]);
    } else {
        ag_buf_printf(out, "\\u%04X", (unsigned)c);
    }
}

void ag_json_text(struct ag_buf *out, const char *text)
{
    if (text == NULL) {
        ag_json_value(out, NULL);
        return;
    }
    size_t len = strlen(text);
    ag_auto_free char *clean = NULL;
    if (!ag_utf8_valid(text, len)) {
        text = clean = ag_utf8_sanitise(text, len, &len);
        if (text == NULL) {
            ag_buf_fail(out, ARGO_E_NOMEM);
            return;
        }
    }
    begin(out);
    ag_buf_add_char(out, '"');
    for (const char *end = text + len; text < end;) {
        const char *from = text;
        while (text < end && is_plain(*text)) {
            text++;
        }
        ag_buf_add(out, from, (size_t)(text - from));
        if (text < end) {
            add_escape(out, *text++);
        }
    }
    ag_buf_add_char(out, '"');
}

void ag_json_int(struct ag_buf *out, int64_t n)
{
    begin(out);
    ag_buf_add_int(out, n);
}

void ag_json_bool(struct ag_buf *out, bool yes)
{
    begin(out);
    ag_buf_add_text(out, yes ? "true" : "false");
}

void ag_json_written(struct ag_buf *out, const struct ag_buf *values)
{
    if (values->failed != 0) {
        ag_buf_fail(out, values->failed);
    } else if (values->len > 0) {
        begin(out);
        ag_buf_add(out, values->data, values->len);
    }
}

void ag_json_value(struct ag_buf *out, const ag_value *v)
{
    begin(out);
    ag_value_write(v, out);
}
