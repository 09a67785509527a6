/*
 * Command lines: long and short options before, between and after the positional arguments.
 */
#ifndef ARC_OPTIONS_H
#define ARC_OPTIONS_H

#include <stddef.h>

enum arc_option_kind {
    ARC_OPTION_FLAG, /* int, becomes 1 */
    ARC_OPTION_TEXT, /* const char *, the last one given wins */
    ARC_OPTION_LIST  /* struct arc_list, all of them in order */
};

/* What may stand in a place, for completion. */
enum arc_words {
    ARC_WORDS_NONE,
    ARC_WORDS_FILE,
    ARC_WORDS_DIRECTORY,
    ARC_WORDS_COMMAND,
    ARC_WORDS_WORKFLOW, /* one that has not ended */
    ARC_WORDS_ANY_RUN,  /* any workflow */
    ARC_WORDS_TEMPLATE, /* its name, or a file */
    ARC_WORDS_CI,
    ARC_WORDS_SESSION,
    ARC_WORDS_QUESTION,
    ARC_WORDS_STATE,
    ARC_WORDS_PROVIDER,
    ARC_WORDS_SETTING,
    ARC_WORDS_SHELL
};

struct arc_list {
    const char **items; /* the array is owned, the texts are argv's */
    size_t n;
};

/* Said once, for the parser, the help and completion. */
struct arc_option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* or 0 */
    enum arc_option_kind kind;
    size_t at;            /* where its value goes, in the struct that the table is about */
    const char *argument; /* what its value is called; NULL for a flag */
    const char *help;
    enum arc_words words;
};

/* What a command line is read against: two tables, so that the global options work everywhere, and
 * the structs that they are about. */
struct arc_syntax {
    const struct arc_option *options; /* or NULL */
    void *values;
    const struct arc_option *globals; /* or NULL */
    void *global_values;
    int stop_at_first; /* end before the first positional argument */
};

void arc_list_clear(struct arc_list *list);
void arc_list_add(struct arc_list *list, const char *item);

/* Reads ARGV[0..ARGC) into the structs and POSITIONAL. Returns how many arguments were
 * used, or -1 with one line in MESSAGE. */
int arc_options_parse(const struct arc_syntax *syntax, int argc, char **argv,
                      struct arc_list *positional, char *message, size_t size);

/* A whole decimal number in range, or -1: "abc" is no 0. */
long arc_parse_number(const char *text, long min, long max);

#endif
