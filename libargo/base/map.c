/*
 * The hash map: open addressing with linear probing; removal closes the gap, so there are no
 * tombstones. Keys come from users, so each map hashes with a random key of its own: a polynomial
 * over a prime field, whose collisions nobody can prepare without knowing that key.
 */
#include "base/map.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/text.h"

#define HASH_PRIME    0x7fffffffu /* 2^31 - 1: products fit 64 bits */
#define FIRST_BITS    3
#define GOLDEN_RATIO  0x9e3779b97f4a7c15u
#define NEAREST_KEYS  1000
#define MAX_LOAD(cap) ((cap) / 4 * 3)

struct slot {
    char *key; /* NULL: free */
    void *value;
    uint32_t hash;
};

struct ag_map {
    void (*free_value)(void *);
    struct slot *slots; /* 2^bits of them; NULL while the map has never held anything */
    unsigned bits;
    size_t size;
    uint32_t hash_key;
};

ag_map *ag_map_new(void (*free_value)(void *))
{
    ag_map *m = calloc(1, sizeof(*m));
    uint32_t random = 0;
    if (m == NULL || ag_random(&random, sizeof(random), NULL) < 0) {
        free(m);
        return NULL;
    }
    m->free_value = free_value;
    m->hash_key = 1 + random % (HASH_PRIME - 1);
    return m;
}

static size_t capacity(const ag_map *m)
{
    return m->slots != NULL ? (size_t)1 << m->bits : 0;
}

static void free_value(const ag_map *m, void *value)
{
    if (m->free_value != NULL) {
        m->free_value(value);
    }
}

void ag_map_free(ag_map *m)
{
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < capacity(m); i++) {
        if (m->slots[i].key != NULL) {
            free(m->slots[i].key);
            free_value(m, m->slots[i].value);
        }
    }
    free(m->slots);
    free(m);
}

static uint32_t hash_text(const ag_map *m, const char *key)
{
    uint64_t h = m->hash_key;
    for (const unsigned char *p = (const unsigned char *)key; *p != '\0'; p++) {
        h = (h * m->hash_key + *p) % HASH_PRIME;
    }
    return (uint32_t)h;
}

static size_t home_slot(uint32_t hash, unsigned bits)
{
    return (size_t)(hash * GOLDEN_RATIO >> (64 - bits));
}

/* The slot of KEY, or the free one where it would go. The map has at least one free slot. */
static size_t find_slot(const ag_map *m, const char *key, uint32_t hash)
{
    size_t mask = capacity(m) - 1;
    size_t i = home_slot(hash, m->bits);
    while (m->slots[i].key != NULL &&
           (m->slots[i].hash != hash || strcmp(m->slots[i].key, key) != 0)) {
        i = (i + 1) & mask;
    }
    return i;
}

static struct slot *find(const ag_map *m, const char *key)
{
    if (m == NULL || m->size == 0) {
        return NULL;
    }
    struct slot *s = &m->slots[find_slot(m, key, hash_text(m, key))];
    return s->key != NULL ? s : NULL;
}

void *ag_map_get(const ag_map *m, const char *key)
{
    const struct slot *s = find(m, key);
    return s != NULL ? s->value : NULL;
}

static bool grow(ag_map *m)
{
    unsigned bits = m->slots != NULL ? m->bits + 1 : FIRST_BITS;
    size_t mask = ((size_t)1 << bits) - 1;
    struct slot *slots = calloc(mask + 1, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < capacity(m); i++) {
        if (m->slots[i].key != NULL) {
            size_t to = home_slot(m->slots[i].hash, bits);
            while (slots[to].key != NULL) {
                to = (to + 1) & mask;
            }
            slots[to] = m->slots[i];
        }
    }
    free(m->slots);
    m->slots = slots;
    m->bits = bits;
    return true;
}

int ag_map_put(ag_map *m, const char *key, void *value)
{
    struct slot *old = find(m, key);
    if (old != NULL) {
        void *replaced = old->value;
        old->value = value;
        if (replaced != value) {
            free_value(m, replaced);
        }
        return 0;
    }
    if (m->size >= MAX_LOAD(capacity(m)) && !grow(m)) {
        return ARGO_E_NOMEM;
    }
    char *copy = ag_strdup(key);
    if (copy == NULL) {
        return ARGO_E_NOMEM;
    }
    uint32_t hash = hash_text(m, key);
    m->slots[find_slot(m, key, hash)] = (struct slot){.key = copy, .value = value, .hash = hash};
    m->size++;
    return 0;
}

/* Empties slot GAP and moves up the later ones that had been pushed past it. */
static void close_gap(ag_map *m, size_t gap)
{
    size_t mask = capacity(m) - 1;
    for (size_t i = (gap + 1) & mask; m->slots[i].key != NULL; i = (i + 1) & mask) {
        size_t home = home_slot(m->slots[i].hash, m->bits);
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            m->slots[gap] = m->slots[i];
            gap = i;
        }
    }
    m->slots[gap] = (struct slot){0};
}

static bool take(ag_map *m, const char *key, void **value)
{
    struct slot *s = find(m, key);
    if (s == NULL) {
        return false;
    }
    *value = s->value;
    free(s->key); /* KEY itself may be this text: not used again */
    close_gap(m, (size_t)(s - m->slots));
    m->size--;
    return true;
}

bool ag_map_remove(ag_map *m, const char *key)
{
    void *value = NULL;
    if (!take(m, key, &value)) {
        return false;
    }
    free_value(m, value);
    return true;
}

void *ag_map_take(ag_map *m, const char *key)
{
    void *value = NULL;
    take(m, key, &value);
    return value;
}

size_t ag_map_size(const ag_map *m)
{
    return m != NULL ? m->size : 0;
}

bool ag_map_next(const ag_map *m, size_t *cursor, const char **key, void **value)
{
    while (m != NULL && *cursor < capacity(m)) {
        const struct slot *s = &m->slots[(*cursor)++];
        if (s->key != NULL) {
            *key = s->key;
            *value = s->value;
            return true;
        }
    }
    return false;
}

const char *ag_map_nearest(const ag_map *m, const char *word)
{
    const char *keys[NEAREST_KEYS];
    size_t cursor = 0, n = 0;
    void *value = NULL;
    while (n < NEAREST_KEYS && ag_map_next(m, &cursor, &keys[n], &value)) {
        n++;
    }
    return ag_nearest_word(word, keys, n);
}
