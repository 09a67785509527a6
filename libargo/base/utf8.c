/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. NUL
 * counts as invalid, because text here ends with one.
 */
#include <string.h>

#include "base/text.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* The length that a lead byte promises; 0 for a byte that leads nothing. */
static size_t lead_length(unsigned char c)
{
    if (c < 0x80) {
        return c != 0 ? 1 : 0;
    }
    if (c >= 0xc2 && c <= 0xdf) {
        return 2;
    }
    if (c >= 0xe0 && c <= 0xef) {
        return 3;
    }
    return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

/* The range of the second byte is what excludes overlong forms, surrogates and > U+10FFFF. */
static bool second_byte_ok(unsigned char lead, unsigned char c)
{
    switch (lead) {
    case 0xe0:
        return c >= 0xa0 && c <= 0xbf;
    case 0xed:
        return c >= 0x80 && c <= 0x9f;
    case 0xf0:
        return c >= 0x90 && c <= 0xbf;
    case 0xf4:
        return c >= 0x80 && c <= 0x8f;
    default:
        return c >= 0x80 && c <= 0xbf;
    }
}

/* The length of the valid character at the start of P, 0 if there is none. */
static size_t char_length(const unsigned char *p, size_t len)
{
    size_t n = lead_length(p[0]);
    if (n > len || (n > 1 && !second_byte_ok(p[0], p[1]))) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* How many bytes at the start of TEXT are valid characters. */
static size_t valid_prefix(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t done = 0;
    while (done < len) {
        if (p[done] < 0x80 && p[done] != '\0') { /* most are */
            done++;
            continue;
        }
        size_t n = char_length(p + done, len - done);
        if (n == 0) {
            break;
        }
        done += n;
    }
    return done;
}

bool ag_utf8_valid(const char *text, size_t len)
{
    return valid_prefix(text, len) == len;
}

static size_t count_invalid(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = valid_prefix(text, len); i < len; i += valid_prefix(text + i, len - i)) {
        count++;
        i++;
    }
    return count;
}

char *ag_utf8_sanitise(const char *text, size_t len, size_t *out_len)
{
    size_t size = len + count_invalid(text, len) * (sizeof(replacement) - 2);
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        return NULL;
    }
    char *to = copy;
    for (size_t i = 0; i < len;) {
        size_t n = valid_prefix(text + i, len - i);
        to = mempcpy(to, text + i, n);
        i += n;
        if (i < len) {
            to = mempcpy(to, replacement, sizeof(replacement) - 1);
            i++;
        }
    }
    *to = '\0';
    if (out_len != NULL) {
        *out_len = size;
    }
    return copy;
}

size_t ag_utf8_complete(const char *text, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)text[len - back];
        if ((c & 0xc0) != 0x80) {
            return lead_length(c) > back ? len - back : len;
        }
    }
    return len;
}
