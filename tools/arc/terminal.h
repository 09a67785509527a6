/*
 * The sanitizer: what models, commands and the daemon say becomes text that cannot control the
 * terminal. Newline and tab stay; control characters, escape sequences (whole ones, also when they
 * are cut between two chunks), bidirectional controls and what cannot be seen go; invalid UTF-8
 * becomes U+FFFD.
 */
#ifndef ARC_TERMINAL_H
#define ARC_TERMINAL_H

#include <stddef.h>

enum arc_clean_state {
    ARC_CLEAN_TEXT,
    ARC_CLEAN_ESCAPE,   /* after ESC, and its intermediate bytes */
    ARC_CLEAN_CSI,      /* ESC [ ... */
    ARC_CLEAN_STRING,   /* OSC, DCS, SOS, PM, APC: up to ST or BEL */
    ARC_CLEAN_STRING_C2 /* in a string, after 0xC2: half of an ST of two bytes */
};

/* Zero is the start. */
struct arc_clean {
    enum arc_clean_state state;
    unsigned char pending[4]; /* a character whose end has not come yet */
    unsigned have, need;
};

/* The most bytes that LEN bytes can become, with what was pending. */
#define ARC_CLEAN_SIZE(len) (3 * ((len) + 2))

/* Writes at most ARC_CLEAN_SIZE(LEN) bytes to OUT and returns how many. */
size_t arc_clean_feed(struct arc_clean *clean, const char *text, size_t len, char *out);
/* The stream ends here: a character cut in two becomes U+FFFD (3 bytes). Back to the start. */
size_t arc_clean_finish(struct arc_clean *clean, char *out);

/* A whole text at once; with ONE_LINE newlines and tabs become spaces. The caller frees it. NULL
 * without memory. TEXT NULL gives "". */
char *arc_clean_text(const char *text, int one_line);

#endif
