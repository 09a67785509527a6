/*
 * The sanitizer as a state machine over bytes, so that no border between chunks changes what it
 * does. It writes no terminal itself.
 *
 * A newline ends every escape sequence: none that is meant to be shown contains one, and a string
 * that is never closed must not swallow the rest of a run's output.
 */
#include "terminal.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

struct sink {
    char *out;
    size_t len;
};

static void put(struct sink *sink, const void *bytes, size_t n)
{
    memcpy(sink->out + sink->len, bytes, n);
    sink->len += n;
}

/* The length that a lead byte promises; 0 for a byte that leads nothing. */
static unsigned lead_length(unsigned char c)
{
    if (c >= 0xc2 && c <= 0xdf) {
        return 2;
    }
    if (c >= 0xe0 && c <= 0xef) {
        return 3;
    }
    return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

/* No overlong forms, no surrogates, nothing above U+10FFFF: the second byte decides. */
static bool continues(const unsigned char *pending, unsigned have, unsigned char c)
{
    if (c < 0x80 || c > 0xbf) {
        return false;
    }
    if (have > 1) {
        return true;
    }
    switch (pending[0]) {
    case 0xe0:
        return c >= 0xa0;
    case 0xed:
        return c <= 0x9f;
    case 0xf0:
        return c >= 0x90;
    case 0xf4:
        return c <= 0x8f;
    default:
        return true;
    }
}

static uint32_t decode(const unsigned char *p, unsigned n)
{
    uint32_t c = p[0] & (0xffU >> (n + 1));
    for (unsigned i = 1; i < n; i++) {
        c = (c << 6) | (p[i] & 0x3fU);
    }
    return c;
}

/* Characters that no text needs in order to be read: they reverse its order, or cannot be seen and
 * may carry another text. Joiners and the plain variation selectors stay: scripts and emoji need
 * them. */
static bool is_treacherous(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00ad, 0x00ad},   /* soft hyphen */
        {0x061c, 0x061c},   /* Arabic letter mark */
        {0x180e, 0x180e},   /* Mongolian vowel separator */
        {0x200b, 0x200b},   /* zero width space */
        {0x200e, 0x200f},   /* left-to-right and right-to-left marks */
        {0x2028, 0x202e},   /* line and paragraph separators, embeddings and overrides */
        {0x2060, 0x206f},   /* word joiner, invisible operators, isolates, deprecated controls */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xfff9, 0xfffb},   /* interlinear annotation */
        {0xe0000, 0xe0fff}, /* tags, variation selectors of the supplement */
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* C1 characters open the same sequences as ESC and their letter do. */
static enum arc_clean_state after_c1(uint32_t c)
{
    switch (c) {
    case 0x9b:
        return ARC_CLEAN_CSI;
    case 0x90:
    case 0x98:
    case 0x9d:
    case 0x9e:
    case 0x9f:
        return ARC_CLEAN_STRING;
    default:
        return ARC_CLEAN_TEXT;
    }
}

static void complete_character(struct arc_clean *clean, struct sink *sink)
{
    uint32_t c = decode(clean->pending, clean->need);
    if (c >= 0x80 && c <= 0x9f) {
        clean->state = after_c1(c);
    } else if (!is_treacherous(c)) {
        put(sink, clean->pending, clean->need);
    }
    clean->have = clean->need = 0;
}

static void text_byte(struct arc_clean *clean, unsigned char c, struct sink *sink)
{
    if (clean->have > 0) {
        if (continues(clean->pending, clean->have, c)) {
            clean->pending[clean->have++] = c;
            if (clean->have == clean->need) {
                complete_character(clean, sink);
            }
            return;
        }
        put(sink, replacement, 3);
        clean->have = clean->need = 0;
    }
    if (c == 0x1b) {
        clean->state = ARC_CLEAN_ESCAPE;
    } else if (c >= 0x80) {
        clean->need = lead_length(c);
        if (clean->need == 0) {
            put(sink, replacement, 3);
        } else {
            clean->pending[clean->have++] = c;
        }
    } else if (c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f)) {
        put(sink, &c, 1);
    }
}

static void escape_byte(struct arc_clean *clean, unsigned char c)
{
    if (c == '[') {
        clean->state = ARC_CLEAN_CSI;
    } else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_') {
        clean->state = ARC_CLEAN_STRING;
    } else if (c >= 0x30 && c <= 0x7e) {
        clean->state = ARC_CLEAN_TEXT;
    }
    /* Intermediate bytes (0x20-0x2f) and DEL: the sequence goes on. */
}

static void csi_byte(struct arc_clean *clean, unsigned char c)
{
    if (c >= 0x40 && c <= 0x7e) {
        clean->state = ARC_CLEAN_TEXT;
    }
}

static void string_byte(struct arc_clean *clean, unsigned char c)
{
    bool half = clean->state == ARC_CLEAN_STRING_C2;
    if (c == 0x07 || (half && c == 0x9c)) {
        clean->state = ARC_CLEAN_TEXT;
    } else {
        clean->state = c == 0xc2 ? ARC_CLEAN_STRING_C2 : ARC_CLEAN_STRING;
    }
}

/* What ends or replaces a sequence of any kind. True when C is dealt with. */
static bool common_byte(struct arc_clean *clean, unsigned char c, struct sink *sink)
{
    bool in_string = clean->state == ARC_CLEAN_STRING || clean->state == ARC_CLEAN_STRING_C2;
    if (c == 0x1b) {
        clean->state = ARC_CLEAN_ESCAPE; /* ESC \ is an escape of one letter: it ends a string */
    } else if (c == 0x18 || c == 0x1a) {
        clean->state = ARC_CLEAN_TEXT;
    } else if (c == '\n' || (c >= 0x80 && !in_string)) {
        clean->state = ARC_CLEAN_TEXT;
        text_byte(clean, c, sink);
    } else {
        return c < 0x20 && c != 0x07; /* other controls inside a sequence: dropped */
    }
    return true;
}

size_t arc_clean_feed(struct arc_clean *clean, const char *text, size_t len, char *out)
{
    struct sink sink = {.out = out};
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (clean->state == ARC_CLEAN_TEXT) {
            text_byte(clean, c, &sink);
        } else if (common_byte(clean, c, &sink)) {
            continue;
        } else if (clean->state == ARC_CLEAN_ESCAPE) {
            escape_byte(clean, c);
        } else if (clean->state == ARC_CLEAN_CSI) {
            csi_byte(clean, c);
        } else {
            string_byte(clean, c);
        }
    }
    return sink.len;
}

size_t arc_clean_finish(struct arc_clean *clean, char *out)
{
    size_t len = clean->have > 0 ? 3 : 0;
    memcpy(out, replacement, len);
    *clean = (struct arc_clean){0};
    return len;
}

char *arc_clean_text(const char *text, int one_line)
{
    size_t len = text == NULL ? 0 : strlen(text);
    char *out = malloc(ARC_CLEAN_SIZE(len) + 4);
    if (out == NULL) {
        return NULL;
    }
    struct arc_clean clean = {0};
    size_t n = arc_clean_feed(&clean, text, len, out);
    n += arc_clean_finish(&clean, out + n);
    out[n] = '\0';
    for (size_t i = 0; one_line && i < n; i++) {
        if (out[i] == '\n' || out[i] == '\t') {
            out[i] = ' ';
        }
    }
    return out;
}
