/*
 * Tables of text that fit the terminal: the widest columns are cut first. Cells are made safe to
 * show when they are added.
 */
#ifndef ARC_TABLE_H
#define ARC_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "width.h"

enum { ARC_TABLE_COLUMNS = 8 };

struct arc_table {
    size_t columns;
    size_t keep; /* so many columns are cut last: 1, the name, unless it is changed */
    bool whole;  /* and those are never cut */
    const char *const
        *drop;    /* headers of columns that go, in this order, where all do not fit; or NULL */
    char **cells; /* row by row, the headers first; owned */
    size_t n;
    int failed; /* memory ran out: what is printed says so */
};

/* HEADERS end with NULL, at most ARC_TABLE_COLUMNS. */
void arc_table_init(struct arc_table *table, const char *const *headers);
void arc_table_clear(struct arc_table *table);
/* The next cell, left to right, row by row. NULL or "" shows as "-". */
void arc_table_add(struct arc_table *table, const char *text);
/* WIDTH is the terminal's columns, 0: no limit. */
void arc_table_print(const struct arc_table *table, FILE *out, size_t width);

/* Shares WIDTH among N columns that want WIDTHS, changing the largest first, and the first KEEP only
 * when that is not enough; none goes below what it needs up to 4. */
void arc_table_fit(size_t *widths, size_t n, size_t keep, size_t gap, size_t width);

#endif
