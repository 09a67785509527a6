/*
 * What is pasted comes between ESC [ 200 ~ and ESC [ 201 ~. Of control characters newlines and tabs
 * stay; newlines at the end do not, as nothing but Enter sends an answer.
 */
#include "paste.h"

#include <stdbool.h>
#include <stdlib.h>
#include <wchar.h>

enum { PASTE_MAX = 64 * 1024, END_LENGTH = 6 };

static const wchar_t end[] = L"\033[201~";

static bool has_ended(const wchar_t *text, size_t len)
{
    return len >= END_LENGTH && wmemcmp(text + len - END_LENGTH, end, END_LENGTH) == 0;
}

/* Up to the end mark, or until nothing comes any more; what is too much is read and dropped. */
static size_t gather(EditLine *el, wchar_t *text)
{
    size_t len = 0;
    wchar_t c;
    while (!has_ended(text, len) && el_wgetc(el, &c) == 1) {
        if (len == PASTE_MAX) { /* what may be the end stays */
            len--;
            wmemmove(text + len + 1 - END_LENGTH, text + len + 2 - END_LENGTH, END_LENGTH - 1);
        }
        text[len++] = c;
    }
    return has_ended(text, len) ? len - END_LENGTH : len;
}

static size_t clean(wchar_t *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        wchar_t c = text[i];
        if (c == L'\r' && i + 1 < len && text[i + 1] == L'\n') {
            continue;
        }
        c = c == L'\r' ? L'\n' : c;
        if (c == L'\n' || c == L'\t' || (c >= L' ' && (c < 0x7f || c > 0x9f))) {
            text[n++] = c;
        }
    }
    while (n > 0 && text[n - 1] == L'\n') {
        n--;
    }
    return n;
}

static unsigned char paste(EditLine *el, int key)
{
    (void)key;
    wchar_t *text = calloc(PASTE_MAX + 1, sizeof(*text));
    if (text == NULL) {
        return CC_ERROR;
    }
    size_t len = clean(text, gather(el, text));
    text[len] = L'\0';
    int r = len == 0 ? 0 : el_winsertstr(el, text);
    free(text);
    return r < 0 ? CC_ERROR : CC_REFRESH;
}

void arc_paste_set_up(EditLine *el)
{
    el_wset(el, EL_ADDFN, L"arc-paste", L"Insert what is pasted", paste); /* el_set would leak */
    el_set(el, EL_BIND, "\033[200~", "arc-paste", NULL);
}
