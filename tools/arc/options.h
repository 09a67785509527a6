/*
 * Command lines: long and short options before, between and after the positional arguments.
 */
#ifndef ARC_OPTIONS_H
#define ARC_OPTIONS_H

#include <stddef.h>

enum arc_option_kind {
    ARC_OPTION_FLAG, /* value: int *, becomes 1 */
    ARC_OPTION_TEXT, /* value: const char **, the last one given wins */
    ARC_OPTION_LIST  /* value: struct arc_list *, all of them in order */
};

struct arc_list {
    const char **items; /* the array is owned, the texts are argv's */
    size_t n;
};

struct arc_option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* or 0 */
    enum arc_option_kind kind;
    void *value;
};

/* What a command line is read against: two tables, so that the global options work everywhere. */
struct arc_syntax {
    const struct arc_option *options;
    const struct arc_option *globals; /* or NULL */
    int stop_at_first;                /* end before the first positional argument */
};

void arc_list_clear(struct arc_list *list);
void arc_list_add(struct arc_list *list, const char *item);

/* Reads ARGV[0..ARGC) into the tables' values and POSITIONAL. Returns how many arguments were
 * used, or -1 with one line in MESSAGE. */
int arc_options_parse(const struct arc_syntax *syntax, int argc, char **argv,
                      struct arc_list *positional, char *message, size_t size);

/* A whole decimal number in range, or -1: "abc" is no 0. */
long arc_parse_number(const char *text, long min, long max);

#endif
