/*
 * Keys as they are written and as they are meant: exact, by alias, or the nearest that is
 * missing.
 */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "template/outline.h"

/* More than the largest step type and the common keys have, aliases included. */
#define MAX_WORDS 96
/* No object of a template has so many members by mistake: the rest is not compared. */
#define MAX_GUESSES 64

const struct ag_key *ag_key_sets_find(struct ag_key_sets sets, const char *name)
{
    const struct ag_key *key = ag_keys_find(sets.a, name);
    return key == NULL && sets.b != NULL ? ag_keys_find(sets.b, name) : key;
}

static bool is_there(const struct ag_key *key, const ag_value *object)
{
    return ag_value_get(object, key->name) != NULL ||
           (key->alias != NULL && ag_value_get(object, key->alias) != NULL);
}

/* The spellings of all keys, or of those that OBJECT lacks. */
static size_t list_words(const struct ag_keys *keys, const ag_value *object,
                         const char *words[MAX_WORDS], size_t n)
{
    for (size_t i = 0; keys != NULL && i < keys->n; i++) {
        const struct ag_key *key = &keys->keys[i];
        if (object != NULL && is_there(key, object)) {
            continue;
        }
        assert(n + 2 <= MAX_WORDS);
        words[n++] = key->name;
        if (key->alias != NULL) {
            words[n++] = key->alias;
        }
    }
    return n;
}

const char *ag_key_sets_nearest(struct ag_key_sets sets, const char *name)
{
    const char *words[MAX_WORDS];
    size_t n = list_words(sets.a, NULL, words, 0);
    n = list_words(sets.b, NULL, words, n);
    return ag_nearest_word(name, words, n);
}

const struct ag_key *ag_key_sets_guess(struct ag_key_sets sets, const ag_value *object,
                                       const char *name)
{
    const struct ag_key *key = ag_key_sets_find(sets, name);
    if (key != NULL) {
        return key;
    }
    const char *words[MAX_WORDS];
    size_t n = list_words(sets.a, object, words, 0);
    n = list_words(sets.b, object, words, n);
    const char *word = ag_nearest_word(name, words, n);
    return word != NULL ? ag_key_sets_find(sets, word) : NULL;
}

struct ag_node ag_key_sets_member(struct ag_key_sets sets, const struct ag_node *parent,
                                  const char *key)
{
    struct ag_node member = ag_node_member(parent, key);
    const struct ag_key *wanted = ag_key_sets_find(sets, key);
    if (member.value == NULL && wanted != NULL && wanted->alias != NULL) {
        member = ag_node_member(parent, wanted->alias);
    }
    struct ag_value_iter it = {0};
    for (int i = 0; i < MAX_GUESSES && member.value == NULL && ag_value_next(parent->value, &it);
         i++) {
        if (it.key != NULL && ag_key_sets_guess(sets, parent->value, it.key) == wanted) {
            member = ag_node_member(parent, it.key);
        }
    }
    if (member.value == NULL) {
        member.key = key;
    }
    return member;
}

const char *ag_variable_path(const char *path)
{
    return ag_starts_with(path, "context.") ? path + strlen("context.") : path;
}

bool ag_variable_root(const char *path, char buf[AG_VARIABLE_SIZE])
{
    path = ag_variable_path(path);
    size_t len = strcspn(path, ".");
    if (len >= AG_VARIABLE_SIZE) {
        return false;
    }
    memcpy(buf, path, len);
    buf[len] = '\0';
    return true;
}
