/*
 * Widths by wcwidth: two columns for CJK and emoji, none for what combines.
 */
#include "width.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Decodes one character: its bytes and columns. Bytes that are no character count as one each. */
static size_t next_character(const char *text, mbstate_t *state, size_t *columns)
{
    wchar_t c = 0;
    size_t n = mbrtowc(&c, text, MB_LEN_MAX, state);
    if (n == 0) {
        return 0;
    }
    if (n == SIZE_MAX || n == SIZE_MAX - 1) {
        memset(state, 0, sizeof(*state));
        *columns = 1;
        return 1;
    }
    int width = wcwidth(c);
    *columns = width < 0 ? 1 : (size_t)width;
    return n;
}

size_t arc_text_width(const char *text)
{
    mbstate_t state = {0};
    size_t width = 0;
    size_t columns = 0;
    for (size_t n; (n = next_character(text, &state, &columns)) > 0; text += n) {
        width += columns;
    }
    return width;
}

char *arc_text_cut(const char *text, size_t width)
{
    if (arc_text_width(text) <= width) {
        return strdup(text);
    }
    mbstate_t state = {0};
    size_t len = 0;
    size_t used = 0;
    size_t columns = 0;
    for (size_t n; (n = next_character(text + len, &state, &columns)) > 0; len += n) {
        if (used + columns + 1 > width) {
            break;
        }
        used += columns;
    }
    char *out = malloc(len + MB_LEN_MAX);
    if (out != NULL) {
        memcpy(out, text, len);
        strcpy(out + len, width == 0 ? "" : MB_CUR_MAX > 1 ? "\xe2\x80\xa6" : "~");
    }
    return out;
}

size_t arc_text_rows(const char *text, size_t width)
{
    mbstate_t state = {0};
    size_t rows = 0;
    size_t column = 0;
    size_t columns = 0;
    if (width == 0) {
        return 0;
    }
    for (size_t n; (n = next_character(text, &state, &columns)) > 0; text += n) {
        bool full = column + columns > width;
        if (*text == '\n') {
            rows++;
            column = 0;
            continue;
        }
        rows += full ? 1 : 0;
        column = (full ? 0 : column) + columns;
    }
    return rows + (column == width ? 1 : 0);
}
