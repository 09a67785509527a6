/*
 * Column widths and printing. Nothing here knows what the cells mean.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "terminal.h"

enum { GAP = 2, MIN_WIDTH = 4, READABLE = 10 };

void arc_table_init(struct arc_table *table, const char *const *headers)
{
    *table = (struct arc_table){.keep = 1};
    while (headers[table->columns] != NULL) {
        table->columns++;
    }
    for (size_t i = 0; i < table->columns; i++) {
        arc_table_add(table, headers[i]);
    }
}

void arc_table_clear(struct arc_table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (struct arc_table){0};
}

void arc_table_add(struct arc_table *table, const char *text)
{
    if (table->n % 64 == 0) {
        char **grown = realloc(table->cells, (table->n + 64) * sizeof(*grown));
        if (grown == NULL) {
            table->failed = 1;
            return;
        }
        table->cells = grown;
    }
    char *cell = arc_clean_text(text == NULL || *text == '\0' ? "-" : text, 1);
    if (cell == NULL) {
        table->failed = 1;
        return;
    }
    table->cells[table->n++] = cell;
}

/* The widest of the columns FROM to N; N: none of them can be cut. */
static size_t widest_of(const size_t *widths, size_t from, size_t n)
{
    size_t widest = n;
    for (size_t i = from; i < n; i++) {
        if (widths[i] > (widest == n ? MIN_WIDTH : widths[widest])) {
            widest = i;
        }
    }
    return widest;
}

void arc_table_fit(size_t *widths, size_t n, size_t keep, size_t gap, size_t width)
{
    for (;;) {
        size_t sum = n == 0 ? 0 : (n - 1) * gap;
        for (size_t i = 0; i < n; i++) {
            sum += widths[i];
        }
        size_t widest = widest_of(widths, keep, n);
        widest = widest < n ? widest : widest_of(widths, 0, n);
        if (width == 0 || sum <= width || widest == n) {
            return;
        }
        widths[widest]--;
    }
}

/* Prints TEXT in at most WIDTH columns; how many it took. */
static size_t print_cut(const char *text, size_t width, FILE *out)
{
    char *cut = arc_text_cut(text, width);
    size_t used = cut == NULL ? 0 : arc_text_width(cut);
    fputs(cut == NULL ? "" : cut, out);
    free(cut);
    return used;
}

/* Whether the columns SHOWN have room, with those that may be cut as short as can still be read. */
static bool has_room(const struct arc_table *table, const size_t *widths, const bool *shown,
                     size_t width)
{
    size_t sum = 0;
    for (size_t i = 0; i < table->columns; i++) {
        bool cut = i >= table->keep && widths[i] > READABLE;
        sum += !shown[i] ? 0 : GAP + (cut ? READABLE : widths[i]);
    }
    return sum <= width + GAP;
}

static void drop_columns(const struct arc_table *table, const size_t *widths, bool *shown,
                         size_t width)
{
    for (size_t d = 0; table->drop != NULL && table->drop[d] != NULL && width > 0 &&
                       !has_room(table, widths, shown, width);
         d++) {
        for (size_t i = 0; i < table->columns; i++) {
            shown[i] = shown[i] && strcmp(table->cells[i], table->drop[d]) != 0;
        }
    }
}

/* The widths of the columns SHOWN, one after the other. */
static void share(const struct arc_table *table, size_t *widths, size_t n, size_t width)
{
    size_t whole = table->whole ? table->keep : 0;
    size_t used = 0;
    for (size_t i = 0; i < whole; i++) {
        used += widths[i] + GAP;
    }
    size_t left = width == 0 ? 0 : width > used ? width - used : 1;
    arc_table_fit(widths + whole, n - whole, table->keep - whole, GAP, left);
}

static void print_row(const struct arc_table *table, char *const *cells, const bool *shown,
                      const size_t *widths, size_t n, FILE *out)
{
    size_t column = 0;
    for (size_t i = 0; i < table->columns; i++) {
        if (shown[i]) {
            bool last = column + 1 == n;
            size_t used = print_cut(cells[i], widths[column], out);
            fprintf(out, "%*s", last ? 0 : (int)(widths[column] - used + GAP), "");
            column++;
        }
    }
    fputc('\n', out);
}

void arc_table_print(const struct arc_table *table, FILE *out, size_t width)
{
    size_t widths[ARC_TABLE_COLUMNS] = {0};
    bool shown[ARC_TABLE_COLUMNS] = {0};
    size_t n = 0;
    if (table->failed) {
        fputs("(out of memory)\n", out);
        return;
    }
    for (size_t i = 0; i < table->n; i++) {
        size_t column = i % table->columns;
        size_t cell = arc_text_width(table->cells[i]);
        widths[column] = cell > widths[column] ? cell : widths[column];
        shown[column] = true;
    }
    drop_columns(table, widths, shown, width);
    for (size_t i = 0; i < table->columns; i++) {
        if (shown[i]) {
            widths[n++] = widths[i];
        }
    }
    share(table, widths, n, width);
    for (size_t i = 0; i + table->columns <= table->n; i += table->columns) {
        print_row(table, table->cells + i, shown, widths, n, out);
    }
}
