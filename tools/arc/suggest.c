/*
 * Edit distance with three rows; words longer than any command are far from everything.
 */
#include "suggest.h"

#include <stdint.h>
#include <string.h>

enum { MAX_WORD = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t arc_distance(const char *a, const char *b)
{
    size_t rows[3][MAX_WORD + 1];
    size_t la = strlen(a);
    size_t lb = strlen(b);
    if (la > MAX_WORD || lb > MAX_WORD) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= lb; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], above2[j - 2] + 1);
            }
        }
    }
    return rows[la % 3][lb];
}

void arc_suggest(struct arc_suggestion *suggestion, const char *candidate)
{
    size_t limit = strlen(suggestion->word) / 3;
    size_t distance = arc_distance(suggestion->word, candidate);
    if (distance > (limit == 0 ? 1 : limit)) {
        return;
    }
    if (suggestion->nearest == NULL || distance < suggestion->distance) {
        suggestion->nearest = candidate;
        suggestion->distance = distance;
    }
}
