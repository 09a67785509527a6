/*
 * The option parser. It prints nothing: what is wrong goes into the caller's message.
 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"

void arc_list_clear(struct arc_list *list)
{
    free(list->items);
    *list = (struct arc_list){0};
}

void arc_list_add(struct arc_list *list, const char *item)
{
    const char **grown = realloc(list->items, (list->n + 1) * sizeof(*grown));
    if (grown == NULL) {
        abort(); /* a command line that does not fit into memory */
    }
    list->items = grown;
    list->items[list->n++] = item;
}

static const struct arc_option *find(const struct arc_option *table, const char *name, size_t len,
                                     char letter)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (letter != 0 ? table->letter == letter
                        : strlen(table->name) == len && strncmp(table->name, name, len) == 0) {
            return table;
        }
    }
    return NULL;
}

/* A command's own options first: --url of `ci add` is the CI's. *VALUE: where its value goes. */
static const struct arc_option *find_either(const struct arc_syntax *syntax, const char *name,
                                            size_t len, char letter, void **value)
{
    const struct arc_option *option = find(syntax->options, name, len, letter);
    char *values = syntax->values;
    if (option == NULL) {
        option = find(syntax->globals, name, len, letter);
        values = syntax->global_values;
    }
    *value = option == NULL ? NULL : values + option->at;
    return option;
}

static int unknown(const struct arc_syntax *syntax, const char *name, size_t len, char *message,
                   size_t size)
{
    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)(len < 63 ? len : 63), name);
    struct arc_suggestion suggestion = {.word = word};
    const struct arc_option *tables[] = {syntax->options, syntax->globals};
    for (size_t i = 0; i < 2; i++) {
        for (const struct arc_option *o = tables[i]; o != NULL && o->name != NULL; o++) {
            arc_suggest(&suggestion, o->name);
        }
    }
    if (suggestion.nearest != NULL) {
        snprintf(message, size, "unknown option '--%s': did you mean '--%s'?", word,
                 suggestion.nearest);
    } else {
        snprintf(message, size, "unknown option '--%s'", word);
    }
    return -1;
}

static void set(const struct arc_option *option, void *at, const char *value)
{
    if (option->kind == ARC_OPTION_FLAG) {
        *(int *)at = 1;
    } else if (option->kind == ARC_OPTION_TEXT) {
        *(const char **)at = value;
    } else {
        arc_list_add(at, value);
    }
}

/* --name, --name=value, --name value. Returns the arguments used. */
static int long_option(const struct arc_syntax *syntax, int argc, char **argv, char *message,
                       size_t size)
{
    const char *name = argv[0] + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    void *at = NULL;
    const struct arc_option *option = find_either(syntax, name, len, 0, &at);
    if (option == NULL) {
        return unknown(syntax, name, len, message, size);
    }
    if (option->kind == ARC_OPTION_FLAG && value != NULL) {
        snprintf(message, size, "option '--%s' takes no value", option->name);
        return -1;
    }
    int used = 1;
    if (option->kind != ARC_OPTION_FLAG && value == NULL) {
        if (argc < 2) {
            snprintf(message, size, "option '--%s' needs a value", option->name);
            return -1;
        }
        value = argv[1];
        used = 2;
    }
    set(option, at, value);
    return used;
}

/* -x, -xvalue, -x value; flags may be joined: -ab. */
static int short_options(const struct arc_syntax *syntax, int argc, char **argv, char *message,
                         size_t size)
{
    for (const char *p = argv[0] + 1; *p != '\0'; p++) {
        void *at = NULL;
        const struct arc_option *option = find_either(syntax, "", 0, *p, &at);
        if (option == NULL) {
            snprintf(message, size, "unknown option '-%c'", *p);
            return -1;
        }
        if (option->kind == ARC_OPTION_FLAG) {
            set(option, at, NULL);
            continue;
        }
        if (p[1] == '\0' && argc < 2) {
            snprintf(message, size, "option '-%c' needs a value", *p);
            return -1;
        }
        set(option, at, p[1] != '\0' ? p + 1 : argv[1]);
        return p[1] != '\0' ? 1 : 2;
    }
    return 1;
}

int arc_options_parse(const struct arc_syntax *syntax, int argc, char **argv,
                      struct arc_list *positional, char *message, size_t size)
{
    int i = 0;
    while (i < argc) {
        const char *arg = argv[i];
        int used = 1;
        if (strcmp(arg, "--") == 0) {
            for (i++; i < argc; i++) {
                arc_list_add(positional, argv[i]);
            }
            return argc;
        }
        if (arg[0] == '-' && arg[1] == '-') {
            used = long_option(syntax, argc - i, argv + i, message, size);
        } else if (arg[0] == '-' && arg[1] != '\0') {
            used = short_options(syntax, argc - i, argv + i, message, size);
        } else if (syntax->stop_at_first) {
            return i;
        } else {
            arc_list_add(positional, arg);
        }
        if (used < 0) {
            return -1;
        }
        i += used;
    }
    return i;
}

long arc_parse_number(const char *text, long min, long max)
{
    char *end = NULL;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n < min || n > max) {
        return -1;
    }
    return n;
}
