/*
 * Hash map from text (copied) to pointer. Iteration order is unspecified. NULL is an empty map to
 * everything but ag_map_put.
 */
#ifndef AG_BASE_MAP_H
#define AG_BASE_MAP_H

#include "base/error.h"

typedef struct ag_map ag_map;

ag_map *ag_map_new(void (*free_value)(void *)); /* FREE_VALUE may be NULL; NULL without memory */
void ag_map_free(ag_map *m);
void *ag_map_get(const ag_map *m, const char *key);
/* Replaces (and frees) an older value. On failure VALUE still belongs to the caller. */
int ag_map_put(ag_map *m, const char *key, void *value) AG_MUST_CHECK;
bool ag_map_remove(ag_map *m, const char *key);
void *ag_map_take(ag_map *m, const char *key); /* removes without freeing the value */
size_t ag_map_size(const ag_map *m);
/* *CURSOR starts at 0; false at the end. The map may not change meanwhile. */
bool ag_map_next(const ag_map *m, size_t *cursor, const char **key, void **value);
/* The key nearest to WORD, as ag_nearest_word finds it among the first 1,000; or NULL. */
const char *ag_map_nearest(const ag_map *m, const char *word);

AG_DEFINE_AUTO(ag_map, ag_map_free)

#endif
