/*
 * The nearest word to a mistyped one. Pure functions.
 */
#ifndef ARC_SUGGEST_H
#define ARC_SUGGEST_H

#include <stddef.h>

/* How many letters must be put in, taken out, replaced or swapped with their neighbour. */
size_t arc_distance(const char *a, const char *b);

/* Keeps the nearest of the words offered so far: start with {.word = WORD}. */
struct arc_suggestion {
    const char *word;
    const char *nearest; /* NULL: none is near enough (a third of its length, at least 1) */
    size_t distance;
};

void arc_suggest(struct arc_suggestion *suggestion, const char *candidate);

#endif
