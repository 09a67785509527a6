/*
 * Text: copies, ids and nearest words. Numbers are in number.c, UTF-8 in utf8.c, times in time.c.
 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Longer words are never compared: nobody mistypes them, and the rows stay on the stack. */
#define WORD_MAX 64

char *ag_asprintf(const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, format);
    int len = vasprintf(&text, format, ap);
    va_end(ap);
    return len >= 0 ? text : NULL;
}

char *ag_strdup(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

char *ag_strndup(const char *text, size_t len)
{
    return text != NULL ? strndup(text, len) : NULL;
}

bool ag_streq(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool ag_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Not isalnum(): its answer depends on the locale of the host program. */
static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool ag_id_valid(const char *id)
{
    if (id == NULL || !is_alnum(id[0])) {
        return false;
    }
    size_t len = 1;
    for (; id[len] != '\0'; len++) {
        char c = id[len];
        if (len >= AG_ID_MAX || !(is_alnum(c) || c == '.' || c == '_' || c == '-')) {
            return false;
        }
        if (c == '.' && id[len - 1] == '.') {
            return false;
        }
    }
    return true;
}

int ag_id_check(const char *id, const char *what, argo_error **err)
{
    if (ag_id_valid(id)) {
        return 0;
    }
    return ag_error_set(err, ARGO_E_ID,
                        "%s: expected 1 to %d letters, digits, '.', '_' or '-', beginning with a "
                        "letter or digit and without \"..\", not \"%.64s\"",
                        what, AG_ID_MAX, id != NULL ? id : "");
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance in which two exchanged neighbours count as one edit; both at most WORD_MAX. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = min_size(min_size(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = min_size(row[j], above2[j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

const char *ag_nearest_word(const char *word, const char *const *words, size_t n)
{
    size_t len = strlen(word);
    if (len == 0 || len > WORD_MAX) {
        return NULL;
    }
    const char *nearest = NULL;
    size_t limit = len >= 3 ? len / 3 : 1; /* then one less than the best so far */
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(words[i]);
        size_t distance = other <= WORD_MAX ? edit_distance(word, len, words[i], other) : SIZE_MAX;
        if (distance == 0) {
            return words[i];
        }
        if (distance <= limit) {
            nearest = words[i];
            limit = distance - 1;
        }
    }
    return nearest;
}
